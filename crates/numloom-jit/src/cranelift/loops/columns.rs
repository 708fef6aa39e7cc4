//! Loops in `columns`: a running value of each column.
//!
//! A kernel of a single loop goes round its rows inside: a few columns at a time stay in registers from the first row to the last, so
//! that rows are read at the speed of memory, each as a stream of its own.
//!
//! ```text
//! for a few columns at a time
//!   running values from memory
//!   for each row: the body
//!   running values to memory
//! ```

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};
use numloom_ir::{Form, Kernel, LoopInst, LoopOp, Place, Step};

use super::lanes::{Lanes, arguments, replace};
use super::{Build, Cursor, Loop, Shape, offset};
use crate::abi::KernelArgs;
use crate::error::JitError;

/// The most places that the rows of a loop are followed in: each takes a register.
const MAX_PLACES: usize = 6;

/// The loop of a kernel in `columns` that has nothing else.
pub(super) fn single(kernel: &Kernel) -> Option<&[LoopInst]> {
    let [Step::Loop(body)] = &kernel.steps[..] else {
        return None;
    };
    let mut places: Vec<Place> = Vec::new();
    for inst in body {
        if let LoopOp::Load(place) | LoopOp::Store { place, .. } = inst.op
            && !places.contains(&place)
        {
            places.push(place);
        }
    }
    (kernel.form == Form::Columns && places.len() <= MAX_PLACES).then_some(body)
}

/// The rows of a call, where a loop goes round them.
struct Inside {
    rows: Value,
    /// Bytes from a row to the next, for each of the loop's places.
    strides: Vec<Value>,
}

