//! The dtype of a column, from a sample of its fields.

use numloom_data::DType;

use super::convert::Missing;
use super::number::{Bad, Number, trim};

/// What a column may be, after the fields that were seen: each kind holds those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// Nothing but missing values.
    #[default]
    Missing,
    /// The words `true` and `false`.
    Bool,
    Signed,
    Unsigned,
    Float,
    Text,
}

/// What is known about a column.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inference {
    kind: Kind,
    has_missing: bool,
    has_negative: bool,
    /// The longest field, in bytes.
    longest: usize,
}

impl Inference {
    /// Takes one more field into account: without its quotes.
    pub(crate) fn see(&mut self, field: &[u8], missing: &Missing) {
        self.longest = self.longest.max(field.len());
        let field = trim(field);
        if missing.is(field) {
            self.has_missing = true;
            return;
        }
        self.has_negative |= field.first() == Some(&b'-');
        let kind = kind_of(field);
        self.kind = match (self.kind, kind) {
            (Kind::Missing, kind) => kind,
            (old, new) if old == new => old,
            (Kind::Bool, _) | (_, Kind::Bool) | (Kind::Text, _) | (_, Kind::Text) => Kind::Text,
            (Kind::Float, _) | (_, Kind::Float) => Kind::Float,
            _ => Kind::Unsigned,
        };
    }

    /// `bool`, `i64`, `u64`, `f64`, or a byte string with room for the longest field; `f64` for numbers of which some are missing.
    pub(crate) fn dtype(&self) -> DType {
        match self.kind {
            Kind::Missing | Kind::Float => DType::F64,
            Kind::Bool if self.has_missing => self.text(),
            Kind::Bool => DType::Bool,
            Kind::Signed | Kind::Unsigned if self.has_missing => DType::F64,
            Kind::Signed => DType::I64,
            // Above the largest `i64` and below 0: no integer holds both.
            Kind::Unsigned if self.has_negative => DType::F64,
            Kind::Unsigned => DType::U64,
            Kind::Text => self.text(),
        }
    }

    fn text(&self) -> DType {
        let width = self.longest.max(1).next_multiple_of(8);
        DType::Bytes(u32::try_from(width).unwrap_or(u32::MAX))
    }
}

fn kind_of(field: &[u8]) -> Kind {
    match i64::parse(field) {
        Ok(_) => return Kind::Signed,
        Err(Bad::Range) if u64::parse(field).is_ok() => return Kind::Unsigned,
        Err(_) => {}
    }
    if f64::parse(field).is_ok() {
        Kind::Float
    } else if bool::parse(field).is_ok() {
        Kind::Bool
    } else {
        Kind::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dtype(fields: &[&str]) -> String {
        let missing = Missing {
            tokens: vec![b"NA".to_vec()],
            refuse: false,
        };
        let mut inference = Inference::default();
        for field in fields {
            inference.see(field.as_bytes(), &missing);
        }
        inference.dtype().to_string()
    }

    #[test]
    fn the_narrowest_dtype_that_holds_every_field_of_the_sample() {
        for (fields, want) in [
            (&[][..], "f64"),
            (&["", "NA"], "f64"),
            (&["1", "-2"], "i64"),
            (&["1", ""], "f64"),
            (&["1", "18446744073709551615"], "u64"),
            (&["-1", "18446744073709551615"], "f64"),
            (&["1", "99999999999999999999"], "f64"),
            (&["1", "2.5"], "f64"),
            (&["nan", "1"], "f64"),
            (&["true", "False"], "bool"),
            (&["true", ""], "S8"),
            (&["true", "1"], "S8"),
            (&["1", "two"], "S8"),
            (&["two", "1", "123456789"], "S16"),
        ] {
            assert_eq!(dtype(fields), want, "{fields:?}");
        }
    }
}
