#![expect(
    unsafe_code,
    reason = "views follow pointers, and are sent between threads"
)]
//! Borrowed strided arrays.
//!
//! A [`View`] reads and a [`ViewMut`] writes; both hold a pointer, a dtype, a byte order, a shape and strides in bytes. A
//! [`RawView`] is the same without a promise, for code that shares one output between threads.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use crate::array::Array;
use crate::dims::Dims;
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{DataError, DataErrorKind};
use crate::gather;
use crate::scalar::Scalar;
use crate::shape::{self, Order};
use crate::strided::Strided;

/// Whether the bytes of each element lie as this machine would write them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// As this machine's.
    #[default]
    Native,
    /// The other way round.
    Swapped,
}

impl ByteOrder {
    /// Little-endian, as seen from this machine.
    pub const LITTLE: ByteOrder = if cfg!(target_endian = "little") {
        ByteOrder::Native
    } else {
        ByteOrder::Swapped
    };

    /// Big-endian, as seen from this machine.
    pub const BIG: ByteOrder = if cfg!(target_endian = "big") {
        ByteOrder::Native
    } else {
        ByteOrder::Swapped
    };
}

/// A strided array without lifetime: what [`View::raw`] and [`ViewMut::raw_mut`] show, to be copied between threads.
///
/// Using the pointer is up to the holder's proof; [`gather`](RawView::gather) and [`scatter`](RawView::scatter) state
/// theirs.
#[derive(Clone, Copy, Debug)]
pub struct RawView<'s> {
    /// Address of the element at index 0, 0, ….
    pub ptr: *mut u8,
    /// Type of the elements.
    pub dtype: DType,
    /// Order of the bytes in each element.
    pub byte_order: ByteOrder,
    /// Extents.
    pub shape: &'s [usize],
    /// Steps in bytes, one per extent.
    pub strides: &'s [isize],
}

// SAFETY: a `RawView` is numbers; every use of its pointer is an `unsafe` operation with its own contract.
unsafe impl Send for RawView<'_> {}
// SAFETY: as above.
unsafe impl Sync for RawView<'_> {}

/// A borrowed array to read from.
///
/// Cloning copies the description, never the elements; up to four axes live in place, without allocation.
///
/// ```
/// use numloom_data::{Scalar, View};
///
/// let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let m = View::from_slice_shaped(&x, &[2, 3])?;
/// assert_eq!(m.strides(), [24, 8]);
/// assert_eq!(m.transpose().get(&[2, 1]), Some(Scalar::F64(6.0)));
/// let odd_backwards = View::from_slice(&x).slice_axis(0, None, None, -2)?;
/// assert_eq!(odd_backwards.to_array()?.to_vec::<f64>()?, [6.0, 4.0, 2.0]);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
#[derive(Clone)]
pub struct View<'a> {
    /// Each element that it reaches can be read for `'a`, by contract of the constructors.
    inner: Strided,
    lifetime: PhantomData<&'a [u8]>,
}

/// A borrowed array to write to. No two of its elements overlap.
///
/// ```
/// use numloom_data::{Scalar, ViewMut};
///
/// let mut x = [1i16, 2, 3, 4];
/// let mut odd = ViewMut::from_slice(&mut x).slice_axis(0, Some(1), None, 2)?;
/// odd.fill(&Scalar::I16(9))?;
/// assert_eq!(x, [1, 9, 3, 9]);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
pub struct ViewMut<'a> {
    /// Each element that it reaches can be read and written for `'a`, and by nobody else.
    inner: Strided,
    lifetime: PhantomData<&'a mut [u8]>,
}

// SAFETY: a `View` gives the access of a `&[T]` where `T: Sync`, and every `Element` is `Sync`.
unsafe impl Send for View<'_> {}
// SAFETY: as above.
unsafe impl Sync for View<'_> {}
// SAFETY: a `ViewMut` gives the access of a `&mut [T]` where `T: Send`, and every `Element` is `Send`.
unsafe impl Send for ViewMut<'_> {}
// SAFETY: `&ViewMut` only reads.
unsafe impl Sync for ViewMut<'_> {}

/// The shape for a slice: it must hold exactly its elements.
fn check_len(shape: &[usize], found: usize, itemsize: usize) -> Result<(), DataError> {
    shape::size_bytes(shape, itemsize)?;
    if shape::element_count(shape)? == found {
        return Ok(());
    }
    Err(DataErrorKind::LengthMismatch {
        shape: shape.to_vec(),
        found,
    }
    .into())
}

