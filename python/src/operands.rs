//! One argument of a call: an array as it is, a number of Python's, or what the Python side makes an array of.

use numloom::{Complex, DType, Scalar, View};
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt};

use crate::arrays;

/// An argument, held as long as it is looked at.
#[derive(Debug)]
pub(crate) enum Operand<'py> {
    /// An array of one of numloom's dtypes.
    Array(Bound<'py, PyUntypedArray>),
    /// The same, with an array of bools that says where there are elements.
    Masked(Bound<'py, PyUntypedArray>, Bound<'py, PyUntypedArray>),
    /// A number of Python's.
    Number(Cell),
    /// An array of dates or durations, which the Python side makes integers of.
    Times,
}

/// Room for a number.
#[derive(Debug)]
#[repr(align(16))]
pub(crate) struct Cell {
    bytes: [u8; 16],
    dtype: DType,
}

impl Cell {
    fn new(value: &Scalar) -> Cell {
        let (mut bytes, dtype) = ([0; 16], value.dtype());
        value.write_bytes(&mut bytes);
        Cell { bytes, dtype }
    }
}

impl<'py> Operand<'py> {
    /// What `object`, given for the input `name`, is.
    ///
    /// # Errors
    /// Those of the Python side, for what is no array of numbers.
    pub(crate) fn of(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Operand<'py>> {
        Operand::plain(object).map_or_else(|| convert(object, name), Ok)
    }

    /// The same, if Python need not be asked.
    pub(crate) fn plain(object: &Bound<'py, PyAny>) -> Option<Operand<'py>> {
        if let Some(array) = arrays::exact(object)
            && arrays::dtype_of(&array.dtype()).is_some()
        {
            return Some(Operand::Array(array.clone()));
        }
        number(object).map(|number| Operand::Number(Cell::new(&number)))
    }

    /// Its elements; none of times.
    pub(crate) fn view(&self) -> View<'_> {
        let view = match self {
            Operand::Array(array) | Operand::Masked(array, _) => arrays::view(array),
            Operand::Number(cell) => {
                let bytes = &cell.bytes[..cell.dtype.itemsize()];
                View::from_bytes(bytes, cell.dtype, &[], numloom::Order::C).ok()
            }
            Operand::Times => None,
        };
        view.expect("an operand has one of numloom's dtypes")
    }

    /// The number, if it is one.
    pub(crate) fn number(&self) -> Option<Scalar> {
        if self.is_times() {
            return None;
        }
        let view = self.view();
        (view.ndim() == 0 && !self.is_nullable()).then(|| view.get(&[]))?
    }

    /// Whether it has no dtype of its own, as Python's numbers but for bools.
    pub(crate) fn is_weak(&self) -> bool {
        matches!(self, Operand::Number(cell) if !cell.dtype.is_bool())
    }

    /// Whether it is of dates or durations, and has no view.
    pub(crate) fn is_times(&self) -> bool {
        matches!(self, Operand::Times)
    }

    /// Whether elements may be missing.
    pub(crate) fn is_nullable(&self) -> bool {
        matches!(self, Operand::Masked(..))
    }

    /// Where there are elements, if that was said.
    pub(crate) fn validity(&self) -> Option<View<'_>> {
        match self {
            Operand::Masked(_, validity) => {
                Some(arrays::view(validity).expect("a validity is of bools"))
            }
            Operand::Array(_) | Operand::Number(_) | Operand::Times => None,
        }
    }
}

/// A number of Python's own types, and of no subclass: NumPy's are asked for their dtype.
fn number(object: &Bound<'_, PyAny>) -> Option<Scalar> {
    if let Ok(value) = object.cast_exact::<PyFloat>() {
        return Some(Scalar::F64(value.extract().ok()?));
    }
    if let Ok(value) = object.cast_exact::<PyInt>() {
        let signed = value.extract().map(Scalar::I64);
        return signed.or_else(|_| value.extract().map(Scalar::U64)).ok();
    }
    if let Ok(value) = object.cast_exact::<PyBool>() {
        return Some(Scalar::Bool(value.is_true()));
    }
    let value = object.cast_exact::<PyComplex>().ok()?;
    let part = |name| value.getattr(name).and_then(|part| part.extract()).ok();
    Some(Scalar::C128(Complex::new(part("real")?, part("imag")?)))
}

/// Asks `numloom._inputs.operand_of` for an array, and for its validity if elements may be missing.
fn convert<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Operand<'py>> {
    static OPERAND_OF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let operand_of = OPERAND_OF.import(object.py(), "numloom._inputs", "operand_of")?;
    let (array, validity): (Bound<'py, PyAny>, Option<Bound<'py, PyAny>>) =
        operand_of.call1((object, name))?.extract()?;
    if arrays::exact(&array).is_some_and(|array| arrays::is_times(array)) {
        return Ok(Operand::Times);
    }
    let known = |array: Bound<'py, PyAny>| match arrays::exact(&array) {
        Some(exact) if arrays::view(exact).is_some() => Ok(exact.clone()),
        _ => Err(PyTypeError::new_err("`operand_of` returned no array")),
    };
    Ok(match validity {
        None => Operand::Array(known(array)?),
        Some(validity) => Operand::Masked(known(array)?, known(validity)?),
    })
}
