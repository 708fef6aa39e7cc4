//! Loops in columns: a running value of each column.
//!
//! In `streams` a kernel of a single loop goes round its rows inside: a few columns at a time stay in registers from the first row to the last, so
//! that rows are read at the speed of memory, each as a stream of its own.
//!
//! ```text
//! for a few columns at a time
//!   running values from memory, or identities
//!   for each row: the body
//!   running values to memory
//! ```
//!
//! If its body is short, it also takes rows of two lanes by turns: half as many columns at a time have a running value in each, and these
//! are combined in the end.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, Inst, InstBuilder, Value, types};
use numloom_data::DType;
use numloom_ir::{LoopInst, Place};

use super::lanes::{Lanes, arguments, replace};
use super::{Build, Cursor, Loop, Shape, offset};
use crate::abi::{KernelArgs, Way};
use crate::error::JitError;
use crate::single::begins_lanes;

/// The rows of a call, where a loop goes round them.
struct Inside {
    rows: Value,
    /// Bytes from a row to the next, for each of the loop's places.
    strides: Vec<Value>,
    lanes: RowLanes,
}

/// The lanes that rows belong to.
#[derive(Clone, Copy, PartialEq)]
enum RowLanes {
    /// One. It goes on with what is in memory, unless `way` says that it begins.
    One { way: Option<Value> },
    /// Two by turns, which begin.
    Two,
}

/// How many columns are taken at a time.
#[derive(Clone, Copy)]
struct Width {
    /// Columns of a copy of the body.
    lanes: usize,
    copies: usize,
}

