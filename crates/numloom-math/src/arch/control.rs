#![cfg_attr(
    all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)),
    expect(
        unsafe_code,
        reason = "reads and writes the register that says how floats are computed"
    )
)]
//! The register that says how this thread rounds, what it makes of subnormal numbers, and which exceptions trap.
//!
//! Where it cannot be reached it has one value.

/// What the register says: [`DEFAULT`](Control::DEFAULT), or what a thread had in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Control(u64);

impl PartialEq for Control {
    /// Flags that operations leave behind are no part of it.
    fn eq(&self, other: &Control) -> bool {
        self.0 & !instance::STATUS == other.0 & !instance::STATUS
    }
}

impl Control {
    /// Rounding to nearest, subnormal numbers as they are, no traps: what Rust takes for granted.
    pub(crate) const DEFAULT: Control = Control(instance::DEFAULT);

    /// What it says on this thread.
    #[inline]
    pub(crate) fn current() -> Control {
        Control(instance::read())
    }

    /// Makes it say this on this thread.
    #[cold]
    #[inline(never)]
    pub(crate) fn apply(self) {
        instance::write(self.0);
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod instance {
    use std::arch::asm;

    pub(super) const DEFAULT: u64 = 0x1f80;
    pub(super) const STATUS: u64 = 0x3f;

    #[inline]
    pub(super) fn read() -> u64 {
        let mut mxcsr = 0u32;
        // SAFETY: every x86-64 processor has MXCSR; it is stored to a local, and nothing else changes.
        unsafe {
            asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack, preserves_flags));
        }
        mxcsr.into()
    }

    pub(super) fn write(mxcsr: u64) {
        let mxcsr = mxcsr as u32;
        // SAFETY: a `Control` is the default or was read, so no bit is set that the processor lacks, which would trap. With the default
        // floats are what Rust takes them for; what was read is what the thread was in before, by the doing of others.
        unsafe {
            asm!("ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack, preserves_flags));
        }
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod instance {
    use std::arch::asm;

    pub(super) const DEFAULT: u64 = 0;
    /// They are in a register of their own.
    pub(super) const STATUS: u64 = 0;

    #[inline]
    pub(super) fn read() -> u64 {
        let fpcr: u64;
        // SAFETY: every aarch64 processor with floats has FPCR, and reading it changes nothing.
        unsafe { asm!("mrs {}, fpcr", out(reg) fpcr, options(nostack, preserves_flags)) };
        fpcr
    }

    pub(super) fn write(fpcr: u64) {
        // SAFETY: a `Control` is the default or was read, so no bit is set that the processor lacks. With the default floats are what Rust
        // takes them for; what was read is what the thread was in before, by the doing of others.
        unsafe { asm!("msr fpcr, {}", in(reg) fpcr, options(nostack, preserves_flags)) };
    }
}

#[cfg(any(not(any(target_arch = "x86_64", target_arch = "aarch64")), miri))]
mod instance {
    pub(super) const DEFAULT: u64 = 0;
    pub(super) const STATUS: u64 = 0;

    pub(super) fn read() -> u64 {
        DEFAULT
    }

    pub(super) fn write(_: u64) {}
}
