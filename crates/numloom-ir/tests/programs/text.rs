//! The text form reads back, whole, and says what is wrong with a text that does not.

use numloom_data::{DType, Scalar};
use numloom_ir::{
    Builder, Form, InputClass, Op, Program, Reduction, TextError, TextErrorKind, VerifyErrorKind,
    schedule,
};
use proptest::prelude::*;

use crate::support::programs;

proptest! {
    #[test]
    fn programs_read_back(prog in programs(60)) {
        let text = prog.to_string();
        let read = Program::parse(&text).unwrap();
        prop_assert_eq!(&read, &prog.without_spans());
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn constants_read_back_to_the_last_bit(kind in 0..DType::ALL_REAL.len(), bits: u64) {
        let mut b = Builder::new();
        let c = b.constant(Scalar::from_bits(DType::ALL_REAL[kind], u128::from(bits)));
        b.output(None, c);
        let prog = b.finish();
        prop_assert_eq!(Program::parse(&prog.to_string()).unwrap(), prog);
    }

    #[test]
    fn names_read_back(name: String, out in proptest::option::of(any::<String>())) {
        let mut b = Builder::new();
        let a = b.input(&name, DType::F64);
        b.output(out.as_deref(), a);
        let prog = b.finish();
        prop_assert_eq!(Program::parse(&prog.to_string()).unwrap(), prog);
    }

    #[test]
    fn any_text_is_read_without_panic(text: String) {
        let _ = Program::parse(&text);
    }

    #[test]
    fn damaged_programs_are_read_without_panic(
        prog in programs(12),
        at: prop::sample::Index,
        cut in 0usize..4,
        put in "[ %:=#\"\\\\n0-9a-z.]{0,3}",
    ) {
        let text: Vec<char> = prog.to_string().chars().collect();
        let at = at.index(text.len());
        let end = text.len().min(at + cut);
        let damaged: String = text[..at].iter().copied().chain(put.chars()).chain(text[end..].iter().copied()).collect();
        if let Ok(read) = Program::parse(&damaged) {
            prop_assert_eq!(numloom_ir::verify(&read), Ok(()));
        }
    }
}

#[test]
fn odd_names_are_quoted() {
    for name in [
        "", " ", "a b", "a:b", "\"", "\\", "\n", "\r\n", "=", "#", "é", "\u{2028}", "\u{301}", "%0",
    ] {
        let mut b = Builder::new();
        let a = b.input(name, DType::F64);
        b.output(Some(name), a);
        let prog = b.finish();
        let text = prog.to_string();
        assert!(text.starts_with("input \""), "{text}");
        assert_eq!(Program::parse(&text).unwrap(), prog);
    }
    for name in ["input", "out", "shape", "const", "_", "9", "x_1"] {
        let mut b = Builder::new();
        let a = b.input(name, DType::F64);
        b.output(Some(name), a);
        let prog = b.finish();
        assert!(prog.to_string().starts_with(&format!("input {name}: f64")));
        assert_eq!(Program::parse(&prog.to_string()).unwrap(), prog);
    }
}

#[test]
fn words_of_the_form_name_one_thing() {
    let reductions = Reduction::ALL.iter().map(|reduction| reduction.name());
    let ops = Op::TABLE.iter().map(|row| row.mnemonic);
    let mut words: Vec<_> = reductions
        .chain(ops)
        .chain(["input", "const", "out"])
        .collect();
    let count = words.len();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), count);
    assert!(words.iter().all(|word| !word.contains(char::is_whitespace)));
}

#[test]
fn blanks_and_comments_mean_nothing() {
    let spaced = "
        # two lines of one
        input   a :f32

        %0=input 0:f32
        out=%0 shape   0
    ";
    let tight = "input a: f32\n%0 = input 0 : f32\nout = %0 shape 0\n";
    assert_eq!(Program::parse(spaced).unwrap().to_string(), tight);
    assert_eq!(Program::parse("").unwrap(), Program::default());
}

