//! Truth values, and changes of the size of elements.

use iced_x86::Code;
use numloom_data::DType;
use numloom_ir::Op;

use super::inst::{Arg, Inst, Width};
use super::select::{Select, Val, by_size};
use super::table;

/// Predicates of float comparisons, none of which signals.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Floats {
    Equal = 0x00,
    Unordered = 0x03,
    NotEqual = 0x04,
    Ordered = 0x07,
    Less = 0x11,
    LessOrEqual = 0x12,
    GreaterOrEqual = 0x1d,
    Greater = 0x1e,
}

impl Floats {
    pub(super) fn of(op: Op) -> Option<Floats> {
        Some(match op {
            Op::Eq => Floats::Equal,
            Op::Ne => Floats::NotEqual,
            Op::Lt => Floats::Less,
            Op::Le => Floats::LessOrEqual,
            Op::Gt => Floats::Greater,
            Op::Ge => Floats::GreaterOrEqual,
            _ => return None,
        })
    }
}

impl Select {
    /// How two floats of `size` bytes compare.
    pub(super) fn compare_floats(&mut self, how: Floats, size: usize, x: Arg, y: Arg) -> Val {
        let width = self.width(size);
        if self.avx512 {
            let row = if size == 4 {
                table::Cmpps
            } else {
                table::Cmppd
            };
            return Val::Mask(self.test(&row, width, &[x, y], Some(how as u8)));
        }
        let row = if size == 4 {
            table::LanesCmpps
        } else {
            table::LanesCmppd
        };
        Val::Lanes(size, self.with(&row, width, &[x, y], how as u8))
    }

    /// How two integers compare; none if `op` is no comparison.
    pub(super) fn compare_ints(&mut self, op: Op, dtype: DType, x: Arg, y: Arg) -> Option<Val> {
        let size = dtype.itemsize();
        let predicate = match op {
            Op::Eq => 0,
            Op::Lt => 1,
            Op::Le => 2,
            Op::Ne => 4,
            Op::Ge => 5,
            Op::Gt => 6,
            _ => return None,
        };
        if !self.avx512 {
            return Some(Val::Lanes(size, self.compare_lanes(op, dtype, x, y)));
        }
        let rows = match dtype.is_signed() {
            true => [table::Pcmpb, table::Pcmpw, table::Pcmpd, table::Pcmpq],
            false => [table::Pcmpub, table::Pcmpuw, table::Pcmpud, table::Pcmpuq],
        };
        let width = self.width(size);
        let mask = self.test(&by_size(size, rows), width, &[x, y], Some(predicate));
        Some(Val::Mask(mask))
    }

    /// Lanes of all ones where two integers compare so. There are instructions for "equal" and for signed "greater" only.
    fn compare_lanes(&mut self, op: Op, dtype: DType, x: Arg, y: Arg) -> Arg {
        let (size, width) = (dtype.itemsize(), self.width(dtype.itemsize()));
        let equal = by_size(
            size,
            [
                table::Pcmpeqb,
                table::Pcmpeqw,
                table::Pcmpeqd,
                table::Pcmpeqq,
            ],
        );
        match op {
            Op::Eq => self.on(&equal, width, &[x, y]),
            Op::Lt => self.compare_lanes(Op::Gt, dtype, y, x),
            Op::Gt if dtype.is_signed() => self.greater(size, x, y),
            Op::Gt if size == 8 => {
                let sign = self.constant(8, 1 << 63);
                let x = self.on(&table::Xor, width, &[x, sign]);
                let y = self.on(&table::Xor, width, &[y, sign]);
                self.greater(8, x, y)
            }
            // Greater than or equal to is being the greater of the two.
            Op::Ge if !dtype.is_signed() && size < 8 => {
                let most = by_size(
                    size,
                    [table::Pmaxub, table::Pmaxuw, table::Pmaxud, table::Pmaxud],
                );
                let most = self.on(&most, width, &[x, y]);
                self.on(&equal, width, &[most, x])
            }
            Op::Le if !dtype.is_signed() && size < 8 => self.compare_lanes(Op::Ge, dtype, y, x),
            _ => {
                let opposite = match op {
                    Op::Ne => Op::Eq,
                    Op::Le => Op::Gt,
                    Op::Ge => Op::Lt,
                    _ => Op::Le,
                };
                let lanes = self.compare_lanes(opposite, dtype, x, y);
                let ones = self.ones();
                self.on(&table::Xor, width, &[lanes, ones])
            }
        }
    }

