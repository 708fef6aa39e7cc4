//! Reductions to one value on one thread, by turns with a plain read of what they read, from the second-level cache to memory. Printed is the plain read's time
//! an element, and how much of its speed the engine has: of fastest runs, and of medians.
//!
//! `cargo bench -p numloom-benches --bench reductions -- [name]`
#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(
    unsafe_code,
    reason = "the plain read is compiled for instructions that a machine may lack"
)]

use std::hint::black_box;

use numloom::{Element, View, ViewMut};

#[path = "common.rs"]
mod common;
#[path = "turns.rs"]
mod turns;

use common::{is_test, kernel_of};
use turns::by_turns;

/// Independent sums, as many as hide the latency of an addition in registers of 512 bits.
const SUMS: usize = 64;

/// A plain read of arrays: for each 64 bits of memory an addition.
#[inline(always)]
fn read(arrays: &[&[f64]]) -> f64 {
    let mut sums = [0.0; SUMS];
    for a in arrays {
        for a in a.chunks_exact(SUMS) {
            for (sum, x) in sums.iter_mut().zip(a) {
                *sum += x;
            }
        }
    }
    sums.iter().sum()
}

/// The same, of two arrays side by side.
#[inline(always)]
fn read_two(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; SUMS];
    for (a, b) in a.chunks_exact(SUMS).zip(b.chunks_exact(SUMS)) {
        for (sum, (x, y)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += x * y;
        }
    }
    sums.iter().sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn wide(arrays: &[&[f64]]) -> f64 {
    match arrays {
        [a, b] => read_two(a, b),
        arrays => read(arrays),
    }
}

fn plain(arrays: &[&[f64]]) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        // SAFETY: the machine has what it was compiled for.
        return unsafe { wide(arrays) };
    }
    match arrays {
        [a, b] => read_two(a, b),
        arrays => read(arrays),
    }
}

/// One program over arrays of `n` elements of `T`, whose results have as many bytes.
fn case<T: Element + Default + Into<f64>>(
    src: &str,
    n: usize,
    element: impl Fn(usize) -> T,
    names: &[&str],
    results: usize,
) {
    let arrays: Vec<Vec<T>> = (names.iter().enumerate())
        .map(|(i, _)| (0..n).map(|j| element(j + i)).collect())
        .collect();
    let words: Vec<Vec<f64>> = (names.iter().enumerate())
        .map(|(i, _)| {
            (0..n * size_of::<T>() / 8)
                .map(|j| (j + i) as f64)
                .collect()
        })
        .collect();
    let words: Vec<&[f64]> = words.iter().map(Vec::as_slice).collect();
    let kernel = kernel_of(src, names, T::DTYPE, 1);
    let mut out = vec![T::default(); results];
    let times = match n {
        0..100_000 => 200,
        100_000..10_000_000 => 20,
        _ => 1,
    };
    let [read, engine] = by_turns(
        if is_test() { 1 } else { 25 },
        [
            &mut || {
                for _ in 0..times {
                    black_box(plain(black_box(&words)));
                }
            },
            &mut || {
                for _ in 0..times {
                    let views: Vec<View> = arrays
                        .iter()
                        .map(|a| View::from_slice(black_box(a)))
                        .collect();
                    let mut out: Vec<ViewMut> = out.iter_mut().map(ViewMut::scalar).collect();
                    kernel.call(&views, &mut out).expect("the kernel runs");
                }
            },
        ],
    );
    assert!(out.iter().all(|&x| x.into().is_finite()), "{src}");
    let ns = |time: std::time::Duration| time.as_secs_f64() * 1e9 / (n * times) as f64;
    println!(
        "{src:32} {:4} {n:9}  read {:.3}  engine {:.3}  of its speed {:.2} {:.2}",
        T::DTYPE.to_string(),
        ns(read.fastest),
        ns(engine.fastest),
        read.fastest.as_secs_f64() / engine.fastest.as_secs_f64(),
        read.median.as_secs_f64() / engine.median.as_secs_f64(),
    );
}

fn main() {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let programs: [(&str, &[&str], usize); 5] = [
        ("sum(a)", &["a"], 1),
        ("max(a)", &["a"], 1),
        ("min(a); max(a)", &["a"], 2),
        ("sum(a*b)", &["a", "b"], 1),
        ("mean(a); std(a); min(a); max(a)", &["a"], 4),
    ];
    for (src, names, results) in programs {
        if wanted
            .as_ref()
            .is_some_and(|wanted| !src.starts_with(wanted.as_str()))
        {
            continue;
        }
        for n in [10_000, 100_000, 1_000_000, 20_000_000] {
            let n = if is_test() { n.min(100_000) } else { n };
            case(src, n, |i| (i % 1_000) as f64, names, results);
            case(src, n, |i| (i % 1_000) as f32, names, results);
        }
    }
}
