//! What the runtime adds to its kernels: the cost of a call, of waking threads, and of going through memory.
//!
//! `cargo run --release -p numloom-runtime --example measure`
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "measures and prints"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use numloom_data::{Scalar, View, ViewMut};
use numloom_ir::{InputClass, Program};
use numloom_runtime::{Engine, Options, Out, RunOptions, Scratch};

const POLY: &str = "
    input a: f64
    input b: f64
    %0 = input 0 : f64
    %1 = input 1 : f64
    %2 = const 2.0 : f64
    %3 = const 3.0 : f64
    %4 = mul %2 %0 : f64
    %5 = mul %3 %1 : f64
    %6 = add %4 %5 : f64
    out = %6 shape 0 1
";

const DOT: &str = "
    input a: f64
    input b: f64
    %0 = input 0 : f64
    %1 = input 1 : f64
    %2 = mul %0 %1 : f64
    %3 = sum %2 : f64
    out = %3
";

/// The least time of a call, over many.
fn time(mut f: impl FnMut()) -> Duration {
    f();
    let mut best = Duration::MAX;
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(400) {
        let calls = if best < Duration::from_micros(20) {
            1000
        } else {
            1
        };
        let start = Instant::now();
        (0..calls).for_each(|_| f());
        best = best.min(start.elapsed() / calls);
    }
    best
}

fn main() {
    let prog = |text: &str| Arc::new(text.parse::<Program>().expect("a program"));
    let classes = [InputClass::Contiguous; 2];
    let engine = Engine::new(Options::new()).expect("good options");
    let poly = engine
        .compile(&prog(POLY), &classes)
        .expect("a good program");
    let dot = engine
        .compile(&prog(DOT), &classes)
        .expect("a good program");
    println!(
        "{} threads, {:?}",
        engine.threads(),
        poly.backend(&classes).expect("compiled")
    );
    let explained = poly.explain(&classes).expect("compiled");
    println!("serial below {} elements", explained[0].serial_below);

    let serial = RunOptions::new().threads(1);
    let parallel = RunOptions::new().serial_below(0);
    let mut scratch = Scratch::new();
    println!(
        "{:>9} {:>14} {:>14} {:>14} {:>14}",
        "n", "serial", "parallel", "dot serial", "dot parallel"
    );
    for n in [
        1, 10, 1000, 10_000, 20_000, 40_000, 80_000, 160_000, 1_000_000, 20_000_000,
    ] {
        let (a, b, mut c) = (vec![1.5; n], vec![0.5; n], vec![0.0; n]);
        let inputs = [View::from_slice(&a), View::from_slice(&b)];
        let mut outs = [Out::Array(ViewMut::from_slice(&mut c))];
        let mut value = Scalar::F64(0.0);
        let mut times = Vec::new();
        for options in [&serial, &parallel] {
            times.push(time(|| {
                poly.run_into_with(&mut scratch, &inputs, &mut outs, options)
                    .expect("a good run");
            }));
        }
        for options in [&serial, &parallel] {
            let mut outs = [Out::Scalar(&mut value)];
            times.push(time(|| {
                dot.run_into_with(&mut scratch, &inputs, &mut outs, options)
                    .expect("a good run");
            }));
        }
        println!(
            "{n:>9} {:>14?} {:>14?} {:>14?} {:>14?}",
            times[0], times[1], times[2], times[3]
        );
    }
}
