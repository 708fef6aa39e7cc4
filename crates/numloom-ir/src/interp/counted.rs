//! How many elements each operation was computed on, block by block, in any engine: what tests of passes count.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::op::Op;

static ELEMENTS: [AtomicU64; Op::TABLE.len()] = [const { AtomicU64::new(0) }; Op::TABLE.len()];

fn row(op: Op) -> usize {
    let row = Op::TABLE.iter().position(|row| row.op == op);
    row.expect("every operation has a row")
}

pub(super) fn count(op: Op, n: usize) {
    ELEMENTS[row(op)].fetch_add(n as u64, Ordering::Relaxed);
}

/// Elements that [`eval()`](super::eval()) computed `op` on since the program started. Operations inside compiled loops do not count;
/// block operations, such as `sin`, do in every engine.
pub fn elements_of(op: Op) -> u64 {
    ELEMENTS[row(op)].load(Ordering::Relaxed)
}
