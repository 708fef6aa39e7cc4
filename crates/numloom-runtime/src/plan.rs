//! How one pass goes through its arrays: which operands the kernel sees in place, and how the work is cut.
//!
//! What goes in: a [`Part`] and the arrays bound to it. What comes out: a [`Plan`]. What it never does: follow a pointer.
//!
//! | access | the kernel sees | when |
//! |---|---|---|
//! | `Direct` | the array's memory | its elements lie one after the other in every block |
//! | `Scalar` | the one element | the same element for the whole block |
//! | `Cell` | a native copy of the one element | the same element everywhere, of the other byte order or for the interpreter |
//! | `Block` | a private block, filled before or emptied after | everything else |
//! | `Chunk` | a part of a private copy of the whole chunk | rows of an input lie closer to each other than their elements, and a chunk has several |
//!
//! Blocks end at multiples of the block size, after a longer first one where the others then begin with cache lines, or, if that makes more operands direct, at the ends of rows.

use numloom_data::{ByteOrder, DType};
use numloom_ir::reduce::{LANES, LEAF};
use numloom_ir::{Form, InputClass, Kernel, MAX_BLOCK};

use crate::bind::Out;
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::exec::Ptr;
use crate::guard::Bound;
use crate::memory::{
    self, CHUNK_BYTES, CHUNK_WORK, FAR_BLOCK, FAR_BYTES, FAR_COPIED_BLOCK, NEAR_BLOCK, Outputs,
    stores_around,
};
use crate::space::Space;
use crate::variant::{Classes, Part};

/// Rows at least this long are worth a kernel call each.
const LONG_ROW: usize = 256;

/// The most elements of a block that is copied, whatever the options say.
const MAX_COPIED_BLOCK: usize = 1 << 16;

/// The most bytes of all copied blocks together, unless the options ask for larger blocks.
const COPIED_BYTES: usize = 128 << 10;

/// The most bytes of the copied chunks of all inputs together.
const COPIED_CHUNK_BYTES: usize = 1 << 20;

/// Where a chunk may start, in elements: 64 of one byte fill a cache line, so no two chunks write to one.
const CHUNK_ALIGN: usize = 64;

/// Bytes of a cache line, with which buffers begin.
const LINE: usize = numloom_data::Buffer::ALIGN;

/// How the kernel gets at an operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Direct,
    Scalar,
    Cell,
    Block,
    Chunk,
}

/// An array of a pass.
#[derive(Debug)]
pub(crate) struct Operand {
    /// The element where the iteration starts.
    pub(crate) ptr: Ptr,
    pub(crate) dtype: DType,
    pub(crate) byte_order: ByteOrder,
    /// Index among the kernel's inputs or outputs.
    pub(crate) index: usize,
    pub(crate) access: Access,
    /// Bytes from one position to the next in what the kernel sees in place.
    pub(crate) step: isize,
    /// Where its cell or block lies in a thread's work area.
    pub(crate) offset: usize,
}

impl Operand {
    fn is_native(&self) -> bool {
        self.byte_order == ByteOrder::Native || self.dtype.swap_unit() == 1
    }
}

/// One pass over arrays, ready to run.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Elements to go through.
    pub(crate) total: usize,
    /// The axes gone through, and each operand's strides.
    pub(crate) space: Space,
    /// Inputs that are read, then arrays that are written.
    pub(crate) operands: Vec<Operand>,
    /// How many of the operands are inputs.
    pub(crate) inputs: usize,
    /// What the kernel must be compiled for.
    pub(crate) classes: Classes,
    /// The length of a row, if blocks end with rows.
    pub(crate) row: Option<usize>,
    /// Elements of a block.
    pub(crate) block: usize,
    /// Elements by which the first block of a chunk is longer, so that the others are aligned.
    pub(crate) head: usize,
    /// Elements of a chunk.
    pub(crate) chunk: usize,
    /// Where the kernel's scratch lies in a thread's work area, and the size of that area.
    pub(crate) scratch: usize,
    pub(crate) work_bytes: usize,
    /// Whether outputs are stored around the caches.
    pub(crate) around: bool,
    /// Whether memory is asked for what follows before functions are called.
    pub(crate) ahead: bool,
}

