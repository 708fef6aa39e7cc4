//! Huge angles: the remainder of a quarter turn, by as many bits of 2/π as it takes.
//!
//! After M. H. Payne and R. N. Hanek, "Radian reduction for trigonometric functions", ACM SIGNUM Newsletter 18(1), 1983.

use super::constants::{PI_2_1, PI_2_LO, TWO_OVER_PI_BITS};

/// `(n, hi, lo)` with `x = n π/2 + hi + lo` but for whole turns, `hi + lo` at most π/4 in size; NaN of infinity and NaN. For |x| above 2^20.
///
/// In integers and exact products: the same bits everywhere.
pub(super) fn reduce(x: f64) -> (f64, f64, f64) {
    if !x.is_finite() {
        return (0.0, f64::NAN, f64::NAN);
    }
    let bits = x.to_bits();
    // |x| = mantissa * 2^exponent, and the exponent is at least -32.
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1075;

    // Bit i of 2/π after the point weighs mantissa * 2^(exponent - i). Whole turns, multiples of four, do not count, so begin where the weight is 2
    // and take 192 bits: what is left out is below 2^-139.
    let window = window(exponent - 1);
    let low = u128::from(mantissa) * u128::from(window[2]);
    let middle = u128::from(mantissa) * u128::from(window[1]) + (low >> 64);
    let high = mantissa
        .wrapping_mul(window[0])
        .wrapping_add((middle >> 64) as u64);
    // Now high, middle, low are the fraction of a turn: two bits of quarters, then the fraction of a quarter.
    let (middle, low) = (middle as u64, low as u64);
    let quarter = high >> 62;
    let fraction = [high << 2 | middle >> 62, middle << 2 | low >> 62, low << 2];

    // To the nearest quarter: the fraction as a signed number.
    let is_negative = fraction[0] >> 63 == 1;
    let [a, b, c] = if is_negative {
        negate(fraction)
    } else {
        fraction
    };
    let quarter = (quarter + u64::from(is_negative)) & 3;

    // The 128 bits from the first that is set: 53 and 75 of them.
    let zeros = if a != 0 {
        a.leading_zeros()
    } else {
        64 + b.leading_zeros()
    };
    let top = if zeros < 64 {
        let joined = u128::from(a) << 64 | u128::from(b);
        joined << zeros | (u128::from(c) << zeros) >> 64
    } else {
        (u128::from(b) << 64 | u128::from(c)) << (zeros - 64)
    };
    let scale = power_of_two(-128 - i64::from(zeros));
    let hi = (top >> 75) as f64 * power_of_two(75) * scale;
    let lo = (top & ((1 << 75) - 1)) as f64 * scale;

    let product = hi * PI_2_1;
    let rest = hi.mul_add(PI_2_1, -product) + hi.mul_add(PI_2_LO, lo * PI_2_1);
    let r = product + rest;
    let r_lo = (product - r) + rest;
    let sign = if is_negative == (x < 0.0) { 1.0 } else { -1.0 };
    let quarter = quarter as f64;
    let quarter = if x < 0.0 { -quarter } else { quarter };
    (quarter, sign * r, sign * r_lo)
}

/// 192 bits of 2/π from bit `from` after the point on, which is bit 1; zeros before it.
fn window(from: i64) -> [u64; 3] {
    let word = |i: i64| {
        let i = usize::try_from(i).ok();
        i.and_then(|i| TWO_OVER_PI_BITS.get(i))
            .copied()
            .unwrap_or(0)
    };
    let (first, shift) = ((from - 1).div_euclid(64), (from - 1).rem_euclid(64));
    [0, 1, 2].map(|i| {
        let joined = u128::from(word(first + i)) << 64 | u128::from(word(first + i + 1));
        (joined << shift >> 64) as u64
    })
}

/// Minus a number of three words.
fn negate([a, b, c]: [u64; 3]) -> [u64; 3] {
    let c = (!c).overflowing_add(1);
    let b = (!b).overflowing_add(u64::from(c.1));
    [(!a).wrapping_add(u64::from(b.1)), b.0, c.0]
}

/// 2^n, for normal numbers.
fn power_of_two(n: i64) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}
