//! A program to its canonical text.

use std::fmt;

use numloom_syntax::Span;

use crate::program::{
    Axes, InputSource, InstKind, Program, Reduce, Shape, ShapeSource, Value, ViewItem,
};

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
/// out total = %3
/// ");
/// ```
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for input in &self.inputs {
            write!(f, "input {}: {}", Name(&input.name), input.dtype)?;
            match &input.source {
                InputSource::Array => {}
                InputSource::View { input, items, .. } => {
                    write!(f, " = view {input} ")?;
                    write_items(f, items)?;
                }
                InputSource::Real(input) => write!(f, " = real {input}")?,
                InputSource::Imag(input) => write!(f, " = imag {input}")?,
            }
            f.write_str("\n")?;
        }
        let whole = self.whole_shape();
        for (n, inst) in self.insts.iter().enumerate() {
            write!(f, "%{n} = ")?;
            match &inst.kind {
                InstKind::Input(i) => write!(f, "input {i}")?,
                InstKind::Const(scalar) => write!(f, "const {scalar:#}")?,
                InstKind::Apply { op, .. } => write!(f, "{op}")?,
                InstKind::Reduce(reduce) => f.write_str(reduce.reduction.name())?,
                InstKind::Count { .. } => f.write_str("count")?,
            }
            for arg in inst.operands() {
                write!(f, " {arg}")?;
            }
            if let InstKind::Reduce(Reduce { axes, .. }) | InstKind::Count { axes, .. } = &inst.kind
                && let Axes::These(axes) = axes
            {
                f.write_str(" axes")?;
                axes.iter().try_for_each(|axis| write!(f, " {axis}"))?;
            }
            if let InstKind::Reduce(reduce) = &inst.kind {
                f.write_str(if reduce.keepdims { " keep" } else { "" })?;
                f.write_str(if reduce.may_be_empty { " empty" } else { "" })?;
            }
            if let Some(shape) = inst.reduced_shape().filter(|shape| **shape != whole) {
                write_shape(f, shape)?;
            }
            writeln!(f, " : {}", inst.dtype)?;
        }
        for output in &self.outputs {
            f.write_str("out")?;
            if let Some(name) = &output.name {
                write!(f, " {}", Name(name))?;
            }
            f.write_str(" =")?;
            output
                .values()
                .try_for_each(|value| write!(f, " {value}"))?;
            if !output.shape.sources().is_empty() {
                write_shape(f, &output.shape)?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

fn write_shape(f: &mut fmt::Formatter<'_>, shape: &Shape) -> fmt::Result {
    f.write_str(" shape")?;
    shape.sources().iter().try_for_each(|source| match source {
        ShapeSource::Input(input) => write!(f, " {input}"),
        ShapeSource::Value(value) => write!(f, " {value}"),
    })
}

fn write_items(f: &mut fmt::Formatter<'_>, items: &[ViewItem]) -> fmt::Result {
    f.write_str("[")?;
    for (i, item) in items.iter().enumerate() {
        f.write_str(if i > 0 { ", " } else { "" })?;
        match item {
            ViewItem::Index(at) => write!(f, "{at}")?,
            ViewItem::Slice { start, stop, step } => {
                let bound = |bound: &Option<i64>| bound.map_or(String::new(), |at| at.to_string());
                write!(f, "{}:{}", bound(start), bound(stop))?;
                if *step != 1 {
                    write!(f, ":{step}")?;
                }
            }
            ViewItem::NewAxis => f.write_str("None")?,
            ViewItem::Ellipsis => f.write_str("...")?,
        }
    }
    f.write_str("]")
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
        for input in &mut self.inputs {
            if let InputSource::View { span, .. } = &mut input.source {
                *span = Span::default();
            }
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
