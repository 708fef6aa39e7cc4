//! Cube root, and the length of a vector. Constants: tools/constants.py.

use super::constants::{CBRT, CBRT_2, CBRT_HALF};
use super::double::{Pair, fast_two_sum, sqrt, two_product};
use crate::lanes::Lanes;

/// `|x| = 8^q w` with w in [0.5, 4): a polynomial's guess of w's root to 2^-16, one step of Halley's, whose error is the third power of that, and one of
/// Newton's with the cube taken to twice the precision.
#[inline(always)]
pub(crate) fn cbrt<V: Lanes>(x: V) -> V {
    let (zero, one) = (x.of(0.0), x.of(1.0));
    let (k, m) = x.abs().split();
    let q = (k * (1.0 / 3.0)).rint();
    let e = q.mul_sub_from(k.of(3.0), k);
    let (is_below, is_above) = (e.lt(zero), zero.lt(e));
    let scale = V::select(is_above, x.of(2.0), one);
    let w = m * V::select(is_below, x.of(0.5), scale);
    let scale = V::select(is_above, x.of(CBRT_2), one);
    let guess = m.polynomial(&CBRT) * V::select(is_below, x.of(CBRT_HALF), scale);

    let cube = guess * guess * guess;
    let inverse = one / (cube + cube + w);
    let root = (guess * inverse).mul_add(w - cube, guess);

    let square = two_product(root, root);
    let cube = two_product(square.hi, root);
    let rest = (w - cube.hi) - square.lo.mul_add(root, cube.lo);
    let root = (rest * inverse).mul_add(root, root).ldexp(q).or(x.sign());
    // Zeros, infinities and NaN are their own.
    let is_number = zero.lt(x.abs()) & x.abs().lt(x.of(f64::INFINITY));
    V::select(is_number, root, x)
}

/// Both scaled to near 1 by the exponent of the greater; the squares and the root as sums of two.
#[inline(always)]
pub(crate) fn hypot<V: Lanes>(x: V, y: V) -> V {
    let (zero, infinity) = (x.of(0.0), x.of(f64::INFINITY));
    let (xs, ys) = (x.abs(), y.abs());
    let is_swapped = xs.lt(ys);
    let (great, small) = (V::select(is_swapped, ys, xs), V::select(is_swapped, xs, ys));
    let (k, a) = great.split();
    let b = small.ldexp(-k);
    let (a, b) = (two_product(a, a), two_product(b, b));
    let sum = fast_two_sum(a.hi, b.hi);
    let root = sqrt(Pair {
        hi: sum.hi,
        lo: sum.lo + (a.lo + b.lo),
    });
    let length = (root.hi + root.lo).ldexp(k);
    let length = V::select(great.eq(zero), zero, length);
    let length = V::select(x.is_nan() | y.is_nan(), x.of(f64::NAN), length);
    V::select(xs.eq(infinity) | ys.eq(infinity), infinity, length)
}
