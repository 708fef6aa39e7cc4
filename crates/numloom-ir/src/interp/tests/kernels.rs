//! Whole kernels against naive loops.

use numloom_data::{DType, Scalar};
use numloom_syntax::Span;

use super::{Random, bytes, elements};
use crate::fault::{Fault, FaultCode};
use crate::interp::{Block, Interpreter, Rows};
use crate::kernel::{
    AccOp, Accumulator, CallStep, Form, InputClass, Kernel, KernelInput, LoopInst, LoopOp,
    MAX_BLOCK, Place, Step, V,
};
use crate::op::{CastMode, Op};
use crate::program::Value;
use crate::reduce::LANES;

fn input(dtype: DType, class: InputClass) -> KernelInput {
    KernelInput { dtype, class }
}

fn load(place: Place, dtype: DType) -> LoopInst {
    LoopInst {
        op: LoopOp::Load(place),
        dtype,
    }
}

fn apply(op: Op, args: &[u32], dtype: DType) -> LoopInst {
    let args = args.iter().map(|&arg| V(arg)).collect();
    LoopInst {
        op: LoopOp::Apply { op, args },
        dtype,
    }
}

fn store(place: Place, value: u32, dtype: DType) -> LoopInst {
    LoopInst {
        op: LoopOp::Store {
            place,
            value: V(value),
        },
        dtype,
    }
}

fn accumulate(acc: u32, value: u32, dtype: DType) -> LoopInst {
    LoopInst {
        op: LoopOp::Accumulate {
            acc,
            value: V(value),
        },
        dtype,
    }
}

fn constant(scalar: Scalar) -> LoopInst {
    let dtype = scalar.dtype();
    LoopInst {
        op: LoopOp::Const(scalar),
        dtype,
    }
}

fn call(op: Op, from: DType, to: DType, args: &[Place], dst: Place) -> Step {
    Step::Call(CallStep {
        op,
        from,
        to,
        args: args.iter().map(|&place| place.into()).collect(),
        dst,
        inst: Value(0),
        span: Span::default(),
    })
}

fn kernel(
    inputs: Vec<KernelInput>,
    outputs: &[DType],
    slots: &[usize],
    steps: Vec<Step>,
) -> Kernel {
    Kernel {
        inputs,
        outputs: outputs.to_vec(),
        accumulators: Vec::new(),
        form: Form::default(),
        slots: slots.to_vec(),
        steps,
        results: Vec::new(),
    }
}

/// Runs a kernel over `n` elements, `size` at a time with one interpreter; returns its outputs, lanes and fault.
fn run(
    kernel: &Kernel,
    inputs: &[&[u8]],
    n: usize,
    size: usize,
) -> (Vec<Vec<u8>>, Vec<u64>, Fault) {
    let mut interpreter = Interpreter::new(kernel);
    let mut outputs: Vec<_> = kernel
        .outputs
        .iter()
        .map(|dtype| vec![0xee; n * dtype.itemsize()])
        .collect();
    let mut lanes = vec![0; kernel.accumulators.len() * LANES];
    for (acc, lanes) in kernel.accumulators.iter().zip(lanes.chunks_mut(LANES)) {
        acc.reset(lanes, LANES);
    }
    let mut fault = Fault::NONE;
    for start in (0..n).step_by(size) {
        let end = n.min(start + size);
        let part = |dtype: DType| start * dtype.itemsize()..end * dtype.itemsize();
        let inputs: Vec<&[u8]> = kernel
            .inputs
            .iter()
            .zip(inputs)
            .map(|(input, all)| match input.class {
                _ if all.is_empty() => *all,
                InputClass::Contiguous => &all[part(input.dtype)],
                InputClass::Scalar => *all,
            })
            .collect();
        let mut outputs: Vec<&mut [u8]> = kernel
            .outputs
            .iter()
            .zip(&mut outputs)
            .map(|(&dtype, all)| &mut all[part(dtype)])
            .collect();
        interpreter.run(
            kernel,
            Block {
                n: end - start,
                index: start as u64,
                rows: Rows::ONE,
                inputs: &inputs,
                outputs: &mut outputs,
                accumulators: &mut lanes,
                fault: &mut fault,
            },
        );
    }
    (outputs, lanes, fault)
}

/// `sin(a * s + 0.5)` with `s` a scalar, and `where(a > 0, a, out0)`: loops, a call between, slots and outputs read back.
fn two_outputs() -> Kernel {
    let f64 = DType::F64;
    let (a, s) = (Place::Input(0), Place::Input(1));
    kernel(
        vec![
            input(f64, InputClass::Contiguous),
            input(f64, InputClass::Scalar),
            input(DType::I8, InputClass::Contiguous),
        ],
        &[f64, f64],
        &[8],
        vec![
            Step::Loop(vec![
                load(a, f64),
                load(s, f64),
                apply(Op::Mul, &[0, 1], f64),
                constant(Scalar::F64(0.5)),
                apply(Op::Add, &[2, 3], f64),
                store(Place::Slot(0), 4, f64),
            ]),
            call(Op::Sin, f64, f64, &[Place::Slot(0)], Place::Output(0)),
            Step::Loop(vec![
                load(a, f64),
                constant(Scalar::F64(0.0)),
                apply(Op::Gt, &[0, 1], DType::Bool),
                load(Place::Output(0), f64),
                apply(Op::Select, &[2, 0, 3], f64),
                store(Place::Output(1), 4, f64),
            ]),
        ],
    )
}

