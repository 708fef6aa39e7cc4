//! Conformance with NumPy: random programs, printed for both.
//!
//! What is this: cases, each a numloom text, the same program as NumPy source, and arrays for its inputs. What goes in: a seed and a
//! number. What comes out: [`Case`]s, which `tests/examples/conformance.rs` evaluates and writes as a [`Batch`], and
//! `tests/conformance.py` evaluates with NumPy and compares. What it never does: compute, or know what NumPy answers.
//!
//! | file | what it holds |
//! |---|---|
//! | [`production`] | the one table: each operation in both spellings, what it takes, how it is compared |
//! | `draw` | a case from its number: first every operation on every dtype by turns, then at random |
//! | `term` | an expression in both spellings, and its dtype |
//! | `subscript` | parts of arrays, as both languages write them |
//! | `data` | arrays and literals |
//! | `batch` | many cases in few `.npy` files and a manifest |

mod batch;
mod data;
mod draw;
pub mod production;
mod subscript;
mod term;

pub use batch::{Answer, Batch};
pub use draw::{Case, Cell, Input, cells, draw};
