//! What an expression computed: arrays and reduced values, under their names.

use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use numloom_data::{Array, Complex, DType, Element, Order, Scalar, f16};
use numloom_runtime::OutputValue;
#[cfg(feature = "arrow")]
use numloom_syntax::StmtKind;

use crate::error::Error;
use crate::kernel::Names;

/// One output: elements, or the one value of a reduction; null only where an input was: [nulls](crate::_documentation::types#nulls).
#[derive(Debug, PartialEq)]
pub enum Value {
    /// Elements.
    Array(Array),
    /// A reduced value.
    Scalar(Scalar),
    /// Elements of which some are null.
    Masked(Masked),
    /// A reduced value that is null, of this dtype.
    Null(DType),
}

/// Elements of which some are null.
#[derive(Debug, PartialEq)]
pub struct Masked {
    elements: Array,
    validity: Array,
}

impl Masked {
    /// All elements; what those that are null hold is not specified.
    #[must_use]
    pub fn elements(&self) -> &Array {
        &self.elements
    }

    /// Where the elements are: bools of their shape and order.
    #[must_use]
    pub fn validity(&self) -> &Array {
        &self.validity
    }

    /// How many elements are null; at least one.
    #[must_use]
    pub fn null_count(&self) -> usize {
        let bytes = self.validity.as_bytes().iter();
        bytes.filter(|&&valid| valid == 0).count()
    }

    /// Elements and validity.
    #[must_use]
    pub fn into_parts(self) -> (Array, Array) {
        (self.elements, self.validity)
    }
}

impl Value {
    /// The dtype.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match self {
            Value::Array(array) => array.dtype(),
            Value::Scalar(value) => value.dtype(),
            Value::Masked(masked) => masked.elements.dtype(),
            Value::Null(dtype) => *dtype,
        }
    }

    /// The extents; none for a reduced value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        match self {
            Value::Array(array) => array.shape(),
            Value::Masked(masked) => masked.elements.shape(),
            Value::Scalar(_) | Value::Null(_) => &[],
        }
    }

    /// How many elements are null.
    #[must_use]
    pub fn null_count(&self) -> usize {
        match self {
            Value::Array(_) | Value::Scalar(_) => 0,
            Value::Masked(masked) => masked.null_count(),
            Value::Null(_) => 1,
        }
    }

    /// The elements in row-major order, copied.
    ///
    /// # Errors
    /// `dtype-mismatch` if they are of another dtype; `unexpected-nulls`; `out-of-memory`.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>, Error> {
        self.expect::<T>()?;
        match self {
            Value::Array(array) => Ok(array.to_vec()?),
            Value::Scalar(_) => Ok(vec![self.item()?]),
            Value::Masked(_) | Value::Null(_) => Err(self.nulls()),
        }
    }

    /// The one value that there is.
    ///
    /// # Errors
    /// `dtype-mismatch` if it is of another dtype; `output-shape` if there is any other number of elements; `unexpected-nulls` if it is null.
    pub fn item<T: Element>(&self) -> Result<T, Error> {
        self.expect::<T>()?;
        let item = self.scalar()?;
        Ok(T::from_scalar(&item).expect("the dtype was checked"))
    }

    /// The one value that there is, of whatever dtype.
    ///
    /// # Errors
    /// `output-shape` if there is any other number of elements; `unexpected-nulls` if it is null.
    pub fn scalar(&self) -> Result<Scalar, Error> {
        match self {
            Value::Array(array) => array
                .item()
                .ok_or_else(|| Error::not_one_element(array.shape())),
            Value::Scalar(value) => Ok(value.clone()),
            Value::Masked(_) | Value::Null(_) => Err(self.nulls()),
        }
    }

    /// The elements; a reduced value becomes an array without axes.
    ///
    /// # Errors
    /// `unexpected-nulls` if some are null; `out-of-memory`.
    pub fn into_array(self) -> Result<Array, Error> {
        match self {
            Value::Array(array) => Ok(array),
            Value::Scalar(value) => Ok(Array::from_scalar(&value)?),
            Value::Masked(_) | Value::Null(_) => Err(self.nulls()),
        }
    }

    fn nulls(&self) -> Error {
        let n = self.shape().iter().product();
        Error::nulls(self.null_count(), n)
    }

    /// What may be null, as a run gives it: the elements and where they are.
    fn masked(value: Value, validity: Value) -> Value {
        match (value, validity) {
            (Value::Array(elements), Value::Array(validity))
                if validity.as_bytes().contains(&0) =>
            {
                Value::Masked(Masked { elements, validity })
            }
            (Value::Scalar(value), Value::Scalar(Scalar::Bool(false))) => {
                Value::Null(value.dtype())
            }
            (value, _) => value,
        }
    }

    /// The same room for elements, none of which is null.
    pub(crate) fn forget_nulls(&mut self) {
        let without = match self {
            Value::Masked(masked) => {
                let nothing =
                    Array::zeros(DType::Bool, &[0], Order::C).expect("no memory to be had");
                Value::Array(std::mem::replace(&mut masked.elements, nothing))
            }
            Value::Null(dtype) => Value::Scalar(Scalar::zero(*dtype)),
            Value::Array(_) | Value::Scalar(_) => return,
        };
        *self = without;
    }

    fn expect<T: Element>(&self) -> Result<(), Error> {
        match self.dtype() {
            dtype if dtype == T::DTYPE => Ok(()),
            dtype => Err(Error::output_dtype(dtype, T::DTYPE)),
        }
    }
}

