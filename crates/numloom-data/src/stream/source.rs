//! Where chunks come from.

use std::sync::Arc;

use crate::stream::{Chunk, Columns, StreamError};

/// A table that is read a chunk of rows at a time: a file, a pipe, an iterator, arrays.
///
/// A pass is [`start`](ChunkSource::start), then for each chunk [`split`](ChunkSource::split) on one thread at a time, and
/// [`parse`](ChunkParser::parse) of the parser that `start` gave, on any thread:
///
/// ```
/// use numloom_data::Array;
/// use numloom_data::stream::{ArraySource, Chunk, ChunkSource};
///
/// let price = Array::from_slice(&[1.0, 2.0, 3.0], &[3])?;
/// let count = Array::from_slice(&[10i64, 20, 30], &[3])?;
/// let mut source = ArraySource::new(vec![("price".into(), price), ("count".into(), count)])?;
///
/// let used = [source.columns().find("count")?];
/// let parser = source.start(&used, 1 << 20)?;
/// let (mut chunk, mut sum) = (Chunk::new(), 0);
/// while source.split(&mut chunk)? {
///     parser.parse(&mut chunk)?;
///     sum += chunk.view(0).to_array()?.as_slice::<i64>()?.iter().sum::<i64>();
/// }
/// assert_eq!(sum, 60);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Chunks carry their [index](Chunk::index): several threads may hold one each, and whoever consumes them puts them in order.
/// Of several errors, the one of the lowest index is the source's first, at any number of threads.
pub trait ChunkSource: Send {
    /// All columns that there are.
    fn columns(&self) -> &Columns;

    /// How many rows, if that is known before they have been read; then it is exact.
    fn rows(&self) -> Option<u64> {
        None
    }

    /// How many raw bytes, if that is known before they have been read: with [`Chunk::byte`], how far a pass has come.
    fn size_bytes(&self) -> Option<u64> {
        None
    }

    /// Can [`start`](ChunkSource::start) be called again? A file can be read twice, a pipe cannot.
    fn can_restart(&self) -> bool;

    /// Must a chunk be done with before the next one is split, because its columns show memory that is filled anew then?
    fn one_at_a_time(&self) -> bool {
        false
    }

    /// Begins a pass, from the first row, over the columns with these indices: those of each chunk, in this order. None at
    /// all is fine: the chunks then count rows.
    ///
    /// `chunk_bytes` is about how much memory a chunk should take, raw and parsed: a hint, whatever its value.
    ///
    /// # Errors
    /// [`CannotRestart`](crate::stream::StreamErrorKind::CannotRestart) on a second pass over what can be read once; those of
    /// [`Columns::choose`]; what the source finds when it is opened again.
    fn start(
        &mut self,
        columns: &[usize],
        chunk_bytes: usize,
    ) -> Result<Arc<dyn ChunkParser>, StreamError>;

    /// The first stage: moves the next piece of the source into `chunk`, whose memory is used again. False after the last;
    /// then, and after an error, the pass is over.
    ///
    /// # Errors
    /// Of reading; [`NotStarted`](crate::stream::StreamErrorKind::NotStarted) before [`start`](ChunkSource::start).
    fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError>;

    /// Ends the pass, wherever it stands: lets go of files, and of whatever else belongs to the pass. Whoever starts a pass calls it in the end.
    fn end(&mut self) {}
}

/// The second stage of a pass: from what [`split`](ChunkSource::split) took to columns of numbers.
///
/// It holds what a pass needs to know, and nothing that changes: any number of threads may use it at once, and a chunk's
/// columns depend on its raw bytes only.
pub trait ChunkParser: Send + Sync {
    /// Fills the [columns](Chunk::view) and [rows](Chunk::rows) of a chunk from its [raw](Chunk::raw) bytes. A chunk may turn
    /// out to have no rows.
    ///
    /// # Errors
    /// Malformed rows, with their [place](StreamError::place): the first of the chunk.
    fn parse(&self, chunk: &mut Chunk) -> Result<(), StreamError>;
}

/// The parser of sources whose chunks are whole when they are split.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parsed;

impl ChunkParser for Parsed {
    fn parse(&self, _: &mut Chunk) -> Result<(), StreamError> {
        Ok(())
    }
}

/// A boxed source is a source.
impl<S: ChunkSource + ?Sized> ChunkSource for Box<S> {
    fn columns(&self) -> &Columns {
        (**self).columns()
    }

    fn rows(&self) -> Option<u64> {
        (**self).rows()
    }

    fn size_bytes(&self) -> Option<u64> {
        (**self).size_bytes()
    }

    fn can_restart(&self) -> bool {
        (**self).can_restart()
    }

    fn one_at_a_time(&self) -> bool {
        (**self).one_at_a_time()
    }

    fn start(
        &mut self,
        columns: &[usize],
        chunk_bytes: usize,
    ) -> Result<Arc<dyn ChunkParser>, StreamError> {
        (**self).start(columns, chunk_bytes)
    }

    fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError> {
        (**self).split(chunk)
    }

    fn end(&mut self) {
        (**self).end();
    }
}