/// A field of records: it must lie within one.
pub(crate) fn check_field(offset: usize, dtype: DType, record: usize) -> Result<(), DataError> {
    match offset.checked_add(dtype.itemsize()) {
        Some(end) if end <= record => Ok(()),
        _ => Err(DataErrorKind::FieldTooLong {
            dtype,
            offset,
            record,
        }
        .into()),
    }
}

/// The shape for bytes: it must need exactly those.
fn check_bytes(shape: &[usize], found: usize, dtype: DType) -> Result<(), DataError> {
    if shape::size_bytes(shape, dtype.itemsize())? == found {
        return Ok(());
    }
    Err(DataErrorKind::LengthMismatch {
        shape: shape.to_vec(),
        found: found.checked_div(dtype.itemsize()).unwrap_or(0),
    }
    .into())
}

macro_rules! accessors {
    () => {
        /// Type of the elements.
        #[must_use]
        #[inline]
        pub fn dtype(&self) -> DType {
            self.inner.dtype
        }

        /// Order of the bytes in each element.
        #[must_use]
        #[inline]
        pub fn byte_order(&self) -> ByteOrder {
            self.inner.byte_order
        }

        /// Extents.
        #[must_use]
        #[inline]
        pub fn shape(&self) -> &[usize] {
            &self.inner.shape
        }

        /// Steps in bytes, one per extent.
        #[must_use]
        #[inline]
        pub fn strides(&self) -> &[isize] {
            &self.inner.strides
        }

        /// Number of axes.
        #[must_use]
        #[inline]
        pub fn ndim(&self) -> usize {
            self.inner.shape.len()
        }

        /// Number of elements.
        #[must_use]
        #[inline]
        pub fn len(&self) -> usize {
            self.inner.len()
        }

        /// No elements at all?
        #[must_use]
        pub fn is_empty(&self) -> bool {
            self.inner.shape.contains(&0)
        }

        /// Do the elements lie without gaps, the last axis fastest?
        #[must_use]
        #[inline]
        pub fn is_c_contiguous(&self) -> bool {
            self.inner.is_contiguous(Order::C)
        }

        /// Do the elements lie without gaps, the first axis fastest?
        #[must_use]
        pub fn is_f_contiguous(&self) -> bool {
            self.inner.is_contiguous(Order::F)
        }

        /// Is each element at a multiple of its dtype's alignment?
        #[must_use]
        pub fn is_aligned(&self) -> bool {
            self.inner.is_aligned()
        }

        /// Do the bytes of each element lie as this machine's? Dtypes of one byte always do.
        #[must_use]
        #[inline]
        pub fn is_native(&self) -> bool {
            self.inner.is_native()
        }

        /// Are they of `dtype` and `shape`, without gaps, the last axis fastest, their bytes as this machine's?
        #[must_use]
        #[inline]
        pub fn is_dense(&self, dtype: DType, shape: &[usize]) -> bool {
            self.inner.is_dense(dtype, shape)
        }

        /// Checks the dtype.
        ///
        /// # Errors
        /// [`DTypeMismatch`](DataErrorKind::DTypeMismatch).
        pub fn expect_dtype(&self, dtype: DType) -> Result<(), DataError> {
            self.inner.expect_dtype(dtype)
        }

        /// Checks that the elements lie without gaps, the last axis fastest.
        ///
        /// # Errors
        /// [`NotContiguous`](DataErrorKind::NotContiguous).
        pub fn expect_c_contiguous(&self) -> Result<(), DataError> {
            if self.is_c_contiguous() {
                Ok(())
            } else {
                Err(self.inner.not_contiguous(Order::C))
            }
        }

        /// The addresses from the lowest byte of any element to the highest; empty for an empty array.
        #[must_use]
        pub fn byte_extent(&self) -> Range<usize> {
            self.inner.byte_extent()
        }
    };
}

