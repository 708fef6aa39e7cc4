//! What accumulators mean: how they take elements in, and how two partial values become one.
//!
//! A running or partial value is one or more words ([`Accumulator::words`]). Many of them lie in *planes*: for each word one slice
//! of bytes that holds that word of all values, packed at the word's dtype. So one function serves lanes, columns and single values.
//!
//! | accumulator | words | two of them, of earlier positions `a` and later ones `b` |
//! |---|---|---|
//! | `sum`, `prod`, `min`, `max` | the value | the operation of that name on both |
//! | `argmin`, `argmax` | the value, its position | the better one; of equal ones, or of two NaN, the one of the lower position |
//! | `moments` | count, pivot, sum of squared deviations from it, sum of deviations | Chan, Golub and LeVeque, 1979 |
//! | `complex prod` | real, imaginary | (ac − bd, ad + bc) |
//! | `complex min`, `complex max` | real, imaginary, position | as `argmin`, by the real and then the imaginary part; NaN is what has a NaN part |
//!
//! An element is taken in as if it were a value of its own; only `moments` has a shorter way: its deviation from the pivot is added to both sums. What
//! `argmin` and `argmax`, and [`moments`] do stands in files of their own, with their quick ways to many elements.

use std::cmp::Ordering;

use numloom_data::DType;

use super::arithmetic::Arithmetic;
use super::eval::{any, float, number, typed, undefined};
use super::item::{self, Item};
use super::order::Ordered;
use super::{best, moments};
use crate::kernel::{AccOp, Accumulator};
use crate::reduce::{LANES, MAX_WORDS};

/// A plane for each word; those past the last word are empty.
pub(crate) type Planes<'a> = [&'a [u8]; MAX_WORDS];

/// A plane for each word, to be written; those past the last word are empty.
pub type PlanesMut<'a> = [&'a mut [u8]; MAX_WORDS];

/// Runs an expression with a name for the operation of a simple accumulator on its dtype; or another expression.
macro_rules! simple {
    ($acc:expr, $T:ident, $f:ident => $body:expr; _ => $other:expr) => {
        match $acc.op {
            AccOp::Sum => number!($acc.op, $acc.dtype, $T => { let $f = <$T as Arithmetic>::add; $body }),
            AccOp::Prod => number!($acc.op, $acc.dtype, $T => { let $f = <$T as Arithmetic>::mul; $body }),
            AccOp::Min => any!($acc.op, $acc.dtype, $T => { let $f = <$T as Ordered>::minimum; $body }),
            AccOp::Max => any!($acc.op, $acc.dtype, $T => { let $f = <$T as Ordered>::maximum; $body }),
            _ => $other,
        }
    };
}

/// Combines partial values: `a[k]` with `b[k]` into `a[k]` for each `k`, the positions of `a[k]` being the earlier.
pub(crate) fn combine(acc: Accumulator, a: PlanesMut<'_>, b: Planes<'_>) {
    let order = acc.op.order();
    match acc.op {
        AccOp::ArgMin | AccOp::ArgMax => any!(acc.op, acc.dtype, T => {
            best::combine::<T>(order, a, b);
        }),
        AccOp::Moments => moments::combine(a, b),
        AccOp::ComplexProd => {
            let (re, im) = (item::items::<f64>(b[0]), item::items::<f64>(b[1]));
            update2(a, re.len(), |z, k| {
                product(z, (f64::load(re[k]), f64::load(im[k])))
            });
        }
        AccOp::ComplexMin | AccOp::ComplexMax => float!(acc.op, acc.dtype, T => {
            let (re, im, at) = (item::items::<T>(b[0]), item::items::<T>(b[1]), item::items::<u64>(b[2]));
            update3(a, re.len(), |best: (T, T, u64), k| {
                complex_one_of(order, best, (T::load(re[k]), T::load(im[k]), u64::load(at[k])))
            });
        }),
        _ => {
            simple!(acc, T, f => item::fold::<T>(a.into_iter().next().expect("a plane"), b[0], f); _ => unreachable!("above"))
        }
    }
}

/// Combines two values whose elements begin their words, without planes, if there is a quick way: a leaf of a few microseconds ends with this for each accumulator. Whether there was.
pub(crate) fn combine_words(acc: Accumulator, a: &mut [u64], b: &[u64]) -> bool {
    match (a, b) {
        ([a], [b]) => {
            simple!(acc, T, f => *a = f(first::<T>(a), first::<T>(b)).bits(); _ => return false)
        }
        (a, b) if acc.op == AccOp::Moments => moments::combine_words(a, b),
        _ => return false,
    }
    true
}

/// The element that a word begins with.
fn first<T: Item>(word: &u64) -> T {
    T::load(item::items::<T>(bytemuck::bytes_of(word))[0])
}

/// Takes elements into lanes, element `i` into lane `i % LANES`, in order. `position` is that of the first element in
/// what is reduced; there is a block of elements for each operand.
///
/// # Panics
/// If `lanes` is not [`lane_words`](Accumulator::lane_words) long, or operands are too few or of different lengths.
pub fn take_lanes(acc: Accumulator, lanes: &mut [u64], args: &[&[u8]], position: u64) {
    check(acc, args);
    let lanes = acc.planes(lanes, LANES);
    let order = acc.op.order();
    let at = |i: usize| position + i as u64;
    match acc.op {
        AccOp::ArgMin | AccOp::ArgMax => any!(acc.op, acc.dtype, T => {
            best::take_lanes::<T>(order, lanes, item::items::<T>(args[0]), position);
        }),
        AccOp::Moments => moments::take_lanes(lanes, item::items::<f64>(args[0])),
        AccOp::ComplexProd => {
            let (re, im) = (item::items::<f64>(args[0]), item::items::<f64>(args[1]));
            lanes2(lanes, re.len(), |z, i| {
                product(z, (f64::load(re[i]), f64::load(im[i])))
            });
        }
        AccOp::ComplexMin | AccOp::ComplexMax => float!(acc.op, acc.dtype, T => {
            let (re, im) = (item::items::<T>(args[0]), item::items::<T>(args[1]));
            lanes3(lanes, re.len(), |best, i| {
                complex_one_of(order, best, (T::load(re[i]), T::load(im[i]), at(i)))
            });
        }),
        _ => {
            let [lanes, ..] = lanes;
            simple!(acc, T, f => item::accumulate::<T, LANES>(lanes, args[0], f); _ => unreachable!("above"));
        }
    }
}

