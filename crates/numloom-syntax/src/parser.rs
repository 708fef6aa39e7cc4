//! Text to tree: the stages in order.

use crate::builder::{Builder, Group};
use crate::diagnose::diagnose;
use crate::error::Findings;
use crate::grammar::Grammar;
use crate::runs::{Run, RunKind, Runs};
use crate::token::Item;
use crate::{Ast, Limit, Limits, Span, SyntaxError, SyntaxErrorKind, SyntaxErrors};

/// Parses a program under the default [`Limits`].
///
/// Time and memory are linear in the source, whatever it holds, and no stack grows with it.
///
/// # Errors
/// Everything found wrong with the text, up to [`Limits::max_diagnostics`] mistakes.
///
/// ```
/// use numloom_syntax::parse;
/// let ast = parse("let d = a-b; rms = sqrt(mean(d*d)); max(abs(d))")?;
/// assert_eq!(ast.stmts.len(), 3);
/// assert_eq!(ast.to_string(), "let d = a - b\nrms = sqrt(mean(d * d))\nmax(abs(d))");
/// # Ok::<(), numloom_syntax::SyntaxErrors>(())
/// ```
pub fn parse(src: &str) -> Result<Ast, SyntaxErrors> {
    parse_with(src, &Limits::default())
}

/// Parses a program under the given [`Limits`].
///
/// # Errors
/// As [`parse`].
///
/// ```
/// use numloom_syntax::{Code, Limits, parse_with};
/// let sum = vec!["a"; 100_000].join("+");
/// let refused = parse_with(&sum, &Limits::default()).unwrap_err();
/// assert_eq!(refused.first().kind.code(), Code::LimitExceeded);
/// let ast = parse_with(&sum, &Limits::default().with_max_tokens(1_000_000))?;
/// assert_eq!(ast.exprs.len(), 199_999);
/// # Ok::<(), numloom_syntax::SyntaxErrors>(())
/// ```
pub fn parse_with(src: &str, limits: &Limits) -> Result<Ast, SyntaxErrors> {
    let mut findings = Findings::new(limits.max_diagnostics);
    let mut runs = Runs::default();
    if src.len() > limits.max_source_bytes {
        let end = src.floor_char_boundary(limits.max_source_bytes);
        findings.limit(
            Limit::SourceBytes,
            limits.max_source_bytes,
            Span::point(end),
        );
    } else {
        runs = Runs::read(src, limits, &mut findings);
        if runs.runs.is_empty() && findings.is_empty() {
            findings.push(SyntaxErrorKind::EmptySource, Span::point(0));
        }
    }
    let mut builder = Builder::new(src, runs.items.len(), findings);
    let grammar = Grammar::new();
    for run in &runs.runs {
        if builder.findings.is_full() {
            break;
        }
        let items = &runs.items[run.items.clone()];
        let group = read(&grammar, run, items, &mut builder).unwrap_or_else(|at| {
            if let Some(SyntaxError { kind, span }) = diagnose(src, run, items, at) {
                builder.findings.push(kind, span);
            }
            Group::Failed
        });
        builder.groups.push(group);
    }
    let Builder { ast, findings, .. } = builder;
    findings.into_result()?;
    // Brackets were read from the inside out; without any, the nodes are in order already.
    let in_order = runs.runs.iter().all(|run| run.kind == RunKind::Statement);
    Ok(if in_order { ast } else { ast.canonical() })
}

/// Reads one run; on failure, the index of the token that cannot be accepted.
fn read<'t>(
    grammar: &Grammar<'t>,
    run: &Run,
    items: &'t [Item],
    builder: &mut Builder<'t>,
) -> Result<Group, usize> {
    Ok(match run.kind {
        RunKind::Paren if items.is_empty() => Group::Paren(builder.tuple(&[], run.span)),
        RunKind::Paren => match grammar.paren(items, builder)? {
            (parts, false) if parts.len() == 1 => Group::Paren(parts[0]),
            (parts, _) => Group::Paren(builder.tuple(&parts, run.span)),
        },
        RunKind::Args => Group::Args(grammar.args(items, builder)?),
        RunKind::Index => Group::Index(grammar.index(items, builder)?),
        RunKind::Statement => {
            let stmt = grammar.statement(items, builder)?;
            builder.ast.stmts.push(stmt);
            Group::Statement
        }
    })
}

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts a token that the grammar takes, so that tests can hold the time to account without a clock.
#[cfg(test)]
pub(crate) fn count_step() {
    STEPS.with(|steps| steps.set(steps.get() + 1));
}

/// The tokens counted since the last call.
#[cfg(test)]
pub(crate) fn take_steps() -> u64 {
    STEPS.take()
}
