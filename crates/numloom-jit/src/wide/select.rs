//! Instructions for operations: values, constants, loads and stores.
//!
//! What goes in: operations of a loop's body, with their values. What comes out: [`Inst`]s. A number is one vector register of `lanes` elements, in the low
//! part of a wider register if there are few. A truth value is a mask register with AVX-512; without it, lanes of all ones or zeros, as wide as
//! what was compared.

use iced_x86::{Code, Register};
use numloom_data::DType;

use super::asm;
use super::assign::of_row;
use super::inst::{Arg, Base, Inst, Memory, Virt, Width};
use super::table::{self, Row};

/// A value of the loop's body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Val {
    /// Numbers.
    Number(Arg),
    /// Truth values: a mask register.
    Mask(Arg),
    /// Truth values: lanes of this many bytes, all ones or all zeros.
    Lanes(usize, Arg),
}

/// What is the same for all elements of a loop, before it has a place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Shared {
    /// In each element of this many bytes these bits.
    Constant(usize, u64),
    /// Sixteen bytes over and over.
    Bytes([u8; 16]),
    /// A vector computed before the loop.
    Vector,
    /// A mask computed before the loop.
    Mask,
}

/// Makes instructions for a loop.
pub(super) struct Select {
    pub(super) avx512: bool,
    /// Elements of a value.
    pub(super) lanes: usize,
    /// Loads and stores are masked by [`TAIL`].
    pub(super) masked: bool,
    pub(super) insts: Vec<Inst>,
    pub(super) virts: u32,
    /// What is the same for all elements, and how often it is used.
    pub(super) shared: Vec<(Shared, u32)>,
    /// Vectors of this element size that wait to be [looked through for NaN](Select::note_nan), which is noted in a mask.
    pub(super) unnoted: Vec<(Register, usize, Arg)>,
}

/// The mask of a tail: which elements there are.
pub(super) const TAIL: Register = Register::K1;

/// By the item size: for elements of 1, 2, 4 and 8 bytes.
pub(super) fn by_size<T: Copy>(size: usize, of: [T; 4]) -> T {
    of[size.trailing_zeros() as usize]
}

impl Select {
    pub(super) fn new(avx512: bool) -> Select {
        Select {
            avx512,
            lanes: 1,
            masked: false,
            insts: Vec::new(),
            virts: 0,
            shared: Vec::new(),
            unnoted: Vec::new(),
        }
    }

    /// The instructions so far; the next ones are a list of their own.
    pub(super) fn take(&mut self) -> (Vec<Inst>, usize) {
        let virts = std::mem::take(&mut self.virts) as usize;
        (std::mem::take(&mut self.insts), virts)
    }

    /// The register width of values of `size` bytes an element.
    pub(super) fn width(&self, size: usize) -> Width {
        Width::of(self.lanes * size)
    }

    pub(super) fn vector(&mut self, width: Width) -> Arg {
        self.virts += 1;
        Arg::Vector(Virt(self.virts - 1), width)
    }

    pub(super) fn mask(&mut self) -> Arg {
        self.virts += 1;
        Arg::Mask(Virt(self.virts - 1))
    }

    pub(super) fn push(&mut self, inst: Inst) {
        let shared = inst.read().filter_map(|arg| match arg {
            Arg::Same(i, _) | Arg::SameMask(i) => Some(i),
            _ => None,
        });
        for i in shared {
            self.shared[i as usize].1 += 1;
        }
        self.insts.push(inst);
    }

    fn code(&self, row: &Row, width: Width) -> Code {
        of_row(row, width, self.avx512)
    }

    /// An instruction on vectors of one width.
    pub(super) fn on(&mut self, row: &Row, width: Width, from: &[Arg]) -> Arg {
        self.make(row, width, from, None)
    }

    /// The same, with a number.
    pub(super) fn with(&mut self, row: &Row, width: Width, from: &[Arg], immediate: u8) -> Arg {
        self.make(row, width, from, Some(immediate))
    }

    fn make(&mut self, row: &Row, width: Width, from: &[Arg], immediate: Option<u8>) -> Arg {
        let to = self.vector(width);
        let mut inst = self.inst(row, width, to, from);
        inst.immediate = immediate;
        inst.reads = width.bytes();
        self.push(inst);
        to
    }

    fn inst(&self, row: &Row, width: Width, to: Arg, from: &[Arg]) -> Inst {
        let mut sources = [Arg::None; 3];
        for (source, arg) in sources.iter_mut().zip(from) {
            *source = arg.at(width);
        }
        Inst::new(self.code(row, width), to, &sources[..from.len()])
    }

