//! Some rows of a source, in memory that is used again.

use std::fmt;
use std::sync::Arc;

use crate::array::Array;
use crate::element::Element;
use crate::error::DataError;
use crate::shape::Order;
use crate::stream::{ColumnSpec, Columns, StreamError};
use crate::view::{ByteOrder, View};

/// Some consecutive rows of a source: the raw piece of it, and the chosen columns that were parsed from that.
///
/// Consumers see [`index`](Chunk::index), [`rows`](Chunk::rows) and a [`view`](Chunk::view) for each column. The other methods
/// are for those who write sources: `split` calls [`reset`](Chunk::reset) and fills [`raw_mut`](Chunk::raw_mut), `parse` takes the
/// [`parts_mut`](Chunk::parts_mut) and says how many rows there are by [`set_rows`](Chunk::set_rows).
///
/// ```
/// use numloom_data::{DType, stream::{Chunk, ColumnSpec, Columns}};
///
/// let columns = Columns::new(vec![ColumnSpec::new("n", DType::I32)]);
/// let mut chunk = Chunk::new();
/// chunk.reset(0, 0, 1);
/// chunk.raw_mut().extend_from_slice(b"7 8");
/// let (raw, parsed) = chunk.parts_mut(&columns);
/// let n = parsed[0].slots::<i32>(2)?;
/// n[0] = i32::from(raw[0] - b'0');
/// n[1] = i32::from(raw[2] - b'0');
/// chunk.set_rows(2);
/// assert_eq!(chunk.view(0).to_array()?.to_vec::<i32>()?, [7, 8]);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
#[derive(Debug, Default)]
pub struct Chunk {
    index: u64,
    byte: u64,
    line: u64,
    raw: Vec<u8>,
    rows: usize,
    columns: Vec<Column>,
}

impl Chunk {
    /// Without rows and memory.
    #[must_use]
    pub fn new() -> Chunk {
        Chunk::default()
    }

    /// The number of this chunk in the pass, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Where its raw bytes begin in the source, in bytes.
    #[must_use]
    pub fn byte(&self) -> u64 {
        self.byte
    }

    /// The line, from 1, at which its raw bytes begin; of no meaning for what is no text.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// How many rows, once it has been parsed.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns were chosen.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The rows of one of the chosen columns: of shape `rows` and then the shape of a row, in whatever layout and byte order
    /// the source has; those of files and text are contiguous.
    ///
    /// # Panics
    /// If there is no such column.
    #[must_use]
    pub fn view(&self, column: usize) -> View<'_> {
        self.columns[column].view(self.rows)
    }

    /// All of the chosen columns.
    pub fn views(&self) -> impl ExactSizeIterator<Item = View<'_>> {
        self.columns.iter().map(|column| column.view(self.rows))
    }

    /// How many bytes of memory it holds on to.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let columns = self.columns.iter().map(Column::memory_bytes);
        self.raw.capacity() + columns.sum::<usize>()
    }

    /// Begins anew, without raw bytes and rows, as the chunk of this index that begins at this byte and line of the source.
    pub fn reset(&mut self, index: u64, byte: u64, line: u64) {
        self.index = index;
        self.byte = byte;
        self.line = line;
        self.raw.clear();
        self.rows = 0;
    }

    /// The raw bytes.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The raw bytes, to be filled, or exchanged for another vector.
    #[must_use]
    pub fn raw_mut(&mut self) -> &mut Vec<u8> {
        &mut self.raw
    }

    /// The raw bytes, and the columns to parse them to: one for each of these, with the memory of an earlier chunk if there was
    /// one. There are no rows until [`set_rows`](Chunk::set_rows).
    pub fn parts_mut(&mut self, columns: &Columns) -> (&[u8], &mut [Column]) {
        self.rows = 0;
        self.columns.truncate(columns.len());
        for (i, spec) in columns.iter().enumerate() {
            match self.columns.get_mut(i) {
                Some(column) => column.become_spec(spec),
                None => self.columns.push(Column::new(spec.clone())),
            }
        }
        (&self.raw, &mut self.columns)
    }

    /// Says how many rows the columns have been filled with.
    ///
    /// # Panics
    /// If a column has fewer.
    pub fn set_rows(&mut self, rows: usize) {
        for column in &self.columns {
            assert!(
                rows <= column.capacity(),
                "column `{}` has room for {} rows, not {rows}",
                column.spec.name,
                column.capacity()
            );
        }
        self.rows = rows;
    }
}

