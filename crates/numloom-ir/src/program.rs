//! Typed SSA: what an expression computes, before anyone asks how.
//!
//! What is this: [`Program`], a list of instructions in which each value is defined once, before its uses. What
//! goes in: [`lower`](crate::lower()) or a [`Builder`](crate::Builder). What comes out: the passes of
//! [`opt`](crate::opt) turn one into another; [`schedule`](crate::schedule()) turns it into a
//! [`Kernel`](crate::Kernel). What it never holds: shapes, strides, lanes, or anything of a machine.

use numloom_data::{DType, Scalar};
use numloom_syntax::Span;

use crate::op::Op;

/// The index of an instruction, and the name of the value it defines.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Value(pub u32);

impl Value {
    /// The position in [`Program::insts`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The operands of an operation: one to three values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Args {
    values: [Value; 3],
    n: u8,
}

impl Args {
    /// Operands from a slice.
    ///
    /// # Panics
    /// If there are none, or more than three: no operation takes that many.
    pub fn new(args: &[Value]) -> Args {
        assert!(
            (1..=3).contains(&args.len()),
            "an operation takes one to three operands"
        );
        let mut values = [args[0]; 3];
        values[..args.len()].copy_from_slice(args);
        Args {
            values,
            n: args.len() as u8,
        }
    }

    /// The operands in order.
    pub fn as_slice(&self) -> &[Value] {
        &self.values[..usize::from(self.n)]
    }

    /// The operands with each replaced by `f` of it.
    pub fn map(&self, mut f: impl FnMut(Value) -> Value) -> Args {
        let mut out = *self;
        for v in &mut out.values {
            *v = f(*v);
        }
        out
    }
}

impl std::ops::Deref for Args {
    type Target = [Value];
    fn deref(&self) -> &[Value] {
        self.as_slice()
    }
}

/// A reduction over all elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Reduction {
    /// The sum; 0 for no elements.
    Sum,
    /// The product; 1 for no elements.
    Prod,
    /// The least element; NaN if any is NaN; an error for no elements.
    Min,
    /// The greatest element; NaN if any is NaN; an error for no elements.
    Max,
    /// The sum divided by the number of elements; NaN for none.
    Mean,
}

impl Reduction {
    /// Every reduction.
    pub const ALL: [Reduction; 5] = [
        Reduction::Sum,
        Reduction::Prod,
        Reduction::Min,
        Reduction::Max,
        Reduction::Mean,
    ];

    /// Its name in the language and in the text form.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Min => "min",
            Reduction::Max => "max",
            Reduction::Mean => "mean",
        }
    }

    /// The dtype it accumulates in: sums and products of integers widen to 64 bits, floats to `f64`; a mean is
    /// always in `f64`; least and greatest keep the operand's dtype.
    pub fn accumulator(self, operand: DType) -> DType {
        match self {
            Reduction::Min | Reduction::Max => operand,
            Reduction::Mean => DType::F64,
            Reduction::Sum | Reduction::Prod if operand.is_float() => DType::F64,
            Reduction::Sum | Reduction::Prod if operand.is_unsigned() => DType::U64,
            Reduction::Sum | Reduction::Prod => DType::I64,
        }
    }

    /// The dtype of the result: NumPy's.
    pub fn result(self, operand: DType) -> DType {
        match self {
            Reduction::Mean if !operand.is_float() => DType::F64,
            Reduction::Mean | Reduction::Sum | Reduction::Prod if operand.is_float() => operand,
            _ => self.accumulator(operand),
        }
    }
}

/// What an instruction does.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum InstKind {
    /// An element of an input, by its index in [`Program::inputs`].
    Input(u32),
    /// The same value for every element.
    Const(Scalar),
    /// An operation on earlier values.
    Apply {
        /// The operation.
        op: Op,
        /// Its operands.
        args: Args,
    },
    /// A reduction of an earlier value over all elements.
    Reduce {
        /// Which reduction.
        reduction: Reduction,
        /// What is reduced.
        arg: Value,
    },
}

/// One instruction: the definition of one value.
#[derive(Clone, PartialEq, Debug)]
pub struct Inst {
    /// What it does.
    pub kind: InstKind,
    /// The dtype of the value it defines.
    pub dtype: DType,
    /// The sub-expression it came from.
    pub span: Span,
}

impl Inst {
    /// The values it uses.
    pub fn operands(&self) -> &[Value] {
        match &self.kind {
            InstKind::Input(_) | InstKind::Const(_) => &[],
            InstKind::Apply { args, .. } => args,
            InstKind::Reduce { arg, .. } => std::slice::from_ref(arg),
        }
    }

    /// Replaces each value it uses by `f` of it.
    pub fn map_operands(&mut self, mut f: impl FnMut(Value) -> Value) {
        match &mut self.kind {
            InstKind::Input(_) | InstKind::Const(_) => {}
            InstKind::Apply { args, .. } => *args = args.map(f),
            InstKind::Reduce { arg, .. } => *arg = f(*arg),
        }
    }
}

/// A named array that the program reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// Its name in the expression.
    pub name: String,
    /// Its dtype.
    pub dtype: DType,
}

/// A value that the program hands out.
#[derive(Clone, PartialEq, Debug)]
pub struct Output {
    /// Its name; `None` for a bare expression.
    pub name: Option<String>,
    /// The value.
    pub value: Value,
    /// The inputs that the source expression mentions, ascending, whether or not a value of theirs is still
    /// needed: their shapes broadcast to the output's shape (or to the shape that a reduction runs over).
    pub shape_inputs: Vec<u32>,
    /// The expression it came from.
    pub span: Span,
}

/// A whole program: inputs, instructions, outputs.
///
/// `Display` prints the canonical text form, which [`Program::parse`](Program::parse) reads back; `numloom explain
/// --stage ir` shows it before the passes and `--stage opt` after them. Built by [`lower`](crate::lower()) or by hand with a
/// [`Builder`](crate::Builder); [`verify`](crate::verify()) checks one that was made by hand.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Program {
    /// The arrays it reads, in the order of the schema.
    pub inputs: Vec<Input>,
    /// The instructions, each after its operands.
    pub insts: Vec<Inst>,
    /// What it hands out, in the order of the source.
    pub outputs: Vec<Output>,
}

impl Program {
    /// The instruction that defines `value`.
    ///
    /// # Panics
    /// If `value` is not of this program.
    pub fn inst(&self, value: Value) -> &Inst {
        &self.insts[value.index()]
    }

    /// The dtype of `value`.
    ///
    /// # Panics
    /// If `value` is not of this program.
    pub fn dtype(&self, value: Value) -> DType {
        self.inst(value).dtype
    }
}
