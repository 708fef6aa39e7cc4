//! Text to tree and back for numloom expressions: tokens, grammar, AST, printer, diagnostics.
#![forbid(unsafe_code)]

mod ast;
mod code;
mod diagnostic;
mod error;
mod limits;
mod op;
mod parser;
mod render;
mod span;

pub use ast::{
    Arg, Ast, Attribute, ExprId, ExprKind, ExprNode, IntLit, Stmt, StmtKind, SubscriptItem,
    SubscriptKind,
};
pub use code::{Code, UnknownCode};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use error::{SyntaxError, SyntaxErrorKind, SyntaxErrors};
pub use limits::{Limit, Limits};
pub use op::{BinaryOp, BoolOp, CmpOp, Precedence, UnaryOp};
pub use parser::{parse, parse_with};
pub use render::{Style, render};
pub use span::Span;
