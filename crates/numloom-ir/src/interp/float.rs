//! What operations mean on floats.
//!
//! IEEE arithmetic as written, one rounding each. The sign and payload of a *computed* NaN are not promised, so nothing
//! may let them show: [`Float::is_negative`] and the second operand of [`Float::copysign`] read every NaN as positive.
//! Negation, absolute value and the first operand of [`Float::copysign`] only move bits, and keep those of a NaN.

use super::arithmetic::Arithmetic;
use super::item::Item;

/// A float element.
pub(super) trait Float: Item {
    /// `x / y`.
    fn div(self, y: Self) -> Self;
    /// Square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// The largest integral value not above.
    fn floor(self) -> Self;
    /// The smallest integral value not below.
    fn ceil(self) -> Self;
    /// The integral part.
    fn trunc(self) -> Self;
    /// The nearest integral value, ties to even.
    fn round(self) -> Self;
    /// The float after this one in the direction of `y`; `y` if they are equal, NaN if either is.
    fn next_after(self, y: Self) -> Self;
    /// `self` times 2 to the power `y` without its fraction, rounded once; a NaN `y` reads as 0.
    fn ldexp(self, y: Self) -> Self;
    /// |x| with the sign of `y`.
    fn copysign(self, y: Self) -> Self;
    /// Whether this is NaN.
    fn is_nan(self) -> bool;
    /// Whether this is infinite.
    fn is_infinite(self) -> bool;
    /// Whether this is neither.
    fn is_finite(self) -> bool;
    /// Whether the sign bit is set and this is no NaN.
    fn is_negative(self) -> bool;
}

/// `x` times 2 to the power `n`, rounded once.
///
/// All steps but the last are exact, or so far out that the result is infinite or zero whatever they lost. A step down
/// is 2^53 short of the least normal number: what it makes subnormal, the rest, of more than 53 binary places, takes below every float.
fn scale(mut x: f64, mut n: i32) -> f64 {
    const MOST: i32 = 1023;
    const LEAST: i32 = -1022;
    const DOWN: i32 = LEAST + 53;
    let power = |n: i32| f64::from_bits(((n + 1023) as u64) << 52);
    while n > MOST {
        x *= power(MOST);
        n -= MOST;
    }
    while n < LEAST {
        x *= power(DOWN);
        n -= DOWN;
    }
    x * power(n)
}

macro_rules! floats {
    ($($type:ident)*) => {$(
        impl Arithmetic for $type {
            fn neg(self) -> Self {
                -self
            }

            fn abs(self) -> Self {
                $type::abs(self)
            }

            fn sign(self) -> Self {
                if self > 0.0 {
                    1.0
                } else if self < 0.0 {
                    -1.0
                } else if self == 0.0 {
                    0.0
                } else {
                    self
                }
            }

            fn add(self, y: Self) -> Self {
                self + y
            }

            fn sub(self, y: Self) -> Self {
                self - y
            }

            fn mul(self, y: Self) -> Self {
                self * y
            }

            fn floor_div(self, y: Self) -> Self {
                if y == 0.0 {
                    return self / y;
                }
                let remainder = self % y;
                let mut quotient = (self - remainder) / y;
                if remainder < 0.0 && y > 0.0 || remainder > 0.0 && y < 0.0 {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return $type::copysign(0.0, self / y);
                }
                // An integer but for the rounding of the difference and the division: take the nearest.
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            }

            fn rem(self, y: Self) -> Self {
                let remainder = self % y;
                if remainder == 0.0 {
                    $type::copysign(0.0, y)
                } else if remainder < 0.0 && y > 0.0 || remainder > 0.0 && y < 0.0 {
                    remainder + y
                } else {
                    remainder
                }
            }

            fn fmod(self, y: Self) -> Self {
                self % y
            }
        }

        impl Float for $type {
            fn div(self, y: Self) -> Self {
                self / y
            }

            fn sqrt(self) -> Self {
                $type::sqrt(self)
            }

            fn floor(self) -> Self {
                $type::floor(self)
            }

            fn ceil(self) -> Self {
                $type::ceil(self)
            }

            fn trunc(self) -> Self {
                $type::trunc(self)
            }

            fn round(self) -> Self {
                $type::round_ties_even(self)
            }

            fn next_after(self, y: Self) -> Self {
                if self < y {
                    self.next_up()
                } else if self > y {
                    self.next_down()
                } else if self == y {
                    y
                } else {
                    self + y // one of them is NaN
                }
            }

            fn ldexp(self, y: Self) -> Self {
                // More than enough to leave every float's range; the cast drops the fraction, and gives 0 for NaN.
                scale(f64::from(self), y.clamp(-3000.0, 3000.0) as i32) as $type
            }

            fn copysign(self, y: Self) -> Self {
                let size = $type::abs(self);
                if Float::is_negative(y) { -size } else { size }
            }

            fn is_nan(self) -> bool {
                $type::is_nan(self)
            }

            fn is_infinite(self) -> bool {
                $type::is_infinite(self)
            }

            fn is_finite(self) -> bool {
                $type::is_finite(self)
            }

            fn is_negative(self) -> bool {
                $type::is_sign_negative(self) && !$type::is_nan(self)
            }
        }
    )*};
}

floats! { f32 f64 }
