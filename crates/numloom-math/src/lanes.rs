//! What a kernel may ask of a vector: one trait.
//!
//! A kernel is one generic function over [`Lanes`]. Each instance of the trait does the same IEEE operations in the same
//! order, so a kernel has the same bits on all of them. Some methods are *semantic*: [`ldexp`](Lanes::ldexp),
//! [`split`](Lanes::split) and [`lookup`](Lanes::lookup) say what is computed, and an instance uses the best instructions it
//! has. No estimates (reciprocals, inverse roots) and no contraction appear anywhere: they differ between processors.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

use crate::table::Table;

/// 1.5 * 2^52: added, it rounds to an integer, ties to even, and leaves that integer in the lowest bits.
pub(crate) const MAGIC: f64 = 6755399441055744.0;

/// 2^52: or-ed to a small non-negative integer, it makes a float that is greater by 2^52.
pub(crate) const TWO_52: f64 = 4503599627370496.0;

pub(crate) const SIGN: u64 = 1 << 63;

/// The most lanes that a vector has.
pub(crate) const MAX_LANES: usize = 16;

/// A vector of `f64` lanes.
///
/// A value of it exists only where the processor has its instructions: the first one is made from a [`Proof`](Lanes::Proof),
/// all others from one that is there. So its methods are safe. They are meant to be inlined into a function that enables the instruction set.
pub(crate) trait Lanes:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    /// One truth per lane.
    type Mask: Copy
        + BitAnd<Output = Self::Mask>
        + BitOr<Output = Self::Mask>
        + Not<Output = Self::Mask>;
    /// What only exists where the processor has the instructions.
    type Proof: Copy;
    /// Lanes of the vector, at most [`MAX_LANES`].
    const N: usize;
    /// Whether [`split_normal`](Lanes::split_normal) splits subnormal numbers as well.
    const SPLITS_ALL: bool = false;

    /// The proof that this vector was made from.
    fn proof(self) -> Self::Proof;
    /// The first `N` elements of `x`.
    fn load(proof: Self::Proof, x: &[f64]) -> Self;
    /// Into the first `N` elements of `dst`.
    fn store(self, dst: &mut [f64]);
    /// The first `N` elements of `x`, widened.
    fn load_f32(proof: Self::Proof, x: &[f32]) -> Self;
    /// Into the first `N` elements of `dst`, each rounded to the nearest.
    fn store_f32(self, dst: &mut [f32]);
    /// `x` in every lane.
    fn splat(proof: Self::Proof, x: f64) -> Self;

    /// `self * a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// `b - self * a`, rounded once.
    fn mul_sub_from(self, a: Self, b: Self) -> Self;
    fn sqrt(self) -> Self;
    /// The nearest `f32` of each.
    fn round_to_f32(self) -> Self;
    /// The greater of each pair; `self` where it is NaN.
    fn at_least(self, least: Self) -> Self;
    /// The smaller of each pair; `self` where it is NaN.
    fn at_most(self, most: Self) -> Self;

    fn and(self, o: Self) -> Self;
    fn or(self, o: Self) -> Self;
    fn xor(self, o: Self) -> Self;
    /// Sum of the bits as 64-bit integers, wrapping.
    fn add_bits(self, o: Self) -> Self;
    /// Difference of the bits as 64-bit integers, wrapping.
    fn sub_bits(self, o: Self) -> Self;
    fn shl<const S: u32>(self) -> Self;
    /// Zeros come in.
    fn shr<const S: u32>(self) -> Self;

    fn lt(self, o: Self) -> Self::Mask;
    fn le(self, o: Self) -> Self::Mask;
    fn eq(self, o: Self) -> Self::Mask;
    /// Whether any of the bits `bits` is set.
    fn has_bits(self, bits: u64) -> Self::Mask;
    /// `yes` where the mask is true.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    fn any(mask: Self::Mask) -> bool;

    /// `self * 2^n` for integral `n` of at most 2200 in size, rounded once.
    ///
    /// In software by two factors: both are powers of two on the same side of 1, so only the second product rounds.
    #[inline(always)]
    fn ldexp(self, n: Self) -> Self {
        let half = (n * 0.5).rint();
        self * half.exp2_int() * (n - half).exp2_int()
    }

    /// `(k, m)` with `self = 2^k * m`, `k` integral and `m` in [1, 2); for numbers above zero, subnormal ones included.
    /// Of anything else, anything comes out.
    #[inline(always)]
    fn split(self) -> (Self, Self) {
        if Self::SPLITS_ALL {
            return self.split_normal();
        }
        let is_small = self.lt(self.of(f64::MIN_POSITIVE));
        if Self::any(is_small) {
            let normal = Self::select(is_small, self * 18014398509481984.0, self); // 2^54
            let (k, m) = normal.split_normal();
            return (Self::select(is_small, k - 54.0, k), m);
        }
        self.split_normal()
    }

    /// Whether lanes are normal numbers above zero: neither zero, subnormal, negative, infinite nor NaN.
    #[inline(always)]
    fn is_plain(self) -> Self::Mask {
        self.of(f64::MIN_POSITIVE).le(self) & self.lt(self.of(f64::INFINITY))
    }

    /// [`split`](Lanes::split) of [plain](Lanes::is_plain) numbers.
    #[inline(always)]
    fn split_normal(self) -> (Self, Self) {
        let k = self.shr::<52>().or(self.of(TWO_52)) - (TWO_52 + 1023.0);
        let m = self.and(self.bits((1 << 52) - 1)).or(self.of(1.0));
        (k, m)
    }

    /// The entries of the rows of `table` that the lowest four bits of the lanes count.
    fn lookup<const K: usize>(self, table: &'static Table<K>) -> [Self; K];

    /// `x` in every lane.
    #[inline(always)]
    fn of(self, x: f64) -> Self {
        Self::splat(self.proof(), x)
    }

    /// `bits` in every lane.
    #[inline(always)]
    fn bits(self, bits: u64) -> Self {
        self.of(f64::from_bits(bits))
    }

    /// 2 to the power of an integral lane in -1022 to 1023.
    #[inline(always)]
    fn exp2_int(self) -> Self {
        (self + (MAGIC + 1023.0)).shl::<52>()
    }

    /// The nearest integer, of at most 2^51 in size.
    #[inline(always)]
    fn rint(self) -> Self {
        (self + MAGIC) - MAGIC
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.and(self.bits(!SIGN))
    }

    /// The sign bit, and nothing else.
    #[inline(always)]
    fn sign(self) -> Self {
        self.and(self.bits(SIGN))
    }

    #[inline(always)]
    fn is_nan(self) -> Self::Mask {
        !self.eq(self)
    }

    /// `c[0] + c[1] x + …`, from the highest power down.
    #[inline(always)]
    fn polynomial<const D: usize>(self, c: &[f64; D]) -> Self {
        let mut sum = self.of(c[D - 1]);
        for &c in c[..D - 1].iter().rev() {
            sum = sum.mul_add(self, self.of(c));
        }
        sum
    }
}

