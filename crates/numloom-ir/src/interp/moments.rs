//! `moments`: the count of elements, their mean, and the sum of squared deviations from it.

use super::accumulate::{Planes, PlanesMut};
use super::item::{self, Item};
use crate::reduce::LANES;

/// Groups of [`LANES`] elements whose means are all computed before the squares are added.
const STRETCH: usize = 8;

/// Count, mean and squared deviations of all elements of both (Chan, Golub and LeVeque, 1979).
#[inline(always)]
fn merged(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    let n = a[0] + b[0];
    let delta = b[1] - a[1];
    let share = b[0] / n;
    let both = [
        n,
        a[1] + delta * share,
        a[2] + b[2] + delta * delta * (a[0] * share),
    ];
    // No elements at all have no mean, and must not change another's. Chosen last, so that it is done for several pairs at once.
    let one = if b[0] == 0.0 { a } else { b };
    let is_one = (a[0] == 0.0) | (b[0] == 0.0);
    std::array::from_fn(|word| if is_one { one[word] } else { both[word] })
}

/// An element's deviation from the mean of those before it, and the mean with it, of which there are `1 / reciprocal` then (Welford, 1962).
#[inline(always)]
fn with(mean: f64, x: f64, reciprocal: f64) -> (f64, f64) {
    let delta = x - mean;
    (delta, mean + delta * reciprocal)
}

/// Combines `a[k]` with `b[k]` into `a[k]`.
pub(super) fn combine(a: PlanesMut<'_>, b: Planes<'_>) {
    let [count, mean, m2] = a.map(item::items_mut::<f64>);
    let a = count.iter_mut().zip(mean).zip(m2);
    let b = b.map(item::items::<f64>);
    let b = b[0].iter().zip(b[1]).zip(b[2]);
    for (((count, mean), m2), ((&n, &x), &y)) in a.zip(b) {
        let all = merged(
            [*count, *mean, *m2].map(f64::load),
            [n, x, y].map(f64::load),
        );
        [*count, *mean, *m2] = all.map(f64::store);
    }
}

/// Takes an element into each column. The columns of a row have as many elements each.
pub(super) fn take_columns(columns: PlanesMut<'_>, x: &[[u8; 8]]) {
    let [count, mean, m2] = columns.map(|plane| &mut item::items_mut::<f64>(plane)[..x.len()]);
    let Some(&first) = count.first() else { return };
    let n = f64::load(first) + 1.0;
    let reciprocal = 1.0 / n;
    for (((count, mean), m2), &x) in count.iter_mut().zip(mean).zip(m2).zip(x) {
        let x = f64::load(x);
        let (delta, new) = with(f64::load(*mean), x, reciprocal);
        *count = n.store();
        *mean = new.store();
        *m2 = (f64::load(*m2) + delta * (x - new)).store();
    }
}

/// Takes elements into lanes, element `i` into lane `i % LANES`.
pub(super) fn take_lanes(lanes: PlanesMut<'_>, x: &[[u8; 8]]) {
    let planes = lanes.map(item::items_mut::<f64>);
    let mut lanes = Lanes {
        count: std::array::from_fn(|k| f64::load(planes[0][k])),
        mean: std::array::from_fn(|k| f64::load(planes[1][k])),
        m2: std::array::from_fn(|k| f64::load(planes[2][k])),
    };
    let (groups, rest) = x.as_chunks();
    if lanes.count.iter().all(|&n| n == lanes.count[0]) {
        lanes.take_groups(groups);
        lanes.take_one_by_one(rest);
    } else {
        // After a row that ended within a group.
        lanes.take_one_by_one(x);
    }
    for (plane, lanes) in planes.into_iter().zip([lanes.count, lanes.mean, lanes.m2]) {
        for (bytes, lane) in plane.iter_mut().zip(lanes) {
            *bytes = lane.store();
        }
    }
}

struct Lanes {
    count: [f64; LANES],
    mean: [f64; LANES],
    m2: [f64; LANES],
}

impl Lanes {
    fn take_one_by_one(&mut self, x: &[[u8; 8]]) {
        for group in x.chunks(LANES) {
            for (k, &x) in group.iter().enumerate() {
                let x = f64::load(x);
                self.count[k] += 1.0;
                let (delta, mean) = with(self.mean[k], x, 1.0 / self.count[k]);
                self.mean[k] = mean;
                self.m2[k] += delta * (x - mean);
            }
        }
    }

    /// Takes whole groups into lanes of equal counts, which share a division.
    fn take_groups(&mut self, groups: &[[[u8; 8]; LANES]]) {
        let mut n = self.count[0];
        let (mut mean, mut m2) = (self.mean, self.m2);
        let mut squares = [[0.0; LANES]; STRETCH];
        for groups in groups.chunks(STRETCH) {
            // All means and then all squares: either's lanes fit in the registers of any machine, and not both.
            for (group, squares) in groups.iter().zip(&mut squares) {
                n += 1.0;
                let reciprocal = 1.0 / n;
                for k in 0..LANES {
                    let x = f64::load(group[k]);
                    let (delta, new) = with(mean[k], x, reciprocal);
                    mean[k] = new;
                    squares[k] = delta * (x - new);
                }
            }
            for squares in &squares[..groups.len()] {
                for k in 0..LANES {
                    m2[k] += squares[k];
                }
            }
        }
        (self.count, self.mean, self.m2) = ([n; LANES], mean, m2);
    }
}
