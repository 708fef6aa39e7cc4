//! A program from its text.

use std::fmt;
use std::str::FromStr;

use numloom_data::{DType, Scalar};
use numloom_syntax::Span;

use super::print::is_plain;
use crate::op::Op;
use crate::program::{
    Args, Axes, Input, InputSource, Inst, InstKind, Output, Program, Reduce, Reduction, Shape,
    ShapeSource, Value, ViewItem,
};
use crate::verify::{VerifyError, VerifyPlace, verify};

/// A text that is no program, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextError {
    /// What is wrong.
    pub kind: TextErrorKind,
    /// The line, from 1.
    pub line: usize,
}

/// What can be wrong with the text of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TextErrorKind {
    /// A line that is neither an input, an instruction nor an output.
    UnknownLine,
    /// An input after an instruction, or an instruction after an output.
    OutOfOrder,
    /// Something else than the form asks for.
    Expected {
        /// What it asks for.
        what: &'static str,
        /// What stands there; empty at the end of the line.
        found: String,
    },
    /// An instruction whose number is not its place.
    WrongNumber {
        /// The number that comes next.
        next: usize,
    },
    /// A word that is neither an operation nor a reduction.
    UnknownOp {
        /// The word.
        name: String,
    },
    /// A constant that its dtype does not hold, or not spelled as one of it.
    BadScalar {
        /// The constant.
        text: String,
        /// Its dtype.
        dtype: DType,
    },
    /// The text is well formed, but what it says is no program.
    Invalid(VerifyError),
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.kind {
            TextErrorKind::UnknownLine => {
                f.write_str("expected `input`, `%n` or `out` at the start of the line")
            }
            TextErrorKind::OutOfOrder => {
                f.write_str("inputs come first, then instructions, then outputs")
            }
            TextErrorKind::Expected { what, found } if found.is_empty() => {
                write!(f, "expected {what} at the end of the line")
            }
            TextErrorKind::Expected { what, found } => {
                write!(f, "expected {what}, found `{}`", found.escape_debug())
            }
            TextErrorKind::WrongNumber { next } => write!(f, "the next instruction is `%{next}`"),
            TextErrorKind::UnknownOp { name } => {
                write!(f, "no operation is called `{}`", name.escape_debug())
            }
            TextErrorKind::BadScalar { text, dtype } => {
                write!(
                    f,
                    "`{}` is no constant of dtype {dtype}",
                    text.escape_debug()
                )
            }
            TextErrorKind::Invalid(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TextError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            TextErrorKind::Invalid(error) => Some(error),
            _ => None,
        }
    }
}

impl Program {
    /// Reads the text form that `Display` prints; every span of the result is empty.
    ///
    /// The result satisfies [`verify`](crate::verify()). For every program `p` that does, `Program::parse(&p.to_string())` is
    /// [`p.without_spans()`](Program::without_spans), to the last bit of each constant.
    ///
    /// # Errors
    /// [`TextError`], with the line, if the text is malformed or what it says is no program.
    ///
    /// ```
    /// use numloom_ir::{Program, TextErrorKind};
    ///
    /// let text = "\
    /// input \"x 1\": f32
    /// %0 = input 0 : f32
    /// %1 = const -0.0 : f32
    /// %2 = add %0 %1 : f32
    /// out y = %2 shape 0
    /// ";
    /// assert_eq!(Program::parse(text)?.to_string(), text);
    ///
    /// let error = Program::parse("%0 = const 300 : u8").unwrap_err();
    /// assert_eq!(error.to_string(), "line 1: `300` is no constant of dtype u8");
    /// # Ok::<(), numloom_ir::TextError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Program, TextError> {
        let mut prog = Program::default();
        // The lines of instructions and outputs, for what only the whole shows.
        let (mut inst_lines, mut output_lines) = (Vec::new(), Vec::new());
        let mut last = 1;
        for (line, text) in (1..).zip(text.lines()) {
            let at = |kind| TextError { kind, line };
            let mut cursor = Cursor(text.trim());
            if cursor.0.is_empty() || cursor.0.starts_with('#') {
                continue;
            }
            last = line;
            if cursor.0.starts_with('%') {
                if !prog.outputs.is_empty() {
                    return Err(at(TextErrorKind::OutOfOrder));
                }
                let inst = cursor.inst(&prog).map_err(at)?;
                prog.insts.push(inst);
                inst_lines.push(line);
            } else if cursor.word("input") {
                if !prog.insts.is_empty() || !prog.outputs.is_empty() {
                    return Err(at(TextErrorKind::OutOfOrder));
                }
                prog.inputs.push(cursor.input().map_err(at)?);
            } else if cursor.word("out") {
                prog.outputs.push(cursor.output().map_err(at)?);
                output_lines.push(line);
            } else {
                return Err(at(TextErrorKind::UnknownLine));
            }
        }
        verify(&prog).map_err(|error| TextError {
            line: match error.place {
                VerifyPlace::Inst(value) => inst_lines[value.index()],
                VerifyPlace::Output(i) => output_lines[i],
                _ => last,
            },
            kind: TextErrorKind::Invalid(error),
        })?;
        Ok(prog)
    }
}

