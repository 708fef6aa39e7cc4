//! The steps of a kernel, over one block at a time.

use std::ops::Range;

use numloom_data::DType;
use numloom_math::Isa;

use super::accumulate::{take_columns, take_lanes};
use super::bytes::{Strings, eval_bytes};
use super::eval::{self, FaultSink, eval};
use crate::fault::Fault;
use crate::kernel::{
    AccumulateStep, CallArg, CallStep, Form, InputClass, Kernel, LoopInst, LoopOp, MAX_BLOCK,
    Place, Step, V,
};
use crate::reduce::LANES;

/// The most words of all columns together, in strips of more than [`LANES`] elements: what a thread is allowed.
const MAX_COLUMN_WORDS: usize = 1 << 17;

/// The elements of a loop that are computed at a time, and the words of a column: a whole block, or as much less as keeps the columns of a
/// long body within bounds. Loops are elementwise and accumulate in order, so their strips may be run one after the other.
fn strip(body: &[LoopInst]) -> usize {
    (MAX_COLUMN_WORDS / body.len().max(1)).clamp(LANES, MAX_BLOCK) / LANES * LANES
}

/// What a kernel reads and writes for one block of elements: one row, or several.
#[derive(Debug)]
pub struct Block<'a, 'b> {
    /// The number of elements of a row, at most [`Kernel::max_block`].
    pub n: usize,
    /// The logical index of the first element, for faults.
    pub index: u64,
    /// How many rows there are, and where.
    pub rows: Rows<'a>,
    /// For each input its `n` elements (one for [`InputClass::Scalar`]) of the first row, up to those of the last; may be empty if
    /// the kernel never loads it.
    pub inputs: &'a [&'a [u8]],
    /// For each output room for its `n` elements of the first row, up to those of the last.
    pub outputs: &'a mut [&'b mut [u8]],
    /// As many words as [`Kernel::accumulator_words`] says, laid out as the kernel's [`Form`] wants. In [`Form::Lanes`] element `i` of a
    /// row goes to lane `i % LANES`, so a row starts at a multiple of [`LANES`] within its leaf.
    pub accumulators: &'a mut [u64],
    /// Keeps the first fault.
    pub fault: &'a mut Fault,
}

/// The rows of a [`Block`].
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// How many there are.
    pub count: usize,
    /// The logical index of a row's first element less that of the row before, for faults.
    pub index_stride: u64,
    /// For each input the bytes from a row's first element to the next row's; may be empty if there is one row.
    pub input_strides: &'a [usize],
    /// For each output the bytes from a row's first element to the next row's; may be empty if there is one row.
    pub output_strides: &'a [usize],
    /// In [`Form::Columns`], how many columns the accumulators have: at least as many as a row has elements.
    pub columns: usize,
    /// The position, in what is reduced, of the first element of the first row: for accumulators that find one. In
    /// [`Form::Columns`] all elements of a row have the one position.
    pub position: u64,
    /// The position of a row's first element less that of the row before.
    pub position_stride: u64,
}

impl Rows<'_> {
    /// One row, and no columns.
    pub const ONE: Rows<'static> = Rows {
        count: 1,
        index_stride: 0,
        input_strides: &[],
        output_strides: &[],
        columns: 0,
        position: 0,
        position_stride: 0,
    };

    /// The position of the first element of row `row`.
    fn position(&self, row: usize) -> u64 {
        let rows = (row as u64).wrapping_mul(self.position_stride);
        self.position.wrapping_add(rows)
    }

    /// Where row `row` of an input starts.
    fn input(&self, input: u32, row: usize) -> usize {
        row * self.input_strides.get(input as usize).copied().unwrap_or(0)
    }

    /// Where row `row` of an output starts.
    fn output(&self, output: u32, row: usize) -> usize {
        row * self
            .output_strides
            .get(output as usize)
            .copied()
            .unwrap_or(0)
    }
}

