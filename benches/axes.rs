//! Sums along axes of 10 million elements, tall, wide and in three dimensions, in C and in Fortran order, each beside a plain read: a
//! vectorised sum of the same bytes, in the order of memory, on the same number of threads.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use numloom::{DType, View, ViewMut};
use rayon::prelude::*;

#[path = "common.rs"]
mod common;
#[path = "threads.rs"]
mod threads;

use common::{is_test, kernel_of, plain_sum, slow};
use threads::{TASK, pool};

/// What the sums are, element by element in the order of memory.
fn want(data: &[f64], shape: &[usize], fortran: bool, axis: usize) -> Vec<f64> {
    let mut axes: Vec<usize> = (0..shape.len()).collect();
    if !fortran {
        axes.reverse();
    }
    // Steps of the result, in C order, along the axes that stay.
    let mut steps = vec![0; shape.len()];
    let mut places = 1;
    for k in (0..shape.len()).rev().filter(|&k| k != axis) {
        steps[k] = places;
        places *= shape[k];
    }
    let mut sums = vec![0.0; places];
    for (position, x) in data.iter().enumerate() {
        let (mut rest, mut place) = (position, 0);
        for &k in &axes {
            place += rest % shape[k] * steps[k];
            rest /= shape[k];
        }
        sums[place] += x;
    }
    sums
}

fn sums(c: &mut Criterion) {
    let shapes: [&[usize]; 3] = match is_test() {
        true => [&[3_000, 100], &[100, 3_000], &[10, 20, 500]],
        false => [&[100_000, 100], &[100, 100_000], &[100, 200, 500]],
    };
    for shape in shapes {
        let n: usize = shape.iter().product();
        // Sums of small integers are exact in any order.
        let data: Vec<f64> = (0..n).map(|i| (i % 1_013) as f64).collect();
        let size = shape.iter().map(usize::to_string).collect::<Vec<_>>();
        let size = size.join("x");
        for threads in [1, 2] {
            let pool = pool(threads);
            for (order, axis) in ["C", "F"]
                .into_iter()
                .flat_map(|order| (0..shape.len()).map(move |k| (order, k)))
            {
                let backwards: Vec<usize> = shape.iter().rev().copied().collect();
                let view = match order {
                    "C" => View::from_slice_shaped(&data, shape).expect("the shape fits"),
                    _ => View::from_slice_shaped(&data, &backwards)
                        .expect("the shape fits")
                        .transpose(),
                };
                let kernel =
                    kernel_of(&format!("sum(a, axis={axis})"), &["a"], DType::F64, threads);
                let kept: Vec<usize> = (0..shape.len())
                    .filter(|&k| k != axis)
                    .map(|k| shape[k])
                    .collect();
                let mut got = vec![0.0; n / shape[axis]];
                let mut run = || {
                    let place =
                        ViewMut::from_slice_shaped(&mut got, &kept).expect("the shape fits");
                    kernel
                        .call(&[black_box(view.clone())], &mut [place])
                        .expect("the kernel runs");
                };
                run();
                let mut group = slow(
                    c,
                    format!("axes/sum{axis}/f64/{size}-{order}/threads={threads}"),
                );
                group.throughput(Throughput::Bytes(8 * n as u64));
                group.bench_function("numloom", |bench| bench.iter(&mut run));
                group.bench_function("plain-read", |bench| {
                    bench.iter(|| {
                        let read = || {
                            black_box(&data)
                                .par_chunks(TASK)
                                .map(plain_sum)
                                .sum::<f64>()
                        };
                        pool.install(read)
                    });
                });
                group.finish();
                assert!(
                    got == want(&data, shape, order == "F", axis),
                    "{shape:?} {order} along {axis}"
                );
            }
        }
    }
}

criterion_group!(benches, sums);
criterion_main!(benches);
