//! Instructions whose vector and mask registers are not yet chosen.
//!
//! What is this: the list that [`select`](super::select) makes of a loop's body and [`assign`](super::assign) gives registers to. It is straight-line: each
//! virtual register is written once.

use iced_x86::{Code, Register};

/// How wide a vector register is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Width {
    X,
    Y,
    Z,
}

impl Width {
    /// The narrowest that holds so many bytes.
    pub(super) fn of(bytes: usize) -> Width {
        match bytes {
            0..=16 => Width::X,
            17..=32 => Width::Y,
            _ => Width::Z,
        }
    }

    pub(super) fn bytes(self) -> usize {
        16 << self as usize
    }

    /// Vector register `i` in this width.
    pub(super) fn register(self, i: u32) -> Register {
        let first = match self {
            Width::X => Register::XMM0,
            Width::Y => Register::YMM0,
            Width::Z => Register::ZMM0,
        };
        first + i
    }
}

/// A virtual register.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Virt(pub(super) u32);

/// Where a memory operand starts to count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Base {
    /// One of the loop's places.
    Place(u32),
    /// A register.
    Register(Register),
}

/// A memory operand: `base + index * scale + at`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Memory {
    pub(super) base: Base,
    /// Bytes of an element if the loop's index counts, else 0.
    pub(super) scale: u8,
    pub(super) at: i32,
}

/// An operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arg {
    None,
    /// A virtual vector register.
    Vector(Virt, Width),
    /// A virtual mask register.
    Mask(Virt),
    /// A vector that is the same all through the loop.
    Same(u32, Width),
    /// A mask that is the same all through the loop.
    SameMask(u32),
    /// A vector register that is spoken for, by its number.
    Held(u32, Width),
    /// Any other register.
    Register(Register),
    Memory(Memory),
}

impl Arg {
    /// The virtual register, of either kind.
    pub(super) fn virt(self) -> Option<Virt> {
        match self {
            Arg::Vector(virt, _) | Arg::Mask(virt) => Some(virt),
            _ => None,
        }
    }

    /// The vector in another width: its low part, or with anything above it.
    pub(super) fn at(self, width: Width) -> Arg {
        match self {
            Arg::Vector(virt, _) => Arg::Vector(virt, width),
            Arg::Same(i, _) => Arg::Same(i, width),
            Arg::Held(i, _) => Arg::Held(i, width),
            other => other,
        }
    }
}

/// The most operands that are read.
pub(super) const SOURCES: usize = 3;

/// An instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inst {
    pub(super) code: Code,
    /// What is written: the first operand.
    pub(super) to: Arg,
    /// What is read: the operands after it.
    pub(super) from: [Arg; SOURCES],
    /// The mask, if there is one.
    pub(super) mask: Arg,
    /// Elements that the mask leaves out are 0, rather than what they were.
    pub(super) zeroing: bool,
    pub(super) immediate: Option<u8>,
    /// Bytes that the last source reads if it is memory; 0 if it cannot be.
    pub(super) reads: usize,
    /// It does nothing but load that many contiguous bytes.
    pub(super) is_load: bool,
}

impl Inst {
    pub(super) fn new(code: Code, to: Arg, from: &[Arg]) -> Inst {
        let mut sources = [Arg::None; SOURCES];
        sources[..from.len()].copy_from_slice(from);
        Inst {
            code,
            to,
            from: sources,
            mask: Arg::None,
            zeroing: false,
            immediate: None,
            reads: 0,
            is_load: false,
        }
    }

    /// How many operands it reads.
    pub(super) fn sources(&self) -> usize {
        self.from
            .iter()
            .take_while(|arg| **arg != Arg::None)
            .count()
    }

    /// What it loads and from where, if it is a plain load.
    pub(super) fn loads(&self) -> Option<(Virt, Memory)> {
        match (self.to, self.from[0]) {
            (Arg::Vector(to, _), Arg::Memory(memory)) if self.is_load => Some((to, memory)),
            _ => None,
        }
    }

    /// What it reads, the mask included.
    pub(super) fn read(&self) -> impl Iterator<Item = Arg> {
        self.from.into_iter().chain([self.mask])
    }
}

/// Makes plain loads the memory operands of the instructions that alone use them, where nothing is stored in between.
pub(super) fn fold_loads(insts: &mut Vec<Inst>, virts: usize) {
    let mut uses = vec![0u32; virts];
    for Virt(v) in insts.iter().flat_map(Inst::read).filter_map(Arg::virt) {
        uses[v as usize] += 1;
    }
    let mut loads: Vec<Option<(usize, Memory, usize)>> = vec![None; virts];
    let mut folded = vec![false; insts.len()];
    let mut last_store = 0;
    for (i, inst) in insts.iter_mut().enumerate() {
        if let Some((Virt(to), memory)) = inst.loads() {
            if uses[to as usize] == 1 {
                loads[to as usize] = Some((i, memory, inst.reads));
            }
            continue;
        }
        if let Some(last) = inst.sources().checked_sub(1)
            && let Arg::Vector(Virt(v), _) = inst.from[last]
            && let Some((at, memory, bytes)) = loads[v as usize]
            && bytes == inst.reads
            && at >= last_store
        {
            inst.from[last] = Arg::Memory(memory);
            folded[at] = true;
        }
        if matches!(inst.to, Arg::Memory(_)) {
            last_store = i;
        }
    }
    let mut folded = folded.into_iter();
    insts.retain(|_| !folded.next().unwrap_or(false));
}
