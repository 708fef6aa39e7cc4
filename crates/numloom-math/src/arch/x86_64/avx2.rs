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
//! Four lanes, in AVX2 with FMA.
//!
//! Every `unsafe` block of this file but the loads, stores and [`Avx2::run`] rests on one argument, named (proof):
//! an [`F64x4`], a [`Mask`] or an [`Avx2`] exists only if [`Avx2::detect`] found the instructions, so the intrinsic may be called.

use std::arch::x86_64::*;
use std::ops::{BitAnd, BitOr, Neg, Not};

use crate::arch::operators;
use crate::lanes::{Job, Lanes, SIGN};
use crate::table::Table;

/// Exists only where the processor has AVX2 and FMA.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// Whether it has.
    pub(crate) fn detect() -> Option<Avx2> {
        let has = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        has.then_some(Avx2(()))
    }

    /// Does the job four lanes at a time.
    pub(crate) fn run<J: Job>(self, job: J) {
        #[target_feature(enable = "avx2,fma")]
        fn enabled<J: Job>(proof: Avx2, job: J) {
            job.run::<crate::twice::Twice<F64x4>>(proof);
        }
        // SAFETY: the features are there, as `self` proves.
        unsafe { enabled(self, job) }
    }
}

/// Four lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct F64x4(__m256d);

/// The sign bit of a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask(__m256d);

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
        Mask(proven!(_mm256_and_pd(self.0, o.0)))
    }
}

impl BitOr for Mask {
    type Output = Mask;
    #[inline(always)]
    fn bitor(self, o: Mask) -> Mask {
        Mask(proven!(_mm256_or_pd(self.0, o.0)))
    }
}

impl Not for Mask {
    type Output = Mask;
    #[inline(always)]
    fn not(self) -> Mask {
        Mask(proven!(_mm256_xor_pd(
            self.0,
            _mm256_castsi256_pd(_mm256_set1_epi64x(-1))
        )))
    }
}

operators! { F64x4:
    Add add |x: Self, y: Self| F64x4(proven!(_mm256_add_pd(x.0, y.0)));
    Sub sub |x: Self, y: Self| F64x4(proven!(_mm256_sub_pd(x.0, y.0)));
    Mul mul |x: Self, y: Self| F64x4(proven!(_mm256_mul_pd(x.0, y.0)));
    Div div |x: Self, y: Self| F64x4(proven!(_mm256_div_pd(x.0, y.0)));
}

impl Neg for F64x4 {
    type Output = F64x4;
    #[inline(always)]
    fn neg(self) -> F64x4 {
        self.xor(self.bits(SIGN))
    }
}

impl F64x4 {
    #[inline(always)]
    fn int(self) -> __m256i {
        proven!(_mm256_castpd_si256(self.0))
    }

    #[inline(always)]
    fn from_int(x: __m256i) -> F64x4 {
        F64x4(proven!(_mm256_castsi256_pd(x)))
    }
}

impl Lanes for F64x4 {
    type Mask = Mask;
    type Proof = Avx2;
    const N: usize = 4;

