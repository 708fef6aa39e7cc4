//! The experiment behind `docs/decisions/0001-reduction-tree.md`: sums by a tree of leaves and lanes, in plain Rust.
//!
//! Prints, for each number of lanes and each leaf size, nanoseconds per element from L1, L2 and memory, and the error against a
//! compensated sum. Build it for other register widths with `RUSTFLAGS="-C target-cpu=…"`.

#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::hint::black_box;
use std::time::Instant;

use numloom_benches::leaf;

/// Leaves merged by a binary counter over their index.
fn tree<const LANES: usize, T: Copy + Into<f64>>(x: &[T], leaf_len: usize) -> f64 {
    let mut nodes: Vec<(u32, f64)> = Vec::new();
    for chunk in x.chunks(leaf_len) {
        let mut sum = leaf::<LANES, T>(black_box(chunk));
        let mut level = 0;
        while let Some(&(last, left)) = nodes.last()
            && last == level
        {
            nodes.pop();
            sum += left;
            level += 1;
        }
        nodes.push((level, sum));
    }
    nodes
        .iter()
        .rev()
        .map(|&(_, sum)| sum)
        .reduce(|right, left| left + right)
        .unwrap_or(0.0)
}

/// Neumaier's compensated sum: the value and its correction.
fn compensated(x: &[f64]) -> (f64, f64) {
    x.iter().fold((0.0, 0.0), |(sum, low), &value| {
        let next: f64 = sum + value;
        let lost = if sum >= value {
            (sum - next) + value
        } else {
            (value - next) + sum
        };
        (next, low + lost)
    })
}

fn time(n: usize, repeats: usize, samples: usize, mut run: impl FnMut() -> f64) -> (f64, f64) {
    let mut best = f64::INFINITY;
    let mut result = 0.0;
    for _ in 0..samples {
        let start = Instant::now();
        for _ in 0..repeats {
            result = run();
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / (repeats * n) as f64);
    }
    (best, result)
}

fn row<const LANES: usize>(leaf_len: usize, quick: bool) {
    print!("lanes {LANES:>2} leaf {leaf_len:>5}");
    for log_n in [13, 15, 23] {
        let n = 1usize << log_n;
        let mut state = 1u64;
        let x: Vec<f64> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        })
        .take(n)
        .collect();
        let y: Vec<f32> = x.iter().map(|&value| value as f32).collect();
        let (repeats, samples) = if quick {
            (1, 1)
        } else {
            (((1 << 24) / n).max(3), 12)
        };
        let (double, sum) = time(n, repeats, samples, || tree::<LANES, f64>(&x, leaf_len));
        let (single, _) = time(n, repeats, samples, || tree::<LANES, f32>(&y, leaf_len));
        let (exact, low) = compensated(&x);
        let ulps = ((sum - exact) - low).abs() / (exact * f64::EPSILON);
        assert!(
            ulps < 8.0,
            "the tree keeps the error of a sum far below its length"
        );
        print!(" | 2^{log_n}: f64 {double:.4} f32 {single:.4} ns, {ulps:.2} ulp");
    }
    println!();
}

fn main() {
    let quick = std::env::args().any(|arg| arg == "--test");
    for leaf_len in [512, 1024, 4096, 16384] {
        row::<8>(leaf_len, quick);
        row::<16>(leaf_len, quick);
        row::<32>(leaf_len, quick);
        row::<64>(leaf_len, quick);
    }
}
