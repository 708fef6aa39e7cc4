//! Machine code as text.

use std::fmt::Write;

use iced_x86::{Decoder, DecoderOptions, FastFormatter, Instruction};

use super::asm::CONSTANT;

/// The instructions in the first `code` of `bytes`, each at its offset, and the constants after them.
pub(super) fn text(bytes: &[u8], code: usize) -> String {
    let mut text = String::new();
    let mut formatter = FastFormatter::new();
    formatter
        .options_mut()
        .set_space_after_operand_separator(true);
    formatter.options_mut().set_use_hex_prefix(true);
    let mut instruction = Instruction::default();
    let mut decoder = Decoder::with_ip(64, &bytes[..code], 0, DecoderOptions::NONE);
    let mut line = String::new();
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        line.clear();
        formatter.format(&instruction, &mut line);
        writeln!(text, "{:6x}  {line}", instruction.ip()).expect("a string takes all");
    }
    let pool = code.next_multiple_of(CONSTANT).min(bytes.len());
    for (i, constant) in bytes[pool..].chunks(CONSTANT).enumerate() {
        let word = u64::from_le_bytes(constant[..8].try_into().expect("a constant is longer"));
        let again = constant.chunks(8).all(|other| other == &constant[..8]);
        let dots = if again { "" } else { " ..." };
        writeln!(
            text,
            "{:6x}  .quad 0x{word:016x}{dots}",
            pool + CONSTANT * i
        )
        .expect("a string takes all");
    }
    text
}