    /// Lanes of all ones where a signed integer is greater than another.
    pub(super) fn greater(&mut self, size: usize, x: Arg, y: Arg) -> Arg {
        let row = by_size(
            size,
            [
                table::Pcmpgtb,
                table::Pcmpgtw,
                table::Pcmpgtd,
                table::Pcmpgtq,
            ],
        );
        let width = self.width(size);
        self.on(&row, width, &[x, y])
    }

    /// Which numbers are not zero; NaN is not.
    pub(super) fn nonzero(&mut self, dtype: DType, x: Arg) -> Val {
        let size = dtype.itemsize();
        let width = self.width(size);
        if dtype.is_float() {
            let zero = self.constant(size, 0);
            return self.compare_floats(Floats::NotEqual, size, x, zero);
        }
        if self.avx512 {
            let rows = [
                table::Ptestmb,
                table::Ptestmw,
                table::Ptestmd,
                table::Ptestmq,
            ];
            let row = by_size(size, rows);
            return Val::Mask(self.test(&row, width, &[x, x], None));
        }
        let zero = self.constant(size, 0);
        Val::Lanes(size, self.compare_lanes(Op::Ne, dtype, x, zero))
    }

    /// `x` where true, else 0.
    pub(super) fn where_true(&mut self, truth: Val, size: usize, x: Arg) -> Arg {
        let width = self.width(size);
        match truth {
            Val::Mask(mask) => {
                let row = by_size(
                    size,
                    [table::Load8, table::Load16, table::Load32, table::Load64],
                );
                self.under(mask, true, &row, width, &[x])
            }
            truth => {
                let lanes = self.lanes_of(truth, size);
                self.on(&table::And, width, &[lanes, x])
            }
        }
    }

    /// `x` where true, else `y`; elements of `size` bytes.
    pub(super) fn choose(&mut self, truth: Val, size: usize, x: Arg, y: Arg) -> Arg {
        let width = self.width(size);
        match truth {
            Val::Mask(mask) => {
                let rows = [
                    table::Pblendmb,
                    table::Pblendmw,
                    table::Pblendmd,
                    table::Pblendmq,
                ];
                self.under(mask, false, &by_size(size, rows), width, &[y, x])
            }
            truth => {
                let lanes = self.lanes_of(truth, size);
                self.choose_lanes(width, lanes, x, y)
            }
        }
    }

    fn choose_lanes(&mut self, width: Width, lanes: Arg, x: Arg, y: Arg) -> Arg {
        let to = self.on(&table::Pblendvb, width, &[y, x, lanes]);
        // Its last operand, the mask, is a register.
        let inst = self.insts.last_mut().expect("just pushed");
        inst.reads = 0;
        to
    }

    /// An operation on truth values: and, or, exclusive or, or of one that is and another that is not.
    pub(super) fn truths(&mut self, op: Truths, x: Val, y: Val) -> Val {
        if let (Val::Mask(x), Val::Mask(y)) = (x, y) {
            let code = match op {
                Truths::And => Code::VEX_Kandq_kr_kr_kr,
                Truths::Or => Code::VEX_Korq_kr_kr_kr,
                Truths::Xor => Code::VEX_Kxorq_kr_kr_kr,
                Truths::NotAnd => Code::VEX_Kandnq_kr_kr_kr,
            };
            let to = self.mask();
            self.push(Inst::new(code, to, &[x, y]));
            return Val::Mask(to);
        }
        let (size, x, y) = self.common(x, y);
        let row = match op {
            Truths::And => table::And,
            Truths::Or => table::Or,
            Truths::Xor => table::Xor,
            Truths::NotAnd => table::AndNot,
        };
        let width = self.width(size);
        Val::Lanes(size, self.on(&row, width, &[x, y]))
    }

    pub(super) fn not(&mut self, x: Val) -> Val {
        if let Val::Mask(x) = x {
            let to = self.mask();
            self.push(Inst::new(Code::VEX_Knotq_kr_kr, to, &[x]));
            return Val::Mask(to);
        }
        let ones = self.ones();
        let Val::Lanes(size, lanes) = x else {
            unreachable!("a `bool` is truth");
        };
        let width = self.width(size);
        Val::Lanes(size, self.on(&table::Xor, width, &[lanes, ones]))
    }

