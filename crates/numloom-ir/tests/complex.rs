//! Complex numbers: what lowering makes of them, evaluated one instruction after the other.

use numloom_data::{DType, Scalar};
use numloom_ir::interp::eval_scalar;
use numloom_ir::{
    Input, InputSource, InstKind, LowerErrors, LowerOptions, Program, Schema, lower, opt, verify,
};
use numloom_syntax::{Code, parse};

/// `z` and `w` are complex, `c` half as wide; `x`, `f`, `i` and `b` are real.
fn schema() -> Schema {
    Schema::new()
        .with("z", DType::C128)
        .with("w", DType::C128)
        .with("c", DType::C64)
        .with("x", DType::F64)
        .with("f", DType::F32)
        .with("h", DType::F16)
        .with("i", DType::I32)
        .with("s", DType::I8)
        .with("b", DType::Bool)
}

fn lowered(src: &str) -> Result<Program, LowerErrors> {
    let ast = parse(src).unwrap_or_else(|errors| panic!("{src}: {errors}"));
    let prog = lower(&ast, &schema(), &LowerOptions::default())?;
    assert_eq!(verify(&prog), Ok(()), "{src}");
    Ok(prog)
}

fn dtype(src: &str) -> DType {
    let prog = lowered(src).unwrap_or_else(|errors| panic!("{src}: {errors}"));
    prog.output_dtype(&prog.outputs[0])
}

fn c128(re: f64, im: f64) -> Scalar {
    let bits = u128::from(re.to_bits()) | u128::from(im.to_bits()) << 64;
    Scalar::from_bits(DType::C128, bits)
}

fn c64(re: f32, im: f32) -> Scalar {
    let bits = u128::from(re.to_bits()) | u128::from(im.to_bits()) << 32;
    Scalar::from_bits(DType::C64, bits)
}

/// The half of a complex scalar's bits that an input reads.
fn half(whole: &Scalar, part: DType, imag: bool) -> Scalar {
    let shift = if imag { part.bits() as u32 } else { 0 };
    let mask = (1u128 << part.bits()) - 1;
    Scalar::from_bits(part, whole.bits() >> shift & mask)
}

/// The element that an input reads, given those of the caller's arrays; the others are zero.
fn element(prog: &Program, input: &Input, given: &[(&str, Scalar)]) -> Scalar {
    match input.source {
        InputSource::Real(of) | InputSource::Imag(of) => {
            let whole = element(prog, &prog.inputs[of as usize], given);
            let imag = matches!(input.source, InputSource::Imag(_));
            half(&whole, input.dtype, imag)
        }
        _ => given
            .iter()
            .find(|(name, _)| *name == input.name)
            .map_or(Scalar::zero(input.dtype), |(_, value)| value.clone()),
    }
}

/// The parts of the first output of a program, in order.
fn run(prog: &Program, given: &[(&str, Scalar)]) -> Vec<Scalar> {
    let mut values: Vec<Scalar> = Vec::new();
    for inst in &prog.insts {
        values.push(match &inst.kind {
            InstKind::Input(i) => element(prog, &prog.inputs[*i as usize], given),
            InstKind::Const(scalar) => scalar.clone(),
            InstKind::Apply { op, args } => {
                let args: Vec<Scalar> =
                    args.iter().map(|arg| values[arg.index()].clone()).collect();
                eval_scalar(*op, inst.dtype, &args).expect("no fault")
            }
            other => panic!("{other:?} is not of single elements"),
        });
    }
    let parts = prog.outputs[0].values();
    parts.map(|value| values[value.index()].clone()).collect()
}

/// The parts of the value of `src`, the same before and after the passes.
fn parts(src: &str, given: &[(&str, Scalar)]) -> Vec<Scalar> {
    let prog = lowered(src).unwrap_or_else(|errors| panic!("{src}: {errors}"));
    let (raw, optimised) = (run(&prog, given), run(&opt::run(&prog), given));
    let nan = |x: &Scalar| x.as_f64().is_some_and(f64::is_nan);
    for (a, b) in raw.iter().zip(&optimised) {
        assert!(
            a.same_bits(b) || nan(a) && nan(b),
            "{src}: {a}, optimised {b}"
        );
    }
    raw
}

