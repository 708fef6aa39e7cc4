#![expect(
    unsafe_code,
    reason = "arrays may be maps of files that others write to, so no references to them are formed; functions of copies took up to 1.8 times as long (benches/functions.rs)"
)]
//! Kernels over elements that pointers lead to: the loops behind every function of floats.
//!
//! What goes in: a number of elements, and where they are, at any alignment. What comes out: function values where the result is to be. What it never does: form a reference to
//! either, or read a vector twice.

use std::marker::PhantomData;
use std::ptr;

use crate::isa::Isa;
use crate::lanes::{Binary, Job, Lane, Lanes, MAX_LANES, Unary};

/// A function over elements that pointers lead to, whose type is known from where it comes from; one of one argument takes the first operand only.
///
/// Operands are in registers: as an array they were copied by one load of two pointers that had just been stored one by one, and such a load waits until all stores before it,
/// often those of a whole block, have left the processor: `exp(-a*a/2)*log(b+1.5)` in blocks of 512 took 1.04 times as long (benches/functions.rs, 2026-11, AMD Zen 4).
///
/// # Safety
/// 1. The result is valid for writes of `n` elements, and each operand of the function for reads of `n` initialised ones, at any alignment.
/// 2. The result overlaps no operand, and nothing in this process reads or writes it, or writes operands, meanwhile.
pub type OnPointers = unsafe fn(isa: Isa, n: usize, dst: *mut u8, x: *const u8, y: *const u8);

/// Elements of `T` for a kernel with `ARGS` operands, at places that [`OnPointers`] says.
struct Places<K, T, const ARGS: usize> {
    kernel: PhantomData<(K, T)>,
    n: usize,
    dst: *mut u8,
    operands: [*const u8; ARGS],
}

impl<K, T: Lane, const ARGS: usize> Places<K, T, ARGS> {
    /// The vector of an operand from its `start`-th element on.
    ///
    /// # Safety
    /// 1. That of [`OnPointers`] holds for all places.
    /// 2. There are as many elements from there on.
    #[inline(always)]
    unsafe fn load<V: Lanes>(&self, proof: V::Proof, operand: usize, start: usize) -> V {
        let mut elements = [T::default(); MAX_LANES];
        let to = elements.as_mut_ptr().cast();
        // SAFETY: (1), (2); there is room for the lanes of any vector.
        unsafe {
            let from = self.operands[operand].add(start * size_of::<T>());
            ptr::copy_nonoverlapping(from, to, V::N * size_of::<T>());
        }
        T::load(proof, &elements)
    }

    /// Stores a vector as elements of the result from the `start`-th on.
    ///
    /// # Safety
    /// As [`load`](Self::load).
    #[inline(always)]
    unsafe fn store<V: Lanes>(&self, v: V, start: usize) {
        let mut elements = [T::default(); MAX_LANES];
        T::store(v, &mut elements);
        let from = elements.as_ptr().cast();
        // SAFETY: (1), (2); there are the lanes of any vector.
        unsafe {
            let to = self.dst.add(start * size_of::<T>());
            ptr::copy_nonoverlapping(from, to, V::N * size_of::<T>());
        }
    }
}

/// Elements that do not fill a vector, filled up with zeros, and room for their results.
struct Padded<T, const ARGS: usize> {
    operands: [[T; MAX_LANES]; ARGS],
    results: [T; MAX_LANES],
}

impl<T: Lane, const ARGS: usize> Padded<T, ARGS> {
    fn new() -> Padded<T, ARGS> {
        Padded {
            operands: [[T::default(); MAX_LANES]; ARGS],
            results: [T::default(); MAX_LANES],
        }
    }

    /// Takes in the `n` elements of `places` from the `start`-th on; the places here, of `lanes` elements.
    ///
    /// # Safety
    /// 1. That of [`OnPointers`] holds for `places`, which has `start + n` elements.
    /// 2. `n` is at most `lanes`, and that at most [`MAX_LANES`].
    #[cold]
    unsafe fn fill<K>(
        &mut self,
        places: &Places<K, T, ARGS>,
        start: usize,
        n: usize,
        lanes: usize,
    ) -> Places<K, T, ARGS> {
        for (room, operand) in self.operands.iter_mut().zip(places.operands) {
            let to = room.as_mut_ptr().cast();
            // SAFETY: (1); (2), for which there is room.
            unsafe {
                let from = operand.add(start * size_of::<T>());
                ptr::copy_nonoverlapping(from, to, n * size_of::<T>());
            }
        }
        Places {
            kernel: PhantomData,
            n: lanes,
            dst: self.results.as_mut_ptr().cast(),
            operands: self.operands.each_ref().map(|room| room.as_ptr().cast()),
        }
    }
}

/// The body of [`Job::run`]: the whole vectors of `$places`, then what is left. It is no function, for a closure has not the instructions of what it is inlined into; and
/// there is one loop for both, with no call in it, so that constants stay in registers: `exp` took 1.2 to 1.35 times as long with a call for what is left.
macro_rules! each_vector {
    ($places:ident, $V:ident, |$now:ident, $start:ident| $vector:expr) => {{
        let left = $places.n % $V::N;
        let whole = $places.n - left;
        let mut padded = Padded::<T, _>::new();
        let mut $now = Places {
            n: whole,
            ..$places
        };
        loop {
            for $start in (0..$now.n).step_by($V::N) {
                // SAFETY: load's and store's (1) is the contract of who makes the places, and the padded ones are locals; (2) `now.n` is of whole vectors.
                unsafe {
                    let result = $vector;
                    $now.store::<$V>(result, $start);
                }
            }
            if left == 0 || $now.dst != $places.dst {
                break;
            }
            // SAFETY: fill's (1) as above; (2) what is left is less than a vector.
            $now = unsafe { padded.fill(&$places, whole, left, $V::N) };
        }
        if left > 0 {
            let from = padded.results.as_ptr().cast();
            // SAFETY: the result has `whole + left` elements, and the other is a local.
            unsafe {
                let to = $places.dst.add(whole * size_of::<T>());
                ptr::copy_nonoverlapping(from, to, left * size_of::<T>());
            }
        }
    }};
}