/// Runs one kernel, an operation at a time, each over a whole block before the next.
///
/// Holds the values of a block, so one thread uses one at a time; make one for each thread.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::interp::{Block, Interpreter, Rows};
/// use numloom_ir::{Fault, Form, InputClass, Kernel, KernelInput, LoopInst, LoopOp, Op, Place, Step, V};
///
/// let inst = |op| LoopInst { op, dtype: DType::I16 };
/// let kernel = Kernel {
///     inputs: vec![KernelInput { dtype: DType::I16, class: InputClass::Contiguous }],
///     outputs: vec![DType::I16],
///     accumulators: vec![],
///     form: Form::default(),
///     slots: vec![],
///     steps: vec![Step::Loop(vec![
///         inst(LoopOp::Load(Place::Input(0))),
///         inst(LoopOp::Apply { op: Op::Mul, args: vec![V(0), V(0)] }),
///         inst(LoopOp::Store { place: Place::Output(0), value: V(1) }),
///     ])],
///     results: vec![],
/// };
/// let x = [3i16, -4, 300].map(i16::to_ne_bytes);
/// let mut squares = [[0; 2]; 3];
/// let mut fault = Fault::NONE;
/// Interpreter::new(&kernel).run(&kernel, Block {
///     n: 3,
///     index: 0,
///     rows: Rows::ONE,
///     inputs: &[x.as_flattened()],
///     outputs: &mut [squares.as_flattened_mut()],
///     accumulators: &mut [],
///     fault: &mut fault,
/// });
/// assert_eq!(squares.map(i16::from_ne_bytes), [9, 16, 24464]);
/// ```
#[derive(Clone, Debug)]
pub struct Interpreter {
    isa: Isa,
    /// One column for each value of the loop that needs most; loops share them.
    columns: Vec<u64>,
    /// One column for each scratch slot.
    slots: Vec<Vec<u64>>,
    /// The lanes of the row's accumulators, in [`Form::Rows`].
    lanes: Vec<u64>,
}

impl Interpreter {
    /// Makes room for the values of `kernel`: all that running it will ever need. Functions run on the best instruction set.
    pub fn new(kernel: &Kernel) -> Interpreter {
        let words = kernel.steps.iter().map(|step| match step {
            Step::Loop(body) => body.len() * strip(body),
            Step::Call(_) | Step::Accumulate(_) => 0,
        });
        Interpreter {
            isa: Isa::best(),
            columns: vec![0; words.max().unwrap_or(0)],
            slots: vec![vec![0; kernel.max_block()]; kernel.slots.len()],
            lanes: match kernel.form {
                Form::Rows => vec![0; kernel.lane_words()],
                Form::Lanes | Form::Columns | Form::Streams => Vec::new(),
            },
        }
    }

    /// The same with functions on `isa`.
    #[must_use]
    pub fn with_isa(self, isa: Isa) -> Interpreter {
        Interpreter { isa, ..self }
    }

    /// Runs `kernel` over one block.
    ///
    /// `kernel` is the one this was made for, or one that needs no more room.
    ///
    /// # Panics
    /// If the block is longer than [`Kernel::max_block`], a part of it has not the length that [`Block`] says, or `kernel` is not well formed.
    pub fn run(&mut self, kernel: &Kernel, mut block: Block<'_, '_>) {
        check(kernel, &block);
        for row in 0..block.rows.count {
            if kernel.form == Form::Rows {
                kernel.reset_lanes(&mut self.lanes);
            }
            for step in &kernel.steps {
                let at = At {
                    row,
                    index: (row as u64)
                        .wrapping_mul(block.rows.index_stride)
                        .wrapping_add(block.index),
                };
                match step {
                    Step::Loop(body) => {
                        let strip = strip(body);
                        for start in (0..block.n).step_by(strip) {
                            let elements = start..block.n.min(start + strip);
                            self.run_strip(kernel, body, at, &mut block, elements);
                        }
                    }
                    Step::Call(call) => self.run_call(kernel, call, at, &mut block),
                    Step::Accumulate(step) => self.run_accumulate(kernel, step, at, &mut block),
                }
            }
            if kernel.form == Form::Rows {
                let words = kernel.partial_words();
                let partials = &mut block.accumulators[row * words..][..words];
                kernel.combine_lanes(&self.lanes, partials);
            }
        }
    }

