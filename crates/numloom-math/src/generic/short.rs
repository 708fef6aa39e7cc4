//! What `f32` functions are computed by: in `f64`, without sums of two.
//!
//! A result with an error of 2^-52 or so rounds to the right `f32` but where the true value lies that near to a tie; on how many of all arguments it
//! does not is counted ([`F32_MISROUNDED`](crate::accuracy::F32_MISROUNDED)). Most polynomials are shorter than those of the long kernels
//! by a step or two, and sine and cosine are reduced by half turns, to one series without a table. An `f32` is never subnormal as `f64`, and what overflows or vanishes as `f32` is far from doing so as `f64`.

use super::angle;
use super::constants as table;
use super::log::of_domain;
use crate::lanes::{Lanes, MAGIC};
use crate::table::Table;

/// `e^r - 1` of the reduced r, and the power of two to the sixteenths that it belongs to.
pub(super) struct Exponential<V> {
    power: V,
    p: V,
}

impl<V: Lanes> Exponential<V> {
    /// `2^(k/16) e^r`, k counted as [`MAGIC`] leaves it.
    #[inline(always)]
    pub(super) fn of(k: V, r: V) -> Exponential<V> {
        let [entry] = k.lookup(&table::EXP_ROUNDED);
        Exponential {
            power: entry.add_bits(k.shl::<48>()),
            p: (r * r).mul_add(r.polynomial(&table::EXP_SHORT), r),
        }
    }

    #[inline(always)]
    pub(super) fn value(&self) -> V {
        self.plus(self.power)
    }

    #[inline(always)]
    fn less_one(&self) -> V {
        self.plus(self.power - 1.0)
    }

    #[inline(always)]
    fn and_one(&self) -> V {
        self.plus(self.power + 1.0)
    }

    /// The power's difference from its power of two, and that as `of` has it.
    #[inline(always)]
    fn plus(&self, of: V) -> V {
        self.power.mul_add(self.p, of)
    }
}

/// Of x up to 200 in size.
#[inline(always)]
fn exponential<V: Lanes>(x: V) -> Exponential<V> {
    let k = x.mul_add(x.of(table::SIXTEEN_OVER_LN2), x.of(MAGIC));
    Exponential::of(k, (k - MAGIC).mul_sub_from(x.of(table::LN2_16_HI), x))
}

/// Beyond these, infinity and zero come out in `f32`.
#[inline(always)]
fn bounded<V: Lanes>(x: V) -> V {
    x.at_least(x.of(-150.0)).at_most(x.of(150.0))
}

#[inline(always)]
pub(crate) fn exp<V: Lanes>(x: V) -> V {
    exponential(bounded(x)).value()
}

#[inline(always)]
pub(crate) fn exp2<V: Lanes>(x: V) -> V {
    let x = bounded(x);
    let k = x.mul_add(x.of(16.0), x.of(MAGIC));
    let rest = (k - MAGIC).mul_sub_from(x.of(0.0625), x);
    Exponential::of(k, rest * table::LN2).value()
}

#[inline(always)]
pub(crate) fn expm1<V: Lanes>(x: V) -> V {
    exponential(bounded(x)).less_one().or(x.sign())
}

/// With `m = e^|x| - 1`, half of `m + m / (m + 1)`.
#[inline(always)]
pub(crate) fn sinh<V: Lanes>(x: V) -> V {
    let power = exponential(x.abs().at_most(x.of(150.0)));
    let less = power.less_one();
    ((less + less / power.value()) * 0.5).or(x.sign())
}

#[inline(always)]
pub(crate) fn cosh<V: Lanes>(x: V) -> V {
    let power = exponential(x.abs().at_most(x.of(150.0))).value();
    (power + x.of(1.0) / power) * 0.5
}

#[inline(always)]
pub(crate) fn tanh<V: Lanes>(x: V) -> V {
    // From here on it rounds to 1.
    let size = x.abs().at_most(x.of(10.0));
    let power = exponential(size + size);
    (power.less_one() / power.and_one()).or(x.sign())
}

/// What differs between bases.
struct Base {
    c: &'static Table<2>,
    two: f64,
    /// The factor from natural logarithms.
    e: f64,
}

const NATURAL: Base = Base {
    c: &table::LN_ROUNDED,
    two: table::LN_2,
    e: 1.0,
};

const BINARY: Base = Base {
    c: &table::LB_ROUNDED,
    two: table::LB_2,
    e: table::LB_E_HI,
};

