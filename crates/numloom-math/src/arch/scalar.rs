//! One lane, in portable Rust: the plainest instance, and the only one where the others are not.

use std::ops::{BitAnd, BitOr, Neg, Not};

use super::operators;
use crate::lanes::{Job, Lanes};
use crate::table::Table;

/// Every processor can; without fused multiply-add it is computed, slowly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Scalar;

impl Scalar {
    /// Does the job one lane at a time.
    pub(crate) fn run<J: Job>(self, job: J) {
        job.run::<F64x1>(self);
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct F64x1(f64);

/// A truth; `!` is its negation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask(bool);

impl BitAnd for Mask {
    type Output = Mask;
    #[inline(always)]
    fn bitand(self, o: Mask) -> Mask {
        Mask(self.0 & o.0)
    }
}

impl BitOr for Mask {
    type Output = Mask;
    #[inline(always)]
    fn bitor(self, o: Mask) -> Mask {
        Mask(self.0 | o.0)
    }
}

impl Not for Mask {
    type Output = Mask;
    #[inline(always)]
    fn not(self) -> Mask {
        Mask(!self.0)
    }
}

operators! { F64x1:
    Add add |x: Self, y: Self| F64x1(x.0 + y.0);
    Sub sub |x: Self, y: Self| F64x1(x.0 - y.0);
    Mul mul |x: Self, y: Self| F64x1(x.0 * y.0);
    Div div |x: Self, y: Self| F64x1(x.0 / y.0);
}

impl Neg for F64x1 {
    type Output = F64x1;
    #[inline(always)]
    fn neg(self) -> F64x1 {
        F64x1(-self.0)
    }
}

impl F64x1 {
    #[inline(always)]
    fn by_bits(self, o: F64x1, f: impl Fn(u64, u64) -> u64) -> F64x1 {
        F64x1(f64::from_bits(f(self.0.to_bits(), o.0.to_bits())))
    }
}

impl Lanes for F64x1 {
    type Mask = Mask;
    type Proof = Scalar;
    const N: usize = 1;

    #[inline(always)]
    fn proof(self) -> Scalar {
        Scalar
    }
    #[inline(always)]
    fn load(_: Scalar, x: &[f64]) -> F64x1 {
        F64x1(x[0])
    }
    #[inline(always)]
    fn store(self, dst: &mut [f64]) {
        dst[0] = self.0;
    }
    #[inline(always)]
    fn load_f32(_: Scalar, x: &[f32]) -> F64x1 {
        F64x1(f64::from(x[0]))
    }
    #[inline(always)]
    fn store_f32(self, dst: &mut [f32]) {
        dst[0] = self.0 as f32;
    }
    #[inline(always)]
    fn splat(_: Scalar, x: f64) -> F64x1 {
        F64x1(x)
    }

    #[inline(always)]
    fn mul_add(self, a: F64x1, b: F64x1) -> F64x1 {
        F64x1(self.0.mul_add(a.0, b.0))
    }
    #[inline(always)]
    fn mul_sub_from(self, a: F64x1, b: F64x1) -> F64x1 {
        F64x1((-self.0).mul_add(a.0, b.0))
    }
    #[inline(always)]
    fn sqrt(self) -> F64x1 {
        F64x1(self.0.sqrt())
    }
    #[inline(always)]
    fn round_to_f32(self) -> F64x1 {
        F64x1(f64::from(self.0 as f32))
    }
    #[inline(always)]
    fn at_least(self, least: F64x1) -> F64x1 {
        F64x1(if self.0 < least.0 { least.0 } else { self.0 })
    }
    #[inline(always)]
    fn at_most(self, most: F64x1) -> F64x1 {
        F64x1(if self.0 > most.0 { most.0 } else { self.0 })
    }

    #[inline(always)]
    fn and(self, o: F64x1) -> F64x1 {
        self.by_bits(o, |x, y| x & y)
    }
    #[inline(always)]
    fn or(self, o: F64x1) -> F64x1 {
        self.by_bits(o, |x, y| x | y)
    }
    #[inline(always)]
    fn xor(self, o: F64x1) -> F64x1 {
        self.by_bits(o, |x, y| x ^ y)
    }
    #[inline(always)]
    fn add_bits(self, o: F64x1) -> F64x1 {
        self.by_bits(o, u64::wrapping_add)
    }
    #[inline(always)]
    fn sub_bits(self, o: F64x1) -> F64x1 {
        self.by_bits(o, u64::wrapping_sub)
    }
    #[inline(always)]
    fn shl<const S: u32>(self) -> F64x1 {
        F64x1(f64::from_bits(self.0.to_bits() << S))
    }
    #[inline(always)]
    fn shr<const S: u32>(self) -> F64x1 {
        F64x1(f64::from_bits(self.0.to_bits() >> S))
    }

    #[inline(always)]
    fn lt(self, o: F64x1) -> Mask {
        Mask(self.0 < o.0)
    }
    #[inline(always)]
    fn le(self, o: F64x1) -> Mask {
        Mask(self.0 <= o.0)
    }
    #[inline(always)]
    fn eq(self, o: F64x1) -> Mask {
        Mask(self.0 == o.0)
    }
    #[inline(always)]
    fn has_bits(self, bits: u64) -> Mask {
        Mask(self.0.to_bits() & bits != 0)
    }
    #[inline(always)]
    fn select(mask: Mask, yes: F64x1, no: F64x1) -> F64x1 {
        if mask.0 { yes } else { no }
    }
    #[inline(always)]
    fn any(mask: Mask) -> bool {
        mask.0
    }

    #[inline(always)]
    fn lookup<const K: usize>(self, table: &'static Table<K>) -> [F64x1; K] {
        table.row(self.0.to_bits()).map(F64x1)
    }
}
