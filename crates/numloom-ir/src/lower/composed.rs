//! Functions of numbers that are written with other operations: what each becomes, step for step.
//!
//! What goes in: a function of [`Composed`] and its arguments. What comes out: a value of the dtype that NumPy gives, computed in NumPy's order
//! of operations, so that the exact ones have its bits. Those that choose between values are in [`choice`](super::choice).

use std::f64::consts::{LN_2, LOG2_E, PI};

use numloom_data::{DType, Scalar};
use numloom_syntax::{Arg, ExprId, ExprKind, Span};

use super::operand::{Operand, Weak};
use super::{Lower, Lowered};
use crate::error::LowerErrorKind;
use crate::func::{Composed, Func};
use crate::op::{CastMode, Op};
use crate::program::Value;
use crate::promote::float_of;

/// The arguments of a call, each at the place of its parameter.
pub(super) struct Arguments {
    pub(super) func: &'static Func,
    pub(super) span: Span,
    places: Vec<Option<ExprId>>,
}

impl Arguments {
    /// The argument at a place that every call fills.
    pub(super) fn at(&self, place: usize) -> ExprId {
        self.places[place].expect("the least number of arguments is there")
    }

    /// Every argument there is.
    pub(super) fn all(&self) -> impl Iterator<Item = ExprId> + '_ {
        self.places.iter().copied().flatten()
    }

    /// The argument at a place, if there is one.
    pub(super) fn find(&self, place: usize) -> Option<ExprId> {
        self.places.get(place).copied().flatten()
    }
}

