//! The same values in other memory layouts.

use std::fmt;

use numloom_data::{Array, ByteOrder, DType, Order, View, ViewMut};

/// How the elements of an array lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// Row by row without gaps, aligned.
    Contiguous,
    /// Every other place of each axis, the places between filled with rubbish.
    Strided,
    /// Backwards along each axis.
    Reversed,
    /// Stored once along each axis on which the values do not change; as contiguous where they do.
    Broadcast,
    /// Without gaps, one byte off any alignment.
    Unaligned,
    /// Bytes of each element the other way round.
    Swapped,
    /// Column by column.
    Fortran,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Layout; 7] = [
        Layout::Contiguous,
        Layout::Strided,
        Layout::Reversed,
        Layout::Broadcast,
        Layout::Unaligned,
        Layout::Swapped,
        Layout::Fortran,
    ];
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

/// What lies between the elements that count: no valid value of most dtypes, and a NaN of none.
const RUBBISH: u8 = 0xa5;

/// An array laid out in a chosen way.
#[derive(Debug)]
pub struct Laid {
    layout: Layout,
    dtype: DType,
    shape: Vec<usize>,
    /// The shape as stored: longer or shorter than `shape`.
    stored: Vec<usize>,
    /// The bytes, and how many of them stand before the first element.
    bytes: Vec<u8>,
    skip: usize,
}

impl Laid {
    /// The values of `array` in `layout`.
    #[must_use]
    pub fn new(array: &View<'_>, layout: Layout) -> Laid {
        let mut laid = Laid::blank(array.dtype(), array.shape(), layout);
        if layout == Layout::Broadcast {
            laid.stored = (0..array.ndim())
                .map(|axis| stored_extent(array, axis))
                .collect();
        }
        let mut source = array.clone();
        for axis in 0..array.ndim() {
            source = source
                .slice_axis(axis, None, Some(laid.stored_logical(axis)), 1)
                .expect("the axis exists");
        }
        laid.stored_mut()
            .assign(&source)
            .expect("the shapes are equal");
        laid
    }

    /// Room for an array of this dtype and shape in `layout`, full of rubbish. `Broadcast` is as `Contiguous`: no two elements
    /// of an output share a place.
    #[must_use]
    pub fn blank(dtype: DType, shape: &[usize], layout: Layout) -> Laid {
        let stored: Vec<usize> = match layout {
            Layout::Strided => shape.iter().map(|n| 2 * n + 1).collect(),
            _ => shape.to_vec(),
        };
        let n: usize = stored.iter().product();
        // A vector's address suits no more than 16 bytes; over that, `skip` sets it where it has to be.
        let mut bytes = vec![RUBBISH; n * dtype.itemsize() + 32];
        let offset = bytes.as_ptr().align_offset(16);
        let skip = if layout == Layout::Unaligned {
            offset + 1
        } else {
            offset
        };
        bytes.truncate(skip + n * dtype.itemsize());
        Laid {
            layout,
            dtype,
            shape: shape.to_vec(),
            stored,
            bytes,
            skip,
        }
    }

    /// The bound up to which an axis is stored, as seen by the logical view.
    fn stored_logical(&self, axis: usize) -> isize {
        let n = if self.layout == Layout::Broadcast {
            self.stored[axis]
        } else {
            self.shape[axis]
        };
        n.cast_signed()
    }

