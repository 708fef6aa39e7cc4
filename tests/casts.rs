//! What a dtype cannot hold, for every pair of dtypes: a checked cast names the first such element and its value, a literal out of
//! range is refused in arithmetic and exact in comparisons.

use numloom::{Backend, DType, Engine, Expr, Options, Schema, View, check};
use numloom_data::{Order, Scalar};

fn engines() -> Vec<Engine> {
    let engine = |backend: &Backend| Options::new().backend(*backend).threads(3);
    let backends = Backend::available().iter();
    backends
        .map(|backend| Engine::new(engine(backend)).unwrap())
        .collect()
}

/// The least and greatest value of an integer dtype.
fn range(dtype: DType) -> (i128, i128) {
    let bits = 8 * dtype.itemsize() as u32;
    match dtype.is_signed() {
        true => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        false => (0, (1 << bits) - 1),
    }
}

/// Values at and beyond the ends of every dtype, as far as `dtype` holds them.
fn values(dtype: DType) -> Vec<Scalar> {
    let integers = DType::ALL_REAL.into_iter().filter(|d| d.is_integer());
    if dtype.is_integer() {
        let (least, most) = range(dtype);
        let edges = integers.flat_map(|d| [range(d).0 - 1, range(d).0, range(d).1, range(d).1 + 1]);
        return edges
            .chain([65519, 65520, -65519, -65520])
            .filter(|v| (least..=most).contains(v))
            .map(|v| Scalar::from_bits(dtype, v as u128))
            .collect();
    }
    // Powers of two, which every float dtype holds or overflows at, and the numbers one off where it has them.
    let edges = integers.flat_map(|d| {
        let (least, most) = range(d);
        [
            least as f64 - 1.0,
            least as f64,
            most as f64,
            most as f64 + 1.0,
        ]
    });
    let others = [
        0.5, -0.5, -0.99, -1.0, 65519.0, 65520.0, -65520.0, 3e38, 1e300, -1e300,
    ];
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let float = |v: f64| Scalar::parse(dtype, &format!("{v:?}").to_lowercase()).ok();
    (edges.chain(others).chain(special))
        .filter_map(float)
        .collect()
}

/// Whether `to` holds `value`, a fraction and rounding aside.
fn holds(to: DType, value: &Scalar) -> bool {
    let Some(float) = value.as_f64().filter(|_| value.dtype().is_float()) else {
        let value = value.as_i128().expect("an integer");
        return match to {
            DType::F16 => value.abs() < 65520,
            to if to.is_float() => true,
            to => (range(to).0..=range(to).1).contains(&value),
        };
    };
    match to {
        to if to.is_integer() => {
            let (least, most) = range(to);
            // Of a number beyond 128 bits the conversion gives the end of those, which no dtype holds.
            !float.is_nan() && (least..=most).contains(&(float as i128))
        }
        _ if !float.is_finite() => true,
        DType::F16 => float.abs() < 65520.0,
        DType::F32 => (float as f32).is_finite(),
        _ => true,
    }
}

#[test]
fn a_checked_cast_names_the_first_element_that_does_not_fit_and_its_value() {
    const N: usize = 3_001;
    let (mut refused, mut accepted) = (0, 0);
    let dtypes = DType::ALL_REAL.into_iter().filter(|dtype| !dtype.is_bool());
    for from in dtypes.clone() {
        let size = from.itemsize();
        let one = Scalar::parse(from, "1").unwrap();
        let mut bytes = vec![0; N * size];
        for element in bytes.chunks_exact_mut(size) {
            one.write_bytes(element);
        }
        for to in dtypes.clone() {
            let src = format!("{to}(a, \"checked\")");
            let schema = Schema::new().with("a", from);
            for engine in engines() {
                let kernel = engine
                    .compile(&Expr::parse(&src).unwrap(), &schema)
                    .unwrap();
                for value in values(from) {
                    // In a vector's body, and a worse one in a tail far behind.
                    let (place, last) = (37, N - 1);
                    let mut a = bytes.clone();
                    value.write_bytes(&mut a[place * size..][..size]);
                    value.write_bytes(&mut a[last * size..][..size]);
                    let run = |a: &[u8]| {
                        let a = View::from_bytes(a, from, &[N], Order::C).unwrap();
                        kernel.run([("a", a)]).map(drop)
                    };
                    if holds(to, &value) {
                        run(&a).unwrap_or_else(|error| panic!("{value} from {from}: {error}"));
                        accepted += 1;
                        continue;
                    }
                    for place in [place, last] {
                        let error = run(&a).expect_err(&format!("{value} from {from} to {to}"));
                        let want = format!("{value} at element {place} does not fit {to}");
                        assert_eq!(error.code().slug(), "cast-failed");
                        assert!(error.to_string().contains(&want), "{error}\nnot: {want}");
                        one.write_bytes(&mut a[place * size..][..size]);
                        refused += 1;
                    }
                    run(&a).unwrap();
                }
            }
        }
    }
    assert!(refused > 2_000 && accepted > 1_000, "{refused}, {accepted}");
}

