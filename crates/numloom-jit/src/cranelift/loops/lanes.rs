//! Accumulators in registers: how their lanes come from memory, go through a loop, and are combined.

use cranelift_codegen::ir::{BlockArg, InstBuilder, Type, Value, types};
use numloom_data::DType;
use numloom_ir::reduce::LANES;

use super::super::value::{Regs, Val, vector};
use super::{Build, Cursor, Loop, Shape, offset};
use crate::abi::KernelArgs;
use crate::error::JitError;
use std::mem::offset_of;

/// The accumulators that a copy of the body works on: for each word of those of the loop, its part of the lanes.
pub(super) type Lanes = Vec<Val>;

/// Where running values are.
#[derive(Clone, Copy)]
pub(super) struct Running {
    /// Of which accumulator, and which word.
    pub(super) acc: u32,
    pub(super) word: usize,
    pub(super) dtype: DType,
    /// The first, at this many bytes from the start.
    pub(super) start: Value,
    pub(super) at: usize,
}

impl Build<'_, '_> {
    /// The lanes of each word of an accumulator, or its columns.
    pub(super) fn running(&mut self, acc: u32) -> Vec<Running> {
        let accumulator = self.kernel.accumulators[acc as usize];
        let lanes = !self.kernel.form.is_columns();
        let first = self.accumulator(acc, 0);
        let words = (0..accumulator.words()).map(|word| Running {
            acc,
            word,
            dtype: accumulator.word_dtype(word),
            start: match word {
                1.. if !lanes => self.accumulator(acc, word),
                _ => first,
            },
            at: if lanes { 8 * LANES * word } else { 0 },
        });
        words.collect()
    }

    /// The part of each accumulator's lanes that `copy` works on.
    pub(super) fn load_lanes(&mut self, l: &Loop<'_>, shape: Shape, copy: usize) -> Lanes {
        self.emit.lanes = shape.lanes;
        let lanes = l.lanes.iter().map(|running| {
            let at = running.at + copy * shape.lanes * running.dtype.itemsize();
            self.emit.load(running.dtype, running.start, offset(at))
        });
        lanes.collect()
    }

    pub(super) fn store_lanes(&mut self, l: &Loop<'_>, shape: Shape, copy: usize, lanes: &[Val]) {
        self.emit.lanes = shape.lanes;
        for (running, &lanes) in l.lanes.iter().zip(lanes) {
            let at = running.at + copy * shape.lanes * running.dtype.itemsize();
            self.emit
                .store(running.dtype, lanes, running.start, offset(at));
        }
    }

    /// As many lanes of each accumulator as a copy works on, with nothing taken in.
    pub(super) fn identities(&mut self, l: &Loop<'_>, lanes: usize) -> Lanes {
        self.emit.lanes = lanes;
        let lanes = l.lanes.iter().map(|running| {
            let acc = self.kernel.accumulators[running.acc as usize];
            let identity = acc.identity(running.word);
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
        let one = |of: &Val, i: usize| {
            let value = Regs::collect([regs_of(of).as_slice()[i]]);
            match of {
                Val::Number(_) => Val::Number(value),
                Val::Mask(width, _) => Val::Mask(*width, value),
            }
        };
        // Each accumulator by its first word.
        for k in (0..l.lanes.len()).filter(|&k| l.lanes[k].word == 0) {
            let index = l.lanes[k].acc as usize;
            let acc = self.kernel.accumulators[index];
            let words = k..k + acc.words();
            let mut registers: Vec<Lanes> = Vec::new();
            for copy in lanes {
                let count = regs_of(&copy[k]).len();
                registers.extend((0..count).map(|i| {
                    let words = copy[words.clone()].iter();
                    words.map(|word| one(word, i)).collect::<Lanes>()
                }));
            }
            self.emit.lanes = LANES / registers.len();
            while registers.len() > 1 {
                let upper = registers.split_off(registers.len() / 2);
                for (x, y) in registers.iter_mut().zip(upper) {
                    *x = self.emit.combined(acc, x, &y)?;
                }
            }
            let mut x = registers.swap_remove(0);
            while self.emit.lanes > 1 {
                self.emit.lanes /= 2;
                let size = acc.dtype.itemsize();
                let upper = x.iter().map(|&x| self.emit.upper_lanes(size, x));
                let y: Lanes = upper.collect();
                x = self.emit.combined(acc, &x, &y)?;
            }
            let at = 8 * self.kernel.accumulator_offset(index, 0);
            for (word, x) in x.into_iter().enumerate() {
                self.emit
                    .store_word(acc.dtype, x, partials, offset(at + 8 * word));
            }
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
        for running in &l.lanes {
            let dtype = running.dtype;
            let address = self.address(running.start, at, dtype.itemsize());
            let at = offset(running.at);
            values.push(self.emit.load(dtype, address, at));
            addresses.push((dtype, address, at));
        }
        work(self, &mut values)?;
        for ((dtype, address, at), values) in addresses.into_iter().zip(values) {
            self.emit.store(dtype, values, address, at);
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
