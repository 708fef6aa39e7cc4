//! Texts: any bytes parse or are refused with sound diagnostics, and trees survive being printed.

use numloom_syntax::{Ast, Diagnostic, Limits, Span, Style, parse as parse_text, render};

use crate::choices::Choices;
use crate::generate;

/// Any text parses to a tree whose spans lie in it, or is refused with diagnostics that can be drawn.
///
/// # Panics
/// If not.
pub fn parse(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match parse_text(&text) {
        Ok(ast) => check_tree(&ast, &text),
        Err(errors) => check_diagnostics(&errors.diagnostics(), &text),
    }
}

/// What a tree prints as parses back to it: of any text that parses, and of trees that no text was the first to say.
///
/// # Panics
/// If not.
pub fn round_trip(data: &[u8]) {
    let (mode, rest) = data
        .split_first()
        .map_or((0, data), |(first, rest)| (first % 2, rest));
    let ast = if mode == 0 {
        let Ok(ast) = parse_text(&String::from_utf8_lossy(rest)) else {
            return;
        };
        ast
    } else {
        generate::tree(&mut Choices::new(rest))
    };
    let printed = ast.to_string();
    // Parentheses that the text could do without were dropped, and none is added, but blanks are.
    let limits = Limits::default().with_max_source_bytes(usize::MAX);
    match numloom_syntax::parse_with(&printed, &limits) {
        Ok(read) => assert!(
            read == ast,
            "`{printed}` reads back as another tree:\n{}\n{}",
            ast.tree(),
            read.tree()
        ),
        Err(errors) => panic!("`{printed}` does not read back: {errors}"),
    }
}

/// Spans of a tree lie in the text and between characters.
pub(super) fn check_tree(ast: &Ast, text: &str) {
    for node in &ast.exprs {
        check_span(node.span, text);
    }
    for stmt in &ast.stmts {
        check_span(stmt.span, text);
        assert!(
            stmt.value.index() < ast.exprs.len(),
            "a statement's value is in the arena"
        );
    }
    assert!(!ast.stmts.is_empty(), "a text that parses says something");
}

/// At most 16, each with a message, places in the text and a drawing.
pub(super) fn check_diagnostics(diagnostics: &[Diagnostic], text: &str) {
    assert!(
        (1..=16).contains(&diagnostics.len()),
        "{} diagnostics",
        diagnostics.len()
    );
    for diagnostic in diagnostics {
        assert!(
            !diagnostic.message.is_empty(),
            "{} has a message",
            diagnostic.code
        );
        for label in &diagnostic.labels {
            check_span(label.span, text);
        }
        let drawn = render(diagnostic, text, None, &Style::default());
        assert!(
            drawn.starts_with(&format!("{}[{}]", diagnostic.severity, diagnostic.code)),
            "{drawn}"
        );
        assert!(drawn.len() < 20_000, "a drawing of {} bytes", drawn.len());
    }
}

fn check_span(span: Span, text: &str) {
    assert!(
        span.start <= span.end,
        "{span:?} does not end before it begins"
    );
    assert!(
        text.get(span.range()).is_some(),
        "{span:?} lies between characters of {text:?}"
    );
}
