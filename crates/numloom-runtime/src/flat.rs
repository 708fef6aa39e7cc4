//! The short way for small arrays that all lie alike: no plan, no copy, one call of the kernel.
//!
//! What goes in: an elementwise part; inputs that are contiguous arrays of the outputs' one shape, or have no axes; outputs that share
//! memory with nothing. What comes out: the results, or `false` if anything is not so plain: then the long way runs, and finds every
//! error. What it never does: allocate, lock, report an error.
//!
//! `cargo bench -p numloom-benches --bench kernel -- call` shows what it spares at ten elements.

#![expect(
    unsafe_code,
    reason = "calls machine code on the memory of arrays; more than halves the cost of a small call"
)]

use std::mem::MaybeUninit;

use numloom_data::{DType, View};
use numloom_ir::{Fault, Program};
use numloom_jit::NativeKernel;
use numloom_jit::abi::{KernelArgs, STATUS_PANIC};

use crate::bind::Out;
use crate::code::Code;
use crate::shape::ShapeSets;
use crate::variant::Part;

/// The most elements: more are worth a plan, which looks at the clock between blocks.
const MAX_ELEMENTS: usize = 1024;

const MAX_INPUTS: usize = 8;
const MAX_OUTPUTS: usize = 4;

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

/// Runs `part`, which is all of `prog`, if everything is plain; whether it did.
pub(crate) fn run(
    part: &Part,
    prog: &Program,
    sets: &ShapeSets,
    inputs: &[View<'_>],
    outputs: &mut [Out<'_>],
) -> bool {
    let plain = !part.reduces
        && !part.faults
        && inputs.len() == prog.inputs.len()
        && (1..=MAX_INPUTS).contains(&inputs.len())
        && outputs.len() == prog.outputs.len()
        && outputs.len() <= MAX_OUTPUTS;
    let Some(Out::Array(first)) = outputs.first() else {
        return false;
    };
    let (shape, n) = (first.shape(), first.len());
    if !plain || n == 0 || n > MAX_ELEMENTS || shape.is_empty() {
        return false;
    }

    let mut written = [Extent::default(); MAX_OUTPUTS];
    for (i, (out, output)) in outputs.iter().zip(&prog.outputs).enumerate() {
        let Out::Array(view) = out else { return false };
        let dtype = prog.dtype(output.value);
        let fits = view.dtype() == dtype && view.shape() == shape;
        if !fits || !view.is_native() || !view.is_c_contiguous() {
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
        let whole = view.shape() == shape && view.is_c_contiguous();
        if view.dtype() != input.dtype || !view.is_native() || !(scalar || whole) {
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
    // Of the inputs that shape an output one has the whole shape, so that is the output's.
    if !sets.each_has(|i| scalars >> i & 1 == 0) {
        return false;
    }
    let Some(variant) = part.met(scalars) else {
        return false;
    };
    let Code::Native(native) = &variant.code else {
        return false;
    };

    let mut targets = [std::ptr::null_mut::<u8>(); MAX_OUTPUTS];
    for (target, out) in targets.iter_mut().zip(outputs) {
        let Out::Array(view) = out else { return false };
        *target = view.mut_ptr();
    }
    let kernel = &variant.kernel;
    if kernel.slots.is_empty() {
        // SAFETY: (1) every place is a native contiguous array of `n` elements of its dtype, or one element without axes where
        // `part.met` found the variant for that; (2) outputs are `n` elements, held exclusively through `outputs`; (3) no
        // output shares memory with an input or another output; (4) there are no slots, and no accumulators.
        unsafe { call(native, n, &places, &targets, std::ptr::null_mut()) }
    } else if kernel.scratch_bytes() <= SCRATCH_BYTES && n <= kernel.max_block() {
        let mut scratch = [MaybeUninit::<u64>::uninit(); SCRATCH_BYTES / 8];
        // SAFETY: (1, 2, 3) as above; (4) the slots fit the scratch and the block fits the slots; there are no accumulators.
        unsafe { call(native, n, &places, &targets, scratch.as_mut_ptr().cast()) }
    } else {
        false
    }
}

/// Calls a kernel on one block; whether it came to an end.
///
/// # Safety
/// 1. `inputs` point to what the kernel reads: `n` elements, or one of a scalar input, valid for reads and initialised.
/// 2. `outputs` point to what it writes: `n` elements each, valid for writes.
/// 3. No output shares memory with an input or another output.
/// 4. `scratch` is valid for the kernel's scratch bytes, and `n` is within its block, if it has slots; it has no accumulators.
unsafe fn call(
    native: &NativeKernel,
    n: usize,
    inputs: &[*const u8; MAX_INPUTS],
    outputs: &[*mut u8; MAX_OUTPUTS],
    scratch: *mut u8,
) -> bool {
    let mut fault = Fault::NONE;
    let mut args = KernelArgs {
        n,
        inputs: inputs.as_ptr(),
        outputs: outputs.as_ptr(),
        scratch,
        ..KernelArgs::one_row(&raw mut fault)
    };
    // SAFETY: `call`'s contract, number by number: the caller's (1) to (4); `fault` outlives the call.
    let status = unsafe { native.call(&mut args) };
    status & STATUS_PANIC == 0
}
