//! Block functions between loops.

use std::sync::Arc;

use numloom_data::DType;
use numloom_ir::{CastMode, FaultCode, InputClass, Op};

use crate::build::Build;
use crate::compare::{Data, Nan, agree, assert_same, compile, compilers, execute, interpret};
use crate::values::{DTYPES, Numbers, bytes};

#[test]
fn calls_between_loops_see_what_was_stored() {
    for dtype in [DType::F32, DType::F64] {
        // 2 * exp(-x * x) + log(y) and cbrt(exp(-x * x)), with a slot used twice.
        let mut build = Build::new();
        let size = dtype.itemsize();
        let (first, second) = (build.slot(size), build.slot(size));
        let x = build.array(dtype);
        let y = build.input(dtype, InputClass::Contiguous);
        let square = build.apply(Op::Mul, &[x, x]);
        let minus = build.apply(Op::Neg, &[square]);
        build.store(first, minus);
        build.call(Op::Exp, dtype, dtype, &[first], second);
        build.call(Op::Log, dtype, dtype, &[y], first);
        let direct = build.output(dtype);
        build.call(Op::Cbrt, dtype, dtype, &[second], direct);
        let exp = build.load(second, dtype);
        let log = build.load(first, dtype);
        let twice = build.apply(Op::Add, &[exp, exp]);
        let sum = build.apply(Op::Add, &[twice, log]);
        build.out(sum);
        let data = Data::new(&build.kernel, 700, &mut Numbers::new(23));
        agree(build.finish(), Nan::Any, &data);
    }
}

#[test]
fn every_block_operation_is_the_interpreters() {
    for row in Op::TABLE {
        for from in DTYPES.into_iter().chain([DType::F16]) {
            for to in DTYPES.into_iter().chain([DType::F16]) {
                let fits = match row.op.result(from) {
                    Some(result) => result == to,
                    None => row.domain.contains(to) && from != to,
                };
                if !row.domain.contains(from) || !fits || !row.op.is_block(from, to) {
                    continue;
                }
                let mut build = Build::new();
                let args: Vec<_> = (0..row.op.arity())
                    .map(|_| build.input(from, InputClass::Contiguous))
                    .collect();
                let out = build.output(to);
                build.call(row.op, from, to, &args, out);
                let kernel = Arc::new(build.finish());
                let data = Data::new(&kernel, 40, &mut Numbers::new(29));
                let native = compile(&kernel, &compilers()[0]);
                let got = execute(&native, &data, 1);
                assert_same(
                    &kernel,
                    Nan::Any,
                    &got,
                    &interpret(&kernel, &data),
                    row.mnemonic,
                );
            }
        }
    }
}

#[test]
fn the_first_fault_is_kept_with_its_index_and_step() {
    let mut build = Build::new();
    let x = build.input(DType::I32, InputClass::Contiguous);
    let y = build.input(DType::F64, InputClass::Contiguous);
    let powers = build.output(DType::I32);
    let bytes_out = build.output(DType::I8);
    build.call(Op::Pow, DType::I32, DType::I32, &[x, x], powers);
    let checked = Op::Cast(CastMode::Checked);
    build.call(checked, DType::F64, DType::I8, &[y], bytes_out);
    let kernel = Arc::new(build.finish());
    for compiler in compilers() {
        let native = compile(&kernel, &compiler);
        for (powers, casts, want) in [
            (None, None, None),
            (Some(3), None, Some((FaultCode::NegativePower, 0, 1003))),
            (Some(3), Some(2), Some((FaultCode::CastOutOfRange, 1, 1002))),
            (Some(3), Some(3), Some((FaultCode::NegativePower, 0, 1003))),
        ] {
            let mut xs = [1u64; 8];
            let mut ys = [1f64.to_bits(); 8];
            if let Some(i) = powers {
                xs[i] = -2i64 as u64;
            }
            if let Some(i) = casts {
                ys[i] = 1e9f64.to_bits();
            }
            let data = Data {
                rows: 1,
                columns: 0,
                n: 8,
                inputs: vec![bytes(DType::I32, &xs), bytes(DType::F64, &ys)],
                accumulators: vec![],
            };
            let got = execute(&native, &data, 0);
            assert_same(&kernel, Nan::Any, &got, &interpret(&kernel, &data), "fault");
            let found = got
                .fault
                .kind()
                .map(|kind| (kind, got.fault.inst, got.fault.index));
            assert_eq!(found, want);
        }
    }
}
