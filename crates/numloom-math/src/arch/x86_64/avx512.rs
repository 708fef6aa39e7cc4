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
//! Eight lanes, in AVX-512 F, DQ, BW and VL.
//!
//! Every `unsafe` block of this file but the loads, stores and [`Avx512::run`] rests on one argument, named (proof):
//! an [`F64x8`] or [`Avx512`] exists only if [`Avx512::detect`] found the instructions, so the intrinsic may be called.

use std::arch::x86_64::*;
use std::ops::{BitAnd, BitOr, Neg, Not};

use crate::arch::operators;
use crate::lanes::{Job, Lanes, SIGN};
use crate::table::Table;

/// Exists only where the processor has AVX-512 F, DQ, BW, VL and FMA.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// Whether it has.
    pub(crate) fn detect() -> Option<Avx512> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("fma");
        has.then_some(Avx512(()))
    }

    /// Does the job eight lanes at a time.
    pub(crate) fn run<J: Job>(self, job: J) {
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,fma")]
        fn enabled<J: Job>(proof: Avx512, job: J) {
            job.run::<crate::twice::Twice<F64x8>>(proof);
        }
        // SAFETY: the features are there, as `self` proves.
        unsafe { enabled(self, job) }
    }
}

/// Eight lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct F64x8(__m512d);

/// A bit per lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask(__mmask8);

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

/// An intrinsic of vectors: see (proof).
macro_rules! proven {
    ($call:expr) => {
        // SAFETY: (proof).
        unsafe { $call }
    };
}

operators! { F64x8:
    Add add |x: Self, y: Self| F64x8(proven!(_mm512_add_pd(x.0, y.0)));
    Sub sub |x: Self, y: Self| F64x8(proven!(_mm512_sub_pd(x.0, y.0)));
    Mul mul |x: Self, y: Self| F64x8(proven!(_mm512_mul_pd(x.0, y.0)));
    Div div |x: Self, y: Self| F64x8(proven!(_mm512_div_pd(x.0, y.0)));
}

impl Neg for F64x8 {
    type Output = F64x8;
    #[inline(always)]
    fn neg(self) -> F64x8 {
        self.xor(self.bits(SIGN))
    }
}

impl F64x8 {
    #[inline(always)]
    fn int(self) -> __m512i {
        proven!(_mm512_castpd_si512(self.0))
    }

    #[inline(always)]
    fn from_int(x: __m512i) -> F64x8 {
        F64x8(proven!(_mm512_castsi512_pd(x)))
    }
}

impl Lanes for F64x8 {
    type Mask = Mask;
    type Proof = Avx512;
    const N: usize = 8;
    const SPLITS_ALL: bool = true;

