//! What `lower` makes of expressions: dtypes, values of single elements, and errors with their places.

mod single;

use numloom_data::{DType, Scalar};
use numloom_ir::{InstKind, LowerErrors, LowerOptions, Program, Schema, Shape, lower, opt};
use numloom_syntax::{Code, parse};

/// One input of each real dtype, named after it, and some named as in examples.
fn schema() -> Schema {
    let mut schema = Schema::new();
    for dtype in DType::ALL_REAL {
        schema = schema.with(&format!("{dtype}_"), dtype);
    }
    let schema = schema.with("name", DType::Bytes(5));
    schema.with("velocity", DType::F64).with("z", DType::C128)
}

fn lowered(src: &str) -> Result<Program, LowerErrors> {
    let ast = parse(src).unwrap_or_else(|errors| panic!("{src}: {errors}"));
    lower(&ast, &schema(), &LowerOptions::default())
}

fn program(src: &str) -> Program {
    lowered(src).unwrap_or_else(|errors| panic!("{src}: {errors}"))
}

fn dtype(src: &str) -> DType {
    let prog = program(src);
    prog.dtype(prog.outputs[0].value)
}

/// The value of an elementwise expression when the input called after its dtype holds `x` and the others zero.
fn value_at(src: &str, x: &Scalar) -> Scalar {
    let raw = program(src);
    let mut results = [raw.clone(), opt::run(&raw)].into_iter().map(|prog| {
        let held = |dtype: DType| match dtype == x.dtype() {
            true => x.clone(),
            false => Scalar::zero(dtype),
        };
        let inputs: Vec<Scalar> = prog.inputs.iter().map(|input| held(input.dtype)).collect();
        single::run(&prog, &inputs).unwrap_or_else(|| panic!("{src} faulted"))
    });
    let (raw, optimised) = (results.next().unwrap(), results.next().unwrap());
    assert!(
        raw.same_bits(&optimised),
        "{src}: {raw} unoptimised, {optimised} optimised"
    );
    raw
}

fn value(src: &str) -> Scalar {
    value_at(src, &Scalar::Bool(false))
}

#[track_caller]
fn refused(src: &str, code: Code, at: &str) {
    let errors = match lowered(src) {
        Ok(prog) => panic!("{src} has dtype {}", prog.dtype(prog.outputs[0].value)),
        Err(errors) => errors,
    };
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.code(), &src[error.span.range()]))
        .collect();
    assert!(found.contains(&(code, at)), "{src}: {found:?}");
}

#[test]
fn literals_are_weak() {
    for (src, want) in [
        ("i16_ + 1", DType::I16),
        ("2 * f32_", DType::F32),
        ("f32_ * 2.5", DType::F32),
        ("i16_ * 2.5", DType::F64),
        ("bool_ + 1", DType::I64),
        ("u8_ << 3", DType::U8),
        ("f32_ ** 2", DType::F32),
        ("i8_ ** 3", DType::I8),
        ("2 ** i8_", DType::I8),
        ("f32_ + (1 + 2.5)", DType::F32),
        ("f32_ * pi", DType::F32),
        ("1 + 2", DType::I64),
        ("1 / 2", DType::F64),
        ("18446744073709551615", DType::U64),
        ("where(bool_, f32_, 1)", DType::F32),
        ("f32_ if i8_ else 0.5", DType::F32),
        ("sqrt(2) * f32_", DType::F64),
    ] {
        assert_eq!(dtype(src), want, "{src}");
    }
}

