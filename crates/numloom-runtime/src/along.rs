//! Reductions that leave axes: many small trees, side by side.
//!
//! What goes in: a pass whose outputs are reductions along some axes of its space, its inputs, places for the results. What comes
//! out: written results. What it never does: combine elements in another order than the [fixed tree](numloom_ir::reduce) of each
//! place of the result.
//!
//! | form | when | a kernel call |
//! |---|---|---|
//! | [`Rows`](Form::Rows) | the reduced elements of a place lie together | reduces a batch of places, a row each, or leaves of a long one: [`rows`] |
//! | [`Columns`](Form::Columns), [`Streams`](Form::Streams) | elements of neighbouring places lie together | takes reduced positions of a lane, for a tile of places: [`columns`] |
//!
//! Kept axes are gone through in the order of memory, reduced axes in their own. Inputs that do not lie as a call wants them are copied to a
//! block first. What neither form serves (the interpreter, calls over long rows, faults) goes place by place, as a whole reduction each.
//!
//! This file lays a pass out; what runs it are the modules below.

use numloom_data::layout::merge_axes;
use numloom_data::{ByteOrder, DType, View};
use numloom_ir::reduce::LANES;
use numloom_ir::{Form, InputClass, Kernel};

use crate::exec::Ptr;
use crate::variant::Classes;

#[cfg(feature = "jit")]
mod columns;
#[cfg(feature = "jit")]
mod rows;
#[cfg(feature = "jit")]
mod running;

#[cfg(feature = "jit")]
pub(crate) use running::Running;

/// Rows of columns that are shorter, in bytes, and do not lie side by side are copied to where they do: so many short runs of memory
/// are not found in time.
const SHORT_ROW: usize = 4 << 10;

/// The most bytes of the running values of all lanes of short rows, to take these in the order of memory: so many that they stay in the first-level cache
/// beside what is read. (2026-11, AMD Zen 4, of 32 KiB: at 5 KiB 0.96 of a plain read against 0.79 as streams, at 13 KiB 0.87 and 0.88.)
const NEAR_BYTES: usize = 10 << 10;

/// How a call gets at an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// In place: element after element.
    Direct,
    /// In place: one element for the whole row.
    Scalar,
    /// Copied to a block.
    Block,
}

/// An input of the pass.
#[derive(Debug)]
pub(crate) struct Operand {
    ptr: Ptr,
    dtype: DType,
    byte_order: ByteOrder,
    /// Index among the kernel's inputs.
    pub(crate) index: usize,
    pub(crate) access: Access,
    /// Steps along kept and reduced axes, in bytes.
    kept: Vec<isize>,
    reduced: Vec<isize>,
}

/// Where a reduction's results go.
#[derive(Debug)]
pub(crate) struct Place {
    ptr: Ptr,
    itemsize: usize,
    /// Its bytes are not in the machine's order.
    swapped: bool,
    /// Steps along [`result_axes`](Along::result_axes), in bytes.
    steps: Vec<isize>,
}

/// A pass along axes, laid out.
#[derive(Debug)]
pub(crate) struct Along {
    pub(crate) form: Form,
    /// Extents of kept axes, in the order of memory, and of reduced axes, in their own: merged where the operands step evenly over them.
    kept: Vec<usize>,
    reduced: Vec<usize>,
    /// Extents of the same kept axes in the same order, merged where the results step evenly.
    result_axes: Vec<usize>,
    /// Places of the result, and elements that each combines.
    places: usize,
    n: usize,
    pub(crate) operands: Vec<Operand>,
    results: Vec<Place>,
}

