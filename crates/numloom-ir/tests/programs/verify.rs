//! Each rule of programs and kernels, broken once.

use numloom_data::{DType, Scalar};
use numloom_ir::{
    AccOp, AccumulateStep, Accumulator, Args, Axes, CallStep, CastMode, Form, Input, InputClass,
    InputSource, Inst, InstKind, Kernel, KernelInput, LoopInst, LoopOp, Op, Output, Place, Program,
    Reduce, Reduction, ResultKind, Shape, ShapeSource, Step, V, Value, VerifyErrorKind,
    VerifyPlace, ViewItem, verify, verify_kernel,
};
use numloom_syntax::Span;

fn inst(kind: InstKind, dtype: DType) -> Inst {
    Inst {
        kind,
        dtype,
        span: Span::default(),
    }
}

fn applied(op: Op, args: &[u32], dtype: DType) -> Inst {
    let args: Vec<Value> = args.iter().copied().map(Value).collect();
    let args = Args::new(&args);
    inst(InstKind::Apply { op, args }, dtype)
}

/// `%0` and `%1` are f64 inputs, `%2` an i32 input, `%3` a bool constant, `%4` an f16 input, `%5` what is given.
fn with(last: Inst) -> Program {
    let dtypes = [DType::F64, DType::F64, DType::I32, DType::F16];
    let input = |dtype| Input {
        name: "a".into(),
        dtype,
        source: InputSource::Array,
    };
    let read = |i: u32| inst(InstKind::Input(i), dtypes[i as usize]);
    let truth = inst(InstKind::Const(Scalar::Bool(true)), DType::Bool);
    Program {
        inputs: dtypes.map(input).into(),
        insts: vec![read(0), read(1), read(2), truth, read(3), last],
        outputs: vec![Output {
            name: None,
            value: Value(5),
            imag: None,
            shape: Shape::of_inputs([0, 1]),
            span: Span::default(),
        }],
    }
}

#[track_caller]
fn broken(last: Inst, want: VerifyErrorKind) {
    let error = verify(&with(last)).unwrap_err();
    assert_eq!(error.kind, want);
    assert_eq!(error.place, VerifyPlace::Inst(Value(5)));
}

#[test]
fn instructions_fit_their_row() {
    use DType::{Bool, F16, F32, F64, I32};
    use VerifyErrorKind::{
        DTypeMismatch, IdleCast, NotReducible, OutsideDomain, UndefinedOperand, UnknownInput,
        UnsupportedDType, WrongArity,
    };
    let cast = Op::Cast(CastMode::Wrap);
    let sum = |arg| sum_of(arg, Shape::default());
    for right in [
        applied(Op::Add, &[0, 1], F64),
        applied(Op::Lt, &[0, 1], Bool),
        applied(Op::Select, &[3, 0, 1], F64),
        applied(Op::Select, &[3, 3, 3], Bool),
        applied(cast, &[4], F32),
        applied(cast, &[0], F16),
        inst(sum(2), DType::I64),
    ] {
        assert_eq!(verify(&with(right)), Ok(()));
    }
    broken(applied(Op::Neg, &[5], F64), UndefinedOperand { operand: 5 });
    broken(
        applied(Op::Add, &[0, 9], F64),
        UndefinedOperand { operand: 9 },
    );
    broken(
        applied(Op::Add, &[0], F64),
        WrongArity {
            op: Op::Add,
            given: 1,
        },
    );
    broken(
        applied(Op::Neg, &[0, 1], F64),
        WrongArity {
            op: Op::Neg,
            given: 2,
        },
    );
    broken(
        applied(Op::Add, &[0, 2], F64),
        DTypeMismatch {
            want: I32,
            found: F64,
        },
    );
    broken(
        applied(Op::Add, &[0, 1], F32),
        DTypeMismatch {
            want: F64,
            found: F32,
        },
    );
    broken(
        applied(Op::Lt, &[0, 1], F64),
        DTypeMismatch {
            want: Bool,
            found: F64,
        },
    );
    broken(
        applied(Op::Select, &[0, 0, 1], F64),
        DTypeMismatch {
            want: Bool,
            found: F64,
        },
    );
    broken(
        applied(Op::Select, &[3, 2, 1], F64),
        DTypeMismatch {
            want: F64,
            found: I32,
        },
    );
    broken(
        applied(Op::Sqrt, &[2], I32),
        OutsideDomain {
            op: Op::Sqrt,
            dtype: I32,
        },
    );
    broken(
        applied(Op::Neg, &[4], F16),
        OutsideDomain {
            op: Op::Neg,
            dtype: F16,
        },
    );
    broken(applied(cast, &[0], F64), IdleCast { dtype: F64 });
    broken(
        applied(cast, &[0], DType::C64),
        UnsupportedDType { dtype: DType::C64 },
    );
    broken(inst(InstKind::Input(4), F64), UnknownInput { input: 4 });
    broken(
        inst(InstKind::Input(2), F64),
        DTypeMismatch {
            want: I32,
            found: F64,
        },
    );
    broken(
        inst(InstKind::Const(Scalar::I8(1)), F64),
        DTypeMismatch {
            want: DType::I8,
            found: F64,
        },
    );
    broken(inst(sum(4), F64), NotReducible { dtype: F16 });
    broken(
        inst(sum(2), I32),
        DTypeMismatch {
            want: DType::I64,
            found: I32,
        },
    );
}

