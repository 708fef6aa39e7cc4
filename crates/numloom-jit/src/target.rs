//! What a kernel is compiled for: the host, or less of it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::cranelift;
use crate::error::{JitError, JitErrorKind};

/// An instruction set that backends know how to use, least first within its architecture.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Level {
    /// x86-64-v2: SSE up to 4.2, SSSE3, POPCNT.
    X86V2,
    /// x86-64-v3: and AVX2, FMA, BMI.
    X86V3,
    /// x86-64-v4: and AVX-512 F, BW, CD, DQ, VL.
    X86V4,
    /// aarch64 with NEON, which all have.
    Neon,
}

impl Level {
    /// The highest level that the processor and the system have.
    fn host() -> Result<Level, JitErrorKind> {
        #[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
        {
            use std::arch::is_x86_feature_detected as has;
            let v2 = has!("ssse3") && has!("sse4.1") && has!("sse4.2") && has!("popcnt");
            let v3 = v2
                && has!("avx")
                && has!("avx2")
                && has!("fma")
                && has!("bmi1")
                && has!("bmi2")
                && has!("lzcnt");
            let v4 = v3
                && has!("avx512f")
                && has!("avx512bw")
                && has!("avx512cd")
                && has!("avx512dq")
                && has!("avx512vl");
            match (v2, v3, v4) {
                (_, _, true) => Ok(Level::X86V4),
                (_, true, _) => Ok(Level::X86V3),
                (true, _, _) => Ok(Level::X86V2),
                _ => Err(JitErrorKind::HostUnsupported {
                    reason: "SSE4.2, SSSE3 and POPCNT are needed",
                }),
            }
        }
        #[cfg(all(
            target_arch = "aarch64",
            target_endian = "little",
            target_pointer_width = "64"
        ))]
        {
            Ok(Level::Neon)
        }
        #[cfg(not(any(
            all(target_arch = "x86_64", target_pointer_width = "64"),
            all(
                target_arch = "aarch64",
                target_endian = "little",
                target_pointer_width = "64"
            )
        )))]
        {
            Err(JitErrorKind::HostUnsupported {
                reason: "there are backends for x86-64 and little-endian aarch64 only",
            })
        }
    }

    /// Its common name.
    pub fn name(self) -> &'static str {
        match self {
            Level::X86V2 => "x86-64-v2",
            Level::X86V3 => "x86-64-v3",
            Level::X86V4 => "x86-64-v4",
            Level::Neon => "aarch64",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What kernels are compiled for: this machine, or less than it has.
///
/// Cheap to clone, and shared between threads. The bits that a kernel computes do not depend on it.
///
/// ```
/// use numloom_jit::{Level, Target};
///
/// let host = Target::host()?;
/// assert!(host.limited_to(host.level()).is_some());
/// # Ok::<(), numloom_jit::JitError>(())
/// ```
#[derive(Clone)]
pub struct Target(Arc<Inner>);

struct Inner {
    level: Level,
    /// Whether more than `level` may be used where the host has it.
    native: bool,
    cranelift: OnceLock<cranelift::Isa>,
}

impl Target {
    /// This machine, with all it has that backends use. Found out once.
    ///
    /// # Errors
    /// [`HostUnsupported`](JitErrorKind::HostUnsupported) on a processor below x86-64-v2, and on other architectures than
    /// x86-64 and aarch64.
    pub fn host() -> Result<Target, JitError> {
        static HOST: OnceLock<Target> = OnceLock::new();
        if let Some(host) = HOST.get() {
            return Ok(host.clone());
        }
        let host = Target::new(Level::host()?, true);
        Ok(HOST.get_or_init(|| host).clone())
    }

    /// This machine as if it had no more than `level`; none if it has less, or is of another architecture.
    ///
    /// For tests: a compiled kernel computes the same bits for every target.
    pub fn limited_to(&self, level: Level) -> Option<Target> {
        let possible = match level {
            Level::Neon => self.level() == Level::Neon,
            _ => level <= self.level() && self.level() != Level::Neon,
        };
        possible.then(|| Target::new(level, false))
    }

    fn new(level: Level, native: bool) -> Target {
        Target(Arc::new(Inner {
            level,
            native,
            cranelift: OnceLock::new(),
        }))
    }

    /// The highest instruction set it uses.
    pub fn level(&self) -> Level {
        self.0.level
    }

    /// Its name, for `explain`: that of its level.
    pub fn name(&self) -> &'static str {
        self.0.level.name()
    }

    /// What Cranelift knows about it; made at the first use.
    pub(crate) fn cranelift(&self) -> Result<&cranelift::Isa, JitError> {
        if let Some(isa) = self.0.cranelift.get() {
            return Ok(isa);
        }
        let isa = cranelift::Isa::new(self.0.level, self.0.native)?;
        Ok(self.0.cranelift.get_or_init(|| isa))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("level", &self.0.level)
            .field("native", &self.0.native)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_limited_to_no_more_than_it_has() {
        let host = Target::host().expect("tests run where there is a backend");
        let levels = [Level::X86V2, Level::X86V3, Level::X86V4, Level::Neon];
        let has = |have: Level, level: Level| {
            (level == Level::Neon) == (have == Level::Neon) && level <= have
        };
        for level in levels {
            let limited = host.limited_to(level);
            assert_eq!(limited.is_some(), has(host.level(), level), "{level}");
            if let Some(limited) = limited {
                assert_eq!(limited.level(), level);
                for other in levels {
                    let again = limited.limited_to(other);
                    assert_eq!(again.is_some(), has(level, other), "{level} to {other}");
                }
            }
        }
    }
}
