//! How each mistake reads: the one-line message, the labels, and the help where there is one repair.

use std::fmt;

use crate::error::{AssignmentFault, NumberFault, SubscriptFault, Unsupported};
use crate::width::visible;
use crate::{Diagnostic, SyntaxError, SyntaxErrorKind, SyntaxErrors};

/// A piece of the source in backticks, shortened so that a message stays one line.
struct Code<'a>(&'a str);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_CHARS: usize = 32;
        let mut chars = self.0.chars().map(visible);
        let text: String = chars.by_ref().take(MAX_CHARS).collect();
        let more = if chars.next().is_some() { "…" } else { "" };
        write!(f, "`{text}{more}`")
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use SyntaxErrorKind as Kind;
        match &self.kind {
            Kind::EmptySource => f.write_str("the source holds no expression"),
            Kind::LimitExceeded { limit, max } => limit.describe(*max, f),
            Kind::UnexpectedCharacter { found, .. } => {
                if found.is_whitespace() || visible(*found) != *found {
                    write!(f, "unexpected character U+{:04X}", u32::from(*found))
                } else {
                    write!(f, "unexpected character `{found}`")
                }
            }
            Kind::ForeignOperator { found, .. } => write!(f, "`{found}` is not an operator here"),
            Kind::InvalidNumber { text, fault } => write!(f, "{} {fault}", Code(text)),
            Kind::IntegerTooLarge => f.write_str("the integer needs more than 128 bits"),
            Kind::UnterminatedString { quote } => {
                write!(f, "the text has no closing `{quote}` on its line")
            }
            Kind::InvalidEscape { text } => write!(f, "{} is not an escape sequence", Code(text)),
            Kind::NonAsciiBytes { found } => write!(f, "`{}` is not one byte", visible(*found)),
            Kind::UnclosedBracket { open, before, .. } => match before {
                Some((before, _)) => write!(f, "`{open}` is not closed before `{before}`"),
                None => write!(f, "`{open}` is never closed"),
            },
            Kind::UnmatchedBracket { close } => write!(f, "`{close}` closes nothing"),
            Kind::MismatchedBracket { open, close, .. } => {
                write!(f, "`{close}` cannot close `{open}`")
            }
            Kind::ExpectedExpression { after, found, .. } => {
                f.write_str("expected an expression")?;
                if let Some(after) = after {
                    write!(f, " after {}", Code(after))?;
                }
                match found {
                    Some(found) => write!(f, ", found {}", Code(found)),
                    None => Ok(()),
                }
            }
            Kind::ExpectedOperator { left, right, .. } => {
                let (left, right) = (Code(left), Code(right));
                write!(f, "expected an operator between {left} and {right}")
            }
            Kind::UnexpectedToken { found } => {
                write!(f, "unexpected {} after an expression", Code(found))
            }
            Kind::ExpectedName { after } => write!(f, "expected a name after `{after}`"),
            Kind::IncompleteLet { name } => {
                write!(f, "expected `=` and a value for {}", Code(name))
            }
            Kind::MisplacedAssignment(fault) => f.write_str(match fault {
                AssignmentFault::InExpression => "`=` inside an expression",
                AssignmentFault::Chained => "more than one `=` in a statement",
                AssignmentFault::Target => "only a name can be given a value",
                AssignmentFault::Keyword => "a keyword argument needs a plain name before `=`",
            }),
            Kind::IncompleteConditional { missing } => {
                write!(f, "the conditional has no `{missing}`")
            }
            Kind::ReservedWord { word } => write!(f, "{} is a reserved word", Code(word)),
            Kind::UnsupportedSyntax(form) => write!(f, "{form} not part of the language"),
            Kind::UnknownAttribute { name, .. } => write!(f, "no attribute {}", Code(name)),
            Kind::NotCallable => f.write_str("only a function's name can be called"),
            Kind::NonConstantIndex { .. } => f.write_str("a subscript must be constant"),
            Kind::InvalidSubscript(fault) => f.write_str(match fault {
                SubscriptFault::Empty => "an empty subscript",
                SubscriptFault::ZeroStep => "a slice step of zero",
                SubscriptFault::TwoEllipses => "`...` twice in one subscript",
                SubscriptFault::TooLarge => "a position that 64 bits cannot hold",
                SubscriptFault::TooManyColons => "a slice has at most two `:`",
            }),
            Kind::RepeatedKeyword { name, .. } => {
                write!(f, "keyword argument {} given twice", Code(name))
            }
            Kind::PositionalAfterKeyword { .. } => {
                f.write_str("a positional argument after a keyword argument")
            }
        }
    }
}

impl crate::Limit {
    fn describe(self, max: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SourceBytes => write!(f, "the source is longer than {max} bytes")?,
            Self::Tokens => write!(f, "the source has more than {max} tokens")?,
            Self::Depth => write!(f, "the expression is nested more than {max} deep")?,
            Self::LiteralBytes => write!(f, "a literal is longer than {max} bytes")?,
        }
        write!(f, " (`{self}`)")
    }
}