fn sum_of(arg: u32, shape: Shape) -> InstKind {
    InstKind::Reduce(Reduce {
        reduction: Reduction::Sum,
        args: Args::new(&[Value(arg)]),
        axes: Axes::All,
        keepdims: false,
        may_be_empty: false,
        shape,
    })
}

#[test]
fn shapes_go_by_inputs_and_by_reductions_before_them() {
    let of = |source| with(inst(sum_of(0, Shape::new([source])), DType::F64));
    assert_eq!(verify(&of(ShapeSource::Input(3))), Ok(()));
    let kind = |prog: &Program| verify(prog).map_err(|error| error.kind);
    assert_eq!(
        kind(&of(ShapeSource::Input(4))),
        Err(VerifyErrorKind::UnknownInput { input: 4 })
    );
    for value in [Value(0), Value(5)] {
        assert_eq!(
            kind(&of(ShapeSource::Value(value))),
            Err(VerifyErrorKind::NotAShape { value })
        );
    }
    let mut prog = of(ShapeSource::Input(0));
    let shape = Shape::new([ShapeSource::Value(Value(5))]);
    prog.insts.push(inst(sum_of(5, shape), DType::F64));
    assert_eq!(verify(&prog), Ok(()));
}

#[test]
fn views_and_parts_stand_behind_their_wholes() {
    let mut prog = with(inst(InstKind::Input(0), DType::F64));
    let view = |input| InputSource::View {
        input,
        items: [ViewItem::NewAxis].into(),
        span: Span::default(),
    };
    let mut check = |dtype, source| {
        prog.inputs.push(Input {
            name: "a".into(),
            dtype,
            source,
        });
        let verified = verify(&prog);
        if verified.is_err() {
            prog.inputs.pop();
        }
        verified.map_err(|error| error.kind)
    };
    assert_eq!(check(DType::C64, InputSource::Array), Ok(()));
    assert_eq!(check(DType::F64, view(0)), Ok(()));
    assert_eq!(check(DType::F32, InputSource::Imag(4)), Ok(()));
    let wrong = Err(VerifyErrorKind::WrongSource { input: 7 });
    assert_eq!(check(DType::F64, InputSource::Array), wrong);
    assert_eq!(check(DType::F32, view(0)), wrong);
    assert_eq!(check(DType::F64, view(7)), wrong);
    assert_eq!(check(DType::F64, InputSource::Real(4)), wrong);
}

#[test]
fn outputs_name_what_is_there() {
    let right = with(applied(Op::Neg, &[0], DType::F64));
    let broken = |value, shape_inputs: &[u32]| {
        let mut prog = right.clone();
        prog.outputs.push(Output {
            name: None,
            value: Value(value),
            imag: None,
            shape: Shape::of_inputs(shape_inputs.iter().copied()),
            span: Span::default(),
        });
        verify(&prog).map_err(|error| {
            assert_eq!(error.place, VerifyPlace::Output(1));
            error.kind
        })
    };
    assert_eq!(broken(0, &[0, 3]), Ok(()));
    assert_eq!(broken(0, &[]), Ok(()));
    assert_eq!(
        broken(6, &[]),
        Err(VerifyErrorKind::UnknownValue { value: Value(6) })
    );
    assert_eq!(
        broken(0, &[1, 4]),
        Err(VerifyErrorKind::UnknownInput { input: 4 })
    );
}

fn op(op: LoopOp) -> LoopInst {
    LoopInst {
        op,
        dtype: DType::F64,
    }
}

fn load(place: Place) -> LoopInst {
    op(LoopOp::Load(place))
}

fn store(place: Place, value: u32) -> LoopInst {
    op(LoopOp::Store {
        place,
        value: V(value),
    })
}

fn exp(arg: Place, dst: Place) -> Step {
    Step::Call(CallStep {
        op: Op::Exp,
        from: DType::F64,
        to: DType::F64,
        args: vec![arg.into()],
        dst,
        inst: Value(0),
        span: Span::default(),
    })
}

