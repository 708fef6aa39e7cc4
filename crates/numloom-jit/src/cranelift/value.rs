//! A value of a loop's body as vectors.
//!
//! One iteration computes a number of elements at once, the *lanes*: as many as fill two registers of the narrowest dtype of the loop, but
//! no more than fill four of the widest. A value is an array of 128-bit vectors, one to four; where its lanes fill less than one
//! register they lie in the low part, and the rest holds anything. In the tail there is one lane, in the same vectors and
//! instructions, so one meaning serves both.

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64, Offset32};
use cranelift_codegen::ir::{
    ConstantData, Endianness, Inst, InstBuilder, MemFlagsData, Type, Value, types,
};
use cranelift_frontend::FunctionBuilder;
use numloom_data::DType;

/// Most registers of one value.
const MAX_REGS: usize = 4;

/// The vectors of one value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Regs {
    values: [Value; MAX_REGS],
    n: u8,
    /// One register stands for any number: all its lanes are the same.
    pub(super) uniform: bool,
}

impl Regs {
    /// From the first register to the last.
    pub(super) fn collect(values: impl IntoIterator<Item = Value>) -> Regs {
        let mut regs: Option<Regs> = None;
        for value in values {
            match &mut regs {
                None => {
                    regs = Some(Regs {
                        values: [value; MAX_REGS],
                        n: 1,
                        uniform: false,
                    });
                }
                Some(regs) => {
                    regs.values[usize::from(regs.n)] = value;
                    regs.n += 1;
                }
            }
        }
        regs.expect("a value has a register")
    }

    /// A register with the same element in all lanes.
    pub(super) fn uniform(value: Value) -> Regs {
        Regs {
            values: [value; MAX_REGS],
            n: 1,
            uniform: true,
        }
    }

    /// The registers there are.
    pub(super) fn as_slice(&self) -> &[Value] {
        &self.values[..usize::from(self.n)]
    }

    /// How many registers there are.
    pub(super) fn len(&self) -> usize {
        usize::from(self.n)
    }

    /// Register `i`, or the one that stands for all.
    fn at(&self, i: usize) -> Value {
        if self.uniform {
            self.values[0]
        } else {
            self.values[i]
        }
    }
}

/// A value of a loop's body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Val {
    /// Numbers, in vectors of their dtype.
    Number(Regs),
    /// Truth values: lanes of this many bytes, all ones or all zeros.
    Mask(usize, Regs),
}

/// The vector type for elements of `dtype`: that of a whole register.
pub(super) fn vector(dtype: DType) -> Type {
    match dtype {
        DType::F32 => types::F32X4,
        DType::F64 => types::F64X2,
        other => int_vector(other.itemsize()),
    }
}

/// The vector type for integers of `size` bytes.
pub(super) fn int_vector(size: usize) -> Type {
    match size {
        1 => types::I8X16,
        2 => types::I16X8,
        4 => types::I32X4,
        8 => types::I64X2,
        _ => unreachable!("elements have 1, 2, 4 or 8 bytes"),
    }
}

/// Accesses that cannot trap: the contract of [`NativeKernel::call`](crate::NativeKernel::call) says so.
pub(super) fn flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

/// For `bitcast`: the first lane is the low one.
pub(super) fn lane_order() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

/// Constants of a loop, by vector type and the bits of a lane.
pub(super) struct Pool {
    hoisted: Vec<(Type, u64, Value)>,
    /// How many more may be hoisted; each holds a register all through the loop.
    budget: usize,
    /// The end of the block before the loop, once that block is complete.
    end: Option<Inst>,
}

impl Pool {
    /// An empty pool that will hoist up to `budget` constants.
    pub(super) fn new(budget: usize) -> Pool {
        Pool {
            hoisted: Vec::new(),
            budget,
            end: None,
        }
    }

    /// From here on, constants are hoisted to before `end`.
    pub(super) fn complete(&mut self, end: Inst) {
        self.end = Some(end);
    }
}

/// Emits operations on vectors.
pub(super) struct Emit<'f> {
    /// The function.
    pub(super) b: FunctionBuilder<'f>,
    /// x86-64 rather than aarch64.
    pub(super) x86: bool,
    /// Whether a load may become the operand of an instruction. Without AVX most operands in memory must be aligned, and
    /// Cranelift 0.135 forgets that for some comparisons; a load seen as another type is none that it folds.
    pub(super) foldable: bool,
    /// Elements that the code being emitted computes at once.
    pub(super) lanes: usize,
    /// Whether the code being emitted is for a value that is the same for all elements.
    pub(super) uniform: bool,
    /// The constants of the loop being emitted.
    pub(super) pool: Pool,
}

