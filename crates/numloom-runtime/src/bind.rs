//! A program meets its arrays: arity, dtypes and shapes.
//!
//! What goes in: a program, views, places for outputs. What comes out: shapes of the outputs, room for them, or an error that
//! names both sides. What it never does: touch an element.

use numloom_data::{Array, DType, Order, Scalar, View, ViewMut, shape};
use numloom_ir::{Output, Program};

use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::shape::{ShapeSets, Shapes};

/// The place for one output: an array of exactly its shape and dtype, or a scalar.
///
/// A reduced value goes to a scalar or to an array without axes, and so does any output whose shape has no axes.
#[derive(Debug)]
pub enum Out<'a> {
    /// An array to write to.
    Array(ViewMut<'a>),
    /// A value to replace.
    Scalar(&'a mut Scalar),
}

impl<'a> Out<'a> {
    /// The place that `value` offers.
    pub fn of(value: &'a mut OutputValue) -> Out<'a> {
        match value {
            OutputValue::Array(array) => Out::Array(array.view_mut()),
            OutputValue::Scalar(value) => Out::Scalar(value),
        }
    }

    pub(crate) fn reborrow(&mut self) -> Out<'_> {
        match self {
            Out::Array(view) => Out::Array(view.reborrow()),
            Out::Scalar(value) => Out::Scalar(value),
        }
    }
}

/// One output: reduced values are scalars, all others arrays.
#[derive(Debug, PartialEq)]
pub enum OutputValue {
    /// Elements.
    Array(Array),
    /// A reduced value.
    Scalar(Scalar),
}

impl OutputValue {
    /// The dtype.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match self {
            OutputValue::Array(array) => array.dtype(),
            OutputValue::Scalar(value) => value.dtype(),
        }
    }

    /// The shape; none for a reduced value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        match self {
            OutputValue::Array(array) => array.shape(),
            OutputValue::Scalar(_) => &[],
        }
    }

    /// The array, or the reduced value as an array without axes.
    ///
    /// # Errors
    /// [`OutOfMemory`](RuntimeErrorKind::OutOfMemory).
    pub fn into_array(self) -> Result<Array, RuntimeError> {
        match self {
            OutputValue::Array(array) => Ok(array),
            OutputValue::Scalar(value) => Ok(Array::from_scalar(&value)?),
        }
    }

    /// The value, if there is exactly one.
    #[must_use]
    pub fn item(&self) -> Option<Scalar> {
        match self {
            OutputValue::Array(array) => array.item(),
            OutputValue::Scalar(value) => Some(value.clone()),
        }
    }
}

/// Checks number and dtypes of the inputs.
pub(crate) fn check_inputs(prog: &Program, inputs: &[View<'_>]) -> Result<(), RuntimeError> {
    let arrays = prog.arrays();
    if inputs.len() != arrays.len() {
        return Err(RuntimeErrorKind::InputCount {
            expected: arrays.iter().map(|input| input.name.clone()).collect(),
            found: inputs.len(),
        }
        .into());
    }
    for (input, view) in arrays.iter().zip(inputs) {
        if view.dtype() != input.dtype {
            return Err(RuntimeErrorKind::InputDType {
                name: input.name.clone(),
                expected: input.dtype,
                found: view.dtype(),
            }
            .into());
        }
    }
    Ok(())
}

/// Checks number, shapes and dtypes of the places for outputs.
pub(crate) fn check_outputs(
    prog: &Program,
    sets: &ShapeSets,
    shapes: &Shapes,
    outputs: &[Out<'_>],
) -> Result<(), RuntimeError> {
    if outputs.len() != prog.outputs.len() {
        return Err(RuntimeErrorKind::OutputCount {
            expected: prog.outputs.len(),
            found: outputs.len(),
        }
        .into());
    }
    for (i, (output, out)) in prog.outputs.iter().zip(outputs).enumerate() {
        let expected = shapes.output(sets, i);
        let (found, dtype) = match out {
            Out::Array(view) => (view.shape(), Some(view.dtype())),
            Out::Scalar(_) => (&[][..], None),
        };
        if found != expected {
            return Err(RuntimeErrorKind::OutputShape {
                name: output.name.clone(),
                expected: expected.to_vec(),
                found: found.to_vec(),
            }
            .into());
        }
        let want = prog.output_dtype(output);
        if let Some(found) = dtype.filter(|&dtype| dtype != want) {
            return Err(RuntimeErrorKind::OutputDType {
                name: output.name.clone(),
                expected: want,
                found,
            }
            .into());
        }
    }
    Ok(())
}

/// What one output of a run takes: see [`Compiled::rooms`](crate::Compiled::rooms).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Room<'s> {
    /// Its dtype.
    pub dtype: DType,
    /// Its shape; a reduced value has no axes.
    pub shape: &'s [usize],
    /// How its elements had best lie: column-major if all inputs of its shape do.
    pub order: Order,
}

/// The room that each output takes, in order, unless all of them take more than `limit` bytes.
pub(crate) fn rooms<'s>(
    prog: &'s Program,
    sets: &'s ShapeSets,
    shapes: &'s Shapes,
    inputs: &'s [View<'_>],
    limit: Option<u64>,
) -> Result<impl Iterator<Item = Room<'s>>, RuntimeError> {
    let mut needed = 0u64;
    for (i, output) in prog.outputs.iter().enumerate() {
        let itemsize = prog.output_dtype(output).itemsize();
        let bytes = shape::size_bytes(shapes.output(sets, i), itemsize)?;
        needed = needed.saturating_add(bytes as u64);
    }
    if let Some(limit) = limit.filter(|&limit| needed > limit) {
        return Err(RuntimeErrorKind::Limit {
            option: "max_output_bytes",
            limit,
            needed,
        }
        .into());
    }
    let room = move |(i, output): (usize, &'s Output)| {
        let shape = shapes.output(sets, i);
        let shaping = output.shape.inputs().map(|i| &inputs[i as usize]);
        let mut full = shaping.filter(|view| view.shape() == shape).peekable();
        let order = if full.peek().is_some_and(|view| !view.is_c_contiguous())
            && full.all(|view| view.is_f_contiguous())
        {
            Order::F
        } else {
            Order::C
        };
        let dtype = prog.output_dtype(output);
        Room {
            dtype,
            shape,
            order,
        }
    };
    Ok(prog.outputs.iter().enumerate().map(room))
}

/// Memory of that room for each output.
pub(crate) fn allocate(
    prog: &Program,
    sets: &ShapeSets,
    shapes: &Shapes,
    inputs: &[View<'_>],
    limit: Option<u64>,
) -> Result<Vec<OutputValue>, RuntimeError> {
    let make = |(i, room): (usize, Room<'_>)| {
        if sets.is_scalar(i) {
            return Ok(OutputValue::Scalar(Scalar::zero(room.dtype)));
        }
        let array = Array::zeros(room.dtype, room.shape, room.order)?;
        Ok(OutputValue::Array(array))
    };
    let rooms = rooms(prog, sets, shapes, inputs, limit)?;
    rooms.enumerate().map(make).collect()
}