macro_rules! transformations {
    (($($receiver:tt)*) $view:expr) => {
        /// The axes in reverse.
        #[must_use]
        pub fn transpose($($receiver)*) -> Self {
            let mut view = $view;
            view.inner.transpose();
            view
        }

        /// The axes in another order: axis `i` of the result is axis `axes[i]` of this.
        ///
        /// # Errors
        /// [`NotAPermutation`](DataErrorKind::NotAPermutation).
        pub fn permute($($receiver)*, axes: &[usize]) -> Result<Self, DataError> {
            let mut view = $view;
            view.inner.permute(axes)?;
            Ok(view)
        }

        /// One axis backwards.
        ///
        /// # Errors
        /// [`AxisOutOfRange`](DataErrorKind::AxisOutOfRange).
        pub fn reversed($($receiver)*, axis: usize) -> Result<Self, DataError> {
            let mut view = $view;
            view.inner.slice_axis(axis, None, None, -1)?;
            Ok(view)
        }

        /// Python's slice `start:stop:step` of one axis: negative bounds count from the end, those out of range are
        /// clipped.
        ///
        /// # Errors
        /// [`AxisOutOfRange`](DataErrorKind::AxisOutOfRange), [`ZeroStep`](DataErrorKind::ZeroStep).
        pub fn slice_axis(
            $($receiver)*,
            axis: usize,
            start: Option<isize>,
            stop: Option<isize>,
            step: isize,
        ) -> Result<Self, DataError> {
            let mut view = $view;
            view.inner.slice_axis(axis, start, stop, step)?;
            Ok(view)
        }

        /// One place on an axis, which goes away.
        ///
        /// # Errors
        /// [`AxisOutOfRange`](DataErrorKind::AxisOutOfRange), [`IndexOutOfRange`](DataErrorKind::IndexOutOfRange).
        pub fn index_axis($($receiver)*, axis: usize, index: usize) -> Result<Self, DataError> {
            let mut view = $view;
            view.inner.index_axis(axis, index)?;
            Ok(view)
        }

        /// A new axis of extent 1 before `axis`, or after all if that is their number.
        ///
        /// # Errors
        /// [`AxisOutOfRange`](DataErrorKind::AxisOutOfRange).
        pub fn insert_axis($($receiver)*, axis: usize) -> Result<Self, DataError> {
            let mut view = $view;
            view.inner.insert_axis(axis)?;
            Ok(view)
        }

        /// The same elements in the same row-major order, in another shape.
        ///
        /// # Errors
        /// [`LengthMismatch`](DataErrorKind::LengthMismatch) for another number of elements,
        /// [`NotContiguous`](DataErrorKind::NotContiguous) if the elements do not lie without gaps.
        pub fn reshape($($receiver)*, shape: &[usize]) -> Result<Self, DataError> {
            let mut view = $view;
            view.inner.reshape(shape)?;
            Ok(view)
        }

        /// The real parts of a complex array; any other array is its own real part.
        #[must_use]
        pub fn real($($receiver)*) -> Self {
            let mut view = $view;
            view.inner.dtype = view.inner.dtype.real();
            view
        }

        /// The imaginary parts of a complex array; none for others.
        #[must_use]
        pub fn imag($($receiver)*) -> Option<Self> {
            let mut view = $view;
            if !view.inner.dtype.is_complex() {
                return None;
            }
            view.inner.dtype = view.inner.dtype.real();
            view.inner.ptr = view.inner.ptr.wrapping_add(view.inner.dtype.itemsize());
            Some(view)
        }

        /// The same memory, read in this byte order.
        #[must_use]
        pub fn with_byte_order($($receiver)*, byte_order: ByteOrder) -> Self {
            let mut view = $view;
            view.inner.byte_order = byte_order;
            view
        }
    };
}

impl<'a> View<'a> {
    /// All of a slice, as one axis.
    #[must_use]
    pub fn from_slice<T: Element>(slice: &'a [T]) -> View<'a> {
        View::over(slice, &[slice.len()])
    }

    /// All of a slice, in row-major order.
    ///
    /// # Errors
    /// [`LengthMismatch`](DataErrorKind::LengthMismatch) if the shape holds another number of elements.
    pub fn from_slice_shaped<T: Element>(
        slice: &'a [T],
        shape: &[usize],
    ) -> Result<View<'a>, DataError> {
        check_len(shape, slice.len(), size_of::<T>())?;
        Ok(View::over(slice, shape))
    }

