//! Accumulators in each form, over several rows, against single values combined in the order that the tree prescribes.

use std::slice::from_ref;

use numloom_data::{DType, Scalar};

use super::{Random, same};
use crate::fault::Fault;
use crate::interp::{Block, Interpreter, Rows, eval_scalar};
use crate::kernel::{
    AccOp, Accumulator, Form, InputClass, Kernel, KernelInput, LoopInst, LoopOp, Place, Step, V,
};
use crate::reduce::{LANES, MAX_WORDS, reset};

const OPS: [AccOp; 4] = [AccOp::Sum, AccOp::Prod, AccOp::Min, AccOp::Max];

/// Elements from one row to the next, with a gap.
fn pitch(n: usize) -> usize {
    n + 3
}

/// A kernel that takes its first input into a sum of `i64` ones' sake, then its second into `acc`.
fn kernel(acc: Accumulator, form: Form) -> Kernel {
    let input = |dtype| KernelInput {
        dtype,
        class: InputClass::Contiguous,
    };
    let load = |i, dtype| LoopInst {
        op: LoopOp::Load(Place::Input(i)),
        dtype,
    };
    let accumulate = |acc, value, dtype| LoopInst {
        op: LoopOp::Accumulate {
            acc,
            value: V(value),
        },
        dtype,
    };
    Kernel {
        inputs: vec![input(DType::I16), input(acc.dtype)],
        outputs: vec![],
        // The first accumulator is another, so that the second's place matters.
        accumulators: vec![
            Accumulator {
                op: AccOp::Max,
                dtype: DType::I16,
            },
            acc,
        ],
        form,
        slots: vec![],
        steps: vec![Step::Loop(vec![
            load(0, DType::I16),
            accumulate(0, 0, DType::I16),
            load(1, acc.dtype),
            accumulate(1, 2, acc.dtype),
        ])],
        results: vec![],
    }
}

/// What is combined in order, one value at a time.
struct Naive(Accumulator);

impl Naive {
    fn take(&self, state: &mut Scalar, x: &Scalar) {
        let Accumulator { op, dtype } = self.0;
        let op = op.op().expect("a simple one");
        *state = eval_scalar(op, dtype, &[state.clone(), x.clone()]).expect("it does not fault");
    }

    fn identity(&self) -> Scalar {
        self.0.scalar(0, self.0.identity(0))
    }

    /// A leaf of the elements, from its start.
    fn lanes(&self, elements: &[Scalar]) -> Vec<Scalar> {
        let mut lanes = vec![self.identity(); LANES];
        for (i, x) in elements.iter().enumerate() {
            self.take(&mut lanes[i % LANES], x);
        }
        lanes
    }

    fn halved(&self, mut lanes: Vec<Scalar>) -> Scalar {
        while lanes.len() > 1 {
            let upper = lanes.split_off(lanes.len() / 2);
            lanes
                .iter_mut()
                .zip(&upper)
                .for_each(|(lane, x)| self.take(lane, x));
        }
        lanes.remove(0)
    }
}

fn scalars(dtype: DType, bytes: &[u8]) -> Vec<Scalar> {
    bytes
        .chunks_exact(dtype.itemsize())
        .map(|x| Scalar::read(dtype, x))
        .collect()
}

fn stored(values: &[Scalar]) -> Vec<u8> {
    let bytes = values.iter().flat_map(|value| {
        let mut bytes = vec![0; value.dtype().itemsize()];
        value.write_bytes(&mut bytes);
        bytes
    });
    bytes.collect()
}

/// Runs a call of `rows` rows of `n` elements.
fn run(kernel: &Kernel, n: usize, rows: usize, columns: usize, x: &[u8], memory: &mut [u64]) {
    let pitch = pitch(n);
    let size = kernel.inputs[1].dtype.itemsize();
    let ones: Vec<u8> = (0..pitch * rows)
        .flat_map(|i| (i as i16).to_ne_bytes())
        .collect();
    let end = pitch * (rows - 1) + n;
    let mut fault = Fault::NONE;
    Interpreter::new(kernel).run(
        kernel,
        Block {
            n,
            index: 0,
            rows: Rows {
                count: rows,
                index_stride: 0,
                input_strides: &[2 * pitch, size * pitch],
                output_strides: &[],
                columns,
                position: 0,
                position_stride: 0,
            },
            inputs: &[&ones[..2 * end], &x[..size * end]],
            outputs: &mut [],
            accumulators: memory,
            fault: &mut fault,
        },
    );
    assert!(!fault.is_some());
}

