//! The second stage of a pass over text.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use memchr::memchr_iter;
use numloom_data::stream::{Chunk, ChunkParser, ColumnPlace, Columns, Place, StreamError};

use super::convert::{Converter, Fields, Stop};
use crate::error::{IoError, IoErrorKind};

/// How a kind of text is split into fields.
pub(crate) trait Split: fmt::Debug + Send + Sync + 'static {
    /// Where the fields are; memory to be used again.
    type Records: Fields + fmt::Debug + Default + Send;

    /// Finds the fields of a piece. With an error, there are the records before the one that it is about.
    fn split(&self, raw: &[u8], records: &mut Self::Records) -> Result<(), BadRecord>;

    /// The number in the text, from 0, of a column.
    fn number(&self, position: usize) -> usize {
        position
    }

    /// Makes a piece ready to be split.
    fn prepare(&self, _: &mut [u8]) {}
}

/// A malformed record.
#[derive(Debug)]
pub(crate) struct BadRecord {
    /// Where in the piece.
    pub(crate) at: usize,
    /// The field that it is about, from 0, if it is about one.
    pub(crate) position: Option<usize>,
    pub(crate) error: IoError,
}

impl BadRecord {
    pub(crate) fn new(at: usize, kind: IoErrorKind) -> BadRecord {
        BadRecord {
            at,
            position: None,
            error: IoError::new(kind),
        }
    }
}

/// Splits pieces, and converts the fields of the chosen columns.
#[derive(Debug)]
pub(crate) struct FieldParser<S: Split> {
    pub(crate) split: S,
    pub(crate) converter: Converter,
    /// The name of the file.
    pub(crate) source: Option<String>,
    /// All columns of the text, if they have names.
    pub(crate) names: Option<Columns>,
    /// Memory that no thread uses just now.
    pub(crate) spare: Mutex<Vec<S::Records>>,
}

impl<S: Split> FieldParser<S> {
    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<S::Records>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(
        &self,
        chunk: &Chunk,
        at: usize,
        position: Option<usize>,
        error: IoError,
    ) -> StreamError {
        let name = |position| Some(self.names.as_ref()?.get(position)?.name.clone());
        let column = position.map(|position| ColumnPlace {
            number: self.split.number(position) + 1,
            name: name(position),
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

impl<S: Split> ChunkParser for FieldParser<S> {
    fn parse(&self, chunk: &mut Chunk) -> Result<(), StreamError> {
        let mut records = self.spare().pop().unwrap_or_default();
        self.split.prepare(chunk.raw_mut());
        let (raw, columns) = chunk.parts_mut(&self.converter.columns);
        let split = self.split.split(raw, &mut records);
        // An error in a field of an earlier record comes first.
        let converted = self.converter.convert(raw, &records, columns);
        let rows = records.rows();
        self.spare().push(records);
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

/// A byte of a chunk as a place in its text.
pub(crate) fn place(chunk: &Chunk, at: usize) -> Place {
    let before = &chunk.raw()[..at.min(chunk.raw().len())];
    Place {
        byte: chunk.byte() + at as u64,
        line: chunk.line() + memchr_iter(b'\n', before).count() as u64,
        column: None,
    }
}
