//! How much source text one parse may cost.

use std::fmt;

/// Caps on what one source may cost to parse. Exceeding one is a `limit-exceeded` error that names the
/// limit, its value and the setting that raises it.
///
/// ```
/// use numloom_syntax::{Limits, parse_with};
/// let tight = Limits::default().with_max_depth(3);
/// assert!(parse_with("((a))", &tight).is_ok());
/// let refused = parse_with("((((a))))", &tight).unwrap_err();
/// assert!(refused.to_string().contains("max_depth"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Length of the source in bytes; 1 MiB.
    pub max_source_bytes: usize,
    /// Tokens in the source, statement ends included and comments not; 20,000.
    pub max_tokens: usize,
    /// Nesting: brackets, and chains of `not`, unary signs, `**` and `… if … else …`, which nest to the
    /// right; 256. Chains of other operators do not count, however long.
    pub max_depth: usize,
    /// Errors reported before the parser gives up; 16. At least one is always reported.
    pub max_diagnostics: usize,
    /// Length in bytes of one number or quoted text; 64 KiB.
    pub max_literal_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_source_bytes: 1 << 20,
            max_tokens: 20_000,
            max_depth: 256,
            max_diagnostics: 16,
            max_literal_bytes: 1 << 16,
        }
    }
}

impl Limits {
    /// Sets [`max_source_bytes`](Self::max_source_bytes).
    #[must_use]
    pub const fn with_max_source_bytes(mut self, n: usize) -> Self {
        self.max_source_bytes = n;
        self
    }

    /// Sets [`max_tokens`](Self::max_tokens).
    #[must_use]
    pub const fn with_max_tokens(mut self, n: usize) -> Self {
        self.max_tokens = n;
        self
    }

    /// Sets [`max_depth`](Self::max_depth).
    #[must_use]
    pub const fn with_max_depth(mut self, n: usize) -> Self {
        self.max_depth = n;
        self
    }

    /// Sets [`max_diagnostics`](Self::max_diagnostics).
    #[must_use]
    pub const fn with_max_diagnostics(mut self, n: usize) -> Self {
        self.max_diagnostics = n;
        self
    }

    /// Sets [`max_literal_bytes`](Self::max_literal_bytes).
    #[must_use]
    pub const fn with_max_literal_bytes(mut self, n: usize) -> Self {
        self.max_literal_bytes = n;
        self
    }
}

/// Which of the [`Limits`] an error speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_source_bytes`].
    SourceBytes,
    /// [`Limits::max_tokens`].
    Tokens,
    /// [`Limits::max_depth`].
    Depth,
    /// [`Limits::max_literal_bytes`].
    LiteralBytes,
}

impl Limit {
    /// The name of the setting that raises the limit.
    pub const fn setting(self) -> &'static str {
        match self {
            Self::SourceBytes => "max_source_bytes",
            Self::Tokens => "max_tokens",
            Self::Depth => "max_depth",
            Self::LiteralBytes => "max_literal_bytes",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.setting())
    }
}
