//! Programs made by hand, or by [`lower`](crate::lower()): one method for each kind of instruction, dtypes checked.

use numloom_data::{DType, Scalar};
use numloom_syntax::Span;

use crate::op::{Op, Signature};
use crate::program::{Args, Input, Inst, InstKind, Output, Program, Reduction, Value};

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
        self.prog.inputs.push(Input {
            name: name.to_owned(),
            dtype,
        });
        u32::try_from(self.prog.inputs.len() - 1).expect("limits keep inputs far below 2^32")
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
            assert_eq!(
                self.prog.dtype(arg),
                from,
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

    /// A reduction over all elements.
    pub fn reduce(&mut self, reduction: Reduction, arg: Value) -> Value {
        let dtype = reduction.result(self.prog.dtype(arg));
        self.push(InstKind::Reduce { reduction, arg }, dtype)
    }

    /// Hands out `value`; its shape follows from every input declared so far.
    pub fn output(&mut self, name: Option<&str>, value: Value) {
        let all = (0..self.prog.inputs.len() as u32).collect();
        self.output_shaped_by(name, value, all);
    }

    /// Hands out `value`, whose shape follows from `shape_inputs` (ascending).
    pub fn output_shaped_by(&mut self, name: Option<&str>, value: Value, shape_inputs: Vec<u32>) {
        let name = name.map(str::to_owned);
        self.prog.outputs.push(Output {
            name,
            value,
            shape_inputs,
            span: self.span,
        });
    }

    /// The finished program.
    pub fn finish(self) -> Program {
        self.prog
    }
}
