//! Reductions: lanes in registers, tails in memory.

use std::sync::Arc;

use numloom_data::DType;
use numloom_ir::reduce::LANES;
use numloom_ir::{AccOp, Form, InputClass, Kernel, Op, Reduction};

use crate::build::Build;
use crate::compare::{Data, Nan, assert_same, compile, compilers, execute, interpret};
use crate::values::{DTYPES, Numbers};

const OPS: [AccOp; 4] = [AccOp::Sum, AccOp::Prod, AccOp::Min, AccOp::Max];

/// Rows of every length up to twice the lanes, or of some, in each form.
fn agree_in_rows(kernel: &Kernel, every: bool) {
    let mut numbers = Numbers::new(19);
    for form in [Form::Lanes, Form::Rows, Form::Columns, Form::Streams] {
        let mut kernel = kernel.clone();
        kernel.form = form;
        let kernel = Arc::new(kernel);
        for (t, compiler) in compilers().iter().enumerate() {
            let native = compile(&kernel, compiler);
            // Every length on the host as it is, others on the host with less.
            let lengths = (0..=2 * LANES + 1).chain([48, 100]);
            for n in lengths.filter(|n| t == 0 && every || n % 5 == t) {
                for rows in [1, 2 + n % 14, LANES + n % 2] {
                    let data = Data::with_rows(&kernel, n, rows, &mut numbers);
                    let want = interpret(&kernel, &data);
                    let got = execute(&native, &data, (n + rows) % 9);
                    let context = format!("{compiler} {form} {rows} rows of {n}");
                    assert_same(&kernel, Nan::Any, &got, &want, &context);
                }
            }
        }
    }
}

/// Every length from 0 to 67, and one call after another on the same lanes.
fn agree(kernel: Kernel) {
    agree_in_rows(&kernel, kernel.accumulators.len() == 1);
    agree_in_one_row(kernel);
}

fn agree_in_one_row(kernel: Kernel) {
    let kernel = Arc::new(kernel);
    let mut numbers = Numbers::new(17);
    for compiler in compilers() {
        let native = compile(&kernel, &compiler);
        for n in (0..=67).chain([1000, 1024]) {
            let data = Data::new(&kernel, n, &mut numbers);
            let want = interpret(&kernel, &data);
            let got = execute(&native, &data, n % 9);
            let context = format!("{compiler} n={n}");
            assert_same(&kernel, Nan::Any, &got, &want, &context);

            // In two calls, cut at a multiple of the lanes.
            let cut = n / 2 / LANES * LANES;
            let first = execute(&native, &data.part(&kernel, 0, cut), 0);
            let mut rest = data.part(&kernel, cut, n - cut);
            rest.accumulators = first.accumulators;
            let got = execute(&native, &rest, 0);
            let lanes = crate::compare::Result {
                outputs: want.outputs.iter().map(|_| vec![]).collect(),
                ..want
            };
            let got = crate::compare::Result {
                outputs: lanes.outputs.clone(),
                ..got
            };
            assert_same(&kernel, Nan::Any, &got, &lanes, &context);
        }
    }
}

#[test]
fn each_lane_takes_its_elements_in_order() {
    for op in OPS {
        for dtype in DTYPES {
            if op.takes(dtype) {
                let mut build = Build::new();
                let x = build.array(dtype);
                build.accumulate(op, x);
                agree(build.finish());
            }
        }
    }
}

#[test]
fn elements_widen_on_their_way_to_a_sum() {
    for dtype in DTYPES {
        let mut build = Build::new();
        let x = build.array(dtype);
        let y = build.array(dtype);
        for reduction in [Reduction::Sum, Reduction::Prod] {
            let to = reduction.accumulator(dtype);
            let op = if reduction == Reduction::Prod {
                AccOp::Prod
            } else {
                AccOp::Sum
            };
            let wide = build.cast(to, x);
            build.accumulate(op, wide);
        }
        let least = build.apply(Op::Minimum, &[x, y]);
        build.accumulate(AccOp::Min, least);
        build.out(least);
        agree(build.finish());
    }
}