    #[inline(always)]
    fn proof(self) -> Avx512 {
        Avx512(())
    }
    #[inline(always)]
    fn load(_: Avx512, x: &[f64]) -> F64x8 {
        let x = &x[..8];
        // SAFETY: (proof); eight elements are borrowed.
        F64x8(unsafe { _mm512_loadu_pd(x.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, dst: &mut [f64]) {
        let dst = &mut dst[..8];
        // SAFETY: (proof); eight elements are borrowed exclusively.
        unsafe { _mm512_storeu_pd(dst.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn load_f32(_: Avx512, x: &[f32]) -> F64x8 {
        let x = &x[..8];
        // SAFETY: (proof); eight elements are borrowed.
        F64x8(unsafe { _mm512_cvtps_pd(_mm256_loadu_ps(x.as_ptr())) })
    }
    #[inline(always)]
    fn store_f32(self, dst: &mut [f32]) {
        let dst = &mut dst[..8];
        // SAFETY: (proof); eight elements are borrowed exclusively.
        unsafe { _mm256_storeu_ps(dst.as_mut_ptr(), _mm512_cvtpd_ps(self.0)) }
    }
    #[inline(always)]
    fn splat(_: Avx512, x: f64) -> F64x8 {
        F64x8(proven!(_mm512_set1_pd(x)))
    }

    #[inline(always)]
    fn mul_add(self, a: F64x8, b: F64x8) -> F64x8 {
        F64x8(proven!(_mm512_fmadd_pd(self.0, a.0, b.0)))
    }
    #[inline(always)]
    fn mul_sub_from(self, a: F64x8, b: F64x8) -> F64x8 {
        F64x8(proven!(_mm512_fnmadd_pd(self.0, a.0, b.0)))
    }
    #[inline(always)]
    fn sqrt(self) -> F64x8 {
        F64x8(proven!(_mm512_sqrt_pd(self.0)))
    }
    #[inline(always)]
    fn round_to_f32(self) -> F64x8 {
        F64x8(proven!(_mm512_cvtps_pd(_mm512_cvtpd_ps(self.0))))
    }
    // Of these two, the instruction returns its second operand if one is NaN.
    #[inline(always)]
    fn at_least(self, least: F64x8) -> F64x8 {
        F64x8(proven!(_mm512_max_pd(least.0, self.0)))
    }
    #[inline(always)]
    fn at_most(self, most: F64x8) -> F64x8 {
        F64x8(proven!(_mm512_min_pd(most.0, self.0)))
    }

    #[inline(always)]
    fn and(self, o: F64x8) -> F64x8 {
        F64x8(proven!(_mm512_and_pd(self.0, o.0)))
    }
    #[inline(always)]
    fn or(self, o: F64x8) -> F64x8 {
        F64x8(proven!(_mm512_or_pd(self.0, o.0)))
    }
    #[inline(always)]
    fn xor(self, o: F64x8) -> F64x8 {
        F64x8(proven!(_mm512_xor_pd(self.0, o.0)))
    }
    #[inline(always)]
    fn add_bits(self, o: F64x8) -> F64x8 {
        F64x8::from_int(proven!(_mm512_add_epi64(self.int(), o.int())))
    }
    #[inline(always)]
    fn sub_bits(self, o: F64x8) -> F64x8 {
        F64x8::from_int(proven!(_mm512_sub_epi64(self.int(), o.int())))
    }
    #[inline(always)]
    fn shl<const S: u32>(self) -> F64x8 {
        F64x8::from_int(proven!(_mm512_slli_epi64::<S>(self.int())))
    }
    #[inline(always)]
    fn shr<const S: u32>(self) -> F64x8 {
        F64x8::from_int(proven!(_mm512_srli_epi64::<S>(self.int())))
    }

    #[inline(always)]
    fn lt(self, o: F64x8) -> Mask {
        Mask(proven!(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(self.0, o.0)))
    }
    #[inline(always)]
    fn le(self, o: F64x8) -> Mask {
        Mask(proven!(_mm512_cmp_pd_mask::<_CMP_LE_OQ>(self.0, o.0)))
    }
    #[inline(always)]
    fn eq(self, o: F64x8) -> Mask {
        Mask(proven!(_mm512_cmp_pd_mask::<_CMP_EQ_OQ>(self.0, o.0)))
    }
    #[inline(always)]
    fn has_bits(self, bits: u64) -> Mask {
        Mask(proven!(_mm512_test_epi64_mask(
            self.int(),
            self.bits(bits).int()
        )))
    }
    #[inline(always)]
    fn select(mask: Mask, yes: F64x8, no: F64x8) -> F64x8 {
        F64x8(proven!(_mm512_mask_blend_pd(mask.0, no.0, yes.0)))
    }
    #[inline(always)]
    fn any(mask: Mask) -> bool {
        mask.0 != 0
    }

    #[inline(always)]
    fn ldexp(self, n: F64x8) -> F64x8 {
        F64x8(proven!(_mm512_scalef_pd(self.0, n.0)))
    }
    #[inline(always)]
    fn is_plain(self) -> Mask {
        Mask(!proven!(_mm512_fpclass_pd_mask::<0xff>(self.0)))
    }
    #[inline(always)]
    fn split_normal(self) -> (F64x8, F64x8) {
        let m = F64x8(proven!(_mm512_getmant_pd::<
            _MM_MANT_NORM_1_2,
            _MM_MANT_SIGN_ZERO,
        >(self.0)));
        (F64x8(proven!(_mm512_getexp_pd(self.0))), m)
    }
    #[inline(always)]
    fn lookup<const K: usize>(self, table: &'static Table<K>) -> [F64x8; K] {
        std::array::from_fn(|k| {
            let (low, high) = table.columns[k].split_at(8);
            let (low, high) = (
                F64x8::load(self.proof(), low),
                F64x8::load(self.proof(), high),
            );
            F64x8(proven!(_mm512_permutex2var_pd(low.0, self.int(), high.0)))
        })
    }
}
