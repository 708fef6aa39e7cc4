//! The short way for small arrays that all lie alike: no plan, no copy, one call of the kernel, or one for each block if it calls functions.
//!
//! What goes in: a part that is the whole program; inputs that are contiguous arrays of one shape, or have no axes; outputs of that
//! shape, or reduced to one value, that share memory with nothing. What comes out: the results, or `false` if anything is not so plain:
//! then the long way runs, and finds every error. What it never does: allocate, lock, report an error.
//!
//! `cargo bench -p numloom-benches --bench kernel -- call` shows what it spares at ten elements; at thousands, half a microsecond.

#![expect(
    unsafe_code,
    reason = "calls machine code on the memory of arrays; more than halves the cost of a small call"
)]

use std::mem::MaybeUninit;

use numloom_data::{DType, View, ViewMut};
use numloom_ir::reduce::{LANES, LEAF};
use numloom_ir::{Fault, Form, Program};
use numloom_jit::NativeKernel;
use numloom_jit::abi::{KernelArgs, STATUS_PANIC};

use crate::bind::Out;
use crate::code::Code;
use crate::compiled::AWAKE_WORK;
use crate::memory::{NEAR_BLOCK, PAGE, to_scratch};
use crate::pass::reduced_values;
use crate::shape::ShapeSets;
use crate::variant::Part;

/// As many elements are always few enough: more, if they take long, are worth a plan, which is cut for several threads and can be stopped.
const FEW_ELEMENTS: usize = 1024;

const _: () = assert!(FEW_ELEMENTS <= LEAF);

const MAX_INPUTS: usize = 8;
const MAX_OUTPUTS: usize = 4;

/// The most words of partial values: their lanes are on the stack.
const MAX_WORDS: usize = 8;

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

/// The most elements of a run that is estimated to be over before another thread could help, or anybody want to stop it; and of one leaf, if they are reduced.
fn most_elements(part: &Part, serial_below: Option<usize>) -> usize {
    let soon = AWAKE_WORK / part.work.max(1);
    let serial = serial_below.map_or(soon, |least| least.saturating_sub(1));
    let most = soon.min(serial).max(FEW_ELEMENTS);
    if part.reduces { most.min(LEAF) } else { most }
}

