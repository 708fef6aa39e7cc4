//! Blocks of columns to CSV.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use numloom_data::stream::{ChunkSink, Columns, StreamError, StreamErrorKind};
use numloom_data::{OutputWriter, Scalar, View};

use crate::error::{IoError, IoErrorKind};

/// Writes columns as CSV: a header, then a record for each row, with commas and newlines.
///
/// Floats have the fewest digits that read back as the same bits (`f16` those of `f32`); byte strings stand in quotes where they must. A file is written under
/// its name with `.partial` added, and takes over the name when it is whole.
///
/// ```
/// use numloom_data::stream::{ChunkSink, ColumnSpec, Columns};
/// use numloom_data::{DType, View};
/// use numloom_io::csv::CsvSink;
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("x.csv");
/// let mut sink = CsvSink::create(&path);
/// sink.start(&Columns::new(vec![ColumnSpec::new("x", DType::F64), ColumnSpec::new("n", DType::I8)]), None)?;
/// sink.write(&[View::from_slice(&[0.1, 1e300]), View::from_slice(&[1i8, -2])])?;
/// sink.finish()?;
/// assert_eq!(std::fs::read_to_string(&path).unwrap(), "x,n\n0.1,1\n1e+300,-2\n");
/// # Ok::<(), numloom_data::stream::StreamError>(())
/// ```
#[derive(Debug)]
pub struct CsvSink {
    target: Target,
    columns: Option<Columns>,
    delimiter: u8,
    header: bool,
    /// Text on its way out.
    text: Vec<u8>,
}

enum Target {
    /// Made by `start`.
    Path(PathBuf),
    File(OutputWriter),
    Writer(Box<dyn Write + Send>),
    Finished,
}

/// So much text is collected before it is written.
const BLOCK: usize = 1 << 16;

impl CsvSink {
    /// To a file of this name.
    pub fn create(path: impl AsRef<Path>) -> CsvSink {
        CsvSink::new(Target::Path(path.as_ref().into()))
    }

    /// To a stream, such as standard output.
    pub fn to_writer(writer: impl Write + Send + 'static) -> CsvSink {
        CsvSink::new(Target::Writer(Box::new(writer)))
    }

    fn new(target: Target) -> CsvSink {
        CsvSink {
            target,
            columns: None,
            delimiter: b',',
            header: true,
            text: Vec::new(),
        }
    }

    /// The same with another byte between fields.
    ///
    /// # Panics
    /// If it is a quote, a newline, a carriage return, or can be a part of a number.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> CsvSink {
        let taken = delimiter.is_ascii_alphanumeric() || b"+-.\"\n\r()".contains(&delimiter);
        assert!(
            !taken,
            "`{}` cannot stand between fields",
            delimiter.escape_ascii()
        );
        self.delimiter = delimiter;
        self
    }

    /// The same with or without names in the first record.
    #[must_use]
    pub fn header(mut self, header: bool) -> CsvSink {
        self.header = header;
        self
    }

    fn flush_text(&mut self) -> Result<(), StreamError> {
        let written = match &mut self.target {
            Target::File(file) => file.write_all(&self.text),
            Target::Writer(writer) => writer.write_all(&self.text),
            Target::Path(_) | Target::Finished => return Err(StreamErrorKind::NotStarted.into()),
        };
        self.text.clear();
        written.map_err(|source| self.fail(IoError::io("write", source)))
    }

    fn fail(&self, error: IoError) -> StreamError {
        StreamError::other(match &self.target {
            Target::File(file) => error.at(file.target()),
            Target::Path(path) => error.at(path),
            Target::Writer(_) | Target::Finished => error,
        })
    }

    /// A field of text, in quotes if it would be read as something else without.
    fn push_text(&mut self, text: &[u8], alone: bool) {
        let special = |&byte: &u8| byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        let space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        // A blank line is no record.
        let blank = text.is_empty() && alone;
        if !(blank || space(text.first()) || space(text.last()) || text.iter().any(special)) {
            self.text.extend_from_slice(text);
            return;
        }
        self.text.push(b'"');
        for &byte in text {
            if byte == b'"' {
                self.text.push(b'"');
            }
            self.text.push(byte);
        }
        self.text.push(b'"');
    }

    fn push(&mut self, value: &Scalar, alone: bool) {
        match value {
            Scalar::Bytes(bytes) => {
                let len = bytes
                    .iter()
                    .rposition(|&byte| byte != 0)
                    .map_or(0, |i| i + 1);
                self.push_text(&bytes[..len], alone);
            }
            Scalar::Bool(value) => write_to(&mut self.text, value),
            Scalar::F16(value) => self.push_float(value.to_f32()),
            Scalar::F32(value) => self.push_float(*value),
            Scalar::F64(value) => self.push_float(*value),
            number => write_to(&mut self.text, number),
        }
    }

    fn push_float<F: zmij::Float + Into<f64>>(&mut self, value: F) {
        let mut buffer = zmij::Buffer::new();
        let wide: f64 = value.into();
        let text = if wide.is_finite() {
            buffer.format_finite(value)
        } else if wide.is_nan() {
            "nan"
        } else if wide > 0.0 {
            "inf"
        } else {
            "-inf"
        };
        self.text.extend_from_slice(text.as_bytes());
    }
}