impl Plan {
    /// Takes in the arrays of `part` and chooses the order of iteration and each operand's access.
    ///
    /// `copies` says that the engine wants each input in private memory.
    pub(crate) fn layout(
        &mut self,
        part: &Part,
        shape: &[usize],
        bound: &mut Bound<'_, '_, '_>,
        copies: bool,
    ) -> Result<(), RuntimeError> {
        self.total = shape.iter().product();
        self.space.reset(shape);
        self.operands.clear();
        self.classes.reset(bound.inputs());
        for &i in &part.inputs {
            let (operand, broadcasts) = bound.with_input(i, |view, guarded| {
                let operand = Operand {
                    ptr: Ptr(view.ptr().cast_mut()),
                    dtype: view.dtype(),
                    byte_order: view.byte_order(),
                    index: i,
                    // An operand of one element goes with the arrays if it is one, to spare a variant.
                    access: match (guarded, view.ndim()) {
                        (true, _) => Access::Block,
                        (false, 0) => Access::Scalar,
                        (false, _) => Access::Direct,
                    },
                    step: 0,
                    offset: 0,
                };
                (operand, self.space.push(view.shape(), view.strides()))
            });
            if !broadcasts {
                return Err(bound.with_input(i, |view, _| {
                    RuntimeErrorKind::UncoveredInput {
                        name: part.input_name(i).to_owned(),
                        expected: shape.to_vec(),
                        found: view.shape().to_vec(),
                    }
                    .into()
                }));
            }
            self.operands.push(operand);
        }
        self.inputs = self.operands.len();
        for (index, &output) in part.arrays.iter().enumerate() {
            let Out::Array(view) = bound.output(output) else {
                unreachable!("scalars stand in for arrays before a pass is planned")
            };
            let broadcasts = self.space.push(view.shape(), view.strides());
            assert!(
                broadcasts && view.shape() == shape,
                "an output has its result's shape"
            );
            self.operands.push(Operand {
                ptr: Ptr(view.mut_ptr()),
                dtype: view.dtype(),
                byte_order: view.byte_order(),
                index,
                access: Access::Direct,
                step: 0,
                offset: 0,
            });
        }
        self.space.simplify(!part.reduces && !part.faults);
        self.choose_rows(part, copies);
        self.choose_access(copies);
        Ok(())
    }

    /// Blocks end with rows if that spares an operand its copy, rows are long, and lanes stay in step.
    fn choose_rows(&mut self, part: &Part, copies: bool) {
        self.row = None;
        let [_, .., row] = *self.space.shape() else {
            return;
        };
        if copies || row < LONG_ROW || part.reduces && !row.is_multiple_of(LANES) {
            return;
        }
        let spared = |(i, operand): (usize, &Operand)| {
            let strides = self.space.strides(i);
            operand.is_native()
                && operand.access != Access::Block
                && in_place(operand, strides, self.space.shape()).is_none()
                && in_place(operand, &strides[strides.len() - 1..], &[row]).is_some()
        };
        if self.operands.iter().enumerate().any(spared) {
            self.row = Some(row);
        }
    }

    fn choose_access(&mut self, copies: bool) {
        let rank = self.space.shape().len();
        for (i, operand) in self.operands.iter_mut().enumerate() {
            operand.ptr = operand.ptr.offset(self.space.start(i));
            let input = i < self.inputs;
            if operand.access == Access::Block {
                continue;
            }
            let (strides, shape) = (self.space.strides(i), self.space.shape());
            let constant = strides.iter().all(|&stride| stride == 0);
            if input && constant && (self.total > 1 || operand.access == Access::Scalar) {
                operand.access = if copies || !operand.is_native() {
                    Access::Cell
                } else {
                    Access::Scalar
                };
                operand.step = 0;
            } else if copies || !operand.is_native() {
                operand.access = Access::Block;
            } else {
                let first = if self.row.is_some() { rank - 1 } else { 0 };
                let place = in_place(operand, &strides[first..], &shape[first..]);
                (operand.access, operand.step) = match place {
                    Some(0) if input => (Access::Scalar, 0),
                    Some(step) if step != 0 => (Access::Direct, step),
                    _ => (Access::Block, 0),
                };
            }
            if input && matches!(operand.access, Access::Scalar | Access::Cell) {
                self.classes.set_scalar(operand.index);
            }
        }
    }

