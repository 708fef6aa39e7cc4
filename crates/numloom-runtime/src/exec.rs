#![expect(
    unsafe_code,
    reason = "hands pointers into arrays to kernels, from several threads"
)]
//! Runs one pass: chunks on threads, leaves and blocks inside them, one kernel call for each block.
//!
//! What goes in: a [`Plan`] and the arrays it was laid out for. What comes out: written outputs, reduced values. What it never
//! does: decide anything, or let a result depend on who ran which chunk.
//!
//! Threads share the arrays through raw pointers. The proof is in one place: chunks are disjoint ranges of positions, each taken
//! by one thread; an output's elements do not overlap, so neither do those at disjoint positions; and what
//! [`Bound`] says about inputs and outputs holds.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use numloom_data::RawView;
use numloom_ir::interp::{Block, Interpreter, Rows};
use numloom_ir::reduce::{LEAF, Tree};
use numloom_ir::{Fault, FloatEnv, Form, Isa, Kernel};
use rayon::ThreadPool;

use crate::code::{Code, Compiler};
use crate::compiled::Compiled;
use crate::control::{Control, Stop};
use crate::error::RuntimeError;
use crate::guard::Bound;
use crate::memory::{Outputs, to_scratch};
use crate::options::RunOptions;
use crate::plan::{Access, Operand, Plan};
use crate::reduce::Joined;
use crate::scratch::{Work, with_thread_scratch};
use crate::shares::Shares;
use crate::space::index_of;
use crate::team::together;
use crate::variant::{Part, Variant};
use crate::window::Windows;

/// An address in an array: a number, until one of the `unsafe` blocks below uses it.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Ptr(pub(crate) *mut u8);

// SAFETY: a `Ptr` is a number; each use as a pointer has its own contract.
unsafe impl Send for Ptr {}
// SAFETY: as above.
unsafe impl Sync for Ptr {}

impl Ptr {
    /// For what is not used: aligned, not null.
    pub(crate) const DANGLING: Ptr = Ptr(std::ptr::without_provenance_mut(64));

    pub(crate) fn offset(self, bytes: isize) -> Ptr {
        Ptr(self.0.wrapping_offset(bytes))
    }
}

/// The time, for deadlines.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that looks at the clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How the passes of a run are to be run.
pub(crate) struct Conditions<'a> {
    pub(crate) compiled: &'a Compiled,
    pub(crate) options: &'a RunOptions,
    pub(crate) control: Control<'a>,
    /// Elements of a block, if not the best.
    pub(crate) block: Option<usize>,
    /// What the memory of outputs was before.
    pub(crate) outputs: Outputs,
}

impl Conditions<'_> {
    pub(crate) fn compiler(&self) -> &Compiler {
        &self.compiled.shared().compiler
    }

    /// Who works on `total` elements of `part`.
    pub(crate) fn workers(&self, part: &Part, total: usize) -> Result<Workers, RuntimeError> {
        self.compiled.workers(part, total, self.options)
    }
}

/// A pool, and how many threads may work; none for the caller's thread alone.
pub(crate) type Workers = Option<(Arc<ThreadPool>, usize)>;

