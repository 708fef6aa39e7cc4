//! How a text is written, and what to make of it.

use numloom_data::DType;

use crate::error::{IoError, IoErrorKind};

/// How a text is written, and what to make of its columns. Each method takes the options and gives them back changed.
///
/// ```
/// use numloom_data::DType;
/// use numloom_io::text::TextOptions;
///
/// let options = TextOptions::new().skip_lines(3).columns([0, 2]).names(["t", "x"]).dtype("t", DType::I64);
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextOptions {
    pub(super) comment: Option<u8>,
    pub(super) skip_lines: usize,
    pub(super) columns: Option<Vec<usize>>,
    pub(super) names: Option<Vec<String>>,
    pub(super) dtypes: Vec<(String, DType)>,
    pub(super) every_dtype: DType,
    pub(super) max_line: usize,
}

impl Default for TextOptions {
    fn default() -> TextOptions {
        TextOptions {
            comment: Some(b'#'),
            skip_lines: 0,
            columns: None,
            names: None,
            dtypes: Vec::new(),
            every_dtype: DType::F64,
            max_line: 1 << 24,
        }
    }
}

impl TextOptions {
    /// Comments after `#`, all columns, of dtype `f64`.
    #[must_use]
    pub fn new() -> TextOptions {
        TextOptions::default()
    }

    /// What begins a comment, which ends with its line: `#` unless said here.
    #[must_use]
    pub fn comment(mut self, comment: Option<u8>) -> TextOptions {
        self.comment = comment;
        self
    }

    /// Leaves out so many lines of the beginning, whatever is in them: comments and blank lines count.
    #[must_use]
    pub fn skip_lines(mut self, lines: usize) -> TextOptions {
        self.skip_lines = lines;
        self
    }

    /// The columns that there are to be, by their numbers in the text, from 0: all unless said here.
    #[must_use]
    pub fn columns(mut self, columns: impl IntoIterator<Item = usize>) -> TextOptions {
        self.columns = Some(columns.into_iter().collect());
        self
    }

    /// Names of the columns: `c0`, `c1` and so on, by their numbers in the text, unless said here.
    #[must_use]
    pub fn names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> TextOptions {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The dtype of one column.
    #[must_use]
    pub fn dtype(mut self, name: impl Into<String>, dtype: DType) -> TextOptions {
        self.dtypes.push((name.into(), dtype));
        self
    }

    /// The dtype of all columns that are not given one of their own: `f64` unless said here.
    #[must_use]
    pub fn every_dtype(mut self, dtype: DType) -> TextOptions {
        self.every_dtype = dtype;
        self
    }

    /// The longest line, in bytes: 16 MiB unless said here, and at most 1 GiB. Memory is bounded by it.
    #[must_use]
    pub fn max_line(mut self, bytes: usize) -> TextOptions {
        self.max_line = bytes;
        self
    }

    pub(super) fn check(&self) -> Result<(), IoError> {
        match self.comment {
            Some(byte) if byte.is_ascii_whitespace() || byte == 0 => {
                let reason = "a comment cannot begin with white space or byte 0";
                Err(IoError::new(IoErrorKind::BadOption { reason }))
            }
            _ => Ok(()),
        }
    }
}
