//! One operation as a small tree, whose operands are named by their places: [`Template`].
//!
//! The language's own tree says everything that a node can be, so that nothing is named twice: an operator, a call with its literal arguments.

use std::collections::HashMap;
use std::fmt;

use numloom_syntax::{Arg, Ast, ExprId, ExprKind, Span, Stmt, UnaryOp};

use crate::lazy::Lazy;
use crate::lazy::operand::{Literal, Operand, Repr};

/// Nodes that were made by hand stand nowhere.
const NOWHERE: Span = Span::new(0, 0);

/// A tree of one operation. The names in it that are numbers, as no name in a text is, are its operands.
#[derive(Clone, Debug)]
pub(super) struct Template {
    ast: Ast,
    root: ExprId,
}

/// What the operand of this place is called where people see it: as functions of the table call theirs.
pub(super) fn operand_name(i: usize) -> String {
    match i {
        0 => "x".into(),
        1 => "y".into(),
        2 => "z".into(),
        i => format!("x{i}"),
    }
}

impl Template {
    pub(super) fn root(&self) -> &ExprKind {
        self.ast.kind(self.root)
    }

    pub(super) fn kind(&self, id: ExprId) -> &ExprKind {
        self.ast.kind(id)
    }

    /// The operand that a node is.
    pub(super) fn operand_at(&self, id: ExprId) -> Option<usize> {
        match self.ast.kind(id) {
            ExprKind::Name(name) => name.parse().ok(),
            _ => None,
        }
    }

    /// The places that it names, as often as it does.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.ast.ids().filter_map(|id| self.operand_at(id))
    }

    /// Appends it to a tree, where `operand` puts those of its places, and returns where it is.
    pub(super) fn write(
        &self,
        into: &mut Ast,
        operand: &mut dyn FnMut(usize, &mut Ast) -> ExprId,
    ) -> ExprId {
        let mut written = Vec::with_capacity(self.ast.exprs.len());
        for id in self.ast.ids() {
            written.push(match self.operand_at(id) {
                Some(i) => operand(i, into),
                None => {
                    let mut kind = self.ast.kind(id).clone();
                    kind.renumber_children(|child| written[child.index()]);
                    into.push(kind, NOWHERE)
                }
            });
        }
        written[self.root.index()]
    }

    /// The same call, reduced along these axes instead; over all, if none are given.
    pub(super) fn with_axes(&self, axes: Option<&[usize]>) -> Template {
        let mut template = self.clone();
        let ast = &mut template.ast;
        let root = ast.exprs.pop().expect("the root is the last node").kind;
        let axes = axes.map(|axes| {
            let axes = axes.iter();
            let axes = axes.map(|&axis| Literal::Int(axis as i128).write(ast));
            let axes = axes.collect();
            ast.push(ExprKind::Tuple(axes), NOWHERE)
        });
        let mut kind = root;
        if let ExprKind::Call { args, .. } = &mut kind {
            let is_axis = |i: usize, arg: &Arg| match &arg.name {
                Some((name, _)) => name == "axis",
                None => i == 1,
            };
            let kept = args.iter().enumerate().filter(|(i, arg)| !is_axis(*i, arg));
            let mut kept: Vec<Arg> = kept.map(|(_, arg)| arg.clone()).collect();
            kept.extend(axes.map(|value| Arg {
                name: Some(("axis".into(), NOWHERE)),
                value,
            }));
            *args = kept;
        }
        template.root = ast.push(kind, NOWHERE);
        template
    }

    fn ast(&self, name: &dyn Fn(usize) -> String) -> Ast {
        let mut ast = Ast::new();
        let root = self.write(&mut ast, &mut |i, ast| {
            ast.push(ExprKind::Name(name(i)), NOWHERE)
        });
        ast.stmts.push(Stmt::bare(root, NOWHERE));
        ast
    }
}

/// With `x`, `y`, `z` for its operands.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ast(&operand_name).fmt(f)
    }
}

