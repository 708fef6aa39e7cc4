//! Well-typed programs, built as `lower` would build them: every operation, dtype, cast mode and reduction.

use numloom_data::DType;
use numloom_ir::{
    Args, Axes, Builder, CastMode, Domain, InstKind, Op, Program, Reduce, Reduction, Signature,
    Value,
};

use super::data::{Spice, scalar};
use crate::choices::Choices;

/// The most of each part of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Inputs.
    pub inputs: usize,
    /// Operations, without the casts and constants that they need.
    pub ops: usize,
    /// Outputs.
    pub outputs: usize,
    /// Whether reductions may occur.
    pub reductions: bool,
    /// Whether operations that the data can make fail may occur: checked casts, integers to negative powers.
    pub faults: bool,
}

impl Default for Size {
    fn default() -> Size {
        Size {
            inputs: 4,
            ops: 16,
            outputs: 3,
            reductions: true,
            faults: true,
        }
    }
}

/// A program that satisfies [`verify`](numloom_ir::verify).
pub fn program(choices: &mut Choices<'_>, size: Size) -> Program {
    let mut draft = Draft {
        builder: Builder::new(),
        values: Vec::new(),
        strings: Vec::new(),
    };
    let inputs = choices.below(size.inputs + 1);
    for i in 0..inputs {
        let name = format!("x{i}");
        if choices.chance(15) {
            let width = *choices.pick(&[1, 2, 5, 40]);
            let value = draft.builder.input(&name, DType::Bytes(width));
            draft.strings.push(value);
        } else {
            let dtype = *choices.pick(&DType::ALL_REAL);
            let value = draft.builder.input(&name, dtype);
            draft.values.push(value);
        }
    }
    for _ in 0..1 + choices.below(size.ops) {
        draft.operation(choices, size);
    }
    for i in 0..1 + choices.below(size.outputs) {
        let value = draft.output(choices, size);
        draft
            .builder
            .output((i > 0).then(|| format!("y{i}")).as_deref(), value);
    }
    draft.builder.finish()
}

struct Draft {
    builder: Builder,
    /// The values that have an element for each element of the result.
    values: Vec<Value>,
    /// Those that are byte strings: inputs.
    strings: Vec<Value>,
}

impl Draft {
    fn dtype(&self, value: Value) -> DType {
        self.builder.program().dtype(value)
    }

    /// An earlier operation once more, its operands in the same or the other order: what CSE may and may not take for one.
    fn again(&mut self, choices: &mut Choices<'_>) -> Option<Value> {
        let value = *choices.pick(&self.values);
        let InstKind::Apply { op, args } = self.builder.program().inst(value).kind.clone() else {
            return None;
        };
        let args = match *args {
            [x, y] if choices.chance(70) => [y, x].to_vec(),
            ref same => same.to_vec(),
        };
        match op.info().signature {
            Signature::Cast => None,
            _ => Some(self.builder.apply(op, &args)),
        }
    }

    fn operation(&mut self, choices: &mut Choices<'_>, size: Size) {
        if !self.values.is_empty() && choices.chance(10) {
            let again = self.again(choices);
            self.values.extend(again);
            return;
        }
        let mut row = choices.pick(Op::TABLE);
        // Engines share the block functions of floats, so there is less to find in them.
        if row.block == Domain::FLOAT && choices.chance(70) {
            row = choices.pick(Op::TABLE);
        }
        let value = match (row.op, row.signature) {
            (op @ Op::Cast(mode), _) => {
                if mode == CastMode::Checked && !size.faults {
                    return;
                }
                let to = *choices.pick(&DType::ALL_REAL);
                let from = *choices.pick(&DType::ALL_REAL);
                let value = self.operand(choices, from);
                self.builder.cast(op, value, to)
            }
            // Operations that byte strings share with numbers meet them more often where there are some.
            (op, signature)
                if row.domain == Domain::BYTES
                    || row.domain.contains(DType::Bytes(1))
                        && choices.chance(if self.strings.is_empty() { 5 } else { 50 }) =>
            {
                let args: Vec<Value> = (0..signature.arity())
                    .map(|_| self.string(choices))
                    .collect();
                self.builder.apply(op, &args)
            }
            (op, signature) => {
                let dtypes = members(row.domain);
                // Floats are few among the dtypes, and have the most to get wrong.
                let floats = dtypes.ends_with(&[DType::F32, DType::F64]) && choices.chance(40);
                let from = if floats {
                    &dtypes[dtypes.len() - 2..]
                } else {
                    &dtypes[..]
                };
                let dtype = *choices.pick(from);
                if op.can_fault(dtype) && !size.faults {
                    return;
                }
                let args: Vec<Value> = (0..signature.arity())
                    .map(|i| {
                        let condition = signature == Signature::Select && i == 0;
                        self.operand(choices, if condition { DType::Bool } else { dtype })
                    })
                    .collect();
                self.builder.apply(op, &args)
            }
        };
        self.values.push(value);
    }

    /// A value of `dtype`: one that exists, one cast to it, or a constant.
    fn operand(&mut self, choices: &mut Choices<'_>, dtype: DType) -> Value {
        if dtype != DType::F16 && (self.values.is_empty() || choices.chance(20)) {
            let constant = scalar(choices, dtype, Spice::Hot);
            return self.builder.constant(constant);
        }
        let fitting: Vec<Value> = self
            .values
            .iter()
            .copied()
            .filter(|&v| self.dtype(v) == dtype)
            .collect();
        if !fitting.is_empty() && choices.chance(80) {
            return *choices.pick(&fitting);
        }
        let value = match &self.values[..] {
            [] => self
                .builder
                .constant(scalar(choices, DType::F32, Spice::Hot)),
            values => *choices.pick(values),
        };
        let mode = *choices.pick(&[CastMode::Wrap, CastMode::Saturate]);
        self.builder.cast(Op::Cast(mode), value, dtype)
    }

    /// A byte string: an input, or a constant.
    fn string(&mut self, choices: &mut Choices<'_>) -> Value {
        if !self.strings.is_empty() && choices.chance(70) {
            return *choices.pick(&self.strings);
        }
        let width = choices.below(4) as u32;
        let constant = scalar(choices, DType::Bytes(width), Spice::Hot);
        self.builder.constant(constant)
    }

    fn output(&mut self, choices: &mut Choices<'_>, size: Size) -> Value {
        // The latest values hang on most of what was built.
        let recent = &self.values[self.values.len().saturating_sub(4)..];
        let value = match recent {
            [] => self.operand(choices, DType::F64),
            _ => *choices.pick(recent),
        };
        if !size.reductions || !choices.chance(35) {
            return value;
        }
        let reduction = *choices.pick(&Reduction::ALL);
        let own = self.dtype(value);
        let dtype = match own {
            DType::F16 => DType::F32,
            _ if reduction.takes(own) => own,
            _ => DType::F64,
        };
        let mut args = vec![self.builder.cast(Op::Cast(CastMode::Wrap), value, dtype)];
        while args.len() < reduction.arity() {
            args.push(self.operand(choices, dtype));
        }
        self.builder.reduce_with(Reduce {
            reduction,
            args: Args::new(&args),
            axes: Axes::All,
            keepdims: false,
            may_be_empty: false,
            shape: self.builder.program().whole_shape(),
        })
    }
}

/// The dtypes of a domain.
fn members(domain: Domain) -> Vec<DType> {
    DType::ALL_REAL
        .into_iter()
        .filter(|&dtype| domain.contains(dtype))
        .collect()
}