/// Reads on from the number's text.
impl fmt::Display for NumberFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeadingZero => f.write_str("is an integer with a leading zero"),
            Self::Underscore => f.write_str("has an underscore that is not between two digits"),
            Self::NoDigits => f.write_str("has no digits after its base"),
            Self::NoExponent => f.write_str("has no digits in its exponent"),
            Self::NoSuchDigit { digit, radix } => {
                write!(f, "has the digit {digit} in base {radix}")
            }
            Self::RunsOn { .. } => f.write_str("runs on from a number"),
        }
    }
}

/// Reads on with "not part of the language".
impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List => f.write_str("lists are"),
            Self::Braces => f.write_str("braces are"),
            Self::Lambda => f.write_str("`lambda` is"),
            Self::Comprehension => f.write_str("loops are"),
            Self::Membership => f.write_str("`in` is"),
            Self::MatrixProduct => f.write_str("the matrix product `@` is"),
            Self::Walrus => f.write_str("`:=` is"),
            Self::AugmentedAssignment(op) => write!(f, "`{op}` is"),
            Self::QuestionMark => f.write_str("`?` is"),
            Self::StringPrefix(prefix) => write!(f, "the text prefix {} is", Code(prefix)),
            Self::Unpacking => f.write_str("unpacking arguments is"),
            Self::BareTuple => f.write_str("a tuple without parentheses is"),
            Self::Ellipsis => f.write_str("`...` outside a subscript is"),
            Self::Colon => f.write_str("`:` outside a subscript is"),
        }
    }
}

impl From<&SyntaxError> for Diagnostic {
    fn from(error: &SyntaxError) -> Self {
        let diagnostic = Self::error(error.kind.code(), error.to_string());
        let diagnostic = label(diagnostic, error);
        match help(&error.kind) {
            Some(help) => diagnostic.with_help(help),
            None => diagnostic,
        }
    }
}

fn label(diagnostic: Diagnostic, error: &SyntaxError) -> Diagnostic {
    use SyntaxErrorKind as Kind;
    let span = error.span;
    match &error.kind {
        Kind::EmptySource => diagnostic,
        Kind::UnclosedBracket { before, others, .. } => {
            let diagnostic = diagnostic.with_primary(span, "opened here");
            let diagnostic = match before {
                Some((_, before)) => diagnostic.with_secondary(*before, "still open here"),
                None => diagnostic,
            };
            match others {
                0 => diagnostic,
                1 => diagnostic.with_note("one more bracket round it is open as well"),
                n => diagnostic.with_note(format!("{n} more brackets round it are open as well")),
            }
        }
        Kind::MismatchedBracket { open_span, .. } => diagnostic
            .with_primary(span, "closed here")
            .with_secondary(*open_span, "opened here"),
        Kind::RepeatedKeyword { first, .. } => diagnostic
            .with_primary(span, "again here")
            .with_secondary(*first, "first here"),
        Kind::PositionalAfterKeyword { keyword } => diagnostic
            .with_primary(span, "has no keyword")
            .with_secondary(*keyword, "keyword arguments begin here"),
        Kind::ExpectedOperator { .. } => diagnostic.with_primary(span, "no operator before this"),
        Kind::NotCallable => diagnostic.with_primary(span, "not a function's name"),
        Kind::NonConstantIndex { .. } => diagnostic.with_primary(span, "not a constant"),
        Kind::ReservedWord { .. } => diagnostic.with_primary(span, "not a name"),
        Kind::MisplacedAssignment(AssignmentFault::Target) => {
            diagnostic.with_primary(span, "not a name")
        }
        Kind::LimitExceeded { .. } => diagnostic.with_primary(span, "limit reached here"),
        _ => diagnostic.with_primary(span, ""),
    }
}

