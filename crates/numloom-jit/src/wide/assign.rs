//! Registers for straight-line code: a scan from first to last, which spills what is needed latest.
//!
//! What goes in: a list of [`Inst`]s, the registers there are, and where what they share lies ([`Homes`]). What comes out: machine code. The
//! choice of what to spill is Belady's: the value whose next use is farthest.

use iced_x86::{Code, Instruction, OpKind, Register};

use super::asm::Asm;
use super::inst::{Arg, Base, Inst, Memory, Virt, Width};
use super::table::{Load, Row, Store};
use crate::error::{JitError, JitErrorKind};

/// The stack memory of a kernel, from `rsp` up.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) bytes: usize,
}

/// The most stack memory: a thread's stack has room for more, and a kernel that spills so much is for another backend.
const MAX_FRAME: usize = 1 << 15;

impl Frame {
    /// Room for so many bytes, a power of two, and aligned to them: its distance from `rsp`.
    pub(super) fn take(&mut self, bytes: usize) -> usize {
        let at = self.bytes.next_multiple_of(bytes);
        self.bytes = at + bytes;
        at
    }

    /// An error if it is too large.
    pub(super) fn check(&self) -> Result<(), JitError> {
        match self.bytes > MAX_FRAME {
            true => Err(JitErrorKind::CodeTooLarge {
                insts: self.bytes,
                limit: MAX_FRAME,
            }
            .into()),
            false => Ok(()),
        }
    }
}

/// Where a value lies that is the same all through a loop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Home {
    /// A constant of the function.
    Constant(usize),
    /// Stack memory.
    Frame(usize),
}

/// What is the same all through a loop.
#[derive(Debug)]
pub(super) struct Same {
    pub(super) home: Home,
    /// The vector register that it also lies in.
    pub(super) held: Option<u32>,
}

/// Where one of the loop's places starts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    Register(Register),
    /// In stack memory.
    Frame(usize),
}

/// What instructions refer to.
pub(super) struct Homes<'a> {
    pub(super) same: &'a [Same],
    pub(super) places: &'a [Start],
    /// Counts elements.
    pub(super) index: Register,
    /// Free to be overwritten.
    pub(super) temporary: Register,
    /// Mask registers that are free for values, as bits.
    pub(super) masks: u32,
    pub(super) avx512: bool,
}

/// Mask registers that values may take: the first stands for "no mask" in encodings, and the second masks tails.
pub(super) const MASKS: u32 = 0b1111_1100;

/// Never used again.
const NEVER: u32 = u32::MAX;

/// Where a value is.
#[derive(Clone, Copy, Debug, Default)]
struct Whereabouts {
    register: Option<u32>,
    spilled: Option<usize>,
}

/// One kind of registers.
struct Bank {
    /// Those there are, as bits.
    all: u32,
    free: u32,
    /// What the instruction at hand reads.
    locked: u32,
    holds: [Option<Virt>; 32],
}

impl Bank {
    fn new(all: u32) -> Bank {
        Bank {
            all,
            free: all,
            locked: 0,
            holds: [None; 32],
        }
    }
}

struct Assign<'a> {
    asm: &'a mut Asm,
    frame: &'a mut Frame,
    homes: &'a Homes<'a>,
    vectors: Bank,
    masks: Bank,
    at: Vec<Whereabouts>,
    next: Vec<u32>,
    /// Registers that hold a value for one instruction only.
    passing: [u32; 2],
}

