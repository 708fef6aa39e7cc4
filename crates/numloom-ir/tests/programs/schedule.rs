//! The schedule: loops and calls in their order, slots without conflicts, results where they belong.

use std::collections::HashMap;

use numloom_data::{DType, Scalar};
use numloom_ir::{
    AccOp, Builder, CallArg, CastMode, Form, InputClass, InstKind, Kernel, LoopInst, LoopOp, Op,
    Place, Program, Reduction, ResultKind, Step, Value, opt, schedule, verify_kernel,
};
use proptest::prelude::*;

use crate::support::{agree, classes, data, naive, programs, scheduled};

/// What a value is, without asking where it lies: equal numbers are equal terms.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Term {
    Input(u32),
    Const(Scalar),
    Apply(Op, DType, Vec<usize>),
}

#[derive(Default)]
struct Terms(HashMap<Term, usize>);

impl Terms {
    fn number(&mut self, term: Term) -> usize {
        let next = self.0.len();
        *self.0.entry(term).or_insert(next)
    }

    /// The terms of a program's values; none for reductions.
    fn of_program(&mut self, prog: &Program) -> Vec<Option<usize>> {
        let mut terms: Vec<Option<usize>> = Vec::new();
        for inst in &prog.insts {
            let term = match &inst.kind {
                InstKind::Input(i) => Term::Input(*i),
                InstKind::Const(scalar) => Term::Const(scalar.clone()),
                InstKind::Apply { op, args } => {
                    let args = args.iter().map(|arg| terms[arg.index()].unwrap());
                    Term::Apply(*op, inst.dtype, args.collect())
                }
                InstKind::Reduce(_) | InstKind::Count { .. } => {
                    terms.push(None);
                    continue;
                }
            };
            terms.push(Some(self.number(term)));
        }
        terms
    }

    /// The terms that a kernel's outputs and accumulators get, with slots as the memory they are.
    fn of_kernel(&mut self, kernel: &Kernel) -> (Vec<usize>, Vec<usize>) {
        let mut outputs = vec![usize::MAX; kernel.outputs.len()];
        let mut accumulators = vec![usize::MAX; kernel.accumulators.len()];
        let mut slots = vec![usize::MAX; kernel.slots.len()];
        for step in &kernel.steps {
            match step {
                Step::Call(call) => {
                    let args = call.args.iter().map(|arg| match arg {
                        CallArg::Place(Place::Input(i)) => self.number(Term::Input(*i)),
                        CallArg::Place(Place::Slot(i)) => slots[*i as usize],
                        CallArg::Place(Place::Output(_)) => panic!("a call reads an output"),
                        CallArg::Bytes(bytes) => self.number(Term::Const(Scalar::from(&bytes[..]))),
                    });
                    let term = Term::Apply(call.op, call.to, args.collect());
                    let term = self.number(term);
                    match call.dst {
                        Place::Slot(i) => slots[i as usize] = term,
                        Place::Output(i) => outputs[i as usize] = term,
                        Place::Input(_) => panic!("a call writes an input"),
                    }
                }
                Step::Accumulate(step) => {
                    accumulators[step.acc as usize] = match step.args[0] {
                        Place::Input(i) => self.number(Term::Input(i)),
                        Place::Slot(i) => slots[i as usize],
                        Place::Output(_) => panic!("an accumulator reads an output"),
                    };
                }
                Step::Loop(body) => {
                    let mut values: Vec<usize> = Vec::new();
                    for LoopInst { op, dtype } in body {
                        let term = match op {
                            LoopOp::Load(Place::Input(i)) => self.number(Term::Input(*i)),
                            LoopOp::Load(Place::Slot(i)) => slots[*i as usize],
                            LoopOp::Load(Place::Output(_)) => panic!("a loop reads an output"),
                            LoopOp::Const(scalar) => self.number(Term::Const(scalar.clone())),
                            LoopOp::Apply { op, args } => {
                                let args = args.iter().map(|v| values[v.index()]).collect();
                                self.number(Term::Apply(*op, *dtype, args))
                            }
                            LoopOp::Store { place, value } => {
                                let term = values[value.index()];
                                match place {
                                    Place::Slot(i) => slots[*i as usize] = term,
                                    Place::Output(i) => outputs[*i as usize] = term,
                                    Place::Input(_) => panic!("a loop writes an input"),
                                }
                                usize::MAX
                            }
                            LoopOp::Accumulate { acc, value } => {
                                accumulators[*acc as usize] = values[value.index()];
                                usize::MAX
                            }
                        };
                        values.push(term);
                    }
                }
            }
        }
        (outputs, accumulators)
    }
}

