//! Accumulators of more than one word: the same partial values in each form, and the right ones.

use std::cmp::Ordering;

use numloom_data::{DType, Scalar};

use super::{Random, bytes, elements};
use crate::fault::Fault;
use crate::interp::{Block, Interpreter, Rows};
use crate::kernel::{
    AccOp, AccumulateStep, Accumulator, Form, InputClass, Kernel, KernelInput, LoopInst, LoopOp,
    Place, Step, V,
};
use crate::reduce::{LANE_ORDER, LANES, LEAF, Tree};
use crate::verify::verify_kernel;

/// Takes its inputs into `acc`, and counts elements before that.
fn kernel(acc: Accumulator, form: Form) -> Kernel {
    let input = KernelInput {
        dtype: acc.dtype,
        class: InputClass::Contiguous,
    };
    let i64 = |op| LoopInst {
        op,
        dtype: DType::I64,
    };
    let count = vec![
        i64(LoopOp::Const(Scalar::I64(1))),
        i64(LoopOp::Accumulate {
            acc: 0,
            value: V(0),
        }),
    ];
    let take = match acc.op.is_inline() {
        true => {
            let ops = [
                LoopOp::Load(Place::Input(0)),
                LoopOp::Accumulate {
                    acc: 1,
                    value: V(0),
                },
            ];
            let dtype = acc.dtype;
            Step::Loop(ops.map(|op| LoopInst { op, dtype }).into())
        }
        false => Step::Accumulate(AccumulateStep {
            acc: 1,
            args: (0..acc.op.operands() as u32).map(Place::Input).collect(),
        }),
    };
    let kernel = Kernel {
        inputs: vec![input; acc.op.operands()],
        outputs: vec![],
        accumulators: vec![
            Accumulator {
                op: AccOp::Sum,
                dtype: DType::I64,
            },
            acc,
        ],
        form,
        slots: vec![],
        steps: vec![Step::Loop(count), take],
        results: vec![],
    };
    assert_eq!(verify_kernel(&kernel), Ok(()));
    kernel
}

/// A sequence for each operand, several of them side by side: operand, sequence, bytes.
type Sequences = Vec<Vec<Vec<u8>>>;