    /// One value, as an array without axes.
    #[must_use]
    pub fn scalar<T: Element>(value: &'a T) -> View<'a> {
        View::over(std::slice::from_ref(value), &[])
    }

    /// Bytes as an array without gaps, in native byte order. They need no alignment.
    ///
    /// # Errors
    /// [`LengthMismatch`](DataErrorKind::LengthMismatch) if the shape needs more or fewer bytes.
    ///
    /// ```
    /// use numloom_data::{ByteOrder, DType, Order, Scalar, View};
    /// let x = View::from_bytes(&[0, 1, 2, 3], DType::U16, &[2], Order::C)?.with_byte_order(ByteOrder::BIG);
    /// assert_eq!(x.get(&[1]), Some(Scalar::U16(0x0203)));
    /// # Ok::<(), numloom_data::DataError>(())
    /// ```
    pub fn from_bytes(
        bytes: &'a [u8],
        dtype: DType,
        shape: &[usize],
        order: Order,
    ) -> Result<View<'a>, DataError> {
        check_bytes(shape, bytes.len(), dtype)?;
        let ptr = bytes.as_ptr().cast_mut();
        let inner = Strided::contiguous(ptr, dtype, shape, order);
        // SAFETY: (1, 2) just checked; (3) a shared slice is not written to for `'a`.
        Ok(unsafe { View::from_strided(inner) })
    }

    /// `shape` holds as many elements as `slice`.
    fn over<T: Element>(slice: &'a [T], shape: &[usize]) -> View<'a> {
        let ptr = slice.as_ptr().cast::<u8>().cast_mut();
        let inner = Strided::contiguous(ptr, T::DTYPE, shape, Order::C);
        // SAFETY: (1, 2) by `Element` 1 these are the slice's elements, which are readable and exist, so their size fits;
        // (3) a shared slice is not written to for `'a`.
        unsafe { View::from_strided(inner) }
    }

    /// # Safety
    /// As [`View::from_raw_parts`], in any byte order.
    #[inline]
    pub(crate) unsafe fn from_strided(inner: Strided) -> View<'a> {
        View {
            inner,
            lifetime: PhantomData,
        }
    }

    /// The elements of `dtype` that begin at byte `offset` of each element: a field of records, which byte strings hold.
    ///
    /// # Errors
    /// [`FieldTooLong`](DataErrorKind::FieldTooLong) if that is past the end of an element.
    ///
    /// ```
    /// use numloom_data::{DType, Order, Scalar, View};
    ///
    /// // Three records of a `u8` and a big-endian `i16`, without padding.
    /// let records = View::from_bytes(&[1, 0, 10, 2, 0, 20, 3, 1, 0], DType::Bytes(3), &[3], Order::C)?;
    /// let n = records.field(1, DType::I16)?.with_byte_order(numloom_data::ByteOrder::BIG);
    /// assert_eq!(n.strides(), [3]);
    /// assert!(n.scalars().eq([10, 20, 256].map(Scalar::I16)));
    /// assert!(records.field(2, DType::I16).is_err());
    /// # Ok::<(), numloom_data::DataError>(())
    /// ```
    pub fn field(&self, offset: usize, dtype: DType) -> Result<View<'a>, DataError> {
        check_field(offset, dtype, self.dtype().itemsize())?;
        let mut inner = self.inner.clone();
        inner.ptr = inner.ptr.wrapping_add(offset);
        (inner.dtype, inner.byte_order) = (dtype, ByteOrder::Native);
        // SAFETY: (1) each element lies within one of this view, as was just checked; (2) shape and strides are this view's;
        // (3) this view's memory is not written to during `'a`.
        Ok(unsafe { View::from_strided(inner) })
    }

    /// A view of native byte order from its parts. Strides are in bytes; any sign, and zero, will do.
    ///
    /// # Safety
    /// 1. For each index below `shape`, the `dtype.itemsize()` bytes at `ptr + Σ index·stride` can be read for `'a`, and
    ///    belong to one allocation or map. They need no alignment, and a `bool` may have any byte.
    /// 2. No address in between overflows, and the product of the nonzero extents fits `isize`.
    /// 3. This process does not write to those bytes during `'a`, except through views that the same operation was given
    ///    as its outputs. (Another process may, over a map; the values read are then unspecified.)
    ///
    /// # Panics
    /// If `shape` and `strides` differ in length.
    #[must_use]
    #[inline]
    pub unsafe fn from_raw_parts(
        ptr: *const u8,
        dtype: DType,
        shape: &[usize],
        strides: &[isize],
    ) -> View<'a> {
        // SAFETY: 1 to 3 are the caller's.
        unsafe { View::from_strided(strided(ptr.cast_mut(), dtype, shape, strides)) }
    }

    accessors!();
    transformations!((&self) self.clone());

    /// Address of the element at index 0, 0, ….
    #[must_use]
    #[inline]
    pub fn ptr(&self) -> *const u8 {
        self.inner.ptr
    }

    /// The description alone, without lifetime.
    #[must_use]
    pub fn raw(&self) -> RawView<'_> {
        RawView::of(&self.inner)
    }

    /// Stretched to `shape` by NumPy's rule; the new axes have stride 0.
    ///
    /// # Errors
    /// [`BroadcastTo`](DataErrorKind::BroadcastTo), [`ShapeOverflow`](DataErrorKind::ShapeOverflow).
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<View<'a>, DataError> {
        let mut view = self.clone();
        view.inner.broadcast_to(shape)?;
        Ok(view)
    }

    /// The element at this index, if it is one.
    #[must_use]
    pub fn get(&self, index: &[usize]) -> Option<Scalar> {
        let ptr = self.inner.element(index)?;
        Some(read_element(&self.inner, ptr))
    }

    /// All elements in row-major order, one at a time: for tests and printing.
    pub fn scalars(&self) -> impl Iterator<Item = Scalar> + '_ {
        let mut index = vec![0; self.ndim()];
        (0..self.len()).map(move |_| {
            let value = self.get(&index).expect("the index stays below the shape");
            for (i, &extent) in index.iter_mut().zip(self.shape()).rev() {
                *i += 1;
                if *i < extent {
                    break;
                }
                *i = 0;
            }
            value
        })
    }

    /// A row-major copy in native byte order.
    ///
    /// # Errors
    /// [`OutOfMemory`](DataErrorKind::OutOfMemory), [`ShapeOverflow`](DataErrorKind::ShapeOverflow).
    pub fn to_array(&self) -> Result<Array, DataError> {
        let mut array = Array::zeros(self.dtype(), self.shape(), Order::C)?;
        gather::gather(self, 0, self.len(), array.as_bytes_mut());
        Ok(array)
    }
}

