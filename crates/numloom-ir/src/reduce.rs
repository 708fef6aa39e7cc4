//! The fixed tree of reductions: the one order in which elements are combined, whatever the threads, blocks or layout.
//!
//! The logical (row-major) positions of what is reduced are cut into *leaves* of [`LEAF`] consecutive elements. Inside a leaf,
//! element `i` goes to *lane* `i % LANES`; lanes start from the operation's identity and take their elements in order. At the end of a
//! leaf its lanes are combined by halving: lane `j` with lane `j + w`, for `w` = LANES/2 … 1. Leaves are merged by a binary counter over their index
//! ([`Tree`]), so the length need not be known beforehand, and any aligned power-of-two run of leaves may be reduced on its own.
//! `docs/decisions/` records how LEAF and LANES were chosen.

use numloom_data::{DType, Scalar};

use crate::kernel::{AccOp, Accumulator};

/// Virtual lanes inside a leaf.
pub const LANES: usize = 16;

/// Consecutive elements of a leaf; a multiple of [`LANES`].
pub const LEAF: usize = 4096;

/// The size in 64-bit words of one accumulator's lanes. Lanes are packed at the dtype's item size from the front.
pub const LANE_WORDS: usize = LANES;

impl Accumulator {
    /// The value that changes nothing: what lanes start from, as bits zero-extended to 64.
    pub fn identity(self) -> u64 {
        match self.op {
            AccOp::Sum => 0,
            AccOp::Prod => match self.dtype {
                DType::F64 => 1f64.to_bits(),
                DType::F32 => u64::from(1f32.to_bits()),
                _ => 1,
            },
            AccOp::Min => extreme(self.dtype, true),
            AccOp::Max => extreme(self.dtype, false),
        }
    }

    /// Fills `lanes` with the identity: the start of a leaf.
    ///
    /// # Panics
    /// If `lanes` is not [`LANE_WORDS`] long.
    pub fn reset(self, lanes: &mut [u64]) {
        assert_eq!(lanes.len(), LANE_WORDS, "one accumulator's lanes");
        // The identity in every lane of a word.
        let bits = 8 * self.dtype.itemsize() as u32;
        let copies = (0..64).step_by(bits as usize);
        lanes.fill(copies.fold(0, |word, at| word | self.identity() << at));
    }

    /// Combines two partial values, the earlier positions' on the left.
    pub fn combine(self, a: u64, b: u64) -> u64 {
        macro_rules! int {
            ($t:ty) => {{
                let (x, y) = (a as $t, b as $t);
                let r = match self.op {
                    AccOp::Sum => x.wrapping_add(y),
                    AccOp::Prod => x.wrapping_mul(y),
                    AccOp::Min => {
                        if x < y {
                            x
                        } else {
                            y
                        }
                    }
                    AccOp::Max => {
                        if x > y {
                            x
                        } else {
                            y
                        }
                    }
                };
                // Zero-extend: the word above a narrow value is 0.
                u64::from_ne_bytes(widen(r.to_ne_bytes()))
            }};
        }
        macro_rules! float {
            ($t:ty, $bits:ty) => {{
                let (x, y) = (<$t>::from_bits(a as $bits), <$t>::from_bits(b as $bits));
                let r = match self.op {
                    AccOp::Sum => x + y,
                    AccOp::Prod => x * y,
                    AccOp::Min => {
                        if x < y || x.is_nan() {
                            x
                        } else {
                            y
                        }
                    }
                    AccOp::Max => {
                        if x > y || x.is_nan() {
                            x
                        } else {
                            y
                        }
                    }
                };
                u64::from(r.to_bits())
            }};
        }
        match self.dtype {
            DType::Bool | DType::U8 => int!(u8),
            DType::U16 => int!(u16),
            DType::U32 => int!(u32),
            DType::U64 => int!(u64),
            DType::I8 => int!(i8),
            DType::I16 => int!(i16),
            DType::I32 => int!(i32),
            DType::I64 => int!(i64),
            DType::F32 => float!(f32, u32),
            DType::F64 => float!(f64, u64),
            other => unreachable!("no accumulator has dtype {other}"),
        }
    }

    /// Combines the lanes of a finished leaf by halving.
    ///
    /// # Panics
    /// If `lanes` is not [`LANE_WORDS`] long.
    pub fn combine_lanes(self, lanes: &[u64]) -> u64 {
        assert_eq!(lanes.len(), LANE_WORDS, "one accumulator's lanes");
        let mut values = [0u64; LANES];
        match self.dtype.itemsize() {
            8 => values.copy_from_slice(lanes),
            size => {
                let bytes = bytemuck::cast_slice::<u64, u8>(lanes);
                for (value, lane) in values.iter_mut().zip(bytes.chunks_exact(size)) {
                    let mut word = [0u8; 8];
                    let low = if cfg!(target_endian = "little") {
                        0
                    } else {
                        8 - size
                    };
                    word[low..low + size].copy_from_slice(lane);
                    *value = u64::from_ne_bytes(word);
                }
            }
        }
        let mut width = LANES / 2;
        while width > 0 {
            for j in 0..width {
                values[j] = self.combine(values[j], values[j + width]);
            }
            width /= 2;
        }
        values[0]
    }

    /// A partial value as a scalar of the accumulator's dtype.
    pub fn scalar(self, bits: u64) -> Scalar {
        Scalar::from_bits(self.dtype, u128::from(bits))
    }
}

