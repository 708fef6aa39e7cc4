//! Array expressions from strings, compiled to SIMD machine code and run block by block on all cores.
#![forbid(unsafe_code)]

mod engine;
mod error;
mod eval;
mod explain;
mod expr;
mod inputs;
mod kernel;
#[cfg(feature = "ndarray")]
mod ndarray;
mod options;
mod outputs;
mod places;
mod slots;

pub use numloom_data::{
    Array, ByteOrder, Complex, DType, DataError, DataErrorKind, Element, MapMode, MapSpec,
    MappedArray, Order, OutputFile, Scalar, View, ViewMut, f16,
};
pub use numloom_io as io;
pub use numloom_ir::{InputClass, Schema, SchemaInput};
pub use numloom_runtime::{
    Backend, CacheInfo, CancelFlag, Deadline, MAX_THREADS, Progress, ProgressFn,
};
pub use numloom_syntax::{Ast, Code, Diagnostic, Label, Paint, Severity, Span, Style};

pub use engine::{Check, Engine};
pub use error::{Error, ErrorKind};
pub use eval::{Function, check, eval, eval_into, functions};
pub use explain::{Explanation, Stage, UnknownStage, explain_stage};
pub use expr::Expr;
pub use inputs::Input;
pub use kernel::{Kernel, OutputInfo};
pub use options::Options;
pub use outputs::{Outputs, Value};
pub use places::{Place, Places};
