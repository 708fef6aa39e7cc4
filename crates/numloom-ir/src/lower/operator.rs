//! Operators: their dtypes, exact mixed comparisons, constant powers.

use numloom_data::{DType, Scalar};
use numloom_syntax::{BinaryOp, BoolOp, CmpOp, ExprId, Span, UnaryOp};

use super::operand::{Operand, Weak, int_range};
use super::{Lower, Lowered};
use crate::error::LowerErrorKind;
use crate::op::Op;
use crate::program::Value;
use crate::promote::promote;

/// The most multiplications that a constant integer power becomes; beyond, it is the `pow` operation.
const MAX_MULTIPLICATIONS: u32 = 64;

/// The operation of a binary operator on operands of one dtype.
pub(super) fn operation(op: BinaryOp) -> Op {
    match op {
        BinaryOp::Pow => Op::Pow,
        BinaryOp::Mul => Op::Mul,
        BinaryOp::Div => Op::Div,
        BinaryOp::FloorDiv => Op::FloorDiv,
        BinaryOp::Rem => Op::Rem,
        BinaryOp::Add => Op::Add,
        BinaryOp::Sub => Op::Sub,
        BinaryOp::Shl => Op::Shl,
        BinaryOp::Shr => Op::Shr,
        BinaryOp::BitAnd => Op::And,
        BinaryOp::BitXor => Op::Xor,
        BinaryOp::BitOr => Op::Or,
    }
}

pub(super) fn comparison(op: CmpOp) -> Op {
    match op {
        CmpOp::Lt => Op::Lt,
        CmpOp::Le => Op::Le,
        CmpOp::Gt => Op::Gt,
        CmpOp::Ge => Op::Ge,
        CmpOp::Eq => Op::Eq,
        CmpOp::Ne => Op::Ne,
    }
}

/// The comparison with its operands exchanged.
fn mirrored(op: CmpOp) -> CmpOp {
    match op {
        CmpOp::Lt => CmpOp::Gt,
        CmpOp::Le => CmpOp::Ge,
        CmpOp::Gt => CmpOp::Lt,
        CmpOp::Ge => CmpOp::Le,
        CmpOp::Eq | CmpOp::Ne => op,
    }
}

/// Whether `x op y` holds, given how `x` compares to `y`.
fn holds(op: CmpOp, order: std::cmp::Ordering) -> bool {
    match op {
        CmpOp::Lt => order.is_lt(),
        CmpOp::Le => order.is_le(),
        CmpOp::Gt => order.is_gt(),
        CmpOp::Ge => order.is_ge(),
        CmpOp::Eq => order.is_eq(),
        CmpOp::Ne => order.is_ne(),
    }
}

