//! The function around the loops: its frame, its rows, its steps.
//!
//! ```text
//! fn(args) -> status
//!   for each row
//!     for each step
//!       loop: see `elements`, `lanes`; in streams `columns` goes round the rows instead
//!       call: fill in a frame, call through the table
//! ```

use std::mem::offset_of;

use iced_x86::{Code, Register};
use numloom_ir::{AccumulateStep, CallArg, CallStep, Form, Kernel, Place, Step};

use super::ahead::asked;
use super::asm::{Asm, half};
use super::assign::{Frame, Start};
use crate::abi::{CallEntry, CallFrame, KernelArgs};
use crate::error::JitError;
use crate::single::single_loop;

/// The kernel's arguments, all through the function; like the next three it survives calls.
pub(super) const ARGS: Register = Register::RBX;
/// The number of the row.
pub(super) const ROW: Register = Register::R12;
/// Elements of a row.
pub(super) const N: Register = Register::R13;
/// What calls came to.
const STATUS: Register = Register::R14;
/// The index of an element in a loop.
pub(super) const INDEX: Register = Register::RAX;
/// Where a loop of whole vectors ends, or how many rows are left.
pub(super) const LIMIT: Register = Register::RDX;
/// Anything, for a moment.
pub(super) const COUNT: Register = Register::RCX;
/// Anything, up to the next memory operand.
pub(super) const TEMPORARY: Register = Register::R11;

/// Where the places of a loop start; more of them are in the frame.
const PLACES: [Register; 6] = [
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R15,
];

/// What callers want back as it was.
const SAVED: [Register; 5] = [
    Register::RBX,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

/// Memory that a loop goes through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Area {
    /// A place of the kernel.
    Place(Place),
    /// The running values of an accumulator: lanes of all its words, or columns of one.
    Running(u32, usize),
}

/// A function that is being made.
pub(super) struct Function<'k> {
    pub(super) kernel: &'k Kernel,
    pub(super) avx512: bool,
    pub(super) asm: Asm,
    pub(super) frame: Frame,
    /// Calls so far, and where their frame is.
    calls: usize,
    call_frame: Option<usize>,
}

impl<'k> Function<'k> {
    /// The machine code of `kernel`, with its constants, and how much of it is code.
    pub(super) fn build(kernel: &'k Kernel, avx512: bool) -> Result<(Vec<u8>, usize), JitError> {
        let mut function = Function {
            kernel,
            avx512,
            asm: Asm::new(),
            frame: Frame::default(),
            calls: 0,
            call_frame: None,
        };
        function.asm.load(N, ARGS, offset_of!(KernelArgs, n));
        function.asm.zero(STATUS);
        match single_loop(kernel) {
            Some(body) => function.all_columns(body)?,
            None => function.rows()?,
        }
        function.finish()
    }

    /// All steps over one row after the other.
    fn rows(&mut self) -> Result<(), JitError> {
        self.asm.zero(ROW);
        let kernel = self.kernel;
        // What a single loop keeps in registers is brought there once.
        let only = match &kernel.steps[..] {
            [Step::Loop(body)] => Some(self.prepare(body)?),
            _ => None,
        };
        if let Some(prepared) = &only {
            self.hold_constants(prepared);
        }
        let mut asked = asked(kernel).into_iter();
        let row = self.asm.here();
        match &only {
            Some(prepared) => self.step_loop(prepared)?,
            None => {
                for step in &kernel.steps {
                    match step {
                        Step::Loop(body) => {
                            let prepared = self.prepare(body)?;
                            self.hold_constants(&prepared);
                            self.step_loop(&prepared)?;
                        }
                        Step::Call(call) => {
                            self.ask(&asked.next().unwrap_or_default());
                            self.step_call(call);
                        }
                        Step::Accumulate(step) => self.step_accumulate(step),
                    }
                }
            }
        }
        self.asm.add(ROW, 1);
        let rows = offset_of!(KernelArgs, rows);
        self.asm.rm(Code::Cmp_r64_rm64, ROW, ARGS, rows as i64);
        self.asm.jump(Code::Jb_rel32_64, row);
        Ok(())
    }

