//! The one binary interface between Rust and compiled code, whatever backend made it.
//!
//! A kernel is one function, [`KernelFn`], that gets one pointer, to [`KernelArgs`]. It calls back through one kind of
//! function, [`BlockFn`], found in the table [`KernelArgs::calls`], which gets one pointer, to a [`CallFrame`] on the kernel's stack.

use std::ffi::c_void;
use std::ptr;

use numloom_ir::Fault;

/// A compiled kernel: runs over one block of rows and answers with a status.
///
/// Status bits: [`STATUS_FAULT`] when the fault slot is set, [`STATUS_PANIC`] when a block function failed; 0 for done.
pub type KernelFn = unsafe extern "C" fn(*const KernelArgs) -> u32;

/// A block function: computes one [`CallStep`](numloom_ir::CallStep) or [`AccumulateStep`](numloom_ir::AccumulateStep) over one row; 0 for
/// done, else status bits.
pub type BlockFn = unsafe extern "C" fn(*const CallFrame) -> u32;

/// Status bit: the fault slot holds a fault, of this block or an earlier one.
pub const STATUS_FAULT: u32 = 1;

/// Status bit: a block function panicked; what this block wrote means nothing.
pub const STATUS_PANIC: u32 = 2;

/// The most operands of a block function.
pub const MAX_CALL_ARGS: usize = 3;

/// What a kernel is given for one block: one row of elements, or several.
///
/// | offset | field | |
/// |---|---|---|
/// | 0 | `n` | elements of a row |
/// | 8 | `rows` | number of rows |
/// | 16 | `index` | logical index of the first element |
/// | 24 | `row_index_stride` | logical index of a row less that of the one before |
/// | 32 | `inputs` | a pointer for each input |
/// | 40 | `input_row_strides` | bytes from a row to the next, for each input |
/// | 48 | `outputs` | a pointer for each output |
/// | 56 | `output_row_strides` | bytes from a row to the next, for each output |
/// | 64 | `accumulators` | [`accumulator_words`](numloom_ir::Kernel::accumulator_words) |
/// | 72 | `columns` | columns of the accumulators |
/// | 80 | `way` | what is done with rows in streams |
/// | 88 | `position` | position of the first element in what is reduced |
/// | 96 | `row_position_stride` | position of a row less that of the one before |
/// | 104 | `scratch` | [`scratch_bytes`](numloom_ir::Kernel::scratch_bytes) |
/// | 112 | `calls` | an entry for each step that is no loop, in order |
/// | 120 | `fault` | the fault slot |
/// | 128 | `around` | whether outputs are stored around the caches |
/// | 136 | `ahead` | whether memory is asked for what follows |
///
/// 144 bytes on a 64-bit machine, the only kind there is code for. A kernel runs all its steps on a row before the next; scratch
/// is used again by each. It is compiled for its inputs' [`InputClass`](numloom_ir::InputClass) and for the
/// [`Form`](numloom_ir::Form) of its accumulators.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KernelArgs {
    /// Elements of a row: any number, but at most [`max_block`](numloom_ir::Kernel::max_block) for a kernel with scratch slots.
    pub n: usize,
    /// Rows: at least one.
    pub rows: usize,
    /// The logical (row-major) index of the first element in the whole run, for faults.
    pub index: u64,
    /// Row `r` starts at logical index `index + r * row_index_stride`, modulo 2^64.
    pub row_index_stride: u64,
    /// One pointer for each input, of any alignment, to its first row; an input the kernel does not load may be null.
    pub inputs: *const *const u8,
    /// Bytes from a row's first element to the next row's, for each input, also of a scalar; null if there is one row.
    pub input_row_strides: *const isize,
    /// One pointer for each output, of any alignment, to its first row.
    pub outputs: *const *mut u8,
    /// Bytes from a row's first element to the next row's, for each output; null if there is one row.
    pub output_row_strides: *const isize,
    /// The memory of the accumulators, laid out as [`accumulator_words`](numloom_ir::Kernel::accumulator_words) says. In
    /// [`Lanes`](numloom_ir::Form::Lanes) and [`Columns`](numloom_ir::Form::Columns) it is read and written, so that a leaf or a lane may span several calls: with
    /// lanes, if each row but the last has a multiple of `LANES` elements.
    pub accumulators: *mut u64,
    /// In columns, how many columns the accumulators have: at least `n`.
    pub columns: usize,
    /// In [`Streams`](numloom_ir::Form::Streams), what is done with the rows.
    pub way: Way,
    /// The position, in what is reduced, of the first element of the first row: for accumulators that find one. In columns
    /// all elements of a row have the one position.
    pub position: u64,
    /// Row `r` starts at position `position + r * row_position_stride`, modulo 2^64.
    pub row_position_stride: u64,
    /// The kernel's own memory, initialised, of any content and alignment.
    pub scratch: *mut u8,
    /// One entry for each step that is no loop; [`NativeKernel::call`](crate::NativeKernel::call) fills it in.
    pub calls: *const CallEntry,
    /// Where faults go.
    pub fault: *mut Fault,
    /// Not 0 if code that can is to store outputs around the caches: right for long rows that are not read again soon. No value changes, but other threads may
    /// see such stores late: [`order_stores`](crate::NativeKernel::order_stores) comes before these are told of the result.
    pub around: u64,
    /// Not 0 if code that can is to ask memory, before functions are called, for what comes after that: right for arrays that are in no cache, and blocks of
    /// as many elements that follow each other. No value changes.
    pub ahead: u64,
}

