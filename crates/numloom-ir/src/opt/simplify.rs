//! Local identities that keep every bit.
//!
//! One forward walk; each instruction is rewritten until no rule fits, seeing its operands as they are by then. `c` is a constant,
//! `i` holds for integers, `u` for unsigned and `s` for signed ones, `b` for bools, `f` for floats, no mark for all.
//!
//! | before | after | | before | after | |
//! |---|---|---|---|---|---|
//! | `x + 0`, `x - 0` | `x` | i | `x + -0.0`, `x - 0.0` | `x` | f |
//! | `x * 1`, `x // 1` | `x` | i | `x * 1.0`, `x / 1.0` | `x` | f |
//! | `x * -1`, `x // -1`, `0 - x` | `-x` | i | `x * -1.0`, `x / -1.0`, `-0.0 - x` | `-x` | f |
//! | `x * 0`, `x // 0`, `x % 0`, `x % 1`, `x % -1` | `0` | i ‡ | `x / 2**k` | `x * 2**-k` | f |
//! | `0 // x`, `0 % x`, `0 << x`, `0 >> x` | `0` | i ‡ | `floor(x)`, `x` integral by its making | `x` | f |
//! | `x // 2**k` | `x >> k` | i | `x + -y`, `x - -y` | `x - y`, `x + y` | |
//! | `x % 2**k` | `x & (2**k - 1)` | i | `-x * -y` | `x * y` | |
//! | `x << c`, `c` out of range | `0` | i ‡ | `--x`, `~~x` | `x` | |
//! | `x >> c`, `c` out of range | `0`; `x >> (width - 1)` | u ‡; s | `abs(-x)`, `abs(abs(x))` | `abs(x)` | s f |
//! | `x << 0`, `x >> 0` | `x` | i | `abs(x)` | `x` | u |
//! | `x & ones`, `x \| 0`, `x ^ 0` | `x` | i b | `sign(sign(x))` | `sign(x)` | |
//! | `x ^ ones` | `~x` | i b | `minimum(x, x)`, `maximum(x, x)` | `x` | |
//! | `x & 0`, `x \| ones` | the constant | i b ‡ | `x == x`, `x < x`, … | `True`, `False`, … | i b ‡ |
//! | `x & x`, `x \| x` | `x` | i b | `~(x == y)`, `~(x != y)` | `x != y`, `x == y` | |
//! | `x ^ x`, `x - x` | `0` | i b ‡ | `~(x < y)`, … | `x >= y`, … | i b |
//! | `x == True`, `x != False` | `x` | b | `select(c, x, y)` | the arm chosen | ‡ |
//! | `x == False`, `x != True` | `~x` | b | `select(x, y, y)` | `y` | ‡ |
//! | `select(x, True, False)` | `x` | b | `select(~x, y, z)` | `select(x, z, y)` | |
//! | `select(x, False, True)` | `~x` | b | casts of casts | see below | |
//!
//! ‡ Only if the operand that goes cannot fault, on any element: a fault belongs to the answer. A reduction can: of no elements, or of shapes that do not go together.
//!
//! A cast that loses nothing, then another, is one cast, or none if it leads back (`i8 → i32 → f64`, `bool → i64 → bool`). Two wrapping casts of
//! which the second is to an integer no wider are one (`i64 → i32 → i16`, `f64 → i64 → u8`), or none (`i32 → u64 → i32`). A checked or
//! saturating cast that loses nothing is a plain one; so is one to `bool`, and a saturating one to a float.
//!
//! Why `x / 2**k` may be a product: quotient and product are the same real number, correctly rounded, as long as `2**-k` itself is exact; it is
//! asked to be normal, since products with subnormals are slow. What is missing on purpose: `x * 0.0` is `-0.0` or NaN for some
//! `x`, `x + 0.0` turns `-0.0` into `0.0`, `x - x` and `x == x` know NaN.

use numloom_data::{DType, Scalar};