    fn run_strip(
        &mut self,
        kernel: &Kernel,
        body: &[LoopInst],
        at: At,
        block: &mut Block<'_, '_>,
        elements: Range<usize>,
    ) {
        let words = strip(body);
        let n = elements.len();
        // Where the strip's elements lie among those of a place.
        let bytes_of = |dtype: DType| {
            let size = dtype.itemsize();
            elements.start * size..elements.end * size
        };
        for (i, inst) in body.iter().enumerate() {
            // A value is defined before it is used: operands are columns before this one.
            let (before, column) = self.columns.split_at_mut(i * words);
            let operand = |value: V, dtype: DType| {
                let start = value.index() * words;
                &bytemuck::cast_slice::<u64, u8>(&before[start..])[..n * dtype.itemsize()]
            };
            let dst = &mut bytemuck::cast_slice_mut::<u64, u8>(column)[..];
            let bytes = n * inst.dtype.itemsize();
            match &inst.op {
                LoopOp::Load(Place::Input(input)) => {
                    let size = inst.dtype.itemsize();
                    match kernel.inputs[*input as usize].class {
                        InputClass::Contiguous => {
                            let src =
                                read(block.inputs, block.rows, *input, at.row, block.n * size);
                            eval::copy(inst.dtype, &src[bytes_of(inst.dtype)], &mut dst[..bytes]);
                        }
                        InputClass::Scalar => {
                            let src = read(block.inputs, block.rows, *input, at.row, size);
                            eval::splat(inst.dtype, src, &mut dst[..bytes]);
                        }
                    }
                }
                LoopOp::Load(place) => {
                    let src = written(*place, &self.slots, block.outputs, block.rows, at.row);
                    eval::copy(inst.dtype, &src[bytes_of(inst.dtype)], &mut dst[..bytes]);
                }
                LoopOp::Const(scalar) => {
                    let mut element = [0; 8];
                    let element = &mut element[..inst.dtype.itemsize()];
                    scalar.write_bytes(element);
                    eval::splat(inst.dtype, element, &mut dst[..bytes]);
                }
                LoopOp::Apply { op, args } => {
                    let dtype = |value: V| body[value.index()].dtype;
                    let mut operands: [&[u8]; 3] = [&[]; 3];
                    for (slot, &value) in operands.iter_mut().zip(args) {
                        *slot = operand(value, dtype(value));
                    }
                    let from = dtype(*args.last().expect("an operation has operands"));
                    let mut faults = FaultSink {
                        fault: &mut *block.fault,
                        // What a loop computes cannot fault.
                        inst: 0,
                        index: at.index + elements.start as u64,
                    };
                    let operands = &operands[..args.len()];
                    eval(
                        self.isa,
                        *op,
                        from,
                        inst.dtype,
                        operands,
                        &mut dst[..bytes],
                        &mut faults,
                    );
                }
                LoopOp::Store { place, value } => {
                    let src = operand(*value, inst.dtype);
                    let dst = match *place {
                        Place::Slot(slot) => {
                            bytemuck::cast_slice_mut(&mut self.slots[slot as usize])
                        }
                        Place::Output(output) => {
                            let start = block.rows.output(output, at.row);
                            &mut block.outputs[output as usize][start..]
                        }
                        Place::Input(_) => panic!("no kernel stores to an input"),
                    };
                    dst[bytes_of(inst.dtype)].copy_from_slice(src);
                }
                LoopOp::Accumulate { acc, value } => {
                    let x = &[operand(*value, inst.dtype)];
                    let (lanes, acc) = (&mut self.lanes, *acc as usize);
                    take(kernel, acc, lanes, block, at.row, elements.start, x);
                }
            }
        }
    }