/// The partial values of sequences of up to [`LEAF`] elements that start at `position`.
fn partials(
    acc: Accumulator,
    form: Form,
    all: &Sequences,
    n: usize,
    position: u64,
) -> Vec<Vec<u64>> {
    let kernel = kernel(acc, form);
    let count = all[0].len();
    let size = acc.dtype.itemsize();
    let mut interpreter = Interpreter::new(&kernel);
    let mut call = |rows: Rows<'_>, n: usize, inputs: &[Vec<u8>], memory: &mut [u64]| {
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let strides = vec![rows.input_strides.first().copied().unwrap_or(0); inputs.len()];
        interpreter.run(
            &kernel,
            Block {
                n,
                index: 0,
                rows: Rows {
                    input_strides: &strides,
                    ..rows
                },
                inputs: &inputs,
                outputs: &mut [],
                accumulators: memory,
                fault: &mut Fault::NONE.clone(),
            },
        );
    };
    let of = |sequence: usize, part: std::ops::Range<usize>| -> Vec<Vec<u8>> {
        let operands = all.iter().map(|operand| &operand[sequence]);
        operands
            .map(|x| x[part.start * size..part.end * size].to_vec())
            .collect()
    };
    match form {
        Form::Lanes => (0..count)
            .map(|sequence| {
                let mut memory = vec![0; kernel.accumulator_words(1, 0)];
                kernel.reset_lanes(&mut memory);
                // Two calls, the first of whole groups in two rows.
                let first = n / 2 / LANES * LANES;
                let half = first / 2 / LANES * LANES;
                let two = Rows {
                    count: 2,
                    input_strides: &[half * size],
                    position,
                    position_stride: half as u64,
                    ..Rows::ONE
                };
                call(two, half, &of(sequence, 0..2 * half), &mut memory);
                for start in (2 * half..n).step_by(1024) {
                    let end = n.min(start + 1024);
                    let one = Rows {
                        position: position + start as u64,
                        ..Rows::ONE
                    };
                    call(one, end - start, &of(sequence, start..end), &mut memory);
                }
                let mut partials = vec![0; kernel.partial_words()];
                kernel.combine_lanes(&memory, &mut partials);
                partials
            })
            .collect(),
        Form::Rows => {
            let inputs: Vec<Vec<u8>> = all.iter().map(|operand| operand.concat()).collect();
            let mut memory = vec![!0; kernel.accumulator_words(count, 0)];
            let rows = Rows {
                count,
                input_strides: &[n * size],
                position,
                ..Rows::ONE
            };
            call(rows, n, &inputs, &mut memory);
            memory
                .chunks(kernel.partial_words())
                .map(<[u64]>::to_vec)
                .collect()
        }
        Form::Columns | Form::Streams => {
            let columns = count + 3;
            let mut tree = crate::reduce::ColumnTree::new(&kernel.accumulators);
            tree.restart(columns);
            for lane in LANE_ORDER {
                let elements: Vec<usize> = (lane..n).step_by(LANES).collect();
                let row = |operand: &Vec<Vec<u8>>, i: usize| -> Vec<u8> {
                    let row = operand.iter().map(|x| x[i * size..][..size].to_vec());
                    row.collect::<Vec<_>>().concat()
                };
                let inputs = all
                    .iter()
                    .map(|operand| elements.iter().flat_map(|&i| row(operand, i)).collect());
                let inputs: Vec<Vec<u8>> = inputs.collect();
                let memory = tree.open_lane();
                if !elements.is_empty() {
                    let rows = Rows {
                        count: elements.len(),
                        input_strides: &[count * size],
                        columns,
                        position: position + lane as u64,
                        position_stride: LANES as u64,
                        ..Rows::ONE
                    };
                    call(rows, count, &inputs, memory);
                }
                tree.close_lane();
            }
            tree.finish();
            let word = |k: usize, word: usize, column: usize| {
                let dtype = kernel.accumulators[k].word_dtype(word);
                let element = &tree.plane(k, word)[column * dtype.itemsize()..];
                Scalar::read(dtype, &element[..dtype.itemsize()]).bits() as u64
            };
            let all = (0..count).map(|column| {
                let words = (0..2).flat_map(|k| {
                    let words = 0..kernel.accumulators[k].words();
                    words.map(move |w| (k, w))
                });
                words.map(|(k, w)| word(k, w, column)).collect()
            });
            all.collect()
        }
    }
}

/// NaN of any payload is one value.
fn plain(acc: Accumulator, words: &[u64]) -> Vec<u64> {
    let words =
        words[1..]
            .iter()
            .enumerate()
            .map(|(word, &bits)| match acc.scalar(word, bits).as_f64() {
                Some(x) if x.is_nan() => u64::MAX - 1,
                _ => bits,
            });
    words.collect()
}

/// The words of `acc` for each sequence, the same from each form.
fn agreed(acc: Accumulator, all: &Sequences, n: usize, position: u64) -> Vec<Vec<u64>> {
    let rows = partials(acc, Form::Rows, all, n, position);
    assert!(
        rows.iter().all(|words| words[0] == n as u64),
        "each element is counted"
    );
    let rows: Vec<_> = rows.iter().map(|words| plain(acc, words)).collect();
    for form in [Form::Lanes, Form::Columns, Form::Streams] {
        let other = partials(acc, form, all, n, position);
        let other: Vec<_> = other.iter().map(|words| plain(acc, words)).collect();
        assert_eq!(rows, other, "{acc:?}, {form} of {n} elements");
    }
    rows
}

const LENGTHS: [usize; 12] = [0, 1, 2, 3, 15, 16, 17, 31, 33, 64, 100, 1000];

