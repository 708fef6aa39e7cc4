//! End to end on 20 million elements, far beyond any cache: reused outputs, fresh outputs, every size of element, reductions one by one
//! and together, each beside a hand-written loop on the same number of threads.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use numloom::{DType, Element, View, ViewMut};
use numloom_benches::plain_sum;
use rayon::prelude::*;

#[path = "common.rs"]
mod common;
#[path = "groups.rs"]
mod groups;
#[path = "threads.rs"]
mod threads;

use common::{is_test, kernel_of};
use groups::slow;
use threads::{TASK, pool};

/// 20 million elements, or few where every bench is run once for its assertion.
fn size() -> usize {
    if is_test() { 200_003 } else { 20_000_000 }
}

fn elementwise(c: &mut Criterion) {
    let n = size();
    let a: Vec<f64> = (0..n).map(|i| i as f64 * 0.5).collect();
    let b: Vec<f64> = (0..n).map(|i| 1.0 / (i + 1) as f64).collect();
    let (mut got, mut want) = (vec![0f64; n], vec![0f64; n]);
    for threads in [1, 2] {
        let pool = pool(threads);
        let kernel = kernel_of("2*a + 3*b", &["a", "b"], DType::F64, threads);
        let mut group = slow(c, format!("eval/outputs/f64/{n}/threads={threads}"));
        group.throughput(Throughput::Bytes(24 * n as u64));
        group.bench_function("numloom-reused", |bench| {
            bench.iter(|| {
                let inputs = [View::from_slice(&a), View::from_slice(&b)];
                kernel
                    .call(&inputs, &mut [ViewMut::from_slice(&mut got)])
                    .expect("the kernel runs");
            });
        });
        group.bench_function("numloom-fresh", |bench| {
            bench.iter(|| kernel.run([("a", &a), ("b", &b)]).expect("the kernel runs"));
        });
        group.bench_function("rust", |bench| {
            bench.iter(|| {
                pool.install(|| {
                    want.par_chunks_mut(TASK)
                        .zip(a.par_chunks(TASK))
                        .zip(b.par_chunks(TASK))
                        .for_each(|((out, a), b)| {
                            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                                *out = 2.0 * a + 3.0 * b;
                            }
                        });
                });
            });
        });
        group.finish();
        assert!(
            got.iter()
                .zip(&want)
                .all(|(x, y)| x.to_bits() == y.to_bits()),
            "2*a + 3*b"
        );
    }
}

fn reductions(c: &mut Criterion) {
    let n = size();
    let a: Vec<f64> = (0..n).map(|i| (i % 1_000) as f64).collect();
    let b: Vec<f64> = (0..n).map(|i| (i % 7) as f64).collect();
    for threads in [1, 2] {
        let pool = pool(threads);
        let kernel = kernel_of("sum(a*b)", &["a", "b"], DType::F64, threads);
        let (mut got, mut want) = (0.0, 0.0);
        let mut group = slow(c, format!("eval/dot/f64/{n}/threads={threads}"));
        group.throughput(Throughput::Bytes(16 * n as u64));
        group.bench_function("numloom", |bench| {
            bench.iter(|| {
                let inputs = [View::from_slice(black_box(&a)), View::from_slice(&b)];
                kernel
                    .call(&inputs, &mut [ViewMut::scalar(&mut got)])
                    .expect("the kernel runs");
            });
        });
        group.bench_function("rust", |bench| {
            bench.iter(|| {
                // Sixteen partial sums, so that the plain loop is bound by memory, too.
                let dot = |(a, b): (&[f64], &[f64])| {
                    let mut lanes = [0.0; 16];
                    for (a, b) in a.chunks_exact(16).zip(b.chunks_exact(16)) {
                        for j in 0..16 {
                            lanes[j] += a[j] * b[j];
                        }
                    }
                    let tail = a.len() / 16 * 16;
                    lanes.iter().sum::<f64>()
                        + a[tail..]
                            .iter()
                            .zip(&b[tail..])
                            .map(|(a, b)| a * b)
                            .sum::<f64>()
                };
                want = pool.install(|| {
                    black_box(&a)
                        .par_chunks(TASK)
                        .zip(b.par_chunks(TASK))
                        .map(dot)
                        .sum::<f64>()
                });
            });
        });
        group.finish();
        assert_eq!(got, want, "sums of small integers are exact in any order");
    }
}

