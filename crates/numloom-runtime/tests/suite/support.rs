//! What the integration tests share: programs as text, arrays in odd layouts, and a naive evaluator.

use std::sync::Arc;

use numloom_data::{Array, ByteOrder, DType, Order, Scalar, View, ViewMut, broadcast};
use numloom_ir::interp::{FaultSink, eval};
use numloom_ir::reduce::{LANES, LEAF, Tree};
use numloom_ir::{
    AccOp, Accumulator, CastMode, Fault, InputClass, InstKind, Isa, Op, Program, Reduction,
};
use numloom_runtime::{Backend, Compiled, Engine, Options, OutputValue};

/// A program from its text form.
pub(crate) fn program(text: &str) -> Arc<Program> {
    Arc::new(
        text.parse()
            .unwrap_or_else(|error| panic!("{error}\n{text}")),
    )
}

/// The backends of this build.
pub(crate) fn backends() -> &'static [Backend] {
    Backend::available()
}

/// An engine with a backend and a number of threads, which uses them however small the work.
pub(crate) fn engine(backend: Backend, threads: usize) -> Engine {
    Engine::new(
        Options::new()
            .backend(backend)
            .threads(threads)
            .serial_below(0),
    )
    .expect("good options")
}

/// `prog` compiled for contiguous inputs.
pub(crate) fn compile(engine: &Engine, prog: &Arc<Program>) -> Compiled {
    let classes = vec![InputClass::Contiguous; prog.inputs.len()];
    engine.compile(prog, &classes).expect("a good program")
}

/// `n` values of `dtype`: special ones among random ones. The same for the same seed.
pub(crate) fn values(dtype: DType, n: usize, seed: u64) -> Vec<Scalar> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let value = |_| {
        let bits = next();
        let small = (bits >> 40) as i64 % 2000 - 1000;
        match dtype {
            DType::Bool => Scalar::Bool(bits & 4 == 0),
            DType::F32 => Scalar::F32(small as f32 / 7.0),
            DType::F64 => Scalar::F64(small as f64 / 7.0),
            DType::F16 => Scalar::F16(numloom_data::f16::from_f32(small as f32 / 64.0)),
            DType::Bytes(_) | DType::C64 | DType::C128 => unreachable!("not a dtype that computes"),
            integer => Scalar::from_bits(
                integer,
                bits as u128 & ((1 << (8 * integer.itemsize())) - 1),
            ),
        }
    };
    (0..n).map(value).collect()
}

/// How an array lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    C,
    F,
    /// Every third element of a longer row.
    Strided,
    /// Backward on every axis.
    Reversed,
    /// At an odd address.
    Unaligned,
    /// The other byte order.
    Swapped,
    /// Rows with a gap behind each.
    Padded,
}

impl Layout {
    pub(crate) const ALL: [Layout; 7] = [
        Layout::C,
        Layout::F,
        Layout::Strided,
        Layout::Reversed,
        Layout::Unaligned,
        Layout::Swapped,
        Layout::Padded,
    ];
}

/// An array in some layout, with the memory it lies in.
pub(crate) struct Laid {
    memory: Vec<u8>,
    offset: isize,
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
    swapped: bool,
}

impl Laid {
    /// Zeros of `shape`.
    pub(crate) fn zeros(dtype: DType, shape: &[usize], layout: Layout) -> Laid {
        let size = dtype.itemsize();
        let (mut extents, mut order, mut step) = (shape.to_vec(), Order::C, 1);
        match layout {
            Layout::F => order = Order::F,
            Layout::Strided => step = 3,
            Layout::Padded => extents
                .last_mut()
                .into_iter()
                .for_each(|extent| *extent += 5),
            _ => {}
        }
        let mut strides = match order {
            Order::C => numloom_data::shape::c_strides(&extents, size * step),
            Order::F => numloom_data::shape::f_strides(&extents, size * step),
        };
        let bytes = numloom_data::shape::size_bytes(&extents, size * step).unwrap() + size + 8;
        let mut offset = 0;
        if layout == Layout::Reversed {
            for (stride, &extent) in strides.iter_mut().zip(shape) {
                offset += *stride * (extent.max(1) - 1) as isize;
                *stride = -*stride;
            }
        }
        let mut memory = vec![0u8; bytes + 16];
        // A multiple of 8, and one more for the unaligned.
        offset += memory.as_mut_ptr().align_offset(8) as isize;
        if layout == Layout::Unaligned {
            offset += 1;
        }
        let (shape, swapped) = (shape.to_vec(), layout == Layout::Swapped);
        Laid {
            memory,
            offset,
            dtype,
            shape,
            strides,
            swapped,
        }
    }

