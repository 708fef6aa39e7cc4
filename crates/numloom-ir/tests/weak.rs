//! Numbers without a dtype that are known only when they run: what a literal of the same value gives, or an error.

mod single;

use numloom_data::Scalar;
use numloom_ir::{LowerOptions, Schema, lower, opt};

const ARRAYS: [Scalar; 6] = [
    Scalar::I8(3),
    Scalar::U8(200),
    Scalar::I64(-7),
    Scalar::U64(5),
    Scalar::F32(0.1),
    Scalar::F64(0.5),
];

/// Of `a` and a number `k`. Whether literals of any value give what they do, or are refused, is not seen from the text.
const EXPRESSIONS: &[&str] = &[
    "a + k",
    "k - a",
    "a * (k + 1)",
    "a * -k",
    "a + -(-k)",
    "a + (k - 1)",
    "a * (k * 2)",
    "a * (k * k)",
    "a + (k + k) // 2",
    "a + k % 7",
    "a + k / 4",
    "a + (k - 0.5)",
    "a < k",
    "k == a",
    "where(a > 1, a, k)",
    "a + where(a > 1, 0, k)",
    "select((a > 1,), (a,), k)",
    "isclose(a, k)",
    "isclose(a, k, 0, 0)",
    "isclose(k, a, 0, 0)",
    "clip(a, k, 500.5)",
    "clip(a, k, k + 5)",
    "clip(a, None, k)",
    "full_like(a, k)",
    "maximum(a, k)",
    "fmax(k, a)",
    "minimum(abs(k), a)",
    "a + sign(k)",
    "a + square(k)",
    "a * k.real",
    "a + real(k)",
    "a + imag(k)",
    "a + k.imag",
    "arctan2(a, k)",
    "copysign(a, k)",
    "a + sqrt(abs(k))",
    "a + k**-1",
];

/// Of integers only.
const OF_INTEGERS: &[&str] = &[
    "a + k**2",
    "a + k**3",
    "a + ~k",
    "a + k // 2",
    "a + k // -1",
    "a + (k & 6)",
    "a + (k ^ 5)",
    "a + (k >> 1)",
    "a + (k << 1)",
    "a + (k << 3)",
];

/// Of two numbers.
const OF_TWO: &[&str] = &[
    "a + (k + j)",
    "a + (k - j)",
    "a + k*j",
    "a + k // j",
    "a + k % j",
    "a + k**j",
    "a + (k << j)",
    "a + (k >> j)",
    "a + (k | j)",
    "a + where(a > 1, k, j)",
    "clip(a, k, j)",
];

const SMALL: &[i128] = &[0, 1, 2, 7, 100, -1, -3];

const LARGE: &[i128] = &[
    20,
    39,
    63,
    64,
    300,
    1 << 31,
    -(1 << 40),
    (1 << 53) + 1,
    1 << 62,
    (1 << 63) - 1,
    -(1 << 62) - 1,
    -(1 << 63),
    1 - (1 << 63),
    1 << 63,
    (1 << 63) + 1,
    (1 << 64) - 1,
];

const FLOATS: &[f64] = &[
    0.0,
    0.1,
    0.5,
    2.0,
    -2.5,
    300.5,
    1e30,
    f64::INFINITY,
    f64::NAN,
];

/// The least of `i64` and `u64` that holds an integer, as numbers come.
fn integer(value: i128) -> Scalar {
    i64::try_from(value).map_or_else(|_| Scalar::U64(value as u64), Scalar::I64)
}

