#![expect(
    unsafe_code,
    reason = "turns the pointers that compiled code hands over into slices"
)]
//! What compiled code may call: three functions, found in the table of its kernel and nowhere else.
//!
//! No backend resolves names: code that would need a symbol is refused before it is placed in memory, and cranelift-jit's
//! lookup in the process is shut off. Compiled code reaches [`call_function`], [`eval_block`] and [`accumulate_block`] through [`KernelArgs::calls`](crate::abi::KernelArgs::calls).

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use numloom_data::DType;
use numloom_ir::interp::{self, FaultSink, PlanesMut, eval, take_columns, take_lanes};
use numloom_ir::reduce::{LANES, MAX_WORDS};
use numloom_ir::{
    Accumulator, CallArg, CallStep, Form, InputClass, Isa, Kernel, MAX_BLOCK, OnPointers, Op,
    Place, Step,
};

use crate::abi::{CallEntry, CallFrame, MAX_CALL_ARGS, STATUS_FAULT, STATUS_PANIC};
use crate::strings;

/// What a block function is for.
#[derive(Debug)]
enum Context {
    /// [`call_function`].
    Function {
        isa: Isa,
        op: Op,
        function: OnPointers,
    },
    /// [`eval_block`].
    Eval(CallContext),
    /// [`accumulate_block`]: an accumulator, and the kernel's form.
    Accumulate { acc: Accumulator, form: Form },
}

/// One call step.
#[derive(Debug)]
pub(crate) struct CallContext {
    isa: Isa,
    /// Which operands lie in the kernel's own scratch, and whether the result does.
    slots: [bool; MAX_CALL_ARGS],
    is_slot: bool,
    pub(crate) call: CallStep,
    /// Of each operand, see [`Kernel::call_operand`].
    pub(crate) operands: Box<[(DType, InputClass)]>,
}

impl CallContext {
    /// For a call of `kernel`.
    fn new(kernel: &Kernel, call: &CallStep, isa: Isa) -> CallContext {
        CallContext {
            isa,
            slots: std::array::from_fn(|i| {
                matches!(call.args.get(i), Some(CallArg::Place(Place::Slot(_))))
            }),
            is_slot: matches!(call.dst, Place::Slot(_)),
            call: call.clone(),
            operands: (call.args.iter())
                .map(|arg| kernel.call_operand(call, arg))
                .collect(),
        }
    }
}

/// The call table of one kernel, with what its entries point to.
#[derive(Debug)]
pub(crate) struct CallTable {
    entries: Box<[CallEntry]>,
    /// Pointed to by `entries`; never changed.
    _contexts: Box<[Context]>,
}

// SAFETY: the pointers in `entries` lead to `_contexts`, which is owned, never changed, and itself `Send` and `Sync`.
unsafe impl Send for CallTable {}
// SAFETY: as for `Send`.
unsafe impl Sync for CallTable {}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Context>();
};

impl CallTable {
    /// An entry for each step of `kernel` that is no loop, in order; functions run on `isa`.
    pub(crate) fn new(kernel: &Kernel, isa: Isa) -> CallTable {
        let contexts: Box<[Context]> = (kernel.steps.iter())
            .filter_map(|step| match step {
                Step::Call(call) => Some(match interp::function(call.op, call.from) {
                    Some(function) => Context::Function {
                        isa,
                        op: call.op,
                        function,
                    },
                    None => Context::Eval(CallContext::new(kernel, call, isa)),
                }),
                Step::Accumulate(step) => Some(Context::Accumulate {
                    acc: kernel.accumulators[step.acc as usize],
                    form: kernel.form,
                }),
                Step::Loop(_) => None,
            })
            .collect();
        let entries = contexts
            .iter()
            .map(|context| CallEntry {
                function: match context {
                    Context::Function { .. } => call_function,
                    Context::Eval(_) => eval_block,
                    Context::Accumulate { .. } => accumulate_block,
                },
                context: ptr::from_ref(context).cast(),
            })
            .collect();
        CallTable {
            entries,
            _contexts: contexts,
        }
    }

    /// The first entry, for [`KernelArgs::calls`](crate::abi::KernelArgs::calls).
    pub(crate) fn as_ptr(&self) -> *const CallEntry {
        self.entries.as_ptr()
    }
}

/// Elements that a block function works on at a time.
const PIECE: usize = 256;

