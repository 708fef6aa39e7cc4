//! The tree: expressions in an arena, statements on top of it.
//!
//! In: the parser's pushes, or yours. Out: plain data with a span at every node. An [`ExprId`] is an index
//! into [`Ast::exprs`], and every node stands after its children, so a pass over the tree is a loop over a
//! vector. Nothing here holds a pointer to a node: cloning, comparing and dropping a chain of 100,000 terms
//! takes no stack.

use std::fmt;
use std::ops::Index;

use crate::{BinaryOp, BoolOp, CmpOp, Span, UnaryOp};

/// Index of an expression in [`Ast::exprs`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub u32);

impl ExprId {
    /// The index as a `usize`.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for ExprId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// A parsed program: its expressions and its statements, in the order written.
///
/// `Debug` shows the arena node by node; `Display` prints canonical source text, one statement a line and
/// as few parentheses as the meaning allows; [`tree`](Ast::tree) is what `explain --stage ast` shows.
///
/// Every node stands after its children and has one parent. The parser also leaves the nodes in post-order
/// of the text as written, which is the order that [`canonical`](Ast::canonical) restores.
///
/// `==` compares the two arenas without their spans, so `parse(&ast.to_string())` equals `ast`. A tree
/// built by hand in another order compares equal after [`canonical`](Ast::canonical).
///
/// ```
/// use numloom_syntax::{Ast, BinaryOp, ExprKind, IntLit, Span, Stmt, parse};
/// let at = Span::default();
/// let mut ast = Ast::new();
/// let two = ast.push(ExprKind::Int(IntLit::new(2)), at);
/// let a = ast.push(ExprKind::Name("a".into()), at);
/// let product = ast.push(ExprKind::Binary { op: BinaryOp::Mul, lhs: two, rhs: a, op_span: at }, at);
/// ast.stmts.push(Stmt::bare(product, at));
/// assert_eq!(ast.to_string(), "2 * a");
/// assert_eq!(ast, parse("(2)*a")?);
/// # Ok::<(), numloom_syntax::SyntaxErrors>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ast {
    /// All expressions; children before parents.
    pub exprs: Vec<ExprNode>,
    /// The statements, in the order written.
    pub stmts: Vec<Stmt>,
}

impl Ast {
    /// A program without statements, to build by hand.
    pub const fn new() -> Self {
        Self {
            exprs: Vec::new(),
            stmts: Vec::new(),
        }
    }

    /// Appends an expression whose children, if any, are already here.
    ///
    /// # Panics
    /// If the arena already holds 2³² nodes.
    pub fn push(&mut self, kind: ExprKind, span: Span) -> ExprId {
        let id = u32::try_from(self.exprs.len()).expect("an arena holds fewer than 2^32 nodes");
        self.exprs.push(ExprNode { kind, span });
        ExprId(id)
    }

    /// The kind of an expression.
    ///
    /// # Panics
    /// If `id` is of another arena and out of range here.
    pub fn kind(&self, id: ExprId) -> &ExprKind {
        &self[id].kind
    }

    /// The span of an expression.
    ///
    /// # Panics
    /// If `id` is of another arena and out of range here.
    pub fn span(&self, id: ExprId) -> Span {
        self[id].span
    }

    /// All ids, children before parents.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = ExprId> + use<> {
        (0..self.exprs.len() as u32).map(ExprId)
    }
}

/// # Panics
/// If the id is of another arena and out of range here.
impl Index<ExprId> for Ast {
    type Output = ExprNode;

    fn index(&self, id: ExprId) -> &ExprNode {
        &self.exprs[id.index()]
    }
}

/// An expression and where it stands. `==` ignores the span.
#[derive(Clone, Debug)]
pub struct ExprNode {
    /// What it is.
    pub kind: ExprKind,
    /// All of it, without parentheses round it.
    pub span: Span,
}

