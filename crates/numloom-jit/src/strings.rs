#![expect(
    unsafe_code,
    reason = "copies byte strings from the pointers that compiled code hands over"
)]
//! The block function of byte strings.
//!
//! What goes in: a call on byte strings, whose operands are blocks, one string for all elements, or constants of the kernel. What
//! comes out: what [`eval_bytes`] says. What it never does: form a reference to an array (see [`symbols`](crate::symbols)), or
//! allocate for strings of up to [`ROOM`] bytes.

use std::ptr;

use numloom_ir::interp::{Strings, eval_bytes};
use numloom_ir::{CallArg, InputClass};

use crate::abi::CallFrame;
use crate::symbols::CallContext;

/// The most operands of an operation on byte strings.
const MAX_ARGS: usize = 2;

/// The most elements of a piece.
const PIECE: usize = 256;

/// Bytes of an operand that are copied to the stack at a time; longer strings go to the heap, one by one.
const ROOM: usize = 4096;

/// A copy of the strings of one operand.
struct Room {
    short: [u8; ROOM],
    long: Vec<u8>,
    /// Bytes in use.
    len: usize,
}

impl Room {
    const EMPTY: Room = Room {
        short: [0; ROOM],
        long: Vec::new(),
        len: 0,
    };

    /// Copies `bytes` bytes from `src`.
    ///
    /// # Safety
    /// 1. `src` is valid for reads of `bytes` bytes that are initialised.
    unsafe fn fill(&mut self, src: *const u8, bytes: usize) {
        self.len = bytes;
        if bytes > self.short.len() && bytes > self.long.len() {
            let more = self.long.try_reserve_exact(bytes - self.long.len());
            more.expect("there is memory for one byte string");
            self.long.resize(bytes, 0);
        }
        let room = match bytes > self.short.len() {
            true => &mut self.long[..bytes],
            false => &mut self.short[..bytes],
        };
        // SAFETY: (1) is the caller's; `room` is as long, and a local's.
        unsafe { ptr::copy_nonoverlapping(src, room.as_mut_ptr(), bytes) };
    }

    fn bytes(&self) -> &[u8] {
        match self.len > self.short.len() {
            true => &self.long[..self.len],
            false => &self.short[..self.len],
        }
    }
}

/// Computes a call on byte strings over one block.
///
/// # Safety
/// 1. `dst` is valid for writes of `n` elements of the result's dtype, and nothing else is used to reach them meanwhile.
/// 2. Each of the `args` that is no constant of `context` is valid for reads of `n` strings of its width, or of one where there is one
///    for all elements; nothing writes to them meanwhile.
pub(crate) unsafe fn eval_block(context: &CallContext, frame: &CallFrame) {
    let CallContext { call, operands, .. } = context;
    let widths = operands.iter().map(|(dtype, _)| dtype.itemsize());
    let widest = widths.max().unwrap_or(0).max(1);
    let piece = (ROOM / widest).clamp(1, PIECE);
    let size = call.to.itemsize();
    let mut rooms = [const { Room::EMPTY }; MAX_ARGS];
    let mut results = [0; size_of::<i64>() * PIECE];
    for start in (0..frame.n).step_by(piece) {
        let n = piece.min(frame.n - start);
        let mut strings = [Strings::one(&[]); MAX_ARGS];
        let slots = strings.iter_mut().zip(&mut rooms);
        for (i, (strings, room)) in slots.enumerate().take(call.args.len()) {
            let (dtype, class) = operands[i];
            let width = dtype.itemsize();
            *strings = match (&call.args[i], class) {
                (CallArg::Bytes(bytes), _) => Strings::one(bytes),
                (CallArg::Place(_), InputClass::Scalar) => {
                    if start == 0 {
                        // SAFETY: fill's (1) is (2): one string for all.
                        unsafe { room.fill(frame.args[i], width) };
                    }
                    Strings::one(room.bytes())
                }
                (CallArg::Place(_), InputClass::Contiguous) => {
                    // SAFETY: fill's (1) is (2), `start + n` being at most `frame.n`.
                    unsafe { room.fill(frame.args[i].add(start * width), n * width) };
                    Strings::block(room.bytes(), width)
                }
            };
        }
        let dst = &mut results[..n * size];
        eval_bytes(call.op, &strings[..call.args.len()], dst);
        // SAFETY: (1), likewise; the source is a local.
        unsafe { ptr::copy_nonoverlapping(dst.as_ptr(), frame.dst.add(start * size), n * size) };
    }
}
