#![expect(
    unsafe_code,
    reason = "hands pointers into arrays to kernels, from several threads"
)]
//! A pass along axes that is running: what both forms share.
//!
//! Threads share the arrays through raw pointers: tasks write disjoint places, and nothing else is written.

use std::sync::atomic::{AtomicUsize, Ordering};

use numloom_data::RawView;
use numloom_ir::reduce::Tree;
use numloom_ir::{FloatEnv, Form, Kernel, ResultKind};
use numloom_jit::NativeKernel;
use numloom_jit::abi::{KernelArgs, STATUS_PANIC, Way};
use rayon::ThreadPool;

use super::{Access, Along, Operand, Place};
use crate::control::{Control, Stop};
use crate::exec::{Ptr, StopOnPanic};
use crate::team::together;

/// The most bytes of copied elements of a call: they stay in the second-level cache.
pub(super) const COPIED_BYTES: usize = 64 << 10;

/// Elements of a task: some tens of microseconds.
pub(super) const TASK_ELEMENTS: usize = 64 << 10;

/// Runs `tasks` of them on up to `threads` threads, this one among them; each thread has its own state.
pub(super) fn share<L>(
    workers: Option<(&ThreadPool, usize)>,
    tasks: usize,
    control: &Control<'_>,
    local: impl Fn() -> L + Sync,
    task: impl Fn(&mut L, usize) + Sync,
) {
    let next = AtomicUsize::new(0);
    let work = || {
        let _env = FloatEnv::enter();
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
        Some((pool, threads)) if tasks > 1 => {
            together(pool, threads.min(tasks) - 1, work, &work);
        }
        _ => work(),
    }
}

/// Index of a position in `extents`, row-major, as the offset that `steps` make of it.
pub(super) fn locate(position: usize, extents: &[usize], steps: &[isize]) -> isize {
    let mut rest = position;
    let mut offset = 0;
    for (&extent, &step) in extents.iter().zip(steps).rev() {
        offset += step * (rest % extent).cast_signed();
        rest /= extent;
    }
    offset
}

/// What a thread's calls read and use besides accumulators.
pub(super) struct Calls {
    pub(super) inputs: Vec<*const u8>,
    /// From a row to the next, in bytes.
    pub(super) steps: Vec<isize>,
    /// Copied elements of each operand, one after the other, and where each starts.
    blocks: Vec<u64>,
    starts: Vec<usize>,
    scratch: Vec<u64>,
    /// Of the view that elements are copied from.
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<isize>,
}

impl Calls {
    /// Where copied elements of operand `i` go.
    pub(super) fn block(&mut self, i: usize) -> *mut u8 {
        self.blocks[self.starts[i]..].as_mut_ptr().cast()
    }
}

/// Where the first row of a call lies in what is reduced, and what it is for.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    /// Elements of a row.
    pub(super) n: usize,
    pub(super) count: usize,
    /// Columns of the accumulators, if it is in columns.
    pub(super) columns: usize,
    pub(super) way: Way,
    /// Position of the first row, and from a row to the next.
    pub(super) position: usize,
    pub(super) position_step: usize,
}

/// A pass along axes that is running.
///
/// Invariant: `along` was laid out for arrays that are alive, with the results' places held exclusively and the inputs not written to by
/// others, until the pass ends; the places' elements share no memory with each other or an input; `kernel` is what `native` was
/// compiled from, in the form of `along`, reads the operands with the classes of their access, and writes no array.
pub(crate) struct Running<'a> {
    pub(crate) along: &'a Along,
    pub(crate) kernel: &'a Kernel,
    pub(crate) native: &'a NativeKernel,
    pub(crate) control: &'a Control<'a>,
}

