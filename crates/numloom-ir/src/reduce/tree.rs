//! The binary counter that merges leaves, and whole aligned runs of them, in the order of their index.

use super::{Accumulator, LANES};
use crate::interp;

/// The levels of the nodes of a binary counter, falling strictly: a node of level `k` stands for 2^k consecutive leaves whose first index is
/// a multiple of 2^k.
#[derive(Clone, Debug, Default)]
struct Counter(Vec<u32>);

impl Counter {
    /// Appends a node, and merges the last two as far as they are of one size.
    ///
    /// # Panics
    /// If the node does not start at a multiple of its own size.
    fn push(&mut self, mut level: u32, mut merge_last: impl FnMut()) {
        while let Some(&last) = self.0.last() {
            assert!(last >= level, "a node starts at a multiple of its own size");
            if last > level {
                break;
            }
            self.0.pop();
            merge_last();
            level += 1;
        }
        self.0.push(level);
    }

    /// Merges what is left, smaller nodes into larger ones from the right; whether there is any node.
    fn finish(&self, mut merge_last: impl FnMut()) -> bool {
        (1..self.0.len()).for_each(|_| merge_last());
        !self.0.is_empty()
    }
}

/// The tree of one reduction, or of several over the same elements.
///
/// Pushing a node merges it with equal-sized left neighbours as far as they go; [`finish`](Tree::finish) merges what is left. A tree
/// over an aligned run of leaves may be built apart and [appended](Tree::append): the bits are the same.
#[derive(Clone, Debug)]
pub struct Tree {
    accumulators: Vec<Accumulator>,
    /// The words of a node: the partial value of each accumulator, one after the other.
    words: usize,
    counter: Counter,
    /// The words of each node, node after node.
    partials: Vec<u64>,
}

impl Tree {
    /// An empty tree over `accumulators`.
    pub fn new(accumulators: &[Accumulator]) -> Tree {
        Tree {
            accumulators: accumulators.to_vec(),
            words: accumulators.iter().map(|acc| acc.words()).sum(),
            counter: Counter::default(),
            partials: Vec::new(),
        }
    }

    /// Appends the node of the next 2^`level` leaves: the partial value of each accumulator, one after the other.
    ///
    /// # Panics
    /// If the node does not start at a multiple of its own size, or `partials` has not the words of the partial values.
    pub fn push(&mut self, level: u32, partials: &[u64]) {
        assert_eq!(
            partials.len(),
            self.words,
            "a partial value for each accumulator"
        );
        self.partials.extend_from_slice(partials);
        self.counter.push(level, || {
            merge_last(&self.accumulators, self.words, &mut self.partials);
        });
    }

    /// Appends the nodes of `run`, which covers the leaves after those of this tree and starts at a multiple of its largest node's size.
    ///
    /// # Panics
    /// As [`push`](Tree::push).
    pub fn append(&mut self, run: &Tree) {
        let mut partials = run.partials.chunks_exact(self.words.max(1));
        for &level in &run.counter.0 {
            self.push(level, partials.next().unwrap_or_default());
        }
    }

    /// Its nodes, with their levels, in order: pushed to an empty tree they make this one again.
    pub fn nodes(&self) -> impl Iterator<Item = (u32, &[u64])> {
        let words =
            (0..self.counter.0.len()).map(|i| &self.partials[i * self.words..][..self.words]);
        self.counter.0.iter().copied().zip(words)
    }

    /// The words of the reduced values: identities if nothing was pushed.
    pub fn finish(mut self) -> Vec<u64> {
        let any = self.counter.finish(|| {
            merge_last(&self.accumulators, self.words, &mut self.partials);
        });
        if !any {
            let words =
                |acc: &Accumulator| (0..acc.words()).map(|word| acc.identity(word)).collect();
            return self
                .accumulators
                .iter()
                .flat_map(words as fn(&_) -> Vec<_>)
                .collect();
        }
        self.partials
    }
}

