//! One value of any dtype.

use std::fmt;
use std::hash::{Hash, Hasher};

use half::f16;
use num_complex::Complex;

use crate::dtype::DType;
use crate::error::{DataError, DataErrorKind};

/// One value, with its dtype.
///
/// Equality and hashing are **by bits**: `-0.0` is not `0.0`, and a NaN equals itself. Each value prints so that
/// [`Scalar::parse`] reads it back, with `{:#}` to the last bit of a NaN.
///
/// ```
/// use numloom_data::{DType, Scalar};
///
/// let x = Scalar::from(0.1f32);
/// assert_eq!(x.dtype(), DType::F32);
/// assert_eq!(x.to_string(), "0.1");
/// assert_eq!(Scalar::parse(DType::F32, "0.1")?, x);
/// assert_ne!(Scalar::from(0.0), Scalar::from(-0.0));
/// # Ok::<(), numloom_data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// A signed 8-bit integer.
    I8(i8),
    /// A signed 16-bit integer.
    I16(i16),
    /// A signed 32-bit integer.
    I32(i32),
    /// A signed 64-bit integer.
    I64(i64),
    /// An unsigned 8-bit integer.
    U8(u8),
    /// An unsigned 16-bit integer.
    U16(u16),
    /// An unsigned 32-bit integer.
    U32(u32),
    /// An unsigned 64-bit integer.
    U64(u64),
    /// A binary16 number.
    F16(f16),
    /// A binary32 number.
    F32(f32),
    /// A binary64 number.
    F64(f64),
    /// A complex number of two binary32.
    C64(Complex<f32>),
    /// A complex number of two binary64.
    C128(Complex<f64>),
    /// A byte string; its length is that of its dtype, trailing zeros included.
    Bytes(Box<[u8]>),
}

