//! One field to one element.

use numloom_data::{Complex, Element, Scalar, f16};

/// Why a field is no element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// It is written otherwise.
    Syntax,
    /// It is a whole number that the dtype does not hold.
    Range,
}

/// An element that can be written as text. White space around it has been taken off.
pub(crate) trait Number: Element {
    /// What stands for a missing value: NaN, if there is one.
    const MISSING: Option<Self>;

    fn parse(field: &[u8]) -> Result<Self, Bad>;
}

macro_rules! floats {
    ($($type:ty),*) => {$(
        impl Number for $type {
            const MISSING: Option<$type> = Some(<$type>::NAN);

            #[inline]
            fn parse(field: &[u8]) -> Result<$type, Bad> {
                fast_float2::parse(field).map_err(|_| Bad::Syntax)
            }
        }
    )*};
}
floats!(f32, f64);

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Number for $type {
            const MISSING: Option<$type> = None;

            #[inline]
            fn parse(field: &[u8]) -> Result<$type, Bad> {
                let (negative, magnitude) = magnitude(field)?;
                let value = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
                <$type>::try_from(value).map_err(|_| Bad::Range)
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

/// A sign and decimal digits.
#[inline]
fn magnitude(field: &[u8]) -> Result<(bool, u64), Bad> {
    let (negative, digits) = match field {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return Err(Bad::Syntax);
    }
    let (mut value, mut range) = (0u64, Ok(()));
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Bad::Syntax);
        }
        let next = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(digit.into()));
        // Text behind too many digits is still no number.
        match next {
            Some(next) => value = next,
            None => range = Err(Bad::Range),
        }
    }
    range.map(|()| (negative, value))
}

impl Number for bool {
    const MISSING: Option<bool> = None;

    fn parse(field: &[u8]) -> Result<bool, Bad> {
        match field {
            b"0" => Ok(false),
            b"1" => Ok(true),
            _ if field.eq_ignore_ascii_case(b"true") => Ok(true),
            _ if field.eq_ignore_ascii_case(b"false") => Ok(false),
            _ => Err(Bad::Syntax),
        }
    }
}

impl Number for f16 {
    const MISSING: Option<f16> = Some(f16::NAN);

    fn parse(field: &[u8]) -> Result<f16, Bad> {
        f64::parse(field).map(f16::from_f64)
    }
}

macro_rules! complex {
    ($($type:ty),*) => {$(
        /// `1.5-2j`, or as Python writes it: `(1.5-2j)`.
        impl Number for Complex<$type> {
            const MISSING: Option<Self> = Some(Complex::new(<$type>::NAN, 0.0));

            fn parse(field: &[u8]) -> Result<Self, Bad> {
                let field = match field {
                    [b'(', inner @ .., b')'] => inner,
                    field => field,
                };
                let text = str::from_utf8(field).map_err(|_| Bad::Syntax)?;
                let scalar = Scalar::parse(Self::DTYPE, text).map_err(|_| Bad::Syntax)?;
                Ok(Self::from_scalar(&scalar).expect("parsed as this dtype"))
            }
        }
    )*};
}
complex!(f32, f64);

/// Without the spaces and tabs around it.
#[inline]
pub(crate) fn trim(field: &[u8]) -> &[u8] {
    let space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let mut field = field;
    while space(field.first()) {
        field = &field[1..];
    }
    while space(field.last()) {
        field = &field[..field.len() - 1];
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_digits_with_a_sign_and_know_their_range() {
        assert_eq!(i8::parse(b"-128"), Ok(-128));
        assert_eq!(i8::parse(b"+127"), Ok(127));
        assert_eq!(i8::parse(b"128"), Err(Bad::Range));
        assert_eq!(u8::parse(b"-1"), Err(Bad::Range));
        assert_eq!(u8::parse(b"-0"), Ok(0));
        assert_eq!(u64::parse(b"18446744073709551615"), Ok(u64::MAX));
        assert_eq!(u64::parse(b"18446744073709551616"), Err(Bad::Range));
        assert_eq!(i64::parse(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(i64::parse(b"-9223372036854775809"), Err(Bad::Range));
        assert_eq!(i64::parse(b"000000000000000000000000000007"), Ok(7));
        for text in [
            "",
            "-",
            "+",
            "1.0",
            "1e3",
            "0x1",
            "1_0",
            "- 1",
            "99999999999999999999x",
        ] {
            assert_eq!(i64::parse(text.as_bytes()), Err(Bad::Syntax), "{text:?}");
        }
    }

    #[test]
    fn floats_are_read_as_python_reads_them() {
        for (text, value) in [
            ("1", 1.0),
            ("-0.0", -0.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e400", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("Infinity", f64::INFINITY),
            ("4.9e-324", 5e-324),
            ("0.1", 0.1),
            (
                "123456789012345678901234567890",
                123456789012345678901234567890.0,
            ),
        ] {
            assert_eq!(
                f64::parse(text.as_bytes()).unwrap().to_bits(),
                value.to_bits()
            );
        }
        assert!(f64::parse(b"NaN").unwrap().is_nan());
        for text in [
            "", ".", "1e", "1,5", "0x1p3", "1.5f", "--1", "1 2", "na", "1\0",
        ] {
            assert_eq!(f64::parse(text.as_bytes()), Err(Bad::Syntax), "{text:?}");
        }
    }

    #[test]
    fn complex_numbers_may_stand_in_parentheses() {
        for text in ["1.5-2j", "(1.5-2j)"] {
            assert_eq!(
                Complex::<f64>::parse(text.as_bytes()),
                Ok(Complex::new(1.5, -2.0))
            );
        }
        assert_eq!(Complex::<f32>::parse(b"(1"), Err(Bad::Syntax));
        assert_eq!(bool::parse(b"TRUE"), Ok(true));
        assert_eq!(bool::parse(b"2"), Err(Bad::Syntax));
        assert_eq!(trim(b" \t 1 2\t"), b"1 2");
        assert_eq!(trim(b"  "), b"");
    }
}
