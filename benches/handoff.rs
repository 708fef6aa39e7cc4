//! When a second thread pays: one thread, two, and as many of two as the engine chooses, by turns, over arrays in caches and past them, one call
//! straight after the other and after rests in which threads fall asleep.
#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(clippy::disallowed_methods, reason = "it rests by the clock")]

use std::cell::RefCell;
use std::hint::{black_box, spin_loop};
use std::time::{Duration, Instant};

use numloom::{DType, Engine, Expr, Kernel, Options, Schema, View, ViewMut};

#[path = "common.rs"]
mod common;
#[expect(dead_code, reason = "what other benches use of it")]
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
                10_000, 20_000, 50_000, 100_000, 200_000, 400_000, 1_000_000, 3_000_000,
            ],
            60,
        ),
    };
    println!(
        "medians of one thread in µs, and over those of two and of as many as are chosen: straight after the last call, and after a rest"
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
    let chosen = |threads| kernel_of(src, &["a", "b"], DType::F64, threads);
    let kernels = [chosen(1), on_two(src), chosen(2)];
    let outs = [(); 3].map(|()| RefCell::new(vec![0f64; n]));
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
        let [_, one, _, two, _, chosen] = by_turns(
            rounds,
            [
                &mut || before(&kernels[0], &outs[0]),
                &mut || call(&kernels[0], &outs[0]),
                &mut || before(&kernels[1], &outs[1]),
                &mut || call(&kernels[1], &outs[1]),
                &mut || before(&kernels[2], &outs[2]),
                &mut || call(&kernels[2], &outs[2]),
            ],
        );
        let [one, two, chosen] = [one, two, chosen].map(|times| times.median.as_secs_f64());
        print!("  {:8.1} {:5.2} {:5.2}", one * 1e6, one / two, one / chosen);
    }
    println!();
    let bits = outs.map(|out| out.into_inner().into_iter().map(f64::to_bits).collect());
    let [one, two, chosen]: [Vec<u64>; 3] = bits;
    assert!(one == two && one == chosen, "{src}");
}

/// Two threads, however small the arrays.
fn on_two(src: &str) -> Kernel {
    let engine = Engine::new(Options::new().threads(2).serial_below(1));
    let schema = Schema::new().with("a", DType::F64).with("b", DType::F64);
    engine
        .expect("the options are sound")
        .compile(&Expr::parse(src).expect("the case parses"), &schema)
        .expect("the case compiles")
}
