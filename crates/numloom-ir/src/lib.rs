//! What a numloom expression means.
//!
//! **Should I use this crate?** No, use `numloom`. This is the rabbit hole behind it: the one table of operations, type promotion,
//! typed SSA and its passes, the kernel IR that every engine runs, and the reference interpreter that defines every answer.
//!
//! ```text
//! Ast ── lower ──► Program ── opt::run ──► Program ── schedule ──► Kernel ── interp ──► bits
//! ```
#![forbid(unsafe_code)]

mod builder;
mod error;
mod fault;
pub mod func;
pub mod interp;
mod kernel;
mod lower;
mod op;
pub mod opt;
mod program;
pub mod promote;
pub mod reduce;
mod schedule;
mod schema;
mod text;
mod verify;

pub use builder::Builder;
pub use error::{LowerError, LowerErrorKind, LowerErrors};
pub use fault::{Fault, FaultCode};
pub use kernel::{
    AccOp, AccumulateStep, Accumulator, CallArg, CallStep, Form, InputClass, Kernel, KernelInput,
    LoopInst, LoopOp, MAX_BLOCK, Place, ResultKind, Step, V,
};
pub use lower::{LowerOptions, lower, lower_nullable};
pub use numloom_math::{FloatEnv, Isa, IsaError, OnPointers};
pub use op::{CastMode, Domain, Op, OpInfo, Signature};
pub use program::{
    Args, Axes, Input, InputSource, Inst, InstKind, Output, Program, Reduce, Reduction, Shape,
    ShapeSource, Value, ViewItem,
};
pub use schedule::{accumulator_of, schedule};
pub use schema::{Schema, SchemaInput};
pub use text::{TextError, TextErrorKind};
pub use verify::{VerifyError, VerifyErrorKind, VerifyPlace, verify, verify_kernel};
