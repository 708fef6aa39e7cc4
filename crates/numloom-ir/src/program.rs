//! Typed SSA: what an expression computes, before anyone asks how.
//!
//! What is this: [`Program`], a list of instructions in which each value is defined once, before its uses. What
//! goes in: [`lower`](crate::lower()) or a [`Builder`](crate::Builder). What comes out: the passes of
//! [`opt`](crate::opt) turn one into another; [`schedule`](crate::schedule()) turns it into a
//! [`Kernel`](crate::Kernel). What it never holds: shapes, strides, lanes, or anything of a machine.

use std::sync::Arc;

use numloom_data::{DType, Scalar};
use numloom_syntax::Span;

use crate::op::{Domain, Op};

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

/// A primitive reduction. What the language calls `mean`, `std` or `nansum` is these and operations on their results.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Reduction {
    /// The sum; 0 for no elements.
    Sum,
    /// The product; 1 for no elements.
    Prod,
    /// The least element; NaN if any is NaN.
    Min,
    /// The greatest element; NaN if any is NaN.
    Max,
    /// The position of the first least element, or of the first NaN.
    ArgMin,
    /// The position of the first greatest element, or of the first NaN.
    ArgMax,
    /// The sum of squared deviations from the mean, in `f64`; 0 for no elements.
    M2,
    /// The real part of the product of complex numbers; 1 for no elements.
    ProdRe,
    /// Its imaginary part; 0 for no elements.
    ProdIm,
    /// The real part of the first least complex number, by its real and then its imaginary part, or of the first with NaN.
    MinRe,
    /// Its imaginary part.
    MinIm,
    /// Its position.
    ComplexArgMin,
    /// As [`MinRe`](Reduction::MinRe), of the greatest.
    MaxRe,
    /// Its imaginary part.
    MaxIm,
    /// Its position.
    ComplexArgMax,
}

impl Reduction {
    /// Every reduction.
    pub const ALL: [Reduction; 15] = [
        Reduction::Sum,
        Reduction::Prod,
        Reduction::Min,
        Reduction::Max,
        Reduction::ArgMin,
        Reduction::ArgMax,
        Reduction::M2,
        Reduction::ProdRe,
        Reduction::ProdIm,
        Reduction::MinRe,
        Reduction::MinIm,
        Reduction::ComplexArgMin,
        Reduction::MaxRe,
        Reduction::MaxIm,
        Reduction::ComplexArgMax,
    ];

    /// Its name in the text form, and of most in the language.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Min => "min",
            Reduction::Max => "max",
            Reduction::ArgMin => "argmin",
            Reduction::ArgMax => "argmax",
            Reduction::M2 => "m2",
            Reduction::ProdRe => "prod.re",
            Reduction::ProdIm => "prod.im",
            Reduction::MinRe => "min.re",
            Reduction::MinIm => "min.im",
            Reduction::ComplexArgMin => "argmin.c",
            Reduction::MaxRe => "max.re",
            Reduction::MaxIm => "max.im",
            Reduction::ComplexArgMax => "argmax.c",
        }
    }

    /// The number of operands: two of complex numbers, their real and imaginary parts.
    pub fn arity(self) -> usize {
        1 + usize::from(self >= Reduction::ProdRe)
    }

    /// Whether it is defined on operands of this dtype: complex numbers have float parts.
    pub fn takes(self, operand: DType) -> bool {
        match self.arity() {
            1 => Domain::ANY.contains(operand),
            _ => Domain::FLOAT.contains(operand),
        }
    }

    /// Whether it has no value for no elements.
    pub fn needs_elements(self) -> bool {
        !matches!(
            self,
            Reduction::Sum
                | Reduction::Prod
                | Reduction::M2
                | Reduction::ProdRe
                | Reduction::ProdIm
        )
    }

    /// The dtype it accumulates in: sums and products of integers widen to 64 bits, floats and parts of complex products to
    /// `f64`, deviations are always in `f64`; least and greatest keep the operand's dtype.
    pub fn accumulator(self, operand: DType) -> DType {
        match self {
            Reduction::Min | Reduction::Max | Reduction::ArgMin | Reduction::ArgMax => operand,
            Reduction::MinRe | Reduction::MinIm | Reduction::ComplexArgMin => operand,
            Reduction::MaxRe | Reduction::MaxIm | Reduction::ComplexArgMax => operand,
            Reduction::M2 | Reduction::ProdRe | Reduction::ProdIm => DType::F64,
            Reduction::Sum | Reduction::Prod if operand.is_float() => DType::F64,
            Reduction::Sum | Reduction::Prod if operand.is_unsigned() => DType::U64,
            Reduction::Sum | Reduction::Prod => DType::I64,
        }
    }

    /// The dtype of the result: that of the accumulator, or of a position.
    pub fn result(self, operand: DType) -> DType {
        match self {
            Reduction::ArgMin
            | Reduction::ArgMax
            | Reduction::ComplexArgMin
            | Reduction::ComplexArgMax => DType::I64,
            _ => self.accumulator(operand),
        }
    }
}

