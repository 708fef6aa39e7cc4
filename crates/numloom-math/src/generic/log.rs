//! Logarithms.
//!
//! `x = 2^k m` with m in [1, 2); a table has for the upper bits of m a number `c` of few bits near 1/m, and its logarithm. `r = m c - 1` is exact,
//! at most 1/16 in size, and `log x = k log 2 - log c + log(1 + r)`. The first two terms are multiples of 2^-42, so their sum is exact. Around x = 1
//! either drops out or both cancel: c is 1 or 1/2, and what remains is as accurate relative to a small result as elsewhere.
//!
//! After P. T. P. Tang, "Table-driven implementation of the logarithm function in IEEE floating-point arithmetic", ACM TOMS
//! 16(4), 1990. Constants: tools/constants.py.

use super::constants as table;
use super::double::{Pair, fast_two_sum, two_product, two_sum};
use crate::lanes::Lanes;
use crate::table::Table;

/// What differs between bases.
struct Base {
    /// c and its logarithm as a sum of two.
    c: &'static Table<3>,
    two_hi: f64,
    two_lo: f64,
    /// The factor from natural logarithms.
    e_hi: f64,
    e_lo: f64,
}

const NATURAL: Base = Base {
    c: &table::LN_C,
    two_hi: table::LN_2_HI,
    two_lo: table::LN_2_LO,
    e_hi: table::LN_E_HI,
    e_lo: table::LN_E_LO,
};

const BINARY: Base = Base {
    c: &table::LB_C,
    two_hi: table::LB_2_HI,
    two_lo: table::LB_2_LO,
    e_hi: table::LB_E_HI,
    e_lo: table::LB_E_LO,
};

const DECIMAL: Base = Base {
    c: &table::LG_C,
    two_hi: table::LG_2_HI,
    two_lo: table::LG_2_LO,
    e_hi: table::LG_E_HI,
    e_lo: table::LG_E_LO,
};

/// `log x = high + low + log(1 + r)`; `high` is exact and 0 or greater than r.
struct Reduced<V> {
    high: V,
    low: V,
    r: V,
    /// 2^-k c, by which what was left out of x is to be multiplied to be added to r.
    scale: V,
}

#[inline(always)]
fn reduce<V: Lanes>((k, m): (V, V), more: V, base: &Base) -> Reduced<V> {
    let index = m.shr::<48>();
    let [c, c_hi, c_lo] = index.lookup(base.c);
    let scale = (-k).at_least(k.of(-1000.0)).exp2_int() * c;
    let k = k + more;
    Reduced {
        high: k.mul_add(k.of(base.two_hi), c_hi),
        low: k.mul_add(k.of(base.two_lo), c_lo),
        r: m.mul_add(c, m.of(-1.0)),
        scale,
    }
}

/// What logarithms are of 0, infinity, NaN and what is below zero; `result` of all others.
#[inline(always)]
pub(super) fn of_domain<V: Lanes>(x: V, result: V) -> V {
    let zero = x.of(0.0);
    let infinity = x.of(f64::INFINITY);
    let is_positive = zero.lt(x);
    let special = V::select(is_positive, infinity, x.of(f64::NAN));
    let special = V::select(x.eq(zero), -infinity, special);
    V::select(is_positive & x.lt(infinity), result, special)
}

#[inline(always)]
pub(crate) fn log<V: Lanes>(x: V) -> V {
    if V::any(!x.is_plain()) {
        return of_domain(x, natural(x.split()));
    }
    natural(x.split_normal())
}

/// Of `2^k m`.
#[inline(always)]
fn natural<V: Lanes>((k, m): (V, V)) -> V {
    let Reduced { high, low, r, .. } = reduce((k, m), m.of(0.0), &NATURAL);
    let sum = fast_two_sum(high, r);
    let curve = r.mul_add(r.polynomial(&table::LOG), r.of(-0.5));
    sum.hi + (r * r).mul_add(curve, sum.lo + low)
}

/// In a base whose factor is not 1.
#[inline(always)]
fn log_in<V: Lanes>(x: V, base: &Base) -> V {
    if V::any(!x.is_plain()) {
        return of_domain(x, split_in(x.split(), base));
    }
    split_in(x.split_normal(), base)
}

/// Of `2^k m`.
#[inline(always)]
fn split_in<V: Lanes>((k, m): (V, V), base: &Base) -> V {
    let Reduced { high, low, r, .. } = reduce((k, m), m.of(0.0), base);
    let linear = two_product(r, r.of(base.e_hi));
    let sum = fast_two_sum(high, linear.hi);
    let curve = r.mul_add(r.polynomial(&table::LOG), r.of(-0.5)) * base.e_hi;
    let low = r.mul_add(r.of(base.e_lo), linear.lo) + (sum.lo + low);
    sum.hi + (r * r).mul_add(curve, low)
}

#[inline(always)]
pub(crate) fn log2<V: Lanes>(x: V) -> V {
    log_in(x, &BINARY)
}

#[inline(always)]
pub(crate) fn log10<V: Lanes>(x: V) -> V {
    log_in(x, &DECIMAL)
}

#[inline(always)]
pub(crate) fn log1p<V: Lanes>(x: V) -> V {
    let zero = x.of(0.0);
    let result = log_one_plus(Pair::of(x), zero);
    V::select(x.eq(zero), x, of_domain(x + 1.0, result))
}

/// `log(2^more (1 + x))`, for x above -1 and finite.
#[inline(always)]
pub(super) fn log_one_plus<V: Lanes>(x: Pair<V>, more: V) -> V {
    let one_plus = two_sum(x.hi.of(1.0), x.hi);
    let Reduced {
        high,
        low,
        r,
        scale,
    } = reduce(one_plus.hi.split(), more, &NATURAL);
    let r_lo = (one_plus.lo + x.lo) * scale;
    let sum = fast_two_sum(high, r);
    let r = r + r_lo;
    let curve = r.mul_add(r.polynomial(&table::LOG), r.of(-0.5));
    sum.hi + (r * r).mul_add(curve, (sum.lo + low) + r_lo)
}

/// The natural logarithm of `2^k m` to about 2^-66 of itself.
#[inline(always)]
pub(super) fn log_pair<V: Lanes>((k, m): (V, V)) -> Pair<V> {
    let Reduced { high, low, r, .. } = reduce((k, m), m.of(0.0), &NATURAL);
    let square = two_product(r, r);
    let cube = two_product(square.hi, r);
    let cube_lo = square.lo.mul_add(r, cube.lo);
    let third = two_product(cube.hi, r.of(table::THIRD_HI));
    let third_lo = cube.hi.mul_add(
        r.of(table::THIRD_LO),
        cube_lo.mul_add(r.of(table::THIRD_HI), third.lo),
    );
    let first = fast_two_sum(high, r);
    let second = fast_two_sum(first.hi, square.hi * -0.5);
    let sum = fast_two_sum(second.hi, third.hi);
    // The small ones first, then what is left of the series, which is far greater than they are.
    let low = (first.lo + second.lo) + (sum.lo + low);
    let low = square.lo.mul_add(r.of(-0.5), third_lo) + low;
    let tail = r.polynomial(&table::LOG_TAIL);
    let low = (square.hi * square.hi).mul_add(tail, low);
    fast_two_sum(sum.hi, low)
}
