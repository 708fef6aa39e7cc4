//! Random programs over every dtype and operation, and two ways to run them.
//!
//! [`naive`] evaluates a program one instruction after the other and knows nothing of kernels; [`scheduled`] goes through `schedule` and the
//! interpreter.

use numloom_data::{DType, Scalar, f16};
use numloom_ir::interp::{Block, FaultSink, Interpreter, Rows, eval, take_lanes};
use numloom_ir::reduce::LANES;
use numloom_ir::{
    Accumulator, Builder, CastMode, Domain, Fault, Form, InputClass, InstKind, Isa, Op, Program,
    Reduction, ResultKind, Value, accumulator_of, schedule,
};
use numloom_syntax::Span;
use proptest::prelude::*;

/// Values at which operations change their mind.
pub(crate) fn special(dtype: DType) -> Vec<Scalar> {
    let ints = |bits: u32, signed: bool| {
        let top = 1i128 << (bits - u32::from(signed));
        let mut values = vec![0, 1, 2, 3, 5, 8, 64, i128::from(bits) - 1, i128::from(bits)];
        values.extend([top - 1, top - 2, top / 2]);
        if signed {
            values.extend([-1, -2, -3, -8, -top, 1 - top]);
        }
        values.retain(|&value| value < top);
        let scalar = |value: i128| Scalar::from_bits(dtype, value as u128);
        values.into_iter().map(scalar).collect()
    };
    let floats = [
        0.0,
        1.0,
        0.5,
        1.5,
        2.5,
        3.0,
        4.0,
        100.25,
        255.0,
        256.0,
        65504.0,
        1e10,
        2147483648.0,
        9223372036854775808.0,
        18446744073709551616.0,
        1e30,
        f64::INFINITY,
        f64::NAN,
    ];
    let floats = || floats.into_iter().flat_map(|x| [x, -x]);
    match dtype {
        DType::Bool => vec![Scalar::Bool(false), Scalar::Bool(true)],
        DType::F16 => {
            let bits = [1, 0x8001, 0x03ff, 0x0400].map(|bits| Scalar::F16(f16::from_bits(bits)));
            floats()
                .map(|x| Scalar::F16(f16::from_f64(x)))
                .chain(bits)
                .collect()
        }
        DType::F32 => {
            let bits = [
                1,
                0x8000_0001,
                0x0080_0000,
                0x7f7f_ffff,
                0x7fc0_1234,
                0xff80_0001,
            ];
            let bits = bits.map(|bits| Scalar::F32(f32::from_bits(bits)));
            floats()
                .map(|x| Scalar::F32(x as f32))
                .chain(bits)
                .collect()
        }
        DType::F64 => {
            let bits = [
                1,
                1 << 63 | 1,
                1 << 52,
                0x7fef << 48 | 0xffff_ffff_ffff,
                0xfff8 << 48 | 7,
            ];
            let bits = bits.map(|bits| Scalar::F64(f64::from_bits(bits)));
            floats().map(Scalar::F64).chain(bits).collect()
        }
        _ => ints(dtype.bits() as u32, dtype.is_signed()),
    }
}

/// Any program: a few bytes choose each instruction, so that shrinking drops instructions.
pub(crate) fn programs(max_insts: usize) -> impl Strategy<Value = Program> {
    proptest::collection::vec(any::<[u8; 6]>(), 1..max_insts).prop_map(|choices| program(&choices))
}

/// The program that `choices` choose. Inputs are one of each real dtype.
pub(crate) fn program(choices: &[[u8; 6]]) -> Program {
    let mut b = Builder::new();
    let mut values: Vec<Value> = DType::ALL_REAL
        .iter()
        .map(|dtype| b.input(&format!("in {dtype}"), *dtype))
        .collect();
    for (i, &[kind, what, of, x, y, z]) in choices.iter().enumerate() {
        b.at(Span::new(i, i + 1));
        // Counted from the youngest, so that programs grow deep; there is an input of every dtype.
        let pick = |b: &Builder, dtype: DType, nth: u8| {
            let fits = |value: &&Value| b.program().dtype(**value) == dtype;
            let count = values.iter().filter(fits).count();
            let nth = usize::from(nth) % count.min(1 + usize::from(nth) % 8);
            *values.iter().rev().filter(fits).nth(nth).expect("counted")
        };
        let real = |nth: u8| DType::ALL_REAL[usize::from(nth) % DType::ALL_REAL.len()];
        let value = match kind % 8 {
            0 => {
                let special = special(real(what));
                b.constant(special[usize::from(of) % special.len()].clone())
            }
            1 | 2 => {
                let modes = [CastMode::Wrap, CastMode::Saturate, CastMode::Checked];
                let value = pick(&b, real(of), x);
                b.cast(Op::Cast(modes[usize::from(y % 3)]), value, real(what))
            }
            3 => b.read(u32::from(what) % DType::ALL_REAL.len() as u32),
            _ => {
                let row = &Op::TABLE[usize::from(what) % (Op::TABLE.len() - 3)];
                // Byte strings have tests of their own.
                let row = match row.domain {
                    Domain::BYTES => Op::Eq.info(),
                    _ => row,
                };
                let domain: Vec<DType> = DType::ALL_REAL
                    .into_iter()
                    .filter(|&dtype| row.domain.contains(dtype))
                    .collect();
                let dtype = domain[usize::from(of) % domain.len()];
                let args = match row.op.arity() {
                    1 => vec![pick(&b, dtype, x)],
                    2 => vec![pick(&b, dtype, x), pick(&b, dtype, y)],
                    _ => vec![
                        pick(&b, DType::Bool, z),
                        pick(&b, dtype, x),
                        pick(&b, dtype, y),
                    ],
                };
                b.apply(row.op, &args)
            }
        };
        values.push(value);
    }
    let last: Vec<Value> = values.iter().rev().take(4).copied().collect();
    for (i, value) in last.into_iter().enumerate() {
        b.output(None, value);
        if b.program().dtype(value) != DType::F16 {
            let choice = usize::from(choices[i % choices.len()][3]);
            let real: Vec<Reduction> = Reduction::ALL
                .into_iter()
                .filter(|reduction| reduction.arity() == 1)
                .collect();
            let reduced = b.reduce(real[choice % real.len()], value);
            b.output(Some("total"), reduced);
        }
    }
    b.finish()
}

