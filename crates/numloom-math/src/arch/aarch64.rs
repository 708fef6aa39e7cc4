#![expect(
    unsafe_code,
    reason = "calls instructions that not every processor has, and reads and writes vectors through pointers"
)]
#![cfg_attr(
    not(test),
    expect(
        clippy::wildcard_imports,
        reason = "some forty intrinsics, whose names say whose they are"
    )
)]
//! Two lanes, in NEON.
//!
//! Every `unsafe` block of this file but the loads, stores and [`Neon::run`] rests on one argument, named (proof):
//! an [`F64x2`], a [`Mask`] or a [`Neon`] exists only if [`Neon::detect`] found the instructions, so the intrinsic may be called.

use std::arch::aarch64::*;
use std::ops::{BitAnd, BitOr, Neg, Not};

use super::operators;
use crate::lanes::{Job, Lanes};
use crate::table::Table;

/// Exists only where the processor has NEON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Neon(());

impl Neon {
    /// Whether it has.
    pub(crate) fn detect() -> Option<Neon> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Neon(()))
    }

    /// Does the job two lanes at a time.
    pub(crate) fn run<J: Job>(self, job: J) {
        #[target_feature(enable = "neon")]
        fn enabled<J: Job>(proof: Neon, job: J) {
            job.run::<F64x2>(proof);
        }
        // SAFETY: the feature is there, as `self` proves.
        unsafe { enabled(self, job) }
    }
}

/// Two lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct F64x2(float64x2_t);

/// All bits of a lane, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask(uint64x2_t);

/// An intrinsic of vectors: see (proof).
macro_rules! proven {
    ($call:expr) => {
        // SAFETY: (proof).
        unsafe { $call }
    };
}

impl BitAnd for Mask {
    type Output = Mask;
    #[inline(always)]
    fn bitand(self, o: Mask) -> Mask {
        Mask(proven!(vandq_u64(self.0, o.0)))
    }
}

impl BitOr for Mask {
    type Output = Mask;
    #[inline(always)]
    fn bitor(self, o: Mask) -> Mask {
        Mask(proven!(vorrq_u64(self.0, o.0)))
    }
}

impl Not for Mask {
    type Output = Mask;
    #[inline(always)]
    fn not(self) -> Mask {
        Mask(proven!(veorq_u64(self.0, vdupq_n_u64(u64::MAX))))
    }
}

operators! { F64x2:
    Add add |x: Self, y: Self| F64x2(proven!(vaddq_f64(x.0, y.0)));
    Sub sub |x: Self, y: Self| F64x2(proven!(vsubq_f64(x.0, y.0)));
    Mul mul |x: Self, y: Self| F64x2(proven!(vmulq_f64(x.0, y.0)));
    Div div |x: Self, y: Self| F64x2(proven!(vdivq_f64(x.0, y.0)));
}

impl Neg for F64x2 {
    type Output = F64x2;
    #[inline(always)]
    fn neg(self) -> F64x2 {
        F64x2(proven!(vnegq_f64(self.0)))
    }
}

impl F64x2 {
    #[inline(always)]
    fn int(self) -> uint64x2_t {
        proven!(vreinterpretq_u64_f64(self.0))
    }

    #[inline(always)]
    fn from_int(x: uint64x2_t) -> F64x2 {
        F64x2(proven!(vreinterpretq_f64_u64(x)))
    }
}

impl Lanes for F64x2 {
    type Mask = Mask;
    type Proof = Neon;
    const N: usize = 2;

