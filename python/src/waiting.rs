//! How a run is waited for: holding on to the interpreter if it is over in no time, letting go of it if it is not, and listening
//! for Ctrl-C if it may be long.
//!
//! What goes in: about how many operations a run is. What comes out: its result, or the exception of a signal handler. What it never
//! does: leave a run behind.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use numloom::{CancelFlag, Error, Kernel, Options};
use pyo3::prelude::*;

use crate::errors;

/// Operations on elements in less time than letting go of the interpreter and getting hold of it again.
const INSTANT: u64 = 10_000;

/// Operations on elements that take less than 50 ms, however slow they are.
const SHORT: u64 = 4_000_000;

/// How often a long run asks whether there was a signal.
const LISTEN: Duration = Duration::from_millis(40);

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
        SHORT.. if is_main_thread(py)? => return listen(py, kernel, run),
        SHORT.. => py.detach(|| run(kernel)),
    };
    result.map_err(|error| errors::raise(py, &error))
}

/// Runs in another thread, since Python tells of signals only this one.
fn listen(
    py: Python<'_>,
    kernel: &Kernel,
    run: impl FnOnce(&Kernel) -> Result<(), Error> + Send,
) -> PyResult<()> {
    let cancel = CancelFlag::new();
    let watched = kernel.with(Options::new().cancel(cancel.clone()));
    let mut interrupt = None;
    let result = py.detach(|| {
        thread::scope(|scope| {
            let (done, finished) = sync_channel::<()>(1);
            let running = scope.spawn(|| {
                let result = run(&watched);
                drop(done);
                result
            });
            while finished.recv_timeout(LISTEN) == Err(RecvTimeoutError::Timeout) {
                if let Err(raised) = Python::attach(|py| py.check_signals()) {
                    interrupt = Some(raised);
                    cancel.cancel();
                    break;
                }
            }
            running.join()
        })
    });
    match (interrupt, result) {
        (Some(raised), _) => Err(raised),
        (None, Ok(result)) => result.map_err(|error| errors::raise(py, &error)),
        (None, Err(panic)) => std::panic::resume_unwind(panic),
    }
}

/// Whether this is the thread that Python tells of signals.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let current = threading.call_method0("get_ident")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    current.eq(main)
}