impl<'a> ViewMut<'a> {
    /// All of a slice, as one axis.
    #[must_use]
    pub fn from_slice<T: Element>(slice: &'a mut [T]) -> ViewMut<'a> {
        let shape = [slice.len()];
        ViewMut::over(slice, &shape)
    }

    /// All of a slice, in row-major order.
    ///
    /// # Errors
    /// [`LengthMismatch`](DataErrorKind::LengthMismatch) if the shape holds another number of elements.
    pub fn from_slice_shaped<T: Element>(
        slice: &'a mut [T],
        shape: &[usize],
    ) -> Result<ViewMut<'a>, DataError> {
        check_len(shape, slice.len(), size_of::<T>())?;
        Ok(ViewMut::over(slice, shape))
    }

    /// One value, as an array without axes.
    #[must_use]
    pub fn scalar<T: Element>(value: &'a mut T) -> ViewMut<'a> {
        ViewMut::over(std::slice::from_mut(value), &[])
    }

    /// Bytes as an array without gaps, in native byte order. They need no alignment.
    ///
    /// # Errors
    /// [`LengthMismatch`](DataErrorKind::LengthMismatch) if the shape needs more or fewer bytes.
    pub fn from_bytes(
        bytes: &'a mut [u8],
        dtype: DType,
        shape: &[usize],
        order: Order,
    ) -> Result<ViewMut<'a>, DataError> {
        check_bytes(shape, bytes.len(), dtype)?;
        let inner = Strided::contiguous(bytes.as_mut_ptr(), dtype, shape, order);
        // SAFETY: (1, 2) just checked; (3) elements without gaps are disjoint, and the slice is borrowed exclusively for
        // `'a`; (4) it is one of `u8`.
        Ok(unsafe { ViewMut::from_strided(inner) })
    }

    /// `shape` holds as many elements as `slice`.
    fn over<T: Element>(slice: &'a mut [T], shape: &[usize]) -> ViewMut<'a> {
        let ptr = slice.as_mut_ptr().cast::<u8>();
        let inner = Strided::contiguous(ptr, T::DTYPE, shape, Order::C);
        // SAFETY: (1, 2) by `Element` 1 these are the slice's elements, which are writable and exist, so their size fits;
        // (3) they are disjoint, and the slice is borrowed exclusively for `'a`; (4) views write 0 and 1 to bools.
        unsafe { ViewMut::from_strided(inner) }
    }

    /// # Safety
    /// As [`ViewMut::from_raw_parts`], in any byte order.
    #[inline]
    pub(crate) unsafe fn from_strided(inner: Strided) -> ViewMut<'a> {
        ViewMut {
            inner,
            lifetime: PhantomData,
        }
    }