#[test]
fn a_scalar_is_taken_once_for_each_element() {
    for dtype in [DType::I32, DType::F64, DType::Bool] {
        let mut build = Build::new();
        let x = build.scalar(dtype);
        build.accumulate(AccOp::Max, x);
        let y = build.array(DType::F32);
        build.accumulate(AccOp::Prod, y);
        agree(build.finish());
    }
}

#[test]
fn one_body_fills_many_accumulators() {
    let mut build = Build::new();
    let x = build.array(DType::F64);
    let square = build.apply(Op::Mul, &[x, x]);
    build.accumulate(AccOp::Sum, x);
    build.accumulate(AccOp::Sum, square);
    build.accumulate(AccOp::Min, x);
    build.accumulate(AccOp::Max, x);
    let y = build.array(DType::I8);
    build.accumulate(AccOp::Max, y);
    let positive = build.apply(Op::Gt, &[square, x]);
    build.accumulate(AccOp::Min, positive);
    let one = build.cast(DType::I64, positive);
    build.accumulate(AccOp::Sum, one);
    build.out(square);
    agree(build.finish());
}

#[test]
fn moments_are_taken_word_by_word() {
    // Integers are finite, so that sums of theirs are; what is not is among the floats.
    for dtype in [DType::I16, DType::F32, DType::F64] {
        // As many as stay in registers of some targets, and of none; alone, and with others.
        for (arrays, others) in [(1, false), (1, true), (2, false), (3, true)] {
            let mut build = Build::new();
            for _ in 0..arrays {
                let x = build.array(dtype);
                let wide = build.cast(DType::F64, x);
                if others {
                    build.accumulate(AccOp::Sum, wide);
                }
                build.accumulate(AccOp::Moments, wide);
                if others {
                    build.accumulate(AccOp::Min, x);
                    build.accumulate(AccOp::Max, x);
                }
            }
            let kernel = build.finish();
            agree_in_rows(&kernel, arrays == 1 && dtype != DType::F64);
            agree_in_one_row(kernel);
        }
    }
    let mut build = Build::new();
    let x = build.scalar(DType::F64);
    build.accumulate(AccOp::Moments, x);
    agree(build.finish());
}

#[test]
fn random_loops_keep_the_order_of_every_lane() {
    let mut numbers = Numbers::new(43);
    for i in 0..60 {
        let (mut build, values) = crate::random::body(&mut numbers, 11 + i);
        let mut accumulated = 0;
        while accumulated < 1 + i % 4 {
            let value = values[numbers.below(values.len())];
            let op = OPS[numbers.below(4)];
            if op.takes(build.dtype(value)) {
                build.accumulate(op, value);
                accumulated += 1;
            }
        }
        build.out(values[values.len() - 1]);
        if i % 4 == 0 {
            agree(build.finish());
        } else {
            agree_in_one_row(build.finish());
        }
    }
}

#[test]
fn called_accumulators_are_the_interpreters() {
    for op in AccOp::ALL {
        for dtype in DTYPES {
            if op.is_inline() || !op.takes(dtype) {
                continue;
            }
            let mut build = Build::new();
            let x = build.input(dtype, InputClass::Contiguous);
            let y = build.input(dtype, InputClass::Contiguous);
            let k = build.scalar(dtype);
            let value = build.load(x, dtype);
            let slot = build.slot(dtype.itemsize());
            let greater = build.apply(Op::Maximum, &[value, k]);
            build.store(slot, greater);
            build.accumulate(AccOp::Max, value);
            build.accumulate_block(op, dtype, &[x, y][..op.operands()]);
            build.accumulate_block(op, dtype, &[slot, x][..op.operands()]);
            agree_in_rows(&build.finish(), op != AccOp::ArgMin && op != AccOp::ArgMax);
        }
    }
}

#[test]
fn long_blocks_go_to_called_accumulators_in_pieces() {
    let mut numbers = Numbers::new(23);
    for op in [AccOp::ArgMax, AccOp::ComplexProd, AccOp::ComplexMin] {
        for form in [Form::Lanes, Form::Rows, Form::Columns, Form::Streams] {
            let mut build = Build::new();
            let x = build.input(DType::F64, InputClass::Contiguous);
            let y = build.input(DType::F64, InputClass::Contiguous);
            build.accumulate_block(op, DType::F64, &[x, y][..op.operands()]);
            let mut kernel = build.finish();
            kernel.form = form;
            let kernel = Arc::new(kernel);
            let native = compile(&kernel, &compilers()[0]);
            for n in [255, 256, 257, 512, 1000, 1024] {
                let data = Data::with_rows(&kernel, n, 3, &mut numbers);
                let want = interpret(&kernel, &data);
                let got = execute(&native, &data, n % 9);
                assert_same(&kernel, Nan::Any, &got, &want, &format!("{form} {n}"));
            }
        }
    }
}

