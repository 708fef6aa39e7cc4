#![expect(
    unsafe_code,
    reason = "hands pointers into arrays to kernels, from several threads"
)]
//! Reductions whose elements lie together: a row of a call is a leaf of a place's tree.

use numloom_ir::reduce::{LEAF, Tree};
use rayon::ThreadPool;

use super::Access;
use super::running::{COPIED_BYTES, Calls, Rows, Running, TASK_ELEMENTS, share};
use numloom_jit::abi::Way;

/// What one thread needs.
struct Local {
    calls: Calls,
    /// The partial values of the rows of a call.
    partials: Vec<u64>,
}

impl Running<'_> {
    pub(super) fn run_rows(&self, workers: Option<(&ThreadPool, usize)>) {
        let along = self.along;
        // Rows of a task, and rows of a call.
        let per_task = (TASK_ELEMENTS / along.n).max(1);
        let copied = self.copied_bytes();
        let leaf = along.n.min(LEAF);
        let batch = match copied {
            0 => TASK_ELEMENTS.div_ceil(leaf),
            bytes => (COPIED_BYTES / (bytes * leaf)).clamp(1, TASK_ELEMENTS.div_ceil(leaf)),
        };
        share(
            workers,
            along.places.div_ceil(per_task),
            self.control,
            || Local {
                calls: self.calls(batch * leaf),
                partials: vec![0; self.kernel.accumulator_words(batch, 0)],
            },
            |local, task| {
                let start = task * per_task;
                let end = along.places.min(start + per_task);
                let done = match along.n <= LEAF {
                    true => self.short_rows(local, start, end, batch),
                    false => (start..end).all(|place| self.long_row(local, place, batch)),
                };
                if done {
                    self.control.chunk_done((end - start) * along.n);
                }
            },
        );
    }

    /// Copies the elements of operand `i` from the `start`-th on, kept axes outside and reduced axes inside.
    ///
    /// # Safety
    /// Its block has room for `n` elements.
    unsafe fn copy_rows(&self, calls: &mut Calls, i: usize, start: usize, n: usize) {
        let (along, operand) = (self.along, &self.along.operands[i]);
        calls.shape.clear();
        calls.strides.clear();
        calls.shape.extend(along.kept.iter().chain(&along.reduced));
        let strides = operand.kept.iter().chain(&operand.reduced);
        calls.strides.extend(strides);
        // SAFETY: (1) these are all the operand's elements; (2) the caller's.
        unsafe { self.copy(calls, i, operand.ptr, start, n, 0) };
        calls.inputs[operand.index] = calls.block(i).cast_const();
    }

    /// Rows of one leaf each.
    fn short_rows(&self, local: &mut Local, start: usize, end: usize, batch: usize) -> bool {
        let along = self.along;
        let Local { calls, partials } = local;
        let last = along.kept.last().copied().unwrap_or(1);
        let in_place = along
            .operands
            .iter()
            .any(|operand| operand.access != Access::Block);
        let mut place = start;
        while place < end {
            if !self.control.wants_chunk(0) {
                return false;
            }
            let run = match in_place {
                true => last - place % last,
                false => usize::MAX,
            };
            let count = batch.min(end - place).min(run);
            for (i, operand) in along.operands.iter().enumerate() {
                if operand.access == Access::Block {
                    // SAFETY: `calls` has room for a batch of rows.
                    unsafe { self.copy_rows(calls, i, place * along.n, count * along.n) };
                    calls.steps[operand.index] = (along.n * operand.dtype.itemsize()).cast_signed();
                } else {
                    calls.inputs[operand.index] = self.start(operand, place).0.cast_const();
                    calls.steps[operand.index] = operand.kept.last().copied().unwrap_or(0);
                }
            }
            let rows = Rows {
                n: along.n,
                count,
                columns: 0,
                way: Way::Add,
                position: 0,
                position_step: 0,
            };
            let partials = &mut partials[..self.kernel.accumulator_words(count, 0)];
            // SAFETY: (1) operands in place have `count` rows along the last kept axis, of elements side by side or one for the row, and blocks were
            // filled with as many; (2) `fits` saw to that.
            if !unsafe { self.call(calls, rows, partials) } {
                return false;
            }
            self.write(place, count, partials);
            place += count;
        }
        true
    }

    /// One row of several leaves.
    fn long_row(&self, local: &mut Local, place: usize, batch: usize) -> bool {
        let along = self.along;
        let Local { calls, partials } = local;
        let words = self.kernel.partial_words();
        let mut tree = Tree::new(&self.kernel.accumulators);
        let mut position = 0;
        while position < along.n {
            if !self.control.wants_chunk(0) {
                return false;
            }
            let left = along.n - position;
            // Whole leaves together, what is left of the last one apart.
            let (n, count) = match left / LEAF {
                0 => (left, 1),
                leaves => (LEAF, leaves.min(batch)),
            };
            for (i, operand) in along.operands.iter().enumerate() {
                let size = operand.dtype.itemsize();
                let bytes = match operand.access {
                    Access::Block => {
                        // SAFETY: `calls` has room for a batch of leaves.
                        unsafe { self.copy_rows(calls, i, place * along.n + position, count * n) };
                        LEAF * size
                    }
                    access => {
                        let step = if access == Access::Direct { size } else { 0 };
                        let offset = (position * step).cast_signed();
                        let start = self.start(operand, place).offset(offset);
                        calls.inputs[operand.index] = start.0.cast_const();
                        LEAF * step
                    }
                };
                calls.steps[operand.index] = bytes.cast_signed();
            }
            let rows = Rows {
                n,
                count,
                columns: 0,
                way: Way::Add,
                position,
                position_step: LEAF,
            };
            let partials = &mut partials[..self.kernel.accumulator_words(count, 0)];
            // SAFETY: (1) operands in place have `count` leaves side by side, or one element for all; blocks were filled with as many; (2) `fits` saw
            // to that.
            if !unsafe { self.call(calls, rows, partials) } {
                return false;
            }
            for partial in partials.chunks_exact(words) {
                tree.push(0, partial);
            }
            position += count * n;
        }
        self.write(place, 1, &tree.finish());
        true
    }
}
