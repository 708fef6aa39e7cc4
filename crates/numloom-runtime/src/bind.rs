//! A program meets its arrays: arity, dtypes and shapes.
//!
//! What goes in: a program, views, places for outputs. What comes out: shapes of the outputs, room for them, or an error that
//! names both sides. What it never does: touch an element.

use numloom_data::{Array, DType, Order, Scalar, View, ViewMut, shape};
use numloom_ir::{InstKind, Output, Program, Reduction};

use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::variant::is_reduced;

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

/// Sets of inputs that shape outputs: each distinct one once.
#[derive(Debug)]
pub(crate) struct ShapeSets {
    sets: Vec<Vec<u32>>,
    /// For each output, its set.
    of: Vec<usize>,
}

impl ShapeSets {
    /// Whether each output is shaped by some input for which `holds`.
    pub(crate) fn each_has(&self, holds: impl Fn(u32) -> bool) -> bool {
        self.sets.iter().all(|set| set.iter().any(|&i| holds(i)))
    }

    pub(crate) fn of(prog: &Program) -> ShapeSets {
        let mut sets: Vec<Vec<u32>> = Vec::new();
        let mut index = std::collections::HashMap::new();
        let mut of = Vec::new();
        for output in &prog.outputs {
            let set = *index.entry(&output.shape_inputs).or_insert_with(|| {
                sets.push(output.shape_inputs.clone());
                sets.len() - 1
            });
            of.push(set);
        }
        ShapeSets { sets, of }
    }
}

/// The shapes that outputs are computed over, for the inputs of one run.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    shapes: Vec<Vec<usize>>,
    sets: usize,
}

impl Shapes {
    /// Broadcasts the inputs of each set.
    pub(crate) fn infer(
        &mut self,
        prog: &Program,
        sets: &ShapeSets,
        inputs: &[View<'_>],
    ) -> Result<(), RuntimeError> {
        self.sets = sets.sets.len();
        if self.shapes.len() < self.sets {
            self.shapes.resize_with(self.sets, Vec::new);
        }
        for (i, (set, to)) in sets.sets.iter().zip(&mut self.shapes).enumerate() {
            if let Err((left, right)) = broadcast(set, inputs, to) {
                let output = sets.of.iter().position(|&of| of == i);
                let output = &prog.outputs[output.expect("each set is some output's")];
                let side = |i: u32| {
                    let i = i as usize;
                    (prog.inputs[i].name.clone(), inputs[i].shape().to_vec())
                };
                return Err(RuntimeErrorKind::Broadcast {
                    output: output.name.clone(),
                    left: side(left),
                    right: side(right),
                    span: output.span,
                }
                .into());
            }
            shape::element_count(to)?;
        }
        Ok(())
    }

    /// The shape that output `i` is computed over.
    pub(crate) fn of<'s>(&'s self, sets: &ShapeSets, output: usize) -> &'s [usize] {
        &self.shapes[sets.of[output]]
    }

    /// Whether all outputs are computed over one shape.
    pub(crate) fn agree(&self) -> bool {
        let shapes = &self.shapes[..self.sets];
        shapes.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// The outputs, grouped by the shape they are computed over, each group ascending.
    pub(crate) fn groups(&self, sets: &ShapeSets) -> Vec<Box<[usize]>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut index = std::collections::HashMap::new();
        for output in 0..sets.of.len() {
            let shape = self.of(sets, output);
            let group = *index.entry(shape).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(output);
        }
        groups.into_iter().map(Vec::into_boxed_slice).collect()
    }
}

/// NumPy's rule, into `to`; two inputs that disagree if there are such.
fn broadcast(set: &[u32], inputs: &[View<'_>], to: &mut Vec<usize>) -> Result<(), (u32, u32)> {
    let shape_of = |i: u32| inputs[i as usize].shape();
    let rank = set.iter().map(|&i| shape_of(i).len()).max().unwrap_or(0);
    to.clear();
    to.resize(rank, 1);
    for (nth, &input) in set.iter().enumerate() {
        let shape = shape_of(input);
        for (&extent, have) in shape.iter().rev().zip(to.iter_mut().rev()) {
            if *have == 1 {
                *have = extent;
            } else if extent != 1 && extent != *have {
                let disagrees = |&&other: &&u32| {
                    let pair = shape_of(other).iter().rev().zip(shape.iter().rev());
                    pair.into_iter().any(|(&a, &b)| a != b && a != 1 && b != 1)
                };
                let left = set[..nth].iter().find(disagrees);
                return Err((*left.expect("an earlier input gave the extent"), input));
            }
        }
    }
    Ok(())
}

/// Checks number and dtypes of the inputs.
pub(crate) fn check_inputs(prog: &Program, inputs: &[View<'_>]) -> Result<(), RuntimeError> {
    if inputs.len() != prog.inputs.len() {
        return Err(RuntimeErrorKind::InputCount {
            expected: prog.inputs.iter().map(|input| input.name.clone()).collect(),
            found: inputs.len(),
        }
        .into());
    }
    for (input, view) in prog.inputs.iter().zip(inputs) {
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
        let reduced = is_reduced(prog, output.value);
        let expected = if reduced { &[] } else { shapes.of(sets, i) };
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
        let want = prog.dtype(output.value);
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

/// Refuses the least or greatest of nothing.
pub(crate) fn check_reductions(
    prog: &Program,
    sets: &ShapeSets,
    shapes: &Shapes,
) -> Result<(), RuntimeError> {
    for (i, output) in prog.outputs.iter().enumerate() {
        let InstKind::Reduce { reduction, .. } = prog.inst(output.value).kind else {
            continue;
        };
        let shape = shapes.of(sets, i);
        if matches!(reduction, Reduction::Min | Reduction::Max) && shape.contains(&0) {
            return Err(RuntimeErrorKind::EmptyReduction {
                reduction: reduction.name(),
                name: output.name.clone(),
                shape: shape.to_vec(),
                span: output.span,
            }
            .into());
        }
    }
    Ok(())
}

/// Room for each output: arrays in column-major order if all inputs that have their shape are in it.
pub(crate) fn allocate(
    prog: &Program,
    sets: &ShapeSets,
    shapes: &Shapes,
    inputs: &[View<'_>],
    limit: Option<u64>,
) -> Result<Vec<OutputValue>, RuntimeError> {
    let array = |output: &Output| !is_reduced(prog, output.value);
    let mut needed = 0u64;
    for (i, output) in prog.outputs.iter().enumerate().filter(|(_, o)| array(o)) {
        let itemsize = prog.dtype(output.value).itemsize();
        let bytes = shape::size_bytes(shapes.of(sets, i), itemsize)?;
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
    let make = |(i, output): (usize, &Output)| {
        let dtype = prog.dtype(output.value);
        if !array(output) {
            return Ok(OutputValue::Scalar(Scalar::zero(dtype)));
        }
        let shape = shapes.of(sets, i);
        let shaping = output.shape_inputs.iter().map(|&i| &inputs[i as usize]);
        let mut full = shaping.filter(|view| view.shape() == shape).peekable();
        let order = if full.peek().is_some_and(|view| !view.is_c_contiguous())
            && full.all(|view| view.is_f_contiguous())
        {
            Order::F
        } else {
            Order::C
        };
        Ok(OutputValue::Array(Array::zeros(dtype, shape, order)?))
    };
    prog.outputs.iter().enumerate().map(make).collect()
}
