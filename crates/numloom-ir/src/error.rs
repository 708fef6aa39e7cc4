//! What [`lower`](crate::lower()) refuses, as typed errors and as diagnostics.

use std::fmt;

use numloom_data::DType;
use numloom_syntax::{Code, Diagnostic, Span};

/// Why an expression that parses means nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct LowerError {
    /// What went wrong.
    pub kind: LowerErrorKind,
    /// Where.
    pub span: Span,
}

/// The kinds of [`LowerError`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LowerErrorKind {
    /// A name is neither an input, nor defined before, nor a constant.
    UnknownName {
        /// The name.
        name: String,
        /// The nearest known name, if one is near.
        nearest: Option<String>,
        /// The inputs.
        inputs: Vec<String>,
        /// The signature, if it is a function's name.
        function: Option<&'static str>,
    },
    /// No function has this name.
    UnknownFunction {
        /// The name.
        name: String,
        /// The nearest function's name, if one is near.
        nearest: Option<&'static str>,
        /// Whether an input has that name.
        is_input: bool,
    },
    /// Too few or too many positional arguments.
    WrongArity {
        /// The function's signature.
        signature: &'static str,
        /// The least and most it takes.
        arity: (usize, usize),
        /// How many were given.
        found: usize,
    },
    /// The function has no such keyword argument.
    UnknownKeyword {
        /// The function.
        function: &'static str,
        /// The keyword.
        keyword: String,
        /// The nearest keyword it has.
        nearest: Option<&'static str>,
    },
    /// An argument given by its keyword that was given by its place, or by another keyword.
    RepeatedArgument {
        /// The function.
        function: &'static str,
        /// The keyword.
        keyword: String,
    },
    /// Operands of dtypes that the operation does not take.
    OperandTypes {
        /// The operator or function.
        operation: String,
        /// What it needs, in words.
        needs: &'static str,
        /// The operands that do not fit.
        operands: Vec<(Span, String)>,
        /// The one obvious repair.
        help: Option<String>,
    },
    /// Part of the language, not computed yet.
    NotSupportedYet {
        /// What.
        what: String,
    },
    /// A literal does not fit its dtype.
    LiteralOutOfRange {
        /// The value.
        value: String,
        /// The dtype it should take.
        dtype: DType,
        /// The least and greatest value of the dtype.
        range: (i128, i128),
    },
    /// An operation on literals leaves 128 bits.
    ConstantOverflow,
    /// An integer to a constant negative power.
    NegativeIntegerPower {
        /// The exponent.
        exponent: i128,
        /// The base.
        base: Span,
        /// The base's dtype.
        dtype: DType,
    },
    /// A name defined twice.
    DuplicateName {
        /// The name.
        name: String,
        /// Where it was defined first; `None` if it is an input.
        first: Option<Span>,
    },
    /// `min` or `max` of two arrays.
    MaxNeedsMaximum {
        /// `min` or `max`.
        function: &'static str,
        /// `minimum` or `maximum`.
        elementwise: &'static str,
    },
    /// A cast mode that does not exist.
    BadCastMode {
        /// What was given.
        mode: String,
    },
    /// An argument that says how to compute is not a constant of its kind.
    BadArgument {
        /// The function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// What it should be, in words.
        wanted: &'static str,
    },
    /// A subscript of something other than an input.
    SubscriptedExpression,
    /// A text, `None` or a tuple where a value should be.
    NotAValue {
        /// What it is.
        what: &'static str,
    },
    /// A byte string where only numbers compute.
    BytesAsValue {
        /// Its dtype, or what it is, in words.
        found: String,
    },
    /// A text that stands for bytes, with a character that is not one byte.
    NonAsciiText {
        /// The character.
        found: char,
    },
    /// A named limit was reached.
    Limit {
        /// The setting that raises it.
        setting: &'static str,
        /// The limit.
        limit: usize,
        /// What was met.
        found: usize,
    },
    /// Nothing to compute.
    NoOutput,
}

fn quoted(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(12)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > 12 {
        format!("{shown} and {} more", names.len() - 12)
    } else {
        shown
    }
}

fn count(n: usize) -> String {
    if n == 1 {
        "1 argument".to_owned()
    } else {
        format!("{n} arguments")
    }
}

