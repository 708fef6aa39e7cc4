//! Conversions.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use numloom_data::DType;
use numloom_ir::CastMode;

use super::mask::Narrow;
use super::value::{Emit, Regs, Val, int_vector, vector};
use crate::bits::{bounds, one};

impl Emit<'_> {
    /// `x`, of dtype `from`, converted to `to`. Not for what is a block operation: float to integer, `f16`, checked.
    pub(super) fn cast(&mut self, mode: CastMode, from: DType, to: DType, x: Val) -> Val {
        if from == to {
            return x;
        }
        match x {
            Val::Mask(..) => Val::Number(self.bool_to_number(to, x)),
            Val::Number(x) if to == DType::Bool => {
                Val::Mask(from.itemsize(), self.is_nonzero(from, x))
            }
            Val::Number(x) if from.is_integer() && to.is_integer() => {
                let x = match mode {
                    CastMode::Saturate => self.clamp(from, to, x),
                    _ => x,
                };
                Val::Number(self.int_to_int(from, to, x))
            }
            Val::Number(x) => Val::Number(match (from, to) {
                (DType::F32, DType::F64) => self.f32_to_f64(x),
                (DType::F64, DType::F32) => self.f64_to_f32(x),
                (_, DType::F64) => self.int_to_f64(from, x),
                _ => self.int_to_f32(from, x),
            }),
        }
    }

    /// 1 where true, else 0.
    fn bool_to_number(&mut self, to: DType, x: Val) -> Regs {
        let mask = self.mask_of(x, to.itemsize());
        let one = self.constant_regs(int_vector(to.itemsize()), one(to));
        self.map2(mask, one, |e, mask, one| {
            let x = e.b.ins().band(mask, one);
            e.view(vector(to), x)
        })
    }

    /// Modulo 2^width.
    fn int_to_int(&mut self, from: DType, to: DType, mut x: Regs) -> Regs {
        let mut size = from.itemsize();
        while size < to.itemsize() {
            x = self.widen(x, size, from.is_signed());
            size *= 2;
        }
        while size > to.itemsize() {
            x = self.narrow(x, size, Narrow::Truncate);
            size /= 2;
        }
        x
    }

    /// The nearest value of `from` that `to` holds too.
    fn clamp(&mut self, from: DType, to: DType, mut x: Regs) -> Regs {
        let [least, most] = bounds(from, to);
        let ty = vector(from);
        if let Some(least) = least {
            let bound = self.constant_regs(ty, least as u64);
            x = self.map2(x, bound, |e, x, bound| e.b.ins().smax(x, bound));
        }
        if let Some(most) = most {
            let bound = self.constant_regs(ty, most as u64);
            x = self.map2(x, bound, |e, x, bound| match from.is_signed() {
                true => e.b.ins().smin(x, bound),
                false => e.b.ins().umin(x, bound),
            });
        }
        x
    }

    fn f32_to_f64(&mut self, x: Regs) -> Regs {
        self.doubled(4, x, |e, x| e.b.ins().fvpromote_low(x))
    }

    /// `f` of the two low lanes of 4 bytes of each register and, if they are in use, of its two high lanes.
    fn doubled(
        &mut self,
        size: usize,
        x: Regs,
        mut f: impl FnMut(&mut Self, Value) -> Value,
    ) -> Regs {
        let split = !x.uniform && self.regs(2 * size) > self.regs(size);
        let mut wide = [None; 8];
        for (pair, &x) in wide.chunks_exact_mut(2).zip(x.as_slice()) {
            pair[0] = Some(f(self, x));
            if split {
                let high = self.high_half(x);
                pair[1] = Some(f(self, high));
            }
        }
        let mut regs = Regs::collect(wide.into_iter().flatten());
        regs.uniform = x.uniform;
        regs
    }

    fn f64_to_f32(&mut self, x: Regs) -> Regs {
        let halves = self.map(x, |e, x| e.b.ins().fvdemote(x));
        self.in_pairs(halves, Self::low_halves)
    }

    fn int_to_f64(&mut self, from: DType, x: Regs) -> Regs {
        let signed = from.is_signed();
        match from.itemsize() {
            8 if !self.x86 => self.map(x, |e, x| match signed {
                true => e.b.ins().fcvt_from_sint(types::F64X2, x),
                false => e.b.ins().fcvt_from_uint(types::F64X2, x),
            }),
            8 => self.map(x, |e, x| e.i64_to_f64(signed, x)),
            4 => self.doubled(4, x, |e, x| match signed {
                // x86-64 has instructions for these pairs.
                true => {
                    let x = e.b.ins().swiden_low(x);
                    e.b.ins().fcvt_from_sint(types::F64X2, x)
                }
                false => {
                    let x = e.b.ins().uwiden_low(x);
                    e.b.ins().fcvt_from_uint(types::F64X2, x)
                }
            }),
            _ => {
                let x = self.int_to_int(from, widened(from), x);
                self.int_to_f64(DType::I32, x)
            }
        }
    }

    /// Two 64-bit integers to `f64`, for processors without an instruction for it.
    ///
    /// The low and the high 32 bits, put into the significands of 2^52 and 2^84, are two exact floats, each off by a constant; the high one
    /// less both constants is exact, and the sum of the two is the one rounding. For signed integers the top bit is flipped,
    /// which adds 2^63, and that is taken off with the constants.
    fn i64_to_f64(&mut self, signed: bool, x: Value) -> Value {
        const LOW: u64 = 0x4330_0000_0000_0000; // 2^52
        const HIGH: u64 = 0x4530_0000_0000_0000; // 2^84
        let (high, both) = match signed {
            true => (HIGH | 1 << 31, 0x4530_0000_8010_0000), // 2^84 + 2^63 + 2^52
            false => (HIGH, 0x4530_0000_0010_0000),          // 2^84 + 2^52
        };
        let low_bits = self.constant(types::I64X2, u64::from(u32::MAX));
        let low_base = self.constant(types::I64X2, LOW);
        let high_base = self.constant(types::I64X2, high);
        let both = self.constant(types::F64X2, both);
        let low = self.b.ins().band(x, low_bits);
        let low = self.b.ins().bor(low, low_base);
        let count = self.b.ins().iconst(types::I32, 32);
        let high = self.b.ins().ushr(x, count);
        let high = self.b.ins().bxor(high, high_base);
        let (low, high) = (self.view(types::F64X2, low), self.view(types::F64X2, high));
        let high = self.b.ins().fsub(high, both);
        self.b.ins().fadd(high, low)
    }

    fn int_to_f32(&mut self, from: DType, x: Regs) -> Regs {
        let signed = from.is_signed();
        match from.itemsize() {
            // Through f64 there would be two roundings.
            8 => self.each_lane([x], types::F32X4, |e, [x]| match signed {
                true => e.b.ins().fcvt_from_sint(types::F32, x),
                false => e.u64_to_f32(x),
            }),
            4 => self.map(x, |e, x| match signed {
                true => e.b.ins().fcvt_from_sint(types::F32X4, x),
                false => e.b.ins().fcvt_from_uint(types::F32X4, x),
            }),
            _ => {
                let x = self.int_to_int(from, widened(from), x);
                self.int_to_f32(DType::I32, x)
            }
        }
    }

    /// A scalar `u64` to `f32`, without the branches that Cranelift would make of it on x86-64.
    ///
    /// From 2^63 up, half the value is converted and doubled; the bit that halving drops is or-ed into the last one, where
    /// it still breaks ties.
    fn u64_to_f32(&mut self, x: Value) -> Value {
        if !self.x86 {
            return self.b.ins().fcvt_from_uint(types::F32, x);
        }
        let one = self.b.ins().iconst(types::I64, 1);
        let zero = self.b.ins().iconst(types::I64, 0);
        let half = self.b.ins().ushr(x, one);
        let last = self.b.ins().band(x, one);
        let half = self.b.ins().bor(half, last);
        let large = self.b.ins().icmp(IntCC::SignedLessThan, x, zero);
        let y = self.b.ins().select(large, half, x);
        let y = self.b.ins().fcvt_from_sint(types::F32, y);
        // Doubling is adding one to the exponent, which has room.
        let y = self
            .b
            .ins()
            .bitcast(types::I32, super::value::lane_order(), y);
        let zero = self.b.ins().iconst(types::I32, 0);
        let exponent = self.b.ins().iconst(types::I32, 1 << 23);
        let more = self.b.ins().select(large, exponent, zero);
        let y = self.b.ins().iadd(y, more);
        self.b
            .ins()
            .bitcast(types::F32, super::value::lane_order(), y)
    }
}

/// The 32-bit dtype with the sign, or the lack of it, of a narrower one.
fn widened(dtype: DType) -> DType {
    if dtype.is_signed() {
        DType::I32
    } else {
        DType::U32
    }
}
