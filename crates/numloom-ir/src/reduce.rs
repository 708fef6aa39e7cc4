//! The fixed tree of reductions: the one order in which elements are combined, whatever the threads, blocks or layout.
//!
//! The logical (row-major) positions of what is reduced are cut into *leaves* of [`LEAF`] consecutive elements. Inside a leaf,
//! element `i` goes to *lane* `i % LANES`; lanes start from the operation's identity and take their elements in order. At the end of a
//! leaf its lanes are combined by halving: lane `j` with lane `j + w`, for `w` = LANES/2 … 1. Leaves are merged by a binary counter over their index
//! ([`Tree`]), so the length need not be known beforehand, and any aligned power-of-two run of leaves may be reduced on its own.
//! A reduction along some axes has such a tree for each element of its result; where these lie side by side, [`ColumnTree`] merges the
//! lanes and leaves of all of them at once. `docs/decisions/` records how LEAF and LANES were chosen.
//!
//! What is here: the layout of running values in memory, and the order. What the operations mean stands with the interpreter.

use numloom_data::{DType, Scalar};

use crate::interp::{self, PlanesMut};
use crate::kernel::{AccOp, Accumulator};

mod tree;

pub use tree::{ColumnTree, Tree, merge_leaves, reset};

/// Virtual lanes inside a leaf.
pub const LANES: usize = 16;

/// Consecutive elements of a leaf; a multiple of [`LANES`].
pub const LEAF: usize = 4096;

/// The lanes of a leaf in the order in which halving meets them: a binary counter over them, as over leaves, combines lane `j` with lane
/// `j + w` before their sum with that of `j + w/2` and `j + w + w/2`.
pub const LANE_ORDER: [usize; LANES] = {
    let mut order = [0; LANES];
    let mut i = 0;
    while i < LANES {
        order[i] = i.reverse_bits() >> (usize::BITS - LANES.ilog2());
        i += 1;
    }
    order
};

/// The most words of a partial value.
pub const MAX_WORDS: usize = 4;

impl Accumulator {
    /// The words of a partial value, at most [`MAX_WORDS`].
    pub fn words(self) -> usize {
        match self.op {
            AccOp::Sum | AccOp::Prod | AccOp::Min | AccOp::Max => 1,
            AccOp::ArgMin | AccOp::ArgMax | AccOp::ComplexProd => 2,
            AccOp::ComplexMin | AccOp::ComplexMax => 3,
            AccOp::Moments => 4,
        }
    }

    /// The dtype of word `word` of a partial value: an `i64` for a position, which is -1 if there is none, else the accumulator's.
    pub fn word_dtype(self, word: usize) -> DType {
        match (self.op, word) {
            (AccOp::ArgMin | AccOp::ArgMax, 1) => DType::I64,
            (AccOp::ComplexMin | AccOp::ComplexMax, 2) => DType::I64,
            _ => self.dtype,
        }
    }

    /// Word `word` of a partial value as a scalar.
    pub fn scalar(self, word: usize, bits: u64) -> Scalar {
        Scalar::from_bits(self.word_dtype(word), u128::from(bits))
    }

    /// Word `word` of the partial value of no elements, which changes nothing: what lanes start from. As bits, zero-extended to 64.
    pub fn identity(self, word: usize) -> u64 {
        let one = || match self.dtype {
            DType::F64 => 1f64.to_bits(),
            DType::F32 => u64::from(1f32.to_bits()),
            _ => 1,
        };
        match (self.op, word) {
            (AccOp::Sum | AccOp::Moments, _) => 0,
            (AccOp::Prod, _) | (AccOp::ComplexProd, 0) => one(),
            (AccOp::ComplexProd, _) => 0,
            // After every position.
            (AccOp::ArgMin | AccOp::ArgMax, 1) => u64::MAX,
            (AccOp::ComplexMin | AccOp::ComplexMax, 2) => u64::MAX,
            (AccOp::Min | AccOp::ArgMin | AccOp::ComplexMin, _) => extreme(self.dtype, true),
            (AccOp::Max | AccOp::ArgMax | AccOp::ComplexMax, _) => extreme(self.dtype, false),
        }
    }

