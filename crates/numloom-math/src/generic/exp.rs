//! Exponentials.
//!
//! `x = (16 n + k) ln2/16 + r` with |r| of at most ln2/32, so `e^x = 2^n 2^(k/16) e^r`: a table of sixteen, and a short polynomial whose
//! value is below 0.022, so that its rounding errors are a few hundredths of an ulp of the sum.
//!
//! After P. T. P. Tang, "Table-driven implementation of the exponential function in IEEE floating-point arithmetic", ACM TOMS
//! 15(2), 1989. Constants: tools/constants.py.

use super::constants::{EXP, EXP_K, EXP_SCALED, LN2, LN2_16_HI, LN2_16_LO, SIXTEEN_OVER_LN2};
use super::double::{Pair, fast_two_sum, two_product, two_sum};
use crate::lanes::{Lanes, MAGIC};

/// `x = (16 n + k) ln2/16 + r + r_lo`.
pub(super) struct Reduced<V> {
    /// Its lowest four bits are `k`.
    pub(super) k: V,
    pub(super) n: V,
    pub(super) r: V,
    pub(super) r_lo: V,
}

/// `n` of what counts sixteenths in its lowest bits, see [`MAGIC`].
#[inline(always)]
fn whole<V: Lanes>(sixteenths: V) -> V {
    (sixteenths.and(sixteenths.bits(!15)) - MAGIC) * 0.0625
}

/// For |x| of at most 1100.
#[inline(always)]
pub(super) fn reduce<V: Lanes>(x: V) -> Reduced<V> {
    let k = x.mul_add(x.of(SIXTEEN_OVER_LN2), x.of(MAGIC));
    let sixteenths = k - MAGIC;
    // Exact: both terms are multiples of 2^-58, and what is left is below 2^-5.
    let r0 = sixteenths.mul_sub_from(x.of(LN2_16_HI), x);
    let r = sixteenths.mul_sub_from(x.of(LN2_16_LO), r0);
    Reduced {
        k,
        n: whole(k),
        r,
        r_lo: sixteenths.mul_sub_from(x.of(LN2_16_LO), r0 - r),
    }
}

/// Up to here in size, `e^x` neither overflows nor is subnormal.
const LARGE: f64 = 708.0;

/// `2^(k/16) (1 + p)`, times `2^n` if neither that nor the product overflows or is subnormal.
struct Scaled<V> {
    k: V,
    /// The table's entry, whose exponent lacks k.
    entry: V,
    p: V,
}

impl<V: Lanes> Scaled<V> {
    /// `e^r` times `2^n 2^(k/16)`.
    #[inline(always)]
    fn of(k: V, r: V) -> Scaled<V> {
        let [entry, rest] = k.lookup(&EXP_SCALED);
        let p = (r * r).mul_add(r.polynomial(&EXP), r + rest);
        Scaled { k, entry, p }
    }

    /// With n in the exponent from the start: k's bits bring it, and what the entry lacks.
    #[inline(always)]
    fn normal(self) -> V {
        let scale = self.entry.add_bits(self.k.shl::<48>());
        scale.mul_add(self.p, scale)
    }

    /// Whatever comes out.
    #[inline(always)]
    fn any(self) -> V {
        let sixteenth = self.k.and(self.k.bits(15));
        let power = self.entry.add_bits(sixteenth.shl::<48>());
        power.mul_add(self.p, power).ldexp(whole(self.k))
    }
}

#[inline(always)]
pub(crate) fn exp<V: Lanes>(x: V) -> V {
    // Adds nothing, not even to a zero.
    let nothing = x.of(-0.0);
    if V::any(!is_moderate(x)) {
        return exp_sum(x, nothing);
    }
    exp_moderate(x, nothing)
}

/// Whether `e^x` is far from overflow and subnormal numbers.
#[inline(always)]
pub(super) fn is_moderate<V: Lanes>(x: V) -> V::Mask {
    x.abs().lt(x.of(LARGE))
}

/// `e^(x + low)`, for `low` far smaller than `x`, and finite.
#[inline(always)]
pub(super) fn exp_sum<V: Lanes>(x: V, low: V) -> V {
    // Beyond these, infinity and zero come out of the scaling.
    let x = x.at_least(x.of(-746.0)).at_most(x.of(710.0));
    scaled(x, low).any()
}