/// Zero-extends the bytes of an integer to a 64-bit word.
fn widen<const N: usize>(bytes: [u8; N]) -> [u8; 8] {
    let mut word = [0u8; 8];
    let low = if cfg!(target_endian = "little") {
        0
    } else {
        8 - N
    };
    word[low..low + N].copy_from_slice(&bytes);
    word
}

/// The greatest value of a dtype if `high`, else the least; infinities for floats.
fn extreme(dtype: DType, high: bool) -> u64 {
    macro_rules! int {
        ($t:ty) => {
            u64::from_ne_bytes(widen(
                if high { <$t>::MAX } else { <$t>::MIN }.to_ne_bytes(),
            ))
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

/// The binary counter that merges leaves, and whole aligned runs of them, in the order of their index.
///
/// A node of level `k` stands for 2^k consecutive leaves whose first index is a multiple of 2^k. Pushing a node merges it with
/// equal-sized left neighbours as far as they go; [`finish`](Tree::finish) merges what is left, smaller nodes into larger ones from the right.
/// A tree over an aligned run of leaves may be built apart and [appended](Tree::append): the bits are the same.
#[derive(Clone, Debug)]
pub struct Tree {
    accumulators: Vec<Accumulator>,
    /// The level of each node, falling strictly.
    levels: Vec<u32>,
    /// The partial values of each node, one for each accumulator, node after node.
    partials: Vec<u64>,
}

impl Tree {
    /// An empty tree over `accumulators`.
    pub fn new(accumulators: &[Accumulator]) -> Tree {
        Tree {
            accumulators: accumulators.to_vec(),
            levels: Vec::new(),
            partials: Vec::new(),
        }
    }

    /// Appends the node of the next 2^`level` leaves: one partial value for each accumulator.
    ///
    /// # Panics
    /// If the node does not start at a multiple of its own size, or `partials` is not one for each accumulator.
    pub fn push(&mut self, mut level: u32, partials: &[u64]) {
        assert_eq!(
            partials.len(),
            self.accumulators.len(),
            "one partial value for each accumulator"
        );
        self.partials.extend_from_slice(partials);
        while let Some(&last) = self.levels.last() {
            assert!(last >= level, "a node starts at a multiple of its own size");
            if last > level {
                break;
            }
            self.levels.pop();
            self.merge_last();
            level += 1;
        }
        self.levels.push(level);
    }

    /// Appends the nodes of `run`, which covers the leaves after those of this tree and starts at a multiple of its largest node's size.
    ///
    /// # Panics
    /// As [`push`](Tree::push).
    pub fn append(&mut self, run: &Tree) {
        let mut partials = run.partials.chunks_exact(self.accumulators.len().max(1));
        for &level in &run.levels {
            self.push(level, partials.next().unwrap_or_default());
        }
    }

    /// The reduced values: identities if nothing was pushed.
    pub fn finish(mut self) -> Vec<u64> {
        if self.levels.is_empty() {
            return self.accumulators.iter().map(|acc| acc.identity()).collect();
        }
        for _ in 1..self.levels.len() {
            self.merge_last();
        }
        self.partials
    }

    /// Merges the partial values of the last node into those of the one before.
    fn merge_last(&mut self) {
        let n = self.accumulators.len();
        let last = self.partials.len() - n;
        let (left, right) = self.partials.split_at_mut(last);
        let start = left.len() - n;
        for ((acc, a), &mut b) in self.accumulators.iter().zip(&mut left[start..]).zip(right) {
            *a = acc.combine(*a, b);
        }
        self.partials.truncate(start + n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum() -> Accumulator {
        Accumulator {
            op: AccOp::Sum,
            dtype: DType::F64,
        }
    }

    fn leaf_values() -> Vec<u64> {
        (0..37)
            .map(|i| (0.1 * f64::from(i) + 1e9 / f64::from(i + 1)).to_bits())
            .collect()
    }

    #[test]
    fn runs_of_leaves_reduced_apart_give_the_bits_of_one_pass() {
        let leaves = leaf_values();
        let mut whole = Tree::new(&[sum()]);
        leaves.iter().for_each(|&leaf| whole.push(0, &[leaf]));
        let mut parts = Tree::new(&[sum()]);
        for run in leaves.chunks(8) {
            let mut part = Tree::new(&[sum()]);
            run.iter().for_each(|&leaf| part.push(0, &[leaf]));
            parts.append(&part);
        }
        assert_eq!(whole.finish(), parts.finish());
    }

    #[test]
    fn identities_change_nothing() {
        let dtypes = [
            DType::Bool,
            DType::I8,
            DType::U64,
            DType::I64,
            DType::F32,
            DType::F64,
        ];
        for dtype in dtypes {
            for op in [AccOp::Sum, AccOp::Prod, AccOp::Min, AccOp::Max] {
                let acc = Accumulator { op, dtype };
                let one = Accumulator {
                    op: AccOp::Prod,
                    dtype,
                }
                .identity();
                assert_eq!(acc.combine(acc.identity(), one), one, "{op:?} {dtype}");
                let mut lanes = [0u64; LANE_WORDS];
                acc.reset(&mut lanes);
                if op != AccOp::Sum && op != AccOp::Prod || dtype == DType::F64 {
                    assert_eq!(acc.combine_lanes(&lanes), acc.identity(), "{op:?} {dtype}");
                }
            }
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
                assert!(f64::from_bits(acc.combine(a.to_bits(), b.to_bits())).is_nan());
            }
        }
    }
}
