//! Files and numloom's arrays: `.npy`, raw binary, CSV and text.
//!
//! *Should I use this crate?* No, use `numloom`, which opens and writes files for you. This one is for those who want just
//! the files.
//!
//! What goes in: file names, readers, [views](numloom_data::View). What comes out: [mapped](numloom_data::MappedArray) or
//! owned [arrays](numloom_data::Array), and [outputs](numloom_data::OutputFile) that get their name when they are whole.
//! What it never does: know what an expression is, trust a header, or leave a torn file under its final name.
//!
//! - [`npy`]: NumPy's format, versions 1 to 3, mapped or read, with any byte order and in Fortran order.
//! - [`csv`]: tables of text with a delimiter, a chunk of rows at a time, straight into columns.
//! - [`raw`]: elements without a header.
//! - [`rows`]: arrays in files, and in `.npz` archives, a chunk of rows at a time.
//! - [`spec`]: what a user types for a file: `a.npy`, `x.npz:a`, `b.bin:f64[1000,1000]@128:F`.
//! - [`text`]: numbers with white space between them, a chunk of lines at a time.
//! - [`probe`](probe()): what a file holds, from its header.
//!
//! ```
//! use numloom_data::{MapMode, View};
//! use numloom_io::npy;
//!
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("a.npy");
//! npy::write(&path, &View::from_slice(&[1.0, 2.0, 3.0]))?;
//! let a = npy::open(&path, MapMode::Read)?;
//! assert_eq!(a.view().to_array()?.to_vec::<f64>()?, [1.0, 2.0, 3.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod csv;
pub mod error;
mod fields;
pub mod npy;
mod npz;
mod probe;
pub mod raw;
pub mod rows;
pub mod spec;
pub mod text;

pub use error::{IoError, IoErrorKind};
pub use probe::{FileFormat, FileInfo, probe};
pub use raw::RawSpec;
pub use spec::{FileSpec, Format};