/// Elements that lanes take at a time: more, for `argmin` looks after each such part where its value came from.
const LANES_PIECE: usize = MAX_BLOCK;

/// Room for `N` elements on the stack.
///
/// References are formed to such copies, and to slots of a kernel's own scratch, but never to the arrays: those may be maps of files that others write to.
#[repr(C, align(64))]
struct Piece<const N: usize>([[MaybeUninit<u8>; 8]; N]);

impl<const N: usize> Piece<N> {
    const EMPTY: Piece<N> = Piece([[MaybeUninit::uninit(); 8]; N]);

    /// Copies `bytes` bytes from `src`.
    ///
    /// # Panics
    /// If that is more than there is room for.
    ///
    /// # Safety
    /// `src` is valid for reads of `bytes` bytes that are initialised.
    unsafe fn fill(&mut self, src: *const u8, bytes: usize) -> &mut [u8] {
        let room = &mut self.0.as_flattened_mut()[..bytes];
        // SAFETY: the caller's contract; `room` is as long; then it is initialised, and it is borrowed exclusively.
        unsafe {
            ptr::copy_nonoverlapping(src, room.as_mut_ptr().cast(), bytes);
            slice::from_raw_parts_mut(room.as_mut_ptr().cast(), bytes)
        }
    }

    /// The first `bytes` bytes, all zero.
    fn zeroed(&mut self, bytes: usize) -> &mut [u8] {
        let room = &mut self.0.as_flattened_mut()[..bytes];
        room.fill(MaybeUninit::new(0));
        // SAFETY: `room` was just initialised, and is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(room.as_mut_ptr().cast(), bytes) }
    }
}

/// Computes one call step that is a function of floats over one block, where operands and result lie. Never unwinds.
///
/// # Safety
/// 1. `frame` is valid for reads, and its `context` is that of a living [`CallTable`]'s entry, for such a step.
/// 2. `dst` is valid for writes of `n` elements of the step's dtype, and nothing else is used to reach them meanwhile.
/// 3. Each of as many `args` as the step has operands is valid for reads of `n` such elements, which are initialised, and nothing writes to them meanwhile.
pub(crate) unsafe extern "C" fn call_function(frame: *const CallFrame) -> u32 {
    // SAFETY: (1).
    let frame = unsafe { &*frame };
    // SAFETY: (1): a `CallTable` points `context` at a `Context` of its own.
    let context = unsafe { &*frame.context.cast::<Context>() };
    let &Context::Function { isa, op, function } = context else {
        return STATUS_PANIC;
    };
    interp::count(op, frame.n);
    // One by one, as the kernel has stored them, see `OnPointers`.
    let [x, y, ..] = frame.args;
    // SAFETY: its (1) and (2) are (2) and (3): it was chosen by the dtype. It has no way to panic.
    unsafe { function(isa, frame.n, frame.dst, x, y) };
    0
}

