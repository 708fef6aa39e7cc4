//! What order means: the smaller and the larger of two.
//!
//! `bool` has false before true. Floats have IEEE's partial order: the zeros are equal, a NaN is in no order and wins.

use super::item::Item;

/// An element that can be compared.
pub(super) trait Ordered: Item + PartialOrd {
    /// The smaller; a NaN wins (of two, the first), and of equal operands the second.
    fn minimum(self, y: Self) -> Self;
    /// The larger; a NaN wins (of two, the first), and of equal operands the second.
    fn maximum(self, y: Self) -> Self;
    /// Whether this is in no order, not even with itself.
    fn is_nan(self) -> bool;
}

macro_rules! ordered {
    ($($type:ty, $is_nan:expr;)*) => {$(
        impl Ordered for $type {
            fn minimum(self, y: Self) -> Self {
                if self < y || $is_nan(self) { self } else { y }
            }

            fn maximum(self, y: Self) -> Self {
                if self > y || $is_nan(self) { self } else { y }
            }

            fn is_nan(self) -> bool {
                $is_nan(self)
            }
        }
    )*};
}

fn never<T>(_: T) -> bool {
    false
}

ordered! {
    i8, never;
    i16, never;
    i32, never;
    i64, never;
    u8, never;
    u16, never;
    u32, never;
    u64, never;
    f32, f32::is_nan;
    f64, f64::is_nan;
}

/// With false before true the smaller is `x and y`, the larger `x or y`.
impl Ordered for bool {
    fn minimum(self, y: bool) -> bool {
        self & y
    }

    fn maximum(self, y: bool) -> bool {
        self | y
    }

    fn is_nan(self) -> bool {
        false
    }
}