    /// A writable view of native byte order from its parts.
    ///
    /// # Safety
    /// 1. For each index below `shape`, the `dtype.itemsize()` bytes at `ptr + Σ index·stride` can be read and written
    ///    for `'a`, and belong to one allocation or map.
    /// 2. No address in between overflows, and the product of the nonzero extents fits `isize`.
    /// 3. Those bytes are disjoint for different indices, and nobody else in this process touches them during `'a`,
    ///    except through input views of the same operation.
    /// 4. If the memory is also seen as Rust's `bool`, each `bool` in it is 0 or 1; writes keep it so.
    ///
    /// # Panics
    /// If `shape` and `strides` differ in length.
    #[must_use]
    #[inline]
    pub unsafe fn from_raw_parts(
        ptr: *mut u8,
        dtype: DType,
        shape: &[usize],
        strides: &[isize],
    ) -> ViewMut<'a> {
        // SAFETY: 1 to 4 are the caller's.
        unsafe { ViewMut::from_strided(strided(ptr, dtype, shape, strides)) }
    }

    accessors!();
    transformations!((self) self);

    /// Address of the element at index 0, 0, ….
    #[must_use]
    #[inline]
    pub fn ptr(&self) -> *const u8 {
        self.inner.ptr
    }

    /// Address of the element at index 0, 0, …, for writing.
    #[must_use]
    pub fn mut_ptr(&mut self) -> *mut u8 {
        self.inner.ptr
    }

    /// The description alone, without lifetime; while it is used, `self` is not.
    #[must_use]
    pub fn raw_mut(&mut self) -> RawView<'_> {
        RawView::of(&self.inner)
    }

    /// The same array, to read from.
    #[must_use]
    pub fn as_view(&self) -> View<'_> {
        // SAFETY: what can be written can be read, and `&self` excludes writing through `self` meanwhile.
        unsafe { View::from_strided(self.inner.clone()) }
    }

    /// The real and the imaginary parts of a complex array; `None` for others.
    ///
    /// ```
    /// use num_complex::Complex;
    /// use numloom_data::{Scalar, ViewMut};
    ///
    /// let mut z = [Complex::new(1.0f64, 2.0)];
    /// let (re, mut im) = ViewMut::from_slice(&mut z).into_parts().unwrap();
    /// assert_eq!(re.get(&[0]), Some(Scalar::F64(1.0)));
    /// im.fill(&Scalar::F64(-2.0))?;
    /// assert_eq!(z, [Complex::new(1.0, -2.0)]);
    /// # Ok::<(), numloom_data::DataError>(())
    /// ```
    #[must_use]
    pub fn into_parts(self) -> Option<(ViewMut<'a>, ViewMut<'a>)> {
        // The two never share an element: each part is half an element long, and they are half an element apart.
        let real = ViewMut {
            inner: self.inner.clone(),
            lifetime: self.lifetime,
        };
        let imag = self.imag()?;
        Some((real.real(), imag))
    }

    /// The same array for a shorter time.
    #[must_use]
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        // SAFETY: the contract holds for `self`, which is borrowed exclusively meanwhile.
        unsafe { ViewMut::from_strided(self.inner.clone()) }
    }

    /// The element at this index, if it is one.
    #[must_use]
    pub fn get(&self, index: &[usize]) -> Option<Scalar> {
        let ptr = self.inner.element(index)?;
        Some(read_element(&self.inner, ptr))
    }

    /// Values written must have this array's dtype.
    fn expect_source(&self, found: DType) -> Result<(), DataError> {
        let expected = self.dtype();
        if found == expected {
            return Ok(());
        }
        Err(DataErrorKind::DTypeMismatch { expected, found }.into())
    }

    /// Writes one element.
    ///
    /// # Errors
    /// [`IndexOutOfRange`](DataErrorKind::IndexOutOfRange); [`DTypeMismatch`](DataErrorKind::DTypeMismatch) if the
    /// value has another dtype.
    pub fn set(&mut self, index: &[usize], value: &Scalar) -> Result<(), DataError> {
        self.expect_source(value.dtype())?;
        let Some(ptr) = self.inner.element(index) else {
            return Err(DataErrorKind::IndexOutOfRange {
                index: index.to_vec(),
                shape: self.shape().to_vec(),
            }
            .into());
        };
        // Only byte strings are wider than the widest number.
        let (mut number, mut text) = ([0; 16], Vec::new());
        let bytes = match self.dtype().itemsize() {
            size @ 0..=16 => &mut number[..size],
            size => {
                text.resize(size, 0);
                &mut text[..]
            }
        };
        value.write_bytes(bytes);
        // One axis, which needs no merging.
        let element = RawView {
            ptr,
            shape: &[1],
            strides: &[0],
            ..self.raw_mut()
        };
        // SAFETY: (1) `element` checked the index, and what is reached by it can be written; (2) `bytes` is one element;
        // (3) a local array overlaps nothing, and (4) `&mut self` excludes other access.
        unsafe { element.scatter(0, 1, bytes.as_ptr()) };
        Ok(())
    }

    /// Writes the same value to all elements.
    ///
    /// # Errors
    /// [`DTypeMismatch`](DataErrorKind::DTypeMismatch) if the value has another dtype.
    pub fn fill(&mut self, value: &Scalar) -> Result<(), DataError> {
        self.expect_source(value.dtype())?;
        let mut bytes = vec![0; self.dtype().itemsize()];
        value.write_bytes(&mut bytes);
        const BLOCK: usize = 1024;
        let n = self.len();
        let block = bytes.repeat(n.min(BLOCK));
        let mut start = 0;
        while start < n {
            let count = BLOCK.min(n - start);
            gather::scatter(&block, self, start, count);
            start += count;
        }
        Ok(())
    }

    /// Copies all elements of `source`, which has the same dtype and broadcasts to this shape.
    ///
    /// # Errors
    /// [`DTypeMismatch`](DataErrorKind::DTypeMismatch), [`BroadcastTo`](DataErrorKind::BroadcastTo).
    pub fn assign(&mut self, source: &View<'_>) -> Result<(), DataError> {
        self.expect_source(source.dtype())?;
        let source = source.broadcast_to(self.shape())?;
        const BLOCK: usize = 4096;
        let n = self.len();
        let mut block = vec![0; n.min(BLOCK) * self.dtype().itemsize()];
        let mut start = 0;
        while start < n {
            let count = BLOCK.min(n - start);
            gather::gather(&source, start, count, &mut block);
            gather::scatter(&block, self, start, count);
            start += count;
        }
        Ok(())
    }
}

