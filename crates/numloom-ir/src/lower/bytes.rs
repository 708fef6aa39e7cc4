//! Byte strings: where they may stand, and what comparisons and functions of them become.

use numloom_data::Scalar;
use numloom_syntax::{CmpOp, ExprId, Span};

use super::operand::Operand;
use super::operator::comparison;
use super::{Lower, Lowered};
use crate::error::LowerErrorKind;
use crate::func::Func;
use crate::op::Op;
use crate::program::Value;

impl Lower<'_> {
    /// Whether an operand is a byte string, or a text, which stands for one where a value is wanted.
    pub(super) fn is_bytes(&self, operand: &Operand) -> bool {
        match operand {
            Operand::Value(value) => self.dtype(*value).is_bytes(),
            Operand::Bytes(_) | Operand::Text(_) => true,
            _ => false,
        }
    }

    /// Reports a byte string where only numbers compute.
    pub(super) fn bytes_refused<T>(&mut self, operand: &Operand, span: Span) -> Lowered<T> {
        let found = self.type_words(operand);
        self.refuse(span, LowerErrorKind::BytesAsValue { found })
    }

    /// `lhs op rhs`, if a side is a byte string; then both are.
    pub(super) fn compare_bytes(
        &mut self,
        op: CmpOp,
        lhs: ExprId,
        rhs: ExprId,
        op_span: Span,
    ) -> Lowered<Option<Value>> {
        let (Ok(x), Ok(y)) = (self.result(lhs), self.result(rhs)) else {
            return Ok(None);
        };
        let at = [(self.ast.span(lhs), &x), (self.ast.span(rhs), &y)];
        let [(x_span, _), (y_span, _)] = at;
        match (self.is_bytes(&x), self.is_bytes(&y)) {
            (false, false) => return Ok(None),
            (true, true) => {}
            _ => {
                let needs = "two numbers or two byte strings";
                return self.operands_refused(op.symbol(), op_span, needs, &at, None);
            }
        }
        self.builder.at(x_span.merge(y_span));
        let (x, y) = (self.string(&x, x_span), self.string(&y, y_span));
        Ok(Some(self.builder.apply(comparison(op), &[x?, y?])))
    }

    /// A function of byte strings.
    pub(super) fn bytes_function(
        &mut self,
        func: &Func,
        op: Op,
        args: &[ExprId],
        span: Span,
    ) -> Lowered<Operand> {
        let operands = args.iter().map(|&arg| self.result(arg));
        let operands = operands.collect::<Lowered<Vec<Operand>>>()?;
        let at: Vec<(Span, &Operand)> = args
            .iter()
            .zip(&operands)
            .filter(|(_, operand)| !self.is_bytes(operand))
            .map(|(&arg, operand)| (self.ast.span(arg), operand))
            .collect();
        if !at.is_empty() {
            return self.operands_refused(func.name(), span, "byte strings", &at, None);
        }
        self.builder.at(span);
        let strings: Vec<Lowered<Value>> = args
            .iter()
            .zip(&operands)
            .map(|(&arg, operand)| self.string(operand, self.ast.span(arg)))
            .collect();
        let strings = strings.into_iter().collect::<Lowered<Vec<Value>>>()?;
        Ok(Operand::Value(self.builder.apply(op, &strings)))
    }

    /// A byte string as a value.
    fn string(&mut self, operand: &Operand, span: Span) -> Lowered<Value> {
        let bytes = match operand {
            Operand::Value(value) => return Ok(*value),
            Operand::Bytes(bytes) => bytes,
            Operand::Text(text) => match text.chars().find(|c| !c.is_ascii()) {
                None => text.as_bytes(),
                Some(found) => return self.refuse(span, LowerErrorKind::NonAsciiText { found }),
            },
            _ => unreachable!("asked of byte strings only"),
        };
        Ok(self.builder.constant(Scalar::from(bytes)))
    }
}
