//! Whatever an iterator yields, as a source.

use std::fmt;
use std::sync::Arc;

use crate::array::Array;
use crate::stream::source::Parsed;
use crate::stream::{
    Chunk, ChunkParser, ChunkSource, ColumnOwner, Columns, StreamError, StreamErrorKind,
};

/// Blocks of columns from an iterator, each block a chunk: one array for each column, whose elements are shared, not copied.
///
/// An iterator can be run through once: [`can_restart`](ChunkSource::can_restart) is false, unless it is made by
/// [`repeatable`](IterSource::repeatable).
///
/// ```
/// use numloom_data::stream::{Chunk, ChunkSource, ColumnSpec, Columns, IterSource};
/// use numloom_data::{Array, DType};
///
/// let columns = Columns::new(vec![ColumnSpec::new("x", DType::F64)]);
/// let blocks = (0..3).map(|i| Ok(vec![Array::from_slice(&[f64::from(i), 0.5], &[2])?]));
/// let mut source = IterSource::new(columns, blocks);
///
/// let parser = source.start(&[0], 0)?;
/// let (mut chunk, mut sum) = (Chunk::new(), 0.0);
/// while source.split(&mut chunk)? {
///     parser.parse(&mut chunk)?;
///     sum += chunk.view(0).to_array()?.as_slice::<f64>()?.iter().sum::<f64>();
/// }
/// assert_eq!(sum, 4.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct IterSource {
    columns: Columns,
    rows: Option<u64>,
    one_at_a_time: bool,
    make: Make,
    pass: Option<Pass>,
}

/// What an [`IterSource`] runs through.
type Blocks = Box<dyn Iterator<Item = Result<Vec<Arc<dyn ColumnOwner>>, StreamError>> + Send>;

enum Make {
    Once(Option<Blocks>),
    Again(Box<dyn FnMut() -> Blocks + Send>),
}

struct Pass {
    columns: Columns,
    chosen: Vec<usize>,
    blocks: Blocks,
    index: u64,
}

impl IterSource {
    /// The blocks of an iterator, of these columns. Each block has an array for every column, in order.
    pub fn new<I>(columns: Columns, blocks: I) -> IterSource
    where
        I: IntoIterator<Item = Result<Vec<Array>, StreamError>>,
        I::IntoIter: Send + 'static,
    {
        let shared = |arrays: Vec<Array>| arrays.into_iter().map(share).collect();
        let blocks = blocks.into_iter().map(move |block| block.map(shared));
        IterSource::of_owners(columns, blocks)
    }

    /// The same over arrays of other libraries.
    pub fn of_owners<I>(columns: Columns, blocks: I) -> IterSource
    where
        I: IntoIterator<Item = Result<Vec<Arc<dyn ColumnOwner>>, StreamError>>,
        I::IntoIter: Send + 'static,
    {
        IterSource {
            columns,
            rows: None,
            one_at_a_time: false,
            make: Make::Once(Some(Box::new(blocks.into_iter()))),
            pass: None,
        }
    }

    /// What a closure makes for each pass: the same blocks each time.
    pub fn repeatable<I>(
        columns: Columns,
        mut blocks: impl FnMut() -> I + Send + 'static,
    ) -> IterSource
    where
        I: IntoIterator<Item = Result<Vec<Array>, StreamError>>,
        I::IntoIter: Send + 'static,
    {
        let shared = |arrays: Vec<Array>| arrays.into_iter().map(share).collect();
        IterSource::repeatable_of_owners(columns, move || {
            blocks().into_iter().map(move |block| block.map(shared))
        })
    }

    /// The same over arrays of other libraries.
    pub fn repeatable_of_owners<I>(
        columns: Columns,
        mut blocks: impl FnMut() -> I + Send + 'static,
    ) -> IterSource
    where
        I: IntoIterator<Item = Result<Vec<Arc<dyn ColumnOwner>>, StreamError>>,
        I::IntoIter: Send + 'static,
    {
        let make = move || -> Blocks { Box::new(blocks().into_iter()) };
        IterSource {
            columns,
            rows: None,
            one_at_a_time: false,
            make: Make::Again(Box::new(make)),
            pass: None,
        }
    }

    /// The same, but a block is [done with](ChunkSource::one_at_a_time) before the next one is asked for: for iterators that fill the same memory
    /// again and again.
    #[must_use]
    pub fn with_one_at_a_time(mut self) -> IterSource {
        self.one_at_a_time = true;
        self
    }

