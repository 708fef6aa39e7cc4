#![expect(unsafe_code, reason = "shows its aligned bytes as elements")]
//! Owned arrays.

use crate::buffer::Buffer;
use crate::dims::Dims;
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{DataError, DataErrorKind};
use crate::scalar::Scalar;
use crate::shape::{self, Order};
use crate::strided::Strided;
use crate::view::{View, ViewMut};

/// An owned array: aligned memory without gaps, in native byte order, with its dtype, shape and order.
///
/// Equality is by dtype, shape and the **bits** of the elements in logical order; the order in memory does not matter.
/// Prints as NumPy prints, abridged when long.
///
/// ```
/// use numloom_data::{Array, DType, Order};
///
/// let a = Array::from_slice(&[1.0, 2.0, 3.0, 4.0], &[2, 2])?;
/// assert_eq!(a.as_slice::<f64>()?, [1.0, 2.0, 3.0, 4.0]);
/// assert_eq!(a.view().transpose().to_array()?.to_vec::<f64>()?, [1.0, 3.0, 2.0, 4.0]);
/// assert_eq!(a.to_string(), "[[1.0, 2.0],\n [3.0, 4.0]]");
/// assert_eq!(Array::zeros(DType::I8, &[3], Order::C)?.to_vec::<i8>()?, [0, 0, 0]);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
pub struct Array {
    /// Exactly the product of the shape and the item size.
    buffer: Buffer,
    dtype: DType,
    shape: Dims<usize>,
    order: Order,
}

impl Array {
    /// All elements zero, false or `b""`.
    ///
    /// # Errors
    /// [`ShapeOverflow`](DataErrorKind::ShapeOverflow), [`OutOfMemory`](DataErrorKind::OutOfMemory).
    pub fn zeros(dtype: DType, shape: &[usize], order: Order) -> Result<Array, DataError> {
        let buffer = Buffer::zeroed(shape::size_bytes(shape, dtype.itemsize())?)?;
        Ok(Array {
            buffer,
            dtype,
            shape: Dims::from_slice(shape),
            order,
        })
    }

    /// A copy of a slice, in row-major order.
    ///
    /// # Errors
    /// [`LengthMismatch`](DataErrorKind::LengthMismatch) if the shape holds another number of elements,
    /// [`OutOfMemory`](DataErrorKind::OutOfMemory).
    pub fn from_slice<T: Element>(slice: &[T], shape: &[usize]) -> Result<Array, DataError> {
        View::from_slice_shaped(slice, shape)?.to_array()
    }

    /// All of a vector, as one axis. The elements are copied once, into aligned memory.
    ///
    /// # Errors
    /// [`OutOfMemory`](DataErrorKind::OutOfMemory).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "frees the vector; a later version may keep its memory"
    )]
    pub fn from_vec<T: Element>(vec: Vec<T>) -> Result<Array, DataError> {
        View::from_slice(&vec).to_array()
    }

    /// One value, as an array without axes.
    ///
    /// # Errors
    /// [`OutOfMemory`](DataErrorKind::OutOfMemory).
    pub fn from_scalar(value: &Scalar) -> Result<Array, DataError> {
        let mut array = Array::zeros(value.dtype(), &[], Order::C)?;
        value.write_bytes(array.as_bytes_mut());
        Ok(array)
    }

    /// Over a buffer that exists, without a copy.
    ///
    /// # Errors
    /// Gives the buffer back with [`LengthMismatch`](DataErrorKind::LengthMismatch) if it has not exactly the size of the
    /// shape, or [`ShapeOverflow`](DataErrorKind::ShapeOverflow).
    pub fn from_buffer(
        buffer: Buffer,
        dtype: DType,
        shape: &[usize],
        order: Order,
    ) -> Result<Array, (DataError, Buffer)> {
        match shape::size_bytes(shape, dtype.itemsize()) {
            Ok(bytes) if bytes == buffer.len() => Ok(Array {
                buffer,
                dtype,
                shape: Dims::from_slice(shape),
                order,
            }),
            Ok(_) => Err((
                DataErrorKind::LengthMismatch {
                    shape: shape.to_vec(),
                    found: buffer.len().checked_div(dtype.itemsize()).unwrap_or(0),
                }
                .into(),
                buffer,
            )),
            Err(error) => Err((error, buffer)),
        }
    }

    /// The memory, to be used again.
    #[must_use]
    pub fn into_buffer(self) -> Buffer {
        self.buffer
    }

    /// Type of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Extents.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of axes.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// No elements at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Order of the elements in memory.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// The bytes of the elements, in memory order.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.buffer.as_bytes()
    }

    /// The bytes of the elements, for writing.
    #[must_use]
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        self.buffer.as_bytes_mut()
    }

    /// All of it, to read from.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        let ptr = self.buffer.as_ptr().cast_mut();
        let inner = Strided::contiguous(ptr, self.dtype, &self.shape, self.order);
        // SAFETY: (1, 2) the buffer has the bytes of the shape, whose size was checked; (3) writing takes `&mut self`.
        unsafe { View::from_strided(inner) }
    }

    /// All of it, to write to.
    #[must_use]
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        let ptr = self.buffer.as_mut_ptr();
        let inner = Strided::contiguous(ptr, self.dtype, &self.shape, self.order);
        // SAFETY: (1, 2) as in `view`; (3) an array without gaps has disjoint elements, and `&mut self` is exclusive;
        // (4) no slice of bools lives meanwhile, and `as_slice` checks them anew.
        unsafe { ViewMut::from_strided(inner) }
    }

    /// The elements as a slice, in row-major order.
    ///
    /// # Errors
    /// [`DTypeMismatch`](DataErrorKind::DTypeMismatch), [`NotContiguous`](DataErrorKind::NotContiguous) for an array in
    /// Fortran order, [`InvalidBool`](DataErrorKind::InvalidBool) if someone wrote other bytes than 0 and 1.
    pub fn as_slice<T: Element>(&self) -> Result<&[T], DataError> {
        self.check_slice::<T>()?;
        let ptr = self.buffer.as_ptr().cast::<T>();
        // SAFETY: the dtype is `T`'s, so `Element` (1) says that `ptr`, a multiple of 64, is aligned and that the buffer
        // holds `len` elements; (3) each is a value, or a `bool` whose byte was just checked.
        Ok(unsafe { std::slice::from_raw_parts(ptr, self.len()) })
    }

    /// The elements as a slice to write to, in row-major order.
    ///
    /// # Errors
    /// As [`as_slice`](Array::as_slice).
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T], DataError> {
        self.check_slice::<T>()?;
        let n = self.len();
        let ptr = self.buffer.as_mut_ptr().cast::<T>();
        // SAFETY: as in `as_slice`; `Element` (2) says that `T` has no padding to leave uninitialised, and `&mut self`
        // makes the access exclusive.
        Ok(unsafe { std::slice::from_raw_parts_mut(ptr, n) })
    }

    fn check_slice<T: Element>(&self) -> Result<(), DataError> {
        let view = self.view();
        view.expect_dtype(T::DTYPE)?;
        view.expect_c_contiguous()?;
        if T::ANY_BITS {
            return Ok(());
        }
        let bytes = self.as_bytes();
        match bytes.iter().position(|&byte| byte > 1) {
            None => Ok(()),
            Some(index) => Err(DataErrorKind::InvalidBool {
                index,
                value: bytes[index],
            }
            .into()),
        }
    }

    /// A copy of the elements in row-major order, whatever the order in memory.
    ///
    /// # Errors
    /// [`DTypeMismatch`](DataErrorKind::DTypeMismatch), [`OutOfMemory`](DataErrorKind::OutOfMemory).
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>, DataError> {
        let view = self.view();
        view.expect_dtype(T::DTYPE)?;
        if T::ANY_BITS && view.is_c_contiguous() {
            return Ok(self.as_slice::<T>()?.to_vec());
        }
        Ok(view.to_array()?.as_slice::<T>()?.to_vec())
    }

    /// [`to_vec`](Array::to_vec), freeing the array.
    ///
    /// # Errors
    /// As [`to_vec`](Array::to_vec).
    pub fn into_vec<T: Element>(self) -> Result<Vec<T>, DataError> {
        self.to_vec()
    }

    /// The value of an array of one element.
    #[must_use]
    pub fn item(&self) -> Option<Scalar> {
        (self.len() == 1).then(|| Scalar::read(self.dtype, self.as_bytes()))
    }

    /// A copy.
    ///
    /// # Errors
    /// [`OutOfMemory`](DataErrorKind::OutOfMemory).
    pub fn try_clone(&self) -> Result<Array, DataError> {
        Ok(Array {
            buffer: self.buffer.try_clone()?,
            dtype: self.dtype,
            shape: self.shape.clone(),
            order: self.order,
        })
    }
}

