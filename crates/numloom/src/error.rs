//! The one error of the facade: opaque, drawn with carets, and the only place where errors of the layers are turned into it.
//!
//! What goes in: an error of a layer and, where there is one, the source text. What comes out: an [`Error`] that holds
//! [`Diagnostic`]s. What it never does: decide that something is wrong.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use numloom_data::error::ShapeText;
use numloom_data::stream::{Place, StreamError, StreamErrorKind};
use numloom_data::{DType, DataError, DataErrorKind};
use numloom_io::{IoError, IoErrorKind};
use numloom_ir::{FaultCode, IsaError, LowerErrors};
use numloom_runtime::{RuntimeError, RuntimeErrorKind};
use numloom_syntax::{Ast, Code, Diagnostic, ExprKind, Span, Style, SyntaxErrors, nearest, render};

/// What went wrong, for people; a code, places and [`Diagnostic`]s, for programs.
///
/// One word wide. It owns the text of the expression, so that `Display` can draw what is wrong under it; `Debug` prints the
/// same, so that `unwrap` is readable, and `{:#}` is one line:
///
/// ```
/// use numloom::{Code, ErrorKind, eval};
///
/// let error = eval("2 * velocty", [("velocity", 1.0)]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Type);
/// assert_eq!(error.code(), Code::UnknownName);
/// assert_eq!(&"2 * velocty"[error.span().unwrap().range()], "velocty");
/// assert_eq!(format!("{error:#}"), "error[unknown-name] at 1:5: no input named `velocty`");
/// assert_eq!(
///     error.to_string(),
///     "\
/// error[unknown-name]: no input named `velocty`
///  1 | 2 * velocty
///    |     ^^^^^^^ not an input
///    = note: the only input is `velocity`
///    = help: did you mean `velocity`?"
/// );
/// ```
#[derive(Clone)]
pub struct Error(Box<Repr>);

#[derive(Clone)]
struct Repr {
    kind: ErrorKind,
    src: Option<Arc<str>>,
    /// At least one; the first is *the* error.
    diagnostics: Vec<Diagnostic>,
    /// What the system said, if it was asked.
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The few ways in which something can be wrong; [`Error::code`] says exactly what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text does not parse.
    Syntax,
    /// The text parses and means nothing: an unknown name, a dtype that an operation does not take.
    Type,
    /// Inputs or places for outputs that are missing, unknown, or of another dtype.
    Bind,
    /// Shapes that do not go together.
    Shape,
    /// The data could not be computed with, or the run was cancelled.
    Run,
    /// The engine could not be had.
    Compile,
    /// A file or a memory map.
    Io,
    /// A named limit, the deadline, or the memory.
    Limit,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ErrorKind::Syntax => "syntax",
            ErrorKind::Type => "type",
            ErrorKind::Bind => "bind",
            ErrorKind::Shape => "shape",
            ErrorKind::Run => "run",
            ErrorKind::Compile => "compile",
            ErrorKind::Io => "io",
            ErrorKind::Limit => "limit",
        })
    }
}

impl Error {
    /// Which kind of thing is wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What exactly is wrong; stable, and explained by [`Code::explain`]. Of several errors, the first.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.diagnostics[0].code
    }

    /// Where, in bytes of [`src`](Error::src); none if it is about no place in the text.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.0.diagnostics[0].span()
    }

    /// All that is wrong, as data. Never empty.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// The text of the expression, if it is about one.
    #[must_use]
    pub fn src(&self) -> Option<&str> {
        self.0.src.as_deref()
    }

    /// Where in a table that is text, such as a CSV file, it was found.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.0
            .cause
            .as_deref()?
            .downcast_ref::<StreamError>()?
            .place()
    }

    /// What `Display` prints, with the name of the file that the text is from and with the marks of a style, such as colours.
    #[must_use]
    pub fn render(&self, origin: Option<&str>, style: &Style) -> String {
        let src = self.src().unwrap_or_default();
        let draw = |d: &Diagnostic| render(d, src, origin, style).trim_end().to_owned();
        let drawings: Vec<String> = self.0.diagnostics.iter().map(draw).collect();
        drawings.join("\n\n")
    }

    fn one_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = &self.0.diagnostics[0];
        write!(f, "{}[{}]", first.severity, first.code)?;
        if let (Some(src), Some(span)) = (self.src(), first.span()) {
            let (line, column) = line_and_column(src, span.start);
            write!(f, " at {line}:{column}")?;
        }
        write!(f, ": {}", first.message)?;
        match self.0.diagnostics.len() - 1 {
            0 => Ok(()),
            1 => f.write_str(" (and one more error)"),
            more => write!(f, " (and {more} more errors)"),
        }
    }
}