const DECIMAL: Base = Base {
    c: &table::LG_ROUNDED,
    two: table::LG_2,
    e: table::LG_E_HI,
};

/// Of [plain](Lanes::is_plain) numbers.
#[inline(always)]
fn log_plain<V: Lanes>(x: V, base: &Base) -> V {
    let (k, m) = x.split_normal();
    let [c, of_c] = m.shr::<48>().lookup(base.c);
    let high = k.mul_add(k.of(base.two), of_c);
    let r = m.mul_add(c, m.of(-1.0));
    let curve = r.mul_add(r.polynomial(&table::LOG_SHORT), r.of(-0.5));
    let log = (r * r).mul_add(curve, r);
    if base.e == 1.0 {
        return high + log;
    }
    log.mul_add(log.of(base.e), high)
}

#[inline(always)]
fn log_in<V: Lanes>(x: V, base: &Base) -> V {
    let log = log_plain(x, base);
    if V::any(!x.is_plain()) {
        return of_domain(x, log);
    }
    log
}

#[inline(always)]
pub(crate) fn log<V: Lanes>(x: V) -> V {
    log_in(x, &NATURAL)
}

#[inline(always)]
pub(crate) fn log2<V: Lanes>(x: V) -> V {
    log_in(x, &BINARY)
}

#[inline(always)]
pub(crate) fn log10<V: Lanes>(x: V) -> V {
    log_in(x, &DECIMAL)
}

/// `log(1 + x)` as far as `1 + x` is [plain](Lanes::is_plain), and that.
#[inline(always)]
pub(super) fn log_one_plus<V: Lanes>(x: V) -> (V, V) {
    let sum = x + 1.0;
    // What the sum lost counts as it is where x is small, and hardly elsewhere.
    let lost = V::select(x.lt(x.of(1.0)), x - (sum - 1.0), x.of(0.0));
    (log_plain(sum, &NATURAL) + lost, sum)
}

#[inline(always)]
pub(crate) fn log1p<V: Lanes>(x: V) -> V {
    let sum = x + 1.0;
    // What the sum lost: of numbers below 2^-29 alone, where it counts as it is.
    let lost = x - (sum - 1.0);
    let log = log_plain(sum, &NATURAL) + lost;
    if V::any(!sum.is_plain()) {
        return of_domain(sum, log).or(x.sign());
    }
    log.or(x.sign())
}

/// Sine at `n` half turns and r.
#[inline(always)]
fn sine<V: Lanes>(n: V, r: V) -> V {
    let u = r * r;
    // Less 1, and +0 of a zero: times r it has the sign of r, which the sum then keeps.
    let curve = u.polynomial(&table::SIN_SHORT).mul_add(u, u.of(0.0));
    curve.mul_add(r, r).xor(n.shl::<63>())
}

#[inline(always)]
pub(crate) fn sin<V: Lanes>(x: V) -> V {
    let (n, r) = angle::reduce_short::<V, 0>(x);
    sine(n, r)
}

/// Sine a quarter turn ahead.
#[inline(always)]
pub(crate) fn cos<V: Lanes>(x: V) -> V {
    let (n, r) = angle::reduce_short::<V, 1>(x);
    sine(n, r)
}

/// By sixteenths of a quarter turn, as the long one.
#[inline(always)]
pub(crate) fn tan<V: Lanes>(x: V) -> V {
    let (n, r) = angle::reduce_sixteenths_short(x.abs());
    let u = r * r;
    let z = (r * u).mul_add(u.polynomial(&table::TAN), r);
    let [c] = n.lookup(&table::TAN_ROUNDED);
    let (above, below) = (c + z, c.mul_sub_from(z, r.of(1.0)));
    let is_odd = n.has_bits(16);
    let tan = V::select(is_odd, below, above) / V::select(is_odd, above, below);
    tan.xor(n.shl::<59>().xor(x).sign())
}

/// The squares are exact, and neither they nor their sum overflows.
#[inline(always)]
pub(crate) fn hypot<V: Lanes>(x: V, y: V) -> V {
    let length = x.mul_add(x, y * y).sqrt();
    let infinity = x.of(f64::INFINITY);
    if V::any(!length.lt(infinity)) {
        return V::select(
            x.abs().eq(infinity) | y.abs().eq(infinity),
            infinity,
            length,
        );
    }
    length
}