/// As NumPy shows arrays: `[1.0, 2.0]`, long ones abridged.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Array(array) => array.fmt(f),
            Value::Scalar(value) => value.fmt(f),
            Value::Masked(masked) => {
                let elements = masked.elements.view();
                elements.display_masked(&masked.validity.view()).fmt(f)
            }
            Value::Null(_) => f.write_str("null"),
        }
    }
}

/// The outputs of one run, in the order of the expression.
///
/// Of one output, [`TryFrom`] makes a `Vec` of its elements in row-major order, an [`Array`], a [`Value`], or, if it has one
/// element, a number; the dtype must be the output's.
///
/// ```
/// use numloom::eval;
///
/// let out = eval("double = 2*a; least = min(a); most = max(a)", [("a", &[3, 1, 2])])?;
/// assert_eq!(out["double"].to_vec::<i64>().unwrap_err().code().slug(), "dtype-mismatch");
/// assert_eq!(out["double"].to_vec::<i32>()?, [6, 2, 4]);
/// assert_eq!(out["least"].to_string(), "1");
/// assert_eq!(out.to_string(), "double = [6, 2, 4]\nleast = 1\nmost = 3");
///
/// let squares: Vec<i32> = eval("a * a", [("a", &[3, 1, 2])])?.try_into()?;
/// assert_eq!(squares, [9, 1, 4]);
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Debug)]
pub struct Outputs {
    names: Arc<Names>,
    values: Vec<Value>,
}

impl Outputs {
    /// Of all values, the first are the outputs, and `validities` says which of the others go with them.
    pub(crate) fn new(
        names: Arc<Names>,
        values: Vec<OutputValue>,
        validities: &[Option<usize>],
    ) -> Outputs {
        let value = |value| match value {
            OutputValue::Array(array) => Value::Array(array),
            OutputValue::Scalar(value) => Value::Scalar(value),
        };
        let mut values: Vec<Value> = values.into_iter().map(value).collect();
        // They lie in the order of what they go with.
        let mut behind = values.split_off(validities.len()).into_iter();
        let values = values.into_iter().zip(validities);
        let values = values.map(|(value, validity)| match validity {
            Some(_) => Value::masked(value, behind.next().expect("there is one for each")),
            None => value,
        });
        Outputs {
            names,
            values: values.collect(),
        }
    }