/// Both from 1, columns in characters.
fn line_and_column(src: &str, at: usize) -> (usize, usize) {
    let before = &src[..src.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            self.one_line(f)
        } else {
            f.write_str(&self.render(None, &Style::default()))
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The source is what the operating system said, where it was asked; the layers of this library say nothing twice.
impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref()?.source()
    }
}

/// An array or a map that cannot be made or used: methods of [`Array`](crate::Array), [`View`](crate::View) and
/// [`MappedArray`](crate::MappedArray) return these.
impl From<DataError> for Error {
    fn from(error: DataError) -> Error {
        Error::data(error)
    }
}

/// A file of [`io`](crate::io) that cannot be read or written.
impl From<IoError> for Error {
    fn from(error: IoError) -> Error {
        Error::io(error)
    }
}

/// A source or a sink of chunks that fails.
impl From<StreamError> for Error {
    fn from(error: StreamError) -> Error {
        Error::stream(error)
    }
}

impl Error {
    fn new(kind: ErrorKind, src: Option<&Arc<str>>, diagnostics: Vec<Diagnostic>) -> Error {
        debug_assert!(!diagnostics.is_empty(), "an error says what is wrong");
        Error(Box::new(Repr {
            kind,
            src: src.cloned(),
            diagnostics,
            cause: None,
        }))
    }

    pub(crate) fn syntax(errors: &SyntaxErrors, src: &Arc<str>) -> Error {
        let diagnostics = errors.diagnostics();
        let kind = match diagnostics[0].code {
            Code::LimitExceeded => ErrorKind::Limit,
            _ => ErrorKind::Syntax,
        };
        Error::new(kind, Some(src), diagnostics)
    }

    pub(crate) fn lower(errors: &LowerErrors, src: &Arc<str>) -> Error {
        let diagnostics = errors.diagnostics();
        let kind = match diagnostics[0].code {
            Code::LimitExceeded => ErrorKind::Limit,
            _ => ErrorKind::Type,
        };
        Error::new(kind, Some(src), diagnostics)
    }

    /// An error of the engine itself, about no expression.
    pub(crate) fn engine(error: RuntimeError) -> Error {
        Error::runtime(error, None)
    }

    /// An error of compiling or running `text`.
    pub(crate) fn run(error: RuntimeError, text: &Text) -> Error {
        Error::runtime(error, Some(text))
    }

    fn runtime(error: RuntimeError, text: Option<&Text>) -> Error {
        if let RuntimeErrorKind::Data(_) = error.kind() {
            let RuntimeErrorKind::Data(error) = error.into_kind() else {
                unreachable!("just seen")
            };
            return Error::data(error);
        }
        if let RuntimeErrorKind::Stream(_) = error.kind() {
            let RuntimeErrorKind::Stream(error) = error.into_kind() else {
                unreachable!("just seen")
            };
            return Error::stream(error);
        }
        let (kind, diagnostic) = diagnose(&error, text);
        Error::new(kind, text.map(|text| &text.src), vec![diagnostic])
    }

    fn data(error: DataError) -> Error {
        let (kind, code) = classify(error.kind());
        let diagnostic = Diagnostic::error(code, error.to_string());
        let mut wrapped = Error::new(kind, None, vec![diagnostic]);
        wrapped.0.cause = Some(Arc::new(error));
        wrapped
    }

