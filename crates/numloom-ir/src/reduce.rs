//! The fixed tree of reductions: the one order in which elements are combined, whatever the threads, blocks or layout.
//!
//! The logical (row-major) positions of what is reduced are cut into *leaves* of [`LEAF`] consecutive elements. Inside a leaf,
//! element `i` goes to *lane* `i % LANES`; lanes start from the operation's identity and take their elements in order. At the end of a
//! leaf its lanes are combined by halving: lane `j` with lane `j + w`, for `w` = LANES/2 … 1. Leaves are merged by a binary counter over their index
//! ([`Tree`]), so the length need not be known beforehand, and any aligned power-of-two run of leaves may be reduced on its own.
//! A reduction along some axes has such a tree for each element of its result; where these lie side by side, [`ColumnTree`] merges the
//! leaves of all of them at once. `docs/decisions/` records how LEAF and LANES were chosen.
//!
//! What is here: the layout of lanes and columns in memory, and the order. What the operations mean stands with the interpreter.

use numloom_data::{DType, Scalar};

use crate::interp::{self, PlanesMut};
use crate::kernel::{AccOp, Accumulator};

mod tree;

pub use tree::{ColumnTotals, ColumnTree, Tree};

/// Virtual lanes inside a leaf.
pub const LANES: usize = 16;

/// Consecutive elements of a leaf; a multiple of [`LANES`].
pub const LEAF: usize = 4096;

/// The size in 64-bit words of the lanes of one word of an accumulator. Lanes are packed at the word's item size from the front.
pub const LANE_WORDS: usize = LANES;

/// The most words of a partial value.
pub const MAX_WORDS: usize = 3;

impl Accumulator {
    /// The words of a partial value, at most [`MAX_WORDS`].
    pub fn words(self) -> usize {
        match self.op {
            AccOp::Sum | AccOp::Prod | AccOp::Min | AccOp::Max => 1,
            AccOp::ArgMin | AccOp::ArgMax | AccOp::ComplexProd => 2,
            AccOp::Moments | AccOp::ComplexMin | AccOp::ComplexMax => 3,
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

    /// The size in words of its lanes: [`LANE_WORDS`] for each word of a partial value.
    pub fn lane_words(self) -> usize {
        LANE_WORDS * self.words()
    }

    /// Fills its lanes with the identity: the start of a leaf.
    ///
    /// # Panics
    /// If `lanes` is not [`lane_words`](Accumulator::lane_words) long.
    pub fn reset(self, lanes: &mut [u64]) {
        assert_eq!(lanes.len(), self.lane_words(), "one accumulator's lanes");
        for (word, plane) in lanes.chunks_exact_mut(LANE_WORDS).enumerate() {
            plane.fill(self.packed_identity(word));
        }
    }

    /// The size in words of `columns` columns: for each word of a partial value the lanes 0 of all columns, side by side and packed at
    /// the word's item size, then the lanes 1, and so on.
    pub fn column_words(self, columns: usize) -> usize {
        let bytes =
            (0..self.words()).map(|word| LANES * columns * self.word_dtype(word).itemsize());
        bytes.sum::<usize>() / 8
    }

    /// Fills the lanes of columns with the identity: the start of a leaf.
    ///
    /// # Panics
    /// If `area` is not [`column_words`](Accumulator::column_words) of `columns` long.
    pub fn reset_columns(self, area: &mut [u64], columns: usize) {
        assert_eq!(
            area.len(),
            self.column_words(columns),
            "one accumulator's columns"
        );
        let mut rest = area;
        for word in 0..self.words() {
            let words = LANES * columns * self.word_dtype(word).itemsize() / 8;
            let (plane, after) = rest.split_at_mut(words);
            plane.fill(self.packed_identity(word));
            rest = after;
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
        let (mut x, mut y) = ([0; 8 * MAX_WORDS], [0; 8 * MAX_WORDS]);
        for word in 0..n {
            let size = self.word_dtype(word).itemsize();
            x[8 * word..][..8].copy_from_slice(&element(a[word], size));
            y[8 * word..][..8].copy_from_slice(&element(b[word], size));
        }
        let left = self.planes_mut(&mut x, 1, |_| 8);
        let right = self.planes_mut(&mut y, 1, |_| 8);
        interp::combine(self, left, right.map(|plane| &*plane));
        self.gather(a, &x, |_| 8);
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
        let mut all = [0; LANE_WORDS * MAX_WORDS];
        let all = &mut all[..lanes.len()];
        all.copy_from_slice(lanes);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(all);
        self.halve(self.planes_mut(bytes, LANES, |_| 8 * LANE_WORDS));
        self.gather(partial, bytes, |_| 8 * LANE_WORDS);
    }

    /// Combines the lanes of each column of a finished leaf by halving: the partial values of the leaf are then the lanes 0.
    ///
    /// # Panics
    /// If `area` is not [`column_words`](Accumulator::column_words) of `columns` long.
    pub fn combine_columns(self, area: &mut [u64], columns: usize) {
        assert_eq!(
            area.len(),
            self.column_words(columns),
            "one accumulator's columns"
        );
        let n = LANES * columns;
        let planes = self.planes_mut(bytemuck::cast_slice_mut(area), n, |size| n * size);
        self.halve(planes);
    }

    /// The planes of its lanes.
    ///
    /// # Panics
    /// If `lanes` is not [`lane_words`](Accumulator::lane_words) long.
    pub(crate) fn lane_planes(self, lanes: &mut [u64]) -> PlanesMut<'_> {
        assert_eq!(lanes.len(), self.lane_words(), "one accumulator's lanes");
        self.planes_mut(bytemuck::cast_slice_mut(lanes), LANES, |_| 8 * LANE_WORDS)
    }

    /// The planes of lane `lane` of all columns.
    pub(crate) fn column_planes(
        self,
        area: &mut [u64],
        columns: usize,
        lane: usize,
    ) -> PlanesMut<'_> {
        let n = LANES * columns;
        let planes = self.planes_mut(bytemuck::cast_slice_mut(area), n, |size| n * size);
        planes.map(|plane| {
            let bytes = plane.len() / LANES;
            &mut plane[lane * bytes..][..bytes]
        })
    }

    /// Combines the upper half of the lanes with the lower one, and so on to a single one; a plane is all lanes of any number of columns.
    fn halve(self, mut planes: PlanesMut<'_>) {
        let mut width = LANES / 2;
        while width > 0 {
            let halves = planes.each_mut().map(|plane| {
                let half = plane.len() / LANES * width;
                plane[..2 * half].split_at_mut(half)
            });
            let [(a, x), (b, y), (c, z)] = halves;
            interp::combine(self, [a, b, c], [x, y, z]);
            width /= 2;
        }
    }

    /// The planes in `bytes`, of `n` elements each; from one to the next there are `pitch` bytes, a function of the item size.
    fn planes_mut(
        self,
        bytes: &mut [u8],
        n: usize,
        pitch: impl Fn(usize) -> usize,
    ) -> PlanesMut<'_> {
        let mut planes = PlanesMut::default();
        let mut rest = bytes;
        for (word, plane) in planes.iter_mut().enumerate().take(self.words()) {
            let size = self.word_dtype(word).itemsize();
            let (this, after) = rest.split_at_mut(pitch(size));
            *plane = &mut this[..n * size];
            rest = after;
        }
        planes
    }

