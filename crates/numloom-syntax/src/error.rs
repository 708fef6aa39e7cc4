//! What can be wrong with a text, with structured payloads, and how each mistake reads.

use std::fmt;

use crate::{Code, Diagnostic, Limit, Span};

/// One mistake in a source text. `Display` is one line without a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// Where.
    pub span: Span,
}

/// What can be wrong with a source text.
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
}

impl SyntaxErrorKind {
    /// The code that a diagnostic of this kind carries.
    pub const fn code(&self) -> Code {
        match self {
            Self::EmptySource => Code::EmptySource,
            Self::LimitExceeded { .. } => Code::LimitExceeded,
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SyntaxErrorKind::EmptySource => f.write_str("the source holds no expression"),
            SyntaxErrorKind::LimitExceeded { limit, max } => {
                write!(f, "the source exceeds `{limit}`, which is {max}")
            }
        }
    }
}

impl std::error::Error for SyntaxError {}

impl From<&SyntaxError> for Diagnostic {
    fn from(error: &SyntaxError) -> Self {
        Self::error(error.kind.code(), error.to_string()).with_primary(error.span, "")
    }
}

/// Everything found wrong with one source text: at least one mistake, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxErrors(Vec<SyntaxError>);

impl SyntaxErrors {
    pub(crate) fn new(errors: Vec<SyntaxError>) -> Self {
        Self(errors)
    }

    /// The mistakes in the order of the text.
    pub fn iter(&self) -> std::slice::Iter<'_, SyntaxError> {
        self.0.iter()
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

/// Prints the mistakes one a line, without places.
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

impl std::error::Error for SyntaxErrors {}
