//! Sources that are well-typed by construction, with the schema they are written for.
//!
//! Each rule of the generator knows a little of promotion (a bitwise operator needs integers, `i64` and `u64` have no common
//! one, a literal has to fit) and nothing of what `lower` makes of it.

use numloom_data::DType;
use numloom_ir::Schema;

use crate::choices::Choices;

/// A text and the inputs it mentions.
#[derive(Clone, Debug)]
pub struct Source {
    /// The text.
    pub text: String,
    /// Its inputs, every real dtype and some byte strings among them.
    pub schema: Schema,
}

/// The kind of value that a rule asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    /// `i8` to `i32`, `u8`, `u16`: any two have a common integer dtype that holds both.
    Int,
    Float,
    /// Any of these.
    Any,
}

const FLOAT_FUNCTIONS: [&str; 24] = [
    "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan",
    "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "rint", "fabs",
    "arcsin",
];
const INT_DTYPES: [&str; 8] = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"];
const REDUCTIONS: [&str; 5] = ["sum", "prod", "min", "max", "mean"];

/// Inputs that are byte strings.
const STRINGS: [&str; 2] = ["x_S5", "x_S2"];

/// A program of a few statements that `lower` accepts.
pub fn source(choices: &mut Choices<'_>) -> Source {
    let mut schema = Schema::new();
    for dtype in DType::ALL_REAL {
        let name = format!("x_{dtype}");
        schema = if choices.chance(20) {
            schema.with_scalar(&name, dtype)
        } else {
            schema.with(&name, dtype)
        };
    }
    for name in STRINGS {
        let dtype = name[2..].parse().expect("named after its dtype");
        schema = schema.with(name, dtype);
    }
    let mut writer = Writer {
        temporaries: Vec::new(),
    };
    let mut text = String::new();
    for i in 0..choices.below(3) {
        let kind = *choices.pick(&[Kind::Bool, Kind::Int, Kind::Float]);
        let value = writer.expr(choices, kind, 3);
        text += &format!(
            "let t{i} = {value}{}",
            choices.pick(&["\n", "; ", "  # a temporary\n"])
        );
        writer.temporaries.push((kind, format!("t{i}")));
    }
    for i in 0..choices.below(3) {
        text += &format!("y{i} = {}; ", writer.output(choices));
    }
    text += &writer.output(choices);
    Source { text, schema }
}

struct Writer {
    /// Temporaries written so far, with their kinds.
    temporaries: Vec<(Kind, String)>,
}

impl Writer {
    fn output(&self, choices: &mut Choices<'_>) -> String {
        let value = self.expr(choices, Kind::Any, 4);
        if choices.chance(25) {
            format!("{}({value})", choices.pick(&REDUCTIONS))
        } else {
            value
        }
    }

    /// An expression that has a dtype of its own: no literal alone.
    fn expr(&self, choices: &mut Choices<'_>, kind: Kind, depth: usize) -> String {
        let kind = match kind {
            Kind::Any => *choices.pick(&[Kind::Float, Kind::Int, Kind::Bool]),
            kind => kind,
        };
        if depth == 0 || choices.chance(15) {
            return self.leaf(choices, kind);
        }
        match kind {
            Kind::Bool => self.truth(choices, depth - 1),
            Kind::Int => self.int(choices, depth - 1),
            _ => self.float(choices, depth - 1),
        }
    }

    fn leaf(&self, choices: &mut Choices<'_>, kind: Kind) -> String {
        let temporaries: Vec<&String> = self
            .temporaries
            .iter()
            .filter(|(k, _)| *k == kind)
            .map(|(_, t)| t)
            .collect();
        if !temporaries.is_empty() && choices.chance(50) {
            return (*choices.pick(&temporaries)).clone();
        }
        let names: &[&str] = match kind {
            Kind::Bool => &["x_bool", "True", "False"],
            Kind::Int => &["x_i8", "x_i16", "x_i32", "x_u8", "x_u16"],
            _ => &["x_f64", "x_f32", "x_f16", "x_f64", "x_f32"],
        };
        (*choices.pick(names)).to_owned()
    }

