//! Every operation inside loops, on every dtype.

use numloom_data::DType;
use numloom_ir::{InputClass, Isa, Op, Signature, V};
use numloom_jit::{Generator, Target, asm};

use crate::build::Build;
use crate::compare::{Data, Nan, agree};
use crate::values::{DTYPES, Numbers, bytes, scalar, specials};

/// Where an operand comes from.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Source {
    Array,
    Scalar,
    Constant(u64),
}

fn operand(build: &mut Build, dtype: DType, source: Source) -> V {
    match source {
        Source::Array => build.array(dtype),
        Source::Scalar => build.scalar(dtype),
        Source::Constant(bits) => build.constant(scalar(dtype, bits)),
    }
}

fn nan(op: Op) -> Nan {
    match op {
        Op::Neg | Op::Abs | Op::Select | Op::Copysign => Nan::Exact,
        _ => Nan::Any,
    }
}

/// All pairs of special values, and some ordinary ones.
fn pairs(x: DType, y: DType) -> (Vec<u8>, Vec<u8>, usize) {
    let mut numbers = Numbers::new(7);
    let (xs, ys) = (specials(x), specials(y));
    let mut pairs: Vec<(u64, u64)> = (xs.iter())
        .flat_map(|&x| ys.iter().map(move |&y| (x, y)))
        .collect();
    // Too many for a block; a prime stride keeps a fair choice of them.
    if pairs.len() > 900 {
        let all = pairs.len();
        pairs = (0..900).map(|i| pairs[i * 7919 % all]).collect();
    }
    for _ in 0..100 {
        let x = crate::values::element(x, &mut numbers);
        pairs.push((x, crate::values::element(y, &mut numbers)));
    }
    let (xs, ys): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
    (bytes(x, &xs), bytes(y, &ys), xs.len())
}

/// Data for a kernel: in its first two contiguous inputs all pairs of special values.
fn data(build: &Build) -> Data {
    let contiguous: Vec<usize> = (0..build.kernel.inputs.len())
        .filter(|&i| build.kernel.inputs[i].class == InputClass::Contiguous)
        .collect();
    let mut numbers = Numbers::new(3);
    let dtype = |i: usize| build.kernel.inputs[i].dtype;
    match contiguous[..] {
        [] => Data::new(&build.kernel, 70, &mut numbers),
        [x, ..] => {
            let y = *contiguous.get(1).unwrap_or(&x);
            let (xs, ys, n) = pairs(dtype(x), dtype(y));
            let mut data = Data::new(&build.kernel, n, &mut numbers);
            data.inputs[y] = ys;
            data.inputs[x] = xs;
            data
        }
    }
}

fn inline_rows() -> impl Iterator<Item = (Op, Signature, DType)> {
    Op::TABLE
        .iter()
        .filter(|row| row.signature != Signature::Cast)
        .flat_map(|row| DTYPES.map(|dtype| (row.op, row.signature, dtype)))
        .filter(|(op, _, dtype)| {
            op.info().domain.contains(*dtype)
                && !op.is_block(*dtype, op.result(*dtype).expect("no cast"))
        })
}

fn check(op: Op, dtype: DType, sources: &[Source]) {
    let mut build = Build::new();
    let args: Vec<V> = (sources.iter().enumerate())
        .map(|(i, &source)| {
            let condition = op == Op::Select && i == 0;
            let dtype = if condition { DType::Bool } else { dtype };
            operand(&mut build, dtype, source)
        })
        .collect();
    let result = build.apply(op, &args);
    build.out(result);
    let data = data(&build);
    agree(build.finish(), nan(op), &data);
}

#[test]
fn every_inline_operation_gives_the_bits_of_the_interpreter() {
    let mut rows = 0;
    for (op, signature, dtype) in inline_rows() {
        check(op, dtype, &vec![Source::Array; signature.arity()]);
        rows += 1;
    }
    assert!(rows > 200, "{rows} rows of the table are inline");
}

#[test]
fn scalar_operands_stand_for_every_element() {
    for (op, signature, dtype) in inline_rows() {
        let arity = signature.arity();
        check(op, dtype, &vec![Source::Scalar; arity]);
        for i in 0..arity {
            if arity > 1 {
                let mut sources = vec![Source::Array; arity];
                sources[i] = Source::Scalar;
                check(op, dtype, &sources);
            }
        }
    }
}

#[test]
fn constant_operands_stand_for_every_element() {
    for (op, signature, dtype) in inline_rows() {
        for i in 0..signature.arity() {
            let condition = op == Op::Select && i == 0;
            let values = specials(if condition { DType::Bool } else { dtype });
            // Shifts by a constant have code of their own; elsewhere a few will do.
            let some = if matches!(op, Op::Shl | Op::Shr) {
                1
            } else {
                5
            };
            for &bits in values.iter().step_by(some) {
                let mut sources = vec![Source::Array; signature.arity()];
                sources[i] = Source::Constant(bits);
                check(op, dtype, &sources);
            }
        }
    }
}