/// `n` elements for each input: special values in an order of their own for each; the same `n` times for scalar inputs.
pub(crate) fn data(
    prog: &Program,
    classes: &[InputClass],
    n: usize,
    seed: usize,
) -> Vec<Vec<Scalar>> {
    let column = |(i, (input, class)): (usize, (&numloom_ir::Input, &InputClass))| {
        let special = special(input.dtype);
        let step = match class {
            InputClass::Contiguous => 2 * i + 1,
            InputClass::Scalar => 0,
        };
        let element = |k: usize| special[(seed * (i + 3) + k * step) % special.len()].clone();
        (0..n).map(element).collect()
    };
    prog.inputs
        .iter()
        .zip(classes)
        .enumerate()
        .map(column)
        .collect()
}

/// What an output holds after a run.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Array(Vec<Scalar>),
    /// An accumulator's value, and what is left to do with it.
    Reduced(Scalar, DType),
}

/// Every output, and the index of the first element that faulted.
pub(crate) type Outcomes = (Vec<Outcome>, Option<u64>);

/// Whether two runs gave the same bits and fault, a NaN being one value.
pub(crate) fn agree(a: &Outcomes, b: &Outcomes) -> bool {
    let same = |a: &Scalar, b: &Scalar| {
        let nan = |x: &Scalar| x.as_f64().is_some_and(f64::is_nan);
        a.same_bits(b) || (a.dtype() == b.dtype() && nan(a) && nan(b))
    };
    let outcome = |(a, b): (&Outcome, &Outcome)| match (a, b) {
        (Outcome::Array(a), Outcome::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Outcome::Reduced(a, t), Outcome::Reduced(b, u)) => same(a, b) && t == u,
        _ => false,
    };
    a.1 == b.1 && a.0.len() == b.0.len() && a.0.iter().zip(&b.0).all(outcome)
}

fn bytes(column: &[Scalar], dtype: DType) -> Vec<u8> {
    let mut bytes = vec![0; column.len() * dtype.itemsize()];
    for (scalar, bytes) in column.iter().zip(bytes.chunks_exact_mut(dtype.itemsize())) {
        scalar.write_bytes(bytes);
    }
    bytes
}

fn scalars(bytes: &[u8], dtype: DType) -> Vec<Scalar> {
    let elements = bytes.chunks_exact(dtype.itemsize());
    elements
        .map(|element| Scalar::read(dtype, element))
        .collect()
}

/// Evaluates every instruction that an output needs, in order, over all `n` elements.
pub(crate) fn naive(prog: &Program, data: &[Vec<Scalar>], n: usize) -> Outcomes {
    let prog = &numloom_ir::opt::dce(prog);
    let mut fault = Fault::NONE;
    let mut apply = |op: Op, from: DType, to: DType, args: &[&[u8]]| {
        let mut result = vec![0; n * to.itemsize()];
        let mut faults = FaultSink {
            fault: &mut fault,
            inst: 0,
            index: 0,
        };
        eval(Isa::best(), op, from, to, args, &mut result, &mut faults);
        result
    };
    let mut columns: Vec<Vec<u8>> = Vec::new();
    for inst in &prog.insts {
        let column = match &inst.kind {
            InstKind::Input(i) => bytes(&data[*i as usize], inst.dtype),
            InstKind::Const(scalar) => bytes(&vec![scalar.clone(); n], inst.dtype),
            InstKind::Apply { op, args } => {
                let from = prog.dtype(args[args.len() - 1]);
                let args: Vec<&[u8]> = args.iter().map(|arg| &columns[arg.index()][..]).collect();
                apply(*op, from, inst.dtype, &args)
            }
            InstKind::Count { .. } => unreachable!("kernels do not count"),
            InstKind::Reduce(reduce) => {
                let arg = reduce.args[0];
                let from = prog.dtype(arg);
                let (acc, word) = accumulator_of(reduce.reduction, from);
                let column = &columns[arg.index()];
                let column = if from == acc.dtype {
                    column.clone()
                } else {
                    apply(Op::Cast(CastMode::Wrap), from, acc.dtype, &[column])
                };
                reduced(acc, word, &scalars(&column, acc.dtype))
                    .to_ne_bytes()
                    .to_vec()
            }
        };
        columns.push(column);
    }
    let outcomes = prog.outputs.iter().map(|output| {
        let column = &columns[output.value.index()];
        let inst = prog.inst(output.value);
        let InstKind::Reduce(reduce) = &inst.kind else {
            return Outcome::Array(scalars(column, inst.dtype));
        };
        let (acc, word) = accumulator_of(reduce.reduction, prog.dtype(reduce.args[0]));
        let bits = u64::from_ne_bytes(column[..].try_into().expect("one word"));
        Outcome::Reduced(acc.scalar(word as usize, bits), inst.dtype)
    });
    let outcomes = outcomes.collect();
    (outcomes, fault.is_some().then_some(fault.index))
}

