//! What can go wrong between a kernel and its machine code.

use std::{fmt, io};

use numloom_data::DType;
use numloom_ir::{Op, VerifyError};

/// Why a kernel was not compiled, or not run.
///
/// Everything but [`JitErrorKind::Argument`] means "use the next engine": the interpreter runs every valid kernel.
#[derive(Debug)]
pub struct JitError {
    kind: JitErrorKind,
}

/// The kinds of [`JitError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum JitErrorKind {
    /// The backend has no code for this operation on this dtype; see [`UNSUPPORTED`](crate::UNSUPPORTED).
    Unsupported {
        /// The operation; none for a load, store or constant.
        op: Option<Op>,
        /// The dtype of its operands.
        dtype: DType,
        /// Why.
        reason: &'static str,
    },
    /// This machine is none that the backend compiles for.
    HostUnsupported {
        /// What is missing.
        reason: &'static str,
    },
    /// The system refused memory that can be executed.
    ExecutableMemory(io::Error),
    /// The kernel is larger than the compiler is allowed to work on.
    CodeTooLarge {
        /// The size it had reached, in the backend's instructions.
        insts: usize,
        /// The largest size allowed.
        limit: usize,
    },
    /// The kernel, made by hand, breaks a rule that compiled code relies on.
    InvalidKernel(VerifyError),
    /// An argument of [`run`](crate::NativeKernel::run) does not fit the kernel.
    Argument {
        /// Which one.
        argument: Argument,
        /// The size it has to have (for a block length, the most it can be).
        want: usize,
        /// The size it has.
        got: usize,
    },
    /// The code generator failed on a valid kernel: a defect, to be reported.
    Internal {
        /// What it said.
        detail: String,
    },
}

/// An argument of [`run`](crate::NativeKernel::run), for errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Argument {
    /// The number of elements.
    BlockLength,
    /// The number of inputs.
    InputCount,
    /// The bytes of one input.
    Input(usize),
    /// The number of outputs.
    OutputCount,
    /// The bytes of one output.
    Output(usize),
    /// The words of all accumulators.
    Accumulators,
    /// The number of rows.
    Rows,
    /// The number of row strides of inputs.
    InputStrides,
    /// The number of row strides of outputs.
    OutputStrides,
    /// The number of columns of the accumulators.
    Columns,
}

impl JitError {
    /// What went wrong.
    pub fn kind(&self) -> &JitErrorKind {
        &self.kind
    }

    /// Whether another code generator may serve the kernel.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(
            self.kind,
            JitErrorKind::Unsupported { .. }
                | JitErrorKind::HostUnsupported { .. }
                | JitErrorKind::CodeTooLarge { .. }
        )
    }

    pub(crate) fn internal(detail: impl Into<String>) -> JitError {
        JitErrorKind::Internal {
            detail: detail.into(),
        }
        .into()
    }
}

impl From<VerifyError> for JitError {
    fn from(error: VerifyError) -> JitError {
        JitErrorKind::InvalidKernel(error).into()
    }
}

impl From<JitErrorKind> for JitError {
    fn from(kind: JitErrorKind) -> JitError {
        JitError { kind }
    }
}

impl fmt::Display for JitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            JitErrorKind::Unsupported {
                op: Some(op),
                dtype,
                reason,
            } => write!(f, "no machine code for `{op}` on {dtype}: {reason}"),
            JitErrorKind::Unsupported {
                op: None,
                dtype,
                reason,
            } => write!(f, "no machine code for elements of {dtype}: {reason}"),
            JitErrorKind::HostUnsupported { reason } => {
                write!(f, "no machine code for this processor: {reason}")
            }
            JitErrorKind::ExecutableMemory(error) => {
                write!(f, "the system refused executable memory: {error}")
            }
            JitErrorKind::CodeTooLarge { insts, limit } => write!(
                f,
                "the kernel needs {insts} instructions or more, and the limit is {limit}"
            ),
            JitErrorKind::InvalidKernel(error) => write!(f, "invalid kernel, {error}"),
            JitErrorKind::Argument {
                argument,
                want,
                got,
            } => match argument {
                Argument::BlockLength => {
                    write!(
                        f,
                        "a block of {got} elements, and this kernel takes at most {want}"
                    )
                }
                Argument::InputCount => write!(f, "{got} inputs for a kernel of {want}"),
                Argument::Input(i) => {
                    write!(f, "input {i} has {got} bytes where {want} are needed")
                }
                Argument::OutputCount => write!(f, "{got} outputs for a kernel of {want}"),
                Argument::Output(i) => {
                    write!(f, "output {i} has {got} bytes where {want} are needed")
                }
                Argument::Accumulators => {
                    write!(f, "{got} words of accumulators where {want} are needed")
                }
                Argument::Rows => write!(f, "{got} rows where there can be {want}"),
                Argument::InputStrides => {
                    write!(f, "row strides of {got} inputs where {want} are needed")
                }
                Argument::OutputStrides => {
                    write!(f, "row strides of {got} outputs where {want} are needed")
                }
                Argument::Columns => write!(f, "{got} columns where there can be {want}"),
            },
            JitErrorKind::Internal { detail } => write!(f, "the code generator failed: {detail}"),
        }
    }
}

impl std::error::Error for JitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            JitErrorKind::ExecutableMemory(error) => Some(error),
            JitErrorKind::InvalidKernel(error) => Some(error),
            _ => None,
        }
    }
}
