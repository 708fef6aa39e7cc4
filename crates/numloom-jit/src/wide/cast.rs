//! Conversions.

use numloom_data::DType;
use numloom_ir::{CastMode, Op};

use super::inst::Arg;
use super::select::{Select, Val};
use super::table;
use crate::bits::{bounds, one};

impl Select {
    /// `x`, of dtype `from`, converted to `to`. Not for what is a block operation: float to integer, `f16`, checked.
    pub(super) fn cast(&mut self, mode: CastMode, from: DType, to: DType, x: Val) -> Val {
        if from == to {
            return x;
        }
        let Val::Number(x) = x else {
            let one = self.constant(to.itemsize(), one(to));
            return Val::Number(self.where_true(x, to.itemsize(), one));
        };
        if to == DType::Bool {
            return self.nonzero(from, x);
        }
        Val::Number(match (from, to) {
            _ if from.is_integer() && to.is_integer() => {
                let x = match mode {
                    CastMode::Saturate => self.clamp(from, to, x),
                    _ => x,
                };
                self.int_to_int(from, to, x)
            }
            (DType::F32, DType::F64) => self.resize(&table::Cvtps2pd, 4, 8, x),
            (DType::F64, DType::F32) => self.resize(&table::Cvtpd2ps, 8, 4, x),
            (_, DType::F64) => self.int_to_f64(from, x),
            _ => self.int_to_f32(from, x),
        })
    }

    /// Modulo 2^width.
    fn int_to_int(&mut self, from: DType, to: DType, x: Arg) -> Arg {
        let (have, want) = (from.itemsize(), to.itemsize());
        match have.cmp(&want) {
            std::cmp::Ordering::Less => self.widen(have, want, from.is_signed(), x),
            std::cmp::Ordering::Equal => x,
            std::cmp::Ordering::Greater => self.narrow(have, want, x),
        }
    }

    /// The nearest value of `from` that `to` holds too.
    fn clamp(&mut self, from: DType, to: DType, mut x: Arg) -> Arg {
        let [least, most] = bounds(from, to);
        if let Some(least) = least {
            let bound = self.constant(from.itemsize(), least as u64);
            x = self.extreme(Op::Maximum, from, x, bound);
        }
        if let Some(most) = most {
            let bound = self.constant(from.itemsize(), most as u64);
            x = self.extreme(Op::Minimum, from, x, bound);
        }
        x
    }

    fn int_to_f64(&mut self, from: DType, x: Arg) -> Arg {
        let signed = from.is_signed();
        match from.itemsize() {
            8 if self.avx512 => {
                let row = if signed {
                    table::Cvtqq2pd
                } else {
                    table::Cvtuqq2pd
                };
                let width = self.width(8);
                self.on(&row, width, &[x])
            }
            8 => self.i64_to_f64(signed, x),
            4 if signed => self.resize(&table::Cvtdq2pd, 4, 8, x),
            4 if self.avx512 => self.resize(&table::Cvtudq2pd, 4, 8, x),
            4 => {
                // In the significand of 2^52.
                let x = self.widen(4, 8, false, x);
                let base = self.constant(8, LOW);
                let width = self.width(8);
                let x = self.on(&table::Or, width, &[x, base]);
                self.on(&table::Subpd, width, &[x, base])
            }
            size => {
                let x = self.widen(size, 4, signed, x);
                self.int_to_f64(DType::I32, x)
            }
        }
    }

