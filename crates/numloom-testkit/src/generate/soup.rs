//! Texts that are nearly expressions: tokens of the language, and of others, in any order.

use crate::choices::Choices;

const TOKENS: [&str; 78] = [
    "a",
    "b",
    "c",
    "x",
    "d1",
    "velo",
    "sin",
    "where",
    "sum",
    "maximum",
    "i8",
    "f32",
    "pi",
    "nan",
    "e",
    "0",
    "1",
    "2.5",
    "1e9",
    "0x1f",
    "0b",
    "1_0",
    "007",
    "1e",
    "2j",
    "9999999999999999999999",
    "True",
    "None",
    "\"t\"",
    "'u",
    "b\"x\"",
    "b\"é\"",
    "\"\\q\"",
    "+",
    "-",
    "*",
    "**",
    "/",
    "//",
    "%",
    "~",
    "<<",
    ">>",
    "&",
    "^",
    "|",
    "<",
    "<=",
    ">",
    ">=",
    "==",
    "!=",
    "and",
    "or",
    "not",
    "if",
    "else",
    "let",
    "=",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    "\n",
    ".real",
    ":",
    "...",
    "&&",
    "!",
    "# c\n",
    "π",
    "\u{feff}",
];

/// A few tokens to a few hundred, some with blanks between them.
pub fn soup(choices: &mut Choices<'_>) -> String {
    let mut text = String::new();
    for _ in 0..1 + choices.below(60) {
        let token = choices.pick(&TOKENS);
        // A repeated token nests or chains.
        let times = if choices.chance(5) {
            1 + choices.below(40)
        } else {
            1
        };
        for _ in 0..times {
            text += token;
            text += if choices.chance(60) { " " } else { "" };
        }
    }
    text
}