impl<'s> RawView<'s> {
    fn of(inner: &'s Strided) -> RawView<'s> {
        RawView {
            ptr: inner.ptr,
            dtype: inner.dtype,
            byte_order: inner.byte_order,
            shape: &inner.shape,
            strides: &inner.strides,
        }
    }

    /// Do the bytes of each element lie as this machine's?
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.byte_order == ByteOrder::Native || self.dtype.swap_unit() == 1
    }
}

#[inline]
fn strided(ptr: *mut u8, dtype: DType, extents: &[usize], strides: &[isize]) -> Strided {
    assert_eq!(extents.len(), strides.len(), "as many strides as axes");
    Strided {
        ptr,
        dtype,
        byte_order: ByteOrder::Native,
        shape: Dims::from_slice(extents),
        strides: Dims::from_slice(strides),
    }
}

/// `ptr` came from `inner.element`.
fn read_element(inner: &Strided, ptr: *mut u8) -> Scalar {
    let size = inner.dtype.itemsize();
    let (mut short, mut long) = ([0; 16], Vec::new());
    let bytes = match short.get_mut(..size) {
        Some(bytes) => bytes,
        None => {
            long.resize(size, 0);
            &mut long[..]
        }
    };
    let element = RawView {
        ptr,
        shape: &[],
        strides: &[],
        ..RawView::of(inner)
    };
    // SAFETY: (1) `ptr` is the address of an element of a live view, so it can be read; (2) `bytes` has its size; (3) what is local
    // overlaps nothing.
    unsafe { element.gather(0, 1, bytes.as_mut_ptr()) };
    Scalar::read(inner.dtype, bytes)
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe("View", &self.inner, f)
    }
}

impl fmt::Debug for ViewMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe("ViewMut", &self.inner, f)
    }
}

fn describe(name: &str, inner: &Strided, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_struct(name)
        .field("ptr", &inner.ptr)
        .field("dtype", &format_args!("{}", inner.dtype))
        .field("byte_order", &inner.byte_order)
        .field("shape", &inner.shape)
        .field("strides", &inner.strides)
        .finish()
}
