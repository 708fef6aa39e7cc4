//! Remainders, exact, and quotients of whole numbers.
//!
//! A quotient below 2^52 rounded to an integer is the true one or beside it, and what one fused operation leaves is exact: it is a multiple of the last place of
//! either operand and less than the divisor. Beyond, lane by lane.

use crate::lanes::{Lanes, MAX_LANES, TWO_52};

/// C's `fmod`: what division toward zero leaves, with the sign of x.
#[inline(always)]
pub(crate) fn fmod<V: Lanes>(x: V, y: V) -> V {
    let (xs, ys) = (x.abs(), y.abs());
    let quotient = xs / ys;
    let two_52 = x.of(TWO_52);
    let whole = (quotient + two_52) - two_52;
    let rest = whole.mul_sub_from(ys, xs);
    let rest = V::select(rest.lt(x.of(0.0)), rest + ys, rest).or(x.sign());
    let is_usual = quotient.lt(two_52) & ys.lt(x.of(f64::INFINITY));
    if V::any(!is_usual) {
        return one_by_one(x, y);
    }
    rest
}

#[inline(always)]
fn one_by_one<V: Lanes>(x: V, y: V) -> V {
    let [mut xs, mut ys] = [[0.0; MAX_LANES]; 2];
    x.store(&mut xs);
    y.store(&mut ys);
    for lane in 0..V::N {
        xs[lane] %= ys[lane];
    }
    V::load(x.proof(), &xs)
}

/// Whether x and y, neither of them zero or NaN, have different signs.
#[inline(always)]
fn are_opposite<V: Lanes>(x: V, y: V) -> V::Mask {
    let zero = x.of(0.0);
    (x.lt(zero) & zero.lt(y)) | (zero.lt(x) & y.lt(zero))
}

/// Python's `%`: with the sign of y.
#[inline(always)]
pub(crate) fn rem<V: Lanes>(x: V, y: V) -> V {
    let rest = fmod(x, y);
    let shifted = V::select(are_opposite(rest, y), rest + y, rest);
    V::select(rest.eq(x.of(0.0)), y.sign(), shifted)
}

/// Python's `//`. With `SINGLE`, each step is rounded to `f32` as well, which comes to the same as one rounding to it.
#[inline(always)]
pub(crate) fn floor_div<V: Lanes, const SINGLE: bool>(x: V, y: V) -> V {
    let zero = x.of(0.0);
    let round = |x: V| if SINGLE { x.round_to_f32() } else { x };
    let rest = fmod(x, y);
    let quotient = round(round(x - rest) / y);
    let quotient = V::select(are_opposite(rest, y), round(quotient - 1.0), quotient);
    // An integer but for the rounding of the difference and the division: the nearest one, the lower one of two.
    let two_52 = x.of(TWO_52);
    let size = quotient.abs();
    let nearest = ((size + two_52) - two_52).or(quotient.sign()) + 0.0;
    let nearest = V::select((quotient - nearest).eq(x.of(-0.5)), nearest - 1.0, nearest);
    let is_whole = two_52.le(size);
    let floor = V::select(is_whole, quotient, nearest);
    let floor = V::select(quotient.eq(zero), x.xor(y).sign(), floor);
    V::select(y.eq(zero), x / y, floor)
}
