//! Nodes from what the grammar recognises, with the checks that are no matter of grammar.
//!
//! In: tokens and operands, from the grammar's rules. Out: an [`Ast`] in the making. What is wrong is
//! noted, and a stand-in takes its place, so that one mistake is one report.

use std::collections::HashMap;

use crate::error::{Findings, SubscriptFault, SyntaxErrorKind};
use crate::token::{Item, Token};
use crate::{
    Arg, Ast, Attribute, BinaryOp, BoolOp, CmpOp, ExprId, ExprKind, Span, Stmt, SubscriptItem,
    SubscriptKind, UnaryOp, literal, nearest,
};

/// An expression and the text it takes, parentheses included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    pub(crate) id: ExprId,
    pub(crate) span: Span,
}

/// An operand and the signs before it, outermost first.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) signs: Vec<(UnaryOp, Span)>,
    pub(crate) operand: Operand,
}

/// What came of the run that a bracketed token stands for.
#[derive(Debug)]
pub(crate) enum Group {
    Paren(Operand),
    Args(Vec<Arg>),
    Index(Vec<SubscriptItem>),
    /// A statement's run; nothing refers to it.
    Statement,
    /// It was reported.
    Failed,
}

#[derive(Debug)]
pub(crate) struct Builder<'t> {
    src: &'t str,
    pub(crate) ast: Ast,
    /// By run; taken when its token is used.
    pub(crate) groups: Vec<Group>,
    pub(crate) findings: Findings,
}

/// All of a stretch of tokens.
pub(crate) fn cover(items: &[Item]) -> Span {
    match (items.first(), items.last()) {
        (Some(first), Some(last)) => first.span.merge(last.span),
        _ => Span::default(),
    }
}

impl<'t> Builder<'t> {
    pub(crate) fn new(src: &'t str, n_tokens: usize, findings: Findings) -> Self {
        let mut ast = Ast::new();
        ast.exprs.reserve(n_tokens);
        Self {
            src,
            ast,
            groups: Vec::new(),
            findings,
        }
    }