impl Scalar {
    /// The dtype of this value.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match self {
            Scalar::Bool(_) => DType::Bool,
            Scalar::I8(_) => DType::I8,
            Scalar::I16(_) => DType::I16,
            Scalar::I32(_) => DType::I32,
            Scalar::I64(_) => DType::I64,
            Scalar::U8(_) => DType::U8,
            Scalar::U16(_) => DType::U16,
            Scalar::U32(_) => DType::U32,
            Scalar::U64(_) => DType::U64,
            Scalar::F16(_) => DType::F16,
            Scalar::F32(_) => DType::F32,
            Scalar::F64(_) => DType::F64,
            Scalar::C64(_) => DType::C64,
            Scalar::C128(_) => DType::C128,
            // A longer value has no dtype of its length; none can be stored, so the nearest will do.
            Scalar::Bytes(bytes) => DType::Bytes(u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
        }
    }

    /// Zero, false, or a string of zero bytes.
    #[must_use]
    pub fn zero(dtype: DType) -> Scalar {
        match dtype {
            DType::Bytes(n) => Scalar::Bytes(vec![0; n as usize].into()),
            other => Scalar::from_bits(other, 0),
        }
    }

    /// The bits of the value, zero-extended; a complex number has its real part in the low half.
    ///
    /// Of a byte string these are the first 16 bytes, the first one lowest: a prefix, not an identity.
    #[must_use]
    pub fn bits(&self) -> u128 {
        match self {
            Scalar::Bool(x) => u128::from(*x),
            Scalar::I8(x) => u128::from(x.cast_unsigned()),
            Scalar::I16(x) => u128::from(x.cast_unsigned()),
            Scalar::I32(x) => u128::from(x.cast_unsigned()),
            Scalar::I64(x) => u128::from(x.cast_unsigned()),
            Scalar::U8(x) => u128::from(*x),
            Scalar::U16(x) => u128::from(*x),
            Scalar::U32(x) => u128::from(*x),
            Scalar::U64(x) => u128::from(*x),
            Scalar::F16(x) => u128::from(x.to_bits()),
            Scalar::F32(x) => u128::from(x.to_bits()),
            Scalar::F64(x) => u128::from(x.to_bits()),
            Scalar::C64(z) => u128::from(z.re.to_bits()) | u128::from(z.im.to_bits()) << 32,
            Scalar::C128(z) => u128::from(z.re.to_bits()) | u128::from(z.im.to_bits()) << 64,
            Scalar::Bytes(bytes) => {
                let prefix = bytes.iter().take(16).enumerate();
                prefix.fold(0, |bits, (i, &byte)| bits | u128::from(byte) << (8 * i))
            }
        }
    }

    /// The value with these bits, the inverse of [`bits`](Scalar::bits); higher bits are ignored, a nonzero `bool` is
    /// true. A byte string past 16 bytes is filled with zeros.
    #[must_use]
    pub fn from_bits(dtype: DType, bits: u128) -> Scalar {
        match dtype {
            DType::Bool => Scalar::Bool(bits as u8 != 0),
            DType::I8 => Scalar::I8(bits as i8),
            DType::I16 => Scalar::I16(bits as i16),
            DType::I32 => Scalar::I32(bits as i32),
            DType::I64 => Scalar::I64(bits as i64),
            DType::U8 => Scalar::U8(bits as u8),
            DType::U16 => Scalar::U16(bits as u16),
            DType::U32 => Scalar::U32(bits as u32),
            DType::U64 => Scalar::U64(bits as u64),
            DType::F16 => Scalar::F16(f16::from_bits(bits as u16)),
            DType::F32 => Scalar::F32(f32::from_bits(bits as u32)),
            DType::F64 => Scalar::F64(f64::from_bits(bits as u64)),
            DType::C64 => Scalar::C64(Complex::new(
                f32::from_bits(bits as u32),
                f32::from_bits((bits >> 32) as u32),
            )),
            DType::C128 => Scalar::C128(Complex::new(
                f64::from_bits(bits as u64),
                f64::from_bits((bits >> 64) as u64),
            )),
            DType::Bytes(n) => {
                let mut bytes = vec![0; n as usize];
                for (byte, low) in bytes.iter_mut().zip(bits.to_le_bytes()) {
                    *byte = low;
                }
                Scalar::Bytes(bytes.into())
            }
        }
    }

    /// Same dtype and same bits. This is what `==` means here; the name says it where it matters.
    #[must_use]
    pub fn same_bits(&self, other: &Scalar) -> bool {
        match (self, other) {
            (Scalar::Bytes(a), Scalar::Bytes(b)) => a == b,
            (a, b) => a.dtype() == b.dtype() && a.bits() == b.bits(),
        }
    }

    /// The value as `i128`, if it is an integer or a bool.
    #[must_use]
    pub fn as_i128(&self) -> Option<i128> {
        Some(match self {
            Scalar::Bool(x) => i128::from(*x),
            Scalar::I8(x) => i128::from(*x),
            Scalar::I16(x) => i128::from(*x),
            Scalar::I32(x) => i128::from(*x),
            Scalar::I64(x) => i128::from(*x),
            Scalar::U8(x) => i128::from(*x),
            Scalar::U16(x) => i128::from(*x),
            Scalar::U32(x) => i128::from(*x),
            Scalar::U64(x) => i128::from(*x),
            _ => return None,
        })
    }

    /// The value as `f64`, rounded to nearest if need be; none for complex numbers and byte strings.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        Some(match self {
            Scalar::F16(x) => x.to_f64(),
            Scalar::F32(x) => f64::from(*x),
            Scalar::F64(x) => *x,
            // 64 bits fit i128, so this is the one rounding.
            other => other.as_i128()? as f64,
        })
    }

    /// Writes the value in native byte order to the first [`itemsize`](DType::itemsize) bytes of `dst`.
    ///
    /// # Panics
    /// If `dst` is shorter.
    ///
    /// ```
    /// use numloom_data::Scalar;
    /// let mut bytes = [0; 4];
    /// Scalar::from(-2i32).write_bytes(&mut bytes);
    /// assert_eq!(i32::from_ne_bytes(bytes), -2);
    /// ```
    pub fn write_bytes(&self, dst: &mut [u8]) {
        match self {
            Scalar::C64(z) => {
                dst[..4].copy_from_slice(&z.re.to_ne_bytes());
                dst[4..8].copy_from_slice(&z.im.to_ne_bytes());
            }
            Scalar::C128(z) => {
                dst[..8].copy_from_slice(&z.re.to_ne_bytes());
                dst[8..16].copy_from_slice(&z.im.to_ne_bytes());
            }
            Scalar::Bytes(bytes) => dst[..bytes.len()].copy_from_slice(bytes),
            other => {
                let n = other.dtype().itemsize();
                let bits = other.bits();
                if cfg!(target_endian = "little") {
                    dst[..n].copy_from_slice(&bits.to_le_bytes()[..n]);
                } else {
                    dst[..n].copy_from_slice(&bits.to_be_bytes()[16 - n..]);
                }
            }
        }
    }

    /// Reads a value in native byte order from the first [`itemsize`](DType::itemsize) bytes of `src`. A nonzero byte is
    /// a true `bool`.
    ///
    /// # Panics
    /// If `src` is shorter.
    ///
    /// ```
    /// use numloom_data::{DType, Scalar};
    /// assert_eq!(Scalar::read(DType::F64, &1.5f64.to_ne_bytes()), Scalar::F64(1.5));
    /// ```
    #[must_use]
    pub fn read(dtype: DType, src: &[u8]) -> Scalar {
        fn low(src: &[u8], n: usize) -> u128 {
            let mut wide = [0; 16];
            if cfg!(target_endian = "little") {
                wide[..n].copy_from_slice(&src[..n]);
                u128::from_le_bytes(wide)
            } else {
                wide[16 - n..].copy_from_slice(&src[..n]);
                u128::from_be_bytes(wide)
            }
        }
        match dtype {
            DType::C64 => Scalar::from_bits(dtype, low(src, 4) | low(&src[4..], 4) << 32),
            DType::C128 => Scalar::from_bits(dtype, low(src, 8) | low(&src[8..], 8) << 64),
            DType::Bytes(n) => Scalar::Bytes(src[..n as usize].into()),
            other => Scalar::from_bits(other, low(src, other.itemsize())),
        }
    }

    /// Reads what [`Display`](fmt::Display) writes, and the usual variants of it, as a value of `dtype`.
    ///
    /// # Errors
    /// [`BadScalar`](DataErrorKind::BadScalar) with the text, also for an integer that does not fit.
    ///
    /// ```
    /// use numloom_data::{DType, Scalar};
    /// assert_eq!(Scalar::parse(DType::I8, "-128")?, Scalar::I8(-128));
    /// assert!(Scalar::parse(DType::I8, "128").is_err());
    /// # Ok::<(), numloom_data::DataError>(())
    /// ```
    pub fn parse(dtype: DType, text: &str) -> Result<Scalar, DataError> {
        text::parse(dtype, text).ok_or_else(|| {
            DataErrorKind::BadScalar {
                text: text.into(),
                dtype,
            }
            .into()
        })
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        self.same_bits(other)
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.dtype().hash(state);
        match self {
            Scalar::Bytes(bytes) => bytes.hash(state),
            other => other.bits().hash(state),
        }
    }
}