    /// The size in words of `n` running values side by side: for each word of a partial value a *plane* of `n` words, in which that word of
    /// all values is packed at the word's item size from the front.
    pub fn values_words(self, n: usize) -> usize {
        n * self.words()
    }

    /// The size in words of its lanes: [`LANES`] running values.
    pub fn lane_words(self) -> usize {
        self.values_words(LANES)
    }

    /// Fills `n` running values with the identity: the start of a leaf.
    ///
    /// # Panics
    /// If `values` is not [`values_words`](Accumulator::values_words) long.
    pub fn reset(self, values: &mut [u64], n: usize) {
        assert_eq!(
            values.len(),
            self.values_words(n),
            "one accumulator's values"
        );
        for (word, plane) in values.chunks_exact_mut(n.max(1)).enumerate() {
            let words = (n * self.word_dtype(word).itemsize()).div_ceil(8);
            plane[..words].fill(self.packed_identity(word));
        }
    }

    /// The identity in every element of a word of memory.
    fn packed_identity(self, word: usize) -> u64 {
        let bits = 8 * self.word_dtype(word).itemsize();
        let copies = (0..64).step_by(bits);
        copies.fold(0, |all, at| all | self.identity(word) << at)
    }

    /// Combines two partial values into `a`, that of the earlier positions.
    ///
    /// # Panics
    /// If one is not [`words`](Accumulator::words) long.
    pub fn combine(self, a: &mut [u64], b: &[u64]) {
        let n = self.words();
        assert_eq!(
            (a.len(), b.len()),
            (n, n),
            "an accumulator's partial values"
        );
        if cfg!(target_endian = "little") {
            if interp::combine_words(self, a, b) {
                return;
            }
            // A word begins with its element: a plane of one.
            let mut right = [&[][..]; MAX_WORDS];
            for (word, (plane, b)) in right.iter_mut().zip(b).enumerate() {
                *plane = &bytemuck::bytes_of(b)[..self.word_dtype(word).itemsize()];
            }
            return interp::combine(self, self.planes(a, 1), right);
        }
        let (mut x, mut y) = ([0; 8 * MAX_WORDS], [0; 8 * MAX_WORDS]);
        for word in 0..n {
            let size = self.word_dtype(word).itemsize();
            x[8 * word..][..8].copy_from_slice(&element(a[word], size));
            y[8 * word..][..8].copy_from_slice(&element(b[word], size));
        }
        let left = self.planes_mut(&mut x, 1, 8);
        let right = self.planes_mut(&mut y, 1, 8);
        interp::combine(self, left, right.map(|plane| &*plane));
        self.gather(a, &x, 8);
    }

    /// Combines the lanes of a finished leaf by halving, to the partial value of the leaf.
    ///
    /// # Panics
    /// If `lanes` is not [`lane_words`](Accumulator::lane_words), or `partial` not [`words`](Accumulator::words) long.
    pub fn combine_lanes(self, lanes: &[u64], partial: &mut [u64]) {
        assert_eq!(lanes.len(), self.lane_words(), "one accumulator's lanes");
        assert_eq!(
            partial.len(),
            self.words(),
            "an accumulator's partial value"
        );
        let mut all = [0; LANES * MAX_WORDS];
        let all = &mut all[..lanes.len()];
        all.copy_from_slice(lanes);
        self.halve(all, 1);
        self.gather(partial, bytemuck::cast_slice(all), 8 * LANES);
    }

    /// Combines the lanes of `n` leaves by halving, lane `j` of leaf `i` being value `j * n + i`: the partial values of the leaves are then the
    /// first `n` values.
    ///
    /// # Panics
    /// If `lanes` is not [`values_words`](Accumulator::values_words) of `LANES * n` long.
    pub fn halve(self, lanes: &mut [u64], n: usize) {
        let mut planes = self.planes(lanes, LANES * n);
        let mut width = LANES / 2;
        while width > 0 {
            let halves = planes.each_mut().map(|plane| {
                let half = plane.len() / LANES * width;
                plane[..2 * half].split_at_mut(half)
            });
            let [a, b, c, d] = halves;
            interp::combine(
                self,
                [a.0, b.0, c.0, d.0],
                [a.1, b.1, c.1, d.1].map(|plane| &*plane),
            );
            width /= 2;
        }
    }

