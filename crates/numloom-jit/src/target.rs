//! What a kernel is compiled for: the host, or less of it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use numloom_ir::Isa;

use crate::cranelift;
use crate::error::{JitError, JitErrorKind};

/// What kernels are compiled for: this machine with one of its instruction sets, for the code and for the functions that it calls.
///
/// Cheap to clone, and shared between threads. The bits that a kernel computes do not depend on it.
///
/// ```
/// use numloom_ir::Isa;
/// use numloom_jit::Target;
///
/// for &isa in Isa::available() {
///     assert_eq!(Target::new(isa)?.isa(), isa);
/// }
/// assert_eq!(Target::host()?.isa(), Isa::best());
/// # Ok::<(), numloom_jit::JitError>(())
/// ```
#[derive(Clone)]
pub struct Target(Arc<Inner>);

struct Inner {
    isa: Isa,
    settings: OnceLock<cranelift::Settings>,
}

impl Target {
    /// This machine with the best instruction set that it has. Found out once.
    ///
    /// # Errors
    /// As [`new`](Target::new).
    pub fn host() -> Result<Target, JitError> {
        static HOST: OnceLock<Target> = OnceLock::new();
        if let Some(host) = HOST.get() {
            return Ok(host.clone());
        }
        let host = Target::new(Isa::best())?;
        Ok(HOST.get_or_init(|| host).clone())
    }

    /// This machine as if it had no more than `isa`.
    ///
    /// # Errors
    /// [`HostUnsupported`](JitErrorKind::HostUnsupported) on a processor below x86-64-v2, and on other architectures than
    /// x86-64 and aarch64.
    pub fn new(isa: Isa) -> Result<Target, JitError> {
        check_host()?;
        Ok(Target(Arc::new(Inner {
            isa,
            settings: OnceLock::new(),
        })))
    }

    /// The instruction set.
    pub fn isa(&self) -> Isa {
        self.0.isa
    }

    /// What Cranelift knows about it; made at the first use.
    pub(crate) fn settings(&self) -> Result<&cranelift::Settings, JitError> {
        if let Some(settings) = self.0.settings.get() {
            return Ok(settings);
        }
        let settings = cranelift::Settings::new(self.0.isa)?;
        Ok(self.0.settings.get_or_init(|| settings))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.0.isa).finish()
    }
}

/// Whether there is a backend for this machine at all.
fn check_host() -> Result<(), JitErrorKind> {
    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
    {
        use std::arch::is_x86_feature_detected as has;
        match has!("ssse3") && has!("sse4.1") && has!("sse4.2") && has!("popcnt") {
            true => Ok(()),
            false => Err(JitErrorKind::HostUnsupported {
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
        Ok(())
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
