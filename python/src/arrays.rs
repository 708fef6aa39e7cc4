#![expect(
    unsafe_code,
    reason = "makes views of the memory of NumPy arrays, and asks NumPy for new ones"
)]
//! NumPy arrays as views of their memory, of any layout, and new ones for results.
//!
//! What goes in: NumPy arrays. What comes out: [`View`]s and [`ViewMut`]s that live no longer than a reference to the array. What it
//! never does: copy an element, or form a slice over memory that Python may write to.
//!
//! Whoever writes to an array in one Python thread while another evaluates over it gets values of which nobody can say which they
//! are, as with NumPy itself.

use std::ffi::{c_int, c_long, c_longlong};
use std::ptr;

use numloom::stream::ColumnOwner;
use numloom::{Array, ByteOrder, DType, Order, Room, View, ViewMut};
use numpy::npyffi::{
    NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_CARRAY, NPY_ARRAY_F_CONTIGUOUS, NPY_ARRAY_FARRAY,
    NPY_ARRAY_WRITEABLE, NPY_TYPES, NpyTypes, PY_ARRAY_API, get_type_object, npy_intp,
};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// The array, if it is one and of no subclass, which might mean more than its memory says.
pub(crate) fn exact<'a, 'py>(
    object: &'a Bound<'py, PyAny>,
) -> Option<&'a Bound<'py, PyUntypedArray>> {
    object.cast_exact().ok()
}

/// What numloom calls this dtype; none if it is no number and no byte string.
pub(crate) fn dtype_of(descr: &Bound<'_, PyArrayDescr>) -> Option<DType> {
    const fn integer(itemsize: usize, signed: bool) -> Option<DType> {
        match (itemsize, signed) {
            (4, true) => Some(DType::I32),
            (4, false) => Some(DType::U32),
            (8, true) => Some(DType::I64),
            (8, false) => Some(DType::U64),
            _ => None,
        }
    }
    let is = |of: NPY_TYPES| descr.num() == of as c_int;
    // C's `int`, `long` and `long long` are types of their own, of which two have one size.
    Some(match descr.num() {
        _ if is(NPY_TYPES::NPY_DOUBLE) => DType::F64,
        _ if is(NPY_TYPES::NPY_FLOAT) => DType::F32,
        _ if is(NPY_TYPES::NPY_LONG) => const { integer(size_of::<c_long>(), true) }?,
        _ if is(NPY_TYPES::NPY_INT) => DType::I32,
        _ if is(NPY_TYPES::NPY_LONGLONG) => const { integer(size_of::<c_longlong>(), true) }?,
        _ if is(NPY_TYPES::NPY_BOOL) => DType::Bool,
        _ if is(NPY_TYPES::NPY_BYTE) => DType::I8,
        _ if is(NPY_TYPES::NPY_UBYTE) => DType::U8,
        _ if is(NPY_TYPES::NPY_SHORT) => DType::I16,
        _ if is(NPY_TYPES::NPY_USHORT) => DType::U16,
        _ if is(NPY_TYPES::NPY_UINT) => DType::U32,
        _ if is(NPY_TYPES::NPY_ULONG) => const { integer(size_of::<c_long>(), false) }?,
        _ if is(NPY_TYPES::NPY_ULONGLONG) => const { integer(size_of::<c_longlong>(), false) }?,
        _ if is(NPY_TYPES::NPY_HALF) => DType::F16,
        _ if is(NPY_TYPES::NPY_CFLOAT) => DType::C64,
        _ if is(NPY_TYPES::NPY_CDOUBLE) => DType::C128,
        _ if is(NPY_TYPES::NPY_STRING) => match descr.itemsize() {
            0 => return None,
            n => DType::Bytes(n.try_into().ok()?),
        },
        _ => return None,
    })
}

/// Whether it is of dates or durations.
pub(crate) fn is_times(array: &Bound<'_, PyUntypedArray>) -> bool {
    matches!(array.dtype().kind(), b'm' | b'M')
}