/// One leaf: each element into its lane, then lanes combined.
fn reduced(acc: Accumulator, word: u32, column: &[Scalar]) -> u64 {
    if acc.op.op().is_none() {
        let mut lanes = vec![0; acc.lane_words()];
        acc.reset(&mut lanes, LANES);
        take_lanes(acc, &mut lanes, &[&bytes(column, acc.dtype)], 0);
        let mut partial = vec![0; acc.words()];
        acc.combine_lanes(&lanes, &mut partial);
        return partial[word as usize];
    }
    let mut lanes = [acc.identity(0); LANES];
    for (i, element) in column.iter().enumerate() {
        let lane = &mut lanes[i % LANES];
        acc.combine(std::slice::from_mut(lane), &[element.bits() as u64]);
    }
    for width in [8, 4, 2, 1] {
        for j in 0..width {
            let upper = lanes[j + width];
            acc.combine(&mut lanes[j..=j], &[upper]);
        }
    }
    lanes[0]
}

/// Schedules the program and runs its kernel in blocks of `block` elements, a multiple of the lanes.
pub(crate) fn scheduled(
    prog: &Program,
    classes: &[InputClass],
    data: &[Vec<Scalar>],
    n: usize,
    block: usize,
) -> Outcomes {
    let kernel = schedule(prog, classes, Form::Lanes);
    if let Err(error) = numloom_ir::verify_kernel(&kernel) {
        panic!("{error}\n{prog}\n{kernel}");
    }
    let mut fault = Fault::NONE;
    let mut lanes = vec![0u64; kernel.lane_words()];
    kernel.reset_lanes(&mut lanes);
    let mut arrays = vec![Vec::new(); kernel.outputs.len()];
    let mut interpreter = Interpreter::new(&kernel);
    for start in (0..n).step_by(block) {
        let n = block.min(n - start);
        let inputs: Vec<Vec<u8>> = (kernel.inputs.iter().zip(data))
            .map(|(input, column)| {
                let elements = match input.class {
                    InputClass::Contiguous => &column[start..start + n],
                    InputClass::Scalar => &column[..1],
                };
                bytes(elements, input.dtype)
            })
            .collect();
        let mut outputs: Vec<Vec<u8>> = (kernel.outputs.iter())
            .map(|dtype| vec![0; n * dtype.itemsize()])
            .collect();
        interpreter.run(
            &kernel,
            Block {
                n,
                index: start as u64,
                rows: Rows {
                    position: start as u64,
                    ..Rows::ONE
                },
                inputs: &inputs.iter().map(Vec::as_slice).collect::<Vec<_>>(),
                outputs: &mut outputs
                    .iter_mut()
                    .map(Vec::as_mut_slice)
                    .collect::<Vec<_>>(),
                accumulators: &mut lanes,
                fault: &mut fault,
            },
        );
        for ((array, bytes), dtype) in arrays.iter_mut().zip(&outputs).zip(&kernel.outputs) {
            array.extend(scalars(bytes, *dtype));
        }
    }
    let mut partials = vec![0u64; kernel.partial_words()];
    kernel.combine_lanes(&lanes, &mut partials);
    let outcomes = kernel.results.iter().map(|result| match *result {
        ResultKind::Array(i) => Outcome::Array(arrays[i as usize].clone()),
        ResultKind::Reduced { acc, word, dtype } => {
            let (acc, word) = (acc as usize, word as usize);
            let bits = partials[kernel.partial_offset(acc) + word];
            Outcome::Reduced(kernel.accumulators[acc].scalar(word, bits), dtype)
        }
    });
    let outcomes = outcomes.collect();
    (outcomes, fault.is_some().then_some(fault.index))
}

/// Some inputs contiguous, some scalar, as the bits of `choice` say.
pub(crate) fn classes(prog: &Program, choice: u16) -> Vec<InputClass> {
    let class = |i: usize| match choice >> (i % 16) & 1 {
        0 => InputClass::Contiguous,
        _ => InputClass::Scalar,
    };
    (0..prog.inputs.len()).map(class).collect()
}
