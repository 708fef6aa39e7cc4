//! Arithmetic of weak integers that are known only when they run: exact as that of literals, or an error of the run.
//!
//! Literals compute in 128 bits, these in the 64 in which they come, beside an estimate in `f64`. What wrapped is off the estimate by about a
//! multiple of 2^64, what did not by roundings below 2^20: so telling one from the other is exact, though the estimate is not.

use numloom_data::DType;
use numloom_syntax::{BinaryOp, Span, UnaryOp};

use super::operand::{Operand, Weak};
use super::operator::operation;
use super::{Lower, Lowered};
use crate::op::{CastMode, Op};
use crate::program::Value;

/// 2^60: no result that fits is as far from its estimate, and each that wrapped is farther.
const FAR: f64 = (1u64 << 60) as f64;

impl Lower<'_> {
    /// `-x` or `~x` of a weak integer, as `i64`.
    pub(super) fn exact_unary(&mut self, op: UnaryOp, x: Value) -> Value {
        let (op, offset) = match op {
            UnaryOp::Neg => (Op::Neg, 0.0),
            _ => (Op::Not, -1.0),
        };
        let result = self.builder.apply(op, &[x]);
        let result = self
            .builder
            .cast(Op::Cast(CastMode::Wrap), result, DType::I64);
        if op == Op::Not && self.dtype(x) == DType::I64 {
            return result; // has no sign to lose
        }
        let offset = self.float(DType::F64, offset);
        let wide = self.wide(x);
        let estimate = self.builder.apply(Op::Sub, &[offset, wide]);
        self.exact(result, estimate)
    }

    /// An operator on two weak integers, one of them known only when it runs.
    pub(super) fn exact_binary(
        &mut self,
        op: BinaryOp,
        (x, x_span): (&Operand, Span),
        (y, y_span): (&Operand, Span),
        op_span: Span,
    ) -> Lowered<Operand> {
        match (op, y) {
            (BinaryOp::Pow, Operand::Weak(Weak::Int(..0))) => {
                let x = self.coerce(x, DType::F64, x_span)?;
                let y = self.coerce(y, DType::F64, y_span)?;
                return Ok(Operand::Value(self.builder.apply(Op::Pow, &[x, y])));
            }
            // The one quotient that does not fit is the least integer's by -1.
            (BinaryOp::FloorDiv, Operand::Weak(Weak::Int(divisor))) if *divisor != -1 => {
                return self.binary_of(op, (x, x_span), (y, y_span), op_span);
            }
            (
                BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::FloorDiv
                | BinaryOp::Pow
                | BinaryOp::Shl,
                _,
            ) => {}
            _ => return self.binary_of(op, (x, x_span), (y, y_span), op_span),
        }
        let dtype = self.common(&[x, y]);
        let x = self.coerce(x, dtype, x_span);
        let y = self.coerce(y, dtype, y_span);
        let (x, y) = (x?, y?);
        let result = self.builder.apply(operation(op), &[x, y]);
        let (x, y) = (self.wide(x), self.wide(y));
        let zero = self.float(DType::F64, 0.0);
        let estimate = match op {
            // By zero gives zero, as for arrays.
            BinaryOp::FloorDiv => {
                let is_zero = self.builder.apply(Op::Eq, &[y, zero]);
                let infinity = self.float(DType::F64, f64::INFINITY);
                let y = self.builder.apply(Op::Select, &[is_zero, infinity, y]);
                self.builder.apply(Op::Div, &[x, y])
            }
            // A count below zero gives zero, as for arrays.
            BinaryOp::Shl => {
                let is_negative = self.builder.apply(Op::Lt, &[y, zero]);
                let shifted = self.builder.apply(Op::Ldexp, &[x, y]);
                self.builder
                    .apply(Op::Select, &[is_negative, zero, shifted])
            }
            _ => self.builder.apply(operation(op), &[x, y]),
        };
        Ok(Operand::Value(self.exact(result, estimate)))
    }

    fn wide(&mut self, x: Value) -> Value {
        self.builder.cast(Op::Cast(CastMode::Wrap), x, DType::F64)
    }

    /// A result that wraps as it is if it did not, else a fault that shows the estimate.
    fn exact(&mut self, result: Value, estimate: Value) -> Value {
        let dtype = self.dtype(result);
        // The estimate of what is just beyond an end may round to within.
        let (below, past) = match dtype {
            DType::U64 => (-1.0, 2f64.powi(64)),
            _ => (-(2f64.powi(63) + 2048.0), 2f64.powi(63)),
        };
        let [below, past, far, zero] =
            [below, past, FAR, 0.0].map(|number| self.float(DType::F64, number));
        let wide = self.wide(result);
        let error = self.builder.apply(Op::Sub, &[wide, estimate]);
        let error = self.builder.apply(Op::Abs, &[error]);
        let fits = self.builder.apply(Op::Lt, &[error, far]);
        let is_below = self.builder.apply(Op::Lt, &[estimate, wide]);
        let below = self.builder.apply(Op::Minimum, &[estimate, below]);
        let above = self.builder.apply(Op::Maximum, &[estimate, past]);
        let beyond = self.builder.apply(Op::Select, &[is_below, below, above]);
        let shown = self.builder.apply(Op::Select, &[fits, zero, beyond]);
        let checked = Op::Cast(CastMode::Checked);
        let nothing = self.builder.cast(checked, shown, dtype);
        self.builder.apply(Op::Or, &[result, nothing])
    }
}
