//! The error function and its complement for `f32`, in `f64`: see [`short`](super::short).
//!
//! Sixteen polynomials each, and none of the two a difference of the other and one: that of erf where it is below 1, that of `e^(x²) erfc x` where erfc is not 0.
//! Constants: tools/constants.py.

use super::constants as table;
use super::short::Exponential;
use crate::lanes::{Lanes, MAGIC};
use crate::table::Table;

/// Four coefficients and what follows them.
#[inline(always)]
fn four<V: Lanes>(j: V, x: V, rest: Option<V>, from: &'static Table<4>) -> V {
    let [a, b, c, d] = j.lookup(from);
    let d = match rest {
        Some(rest) => rest.mul_add(x, d),
        None => d,
    };
    d.mul_add(x, c).mul_add(x, b).mul_add(x, a)
}

/// Row and remainder of x in 0 to 15.49 steps.
#[inline(always)]
fn near<V: Lanes>(x: V, step: f64) -> (V, V) {
    let j = x.mul_add(x.of(1.0 / step), x.of(MAGIC));
    (j, (j - MAGIC).mul_sub_from(x.of(step), x))
}

#[inline(always)]
pub(crate) fn erf<V: Lanes>(x: V) -> V {
    // From here on it rounds to 1.
    let size = x.abs().at_most(x.of(15.49 * table::ERF_STEP));
    let (j, x1) = near(size, table::ERF_STEP);
    let erf = four(j, x1, None, &table::ERF_FROM_8);
    let erf = four(j, x1, Some(erf), &table::ERF_FROM_4);
    four(j, x1, Some(erf), &table::ERF_FROM_0).or(x.sign())
}

#[inline(always)]
pub(crate) fn erfc<V: Lanes>(x: V) -> V {
    // From here on it rounds to 0.
    let size = x.abs().at_most(x.of(15.49 * table::ERFC_STEP));
    let (j, x1) = near(size, table::ERFC_STEP);
    let scaled = four(j, x1, None, &table::ERFC_FROM_12);
    let scaled = four(j, x1, Some(scaled), &table::ERFC_FROM_8);
    let scaled = four(j, x1, Some(scaled), &table::ERFC_FROM_4);
    let scaled = four(j, x1, Some(scaled), &table::ERFC_FROM_0);
    // The square is exact.
    let square = size * size;
    let k = square.mul_sub_from(x.of(table::SIXTEEN_OVER_LN2), x.of(MAGIC));
    let sixteenths = k - MAGIC;
    let r = sixteenths.mul_sub_from(x.of(table::LN2_16_HI), -square);
    let r = sixteenths.mul_sub_from(x.of(table::LN2_16_LO), r);
    let erfc = Exponential::of(k, r).value() * scaled;
    V::select(x.lt(x.of(0.0)), x.of(2.0) - erfc, erfc)
}