    /// An error of a source or a sink, with its place in the source.
    pub(crate) fn stream(error: StreamError) -> Error {
        use StreamErrorKind as K;
        let (kind, code) = match error.kind() {
            K::UnknownColumn { .. } | K::AmbiguousColumn { .. } | K::NoSuchColumn { .. } => {
                (ErrorKind::Bind, Code::UnknownName)
            }
            K::CannotRestart => (ErrorKind::Run, Code::NotStreamable),
            K::ColumnMismatch { .. } => (ErrorKind::Bind, Code::DtypeMismatch),
            K::Data(error) => classify(error.kind()),
            K::Other(other) => match (other.downcast_ref::<IoError>(), other.downcast_ref()) {
                (Some(error), _) => classify_io(error),
                // One of a table that was opened anew.
                (_, Some(error)) => return Error::clone(error),
                _ => (ErrorKind::Io, Code::FileIo),
            },
            _ => (ErrorKind::Io, Code::FileIo),
        };
        let diagnostic = Diagnostic::error(code, error.to_string());
        let mut wrapped = Error::new(kind, None, vec![diagnostic]);
        wrapped.0.cause = Some(Arc::new(error));
        wrapped
    }

    /// A value was given that the expression does not read.
    pub(crate) fn unused_value(name: &str) -> Error {
        let message = format!("input `{name}` is not one of the expression");
        let diagnostic = Diagnostic::error(Code::UnexpectedInput, message);
        Error::new(ErrorKind::Bind, None, vec![diagnostic])
    }

    fn io(error: IoError) -> Error {
        let (kind, code) = classify_io(&error);
        let diagnostic = Diagnostic::error(code, error.to_string());
        let mut wrapped = Error::new(kind, None, vec![diagnostic]);
        wrapped.0.cause = Some(Arc::new(error));
        wrapped
    }

    pub(crate) fn out_of_memory(bytes: usize) -> Error {
        Error::data(DataErrorKind::OutOfMemory { bytes }.into())
    }

    /// A result with nulls that was asked for as what has none.
    pub(crate) fn nulls(nulls: usize, n: usize) -> Error {
        let message = match (nulls, n) {
            (_, 1) => "the result is null".to_owned(),
            (1, _) => format!("1 of {n} elements is null"),
            _ => format!("{nulls} of {n} elements are null"),
        };
        let diagnostic = Diagnostic::error(Code::UnexpectedNulls, message)
            .with_help("take the result as a `Value`, or as an Arrow array");
        Error::new(ErrorKind::Bind, None, vec![diagnostic])
    }

    /// An input with nulls for a kernel that knows of none.
    pub(crate) fn unexpected_nulls(text: &Text, name: &str) -> Error {
        let message = format!("input `{name}` has nulls, and the kernel was compiled without");
        let diagnostic = Diagnostic::error(Code::UnexpectedNulls, message);
        let diagnostic = match text.mention(name) {
            Some(span) => diagnostic.with_primary(span, "compiled as never null"),
            None => diagnostic,
        };
        let diagnostic = diagnostic.with_help("compile for `Schema::with_nullable`");
        Error::new(ErrorKind::Bind, Some(&text.src), vec![diagnostic])
    }

    /// A place for an output that may be null.
    pub(crate) fn nullable_place(text: &Text, output: Option<&str>) -> Error {
        let output = output.map_or("the output".to_owned(), |name| format!("output `{name}`"));
        let message = format!("{output} may be null, and a place has no room for that");
        let diagnostic = Diagnostic::error(Code::UnexpectedNulls, message)
            .with_help("take it from `run`, or give its validity a place with `Kernel::call`");
        Error::new(ErrorKind::Bind, Some(&text.src), vec![diagnostic])
    }

    /// An Arrow array of a type that is no dtype.
    #[cfg(feature = "arrow")]
    pub(crate) fn arrow_type(found: &arrow_schema::DataType) -> Error {
        Error::not_numbers("an Arrow array".to_owned(), found)
    }

    /// A column of such a type.
    #[cfg(feature = "arrow")]
    pub(crate) fn arrow_column(name: &str, found: &arrow_schema::DataType) -> Error {
        Error::not_numbers(format!("column `{name}`"), found)
    }

    #[cfg(feature = "arrow")]
    fn not_numbers(what: String, found: &arrow_schema::DataType) -> Error {
        let message = format!("{what} of type {found} holds neither numbers nor bools");
        let diagnostic = Diagnostic::error(Code::DtypeMismatch, message)
            .with_note("types are Boolean, Int8 to Int64, UInt8 to UInt64, Float16 to Float64");
        let help = match found {
            arrow_schema::DataType::Dictionary(..) => "unpack the dictionary first",
            found if found.is_temporal() => "cast it to its integers first",
            found if found.is_numeric() => "cast it to Float64 first",
            _ => "convert it first",
        };
        Error::new(ErrorKind::Bind, None, vec![diagnostic.with_help(help)])
    }

