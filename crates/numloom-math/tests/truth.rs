//! Every function beside a correctly rounded one, at very many points.

#[path = "support/mod.rs"]
mod support;

use numloom_math::{Blocks, FUNCTIONS, Function, Isa};
use support::{Bits, arguments, evaluate, usual};

/// The function of `core_math` by that name.
enum True {
    Unary(fn(f64) -> f64, fn(f32) -> f32),
    Binary(fn(f64, f64) -> f64, fn(f32, f32) -> f32),
}

macro_rules! truths {
    ($name:expr; $($unary:ident $unary32:ident)* ; $($binary:ident $binary32:ident)*) => {
        match $name {
            $( stringify!($unary) => True::Unary(core_math::$unary, core_math::$unary32), )*
            $( stringify!($binary) => True::Binary(core_math::$binary, core_math::$binary32), )*
            other => panic!("nothing to compare `{other}` with"),
        }
    };
}

fn truth(name: &str) -> True {
    truths! {
        name;
        sin sinf cos cosf tan tanf asin asinf acos acosf atan atanf sinh sinhf cosh coshf tanh tanhf
        asinh asinhf acosh acoshf atanh atanhf exp expf exp2 exp2f expm1 expm1f log logf log2 log2f
        log10 log10f log1p log1pf cbrt cbrtf erf erff erfc erfcf;
        atan2 atan2f hypot hypotf pow powf
    }
}

/// How many floats lie between two, the zeros being one and NaN being one.
fn apart(a: f64, b: f64) -> u64 {
    let place = |x: f64| {
        let bits = x.to_bits().cast_signed();
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    match (a.is_nan(), b.is_nan()) {
        (true, true) => 0,
        (false, false) => place(a).abs_diff(place(b)),
        _ => u64::MAX,
    }
}

fn compare(function: &Function, x: &[f64], y: &[f64]) {
    let got = evaluate!(f64, function, Isa::best(), x, y);
    for (i, got) in got.into_iter().enumerate() {
        let want = match truth(function.name) {
            True::Unary(f, _) => f(x[i]),
            True::Binary(f, _) => f(x[i], y[i]),
        };
        assert!(
            apart(got, want) <= 1,
            "{}({:?}, {:?}): {got:e}, correctly rounded {want:e}",
            function.name,
            x[i],
            y[i]
        );
        if want == 0.0 {
            assert_eq!(
                got.is_sign_negative(),
                want.is_sign_negative(),
                "{}({:?})",
                function.name,
                x[i]
            );
        }
    }
}

#[test]
fn f64_results_are_the_correctly_rounded_ones_or_beside_them() {
    for function in FUNCTIONS {
        let [x, y] = arguments(function, 1 << 18, 1_442_695_040_888_963_407);
        compare(function, &x, &y);
    }
}

#[test]
fn f64_results_hold_in_every_binade_and_next_to_powers_of_two() {
    let mut bits = Bits(6_364_136_223_846_793_005);
    for function in FUNCTIONS {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for exponent in 0..2048u64 {
            for mantissa in [0, 1, (1 << 52) - 1, bits.next() >> 12, bits.next() >> 12] {
                for sign in [0, 1 << 63] {
                    x.push(f64::from_bits(sign | exponent << 52 | mantissa));
                    y.push(bits.between(-3.0, 3.0));
                }
            }
        }
        compare(function, &x, &y);
        if matches!(function.blocks, Blocks::Binary { .. }) {
            compare(function, &y, &x);
        }
    }
}

/// Of every binade the floats that are nearest to multiples of a quarter turn, where reduction cancels most: some system libraries are 100,000 ulp off there.
fn worst_angles() -> impl Iterator<Item = f64> {
    let lines = include_str!("angles.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.map(|line| f64::from_bits(u64::from_str_radix(line, 16).expect("bits")))
}

#[test]
fn angles_next_to_multiples_of_a_quarter_turn_are_reduced_exactly() {
    let mut worst: Vec<f64> = worst_angles().collect();
    // The nearest of all: 2^-60 from a multiple.
    assert!(worst.contains(&f64::from_bits(0x7506_ac5b_262c_a1ff)));
    worst.push(f64::MAX);
    for quarter in 1..100_000 {
        let x = f64::from(quarter) * std::f64::consts::FRAC_PI_2;
        worst.extend([x.next_down(), x, x.next_up(), -x]);
    }
    for name in ["sin", "cos", "tan"] {
        compare(Function::named(name).expect("it is there"), &worst, &worst);
    }
}

/// Of every 2^11th float, and those of the usual range.
#[test]
fn f32_results_are_correctly_rounded_but_for_a_few() {
    for function in FUNCTIONS {
        let mut bits = Bits(1_181_783_497_276_652_981);
        let [(lo, hi), (lo_y, hi_y)] = usual(function.name);
        let (mut x, mut y): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
        for i in 0..1 << 18 {
            x.push(bits.between(lo, hi) as f32);
            x.push(f32::from_bits((i << 14) + (bits.next() >> 50) as u32));
            y.push(bits.between(lo_y, hi_y) as f32);
            y.push(bits.between(lo_y, hi_y) as f32);
        }
        let got = evaluate!(f32, function, Isa::best(), &x, &y);
        let mut misrounded = Vec::new();
        for (i, got) in got.into_iter().enumerate() {
            let want = match truth(function.name) {
                True::Unary(_, f) => f(x[i]),
                True::Binary(_, f) => f(x[i], y[i]),
            };
            if got.to_bits() != want.to_bits() && !(got.is_nan() && want.is_nan()) {
                misrounded.push((x[i], y[i], got, want));
            }
        }
        assert!(misrounded.len() <= 1, "{}: {misrounded:?}", function.name);
    }
}

/// Neighbouring arguments give results in order, but for the last place: nowhere does a seam between intervals show.
#[test]
fn functions_that_grow_do_not_step_back_across_the_seams() {
    for name in [
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "atan", "asinh", "sinh", "tanh",
        "cbrt", "erf",
    ] {
        let function = Function::named(name).expect("it is there");
        let mut bits = Bits(3_935_559_000_370_003_845);
        let [(lo, hi), _] = usual(name);
        for _ in 0..2000 {
            let start = bits.between(lo, hi);
            let x: Vec<f64> = (0..16)
                .scan(start, |x, _| {
                    *x = x.next_up();
                    Some(*x)
                })
                .collect();
            let got = evaluate!(f64, function, Isa::best(), &x, &x);
            for (pair, x) in got.windows(2).zip(&x) {
                let back = if pair[1] < pair[0] {
                    apart(pair[0], pair[1])
                } else {
                    0
                };
                assert!(back <= 1, "{name} falls by {back} behind {x:?}");
            }
        }
    }
}
