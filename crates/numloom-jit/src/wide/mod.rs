//! The wide backend: AVX2 and AVX-512.
//!
//! What goes in: a verified [`Kernel`] and a [`Target`] on x86-64. What comes out: code in memory of [`code`](crate::code). What it never does: let code
//! refer to a symbol, read or write an element that there is not, or leave the callers' registers changed.
//!
//! A value of a loop's body is one vector register of as many elements as the widest dtype has room for, truth is in mask registers with AVX-512, and
//! tails run under a mask. `docs/decisions/0009-wide-code.md` says why.
//!
//! | file | what it does |
//! |---|---|
//! | `table` | every vector instruction |
//! | `inst` | instructions without registers |
//! | `select` | values, constants, loads, stores |
//! | `mask` | truth, and changes of the size of elements |
//! | `cast` | conversions |
//! | `ops` | every other operation |
//! | `moments` | what `moments` are made of |
//! | `extremes` | running minima and maxima |
//! | `balance` | sums by other units |
//! | `body` | a loop's body: its pieces, and what they share |
//! | `assign` | registers |
//! | `asm` | bytes |
//! | `function` | the function around the loops: rows, steps, calls |
//! | `ahead` | what is asked of memory before calls |
//! | `elements` | loops along a row |
//! | `columns` | loops that go round rows |
//! | `listing` | bytes as text |

mod ahead;
mod asm;
mod assign;
mod balance;
mod body;
mod cast;
mod columns;
mod elements;
mod extremes;
mod function;
mod inst;
mod listing;
mod mask;
mod moments;
mod ops;
mod select;
mod table;

use numloom_ir::{Isa, Kernel};

use crate::code::WritableCode;
use crate::error::{JitError, JitErrorKind};
use crate::kernel::Emitted;
use crate::target::Target;

/// Compiles `kernel` and places it in executable memory.
pub(crate) fn compile(kernel: &Kernel, target: &Target) -> Result<Emitted, JitError> {
    let (bytes, _) = assemble(kernel, target)?;
    let mut code = WritableCode::new(bytes.len()).map_err(JitErrorKind::ExecutableMemory)?;
    code.write(&bytes);
    let code = code.seal().map_err(JitErrorKind::ExecutableMemory)?;
    Ok(Emitted {
        code,
        bytes: bytes.len(),
    })
}

/// Whether code for an instruction set has mask registers, as AVX-512 does and AVX2 does not; none if there is no code for it.
pub(crate) fn has_masks(isa: Isa) -> Option<bool> {
    // The calling convention is that of System V.
    match isa.x86_64_level().filter(|_| cfg!(unix))? {
        4 => std::arch::is_x86_feature_detected!("bmi2").then_some(true),
        3 => Some(false),
        _ => None,
    }
}

/// The bytes of a kernel's function with its constants, and how many of them are code.
fn assemble(kernel: &Kernel, target: &Target) -> Result<(Vec<u8>, usize), JitError> {
    let reason =
        "the wide backend needs AVX2, or AVX-512 with BMI2, and a system other than Windows";
    let avx512 = has_masks(target.isa()).ok_or(JitErrorKind::HostUnsupported { reason })?;
    function::Function::build(kernel, avx512)
}

/// The kernel's instructions, and its constants.
pub(crate) fn asm(kernel: &Kernel, target: &Target) -> Result<String, JitError> {
    let (bytes, code) = assemble(kernel, target)?;
    Ok(listing::text(&bytes, code))
}