    /// A result that has no type in Arrow.
    #[cfg(feature = "arrow")]
    pub(crate) fn no_arrow_type(dtype: DType) -> Error {
        let message = format!("Arrow has no arrays of {dtype}");
        let diagnostic = Diagnostic::error(Code::DtypeMismatch, message);
        let diagnostic = match dtype.is_complex() {
            true => diagnostic.with_help("take its parts: `z.real`, `z.imag`"),
            false => diagnostic,
        };
        Error::new(ErrorKind::Bind, None, vec![diagnostic])
    }

    /// Outputs that do not go into one record batch.
    #[cfg(feature = "arrow")]
    pub(crate) fn columns_of(lengths: &[usize]) -> Error {
        let message = format!(
            "columns of one record batch have one length, and the outputs have {}",
            ShapeText(lengths)
        );
        let diagnostic = Diagnostic::error(Code::OutputShape, message)
            .with_help("take each output by itself: `into_arrow`");
        Error::new(ErrorKind::Shape, None, vec![diagnostic])
    }

    /// Inputs that the expression does not name. `known` are the names that it might have meant.
    pub(crate) fn unexpected_inputs<'a>(
        text: &Text,
        unexpected: &[&str],
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Error {
        let list = quoted(known.clone());
        let diagnostic = |name: &&str| {
            let message = format!("the expression names no input `{name}`");
            let diagnostic = Diagnostic::error(Code::UnexpectedInput, message);
            let diagnostic = match list.is_empty() {
                true => diagnostic.with_note("it names no inputs at all"),
                false => diagnostic.with_note(format!("it names {list}")),
            };
            suggest(diagnostic, name, known.clone())
        };
        Error::new(
            ErrorKind::Bind,
            Some(&text.src),
            unexpected.iter().map(diagnostic).collect(),
        )
    }

    /// Inputs of a compiled kernel that were not given.
    pub(crate) fn missing_inputs(text: &Text, missing: &[&str]) -> Error {
        let diagnostic = |name: &&str| {
            let message = format!("input `{name}` is not given");
            let diagnostic = Diagnostic::error(Code::MissingInput, message);
            match text.mention(name) {
                Some(span) => diagnostic.with_primary(span, "needed here"),
                None => diagnostic
                    .with_note("the schema lists it, though the expression does not name it"),
            }
        };
        Error::new(
            ErrorKind::Bind,
            Some(&text.src),
            missing.iter().map(diagnostic).collect(),
        )
    }

    /// An input or a place that is given twice.
    pub(crate) fn given_twice(what: &str, name: &str) -> Error {
        let message = format!("{what} `{name}` is given twice");
        Error::new(
            ErrorKind::Bind,
            None,
            vec![Diagnostic::error(Code::DuplicateName, message)],
        )
    }

    /// Two outputs are to change one file.
    pub(crate) fn two_outputs(path: &std::path::Path) -> Error {
        let message = format!("two outputs go to `{}`", path.display());
        let diagnostic = Diagnostic::error(Code::DuplicateName, message)
            .with_help("give each output its own file");
        Error::new(ErrorKind::Bind, None, vec![diagnostic])
    }

    /// An array without a file that is too large to be held in memory.
    pub(crate) fn output_without_file(bytes: u128, memory: u64) -> Error {
        let message = format!("an output without a file takes {bytes} bytes; `memory` is {memory}");
        let diagnostic =
            Diagnostic::error(Code::LimitExceeded, message).with_help("name a file for it");
        Error::new(ErrorKind::Limit, None, vec![diagnostic])
    }

    /// The same error, with this for help.
    pub(crate) fn with_help(mut self, help: &str) -> Error {
        let first = &mut self.0.diagnostics[0];
        first.help = Some(help.to_owned());
        self
    }

    /// No output has this name.
    pub(crate) fn no_output<'a>(
        text: &Text,
        name: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Error {
        let list = quoted(known.clone());
        let diagnostic = Diagnostic::error(Code::UnknownName, format!("no output named `{name}`"));
        let diagnostic = match list.is_empty() {
            true => diagnostic.with_note("no output has a name: name one with `name = …`"),
            false => diagnostic.with_note(format!("named outputs are {list}")),
        };
        let diagnostic = suggest(diagnostic, name, known);
        Error::new(ErrorKind::Bind, Some(&text.src), vec![diagnostic])
    }

