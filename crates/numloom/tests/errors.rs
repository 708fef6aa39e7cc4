//! What people read when something is wrong.

use numloom::{
    Code, DType, Engine, Error, ErrorKind, Expr, Options, Schema, View, check, eval, eval_into,
    inputs,
};

#[track_caller]
fn reads(error: Error, kind: ErrorKind, want: &str) {
    let want = want.strip_prefix('\n').unwrap_or(want);
    assert_eq!(error.to_string(), want);
    assert_eq!(format!("{error:?}"), want);
    assert_eq!(error.kind(), kind);
    let line = format!("{error:#}");
    assert!(
        !line.contains('\n') && line.contains(error.code().slug()),
        "{line}"
    );
}

#[test]
fn an_error_is_one_word_wide_and_goes_between_threads() {
    const fn travels<T: Send + Sync + std::error::Error + 'static>() {}
    travels::<Error>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[test]
fn several_mistakes_are_told_at_once() {
    let error = Expr::parse("1 +\n(2").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Syntax);
    assert!(error.diagnostics().len() > 1, "{error}");
    assert!(format!("{error:#}").ends_with("more error)"), "{error:#}");
    let error = eval("velo + sine(x)", [("x", 1.0)]).unwrap_err();
    assert_eq!(error.diagnostics().len(), 2, "{error}");
}

#[test]
fn an_input_that_is_not_named_is_refused_with_the_near_name() {
    let error = eval("2 * velocity", inputs! { velocity: 1.0, velocty: 2.0 }).unwrap_err();
    reads(
        error,
        ErrorKind::Bind,
        "
error[unexpected-input]: the expression names no input `velocty`
   = note: it names `velocity`
   = help: did you mean `velocity`?",
    );
}

#[test]
fn a_missing_input_is_shown_where_it_is_needed() {
    let schema = Schema::new().with("a", DType::F64).with("b", DType::F64);
    let kernel = Expr::parse("2*a + b").unwrap().compile(&schema).unwrap();
    reads(
        kernel.run([("a", 1.0)]).unwrap_err(),
        ErrorKind::Bind,
        "
error[missing-input]: input `b` is not given
 1 | 2*a + b
   |       ^ needed here",
    );
    let typo = kernel.run([("a", 1.0), ("bb", 1.0)]).unwrap_err();
    assert_eq!(typo.code(), Code::UnexpectedInput);
    let twice = kernel.run([("a", 1.0), ("a", 1.0)]).unwrap_err();
    assert_eq!(
        format!("{twice:#}"),
        "error[duplicate-name]: input `a` is given twice"
    );
}

#[test]
fn dtypes_and_shapes_are_named_on_both_sides() {
    let schema = Schema::new().with("a", DType::F64).with("b", DType::F64);
    let kernel = Expr::parse("2*a + b").unwrap().compile(&schema).unwrap();
    reads(
        kernel.run(inputs! { a: 1f32, b: 1.0 }).unwrap_err(),
        ErrorKind::Bind,
        "
error[dtype-mismatch]: input `a` is f32, but f64 is expected
 1 | 2*a + b
   |   ^ compiled for f64
   = help: compile for f32, or convert the array",
    );
    reads(
        kernel
            .run(inputs! { a: &[1.0, 2.0, 3.0], b: &[1.0, 2.0] })
            .unwrap_err(),
        ErrorKind::Shape,
        "
error[shape-mismatch]: `a` of shape (3,) and `b` of shape (2,) do not broadcast together
 1 | 2*a + b
   |   ^   ^ (2,)
   |   |
   |   (3,)
   = note: counted from the last, two axes must be equal or one of them 1",
    );
    let mut c = [0f32; 3];
    let error = eval_into("a", [("a", &[1.0; 3])], &mut c).unwrap_err();
    assert_eq!(
        (error.code().slug(), error.kind()),
        ("output-dtype", ErrorKind::Bind)
    );
    let mut c = [0.0; 4];
    let error = eval_into("a", [("a", &[1.0; 3])], &mut c).unwrap_err();
    assert!(
        error.to_string().contains("(3,)") && error.to_string().contains("(4,)"),
        "{error}"
    );
}

