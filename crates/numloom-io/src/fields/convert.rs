//! Fields of a piece to columns of elements.

use std::ops::Range;

use numloom_data::stream::{Column, Columns};
use numloom_data::{Complex, DType, DataError, f16};

use super::number::{Bad, Number, trim};
use crate::error::{IoError, IoErrorKind};

/// What stands for a missing value, and what becomes of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Fields that stand for one, besides empty ones.
    pub(crate) tokens: Vec<Vec<u8>>,
    /// Is it an error also where it could be NaN?
    pub(crate) refuse: bool,
}

impl Missing {
    pub(crate) fn is(&self, field: &[u8]) -> bool {
        field.is_empty() || self.tokens.iter().any(|token| token == field)
    }

    /// Does a token read as a number, so that each field must be compared before it is read?
    fn has_numbers(&self) -> bool {
        self.tokens
            .iter()
            .any(|token| f64::parse(token).is_ok_and(|x| !x.is_nan()))
    }
}

/// Where the fields of a piece are.
pub(crate) trait Fields {
    /// How many records.
    fn rows(&self) -> usize;

    /// The bytes of the field of a record in a column of the text.
    fn range(&self, row: usize, position: usize) -> Range<usize>;
}

/// What a column of the text is to become.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Which column of the text, from 0.
    pub(crate) position: usize,
    /// Was its dtype inferred from so many records?
    pub(crate) inferred: Option<usize>,
}

/// A field that is no element, of the lowest row that has one, and in that of the lowest column.
#[derive(Debug)]
pub(crate) struct BadField {
    pub(crate) row: usize,
    /// Where in the piece the field begins.
    pub(crate) at: usize,
    pub(crate) position: usize,
    pub(crate) error: IoError,
}

/// Why a conversion stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    Field(Box<BadField>),
    Memory(DataError),
}

impl From<DataError> for Stop {
    fn from(error: DataError) -> Stop {
        Stop::Memory(error)
    }
}

/// How the fields of a text are read.
#[derive(Clone, Debug)]
pub(crate) struct Converter {
    pub(crate) columns: Columns,
    /// One for each of the columns.
    pub(crate) targets: Vec<Target>,
    /// Fields that begin with it also end with it.
    pub(crate) quote: Option<u8>,
    pub(crate) missing: Missing,
}

impl Converter {
    /// Fills the columns with the fields of all rows.
    pub(crate) fn convert(
        &self,
        raw: &[u8],
        fields: &impl Fields,
        columns: &mut [Column],
    ) -> Result<(), Stop> {
        let mut first: Option<Box<BadField>> = None;
        for ((spec, target), column) in self.columns.iter().zip(&self.targets).zip(columns) {
            let rows = match &first {
                None => fields.rows(),
                // A later column can only be first in an earlier row, or in the same one further to the left.
                Some(bad) => bad.row + usize::from(target.position < bad.position),
            };
            let one = One {
                raw,
                fields,
                target,
                dtype: spec.dtype,
                rows,
                room: fields.rows(),
                converter: self,
            };
            match one.fill(column) {
                Ok(()) => {}
                Err(Stop::Field(bad)) => first = Some(bad),
                Err(stop) => return Err(stop),
            }
        }
        match first {
            Some(bad) => Err(Stop::Field(bad)),
            None => Ok(()),
        }
    }
}

/// One column to be filled.
struct One<'a, F> {
    raw: &'a [u8],
    fields: &'a F,
    target: &'a Target,
    dtype: DType,
    rows: usize,
    /// For so many rows room is made.
    room: usize,
    converter: &'a Converter,
}

