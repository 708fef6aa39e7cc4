#![expect(
    unsafe_code,
    reason = "hands pointers into arrays to kernels, from several threads"
)]
//! Reductions that leave axes: many small trees, side by side.
//!
//! What goes in: a pass whose outputs are reductions along some axes of its space, its inputs, places for the results. What comes
//! out: written results. What it never does: combine elements in another order than the [fixed tree](numloom_ir::reduce) of each
//! place of the result.
//!
//! | form | when | a kernel call |
//! |---|---|---|
//! | [`Rows`](Form::Rows) | the reduced elements of a place lie together | reduces a batch of places, a row each, or leaves of a long one |
//! | [`Columns`](Form::Columns) | elements of neighbouring places lie together | takes up to [`LANES`] reduced positions of a tile of places into their lanes |
//!
//! Kept axes are gone through in the order of memory, reduced axes in their own. Inputs that do not lie as a call wants them are copied to a
//! block first. What neither form serves (the interpreter, calls over long rows, faults) goes place by place, as a whole reduction each.
//!
//! Threads share the arrays through raw pointers: tasks write disjoint places, and nothing else is written.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use numloom_data::layout::merge_axes;
use numloom_data::{ByteOrder, DType, RawView, View};
use numloom_ir::reduce::{ColumnTotals, ColumnTree, LANES, LEAF, Tree};
use numloom_ir::{Form, InputClass, Kernel, ResultKind};
use rayon::ThreadPool;

use crate::control::{Control, Stop};
use crate::exec::{Ptr, StopOnPanic};
use crate::variant::Classes;

#[cfg(feature = "jit")]
use numloom_jit::NativeKernel;
#[cfg(feature = "jit")]
use numloom_jit::abi::{KernelArgs, STATUS_PANIC};

/// The most bytes of copied elements of a call: they stay in the second-level cache.
const COPIED_BYTES: usize = 64 << 10;

/// The most bytes of the lanes of a tile of columns, likewise.
const TILE_BYTES: usize = 128 << 10;

/// Elements of a task: some tens of microseconds.
const TASK_ELEMENTS: usize = 64 << 10;

/// The most tasks that one tile is cut into along the reduced axes: what they come to is held until all are done.
const MAX_RUNS: usize = 64;

/// How a call gets at an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// In place: element after element.
    Direct,
    /// In place: one element for the whole row.
    Scalar,
    /// Copied to a block.
    Block,
}

/// An input of the pass.
#[derive(Debug)]
pub(crate) struct Operand {
    ptr: Ptr,
    dtype: DType,
    byte_order: ByteOrder,
    /// Index among the kernel's inputs.
    pub(crate) index: usize,
    pub(crate) access: Access,
    /// Steps along kept and reduced axes, in bytes.
    kept: Vec<isize>,
    reduced: Vec<isize>,
}

/// Where a reduction's results go.
#[derive(Debug)]
struct Place {
    ptr: Ptr,
    itemsize: usize,
    /// Steps along kept axes, in bytes.
    kept: Vec<isize>,
}

/// A pass along axes, laid out.
#[derive(Debug)]
pub(crate) struct Along {
    pub(crate) form: Form,
    /// Extents of kept axes, in the order of memory, and of reduced axes, in their own.
    kept: Vec<usize>,
    reduced: Vec<usize>,
    /// Places of the result, and elements that each combines.
    places: usize,
    n: usize,
    pub(crate) operands: Vec<Operand>,
    results: Vec<Place>,
}

