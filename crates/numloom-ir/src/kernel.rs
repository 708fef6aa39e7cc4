//! Kernel IR: one fused body, flat operations over elements.
//!
//! What is this: [`Kernel`], which the interpreter and every backend run, step by step. A step is either a *loop* over
//! the elements of a block, in straight-line SSA, or the *call* of one block function. Values that cross from one step to
//! another lie in scratch slots, each as long as a block. What goes in: [`schedule`](crate::schedule()) or hand-made steps.
//! What it never holds: a lane count, a vector width, shapes or strides; a comparison's result has no width until a
//! backend gives it one.

use std::cmp::Ordering;

use numloom_data::{DType, Scalar};
use numloom_syntax::Span;

use crate::op::{Domain, Op};
use crate::program::Value;
use crate::reduce::{self, LANES};

/// The most elements a kernel with scratch slots is given at once, unless its slots are too many: see [`Kernel::max_block`].
///
/// 1,024 elements of 8 bytes are 8 KiB: three to five live slots stay in a 32 KiB first-level cache.
pub const MAX_BLOCK: usize = 1024;

/// The most bytes of scratch that a kernel takes in blocks of more than [`LANES`] elements: what a thread is allowed.
const MAX_SCRATCH_BYTES: usize = 1 << 20;

/// How an input's elements lie when a kernel runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum InputClass {
    /// One after the other, in the machine's byte order; alignment is not needed.
    Contiguous,
    /// One element, the same for the whole block.
    Scalar,
}

/// An input of a kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KernelInput {
    /// The dtype of its elements.
    pub dtype: DType,
    /// How they lie.
    pub class: InputClass,
}

/// An accumulator's operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum AccOp {
    /// `acc + x`.
    Sum,
    /// `acc * x`.
    Prod,
    /// `minimum(acc, x)`.
    Min,
    /// `maximum(acc, x)`.
    Max,
    /// The first least element, or the first NaN, and its position.
    ArgMin,
    /// The first greatest element, or the first NaN, and its position.
    ArgMax,
    /// The count, a pivot, the sum of squared deviations from it, and the sum of deviations; once combined, the pivot is the mean, and the last is 0.
    Moments,
    /// The product of complex numbers, of a real and an imaginary operand.
    ComplexProd,
    /// The first least complex number, by its real and then its imaginary part, or the first with a NaN part; and its position.
    ComplexMin,
    /// As [`ComplexMin`](AccOp::ComplexMin), the greatest.
    ComplexMax,
}

impl AccOp {
    /// Every one.
    pub const ALL: [AccOp; 10] = [
        AccOp::Sum,
        AccOp::Prod,
        AccOp::Min,
        AccOp::Max,
        AccOp::ArgMin,
        AccOp::ArgMax,
        AccOp::Moments,
        AccOp::ComplexProd,
        AccOp::ComplexMin,
        AccOp::ComplexMax,
    ];

    /// The operation that takes an element into a lane, `op(lane, element)`, and combines two lanes; none if it takes more than one.
    pub fn op(self) -> Option<Op> {
        Some(match self {
            AccOp::Sum => Op::Add,
            AccOp::Prod => Op::Mul,
            AccOp::Min => Op::Minimum,
            AccOp::Max => Op::Maximum,
            _ => return None,
        })
    }

    /// Whether a loop takes elements in ([`LoopOp::Accumulate`]): what has an [`op`](AccOp::op), and moments, of which
    /// [`interp::moments`](crate::interp::moments) says how. For others only a block function can, in a step of its own ([`Step::Accumulate`]).
    pub fn is_inline(self) -> bool {
        self.op().is_some() || self == AccOp::Moments
    }

    /// The number of operands.
    pub fn operands(self) -> usize {
        match self {
            AccOp::ComplexProd | AccOp::ComplexMin | AccOp::ComplexMax => 2,
            _ => 1,
        }
    }

    /// Whether elements can be of `dtype`.
    pub fn takes(self, dtype: DType) -> bool {
        match self {
            AccOp::ArgMin | AccOp::ArgMax => Domain::ANY.contains(dtype),
            AccOp::Moments | AccOp::ComplexProd => dtype == DType::F64,
            AccOp::ComplexMin | AccOp::ComplexMax => matches!(dtype, DType::F32 | DType::F64),
            _ => self.op().is_some_and(|op| op.info().domain.contains(dtype)),
        }
    }

