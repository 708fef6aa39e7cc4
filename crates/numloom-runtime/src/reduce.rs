//! Joins what chunks come to, in the one order that the fixed tree allows.
//!
//! What goes in: partial values of leaves, chunk by chunk, in the order that threads finish. What comes out: reduced values, the
//! same as from one thread, and finished results. What it never does: combine values itself; that is
//! [`numloom_ir::reduce`].

use std::collections::BTreeMap;

use numloom_data::{DType, Scalar};
use numloom_ir::interp::eval_scalar;
use numloom_ir::reduce::Tree;
use numloom_ir::{CastMode, Op};

/// Takes the trees of chunks in any order and joins them in the order of their index; what waits is bounded by how far the
/// fastest thread is ahead of the slowest.
pub(crate) struct Joined {
    tree: Tree,
    next: usize,
    waiting: BTreeMap<usize, Tree>,
}

impl Joined {
    /// What comes to `tree` so far; chunk `next` is the next one.
    pub(crate) fn new(tree: Tree, next: usize) -> Joined {
        Joined {
            tree,
            next,
            waiting: BTreeMap::new(),
        }
    }

    /// Takes in the leaves of chunk `chunk`.
    pub(crate) fn push(&mut self, chunk: usize, leaves: Tree) {
        self.waiting.insert(chunk, leaves);
        while let Some(leaves) = self.waiting.remove(&self.next) {
            self.tree.append(&leaves);
            self.next += 1;
        }
    }

    /// What all chunks up to the first that is missing have come to.
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The same, by value.
    pub(crate) fn into_tree(self) -> Tree {
        self.tree
    }

    /// The reduced values, one for each accumulator; identities for no chunk at all.
    pub(crate) fn finish(self) -> Vec<u64> {
        self.tree.finish()
    }
}

/// A reduction's result from a word of its accumulator.
pub(crate) fn finished(value: Scalar, dtype: DType) -> Scalar {
    if value.dtype() == dtype {
        return value;
    }
    eval_scalar(Op::Cast(CastMode::Wrap), dtype, &[value]).expect("a plain cast does not fault")
}