    fn run_accumulate(
        &mut self,
        kernel: &Kernel,
        step: &AccumulateStep,
        at: At,
        block: &mut Block<'_, '_>,
    ) {
        let acc = step.acc as usize;
        let bytes = block.n * kernel.accumulators[acc].dtype.itemsize();
        let mut operands: [&[u8]; 3] = [&[]; 3];
        for (operand, &place) in operands.iter_mut().zip(&step.args) {
            *operand = match place {
                Place::Slot(slot) => &bytemuck::cast_slice(&self.slots[slot as usize])[..bytes],
                Place::Input(input) => read(block.inputs, block.rows, input, at.row, bytes),
                Place::Output(_) => panic!("no kernel takes an output into an accumulator"),
            };
        }
        let operands = &operands[..step.args.len()];
        take(kernel, acc, &mut self.lanes, block, at.row, 0, operands);
    }

    fn run_call(&mut self, kernel: &Kernel, call: &CallStep, at: At, block: &mut Block<'_, '_>) {
        let n = block.n;
        // The destination is none of the operands, so it can be taken out while they are read.
        let mut slot = Vec::new();
        let mut output: &mut [u8] = &mut [];
        match call.dst {
            Place::Slot(i) => slot = std::mem::take(&mut self.slots[i as usize]),
            Place::Output(i) => output = std::mem::take(&mut block.outputs[i as usize]),
            Place::Input(_) => panic!("no kernel writes to an input"),
        }
        let dst = match call.dst {
            Place::Output(i) => &mut output[block.rows.output(i, at.row)..],
            _ => bytemuck::cast_slice_mut(&mut slot),
        };
        let dst = &mut dst[..n * call.to.itemsize()];
        let arity = call.args.len();
        let operand = |i: usize| {
            let (dtype, class) = kernel.call_operand(call, &call.args[i]);
            let elements = if class == InputClass::Scalar { 1 } else { n };
            let bytes = elements * dtype.itemsize();
            let block = match &call.args[i] {
                CallArg::Place(Place::Input(input)) => {
                    read(block.inputs, block.rows, *input, at.row, bytes)
                }
                CallArg::Place(place) => {
                    let rows = block.rows;
                    &written(*place, &self.slots, block.outputs, rows, at.row)[..bytes]
                }
                CallArg::Bytes(bytes) => bytes,
            };
            (block, dtype, class)
        };
        let mut faults = FaultSink {
            fault: &mut *block.fault,
            inst: call.inst.0,
            index: at.index,
        };
        if call.from.is_bytes() {
            let mut operands = [Strings::one(&[]); 3];
            for (i, strings) in operands[..arity].iter_mut().enumerate() {
                *strings = match operand(i) {
                    (one, _, InputClass::Scalar) => Strings::one(one),
                    (block, dtype, _) => Strings::block(block, dtype.itemsize()),
                };
            }
            eval_bytes(call.op, &operands[..arity], dst);
        } else {
            let mut operands: [&[u8]; 3] = [&[]; 3];
            for (i, operand_bytes) in operands[..arity].iter_mut().enumerate() {
                (*operand_bytes, ..) = operand(i);
            }
            let operands = &operands[..arity];
            eval(
                self.isa,
                call.op,
                call.from,
                call.to,
                operands,
                dst,
                &mut faults,
            );
        }
        match call.dst {
            Place::Slot(i) => self.slots[i as usize] = slot,
            Place::Output(i) => block.outputs[i as usize] = output,
            Place::Input(_) => unreachable!("refused above"),
        }
    }
}