impl Along {
    /// Lays out a pass over `shape`, reduced along `axes`: inputs with their numbers, and the results' places, which have all axes, of one
    /// element where they are reduced.
    pub(crate) fn new(
        shape: &[usize],
        axes: &[bool],
        inputs: &[(usize, View<'_>)],
        results: &mut [numloom_data::ViewMut<'_>],
    ) -> Along {
        let kept: Vec<usize> = (0..shape.len()).filter(|&axis| !axes[axis]).collect();
        let reduced: Vec<usize> = (0..shape.len()).filter(|&axis| axes[axis]).collect();
        // Kept axes by falling step of the inputs, the outermost first.
        let weight = |axis: usize| -> u128 {
            let steps = inputs.iter().map(|(_, view)| view.strides()[axis]);
            steps.map(|step| step.unsigned_abs() as u128).sum()
        };
        let mut order = kept.clone();
        order.sort_by_key(|&axis| std::cmp::Reverse(weight(axis)));

        let mut strides: Vec<Vec<isize>> = inputs
            .iter()
            .map(|(_, view)| order.iter().map(|&axis| view.strides()[axis]).collect())
            .collect();
        strides.extend(
            results
                .iter()
                .map(|view| order.iter().map(|&axis| view.strides()[axis]).collect()),
        );
        let extents: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let (kept_extents, kept_steps) = merge(&extents, &strides);
        let strides: Vec<Vec<isize>> = inputs
            .iter()
            .map(|(_, view)| reduced.iter().map(|&axis| view.strides()[axis]).collect())
            .collect();
        let extents: Vec<usize> = reduced.iter().map(|&axis| shape[axis]).collect();
        let (reduced_extents, reduced_steps) = merge(&extents, &strides);

        let mut kept_steps = kept_steps.into_iter();
        let operands: Vec<Operand> = inputs
            .iter()
            .zip(reduced_steps)
            .map(|((index, view), reduced)| Operand {
                ptr: Ptr(view.ptr().cast_mut()),
                dtype: view.dtype(),
                byte_order: view.byte_order(),
                index: *index,
                access: Access::Block,
                kept: kept_steps.next().expect("steps for each"),
                reduced,
            })
            .collect();
        let results = results
            .iter_mut()
            .map(|view| Place {
                ptr: Ptr(view.mut_ptr()),
                itemsize: view.dtype().itemsize(),
                kept: kept_steps.next().expect("steps for each"),
            })
            .collect();
        let mut along = Along {
            form: Form::Rows,
            places: kept_extents.iter().product(),
            n: reduced_extents.iter().product(),
            kept: kept_extents,
            reduced: reduced_extents,
            operands,
            results,
        };
        along.choose_form();
        along.choose_access();
        along
    }

    /// Columns if most bytes step shorter along the last kept axis than along the last reduced one.
    fn choose_form(&mut self) {
        let (mut rows, mut columns) = (0, 0);
        for operand in &self.operands {
            let step = |steps: &[isize]| {
                steps
                    .last()
                    .map_or(isize::MAX, |step| step.saturating_abs())
            };
            let (kept, reduced) = (step(&operand.kept), step(&operand.reduced));
            let is_full = kept != 0 && reduced != 0;
            if is_full && kept < reduced {
                columns += operand.dtype.itemsize();
            } else if is_full {
                rows += operand.dtype.itemsize();
            }
        }
        if columns > rows {
            self.form = Form::Columns;
        }
    }

    fn choose_access(&mut self) {
        for operand in &mut self.operands {
            let size = operand.dtype.itemsize().cast_signed();
            let native = operand.byte_order == ByteOrder::Native || operand.dtype.swap_unit() == 1;
            let inner = match self.form {
                Form::Columns => operand.kept.last().copied().unwrap_or(size),
                _ => match operand.reduced[..] {
                    [] => size,
                    [step] => step,
                    _ if operand.reduced.iter().all(|&step| step == 0) => 0,
                    _ => isize::MIN,
                },
            };
            // Rows of a call are a fixed step apart.
            let even = self.form != Form::Columns || operand.reduced.len() <= 1;
            operand.access = match inner {
                _ if !native || !even => Access::Block,
                0 => Access::Scalar,
                step if step == size => Access::Direct,
                _ => Access::Block,
            };
        }
    }

    /// What the kernel must be compiled for, of `n` inputs.
    pub(crate) fn classes(&self, n: usize) -> Classes {
        let mut classes = Classes::default();
        classes.reset(n);
        for operand in &self.operands {
            if operand.access == Access::Scalar {
                classes.set_scalar(operand.index);
            }
        }
        classes
    }

    /// Gives scalars a block each where the kernel that was found takes contiguous inputs only.
    pub(crate) fn follow(&mut self, kernel: &Kernel) {
        for operand in &mut self.operands {
            let class = kernel.inputs[operand.index].class;
            if operand.access == Access::Scalar && class == InputClass::Contiguous {
                operand.access = Access::Block;
            }
        }
    }

    /// Whether a kernel can go through it: block functions take only so much at once.
    pub(crate) fn fits(&self, kernel: &Kernel) -> bool {
        kernel.slots.is_empty() || self.form == Form::Columns || self.n <= kernel.max_block()
    }

    /// Elements to go through.
    pub(crate) fn elements(&self) -> usize {
        self.places * self.n
    }
}

/// Merges axes where all operands step evenly over them.
fn merge(extents: &[usize], strides: &[Vec<isize>]) -> (Vec<usize>, Vec<Vec<isize>>) {
    let strides: Vec<&[isize]> = strides.iter().map(Vec::as_slice).collect();
    merge_axes(extents, &strides)
}

/// Runs `tasks` of them on up to `threads` threads, this one among them; each thread has its own state.
fn share<L>(
    workers: Option<(&ThreadPool, usize)>,
    tasks: usize,
    control: &Control<'_>,
    local: impl Fn() -> L + Sync,
    task: impl Fn(&mut L, usize) + Sync,
) {
    let next = AtomicUsize::new(0);
    let work = || {
        let guard = StopOnPanic(control);
        let mut local = local();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= tasks || !control.wants_chunk(0) {
                break;
            }
            task(&mut local, i);
        }
        drop(guard);
    };
    match workers {
        Some((pool, threads)) if tasks > 1 => pool.in_place_scope(|scope| {
            for _ in 1..threads.min(tasks) {
                scope.spawn(|_| work());
            }
            work();
        }),
        _ => work(),
    }
}

/// What one thread needs.
#[cfg(feature = "jit")]
struct Local {
    inputs: Vec<*const u8>,
    steps: Vec<isize>,
    /// Copied elements of each operand, one after the other, and where each starts.
    blocks: Vec<u64>,
    starts: Vec<usize>,
    accumulators: Vec<u64>,
    scratch: Vec<u64>,
}

/// Index of a position in `extents`, row-major, as the offset that `steps` make of it; and what is left of the last axis.
fn locate(position: usize, extents: &[usize], steps: &[isize]) -> isize {
    let mut rest = position;
    let mut offset = 0;
    for (&extent, &step) in extents.iter().zip(steps).rev() {
        offset += step * (rest % extent).cast_signed();
        rest /= extent;
    }
    offset
}

/// A pass along axes that is running.
///
/// Invariant: `along` was laid out for arrays that are alive, with the results' places held exclusively and the inputs not written to by
/// others, until the pass ends; the places' elements share no memory with each other or an input; `kernel` is what `native` was
/// compiled from, in the form of `along`, reads the operands with the classes of their access, and writes no array.
#[cfg(feature = "jit")]
pub(crate) struct Running<'a> {
    pub(crate) along: &'a Along,
    pub(crate) kernel: &'a Kernel,
    pub(crate) native: &'a NativeKernel,
    pub(crate) control: &'a Control<'a>,
}

#[cfg(feature = "jit")]
impl Running<'_> {
    /// Runs the whole pass; whether all of it succeeded is for `control` to say.
    pub(crate) fn run(&self, workers: Option<(&ThreadPool, usize)>) {
        if self.along.places == 0 {
            return;
        }
        if self.along.n == 0 {
            let nothing = Tree::new(&self.kernel.accumulators).finish();
            for place in 0..self.along.places {
                self.write(place, &nothing);
            }
            return;
        }
        match self.along.form {
            Form::Columns => self.run_columns(workers),
            _ => self.run_rows(workers),
        }
    }

