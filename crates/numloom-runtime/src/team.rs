#![expect(
    unsafe_code,
    reason = "lends a closure to threads that may come when it is gone"
)]
//! Work that threads of a pool join, if they come in time.
//!
//! What goes in: work of which any number of threads can do a part. What comes out: the work, done. What it never does: wait for a thread that has
//! not begun.
//!
//! A scope of the pool would wait for every helper that it asked for, and a sleeping thread takes longer to wake than a small array takes to compute:
//! here the caller closes the team when nothing is left to do, and who comes later finds it closed. Nor does the caller take on others' work while it
//! waits, so that a run takes no longer than it has to. In a loop of calls two threads pay from 7 µs of one thread's work on, where with a scope it was 75
//! (`cargo bench -p numloom-benches --bench handoff`; 2026-11, AMD Zen 4).

use std::any::Any;
use std::hint::spin_loop;
use std::mem::transmute;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};

use rayon::ThreadPool;

use crate::place::Processor;

/// Set when nobody may enter any more; the other bits count those inside.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// How often the caller looks before it sleeps: about as long as a chunk takes.
const LOOKS: usize = 1 << 10;

/// The most helpers that were asked for and have not come, of all runs: a pool that is busy with something long is not asked again and again.
const MOST_WAITING: usize = 1 << 10;

/// Helpers that have not come.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// What helpers find.
struct Team<'a> {
    state: AtomicUsize,
    work: &'a (dyn Fn() + Sync),
    caller: Thread,
    /// Where the caller was when it asked.
    processor: Processor,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Team<'_> {
    /// Lets a helper in, unless it is closed.
    fn enter(&self) -> bool {
        let one_more = |state: usize| (state & CLOSED == 0).then(|| state + 1);
        self.state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .is_ok()
    }

    /// What a helper does.
    fn help(&self) {
        // Also of a team that is closed: the next one is asked for from there again.
        self.processor.leave();
        if !self.enter() {
            return;
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(self.work)) {
            let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(panic);
        }
        if self.state.fetch_sub(1, Ordering::AcqRel) == CLOSED | 1 {
            self.caller.unpark();
        }
    }

    /// Lets nobody in any more, and waits until nobody is inside.
    fn close(&self) {
        let mut state = self.state.fetch_or(CLOSED, Ordering::AcqRel);
        let mut looks = 0;
        while state & !CLOSED != 0 {
            if looks < LOOKS {
                looks += 1;
                spin_loop();
            } else {
                thread::park();
            }
            state = self.state.load(Ordering::Acquire);
        }
    }
}

/// Closes a team even if the caller panics.
struct Closing<'t, 'a>(&'t Team<'a>);

impl Drop for Closing<'_, '_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Runs `here` in this thread, and meanwhile `there` in up to `helpers` threads of the pool: as many as come before `here` ends.
///
/// # Panics
/// With the panic of either.
pub(crate) fn together(
    pool: &ThreadPool,
    helpers: usize,
    here: impl FnOnce(),
    there: &(dyn Fn() + Sync),
) {
    let team = Arc::new(Team {
        state: AtomicUsize::new(0),
        work: there,
        caller: thread::current(),
        processor: Processor::current(),
        panic: Mutex::new(None),
    });
    {
        let closing = Closing(&team);
        // SAFETY: only the lifetime changes, which the work is lent for. It is used by those alone who entered, and `closing`, which is dropped before
        // this function is left in any way, waits until they are out; who comes later looks at `state`, which is the team's own.
        let lent = unsafe { transmute::<Arc<Team<'_>>, Arc<Team<'static>>>(Arc::clone(&team)) };
        for _ in 0..helpers {
            if WAITING.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
                WAITING.fetch_sub(1, Ordering::Relaxed);
                break;
            }
            let team = Arc::clone(&lent);
            pool.spawn(move || {
                WAITING.fetch_sub(1, Ordering::Relaxed);
                team.help();
            });
        }
        here();
        drop(closing);
    }
    let panic = team
        .panic
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use rayon::ThreadPoolBuilder;

    use super::*;

    fn pool(threads: usize) -> ThreadPool {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads can be had")
    }

    #[test]
    fn helpers_who_come_in_time_are_waited_for() {
        let pool = pool(3);
        for _ in 0..200 {
            let (entered, left) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let here = || {
                while entered.load(Ordering::SeqCst) == 0 {
                    thread::yield_now();
                }
            };
            let there = || {
                entered.fetch_add(1, Ordering::SeqCst);
                (0..100).for_each(|_| thread::yield_now());
                left.fetch_add(1, Ordering::SeqCst);
            };
            together(&pool, 3, here, &there);
            assert!(left.load(Ordering::SeqCst) >= 1);
            assert_eq!(left.into_inner(), entered.into_inner());
        }
    }

    #[test]
    fn who_comes_late_is_not_waited_for() {
        let pool = pool(1);
        let (release, held) = mpsc::channel::<()>();
        pool.spawn(move || {
            let _ = held.recv();
        });
        let helped = AtomicUsize::new(0);
        // The only thread is held: this would never end if it were waited for.
        together(&pool, 1, || (), &|| {
            helped.fetch_add(1, Ordering::SeqCst);
        });
        drop(release);
        pool.install(|| ());
        assert_eq!(helped.into_inner(), 0);
    }

    #[test]
    fn a_helpers_panic_is_the_callers() {
        let pool = pool(1);
        let (ready, wait) = mpsc::channel();
        let here = || wait.recv().expect("the helper comes");
        let there = || {
            ready.send(()).expect("the caller waits");
            panic!("help");
        };
        let run = catch_unwind(AssertUnwindSafe(|| together(&pool, 1, here, &there)));
        let panic = run.expect_err("it panics");
        assert_eq!(panic.downcast_ref(), Some(&"help"));
    }

    #[test]
    fn a_panic_of_the_caller_waits_for_helpers() {
        let pool = pool(1);
        let (ready, wait) = mpsc::channel();
        let left = AtomicUsize::new(0);
        let here = || {
            wait.recv().expect("the helper comes");
            panic!("here");
        };
        let there = || {
            ready.send(()).expect("the caller waits");
            (0..1000).for_each(|_| thread::yield_now());
            left.fetch_add(1, Ordering::SeqCst);
        };
        let run = catch_unwind(AssertUnwindSafe(|| together(&pool, 1, here, &there)));
        assert_eq!(run.expect_err("it panics").downcast_ref(), Some(&"here"));
        assert_eq!(left.into_inner(), 1);
    }
}