#[test]
fn dtypes_are_numpys() {
    for (src, want) in [
        ("i8_ + u8_", DType::I16),
        ("i64_ + u64_", DType::F64),
        ("i32_ + f32_", DType::F64),
        ("i16_ + f32_", DType::F32),
        ("i8_ / i8_", DType::F64),
        ("bool_ / bool_", DType::F64),
        ("bool_ + bool_", DType::Bool),
        ("bool_ // bool_", DType::I8),
        ("bool_ ** bool_", DType::I8),
        ("bool_ << bool_", DType::I8),
        ("~bool_", DType::Bool),
        ("not f32_", DType::Bool),
        ("i8_ < u64_", DType::Bool),
        ("sqrt(i16_)", DType::F32),
        ("sqrt(i32_)", DType::F64),
        ("exp(u8_)", DType::F32),
        ("floor(i32_)", DType::I32),
        ("abs(u16_)", DType::U16),
        ("minimum(i8_, u8_)", DType::I16),
        ("maximum(bool_, bool_)", DType::Bool),
        ("atan2(f32_, i16_)", DType::F32),
        ("hypot(i8_, u16_)", DType::F32),
        ("hypot(i8_, 1)", DType::F32),
        ("hypot(i8_, 0.5)", DType::F64),
        ("hypot(i8_, i32_)", DType::F64),
        ("f16_ + f16_", DType::F32),
        ("f16_", DType::F16),
        ("sum(i8_)", DType::I64),
        ("sum(bool_)", DType::I64),
        ("sum(u8_)", DType::U64),
        ("prod(f32_)", DType::F32),
        ("mean(f32_)", DType::F32),
        ("mean(i8_)", DType::F64),
        ("max(i16_)", DType::I16),
        ("f32_ and i8_", DType::Bool),
        ("u8(i64_)", DType::U8),
        ("f16(f64_)", DType::F16),
        ("f16(f64_) * 2", DType::F32),
    ] {
        assert_eq!(dtype(src), want, "{src}");
    }
}

#[test]
fn comparisons_are_exact() {
    for (src, want) in [
        ("u8_ == 300", false),
        ("u8_ != 300", true),
        ("u8_ < 300", true),
        ("300 < u8_", false),
        ("u8_ > -1", true),
        ("-1 >= i8_", true),
        ("i64_ < 9223372036854775808", true),
        ("bool_ == 18446744073709551615", false),
    ] {
        assert_eq!(value_at(src, &Scalar::I8(-1)), Scalar::Bool(want), "{src}");
    }
    let below = Scalar::I64(-1);
    for (src, want) in [
        ("i64_ < u64_", true),
        ("u64_ > i64_", true),
        ("i64_ == u64_", false),
        ("u64_ <= i64_", false),
    ] {
        assert_eq!(value_at(src, &below), Scalar::Bool(want), "{src}");
    }
    let large = Scalar::U64(u64::MAX);
    for (src, want) in [
        ("i64_ < u64_", true),
        ("u64_ == i64_", false),
        ("i8_ != u64_", true),
        ("u64_ < i8_", false),
    ] {
        assert_eq!(value_at(src, &large), Scalar::Bool(want), "{src}");
    }
    assert_eq!(
        value_at("0 <= i8_ < 5", &Scalar::I8(5)),
        Scalar::Bool(false)
    );
    assert_eq!(value_at("0 <= i8_ < 5", &Scalar::I8(4)), Scalar::Bool(true));
}

#[test]
fn literal_arithmetic_is_pythons() {
    for (src, want) in [
        ("-7 // 2", Scalar::I64(-4)),
        ("-7 % 3", Scalar::I64(2)),
        ("7 % -3", Scalar::I64(-2)),
        ("1 // 0", Scalar::I64(0)),
        ("2 ** -1", Scalar::F64(0.5)),
        ("2 ** 10", Scalar::I64(1024)),
        ("-2 ** 2", Scalar::I64(-4)),
        ("~5", Scalar::I64(-6)),
        ("1 << 63", Scalar::U64(1 << 63)),
        ("-8 >> 1", Scalar::I64(-4)),
        ("-8 >> -1", Scalar::I64(-1)),
        ("8 >> 500", Scalar::I64(0)),
        ("1 << -1", Scalar::I64(0)),
        ("7 / 2", Scalar::F64(3.5)),
        ("1.0 // 0.1", Scalar::F64(9.0)),
        ("1 < 2 < 3", Scalar::Bool(true)),
        ("not 0", Scalar::Bool(true)),
        ("1 and 0.0", Scalar::Bool(false)),
        ("i8(200)", Scalar::I8(-56)),
        ("i8(200, \"saturate\")", Scalar::I8(127)),
        ("f32(0.1)", Scalar::F32(0.1)),
    ] {
        let got = value(src);
        assert!(got.same_bits(&want), "{src}: {got}, not {want}");
    }
}