    /// The same with the number of rows, which must be exact.
    #[must_use]
    pub fn with_rows(mut self, rows: u64) -> IterSource {
        self.rows = Some(rows);
        self
    }
}

fn share(array: Array) -> Arc<dyn ColumnOwner> {
    Arc::new(array)
}

impl ChunkSource for IterSource {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn rows(&self) -> Option<u64> {
        self.rows
    }

    fn one_at_a_time(&self) -> bool {
        self.one_at_a_time
    }

    fn can_restart(&self) -> bool {
        match &self.make {
            Make::Once(blocks) => blocks.is_some(),
            Make::Again(_) => true,
        }
    }

    fn start(&mut self, columns: &[usize], _: usize) -> Result<Arc<dyn ChunkParser>, StreamError> {
        let chosen = self.columns.choose(columns)?;
        let blocks = match &mut self.make {
            Make::Once(blocks) => blocks.take().ok_or(StreamErrorKind::CannotRestart)?,
            Make::Again(make) => make(),
        };
        self.pass = Some(Pass {
            columns: chosen,
            chosen: columns.to_vec(),
            blocks,
            index: 0,
        });
        Ok(Arc::new(Parsed))
    }

    fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError> {
        let pass = self.pass.as_mut().ok_or(StreamErrorKind::NotStarted)?;
        let Some(block) = pass.blocks.next() else {
            return Ok(false);
        };
        let block = block?;
        let rows = self.columns.check(block.iter().map(|owner| owner.view()))?;
        chunk.reset(pass.index, 0, 1);
        let (_, columns) = chunk.parts_mut(&pass.columns);
        for (column, &chosen) in columns.iter_mut().zip(&pass.chosen) {
            column.share(block[chosen].clone())?;
        }
        chunk.set_rows(rows);
        pass.index += 1;
        Ok(true)
    }

    fn end(&mut self) {
        self.pass = None;
    }
}

impl fmt::Debug for IterSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterSource")
            .field("columns", &self.columns)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::stream::ColumnSpec;

    fn columns() -> Columns {
        Columns::new(vec![
            ColumnSpec::new("x", DType::F64),
            ColumnSpec::new("n", DType::I32),
        ])
    }

    fn block(x: &[f64], n: &[i32]) -> Result<Vec<Array>, StreamError> {
        Ok(vec![
            Array::from_slice(x, &[x.len()])?,
            Array::from_slice(n, &[n.len()])?,
        ])
    }

    fn rows(source: &mut IterSource) -> Result<usize, StreamError> {
        source.start(&[1], 0)?;
        let (mut chunk, mut rows) = (Chunk::new(), 0);
        while source.split(&mut chunk)? {
            assert_eq!(chunk.view(0).dtype(), DType::I32);
            rows += chunk.rows();
        }
        Ok(rows)
    }

    #[test]
    fn an_iterator_runs_once_and_a_closure_that_makes_them_runs_again() {
        let blocks = || [block(&[1.0], &[1]), block(&[2.0, 3.0], &[2, 3])];
        let mut once = IterSource::new(columns(), blocks());
        assert!(once.can_restart());
        assert_eq!(rows(&mut once).unwrap(), 3);
        assert!(!once.can_restart());
        assert_eq!(
            rows(&mut once).unwrap_err().to_string(),
            "the source can be read only once"
        );
        let mut again = IterSource::repeatable(columns(), blocks).with_rows(3);
        assert_eq!(again.rows(), Some(3));
        assert_eq!(rows(&mut again).unwrap(), 3);
        assert_eq!(rows(&mut again).unwrap(), 3);
    }

    #[test]
    fn blocks_that_are_not_what_was_announced_are_errors() {
        let wrong = [
            (
                Ok(vec![Array::from_slice(&[1.0], &[1]).unwrap()]),
                "expected 2 columns, found 1",
            ),
            (
                block(&[1.0], &[1, 2]),
                "column `n` has 2 rows where the first has 1",
            ),
            (
                Ok(vec![
                    Array::from_slice(&[1.0f32], &[1]).unwrap(),
                    Array::from_slice(&[1i32], &[1]).unwrap(),
                ]),
                "expected column `x: f64`, found `x: f32`",
            ),
            (
                Err(StreamError::other("the tape is torn")),
                "the tape is torn",
            ),
        ];
        for (block, message) in wrong {
            let mut source = IterSource::new(columns(), [block]);
            assert_eq!(rows(&mut source).unwrap_err().to_string(), message);
        }
    }
}
