//! Nulls against a model that computes one element at a time: an element that depends on a null is null, and reductions leave nulls out.

use numloom::{
    Array, Complex, DType, Engine, Expr, Input, Masked, Options, Order, Scalar, Schema, Value,
    View, eval, inputs,
};

/// Deterministic draws.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 33
    }
}

/// Elements of which about one in four is null, and what lies under the nulls is spicy.
fn column(seed: u64, n: usize) -> (Vec<f64>, Vec<bool>) {
    let mut draw = Draw(seed);
    let valid: Vec<bool> = (0..n).map(|_| !draw.next().is_multiple_of(4)).collect();
    let spice = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300];
    let elements = valid.iter().map(|&valid| match valid {
        true => (draw.next() % 2001) as f64 / 8.0 - 125.0,
        false => spice[draw.next() as usize % spice.len()],
    });
    (elements.collect(), valid)
}

fn options(elements: &[f64], valid: &[bool]) -> Vec<Option<f64>> {
    let pairs = elements.iter().zip(valid);
    pairs.map(|(&x, &valid)| valid.then_some(x)).collect()
}

/// The elements of a result, by way of its scalars.
fn found(value: &Value) -> Vec<Option<f64>> {
    let float = |scalar: Scalar| scalar.as_f64().expect("a real number");
    match value {
        Value::Scalar(scalar) => vec![Some(float(scalar.clone()))],
        Value::Null(_) => vec![None],
        Value::Array(array) => array.view().scalars().map(|x| Some(float(x))).collect(),
        Value::Masked(masked) => {
            let elements = masked.elements().view();
            let validity = masked.validity().view();
            let pairs = elements.scalars().zip(validity.scalars());
            pairs
                .map(|(x, valid)| (valid == Scalar::Bool(true)).then(|| float(x)))
                .collect()
        }
    }
}

#[track_caller]
fn is_close(got: &[Option<f64>], want: &[Option<f64>], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let same = match (got, want) {
            (Some(got), Some(want)) => {
                got == want
                    || (got.is_nan() && want.is_nan())
                    || (got - want).abs() <= 1e-12 * want.abs()
            }
            (None, None) => true,
            _ => false,
        };
        assert!(same, "{what}: element {i} is {got:?}, not {want:?}");
    }
}

/// Engines that must agree: optimised and not, one thread and three, small blocks.
fn engines() -> Vec<Engine> {
    let small = Options::new().block(64).serial_below(0).threads(3);
    [Options::new(), small, Options::new().optimize(false)]
        .map(|options| Engine::new(options).unwrap())
        .into()
}

#[test]
fn an_element_is_null_where_any_that_it_depends_on_is() {
    for n in [1, 7, 64, 5000] {
        let ((a, a_valid), (b, b_valid)) = (column(n as u64, n), column(2 * n as u64, n));
        let c: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let (x, y) = (options(&a, &a_valid), options(&b, &b_valid));
        type Model = fn(Option<f64>, Option<f64>, f64) -> Option<f64>;
        let cases: [(&str, Model); 8] = [
            ("a + b", |a, b, _| Some(a? + b?)),
            ("a * c", |a, _, c| Some(a? * c)),
            ("2 * c", |_, _, c| Some(2.0 * c)),
            ("where(c > 10, a, b)", |a, b, c| {
                let (a, b) = (a?, b?);
                Some(if c > 10.0 { a } else { b })
            }),
            ("(a + b) * (a - b) + a", |a, b, _| {
                let (a, b) = (a?, b?);
                Some((a + b) * (a - b) + a)
            }),
            ("isnan(b)", |_, b, _| b.map(|_| 0.0)),
            ("0 * c + zeros_like(a)", |_, _, _| Some(0.0)),
            ("sqrt(abs(a)) > c", |a, _, c| {
                Some(f64::from(u8::from(a?.abs().sqrt() > c)))
            }),
        ];
        for engine in engines() {
            for (src, model) in cases {
                let inputs = inputs! {
                    a: Input::from(&a).with_validity(&a_valid),
                    b: Input::from(&b).with_validity(&b_valid),
                    c
                };
                let expr = Expr::parse(src).unwrap();
                let named = expr.inputs();
                let inputs = inputs.into_iter().filter(|(name, _)| named.contains(name));
                let got = engine.eval(src, inputs).unwrap();
                let triples = x.iter().zip(&y).zip(&c);
                let want: Vec<_> = triples.map(|((&x, &y), &c)| model(x, y, c)).collect();
                is_close(&found(&got[0]), &want, &format!("{src} of {n}"));
                assert_eq!(
                    got[0].null_count(),
                    want.iter().filter(|x| x.is_none()).count()
                );
            }
        }
    }
}

