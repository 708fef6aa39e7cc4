//! Integers, exhaustively: every pair of 8-bit values under every operator, and every pair of edges of the wider dtypes, against a
//! naive reading of Python's arithmetic in 128 bits. Nothing traps, in vector bodies and tails, on arrays and constants.

use numloom::{Backend, DType, Element, Engine, Expr, Options, Schema, View, ViewMut};

/// An operator, and what Python would say in unlimited width; the result wraps to the dtype, or is a bool.
type Naive = (&'static str, fn(i128, i128, u32) -> i128);

const WRAPPING: [Naive; 17] = [
    ("a + b", |a, b, _| a + b),
    ("a - b", |a, b, _| a - b),
    ("a * b", |a, b, _| a.wrapping_mul(b)),
    ("a // b", |a, b, _| if b == 0 { 0 } else { floor_div(a, b) }),
    (
        "a % b",
        |a, b, _| if b == 0 { 0 } else { a - floor_div(a, b) * b },
    ),
    ("fmod(a, b)", |a, b, _| if b == 0 { 0 } else { a % b }),
    ("a & b", |a, b, _| a & b),
    ("a | b", |a, b, _| a | b),
    ("a ^ b", |a, b, _| a ^ b),
    ("a << b", |a, b, width| {
        if (0..i128::from(width)).contains(&b) {
            a << b
        } else {
            0
        }
    }),
    ("a >> b", |a, b, width| {
        if (0..i128::from(width)).contains(&b) {
            a >> b
        } else {
            -i128::from(a < 0)
        }
    }),
    ("minimum(a, b)", |a, b, _| a.min(b)),
    ("maximum(a, b)", |a, b, _| a.max(b)),
    ("fmin(a, b)", |a, b, _| a.min(b)),
    ("clip(a, b, 1)", |a, b, _| a.max(b).min(1)),
    ("gcd(a, b)", |a, b, _| gcd(a, b)),
    ("lcm(a, b)", |a, b, _| {
        if a == 0 || b == 0 {
            0
        } else {
            (a.abs() / gcd(a, b)).wrapping_mul(b.abs())
        }
    }),
];

type Comparison = (&'static str, fn(i128, i128) -> bool);

const COMPARING: [Comparison; 6] = [
    ("a < b", |a, b| a < b),
    ("a <= b", |a, b| a <= b),
    ("a > b", |a, b| a > b),
    ("a >= b", |a, b| a >= b),
    ("a == b", |a, b| a == b),
    ("a != b", |a, b| a != b),
];

const UNARY: [Naive; 7] = [
    ("-a", |a, _, _| -a),
    ("~a", |a, _, _| !a),
    ("abs(a)", |a, _, _| a.abs()),
    ("sign(a)", |a, _, _| a.signum()),
    ("square(a)", |a, _, _| a.wrapping_mul(a)),
    ("reciprocal(a)", |a, _, _| if a == 0 { 0 } else { 1 / a }),
    ("full_like(a, popcount(a))", |a, _, _| {
        i128::from(a.unsigned_abs().count_ones())
    }),
];

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

fn floor_div(a: i128, b: i128) -> i128 {
    let quotient = a / b;
    if a % b != 0 && (a < 0) != (b < 0) {
        quotient - 1
    } else {
        quotient
    }
}

/// An integer element.
trait Int: Element + Copy + PartialEq + std::fmt::Debug {
    const LEAST: i128;
    const GREATEST: i128;
    fn wide(self) -> i128;
    fn wrap(wide: i128) -> Self;
}

macro_rules! ints {
    ($($t:ty)*) => {$(
        impl Int for $t {
            const LEAST: i128 = <$t>::MIN as i128;
            const GREATEST: i128 = <$t>::MAX as i128;
            fn wide(self) -> i128 {
                i128::from(self)
            }
            fn wrap(wide: i128) -> $t {
                wide as $t
            }
        }
    )*};
}

ints! { i8 i16 i32 i64 u8 u16 u32 u64 }

fn engines() -> Vec<Engine> {
    let engine = |(backend, optimize)| {
        Engine::new(
            Options::new()
                .backend(backend)
                .optimize(optimize)
                .threads(1),
        )
        .unwrap()
    };
    let compiled = Backend::available()[1..].iter();
    let both = compiled.flat_map(|&backend| [false, true].map(|optimize| (backend, optimize)));
    let interpreted = (Backend::Interpreter, false);
    std::iter::once(interpreted)
        .chain(both)
        .map(engine)
        .collect()
}

/// All pairs of `values`, through every operator on every engine.
fn check<T: Int>(values: &[T], length: usize) {
    let width = T::DTYPE.bits() as u32;
    let pairs: Vec<(T, T)> = values
        .iter()
        .flat_map(|&a| values.iter().map(move |&b| (a, b)))
        .cycle()
        .take(length)
        .collect();
    let (a, b): (Vec<T>, Vec<T>) = pairs.iter().copied().unzip();
    let schema = Schema::new().with("a", T::DTYPE).with("b", T::DTYPE);
    for engine in engines() {
        let run = |src: &str| engine.compile(&Expr::parse(src).unwrap(), &schema).unwrap();
        let inputs = [View::from_slice(&a), View::from_slice(&b)];
        for (src, naive) in WRAPPING.iter().chain(&UNARY) {
            let mut got = vec![T::wrap(0); a.len()];
            run(src)
                .call(&inputs, &mut [ViewMut::from_slice(&mut got)])
                .unwrap();
            for ((&(a, b), &got), i) in pairs.iter().zip(&got).zip(0..) {
                let want = T::wrap(naive(a.wide(), b.wide(), width));
                assert_eq!(
                    got,
                    want,
                    "{src} on {}, element {i}: {a:?}, {b:?}",
                    T::DTYPE
                );
            }
        }
        for (src, naive) in COMPARING {
            let mut got = vec![false; a.len()];
            run(src)
                .call(&inputs, &mut [ViewMut::from_slice(&mut got)])
                .unwrap();
            for (&(a, b), &got) in pairs.iter().zip(&got) {
                assert_eq!(
                    got,
                    naive(a.wide(), b.wide()),
                    "{src} on {}: {a:?}, {b:?}",
                    T::DTYPE
                );
            }
        }
    }
}

/// Edges of a dtype, as arrays, and folded from constants of the dtype.
fn check_edges<T: Int>() {
    let wide = [
        T::LEAST,
        T::LEAST + 1,
        -7,
        -2,
        -1,
        0,
        1,
        2,
        7,
        T::GREATEST / 2,
        T::GREATEST - 1,
        T::GREATEST,
    ];
    let values: Vec<T> = wide
        .iter()
        .filter(|v| (T::LEAST..=T::GREATEST).contains(v))
        .map(|&v| T::wrap(v))
        .collect();
    check(&values, values.len() * values.len() + 13);
    let dtype = T::DTYPE;
    let width = dtype.bits() as u32;
    let engine = Engine::new(Options::new().threads(1)).unwrap();
    for &a in &values {
        for &b in &values {
            // `a` and `b` are constants here, so all of it folds.
            let operators = WRAPPING.iter().chain(&UNARY).enumerate();
            let mut src = format!(
                "let a = {dtype}({}); let b = {dtype}({})",
                a.wide(),
                b.wide()
            );
            for (i, (operator, _)) in operators.clone() {
                src += &format!("; y{i} = {operator}");
            }
            let outputs = engine
                .eval(&src, [] as [(&str, f64); 0])
                .unwrap_or_else(|error| panic!("{error}"));
            for (i, (text, naive)) in operators {
                let got: T = outputs[&format!("y{i}")[..]].item().unwrap();
                assert_eq!(
                    got,
                    T::wrap(naive(a.wide(), b.wide(), width)),
                    "{text} folded on {dtype}: {a:?}, {b:?}"
                );
            }
        }
    }
}

#[test]
fn every_pair_of_8_bit_signed_integers() {
    let all: Vec<i8> = (i8::MIN..=i8::MAX).collect();
    check(&all, 256 * 256);
}

#[test]
fn every_pair_of_8_bit_unsigned_integers() {
    let all: Vec<u8> = (u8::MIN..=u8::MAX).collect();
    check(&all, 256 * 256);
}

#[test]
fn edges_of_every_width() {
    check_edges::<i8>();
    check_edges::<i16>();
    check_edges::<i32>();
    check_edges::<i64>();
    check_edges::<u8>();
    check_edges::<u16>();
    check_edges::<u32>();
    check_edges::<u64>();
    assert_eq!(
        DType::ALL.iter().filter(|dtype| dtype.is_integer()).count(),
        8
    );
}

#[test]
fn small_powers_of_every_8_bit_integer() {
    let a: Vec<i8> = (i8::MIN..=i8::MAX).cycle().take(256 * 20).collect();
    let b: Vec<i8> = (0..256 * 20).map(|i| (i / 256) as i8).collect();
    let schema = Schema::new().with("a", DType::I8).with("b", DType::I8);
    for engine in engines() {
        let kernel = engine
            .compile(&Expr::parse("a ** b").unwrap(), &schema)
            .unwrap();
        let mut got = vec![0i8; a.len()];
        kernel
            .call(
                &[View::from_slice(&a), View::from_slice(&b)],
                &mut [ViewMut::from_slice(&mut got)],
            )
            .unwrap();
        for i in 0..a.len() {
            assert_eq!(
                got[i],
                a[i].wrapping_pow(b[i] as u32),
                "{} ** {}",
                a[i],
                b[i]
            );
        }
    }
}