#[test]
fn constant_powers_have_fixed_forms() {
    let x = Scalar::F64(-0.0);
    assert!(
        value_at("f64_ ** 0.5", &x).same_bits(&Scalar::F64(-0.0)),
        "a square root, not pow"
    );
    assert!(value_at("f64_ ** -1", &x).same_bits(&Scalar::F64(f64::NEG_INFINITY)));
    assert!(value_at("f64_ ** 0", &Scalar::F64(f64::NAN)).same_bits(&Scalar::F64(1.0)));
    assert_eq!(
        value_at("i8_ ** 7", &Scalar::I8(3)),
        Scalar::I8((3i32.pow(7) & 0xff) as u8 as i8)
    );
    assert_eq!(value_at("i32_ ** 0", &Scalar::I32(0)), Scalar::I32(1));
    assert_eq!(
        value_at("i64_ ** 13", &Scalar::I64(-3)),
        Scalar::I64(-1_594_323)
    );
}

#[test]
fn integer_tests_need_no_float() {
    assert_eq!(value("signbit(9223372036854775808)"), Scalar::Bool(false));
    assert_eq!(value_at("isnan(i8_)", &Scalar::I8(3)), Scalar::Bool(false));
    assert_eq!(
        value_at("isfinite(u64_)", &Scalar::U64(3)),
        Scalar::Bool(true)
    );
    assert_eq!(
        value_at("signbit(i8_)", &Scalar::I8(-3)),
        Scalar::Bool(true)
    );
}

#[test]
fn shapes_follow_from_the_inputs_that_are_written() {
    let prog = program("u8_ == 300");
    let u8_input = prog
        .inputs
        .iter()
        .position(|input| input.name == "u8_")
        .unwrap() as u32;
    assert_eq!(prog.outputs[0].shape, Shape::of_inputs([u8_input]));
    let prog = opt::run(&program("let d = i8_ - i16_; d ** 0; f64_; 3"));
    let shapes: Vec<usize> = prog
        .outputs
        .iter()
        .map(|output| output.shape.sources().len())
        .collect();
    assert_eq!(shapes, [2, 1, 0]);
}

#[test]
fn names_are_resolved_in_order() {
    assert_eq!(dtype("let d = i8_ * 2; d + 1"), DType::I8);
    let prog = program("lo = min(f64_); d = f64_ - velocity\nd * 2");
    let names: Vec<_> = prog
        .outputs
        .iter()
        .map(|output| output.name.as_deref())
        .collect();
    assert_eq!(names, [Some("lo"), Some("d"), None]);
    refused("d + 1; let d = i8_", Code::UnknownName, "d");
}

#[test]
fn byte_strings_compare_and_are_searched() {
    let text = "\
input name: S5
input other: S2
%0 = input 0 : S5
%1 = const b\"abc\" : S3
%2 = eq %0 %1 : bool
%3 = input 1 : S2
%4 = lt %3 %0 : bool
%5 = and %2 %4 : bool
%6 = const b\"x\\xff\" : S2
%7 = contains %0 %6 : bool
%8 = strlen %3 : i64
";
    let schema = Schema::new()
        .with("name", DType::Bytes(5))
        .with("other", DType::Bytes(2));
    let src =
        "let c = name == \"abc\" and other < name; c; contains(name, b\"x\\xff\"); str_len(other)";
    let ast = parse(src).unwrap_or_else(|errors| panic!("{errors}"));
    let prog = lower(&ast, &schema, &LowerOptions::default()).unwrap_or_else(|e| panic!("{e}"));
    assert!(prog.to_string().starts_with(text), "{prog}");
    assert_eq!(Program::parse(&prog.to_string()), Ok(prog.without_spans()));
    let folded = opt::run(&program(
        "b\"ab\\0\" == \"ab\" and not contains(\"ab\", b\"B\")",
    ));
    let value = folded.outputs[0].value;
    assert_eq!(folded.inst(value).kind, InstKind::Const(Scalar::Bool(true)));
}