    /// A shift by a number; the operand is a register, as VEX has it.
    pub(super) fn shift(&mut self, row: &Row, width: Width, x: Arg, count: usize) -> Arg {
        let to = self.vector(width);
        let mut inst = self.inst(row, width, to, &[x]);
        inst.immediate = Some(count as u8);
        inst.reads = if self.avx512 { width.bytes() } else { 0 };
        self.push(inst);
        to
    }

    /// An instruction into a mask register.
    pub(super) fn test(
        &mut self,
        row: &Row,
        width: Width,
        from: &[Arg],
        immediate: Option<u8>,
    ) -> Arg {
        let to = self.mask();
        let mut inst = self.inst(row, width, to, from);
        inst.immediate = immediate;
        inst.reads = width.bytes();
        self.push(inst);
        to
    }

    /// An instruction under a mask: elements it leaves out are 0 if `zeroing`, else of the first operand, as of blends.
    pub(super) fn under(
        &mut self,
        mask: Arg,
        zeroing: bool,
        row: &Row,
        width: Width,
        from: &[Arg],
    ) -> Arg {
        let to = self.vector(width);
        let mut inst = self.inst(row, width, to, from);
        inst.reads = width.bytes();
        inst.mask = mask;
        inst.zeroing = zeroing;
        self.push(inst);
        to
    }

    /// A change of the elements' size, from `from` bytes to `to`; the instruction is that of the wider side.
    pub(super) fn resize(&mut self, row: &Row, from: usize, to: usize, x: Arg) -> Arg {
        let wide = self.width(from.max(to));
        let result = self.vector(self.width(to));
        let mut inst = Inst::new(self.code(row, wide), result, &[x.at(self.width(from))]);
        inst.reads = match from < to {
            true => wide.bytes() * from / to,
            // As moves to memory these have no operand there.
            false if !self.avx512 => wide.bytes(),
            false => 0,
        };
        self.push(inst);
        result
    }

    /// A vector of the constant whose bits, in each element of `size` bytes, are the low ones of `bits`.
    pub(super) fn constant(&mut self, size: usize, bits: u64) -> Arg {
        let bits = bits & (u64::MAX >> (64 - 8 * size));
        self.same(Shared::Constant(size, bits))
    }

    pub(super) fn same(&mut self, shared: Shared) -> Arg {
        let known = self.shared.iter().position(|(other, _)| *other == shared);
        let i = known.unwrap_or_else(|| {
            self.shared.push((shared, 0));
            self.shared.len() - 1
        });
        Arg::Same(i as u32, Width::Z)
    }

    /// All bits set.
    pub(super) fn ones(&mut self) -> Arg {
        self.constant(1, u64::MAX)
    }

    /// Elements of `memory`, one after the other.
    pub(super) fn load(&mut self, dtype: DType, memory: Memory) -> Val {
        let x = self.load_vector(dtype.itemsize(), memory);
        self.truth(dtype, x)
    }

    pub(super) fn load_vector(&mut self, size: usize, memory: Memory) -> Arg {
        let (bytes, width) = (self.lanes * size, self.width(size));
        let to = self.vector(width);
        let memory = Arg::Memory(memory);
        let inst = if self.masked {
            let rows = [table::Load8, table::Load16, table::Load32, table::Load64];
            let row = by_size(size, rows);
            let mut inst = self.inst(&row, width, to, &[memory]);
            inst.mask = Arg::Register(TAIL);
            inst.zeroing = true;
            inst
        } else {
            let code = match (bytes, self.avx512) {
                (16.., _) => self.code(&table::Load, width),
                (8, true) => Code::EVEX_Vmovq_xmm_xmmm64,
                (8, false) => Code::VEX_Vmovq_xmm_xmmm64,
                (4, true) => Code::EVEX_Vmovd_xmm_rm32,
                (4, false) => Code::VEX_Vmovd_xmm_rm32,
                (bytes, _) => return self.load_little(bytes, memory),
            };
            let mut inst = Inst::new(code, to, &[memory]);
            inst.reads = bytes;
            inst.is_load = true;
            inst
        };
        self.push(inst);
        to
    }

    /// One or two bytes, under anything.
    fn load_little(&mut self, bytes: usize, memory: Arg) -> Arg {
        let to = self.vector(Width::X);
        let code = match bytes {
            2 => Code::VEX_Vpinsrw_xmm_xmm_r32m16_imm8,
            _ => Code::VEX_Vpinsrb_xmm_xmm_r32m8_imm8,
        };
        let rest = self.constant(1, 0).at(Width::X);
        let mut inst = Inst::new(code, to, &[rest, memory]);
        inst.immediate = Some(0);
        self.push(inst);
        to
    }

    /// One element of memory in all lanes.
    pub(super) fn load_same(&mut self, dtype: DType, memory: Memory) -> Val {
        let size = dtype.itemsize();
        let row = by_size(
            size,
            [
                table::Pbroadcastb,
                table::Pbroadcastw,
                table::Pbroadcastd,
                table::Pbroadcastq,
            ],
        );
        let width = self.width(size);
        let to = self.vector(width);
        let inst = self.inst(&row, width, to, &[Arg::Memory(memory)]);
        self.push(inst);
        self.truth(dtype, to)
    }