/// Emits `insts`, which use virtual registers below `virts`, with the vector registers in `vectors`.
pub(super) fn assign(
    insts: &[Inst],
    virts: usize,
    vectors: u32,
    homes: &Homes<'_>,
    asm: &mut Asm,
    frame: &mut Frame,
) -> Result<(), JitError> {
    // For each operand, the use after this one.
    let mut next = vec![NEVER; virts];
    let mut later = vec![[NEVER; 4]; insts.len()];
    for (i, inst) in insts.iter().enumerate().rev() {
        for (slot, arg) in later[i].iter_mut().zip(inst.read()) {
            if let Some(Virt(v)) = arg.virt() {
                *slot = next[v as usize];
            }
        }
        for arg in inst.read() {
            if let Some(Virt(v)) = arg.virt() {
                next[v as usize] = i as u32;
            }
        }
    }
    let mut assign = Assign {
        asm,
        frame,
        homes,
        vectors: Bank::new(vectors),
        masks: Bank::new(homes.masks),
        at: vec![Whereabouts::default(); virts],
        next,
        passing: [0; 2],
    };
    for (inst, later) in insts.iter().zip(&later) {
        assign.inst(inst, later);
        assign.frame.check()?;
    }
    Ok(())
}

/// How many vector registers `insts` need at once, if none is to be spilled, those for operands that pass included.
pub(super) fn pressure(insts: &[Inst], virts: usize) -> usize {
    let mut live = vec![false; virts];
    let (mut now, mut most) = (0usize, 0);
    for inst in insts.iter().rev() {
        if let Arg::Vector(Virt(v), _) = inst.to
            && std::mem::take(&mut live[v as usize])
        {
            now -= 1;
        }
        let mut passing = 0;
        for (i, arg) in inst.read().enumerate() {
            match arg {
                Arg::Vector(Virt(v), _) if !live[v as usize] => {
                    live[v as usize] = true;
                    now += 1;
                }
                Arg::Same(..) if i + 1 < inst.sources() || inst.reads == 0 => passing += 1,
                _ => {}
            }
        }
        most = most.max(now + passing);
    }
    most + 1
}

/// The instruction of a row on registers of a width.
pub(super) fn of_row(row: &Row, width: Width, avx512: bool) -> Code {
    row[if avx512 { 0 } else { 3 } + width as usize]
}