#[test]
fn blocks_of_any_size_give_what_a_naive_loop_gives() {
    let kernel = two_outputs();
    let n = 2500;
    let a: Vec<f64> = (0..n).map(|i| f64::from(i).sqrt() - 20.0).collect();
    let mut want = [vec![0.0; a.len()], Vec::new()];
    for (sin, a) in want[0].iter_mut().zip(&a) {
        numloom_math::sin_f64(
            numloom_math::Isa::best(),
            std::slice::from_mut(sin),
            &[a * 3.0 + 0.5],
        );
    }
    want[1] = a
        .iter()
        .zip(&want[0])
        .map(|(&a, &sin)| if a > 0.0 { a } else { sin })
        .collect();
    // The third input is never loaded, so it may be absent.
    let inputs: [&[u8]; 3] = [&bytes(&a), &bytes(&[3.0f64]), &[]];
    for size in [1, 7, 16, 1000, MAX_BLOCK] {
        let (got, _, fault) = run(&kernel, &inputs, a.len(), size);
        assert_eq!(got[0], bytes(&want[0]), "in blocks of {size}");
        assert_eq!(got[1], bytes(&want[1]), "in blocks of {size}");
        assert!(!fault.is_some());
    }
}

#[test]
fn no_elements_are_no_work() {
    let mut fault = Fault::NONE;
    let kernel = two_outputs();
    Interpreter::new(&kernel).run(
        &kernel,
        Block {
            n: 0,
            index: 0,
            rows: Rows::ONE,
            inputs: &[&[], &bytes(&[1.0f64]), &[]],
            outputs: &mut [&mut [], &mut []],
            accumulators: &mut [],
            fault: &mut fault,
        },
    );
    assert!(!fault.is_some());
}

#[test]
fn a_loaded_value_stays_when_its_place_is_written() {
    let i16 = DType::I16;
    let (slot, out) = (Place::Slot(0), Place::Output(0));
    let kernel = kernel(
        vec![input(i16, InputClass::Contiguous)],
        &[i16],
        &[2],
        vec![
            Step::Loop(vec![load(Place::Input(0), i16), store(slot, 0, i16)]),
            Step::Loop(vec![
                load(slot, i16),
                apply(Op::Neg, &[0], i16),
                store(slot, 1, i16),
                load(slot, i16),
                apply(Op::Sub, &[0, 3], i16),
                store(out, 4, i16),
            ]),
        ],
    );
    let x = bytes(&[1i16, -5, 700]);
    let (got, _, _) = run(&kernel, &[&x], 3, 3);
    assert_eq!(elements::<i16>(&got[0]), [2, -10, 1400]);
}

#[test]
fn bools_are_0_or_1_once_loaded() {
    let bool = DType::Bool;
    let kernel = kernel(
        vec![
            input(bool, InputClass::Contiguous),
            input(bool, InputClass::Scalar),
        ],
        &[bool, bool],
        &[],
        vec![Step::Loop(vec![
            load(Place::Input(0), bool),
            store(Place::Output(0), 0, bool),
            load(Place::Input(1), bool),
            store(Place::Output(1), 2, bool),
        ])],
    );
    let (got, _, _) = run(&kernel, &[&[0, 1, 2, 255], &[7]], 4, 4);
    assert_eq!(got, [[0, 1, 1, 1], [1, 1, 1, 1]]);
}