    /// One output was asked for, and there is another number of them.
    pub(crate) fn not_one_output(text: &Text, found: usize) -> Error {
        let message = format!("expected an expression with one output, found {found}");
        let diagnostic = Diagnostic::error(Code::OutputShape, message)
            .with_help("take each output by its name: `outputs[\"name\"]`");
        Error::new(ErrorKind::Bind, Some(&text.src), vec![diagnostic])
    }

    /// An output that has no place.
    pub(crate) fn missing_place(text: &Text, output: Option<&str>) -> Error {
        let output = output.map_or("the output".to_owned(), |name| format!("output `{name}`"));
        let diagnostic = Diagnostic::error(Code::OutputShape, format!("{output} has no place"));
        Error::new(ErrorKind::Bind, Some(&text.src), vec![diagnostic])
    }

    /// An output was asked for as elements of another dtype.
    pub(crate) fn output_dtype(found: DType, wanted: DType) -> Error {
        let diagnostic = Diagnostic::error(
            Code::DtypeMismatch,
            format!("the output is {found}, not {wanted}"),
        )
        .with_help(format!(
            "take it as {found}, or cast in the expression: `{wanted}(…)`"
        ));
        Error::new(ErrorKind::Bind, None, vec![diagnostic])
    }

    /// An output was asked for as one value and has another number of elements.
    pub(crate) fn not_one_element(shape: &[usize]) -> Error {
        let message = format!("the output has shape {}, not one element", ShapeText(shape));
        let diagnostic = Diagnostic::error(Code::OutputShape, message)
            .with_help("take it as an array, or reduce it in the expression: `sum(…)`");
        Error::new(ErrorKind::Shape, None, vec![diagnostic])
    }

    /// An output was asked for as an array and is a reduced value.
    pub(crate) fn not_an_array(name: &str) -> Error {
        let message = format!("output `{name}` is one reduced value, not an array");
        let diagnostic =
            Diagnostic::error(Code::OutputShape, message).with_help("take it with `scalar`");
        Error::new(ErrorKind::Shape, None, vec![diagnostic])
    }

    /// An output was asked for with another number of axes.
    #[cfg(any(feature = "arrow", feature = "ndarray"))]
    pub(crate) fn not_of_rank(shape: &[usize], wanted: Option<usize>) -> Error {
        let wanted = wanted.unwrap_or_default();
        let message = format!(
            "the output has shape {}, not {wanted} axes",
            ShapeText(shape)
        );
        let diagnostic = Diagnostic::error(Code::OutputShape, message);
        Error::new(ErrorKind::Shape, None, vec![diagnostic])
    }

    /// Rows of two tables were to meet.
    pub(crate) fn two_tables() -> Error {
        let message = "rows of two tables do not come together: each is read at its own pace";
        let diagnostic = Diagnostic::error(Code::NotStreamable, message)
            .with_help("reduce one of them first, or make them columns of one table");
        Error::new(ErrorKind::Run, None, vec![diagnostic])
    }

    /// Rows of a table were to meet an array that is all there.
    pub(crate) fn table_and_array() -> Error {
        let message = "rows of a table come a chunk at a time, and the array beside them does not";
        let diagnostic = Diagnostic::error(Code::NotStreamable, message).with_help(
            "reduce one of them first, make the array a column of the table, or compute the column",
        );
        Error::new(ErrorKind::Run, None, vec![diagnostic])
    }

    /// A column was subscripted.
    pub(crate) fn rows_subscripted() -> Error {
        let message = "rows of a table cannot be subscripted: they are never there at once";
        let diagnostic = Diagnostic::error(Code::NotStreamable, message)
            .with_help("compute the column first, or reduce it");
        Error::new(ErrorKind::Run, None, vec![diagnostic])
    }

    /// A reduction of a column was to leave an array.
    pub(crate) fn rows_left() -> Error {
        let message =
            "a reduction over a table must leave one value: its rows come a chunk at a time";
        let diagnostic = Diagnostic::error(Code::NotStreamable, message)
            .with_help("reduce all axes, or compute the column first");
        Error::new(ErrorKind::Run, None, vec![diagnostic])
    }

