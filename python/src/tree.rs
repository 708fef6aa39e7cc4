//! The tree of an expression as plain data, and diagnostics of those who read it.
//!
//! What goes in: an [`Expr`]. What comes out: its nodes and statements as tuples, for `numloom._times`, and a diagnostic as it is drawn. What it never
//! does: say what a node means.

use numloom::{Code, Diagnostic, Expr, ExprKind, Label, Span, StmtKind, Style, render};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Kind, place in bytes, name or operator, children, and their keywords or the operators before them.
pub(crate) type Node = (
    &'static str,
    (usize, usize),
    Option<String>,
    Vec<u32>,
    Vec<Option<String>>,
);

/// Name, value, and whether it is a temporary.
pub(crate) type Statement = (Option<String>, u32, bool);

/// All nodes, children before parents, and the statements.
pub(crate) fn tree(expr: &Expr) -> (Vec<Node>, Vec<Statement>) {
    let ast = expr.ast();
    let nodes = ast.ids().map(|id| {
        let span = ast.span(id);
        let (kind, text, children, words) = node(ast.kind(id));
        (kind, (span.start, span.end), text, children, words)
    });
    let statements = ast.stmts.iter().map(|stmt| {
        let name = stmt.name.as_ref().map(|(name, _)| name.clone());
        (name, stmt.value.0, stmt.kind == StmtKind::Let)
    });
    (nodes.collect(), statements.collect())
}

type Parts = (&'static str, Option<String>, Vec<u32>, Vec<Option<String>>);

fn node(kind: &ExprKind) -> Parts {
    let mut children = Vec::new();
    kind.for_each_child(|child| children.push(child.0));
    let mut words = Vec::new();
    let (kind, text) = match kind {
        ExprKind::Name(name) => ("name", Some(name.clone())),
        ExprKind::Unary { op, .. } => ("unary", Some(op.symbol().to_owned())),
        ExprKind::Binary { op, .. } => ("binary", Some(op.symbol().to_owned())),
        ExprKind::Compare { first, rest } => {
            children = std::iter::once(first.0)
                .chain(rest.iter().map(|(_, _, right)| right.0))
                .collect();
            words.extend(rest.iter().map(|(op, ..)| Some(op.symbol().to_owned())));
            ("compare", None)
        }
        ExprKind::BoolOp { op, .. } => ("bool", Some(op.symbol().to_owned())),
        ExprKind::IfElse {
            cond,
            then,
            otherwise,
        } => {
            children = vec![cond.0, then.0, otherwise.0];
            ("if", None)
        }
        ExprKind::Call { func, args, .. } => {
            children = args.iter().map(|arg| arg.value.0).collect();
            let keywords = args.iter().map(|arg| arg.name.as_ref());
            words.extend(keywords.map(|name| name.map(|(name, _)| name.clone())));
            ("call", Some(func.clone()))
        }
        ExprKind::Attr { attr, .. } => ("attribute", Some(attr.name().to_owned())),
        ExprKind::Subscript { .. } => ("subscript", None),
        _ => ("literal", None),
    };
    (kind, text, children, words)
}

/// A diagnostic under the text that it is about, as the library draws its own; places are in bytes.
///
/// # Errors
/// `ValueError` for a code that does not exist.
#[pyfunction]
pub(crate) fn draw(
    src: &str,
    code: &str,
    message: String,
    labels: Vec<((usize, usize), Option<String>, bool)>,
    notes: Vec<String>,
    help: Option<String>,
) -> PyResult<String> {
    let code = Code::ALL.iter().find(|known| known.slug() == code);
    let code = *code.ok_or_else(|| PyValueError::new_err("there is no such code"))?;
    let mut diagnostic = Diagnostic::error(code, message);
    for ((start, end), text, primary) in labels {
        let span = Span::new(start, end);
        let text = text.unwrap_or_default();
        diagnostic = diagnostic.with_label(match primary {
            true => Label::primary(span, text),
            false => Label::secondary(span, text),
        });
    }
    diagnostic.notes = notes;
    diagnostic.help = help;
    let drawn = render(&diagnostic, src, None, &Style::default());
    Ok(drawn.trim_end().to_owned())
}
