//! What is refused, and how.

use std::sync::Arc;

use numloom_data::{DType, Scalar};
use numloom_ir::interp::{Block, Rows};
use numloom_ir::{
    Fault, InputClass, Kernel, LoopInst, LoopOp, MAX_BLOCK, Op, Place, Step, V, VerifyPlace,
};
use numloom_jit::{Argument, Generator, JitError, JitErrorKind, NativeKernel, Target, asm, clif};

use crate::build::{Build, empty};
use crate::compare::{compile, compilers};

fn host() -> Target {
    Target::host().expect("tests run where there is a backend")
}

fn refused(kernel: Kernel) -> JitError {
    let error = NativeKernel::compile(Arc::new(kernel), &host()).expect_err("refused");
    assert!(!error.to_string().is_empty());
    error
}

#[test]
fn kernels_that_break_a_rule_are_refused_with_its_place() {
    let inst = |op, dtype| LoopInst { op, dtype };
    let load = |i| LoopOp::Load(Place::Input(i));
    let apply = |op, args: &[u32]| LoopOp::Apply {
        op,
        args: args.iter().map(|&i| V(i)).collect(),
    };
    let f64 = DType::F64;
    let bodies: Vec<Vec<LoopInst>> = vec![
        vec![inst(load(7), f64)],
        vec![inst(load(0), DType::F32)],
        vec![inst(LoopOp::Load(Place::Slot(0)), f64)],
        vec![inst(LoopOp::Const(Scalar::I32(1)), f64)],
        vec![inst(apply(Op::Neg, &[0]), f64)],
        vec![inst(load(0), f64), inst(apply(Op::Neg, &[]), f64)],
        vec![inst(load(0), f64), inst(apply(Op::Add, &[0, 1]), f64)],
        vec![inst(load(0), f64), inst(apply(Op::And, &[0, 0]), f64)],
        vec![inst(load(0), f64), inst(apply(Op::Lt, &[0, 0]), f64)],
        vec![inst(load(0), f64), inst(apply(Op::Exp, &[0]), f64)],
        vec![inst(load(0), f64), inst(apply(Op::Select, &[0, 0, 0]), f64)],
        vec![
            inst(load(0), f64),
            inst(
                LoopOp::Store {
                    place: Place::Input(0),
                    value: V(0),
                },
                f64,
            ),
        ],
        vec![
            inst(load(0), f64),
            inst(
                LoopOp::Accumulate {
                    acc: 0,
                    value: V(0),
                },
                f64,
            ),
        ],
    ];
    for body in bodies {
        let last = body.len() - 1;
        let mut build = Build::new();
        build.input(f64, InputClass::Contiguous);
        let mut kernel = build.finish();
        kernel.steps = vec![Step::Loop(body)];
        match refused(kernel).kind() {
            JitErrorKind::InvalidKernel(error) => {
                assert_eq!(error.place, VerifyPlace::Loop { step: 0, op: last });
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn calls_that_break_a_rule_are_refused() {
    let f64 = DType::F64;
    for case in 0..6 {
        let mut build = Build::new();
        let x = build.input(f64, InputClass::Contiguous);
        let k = build.input(f64, InputClass::Scalar);
        let slot = build.slot(8);
        let narrow = build.slot(4);
        match case {
            0 => build.call(Op::Exp, f64, f64, &[slot], slot),
            5 => build.call(Op::Sqrt, f64, f64, &[x], slot),
            1 => build.call(Op::Exp, f64, f64, &[k], slot),
            2 => build.call(Op::Exp, f64, f64, &[x], narrow),
            3 => build.call(Op::Atan2, f64, f64, &[x], slot),
            _ => build.call(Op::Exp, f64, f64, &[slot], x),
        }
        match refused(build.finish()).kind() {
            JitErrorKind::InvalidKernel(error) => assert_eq!(error.place, VerifyPlace::Step(0)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_kernel_beyond_the_limit_is_an_error_and_not_a_hang() {
    let mut build = Build::new();
    let mut x = build.array(DType::F64);
    for _ in 0..200_000 {
        x = build.apply(Op::Neg, &[x]);
    }
    build.out(x);
    let kernel = Arc::new(build.finish());
    for generator in Generator::ALL {
        let error = NativeKernel::compile_with(generator, Arc::clone(&kernel), &host());
        let error = error.expect_err("refused");
        assert!(
            matches!(error.kind(), JitErrorKind::CodeTooLarge { .. }),
            "{error}"
        );
    }
}

#[test]
fn blocks_that_do_not_fit_are_refused() {
    let mut build = Build::new();
    let slot = build.slot(8);
    let x = build.array(DType::F64);
    let k = build.scalar(DType::F64);
    let unused = build.input(DType::F64, InputClass::Contiguous);
    assert_eq!(unused, Place::Input(2));
    let y = build.apply(Op::Mul, &[x, k]);
    build.store(slot, y);
    build.out(y);
    let native = NativeKernel::compile(Arc::new(build.finish()), &host()).expect("compiles");
    let bytes = vec![0; 8 * (MAX_BLOCK + 1)];
    let try_run = |n: usize, inputs: &[usize], outputs: &[usize], words: usize| {
        let inputs: Vec<&[u8]> = inputs.iter().map(|&len| &bytes[..len]).collect();
        let mut outputs: Vec<Vec<u8>> = outputs.iter().map(|&len| vec![0; len]).collect();
        let mut outputs: Vec<&mut [u8]> = outputs.iter_mut().map(|v| &mut v[..]).collect();
        let result = native.run(Block {
            n,
            index: 0,
            rows: Rows::ONE,
            inputs: &inputs,
            outputs: &mut outputs,
            accumulators: &mut vec![0; words],
            fault: &mut Fault::default(),
        });
        result.err().map(|error| match error.kind() {
            JitErrorKind::Argument { argument, .. } => *argument,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(try_run(3, &[24, 8, 0], &[24], 0), None);
    assert_eq!(try_run(3, &[23, 8, 0], &[24], 0), Some(Argument::Input(0)));
    assert_eq!(try_run(3, &[32, 8, 0], &[24], 0), Some(Argument::Input(0)));
    assert_eq!(try_run(3, &[24, 0, 0], &[24], 0), Some(Argument::Input(1)));
    assert_eq!(try_run(3, &[24, 8], &[24], 0), Some(Argument::InputCount));
    assert_eq!(try_run(3, &[24, 8, 0], &[], 0), Some(Argument::OutputCount));
    assert_eq!(try_run(3, &[24, 8, 0], &[16], 0), Some(Argument::Output(0)));
    assert_eq!(
        try_run(3, &[24, 8, 0], &[24], 16),
        Some(Argument::Accumulators)
    );
    let long = MAX_BLOCK + 1;
    assert_eq!(
        try_run(long, &[8 * long, 8, 0], &[8 * long], 0),
        Some(Argument::BlockLength)
    );
    assert_eq!(
        try_run(usize::MAX / 4, &[24, 8, 0], &[24], 0),
        Some(Argument::BlockLength)
    );
}

#[test]
fn a_kernel_without_steps_does_nothing() {
    for compiler in compilers() {
        let native = compile(&Arc::new(empty()), &compiler);
        let mut fault = Fault::default();
        native
            .run(Block {
                n: 5,
                index: 0,
                rows: Rows::ONE,
                inputs: &[],
                outputs: &mut [],
                accumulators: &mut [],
                fault: &mut fault,
            })
            .expect("nothing to refuse");
        assert_eq!(fault, Fault::NONE);
    }
}

#[test]
fn stages_can_be_read() {
    let mut build = Build::new();
    let x = build.array(DType::F64);
    let y = build.apply(Op::Mul, &[x, x]);
    build.out(y);
    let kernel = build.finish();
    let text = clif(&kernel, &host()).expect("text");
    assert!(text.contains("fmul") && text.contains("f64x2"), "{text}");
    let text = asm(&kernel, &host(), None).expect("text");
    assert!(text.contains("mul"), "{text}");
}

#[test]
fn kernels_that_call_functions_ask_ahead_and_others_do_not() {
    let text = |calls: bool| {
        let mut build = Build::new();
        let (argument, result) = (build.slot(8), build.slot(8));
        let x = build.array(DType::F64);
        let mut y = build.apply(Op::Mul, &[x, x]);
        if calls {
            build.store(argument, y);
            build.call(Op::Exp, DType::F64, DType::F64, &[argument], result);
            y = build.load(result, DType::F64);
        }
        build.out(y);
        asm(&build.finish(), &host(), None).expect("text")
    };
    if !Generator::Wide.runs_on(host().isa()) {
        return;
    }
    let with = text(true);
    assert!(
        with.contains("prefetcht0") && with.contains("prefetchw"),
        "{with}"
    );
    let without = text(false);
    assert!(!without.contains("prefetch"), "{without}");
}
