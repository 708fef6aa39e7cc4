//! Running a kernel in both engines.

use std::fmt;
use std::sync::Arc;

use numloom_data::{DType, Scalar};
use numloom_ir::interp::{Block, Interpreter, Rows};
use numloom_ir::reduce::LANES;
use numloom_ir::{Fault, Form, InputClass, Isa, Kernel, LoopInst, LoopOp, MAX_BLOCK, Op, Step, V};
use numloom_jit::{Generator, NativeKernel, Target};

use crate::values::{Numbers, block};

/// A code generator, and what it compiles for.
pub(crate) struct Compiler {
    generator: Generator,
    pub(crate) target: Target,
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.generator, self.target.isa())
    }
}

/// Every code generator for the host with each instruction set that it has; the best one for the best set first.
pub(crate) fn compilers() -> Vec<Compiler> {
    let mut all = Vec::new();
    for &isa in Isa::available().iter().rev() {
        for generator in Generator::ALL {
            if !generator.runs_on(isa) {
                continue;
            }
            let target = Target::new(isa).expect("tests run where there is a backend");
            all.push(Compiler { generator, target });
        }
    }
    all
}

pub(crate) fn compile(kernel: &Arc<Kernel>, compiler: &Compiler) -> NativeKernel {
    NativeKernel::compile_with(compiler.generator, Arc::clone(kernel), &compiler.target)
        .unwrap_or_else(|error| panic!("{error} by {compiler}: {kernel:?}"))
}

/// Whether a NaN in an output was computed, and so may have any payload.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Nan {
    /// One value.
    Any,
    /// Moved, so the same to the bit.
    Exact,
}

/// What an engine made of a block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Result {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) outputs: Vec<Vec<u8>>,
    pub(crate) accumulators: Vec<u64>,
    pub(crate) fault: Fault,
}

/// What goes into a kernel.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) n: usize,
    pub(crate) rows: usize,
    /// For each input the bytes of its rows, with gaps as long as `gap` says.
    pub(crate) inputs: Vec<Vec<u8>>,
    pub(crate) columns: usize,
    pub(crate) accumulators: Vec<u64>,
}

/// Bytes from one row of `i` to the next, where it takes `bytes` bytes; none for one row.
fn stride(rows: usize, i: usize, bytes: usize) -> usize {
    match rows {
        1 => 0,
        _ => bytes + [0, 5, 8, 64][i % 4],
    }
}

impl Data {
    /// Elements for `kernel` from `numbers`, and lanes that are not the identity.
    pub(crate) fn new(kernel: &Kernel, n: usize, numbers: &mut Numbers) -> Data {
        Data::with_rows(kernel, n, 1, numbers)
    }

    /// The same in several rows.
    pub(crate) fn with_rows(kernel: &Kernel, n: usize, rows: usize, numbers: &mut Numbers) -> Data {
        let inputs = kernel.inputs.iter().enumerate().map(|(i, input)| {
            let elements = match input.class {
                InputClass::Contiguous => n,
                InputClass::Scalar => 1,
            };
            let bytes = elements * input.dtype.itemsize();
            let mut all = vec![0xa5; stride(rows, i, bytes) * (rows - 1) + bytes];
            for row in 0..rows {
                let start = stride(rows, i, bytes) * row;
                all[start..][..bytes].copy_from_slice(&block(input.dtype, elements, numbers));
            }
            all
        });
        let inputs = inputs.collect();
        let columns = n + n % 3;
        let mut accumulators = vec![0u64; kernel.accumulator_words(rows, columns)];
        for (a, acc) in kernel.accumulators.iter().enumerate() {
            let start = kernel.accumulator_offset(a, columns);
            let (words, lanes) = match kernel.form {
                Form::Lanes => (acc.lane_words(), LANES),
                Form::Rows => (0, 0),
                Form::Columns | Form::Streams => (acc.values_words(columns), columns),
            };
            let words = &mut accumulators[start..][..words];
            if acc.op.op().is_none() {
                // Their words belong together.
                match kernel.form {
                    Form::Lanes => acc.reset(words, LANES),
                    Form::Rows => {}
                    Form::Columns | Form::Streams => acc.reset(words, columns),
                }
                continue;
            }
            let mut lanes = block(acc.dtype, lanes, numbers);
            if acc.dtype == DType::Bool {
                lanes
                    .iter_mut()
                    .for_each(|lane| *lane = u8::from(*lane != 0));
            }
            lanes.resize(8 * words.len(), 0);
            for (word, bytes) in words.iter_mut().zip(lanes.chunks(8)) {
                *word = u64::from_ne_bytes(bytes.try_into().expect("eight"));
            }
        }
        Data {
            n,
            rows,
            inputs,
            columns,
            accumulators,
        }
    }