/// Whoever holds the elements of a column that need not be copied: an array of another library, kept alive as long as the
/// chunk shows it.
pub trait ColumnOwner: Send + Sync {
    /// The elements, rows first: the same ones at each call.
    fn view(&self) -> View<'_>;
}

impl ColumnOwner for Array {
    fn view(&self) -> View<'_> {
        Array::view(self)
    }
}

/// The rows of one column of a [`Chunk`]: contiguous in memory of its own, or shared with whoever made them.
pub struct Column {
    spec: ColumnSpec,
    byte_order: ByteOrder,
    /// Rows without gaps, as many as there is room for; none before the first.
    own: Option<Array>,
    shared: Option<Arc<dyn ColumnOwner>>,
}

impl Column {
    fn new(spec: ColumnSpec) -> Column {
        Column {
            spec,
            byte_order: ByteOrder::Native,
            own: None,
            shared: None,
        }
    }

    /// Name, dtype and shape of a row.
    #[must_use]
    pub fn spec(&self) -> &ColumnSpec {
        &self.spec
    }

    /// How many rows there is room for, or are shared.
    #[must_use]
    pub fn capacity(&self) -> usize {
        match (&self.shared, &self.own) {
            (Some(owner), _) => owner.view().shape().first().copied().unwrap_or(0),
            (None, Some(own)) => own.shape()[0],
            (None, None) => 0,
        }
    }

    /// Room for at least so many rows, all of it, as elements. Rows that were there stay; new ones are zero.
    ///
    /// # Errors
    /// [`DTypeMismatch`](crate::DataErrorKind::DTypeMismatch), and those of [`reserve`](Column::reserve).
    pub fn slots<T: Element>(&mut self, rows: usize) -> Result<&mut [T], DataError> {
        self.reserve(rows)?.as_mut_slice()
    }

    /// Room for at least so many rows, all of it, as bytes: for elements that are read as they are, and for byte strings.
    ///
    /// # Errors
    /// Those of [`reserve`](Column::reserve).
    pub fn bytes(&mut self, rows: usize) -> Result<&mut [u8], DataError> {
        Ok(self.reserve(rows)?.as_bytes_mut())
    }

    /// Room for at least so many rows, in memory of the column's own: aligned, without gaps, rows first.
    ///
    /// # Errors
    /// [`ShapeOverflow`](crate::DataErrorKind::ShapeOverflow), [`OutOfMemory`](crate::DataErrorKind::OutOfMemory).
    pub fn reserve(&mut self, rows: usize) -> Result<&mut Array, DataError> {
        self.shared = None;
        let room = self.own.as_ref().map_or(0, |own| own.shape()[0]);
        if self.own.is_none() || room < rows {
            // Half as much again: a column that grows row by row is copied a few times only.
            let rows = if room == 0 {
                rows
            } else {
                rows.max(room + room / 2)
            };
            let mut own = Array::zeros(self.spec.dtype, &self.spec.shape(rows), Order::C)?;
            if let Some(old) = &self.own {
                own.as_bytes_mut()[..old.as_bytes().len()].copy_from_slice(old.as_bytes());
            }
            self.own = Some(own);
        }
        Ok(self
            .own
            .as_mut()
            .expect("made just now, if it was not there"))
    }

    /// Says in which byte order [`bytes`](Column::bytes) are; native unless said here.
    pub fn set_byte_order(&mut self, byte_order: ByteOrder) {
        self.byte_order = byte_order;
    }

    /// Shows the elements of `owner` instead of memory of its own, in whatever layout they have.
    ///
    /// # Errors
    /// [`ColumnMismatch`](crate::stream::StreamErrorKind::ColumnMismatch) if their dtype, or the shape of a row, is not the column's.
    pub fn share(&mut self, owner: Arc<dyn ColumnOwner>) -> Result<(), StreamError> {
        self.spec.check(&owner.view())?;
        self.shared = Some(owner);
        Ok(())
    }