/// The value of an expression of `a` and of weak numbers; none if it is refused, before the run or in it.
fn value(src: &str, a: &Scalar, numbers: &[(&str, Scalar)]) -> Option<Scalar> {
    let ast = numloom_syntax::parse(src).unwrap_or_else(|errors| panic!("{src}: {errors}"));
    let weak = numbers.iter().map(|(name, number)| (*name, number.dtype()));
    let schema = weak.fold(
        Schema::new().with("a", a.dtype()),
        |schema, (name, dtype)| schema.with_weak(name, dtype),
    );
    let raw = lower(&ast, &schema, &LowerOptions::default()).ok()?;
    let mut inputs = vec![a.clone()];
    inputs.extend(numbers.iter().map(|(_, number)| number.clone()));
    let [raw, optimised] = [&raw, &opt::run(&raw)].map(|prog| single::run(prog, &inputs));
    let same = match (&raw, &optimised) {
        (Some(raw), Some(optimised)) => raw.same_bits(optimised),
        (raw, optimised) => raw.is_some() == optimised.is_some(),
    };
    assert!(
        same,
        "{src}: {raw:?} unoptimised, {optimised:?} optimised, for {numbers:?}"
    );
    raw
}

/// The same with literals in the place of the numbers.
fn with_literals(src: &str, a: &Scalar, numbers: &[(&str, Scalar)]) -> Option<Scalar> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut text = String::new();
    let mut rest = src;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_letter(c) != is_letter(first));
        let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        match numbers.iter().find(|(name, _)| *name == word) {
            Some((_, Scalar::F64(number))) if number.is_nan() => text += "nan",
            Some((_, Scalar::F64(number))) => text += &format!("({number:?})"),
            Some((_, number)) => text += &format!("({number})"),
            None => text += word,
        }
    }
    value(&text, a, &[])
}

/// Holds a number against the literal: what it gives must be the same, and where `may_refuse` not, so must what it refuses.
fn compare(src: &str, a: &Scalar, numbers: &[(&str, Scalar)], may_refuse: bool) {
    let weak = value(src, a, numbers);
    let literal = with_literals(src, a, numbers);
    let same = match (&weak, &literal) {
        (Some(weak), Some(literal)) => {
            weak.dtype() == literal.dtype() && (weak.same_bits(literal) || weak == literal)
        }
        (None, Some(_)) => may_refuse,
        (Some(_), None) => false,
        (None, None) => true,
    };
    assert!(
        same,
        "{src}: {weak:?} of a number, {literal:?} of a literal, for a = {a:?} and {numbers:?}"
    );
}

/// Compares expressions of each array and each of these numbers.
fn compare_all<'e>(
    expressions: impl Iterator<Item = &'e &'e str> + Clone,
    numbers: &[Scalar],
    may_refuse: bool,
) {
    for a in &ARRAYS {
        for src in expressions.clone() {
            for k in numbers {
                compare(src, a, &[("k", k.clone())], may_refuse);
            }
        }
    }
}

fn integers(values: &[i128]) -> Vec<Scalar> {
    values.iter().map(|&value| integer(value)).collect()
}

#[test]
fn a_small_integer_is_what_its_literal_is() {
    compare_all(
        EXPRESSIONS.iter().chain(OF_INTEGERS),
        &integers(SMALL),
        false,
    );
}

#[test]
fn a_float_is_what_its_literal_is() {
    let floats: Vec<Scalar> = FLOATS.iter().map(|&k| Scalar::F64(k)).collect();
    compare_all(EXPRESSIONS.iter(), &floats, false);
}

#[test]
fn an_integer_of_any_size_is_what_its_literal_is_or_an_error() {
    compare_all(
        EXPRESSIONS.iter().chain(OF_INTEGERS),
        &integers(LARGE),
        true,
    );
}

#[test]
fn two_integers_of_any_size_are_what_their_literals_are_or_an_error() {
    for a in [Scalar::I8(3), Scalar::I64(-7), Scalar::F64(0.5)] {
        for src in OF_TWO {
            for &k in SMALL.iter().chain(LARGE) {
                for &j in SMALL.iter().chain(LARGE) {
                    if k == 0 && j > 126 && src.contains("<<") {
                        continue; // 0, which a literal's shift has no room for
                    }
                    compare(src, &a, &[("k", integer(k)), ("j", integer(j))], true);
                }
            }
        }
    }
}

