//! Sine, cosine and tangent.
//!
//! `x = n q + r`, where q is an eighth of a quarter turn, or a sixteenth for the tangent, |r| is at most q/2, and a sum of two. Up to 2^20 by three parts of π/2 (W. J. Cody and
//! W. Waite, "Software Manual for the Elementary Functions", 1980); beyond, quarter turns are taken off first, lane by lane, by as many bits of 2/π as the argument needs
//! ([`payne_hanek`]). That is the one branch here, taken if any lane needs it. Functions of `j q`, j from 0 to 15, come from a table, those of r from short series, and the addition theorems
//! put both together; what else n counts is a sign, or turns the tangent over. In `f32` sine and cosine have no table:
//! q is half a turn, r up to π/2, and cosine the sine a quarter turn ahead. Constants: tools/constants.py.

use super::constants::{COS, PI_2_1, PI_2_2, PI_2_3, PI_2_LO, SIN, SIN_C, TAN, TAN_C, TWO_OVER_PI};
use super::double::{Pair, fast_two_sum, two_product};
use super::payne_hanek;
use crate::lanes::{Lanes, MAGIC, MAX_LANES};

/// 2^20: up to here, the three parts of π/2 are enough. n has up to 24 bits there, and its product with the second part as many as 57, so what is left may lose half a bit
/// of its last: that counts where r stands alone, beside a table's zero, and there n is a multiple of 8 (16 for the tangent) and the product exact.
const HUGE: f64 = 1048576.0;

/// 2^30, for `f32`: its 24 bits leave room for a greater n.
const SHORT_HUGE: f64 = 1024.0 * HUGE;

#[derive(Clone, Copy)]
struct Reduced<V> {
    /// Its lowest bits count what was taken off, as [`MAGIC`] leaves them.
    n: V,
    r: V,
    /// What is to be taken from r yet.
    less: V,
}

/// For `f32`: n half turns, and what is left in one number, of x and `AHEAD` quarter turns, none or one.
#[inline(always)]
pub(super) fn reduce_short<V: Lanes, const AHEAD: u8>(x: V) -> (V, V) {
    let inverse = x.of(TWO_OVER_PI / 2.0);
    let (n, turns) = if AHEAD == 0 {
        let n = x.mul_add(inverse, x.of(MAGIC));
        (n, n - MAGIC)
    } else {
        let n = x.mul_add(inverse, x.of(0.5)) + MAGIC;
        (n, n - MAGIC - 0.5)
    };
    // Exact where anything cancels: a difference of multiples of 2^-52, and below 2.
    let r = turns.mul_sub_from(x.of(2.0 * PI_2_1), x);
    let r = turns.mul_sub_from(x.of(2.0 * PI_2_LO), r);
    if V::any(x.of(SHORT_HUGE).lt(x.abs())) {
        let [mut xs, mut ns, mut rs] = [[0.0; MAX_LANES]; 3];
        x.store(&mut xs);
        n.store(&mut ns);
        r.store(&mut rs);
        anew_short(f64::from(AHEAD), &xs[..V::N], &mut ns, &mut rs);
        return (V::load(x.proof(), &ns), V::load(x.proof(), &rs));
    }
    (n, r)
}

/// As [`anew`], those lanes that are beyond [`SHORT_HUGE`].
#[cold]
#[inline(never)]
fn anew_short(ahead: f64, xs: &[f64], ns: &mut [f64; MAX_LANES], rs: &mut [f64; MAX_LANES]) {
    for (lane, &x) in xs.iter().enumerate() {
        if x.abs() > SHORT_HUGE {
            let (quarter, hi, lo) = payne_hanek::reduce(x);
            let quarter = quarter + ahead;
            // From an odd number of them on to the nearer even one, and rounded once.
            let step = (quarter % 2.0).copysign(hi);
            let (turn, turn_lo) = (step * PI_2_1, step * PI_2_LO);
            let r = hi - turn;
            let lost = hi - (r + turn);
            (ns[lane], rs[lane]) = (MAGIC + (quarter + step) / 2.0, r + (lost + (lo - turn_lo)));
        }
    }
}

/// With those lanes done anew, by quarter turns, that are beyond [`HUGE`].
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

/// Of |x| by so many parts of a quarter turn.
#[inline(always)]
fn reduce<V: Lanes, const PARTS: u32>(size: V) -> Reduced<V> {
    let is_huge = size.of(HUGE).lt(size);
    if V::any(is_huge) {
        let quarters = quarters(size, is_huge);
        let parts = by_parts::<V, PARTS>(quarters.r);
        return Reduced {
            n: (quarters.n - MAGIC).mul_add(size.of(f64::from(PARTS)), parts.n),
            r: parts.r,
            less: parts.less + quarters.less,
        };
    }
    by_parts::<V, PARTS>(size)
}

