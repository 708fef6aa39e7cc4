//! Pointer, dtype, byte order, shape and strides, and the transformations that only change those.
//!
//! Private: [`View`](crate::View) and [`ViewMut`](crate::ViewMut) add a lifetime and the right to read or write. Nothing
//! here follows the pointer.

use std::ops::Range;

use crate::broadcast::broadcast_strides;
use crate::dims::Dims;
use crate::dtype::DType;
use crate::error::{DataError, DataErrorKind};
use crate::layout::slice_range;
use crate::shape::{self, Order};
use crate::view::ByteOrder;

#[derive(Clone, Debug)]
pub(crate) struct Strided {
    pub(crate) ptr: *mut u8,
    pub(crate) dtype: DType,
    pub(crate) byte_order: ByteOrder,
    pub(crate) shape: Dims<usize>,
    pub(crate) strides: Dims<isize>,
}

impl Strided {
    /// An array without gaps. The shape has passed `size_bytes`.
    pub(crate) fn contiguous(
        ptr: *mut u8,
        dtype: DType,
        extents: &[usize],
        order: Order,
    ) -> Strided {
        let mut strides = Dims::filled(0, extents.len());
        shape::fill_strides(extents, dtype.itemsize(), order, &mut strides);
        Strided {
            ptr,
            dtype,
            byte_order: ByteOrder::Native,
            shape: Dims::from_slice(extents),
            strides,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    #[inline]
    pub(crate) fn is_dense(&self, dtype: DType, shape: &[usize]) -> bool {
        self.dtype == dtype
            && *self.shape == *shape
            && self.is_native()
            && self.is_contiguous(Order::C)
    }

    #[inline]
    pub(crate) fn is_contiguous(&self, order: Order) -> bool {
        shape::is_contiguous(&self.shape, &self.strides, self.dtype.itemsize(), order)
    }

    pub(crate) fn is_aligned(&self) -> bool {
        let align = self.dtype.align();
        let mut steps = self.shape.iter().zip(&*self.strides);
        self.ptr.addr().is_multiple_of(align)
            && (self.dtype.itemsize().is_multiple_of(align))
            && steps.all(|(&extent, &stride)| {
                extent <= 1 || stride.unsigned_abs().is_multiple_of(align)
            })
    }

    #[inline]
    pub(crate) fn is_native(&self) -> bool {
        self.byte_order == ByteOrder::Native || self.dtype.swap_unit() == 1
    }

    pub(crate) fn byte_extent(&self) -> Range<usize> {
        let (mut low, mut high) = (self.ptr.addr(), self.ptr.addr());
        if self.shape.contains(&0) {
            return low..low;
        }
        for (&extent, &stride) in self.shape.iter().zip(&*self.strides) {
            let reach = stride.wrapping_mul((extent - 1).cast_signed());
            let end = if reach < 0 { &mut low } else { &mut high };
            *end = end.wrapping_add_signed(reach);
        }
        low..high.wrapping_add(self.dtype.itemsize())
    }

    pub(crate) fn check_axis(&self, axis: usize) -> Result<(), DataError> {
        let ndim = self.shape.len();
        if axis < ndim {
            Ok(())
        } else {
            Err(DataErrorKind::AxisOutOfRange { axis, ndim }.into())
        }
    }

    pub(crate) fn transpose(&mut self) {
        self.shape.reverse();
        self.strides.reverse();
    }

    pub(crate) fn permute(&mut self, axes: &[usize]) -> Result<(), DataError> {
        let ndim = self.shape.len();
        let mut seen = Dims::filled(false, ndim);
        let once = |&axis: &usize| axis < ndim && !std::mem::replace(&mut seen[axis], true);
        if axes.len() != ndim || !axes.iter().all(once) {
            return Err(DataErrorKind::NotAPermutation {
                axes: axes.to_vec(),
                ndim,
            }
            .into());
        }
        let (shape, strides) = (self.shape.clone(), self.strides.clone());
        for (to, &from) in axes.iter().enumerate() {
            self.shape[to] = shape[from];
            self.strides[to] = strides[from];
        }
        Ok(())
    }

    pub(crate) fn slice_axis(
        &mut self,
        axis: usize,
        start: Option<isize>,
        stop: Option<isize>,
        step: isize,
    ) -> Result<(), DataError> {
        self.check_axis(axis)?;
        let (first, n) = slice_range(axis, self.shape[axis], start, stop, step)?;
        let stride = self.strides[axis];
        if n > 0 {
            self.ptr = self.ptr.wrapping_offset(stride * first.cast_signed());
        }
        self.shape[axis] = n;
        // The stride of an axis with at most one element is never used, and the product could overflow.
        if n > 1 {
            self.strides[axis] = stride * step;
        }
        Ok(())
    }

    pub(crate) fn index_axis(&mut self, axis: usize, index: usize) -> Result<(), DataError> {
        self.check_axis(axis)?;
        if index >= self.shape[axis] {
            return Err(DataErrorKind::IndexOutOfRange {
                index: vec![index],
                shape: vec![self.shape[axis]],
            }
            .into());
        }
        self.ptr = self
            .ptr
            .wrapping_offset(self.strides[axis] * index.cast_signed());
        let ndim = self.shape.len();
        self.shape.copy_within(axis + 1.., axis);
        self.strides.copy_within(axis + 1.., axis);
        self.shape.truncate(ndim - 1);
        self.strides.truncate(ndim - 1);
        Ok(())
    }

    pub(crate) fn insert_axis(&mut self, axis: usize) -> Result<(), DataError> {
        let ndim = self.shape.len();
        if axis > ndim {
            return Err(DataErrorKind::AxisOutOfRange {
                axis,
                ndim: ndim + 1,
            }
            .into());
        }
        let mut shape = Dims::filled(1, ndim + 1);
        let mut strides = Dims::filled(0, ndim + 1);
        for from in 0..ndim {
            let to = from + usize::from(from >= axis);
            shape[to] = self.shape[from];
            strides[to] = self.strides[from];
        }
        (self.shape, self.strides) = (shape, strides);
        Ok(())
    }

    pub(crate) fn broadcast_to(&mut self, to: &[usize]) -> Result<(), DataError> {
        shape::element_count(to)?;
        let strides = broadcast_strides(&self.shape, &self.strides, to)?;
        self.shape = Dims::from_slice(to);
        self.strides = Dims::from_slice(&strides);
        Ok(())
    }

    pub(crate) fn reshape(&mut self, to: &[usize]) -> Result<(), DataError> {
        if shape::element_count(to)? != self.len() {
            return Err(DataErrorKind::LengthMismatch {
                shape: to.to_vec(),
                found: self.len(),
            }
            .into());
        }
        shape::size_bytes(to, self.dtype.itemsize())?;
        if !self.is_contiguous(Order::C) {
            return Err(self.not_contiguous(Order::C));
        }
        let byte_order = self.byte_order;
        *self = Strided::contiguous(self.ptr, self.dtype, to, Order::C);
        self.byte_order = byte_order;
        Ok(())
    }

    pub(crate) fn not_contiguous(&self, order: Order) -> DataError {
        DataErrorKind::NotContiguous {
            shape: self.shape.to_vec(),
            strides: self.strides.to_vec(),
            order,
        }
        .into()
    }

    /// The address of one element, if the index is one.
    pub(crate) fn element(&self, index: &[usize]) -> Option<*mut u8> {
        if index.len() != self.shape.len() {
            return None;
        }
        let mut ptr = self.ptr;
        for ((&i, &extent), &stride) in index.iter().zip(&*self.shape).zip(&*self.strides) {
            if i >= extent {
                return None;
            }
            ptr = ptr.wrapping_offset(stride * i.cast_signed());
        }
        Some(ptr)
    }

    pub(crate) fn expect_dtype(&self, dtype: DType) -> Result<(), DataError> {
        if self.dtype == dtype {
            return Ok(());
        }
        Err(DataErrorKind::DTypeMismatch {
            expected: dtype,
            found: self.dtype,
        }
        .into())
    }
}