    #[inline(always)]
    fn proof(self) -> Avx2 {
        Avx2(())
    }
    #[inline(always)]
    fn load(_: Avx2, x: &[f64]) -> F64x4 {
        let x = &x[..4];
        // SAFETY: (proof); four elements are borrowed.
        F64x4(unsafe { _mm256_loadu_pd(x.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, dst: &mut [f64]) {
        let dst = &mut dst[..4];
        // SAFETY: (proof); four elements are borrowed exclusively.
        unsafe { _mm256_storeu_pd(dst.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn load_f32(_: Avx2, x: &[f32]) -> F64x4 {
        let x = &x[..4];
        // SAFETY: (proof); four elements are borrowed.
        F64x4(unsafe { _mm256_cvtps_pd(_mm_loadu_ps(x.as_ptr())) })
    }
    #[inline(always)]
    fn store_f32(self, dst: &mut [f32]) {
        let dst = &mut dst[..4];
        // SAFETY: (proof); four elements are borrowed exclusively.
        unsafe { _mm_storeu_ps(dst.as_mut_ptr(), _mm256_cvtpd_ps(self.0)) }
    }
    #[inline(always)]
    fn splat(_: Avx2, x: f64) -> F64x4 {
        F64x4(proven!(_mm256_set1_pd(x)))
    }

    #[inline(always)]
    fn mul_add(self, a: F64x4, b: F64x4) -> F64x4 {
        F64x4(proven!(_mm256_fmadd_pd(self.0, a.0, b.0)))
    }
    #[inline(always)]
    fn mul_sub_from(self, a: F64x4, b: F64x4) -> F64x4 {
        F64x4(proven!(_mm256_fnmadd_pd(self.0, a.0, b.0)))
    }
    #[inline(always)]
    fn sqrt(self) -> F64x4 {
        F64x4(proven!(_mm256_sqrt_pd(self.0)))
    }
    #[inline(always)]
    fn round_to_f32(self) -> F64x4 {
        F64x4(proven!(_mm256_cvtps_pd(_mm256_cvtpd_ps(self.0))))
    }
    // Of these two, the instruction returns its second operand if one is NaN.
    #[inline(always)]
    fn at_least(self, least: F64x4) -> F64x4 {
        F64x4(proven!(_mm256_max_pd(least.0, self.0)))
    }
    #[inline(always)]
    fn at_most(self, most: F64x4) -> F64x4 {
        F64x4(proven!(_mm256_min_pd(most.0, self.0)))
    }

    #[inline(always)]
    fn and(self, o: F64x4) -> F64x4 {
        F64x4(proven!(_mm256_and_pd(self.0, o.0)))
    }
    #[inline(always)]
    fn or(self, o: F64x4) -> F64x4 {
        F64x4(proven!(_mm256_or_pd(self.0, o.0)))
    }
    #[inline(always)]
    fn xor(self, o: F64x4) -> F64x4 {
        F64x4(proven!(_mm256_xor_pd(self.0, o.0)))
    }
    #[inline(always)]
    fn add_bits(self, o: F64x4) -> F64x4 {
        F64x4::from_int(proven!(_mm256_add_epi64(self.int(), o.int())))
    }
    #[inline(always)]
    fn sub_bits(self, o: F64x4) -> F64x4 {
        F64x4::from_int(proven!(_mm256_sub_epi64(self.int(), o.int())))
    }
    #[inline(always)]
    fn shl<const S: u32>(self) -> F64x4 {
        let count = proven!(_mm_cvtsi32_si128(S.cast_signed()));
        F64x4::from_int(proven!(_mm256_sll_epi64(self.int(), count)))
    }
    #[inline(always)]
    fn shr<const S: u32>(self) -> F64x4 {
        let count = proven!(_mm_cvtsi32_si128(S.cast_signed()));
        F64x4::from_int(proven!(_mm256_srl_epi64(self.int(), count)))
    }

    #[inline(always)]
    fn lt(self, o: F64x4) -> Mask {
        Mask(proven!(_mm256_cmp_pd::<_CMP_LT_OQ>(self.0, o.0)))
    }
    #[inline(always)]
    fn le(self, o: F64x4) -> Mask {
        Mask(proven!(_mm256_cmp_pd::<_CMP_LE_OQ>(self.0, o.0)))
    }
    #[inline(always)]
    fn eq(self, o: F64x4) -> Mask {
        Mask(proven!(_mm256_cmp_pd::<_CMP_EQ_OQ>(self.0, o.0)))
    }
    #[inline(always)]
    fn has_bits(self, bits: u64) -> Mask {
        if bits.is_power_of_two() {
            // The sign bit of a lane chooses.
            let count = proven!(_mm_cvtsi32_si128(bits.leading_zeros().cast_signed()));
            let first = proven!(_mm256_sll_epi64(self.int(), count));
            return Mask(F64x4::from_int(first).0);
        }
        let none = proven!(_mm256_cmpeq_epi64(
            self.and(self.bits(bits)).int(),
            _mm256_setzero_si256()
        ));
        !Mask(F64x4::from_int(none).0)
    }
    #[inline(always)]
    fn select(mask: Mask, yes: F64x4, no: F64x4) -> F64x4 {
        F64x4(proven!(_mm256_blendv_pd(no.0, yes.0, mask.0)))
    }
    #[inline(always)]
    fn any(mask: Mask) -> bool {
        proven!(_mm256_movemask_pd(mask.0)) != 0
    }

    /// By a row for each lane, loaded in halves and turned: gathers are slower, on some processors by far, and so are permutations of sixteen entries.
    #[inline(always)]
    fn lookup<const K: usize>(self, table: &'static Table<K>) -> [F64x4; K] {
        let mut lanes = [0.0; 4];
        self.and(self.bits(15)).store(&mut lanes);
        let [a, b, c, d] = lanes.map(|lane| &table.rows[(lane.to_bits() & 15) as usize]);
        let mut columns = [self; 4];
        for half in 0..K.div_ceil(2) {
            let of = |row: &[f64; 4]| F64x2::load(self.proof(), &row[2 * half..]);
            let even = of(a).beside(of(c));
            let odd = of(b).beside(of(d));
            columns[2 * half] = F64x4(proven!(_mm256_unpacklo_pd(even.0, odd.0)));
            columns[2 * half + 1] = F64x4(proven!(_mm256_unpackhi_pd(even.0, odd.0)));
        }
        std::array::from_fn(|k| columns[k])
    }
}

/// Half of a vector.
#[derive(Clone, Copy)]
struct F64x2(__m128d);

impl F64x2 {
    #[inline(always)]
    fn load(_: Avx2, x: &[f64]) -> F64x2 {
        let x = &x[..2];
        // SAFETY: (proof); two elements are borrowed.
        F64x2(unsafe { _mm_loadu_pd(x.as_ptr()) })
    }

    /// `self` in the lower half, `high` in the upper.
    #[inline(always)]
    fn beside(self, high: F64x2) -> F64x4 {
        F64x4(proven!(_mm256_set_m128d(high.0, self.0)))
    }
}