/// The same for `f32`, by sixteenths of a quarter turn, in one number.
#[inline(always)]
pub(super) fn reduce_sixteenths_short<V: Lanes>(size: V) -> (V, V) {
    let is_huge = size.of(SHORT_HUGE).lt(size);
    if V::any(is_huge) {
        let quarters = quarters(size, is_huge);
        let (n, r) = sixteenths_short(quarters.r);
        return ((quarters.n - MAGIC).mul_add(size.of(16.0), n), r);
    }
    sixteenths_short(size)
}

/// What quarter turns leave of those lanes; the others are as they are, so that what follows gives them the bits that it gives them elsewhere.
#[inline(always)]
fn quarters<V: Lanes>(size: V, is_huge: V::Mask) -> Reduced<V> {
    let (none, zero) = (size.of(MAGIC), size.of(0.0));
    let whole = Reduced {
        n: none,
        r: size,
        less: zero,
    };
    let quarters = reduce_huge(size, whole);
    Reduced {
        n: V::select(is_huge, quarters.n, none),
        r: V::select(is_huge, quarters.r, size),
        less: V::select(is_huge, quarters.less, zero),
    }
}

/// Up to [`HUGE`].
#[inline(always)]
fn by_parts<V: Lanes, const PARTS: u32>(x: V) -> Reduced<V> {
    let parts = f64::from(PARTS);
    let n = x.mul_add(x.of(TWO_OVER_PI * parts), x.of(MAGIC));
    let turns = n - MAGIC;
    let r1 = turns.mul_sub_from(x.of(PI_2_1 / parts), x);
    let r = turns.mul_sub_from(x.of(PI_2_2 / parts), r1);
    let less = turns.mul_add(x.of(PI_2_2 / parts), r - r1);
    let less = turns.mul_add(x.of(PI_2_3 / parts), less);
    Reduced { n, r, less }
}

#[inline(always)]
fn sixteenths_short<V: Lanes>(x: V) -> (V, V) {
    let n = x.mul_add(x.of(16.0 * TWO_OVER_PI), x.of(MAGIC));
    let turns = n - MAGIC;
    let r = turns.mul_sub_from(x.of(PI_2_1 / 16.0), x);
    (n, turns.mul_sub_from(x.of(PI_2_LO / 16.0), r))
}

/// Sine at n eighths of a quarter turn and `r - less`: with c = j π/16 and z = r - less, `sin (c + z) = sin c + (sin c (cos z - 1) + cos c sin z)`.
#[inline(always)]
fn sine<V: Lanes>(Reduced { n, r, less }: Reduced<V>) -> V {
    let u = r * r;
    // sin z = r + w.
    let w = (r * u).mul_add(u.polynomial(&SIN), -less);
    let curve = u * u.polynomial(&COS);
    let [sin, sin_lo, cos, cos_lo] = n.lookup(&SIN_C);
    let slope = two_product(cos, r);
    let sum = fast_two_sum(sin, slope.hi);
    let low = sin.mul_add(curve, sin_lo);
    let low = cos.mul_add(w, low);
    let low = cos_lo.mul_add(r, low);
    sum.hi + (low + (sum.lo + slope.lo))
}

#[inline(always)]
pub(crate) fn sin<V: Lanes>(x: V) -> V {
    let reduced = reduce::<V, 8>(x.abs());
    // Each half turn changes the sign, which of a zero is that of x.
    sine(reduced).xor(reduced.n.shl::<59>().xor(x).sign())
}

#[inline(always)]
pub(crate) fn cos<V: Lanes>(x: V) -> V {
    let reduced = reduce::<V, 8>(x.abs());
    let n = reduced.n.add_bits(x.bits(8));
    sine(Reduced { n, ..reduced }).xor(n.shl::<59>().sign())
}

/// With c = j π/32 and z = r - less, `tan (c + z) = (tan c + tan z) / (1 - tan c tan z)`; an odd number of quarter turns turns that over.
#[inline(always)]
pub(crate) fn tan<V: Lanes>(x: V) -> V {
    let Reduced { n, r, less } = reduce::<V, 16>(x.abs());
    let one = r.of(1.0);
    let u = r * r;
    // tan z = r + w.
    let w = (r * u).mul_add(u.polynomial(&TAN), -less);
    let [c, c_lo] = n.lookup(&TAN_C);
    let sum = fast_two_sum(c, r);
    let above = Pair {
        hi: sum.hi,
        lo: sum.lo + (w + c_lo),
    };
    let product = two_product(c, r);
    let rest = fast_two_sum(one, -product.hi);
    let lo = c.mul_sub_from(w, rest.lo - product.lo);
    let below = Pair {
        hi: rest.hi,
        lo: c_lo.mul_sub_from(r, lo),
    };
    let is_odd = n.has_bits(16);
    let num = Pair::select(is_odd, below, above);
    let den = Pair::select(is_odd, above, below).exact();
    let inverse = one / den.hi;
    let quotient = (num.hi + num.lo) * inverse;
    let lack = quotient.mul_sub_from(den.hi, num.hi) + quotient.mul_sub_from(den.lo, num.lo);
    let tan = lack.mul_add(inverse, quotient);
    // Each quarter turn changes the sign.
    tan.xor(n.shl::<59>().xor(x).sign())
}