/// Work to be done with the vectors of whichever instruction set.
pub(crate) trait Job {
    /// Does it. Implementations are inlined into the one function of each instruction set that enables it.
    fn run<V: Lanes>(self, proof: V::Proof);
}

/// A function of one argument.
pub(crate) trait Unary {
    fn lanes<V: Lanes>(x: V) -> V;
}

/// A function of two arguments.
pub(crate) trait Binary {
    fn lanes<V: Lanes>(x: V, y: V) -> V;
}

/// An element type that lanes are loaded from and stored to.
pub(crate) trait Lane: Copy + Default {
    fn load<V: Lanes>(proof: V::Proof, x: &[Self]) -> V;
    fn store<V: Lanes>(v: V, dst: &mut [Self]);
}

impl Lane for f64 {
    #[inline(always)]
    fn load<V: Lanes>(proof: V::Proof, x: &[f64]) -> V {
        V::load(proof, x)
    }
    #[inline(always)]
    fn store<V: Lanes>(v: V, dst: &mut [f64]) {
        v.store(dst);
    }
}

impl Lane for f32 {
    #[inline(always)]
    fn load<V: Lanes>(proof: V::Proof, x: &[f32]) -> V {
        V::load_f32(proof, x)
    }
    #[inline(always)]
    fn store<V: Lanes>(v: V, dst: &mut [f32]) {
        v.store_f32(dst);
    }
}