/// One dtype of [`dtypes`]: two arrays of `n` elements made by `element`, and the loop over a piece of them.
fn dtype<T: Element + Default + PartialEq + Send + Sync>(
    c: &mut Criterion,
    n: usize,
    element: impl Fn(usize) -> T,
    plain: impl Fn(T, T) -> T + Sync,
) {
    let a: Vec<T> = (0..n).map(&element).collect();
    let b: Vec<T> = (0..n).map(|i| element(i / 3)).collect();
    let (mut got, mut want) = (vec![T::default(); n], vec![T::default(); n]);
    let mut plain_loop = |pool: &rayon::ThreadPool| {
        let piece = |((out, a), b): ((&mut [T], &[T]), &[T])| {
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *out = plain(a, b);
            }
        };
        let (a, b) = (black_box(&a), black_box(&b));
        let pieces = want.par_chunks_mut(TASK).zip(a.par_chunks(TASK));
        pool.install(|| pieces.zip(b.par_chunks(TASK)).for_each(piece));
    };
    for threads in [1, 2] {
        let pool = pool(threads);
        let kernel = kernel_of("2*a + 3*b", &["a", "b"], T::DTYPE, threads);
        let mut run = || {
            let inputs = [View::from_slice(black_box(&a)), View::from_slice(&b)];
            kernel
                .call(&inputs, &mut [ViewMut::from_slice(&mut got)])
                .expect("the kernel runs");
        };
        run();
        plain_loop(&pool);
        let name = format!("eval/axpy/{}/{n}/threads={threads}", T::DTYPE);
        let mut group = slow(c, name);
        group.throughput(Throughput::Bytes((3 * n * size_of::<T>()) as u64));
        group.bench_function("numloom", |bench| bench.iter(&mut run));
        group.bench_function("rust", |bench| bench.iter(|| plain_loop(&pool)));
        group.finish();
    }
    assert!(got == want, "2*a + 3*b in {}", T::DTYPE);
}

/// Elements of one to eight bytes, past the caches and within: time is to go with the bytes.
fn dtypes(c: &mut Criterion) {
    for n in [100_000, size()] {
        dtype(
            c,
            n,
            |i| i as i8,
            |a, b| a.wrapping_mul(2).wrapping_add(b.wrapping_mul(3)),
        );
        dtype(
            c,
            n,
            |i| i as u8,
            |a, b| a.wrapping_mul(2).wrapping_add(b.wrapping_mul(3)),
        );
        dtype(
            c,
            n,
            |i| i as i16,
            |a, b| a.wrapping_mul(2).wrapping_add(b.wrapping_mul(3)),
        );
        dtype(c, n, |i| i as f32 * 0.5, |a, b| 2.0 * a + 3.0 * b);
        dtype(c, n, |i| i as f64 * 0.5, |a, b| 2.0 * a + 3.0 * b);
    }
}

/// Four figures of one array: in one pass, in four, and a plain read of it.
fn summary(c: &mut Criterion) {
    for n in [100_000.min(size()), size()] {
        figures(c, n, |i| f64::from(i % 1_000));
        figures(c, n, |i| (i % 1_000) as f32);
    }
}

fn figures<T>(c: &mut Criterion, n: usize, element: impl Fn(u32) -> T)
where
    T: Element + Copy + Default + Into<f64> + Sync,
{
    const FIGURES: [&str; 4] = ["mean(a)", "std(a)", "min(a)", "max(a)"];
    let a: Vec<T> = (0..n as u32).map(element).collect();
    // As wide as two cache lines, so that it is bound by memory.
    let largest = |piece: &[T]| {
        let (groups, tail) = piece.as_chunks::<32>();
        let larger = |x: T, y: T| if y.into() > x.into() { y } else { x };
        let mut lanes = [T::default(); 32];
        for group in groups {
            for (lane, &x) in lanes.iter_mut().zip(group) {
                *lane = larger(*lane, x);
            }
        }
        lanes.iter().chain(tail).copied().fold(T::default(), larger)
    };
    for threads in [1, 2] {
        let pool = pool(threads);
        let together = kernel_of(&FIGURES.join("; "), &["a"], T::DTYPE, threads);
        let apart = FIGURES.map(|src| kernel_of(src, &["a"], T::DTYPE, threads));
        let (mut one, mut four) = ([T::default(); 4], [T::default(); 4]);
        let mut in_one = || {
            let mut places = one.each_mut().map(ViewMut::scalar);
            together
                .call(&[View::from_slice(black_box(&a))], &mut places)
                .expect("the kernel runs");
        };
        let mut in_four = || {
            for (kernel, place) in apart.iter().zip(&mut four) {
                kernel
                    .call(
                        &[View::from_slice(black_box(&a))],
                        &mut [ViewMut::scalar(place)],
                    )
                    .expect("the kernel runs");
            }
        };
        in_one();
        in_four();
        let mut group = slow(
            c,
            format!("eval/summary/{}/{n}/threads={threads}", T::DTYPE),
        );
        group.throughput(Throughput::Bytes(size_of_val(&a[..]) as u64));
        group.bench_function("one-pass", |bench| bench.iter(&mut in_one));
        group.bench_function("four-passes", |bench| bench.iter(&mut in_four));
        group.bench_function("plain-read", |bench| {
            bench.iter(|| {
                let parts = black_box(&a).par_chunks(TASK).map(largest);
                pool.install(|| parts.map(T::into).reduce(|| 0.0, f64::max))
            });
        });
        group.finish();
        let [one, four] = [one, four].map(|figures| figures.map(T::into));
        assert_eq!(one, four, "a pass more changes no bit");
        let mean = a.iter().map(|&x| x.into()).sum::<f64>() / n as f64;
        let squares = a.iter().map(|&x| (x.into() - mean).powi(2));
        let spread = (squares.sum::<f64>() / n as f64).sqrt();
        for (got, want) in one.into_iter().zip([mean, spread, 0.0, 999.0]) {
            assert!((got - want).abs() <= 1e-7 * want, "{got} {want}");
        }
    }
}