/// The number by which NumPy knows this dtype.
fn type_num(dtype: DType) -> NPY_TYPES {
    let long = size_of::<c_long>() == 8;
    match dtype {
        DType::Bool => NPY_TYPES::NPY_BOOL,
        DType::I8 => NPY_TYPES::NPY_BYTE,
        DType::I16 => NPY_TYPES::NPY_SHORT,
        DType::I32 => NPY_TYPES::NPY_INT,
        DType::I64 if long => NPY_TYPES::NPY_LONG,
        DType::I64 => NPY_TYPES::NPY_LONGLONG,
        DType::U8 => NPY_TYPES::NPY_UBYTE,
        DType::U16 => NPY_TYPES::NPY_USHORT,
        DType::U32 => NPY_TYPES::NPY_UINT,
        DType::U64 if long => NPY_TYPES::NPY_ULONG,
        DType::U64 => NPY_TYPES::NPY_ULONGLONG,
        DType::F16 => NPY_TYPES::NPY_HALF,
        DType::F32 => NPY_TYPES::NPY_FLOAT,
        DType::F64 => NPY_TYPES::NPY_DOUBLE,
        DType::C64 => NPY_TYPES::NPY_CFLOAT,
        DType::C128 => NPY_TYPES::NPY_CDOUBLE,
        DType::Bytes(_) => NPY_TYPES::NPY_STRING,
    }
}

fn byte_order(descr: &Bound<'_, PyArrayDescr>) -> ByteOrder {
    match descr.byteorder() {
        b'>' => ByteOrder::BIG,
        b'<' => ByteOrder::LITTLE,
        _ => ByteOrder::Native,
    }
}

/// Its elements, to read; none if its dtype is none of numloom's.
pub(crate) fn view<'a>(array: &'a Bound<'_, PyUntypedArray>) -> Option<View<'a>> {
    let descr = array.dtype();
    let dtype = dtype_of(&descr)?;
    // SAFETY: `array` is one, so that its header can be read.
    let data = unsafe { (*array.as_array_ptr()).fields.data };
    // SAFETY: (1) NumPy's invariant: each index below its shape is an element of the array, in memory that `base` keeps as long as
    // the array lives, which is `'a` at least; (2) it refuses shapes whose nonzero extents come to more bytes than `isize` counts; (3)
    // the caller writes through outputs of the same run only, and what other threads of Python do is said in the module's doc.
    let view = unsafe { View::from_raw_parts(data.cast(), dtype, array.shape(), array.strides()) };
    Some(match byte_order(&descr) {
        ByteOrder::Native => view,
        order => view.with_byte_order(order),
    })
}

/// Whether it may be written to.
pub(crate) fn is_writable(array: &Bound<'_, PyUntypedArray>) -> bool {
    has_flag(array, NPY_ARRAY_WRITEABLE)
}

/// Whether its elements lie without gaps, the last axis fastest.
pub(crate) fn is_c_contiguous(array: &Bound<'_, PyUntypedArray>) -> bool {
    has_flag(array, NPY_ARRAY_C_CONTIGUOUS)
}

fn has_flag(array: &Bound<'_, PyUntypedArray>, flag: c_int) -> bool {
    // SAFETY: `array` is one, so that its header can be read.
    unsafe { (*array.as_array_ptr()).fields.flags & flag != 0 }
}

/// Its elements, to write.
///
/// # Safety
/// 1. [`is_writable`].
/// 2. [`is_disjoint`].
/// 3. No other view to write to shares memory with it, as long as this one lives.
///
/// # Panics
/// If its dtype is none of numloom's.
pub(crate) unsafe fn view_mut<'a>(array: &'a Bound<'_, PyUntypedArray>) -> ViewMut<'a> {
    let descr = array.dtype();
    let dtype = dtype_of(&descr).expect("a place has one of numloom's dtypes");
    // SAFETY: `array` is one, so that its header can be read.
    let data = unsafe { (*array.as_array_ptr()).fields.data };
    // SAFETY: (1, 2) as for `view`, and by 1 of this contract; (3) by 2 and 3 of it; (4) kernels write bools as 0 or 1.
    let view =
        unsafe { ViewMut::from_raw_parts(data.cast(), dtype, array.shape(), array.strides()) };
    view.with_byte_order(byte_order(&descr))
}

/// Whether its elements surely have no byte in common: each stride reaches beyond all that the smaller ones span.
pub(crate) fn is_disjoint(view: &View<'_>) -> bool {
    if view.is_empty() || view.is_c_contiguous() {
        return true;
    }
    let mut steps: Vec<(usize, usize)> = (view.strides().iter().zip(view.shape()))
        .filter(|(_, extent)| **extent > 1)
        .map(|(stride, extent)| (stride.unsigned_abs(), *extent))
        .collect();
    steps.sort_unstable();
    let mut span = view.dtype().itemsize();
    for (stride, extent) in steps {
        if stride < span {
            return false;
        }
        span = span.saturating_add(stride.saturating_mul(extent - 1));
    }
    true
}

