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
mod fault;
mod kernel;
mod op;
pub mod opt;
mod program;
pub mod reduce;
mod schedule;

pub use builder::Builder;
pub use fault::{Fault, FaultCode};
pub use kernel::{
    AccOp, Accumulator, CallStep, Finish, InputClass, Kernel, KernelInput, LoopInst, LoopOp,
    MAX_BLOCK, Place, ResultKind, Step, V,
};
pub use op::{CastMode, Domain, Op, OpInfo, Signature};
pub use program::{Args, Input, Inst, InstKind, Output, Program, Reduction, Value};
pub use schedule::schedule;