    /// Gives scalars a block each where the kernel that was found takes contiguous inputs only.
    pub(crate) fn follow(&mut self, kernel: &Kernel) {
        for operand in &mut self.operands[..self.inputs] {
            let scalar = matches!(operand.access, Access::Scalar | Access::Cell);
            let class = kernel.inputs[operand.index].class;
            if scalar && class == InputClass::Contiguous {
                operand.access = Access::Block;
            }
        }
    }

    /// Whether blocks may have any size: nothing is copied, and they do not end with rows.
    pub(crate) fn is_in_place(&self) -> bool {
        let in_place =
            |operand: &Operand| matches!(operand.access, Access::Direct | Access::Scalar);
        self.row.is_none() && self.operands.iter().all(in_place)
    }

    /// Bytes of an operand that are touched: what is broadcast counts once.
    fn distinct_bytes(&self, i: usize) -> usize {
        let axes = self.space.strides(i).iter().zip(self.space.shape());
        let extents = axes.filter(|&(&stride, _)| stride != 0).map(|(_, &n)| n);
        extents.product::<usize>() * self.operands[i].dtype.itemsize()
    }

    /// Whether each row of the arrays that are written begins with a cache line.
    fn rows_begin_lines(&self) -> bool {
        (self.inputs..self.operands.len()).all(|i| {
            let [outer @ .., _] = self.space.strides(i) else {
                return true;
            };
            let begins = |bytes: usize| bytes.is_multiple_of(LINE);
            begins(self.operands[i].ptr.0.addr()) && outer.iter().all(|s| begins(s.unsigned_abs()))
        })
    }

    /// Elements of a row where a call is given several: a leaf, or a block if a leaf has several.
    pub(crate) fn row_of_calls(&self, kernel: &Kernel) -> usize {
        match kernel.form {
            Form::Rows => LEAF,
            _ => self.block,
        }
    }

    /// Blocks that are copied stay in the second-level cache, however many there are.
    fn best_block(&self) -> usize {
        let copied = self
            .operands
            .iter()
            .filter(|operand| operand.access == Access::Block);
        match copied.map(|operand| operand.dtype.itemsize()).sum() {
            0 => usize::MAX,
            bytes => (COPIED_BYTES / bytes)
                .next_multiple_of(LANES)
                .clamp(LANES, MAX_BLOCK),
        }
    }

