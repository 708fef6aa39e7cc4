//! Kernels as their backend sees them, for people: `numloom explain --stage clif|asm`.

use numloom_ir::{Kernel, verify_kernel};

use crate::cranelift;
use crate::error::JitError;
use crate::target::Target;

/// The kernel in Cranelift's intermediate form, as text.
///
/// # Errors
/// As [`NativeKernel::compile`](crate::NativeKernel::compile).
pub fn clif(kernel: &Kernel, target: &Target) -> Result<String, JitError> {
    verify_kernel(kernel)?;
    cranelift::clif(kernel, target)
}

/// The kernel's instructions for the target's processor, as Cranelift prints them.
///
/// # Errors
/// As [`NativeKernel::compile`](crate::NativeKernel::compile).
pub fn asm(kernel: &Kernel, target: &Target) -> Result<String, JitError> {
    verify_kernel(kernel)?;
    cranelift::asm(kernel, target)
}
