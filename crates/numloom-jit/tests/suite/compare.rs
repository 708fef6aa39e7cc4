//! Running a kernel in both engines.

use std::sync::Arc;

use numloom_data::DType;
use numloom_ir::interp::{Block, Interpreter};
use numloom_ir::reduce::{LANE_WORDS, LANES};
use numloom_ir::{Fault, InputClass, Kernel, MAX_BLOCK};
use numloom_jit::{Level, NativeKernel, Target};

use crate::values::{Numbers, block};

/// The host, and the host with less.
pub(crate) fn targets() -> Vec<Target> {
    let host = Target::host().expect("tests run where there is a backend");
    let less = [Level::X86V2, Level::X86V3].map(|level| host.limited_to(level));
    let less = less.into_iter().flatten();
    let less = less.filter(|target| target.level() < host.level());
    less.chain([host.clone()]).collect()
}

pub(crate) fn compile(kernel: &Arc<Kernel>, target: &Target) -> NativeKernel {
    NativeKernel::compile(Arc::clone(kernel), target)
        .unwrap_or_else(|error| panic!("{error} on {}: {kernel:?}", target.name()))
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
    pub(crate) outputs: Vec<Vec<u8>>,
    pub(crate) accumulators: Vec<u64>,
    pub(crate) fault: Fault,
}

/// What goes into a kernel.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) n: usize,
    pub(crate) inputs: Vec<Vec<u8>>,
    pub(crate) accumulators: Vec<u64>,
}

impl Data {
    /// Elements for `kernel` from `numbers`, and lanes that are not the identity.
    pub(crate) fn new(kernel: &Kernel, n: usize, numbers: &mut Numbers) -> Data {
        let inputs = kernel.inputs.iter().map(|input| match input.class {
            InputClass::Contiguous => block(input.dtype, n, numbers),
            InputClass::Scalar => block(input.dtype, 1, numbers),
        });
        let inputs = inputs.collect();
        let mut accumulators = vec![0u64; kernel.accumulators.len() * LANE_WORDS];
        for (acc, words) in kernel
            .accumulators
            .iter()
            .zip(accumulators.chunks_mut(LANE_WORDS))
        {
            let mut lanes = block(acc.dtype, LANES, numbers);
            if acc.dtype == DType::Bool {
                lanes
                    .iter_mut()
                    .for_each(|lane| *lane = u8::from(*lane != 0));
            }
            lanes.resize(8 * LANE_WORDS, 0);
            for (word, bytes) in words.iter_mut().zip(lanes.chunks(8)) {
                *word = u64::from_ne_bytes(bytes.try_into().expect("eight"));
            }
        }
        Data {
            n,
            inputs,
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
            inputs: inputs.collect(),
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
    let mut outputs: Vec<Vec<u8>> = (kernel.outputs.iter())
        .map(|dtype| vec![CANARY; shift + data.n * dtype.itemsize() + 64])
        .collect();
    let mut accumulators = data.accumulators.clone();
    let mut fault = Fault::NONE;
    {
        let mut outputs: Vec<&mut [u8]> = (outputs.iter_mut().zip(&kernel.outputs))
            .map(|(bytes, dtype)| &mut bytes[shift..][..data.n * dtype.itemsize()])
            .collect();
        f(Block {
            n: data.n,
            index: 1000,
            inputs: &inputs,
            outputs: &mut outputs,
            accumulators: &mut accumulators,
            fault: &mut fault,
        });
    }
    for (bytes, dtype) in outputs.iter_mut().zip(&kernel.outputs) {
        let end = shift + data.n * dtype.itemsize();
        let around = bytes[..shift].iter().chain(&bytes[end..]);
        assert!(
            around.copied().all(|byte| byte == CANARY),
            "written outside"
        );
        *bytes = bytes[shift..end].to_vec();
    }
    Result {
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
        let lanes = |words: &[u64]| -> Vec<u8> {
            let words = &words[a * LANE_WORDS..][..LANE_WORDS];
            words.iter().flat_map(|word| word.to_ne_bytes()).collect()
        };
        let (got, want) = (lanes(&got.accumulators), lanes(&want.accumulators));
        let size = acc.dtype.itemsize();
        for (i, (got, want)) in got.chunks(size).zip(want.chunks(size)).enumerate() {
            assert!(
                same(acc.dtype, nan, got, want),
                "accumulator {a}, lane {i}: got {got:02x?}, want {want:02x?}; {context}\n{kernel:#?}"
            );
        }
    }
}

/// Holds every target to the interpreter on `data`, whole and in parts of every length up to 67, aligned and not.
///
/// Kernels without accumulators only: there, what holds for the whole holds for its parts.
pub(crate) fn agree(kernel: Kernel, nan: Nan, data: &Data) {
    assert!(kernel.accumulators.is_empty() && data.n <= MAX_BLOCK);
    let kernel = Arc::new(kernel);
    let want = interpret(&kernel, data);
    for target in targets() {
        let native = compile(&kernel, &target);
        let whole = execute(&native, data, 0);
        assert_same(&kernel, nan, &whole, &want, target.name());
        for n in 0..=data.n.min(67) {
            // Parts from all over.
            let start = (n * 13) % (data.n - n + 1);
            let part = data.part(&kernel, start, n);
            let got = execute(&native, &part, 1 + n % 9);
            let context = format!("{} n={n} from {start}", target.name());
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
