//! What can go wrong when a program meets its arrays.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use numloom_data::error::ShapeText;
use numloom_data::stream::StreamError;
use numloom_data::{DType, DataError, DataErrorKind};
use numloom_ir::{FaultCode, IsaError, VerifyError};
use numloom_syntax::Span;

use crate::options::Backend;

/// An error of this crate: one line that names both sides; [`kind`](RuntimeError::kind) has the parts.
#[derive(Debug)]
pub struct RuntimeError {
    kind: Box<RuntimeErrorKind>,
}

/// What went wrong, with the names, dtypes, shapes and numbers involved.
///
/// An output's name is `None` where the source has a bare expression.
#[derive(Debug)]
#[non_exhaustive]
pub enum RuntimeErrorKind {
    /// Too few or too many inputs.
    InputCount {
        /// The names of the inputs, in order.
        expected: Vec<String>,
        /// How many were given.
        found: usize,
    },
    /// Too few or too many places for outputs.
    OutputCount {
        /// How many outputs the program has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// An input of another dtype than the program was typed for.
    InputDType {
        /// The input.
        name: String,
        /// The program's dtype.
        expected: DType,
        /// The array's.
        found: DType,
    },
    /// Two inputs whose shapes do not broadcast together.
    Broadcast {
        /// The output that needs both.
        output: Option<String>,
        /// One array.
        left: Side,
        /// Another.
        right: Side,
        /// The expression of the output.
        span: Span,
    },
    /// A place for an output that has another shape than the result.
    OutputShape {
        /// The output.
        name: Option<String>,
        /// The result's shape.
        expected: Vec<usize>,
        /// The shape of the place.
        found: Vec<usize>,
    },
    /// A place for an output that has another dtype than the result.
    OutputDType {
        /// The output.
        name: Option<String>,
        /// The result's dtype.
        expected: DType,
        /// The dtype of the place.
        found: DType,
    },
    /// Two places for outputs that share memory.
    OutputOverlap {
        /// One output.
        first: Option<String>,
        /// The other.
        second: Option<String>,
    },
    /// The least or greatest of no elements.
    EmptyReduction {
        /// `min` or `max`.
        reduction: &'static str,
        /// The shape that has no elements.
        shape: Vec<usize>,
        /// The reduction.
        span: Span,
    },
    /// A reduction along an axis that its operand does not have, or has once.
    Axis {
        /// The axis as it was written.
        axis: i64,
        /// The operand's shape.
        shape: Vec<usize>,
        /// Whether it was named before.
        repeated: bool,
        /// The reduction.
        span: Span,
    },
    /// A subscript that an input does not have.
    Subscript {
        /// The input.
        name: String,
        /// The shape that is subscripted.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
        /// The position on it; none if there is no such axis.
        index: Option<i64>,
        /// The subscript.
        span: Span,
    },
    /// An element that could not be computed: of all there are, the one with the lowest index.
    Fault {
        /// Why.
        code: FaultCode,
        /// The sub-expression.
        span: Span,
        /// The element's logical (row-major) index.
        index: u64,
        /// The same as an index on each axis.
        position: Vec<usize>,
        /// The offending value.
        value: String,
        /// Its dtype.
        dtype: DType,
        /// The dtype it could not be turned into; the base's dtype for a power.
        target: DType,
    },
    /// The [`CancelFlag`](crate::CancelFlag) was raised.
    Cancelled {
        /// Elements done so far.
        done: u64,
        /// Elements in all.
        total: u64,
    },
    /// The [`Deadline`](crate::Deadline) passed.
    DeadlineExceeded {
        /// Elements done so far.
        done: u64,
        /// Elements in all.
        total: u64,
    },
    /// A block of the result did not report success, so none of it is handed out.
    Incomplete {
        /// Elements that were done.
        done: u64,
        /// Elements in all.
        total: u64,
    },
    /// The allocator refused.
    OutOfMemory {
        /// How many bytes were asked for.
        bytes: usize,
    },
    /// A limit of [`Options`](crate::Options) would be passed.
    Limit {
        /// The option that raises it.
        option: &'static str,
        /// Its value.
        limit: u64,
        /// What is needed.
        needed: u64,
    },
    /// Not a number of threads that can be had.
    BadThreadCount {
        /// Where it was read: an option or an environment variable.
        from: &'static str,
        /// What was read.
        value: String,
    },
    /// An environment variable that names no instruction set of this machine.
    BadIsa {
        /// The variable.
        from: &'static str,
        /// What it names, and what there is.
        error: IsaError,
    },
    /// A block of no elements.
    BadBlockSize,
    /// The system did not give the threads.
    ThreadPool {
        /// How many were asked for.
        threads: usize,
        /// What it said.
        reason: String,
    },
    /// The backend that was asked for cannot run this program here.
    BackendUnavailable {
        /// Which.
        backend: Backend,
        /// Why.
        reason: String,
    },
    /// A program, made by hand, that breaks a rule.
    InvalidProgram(VerifyError),
    /// A program, made by hand, with an output that reads an input which does not broadcast to the output's shape.
    UncoveredInput {
        /// The input.
        name: String,
        /// The shape the output is computed over.
        expected: Vec<usize>,
        /// The input's shape.
        found: Vec<usize>,
    },
    /// Classes of another number than the program has inputs.
    ClassCount {
        /// How many inputs there are.
        expected: usize,
        /// How many classes were given.
        found: usize,
    },
    /// A run over files that is to get by with too little memory.
    MemoryTooSmall {
        /// What it was to be held to, in bytes.
        memory: u64,
        /// The least it can be.
        least: u64,
    },
    /// An input that shares a file with an output, and would have to be held in memory, for it is read in another order than that is written.
    NotResumable {
        /// The input.
        name: String,
    },
    /// A journal of another run, or of the same over inputs that have changed since.
    JournalMismatch {
        /// The journal.
        path: PathBuf,
        /// What is otherwise.
        difference: String,
    },
    /// A file that a run was writing in place, without undo, when it was killed.
    PartlyUpdated {
        /// Its journal.
        path: PathBuf,
        /// Elements that are done, in the order of the run; some behind them may be, too.
        done: u64,
    },
    /// A program that cannot be run over rows that come a chunk at a time.
    NotStreamable {
        /// What it asks for.
        what: &'static str,
    },
    /// An error of a source or a sink of chunks.
    Stream(StreamError),
    /// An error of the arrays themselves.
    Data(DataError),
}

impl RuntimeError {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &RuntimeErrorKind {
        &self.kind
    }