    /// `values` in `shape`.
    pub(crate) fn new(values: &[Scalar], dtype: DType, shape: &[usize], layout: Layout) -> Laid {
        let mut laid = Laid::zeros(dtype, shape, layout);
        let mut view = laid.view_mut();
        for (value, index) in values.iter().zip(indices(shape)) {
            view.set(&index, value).expect("an index of the shape");
        }
        laid
    }

    fn byte_order(&self) -> ByteOrder {
        if self.swapped {
            ByteOrder::Swapped
        } else {
            ByteOrder::Native
        }
    }

    #[expect(unsafe_code, reason = "odd layouts are made from raw parts")]
    pub(crate) fn view(&self) -> View<'_> {
        let ptr = self.memory.as_ptr().wrapping_offset(self.offset);
        // SAFETY: (1, 2) `memory` was made large enough for these strides; (3) it is borrowed.
        let view = unsafe { View::from_raw_parts(ptr, self.dtype, &self.shape, &self.strides) };
        view.with_byte_order(self.byte_order())
    }

    #[expect(unsafe_code, reason = "odd layouts are made from raw parts")]
    pub(crate) fn view_mut(&mut self) -> ViewMut<'_> {
        let ptr = self.memory.as_mut_ptr().wrapping_offset(self.offset);
        // SAFETY: as in `view`; (3) strides are multiples of the size that do not meet, and `memory` is borrowed mutably.
        let view = unsafe { ViewMut::from_raw_parts(ptr, self.dtype, &self.shape, &self.strides) };
        view.with_byte_order(self.byte_order())
    }
}

/// All indices of `shape` in row-major order.
pub(crate) fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let total: usize = shape.iter().product();
    let shape = shape.to_vec();
    (0..total).map(move |mut rest| {
        let mut index = vec![0; shape.len()];
        for (i, extent) in index.iter_mut().zip(&shape).rev() {
            *i = rest % extent;
            rest /= extent;
        }
        index
    })
}