/// Merges the partial values of all leaves of a reduction, one leaf after the other, into those of the first: they are then the words that a [`Tree`] finishes with
/// to which they were pushed. For who has memory for all of them; it takes none itself.
///
/// # Panics
/// If `partials` are not those of whole leaves.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::reduce::{merge_leaves, Tree};
/// use numloom_ir::{AccOp, Accumulator};
///
/// let sum = [Accumulator { op: AccOp::Sum, dtype: DType::F64 }];
/// let mut leaves = [0.1, 0.2, 0.3].map(f64::to_bits);
/// let mut tree = Tree::new(&sum);
/// leaves.iter().for_each(|&leaf| tree.push(0, &[leaf]));
/// merge_leaves(&sum, &mut leaves);
/// assert_eq!(leaves[..1], tree.finish());
/// ```
pub fn merge_leaves(accumulators: &[Accumulator], partials: &mut [u64]) {
    let words: usize = accumulators.iter().map(|acc| acc.words()).sum();
    let mut width = words;
    while 0 < width && width < partials.len() {
        for pair in partials.chunks_mut(2 * width) {
            if let Some((left, right)) = pair.split_at_mut_checked(width)
                && !right.is_empty()
            {
                merge(accumulators, &mut left[..words], &right[..words]);
            }
        }
        width *= 2;
    }
}

/// Merges the words of the last node into those of the one before.
fn merge_last(accumulators: &[Accumulator], words: usize, partials: &mut Vec<u64>) {
    let last = partials.len() - words;
    let (left, right) = partials.split_at_mut(last);
    merge(accumulators, &mut left[last - words..], right);
    partials.truncate(last);
}

/// Merges the words of a node into those of the one before it.
fn merge(accumulators: &[Accumulator], mut left: &mut [u64], mut right: &[u64]) {
    for acc in accumulators {
        let (a, after_a) = left.split_at_mut(acc.words());
        let (b, after_b) = right.split_at(acc.words());
        acc.combine(a, b);
        (left, right) = (after_a, after_b);
    }
}

/// The trees of reductions whose results lie side by side, merged all at once: a [`Tree`] for each of `columns` columns.
///
/// Lanes come one after the other, in [`LANE_ORDER`](super::LANE_ORDER): halving is a binary counter too, whose nodes of level log2 [`LANES`] are leaves. The
/// lane that is open is the memory of a kernel's accumulators in [`Form::Columns`](crate::Form::Columns).
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::reduce::{ColumnTree, LANE_ORDER};
/// use numloom_ir::{AccOp, Accumulator};
///
/// let sum = Accumulator { op: AccOp::Sum, dtype: DType::F64 };
/// let mut tree = ColumnTree::new(&[sum]);
/// tree.restart(3);
/// for lane in LANE_ORDER {
///     // The sum of each of three columns over the positions of this lane.
///     let sums = tree.open_lane();
///     sums.copy_from_slice(&[1.0, 10.0, lane as f64].map(f64::to_bits));
///     tree.close_lane();
/// }
/// tree.finish();
/// let sums: Vec<f64> = tree.plane(0, 0).chunks(8).map(|x| f64::from_ne_bytes(x.try_into().unwrap())).collect();
/// assert_eq!(sums, [16.0, 160.0, 120.0]);
/// ```
#[derive(Clone, Debug)]
pub struct ColumnTree {
    accumulators: Vec<Accumulator>,
    columns: usize,
    counter: Counter,
    /// The nodes, one after the other, and behind them memory of earlier ones. A node has the
    /// [running values](Accumulator::values_words) of each accumulator, of all columns.
    nodes: Vec<u64>,
    /// Whether a node stands for nothing: then its memory holds anything, and merging it changes nothing.
    empty: Vec<bool>,
}

/// The level of a leaf: its lanes are merged.
const LEAF_LEVEL: u32 = LANES.ilog2();

impl ColumnTree {
    /// Empty trees over `accumulators`, of no columns.
    pub fn new(accumulators: &[Accumulator]) -> ColumnTree {
        ColumnTree {
            accumulators: accumulators.to_vec(),
            columns: 0,
            counter: Counter::default(),
            nodes: Vec::new(),
            empty: Vec::new(),
        }
    }