    /// The parts, by value.
    #[must_use]
    pub fn into_kind(self) -> RuntimeErrorKind {
        *self.kind
    }

    /// The piece of the source that it is about, if it is about one.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match *self.kind {
            RuntimeErrorKind::Broadcast { span, .. }
            | RuntimeErrorKind::EmptyReduction { span, .. }
            | RuntimeErrorKind::Axis { span, .. }
            | RuntimeErrorKind::Subscript { span, .. }
            | RuntimeErrorKind::Fault { span, .. } => Some(span),
            _ => None,
        }
    }
}

/// One of two arrays that do not broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Side {
    /// The input, or the reduction as engines call it: `sum(…)`, also where a `mean` was written.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The sub-expression, if it is a reduction.
    pub span: Option<Span>,
}

impl From<RuntimeErrorKind> for RuntimeError {
    fn from(kind: RuntimeErrorKind) -> RuntimeError {
        RuntimeError {
            kind: Box::new(kind),
        }
    }
}

impl From<DataError> for RuntimeError {
    fn from(error: DataError) -> RuntimeError {
        match *error.kind() {
            DataErrorKind::OutOfMemory { bytes } => RuntimeErrorKind::OutOfMemory { bytes }.into(),
            _ => RuntimeErrorKind::Data(error).into(),
        }
    }
}

impl From<StreamError> for RuntimeError {
    fn from(error: StreamError) -> RuntimeError {
        RuntimeErrorKind::Stream(error).into()
    }
}

impl From<VerifyError> for RuntimeError {
    fn from(error: VerifyError) -> RuntimeError {
        RuntimeErrorKind::InvalidProgram(error).into()
    }
}

