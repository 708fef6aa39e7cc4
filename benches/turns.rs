//! Two or more pieces of work timed by turns, for benches that print ratios.

use std::time::{Duration, Instant};

/// How long something took, of several runs.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) fastest: Duration,
    pub(crate) median: Duration,
}

/// Runs all of `work` by turns, `rounds` times after once for warmth: what disturbs the machine disturbs them alike.
#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
pub(crate) fn by_turns<const N: usize>(
    rounds: usize,
    mut work: [&mut dyn FnMut(); N],
) -> [Times; N] {
    let mut times = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (run, times) in work.iter_mut().zip(&mut times) {
            let start = Instant::now();
            run();
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    times.map(|mut times| {
        times.sort();
        Times {
            fastest: times[0],
            median: times[times.len() / 2],
        }
    })
}
