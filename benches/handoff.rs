//! When a second thread pays: one thread and two by turns, over arrays in caches and past them, one call straight after the other and after rests
//! in which threads fall asleep.
#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(clippy::disallowed_methods, reason = "it rests by the clock")]

use std::cell::RefCell;
use std::hint::{black_box, spin_loop};
use std::time::{Duration, Instant};

use numloom::{DType, Kernel, View, ViewMut};

#[path = "common.rs"]
mod common;
#[path = "turns.rs"]
mod turns;

use common::{is_test, kernel_of};
use turns::by_turns;

const CASES: [&str; 3] = ["2*a + 3*b", "exp(-a)*log(b)", "a*b - a/b"];

/// Long enough for a thread without work to be asleep.
const REST: Duration = Duration::from_micros(200);

fn main() {
    let (sizes, rounds): (&[usize], usize) = match is_test() {
        true => (&[1_000, 300_000], 1),
        false => (
            &[
                10_000, 30_000, 100_000, 200_000, 400_000, 1_000_000, 3_000_000, 10_000_000,
            ],
            60,
        ),
    };
    println!(
        "times of one thread over those of two: median and fastest, straight after the last call and after a rest"
    );
    for src in CASES {
        for &n in sizes {
            case(src, n, rounds);
        }
    }
}

fn case(src: &str, n: usize, rounds: usize) {
    let a: Vec<f64> = (0..n).map(|i| i as f64 / n as f64).collect();
    let b: Vec<f64> = a.iter().map(|a| a + 1.0).collect();
    let kernels = [1, 2].map(|threads| kernel_of(src, &["a", "b"], DType::F64, threads));
    let outs = [vec![0f64; n], vec![0f64; n]].map(RefCell::new);
    let call = |kernel: &Kernel, out: &RefCell<Vec<f64>>| {
        let inputs = [View::from_slice(black_box(&a)), View::from_slice(&b)];
        kernel
            .call(&inputs, &mut [ViewMut::from_slice(&mut out.borrow_mut())])
            .expect("the kernel runs");
    };
    let rest = || {
        let start = Instant::now();
        while start.elapsed() < REST {
            spin_loop();
        }
    };
    print!("{src:16} {n:9}");
    for rests in [false, true] {
        // A rest is a turn of its own, so that it is not in the time of a call; without one, the first call is for warmth.
        let before = |kernel: &Kernel, out: &RefCell<Vec<f64>>| match rests {
            true => rest(),
            false => call(kernel, out),
        };
        let [_, one, _, two] = by_turns(
            rounds,
            [
                &mut || before(&kernels[0], &outs[0]),
                &mut || call(&kernels[0], &outs[0]),
                &mut || before(&kernels[1], &outs[1]),
                &mut || call(&kernels[1], &outs[1]),
            ],
        );
        let ratio = |one: Duration, two: Duration| one.as_secs_f64() / two.as_secs_f64();
        print!(
            "  {:5.2} {:5.2}",
            ratio(one.median, two.median),
            ratio(one.fastest, two.fastest)
        );
    }
    println!();
    let [one, two] = outs.map(RefCell::into_inner);
    assert!(
        one.iter()
            .zip(&two)
            .all(|(x, y)| x.to_bits() == y.to_bits()),
        "{src}"
    );
}