    /// The end of the function, and its beginning, which knows how large the frame is.
    fn finish(mut self) -> Result<(Vec<u8>, usize), JitError> {
        let asm = &mut self.asm;
        asm.plain(Code::VEX_Vzeroupper);
        asm.rr(Code::Mov_r32_rm32, Register::EAX, half(STATUS));
        asm.rm(
            Code::Lea_r64_m,
            Register::RSP,
            Register::RBP,
            -8 * SAVED.len() as i64,
        );
        for register in SAVED.into_iter().rev() {
            asm.r(Code::Pop_r64, register);
        }
        asm.r(Code::Pop_r64, Register::RBP);
        asm.plain(Code::Retnq);

        self.frame.check()?;
        let mut first = Asm::new();
        first.r(Code::Push_r64, Register::RBP);
        first.copy(Register::RBP, Register::RSP);
        for register in SAVED {
            first.r(Code::Push_r64, register);
        }
        let bytes = self.frame.bytes.next_multiple_of(64);
        // No page of the stack is skipped, lest one be the guard.
        for page in (4096..bytes).step_by(4096) {
            first.mr(
                Code::Mov_rm64_r64,
                Register::RSP,
                -(page as i64),
                Register::RSP,
            );
        }
        let frame = i32::try_from(bytes).expect("a frame is small");
        first.ri(Code::Sub_rm64_imm32, Register::RSP, frame);
        first.ri(Code::And_rm64_imm8, Register::RSP, -64);
        first.copy(ARGS, Register::RDI);
        self.asm.finish(first)
    }

    pub(super) fn argument(&mut self, to: Register, field: usize) {
        self.asm.load(to, ARGS, field);
    }

    /// Registers, or room in the frame, for the starts of areas: the first ones are in registers.
    pub(super) fn starts(&mut self, areas: usize) -> Vec<Start> {
        let places = PLACES.into_iter().map(Start::Register);
        let mut starts: Vec<Start> = places.take(areas).collect();
        while starts.len() < areas {
            starts.push(Start::Frame(self.frame.take(8)));
        }
        starts
    }

    /// Finds the start of each area in this row.
    pub(super) fn locate(&mut self, areas: &[Area], starts: &[Start]) {
        for (&area, &start) in areas.iter().zip(starts) {
            let register = match start {
                Start::Register(register) => register,
                Start::Frame(_) => TEMPORARY,
            };
            self.locate_first(area, register);
            if let Start::Frame(at) = start {
                self.asm.store(Register::RSP, at, register);
            }
        }
        let strided = |area: &Area| matches!(area, Area::Place(Place::Input(_) | Place::Output(_)));
        if !areas.iter().any(strided) {
            return;
        }
        // There may be no strides if there is one row.
        let first_row = self.asm.label();
        self.asm.rr(Code::Test_rm64_r64, ROW, ROW);
        self.asm.jump(Code::Je_rel32_64, first_row);
        for (area, &start) in areas.iter().zip(starts) {
            let Area::Place(place) = area else { continue };
            if !self.stride(*place, COUNT) {
                continue;
            }
            self.asm.rr(Code::Imul_r64_rm64, COUNT, ROW);
            match start {
                Start::Register(register) => self.asm.rr(Code::Add_r64_rm64, register, COUNT),
                Start::Frame(at) => {
                    self.asm
                        .mr(Code::Add_rm64_r64, Register::RSP, at as i64, COUNT);
                }
            }
        }
        self.asm.bind(first_row);
    }

    /// The start of an area in the first row.
    pub(super) fn locate_first(&mut self, area: Area, to: Register) {
        let form = self.kernel.form;
        match area {
            Area::Place(Place::Input(i)) => {
                self.argument(to, offset_of!(KernelArgs, inputs));
                self.asm.load(to, to, 8 * i as usize);
            }
            Area::Place(Place::Output(i)) => {
                self.argument(to, offset_of!(KernelArgs, outputs));
                self.asm.load(to, to, 8 * i as usize);
            }
            Area::Place(Place::Slot(i)) => {
                self.argument(to, offset_of!(KernelArgs, scratch));
                self.asm.add(to, self.kernel.slot_offset(i as usize));
            }
            Area::Running(acc, _) if form == Form::Rows => {
                let at = self.kernel.lanes_offset() + 8 * self.kernel.lane_offset(acc as usize);
                self.argument(to, offset_of!(KernelArgs, scratch));
                self.asm.add(to, at);
            }
            Area::Running(acc, _) if form == Form::Lanes => {
                self.argument(to, offset_of!(KernelArgs, accumulators));
                self.asm.add(to, 8 * self.kernel.lane_offset(acc as usize));
            }
            Area::Running(acc, word) => {
                // Offsets are linear in the number of columns.
                let before = 8 * (self.kernel.accumulator_offset(acc as usize, 1) + word);
                let before = i32::try_from(before).expect("accumulators are few");
                self.argument(to, offset_of!(KernelArgs, columns));
                self.asm.rri(Code::Imul_r64_rm64_imm32, to, to, before);
                let start = offset_of!(KernelArgs, accumulators);
                self.asm.rm(Code::Add_r64_rm64, to, ARGS, start as i64);
            }
        }
    }

