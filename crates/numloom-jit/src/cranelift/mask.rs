//! Truth values as masks, and changes of lane width.
//!
//! A comparison makes a mask as wide as what it compared; a use wants one as wide as what it chooses. Wider is sign extension,
//! which keeps all ones; narrower is a packing instruction. Integer conversions change width by the same functions.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{ConstantData, InstBuilder, Value, types};
use numloom_data::DType;

use super::value::{Emit, Regs, Val, int_vector, vector};

/// How a register's lanes are made half as wide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Narrow {
    /// The low half of each lane.
    Truncate,
    /// Lanes are all ones or all zeros.
    Mask,
}

/// Byte indices that take the even lanes of this many bytes from two registers, the first one's first.
fn even_lanes(size: u8) -> Vec<u8> {
    (0..32)
        .filter(|byte| (byte / size).is_multiple_of(2))
        .collect()
}

impl Emit<'_> {
    /// Bytes from two registers, by index: 16 and up are the second's.
    pub(super) fn shuffle(&mut self, x: Value, y: Value, bytes: &[u8]) -> Value {
        let to = self.b.func.dfg.value_type(x);
        let (x, y) = (self.view(types::I8X16, x), self.view(types::I8X16, y));
        let data = ConstantData::from(bytes);
        let mask = self.b.func.dfg.immediates.push(data);
        let z = self.b.ins().shuffle(x, y, mask);
        self.view(to, z)
    }

    /// The high half of a register in the low half.
    pub(super) fn high_half(&mut self, x: Value) -> Value {
        self.shuffle(
            x,
            x,
            &[8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15],
        )
    }

    /// The low halves of two registers.
    pub(super) fn low_halves(&mut self, x: Value, y: Value) -> Value {
        self.shuffle(
            x,
            y,
            &[0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23],
        )
    }

    /// Lanes of integers of `size` bytes made twice as wide: by zeros, or by the sign.
    pub(super) fn widen(&mut self, x: Regs, size: usize, signed: bool) -> Regs {
        let mut wide = [None; 8];
        let split = !x.uniform && self.regs(2 * size) > self.regs(size);
        for (pair, &x) in wide.chunks_exact_mut(2).zip(x.as_slice()) {
            pair[0] = Some(match signed {
                true => self.b.ins().swiden_low(x),
                false => self.b.ins().uwiden_low(x),
            });
            if split {
                pair[1] = Some(match signed {
                    true => self.b.ins().swiden_high(x),
                    false => self.b.ins().uwiden_high(x),
                });
            }
        }
        let mut regs = Regs::collect(wide.into_iter().flatten());
        regs.uniform = x.uniform;
        regs
    }

    /// Lanes of integers of `size` bytes made half as wide.
    pub(super) fn narrow(&mut self, x: Regs, size: usize, how: Narrow) -> Regs {
        self.in_pairs(x, |e, x, y| e.narrow_pair(x, y, size, how))
    }

    /// `f` of each two registers; a single one is paired with itself.
    pub(super) fn in_pairs(
        &mut self,
        x: Regs,
        mut f: impl FnMut(&mut Self, Value, Value) -> Value,
    ) -> Regs {
        let pairs = x.as_slice().chunks(2);
        let mut regs = Regs::collect(pairs.map(|pair| f(self, pair[0], pair[pair.len() - 1])));
        regs.uniform = x.uniform;
        regs
    }

    fn narrow_pair(&mut self, x: Value, y: Value, size: usize, how: Narrow) -> Value {
        let to = int_vector(size / 2);
        if !self.x86 || size == 8 {
            let (x, y) = (self.view(to, x), self.view(to, y));
            return self.shuffle(x, y, &even_lanes(size as u8 / 2));
        }
        if how == Narrow::Mask {
            return self.b.ins().snarrow(x, y);
        }
        let low = self.constant(int_vector(size), u64::MAX >> (64 - 4 * size));
        let x = self.b.ins().band(x, low);
        let y = self.b.ins().band(y, low);
        self.b.ins().unarrow(x, y)
    }

    /// The mask of a truth value with lanes of `width` bytes.
    pub(super) fn mask_of(&mut self, value: Val, width: usize) -> Regs {
        let Val::Mask(mut have, mut regs) = value else {
            unreachable!("a `bool` is a mask");
        };
        while have < width {
            regs = self.widen(regs, have, true);
            have *= 2;
        }
        while have > width {
            regs = self.narrow(regs, have, Narrow::Mask);
            have /= 2;
        }
        regs
    }

    /// The masks of two truth values at the lesser of their widths, where they take fewer registers.
    pub(super) fn common(&mut self, x: Val, y: Val) -> (usize, Regs, Regs) {
        let width = match (x, y) {
            (Val::Mask(x, xs), Val::Mask(y, ys)) => match (xs.uniform, ys.uniform) {
                (true, false) => y,
                (false, true) => x,
                _ => x.min(y),
            },
            _ => unreachable!("a `bool` is a mask"),
        };
        (width, self.mask_of(x, width), self.mask_of(y, width))
    }

    /// Which numbers are not zero; NaN is not.
    pub(super) fn is_nonzero(&mut self, dtype: DType, x: Regs) -> Regs {
        let zero = self.constant_regs(vector(dtype), 0);
        if dtype.is_float() {
            self.map2(x, zero, |e, x, zero| {
                e.b.ins().fcmp(FloatCC::NotEqual, x, zero)
            })
        } else {
            self.map2(x, zero, |e, x, zero| {
                e.b.ins().icmp(IntCC::NotEqual, x, zero)
            })
        }
    }

    /// `x` where the mask, of lanes of `width` bytes, holds, else `y`. Bits are moved as they are.
    pub(super) fn blend(&mut self, width: usize, mask: Regs, x: Regs, y: Regs) -> Regs {
        self.map3(mask, x, y, |e, mask, x, y| {
            let ty = e.b.func.dfg.value_type(x);
            // `bitselect` is one instruction on aarch64, and on x86-64 for masks right from a comparison only.
            let through = match width {
                2 if e.x86 => types::I8X16,
                _ => int_vector(width),
            };
            let (mask, x, y) = (
                e.view(through, mask),
                e.view(through, x),
                e.view(through, y),
            );
            let z = match e.x86 {
                true => e.b.ins().blendv(mask, x, y),
                false => e.b.ins().bitselect(mask, x, y),
            };
            e.view(ty, z)
        })
    }
}