/// The axes that a reduction runs over. Negative ones count from the last; ranks are known only when arrays come.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum Axes {
    /// All of them.
    #[default]
    All,
    /// These, in the order of the source.
    These(Arc<[i64]>),
}

/// Where a part of a shape comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ShapeSource {
    /// An input's shape.
    Input(u32),
    /// The shape of a reduction's result.
    Value(Value),
}

/// A shape as far as it is known before arrays come: what broadcasts to it, ascending. No source at all is a shape
/// without axes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Shape(Arc<[ShapeSource]>);

impl Default for Shape {
    fn default() -> Shape {
        Shape::new([])
    }
}

impl Shape {
    /// The shape that `sources` broadcast to.
    pub fn new(sources: impl IntoIterator<Item = ShapeSource>) -> Shape {
        let mut sources: Vec<ShapeSource> = sources.into_iter().collect();
        sources.sort_unstable();
        sources.dedup();
        Shape(sources.into())
    }

    /// The shape that these inputs broadcast to.
    pub fn of_inputs(inputs: impl IntoIterator<Item = u32>) -> Shape {
        Shape::new(inputs.into_iter().map(ShapeSource::Input))
    }

    /// What broadcasts to it, ascending.
    pub fn sources(&self) -> &[ShapeSource] {
        &self.0
    }

    /// The inputs among its sources.
    pub fn inputs(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().filter_map(|source| match source {
            ShapeSource::Input(input) => Some(*input),
            ShapeSource::Value(_) => None,
        })
    }

    /// The values among its sources.
    pub fn values(&self) -> impl Iterator<Item = Value> + '_ {
        self.0.iter().filter_map(|source| match source {
            ShapeSource::Input(_) => None,
            ShapeSource::Value(value) => Some(*value),
        })
    }

    fn map_values(&mut self, mut f: impl FnMut(Value) -> Value) {
        if self.values().next().is_some() {
            *self = Shape::new(self.0.iter().map(|source| match source {
                ShapeSource::Value(value) => ShapeSource::Value(f(*value)),
                input => *input,
            }));
        }
    }
}

/// A reduction of earlier values.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reduce {
    /// Which.
    pub reduction: Reduction,
    /// What is reduced: as many values as the reduction's arity.
    pub args: Args,
    /// Along which axes of `shape`.
    pub axes: Axes,
    /// Whether reduced axes stay, with one element.
    pub keepdims: bool,
    /// Whether no elements are fine for a reduction that has no value then: another value is combined with it.
    pub may_be_empty: bool,
    /// The shape that is reduced.
    pub shape: Shape,
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
    /// A reduction of earlier values.
    Reduce(Reduce),
    /// How many elements a reduction along `axes` of `shape` combines: an `i64` without axes.
    Count {
        /// The axes.
        axes: Axes,
        /// The shape that is reduced.
        shape: Shape,
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
    /// The values it computes with.
    pub fn operands(&self) -> &[Value] {
        match &self.kind {
            InstKind::Input(_) | InstKind::Const(_) | InstKind::Count { .. } => &[],
            InstKind::Apply { args, .. } => args,
            InstKind::Reduce(reduce) => &reduce.args,
        }
    }

    /// The shape it reduces or counts, if it does.
    pub fn reduced_shape(&self) -> Option<&Shape> {
        match &self.kind {
            InstKind::Reduce(Reduce { shape, .. }) | InstKind::Count { shape, .. } => Some(shape),
            _ => None,
        }
    }

    /// Every value it needs: its operands, and those whose shape it goes by.
    pub fn uses(&self) -> impl Iterator<Item = Value> + '_ {
        let shape = self.reduced_shape().into_iter().flat_map(Shape::values);
        self.operands().iter().copied().chain(shape)
    }

    /// Replaces each value it uses by `f` of it.
    pub fn map_operands(&mut self, mut f: impl FnMut(Value) -> Value) {
        match &mut self.kind {
            InstKind::Input(_) | InstKind::Const(_) => {}
            InstKind::Apply { args, .. } => *args = args.map(f),
            InstKind::Reduce(reduce) => {
                reduce.args = reduce.args.map(&mut f);
                reduce.shape.map_values(f);
            }
            InstKind::Count { shape, .. } => shape.map_values(f),
        }
    }
}

/// One part of the subscript of a view.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ViewItem {
    /// That element, and the axis goes; negative positions count from the end.
    Index(i64),
    /// `start:stop:step` by Python's rule.
    Slice {
        /// First element taken.
        start: Option<i64>,
        /// First element not taken.
        stop: Option<i64>,
        /// Distance from one to the next; not 0.
        step: i64,
    },
    /// A new axis of length 1.
    NewAxis,
    /// All the axes not spoken of.
    Ellipsis,
}

