//! Elementary functions over blocks, on each instruction set, beside the functions of `std` (the system's C library).
//!
//! At 2,048 elements, which stay in L1, and at 65,536: over a few repeated elements the branch predictor learns what a scalar library does
//! with each, which flatters it.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use numloom_math::{Blocks, FUNCTIONS, Isa};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

#[path = "usual.rs"]
mod usual;

use usual::usual;

/// What `std` has by that name.
enum Scalar {
    Unary(fn(f64) -> f64),
    Binary(fn(f64, f64) -> f64),
    None,
}

fn scalar(name: &str) -> Scalar {
    use Scalar::{Binary, None, Unary};
    match name {
        "sin" => Unary(f64::sin),
        "cos" => Unary(f64::cos),
        "tan" => Unary(f64::tan),
        "asin" => Unary(f64::asin),
        "acos" => Unary(f64::acos),
        "atan" => Unary(f64::atan),
        "sinh" => Unary(f64::sinh),
        "cosh" => Unary(f64::cosh),
        "tanh" => Unary(f64::tanh),
        "asinh" => Unary(f64::asinh),
        "acosh" => Unary(f64::acosh),
        "atanh" => Unary(f64::atanh),
        "exp" => Unary(f64::exp),
        "exp2" => Unary(f64::exp2),
        "expm1" => Unary(f64::exp_m1),
        "log" => Unary(f64::ln),
        "log2" => Unary(f64::log2),
        "log10" => Unary(f64::log10),
        "log1p" => Unary(f64::ln_1p),
        "cbrt" => Unary(f64::cbrt),
        "atan2" => Binary(f64::atan2),
        "hypot" => Binary(f64::hypot),
        "pow" => Binary(f64::powf),
        // `std` has no error functions.
        _ => None,
    }
}

/// Asserts that block and scalar are the same function. Not more: `std`'s inverse hyperbolic ones lose digits; `tests/truth.rs` of the crate is about accuracy.
fn assert_alike(name: &str, got: &[f64], want: &[f64]) {
    for (got, want) in got.iter().zip(want) {
        assert!(
            (got - want).abs() <= 1e-9 * want.abs(),
            "{name}: {got:e} beside {want:e}"
        );
    }
}

fn math(c: &mut Criterion) {
    let mut rng = StdRng::seed_from_u64(1);
    for function in FUNCTIONS {
        let name = function.name;
        let mut group = c.benchmark_group(format!("math/{name}"));
        group
            .sample_size(20)
            .measurement_time(Duration::from_millis(300))
            .warm_up_time(Duration::from_millis(50));
        for n in [2_048, 65_536] {
            let (lo, hi) = usual(name);
            let x: Vec<f64> = (0..n).map(|_| rng.random_range(lo..hi)).collect();
            let y: Vec<f64> = (0..n).map(|_| rng.random_range(-5.0..5.0)).collect();
            let narrow = |x: &[f64]| -> Vec<f32> { x.iter().map(|&x| x as f32).collect() };
            let (x32, y32) = (narrow(&x), narrow(&y));
            let (mut dst, mut dst32, mut want) = (vec![0.0; n], vec![0.0f32; n], vec![0.0; n]);
            group.throughput(Throughput::Elements(n as u64));

            let one_by_one = |want: &mut [f64]| match scalar(name) {
                Scalar::Unary(f) => {
                    for (want, &x) in want.iter_mut().zip(&x) {
                        *want = f(x);
                    }
                    true
                }
                Scalar::Binary(f) => {
                    for ((want, &x), &y) in want.iter_mut().zip(&x).zip(&y) {
                        *want = f(x, y);
                    }
                    true
                }
                Scalar::None => false,
            };
            if one_by_one(&mut want) {
                group.bench_function(BenchmarkId::new("std/f64", n), |b| {
                    b.iter(|| one_by_one(black_box(&mut want)));
                });
            }
            for &isa in Isa::available() {
                macro_rules! block {
                    ($type:ident, $dst:expr, $x:expr, $y:expr) => {
                        match function.blocks {
                            Blocks::Unary { $type: f, .. } => f(isa, $dst, $x),
                            Blocks::Binary { $type: f, .. } => f(isa, $dst, $x, $y),
                        }
                    };
                }
                block!(f64, &mut dst, &x, &y);
                if !matches!(scalar(name), Scalar::None) {
                    assert_alike(name, &dst, &want);
                }
                group.bench_function(BenchmarkId::new(format!("{isa}/f64"), n), |b| {
                    b.iter(|| block!(f64, black_box(&mut dst), black_box(&x), black_box(&y)));
                });
                group.bench_function(BenchmarkId::new(format!("{isa}/f32"), n), |b| {
                    b.iter(|| block!(f32, black_box(&mut dst32), black_box(&x32), black_box(&y32)));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, math);
criterion_main!(benches);
