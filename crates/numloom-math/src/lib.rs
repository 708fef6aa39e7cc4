//! Elementary functions over blocks of numbers.
//!
//! **Should I use this crate?** No, use `numloom`. This is the rabbit hole behind it: what `sin`, `exp` or `pow` of an array
//! element is, to the last bit.
//!
//! What goes in: slices of `f64` or `f32`, contiguous and of equal length, zero included. What comes out: one function value
//! per element, in the slice that comes first; or both by pointers, where no reference may be formed ([`OnPointers`]). What it never does: allocate, or treat an element differently for
//! its position in the block or the machine it runs on.
//!
//! ```
//! use numloom_math::{Isa, atan2_f64};
//!
//! let mut angle = [0.0; 3];
//! atan2_f64(Isa::best(), &mut angle, &[0.0, 1.0, -0.0], &[1.0, 0.0, -1.0]);
//! assert_eq!(angle, [0.0, std::f64::consts::FRAC_PI_2, -std::f64::consts::PI]);
//! ```
//!
//! **One kernel for all.** Each function is written once, over vectors of `f64` lanes ([`Isa`] says of how many), as one fixed sequence of IEEE
//! operations: with AVX-512, AVX2 or NEON, or one lane at a time, the same bits come out, whatever the length of the block
//! and wherever it lies. Nothing branches on the value of an element but the reduction of huge angles and the special values of powers.
//! `f32` functions go through `f64` lanes and round once more, which is correct rounding but for a handful of inputs.
//!
//! How far each may be from the true value stands in one table, [`accuracy`]. Special values are those of the C standard,
//! Annex F, which NumPy's are as well: `pow(1, nan)` is 1, `hypot(inf, nan)` is infinite, `atan2` knows the signs of zeros.
//! The sign and payload of a NaN that comes out are not promised.

pub mod accuracy;
mod arch;
mod division;
mod float_env;
mod functions;
mod generic;
mod integer;
mod isa;
mod lanes;
mod pointers;
mod table;
#[cfg(target_arch = "x86_64")]
mod twice;

pub use division::*;
pub use float_env::FloatEnv;
pub use functions::*;
pub use integer::*;
pub use isa::{Isa, IsaError};
pub use pointers::OnPointers;