impl From<&[u8]> for Scalar {
    fn from(bytes: &[u8]) -> Scalar {
        Scalar::Bytes(bytes.into())
    }
}

/// The value alone, as Python writes it: `True`, `-3`, `0.1`, `nan`, `(1.0-2.0j)`, `b"a\x00"`, in the shortest digits that
/// read back. With `{:#}`, a NaN of other than the usual bits shows them: `nan(0x7ff8000000000001)`.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&text::print(self, f.alternate()))
    }
}

mod text {
    use super::{Complex, DType, Scalar, f16};

    pub(super) fn print(scalar: &Scalar, exact: bool) -> String {
        match scalar {
            Scalar::Bool(true) => "True".into(),
            Scalar::Bool(false) => "False".into(),
            // f16 has no shortest printer of its own; the digits of the f32 read back exactly.
            Scalar::F16(x) => float(
                f64::from(*x),
                u64::from(x.to_bits()),
                16,
                format!("{:?}", x.to_f32()),
                exact,
            ),
            Scalar::F32(x) => f32_text(*x, exact),
            Scalar::F64(x) => f64_text(*x, exact),
            Scalar::C64(z) => complex(f32_text(z.re, exact), f32_text(z.im, exact)),
            Scalar::C128(z) => complex(f64_text(z.re, exact), f64_text(z.im, exact)),
            Scalar::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
            integer => integer
                .as_i128()
                .expect("all others are integers")
                .to_string(),
        }
    }