/// The same, for [moderate](is_moderate) x.
#[inline(always)]
pub(super) fn exp_moderate<V: Lanes>(x: V, low: V) -> V {
    scaled(x, low).normal()
}

#[inline(always)]
fn scaled<V: Lanes>(x: V, low: V) -> Scaled<V> {
    let k = x.mul_add(x.of(SIXTEEN_OVER_LN2), x.of(MAGIC));
    let sixteenths = k - MAGIC;
    let r0 = sixteenths.mul_sub_from(x.of(LN2_16_HI), x);
    Scaled::of(k, sixteenths.mul_sub_from(x.of(LN2_16_LO), r0 + low))
}

/// `e^x = power + linear + low`, `power` being one of two to the sixteenths.
pub(super) struct Exponential<V> {
    pub(super) power: V,
    pub(super) linear: V,
    pub(super) low: V,
}

/// To about 2^-64, for x of at most 700 in size.
#[inline(always)]
pub(super) fn exponential<V: Lanes>(x: V) -> Exponential<V> {
    let k = x.mul_add(x.of(SIXTEEN_OVER_LN2), x.of(MAGIC));
    let sixteenths = k - MAGIC;
    let r0 = sixteenths.mul_sub_from(x.of(LN2_16_HI), x);
    let r = sixteenths.mul_sub_from(x.of(LN2_16_LO), r0);
    let r_lo = sixteenths.mul_sub_from(x.of(LN2_16_LO), r0 - r);
    let [entry, rest] = k.lookup(&EXP_SCALED);
    let power = entry.add_bits(k.shl::<48>());
    let linear = two_product(power, r);
    // Of one less than this, what is left of the power is no longer small beside the rest.
    let tail = (r * r).mul_add(r.polynomial(&EXP), rest.mul_add(r, r_lo + rest));
    Exponential {
        power,
        linear: linear.hi,
        low: power.mul_add(tail, linear.lo),
    }
}

/// `(n, p)` with `e^(x + low) = 2^n p`, to about 2^-58; for |x| of at most 1100 and `low` far smaller.
#[inline(always)]
pub(super) fn exp_pair<V: Lanes>(x: V, low: V) -> (V, Pair<V>) {
    let Reduced { k, n, r, r_lo } = reduce(x);
    let Pair { hi: r, lo: r_lo } = fast_two_sum(r, r_lo + low);
    let [hi, lo] = k.lookup(&EXP_K);
    let linear = two_product(hi, r);
    let sum = fast_two_sum(hi, linear.hi);
    let tail = (r * r).mul_add(r.polynomial(&EXP), r_lo);
    let low = hi.mul_add(tail, lo.mul_add(r, lo) + linear.lo) + sum.lo;
    (n, fast_two_sum(sum.hi, low))
}

#[inline(always)]
pub(crate) fn exp2<V: Lanes>(x: V) -> V {
    if V::any(!x.abs().lt(x.of(1022.0))) {
        let x = x.at_least(x.of(-1080.0)).at_most(x.of(1025.0));
        return scaled_2(x).any();
    }
    scaled_2(x).normal()
}

#[inline(always)]
fn scaled_2<V: Lanes>(x: V) -> Scaled<V> {
    let k = x.mul_add(x.of(16.0), x.of(MAGIC));
    let rest = (k - MAGIC).mul_sub_from(x.of(0.0625), x);
    Scaled::of(k, rest * LN2)
}

/// `e^x - 1`: the one is taken from the table's entry, before anything is added that is not exact.
#[inline(always)]
pub(crate) fn expm1<V: Lanes>(x: V) -> V {
    let clamped = x.at_least(x.of(-60.0)).at_most(x.of(710.0));
    let Reduced { k, n, r, r_lo } = reduce(clamped);
    let [hi, lo] = k.lookup(&EXP_K);
    // The one, scaled as the rest is; it does not count from 2^60 on.
    let one = (-n).at_least(n.of(-1000.0)).exp2_int();
    let less_one = two_sum(hi, -one);
    let linear = two_product(hi, r);
    // The difference is 0 or twice the product at least.
    let sum = fast_two_sum(less_one.hi, linear.hi);
    let tail = (r * r).mul_add(r.polynomial(&EXP), r_lo);
    let low = (less_one.lo + sum.lo) + (linear.lo + lo.mul_add(r, lo));
    let result = (sum.hi + hi.mul_add(tail, low)).ldexp(n);
    V::select(x.eq(x.of(0.0)), x, result)
}
