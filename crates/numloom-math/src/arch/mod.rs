//! One file per instruction set: its vector, and the one function that enables it. And one for the register that all floats heed.

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
pub(crate) mod aarch64;
pub(crate) mod control;
pub(crate) mod scalar;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86_64;

/// The arithmetic operators of a vector, by two-operand functions; and with a number in every lane on the right.
macro_rules! operators {
    ($vector:ident: $($trait:ident $method:ident $with:expr;)*) => {$(
        impl std::ops::$trait for $vector {
            type Output = Self;
            #[inline(always)]
            fn $method(self, o: Self) -> Self {
                $with(self, o)
            }
        }
        impl std::ops::$trait<f64> for $vector {
            type Output = Self;
            #[inline(always)]
            fn $method(self, o: f64) -> Self {
                $with(self, self.of(o))
            }
        }
    )*};
}

pub(crate) use operators;
