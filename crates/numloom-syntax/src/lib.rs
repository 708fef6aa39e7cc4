//! Text to tree and back for numloom expressions: tokens, grammar, AST, printer, diagnostics.
//!
//! # Should I use this crate?
//!
//! No, use `numloom`, which evaluates what is parsed here. This crate is for those who want the tree
//! itself: editors, checkers, translators. It knows nothing of dtypes, arrays or function names.
//!
//! # What is inside
//!
//! ```text
//! &str ── lexer ──► tokens ── runs ──► runs of tokens without brackets ── grammar ──► Ast
//!                     │                  │                                   │
//!                     └──────────────────┴──── SyntaxErrors ─────────────────┘──► Diagnostic ── render ──► text
//! ```
//!
//! [`parse`] goes the whole way. The tree is an arena, [`Ast`]; its `Display` is canonical source, which
//! parses back to an equal tree, and [`Ast::tree`] dumps it for reading:
//!
//! ```
//! use numloom_syntax::parse;
//! let ast = parse("(2)*a + 3*b")?;
//! assert_eq!(ast.to_string(), "2 * a + 3 * b");
//! assert_eq!(parse(&ast.to_string())?, ast);
//! assert!(ast.tree().to_string().starts_with("output"));
//! # Ok::<(), numloom_syntax::SyntaxErrors>(())
//! ```
//!
//! A text that does not parse gives [`SyntaxErrors`], several at once, each with a typed
//! [`kind`](SyntaxError::kind) and a [`Span`]. As a [`Diagnostic`] it is plain data, and [`render()`] draws
//! it; later stages make diagnostics of their own with the codes of the same table, [`Code`].
//!
//! ```
//! use numloom_syntax::{Style, parse, render};
//! let src = "0 < velo && t";
//! let errors = parse(src).unwrap_err();
//! assert_eq!(render(&errors.diagnostics()[0], src, None, &Style::default()), "\
//! error[foreign-operator]: `&&` is not an operator here
//!  1 | 0 < velo && t
//!    |          ^^
//!    = help: write `and`, or `&` for the bits of integers
//! ");
//! ```
//!
//! # The language
//!
//! Python's expressions, with Python's precedence and literals: `**`, signs and `~`, `* / // %`, `+ -`,
//! `<< >>`, `&`, `^`, `|`, chained comparisons, `not`, `and`, `or`, `x if c else y`; calls with positional
//! and keyword arguments; `.real` and `.imag`; subscripts made of constants. A program is statements parted
//! by line ends or `;`: `let d = a - b` is a temporary, `lo = min(d)` a named output, a bare expression an
//! output without a name. A line ends a statement only outside brackets. `#` begins a comment. What Python
//! has beyond this is refused by name.
//!
//! # Untrusted text
//!
//! Time and memory are linear in the source, well formed or not, under the named [`Limits`]; no stack
//! grows with it, at parsing or after. Nothing is evaluated here, and no name is looked up.
#![forbid(unsafe_code)]

mod ast;
mod builder;
#[cfg(test)]
mod cliffs;
mod code;
mod diagnose;
mod diagnostic;
mod error;
mod grammar;
mod lexer;
mod limits;
mod literal;
mod op;
mod parser;
mod print;
mod render;
mod report;
mod runs;
mod span;
mod style;
mod suggest;
mod token;
mod visit;
mod width;

pub use ast::{
    Arg, Ast, Attribute, ExprId, ExprKind, ExprNode, IntLit, Stmt, StmtKind, SubscriptItem,
    SubscriptKind,
};
pub use code::{Code, UnknownCode};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use error::{
    AssignmentFault, NumberFault, SubscriptFault, SyntaxError, SyntaxErrorKind, SyntaxErrors,
    Unsupported,
};
pub use limits::{Limit, Limits};
pub use op::{BinaryOp, BoolOp, CmpOp, Precedence, UnaryOp};
pub use parser::{parse, parse_with};
pub use render::{line_and_column, render};
pub use span::Span;
pub use style::{Paint, Style};
pub use suggest::nearest;
pub use visit::Step;