#[test]
fn operands_that_are_one_value_are_no_special_case() {
    for (op, signature, dtype) in inline_rows() {
        if signature.arity() == 2 {
            let mut build = Build::new();
            let x = build.array(dtype);
            let result = build.apply(op, &[x, x]);
            build.out(result);
            let data = data(&build);
            agree(build.finish(), nan(op), &data);
        }
    }
}

#[test]
fn elements_are_copied_to_the_bit() {
    for dtype in DTYPES.into_iter().chain([DType::F16]) {
        let mut build = Build::new();
        let x = build.array(dtype);
        build.out(x);
        let data = data(&build);
        agree(build.finish(), Nan::Exact, &data);
    }
}

#[test]
fn a_constant_alone_fills_an_output() {
    for dtype in DTYPES.into_iter().chain([DType::F16]) {
        for bits in specials(dtype) {
            let mut build = Build::new();
            let x = build.constant(scalar(dtype, bits));
            build.out(x);
            let data = Data::new(&build.kernel, 70, &mut Numbers::new(1));
            agree(build.finish(), Nan::Exact, &data);
        }
    }
}

#[test]
fn a_scalar_input_alone_fills_an_output() {
    for dtype in DTYPES.into_iter().chain([DType::F16]) {
        let mut build = Build::new();
        let x = build.scalar(dtype);
        build.out(x);
        let data = Data::new(&build.kernel, 70, &mut Numbers::new(1));
        agree(build.finish(), Nan::Exact, &data);
    }
}

#[test]
fn comparisons_choose_between_elements_of_other_widths() {
    for compared in DTYPES {
        for chosen in DTYPES {
            let mut build = Build::new();
            let x = build.array(compared);
            let y = build.array(compared);
            let condition = build.apply(Op::Lt, &[x, y]);
            let a = build.array(chosen);
            let b = build.array(chosen);
            let result = build.apply(Op::Select, &[condition, a, b]);
            build.out(result);
            build.out(condition);
            let data = data(&build);
            agree(build.finish(), Nan::Exact, &data);
        }
    }
}

#[test]
fn masks_of_different_widths_combine() {
    for first in DTYPES {
        for second in DTYPES {
            for op in [Op::And, Op::Or, Op::Xor, Op::Eq, Op::Lt, Op::Ge] {
                let mut build = Build::new();
                let x = build.array(first);
                let y = build.array(first);
                let less = build.apply(Op::Lt, &[x, y]);
                let z = build.array(second);
                let w = build.array(second);
                let equal = build.apply(Op::Eq, &[z, w]);
                let both = build.apply(op, &[less, equal]);
                let not = build.apply(Op::Not, &[both]);
                let zeros = build.apply(Op::Select, &[not, z, w]);
                build.out(both);
                build.out(zeros);
                let data = Data::new(&build.kernel, 150, &mut Numbers::new(5));
                agree(build.finish(), Nan::Exact, &data);
            }
        }
    }
}

/// Operations each of which needs the one before.
fn chain(dtype: DType, steps: usize) -> Build {
    let mut build = Build::new();
    let (x, y) = (build.array(dtype), build.array(dtype));
    let uniform = build.scalar(dtype);
    let mut value = x;
    for step in 0..steps {
        let other = match step % 4 {
            0 => x,
            1 => build.constant(scalar(dtype, 3 + step as u64)),
            2 => y,
            _ => uniform,
        };
        value = build.apply(
            if step % 2 == 0 { Op::Mul } else { Op::Add },
            &[value, other],
        );
    }
    build.out(value);
    build
}

#[test]
fn chains_of_operations_agree_at_every_length() {
    for dtype in [
        DType::I8,
        DType::U16,
        DType::I32,
        DType::I64,
        DType::F32,
        DType::F64,
    ] {
        for steps in [7, 8, 17, 36, 48] {
            for n in (240..=270).step_by(3).chain([511, 700, 1024]) {
                let build = chain(dtype, steps);
                let data = Data::new(&build.kernel, n, &mut Numbers::new((steps + n) as u64));
                agree(build.finish(), Nan::Any, &data);
            }
        }
    }
}

#[test]
fn vectors_of_a_long_chain_are_computed_in_turn_and_those_of_a_short_one_are_not() {
    let stores = |isa: Isa, steps: usize| {
        let target = Target::new(isa).expect("it is available");
        let kernel = chain(DType::F64, steps).finish();
        let text = asm(&kernel, &target, Some(Generator::Wide)).expect("text");
        // What is the same for all elements is kept on the stack.
        text.matches("vmovups [").count() - text.matches("vmovups [rsp").count()
    };
    for &isa in Isa::available()
        .iter()
        .filter(|&&isa| Generator::Wide.runs_on(isa))
    {
        let copies = if isa.lanes() == 8 { 4 } else { 2 };
        assert_eq!((stores(isa, 17), stores(isa, 60)), (copies, 1), "on {isa}");
    }
}
