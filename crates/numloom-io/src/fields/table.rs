//! A text as a source of chunks, however its fields are split.

use std::sync::{Arc, Mutex};

use numloom_data::DType;
use numloom_data::stream::{Chunk, ChunkParser, ColumnSpec, Columns, StreamError, StreamErrorKind};

use super::convert::{Converter, Missing, Target};
use super::cut::{Cutter, Ends};
use super::input::Input;
use super::parser::{FieldParser, Split};
use crate::error::IoError;

/// How much of a text is looked at for its columns and their dtypes, in bytes.
const SAMPLE: usize = 1 << 18;

/// What is known about a text once its beginning has been looked at.
#[derive(Debug)]
pub(crate) struct Table<S> {
    pub(crate) input: Input,
    pub(crate) split: S,
    pub(crate) ends: Ends,
    pub(crate) missing: Missing,
    pub(crate) columns: Columns,
    /// For each column, how many records its dtype was inferred from.
    pub(crate) inferred: Vec<Option<usize>>,
    /// Do names come from the text, or from the caller?
    pub(crate) named: bool,
    /// Bytes and newlines before the first record that holds data.
    pub(crate) header: (u64, u64),
    /// About how many bytes a record has.
    pub(crate) record_bytes: usize,
    /// How far the pass is.
    pub(crate) pass: Option<Cutter>,
}

/// The first records of a text, which is still to be read.
pub(crate) fn sample(input: &mut Input, ends: Ends) -> Result<Chunk, StreamError> {
    let text = input.open().map_err(StreamError::other)?;
    let text = text.ok_or(StreamErrorKind::CannotRestart)?;
    let skipped = text.skipped;
    let mut cutter = Cutter::new(text, ends, SAMPLE);
    let mut chunk = Chunk::new();
    cutter.next(&mut chunk).map_err(StreamError::other)?;
    input.put_back(cutter.unread(&chunk, skipped));
    Ok(chunk)
}

/// Gives columns the dtypes that they are to have; none of these was inferred.
pub(crate) fn set_dtypes(
    columns: Vec<ColumnSpec>,
    inferred: &mut [Option<usize>],
    dtypes: &[(String, DType)],
) -> Result<Columns, StreamError> {
    let names = Columns::new(columns.clone());
    let mut columns = columns;
    for (name, dtype) in dtypes {
        let position = names.find(name)?;
        columns[position].dtype = *dtype;
        inferred[position] = None;
    }
    Ok(Columns::new(columns))
}

impl<S: Split + Clone> Table<S> {
    pub(crate) fn start(
        &mut self,
        columns: &[usize],
        chunk_bytes: usize,
    ) -> Result<Arc<dyn ChunkParser>, StreamError> {
        self.pass = None;
        let chosen = self.columns.choose(columns)?;
        let piece_bytes = self.piece_bytes(chunk_bytes, &chosen)?;
        let text = self.input.open().map_err(|error| self.fail(error))?;
        let text = text.ok_or(StreamErrorKind::CannotRestart)?;
        let mut cutter = Cutter::new(text, self.ends, piece_bytes);
        cutter
            .skip(self.header.0, self.header.1)
            .map_err(|error| self.fail(error))?;
        self.pass = Some(cutter);
        let target = |&position: &usize| Target {
            position,
            inferred: self.inferred[position],
        };
        Ok(Arc::new(FieldParser {
            split: self.split.clone(),
            converter: Converter {
                columns: chosen,
                targets: columns.iter().map(target).collect(),
                quote: self.ends.quote,
                missing: self.missing.clone(),
            },
            source: self.name(),
            names: self.named.then(|| self.columns.clone()),
            spare: Mutex::default(),
        }))
    }

    pub(crate) fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError> {
        let pass = self.pass.as_mut().ok_or(StreamErrorKind::NotStarted)?;
        pass.next(chunk).map_err(|error| self.fail(error))
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