/// Numbers in order, downwards with `x[0]` the greatest, but for a NaN at `nan`.
fn falling(dtype: DType, n: usize, nan: usize) -> Vec<u8> {
    let x = |i: usize| if i == nan { f64::NAN } else { -(i as f64) };
    let xs = (0..n).map(x);
    match dtype {
        DType::F32 => xs.flat_map(|x| (x as f32).to_ne_bytes()).collect(),
        _ => xs.flat_map(f64::to_ne_bytes).collect(),
    }
}

#[test]
fn one_nan_anywhere_in_a_row_is_its_extremes() {
    let mut numbers = Numbers::new(31);
    for dtype in [DType::F32, DType::F64] {
        let [mut one, mut both, mut moments, mut three] = std::array::from_fn(|_| Build::new());
        let x = one.array(dtype);
        one.accumulate(AccOp::Max, x);
        let x = both.array(dtype);
        both.accumulate(AccOp::Min, x);
        both.accumulate(AccOp::Max, x);
        let x = moments.array(dtype);
        let wide = match dtype {
            DType::F64 => x,
            _ => moments.cast(DType::F64, x),
        };
        moments.accumulate(AccOp::Moments, wide);
        moments.accumulate(AccOp::Sum, wide);
        moments.accumulate(AccOp::Min, x);
        moments.accumulate(AccOp::Max, x);
        for op in [AccOp::Min, AccOp::Max, AccOp::Min] {
            let x = three.array(dtype);
            three.accumulate(op, x);
        }
        for build in [one, both, moments, three] {
            let mut kernel = build.finish();
            kernel.form = Form::Rows;
            let kernel = Arc::new(kernel);
            for compiler in compilers() {
                let native = compile(&kernel, &compiler);
                for n in [1, 16, 33, 50, 100] {
                    let mut data = Data::with_rows(&kernel, n, 1, &mut numbers);
                    // Of each input alone, and of none.
                    let places = (0..data.inputs.len()).flat_map(|i| (0..n).map(move |at| (i, at)));
                    for (input, nan) in places.chain([(0, n)]) {
                        for (i, bytes) in data.inputs.iter_mut().enumerate() {
                            *bytes = falling(dtype, n, if i == input { nan } else { n });
                        }
                        let want = interpret(&kernel, &data);
                        let got = execute(&native, &data, nan % 9);
                        let context = format!("{compiler} {n} elements, {nan} of {input} NaN");
                        assert_same(&kernel, Nan::Any, &got, &want, &context);
                    }
                }
            }
        }
    }
}

/// Long rows that lie alike begin with a part of a vector; others, one byte more or less aligned, do not.
#[test]
fn long_rows_in_streams_agree_however_they_are_aligned() {
    let mut numbers = Numbers::new(29);
    for dtype in DTYPES {
        for op in OPS.into_iter().filter(|op| op.takes(dtype)) {
            let mut build = Build::new();
            let x = build.input(dtype, InputClass::Contiguous);
            let value = build.load(x, dtype);
            build.accumulate(op, value);
            let mut kernel = build.finish();
            kernel.form = Form::Streams;
            let kernel = Arc::new(kernel);
            for compiler in compilers() {
                let native = compile(&kernel, &compiler);
                for (n, rows) in [(1024, 1), (1024, 3), (1023, 3)] {
                    let data = Data::with_rows(&kernel, n, rows, &mut numbers);
                    let want = interpret(&kernel, &data);
                    for shift in [0, 1, 8, 16, 40] {
                        let got = execute(&native, &data, shift);
                        let context = format!("{compiler} {rows} rows of {n}, {shift} bytes on");
                        assert_same(&kernel, Nan::Any, &got, &want, &context);
                    }
                }
            }
        }
    }
}