/// What each reduction makes of the elements that are there.
fn reduced(name: &str, there: &[(usize, f64)]) -> Option<f64> {
    let x: Vec<f64> = there.iter().map(|&(_, x)| x).collect();
    let n = x.len() as f64;
    let first = |best: Option<f64>| {
        let best = best?;
        there
            .iter()
            .find(|&&(_, x)| x == best)
            .map(|&(i, _)| i as f64)
    };
    let (least, most) = (
        x.iter().copied().reduce(f64::min),
        x.iter().copied().reduce(f64::max),
    );
    let var = || {
        let mean = x.iter().sum::<f64>() / n;
        x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n
    };
    let some = !x.is_empty();
    match name {
        "sum" => Some(x.iter().sum()),
        "prod" => Some(x.iter().product()),
        "min" | "nanmin" => least,
        "max" => most,
        "mean" | "nanmean" => some.then(|| x.iter().sum::<f64>() / n),
        "var" => some.then(var),
        "std" => some.then(|| var().sqrt()),
        "any" => Some(f64::from(x.iter().any(|&x| x != 0.0))),
        "all" => Some(f64::from(x.iter().all(|&x| x != 0.0))),
        "count_nonzero" => Some(x.iter().filter(|&&x| x != 0.0).count() as f64),
        "argmin" => first(least),
        "argmax" => first(most),
        "ptp" => most.zip(least).map(|(most, least)| most - least),
        _ => unreachable!("{name}"),
    }
}

const REDUCTIONS: [&str; 15] = [
    "argmin",
    "argmax",
    "sum",
    "prod",
    "min",
    "max",
    "mean",
    "var",
    "std",
    "any",
    "all",
    "count_nonzero",
    "ptp",
    "nanmin",
    "nanmean",
];

#[test]
fn reductions_leave_nulls_out() {
    for n in [1, 2, 3, 100, 9000] {
        let (mut a, a_valid) = column(3 * n as u64, n);
        if n > 4 {
            // Products stay finite.
            a.iter_mut()
                .for_each(|x| *x = if x.abs() < 1e3 { 1.0 + *x / 1e6 } else { *x });
        }
        let there = options(&a, &a_valid).into_iter().enumerate();
        let there: Vec<(usize, f64)> = there.filter_map(|(i, x)| Some((i, x?))).collect();
        for engine in engines() {
            for name in REDUCTIONS {
                let src = format!("{name}(a)");
                let a = Input::from(&a).with_validity(&a_valid);
                let got = engine.eval(&src, inputs! { a }).unwrap();
                is_close(
                    &found(&got[0]),
                    &[reduced(name, &there)],
                    &format!("{src} of {n}"),
                );
            }
        }
    }
}

#[test]
fn reductions_of_nothing_but_nulls_are_null_unless_they_have_a_value_for_nothing() {
    let a = [f64::NAN, 1.0, f64::INFINITY];
    for name in REDUCTIONS {
        let a = Input::from(&a).with_validity(false);
        let got = eval(&format!("{name}(a)"), inputs! { a }).unwrap();
        is_close(&found(&got[0]), &[reduced(name, &[])], name);
    }
}

#[test]
fn reductions_along_an_axis_leave_out_the_nulls_of_each_row() {
    let (rows, columns) = (40, 9);
    let (a, mut valid) = column(11, rows * columns);
    let a: Vec<f64> = a
        .iter()
        .map(|x| if x.abs() < 1e3 { x / 64.0 } else { *x })
        .collect();
    valid[3 * columns..4 * columns].fill(false); // a row of nulls
    let x = options(&a, &valid);
    let view = View::from_slice_shaped(&a, &[rows, columns]).unwrap();
    let valid = View::from_slice_shaped(&valid, &[rows, columns]).unwrap();
    let line = |along: usize, at: usize| -> Vec<(usize, f64)> {
        let (n, of) = match along {
            0 => (
                rows,
                Box::new(|i: usize| i * columns + at) as Box<dyn Fn(usize) -> usize>,
            ),
            _ => (
                columns,
                Box::new(move |i: usize| at * columns + i) as Box<dyn Fn(usize) -> usize>,
            ),
        };
        (0..n).filter_map(|i| Some((i, x[of(i)]?))).collect()
    };
    for (axis, n) in [(0, columns), (1, rows)] {
        for name in REDUCTIONS {
            for keep in ["", ", keepdims=True"] {
                let src = format!("{name}(a, axis={axis}{keep})");
                let a = Input::from(&view).with_validity(&valid);
                let got =
                    eval(&src, inputs! { a }).unwrap_or_else(|error| panic!("{src}: {error}"));
                assert_eq!(got[0].shape().len(), if keep.is_empty() { 1 } else { 2 });
                let want: Vec<_> = (0..n).map(|at| reduced(name, &line(axis, at))).collect();
                is_close(&found(&got[0]), &want, &src);
            }
        }
    }
}

