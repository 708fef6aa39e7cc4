//! The one binary interface between Rust and compiled code, whatever backend made it.
//!
//! A kernel is one function, [`KernelFn`], that gets one pointer, to [`KernelArgs`]. It calls back through one kind of
//! function, [`BlockFn`], found in the table [`KernelArgs::calls`], which gets one pointer, to a [`CallFrame`] on the kernel's stack.

use std::ffi::c_void;

use numloom_ir::Fault;

/// A compiled kernel: runs over one block and answers with a status.
///
/// Status bits: [`STATUS_FAULT`] when the fault slot is set, [`STATUS_PANIC`] when a block function failed; 0 for done.
pub type KernelFn = unsafe extern "C" fn(*const KernelArgs) -> u32;

/// A block function: computes one [`CallStep`](numloom_ir::CallStep) over one block; 0 for done, else status bits.
pub type BlockFn = unsafe extern "C" fn(*const CallFrame) -> u32;

/// Status bit: the fault slot holds a fault, of this block or an earlier one.
pub const STATUS_FAULT: u32 = 1;

/// Status bit: a block function panicked; what this block wrote means nothing.
pub const STATUS_PANIC: u32 = 2;

/// The most operands of a block function.
pub const MAX_CALL_ARGS: usize = 3;

/// What a kernel is given for one block.
///
/// | offset | field | |
/// |---|---|---|
/// | 0 | `n` | elements of the block |
/// | 8 | `index` | logical index of its first element |
/// | 16 | `inputs` | a pointer for each input |
/// | 24 | `input_strides` | bytes from an element to the next, for each input |
/// | 32 | `outputs` | a pointer for each output |
/// | 40 | `output_strides` | bytes from an element to the next, for each output |
/// | 48 | `accumulators` | [`LANE_WORDS`](numloom_ir::reduce::LANE_WORDS) words for each accumulator |
/// | 56 | `scratch` | [`scratch_bytes`](numloom_ir::Kernel::scratch_bytes) |
/// | 64 | `calls` | an entry for each call step, in order |
/// | 72 | `fault` | the fault slot |
///
/// 80 bytes on a 64-bit machine, the only kind there is code for. Kernels are compiled for their inputs'
/// [`InputClass`](numloom_ir::InputClass): strides are carried for kernels to come and not read by those of today.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KernelArgs {
    /// Elements of the block: any number, but at most [`max_block`](numloom_ir::Kernel::max_block) for a kernel with scratch slots.
    pub n: usize,
    /// The logical (row-major) index of the first element in the whole run, for faults.
    pub index: u64,
    /// One pointer for each input, of any alignment; an input the kernel does not load may be null.
    pub inputs: *const *const u8,
    /// Bytes from an element to the next, for each input: the item size, or 0 for a scalar.
    pub input_strides: *const isize,
    /// One pointer for each output, of any alignment.
    pub outputs: *const *mut u8,
    /// Bytes from an element to the next, for each output: the item size.
    pub output_strides: *const isize,
    /// The lanes of accumulator `k` from word `k * LANE_WORDS`, packed at its dtype's item size: element `i` of the block goes to
    /// lane `i % LANES`. Lanes are read at the start and written at the end, so a leaf may span several calls if each
    /// but the last has a multiple of `LANES` elements.
    pub accumulators: *mut u64,
    /// The kernel's own memory, of any content and alignment.
    pub scratch: *mut u8,
    /// One entry for each call step; [`NativeKernel::call`](crate::NativeKernel::call) fills it in.
    pub calls: *const CallEntry,
    /// Where faults go.
    pub fault: *mut Fault,
}

/// A block function and what it was made for.
///
/// Layout: `function` at 0, `context` at 8; 16 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CallEntry {
    /// The function.
    pub function: BlockFn,
    /// Passed on to it as [`CallFrame::context`].
    pub context: *const c_void,
}

/// What a block function is given.
///
/// | offset | field | |
/// |---|---|---|
/// | 0 | `context` | of its [`CallEntry`] |
/// | 8 | `n` | elements of the block |
/// | 16 | `index` | logical index of its first element |
/// | 24 | `dst` | where the result goes |
/// | 32 | `args` | where the operands lie; those past its arity are not set |
/// | 56 | `fault` | the fault slot |
///
/// 64 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CallFrame {
    /// What the function was made for.
    pub context: *const c_void,
    /// Elements of the block.
    pub n: usize,
    /// The logical index of the first element.
    pub index: u64,
    /// Where the result goes: `n` elements, contiguous.
    pub dst: *mut u8,
    /// Where the operands lie: `n` elements each, contiguous.
    pub args: [*const u8; MAX_CALL_ARGS],
    /// Where faults go.
    pub fault: *mut Fault,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn layouts_are_as_documented() {
        let args = [
            offset_of!(KernelArgs, n),
            offset_of!(KernelArgs, index),
            offset_of!(KernelArgs, inputs),
            offset_of!(KernelArgs, input_strides),
            offset_of!(KernelArgs, outputs),
            offset_of!(KernelArgs, output_strides),
            offset_of!(KernelArgs, accumulators),
            offset_of!(KernelArgs, scratch),
            offset_of!(KernelArgs, calls),
            offset_of!(KernelArgs, fault),
            size_of::<KernelArgs>(),
        ];
        assert_eq!(args, [0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80]);
        let entry = [
            offset_of!(CallEntry, function),
            offset_of!(CallEntry, context),
            size_of::<CallEntry>(),
        ];
        assert_eq!(entry, [0, 8, 16]);
        let frame = [
            offset_of!(CallFrame, context),
            offset_of!(CallFrame, n),
            offset_of!(CallFrame, index),
            offset_of!(CallFrame, dst),
            offset_of!(CallFrame, args),
            offset_of!(CallFrame, fault),
            size_of::<CallFrame>(),
        ];
        assert_eq!(frame, [0, 8, 16, 24, 32, 56, 64]);
        let fault = [
            offset_of!(Fault, code),
            offset_of!(Fault, step),
            offset_of!(Fault, index),
            offset_of!(Fault, bits),
            size_of::<Fault>(),
        ];
        assert_eq!(fault, [0, 4, 8, 16, 24]);
    }
}
