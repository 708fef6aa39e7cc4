//! Quotients and remainders beside what they are defined by, on every instruction set.

#[path = "support/mod.rs"]
mod support;

use numloom_math::{Blocks, DIVISIONS, Function, Isa};
use support::{Bits, arguments, evaluate};

/// The definitions, one element at a time.
macro_rules! definitions {
    ($type:ident $rem:ident $floor_div:ident) => {
        fn $rem(x: $type, y: $type) -> $type {
            let rest = x % y;
            if rest == 0.0 {
                return $type::copysign(0.0, y);
            }
            let is_opposite = rest < 0.0 && y > 0.0 || rest > 0.0 && y < 0.0;
            if is_opposite { rest + y } else { rest }
        }

        fn $floor_div(x: $type, y: $type) -> $type {
            if y == 0.0 {
                return x / y;
            }
            let rest = x % y;
            let mut quotient = (x - rest) / y;
            if rest < 0.0 && y > 0.0 || rest > 0.0 && y < 0.0 {
                quotient -= 1.0;
            }
            if quotient == 0.0 {
                return $type::copysign(0.0, x / y);
            }
            let floor = quotient.floor();
            if quotient - floor > 0.5 {
                floor + 1.0
            } else {
                floor
            }
        }
    };
}

definitions! { f64 rem_of_f64 floor_div_of_f64 }
definitions! { f32 rem_of_f32 floor_div_of_f32 }

/// Pairs of every kind: special values, any bits, usual numbers, near multiples of each other.
fn pairs() -> (Vec<f64>, Vec<f64>) {
    let specials = [
        0.0,
        0.5,
        1.0,
        1.5,
        2.0,
        3.0,
        0.1,
        1e-310,
        5e-324,
        f64::MIN_POSITIVE,
        1e-300,
        1e15,
        4503599627370496.0,
        4503599627370495.5,
        9007199254740993.0,
        1e18,
        1e300,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
        1e-40,
        1e38,
        16777217.0,
        8388607.5,
    ];
    let signed = || specials.into_iter().flat_map(|x| [x, -x]);
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) =
        signed().flat_map(|x| signed().map(move |y| (x, y))).unzip();
    let mut bits = Bits(88_172_645_463_325_252);
    let mut add = |x, y| {
        xs.push(x);
        ys.push(y);
    };
    for _ in 0..50_000 {
        add(
            bits.between(-100.0, 100.0).floor(),
            bits.between(-10.0, 10.0).floor(),
        );
        let y = bits.between(-3.0, 3.0);
        let times = bits.between(-1e6, 1e6).floor();
        let multiple = y * times;
        add(multiple, y);
        add(multiple.next_up(), y);
        add(multiple.next_down(), y);
        let far = f64::from_bits((1023 + bits.next() % 60) << 52 | bits.next() >> 12);
        add(far * y, y);
    }
    let [x, y] = arguments(&DIVISIONS[0], 100_000, 1_442_695_040_888_963_407);
    xs.extend(x);
    ys.extend(y);
    (xs, ys)
}

fn division(name: &str) -> &'static Function {
    let mut all = DIVISIONS.iter();
    all.find(|function| function.name == name)
        .expect("it is there")
}

macro_rules! compare {
    ($type:ident, $x:expr, $y:expr, $($name:literal $definition:expr;)*) => {$(
        for &isa in Isa::available() {
            let (x, y): (&[$type], &[$type]) = ($x, $y);
            let got = evaluate!($type, division($name), isa, x, y);
            for (i, got) in got.into_iter().enumerate() {
                let want: $type = $definition(x[i], y[i]);
                assert!(
                    got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(),
                    "{}({:?}, {:?}) on {isa}: {got:?}, not {want:?}",
                    $name,
                    x[i],
                    y[i]
                );
            }
        }
    )*};
}

#[test]
fn quotients_and_remainders_are_those_of_their_definitions() {
    let (x, y) = pairs();
    compare! { f64, &x, &y,
        "fmod" |x: f64, y: f64| x % y;
        "rem" rem_of_f64;
        "floor_div" floor_div_of_f64;
    }
}

#[test]
fn quotients_and_remainders_of_f32_are_those_of_their_definitions() {
    let (x, y) = pairs();
    let [x, y] = [x, y].map(|x| x.into_iter().map(|x| x as f32).collect::<Vec<_>>());
    compare! { f32, &x, &y,
        "fmod" |x: f32, y: f32| x % y;
        "rem" rem_of_f32;
        "floor_div" floor_div_of_f32;
    }
}

#[test]
fn a_quotient_depends_on_its_own_operands_alone_not_on_its_place() {
    let (x, y) = pairs();
    for function in DIVISIONS {
        for &isa in Isa::available() {
            let whole = evaluate!(f64, function, isa, &x[..200], &y[..200]);
            for n in 0..40 {
                let part = evaluate!(f64, function, isa, &x[3..3 + n], &y[3..3 + n]);
                for (part, whole) in part.iter().zip(&whole[3..]) {
                    assert!(part.to_bits() == whole.to_bits() || part.is_nan() && whole.is_nan());
                }
            }
        }
    }
}
