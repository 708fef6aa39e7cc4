//! The short way for arrays that all lie alike, small ones if there are several threads: no plan, no copy, one call of the kernel. Blocks of kernels that call functions, and whole
//! leaves of reductions, are rows of a call.
//!
//! What goes in: a part that is the whole program, or all of it but steps on scalars; inputs that are contiguous arrays of one shape, or have no axes; outputs of that
//! shape, or reduced to one value, that share memory with nothing. What comes out: the results, or `false` if anything is not so plain:
//! then the long way runs, and finds every error. What it never does: allocate, lock, report an error.
//!
//! `cargo bench -p numloom-benches --bench kernel -- call` shows what it spares at ten elements; at thousands, half a microsecond.

#![expect(
    unsafe_code,
    reason = "calls machine code on the memory of arrays; more than halves the cost of a small call"
)]

use std::mem::MaybeUninit;

use numloom_data::{DType, Scalar, View, ViewMut};
use numloom_ir::reduce::{LANES, LEAF, merge_leaves};
use numloom_ir::{Fault, Form, Kernel, Program};
use numloom_jit::NativeKernel;
use numloom_jit::abi::{KernelArgs, STATUS_PANIC};

use crate::bind::Out;
use crate::code::Code;
use crate::compiled::AWAKE_WORK;
use crate::layout::Target;
use crate::memory::{FAR_BYTES, NEAR_BLOCK, PAGE, head, to_scratch};
use crate::pass::reduced_values;
use crate::run::{finish, put, scalar};
use crate::shape::ShapeSets;
use crate::stage::{Stages, Step};
use crate::variant::Part;

/// As many elements are always few enough: more, if they take long, are worth a plan, which is cut for several threads and can be stopped.
const FEW_ELEMENTS: usize = 1024;

/// The estimated time of the longest run where no other thread could help, in picoseconds: a plan costs a hundredth of that or less in longer ones.
const ALONE_WORK: usize = 10 * AWAKE_WORK;

const MAX_INPUTS: usize = 8;
const MAX_OUTPUTS: usize = 4;

/// The most words of partial values: their lanes are on the stack.
const MAX_WORDS: usize = 8;

/// The most words of the partial values of several leaves: in the time that is short for several threads there are 39 leaves of the maximum of `f32`, and 153 of `u8`.
const MAX_LEAF_WORDS: usize = 256;

/// The most scalars that are computed from what is reduced: they are on the stack.
const MAX_SCALARS: usize = 24;

/// Scratch on the stack: four slots of eight-byte elements.
const SCRATCH_BYTES: usize = 32 << 10;

/// Addresses of the first byte of an array and of the one after its last.
#[derive(Clone, Copy, Default)]
struct Extent(usize, usize);

impl Extent {
    fn new(ptr: *const u8, n: usize, dtype: DType) -> Extent {
        Extent(ptr.addr(), ptr.addr() + n * dtype.itemsize())
    }

    fn shares(self, other: Extent) -> bool {
        self.0 < other.1 && other.0 < self.1
    }
}