    /// The first `rows` rows.
    fn view(&self, rows: usize) -> View<'_> {
        const CHECKED: &str = "`set_rows` found room for as many rows";
        if let Some(owner) = &self.shared {
            // An owner that breaks its promise shows fewer rows, or panics here: there is nothing unsafe about it.
            let stop = isize::try_from(rows).expect(CHECKED);
            let view = owner.view();
            return view.slice_axis(0, None, Some(stop), 1).expect(CHECKED);
        }
        let bytes = self.own.as_ref().map_or(&[][..], Array::as_bytes);
        let row_bytes = self.spec.row_bytes().expect(CHECKED);
        let shape = self.spec.shape(rows);
        View::from_bytes(
            &bytes[..rows * row_bytes],
            self.spec.dtype,
            &shape,
            Order::C,
        )
        .expect(CHECKED)
        .with_byte_order(self.byte_order)
    }

    fn memory_bytes(&self) -> usize {
        self.own.as_ref().map_or(0, |own| own.as_bytes().len())
    }

    fn become_spec(&mut self, spec: &ColumnSpec) {
        if self.spec.dtype != spec.dtype || self.spec.row_shape != spec.row_shape {
            self.own = None;
        }
        if self.spec != *spec {
            self.spec = spec.clone();
        }
        self.shared = None;
        self.byte_order = ByteOrder::Native;
    }
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Column({}, room for {} rows)",
            self.spec,
            self.capacity()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;

    fn one(spec: ColumnSpec) -> Columns {
        Columns::new(vec![spec])
    }

    #[test]
    fn a_column_keeps_its_rows_as_it_grows_and_its_memory_as_it_is_used_again() {
        let columns = one(ColumnSpec::with_row_shape("x", DType::U16, &[2]));
        let mut chunk = Chunk::new();
        let (_, parsed) = chunk.parts_mut(&columns);
        parsed[0].slots::<u16>(1).unwrap()[..2].copy_from_slice(&[1, 2]);
        parsed[0].slots::<u16>(3).unwrap()[2..6].copy_from_slice(&[3, 4, 5, 6]);
        chunk.set_rows(3);
        assert_eq!(chunk.view(0).shape(), [3, 2]);
        assert_eq!(
            chunk.view(0).to_array().unwrap().to_vec::<u16>().unwrap(),
            [1, 2, 3, 4, 5, 6]
        );
        let held = chunk.memory_bytes();
        chunk.reset(1, 0, 1);
        assert_eq!((chunk.index(), chunk.rows()), (1, 0));
        let (_, parsed) = chunk.parts_mut(&columns);
        assert_eq!(parsed[0].capacity(), 3);
        parsed[0].slots::<u16>(2).unwrap();
        assert_eq!(chunk.memory_bytes(), held);
    }

    #[test]
    fn no_rows_and_rows_of_no_elements_have_views() {
        let mut chunk = Chunk::new();
        chunk.parts_mut(&one(ColumnSpec::new("x", DType::F64)));
        assert_eq!(chunk.view(0).shape(), [0]);
        let columns = one(ColumnSpec::with_row_shape("x", DType::F64, &[0]));
        chunk.parts_mut(&columns).1[0].reserve(5).unwrap();
        chunk.set_rows(5);
        assert_eq!(chunk.view(0).shape(), [5, 0]);
    }

    #[test]
    #[should_panic = "column `x` has room for 2 rows, not 3"]
    fn rows_that_were_not_made_room_for_are_a_mistake_of_the_source() {
        let mut chunk = Chunk::new();
        let columns = one(ColumnSpec::new("x", DType::F64));
        chunk.parts_mut(&columns).1[0].reserve(2).unwrap();
        chunk.set_rows(3);
    }

    #[test]
    fn shared_elements_are_shown_where_they_are() {
        let array = Arc::new(Array::from_slice(&[1.0, 2.0, 3.0], &[3]).unwrap());
        let mut chunk = Chunk::new();
        let columns = one(ColumnSpec::new("x", DType::F64));
        let (_, parsed) = chunk.parts_mut(&columns);
        parsed[0].share(array.clone()).unwrap();
        chunk.set_rows(2);
        assert_eq!(chunk.view(0).shape(), [2]);
        assert_eq!(chunk.view(0).ptr(), array.as_bytes().as_ptr());
        let columns = one(ColumnSpec::new("x", DType::F32));
        let error = chunk.parts_mut(&columns).1[0].share(array).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected column `x: f32`, found `x: f64`"
        );
    }
}
