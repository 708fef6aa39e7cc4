//! `moments`: the count of elements, a pivot, and the sums of deviations from it and of their squares.
//!
//! A running value takes an element without a division: its pivot is the first element it took, and the element's deviation from that is added to one
//! sum and squared to another. Two values are combined about their means (Chan, Golub and LeVeque, 1979); what comes of it has its mean as pivot, and a sum of deviations of 0.
//! Every value of a tree is combined once at least, so of a reduced one the third word is the sum of squared deviations from the mean.
//!
//! The pivot is one of the `n` elements `x` that a lane takes of a leaf, at most LEAF / [`LANES`] = 256. For any `x` and any of them as pivot `p`
//!
//! > Σ (x − p)² ≤ n · Σ (x − mean)²,
//!
//! an outlier among equals being the worst that can come first, so that what is subtracted in the end is of `n` times the size of the result at most: the sum of
//! squared deviations of a lane is off by at most about `n² ε` of itself in the worst case, 1.5e-11, and by a few `ε` where the first element is like the
//! others. That does not depend on how large elements are beside their deviations. From there on each merge is off by a few `ε`, and by the rounding of
//! the two means.
//!
//! Where Σ (x − p)² of a lane is more than half the greatest `f64` the sum is infinite, as it is to whoever squares deviations from the mean, up to a factor of `n`. An
//! element that is not finite makes it NaN; so do two of a lane that lie further apart than the greatest `f64`.

use super::accumulate::{Planes, PlanesMut};
use super::item::{self, Item};
use crate::reduce::LANES;

/// Numbers of `f64`, one or many at once, and what can be done with them: what an engine has to have to keep `moments`.
///
/// An operation stands for itself, rounded once; none may be contracted with another.
pub trait Numbers {
    /// Numbers.
    type Number: Copy;
    /// Truth values.
    type Truth: Copy;

    /// `x` in each.
    fn constant(&mut self, x: f64) -> Self::Number;
    /// `x + y`.
    fn add(&mut self, x: Self::Number, y: Self::Number) -> Self::Number;
    /// `x - y`.
    fn sub(&mut self, x: Self::Number, y: Self::Number) -> Self::Number;
    /// `x * y`.
    fn mul(&mut self, x: Self::Number, y: Self::Number) -> Self::Number;
    /// `x / y`.
    fn div(&mut self, x: Self::Number, y: Self::Number) -> Self::Number;
    /// `x < y`: false if one is NaN.
    fn less(&mut self, x: Self::Number, y: Self::Number) -> Self::Truth;
    /// `yes` where `truth` holds, else `no`.
    fn select(&mut self, truth: Self::Truth, yes: Self::Number, no: Self::Number) -> Self::Number;
}

/// The words of a value: count, pivot, sum of squared deviations from it, sum of deviations.
pub type Words<T> = [T; 4];

/// A running value with one more element.
#[inline(always)]
pub fn take<N: Numbers>(on: &mut N, value: Words<N::Number>, x: N::Number) -> Words<N::Number> {
    let [count, pivot, squares, sum] = value;
    let one = on.constant(1.0);
    let is_first = on.less(count, one);
    let pivot = on.select(is_first, x, pivot);
    let [_, _, squares, sum] = take_uncounted(on, [count, pivot, squares, sum], x);
    [on.add(count, one), pivot, squares, sum]
}

/// As [`take`], of a value that has an element already: whoever asks adds to the count what it comes to in the end.
#[inline(always)]
pub fn take_uncounted<N: Numbers>(
    on: &mut N,
    value: Words<N::Number>,
    x: N::Number,
) -> Words<N::Number> {
    let [count, pivot, squares, sum] = value;
    let deviation = on.sub(x, pivot);
    let square = on.mul(deviation, deviation);
    [
        count,
        pivot,
        on.add(squares, square),
        on.add(sum, deviation),
    ]
}

/// Two values combined.
#[inline(always)]
pub fn merged<N: Numbers>(
    on: &mut N,
    a: Words<N::Number>,
    b: Words<N::Number>,
) -> Words<N::Number> {
    let about = [about_mean(on, a), about_mean(on, b)];
    joined(on, [a[0], b[0]], about)
}

/// As [`merged`], of two values that come of it: their pivots are their means, and two of three divisions are of 0.
#[inline(always)]
pub fn merged_again<N: Numbers>(
    on: &mut N,
    a: Words<N::Number>,
    b: Words<N::Number>,
) -> Words<N::Number> {
    let about = [still_about_mean(on, a), still_about_mean(on, b)];
    joined(on, [a[0], b[0]], about)
}

/// Two values combined that are counts, means and sums of squared deviations from these.
#[inline(always)]
fn joined<N: Numbers>(
    on: &mut N,
    [own, other]: [N::Number; 2],
    [[mean, squares], [other_mean, other_squares]]: [[N::Number; 2]; 2],
) -> Words<N::Number> {
    let count = on.add(own, other);
    let most = at_least_one(on, count);
    let share = on.div(other, most);
    let delta = on.sub(other_mean, mean);
    // Of no elements, no share: then nothing is added to the other's.
    let weight = on.mul(own, share);
    let step = on.mul(delta, share);
    let between = on.mul(delta, weight);
    let between = on.mul(delta, between);
    let within = on.add(squares, other_squares);
    let zero = on.constant(0.0);
    [count, on.add(mean, step), on.add(within, between), zero]
}

