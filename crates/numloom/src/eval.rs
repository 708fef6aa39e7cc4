//! The short forms: one call on the global engine.

use numloom_ir::Schema;
use numloom_ir::func::{FUNCTIONS, Func, Rule};
use numloom_math::accuracy;

use crate::Expr;
use crate::engine::{Check, Engine};
use crate::error::Error;
use crate::inputs::Input;
use crate::options::Options;
use crate::outputs::Outputs;
use crate::places::Places;

/// Evaluates an expression over named inputs.
///
/// Inputs of one type are an array of pairs; for several types there is [`inputs!`](crate::inputs!). A text is compiled once for
/// each combination of dtypes, and remembered.
///
/// # Errors
/// All that is wrong with the text, the inputs, or the data; see [`Error`].
///
/// ```
/// use numloom::eval;
///
/// let (a, b) = (vec![1.0, 2.0], vec![10.0, 20.0]);
/// let c: Vec<f64> = eval("2*a + 3*b", [("a", &a[..]), ("b", &b[..])])?.try_into()?;
/// assert_eq!(c, [32.0, 64.0]);
/// # Ok::<(), numloom::Error>(())
/// ```
pub fn eval<'i, 'n>(
    src: &str,
    inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
) -> Result<Outputs, Error> {
    Engine::global()?.eval(src, inputs)
}

/// [`eval`](crate::eval()) into memory of the caller's; see [`Places`] for what `outputs` may be.
///
/// # Errors
/// As [`eval`](crate::eval()), and `output-shape`, `output-dtype`, `read-only-output`.
///
/// ```
/// let mut a = [1, 2, 3];
/// let copy = a;
/// numloom::eval_into("a * b", [("a", &copy), ("b", &copy)], &mut a)?;
/// assert_eq!(a, [1, 4, 9]);
/// # Ok::<(), numloom::Error>(())
/// ```
pub fn eval_into<'i, 'n, 'o>(
    src: &str,
    inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
    outputs: impl Places<'o>,
) -> Result<(), Error> {
    Engine::global()?.eval_into(src, inputs, outputs)
}

/// What an expression would compute for inputs of these dtypes, or all that is wrong with it; nothing is compiled or run.
#[must_use]
pub fn check(src: &str, schema: &Schema) -> Check {
    match Expr::parse(src) {
        Ok(expr) => Check::of(&expr, schema, &Options::new()),
        Err(error) => Check::failed(error),
    }
}

/// A function of the language.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Function {
    /// Its names, the canonical one first.
    pub names: &'static [&'static str],
    /// How it is called.
    pub signature: &'static str,
    /// Its meaning, in one line.
    pub doc: &'static str,
    /// Whether this version computes it. Others are part of the language and refused with `not-supported-yet`.
    pub is_supported: bool,
    /// How far results in `f64` may be from the true value, in units in the last place: the greatest error that a search found, rounded up to a tenth. None where
    /// each operation is rounded once, or where it follows from those of other functions.
    pub max_ulp: Option<f64>,
}

impl From<&Func> for Function {
    fn from(func: &Func) -> Function {
        Function {
            names: func.names,
            signature: func.signature,
            doc: func.doc,
            is_supported: func.rule != Rule::Later,
            max_ulp: (accuracy::TABLE.iter())
                .find(|row| row.name == func.names[0])
                .map(|row| row.max_ulp),
        }
    }
}

/// Every function of the language, in the order of its table.
///
/// ```
/// let hypot = numloom::functions().find(|f| f.names[0] == "hypot").unwrap();
/// assert_eq!(hypot.signature, "hypot(x, y)");
/// assert!(hypot.max_ulp < Some(1.0));
/// ```
pub fn functions() -> impl ExactSizeIterator<Item = Function> {
    FUNCTIONS.iter().map(Function::from)
}