impl PartialEq for Array {
    fn eq(&self, other: &Array) -> bool {
        if self.dtype != other.dtype || self.shape() != other.shape() {
            return false;
        }
        if self.order == other.order {
            return self.as_bytes() == other.as_bytes();
        }
        self.view().scalars().eq(other.view().scalars())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_need_their_dtype_and_order() {
        let mut a = Array::zeros(DType::I32, &[2, 3], Order::F).unwrap();
        assert_eq!(
            a.as_slice::<u32>().unwrap_err().to_string(),
            "expected dtype u32, found i32"
        );
        assert_eq!(
            a.as_slice::<i32>().unwrap_err().to_string(),
            "an array of shape (2, 3) with strides (4, 8) is not contiguous in C order"
        );
        a.view_mut().set(&[0, 2], &Scalar::I32(7)).unwrap();
        assert_eq!(a.to_vec::<i32>().unwrap(), [0, 0, 7, 0, 0, 0]);
        assert_eq!(a, Array::from_slice(&[0, 0, 7, 0, 0, 0], &[2, 3]).unwrap());
    }

    #[test]
    fn a_stray_bool_byte_is_refused_by_slices_and_normalised_by_views() {
        let mut a = Array::zeros(DType::Bool, &[3], Order::C).unwrap();
        a.as_bytes_mut().copy_from_slice(&[0, 2, 1]);
        let error = a.as_slice::<bool>().unwrap_err();
        assert!(matches!(
            error.kind(),
            DataErrorKind::InvalidBool { index: 1, value: 2 }
        ));
        assert_eq!(a.to_vec::<bool>().unwrap(), [false, true, true]);
        assert_eq!(a.view().get(&[1]), Some(Scalar::Bool(true)));
    }

    #[test]
    fn one_element_has_an_item_and_others_have_none() {
        let a = Array::from_scalar(&Scalar::from(&b"abc"[..])).unwrap();
        assert_eq!(a.item(), Some(Scalar::Bytes((*b"abc").into())));
        assert_eq!(
            Array::zeros(DType::F64, &[2], Order::C).unwrap().item(),
            None
        );
        assert_eq!(
            Array::zeros(DType::F64, &[0], Order::C).unwrap().item(),
            None
        );
    }

    #[test]
    fn a_buffer_of_another_size_comes_back() {
        let (error, buffer) =
            Array::from_buffer(Buffer::zeroed(10).unwrap(), DType::F64, &[2], Order::C)
                .unwrap_err();
        assert_eq!(error.to_string(), "shape (2,) does not hold 1 elements");
        assert_eq!(buffer.len(), 10);
    }
}
