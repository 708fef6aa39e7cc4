//! Apache Arrow record batches as a source of chunks (feature `arrow`).

use std::error;
use std::fmt;
use std::sync::Arc;

use arrow_array::{Array as ArrowArray, RecordBatch};
use arrow_schema::Schema;
use numloom_data::stream::{
    Chunk, ChunkParser, ChunkSource, ColumnOwner, ColumnSpec, Columns, Parsed, StreamError,
    StreamErrorKind,
};
use numloom_data::{DType, Scalar};

use crate::arrow::{dtype_of, elements_of};

/// Record batches of one schema, each a chunk: its columns of numbers and of bools, others are left out. Numbers stay where they are.
///
/// Chunks have no nulls: in a column of floats they become NaN, in a chosen one of integers or bools they are an error.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
/// use numloom::batches::BatchSource;
/// use numloom_data::stream::{Chunk, ChunkSource, StreamError};
///
/// let price: ArrayRef = Arc::new(Float64Array::from(vec![Some(2.5), None]));
/// let amount: ArrayRef = Arc::new(Int32Array::from(vec![2, 3]));
/// let name: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
/// let batch = RecordBatch::try_from_iter([("price", price), ("name", name), ("amount", amount)])?;
///
/// let schema = batch.schema();
/// let mut source = BatchSource::new(&schema, vec![Ok::<_, StreamError>(batch)]);
/// let used = [source.columns().find("amount")?, source.columns().find("price")?];
/// let parser = source.start(&used, 0)?;
/// let mut chunk = Chunk::new();
/// assert!(source.split(&mut chunk)?);
/// parser.parse(&mut chunk)?;
/// assert_eq!(chunk.view(0).to_string(), "[2, 3]");
/// assert_eq!(chunk.view(1).to_string(), "[2.5, nan]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BatchSource {
    columns: Columns,
    /// The index in the schema of each column.
    indices: Vec<usize>,
    /// Taken by the pass.
    batches: Option<Batches>,
    pass: Option<Pass>,
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, StreamError>> + Send>;

/// Where the pass stands.
struct Pass {
    columns: Columns,
    indices: Vec<usize>,
    batches: Batches,
    index: u64,
}

impl BatchSource {
    /// The batches of an iterator, which are read once. A pass gives the iterator's errors, and a [`BatchError`] for a batch that is not of
    /// this schema.
    pub fn new<I, E>(schema: &Schema, batches: I) -> BatchSource
    where
        I: IntoIterator<Item = Result<RecordBatch, E>>,
        I::IntoIter: Send + 'static,
        E: Into<Box<dyn error::Error + Send + Sync>>,
    {
        let fields = schema.fields().iter().enumerate();
        let (indices, columns): (Vec<usize>, Vec<ColumnSpec>) = fields
            .filter_map(|(i, field)| {
                let dtype = dtype_of(field.data_type())?;
                Some((i, ColumnSpec::new(field.name(), dtype)))
            })
            .unzip();
        let batches = batches.into_iter();
        BatchSource {
            columns: Columns::new(columns),
            indices,
            batches: Some(Box::new(
                batches.map(|batch| batch.map_err(StreamError::other)),
            )),
            pass: None,
        }
    }
}

impl ChunkSource for BatchSource {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn can_restart(&self) -> bool {
        self.batches.is_some()
    }

    fn start(&mut self, columns: &[usize], _: usize) -> Result<Arc<dyn ChunkParser>, StreamError> {
        let chosen = self.columns.choose(columns)?;
        let batches = self.batches.take().ok_or(StreamErrorKind::CannotRestart)?;
        self.pass = Some(Pass {
            columns: chosen,
            indices: columns.iter().map(|&i| self.indices[i]).collect(),
            batches,
            index: 0,
        });
        Ok(Arc::new(Parsed))
    }

    fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError> {
        let pass = self.pass.as_mut().ok_or(StreamErrorKind::NotStarted)?;
        let Some(batch) = pass.batches.next() else {
            return Ok(false);
        };
        let batch = batch?;
        chunk.reset(pass.index, 0, 1);
        pass.index += 1;
        let (_, columns) = chunk.parts_mut(&pass.columns);
        for (column, &index) in columns.iter_mut().zip(&pass.indices) {
            let spec = column.spec();
            let array = batch
                .columns()
                .get(index)
                .ok_or_else(|| BatchError::NoColumn {
                    column: spec.name.clone(),
                })?;
            let elements = elements(array, spec)?;
            column.share(elements)?;
        }
        chunk.set_rows(batch.num_rows());
        Ok(true)
    }

