//! How a CSV file is written, and what to make of it.

use numloom_data::DType;

use super::split::Dialect;
use crate::error::{IoError, IoErrorKind};
use crate::fields::convert::Missing;

/// How a CSV file is written, and what to make of its columns. Each method takes the options and gives them back changed.
///
/// ```
/// use numloom_data::DType;
/// use numloom_io::csv::CsvOptions;
///
/// let options = CsvOptions::new().delimiter(b';').dtype("id", DType::U32).missing_is_error();
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    pub(super) comment: Option<u8>,
    pub(super) header: bool,
    pub(super) names: Option<Vec<String>>,
    pub(super) skip_lines: usize,
    pub(super) missing_values: Vec<String>,
    pub(super) missing_is_error: bool,
    pub(super) dtypes: Vec<(String, DType)>,
    pub(super) every_dtype: Option<DType>,
    pub(super) sample: usize,
    pub(super) max_record: usize,
}

impl Default for CsvOptions {
    fn default() -> CsvOptions {
        CsvOptions {
            delimiter: b',',
            quote: Some(b'"'),
            comment: None,
            header: true,
            names: None,
            skip_lines: 0,
            missing_values: ["NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "None"]
                .map(String::from)
                .to_vec(),
            missing_is_error: false,
            dtypes: Vec::new(),
            every_dtype: None,
            sample: 1000,
            max_record: 1 << 24,
        }
    }
}

impl CsvOptions {
    /// Commas, double quotes, a header, no comments; missing values become NaN.
    #[must_use]
    pub fn new() -> CsvOptions {
        CsvOptions::default()
    }

    /// What stands between fields: `,` unless said here.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> CsvOptions {
        self.delimiter = delimiter;
        self
    }

    /// What stands around fields that may hold delimiters and newlines, twice for itself: `"` unless said here, none for files in
    /// which it has no meaning.
    #[must_use]
    pub fn quote(mut self, quote: Option<u8>) -> CsvOptions {
        self.quote = quote;
        self
    }

    /// What lines begin with that are left out: none unless said here.
    #[must_use]
    pub fn comment(mut self, comment: Option<u8>) -> CsvOptions {
        self.comment = comment;
        self
    }

    /// Does the first record name the columns? True unless said here; without it, and without [`names`](CsvOptions::names), they
    /// are called `c0`, `c1` and so on.
    #[must_use]
    pub fn header(mut self, header: bool) -> CsvOptions {
        self.header = header;
        self
    }

    /// Names of all columns, instead of those in the header.
    #[must_use]
    pub fn names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> CsvOptions {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves out so many lines, whatever is in them, before the header.
    #[must_use]
    pub fn skip_lines(mut self, lines: usize) -> CsvOptions {
        self.skip_lines = lines;
        self
    }

    /// What stands for a missing value, besides nothing at all: `NA`, `N/A`, `n/a`, `#N/A`, `<NA>`, `null`, `NULL` and `None` unless said
    /// here. `nan` is a number.
    #[must_use]
    pub fn missing_values<S: Into<String>>(
        mut self,
        values: impl IntoIterator<Item = S>,
    ) -> CsvOptions {
        self.missing_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// A missing value is an error with its line and column, where it would be NaN otherwise. It is one anyway in columns of integers
    /// and bools; byte strings know no missing values.
    #[must_use]
    pub fn missing_is_error(mut self) -> CsvOptions {
        self.missing_is_error = true;
        self
    }

    /// The dtype of one column, which is inferred otherwise.
    #[must_use]
    pub fn dtype(mut self, name: impl Into<String>, dtype: DType) -> CsvOptions {
        self.dtypes.push((name.into(), dtype));
        self
    }

    /// The dtype of all columns that are not given one of their own.
    #[must_use]
    pub fn every_dtype(mut self, dtype: DType) -> CsvOptions {
        self.every_dtype = Some(dtype);
        self
    }

    /// From how many records dtypes are inferred, at most: 1000 unless said here. Of long records it may be fewer: no more than
    /// 256 KiB are looked at.
    #[must_use]
    pub fn sample(mut self, records: usize) -> CsvOptions {
        self.sample = records;
        self
    }

    /// The longest record, in bytes: 16 MiB unless said here, and at most 1 GiB. Memory is bounded by it.
    #[must_use]
    pub fn max_record(mut self, bytes: usize) -> CsvOptions {
        self.max_record = bytes;
        self
    }

    pub(super) fn dialect(&self) -> Result<Dialect, IoError> {
        let bad = |reason| Err(IoError::new(IoErrorKind::BadOption { reason }));
        let marks = [Some(self.delimiter), self.quote, self.comment];
        for (i, mark) in marks.iter().enumerate() {
            if matches!(mark, Some(b'\n' | b'\r' | 0)) {
                return bad("delimiter, quote and comment cannot be newlines or byte 0");
            }
            if mark.is_some() && marks[..i].contains(mark) {
                return bad("delimiter, quote and comment must differ");
            }
        }
        if self.delimiter.is_ascii_alphanumeric() || b"+-.".contains(&self.delimiter) {
            return bad("the delimiter cannot be a part of numbers");
        }
        Ok(Dialect {
            delimiter: self.delimiter,
            quote: self.quote,
            comment: self.comment,
            max_record: self.max_record.clamp(1, 1 << 30),
        })
    }

    pub(super) fn missing(&self) -> Missing {
        Missing {
            tokens: self
                .missing_values
                .iter()
                .map(|value| value.clone().into_bytes())
                .collect(),
            refuse: self.missing_is_error,
        }
    }
}