    /// The shape of a column was asked for.
    pub(crate) fn rows_not_counted() -> Error {
        let message = "the rows of the table have not been counted: they must be read for that";
        let diagnostic = Diagnostic::error(Code::NotStreamable, message)
            .with_help("ask for its `extents`, or compute it");
        Error::new(ErrorKind::Run, None, vec![diagnostic])
    }

    /// A lazy array was to have nulls.
    pub(crate) fn lazy_nulls() -> Error {
        let message = "a lazy array has no nulls";
        let diagnostic = Diagnostic::error(Code::UnexpectedNulls, message)
            .with_help("fill them in first, or evaluate at once");
        Error::new(ErrorKind::Bind, None, vec![diagnostic])
    }

    /// What should stand between brackets.
    pub(crate) fn not_a_subscript(text: &str) -> Error {
        let message = format!(
            "`{}` is not what stands in a subscript",
            text.escape_debug()
        );
        let diagnostic = Diagnostic::error(Code::InvalidSubscript, message)
            .with_help("write it as between brackets: `1:, ::2, None`");
        Error::new(ErrorKind::Syntax, None, vec![diagnostic])
    }

    /// Machine code was asked for, and there is none.
    pub(crate) fn no_code(message: impl Into<String>) -> Error {
        let diagnostic = Diagnostic::error(Code::EngineUnavailable, message);
        Error::new(ErrorKind::Compile, None, vec![diagnostic])
    }
}

/// A name that [`parse`](str::parse) could make no [`Isa`](crate::Isa) of.
impl From<IsaError> for Error {
    fn from(error: IsaError) -> Error {
        let diagnostic = Diagnostic::error(Code::BadInstructionSet, error.to_string());
        Error::new(ErrorKind::Compile, None, vec![diagnostic])
    }
}

fn suggest<'a>(
    diagnostic: Diagnostic,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    match nearest(name, known) {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

/// A dozen names at most.
fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let mut list = String::new();
    for (i, name) in names.enumerate() {
        match i {
            0 => {}
            SHOWN => {
                list.push_str(", …");
                break;
            }
            _ => list.push_str(", "),
        }
        list.push_str(&format!("`{name}`"));
    }
    list
}

/// An expression's text and its tree, to point at.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) src: Arc<str>,
    pub(crate) ast: Ast,
}

impl Text {
    /// Where the name is first read.
    pub(crate) fn mention(&self, name: &str) -> Option<Span> {
        let reads = |kind: &ExprKind| matches!(kind, ExprKind::Name(read) if read == name);
        self.ast
            .exprs
            .iter()
            .find(|node| reads(&node.kind))
            .map(|node| node.span)
    }

    /// The name of what is called at `span`, if that is a call.
    fn callee(&self, span: Span) -> Option<&str> {
        self.ast.exprs.iter().find_map(|node| match &node.kind {
            ExprKind::Call { func, .. } if node.span == span => Some(func.as_str()),
            _ => None,
        })
    }
}

