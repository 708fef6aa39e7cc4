//! Joins what chunks come to, in the one order that the fixed tree allows.
//!
//! What goes in: partial values of leaves, chunk by chunk, in the order that threads finish. What comes out: reduced values, the
//! same as from one thread, and finished results. What it never does: combine values itself; that is
//! [`numloom_ir::reduce`].

use std::collections::BTreeMap;

use numloom_data::{DType, Scalar};
use numloom_ir::interp::{FaultSink, eval};
use numloom_ir::reduce::Tree;
use numloom_ir::{CastMode, Fault, Finish, Kernel, Op};

/// Nodes of the fixed tree: levels and partial values.
pub(crate) type Nodes = Vec<(u32, Vec<u64>)>;

/// A whole chunk's leaves as one node of `level`, or those of the last chunk as they are.
pub(crate) fn reduce_leaves(kernel: &Kernel, leaves: Vec<Vec<u64>>, level: Option<u32>) -> Nodes {
    let Some(level) = level else {
        return leaves.into_iter().map(|leaf| (0, leaf)).collect();
    };
    let mut tree = Tree::new(&kernel.accumulators);
    leaves.into_iter().for_each(|leaf| tree.push(0, leaf));
    vec![(level, tree.finish())]
}

/// Takes the nodes of chunks in any order and joins them in the order of their index; what waits is bounded by how far the
/// fastest thread is ahead of the slowest.
pub(crate) struct Joined {
    tree: Tree,
    next: usize,
    waiting: BTreeMap<usize, Nodes>,
}

impl Joined {
    pub(crate) fn new(kernel: &Kernel) -> Joined {
        Joined {
            tree: Tree::new(&kernel.accumulators),
            next: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// Takes in the nodes of chunk `chunk`.
    pub(crate) fn push(&mut self, chunk: usize, nodes: Nodes) {
        self.waiting.insert(chunk, nodes);
        while let Some(nodes) = self.waiting.remove(&self.next) {
            for (level, partials) in nodes {
                self.tree.push(level, partials);
            }
            self.next += 1;
        }
    }

    /// The reduced values, one for each accumulator; identities for no chunk at all.
    pub(crate) fn finish(self) -> Vec<u64> {
        self.tree.finish()
    }
}

/// A reduction's result from its accumulator, over `n` elements.
pub(crate) fn finished(total: Scalar, finish: Finish, dtype: DType, n: usize) -> Scalar {
    let value = match finish {
        Finish::Value => total,
        Finish::Mean => {
            let sum = total.as_f64().expect("a mean accumulates in f64");
            Scalar::F64(sum / n as f64)
        }
    };
    let from = value.dtype();
    if from == dtype {
        return value;
    }
    let (mut src, mut dst) = ([0; 8], [0; 8]);
    let (src, dst) = (&mut src[..from.itemsize()], &mut dst[..dtype.itemsize()]);
    value.write_bytes(src);
    let mut faults = FaultSink {
        fault: &mut Fault::NONE.clone(),
        step: 0,
        index: 0,
    };
    eval(
        Op::Cast(CastMode::Wrap),
        from,
        dtype,
        &[src],
        dst,
        &mut faults,
    );
    Scalar::read(dtype, dst)
}
