//! Kernels as their backend sees them, for people: `numloom explain --stage clif|asm`.

use numloom_ir::{Kernel, verify_kernel};

use crate::cranelift;
use crate::error::JitError;
use crate::generator::Generator;
use crate::target::Target;

/// The kernel in Cranelift's intermediate form, as text.
///
/// # Errors
/// As [`NativeKernel::compile`](crate::NativeKernel::compile).
pub fn clif(kernel: &Kernel, target: &Target) -> Result<String, JitError> {
    verify_kernel(kernel)?;
    cranelift::clif(kernel, target)
}

/// The kernel's instructions for the target's processor, as the generator that [`NativeKernel::compile`](crate::NativeKernel::compile) takes has them, or the one
/// that is named.
///
/// # Errors
/// As [`NativeKernel::compile`](crate::NativeKernel::compile).
pub fn asm(
    kernel: &Kernel,
    target: &Target,
    generator: Option<Generator>,
) -> Result<String, JitError> {
    verify_kernel(kernel)?;
    let [best, portable] = Generator::ALL;
    match generator.unwrap_or(best).asm(kernel, target) {
        Err(error) if error.is_refusal() && generator.is_none() => portable.asm(kernel, target),
        text => text,
    }
}