    /// Where the values are written: all stored elements that count, in logical order.
    fn stored_mut(&mut self) -> ViewMut<'_> {
        let itemsize = self.dtype.itemsize();
        let n: usize = self.stored.iter().product();
        let bytes = &mut self.bytes[self.skip..][..n * itemsize];
        let order = if self.layout == Layout::Fortran {
            Order::F
        } else {
            Order::C
        };
        let mut view = ViewMut::from_bytes(bytes, self.dtype, &self.stored, order)
            .expect("the bytes were counted");
        for axis in 0..self.stored.len() {
            view = match self.layout {
                Layout::Strided => view
                    .slice_axis(axis, Some(1), None, 2)
                    .expect("the axis exists"),
                Layout::Reversed => view.reversed(axis).expect("the axis exists"),
                _ => view,
            };
        }
        if self.layout == Layout::Swapped {
            view.with_byte_order(ByteOrder::Swapped)
        } else {
            view
        }
    }

    /// The array.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        let itemsize = self.dtype.itemsize();
        let n: usize = self.stored.iter().product();
        let bytes = &self.bytes[self.skip..][..n * itemsize];
        let order = if self.layout == Layout::Fortran {
            Order::F
        } else {
            Order::C
        };
        let mut view = View::from_bytes(bytes, self.dtype, &self.stored, order)
            .expect("the bytes were counted");
        for axis in 0..self.stored.len() {
            view = match self.layout {
                Layout::Strided => view
                    .slice_axis(axis, Some(1), None, 2)
                    .expect("the axis exists"),
                Layout::Reversed => view.reversed(axis).expect("the axis exists"),
                _ => view,
            };
        }
        match self.layout {
            Layout::Swapped => view.with_byte_order(ByteOrder::Swapped),
            Layout::Broadcast => view.broadcast_to(&self.shape).expect("axes of one stretch"),
            _ => view,
        }
    }

    /// The array, to be written to.
    #[must_use]
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        self.stored_mut()
    }

    /// Whether everything beside the elements is still rubbish: whether a write went astray.
    #[must_use]
    pub fn gaps_are_untouched(&self) -> bool {
        if self.layout != Layout::Strided {
            return true;
        }
        let shape: Vec<usize> = self
            .stored
            .iter()
            .copied()
            .chain([self.dtype.itemsize()])
            .collect();
        let mut index = vec![0; shape.len()];
        self.bytes[self.skip..].iter().all(|&byte| {
            let gap = index[..shape.len() - 1].iter().any(|i| i % 2 == 0);
            for (i, &extent) in index.iter_mut().zip(&shape).rev() {
                *i += 1;
                if *i < extent {
                    break;
                }
                *i = 0;
            }
            !gap || byte == RUBBISH
        })
    }

    /// A row-major copy.
    #[must_use]
    pub fn to_array(&self) -> Array {
        self.view().to_array().expect("a small array is copied")
    }
}

/// 1 if the values do not change along `axis`, else its extent.
fn stored_extent(array: &View<'_>, axis: usize) -> usize {
    let extent = array.shape()[axis];
    let slice = |i| {
        array
            .index_axis(axis, i)
            .expect("the index is below the extent")
    };
    let constant = (1..extent).all(|i| slice(i).scalars().eq(slice(0).scalars()));
    if constant { extent.min(1) } else { extent }
}

#[cfg(test)]
mod tests {
    use numloom_data::Scalar;

    use super::*;

    #[test]
    fn every_layout_holds_the_same_values() {
        let values: Vec<i32> = (0..24).map(|i| i / 4 * 1000).collect();
        for (shape, n) in [
            (vec![24], 24),
            (vec![2, 3, 4], 24),
            (vec![0, 3], 0),
            (vec![], 1),
        ] {
            let array = Array::from_slice(&values[..n], &shape).unwrap();
            for layout in Layout::ALL {
                let mut laid = Laid::new(&array.view(), layout);
                assert_eq!(laid.to_array(), array, "{layout} {shape:?}");
                assert!(laid.gaps_are_untouched());
                laid.view_mut().fill(&Scalar::I32(7)).unwrap();
                assert!(laid.gaps_are_untouched(), "{layout}");
                assert!(laid.view().scalars().all(|x| x == Scalar::I32(7)));
            }
        }
    }

    #[test]
    fn layouts_are_what_they_are_called() {
        let array = Array::from_slice(&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0], &[2, 3]).unwrap();
        let laid = |layout| Laid::new(&array.view(), layout);
        assert_eq!(laid(Layout::Contiguous).view().strides(), [24, 8]);
        assert_eq!(laid(Layout::Strided).view().strides(), [2 * 7 * 8, 16]);
        assert_eq!(laid(Layout::Reversed).view().strides(), [-24, -8]);
        assert_eq!(laid(Layout::Broadcast).view().strides()[1], 0);
        assert_eq!(laid(Layout::Fortran).view().strides(), [8, 16]);
        assert!(
            !laid(Layout::Unaligned).view().is_aligned()
                && laid(Layout::Contiguous).view().is_aligned()
        );
        assert!(!laid(Layout::Swapped).view().is_native());
    }

    #[test]
    fn a_stray_write_shows() {
        let mut laid = Laid::blank(DType::U8, &[3], Layout::Strided);
        let last = laid.bytes.len() - 1;
        laid.bytes[last] = 0;
        assert!(!laid.gaps_are_untouched());
    }
}
