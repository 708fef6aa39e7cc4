//! Bytes of machine code: instructions, labels, constants.
//!
//! What goes in: instructions one after the other. What comes out: the bytes of a function with its constants after it. Every encoding is
//! iced-x86's; what it refuses is an [`Internal`](JitErrorKind::Internal) error, kept until [`Asm::finish`].

use iced_x86::{Code, Encoder, Instruction, MemoryOperand, Register};

use crate::error::{JitError, JitErrorKind};

/// Bytes of a constant in memory: those of the widest register.
pub(super) const CONSTANT: usize = 64;

/// The most bytes of a kernel's code: jumps and constants are reached by 32 bits, and a longer one takes too long to compile.
const MAX_BYTES: usize = 1 << 20;

/// The low half of a general register.
pub(super) fn half(register: Register) -> Register {
    Register::EAX + (register as u32 - Register::RAX as u32)
}

/// A place in the code that is jumped to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label(usize);

/// The 32-bit distances to be filled in when all places are known: where they are, from where they count, and to what.
#[derive(Debug)]
struct Fixup {
    at: usize,
    from: usize,
    to: Target,
}

#[derive(Debug)]
enum Target {
    Label(Label),
    Constant(usize),
}

/// A function that is being assembled.
pub(super) struct Asm {
    encoder: Encoder,
    len: usize,
    labels: Vec<Option<usize>>,
    fixups: Vec<Fixup>,
    constants: Vec<[u8; CONSTANT]>,
    failed: Option<JitError>,
}

impl Asm {
    pub(super) fn new() -> Asm {
        Asm {
            encoder: Encoder::new(64),
            len: 0,
            labels: Vec::new(),
            fixups: Vec::new(),
            constants: Vec::new(),
            failed: None,
        }
    }

    /// Appends an instruction.
    pub(super) fn emit(&mut self, instruction: &Instruction) {
        if self.failed.is_some() {
            return;
        }
        match self.encoder.encode(instruction, self.len as u64) {
            Ok(bytes) => {
                #[cfg(debug_assertions)]
                self.check(instruction, bytes);
                self.len += bytes;
            }
            Err(error) => {
                let text = format!("{:?} has no encoding: {error}", instruction.code());
                self.failed = Some(JitError::internal(text));
            }
        }
        if self.len > MAX_BYTES {
            self.failed = Some(
                JitErrorKind::CodeTooLarge {
                    insts: self.len,
                    limit: MAX_BYTES,
                }
                .into(),
            );
        }
    }

    /// Decodes what was just encoded.
    ///
    /// # Panics
    /// If that is another instruction.
    #[cfg(debug_assertions)]
    fn check(&mut self, meant: &Instruction, bytes: usize) {
        use iced_x86::{Decoder, DecoderOptions};
        let buffer = self.encoder.take_buffer();
        let last = &buffer[buffer.len() - bytes..];
        let decoded = Decoder::with_ip(64, last, self.len as u64, DecoderOptions::NONE).decode();
        // What is not written down: how wide a displacement or an offset of a jump is.
        let text = |instruction: &Instruction| instruction.to_string();
        assert_eq!(decoded.code(), meant.code());
        assert_eq!(text(&decoded), text(meant));
        self.encoder.set_buffer(buffer);
    }

    fn made(&mut self, instruction: Result<Instruction, iced_x86::IcedError>) {
        match instruction {
            Ok(instruction) => self.emit(&instruction),
            Err(error) => {
                let error = JitError::internal(error.to_string());
                self.failed.get_or_insert(error);
            }
        }
    }

    /// An instruction on two registers.
    pub(super) fn rr(&mut self, code: Code, x: Register, y: Register) {
        self.made(Instruction::with2(code, x, y));
    }

    /// An instruction on a register and memory.
    pub(super) fn rm(&mut self, code: Code, x: Register, base: Register, at: i64) {
        self.made(Instruction::with2(
            code,
            x,
            MemoryOperand::with_base_displ(base, at),
        ));
    }

    /// An instruction on memory and a register.
    pub(super) fn mr(&mut self, code: Code, base: Register, at: i64, x: Register) {
        self.made(Instruction::with2(
            code,
            MemoryOperand::with_base_displ(base, at),
            x,
        ));
    }

    /// An instruction on a register and a number.
    pub(super) fn ri(&mut self, code: Code, x: Register, number: i32) {
        self.made(Instruction::with2(code, x, number));
    }

    /// An instruction on two registers and a number.
    pub(super) fn rri(&mut self, code: Code, x: Register, y: Register, number: i32) {
        self.made(Instruction::with3(code, x, y, number));
    }

    /// An instruction on three registers.
    pub(super) fn rrr(&mut self, code: Code, x: Register, y: Register, z: Register) {
        self.made(Instruction::with3(code, x, y, z));
    }