fn at(src: &str, z: (f64, f64)) -> (f64, f64) {
    pair(&parts(src, &[("z", c128(z.0, z.1))]))
}

fn pair(parts: &[Scalar]) -> (f64, f64) {
    match parts {
        [re, im] => (re.as_f64().unwrap(), im.as_f64().unwrap()),
        _ => panic!("{parts:?} is not complex"),
    }
}

/// The distance of two floats in units of the last place.
fn ulps(a: f64, b: f64) -> u64 {
    let place = |x: f64| {
        let bits = x.to_bits() as i64;
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    place(a).abs_diff(place(b))
}

#[derive(Default)]
struct Table {
    real: Vec<f64>,
    imag: Vec<f64>,
    functions: Vec<(&'static str, Vec<f64>)>,
}

fn table() -> Table {
    let numbers = |words: &'static str| {
        let words = words.split_whitespace();
        words
            .map(|word| word.parse().expect("a float"))
            .collect::<Vec<f64>>()
    };
    let mut table = Table::default();
    for line in include_str!("complex.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        match line.split_once(' ') {
            Some(("real", rest)) => table.real = numbers(rest),
            Some(("imag", rest)) => table.imag = numbers(rest),
            None => table.functions.push((line, Vec::new())),
            Some(_) => {
                let (_, values) = table.functions.last_mut().expect("a function comes first");
                values.extend(numbers(line));
            }
        }
    }
    table
}

#[test]
fn functions_of_special_values_are_c99s_and_accurate() {
    let table = table();
    assert_eq!(table.functions.len(), 19);
    for (name, values) in &table.functions {
        let src = format!("{name}(z)");
        let points = table
            .real
            .iter()
            .flat_map(|&re| table.imag.iter().map(move |&im| (re, im)));
        assert_eq!(values.len(), 2 * points.clone().count(), "{name}");
        for (z, want) in points.zip(values.chunks_exact(2)) {
            let got = at(&src, z);
            // Where neither part is a number, C99 leaves the sign of the result open.
            let open = !z.0.is_finite() && !z.1.is_finite();
            for (got, want) in [(got.0, want[0]), (got.1, want[1])] {
                let same = if want.is_nan() {
                    got.is_nan()
                } else if open && (want == 0.0 || want.is_infinite()) {
                    got.abs() == want.abs()
                } else if want == 0.0 || want.is_infinite() {
                    got.to_bits() == want.to_bits()
                } else {
                    ulps(got, want) <= 4
                };
                assert!(same, "{name} of {z:?}: {got:?} instead of {want:?}");
            }
        }
    }
}

#[test]
fn functions_of_conjugates_are_conjugates() {
    let table = table();
    for (name, _) in &table.functions {
        let src = format!("{name}(z)");
        for z in [
            (0.5, 0.25),
            (-2.0, 0.0),
            (2.0, 0.0),
            (0.0, 3.0),
            (-0.0, 1e-200),
            (1e200, 1.0),
        ] {
            let (re, im) = at(&src, z);
            let conjugate = at(&src, (z.0, -z.1));
            assert_eq!(re.to_bits(), conjugate.0.to_bits(), "{name} of {z:?}");
            assert_eq!(im.to_bits(), (-conjugate.1).to_bits(), "{name} of {z:?}");
        }
    }
}

