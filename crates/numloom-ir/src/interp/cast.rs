//! What conversions mean.
//!
//! Every element of every dtype is exactly a [`Number`], so a conversion is a source's way to a number and a target's three ways
//! from one, after [`CastMode`](crate::CastMode). Into `bool` all modes ask the same, `x != 0`, and none faults. Into floats
//! all modes round to nearest, ties to even, **once**; only a finite number that overflows to infinity is out of range.
//! NumPy leaves float to integer out of range to the machine; here it is fixed: wrapping or saturating, by the mode.

use half::f16;

use super::item::Item;

/// The value of an element of any dtype, without loss.
#[derive(Clone, Copy)]
pub(super) enum Number {
    /// A signed integer.
    Signed(i64),
    /// An unsigned integer, or `bool` as 0 or 1.
    Unsigned(u64),
    /// A float of any width.
    Real(f64),
}

/// An element to convert from.
pub(super) trait Source: Item {
    /// Its value.
    fn number(self) -> Number;
}

/// An element to convert to.
pub(super) trait Target: Item {
    /// What a checked conversion that faults leaves behind.
    const ZERO: Self;
    /// Modulo 2^width, after truncation toward zero; 0 for NaN and infinities.
    fn wrap(number: Number) -> Self;
    /// The nearest value; 0 for NaN.
    fn saturate(number: Number) -> Self;
    /// The value after truncation toward zero, none if it does not fit.
    fn check(number: Number) -> Option<Self>;
}

macro_rules! sources {
    ($($type:ty, $x:ident => $number:expr;)*) => {$(
        impl Source for $type {
            fn number(self) -> Number {
                let $x = self;
                $number
            }
        }
    )*};
}

sources! {
    bool, x => Number::Unsigned(u64::from(x));
    i8,   x => Number::Signed(i64::from(x));
    i16,  x => Number::Signed(i64::from(x));
    i32,  x => Number::Signed(i64::from(x));
    i64,  x => Number::Signed(x);
    u8,   x => Number::Unsigned(u64::from(x));
    u16,  x => Number::Unsigned(u64::from(x));
    u32,  x => Number::Unsigned(u64::from(x));
    u64,  x => Number::Unsigned(x);
    f16,  x => Number::Real(f64::from(x));
    f32,  x => Number::Real(f64::from(x));
    f64,  x => Number::Real(x);
}

impl Target for bool {
    const ZERO: bool = false;

    /// NaN is not zero, so it is true.
    fn wrap(number: Number) -> bool {
        match number {
            Number::Signed(x) => x != 0,
            Number::Unsigned(x) => x != 0,
            Number::Real(x) => x != 0.0,
        }
    }

    fn saturate(number: Number) -> bool {
        Self::wrap(number)
    }

    fn check(number: Number) -> Option<bool> {
        Some(Self::wrap(number))
    }
}

macro_rules! integer_targets {
    ($($type:ty)*) => {$(
        impl Target for $type {
            const ZERO: $type = 0;

            fn wrap(number: Number) -> $type {
                match number {
                    Number::Signed(x) => x as $type,
                    Number::Unsigned(x) => x as $type,
                    Number::Real(x) => wrap_float(x) as $type,
                }
            }

            fn saturate(number: Number) -> $type {
                match number {
                    Number::Signed(x) => {
                        <$type>::try_from(x).unwrap_or(if x < 0 { <$type>::MIN } else { <$type>::MAX })
                    }
                    Number::Unsigned(x) => <$type>::try_from(x).unwrap_or(<$type>::MAX),
                    Number::Real(x) => x as $type,
                }
            }

            fn check(number: Number) -> Option<$type> {
                match number {
                    Number::Signed(x) => <$type>::try_from(x).ok(),
                    Number::Unsigned(x) => <$type>::try_from(x).ok(),
                    Number::Real(x) => {
                        // Both ends are powers of two (or 0), which f64 holds: the least value, and one past the greatest.
                        let least = <$type>::MIN as f64;
                        let past = (<$type>::MAX / 2 + 1) as f64 * 2.0;
                        let x = x.trunc();
                        (least <= x && x < past).then_some(x as $type)
                    }
                }
            }
        }
    )*};
}

