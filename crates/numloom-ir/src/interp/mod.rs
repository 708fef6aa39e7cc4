//! The reference interpreter: it defines every answer.
//!
//! What is this: [`eval()`], which applies one operation to blocks of elements and is the only place that says what an
//! operation means, and [`Interpreter`], which runs a [`Kernel`](crate::Kernel) with it, one operation at a time. What goes in:
//! blocks of bytes in the machine's byte order, of any alignment. What comes out: the same, and the first
//! [`Fault`](crate::Fault). What it never does: combine operations, allocate while it runs, or know of shapes and threads.
//!
//! | file | what it says |
//! |---|---|
//! | `item` | how elements lie in bytes, and the loops over them |
//! | `arithmetic`, `bits`, `order` | what operations on several families mean |
//! | `integer`, `float` | what they mean on each of these, and the operations of their own |
//! | `cast` | what conversions mean |
//! | `bytes` | what operations on byte strings mean |
//! | `eval` | which of these an operation is |
//! | `accumulate` | what accumulators mean |
//! | `best`, `moments` | what `argmin` and `argmax`, and `moments` among them mean |
//! | `run` | the steps of a kernel |
//! | `counted` | how many elements that was, for tests |
//! | `scalar` | an operation on single values |
//!
//! Compiled code calls [`eval()`] (and, on byte strings, [`eval_bytes`]) for every block operation, and constant folding calls it on one element, so engines and
//! passes agree with the interpreter by construction there ([`function()`] is what [`eval()`] calls); on operations inside loops tests compare them bit for bit.

mod accumulate;
mod arithmetic;
mod best;
mod bits;
mod bytes;
mod cast;
#[cfg(feature = "counted")]
mod counted;
mod eval;
mod float;
mod integer;
mod item;
pub mod moments;
mod order;
mod run;
mod scalar;

pub use accumulate::{PlanesMut, take_columns, take_lanes};
pub(crate) use accumulate::{combine, combine_words};
pub use bytes::{Strings, eval_bytes};
#[cfg(feature = "counted")]
pub use counted::elements_of;
pub use eval::{FaultSink, count, eval, function};
pub use run::{Block, Interpreter, Rows};
pub use scalar::eval_scalar;

#[cfg(test)]
mod tests;