impl Lower<'_> {
    pub(super) fn unary(&mut self, op: UnaryOp, arg: ExprId, span: Span) -> Lowered<Operand> {
        let operand = self.weak_operand(arg)?;
        let arg_span = self.ast.span(arg);
        self.builder.at(span);
        if let (UnaryOp::Neg | UnaryOp::Invert, Operand::WeakValue(value)) = (op, &operand)
            && self.dtype(*value).is_integer()
        {
            return Ok(Operand::WeakValue(self.exact_unary(op, *value)));
        }
        if op != UnaryOp::Not && matches!(operand, Operand::WeakValue(_) | Operand::WeakComplex(_))
        {
            let result = self.unary_of(op, operand.fixed(), arg_span, span)?;
            return Ok(self.weakened(result));
        }
        self.unary_of(op, operand, arg_span, span)
    }

    fn unary_of(
        &mut self,
        op: UnaryOp,
        operand: Operand,
        arg_span: Span,
        span: Span,
    ) -> Lowered<Operand> {
        match (op, &operand) {
            (UnaryOp::Neg, Operand::Weak(Weak::Int(value))) => match value.checked_neg() {
                Some(value) => return Ok(Operand::Weak(Weak::Int(value))),
                None => return self.refuse(span, LowerErrorKind::ConstantOverflow),
            },
            (UnaryOp::Neg, Operand::Weak(Weak::Float(value))) => {
                return Ok(Operand::Weak(Weak::Float(-value)));
            }
            (UnaryOp::Pos, Operand::Weak(_)) => return Ok(operand),
            (UnaryOp::Invert, Operand::Weak(Weak::Int(value))) => {
                return Ok(Operand::Weak(Weak::Int(!value)));
            }
            (UnaryOp::Not, _) => {
                let value = self.truth(&operand, arg_span)?;
                return Ok(Operand::Value(self.builder.apply(Op::Not, &[value])));
            }
            _ => {}
        }
        if operand.is_complex() {
            return self.complex_unary(op, (&operand, arg_span), span);
        }
        let dtype = self.common(&[&operand]);
        let at = [(arg_span, &operand)];
        match op {
            UnaryOp::Invert if dtype.is_float() => {
                self.operands_refused("~", span, "integers or bools", &at, None)
            }
            UnaryOp::Neg | UnaryOp::Pos if dtype.is_bool() => {
                let help =
                    (op == UnaryOp::Neg).then(|| "write `~` or `not` for the opposite".to_owned());
                self.operands_refused(op.symbol(), span, "numbers", &at, help)
            }
            UnaryOp::Pos => Ok(operand),
            UnaryOp::Neg | UnaryOp::Invert | UnaryOp::Not => {
                let op = if op == UnaryOp::Neg { Op::Neg } else { Op::Not };
                let value = self.strong(&operand, arg_span)?;
                Ok(Operand::Value(self.builder.apply(op, &[value])))
            }
        }
    }

    /// Reports operands of dtypes that `operation` does not take.
    pub(super) fn operands_refused<T>(
        &mut self,
        operation: &str,
        span: Span,
        needs: &'static str,
        operands: &[(Span, &Operand)],
        help: Option<String>,
    ) -> Lowered<T> {
        let operands = operands
            .iter()
            .map(|(span, operand)| (*span, self.type_words(operand)))
            .collect();
        let operation = operation.to_owned();
        self.refuse(
            span,
            LowerErrorKind::OperandTypes {
                operation,
                needs,
                operands,
                help,
            },
        )
    }

    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        lhs: ExprId,
        rhs: ExprId,
        op_span: Span,
    ) -> Lowered<Operand> {
        let (x, y) = (self.weak_operand(lhs), self.weak_operand(rhs));
        let (x, y) = (x?, y?);
        let (x_span, y_span) = (self.ast.span(lhs), self.ast.span(rhs));
        self.builder.at(x_span.merge(y_span));
        if let (Operand::Weak(a), Operand::Weak(b)) = (&x, &y) {
            return self.weak_binary(op, *a, *b, op_span, &[(x_span, &x), (y_span, &y)]);
        }
        let (x, y) = ((&x, x_span), (&y, y_span));
        if !(x.0.is_weak() && y.0.is_weak()) {
            return self.binary_of(op, x, y, op_span);
        }
        let result = match self.common(&[x.0, y.0]).is_integer() {
            true => self.exact_binary(op, x, y, op_span)?,
            false => self.binary_of(op, x, y, op_span)?,
        };
        Ok(self.weakened(result))
    }

    pub(super) fn binary_of(
        &mut self,
        op: BinaryOp,
        (x, x_span): (&Operand, Span),
        (y, y_span): (&Operand, Span),
        op_span: Span,
    ) -> Lowered<Operand> {
        if x.is_complex() || y.is_complex() {
            return self.complex_binary(op, (x, x_span), (y, y_span), op_span);
        }
        if op == BinaryOp::Pow {
            return self.power((x, x_span), (y, y_span)).map(Operand::Value);
        }
        let mut dtype = self.common(&[x, y]);
        let operation = match op {
            BinaryOp::Add if dtype.is_bool() => Op::Or,
            BinaryOp::Mul if dtype.is_bool() => Op::And,
            _ => operation(op),
        };
        let at = [(x_span, x), (y_span, y)];
        match op {
            BinaryOp::Sub if dtype.is_bool() => {
                let help = Some("write `^` for the difference of two bools".to_owned());
                return self.operands_refused("-", op_span, "numbers", &at, help);
            }
            BinaryOp::Div if !dtype.is_float() => dtype = DType::F64,
            BinaryOp::FloorDiv | BinaryOp::Rem | BinaryOp::Shl | BinaryOp::Shr
                if dtype.is_bool() =>
            {
                dtype = DType::I8;
            }
            _ => {}
        }
        if !operation.info().domain.contains(dtype) {
            return self.bits_refused(op, op_span, &at);
        }
        let x = self.coerce(x, dtype, x_span);
        let y = self.coerce(y, dtype, y_span);
        Ok(Operand::Value(self.builder.apply(operation, &[x?, y?])))
    }

    /// Refuses a bitwise operator on floats, naming only the operands that are in the way.
    fn bits_refused<T>(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        at: &[(Span, &Operand); 2],
    ) -> Lowered<T> {
        let is_float = |operand: &Operand| match operand {
            Operand::Weak(weak) => matches!(weak, Weak::Float(_)),
            Operand::Value(value) | Operand::WeakValue(value) => self.dtype(*value).is_float(),
            _ => false,
        };
        let floats: Vec<(Span, &Operand)> = at
            .iter()
            .copied()
            .filter(|(_, operand)| is_float(operand))
            .collect();
        let shift = matches!(op, BinaryOp::Shl | BinaryOp::Shr);
        let needs = if shift {
            "integers"
        } else {
            "integers or bools"
        };
        let help = match &floats[..] {
            [] => Some("i64 and u64 have no common integer dtype; cast one of them".to_owned()),
            [(_, Operand::Value(_))] if !shift => Some("write `… != 0` to test a float".to_owned()),
            _ => None,
        };
        let shown = if floats.is_empty() {
            at.to_vec()
        } else {
            floats
        };
        self.operands_refused(op.symbol(), op_span, needs, &shown, help)
    }

    /// An operator on two literals: Python's meaning, in fixed width.
    fn weak_binary(
        &mut self,
        op: BinaryOp,
        a: Weak,
        b: Weak,
        op_span: Span,
        at: &[(Span, &Operand); 2],
    ) -> Lowered<Operand> {
        if let (Weak::Int(a), Weak::Int(b)) = (a, b) {
            let result = match op {
                BinaryOp::Add => a.checked_add(b),
                BinaryOp::Sub => a.checked_sub(b),
                BinaryOp::Mul => a.checked_mul(b),
                // As for arrays: by zero gives zero.
                BinaryOp::FloorDiv | BinaryOp::Rem if b == 0 => Some(0),
                BinaryOp::FloorDiv => a.checked_div_euclid(b).map(|_| floor_div(a, b)),
                BinaryOp::Rem => a.checked_rem_euclid(b).map(|_| a - floor_div(a, b) * b),
                BinaryOp::BitAnd => Some(a & b),
                BinaryOp::BitOr => Some(a | b),
                BinaryOp::BitXor => Some(a ^ b),
                // As for arrays: a count below zero gives 0, or the sign.
                BinaryOp::Shl if b < 0 => Some(0),
                BinaryOp::Shl => u32::try_from(b).ok().and_then(|n| shift_left(a, n)),
                BinaryOp::Shr => Some(a >> if b < 0 { 127 } else { b.min(127) }),
                BinaryOp::Pow if b >= 0 => power(a, b),
                BinaryOp::Pow | BinaryOp::Div => {
                    return Ok(Operand::Weak(Weak::Float(
                        self.float_literals(op, a as f64, b as f64),
                    )));
                }
            };
            return match result {
                Some(value) => Ok(Operand::Weak(Weak::Int(value))),
                None => self.refuse(op_span, LowerErrorKind::ConstantOverflow),
            };
        }
        match op {
            BinaryOp::BitAnd
            | BinaryOp::BitOr
            | BinaryOp::BitXor
            | BinaryOp::Shl
            | BinaryOp::Shr => self.bits_refused(op, op_span, at),
            _ => Ok(Operand::Weak(Weak::Float(self.float_literals(
                op,
                a.as_f64(),
                b.as_f64(),
            )))),
        }
    }

    /// An operator on two float literals, computed as every engine computes it.
    fn float_literals(&self, op: BinaryOp, a: f64, b: f64) -> f64 {
        crate::interp::eval_scalar(operation(op), DType::F64, &[Scalar::F64(a), Scalar::F64(b)])
            .and_then(|result| result.as_f64())
            .expect("float arithmetic does not fault")
    }

    /// `x ** y`. Constant exponents are meaning, fixed here for every engine.
    pub(super) fn power(&mut self, x: (&Operand, Span), y: (&Operand, Span)) -> Lowered<Value> {
        let mut dtype = self.common(&[x.0, y.0]);
        if dtype.is_bool() {
            dtype = DType::I8;
        }
        let base = self.coerce(x.0, dtype, x.1);
        let Operand::Weak(exponent) = *y.0 else {
            let exponent = self.coerce(y.0, dtype, y.1);
            let (base, mut exponent) = (base?, exponent?);
            if Op::Pow.can_fault(dtype) {
                let validity = self.validity_of_all([base, exponent]);
                exponent = self.zero_where_null(exponent, validity);
            }
            return Ok(self.builder.apply(Op::Pow, &[base, exponent]));
        };
        let base = base?;
        match exponent {
            Weak::Int(exponent) if dtype.is_integer() && exponent < 0 => {
                let kind = LowerErrorKind::NegativeIntegerPower {
                    exponent,
                    base: x.1,
                    dtype,
                };
                return self.refuse(y.1, kind);
            }
            Weak::Int(exponent) if dtype.is_integer() => {
                let range = int_range(dtype);
                if exponent <= range.1
                    && let Some(value) = self.integer_power(base, exponent, dtype)
                {
                    return Ok(value);
                }
            }
            _ => {
                if let Some(value) = self.float_power(base, exponent.as_f64(), dtype) {
                    return Ok(value);
                }
            }
        }
        let exponent = self.literal(exponent, dtype, y.1)?;
        Ok(self.builder.apply(Op::Pow, &[base, exponent]))
    }

    /// An integer power as multiplications, by squaring; wrapping makes any order of them the same.
    fn integer_power(&mut self, base: Value, exponent: i128, dtype: DType) -> Option<Value> {
        let exponent = u64::try_from(exponent).ok()?;
        if exponent == 0 {
            return Some(self.whatever(base, Scalar::from_bits(dtype, 1)));
        }
        if exponent.ilog2() + exponent.count_ones() - 1 > MAX_MULTIPLICATIONS {
            return None;
        }
        let mut square = base;
        let mut result = None;
        let mut rest = exponent;
        loop {
            if rest & 1 == 1 {
                result = Some(match result {
                    None => square,
                    Some(product) => self.builder.apply(Op::Mul, &[product, square]),
                });
            }
            rest >>= 1;
            if rest == 0 {
                return result;
            }
            square = self.builder.apply(Op::Mul, &[square, square]);
        }
    }

    /// `answer`, whatever `value` is: what that refuses or faults on stays, and goes with it where there can be nothing of the kind.
    pub(super) fn whatever(&mut self, value: Value, answer: Scalar) -> Value {
        let answer = self.builder.constant(answer);
        let same = self.builder.apply(Op::Eq, &[value, value]);
        self.builder.apply(Op::Select, &[same, answer, answer])
    }

    /// The float powers that have a form of their own, as NumPy's.
    fn float_power(&mut self, base: Value, exponent: f64, dtype: DType) -> Option<Value> {
        let one = if dtype == DType::F32 {
            Scalar::F32(1.0)
        } else {
            Scalar::F64(1.0)
        };
        if exponent == 2.0 {
            Some(self.builder.apply(Op::Mul, &[base, base]))
        } else if exponent == 1.0 {
            Some(base)
        } else if exponent == 0.0 {
            Some(self.whatever(base, one))
        } else if exponent == -1.0 {
            let one = self.builder.constant(one);
            Some(self.builder.apply(Op::Div, &[one, base]))
        } else if exponent == 0.5 {
            Some(self.builder.apply(Op::Sqrt, &[base]))
        } else {
            None
        }
    }

    /// `a < b <= c`: each neighbouring pair, all of them.
    pub(super) fn comparison(
        &mut self,
        first: ExprId,
        rest: &[(CmpOp, Span, ExprId)],
    ) -> Lowered<Operand> {
        let mut left = first;
        let mut all: Lowered<Option<Value>> = Ok(None);
        for &(op, op_span, right) in rest {
            let pair = self.compare(op, left, right, op_span);
            all = match (all, pair) {
                (Ok(None), Ok(pair)) => Ok(Some(pair)),
                (Ok(Some(all)), Ok(pair)) => Ok(Some(self.builder.apply(Op::And, &[all, pair]))),
                (Err(poisoned), _) | (_, Err(poisoned)) => Err(poisoned),
            };
            left = right;
        }
        Ok(Operand::Value(all?.expect("a comparison has two sides")))
    }

    pub(super) fn compare(
        &mut self,
        op: CmpOp,
        lhs: ExprId,
        rhs: ExprId,
        op_span: Span,
    ) -> Lowered<Value> {
        if let Some(answer) = self.compare_bytes(op, lhs, rhs, op_span)? {
            return Ok(answer);
        }
        let (x, y) = (self.weak_operand(lhs), self.weak_operand(rhs));
        let (mut x, mut y) = (x?, y?);
        let (x_span, y_span) = (self.ast.span(lhs), self.ast.span(rhs));
        self.builder.at(x_span.merge(y_span));
        let common = self.common(&[&x, &y]);
        if common.is_bool() || common.is_integer() {
            // Integers compare exactly, also those that do not fit.
            (x, y) = (x.fixed(), y.fixed());
        }
        if x.is_complex() || y.is_complex() {
            return self.complex_compare(op, (&x, x_span), (&y, y_span));
        }
        match (&x, &y) {
            (Operand::Weak(Weak::Int(a)), Operand::Weak(Weak::Int(b))) => {
                return Ok(self.builder.constant(Scalar::Bool(holds(op, a.cmp(b)))));
            }
            (Operand::Value(value), Operand::Weak(Weak::Int(literal))) => {
                if let Some(answer) = self.beyond(op, *value, *literal) {
                    return Ok(answer);
                }
            }
            (Operand::Weak(Weak::Int(literal)), Operand::Value(value)) => {
                if let Some(answer) = self.beyond(mirrored(op), *value, *literal) {
                    return Ok(answer);
                }
            }
            (Operand::Value(a), Operand::Value(b)) => match (self.dtype(*a), self.dtype(*b)) {
                (signed, DType::U64) if signed.is_signed() => {
                    return Ok(self.compare_signed(op, *a, *b));
                }
                (DType::U64, signed) if signed.is_signed() => {
                    return Ok(self.compare_signed(mirrored(op), *b, *a));
                }
                _ => {}
            },
            _ => {}
        }
        let dtype = self.common(&[&x, &y]);
        let x = self.coerce(&x, dtype, x_span);
        let y = self.coerce(&y, dtype, y_span);
        Ok(self.builder.apply(comparison(op), &[x?, y?]))
    }

    /// The answer of `value op literal` when no value of the dtype reaches the literal: the same for every element.
    fn beyond(&mut self, op: CmpOp, value: Value, literal: i128) -> Option<Value> {
        // Beside an integer literal a bool is an `i64`.
        let (least, most) = match self.dtype(value) {
            DType::Bool => int_range(DType::I64),
            dtype if dtype.is_integer() => int_range(dtype),
            _ => return None,
        };
        let order = if literal > most {
            std::cmp::Ordering::Less
        } else if literal < least {
            std::cmp::Ordering::Greater
        } else {
            return None;
        };
        Some(self.whatever(value, Scalar::Bool(holds(op, order))))
    }

    /// Compares a signed integer with a `u64`, exactly: below zero the signed one is the lesser, else both compare as `u64`.
    fn compare_signed(&mut self, op: CmpOp, signed: Value, unsigned: Value) -> Value {
        let wrap = Op::Cast(crate::op::CastMode::Wrap);
        let dtype = self.dtype(signed);
        let zero = self.builder.constant(Scalar::zero(dtype));
        let negative = self.builder.apply(Op::Lt, &[signed, zero]);
        let cast = self.builder.cast(wrap, signed, DType::U64);
        let compared = self.builder.apply(comparison(op), &[cast, unsigned]);
        let if_negative = self
            .builder
            .constant(Scalar::Bool(holds(op, std::cmp::Ordering::Less)));
        self.builder
            .apply(Op::Select, &[negative, if_negative, compared])
    }

    pub(super) fn boolean(&mut self, op: BoolOp, args: &[ExprId]) -> Lowered<Operand> {
        let op = match op {
            BoolOp::And => Op::And,
            BoolOp::Or => Op::Or,
        };
        let mut all: Lowered<Option<Value>> = Ok(None);
        for &arg in args {
            let span = self.ast.span(arg);
            let truth = self
                .operand(arg)
                .and_then(|operand| self.truth(&operand, span));
            all = match (all, truth) {
                (Ok(None), Ok(truth)) => Ok(Some(truth)),
                (Ok(Some(all)), Ok(truth)) => Ok(Some(self.builder.apply(op, &[all, truth]))),
                (Err(poisoned), _) | (_, Err(poisoned)) => Err(poisoned),
            };
        }
        Ok(Operand::Value(
            all?.expect("a boolean operator has operands"),
        ))
    }

    /// `y if c else z`, and `where(c, y, z)`.
    pub(super) fn select(
        &mut self,
        cond: ExprId,
        then: ExprId,
        otherwise: ExprId,
    ) -> Lowered<Operand> {
        let (c, y, z) = (
            self.operand(cond),
            self.weak_operand(then),
            self.weak_operand(otherwise),
        );
        let (c, y, z) = (c?, y?, z?);
        let c = self.truth(&c, self.ast.span(cond))?;
        if y.is_complex() || z.is_complex() {
            let (y_span, z_span) = (self.ast.span(then), self.ast.span(otherwise));
            return self.complex_select(c, (&y, y_span), (&z, z_span));
        }
        let dtype = self.common(&[&y, &z]);
        let y = self.coerce(&y, dtype, self.ast.span(then));
        let z = self.coerce(&z, dtype, self.ast.span(otherwise));
        Ok(Operand::Value(self.builder.apply(Op::Select, &[c, y?, z?])))
    }

    /// The common dtype of two operands, as values of it.
    pub(super) fn promoted(
        &mut self,
        operands: &[(Operand, Span)],
        dtype: DType,
    ) -> Lowered<Vec<Value>> {
        debug_assert!(promote(dtype, dtype).is_some());
        operands
            .iter()
            .map(|(operand, span)| self.coerce(operand, dtype, *span))
            .collect()
    }
}

/// Division rounded toward negative infinity; `b` is not zero and the quotient fits.
fn floor_div(a: i128, b: i128) -> i128 {
    let quotient = a / b;
    if a % b != 0 && (a < 0) != (b < 0) {
        quotient - 1
    } else {
        quotient
    }
}

/// `a << n`, if no set bit is lost.
fn shift_left(a: i128, n: u32) -> Option<i128> {
    let shifted = a.checked_shl(n)?;
    (shifted >> n == a).then_some(shifted)
}

/// `a ** b` for `b` not negative, if it fits: at most 127 steps, since |a| > 1 overflows by then.
fn power(a: i128, b: i128) -> Option<i128> {
    match (a, b) {
        (0 | 1, _) => Some(if b == 0 { 1 } else { a }),
        (-1, _) => Some(if b % 2 == 0 { 1 } else { -1 }),
        _ => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
    }
}
