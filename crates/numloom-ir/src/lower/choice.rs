//! Functions that choose between values, written with comparisons and selections.

use numloom_data::{DType, Scalar};
use numloom_syntax::{CmpOp, ExprId, ExprKind, Span};

use super::composed::Arguments;
use super::operand::{Operand, Weak, int_range};
use super::{Lower, Lowered};
use crate::op::{CastMode, Op};
use crate::program::Value;
use crate::promote::{WeakKind, with_weak};

impl Lower<'_> {
    /// `fmin`, `fmax`: x where it is strictly on its side or `y` is NaN, else `y`. Integers have an operation for it.
    pub(super) fn order_numbers(
        &mut self,
        op: Op,
        compare: Op,
        args: &Arguments,
    ) -> Lowered<Value> {
        let operands = self.first::<2>(args)?;
        let dtype = self.common(&operands.each_ref().map(|(operand, _)| operand));
        let values = self.promoted(&operands, dtype)?;
        if !dtype.is_float() {
            return Ok(self.builder.apply(op, &values));
        }
        let (x, y) = (values[0], values[1]);
        let chosen = self.builder.apply(compare, &[x, y]);
        let chosen = self.builder.apply(Op::Select, &[chosen, x, y]);
        let missing = self.builder.apply(Op::IsNan, &[y]);
        Ok(self.builder.apply(Op::Select, &[missing, x, chosen]))
    }

    /// `minimum(maximum(x, min), max)` in the common dtype. A literal that no value of an integer `x` is beyond is no bound, as in NumPy: also not
    /// of what a wider other bound lets through.
    pub(super) fn clip(&mut self, args: &Arguments) -> Lowered<Value> {
        let (x, x_span) = self.argument(args, 0)?;
        let strong = match &x {
            Operand::Value(value) => Some(self.dtype(*value)).filter(|dtype| dtype.is_integer()),
            _ => None,
        };
        let mut weak_bounds = true;
        for place in [1, 2] {
            if let Some(id) = args.find(place).filter(|&id| !self.is_none(id)) {
                let bound = self.weak_operand(id)?;
                weak_bounds &= bound.is_weak() && self.common(&[&bound]).is_integer();
            }
        }
        let mut bounds: Vec<(Op, Operand, Span)> = Vec::new();
        for (place, op) in [(1, Op::Maximum), (2, Op::Minimum)] {
            let Some(id) = args.find(place).filter(|&id| !self.is_none(id)) else {
                continue;
            };
            let mut bound = self.weak_operand(id)?;
            if let (Operand::WeakValue(value), Some(dtype)) = (&bound, strong)
                && self.dtype(*value).is_integer()
                && weak_bounds
            {
                bound = Operand::Value(self.reached(op, *value, dtype));
            }
            let beyond = match (&bound, strong.map(int_range)) {
                (Operand::Weak(Weak::Int(bound)), Some((least, most))) => match op {
                    Op::Maximum => *bound <= least,
                    _ => *bound >= most,
                },
                _ => false,
            };
            if !beyond {
                bounds.push((op, bound, self.ast.span(id)));
            }
        }
        self.builder.at(args.span);
        let operands: Vec<&Operand> = std::iter::once(&x)
            .chain(bounds.iter().map(|(_, bound, _)| bound))
            .collect();
        let dtype = self.common(&operands);
        let mut value = self.coerce(&x, dtype, x_span)?;
        for (op, bound, span) in &bounds {
            let bound = self.coerce(bound, dtype, *span)?;
            value = self.builder.apply(*op, &[value, bound]);
        }
        Ok(value)
    }

    /// An integer bound as one of `dtype`: one that every value is within already as the last of them, and one that none is within as an error of
    /// the run.
    fn reached(&mut self, op: Op, bound: Value, dtype: DType) -> Value {
        let (least, most) = int_range(dtype);
        let (from_least, from_most) = int_range(self.dtype(bound));
        let within = match op {
            Op::Maximum => Some((Op::Maximum, least)).filter(|_| least > from_least),
            _ => Some((Op::Minimum, most)).filter(|_| most < from_most),
        };
        let mut value = bound;
        if let Some((op, last)) = within {
            let last = Scalar::from_bits(self.dtype(bound), last as u128);
            let last = self.builder.constant(last);
            value = self.builder.apply(op, &[value, last]);
        }
        let checked = Op::Cast(CastMode::Checked);
        self.builder.cast(checked, value, dtype)
    }

    pub(super) fn nan_to_num(&mut self, args: &Arguments) -> Lowered<Value> {
        let (x, span) = self.argument(args, 0)?;
        let dtype = self.common(&[&x]);
        let numbers = self.numbers_instead(args, dtype)?;
        self.builder.at(args.span);
        if !dtype.is_float() {
            return self.strong(&x, span);
        }
        let x = self.coerce(&x, dtype, span)?;
        Ok(self.replace_non_finite(x, numbers))
    }

    /// What `nan_to_num` puts in the place of NaN, infinity and its opposite.
    pub(super) fn numbers_instead(&mut self, args: &Arguments, dtype: DType) -> Lowered<[f64; 3]> {
        let most = match dtype {
            DType::F32 => f64::from(f32::MAX),
            _ => f64::MAX,
        };
        let mut numbers = [0.0, most, -most];
        let keywords = ["nan", "posinf", "neginf"];
        for ((place, keyword), number) in (1..).zip(keywords).zip(&mut numbers) {
            let Some(id) = args.find(place).filter(|&id| !self.is_none(id)) else {
                continue;
            };
            *number = match self.operand(id)? {
                Operand::Weak(weak) => weak.as_f64(),
                _ => return self.bad_argument(args.func, keyword, "a literal", self.ast.span(id)),
            };
        }
        Ok(numbers)
    }

    /// A float with numbers for NaN, infinity and its opposite.
    pub(super) fn replace_non_finite(&mut self, x: Value, numbers: [f64; 3]) -> Value {
        let dtype = self.dtype(x);
        let [nan, above, below] = numbers.map(|number| self.float(dtype, number));
        let plus = self.float(dtype, f64::INFINITY);
        let minus = self.float(dtype, f64::NEG_INFINITY);
        let is_plus = self.builder.apply(Op::Eq, &[x, plus]);
        let is_minus = self.builder.apply(Op::Eq, &[x, minus]);
        let is_nan = self.builder.apply(Op::IsNan, &[x]);
        let value = self.builder.apply(Op::Select, &[is_minus, below, x]);
        let value = self.builder.apply(Op::Select, &[is_plus, above, value]);
        self.builder.apply(Op::Select, &[is_nan, nan, value])
    }

    /// `select((c1, c2), (x1, x2), default)`: a chain of selections, the first condition outermost.
    pub(super) fn select_first(&mut self, args: &Arguments) -> Lowered<Operand> {
        let (conditions, choices) = (args.at(0), args.at(1));
        let (Some(conditions), Some(choices)) = (self.tuple(conditions), self.tuple(choices))
        else {
            let (which, place) = match self.tuple(conditions) {
                None => ("conditions", conditions),
                Some(_) => ("choices", choices),
            };
            let wanted = "a tuple, that of one written `(x,)`";
            return self.bad_argument(args.func, which, wanted, self.ast.span(place));
        };
        if conditions.len() != choices.len() || conditions.is_empty() {
            let wanted = "as many as its conditions, and one at least";
            let span = self.ast.span(args.at(1));
            return self.bad_argument(args.func, "choices", wanted, span);
        }
        let mut operands = Vec::with_capacity(choices.len() + 1);
        for &id in choices.iter().chain(&args.find(2)) {
            operands.push((self.weak_operand(id)?, self.ast.span(id)));
        }
        if args.find(2).is_none() {
            operands.push((Operand::Weak(Weak::Int(0)), args.span));
        }
        let dtype = self.common(
            &operands
                .iter()
                .map(|(operand, _)| operand)
                .collect::<Vec<_>>(),
        );
        let mut tests = Vec::with_capacity(conditions.len());
        for id in conditions {
            match self.operand(id)? {
                Operand::Value(value) if self.dtype(value).is_bool() => tests.push(value),
                _ => {
                    let help = Some("write `x != 0` to test a number");
                    return self.argument_refused(args, id, "conditions that are bools", help);
                }
            }
        }
        self.builder.at(args.span);
        if dtype.is_complex() {
            return self.complex_select_first(&tests, &operands, dtype);
        }
        let values = self.promoted(&operands, dtype)?;
        let (&default, choices) = values.split_last().expect("the default is there");
        let chain = tests.iter().zip(choices).rev();
        let chosen = chain.fold(default, |rest, (&test, &choice)| {
            self.builder.apply(Op::Select, &[test, choice, rest])
        });
        Ok(Operand::Value(chosen))
    }

    /// `x == a or x == b or …` over literals; the comparison is that of `==`, so one out of range is never equal.
    pub(super) fn is_in(&mut self, args: &Arguments) -> Lowered<Value> {
        let values = match self.tuple(args.at(1)) {
            Some(values) => values,
            None => vec![args.at(1)],
        };
        let invert = self.flag(args.func, "invert", args.find(2))?;
        let mut any = None;
        for id in values {
            let is_literal = matches!(self.ast.kind(id), ExprKind::Bool(_))
                || matches!(self.result(id)?, Operand::Bytes(_) | Operand::Text(_))
                || matches!(
                    self.operand(id)?,
                    Operand::Weak(_) | Operand::ComplexLiteral(..)
                );
            if !is_literal {
                let wanted = "a literal or a tuple of literals";
                return self.bad_argument(args.func, "values", wanted, self.ast.span(id));
            }
            let equal = self.compare(CmpOp::Eq, args.at(0), id, args.span)?;
            self.builder.at(args.span);
            any = Some(match any {
                None => equal,
                Some(any) => self.builder.apply(Op::Or, &[any, equal]),
            });
        }
        let any = match any {
            Some(any) => any,
            None => {
                self.operand(args.at(0))?; // no array at all is an error all the same
                self.builder.constant(Scalar::Bool(false))
            }
        };
        Ok(match invert {
            true => self.builder.apply(Op::Not, &[any]),
            false => any,
        })
    }

    /// `x == y`, or the distance within tolerances of a finite `y`; that of an integer `y` is measured in floats.
    pub(super) fn is_close(&mut self, args: &Arguments) -> Lowered<Value> {
        let mut tolerances = [1e-5, 1e-8];
        let keywords = ["rtol", "atol"];
        for ((place, keyword), tolerance) in (2..).zip(keywords).zip(&mut tolerances) {
            if let Some(id) = args.find(place) {
                *tolerance = match self.operand(id)? {
                    Operand::Weak(weak) => weak.as_f64(),
                    _ => {
                        return self.bad_argument(
                            args.func,
                            keyword,
                            "a literal",
                            self.ast.span(id),
                        );
                    }
                };
            }
        }
        let equal_nan = self.flag(args.func, "equal_nan", args.find(4))?;
        let [(x, x_span), (y, y_span)] = self.first(args)?;
        let [rtol, atol] = tolerances;
        // What is weak keeps the precision of f64 until it meets x; `y` is taken first where both are.
        let y = match y {
            Operand::Weak(y) => Operand::Weak(Weak::Float(y.as_f64())),
            Operand::WeakValue(_) => Operand::WeakValue(self.coerce(&y, DType::F64, y_span)?),
            y => {
                let dtype = with_weak(self.common(&[&y]), WeakKind::Float);
                Operand::Value(self.coerce(&y, dtype, y_span)?)
            }
        };
        let dtype = self.common(&[&x, &y]);
        let bound = match &y {
            Operand::Value(y) | Operand::WeakValue(y) => {
                let own = self.dtype(*y);
                let [rtol, atol] = [rtol, atol].map(|tolerance| self.float(own, tolerance));
                let size = self.builder.apply(Op::Abs, &[*y]);
                let bound = self.builder.apply(Op::Mul, &[rtol, size]);
                let bound = self.builder.apply(Op::Add, &[atol, bound]);
                self.builder.cast(Op::Cast(CastMode::Wrap), bound, dtype)
            }
            Operand::Weak(y) => self.float(dtype, atol + rtol * y.as_f64().abs()),
            _ => unreachable!("an operand is a literal or a value"),
        };
        let x = self.coerce(&x, dtype, x_span)?;
        let y = self.coerce(&y, dtype, y_span)?;
        let difference = self.builder.apply(Op::Sub, &[x, y]);
        let distance = self.builder.apply(Op::Abs, &[difference]);
        let near = self.builder.apply(Op::Le, &[distance, bound]);
        let finite = self.builder.apply(Op::IsFinite, &[y]);
        let near = self.builder.apply(Op::And, &[near, finite]);
        let equal = self.builder.apply(Op::Eq, &[x, y]);
        let close = self.builder.apply(Op::Or, &[near, equal]);
        if !equal_nan {
            return Ok(close);
        }
        let [x, y] = [x, y].map(|value| self.builder.apply(Op::IsNan, &[value]));
        let both = self.builder.apply(Op::And, &[x, y]);
        Ok(self.builder.apply(Op::Or, &[close, both]))
    }

    /// The parts of a tuple.
    fn tuple(&self, id: ExprId) -> Option<Vec<ExprId>> {
        match self.ast.kind(id) {
            ExprKind::Tuple(parts) => Some(parts.clone()),
            _ => None,
        }
    }
}
