//! From text to columns of numbers: what [CSV](crate::csv) and [white space](crate::text) share.
//!
//! ```text
//! input    file, gzip, pipe, bytes ─▶ bytes
//! cut      bytes ─▶ pieces that end where a record ends                      serial
//! (csv, text)  piece ─▶ where each field of it lies                          parallel from here on
//! convert  fields of the chosen columns ─▶ elements, a column at a time
//! number   one field ─▶ one element
//! infer    fields of a sample ─▶ dtypes
//! table    all of it as a source; parser, its second stage
//! ```
//! No field is copied, and fields of columns that were not chosen are not looked at.

pub(crate) mod convert;
pub(crate) mod cut;
pub(crate) mod infer;
pub(crate) mod input;
pub(crate) mod number;
pub(crate) mod parser;
pub(crate) mod positions;
pub(crate) mod scan;
pub(crate) mod table;