impl Error for RuntimeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &*self.kind {
            RuntimeErrorKind::Data(error) => Some(error),
            // Its text is this error's own; what is below it is the cause.
            RuntimeErrorKind::Stream(error) => error.source(),
            RuntimeErrorKind::InvalidProgram(error) => Some(error),
            RuntimeErrorKind::BadIsa { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// An output in a message: its name, if it has one.
struct OutputText<'a>(&'a Option<String>);

impl fmt::Display for OutputText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "output `{name}`"),
            None => f.write_str("the output"),
        }
    }
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use RuntimeErrorKind as K;
        match &*self.kind {
            K::InputCount { expected, found } => {
                write!(f, "expected {} inputs (", expected.len())?;
                const SHOWN: usize = 16;
                for (i, name) in expected.iter().take(SHOWN).enumerate() {
                    write!(f, "{}`{name}`", if i == 0 { "" } else { ", " })?;
                }
                let more = if expected.len() > SHOWN { ", …" } else { "" };
                write!(f, "{more}), found {found}")
            }
            K::OutputCount { expected, found } => {
                write!(f, "expected places for {expected} outputs, found {found}")
            }
            K::InputDType {
                name,
                expected,
                found,
            } => write!(f, "input `{name}` is {found}, but {expected} is expected"),
            K::Broadcast {
                output,
                left,
                right,
                ..
            } => write!(
                f,
                "`{}` of shape {} and `{}` of shape {} do not broadcast together for {}",
                left.name,
                ShapeText(&left.shape),
                right.name,
                ShapeText(&right.shape),
                OutputText(output)
            ),
            K::OutputShape {
                name,
                expected,
                found,
            } => write!(
                f,
                "{} has shape {}, but its place has shape {}",
                OutputText(name),
                ShapeText(expected),
                ShapeText(found)
            ),
            K::OutputDType {
                name,
                expected,
                found,
            } => write!(
                f,
                "{} is {expected}, but its place is {found}",
                OutputText(name)
            ),
            K::OutputOverlap { first, second } => write!(
                f,
                "the places for {} and {} share memory",
                OutputText(first),
                OutputText(second)
            ),
            K::EmptyReduction {
                reduction, shape, ..
            } => write!(
                f,
                "`{reduction}` of no elements has no value: shape {} is reduced",
                ShapeText(shape)
            ),
            K::Axis {
                axis,
                shape,
                repeated: true,
                ..
            } => write!(
                f,
                "axis {axis} of shape {} is named twice",
                ShapeText(shape)
            ),
            K::Axis { axis, shape, .. } => {
                write!(f, "there is no axis {axis} in shape {}", ShapeText(shape))
            }
            K::Subscript {
                name,
                shape,
                index: Some(index),
                axis,
                ..
            } => write!(
                f,
                "there is no element {index} on axis {axis} of `{name}`, whose shape is {}",
                ShapeText(shape)
            ),
            K::Subscript { name, shape, .. } => write!(
                f,
                "more axes are subscripted than `{name}` has: its shape is {}",
                ShapeText(shape)
            ),
            K::Fault {
                code,
                position,
                value,
                dtype,
                target,
                ..
            } => {
                match code {
                    FaultCode::NegativePower => {
                        write!(f, "{target} to the negative power {value}")?;
                    }
                    FaultCode::CastOutOfRange => {
                        write!(f, "{dtype} value {value} does not fit {target}")?;
                    }
                }
                match &position[..] {
                    [] => Ok(()),
                    [i] => write!(f, " (element {i})"),
                    many => write!(f, " (element {})", ShapeText(many)),
                }
            }
            K::Cancelled { done, total } => {
                write!(f, "cancelled after {done} of {total} elements")
            }
            K::DeadlineExceeded { done, total } => {
                write!(f, "out of time after {done} of {total} elements")
            }
            K::Incomplete { done, total } => write!(
                f,
                "only {done} of {total} elements were computed, so no result is given"
            ),
            K::OutOfMemory { bytes } => {
                write!(f, "out of memory: {bytes} bytes could not be allocated")
            }
            K::NotStreamable { what } => write!(f, "not over a stream: {what}"),
            K::Stream(error) => error.fmt(f),
            K::MemoryTooSmall { memory, least } => write!(
                f,
                "`memory` is {memory} bytes; a run over files takes at least {least}"
            ),
            K::NotResumable { name } => write!(
                f,
                "input `{name}` lies in a file that is written in place, and is read in another order than that is written"
            ),
            K::JournalMismatch { path, difference } => write!(
                f,
                "the run that left `{}` is not this one: {difference}",
                path.display()
            ),
            K::PartlyUpdated { path, done } => write!(
                f,
                "a run in place was stopped and cannot be gone on with: its first {done} elements are done, and some behind them may be; `{}` is its journal",
                path.display()
            ),
            K::Limit {
                option,
                limit,
                needed,
            } => write!(
                f,
                "{needed} is more than `{option}` allows, which is {limit}"
            ),
            K::BadThreadCount { from, value } => write!(
                f,
                "`{from}` is `{}`, but a number of threads is 1 to {}",
                value.escape_debug(),
                crate::options::MAX_THREADS
            ),
            K::BadIsa { from, error } => write!(f, "`{from}`: {error}"),
            K::BadBlockSize => f.write_str("`block` is 0, but a block has at least 1 element"),
            K::ThreadPool { threads, reason } => {
                write!(f, "cannot start {threads} threads: {reason}")
            }
            K::BackendUnavailable { backend, reason } => {
                write!(f, "the {backend} backend cannot run this: {reason}")
            }
            K::InvalidProgram(error) => write!(f, "invalid program: {error}"),
            K::UncoveredInput {
                name,
                expected,
                found,
            } => write!(
                f,
                "invalid program: an output of shape {} reads `{name}` of shape {}",
                ShapeText(expected),
                ShapeText(found)
            ),
            K::ClassCount { expected, found } => {
                write!(f, "expected classes of {expected} inputs, found {found}")
            }
            K::Data(error) => error.fmt(f),
        }
    }
}
