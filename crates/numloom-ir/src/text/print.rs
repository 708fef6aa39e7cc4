//! A program to its canonical text.

use std::fmt;

use numloom_syntax::Span;

use crate::program::{InstKind, Program, Value};

/// Prints `%n`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// The canonical text form, one line for each input, instruction and output.
///
/// ```
/// use numloom_data::{DType, Scalar};
/// use numloom_ir::{Builder, Op, Reduction};
///
/// let mut b = Builder::new();
/// let a = b.input("a", DType::F64);
/// let half = b.constant(Scalar::F64(0.5));
/// let product = b.apply(Op::Mul, &[half, a]);
/// let total = b.reduce(Reduction::Sum, product);
/// b.output(None, product);
/// b.output(Some("total"), total);
/// assert_eq!(b.finish().to_string(), "\
/// input a: f64
/// %0 = input 0 : f64
/// %1 = const 0.5 : f64
/// %2 = mul %1 %0 : f64
/// %3 = sum %2 : f64
/// out = %2 shape 0
/// out total = %3 shape 0
/// ");
/// ```
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for input in &self.inputs {
            writeln!(f, "input {}: {}", Name(&input.name), input.dtype)?;
        }
        for (n, inst) in self.insts.iter().enumerate() {
            write!(f, "%{n} = ")?;
            match &inst.kind {
                InstKind::Input(i) => write!(f, "input {i}")?,
                InstKind::Const(scalar) => write!(f, "const {scalar:#}")?,
                InstKind::Apply { op, .. } => write!(f, "{op}")?,
                InstKind::Reduce { reduction, .. } => f.write_str(reduction.name())?,
            }
            for arg in inst.operands() {
                write!(f, " {arg}")?;
            }
            writeln!(f, " : {}", inst.dtype)?;
        }
        for output in &self.outputs {
            f.write_str("out")?;
            if let Some(name) = &output.name {
                write!(f, " {}", Name(name))?;
            }
            write!(f, " = {}", output.value)?;
            if !output.shape_inputs.is_empty() {
                f.write_str(" shape")?;
            }
            for i in &output.shape_inputs {
                write!(f, " {i}")?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

impl Program {
    /// The program with every span empty, as [`parse`](Program::parse) gives it: two programs of the same meaning, text and
    /// order are equal after this, whatever source they came from.
    ///
    /// ```
    /// use numloom_data::DType;
    /// use numloom_ir::{Builder, Program};
    /// use numloom_syntax::Span;
    ///
    /// let mut b = Builder::new();
    /// b.at(Span::new(4, 5));
    /// let a = b.input("a", DType::F64);
    /// b.output(None, a);
    /// let prog = b.finish();
    /// let read = Program::parse(&prog.to_string())?;
    /// assert_ne!(read, prog);
    /// assert_eq!(read, prog.without_spans());
    /// # Ok::<(), numloom_ir::TextError>(())
    /// ```
    #[must_use]
    pub fn without_spans(mut self) -> Program {
        for inst in &mut self.insts {
            inst.span = Span::default();
        }
        for output in &mut self.outputs {
            output.span = Span::default();
        }
        self
    }
}

/// A name, quoted unless it is plain.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain(self.0) {
            f.write_str(self.0)
        } else {
            write!(f, "\"{}\"", self.0.escape_debug())
        }
    }
}

/// Whether a name needs no quotes.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
