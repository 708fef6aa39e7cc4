//! The functions written with other operations, of complex numbers.

use numloom_data::DType;
use numloom_syntax::{BinaryOp, CmpOp, ExprId, ExprKind, Span};

use super::super::composed::Arguments;
use super::super::operand::{Operand, Parts};
use super::super::{Lower, Lowered};
use super::arithmetic::Complex;
use crate::func::Composed;
use crate::program::Value;

impl Lower<'_> {
    /// The function, if one of its arguments is complex and that makes a difference.
    pub(in crate::lower) fn complex_composed(
        &mut self,
        which: Composed,
        args: &Arguments,
    ) -> Option<Lowered<Operand>> {
        if !args.all().any(|id| self.holds_complex(id)) {
            return None;
        }
        Some(match which {
            // By comparisons, truth values and selections, which know complex numbers.
            Composed::IsIn | Composed::LogicalXor | Composed::Select => return None,
            Composed::Square => self.mapped(args, |z| z.square()),
            Composed::Reciprocal => self.mapped(args, |z| z.reciprocal()),
            Composed::Copy => self.mapped(args, |z| z),
            Composed::Round if args.find(1).is_none() => self.mapped(args, |z| z.round()),
            Composed::ZerosLike => self.mapped(args, |z| z.number(0.0, 0.0)),
            Composed::OnesLike => self.mapped(args, |z| z.number(1.0, 0.0)),
            Composed::FloatPower => self.wide_power(args),
            Composed::Fmin => self.known_extremes(CmpOp::Le, args),
            Composed::Fmax => self.known_extremes(CmpOp::Ge, args),
            Composed::Clip => self.complex_clip(args),
            Composed::NanToNum if self.holds_complex(args.at(0)) => self.complex_numbers(args),
            Composed::FullLike if self.holds_complex(args.at(0)) => self.complex_full_like(args),
            _ => self.real_only(args),
        })
    }

    /// Whether a node is complex, or a tuple with a complex part.
    fn holds_complex(&self, id: ExprId) -> bool {
        match self.ast.kind(id) {
            ExprKind::Tuple(parts) => parts.iter().any(|&part| self.holds_complex(part)),
            _ => self.result(id).is_ok_and(|operand| operand.is_complex()),
        }
    }

    fn real_only(&mut self, args: &Arguments) -> Lowered<Operand> {
        let operands = self.operands(args)?;
        let operands: Vec<(&Operand, Span)> = operands
            .iter()
            .map(|(operand, span)| (operand, *span))
            .collect();
        self.complex_refused(args.func.name(), args.span, "real numbers", &operands)
    }

    /// The arguments that are values.
    fn operands(&mut self, args: &Arguments) -> Lowered<Vec<(Operand, Span)>> {
        let ids: Vec<ExprId> = args.all().collect();
        let operands = ids
            .into_iter()
            .map(|id| Ok((self.operand(id)?, self.ast.span(id))));
        let operands = operands.collect::<Lowered<Vec<_>>>()?;
        self.builder.at(args.span);
        Ok(operands)
    }

    /// The first argument.
    fn number_of(&mut self, args: &Arguments) -> Lowered<Parts> {
        let (z, span) = self.argument(args, 0)?;
        self.builder.at(args.span);
        self.complex(&z, span)
    }

    fn mapped(
        &mut self,
        args: &Arguments,
        f: impl FnOnce(Complex<'_>) -> Complex<'_>,
    ) -> Lowered<Operand> {
        let z = self.number_of(args)?;
        Ok(self.map(z, f))
    }

    fn wide_power(&mut self, args: &Arguments) -> Lowered<Operand> {
        let [(x, x_span), (y, y_span)] = self.first(args)?;
        let x = Operand::Complex(self.coerce_complex(&x, DType::C128, x_span)?);
        self.complex_binary(BinaryOp::Pow, (&x, x_span), (&y, y_span), args.span)
    }

    fn known_extremes(&mut self, order: CmpOp, args: &Arguments) -> Lowered<Operand> {
        let [(x, x_span), (y, y_span)] = self.first(args)?;
        let dtype = self.common(&[&x, &y]);
        let x = self.coerce_complex(&x, dtype, x_span)?;
        let y = self.coerce_complex(&y, dtype, y_span)?;
        Ok(Operand::Complex(self.formula(|formula| {
            let (x, y) = (formula.complex(x), formula.complex(y));
            x.known_extreme(order, y).into()
        })))
    }

    /// `minimum(maximum(x, min), max)`.
    fn complex_clip(&mut self, args: &Arguments) -> Lowered<Operand> {
        let mut operands = vec![(CmpOp::Eq, self.argument(args, 0)?)];
        for (place, order) in [(1, CmpOp::Ge), (2, CmpOp::Le)] {
            if let Some(id) = args.find(place).filter(|&id| !self.is_none(id)) {
                operands.push((order, (self.weak_operand(id)?, self.ast.span(id))));
            }
        }
        self.builder.at(args.span);
        let all: Vec<&Operand> = operands.iter().map(|(_, (operand, _))| operand).collect();
        let dtype = self.common(&all);
        let mut parts = Vec::with_capacity(operands.len());
        for (order, (operand, span)) in &operands {
            parts.push((*order, self.coerce_complex(operand, dtype, *span)?));
        }
        Ok(Operand::Complex(self.formula(|formula| {
            let mut bounds = parts.into_iter();
            let (_, z) = bounds.next().expect("there is an argument");
            let z = bounds.fold(formula.complex(z), |z, (order, bound)| {
                z.extreme(order, formula.complex(bound))
            });
            z.into()
        })))
    }

    /// `nan_to_num` of both parts.
    fn complex_numbers(&mut self, args: &Arguments) -> Lowered<Operand> {
        let z = self.number_of(args)?;
        let numbers = self.numbers_instead(args, self.dtype(z.re))?;
        self.builder.at(args.span);
        Ok(Operand::Complex(Parts {
            re: self.replace_non_finite(z.re, numbers),
            im: self.replace_non_finite(z.im, numbers),
        }))
    }

    fn complex_full_like(&mut self, args: &Arguments) -> Lowered<Operand> {
        let [(like, _), (value, span)] = self.first(args)?;
        let dtype = self.common(&[&like]);
        let value = self.coerce_complex(&value, dtype, span)?;
        Ok(Operand::Complex(value))
    }

    /// A chain of selections, the first condition outermost; the last operand is the default.
    pub(in crate::lower) fn complex_select_first(
        &mut self,
        tests: &[Value],
        operands: &[(Operand, Span)],
        dtype: DType,
    ) -> Lowered<Operand> {
        let mut parts = Vec::with_capacity(operands.len());
        for (operand, span) in operands {
            parts.push(self.coerce_complex(operand, dtype, *span)?);
        }
        let default = parts.pop().expect("there is a default");
        Ok(Operand::Complex(self.formula(|formula| {
            let choices = tests.iter().zip(parts).rev();
            let chosen = choices.fold(formula.complex(default), |chosen, (&test, choice)| {
                formula.complex(choice).where_(formula.truth(test), chosen)
            });
            chosen.into()
        })))
    }
}