    /// Bytes of `bool` as truth: not 0. Numbers as they are.
    pub(super) fn truth(&mut self, dtype: DType, x: Arg) -> Val {
        match dtype {
            DType::Bool => self.nonzero(DType::U8, x),
            _ => Val::Number(x),
        }
    }

    /// A value as it lies in memory.
    pub(super) fn stored(&mut self, value: Val) -> Arg {
        match value {
            Val::Number(x) => x,
            truth => {
                let one = self.constant(1, 1);
                self.where_true(truth, 1, one)
            }
        }
    }

    /// Elements to `memory`, one after the other.
    pub(super) fn store(&mut self, dtype: DType, value: Val, memory: Memory) {
        let x = self.stored(value);
        self.store_vector(dtype.itemsize(), x, memory);
    }

    pub(super) fn store_vector(&mut self, size: usize, x: Arg, memory: Memory) {
        let (bytes, width) = (self.lanes * size, self.width(size));
        let to = Arg::Memory(memory);
        let x = x.at(width);
        let inst = if self.masked {
            let rows = [
                table::Store8,
                table::Store16,
                table::Store32,
                table::Store64,
            ];
            let row = by_size(size, rows);
            let mut inst = self.inst(&row, width, to, &[x]);
            inst.mask = Arg::Register(TAIL);
            inst
        } else {
            let (code, lane) = match (bytes, self.avx512) {
                (16.., _) => (self.code(&table::Store, width), None),
                (8, true) => (Code::EVEX_Vmovq_xmmm64_xmm, None),
                (8, false) => (Code::VEX_Vmovq_xmmm64_xmm, None),
                (4, true) => (Code::EVEX_Vmovd_rm32_xmm, None),
                (4, false) => (Code::VEX_Vmovd_rm32_xmm, None),
                (2, _) => (Code::VEX_Vpextrw_r32m16_xmm_imm8, Some(0)),
                _ => (Code::VEX_Vpextrb_r32m8_xmm_imm8, Some(0)),
            };
            let mut inst = Inst::new(code, to, &[x]);
            inst.immediate = lane;
            inst
        };
        self.push(inst);
    }

    /// The first element, its bits zero-extended to 64, at `at` bytes from `base`; `temporary` is overwritten.
    pub(super) fn store_word(
        &mut self,
        size: usize,
        x: Arg,
        base: Register,
        at: usize,
        temporary: Register,
    ) {
        let memory = |at: usize| {
            Arg::Memory(Memory {
                base: Base::Register(base),
                scale: 0,
                at: i32::try_from(at).expect("words of partial values are few"),
            })
        };
        let x = x.at(Width::X);
        let half = Arg::Register(asm::half(temporary));
        let (code, to, lane) = match (size, self.avx512) {
            (8, true) => (Code::EVEX_Vmovq_xmmm64_xmm, memory(at), None),
            (8, false) => (Code::VEX_Vmovq_xmmm64_xmm, memory(at), None),
            (4, true) => (Code::EVEX_Vmovd_rm32_xmm, half, None),
            (4, false) => (Code::VEX_Vmovd_rm32_xmm, half, None),
            (2, true) => (Code::EVEX_Vpextrw_r32_xmm_imm8, half, Some(0)),
            (2, false) => (Code::VEX_Vpextrw_r32_xmm_imm8, half, Some(0)),
            (_, true) => (Code::EVEX_Vpextrb_r32m8_xmm_imm8, half, Some(0)),
            (_, false) => (Code::VEX_Vpextrb_r32m8_xmm_imm8, half, Some(0)),
        };
        let mut inst = Inst::new(code, to, &[x]);
        inst.immediate = lane;
        self.push(inst);
        if size < 8 {
            // Writing the low half of a register clears the high one.
            self.push(Inst::new(
                Code::Mov_rm64_r64,
                memory(at),
                &[Arg::Register(temporary)],
            ));
        }
    }

    /// The upper half of the lanes of a value in the place of the lower.
    pub(super) fn upper_half(&mut self, size: usize, x: Arg) -> Arg {
        let bytes = self.lanes * size;
        let (width, half) = (Width::of(bytes), Width::of(bytes / 2));
        let row = match width {
            Width::Z => table::UpperHalf64,
            Width::Y => table::UpperHalf32,
            Width::X => return self.shift(&table::Psrldq, Width::X, x, bytes / 2),
        };
        let to = self.vector(half);
        let mut inst = Inst::new(self.code(&row, width), to, &[x.at(width)]);
        inst.immediate = Some(1);
        self.push(inst);
        to
    }
}
