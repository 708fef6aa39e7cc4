//! Text as a source of chunks.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use numloom_data::stream::{Chunk, ChunkParser, ChunkSource, ColumnSpec, Columns, StreamError};

use super::options::TextOptions;
use super::split::{Lines, TextSplit, Width};
use crate::error::{IoError, IoErrorKind};
use crate::fields::convert::{Fields, Missing};
use crate::fields::cut::Ends;
use crate::fields::input::Input;
use crate::fields::parser::{Split, place};
use crate::fields::table::{Table, sample, set_dtypes};

/// Numbers with white space between them, in a file or pipe, whose columns are read a chunk of lines at a time.
///
/// ```
/// use numloom_data::stream::{Chunk, ChunkSource};
/// use numloom_io::text::{TextOptions, TextSource};
///
/// let text = "# t x\n0 1.5\n1 2.5  # late\n";
/// let mut source = TextSource::from_bytes(text.as_bytes(), &TextOptions::new().names(["t", "x"]))?;
/// let parser = source.start(&[source.columns().find("x")?], 1 << 20)?;
/// let mut chunk = Chunk::new();
/// assert!(source.split(&mut chunk)?);
/// parser.parse(&mut chunk)?;
/// assert_eq!(chunk.view(0).to_array()?.to_vec::<f64>()?, [1.5, 2.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TextSource {
    table: Table<TextSplit>,
}

impl TextSource {
    /// A file, which may be gzip.
    ///
    /// # Errors
    /// [`IoError`]s of opening and reading it; [`Empty`](IoErrorKind::Empty) unless columns are [named](TextOptions::names),
    /// [`Encoding`](IoErrorKind::Encoding), [`RecordTooLong`](IoErrorKind::RecordTooLong),
    /// [`FieldCount`](IoErrorKind::FieldCount) if the first line lacks a column that is to be there,
    /// [`NameCount`](IoErrorKind::NameCount), [`BadOption`](IoErrorKind::BadOption); and
    /// [`UnknownColumn`](numloom_data::stream::StreamErrorKind::UnknownColumn) for a dtype of no column.
    pub fn open(path: impl AsRef<Path>, options: &TextOptions) -> Result<TextSource, StreamError> {
        let path = path.as_ref();
        TextSource::new(Input::file(path, options.skip_lines), options)
            .map_err(|error| error.named(path.display().to_string()))
    }

    /// Bytes in memory, which may be gzip.
    ///
    /// # Errors
    /// As [`open`](TextSource::open).
    pub fn from_bytes(
        bytes: impl Into<Arc<[u8]>>,
        options: &TextOptions,
    ) -> Result<TextSource, StreamError> {
        TextSource::new(Input::memory(bytes, options.skip_lines), options)
    }

    /// A pipe, such as standard input, which may be gzip. There is one pass over it.
    ///
    /// # Errors
    /// As [`open`](TextSource::open).
    pub fn from_reader(
        reader: impl Read + Send + 'static,
        options: &TextOptions,
    ) -> Result<TextSource, StreamError> {
        let input = Input::once(reader, options.skip_lines).map_err(StreamError::other)?;
        TextSource::new(input, options)
    }

    /// Looks at the beginning of the text.
    fn new(mut input: Input, options: &TextOptions) -> Result<TextSource, StreamError> {
        options.check().map_err(StreamError::other)?;
        let max_line = options.max_line.clamp(1, 1 << 30);
        let ends = Ends {
            quote: None,
            comment: None,
            max_record: max_line,
        };
        let mut chunk = sample(&mut input, ends)?;
        let first = TextSplit {
            comment: options.comment,
            max_line,
            width: Width::First,
            chosen: None,
        };
        first.prepare(chunk.raw_mut());
        let mut lines = Lines::default();
        // What is wrong with later lines, a pass will say.
        let split = first.split(chunk.raw(), &mut lines);
        if lines.rows() == 0 {
            split.map_err(|bad| StreamError::other(bad.error).at(place(&chunk, bad.at)))?;
        }
        let found = (lines.rows() > 0).then(|| lines.width());
        let numbers = match (&options.columns, found, &options.names) {
            (Some(columns), _, _) => columns.clone(),
            (None, Some(found), _) => (0..found).collect(),
            (None, None, Some(names)) => (0..names.len()).collect(),
            (None, None, None) => return Err(StreamError::other(IoError::new(IoErrorKind::Empty))),
        };
        let names = match &options.names {
            Some(names) => names.clone(),
            None => numbers.iter().map(|number| format!("c{number}")).collect(),
        };
        if names.len() != numbers.len() {
            return Err(StreamError::other(IoError::new(IoErrorKind::NameCount {
                names: names.len(),
                columns: numbers.len(),
            })));
        }
        let least = numbers.iter().map(|number| number.saturating_add(1)).max();
        let width = match options.columns {
            Some(_) => Width::AtLeast(least.unwrap_or(0)),
            None => Width::Exactly(numbers.len()),
        };
        let spec = |name| ColumnSpec::new(name, options.every_dtype);
        let columns = names.into_iter().map(spec).collect();
        let mut inferred = vec![None; numbers.len()];
        let columns = set_dtypes(columns, &mut inferred, &options.dtypes)?;
        let record_bytes = chunk.raw().len().checked_div(lines.rows()).unwrap_or(0);
        let table = Table {
            input,
            split: TextSplit {
                width,
                chosen: options.columns.clone(),
                ..first
            },
            ends,
            missing: Missing {
                tokens: Vec::new(),
                refuse: true,
            },
            columns,
            inferred,
            named: options.names.is_some(),
            header: (0, 0),
            record_bytes: record_bytes.max(1),
            pass: None,
        };
        Ok(TextSource { table })
    }
}

impl ChunkSource for TextSource {
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
