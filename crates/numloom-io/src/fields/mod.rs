//! From text to columns of numbers.
//!
//! ```text
//! input    file, gzip, pipe, bytes ─▶ bytes
//! cut      bytes ─▶ pieces that end where a record ends                      serial
//! (csv, text)  piece ─▶ where each field of it lies                          parallel from here on
//! convert  fields of the chosen columns ─▶ elements, a column at a time
//! number   one field ─▶ one element
//! infer    fields of a sample ─▶ dtypes
//! ```
//! No field is copied, and fields of columns that were not chosen are not looked at.

pub(crate) mod convert;
pub(crate) mod cut;
pub(crate) mod infer;
pub(crate) mod input;
pub(crate) mod number;