/// Runs `part`, which is all of `prog`, if everything is plain; whether it did. Fewer than `serial_below` elements are not for several threads, if that was said.
pub(crate) fn run(
    part: &Part,
    prog: &Program,
    sets: &ShapeSets,
    serial_below: Option<usize>,
    inputs: &[View<'_>],
    outputs: &mut [Out<'_>],
) -> bool {
    let plain = !part.faults
        && inputs.len() == prog.inputs.len()
        && inputs.len() <= MAX_INPUTS
        && outputs.len() == prog.outputs.len()
        && (1..=MAX_OUTPUTS).contains(&outputs.len());
    let Some(first) = inputs.iter().find(|view| view.ndim() > 0) else {
        return false;
    };
    let (shape, n) = (first.shape(), first.len());
    if !plain || n == 0 || n > most_elements(part, serial_below) {
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

    let mut places = [std::ptr::null::<u8>(); MAX_INPUTS];
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
        scalars |= u64::from(scalar) << i;
        places[i] = view.ptr();
    }
    // Of the inputs that shape an array or what is reduced one has the whole shape, so that is the shape of both.
    if !sets.each_has(&part.arrays, |i| scalars >> i & 1 == 0) {
        return false;
    }
    let Some(variant) = part.met(scalars) else {
        return false;
    };
    let Code::Native(native) = &variant.code else {
        return false;
    };

    let mut targets = [std::ptr::null_mut::<u8>(); MAX_OUTPUTS];
    for (target, &array) in targets.iter_mut().zip(&part.arrays) {
        let Out::Array(view) = &mut outputs[array] else {
            return false;
        };
        *target = view.mut_ptr();
    }
    let kernel = &variant.kernel;
    let block = match kernel.slots.is_empty() {
        true => n,
        false => kernel.max_block().min(NEAR_BLOCK).min(n),
    };
    if part.reduces && block < n || kernel.scratch_bytes() > SCRATCH_BYTES {
        return false;
    }
    // Lanes of rows are scratch; other lanes are the accumulators.
    let run = |accumulators: &mut [u64], lanes: *mut u64| {
        let accumulators = accumulators.as_mut_ptr();
        if kernel.slots.is_empty() {
            // SAFETY: (1) every place is a native contiguous array of `n` elements of its dtype, or one element without axes where
            // `part.met` found the variant for that; (2) outputs are `n` elements, held exclusively through `outputs`; (3) no
            // output shares memory with an input or another output; (4) there are no slots, and lanes of rows are the caller's; (5) so are the accumulators.
            return unsafe { call(native, n, &places, &targets, accumulators, lanes.cast()) };
        }
        let mut room = [MaybeUninit::<u8>::uninit(); SCRATCH_BYTES + PAGE];
        let scratch: *mut u8 = room.as_mut_ptr().cast();
        let scratch = scratch.wrapping_add(to_scratch(scratch.addr()));
        for (i, size) in kernel.slots.iter().enumerate() {
            // SAFETY: a slot has room for `max_block` elements, of which there are at least `block`, and all slots fit the scratch.
            unsafe {
                scratch
                    .add(kernel.slot_offset(i))
                    .write_bytes(0, block * size)
            };
        }
        let (mut places, mut targets) = (places, targets);
        let mut left = n;
        loop {
            let m = block.min(left);
            // SAFETY: (1, 2, 3, 5) as above, for the next `m` of the `n` elements; (4) the slots fit the scratch, the block fits the slots, and as many elements
            // were just cleared; a kernel in rows has no slots.
            if !unsafe { call(native, m, &places, &targets, accumulators, scratch) } {
                return false;
            }
            left -= m;
            if left == 0 {
                return true;
            }
            for (i, (place, input)) in places.iter_mut().zip(&prog.inputs).enumerate() {
                if scalars >> i & 1 == 0 {
                    *place = place.wrapping_add(m * input.dtype.itemsize());
                }
            }
            for (target, &array) in targets.iter_mut().zip(&part.arrays) {
                let dtype = prog.dtype(prog.outputs[array].value);
                *target = target.wrapping_add(m * dtype.itemsize());
            }
        }
    };
    if !part.reduces {
        return run(&mut [], std::ptr::null_mut());
    }
    // All elements are of one leaf, so what that comes to is the result.
    let (mut lanes, mut partials) = ([0; MAX_WORDS * LANES], [0; MAX_WORDS]);
    let Some(partials) = partials.get_mut(..kernel.partial_words()) else {
        return false;
    };
    let lanes = &mut lanes[..kernel.lane_words()];
    if kernel.form == Form::Rows {
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
    reduced_values(kernel, partials).all(|(i, value)| match &mut outputs[i] {
        Out::Array(view) => view.set(&[], &value).is_ok(),
        Out::Scalar(out) => {
            **out = value;
            true
        }
    })
}

/// Calls a kernel on one block; whether it came to an end.
///
/// # Safety
/// 1. `inputs` point to what the kernel reads: `n` elements, or one of a scalar input, valid for reads and initialised.
/// 2. `outputs` point to what it writes: `n` elements each, valid for writes.
/// 3. No output shares memory with an input or another output.
/// 4. `scratch` is valid for the kernel's scratch bytes, if there are any; `n` is within its block, and `n` elements of each slot are initialised, if it has slots; as
///    are lanes, if it is in rows.
/// 5. `accumulators` are the kernel's for one row, and nobody else's.
unsafe fn call(
    native: &NativeKernel,
    n: usize,
    inputs: &[*const u8; MAX_INPUTS],
    outputs: &[*mut u8; MAX_OUTPUTS],
    accumulators: *mut u64,
    scratch: *mut u8,
) -> bool {
    let mut fault = Fault::NONE;
    let mut args = KernelArgs {
        n,
        inputs: inputs.as_ptr(),
        outputs: outputs.as_ptr(),
        accumulators,
        scratch,
        ..KernelArgs::one_row(&raw mut fault)
    };
    // SAFETY: `call`'s contract, number by number: the caller's (1) to (5); `fault` outlives the call.
    let status = unsafe { native.call(&mut args) };
    status & STATUS_PANIC == 0
}