/// What an expression is. `==` ignores spans and compares floats bit for bit.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// An integer: `7`, `0xff`, `1_000`.
    Int(IntLit),
    /// A float, never negative when parsed: `1.5`, `1e-3`.
    Float(f64),
    /// An imaginary number: `2j`.
    Imaginary(f64),
    /// `True` or `False`.
    Bool(bool),
    /// `b"…"`, decoded.
    Bytes(Vec<u8>),
    /// `"…"`, decoded.
    Str(String),
    /// `None`.
    None,
    /// A name: an input, a temporary, a constant.
    Name(String),
    /// `-x`, `+x`, `~x`, `not x`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// What it applies to.
        arg: ExprId,
    },
    /// `lhs op rhs`.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        lhs: ExprId,
        /// Right operand.
        rhs: ExprId,
        /// The operator's place.
        op_span: Span,
    },
    /// A comparison, chained when `rest` holds more than one: `0 < a <= b`.
    Compare {
        /// The leftmost operand.
        first: ExprId,
        /// Each operator, its place and its right operand; never empty.
        rest: Vec<(CmpOp, Span, ExprId)>,
    },
    /// `x and y and …`, `x or y or …`: one node for a chain, two operands or more.
    BoolOp {
        /// Which of the two.
        op: BoolOp,
        /// The operands in order.
        args: Vec<ExprId>,
    },
    /// `then if cond else otherwise`.
    IfElse {
        /// The condition.
        cond: ExprId,
        /// The value where it holds.
        then: ExprId,
        /// The value elsewhere.
        otherwise: ExprId,
    },
    /// `func(args)`.
    Call {
        /// The function's name as written.
        func: String,
        /// The name's place.
        func_span: Span,
        /// Arguments in order, positional ones first.
        args: Vec<Arg>,
    },
    /// `base.real`, `base.imag`.
    Attr {
        /// The value.
        base: ExprId,
        /// Which part of it.
        attr: Attribute,
        /// The attribute name's place.
        attr_span: Span,
    },
    /// `base[items]`.
    Subscript {
        /// The value.
        base: ExprId,
        /// One item for each comma-separated part; never empty.
        items: Vec<SubscriptItem>,
    },
    /// `(a, b)`, `(a,)`, `()`.
    Tuple(Vec<ExprId>),
}

/// An integer literal's value, which no sign belongs to. Lowering decides what fits where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntLit {
    /// The value; a literal that needs more than 128 bits does not parse.
    pub value: u128,
}

impl IntLit {
    /// The literal that writes `value`.
    pub const fn new(value: u128) -> Self {
        Self { value }
    }
}

/// An argument of a call. `==` ignores the name's span.
#[derive(Clone, Debug)]
pub struct Arg {
    /// The keyword and its place: `axis` in `axis=0`.
    pub name: Option<(String, Span)>,
    /// The value.
    pub value: ExprId,
}

impl Arg {
    /// An argument without a keyword.
    pub const fn positional(value: ExprId) -> Self {
        Self { name: None, value }
    }
}

/// One part of a subscript and where it stands. `==` ignores the span.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptItem {
    /// What it is.
    pub kind: SubscriptKind,
    /// All of it.
    pub span: Span,
}

/// What a part of a subscript is. Positions are constants; negative ones count from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubscriptKind {
    /// `3`, `-1`: that element, and the axis goes.
    Index(i64),
    /// `start:stop:step`, each optional; `step` is never 0.
    Slice {
        /// First element taken.
        start: Option<i64>,
        /// First element not taken.
        stop: Option<i64>,
        /// Distance from one to the next.
        step: Option<i64>,
    },
    /// `None`: a new axis of length 1.
    NewAxis,
    /// `...`: all the axes not spoken of; at most one in a subscript.
    Ellipsis,
}

/// An attribute of the language's short table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Attribute {
    /// `.real`
    Real,
    /// `.imag`
    Imag,
}

impl Attribute {
    /// Every attribute.
    pub const ALL: [Self; 2] = [Self::Real, Self::Imag];

    /// As written after the point.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Imag => "imag",
        }
    }

    /// The attribute of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attr| attr.name() == name)
    }
}

/// A statement. `==` ignores the spans.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// The name it gives and that name's place; `None` for a bare expression only.
    pub name: Option<(String, Span)>,
    /// Its value.
    pub value: ExprId,
    /// All of it.
    pub span: Span,
}

impl Stmt {
    /// A bare expression: an output without a name.
    pub const fn bare(value: ExprId, span: Span) -> Self {
        Self {
            kind: StmtKind::Bare,
            name: None,
            value,
            span,
        }
    }