use crate::op::{CastMode, Op, Signature};
use crate::program::{Args, Inst, InstKind, Program, Value};

/// Applies local identities that keep every bit and every fault.
///
/// The program must satisfy [`verify`](crate::verify()).
pub fn simplify(prog: &Program) -> Program {
    let mut rewriter = Rewriter {
        insts: Vec::with_capacity(prog.insts.len()),
        may_fault: Vec::with_capacity(prog.insts.len()),
    };
    let mut stands_for = Vec::with_capacity(prog.insts.len());
    for inst in &prog.insts {
        let mut inst = inst.clone();
        inst.map_operands(|arg| stands_for[arg.index()]);
        stands_for.push(rewriter.rewrite(inst));
    }
    let mut outputs = prog.outputs.clone();
    for output in &mut outputs {
        output.map_values(|value| stands_for[value.index()]);
    }
    Program {
        inputs: prog.inputs.clone(),
        insts: rewriter.insts,
        outputs,
    }
}

/// What a rule makes of an operation; the dtype stays.
enum To {
    /// A value that is there already.
    Value(Value),
    /// A constant.
    Const(Scalar),
    /// Another operation.
    Apply(Op, Args),
    /// Another operation, on a value and a constant of its own.
    ApplyConst(Op, Value, Scalar),
}

/// The new program as far as it is written.
struct Rewriter {
    insts: Vec<Inst>,
    /// Whether the value, or one it is computed from, may raise a fault.
    may_fault: Vec<bool>,
}

impl Rewriter {
    fn rewrite(&mut self, mut inst: Inst) -> Value {
        // Ends: each rule removes an operation, or replaces it by one that it is no rule's business to turn back.
        while let InstKind::Apply { op, args } = inst.kind {
            inst.kind = match self.rule(op, args, inst.dtype) {
                None => break,
                Some(To::Value(value)) => return value,
                Some(To::Const(scalar)) => InstKind::Const(scalar),
                Some(To::Apply(op, args)) => InstKind::Apply { op, args },
                Some(To::ApplyConst(op, x, scalar)) => {
                    let c = self.push(Inst {
                        dtype: scalar.dtype(),
                        kind: InstKind::Const(scalar),
                        span: inst.span,
                    });
                    let args = Args::new(&[x, c]);
                    InstKind::Apply { op, args }
                }
            };
        }
        self.push(inst)
    }

    fn push(&mut self, inst: Inst) -> Value {
        let faults = self.faults(&inst) || inst.operands().iter().any(|&arg| !self.safe(arg));
        self.may_fault.push(faults);
        self.insts.push(inst);
        Value(self.insts.len() as u32 - 1)
    }

    /// Whether the operation itself may fault; a power to a constant that is not negative cannot.
    fn faults(&self, inst: &Inst) -> bool {
        let InstKind::Apply { op, args } = inst.kind else {
            return matches!(inst.kind, InstKind::Reduce(_));
        };
        let last = args[args.len() - 1];
        let harmless = op == Op::Pow && self.int(last).is_some_and(|exponent| exponent >= 0);
        op.can_fault(self.dtype(last)) && !harmless
    }

    /// Whether no element of `value` can fault, so that it may go.
    fn safe(&self, value: Value) -> bool {
        !self.may_fault[value.index()]
    }

    fn dtype(&self, value: Value) -> DType {
        self.insts[value.index()].dtype
    }

