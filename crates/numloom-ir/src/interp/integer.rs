//! What operations mean on integers.
//!
//! Everything wraps and nothing traps, as NumPy's integers do: dividing by zero gives 0, and the one quotient that does
//! not fit, the least signed integer by -1, wraps to itself.

use super::arithmetic::Arithmetic;
use super::item::Item;

/// An integer element.
pub(super) trait Integer: Item {
    /// `x` to the power `y`, wrapping; none for a negative `y`, for no integer is the answer.
    fn pow(self, y: Self) -> Option<Self>;
    /// Bits moved up by `y`; a count that is negative or at least the width moves all of them out.
    fn shl(self, y: Self) -> Self;
    /// Bits moved down by `y`, copies of the sign after them; a count that is negative or at least the width leaves
    /// only those.
    fn shr(self, y: Self) -> Self;
    /// The number of set bits.
    fn popcount(self) -> Self;
    /// The greatest common divisor of |x| and |y|, 0 for two zeros. The size of the least signed integer is taken as it
    /// is, and the result wraps.
    fn gcd(self, y: Self) -> Self;
    /// The least common multiple of |x| and |y|, wrapping; 0 if either is.
    fn lcm(self, y: Self) -> Self;
}

/// `$x` to the power `$y`, by squaring.
macro_rules! power {
    ($x:expr, $y:expr) => {{
        let (mut base, mut exponent) = ($x, $y);
        let mut result = 1;
        while exponent != 0 {
            if exponent & 1 == 1 {
                result = base.wrapping_mul(result);
            }
            base = base.wrapping_mul(base);
            exponent >>= 1;
        }
        result
    }};
}

/// The greatest common divisor of two unsigned integers.
macro_rules! common_divisor {
    ($x:expr, $y:expr) => {{
        let (mut x, mut y) = ($x, $y);
        while y != 0 {
            (x, y) = (y, x % y);
        }
        x
    }};
}

macro_rules! signed {
    ($($type:ty)*) => {$(
        impl Arithmetic for $type {
            fn neg(self) -> Self {
                self.wrapping_neg()
            }

            fn abs(self) -> Self {
                self.wrapping_abs()
            }

            fn sign(self) -> Self {
                self.signum()
            }

            fn add(self, y: Self) -> Self {
                self.wrapping_add(y)
            }

            fn sub(self, y: Self) -> Self {
                self.wrapping_sub(y)
            }

            fn mul(self, y: Self) -> Self {
                self.wrapping_mul(y)
            }

            fn floor_div(self, y: Self) -> Self {
                if y == 0 {
                    return 0;
                }
                let toward_zero = self.wrapping_div(y);
                // Below zero and inexact, so at least one above the least value.
                let above = self.wrapping_rem(y) != 0 && (self < 0) != (y < 0);
                if above { toward_zero - 1 } else { toward_zero }
            }

            fn rem(self, y: Self) -> Self {
                let remainder = self.fmod(y);
                // Of opposite signs, so the sum fits.
                let other_sign = remainder != 0 && (remainder < 0) != (y < 0);
                if other_sign { remainder + y } else { remainder }
            }

            fn fmod(self, y: Self) -> Self {
                if y == 0 { 0 } else { self.wrapping_rem(y) }
            }
        }

        impl Integer for $type {
            fn pow(self, y: Self) -> Option<Self> {
                if y < 0 { None } else { Some(power!(self, y)) }
            }

            fn shl(self, y: Self) -> Self {
                if 0 <= y && y < Self::BITS as $type { self << y } else { 0 }
            }

            fn shr(self, y: Self) -> Self {
                if 0 <= y && y < Self::BITS as $type { self >> y } else { self >> (Self::BITS - 1) }
            }

            fn popcount(self) -> Self {
                self.count_ones() as Self
            }

            fn gcd(self, y: Self) -> Self {
                self.unsigned_abs().gcd(y.unsigned_abs()).cast_signed()
            }

            fn lcm(self, y: Self) -> Self {
                self.unsigned_abs().lcm(y.unsigned_abs()).cast_signed()
            }
        }
    )*};
}

macro_rules! unsigned {
    ($($type:ty)*) => {$(
        impl Arithmetic for $type {
            fn neg(self) -> Self {
                self.wrapping_neg()
            }

            fn abs(self) -> Self {
                self
            }

            fn sign(self) -> Self {
                Self::from(self != 0)
            }

            fn add(self, y: Self) -> Self {
                self.wrapping_add(y)
            }

            fn sub(self, y: Self) -> Self {
                self.wrapping_sub(y)
            }

            fn mul(self, y: Self) -> Self {
                self.wrapping_mul(y)
            }

            fn floor_div(self, y: Self) -> Self {
                if y == 0 { 0 } else { self / y }
            }

            fn rem(self, y: Self) -> Self {
                if y == 0 { 0 } else { self % y }
            }

            fn fmod(self, y: Self) -> Self {
                if y == 0 { 0 } else { self % y }
            }
        }

        impl Integer for $type {
            fn pow(self, y: Self) -> Option<Self> {
                Some(power!(self, y))
            }

            fn shl(self, y: Self) -> Self {
                if y < Self::BITS as $type { self << y } else { 0 }
            }

            fn shr(self, y: Self) -> Self {
                if y < Self::BITS as $type { self >> y } else { 0 }
            }

            fn popcount(self) -> Self {
                self.count_ones() as Self
            }

            fn gcd(self, y: Self) -> Self {
                common_divisor!(self, y)
            }

            fn lcm(self, y: Self) -> Self {
                match self.gcd(y) {
                    0 => 0,
                    divisor => (self / divisor).wrapping_mul(y),
                }
            }
        }
    )*};
}

signed! { i8 i16 i32 i64 }
unsigned! { u8 u16 u32 u64 }