impl<'k> Build<'k, '_> {
    /// A loop over columns: over all rows, or over this one.
    pub(super) fn step_columns(
        &mut self,
        body: &'k [LoopInst],
        all_rows: bool,
    ) -> Result<(), JitError> {
        let shape = Shape::of(body, Form::Columns, self.emit.x86);
        let mut l = self.prepare(body, shape);
        let inside = match all_rows {
            true => Some(self.inside(&l)),
            false => {
                self.uniform(&mut l)?;
                None
            }
        };
        let elements = shape.elements() as i64;
        let mask = self.emit.b.ins().iconst(types::I64, -elements);
        let whole = self.emit.b.ins().band(self.n, mask);
        let b = &mut self.emit.b;
        let [vectors, after, tail, done] = [(); 4].map(|()| b.create_block());
        b.append_block_param(vectors, types::I64);
        b.append_block_param(tail, types::I64);
        let zero = b.ins().iconst(types::I64, 0);
        let end = b.ins().brif(whole, vectors, &[zero.into()], after, &[]);
        self.emit.pool.complete(self.before_rows.unwrap_or(end));

        self.emit.b.switch_to_block(vectors);
        let index = self.emit.b.block_params(vectors)[0];
        self.few_columns(&l, index, shape.lanes, inside.as_ref())?;
        let next = self.plus(index, elements);
        let more = self.less(next, whole);
        let b = &mut self.emit.b;
        b.ins().brif(more, vectors, &[next.into()], after, &[]);

        b.switch_to_block(after);
        let more = self.less(whole, self.n);
        let b = &mut self.emit.b;
        b.ins().brif(more, tail, &[whole.into()], done, &[]);

        b.switch_to_block(tail);
        let index = b.block_params(tail)[0];
        self.few_columns(&l, index, 1, inside.as_ref())?;
        let next = self.plus(index, 1);
        let more = self.less(next, self.n);
        let b = &mut self.emit.b;
        b.ins().brif(more, tail, &[next.into()], done, &[]);
        b.switch_to_block(done);
        Ok(())
    }

    fn inside(&mut self, l: &Loop<'_>) -> Inside {
        let rows = self.argument(offset_of!(KernelArgs, rows));
        // There may be no strides if there is one row: then any readable table will do.
        let many = self
            .emit
            .b
            .ins()
            .icmp_imm_u(IntCC::UnsignedGreaterThan, rows, 1);
        let fields = [
            (
                offset_of!(KernelArgs, input_row_strides),
                offset_of!(KernelArgs, inputs),
            ),
            (
                offset_of!(KernelArgs, output_row_strides),
                offset_of!(KernelArgs, outputs),
            ),
        ];
        let mut stride = |place| {
            let (which, i) = match place {
                Place::Input(i) => (0, i),
                Place::Output(i) => (1, i),
                Place::Slot(_) => return self.emit.b.ins().iconst(types::I64, 0),
            };
            let [strides, any] =
                [fields[which].0, fields[which].1].map(|field| self.argument(field));
            let b = &mut self.emit.b;
            let strides = b.ins().select(many, strides, any);
            b.ins()
                .load(types::I64, super::flags(), strides, offset(8 * i as usize))
        };
        let strides = l.bases.iter().map(|&(place, _)| stride(place)).collect();
        Inside { rows, strides }
    }

    /// The columns from `index`, `lanes` of them.
    fn few_columns(
        &mut self,
        l: &Loop<'k>,
        index: Value,
        lanes: usize,
        inside: Option<&Inside>,
    ) -> Result<(), JitError> {
        self.emit.lanes = lanes;
        let mut cursor = Cursor::new(index);
        let mut running = Cursor::new(index);
        self.through_memory(l, &mut running, |build, values| match inside {
            Some(inside) => build.all_rows(l, &mut cursor, values, inside),
            None => build.body(l, &mut cursor, 0, values),
        })
    }

    /// The body on each row, with the running values in registers.
    fn all_rows(
        &mut self,
        l: &Loop<'k>,
        cursor: &mut Cursor,
        running: &mut Lanes,
        inside: &Inside,
    ) -> Result<(), JitError> {
        let lanes = self.emit.lanes;
        // What all rows share is computed before them.
        for inst in l.body {
            self.address(
                l.lanes.first().map_or(cursor.index, |&(_, start)| start),
                cursor,
                inst.dtype.itemsize(),
            );
        }
        let values = [std::mem::take(running)];
        let types = self.lane_types(&values);
        let b = &mut self.emit.b;
        let [row, done] = [(); 2].map(|()| b.create_block());
        let places = l.bases.len();
        for _ in 0..=places {
            b.append_block_param(row, types::I64);
        }
        for &ty in &types {
            b.append_block_param(row, ty);
            b.append_block_param(done, ty);
        }
        let start = |left: Value, bases: &[Value], values: &[Lanes]| -> Vec<BlockArg> {
            let bases = bases.iter().copied().map(BlockArg::from);
            std::iter::once(BlockArg::from(left))
                .chain(bases)
                .chain(arguments(None, values))
                .collect()
        };
        let bases: Vec<Value> = l.bases.iter().map(|&(_, base)| base).collect();
        b.ins().jump(row, &start(inside.rows, &bases, &values));

        b.switch_to_block(row);
        let params = b.block_params(row).to_vec();
        let (left, bases) = (params[0], &params[1..=places]);
        let mut values = replace(&values, &params[1 + places..]);
        let mut here = Loop {
            body: l.body,
            bases: l
                .bases
                .iter()
                .zip(bases)
                .map(|(&(place, _), &base)| (place, base))
                .collect(),
            lanes: l.lanes.clone(),
            uniform: l.uniform.clone(),
        };
        self.uniform(&mut here)?;
        self.emit.lanes = lanes;
        self.body(&here, cursor, 0, &mut values[0])?;
        let left = self.plus(left, -1);
        let b = &mut self.emit.b;
        let next: Vec<Value> = bases
            .iter()
            .zip(&inside.strides)
            .map(|(&base, &stride)| b.ins().iadd(base, stride))
            .collect();
        b.ins().brif(
            left,
            row,
            &start(left, &next, &values),
            done,
            &arguments(None, &values),
        );

        b.switch_to_block(done);
        let params = b.block_params(done).to_vec();
        *running = replace(&values, &params).remove(0);
        Ok(())
    }
}