#[test]
fn the_value_of_a_reduction_may_be_null_for_others() {
    let m = [1.0, 2.0, 3.0, 4.0];
    let m = View::from_slice_shaped(&m, &[2, 2]).unwrap();
    let valid = [true, false, false, false];
    let valid = View::from_slice_shaped(&valid, &[2, 2]).unwrap();
    let m = || Input::from(&m).with_validity(&valid);
    let show = |src: &str| eval(src, inputs! { m: m() }).unwrap().to_string();
    assert_eq!(show("max(m, axis=1)"), "[1.0, null]");
    assert_eq!(show("sum(m, axis=1)"), "[1.0, 0.0]");
    assert_eq!(show("sum(max(m, axis=1))"), "1.0");
    assert_eq!(
        show("m - mean(m, axis=1, keepdims=True)"),
        "[[0.0, null],\n [null, null]]"
    );
    assert_eq!(show("max(m[1])"), "null");
    assert_eq!(show("m[0] + 1"), "[2.0, null]");
    assert_eq!(show("min(m[1], initial=7)"), "7.0");
    assert_eq!(show("sum(m, where=m > 0)"), "1.0");
}

#[test]
fn the_first_position_is_that_of_an_element_that_is_there() {
    let at = |src: &str, a: &[f64], valid: &[bool]| {
        let a = Input::from(a).with_validity(valid);
        let got: i64 = eval(src, inputs! { a }).unwrap().try_into().unwrap();
        got
    };
    let inf = f64::INFINITY;
    assert_eq!(at("argmin(a)", &[inf, inf], &[false, true]), 1);
    assert_eq!(at("argmax(a)", &[-inf, -inf], &[false, true]), 1);
    assert_eq!(
        at(
            "argmin(a)",
            &[f64::NAN, 2.0, f64::NAN, 1.0],
            &[false, true, true, true]
        ),
        2
    );
    assert_eq!(at("argmin(i8(a) + 127)", &[0.0, 0.0], &[false, true]), 1);
}

#[test]
fn what_lies_under_a_null_is_no_fault() -> Result<(), numloom::Error> {
    let (a, e) = ([1, 300, 2], [2, -1, 3]);
    let valid = [true, false, true];
    let src = "u8(a - 1, 'checked'); e ** e; a ** e";
    let a = Input::from(&a);
    let out = eval(
        src,
        inputs! { a: a.reborrow().with_validity(&valid), e: Input::from(&e).with_validity(&valid) },
    )?;
    assert_eq!(out.to_string(), "[0, null, 1]\n[4, null, 27]\n[1, null, 8]");
    // A null base, and an exponent that is there.
    let out = eval(
        "a ** e",
        inputs! { a: a.reborrow().with_validity(&valid), e },
    )?;
    assert_eq!(out.to_string(), "[1, null, 8]");
    let error = eval("u8(a - 1, 'checked')", inputs! { a: a.with_validity(true) }).unwrap_err();
    assert_eq!(error.code().slug(), "cast-failed");
    Ok(())
}

#[test]
fn a_validity_is_read_beside_its_elements_in_one_pass() -> Result<(), numloom::Error> {
    let schema = Schema::new()
        .with_nullable("a", DType::F64)
        .with("b", DType::F64);
    assert_eq!(schema.to_string(), "a: f64 nullable, b: f64");
    let kernel = Expr::parse("c = a * b + a; total = sum(a)")?.compile(&schema)?;
    let outputs: Vec<String> = kernel.outputs().iter().map(ToString::to_string).collect();
    assert_eq!(outputs, ["c: f64 nullable", "total: f64 reduced"]);
    let explained = kernel.explain()?;
    assert_eq!(explained.passes.len(), 1);
    assert_eq!(
        {
            let pass = &explained.passes[0];
            (pass.element_bytes_read, pass.element_bytes_written)
        },
        (17, 9)
    );
    Ok(())
}