impl Lower<'_> {
    pub(super) fn composed(
        &mut self,
        func: &'static Func,
        which: Composed,
        args: &[Arg],
        span: Span,
    ) -> Lowered<Operand> {
        let args = self.arguments(func, which.keywords(), args, span)?;
        if let Some(result) = self.complex_composed(which, &args) {
            return result;
        }
        let value = match which {
            Composed::Square => self.square(&args),
            Composed::Reciprocal => self.reciprocal(&args),
            Composed::FloatPower => self.f64_power(&args),
            // NumPy's constants, each rounded to its dtype from a quotient in that dtype.
            Composed::Degrees => self.scaled(&args, 180.0 / PI, 180.0 / std::f32::consts::PI),
            Composed::Radians => self.scaled(&args, PI / 180.0, std::f32::consts::PI / 180.0),
            Composed::Sinc => self.sinc(&args),
            Composed::LogAddExp | Composed::LogAddExp2 => self.log_add_exp(which, &args),
            Composed::Heaviside => self.heaviside(&args),
            Composed::Spacing => self.spacing(&args),
            Composed::Ldexp => self.ldexp(&args),
            Composed::Round => self.round(&args),
            Composed::IsPosInf => self.is_infinity(&args, f64::INFINITY),
            Composed::IsNegInf => self.is_infinity(&args, f64::NEG_INFINITY),
            Composed::LogicalXor => self.logical_xor(&args),
            Composed::Popcount => self.popcount(&args),
            Composed::Fmin => self.order_numbers(Op::Minimum, Op::Lt, &args),
            Composed::Fmax => self.order_numbers(Op::Maximum, Op::Gt, &args),
            Composed::Clip => self.clip(&args),
            Composed::NanToNum => self.nan_to_num(&args),
            Composed::Select => return self.select_first(&args),
            Composed::IsClose => self.is_close(&args),
            Composed::IsIn => self.is_in(&args),
            Composed::ZerosLike => self.full_like(&args, Some(0)),
            Composed::OnesLike => self.full_like(&args, Some(1)),
            Composed::FullLike => self.full_like(&args, None),
            Composed::Copy => self.copy(&args),
        };
        value.map(Operand::Value)
    }

    /// Puts each argument in its place: positional ones in order, those with a keyword where it belongs.
    fn arguments(
        &mut self,
        func: &'static Func,
        keywords: &[(&'static str, usize)],
        args: &[Arg],
        span: Span,
    ) -> Lowered<Arguments> {
        let positional = args.iter().filter(|arg| arg.name.is_none());
        let mut places: Vec<_> = positional.map(|arg| Some(arg.value)).collect();
        let found = places.len();
        if found < func.arity.0 || found > func.arity.1 {
            let (signature, arity) = (func.signature, func.arity);
            let kind = LowerErrorKind::WrongArity {
                signature,
                arity,
                found,
            };
            return self.refuse(span, kind);
        }
        let last = keywords.iter().map(|(_, place)| place + 1).max();
        places.resize(last.unwrap_or(0).max(func.arity.1), None);
        for arg in args {
            let Some((keyword, keyword_span)) = &arg.name else {
                continue;
            };
            let Some(&(_, place)) = keywords.iter().find(|(name, _)| name == keyword) else {
                let known: Vec<&'static str> = keywords.iter().map(|&(name, _)| name).collect();
                return self.unknown_keyword(func, keyword, &known, *keyword_span);
            };
            if places[place].replace(arg.value).is_some() {
                let kind = LowerErrorKind::RepeatedArgument {
                    function: func.name(),
                    keyword: keyword.clone(),
                };
                return self.refuse(*keyword_span, kind);
            }
        }
        Ok(Arguments { func, span, places })
    }

    /// The argument at a place and where it stands.
    pub(super) fn argument(&mut self, args: &Arguments, place: usize) -> Lowered<(Operand, Span)> {
        let id = args.at(place);
        Ok((self.weak_operand(id)?, self.ast.span(id)))
    }

    /// The first `N` arguments.
    pub(super) fn first<const N: usize>(
        &mut self,
        args: &Arguments,
    ) -> Lowered<[(Operand, Span); N]> {
        // All of them, so that errors in several are all reported.
        let found = std::array::from_fn::<_, N, _>(|place| self.argument(args, place));
        self.builder.at(args.span);
        let mut operands = Vec::with_capacity(N);
        for operand in found {
            operands.push(operand?);
        }
        Ok(operands.try_into().expect("as many as there were"))
    }

    /// The first `N` arguments, as values of their common float dtype.
    fn floats<const N: usize>(&mut self, args: &Arguments) -> Lowered<(DType, [Value; N])> {
        let operands = self.first::<N>(args)?;
        let common = self.common(&operands.each_ref().map(|(operand, _)| operand));
        let dtype = self.common_float(&operands, common);
        let values = self.promoted(&operands, dtype)?;
        Ok((dtype, values.try_into().expect("as many as there were")))
    }

    /// The one argument as a value of a dtype that computes, `bool` as `i8`.
    fn number(&mut self, args: &Arguments) -> Lowered<(DType, Value)> {
        let [(x, span)] = self.first(args)?;
        let dtype = match self.common(&[&x]) {
            DType::Bool => DType::I8,
            dtype => dtype,
        };
        Ok((dtype, self.coerce(&x, dtype, span)?))
    }

    /// A float constant of `dtype`, rounded from `f64`.
    pub(super) fn float(&mut self, dtype: DType, value: f64) -> Value {
        self.builder.constant(match dtype {
            DType::F32 => Scalar::F32(value as f32),
            _ => Scalar::F64(value),
        })
    }

    /// Refuses the argument at `place`, saying what the function needs there.
    pub(super) fn argument_refused<T>(
        &mut self,
        args: &Arguments,
        place: ExprId,
        needs: &'static str,
        help: Option<&str>,
    ) -> Lowered<T> {
        let operand = self.result(place)?;
        let at = [(self.ast.span(place), &operand)];
        let help = help.map(str::to_owned);
        self.operands_refused(args.func.name(), args.span, needs, &at, help)
    }

    fn square(&mut self, args: &Arguments) -> Lowered<Value> {
        let (_, x) = self.number(args)?;
        Ok(self.builder.apply(Op::Mul, &[x, x]))
    }

    /// Of integers only 1 and -1 have one that is not 0.
    fn reciprocal(&mut self, args: &Arguments) -> Lowered<Value> {
        let (dtype, x) = self.number(args)?;
        if dtype.is_float() {
            let one = self.float(dtype, 1.0);
            return Ok(self.builder.apply(Op::Div, &[one, x]));
        }
        let one = self.builder.constant(Scalar::from_bits(dtype, 1));
        let zero = self.builder.constant(Scalar::zero(dtype));
        let size = self.builder.apply(Op::Abs, &[x]);
        let is_unit = self.builder.apply(Op::Eq, &[size, one]);
        Ok(self.builder.apply(Op::Select, &[is_unit, x, zero]))
    }

    fn f64_power(&mut self, args: &Arguments) -> Lowered<Value> {
        let [(x, x_span), (y, y_span)] = self.first(args)?;
        let x = Operand::Value(self.coerce(&x, DType::F64, x_span)?);
        let y = match y {
            // The one form of its own with another answer, for -0 and -inf: NumPy takes it for the operator only.
            Operand::Weak(exponent) if exponent.as_f64() != 0.5 => y,
            _ => Operand::Value(self.coerce(&y, DType::F64, y_span)?),
        };
        self.power((&x, x_span), (&y, y_span))
    }

    fn scaled(&mut self, args: &Arguments, f64: f64, f32: f32) -> Lowered<Value> {
        let (dtype, [x]) = self.floats(args)?;
        let factor = self.builder.constant(match dtype {
            DType::F32 => Scalar::F32(f32),
            _ => Scalar::F64(f64),
        });
        Ok(self.builder.apply(Op::Mul, &[x, factor]))
    }

    fn sinc(&mut self, args: &Arguments) -> Lowered<Value> {
        let [(x, span)] = self.first(args)?;
        let (dtype, least) = match self.common(&[&x]) {
            DType::F32 => (DType::F32, f64::from(f32::EPSILON)),
            _ => (DType::F64, f64::EPSILON),
        };
        let x = self.coerce(&x, dtype, span)?;
        let pi = self.float(dtype, PI);
        let zero = self.float(dtype, 0.0);
        let least = self.float(dtype, least);
        let x = self.builder.apply(Op::Mul, &[pi, x]);
        // Small enough for its sine to be itself.
        let is_zero = self.builder.apply(Op::Eq, &[x, zero]);
        let x = self.builder.apply(Op::Select, &[is_zero, least, x]);
        let sine = self.builder.apply(Op::Sin, &[x]);
        Ok(self.builder.apply(Op::Div, &[sine, x]))
    }

    /// The larger, and what the smaller adds to it. Of equal ones, infinities above all, the difference is not formed.
    fn log_add_exp(&mut self, which: Composed, args: &Arguments) -> Lowered<Value> {
        let (dtype, [x, y]) = self.floats(args)?;
        let (exp, doubled) = match which {
            Composed::LogAddExp => (Op::Exp, LN_2),
            _ => (Op::Exp2, 1.0),
        };
        let doubled = self.float(dtype, doubled);
        let difference = self.builder.apply(Op::Sub, &[x, y]);
        let distance = self.builder.apply(Op::Abs, &[difference]);
        let below = self.builder.apply(Op::Neg, &[distance]);
        let ratio = self.builder.apply(exp, &[below]);
        let mut rest = self.builder.apply(Op::Log1p, &[ratio]);
        if which == Composed::LogAddExp2 {
            let factor = self.float(dtype, LOG2_E);
            rest = self.builder.apply(Op::Mul, &[factor, rest]);
        }
        let equal = self.builder.apply(Op::Eq, &[x, y]);
        let rest = self.builder.apply(Op::Select, &[equal, doubled, rest]);
        let larger = self.builder.apply(Op::Maximum, &[x, y]);
        Ok(self.builder.apply(Op::Add, &[larger, rest]))
    }

    fn heaviside(&mut self, args: &Arguments) -> Lowered<Value> {
        let (dtype, [x, h]) = self.floats(args)?;
        let zero = self.float(dtype, 0.0);
        let one = self.float(dtype, 1.0);
        let above = self.builder.apply(Op::Gt, &[x, zero]);
        let below = self.builder.apply(Op::Lt, &[x, zero]);
        let at_zero = self.builder.apply(Op::Eq, &[x, zero]);
        // What is in no order with 0 is NaN, and stays.
        let value = self.builder.apply(Op::Select, &[at_zero, h, x]);
        let value = self.builder.apply(Op::Select, &[below, zero, value]);
        Ok(self.builder.apply(Op::Select, &[above, one, value]))
    }

    fn spacing(&mut self, args: &Arguments) -> Lowered<Value> {
        let (dtype, [x]) = self.floats(args)?;
        let zero = self.float(dtype, 0.0);
        let up = self.float(dtype, f64::INFINITY);
        let down = self.float(dtype, f64::NEG_INFINITY);
        let below = self.builder.apply(Op::Lt, &[x, zero]);
        let outward = self.builder.apply(Op::Select, &[below, down, up]);
        let next = self.builder.apply(Op::NextAfter, &[x, outward]);
        Ok(self.builder.apply(Op::Sub, &[next, x]))
    }

    /// The exponent takes the float dtype of `x`: rounded only where it is far beyond every float's.
    fn ldexp(&mut self, args: &Arguments) -> Lowered<Value> {
        let [(x, x_span), (n, n_span)] = self.first(args)?;
        let is_integer = match &n {
            Operand::Weak(weak) => matches!(weak, Weak::Int(_)),
            Operand::WeakValue(n) => self.dtype(*n).is_integer(),
            _ => {
                let dtype = self.common(&[&n]);
                dtype.is_bool() || (dtype.is_integer() && dtype != DType::U64)
            }
        };
        if !is_integer {
            let needs = "an integer exponent, of at most 64 bits with a sign";
            return self.argument_refused(args, args.at(1), needs, None);
        }
        let dtype = float_of(self.common(&[&x]));
        let x = self.coerce(&x, dtype, x_span)?;
        let n = self.coerce(&n, dtype, n_span)?;
        Ok(self.builder.apply(Op::Ldexp, &[x, n]))
    }

    fn round(&mut self, args: &Arguments) -> Lowered<Value> {
        let decimals = match args.find(1) {
            None => 0,
            Some(id) => match self.operand(id)? {
                Operand::Weak(Weak::Int(decimals)) => decimals,
                _ => {
                    let wanted = "an integer literal";
                    return self.bad_argument(args.func, "decimals", wanted, self.ast.span(id));
                }
            },
        };
        let (x, span) = self.argument(args, 0)?;
        self.builder.at(args.span);
        let dtype = self.common(&[&x]);
        if !dtype.is_float() {
            // An integer has no decimals to lose.
            return if decimals == 0 || (decimals > 0 && dtype.is_integer()) {
                self.strong(&x, span)
            } else {
                let help = Some("make it a float: `round(f64(…), …)`");
                self.argument_refused(args, args.at(0), "a float for these `decimals`", help)
            };
        }
        let x = self.coerce(&x, dtype, span)?;
        let (first, last) = match decimals {
            0 => return Ok(self.builder.apply(Op::Round, &[x])),
            1.. => (Op::Mul, Op::Div),
            _ => (Op::Div, Op::Mul),
        };
        // By multiplications, as NumPy's: exact up to 10^22, infinite beyond the range of f64.
        let steps = decimals.unsigned_abs().min(400);
        let power = (0..steps).fold(1.0, |power, _| power * 10.0);
        let power = self.float(dtype, power);
        let scaled = self.builder.apply(first, &[x, power]);
        let rounded = self.builder.apply(Op::Round, &[scaled]);
        Ok(self.builder.apply(last, &[rounded, power]))
    }

    fn is_infinity(&mut self, args: &Arguments, infinity: f64) -> Lowered<Value> {
        let [(x, span)] = self.first(args)?;
        let dtype = self.common(&[&x]);
        if !dtype.is_float() {
            return Ok(self.builder.constant(Scalar::Bool(false)));
        }
        let x = self.coerce(&x, dtype, span)?;
        let infinity = self.float(dtype, infinity);
        Ok(self.builder.apply(Op::Eq, &[x, infinity]))
    }

    fn logical_xor(&mut self, args: &Arguments) -> Lowered<Value> {
        let [(x, x_span), (y, y_span)] = self.first(args)?;
        let (x, y) = (self.truth(&x, x_span), self.truth(&y, y_span));
        Ok(self.builder.apply(Op::Xor, &[x?, y?]))
    }

    /// The bits of |x|, as NumPy counts them.
    fn popcount(&mut self, args: &Arguments) -> Lowered<Value> {
        let [(x, span)] = self.first(args)?;
        let dtype = self.common(&[&x]);
        if dtype.is_float() {
            return self.argument_refused(args, args.at(0), "integers or bools", None);
        }
        let mut x = self.strong(&x, span)?;
        if self.dtype(x).is_integer() {
            let size = self.builder.apply(Op::Abs, &[x]);
            x = self.builder.apply(Op::Popcount, &[size]);
        }
        Ok(self.builder.cast(Op::Cast(CastMode::Wrap), x, DType::U8))
    }

    /// A constant, or the second argument, of the dtype of the first.
    fn full_like(&mut self, args: &Arguments, constant: Option<i128>) -> Lowered<Value> {
        let dtype = match self.result(args.at(0))? {
            // Read for its dtype only, so that `f16` stays what it is.
            Operand::Value(value) => self.dtype(value),
            _ => {
                let (x, _) = self.argument(args, 0)?;
                self.common(&[&x])
            }
        };
        self.builder.at(args.span);
        let (value, span) = match constant {
            Some(value) => (Operand::Weak(Weak::Int(value)), args.span),
            None => self.argument(args, 1)?,
        };
        let wide = match dtype {
            DType::F16 => DType::F32,
            other => other,
        };
        let value = self.coerce(&value, wide, span)?;
        Ok(self.builder.cast(Op::Cast(CastMode::Wrap), value, dtype))
    }

    fn copy(&mut self, args: &Arguments) -> Lowered<Value> {
        match self.result(args.at(0))? {
            Operand::Value(value) if self.dtype(value) == DType::F16 => Ok(value),
            _ => {
                let (x, span) = self.argument(args, 0)?;
                self.strong(&x, span)
            }
        }
    }

    /// Whether an argument is the literal `None`.
    pub(super) fn is_none(&self, id: ExprId) -> bool {
        matches!(self.ast.kind(id), ExprKind::None)
    }
}
