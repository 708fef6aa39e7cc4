//! Operations other than conversions: one match over [`Op`].

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use numloom_data::{DType, Scalar};
use numloom_ir::Op;

use super::value::{Emit, Regs, Val, int_vector, vector};
use crate::bits::{float_bits, one};
use crate::error::{JitError, JitErrorKind};

impl Emit<'_> {
    /// `op` on `args`, whose last has dtype `from`, with a result of dtype `to`. `count` is the constant that the second operand of a
    /// shift is, if it is one.
    pub(super) fn apply(
        &mut self,
        op: Op,
        from: DType,
        to: DType,
        args: &[Val],
        count: Option<&Scalar>,
    ) -> Result<Val, JitError> {
        if let Op::Cast(mode) = op {
            return Ok(self.cast(mode, from, to, args[0]));
        }
        if let (Op::Select, &[condition, x, y]) = (op, args) {
            return Ok(self.select(from, condition, x, y));
        }
        let value = match *args {
            [Val::Mask(width, x)] => self.bool_unary(op, width, x),
            [x @ Val::Mask(..), y] => self.bool_binary(op, x, y),
            [Val::Number(x)] if from.is_float() => self.float_unary(op, from, x),
            [Val::Number(x)] => self.int_unary(op, from, x),
            [Val::Number(x), Val::Number(y)] if from.is_float() => {
                self.float_binary(op, from, x, y)
            }
            [Val::Number(x), Val::Number(y)] => self.int_binary(op, from, x, y, count),
            _ => None,
        };
        value.ok_or_else(|| {
            let reason = "the Cranelift backend does not inline it";
            JitErrorKind::Unsupported {
                op: Some(op),
                dtype: from,
                reason,
            }
            .into()
        })
    }

    fn select(&mut self, dtype: DType, condition: Val, x: Val, y: Val) -> Val {
        if dtype == DType::Bool {
            let (width, x, y) = self.common(x, y);
            let mask = self.mask_of(condition, width);
            return Val::Mask(width, self.blend(width, mask, x, y));
        }
        let (Val::Number(x), Val::Number(y)) = (x, y) else {
            unreachable!("only a `bool` is a mask");
        };
        let mask = self.mask_of(condition, dtype.itemsize());
        Val::Number(self.blend(dtype.itemsize(), mask, x, y))
    }

    fn bool_unary(&mut self, op: Op, width: usize, x: Regs) -> Option<Val> {
        match op {
            Op::Not => Some(Val::Mask(width, self.map(x, |e, x| e.b.ins().bnot(x)))),
            _ => None,
        }
    }

    fn bool_binary(&mut self, op: Op, x: Val, y: Val) -> Option<Val> {
        let opposite = match op {
            Op::Eq => Some(Op::Ne),
            Op::Le => Some(Op::Gt),
            Op::Ge => Some(Op::Lt),
            _ => None,
        };
        if let Some(opposite) = opposite {
            let Some(Val::Mask(width, mask)) = self.bool_binary(opposite, x, y) else {
                unreachable!("a comparison of `bool` is a mask");
            };
            return self.bool_unary(Op::Not, width, mask);
        }
        // False is less than true; `band_not` takes from its first operand what the second has.
        let f: fn(&mut Self, Value, Value) -> Value = match op {
            Op::And | Op::Minimum => |e, x, y| e.b.ins().band(x, y),
            Op::Or | Op::Maximum => |e, x, y| e.b.ins().bor(x, y),
            Op::Xor | Op::Ne => |e, x, y| e.b.ins().bxor(x, y),
            Op::Lt => |e, x, y| e.b.ins().band_not(y, x),
            Op::Gt => |e, x, y| e.b.ins().band_not(x, y),
            _ => return None,
        };
        let (width, x, y) = self.common(x, y);
        Some(Val::Mask(width, self.map2(x, y, f)))
    }

    fn int_unary(&mut self, op: Op, dtype: DType, x: Regs) -> Option<Val> {
        let ty = vector(dtype);
        let signed = dtype.is_signed();
        Some(Val::Number(match op {
            Op::Neg => self.map(x, |e, x| e.b.ins().ineg(x)),
            Op::Not => self.map(x, |e, x| e.b.ins().bnot(x)),
            Op::Abs if signed => self.map(x, |e, x| e.b.ins().iabs(x)),
            Op::Abs => x,
            Op::Popcount => self.popcount(dtype, x),
            Op::Sign if signed => {
                // Masks are -1 and 0.
                let zero = self.constant_regs(ty, 0);
                self.map2(x, zero, |e, x, zero| {
                    let negative = e.b.ins().icmp(IntCC::SignedLessThan, x, zero);
                    let positive = e.b.ins().icmp(IntCC::SignedGreaterThan, x, zero);
                    e.b.ins().isub(negative, positive)
                })
            }
            Op::Sign => {
                let one = self.constant_regs(ty, 1);
                let nonzero = self.is_nonzero(dtype, x);
                self.map2(nonzero, one, |e, x, one| e.b.ins().band(x, one))
            }
            _ => return None,
        }))
    }

    /// The set bits of each byte, by an instruction or a table; then neighbours are added until lanes are whole.
    fn popcount(&mut self, dtype: DType, x: Regs) -> Regs {
        let ty = vector(dtype);
        let mut counts = self.map(x, |e, x| {
            let bytes = e.view(types::I8X16, x);
            let counts = e.b.ins().popcnt(bytes);
            e.view(ty, counts)
        });
        if dtype.itemsize() == 1 {
            return counts;
        }
        for bits in [8, 16, 32].into_iter().filter(|&bits| bits < dtype.bits()) {
            counts = self.map(counts, |e, x| {
                let count = e.b.ins().iconst(types::I32, bits as i64);
                let high = e.b.ins().ushr(x, count);
                e.b.ins().iadd(x, high)
            });
        }
        // No sum is above 64, so none left its byte; the bytes above the lowest hold parts of it.
        let low = self.constant_regs(ty, 0xff);
        self.map2(counts, low, |e, x, low| e.b.ins().band(x, low))
    }

    fn int_binary(
        &mut self,
        op: Op,
        dtype: DType,
        x: Regs,
        y: Regs,
        count: Option<&Scalar>,
    ) -> Option<Val> {
        let signed = dtype.is_signed();
        if let Some(cc) = int_compare(op, signed) {
            let mask = self.map2(x, y, |e, x, y| e.b.ins().icmp(cc, x, y));
            return Some(Val::Mask(dtype.itemsize(), mask));
        }
        let regs = match op {
            Op::Add => self.map2(x, y, |e, x, y| e.b.ins().iadd(x, y)),
            Op::Sub => self.map2(x, y, |e, x, y| e.b.ins().isub(x, y)),
            Op::Mul if dtype.itemsize() == 1 && self.x86 => self.map2(x, y, Self::mul_bytes),
            Op::Mul => self.map2(x, y, |e, x, y| e.b.ins().imul(x, y)),
            Op::And => self.map2(x, y, |e, x, y| e.b.ins().band(x, y)),
            Op::Or => self.map2(x, y, |e, x, y| e.b.ins().bor(x, y)),
            Op::Xor => self.map2(x, y, |e, x, y| e.b.ins().bxor(x, y)),
            Op::Minimum if signed => self.map2(x, y, |e, x, y| e.b.ins().smin(x, y)),
            Op::Minimum => self.map2(x, y, |e, x, y| e.b.ins().umin(x, y)),
            Op::Maximum if signed => self.map2(x, y, |e, x, y| e.b.ins().smax(x, y)),
            Op::Maximum => self.map2(x, y, |e, x, y| e.b.ins().umax(x, y)),
            Op::Shl | Op::Shr => match count.and_then(Scalar::as_i128) {
                Some(count) => self.shift_all(op, dtype, x, count),
                None => self.shift_each(op, dtype, x, y),
            },
            _ => return None,
        };
        Some(Val::Number(regs))
    }

    /// Products of bytes, on processors that only multiply pairs of them: the odd ones apart from the even ones.
    fn mul_bytes(&mut self, x: Value, y: Value) -> Value {
        let (x, y) = (self.view(types::I16X8, x), self.view(types::I16X8, y));
        let low_bits = self.constant(types::I16X8, 0x00ff);
        let even = self.b.ins().imul(x, y);
        let even = self.b.ins().band(even, low_bits);
        let eight = self.b.ins().iconst(types::I32, 8);
        let x = self.b.ins().ushr(x, eight);
        let y = self.b.ins().band_not(y, low_bits);
        let odd = self.b.ins().imul(x, y);
        let both = self.b.ins().bor(even, odd);
        self.view(types::I8X16, both)
    }

    /// A shift of all lanes by one constant count.
    fn shift_all(&mut self, op: Op, dtype: DType, x: Regs, count: i128) -> Regs {
        let width = dtype.bits() as i128;
        let ty = vector(dtype);
        let count = match (0..width).contains(&count) {
            true => count,
            false if op == Op::Shr && dtype.is_signed() => width - 1,
            false => return self.constant_regs(ty, 0),
        };
        self.map(x, |e, x| {
            let count = e.b.ins().iconst(types::I32, count as i64);
            match op {
                Op::Shl => e.b.ins().ishl(x, count),
                _ if dtype.is_signed() => e.b.ins().sshr(x, count),
                _ => e.b.ins().ushr(x, count),
            }
        })
    }

    /// A shift of each lane by its own count, for which there is no instruction.
    fn shift_each(&mut self, op: Op, dtype: DType, x: Regs, y: Regs) -> Regs {
        let ty = vector(dtype);
        // Taken as unsigned, a negative count is a large one.
        let most = self.constant_regs(ty, dtype.bits() as u64 - 1);
        if op == Op::Shr && dtype.is_signed() {
            let y = self.map2(y, most, |e, y, most| e.b.ins().umin(y, most));
            return self.shift_in_range(op, dtype, x, y);
        }
        let fits = self.map2(y, most, |e, y, most| {
            e.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, y, most)
        });
        let shifted = self.shift_in_range(op, dtype, x, y);
        self.map2(shifted, fits, |e, x, fits| e.b.ins().band(x, fits))
    }

    /// A shift of each lane by its own count modulo the width.
    fn shift_in_range(&mut self, op: Op, dtype: DType, mut x: Regs, y: Regs) -> Regs {
        let ty = vector(dtype);
        if dtype.itemsize() > 2 {
            return self.each_lane([x, y], ty, |e, [x, y]| match op {
                Op::Shl => e.b.ins().ishl(x, y),
                _ if dtype.is_signed() => e.b.ins().sshr(x, y),
                _ => e.b.ins().ushr(x, y),
            });
        }
        // Many narrow lanes: all of them by 1, 2, 4 and 8, kept where the count has that bit.
        let zero = self.constant_regs(ty, 0);
        for step in (0..).map(|bit| 1 << bit).take_while(|&n| n < dtype.bits()) {
            let bit = self.constant_regs(ty, step as u64);
            let stays = self.map3(y, bit, zero, |e, y, bit, zero| {
                let bit = e.b.ins().band(y, bit);
                e.b.ins().icmp(IntCC::Equal, bit, zero)
            });
            let shifted = self.shift_all(op, dtype, x, step as i128);
            x = self.blend(dtype.itemsize(), stays, x, shifted);
        }
        x
    }

    fn float_unary(&mut self, op: Op, dtype: DType, x: Regs) -> Option<Val> {
        let ty = vector(dtype);
        let size = dtype.itemsize();
        let (sign, infinity) = float_bits(dtype);
        let regs = match op {
            Op::Neg => self.with_bits(x, dtype, sign, |e, x, sign| e.b.ins().bxor(x, sign)),
            Op::Abs => self.with_bits(x, dtype, !sign, |e, x, rest| e.b.ins().band(x, rest)),
            Op::Sqrt => self.map(x, |e, x| e.b.ins().sqrt(x)),
            Op::Floor => self.map(x, |e, x| e.b.ins().floor(x)),
            Op::Ceil => self.map(x, |e, x| e.b.ins().ceil(x)),
            Op::Trunc => self.map(x, |e, x| e.b.ins().trunc(x)),
            Op::Round => self.map(x, |e, x| e.b.ins().nearest(x)),
            Op::Sign => self.float_sign(dtype, x),
            Op::IsNan => {
                let mask = self.is_nan(x);
                return Some(Val::Mask(size, mask));
            }
            Op::IsInf | Op::IsFinite => {
                let cc = match op {
                    Op::IsInf => FloatCC::Equal,
                    _ => FloatCC::LessThan,
                };
                let magnitude =
                    self.with_bits(x, dtype, !sign, |e, x, rest| e.b.ins().band(x, rest));
                let infinity = self.constant_regs(ty, infinity);
                let mask = self.map2(magnitude, infinity, |e, x, infinity| {
                    e.b.ins().fcmp(cc, x, infinity)
                });
                return Some(Val::Mask(size, mask));
            }
            Op::SignBit => {
                let zero = self.constant_regs(int_vector(size), 0);
                let mask = self.map2(x, zero, |e, x, zero| {
                    let bits = e.view(int_vector(size), x);
                    let negative = e.b.ins().icmp(IntCC::SignedLessThan, bits, zero);
                    let number = e.b.ins().fcmp(FloatCC::Equal, x, x);
                    e.b.ins().band(negative, number)
                });
                return Some(Val::Mask(size, mask));
            }
            _ => return None,
        };
        Some(Val::Number(regs))
    }

    /// `f` of each register as integers, with a constant of the same.
    fn with_bits(
        &mut self,
        x: Regs,
        dtype: DType,
        bits: u64,
        mut f: impl FnMut(&mut Self, Value, Value) -> Value,
    ) -> Regs {
        let int = int_vector(dtype.itemsize());
        let bits = self.constant_regs(int, bits);
        self.map2(x, bits, |e, x, bits| {
            let x = e.view(int, x);
            let y = f(e, x, bits);
            e.view(vector(dtype), y)
        })
    }

    fn is_nan(&mut self, x: Regs) -> Regs {
        self.map(x, |e, x| e.b.ins().fcmp(FloatCC::NotEqual, x, x))
    }

    /// -1, 0 or 1; NaN as it is.
    fn float_sign(&mut self, dtype: DType, x: Regs) -> Regs {
        let ty = vector(dtype);
        let int = int_vector(dtype.itemsize());
        let (sign, _) = float_bits(dtype);
        let zero = self.constant_regs(ty, 0);
        let plus = self.constant_regs(int, one(dtype));
        let minus = self.constant_regs(int, one(dtype) | sign);
        let positive = self.map3(x, zero, plus, |e, x, zero, plus| {
            let mask = e.b.ins().fcmp(FloatCC::GreaterThan, x, zero);
            e.b.ins().band(mask, plus)
        });
        let negative = self.map3(x, zero, minus, |e, x, zero, minus| {
            let mask = e.b.ins().fcmp(FloatCC::LessThan, x, zero);
            e.b.ins().band(mask, minus)
        });
        let signs = self.map2(positive, negative, |e, x, y| {
            let signs = e.b.ins().bor(x, y);
            e.view(ty, signs)
        });
        let nan = self.is_nan(x);
        self.blend(dtype.itemsize(), nan, x, signs)
    }

    fn float_binary(&mut self, op: Op, dtype: DType, x: Regs, y: Regs) -> Option<Val> {
        if let Some(cc) = float_compare(op) {
            let mask = self.map2(x, y, |e, x, y| e.b.ins().fcmp(cc, x, y));
            return Some(Val::Mask(dtype.itemsize(), mask));
        }
        let regs = match op {
            Op::Add => self.map2(x, y, |e, x, y| e.b.ins().fadd(x, y)),
            Op::Sub => self.map2(x, y, |e, x, y| e.b.ins().fsub(x, y)),
            Op::Mul => self.map2(x, y, |e, x, y| e.b.ins().fmul(x, y)),
            Op::Div => self.map2(x, y, |e, x, y| e.b.ins().fdiv(x, y)),
            Op::Minimum | Op::Maximum => {
                // y where they are equal or either is NaN, by x86-64's own instruction; then x where x is NaN.
                let chosen = self.map2(x, y, |e, x, y| {
                    let ty = vector(dtype);
                    let (below, above) = match op {
                        Op::Minimum => (x, y),
                        _ => (y, x),
                    };
                    let mask = e.b.ins().fcmp(FloatCC::LessThan, below, above);
                    let mask = e.view(ty, mask);
                    e.b.ins().bitselect(mask, x, y)
                });
                let nan = self.is_nan(x);
                self.blend(dtype.itemsize(), nan, x, chosen)
            }
            Op::Copysign => {
                let int = int_vector(dtype.itemsize());
                let (sign, _) = float_bits(dtype);
                let signs = self.constant_regs(int, sign);
                let magnitudes = self.constant_regs(int, !sign);
                let from_y = self.map2(y, signs, |e, y, sign| {
                    let number = e.b.ins().fcmp(FloatCC::Equal, y, y);
                    let bits = e.view(int, y);
                    let bits = e.b.ins().band(bits, sign);
                    e.b.ins().band(bits, number)
                });
                self.map3(x, magnitudes, from_y, |e, x, magnitude, sign| {
                    let x = e.view(int, x);
                    let x = e.b.ins().band(x, magnitude);
                    let x = e.b.ins().bor(x, sign);
                    e.view(vector(dtype), x)
                })
            }
            _ => return None,
        };
        Some(Val::Number(regs))
    }
}

