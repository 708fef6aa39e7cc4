//! Taking elements into accumulators, and what `moments` are made of, as operations on vectors.

use cranelift_codegen::ir::types;
use numloom_data::DType;
use numloom_ir::interp::moments::{self, Numbers};
use numloom_ir::{AccOp, Accumulator, Op};

use super::value::{Emit, Val};
use crate::error::JitError;

impl Emit<'_> {
    /// Takes a value into a running one, word by word.
    pub(super) fn take_in(
        &mut self,
        acc: Accumulator,
        running: &[Val],
        value: Val,
    ) -> Result<Vec<Val>, JitError> {
        match (acc.op, running) {
            (AccOp::Moments, &[count, pivot, squares, sum]) => {
                Ok(moments::take(self, [count, pivot, squares, sum], value).into())
            }
            _ => self.combined(acc, running, &[value]),
        }
    }

    /// Two running values combined, word by word.
    pub(super) fn combined(
        &mut self,
        acc: Accumulator,
        x: &[Val],
        y: &[Val],
    ) -> Result<Vec<Val>, JitError> {
        match (x, y) {
            (&[x], &[y]) => {
                let op = acc.op.op();
                let op = op.expect("a value of one word is that of an operation");
                let both = self.apply(op, acc.dtype, acc.dtype, &[x, y], None)?;
                Ok(vec![both])
            }
            _ => {
                let words = |x: &[Val]| x.try_into().expect("others are called, as was verified");
                Ok(moments::merged(self, words(x), words(y)).into())
            }
        }
    }

    fn f64s(&mut self, op: Op, args: &[Val]) -> Val {
        match self.apply(op, DType::F64, DType::F64, args, None) {
            Ok(value) => value,
            Err(_) => unreachable!("the arithmetic of `f64` is of single instructions"),
        }
    }
}

impl Numbers for Emit<'_> {
    type Number = Val;
    type Truth = Val;

    fn constant(&mut self, x: f64) -> Val {
        Val::Number(self.constant_regs(types::F64X2, x.to_bits()))
    }

    fn add(&mut self, x: Val, y: Val) -> Val {
        self.f64s(Op::Add, &[x, y])
    }

    fn sub(&mut self, x: Val, y: Val) -> Val {
        self.f64s(Op::Sub, &[x, y])
    }

    fn mul(&mut self, x: Val, y: Val) -> Val {
        self.f64s(Op::Mul, &[x, y])
    }

    fn div(&mut self, x: Val, y: Val) -> Val {
        self.f64s(Op::Div, &[x, y])
    }

    fn less(&mut self, x: Val, y: Val) -> Val {
        match self.apply(Op::Lt, DType::F64, DType::Bool, &[x, y], None) {
            Ok(truth) => truth,
            Err(_) => unreachable!("every target compares `f64`"),
        }
    }

    fn select(&mut self, truth: Val, yes: Val, no: Val) -> Val {
        self.f64s(Op::Select, &[truth, yes, no])
    }
}
