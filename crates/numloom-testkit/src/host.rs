#![cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(
        unsafe_code,
        reason = "sets floats up as no Rust program may, for code that has to bear it"
    )
)]
//! A host program that has floats set up its own way: subnormal numbers flushed to zero, rounding toward zero.

/// The bits of MXCSR that say how floats are computed; FPCR's are all of that kind.
#[cfg(target_arch = "x86_64")]
const CONTROL: u64 = 0xffc0;
/// FTZ, DAZ, toward zero, no traps.
#[cfg(target_arch = "x86_64")]
const ODD: u64 = 0x1f80 | 1 << 15 | 1 << 6 | 3 << 13;

/// FZ, toward zero.
#[cfg(target_arch = "aarch64")]
const ODD: u64 = 1 << 24 | 3 << 22;

/// How floats are set up on this thread, in the processor's own bits; 0 where that is not known.
#[must_use]
pub fn floats() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        let mut mxcsr = 0u32;
        // SAFETY: stores a register to a local.
        unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack)) };
        u64::from(mxcsr) & CONTROL
    }
    #[cfg(target_arch = "aarch64")]
    {
        let fpcr: u64;
        // SAFETY: reads a register.
        unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) fpcr, options(nostack)) };
        fpcr
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    0
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn set_floats(control: u64) {
    // SAFETY: all bits are of those that every processor has. Floats between this and the next call are not what Rust takes them for: that
    // is what is tested, and the tests around it compute none.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack));
        #[cfg(target_arch = "aarch64")]
        std::arch::asm!("msr fpcr, {}", in(reg) control, options(nostack));
    }
}

/// This thread as one of such a host, until it is dropped.
///
/// ```
/// use std::hint::black_box;
/// use numloom_testkit::host::{OddFloats, floats};
///
/// let before = floats();
/// let odd = OddFloats::new();
/// let flushed = black_box(f64::MIN_POSITIVE) / black_box(2.0);
/// drop(odd);
/// assert_eq!(floats(), before);
/// assert!(flushed == 0.0 || cfg!(not(any(target_arch = "x86_64", target_arch = "aarch64"))));
/// ```
#[derive(Debug)]
#[must_use]
pub struct OddFloats(u64);

impl OddFloats {
    /// From now on.
    #[expect(
        clippy::new_without_default,
        reason = "it does something to the thread"
    )]
    pub fn new() -> OddFloats {
        let before = floats();
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        set_floats(ODD);
        OddFloats(before)
    }

    /// Whether this thread still is as that made it.
    #[must_use]
    pub fn are_untouched(&self) -> bool {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        return floats() == ODD;
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        true
    }
}

impl Drop for OddFloats {
    fn drop(&mut self) {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        set_floats(self.0);
    }
}