    /// Cuts the work into blocks and chunks, and lays out a thread's work area.
    pub(crate) fn cut(
        &mut self,
        part: &Part,
        kernel: &Kernel,
        interpreted: bool,
        block: Option<usize>,
        threads: usize,
        outputs: Outputs,
    ) {
        let copied = self
            .operands
            .iter()
            .any(|operand| operand.access == Access::Block);
        let most = match (interpreted || !kernel.slots.is_empty(), copied) {
            (true, _) => kernel.max_block(),
            (false, true) => MAX_COPIED_BLOCK,
            (false, false) => usize::MAX,
        };
        let bytes = self.total.saturating_mul(part.bytes_per_element);
        let is_called = !interpreted && !kernel.slots.is_empty();
        let is_far = is_called && bytes > FAR_BYTES;
        self.ahead = is_far && self.is_in_place();
        let best = || {
            let most = match (kernel.slots.is_empty(), is_far, self.ahead) {
                (true, ..) => usize::MAX,
                (false, false, _) => NEAR_BLOCK,
                (false, true, false) => FAR_COPIED_BLOCK,
                (false, true, true) => FAR_BLOCK,
            };
            self.best_block().min(most)
        };
        let given = block;
        let mut block = given.unwrap_or_else(best).min(most);
        if part.reduces {
            block = block.min(LEAF).next_multiple_of(LANES);
        }
        let mut chunk = CHUNK_BYTES / part.bytes_per_element.max(1);
        chunk = chunk.min(CHUNK_WORK / part.work.max(1));
        if threads > 1 {
            chunk = chunk.min(self.total.div_ceil(4 * threads));
        }
        if !interpreted && let Some(copied) = self.choose_chunks(threads) {
            chunk = chunk.max(copied);
        }
        chunk = if part.reduces {
            LEAF << chunk.div_ceil(LEAF).max(1).ilog2()
        } else {
            chunk.next_multiple_of(CHUNK_ALIGN).max(CHUNK_ALIGN)
        };
        self.chunk = chunk;
        self.block = block.min(chunk.next_multiple_of(LANES));
        self.head = match self.operands.get(self.inputs) {
            Some(output) if given.is_none() && is_called && self.is_in_place() && !part.reduces => {
                let (to, size) = (output.ptr.0.addr(), output.dtype.itemsize());
                let head = memory::head(to, size, self.total.min(chunk), self.block);
                head.min(most - self.block)
            }
            _ => 0,
        };

        let written = self.operands[self.inputs..].iter();
        let element: usize = written.map(|operand| operand.dtype.itemsize()).sum();
        let written = self.total.saturating_mul(element);
        let read = (0..self.inputs).map(|i| self.distinct_bytes(i)).sum();
        // What a row leaves of a line, the next would have to fetch again.
        self.around = stores_around(outputs, written, read)
            && (self.row.is_none() || self.rows_begin_lines());

        self.scratch = 0;
        let mut end = kernel.scratch_bytes().next_multiple_of(LINE);
        for operand in &mut self.operands {
            operand.offset = end;
            end += match operand.access {
                Access::Direct | Access::Scalar => 0,
                Access::Cell => operand.dtype.itemsize().next_multiple_of(LINE),
                Access::Block => (self.block * operand.dtype.itemsize()).next_multiple_of(LINE),
                Access::Chunk => (self.chunk * operand.dtype.itemsize()).next_multiple_of(LINE),
            };
        }
        self.work_bytes = end;
    }

    /// Elements of a chunk of which inputs that lie across the order of iteration are copied whole, so that their cache lines are read once; if there
    /// are such, and it has several rows.
    fn choose_chunks(&mut self, threads: usize) -> Option<usize> {
        let [.., _, row] = *self.space.shape() else {
            return None;
        };
        let across = |plan: &Plan, i: usize| match *plan.space.strides(i) {
            [.., outer, inner] => {
                let across = outer != 0 && outer.unsigned_abs() < inner.unsigned_abs();
                across && plan.operands[i].access == Access::Block
            }
            _ => false,
        };
        let bytes: usize = (0..self.inputs)
            .filter(|&i| across(self, i))
            .map(|i| self.operands[i].dtype.itemsize())
            .sum();
        let most = COPIED_CHUNK_BYTES.checked_div(bytes)?;
        let chunk = most.min(self.total.div_ceil(2 * threads)) / LEAF * LEAF;
        if chunk < 2 * row {
            return None;
        }
        for i in 0..self.inputs {
            if across(self, i) {
                self.operands[i].access = Access::Chunk;
            }
        }
        Some(chunk)
    }
}

/// The step of an operand that steps evenly through `shape`, by its item size or not at all.
fn in_place(operand: &Operand, strides: &[isize], shape: &[usize]) -> Option<isize> {
    let size = operand.dtype.itemsize().cast_signed();
    if strides.iter().all(|&stride| stride == 0) {
        // No axis at all, or one element: either will do.
        return Some(if shape.iter().all(|&extent| extent <= 1) {
            size
        } else {
            0
        });
    }
    even_step(strides, shape).filter(|&step| step == size)
}

/// The bytes from each position of `shape` to the next, if they are the same for all.
pub(crate) fn even_step(strides: &[isize], shape: &[usize]) -> Option<isize> {
    let mut step = strides.last().copied().unwrap_or(0);
    let even = strides.iter().zip(shape).rev().all(|(&stride, &extent)| {
        let even = stride == step;
        step = step.saturating_mul(extent.cast_signed());
        even
    });
    even.then(|| strides.last().copied().unwrap_or(0))
}