impl Assign<'_> {
    fn inst(&mut self, inst: &Inst, later: &[u32; 4]) {
        self.vectors.locked = 0;
        self.masks.locked = 0;
        let mut made = Instruction::default();
        made.set_code(inst.code);
        let first = usize::from(inst.to != Arg::None);
        let sources = inst.sources();
        // Values that are in registers must stay there while others are brought.
        for arg in inst.read() {
            if let Some(Virt(v)) = arg.virt()
                && let Some(register) = self.at[v as usize].register
            {
                self.bank(arg).locked |= 1 << register;
            }
        }
        let mut constant = None;
        for (i, &arg) in inst.from[..sources].iter().enumerate() {
            let may_be_memory = i + 1 == sources && inst.reads > 0;
            let operand = (first + i) as u32;
            match self.source(arg, may_be_memory) {
                Source::Register(register) => made.set_op_register(operand, register),
                Source::Memory(memory) => self.memory(&mut made, operand, memory),
                Source::Constant(i) => {
                    made.set_op_kind(operand, OpKind::Memory);
                    constant = Some(i);
                }
            }
        }
        if inst.mask != Arg::None {
            let Source::Register(mask) = self.source(inst.mask, false) else {
                unreachable!("a mask is in a register");
            };
            made.set_op_mask(mask);
            made.set_zeroing_masking(inst.zeroing);
        }
        for (arg, &later) in inst.read().zip(later) {
            if let Some(Virt(v)) = arg.virt() {
                self.next[v as usize] = later;
                self.free_if_done(arg);
            }
        }
        for (bank, passing) in [(&mut self.vectors, 0), (&mut self.masks, 1)] {
            bank.free |= std::mem::take(&mut self.passing[passing]);
        }
        match inst.to {
            Arg::None => {}
            Arg::Memory(memory) => self.memory(&mut made, 0, memory),
            Arg::Vector(_, width) => {
                let register = self.take(inst.to);
                self.hold(inst.to, register);
                made.set_op_register(0, width.register(register));
                self.free_if_done(inst.to);
            }
            Arg::Mask(_) => {
                let register = self.take(inst.to);
                self.hold(inst.to, register);
                made.set_op_register(0, Register::K0 + register);
                self.free_if_done(inst.to);
            }
            Arg::Held(i, width) => made.set_op_register(0, width.register(i)),
            Arg::Register(register) => made.set_op_register(0, register),
            Arg::Same(..) | Arg::SameMask(_) => unreachable!("what stays the same is not written"),
        }
        if let Some(immediate) = inst.immediate {
            made.set_op_kind((first + sources) as u32, OpKind::Immediate8);
            made.set_immediate8(immediate);
        }
        match constant {
            Some(i) => self.asm.emit_on_constant(&mut made, i),
            None => self.asm.emit(&made),
        }
    }

    fn bank(&mut self, arg: Arg) -> &mut Bank {
        match arg {
            Arg::Mask(_) | Arg::SameMask(_) => &mut self.masks,
            _ => &mut self.vectors,
        }
    }

    fn hold(&mut self, arg: Arg, register: u32) {
        let virt = arg.virt().expect("only virtual registers are held");
        self.bank(arg).holds[register as usize] = Some(virt);
        self.at[virt.0 as usize].register = Some(register);
    }

    /// Frees the register of a value that is not used again.
    fn free_if_done(&mut self, arg: Arg) {
        if let Some(Virt(v)) = arg.virt()
            && self.next[v as usize] == NEVER
            && let Some(register) = self.at[v as usize].register.take()
        {
            let bank = self.bank(arg);
            bank.holds[register as usize] = None;
            bank.free |= 1 << register;
        }
    }

    /// Where an operand is read from; brought to a register if it must be.
    fn source(&mut self, arg: Arg, may_be_memory: bool) -> Source {
        match arg {
            Arg::Register(register) => Source::Register(register),
            Arg::Held(i, width) => Source::Register(width.register(i)),
            Arg::Memory(memory) => Source::Memory(memory),
            Arg::Vector(Virt(v), width) => {
                let whereabouts = self.at[v as usize];
                if let Some(register) = whereabouts.register {
                    return Source::Register(width.register(register));
                }
                let at = whereabouts
                    .spilled
                    .expect("a value is written before it is read");
                if may_be_memory {
                    return Source::Memory(stack(at));
                }
                let register = self.take(arg);
                self.hold(arg, register);
                let register = width.register(register);
                self.load(width, register, Home::Frame(at));
                Source::Register(register)
            }
            Arg::Same(i, width) => {
                let same = &self.homes.same[i as usize];
                if let Some(register) = same.held {
                    return Source::Register(width.register(register));
                }
                let home = same.home;
                match home {
                    Home::Constant(i) if may_be_memory => return Source::Constant(i),
                    Home::Frame(at) if may_be_memory => return Source::Memory(stack(at)),
                    _ => {}
                }
                let register = self.take(arg);
                self.passing[0] |= 1 << register;
                let register = width.register(register);
                self.load(width, register, home);
                Source::Register(register)
            }
            Arg::Mask(Virt(v)) => {
                let whereabouts = self.at[v as usize];
                let register = whereabouts.register.unwrap_or_else(|| {
                    let at = whereabouts
                        .spilled
                        .expect("a mask is written before it is read");
                    let register = self.take(arg);
                    self.hold(arg, register);
                    self.load_mask(register, at);
                    register
                });
                Source::Register(Register::K0 + register)
            }
            Arg::SameMask(i) => {
                let Home::Frame(at) = self.homes.same[i as usize].home else {
                    unreachable!("masks lie in stack memory");
                };
                let register = self.take(arg);
                self.passing[1] |= 1 << register;
                self.load_mask(register, at);
                Source::Register(Register::K0 + register)
            }
            Arg::None => unreachable!("operands are counted"),
        }
    }

    /// A register for `arg`, spilling another value if there is none. It is locked.
    fn take(&mut self, arg: Arg) -> u32 {
        let bank = self.bank(arg);
        if bank.free == 0 {
            self.spill(arg);
        }
        let bank = self.bank(arg);
        let register = bank.free.trailing_zeros();
        bank.free &= !(1 << register);
        bank.locked |= 1 << register;
        register
    }

    /// Frees the register of that value whose next use is farthest.
    fn spill(&mut self, arg: Arg) {
        let bank = match arg {
            Arg::Mask(_) | Arg::SameMask(_) => &self.masks,
            _ => &self.vectors,
        };
        let candidates = (0..32u32).filter(|r| (bank.all & !bank.locked) >> r & 1 == 1);
        let farthest = candidates
            .filter_map(|r| bank.holds[r as usize].map(|v| (self.next[v.0 as usize], r, v)))
            .max();
        let (_, register, Virt(v)) =
            farthest.expect("an instruction needs fewer registers than there are");
        let is_mask = matches!(arg, Arg::Mask(_) | Arg::SameMask(_));
        if self.at[v as usize].spilled.is_none() {
            let at = self.frame.take(if is_mask { 8 } else { 64 });
            self.at[v as usize].spilled = Some(at);
            if is_mask {
                let from = Register::K0 + register;
                self.asm
                    .mr(Code::VEX_Kmovq_m64_kr, Register::RSP, at as i64, from);
            } else {
                let width = if self.homes.avx512 {
                    Width::Z
                } else {
                    Width::Y
                };
                let code = of_row(&Store, width, self.homes.avx512);
                self.asm
                    .mr(code, Register::RSP, at as i64, width.register(register));
            }
        }
        self.at[v as usize].register = None;
        let bank = self.bank(arg);
        bank.holds[register as usize] = None;
        bank.free |= 1 << register;
    }

    fn load(&mut self, width: Width, register: Register, home: Home) {
        load_same(self.asm, width, register, home, self.homes.avx512);
    }

    fn load_mask(&mut self, register: u32, at: usize) {
        let to = Register::K0 + register;
        self.asm
            .rm(Code::VEX_Kmovq_kr_km64, to, Register::RSP, at as i64);
    }

    /// Makes operand `i` the memory.
    fn memory(&mut self, made: &mut Instruction, i: u32, memory: Memory) {
        let base = match memory.base {
            Base::Register(register) => register,
            Base::Place(place) => match self.homes.places[place as usize] {
                Start::Register(register) => register,
                Start::Frame(at) => {
                    self.asm.load(self.homes.temporary, Register::RSP, at);
                    self.homes.temporary
                }
            },
        };
        made.set_op_kind(i, OpKind::Memory);
        made.set_memory_base(base);
        if memory.scale > 0 {
            made.set_memory_index(self.homes.index);
            made.set_memory_index_scale(u32::from(memory.scale));
        }
        made.set_memory_displacement64(i64::from(memory.at) as u64);
        made.set_memory_displ_size(u32::from(memory.at != 0));
    }
}

enum Source {
    Register(Register),
    Memory(Memory),
    Constant(usize),
}

fn stack(at: usize) -> Memory {
    Memory {
        base: Base::Register(Register::RSP),
        scale: 0,
        at: i32::try_from(at).expect("a frame is small"),
    }
}

/// Loads what is the same all through a loop to a register.
pub(super) fn load_same(asm: &mut Asm, width: Width, to: Register, home: Home, avx512: bool) {
    let code = of_row(&Load, width, avx512);
    match home {
        Home::Frame(at) => asm.rm(code, to, Register::RSP, at as i64),
        Home::Constant(i) => {
            let mut made = Instruction::default();
            made.set_code(code);
            made.set_op0_register(to);
            made.set_op_kind(1, OpKind::Memory);
            asm.emit_on_constant(&mut made, i);
        }
    }
}
