//! Powers: `libm`'s, but for one range in which it is hundreds of ulp off.
//!
//! Where |y| is above 2^31 and x so close to 1 that the result is finite, `libm` multiplies x - 1 by a 24-bit part of 1/ln 2 and
//! takes the product for exact, though it needs up to 57 bits; y then magnifies what was rounded away. There the logarithm
//! is taken here, to twice the precision.

/// `x` to the power `y`.
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    /// 2^31 and 2^-20.
    const HUGE: f64 = 2147483648.0;
    const NEAR: f64 = 9.5367431640625e-7;
    let power = libm::pow(x, y);
    let t = x.abs() - 1.0; // exact where it matters
    if y.abs() > HUGE && y.is_finite() && t.abs() <= NEAR && t != 0.0 && !power.is_nan() {
        return near_one(t, y).copysign(power);
    }
    power
}

/// `1 + t` to the power `y`, for |t| of at most 2^-20: `exp(y log(1 + t))`, with logarithm and product as sums of two.
fn near_one(t: f64, y: f64) -> f64 {
    // log(1 + t) = t - w, where w needs no more than one f64, being so much smaller than t; the next term, t^5/5, is below 2^-80 of t.
    let w = t * t * (0.5 - t * (1.0 / 3.0 - t * 0.25));
    let high = t - w;
    let low = (t - high) - w;
    let product = y * high;
    let rest = libm::fma(y, high, -product) + y * low;
    let power = libm::exp(product);
    if power.is_finite() {
        power + power * rest
    } else {
        power
    }
}
