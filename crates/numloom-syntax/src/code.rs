//! The error codes of every layer: one table of slugs and explanations.
//!
//! A code is what a tool matches on and a person looks up, so slugs never change their meaning. To add
//! one, add a row.

use std::fmt;
use std::str::FromStr;

macro_rules! codes {
    ($($variant:ident $slug:literal $text:literal)+) => {
        /// What went wrong, as a stable slug; the same for one mistake wherever it is met.
        ///
        /// `Display` prints the slug, and the slug parses back.
        ///
        /// ```
        /// use numloom_syntax::Code;
        /// let code: Code = "unknown-name".parse()?;
        /// assert_eq!(code, Code::UnknownName);
        /// assert!(code.explain().contains("input"));
        /// # Ok::<(), numloom_syntax::UnknownCode>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $text] $variant,)+
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name, in lower case with hyphens.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)+ }
            }

            /// One paragraph: what it means and what to do.
            pub const fn explain(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

codes! {
    // Text that does not parse.
    EmptySource "empty-source" "The source holds no expression, only blanks or comments. Write at least one, such as `2*a + 3*b`."
    UnexpectedCharacter "unexpected-character" "A character has no meaning in an expression. Often it is a typographic twin of an operator or a quote, pasted from a document; the help names the plain one."
    InvalidNumber "invalid-number" "A number is not written as Python writes it: a leading zero, an underscore at the wrong place, digits that the base lacks, or letters that run on from the digits."
    IntegerTooLarge "integer-too-large" "An integer literal needs more than 128 bits, which no dtype holds. Write it as a float, such as `1e40`."
    UnterminatedString "unterminated-string" "A quoted text has no closing quote on its line."
    InvalidEscape "invalid-escape" "A backslash sequence in a quoted text has no meaning, or names no character. Write `\\\\` for a backslash itself."
    NonAsciiBytes "non-ascii-bytes" "A bytes literal holds a character beyond ASCII. Write its bytes as `\\xNN`."
    ForeignOperator "foreign-operator" "An operator of another language stands where Python has one of another spelling, such as `&&` for `and`; the help gives Python's."
    UnclosedBracket "unclosed-bracket" "A bracket is opened and never closed."
    UnmatchedBracket "unmatched-bracket" "A closing bracket has no opening one."
    MismatchedBracket "mismatched-bracket" "A bracket is closed by one of another kind, as in `(a]`."
    ExpectedExpression "expected-expression" "An operand is missing: an operator, a comma or the end stands where a value should."
    ExpectedOperator "expected-operator" "Two values stand side by side with no operator between them. A product is written with `*`."
    MisplacedAssignment "misplaced-assignment" "`=` gives a name to the value of a whole statement, or stands between a keyword and its argument; it is nothing inside an expression. Equality is `==`."
    IncompleteConditional "incomplete-conditional" "A conditional is written `x if condition else y`, with all three parts."
    ReservedWord "reserved-word" "A word that belongs to the language, or to Python, cannot be a name."
    UnsupportedSyntax "unsupported-syntax" "Python has this form and the language here does not: lists, dictionaries, `lambda`, comprehensions, `@`, f-strings, unpacking. The help gives a way to say it where there is one."
    UnknownAttribute "unknown-attribute" "The only attributes are `.real` and `.imag`. What NumPy offers as a method is a function here: `sum(a)`, not `a.sum()`."
    NotCallable "not-callable" "Only a function's name can be called, and a call's result is a value, never a function."
    NonConstantIndex "non-constant-index" "Subscripts are constants: integers, slices of integers, `None` and `...`. To choose elements by a condition, use `where(condition, x, y)`."
    InvalidSubscript "invalid-subscript" "A subscript is empty, has a slice step of zero, holds `...` twice, or a number that 64 bits cannot hold."
    RepeatedKeyword "repeated-keyword" "A call gives one argument twice: by a keyword and again, or by its place too."
    PositionalAfterKeyword "positional-after-keyword" "A positional argument stands after a keyword argument. Positional arguments come first."

    // Text that parses and means nothing.
    UnknownName "unknown-name" "A name is neither an input, nor a temporary defined before, nor a constant."
    UnknownFunction "unknown-function" "No function has this name. `numloom explain --functions` lists them all."
    WrongArity "wrong-arity" "A function is called with too few or too many arguments."
    UnknownKeyword "unknown-keyword" "A function has no keyword argument of this name."
    TypeMismatch "type-mismatch" "An operator or a function does not accept operands of this dtype."
    NotSupportedYet "not-supported-yet" "The expression is part of the language, and this version does not compute it yet."
    LiteralOutOfRange "literal-out-of-range" "A literal does not fit the dtype that the operation gives it. Literals take the dtype of the array beside them: cast the array, or write the literal within range."
    NegativeIntegerPower "negative-integer-power" "An integer is raised to a negative power, which has no integer value. Make the base or the exponent a float."
    DuplicateName "duplicate-name" "Two outputs or temporaries have one name, or one of them has the name of an input."
    MaxNeedsMaximum "max-needs-maximum" "`max` and `min` reduce one array to its largest or smallest element. The larger of two arrays, element by element, is `maximum(a, b)`; the smaller is `minimum(a, b)`."
    BadArgument "bad-argument" "An argument that says how to compute, such as an axis or a dtype, is not a constant of its kind."
    SubscriptedExpression "subscripted-expression" "Only inputs can be subscripted, since a subscript is a view and never a copy. Subscript the inputs of the expression instead."
    AxisOutOfRange "axis-out-of-range" "A reduction or a subscript names an axis that the array does not have. Axes count from 0, or from -1 backwards."
    NoOutput "no-output" "A program has temporaries and nothing to compute from them. End it with an expression, or name an output without `let`."
    UnusedOutput "unused-output" "An array was given for an output that the program does not have."

    // Limits.
    LimitExceeded "limit-exceeded" "A named limit was reached. The message gives the limit, its value and the setting that raises it; limits exist so that a text from a stranger costs a bounded amount."
    Cancelled "cancelled" "The run was cancelled between two blocks. Its outputs hold no complete result."
    DeadlineExceeded "deadline-exceeded" "The run reached its deadline between two blocks. Its outputs hold no complete result."
    OutOfMemory "out-of-memory" "Memory for an output or for scratch could not be had. Nothing was computed; smaller inputs, or an output on disk, still work."

    // Arrays that do not fit their program.
    MissingInput "missing-input" "The program reads an input that was not given."
    UnexpectedInput "unexpected-input" "An input was given that the program does not read."
    DtypeMismatch "dtype-mismatch" "An array has another dtype than the program was compiled for."
    ShapeMismatch "shape-mismatch" "Shapes do not broadcast: counted from the last, two axes must be equal or one of them 1."
    OutputShape "output-shape" "An output array has another shape than the result."
    OutputDtype "output-dtype" "An output array has a dtype that the result cannot be stored in under the casting rule in force."
    ReadOnlyOutput "read-only-output" "An output array or file is open for reading only."
    UnexpectedNulls "unexpected-nulls" "Nulls where nothing provides for them: an input that has some for a kernel compiled without, or a result that has some and was asked for as what cannot say so."
    CastFailed "cast-failed" "A checked cast met a value that the target dtype does not hold. The message gives the first such element."
    EmptyReduction "empty-reduction" "The smallest or largest element of an empty array was asked for; there is none."
    BadThreadCount "bad-thread-count" "A thread count is not a whole number from 1 up to the limit."
    BadInstructionSet "bad-instruction-set" "An option or `NUMLOOM_ISA` names an instruction set that this machine does not have. `numloom info` lists those it has."
    BadCastMode "bad-cast-mode" "A cast names a mode that does not exist. The modes are `wrap`, `saturate` and `checked`."
    EngineUnavailable "engine-unavailable" "The engine asked for by name cannot run on this machine, or cannot run this program."

    // Files.
    FileNotFound "file-not-found" "No file has this name."
    FileTruncated "file-truncated" "A file is shorter than its header or its stated shape says, or shrank while it was read."
    BadNpyHeader "bad-npy-header" "A file does not begin with a sound `.npy` header."
    UnsupportedNpyDtype "unsupported-npy-dtype" "A `.npy` file holds a dtype that has no place here, such as Python objects or records."
    BadRecord "bad-record" "A record of a text is malformed: a field that is no value of its column, too many or too few fields, a quote that is not closed. The message gives line and column."
    FileIo "file-io" "The system refused to open, read, write or grow a file. The message gives its reason."
    JournalMismatch "journal-mismatch" "A run that did not come to its end left a journal beside the output, and this run is another one: its expression, an input or the place of an output differs, or an input has changed since. Run what was run before to go on with it, or discard the journal with `fresh`."
    NotResumable "not-resumable" "A file is written in place in a way that cannot be gone on with after a stop, or was when a run without undo was stopped."
    NotStreamable "not-streamable" "An expression over rows that come a chunk at a time asks for more: a subscript of a column, a reduction that leaves an array, or a second look at a source that can be read once."
    BadFileSpec "bad-file-spec" "A file argument is not written `name=path` or `name=path:dtype[shape]`."
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.slug())
    }
}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(slug: &str) -> Result<Self, UnknownCode> {
        let known = Self::ALL.iter().copied().find(|code| code.slug() == slug);
        known.ok_or(UnknownCode)
    }
}

/// No [`Code`] has that slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCode;

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no error code has that name")
    }
}

impl std::error::Error for UnknownCode {}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn slugs_are_kebab_case_distinct_and_parse_back() {
        for (i, code) in Code::ALL.iter().enumerate() {
            let slug = code.slug();
            assert!(
                slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{slug}"
            );
            assert_eq!(slug.parse(), Ok(*code));
            assert_eq!(Code::ALL.iter().position(|c| c.slug() == slug), Some(i));
        }
    }

    #[test]
    fn explanations_are_sentences() {
        for code in Code::ALL {
            assert!(code.explain().ends_with('.'), "{code}");
        }
    }
}