/// A template in the making, and what it stands on.
#[derive(Debug, Default)]
pub(super) struct Builder {
    ast: Ast,
    operands: Vec<Lazy>,
    places: HashMap<*const (), usize>,
}

impl Builder {
    pub(super) fn push(&mut self, kind: ExprKind) -> ExprId {
        self.ast.push(kind, NOWHERE)
    }

    /// A literal, or the place of a value; one value has one place.
    pub(super) fn operand(&mut self, operand: &Operand) -> ExprId {
        match &operand.0 {
            Repr::Lazy(lazy) => {
                let next = self.operands.len();
                let place = *self.places.entry(lazy.key()).or_insert_with(|| {
                    self.operands.push(lazy.clone());
                    next
                });
                self.push(ExprKind::Name(place.to_string()))
            }
            Repr::Literal(literal) => literal.write(&mut self.ast),
            Repr::Tree(tree) => tree.write(&mut self.ast, &mut |_, _| {
                unreachable!("a literal has no operands")
            }),
            Repr::Tuple(parts) => {
                let parts = parts.iter().map(|part| self.operand(part)).collect();
                self.push(ExprKind::Tuple(parts))
            }
        }
    }

    pub(super) fn call(&mut self, func: &str, args: Vec<Arg>) -> ExprId {
        self.push(ExprKind::Call {
            func: func.to_owned(),
            func_span: NOWHERE,
            args,
        })
    }

    pub(super) fn keyword(&mut self, name: &str, value: &Operand) -> Arg {
        Arg {
            name: Some((name.to_owned(), NOWHERE)),
            value: self.operand(value),
        }
    }

    /// The operation whose root this is.
    pub(super) fn finish(self, root: ExprId) -> Lazy {
        let ast = self.ast;
        Lazy::apply(Template { ast, root }, self.operands)
    }

    /// A tree of literals whose root this is.
    pub(super) fn finish_literal(self, root: ExprId) -> Template {
        Template {
            ast: self.ast,
            root,
        }
    }
}

impl Literal {
    /// Appends it to a tree. There is no literal below zero, nor one of NaN: a sign and a name make those.
    pub(super) fn write(&self, ast: &mut Ast) -> ExprId {
        let (is_negative, kind) = match self {
            Literal::Int(value) => {
                let magnitude = numloom_syntax::IntLit::new(value.unsigned_abs());
                (*value < 0, ExprKind::Int(magnitude))
            }
            Literal::Float(value) if value.is_nan() => (false, ExprKind::Name("nan".into())),
            Literal::Float(value) if value.is_infinite() => {
                (*value < 0.0, ExprKind::Name("inf".into()))
            }
            Literal::Float(value) => (value.is_sign_negative(), ExprKind::Float(value.abs())),
            Literal::Complex(re, im) => {
                let lhs = Literal::Float(*re).write(ast);
                let sign = if im.is_sign_negative() {
                    numloom_syntax::BinaryOp::Sub
                } else {
                    numloom_syntax::BinaryOp::Add
                };
                let rhs = ast.push(ExprKind::Imaginary(im.abs()), NOWHERE);
                let kind = ExprKind::Binary {
                    op: sign,
                    lhs,
                    rhs,
                    op_span: NOWHERE,
                };
                (false, kind)
            }
            Literal::Bool(value) => (false, ExprKind::Bool(*value)),
            Literal::Str(text) => (false, ExprKind::Str(text.clone())),
            Literal::Bytes(bytes) => (false, ExprKind::Bytes(bytes.clone())),
            Literal::Name(name) => (false, ExprKind::Name(name.clone())),
            Literal::None => (false, ExprKind::None),
        };
        let id = ast.push(kind, NOWHERE);
        if !is_negative {
            return id;
        }
        let op = UnaryOp::Neg;
        ast.push(ExprKind::Unary { op, arg: id }, NOWHERE)
    }
}
