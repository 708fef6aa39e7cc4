//! Text to tree and back for numloom expressions: tokens, grammar, AST, printer, diagnostics.
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
mod suggest;
mod token;
mod visit;

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
pub use render::{Paint, Style, line_and_column, render};
pub use span::Span;
pub use suggest::nearest;
pub use visit::Step;