    /// `name = value`: a named output.
    pub const fn output(name: String, name_span: Span, value: ExprId, span: Span) -> Self {
        Self {
            kind: StmtKind::Output,
            name: Some((name, name_span)),
            value,
            span,
        }
    }

    /// `let name = value`: a temporary.
    pub const fn temporary(name: String, name_span: Span, value: ExprId, span: Span) -> Self {
        Self {
            kind: StmtKind::Let,
            name: Some((name, name_span)),
            value,
            span,
        }
    }
}

/// What a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StmtKind {
    /// `let d = a - b`: a temporary, for the statements after it.
    Let,
    /// `lo = min(d)`: an output with a name.
    Output,
    /// `a + b`: an output without a name.
    Bare,
}

/// Same meaning whatever the spans: the comparisons that `derive` would get wrong.
mod eq {
    use super::{Arg, ExprKind, ExprNode, Stmt, SubscriptItem};

    impl PartialEq for ExprNode {
        fn eq(&self, other: &Self) -> bool {
            self.kind == other.kind
        }
    }

    impl PartialEq for SubscriptItem {
        fn eq(&self, other: &Self) -> bool {
            self.kind == other.kind
        }
    }

    impl PartialEq for Arg {
        fn eq(&self, other: &Self) -> bool {
            self.name.as_ref().map(|n| &n.0) == other.name.as_ref().map(|n| &n.0)
                && self.value == other.value
        }
    }

    impl PartialEq for Stmt {
        fn eq(&self, other: &Self) -> bool {
            self.kind == other.kind
                && self.name.as_ref().map(|n| &n.0) == other.name.as_ref().map(|n| &n.0)
                && self.value == other.value
        }
    }

    impl PartialEq for ExprKind {
        fn eq(&self, other: &Self) -> bool {
            match (self, other) {
                (Self::Int(a), Self::Int(b)) => a == b,
                (Self::Float(a), Self::Float(b)) | (Self::Imaginary(a), Self::Imaginary(b)) => {
                    a.to_bits() == b.to_bits()
                }
                (Self::Bool(a), Self::Bool(b)) => a == b,
                (Self::Bytes(a), Self::Bytes(b)) => a == b,
                (Self::Str(a), Self::Str(b)) | (Self::Name(a), Self::Name(b)) => a == b,
                (Self::None, Self::None) => true,
                (Self::Unary { op: p, arg: a }, Self::Unary { op: q, arg: b }) => p == q && a == b,
                (
                    Self::Binary {
                        op: p,
                        lhs: a,
                        rhs: b,
                        op_span: _,
                    },
                    Self::Binary {
                        op: q,
                        lhs: c,
                        rhs: d,
                        op_span: _,
                    },
                ) => p == q && a == c && b == d,
                (Self::Compare { first: a, rest: r }, Self::Compare { first: b, rest: s }) => {
                    a == b
                        && r.len() == s.len()
                        && r.iter().zip(s).all(|(x, y)| x.0 == y.0 && x.2 == y.2)
                }
                (Self::BoolOp { op: p, args: a }, Self::BoolOp { op: q, args: b }) => {
                    p == q && a == b
                }
                (
                    Self::IfElse {
                        cond: a,
                        then: b,
                        otherwise: c,
                    },
                    Self::IfElse {
                        cond: d,
                        then: e,
                        otherwise: f,
                    },
                ) => a == d && b == e && c == f,
                (
                    Self::Call {
                        func: f,
                        args: a,
                        func_span: _,
                    },
                    Self::Call {
                        func: g,
                        args: b,
                        func_span: _,
                    },
                ) => f == g && a == b,
                (
                    Self::Attr {
                        base: a,
                        attr: x,
                        attr_span: _,
                    },
                    Self::Attr {
                        base: b,
                        attr: y,
                        attr_span: _,
                    },
                ) => a == b && x == y,
                (Self::Subscript { base: a, items: x }, Self::Subscript { base: b, items: y }) => {
                    a == b && x == y
                }
                (Self::Tuple(a), Self::Tuple(b)) => a == b,
                _ => false,
            }
        }
    }

    impl Eq for ExprNode {}
    impl Eq for SubscriptItem {}
    impl Eq for Arg {}
    impl Eq for Stmt {}
    impl Eq for ExprKind {}
}