#[test]
fn a_fault_names_the_element_and_the_value() {
    let a = [1, 2, 3, 4, 5, 300, 7, -1];
    reads(
        eval(r#"b = a + 0; u8(b, "checked")"#, inputs! { a }).unwrap_err(),
        ErrorKind::Run,
        r#"
error[cast-failed]: 300 at element 5 does not fit u8
 1 | b = a + 0; u8(b, "checked")
   |            ^^^^^^^^^^^^^^^^ this cast
   = help: cast with "saturate" or "wrap" to have a value for each element"#,
    );
    let table = View::from_slice_shaped(&a, &[2, 4]).unwrap();
    let error = eval(r#"u8(t, "checked")"#, inputs! { t: table }).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("300 at element (1, 1) does not fit u8"),
        "{error}"
    );

    let error = eval("a ** n", inputs! { a, n: &[1, 0, 2, -3, 1, 1, -1, 1] }).unwrap_err();
    assert_eq!(
        (error.code().slug(), error.kind()),
        ("negative-integer-power", ErrorKind::Run)
    );
    assert!(
        error.to_string().contains("to the power -3 at element 3"),
        "{error}"
    );
}

#[test]
fn the_least_of_nothing_is_an_error_with_its_place() {
    let error = eval("n = sum(a); least = min(2*a)", [("a", &[0f64; 0])]).unwrap_err();
    assert_eq!(
        (error.code().slug(), error.kind()),
        ("empty-reduction", ErrorKind::Run)
    );
    assert_eq!(
        &error.src().unwrap()[error.span().unwrap().range()],
        "min(2*a)"
    );
}

#[test]
fn limits_hold_and_say_what_raises_them() {
    let engine = Engine::new(
        Options::new()
            .max_depth(8)
            .max_nodes(50)
            .max_source_bytes(2000)
            .max_inputs(2),
    )
    .unwrap();
    let nested = format!("{}a{}", "(".repeat(20), ")".repeat(20));
    let long = vec!["a"; 300].join("*");
    let huge = "a".repeat(3000);
    for (src, setting) in [
        (nested, "max_depth"),
        (long, "max_nodes"),
        (huge, "max_source_bytes"),
    ] {
        let error = engine.eval(&src, [("a", 2.0)]).unwrap_err();
        assert_eq!(
            (error.code().slug(), error.kind()),
            ("limit-exceeded", ErrorKind::Limit)
        );
        assert!(error.to_string().contains(setting), "{error}");
    }
    let error = engine.eval("a", inputs! { a: 1, b: 2, c: 3 }).unwrap_err();
    assert!(error.to_string().contains("max_inputs"), "{error}");
}

#[test]
fn bad_settings_are_errors() {
    let slug = |options: Options| Engine::new(options).unwrap_err().code().slug();
    assert_eq!(slug(Options::new().threads(0)), "bad-thread-count");
    assert_eq!(slug(Options::new().threads(1 << 20)), "bad-thread-count");
    assert_eq!(slug(Options::new().block(0)), "limit-exceeded");
}

#[test]
fn a_check_tells_without_running() {
    let schema = Schema::new().with("a", DType::F64);
    assert!(check("a + 1", &schema).diagnostics().is_empty());
    let bad = check("a & 1", &schema);
    assert_eq!(bad.diagnostics()[0].code, Code::TypeMismatch);
    assert!(bad.outputs.is_empty() && !bad.is_ok());
}

#[test]
fn files_that_are_not_there_keep_what_the_system_said() {
    let error: Error = numloom::io::npy::open("no/such/file.npy", numloom::MapMode::Read)
        .unwrap_err()
        .into();
    assert_eq!(
        (error.code(), error.kind()),
        (Code::FileNotFound, ErrorKind::Io)
    );
    assert!(error.to_string().contains("no/such/file.npy"), "{error}");
    let mut source = std::error::Error::source(&error);
    let mut found = false;
    while let Some(cause) = source {
        found |= cause.downcast_ref::<std::io::Error>().is_some();
        source = cause.source();
    }
    assert!(found);
}

#[test]
fn an_output_is_a_value_for_those_below_it() {
    let out = eval("s = sum(a); a / s", [("a", &[1.0, 3.0])]).unwrap();
    assert_eq!(out[1].to_vec::<f64>().unwrap(), [0.25, 0.75]);
    let out = eval("t = 2*a; t + 1", [("a", &[1.0])]).unwrap();
    assert_eq!(out[1].to_vec::<f64>().unwrap(), [3.0]);
}

#[test]
fn wrong_reductions_and_subscripts_say_what_is_wrong() {
    let shaped = View::from_slice_shaped(&[1.0; 6], &[2, 3]).unwrap();
    for (src, code) in [
        ("sum(m, axis=2)", Code::AxisOutOfRange),
        ("sum(m, axis=(0, -2))", Code::AxisOutOfRange),
        ("m[2]", Code::AxisOutOfRange),
        ("m[0, 0, 0]", Code::AxisOutOfRange),
        ("m + sum(m, axis=1)", Code::ShapeMismatch),
        ("min(m[2:])", Code::EmptyReduction),
        ("sum(m, axis=m)", Code::BadArgument),
        ("sum(m)[0]", Code::SubscriptedExpression),
        ("m[m > 0]", Code::NonConstantIndex),
    ] {
        let error = eval(src, [("m", shaped.clone())]).unwrap_err();
        assert_eq!(error.code(), code, "{src}: {error}");
        assert!(error.span().is_some(), "{error}");
        assert!(
            !error.to_string().contains("1000"),
            "no shape but the array's: {error}"
        );
    }
}

#[test]
fn what_a_reduction_refuses_is_refused_also_where_its_value_is_known() {
    let (ten, nine) = (&[true; 10][..], &[true; 9][..]);
    let error = eval("min(a < b, initial=False)", inputs! { a: ten, b: nine }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    let none: &[i64] = &[];
    for src in [
        "min(a) * 0",
        "min(a) ** 0",
        "min(a) ** 0.0",
        "isnan(min(a))",
        "isfinite(max(a))",
        "imag(min(a))",
        "min(a) < 2**100",
    ] {
        let error = eval(src, inputs! { a: none }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Run, "{src}: {error}");
    }
}
