//! Running minima and maxima of floats in registers, with AVX-512.
//!
//! A running extreme is NaN from the first NaN on. The instruction gives its second operand if either is NaN: with the value there it takes a NaN in, and loses it again at the next
//! number. A test of the running value in between makes each extreme wait for a comparison and its mask. In rows, where only what comes of all lanes is seen, extremes pass over
//! NaN instead, a mask notes the lanes in which one was, by one comparison for two vectors, and after the loop these become NaN.

use iced_x86::{Code, Register};
use numloom_data::DType;
use numloom_ir::{AccOp, Accumulator, Form, LoopInst, LoopOp, V};

use super::assign::of_row;
use super::body::{Piece, Shape, Values, Where};
use super::function::Function;
use super::inst::{Arg, Inst};
use super::mask::Floats;
use super::select::{Select, Val};
use super::table;

/// The masks of lanes in which there was a NaN: so many values may have extremes that pass over it.
const NOTED: [Register; 2] = [Register::K7, Register::K6];

/// Whether it is an extreme of floats.
fn is_extreme(acc: Accumulator) -> bool {
    matches!(acc.op, AccOp::Min | AccOp::Max) && acc.dtype.is_float()
}

impl Function<'_> {
    /// The values of a loop whose running extremes pass over NaN, with their masks.
    pub(super) fn extremes(&self, body: &[LoopInst], shape: Shape) -> Vec<(V, Register)> {
        let in_registers = shape.accumulators == Where::Registers;
        if !self.avx512 || !in_registers || self.kernel.form != Form::Rows {
            return Vec::new();
        }
        let mut values: Vec<V> = Vec::new();
        for inst in body {
            if let LoopOp::Accumulate { acc, value } = inst.op
                && is_extreme(self.of(acc).0)
                && !values.contains(&value)
            {
                values.push(value);
            }
        }
        values.into_iter().zip(NOTED).collect()
    }

    /// What comes before whole iterations and after them, if extremes pass over NaN; if lanes have `begun`, they may be NaN already.
    pub(super) fn ends_of_extremes(
        &self,
        select: &mut Select,
        values: &Values<'_>,
        shape: Shape,
        begun: bool,
    ) -> Option<[Piece; 2]> {
        if values.extremes.is_empty() {
            return None;
        }
        let n = values.words.len();
        let extremes = |of: V| {
            let accs = values.body.iter().filter_map(move |inst| match inst.op {
                LoopOp::Accumulate { acc, value } if value == of => Some(acc),
                _ => None,
            });
            accs.filter(|&acc| is_extreme(self.of(acc).0))
        };
        let running = |select: &Select, copy: usize, acc: u32| {
            let (_, size) = self.of(acc);
            let k = values.words.iter().position(|word| *word == (acc, 0));
            let k = k.expect("all accumulators of a row are taken in");
            let register = self.accumulator(copy, k, n);
            (size, Arg::Held(register, select.width(size)))
        };
        for &(value, mask) in &values.extremes {
            let clear = [Arg::Register(mask); 2];
            let code = Code::VEX_Kxorw_kr_kr_kr;
            select.push(Inst::new(code, Arg::Register(mask), &clear));
            for acc in extremes(value).filter(|_| begun) {
                for copy in 0..shape.copies {
                    let (size, x) = running(select, copy, acc);
                    select.note_nan(mask, size, x);
                }
            }
        }
        select.note_rest();
        let before = Piece::from(select.take());
        for &(value, mask) in &values.extremes {
            for acc in extremes(value) {
                let (size, x) = running(select, 0, acc);
                let (nan, row) = match size {
                    4 => (u64::from(f32::NAN.to_bits()), table::Load32),
                    _ => (f64::NAN.to_bits(), table::Load64),
                };
                let width = select.width(size);
                let nan = select.constant(size, nan).at(width);
                let mut inst = Inst::new(of_row(&row, width, true), x, &[nan]);
                inst.reads = width.bytes();
                inst.mask = Arg::Register(mask);
                select.push(inst);
            }
        }
        Some([before, Piece::from(select.take())])
    }
}

impl Select {
    /// Whether a running value in a register is one that [`take_extreme`](Select::take_extreme) takes values into.
    pub(super) fn keeps_ordered(&self, acc: Accumulator) -> bool {
        is_extreme(acc) && self.avx512 && !self.masked
    }

    /// Where a running value is not NaN.
    pub(super) fn ordered(&mut self, size: usize, running: Arg) -> Arg {
        match self.compare_floats(Floats::Ordered, size, running, running) {
            Val::Mask(mask) => mask,
            _ => unreachable!("with AVX-512 truth is in mask registers"),
        }
    }

    /// Takes a value into a running extreme: the instruction gives the value where either is NaN, and leaves out those that are not `ordered`, if that is asked for: then it stays
    /// the first NaN that it met. These are the same for all running extremes that took the same values.
    pub(super) fn take_extreme(
        &mut self,
        acc: Accumulator,
        running: Arg,
        value: Arg,
        ordered: Arg,
    ) {
        let row = match (acc.op, acc.dtype) {
            (AccOp::Min, DType::F32) => table::Minps,
            (AccOp::Min, _) => table::Minpd,
            (_, DType::F32) => table::Maxps,
            _ => table::Maxpd,
        };
        let width = self.width(acc.dtype.itemsize());
        let code = of_row(&row, width, self.avx512);
        let mut inst = Inst::new(code, running, &[running, value.at(width)]);
        inst.reads = width.bytes();
        inst.mask = ordered;
        self.push(inst);
    }

    /// Notes in a mask where `x` is NaN: now with another vector that waits for that, or else with the next.
    pub(super) fn note_nan(&mut self, mask: Register, size: usize, x: Arg) {
        let waits = self.unnoted.iter().position(|(other, ..)| *other == mask);
        match waits.map(|i| self.unnoted.swap_remove(i)) {
            Some((_, _, y)) => self.note_nans(mask, size, y, x),
            None => self.unnoted.push((mask, size, x)),
        }
    }

    /// Notes what still waits for that.
    pub(super) fn note_rest(&mut self) {
        for (mask, size, x) in std::mem::take(&mut self.unnoted) {
            self.note_nans(mask, size, x, x);
        }
    }

    fn note_nans(&mut self, mask: Register, size: usize, x: Arg, y: Arg) {
        let Val::Mask(unordered) = self.compare_floats(Floats::Unordered, size, x, y) else {
            unreachable!("with AVX-512 truth is in mask registers");
        };
        let mask = Arg::Register(mask);
        let code = Code::VEX_Korw_kr_kr_kr;
        self.push(Inst::new(code, mask, &[mask, unordered]));
    }
}