#[test]
fn a_nullable_kernel_takes_arrays_without_nulls_too() -> Result<(), numloom::Error> {
    let schema = Schema::new().with_nullable("a", DType::I32);
    let kernel = Expr::parse("d = a[1:] - a[:-1]; max(a)")?.compile(&schema)?;
    let out = kernel.run([("a", &[1, 4, 9])])?;
    assert_eq!(out["d"].to_vec::<i32>()?, [3, 5]);
    assert!(matches!(out["d"], Value::Array(_)));
    assert_eq!(kernel.shapes([("a", &[1, 4, 9])])?, [vec![2], vec![]]);
    let a = Input::from(&[1, 4, 9]).with_validity(&[false, true, true]);
    let mut out = kernel.run([("a", a)])?;
    assert_eq!(out.to_string(), "d = [null, 5]\n9");

    // Where results go again, nulls are forgotten.
    let plain =
        Expr::parse("d = a[1:] - a[:-1]; max(a)")?.compile(&Schema::new().with("a", DType::I32))?;
    plain.run_into([("a", &[1, 2, 3])], &mut out)?;
    assert_eq!(out.to_string(), "d = [1, 1]\n3");
    Ok(())
}

#[test]
fn nulls_that_nothing_provides_for_are_refused() -> Result<(), numloom::Error> {
    let a = [1, 2, 3];
    let nullable = || Input::from(&a).with_validity(&[true, false, true]);
    let code = |error: numloom::Error| error.code().slug();
    let out = eval("d = -a; m = min(a - a, axis=0)", [("a", nullable())])?;
    assert_eq!(
        code(out["d"].to_vec::<i32>().unwrap_err()),
        "unexpected-nulls"
    );
    assert_eq!(code(out.array("d").unwrap_err()), "unexpected-nulls");
    let vec: Result<Vec<i32>, _> = eval("-a", [("a", nullable())])?.try_into();
    assert_eq!(code(vec.unwrap_err()), "unexpected-nulls");
    let null: Result<i32, _> = eval("max(a[1:2])", [("a", nullable())])?.try_into();
    let error = null.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("error[unexpected-nulls]: the result is null")
    );
    let kernel = Expr::parse("-a")?.compile(&Schema::new().with("a", DType::I32))?;
    assert_eq!(
        code(kernel.run([("a", nullable())]).unwrap_err()),
        "unexpected-nulls"
    );
    let mut place = [0; 3];
    let error = numloom::eval_into("-a", [("a", nullable())], &mut place).unwrap_err();
    assert_eq!(code(error), "unexpected-nulls");
    let total: i64 = {
        let mut total = 0;
        numloom::eval_into("sum(a)", [("a", nullable())], &mut total)?;
        total
    };
    assert_eq!(total, 4);
    let wrong = Input::from(&a).with_validity(&a);
    assert_eq!(
        code(eval("-a", [("a", wrong)]).unwrap_err()),
        "dtype-mismatch"
    );
    let wrong = Input::from(&a).with_validity(&[true, false]);
    assert_eq!(
        code(eval("-a", [("a", wrong)]).unwrap_err()),
        "shape-mismatch"
    );
    Ok(())
}

#[test]
fn masked_results_come_apart() -> Result<(), numloom::Error> {
    let a = Input::from(&[1u8, 2]).with_validity(&[true, false]);
    let value: Value = eval("a + 1", [("a", a)])?.try_into()?;
    let Value::Masked(masked) = value else {
        panic!("one is null: {value}");
    };
    assert_eq!(masked.null_count(), 1);
    let (elements, validity): (Array, Array) = Masked::into_parts(masked);
    assert_eq!(elements.as_slice::<u8>()?[0], 2);
    assert_eq!(validity.as_slice::<bool>()?, [true, false]);
    Ok(())
}

#[test]
fn complex_numbers_and_byte_strings_are_null_as_a_whole() -> Result<(), numloom::Error> {
    let z = [
        Complex::new(1.0, 2.0),
        Complex::new(f64::NAN, 0.0),
        Complex::new(3.0, -2.0),
    ];
    let z = Input::from(&z).with_validity(&[true, false, true]);
    let src = "z * 2; imag = z.imag + 1; total = sum(z); m = mean(z); none = mean(z[1:2]); any(z)";
    let out = eval(src, inputs! { z })?;
    assert_eq!(out[0].to_string(), "[(2.0+4.0j), null, (6.0-4.0j)]");
    assert_eq!(out["imag"].to_string(), "[3.0, null, -1.0]");
    assert_eq!(out["total"].item::<Complex<f64>>()?, Complex::new(4.0, 0.0));
    assert_eq!(out["m"].item::<Complex<f64>>()?, Complex::new(2.0, 0.0));
    assert_eq!(out["none"], Value::Null(DType::C128));
    assert!(out[5].item::<bool>()?);

    let name = View::from_bytes(b"abcdab", DType::Bytes(2), &[3], Order::C)?;
    let name = Input::from(name).with_validity(&[true, true, false]);
    let out = eval(
        "same = name == b'ab'; n = count_nonzero(name == b'ab')",
        inputs! { name },
    )?;
    assert_eq!(out.to_string(), "same = [True, False, null]\nn = 1");
    Ok(())
}