/// An array that is kept alive, with its elements where they are now.
#[derive(Debug)]
pub(crate) struct Held {
    view: View<'static>,
    /// What keeps them there.
    _array: Py<PyUntypedArray>,
}

impl Held {
    /// None if its dtype is none of numloom's.
    pub(crate) fn new(array: &Bound<'_, PyUntypedArray>) -> Option<Held> {
        let view = view(array)?;
        // SAFETY: (1, 2, 3) as for `view`, whose parts these are; they outlive any borrow of `self`, which holds the array, and is refused
        // to others that would move its memory (`ndarray.resize` looks for references).
        let kept: View<'static> =
            unsafe { View::from_raw_parts(view.ptr(), view.dtype(), view.shape(), view.strides()) };
        Some(Held {
            view: kept.with_byte_order(byte_order(&array.dtype())),
            _array: array.clone().unbind(),
        })
    }
}

impl ColumnOwner for Held {
    fn view(&self) -> View<'_> {
        self.view.clone()
    }
}

/// Memory that arrays of NumPy's look at.
#[pyclass(frozen)]
struct Memory(#[expect(dead_code, reason = "it is held, and looked at by its address")] Array);

/// The array as NumPy's, in the same memory.
///
/// # Errors
/// NumPy's, if memory for the header could not be had.
pub(crate) fn from_array(py: Python<'_>, mut array: Array) -> PyResult<Bound<'_, PyUntypedArray>> {
    let (dtype, shape) = (array.dtype(), array.shape().to_vec());
    let itemsize = c_int::try_from(dtype.itemsize())?;
    let flags = match array.order() {
        Order::C => NPY_ARRAY_CARRAY,
        Order::F => NPY_ARRAY_FARRAY,
    };
    let data = array.as_bytes_mut().as_mut_ptr();
    let memory = Bound::new(py, Memory(array))?;
    // SAFETY: as for `empty`; but the elements are those at `data`, as many and in such an order as the array has, in memory that does
    // not move with it and is aligned; nobody but NumPy looks at it from here on, and what it belongs to becomes the array's base, a
    // reference to which is given away.
    unsafe {
        let new = PY_ARRAY_API.PyArray_New(
            py,
            get_type_object(py, NpyTypes::PyArray_Type),
            shape.len() as c_int,
            shape.as_ptr().cast::<npy_intp>().cast_mut(),
            type_num(dtype) as c_int,
            ptr::null_mut(),
            data.cast(),
            itemsize,
            flags,
            ptr::null_mut(),
        );
        let new = Bound::from_owned_ptr_or_err(py, new)?;
        if PY_ARRAY_API.PyArray_SetBaseObject(py, new.as_ptr().cast(), memory.into_ptr()) < 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(new.cast_into_unchecked())
    }
}

/// A new array, its elements not yet set.
///
/// # Errors
/// NumPy's, if memory could not be had.
pub(crate) fn empty<'py>(py: Python<'py>, room: Room<'_>) -> PyResult<Bound<'py, PyUntypedArray>> {
    let itemsize = c_int::try_from(room.dtype.itemsize())?;
    let flags = match room.order {
        Order::C => 0,
        Order::F => NPY_ARRAY_F_CONTIGUOUS,
    };
    // SAFETY: the type is NumPy's own for arrays; as many extents are read as there are, and not written to, despite the type; NumPy
    // allocates, since there is neither data nor strides; the result is a new reference to an array, or null with an error set.
    unsafe {
        let array = PY_ARRAY_API.PyArray_New(
            py,
            get_type_object(py, NpyTypes::PyArray_Type),
            room.shape.len() as c_int,
            room.shape.as_ptr().cast::<npy_intp>().cast_mut(),
            type_num(room.dtype) as c_int,
            ptr::null_mut(),
            ptr::null_mut(),
            itemsize,
            flags,
            ptr::null_mut(),
        );
        Ok(Bound::from_owned_ptr_or_err(py, array)?.cast_into_unchecked())
    }
}

/// The array; one without axes as the scalar that NumPy makes of it.
pub(crate) fn or_scalar<'py>(array: Bound<'py, PyUntypedArray>) -> PyResult<Bound<'py, PyAny>> {
    if array.ndim() > 0 {
        return Ok(array.into_any());
    }
    let py = array.py();
    // SAFETY: `array` is one, and the reference to it is given away; the result is a new one, or null with an error set.
    unsafe {
        let value = PY_ARRAY_API.PyArray_Return(py, array.into_ptr().cast());
        Bound::from_owned_ptr_or_err(py, value)
    }
}
