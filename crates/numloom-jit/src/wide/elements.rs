//! A loop along a row: whole vectors, then what is left.
//!
//! ```text
//!   if the row is long and the output not aligned: a part of a vector, up to where it is
//! next:
//!   whole vectors, a few at a time, as long as there are as many; around the caches if that is asked for
//!   part of a vector, under a mask, or one element; and to `next`
//! ```

use std::mem::offset_of;

use iced_x86::{Code, Register};
use numloom_ir::{Form, LoopOp, Place};

use super::asm::{Label, half};
use super::assign::Start;
use super::body::{Piece, Prepared, Where};
use super::function::{Area, COUNT, Function, INDEX, LIMIT, N, TEMPORARY};
use super::select::TAIL;
use crate::abi::KernelArgs;
use crate::error::JitError;

/// Iterations from which on a row's output is aligned first.
const ALIGNED_FROM: usize = 8;

impl<'k> Function<'k> {
    /// A loop over this row.
    pub(super) fn step_loop(&mut self, prepared: &Prepared<'k>) -> Result<(), JitError> {
        self.locate(&prepared.areas, &prepared.starts);
        self.hold_uniform(prepared)?;
        match prepared.shape.accumulators {
            Where::Nowhere | Where::Columns => self.elements(prepared),
            Where::Registers | Where::Lanes => self.lanes(prepared),
        }
    }

    /// All elements of the row, independent of each other.
    fn elements(&mut self, prepared: &Prepared<'k>) -> Result<(), JitError> {
        let (shape, pieces) = (prepared.shape, &prepared.pieces);
        let elements = shape.elements();
        let [next, around, rest, masked, done] = std::array::from_fn(|_| self.asm.label());
        self.asm.zero(INDEX);
        let aligned = self.align(prepared, next, masked);
        self.asm.bind(next);
        self.asm.rm(Code::Lea_r64_m, LIMIT, N, -(elements as i64));
        self.asm.rr(Code::Cmp_r64_rm64, INDEX, LIMIT);
        self.asm.jump(Code::Jg_rel32_64, rest);
        if let Some(Aligned {
            flag: Some(flag), ..
        }) = aligned
        {
            self.asm
                .rm(Code::Mov_r64_rm64, COUNT, Register::RSP, flag as i64);
            self.asm.rr(Code::Test_rm64_r64, COUNT, COUNT);
            self.asm.jump(Code::Jne_rel32_64, around);
        }
        self.whole(prepared, &pieces.whole, elements)?;

        self.asm.bind(rest);
        if self.avx512 {
            self.asm.copy(COUNT, N);
            self.asm.rr(Code::Sub_r64_rm64, COUNT, INDEX);
            self.asm.jump(Code::Je_rel32_64, done);
            self.asm
                .ri(Code::Mov_r32_imm32, half(LIMIT), shape.lanes as i32);
            self.asm.rr(Code::Cmp_r64_rm64, COUNT, LIMIT);
            self.asm.rr(Code::Cmova_r64_rm64, COUNT, LIMIT);
            self.asm.bind(masked);
            self.mask(COUNT, TEMPORARY);
            self.emit(prepared, &pieces.tail[0])?;
            self.asm.rr(Code::Add_r64_rm64, INDEX, COUNT);
            self.asm.rr(Code::Cmp_r64_rm64, INDEX, N);
            self.asm.jump(Code::Jb_rel32_64, next);
        } else {
            self.asm.rr(Code::Cmp_r64_rm64, INDEX, N);
            self.asm.jump(Code::Jae_rel32_64, done);
            self.asm.bind(masked);
            self.emit(prepared, &pieces.tail[0])?;
            self.asm.add(INDEX, 1);
            if let Some(aligned) = aligned {
                self.asm.rm(
                    Code::Cmp_r64_rm64,
                    INDEX,
                    Register::RSP,
                    aligned.from as i64,
                );
                self.asm.jump(Code::Jb_rel32_64, masked);
            }
            self.asm.rr(Code::Cmp_r64_rm64, INDEX, N);
            self.asm.jump(Code::Jb_rel32_64, next);
        }
        self.asm.jump(Code::Jmp_rel32_64, done);

        self.asm.bind(around);
        if let Some((piece, elements)) = &pieces.around
            && aligned.is_some()
        {
            self.whole(prepared, piece, *elements)?;
            self.asm.jump(Code::Jmp_rel32_64, rest);
        }
        self.asm.bind(done);
        Ok(())
    }

    /// Iterations of so many elements, at least one.
    fn whole(
        &mut self,
        prepared: &Prepared<'k>,
        piece: &Piece,
        elements: usize,
    ) -> Result<(), JitError> {
        let again = self.asm.here();
        self.emit(prepared, piece)?;
        self.asm.add(INDEX, elements);
        self.asm.rr(Code::Cmp_r64_rm64, INDEX, LIMIT);
        self.asm.jump(Code::Jle_rel32_64, again);
        Ok(())
    }