impl Emit<'_> {
    /// Registers of a value of elements of `size` bytes.
    pub(super) fn regs(&self, size: usize) -> usize {
        (self.lanes * size).div_ceil(16)
    }

    /// Lanes in use in each register of such a value.
    pub(super) fn lanes_per_reg(&self, size: usize) -> usize {
        self.lanes.min(16 / size)
    }

    /// `value` seen as another type of the same size.
    pub(super) fn view(&mut self, to: Type, value: Value) -> Value {
        if self.b.func.dfg.value_type(value) == to {
            return value;
        }
        self.b.ins().bitcast(to, lane_order(), value)
    }

    /// `f` of each register.
    pub(super) fn map(&mut self, x: Regs, mut f: impl FnMut(&mut Self, Value) -> Value) -> Regs {
        let mut regs = Regs::collect(x.as_slice().iter().map(|&x| f(self, x)));
        regs.uniform = x.uniform || self.uniform;
        regs
    }

    /// `f` of each pair of registers.
    pub(super) fn map2(
        &mut self,
        x: Regs,
        y: Regs,
        mut f: impl FnMut(&mut Self, Value, Value) -> Value,
    ) -> Regs {
        let n = if x.uniform { y.len() } else { x.len() };
        let mut regs = Regs::collect((0..n).map(|i| f(self, x.at(i), y.at(i))));
        regs.uniform = (x.uniform && y.uniform) || self.uniform;
        regs
    }

    /// `f` of each three registers.
    pub(super) fn map3(
        &mut self,
        x: Regs,
        y: Regs,
        z: Regs,
        mut f: impl FnMut(&mut Self, Value, Value, Value) -> Value,
    ) -> Regs {
        let n = [x, y, z].iter().filter(|r| !r.uniform).map(Regs::len).max();
        let n = n.unwrap_or(1);
        let mut regs = Regs::collect((0..n).map(|i| f(self, x.at(i), y.at(i), z.at(i))));
        regs.uniform = (x.uniform && y.uniform && z.uniform) || self.uniform;
        regs
    }

    /// `f` of each lane's scalars, put together to vectors of type `to`.
    ///
    /// For what has no vector instruction. Lanes not in use are not computed.
    pub(super) fn each_lane<const N: usize>(
        &mut self,
        args: [Regs; N],
        to: Type,
        mut f: impl FnMut(&mut Self, [Value; N]) -> Value,
    ) -> Regs {
        let per_reg = self.lanes_per_reg(to.lane_type().bytes() as usize);
        let from = self.b.func.dfg.value_type(args[0].at(0));
        let from_per_reg = self.lanes_per_reg(from.lane_type().bytes() as usize);
        let scalars: Vec<Value> = (0..self.lanes)
            .map(|lane| {
                let (reg, lane) = (lane / from_per_reg, lane % from_per_reg);
                let args = args.map(|x| self.b.ins().extractlane(x.at(reg), lane as u8));
                f(self, args)
            })
            .collect();
        if let [scalar] = scalars[..] {
            let mut regs = Regs::uniform(self.b.ins().splat(to, scalar));
            regs.uniform = self.uniform;
            return regs;
        }
        Regs::collect(scalars.chunks(per_reg).map(|scalars| {
            let first = self.b.ins().splat(to, scalars[0]);
            (1u8..)
                .zip(&scalars[1..])
                .fold(first, |reg, (lane, &scalar)| {
                    self.b.ins().insertlane(reg, scalar, lane)
                })
        }))
    }

    /// A vector of the constant whose bits, in each lane, are the low ones of `bits`.
    pub(super) fn constant(&mut self, ty: Type, bits: u64) -> Value {
        let size = ty.lane_type().bytes() as usize;
        let ones = u64::MAX >> (64 - 8 * size);
        let bits = bits & ones;
        let known = self
            .pool
            .hoisted
            .iter()
            .find(|&&(t, b, _)| (t, b) == (ty, bits));
        if let Some(&(_, _, value)) = known {
            return value;
        }
        // All zeros and all ones are one instruction without an operand; others come from memory.
        if bits == 0 || bits == ones || self.pool.budget == 0 {
            let lane = &bits.to_le_bytes()[..size];
            let data = self
                .b
                .func
                .dfg
                .constants
                .insert(ConstantData::from(&lane.repeat(16 / size)[..]));
            return self.b.ins().vconst(ty, data);
        }
        self.pool.budget -= 1;
        let value = match self.pool.end {
            None => {
                let scalar = scalar_constant(self.b.ins(), ty.lane_type(), bits);
                self.b.ins().splat(ty, scalar)
            }
            Some(end) => {
                let mut before = FuncCursor::new(self.b.func).at_inst(end);
                let scalar = scalar_constant(before.ins(), ty.lane_type(), bits);
                before.ins().splat(ty, scalar)
            }
        };
        self.pool.hoisted.push((ty, bits, value));
        value
    }

    /// As [`constant`](Emit::constant), as a value.
    pub(super) fn constant_regs(&mut self, ty: Type, bits: u64) -> Regs {
        Regs::uniform(self.constant(ty, bits))
    }

    /// Loads a value's lanes from contiguous elements of `dtype` at `base + offset` bytes.
    pub(super) fn load(&mut self, dtype: DType, base: Value, offset: i32) -> Val {
        let ty = vector(dtype);
        let bytes = self.lanes * dtype.itemsize();
        let at = Offset32::new(offset);
        let regs = if bytes >= 16 {
            let n = bytes / 16;
            Regs::collect((0..n).map(|i| {
                let at = Offset32::new(offset + 16 * i as i32);
                if self.foldable {
                    return self.b.ins().load(ty, flags(), base, at);
                }
                let other = if ty == types::I8X16 {
                    types::I16X8
                } else {
                    types::I8X16
                };
                let x = self.b.ins().load(other, flags(), base, at);
                self.view(ty, x)
            }))
        } else {
            let (scalar, whole) = match bytes {
                8 => (
                    self.b.ins().load(types::F64, flags(), base, at),
                    types::F64X2,
                ),
                4 => (
                    self.b.ins().load(types::F32, flags(), base, at),
                    types::F32X4,
                ),
                2 => {
                    let x = self.b.ins().uload16(types::I32, flags(), base, at);
                    (x, types::I32X4)
                }
                _ => {
                    let x = self.b.ins().uload8(types::I32, flags(), base, at);
                    (x, types::I32X4)
                }
            };
            let x = self.b.ins().scalar_to_vector(whole, scalar);
            Regs::collect([self.view(ty, x)])
        };
        self.truth(dtype, regs)
    }

    /// The lanes after those in use, as many again, of a value in one register: moved to where those in use are.
    pub(super) fn upper_lanes(&mut self, size: usize, value: Val) -> Val {
        let bytes = (self.lanes * size) as u8;
        let moved: Vec<u8> = (0..16).map(|i| (i + bytes) % 16).collect();
        match value {
            Val::Number(regs) => Val::Number(self.map(regs, |e, x| e.shuffle(x, x, &moved))),
            Val::Mask(width, regs) => {
                Val::Mask(width, self.map(regs, |e, x| e.shuffle(x, x, &moved)))
            }
        }
    }

    /// Stores the first lane's bits, zero-extended to 64, at `base + offset` bytes.
    pub(super) fn store_word(&mut self, dtype: DType, value: Val, base: Value, offset: i32) {
        let (ty, x) = match value {
            Val::Number(regs) if dtype == DType::F64 => (types::F64X2, regs.at(0)),
            Val::Number(regs) => (int_vector(dtype.itemsize()), regs.at(0)),
            Val::Mask(_, regs) => {
                let one = self.constant(types::I8X16, 1);
                let x = self.view(types::I8X16, regs.at(0));
                (types::I8X16, self.b.ins().band(x, one))
            }
        };
        let x = self.view(ty, x);
        let mut x = self.b.ins().extractlane(x, 0);
        if ty.lane_type().bytes() < 8 {
            x = self.b.ins().uextend(types::I64, x);
        }
        self.b.ins().store(flags(), x, base, Offset32::new(offset));
    }

    /// Loads one element into all lanes.
    pub(super) fn load_uniform(&mut self, dtype: DType, base: Value) -> Val {
        let ty = vector(dtype);
        let x = self.b.ins().load(ty.lane_type(), flags(), base, 0);
        let x = self.b.ins().splat(ty, x);
        self.truth(dtype, Regs::uniform(x))
    }

    /// Bytes of `bool` as a mask: true if not 0. Numbers as they are.
    fn truth(&mut self, dtype: DType, regs: Regs) -> Val {
        if dtype == DType::Bool {
            Val::Mask(1, self.is_nonzero(DType::U8, regs))
        } else {
            Val::Number(regs)
        }
    }

    /// Stores a value's lanes as contiguous elements of `dtype` at `base + offset` bytes.
    pub(super) fn store(&mut self, dtype: DType, value: Val, base: Value, offset: i32) {
        let regs = match value {
            Val::Number(regs) => regs,
            Val::Mask(..) => {
                let mask = self.mask_of(value, 1);
                let one = self.constant_regs(types::I8X16, 1);
                self.map2(mask, one, |e, x, y| e.b.ins().band(x, y))
            }
        };
        let bytes = self.lanes * dtype.itemsize();
        if bytes >= 16 {
            for i in 0..bytes / 16 {
                let at = Offset32::new(offset + 16 * i as i32);
                self.b.ins().store(flags(), regs.at(i), base, at);
            }
            return;
        }
        let whole = match bytes {
            8 => types::F64X2,
            4 => types::F32X4,
            2 => types::I16X8,
            _ => types::I8X16,
        };
        let x = self.view(whole, regs.at(0));
        let x = self.b.ins().extractlane(x, 0);
        let at = Offset32::new(offset);
        self.b.ins().store(flags(), x, base, at);
    }
}

/// One lane's constant.
fn scalar_constant<'f>(ins: impl InstBuilder<'f>, ty: Type, bits: u64) -> Value {
    match ty {
        types::F32 => ins.f32const(Ieee32::with_bits(bits as u32)),
        types::F64 => ins.f64const(Ieee64::with_bits(bits)),
        // `iconst` wants narrow constants zero-extended.
        _ => ins.iconst(ty, bits.cast_signed()),
    }
}
