//! Arrays in files, a chunk of rows at a time.
//!
//! [`RowSource`] reads `.npy` and raw files, fields of records, and members of `.npz` archives by ordinary reads at a position: nothing is
//! mapped, so a file that another process cuts short is an error and never a signal, and no more memory is taken than for the chunks in
//! flight. Where elements are stored as they are, every thread reads its own chunk.

mod position;
mod source;

pub use source::RowSource;