fn int_compare(op: Op, signed: bool) -> Option<IntCC> {
    Some(match (op, signed) {
        (Op::Eq, _) => IntCC::Equal,
        (Op::Ne, _) => IntCC::NotEqual,
        (Op::Lt, true) => IntCC::SignedLessThan,
        (Op::Le, true) => IntCC::SignedLessThanOrEqual,
        (Op::Gt, true) => IntCC::SignedGreaterThan,
        (Op::Ge, true) => IntCC::SignedGreaterThanOrEqual,
        (Op::Lt, false) => IntCC::UnsignedLessThan,
        (Op::Le, false) => IntCC::UnsignedLessThanOrEqual,
        (Op::Gt, false) => IntCC::UnsignedGreaterThan,
        (Op::Ge, false) => IntCC::UnsignedGreaterThanOrEqual,
        _ => return None,
    })
}

fn float_compare(op: Op) -> Option<FloatCC> {
    Some(match op {
        Op::Eq => FloatCC::Equal,
        Op::Ne => FloatCC::NotEqual,
        Op::Lt => FloatCC::LessThan,
        Op::Le => FloatCC::LessThanOrEqual,
        Op::Gt => FloatCC::GreaterThan,
        Op::Ge => FloatCC::GreaterThanOrEqual,
        _ => return None,
    })
}
