//! Where blocks of results go.

use std::fmt;

use crate::array::Array;
use crate::error::DataErrorKind;
use crate::shape::Order;
use crate::stream::{Columns, StreamError, StreamErrorKind};
use crate::view::View;

/// Takes blocks of columns, in order: [`start`](ChunkSink::start), any number of [`write`](ChunkSink::write)s, then
/// [`finish`](ChunkSink::finish) if all went well. A sink that is dropped before leaves nothing behind that looks whole.
pub trait ChunkSink: Send {
    /// Before the first block: the columns that will come, and how many rows in all, if that is known.
    ///
    /// # Errors
    /// Columns that the sink cannot take; what it finds when it opens its output.
    fn start(&mut self, columns: &Columns, rows: Option<u64>) -> Result<(), StreamError>;

    /// The next rows: one view for each column, of equal numbers of rows.
    ///
    /// # Errors
    /// Blocks that are not as announced, of writing, and [`NotStarted`](StreamErrorKind::NotStarted).
    fn write(&mut self, block: &[View<'_>]) -> Result<(), StreamError>;

    /// After the last block: now the output is whole.
    ///
    /// # Errors
    /// Of writing what was left, and [`NotStarted`](StreamErrorKind::NotStarted).
    fn finish(&mut self) -> Result<(), StreamError>;
}

/// A boxed sink is a sink.
impl<S: ChunkSink + ?Sized> ChunkSink for Box<S> {
    fn start(&mut self, columns: &Columns, rows: Option<u64>) -> Result<(), StreamError> {
        (**self).start(columns, rows)
    }

    fn write(&mut self, block: &[View<'_>]) -> Result<(), StreamError> {
        (**self).write(block)
    }

    fn finish(&mut self) -> Result<(), StreamError> {
        (**self).finish()
    }
}

/// Calls a closure with each block.
///
/// ```
/// use numloom_data::stream::{ChunkSink, ColumnSpec, Columns, FnSink};
/// use numloom_data::{DType, View};
///
/// let mut seen = 0;
/// let mut sink = FnSink::new(|block: &[View<'_>]| { seen += block[0].len(); Ok(()) });
/// sink.start(&Columns::new(vec![ColumnSpec::new("x", DType::F64)]), None)?;
/// sink.write(&[View::from_slice(&[1.0, 2.0])])?;
/// sink.write(&[View::from_slice(&[3.0])])?;
/// sink.finish()?;
/// assert_eq!(seen, 3);
/// # Ok::<(), numloom_data::stream::StreamError>(())
/// ```
pub struct FnSink<F> {
    call: F,
    columns: Option<Columns>,
}

impl<F: FnMut(&[View<'_>]) -> Result<(), StreamError> + Send> FnSink<F> {
    /// Calls this.
    pub fn new(call: F) -> FnSink<F> {
        FnSink {
            call,
            columns: None,
        }
    }
}

impl<F: FnMut(&[View<'_>]) -> Result<(), StreamError> + Send> ChunkSink for FnSink<F> {
    fn start(&mut self, columns: &Columns, _: Option<u64>) -> Result<(), StreamError> {
        self.columns = Some(columns.clone());
        Ok(())
    }

    fn write(&mut self, block: &[View<'_>]) -> Result<(), StreamError> {
        let columns = self.columns.as_ref().ok_or(StreamErrorKind::NotStarted)?;
        columns.check(block.iter().cloned())?;
        (self.call)(block)
    }

    fn finish(&mut self) -> Result<(), StreamError> {
        match &self.columns {
            Some(_) => Ok(()),
            None => Err(StreamErrorKind::NotStarted.into()),
        }
    }
}

impl<F> fmt::Debug for FnSink<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnSink").finish_non_exhaustive()
    }
}

/// Gives each column to a sink of its own, for those that take one: there must be as many.
///
/// ```
/// use numloom_data::stream::{ChunkSink, ColumnSpec, Columns, MemorySink, SplitSink};
/// use numloom_data::{DType, View};
///
/// let mut sink = SplitSink::new([MemorySink::new(), MemorySink::new()]);
/// sink.start(&Columns::new(vec![ColumnSpec::new("x", DType::F64), ColumnSpec::new("n", DType::I8)]), None)?;
/// sink.write(&[View::from_slice(&[0.5]), View::from_slice(&[1i8])])?;
/// sink.finish()?;
/// let [x, n] = sink.into_sinks().try_into().unwrap();
/// assert_eq!(x.into_arrays()?[0].to_vec::<f64>()?, [0.5]);
/// assert_eq!(n.into_arrays()?[0].to_vec::<i8>()?, [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SplitSink<S> {
    sinks: Vec<S>,
}

impl<S: ChunkSink> SplitSink<S> {
    /// These, in the order of the columns.
    pub fn new(sinks: impl IntoIterator<Item = S>) -> SplitSink<S> {
        let sinks = sinks.into_iter().collect();
        SplitSink { sinks }
    }

    /// The sinks, in the order of the columns.
    #[must_use]
    pub fn into_sinks(self) -> Vec<S> {
        self.sinks
    }

    fn check(&self, found: usize) -> Result<(), StreamError> {
        match self.sinks.len() {
            expected if expected == found => Ok(()),
            expected => Err(StreamErrorKind::ColumnCount { expected, found }.into()),
        }
    }
}

impl<S: ChunkSink> ChunkSink for SplitSink<S> {
    /// # Errors
    /// [`ColumnCount`](StreamErrorKind::ColumnCount), and those of the sinks.
    fn start(&mut self, columns: &Columns, rows: Option<u64>) -> Result<(), StreamError> {
        self.check(columns.len())?;
        for (sink, spec) in self.sinks.iter_mut().zip(columns) {
            sink.start(&Columns::new(vec![spec.clone()]), rows)?;
        }
        Ok(())
    }

    fn write(&mut self, block: &[View<'_>]) -> Result<(), StreamError> {
        self.check(block.len())?;
        for (sink, view) in self.sinks.iter_mut().zip(block) {
            sink.write(std::slice::from_ref(view))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StreamError> {
        self.sinks.iter_mut().try_for_each(ChunkSink::finish)
    }
}

/// Collects an array for each column, in row-major order.
///
/// ```
/// use numloom_data::stream::{ChunkSink, ColumnSpec, Columns, MemorySink};
/// use numloom_data::{DType, View};
///
/// let mut sink = MemorySink::new();
/// sink.start(&Columns::new(vec![ColumnSpec::new("x", DType::F64)]), None)?;
/// sink.write(&[View::from_slice(&[1.0, 2.0])])?;
/// sink.write(&[View::from_slice(&[3.0])])?;
/// sink.finish()?;
/// assert_eq!(sink.into_arrays()?[0].as_slice::<f64>()?, [1.0, 2.0, 3.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct MemorySink {
    columns: Option<Columns>,
    /// With room for more rows than there are, until `finish`.
    arrays: Vec<Array>,
    rows: usize,
    finished: bool,
}

impl MemorySink {
    /// Without columns, until it is started.
    #[must_use]
    pub fn new() -> MemorySink {
        MemorySink::default()
    }

    /// The arrays, rows first, one for each column.
    ///
    /// # Errors
    /// [`NotFinished`](StreamErrorKind::NotFinished).
    pub fn into_arrays(self) -> Result<Vec<Array>, StreamError> {
        if self.finished {
            Ok(self.arrays)
        } else {
            Err(StreamErrorKind::NotFinished.into())
        }
    }

    /// Makes each array have so many rows: those it has, and zeros.
    fn resize(&mut self, rows: usize) -> Result<(), StreamError> {
        let columns = self.columns.as_ref().ok_or(StreamErrorKind::NotStarted)?;
        for (array, spec) in self.arrays.iter_mut().zip(columns) {
            if array.shape()[0] == rows {
                continue;
            }
            let mut resized = Array::zeros(spec.dtype, &spec.shape(rows), Order::C)?;
            let kept = resized.as_bytes().len().min(array.as_bytes().len());
            resized.as_bytes_mut()[..kept].copy_from_slice(&array.as_bytes()[..kept]);
            *array = resized;
        }
        Ok(())
    }
}

impl ChunkSink for MemorySink {
    fn start(&mut self, columns: &Columns, rows: Option<u64>) -> Result<(), StreamError> {
        let room = rows.map_or(Ok(0), usize::try_from);
        self.rows = 0;
        self.finished = false;
        self.arrays.clear();
        for spec in columns {
            let room = room.map_err(|_| DataErrorKind::ShapeOverflow {
                shape: spec.row_shape.clone(),
                itemsize: spec.dtype.itemsize(),
            });
            let shape = spec.shape(room.map_err(crate::DataError::from)?);
            self.arrays
                .push(Array::zeros(spec.dtype, &shape, Order::C)?);
        }
        self.columns = Some(columns.clone());
        Ok(())
    }

    fn write(&mut self, block: &[View<'_>]) -> Result<(), StreamError> {
        let columns = self.columns.as_ref().ok_or(StreamErrorKind::NotStarted)?;
        let rows = columns.check(block.iter().cloned())?;
        let room = self.arrays.first().map_or(0, |array| array.shape()[0]);
        let end = self.rows + rows;
        if end > room {
            // Twice as much: each row is copied about once.
            self.resize(end.max(room.saturating_mul(2)))?;
        }
        let bound = |row| Some(isize::try_from(row).expect("an array has fewer rows"));
        for (array, view) in self.arrays.iter_mut().zip(block) {
            let room = array.view_mut();
            room.slice_axis(0, bound(self.rows), bound(end), 1)?
                .assign(view)?;
        }
        self.rows = end;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StreamError> {
        self.resize(self.rows)?;
        self.finished = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::stream::ColumnSpec;

    #[test]
    fn sinks_refuse_what_was_not_announced_and_what_comes_too_early() {
        let columns = Columns::new(vec![ColumnSpec::new("x", DType::F64)]);
        let sinks: [Box<dyn ChunkSink>; 2] = [
            Box::new(MemorySink::new()),
            Box::new(FnSink::new(|_: &[View<'_>]| Ok(()))),
        ];
        for mut sink in sinks {
            let x = View::from_slice(&[1.0]);
            for early in [sink.write(std::slice::from_ref(&x)), sink.finish()] {
                assert!(matches!(
                    early.unwrap_err().kind(),
                    StreamErrorKind::NotStarted
                ));
            }
            sink.start(&columns, None).unwrap();
            let error = sink.write(&[View::from_slice(&[1i32])]).unwrap_err();
            assert_eq!(
                error.to_string(),
                "expected column `x: f64`, found `x: i32`"
            );
            let error = sink.write(&[x.clone(), x.clone()]).unwrap_err();
            assert_eq!(error.to_string(), "expected 1 columns, found 2");
            let error = sink.write(&[View::scalar(&1.0)]).unwrap_err();
            assert!(matches!(
                error.kind(),
                StreamErrorKind::ColumnMismatch { .. }
            ));
            sink.write(&[x]).unwrap();
            sink.finish().unwrap();
        }
    }

    #[test]
    fn arrays_that_are_not_finished_are_not_handed_out() {
        let mut sink = MemorySink::new();
        sink.start(&Columns::default(), None).unwrap();
        assert_eq!(
            sink.into_arrays().unwrap_err().to_string(),
            "the sink has not been finished"
        );
    }
}