    /// The same for the elements from `start`, as many as `n`.
    pub(crate) fn part(&self, kernel: &Kernel, start: usize, n: usize) -> Data {
        let inputs = self
            .inputs
            .iter()
            .zip(&kernel.inputs)
            .map(|(bytes, input)| {
                let size = input.dtype.itemsize();
                match input.class {
                    InputClass::Contiguous => bytes[start * size..][..n * size].to_vec(),
                    InputClass::Scalar => bytes.clone(),
                }
            });
        Data {
            n,
            rows: 1,
            inputs: inputs.collect(),
            columns: self.columns,
            accumulators: self.accumulators.clone(),
        }
    }
}

fn run(kernel: &Kernel, data: &Data, shift: usize, f: impl FnOnce(Block<'_, '_>)) -> Result {
    // What surrounds each array must not be written, and its alignment is `shift`.
    const CANARY: u8 = 0xa5;
    let inputs: Vec<Vec<u8>> = (data.inputs.iter())
        .map(|bytes| [&vec![CANARY; shift][..], bytes].concat())
        .collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(|bytes| &bytes[shift..]).collect();
    let input_strides = kernel.inputs.iter().enumerate().map(|(i, input)| {
        let elements = match input.class {
            InputClass::Contiguous => data.n,
            InputClass::Scalar => 1,
        };
        stride(data.rows, i, elements * input.dtype.itemsize())
    });
    let input_strides: Vec<usize> = input_strides.collect();
    let row_bytes = |dtype: &DType| data.n * dtype.itemsize();
    let output_strides: Vec<usize> = (kernel.outputs.iter().enumerate())
        .map(|(i, dtype)| stride(data.rows, i + 1, row_bytes(dtype)))
        .collect();
    let output_bytes =
        |i: usize| output_strides[i] * (data.rows - 1) + row_bytes(&kernel.outputs[i]);
    let mut outputs: Vec<Vec<u8>> = (0..kernel.outputs.len())
        .map(|i| vec![CANARY; shift + output_bytes(i) + 64])
        .collect();
    let mut accumulators = data.accumulators.clone();
    let mut fault = Fault::NONE;
    {
        let mut outputs: Vec<&mut [u8]> = (outputs.iter_mut().enumerate())
            .map(|(i, bytes)| &mut bytes[shift..][..output_bytes(i)])
            .collect();
        f(Block {
            n: data.n,
            index: 1000,
            rows: Rows {
                count: data.rows,
                index_stride: 100_000,
                input_strides: &input_strides,
                output_strides: &output_strides,
                columns: data.columns,
                position: 4096 * 3,
                position_stride: 7,
            },
            inputs: &inputs,
            outputs: &mut outputs,
            accumulators: &mut accumulators,
            fault: &mut fault,
        });
    }
    for (i, bytes) in outputs.iter_mut().enumerate() {
        let mut rows = Vec::new();
        for row in 0..data.rows {
            let start = shift + row * output_strides[i];
            let this = &mut bytes[start..][..row_bytes(&kernel.outputs[i])];
            rows.extend_from_slice(this);
            this.fill(CANARY);
        }
        let clean = bytes.iter().all(|&byte| byte == CANARY);
        assert!(clean, "written outside");
        *bytes = rows;
    }
    Result {
        columns: data.columns,
        rows: data.rows,
        outputs,
        accumulators,
        fault,
    }
}

pub(crate) fn interpret(kernel: &Kernel, data: &Data) -> Result {
    let mut interpreter = Interpreter::new(kernel);
    run(kernel, data, 0, |block| interpreter.run(kernel, block))
}

pub(crate) fn execute(kernel: &NativeKernel, data: &Data, shift: usize) -> Result {
    run(kernel.kernel(), data, shift, |block| {
        kernel.run(block).expect("the block fits the kernel");
    })
}

/// Whether two elements are the same.
fn same(dtype: DType, nan: Nan, got: &[u8], want: &[u8]) -> bool {
    if got == want {
        return true;
    }
    let is_nan = |x: &[u8]| match dtype {
        DType::F32 => f32::from_ne_bytes(x.try_into().expect("four bytes")).is_nan(),
        DType::F64 => f64::from_ne_bytes(x.try_into().expect("eight bytes")).is_nan(),
        _ => false,
    };
    nan == Nan::Any && is_nan(got) && is_nan(want)
}