/// The elements of each array, if `part`, which is all of `prog`, goes through all alike: inputs of one shape, or without axes, to arrays of that shape.
pub(crate) fn elements(
    part: &Part,
    prog: &Program,
    sets: &ShapeSets,
    inputs: &[View<'_>],
    outputs: &[ViewMut<'_>],
) -> Option<usize> {
    let first = inputs.iter().find(|view| view.ndim() > 0)?;
    let (shape, n) = (first.shape(), first.len());
    let alike = inputs.len() == prog.inputs.len()
        && outputs.len() == prog.outputs.len()
        && part.arrays.len() == outputs.len()
        && (inputs.iter().zip(&prog.inputs)).all(|(view, input)| {
            view.is_dense(input.dtype, if view.ndim() == 0 { &[] } else { shape })
        })
        && (outputs.iter().zip(&prog.outputs))
            .all(|(view, output)| view.is_dense(prog.dtype(output.value), shape))
        && sets.each_has(&part.arrays, |i| inputs[i as usize].ndim() > 0);
    alike.then_some(n)
}

/// Where a kernel's operands are.
#[derive(Clone, Copy)]
struct Places {
    inputs: [*const u8; MAX_INPUTS],
    outputs: [*mut u8; MAX_OUTPUTS],
    /// Bytes from an element to the next; none of a scalar.
    input_steps: [isize; MAX_INPUTS],
    output_steps: [isize; MAX_OUTPUTS],
}

impl Places {
    /// Moves on by `n` elements.
    fn advance(&mut self, n: usize) {
        let n = n.cast_signed();
        for (place, step) in self.inputs.iter_mut().zip(self.input_steps) {
            *place = place.wrapping_offset(n * step);
        }
        for (place, step) in self.outputs.iter_mut().zip(self.output_steps) {
            *place = place.wrapping_offset(n * step);
        }
    }
}

/// The most elements of a run that is estimated to be over before another thread could help, if there is one, or anybody want to stop it.
fn most_elements(part: &Part, is_alone: bool, serial_below: Option<usize>) -> usize {
    let near = FAR_BYTES / part.bytes_per_element.max(1);
    let work = if is_alone { ALONE_WORK } else { AWAKE_WORK };
    let soon = near.min(work / part.work.max(1));
    let serial = serial_below.map_or(soon, |least| least.saturating_sub(1));
    soon.min(serial).max(FEW_ELEMENTS)
}

/// A program that may be run the short way.
#[derive(Clone, Copy)]
pub(crate) struct Short<'a> {
    pub(crate) prog: &'a Program,
    pub(crate) sets: &'a ShapeSets,
    /// The one pass.
    pub(crate) part: &'a Part,
    /// What is computed besides, if that is not the whole program.
    pub(crate) stages: Option<&'a Stages>,
}

/// The pass of a program that is staged as one over all axes, reduced to values of which scalars are computed: then the same steps are right for any inputs all of whose
/// reductions go through one shape.
pub(crate) fn pass_of(stages: &Stages) -> Option<&Part> {
    let mut passes = stages.passes();
    let (Some(pass), None) = (passes.next(), passes.next()) else {
        return None;
    };
    let to_value = |target: &Target| matches!(target, Target::Scalar(_) | Target::Output(_, false));
    let plain = !stages.is_one_pass
        && pass.site.is_none()
        && pass.feeds.is_empty()
        && pass.part.arrays.is_empty()
        && pass.targets.iter().all(to_value)
        && stages.kept.is_empty()
        && stages.scalars <= MAX_SCALARS;
    plain.then_some(&*pass.part)
}

/// Runs a program if everything is plain; whether it did. No other thread could help if it `is_alone`; fewer than `serial_below`
/// elements are not for several threads, if that was said.
pub(crate) fn run(
    short: Short<'_>,
    is_alone: bool,
    serial_below: Option<usize>,
    inputs: &[View<'_>],
    outputs: &mut [Out<'_>],
) -> bool {
    let Short {
        prog, sets, part, ..
    } = short;
    let plain = !part.faults
        && inputs.len() == prog.inputs.len()
        && inputs.len() <= MAX_INPUTS
        && outputs.len() == prog.outputs.len()
        && (1..=MAX_OUTPUTS).contains(&outputs.len());
    let Some(first) = inputs.iter().find(|view| view.ndim() > 0) else {
        return false;
    };
    let (shape, n) = (first.shape(), first.len());
    if !plain || n == 0 || n > most_elements(part, is_alone, serial_below) {
        return false;
    }

    let mut written = [Extent::default(); MAX_OUTPUTS];
    for (i, (out, output)) in outputs.iter().zip(&prog.outputs).enumerate() {
        let reduced = part.arrays.binary_search(&i).is_err();
        let view = match out {
            Out::Array(view) => view,
            Out::Scalar(_) if reduced => continue,
            Out::Scalar(_) => return false,
        };
        let dtype = prog.dtype(output.value);
        let (own, n) = if reduced { (&[][..], 1) } else { (shape, n) };
        if !view.is_dense(dtype, own) {
            return false;
        }
        let extent = Extent::new(view.ptr(), n, dtype);
        if written[..i].iter().any(|other| extent.shares(*other)) {
            return false;
        }
        written[i] = extent;
    }

    let mut places = Places {
        inputs: [std::ptr::null(); MAX_INPUTS],
        outputs: [std::ptr::null_mut(); MAX_OUTPUTS],
        input_steps: [0; MAX_INPUTS],
        output_steps: [0; MAX_OUTPUTS],
    };
    let mut scalars = 0u64;
    for (i, (view, input)) in inputs.iter().zip(&prog.inputs).enumerate() {
        let scalar = view.ndim() == 0;
        if !view.is_dense(input.dtype, if scalar { &[] } else { shape }) {
            return false;
        }
        let extent = Extent::new(view.ptr(), if scalar { 1 } else { n }, input.dtype);
        if written[..outputs.len()]
            .iter()
            .any(|output| extent.shares(*output))
        {
            return false;
        }
        if scalar {
            scalars |= 1 << i;
        } else {
            places.input_steps[i] = input.dtype.itemsize().cast_signed();
        }
        places.inputs[i] = view.ptr();
    }
    // Of the inputs that shape an array or what is reduced one has the whole shape, so that is the shape of both.
    if !sets.each_has(&part.arrays, |i| scalars >> i & 1 == 0) {
        return false;
    }
    // What is reduced to one value may still be as many as an input that has no say in it.
    let has_axes = |i: u32| scalars >> i & 1 == 0;
    let mut reduced = (0..outputs.len()).filter(|i| part.arrays.binary_search(i).is_err());
    if reduced.any(|i| sets.is_shaped_by(i, has_axes)) {
        return false;
    }
    let Some(variant) = part.met(scalars) else {
        return false;
    };
    let Code::Native(native) = &variant.code else {
        return false;
    };

    for (i, &array) in part.arrays.iter().enumerate() {
        let Out::Array(view) = &mut outputs[array] else {
            return false;
        };
        let dtype = prog.dtype(prog.outputs[array].value);
        places.output_steps[i] = dtype.itemsize().cast_signed();
        places.outputs[i] = view.mut_ptr();
    }
    let kernel = &variant.kernel;
    let block = match kernel.slots.is_empty() {
        true => n,
        false => kernel.max_block().min(NEAR_BLOCK).min(n),
    };
    let head = match part.arrays.first() {
        Some(&array) if !kernel.slots.is_empty() && !part.reduces => {
            let (to, size) = (
                places.outputs[0].addr(),
                prog.dtype(prog.outputs[array].value).itemsize(),
            );
            head(to, size, n, block).min(kernel.max_block() - block)
        }
        _ => 0,
    };
    let leaves = n.div_ceil(LEAF);
    let few_leaves = match kernel.form {
        Form::Rows => leaves == 1 || leaves * kernel.partial_words() <= MAX_LEAF_WORDS,
        _ => !part.reduces || block == n && leaves == 1,
    };
    if !few_leaves || kernel.scratch_bytes() > SCRATCH_BYTES {
        return false;
    }
    // Lanes of rows are scratch; other lanes are the accumulators.
    let run = |accumulators: &mut [u64], lanes: *mut u64| {
        let accumulators = accumulators.as_mut_ptr();
        if kernel.slots.is_empty() {
            // SAFETY: (1) every place is a native contiguous array of `n` elements of its dtype, or one element without axes where
            // `part.met` found the variant for that; (2) outputs are `n` elements, held exclusively through `outputs`; (3) no
            // output shares memory with an input or another output; (4) there are no slots, and lanes of rows are the caller's; (5) so are the accumulators.
            return unsafe { call(native, (n, 1), &places, accumulators, lanes.cast()) };
        }
        let mut room = [MaybeUninit::<u8>::uninit(); SCRATCH_BYTES + PAGE];
        let scratch: *mut u8 = room.as_mut_ptr().cast();
        let scratch = scratch.wrapping_add(to_scratch(scratch.addr()));
        for (i, size) in kernel.slots.iter().enumerate() {
            // SAFETY: a slot has room for `max_block` elements, which the longest block is at most, and all slots fit the scratch.
            unsafe {
                scratch
                    .add(kernel.slot_offset(i))
                    .write_bytes(0, (block + head) * size)
            };
        }
        let mut places = places;
        let (mut left, mut longer) = (n, head);
        while left > 0 {
            let (m, rows) = match left / block {
                0 => (left, 1),
                _ if longer > 0 => (block + std::mem::take(&mut longer), 1),
                rows => (block, rows),
            };
            // SAFETY: (1, 2, 3, 5) as above, for the next `m * rows` of the `n` elements, which are no fewer, as a head comes before many blocks only; (4) the slots fit the
            // scratch, the longest block fits the slots, and as many elements were just cleared; a kernel in rows has no slots.
            if !unsafe { call(native, (m, rows), &places, accumulators, scratch) } {
                return false;
            }
            left -= m * rows;
            places.advance(m * rows);
        }
        true
    };
    if !part.reduces {
        return run(&mut [], std::ptr::null_mut());
    }
    let (mut lanes, mut partials) = ([0; MAX_WORDS * LANES], [0; MAX_WORDS]);
    let Some(partials) = partials.get_mut(..kernel.partial_words()) else {
        return false;
    };
    let lanes = &mut lanes[..kernel.lane_words()];
    if leaves > 1 {
        let lanes = lanes.as_mut_ptr().cast();
        // SAFETY: as for one call; the kernel is in rows, there are as many leaves as have few words in all, and `lanes` are what it asks for.
        if !unsafe { run_leaves(native, kernel, n, places, lanes, partials) } {
            return false;
        }
    } else if kernel.form == Form::Rows {
        // All elements are of one leaf, so what that comes to is the result.
        if !run(partials, lanes.as_mut_ptr()) {
            return false;
        }
    } else {
        kernel.reset_lanes(lanes);
        if !run(lanes, std::ptr::null_mut()) {
            return false;
        }
        kernel.combine_lanes(lanes, partials);
    }
    let mut reduced = reduced_values(kernel, partials);
    match short.stages {
        None => reduced.all(|(i, value)| put(&mut outputs[i], &value).is_ok()),
        Some(stages) => finish_scalars(stages, reduced, n, inputs, outputs).is_some(),
    }
}

/// The steps of a program beside its pass, which has come to `reduced` over `n` elements; nothing if one of them fails.
fn finish_scalars(
    stages: &Stages,
    mut reduced: impl Iterator<Item = (usize, Scalar)>,
    n: usize,
    inputs: &[View<'_>],
    outputs: &mut [Out<'_>],
) -> Option<()> {
    let mut scalars = [const { Scalar::Bool(false) }; MAX_SCALARS];
    for step in &stages.steps {
        match step {
            Step::Pass(pass) => {
                for (root, value) in reduced.by_ref() {
                    match pass.targets[root] {
                        Target::Scalar(slot) => scalars[slot] = value,
                        Target::Output(i, _) => put(&mut outputs[i], &value).ok()?,
                        Target::Kept(_) => return None,
                    }
                }
            }
            Step::Scalar(step) => {
                let value = |input: usize| inputs[input].get(&[]);
                scalars[step.slot] = scalar(step, &scalars, |_| n, value).ok()??;
            }
        }
    }
    let mut finals = stages.finals.iter();
    finals.try_for_each(|last| finish(last, &mut outputs[last.output], &scalars, &[]).ok())
}

/// Runs a kernel in rows on several leaves, all but the last of them whole, and puts what they come to into `partials`; whether it came to an end.
///
/// # Safety
/// 1. `places` are what [`call`] asks for, for `n` elements, of which the leaves have up to [`MAX_LEAF_WORDS`] partial words together.
/// 2. `lanes` is valid for the kernel's lanes.
#[inline(never)]
unsafe fn run_leaves(
    native: &NativeKernel,
    kernel: &Kernel,
    n: usize,
    mut places: Places,
    lanes: *mut u8,
    partials: &mut [u64],
) -> bool {
    let (whole, rest, words) = (n / LEAF, n % LEAF, partials.len());
    let mut leaves = [0; MAX_LEAF_WORDS];
    let leaves = &mut leaves[..n.div_ceil(LEAF) * words];
    // SAFETY: call's (1) to (4) are the caller's, of which these are the first elements, in rows that lie one after the other; (5) there are words for each leaf.
    if !unsafe { call(native, (LEAF, whole), &places, leaves.as_mut_ptr(), lanes) } {
        return false;
    }
    places.advance(LEAF * whole);
    let last = leaves[whole * words..].as_mut_ptr();
    // SAFETY: as above, of what is left.
    if rest > 0 && !unsafe { call(native, (rest, 1), &places, last, lanes) } {
        return false;
    }
    merge_leaves(&kernel.accumulators, leaves);
    partials.copy_from_slice(&leaves[..words]);
    true
}

/// Calls a kernel on one block, or on rows of `n` elements, each a leaf; whether it came to an end.
///
/// # Safety
/// 1. The places of inputs point to what the kernel reads: `n` elements for each row, or one of a scalar input, valid for reads and initialised.
/// 2. Those of outputs point to what it writes: as many elements each, valid for writes.
/// 3. No output shares memory with an input or another output.
/// 4. `scratch` is valid for the kernel's scratch bytes, if there are any; `n` is within its block, and `n` elements of each slot are initialised, if it has slots; as
///    are lanes, if it is in rows.
/// 5. `accumulators` are the kernel's for as many rows, and nobody else's.
unsafe fn call(
    native: &NativeKernel,
    (n, rows): (usize, usize),
    places: &Places,
    accumulators: *mut u64,
    scratch: *mut u8,
) -> bool {
    let mut fault = Fault::NONE;
    let row = n.cast_signed();
    let input_steps = places.input_steps.map(|step| step * row);
    let output_steps = places.output_steps.map(|step| step * row);
    let mut args = KernelArgs {
        n,
        rows,
        inputs: places.inputs.as_ptr(),
        input_row_strides: input_steps.as_ptr(),
        outputs: places.outputs.as_ptr(),
        output_row_strides: output_steps.as_ptr(),
        accumulators,
        scratch,
        ..KernelArgs::one_row(&raw mut fault)
    };
    // SAFETY: `call`'s contract, number by number: the caller's (1) to (5); `fault` outlives the call.
    let status = unsafe { native.call(&mut args) };
    status & STATUS_PANIC == 0
}
