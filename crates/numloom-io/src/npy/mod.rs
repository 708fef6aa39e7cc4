//! NumPy's `.npy` format: one array, a short header, then its elements.
//!
//! Reader and writer are our own, since the format is one Python dictionary of three keys, and the crates for it read
//! element by element or map one static dtype. Here every dtype, byte order and element order maps without a copy, and a
//! header is never trusted: its length, its number of axes and the product of its extents are checked against limits and
//! against the file.
//!
//! Versions 1, 2 and 3 are read, and version 1 is written, which holds any header of ours. Bytes after the last element
//! are ignored, as NumPy does.

pub mod header;
mod read;
mod records;
mod sink;
mod write;

pub use header::{Header, parse_header, read_header, write_header};
pub use read::{open, open_field, read, read_from};
pub(crate) use read::{open_header, open_record};
pub use sink::NpySink;
pub use write::{create, reopen, write, write_to};
