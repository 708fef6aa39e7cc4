//! The type of an array element.

use std::fmt;
use std::str::FromStr;

use crate::error::{DataError, DataErrorKind};

/// The type of an array element, spelled as in Rust: `f64`, `i16`, `bool`.
///
/// `F16` is a storage dtype: arithmetic widens it. `Bytes(n)` is a fixed-length byte string of `n` bytes, padded with
/// zeros, as NumPy's `S`. Byte order is not part of the dtype; see [`ByteOrder`](crate::ByteOrder).
///
/// ```
/// use numloom_data::DType;
///
/// assert_eq!("float32".parse(), Ok(DType::F32));
/// assert_eq!(DType::Bytes(5).to_string(), "S5");
/// assert_eq!(DType::C128.itemsize(), 16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// Truth value, one byte, 0 or 1.
    Bool,
    /// Signed 8-bit integer.
    I8,
    /// Signed 16-bit integer.
    I16,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// Unsigned 8-bit integer.
    U8,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// IEEE 754 binary16; stored only.
    F16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// A pair of `f32`: real, imaginary.
    C64,
    /// A pair of `f64`: real, imaginary.
    C128,
    /// A byte string of this many bytes, padded with zeros.
    Bytes(u32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Bool,
    Signed,
    Unsigned,
    Float,
    Complex,
    Bytes,
}

/// What there is to know about one dtype.
struct Row {
    name: &'static str,
    long_name: &'static str,
    itemsize: usize,
    align: usize,
    class: Class,
}

const fn row<T>(name: &'static str, long_name: &'static str, class: Class) -> Row {
    Row {
        name,
        long_name,
        itemsize: size_of::<T>(),
        align: align_of::<T>(),
        class,
    }
}

impl DType {
    /// Every dtype of fixed size, in order: bool, signed, unsigned, float, complex.
    pub const ALL: [DType; 14] = [
        DType::Bool,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F16,
        DType::F32,
        DType::F64,
        DType::C64,
        DType::C128,
    ];

    /// Every dtype of real numbers, bool and `f16` included.
    pub const ALL_REAL: [DType; 12] = {
        let mut real = [DType::Bool; 12];
        let mut i = 0;
        while i < real.len() {
            real[i] = DType::ALL[i];
            i += 1;
        }
        real
    };

    const fn row(self) -> Row {
        use Class::{Bool, Bytes, Complex, Float, Signed, Unsigned};
        match self {
            DType::Bool => row::<u8>("bool", "bool_", Bool),
            DType::I8 => row::<i8>("i8", "int8", Signed),
            DType::I16 => row::<i16>("i16", "int16", Signed),
            DType::I32 => row::<i32>("i32", "int32", Signed),
            DType::I64 => row::<i64>("i64", "int64", Signed),
            DType::U8 => row::<u8>("u8", "uint8", Unsigned),
            DType::U16 => row::<u16>("u16", "uint16", Unsigned),
            DType::U32 => row::<u32>("u32", "uint32", Unsigned),
            DType::U64 => row::<u64>("u64", "uint64", Unsigned),
            DType::F16 => row::<u16>("f16", "float16", Float),
            DType::F32 => row::<f32>("f32", "float32", Float),
            DType::F64 => row::<f64>("f64", "float64", Float),
            DType::C64 => row::<[f32; 2]>("c64", "complex64", Complex),
            DType::C128 => row::<[f64; 2]>("c128", "complex128", Complex),
            DType::Bytes(n) => Row {
                name: "S",
                long_name: "bytes",
                itemsize: n as usize,
                align: 1,
                class: Bytes,
            },
        }
    }

    /// Bytes per element.
    #[must_use]
    pub const fn itemsize(self) -> usize {
        self.row().itemsize
    }

    /// Bits per element: `8 * itemsize`.
    #[must_use]
    pub const fn bits(self) -> usize {
        8 * self.itemsize()
    }

    /// Alignment in bytes of the Rust type with this layout; that of one part for complex, 1 for byte strings.
    #[must_use]
    pub const fn align(self) -> usize {
        self.row().align
    }

    /// Bytes of the unit that byte order applies to: a part of a complex number, one byte of a byte string.
    #[must_use]
    pub const fn swap_unit(self) -> usize {
        match self {
            DType::C64 => 4,
            DType::C128 => 8,
            DType::Bytes(_) => 1,
            _ => self.itemsize(),
        }
    }

    /// Is this `bool`?
    #[must_use]
    pub const fn is_bool(self) -> bool {
        matches!(self.row().class, Class::Bool)
    }

    /// Is this a signed integer?
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self.row().class, Class::Signed)
    }

    /// Is this an unsigned integer?
    #[must_use]
    pub const fn is_unsigned(self) -> bool {
        matches!(self.row().class, Class::Unsigned)
    }

    /// Is this an integer, signed or not? `bool` is none.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        self.is_signed() || self.is_unsigned()
    }

    /// Is this a real floating-point dtype?
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self.row().class, Class::Float)
    }

    /// Is this complex?
    #[must_use]
    pub const fn is_complex(self) -> bool {
        matches!(self.row().class, Class::Complex)
    }

    /// Is this a byte string?
    #[must_use]
    pub const fn is_bytes(self) -> bool {
        matches!(self.row().class, Class::Bytes)
    }

    /// The dtype of the parts: `f32` for `c64`, `f64` for `c128`, any other dtype is its own.
    #[must_use]
    pub const fn real(self) -> DType {
        match self {
            DType::C64 => DType::F32,
            DType::C128 => DType::F64,
            other => other,
        }
    }
}

/// The short name: `f64`, `bool`, `S5`. [`FromStr`] reads it back.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DType::Bytes(n) => f.pad(&format!("S{n}")),
            other => f.pad(other.row().name),
        }
    }
}

/// Reads a name, short (`f64`, `S5`) or long as NumPy's (`float64`). Type strings with a byte order, such as `<f8`,
/// belong to the files that carry one: `numloom-io`.
impl FromStr for DType {
    type Err = DataError;

    fn from_str(text: &str) -> Result<DType, DataError> {
        let unknown = || DataError::from(DataErrorKind::UnknownDType { text: text.into() });
        for dtype in DType::ALL {
            let row = dtype.row();
            if text == row.name || text == row.long_name {
                return Ok(dtype);
            }
        }
        let digits = text.strip_prefix('S').ok_or_else(unknown)?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(unknown());
        }
        digits.parse().map(DType::Bytes).map_err(|_| unknown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for dtype in DType::ALL
            .into_iter()
            .chain([DType::Bytes(0), DType::Bytes(u32::MAX)])
        {
            assert_eq!(dtype.to_string().parse(), Ok(dtype));
        }
        for dtype in DType::ALL {
            assert_eq!(dtype.row().long_name.parse(), Ok(dtype));
        }
    }

    #[test]
    fn names_that_mean_nothing_are_refused() {
        for text in [
            "",
            "f",
            "f8",
            "<f8",
            "S",
            "S-1",
            "S+1",
            "S5 ",
            "S4294967296",
            "F64",
        ] {
            assert!(text.parse::<DType>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn classes_part_the_dtypes() {
        for dtype in DType::ALL.into_iter().chain([DType::Bytes(3)]) {
            let classes = [
                dtype.is_bool(),
                dtype.is_signed(),
                dtype.is_unsigned(),
                dtype.is_float(),
                dtype.is_complex(),
                dtype.is_bytes(),
            ];
            assert_eq!(classes.iter().filter(|&&c| c).count(), 1, "{dtype}");
        }
        assert_eq!(DType::ALL_REAL.last(), Some(&DType::F64));
    }
}
