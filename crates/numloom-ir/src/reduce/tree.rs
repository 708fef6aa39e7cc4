//! The binary counter that merges leaves, and whole aligned runs of them, in the order of their index.

use super::{Accumulator, LANES};
use crate::interp::{self, PlanesMut};

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

/// Merges the words of the last node into those of the one before.
fn merge_last(accumulators: &[Accumulator], words: usize, partials: &mut Vec<u64>) {
    let last = partials.len() - words;
    let (left, mut right) = partials.split_at_mut(last);
    let mut left = &mut left[last - words..];
    for acc in accumulators {
        let (a, after_a) = left.split_at_mut(acc.words());
        let (b, after_b) = right.split_at_mut(acc.words());
        acc.combine(a, b);
        (left, right) = (after_a, after_b);
    }
    partials.truncate(last);
}

/// The trees of reductions whose results lie side by side, merged all at once: a [`Tree`] for each of `columns` columns.
///
/// What goes in is what a kernel leaves in [`Form::Columns`](crate::Form::Columns) at the end of each leaf.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::reduce::{ColumnTree, LANES};
/// use numloom_ir::{AccOp, Accumulator};
///
/// let sum = Accumulator { op: AccOp::Sum, dtype: DType::F64 };
/// let mut tree = ColumnTree::new(&[sum], 3);
/// for leaf in [1.0f64, 20.0] {
///     // Lanes 0 to 15 of three columns.
///     let mut area: Vec<u64> = (0..LANES * 3).map(|i| (leaf * (i % 3) as f64).to_bits()).collect();
///     tree.push_leaf(&mut area);
/// }
/// let totals = tree.finish();
/// let sums: Vec<f64> = totals.plane(0, 0).chunks(8).map(|x| f64::from_ne_bytes(x.try_into().unwrap())).collect();
/// assert_eq!(sums, [0.0, 16.0 * 21.0, 16.0 * 42.0]);
/// ```
#[derive(Clone, Debug)]
pub struct ColumnTree {
    totals: ColumnTotals,
    counter: Counter,
}

/// The partial values of columns, node after node; at the end one node.
///
/// A node has for each accumulator and each of its words a *plane*: that word of all columns, packed at its item size and padded to
/// whole words of memory.
#[derive(Clone, Debug)]
pub struct ColumnTotals {
    accumulators: Vec<Accumulator>,
    columns: usize,
    words: usize,
    nodes: Vec<u64>,
}

/// The words of memory that a plane of `bytes` bytes takes.
fn plane_words(bytes: usize) -> usize {
    bytes.div_ceil(8)
}

impl ColumnTotals {
    /// Word `word` of the reduced values of accumulator `acc`: all columns, packed at the item size of
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
        let before = self.accumulators[..acc]
            .iter()
            .map(|&acc| self.accumulator_words(acc));
        let here = (0..word)
            .map(|word| plane_words(self.columns * accumulator.word_dtype(word).itemsize()));
        let start = before.sum::<usize>() + here.sum::<usize>();
        let bytes: &[u8] = bytemuck::cast_slice(&self.nodes[start..]);
        &bytes[..self.columns * accumulator.word_dtype(word).itemsize()]
    }

    /// The words of memory of one accumulator in a node.
    fn accumulator_words(&self, acc: Accumulator) -> usize {
        let planes = (0..acc.words())
            .map(|word| plane_words(self.columns * acc.word_dtype(word).itemsize()));
        planes.sum()
    }

    /// Merges the last node into the one before.
    fn merge_last(&mut self) {
        let last = self.nodes.len() - self.words;
        let (left, mut right) = self.nodes.split_at_mut(last);
        let mut left = &mut left[last - self.words..];
        for &acc in &self.accumulators {
            let planes = (0..acc.words())
                .map(|word| plane_words(self.columns * acc.word_dtype(word).itemsize()));
            let words = planes.sum();
            let (a, after_a) = left.split_at_mut(words);
            let (b, after_b) = right.split_at_mut(words);
            let planes = |area| -> PlanesMut<'_> {
                let pitch = |size| 8 * plane_words(self.columns * size);
                acc.planes_mut(bytemuck::cast_slice_mut(area), self.columns, pitch)
            };
            interp::combine(acc, planes(a), planes(b).map(|plane| &*plane));
            (left, right) = (after_a, after_b);
        }
        self.nodes.truncate(last);
    }
}

