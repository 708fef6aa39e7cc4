//! End to end on 20 million elements, far beyond any cache: reused outputs, fresh outputs, reductions and small dtypes, each beside a
//! hand-written loop on the same number of threads.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use numloom::{DType, Engine, Expr, Kernel, Options, Schema, View, ViewMut};
use rayon::prelude::*;

/// Elements of a task of the hand-written loops: 512 KiB of `f64`.
const TASK: usize = 1 << 16;

fn kernel_of(src: &str, dtype: DType, threads: usize) -> Kernel {
    let engine = Engine::new(Options::new().threads(threads)).expect("the options are sound");
    let schema = Schema::new().with("a", dtype).with("b", dtype);
    engine
        .compile(&Expr::parse(src).expect("the case parses"), &schema)
        .expect("the case compiles")
}

/// 20 million elements, or few where every bench is run once for its assertion.
fn size() -> usize {
    if std::env::args().any(|arg| arg == "--test") {
        200_003
    } else {
        20_000_000
    }
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads can be had")
}

fn slow(
    c: &mut Criterion,
    name: String,
) -> criterion::BenchmarkGroup<'_, criterion::measurement::WallTime> {
    let mut group = c.benchmark_group(name);
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_millis(500));
    group
}

fn elementwise(c: &mut Criterion) {
    let n = size();
    let a: Vec<f64> = (0..n).map(|i| i as f64 * 0.5).collect();
    let b: Vec<f64> = (0..n).map(|i| 1.0 / (i + 1) as f64).collect();
    let (mut got, mut want) = (vec![0f64; n], vec![0f64; n]);
    for threads in [1, 2] {
        let pool = pool(threads);
        let kernel = kernel_of("2*a + 3*b", DType::F64, threads);
        let mut group = slow(c, format!("eval/axpy/f64/{n}/threads={threads}"));
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
        let kernel = kernel_of("sum(a*b)", DType::F64, threads);
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

fn small_dtypes(c: &mut Criterion) {
    let n = size();
    let a: Vec<i8> = (0..n).map(|i| i as i8).collect();
    let b: Vec<i8> = (0..n).map(|i| (i / 3) as i8).collect();
    let (mut got, mut want) = (vec![0i8; n], vec![0i8; n]);
    let kernel = kernel_of("2*a + 3*b", DType::I8, 1);
    let mut group = slow(c, format!("eval/axpy/i8/{n}/threads=1"));
    group.throughput(Throughput::Bytes(3 * n as u64));
    group.bench_function("numloom", |bench| {
        bench.iter(|| {
            let inputs = [View::from_slice(&a), View::from_slice(&b)];
            kernel
                .call(&inputs, &mut [ViewMut::from_slice(&mut got)])
                .expect("the kernel runs");
        });
    });
    group.bench_function("rust", |bench| {
        bench.iter(|| {
            for ((out, &a), &b) in want.iter_mut().zip(black_box(&a)).zip(&b) {
                *out = a.wrapping_mul(2).wrapping_add(b.wrapping_mul(3));
            }
        });
    });
    group.finish();
    assert_eq!(got, want, "2*a + 3*b in i8");
}

/// NumPy's weak spot for fusing engines: a row against a column.
fn broadcast(c: &mut Criterion) {
    let n = 1_000;
    let x: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let kernel = kernel_of("a*a + b*b", DType::F64, 1);
    let row = View::from_slice_shaped(&x, &[1, n]).expect("the shape fits");
    let column = View::from_slice_shaped(&x, &[n, 1]).expect("the shape fits");
    let mut out = vec![0.0; n * n];
    let mut group = slow(c, "eval/broadcast/f64/1000x1000/threads=1".to_owned());
    group.throughput(Throughput::Elements((n * n) as u64));
    group.bench_function("numloom", |bench| {
        bench.iter(|| {
            let place = ViewMut::from_slice_shaped(&mut out, &[n, n]).expect("the shape fits");
            kernel
                .call(&[row.clone(), column.clone()], &mut [place])
                .expect("the kernel runs");
        });
    });
    group.finish();
    assert_eq!(out[n + 2], 4.0 + 1.0);
}

criterion_group!(benches, elementwise, reductions, small_dtypes, broadcast);
criterion_main!(benches);
