//! Hyperbolic functions, from one decomposition.
//!
//! With |x| = (16 n + k) ln2/16 + r, `A = 2^(k/16)`, `B = 2^(-k/16 - 2n)`:
//! `2 sinh |x| = 2^n ((A - B) cosh r + (A + B) sinh r)`, and `2 cosh |x|` with A - B and A + B exchanged. Nothing cancels: A - B is zero or more
//! than twice the other term, and the error of r is that of x near zero.

use super::constants::{COSH, EXP_BOTH, SINH};
use super::double::{Pair, divide, fast_two_sum, two_product};
use super::exp::{Exponential, Reduced, exponential, reduce};
use crate::lanes::Lanes;

struct Parts<V> {
    n: V,
    /// A - B and A + B.
    difference: Pair<V>,
    sum: Pair<V>,
    r: V,
    /// `sinh r - r` and `cosh r - 1`.
    sinh_rest: V,
    cosh_rest: V,
}

/// Of `x` in 0 to 1100.
#[inline(always)]
fn parts<V: Lanes>(x: V) -> Parts<V> {
    let Reduced { k, n, r, r_lo } = reduce(x);
    let scale = (n * -2.0).at_least(n.of(-1000.0)).exp2_int();
    let [a, a_lo, b, b_lo] = k.lookup(&EXP_BOTH);
    let (b, b_lo) = (b * scale, b_lo * scale);
    let difference = fast_two_sum(a, -b);
    let sum = fast_two_sum(a, b);
    let u = r * r;
    Parts {
        n,
        difference: Pair {
            hi: difference.hi,
            lo: difference.lo + (a_lo - b_lo),
        },
        sum: Pair {
            hi: sum.hi,
            lo: sum.lo + (a_lo + b_lo),
        },
        r,
        sinh_rest: (u * r).mul_add(u.polynomial(&SINH), r_lo),
        cosh_rest: u * u.polynomial(&COSH),
    }
}

impl<V: Lanes> Parts<V> {
    /// `of_cosh cosh r + of_sinh sinh r`.
    #[inline(always)]
    fn combine(&self, of_cosh: Pair<V>, of_sinh: Pair<V>) -> Pair<V> {
        let linear = two_product(of_sinh.hi, self.r);
        let sum = fast_two_sum(of_cosh.hi, linear.hi);
        let low = of_sinh.lo.mul_add(self.r, linear.lo + sum.lo) + of_cosh.lo;
        let low = of_sinh.hi.mul_add(self.sinh_rest, low);
        Pair {
            hi: sum.hi,
            lo: of_cosh.hi.mul_add(self.cosh_rest, low),
        }
    }

    #[inline(always)]
    fn sinh(&self) -> Pair<V> {
        self.combine(self.difference, self.sum)
    }

    #[inline(always)]
    fn cosh(&self) -> Pair<V> {
        self.combine(self.sum, self.difference)
    }
}

#[inline(always)]
pub(crate) fn sinh<V: Lanes>(x: V) -> V {
    let parts = parts(x.abs().at_most(x.of(711.0)));
    let sinh = parts.sinh();
    (sinh.hi + sinh.lo).ldexp(parts.n - 1.0).or(x.sign())
}

#[inline(always)]
pub(crate) fn cosh<V: Lanes>(x: V) -> V {
    let parts = parts(x.abs().at_most(x.of(711.0)));
    let cosh = parts.cosh();
    (cosh.hi + cosh.lo).ldexp(parts.n - 1.0)
}

/// `(e^2x - 1) / (e^2x + 1)`: both from one product, to twice the precision.
#[inline(always)]
pub(crate) fn tanh<V: Lanes>(x: V) -> V {
    // From here on it rounds to 1.
    let size = x.abs().at_most(x.of(22.0));
    let Exponential { power, linear, low } = exponential(size + size);
    let one = x.of(1.0);
    let above = fast_two_sum(power, -one);
    // The difference is 0 or twice the product at least.
    let above_hi = fast_two_sum(above.hi, linear);
    let below = fast_two_sum(power, one);
    let below_hi = fast_two_sum(below.hi, linear);
    let tanh = divide(
        Pair {
            hi: above_hi.hi,
            lo: (above.lo + above_hi.lo) + low,
        },
        Pair {
            hi: below_hi.hi,
            lo: (below.lo + below_hi.lo) + low,
        }
        .exact(),
    );
    (tanh.hi + tanh.lo).or(x.sign())
}
