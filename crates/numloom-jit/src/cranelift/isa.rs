//! Cranelift's settings for a target.

use std::sync::Arc;

use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};

use crate::error::{JitError, JitErrorKind};
use crate::target::Level;

/// x86 features above each level, to be switched off where a target is limited to it.
const ABOVE_V3: [&str; 6] = [
    "has_avx512f",
    "has_avx512vl",
    "has_avx512dq",
    "has_avx512vbmi",
    "has_avx512bitalg",
    "has_avx512vnni",
];
const ABOVE_V2: [&str; 7] = [
    "has_avx",
    "has_avx2",
    "has_avx_vnni",
    "has_fma",
    "has_bmi1",
    "has_bmi2",
    "has_lzcnt",
];

/// What to do, and what not.
///
/// Without optimisation, as kernels come with common subexpressions and constants already dealt with: the same code for a
/// third less compile time. Calls never unwind and frames are small, so neither unwind tables nor stack probes are made.
const SETTINGS: [(&str, &str); 7] = [
    ("opt_level", "none"),
    ("regalloc_algorithm", "backtracking"),
    ("enable_probestack", "false"),
    ("unwind_info", "false"),
    ("is_pic", "false"),
    ("use_colocated_libcalls", "false"),
    (
        "enable_verifier",
        if cfg!(debug_assertions) {
            "true"
        } else {
            "false"
        },
    ),
];

/// An instruction set as Cranelift knows it, shared by all compilations for a target.
pub(crate) struct Isa {
    isa: OwnedTargetIsa,
    /// x86-64 rather than aarch64.
    pub(super) x86: bool,
    /// Instructions take operands of any alignment in memory.
    pub(super) unaligned_operands: bool,
}

impl Isa {
    /// The host, limited to `level` unless `native`.
    pub(crate) fn new(level: Level, native: bool) -> Result<Isa, JitError> {
        let unsupported = |reason| JitErrorKind::HostUnsupported { reason };
        let mut builder = cranelift_native::builder().map_err(unsupported)?;
        let off: &[&[&str]] = match level {
            _ if native => &[],
            Level::X86V2 => &[&ABOVE_V2, &ABOVE_V3],
            Level::X86V3 => &[&ABOVE_V3],
            Level::X86V4 | Level::Neon => &[],
        };
        let failed = |error: &dyn std::fmt::Display| JitError::internal(error.to_string());
        for feature in off.iter().copied().flatten() {
            builder
                .set(feature, "false")
                .map_err(|error| failed(&error))?;
        }
        let mut flags = settings::builder();
        for (name, value) in SETTINGS {
            flags.set(name, value).map_err(|error| failed(&error))?;
        }
        let isa = builder
            .finish(settings::Flags::new(flags))
            .map_err(|error| failed(&error))?;
        Ok(Isa {
            isa,
            x86: level != Level::Neon,
            unaligned_operands: level > Level::X86V2,
        })
    }

    /// For Cranelift's functions.
    pub(super) fn get(&self) -> &dyn TargetIsa {
        &*self.isa
    }

    /// For Cranelift's builders.
    pub(super) fn share(&self) -> OwnedTargetIsa {
        Arc::clone(&self.isa)
    }
}