fn sequences(random: &mut Random, acc: Accumulator, n: usize) -> Sequences {
    let one = |random: &mut Random| match random.bits() % 3 {
        // Few different values, for ties.
        0 => (0..n).flat_map(|_| few(random, acc.dtype)).collect(),
        _ => random.block(acc.dtype, n),
    };
    (0..acc.op.operands())
        .map(|_| (0..5).map(|_| one(random)).collect())
        .collect()
}

pub(super) fn few(random: &mut Random, dtype: DType) -> Vec<u8> {
    let value = (random.bits() % 4) as u8;
    match dtype {
        DType::F32 => bytes(&[f32::from(value) - 1.5]),
        DType::F64 => bytes(&[f64::from(value) - 1.5]),
        _ => {
            let mut x = vec![0; dtype.itemsize()];
            x[0] = value % if dtype == DType::Bool { 2 } else { 4 };
            x
        }
    }
}

#[test]
fn a_place_of_the_first_best_element_is_found() {
    let mut random = Random(11);
    for op in [AccOp::ArgMin, AccOp::ArgMax] {
        for dtype in DType::ALL_REAL.into_iter().filter(|&dtype| op.takes(dtype)) {
            let acc = Accumulator { op, dtype };
            for n in LENGTHS {
                let all = sequences(&mut random, acc, n);
                for (got, x) in agreed(acc, &all, n, 7000).iter().zip(&all[0]) {
                    let x: Vec<Scalar> = (x.chunks(dtype.itemsize()))
                        .map(|x| Scalar::read(dtype, x))
                        .collect();
                    let mut best: Option<usize> = None;
                    for i in 0..n {
                        let better = best.is_none_or(|best| precedes(op, &x[i], &x[best]));
                        best = if better { Some(i) } else { best };
                    }
                    let want = best.map_or(-1, |i| 7000 + i as i64);
                    assert_eq!(got[1].cast_signed(), want, "{acc:?} of {x:?}");
                    if let Some(best) = best {
                        let value = plain(acc, &[0, x[best].bits() as u64]);
                        assert_eq!(got[0], value[0], "{acc:?} of {x:?}");
                    }
                }
            }
        }
    }
}

/// Whether a later element is better than the best of the earlier ones.
pub(super) fn precedes(op: AccOp, x: &Scalar, best: &Scalar) -> bool {
    let wanted = match op {
        AccOp::ArgMin => Ordering::Less,
        _ => Ordering::Greater,
    };
    let order = match (x.as_f64(), best.as_f64()) {
        (Some(x), Some(best)) if x.is_nan() || best.is_nan() => {
            return x.is_nan() && !best.is_nan();
        }
        (Some(x), Some(best)) => x.partial_cmp(&best).expect("no NaN is left"),
        _ => whole(x).cmp(&whole(best)),
    };
    order == wanted
}

fn whole(x: &Scalar) -> i128 {
    match x {
        Scalar::Bool(x) => i128::from(*x),
        x => x.as_i128().expect("an integer"),
    }
}

fn f64_sequences(all: Vec<Vec<f64>>) -> Sequences {
    vec![all.iter().map(|x| bytes(x)).collect()]
}

const MOMENTS: Accumulator = Accumulator {
    op: AccOp::Moments,
    dtype: DType::F64,
};