    fn constant(&self, value: Value) -> Option<&Scalar> {
        match &self.insts[value.index()].kind {
            InstKind::Const(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The value of an integer or bool constant.
    fn int(&self, value: Value) -> Option<i128> {
        self.constant(value)?.as_i128()
    }

    /// The operation that defines `value`, and its operands.
    fn applied(&self, value: Value) -> Option<(Op, Args)> {
        match self.insts[value.index()].kind {
            InstKind::Apply { op, args } => Some((op, args)),
            _ => None,
        }
    }

    /// The operand of `value` if it is `op` of it.
    fn operand_of(&self, op: Op, value: Value) -> Option<Value> {
        let (applied, args) = self.applied(value)?;
        (applied == op).then(|| args[0])
    }

    fn rule(&self, op: Op, args: Args, dtype: DType) -> Option<To> {
        match (op, args.as_slice()) {
            (Op::Cast(mode), &[x]) => self.cast(mode, x, dtype),
            (_, &[x]) => self.unary(op, x),
            (_, &[x, y]) => self.binary(op, x, y),
            (_, &[c, x, y]) => self.select(c, x, y),
            _ => None,
        }
    }

    fn unary(&self, op: Op, x: Value) -> Option<To> {
        let dtype = self.dtype(x);
        if op == Op::Abs && dtype.is_unsigned() {
            return Some(To::Value(x));
        }
        let (inner, args) = self.applied(x)?;
        Some(match (op, inner) {
            (Op::Neg, Op::Neg) | (Op::Not, Op::Not) => To::Value(args[0]),
            (Op::Abs, Op::Abs) | (Op::Sign, Op::Sign) => To::Value(x),
            (Op::Abs, Op::Neg) => To::Apply(Op::Abs, args),
            (Op::Not, _) => To::Apply(negated(inner, self.dtype(args[0]))?, args),
            (Op::Floor | Op::Ceil | Op::Trunc | Op::Round, _)
                if is_integral(inner, self.dtype(args[0])) =>
            {
                To::Value(x)
            }
            _ => return None,
        })
    }

    fn binary(&self, op: Op, x: Value, y: Value) -> Option<To> {
        let by_constant = if let Some(c) = self.constant(y) {
            self.right_constant(op, x, c)
        } else if let Some(c) = self.constant(x) {
            if op.is_commutative() {
                self.right_constant(op, y, c)
            } else {
                self.left_constant(op, c, y)
            }
        } else {
            None
        };
        let by_equality = || (x == y).then(|| self.equal_operands(op, x)).flatten();
        by_constant
            .or_else(by_equality)
            .or_else(|| self.signs(op, x, y))
    }

    /// `x op c`.
    fn right_constant(&self, op: Op, x: Value, c: &Scalar) -> Option<To> {
        match c.as_i128() {
            Some(int) => self.right_int(op, x, int, c),
            None => right_float(op, x, c),
        }
    }

    fn right_int(&self, op: Op, x: Value, c: i128, scalar: &Scalar) -> Option<To> {
        let dtype = scalar.dtype();
        let width = dtype.bits() as i128;
        let ones = all_ones(dtype);
        let is_ones = *scalar == ones;
        let counts = (0..width).contains(&c);
        let power = c > 1 && c.count_ones() == 1;
        let int = |value: i128| Scalar::from_bits(dtype, value as u128);
        Some(match (op, c) {
            (Op::Add | Op::Sub | Op::Or | Op::Xor | Op::Shl | Op::Shr, 0)
            | (Op::Mul | Op::FloorDiv, 1) => To::Value(x),
            (Op::And, _) if is_ones => To::Value(x),
            (Op::Xor, _) if is_ones => apply(Op::Not, &[x]),
            (Op::Mul | Op::FloorDiv, -1) => apply(Op::Neg, &[x]),
            (Op::Mul | Op::FloorDiv | Op::Rem | Op::Fmod | Op::And, 0)
            | (Op::Rem | Op::Fmod, 1 | -1)
                if self.safe(x) =>
            {
                To::Const(int(0))
            }
            (Op::Or, _) if is_ones && self.safe(x) => To::Const(ones),
            (Op::Shr, _) if !counts && dtype.is_signed() => {
                To::ApplyConst(Op::Shr, x, int(width - 1))
            }
            (Op::Shl | Op::Shr, _) if !counts && self.safe(x) => To::Const(int(0)),
            (Op::FloorDiv, _) if power => {
                To::ApplyConst(Op::Shr, x, int(i128::from(c.trailing_zeros())))
            }
            (Op::Rem, _) if power => To::ApplyConst(Op::And, x, int(c - 1)),
            (Op::Fmod, _) if power && dtype.is_unsigned() => To::ApplyConst(Op::And, x, int(c - 1)),
            (Op::Eq, 1) | (Op::Ne, 0) if dtype.is_bool() => To::Value(x),
            (Op::Eq, 0) | (Op::Ne, 1) if dtype.is_bool() => apply(Op::Not, &[x]),
            _ => return None,
        })
    }

    /// `c op x`, for an operation whose operands do not commute.
    fn left_constant(&self, op: Op, c: &Scalar, x: Value) -> Option<To> {
        Some(match (op, c.as_i128()) {
            (Op::Sub, Some(0)) => apply(Op::Neg, &[x]),
            (Op::Sub, None) if is_zero(c, true) => apply(Op::Neg, &[x]),
            (Op::FloorDiv | Op::Rem | Op::Fmod | Op::Shl | Op::Shr, Some(0)) if self.safe(x) => {
                To::Const(c.clone())
            }
            _ => return None,
        })
    }

    /// `x op x`.
    fn equal_operands(&self, op: Op, x: Value) -> Option<To> {
        let dtype = self.dtype(x);
        let gone = !dtype.is_float() && self.safe(x);
        Some(match op {
            Op::And | Op::Or | Op::Minimum | Op::Maximum => To::Value(x),
            Op::Xor | Op::Sub if gone => To::Const(Scalar::zero(dtype)),
            Op::Eq | Op::Le | Op::Ge if gone => To::Const(Scalar::Bool(true)),
            Op::Ne | Op::Lt | Op::Gt if gone => To::Const(Scalar::Bool(false)),
            _ => return None,
        })
    }

    /// Sums and products of negated operands.
    fn signs(&self, op: Op, x: Value, y: Value) -> Option<To> {
        let negated = |value| self.operand_of(Op::Neg, value);
        Some(match (op, negated(x), negated(y)) {
            (Op::Add, _, Some(y)) => apply(Op::Sub, &[x, y]),
            (Op::Add, Some(x), None) => apply(Op::Sub, &[y, x]),
            (Op::Sub, _, Some(y)) => apply(Op::Add, &[x, y]),
            (Op::Mul, Some(x), Some(y)) => apply(Op::Mul, &[x, y]),
            _ => return None,
        })
    }

    fn select(&self, c: Value, x: Value, y: Value) -> Option<To> {
        if let Some(chosen) = self.int(c) {
            let (arm, other) = if chosen != 0 { (x, y) } else { (y, x) };
            return self.safe(other).then_some(To::Value(arm));
        }
        if x == y && self.safe(c) {
            return Some(To::Value(x));
        }
        if let Some(c) = self.operand_of(Op::Not, c) {
            return Some(apply(Op::Select, &[c, y, x]));
        }
        match (self.constant(x)?, self.constant(y)?) {
            (Scalar::Bool(true), Scalar::Bool(false)) => Some(To::Value(c)),
            (Scalar::Bool(false), Scalar::Bool(true)) => Some(apply(Op::Not, &[c])),
            _ => None,
        }
    }

    /// A cast of `x` to `to`, which may be a cast itself.
    fn cast(&self, mode: CastMode, x: Value, to: DType) -> Option<To> {
        let middle = self.dtype(x);
        let plain = match mode {
            CastMode::Wrap => false,
            CastMode::Saturate => to.is_float() || to.is_bool() || is_exact(middle, to),
            CastMode::Checked => to.is_bool() || is_exact(middle, to),
        };
        if plain {
            return Some(apply(Op::Cast(CastMode::Wrap), &[x]));
        }
        let (Op::Cast(first), args) = self.applied(x)? else {
            return None;
        };
        let source = args[0];
        let from = self.dtype(source);
        // A checked cast names the value it was given, so it stays unless it leads back.
        let exact = is_exact(from, middle) && (mode != CastMode::Checked || from == to);
        let wraps = first == CastMode::Wrap && mode == CastMode::Wrap;
        let narrows = middle.is_integer() && to.is_integer() && to.bits() <= middle.bits();
        let merges = exact || (wraps && narrows);
        if !merges {
            return None;
        }
        Some(if from == to {
            To::Value(source)
        } else {
            To::Apply(Op::Cast(mode), args)
        })
    }
}

fn apply(op: Op, args: &[Value]) -> To {
    To::Apply(op, Args::new(args))
}

/// `x op c` for a float constant.
fn right_float(op: Op, x: Value, c: &Scalar) -> Option<To> {
    let dtype = c.dtype();
    let float = c.as_f64()?;
    Some(match op {
        Op::Add if is_zero(c, true) => To::Value(x),
        Op::Sub if is_zero(c, false) => To::Value(x),
        Op::Mul | Op::Div if float == 1.0 => To::Value(x),
        Op::Mul | Op::Div if float == -1.0 => apply(Op::Neg, &[x]),
        Op::Div => To::ApplyConst(Op::Mul, x, exact_reciprocal(float, dtype)?),
        _ => return None,
    })
}

/// Whether `c` is the float zero with this sign.
fn is_zero(c: &Scalar, negative: bool) -> bool {
    c.as_f64()
        .is_some_and(|c| c == 0.0 && c.is_sign_negative() == negative)
}

/// `1 / c`, if it is exact and normal: for powers of two.
fn exact_reciprocal(c: f64, dtype: DType) -> Option<Scalar> {
    let reciprocal = 1.0 / c;
    let power = c.is_normal() && c.to_bits() << 12 == 0;
    match dtype {
        DType::F32 if power && (reciprocal as f32).is_normal() => {
            Some(Scalar::F32(reciprocal as f32))
        }
        DType::F64 if power && reciprocal.is_normal() => Some(Scalar::F64(reciprocal)),
        _ => None,
    }
}

/// The constant with every bit of its value set; true for `bool`.
fn all_ones(dtype: DType) -> Scalar {
    Scalar::from_bits(dtype, u128::MAX)
}

/// The comparison that holds where `op` on `dtype` does not: an order has one only without NaN.
fn negated(op: Op, dtype: DType) -> Option<Op> {
    if op.info().signature != Signature::Compare {
        return None;
    }
    match op {
        Op::Eq => Some(Op::Ne),
        Op::Ne => Some(Op::Eq),
        _ if dtype.is_float() => None,
        Op::Lt => Some(Op::Ge),
        Op::Le => Some(Op::Gt),
        Op::Gt => Some(Op::Le),
        Op::Ge => Some(Op::Lt),
        _ => None,
    }
}

/// Whether `op` on operands of dtype `from` makes floats without a fraction.
fn is_integral(op: Op, from: DType) -> bool {
    match op {
        Op::Floor | Op::Ceil | Op::Trunc | Op::Round | Op::Sign => true,
        Op::Cast(_) => !from.is_float(),
        _ => false,
    }
}

/// Whether `to` holds every value of `from`.
fn is_exact(from: DType, to: DType) -> bool {
    // Bits of the magnitude; of a float, those it holds without gaps. No float here is too short in range for that.
    let digits = |dtype: DType| match dtype {
        DType::Bool => 1,
        DType::F16 => 11,
        DType::F32 => 24,
        DType::F64 => 53,
        _ => dtype.bits() - usize::from(dtype.is_signed()),
    };
    if from.is_float() {
        to.is_float() && digits(from) <= digits(to)
    } else {
        let sign = !from.is_signed() || !to.is_unsigned();
        from == to || (!to.is_bool() && sign && digits(from) <= digits(to))
    }
}