/// The repair, only where one is obvious.
fn help(kind: &SyntaxErrorKind) -> Option<String> {
    use SyntaxErrorKind as Kind;
    Some(match kind {
        Kind::EmptySource => "write an expression, such as `2*a + 3*b`".into(),
        Kind::LimitExceeded { limit, .. } => {
            format!("raise `{limit}` if the source can be trusted")
        }
        Kind::UnexpectedCharacter { instead, .. } => match (*instead)? {
            space @ "a plain space" => format!("use {space} instead"),
            plain => format!("write `{plain}`"),
        },
        Kind::ForeignOperator { found, instead } => match *found {
            "&&" => "write `and`, or `&` for the bits of integers".into(),
            "||" => "write `or`, or `|` for the bits of integers".into(),
            _ => format!("write `{instead}`"),
        },
        Kind::InvalidNumber { text, fault } => return number_help(text, *fault),
        Kind::IntegerTooLarge => "write it as a float, such as `1e40`".into(),
        Kind::UnterminatedString { quote } => format!("close it with `{quote}`"),
        Kind::InvalidEscape { .. } => "write `\\\\` for a backslash".into(),
        Kind::NonAsciiBytes { .. } => "write its bytes as `\\xNN`".into(),
        Kind::ExpectedExpression {
            line_ends: true, ..
        } => "to go on over several lines, put the expression in parentheses".into(),
        Kind::ExpectedExpression { after, found, .. } => match found.as_deref() {
            Some("not") if after.is_some() => "put parentheses round `not …`".into(),
            Some("if") => "write `x if condition else y`".into(),
            _ => return None,
        },
        Kind::ExpectedOperator {
            left,
            right,
            multiply: true,
        } => match left.as_str() {
            ")" | "]" => "to multiply, write `*` between them".into(),
            _ if left.len() + right.len() > 32 => "to multiply, write `*` between them".into(),
            _ => format!("to multiply, write `{left} * {right}`"),
        },
        Kind::ExpectedName { after: "let" } => "write `let name = value`".into(),
        Kind::IncompleteLet { .. } => "write `let name = value`".into(),
        Kind::MisplacedAssignment(fault) => match fault {
            AssignmentFault::InExpression => "to compare, write `==`".into(),
            AssignmentFault::Chained => {
                "give each name its own statement, or compare with `==`".into()
            }
            AssignmentFault::Target => {
                "to compare, write `==`; arrays cannot be assigned to".into()
            }
            AssignmentFault::Keyword => "to compare, write `==`".into(),
        },
        Kind::IncompleteConditional { .. } => "write `x if condition else y`".into(),
        Kind::UnsupportedSyntax(form) => return form_help(form),
        Kind::UnknownAttribute {
            name,
            base,
            near,
            called,
        } => match (near, called, base.as_deref()) {
            (_, true, Some("np" | "numpy" | "math" | "ne" | "numexpr")) => {
                format!("functions are called by their bare names: `{name}(…)`")
            }
            (_, false, Some("np" | "numpy" | "math")) => {
                format!("constants go by their bare names: `{name}`")
            }
            (_, true, Some(base)) => format!("methods are functions here: write `{name}({base})`"),
            (_, true, None) => format!("methods are functions here: write `{name}(…)`"),
            (Some(near), ..) => format!("did you mean `.{}`?", near.name()),
            _ => "the attributes are `.real` and `.imag`".into(),
        },
        Kind::NotCallable => "to multiply, write `*` before the parenthesis".into(),
        Kind::NonConstantIndex { condition: true } => {
            "choose elements by a condition with `where(condition, x, y)`".into()
        }
        Kind::NonConstantIndex { condition: false } => {
            "a subscript is an integer, a slice such as `1:-1`, `None` or `...`".into()
        }
        Kind::InvalidSubscript(SubscriptFault::Empty) => "write `[:]` for all elements".into(),
        _ => return None,
    })
}

fn number_help(text: &str, fault: NumberFault) -> Option<String> {
    if text.len() > 32 {
        return None;
    }
    Some(match fault {
        NumberFault::LeadingZero => {
            let digits = text.trim_start_matches(['0', '_']);
            if digits.contains(['8', '9']) {
                format!("write `{digits}`")
            } else {
                format!("write `{digits}`, or `0o{digits}` for base 8")
            }
        }
        NumberFault::RunsOn { number } => {
            let (number, rest) = text.split_at(number);
            if matches!(rest, "if" | "else" | "and" | "or" | "not" | "is" | "in") {
                return Some(format!("put a blank between `{number}` and `{rest}`"));
            }
            format!("to multiply, write `{number} * {rest}`")
        }
        NumberFault::NoExponent => format!("write `{text}0`, or the exponent that was meant"),
        _ => return None,
    })
}

fn form_help(form: &Unsupported) -> Option<String> {
    Some(match form {
        Unsupported::List => "a tuple is written `(0, 1)`".into(),
        Unsupported::Comprehension => "arrays are computed whole, without loops".into(),
        Unsupported::Membership => "compare with each value: `(x == a) | (x == b)`".into(),
        Unsupported::MatrixProduct => "element by element, write `*`".into(),
        Unsupported::Walrus => "name a value in a statement before: `let d = …`".into(),
        Unsupported::AugmentedAssignment(op) => {
            let op = op.trim_end_matches('=');
            format!("write `name = … {op} …`; inputs keep their values")
        }
        Unsupported::QuestionMark => "write `x if condition else y`".into(),
        Unsupported::StringPrefix(_) => "texts are `\"…\"`, bytes `b\"…\"`".into(),
        Unsupported::BareTuple => "separate outputs by `;`".into(),
        _ => return None,
    })
}

/// One line for each mistake, without places.
impl fmt::Display for SyntaxErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            fmt::Display::fmt(error, f)?;
        }
        Ok(())
    }
}
