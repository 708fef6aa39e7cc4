//! Expressions in both spellings.

use numloom_data::DType;
use numloom_ir::{LowerOptions, Schema, lower};
use numloom_syntax::Code;

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Term {
    /// As numloom reads it.
    pub(super) text: String,
    /// As NumPy does.
    pub(super) numpy: String,
    /// Its dtype; a literal has none.
    pub(super) dtype: Option<DType>,
    /// Its shape.
    pub(super) shape: Vec<usize>,
    /// Whether it is known to the bit.
    pub(super) exact: bool,
}

impl Term {
    /// A literal.
    pub(super) fn literal((text, numpy): (&str, &str)) -> Term {
        Term {
            text: text.to_owned(),
            numpy: numpy.to_owned(),
            dtype: None,
            shape: Vec::new(),
            exact: true,
        }
    }

    /// NumPy's spelling of the term as an operand: what is stored as `f16` computes as `f32`.
    pub(super) fn operand(&self) -> String {
        match self.dtype {
            Some(DType::F16) => format!("wide({})", self.numpy),
            _ => self.numpy.clone(),
        }
    }
}

/// A spelling in which operands stand for `mark` and their number.
pub(super) fn fill<'t>(
    spelling: &str,
    mark: char,
    operands: impl Iterator<Item = &'t str>,
) -> String {
    let mut text = spelling.to_owned();
    for (i, operand) in operands.enumerate() {
        text = text.replace(&format!("{mark}{i}"), operand);
    }
    text
}

/// The dtype that numloom gives the last output of a program, or why it refuses the program. It only steers what is drawn next:
/// NumPy is asked for the dtypes of results.
pub(super) fn dtype_of(text: &str, schema: &Schema) -> Result<DType, Code> {
    let ast = numloom_syntax::parse(text).map_err(|_| Code::ExpectedExpression)?;
    let prog = lower(&ast, schema, &LowerOptions::default()).map_err(|errors| {
        errors
            .iter()
            .next()
            .map_or(Code::NoOutput, |error| error.code())
    })?;
    let last = prog.outputs.last().ok_or(Code::NoOutput)?;
    Ok(match (prog.dtype(last.value), last.imag) {
        (dtype, None) => dtype,
        (DType::F32, Some(_)) => DType::C64,
        (_, Some(_)) => DType::C128,
    })
}