impl Running<'_> {
    /// Runs the whole pass; whether all of it succeeded is for `control` to say.
    pub(crate) fn run(&self, workers: Option<(&ThreadPool, usize)>) {
        if self.along.places == 0 {
            return;
        }
        if self.along.n == 0 {
            let nothing = Tree::new(&self.kernel.accumulators).finish();
            for place in 0..self.along.places {
                self.write(place, 1, &nothing);
            }
            return;
        }
        match self.along.form {
            Form::Columns | Form::Streams => self.run_columns(workers),
            _ => self.run_rows(workers),
        }
    }

    /// Room for blocks of `elements` of each copied operand, and the kernel's scratch.
    pub(super) fn calls(&self, elements: usize) -> Calls {
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
        Calls {
            inputs: vec![Ptr::DANGLING.0.cast_const(); self.kernel.inputs.len()],
            steps: vec![0; self.kernel.inputs.len()],
            blocks: vec![0; words],
            starts,
            scratch: vec![0; self.kernel.scratch_bytes().div_ceil(8)],
            shape: Vec::new(),
            strides: Vec::new(),
        }
    }

    /// Bytes that a copied element takes in all blocks together.
    pub(super) fn copied_bytes(&self) -> usize {
        let operands = self.along.operands.iter();
        operands
            .filter(|operand| operand.access == Access::Block)
            .map(|operand| operand.dtype.itemsize())
            .sum()
    }

    /// Calls the kernel; whether it came to an end.
    ///
    /// # Safety
    /// 1. `calls.inputs` and `calls.steps` name what the kernel reads, for these rows, in arrays or `calls.blocks`.
    /// 2. `rows.n` is within the kernel's block, if it has slots; in columns it is at most `rows.columns`. `rows.way` is one that the kernel has.
    ///
    /// # Panics
    /// If `accumulators` has not the words of the kernel's accumulators for these rows and columns.
    pub(super) unsafe fn call(
        &self,
        calls: &mut Calls,
        rows: Rows,
        accumulators: &mut [u64],
    ) -> bool {
        let words = self.kernel.accumulator_words(rows.count, rows.columns);
        assert_eq!(accumulators.len(), words, "the accumulators of a call");
        let mut fault = numloom_ir::Fault::NONE;
        let mut args = KernelArgs {
            n: rows.n,
            rows: rows.count,
            inputs: calls.inputs.as_ptr(),
            input_row_strides: calls.steps.as_ptr(),
            output_row_strides: calls.steps.as_ptr(),
            accumulators: accumulators.as_mut_ptr(),
            columns: rows.columns,
            way: rows.way,
            position: rows.position as u64,
            row_position_stride: rows.position_step as u64,
            scratch: calls.scratch.as_mut_ptr().cast(),
            ..KernelArgs::one_row(&raw mut fault)
        };
        // SAFETY: (1) the caller's 2, and a stride for each input is given, of outputs there are none; (2) the caller's 1; (3) there are no outputs;
        // (4) asserted, and the caller's 2; (5) `calls` made the scratch for this kernel; (6) `fault` outlives the call; (7) `calls` and
        // `accumulators` are this thread's own, and the arrays are not written to (`Running`).
        let status = unsafe { self.native.call(&mut args) };
        let done = status & STATUS_PANIC == 0;
        if !done {
            self.control.stop(Stop::Failed);
        }
        done
    }

    /// Copies `n` elements of operand `i` from logical position `start` on to its block, `skip` elements into it: of the view of
    /// `calls.shape` and `calls.strides` at `ptr`.
    ///
    /// # Safety
    /// 1. The view's elements are the operand's.
    /// 2. The block has room for `skip + n` elements.
    pub(super) unsafe fn copy(
        &self,
        calls: &mut Calls,
        i: usize,
        ptr: Ptr,
        start: usize,
        n: usize,
        skip: usize,
    ) {
        let operand = &self.along.operands[i];
        let to = calls.block(i).wrapping_add(skip * operand.dtype.itemsize());
        let view = RawView {
            ptr: ptr.0,
            dtype: operand.dtype,
            byte_order: operand.byte_order,
            shape: &calls.shape,
            strides: &calls.strides,
        };
        // SAFETY: gather's (1) the array is alive (`Running`) and has these elements, by (1); (2) by (2); (3) the block is this thread's own.
        unsafe { view.gather(start, n, to) };
    }

    /// Writes partial values, `rows` of them one after the other, as the results of the places from `place` on.
    pub(super) fn write(&self, place: usize, rows: usize, partials: &[u64]) {
        let words = self.kernel.partial_words();
        for (acc, word, to) in self.results() {
            let at = self.kernel.partial_offset(acc) + word;
            let bytes = |row: usize| partials[row * words + at].to_le_bytes();
            // The low bytes of a word come first, as the machine has them: code is only made for little-endian ones.
            self.write_places(to, place, rows, bytes);
        }
    }

    /// Accumulator and word of each result, and where it goes.
    pub(super) fn results(&self) -> impl Iterator<Item = (usize, usize, &Place)> {
        let results = self.kernel.results.iter().zip(&self.along.results);
        results.map(|(result, to)| match *result {
            ResultKind::Reduced { acc, word, .. } => (acc as usize, word as usize, to),
            _ => unreachable!("a pass along axes has reductions only"),
        })
    }

    /// Writes one result of `count` places from `place` on: the first bytes of what `bytes` gives for each.
    #[inline]
    pub(super) fn write_places(
        &self,
        to: &Place,
        place: usize,
        count: usize,
        bytes: impl Fn(usize) -> [u8; 8],
    ) {
        let axes = &self.along.result_axes;
        let extent = axes.last().copied().unwrap_or(1);
        let step = to.steps.last().copied().unwrap_or(0);
        let mut done = 0;
        while done < count {
            // To the end of the last axis.
            let run = (extent - (place + done) % extent).min(count - done);
            let start = locate(place + done, axes, &to.steps);
            let start = to.ptr.offset(start);
            for i in 0..run {
                let (ptr, mut bytes) = (start.offset(step * i.cast_signed()).0, bytes(done + i));
                if to.swapped {
                    bytes[..to.itemsize].reverse();
                }
                // SAFETY: the place is one of the result's, which this task alone writes (`Running`), and as long as what is written.
                unsafe {
                    match to.itemsize {
                        8 => ptr.cast::<[u8; 8]>().write(bytes),
                        4 => ptr
                            .cast::<[u8; 4]>()
                            .write([bytes[0], bytes[1], bytes[2], bytes[3]]),
                        2 => ptr.cast::<[u8; 2]>().write([bytes[0], bytes[1]]),
                        size => {
                            debug_assert_eq!(size, 1, "elements have 1, 2, 4 or 8 bytes");
                            ptr.write(bytes[0]);
                        }
                    }
                }
            }
            done += run;
        }
    }

    /// Where the operand starts for `place`.
    pub(super) fn start(&self, operand: &Operand, place: usize) -> Ptr {
        operand
            .ptr
            .offset(locate(place, &self.along.kept, &operand.kept))
    }
}