    fn end(&mut self) {
        self.pass = None;
    }
}

impl fmt::Debug for BatchSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchSource")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// A column of a batch, without its nulls.
fn elements(
    array: &dyn ArrowArray,
    spec: &ColumnSpec,
) -> Result<Arc<dyn ColumnOwner>, StreamError> {
    let dtype = spec.dtype;
    let name = || spec.name.clone();
    let mismatch = || BatchError::OtherType { column: name() };
    let elements = match dtype_of(array.data_type()) {
        Some(found) if found == dtype => elements_of(array).ok_or_else(mismatch)?,
        _ => return Err(mismatch().into()),
    };
    let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(elements);
    };
    if !dtype.is_float() {
        return Err(BatchError::Null {
            column: name(),
            dtype,
        }
        .into());
    }
    let nan = Scalar::parse(dtype, "nan")?;
    let mut filled = elements.view().to_array()?;
    for (i, valid) in nulls.iter().enumerate() {
        if !valid {
            filled.view_mut().set(&[i], &nan)?;
        }
    }
    Ok(Arc::new(filled))
}

/// A record batch that is not what a source of chunks can take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchError {
    /// It lacks a column of the schema.
    NoColumn {
        /// The column's name.
        column: String,
    },
    /// A column is of another type than the schema says.
    OtherType {
        /// Its name.
        column: String,
    },
    /// A null in a column that has no value for it.
    Null {
        /// Its name.
        column: String,
        /// Its dtype.
        dtype: DType,
    },
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BatchError::NoColumn { column } => write!(
                f,
                "a record batch has no column `{}`, which the schema has",
                column.escape_debug()
            ),
            BatchError::OtherType { column } => write!(
                f,
                "column `{}` of a record batch is of another type than the schema says",
                column.escape_debug()
            ),
            BatchError::Null { column, dtype } => write!(
                f,
                "a null in column `{}` of dtype {dtype}: chunks have no nulls, cast it to floats, where it is NaN",
                column.escape_debug()
            ),
        }
    }
}

impl error::Error for BatchError {}

impl From<BatchError> for StreamError {
    fn from(error: BatchError) -> StreamError {
        StreamError::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, BooleanArray, Float32Array, Int8Array};

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn ok(batch: RecordBatch) -> Result<RecordBatch, StreamError> {
        Ok(batch)
    }

    #[test]
    fn numbers_of_slices_are_shared_and_bools_unpacked() {
        let x = Float32Array::from(vec![0.5, 1.5, 2.5, 3.5]);
        let address = x.values().as_ptr().addr();
        let bools = BooleanArray::from(vec![true, false, true, true]);
        let whole = batch(vec![("x", Arc::new(x)), ("b", Arc::new(bools))]);
        let schema = whole.schema();
        let mut source = BatchSource::new(&schema, [ok(whole.slice(1, 3)), ok(whole)]);
        source.start(&[1, 0], 0).unwrap();
        let mut chunk = Chunk::new();
        assert!(source.split(&mut chunk).unwrap());
        assert_eq!(chunk.view(0).to_string(), "[False, True, True]");
        assert_eq!(chunk.view(1).to_string(), "[1.5, 2.5, 3.5]");
        assert_eq!(chunk.view(1).ptr().addr(), address + 4);
        assert!(source.split(&mut chunk).unwrap());
        assert_eq!(chunk.rows(), 4);
        assert!(!source.split(&mut chunk).unwrap());
        assert!(!source.can_restart());
    }

    #[test]
    fn batches_that_are_not_of_the_schema_are_errors() {
        let n: ArrayRef = Arc::new(Int8Array::from(vec![Some(1), None]));
        let x: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0]));
        let both = batch(vec![("x", x), ("n", n.clone())]);
        // What nobody chose may hold nulls.
        let mut source = BatchSource::new(&both.schema(), [ok(both)]);
        source.start(&[0], 0).unwrap();
        assert!(source.split(&mut Chunk::new()).unwrap());
        let x: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
        let schema = batch(vec![("n", n.clone())]).schema();
        for (found, message) in [
            (
                batch(vec![("n", n)]),
                "a null in column `n` of dtype i8: chunks have no nulls, cast it to floats, where it is NaN",
            ),
            (
                batch(vec![("n", x)]),
                "column `n` of a record batch is of another type than the schema says",
            ),
            (
                RecordBatch::new_empty(Arc::new(Schema::empty())),
                "a record batch has no column `n`, which the schema has",
            ),
        ] {
            let mut source = BatchSource::new(&schema, [ok(found)]);
            source.start(&[0], 0).unwrap();
            let error = source.split(&mut Chunk::new()).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