#[test]
fn deviations_of_large_numbers_do_not_cancel() {
    let mut random = Random(12);
    for n in LENGTHS {
        let mut noise = || (random.bits() >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        let all: Vec<Vec<f64>> = [0.0, 1e8, -1e12]
            .map(|base| (0..n).map(|_| base + noise()).collect())
            .into();
        let got = agreed(MOMENTS, &f64_sequences(all.clone()), n, 0);
        for (words, x) in got.iter().zip(&all) {
            let [count, mean, m2] = [words[0], words[1], words[2]].map(f64::from_bits);
            assert_eq!(count, n as f64);
            if n == 0 {
                assert_eq!((mean, m2), (0.0, 0.0));
                continue;
            }
            // In two passes over what is left of a number of about their size.
            let base = x[0];
            let exact = x.iter().map(|x| x - base).sum::<f64>() / n as f64;
            let want: f64 = x.iter().map(|x| (x - base - exact).powi(2)).sum();
            assert!(
                (mean - base - exact).abs() <= 4e-16 * base.abs().max(1.0),
                "{mean}"
            );
            // A running mean is rounded as numbers of that size are, and with it each deviation; the difference of two sums of
            // squares would be off by `base` times as much.
            let lost = n as f64 * f64::EPSILON * base.abs();
            assert!((m2 - want).abs() <= 1e-13 * want + lost, "{n}: {m2} {want}");
        }
    }
}

#[test]
fn what_is_not_finite_has_no_deviation() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for n in [1, 2, 17, 40] {
            for at in [0, n / 2, n - 1] {
                let mut x: Vec<f64> = (0..n).map(|i| i as f64).collect();
                x[at] = bad;
                let got = agreed(MOMENTS, &f64_sequences(vec![x]), n, 0);
                assert_eq!(got[0][2], u64::MAX - 1, "NaN for {bad} at {at} of {n}");
            }
        }
    }
}

/// The sum of squared deviations from the mean, in two passes over what is left of the elements once `base` is subtracted.
fn squares_about_mean(x: &[f64], base: f64) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().map(|x| x - base).sum::<f64>() / n;
    x.iter().map(|x| (x - base - mean).powi(2)).sum()
}

#[test]
fn an_outlier_as_pivot_costs_no_more_than_the_bound() {
    let mut random = Random(15);
    for n in [1, 2, 17, 500, 1000] {
        for outlier in [1e3, -1e9, 1e15] {
            // The first element of each lane, and of one.
            for lanes in [LANES, 1] {
                let mut noise = || (random.bits() >> 11) as f64 / (1u64 << 53) as f64;
                let mut x: Vec<f64> = (0..n).map(|_| 5.0 + noise()).collect();
                x[..lanes.min(n)].fill(outlier);
                let got = agreed(MOMENTS, &f64_sequences(vec![x.clone()]), n, 0);
                let m2 = f64::from_bits(got[0][2]);
                let want = squares_about_mean(&x, if n > lanes { 5.0 } else { outlier });
                let elements = n.div_ceil(LANES) as f64;
                let bound = elements * elements * f64::EPSILON;
                assert!((m2 - want).abs() <= bound * want, "{n}: {m2} {want}");
            }
        }
    }
}

#[test]
fn deviations_of_any_scale_keep_their_digits() {
    let mut random = Random(16);
    for scale in [1e-140, 1e-30, 1e100, 1e140] {
        for base in [0.0, 1e3] {
            let mut number = || (base + (random.bits() % 1000) as f64 / 256.0) * scale;
            let x: Vec<f64> = (0..1000).map(|_| number()).collect();
            let got = agreed(MOMENTS, &f64_sequences(vec![x.clone()]), 1000, 0);
            let m2 = f64::from_bits(got[0][2]);
            let want = squares_about_mean(&x, base * scale);
            assert!((m2 - want).abs() <= 1e-11 * want, "{scale}: {m2} {want}");
        }
    }
}

#[test]
fn squares_beyond_the_greatest_number_are_infinite() {
    let m2 = |x: Vec<f64>| {
        let n = x.len();
        agreed(MOMENTS, &f64_sequences(vec![x]), n, 0)[0][2]
    };
    for n in [2, 17, 40] {
        let up_and_down = (0..n).map(|i| if i % 3 == 0 { 1e200 } else { -1e200 });
        assert_eq!(m2(up_and_down.collect()), f64::INFINITY.to_bits());
        // Their deviations are none, however large they are.
        assert_eq!(m2(vec![1.7e308; n]), 0);
        // Too small to be squared.
        let tiny = (0..n).map(|i| 1e-200 * i as f64);
        assert_eq!(m2(tiny.collect()), 0);
    }
}

