//! How a host program has set up floats on a thread, put aside while numloom computes there.

use std::marker::PhantomData;

use crate::arch::control::Control;

/// While it lives, floats on this thread are as IEEE has them by default: rounded to nearest, subnormal numbers kept, no traps. Dropped, it
/// puts back what the thread had before, also where a panic passes.
///
/// A host may flush subnormal numbers to zero (FTZ, DAZ) or round otherwise, by a compiler flag that it may not even know of. Every entry of
/// numloom that computes holds one of these, on each thread, so that no result depends on it.
///
/// Where there is nothing to change it costs the read of a register, some twenty cycles. Flags that operations leave behind, for
/// those who look for an overflow, are not promised to survive.
///
/// ```
/// use numloom_math::FloatEnv;
///
/// let env = FloatEnv::enter();
/// assert_eq!(std::hint::black_box(f64::MIN_POSITIVE) / 2.0, 2f64.powi(-1023));
/// drop(env);
/// ```
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct FloatEnv {
    host: Control,
    /// Whether others may change it meanwhile.
    watches: bool,
    /// It belongs to its thread.
    _thread: PhantomData<*const ()>,
}

impl FloatEnv {
    /// From now on.
    #[inline]
    pub fn enter() -> FloatEnv {
        FloatEnv::new(false)
    }

    /// The same around code of the host's: what that changes ends with it.
    pub fn around_others() -> FloatEnv {
        FloatEnv::new(true)
    }

    #[inline]
    fn new(watches: bool) -> FloatEnv {
        let host = Control::current();
        if host != Control::DEFAULT {
            Control::DEFAULT.apply();
        }
        FloatEnv {
            host,
            watches,
            _thread: PhantomData,
        }
    }
}

impl Drop for FloatEnv {
    #[inline]
    fn drop(&mut self) {
        let now = match self.watches {
            true => Control::current(),
            false => Control::DEFAULT,
        };
        if now != self.host {
            self.host.apply();
        }
    }
}