    fn f32_text(x: f32, exact: bool) -> String {
        float(
            f64::from(x),
            u64::from(x.to_bits()),
            32,
            format!("{x:?}"),
            exact,
        )
    }

    fn f64_text(x: f64, exact: bool) -> String {
        float(x, x.to_bits(), 64, format!("{x:?}"), exact)
    }

    fn quiet_nan(width: u32) -> u64 {
        match width {
            16 => u64::from(f16::NAN.to_bits()),
            32 => u64::from(f32::NAN.to_bits()),
            _ => f64::NAN.to_bits(),
        }
    }

    fn float(x: f64, bits: u64, width: u32, digits: String, exact: bool) -> String {
        if !x.is_nan() {
            digits
        } else if !exact || bits == quiet_nan(width) {
            "nan".into()
        } else {
            format!("nan(0x{bits:x})")
        }
    }

    fn complex(re: String, im: String) -> String {
        let plus = if im.starts_with('-') { "" } else { "+" };
        format!("({re}{plus}{im}j)")
    }

    pub(super) fn parse(dtype: DType, text: &str) -> Option<Scalar> {
        Some(match dtype {
            DType::Bool => Scalar::Bool(match text {
                "True" | "true" | "1" => true,
                "False" | "false" | "0" => false,
                _ => return None,
            }),
            DType::I8 => Scalar::I8(text.parse().ok()?),
            DType::I16 => Scalar::I16(text.parse().ok()?),
            DType::I32 => Scalar::I32(text.parse().ok()?),
            DType::I64 => Scalar::I64(text.parse().ok()?),
            DType::U8 => Scalar::U8(text.parse().ok()?),
            DType::U16 => Scalar::U16(text.parse().ok()?),
            DType::U32 => Scalar::U32(text.parse().ok()?),
            DType::U64 => Scalar::U64(text.parse().ok()?),
            DType::F16 => Scalar::F16(match nan(text, 16)? {
                Some(bits) => f16::from_bits(bits as u16),
                None => text.parse().ok()?,
            }),
            DType::F32 => Scalar::F32(parse_f32(text)?),
            DType::F64 => Scalar::F64(parse_f64(text)?),
            DType::C64 => {
                let (re, im) = split_complex(text)?;
                Scalar::C64(Complex::new(parse_f32(re)?, parse_f32(im)?))
            }
            DType::C128 => {
                let (re, im) = split_complex(text)?;
                Scalar::C128(Complex::new(parse_f64(re)?, parse_f64(im)?))
            }
            DType::Bytes(n) => {
                let quoted = text.strip_prefix("b\"")?.strip_suffix('"')?;
                let mut bytes = unescape(quoted)?;
                if bytes.len() > n as usize {
                    return None;
                }
                bytes.resize(n as usize, 0);
                Scalar::Bytes(bytes.into())
            }
        })
    }

    fn parse_f32(text: &str) -> Option<f32> {
        match nan(text, 32)? {
            Some(bits) => Some(f32::from_bits(bits as u32)),
            None => text.parse().ok(),
        }
    }

    fn parse_f64(text: &str) -> Option<f64> {
        match nan(text, 64)? {
            Some(bits) => Some(f64::from_bits(bits)),
            None => text.parse().ok(),
        }
    }

    /// The bits of `nan` or `nan(0x…)`; `Some(None)` if the text is something else, `None` if it is a broken NaN.
    fn nan(text: &str, width: u32) -> Option<Option<u64>> {
        let Some(rest) = text.strip_prefix("nan") else {
            return Some(None);
        };
        if rest.is_empty() {
            return Some(Some(quiet_nan(width)));
        }
        let digits = rest.strip_prefix("(0x")?.strip_suffix(')')?;
        let bits = u64::from_str_radix(digits, 16).ok()?;
        let exponent = match width {
            16 => 0x7c00,
            32 => 0x7f80_0000,
            _ => 0x7ff0_0000_0000_0000,
        };
        let sign = 1 << (width - 1);
        let fits = width == 64 || bits >> width == 0;
        (fits && bits & !sign > exponent).then_some(Some(bits))
    }