/// Runs one pass: `part` over the arrays of `bound`, whose iteration space is `shape`. Reduced values, one for each
/// accumulator of the kernel, go to `reduced`. Whether all blocks succeeded is for `control` to say.
///
/// # Errors
/// If no variant can be compiled, threads or memory are refused.
pub(crate) fn run<'p>(
    part: &'p Part,
    shape: &[usize],
    bound: &mut Bound<'_, '_, '_>,
    conditions: &Conditions<'_>,
    plan: &mut Plan,
    work: &mut Work,
    reduced: &mut Vec<u64>,
) -> Result<&'p Variant, RuntimeError> {
    let mut copies = conditions.compiler().interprets();
    let variant = loop {
        plan.layout(part, shape, bound, copies)?;
        let form = match conditions.block {
            None if !copies && plan.is_in_place() => part.leaves(),
            _ => Form::Lanes,
        };
        let mut variant = part.variant(&mut plan.classes, form, conditions.compiler())?;
        plan.follow(&variant.kernel);
        if variant.kernel.form == Form::Rows && !plan.is_in_place() {
            variant = part.variant(&mut plan.classes, Form::Lanes, conditions.compiler())?;
        }
        if copies || !matches!(variant.code, Code::Interpreter) {
            break variant;
        }
        // Nothing better could be had: the interpreter wants its inputs in private memory.
        copies = true;
    };
    let pool = conditions.workers(part, plan.total)?;
    let threads = pool.as_ref().map_or(1, |(_, threads)| *threads);
    let interpreted = matches!(variant.code, Code::Interpreter);
    plan.cut(
        part,
        &variant.kernel,
        interpreted,
        conditions.block,
        threads,
        conditions.outputs,
    );
    let start = bound.windows.map(|windows| {
        let (start, tree) = windows.start(Tree::new(&variant.kernel.accumulators));
        // A chunk starts where an earlier run has ended, whose chunks may have been others.
        while !start.is_multiple_of(plan.chunk) && start < plan.total {
            plan.chunk /= 2;
        }
        plan.block = plan.block.min(plan.chunk);
        (windows, start, tree)
    });
    let carried = bound.carried.take();
    if let Some(carried) = &carried
        && part.reduces
    {
        // Whole leaves have come before, of which a chunk must not take a part of a larger node.
        while !carried.base.is_multiple_of(plan.chunk as u64) {
            plan.chunk /= 2;
        }
        plan.block = plan.block.min(plan.chunk);
    }
    // `bound` is borrowed until the pass ends, and with it the exclusive access to outputs on which every block relies.
    let pass = Pass {
        plan,
        part,
        kernel: &variant.kernel,
        code: &variant.code,
        isa: conditions.compiler().isa,
        control: &conditions.control,
        base: carried.as_ref().map_or(0, |carried| carried.base),
    };
    if let Some((windows, start, tree)) = start {
        let pool = pool.as_ref().map(|(pool, threads)| (&**pool, *threads));
        *reduced = pass.run_windows(windows, start, tree, pool, work)?;
        return Ok(variant);
    }
    if let Some(carried) = carried {
        let tree = carried.tree.take();
        let tree = tree.unwrap_or_else(|| Tree::new(&variant.kernel.accumulators));
        let pool = pool.as_ref().map(|(pool, threads)| (&**pool, *threads));
        carried.tree = Some(pass.run_part(tree, pool, work)?);
        carried.base += plan.total as u64;
        return Ok(variant);
    }
    match pool {
        Some((pool, threads)) if pass.chunks() > 1 => {
            pass.run_on(&pool, threads.min(pass.chunks()), work, reduced)?;
        }
        _ => pass.run_here(work, reduced)?,
    }
    Ok(variant)
}

/// A pass that is running.
///
/// Invariant: `plan` was laid out and cut for `part`, `kernel` and arrays that are alive, with the outputs held exclusively and
/// the inputs not written to by others, until the pass ends; and [`Bound`]'s invariant holds for them.
struct Pass<'a> {
    plan: &'a Plan,
    part: &'a Part,
    kernel: &'a Arc<Kernel>,
    code: &'a Code,
    isa: Isa,
    control: &'a Control<'a>,
    /// The position of the first element, if it is a part of a run.
    base: u64,
}

/// Ends the chunks of a thread: what they stored around the caches comes before whatever tells another thread of it.
struct Ordered<'p>(
    #[cfg_attr(
        not(feature = "jit"),
        expect(dead_code, reason = "only machine code stores so")
    )]
    &'p Plan,
);

impl Drop for Ordered<'_> {
    fn drop(&mut self) {
        #[cfg(feature = "jit")]
        if self.0.around {
            numloom_jit::NativeKernel::order_stores();
        }
    }
}

/// Why a chunk ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    /// Stopped, faulted or failed: `control` knows.
    Short,
}