#[test]
fn errors_name_the_code_and_the_place() {
    for (src, code, at) in [
        ("2 * velo", Code::UnknownName, "velo"),
        ("sin + 1", Code::UnknownName, "sin"),
        ("sine(f64_)", Code::UnknownFunction, "sine"),
        ("velocity(2)", Code::UnknownFunction, "velocity"),
        ("sin(f64_, f64_)", Code::WrongArity, "sin(f64_, f64_)"),
        ("sum()", Code::WrongArity, "sum()"),
        ("sin(f64_, axis=0)", Code::UnknownKeyword, "axis"),
        ("sum(f64_, keepdim=True)", Code::UnknownKeyword, "keepdim"),
        ("(f64_ > 0) & f64_", Code::TypeMismatch, "&"),
        ("~f32_", Code::TypeMismatch, "~f32_"),
        ("-bool_", Code::TypeMismatch, "-bool_"),
        ("bool_ - bool_", Code::TypeMismatch, "-"),
        ("i64_ & u64_", Code::TypeMismatch, "&"),
        ("f64_ << 2", Code::TypeMismatch, "<<"),
        ("sign(bool_)", Code::TypeMismatch, "sign(bool_)"),
        ("f64_ + None", Code::TypeMismatch, "None"),
        ("u8_ + 300", Code::LiteralOutOfRange, "300"),
        ("u8_ + -1", Code::LiteralOutOfRange, "-1"),
        ("9 ** 9 ** 9", Code::LiteralOutOfRange, "**"),
        ("1 << 1000", Code::LiteralOutOfRange, "<<"),
        ("i32_ ** -2", Code::NegativeIntegerPower, "-2"),
        ("max(f64_, f32_)", Code::MaxNeedsMaximum, "max(f64_, f32_)"),
        ("let d = i8_; let d = i8_; d", Code::DuplicateName, "d"),
        ("f64_ = 2", Code::DuplicateName, "f64_"),
        ("u8(f64_, \"clamp\")", Code::BadCastMode, "\"clamp\""),
        ("let d = f64_", Code::NoOutput, "let d = f64_"),
        ("2j // f64_", Code::TypeMismatch, "//"),
        ("(f64_ + 1)[1:]", Code::SubscriptedExpression, "f64_ + 1"),
        ("sum(f64_, axis=f32_)", Code::BadArgument, "f32_"),
        ("sum(f64_, keepdims=2)", Code::BadArgument, "2"),
        ("sum(f64_, dtype=\"f65\")", Code::BadArgument, "\"f65\""),
        ("min(f64_, where=f64_ > 0)", Code::BadArgument, "f64_ > 0"),
        ("max(i8_, initial=0.5)", Code::BadArgument, "0.5"),
        ("max(i8_, initial=300)", Code::LiteralOutOfRange, "300"),
        ("argmin(f64_, axis=(0, 1))", Code::BadArgument, "(0, 1)"),
        ("mean(f64_, dtype=i32)", Code::BadArgument, "i32"),
        ("f64_ + f32", Code::TypeMismatch, "f32"),
        ("name + 1", Code::TypeMismatch, "name"),
        ("b\"x\" * f64_", Code::TypeMismatch, "b\"x\""),
        ("where(bool_, name, b\"x\")", Code::TypeMismatch, "name"),
        ("not name", Code::TypeMismatch, "name"),
        ("i32(name)", Code::TypeMismatch, "name"),
        ("sum(name)", Code::TypeMismatch, "name"),
        ("sqrt(\"x\")", Code::TypeMismatch, "\"x\""),
        ("name", Code::TypeMismatch, "name"),
        ("name == 1", Code::TypeMismatch, "=="),
        ("f64_ < b\"x\"", Code::TypeMismatch, "<"),
        ("contains(name, 1)", Code::TypeMismatch, "contains(name, 1)"),
        ("str_len(f64_)", Code::TypeMismatch, "str_len(f64_)"),
        ("name == \"é\"", Code::NonAsciiBytes, "\"é\""),
    ] {
        refused(src, code, at);
    }
}

#[test]
fn several_errors_are_reported_at_once_and_none_twice() {
    let errors = lowered("let d = velo * 2; d + sine(f64_) + (f64_ & 1)").unwrap_err();
    let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    assert_eq!(
        codes,
        [Code::UnknownName, Code::UnknownFunction, Code::TypeMismatch]
    );
}

#[test]
fn limits_are_errors() {
    let ast = parse("i8_ + i8_ + i8_ + i8_").unwrap();
    let errors = lower(&ast, &schema(), &LowerOptions::default().with_max_nodes(3)).unwrap_err();
    assert_eq!(errors.iter().next().unwrap().code(), Code::LimitExceeded);
    let errors = lower(&ast, &schema(), &LowerOptions::default().with_max_inputs(3)).unwrap_err();
    assert_eq!(errors.iter().next().unwrap().code(), Code::LimitExceeded);
}

#[test]
fn a_long_chain_takes_no_stack() {
    let src = vec!["f64_"; 9_000].join(" + ");
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    let n = thread
        .spawn(move || opt::run(&program(&src)).insts.len())
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(n, 9_000); // one read and 8,999 sums
}