    /// The planes of `n` running values.
    ///
    /// # Panics
    /// If `values` is not [`values_words`](Accumulator::values_words) long.
    pub(crate) fn planes(self, values: &mut [u64], n: usize) -> PlanesMut<'_> {
        assert_eq!(
            values.len(),
            self.values_words(n),
            "one accumulator's values"
        );
        self.planes_mut(bytemuck::cast_slice_mut(values), n, 8 * n)
    }

    /// The planes in `bytes`, of `n` elements each; from one to the next there are `pitch` bytes.
    fn planes_mut(self, bytes: &mut [u8], n: usize, pitch: usize) -> PlanesMut<'_> {
        let mut planes = PlanesMut::default();
        let mut rest = bytes;
        for (word, plane) in planes.iter_mut().enumerate().take(self.words()) {
            let size = self.word_dtype(word).itemsize();
            let (this, after) = rest.split_at_mut(pitch);
            *plane = &mut this[..n * size];
            rest = after;
        }
        planes
    }

    /// The first element of each plane in `bytes`, as words; from one plane to the next there are `pitch` bytes.
    fn gather(self, partial: &mut [u64], bytes: &[u8], pitch: usize) {
        for (word, (partial, plane)) in partial.iter_mut().zip(bytes.chunks(pitch)).enumerate() {
            *partial = zero_extended(&plane[..self.word_dtype(word).itemsize()]);
        }
    }
}

/// An element, from a word that holds its bits zero-extended, in the first bytes.
fn element(word: u64, size: usize) -> [u8; 8] {
    let mut bytes = word.to_ne_bytes();
    if cfg!(target_endian = "big") {
        bytes.rotate_left(8 - size);
    }
    bytes
}

/// The bits of an element, zero-extended to a word.
fn zero_extended(element: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..element.len()].copy_from_slice(element);
    if cfg!(target_endian = "big") {
        bytes.rotate_right(8 - element.len());
    }
    u64::from_ne_bytes(bytes)
}

