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
