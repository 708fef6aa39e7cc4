//! Programs and kernels as text.
//!
//! What is this: the canonical text form. `Display` prints it, [`Program::parse`](crate::Program::parse) reads programs back. It is for people, for
//! `numloom explain`, for tests and for bug reports. What it never holds: spans.
//!
//! ```text
//! program     = { input } { inst } { out }                      one a line; blank lines and lines from `#` on are skipped
//! input       = "input" name ":" dtype
//! inst        = "%" n "=" ( "input" n | "const" scalar | mnemonic { "%" n } | reduction "%" n ) ":" dtype
//! out         = "out" [ name ] "=" "%" n [ "shape" n { n } ]
//! name        = letters, digits and `_`, or anything in double quotes, as Rust escapes it
//! ```
//! Instructions are numbered from 0, `input n` is the input declared at place `n`, and mnemonics are those of
//! [`Op::TABLE`](crate::Op::TABLE). A scalar is what [`Scalar`](numloom_data::Scalar) prints with `{:#}`, so that every bit
//! of it reads back, a NaN's payload included.

mod kernel;
mod parse;
mod print;

pub use parse::{TextError, TextErrorKind};