/// What an error of the runtime is called, and how it is drawn.
fn diagnose(error: &RuntimeError, text: Option<&Text>) -> (ErrorKind, Diagnostic) {
    use RuntimeErrorKind as K;
    let plain = |code| Diagnostic::error(code, error.to_string());
    let at = |diagnostic: Diagnostic, name: &str, message: String| match text
        .and_then(|text| text.mention(name))
    {
        Some(span) => diagnostic.with_primary(span, message),
        None => diagnostic,
    };
    match error.kind() {
        K::InputCount { .. } => (ErrorKind::Bind, plain(Code::MissingInput)),
        K::OutputCount { .. } => (ErrorKind::Bind, plain(Code::OutputShape)),
        K::InputDType {
            name,
            expected,
            found,
        } => {
            let diagnostic = at(
                plain(Code::DtypeMismatch),
                name,
                format!("compiled for {expected}"),
            );
            let help = format!("compile for {found}, or convert the array");
            (ErrorKind::Bind, diagnostic.with_help(help))
        }
        K::Broadcast {
            output,
            left,
            right,
            ..
        } => {
            let sides = [left, right].map(|side| {
                let called = text
                    .zip(side.span)
                    .and_then(|(text, span)| text.callee(span));
                let name = called.map_or_else(|| side.name.clone(), |name| format!("{name}(…)"));
                (side, name, ShapeText(&side.shape))
            });
            let [(_, left, left_shape), (_, right, right_shape)] = &sides;
            let mut message = format!(
                "`{left}` of shape {left_shape} and `{right}` of shape {right_shape} do not broadcast together"
            );
            if let Some(output) = output {
                message.push_str(&format!(" for output `{output}`"));
            }
            let mut diagnostic = Diagnostic::error(Code::ShapeMismatch, message);
            for (side, name, shape) in &sides {
                diagnostic = match (text, side.span) {
                    (Some(_), Some(span)) => diagnostic.with_primary(span, shape.to_string()),
                    _ => at(diagnostic, name, shape.to_string()),
                };
            }
            let rule = "counted from the last, two axes must be equal or one of them 1";
            diagnostic = diagnostic.with_note(rule);
            if sides.iter().any(|(side, ..)| side.span.is_some()) {
                let help = "`keepdims=True` leaves a reduced axis in, with one element";
                diagnostic = diagnostic.with_help(help);
            }
            (ErrorKind::Shape, diagnostic)
        }
        K::OutputShape { .. } => (ErrorKind::Shape, plain(Code::OutputShape)),
        K::OutputDType { expected, .. } => {
            let help = format!("give it a place of dtype {expected}, or cast in the expression");
            (ErrorKind::Bind, plain(Code::OutputDtype).with_help(help))
        }
        K::OutputOverlap { .. } => (ErrorKind::Bind, plain(Code::OutputShape)),
        K::EmptyReduction { span, .. } => (
            ErrorKind::Run,
            plain(Code::EmptyReduction).with_primary(*span, "of no elements"),
        ),
        K::Axis { span, repeated, .. } => {
            let label = if *repeated {
                "named twice"
            } else {
                "no such axis"
            };
            let diagnostic = plain(Code::AxisOutOfRange).with_primary(*span, label);
            (ErrorKind::Shape, diagnostic)
        }
        K::Subscript { span, index, .. } => {
            let label = match index {
                Some(_) => "out of range",
                None => "too many",
            };
            let diagnostic = plain(Code::AxisOutOfRange).with_primary(*span, label);
            (ErrorKind::Shape, diagnostic)
        }
        K::Fault {
            code,
            span,
            position,
            value,
            target,
            ..
        } => {
            let element = element(position);
            let diagnostic = match code {
                FaultCode::CastOutOfRange => {
                    let message = format!("{value}{element} does not fit {target}");
                    let cast = Diagnostic::error(Code::CastFailed, message)
                        .with_primary(*span, "this cast");
                    cast.with_help(
                        "cast with \"saturate\" or \"wrap\" to have a value for each element",
                    )
                }
                FaultCode::NegativePower => {
                    let message =
                        format!("{target} to the power {value}{element} has no integer value");
                    let power = Diagnostic::error(Code::NegativeIntegerPower, message);
                    power
                        .with_primary(*span, "this power")
                        .with_help("make the base a float: `f64(…)`")
                }
            };
            (ErrorKind::Run, diagnostic)
        }
        K::Cancelled { .. } | K::Incomplete { .. } => (ErrorKind::Run, plain(Code::Cancelled)),
        K::DeadlineExceeded { .. } => (ErrorKind::Limit, plain(Code::DeadlineExceeded)),
        K::OutOfMemory { .. } => (ErrorKind::Limit, plain(Code::OutOfMemory)),
        K::Limit { option, .. } => {
            let help = format!("raise `{option}` if the source can be trusted");
            (ErrorKind::Limit, plain(Code::LimitExceeded).with_help(help))
        }
        K::NotStreamable { .. } => (ErrorKind::Run, plain(Code::NotStreamable)),
        K::MemoryTooSmall { .. } => (ErrorKind::Limit, plain(Code::LimitExceeded)),
        K::JournalMismatch { .. } => {
            let help =
                "run what was run before to go on with it, or discard what it did with `fresh`";
            (ErrorKind::Io, plain(Code::JournalMismatch).with_help(help))
        }
        K::NotResumable { .. } => {
            let help = "write to a new file, or do without undo";
            (ErrorKind::Io, plain(Code::NotResumable).with_help(help))
        }
        K::PartlyUpdated { .. } => {
            let help =
                "restore the file, or compute all of it again from what it is now with `force`";
            (ErrorKind::Io, plain(Code::NotResumable).with_help(help))
        }
        K::BadThreadCount { .. } | K::ThreadPool { .. } => {
            (ErrorKind::Compile, plain(Code::BadThreadCount))
        }
        K::BadIsa { .. } => (ErrorKind::Compile, plain(Code::BadInstructionSet)),
        K::BadBlockSize => (ErrorKind::Limit, plain(Code::LimitExceeded)),
        K::BackendUnavailable { .. } => (ErrorKind::Compile, plain(Code::EngineUnavailable)),
        _ => (ErrorKind::Compile, plain(Code::EngineUnavailable)),
    }
}

