//! Passes keep every bit and every fault, on random programs over every dtype and operation, and take linear time.

use std::collections::HashSet;

use numloom_data::{DType, Scalar};
use numloom_ir::{Builder, InstKind, Op, Program, opt, verify};
use proptest::prelude::*;

use crate::support::{agree, classes, data, naive, programs, scheduled};

/// Enough for each special value of one input to meet several of another.
const N: usize = 67;

fn text(prog: &str) -> Program {
    Program::parse(prog).unwrap_or_else(|error| panic!("{error}\n{prog}"))
}

type Pass = fn(&Program) -> Program;

const PASSES: [(&str, Pass); 5] = [
    ("cse", opt::cse),
    ("fold", opt::fold),
    ("simplify", opt::simplify),
    ("dce", opt::dce),
    ("run", opt::run),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_pass_keeps_the_bits_and_the_faults(prog in programs(40), seed in 0usize..97) {
        prop_assert_eq!(verify(&prog), Ok(()));
        let data = data(&prog, &classes(&prog, 0), N, seed);
        let want = naive(&prog, &data, N);
        for (name, pass) in PASSES {
            let after = pass(&prog);
            prop_assert_eq!(verify(&after), Ok(()), "after {}:\n{}", name, after);
            prop_assert_eq!(&after.inputs, &prog.inputs);
            let got = naive(&after, &data, N);
            prop_assert!(agree(&got, &want), "{name}:\n{prog}\n{after}\n{got:?}\n{want:?}");
        }
    }

    #[test]
    fn raw_and_optimised_kernels_agree(prog in programs(40), seed in 0usize..97, choice: u16) {
        let classes = classes(&prog, choice);
        let data = data(&prog, &classes, N, seed);
        let raw = scheduled(&prog, &classes, &data, N, 16);
        let optimised = scheduled(&opt::run(&prog), &classes, &data, N, 1024);
        prop_assert!(agree(&raw, &optimised), "{prog}\n{raw:?}\n{optimised:?}");
    }

    #[test]
    fn nothing_equal_or_unused_is_left(prog in programs(60)) {
        let done = opt::run(&prog);
        let mut used: HashSet<_> = done.outputs.iter().map(|output| output.value.index()).collect();
        let mut seen = HashSet::new();
        for inst in &done.insts {
            used.extend(inst.operands().iter().map(|arg| arg.index()));
            prop_assert!(seen.insert((inst.kind.clone(), inst.dtype)), "twice: {:?}\n{}", inst, done);
        }
        prop_assert_eq!(used.len(), done.insts.len());
    }
}

#[test]
fn the_first_of_equal_instructions_stays() {
    let prog = text(
        "input a: f64
         input b: f64
         %0 = input 0 : f64
         %1 = input 1 : f64
         %2 = input 0 : f64
         %3 = mul %0 %1 : f64
         %4 = mul %1 %2 : f64
         %5 = sub %3 %4 : f64
         %6 = sub %4 %3 : f64
         %7 = gt %5 %0 : bool
         %8 = lt %2 %6 : bool
         out = %7
         out = %8",
    );
    let want = "\
input a: f64
input b: f64
%0 = input 0 : f64
%1 = input 1 : f64
%2 = mul %0 %1 : f64
%3 = sub %2 %2 : f64
%4 = gt %3 %0 : bool
out = %4
out = %4
";
    assert_eq!(opt::cse(&prog).to_string(), want);
}

#[test]
fn what_differs_in_a_bit_or_in_order_is_not_equal() {
    let prog = text(
        "input a: f64
         %0 = input 0 : f64
         %1 = const 0.0 : f64
         %2 = const -0.0 : f64
         %3 = const nan : f64
         %4 = const nan(0x7ff8000000000001) : f64
         %5 = const 0.0 : f32
         %6 = minimum %0 %1 : f64
         %7 = minimum %1 %0 : f64
         %8 = sub %0 %1 : f64
         %9 = sub %1 %0 : f64
         %10 = lt %0 %1 : bool
         %11 = le %0 %1 : bool
         %12 = cast %0 : i32
         %13 = cast.sat %0 : i32
         %14 = cast %0 : i64
         %15 = sum %0 : f64
         %16 = prod %0 : f64
         out = %16",
    );
    assert_eq!(opt::cse(&prog), prog);
}

