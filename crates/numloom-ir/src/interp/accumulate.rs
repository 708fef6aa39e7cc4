//! What accumulators mean: how they take elements in, and how two partial values become one.
//!
//! A running or partial value is one or more words ([`Accumulator::words`]). Many of them lie in *planes*: for each word one slice
//! of bytes that holds that word of all values, packed at the word's dtype. So one function serves lanes, columns and single
//! values, and its loops vectorise.

use numloom_data::DType;

use super::arithmetic::Arithmetic;
use super::eval::{any, number, typed, undefined};
use super::item;
use super::order::Ordered;
use crate::kernel::{AccOp, Accumulator};
use crate::reduce::{LANES, MAX_WORDS};

/// A plane for each word; those past the last word are empty.
pub(crate) type Planes<'a> = [&'a [u8]; MAX_WORDS];

/// As [`Planes`], to be written.
pub(crate) type PlanesMut<'a> = [&'a mut [u8]; MAX_WORDS];

/// Runs `$f!` with what takes `x` into a value of a simple accumulator.
macro_rules! simple {
    ($acc:expr, $T:ident, $f:ident => $body:expr) => {
        match $acc.op {
            AccOp::Sum => number!($acc.op, $acc.dtype, $T => { let $f = <$T as Arithmetic>::add; $body }),
            AccOp::Prod => number!($acc.op, $acc.dtype, $T => { let $f = <$T as Arithmetic>::mul; $body }),
            AccOp::Min => any!($acc.op, $acc.dtype, $T => { let $f = <$T as Ordered>::minimum; $body }),
            AccOp::Max => any!($acc.op, $acc.dtype, $T => { let $f = <$T as Ordered>::maximum; $body }),
        }
    };
}

/// Combines partial values: `a[k] = acc(a[k], b[k])` for each `k`, the positions of `a[k]` being the earlier.
pub(crate) fn combine(acc: Accumulator, a: PlanesMut<'_>, b: Planes<'_>) {
    let ([a, ..], [b, ..]) = (a, b);
    simple!(acc, T, f => item::fold::<T>(a, b, f));
}

/// Takes elements into lanes, element `i` into lane `i % LANES`, in order.
pub(super) fn take_lanes(acc: Accumulator, lanes: PlanesMut<'_>, x: &[u8]) {
    let [lanes, ..] = lanes;
    simple!(acc, T, f => item::accumulate::<T, LANES>(lanes, x, f));
}

/// Takes elements into the lane that is this row of each column, element `j` into column `j`.
pub(super) fn take_columns(acc: Accumulator, lane: PlanesMut<'_>, x: &[u8]) {
    let [lane, ..] = lane;
    simple!(acc, T, f => item::fold::<T>(lane, x, f));
}