    /// An instruction on one register.
    pub(super) fn r(&mut self, code: Code, x: Register) {
        self.made(Instruction::with1(code, x));
    }

    /// An instruction on memory alone.
    pub(super) fn m(&mut self, code: Code, base: Register, at: i64) {
        self.made(Instruction::with1(
            code,
            MemoryOperand::with_base_displ(base, at),
        ));
    }

    /// An instruction on memory that an index counts.
    pub(super) fn indexed(&mut self, code: Code, base: Register, index: Register) {
        let memory = MemoryOperand::with_base_index(base, index);
        self.made(Instruction::with1(code, memory));
    }

    /// An instruction on memory and a number.
    pub(super) fn mi(&mut self, code: Code, base: Register, at: usize, number: i32) {
        let memory = MemoryOperand::with_base_displ(base, at as i64);
        self.made(Instruction::with2(code, memory, number));
    }

    /// An instruction without operands.
    pub(super) fn plain(&mut self, code: Code) {
        self.emit(&Instruction::with(code));
    }

    /// `to = from`.
    pub(super) fn copy(&mut self, to: Register, from: Register) {
        self.rr(Code::Mov_r64_rm64, to, from);
    }

    /// `to = memory`.
    pub(super) fn load(&mut self, to: Register, base: Register, at: usize) {
        self.rm(Code::Mov_r64_rm64, to, base, at as i64);
    }

    /// `memory = from`.
    pub(super) fn store(&mut self, base: Register, at: usize, from: Register) {
        self.mr(Code::Mov_rm64_r64, base, at as i64, from);
    }

    /// `to += number`.
    pub(super) fn add(&mut self, to: Register, number: usize) {
        let number = i32::try_from(number).expect("offsets lie within 2 GiB");
        if number != 0 {
            self.ri(Code::Add_rm64_imm32, to, number);
        }
    }

    /// `to = 0`.
    pub(super) fn zero(&mut self, to: Register) {
        self.rr(Code::Xor_r32_rm32, half(to), half(to));
    }

    /// A place that is not yet known.
    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The label is here.
    pub(super) fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.len);
    }

    /// A place that is here.
    pub(super) fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// A jump, by an instruction with a 32-bit distance.
    pub(super) fn jump(&mut self, code: Code, to: Label) {
        let next = self.len as u64;
        self.made(Instruction::with_branch(code, next));
        self.fixups.push(Fixup {
            at: self.len.saturating_sub(4),
            from: self.len,
            to: Target::Label(to),
        });
    }

    /// A constant in memory: its number.
    pub(super) fn constant(&mut self, bytes: [u8; CONSTANT]) -> usize {
        let known = self.constants.iter().position(|other| *other == bytes);
        known.unwrap_or_else(|| {
            self.constants.push(bytes);
            self.constants.len() - 1
        })
    }

    /// Appends an instruction whose memory operand, relative to `rip`, is a constant.
    pub(super) fn emit_on_constant(&mut self, instruction: &mut Instruction, constant: usize) {
        instruction.set_memory_base(Register::RIP);
        instruction.set_memory_displacement64(self.len as u64);
        instruction.set_memory_displ_size(8);
        let start = self.len;
        self.emit(instruction);
        let offset = self.encoder.get_constant_offsets().displacement_offset();
        self.fixups.push(Fixup {
            at: start + offset,
            from: self.len,
            to: Target::Constant(constant),
        });
    }

    /// The bytes of the function that begins with `first`, to be placed at a multiple of [`CONSTANT`], and how many of them are code.
    pub(super) fn finish(mut self, mut first: Asm) -> Result<(Vec<u8>, usize), JitError> {
        if let Some(error) = first.failed.or(self.failed) {
            return Err(error);
        }
        assert!(first.fixups.is_empty(), "the beginning refers to nothing");
        let mut bytes = first.encoder.take_buffer();
        let start = bytes.len();
        bytes.append(&mut self.encoder.take_buffer());
        let code = bytes.len();
        let pool = code.next_multiple_of(CONSTANT);
        if !self.constants.is_empty() {
            // What is never run, up to the constants.
            bytes.resize(pool, 0xcc);
            bytes.extend(self.constants.iter().flatten());
        }
        for fixup in self.fixups {
            let to = match fixup.to {
                Target::Label(label) => start + self.labels[label.0].expect("every label is bound"),
                Target::Constant(i) => pool + CONSTANT * i,
            };
            let distance = to as i64 - (start + fixup.from) as i64;
            let distance = i32::try_from(distance).expect("code is shorter than 2 GiB");
            let at = start + fixup.at;
            bytes[at..at + 4].copy_from_slice(&distance.to_le_bytes());
        }
        Ok((bytes, code))
    }
}