/// Takes elements from the `start`-th of a row into an accumulator.
fn take(
    kernel: &Kernel,
    acc: usize,
    lanes: &mut [u64],
    block: &mut Block<'_, '_>,
    row: usize,
    start: usize,
    args: &[&[u8]],
) {
    let position = block.rows.position(row);
    let first = position.wrapping_add(start as u64);
    let accumulator = kernel.accumulators[acc];
    let columns = block.rows.columns;
    let at = kernel.lane_offset(acc)..kernel.lane_offset(acc) + accumulator.lane_words();
    match kernel.form {
        Form::Lanes => take_lanes(accumulator, &mut block.accumulators[at], args, first),
        Form::Rows => take_lanes(accumulator, &mut lanes[at], args, first),
        Form::Columns | Form::Streams => {
            let at = kernel.accumulator_offset(acc, columns);
            let values = &mut block.accumulators[at..][..accumulator.values_words(columns)];
            let n = args[0].len() / accumulator.dtype.itemsize();
            let mut word = 0;
            let planes = accumulator.planes(values, columns).map(|plane| {
                if plane.is_empty() {
                    return plane;
                }
                let size = accumulator.word_dtype(word).itemsize();
                word += 1;
                &mut plane[start * size..][..n * size]
            });
            take_columns(accumulator, planes, args, position);
        }
    }
}

/// Where in the run a step is.
#[derive(Clone, Copy)]
struct At {
    row: usize,
    /// The logical index of the row's first element.
    index: u64,
}

/// The bytes of a row of an input that the kernel reads.
fn read<'a>(inputs: &[&'a [u8]], rows: Rows<'_>, input: u32, row: usize, bytes: usize) -> &'a [u8] {
    let src = inputs[input as usize];
    let start = rows.input(input, row);
    // That an input is empty is fine only if nothing reads it: the other lengths are checked.
    let len = src.len();
    let end = start + bytes;
    assert!(end <= len, "input {input} holds {len} bytes, not {end}");
    &src[start..end]
}

/// The bytes from a row's first element at a place that the kernel has written.
fn written<'a>(
    place: Place,
    slots: &'a [Vec<u64>],
    outputs: &'a [&mut [u8]],
    rows: Rows<'_>,
    row: usize,
) -> &'a [u8] {
    match place {
        Place::Slot(slot) => bytemuck::cast_slice(&slots[slot as usize]),
        Place::Output(output) => &outputs[output as usize][rows.output(output, row)..],
        Place::Input(_) => unreachable!("inputs are read where their class is known"),
    }
}

/// Checks the lengths of a block's parts.
fn check(kernel: &Kernel, block: &Block<'_, '_>) {
    let (n, rows) = (block.n, block.rows);
    let most = kernel.max_block();
    assert!(n <= most, "a block holds at most {most} elements, not {n}");
    assert!(rows.count > 0, "a block has at least one row");
    let counts = [
        (
            "input",
            kernel.inputs.len(),
            block.inputs.len(),
            rows.input_strides.len(),
        ),
        (
            "output",
            kernel.outputs.len(),
            block.outputs.len(),
            rows.output_strides.len(),
        ),
    ];
    for (what, want, slices, strides) in counts {
        assert_eq!(slices, want, "one block for each {what}");
        assert!(
            rows.count == 1 || strides == want,
            "one row stride for each {what}"
        );
    }
    let last = rows.count - 1;
    for (i, (input, bytes)) in (0..).zip(kernel.inputs.iter().zip(block.inputs)) {
        let elements = match input.class {
            InputClass::Contiguous => n,
            InputClass::Scalar => 1,
        };
        let (len, want) = (
            bytes.len(),
            rows.input(i, last) + elements * input.dtype.itemsize(),
        );
        assert!(
            len == want || len == 0,
            "input {i} holds {len} bytes, not {want}"
        );
    }
    for (i, (dtype, bytes)) in (0..).zip(kernel.outputs.iter().zip(&*block.outputs)) {
        let (len, want) = (bytes.len(), rows.output(i, last) + n * dtype.itemsize());
        assert_eq!(len, want, "output {i} holds {len} bytes, not {want}");
    }
    if kernel.form.is_columns() && !kernel.accumulators.is_empty() {
        assert!(
            n <= rows.columns,
            "{n} elements in {} columns",
            rows.columns
        );
    }
    assert_eq!(
        block.accumulators.len(),
        kernel.accumulator_words(rows.count, rows.columns),
        "words for each accumulator"
    );
}
