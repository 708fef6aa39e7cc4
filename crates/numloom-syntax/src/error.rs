//! What can be wrong with a text, with structured payloads. How each mistake reads stands in `report`.

use crate::{Attribute, Code, Diagnostic, Limit, Span};

/// One mistake in a source text. `Display` is one line without a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// Where, as tight as can be; empty for what is missing there.
    pub span: Span,
}

/// What can be wrong with a source text. Texts in it are pieces of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// Nothing but blanks and comments.
    EmptySource,
    /// One of [`Limits`](crate::Limits) was exceeded.
    LimitExceeded {
        /// Which one.
        limit: Limit,
        /// Its value.
        max: usize,
    },
    /// A character that begins no token.
    UnexpectedCharacter {
        /// The character.
        found: char,
        /// What was probably meant, where that is plain.
        instead: Option<&'static str>,
    },
    /// An operator that Python spells otherwise.
    ForeignOperator {
        /// As written.
        found: &'static str,
        /// As Python writes it.
        instead: &'static str,
    },
    /// Almost a number.
    InvalidNumber {
        /// As written.
        text: String,
        /// What keeps it from being one.
        fault: NumberFault,
    },
    /// An integer of more than 128 bits.
    IntegerTooLarge,
    /// No closing quote before the line ends.
    UnterminatedString {
        /// The quote that is missing.
        quote: char,
    },
    /// A backslash sequence without a meaning.
    InvalidEscape {
        /// The sequence, backslash included.
        text: String,
    },
    /// A character in a bytes literal that is more than a byte.
    NonAsciiBytes {
        /// The character.
        found: char,
    },
    /// An opening bracket without its closing one; the span is the bracket's.
    UnclosedBracket {
        /// The bracket.
        open: char,
        /// What ends its search, and where; `None` for the end of the source.
        before: Option<(char, Span)>,
        /// How many more brackets round it are open as well.
        others: usize,
    },
    /// A closing bracket without its opening one.
    UnmatchedBracket {
        /// The bracket.
        close: char,
    },
    /// A bracket closed by one of another kind; the span is the closing one's.
    MismatchedBracket {
        /// The opening bracket.
        open: char,
        /// Its place.
        open_span: Span,
        /// The closing bracket.
        close: char,
    },
    /// An operand is missing.
    ExpectedExpression {
        /// The token before the gap; `None` at the beginning.
        after: Option<String>,
        /// What stands there instead; `None` at the end.
        found: Option<String>,
        /// Whether the statement ends there only because its line does, and the source goes on below.
        line_ends: bool,
    },
    /// Two operands side by side; the span is the second one's.
    ExpectedOperator {
        /// The end of the first operand.
        left: String,
        /// The beginning of the second.
        right: String,
        /// Whether a product of the two would make sense.
        multiply: bool,
    },
    /// A token that cannot stand after a whole operand.
    UnexpectedToken {
        /// The token.
        found: String,
    },
    /// A name is missing after `let` or `.`.
    ExpectedName {
        /// The token before the gap.
        after: &'static str,
    },
    /// `let x` without `= value`.
    IncompleteLet {
        /// The temporary's name.
        name: String,
    },
    /// `=` where it has no meaning.
    MisplacedAssignment(AssignmentFault),
    /// A conditional without all three parts.
    IncompleteConditional {
        /// The word that is missing, `if` or `else`.
        missing: &'static str,
    },
    /// A reserved word as a name.
    ReservedWord {
        /// The word.
        word: String,
    },
    /// Something of Python's, or of another language, that has no place here.
    UnsupportedSyntax(Unsupported),
    /// An attribute that is not in the table.
    UnknownAttribute {
        /// Its name.
        name: String,
        /// The name before the point, if it is one.
        base: Option<String>,
        /// The attribute that was probably meant.
        near: Option<Attribute>,
        /// Whether it is called, as a method would be.
        called: bool,
    },
    /// A value in the place of a function's name; the span is the value's.
    NotCallable,
    /// A subscript that is not made of constants.
    NonConstantIndex {
        /// Whether it compares something, so that elements were to be chosen by a condition.
        condition: bool,
    },
    /// A subscript of constants that makes no sense.
    InvalidSubscript(SubscriptFault),
    /// A keyword argument given twice; the span is the second one's.
    RepeatedKeyword {
        /// The keyword.
        name: String,
        /// The first one's place.
        first: Span,
    },
    /// A positional argument after a keyword argument.
    PositionalAfterKeyword {
        /// The keyword's place.
        keyword: Span,
    },
}

/// What keeps a text from being a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberFault {
    /// `012`: in Python neither decimal nor octal.
    LeadingZero,
    /// `1__0`, `1_`: underscores stand singly between digits.
    Underscore,
    /// `0x`: a base without digits.
    NoDigits,
    /// `1e`: an exponent without digits.
    NoExponent,
    /// `0b102`: a digit that the base lacks.
    NoSuchDigit {
        /// The digit.
        digit: char,
        /// The base.
        radix: u32,
    },
    /// `2a`: a number and something more.
    RunsOn {
        /// Length of the number in bytes.
        number: usize,
    },
}

/// Why an `=` makes no sense where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssignmentFault {
    /// Inside an expression.
    InExpression,
    /// `a = b = c`.
    Chained,
    /// Left of it is more than a name: `a[0] = 1`.
    Target,
    /// Left of it in a call is more than a keyword: `f(a.b=1)`.
    Keyword,
}

