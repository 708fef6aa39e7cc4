//! Programs made by hand, or by [`lower`](crate::lower()): one method for each kind of instruction, dtypes checked.

use numloom_data::{DType, Scalar};
use numloom_syntax::Span;

use crate::op::{Op, Signature, alike};
use crate::program::{
    Args, Axes, Input, InputSource, Inst, InstKind, Output, Program, Reduce, Reduction, Shape,
    ShapeSource, Value,
};

/// Builds a [`Program`] instruction by instruction.
///
/// Every instruction takes the span set last by [`at`](Builder::at).
///
/// ```
/// use numloom_data::{DType, Scalar};
/// use numloom_ir::{Builder, Op};
///
/// let mut b = Builder::new();
/// let a = b.input("a", DType::F64);
/// let two = b.constant(Scalar::F64(2.0));
/// let twice = b.apply(Op::Mul, &[two, a]);
/// b.output(None, twice);
/// assert_eq!(b.finish().dtype(twice), DType::F64);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    prog: Program,
    span: Span,
}

impl Builder {
    /// A builder of an empty program.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Sets the span of the instructions that follow.
    pub fn at(&mut self, span: Span) {
        self.span = span;
    }

    /// The program as far as it is built.
    pub fn program(&self) -> &Program {
        &self.prog
    }

    fn push(&mut self, kind: InstKind, dtype: DType) -> Value {
        let value = Value(
            u32::try_from(self.prog.insts.len()).expect("limits keep programs far below 2^32"),
        );
        self.prog.insts.push(Inst {
            kind,
            dtype,
            span: self.span,
        });
        value
    }

    /// Declares the next input without reading it, and returns its index.
    pub fn declare(&mut self, name: &str, dtype: DType) -> u32 {
        self.declare_part(name, dtype, InputSource::Array)
    }

    /// Declares an input that is a view or part of an earlier one, and returns its index; an equal one is declared once.
    pub fn declare_part(&mut self, name: &str, dtype: DType, source: InputSource) -> u32 {
        let input = Input {
            name: name.to_owned(),
            dtype,
            source,
        };
        let known = match input.source {
            InputSource::Array => None,
            _ => self.prog.inputs.iter().position(|known| known.same(&input)),
        };
        let index = known.unwrap_or_else(|| {
            self.prog.inputs.push(input);
            self.prog.inputs.len() - 1
        });
        u32::try_from(index).expect("limits keep inputs far below 2^32")
    }

    /// Reads input `index`.
    ///
    /// # Panics
    /// If it was not declared.
    pub fn read(&mut self, index: u32) -> Value {
        let dtype = self.prog.inputs[index as usize].dtype;
        self.push(InstKind::Input(index), dtype)
    }

    /// Declares an input and reads it.
    pub fn input(&mut self, name: &str, dtype: DType) -> Value {
        let index = self.declare(name, dtype);
        self.read(index)
    }

    /// A constant.
    pub fn constant(&mut self, value: Scalar) -> Value {
        let dtype = value.dtype();
        self.push(InstKind::Const(value), dtype)
    }

    /// An operation other than a cast.
    ///
    /// # Panics
    /// If the operands do not fit the operation's row in the table: [`lower`](crate::lower()) has made sure of it.
    pub fn apply(&mut self, op: Op, args: &[Value]) -> Value {
        let info = op.info();
        assert_eq!(
            args.len(),
            info.signature.arity(),
            "`{op}` has its own number of operands"
        );
        let from = self.prog.dtype(args[args.len() - 1]);
        assert!(
            info.domain.contains(from),
            "`{op}` is not defined on {from}"
        );
        let same = if info.signature == Signature::Select {
            &args[1..]
        } else {
            args
        };
        for &arg in same {
            assert!(
                alike(self.prog.dtype(arg), from),
                "`{op}` takes operands of one dtype"
            );
        }
        if info.signature == Signature::Select {
            assert_eq!(
                self.prog.dtype(args[0]),
                DType::Bool,
                "`select` chooses by a bool"
            );
        }
        let to = op.result(from).expect("a cast goes through `cast`");
        self.push(
            InstKind::Apply {
                op,
                args: Args::new(args),
            },
            to,
        )
    }

    /// A cast to `to`; the value itself if it has that dtype.
    ///
    /// # Panics
    /// If `op` is not a cast, or a dtype is outside its domain.
    pub fn cast(&mut self, op: Op, value: Value, to: DType) -> Value {
        let from = self.prog.dtype(value);
        if from == to {
            return value;
        }
        let info = op.info();
        assert_eq!(info.signature, Signature::Cast, "`{op}` is not a cast");
        assert!(
            info.domain.contains(from) && info.domain.contains(to),
            "no cast from {from} to {to}"
        );
        self.push(
            InstKind::Apply {
                op,
                args: Args::new(&[value]),
            },
            to,
        )
    }

    /// A reduction of `arg` over all elements; its shape follows from every array declared so far.
    pub fn reduce(&mut self, reduction: Reduction, arg: Value) -> Value {
        let shape = self.prog.whole_shape();
        self.reduce_with(Reduce {
            reduction,
            args: Args::new(&[arg]),
            axes: Axes::All,
            keepdims: false,
            may_be_empty: false,
            shape,
        })
    }

    /// A reduction.
    ///
    /// # Panics
    /// If its operands are not as many as its arity.
    pub fn reduce_with(&mut self, reduce: Reduce) -> Value {
        let reduction = reduce.reduction;
        assert_eq!(
            reduce.args.len(),
            reduction.arity(),
            "`{}` has its own number of operands",
            reduction.name()
        );
        let dtype = reduction.result(self.prog.dtype(reduce.args[0]));
        self.push(InstKind::Reduce(reduce), dtype)
    }

    /// The number of elements that a reduction along `axes` of `shape` combines.
    pub fn count(&mut self, axes: Axes, shape: Shape) -> Value {
        self.push(InstKind::Count { axes, shape }, DType::I64)
    }

    /// Hands out `value`: a reduction in its own shape, any other value in the one that every array declared so far broadcasts to.
    pub fn output(&mut self, name: Option<&str>, value: Value) {
        let shape = match &self.prog.inst(value).kind {
            InstKind::Reduce(Reduce {
                axes: Axes::All,
                keepdims: false,
                ..
            }) => Shape::default(),
            InstKind::Reduce(_) => Shape::new([ShapeSource::Value(value)]),
            _ => self.prog.whole_shape(),
        };
        self.output_shaped(name, value, None, shape);
    }

    /// Hands out `value`, with an imaginary part if it is complex, in `shape`.
    pub fn output_shaped(
        &mut self,
        name: Option<&str>,
        value: Value,
        imag: Option<Value>,
        shape: Shape,
    ) {
        let name = name.map(str::to_owned);
        self.prog.outputs.push(Output {
            name,
            value,
            imag,
            shape,
            span: self.span,
        });
    }

    /// The finished program.
    pub fn finish(self) -> Program {
        self.prog
    }
}