/// ` at element …`, or nothing for an array without axes.
fn element(position: &[usize]) -> String {
    match position {
        [] => String::new(),
        [i] => format!(" at element {i}"),
        many => format!(" at element {}", ShapeText(many)),
    }
}

/// What an error of a file is called.
fn classify_io(error: &IoError) -> (ErrorKind, Code) {
    match error.kind() {
        IoErrorKind::Data(error) => classify(error.kind()),
        IoErrorKind::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            (ErrorKind::Io, Code::FileNotFound)
        }
        IoErrorKind::TruncatedData { .. } | IoErrorKind::Empty => {
            (ErrorKind::Io, Code::FileTruncated)
        }
        IoErrorKind::BadMagic { .. }
        | IoErrorKind::UnsupportedVersion { .. }
        | IoErrorKind::HeaderTooLong { .. }
        | IoErrorKind::TruncatedHeader { .. }
        | IoErrorKind::BadHeader { .. }
        | IoErrorKind::MissingKey { .. }
        | IoErrorKind::TooManyAxes { .. } => (ErrorKind::Io, Code::BadNpyHeader),
        IoErrorKind::UnsupportedDType { .. } | IoErrorKind::Records { .. } => {
            (ErrorKind::Io, Code::UnsupportedNpyDtype)
        }
        IoErrorKind::MemberWritten { .. } => (ErrorKind::Io, Code::ReadOnlyOutput),
        IoErrorKind::BadField { .. }
        | IoErrorKind::MissingField { .. }
        | IoErrorKind::LongField { .. }
        | IoErrorKind::NulInField
        | IoErrorKind::FieldCount { .. }
        | IoErrorKind::MisplacedQuote
        | IoErrorKind::UnclosedQuote
        | IoErrorKind::RecordTooLong { .. }
        | IoErrorKind::LoneReturn => (ErrorKind::Io, Code::BadRecord),
        IoErrorKind::UnknownFormat
        | IoErrorKind::UnknownField { .. }
        | IoErrorKind::UnknownMember { .. }
        | IoErrorKind::CompressedMember { .. }
        | IoErrorKind::BadSpec { .. }
        | IoErrorKind::SpecMismatch { .. } => (ErrorKind::Io, Code::BadFileSpec),
        _ => (ErrorKind::Io, Code::FileIo),
    }
}

/// What an error of arrays and maps is called.
fn classify(kind: &DataErrorKind) -> (ErrorKind, Code) {
    use DataErrorKind as K;
    match kind {
        K::OutOfMemory { .. } => (ErrorKind::Limit, Code::OutOfMemory),
        K::ShapeOverflow { .. } => (ErrorKind::Limit, Code::LimitExceeded),
        K::DTypeMismatch { .. }
        | K::BytesTooLong { .. }
        | K::UnknownDType { .. }
        | K::BadScalar { .. } => (ErrorKind::Bind, Code::DtypeMismatch),
        K::InvalidBool { .. } => (ErrorKind::Run, Code::DtypeMismatch),
        K::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            (ErrorKind::Io, Code::FileNotFound)
        }
        K::Truncated { .. } | K::OddLength { .. } => (ErrorKind::Io, Code::FileTruncated),
        K::ReadOnly { .. } => (ErrorKind::Io, Code::ReadOnlyOutput),
        K::Io { .. } | K::NoSpace { .. } | K::NotAFile { .. } | K::InUse { .. } => {
            (ErrorKind::Io, Code::FileIo)
        }
        K::UnknownMapMode { .. } | K::ShapeNeeded { .. } => (ErrorKind::Io, Code::BadFileSpec),
        _ => (ErrorKind::Shape, Code::ShapeMismatch),
    }
}
