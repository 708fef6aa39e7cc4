//! Rows that come, and go, a chunk at a time: what is larger than memory, or has no end that is known.
//!
//! A **source** is a table: named columns of equal length, each row of a column one element or an array of a fixed shape. A
//! pass over it takes chosen columns and two stages, so that the costly one can run on many threads:
//!
//! ```text
//! source.start(columns) ─▶ parser
//! source.split(chunk)   serial, cheap: the next piece of the source, as it is (`Chunk::raw`)
//! parser.parse(chunk)   parallel, pure: from the piece to columns of numbers (`Chunk::view`)
//! ```
//! A source that has its numbers already, such as an iterator of arrays, fills the columns in `split`; its parser does
//! nothing. Chunks are used again, so a pass takes the memory of those in flight: O(threads × chunk).
//!
//! A **sink** takes blocks of columns in order and makes of them an array, a file, or calls of a closure.
//!
//! | noun | file | what it is |
//! |---|---|---|
//! | [`Columns`], [`ColumnSpec`] | `columns` | names, dtypes and shapes |
//! | [`Chunk`], [`Column`] | `chunk` | some rows, raw and parsed, in memory that is used again |
//! | [`ChunkSource`], [`ChunkParser`] | `source` | the two stages |
//! | [`ArraySource`], [`IterSource`] | `memory`, `iter` | arrays in memory; whatever an iterator yields |
//! | [`ChunkSink`], [`MemorySink`], [`FnSink`], [`SplitSink`] | `sink` | where results go |
//! | [`StreamError`] | `error` | what went wrong, and where |
//!
//! Where a source is cut never changes a result: consumers count rows from its beginning.

mod chunk;
mod columns;
mod error;
mod iter;
mod memory;
mod sink;
mod source;

pub use chunk::{Chunk, Column, ColumnOwner};
pub use columns::{ColumnSpec, Columns};
pub use error::{ColumnPlace, Place, StreamError, StreamErrorKind};
pub use iter::IterSource;
pub use memory::ArraySource;
pub use sink::{ChunkSink, FnSink, MemorySink, SplitSink};
pub use source::{ChunkParser, ChunkSource, Parsed};