impl<'k> Build<'k, '_> {
    /// A loop over the columns of this row.
    pub(super) fn step_columns(&mut self, body: &'k [LoopInst]) -> Result<(), JitError> {
        let shape = Shape::of(body, self.kernel, self.emit.x86);
        let mut l = self.prepare(body, shape);
        self.uniform(&mut l)?;
        let entry = self.next_block();
        self.emit.pool.complete(self.before_rows.unwrap_or(entry));
        let mut from = self.emit.b.ins().iconst(types::I64, 0);
        for lanes in [shape.lanes, 1] {
            from = self.columns_by(from, lanes, None, |build, index| {
                build.emit.lanes = lanes;
                let mut cursor = Cursor::new(index);
                build.through_memory(&l, &mut Cursor::new(index), |build, running| {
                    build.body(&l, &mut cursor, 0, running)
                })
            })?;
        }
        Ok(())
    }

    /// A loop over the columns of all rows.
    pub(super) fn all_columns(&mut self, body: &'k [LoopInst]) -> Result<(), JitError> {
        let shape = Shape::of(body, self.kernel, self.emit.x86);
        let l = self.prepare(body, shape);
        let mut inside = self.inside(&l);
        if !begins_lanes(self.kernel) {
            let entry = self.next_block();
            self.emit.pool.complete(entry);
            return self.rows_by_columns(&l, shape, &inside);
        }
        let way = self.argument(offset_of!(KernelArgs, way));
        let b = &mut self.emit.b;
        let is_two = b.ins().icmp_imm_u(IntCC::Equal, way, Way::ByTurns as i64);
        let [two, one, done] = [(); 3].map(|()| b.create_block());
        let entry = b.ins().brif(is_two, two, &[], one, &[]);
        self.emit.pool.complete(entry);
        for (block, lanes) in [
            (one, RowLanes::One { way: Some(way) }),
            (two, RowLanes::Two),
        ] {
            self.emit.b.switch_to_block(block);
            inside.lanes = lanes;
            self.rows_by_columns(&l, shape, &inside)?;
            self.emit.b.ins().jump(done, &[]);
        }
        self.emit.b.switch_to_block(done);
        Ok(())
    }

    /// All columns, a few at a time.
    fn rows_by_columns(
        &mut self,
        l: &Loop<'k>,
        shape: Shape,
        inside: &Inside,
    ) -> Result<(), JitError> {
        let Shape { lanes, copies, .. } = shape;
        let one = |lanes| Width { lanes, copies: 1 };
        let mut from = self.emit.b.ins().iconst(types::I64, 0);
        let (widest, again) = match inside.lanes {
            RowLanes::One { way } => (Width { lanes, copies }, way),
            RowLanes::Two if copies > 1 => (one(lanes), Some(inside.rows)),
            RowLanes::Two => (one((lanes / 2).max(1)), Some(inside.rows)),
        };
        let mut widths = vec![(widest, again)];
        // What is left of short rows counts.
        if matches!(inside.lanes, RowLanes::One { way: Some(_) })
            && (2..lanes).contains(&shape.vector)
        {
            widths.push((one(shape.vector), None));
        }
        widths.push((one(1), None));
        for (width, again) in widths {
            from = self.columns_by(from, width.lanes * width.copies, again, |build, index| {
                build.few_columns(l, index, width, inside)
            })?;
        }
        Ok(())
    }

    /// A loop over columns from `from` on, a multiple of `step`, `step` of them in an iteration, as long as there are as many; where it ends. If
    /// `again` is not 0, the last columns are computed once more with what is left of them: then it ends with all columns.
    fn columns_by(
        &mut self,
        from: Value,
        step: usize,
        again: Option<Value>,
        work: impl FnOnce(&mut Self, Value) -> Result<(), JitError>,
    ) -> Result<Value, JitError> {
        let step = step as i64;
        let mask = self.emit.b.ins().iconst(types::I64, -step);
        let mut end = self.emit.b.ins().band(self.n, mask);
        let any = self.less(from, end);
        if let Some(again) = again {
            end = self.emit.b.ins().select(again, self.n, end);
        }
        let last = self.plus(end, -step);
        let b = &mut self.emit.b;
        let [columns, after] = [(); 2].map(|()| b.create_block());
        let index = b.append_block_param(columns, types::I64);
        let reached = b.append_block_param(after, types::I64);
        let (start, skip) = ([from.into()], [from.into()]);
        b.ins().brif(any, columns, &start, after, &skip);
        b.switch_to_block(columns);
        work(self, index)?;
        let mut next = self.plus(index, step);
        if again.is_some() {
            let is_less = self.less(next, last);
            next = self.emit.b.ins().select(is_less, next, last);
        }
        let more = self.less(index, last);
        let b = &mut self.emit.b;
        b.ins()
            .brif(more, columns, &[next.into()], after, &[end.into()]);
        b.switch_to_block(after);
        Ok(reached)
    }

    /// Ends the block with a jump to a new one.
    fn next_block(&mut self) -> Inst {
        let b = &mut self.emit.b;
        let next = b.create_block();
        let jump = b.ins().jump(next, &[]);
        b.switch_to_block(next);
        jump
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
        Inside {
            rows,
            strides,
            lanes: RowLanes::One { way: None },
        }
    }

    /// Where the places of the row after start.
    fn next_row(&mut self, bases: &[Value], inside: &Inside) -> Vec<Value> {
        std::iter::zip(bases, &inside.strides)
            .map(|(&base, &stride)| self.emit.b.ins().iadd(base, stride))
            .collect()
    }

    /// The columns from `index` on.
    fn few_columns(
        &mut self,
        l: &Loop<'k>,
        index: Value,
        width: Width,
        inside: &Inside,
    ) -> Result<(), JitError> {
        let Width { lanes, copies } = width;
        self.emit.lanes = lanes;
        let mut cursor = Cursor::new(index);
        let memory: Vec<(DType, Value)> = l
            .lanes
            .iter()
            .map(|running| {
                let dtype = running.dtype;
                let address = self.address(running.start, &mut cursor, dtype.itemsize());
                (dtype, address)
            })
            .collect();
        let at = |copy: usize, dtype: DType| offset(copy * lanes * dtype.itemsize());
        let load = |build: &mut Self, copy: usize| -> Lanes {
            let values = memory.iter();
            values
                .map(|&(dtype, start)| build.emit.load(dtype, start, at(copy, dtype)))
                .collect()
        };
        let mut running: Vec<Lanes> = match inside.lanes {
            RowLanes::One { way: None } => (0..copies).map(|copy| load(self, copy)).collect(),
            RowLanes::One { way: Some(way) } => {
                let identities = vec![self.identities(l, lanes); copies];
                let types = self.lane_types(&identities);
                let b = &mut self.emit.b;
                let [go_on, start] = [(); 2].map(|()| b.create_block());
                for ty in types {
                    b.append_block_param(start, ty);
                }
                let args = arguments(None, &identities);
                b.ins().brif(way, start, &args, go_on, &[]);
                b.switch_to_block(go_on);
                let loaded: Vec<Lanes> = (0..copies).map(|copy| load(self, copy)).collect();
                let b = &mut self.emit.b;
                b.ins().jump(start, &arguments(None, &loaded));
                b.switch_to_block(start);
                replace(&identities, b.block_params(start))
            }
            RowLanes::Two => vec![self.identities(l, lanes); 2 * copies],
        };
        running = self.all_rows(l, &mut cursor, running, inside)?;
        self.emit.lanes = lanes;
        if inside.lanes == RowLanes::Two {
            let second = running.split_off(copies);
            for (x, y) in running.iter_mut().zip(second) {
                for k in (0..x.len()).filter(|&k| l.lanes[k].word == 0) {
                    let acc = self.kernel.accumulators[l.lanes[k].acc as usize];
                    let words = k..k + acc.words();
                    let both = self
                        .emit
                        .combined(acc, &x[words.clone()], &y[words.clone()])?;
                    x[words].copy_from_slice(&both);
                }
            }
        }
        for (copy, values) in running.into_iter().enumerate() {
            for (&(dtype, start), value) in memory.iter().zip(values) {
                self.emit.store(dtype, value, start, at(copy, dtype));
            }
        }
        Ok(())
    }

    /// The body on each row, with the running values in registers: of neighbouring columns, and with two lanes of the first's and then of
    /// the second's.
    fn all_rows(
        &mut self,
        l: &Loop<'k>,
        cursor: &mut Cursor,
        running: Vec<Lanes>,
        inside: &Inside,
    ) -> Result<Vec<Lanes>, JitError> {
        let lanes = self.emit.lanes;
        // What all rows share is computed before them.
        for inst in l.body {
            self.address(
                l.lanes
                    .first()
                    .map_or(cursor.index, |running| running.start),
                cursor,
                inst.dtype.itemsize(),
            );
        }
        let types = self.lane_types(&running);
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
        let start = |left: Value, bases: &[Value], running: &[Lanes]| -> Vec<BlockArg> {
            let bases = bases.iter().copied().map(BlockArg::from);
            std::iter::once(BlockArg::from(left))
                .chain(bases)
                .chain(arguments(None, running))
                .collect()
        };
        let bases: Vec<Value> = l.bases.iter().map(|&(_, base)| base).collect();
        b.ins().jump(row, &start(inside.rows, &bases, &running));

        b.switch_to_block(row);
        let params = b.block_params(row).to_vec();
        let (mut left, mut bases) = (params[0], params[1..=places].to_vec());
        let mut running = replace(&running, &params[1 + places..]);
        let turns = match inside.lanes {
            RowLanes::One { .. } => 1,
            RowLanes::Two => 2,
        };
        let copies = running.len() / turns;
        for turn in 0..turns {
            let mut here = l.at(&bases);
            self.uniform(&mut here)?;
            self.emit.lanes = lanes;
            for copy in 0..copies {
                let values = &mut running[turn * copies + copy];
                self.body(&here, cursor, copy * lanes, values)?;
            }
            left = self.plus(left, -1);
            bases = self.next_row(&bases, inside);
            let b = &mut self.emit.b;
            let leave = arguments(None, &running);
            if turn + 1 == turns {
                let again = start(left, &bases, &running);
                b.ins().brif(left, row, &again, done, &leave);
            } else {
                let next = b.create_block();
                b.ins().brif(left, next, &[], done, &leave);
                b.switch_to_block(next);
            }
        }

        let b = &mut self.emit.b;
        b.switch_to_block(done);
        let params = b.block_params(done).to_vec();
        Ok(replace(&running, &params))
    }
}