    /// Empties the trees, of which there are `columns` from now on; their memory is kept.
    pub fn restart(&mut self, columns: usize) {
        self.columns = columns;
        self.counter.0.clear();
        self.empty.clear();
    }

    /// The words of a node.
    fn node_words(&self) -> usize {
        let words = |acc: &Accumulator| acc.values_words(self.columns);
        self.accumulators.iter().map(words).sum()
    }

    /// The running values of the next lane, of no elements so far.
    pub fn open_lane(&mut self) -> &mut [u64] {
        let words = self.node_words();
        let node = next_node(&mut self.nodes, &self.counter, words);
        reset(&self.accumulators, node, self.columns);
        node
    }

    /// The memory for the running values of the next lane, or of the next two combined, for who writes all of it: it holds anything.
    pub fn open_lanes(&mut self) -> &mut [u64] {
        let words = self.node_words();
        next_node(&mut self.nodes, &self.counter, words)
    }

    /// Appends the lane that was opened.
    pub fn close_lane(&mut self) {
        self.push(0, false);
    }

    /// Appends two lanes, combined in what was opened.
    ///
    /// # Panics
    /// If the lane before is one without the other of its pair.
    pub fn close_two_lanes(&mut self) {
        self.push(1, false);
    }

    /// Appends two lanes without elements, of which nothing was opened. In the result they are what identities would be, if those of the accumulators are so to
    /// the bit, as those of an operation are.
    ///
    /// # Panics
    /// As [`close_two_lanes`](ColumnTree::close_two_lanes).
    pub fn skip_two_lanes(&mut self) {
        self.push(1, true);
    }

    /// Combines the lanes of each column of the next leaf by halving, and appends the leaf.
    ///
    /// `lanes` holds for each accumulator `LANES * columns` running values, lane after lane.
    ///
    /// # Panics
    /// If `lanes` has not that length.
    pub fn push_leaf(&mut self, lanes: &mut [u64]) {
        let (words, n) = (self.node_words(), self.columns);
        let mut node = next_node(&mut self.nodes, &self.counter, words);
        let mut rest = lanes;
        for acc in &self.accumulators {
            let (lanes, after) = rest.split_at_mut(acc.values_words(LANES * n));
            acc.halve(lanes, n);
            let (own, others) = node.split_at_mut(acc.values_words(n));
            let planes = own
                .chunks_mut(n.max(1))
                .zip(lanes.chunks((LANES * n).max(1)));
            for (word, (plane, lanes)) in planes.enumerate() {
                let words = (n * acc.word_dtype(word).itemsize()).div_ceil(8);
                plane[..words].copy_from_slice(&lanes[..words]);
            }
            (rest, node) = (after, others);
        }
        assert!(rest.is_empty(), "the lanes of each accumulator");
        self.push(LEAF_LEVEL, false);
    }

    /// Appends the nodes of `run`, which covers the leaves after those of these trees and starts at a multiple of its largest node's size.
    ///
    /// # Panics
    /// If a node does not start at a multiple of its own size, or `run` is over other accumulators or columns.
    pub fn append(&mut self, run: &ColumnTree) {
        assert_eq!(
            (&self.accumulators, self.columns),
            (&run.accumulators, run.columns),
            "the same columns"
        );
        let words = self.node_words();
        let mut nodes = run.nodes.chunks_exact(words.max(1));
        for (&level, &empty) in run.counter.0.iter().zip(&run.empty) {
            next_node(&mut self.nodes, &self.counter, words)
                .copy_from_slice(nodes.next().unwrap_or_default());
            self.push(level, empty);
        }
    }

    /// Appends the node whose memory [`next_node`] gave.
    fn push(&mut self, level: u32, empty: bool) {
        self.empty.push(empty);
        self.counter.push(level, || {
            merge_columns(
                &self.accumulators,
                self.columns,
                &mut self.nodes,
                &mut self.empty,
            );
        });
    }