impl<K: Unary, T: Lane> Job for Places<K, T, 1> {
    #[inline(always)]
    fn run<V: Lanes>(self, proof: V::Proof) {
        each_vector!(self, V, |now, start| K::lanes::<V>(
            now.load(proof, 0, start)
        ));
    }
}

impl<K: Binary, T: Lane> Job for Places<K, T, 2> {
    #[inline(always)]
    fn run<V: Lanes>(self, proof: V::Proof) {
        each_vector!(self, V, |now, start| K::lanes::<V>(
            now.load(proof, 0, start),
            now.load(proof, 1, start)
        ));
    }
}

/// A function of one argument.
///
/// # Safety
/// As [`OnPointers`], of elements of `T`.
pub(crate) unsafe fn unary<K: Unary, T: Lane>(
    isa: Isa,
    n: usize,
    dst: *mut u8,
    x: *const u8,
    _: *const u8,
) {
    isa.run(Places::<K, T, 1> {
        kernel: PhantomData,
        n,
        dst,
        operands: [x],
    });
}

/// A function of two arguments.
///
/// # Safety
/// As [`OnPointers`], of elements of `T`.
pub(crate) unsafe fn binary<K: Binary, T: Lane>(
    isa: Isa,
    n: usize,
    dst: *mut u8,
    x: *const u8,
    y: *const u8,
) {
    isa.run(Places::<K, T, 2> {
        kernel: PhantomData,
        n,
        dst,
        operands: [x, y],
    });
}

/// A function of one argument over a block.
///
/// # Panics
/// If the lengths differ.
#[inline]
pub(crate) fn unary_block<K: Unary, T: Lane>(isa: Isa, dst: &mut [T], x: &[T]) {
    assert_eq!(dst.len(), x.len(), "result and operand have one length");
    let operand = x.as_ptr().cast();
    // SAFETY: (1) the slices are as long; (2) one is borrowed exclusively, the other for reading.
    unsafe { unary::<K, T>(isa, dst.len(), dst.as_mut_ptr().cast(), operand, operand) }
}

/// A function of two arguments over blocks.
///
/// # Panics
/// If the lengths differ.
#[inline]
pub(crate) fn binary_block<K: Binary, T: Lane>(isa: Isa, dst: &mut [T], x: &[T], y: &[T]) {
    assert_eq!(
        dst.len(),
        x.len(),
        "result and first operand have one length"
    );
    assert_eq!(
        dst.len(),
        y.len(),
        "result and second operand have one length"
    );
    let [x, y] = [x, y].map(|operand| operand.as_ptr().cast());
    // SAFETY: (1) the slices are as long; (2) one is borrowed exclusively, the others for reading.
    unsafe { binary::<K, T>(isa, dst.len(), dst.as_mut_ptr().cast(), x, y) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blocks, FUNCTIONS};

    /// What a function gives on `x` and `y`, from places at odd addresses, by its bytes; fails if it writes past its result.
    fn odd<T: Lane>(function: OnPointers, isa: Isa, x: &[T], y: &[T]) -> Vec<u8> {
        let bytes = size_of_val(x);
        let [x, y] = [x, y].map(|operand| {
            let mut place = vec![0u8; bytes + 1];
            // SAFETY: both have as many bytes.
            unsafe {
                ptr::copy_nonoverlapping(operand.as_ptr().cast(), place[1..].as_mut_ptr(), bytes);
            }
            place
        });
        let mut dst = vec![0xa5; bytes + 2];
        let (n, to) = (bytes / size_of::<T>(), dst[1..].as_mut_ptr());
        // SAFETY: (1) all have room; (2) they are vectors of their own.
        unsafe { function(isa, n, to, x[1..].as_ptr(), y[1..].as_ptr()) };
        assert_eq!(
            [dst[0], dst[bytes + 1]],
            [0xa5; 2],
            "nothing is written beside the result"
        );
        dst[1..=bytes].to_vec()
    }

    #[test]
    fn places_at_odd_addresses_of_any_length_have_the_bits_of_slices() {
        for &isa in Isa::available() {
            for function in FUNCTIONS {
                for n in (0..=35).rev() {
                    let x: Vec<f64> = (0..n).map(|i| f64::from(i) * 0.07 + 0.1).collect();
                    let y: Vec<f64> = x.iter().map(|x| 3.0 - x).collect();
                    let [a, b] = [&x, &y].map(|x| x.iter().map(|&x| x as f32).collect::<Vec<_>>());
                    let (mut wide, mut narrow) = (vec![0.0; x.len()], vec![0.0; a.len()]);
                    match function.blocks {
                        Blocks::Unary { f64, f32 } => {
                            f64(isa, &mut wide, &x);
                            f32(isa, &mut narrow, &a);
                        }
                        Blocks::Binary { f64, f32 } => {
                            f64(isa, &mut wide, &x, &y);
                            f32(isa, &mut narrow, &a, &b);
                        }
                    }
                    let wide: Vec<u8> = wide.iter().flat_map(|x| x.to_ne_bytes()).collect();
                    let narrow: Vec<u8> = narrow.iter().flat_map(|x| x.to_ne_bytes()).collect();
                    let name = function.name;
                    assert_eq!(odd(function.places.f64, isa, &x, &y), wide, "{name}");
                    assert_eq!(odd(function.places.f32, isa, &a, &b), narrow, "{name}");
                }
            }
        }
    }
}
