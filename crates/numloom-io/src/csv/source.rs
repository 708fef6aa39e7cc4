//! CSV as a source of chunks.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use memchr::memchr_iter;
use numloom_data::stream::{Chunk, ChunkParser, ChunkSource, ColumnSpec, Columns, StreamError};

use super::options::CsvOptions;
use super::split::{CsvSplit, Records};
use crate::error::{IoError, IoErrorKind};
use crate::fields::convert::Fields;
use crate::fields::cut::Ends;
use crate::fields::infer::Inference;
use crate::fields::input::Input;
use crate::fields::number::trim;
use crate::fields::parser::{Split, place};
use crate::fields::table::{Table, sample, set_dtypes};

/// A CSV file, or pipe, whose columns are read a chunk of rows at a time.
///
/// Names come from the header, dtypes from a sample of its first records (`i64`, `u64`, `f64`, `bool` or byte strings) unless
/// [options](CsvOptions) say them.
///
/// ```
/// use numloom_data::DType;
/// use numloom_data::stream::{Chunk, ChunkSource};
/// use numloom_io::csv::{CsvOptions, CsvSource};
///
/// let text = "item,price,quantity\nnut,0.25,8\n\"bolt, long\",1.5,\n";
/// let mut source = CsvSource::from_bytes(text.as_bytes(), &CsvOptions::new())?;
/// assert_eq!(source.columns()[0].dtype, DType::Bytes(16));
///
/// let used = [source.columns().find("price")?, source.columns().find("quantity")?];
/// let parser = source.start(&used, 1 << 20)?;
/// let mut chunk = Chunk::new();
/// assert!(source.split(&mut chunk)?);
/// parser.parse(&mut chunk)?;
/// assert_eq!(chunk.view(0).to_array()?.to_vec::<f64>()?, [0.25, 1.5]);
/// assert_eq!(chunk.view(1).to_string(), "[8.0, nan]");
/// assert!(!source.split(&mut chunk)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CsvSource {
    table: Table<CsvSplit>,
}

impl CsvSource {
    /// A file, which may be gzip.
    ///
    /// # Errors
    /// [`IoError`]s of opening and reading it, and those of a malformed header:
    /// [`Empty`](IoErrorKind::Empty), [`Encoding`](IoErrorKind::Encoding), [`NameCount`](IoErrorKind::NameCount),
    /// [`MisplacedQuote`](IoErrorKind::MisplacedQuote), [`UnclosedQuote`](IoErrorKind::UnclosedQuote),
    /// [`RecordTooLong`](IoErrorKind::RecordTooLong), [`BadOption`](IoErrorKind::BadOption); and
    /// [`UnknownColumn`](numloom_data::stream::StreamErrorKind::UnknownColumn) for a dtype of no column.
    pub fn open(path: impl AsRef<Path>, options: &CsvOptions) -> Result<CsvSource, StreamError> {
        let path = path.as_ref();
        CsvSource::new(Input::file(path, options.skip_lines), options)
            .map_err(|error| error.named(path.display().to_string()))
    }

    /// Bytes in memory, which may be gzip.
    ///
    /// # Errors
    /// As [`open`](CsvSource::open).
    pub fn from_bytes(
        bytes: impl Into<Arc<[u8]>>,
        options: &CsvOptions,
    ) -> Result<CsvSource, StreamError> {
        CsvSource::new(Input::memory(bytes, options.skip_lines), options)
    }

    /// A pipe, such as standard input, which may be gzip. There is one pass over it.
    ///
    /// # Errors
    /// As [`open`](CsvSource::open).
    pub fn from_reader(
        reader: impl Read + Send + 'static,
        options: &CsvOptions,
    ) -> Result<CsvSource, StreamError> {
        let input = Input::once(reader, options.skip_lines).map_err(StreamError::other)?;
        CsvSource::new(input, options)
    }