    /// The mask of the first `count` elements of a vector.
    pub(super) fn mask(&mut self, count: Register, temporary: Register) {
        self.asm.ri(Code::Mov_rm64_imm32, temporary, -1);
        self.asm
            .rrr(Code::VEX_Bzhi_r64_rm64_r64, temporary, temporary, count);
        self.asm.rr(Code::VEX_Kmovq_kr_r64, TAIL, temporary);
    }

    /// Goes to `masked` with the number of elements up to where the widest output is aligned, if it is not and the row is long; with slots only if outputs are to be stored
    /// around the caches. Whether there is such an output; and then, whether all are aligned there that are to be stored around the caches.
    fn align(&mut self, prepared: &Prepared<'k>, next: Label, masked: Label) -> Option<Aligned> {
        let (output, size) = prepared.shape.output?;
        let lanes = prepared.shape.lanes;
        let start = self.start_of(prepared, Place::Output(output));
        let aligned = Aligned {
            from: self.frame.take(8),
            flag: prepared.pieces.around.is_some().then(|| self.frame.take(8)),
        };
        self.asm.zero(TEMPORARY);
        self.asm.store(Register::RSP, aligned.from, TEMPORARY);
        if let Some(flag) = aligned.flag {
            self.asm.store(Register::RSP, flag, TEMPORARY);
        }
        let long = (ALIGNED_FROM * prepared.shape.elements()) as i32;
        self.asm.ri(Code::Cmp_rm64_imm32, N, long);
        self.asm.jump(Code::Jb_rel32_64, next);
        if !self.kernel.slots.is_empty() {
            // Rows of such kernels are short, and parts of vectors cost what aligned stores gain; with AVX2, which takes them by elements, 1.03 times that.
            self.argument(COUNT, offset_of!(KernelArgs, around));
            self.asm.rr(Code::Test_rm64_r64, COUNT, COUNT);
            self.asm.jump(Code::Je_rel32_64, next);
        }
        self.copy_start(COUNT, start);
        self.asm.r(Code::Neg_rm64, COUNT);
        self.asm
            .ri(Code::And_rm64_imm8, COUNT, (lanes * size - 1) as i32);
        if size > 1 {
            self.asm
                .ri(Code::Shr_rm64_imm8, COUNT, size.trailing_zeros() as i32);
        }
        self.asm.store(Register::RSP, aligned.from, COUNT);
        if let Some(flag) = aligned.flag {
            let no = self.asm.label();
            self.argument(LIMIT, offset_of!(KernelArgs, around));
            self.asm.rr(Code::Test_rm64_r64, LIMIT, LIMIT);
            self.asm.jump(Code::Je_rel32_64, no);
            for inst in prepared.body {
                let LoopOp::Store {
                    place: place @ Place::Output(_),
                    ..
                } = inst.op
                else {
                    continue;
                };
                let size = inst.dtype.itemsize();
                if lanes * size < 16 {
                    continue;
                }
                let start = self.start_of(prepared, place);
                self.asm.copy(LIMIT, COUNT);
                if size > 1 {
                    self.asm
                        .ri(Code::Shl_rm64_imm8, LIMIT, size.trailing_zeros() as i32);
                }
                match start {
                    Start::Register(register) => self.asm.rr(Code::Add_r64_rm64, LIMIT, register),
                    Start::Frame(at) => {
                        self.asm
                            .rm(Code::Add_r64_rm64, LIMIT, Register::RSP, at as i64);
                    }
                }
                let low = half(LIMIT);
                self.asm
                    .ri(Code::Test_rm32_imm32, low, (lanes * size - 1) as i32);
                self.asm.jump(Code::Jne_rel32_64, no);
            }
            self.asm.store(Register::RSP, flag, N);
            self.asm.bind(no);
        }
        self.asm.rr(Code::Test_rm64_r64, COUNT, COUNT);
        self.asm.jump(Code::Jne_rel32_64, masked);
        Some(aligned)
    }

    fn start_of(&self, prepared: &Prepared<'k>, place: Place) -> Start {
        let area = Area::Place(place);
        let found = prepared.areas.iter().position(|other| *other == area);
        prepared.starts[found.expect("an output of the loop")]
    }

    pub(super) fn copy_start(&mut self, to: Register, start: Start) {
        match start {
            Start::Register(register) => self.asm.copy(to, register),
            Start::Frame(at) => self.asm.load(to, Register::RSP, at),
        }
    }

