//! Nulls: which elements of a value are there, when an input says that some of its are not.
//!
//! A nullable input has a second array beside it, of its shape: its *validity*, true where an element is there. An element of a value is
//! null where any element that it is computed from is, and a reduction leaves nulls out as it does what a `where=` leaves out.
//!
//! ```text
//! a + b                valid where valid(a) & valid(b)
//! where(c, a, b)       valid where valid(c) & valid(a) & valid(b)
//! sum(a)               sum(a, where=valid(a)), always there
//! mean(a)              mean(a, where=valid(a)), there if any(valid(a))
//! u8(a, "checked")     u8(where(valid(a), a, 0), "checked"): what lies under a null is no fault
//! ```

use std::collections::HashMap;

use numloom_data::{DType, Scalar};

use super::Lower;
use crate::op::Op;
use crate::program::{InputSource, InstKind, Value};

/// What is known of the validity of inputs and values.
#[derive(Default)]
pub(super) struct Nulls {
    /// The input that holds the validity of each nullable input, and of views and parts of such.
    inputs: HashMap<u32, u32>,
    /// The validity of each value so far, in the order of the program; `None` for there everywhere.
    values: Vec<Option<Value>>,
    /// Each conjunction once, by its operands in order, and back.
    both: HashMap<(Value, Value), Value>,
    parts: HashMap<Value, (Value, Value)>,
}

/// The name of the input that holds the validity of `input`: no expression can read it.
fn name_of_validity(input: &str) -> String {
    format!("valid({input})")
}

impl Lower<'_> {
    /// Declares the validities of nullable inputs, behind all that the schema lists.
    pub(super) fn declare_validities(&mut self) {
        for (i, input) in self.schema.inputs.iter().enumerate() {
            if input.nullable {
                let name = name_of_validity(&input.name);
                let validity = self.builder.declare(&name, DType::Bool);
                self.nulls.inputs.insert(i as u32, validity);
            }
        }
    }

    /// Where `value` is there; `None` for everywhere.
    pub(super) fn validity(&mut self, value: Value) -> Option<Value> {
        if self.nulls.inputs.is_empty() {
            return None;
        }
        while self.nulls.values.len() <= value.index() {
            let next = self.nulls.values.len();
            let inst = &self.builder.program().insts[next];
            let validity = match inst.kind {
                InstKind::Input(input) => self.validity_of_input(input),
                // What a reduction leaves out is its own affair: see `set_validity`.
                InstKind::Const(_) | InstKind::Reduce(_) | InstKind::Count { .. } => None,
                _ => {
                    let operands = inst.operands().iter();
                    let known = operands.map(|arg| self.nulls.values[arg.index()]);
                    let known: Vec<Option<Value>> = known.collect();
                    known
                        .into_iter()
                        .fold(None, |a, b| self.valid_in_both(a, b))
                }
            };
            self.nulls.values.push(validity);
        }
        self.nulls.values[value.index()]
    }

    /// Where all of `values` are there.
    pub(super) fn validity_of_all(
        &mut self,
        values: impl IntoIterator<Item = Value>,
    ) -> Option<Value> {
        values.into_iter().fold(None, |known, value| {
            let validity = self.validity(value);
            self.valid_in_both(known, validity)
        })
    }

    /// Says where `value` is there, which its operands do not.
    pub(super) fn set_validity(&mut self, value: Value, validity: Value) {
        self.validity(value);
        self.nulls.values[value.index()] = Some(validity);
    }

    /// Where both are there.
    pub(super) fn valid_in_both(&mut self, a: Option<Value>, b: Option<Value>) -> Option<Value> {
        let (Some(a), Some(b)) = (a, b) else {
            return a.or(b);
        };
        let within = |part: Value, of: Value| {
            let parts = self.nulls.parts.get(&of);
            part == of || parts.is_some_and(|&(x, y)| part == x || part == y)
        };
        if within(a, b) {
            return Some(b);
        }
        if within(b, a) {
            return Some(a);
        }
        let parts = (a.min(b), a.max(b));
        if let Some(&known) = self.nulls.both.get(&parts) {
            return Some(known);
        }
        let both = self.builder.apply(Op::And, &[parts.0, parts.1]);
        self.nulls.both.insert(parts, both);
        self.nulls.parts.insert(both, parts);
        Some(both)
    }

    /// `value`, with 0 where `validity` says that nothing is there.
    pub(super) fn zero_where_null(&mut self, value: Value, validity: Option<Value>) -> Value {
        let Some(validity) = validity else {
            return value;
        };
        let zero = Scalar::zero(self.dtype(value));
        let zero = self.builder.constant(zero);
        self.builder.apply(Op::Select, &[validity, value, zero])
    }

    /// Hands out, behind all outputs, the validity of those that may be null; for each output the place of its validity.
    pub(super) fn output_validities(&mut self) -> Vec<Option<usize>> {
        let outputs = self.builder.program().outputs.clone();
        let mut places = Vec::with_capacity(outputs.len());
        for output in &outputs {
            let validity = self.validity_of_all(output.values());
            places.push(validity.map(|validity| {
                let name = output.name.as_deref().map(name_of_validity);
                self.builder.at(output.span);
                self.builder
                    .output_shaped(name.as_deref(), validity, None, output.shape.clone());
                self.builder.program().outputs.len() - 1
            }));
        }
        places
    }

    /// The elements of the validity of an input, if it is nullable.
    fn validity_of_input(&mut self, input: u32) -> Option<Value> {
        let validity = self.input_of_validity(input)?;
        Some(self.read_once(validity))
    }

    /// The input that holds the validity of `input`: for a view the same view of the validity.
    fn input_of_validity(&mut self, input: u32) -> Option<u32> {
        if let Some(&validity) = self.nulls.inputs.get(&input) {
            return Some(validity);
        }
        let source = self.builder.program().inputs[input as usize].source.clone();
        let validity = match source {
            InputSource::Array => return None,
            InputSource::Real(whole) | InputSource::Imag(whole) => self.input_of_validity(whole)?,
            InputSource::View {
                input: whole,
                items,
                span,
            } => {
                let whole = self.input_of_validity(whole)?;
                let name = self.builder.program().inputs[whole as usize].name.clone();
                let source = InputSource::View {
                    input: whole,
                    items,
                    span,
                };
                self.builder.declare_part(&name, DType::Bool, source)
            }
        };
        self.nulls.inputs.insert(input, validity);
        Some(validity)
    }
}
