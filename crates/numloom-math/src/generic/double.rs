//! Arithmetic on unevaluated sums of two: what rounding takes from `hi` is in `lo`.
//!
//! After T. J. Dekker, "A floating-point technique for extending the available precision", Numerische Mathematik 18, 1971.

use crate::lanes::Lanes;

/// `hi + lo`.
#[derive(Clone, Copy)]
pub(crate) struct Pair<V> {
    pub(crate) hi: V,
    pub(crate) lo: V,
}

impl<V: Lanes> Pair<V> {
    /// `hi` alone.
    #[inline(always)]
    pub(crate) fn of(hi: V) -> Pair<V> {
        Pair { hi, lo: hi.of(0.0) }
    }

    /// The same sum with `hi` as near to it as can be.
    #[inline(always)]
    pub(crate) fn exact(self) -> Pair<V> {
        fast_two_sum(self.hi, self.lo)
    }

    /// `yes` where the mask is true.
    #[inline(always)]
    pub(crate) fn select(mask: V::Mask, yes: Pair<V>, no: Pair<V>) -> Pair<V> {
        Pair {
            hi: V::select(mask, yes.hi, no.hi),
            lo: V::select(mask, yes.lo, no.lo),
        }
    }
}

/// `x + y` exactly, if |x| is at least |y| or zero.
#[inline(always)]
pub(crate) fn fast_two_sum<V: Lanes>(x: V, y: V) -> Pair<V> {
    let hi = x + y;
    Pair {
        hi,
        lo: (x - hi) + y,
    }
}

/// `x + y` exactly.
#[inline(always)]
pub(crate) fn two_sum<V: Lanes>(x: V, y: V) -> Pair<V> {
    let hi = x + y;
    let of_y = hi - x;
    Pair {
        hi,
        lo: (x - (hi - of_y)) + (y - of_y),
    }
}

/// `x * y` exactly, but for underflow.
#[inline(always)]
pub(crate) fn two_product<V: Lanes>(x: V, y: V) -> Pair<V> {
    let hi = x * y;
    Pair {
        hi,
        lo: x.mul_add(y, -hi),
    }
}

/// `x / y`, to about twice the precision; both [`exact`](Pair::exact).
#[inline(always)]
pub(crate) fn divide<V: Lanes>(x: Pair<V>, y: Pair<V>) -> Pair<V> {
    let inverse = y.hi.of(1.0) / y.hi;
    let hi = x.hi * inverse;
    let rest = hi.mul_sub_from(y.hi, x.hi) + hi.mul_sub_from(y.lo, x.lo);
    Pair {
        hi,
        lo: rest * inverse,
    }
}

/// The root of `x`, to about twice the precision; 0 of 0.
#[inline(always)]
pub(crate) fn sqrt<V: Lanes>(x: Pair<V>) -> Pair<V> {
    let hi = x.hi.sqrt();
    let rest = hi.mul_sub_from(hi, x.hi) + x.lo;
    let lo = rest / (hi + hi);
    Pair {
        hi,
        lo: V::select(hi.eq(hi.of(0.0)), hi, lo),
    }
}
