//! Loops put together at random: mixed widths, masks, scalars, constants, several outputs.

use numloom_data::DType;
use numloom_ir::{CastMode, Kernel, Op, Signature, V};

use crate::build::Build;
use crate::compare::{Data, Nan, agree};
use crate::values::{DTYPES, Numbers, element, scalar};

/// Operations that let the payload or sign of a computed NaN show, which is not promised.
fn shows_nan_bits(op: Op) -> bool {
    matches!(op, Op::Copysign | Op::Neg | Op::Abs)
}

fn pick(build: &Build, values: &[V], dtype: DType, numbers: &mut Numbers) -> Option<V> {
    let of: Vec<V> = (values.iter().copied())
        .filter(|v| build.dtype(*v) == dtype)
        .collect();
    (!of.is_empty()).then(|| of[numbers.below(of.len())])
}

/// A loop of some values on the way, and those values.
pub(crate) fn body(numbers: &mut Numbers, length: usize) -> (Build, Vec<V>) {
    let mut build = Build::new();
    let mut values = Vec::new();
    // A few dtypes at a time, so that operands are found.
    let dtypes: Vec<DType> = (0..3)
        .map(|_| DTYPES[numbers.below(DTYPES.len())])
        .collect();
    for &dtype in &dtypes {
        values.push(build.array(dtype));
        values.push(build.scalar(dtype));
        values.push(build.constant(scalar(dtype, element(dtype, numbers))));
    }
    while values.len() < length {
        let row = &Op::TABLE[numbers.below(Op::TABLE.len())];
        let dtype = build.dtype(values[numbers.below(values.len())]);
        if !row.domain.contains(dtype) || shows_nan_bits(row.op) && dtype.is_float() {
            continue;
        }
        let to = match row.signature {
            Signature::Cast => dtypes[numbers.below(3)],
            _ => row.op.result(dtype).expect("no cast"),
        };
        let idle = row.signature == Signature::Cast && dtype == to;
        if idle || row.op.is_block(dtype, to) || row.op == Op::Cast(CastMode::Checked) {
            continue;
        }
        let args: Option<Vec<V>> = (0..row.op.arity())
            .map(|i| {
                let condition = row.signature == Signature::Select && i == 0;
                let dtype = if condition { DType::Bool } else { dtype };
                pick(&build, &values, dtype, numbers)
            })
            .collect();
        if let Some(args) = args {
            values.push(build.apply_to(row.op, to, &args));
        }
    }
    (build, values)
}

fn kernel(numbers: &mut Numbers, length: usize) -> Kernel {
    let (mut build, values) = body(numbers, length);
    for _ in 0..3 {
        let value = values[values.len() - 1 - numbers.below(values.len() / 2)];
        build.out(value);
    }
    build.finish()
}

#[test]
fn random_loops_give_the_bits_of_the_interpreter() {
    let mut numbers = Numbers::new(41);
    for i in 0..250 {
        let kernel = kernel(&mut numbers, 12 + i % 30);
        let data = Data::new(&kernel, 200, &mut numbers);
        agree(kernel, Nan::Any, &data);
    }
}