    /// Looks at the beginning of the text.
    fn new(mut input: Input, options: &CsvOptions) -> Result<CsvSource, StreamError> {
        let dialect = options.dialect().map_err(StreamError::other)?;
        let missing = options.missing();
        let ends = Ends {
            quote: dialect.quote,
            comment: dialect.comment,
            max_record: dialect.max_record,
        };
        let chunk = sample(&mut input, ends)?;
        let raw = chunk.raw();
        let mut records = Records::default();
        let split = CsvSplit {
            dialect,
            width: None,
        };
        // What is wrong with later records, a pass will say.
        let split = split.split(raw, &mut records);
        if records.rows() == 0 {
            split.map_err(|bad| {
                let place = place(&chunk, bad.at);
                StreamError::other(bad.error).at(place)
            })?;
            if options.header || options.names.is_none() {
                return Err(StreamError::other(IoError::new(IoErrorKind::Empty)));
            }
        }
        let field = |row: usize, position: usize| {
            let field = &raw[records.range(row, position)];
            match dialect.quote {
                Some(quote) if field.first() == Some(&quote) => &field[1..field.len() - 1],
                _ => field,
            }
        };
        let header_rows = usize::from(options.header);
        let header = match options.header {
            true => &raw[..records.end_of_first(raw)],
            false => &[],
        };
        let names = names(options, records.width(), |position| field(0, position))
            .map_err(|error| StreamError::other(error).at(place(&chunk, 0)))?;
        if records.rows() > 0 && names.len() != records.width() {
            return Err(StreamError::other(IoError::new(IoErrorKind::NameCount {
                names: names.len(),
                columns: records.width(),
            })));
        }
        let sampled = header_rows
            ..records
                .rows()
                .min(header_rows.saturating_add(options.sample));
        let mut columns: Vec<ColumnSpec> = Vec::with_capacity(names.len());
        let mut inferred = Vec::with_capacity(names.len());
        for (position, name) in names.into_iter().enumerate() {
            let dtype = options.every_dtype.unwrap_or_else(|| {
                let mut inference = Inference::default();
                for row in sampled.clone() {
                    inference.see(field(row, position), &missing);
                }
                inference.dtype()
            });
            columns.push(ColumnSpec::new(name, dtype));
            inferred.push(options.every_dtype.is_none().then_some(sampled.len()));
        }
        let columns = set_dtypes(columns, &mut inferred, &options.dtypes)?;
        let record_bytes = raw.len().checked_div(records.rows()).unwrap_or(0);
        let table = Table {
            input,
            split: CsvSplit {
                dialect,
                width: Some(columns.len()),
            },
            ends,
            missing,
            columns,
            inferred,
            named: options.names.is_some() || options.header,
            header: (
                header.len() as u64,
                memchr_iter(b'\n', header).count() as u64,
            ),
            record_bytes: record_bytes.max(1),
            pass: None,
        };
        Ok(CsvSource { table })
    }
}

/// The names of the columns: those that were given, those in the header, or numbers.
fn names<'a>(
    options: &CsvOptions,
    width: usize,
    header: impl Fn(usize) -> &'a [u8],
) -> Result<Vec<String>, IoError> {
    match &options.names {
        Some(names) => Ok(names.clone()),
        None if options.header => (0..width)
            .map(|position| name(header(position), options.quote))
            .collect(),
        None => Ok((0..width).map(|i| format!("c{i}")).collect()),
    }
}

/// The text of a field of the header.
fn name(field: &[u8], quote: Option<u8>) -> Result<String, IoError> {
    let mut name = trim(field).to_vec();
    if let Some(quote) = quote {
        let mut escaped = false;
        name.retain(|&byte| {
            escaped = byte == quote && !escaped;
            !escaped
        });
    }
    String::from_utf8(name).map_err(|_| {
        IoError::new(IoErrorKind::Encoding {
            found: "of an unknown encoding",
        })
    })
}

impl ChunkSource for CsvSource {
    fn columns(&self) -> &Columns {
        &self.table.columns
    }

    fn size_bytes(&self) -> Option<u64> {
        self.table.input.size_bytes()
    }

    fn can_restart(&self) -> bool {
        self.table.input.can_restart()
    }

    fn start(
        &mut self,
        columns: &[usize],
        chunk_bytes: usize,
    ) -> Result<Arc<dyn ChunkParser>, StreamError> {
        self.table.start(columns, chunk_bytes)
    }

    fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError> {
        self.table.split(chunk)
    }

    fn end(&mut self) {
        self.table.pass = None;
    }
}