    fn truth(&self, choices: &mut Choices<'_>, depth: usize) -> String {
        let any = |choices: &mut Choices<'_>| self.expr(choices, Kind::Any, depth);
        let truth = |choices: &mut Choices<'_>| self.expr(choices, Kind::Bool, depth);
        let comparison = ["<", "<=", ">", ">=", "==", "!="];
        match choices.below(9) {
            0 | 1 => format!(
                "({} {} {})",
                any(choices),
                choices.pick(&comparison),
                any(choices)
            ),
            2 => {
                let (a, b, c) = (any(choices), any(choices), any(choices));
                format!(
                    "({a} {} {b} {} {c})",
                    choices.pick(&comparison),
                    choices.pick(&comparison)
                )
            }
            // Out of range is exact in a comparison with integers.
            3 => {
                let int = self.expr(choices, Kind::Int, depth);
                let literals = [
                    "300",
                    "-1",
                    "2**40",
                    "0.5",
                    "18446744073709551615",
                    "-0x80",
                    "1_000",
                    "10**30",
                ];
                format!(
                    "({int} {} {})",
                    choices.pick(&comparison),
                    choices.pick(&literals)
                )
            }
            4 => format!("(not {})", any(choices)),
            5 => format!(
                "({} {} {})",
                any(choices),
                choices.pick(&["and", "or"]),
                any(choices)
            ),
            6 => format!(
                "({} {} {})",
                truth(choices),
                choices.pick(&["&", "|", "^"]),
                truth(choices)
            ),
            7 => format!(
                "{}({})",
                choices.pick(&["isnan", "isinf", "isfinite", "signbit"]),
                any(choices)
            ),
            _ => {
                let (x, y) = (self.string(choices), self.string(choices));
                match choices.chance(60) {
                    true => format!("({x} {} {y})", choices.pick(&comparison)),
                    false => format!(
                        "{}({x}, {y})",
                        choices.pick(&["contains", "startswith", "endswith"])
                    ),
                }
            }
        }
    }

    fn string(&self, choices: &mut Choices<'_>) -> String {
        let literals = ["b\"ab\"", "\"a\"", "b\"\"", "b\"a\\0b\\xff\""];
        let strings = STRINGS.iter().chain(&literals).copied();
        (*choices.pick(&strings.collect::<Vec<_>>())).to_owned()
    }

    fn int(&self, choices: &mut Choices<'_>, depth: usize) -> String {
        let int = |choices: &mut Choices<'_>| self.expr(choices, Kind::Int, depth);
        // A cast to 32 bits keeps shifts and bits within the dtypes of the kind.
        match choices.below(9) {
            0 | 1 => {
                let op = choices.pick(&["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>"]);
                format!("({} {op} {})", int(choices), int(choices))
            }
            2 => {
                let op = choices.pick(&["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>"]);
                format!(
                    "({} {op} {})",
                    int(choices),
                    choices.pick(&["1", "0", "7", "0x1f", "0b11", "100"])
                )
            }
            3 => format!(
                "({}**{})",
                int(choices),
                choices.pick(&["0", "1", "2", "3", "7"])
            ),
            4 => format!("{}{}", choices.pick(&["-", "~", "+"]), int(choices)),
            5 => {
                let to = choices.pick(&["i8", "i16", "i32", "u8", "u16"]);
                let mode = choices.pick(&["", ", \"saturate\"", ", mode=\"wrap\""]);
                format!("{to}({}{mode})", self.expr(choices, Kind::Any, depth))
            }
            6 => {
                let condition = self.expr(choices, Kind::Bool, depth);
                match choices.chance(50) {
                    true => format!("where({condition}, {}, {})", int(choices), int(choices)),
                    false => format!("({} if {condition} else {})", int(choices), int(choices)),
                }
            }
            7 => format!(
                "{}({})",
                choices.pick(&["abs", "sign", "floor", "round"]),
                int(choices)
            ),
            _ => {
                let function = choices.pick(&[
                    "minimum",
                    "maximum",
                    "fmod",
                    "add",
                    "subtract",
                    "floor_divide",
                ]);
                format!("{function}({}, {})", int(choices), int(choices))
            }
        }
    }

    fn float(&self, choices: &mut Choices<'_>, depth: usize) -> String {
        let float = |choices: &mut Choices<'_>| self.expr(choices, Kind::Float, depth);
        let any = |choices: &mut Choices<'_>| self.expr(choices, Kind::Any, depth);
        match choices.below(9) {
            0 | 1 => {
                let op = choices.pick(&["+", "-", "*", "/", "//", "%", "**"]);
                format!("({} {op} {})", float(choices), any(choices))
            }
            2 => {
                let literal = choices.pick(&[
                    "1.5", "2", "0", "-0.0", "1e-300", "inf", "nan", "pi", "-1", "0.5",
                ]);
                format!(
                    "({} {} {literal})",
                    float(choices),
                    choices.pick(&["+", "-", "*", "/", "%", "//", "**"])
                )
            }
            3 => format!("{}{}", choices.pick(&["-", "+"]), float(choices)),
            4 | 5 => format!("{}({})", choices.pick(&FLOAT_FUNCTIONS), any(choices)),
            6 => {
                let function = choices.pick(&["atan2", "hypot", "copysign", "arctan2"]);
                format!("{function}({}, {})", any(choices), any(choices))
            }
            7 => {
                let to = choices.pick(&["f32", "f64", "f16"]);
                format!("{to}({}({}))", choices.pick(&INT_DTYPES), any(choices))
            }
            _ => format!(
                "({} if {} else {})",
                float(choices),
                self.expr(choices, Kind::Bool, depth),
                any(choices)
            ),
        }
    }
}
