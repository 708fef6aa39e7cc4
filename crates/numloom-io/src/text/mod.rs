//! Numbers with white space between them, as NumPy's `loadtxt` reads them.
//!
//! A line is a record; `#` and what follows it is left out, and so are lines without a field. All lines have as many fields as the
//! first, unless [columns are chosen](TextOptions::columns): then each needs those. For text with commas or other delimiters take
//! [CSV](crate::csv).
//!
//! - [`TextSource`]: a file, bytes or a pipe, plain or gzip, as a [`ChunkSource`](numloom_data::stream::ChunkSource).
//! - [`TextOptions`]: `loadtxt`'s `comments`, `skiprows`, `usecols` and `dtype`.

mod options;
mod source;
mod split;

pub use options::TextOptions;
pub use source::TextSource;