    /// Room for blocks of `elements` of each copied operand, `accumulators` words and the kernel's scratch.
    fn local(&self, elements: usize, accumulators: usize) -> Local {
        let mut words = 0;
        let starts = self
            .along
            .operands
            .iter()
            .map(|operand| {
                let start = words;
                if operand.access == Access::Block {
                    words += (elements * operand.dtype.itemsize()).div_ceil(64) * 8;
                }
                start
            })
            .collect();
        Local {
            inputs: vec![Ptr::DANGLING.0.cast_const(); self.kernel.inputs.len()],
            steps: vec![0; self.kernel.inputs.len()],
            blocks: vec![0; words],
            starts,
            accumulators: vec![0; accumulators],
            scratch: vec![0; self.kernel.scratch_bytes().div_ceil(8)],
        }
    }

    /// Bytes that a copied element takes in all blocks together.
    fn copied_bytes(&self) -> usize {
        let operands = self.along.operands.iter();
        operands
            .filter(|operand| operand.access == Access::Block)
            .map(|operand| operand.dtype.itemsize())
            .sum()
    }

    /// Writes the words of a partial value as the results of one place.
    fn write(&self, place: usize, words: &[u64]) {
        for (result, to) in self.kernel.results.iter().zip(&self.along.results) {
            let ResultKind::Reduced { acc, word, .. } = *result else {
                unreachable!("a pass along axes has reductions only")
            };
            let at = self.kernel.partial_offset(acc as usize) + word as usize;
            let bytes = words[at].to_le_bytes();
            let ptr = to.ptr.offset(locate(place, &self.along.kept, &to.kept));
            // SAFETY: the place is one of the result's, which this task alone writes (`Running`); an element is at most a word long, and
            // its low bytes come first in `bytes`, as the machine has them: code is only made for little-endian ones.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), ptr.0, to.itemsize) };
        }
    }