/// What a program comes to: evaluated element by element, reduced over a list.
pub(crate) fn naive(prog: &Program, inputs: &[View<'_>]) -> Vec<OutputValue> {
    let output = |output: &numloom_ir::Output| {
        let space = prog.inst(output.value).reduced_shape();
        let shapes: Vec<&[usize]> = space
            .unwrap_or(&output.shape)
            .inputs()
            .map(|i| inputs[i as usize].shape())
            .collect();
        let shape = broadcast::broadcast_shapes(&shapes).expect("shapes that broadcast");
        let (reduction, value) = match &prog.inst(output.value).kind {
            InstKind::Reduce(reduce) => (Some(reduce.reduction), reduce.args[0]),
            _ => (None, output.value),
        };
        let elements: Vec<Scalar> = indices(&shape)
            .map(|index| element(prog, value.index(), inputs, &index))
            .collect();
        let dtype = prog.dtype(output.value);
        match reduction {
            Some(reduction) => {
                OutputValue::Scalar(reduce(reduction, prog.dtype(value), dtype, &elements))
            }
            None if output.shape.sources().is_empty() => {
                OutputValue::Scalar(elements.into_iter().next().expect("one element"))
            }
            None => {
                let mut array = Array::zeros(dtype, &shape, Order::C).unwrap();
                for (value, index) in elements.iter().zip(indices(&shape)) {
                    array.view_mut().set(&index, value).unwrap();
                }
                OutputValue::Array(array)
            }
        }
    };
    prog.outputs.iter().map(output).collect()
}

fn element(prog: &Program, inst: usize, inputs: &[View<'_>], index: &[usize]) -> Scalar {
    match &prog.insts[inst].kind {
        InstKind::Const(value) => value.clone(),
        InstKind::Input(i) => {
            let view = &inputs[*i as usize];
            let lead = index.len() - view.ndim();
            let own = index[lead..].iter().zip(view.shape());
            let own: Vec<usize> = own
                .map(|(&i, &extent)| if extent == 1 { 0 } else { i })
                .collect();
            view.get(&own).expect("an index of the input")
        }
        InstKind::Apply { op, args } => {
            let args: Vec<Scalar> = args
                .iter()
                .map(|arg| element(prog, arg.index(), inputs, index))
                .collect();
            apply(*op, &args, prog.insts[inst].dtype)
        }
        InstKind::Reduce(_) | InstKind::Count { .. } => {
            unreachable!("reductions are outputs only")
        }
    }
}

fn apply(op: Op, args: &[Scalar], to: DType) -> Scalar {
    let bytes = |value: &Scalar| {
        let mut bytes = vec![0; value.dtype().itemsize()];
        value.write_bytes(&mut bytes);
        bytes
    };
    let from = args.last().unwrap().dtype();
    let args: Vec<Vec<u8>> = args.iter().map(bytes).collect();
    let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
    let mut dst = vec![0; to.itemsize()];
    let mut fault = Fault::NONE;
    let mut sink = FaultSink {
        fault: &mut fault,
        inst: 0,
        index: 0,
    };
    eval(Isa::best(), op, from, to, &args, &mut dst, &mut sink);
    Scalar::read(to, &dst)
}

fn cast(value: &Scalar, to: DType) -> Scalar {
    if value.dtype() == to {
        return value.clone();
    }
    apply(Op::Cast(CastMode::Wrap), std::slice::from_ref(value), to)
}

/// The fixed tree, from its description: lanes, leaves, halving, merging.
fn reduce(reduction: Reduction, from: DType, to: DType, elements: &[Scalar]) -> Scalar {
    let op = match reduction {
        Reduction::Sum => AccOp::Sum,
        Reduction::Prod => AccOp::Prod,
        Reduction::Min => AccOp::Min,
        Reduction::Max => AccOp::Max,
        _ => unreachable!("made of calls"),
    };
    let acc = Accumulator {
        op,
        dtype: reduction.accumulator(from),
    };
    let mut tree = Tree::new(&[acc]);
    for leaf in elements.chunks(LEAF) {
        let identity = acc.scalar(0, acc.identity(0));
        let mut lanes = vec![identity; LANES];
        for (i, value) in leaf.iter().enumerate() {
            let value = cast(value, acc.dtype);
            lanes[i % LANES] = apply(
                op.op().unwrap(),
                &[lanes[i % LANES].clone(), value],
                acc.dtype,
            );
        }
        let mut words = [0u64; LANES];
        acc.reset(&mut words, LANES);
        let mut bytes = vec![];
        for lane in &lanes {
            let mut word = vec![0; acc.dtype.itemsize()];
            lane.write_bytes(&mut word);
            bytes.extend(word);
        }
        for (word, chunk) in words.iter_mut().zip(bytes.chunks(8)) {
            let mut low = [0; 8];
            low[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_le_bytes(low);
        }
        let mut partial = [0];
        acc.combine_lanes(&words, &mut partial);
        tree.push(0, &partial);
    }
    let total = acc.scalar(0, tree.finish()[0]);
    cast(&total, to)
}

/// Equal, a NaN being one value.
pub(crate) fn same(a: &OutputValue, b: &OutputValue) -> bool {
    let equal = |x: &Scalar, y: &Scalar| {
        let nan = |v: &Scalar| v.as_f64().is_some_and(f64::is_nan);
        x == y || x.dtype() == y.dtype() && nan(x) && nan(y)
    };
    match (a, b) {
        (OutputValue::Scalar(x), OutputValue::Scalar(y)) => equal(x, y),
        (OutputValue::Array(x), OutputValue::Array(y)) => {
            x.dtype() == y.dtype()
                && x.shape() == y.shape()
                && x.view()
                    .scalars()
                    .zip(y.view().scalars())
                    .all(|(x, y)| equal(&x, &y))
        }
        _ => false,
    }
}

/// Fails unless all outputs are the same.
pub(crate) fn assert_same(got: &[OutputValue], want: &[OutputValue], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(
            same(got, want),
            "output {i} of {what}:\ngot  {got:?}\nwant {want:?}"
        );
    }
}