#[test]
fn leaves_of_deviations_merge() {
    let mut random = Random(13);
    let n = 3 * LEAF + 1000;
    let x: Vec<f64> = (0..n)
        .map(|i| 1e6 + i as f64 * 1e-3 + (random.bits() % 1000) as f64)
        .collect();
    let mut tree = Tree::new(&[MOMENTS]);
    for leaf in x.chunks(LEAF) {
        let sequences = f64_sequences(vec![leaf.to_vec()]);
        let partials = partials(MOMENTS, Form::Lanes, &sequences, leaf.len(), 0);
        tree.push(0, &partials[0][1..]);
    }
    let words = tree.finish();
    let mean = x.iter().map(|x| x - 1e6).sum::<f64>() / n as f64;
    let want: f64 = x.iter().map(|x| (x - 1e6 - mean).powi(2)).sum();
    let m2 = f64::from_bits(words[2]);
    assert_eq!(f64::from_bits(words[0]), n as f64);
    assert!((m2 - want).abs() <= 1e-11 * want, "{m2} {want}");
}

/// Both parts as `f64`.
fn complex(acc: Accumulator, all: &Sequences, sequence: usize) -> Vec<(f64, f64)> {
    let part = |operand: usize| -> Vec<f64> {
        match acc.dtype {
            DType::F32 => elements::<f32>(&all[operand][sequence])
                .into_iter()
                .map(f64::from)
                .collect(),
            _ => elements(&all[operand][sequence]),
        }
    };
    part(0).into_iter().zip(part(1)).collect()
}

#[test]
fn complex_numbers_are_ordered_by_both_parts() {
    let mut random = Random(14);
    for op in [AccOp::ComplexMin, AccOp::ComplexMax] {
        for dtype in [DType::F32, DType::F64] {
            let acc = Accumulator { op, dtype };
            for n in LENGTHS {
                let all = sequences(&mut random, acc, n);
                let got = agreed(acc, &all, n, 3);
                for (sequence, got) in got.iter().enumerate() {
                    let z = complex(acc, &all, sequence);
                    let nan = z.iter().position(|z| z.0.is_nan() || z.1.is_nan());
                    let better = |a: (f64, f64), b: (f64, f64)| match op {
                        AccOp::ComplexMin => a < b,
                        _ => a > b,
                    };
                    let best = nan.or_else(|| {
                        (0..n).reduce(|best, i| if better(z[i], z[best]) { i } else { best })
                    });
                    assert_eq!(
                        got[2].cast_signed(),
                        best.map_or(-1, |i| 3 + i as i64),
                        "{z:?}"
                    );
                    if let Some(best) = best {
                        let parts = [0, 1].map(|operand: usize| {
                            let x = &all[operand][sequence][best * dtype.itemsize()..];
                            Scalar::read(dtype, &x[..dtype.itemsize()]).bits() as u64
                        });
                        assert_eq!(got[..2], plain(acc, &[0, parts[0], parts[1]]), "{z:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn complex_products_go_lane_by_lane() {
    let acc = Accumulator {
        op: AccOp::ComplexProd,
        dtype: DType::F64,
    };
    let mut random = Random(15);
    for n in LENGTHS {
        let all = sequences(&mut random, acc, n);
        let got = agreed(acc, &all, n, 0);
        for (sequence, got) in got.iter().enumerate() {
            let times = |(a, b): (f64, f64), (c, d): (f64, f64)| (a * c - b * d, a * d + b * c);
            let mut lanes = vec![(1.0, 0.0); LANES];
            for (i, z) in complex(acc, &all, sequence).into_iter().enumerate() {
                lanes[i % LANES] = times(lanes[i % LANES], z);
            }
            while lanes.len() > 1 {
                let upper = lanes.split_off(lanes.len() / 2);
                lanes
                    .iter_mut()
                    .zip(upper)
                    .for_each(|(lane, z)| *lane = times(*lane, z));
            }
            let want = plain(acc, &[0, lanes[0].0.to_bits(), lanes[0].1.to_bits()]);
            assert_eq!(*got, want, "{n} elements");
        }
    }
}