#[test]
fn dtypes_are_numpys() {
    use DType::{Bool, C64, C128, F32, F64, I8, I32};
    for (src, want) in [
        ("z", C128),
        ("c", C64),
        ("2j", C128),
        ("f * 2j", C64),
        ("h * 2j", C64),
        ("x * 2j", C128),
        ("s * 2j", C128),
        ("b + 1j", C128),
        ("c * (1 + 2j)", C64),
        ("c + f", C64),
        ("c + s", C64),
        ("c + b", C64),
        ("c + h", C64),
        ("c + i", C128),
        ("c + x", C128),
        ("c + z", C128),
        ("c + 1", C64),
        ("c * 2.5", C64),
        ("c ** 2", C64),
        ("c ** 0.3", C64),
        ("2 ** c", C64),
        ("c == x", Bool),
        ("c < 1j", Bool),
        ("not c", Bool),
        ("c and x", Bool),
        ("where(b, c, 1)", C64),
        ("where(z, f, 1)", F32),
        ("c if b else x", C128),
        ("exp(c)", C64),
        ("abs(c)", F32),
        ("abs(z)", F64),
        ("abs(3 + 4j)", F64),
        ("angle(c)", F32),
        ("angle(s)", F32),
        ("angle(z, deg=True)", F64),
        ("conj(c)", C64),
        ("conj(i)", I32),
        ("conj(b)", I8),
        ("real(c)", F32),
        ("imag(i)", I32),
        ("c.real", F32),
        ("x.imag", F64),
        ("isnan(c)", Bool),
        ("sign(c)", C64),
        ("minimum(c, 1)", C64),
        ("round(c)", C64),
        ("square(c)", C64),
        ("reciprocal(z)", C128),
        ("zeros_like(c)", C64),
        ("full_like(c, x)", C64),
        ("copy(c)", C64),
        ("nan_to_num(c)", C64),
        ("float_power(c, 2)", C128),
        ("fmax(c, z)", C128),
        ("clip(c, 0, 1j)", C64),
        ("select((b, b), (c, 1), 0)", C64),
        ("isin(z, (1, 2j))", Bool),
        ("logical_xor(c, b)", Bool),
        ("complex(f, 1)", C64),
        ("complex(x, f)", C128),
        ("complex(s, s)", C128),
        ("complex(f)", C64),
        ("c64(z)", C64),
        ("c128(i)", C128),
        ("f64(c)", F64),
        ("i32(z)", I32),
        ("bool(z)", Bool),
        ("sum(c)", C64),
        ("sum(x, dtype=c128)", C128),
        ("mean(c)", C64),
        ("var(c)", F32),
        ("std(z)", F64),
        ("nansum(z)", C128),
        ("nanmean(c)", C64),
        ("nanvar(z)", F64),
        ("any(z)", Bool),
        ("all(z)", Bool),
        ("count_nonzero(z)", DType::I64),
        ("sum(z, initial=1j)", C128),
        ("prod(c)", C64),
        ("prod(x, dtype=c64)", C64),
        ("min(c)", C64),
        ("max(z, axis=0, initial=1j)", C128),
        ("nanmax(z)", C128),
        ("ptp(z)", C128),
        ("argmin(c)", DType::I64),
        ("argmax(z, axis=1)", DType::I64),
        ("z[1:]", C128),
        ("c[1:].real", F32),
        ("z.imag[0]", F64),
    ] {
        assert_eq!(dtype(src), want, "{src}");
    }
}

#[test]
fn arithmetic_is_the_textbooks() {
    assert_eq!(at("z * (3 + 4j)", (1.0, 2.0)), (-5.0, 10.0));
    assert_eq!(at("z + 1", (1.0, 2.0)), (2.0, 2.0));
    assert_eq!(at("1j - z", (1.0, 2.0)), (-1.0, -1.0));
    assert_eq!(at("z / (2 + 2j)", (4.0, 8.0)), (3.0, 1.0));
    assert_eq!(at("-z", (1.0, -0.0)), (-1.0, 0.0));
    // Squares of these overflow; Smith's scaling does not.
    assert_eq!(at("z / z", (1e200, 1e200)), (1.0, 0.0));
    assert_eq!(at("reciprocal(z)", (0.0, 2.0)), (0.0, -0.5));
    assert_eq!(at("z / 0", (1.0, -1.0)), (f64::INFINITY, f64::NEG_INFINITY));
    let size = parts("abs(z)", &[("z", c128(3e200, 4e200))])[0].as_f64();
    assert!(ulps(size.unwrap(), 5e200) <= 1);
    let got = parts("c * c", &[("c", c64(1.0, 1e-4))]);
    assert_eq!(got[0].as_f64(), Some(f64::from(1f32 - 1e-4 * 1e-4)));
}