/// Computes one call step over one block, with the interpreter's [`eval`]. Never unwinds.
///
/// # Safety
/// 1. `frame` is valid for reads, and its `context` is that of a living [`CallTable`]'s entry, for a call step.
/// 2. `dst` is valid for writes of `n` elements of the step's result dtype, and nothing else is used to reach them meanwhile; in a slot
///    they are initialised.
/// 3. Each of as many `args` as the step has operands, constants left out, is valid for reads of `n` elements of the operand's dtype
///    (of one, if it is a byte string for all elements), and nothing writes to them meanwhile; in a slot they are initialised.
/// 4. `fault` is valid for reads and writes, and nothing else is used to reach it meanwhile.
pub(crate) unsafe extern "C" fn eval_block(frame: *const CallFrame) -> u32 {
    // SAFETY: (1).
    let frame = unsafe { &*frame };
    if frame.n == 0 {
        // Pointers to nothing may be null, and slices not.
        return 0;
    }
    // SAFETY: (1): a `CallTable` points `context` at a `Context` of its own.
    let Context::Eval(context) = (unsafe { &*frame.context.cast::<Context>() }) else {
        return STATUS_PANIC;
    };
    let CallContext {
        isa,
        slots,
        is_slot,
        call,
        ..
    } = context;
    // SAFETY: (4).
    let fault = unsafe { &mut *frame.fault };
    let (from, to) = (call.from.itemsize(), call.to.itemsize());
    let arity = call.args.len();
    let mut operands = [const { Piece::<PIECE>::EMPTY }; MAX_CALL_ARGS];
    let mut results = Piece::<PIECE>::EMPTY;
    let result = catch_unwind(AssertUnwindSafe(|| {
        if call.from.is_bytes() {
            // SAFETY: (1) is (2) here, and (2) is (3).
            return unsafe { strings::eval_block(context, frame) };
        }
        // Slots are taken as they are; where there is no other place, so is the whole block.
        let all_slots = *is_slot && slots[..arity].iter().all(|slot| *slot);
        let piece = if all_slots { frame.n } else { PIECE };
        let results = match *is_slot {
            true => &mut [],
            false => results.zeroed(PIECE.min(frame.n) * to),
        };
        for start in (0..frame.n).step_by(piece) {
            let n = piece.min(frame.n - start);
            let mut args: [&[u8]; MAX_CALL_ARGS] = [&[]; MAX_CALL_ARGS];
            for (i, piece) in operands[..arity].iter_mut().enumerate() {
                // SAFETY: (3), `start + n` being at most `frame.n`.
                let src = unsafe { frame.args[i].add(start * from) };
                args[i] = match slots[i] {
                    // SAFETY: (3): it is initialised, and nothing writes to it while this is borrowed.
                    true => unsafe { slice::from_raw_parts(src, n * from) },
                    // SAFETY: (3), likewise; the piece is a local with room for `PIECE` elements, which `n` is at most.
                    false => unsafe { piece.fill(src, n * from) },
                };
            }
            // SAFETY: (2), `start + n` being at most `frame.n`.
            let place = unsafe { frame.dst.add(start * to) };
            let dst = match *is_slot {
                // SAFETY: (2): it is initialised, and nothing else is used to reach it while this is borrowed; no operand is it.
                true => unsafe { slice::from_raw_parts_mut(place, n * to) },
                false => &mut results[..n * to],
            };
            let index = frame.index + start as u64;
            let mut faults = FaultSink {
                fault: &mut *fault,
                inst: call.inst.0,
                index,
            };
            eval(
                *isa,
                call.op,
                call.from,
                call.to,
                &args[..arity],
                dst,
                &mut faults,
            );
            if !*is_slot {
                // SAFETY: (2), likewise; the source is a local.
                unsafe { ptr::copy_nonoverlapping(dst.as_ptr(), place, n * to) };
            }
        }
    }));
    match result {
        Ok(()) if fault.is_some() => STATUS_FAULT,
        Ok(()) => 0,
        Err(panic) => {
            // Dropping the payload may panic in its turn.
            std::mem::forget(panic);
            STATUS_PANIC
        }
    }
}

/// Takes one row into one accumulator, with the interpreter's [`take_lanes`] and [`take_columns`]. Never unwinds.
///
/// # Safety
/// 1. `frame` is valid for reads, and its `context` is that of a living [`CallTable`]'s entry, for an accumulator.
/// 2. `dst` is valid for reads and writes of the accumulator's lanes ([`Form::Lanes`]), for writes of the words of a partial value
///    ([`Form::Rows`]), or for reads and writes of the running values of `columns` columns ([`Form::Columns`]), all initialised where they are read; nothing else is used to
///    reach them meanwhile. In [`Form::Columns`] `n` is at most `columns`.
/// 3. Each of as many `args` as the accumulator has operands is valid for reads of `n` elements of its dtype, and
///    nothing writes to them meanwhile.
pub(crate) unsafe extern "C" fn accumulate_block(frame: *const CallFrame) -> u32 {
    // SAFETY: (1).
    let frame = unsafe { &*frame };
    // SAFETY: (1): a `CallTable` points `context` at a `Context` of its own.
    let context = unsafe { &*frame.context.cast::<Context>() };
    let &Context::Accumulate { acc, form } = context else {
        return STATUS_PANIC;
    };
    let result = catch_unwind(AssertUnwindSafe(|| match form {
        // SAFETY: (2), (3).
        Form::Lanes | Form::Rows => unsafe { accumulate_lanes(frame, acc, form) },
        // SAFETY: (2), (3).
        Form::Columns | Form::Streams => unsafe { accumulate_columns(frame, acc) },
    }));
    match result {
        Ok(()) => 0,
        Err(panic) => {
            // Dropping the payload may panic in its turn.
            std::mem::forget(panic);
            STATUS_PANIC
        }
    }
}

