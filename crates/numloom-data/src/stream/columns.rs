//! Names, dtypes and shapes of columns.

use std::fmt;

use crate::dtype::DType;
use crate::error::{DataError, ShapeText};
use crate::shape;
use crate::stream::{StreamError, StreamErrorKind};
use crate::view::View;

/// One column: its name, the dtype of its elements, and the shape of one row of it.
///
/// ```
/// use numloom_data::{DType, stream::ColumnSpec};
/// assert_eq!(ColumnSpec::new("price", DType::F64).to_string(), "price: f64");
/// assert_eq!(ColumnSpec::with_row_shape("rgb", DType::U8, &[3]).to_string(), "rgb: u8 of shape (…, 3)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// The name, as the source spells it.
    pub name: String,
    /// Type of the elements.
    pub dtype: DType,
    /// Extents of one row; none for one element a row.
    pub row_shape: Vec<usize>,
}

impl ColumnSpec {
    /// A column of one element a row.
    #[must_use]
    pub fn new(name: impl Into<String>, dtype: DType) -> ColumnSpec {
        ColumnSpec::with_row_shape(name, dtype, &[])
    }

    /// A column whose rows are arrays of this shape.
    #[must_use]
    pub fn with_row_shape(
        name: impl Into<String>,
        dtype: DType,
        row_shape: &[usize],
    ) -> ColumnSpec {
        ColumnSpec {
            name: name.into(),
            dtype,
            row_shape: row_shape.to_vec(),
        }
    }

    /// The shape of so many rows: `rows`, then the row's.
    #[must_use]
    pub fn shape(&self, rows: usize) -> Vec<usize> {
        let mut shape = Vec::with_capacity(1 + self.row_shape.len());
        shape.push(rows);
        shape.extend_from_slice(&self.row_shape);
        shape
    }

    /// Bytes of one row.
    ///
    /// # Errors
    /// [`ShapeOverflow`](crate::DataErrorKind::ShapeOverflow).
    pub fn row_bytes(&self) -> Result<usize, DataError> {
        shape::size_bytes(&self.row_shape, self.dtype.itemsize())
    }

    /// The number of rows of a block of this column.
    ///
    /// # Errors
    /// [`ColumnMismatch`](StreamErrorKind::ColumnMismatch) if its dtype, or the shape of its rows, is another.
    pub fn check(&self, block: &View<'_>) -> Result<usize, StreamError> {
        match block.shape() {
            [rows, row @ ..] if block.dtype() == self.dtype && *row == self.row_shape => Ok(*rows),
            shape => Err(StreamErrorKind::ColumnMismatch {
                expected: self.clone(),
                found: ColumnSpec {
                    name: self.name.clone(),
                    dtype: block.dtype(),
                    row_shape: shape.get(1..).unwrap_or_default().to_vec(),
                },
            }
            .into()),
        }
    }
}

impl fmt::Display for ColumnSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name.escape_debug(), self.dtype)?;
        if !self.row_shape.is_empty() {
            let extents = ShapeText(&self.row_shape).to_string();
            let inner = extents.trim_start_matches('(').trim_end_matches([')', ',']);
            write!(f, " of shape (…, {inner})")?;
        }
        Ok(())
    }
}

/// The columns of a source, in its order. Names may repeat, as they do in files; only looking one up by name needs it once.
///
/// ```
/// use numloom_data::{DType, stream::{ColumnSpec, Columns}};
///
/// let columns = Columns::new(vec![ColumnSpec::new("a", DType::F64), ColumnSpec::new("b", DType::I32)]);
/// assert_eq!(columns.find("b")?, 1);
/// assert_eq!(columns.find("c").unwrap_err().to_string(), "no column is named `c`: they are `a`, `b`");
/// # Ok::<(), numloom_data::stream::StreamError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    specs: Vec<ColumnSpec>,
}