/// What a program reads under an input's number.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum InputSource {
    /// An array that the caller gives. These come first.
    Array,
    /// A view of an earlier input.
    View {
        /// The earlier input.
        input: u32,
        /// Its subscript.
        items: Arc<[ViewItem]>,
        /// All of it in the source.
        span: Span,
    },
    /// The real parts of an earlier, complex input.
    Real(u32),
    /// The imaginary parts of an earlier, complex input.
    Imag(u32),
}

/// An array that the program reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// Its name in the expression; that of the array it is part of.
    pub name: String,
    /// Its dtype.
    pub dtype: DType,
    /// Where it comes from.
    pub source: InputSource,
}

impl Input {
    /// Whether it reads the same as another, wherever in the source they stand.
    pub(crate) fn same(&self, other: &Input) -> bool {
        let source = match (&self.source, &other.source) {
            (
                InputSource::View { input, items, .. },
                InputSource::View {
                    input: other,
                    items: others,
                    ..
                },
            ) => input == other && items == others,
            (source, other) => source == other,
        };
        source && self.dtype == other.dtype
    }
}

/// A value that the program hands out.
#[derive(Clone, PartialEq, Debug)]
pub struct Output {
    /// Its name; `None` for a bare expression.
    pub name: Option<String>,
    /// The value, or its real part.
    pub value: Value,
    /// The imaginary part of a complex output, of the same dtype.
    pub imag: Option<Value>,
    /// Its shape: what the source expression mentions, whether or not a value of it is still needed.
    pub shape: Shape,
    /// The expression it came from.
    pub span: Span,
}

impl Output {
    /// The values it hands out.
    pub fn values(&self) -> impl Iterator<Item = Value> + '_ {
        [Some(self.value), self.imag].into_iter().flatten()
    }

    /// Every value it needs: those it hands out, and those whose shape it goes by.
    pub fn uses(&self) -> impl Iterator<Item = Value> + '_ {
        self.values().chain(self.shape.values())
    }

    /// Replaces each value it uses by `f` of it.
    pub fn map_values(&mut self, mut f: impl FnMut(Value) -> Value) {
        self.value = f(self.value);
        self.imag = self.imag.map(&mut f);
        self.shape.map_values(f);
    }
}

/// A whole program: inputs, instructions, outputs.
///
/// `Display` prints the canonical text form, which [`Program::parse`](Program::parse) reads back; `numloom explain
/// --stage ir` shows it before the passes and `--stage opt` after them. Built by [`lower`](crate::lower()) or by hand with a
/// [`Builder`](crate::Builder); [`verify`](crate::verify()) checks one that was made by hand.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Program {
    /// What it reads: the caller's arrays in the order of the schema, then views and parts of them.
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

    /// The dtype of an output: complex if it has an imaginary part.
    ///
    /// # Panics
    /// If its value is not of this program.
    pub fn output_dtype(&self, output: &Output) -> DType {
        match (self.dtype(output.value), output.imag) {
            (DType::F32, Some(_)) => DType::C64,
            (_, Some(_)) => DType::C128,
            (dtype, None) => dtype,
        }
    }

    /// The inputs that the caller gives an array for: the first of [`Program::inputs`].
    pub fn arrays(&self) -> &[Input] {
        let n = self
            .inputs
            .iter()
            .take_while(|input| input.source == InputSource::Array)
            .count();
        &self.inputs[..n]
    }

    /// The least number of axes that its arrays have, as far as its axes and subscripts say; at least 1.
    pub fn rank(&self) -> usize {
        let axes = self.insts.iter().filter_map(|inst| match &inst.kind {
            InstKind::Reduce(Reduce { axes, .. }) | InstKind::Count { axes, .. } => Some(axes),
            _ => None,
        });
        let named = axes.flat_map(|axes| match axes {
            Axes::All => &[],
            Axes::These(axes) => &axes[..],
        });
        // Counted from either end.
        let reduced = named.map(|&axis| {
            if axis < 0 {
                axis.unsigned_abs()
            } else {
                axis as u64 + 1
            }
        });
        let subscripted = self.inputs.iter().map(|input| match &input.source {
            InputSource::View { items, .. } => {
                let taken =
                    |item: &&ViewItem| matches!(item, ViewItem::Index(_) | ViewItem::Slice { .. });
                items.iter().filter(taken).count() as u64
            }
            _ => 1,
        });
        let most = reduced.chain(subscripted).max().unwrap_or(1);
        usize::try_from(most).unwrap_or(usize::MAX).clamp(1, 8)
    }

    /// The shape that all the caller's arrays broadcast to.
    pub fn whole_shape(&self) -> Shape {
        Shape::of_inputs(0..self.arrays().len() as u32)
    }

    /// Which instructions some output needs: one walk from the last to the first.
    pub fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.insts.len()];
        for output in &self.outputs {
            output.uses().for_each(|value| live[value.index()] = true);
        }
        for (i, inst) in self.insts.iter().enumerate().rev() {
            if live[i] {
                inst.uses().for_each(|value| live[value.index()] = true);
            }
        }
        live
    }
}
