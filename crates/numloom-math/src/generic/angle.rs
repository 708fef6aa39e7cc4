//! Sine, cosine and tangent.
//!
//! `x = n π/2 + r` with |r| of at most π/4 and r as a sum of two. Up to 2^20 by three parts of π/2 (W. J. Cody and W. Waite, "Software Manual for the Elementary
//! Functions", 1980), the first two products exact; beyond, lane by lane, by as many bits of 2/π as the argument needs
//! ([`payne_hanek`]). That is the one branch here, taken if any lane needs it. Then both series, and `n` chooses. Constants: tools/constants.py.

use super::constants::{COS, PI_2_1, PI_2_2, PI_2_3, SIN, TWO_OVER_PI};
use super::double::{Pair, divide, fast_two_sum, two_product};
use super::payne_hanek;
use crate::lanes::{Lanes, MAGIC, MAX_LANES};

/// 2^20: up to here, `n` has few enough bits for the products to be exact.
const HUGE: f64 = 1048576.0;

struct Reduced<V> {
    /// Its lowest two bits count quarter turns.
    n: V,
    r: Pair<V>,
}

#[inline(always)]
fn reduce<V: Lanes>(x: V) -> Reduced<V> {
    let n = x.mul_add(x.of(TWO_OVER_PI), x.of(MAGIC));
    let turns = n - MAGIC;
    let r1 = turns.mul_sub_from(x.of(PI_2_1), x);
    let second = turns * PI_2_2;
    let r2 = r1 - second;
    let r2_lo = (r1 - r2) - second;
    let third = turns * PI_2_3;
    let hi = r2 - third;
    let lo = ((r2 - hi) - third) + r2_lo;
    let reduced = Reduced {
        n,
        r: Pair { hi, lo },
    };
    let is_huge = x.of(HUGE).lt(x.abs());
    if V::any(is_huge) {
        return reduce_huge(x, reduced);
    }
    reduced
}

/// With those lanes done anew that are beyond [`HUGE`].
#[inline(always)]
fn reduce_huge<V: Lanes>(x: V, reduced: Reduced<V>) -> Reduced<V> {
    let [mut xs, mut ns, mut his, mut los] = [[0.0; MAX_LANES]; 4];
    x.store(&mut xs);
    reduced.n.store(&mut ns);
    reduced.r.hi.store(&mut his);
    reduced.r.lo.store(&mut los);
    for lane in 0..V::N {
        if xs[lane].abs() > HUGE {
            let (quarter, hi, lo) = payne_hanek::reduce(xs[lane]);
            (ns[lane], his[lane], los[lane]) = (MAGIC + quarter, hi, lo);
        }
    }
    Reduced {
        n: V::load(x.proof(), &ns),
        r: Pair {
            hi: V::load(x.proof(), &his),
            lo: V::load(x.proof(), &los),
        },
    }
}

/// Sine and cosine of a reduced angle.
#[inline(always)]
fn both<V: Lanes>(r: Pair<V>) -> (Pair<V>, Pair<V>) {
    let square = two_product(r.hi, r.hi);
    let u = square.hi;

    // sin r = r + r (u P(u)): the product is a tenth of r, so its first rounding errors are kept.
    let [first, rest @ ..] = &SIN;
    let p = fast_two_sum(u.of(*first), u * u.polynomial(rest));
    let w = two_product(u, p.hi);
    let w_lo = square.lo.mul_add(p.hi, u.mul_add(p.lo, w.lo));
    let curve = two_product(r.hi, w.hi);
    let sin = fast_two_sum(r.hi, curve.hi);
    // The angle's low part moves the sine by the cosine times it.
    let half = u.mul_sub_from(u.of(0.5), u.of(1.0));
    let sin_lo = r.lo.mul_add(half, r.hi.mul_add(w_lo, curve.lo)) + sin.lo;

    // cos r = 1 - u/2 + u² Q(u).
    let cos = fast_two_sum(u.of(1.0), u * -0.5);
    let cos_lo = square.lo.mul_add(u.of(-0.5), cos.lo);
    let cos_lo = r.hi.mul_sub_from(r.lo, cos_lo);
    let cos_lo = (u * u).mul_add(u.polynomial(&COS), cos_lo);
    (
        Pair {
            hi: sin.hi,
            lo: sin_lo,
        },
        Pair {
            hi: cos.hi,
            lo: cos_lo,
        },
    )
}

/// Sine at `n` quarter turns and r.
#[inline(always)]
fn sine<V: Lanes>(n: V, r: Pair<V>) -> V {
    let (sin, cos) = both(r);
    let is_odd = n.has_bits(1);
    let result = V::select(is_odd, cos.hi + cos.lo, sin.hi + sin.lo);
    // The second bit of n is the sign.
    result.xor(n.shl::<62>().sign())
}

#[inline(always)]
pub(crate) fn sin<V: Lanes>(x: V) -> V {
    let Reduced { n, r } = reduce(x);
    V::select(x.eq(x.of(0.0)), x, sine(n, r))
}

#[inline(always)]
pub(crate) fn cos<V: Lanes>(x: V) -> V {
    let Reduced { n, r } = reduce(x);
    sine(n.add_bits(n.bits(1)), r)
}

#[inline(always)]
pub(crate) fn tan<V: Lanes>(x: V) -> V {
    let Reduced { n, r } = reduce(x);
    let (sin, cos) = both(r);
    let is_odd = n.has_bits(1);
    let cos = cos.exact();
    let tan = divide(
        Pair::select(is_odd, cos, sin),
        Pair::select(is_odd, sin, cos),
    );
    let tan = (tan.hi + tan.lo).xor(n.shl::<63>());
    V::select(x.eq(x.of(0.0)), x, tan)
}
