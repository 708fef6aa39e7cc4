//! Each rule of `opt::simplify`, before and after.
//!
//! Programs are written as prefix expressions over `x` and `y` of the case's dtype and bools `p` and `q`; literals have the case's
//! dtype, `True` and `False` are bools, and `(cast:i64 x)` converts. They go through the text form both ways.

use std::collections::HashMap;
use std::fmt::Write as _;

use numloom_data::DType::{Bool, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
use numloom_data::{DType, Scalar};
use numloom_ir::{InstKind, Op, Program, Signature, Value, opt};

use crate::support::{agree, naive, special};

const INTS: [DType; 8] = [I8, I16, I32, I64, U8, U16, U32, U64];
const SIGNED: [DType; 4] = [I8, I16, I32, I64];
const UNSIGNED: [DType; 4] = [U8, U16, U32, U64];
const FLOATS: [DType; 2] = [F32, F64];

/// Writes an expression as the text of a program, instruction by instruction.
struct Writer {
    dtype: DType,
    text: String,
    next: usize,
}

impl Writer {
    fn inst(&mut self, body: &str, dtype: DType) -> (usize, DType) {
        writeln!(self.text, "%{} = {body} : {dtype}", self.next).unwrap();
        self.next += 1;
        (self.next - 1, dtype)
    }

    /// Takes one expression from the front of `tokens`.
    fn expr(&mut self, tokens: &mut impl Iterator<Item = String>) -> (usize, DType) {
        let token = tokens.next().expect("an expression");
        match token.as_str() {
            "x" => self.inst("input 0", self.dtype),
            "y" => self.inst("input 1", self.dtype),
            "p" => self.inst("input 2", Bool),
            "q" => self.inst("input 3", Bool),
            "True" | "False" => self.inst(&format!("const {token}"), Bool),
            "(" => self.operation(tokens),
            literal => self.inst(&format!("const {literal}"), self.dtype),
        }
    }

    fn operation(&mut self, tokens: &mut impl Iterator<Item = String>) -> (usize, DType) {
        let head = tokens.next().expect("an operation");
        let (mnemonic, target) = match head.split_once(':') {
            Some((mnemonic, target)) => (mnemonic, Some(target.parse().unwrap())),
            None => (head.as_str(), None),
        };
        let row = Op::TABLE.iter().find(|row| row.mnemonic == mnemonic);
        let row = row.unwrap_or_else(|| panic!("no operation `{mnemonic}`"));
        let operands: Vec<_> = (0..row.op.arity()).map(|_| self.expr(tokens)).collect();
        assert_eq!(tokens.next().as_deref(), Some(")"));
        let from = operands.last().unwrap().1;
        let mut body = mnemonic.to_owned();
        for (value, _) in &operands {
            write!(body, " %{value}").unwrap();
        }
        self.inst(&body, target.or(row.op.result(from)).unwrap())
    }
}

fn program(expr: &str, dtype: DType) -> Program {
    let spaced = expr.replace('(', "( ").replace(')', " )");
    let mut tokens = spaced.split_whitespace().map(str::to_owned);
    let mut writer = Writer {
        dtype,
        text: format!("input x: {dtype}\ninput y: {dtype}\ninput p: bool\ninput q: bool\n"),
        next: 0,
    };
    let (value, _) = writer.expr(&mut tokens);
    assert_eq!(tokens.next(), None, "{expr}");
    writeln!(writer.text, "out = %{value} shape 0 1 2 3").unwrap();
    Program::parse(&writer.text).unwrap_or_else(|error| panic!("{expr}: {error}"))
}

/// The program's output as a prefix expression.
fn expression(prog: &Program) -> String {
    fn write(prog: &Program, value: Value) -> String {
        let inst = prog.inst(value);
        match &inst.kind {
            InstKind::Input(i) => prog.inputs[*i as usize].name.clone(),
            InstKind::Const(scalar) => scalar.to_string(),
            InstKind::Apply { op, args } => {
                let mut text = format!("({op}");
                if op.info().signature == Signature::Cast {
                    write!(text, ":{}", inst.dtype).unwrap();
                }
                for arg in args.iter() {
                    write!(text, " {}", write(prog, *arg)).unwrap();
                }
                text + ")"
            }
            InstKind::Reduce(_) | InstKind::Count { .. } => unreachable!("no reductions here"),
        }
    }
    write(prog, prog.outputs[0].value)
}

/// Simplified alone, so that folding does not do the work; CSE makes equal leaves one value.
///
/// Whatever the rules did, the answer is the same on each pair of special values.
fn simplified(before: &str, dtype: DType) -> String {
    let raw = program(before, dtype);
    let prog = opt::dce(&opt::simplify(&opt::cse(&raw)));
    numloom_ir::verify(&prog).unwrap_or_else(|error| panic!("{before}: {error}\n{prog}"));
    let data = pairs(dtype);
    let n = data[0].len();
    let (got, want) = (naive(&prog, &data, n), naive(&raw, &data, n));
    assert!(
        agree(&got, &want),
        "{before} on {dtype}: {got:?}, not {want:?}"
    );
    expression(&prog)
}

/// The inputs: each special value beside each, and bools that change from pair to pair.
fn pairs(dtype: DType) -> [Vec<Scalar>; 4] {
    let special = special(dtype);
    let [mut x, mut y, mut p, mut q] = [const { Vec::new() }; 4];
    for (i, a) in special.iter().enumerate() {
        for (j, b) in special.iter().enumerate() {
            x.push(a.clone());
            y.push(b.clone());
            p.push(Scalar::Bool((i + j) % 2 == 0));
            q.push(Scalar::Bool(j % 3 == 0));
        }
    }
    [x, y, p, q]
}

#[track_caller]
fn becomes(dtypes: &[DType], cases: &[(&str, &str)]) {
    for &dtype in dtypes {
        for (before, after) in cases {
            assert_eq!(simplified(before, dtype), *after, "{before} on {dtype}");
        }
    }
}

#[track_caller]
fn stays(dtypes: &[DType], cases: &[&str]) {
    let cases: Vec<_> = cases.iter().map(|&case| (case, case)).collect();
    becomes(dtypes, &cases);
}

#[test]
fn neutral_operands_go() {
    becomes(
        &INTS,
        &[
            ("(add x 0)", "x"),
            ("(add 0 x)", "x"),
            ("(sub x 0)", "x"),
            ("(mul x 1)", "x"),
            ("(mul 1 x)", "x"),
            ("(floordiv x 1)", "x"),
            ("(or x 0)", "x"),
            ("(xor 0 x)", "x"),
            ("(shl x 0)", "x"),
            ("(shr x 0)", "x"),
        ],
    );
    becomes(
        &FLOATS,
        &[
            ("(add x -0.0)", "x"),
            ("(add -0.0 x)", "x"),
            ("(sub x 0.0)", "x"),
            ("(mul x 1.0)", "x"),
            ("(mul 1.0 x)", "x"),
            ("(div x 1.0)", "x"),
        ],
    );
}

#[test]
fn what_changes_a_special_value_stays() {
    stays(
        &FLOATS,
        &[
            "(add x 0.0)",
            "(sub x -0.0)",
            "(sub 0.0 x)",
            "(mul x 0.0)",
            "(mul -0.0 x)",
            "(sub x x)",
            "(div x x)",
            "(eq x x)",
            "(lt x x)",
            "(floordiv x 1.0)",
            "(rem x 1.0)",
            "(floordiv x 2.0)",
            "(not (lt x y))",
            "(not (ge x y))",
            "(add (add x 1.0) 1.0)",
            "(minimum (maximum x y) x)",
        ],
    );
}

#[test]
fn integers_that_leave_nothing_are_zero() {
    becomes(
        &INTS,
        &[
            ("(mul x 0)", "0"),
            ("(mul 0 x)", "0"),
            ("(floordiv x 0)", "0"),
            ("(rem x 0)", "0"),
            ("(fmod x 0)", "0"),
            ("(rem x 1)", "0"),
            ("(fmod x 1)", "0"),
            ("(and x 0)", "0"),
            ("(sub x x)", "0"),
            ("(xor x x)", "0"),
            ("(floordiv 0 x)", "0"),
            ("(rem 0 x)", "0"),
            ("(shl 0 x)", "0"),
            ("(shr 0 x)", "0"),
        ],
    );
    becomes(&SIGNED, &[("(rem x -1)", "0"), ("(fmod x -1)", "0")]);
}

#[test]
fn minus_one_negates() {
    becomes(
        &SIGNED,
        &[
            ("(mul x -1)", "(neg x)"),
            ("(mul -1 x)", "(neg x)"),
            ("(floordiv x -1)", "(neg x)"),
        ],
    );
    becomes(&INTS, &[("(sub 0 x)", "(neg x)")]);
    becomes(
        &FLOATS,
        &[
            ("(mul x -1.0)", "(neg x)"),
            ("(div x -1.0)", "(neg x)"),
            ("(sub -0.0 x)", "(neg x)"),
        ],
    );
}

#[test]
fn signs_cancel() {
    becomes(
        &[I8, U32, F32, F64],
        &[
            ("(neg (neg x))", "x"),
            ("(add x (neg y))", "(sub x y)"),
            ("(add (neg x) y)", "(sub y x)"),
            ("(sub x (neg y))", "(add x y)"),
            ("(mul (neg x) (neg y))", "(mul x y)"),
            ("(neg (neg (neg x)))", "(neg x)"),
            ("(add (neg x) (neg y))", "(sub (neg x) y)"),
            ("(sign (sign x))", "(sign x)"),
        ],
    );
    becomes(
        &[I8, I64, F32, F64],
        &[
            ("(abs (abs x))", "(abs x)"),
            ("(abs (neg x))", "(abs x)"),
            ("(abs (neg (abs x)))", "(abs x)"),
        ],
    );
    becomes(&UNSIGNED, &[("(abs x)", "x"), ("(abs (neg x))", "(neg x)")]);
    stays(&FLOATS, &["(neg (sub x y))", "(abs (sqrt x))"]);
}

#[test]
fn division_by_a_power_of_two_is_a_shift_or_a_mask() {
    becomes(
        &INTS,
        &[
            ("(floordiv x 2)", "(shr x 1)"),
            ("(floordiv x 64)", "(shr x 6)"),
            ("(rem x 2)", "(and x 1)"),
            ("(rem x 32)", "(and x 31)"),
        ],
    );
    becomes(&UNSIGNED, &[("(fmod x 8)", "(and x 7)")]);
    becomes(
        &[U8],
        &[
            ("(floordiv x 128)", "(shr x 7)"),
            ("(rem x 128)", "(and x 127)"),
        ],
    );
    becomes(
        &[U64],
        &[("(rem x 9223372036854775808)", "(and x 9223372036854775807)")],
    );
    stays(&SIGNED, &["(fmod x 8)", "(floordiv x -2)", "(rem x -8)"]);
    stays(&[I8], &["(floordiv x -128)", "(rem x -128)"]);
    stays(&INTS, &["(floordiv x 6)", "(rem x 6)", "(floordiv 8 x)"]);
}

#[test]
fn float_division_by_a_power_of_two_is_a_product() {
    becomes(
        &FLOATS,
        &[
            ("(div x 2.0)", "(mul x 0.5)"),
            ("(div x -0.125)", "(mul x -8.0)"),
        ],
    );
    becomes(
        &[F64],
        &[
            (
                "(div x 4.49423283715579e307)",
                "(mul x 2.2250738585072014e-308)",
            ),
            (
                "(div x 2.2250738585072014e-308)",
                "(mul x 4.49423283715579e307)",
            ),
        ],
    );
    becomes(&[F32], &[("(div x 5.877472e-39)", "(mul x 1.7014118e38)")]);
    // The reciprocals would be subnormal, or infinite.
    stays(&[F32], &["(div x 1.7014118e38)", "(div x 1e-45)"]);
    stays(&[F64], &["(div x 8.98846567431158e307)", "(div x 5e-324)"]);
    stays(
        &FLOATS,
        &[
            "(div x 3.0)",
            "(div x 0.0)",
            "(div x -0.0)",
            "(div x inf)",
            "(div x nan)",
            "(div 2.0 x)",
        ],
    );
}

#[test]
fn counts_out_of_range_are_settled() {
    for (dtype, width) in [(I8, 8), (I16, 16), (I32, 32), (I64, 64)] {
        let last = format!("(shr x {})", width - 1);
        for count in [width, width + 1, 100, -1, -128] {
            let (left, right) = (format!("(shl x {count})"), format!("(shr x {count})"));
            becomes(&[dtype], &[(&left, "0"), (&right, &last)]);
        }
        stays(&[dtype], &[&last]);
    }
    for (dtype, width) in [(U8, 8), (U16, 16), (U32, 32), (U64, 64)] {
        for count in [width, 200] {
            let (left, right) = (format!("(shl x {count})"), format!("(shr x {count})"));
            becomes(&[dtype], &[(&left, "0"), (&right, "0")]);
        }
        stays(&[dtype], &[&format!("(shl x {})", width - 1)]);
    }
}

#[test]
fn bits_meet_all_and_none() {
    for (dtype, ones) in [
        (U8, "255"),
        (U64, "18446744073709551615"),
        (I8, "-1"),
        (I64, "-1"),
        (Bool, "True"),
    ] {
        for (before, after) in [
            ("(and x ONES)", "x"),
            ("(and ONES x)", "x"),
            ("(or x ONES)", ones),
            ("(xor x ONES)", "(not x)"),
            ("(not (not x))", "x"),
            ("(and x x)", "x"),
            ("(or x x)", "x"),
        ] {
            becomes(&[dtype], &[(&before.replace("ONES", ones), after)]);
        }
    }
    becomes(
        &[Bool],
        &[
            ("(or x False)", "x"),
            ("(xor x False)", "x"),
            ("(and x False)", "False"),
            ("(xor x x)", "False"),
            ("(eq x True)", "x"),
            ("(ne False x)", "x"),
            ("(eq x False)", "(not x)"),
            ("(ne x True)", "(not x)"),
        ],
    );
    stays(&[I32], &["(and x 255)", "(or x 1)", "(eq x 1)", "(ne x 0)"]);
}

#[test]
fn equal_operands_are_compared_at_once() {
    for dtype in INTS.into_iter().chain([Bool]) {
        becomes(
            &[dtype],
            &[
                ("(eq x x)", "True"),
                ("(le x x)", "True"),
                ("(ge x x)", "True"),
                ("(ne x x)", "False"),
                ("(lt x x)", "False"),
                ("(gt x x)", "False"),
            ],
        );
    }
    becomes(
        &[Bool, I8, U64, F32, F64],
        &[("(minimum x x)", "x"), ("(maximum x x)", "x")],
    );
}

#[test]
fn negated_comparisons_turn() {
    becomes(
        &[Bool, I8, U64, F64],
        &[
            ("(not (eq x y))", "(ne x y)"),
            ("(not (ne x y))", "(eq x y)"),
        ],
    );
    becomes(
        &[Bool, I8, U64],
        &[
            ("(not (lt x y))", "(ge x y)"),
            ("(not (le x y))", "(gt x y)"),
            ("(not (gt x y))", "(le x y)"),
            ("(not (ge x y))", "(lt x y)"),
        ],
    );
}

#[test]
fn selections_are_made_early() {
    becomes(
        &[I8, U32, F64],
        &[
            ("(select True x y)", "x"),
            ("(select False x y)", "y"),
            ("(select p x x)", "x"),
            ("(select (not p) x y)", "(select p y x)"),
        ],
    );
    becomes(
        &[F64],
        &[
            ("(select p True False)", "p"),
            ("(select p False True)", "(not p)"),
            ("(select (not p) True False)", "(not p)"),
            ("(select p True True)", "True"),
        ],
    );
    stays(&[F64], &["(select p True q)", "(select (lt x y) x y)"]);
}

#[test]
fn integral_values_are_not_rounded_again() {
    becomes(
        &FLOATS,
        &[
            ("(floor (ceil x))", "(ceil x)"),
            ("(round (trunc x))", "(trunc x)"),
            ("(trunc (sign x))", "(sign x)"),
        ],
    );
    becomes(
        &INTS,
        &[
            ("(ceil (cast:f64 x))", "(cast:f64 x)"),
            ("(round (cast:f32 x))", "(cast:f32 x)"),
        ],
    );
    becomes(
        &[F32],
        &[("(floor (cast:f64 (cast:i8 x)))", "(cast:f64 (cast:i8 x))")],
    );
    stays(&[F32], &["(floor (cast:f64 x))", "(floor (add x 1.0))"]);
}

#[test]
fn casts_that_lose_nothing_merge() {
    let mut merged = HashMap::new();
    let all = DType::ALL_REAL;
    for (from, middle, to) in all
        .iter()
        .flat_map(|&a| all.iter().map(move |&b| (a, b)))
        .flat_map(|(a, b)| all.iter().map(move |&c| (a, b, c)))
        .filter(|(a, b, c)| a != b && b != c)
    {
        let got = simplified(&format!("(cast:{to} (cast:{middle} x))"), from);
        let short = if from == to {
            "x".to_owned()
        } else {
            format!("(cast:{to} x)")
        };
        let whole = format!("(cast:{to} (cast:{middle} x))");
        assert!(got == short || got == whole, "{got}");
        merged.insert((from, middle, to), got == short);
    }
    for chain in [
        (I8, I16, I32),
        (I8, I32, F64),
        (Bool, I32, Bool),
        (Bool, F16, Bool),
        (U8, F32, U8),
        (I32, F64, F32),
        (F16, F32, F64),
        (F32, F64, F32),
        (U16, I32, U8),
        // These wrap twice, of which once is enough.
        (I64, I32, I16),
        (I32, U32, I32),
        (I32, U64, I32),
        (U8, I8, U8),
        (F64, I64, U8),
    ] {
        assert!(merged[&chain], "{chain:?}");
    }
    for chain in [
        (I32, F32, I32),
        (I64, F64, I64),
        (I32, U32, I64),
        (I8, U8, I16),
        (I32, Bool, I32),
        (F64, F32, F64),
        (F64, F32, F16),
        (F64, I8, I16),
        (I32, I8, Bool),
        (U16, F16, F32),
        (F32, Bool, F32),
    ] {
        assert!(!merged[&chain], "{chain:?}");
    }
}

#[test]
fn modes_matter_only_where_something_is_lost() {
    becomes(
        &[I8],
        &[
            ("(cast.chk:i16 x)", "(cast:i16 x)"),
            ("(cast.sat:f32 x)", "(cast:f32 x)"),
            ("(cast.chk:bool x)", "(cast:bool x)"),
            ("(cast.sat:u8 (cast:i32 x))", "(cast.sat:u8 x)"),
            ("(cast.chk:i8 (cast:i32 x))", "x"),
        ],
    );
    becomes(&[F64], &[("(cast.sat:f32 x)", "(cast:f32 x)")]);
    stays(
        &[I8],
        &[
            "(cast.chk:u8 x)",
            "(cast.sat:u8 x)",
            // The fault tells the value that was cast.
            "(cast.chk:u8 (cast:i32 x))",
        ],
    );
    stays(
        &[I32],
        &[
            "(cast.sat:i8 (cast.sat:i16 x))",
            "(cast:i8 (cast.sat:i16 x))",
            "(cast.chk:u8 (cast.sat:i16 x))",
        ],
    );
    stays(&[F64], &["(cast.chk:f32 x)", "(cast.sat:i32 x)"]);
}

#[test]
fn an_operand_that_may_fault_does_not_go() {
    stays(
        &[I32],
        &[
            "(mul (pow x y) 0)",
            "(and 0 (add (pow x y) 1))",
            "(rem (cast.chk:i32 (cast:f32 x)) 1)",
            "(shl (pow x -1) 40)",
            "(select (cast:bool (pow x y)) x x)",
            "(select True x (pow x y))",
            "(select False (pow x y) x)",
        ],
    );
    let power = "(pow x y)";
    for before in ["sub", "xor"] {
        let before = format!("({before} {power} {power})");
        stays(&[I64], &[&before]);
    }
    stays(&[I64], &["(eq (pow x y) (pow x y))"]);
    // These cannot fault.
    becomes(
        &[I32],
        &[
            ("(mul (pow x 3) 0)", "0"),
            ("(select True x (pow y 0))", "x"),
            ("(rem (cast.chk:i32 (cast:i8 x)) 1)", "0"),
        ],
    );
    becomes(&[U32], &[("(mul (pow x y) 0)", "0")]);
    // And this loses nothing.
    becomes(&[I32], &[("(select True (pow x y) x)", "(pow x y)")]);
}

#[test]
fn rules_see_what_others_leave() {
    becomes(
        &[I32],
        &[
            ("(not (not (eq (add x 0) y)))", "(eq x y)"),
            ("(add (mul x 1) (sub y y))", "x"),
            ("(select (not (lt x y)) (mul x 1) (sub x 0))", "x"),
            ("(cast:i32 (cast:i64 (cast:f64 x)))", "x"),
            ("(floordiv (floordiv x 4) 2)", "(shr (shr x 2) 1)"),
        ],
    );
}
