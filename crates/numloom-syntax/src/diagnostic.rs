//! A diagnostic as plain data: no colour, no source text, no output.
//!
//! Every layer makes its own from its typed errors; [`render`](crate::render()) draws them.

use std::fmt;

use crate::{Code, Span};

/// What is wrong, where, and what to do about it.
///
/// `Display` prints one line without a place; [`render()`](crate::render()) draws the source.
///
/// ```
/// use numloom_syntax::{Code, Diagnostic, Span};
/// let diagnostic = Diagnostic::error(Code::UnknownName, "no input named `velo`")
///     .with_primary(Span::new(4, 8), "not an input")
///     .with_note("inputs are `t`, `velocity`")
///     .with_help("did you mean `velocity`?");
/// assert_eq!(diagnostic.to_string(), "error[unknown-name]: no input named `velo`");
/// assert_eq!(diagnostic.span(), Some(Span::new(4, 8)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Stable slug.
    pub code: Code,
    /// Whether it stops the work.
    pub severity: Severity,
    /// One terse description, lower case, without a full stop.
    pub message: String,
    /// Places in the source; the first primary one is *the* place.
    pub labels: Vec<Label>,
    /// Facts that help to understand.
    pub notes: Vec<String>,
    /// The repair, where one is obvious.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without places yet.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    /// A warning without places yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message)
    }

    /// A diagnostic without places yet.
    pub fn new(code: Code, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// Adds the place the diagnostic is about; an empty `message` draws carets alone.
    #[must_use]
    pub fn with_primary(self, span: Span, message: impl Into<String>) -> Self {
        self.with_label(Label::primary(span, message))
    }

    /// Adds a place that explains the primary one.
    #[must_use]
    pub fn with_secondary(self, span: Span, message: impl Into<String>) -> Self {
        self.with_label(Label::secondary(span, message))
    }

    /// Adds a label.
    #[must_use]
    pub fn with_label(mut self, label: Label) -> Self {
        self.labels.push(label);
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets the help.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The first primary label's place, or the first label's.
    pub fn span(&self) -> Option<Span> {
        let primary = self.labels.iter().find(|label| label.primary);
        primary.or(self.labels.first()).map(|label| label.span)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity, self.code, self.message)
    }
}

/// A place in the source, and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// As tight as can be; empty for what is missing there.
    pub span: Span,
    /// As short as can be, or nothing.
    pub message: Option<String>,
    /// Drawn with `^`; others with `-`.
    pub primary: bool,
}

impl Label {
    /// The place itself; an empty `message` means none.
    pub fn primary(span: Span, message: impl Into<String>) -> Self {
        Self::new(span, message.into(), true)
    }

    /// A place that explains; an empty `message` means none.
    pub fn secondary(span: Span, message: impl Into<String>) -> Self {
        Self::new(span, message.into(), false)
    }

    fn new(span: Span, message: String, primary: bool) -> Self {
        let message = Some(message).filter(|text| !text.is_empty());
        Self {
            span,
            message,
            primary,
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The work goes on.
    Warning,
    /// The work stops.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}