#[test]
fn dead_instructions_go_with_their_faults() {
    let prog = text(
        "input a: f64
         input b: i32
         %0 = input 0 : f64
         %1 = input 1 : i32
         %2 = pow %1 %1 : i32
         %3 = neg %0 : f64
         %4 = sum %2 : i64
         out = %3 shape 0 1",
    );
    let want = "\
input a: f64
input b: i32
%0 = input 0 : f64
%1 = neg %0 : f64
out = %1 shape 0 1
";
    assert_eq!(opt::dce(&prog).to_string(), want);
}

#[test]
fn what_faults_is_not_folded() {
    let prog = text(
        "%0 = const 2 : i8
         %1 = const -1 : i8
         %2 = pow %0 %1 : i8
         %3 = const 1e300 : f64
         %4 = cast.chk %3 : i32
         %5 = add %0 %1 : i8
         out = %2
         out = %4
         out = %5",
    );
    let want = "\
%0 = const 2 : i8
%1 = const -1 : i8
%2 = pow %0 %1 : i8
%3 = const 1e300 : f64
%4 = cast.chk %3 : i32
%5 = const 1 : i8
out = %2
out = %4
out = %5
";
    assert_eq!(opt::fold(&prog).to_string(), want);
}

/// `a + 1.5 + 1.5 + …`, `n` instructions deep.
fn chain(n: usize) -> Program {
    let mut b = Builder::new();
    let mut value = b.input("a", DType::F64);
    let c = b.constant(Scalar::F64(1.5));
    for _ in 0..n {
        value = b.apply(Op::Add, &[value, c]);
    }
    b.output(None, value);
    b.finish()
}

/// `n` quotients of one input, a power of two of them, met in a balanced tree.
fn wide(n: usize) -> Program {
    let mut b = Builder::new();
    let a = b.input("a", DType::I64);
    let mut level: Vec<_> = (0..n)
        .map(|i| {
            let c = b.constant(Scalar::I64(2 * i as i64 + 3));
            b.apply(Op::FloorDiv, &[a, c])
        })
        .collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| b.apply(Op::Xor, &[pair[0], pair[1]]))
            .collect();
    }
    b.output(None, level[0]);
    b.finish()
}

/// The same read, constant and sum over and over, and a cast chain that collapses.
fn repetitive(n: usize) -> Program {
    let mut b = Builder::new();
    b.declare("a", DType::I32);
    let mut value = b.read(0);
    for _ in 0..n {
        let again = b.read(0);
        let zero = b.constant(Scalar::I32(0));
        let sum = b.apply(Op::Add, &[again, zero]);
        let wide = b.cast(Op::Cast(Default::default()), sum, DType::F64);
        let back = b.cast(Op::Cast(Default::default()), wide, DType::I32);
        value = b.apply(Op::And, &[value, back]);
    }
    b.output(None, value);
    b.finish()
}

#[test]
fn a_hundred_thousand_instructions_fit_a_small_stack() {
    // Quadratic work would take 10^10 steps here, and recursion overflow the stack.
    let work = || {
        let deep = chain(100_000);
        assert_eq!(opt::run(&deep).insts.len(), 100_002);
        let read = Program::parse(&deep.to_string()).unwrap();
        assert_eq!(read, deep);

        let dag = wide(1 << 15);
        let done = opt::run(&dag);
        assert_eq!(done.insts.len(), dag.insts.len());
        assert_eq!(Program::parse(&done.to_string()).unwrap(), done);

        let done = opt::run(&repetitive(20_000));
        assert_eq!(done.insts.len(), 1);
        assert_eq!(done.insts[0].kind, InstKind::Input(0));
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    thread.spawn(work).unwrap().join().unwrap();
}
