//! Calls through the table: block functions, and accumulators that only they can keep.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, StackSlot, StackSlotData, StackSlotKind, Value, types};
use numloom_ir::{AccumulateStep, CallArg, CallStep, Form, Place};

use super::super::value::flags;
use super::{Build, offset};
use crate::abi::{CallEntry, CallFrame, KernelArgs};
use crate::error::JitError;

impl Build<'_, '_> {
    /// A call through the table.
    pub(super) fn step_call(&mut self, call: &CallStep) -> Result<(), JitError> {
        let frame = self.frame();
        let dst = self.place(call.dst);
        self.put(frame, offset_of!(CallFrame, dst), dst);
        let args = call.args.iter().map(|arg| match arg {
            CallArg::Place(place) => Some(*place),
            CallArg::Bytes(_) => None,
        });
        self.call(frame, args)
    }

    /// A call through the table, for an accumulator.
    pub(super) fn step_accumulate(&mut self, step: &AccumulateStep) -> Result<(), JitError> {
        let frame = self.frame();
        let acc = step.acc as usize;
        let start = self.argument(offset_of!(KernelArgs, accumulators));
        let position = self.argument(offset_of!(KernelArgs, position));
        let columns = self.argument(offset_of!(KernelArgs, columns));
        let stride = self.argument(offset_of!(KernelArgs, row_position_stride));
        let rows = self.emit.b.ins().imul(self.row, stride);
        let position = self.emit.b.ins().iadd(position, rows);
        let dst = match self.kernel.form {
            Form::Lanes => {
                let before = 8 * self.kernel.lane_offset(acc) as i64;
                self.plus(start, before)
            }
            Form::Rows => {
                let before = 8 * self.kernel.partial_offset(acc) as i64;
                let partials = self.partials();
                self.plus(partials, before)
            }
            Form::Columns | Form::Streams => self.columns_of(start, acc, 0),
        };
        self.put(frame, offset_of!(CallFrame, dst), dst);
        self.put(frame, offset_of!(CallFrame, position), position);
        self.put(frame, offset_of!(CallFrame, columns), columns);
        self.call(frame, step.args.iter().copied().map(Some))
    }

    /// The frame of calls, with what they share.
    fn frame(&mut self) -> StackSlot {
        match self.frame {
            Some(frame) => frame,
            None => {
                let size = size_of::<CallFrame>() as u32;
                let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3);
                let frame = self.emit.b.create_sized_stack_slot(data);
                let index = self.argument(offset_of!(KernelArgs, index));
                let stride = self.argument(offset_of!(KernelArgs, row_index_stride));
                let b = &mut self.emit.b;
                let before = b.ins().imul(stride, self.row);
                let index = b.ins().iadd(index, before);
                let fault = self.argument(offset_of!(KernelArgs, fault));
                self.put(frame, offset_of!(CallFrame, n), self.n);
                self.put(frame, offset_of!(CallFrame, index), index);
                self.put(frame, offset_of!(CallFrame, fault), fault);
                *self.frame.insert(frame)
            }
        }
    }

    /// Calls the next entry of the table, with operands at places or without.
    fn call(
        &mut self,
        frame: StackSlot,
        args: impl Iterator<Item = Option<Place>>,
    ) -> Result<(), JitError> {
        let entry = offset(self.calls * size_of::<CallEntry>());
        self.calls += 1;
        let table = self.argument(offset_of!(KernelArgs, calls));
        let [function, context] = [
            offset_of!(CallEntry, function),
            offset_of!(CallEntry, context),
        ]
        .map(|field| {
            let at = entry + offset(field);
            self.emit.b.ins().load(types::I64, flags(), table, at)
        });
        self.put(frame, offset_of!(CallFrame, context), context);
        for (i, place) in args.enumerate() {
            // The table has the constants.
            if let Some(place) = place {
                let arg = self.place(place);
                self.put(frame, offset_of!(CallFrame, args) + 8 * i, arg);
            }
        }
        let b = &mut self.emit.b;
        // A block function has the signature of a kernel.
        let signature = b.func.signature.clone();
        let signature = b.import_signature(signature);
        let frame = b.ins().stack_addr(types::I64, frame, 0);
        let call = b.ins().call_indirect(signature, function, &[frame]);
        let status = b.inst_results(call)[0];
        let before = self.status.expect("rows have one");
        self.status = Some(b.ins().bor(before, status));
        self.check_size()
    }

    fn put(&mut self, frame: StackSlot, field: usize, value: Value) {
        let at = offset(field);
        let b = &mut self.emit.b;
        b.ins().stack_store(types::I64, value, frame, at);
    }
}