#[test]
fn a_literal_out_of_range_is_refused_by_every_operation_on_either_side() {
    let operations = [
        "a + #",
        "a - #",
        "a * #",
        "a // #",
        "a % #",
        "a & #",
        "a | #",
        "a ^ #",
        "a << #",
        "a >> #",
        "minimum(a, #)",
        "fmin(a, #)",
        "fmod(a, #)",
        "gcd(a, #)",
        "where(a > 0, a, #)",
        "clip(a, a, a + #)",
        "select((a > 0,), (a,), #)",
        "full_like(a, #)",
    ];
    for dtype in DType::ALL_REAL.into_iter().filter(|d| d.is_integer()) {
        let schema = Schema::new().with("a", dtype);
        let slug = |src: &str| {
            let found = check(src, &schema);
            found.diagnostics().first().map(|d| d.code.slug())
        };
        let (least, most) = range(dtype);
        for operation in operations {
            let at = |literal: i128| operation.replace('#', &format!("({literal})"));
            let mirrored = |literal: i128| {
                let operator: String = operation.replace("a ", "").replace(" #", "");
                match operation.starts_with("a ") {
                    true => format!("({literal}) {operator} a"),
                    false => at(literal),
                }
            };
            for literal in [least, most] {
                assert_eq!(slug(&at(literal)), None, "{} on {dtype}", at(literal));
                assert_eq!(slug(&mirrored(literal)), None, "{}", mirrored(literal));
            }
            for literal in [least - 1, most + 1] {
                for src in [at(literal), mirrored(literal)] {
                    assert_eq!(slug(&src), Some("literal-out-of-range"), "{src} on {dtype}");
                }
            }
        }
    }
}

#[test]
fn a_literal_out_of_range_compares_exactly() {
    type Operator = (&'static str, fn(i128, i128) -> bool);
    let operators: [Operator; 6] = [
        ("<", |x, y| x < y),
        ("<=", |x, y| x <= y),
        (">", |x, y| x > y),
        (">=", |x, y| x >= y),
        ("==", |x, y| x == y),
        ("!=", |x, y| x != y),
    ];
    for dtype in DType::ALL_REAL.into_iter().filter(|d| d.is_integer()) {
        let (least, most) = range(dtype);
        let elements = [least, 0, 1, most];
        let mut bytes = vec![0; 4 * dtype.itemsize()];
        for (&element, bytes) in elements
            .iter()
            .zip(bytes.chunks_exact_mut(dtype.itemsize()))
        {
            Scalar::from_bits(dtype, element as u128).write_bytes(bytes);
        }
        let a = View::from_bytes(&bytes, dtype, &[4], Order::C).unwrap();
        for (operator, holds) in operators {
            for literal in [least - 1, least, most, most + 1, -(1 << 100), 1 << 100] {
                for engine in engines() {
                    let src = format!("x = a {operator} ({literal}); y = ({literal}) {operator} a");
                    let out = engine.eval(&src, [("a", a.clone())]).unwrap();
                    let x = elements.map(|element| holds(element, literal));
                    let y = elements.map(|element| holds(literal, element));
                    assert_eq!(out["x"].to_vec::<bool>().unwrap(), x, "{src} on {dtype}");
                    assert_eq!(out["y"].to_vec::<bool>().unwrap(), y, "{src} on {dtype}");
                }
            }
        }
    }
}
