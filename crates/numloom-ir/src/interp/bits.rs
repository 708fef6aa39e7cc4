//! What operations on single bits mean: on each bit of an integer, and on a `bool` as on one bit.

use super::item::Item;

/// An element made of bits.
pub(super) trait Bits: Item {
    /// Every bit flipped; of `bool` the other value.
    fn not(self) -> Self;
    /// The bits of both.
    fn and(self, y: Self) -> Self;
    /// The bits of either.
    fn or(self, y: Self) -> Self;
    /// The bits of one but not the other.
    fn xor(self, y: Self) -> Self;
}

macro_rules! bits {
    ($($type:ty)*) => {$(
        impl Bits for $type {
            fn not(self) -> Self {
                !self
            }

            fn and(self, y: Self) -> Self {
                self & y
            }

            fn or(self, y: Self) -> Self {
                self | y
            }

            fn xor(self, y: Self) -> Self {
                self ^ y
            }
        }
    )*};
}

bits! { bool i8 i16 i32 i64 u8 u16 u32 u64 }
