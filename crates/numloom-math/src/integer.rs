//! Division of integers of up to 32 bits, over blocks: as floats, since vectors divide floats and no integers.
//!
//! A quotient that is no integer differs from the next one by a part in 2^32 of itself at least (2^16, of integers of 16 bits), and a float's rounding is far less:
//! rounding it down or toward zero is exact. The loops are plain, and compiled for each instruction set.

use crate::isa::Isa;
use crate::lanes::{Job, Lanes};

/// An operation over blocks: `by_floats` where rounding is an instruction, `by_integers` where it is a call.
struct Block<'a, T, F, I> {
    dst: &'a mut [T],
    x: &'a [T],
    y: &'a [T],
    by_floats: F,
    by_integers: I,
}

impl<T: Copy, F: Fn(T, T) -> T, I: Fn(T, T) -> T> Job for Block<'_, T, F, I> {
    #[inline(always)]
    fn run<V: Lanes>(self, _: V::Proof) {
        let elements = self.dst.iter_mut().zip(self.x).zip(self.y);
        if V::N == 1 {
            elements.for_each(|((dst, &x), &y)| *dst = (self.by_integers)(x, y));
        } else {
            elements.for_each(|((dst, &x), &y)| *dst = (self.by_floats)(x, y));
        }
    }
}

/// The quotient rounded down, and what it leaves; y is not 0.
#[inline(always)]
fn floor(x: i64, y: i64) -> (i64, i64) {
    let (quotient, rest) = (x / y, x % y);
    if rest != 0 && (rest < 0) != (y < 0) {
        (quotient - 1, rest + y)
    } else {
        (quotient, rest)
    }
}

macro_rules! integers {
    ($($type:ident $float:ident $magic:literal $floor_div:ident $rem:ident $fmod:ident;)*) => {$(
        integers! { $type $float $magic $floor_div floor
            "The quotient, rounded down; 0 by zero. What does not fit wraps.",
            |quotient: $type, _, _| quotient,
            |x, y| floor(x, y).0 }
        integers! { $type $float $magic $rem floor
            "What division rounded down leaves, with the sign of y; 0 by zero.",
            |quotient: $type, x: $type, y: $type| x.wrapping_sub(quotient.wrapping_mul(y)),
            |x, y| floor(x, y).1 }
        integers! { $type $float $magic $fmod trunc
            "What division toward zero leaves, with the sign of x; 0 by zero.",
            |quotient: $type, x: $type, y: $type| x.wrapping_sub(quotient.wrapping_mul(y)),
            |x: i64, y: i64| x % y }
    )*};
    ($type:ident $float:ident $magic:literal $name:ident $round:ident $doc:literal, $of_quotient:expr, $by_integers:expr) => {
        #[doc = $doc]
        ///
        /// # Panics
        /// If the lengths differ.
        pub fn $name(isa: Isa, dst: &mut [$type], x: &[$type], y: &[$type]) {
            assert_eq!(dst.len(), x.len(), "result and dividend have one length");
            assert_eq!(dst.len(), y.len(), "result and divisor have one length");
            isa.run(Block {
                dst,
                x,
                y,
                by_floats: |x: $type, y: $type| {
                    // 1.5 times the power of two from which on a float has no fraction: what is added to it stands in its lowest bits.
                    let rounded = ($float::from(x) / $float::from(y)).$round() + $magic;
                    let result = $of_quotient(rounded.to_bits() as $type, x, y);
                    if y == 0 { 0 } else { result }
                },
                by_integers: |x: $type, y: $type| if y == 0 { 0 } else { $by_integers(i64::from(x), i64::from(y)) as $type },
            });
        }
    };
}

integers! {
    i8  f32 12582912.0 floor_div_i8 rem_i8 fmod_i8;
    u8  f32 12582912.0 floor_div_u8 rem_u8 fmod_u8;
    i16 f32 12582912.0 floor_div_i16 rem_i16 fmod_i16;
    u16 f32 12582912.0 floor_div_u16 rem_u16 fmod_u16;
    i32 f64 6755399441055744.0 floor_div_i32 rem_i32 fmod_i32;
    u32 f64 6755399441055744.0 floor_div_u32 rem_u32 fmod_u32;
}
