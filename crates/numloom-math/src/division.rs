//! Division with a whole quotient, over blocks of floats: a table, as that of the elementary functions.

use crate::functions::{Blocks, Function, Places};
use crate::generic::division;
use crate::isa::Isa;
use crate::lanes::{Binary, Lanes};
use crate::pointers;

macro_rules! divisions {
    ($($f64:ident $f32:ident $name:literal = $kernel:expr, $short:expr, $title:literal, $specials:literal;)*) => {
        $(
            #[doc = concat!($title, " of two blocks, in `f64`: ", $specials, ".")]
            ///
            /// # Panics
            /// If the lengths differ.
            pub fn $f64(isa: Isa, dst: &mut [f64], x: &[f64], y: &[f64]) {
                pointers::binary_block::<kernels::$f64, f64>(isa, dst, x, y);
            }

            #[doc = concat!($title, " of two blocks, in `f32`: ", $specials, ".")]
            ///
            /// # Panics
            /// If the lengths differ.
            pub fn $f32(isa: Isa, dst: &mut [f32], x: &[f32], y: &[f32]) {
                pointers::binary_block::<kernels::$f32, f32>(isa, dst, x, y);
            }
        )*

        /// The divisions with a whole quotient. They are exact or rounded as they are defined, so [`accuracy`](crate::accuracy) has no rows of them.
        pub static DIVISIONS: &[Function] = &[
            $( Function {
                name: $name,
                blocks: Blocks::Binary {
                    f64: $f64,
                    f32: $f32,
                },
                places: Places {
                    f64: pointers::binary::<kernels::$f64, f64>,
                    f32: pointers::binary::<kernels::$f32, f32>,
                },
            }, )*
        ];

        #[expect(non_camel_case_types, reason = "a kernel has the name of its function")]
        mod kernels {
            use super::*;

            $(
                pub(super) struct $f64;

                impl Binary for $f64 {
                    #[inline(always)]
                    fn lanes<V: Lanes>(x: V, y: V) -> V {
                        $kernel(x, y)
                    }
                }

                pub(super) struct $f32;

                impl Binary for $f32 {
                    #[inline(always)]
                    fn lanes<V: Lanes>(x: V, y: V) -> V {
                        $short(x, y)
                    }
                }
            )*
        }
    };
}

divisions! {
    fmod_f64 fmod_f32 "fmod" = division::fmod, division::fmod, "What division toward zero leaves, exactly",
        "of the sign of x, itself by an infinity, NaN by zero and of infinities";
    rem_f64 rem_f32 "rem" = division::rem, division::rem, "What division rounded down leaves",
        "of the sign of y, exact but for one rounding where the signs of x and y differ, NaN by zero and of infinities";
    floor_div_f64 floor_div_f32 "floor_div" = division::floor_div::<V, false>, division::floor_div::<V, true>, "Quotient rounded down",
        "of x less its remainder, so that the two fit together; the quotient of IEEE by zero, NaN of infinities";
}