impl LowerError {
    /// The error's stable code.
    pub fn code(&self) -> Code {
        match &self.kind {
            LowerErrorKind::UnknownName { .. } => Code::UnknownName,
            LowerErrorKind::UnknownFunction { .. } => Code::UnknownFunction,
            LowerErrorKind::WrongArity { .. } => Code::WrongArity,
            LowerErrorKind::UnknownKeyword { .. } => Code::UnknownKeyword,
            LowerErrorKind::RepeatedArgument { .. } => Code::RepeatedKeyword,
            LowerErrorKind::OperandTypes { .. }
            | LowerErrorKind::NotAValue { .. }
            | LowerErrorKind::BytesAsValue { .. } => Code::TypeMismatch,
            LowerErrorKind::NonAsciiText { .. } => Code::NonAsciiBytes,
            LowerErrorKind::NotSupportedYet { .. } => Code::NotSupportedYet,
            LowerErrorKind::LiteralOutOfRange { .. } | LowerErrorKind::ConstantOverflow => {
                Code::LiteralOutOfRange
            }
            LowerErrorKind::NegativeIntegerPower { .. } => Code::NegativeIntegerPower,
            LowerErrorKind::DuplicateName { .. } => Code::DuplicateName,
            LowerErrorKind::MaxNeedsMaximum { .. } => Code::MaxNeedsMaximum,
            LowerErrorKind::BadCastMode { .. } => Code::BadCastMode,
            LowerErrorKind::BadArgument { .. } => Code::BadArgument,
            LowerErrorKind::SubscriptedExpression => Code::SubscriptedExpression,
            LowerErrorKind::Limit { .. } => Code::LimitExceeded,
            LowerErrorKind::NoOutput => Code::NoOutput,
        }
    }
}

impl fmt::Display for LowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            LowerErrorKind::UnknownName {
                name,
                function: Some(_),
                ..
            } => {
                write!(f, "`{name}` is a function, not a value")
            }
            LowerErrorKind::UnknownName { name, .. } => write!(f, "no input named `{name}`"),
            LowerErrorKind::UnknownFunction {
                name,
                is_input: true,
                ..
            } => {
                write!(f, "`{name}` is an input, not a function")
            }
            LowerErrorKind::UnknownFunction { name, .. } => write!(f, "no function named `{name}`"),
            LowerErrorKind::WrongArity {
                signature,
                arity: (least, most),
                found,
            } => {
                let name = signature.split('(').next().unwrap_or(signature);
                let takes = if least == most {
                    count(*least)
                } else {
                    format!("{least} to {}", count(*most))
                };
                write!(f, "`{name}` takes {takes}, not {found}")
            }
            LowerErrorKind::UnknownKeyword {
                function, keyword, ..
            } => {
                write!(f, "`{function}` has no keyword argument `{keyword}`")
            }
            LowerErrorKind::RepeatedArgument { function, keyword } => {
                write!(f, "`{function}` is given `{keyword}` twice")
            }
            LowerErrorKind::OperandTypes {
                operation, needs, ..
            } => write!(f, "`{operation}` needs {needs}"),
            LowerErrorKind::NotSupportedYet { what } => write!(f, "{what} is not supported yet"),
            LowerErrorKind::LiteralOutOfRange { value, dtype, .. } => {
                write!(f, "{value} does not fit {dtype}")
            }
            LowerErrorKind::ConstantOverflow => f.write_str("an integer beyond 128 bits"),
            LowerErrorKind::NegativeIntegerPower {
                dtype, exponent, ..
            } => {
                write!(f, "an integer ({dtype}) has no integer power {exponent}")
            }
            LowerErrorKind::DuplicateName {
                name,
                first: Some(_),
            } => write!(f, "`{name}` is defined twice"),
            LowerErrorKind::DuplicateName { name, first: None } => {
                write!(f, "`{name}` is an input and cannot be defined again")
            }
            LowerErrorKind::MaxNeedsMaximum { function, .. } => {
                write!(f, "`{function}` reduces one array; it does not compare two")
            }
            LowerErrorKind::BadCastMode { mode } => write!(f, "no cast mode `{mode}`"),
            LowerErrorKind::BadArgument {
                function,
                argument,
                wanted,
            } => write!(f, "`{argument}` of `{function}` must be {wanted}"),
            LowerErrorKind::SubscriptedExpression => f.write_str("only inputs can be subscripted"),
            LowerErrorKind::NotAValue { what } => write!(f, "{what} is not a value here"),
            LowerErrorKind::BytesAsValue { .. } => {
                f.write_str("byte strings are compared and searched, not computed with")
            }
            LowerErrorKind::NonAsciiText { found } => write!(f, "`{found}` is not one byte"),
            LowerErrorKind::Limit {
                setting,
                limit,
                found,
            } => {
                write!(f, "{found} is over the limit `{setting}` of {limit}")
            }
            LowerErrorKind::NoOutput => f.write_str("the program computes nothing"),
        }
    }
}

impl std::error::Error for LowerError {}