pub(crate) fn assert_same(kernel: &Kernel, nan: Nan, got: &Result, want: &Result, context: &str) {
    assert_eq!(got.fault, want.fault, "{context}");
    for (o, dtype) in kernel.outputs.iter().enumerate() {
        let size = dtype.itemsize();
        let pairs = got.outputs[o]
            .chunks(size)
            .zip(want.outputs[o].chunks(size));
        for (i, (got, want)) in pairs.enumerate() {
            assert!(
                same(*dtype, nan, got, want),
                "output {o}, element {i}: got {got:02x?}, want {want:02x?}; {context}\n{kernel:#?}"
            );
        }
    }
    for (a, acc) in kernel.accumulators.iter().enumerate() {
        let mut start = 8 * kernel.accumulator_offset(a, want.columns);
        for word in 0..acc.words() {
            let dtype = acc.word_dtype(word);
            let size = dtype.itemsize();
            // Where its elements lie, in bytes: how many runs, how far apart, of how many elements; and where the next word's do.
            let (runs, pitch, elements, next) = match kernel.form {
                Form::Lanes => (1, 0, LANES, 8 * LANES),
                Form::Rows => (want.rows, 8 * kernel.partial_words(), 1, 8),
                Form::Columns | Form::Streams => (1, 0, want.columns, 8 * want.columns),
            };
            let bytes = |words: &[u64]| -> Vec<u8> {
                let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
                let runs = (0..runs).map(|run| &bytes[start + run * pitch..][..elements * size]);
                runs.collect::<Vec<_>>().concat()
            };
            let pairs = (bytes(&got.accumulators), bytes(&want.accumulators));
            for (i, (got, want)) in pairs.0.chunks(size).zip(pairs.1.chunks(size)).enumerate() {
                assert!(
                    same(dtype, nan, got, want),
                    "accumulator {a}.{word}, element {i}: got {got:02x?}, want {want:02x?}; {context}\n{kernel:#?}"
                );
            }
            for run in 0..runs {
                if kernel.form == Form::Rows {
                    let bits = got.accumulators[(start + run * pitch) / 8];
                    let above = u128::from(bits) >> (8 * size);
                    assert_eq!(above, 0, "row {run} is zero-extended; {context}");
                }
            }
            start += next;
        }
    }
}

/// The same with operations that nobody wants, so many that no loop waits for memory: such loops take vectors of another width.
fn busy(kernel: &Kernel) -> Kernel {
    let mut kernel = kernel.clone();
    for step in &mut kernel.steps {
        let Step::Loop(body) = step else { continue };
        let dtype = DType::U8;
        let moves = body.len();
        let mut value = V(moves as u32);
        body.push(LoopInst {
            op: LoopOp::Const(Scalar::U8(3)),
            dtype,
        });
        for _ in 0..=moves {
            let args = vec![value, value];
            value = V(body.len() as u32);
            let op = LoopOp::Apply { op: Op::Xor, args };
            body.push(LoopInst { op, dtype });
        }
    }
    kernel
}

/// Holds every target to the interpreter on `data`, whole and in parts of every length up to 67, aligned and not.
///
/// Kernels without accumulators only: there, what holds for the whole holds for its parts.
pub(crate) fn agree(kernel: Kernel, nan: Nan, data: &Data) {
    assert!(kernel.accumulators.is_empty() && data.n <= MAX_BLOCK);
    let busy = Arc::new(busy(&kernel));
    let kernel = Arc::new(kernel);
    let want = interpret(&kernel, data);
    let compilers = compilers();
    let pairs = compilers.iter().flat_map(|c| [(&kernel, c), (&busy, c)]);
    for (kernel, compiler) in pairs {
        let native = compile(kernel, compiler);
        let whole = execute(&native, data, 0);
        assert_same(kernel, nan, &whole, &want, &compiler.to_string());
        for n in 0..=data.n.min(67) {
            // Parts from all over.
            let start = (n * 13) % (data.n - n + 1);
            let part = data.part(kernel, start, n);
            let got = execute(&native, &part, 1 + n % 9);
            let context = format!("{compiler} n={n} from {start}");
            for (o, dtype) in kernel.outputs.iter().enumerate() {
                let size = dtype.itemsize();
                let want = want.outputs[o][start * size..].chunks(size);
                for (i, (got, want)) in got.outputs[o].chunks(size).zip(want).enumerate() {
                    assert!(
                        same(*dtype, nan, got, want),
                        "output {o}, element {i}: got {got:02x?}, want {want:02x?}; {context}\n{kernel:#?}"
                    );
                }
            }
        }
    }
}