    pub(crate) fn values_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }

    /// How many there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always an output")]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The output of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let at = self.names.outputs().position(|output| output == Some(name));
        at.map(|i| &self.values[i])
    }

    fn find(&self, name: &str) -> Result<&Value, Error> {
        self.names.output(name).map(|i| &self.values[i])
    }

    /// The array of this name.
    ///
    /// # Errors
    /// `unknown-name` if there is no such output; `output-shape` if it is a reduced value; `unexpected-nulls` if some elements are null.
    pub fn array(&self, name: &str) -> Result<&Array, Error> {
        match self.find(name)? {
            Value::Array(array) => Ok(array),
            Value::Scalar(_) | Value::Null(_) => Err(Error::not_an_array(name)),
            value @ Value::Masked(_) => Err(value.nulls()),
        }
    }

    /// The one value of this name.
    ///
    /// # Errors
    /// `unknown-name` if there is no such output; `output-shape` if it has any other number of elements.
    pub fn scalar(&self, name: &str) -> Result<Scalar, Error> {
        self.find(name)?.scalar()
    }

    /// Names and outputs, in the order of the expression.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Option<&str>, &Value)> {
        self.names.outputs().zip(&self.values)
    }

    /// What to call each output: by its name, a bare expression by its text.
    #[cfg(feature = "arrow")]
    pub(crate) fn titles(&self) -> impl Iterator<Item = &str> {
        let ast = &self.names.text.ast;
        let stmts = ast.stmts.iter().filter(|stmt| stmt.kind != StmtKind::Let);
        stmts.map(|stmt| match &stmt.name {
            Some((name, _)) => name.as_str(),
            None => &self.names.text.src[ast.span(stmt.value).range()],
        })
    }

    /// The only output.
    ///
    /// # Errors
    /// `output-shape` if there are several.
    pub fn into_value(self) -> Result<Value, Error> {
        let mut values = self.values;
        match (values.pop(), values.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(self.names.not_one_output()),
        }
    }
}

/// # Panics
/// If no output has this name; [`get`](Outputs::get) does not.
impl Index<&str> for Outputs {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.find(name).unwrap_or_else(|error| panic!("{error:#}"))
    }
}

/// # Panics
/// If there are not so many.
impl Index<usize> for Outputs {
    type Output = Value;

    fn index(&self, i: usize) -> &Value {
        &self.values[i]
    }
}

/// The values, in the order of the expression.
impl IntoIterator for Outputs {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

/// One output a line, `name = value`; a bare expression has its value alone.
impl fmt::Display for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "\n" })?;
            if let Some(name) = name {
                write!(f, "{name} = ")?;
            }
            value.fmt(f)?;
        }
        Ok(())
    }
}

impl TryFrom<Outputs> for Value {
    type Error = Error;

    fn try_from(outputs: Outputs) -> Result<Value, Error> {
        outputs.into_value()
    }
}

impl TryFrom<Outputs> for Array {
    type Error = Error;

    fn try_from(outputs: Outputs) -> Result<Array, Error> {
        outputs.into_value()?.into_array()
    }
}

impl TryFrom<Outputs> for Scalar {
    type Error = Error;

    fn try_from(outputs: Outputs) -> Result<Scalar, Error> {
        outputs.into_value()?.scalar()
    }
}

impl<T: Element> TryFrom<Outputs> for Vec<T> {
    type Error = Error;

    fn try_from(outputs: Outputs) -> Result<Vec<T>, Error> {
        outputs.into_value()?.to_vec()
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl TryFrom<Outputs> for $type {
            type Error = Error;

            fn try_from(outputs: Outputs) -> Result<$type, Error> {
                outputs.into_value()?.item()
            }
        }
    )*};
}

numbers! { bool i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64 Complex<f32> Complex<f64> }