    /// Merges all nodes to one: the reduced values, identities if nothing was pushed. Then only [`plane`](ColumnTree::plane) and
    /// [`restart`](ColumnTree::restart) make sense.
    pub fn finish(&mut self) {
        let any = self.counter.finish(|| {
            merge_columns(
                &self.accumulators,
                self.columns,
                &mut self.nodes,
                &mut self.empty,
            );
        });
        if !any || self.empty[0] {
            self.restart(self.columns);
            self.open_lane();
        }
    }

    /// Word `word` of the reduced values of accumulator `acc`, once [finished](ColumnTree::finish): all columns, packed at the item size of
    /// [`word_dtype`](Accumulator::word_dtype).
    ///
    /// # Panics
    /// If there is no such accumulator or word.
    pub fn plane(&self, acc: usize, word: usize) -> &[u8] {
        let accumulator = self.accumulators[acc];
        assert!(
            word < accumulator.words(),
            "word {word} of accumulator {acc}"
        );
        let words = |acc: &Accumulator| acc.values_words(self.columns);
        let before: usize = self.accumulators[..acc].iter().map(words).sum();
        let plane = &self.nodes[before + word * self.columns..];
        let size = accumulator.word_dtype(word).itemsize();
        &bytemuck::cast_slice(plane)[..self.columns * size]
    }
}

/// The memory of the node after those of `counter`, of `words` words: it may hold anything.
fn next_node<'n>(nodes: &'n mut Vec<u64>, counter: &Counter, words: usize) -> &'n mut [u64] {
    let start = counter.0.len() * words;
    if nodes.len() < start + words {
        nodes.resize(start + words, 0);
    }
    &mut nodes[start..][..words]
}

/// Merges the last node, of `columns` values, into the one before; for each, `empty` says whether it stands for nothing.
fn merge_columns(
    accumulators: &[Accumulator],
    columns: usize,
    nodes: &mut [u64],
    empty: &mut Vec<bool>,
) {
    let count = empty.len();
    if empty.pop() == Some(true) {
        return;
    }
    assert!(!empty[count - 2], "elements come before what has none");
    let words: usize = accumulators
        .iter()
        .map(|acc| acc.values_words(columns))
        .sum();
    let (left, right) = nodes[..count * words].split_at_mut((count - 1) * words);
    let (mut left, mut right) = (&mut left[(count - 2) * words..], right);
    for &acc in accumulators {
        let words = acc.values_words(columns);
        let (a, after_a) = left.split_at_mut(words);
        let (b, after_b) = right.split_at_mut(words);
        let b = acc.planes(b, columns).map(|plane| &*plane);
        interp::combine(acc, acc.planes(a, columns), b);
        (left, right) = (after_a, after_b);
    }
}

/// Fills a node, or as much memory of a kernel in [`Form::Columns`](crate::Form::Columns), with identities: `n` values of each accumulator.
pub fn reset(accumulators: &[Accumulator], values: &mut [u64], n: usize) {
    let mut rest = values;
    for acc in accumulators {
        let (own, after) = rest.split_at_mut(acc.values_words(n));
        acc.reset(own, n);
        rest = after;
    }
    assert!(rest.is_empty(), "the values of each accumulator");
}

#[cfg(test)]
mod tests {
    use numloom_data::DType;

    use super::super::LANE_ORDER;
    use super::*;
    use crate::kernel::AccOp;

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
    fn leaves_that_are_all_there_are_merged_as_if_pushed() {
        let max = Accumulator {
            op: AccOp::Max,
            dtype: DType::I8,
        };
        let accumulators = [sum(), max];
        for count in 1..=37 {
            let mut leaves: Vec<u64> = leaf_values()
                .into_iter()
                .take(count)
                .enumerate()
                .flat_map(|(i, sum)| [sum, i as u64 * 37 % 100])
                .collect();
            let mut tree = Tree::new(&accumulators);
            leaves.chunks(2).for_each(|leaf| tree.push(0, leaf));
            merge_leaves(&accumulators, &mut leaves);
            assert_eq!(leaves[..2], tree.finish(), "{count} leaves");
        }
    }