fn accumulators() -> impl Iterator<Item = Accumulator> {
    let all = OPS
        .into_iter()
        .flat_map(|op| DType::ALL_REAL.map(|dtype| Accumulator { op, dtype }));
    all.filter(|acc| acc.op.takes(acc.dtype))
}

const LENGTHS: [usize; 9] = [0, 1, 2, 15, 16, 17, 31, 33, 100];

#[test]
fn a_row_is_a_leaf_of_its_own() {
    let mut random = Random(5);
    for acc in accumulators() {
        let kernel = kernel(acc, Form::Rows);
        let naive = Naive(acc);
        for n in LENGTHS {
            for rows in [1, 2, 17] {
                let x = random.block(acc.dtype, pitch(n) * rows);
                let mut memory = vec![!0; kernel.accumulator_words(rows, 0)];
                run(&kernel, n, rows, 0, &x, &mut memory);
                for (row, words) in memory.chunks_exact(2).enumerate() {
                    let x = &scalars(acc.dtype, &x)[pitch(n) * row..][..n];
                    let want = naive.halved(naive.lanes(x));
                    let got = acc.scalar(0, words[1]);
                    let last = (pitch(n) * row + n) as i16 - 1;
                    let ones = if n == 0 { i16::MIN } else { last };
                    assert_eq!(words[0], u64::from(ones.cast_unsigned()), "{n} elements");
                    assert_eq!(words[1], got.bits() as u64, "nothing above the value");
                    assert!(
                        same(acc.dtype, &stored(&[got]), &stored(&[want])),
                        "{acc:?}, row {row} of {rows}, {n} elements"
                    );
                }
            }
        }
    }
}

#[test]
fn all_rows_go_to_one_value_of_each_column() {
    let mut random = Random(6);
    for acc in accumulators() {
        let kernel = kernel(acc, Form::Columns);
        let naive = Naive(acc);
        for n in LENGTHS {
            let columns = n + n % 2 * 5;
            let rows = [16, 1, 1 + n % 16];
            let total = rows.iter().sum::<usize>();
            let x = random.block(acc.dtype, pitch(n) * total);
            let mut memory = vec![0; kernel.accumulator_words(1, columns)];
            reset(&kernel.accumulators, &mut memory, columns);
            let mut start = 0;
            for rows in rows {
                let bytes = start * pitch(n) * acc.dtype.itemsize();
                run(&kernel, n, rows, columns, &x[bytes..], &mut memory);
                start += rows;
            }
            let x = scalars(acc.dtype, &x);
            let values = &memory[kernel.accumulator_offset(1, columns)..];
            let values = scalars(acc.dtype, bytemuck::cast_slice(values));
            for (column, got) in values.iter().take(columns).enumerate() {
                let rows = if column < n { total } else { 0 };
                let mut want = naive.identity();
                for row in 0..rows {
                    naive.take(&mut want, &x[pitch(n) * row + column]);
                }
                assert!(
                    same(acc.dtype, &stored(from_ref(got)), &stored(from_ref(&want))),
                    "{acc:?}, column {column} of {columns}: {got:?} {want:?}"
                );
            }
        }
    }
}

#[test]
fn each_row_starts_at_the_first_lane() {
    let mut random = Random(7);
    for acc in accumulators() {
        let kernel = kernel(acc, Form::Lanes);
        let naive = Naive(acc);
        for (n, rows) in [(0, 3), (16, 17), (32, 2), (100, 1), (5, 2)] {
            let x = random.block(acc.dtype, pitch(n) * rows);
            let mut memory = vec![0; kernel.accumulator_words(rows, 0)];
            kernel.reset_lanes(&mut memory);
            run(&kernel, n, rows, 0, &x, &mut memory);
            let x = scalars(acc.dtype, &x);
            let mut lanes = vec![naive.identity(); LANES];
            for row in 0..rows {
                for i in 0..n {
                    naive.take(&mut lanes[i % LANES], &x[pitch(n) * row + i]);
                }
            }
            let bytes: &[u8] = bytemuck::cast_slice(&memory[kernel.accumulator_offset(1, 0)..]);
            let got = &bytes[..LANES * acc.dtype.itemsize()];
            assert!(
                same(acc.dtype, got, &stored(&lanes)),
                "{acc:?}, {rows} rows of {n}"
            );
            let mut partials = [0; 2];
            kernel.combine_lanes(&memory, &mut partials);
            let got = stored(&[acc.scalar(0, partials[1])]);
            assert!(
                same(acc.dtype, &got, &stored(&[naive.halved(lanes)])),
                "{acc:?}"
            );
        }
    }
}

#[test]
fn a_partial_value_has_no_more_words_than_there_is_room_for() {
    assert!(accumulators().all(|acc| (1..=MAX_WORDS).contains(&acc.words())));
}