#[test]
fn each_mistake_is_told_with_its_line() {
    let cases = [
        (
            "sum %0",
            "line 1: expected `input`, `%n` or `out` at the start of the line",
        ),
        (
            "inputs a: f64",
            "line 1: expected `input`, `%n` or `out` at the start of the line",
        ),
        (
            "\n%1 = const 1 : i8",
            "line 2: the next instruction is `%0`",
        ),
        (
            "%0 = const 1 : i8\ninput a: f64",
            "line 2: inputs come first, then instructions, then outputs",
        ),
        (
            "%0 = const 1 : i8\nout = %0\n%1 = const 1 : i8",
            "line 3: inputs come first, then instructions, then outputs",
        ),
        (
            "input a f64",
            "line 1: expected `:` and the dtype, found `f64`",
        ),
        ("input a: float", "line 1: expected a dtype, found `float`"),
        ("input : f64", "line 1: expected a name, found `:`"),
        (
            "input \"a: f64",
            "line 1: expected a closing `\"` at the end of the line",
        ),
        (
            "input \"\\q\": f64",
            "line 1: expected an escape, as in Rust, found `\\\\q\\\":`",
        ),
        (
            "%0 = const 1",
            "line 1: expected `:` and the dtype at the end of the line",
        ),
        (
            "%0 = const x : i8",
            "line 1: `x` is no constant of dtype i8",
        ),
        (
            "%0 = const 1 2 : i8",
            "line 1: `1 2` is no constant of dtype i8",
        ),
        ("%0 = ad %0 %1 : i8", "line 1: no operation is called `ad`"),
        (
            "%0 = add %0 : i8",
            "line 1: expected a value, `%n` at the end of the line",
        ),
        (
            "%0 = neg %0 %1 : i8",
            "line 1: expected the end of the line, found `%1`",
        ),
        (
            "%0 = neg %4294967296 : i8",
            "line 1: expected a number below 2^32, found `4294967296`",
        ),
        (
            "%0 = neg 0 : i8",
            "line 1: expected a value, `%n`, found `0`",
        ),
        (
            "%0 = neg %0 : i8",
            "line 1: at %0: operand 0 is not defined before its use",
        ),
        (
            "%0 = const 1 : i8\n\nout = %3",
            "line 3: at output 0: the output's value %3 is not defined",
        ),
        (
            "%0 = const 1 : i8\nout = %0 shape x",
            "line 2: expected a number below 2^32, found `x`",
        ),
    ];
    for (text, message) in cases {
        let error = Program::parse(text).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
    }
    let error = Program::parse("%0 = input 0 : f64").unwrap_err();
    let TextError {
        kind: TextErrorKind::Invalid(invalid),
        line: 1,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(invalid.kind, VerifyErrorKind::UnknownInput { input: 0 });
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn kernels_show_every_kind_of_step() {
    let prog = Program::parse(
        "input a: f32
         input b: i16
         %0 = input 0 : f32
         %1 = input 1 : i16
         %2 = sin %0 : f32
         %3 = cast %1 : f32
         %4 = mul %2 %3 : f32
         %5 = const nan(0x7fc00001) : f32
         %6 = isnan %0 : bool
         %7 = select %6 %4 %5 : f32
         %8 = cast.chk %4 : u8
         %9 = max %8 : u8
         out y = %7 shape 0 1
         out = %9",
    )
    .unwrap();
    let kernel = schedule(
        &prog,
        &[InputClass::Scalar, InputClass::Contiguous],
        Form::Lanes,
    );
    let want = "\
in0: f32 scalar
in1: i16 contiguous
out0: f32
acc0: max u8 lanes
slot0: 4 bytes
slot1: 4 bytes
slot2: 1 byte
slot3: 4 bytes
loop {
  v0 = load in0 : f32
  store slot0 v0 : f32
  v2 = load in1 : i16
  v3 = cast v2 : f32
  store slot1 v3 : f32
  v5 = isnan v0 : bool
  store slot2 v5 : bool
}
call sin slot0 -> slot3 : f32 -> f32
loop {
  v0 = load slot3 : f32
  v1 = load slot1 : f32
  v2 = mul v0 v1 : f32
  v3 = load slot2 : bool
  v4 = const nan(0x7fc00001) : f32
  v5 = select v3 v2 v4 : f32
  store slot0 v2 : f32
  store out0 v5 : f32
}
call cast.chk slot0 -> slot2 : f32 -> u8
loop {
  v0 = load slot2 : u8
  accumulate acc0 v0 : u8
}
result out0
result acc0 : u8
";
    assert_eq!(kernel.to_string(), want);
}

#[test]
fn byte_strings_go_to_calls_as_they_are() {
    let prog = Program::parse(
        "input a: S5
         input b: S2
         %0 = input 0 : S5
         %1 = input 1 : S2
         %2 = const b\"x : \\xff\\x00y\" : S7
         %3 = contains %0 %2 : bool
         %4 = lt %0 %1 : bool
         %5 = and %3 %4 : bool
         out = %5 shape 0 1",
    )
    .unwrap();
    assert_eq!(Program::parse(&prog.to_string()), Ok(prog.clone()));
    let classes = [InputClass::Contiguous, InputClass::Scalar];
    let kernel = schedule(&prog, &classes, Form::Lanes);
    assert_eq!(numloom_ir::verify_kernel(&kernel), Ok(()));
    let want = "\
in0: S5 contiguous
in1: S2 scalar
out0: bool
slot0: 1 byte
slot1: 1 byte
call contains in0 b\"x : \\xff\\x00y\" -> slot0 : S7 -> bool
call lt in0 in1 -> slot1 : S2 -> bool
loop {
  v0 = load slot0 : bool
  v1 = load slot1 : bool
  v2 = and v0 v1 : bool
  store out0 v2 : bool
}
result out0
";
    assert_eq!(kernel.to_string(), want);
}

#[test]
fn byte_strings_are_neither_computed_nor_handed_out() {
    for (text, message) in [
        (
            "%0 = const b\"a\" : S1\nout = %0",
            "line 2: at output 0: no operation knows dtype S1",
        ),
        (
            "%0 = const b\"a\" : S1\n%1 = add %0 %0 : S1\nout = %1",
            "line 2: at %1: no operation knows dtype S1",
        ),
        (
            "%0 = const b\"a\" : S1\n%1 = const True : bool\n%2 = eq %0 %1 : bool\nout = %2",
            "line 3: at %2: expected bool, found S1",
        ),
        (
            "%0 = const True : bool\n%1 = contains %0 %0 : bool\nout = %1",
            "line 2: at %1: `contains` is not defined on bool",
        ),
        (
            "%0 = const b\"a\" : S1\n%1 = max %0 : S1\nout = %1",
            "line 2: at %1: no operation knows dtype S1",
        ),
    ] {
        let error = Program::parse(text).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
    }
}