impl Pass<'_> {
    fn chunks(&self) -> usize {
        self.plan.total.div_ceil(self.plan.chunk)
    }

    /// The positions of chunk `i`.
    fn chunk(&self, i: usize) -> (usize, usize) {
        let start = i * self.plan.chunk;
        (start, self.plan.total.min(start + self.plan.chunk))
    }

    /// All chunks on this thread, in order; takes no lock and, up to one leaf, allocates nothing.
    fn run_here(&self, work: &mut Work, reduced: &mut Vec<u64>) -> Result<(), RuntimeError> {
        work.fit(self.plan, self.kernel)?;
        reduced.clear();
        let mut tree = (self.plan.total > LEAF && self.part.reduces)
            .then(|| Tree::new(&self.kernel.accumulators));
        let _ordered = Ordered(self.plan);
        for i in 0..self.chunks() {
            let (start, end) = self.chunk(i);
            if !self.control.wants_chunk(start) {
                return Ok(());
            }
            let leaf = |partials: &[u64]| match &mut tree {
                Some(tree) => tree.push(0, partials),
                None => reduced.extend_from_slice(partials),
            };
            if self.run_chunk(work, start, end, leaf) == End::Done {
                self.control.chunk_done(end - start);
            }
        }
        if let Some(tree) = tree {
            *reduced = tree.finish();
        } else if self.plan.total == 0 {
            *reduced = Tree::new(&self.kernel.accumulators).finish();
        }
        Ok(())
    }

    /// Chunks on up to `threads` threads, this one among them.
    fn run_on(
        &self,
        pool: &ThreadPool,
        threads: usize,
        work: &mut Work,
        reduced: &mut Vec<u64>,
    ) -> Result<(), RuntimeError> {
        let joined = Mutex::new(Joined::new(Tree::new(&self.kernel.accumulators), 0));
        self.share_chunks(pool, threads, 0..self.chunks(), work, &joined)?;
        let joined = joined.into_inner().unwrap_or_else(PoisonError::into_inner);
        *reduced = joined.finish();
        Ok(())
    }

    /// Some chunks on up to `threads` threads, this one among them.
    fn share_chunks(
        &self,
        pool: &ThreadPool,
        threads: usize,
        chunks: Range<usize>,
        work: &mut Work,
        joined: &Mutex<Joined>,
    ) -> Result<(), RuntimeError> {
        let shares = Shares::new(chunks, threads);
        let refused = Mutex::new(None);
        let help = |work: &mut Work, own: usize| {
            if let Err(error) = self.take_chunks(work, || shares.take(own), joined) {
                self.control.stop(Stop::Failed);
                refused
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(error);
            }
        };
        let guarded = |work: &mut Work, own: usize| {
            let guard = StopOnPanic(self.control);
            help(work, own);
            drop(guard);
        };
        let helper = || {
            let _env = FloatEnv::enter();
            let own = 1 + rayon::current_thread_index().unwrap_or(0) % (threads - 1);
            with_thread_scratch(|scratch| guarded(&mut scratch.work, own));
        };
        together(pool, threads - 1, || guarded(work, 0), &helper);
        let refused = refused.into_inner().unwrap_or_else(PoisonError::into_inner);
        refused.map_or(Ok(()), Err)
    }

    /// All chunks of a part of a run, whose reductions have come to `tree` so far; what they come to then.
    fn run_part(
        &self,
        tree: Tree,
        pool: Option<(&ThreadPool, usize)>,
        work: &mut Work,
    ) -> Result<Tree, RuntimeError> {
        let joined = Mutex::new(Joined::new(tree, 0));
        self.run_chunks(pool, 0..self.chunks(), work, &joined)?;
        let joined = joined.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(joined.into_tree())
    }

    /// Some chunks, on the pool if there are several.
    fn run_chunks(
        &self,
        pool: Option<(&ThreadPool, usize)>,
        chunks: Range<usize>,
        work: &mut Work,
        joined: &Mutex<Joined>,
    ) -> Result<(), RuntimeError> {
        match pool {
            Some((pool, threads)) if chunks.len() > 1 => {
                let threads = threads.min(chunks.len());
                self.share_chunks(pool, threads, chunks, work, joined)
            }
            _ => {
                let mut chunks = chunks;
                self.take_chunks(work, || chunks.next(), joined)
            }
        }
    }

    /// The whole pass from position `start` on, window after window, whose reductions have come to `tree` so far.
    fn run_windows(
        &self,
        windows: &Windows<'_>,
        mut start: usize,
        tree: Tree,
        pool: Option<(&ThreadPool, usize)>,
        work: &mut Work,
    ) -> Result<Vec<u64>, RuntimeError> {
        let (plan, control) = (self.plan, self.control);
        let (n, lasts) = (windows.positions(plan, self.part), windows.lasts(plan));
        let joined = Mutex::new(Joined::new(tree, start / plan.chunk));
        control.count(start as u64);
        let mut extents = windows.extents(plan, start..start + n);
        windows.prefetch(extents.clone());
        while start < plan.total {
            let end = plan.total.min(start + n);
            let next = windows.extents(plan, end..end + n);
            windows.open(start, &extents, next.clone())?;
            let before = control.done();
            let chunks = start / plan.chunk..end.div_ceil(plan.chunk);
            self.run_chunks(pool, chunks, work, &joined)?;
            if control.done() - before != (end - start) as u64 {
                // Why is for `control` to say.
                break;
            }
            let joined = joined.lock().unwrap_or_else(PoisonError::into_inner);
            let tree = self.part.reduces.then(|| joined.tree());
            windows.close(extents, end, tree, lasts)?;
            (start, extents) = (end, next);
        }
        let joined = joined.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(joined.finish())
    }

    fn take_chunks(
        &self,
        work: &mut Work,
        mut take: impl FnMut() -> Option<usize>,
        joined: &Mutex<Joined>,
    ) -> Result<(), RuntimeError> {
        work.fit(self.plan, self.kernel)?;
        let _ordered = Ordered(self.plan);
        while let Some(i) = take() {
            let (start, end) = self.chunk(i);
            if !self.control.wants_chunk(start) {
                return Ok(());
            }
            let mut leaves = Tree::new(&self.kernel.accumulators);
            let done = self.run_chunk(work, start, end, |partials| leaves.push(0, partials));
            if done == End::Short {
                continue;
            }
            if self.part.reduces {
                joined
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(i, leaves);
            }
            self.control.chunk_done(end - start);
        }
        Ok(())
    }

    /// The blocks of one chunk; `leaf` is given the partial values of each leaf.
    fn run_chunk(
        &self,
        work: &mut Work,
        start: usize,
        end: usize,
        leaf: impl FnMut(&[u64]),
    ) -> End {
        match self.code {
            Code::Interpreter => {
                let mut interpreter = work.take_interpreter(self.kernel, self.isa);
                let done = self.blocks(work, start, end, leaf, |work, (n, _), index, fault| {
                    self.interpret(&mut interpreter.1, work, n, index, fault)
                });
                work.keep_interpreter(interpreter);
                done
            }
            #[cfg(feature = "jit")]
            Code::Native(native) if self.kernel.form == Form::Rows => {
                self.leaves(native, work, start, end, leaf)
            }
            #[cfg(feature = "jit")]
            Code::Native(native) => {
                self.blocks(work, start, end, leaf, |work, rows, index, fault| {
                    self.call(native, work, rows, index, fault)
                })
            }
        }
    }

    /// Cuts a chunk into leaves and blocks and runs `kernel` on each, or on as many blocks of a leaf as there are if all operands are in place; that returns
    /// whether it succeeded.
    fn blocks(
        &self,
        work: &mut Work,
        start: usize,
        end: usize,
        mut leaf: impl FnMut(&[u64]),
        mut kernel: impl FnMut(&mut Work, (usize, usize), u64, &mut Fault) -> bool,
    ) -> End {
        let plan = self.plan;
        let mut fault = Fault::NONE;
        let in_place = !matches!(self.code, Code::Interpreter) && plan.is_in_place();
        let mut at = self.seek(work, start);
        self.load_cells(work);
        self.load_chunk(work, start, end);
        while at.position < end {
            let leaf_end = if self.part.reduces {
                self.kernel.reset_lanes(&mut work.lanes);
                end.min((at.position / LEAF + 1) * LEAF)
            } else {
                end
            };
            while at.position < leaf_end {
                if !self.control.wants_block() {
                    return End::Short;
                }
                let left = (leaf_end - at.position).min(at.row_left);
                let first = plan.block + plan.head;
                let (n, rows) = match left / plan.block {
                    0 => (left, 1),
                    _ if in_place && plan.head > 0 && at.position == start && first <= left => {
                        (first, 1)
                    }
                    blocks => (plan.block, if in_place { blocks } else { 1 }),
                };
                self.locate(work, &at, start, n);
                if self.control.loses_block(at.position, n * rows) {
                    return End::Short;
                }
                let index = self.base + at.position as u64;
                if !kernel(work, (n, rows), index, &mut fault) {
                    self.control.stop(Stop::Failed);
                    return End::Short;
                }
                if fault.is_some() {
                    self.control.record(fault);
                    return End::Short;
                }
                self.store(work, at.position, n);
                self.advance(work, &mut at, n * rows);
            }
            if self.part.reduces {
                self.kernel.combine_lanes(&work.lanes, &mut work.partials);
                leaf(&work.partials);
            }
        }
        End::Done
    }

    /// Runs machine code on the leaves of a chunk, whose operands are all in place: whole ones together, each a row of a call, and what is left of the last one
    /// apart.
    #[cfg(feature = "jit")]
    fn leaves(
        &self,
        native: &numloom_jit::NativeKernel,
        work: &mut Work,
        start: usize,
        end: usize,
        mut leaf: impl FnMut(&[u64]),
    ) -> End {
        debug_assert!(self.kernel.slots.is_empty(), "a leaf is longer than a slot");
        let mut fault = Fault::NONE;
        let mut at = self.seek(work, start);
        while at.position < end {
            if !self.control.wants_block() {
                return End::Short;
            }
            let left = end - at.position;
            let (n, rows) = match left / LEAF {
                0 => (left, 1),
                leaves => (LEAF, leaves),
            };
            self.locate(work, &at, start, n);
            if self.control.loses_block(at.position, n * rows) {
                return End::Short;
            }
            let words = self.kernel.accumulator_words(rows, 0);
            if work.partials.len() < words {
                work.partials.resize(words, 0);
            }
            if !self.call(
                native,
                work,
                (n, rows),
                self.base + at.position as u64,
                &mut fault,
            ) {
                self.control.stop(Stop::Failed);
                return End::Short;
            }
            if fault.is_some() {
                self.control.record(fault);
                return End::Short;
            }
            for partials in work.partials[..words].chunks_exact((words / rows).max(1)) {
                leaf(partials);
            }
            self.advance(work, &mut at, n * rows);
        }
        End::Done
    }

    /// The cursor at `position`.
    fn seek(&self, work: &mut Work, position: usize) -> Cursor {
        work.index.clear();
        work.rows.clear();
        let Some(row) = self.plan.row else {
            return Cursor {
                position,
                in_row: position,
                row_left: usize::MAX,
            };
        };
        let space = &self.plan.space;
        let outer = &space.shape()[..space.shape().len() - 1];
        work.index.resize(outer.len(), 0);
        index_of(position / row, outer, &mut work.index);
        for i in 0..self.plan.operands.len() {
            let steps = work.index.iter().zip(space.strides(i));
            work.rows.push(
                steps
                    .map(|(&index, &stride)| stride * index.cast_signed())
                    .sum(),
            );
        }
        Cursor {
            position,
            in_row: position % row,
            row_left: row - position % row,
        }
    }

    /// Moves the cursor on by a block, which does not pass the end of the row.
    fn advance(&self, work: &mut Work, at: &mut Cursor, n: usize) {
        at.position += n;
        at.in_row += n;
        let Some(row) = self.plan.row else {
            return;
        };
        at.row_left -= n;
        if at.row_left > 0 {
            return;
        }
        (at.in_row, at.row_left) = (0, row);
        let space = &self.plan.space;
        for axis in (0..space.shape().len() - 1).rev() {
            let extent = space.shape()[axis];
            work.index[axis] += 1;
            let wraps = work.index[axis] == extent;
            let steps = if wraps { 1 - extent.cast_signed() } else { 1 };
            for (i, row) in work.rows.iter_mut().enumerate() {
                *row += space.strides(i)[axis] * steps;
            }
            if !wraps {
                return;
            }
            work.index[axis] = 0;
        }
    }

    /// The array of `operand`, in the order of iteration.
    fn array(&self, i: usize, operand: &Operand) -> RawView<'_> {
        RawView {
            ptr: operand.ptr.0,
            dtype: operand.dtype,
            byte_order: operand.byte_order,
            shape: self.plan.space.shape(),
            strides: self.plan.space.strides(i),
        }
    }

    /// A thread's area, which [`Work::fit`] made as large as the plan says, from where scratch is to begin.
    fn area(work: &mut Work) -> *mut u8 {
        let area = work.area.as_mut().expect("`fit` made an area").as_mut_ptr();
        area.wrapping_add(to_scratch(area.addr()))
    }

    /// Copies the one element of each operand that wants it.
    fn load_cells(&self, work: &mut Work) {
        let area = Self::area(work);
        for (i, operand) in self.plan.operands[..self.plan.inputs].iter().enumerate() {
            if operand.access == Access::Cell {
                // SAFETY: gather's (1) the array is alive (`Pass`) and, as there are elements to go through, has its first;
                // (2) `cut` left room for an element at `offset`; (3) the area is this thread's own, and nobody writes to
                // an input that is accessed so: one that an output shares has `Access::Block`.
                unsafe {
                    self.array(i, operand)
                        .gather(0, 1, area.wrapping_add(operand.offset))
                };
            }
        }
    }

    /// Copies the chunk from `start` to `end` of each input that wants it.
    fn load_chunk(&self, work: &mut Work, start: usize, end: usize) {
        let area = Self::area(work);
        for (i, operand) in self.plan.operands[..self.plan.inputs].iter().enumerate() {
            if operand.access == Access::Chunk {
                let copy = area.wrapping_add(operand.offset);
                // SAFETY: gather's (1) the array is alive (`Pass`), and `end` is at most its number of elements; (2) `cut` left room for a
                // chunk; (3) the area is this thread's own; if an output shares the array, then under the same indices
                // (`Bound`), and only the thread that has this chunk writes to those, after this.
                unsafe { self.array(i, operand).gather(start, end - start, copy) };
            }
        }
    }

    /// Fills the blocks of inputs, and sets the kernel's pointers to where its operands are for `n` elements from `at` on, in the chunk that
    /// starts at `chunk`.
    fn locate(&self, work: &mut Work, at: &Cursor, chunk: usize, n: usize) {
        let area = Self::area(work);
        for (i, operand) in self.plan.operands.iter().enumerate() {
            let is_input = i < self.plan.inputs;
            let place = match operand.access {
                Access::Direct | Access::Scalar => {
                    let row = work.rows.get(i).copied().unwrap_or(0);
                    operand
                        .ptr
                        .offset(row + operand.step * at.in_row.cast_signed())
                }
                Access::Cell => Ptr(area.wrapping_add(operand.offset)),
                Access::Chunk => {
                    let before = (at.position - chunk) * operand.dtype.itemsize();
                    Ptr(area.wrapping_add(operand.offset + before))
                }
                Access::Block => {
                    let block = area.wrapping_add(operand.offset);
                    if is_input {
                        // SAFETY: gather's (1) the array is alive (`Pass`), and `at.position + n` is at most its number of
                        // elements; (2) `cut` left room for `plan.block >= n` elements, since `n` is more only where nothing is copied; (3) the area is this thread's own;
                        // if an output shares the array, then under the same indices (`Bound`), and only the thread
                        // that has this chunk writes to those, after this.
                        unsafe { self.array(i, operand).gather(at.position, n, block) };
                    }
                    Ptr(block)
                }
            };
            let places = if is_input {
                &mut work.inputs
            } else {
                &mut work.outputs
            };
            places[operand.index] = place;
        }
    }

    /// Puts the blocks of outputs into their arrays.
    fn store(&self, work: &mut Work, position: usize, n: usize) {
        let area = Self::area(work);
        for (i, operand) in self.plan.operands.iter().enumerate().skip(self.plan.inputs) {
            if operand.access == Access::Block {
                // SAFETY: scatter's (1) the array is alive and exclusively held (`Pass`), and `position + n` is at most its
                // number of elements; (2, 3) the block is this thread's own, and has `plan.block >= n` elements, as above;
                // (4) positions of one chunk are accessed by the thread that has it only.
                unsafe {
                    let block = area.wrapping_add(operand.offset);
                    self.array(i, operand).scatter(position, n, block);
                }
            }
        }
    }

    /// Runs machine code on the places that [`locate`](Self::locate) has set: on `n` elements, or on `rows` leaves or blocks of that many, one after the other.
    #[cfg(feature = "jit")]
    fn call(
        &self,
        native: &numloom_jit::NativeKernel,
        work: &mut Work,
        (n, rows): (usize, usize),
        index: u64,
        fault: &mut Fault,
    ) -> bool {
        let scratch = Self::area(work).wrapping_add(self.plan.scratch);
        let mut args = numloom_jit::abi::KernelArgs {
            n,
            rows,
            index,
            row_index_stride: n as u64,
            inputs: work.inputs.as_ptr().cast(),
            input_row_strides: work.input_steps.as_ptr(),
            outputs: work.outputs.as_ptr().cast(),
            output_row_strides: work.output_steps.as_ptr(),
            accumulators: match self.kernel.form {
                Form::Rows => work.partials.as_mut_ptr(),
                _ => work.lanes.as_mut_ptr(),
            },
            position: index,
            row_position_stride: n as u64,
            scratch,
            around: u64::from(self.plan.around),
            ahead: u64::from(self.plan.ahead),
            ..numloom_jit::abi::KernelArgs::one_row(fault)
        };
        // SAFETY: (1) `cut` keeps blocks within `max_block` for a kernel with slots, the longer first one too, and `fit` made a step for each input and output. (2, 3) `fit` made a pointer for each input and
        // output, `Ptr` being transparent; `locate` has set those that the part uses to `n` elements (one, for a scalar)
        // of the array or of this thread's block: for `Direct`, the operand steps by its item size up to the end
        // of the row, which `n` does not pass; for `Scalar`, by nothing. Several rows are leaves of a chunk, or blocks of one, all operands being `Direct` or `Scalar`,
        // whose steps from row to row `fit` has set. (4, 5) `fit` and `cut` made room, for the partial values of rows `leaves`, and a `Buffer` is initialised. (6) `fault` is a
        // reference. (7) Blocks, cells and scratch lie apart in the area; arrays that outputs share have `Access::Block`,
        // two outputs share nothing (`Bound`), and other threads have other positions.
        let status = unsafe { native.call(&mut args) };
        status & numloom_jit::abi::STATUS_PANIC == 0
    }

    /// Runs the interpreter on cells and blocks: with it, no operand is accessed in place.
    fn interpret(
        &self,
        interpreter: &mut Interpreter,
        work: &mut Work,
        n: usize,
        index: u64,
        fault: &mut Fault,
    ) -> bool {
        let area = work.area.as_mut().expect("`fit` made an area");
        let start = to_scratch(area.as_mut_ptr().addr());
        let area = &mut area.as_bytes_mut()[start..];
        let (inputs, outputs) = self.plan.operands.split_at(self.plan.inputs);
        let cut = outputs.first().map_or(area.len(), |operand| operand.offset);
        let (read, mut rest) = area.split_at_mut(cut);
        let mut places = Slots::new(self.kernel.inputs.len(), || &[][..]);
        for operand in inputs {
            let n = if operand.access == Access::Cell { 1 } else { n };
            let bytes = &read[operand.offset..][..n * operand.dtype.itemsize()];
            places.as_mut()[operand.index] = bytes;
        }
        let mut targets = Slots::new(outputs.len(), || &mut [][..]);
        let mut passed = cut;
        for operand in outputs {
            let (_, from) = rest.split_at_mut(operand.offset - passed);
            let (bytes, after) = from.split_at_mut(n * operand.dtype.itemsize());
            passed = operand.offset + bytes.len();
            targets.as_mut()[operand.index] = bytes;
            rest = after;
        }
        let block = Block {
            n,
            index,
            rows: Rows {
                position: index,
                ..Rows::ONE
            },
            inputs: places.as_mut(),
            outputs: targets.as_mut(),
            accumulators: &mut work.lanes,
            fault,
        };
        interpreter.run(self.kernel, block);
        true
    }
}

/// As many slices as a kernel has places, in place if they are few.
enum Slots<T> {
    Few([T; 16], usize),
    Many(Vec<T>),
}

impl<T> Slots<T> {
    fn new(n: usize, empty: impl Fn() -> T) -> Slots<T> {
        if n <= 16 {
            Slots::Few(std::array::from_fn(|_| empty()), n)
        } else {
            Slots::Many((0..n).map(|_| empty()).collect())
        }
    }

    fn as_mut(&mut self) -> &mut [T] {
        match self {
            Slots::Few(items, n) => &mut items[..*n],
            Slots::Many(items) => items,
        }
    }
}

/// Where a chunk is.
struct Cursor {
    /// The logical position.
    position: usize,
    /// The position in the row, or the same if blocks do not end with rows.
    in_row: usize,
    row_left: usize,
}

/// Stops the run if dropped by a panic, so that other threads do not go on for nothing.
pub(crate) struct StopOnPanic<'a>(pub(crate) &'a Control<'a>);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(Stop::Failed);
        }
    }
}