    /// Three accumulators of different sizes, with all lanes but the first at the identity.
    #[test]
    fn columns_are_merged_as_each_of_them_would_be() {
        let accumulators = [
            Accumulator {
                op: AccOp::Max,
                dtype: DType::I8,
            },
            sum(),
            Accumulator {
                op: AccOp::Prod,
                dtype: DType::U16,
            },
        ];
        for columns in [0, 1, 3, 8] {
            for leaves in [0, 1, 2, 7, 16, 37] {
                let value = |leaf: usize, column: usize| -> [u64; 3] {
                    let x = (leaf * 7 + column * 3 + 1) as u64;
                    [x % 100, leaf_values()[(leaf + column) % 37], x]
                };
                // The value of a leaf in lane 0, or in its first `n` running values.
                let put = |leaf: usize, mut memory: &mut [u64], n: usize| {
                    for (k, acc) in accumulators.iter().enumerate() {
                        let (own, rest) = memory.split_at_mut(acc.values_words(n));
                        let bytes: &mut [u8] = bytemuck::cast_slice_mut(own);
                        let size = acc.dtype.itemsize();
                        for column in 0..columns {
                            let element = super::super::element(value(leaf, column)[k], size);
                            bytes[column * size..][..size].copy_from_slice(&element[..size]);
                        }
                        memory = rest;
                    }
                };
                let [mut whole, mut by_lanes, mut parts, mut part] =
                    [(); 4].map(|()| ColumnTree::new(&accumulators));
                for tree in [&mut whole, &mut by_lanes, &mut parts, &mut part] {
                    tree.restart(columns);
                }
                for leaf in 0..leaves {
                    let n = LANES * columns;
                    let words = accumulators.iter().map(|acc| acc.values_words(n));
                    let mut lanes = vec![0; words.sum()];
                    reset(&accumulators, &mut lanes, n);
                    put(leaf, &mut lanes, n);
                    whole.push_leaf(&mut lanes.clone());
                    part.push_leaf(&mut lanes);
                    for lane in 0..LANES {
                        let values = by_lanes.open_lane();
                        if lane == 0 {
                            put(leaf, values, columns);
                        }
                        by_lanes.close_lane();
                    }
                    if leaf % 4 == 3 {
                        parts.append(&part);
                        part.restart(columns);
                    }
                }
                parts.append(&part);
                for tree in [&mut whole, &mut by_lanes, &mut parts] {
                    tree.finish();
                }
                for column in 0..columns {
                    let mut tree = Tree::new(&accumulators);
                    (0..leaves).for_each(|leaf| tree.push(0, &value(leaf, column)));
                    for (k, (acc, want)) in accumulators.iter().zip(tree.finish()).enumerate() {
                        let size = acc.dtype.itemsize();
                        for tree in [&whole, &by_lanes, &parts] {
                            let got = &tree.plane(k, 0)[column * size..][..size];
                            assert_eq!(super::super::zero_extended(got), want, "{acc:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn lanes_that_are_skipped_are_lanes_of_identities() {
        let max = Accumulator {
            op: AccOp::Max,
            dtype: DType::F32,
        };
        for elements in 1..=LANES {
            let mut trees = [false, true].map(|skip| {
                let mut tree = ColumnTree::new(&[sum(), max]);
                tree.restart(3);
                for pair in LANE_ORDER.chunks(2) {
                    if skip && pair[0] >= elements {
                        tree.skip_two_lanes();
                        continue;
                    }
                    for &lane in pair {
                        let values = tree.open_lane();
                        if lane < elements {
                            values[..3].fill((-0.1 * lane as f64).to_bits());
                            values[3..]
                                .fill(u64::from((-0.1 * lane as f32).to_bits()) * 0x1_0000_0001);
                        }
                        tree.close_lane();
                    }
                }
                tree.finish();
                tree
            });
            let [all, skipped] = trees.each_mut();
            for acc in 0..2 {
                assert_eq!(
                    all.plane(acc, 0),
                    skipped.plane(acc, 0),
                    "{elements} elements"
                );
            }
        }
    }
}