/// Takes a row of elements into one lane of each column: element `j` into the `j`-th value of the planes, all of the one position.
///
/// # Panics
/// If planes have not one item for each element, or operands are too few or of different lengths.
pub fn take_columns(acc: Accumulator, lane: PlanesMut<'_>, args: &[&[u8]], position: u64) {
    check(acc, args);
    let order = acc.op.order();
    match acc.op {
        AccOp::ArgMin | AccOp::ArgMax => any!(acc.op, acc.dtype, T => {
            best::take_columns::<T>(order, lane, item::items::<T>(args[0]), position);
        }),
        AccOp::Moments => moments::take_columns(lane, item::items::<f64>(args[0])),
        AccOp::ComplexProd => {
            let (re, im) = (item::items::<f64>(args[0]), item::items::<f64>(args[1]));
            update2(lane, re.len(), |z, j| {
                product(z, (f64::load(re[j]), f64::load(im[j])))
            });
        }
        AccOp::ComplexMin | AccOp::ComplexMax => float!(acc.op, acc.dtype, T => {
            let (re, im) = (item::items::<T>(args[0]), item::items::<T>(args[1]));
            update3(lane, re.len(), |best, j| {
                complex_one_of(order, best, (T::load(re[j]), T::load(im[j]), position))
            });
        }),
        _ => {
            let [lane, ..] = lane;
            simple!(acc, T, f => item::fold::<T>(lane, args[0], f); _ => unreachable!("above"));
        }
    }
}

/// Checks what an accumulator is given: a caller's mistake must not become a wrong answer.
fn check(acc: Accumulator, args: &[&[u8]]) {
    assert_eq!(args.len(), acc.op.operands(), "operands of `{}`", acc.op);
    let same = args.iter().all(|arg| arg.len() == args[0].len());
    assert!(same, "operands of `{}` are of one length", acc.op);
}

/// For values of several words: `update` is `a[k] = f(a[k], k)` for `k` up to `n`, and `lanes` is `a[i % LANES] = f(a[i % LANES], i)` for `i`
/// up to `n`, in order.
macro_rules! drivers {
    ($update:ident, $lanes:ident; $($T:ident $a:ident),*) => {
        pub(super) fn $update<$($T: Item),*>(
            planes: PlanesMut<'_>,
            n: usize,
            f: impl Fn(($($T,)*), usize) -> ($($T,)*),
        ) {
            let mut planes = planes.into_iter();
            $( let $a = &mut item::items_mut::<$T>(planes.next().expect("a plane for each word"))[..n]; )*
            for k in 0..n {
                let words = f(($($T::load($a[k]),)*), k);
                let ($($T,)*) = words;
                $( $a[k] = $T.store(); )*
            }
        }

        pub(super) fn $lanes<$($T: Item),*>(
            planes: PlanesMut<'_>,
            n: usize,
            f: impl Fn(($($T,)*), usize) -> ($($T,)*),
        ) {
            let mut planes = planes.into_iter();
            $( let $a = &mut item::items_mut::<$T>(planes.next().expect("a plane for each word"))[..LANES]; )*
            let mut running: [($($T,)*); LANES] = std::array::from_fn(|k| ($($T::load($a[k]),)*));
            for start in (0..n).step_by(LANES) {
                for (k, lane) in running.iter_mut().enumerate().take(n - start) {
                    *lane = f(*lane, start + k);
                }
            }
            for (k, words) in running.into_iter().enumerate() {
                let ($($T,)*) = words;
                $( $a[k] = $T.store(); )*
            }
        }
    };
}

#[expect(non_snake_case, reason = "a value has the name of its type")]
mod driven {
    use super::{Item, LANES, PlanesMut, item};

    drivers!(update2, lanes2; A a, B b);
    drivers!(update3, lanes3; A a, B b, C c);
}

use driven::{lanes2, lanes3, update2, update3};

/// The one of two complex numbers that comes first by value, `order` saying how a better one compares; else by position.
fn complex_one_of<T: Copy + PartialOrd>(
    order: Ordering,
    a: (T, T, u64),
    b: (T, T, u64),
) -> (T, T, u64) {
    let is_nan = |x: T| x.partial_cmp(&x).is_none();
    let nans = [a, b].map(|z| is_nan(z.0) || is_nan(z.1));
    let by_value = (b.0, b.1).partial_cmp(&(a.0, a.1));
    if second(order, by_value, nans, [a.2, b.2]) {
        b
    } else {
        a
    }
}

/// Whether the second of two elements is the one.
fn second(order: Ordering, by_value: Option<Ordering>, nan: [bool; 2], at: [u64; 2]) -> bool {
    match (nan, by_value) {
        ([false, false], Some(Ordering::Equal)) | ([true, true], _) => at[1] < at[0],
        ([false, false], by_value) => by_value == Some(order),
        ([_, nan], _) => nan,
    }
}

fn product((a, b): (f64, f64), (c, d): (f64, f64)) -> (f64, f64) {
    (a * c - b * d, a * d + b * c)
}
