//! CSV and text: any bytes are columns or an error, and the same wherever they are cut.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use numloom_data::stream::{Chunk, ChunkSink, ChunkSource, MemorySink, StreamError};
use numloom_data::{Array, DType};
use numloom_io::csv::{CsvOptions, CsvSink, CsvSource};
use numloom_io::text::{TextOptions, TextSource};

use crate::choices::Choices;

/// Any bytes are refused or read as CSV, alike in one piece, record by record and in pieces of some other size; what was read as byte
/// strings is written and read back.
///
/// # Panics
/// If not.
pub fn csv(data: &[u8]) {
    let mut choices = Choices::new(data);
    let (flags, cut) = (choices.byte(), choices.below(600));
    let text = text(&choices, flags, b"1234,,,,\n\n\r\"\" .-ena#\0\xff");
    let mut options = CsvOptions::new().max_record(400).header(flags & 2 > 0);
    if flags & 4 > 0 {
        options = options.comment(Some(b'#'));
    }
    if flags & 8 > 0 {
        options = options.quote(None);
    }
    if flags & 16 > 0 {
        options = options.missing_is_error().sample(2);
    }
    let strings = flags & 32 > 0;
    if strings {
        options = options.every_dtype(DType::Bytes(40));
    }
    let columns = check(&text, cut, || CsvSource::from_bytes(&text[..], &options));
    if let (Some((names, columns)), true) = (columns, strings) {
        let written = write(&names, &columns);
        let options = CsvOptions::new().every_dtype(DType::Bytes(40));
        let mut again = CsvSource::from_bytes(written, &options).expect("CSV that was written");
        let read = read(&mut again, cut).expect("CSV that was written");
        assert_eq!(read, columns, "byte strings survive");
    }
}

/// Any bytes are refused or read as text, alike in one piece, line by line and in pieces of some other size.
///
/// # Panics
/// If not.
pub fn white_space(data: &[u8]) {
    let mut choices = Choices::new(data);
    let (flags, cut) = (choices.byte(), choices.below(600));
    let text = text(&choices, flags, b"12345   \t\n\n\r.-e#\0\xff");
    let mut options = TextOptions::new().max_line(400);
    if flags & 2 > 0 {
        options = options.columns([usize::from(flags >> 6)]);
    }
    if flags & 4 > 0 {
        options = options.comment(None).skip_lines(1);
    }
    if flags & 8 > 0 {
        options = options.every_dtype(DType::I16);
    }
    check(&text, cut, || TextSource::from_bytes(&text[..], &options));
}

/// The bytes that are left, as they are or as letters of an alphabet in which they mean something.
fn text(choices: &Choices<'_>, flags: u8, alphabet: &[u8]) -> Vec<u8> {
    let letter = |byte: &u8| alphabet[usize::from(*byte) % alphabet.len()];
    match flags & 1 {
        0 => choices.rest().to_vec(),
        _ => choices.rest().iter().map(letter).collect(),
    }
}

fn read(source: &mut impl ChunkSource, chunk_bytes: usize) -> Result<Vec<Array>, StreamError> {
    let all: Vec<usize> = (0..source.columns().len()).collect();
    let parser = source.start(&all, chunk_bytes)?;
    let mut sink = MemorySink::new();
    sink.start(source.columns(), None)?;
    let mut chunk = Chunk::new();
    while source.split(&mut chunk)? {
        parser.parse(&mut chunk)?;
        let block: Vec<_> = chunk.views().collect();
        sink.write(&block)?;
    }
    sink.finish()?;
    sink.into_arrays()
}

/// Names and columns of a text that is one, the same wherever it is cut.
fn check<S: ChunkSource>(
    text: &[u8],
    cut: usize,
    open: impl Fn() -> Result<S, StreamError>,
) -> Option<(Vec<String>, Vec<Array>)> {
    let whole = open().and_then(|mut source| {
        let read = read(&mut source, usize::MAX)?;
        let names = source.columns().iter().map(|spec| spec.name.clone());
        Ok((names.collect::<Vec<_>>(), read))
    });
    for cut in [0, cut] {
        let parts = open().and_then(|mut source| read(&mut source, cut));
        match (&whole, &parts) {
            (Ok((_, whole)), Ok(parts)) => assert_eq!(whole, parts, "cut at {cut}"),
            (Err(whole), Err(part)) => {
                assert_eq!(whole.to_string(), part.to_string(), "cut at {cut}");
                assert_eq!(whole.place(), part.place(), "cut at {cut}");
            }
            (whole, part) => panic!("in one piece {whole:?}, cut at {cut} {part:?}"),
        }
    }
    if let Err(error) = &whole
        && let Some(place) = error.place()
        // A place in a compressed text is one in what it decompresses to.
        && !text.starts_with(&[0x1f, 0x8b])
    {
        assert!(place.byte <= text.len() as u64, "{place:?}");
        let newlines = text.iter().filter(|&&byte| byte == b'\n').count() as u64;
        assert!((1..=newlines + 1).contains(&place.line), "{place:?}");
    }
    whole.ok()
}

/// What is written to it, for all to see.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut shared = self.0.lock().expect("nobody panicked with it");
        shared.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(names: &[String], columns: &[Array]) -> Vec<u8> {
    let specs = names
        .iter()
        .zip(columns)
        .map(|(name, column)| numloom_data::stream::ColumnSpec::new(name, column.dtype()));
    let shared = Shared::default();
    let mut sink = CsvSink::to_writer(shared.clone());
    let block: Vec<_> = columns.iter().map(Array::view).collect();
    sink.start(&specs.collect(), None)
        .and_then(|()| sink.write(&block))
        .and_then(|()| sink.finish())
        .expect("memory takes all that is written");
    drop(sink);
    let written = shared.0.lock().expect("nobody panicked with it");
    written.clone()
}