#[test]
fn constant_powers_are_products() {
    let z = (1.5, -2.5);
    for (power, product) in [
        ("z ** 0", "z * 0 + 1"),
        ("z ** 1", "z"),
        ("z ** 2", "z * z"),
        ("z ** 3.0", "(z * z) * z"),
        ("z ** 4", "(z * z) * (z * z)"),
        ("z ** -1", "reciprocal(z)"),
        ("z ** -2", "reciprocal(z * z)"),
        ("z ** 0.5", "sqrt(z)"),
    ] {
        assert_eq!(at(power, z), at(product, z), "{power}");
    }
}

#[test]
fn powers_keep_modulus_and_argument() {
    let close = |src: &str, z: (f64, f64), w: (f64, f64), want: (f64, f64)| {
        let got = pair(&parts(src, &[("z", c128(z.0, z.1)), ("w", c128(w.0, w.1))]));
        let size = want.0.hypot(want.1);
        let off = (got.0 - want.0).hypot(got.1 - want.1);
        assert!(off <= 1e-15 * size, "{src} of {z:?}, {w:?}: {got:?}");
    };
    // From mpmath.
    close("z ** w", (1.0, 1.0), (2.0, 0.0), (0.0, 2.0));
    close(
        "z ** w",
        (2.0, 1.0),
        (0.5, 1.5),
        (0.09809989305617564, 0.73945984628576),
    );
    close("z ** 2.5", (2.0, 0.0), (0.0, 0.0), (5.656854249492381, 0.0));
    // The modulus overflows with the real part of the exponent, and comes back with the imaginary one.
    let (re, im) = pair(&parts(
        "z ** w",
        &[("z", c128(1e200, 1e200)), ("w", c128(2.0, 300.0))],
    ));
    assert!(
        re.is_finite() && im.is_finite() && re.hypot(im) > 1e290,
        "{re} {im}"
    );
}

#[test]
fn powers_of_zero_are_numpys() {
    let of = |z: (f64, f64), w: (f64, f64)| {
        pair(&parts(
            "z ** w",
            &[("z", c128(z.0, z.1)), ("w", c128(w.0, w.1))],
        ))
    };
    assert_eq!(of((0.0, 0.0), (0.0, 0.0)), (1.0, 0.0));
    assert_eq!(of((f64::NAN, 0.0), (0.0, 0.0)), (1.0, 0.0));
    assert_eq!(of((0.0, -0.0), (1.0, 1.0)), (0.0, 0.0));
    for w in [(-1.0, 0.0), (0.0, 1.0)] {
        let (re, im) = of((0.0, 0.0), w);
        assert!(re.is_nan() && im.is_nan());
    }
}

#[test]
fn order_is_by_real_part_first() {
    let holds = |src: &str, z: (f64, f64), w: (f64, f64)| {
        let given = [("z", c128(z.0, z.1)), ("w", c128(w.0, w.1))];
        parts(src, &given)[0] == Scalar::Bool(true)
    };
    assert!(holds("z < w", (1.0, 9.0), (2.0, 0.0)));
    assert!(holds("z < w", (1.0, 1.0), (1.0, 2.0)));
    assert!(!holds("z < w", (1.0, 2.0), (1.0, 2.0)));
    assert!(holds("z <= w", (1.0, 2.0), (1.0, 2.0)));
    assert!(holds("z >= w", (1.0, 2.0), (1.0, 2.0)));
    assert!(holds("z > w", (1.0, 3.0), (1.0, 2.0)));
    assert!(holds("z == w", (0.0, -0.0), (-0.0, 0.0)));
    assert!(holds("z != w", (1.0, f64::NAN), (1.0, f64::NAN)));
    for src in ["z < w", "z <= w", "z > w", "z >= w", "z == w"] {
        assert!(!holds(src, (1.0, f64::NAN), (2.0, 0.0)), "{src}");
        assert!(!holds(src, (f64::NAN, 1.0), (2.0, 0.0)), "{src}");
    }
}

