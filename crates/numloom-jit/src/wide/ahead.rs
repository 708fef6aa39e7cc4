//! What is asked of memory before calls.
//!
//! A call computes for long and asks memory for little, a loop between calls does the opposite, and by turns both wait. So before each call memory is asked for part of what
//! comes after it: inputs of the next row, if that is where this one ends, and outputs that loops of this row store. Nothing is read by that, so nothing can fault.
//!
//! What goes in: the place of a kernel's calls. What comes out: loops of prefetches. What it never does: change a value.

use std::mem::offset_of;

use iced_x86::{Code, Register};
use numloom_ir::{CallArg, InputClass, Kernel, LoopOp, Place, Step};

use super::assign::Start;
use super::function::{Area, COUNT, Function, INDEX, LIMIT, N};
use crate::abi::KernelArgs;

/// Bytes that come from memory together.
const LINE: usize = 64;

/// Where what is asked for starts.
const START: Register = Register::RSI;

/// For each call of `kernel` what is asked for before it: inputs in turn, and outputs before the last.
pub(super) fn asked(kernel: &Kernel) -> Vec<Vec<Place>> {
    let is_call = |step: &&Step| matches!(step, Step::Call(_));
    let calls = kernel.steps.iter().filter(is_call).count();
    let mut asked = vec![Vec::new(); calls];
    let Some(last) = calls.checked_sub(1) else {
        return asked;
    };
    let inputs = (0..kernel.inputs.len() as u32).filter(|&i| is_followed(kernel, i));
    for (k, i) in inputs.enumerate() {
        asked[k % calls].push(Place::Input(i));
    }
    let loops = kernel.steps.iter().filter_map(|step| match step {
        Step::Loop(body) => Some(body),
        _ => None,
    });
    for inst in loops.flatten() {
        if let LoopOp::Store {
            place: place @ Place::Output(_),
            ..
        } = inst.op
        {
            asked[last].push(place);
        }
    }
    asked
}

/// Whether elements of an input follow each other, and something reads them.
fn is_followed(kernel: &Kernel, i: u32) -> bool {
    let input = &kernel.inputs[i as usize];
    let place = Place::Input(i);
    let reads = |step: &Step| match step {
        Step::Loop(body) => body.iter().any(|inst| inst.op == LoopOp::Load(place)),
        Step::Call(call) => call.args.contains(&CallArg::Place(place)),
        Step::Accumulate(step) => step.args.contains(&place),
    };
    input.class == InputClass::Contiguous
        && !input.dtype.is_bytes()
        && kernel.steps.iter().any(reads)
}

impl Function<'_> {
    /// Asks for places, if the caller wants it.
    pub(super) fn ask(&mut self, places: &[Place]) {
        if places.is_empty() {
            return;
        }
        let none = self.asm.label();
        self.argument(COUNT, offset_of!(KernelArgs, ahead));
        self.asm.rr(Code::Test_rm64_r64, COUNT, COUNT);
        self.asm.jump(Code::Je_rel32_64, none);
        for &place in places {
            let next = self.asm.label();
            let (size, code) = match place {
                Place::Input(i) => {
                    let size = self.kernel.inputs[i as usize].dtype.itemsize();
                    (size, Code::Prefetcht0_m8)
                }
                Place::Output(i) => {
                    // What is stored around the caches is not wanted there.
                    self.argument(COUNT, offset_of!(KernelArgs, around));
                    self.asm.rr(Code::Test_rm64_r64, COUNT, COUNT);
                    self.asm.jump(Code::Jne_rel32_64, next);
                    let size = self.kernel.outputs[i as usize].itemsize();
                    (size, Code::Prefetchw_m8)
                }
                Place::Slot(_) => unreachable!("slots are near"),
            };
            self.locate(&[Area::Place(place)], &[Start::Register(START)]);
            let size = i32::try_from(size).expect("an element is small");
            self.asm.rri(Code::Imul_r64_rm64_imm32, LIMIT, N, size);
            if matches!(place, Place::Input(_)) {
                self.asm.rr(Code::Add_r64_rm64, START, LIMIT);
            }
            // Of the line in which both rows lie the one before has asked for; so the last is asked for too.
            self.asm.add(START, LINE - 1);
            self.asm.zero(INDEX);
            let again = self.asm.here();
            self.asm.indexed(code, START, INDEX);
            self.asm.add(INDEX, LINE);
            self.asm.rr(Code::Cmp_r64_rm64, INDEX, LIMIT);
            self.asm.jump(Code::Jb_rel32_64, again);
            self.asm.bind(next);
        }
        self.asm.bind(none);
    }
}
