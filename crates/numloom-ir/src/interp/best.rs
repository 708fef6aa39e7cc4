//! `argmin` and `argmax`: the best of many elements, and its position.
//!
//! `is_second` is the definition. It compares positions, which takes 64 bits even for a byte; but a lane or column that has seen
//! earlier positions only changes for a better value, or for a first NaN. Columns are asked that several at a time; lanes keep their best
//! values alone, as `min` does, and look back now and then where these came from.

use std::cmp::Ordering;

use super::accumulate::{Planes, PlanesMut};
use super::item::{self, Item};
use super::order::Ordered;
use crate::reduce::LANES;

/// Groups of [`LANES`] elements after which the bests so far are noted, so that the look back is a short one.
const NOTED: usize = 8;

/// Groups before a look back.
const STRETCH: usize = 8 * NOTED;

/// Columns that are looked at together.
const COLUMNS: usize = 8;

/// Runs an expression with a name for "is better than".
macro_rules! by {
    ($order:expr, $better:ident => $body:expr) => {
        match $order {
            Ordering::Less => {
                let $better = |x: T, y: T| x < y;
                $body
            }
            _ => {
                let $better = |x: T, y: T| x > y;
                $body
            }
        }
    };
}

/// Whether of two elements `b` is the one: the only NaN, or the better one, or of equal ones and of two NaN that of the lower position.
#[inline(always)]
fn is_second<T: Ordered>(better: impl Fn(T, T) -> bool, a: (T, u64), b: (T, u64)) -> bool {
    let (nan_a, nan_b) = (a.0.is_nan(), b.0.is_nan());
    let same = (a.0 == b.0) | (nan_a & nan_b);
    // Without branches, so that it is done for several pairs at once.
    better(b.0, a.0) | (!nan_a & nan_b) | (same & (b.1 < a.1))
}

/// Values and positions of `N` elements, in two planes.
type Pairs<'a, T, const N: usize> = (&'a mut [<T as Item>::Bytes; N], &'a mut [[u8; 8]; N]);

/// Combines `a[k]` with `b[k]` into `a[k]`.
#[inline(always)]
fn combine_pairs<T: Ordered, const N: usize>(
    better: impl Fn(T, T) -> bool + Copy,
    (best, at): Pairs<'_, T, N>,
    x: [T; N],
    from: [u64; N],
) {
    let (old, old_at) = (best.map(T::load), at.map(u64::load));
    let second: [bool; N] =
        std::array::from_fn(|k| is_second(better, (old[k], old_at[k]), (x[k], from[k])));
    for k in 0..N {
        best[k] = if second[k] { x[k] } else { old[k] }.store();
    }
    for k in 0..N {
        at[k] = if second[k] { from[k] } else { old_at[k] }.store();
    }
}

/// Combines `a[k]` with `b[k]` into `a[k]`.
pub(super) fn combine<T: Ordered>(order: Ordering, a: PlanesMut<'_>, b: Planes<'_>) {
    let ([best, at, ..], [x, from, ..]) = (a, b);
    let a = item::items_mut::<T>(best)
        .iter_mut()
        .zip(item::items_mut::<u64>(at));
    let b = item::items::<T>(x).iter().zip(item::items::<u64>(from));
    by!(order, better => for ((best, at), (&x, &from)) in a.zip(b) {
        let a = (T::load(*best), u64::load(*at));
        let b = (T::load(x), u64::load(from));
        let (value, position) = if is_second(better, a, b) { b } else { a };
        (*best, *at) = (value.store(), position.store());
    });
}

/// Takes an element into each column, all of the one position.
pub(super) fn take_columns<T: Ordered>(
    order: Ordering,
    columns: PlanesMut<'_>,
    x: &[T::Bytes],
    position: u64,
) {
    let [best, at, ..] = columns;
    let (best, best_rest) = item::items_mut::<T>(best).as_chunks_mut::<COLUMNS>();
    let (at, at_rest) = item::items_mut::<u64>(at).as_chunks_mut();
    let (x, x_rest) = x.as_chunks();
    by!(order, better => {
        for (a, x) in best.iter_mut().zip(at).zip(x) {
            let x = x.map(T::load);
            if changes(better, (a.0, a.1), x, position) {
                combine_pairs(better, a, x, [position; COLUMNS]);
            }
        }
        for ((best, at), &x) in best_rest.iter_mut().zip(at_rest).zip(x_rest) {
            let a = (std::array::from_mut(best), std::array::from_mut(at));
            combine_pairs(better, a, [T::load(x)], [position]);
        }
    });
}

