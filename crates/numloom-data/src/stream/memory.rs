//! Arrays in memory as a source.

use std::sync::Arc;

use crate::array::Array;
use crate::stream::source::Parsed;
use crate::stream::{
    Chunk, ChunkParser, ChunkSource, ColumnOwner, ColumnSpec, Columns, StreamError, StreamErrorKind,
};
use crate::view::View;

/// Arrays in memory, rows first, cut into chunks that share their elements.
///
/// An example is at [`ChunkSource`].
#[derive(Debug)]
pub struct ArraySource {
    columns: Columns,
    arrays: Vec<Arc<Array>>,
    rows: usize,
    pass: Option<Pass>,
}

/// Where a pass stands.
#[derive(Debug)]
struct Pass {
    columns: Columns,
    chosen: Vec<usize>,
    chunk_rows: usize,
    index: u64,
    row: usize,
}

/// Some rows of an array.
#[derive(Debug)]
struct Rows {
    array: Arc<Array>,
    start: usize,
    stop: usize,
}

impl ColumnOwner for Rows {
    fn view(&self) -> View<'_> {
        let bound = |row: usize| Some(isize::try_from(row).expect("an array has fewer rows"));
        let view = self.array.view();
        view.slice_axis(0, bound(self.start), bound(self.stop), 1)
            .expect("the array has an axis of rows")
    }
}

impl ArraySource {
    /// These arrays by their names: all with the same extent of the first axis, which becomes the rows.
    ///
    /// # Errors
    /// [`UnequalRows`](StreamErrorKind::UnequalRows), [`NoRows`](StreamErrorKind::NoRows) for an array without axes.
    pub fn new(arrays: Vec<(String, Array)>) -> Result<ArraySource, StreamError> {
        let mut specs = Vec::with_capacity(arrays.len());
        for (name, array) in &arrays {
            let Some((_, row_shape)) = array.shape().split_first() else {
                return Err(StreamErrorKind::NoRows { name: name.clone() }.into());
            };
            specs.push(ColumnSpec::with_row_shape(name, array.dtype(), row_shape));
        }
        let columns = Columns::new(specs);
        let rows = columns.check(arrays.iter().map(|(_, array)| array.view()))?;
        Ok(ArraySource {
            columns,
            arrays: arrays.into_iter().map(|(_, array)| array.into()).collect(),
            rows,
            pass: None,
        })
    }
}

impl ChunkSource for ArraySource {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows as u64)
    }

    fn can_restart(&self) -> bool {
        true
    }

    fn start(
        &mut self,
        columns: &[usize],
        chunk_bytes: usize,
    ) -> Result<Arc<dyn ChunkParser>, StreamError> {
        let chosen = self.columns.choose(columns)?;
        self.pass = Some(Pass {
            chunk_rows: chosen.rows_in(chunk_bytes)?,
            columns: chosen,
            chosen: columns.to_vec(),
            index: 0,
            row: 0,
        });
        Ok(Arc::new(Parsed))
    }

    fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError> {
        let pass = self.pass.as_mut().ok_or(StreamErrorKind::NotStarted)?;
        if pass.row == self.rows {
            return Ok(false);
        }
        let stop = pass.row + pass.chunk_rows.min(self.rows - pass.row);
        chunk.reset(pass.index, 0, 1);
        let (_, columns) = chunk.parts_mut(&pass.columns);
        for (column, &chosen) in columns.iter_mut().zip(&pass.chosen) {
            column.share(Arc::new(Rows {
                array: self.arrays[chosen].clone(),
                start: pass.row,
                stop,
            }))?;
        }
        chunk.set_rows(stop - pass.row);
        pass.row = stop;
        pass.index += 1;
        Ok(true)
    }

    fn end(&mut self) {
        self.pass = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::shape::Order;
    use crate::stream::{ChunkSink, MemorySink};

    fn source() -> ArraySource {
        let a: Vec<f64> = (0..14).map(f64::from).collect();
        let mut a = Array::from_slice(&a, &[7, 2]).unwrap();
        // In Fortran order too, rows are rows.
        let mut f = Array::zeros(DType::F64, &[7, 2], Order::F).unwrap();
        f.view_mut().assign(&a.view()).unwrap();
        std::mem::swap(&mut a, &mut f);
        let b = Array::from_slice(&[1i8, 2, 3, 4, 5, 6, 7], &[7]).unwrap();
        ArraySource::new(vec![("a".into(), a), ("b".into(), b)]).unwrap()
    }

    #[test]
    fn any_chunks_of_any_columns_are_the_same_rows_in_the_same_order() {
        let mut source = source();
        for chunk_bytes in [0, 1, 17, 34, 50, 1000, usize::MAX] {
            for chosen in [&[0, 1][..], &[1, 0], &[1], &[]] {
                let parser = source.start(chosen, chunk_bytes).unwrap();
                let mut sink = MemorySink::new();
                let columns = source.columns().choose(chosen).unwrap();
                sink.start(&columns, None).unwrap();
                let (mut chunk, mut rows, mut index) = (Chunk::new(), 0, 0);
                while source.split(&mut chunk).unwrap() {
                    parser.parse(&mut chunk).unwrap();
                    assert_eq!(chunk.index(), index);
                    index += 1;
                    rows += chunk.rows();
                    let block: Vec<_> = chunk.views().collect();
                    sink.write(&block).unwrap();
                }
                sink.finish().unwrap();
                assert!(!source.split(&mut chunk).unwrap());
                assert_eq!(rows, 7);
                for (got, &i) in sink.into_arrays().unwrap().iter().zip(chosen) {
                    assert_eq!(*got, *source.arrays[i]);
                }
            }
        }
    }

    #[test]
    fn a_pass_begins_before_it_is_split() {
        let error = source().split(&mut Chunk::new()).unwrap_err();
        assert_eq!(error.to_string(), "the pass has not been started");
    }

    #[test]
    fn arrays_without_rows_or_of_other_lengths_are_no_table() {
        let scalar = Array::zeros(DType::F64, &[], Order::C).unwrap();
        let error = ArraySource::new(vec![("x".into(), scalar)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`x` has no axes, so it has no rows to be read by"
        );
        let n = |n| Array::zeros(DType::F64, &[n], Order::C).unwrap();
        let error = ArraySource::new(vec![("x".into(), n(3)), ("y".into(), n(4))]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "column `y` has 4 rows where the first has 3"
        );
    }
}
