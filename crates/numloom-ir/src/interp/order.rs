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
}

macro_rules! ordered {
    ($($type:ty, $x:ident => $is_nan:expr;)*) => {$(
        impl Ordered for $type {
            fn minimum(self, y: Self) -> Self {
                let $x = self;
                if $x < y || $is_nan { $x } else { y }
            }

            fn maximum(self, y: Self) -> Self {
                let $x = self;
                if $x > y || $is_nan { $x } else { y }
            }
        }
    )*};
}

ordered! {
    i8, x => false;
    i16, x => false;
    i32, x => false;
    i64, x => false;
    u8, x => false;
    u16, x => false;
    u32, x => false;
    u64, x => false;
    f32, x => x.is_nan();
    f64, x => x.is_nan();
}

/// With false before true the smaller is `x and y`, the larger `x or y`.
impl Ordered for bool {
    fn minimum(self, y: bool) -> bool {
        self & y
    }

    fn maximum(self, y: bool) -> bool {
        self | y
    }
}
