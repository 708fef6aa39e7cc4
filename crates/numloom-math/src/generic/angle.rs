//! Sine, cosine and tangent.
//!
//! `x = n π/2 + r` with |r| of at most π/4 and r as a sum of two. Up to 2^20 by three parts of π/2 (W. J. Cody and W. Waite, "Software Manual for the Elementary
//! Functions", 1980), the first two products exact; beyond, lane by lane, by as many bits of 2/π as the argument needs
//! ([`payne_hanek`]). That is the one branch here, taken if any lane needs it. Then both series, and `n` chooses. Constants: tools/constants.py.

use super::constants::{COS, PI_2_1, PI_2_2, PI_2_3, PI_2_LO, SIN, TWO_OVER_PI};
use super::double::{Pair, divide, fast_two_sum, two_product};
use super::payne_hanek;
use crate::lanes::{Lanes, MAGIC, MAX_LANES};

/// 2^20: up to here, `n` has few enough bits for the products to be exact.
const HUGE: f64 = 1048576.0;

struct Reduced<V> {
    /// Its lowest two bits count quarter turns.
    n: V,
    r: V,
    /// What is to be taken from r yet. Of a zero it is +0: then the signs of all that follow keep that of r.
    less: V,
}

#[inline(always)]
fn reduce<V: Lanes>(x: V) -> Reduced<V> {
    let n = x.mul_add(x.of(TWO_OVER_PI), x.of(MAGIC));
    let turns = n - MAGIC;
    let r1 = turns.mul_sub_from(x.of(PI_2_1), x);
    // The product is exact, and so is either this difference or the next.
    let r = turns.mul_sub_from(x.of(PI_2_2), r1);
    let less = turns.mul_add(x.of(PI_2_2), r - r1);
    let less = turns.mul_add(x.of(PI_2_3), less);
    let reduced = Reduced { n, r, less };
    let is_huge = x.of(HUGE).lt(x.abs());
    if V::any(is_huge) {
        return reduce_huge(x, reduced);
    }
    reduced
}

/// The same for `f32` in one number: quarter turns as in [`Reduced`], and what is left. Its 24 bits leave room for a greater n.
#[inline(always)]
pub(super) fn reduce_short<V: Lanes>(x: V) -> (V, V) {
    let n = x.mul_add(x.of(TWO_OVER_PI), x.of(MAGIC));
    let turns = n - MAGIC;
    let r = turns.mul_sub_from(x.of(PI_2_1), x);
    let r = turns.mul_sub_from(x.of(PI_2_LO), r);
    let is_huge = x.of(1024.0 * HUGE).lt(x.abs());
    if V::any(is_huge) {
        let less = r.of(0.0);
        let Reduced { n, r, .. } = reduce_huge(x, Reduced { n, r, less });
        return (n, r);
    }
    (n, r)
}

/// With those lanes done anew that are beyond [`HUGE`].
#[inline(always)]
fn reduce_huge<V: Lanes>(x: V, reduced: Reduced<V>) -> Reduced<V> {
    let [mut xs, mut ns, mut rs, mut lesses] = [[0.0; MAX_LANES]; 4];
    x.store(&mut xs);
    reduced.n.store(&mut ns);
    reduced.r.store(&mut rs);
    reduced.less.store(&mut lesses);
    anew(&xs[..V::N], &mut ns, &mut rs, &mut lesses);
    Reduced {
        n: V::load(x.proof(), &ns),
        r: V::load(x.proof(), &rs),
        less: V::load(x.proof(), &lesses),
    }
}

/// Apart, and of lanes in memory: one call that is hardly ever reached does not cost the loop its registers.
#[cold]
#[inline(never)]
fn anew(
    xs: &[f64],
    ns: &mut [f64; MAX_LANES],
    rs: &mut [f64; MAX_LANES],
    lesses: &mut [f64; MAX_LANES],
) {
    for (lane, &x) in xs.iter().enumerate() {
        if x.abs() > HUGE {
            let (quarter, hi, lo) = payne_hanek::reduce(x);
            (ns[lane], rs[lane], lesses[lane]) = (MAGIC + quarter, hi, -lo);
        }
    }
}

/// Sine and cosine of `r - less`; `EXACT` keeps the last rounding of the sine's low part as well, which is a tenth of the high one.
#[inline(always)]
fn both<V: Lanes, const EXACT: bool>(r: V, less: V) -> (Pair<V>, Pair<V>) {
    let square = two_product(r, r);
    let u = square.hi;
    let u2 = u * u;

    // sin r = r + r (u P(u)): the product is a tenth of r, so what its factor loses is kept.
    let [first, rest @ ..] = &SIN;
    let inner = square.lo.mul_add(u.of(*first), u2 * u.polynomial(rest));
    let w = u.mul_add(u.of(*first), inner);
    let w_lo = u.mul_add(u.of(*first), -w) + inner;
    // What is left of the angle moves the sine by the cosine times it.
    let half = u.mul_sub_from(u.of(0.5), u.of(1.0));
    let less_lo = r.mul_sub_from(w_lo, less * half);
    let sin = if EXACT {
        let curve = two_product(r, w);
        let sum = fast_two_sum(r, curve.hi);
        Pair {
            hi: sum.hi,
            lo: sum.lo + (curve.lo - less_lo),
        }
    } else {
        Pair {
            hi: r,
            lo: r.mul_add(w, -less_lo),
        }
    };

    // cos r = 1 - u/2 + u² Q(u).
    let hi = u.mul_sub_from(u.of(0.5), u.of(1.0));
    let lo = u.mul_sub_from(u.of(0.5), u.of(1.0) - hi);
    let lo = square.lo.mul_add(u.of(-0.5), lo);
    let lo = r.mul_add(less, lo);
    let cos = Pair {
        hi,
        lo: u2.mul_add(u.polynomial(&COS), lo),
    };
    (sin, cos)
}

/// Sine at `n` quarter turns and `r - less`.
#[inline(always)]
fn sine<V: Lanes>(Reduced { n, r, less }: Reduced<V>) -> V {
    let (sin, cos) = both::<V, false>(r, less);
    let is_odd = n.has_bits(1);
    let result = V::select(is_odd, cos.hi + cos.lo, sin.hi + sin.lo);
    // The second bit of n is the sign.
    result.xor(n.shl::<62>().sign())
}

#[inline(always)]
pub(crate) fn sin<V: Lanes>(x: V) -> V {
    sine(reduce(x))
}

#[inline(always)]
pub(crate) fn cos<V: Lanes>(x: V) -> V {
    let reduced = reduce(x);
    sine(Reduced {
        n: reduced.n.add_bits(x.bits(1)),
        ..reduced
    })
}

#[inline(always)]
pub(crate) fn tan<V: Lanes>(x: V) -> V {
    let Reduced { n, r, less } = reduce(x);
    let (sin, cos) = both::<V, true>(r, less);
    let is_odd = n.has_bits(1);
    // Next to a pole, what is left of the angle is no longer small beside it.
    let (sin, cos) = (sin.exact(), cos.exact());
    let tan = divide(
        Pair::select(is_odd, cos, sin),
        Pair::select(is_odd, sin, cos),
    );
    let tan = (tan.hi + tan.lo).xor(n.shl::<63>());
    V::select(x.eq(x.of(0.0)), x, tan)
}
