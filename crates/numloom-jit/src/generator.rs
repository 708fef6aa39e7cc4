//! Which code generator makes a kernel's machine code.

use std::fmt;

use numloom_ir::{Isa, Kernel};

use crate::cranelift;
use crate::error::JitError;
use crate::kernel::Emitted;
use crate::target::Target;

/// A code generator: what becomes of a kernel does not depend on it, but for how fast that is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Generator {
    /// Our own, for AVX2 and AVX-512.
    Wide,
    /// Cranelift, portable, with vectors of 128 bits.
    Cranelift,
}

impl Generator {
    /// All of them, the best one first.
    pub const ALL: [Generator; 2] = [Generator::Wide, Generator::Cranelift];

    /// Whether it has code for this machine with an instruction set.
    ///
    /// ```
    /// use numloom_ir::Isa;
    /// use numloom_jit::Generator;
    /// assert!(Isa::available().iter().all(|&isa| Generator::Cranelift.runs_on(isa)));
    /// ```
    pub fn runs_on(self, isa: Isa) -> bool {
        match self {
            Generator::Cranelift => true,
            #[cfg(target_arch = "x86_64")]
            Generator::Wide => crate::wide::has_masks(isa).is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Generator::Wide => false,
        }
    }

    /// Machine code for a verified kernel.
    pub(crate) fn emit(self, kernel: &Kernel, target: &Target) -> Result<Emitted, JitError> {
        match self {
            Generator::Cranelift => cranelift::compile(kernel, target),
            #[cfg(target_arch = "x86_64")]
            Generator::Wide => crate::wide::compile(kernel, target),
            #[cfg(not(target_arch = "x86_64"))]
            Generator::Wide => Err(NOT_HERE.into()),
        }
    }

    /// The instructions of a verified kernel, as text.
    pub(crate) fn asm(self, kernel: &Kernel, target: &Target) -> Result<String, JitError> {
        match self {
            Generator::Cranelift => cranelift::asm(kernel, target),
            #[cfg(target_arch = "x86_64")]
            Generator::Wide => crate::wide::asm(kernel, target),
            #[cfg(not(target_arch = "x86_64"))]
            Generator::Wide => Err(NOT_HERE.into()),
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
const NOT_HERE: crate::error::JitErrorKind = crate::error::JitErrorKind::HostUnsupported {
    reason: "the wide backend is for x86-64",
};

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Generator::Wide => "wide",
            Generator::Cranelift => "cranelift",
        })
    }
}