impl From<&LowerError> for Diagnostic {
    fn from(error: &LowerError) -> Diagnostic {
        let plain = Diagnostic::error(error.code(), error.to_string());
        let span = error.span;
        match &error.kind {
            LowerErrorKind::UnknownName { function: Some(signature), .. } => plain
                .with_primary(span, "a function's name")
                .with_help(format!("call it: `{signature}`")),
            LowerErrorKind::UnknownName { nearest, inputs, .. } => {
                let mut diagnostic = plain.with_primary(span, "not an input");
                diagnostic = if inputs.is_empty() {
                    diagnostic.with_note("there are no inputs")
                } else if let [one] = &inputs[..] {
                    diagnostic.with_note(format!("the only input is `{one}`"))
                } else {
                    diagnostic.with_note(format!("inputs are {}", quoted(inputs)))
                };
                match nearest {
                    Some(name) => diagnostic.with_help(format!("did you mean `{name}`?")),
                    None => diagnostic,
                }
            }
            LowerErrorKind::UnknownFunction { nearest, is_input, .. } => {
                let diagnostic = plain.with_primary(span, if *is_input { "called here" } else { "not a function" });
                match nearest {
                    _ if *is_input => diagnostic.with_help("write `*` for a product"),
                    Some(name) => diagnostic.with_help(format!("did you mean `{name}`?")),
                    None => diagnostic.with_note("`numloom explain --functions` lists all functions"),
                }
            }
            LowerErrorKind::WrongArity { signature, .. } => {
                plain.with_primary(span, "in this call").with_help(format!("it is called as `{signature}`"))
            }
            LowerErrorKind::UnknownKeyword { nearest, .. } => {
                let diagnostic = plain.with_primary(span, "unknown keyword");
                match nearest {
                    Some(name) => diagnostic.with_help(format!("did you mean `{name}`?")),
                    None => diagnostic,
                }
            }
            LowerErrorKind::RepeatedArgument { .. } => plain
                .with_primary(span, "given before, by its place or another name")
                .with_help("leave one of them out"),
            LowerErrorKind::OperandTypes { operands, help, .. } => {
                let mut diagnostic = plain.with_primary(span, "in this operation");
                for (span, dtype) in operands {
                    diagnostic = diagnostic.with_secondary(*span, format!("this is {dtype}"));
                }
                match help {
                    Some(help) => diagnostic.with_help(help.clone()),
                    None => diagnostic,
                }
            }
            LowerErrorKind::NotSupportedYet { .. } => plain.with_primary(span, "not supported yet"),
            LowerErrorKind::LiteralOutOfRange { dtype, range: (least, most), .. } => plain
                .with_primary(span, "out of range")
                .with_note(format!("{dtype} holds {least} to {most}, and a literal takes the dtype of the array beside it"))
                .with_help("cast the array to a wider dtype, such as `i64(…)`"),
            LowerErrorKind::ConstantOverflow => {
                plain.with_primary(span, "too large").with_help("write a float, such as `2.0 ** 200`")
            }
            LowerErrorKind::NegativeIntegerPower { base, dtype, .. } => plain
                .with_primary(span, "a negative power")
                .with_secondary(*base, format!("this is {dtype}"))
                .with_help("make the base a float: `f64(…)`"),
            LowerErrorKind::DuplicateName { first, .. } => {
                let diagnostic = plain.with_primary(span, "defined here");
                match first {
                    Some(first) => diagnostic.with_secondary(*first, "first defined here"),
                    None => diagnostic.with_help("choose another name"),
                }
            }
            LowerErrorKind::MaxNeedsMaximum { elementwise, .. } => plain
                .with_primary(span, "two arrays")
                .with_help(format!("write `{elementwise}(…, …)` for the element-by-element one")),
            LowerErrorKind::BadCastMode { .. } => plain
                .with_primary(span, "not a mode")
                .with_help("modes are \"wrap\", \"saturate\" and \"checked\""),
            LowerErrorKind::BadArgument { .. } => plain.with_primary(span, "this is not"),
            LowerErrorKind::SubscriptedExpression => plain
                .with_primary(span, "this is computed")
                .with_help("subscript the inputs instead: `a[1:] + b[1:]`, not `(a + b)[1:]`"),
            LowerErrorKind::NotAValue { .. } => plain.with_primary(span, "not a value"),
            LowerErrorKind::BytesAsValue { found } => plain
                .with_primary(span, format!("this is {found}"))
                .with_note("`==`, `<`, …, `contains`, `startswith`, `endswith`, `str_len` and `isin` take byte strings"),
            LowerErrorKind::NonAsciiText { .. } => plain
                .with_primary(span, "compared as bytes")
                .with_help("write its bytes as `\\xNN`, in a literal `b\"…\"`"),
            LowerErrorKind::Limit { setting, .. } => {
                plain.with_primary(span, "too large").with_help(format!("raise `{setting}` if the source is trusted"))
            }
            LowerErrorKind::NoOutput => plain
                .with_primary(span, "only temporaries")
                .with_help("end with an expression, or name an output without `let`"),
        }
    }
}

/// One or more errors of one expression.
#[derive(Clone, Debug, PartialEq)]
pub struct LowerErrors(Vec<LowerError>);

impl LowerErrors {
    pub(crate) fn new(errors: Vec<LowerError>) -> LowerErrors {
        debug_assert!(!errors.is_empty(), "a failure has a reason");
        LowerErrors(errors)
    }

    /// The errors in the order of the source.
    pub fn iter(&self) -> std::slice::Iter<'_, LowerError> {
        self.0.iter()
    }

    /// The errors as diagnostics.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.0.iter().map(Diagnostic::from).collect()
    }
}

impl fmt::Display for LowerErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for LowerErrors {}