    /// Calls the kernel; whether it came to an end. `positions` are that of the first row in what is reduced, and the step to the next row's.
    ///
    /// # Safety
    /// 1. `local.inputs` and `local.steps` name what the kernel reads, for `rows` rows of `n` elements, in arrays or `local.blocks`.
    /// 2. `local.accumulators` from `at` has the words of the kernel's accumulators for that many rows and `columns`.
    /// 3. `n` is within the kernel's block, if it has slots; in columns `(rows - 1) * columns + n` is at most `LANES * columns`.
    unsafe fn call(
        &self,
        local: &mut Local,
        n: usize,
        rows: usize,
        columns: usize,
        positions: (usize, usize),
    ) -> bool {
        let mut fault = numloom_ir::Fault::NONE;
        let mut args = KernelArgs {
            n,
            rows,
            inputs: local.inputs.as_ptr(),
            input_row_strides: local.steps.as_ptr(),
            output_row_strides: local.steps.as_ptr(),
            accumulators: local.accumulators.as_mut_ptr(),
            columns,
            position: positions.0 as u64,
            row_position_stride: positions.1 as u64,
            scratch: local.scratch.as_mut_ptr().cast(),
            ..KernelArgs::one_row(&raw mut fault)
        };
        // SAFETY: (1) the caller's 3, and a stride for each input is given, of outputs there are none; (2) the caller's 1; (3) there are no outputs;
        // (4) the caller's 2; (5) `local` made the scratch for this kernel; (6) `fault` outlives the call; (7) `local` is this thread's own, and the
        // arrays are not written to (`Running`).
        let status = unsafe { self.native.call(&mut args) };
        let done = status & STATUS_PANIC == 0;
        if !done {
            self.control.stop(Stop::Failed);
        }
        done
    }