/// What [`about_mean`] comes to where the sum of deviations is 0, and that of squares is not negative: to the bit, so -0 is no mean, and too much is infinite.
#[inline(always)]
fn still_about_mean<N: Numbers>(on: &mut N, value: Words<N::Number>) -> [N::Number; 2] {
    let [_, mean, squares, _] = value;
    let zero = on.constant(0.0);
    let most = on.constant(f64::MAX / 2.0);
    let infinite = on.constant(f64::INFINITY);
    let overflows = on.less(most, squares);
    [on.add(mean, zero), on.select(overflows, infinite, squares)]
}

/// The mean, and the sum of squared deviations from it.
#[inline(always)]
fn about_mean<N: Numbers>(on: &mut N, value: Words<N::Number>) -> [N::Number; 2] {
    let [count, pivot, squares, sum] = value;
    let count = at_least_one(on, count);
    let shift = on.div(sum, count);
    let mean = on.add(pivot, shift);
    let excess = on.mul(sum, shift);
    let about = on.sub(squares, excess);
    // Numbers too small to be squared may leave less than nothing.
    let zero = on.constant(0.0);
    let is_negative = on.less(about, zero);
    let about = on.select(is_negative, zero, about);
    // Too much, if what it is of is finite; else NaN.
    let most = on.constant(f64::MAX / 2.0);
    let overflows = on.less(most, squares);
    let nothing = on.sub(shift, shift);
    let infinite = on.constant(f64::INFINITY);
    let infinite = on.add(infinite, nothing);
    [mean, on.select(overflows, infinite, about)]
}

/// A number to divide by: of no elements, all sums are 0.
#[inline(always)]
fn at_least_one<N: Numbers>(on: &mut N, count: N::Number) -> N::Number {
    let one = on.constant(1.0);
    let is_none = on.less(count, one);
    on.select(is_none, one, count)
}

/// One number at a time.
struct One;

impl Numbers for One {
    type Number = f64;
    type Truth = bool;

    fn constant(&mut self, x: f64) -> f64 {
        x
    }

    fn add(&mut self, x: f64, y: f64) -> f64 {
        x + y
    }

    fn sub(&mut self, x: f64, y: f64) -> f64 {
        x - y
    }

    fn mul(&mut self, x: f64, y: f64) -> f64 {
        x * y
    }

    fn div(&mut self, x: f64, y: f64) -> f64 {
        x / y
    }

    fn less(&mut self, x: f64, y: f64) -> bool {
        x < y
    }

    fn select(&mut self, truth: bool, yes: f64, no: f64) -> f64 {
        if truth { yes } else { no }
    }
}

/// Combines `a[k]` with `b[k]` into `a[k]`.
pub(super) fn combine(a: PlanesMut<'_>, b: Planes<'_>) {
    let b = b.map(item::items::<f64>);
    each(a, b[0].len(), |value, k| {
        merged(&mut One, value, b.map(|plane| f64::load(plane[k])))
    });
}

/// Combines two values in words.
pub(super) fn combine_words(a: &mut [u64], b: &[u64]) {
    let value = |words: &[u64]| std::array::from_fn(|word| f64::from_bits(words[word]));
    let merged = merged(&mut One, value(a), value(b));
    for (word, x) in a.iter_mut().zip(merged) {
        *word = x.to_bits();
    }
}

/// Takes an element into each column.
pub(super) fn take_columns(columns: PlanesMut<'_>, x: &[[u8; 8]]) {
    each(columns, x.len(), |value, k| {
        take(&mut One, value, f64::load(x[k]))
    });
}

/// Takes elements into lanes, element `i` into lane `i % LANES`.
pub(super) fn take_lanes(mut lanes: PlanesMut<'_>, x: &[[u8; 8]]) {
    for group in x.chunks(LANES) {
        take_columns(lanes.each_mut().map(|plane| &mut **plane), group);
    }
}

/// `values[k] = f(values[k], k)` for `k` up to `n`.
#[inline(always)]
fn each(values: PlanesMut<'_>, n: usize, f: impl Fn(Words<f64>, usize) -> Words<f64>) {
    let mut planes = values.map(|plane| &mut item::items_mut::<f64>(plane)[..n]);
    for k in 0..n {
        let value = planes.each_ref().map(|plane| f64::load(plane[k]));
        for (plane, word) in planes.iter_mut().zip(f(value, k)) {
            plane[k] = word.store();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_were_merged_merge_again_as_any() {
        let xs = [
            0.0,
            -0.0,
            1.5,
            -3.0,
            5e-324,
            1e160,
            f64::MAX,
            -f64::MAX,
            f64::INFINITY,
            f64::NAN,
        ];
        let nothing = [0.0; 4];
        let some = |x: f64| take(&mut One, nothing, x);
        let pairs = xs
            .iter()
            .flat_map(|&x| xs.map(|y| [some(x), take(&mut One, some(y), x)]));
        let values: Vec<Words<f64>> = (pairs.flatten())
            .chain([nothing])
            .flat_map(|a| [nothing, some(1.0), some(-1e160)].map(|b| merged(&mut One, a, b)))
            .collect();
        let bits = |words: Words<f64>| words.map(|x| if x.is_nan() { 1 } else { x.to_bits() });
        for &a in &values {
            for &b in &values {
                let want = bits(merged(&mut One, a, b));
                assert_eq!(bits(merged_again(&mut One, a, b)), want, "{a:?} {b:?}");
            }
        }
    }
}