    /// The bytes from a row of a place to the next; whether there are any.
    pub(super) fn stride(&mut self, place: Place, to: Register) -> bool {
        let (strides, i) = match place {
            Place::Input(i) => (offset_of!(KernelArgs, input_row_strides), i),
            Place::Output(i) => (offset_of!(KernelArgs, output_row_strides), i),
            Place::Slot(_) => return false,
        };
        self.argument(to, strides);
        self.asm.load(to, to, 8 * i as usize);
        true
    }

    /// A call through the table.
    fn step_call(&mut self, call: &CallStep) {
        let frame = self.call_frame();
        self.put_place(frame + offset_of!(CallFrame, dst), call.dst);
        for (i, arg) in call.args.iter().enumerate() {
            // The table has the constants.
            if let CallArg::Place(place) = arg {
                self.put_place(frame + offset_of!(CallFrame, args) + 8 * i, *place);
            }
        }
        self.call(frame);
    }

    /// A call through the table, for an accumulator.
    fn step_accumulate(&mut self, step: &AccumulateStep) {
        let frame = self.call_frame();
        let acc = step.acc as usize;
        let to = COUNT;
        match self.kernel.form {
            Form::Rows => {
                self.partials(to);
                self.asm.add(to, 8 * self.kernel.partial_offset(acc));
            }
            _ => self.locate_first(Area::Running(step.acc, 0), to),
        }
        self.asm
            .store(Register::RSP, frame + offset_of!(CallFrame, dst), to);
        self.argument(to, offset_of!(KernelArgs, columns));
        self.asm
            .store(Register::RSP, frame + offset_of!(CallFrame, columns), to);
        let position = (
            offset_of!(KernelArgs, position),
            offset_of!(KernelArgs, row_position_stride),
        );
        self.put_counted(frame + offset_of!(CallFrame, position), position);
        for (i, place) in step.args.iter().enumerate() {
            self.put_place(frame + offset_of!(CallFrame, args) + 8 * i, *place);
        }
        self.call(frame);
    }

    /// The frame of calls, with what they share, in this row.
    fn call_frame(&mut self) -> usize {
        let frame = match self.call_frame {
            Some(frame) => frame,
            None => {
                let size = size_of::<CallFrame>().next_power_of_two();
                *self.call_frame.insert(self.frame.take(size))
            }
        };
        self.asm
            .store(Register::RSP, frame + offset_of!(CallFrame, n), N);
        let index = (
            offset_of!(KernelArgs, index),
            offset_of!(KernelArgs, row_index_stride),
        );
        self.put_counted(frame + offset_of!(CallFrame, index), index);
        self.argument(COUNT, offset_of!(KernelArgs, fault));
        self.asm
            .store(Register::RSP, frame + offset_of!(CallFrame, fault), COUNT);
        frame
    }

    /// Puts into the frame a number of the first row, and that of a row times how many there were before.
    fn put_counted(&mut self, at: usize, (first, stride): (usize, usize)) {
        self.argument(COUNT, stride);
        self.asm.rr(Code::Imul_r64_rm64, COUNT, ROW);
        self.asm.rm(Code::Add_r64_rm64, COUNT, ARGS, first as i64);
        self.asm.store(Register::RSP, at, COUNT);
    }

    fn put_place(&mut self, at: usize, place: Place) {
        let area = [Area::Place(place)];
        self.locate(&area, &[Start::Frame(at)]);
    }

    /// Calls the next entry of the table.
    fn call(&mut self, frame: usize) {
        let entry = self.calls * size_of::<CallEntry>();
        self.calls += 1;
        self.argument(INDEX, offset_of!(KernelArgs, calls));
        let context = entry + offset_of!(CallEntry, context);
        self.asm.load(COUNT, INDEX, context);
        self.asm
            .store(Register::RSP, frame + offset_of!(CallFrame, context), COUNT);
        self.asm
            .rm(Code::Lea_r64_m, Register::RDI, Register::RSP, frame as i64);
        // Functions may use instructions that are slow after those on wider registers.
        self.asm.plain(Code::VEX_Vzeroupper);
        let function = entry + offset_of!(CallEntry, function);
        self.asm.m(Code::Call_rm64, INDEX, function as i64);
        let result = Register::EAX;
        self.asm.rr(Code::Or_r32_rm32, half(STATUS), result);
    }

    /// Where the row's partial values go, in `rows`.
    pub(super) fn partials(&mut self, to: Register) {
        let words = i32::try_from(8 * self.kernel.partial_words()).expect("accumulators are few");
        self.asm.rri(Code::Imul_r64_rm64_imm32, to, ROW, words);
        let start = offset_of!(KernelArgs, accumulators);
        self.asm.rm(Code::Add_r64_rm64, to, ARGS, start as i64);
    }
}
