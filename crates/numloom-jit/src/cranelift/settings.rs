//! Cranelift's settings for a target.

use std::sync::Arc;

use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use numloom_ir::Isa;

use crate::error::{JitError, JitErrorKind};

/// x86 features above each level of x86-64, to be switched off where code may assume no more than that.
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
const FLAGS: [(&str, &str); 7] = [
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
pub(crate) struct Settings {
    isa: OwnedTargetIsa,
    /// x86-64 rather than aarch64.
    pub(super) x86: bool,
    /// Instructions take operands of any alignment in memory.
    pub(super) unaligned_operands: bool,
}

impl Settings {
    /// Those of the host, with no more than `isa` where that leaves some out.
    pub(crate) fn new(isa: Isa) -> Result<Settings, JitError> {
        let unsupported = |reason| JitErrorKind::HostUnsupported { reason };
        let mut builder = cranelift_native::builder().map_err(unsupported)?;
        let level = isa.x86_64_level();
        let off: &[&[&str]] = match level {
            Some(2) => &[&ABOVE_V2, &ABOVE_V3],
            Some(3) => &[&ABOVE_V3],
            _ => &[],
        };
        let failed = |error: &dyn std::fmt::Display| JitError::internal(error.to_string());
        for feature in off.iter().copied().flatten() {
            builder
                .set(feature, "false")
                .map_err(|error| failed(&error))?;
        }
        let mut flags = settings::builder();
        for (name, value) in FLAGS {
            flags.set(name, value).map_err(|error| failed(&error))?;
        }
        let isa = builder
            .finish(settings::Flags::new(flags))
            .map_err(|error| failed(&error))?;
        Ok(Settings {
            isa,
            x86: level.is_some(),
            unaligned_operands: level != Some(2),
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
