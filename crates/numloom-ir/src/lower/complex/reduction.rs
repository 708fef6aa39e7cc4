//! Reductions of complex numbers: those that take the parts apart, and those that need both.
//!
//! ```text
//! sum(z)     sum(re), sum(im)
//! mean(z)    mean(re), mean(im)
//! var(z)     var(re) + var(im)             the mean of |z - mean(z)|^2: a real number
//! any(z)     any(re != 0 or im != 0)
//! prod(z)    prod.re(re, im), prod.im(re, im)    two words of one accumulator; as min and max
//! ```

use numloom_data::DType;
use numloom_syntax::CmpOp;

use super::super::operand::{Operand, Parts};
use super::super::reduction::{Arguments, Frame};
use super::super::{Lower, Lowered};
use crate::func::{Func, NanRule, Reducer};
use crate::kernel::{AccOp, Accumulator};
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
                self.complex_with_initial(func, reducer, sum, arguments)
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
            Reducer::Prod => {
                let wide = [z.re, z.im].map(|part| self.convert(part, DType::F64));
                let kept = self.both_kept(AccOp::ComplexProd, wide, mask);
                let frame = frame.or_empty();
                let product = self.parts_of([Reduction::ProdRe, Reduction::ProdIm], kept, &frame);
                let product = Parts {
                    re: self.convert(product.re, to),
                    im: self.convert(product.im, to),
                };
                self.complex_with_initial(func, reducer, product, arguments)
            }
            Reducer::Min => {
                let least = self.complex_extreme(CmpOp::Le, nan, z, mask, frame);
                self.complex_with_initial(func, reducer, least, arguments)
            }
            Reducer::Max => {
                let greatest = self.complex_extreme(CmpOp::Ge, nan, z, mask, frame);
                self.complex_with_initial(func, reducer, greatest, arguments)
            }
            Reducer::PeakToPeak => {
                let high = self.complex_extreme(CmpOp::Ge, nan, z, mask, frame);
                let low = self.complex_extreme(CmpOp::Le, nan, z, mask, frame);
                Ok(Operand::Complex(self.formula(|formula| {
                    (formula.complex(high) - formula.complex(low)).into()
                })))
            }
            Reducer::ArgMin | Reducer::ArgMax => {
                let reduction = match reducer {
                    Reducer::ArgMin => Reduction::ComplexArgMin,
                    _ => Reduction::ComplexArgMax,
                };
                Ok(Operand::Value(self.reduce_all(
                    reduction,
                    &[z.re, z.im],
                    frame,
                )))
            }
            Reducer::Any | Reducer::All | Reducer::CountNonzero => {
                unreachable!("a test reduces truth values")
            }
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

    /// The least (`Le`) or greatest (`Ge`) complex number; NaN, as NumPy's, where all are skipped.
    fn complex_extreme(
        &mut self,
        order: CmpOp,
        nan: NanRule,
        z: Parts,
        mask: Option<Value>,
        frame: &Frame,
    ) -> Parts {
        let (op, reductions) = match order {
            CmpOp::Le => (AccOp::ComplexMin, [Reduction::MinRe, Reduction::MinIm]),
            _ => (AccOp::ComplexMax, [Reduction::MaxRe, Reduction::MaxIm]),
        };
        let kept = self.both_kept(op, [z.re, z.im], mask);
        let value = self.parts_of(reductions, kept, frame);
        let Some(valid) = mask.filter(|_| nan == NanRule::Skip && !frame.may_be_empty) else {
            return value;
        };
        let frame = frame.or_empty();
        let found = self.reduce(Reduction::Max, valid, &frame);
        self.formula(|formula| {
            let value = formula.complex(value);
            let nothing = value.number(f64::NAN, 0.0);
            value.where_(formula.truth(found), nothing).into()
        })
    }

    /// Both parts, with what changes nothing for those left out.
    fn both_kept(&mut self, op: AccOp, parts: [Value; 2], mask: Option<Value>) -> [Value; 2] {
        let Some(valid) = mask else { return parts };
        let dtype = self.dtype(parts[0]);
        let acc = Accumulator { op, dtype };
        [0, 1].map(|word| {
            let nothing = acc.scalar(word, acc.identity(word));
            let nothing = self.builder.constant(nothing);
            self.builder
                .apply(Op::Select, &[valid, parts[word], nothing])
        })
    }

    /// Two reductions of the same complex numbers, as the parts of one.
    fn parts_of(&mut self, reductions: [Reduction; 2], z: [Value; 2], frame: &Frame) -> Parts {
        let [re, im] = reductions.map(|reduction| self.reduce_all(reduction, &z, frame));
        Parts { re, im }
    }

    /// A reduction's value, and the constant that it is to start from.
    fn complex_with_initial(
        &mut self,
        func: &Func,
        reducer: Reducer,
        value: Parts,
        arguments: &Arguments,
    ) -> Lowered<Operand> {
        let Some(initial) = arguments.initial else {
            return Ok(Operand::Complex(value));
        };
        let at = self.ast.span(initial);
        let operand = self.operand(initial)?;
        if !matches!(operand, Operand::Weak(_) | Operand::ComplexLiteral(..)) {
            let wanted = "a constant that the result's dtype holds";
            return self.bad_argument(func, "initial", wanted, at);
        }
        let dtype = self.operand_dtype(&Operand::Complex(value));
        let dtype = dtype.expect("a complex value has a dtype");
        let initial = self.coerce_complex(&operand, dtype, at)?;
        Ok(Operand::Complex(self.formula(|formula| {
            let (value, initial) = (formula.complex(value), formula.complex(initial));
            match reducer {
                Reducer::Sum => value + initial,
                Reducer::Prod => value * initial,
                Reducer::Min => value.extreme(CmpOp::Le, initial),
                _ => value.extreme(CmpOp::Ge, initial),
            }
            .into()
        })))
    }
}