    /// 64-bit integers to `f64`, for processors without an instruction for it.
    ///
    /// The low and the high 32 bits, put into the significands of 2^52 and 2^84, are two exact floats, each off by a constant; the high one
    /// less both constants is exact, and the sum of the two is the one rounding. For signed integers the top bit is flipped,
    /// which adds 2^63, and that is taken off with the constants.
    fn i64_to_f64(&mut self, signed: bool, x: Arg) -> Arg {
        let (high, both) = match signed {
            true => (HIGH | 1 << 31, 0x4530_0000_8010_0000), // 2^84 + 2^63 + 2^52
            false => (HIGH, 0x4530_0000_0010_0000),          // 2^84 + 2^52
        };
        let width = self.width(8);
        let low_bits = self.constant(8, u64::from(u32::MAX));
        let low_base = self.constant(8, LOW);
        let high_base = self.constant(8, high);
        let both = self.constant(8, both);
        let low = self.on(&table::And, width, &[x, low_bits]);
        let low = self.on(&table::Or, width, &[low, low_base]);
        let high = self.shift(&table::Psrlq, width, x, 32);
        let high = self.on(&table::Xor, width, &[high, high_base]);
        let high = self.on(&table::Subpd, width, &[high, both]);
        self.on(&table::Addpd, width, &[high, low])
    }

    fn int_to_f32(&mut self, from: DType, x: Arg) -> Arg {
        let signed = from.is_signed();
        let width = self.width(4);
        match from.itemsize() {
            8 if self.avx512 => {
                let row = if signed {
                    table::Cvtqq2ps
                } else {
                    table::Cvtuqq2ps
                };
                self.resize(&row, 8, 4, x)
            }
            8 => self.i64_to_f32(signed, x),
            4 if signed => self.on(&table::Cvtdq2ps, width, &[x]),
            4 if self.avx512 => self.on(&table::Cvtudq2ps, width, &[x]),
            4 => {
                // Two exact halves, whose sum is the one rounding.
                let low = self.constant(4, 0xffff);
                let low = self.on(&table::And, width, &[x, low]);
                let low = self.on(&table::Cvtdq2ps, width, &[low]);
                let high = self.shift(&table::Psrld, width, x, 16);
                let high = self.on(&table::Cvtdq2ps, width, &[high]);
                let scale = self.constant(4, u64::from(65_536f32.to_bits()));
                let high = self.on(&table::Mulps, width, &[high, scale]);
                self.on(&table::Addps, width, &[high, low])
            }
            size => {
                let x = self.widen(size, 4, signed, x);
                self.int_to_f32(DType::I32, x)
            }
        }
    }

    /// 64-bit integers to `f32`, for processors without an instruction for it: through `f64`, with one rounding in all.
    ///
    /// Beyond 2^53 the low 11 bits, of which an `f64` has no room, are replaced by one bit above them that says whether any was set: what is
    /// left is exact there, and on the same side of every midpoint between two `f32`, which are multiples of 2^29 at that size.
    fn i64_to_f32(&mut self, signed: bool, x: Arg) -> Arg {
        let width = self.width(8);
        let low = self.constant(8, 0x7ff);
        let rest = self.constant(8, !0x7ff);
        let sticky = self.constant(8, 0x800);
        let dropped = self.on(&table::And, width, &[x, low]);
        // Carries into bit 11 if any is set.
        let carried = self.on(&table::Paddq, width, &[dropped, low]);
        let bit = self.on(&table::And, width, &[carried, sticky]);
        let kept = self.on(&table::And, width, &[x, rest]);
        let kept = self.on(&table::Or, width, &[kept, bit]);
        let (offset, limit) = match signed {
            true => (1u64 << 53, 1u64 << 54),
            false => (0, 1 << 53),
        };
        let offset = self.constant(8, offset);
        let limit = self.constant(8, limit);
        let distance = self.on(&table::Paddq, width, &[x, offset]);
        let large = self
            .compare_ints(Op::Ge, DType::U64, distance, limit)
            .expect("a comparison");
        let x = self.choose(large, 8, kept, x);
        let x = self.i64_to_f64(signed, x);
        self.resize(&table::Cvtpd2ps, 8, 4, x)
    }
}

/// The bits of 2^52.
const LOW: u64 = 0x4330_0000_0000_0000;
/// The bits of 2^84.
const HIGH: u64 = 0x4530_0000_0000_0000;