    /// `(1.0-2.0j)` to its parts. The sign that parts them is the last one that is no exponent's.
    fn split_complex(text: &str) -> Option<(&str, &str)> {
        let inner = match text.strip_prefix('(') {
            Some(inner) => inner.strip_suffix(')')?,
            None => text,
        };
        let Some(inner) = inner.strip_suffix('j') else {
            return Some((inner, "0"));
        };
        let bytes = inner.as_bytes();
        let sign = (1..bytes.len())
            .rev()
            .find(|&i| matches!(bytes[i], b'+' | b'-') && !matches!(bytes[i - 1], b'e' | b'E'));
        Some(match sign {
            Some(i) if bytes[i] == b'+' => (&inner[..i], &inner[i + 1..]),
            Some(i) => inner.split_at(i),
            None => ("0", inner),
        })
    }

    fn unescape(text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'"' => return None,
                b'\\' => match rest.next()? {
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'n' => b'\n',
                    c @ (b'\\' | b'\'' | b'"') => c,
                    b'x' => {
                        let digit = |b: u8| char::from(b).to_digit(16);
                        (digit(rest.next()?)? * 16 + digit(rest.next()?)?) as u8
                    }
                    _ => return None,
                },
                plain => plain,
            });
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn display_and_bytes_read_back_the_same_bits(kind in 0..DType::ALL.len(), bits: u128) {
            let dtype = DType::ALL[kind];
            let value = Scalar::from_bits(dtype, bits);
            prop_assert_eq!(Scalar::parse(dtype, &format!("{value:#}")).unwrap(), value.clone());
            prop_assert_eq!(Scalar::from_bits(dtype, value.bits()), value.clone());
            let mut bytes = [0; 16];
            value.write_bytes(&mut bytes);
            prop_assert_eq!(Scalar::read(dtype, &bytes), value);
        }

        #[test]
        fn byte_strings_read_back(bytes: Vec<u8>) {
            let value = Scalar::from(&bytes[..]);
            prop_assert_eq!(Scalar::parse(value.dtype(), &value.to_string()).unwrap(), value);
        }

        #[test]
        fn any_text_is_parsed_without_panic(kind in 0..DType::ALL.len(), text: String) {
            let _ = Scalar::parse(DType::ALL[kind], &text);
            let _ = Scalar::parse(DType::Bytes(3), &format!("b\"{text}\""));
        }
    }

    #[test]
    fn values_print_as_python_writes_them() {
        let cases = [
            (Scalar::Bool(true), "True"),
            (Scalar::F64(1.0), "1.0"),
            (Scalar::F64(-0.0), "-0.0"),
            (Scalar::F64(f64::NAN), "nan"),
            (Scalar::F32(f32::NEG_INFINITY), "-inf"),
            (Scalar::F64(5e-324), "5e-324"),
            (Scalar::C64(Complex::new(1.0, -0.0)), "(1.0-0.0j)"),
            (Scalar::Bytes((*b"a\0\"").into()), "b\"a\\x00\\\"\""),
        ];
        for (value, text) in cases {
            assert_eq!(value.to_string(), text);
        }
        let odd = Scalar::F64(f64::from_bits(0x7ff8_0000_0000_0001));
        assert_eq!(odd.to_string(), "nan");
        assert_eq!(format!("{odd:#}"), "nan(0x7ff8000000000001)");
    }

    #[test]
    fn broken_texts_are_refused() {
        for text in ["nan(0x0)", "nan(0x1f7f800001)", "nan(", "nan()", "", "1,0"] {
            assert!(Scalar::parse(DType::F32, text).is_err(), "{text}");
        }
        assert!(Scalar::parse(DType::Bytes(1), "b\"ab\"").is_err());
        assert!(Scalar::parse(DType::U8, "-1").is_err());
    }

    #[test]
    fn all_integers_convert_exactly() {
        assert_eq!(Scalar::U64(u64::MAX).as_i128(), Some(i128::from(u64::MAX)));
        assert_eq!(Scalar::U64(u64::MAX).as_f64(), Some(18446744073709551616.0));
        assert_eq!(Scalar::F32(1.0).as_i128(), None);
        assert_eq!(Scalar::C64(Complex::new(1.0, 0.0)).as_f64(), None);
    }
}