impl Along {
    /// Lays out a pass over `shape`, reduced along `axes`: inputs with their numbers, and the results' places, which have all axes, of one
    /// element where they are reduced.
    pub(crate) fn new(
        shape: &[usize],
        axes: &[bool],
        inputs: &[(usize, View<'_>)],
        results: &mut [numloom_data::ViewMut<'_>],
    ) -> Along {
        let kept: Vec<usize> = (0..shape.len()).filter(|&axis| !axes[axis]).collect();
        let reduced: Vec<usize> = (0..shape.len()).filter(|&axis| axes[axis]).collect();
        // Kept axes by falling step of the inputs, the outermost first.
        let weight = |axis: usize| -> u128 {
            let steps = inputs.iter().map(|(_, view)| view.strides()[axis]);
            steps.map(|step| step.unsigned_abs() as u128).sum()
        };
        let mut order = kept.clone();
        order.sort_by_key(|&axis| std::cmp::Reverse(weight(axis)));

        let of_inputs = |axes: &[usize]| {
            let steps = |view: &View<'_>| axes.iter().map(|&axis| view.strides()[axis]).collect();
            let strides: Vec<Vec<isize>> = inputs.iter().map(|(_, view)| steps(view)).collect();
            merge(axes, shape, &strides)
        };
        let (kept_extents, kept_steps) = of_inputs(&order);
        let (reduced_extents, reduced_steps) = of_inputs(&reduced);
        let strides: Vec<Vec<isize>> = results
            .iter()
            .map(|view| order.iter().map(|&axis| view.strides()[axis]).collect())
            .collect();
        let (result_axes, result_steps) = merge(&order, shape, &strides);

        let operands: Vec<Operand> = inputs
            .iter()
            .zip(kept_steps)
            .zip(reduced_steps)
            .map(|(((index, view), kept), reduced)| Operand {
                ptr: Ptr(view.ptr().cast_mut()),
                dtype: view.dtype(),
                byte_order: view.byte_order(),
                index: *index,
                access: Access::Block,
                kept,
                reduced,
            })
            .collect();
        let results = results
            .iter_mut()
            .zip(result_steps)
            .map(|(view, steps)| Place {
                ptr: Ptr(view.mut_ptr()),
                itemsize: view.dtype().itemsize(),
                swapped: view.byte_order() != ByteOrder::Native,
                steps,
            })
            .collect();
        let mut along = Along {
            form: Form::Rows,
            places: kept_extents.iter().product(),
            n: reduced_extents.iter().product(),
            kept: kept_extents,
            reduced: reduced_extents,
            result_axes,
            operands,
            results,
        };
        along.choose_form();
        along.choose_access();
        along
    }

    /// Columns if most bytes step shorter along the last kept axis than along the last reduced one.
    fn choose_form(&mut self) {
        let (mut rows, mut columns) = (0, 0);
        for operand in &self.operands {
            let step = |steps: &[isize]| {
                steps
                    .last()
                    .map_or(isize::MAX, |step| step.saturating_abs())
            };
            let (kept, reduced) = (step(&operand.kept), step(&operand.reduced));
            let is_full = kept != 0 && reduced != 0;
            if is_full && kept < reduced {
                columns += operand.dtype.itemsize();
            } else if is_full {
                rows += operand.dtype.itemsize();
            }
        }
        if columns > rows {
            let values = 8 * LANES * self.kept.last().copied().unwrap_or(1) * self.results.len();
            self.form = match values <= NEAR_BYTES {
                true => Form::Columns,
                false => Form::Streams,
            };
        }
    }

    fn choose_access(&mut self) {
        let columns = self.kept.last().copied().unwrap_or(1);
        for operand in &mut self.operands {
            let size = operand.dtype.itemsize().cast_signed();
            let native = operand.byte_order == ByteOrder::Native || operand.dtype.swap_unit() == 1;
            let inner = match self.form {
                Form::Columns | Form::Streams => operand.kept.last().copied().unwrap_or(size),
                _ => match operand.reduced[..] {
                    [] => size,
                    [step] => step,
                    _ if operand.reduced.iter().all(|&step| step == 0) => 0,
                    _ => isize::MIN,
                },
            };
            // Rows of a call are a fixed step apart.
            let even = match (self.form, &operand.reduced[..]) {
                (Form::Columns | Form::Streams, [step]) => {
                    let bytes = columns.cast_signed() * size;
                    bytes >= SHORT_ROW.cast_signed() || *step == if inner == 0 { 0 } else { bytes }
                }
                (Form::Columns | Form::Streams, steps) => steps.is_empty(),
                _ => true,
            };
            operand.access = match inner {
                _ if !native || !even => Access::Block,
                0 => Access::Scalar,
                step if step == size => Access::Direct,
                _ => Access::Block,
            };
        }
    }

    /// What the kernel must be compiled for, of `n` inputs.
    pub(crate) fn classes(&self, n: usize) -> Classes {
        let mut classes = Classes::default();
        classes.reset(n);
        for operand in &self.operands {
            if operand.access == Access::Scalar {
                classes.set_scalar(operand.index);
            }
        }
        classes
    }

    /// Gives scalars a block each where the kernel that was found takes contiguous inputs only.
    pub(crate) fn follow(&mut self, kernel: &Kernel) {
        for operand in &mut self.operands {
            let class = kernel.inputs[operand.index].class;
            if operand.access == Access::Scalar && class == InputClass::Contiguous {
                operand.access = Access::Block;
            }
        }
    }

    /// Whether a kernel can go through it: block functions take only so much at once.
    pub(crate) fn fits(&self, kernel: &Kernel) -> bool {
        kernel.slots.is_empty() || self.form.is_columns() || self.n <= kernel.max_block()
    }

    /// Elements to go through.
    pub(crate) fn elements(&self) -> usize {
        self.places * self.n
    }
}

/// The extents of `axes`, merged where all that have `strides` along them step evenly.
fn merge(axes: &[usize], shape: &[usize], strides: &[Vec<isize>]) -> (Vec<usize>, Vec<Vec<isize>>) {
    let extents: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
    let strides: Vec<&[isize]> = strides.iter().map(Vec::as_slice).collect();
    merge_axes(&extents, &strides)
}