/// `argmin` of `n` elements in no order, beside their least value in plain Rust.
fn place<T: Element + PartialOrd + Sync>(c: &mut Criterion, n: usize, element: impl Fn(u32) -> T) {
    // Knuth's multiplicative hash: the least of so many comes anywhere.
    let a: Vec<T> = (0..n as u32)
        .map(|i| element(i.wrapping_mul(2_654_435_761)))
        .collect();
    let pool = pool(1);
    let kernel = kernel_of("argmin(a)", &["a"], T::DTYPE, 1);
    let (mut got, mut least) = (0i64, a[0]);
    let mut run = || {
        let inputs = [View::from_slice(black_box(&a))];
        kernel
            .call(&inputs, &mut [ViewMut::scalar(&mut got)])
            .expect("the kernel runs");
    };
    let smaller = |x: T, y: T| if y < x { y } else { x };
    // Sixteen at a time, so that the plain loop is bound by memory.
    let least_of = |piece: &[T]| {
        let (groups, tail) = piece.as_chunks::<16>();
        let mut lanes = [piece[0]; 16];
        for group in groups {
            for (lane, &x) in lanes.iter_mut().zip(group) {
                *lane = smaller(*lane, x);
            }
        }
        lanes.iter().chain(tail).copied().fold(piece[0], smaller)
    };
    let mut plain = || {
        let parts = black_box(&a).par_chunks(TASK).map(least_of);
        least = pool.install(|| parts.reduce(|| a[0], smaller));
    };
    run();
    plain();
    let mut group = slow(c, format!("eval/argmin/{}/{n}/threads=1", T::DTYPE));
    group.throughput(Throughput::Bytes((n * size_of::<T>()) as u64));
    group.bench_function("numloom", |bench| bench.iter(&mut run));
    group.bench_function("plain-least", |bench| bench.iter(&mut plain));
    group.finish();
    let want = a
        .iter()
        .position(|&x| x == least)
        .expect("it is one of them");
    assert_eq!(got, want as i64, "argmin of {}", T::DTYPE);
}

/// What comes of more than one word for each lane: places and spreads.
fn spreads(c: &mut Criterion) {
    for n in [1_000_000.min(size()), size()] {
        place(c, n, |i| f64::from(i) * 0.5);
        place(c, n, |i| i as f32 * 0.5);
        place(c, n, |i| i as i16);
        let a: Vec<f64> = (0..n).map(|i| (i % 1_000) as f64).collect();
        let pool = pool(1);
        let kernels = ["std(a)", "var(a)"].map(|src| kernel_of(src, &["a"], DType::F64, 1));
        let mut got = [0.0; 2];
        let mut group = slow(c, format!("eval/spread/f64/{n}/threads=1"));
        group.throughput(Throughput::Bytes(8 * n as u64));
        for ((kernel, got), id) in kernels.iter().zip(&mut got).zip(["std", "var"]) {
            let mut run = || {
                let inputs = [View::from_slice(black_box(&a))];
                kernel
                    .call(&inputs, &mut [ViewMut::scalar(got)])
                    .expect("the kernel runs");
            };
            run();
            group.bench_function(id, |bench| bench.iter(&mut run));
        }
        group.bench_function("plain-read", |bench| {
            bench.iter(|| {
                let sums = black_box(&a).par_chunks(TASK).map(plain_sum);
                pool.install(|| sums.sum::<f64>())
            });
        });
        group.finish();
        let mean = a.iter().sum::<f64>() / n as f64;
        let var = a.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
        for (got, want) in got.into_iter().zip([var.sqrt(), var]) {
            assert!((got - want).abs() < 1e-9 * want, "{got} {want}");
        }
    }
}

criterion_group!(benches, elementwise, reductions, dtypes, summary, spreads);
criterion_main!(benches);
