//! What `moments` are made of, as instructions.

use iced_x86::{Code, Register};
use numloom_data::DType;
use numloom_ir::Op;
use numloom_ir::interp::moments::Numbers;

use super::inst::{Arg, Inst};
use super::mask::Floats;
use super::select::{Select, Val};
use super::table;

impl Select {
    /// Adds the number in `count` to the numbers in each of the registers that are spoken for.
    pub(super) fn add_count(&mut self, count: Register, to: &[u32]) {
        let width = self.width(8);
        let whole = self.vector(width);
        let spread = Code::EVEX_Vpbroadcastq_zmm_k1z_r64;
        self.push(Inst::new(spread, whole, &[Arg::Register(count)]));
        let number = self.on(&table::Cvtuqq2pd, width, &[whole]);
        for &register in to {
            let held = Arg::Held(register, width);
            let sum = self.on(&table::Addpd, width, &[held, number]);
            self.put(8, sum, held);
        }
    }
}

/// Vectors of `f64`.
pub(super) struct Vectors<'s>(pub(super) &'s mut Select);

impl Vectors<'_> {
    fn apply(&mut self, op: Op, x: Arg, y: Arg) -> Arg {
        let args = [Val::Number(x), Val::Number(y)];
        match self.0.apply(op, DType::F64, DType::F64, &args, None) {
            Ok(Val::Number(z)) => z,
            _ => unreachable!("the arithmetic of `f64` is of single instructions"),
        }
    }
}

impl Numbers for Vectors<'_> {
    type Number = Arg;
    type Truth = Val;

    fn constant(&mut self, x: f64) -> Arg {
        self.0.constant(8, x.to_bits())
    }

    fn add(&mut self, x: Arg, y: Arg) -> Arg {
        self.apply(Op::Add, x, y)
    }

    fn sub(&mut self, x: Arg, y: Arg) -> Arg {
        self.apply(Op::Sub, x, y)
    }

    fn mul(&mut self, x: Arg, y: Arg) -> Arg {
        self.apply(Op::Mul, x, y)
    }

    fn div(&mut self, x: Arg, y: Arg) -> Arg {
        self.apply(Op::Div, x, y)
    }

    fn less(&mut self, x: Arg, y: Arg) -> Val {
        self.0.compare_floats(Floats::Less, 8, x, y)
    }

    fn select(&mut self, truth: Val, yes: Arg, no: Arg) -> Arg {
        self.0.choose(truth, 8, yes, no)
    }
}