#[test]
fn truth_is_either_part() {
    for (z, want) in [
        ((0.0, -0.0), false),
        ((0.0, 1.0), true),
        ((f64::NAN, 0.0), true),
    ] {
        let given = [("z", c128(z.0, z.1))];
        assert_eq!(parts("bool(z)", &given)[0], Scalar::Bool(want));
        assert_eq!(parts("not z", &given)[0], Scalar::Bool(!want));
        assert_eq!(parts("z or False", &given)[0], Scalar::Bool(want));
    }
}

#[test]
fn extremes_propagate_nan_and_keep_the_first_of_equals() {
    let of = |src: &str, z: (f64, f64), w: (f64, f64)| {
        pair(&parts(src, &[("z", c128(z.0, z.1)), ("w", c128(w.0, w.1))]))
    };
    assert_eq!(of("minimum(z, w)", (1.0, 2.0), (1.0, 1.0)), (1.0, 1.0));
    assert_eq!(of("maximum(z, w)", (1.0, 2.0), (1.0, 1.0)), (1.0, 2.0));
    assert!(of("maximum(z, w)", (1.0, 2.0), (0.0, f64::NAN)).1.is_nan());
    assert!(of("maximum(z, w)", (1.0, f64::NAN), (9.0, 0.0)).1.is_nan());
    assert!(
        of("minimum(z, w)", (0.0, 0.0), (-0.0, 0.0))
            .0
            .is_sign_positive()
    );
}

#[test]
fn literals_are_computed_as_values_are() {
    let given = [("z", c128(3.0, -4.0)), ("w", c128(0.25, 2.0))];
    for op in ["+", "-", "*", "/", "**"] {
        let folded = parts(&format!("(3 - 4j) {op} (0.25 + 2j)"), &given);
        assert_eq!(folded, parts(&format!("z {op} w"), &given), "{op}");
    }
    assert_eq!(at("c128(-2j)", (0.0, 0.0)).0.to_bits(), (-0.0f64).to_bits());
}

#[test]
fn parts_of_a_view_are_views_of_parts() {
    let prog = lowered("conj(z[1:])").unwrap();
    let sources: Vec<_> = prog.inputs.iter().map(|input| &input.source).collect();
    let views = sources
        .iter()
        .filter(|source| matches!(source, InputSource::View { .. }));
    assert_eq!(views.count(), 1);
    let view = prog
        .inputs
        .iter()
        .find(|input| matches!(input.source, InputSource::View { .. }));
    assert_eq!(view.unwrap().dtype, DType::C128);
}

#[test]
fn what_has_no_complex_meaning_is_refused_in_words() {
    for (src, message) in [
        ("z // 2", "`//` needs real numbers"),
        ("2j % z", "`%` needs real numbers"),
        ("z & 1", "`&` needs integers or bools"),
        ("z << 1", "`<<` needs integers"),
        ("~z", "`~` needs integers or bools"),
        ("floor(z)", "`floor` needs real numbers"),
        ("atan2(x, z)", "`atan2` needs real numbers"),
        ("degrees(z)", "`degrees` needs real numbers"),
        ("round(z, 2)", "`round` needs real numbers"),
        ("full_like(x, z)", "`full_like` needs real numbers"),
        ("gcd(z, 2)", "`gcd` needs real numbers"),
        ("signbit(1j)", "`signbit` needs real numbers"),
        ("complex(z, 1)", "`complex` needs real numbers"),
        ("(z + w)[1:]", "only inputs can be subscripted"),
        ("conj(z)[1:]", "only inputs can be subscripted"),
        (
            "sum(z, dtype=f64)",
            "`dtype` of `sum` must be a complex dtype",
        ),
        ("var(x, ddof=1j)", "`ddof` of `var` must be a number"),
        ("angle(z, unit=1)", "`angle` has no keyword argument `unit`"),
    ] {
        let errors = lowered(src).expect_err(src);
        assert_eq!(errors.to_string(), message, "{src}");
    }
    let errors = lowered("floor(z)").unwrap_err();
    assert_eq!(errors.iter().next().unwrap().code(), Code::TypeMismatch);
}