fn write_to(text: &mut Vec<u8>, value: &impl fmt::Display) {
    write!(text, "{value}").expect("memory takes all that is written");
}

impl ChunkSink for CsvSink {
    /// # Errors
    /// [`NotFlat`](IoErrorKind::NotFlat) for a column whose rows are arrays; those of [`OutputWriter::create`], and
    /// [`Io`](IoErrorKind::Io).
    fn start(&mut self, columns: &Columns, _: Option<u64>) -> Result<(), StreamError> {
        for spec in columns {
            if !spec.row_shape.is_empty() {
                let column = spec.name.clone();
                return Err(self.fail(IoError::new(IoErrorKind::NotFlat { column })));
            }
        }
        if let Target::Path(path) = &self.target {
            let file = OutputWriter::create(path).map_err(|error| self.fail(error.into()))?;
            self.target = Target::File(file);
        }
        self.columns = Some(columns.clone());
        if self.header {
            for (i, spec) in columns.iter().enumerate() {
                if i > 0 {
                    self.text.push(self.delimiter);
                }
                self.push_text(spec.name.as_bytes(), columns.len() == 1);
            }
            self.text.push(b'\n');
        }
        Ok(())
    }

    fn write(&mut self, block: &[View<'_>]) -> Result<(), StreamError> {
        let columns = self.columns.as_ref().ok_or(StreamErrorKind::NotStarted)?;
        let rows = columns.check(block.iter().cloned())?;
        for row in 0..rows {
            for (i, view) in block.iter().enumerate() {
                if i > 0 {
                    self.text.push(self.delimiter);
                }
                let value = view.get(&[row]).expect("each column has the rows");
                self.push(&value, block.len() == 1);
            }
            self.text.push(b'\n');
            if self.text.len() >= BLOCK {
                self.flush_text()?;
            }
        }
        Ok(())
    }

    /// # Errors
    /// [`Io`](IoErrorKind::Io), and those of [`OutputWriter::commit`].
    fn finish(&mut self) -> Result<(), StreamError> {
        if self.columns.take().is_none() {
            return Err(StreamErrorKind::NotStarted.into());
        }
        self.flush_text()?;
        match std::mem::replace(&mut self.target, Target::Finished) {
            Target::File(file) => file
                .commit()
                .map_err(|error| StreamError::other(IoError::from(error))),
            Target::Writer(mut writer) => writer
                .flush()
                .map_err(|source| StreamError::other(IoError::io("write", source))),
            Target::Path(_) | Target::Finished => Err(StreamErrorKind::NotStarted.into()),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Path(path) => write!(f, "Path({path:?})"),
            Target::File(file) => write!(f, "File({:?})", file.target()),
            Target::Writer(_) => f.write_str("Writer"),
            Target::Finished => f.write_str("Finished"),
        }
    }
}
