//! Tables of text with a delimiter: CSV.
//!
//! Records end at newlines, with or without a carriage return; fields may stand in quotes, and then hold delimiters, newlines and, written
//! twice, quotes. Blank lines are left out. Every record has as many fields as the header. Columns that nobody chose are looked at for
//! delimiters and quotes only; the others are parsed straight into columns of their dtype.
//!
//! - [`CsvSource`]: a file, bytes or a pipe, plain or gzip, as a [`ChunkSource`](numloom_data::stream::ChunkSource).
//! - [`CsvSink`]: blocks of columns to a file or a pipe.
//! - [`CsvOptions`]: how it is written.
//!
//! Whatever is malformed is an error with its line and column, the first of the text, wherever it is cut and however many threads parse it.

mod options;
mod sink;
mod source;
mod split;

pub use options::CsvOptions;
pub use sink::CsvSink;
pub use source::CsvSource;
