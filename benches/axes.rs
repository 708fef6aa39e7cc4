//! Sums along axes of 10 million elements, tall, wide and in three dimensions, in C and in Fortran order, each beside a plain read: a
//! vectorised sum of the same bytes, in the order of memory, on the same number of threads.
//!
//! Both run by turns. What is printed is the time of the plain read over that of the sum, of the fastest and of the median runs, and the speed of the
//! fastest plain read. An argument is a part of the cases to run, as they are printed: `"[100000, 100] C 0"`.

use std::hint::black_box;

use numloom::{DType, View, ViewMut};
use numloom_benches::plain_sum;
use rayon::prelude::*;

#[path = "common.rs"]
mod common;
#[path = "threads.rs"]
mod threads;
#[path = "turns.rs"]
mod turns;

use common::{is_test, kernel_of};
use threads::{TASK, pool};
use turns::by_turns;

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

#[expect(clippy::print_stdout, reason = "what a bench is for")]
fn main() {
    let shapes: [&[usize]; 5] = match is_test() {
        true => [
            &[9_000, 3],
            &[3_000, 100],
            &[100, 3_000],
            &[150, 2_000],
            &[10, 20, 500],
        ],
        false => [
            &[3_000_000, 3],
            &[100_000, 100],
            &[100, 100_000],
            &[1_000, 10_000],
            &[100, 200, 500],
        ],
    };
    let rounds = if is_test() { 1 } else { 60 };
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let wanted = |case: &str| filter.as_ref().is_none_or(|part| case.contains(part));
    println!("shape order axis threads: fastest, median, plain read");
    for shape in shapes {
        let n: usize = shape.iter().product();
        // Sums of small integers are exact in any order.
        let data: Vec<f64> = (0..n).map(|i| (i % 1_013) as f64).collect();
        for threads in [1, 2] {
            let pool = pool(threads);
            for (order, axis) in ["C", "F"]
                .into_iter()
                .flat_map(|order| (0..shape.len()).map(move |k| (order, k)))
            {
                let backwards: Vec<usize> = shape.iter().rev().copied().collect();
                let case = format!("{shape:?} {order} {axis} {threads}");
                if !wanted(&case) {
                    continue;
                }
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
                let mut sum = || {
                    let place =
                        ViewMut::from_slice_shaped(&mut got, &kept).expect("the shape fits");
                    kernel
                        .call(&[black_box(view.clone())], &mut [place])
                        .expect("the kernel runs");
                };
                let mut plain = || {
                    let read = || {
                        let chunks = black_box(&data).par_chunks(TASK);
                        chunks.map(plain_sum).sum::<f64>()
                    };
                    black_box(pool.install(read));
                };
                let [plain, sum] = by_turns(rounds, [&mut plain, &mut sum]);
                let gigabytes = 8.0 * n as f64 / plain.fastest.as_nanos() as f64;
                println!(
                    "{case}: {:.2}, {:.2}, {gigabytes:.0} GB/s",
                    plain.fastest.div_duration_f64(sum.fastest),
                    plain.median.div_duration_f64(sum.median),
                );
                assert!(got == want(&data, shape, order == "F", axis), "{case}");
            }
        }
    }
}
