//! Operations other than conversions: one match over [`Op`].

use numloom_data::{DType, Scalar};
use numloom_ir::Op;

use super::inst::Arg;
use super::mask::{Floats, Truths};
use super::select::{Select, Shared, Val, by_size};
use super::table;
use crate::bits::{float_bits, one};
use crate::error::{JitError, JitErrorKind};

impl Select {
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
        let size = from.itemsize();
        let value = match (op, args) {
            (Op::Cast(mode), &[x]) => Some(self.cast(mode, from, to, x)),
            (Op::Select, &[truth, Val::Number(x), Val::Number(y)]) => {
                Some(Val::Number(self.choose(truth, size, x, y)))
            }
            (Op::Select, &[truth, x, y]) => Some(self.choose_truth(truth, x, y)),
            (_, &[Val::Number(x)]) if from.is_float() => self.float_unary(op, from, x),
            (_, &[Val::Number(x)]) => self.int_unary(op, from, x).map(Val::Number),
            (_, &[Val::Number(x), Val::Number(y)]) if from.is_float() => {
                self.float_binary(op, from, x, y)
            }
            (_, &[Val::Number(x), Val::Number(y)]) => self.int_binary(op, from, x, y, count),
            (Op::Not, &[x]) => Some(self.not(x)),
            (_, &[x, y]) => self.truth_binary(op, x, y),
            _ => None,
        };
        value.ok_or_else(|| {
            JitErrorKind::Unsupported {
                op: Some(op),
                dtype: from,
                reason: "the wide backend does not inline it",
            }
            .into()
        })
    }

    fn truth_binary(&mut self, op: Op, x: Val, y: Val) -> Option<Val> {
        // False is less than true.
        Some(match op {
            Op::And | Op::Minimum => self.truths(Truths::And, x, y),
            Op::Or | Op::Maximum => self.truths(Truths::Or, x, y),
            Op::Xor | Op::Ne => self.truths(Truths::Xor, x, y),
            Op::Lt => self.truths(Truths::NotAnd, x, y),
            Op::Gt => self.truths(Truths::NotAnd, y, x),
            Op::Eq | Op::Le | Op::Ge => {
                let opposite = match op {
                    Op::Eq => Op::Ne,
                    Op::Le => Op::Gt,
                    _ => Op::Lt,
                };
                let truth = self.truth_binary(opposite, x, y)?;
                self.not(truth)
            }
            _ => return None,
        })
    }

    fn int_unary(&mut self, op: Op, dtype: DType, x: Arg) -> Option<Arg> {
        let (size, signed) = (dtype.itemsize(), dtype.is_signed());
        let width = self.width(size);
        Some(match op {
            Op::Neg => {
                let zero = self.constant(size, 0);
                self.subtract(size, zero, x)
            }
            Op::Not => {
                let ones = self.ones();
                self.on(&table::Xor, width, &[x, ones])
            }
            Op::Abs if signed && size == 8 && !self.avx512 => {
                // All ones where negative: flips the bits and adds one.
                let zero = self.constant(8, 0);
                let negative = self.greater(8, zero, x);
                let flipped = self.on(&table::Xor, width, &[x, negative]);
                self.subtract(8, flipped, negative)
            }
            Op::Abs if signed => {
                let rows = [table::Pabsb, table::Pabsw, table::Pabsd, table::Pabsq];
                self.on(&by_size(size, rows), width, &[x])
            }
            Op::Abs => x,
            Op::Popcount => self.popcount(dtype, x),
            Op::Sign => {
                let (least, most) = (self.constant(size, u64::MAX), self.constant(size, 1));
                match signed {
                    true => {
                        let x = self.extreme(Op::Maximum, dtype, x, least);
                        self.extreme(Op::Minimum, dtype, x, most)
                    }
                    false => self.extreme(Op::Minimum, dtype, x, most),
                }
            }
            _ => return None,
        })
    }

    /// The set bits of each half byte by a table, then neighbours are added until elements are whole.
    fn popcount(&mut self, dtype: DType, x: Arg) -> Arg {
        let size = dtype.itemsize();
        let width = self.width(size);
        let counts = self.same(Shared::Bytes([
            0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
        ]));
        let half = self.constant(1, 0x0f);
        let low = self.on(&table::And, width, &[x, half]);
        let high = self.shift(&table::Psrlw, width, x, 4);
        let high = self.on(&table::And, width, &[high, half]);
        let low = self.on(&table::Pshufb, width, &[counts, low]);
        let high = self.on(&table::Pshufb, width, &[counts, high]);
        let mut sums = self.on(&table::Paddb, width, &[low, high]);
        if size == 8 {
            let zero = self.constant(8, 0);
            return self.on(&table::Psadbw, width, &[sums, zero]);
        }
        for bits in [8, 16].into_iter().filter(|bits| *bits < 8 * size) {
            let high = self.shift_all(Op::Shr, DType::U32, size, sums, bits);
            sums = self.on(&by_size(size, ADD), width, &[sums, high]);
        }
        if size == 1 {
            return sums;
        }
        // No sum is above 32, so none left its byte; the bytes above the lowest hold parts of it.
        let lowest = self.constant(size, 0xff);
        self.on(&table::And, width, &[sums, lowest])
    }

    pub(super) fn subtract(&mut self, size: usize, x: Arg, y: Arg) -> Arg {
        let rows = [table::Psubb, table::Psubw, table::Psubd, table::Psubq];
        let width = self.width(size);
        self.on(&by_size(size, rows), width, &[x, y])
    }

    fn int_binary(
        &mut self,
        op: Op,
        dtype: DType,
        x: Arg,
        y: Arg,
        count: Option<&Scalar>,
    ) -> Option<Val> {
        if let Some(truth) = self.compare_ints(op, dtype, x, y) {
            return Some(truth);
        }
        let size = dtype.itemsize();
        let width = self.width(size);
        Some(Val::Number(match op {
            Op::Add => self.on(&by_size(size, ADD), width, &[x, y]),
            Op::Sub => self.subtract(size, x, y),
            Op::Mul => self.multiply(size, x, y),
            Op::And => self.on(&table::And, width, &[x, y]),
            Op::Or => self.on(&table::Or, width, &[x, y]),
            Op::Xor => self.on(&table::Xor, width, &[x, y]),
            Op::Minimum | Op::Maximum => self.extreme(op, dtype, x, y),
            Op::Shl | Op::Shr => match count.and_then(Scalar::as_i128) {
                Some(count) => self.shift_by(op, dtype, x, count),
                None => self.shift_each(op, dtype, x, y),
            },
            _ => return None,
        }))
    }

    /// The lesser or the greater of two integers.
    pub(super) fn extreme(&mut self, op: Op, dtype: DType, x: Arg, y: Arg) -> Arg {
        let size = dtype.itemsize();
        let width = self.width(size);
        if size == 8 && !self.avx512 {
            let order = if op == Op::Minimum { Op::Lt } else { Op::Gt };
            let truth = self.compare_ints(order, dtype, x, y).expect("a comparison");
            return self.choose(truth, 8, x, y);
        }
        let rows = match (op, dtype.is_signed()) {
            (Op::Minimum, true) => [table::Pminsb, table::Pminsw, table::Pminsd, table::Pminsq],
            (Op::Minimum, false) => [table::Pminub, table::Pminuw, table::Pminud, table::Pminuq],
            (_, true) => [table::Pmaxsb, table::Pmaxsw, table::Pmaxsd, table::Pmaxsq],
            (_, false) => [table::Pmaxub, table::Pmaxuw, table::Pmaxud, table::Pmaxuq],
        };
        self.on(&by_size(size, rows), width, &[x, y])
    }

    fn multiply(&mut self, size: usize, x: Arg, y: Arg) -> Arg {
        let width = self.width(size);
        match size {
            1 => {
                // Only pairs of bytes are multiplied: the odd ones apart from the even ones.
                let low = self.constant(2, 0x00ff);
                let even = self.on(&table::Pmullw, width, &[x, y]);
                let even = self.on(&table::And, width, &[even, low]);
                let x = self.shift(&table::Psrlw, width, x, 8);
                let y = self.on(&table::AndNot, width, &[low, y]);
                let odd = self.on(&table::Pmullw, width, &[x, y]);
                self.on(&table::Or, width, &[even, odd])
            }
            2 => self.on(&table::Pmullw, width, &[x, y]),
            4 => self.on(&table::Pmulld, width, &[x, y]),
            _ if self.avx512 => self.on(&table::Pmullq, width, &[x, y]),
            _ => {
                // By halves: those products that reach the low 64 bits.
                let low = self.on(&table::Pmuludq, width, &[x, y]);
                let x_high = self.shift(&table::Psrlq, width, x, 32);
                let y_high = self.shift(&table::Psrlq, width, y, 32);
                let a = self.on(&table::Pmuludq, width, &[x_high, y]);
                let b = self.on(&table::Pmuludq, width, &[y_high, x]);
                let high = self.on(&table::Paddq, width, &[a, b]);
                let high = self.shift(&table::Psllq, width, high, 32);
                self.on(&table::Paddq, width, &[low, high])
            }
        }
    }

    /// A shift of all elements by one constant count of any size.
    fn shift_by(&mut self, op: Op, dtype: DType, x: Arg, count: i128) -> Arg {
        let bits = dtype.bits() as i128;
        let count = match (0..bits).contains(&count) {
            true => count,
            false if op == Op::Shr && dtype.is_signed() => bits - 1,
            false => return self.constant(dtype.itemsize(), 0),
        };
        self.shift_all(op, dtype, dtype.itemsize(), x, count as usize)
    }

    /// A shift of all elements, of `size` bytes and signed as `dtype` is, by a count below their width.
    fn shift_all(&mut self, op: Op, dtype: DType, size: usize, x: Arg, count: usize) -> Arg {
        let width = self.width(size);
        let signed = op == Op::Shr && dtype.is_signed();
        if size == 1 {
            // As pairs, without the bits that came from the neighbour.
            let (row, kept) = match op {
                Op::Shl => (table::Psllw, 0xff << count),
                _ => (table::Psrlw, 0xff >> count),
            };
            let shifted = self.shift(&row, width, x, count);
            let kept = self.constant(1, kept);
            let shifted = self.on(&table::And, width, &[shifted, kept]);
            return match signed {
                true => self.extend_sign(1, shifted, 0x80 >> count),
                false => shifted,
            };
        }
        if signed && size == 8 && !self.avx512 {
            let shifted = self.shift(&table::Psrlq, width, x, count);
            return self.extend_sign(8, shifted, (1 << 63) >> count);
        }
        let rows = match (op, signed) {
            (Op::Shl, _) => [table::Psllw, table::Pslld, table::Psllq],
            (_, true) => [table::Psraw, table::Psrad, table::Psraq],
            (_, false) => [table::Psrlw, table::Psrld, table::Psrlq],
        };
        self.shift(&rows[size.trailing_zeros() as usize - 1], width, x, count)
    }

    /// An integer whose sign is the bit `sign`, with the bits above it zero, with the sign in these too.
    fn extend_sign(&mut self, size: usize, x: Arg, sign: u64) -> Arg {
        let sign = self.constant(size, sign);
        let width = self.width(size);
        let flipped = self.on(&table::Xor, width, &[x, sign]);
        self.subtract(size, flipped, sign)
    }

    /// A shift of each element by its own count. Taken as unsigned, a negative count is a large one.
    fn shift_each(&mut self, op: Op, dtype: DType, x: Arg, y: Arg) -> Arg {
        let size = dtype.itemsize();
        let width = self.width(size);
        let signed = op == Op::Shr && dtype.is_signed();
        let unsigned = by_size(size, [DType::U8, DType::U16, DType::U32, DType::U64]);
        let most = dtype.bits() as u64 - 1;
        let by_instruction = size >= 4 || (size == 2 && self.avx512);
        if by_instruction && !(signed && size == 8 && !self.avx512) {
            // These give 0, or the sign, for large counts.
            let rows = match (op, signed) {
                (Op::Shl, _) => [table::Psllvw, table::Psllvd, table::Psllvq],
                (_, true) => [table::Psravw, table::Psravd, table::Psravq],
                (_, false) => [table::Psrlvw, table::Psrlvd, table::Psrlvq],
            };
            return self.on(&rows[size.trailing_zeros() as usize - 1], width, &[x, y]);
        }
        let most = self.constant(size, most);
        if signed && size == 8 {
            // The sign bit goes the same way as the value.
            let y = self.extreme(Op::Minimum, unsigned, y, most);
            let sign = self.constant(8, 1 << 63);
            let shifted = self.on(&table::Psrlvq, width, &[x, y]);
            let sign = self.on(&table::Psrlvq, width, &[sign, y]);
            let flipped = self.on(&table::Xor, width, &[shifted, sign]);
            return self.subtract(8, flipped, sign);
        }
        let count = self.extreme(Op::Minimum, unsigned, y, most);
        // Narrow elements: all of them by 1, 2, 4 and 8, kept where the count has that bit.
        let mut shifted = x;
        for step in (0..).map(|bit| 1 << bit).take_while(|&n| n < dtype.bits()) {
            let bit = self.constant(size, step as u64);
            let bit = self.on(&table::And, width, &[count, bit]);
            let goes = self.nonzero(unsigned, bit);
            let further = self.shift_all(op, dtype, size, shifted, step);
            shifted = self.choose(goes, size, further, shifted);
        }
        if signed {
            return shifted;
        }
        let fits = self
            .compare_ints(Op::Eq, unsigned, count, y)
            .expect("a comparison");
        self.where_true(fits, size, shifted)
    }

    fn float_unary(&mut self, op: Op, dtype: DType, x: Arg) -> Option<Val> {
        let size = dtype.itemsize();
        let width = self.width(size);
        let (sign, infinity) = float_bits(dtype);
        let pick = |of: [table::Row; 2]| if size == 4 { of[0] } else { of[1] };
        let round = |how: u8| Some(how | 8); // 8: no exception for inexact results
        let rounding = match op {
            Op::Round => round(0),
            Op::Floor => round(1),
            Op::Ceil => round(2),
            Op::Trunc => round(3),
            _ => None,
        };
        if let Some(how) = rounding {
            let row = pick([table::Roundps, table::Roundpd]);
            return Some(Val::Number(self.with(&row, width, &[x], how)));
        }
        Some(Val::Number(match op {
            Op::Neg => {
                let sign = self.constant(size, sign);
                self.on(&table::Xor, width, &[x, sign])
            }
            Op::Abs => self.magnitude(dtype, x),
            Op::Sqrt => self.on(&pick([table::Sqrtps, table::Sqrtpd]), width, &[x]),
            Op::Sign => {
                let zero = self.constant(size, 0);
                let plus = self.constant(size, one(dtype));
                let minus = self.constant(size, one(dtype) | sign);
                let above = self.compare_floats(Floats::Greater, size, x, zero);
                let signs = self.where_true(above, size, plus);
                let below = self.compare_floats(Floats::Less, size, x, zero);
                let signs = self.choose(below, size, minus, signs);
                let nan = self.compare_floats(Floats::Unordered, size, x, x);
                self.choose(nan, size, x, signs)
            }
            Op::IsNan => return Some(self.compare_floats(Floats::Unordered, size, x, x)),
            Op::IsInf | Op::IsFinite => {
                let how = match op {
                    Op::IsInf => Floats::Equal,
                    _ => Floats::Less,
                };
                let magnitude = self.magnitude(dtype, x);
                let infinity = self.constant(size, infinity);
                return Some(self.compare_floats(how, size, magnitude, infinity));
            }
            Op::SignBit => {
                let signed = if size == 4 { DType::I32 } else { DType::I64 };
                let zero = self.constant(size, 0);
                let negative = self.compare_ints(Op::Lt, signed, x, zero)?;
                let number = self.compare_floats(Floats::Ordered, size, x, x);
                return Some(self.truths(Truths::And, negative, number));
            }
            _ => return None,
        }))
    }

    fn magnitude(&mut self, dtype: DType, x: Arg) -> Arg {
        let size = dtype.itemsize();
        let (sign, _) = float_bits(dtype);
        let rest = self.constant(size, !sign);
        let width = self.width(size);
        self.on(&table::And, width, &[x, rest])
    }

    fn float_binary(&mut self, op: Op, dtype: DType, x: Arg, y: Arg) -> Option<Val> {
        let size = dtype.itemsize();
        if let Some(how) = Floats::of(op) {
            return Some(self.compare_floats(how, size, x, y));
        }
        let width = self.width(size);
        let rows = match op {
            Op::Add => [table::Addps, table::Addpd],
            Op::Sub => [table::Subps, table::Subpd],
            Op::Mul => [table::Mulps, table::Mulpd],
            Op::Div => [table::Divps, table::Divpd],
            Op::Minimum => [table::Minps, table::Minpd],
            Op::Maximum => [table::Maxps, table::Maxpd],
            Op::Copysign => return Some(Val::Number(self.copysign(dtype, x, y))),
            _ => return None,
        };
        let row = if size == 4 { rows[0] } else { rows[1] };
        let mut z = self.on(&row, width, &[x, y]);
        if matches!(op, Op::Minimum | Op::Maximum) {
            // The instructions give y where they are equal or either is NaN.
            let nan = self.compare_floats(Floats::Unordered, size, x, x);
            z = self.choose(nan, size, x, z);
        }
        Some(Val::Number(z))
    }

    fn copysign(&mut self, dtype: DType, x: Arg, y: Arg) -> Arg {
        let size = dtype.itemsize();
        let (sign, _) = float_bits(dtype);
        let width = self.width(size);
        let magnitude = self.magnitude(dtype, x);
        let sign = self.constant(size, sign);
        let signs = self.on(&table::And, width, &[y, sign]);
        let number = self.compare_floats(Floats::Ordered, size, y, y);
        let signs = self.where_true(number, size, signs);
        self.on(&table::Or, width, &[magnitude, signs])
    }
}

pub(super) const ADD: [table::Row; 4] = [table::Paddb, table::Paddw, table::Paddd, table::Paddq];
