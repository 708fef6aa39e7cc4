//! One run, seen from all its threads: how far it is, whether it has to stop, and what went wrong first.
//!
//! What goes in: reports of chunks, faults and failures. What comes out: one verdict, the same at any number of threads.
//! What it never does: take a lock, unless there is a fault.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use numloom_ir::{Fault, FloatEnv};

use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::exec;
use crate::options::{CancelFlag, Deadline, Progress, ProgressFn, RunOptions, ShouldStopFn};
use crate::window::Windows;

/// Why a run stops before its end; the greatest reason is the one reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Stop {
    /// The cancel flag was raised, or somebody who was asked said so.
    Cancelled = 1,
    /// The deadline passed.
    Deadline = 2,
    /// A block failed, or a callback panicked.
    Failed = 3,
}

/// The state that the threads of one run share.
pub(crate) struct Control<'a> {
    progress: Option<&'a ProgressFn>,
    cancel: Option<&'a CancelFlag>,
    /// And the thread on which to ask it: the caller's.
    should_stop: Option<(&'a ShouldStopFn, ThreadId)>,
    deadline: Option<Instant>,
    fail_at: Option<u64>,
    /// Hears of what is done, to let go of pages.
    windows: Option<&'a Windows<'a>>,
    total: u64,
    done: AtomicU64,
    told: AtomicU64,
    /// Whether some thread is in the progress callback.
    telling: AtomicBool,
    stop: AtomicU8,
    /// The index of the first fault so far; `u64::MAX` for none.
    fault_index: AtomicU64,
    fault: Mutex<Fault>,
}

impl<'a> Control<'a> {
    /// Control of a run over `total` elements, with options of the run and, below them, of the engine.
    pub(crate) fn new(
        run: &'a RunOptions,
        engine: &'a RunOptions,
        windows: Option<&'a Windows<'a>>,
        total: u64,
    ) -> Control<'a> {
        let deadline = run
            .deadline
            .or(engine.deadline)
            .and_then(|deadline| match deadline {
                Deadline::At(at) => Some(at),
                // A moment past the end of time is no deadline.
                Deadline::After(after) => exec::now().checked_add(after),
            });
        Control {
            progress: run.progress.as_deref().or(engine.progress.as_deref()),
            cancel: run.cancel.as_ref().or(engine.cancel.as_ref()),
            should_stop: run
                .should_stop
                .as_deref()
                .or(engine.should_stop.as_deref())
                .map(|should_stop| (should_stop, thread::current().id())),
            deadline,
            fail_at: run.fail_at.or(engine.fail_at),
            ..Control::unwatched(windows, total)
        }
    }

    /// Control of a pass over `total` elements beside those that are counted: what ends this run ends it, and nobody is told of it.
    pub(crate) fn beside(&self, total: u64) -> Control<'a> {
        Control {
            cancel: self.cancel,
            should_stop: self.should_stop,
            deadline: self.deadline,
            ..Control::unwatched(self.windows, total)
        }
    }

    fn unwatched(windows: Option<&'a Windows<'a>>, total: u64) -> Control<'a> {
        Control {
            progress: None,
            cancel: None,
            should_stop: None,
            deadline: None,
            fail_at: None,
            windows,
            total,
            done: AtomicU64::new(0),
            told: AtomicU64::new(0),
            telling: AtomicBool::new(false),
            stop: AtomicU8::new(0),
            fault_index: AtomicU64::new(u64::MAX),
            fault: Mutex::new(Fault::NONE),
        }
    }

    /// Whether a chunk that starts at `start` is still wanted: looks at everything, the clock included, and asks.
    ///
    /// # Panics
    /// With the panic of the callback that is asked.
    pub(crate) fn wants_chunk(&self, start: usize) -> bool {
        if let Some((should_stop, caller)) = self.should_stop
            && thread::current().id() == caller
            && self.call(should_stop)
        {
            self.stop(Stop::Cancelled);
        }
        if self
            .deadline
            .is_some_and(|deadline| exec::now() >= deadline)
        {
            self.stop(Stop::Deadline);
        }
        self.wants_block() && start as u64 <= self.fault_index.load(Ordering::Relaxed)
    }

    /// Whether to go on with the next block.
    pub(crate) fn wants_block(&self) -> bool {
        if self.cancel.is_some_and(CancelFlag::is_cancelled) {
            self.stop(Stop::Cancelled);
        }
        self.stop.load(Ordering::Relaxed) == 0
    }

    /// Ends the run.
    pub(crate) fn stop(&self, why: Stop) {
        self.stop.fetch_max(why as u8, Ordering::Relaxed);
    }

    /// Whether the block of `n` elements from `start` on is to be lost without a word, for a test: counting must find out.
    pub(crate) fn loses_block(&self, start: usize, n: usize) -> bool {
        self.fail_at
            .is_some_and(|at| (start as u64..(start + n) as u64).contains(&at))
    }

    /// Takes in a fault: chunks past it are not wanted any more.
    pub(crate) fn record(&self, fault: Fault) {
        self.fault_index.fetch_min(fault.index, Ordering::Relaxed);
        lock(&self.fault).merge(fault);
    }

    /// Counts a chunk of which every block reported success, and tells of it.
    ///
    /// # Panics
    /// With the panic of the progress callback.
    pub(crate) fn chunk_done(&self, n: usize) {
        if let Some(windows) = self.windows {
            windows.sweep(n);
        }
        self.count(n as u64);
    }

    /// Counts what is done, or was by an earlier run, and tells of it.
    pub(crate) fn count(&self, n: u64) {
        self.done.fetch_add(n, Ordering::SeqCst);
        let Some(progress) = self.progress else {
            return;
        };
        // One thread tells at a time, so that `done` never falls. A lock would not do: a callback that runs on this engine
        // may find itself doing another chunk of this run. Whoever is turned away is heard of in the loop: it has counted
        // before it was, and the teller looks at the count after it has opened the way.
        while self.told.load(Ordering::SeqCst) < self.done.load(Ordering::SeqCst)
            && self.stop.load(Ordering::Relaxed) == 0
            && !self.telling.swap(true, Ordering::SeqCst)
        {
            let done = self.done.load(Ordering::SeqCst);
            if self.told.swap(done, Ordering::SeqCst) < done {
                self.call(|| progress(Progress::new(done, self.total)));
            }
            self.telling.store(false, Ordering::SeqCst);
        }
    }

    /// Calls a function of somebody else's, whose panic stops the run.
    fn call<T>(&self, callback: impl FnOnce() -> T) -> T {
        let _env = FloatEnv::around_others();
        catch_unwind(AssertUnwindSafe(callback)).unwrap_or_else(|panic| {
            self.stop(Stop::Failed);
            resume_unwind(panic)
        })
    }

    /// Elements done so far.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    /// The verdict after passes over `expected` elements in all: done, or the fault, or why not.
    pub(crate) fn verdict(&self, expected: u64) -> Result<(), Verdict> {
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total);
        let kind = match self.stop.load(Ordering::Relaxed) {
            0 if self.fault_index.load(Ordering::Relaxed) != u64::MAX => {
                return Err(Verdict::Fault(*lock(&self.fault)));
            }
            0 if done == expected => return Ok(()),
            1 => RuntimeErrorKind::Cancelled { done, total },
            2 => RuntimeErrorKind::DeadlineExceeded { done, total },
            _ => RuntimeErrorKind::Incomplete { done, total },
        };
        Err(Verdict::Stopped(kind.into()))
    }
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The first fault.
    Fault(Fault),
    /// All else.
    Stopped(RuntimeError),
}

/// Locks; what a panicking thread left behind is a number either way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