const IN: Place = Place::Input(0);
const OUT: Place = Place::Output(0);
const SLOT: Place = Place::Slot(0);

/// `out = neg(exp(in0))`, with the sum of the exponentials.
fn kernel() -> Kernel {
    Kernel {
        inputs: [InputClass::Contiguous, InputClass::Scalar]
            .map(|class| KernelInput {
                dtype: DType::F64,
                class,
            })
            .into(),
        outputs: vec![DType::F64],
        accumulators: vec![Accumulator {
            op: AccOp::Sum,
            dtype: DType::F64,
        }],
        form: Form::Lanes,
        slots: vec![8],
        steps: vec![
            exp(IN, SLOT),
            Step::Loop(vec![
                load(SLOT),
                op(LoopOp::Apply {
                    op: Op::Neg,
                    args: vec![V(0)],
                }),
                store(OUT, 1),
                op(LoopOp::Accumulate {
                    acc: 0,
                    value: V(0),
                }),
            ]),
        ],
        results: vec![ResultKind::Array(0)],
    }
}

#[track_caller]
fn broken_by(change: impl FnOnce(&mut Kernel), want: VerifyErrorKind, place: VerifyPlace) {
    let mut kernel = kernel();
    assert_eq!(verify_kernel(&kernel), Ok(()));
    change(&mut kernel);
    let error = verify_kernel(&kernel).unwrap_err();
    assert_eq!((error.kind, error.place), (want, place));
}

/// Puts `insts` into the kernel's loop after the load.
#[track_caller]
fn loop_broken_by(insts: Vec<LoopInst>, want: VerifyErrorKind) {
    let op = insts.len();
    let change = |kernel: &mut Kernel| {
        let Step::Loop(body) = &mut kernel.steps[1] else {
            unreachable!()
        };
        body.splice(1.., insts);
    };
    broken_by(change, want, VerifyPlace::Loop { step: 1, op });
}

#[test]
fn loops_are_straight_line_ssa() {
    use VerifyErrorKind::{
        BlockInLoop, DTypeMismatch, NotAnOperand, Overlap, UndefinedOperand, UnknownPlace,
        WrongDirection,
    };
    let apply = |what, args: &[u32]| {
        op(LoopOp::Apply {
            op: what,
            args: args.iter().copied().map(V).collect(),
        })
    };
    loop_broken_by(vec![apply(Op::Neg, &[1])], UndefinedOperand { operand: 1 });
    loop_broken_by(
        vec![store(OUT, 0), apply(Op::Neg, &[1])],
        NotAnOperand { operand: 1 },
    );
    loop_broken_by(vec![apply(Op::Sin, &[0])], BlockInLoop { op: Op::Sin });
    loop_broken_by(
        vec![apply(Op::IsNan, &[0])],
        DTypeMismatch {
            want: DType::Bool,
            found: DType::F64,
        },
    );
    loop_broken_by(vec![store(IN, 0)], WrongDirection { place: IN });
    loop_broken_by(vec![load(OUT)], WrongDirection { place: OUT });
    loop_broken_by(vec![store(SLOT, 0)], Overlap { place: SLOT });
    loop_broken_by(vec![load(Place::Slot(1))], UnknownPlace);
    loop_broken_by(vec![store(Place::Output(1), 0)], UnknownPlace);
    loop_broken_by(vec![load(Place::Input(2))], UnknownPlace);
    let acc = LoopOp::Accumulate {
        acc: 1,
        value: V(0),
    };
    loop_broken_by(vec![op(acc)], UnknownPlace);
}