#[test]
fn integer_arithmetic_is_exact_or_an_error() {
    let a = Scalar::F64(1.0);
    let past = 2f64.powi(63);
    let end = 1i128 << 63;
    for (src, k, want) in [
        ("a * -k", end, Some(-past)),
        ("a * -k", end + 1, None),
        ("a * -k", -end, None),
        ("a * ~k", end - 1, Some(-past)),
        ("a * ~k", end, None),
        ("a * 10**k", 18, Some(1e18)),
        ("a * 10**k", 19, None),
        ("a * 10**k", -2, None),
        ("a * k**-2", 10, Some(0.01)),
        ("a * (k + k)", end / 2 - 1, Some(past)),
        ("a * (k + k)", end / 2, None),
        ("a * (k + k)", -end / 2, Some(-past)),
        ("a * (k + k)", -end / 2 - 1, None),
        ("a * (k - 1)", end, Some(past)),
        ("a * (k - 1)", -end, None),
        ("a * (k + 1)", 2 * end - 1, None),
        ("a * (1 - k)", end, None),
        ("a * (k // -1)", -end, None),
        ("a * (k // 0)", 5, Some(0.0)),
        ("a * (k * 4294967296)", 1 << 31, None),
        ("a * (k * 4294967296)", -(1 << 31), Some(-past)),
        ("a * (1 << k)", 62, Some(past / 2.0)),
        ("a * (1 << k)", 63, None),
        ("a * (1 << k)", 64, None),
        ("a * (k << 1)", end, None),
        ("a * (7 << k)", -1, Some(0.0)),
    ] {
        let found = value(src, &a, &[("k", integer(k))]);
        assert_eq!(found, want.map(Scalar::F64), "{src} for k = {k}");
    }
    let numbers = [("k", Scalar::I64((1 << 62) + 1)), ("j", Scalar::I64(4))];
    assert_eq!(value("a + k*j", &Scalar::I8(3), &numbers), None); // 2^64 + 4, which is 4 when it wraps
}

#[test]
fn a_number_beyond_i64_stands_on_its_own_as_u64() {
    let end = 1u64 << 63;
    for (src, want) in [
        ("k", end),
        ("k + 1", end + 1),
        ("k * 1", end),
        ("k % 7", end % 7),
        ("k >> 1", end >> 1),
        ("abs(k)", end),
        ("sign(k)", 1),
        ("square(k)", 0),
        ("where(a > 1, 0, k)", end),
        ("maximum(k, 3)", end),
    ] {
        let found = value(src, &Scalar::F64(0.0), &[("k", Scalar::U64(end))]);
        assert_eq!(found, Some(Scalar::U64(want)), "{src}");
    }
}

#[test]
fn functions_leave_the_dtype_to_what_stands_beside_a_number() {
    let tenth = Scalar::F64(0.1);
    for (src, a, k, want) in [
        (
            "select((a > 1,), (a,), k)",
            Scalar::F32(0.5),
            &tenth,
            Scalar::F32(0.1),
        ),
        (
            "isclose(a, k, 0, 0)",
            Scalar::F32(0.1),
            &tenth,
            Scalar::Bool(true),
        ),
        ("a * k.real", Scalar::F32(1.0), &tenth, Scalar::F32(0.1)),
        ("a * real(k)", Scalar::F32(1.0), &tenth, Scalar::F32(0.1)),
        (
            "full_like(a, k)",
            Scalar::I8(1),
            &Scalar::F64(f64::NAN),
            Scalar::I8(0),
        ),
        (
            "full_like(a, k)",
            Scalar::I8(1),
            &Scalar::F64(300.5),
            Scalar::I8(44),
        ),
        (
            "clip(a, k, 500.5)",
            Scalar::I8(1),
            &Scalar::I64(300),
            Scalar::F64(300.0),
        ),
    ] {
        let found = value(src, &a, &[("k", k.clone())]);
        assert_eq!(found, Some(want), "{src}");
    }
    let numbers = [("k", Scalar::I64(300)), ("j", Scalar::F64(500.5))];
    let found = value("clip(a, k, j)", &Scalar::I8(1), &numbers);
    assert_eq!(found, Some(Scalar::F64(300.0)));
}
