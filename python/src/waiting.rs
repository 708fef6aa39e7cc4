//! How a run is waited for: holding on to the interpreter if it is over in no time, letting go of it if it is not, and listening
//! for Ctrl-C if it may be long.
//!
//! What goes in: about how many operations a run is. What comes out: its result, or the exception of a signal handler. What it never
//! does: leave a run behind, or the caller's thread, whose cache has the arrays.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use numloom::{Error, Kernel, Options};
use pyo3::prelude::*;

use crate::errors;

/// Operations on elements in less time than letting go of the interpreter and getting hold of it again.
const INSTANT: u64 = 10_000;

/// The same for elements, of what is short in any case.
const FEW_ELEMENTS: usize = 1024;

/// Operations on elements that take less than 50 ms, however slow they are.
const SHORT: u64 = 4_000_000;

/// How often a long run asks whether there was a signal.
pub(crate) const LISTEN: Duration = Duration::from_millis(40);

/// Calls `run` with a handle of `kernel`.
///
/// # Errors
/// The library's, as an exception; or that of a signal handler, `KeyboardInterrupt` mostly.
pub(crate) fn wait(
    py: Python<'_>,
    kernel: &Kernel,
    work: u64,
    run: impl FnOnce(&Kernel) -> Result<(), Error> + Send,
) -> PyResult<()> {
    let result = match work {
        ..INSTANT => run(kernel),
        INSTANT..SHORT => py.detach(|| run(kernel)),
        SHORT.. => return listen(py, kernel, run),
    };
    result.map_err(|error| errors::raise(py, &error))
}

/// Calls `run`, which is over soon whatever it is, and goes through `n` elements.
pub(crate) fn wait_shortly(py: Python<'_>, n: usize, run: impl FnOnce() -> bool + Send) -> bool {
    match n {
        ..FEW_ELEMENTS => run(),
        _ => py.detach(run),
    }
}

/// Runs, and stops between two chunks to look for signals.
fn listen(
    py: Python<'_>,
    kernel: &Kernel,
    run: impl FnOnce(&Kernel) -> Result<(), Error> + Send,
) -> PyResult<()> {
    let listener = Arc::new(Listener::new());
    let asked = Arc::clone(&listener);
    let heedful = kernel.with(Options::new().should_stop(move || asked.should_stop()));
    let result = py.detach(|| run(&heedful));
    match listener.state().raised.take() {
        Some(raised) => Err(raised),
        None => result.map_err(|error| errors::raise(py, &error)),
    }
}

/// Looks for signals now and then: only the caller's thread does, which is the one that Python tells of them.
struct Listener(Mutex<Listening>);

struct Listening {
    /// When to look next, if ever.
    next: Option<Instant>,
    /// By a handler.
    raised: Option<PyErr>,
}

impl Listener {
    fn new() -> Listener {
        Listener(Mutex::new(Listening {
            next: now().checked_add(LISTEN),
            raised: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, Listening> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn should_stop(&self) -> bool {
        let mut state = self.state();
        if state.next.is_none_or(|next| now() < next) {
            return false;
        }
        let heard = Python::attach(|py| {
            let hears = is_main_thread(py)?;
            if hears {
                py.check_signals()?;
            }
            Ok(hears)
        });
        match heard {
            Ok(true) => state.next = now().checked_add(LISTEN),
            Ok(false) => state.next = None,
            Err(raised) => state.raised = Some(raised),
        }
        state.raised.is_some()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a run takes is for the clock to say"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Whether this is the thread that Python tells of signals.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let current = threading.call_method0("get_ident")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    current.eq(main)
}
