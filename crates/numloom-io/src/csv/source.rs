//! CSV as a source of chunks.

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memchr_iter;
use numloom_data::DType;
use numloom_data::stream::{
    Chunk, ChunkParser, ChunkSource, ColumnPlace, ColumnSpec, Columns, Place, StreamError,
    StreamErrorKind,
};

use super::options::CsvOptions;
use super::split::{Dialect, Records};
use crate::error::{IoError, IoErrorKind};
use crate::fields::convert::{Converter, Fields, Missing, Stop, Target};
use crate::fields::cut::{Cutter, Ends};
use crate::fields::infer::Inference;
use crate::fields::input::Input;
use crate::fields::number::trim;

/// How much of a text is looked at for its columns and their dtypes, in bytes.
const SAMPLE: usize = 1 << 18;

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
    input: Input,
    dialect: Dialect,
    missing: Missing,
    columns: Columns,
    /// For each column, how many records its dtype was inferred from.
    inferred: Vec<Option<usize>>,
    /// Names are numbers.
    unnamed: bool,
    /// Bytes and newlines of the header.
    header: (u64, u64),
    /// About how many bytes a record has.
    record_bytes: usize,
    pass: Option<Cutter>,
}

impl CsvSource {
    /// A file, which may be gzip.
    ///
    /// # Errors
    /// [`IoError`]s of opening and reading it, and those of a malformed header:
    /// [`Empty`](IoErrorKind::Empty), [`Encoding`](IoErrorKind::Encoding), [`NameCount`](IoErrorKind::NameCount),
    /// [`MisplacedQuote`](IoErrorKind::MisplacedQuote), [`UnclosedQuote`](IoErrorKind::UnclosedQuote),
    /// [`RecordTooLong`](IoErrorKind::RecordTooLong), [`BadOption`](IoErrorKind::BadOption); and
    /// [`UnknownColumn`](StreamErrorKind::UnknownColumn) for a dtype of no column.
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
        let text = input.open().map_err(StreamError::other)?;
        let text = text.ok_or(StreamErrorKind::CannotRestart)?;
        let skipped = text.skipped;
        let mut cutter = Cutter::new(text, dialect.ends(), SAMPLE);
        let mut chunk = Chunk::new();
        cutter.next(&mut chunk).map_err(StreamError::other)?;
        input.put_back(cutter.unread(&chunk, skipped));