    /// All elements of the row, into lanes. If elements are counted in the end, what takes a tail in takes the first iteration's as well: then each lane has one.
    fn lanes(&mut self, prepared: &Prepared<'k>) -> Result<(), JitError> {
        let (shape, pieces) = (prepared.shape, &prepared.pieces);
        let elements = shape.elements();
        let [next, rest, end] = std::array::from_fn(|_| self.asm.label());
        self.emit(prepared, &pieces.begin)?;
        self.asm.zero(INDEX);
        if pieces.count.is_some() {
            self.asm.jump(Code::Jmp_rel32_64, rest);
        }
        self.asm.bind(next);
        self.asm.rm(Code::Lea_r64_m, LIMIT, N, -(elements as i64));
        self.asm.rr(Code::Cmp_r64_rm64, INDEX, LIMIT);
        self.asm.jump(Code::Jg_rel32_64, rest);
        if let Some([before, _]) = &pieces.nan {
            self.emit(prepared, before)?;
        }
        self.whole(prepared, &pieces.whole, elements)?;
        if let Some([_, after]) = &pieces.nan {
            self.emit(prepared, after)?;
        }
        if let Some(count) = &pieces.count {
            // All but the first iteration's.
            let log = elements.trailing_zeros() as i32;
            self.asm.copy(COUNT, INDEX);
            self.asm.ri(Code::Shr_rm64_imm8, COUNT, log);
            self.asm.ri(Code::Sub_rm64_imm8, COUNT, 1);
            self.emit(prepared, count)?;
        }
        self.asm.bind(rest);
        if self.avx512 {
            self.asm.copy(COUNT, N);
            self.asm.rr(Code::Sub_r64_rm64, COUNT, INDEX);
            self.asm.jump(Code::Je_rel32_64, end);
            if pieces.count.is_some() {
                self.asm
                    .ri(Code::Mov_r32_imm32, half(LIMIT), elements as i32);
                self.asm.rr(Code::Cmp_r64_rm64, COUNT, LIMIT);
                self.asm.rr(Code::Cmova_r64_rm64, COUNT, LIMIT);
            }
            self.mask(COUNT, LIMIT);
            for (copy, tail) in pieces.tail.iter().enumerate() {
                if copy > 0 {
                    self.asm.ri(Code::Shr_rm64_imm8, LIMIT, shape.lanes as i32);
                    self.asm.jump(Code::Je_rel32_64, end);
                    self.asm.rr(Code::VEX_Kmovq_kr_r64, TAIL, LIMIT);
                }
                self.emit(prepared, tail)?;
            }
            if pieces.count.is_some() {
                self.asm.add(INDEX, elements);
                self.asm.rr(Code::Cmp_r64_rm64, INDEX, N);
                self.asm.jump(Code::Jb_rel32_64, next);
            }
            self.asm.bind(end);
            if self.kernel.form != Form::Rows {
                self.emit(prepared, &pieces.end)?;
            }
        } else {
            self.emit(prepared, &pieces.end)?;
            self.asm.rr(Code::Cmp_r64_rm64, INDEX, N);
            self.asm.jump(Code::Jae_rel32_64, end);
            self.lanes_from_index(prepared);
            let again = self.asm.here();
            self.emit(prepared, &pieces.tail[0])?;
            self.asm.add(INDEX, 1);
            self.asm.rr(Code::Cmp_r64_rm64, INDEX, N);
            self.asm.jump(Code::Jb_rel32_64, again);
            if self.kernel.form == Form::Rows {
                self.locate_lanes(prepared);
            }
            self.asm.bind(end);
        }
        if self.kernel.form == Form::Rows {
            self.partials(COUNT);
            self.emit(prepared, &pieces.combine)?;
        }
        Ok(())
    }

    /// Moves the starts of lanes so that the loop's index counts them from 0.
    fn lanes_from_index(&mut self, prepared: &Prepared<'k>) {
        for (area, start) in prepared.areas.iter().zip(&prepared.starts) {
            let Area::Running(acc, _) = area else {
                continue;
            };
            let (_, size) = self.of(*acc);
            self.asm.copy(COUNT, INDEX);
            if size > 1 {
                self.asm
                    .ri(Code::Shl_rm64_imm8, COUNT, size.trailing_zeros() as i32);
            }
            match *start {
                Start::Register(register) => self.asm.rr(Code::Sub_r64_rm64, register, COUNT),
                Start::Frame(at) => {
                    self.asm
                        .mr(Code::Sub_rm64_r64, Register::RSP, at as i64, COUNT);
                }
            }
        }
    }

    /// Finds the starts of lanes again.
    fn locate_lanes(&mut self, prepared: &Prepared<'k>) {
        for (area, start) in prepared.areas.iter().zip(&prepared.starts) {
            match (area, *start) {
                (Area::Place(_), _) => {}
                (_, Start::Register(register)) => self.locate_first(*area, register),
                (_, Start::Frame(at)) => {
                    self.locate_first(*area, TEMPORARY);
                    self.asm.store(Register::RSP, at, TEMPORARY);
                }
            }
        }
    }
}

/// Where the frame says what is aligned.
#[derive(Clone, Copy)]
struct Aligned {
    /// The first element from which on the widest output is.
    from: usize,
    /// Not 0 if all outputs are from there on, and are to be stored around the caches.
    flag: Option<usize>,
}