integer_targets! { i8 i16 i32 i64 u8 u16 u32 u64 }

macro_rules! float_targets {
    ($($type:ty, $zero:expr, $signed:path, $unsigned:path, $real:path;)*) => {$(
        impl Target for $type {
            const ZERO: $type = $zero;

            fn wrap(number: Number) -> $type {
                match number {
                    Number::Signed(x) => $signed(x),
                    Number::Unsigned(x) => $unsigned(x),
                    Number::Real(x) => $real(x),
                }
            }

            fn saturate(number: Number) -> $type {
                Self::wrap(number)
            }

            fn check(number: Number) -> Option<$type> {
                let infinite = matches!(number, Number::Real(x) if x.is_infinite());
                let result = Self::wrap(number);
                (infinite || !result.is_infinite()).then_some(result)
            }
        }
    )*};
}

float_targets! {
    f64, 0.0,       single::signed_f64, single::unsigned_f64, single::real_f64;
    f32, 0.0,       single::signed_f32, single::unsigned_f32, single::real_f32;
    f16, f16::ZERO, single::signed_f16, single::unsigned_f16, single::real_f16;
}

/// Conversions to floats with a single rounding, to nearest, ties to even.
mod single {
    use half::f16;

    pub(super) fn signed_f64(x: i64) -> f64 {
        x as f64
    }

    pub(super) fn unsigned_f64(x: u64) -> f64 {
        x as f64
    }

    pub(super) fn real_f64(x: f64) -> f64 {
        x
    }

    pub(super) fn signed_f32(x: i64) -> f32 {
        x as f32
    }

    pub(super) fn unsigned_f32(x: u64) -> f32 {
        x as f32
    }

    pub(super) fn real_f32(x: f64) -> f32 {
        x as f32
    }

    /// Integers that `f64` rounds lie far beyond the largest `f16`, so this rounds once.
    pub(super) fn signed_f16(x: i64) -> f16 {
        real_f16(x as f64)
    }

    /// As [`signed_f16`].
    pub(super) fn unsigned_f16(x: u64) -> f16 {
        real_f16(x as f64)
    }

    /// Written out here because what `half` does depends on the machine: it may go through `f32`, which rounds twice, or
    /// drop the low half of the significand, which loses what breaks a tie.
    pub(super) fn real_f16(x: f64) -> f16 {
        /// Bits of an `f64` significand that `f16` has no room for.
        const DROPPED: u32 = 52 - 10;
        let sign = (x.to_bits() >> 48) as u16 & 0x8000;
        let size = x.abs();
        let bits = size.to_bits();
        let magnitude = if size.is_nan() {
            0x7e00 | (bits >> DROPPED) as u16 & 0x03ff
        } else if size >= 65520.0 {
            // Half a unit above the largest f16 and beyond.
            0x7c00
        } else if size >= 6.103515625e-5 {
            // At least 2^-14, the smallest normal f16: re-bias the exponent, then round away the bits below, where a carry
            // into the exponent is as it should be.
            let rebiased = bits - ((1023 - 15) << 52);
            let odd = rebiased >> DROPPED & 1;
            ((rebiased + (1 << (DROPPED - 1)) - 1 + odd) >> DROPPED) as u16
        } else {
            // A multiple of 2^-24. Scaling up by a power of two is exact, so rounding to an integer is the one rounding.
            (size * 16777216.0).round_ties_even() as u16
        };
        f16::from_bits(sign | magnitude)
    }
}

/// A float truncated toward zero, modulo 2^64; 0 for NaN and infinities. Its low bits are it modulo any narrower width.
fn wrap_float(x: f64) -> u64 {
    /// 2^63.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if x.abs() < LIMIT {
        return x as i64 as u64;
    }
    // From here x is an integer: its 53-bit significand times 2^shift with a shift of at least 11, or it is no number.
    let bits = x.to_bits();
    let shift = (bits >> 52 & 0x7ff) as u32 - 1075;
    let significand = bits & ((1 << 52) - 1) | 1 << 52;
    let size = if x.is_finite() {
        significand.checked_shl(shift).unwrap_or(0)
    } else {
        0
    };
    if x < 0.0 { size.wrapping_neg() } else { size }
}