impl Columns {
    /// These columns.
    #[must_use]
    pub fn new(specs: Vec<ColumnSpec>) -> Columns {
        Columns { specs }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.specs.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&ColumnSpec> {
        self.specs.get(index)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ColumnSpec> {
        self.specs.iter()
    }

    /// The index of the column of this name.
    ///
    /// # Errors
    /// [`UnknownColumn`](StreamErrorKind::UnknownColumn), [`AmbiguousColumn`](StreamErrorKind::AmbiguousColumn).
    pub fn find(&self, name: &str) -> Result<usize, StreamError> {
        let found = |&(_, spec): &(usize, &ColumnSpec)| spec.name == name;
        let mut named = self.specs.iter().enumerate().filter(found).map(|(i, _)| i);
        match (named.next(), named.next()) {
            (Some(index), None) => Ok(index),
            (Some(first), Some(second)) => Err(StreamErrorKind::AmbiguousColumn {
                name: name.into(),
                first,
                second,
            }
            .into()),
            (None, _) => Err(StreamErrorKind::UnknownColumn {
                name: name.into(),
                columns: self.specs.iter().map(|spec| spec.name.clone()).collect(),
            }
            .into()),
        }
    }

    /// Those with these indices, in this order.
    ///
    /// # Errors
    /// [`NoSuchColumn`](StreamErrorKind::NoSuchColumn), [`RepeatedColumn`](StreamErrorKind::RepeatedColumn).
    pub fn choose(&self, indices: &[usize]) -> Result<Columns, StreamError> {
        let mut specs = Vec::with_capacity(indices.len());
        for (i, &index) in indices.iter().enumerate() {
            let spec = self.get(index).ok_or(StreamErrorKind::NoSuchColumn {
                index,
                columns: self.len(),
            })?;
            if indices[..i].contains(&index) {
                return Err(StreamErrorKind::RepeatedColumn { index }.into());
            }
            specs.push(spec.clone());
        }
        Ok(Columns { specs })
    }

    /// About how many rows of all of these take so many bytes: at least one.
    ///
    /// # Errors
    /// [`Data`](StreamErrorKind::Data) if a row is larger than the address space.
    pub fn rows_in(&self, bytes: usize) -> Result<usize, StreamError> {
        let mut row_bytes = 0usize;
        for spec in self {
            row_bytes = row_bytes.saturating_add(spec.row_bytes()?);
        }
        Ok((bytes / row_bytes.max(1)).max(1))
    }

    /// The number of rows of a block: one view for each of these columns.
    ///
    /// # Errors
    /// [`ColumnCount`](StreamErrorKind::ColumnCount), [`ColumnMismatch`](StreamErrorKind::ColumnMismatch),
    /// [`UnequalRows`](StreamErrorKind::UnequalRows).
    pub fn check<'a>(
        &self,
        block: impl ExactSizeIterator<Item = View<'a>>,
    ) -> Result<usize, StreamError> {
        if block.len() != self.len() {
            return Err(StreamErrorKind::ColumnCount {
                expected: self.len(),
                found: block.len(),
            }
            .into());
        }
        let mut rows = None;
        for (spec, view) in self.iter().zip(block) {
            let found = spec.check(&view)?;
            let expected = *rows.get_or_insert(found);
            if found != expected {
                return Err(StreamErrorKind::UnequalRows {
                    column: spec.name.clone(),
                    expected,
                    found,
                }
                .into());
            }
        }
        Ok(rows.unwrap_or(0))
    }
}

impl std::ops::Index<usize> for Columns {
    type Output = ColumnSpec;

    fn index(&self, index: usize) -> &ColumnSpec {
        &self.specs[index]
    }
}

impl<'a> IntoIterator for &'a Columns {
    type Item = &'a ColumnSpec;
    type IntoIter = std::slice::Iter<'a, ColumnSpec>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<ColumnSpec> for Columns {
    fn from_iter<I: IntoIterator<Item = ColumnSpec>>(specs: I) -> Columns {
        Columns::new(specs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_repeats_is_an_error_only_when_it_is_looked_up() {
        let columns: Columns = ["a", "b", "a"]
            .map(|name| ColumnSpec::new(name, DType::F64))
            .into_iter()
            .collect();
        assert_eq!(columns.find("b").unwrap(), 1);
        assert_eq!(
            columns.find("a").unwrap_err().to_string(),
            "columns 1 and 3 are both named `a`"
        );
    }

    #[test]
    fn chosen_columns_exist_and_differ() {
        let columns = Columns::new(vec![ColumnSpec::new("a", DType::F64); 3]);
        assert_eq!(columns.choose(&[2, 0]).unwrap().len(), 2);
        assert_eq!(
            columns.choose(&[3]).unwrap_err().to_string(),
            "there is no column with index 3: the source has 3"
        );
        assert_eq!(
            columns.choose(&[1, 1]).unwrap_err().to_string(),
            "the column with index 1 is chosen twice"
        );
    }
}