/// [`Program::parse`].
impl FromStr for Program {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Program, TextError> {
        Program::parse(text)
    }
}

type Parsed<T> = Result<T, TextErrorKind>;

/// What is left of a line, without blanks at its ends.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn expected<T>(&self, what: &'static str) -> Parsed<T> {
        let found = self.0.split_whitespace().next().unwrap_or("").to_owned();
        Err(TextErrorKind::Expected { what, found })
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.0.split_at(bytes);
        self.0 = rest.trim_start();
        taken
    }

    /// Takes the word if it stands here, whole.
    fn word(&mut self, word: &str) -> bool {
        let here = self
            .0
            .strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        if here {
            self.advance(word.len());
        }
        here
    }

    fn punct(&mut self, punct: &'static str, what: &'static str) -> Parsed<()> {
        if !self.0.starts_with(punct) {
            return self.expected(what);
        }
        self.advance(punct.len());
        Ok(())
    }

    fn end(&self) -> Parsed<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            self.expected("the end of the line")
        }
    }

    fn number(&mut self) -> Parsed<u32> {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        match self.0[..digits].parse() {
            Ok(number) => {
                self.advance(digits);
                Ok(number)
            }
            Err(_) => self.expected("a number below 2^32"),
        }
    }

    fn value(&mut self) -> Parsed<Value> {
        self.punct("%", "a value, `%n`")?;
        self.number().map(Value)
    }

    fn name(&mut self) -> Parsed<String> {
        if self.0.starts_with('"') {
            return self.quoted();
        }
        let end = self
            .0
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &self.0[..end.unwrap_or(self.0.len())];
        if !is_plain(name) {
            return self.expected("a name");
        }
        self.advance(name.len());
        Ok(name.to_owned())
    }

    /// A name as `escape_debug` writes it.
    fn quoted(&mut self) -> Parsed<String> {
        let mut name = String::new();
        let mut chars = self.0.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.advance(at + 1);
                    return Ok(name);
                }
                '\\' => match escaped(&mut chars) {
                    Some(c) => name.push(c),
                    None => {
                        self.0 = &self.0[at..];
                        return self.expected("an escape, as in Rust");
                    }
                },
                plain => name.push(plain),
            }
        }
        self.0 = "";
        self.expected("a closing `\"`")
    }

    fn dtype(&mut self) -> Parsed<DType> {
        let end = self
            .0
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(self.0.len());
        match self.0[..end].parse() {
            Ok(dtype) => {
                self.advance(end);
                Ok(dtype)
            }
            Err(_) => self.expected("a dtype"),
        }
    }

    fn integer(&mut self) -> Parsed<i64> {
        let sign = usize::from(self.0.starts_with('-'));
        let digits = self.0[sign..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        match self.0[..sign + digits].parse() {
            Ok(number) => {
                self.advance(sign + digits);
                Ok(number)
            }
            Err(_) => self.expected("an integer"),
        }
    }

    fn input(mut self) -> Parsed<Input> {
        let name = self.name()?;
        self.punct(":", "`:` and the dtype")?;
        let dtype = self.dtype()?;
        let source = if self.0.is_empty() {
            InputSource::Array
        } else {
            self.punct("=", "`=` and where it comes from")?;
            if self.word("view") {
                InputSource::View {
                    input: self.number()?,
                    items: self.items()?.into(),
                    span: Span::default(),
                }
            } else if self.word("real") {
                InputSource::Real(self.number()?)
            } else if self.word("imag") {
                InputSource::Imag(self.number()?)
            } else {
                return self.expected("`view`, `real` or `imag`");
            }
        };
        self.end()?;
        Ok(Input {
            name,
            dtype,
            source,
        })
    }

    /// `[1:, None, ..., 3]`.
    fn items(&mut self) -> Parsed<Vec<ViewItem>> {
        self.punct("[", "`[` and the subscript")?;
        let mut items = Vec::new();
        loop {
            items.push(self.item()?);
            if self.0.starts_with(']') {
                self.advance(1);
                return Ok(items);
            }
            self.punct(",", "`,` or `]`")?;
        }
    }

    fn item(&mut self) -> Parsed<ViewItem> {
        if self.word("None") {
            return Ok(ViewItem::NewAxis);
        }
        if self.0.starts_with("...") {
            self.advance(3);
            return Ok(ViewItem::Ellipsis);
        }
        let start = self.bound()?;
        if !self.0.starts_with(':') {
            return match start {
                Some(at) => Ok(ViewItem::Index(at)),
                None => self.expected("a position or slice"),
            };
        }
        self.advance(1);
        let stop = self.bound()?;
        let step = if self.0.starts_with(':') {
            self.advance(1);
            self.integer()?
        } else {
            1
        };
        Ok(ViewItem::Slice { start, stop, step })
    }

    fn bound(&mut self) -> Parsed<Option<i64>> {
        match self.0.starts_with([':', ',', ']']) {
            true => Ok(None),
            false => self.integer().map(Some),
        }
    }

    fn output(mut self) -> Parsed<Output> {
        let name = if self.0.starts_with('=') {
            None
        } else {
            Some(self.name()?)
        };
        self.punct("=", "`=` and the value")?;
        let value = self.value()?;
        let imag = match self.0.starts_with('%') {
            true => Some(self.value()?),
            false => None,
        };
        let shape = self.shape()?.unwrap_or_default();
        self.end()?;
        Ok(Output {
            name,
            value,
            imag,
            shape,
            span: Span::default(),
        })
    }

    /// `shape 0 1 %3`, to the end of the line.
    fn shape(&mut self) -> Parsed<Option<Shape>> {
        if !self.word("shape") {
            return Ok(None);
        }
        let mut sources = Vec::new();
        while !self.0.is_empty() {
            sources.push(match self.0.starts_with('%') {
                true => ShapeSource::Value(self.value()?),
                false => ShapeSource::Input(self.number()?),
            });
        }
        Ok(Some(Shape::new(sources)))
    }

    fn inst(mut self, prog: &Program) -> Parsed<Inst> {
        let next = prog.insts.len();
        let value = self.value()?;
        if value.index() != next {
            return Err(TextErrorKind::WrongNumber { next });
        }
        self.punct("=", "`=` and the instruction")?;
        // A dtype holds no colon, but a constant may.
        let Some((body, dtype)) = self.0.rsplit_once(':') else {
            self.0 = "";
            return self.expected("`:` and the dtype");
        };
        let mut last = Cursor(dtype.trim());
        let dtype = last.dtype()?;
        last.end()?;
        let kind = Cursor(body.trim_end()).kind(dtype, prog)?;
        Ok(Inst {
            kind,
            dtype,
            span: Span::default(),
        })
    }

    fn kind(mut self, dtype: DType, prog: &Program) -> Parsed<InstKind> {
        let kind = if self.word("input") {
            InstKind::Input(self.number()?)
        } else if self.word("const") {
            let text = self.advance(self.0.len());
            let scalar = Scalar::parse(dtype, text).map_err(|_| TextErrorKind::BadScalar {
                text: text.to_owned(),
                dtype,
            })?;
            InstKind::Const(scalar)
        } else if self.word("count") {
            let axes = self.axes()?;
            let shape = self.shape()?.unwrap_or_else(|| prog.whole_shape());
            InstKind::Count { axes, shape }
        } else {
            self.operation(prog)?
        };
        self.end()?;
        Ok(kind)
    }

    fn axes(&mut self) -> Parsed<Axes> {
        if !self.word("axes") {
            return Ok(Axes::All);
        }
        let mut axes = Vec::new();
        while self.0.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            axes.push(self.integer()?);
        }
        Ok(Axes::These(axes.into()))
    }

    fn operation(&mut self, prog: &Program) -> Parsed<InstKind> {
        let end = self.0.find(char::is_whitespace).unwrap_or(self.0.len());
        let name = self.advance(end);
        if let Some(row) = Op::TABLE.iter().find(|row| row.mnemonic == name) {
            let args = self.args(row.signature.arity())?;
            return Ok(InstKind::Apply { op: row.op, args });
        }
        let Some(&reduction) = Reduction::ALL
            .iter()
            .find(|reduction| reduction.name() == name)
        else {
            return Err(TextErrorKind::UnknownOp {
                name: name.to_owned(),
            });
        };
        Ok(InstKind::Reduce(Reduce {
            reduction,
            args: self.args(reduction.arity())?,
            axes: self.axes()?,
            keepdims: self.word("keep"),
            may_be_empty: self.word("empty"),
            shape: self.shape()?.unwrap_or_else(|| prog.whole_shape()),
        }))
    }

    fn args(&mut self, n: usize) -> Parsed<Args> {
        let args = (0..n).map(|_| self.value()).collect::<Parsed<Vec<_>>>()?;
        Ok(Args::new(&args))
    }
}

/// The character behind a backslash.
fn escaped(chars: &mut impl Iterator<Item = (usize, char)>) -> Option<char> {
    let mut next = || chars.next().map(|(_, c)| c);
    Some(match next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        c @ ('\\' | '"' | '\'') => c,
        'u' => {
            if next()? != '{' {
                return None;
            }
            let mut code = 0u32;
            loop {
                match next()? {
                    '}' => return char::from_u32(code),
                    digit => code = code.checked_mul(16)? + digit.to_digit(16)?,
                }
            }
        }
        _ => return None,
    })
}