/// Whether one of the elements may be the one.
#[inline(always)]
fn changes<T: Ordered, const N: usize>(
    better: impl Fn(T, T) -> bool,
    (best, at): (&[T::Bytes; N], &[[u8; 8]; N]),
    x: [T; N],
    position: u64,
) -> bool {
    let mut changes = false;
    for k in 0..N {
        changes |= better(x[k], T::load(best[k])) | x[k].is_nan();
    }
    // The top bit is clear where a position is surely before `position`: a comparison that takes no more than two operations.
    let mut late = 0;
    for k in 0..N {
        let at = u64::load(at[k]);
        late |= at | !at.wrapping_sub(position);
    }
    changes | (late >> 63 != 0)
}

/// Takes elements into lanes, element `i` into lane `i % LANES`; `position` is that of the first one.
pub(super) fn take_lanes<T: Ordered>(
    order: Ordering,
    lanes: PlanesMut<'_>,
    x: &[T::Bytes],
    position: u64,
) {
    let [best, at, ..] = lanes;
    let (best, at) = (item::items_mut::<T>(best), item::items_mut::<u64>(at));
    let mut lanes = Lanes {
        best: std::array::from_fn(|k| T::load(best[k])),
        at: std::array::from_fn(|k| u64::load(at[k])),
    };
    by!(order, better => lanes.take(better, x, position));
    for k in 0..LANES {
        (best[k], at[k]) = (lanes.best[k].store(), lanes.at[k].store());
    }
}

struct Lanes<T> {
    best: [T; LANES],
    at: [u64; LANES],
}

impl<T: Ordered> Lanes<T> {
    #[inline(always)]
    fn take(&mut self, better: impl Fn(T, T) -> bool + Copy, x: &[T::Bytes], position: u64) {
        // Lanes that have seen nothing are at the last position of all; a first group one by one gives them another.
        let first = if self.is_before(position) {
            0
        } else {
            x.len().min(LANES)
        };
        let (head, rest) = x.split_at(first);
        self.take_one_by_one(better, head, position);
        let mut position = position + first as u64;
        let (groups, rest) = if self.is_before(position) {
            rest.as_chunks()
        } else {
            (&[][..], rest)
        };
        for groups in groups.chunks(STRETCH) {
            self.take_groups(better, groups, position);
            position += (LANES * groups.len()) as u64;
        }
        self.take_one_by_one(better, rest, position);
    }

    /// Whether all that was seen lies before `position`.
    fn is_before(&self, position: u64) -> bool {
        self.at.iter().all(|&at| at < position)
    }

    #[inline(always)]
    fn take_one_by_one(
        &mut self,
        better: impl Fn(T, T) -> bool + Copy,
        x: &[T::Bytes],
        position: u64,
    ) {
        for (i, (position, &x)) in (position..).zip(x).enumerate() {
            let k = i % LANES;
            let a = (self.best[k], self.at[k]);
            let b = (T::load(x), position);
            (self.best[k], self.at[k]) = if is_second(better, a, b) { b } else { a };
        }
    }

    /// Takes up to [`STRETCH`] groups, the lanes being [before](Self::is_before) the first.
    #[inline(always)]
    fn take_groups(
        &mut self,
        better: impl Fn(T, T) -> bool + Copy,
        groups: &[[T::Bytes; LANES]],
        position: u64,
    ) {
        let start = self.best;
        let mut best = start;
        let mut notes = [start; STRETCH / NOTED];
        let mut has_nan = false;
        for (groups, note) in groups.chunks(NOTED).zip(&mut notes) {
            // Two at a time: it takes one comparison to see that neither is NaN.
            let x = groups.as_flattened();
            let (x, y) = x.split_at(x.len() / 2);
            for (&x, &y) in x.iter().zip(y) {
                has_nan |= T::load(x).is_nan() | T::load(y).is_nan();
            }
            for group in groups {
                for k in 0..LANES {
                    let x = T::load(group[k]);
                    // Of equal ones the first; a NaN changes nothing here, on either side.
                    best[k] = if better(x, best[k]) { x } else { best[k] };
                }
            }
            *note = best;
        }
        for k in 0..LANES {
            let in_lane = |group: usize| T::load(groups[group][k]);
            let mut found = None;
            if better(best[k], start[k]) {
                let note = notes.iter().position(|note| note[k] == best[k]);
                let from = NOTED * note.expect("the last one, if no other");
                found = (from..groups.len()).find(|&group| in_lane(group) == best[k]);
            }
            if has_nan && !start[k].is_nan() {
                let nan = (0..groups.len()).find(|&group| in_lane(group).is_nan());
                found = nan.or(found);
            }
            if let Some(group) = found {
                self.best[k] = in_lane(group);
                self.at[k] = position + (group * LANES + k) as u64;
            }
        }
    }
}