        let mut records = Records::default();
        let raw = chunk.raw();
        // What is wrong with later records, a pass will say.
        let split = records.split(raw, dialect, None);
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
        let names = match &options.names {
            Some(names) => names.clone(),
            None if options.header => {
                let name = |position| name(field(0, position), dialect.quote);
                (0..records.width())
                    .map(name)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| StreamError::other(error).at(place(&chunk, 0)))?
            }
            None => (0..records.width()).map(|i| format!("c{i}")).collect(),
        };
        if records.rows() > 0 && names.len() != records.width() {
            return Err(StreamError::other(IoError::new(IoErrorKind::NameCount {
                names: names.len(),
                columns: records.width(),
            })));
        }
        let sampled = header_rows..records.rows().min(header_rows + options.sample);
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
        let mut columns = Columns::new(columns);
        for (name, dtype) in &options.dtypes {
            let position = columns.find(name)?;
            inferred[position] = None;
            columns = with_dtype(columns, position, *dtype);
        }
        let record_bytes = raw.len().checked_div(records.rows()).unwrap_or(0);
        Ok(CsvSource {
            header: (
                header.len() as u64,
                memchr_iter(b'\n', header).count() as u64,
            ),
            input,
            dialect,
            missing,
            columns,
            inferred,
            unnamed: options.names.is_none() && !options.header,
            record_bytes: record_bytes.max(1),
            pass: None,
        })
    }

    fn name(&self) -> Option<String> {
        self.input.path().map(|path| path.display().to_string())
    }

    fn fail(&self, error: IoError) -> StreamError {
        let error = StreamError::other(error);
        match self.name() {
            Some(name) => error.named(name),
            None => error,
        }
    }

    /// How long pieces are, so that a chunk with all that is made of it is about so long.
    fn piece_bytes(&self, chunk_bytes: usize, chosen: &Columns) -> Result<usize, StreamError> {
        // A delimiter for each field, and two ends, are noted down.
        let mut row_bytes = self.record_bytes + 4 * (self.columns.len() + 2);
        for spec in chosen {
            row_bytes = row_bytes.saturating_add(spec.row_bytes()?);
        }
        let raw = chunk_bytes as u128 * self.record_bytes as u128 / row_bytes as u128;
        Ok(usize::try_from(raw).unwrap_or(usize::MAX))
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

fn with_dtype(columns: Columns, position: usize, dtype: DType) -> Columns {
    let specs = columns.iter().cloned().enumerate();
    specs
        .map(|(i, spec)| ColumnSpec {
            dtype: if i == position { dtype } else { spec.dtype },
            ..spec
        })
        .collect()
}

/// A byte of a chunk as a place in its text.
fn place(chunk: &Chunk, at: usize) -> Place {
    let before = &chunk.raw()[..at.min(chunk.raw().len())];
    Place {
        byte: chunk.byte() + at as u64,
        line: chunk.line() + memchr_iter(b'\n', before).count() as u64,
        column: None,
    }
}

impl Dialect {
    fn ends(&self) -> Ends {
        Ends {
            quote: self.quote,
            comment: self.comment,
            max_record: self.max_record,
        }
    }
}

impl ChunkSource for CsvSource {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn size_bytes(&self) -> Option<u64> {
        self.input.size_bytes()
    }

    fn can_restart(&self) -> bool {
        self.input.can_restart()
    }

    fn start(
        &mut self,
        columns: &[usize],
        chunk_bytes: usize,
    ) -> Result<Arc<dyn ChunkParser>, StreamError> {
        self.pass = None;
        let chosen = self.columns.choose(columns)?;
        let piece_bytes = self.piece_bytes(chunk_bytes, &chosen)?;
        let text = self.input.open().map_err(|error| self.fail(error))?;
        let text = text.ok_or(StreamErrorKind::CannotRestart)?;
        let mut cutter = Cutter::new(text, self.dialect.ends(), piece_bytes);
        cutter
            .skip(self.header.0, self.header.1)
            .map_err(|error| self.fail(error))?;
        self.pass = Some(cutter);
        let target = |&position: &usize| Target {
            position,
            inferred: self.inferred[position],
        };
        Ok(Arc::new(CsvParser {
            dialect: self.dialect,
            width: self.columns.len(),
            converter: Converter {
                columns: chosen,
                targets: columns.iter().map(target).collect(),
                quote: self.dialect.quote,
                missing: self.missing.clone(),
            },
            source: self.name(),
            names: (!self.unnamed).then(|| self.columns.clone()),
            spare: Mutex::default(),
        }))
    }

    fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError> {
        let pass = self.pass.as_mut().ok_or(StreamErrorKind::NotStarted)?;
        pass.next(chunk).map_err(|error| self.fail(error))
    }
}

/// The second stage.
#[derive(Debug)]
struct CsvParser {
    dialect: Dialect,
    /// Columns of the text.
    width: usize,
    converter: Converter,
    /// The name of the file.
    source: Option<String>,
    /// All columns of the text, if they have names.
    names: Option<Columns>,
    /// Memory that no thread uses just now.
    spare: Mutex<Vec<Records>>,
}

impl CsvParser {
    fn fail(
        &self,
        chunk: &Chunk,
        at: usize,
        position: Option<usize>,
        error: IoError,
    ) -> StreamError {
        let column = position.map(|position| ColumnPlace {
            number: position + 1,
            name: self
                .names
                .as_ref()
                .and_then(|names| Some(names.get(position)?.name.clone())),
        });
        let place = Place {
            column,
            ..place(chunk, at)
        };
        let error = StreamError::other(error).at(place);
        match &self.source {
            Some(source) => error.named(source),
            None => error,
        }
    }
}

impl ChunkParser for CsvParser {
    fn parse(&self, chunk: &mut Chunk) -> Result<(), StreamError> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut records = spare.pop().unwrap_or_default();
        drop(spare);
        let (raw, columns) = chunk.parts_mut(&self.converter.columns);
        let split = records.split(raw, self.dialect, Some(self.width));
        // An error in a field of an earlier record comes first.
        let converted = self.converter.convert(raw, &records, columns);
        let rows = records.rows();
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push(records);
        drop(spare);
        match converted {
            Ok(()) => {}
            Err(Stop::Memory(error)) => return Err(error.into()),
            Err(Stop::Field(bad)) => {
                return Err(self.fail(chunk, bad.at, Some(bad.position), bad.error));
            }
        }
        split.map_err(|bad| self.fail(chunk, bad.at, bad.position, bad.error))?;
        chunk.set_rows(rows);
        Ok(())
    }
}