/// The greatest value of a dtype if `high`, else the least; infinities for floats.
fn extreme(dtype: DType, high: bool) -> u64 {
    macro_rules! int {
        ($t:ty) => {
            zero_extended(&if high { <$t>::MAX } else { <$t>::MIN }.to_ne_bytes())
        };
    }
    match dtype {
        DType::Bool => u64::from(high),
        DType::U8 => int!(u8),
        DType::U16 => int!(u16),
        DType::U32 => int!(u32),
        DType::U64 => int!(u64),
        DType::I8 => int!(i8),
        DType::I16 => int!(i16),
        DType::I32 => int!(i32),
        DType::I64 => int!(i64),
        DType::F32 => u64::from(
            if high {
                f32::INFINITY
            } else {
                f32::NEG_INFINITY
            }
            .to_bits(),
        ),
        DType::F64 => if high {
            f64::INFINITY
        } else {
            f64::NEG_INFINITY
        }
        .to_bits(),
        other => unreachable!("no accumulator has dtype {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPS: [AccOp; 4] = [AccOp::Sum, AccOp::Prod, AccOp::Min, AccOp::Max];

    fn accumulators() -> impl Iterator<Item = Accumulator> {
        let all = DType::ALL_REAL
            .into_iter()
            .flat_map(|dtype| OPS.map(|op| Accumulator { op, dtype }));
        all.filter(|acc| acc.op.takes(acc.dtype))
    }

    fn combined(acc: Accumulator, a: u64, b: u64) -> u64 {
        let mut partial = [a];
        acc.combine(&mut partial, &[b]);
        partial[0]
    }

    #[test]
    fn identities_change_nothing() {
        for acc in accumulators() {
            let ones = if acc.dtype == DType::Bool {
                1
            } else {
                u64::MAX >> (64 - acc.dtype.bits())
            };
            let x = match acc.dtype {
                DType::F32 => u64::from(2.5f32.to_bits()),
                DType::F64 => (-2.5f64).to_bits(),
                _ => ones,
            };
            assert_eq!(combined(acc, acc.identity(0), x), x, "{acc:?}");
            assert_eq!(combined(acc, x, acc.identity(0)), x, "{acc:?}");
            let mut lanes = [7; LANES];
            acc.reset(&mut lanes, LANES);
            let mut partial = [7];
            acc.combine_lanes(&lanes, &mut partial);
            assert_eq!(partial, [acc.identity(0)], "{acc:?}");
        }
    }

    #[test]
    fn a_nan_anywhere_is_the_least_and_the_greatest() {
        for op in [AccOp::Min, AccOp::Max] {
            let acc = Accumulator {
                op,
                dtype: DType::F64,
            };
            for (a, b) in [(f64::NAN, 1.0), (1.0, f64::NAN)] {
                assert!(f64::from_bits(combined(acc, a.to_bits(), b.to_bits())).is_nan());
            }
        }
    }

    /// Lanes with different values, as words.
    fn lanes(acc: Accumulator, seed: u64) -> [u64; LANES] {
        std::array::from_fn(|lane| {
            let x = (seed + 1) * (lane as u64 + 3) * 37 % 251;
            match acc.dtype {
                DType::Bool => x % 2,
                DType::F32 => u64::from((x as f32 / 128.0).to_bits()),
                DType::F64 => (x as f64 / 96.0).to_bits(),
                dtype => (x * 0x0101_0101_0101_0101) & (u64::MAX >> (64 - dtype.bits())),
            }
        })
    }

    fn halved(acc: Accumulator, mut lanes: [u64; LANES]) -> u64 {
        for width in [8, 4, 2, 1] {
            for j in 0..width {
                lanes[j] = combined(acc, lanes[j], lanes[j + width]);
            }
        }
        lanes[0]
    }

    #[test]
    fn a_binary_counter_over_lanes_in_order_combines_by_halving() {
        let acc = Accumulator {
            op: AccOp::Sum,
            dtype: DType::F64,
        };
        let lanes = std::array::from_fn(|lane| (1.0 / (3.0 + lane as f64)).to_bits());
        let mut nodes: Vec<(u32, u64)> = Vec::new();
        for lane in LANE_ORDER {
            nodes.push((0, lanes[lane]));
            while let [.., (a, x), (b, y)] = nodes[..]
                && a == b
            {
                nodes.truncate(nodes.len() - 2);
                nodes.push((a + 1, combined(acc, x, y)));
            }
        }
        assert_eq!(nodes, [(LANES.ilog2(), halved(acc, lanes))]);
    }

    #[test]
    fn lanes_and_columns_are_combined_by_halving() {
        for acc in accumulators() {
            for columns in [0, 1, 2, 3, 17] {
                let size = acc.dtype.itemsize();
                let mut area = vec![0u64; acc.values_words(LANES * columns)];
                acc.reset(&mut area, LANES * columns);
                let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut area);
                for column in 0..columns {
                    for (lane, word) in lanes(acc, column as u64).into_iter().enumerate() {
                        let at = (lane * columns + column) * size;
                        bytes[at..at + size].copy_from_slice(&element(word, size)[..size]);
                    }
                }
                acc.halve(&mut area, columns);
                let bytes: &[u8] = bytemuck::cast_slice(&area);
                for column in 0..columns {
                    let lanes = lanes(acc, column as u64);
                    let want = halved(acc, lanes);
                    let got = zero_extended(&bytes[column * size..][..size]);
                    assert_eq!(got, want, "{acc:?}, column {column} of {columns}");

                    let mut words = [0; LANES];
                    for (lane, word) in lanes.into_iter().enumerate() {
                        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
                        bytes[lane * size..][..size].copy_from_slice(&element(word, size)[..size]);
                    }
                    let mut partial = [0];
                    acc.combine_lanes(&words, &mut partial);
                    assert_eq!(partial, [want], "{acc:?}");
                }
            }
        }
    }
}