    /// How a better element compares, for those that choose one.
    pub(crate) fn order(self) -> Ordering {
        match self {
            AccOp::ArgMax | AccOp::ComplexMax => Ordering::Greater,
            _ => Ordering::Less,
        }
    }
}

/// What a kernel's accumulators are when it is called, in memory that the caller owns ([`Kernel::accumulator_words`]).
///
/// All follow the one [tree](crate::reduce); they differ in which part of it a call does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub enum Form {
    /// The lanes of one leaf, running: read at the start and written at the end, so that a leaf may span several calls. Element `i` of each row
    /// goes to lane `i % LANES`. For a reduction to one value.
    #[default]
    Lanes,
    /// A partial value for each row, written: a row is one leaf (or the end of one that is the last), its lanes start from the identity and are combined at its end.
    /// For reductions along the innermost axis.
    Rows,
    /// A running value of each column, read at the start and written at the end: element `j` of each row goes to column `j`, row after row. For
    /// reductions along other axes: the rows of a call are reduced positions of one lane, and the columns places of the result, or lanes of such.
    Columns,
    /// As [`Columns`](Form::Columns), for rows that are long or lie far apart: compiled code takes a few columns of all rows at a time, so that each row is a stream
    /// of memory of its own, and running values stay in registers. There, columns are rather taken row after row, in the order of memory.
    Streams,
}

impl Form {
    /// Whether there is a running value of each column.
    pub fn is_columns(self) -> bool {
        matches!(self, Form::Columns | Form::Streams)
    }
}

/// A running value of a reduction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Accumulator {
    /// Its operation.
    pub op: AccOp,
    /// The dtype of its lanes; elements arrive already converted.
    pub dtype: DType,
}

/// Where a block of elements lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Place {
    /// Input `i`.
    Input(u32),
    /// Output `i`.
    Output(u32),
    /// Scratch slot `i`.
    Slot(u32),
}

/// The index of an operation in a loop's body, and the name of the value it defines.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct V(pub u32);

impl V {
    /// The position in the loop's body.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One operation of a loop's body.
#[derive(Clone, PartialEq, Debug)]
pub enum LoopOp {
    /// An element of a contiguous place, or the one element of a scalar input.
    Load(Place),
    /// A constant of the operation's dtype.
    Const(Scalar),
    /// An operation on earlier values of the same body; never a block operation.
    Apply {
        /// The operation.
        op: Op,
        /// Its operands: as many as its arity.
        args: Vec<V>,
    },
    /// Puts a value into a place; defines nothing.
    Store {
        /// Where.
        place: Place,
        /// What.
        value: V,
    },
    /// Takes a value into an accumulator; defines nothing.
    Accumulate {
        /// Index in [`Kernel::accumulators`].
        acc: u32,
        /// What; of the accumulator's dtype.
        value: V,
    },
}

/// An operation of a loop's body with the dtype of what it defines (or stores).
#[derive(Clone, PartialEq, Debug)]
pub struct LoopInst {
    /// The operation.
    pub op: LoopOp,
    /// The dtype of the value it defines, stores or accumulates.
    pub dtype: DType,
}

/// An operand of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallArg {
    /// The elements at a place.
    Place(Place),
    /// One byte string for all elements.
    Bytes(Box<[u8]>),
}

impl From<Place> for CallArg {
    fn from(place: Place) -> CallArg {
        CallArg::Place(place)
    }
}

/// The call of one block function: `dst[i] = op(args[0][i], …)`.
#[derive(Clone, PartialEq, Debug)]
pub struct CallStep {
    /// The operation; a block operation on `from`.
    pub op: Op,
    /// The dtype of its operands; of byte strings, which may differ in width, that of the last.
    pub from: DType,
    /// The dtype of its result.
    pub to: DType,
    /// Its operands. Scalar inputs are byte strings only: numbers are spread to a slot.
    pub args: Vec<CallArg>,
    /// Where its result goes; never one of `args`: source and destination of a block function do not overlap.
    pub dst: Place,
    /// The instruction of the program that it computes: [`Fault::inst`](crate::Fault::inst).
    pub inst: Value,
    /// The sub-expression it came from, for faults.
    pub span: Span,
}

