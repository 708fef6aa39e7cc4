//! Elementary functions over blocks of numbers.
//!
//! **Should I use this crate?** No, use `numloom`. This is the rabbit hole behind it: what `sin`, `exp` or `pow` of an array
//! element is, to the last bit.
//!
//! What goes in: slices of `f64` or `f32`, contiguous and of equal length, zero included. What comes out: one function value
//! per element, in the slice that comes first. What it never does: allocate, look at the machine it runs on, or treat an
//! element differently for its position in the block.
//!
//! ```
//! let mut angle = [0.0; 3];
//! numloom_math::atan2_f64(&mut angle, &[0.0, 1.0, -0.0], &[1.0, 0.0, -1.0]);
//! assert_eq!(angle, [0.0, std::f64::consts::FRAC_PI_2, -std::f64::consts::PI]);
//! ```
//!
//! **One element at a time, for now.** The functions here stand on the scalar [`libm`] crate: a fixed sequence of IEEE
//! operations, so the same bits on every machine, unlike the functions of `std`, which are those of the system's C
//! library. Functions over vectors, as fixed in their operations and with tighter bounds, will come behind the same
//! signatures. `f32` functions go through `f64` and round once more, which is correct rounding but for a handful of inputs.
//!
//! How far each may be from the true value stands in one table, [`accuracy`]. Special values are those of the C standard,
//! Annex F, which NumPy's are as well: `pow(1, nan)` is 1, `hypot(inf, nan)` is infinite, `atan2` knows the signs of zeros.
//! The sign and payload of a NaN that comes out are not promised.
#![forbid(unsafe_code)]

pub mod accuracy;
mod acosh;
mod pow;
mod reference;

pub use reference::*;