    /// The first element of each plane in `bytes`, as words.
    fn gather(self, partial: &mut [u64], bytes: &[u8], pitch: impl Fn(usize) -> usize) {
        let mut at = 0;
        for (word, partial) in partial.iter_mut().enumerate() {
            let size = self.word_dtype(word).itemsize();
            *partial = zero_extended(&bytes[at..at + size]);
            at += pitch(size);
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

    const DTYPES: [DType; 11] = [
        DType::Bool,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F32,
        DType::F64,
    ];

    fn accumulators() -> impl Iterator<Item = Accumulator> {
        let all = DTYPES
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
            let mut lanes = [7; LANE_WORDS];
            acc.reset(&mut lanes);
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
    fn lanes_and_columns_are_combined_by_halving() {
        for acc in accumulators() {
            for columns in [0, 1, 2, 3, 17] {
                let size = acc.dtype.itemsize();
                let mut area = vec![0u64; acc.column_words(columns)];
                acc.reset_columns(&mut area, columns);
                let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut area);
                for column in 0..columns {
                    for (lane, word) in lanes(acc, column as u64).into_iter().enumerate() {
                        let at = (lane * columns + column) * size;
                        bytes[at..at + size].copy_from_slice(&element(word, size)[..size]);
                    }
                }
                acc.combine_columns(&mut area, columns);
                let bytes: &[u8] = bytemuck::cast_slice(&area);
                for column in 0..columns {
                    let lanes = lanes(acc, column as u64);
                    let want = halved(acc, lanes);
                    let got = zero_extended(&bytes[column * size..][..size]);
                    assert_eq!(got, want, "{acc:?}, column {column} of {columns}");

                    let mut words = [0; LANE_WORDS];
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