impl CallStep {
    /// The places of those operands that have one.
    pub fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.args.iter().filter_map(|arg| match arg {
            CallArg::Place(place) => Some(*place),
            CallArg::Bytes(_) => None,
        })
    }
}

/// The call of one block function that takes blocks into an accumulator: one that is not [inline](AccOp::is_inline).
#[derive(Clone, PartialEq, Debug)]
pub struct AccumulateStep {
    /// Index in [`Kernel::accumulators`].
    pub acc: u32,
    /// Where its operands lie, of the accumulator's dtype; never a scalar input.
    pub args: Vec<Place>,
}

/// One step of a kernel.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// One loop over the block.
    Loop(Vec<LoopInst>),
    /// One block function over the block.
    Call(CallStep),
    /// One accumulator over the block.
    Accumulate(AccumulateStep),
}

/// Where an output of the program comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResultKind {
    /// The array that the kernel writes as output `i`.
    Array(u32),
    /// A word of a reduced value.
    Reduced {
        /// Index in [`Kernel::accumulators`].
        acc: u32,
        /// The word of its partial value.
        word: u32,
        /// The result's dtype, to which the word is cast.
        dtype: DType,
    },
}

/// One fused body, ready for any engine.
///
/// `Display` prints the canonical text (`numloom explain --stage kernel`).
#[derive(Clone, PartialEq, Debug)]
pub struct Kernel {
    /// What it reads; the same indices as [`Program::inputs`](crate::Program::inputs), unused ones included.
    pub inputs: Vec<KernelInput>,
    /// The dtypes of the arrays it writes.
    pub outputs: Vec<DType>,
    /// Its accumulators.
    pub accumulators: Vec<Accumulator>,
    /// What a call makes of its accumulators.
    pub form: Form,
    /// Scratch slots: the item size in bytes of each (1, 2, 4 or 8).
    pub slots: Vec<usize>,
    /// What it does, in order.
    pub steps: Vec<Step>,
    /// Where each output of the program comes from, in the program's order.
    pub results: Vec<ResultKind>,
}

impl Kernel {
    /// The most elements of a block, and the length of a slot: [`MAX_BLOCK`], or as much less, by halves, as keeps the scratch area
    /// within 1 MiB, but not below [`LANES`].
    pub fn max_block(&self) -> usize {
        let bytes: usize = self.slots.iter().sum();
        let mut block = MAX_BLOCK;
        while block > LANES && block * bytes > MAX_SCRATCH_BYTES {
            block /= 2;
        }
        block
    }

    /// The byte offset of slot `i` in the scratch area: slots lie one after the other, each [`max_block`](Kernel::max_block)
    /// elements long, so every offset is a multiple of 16.
    pub fn slot_offset(&self, i: usize) -> usize {
        self.slots[..i].iter().sum::<usize>() * self.max_block()
    }

    /// The byte offset, in the scratch area, of the lanes that [`Form::Rows`] needs: [`lane_words`](Kernel::lane_words).
    pub fn lanes_offset(&self) -> usize {
        self.slot_offset(self.slots.len())
    }

    /// The size of the scratch area in bytes.
    pub fn scratch_bytes(&self) -> usize {
        self.lanes_offset()
            + match self.form {
                Form::Rows => 8 * self.lane_words(),
                Form::Lanes | Form::Columns | Form::Streams => 0,
            }
    }

    /// The size, in 64-bit words, of the memory for accumulators in a call of `rows` rows, with `columns` columns.
    ///
    /// | form | layout |
    /// |---|---|
    /// | [`Lanes`](Form::Lanes) | the [lanes](Accumulator::reset) of each accumulator |
    /// | [`Rows`](Form::Rows) | for each row the partial value of each accumulator: what [`Tree::push`](crate::reduce::Tree::push) takes |
    /// | [`Columns`](Form::Columns), [`Streams`](Form::Streams) | the [running values](Accumulator::reset) of each accumulator, one for each of `columns` columns |
    pub fn accumulator_words(&self, rows: usize, columns: usize) -> usize {
        let one = self.accumulator_offset(self.accumulators.len(), columns);
        match self.form {
            Form::Lanes | Form::Columns | Form::Streams => one,
            Form::Rows => rows * one,
        }
    }

