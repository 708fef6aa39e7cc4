//! Where the pool's threads run: beside the caller, not in its place.
//!
//! What goes in: the processor that a caller of helpers runs on. What comes out: a helper elsewhere. What it never does: touch a thread that the pool did not start,
//! or leave the processors that a thread was allowed.
//!
//! A kernel may wake a thread on the processor of the one that wakes it, though another is idle: some do so to keep virtual processors asleep. There the helper
//! either takes turns with the caller or comes when nothing is left to do. On two virtual processors that were packed so, 170 to 190 of 200 threads that slept for
//! two milliseconds or more were woken beside the one who called them, and two threads took as long as one. So a helper that finds itself on the
//! caller's processor rules that one out for itself until it meets a caller again: nothing is lost where kernels choose well, for there they do not meet.

#[cfg(target_os = "linux")]
mod linux {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

    use crate::exec::now;

    /// The least time between two moves of a thread: where callers are on all processors, it has nowhere to go.
    const STAY: Duration = Duration::from_micros(100);

    /// What a thread of the pool knows of itself.
    #[derive(Clone, Copy)]
    struct Place {
        /// Where it may run.
        allowed: CpuSet,
        /// What it chose of that.
        chosen: CpuSet,
        moved: Option<Instant>,
    }

    thread_local! {
        static PLACE: Cell<Option<Place>> = const { Cell::new(None) };
    }

    /// Makes the calling thread one that moves.
    pub(crate) fn start() {
        if let Ok(allowed) = sched_getaffinity(None) {
            PLACE.set(Some(Place {
                allowed,
                chosen: allowed,
                moved: None,
            }));
        }
    }

    /// The processor that the calling thread runs on.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct Processor(usize);

    impl Processor {
        pub(crate) fn current() -> Processor {
            Processor(sched_getcpu())
        }

        /// Moves the calling thread, if it is the pool's, from here to another processor that it is allowed.
        pub(crate) fn leave(self) {
            if Processor::current() == self {
                self.rule_out();
            }
        }

        #[cold]
        fn rule_out(self) {
            let Some(mut place) = PLACE.get() else {
                return;
            };
            let now = now();
            if place
                .moved
                .is_some_and(|moved| now.duration_since(moved) < STAY)
            {
                return;
            }
            let Ok(may_use) = sched_getaffinity(None) else {
                return;
            };
            if may_use != place.chosen {
                // Somebody else moved it, and means it.
                place.allowed = may_use;
            }
            place.chosen = place.allowed;
            place.chosen.unset(self.0);
            // Refused where nothing is left: then it stays as it is.
            if sched_setaffinity(None, &place.chosen).is_err() {
                place.chosen = may_use;
            }
            place.moved = Some(now);
            PLACE.set(Some(place));
        }
    }

    #[cfg(test)]
    mod tests {
        use std::thread;

        use super::*;

        /// Of a thread of its own, what it may use before and after it left where it was.
        fn leaves(starts: bool) -> (CpuSet, Processor, CpuSet) {
            let thread = thread::spawn(move || {
                if starts {
                    start();
                }
                let before = sched_getaffinity(None).expect("it is known");
                let here = Processor::current();
                here.rule_out();
                (before, here, sched_getaffinity(None).expect("it is known"))
            });
            thread.join().expect("it ends")
        }

        #[test]
        fn a_thread_of_the_pool_leaves_for_what_it_is_allowed() {
            let (before, here, after) = leaves(true);
            let mut expected = before;
            if before.count() > 1 {
                expected.unset(here.0);
            }
            assert_eq!(after, expected);
        }

        #[test]
        fn a_thread_of_others_stays() {
            let (before, _, after) = leaves(false);
            assert_eq!(before, after);
        }

        #[test]
        fn a_thread_that_others_moved_keeps_to_that() {
            let thread = thread::spawn(|| {
                start();
                let all = sched_getaffinity(None).expect("it is known");
                let mut one = CpuSet::new();
                let first = (0..CpuSet::MAX_CPU).find(|&cpu| all.is_set(cpu));
                one.set(first.expect("it runs somewhere"));
                sched_setaffinity(None, &one).expect("it is one of its own");
                Processor::current().rule_out();
                assert_eq!(sched_getaffinity(None).expect("it is known"), one);
            });
            thread.join().expect("it holds");
        }
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{Processor, start};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    /// Not known: kernels choose.
    #[derive(Clone, Copy)]
    pub(crate) struct Processor;

    impl Processor {
        pub(crate) fn current() -> Processor {
            Processor
        }

        pub(crate) fn leave(self) {}
    }

    pub(crate) fn start() {}
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Processor, start};
