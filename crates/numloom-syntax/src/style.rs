//! What a drawing is painted with. No colours of its own: the caller says what to write round each part.

use std::fmt;

/// What to put before and after each part of a drawing, such as terminal colours. The default adds
/// nothing, which is plain text.
///
/// ```
/// use numloom_syntax::{Code, Diagnostic, Paint, Span, Style, render};
/// let style = Style::default().with_primary(Paint::new("\x1b[31m", "\x1b[0m"));
/// let diagnostic = Diagnostic::error(Code::UnknownName, "no input named `b`").with_primary(Span::new(2, 3), "");
/// assert!(render(&diagnostic, "a+b", None, &style).contains("\x1b[31m^\x1b[0m"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Style {
    /// `error[code]`.
    pub error: Paint,
    /// `warning[code]`.
    pub warning: Paint,
    /// The message after it.
    pub message: Paint,
    /// Line numbers and the frame.
    pub frame: Paint,
    /// Carets and what they say.
    pub primary: Paint,
    /// Dashes and what they say.
    pub secondary: Paint,
    /// `note:` and `help:`.
    pub remark: Paint,
}

/// The text before and after one part of a drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// Written before, such as an escape sequence that sets a colour.
    pub prefix: String,
    /// Written after, such as the one that resets it.
    pub suffix: String,
}

impl Paint {
    /// A part between `prefix` and `suffix`.
    pub fn new(prefix: impl Into<String>, suffix: impl Into<String>) -> Self {
        let (prefix, suffix) = (prefix.into(), suffix.into());
        Self { prefix, suffix }
    }

    pub(crate) fn on<'a, T: fmt::Display>(&'a self, text: T) -> Painted<'a, T> {
        Painted { paint: self, text }
    }
}

pub(crate) struct Painted<'a, T> {
    paint: &'a Paint,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.paint.prefix)?;
        self.text.fmt(f)?;
        f.write_str(&self.paint.suffix)
    }
}

impl Style {
    /// Sets how carets are painted.
    #[must_use]
    pub fn with_primary(mut self, paint: Paint) -> Self {
        self.primary = paint;
        self
    }

    /// Sets how `error[code]` is painted.
    #[must_use]
    pub fn with_error(mut self, paint: Paint) -> Self {
        self.error = paint;
        self
    }

    /// Sets how `warning[code]` is painted.
    #[must_use]
    pub fn with_warning(mut self, paint: Paint) -> Self {
        self.warning = paint;
        self
    }

    /// Sets how the message is painted.
    #[must_use]
    pub fn with_message(mut self, paint: Paint) -> Self {
        self.message = paint;
        self
    }

    /// Sets how line numbers and the frame are painted.
    #[must_use]
    pub fn with_frame(mut self, paint: Paint) -> Self {
        self.frame = paint;
        self
    }

    /// Sets how dashes are painted.
    #[must_use]
    pub fn with_secondary(mut self, paint: Paint) -> Self {
        self.secondary = paint;
        self
    }

    /// Sets how `note:` and `help:` are painted.
    #[must_use]
    pub fn with_remark(mut self, paint: Paint) -> Self {
        self.remark = paint;
        self
    }
}