    /// Words before those of accumulator `acc` (or before the end, for one past the last); in [`Form::Rows`], within a row.
    pub fn accumulator_offset(&self, acc: usize, columns: usize) -> usize {
        let before = self.accumulators[..acc].iter();
        let words = before.map(|acc| match self.form {
            Form::Lanes => acc.lane_words(),
            Form::Rows => acc.words(),
            Form::Columns | Form::Streams => acc.values_words(columns),
        });
        words.sum()
    }

    /// Words of the lanes of all accumulators.
    pub fn lane_words(&self) -> usize {
        self.accumulators.iter().map(|acc| acc.lane_words()).sum()
    }

    /// Fills the lanes of all accumulators with identities: the start of a leaf.
    ///
    /// # Panics
    /// If `lanes` is not [`lane_words`](Kernel::lane_words) long.
    pub fn reset_lanes(&self, lanes: &mut [u64]) {
        reduce::reset(&self.accumulators, lanes, LANES);
    }

    /// Combines the lanes of each accumulator at the end of a leaf: `partials` are then what [`Tree::push`](crate::reduce::Tree::push) takes.
    ///
    /// # Panics
    /// If `lanes` is not [`lane_words`](Kernel::lane_words), or `partials` not the words of all partial values.
    pub fn combine_lanes(&self, lanes: &[u64], partials: &mut [u64]) {
        let (mut lanes, mut partials) = (lanes, partials);
        for acc in &self.accumulators {
            let (these, rest) = lanes.split_at(acc.lane_words());
            let (partial, after) = partials.split_at_mut(acc.words());
            acc.combine_lanes(these, partial);
            (lanes, partials) = (rest, after);
        }
        assert!(
            lanes.is_empty() && partials.is_empty(),
            "the words of each accumulator"
        );
    }

    /// Words of the partial values of all accumulators.
    pub fn partial_words(&self) -> usize {
        self.accumulators.iter().map(|acc| acc.words()).sum()
    }

    /// Words of partial values before those of accumulator `acc`.
    pub fn partial_offset(&self, acc: usize) -> usize {
        self.accumulators[..acc].iter().map(|acc| acc.words()).sum()
    }

    /// Words of lanes before those of accumulator `acc`.
    pub fn lane_offset(&self, acc: usize) -> usize {
        self.accumulators[..acc]
            .iter()
            .map(|acc| acc.lane_words())
            .sum()
    }

    /// Whether any step calls a block function.
    pub fn has_calls(&self) -> bool {
        self.steps.iter().any(|step| !matches!(step, Step::Loop(_)))
    }

    /// What operand `arg` of `call` is: elements of which dtype, and whether they are as many as the block or one for all.
    ///
    /// # Panics
    /// If it is an input that is not declared.
    pub fn call_operand(&self, call: &CallStep, arg: &CallArg) -> (DType, InputClass) {
        match arg {
            CallArg::Place(Place::Input(i)) => {
                let input = self.inputs[*i as usize];
                (input.dtype, input.class)
            }
            CallArg::Place(_) => (call.from, InputClass::Contiguous),
            CallArg::Bytes(bytes) => (Scalar::from(&bytes[..]).dtype(), InputClass::Scalar),
        }
    }

    /// The dtype of the elements at `place`, if it is an input or an output; slots take any dtype of their size.
    pub fn place_dtype(&self, place: Place) -> Option<DType> {
        match place {
            Place::Input(i) => Some(self.inputs[i as usize].dtype),
            Place::Output(i) => Some(self.outputs[i as usize]),
            Place::Slot(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_slots_make_short_blocks() {
        let kernel = |n| Kernel {
            inputs: vec![],
            outputs: vec![],
            accumulators: vec![],
            form: Form::default(),
            slots: vec![8; n],
            steps: vec![],
            results: vec![],
        };
        assert_eq!(kernel(0).max_block(), MAX_BLOCK);
        assert_eq!(kernel(128).max_block(), MAX_BLOCK);
        assert_eq!(kernel(129).max_block(), MAX_BLOCK / 2);
        assert_eq!(kernel(1_000_000).max_block(), LANES);
        assert!(kernel(5_000).scratch_bytes() <= MAX_SCRATCH_BYTES);
    }
}