    #[inline(always)]
    fn proof(self) -> Neon {
        Neon(())
    }
    #[inline(always)]
    fn load(_: Neon, x: &[f64]) -> F64x2 {
        let x = &x[..2];
        // SAFETY: (proof); two elements are borrowed.
        F64x2(unsafe { vld1q_f64(x.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, dst: &mut [f64]) {
        let dst = &mut dst[..2];
        // SAFETY: (proof); two elements are borrowed exclusively.
        unsafe { vst1q_f64(dst.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn load_f32(_: Neon, x: &[f32]) -> F64x2 {
        let x = &x[..2];
        // SAFETY: (proof); two elements are borrowed.
        F64x2(unsafe { vcvt_f64_f32(vld1_f32(x.as_ptr())) })
    }
    #[inline(always)]
    fn store_f32(self, dst: &mut [f32]) {
        let dst = &mut dst[..2];
        // SAFETY: (proof); two elements are borrowed exclusively.
        unsafe { vst1_f32(dst.as_mut_ptr(), vcvt_f32_f64(self.0)) }
    }
    #[inline(always)]
    fn splat(_: Neon, x: f64) -> F64x2 {
        F64x2(proven!(vdupq_n_f64(x)))
    }

    #[inline(always)]
    fn mul_add(self, a: F64x2, b: F64x2) -> F64x2 {
        F64x2(proven!(vfmaq_f64(b.0, self.0, a.0)))
    }
    #[inline(always)]
    fn mul_sub_from(self, a: F64x2, b: F64x2) -> F64x2 {
        F64x2(proven!(vfmsq_f64(b.0, self.0, a.0)))
    }
    #[inline(always)]
    fn sqrt(self) -> F64x2 {
        F64x2(proven!(vsqrtq_f64(self.0)))
    }
    #[inline(always)]
    fn round_to_f32(self) -> F64x2 {
        F64x2(proven!(vcvt_f64_f32(vcvt_f32_f64(self.0))))
    }
    #[inline(always)]
    fn at_least(self, least: F64x2) -> F64x2 {
        F64x2::select(self.lt(least), least, self)
    }
    #[inline(always)]
    fn at_most(self, most: F64x2) -> F64x2 {
        F64x2::select(most.lt(self), most, self)
    }

    #[inline(always)]
    fn and(self, o: F64x2) -> F64x2 {
        F64x2::from_int(proven!(vandq_u64(self.int(), o.int())))
    }
    #[inline(always)]
    fn or(self, o: F64x2) -> F64x2 {
        F64x2::from_int(proven!(vorrq_u64(self.int(), o.int())))
    }
    #[inline(always)]
    fn xor(self, o: F64x2) -> F64x2 {
        F64x2::from_int(proven!(veorq_u64(self.int(), o.int())))
    }
    #[inline(always)]
    fn add_bits(self, o: F64x2) -> F64x2 {
        F64x2::from_int(proven!(vaddq_u64(self.int(), o.int())))
    }
    #[inline(always)]
    fn sub_bits(self, o: F64x2) -> F64x2 {
        F64x2::from_int(proven!(vsubq_u64(self.int(), o.int())))
    }
    #[inline(always)]
    fn shl<const S: u32>(self) -> F64x2 {
        let count = proven!(vdupq_n_s64(i64::from(S)));
        F64x2::from_int(proven!(vshlq_u64(self.int(), count)))
    }
    #[inline(always)]
    fn shr<const S: u32>(self) -> F64x2 {
        let count = proven!(vdupq_n_s64(-i64::from(S)));
        F64x2::from_int(proven!(vshlq_u64(self.int(), count)))
    }

    #[inline(always)]
    fn lt(self, o: F64x2) -> Mask {
        Mask(proven!(vcltq_f64(self.0, o.0)))
    }
    #[inline(always)]
    fn le(self, o: F64x2) -> Mask {
        Mask(proven!(vcleq_f64(self.0, o.0)))
    }
    #[inline(always)]
    fn eq(self, o: F64x2) -> Mask {
        Mask(proven!(vceqq_f64(self.0, o.0)))
    }
    #[inline(always)]
    fn has_bits(self, bits: u64) -> Mask {
        Mask(proven!(vtstq_u64(self.int(), vdupq_n_u64(bits))))
    }
    #[inline(always)]
    fn select(mask: Mask, yes: F64x2, no: F64x2) -> F64x2 {
        F64x2(proven!(vbslq_f64(mask.0, yes.0, no.0)))
    }
    #[inline(always)]
    fn any(mask: Mask) -> bool {
        proven!(vmaxvq_u32(vreinterpretq_u32_u64(mask.0))) != 0
    }

    #[inline(always)]
    fn lookup<const K: usize>(self, table: &'static Table<K>) -> [F64x2; K] {
        let mut lanes = [0.0; 2];
        self.store(&mut lanes);
        let [first, second] = lanes.map(|lane| table.row(lane.to_bits()));
        std::array::from_fn(|k| F64x2::load(self.proof(), &[first[k], second[k]]))
    }
}