    /// The elements of `operand` in the order kept axes outside, reduced axes inside.
    fn rows_of<'s>(
        &self,
        operand: &Operand,
        shape: &'s mut Vec<usize>,
        steps: &'s mut Vec<isize>,
    ) -> RawView<'s> {
        shape.clear();
        steps.clear();
        shape.extend(self.along.kept.iter().chain(&self.along.reduced));
        steps.extend(operand.kept.iter().chain(&operand.reduced));
        RawView {
            ptr: operand.ptr.0,
            dtype: operand.dtype,
            byte_order: operand.byte_order,
            shape,
            strides: steps,
        }
    }

    fn run_rows(&self, workers: Option<(&ThreadPool, usize)>) {
        let along = self.along;
        // Rows of a task, and rows of a call.
        let per_task = (TASK_ELEMENTS / along.n).max(1);
        let copied = self.copied_bytes();
        let leaf = along.n.min(LEAF);
        let batch = match copied {
            0 => per_task,
            bytes => (COPIED_BYTES / (bytes * leaf)).clamp(1, per_task),
        };
        let batch = batch.min(TASK_ELEMENTS.div_ceil(leaf));
        let words = self.kernel.accumulator_words(batch, 0);
        share(
            workers,
            along.places.div_ceil(per_task),
            self.control,
            || self.local(batch * leaf, words),
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

    /// Rows of one leaf each.
    fn short_rows(&self, local: &mut Local, start: usize, end: usize, batch: usize) -> bool {
        let along = self.along;
        let words = self.kernel.accumulator_words(1, 0);
        let last = along.kept.last().copied().unwrap_or(1);
        let in_place = along
            .operands
            .iter()
            .any(|operand| operand.access != Access::Block);
        let (mut shape, mut steps) = (Vec::new(), Vec::new());
        let mut place = start;
        while place < end {
            if !self.control.wants_block() {
                return false;
            }
            let run = match in_place {
                true => last - place % last,
                false => usize::MAX,
            };
            let rows = batch.min(end - place).min(run);
            for (i, operand) in along.operands.iter().enumerate() {
                let step = match operand.access {
                    Access::Block => {
                        let block = local.blocks[local.starts[i]..].as_mut_ptr().cast::<u8>();
                        let view = self.rows_of(operand, &mut shape, &mut steps);
                        // SAFETY: gather's (1) the array is alive (`Running`) and has these elements; (2) `local` left room for a batch of rows;
                        // (3) the block is this thread's own.
                        unsafe { view.gather(place * along.n, rows * along.n, block) };
                        local.inputs[operand.index] = block.cast_const();
                        (along.n * operand.dtype.itemsize()).cast_signed()
                    }
                    _ => {
                        let offset = locate(place, &along.kept, &operand.kept);
                        local.inputs[operand.index] = operand.ptr.offset(offset).0.cast_const();
                        operand.kept.last().copied().unwrap_or(0)
                    }
                };
                local.steps[operand.index] = step;
            }
            // SAFETY: (1) operands in place have `rows` rows along the last kept axis, of elements side by side or one for the row, and blocks were
            // filled with as many; (2) `local` has the words of a batch; (3) `fits` saw to that.
            if !unsafe { self.call(local, along.n, rows, 0, (0, 0)) } {
                return false;
            }
            for (row, words) in local
                .accumulators
                .chunks_exact(words)
                .take(rows)
                .enumerate()
            {
                self.write(place + row, words);
            }
            place += rows;
        }
        true
    }

    /// One row of several leaves.
    fn long_row(&self, local: &mut Local, place: usize, batch: usize) -> bool {
        let along = self.along;
        let words = self.kernel.accumulator_words(1, 0);
        let mut tree = Tree::new(&self.kernel.accumulators);
        let (mut shape, mut steps) = (Vec::new(), Vec::new());
        let mut position = 0;
        while position < along.n {
            if !self.control.wants_block() {
                return false;
            }
            let left = along.n - position;
            // Whole leaves together, what is left of the last one apart.
            let (n, rows) = match left / LEAF {
                0 => (left, 1),
                leaves => (LEAF, leaves.min(batch)),
            };
            for (i, operand) in along.operands.iter().enumerate() {
                let size = operand.dtype.itemsize();
                let leaf_bytes = (LEAF * size).cast_signed();
                let step = match operand.access {
                    Access::Block => {
                        let block = local.blocks[local.starts[i]..].as_mut_ptr().cast::<u8>();
                        let view = self.rows_of(operand, &mut shape, &mut steps);
                        // SAFETY: as in `short_rows`.
                        unsafe { view.gather(place * along.n + position, rows * n, block) };
                        local.inputs[operand.index] = block.cast_const();
                        leaf_bytes
                    }
                    access => {
                        let start = locate(place, &along.kept, &operand.kept);
                        let step = if access == Access::Direct { size } else { 0 };
                        let offset = start + (position * step).cast_signed();
                        local.inputs[operand.index] = operand.ptr.offset(offset).0.cast_const();
                        if access == Access::Direct {
                            leaf_bytes
                        } else {
                            0
                        }
                    }
                };
                local.steps[operand.index] = step;
            }
            // SAFETY: (1) operands in place have `rows` leaves side by side, or one element for all; blocks were filled with as many; (2) `local`
            // has the words of a batch; (3) `fits` saw to that.
            if !unsafe { self.call(local, n, rows, 0, (position, LEAF)) } {
                return false;
            }
            for words in local.accumulators.chunks_exact(words).take(rows) {
                tree.push(0, words);
            }
            position += rows * n;
        }
        self.write(place, &tree.finish());
        true
    }

    fn run_columns(&self, workers: Option<(&ThreadPool, usize)>) {
        let along = self.along;
        let extent = along.kept.last().copied().unwrap_or(1);
        let lane_bytes = 8 * self.kernel.accumulator_words(LANES, 64) / 64;
        let mut tile = (TILE_BYTES / lane_bytes.max(1)).max(64);
        if let bytes @ 1.. = self.copied_bytes() {
            tile = tile.min((COPIED_BYTES / (bytes * LANES)).max(16));
        }
        if !self.kernel.slots.is_empty() {
            tile = tile.min(self.kernel.max_block());
        }
        let tile = tile.min(extent);
        let tiles = extent.div_ceil(tile);
        let outer = along.places / extent;
        // Whole leaves, a power of two of them, and not too many pieces.
        let leaves = along.n.div_ceil(LEAF);
        let few = leaves.div_ceil(MAX_RUNS).max(TASK_ELEMENTS / (LEAF * tile));
        let run = few.max(1).next_power_of_two();
        let runs = leaves.div_ceil(run);
        let tasks = outer * tiles * runs;
        let pieces: Mutex<Vec<Option<ColumnTree>>> = Mutex::new(Vec::new());
        if runs > 1 {
            let mut pieces = pieces.lock().unwrap_or_else(PoisonError::into_inner);
            pieces.resize_with(tasks, || None);
        }
        let words = self.kernel.accumulator_words(LANES, tile);
        share(
            workers,
            tasks,
            self.control,
            || self.local(LANES * tile, words),
            |local, task| {
                let (at, nth) = (task / runs, task % runs);
                let (place, first) = (at / tiles, at % tiles * tile);
                let columns = tile.min(extent - first);
                let start = nth * run * LEAF;
                let end = along.n.min(start + run * LEAF);
                let place = place * extent + first;
                let Some(tree) = self.columns(local, place, columns, start, end) else {
                    return;
                };
                if runs == 1 {
                    self.write_columns(place, columns, &tree.finish());
                } else {
                    let mut pieces = pieces.lock().unwrap_or_else(PoisonError::into_inner);
                    pieces[task] = Some(tree);
                }
                self.control.chunk_done((end - start) * columns);
            },
        );
        let pieces = pieces.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (at, pieces) in pieces.chunks(runs).enumerate() {
            let (place, first) = (at / tiles, at % tiles * tile);
            let columns = tile.min(extent - first);
            let mut whole = ColumnTree::new(&self.kernel.accumulators, columns);
            for piece in pieces {
                // One that is missing was stopped: the run is an error.
                let Some(piece) = piece else { return };
                whole.append(piece);
            }
            self.write_columns(place * extent + first, columns, &whole.finish());
        }
    }

    /// The reduced positions from `start` to `end` of `columns` places from `place` on; none if it was stopped.
    fn columns(
        &self,
        local: &mut Local,
        place: usize,
        columns: usize,
        start: usize,
        end: usize,
    ) -> Option<ColumnTree> {
        let along = self.along;
        let mut tree = ColumnTree::new(&self.kernel.accumulators, columns);
        let words = self.kernel.accumulator_words(LANES, columns);
        let (mut shape, mut steps) = (Vec::new(), Vec::new());
        // Rows that lie side by side are one long row, as the lanes of a tile are.
        let is_one = |operand: &Operand| {
            let size = operand.dtype.itemsize();
            let step = operand.reduced.last().copied().unwrap_or(0);
            match operand.access {
                Access::Direct => step == (columns * size).cast_signed(),
                Access::Scalar => step == 0,
                Access::Block => true,
            }
        };
        // Others than simple accumulators want to know which row it is.
        let mut accumulators = self.kernel.accumulators.iter();
        let together = along.operands.iter().all(is_one)
            && accumulators.all(|acc| acc.op.op().is_some())
            && (self.kernel.slots.is_empty() || LANES * columns <= self.kernel.max_block());
        for leaf in (start..end).step_by(LEAF) {
            let leaf_end = end.min(leaf + LEAF);
            self.reset_columns(&mut local.accumulators[..words], columns);
            for position in (leaf..leaf_end).step_by(LANES) {
                if position % (LANES * 16) == 0 && !self.control.wants_block() {
                    return None;
                }
                let rows = LANES.min(leaf_end - position);
                for (i, operand) in along.operands.iter().enumerate() {
                    let offset = locate(place, &along.kept, &operand.kept);
                    let ptr = operand.ptr.offset(offset);
                    let step = match operand.access {
                        Access::Block => {
                            let block = local.blocks[local.starts[i]..].as_mut_ptr().cast::<u8>();
                            shape.clear();
                            steps.clear();
                            shape.extend_from_slice(&along.reduced);
                            shape.push(columns);
                            steps.extend_from_slice(&operand.reduced);
                            steps.push(operand.kept.last().copied().unwrap_or(0));
                            let view = RawView {
                                ptr: ptr.0,
                                dtype: operand.dtype,
                                byte_order: operand.byte_order,
                                shape: &shape,
                                strides: &steps,
                            };
                            // SAFETY: gather's (1) the array is alive (`Running`) and has these elements; (2) `local` left room for LANES rows of a
                            // tile; (3) the block is this thread's own.
                            unsafe { view.gather(position * columns, rows * columns, block) };
                            local.inputs[operand.index] = block.cast_const();
                            (columns * operand.dtype.itemsize()).cast_signed()
                        }
                        _ => {
                            let step = operand.reduced.last().copied().unwrap_or(0);
                            let offset = position.cast_signed() * step;
                            local.inputs[operand.index] = ptr.offset(offset).0.cast_const();
                            step
                        }
                    };
                    local.steps[operand.index] = step;
                }
                let done = if together {
                    // SAFETY: (1) the rows lie side by side, in arrays or blocks; (2, 3) so do the lanes of the tile, `rows` of `columns`.
                    unsafe { self.call(local, rows * columns, 1, columns, (position, 1)) }
                } else {
                    // SAFETY: (1) operands in place have `rows` rows along the one reduced axis, and `columns` elements side by side along the last kept
                    // one, or one for the row; blocks were filled with as many; (2) `local` has the lanes of a tile; (3) a tile is within a block.
                    unsafe { self.call(local, columns, rows, columns, (position, 1)) }
                };
                if !done {
                    return None;
                }
            }
            tree.push_leaf(&mut local.accumulators[..words]);
        }
        Some(tree)
    }

    /// The start of a leaf in each of `columns` columns.
    fn reset_columns(&self, mut area: &mut [u64], columns: usize) {
        for acc in &self.kernel.accumulators {
            let (own, rest) = area.split_at_mut(acc.column_words(columns));
            acc.reset_columns(own, columns);
            area = rest;
        }
    }

    /// Writes the results of `columns` places from `place` on.
    fn write_columns(&self, place: usize, columns: usize, totals: &ColumnTotals) {
        for (result, to) in self.kernel.results.iter().zip(&self.along.results) {
            let ResultKind::Reduced { acc, word, .. } = *result else {
                unreachable!("a pass along axes has reductions only")
            };
            let plane = totals.plane(acc as usize, word as usize);
            let start = to.ptr.offset(locate(place, &self.along.kept, &to.kept));
            let step = to.kept.last().copied().unwrap_or(0);
            for (i, element) in plane.chunks_exact(to.itemsize).take(columns).enumerate() {
                let ptr = start.offset(step * i.cast_signed());
                // SAFETY: the place is one of the result's, which this task alone writes (`Running`), and as long as an element.
                unsafe { std::ptr::copy_nonoverlapping(element.as_ptr(), ptr.0, to.itemsize) };
            }
        }
    }
}
