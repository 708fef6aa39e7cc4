//! Calls: arguments bound to the function's row, and the row's typing rule.

use numloom_data::{DType, Scalar};
use numloom_syntax::{Arg, ExprId, Span, UnaryOp, nearest};

use super::operand::{Operand, Weak, is_exact_cast};
use super::{Lower, Lowered};
use crate::error::LowerErrorKind;
use crate::func::{Func, IntAnswer, Part, Rule};
use crate::op::{CastMode, Op};
use crate::program::Value;
use crate::promote::{float_of, promote};

impl Lower<'_> {
    pub(super) fn call(
        &mut self,
        id: ExprId,
        name: &str,
        name_span: Span,
        args: &[Arg],
        span: Span,
    ) -> Lowered<Operand> {
        let Some(func) = Func::find(name) else {
            let nearest = nearest(name, Func::names());
            let is_input = self.inputs.contains_key(name);
            return self.refuse(
                name_span,
                LowerErrorKind::UnknownFunction {
                    name: name.to_owned(),
                    nearest,
                    is_input,
                },
            );
        };
        if func.rule == Rule::Later {
            return self.not_yet(span, format!("`{}`", func.name()));
        }
        if let Rule::Composed(which) = func.rule {
            return self.composed(func, which, args, span);
        }
        if let Rule::Reduce(reducer, nan) = func.rule {
            return self.reduction(id, func, reducer, nan, args, span);
        }
        let positional: Vec<ExprId> = args
            .iter()
            .filter(|arg| arg.name.is_none())
            .map(|arg| arg.value)
            .collect();
        let option = self.keywords(func, args)?;
        let found = positional.len();
        if found < func.arity.0 || found > func.arity.1 {
            return self.refuse(
                span,
                LowerErrorKind::WrongArity {
                    signature: func.signature,
                    arity: func.arity,
                    found,
                },
            );
        }
        self.apply_rule(func, &positional, option, span)
    }

    /// Checks keyword arguments; the ones there are: a cast's mode, an angle's unit.
    fn keywords(&mut self, func: &Func, args: &[Arg]) -> Lowered<Option<ExprId>> {
        let mut option = None;
        for arg in args {
            let Some((keyword, span)) = &arg.name else {
                continue;
            };
            let known: &[&'static str] = match func.rule {
                Rule::Cast(_) => &["mode"],
                Rule::Part(Part::Angle) => &["deg"],
                _ => &[],
            };
            if !known.contains(&keyword.as_str()) {
                return self.unknown_keyword(func, keyword, known, *span);
            }
            option = Some(arg.value);
        }
        Ok(option)
    }

    pub(super) fn unknown_keyword<T>(
        &mut self,
        func: &Func,
        keyword: &str,
        known: &[&'static str],
        span: Span,
    ) -> Lowered<T> {
        let kind = LowerErrorKind::UnknownKeyword {
            function: func.name(),
            keyword: keyword.to_owned(),
            nearest: nearest(keyword, known.iter().copied()),
        };
        self.refuse(span, kind)
    }

    fn apply_rule(
        &mut self,
        func: &Func,
        args: &[ExprId],
        option: Option<ExprId>,
        span: Span,
    ) -> Lowered<Operand> {
        match func.rule {
            Rule::Unary(op) => {
                let result = self.unary(op, args[0], span)?;
                // A function's result has a dtype, also of a literal.
                return if op == UnaryOp::Not {
                    Ok(result)
                } else {
                    self.typed(&result, span)
                };
            }
            Rule::Binary(op) => {
                let result = self.binary(op, args[0], args[1], span)?;
                return self.typed(&result, span);
            }
            Rule::Compare(op) => {
                return self.compare(op, args[0], args[1], span).map(Operand::Value);
            }
            Rule::Bool(op) => return self.boolean(op, args),
            Rule::Bytes(op) => return self.bytes_function(func, op, args, span),
            Rule::Where => return self.select(args[0], args[1], args[2]),
            Rule::Cast(to) => return self.conversion(args, option, to, span),
            _ => {}
        }
        let operands: Vec<Lowered<(Operand, Span)>> = args
            .iter()
            .map(|&arg| Ok((self.weak_operand(arg)?, self.ast.span(arg))))
            .collect();
        let operands = operands.into_iter().collect::<Lowered<Vec<_>>>()?;
        self.builder.at(span);
        match func.rule {
            Rule::Part(part) => {
                let degrees = self.flag(func, "deg", option.or(args.get(1).copied()))?;
                return self.part(part, (&operands[0].0, operands[0].1), degrees);
            }
            Rule::Complex => return self.complex_of_parts(&operands, span),
            _ if operands.iter().any(|(operand, _)| operand.is_complex()) => {
                return self.complex_call(func, &operands, span);
            }
            _ => {}
        }
        let common = self.common(
            &operands
                .iter()
                .map(|(operand, _)| operand)
                .collect::<Vec<_>>(),
        );
        let value = match func.rule {
            Rule::Float(op) => {
                self.apply_at(op, &operands, self.common_float(&operands, common))?
            }
            Rule::Rounding(op) if common.is_float() => self.apply_at(op, &operands, common)?,
            Rule::Rounding(_) => self.strong(&operands[0].0, span)?,
            Rule::Test(op, _) if common.is_float() => self.apply_at(op, &operands, common)?,
            Rule::Test(_, IntAnswer::Always(answer)) => {
                let value = self.strong(&operands[0].0, span)?;
                self.whatever(value, Scalar::Bool(answer))
            }
            Rule::Test(_, IntAnswer::Negative) => {
                let value = self.strong(&operands[0].0, span)?;
                let zero = self.builder.constant(Scalar::zero(self.dtype(value)));
                self.builder.apply(Op::Lt, &[value, zero])
            }
            Rule::Absolute if common.is_bool() => self.strong(&operands[0].0, span)?,
            Rule::Absolute => self.apply_at(Op::Abs, &operands, common)?,
            Rule::Integers(op) if common.is_integer() => self.apply_at(op, &operands, common)?,
            Rule::Integers(_) => {
                let at: Vec<(Span, &Operand)> = operands
                    .iter()
                    .map(|(operand, span)| (*span, operand))
                    .collect();
                return self.operands_refused(
                    func.name(),
                    span,
                    "integers of a common dtype",
                    &at,
                    None,
                );
            }
            Rule::Promoted(op) => {
                // Two bools make an i8 where the operation has none of its own, as in NumPy.
                let widened =
                    common.is_bool() && operands.len() == 2 && !op.info().domain.contains(common);
                let dtype = if widened { DType::I8 } else { common };
                if !op.info().domain.contains(dtype) {
                    let at: Vec<(Span, &Operand)> = operands
                        .iter()
                        .map(|(operand, span)| (*span, operand))
                        .collect();
                    return self.operands_refused(func.name(), span, "numbers", &at, None);
                }
                self.apply_at(op, &operands, dtype)?
            }
            _ => unreachable!("the other rules were dealt with above"),
        };
        Ok(Operand::Value(value))
    }

    /// The common float dtype of a function's operands: each goes to its own first, so that an `i8` and a `u16`, which meet in
    /// `i32`, still compute in `f32`, as in NumPy.
    pub(super) fn common_float(&self, operands: &[(Operand, Span)], common: DType) -> DType {
        let own = operands.iter().filter_map(|(operand, _)| match operand {
            Operand::Value(value) => Some(float_of(self.dtype(*value))),
            _ => None,
        });
        let weak_float = operands.iter().any(|(operand, _)| match operand {
            Operand::Weak(weak) => matches!(weak, Weak::Float(_)),
            Operand::WeakValue(value) => self.dtype(*value).is_float(),
            _ => false,
        });
        let met = own.reduce(|a, b| promote(a, b).expect("floats promote"));
        match met {
            Some(dtype) if !weak_float => dtype,
            _ => float_of(common),
        }
    }

    fn apply_at(&mut self, op: Op, operands: &[(Operand, Span)], dtype: DType) -> Lowered<Value> {
        let values = self.promoted(operands, dtype)?;
        Ok(self.builder.apply(op, &values))
    }

    /// `i16(x)`, `i16(x, "saturate")`.
    fn conversion(
        &mut self,
        args: &[ExprId],
        mode: Option<ExprId>,
        to: DType,
        span: Span,
    ) -> Lowered<Operand> {
        let mode = match mode.or(args.get(1).copied()) {
            Some(arg) => self.cast_mode(arg)?,
            None => CastMode::Wrap,
        };
        let operand = self.operand(args[0])?;
        let arg_span = self.ast.span(args[0]);
        if to.is_complex() {
            self.builder.at(span);
            return self.complex_cast(&operand, to, arg_span);
        }
        let operand = match operand {
            _ if !operand.is_complex() => operand,
            _ if to.is_bool() => return self.truth(&operand, arg_span).map(Operand::Value),
            _ => Operand::Value(self.complex(&operand, arg_span)?.re),
        };
        let value = match operand {
            // A float literal needs no way through f64; an integer literal converts as an array's integers do.
            Operand::Weak(weak @ Weak::Float(_)) if to == DType::F32 => {
                return self.literal(weak, to, span).map(Operand::Value);
            }
            _ => self.strong(&operand, arg_span)?,
        };
        self.builder.at(span);
        let mode = if is_exact_cast(self.dtype(value), to) || to.is_bool() {
            CastMode::Wrap
        } else {
            mode
        };
        let value = match mode {
            CastMode::Checked => {
                let validity = self.validity(value);
                self.zero_where_null(value, validity)
            }
            _ => value,
        };
        Ok(Operand::Value(self.builder.cast(Op::Cast(mode), value, to)))
    }

    fn cast_mode(&mut self, arg: ExprId) -> Lowered<CastMode> {
        let span = self.ast.span(arg);
        let mode = match self.result(arg)? {
            Operand::Text(mode) => mode,
            operand => self.type_words(&operand),
        };
        match mode.as_str() {
            "wrap" => Ok(CastMode::Wrap),
            "saturate" => Ok(CastMode::Saturate),
            "checked" => Ok(CastMode::Checked),
            _ => self.refuse(span, LowerErrorKind::BadCastMode { mode }),
        }
    }
}
