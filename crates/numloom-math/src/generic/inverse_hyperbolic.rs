//! Inverse hyperbolic functions: logarithms of one plus a sum of two.

use super::double::{Pair, divide, sqrt, two_product, two_sum};
use super::log::log_one_plus;
use crate::lanes::Lanes;

/// 2^100: beyond, the root of x² ± 1 is x, and one more or less in the logarithm does not count.
const HUGE: f64 = 1267650600228229401496703205376.0;

/// `log(1 + (a + b))` for |x| up to [`HUGE`], log 2|x| beyond.
#[inline(always)]
fn log_of_sum<V: Lanes>(x: V, a: V, b: Pair<V>) -> V {
    let (zero, one, infinity) = (x.of(0.0), x.of(1.0), x.of(f64::INFINITY));
    let sum = two_sum(a, b.hi);
    let is_huge = x.of(HUGE).lt(x);
    let sum = Pair {
        hi: V::select(is_huge, x, sum.hi),
        lo: V::select(is_huge, zero, sum.lo + b.lo),
    };
    let result = log_one_plus(sum, V::select(is_huge, one, zero));
    V::select(x.eq(infinity), infinity, result)
}

/// `log(1 + (x + (root of 1 + x², less 1)))`.
#[inline(always)]
pub(crate) fn asinh<V: Lanes>(x: V) -> V {
    let size = x.abs();
    let bounded = size.at_most(x.of(HUGE));
    let square = two_product(bounded, bounded);
    let sum = two_sum(x.of(1.0), square.hi);
    let root = sqrt(Pair {
        hi: sum.hi,
        lo: sum.lo + square.lo,
    });
    let less_one = Pair {
        hi: root.hi - 1.0,
        lo: root.lo,
    };
    let result = log_of_sum(size, size, less_one).or(x.sign());
    V::select(x.is_nan(), x, result)
}

/// `log(1 + (t + root of t (t + 2)))` with t = x - 1, which is exact as long as it counts.
#[inline(always)]
pub(crate) fn acosh<V: Lanes>(x: V) -> V {
    let bounded = x.at_most(x.of(HUGE));
    let t = bounded - 1.0;
    let above = two_sum(bounded, x.of(1.0));
    let product = two_product(t, above.hi);
    let root = sqrt(Pair {
        hi: product.hi,
        lo: t.mul_add(above.lo, product.lo),
    });
    let result = log_of_sum(x, t, root);
    V::select(x.of(1.0).le(x), result, x.of(f64::NAN))
}

/// Half of `log(1 + 2x / (1 - x))`.
#[inline(always)]
pub(crate) fn atanh<V: Lanes>(x: V) -> V {
    let one = x.of(1.0);
    let size = x.abs();
    let quotient = divide(Pair::of(size + size), two_sum(one, -size));
    let result = log_one_plus(quotient, x.of(0.0)) * 0.5;
    let result = V::select(size.lt(one), result, x.of(f64::NAN));
    let result = V::select(size.eq(one), x.of(f64::INFINITY), result);
    // A subnormal number would lose its last bit on the way.
    V::select(size.lt(x.of(1e-300)), x, result.or(x.sign()))
}