#[test]
fn lanes_take_their_elements_in_order() {
    let mut random = Random(9);
    let dtypes = [
        DType::I8,
        DType::U16,
        DType::I32,
        DType::I64,
        DType::U64,
        DType::F32,
        DType::F64,
    ];
    for dtype in dtypes {
        for op in [AccOp::Sum, AccOp::Prod, AccOp::Min, AccOp::Max] {
            let acc = Accumulator { op, dtype };
            let mut kernel = kernel(
                vec![input(dtype, InputClass::Contiguous)],
                &[],
                &[],
                // The first accumulator is another, so that the second's place matters.
                vec![Step::Loop(vec![
                    constant(Scalar::I64(1)),
                    accumulate(0, 0, DType::I64),
                    load(Place::Input(0), dtype),
                    accumulate(1, 2, dtype),
                ])],
            );
            kernel.accumulators = vec![
                Accumulator {
                    op: AccOp::Sum,
                    dtype: DType::I64,
                },
                acc,
            ];
            for n in [0, 1, 5, LANES, LANES + 1, 1000] {
                let x = random.block(dtype, n);
                let mut want = [acc.identity(0); LANES];
                for (i, element) in x.chunks_exact(dtype.itemsize()).enumerate() {
                    let bits = Scalar::read(dtype, element).bits() as u64;
                    let lane = i % LANES;
                    acc.combine(&mut want[lane..=lane], &[bits]);
                }
                for size in [LANES, 3 * LANES, MAX_BLOCK] {
                    let (_, lanes, _) = run(&kernel, &[&x], n, size);
                    let (count, lanes) = lanes.split_at(LANES);
                    let mut total = [0];
                    kernel.accumulators[0].combine_lanes(count, &mut total);
                    assert_eq!(total, [n as u64]);
                    let lanes: &[u8] = bytemuck::cast_slice(lanes);
                    for (got, want) in lanes.chunks_exact(dtype.itemsize()).zip(want) {
                        let got = Scalar::read(dtype, got);
                        let want = Scalar::from_bits(dtype, want.into());
                        let nans = got.as_f64().is_some_and(f64::is_nan)
                            && want.as_f64().is_some_and(f64::is_nan);
                        assert!(
                            got == want || nans,
                            "{op:?} {dtype}, {n} by {size}: {got} {want}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn bool_lanes_hold_the_least_and_the_greatest() {
    for (op, want) in [(AccOp::Min, 0), (AccOp::Max, 1)] {
        let mut kernel = kernel(
            vec![input(DType::Bool, InputClass::Contiguous)],
            &[],
            &[],
            vec![Step::Loop(vec![
                load(Place::Input(0), DType::Bool),
                accumulate(0, 0, DType::Bool),
            ])],
        );
        kernel.accumulators = vec![Accumulator {
            op,
            dtype: DType::Bool,
        }];
        let (_, lanes, _) = run(&kernel, &[&[1, 0, 2]], 3, 3);
        let mut partial = [7];
        kernel.combine_lanes(&lanes, &mut partial);
        assert_eq!(partial, [want]);
    }
}

#[test]
fn the_fault_with_the_lowest_index_stays_then_that_of_the_earliest_instruction() {
    let (i32, u8) = (DType::I32, DType::U8);
    let x = Place::Input(0);
    let checked = Op::Cast(CastMode::Checked);
    let mut kernel = kernel(
        vec![input(i32, InputClass::Contiguous)],
        &[i32, u8],
        &[],
        vec![
            call(Op::Pow, i32, i32, &[x, x], Place::Output(0)),
            call(checked, i32, u8, &[x], Place::Output(1)),
        ],
    );
    // -1 faults in both steps, 300 in the second only.
    let cases: [(&[i32], [u32; 2], u64, FaultCode); 3] = [
        (&[1, 2, -1, 300], [4, 5], 2, FaultCode::NegativePower),
        (&[1, 2, -1, 300], [5, 4], 2, FaultCode::CastOutOfRange),
        (&[1, 300, 3, -1], [4, 5], 1, FaultCode::CastOutOfRange),
    ];
    for (x, insts, index, code) in cases {
        for (step, inst) in kernel.steps.iter_mut().zip(insts) {
            let Step::Call(call) = step else {
                unreachable!("both steps are calls")
            };
            call.inst = Value(inst);
        }
        let inst = insts[usize::from(code == FaultCode::CastOutOfRange)];
        for size in [1, 3, 4] {
            let (got, _, fault) = run(&kernel, &[&bytes(x)], 4, size);
            assert_eq!(
                (fault.index, fault.inst, fault.kind()),
                (index, inst, Some(code))
            );
            assert_eq!(
                elements::<i32>(&got[0])[0],
                1,
                "elements without fault are computed"
            );
        }
    }
}

#[test]
#[should_panic(expected = "a block holds at most 1024 elements, not 1025")]
fn a_block_that_is_too_long_is_refused() {
    let x = bytes(&[0.0f64; MAX_BLOCK + 1]);
    run(
        &two_outputs(),
        &[&x, &bytes(&[1.0f64]), &[]],
        MAX_BLOCK + 1,
        MAX_BLOCK + 1,
    );
}

#[test]
#[should_panic(expected = "input 0 holds 0 bytes, not 24")]
fn a_loaded_input_without_elements_is_refused() {
    run(&two_outputs(), &[&[], &bytes(&[1.0f64]), &[]], 3, 3);
}

#[test]
#[should_panic(expected = "output 1 holds 16 bytes, not 8")]
fn an_output_of_another_length_is_refused() {
    let kernel = two_outputs();
    Interpreter::new(&kernel).run(
        &kernel,
        Block {
            n: 1,
            index: 0,
            rows: Rows::ONE,
            inputs: &[&[0; 8], &[0; 8], &[]],
            outputs: &mut [&mut [0; 8], &mut [0; 16]],
            accumulators: &mut [],
            fault: &mut Fault::NONE.clone(),
        },
    );
}
