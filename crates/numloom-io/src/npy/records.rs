//! Records: NumPy's structured dtypes, of which one field at a time is an array.
//!
//! ```text
//! [('id', '|u1'), ('x', '<f8'), ('', '|V7'), ('m', '<f4', (2, 2))]
//! ```
//! Fields follow each other without gaps; padding is written as a field without a name. Fields of dtypes that numloom does not have, and
//! those with a shape of their own, are stepped over as long as their size is known.

use numloom_data::error::ShapeText;
use numloom_data::{ByteOrder, DType, shape};

use super::header::{Parser, from_npy_descr};
use crate::error::{IoError, IoErrorKind};

/// A field of a record.
pub(super) struct Field {
    /// Its name.
    pub(super) name: String,
    /// Its dtype, as the header spells it.
    pub(super) descr: String,
    /// Bytes of the record before it.
    pub(super) offset: usize,
    /// Whether it holds one element.
    is_element: bool,
}

impl Field {
    /// Its dtype and byte order.
    ///
    /// # Errors
    /// [`UnsupportedDType`](IoErrorKind::UnsupportedDType).
    pub(super) fn dtype(&self) -> Result<(DType, ByteOrder), IoError> {
        match self.is_element {
            true => from_npy_descr(&self.descr),
            false => Err(IoError::new(IoErrorKind::UnsupportedDType {
                descr: self.descr.escape_debug().to_string(),
            })),
        }
    }
}

/// The bytes of an element, also of dtypes that numloom does not have.
fn size_of_descr(descr: &str) -> Option<usize> {
    if let Ok((dtype, _)) = from_npy_descr(descr) {
        return Some(dtype.itemsize());
    }
    let kind = descr.trim_start_matches(['<', '>', '|', '=']);
    let digits = |text: &str| match text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse::<usize>().ok(),
        false => None,
    };
    match kind.as_bytes().first()? {
        b'V' | b'S' => digits(&kind[1..]),
        b'U' => digits(&kind[1..])?.checked_mul(4),
        b'M' | b'm' if kind[1..].starts_with('8') => Some(8),
        _ => None,
    }
}

impl Parser<'_> {
    /// The bytes of a record and its fields, padding left out; `None` for anything else.
    pub(super) fn fields(&mut self) -> Option<(u32, Vec<Field>)> {
        let mut fields = Vec::new();
        let mut offset = 0usize;
        if !self.take(b'[') {
            return None;
        }
        while !self.take(b']') {
            let (field, size) = self.field(offset)?;
            offset = offset.checked_add(size)?;
            if !field.name.is_empty() {
                fields.push(field);
            }
            if !self.take(b',') {
                self.take(b']').then_some(())?;
                break;
            }
        }
        let size = u32::try_from(offset).ok().filter(|&size| size > 0)?;
        (!fields.is_empty()).then_some((size, fields))
    }

    /// `('name', '<f8')`, `(('title', 'name'), '<f8')`, `('name', '<f8', (2,))`; and its size.
    fn field(&mut self, offset: usize) -> Option<(Field, usize)> {
        self.take(b'(').then_some(())?;
        let titled = self.take(b'(');
        let mut name = self.string("a name").ok()?;
        if titled {
            self.take(b',').then_some(())?;
            name = self.string("a name").ok()?;
            self.take(b')').then_some(())?;
        }
        self.take(b',').then_some(())?;
        let mut descr = self.string("a dtype in quotes").ok()?;
        let mut size = size_of_descr(&descr)?;
        let extents = match self.take(b',') {
            true => self.tuple().ok(),
            false => None,
        };
        self.take(b')').then_some(())?;
        if let Some(extents) = &extents {
            size = shape::size_bytes(extents, size).ok()?;
            descr = format!("{descr} of shape {}", ShapeText(extents));
        }
        let is_element = extents.is_none();
        let field = Field {
            name,
            descr,
            offset,
            is_element,
        };
        Some((field, size))
    }
}