/// A form that has no place in the language.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsupported {
    /// `[1, 2]`
    List,
    /// `{1, 2}`, `{a: 1}`
    Braces,
    /// `lambda x: …`
    Lambda,
    /// `… for x in …`
    Comprehension,
    /// `a in b`
    Membership,
    /// `a @ b`
    MatrixProduct,
    /// `d := a - b`
    Walrus,
    /// `a += b`; the operator.
    AugmentedAssignment(String),
    /// `c ? a : b`
    QuestionMark,
    /// `f"…"`; the prefix.
    StringPrefix(String),
    /// `f(*args)`, `f(**options)`
    Unpacking,
    /// `a, b` as a statement.
    BareTuple,
    /// `...` outside a subscript.
    Ellipsis,
    /// `:` outside a subscript.
    Colon,
}

/// Why a subscript makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptFault {
    /// `a[]`, or nothing between two commas.
    Empty,
    /// `a[::0]`
    ZeroStep,
    /// `a[..., ...]`
    TwoEllipses,
    /// A position that 64 bits do not hold.
    TooLarge,
    /// `a[1:2:3:4]`
    TooManyColons,
}

impl SyntaxErrorKind {
    /// The code that a diagnostic of this kind carries.
    pub const fn code(&self) -> Code {
        match self {
            Self::EmptySource => Code::EmptySource,
            Self::LimitExceeded { .. } => Code::LimitExceeded,
            Self::UnexpectedCharacter { .. } => Code::UnexpectedCharacter,
            Self::ForeignOperator { .. } => Code::ForeignOperator,
            Self::InvalidNumber { .. } => Code::InvalidNumber,
            Self::IntegerTooLarge => Code::IntegerTooLarge,
            Self::UnterminatedString { .. } => Code::UnterminatedString,
            Self::InvalidEscape { .. } => Code::InvalidEscape,
            Self::NonAsciiBytes { .. } => Code::NonAsciiBytes,
            Self::UnclosedBracket { .. } => Code::UnclosedBracket,
            Self::UnmatchedBracket { .. } => Code::UnmatchedBracket,
            Self::MismatchedBracket { .. } => Code::MismatchedBracket,
            Self::ExpectedExpression { .. }
            | Self::ExpectedName { .. }
            | Self::IncompleteLet { .. } => Code::ExpectedExpression,
            Self::ExpectedOperator { .. } | Self::UnexpectedToken { .. } => Code::ExpectedOperator,
            Self::MisplacedAssignment(_) => Code::MisplacedAssignment,
            Self::IncompleteConditional { .. } => Code::IncompleteConditional,
            Self::ReservedWord { .. } => Code::ReservedWord,
            Self::UnsupportedSyntax(_) => Code::UnsupportedSyntax,
            Self::UnknownAttribute { .. } => Code::UnknownAttribute,
            Self::NotCallable => Code::NotCallable,
            Self::NonConstantIndex { .. } => Code::NonConstantIndex,
            Self::InvalidSubscript(_) => Code::InvalidSubscript,
            Self::RepeatedKeyword { .. } => Code::RepeatedKeyword,
            Self::PositionalAfterKeyword { .. } => Code::PositionalAfterKeyword,
        }
    }
}

impl std::error::Error for SyntaxError {}

/// Everything found wrong with one source text: at least one mistake, in the order of the text.
///
/// `Display` prints one line for each, without places;
/// [`diagnostics`](Self::diagnostics) and [`render`](crate::render()) draw them.
///
/// ```
/// use numloom_syntax::{Code, parse};
/// let errors = parse("012 + ; x ? y").unwrap_err();
/// let codes: Vec<Code> = errors.iter().map(|error| error.kind.code()).collect();
/// assert_eq!(codes, [Code::InvalidNumber, Code::ExpectedExpression, Code::UnsupportedSyntax]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxErrors(Vec<SyntaxError>);

impl SyntaxErrors {
    /// The mistakes in the order of the text; never none.
    pub fn iter(&self) -> std::slice::Iter<'_, SyntaxError> {
        self.0.iter()
    }

    /// The first mistake.
    pub fn first(&self) -> &SyntaxError {
        &self.0[0]
    }

    /// Each mistake as a diagnostic.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.0.iter().map(Diagnostic::from).collect()
    }
}

impl<'a> IntoIterator for &'a SyntaxErrors {
    type Item = &'a SyntaxError;
    type IntoIter = std::slice::Iter<'a, SyntaxError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for SyntaxErrors {}

/// The mistakes found so far, no more than the cap.
#[derive(Debug)]
pub(crate) struct Findings {
    errors: Vec<SyntaxError>,
    max: usize,
}

impl Findings {
    pub(crate) fn new(max_diagnostics: usize) -> Self {
        let max = max_diagnostics.max(1);
        let errors = Vec::new();
        Self { errors, max }
    }

    pub(crate) fn push(&mut self, kind: SyntaxErrorKind, span: Span) {
        // A limit always shows: it is why the rest was not looked at.
        if self.errors.len() == self.max && matches!(kind, SyntaxErrorKind::LimitExceeded { .. }) {
            self.errors.pop();
        }
        if self.errors.len() < self.max {
            self.errors.push(SyntaxError { kind, span });
        }
    }

    pub(crate) fn limit(&mut self, limit: Limit, max: usize, span: Span) {
        self.push(SyntaxErrorKind::LimitExceeded { limit, max }, span);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Whether the cap is reached, so that looking further is in vain.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() == self.max
    }

    /// Everything found, in the order of the text; an error when that is anything.
    pub(crate) fn into_result(mut self) -> Result<(), SyntaxErrors> {
        if self.errors.is_empty() {
            return Ok(());
        }
        self.errors.sort_by_key(|error| error.span.start);
        Err(SyntaxErrors(self.errors))
    }
}
