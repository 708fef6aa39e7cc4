//! Two vectors as one: a kernel's steps alternate between them, so that one does not wait for its own last step.
//!
//! A kernel is one long chain of operations, each of four cycles or so, and a processor looks ahead too little to find the next vector's chain behind it.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

use crate::lanes::Lanes;
use crate::table::Table;

/// The lanes of the one, then those of the other.
#[derive(Clone, Copy)]
pub(crate) struct Twice<V>(V, V);

/// The truths of the one, then those of the other.
#[derive(Clone, Copy)]
pub(crate) struct Masks<M>(M, M);

macro_rules! operators {
    ($($trait:ident $method:ident)*) => {$(
        impl<V: Lanes> $trait for Twice<V> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, o: Self) -> Self {
                Twice($trait::$method(self.0, o.0), $trait::$method(self.1, o.1))
            }
        }
    )*};
}

operators! { Add add Sub sub Mul mul Div div }

macro_rules! constant_operators {
    ($($trait:ident $method:ident)*) => {$(
        impl<V: Lanes> $trait<f64> for Twice<V> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, o: f64) -> Self {
                Twice($trait::$method(self.0, o), $trait::$method(self.1, o))
            }
        }
    )*};
}

constant_operators! { Add add Sub sub Mul mul }

impl<V: Lanes> Neg for Twice<V> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Twice(-self.0, -self.1)
    }
}

impl<M: BitAnd<Output = M>> BitAnd for Masks<M> {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, o: Self) -> Self {
        Masks(self.0 & o.0, self.1 & o.1)
    }
}

impl<M: BitOr<Output = M>> BitOr for Masks<M> {
    type Output = Self;
    #[inline(always)]
    fn bitor(self, o: Self) -> Self {
        Masks(self.0 | o.0, self.1 | o.1)
    }
}

impl<M: Not<Output = M>> Not for Masks<M> {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Masks(!self.0, !self.1)
    }
}

/// Methods that do the same to both.
macro_rules! both {
    ($($method:ident ( $($arg:ident),* );)*) => {$(
        #[inline(always)]
        fn $method(self $(, $arg: Self)*) -> Self {
            Twice(self.0.$method($($arg.0),*), self.1.$method($($arg.1),*))
        }
    )*};
}

impl<V: Lanes> Lanes for Twice<V> {
    type Mask = Masks<V::Mask>;
    type Proof = V::Proof;
    const N: usize = 2 * V::N;
    const SPLITS_ALL: bool = V::SPLITS_ALL;

    #[inline(always)]
    fn proof(self) -> V::Proof {
        self.0.proof()
    }
    #[inline(always)]
    fn load(proof: V::Proof, x: &[f64]) -> Self {
        Twice(V::load(proof, x), V::load(proof, &x[V::N..]))
    }
    #[inline(always)]
    fn store(self, dst: &mut [f64]) {
        let (first, second) = dst.split_at_mut(V::N);
        self.0.store(first);
        self.1.store(second);
    }
    #[inline(always)]
    fn load_f32(proof: V::Proof, x: &[f32]) -> Self {
        Twice(V::load_f32(proof, x), V::load_f32(proof, &x[V::N..]))
    }
    #[inline(always)]
    fn store_f32(self, dst: &mut [f32]) {
        let (first, second) = dst.split_at_mut(V::N);
        self.0.store_f32(first);
        self.1.store_f32(second);
    }
    #[inline(always)]
    fn splat(proof: V::Proof, x: f64) -> Self {
        let x = V::splat(proof, x);
        Twice(x, x)
    }

    both! {
        mul_add(a, b);
        mul_sub_from(a, b);
        sqrt();
        round_to_f32();
        at_least(least);
        at_most(most);
        and(o);
        or(o);
        xor(o);
        add_bits(o);
        sub_bits(o);
        ldexp(n);
        abs();
        sign();
        rint();
        exp2_int();
    }
    #[inline(always)]
    fn shl<const S: u32>(self) -> Self {
        Twice(self.0.shl::<S>(), self.1.shl::<S>())
    }
    #[inline(always)]
    fn shr<const S: u32>(self) -> Self {
        Twice(self.0.shr::<S>(), self.1.shr::<S>())
    }

    #[inline(always)]
    fn lt(self, o: Self) -> Self::Mask {
        Masks(self.0.lt(o.0), self.1.lt(o.1))
    }
    #[inline(always)]
    fn le(self, o: Self) -> Self::Mask {
        Masks(self.0.le(o.0), self.1.le(o.1))
    }
    #[inline(always)]
    fn eq(self, o: Self) -> Self::Mask {
        Masks(self.0.eq(o.0), self.1.eq(o.1))
    }
    #[inline(always)]
    fn has_bits(self, bits: u64) -> Self::Mask {
        Masks(self.0.has_bits(bits), self.1.has_bits(bits))
    }
    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Twice(
            V::select(mask.0, yes.0, no.0),
            V::select(mask.1, yes.1, no.1),
        )
    }
    #[inline(always)]
    fn any(mask: Self::Mask) -> bool {
        V::any(mask.0 | mask.1)
    }

    #[inline(always)]
    fn split_normal(self) -> (Self, Self) {
        let ((k, m), (k2, m2)) = (self.0.split_normal(), self.1.split_normal());
        (Twice(k, k2), Twice(m, m2))
    }
    #[inline(always)]
    fn is_plain(self) -> Self::Mask {
        Masks(self.0.is_plain(), self.1.is_plain())
    }
    #[inline(always)]
    fn lookup<const K: usize>(self, table: &'static Table<K>) -> [Self; K] {
        let (first, second) = (self.0.lookup(table), self.1.lookup(table));
        std::array::from_fn(|k| Twice(first[k], second[k]))
    }
}