impl ColumnTree {
    /// Empty trees over `accumulators`, one for each of `columns` columns.
    pub fn new(accumulators: &[Accumulator], columns: usize) -> ColumnTree {
        let mut totals = ColumnTotals {
            accumulators: accumulators.to_vec(),
            columns,
            words: 0,
            nodes: Vec::new(),
        };
        totals.words = accumulators
            .iter()
            .map(|&acc| totals.accumulator_words(acc))
            .sum();
        ColumnTree {
            totals,
            counter: Counter::default(),
        }
    }

    /// Combines the lanes of each column of the next leaf by halving, and appends the leaf.
    ///
    /// `area` is the memory of a kernel's accumulators: the [`column_words`](Accumulator::column_words) of each, one after the other.
    ///
    /// # Panics
    /// If `area` has not that length.
    pub fn push_leaf(&mut self, area: &mut [u64]) {
        let ColumnTotals {
            accumulators,
            columns,
            nodes,
            ..
        } = &mut self.totals;
        let columns = *columns;
        let mut rest = area;
        for acc in accumulators {
            let (area, after) = rest.split_at_mut(acc.column_words(columns));
            acc.combine_columns(area, columns);
            let mut start = 0;
            for word in 0..acc.words() {
                let bytes = columns * acc.word_dtype(word).itemsize();
                // The lanes 0; what pads them to whole words is never looked at.
                nodes.extend_from_slice(&area[start..][..plane_words(bytes)]);
                start += LANES * bytes / 8;
            }
            rest = after;
        }
        assert!(rest.is_empty(), "the columns of each accumulator");
        self.counter.push(0, || self.totals.merge_last());
    }

    /// Appends the nodes of `run`, which covers the leaves after those of these trees and starts at a multiple of its largest node's size.
    ///
    /// # Panics
    /// If a node does not start at a multiple of its own size, or `run` is over other accumulators or columns.
    pub fn append(&mut self, run: &ColumnTree) {
        assert_eq!(
            (&self.totals.accumulators, self.totals.columns),
            (&run.totals.accumulators, run.totals.columns),
            "the same columns"
        );
        let mut nodes = run.totals.nodes.chunks_exact(self.totals.words.max(1));
        for &level in &run.counter.0 {
            self.totals
                .nodes
                .extend_from_slice(nodes.next().unwrap_or_default());
            self.counter.push(level, || self.totals.merge_last());
        }
    }

    /// The reduced values of each column: identities if nothing was pushed.
    pub fn finish(mut self) -> ColumnTotals {
        if !self.counter.finish(|| self.totals.merge_last()) {
            let columns = self.totals.columns;
            let words = |acc: &Accumulator| acc.column_words(columns);
            let mut area = vec![0; self.totals.accumulators.iter().map(words).sum()];
            let mut rest = &mut area[..];
            for acc in &self.totals.accumulators {
                let (area, after) = rest.split_at_mut(words(acc));
                acc.reset_columns(area, columns);
                rest = after;
            }
            self.push_leaf(&mut area);
        }
        self.totals
    }
}

#[cfg(test)]
mod tests {
    use numloom_data::DType;

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

    /// Three accumulators of different sizes, with lanes 1 to 15 at the identity.
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
                let mut whole = ColumnTree::new(&accumulators, columns);
                let mut parts = ColumnTree::new(&accumulators, columns);
                let mut part = ColumnTree::new(&accumulators, columns);
                for leaf in 0..leaves {
                    let mut area = Vec::new();
                    for (k, acc) in accumulators.iter().enumerate() {
                        let mut columns_of = vec![0; acc.column_words(columns)];
                        acc.reset_columns(&mut columns_of, columns);
                        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut columns_of);
                        let size = acc.dtype.itemsize();
                        for column in 0..columns {
                            let element = super::super::element(value(leaf, column)[k], size);
                            bytes[column * size..][..size].copy_from_slice(&element[..size]);
                        }
                        area.extend(columns_of);
                    }
                    whole.push_leaf(&mut area.clone());
                    part.push_leaf(&mut area);
                    if leaf % 4 == 3 {
                        parts.append(&part);
                        part = ColumnTree::new(&accumulators, columns);
                    }
                }
                parts.append(&part);
                let (whole, parts) = (whole.finish(), parts.finish());
                for column in 0..columns {
                    let mut tree = Tree::new(&accumulators);
                    (0..leaves).for_each(|leaf| tree.push(0, &value(leaf, column)));
                    for (k, (acc, want)) in accumulators.iter().zip(tree.finish()).enumerate() {
                        let size = acc.dtype.itemsize();
                        for totals in [&whole, &parts] {
                            let got = &totals.plane(k, 0)[column * size..][..size];
                            assert_eq!(super::super::zero_extended(got), want, "{acc:?}");
                        }
                    }
                }
            }
        }
    }
}