impl<'a, F: Fields> One<'a, F> {
    fn fill(&self, column: &mut Column) -> Result<(), Stop> {
        match self.dtype {
            DType::Bool => self.numbers::<bool>(column),
            DType::I8 => self.numbers::<i8>(column),
            DType::I16 => self.numbers::<i16>(column),
            DType::I32 => self.numbers::<i32>(column),
            DType::I64 => self.numbers::<i64>(column),
            DType::U8 => self.numbers::<u8>(column),
            DType::U16 => self.numbers::<u16>(column),
            DType::U32 => self.numbers::<u32>(column),
            DType::U64 => self.numbers::<u64>(column),
            DType::F16 => self.numbers::<f16>(column),
            DType::F32 => self.numbers::<f32>(column),
            DType::F64 => self.numbers::<f64>(column),
            DType::C64 => self.numbers::<Complex<f32>>(column),
            DType::C128 => self.numbers::<Complex<f64>>(column),
            DType::Bytes(width) => self.texts(width as usize, column),
        }
    }

    fn numbers<T: Number>(&self, column: &mut Column) -> Result<(), Stop> {
        let compare_first = self.converter.missing.has_numbers();
        let slots = &mut column.slots::<T>(self.room)?[..self.rows];
        for (row, slot) in slots.iter_mut().enumerate() {
            let field = self.field(row);
            *slot = match T::parse(field) {
                Ok(value) if !compare_first => value,
                parsed => self.unusual(row, field, parsed)?,
            };
        }
        Ok(())
    }

    /// The bytes of a field, without quotes.
    #[inline(always)]
    fn field(&self, row: usize) -> &'a [u8] {
        let field = &self.raw[self.fields.range(row, self.target.position)];
        match self.converter.quote {
            Some(quote) if field.first() == Some(&quote) => &field[1..field.len() - 1],
            _ => field,
        }
    }

    /// What is no number at first sight: with white space around it, missing, or wrong.
    #[cold]
    fn unusual<T: Number>(
        &self,
        row: usize,
        field: &[u8],
        parsed: Result<T, Bad>,
    ) -> Result<T, Stop> {
        let trimmed = trim(field);
        let missing = &self.converter.missing;
        if missing.is(trimmed) {
            return match T::MISSING {
                Some(value) if !missing.refuse => Ok(value),
                _ => Err(self.bad(row, IoErrorKind::MissingField { dtype: self.dtype })),
            };
        }
        let parsed = match parsed {
            Err(Bad::Syntax) if trimmed.len() < field.len() => T::parse(trimmed),
            parsed => parsed,
        };
        parsed.map_err(|bad| {
            self.bad(
                row,
                IoErrorKind::BadField {
                    text: shown(trimmed),
                    dtype: self.dtype,
                    out_of_range: bad == Bad::Range,
                    inferred: self.target.inferred,
                },
            )
        })
    }

    fn texts(&self, width: usize, column: &mut Column) -> Result<(), Stop> {
        let bytes = column.bytes(self.room)?;
        if width == 0 {
            return Ok(());
        }
        for (row, slot) in bytes.chunks_exact_mut(width).take(self.rows).enumerate() {
            let field = self.field(row);
            let mut len = 0;
            // Of two quotes inside quotes, one is meant.
            let mut escaped = false;
            for &byte in field {
                if Some(byte) == self.converter.quote && !escaped {
                    escaped = true;
                    continue;
                }
                escaped = false;
                if byte == 0 {
                    return Err(self.bad(row, IoErrorKind::NulInField));
                }
                if len < width {
                    slot[len] = byte;
                }
                len += 1;
            }
            if len > width {
                return Err(self.bad(
                    row,
                    IoErrorKind::LongField {
                        len,
                        dtype: self.dtype,
                        inferred: self.target.inferred,
                    },
                ));
            }
            slot[len..].fill(0);
        }
        Ok(())
    }

    #[cold]
    fn bad(&self, row: usize, kind: IoErrorKind) -> Stop {
        let position = self.target.position;
        Stop::Field(Box::new(BadField {
            row,
            at: self.fields.range(row, position).start,
            position,
            error: IoError::new(kind),
        }))
    }
}

/// The beginning of a field, for an error.
fn shown(field: &[u8]) -> String {
    const SHOWN: usize = 40;
    let text = field[..field.len().min(SHOWN)].escape_ascii().to_string();
    if field.len() > SHOWN {
        text + "…"
    } else {
        text
    }
}