    /// A truth value chosen by another.
    pub(super) fn choose_truth(&mut self, truth: Val, x: Val, y: Val) -> Val {
        if self.avx512 {
            let x = self.truths(Truths::And, truth, x);
            let y = self.truths(Truths::NotAnd, truth, y);
            return self.truths(Truths::Or, x, y);
        }
        let (size, x, y) = self.common(x, y);
        let truth = self.lanes_of(truth, size);
        let width = self.width(size);
        Val::Lanes(size, self.choose_lanes(width, truth, x, y))
    }

    /// Two truth values as lanes of one size: the lesser, where they take fewer registers.
    fn common(&mut self, x: Val, y: Val) -> (usize, Arg, Arg) {
        let (Val::Lanes(a, _), Val::Lanes(b, _)) = (x, y) else {
            unreachable!("without AVX-512 truth is in lanes");
        };
        let size = a.min(b);
        (size, self.lanes_of(x, size), self.lanes_of(y, size))
    }

    /// A truth value as lanes of `size` bytes.
    pub(super) fn lanes_of(&mut self, truth: Val, size: usize) -> Arg {
        let Val::Lanes(mut have, mut lanes) = truth else {
            unreachable!("without AVX-512 truth is in lanes");
        };
        if have < size {
            return self.widen(have, size, true, lanes);
        }
        while have > size {
            lanes = self.halve_lanes(have, lanes, Halve::Truth);
            have /= 2;
        }
        lanes
    }

    /// Integers of `from` bytes made wider: by zeros, or by the sign.
    pub(super) fn widen(&mut self, from: usize, to: usize, signed: bool, x: Arg) -> Arg {
        let row = match (from, to, signed) {
            (1, 2, true) => table::Pmovsxbw,
            (1, 4, true) => table::Pmovsxbd,
            (1, 8, true) => table::Pmovsxbq,
            (2, 4, true) => table::Pmovsxwd,
            (2, 8, true) => table::Pmovsxwq,
            (4, 8, true) => table::Pmovsxdq,
            (1, 2, false) => table::Pmovzxbw,
            (1, 4, false) => table::Pmovzxbd,
            (1, 8, false) => table::Pmovzxbq,
            (2, 4, false) => table::Pmovzxwd,
            (2, 8, false) => table::Pmovzxwq,
            (4, 8, false) => table::Pmovzxdq,
            _ => unreachable!("elements of 1, 2, 4 or 8 bytes made wider"),
        };
        self.resize(&row, from, to, x)
    }

    /// Integers of `from` bytes cut to their low `to`.
    pub(super) fn narrow(&mut self, from: usize, to: usize, x: Arg) -> Arg {
        if self.avx512 {
            let row = match (from, to) {
                (2, 1) => table::Pmovwb,
                (4, 1) => table::Pmovdb,
                (4, 2) => table::Pmovdw,
                (8, 1) => table::Pmovqb,
                (8, 2) => table::Pmovqw,
                (8, 4) => table::Pmovqd,
                _ => unreachable!("elements of 2, 4 or 8 bytes made narrower"),
            };
            return self.resize(&row, from, to, x);
        }
        let (mut size, mut x) = (from, x);
        while size > to {
            x = self.halve_lanes(size, x, Halve::Low);
            size /= 2;
        }
        x
    }

    /// Lanes of `size` bytes made half as wide.
    fn halve_lanes(&mut self, size: usize, x: Arg, how: Halve) -> Arg {
        let width = self.width(size);
        let mut x = x.at(width);
        if how == Halve::Low && size < 8 {
            let low = self.constant(size, u64::MAX >> (64 - 4 * size));
            x = self.on(&table::And, width, &[x, low]);
        }
        let high = match width {
            Width::X => x,
            _ => self.upper_half(size, x),
        };
        let from = [x, high];
        match (size, how) {
            (8, _) => self.with(&table::Shufps, Width::X, &from, 0b10_00_10_00),
            (4, Halve::Truth) => self.on(&table::Packssdw, Width::X, &from),
            (_, Halve::Truth) => self.on(&table::Packsswb, Width::X, &from),
            (4, Halve::Low) => self.on(&table::Packusdw, Width::X, &from),
            (_, Halve::Low) => self.on(&table::Packuswb, Width::X, &from),
        }
    }
}

/// How lanes are made half as wide.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Halve {
    /// The low half of each.
    Low,
    /// They are all ones or all zeros.
    Truth,
}

/// Operations on two truth values.
#[derive(Clone, Copy)]
pub(super) enum Truths {
    And,
    Or,
    Xor,
    /// Not the first, and the second.
    NotAnd,
}
