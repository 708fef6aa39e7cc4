//! Accumulators in registers: how their lanes come from memory, go through a loop, and are combined.

use cranelift_codegen::ir::{BlockArg, InstBuilder, Type, Value, types};
use numloom_data::DType;
use numloom_ir::reduce::LANES;

use super::super::value::{Regs, Val, vector};
use super::{Build, Cursor, Loop, Shape, inline, offset};
use crate::abi::KernelArgs;
use crate::error::JitError;
use std::mem::offset_of;

/// The accumulators that a copy of the body works on: for each accumulator of the loop, its part of the lanes.
pub(super) type Lanes = Vec<Val>;

impl Build<'_, '_> {
    /// The part of each accumulator's lanes that `copy` works on.
    pub(super) fn load_lanes(&mut self, l: &Loop<'_>, shape: Shape, copy: usize) -> Lanes {
        self.emit.lanes = shape.lanes;
        let lanes = l.lanes.iter().map(|&(acc, start)| {
            let dtype = self.kernel.accumulators[acc as usize].dtype;
            let at = copy * shape.lanes * dtype.itemsize();
            self.emit.load(dtype, start, offset(at))
        });
        lanes.collect()
    }

    pub(super) fn store_lanes(&mut self, l: &Loop<'_>, shape: Shape, copy: usize, lanes: &[Val]) {
        self.emit.lanes = shape.lanes;
        for (&(acc, start), &lanes) in l.lanes.iter().zip(lanes) {
            let dtype = self.kernel.accumulators[acc as usize].dtype;
            let at = copy * shape.lanes * dtype.itemsize();
            self.emit.store(dtype, lanes, start, offset(at));
        }
    }

    /// As many lanes of each accumulator as a copy works on, with nothing taken in.
    pub(super) fn identities(&mut self, l: &Loop<'_>, lanes: usize) -> Lanes {
        self.emit.lanes = lanes;
        let lanes = l.lanes.iter().map(|&(acc, _)| {
            let acc = self.kernel.accumulators[acc as usize];
            let identity = acc.identity(0);
            let (ty, bits) = match acc.dtype {
                DType::Bool => (types::I8X16, identity.wrapping_neg()),
                dtype => (vector(dtype), identity),
            };
            let value = self.emit.constant(ty, bits);
            let registers = self.emit.regs(acc.dtype.itemsize());
            let regs = Regs::collect(std::iter::repeat_n(value, registers));
            match acc.dtype {
                DType::Bool => Val::Mask(1, regs),
                _ => Val::Number(regs),
            }
        });
        lanes.collect()
    }

    /// Where the row's partial values go, in `rows`.
    pub(super) fn partials(&mut self) -> Value {
        let start = self.argument(offset_of!(KernelArgs, accumulators));
        let stride = 8 * self.kernel.partial_words() as i64;
        let b = &mut self.emit.b;
        let stride = b.ins().iconst(types::I64, stride);
        let bytes = b.ins().imul(self.row, stride);
        b.ins().iadd(start, bytes)
    }

    /// Combines all lanes of each accumulator, given copy by copy, and writes the row's partial values.
    pub(super) fn combine(&mut self, l: &Loop<'_>, lanes: &[Lanes]) -> Result<(), JitError> {
        let partials = self.partials();
        for (k, &(index, _)) in l.lanes.iter().enumerate() {
            let acc = self.kernel.accumulators[index as usize];
            let (op, dtype) = (inline(acc), acc.dtype);
            let one = |of: &Val, value| match of {
                Val::Number(_) => Val::Number(Regs::collect([value])),
                Val::Mask(width, _) => Val::Mask(*width, Regs::collect([value])),
            };
            let registers = lanes.iter().map(|copy| &copy[k]);
            let mut registers: Vec<Val> = registers
                .flat_map(|lanes| values_of(lanes).map(|value| one(lanes, value)))
                .collect();
            self.emit.lanes = LANES / registers.len();
            while registers.len() > 1 {
                let upper = registers.split_off(registers.len() / 2);
                for (x, y) in registers.iter_mut().zip(upper) {
                    *x = self.emit.apply(op, dtype, dtype, &[*x, y], None)?;
                }
            }
            let mut x = registers[0];
            while self.emit.lanes > 1 {
                self.emit.lanes /= 2;
                let y = self.emit.upper_lanes(dtype.itemsize(), x);
                x = self.emit.apply(op, dtype, dtype, &[x, y], None)?;
            }
            let at = 8 * self.kernel.accumulator_offset(index as usize, 0);
            self.emit.store_word(dtype, x, partials, offset(at));
            self.check_size()?;
        }
        Ok(())
    }

    pub(super) fn lane_types(&self, lanes: &[Lanes]) -> Vec<Type> {
        let values = lanes.iter().flatten().flat_map(values_of);
        values
            .map(|value| self.emit.b.func.dfg.value_type(value))
            .collect()
    }

    /// Running values from memory at `at`, `work` on them, and back.
    pub(super) fn through_memory(
        &mut self,
        l: &Loop<'_>,
        at: &mut Cursor,
        work: impl FnOnce(&mut Self, &mut Lanes) -> Result<(), JitError>,
    ) -> Result<(), JitError> {
        let mut addresses = Vec::new();
        let mut values = Lanes::new();
        for &(acc, start) in &l.lanes {
            let dtype = self.kernel.accumulators[acc as usize].dtype;
            let address = self.address(start, at, dtype.itemsize());
            values.push(self.emit.load(dtype, address, 0));
            addresses.push((dtype, address));
        }
        work(self, &mut values)?;
        for ((dtype, address), values) in addresses.into_iter().zip(values) {
            self.emit.store(dtype, values, address, 0);
        }
        Ok(())
    }

    /// The body once, on accumulators whose lanes are in memory.
    pub(super) fn on_lanes_in_memory(
        &mut self,
        l: &Loop<'_>,
        cursor: &mut Cursor,
    ) -> Result<(), JitError> {
        if l.lanes.is_empty() {
            return self.body(l, cursor, 0, &mut []);
        }
        let mask = self.emit.b.ins().iconst(types::I64, LANES as i64 - 1);
        let lane = self.emit.b.ins().band(cursor.index, mask);
        let mut lane = Cursor::new(lane);
        self.through_memory(l, &mut lane, |build, lanes| build.body(l, cursor, 0, lanes))
    }
}

pub(super) fn values_of(value: &Val) -> impl Iterator<Item = Value> {
    let regs = regs_of(value);
    (0..regs.len()).map(move |i| regs.as_slice()[i])
}

pub(super) fn regs_of(value: &Val) -> Regs {
    match *value {
        Val::Number(regs) | Val::Mask(_, regs) => regs,
    }
}

/// Block arguments: an index, if there is one, then all accumulators' registers.
pub(super) fn arguments(index: Option<Value>, lanes: &[Lanes]) -> Vec<BlockArg> {
    let lanes = lanes.iter().flatten().flat_map(values_of);
    index.into_iter().chain(lanes).map(BlockArg::from).collect()
}

/// The same accumulators in other registers.
pub(super) fn replace(lanes: &[Lanes], params: &[Value]) -> Vec<Lanes> {
    let mut params = params.iter().copied();
    let mut regs = |old: &Val| {
        let n = regs_of(old).len();
        let new = Regs::collect(params.by_ref().take(n));
        match old {
            Val::Number(_) => Val::Number(new),
            Val::Mask(width, _) => Val::Mask(*width, new),
        }
    };
    let lanes = lanes
        .iter()
        .map(|lanes| lanes.iter().map(&mut regs).collect());
    lanes.collect()
}