#[test]
fn calls_take_blocks_to_blocks() {
    use VerifyErrorKind::{
        DTypeMismatch, InlineInCall, Overlap, ScalarInCall, Unwritten, WrongArity, WrongDirection,
        WrongSlotSize,
    };
    let first = VerifyPlace::Step(0);
    let call = |change: fn(&mut CallStep)| {
        move |kernel: &mut Kernel| {
            let Step::Call(call) = &mut kernel.steps[0] else {
                unreachable!()
            };
            change(call);
        }
    };
    broken_by(
        call(|c| c.args = vec![Place::Input(1).into()]),
        ScalarInCall { input: 1 },
        first,
    );
    broken_by(
        call(|c| c.args = vec![SLOT.into()]),
        Overlap { place: SLOT },
        first,
    );
    broken_by(call(|c| c.dst = IN), Overlap { place: IN }, first);
    broken_by(
        call(|c| c.dst = Place::Input(1)),
        WrongDirection {
            place: Place::Input(1),
        },
        first,
    );
    broken_by(
        call(|c| c.op = Op::Sqrt),
        InlineInCall { op: Op::Sqrt },
        first,
    );
    broken_by(
        call(|c| c.op = Op::Atan2),
        WrongArity {
            op: Op::Atan2,
            given: 1,
        },
        first,
    );
    broken_by(
        call(|c| c.from = DType::F32),
        DTypeMismatch {
            want: DType::F64,
            found: DType::F32,
        },
        first,
    );
    broken_by(
        call(|c| c.to = DType::F32),
        WrongSlotSize { size: 8 },
        first,
    );
    broken_by(
        |kernel| kernel.steps.swap(0, 1),
        Unwritten { place: SLOT },
        VerifyPlace::Loop { step: 0, op: 0 },
    );
    let type_punned = |kernel: &mut Kernel| {
        let Step::Loop(body) = &mut kernel.steps[1] else {
            unreachable!()
        };
        body[0].dtype = DType::I64;
    };
    broken_by(
        type_punned,
        Unwritten { place: SLOT },
        VerifyPlace::Loop { step: 1, op: 0 },
    );
}

#[test]
fn accumulators_are_taken_into_as_their_operation_wants() {
    use VerifyErrorKind::{DTypeMismatch, NotOnce, ScalarInCall, WrongAccumulate};
    let called = |op: AccOp, args: Vec<Place>| {
        move |kernel: &mut Kernel| {
            kernel.accumulators.push(Accumulator {
                op,
                dtype: DType::F64,
            });
            let acc = 1;
            let step = Step::Accumulate(AccumulateStep { acc, args });
            kernel.steps.push(step);
        }
    };
    let mut good = kernel();
    called(AccOp::ComplexMin, vec![IN, SLOT])(&mut good);
    assert_eq!(verify_kernel(&good), Ok(()));

    let (wrong, step) = (WrongAccumulate { acc: 1 }, VerifyPlace::Step(2));
    broken_by(called(AccOp::Sum, vec![IN]), wrong, step);
    broken_by(called(AccOp::Moments, vec![IN]), wrong, step);
    broken_by(called(AccOp::ArgMin, vec![IN, SLOT]), wrong, step);
    broken_by(called(AccOp::ComplexProd, vec![IN]), wrong, step);
    let scalar = ScalarInCall { input: 1 };
    broken_by(called(AccOp::ArgMax, vec![Place::Input(1)]), scalar, step);
    let narrow = |kernel: &mut Kernel| {
        called(AccOp::ArgMin, vec![IN])(kernel);
        kernel.accumulators[1].dtype = DType::F32;
    };
    let mismatch = DTypeMismatch {
        want: DType::F64,
        found: DType::F32,
    };
    broken_by(narrow, mismatch, step);
    let twice = |kernel: &mut Kernel| {
        called(AccOp::ArgMin, vec![IN])(kernel);
        kernel.steps.push(kernel.steps[2].clone());
    };
    broken_by(twice, NotOnce { times: 2 }, VerifyPlace::Kernel);
    broken_by(
        |kernel| kernel.accumulators[0].op = AccOp::ArgMax,
        WrongAccumulate { acc: 0 },
        VerifyPlace::Loop { step: 1, op: 3 },
    );
    let no_word = |kernel: &mut Kernel| {
        kernel.results[0] = ResultKind::Reduced {
            acc: 0,
            word: 1,
            dtype: DType::F64,
        };
    };
    broken_by(no_word, VerifyErrorKind::UnknownPlace, VerifyPlace::Kernel);
}

#[test]
fn each_result_is_written_once() {
    use VerifyErrorKind::{NotOnce, NotReducible, UnknownPlace, UnsupportedDType, WrongSlotSize};
    let place = VerifyPlace::Kernel;
    broken_by(|k| k.outputs.push(DType::F64), NotOnce { times: 0 }, place);
    broken_by(
        |k| k.steps.push(Step::Loop(vec![load(IN), store(OUT, 0)])),
        NotOnce { times: 2 },
        place,
    );
    broken_by(
        |k| k.accumulators.push(k.accumulators[0]),
        NotOnce { times: 0 },
        place,
    );
    broken_by(
        |k| k.results.push(ResultKind::Array(1)),
        UnknownPlace,
        place,
    );
    broken_by(|k| k.slots[0] = 3, WrongSlotSize { size: 3 }, place);
    broken_by(
        |k| k.outputs[0] = DType::C64,
        UnsupportedDType { dtype: DType::C64 },
        place,
    );
    broken_by(
        |k| k.accumulators[0].dtype = DType::Bool,
        NotReducible { dtype: DType::Bool },
        place,
    );
}
