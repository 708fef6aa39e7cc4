//! Interpreter and machine code, optimised and not, on one program over one block: the same bits, the same fault.
//!
//! Inputs and outputs lie against pages that may not be touched, at every alignment that the length leaves, so that code which reads or
//! writes past an end dies here.

use std::sync::Arc;

use numloom_data::{DType, Scalar};
use numloom_ir::interp::{Block, Interpreter, Rows};
use numloom_ir::{Fault, Form, InputClass, Kernel, MAX_BLOCK, Program, ResultKind, opt, schedule};
use numloom_jit::{Generator, JitErrorKind, NativeKernel, Target};

use crate::choices::Choices;
use crate::compare::{Measure, same};
use crate::generate::{self, Size, Spice};
use crate::guard::{Edge, Guarded};

/// A program and a block of data drawn from the bytes, through every engine.
///
/// # Panics
/// If two engines, or the optimised and the unoptimised program, disagree.
pub fn differential(data: &[u8]) {
    let mut choices = Choices::new(data);
    let edge = if choices.chance(50) {
        Edge::Start
    } else {
        Edge::End
    };
    let n = match choices.below(8) {
        0 => MAX_BLOCK - choices.below(3),
        _ => choices.below(135),
    };
    let prog = generate::program(&mut choices, Size::default());
    let classes: Vec<InputClass> = prog
        .inputs
        .iter()
        .map(|_| {
            if choices.chance(25) {
                InputClass::Scalar
            } else {
                InputClass::Contiguous
            }
        })
        .collect();
    let spice = if choices.chance(25) {
        Spice::Mild
    } else {
        Spice::Hot
    };
    let inputs: Vec<Guarded> = prog
        .inputs
        .iter()
        .zip(&classes)
        .map(|(input, class)| {
            let len = if *class == InputClass::Scalar { 1 } else { n };
            let array = generate::array(&mut choices, input.dtype, &[len], spice);
            Guarded::copy_of(array.as_bytes(), edge)
        })
        .collect();
    compare_engines(&prog, &classes, &inputs, n, edge);
}

/// What one engine made of a block.
struct Answer {
    /// For each output of the program its elements, or the reduced value of the block.
    outputs: Vec<Vec<Scalar>>,
    fault: Fault,
}

fn compare_engines(
    prog: &Program,
    classes: &[InputClass],
    inputs: &[Guarded],
    n: usize,
    edge: Edge,
) {
    let target = Target::host().expect("differential tests run where there is a backend");
    let optimized = opt::run(prog);
    let raw = Arc::new(schedule(prog, classes, Form::Lanes));
    let tuned = Arc::new(schedule(&optimized, classes, Form::Lanes));
    let native = |kernel: &Arc<Kernel>, generator: Generator| match NativeKernel::compile_with(
        generator,
        Arc::clone(kernel),
        &target,
    ) {
        Ok(native) => native,
        Err(error) => {
            if let JitErrorKind::Unsupported {
                op: Some(op),
                dtype,
                ..
            } = error.kind()
            {
                let listed = numloom_jit::UNSUPPORTED
                    .iter()
                    .any(|(o, d, _)| o == op && d.contains(dtype));
                assert!(
                    !listed,
                    "the list of what machine code lacks is not empty: skip it here, loudly"
                );
            }
            panic!("{error}\n{kernel}")
        }
    };
    let interpret = |kernel: &Kernel| {
        let mut interpreter = Interpreter::new(kernel);
        answer(kernel, inputs, n, edge, |block| {
            interpreter.run(kernel, block)
        })
    };
    let compiled = |kernel: &Arc<Kernel>, generator: Generator| {
        let native = native(kernel, generator);
        answer(kernel, inputs, n, edge, |block| {
            native.run(block).expect("the block fits the kernel")
        })
    };
    let want = interpret(&raw);
    let faults = |a: &Answer| (a.fault.code, a.fault.index, a.fault.bits);
    let check = |got: &Answer, who: &str, kernel: &Kernel| {
        let text = || format!("{who}, n = {n}\n{prog}\n{kernel}");
        assert_eq!(
            faults(got).0 != 0,
            want.fault.is_some(),
            "faults: {:?} {:?}\n{}",
            got.fault,
            want.fault,
            text()
        );
        if want.fault.is_some() {
            assert_eq!(
                got.fault.index,
                want.fault.index,
                "the faulting element\n{}",
                text()
            );
            return;
        }
        for (i, (want, got)) in want.outputs.iter().zip(&got.outputs).enumerate() {
            assert_eq!(want.len(), got.len());
            for (j, (want, got)) in want.iter().zip(got).enumerate() {
                let equal = want.dtype() == got.dtype() && same(want, got, Measure::Bits);
                assert!(
                    equal,
                    "output {i}[{j}] is {got:#} instead of {want:#}\n{}",
                    text()
                );
            }
        }
    };
    check(&interpret(&tuned), "interpreter, optimised", &tuned);
    for generator in Generator::ALL {
        if !generator.runs_on(target.isa()) {
            continue;
        }
        let got = compiled(&raw, generator);
        check(&got, &format!("{generator}, unoptimised"), &raw);
        // On one kernel the engines agree on all of a fault, also on which of several it is.
        assert_eq!(got.fault, want.fault, "the fault itself\n{prog}\n{raw}");
        if tuned != raw {
            let got = compiled(&tuned, generator);
            check(&got, &format!("{generator}, optimised"), &tuned);
        }
    }
}

fn answer(
    kernel: &Kernel,
    inputs: &[Guarded],
    n: usize,
    edge: Edge,
    run: impl FnOnce(Block<'_, '_>),
) -> Answer {
    let inputs: Vec<&[u8]> = inputs.iter().map(|input| &**input).collect();
    let mut outputs: Vec<Guarded> = kernel
        .outputs
        .iter()
        .map(|dtype| Guarded::new(n * dtype.itemsize(), edge))
        .collect();
    let mut lanes = vec![0u64; kernel.lane_words()];
    kernel.reset_lanes(&mut lanes);
    let mut fault = Fault::NONE;
    let mut slices: Vec<&mut [u8]> = outputs.iter_mut().map(|output| &mut **output).collect();
    run(Block {
        n,
        index: 0,
        rows: Rows::ONE,
        inputs: &inputs,
        outputs: &mut slices,
        accumulators: &mut lanes,
        fault: &mut fault,
    });
    let mut partials = vec![0u64; kernel.partial_words()];
    kernel.combine_lanes(&lanes, &mut partials);
    let elements = |bytes: &[u8], dtype: DType| {
        bytes
            .chunks_exact(dtype.itemsize())
            .map(|element| Scalar::read(dtype, element))
            .collect()
    };
    let outputs = kernel.results.iter().map(|result| match *result {
        ResultKind::Array(i) => elements(&outputs[i as usize], kernel.outputs[i as usize]),
        ResultKind::Reduced { acc, word, .. } => {
            let (acc, word) = (acc as usize, word as usize);
            let bits = partials[kernel.partial_offset(acc) + word];
            vec![kernel.accumulators[acc].scalar(word, bits)]
        }
    });
    Answer {
        outputs: outputs.collect(),
        fault,
    }
}
