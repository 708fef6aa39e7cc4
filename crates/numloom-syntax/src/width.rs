//! How characters show on a terminal: which ones, and how wide. An approximation by blocks.

/// The character to draw for one of the source: itself, unless it could command the terminal or turn the
/// direction of the text round it.
pub(crate) fn visible(c: char) -> char {
    match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// How many columns a terminal gives to a character, roughly.
pub(crate) fn columns(c: char) -> usize {
    let in_any = |ranges: &[(u32, u32)]| {
        let code = u32::from(c);
        ranges
            .iter()
            .any(|&(low, high)| (low..=high).contains(&code))
    };
    match c {
        '\t' => 4,
        c if c.is_ascii() => 1,
        _ if in_any(NARROW) => 0,
        _ if in_any(WIDE) => 2,
        _ => 1,
    }
}

/// Combining marks, joiners and variation selectors.
const NARROW: &[(u32, u32)] = &[
    (0x0300, 0x036f),
    (0x1ab0, 0x1aff),
    (0x1dc0, 0x1dff),
    (0x200b, 0x200f),
    (0x20d0, 0x20ff),
    (0xfe00, 0xfe0f),
    (0xfe20, 0xfe2f),
    (0xfeff, 0xfeff),
];

/// East Asian wide and full-width blocks, and emoji.
///
/// # Source
/// The blocks marked W or F in Unicode's EastAsianWidth.txt, joined where they lie close.
const WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115f),
    (0x2e80, 0x303e),
    (0x3041, 0x33ff),
    (0x3400, 0x4dbf),
    (0x4e00, 0x9fff),
    (0xa000, 0xa4cf),
    (0xa960, 0xa97f),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff01, 0xff60),
    (0xffe0, 0xffe6),
    (0x1f300, 0x1f64f),
    (0x1f680, 0x1f6ff),
    (0x1f900, 0x1faff),
    (0x20000, 0x3fffd),
];
