//! Which instruction set the kernels run on: the best that the processor has, found out once, or one that is asked for.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use crate::arch::aarch64::Neon;
use crate::arch::scalar::Scalar;
#[cfg(target_arch = "x86_64")]
use crate::arch::x86_64::{avx2::Avx2, avx512::Avx512};
use crate::lanes::Job;

/// An instruction set that this processor has. The bits that come out are the same on all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Scalar(Scalar),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    Neon(Neon),
}

/// 0 while nothing is forced, else one more than a position in [`Isa::available`].
static FORCED: AtomicU8 = AtomicU8::new(0);

impl Isa {
    /// All that this processor has, slowest first.
    pub fn available() -> &'static [Isa] {
        static AVAILABLE: OnceLock<Vec<Isa>> = OnceLock::new();
        AVAILABLE.get_or_init(|| {
            let kinds = [
                Some(Kind::Scalar(Scalar)),
                #[cfg(target_arch = "x86_64")]
                Avx2::detect().map(Kind::Avx2),
                #[cfg(target_arch = "x86_64")]
                Avx512::detect().map(Kind::Avx512),
                #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
                Neon::detect().map(Kind::Neon),
            ];
            kinds.into_iter().flatten().map(Isa).collect()
        })
    }

    /// The one of that [name](Isa::name), if this processor has it.
    ///
    /// ```
    /// use numloom_math::Isa;
    ///
    /// assert_eq!(Isa::named("scalar").unwrap().lanes(), 1);
    /// assert!(Isa::named("mmx").is_none());
    /// ```
    pub fn named(name: &str) -> Option<Isa> {
        let mut all = Isa::available().iter().copied();
        all.find(|isa| isa.name() == name)
    }

    /// The one in use: the fastest, unless another is forced.
    #[inline]
    pub fn current() -> Isa {
        let all = Isa::available();
        match FORCED.load(Ordering::Relaxed) {
            0 => all[all.len() - 1],
            forced => all[usize::from(forced) - 1],
        }
    }

    /// Has all threads of the process use `isa` from now on; the fastest, if none is given.
    ///
    /// No result changes by it, only speed; so it does not matter to whom it happens in the middle of a computation.
    pub fn force(isa: Option<Isa>) {
        let position = isa.and_then(|isa| Isa::available().iter().position(|&one| one == isa));
        let forced = position.map_or(0, |position| position as u8 + 1);
        FORCED.store(forced, Ordering::Relaxed);
    }

    /// `scalar`, `avx2`, `avx512` or `neon`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kind::Neon(_) => "neon",
        }
    }

    /// Elements that a kernel takes at a time.
    pub fn lanes(self) -> usize {
        match self.0 {
            Kind::Scalar(_) => 1,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => 4,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => 8,
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kind::Neon(_) => 2,
        }
    }

    /// Does a job with its vectors.
    #[inline]
    pub(crate) fn run<J: Job>(self, job: J) {
        match self.0 {
            Kind::Scalar(isa) => isa.run(job),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(isa) => isa.run(job),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(isa) => isa.run(job),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kind::Neon(isa) => isa.run(job),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
