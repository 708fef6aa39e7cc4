//! Which instruction set work is done with: the best that the processor has, found out once, or one that is asked for.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use crate::arch::aarch64::Neon;
use crate::arch::scalar::Scalar;
#[cfg(target_arch = "x86_64")]
use crate::arch::x86_64::{avx2::Avx2, avx512::Avx512};
use crate::lanes::Job;

/// An instruction set that this processor has. The bits that come out are the same on all of them.
///
/// There is no value for one that the processor lacks: a name becomes one by [`parse`](str::parse), or an error that says what there is.
///
/// ```
/// use numloom_math::Isa;
///
/// let scalar: Isa = "scalar".parse()?;
/// assert_eq!((scalar.lanes(), scalar), (1, Isa::available()[0]));
/// let error = "mmx".parse::<Isa>().unwrap_err();
/// assert!(error.to_string().starts_with("no instruction set is called `mmx`: this machine has `scalar`"));
/// # Ok::<(), numloom_math::IsaError>(())
/// ```
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

impl Isa {
    /// The names of all, whether this processor has them or not.
    pub const NAMES: [&str; 4] = ["scalar", "avx2", "avx512", "neon"];

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

    /// The fastest.
    #[inline]
    pub fn best() -> Isa {
        let all = Isa::available();
        all[all.len() - 1]
    }

    /// The level of x86-64 that machine code beside the functions may assume: 2 with `scalar`, 3 with `avx2`, 4 with `avx512`. None on other
    /// architectures.
    pub fn x86_64_level(self) -> Option<u32> {
        match self.0 {
            Kind::Scalar(_) => cfg!(target_arch = "x86_64").then_some(2),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => Some(3),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => Some(4),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kind::Neon(_) => None,
        }
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
        f.pad(self.name())
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(name: &str) -> Result<Isa, IsaError> {
        let mut all = Isa::available().iter().copied();
        all.find(|isa| isa.name() == name).ok_or_else(|| IsaError {
            name: name.to_owned(),
        })
    }
}

/// This machine has no instruction set of a name: it lacks it, or nothing is called so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IsaError {
    name: String,
}

impl IsaError {
    /// What was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether there are machines that have it.
    pub fn exists(&self) -> bool {
        Isa::NAMES.contains(&&*self.name)
    }
}

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exists() {
            true => write!(f, "this machine has no `{}`, only ", self.name)?,
            false => write!(
                f,
                "no instruction set is called `{}`: this machine has ",
                self.name
            )?,
        }
        for (i, isa) in Isa::available().iter().enumerate() {
            write!(f, "{}`{isa}`", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for IsaError {}