/// The terms that the program's outputs ask for, against those that the kernel delivers.
fn delivers(prog: &Program, kernel: &Kernel) -> Result<(), TestCaseError> {
    let mut terms = Terms::default();
    let values = terms.of_program(prog);
    let (outputs, accumulators) = terms.of_kernel(kernel);
    prop_assert_eq!(kernel.results.len(), prog.outputs.len());
    for (output, result) in prog.outputs.iter().zip(&kernel.results) {
        let inst = prog.inst(output.value);
        match (&inst.kind, result) {
            (InstKind::Reduce(reduce), ResultKind::Reduced { acc, dtype, .. }) => {
                let (reduction, arg) = (&reduce.reduction, &reduce.args[0]);
                let mut want = values[arg.index()].unwrap();
                let accumulator = kernel.accumulators[*acc as usize];
                if accumulator.dtype != prog.dtype(*arg) {
                    let cast = Op::Cast(CastMode::Wrap);
                    want = terms.number(Term::Apply(cast, accumulator.dtype, vec![want]));
                }
                prop_assert_eq!(accumulator.dtype, reduction.accumulator(prog.dtype(*arg)));
                prop_assert_eq!(accumulators[*acc as usize], want);
                prop_assert_eq!(*dtype, inst.dtype);
            }
            (_, ResultKind::Array(i)) => {
                prop_assert_eq!(Some(outputs[*i as usize]), values[output.value.index()]);
                prop_assert_eq!(kernel.outputs[*i as usize], inst.dtype);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
    Ok(())
}

/// The most block operations on a way from an input to `value`, for each value.
fn levels(prog: &Program) -> Vec<usize> {
    let mut levels: Vec<usize> = Vec::new();
    for inst in &prog.insts {
        let below = inst.operands().iter().map(|arg| levels[arg.index()]).max();
        let block = match &inst.kind {
            InstKind::Apply { op, args } => {
                op.is_block(prog.dtype(args[args.len() - 1]), inst.dtype)
            }
            _ => false,
        };
        levels.push(below.unwrap_or(0) + usize::from(block));
    }
    levels
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn kernels_deliver_what_programs_ask_for(prog in programs(60), choice: u16) {
        let kernel = schedule(&prog, &classes(&prog, choice), Form::Lanes);
        prop_assert_eq!(verify_kernel(&kernel), Ok(()), "{}", kernel);
        delivers(&prog, &kernel)?;
    }

    #[test]
    fn kernels_compute_what_programs_say(prog in programs(40), seed in 0usize..97, choice: u16) {
        let classes = classes(&prog, choice);
        let data = data(&prog, &classes, 53, seed);
        let want = naive(&prog, &data, 53);
        let got = scheduled(&prog, &classes, &data, 53, 16);
        prop_assert!(agree(&got, &want), "{prog}\n{got:?}\n{want:?}");
    }

    #[test]
    fn there_is_one_loop_a_level_and_one_call_a_block_operation(prog in programs(60), choice: u16) {
        let prog = opt::run(&prog);
        let kernel = schedule(&prog, &classes(&prog, choice), Form::Lanes);
        let levels = levels(&prog);
        let deepest = levels.iter().max().copied().unwrap_or(0);
        let loops = kernel.steps.iter().filter(|step| matches!(step, Step::Loop(_))).count();
        prop_assert!(loops <= deepest + 1, "{loops} loops for {deepest} levels");
        let calls = kernel.steps.iter().filter(|step| matches!(step, Step::Call(_))).count();
        let blocks = (prog.insts.iter().zip(&levels)).filter(|(inst, level)| {
            let below = inst.operands().iter().map(|arg| levels[arg.index()]).max();
            **level > below.unwrap_or(0)
        });
        prop_assert_eq!(calls, blocks.count());
    }
}

#[track_caller]
fn kernel(prog: &str, classes: &[InputClass]) -> Kernel {
    let prog = Program::parse(prog).unwrap_or_else(|error| panic!("{error}"));
    let kernel = schedule(&prog, classes, Form::Lanes);
    assert_eq!(verify_kernel(&kernel), Ok(()), "{kernel}");
    delivers(&prog, &kernel).unwrap_or_else(|error| panic!("{error}"));
    kernel
}

const BLOCK: InputClass = InputClass::Contiguous;
const ONE: InputClass = InputClass::Scalar;

#[test]
fn elementwise_operations_are_one_loop() {
    let kernel = kernel(
        "input a: f64
         input b: f64
         %0 = input 0 : f64
         %1 = input 1 : f64
         %2 = mul %0 %1 : f64
         %3 = add %2 %0 : f64
         %4 = lt %0 %1 : bool
         out = %3
         out = %4",
        &[BLOCK, ONE],
    );
    let want = "\
in0: f64 contiguous
in1: f64 scalar
out0: f64
out1: bool
loop {
  v0 = load in0 : f64
  v1 = load in1 : f64
  v2 = mul v0 v1 : f64
  v3 = add v2 v0 : f64
  v4 = lt v0 v1 : bool
  store out0 v3 : f64
  store out1 v4 : bool
}
result out0
result out1
";
    assert_eq!(kernel.to_string(), want);
}

#[test]
fn a_call_between_contiguous_input_and_output_needs_no_slot() {
    let kernel = kernel(
        "input a: f32\n %0 = input 0 : f32\n %1 = sin %0 : f32\n out = %1",
        &[BLOCK],
    );
    let want = "\
in0: f32 contiguous
out0: f32
call sin in0 -> out0 : f32 -> f32
result out0
";
    assert_eq!(kernel.to_string(), want);
}

#[test]
fn loops_and_calls_take_turns() {
    let kernel = kernel(
        "input a: f64
         input b: f64
         %0 = input 0 : f64
         %1 = input 1 : f64
         %2 = mul %0 %0 : f64
         %3 = sin %2 : f64
         %4 = add %3 %2 : f64
         %5 = exp %4 : f64
         %6 = sub %5 %1 : f64
         %7 = max %2 : f64
         out = %6
         out = %7",
        &[BLOCK, BLOCK],
    );
    let want = "\
in0: f64 contiguous
in1: f64 contiguous
out0: f64
acc0: max f64 lanes
slot0: 8 bytes
slot1: 8 bytes
slot2: 8 bytes
loop {
  v0 = load in0 : f64
  v1 = mul v0 v0 : f64
  store slot0 v1 : f64
  accumulate acc0 v1 : f64
}
call sin slot0 -> slot1 : f64 -> f64
loop {
  v0 = load slot1 : f64
  v1 = load slot0 : f64
  v2 = add v0 v1 : f64
  store slot2 v2 : f64
}
call exp slot2 -> slot1 : f64 -> f64
loop {
  v0 = load slot1 : f64
  v1 = load in1 : f64
  v2 = sub v0 v1 : f64
  store out0 v2 : f64
}
result out0
result acc0 : f64
";
    assert_eq!(kernel.to_string(), want);
}

#[test]
fn a_scalar_is_spread_once_for_all_its_calls() {
    let kernel = kernel(
        "input a: f64
         input s: f64
         %0 = input 0 : f64
         %1 = input 1 : f64
         %2 = const 2.0 : f64
         %3 = atan2 %0 %1 : f64
         %4 = atan2 %3 %1 : f64
         %5 = pow %4 %2 : f64
         %6 = pow %5 %1 : f64
         out = %6",
        &[BLOCK, ONE],
    );
    let want = "\
in0: f64 contiguous
in1: f64 scalar
out0: f64
slot0: 8 bytes
slot1: 8 bytes
slot2: 8 bytes
slot3: 8 bytes
loop {
  v0 = load in1 : f64
  store slot0 v0 : f64
}
call atan2 in0 slot0 -> slot1 : f64 -> f64
call atan2 slot1 slot0 -> slot2 : f64 -> f64
loop {
  v0 = const 2.0 : f64
  store slot1 v0 : f64
}
call pow slot2 slot1 -> slot3 : f64 -> f64
call pow slot3 slot0 -> out0 : f64 -> f64
result out0
";
    assert_eq!(kernel.to_string(), want);
}

#[test]
fn a_value_handed_out_twice_is_computed_once() {
    let kernel = kernel(
        "input a: f64
         %0 = input 0 : f64
         %1 = exp %0 : f64
         %2 = neg %0 : f64
         out = %1
         out again = %1
         out = %2
         out = %2
         out = %0",
        &[BLOCK],
    );
    let calls = kernel
        .steps
        .iter()
        .filter(|step| matches!(step, Step::Call(_)));
    assert_eq!(calls.count(), 1);
    assert_eq!(kernel.results, [0, 1, 2, 3, 4].map(ResultKind::Array));
    assert_eq!(kernel.slots, [8]);
}

#[test]
fn constants_and_inputs_are_results_too() {
    let kernel = kernel(
        "input a: i16
         %0 = input 0 : i16
         %1 = const 7 : u8
         %2 = sum %1 : u64
         out = %1
         out = %0
         out = %2",
        &[ONE],
    );
    let want = "\
in0: i16 scalar
out0: u8
out1: i16
acc0: sum u64 lanes
loop {
  v0 = const 7 : u8
  store out0 v0 : u8
  v2 = load in0 : i16
  store out1 v2 : i16
  v4 = cast v0 : u64
  accumulate acc0 v4 : u64
}
result out0
result out1
result acc0 : u64
";
    assert_eq!(kernel.to_string(), want);
}

#[test]
fn reductions_that_accumulate_the_same_share() {
    let kernel = kernel(
        "input a: f64
         input n: i32
         %0 = input 0 : f64
         %1 = input 1 : i32
         %2 = sum %0 : f64
         %3 = sum %0 : f64
         %4 = sum %1 : i64
         %5 = max %1 : i32
         %6 = sum %0 : f64
         out = %2
         out = %3
         out = %4
         out = %5
         out = %6",
        &[BLOCK, BLOCK],
    );
    let accumulators: Vec<_> = (kernel.accumulators.iter())
        .map(|acc| (acc.op, acc.dtype))
        .collect();
    assert_eq!(
        accumulators,
        [
            (AccOp::Sum, DType::F64),
            (AccOp::Sum, DType::I64),
            (AccOp::Max, DType::I32),
        ]
    );
    let shared: Vec<_> = (kernel.results.iter())
        .map(|result| match result {
            ResultKind::Reduced { acc, .. } => *acc,
            ResultKind::Array(_) => panic!("no arrays here"),
        })
        .collect();
    assert_eq!(shared, [0, 0, 1, 2, 0]);
}

#[test]
fn what_loops_cannot_accumulate_is_called() {
    let kernel = kernel(
        "input a: f64
         input n: i32
         %0 = input 0 : f64
         %1 = input 1 : i32
         %2 = mul %0 %0 : f64
         %3 = argmin %2 : i64
         %4 = m2 %1 : f64
         %5 = m2 %1 : f64
         %6 = argmax %0 : i64
         %7 = exp %2 : f64
         %8 = argmax %7 : i64
         %9 = sum %2 : f64
         out = %3
         out = %4
         out = %5
         out = %6
         out = %8
         out = %9",
        &[BLOCK, InputClass::Scalar],
    );
    let want = "\
in0: f64 contiguous
in1: i32 scalar
acc0: argmin f64 lanes
acc1: moments f64 lanes
acc2: argmax f64 lanes
acc3: argmax f64 lanes
acc4: sum f64 lanes
slot0: 8 bytes
slot1: 8 bytes
loop {
  v0 = load in0 : f64
  v1 = mul v0 v0 : f64
  store slot0 v1 : f64
  v3 = load in1 : i32
  v4 = cast v3 : f64
  accumulate acc1 v4 : f64
  accumulate acc4 v1 : f64
}
accumulate acc0 slot0
accumulate acc2 in0
call exp slot0 -> slot1 : f64 -> f64
accumulate acc3 slot1
result acc0.1 : i64
result acc1.2 : f64
result acc1.2 : f64
result acc2.1 : i64
result acc3.1 : i64
result acc4 : f64
";
    assert_eq!(kernel.to_string(), want);
}

#[test]
fn what_no_output_needs_is_left_out() {
    let kernel = kernel(
        "input a: f64
         input b: f64
         %0 = input 0 : f64
         %1 = input 1 : f64
         %2 = exp %1 : f64
         %3 = sin %2 : f64
         %4 = neg %0 : f64
         out = %4",
        &[BLOCK, ONE],
    );
    assert!(!kernel.has_calls());
    assert_eq!(kernel.steps.len(), 1);
    assert_eq!(kernel.inputs.len(), 2);
}

#[test]
fn slots_are_used_again_by_size() {
    let mut b = Builder::new();
    let mut value = b.input("a", DType::F64);
    for _ in 0..50 {
        value = b.apply(Op::Exp, &[value]);
        value = b.apply(Op::Neg, &[value]);
    }
    let mut narrow = b.cast(Op::Cast(CastMode::Wrap), value, DType::F32);
    for _ in 0..50 {
        narrow = b.apply(Op::Exp, &[narrow]);
    }
    b.output(None, narrow);
    let kernel = schedule(&b.finish(), &[BLOCK], Form::Lanes);
    assert_eq!(verify_kernel(&kernel), Ok(()));
    let count = |size| kernel.slots.iter().filter(|slot| **slot == size).count();
    assert_eq!((count(8), count(4), kernel.slots.len()), (2, 2, 4));
}

#[test]
#[should_panic(expected = "one class for each input")]
fn classes_are_one_for_each_input() {
    let mut b = Builder::new();
    let a = b.input("a", DType::F64);
    b.output(None, a);
    schedule(&b.finish(), &[], Form::Lanes);
}

/// A hundred thousand operations in a chain, with a block operation every `every`.
fn chain(every: usize) -> Program {
    let mut b = Builder::new();
    let mut value = b.input("a", DType::F64);
    let c = b.constant(Scalar::F64(1.5));
    for i in 0..100_000 {
        value = match i % every {
            0 => b.apply(Op::Hypot, &[value, c]),
            _ => b.apply(Op::Add, &[value, c]),
        };
    }
    b.output(None, value);
    let total = b.reduce(Reduction::Sum, value);
    b.output(None, total);
    b.finish()
}

/// Block operations side by side, their results of two sizes used in reverse order.
fn wide(n: u32) -> Program {
    let mut b = Builder::new();
    let a = b.input("a", DType::I64);
    let small = b.input("b", DType::I8);
    let made: Vec<(Value, Value)> = (0..n)
        .map(|i| {
            let c = b.constant(Scalar::I64(i64::from(i) + 3));
            let quotient = b.apply(Op::FloorDiv, &[a, c]);
            (quotient, b.apply(Op::Pow, &[small, small]))
        })
        .collect();
    let (mut x, mut y) = (a, small);
    for (quotient, power) in made.into_iter().rev() {
        x = b.apply(Op::Rem, &[x, quotient]);
        y = b.apply(Op::Xor, &[y, power]);
    }
    b.output(None, x);
    b.output(None, y);
    b.finish()
}

#[test]
fn a_hundred_thousand_instructions_are_scheduled_in_linear_time() {
    // Quadratic work would take 10^10 steps here, and recursion overflow the stack.
    let work = || {
        for every in [usize::MAX, 3] {
            let kernel = schedule(&chain(every), &[BLOCK], Form::Lanes);
            assert_eq!(verify_kernel(&kernel), Ok(()));
            assert!(kernel.slots.len() <= 4, "{} slots", kernel.slots.len());
        }
        let kernel = schedule(&wide(20_000), &[BLOCK, BLOCK], Form::Lanes);
        assert_eq!(verify_kernel(&kernel), Ok(()));
        assert_eq!(
            kernel
                .steps
                .iter()
                .filter(|step| matches!(step, Step::Call(_)))
                .count(),
            60_000
        );
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    thread.spawn(work).unwrap().join().unwrap();
}