impl KernelArgs {
    /// One row of no elements, from index 0, and no memory but the fault slot: for what is left out of a struct expression.
    ///
    /// ```
    /// use numloom_ir::Fault;
    /// use numloom_jit::abi::KernelArgs;
    ///
    /// let mut fault = Fault::NONE;
    /// let args = KernelArgs { n: 10, ..KernelArgs::one_row(&mut fault) };
    /// assert_eq!((args.n, args.rows, args.index), (10, 1, 0));
    /// ```
    pub fn one_row(fault: *mut Fault) -> KernelArgs {
        KernelArgs {
            n: 0,
            rows: 1,
            index: 0,
            row_index_stride: 0,
            inputs: ptr::null(),
            input_row_strides: ptr::null(),
            outputs: ptr::null(),
            output_row_strides: ptr::null(),
            accumulators: ptr::null_mut(),
            columns: 0,
            way: Way::Add,
            position: 0,
            row_position_stride: 0,
            scratch: ptr::null_mut(),
            calls: ptr::null(),
            fault,
            around: 0,
            ahead: 0,
        }
    }
}

/// What a kernel in [`Streams`](numloom_ir::Form::Streams) does with its rows.
///
/// All kernels can [`Add`](Way::Add); the others are for those that [begin lanes](crate::NativeKernel::begins_lanes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Way {
    /// Adds them to the values in the memory of the accumulators.
    Add = 0,
    /// Writes what they come to; that memory is not read.
    Begin = 1,
    /// Takes them as rows of two lanes by turns, and writes what these come to, combined; that memory is not read.
    ByTurns = 2,
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
/// | 8 | `n` | elements of the row |
/// | 16 | `index` | logical index of its first element |
/// | 24 | `dst` | where the result goes |
/// | 32 | `args` | where the operands lie; constants and those past its arity are not set |
/// | 56 | `fault` | the fault slot |
/// | 64 | `position` | position of the first element in what is reduced |
/// | 72 | `columns` | columns of the accumulators |
///
/// 80 bytes. The last two are set for accumulators only.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CallFrame {
    /// What the function was made for.
    pub context: *const c_void,
    /// Elements of the row.
    pub n: usize,
    /// The logical index of its first element.
    pub index: u64,
    /// Where the result goes: `n` elements, contiguous. For an accumulator its lanes, the partial value of the row, or its columns.
    pub dst: *mut u8,
    /// Where the operands lie: `n` elements each, contiguous; or one, if a byte string is the same for all.
    pub args: [*const u8; MAX_CALL_ARGS],
    /// Where faults go.
    pub fault: *mut Fault,
    /// The position of the row's first element in what is reduced.
    pub position: u64,
    /// As in [`KernelArgs::columns`].
    pub columns: usize,
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
            offset_of!(KernelArgs, rows),
            offset_of!(KernelArgs, index),
            offset_of!(KernelArgs, row_index_stride),
            offset_of!(KernelArgs, inputs),
            offset_of!(KernelArgs, input_row_strides),
            offset_of!(KernelArgs, outputs),
            offset_of!(KernelArgs, output_row_strides),
            offset_of!(KernelArgs, accumulators),
            offset_of!(KernelArgs, columns),
            offset_of!(KernelArgs, way),
            offset_of!(KernelArgs, position),
            offset_of!(KernelArgs, row_position_stride),
            offset_of!(KernelArgs, scratch),
            offset_of!(KernelArgs, calls),
            offset_of!(KernelArgs, fault),
            offset_of!(KernelArgs, around),
            offset_of!(KernelArgs, ahead),
            size_of::<KernelArgs>(),
        ];
        assert_eq!(
            args,
            [
                0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144
            ]
        );
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
            offset_of!(CallFrame, position),
            offset_of!(CallFrame, columns),
            size_of::<CallFrame>(),
        ];
        assert_eq!(frame, [0, 8, 16, 24, 32, 56, 64, 72, 80]);
        let fault = [
            offset_of!(Fault, code),
            offset_of!(Fault, inst),
            offset_of!(Fault, index),
            offset_of!(Fault, bits),
            size_of::<Fault>(),
        ];
        assert_eq!(fault, [0, 4, 8, 16, 24]);
    }
}