    fn text(&self, span: Span) -> &'t str {
        &self.src[span.range()]
    }

    fn push(&mut self, kind: ExprKind, span: Span) -> Operand {
        let id = self.ast.push(kind, span);
        Operand { id, span }
    }

    /// Notes a mistake and stands in for the operand it spoils.
    fn reject(&mut self, kind: SyntaxErrorKind, at: Span, span: Span) -> Operand {
        self.findings.push(kind, at);
        self.push(ExprKind::None, span)
    }

    fn take(&mut self, item: Item) -> Group {
        std::mem::replace(&mut self.groups[item.group as usize], Group::Failed)
    }

    // Operands.

    pub(crate) fn literal(&mut self, item: Item) -> Operand {
        let (text, span) = (self.text(item.span), item.span);
        let kind = match item.token {
            Token::Int => match literal::int(text) {
                Some(value) => ExprKind::Int(value),
                None => return self.reject(SyntaxErrorKind::IntegerTooLarge, span, span),
            },
            Token::Float => ExprKind::Float(literal::float(text)),
            Token::Imaginary => ExprKind::Imaginary(literal::imaginary(text)),
            Token::True => ExprKind::Bool(true),
            Token::False => ExprKind::Bool(false),
            Token::Str => match literal::string(text, span.start) {
                Ok(value) => ExprKind::Str(value),
                Err((kind, at)) => return self.reject(kind, at, span),
            },
            Token::Bytes => match literal::bytes(text, span.start) {
                Ok(value) => ExprKind::Bytes(value),
                Err((kind, at)) => return self.reject(kind, at, span),
            },
            _ => ExprKind::None,
        };
        self.push(kind, span)
    }

    pub(crate) fn name(&mut self, item: Item) -> Operand {
        let name = self.text(item.span).to_owned();
        self.push(ExprKind::Name(name), item.span)
    }

    pub(crate) fn paren(&mut self, group: Item) -> Operand {
        let span = group.span;
        match self.take(group) {
            Group::Paren(inner) => Operand { id: inner.id, span },
            _ => self.push(ExprKind::None, span),
        }
    }

    /// A tuple, whose parentheses are its own.
    pub(crate) fn tuple(&mut self, parts: &[Operand], span: Span) -> Operand {
        let parts = parts.iter().map(|part| part.id).collect();
        self.push(ExprKind::Tuple(parts), span)
    }

    pub(crate) fn call(&mut self, name: Item, group: Item) -> Operand {
        let span = name.span.merge(group.span);
        match self.take(group) {
            Group::Args(args) => {
                let func = self.text(name.span).to_owned();
                let func_span = name.span;
                let kind = ExprKind::Call {
                    func,
                    func_span,
                    args,
                };
                self.push(kind, span)
            }
            _ => self.push(ExprKind::None, span),
        }
    }

    pub(crate) fn call_of_value(&mut self, callee: Operand, group: Item) -> Operand {
        let span = callee.span.merge(group.span);
        self.reject(SyntaxErrorKind::NotCallable, callee.span, span)
    }

    pub(crate) fn attr(&mut self, base: Operand, name: Item, called: bool) -> Operand {
        let span = base.span.merge(name.span);
        let text = self.text(name.span);
        match Attribute::from_name(text) {
            Some(attr) if !called => {
                let kind = ExprKind::Attr {
                    base: base.id,
                    attr,
                    attr_span: name.span,
                };
                self.push(kind, span)
            }
            found => {
                let names = Attribute::ALL.iter().map(|attr| attr.name());
                let near = found.or_else(|| nearest(text, names).and_then(Attribute::from_name));
                let base = match self.ast.kind(base.id) {
                    ExprKind::Name(base) => Some(base.clone()),
                    _ => None,
                };
                let kind = SyntaxErrorKind::UnknownAttribute {
                    name: text.to_owned(),
                    base,
                    near,
                    called,
                };
                self.reject(kind, name.span, span)
            }
        }
    }

    pub(crate) fn subscript(&mut self, base: Operand, group: Item) -> Operand {
        let span = base.span.merge(group.span);
        let base = base.id;
        match self.take(group) {
            Group::Index(items) => self.push(ExprKind::Subscript { base, items }, span),
            _ => self.push(ExprKind::None, span),
        }
    }

    // Operators.

    /// Signs and powers, which group to the right: `-a ** -b` is `-(a ** (-b))`.
    pub(crate) fn power(&mut self, first: Signed, mut rest: Vec<(Span, Signed)>) -> Operand {
        let mut exponent = None;
        while let Some((op_span, factor)) = rest.pop() {
            exponent = Some((op_span, self.factor(factor, exponent)));
        }
        self.factor(first, exponent)
    }

    fn factor(&mut self, factor: Signed, exponent: Option<(Span, Operand)>) -> Operand {
        let power = match exponent {
            Some((at, exponent)) => self.binary(factor.operand, (BinaryOp::Pow, at), exponent),
            None => factor.operand,
        };
        let signs = factor.signs.into_iter().rev();
        signs.fold(power, |arg, (op, at)| self.unary(op, at, arg))
    }

    fn unary(&mut self, op: UnaryOp, at: Span, arg: Operand) -> Operand {
        let span = at.merge(arg.span);
        self.push(ExprKind::Unary { op, arg: arg.id }, span)
    }

    pub(crate) fn not(&mut self, at: Span, arg: Operand) -> Operand {
        self.unary(UnaryOp::Not, at, arg)
    }

    pub(crate) fn binary(
        &mut self,
        lhs: Operand,
        (op, op_span): (BinaryOp, Span),
        rhs: Operand,
    ) -> Operand {
        let span = lhs.span.merge(rhs.span);
        let (lhs, rhs) = (lhs.id, rhs.id);
        let kind = ExprKind::Binary {
            op,
            lhs,
            rhs,
            op_span,
        };
        self.push(kind, span)
    }

    pub(crate) fn compare(
        &mut self,
        first: Operand,
        rest: Vec<((CmpOp, Span), Operand)>,
    ) -> Operand {
        let Some((_, last)) = rest.last() else {
            return first;
        };
        let span = first.span.merge(last.span);
        let rest = rest.into_iter().map(|((op, at), rhs)| (op, at, rhs.id));
        let kind = ExprKind::Compare {
            first: first.id,
            rest: rest.collect(),
        };
        self.push(kind, span)
    }

    pub(crate) fn chain(
        &mut self,
        first: Operand,
        rest: Vec<((BoolOp, Span), Operand)>,
    ) -> Operand {
        let Some(&((op, _), last)) = rest.last() else {
            return first;
        };
        let span = first.span.merge(last.span);
        let args = std::iter::once(first.id).chain(rest.iter().map(|(_, arg)| arg.id));
        let args = args.collect();
        self.push(ExprKind::BoolOp { op, args }, span)
    }

    /// `x if c else y if d else z` is `x if c else (y if d else z)`.
    pub(crate) fn conditional(
        &mut self,
        first: Operand,
        mut tails: Vec<(Operand, Operand)>,
    ) -> Operand {
        let Some((mut cond, mut otherwise)) = tails.pop() else {
            return first;
        };
        loop {
            let next = tails.pop();
            let then = next.map_or(first, |(_, then)| then);
            let span = then.span.merge(otherwise.span);
            let kind = ExprKind::IfElse {
                cond: cond.id,
                then: then.id,
                otherwise: otherwise.id,
            };
            otherwise = self.push(kind, span);
            match next {
                Some((outer, _)) => cond = outer,
                None => return otherwise,
            }
        }
    }

    // What stands in calls, subscripts and statements.

    pub(crate) fn args(&mut self, args: Vec<(Option<Item>, Operand)>) -> Vec<Arg> {
        let mut keywords: HashMap<&str, Span> = HashMap::new();
        let mut first_keyword = None;
        let mut out = Vec::with_capacity(args.len());
        for (keyword, value) in args {
            let name = match keyword {
                Some(item) => {
                    let name = self.text(item.span);
                    first_keyword.get_or_insert(item.span);
                    if let Some(first) = keywords.insert(name, item.span) {
                        let name = name.to_owned();
                        let kind = SyntaxErrorKind::RepeatedKeyword { name, first };
                        self.findings.push(kind, item.span);
                    }
                    Some((name.to_owned(), item.span))
                }
                None => {
                    if let Some(keyword) = first_keyword.take() {
                        let kind = SyntaxErrorKind::PositionalAfterKeyword { keyword };
                        self.findings.push(kind, value.span);
                    }
                    None
                }
            };
            let value = value.id;
            out.push(Arg { name, value });
        }
        out
    }

    /// An integer with its sign, as a position along an axis.
    pub(crate) fn position(&mut self, sign: Option<(UnaryOp, Span)>, int: Item) -> i64 {
        let span = sign.map_or(int.span, |(_, at)| at.merge(int.span));
        let magnitude = literal::int(self.text(int.span)).map(|lit| lit.value);
        let value = magnitude.and_then(|n| i128::try_from(n).ok());
        let value = value.and_then(|n| match sign.map(|(op, _)| op) {
            None | Some(UnaryOp::Pos) => i64::try_from(n).ok(),
            Some(UnaryOp::Neg) => i64::try_from(-n).ok(),
            Some(_) => i64::try_from(!n).ok(),
        });
        value.unwrap_or_else(|| {
            let kind = SyntaxErrorKind::InvalidSubscript(SubscriptFault::TooLarge);
            self.findings.push(kind, span);
            0
        })
    }

    pub(crate) fn subscript_items(
        &mut self,
        items: Vec<(SubscriptKind, Span)>,
    ) -> Vec<SubscriptItem> {
        let mut ellipses = 0;
        for &(kind, span) in &items {
            let fault = match kind {
                SubscriptKind::Slice { step: Some(0), .. } => SubscriptFault::ZeroStep,
                SubscriptKind::Ellipsis => {
                    ellipses += 1;
                    if ellipses == 1 {
                        continue;
                    }
                    SubscriptFault::TwoEllipses
                }
                _ => continue,
            };
            self.findings
                .push(SyntaxErrorKind::InvalidSubscript(fault), span);
        }
        let items = items.into_iter();
        items
            .map(|(kind, span)| SubscriptItem { kind, span })
            .collect()
    }

    /// A statement from its value and, if it has a name, its first token and the name.
    pub(crate) fn statement(&mut self, head: Option<(Item, Item)>, value: Operand) -> Stmt {
        let Some((first, name)) = head else {
            return Stmt::bare(value.id, value.span);
        };
        let span = first.span.merge(value.span);
        let text = self.text(name.span).to_owned();
        let make = match first.token {
            Token::Let => Stmt::temporary,
            _ => Stmt::output,
        };
        make(text, name.span, value.id, span)
    }
}
