//! Reductions of complex numbers: those that take the parts apart.
//!
//! ```text
//! sum(z)     sum(re), sum(im)
//! mean(z)    mean(re), mean(im)
//! var(z)     var(re) + var(im)             the mean of |z - mean(z)|^2: a real number
//! any(z)     any(re != 0 or im != 0)
//! ```

use numloom_data::DType;
use numloom_syntax::Span;

use super::super::operand::{Operand, Parts};
use super::super::reduction::{Arguments, Frame};
use super::super::{Lower, Lowered};
use crate::func::{Func, NanRule, Reducer};
use crate::op::Op;
use crate::program::{Reduction, Value};
use crate::promote::part_of;

impl Lower<'_> {
    /// A reduction of `z` other than a test.
    #[expect(clippy::too_many_arguments, reason = "what the call said, taken apart")]
    pub(in crate::lower) fn complex_reduction(
        &mut self,
        func: &Func,
        (reducer, nan): (Reducer, NanRule),
        z: Parts,
        mask: Option<Value>,
        dtype: Option<DType>,
        ddof: f64,
        arguments: &Arguments,
        frame: &Frame,
        span: Span,
    ) -> Lowered<Operand> {
        let is_spread = matches!(reducer, Reducer::Var | Reducer::Std);
        if let (Some(dtype), Some(at)) = (dtype, arguments.dtype)
            && !(dtype.is_complex() || is_spread && dtype.is_float())
        {
            let at = self.ast.span(at);
            return self.bad_argument(func, "dtype", "a complex dtype", at);
        }
        let own = self.dtype(z.re);
        let to = dtype.map_or(own, part_of);
        let mask = self.both_valid(nan, z, mask);
        match reducer {
            Reducer::Sum => {
                let mut total = |part| {
                    let part = self.convert(part, to);
                    let sum = self.total(Reduction::Sum, part, mask, None, frame);
                    self.convert(sum, to)
                };
                let sum = Parts {
                    re: total(z.re),
                    im: total(z.im),
                };
                self.complex_with_initial(func, sum, arguments)
            }
            Reducer::Mean => {
                let mut mean = |part| {
                    let part = self.convert(part, DType::F64);
                    let (part, count) = self.counted(NanRule::Propagate, part, mask, frame);
                    let sum = self.reduce(Reduction::Sum, part, frame);
                    let mean = self.builder.apply(Op::Div, &[sum, count]);
                    self.convert(mean, to)
                };
                Ok(Operand::Complex(Parts {
                    re: mean(z.re),
                    im: mean(z.im),
                }))
            }
            Reducer::Var | Reducer::Std => {
                let parts = [z.re, z.im].map(|part| self.convert(part, DType::F64));
                let mut value = self.variance(nan, &parts, mask, ddof, frame);
                if reducer == Reducer::Std {
                    value = self.builder.apply(Op::Sqrt, &[value]);
                }
                Ok(Operand::Value(self.convert(value, to)))
            }
            _ => self.not_yet(span, format!("`{}` of complex numbers", func.name())),
        }
    }

    /// Which elements count: those of the mask, and none with NaN in a part if these are skipped.
    fn both_valid(&mut self, nan: NanRule, z: Parts, mask: Option<Value>) -> Option<Value> {
        if nan == NanRule::Propagate {
            return mask;
        }
        let valid = self.formula(|formula| (!formula.complex(z).is_nan()).value);
        Some(match mask {
            Some(mask) => self.builder.apply(Op::And, &[mask, valid]),
            None => valid,
        })
    }

    /// A sum, and the constant that it is to start from.
    fn complex_with_initial(
        &mut self,
        func: &Func,
        sum: Parts,
        arguments: &Arguments,
    ) -> Lowered<Operand> {
        let Some(initial) = arguments.initial else {
            return Ok(Operand::Complex(sum));
        };
        let at = self.ast.span(initial);
        let operand = self.operand(initial)?;
        if !matches!(operand, Operand::Weak(_) | Operand::ComplexLiteral(..)) {
            let wanted = "a constant that the result's dtype holds";
            return self.bad_argument(func, "initial", wanted, at);
        }
        let dtype = self.operand_dtype(&Operand::Complex(sum));
        let dtype = dtype.expect("a complex value has a dtype");
        let initial = self.coerce_complex(&operand, dtype, at)?;
        Ok(Operand::Complex(self.formula(|formula| {
            (formula.complex(sum) + formula.complex(initial)).into()
        })))
    }
}