/// # Safety
/// As [`accumulate_block`], (2) and (3).
unsafe fn accumulate_lanes(frame: &CallFrame, acc: Accumulator, form: Form) {
    let mut words = [0u64; LANES * MAX_WORDS];
    let lanes = &mut words[..acc.lane_words()];
    let dst = frame.dst.cast::<u64>();
    if form == Form::Rows {
        acc.reset(lanes, LANES);
    } else {
        // SAFETY: (2); `lanes` is a local, and as long.
        unsafe { ptr::copy_nonoverlapping(dst, lanes.as_mut_ptr(), lanes.len()) };
    }
    const { assert!(LANES_PIECE.is_multiple_of(LANES)) };
    let mut operands = [const { Piece::<LANES_PIECE>::EMPTY }; MAX_CALL_ARGS];
    for start in (0..frame.n).step_by(LANES_PIECE) {
        let n = LANES_PIECE.min(frame.n - start);
        // SAFETY: (3), `start + n` being at most `frame.n`.
        let args = unsafe { fill_operands(frame, acc, start, n, &mut operands) };
        let position = frame.position.wrapping_add(start as u64);
        take_lanes(acc, lanes, &args[..acc.op.operands()], position);
    }
    let mut partial = [0u64; MAX_WORDS];
    let result: &[u64] = match form {
        Form::Rows => {
            let partial = &mut partial[..acc.words()];
            acc.combine_lanes(lanes, partial);
            partial
        }
        _ => lanes,
    };
    // SAFETY: (2): `result` is a local, as long as what `dst` is valid for.
    unsafe { ptr::copy_nonoverlapping(result.as_ptr(), dst, result.len()) };
}

/// # Safety
/// As [`accumulate_block`], (2) and (3).
unsafe fn accumulate_columns(frame: &CallFrame, acc: Accumulator) {
    let mut operands = [const { Piece::<PIECE>::EMPTY }; MAX_CALL_ARGS];
    let mut values = [const { Piece::<PIECE>::EMPTY }; MAX_WORDS];
    for start in (0..frame.n).step_by(PIECE) {
        let n = PIECE.min(frame.n - start);
        // SAFETY: (3), `start + n` being at most `frame.n`.
        let args = unsafe { fill_operands(frame, acc, start, n, &mut operands) };
        // Each word's plane has a word of memory for each column.
        let places: [(*mut u8, usize); MAX_WORDS] = std::array::from_fn(|word| {
            if word >= acc.words() {
                return (frame.dst, 0);
            }
            let size = acc.word_dtype(word).itemsize();
            let offset = 8 * word * frame.columns + start * size;
            (frame.dst.wrapping_add(offset), n * size)
        });
        let mut planes = PlanesMut::default();
        for ((plane, values), &(place, bytes)) in planes.iter_mut().zip(&mut values).zip(&places) {
            // SAFETY: (2): items `start` to `start + n`, at most `columns`, of a plane.
            *plane = unsafe { values.fill(place, bytes) };
        }
        take_columns(acc, planes, &args[..acc.op.operands()], frame.position);
        for (values, (place, bytes)) in values.iter().zip(places) {
            // SAFETY: (2), the same places; the source is a local that was filled.
            unsafe { ptr::copy_nonoverlapping(values.0.as_ptr().cast(), place, bytes) };
        }
    }
}

/// Copies elements from the `start`-th of each operand of an accumulator.
///
/// # Safety
/// Each of as many `args` of `frame` as `acc` has operands is valid for reads of `start + n` elements, and `n` is at most `N`.
unsafe fn fill_operands<'a, const N: usize>(
    frame: &CallFrame,
    acc: Accumulator,
    start: usize,
    n: usize,
    operands: &'a mut [Piece<N>; MAX_CALL_ARGS],
) -> [&'a [u8]; MAX_CALL_ARGS] {
    let size = acc.dtype.itemsize();
    let mut args: [&[u8]; MAX_CALL_ARGS] = [&[]; MAX_CALL_ARGS];
    let filled = args
        .iter_mut()
        .zip(operands)
        .zip(&frame.args)
        .take(acc.op.operands());
    for ((arg, piece), &src) in filled {
        // SAFETY: the caller's contract; the piece has room for `N` elements.
        *arg = unsafe { piece.fill(src.add(start * size), n * size) };
    }
    args
}
