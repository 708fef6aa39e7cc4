//! The error function and its complement. Constants: tools/constants.py.
//!
//! Up to 3/4, `erf x = x + x Q(x²)`. Beyond, `erfc x = e^(-x²) H(t) / (1 + 2x)` with `t = (x - 3)/(x + 3)`: H is between 1.1 and 1.3, so what is added to its
//! first coefficient is small, and so are its rounding errors. After M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in
//! 0 ≤ x < ∞", Mathematics of Computation 36, 1981. The one of the two is one less the other.

use super::constants::{ERF, ERF_LO, ERFC, ERFC_LO};
use super::double::{Pair, divide, fast_two_sum, two_product, two_sum};
use super::exp::exp_pair;
use crate::lanes::Lanes;

/// Where one formula gives way to the other.
const FAR: f64 = 0.75;

/// `erf x` of x up to [`FAR`] in size.
#[inline(always)]
fn near<V: Lanes>(x: V) -> Pair<V> {
    let square = two_product(x, x);
    let u = square.hi;
    // Two steps of the polynomial to twice the precision: what they add is up to a quarter of x.
    let [first, second, rest @ ..] = &ERF;
    let p = fast_two_sum(x.of(*second), u * u.polynomial(rest));
    let w = two_product(u, p.hi);
    let w_lo = square.lo.mul_add(p.hi, u.mul_add(p.lo, w.lo));
    let q = two_sum(x.of(*first), w.hi);
    let q_lo = q.lo + (w_lo + ERF_LO);
    let curve = two_product(x, q.hi);
    let sum = fast_two_sum(x, curve.hi);
    Pair {
        hi: sum.hi,
        lo: sum.lo + x.mul_add(q_lo, curve.lo),
    }
}

/// `x * y`, to about twice the precision.
#[inline(always)]
fn product<V: Lanes>(x: Pair<V>, y: Pair<V>) -> Pair<V> {
    let hi = two_product(x.hi, y.hi);
    let lo = x.hi.mul_add(y.lo, x.lo.mul_add(y.hi, hi.lo));
    Pair { hi: hi.hi, lo }
}

/// `(n, p)` with `erfc x = 2^n p`, of x in [`FAR`] to 28.
#[inline(always)]
fn complement<V: Lanes>(x: V) -> (V, Pair<V>) {
    let t = (x - 3.0) / (x + 3.0);
    let [first, rest @ ..] = &ERFC;
    let h = fast_two_sum(x.of(*first), t * t.polynomial(rest));
    let h = Pair {
        hi: h.hi,
        lo: h.lo + ERFC_LO,
    };
    let square = two_product(x, x);
    let (n, power) = exp_pair(-square.hi, -square.lo);
    let below = fast_two_sum(x + x, x.of(1.0));
    (n, divide(product(power, h).exact(), below))
}

/// `from - 2^n p`, for what is not below 1/2 then.
#[inline(always)]
fn less<V: Lanes>(from: f64, n: V, p: Pair<V>) -> V {
    let scale = n.at_least(n.of(-1000.0)).exp2_int();
    let difference = fast_two_sum(n.of(from), -(p.hi * scale));
    difference.hi + (difference.lo - p.lo * scale)
}

#[inline(always)]
pub(crate) fn erf<V: Lanes>(x: V) -> V {
    let near = near(x);
    let near = (near.hi + near.lo).or(x.sign());
    let size = x.abs();
    let is_far = x.of(FAR).lt(size);
    if V::any(is_far) {
        // One from 7 on.
        let (n, p) = complement(size.at_least(x.of(FAR)).at_most(x.of(7.0)));
        return V::select(is_far, less(1.0, n, p).or(x.sign()), near);
    }
    near
}

#[inline(always)]
pub(crate) fn erfc<V: Lanes>(x: V) -> V {
    let near = less(1.0, x.of(0.0), near(x));
    let size = x.abs();
    let is_far = x.of(FAR).lt(size);
    if V::any(is_far) {
        // Zero from 28 on.
        let (n, p) = complement(size.at_least(x.of(FAR)).at_most(x.of(28.0)));
        let is_below = x.lt(x.of(0.0));
        let far = V::select(is_below, less(2.0, n, p), (p.hi + p.lo).ldexp(n));
        return V::select(is_far, far, near);
    }
    near
}
