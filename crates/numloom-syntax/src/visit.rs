//! Walking a tree: a node's children, a whole expression in order, the canonical order of the arena.
//!
//! Most passes need none of this: a loop over [`Ast::exprs`] meets every node after its children.

use crate::{Ast, ExprId, ExprKind, Stmt};

impl ExprKind {
    /// Calls `visit` with each child, in the order written.
    pub fn for_each_child(&self, mut visit: impl FnMut(ExprId)) {
        match self {
            Self::Int(_)
            | Self::Float(_)
            | Self::Imaginary(_)
            | Self::Bool(_)
            | Self::Bytes(_)
            | Self::Str(_)
            | Self::None
            | Self::Name(_) => {}
            Self::Unary { arg, .. } => visit(*arg),
            Self::Binary { lhs, rhs, .. } => {
                visit(*lhs);
                visit(*rhs);
            }
            Self::Compare { first, rest } => {
                visit(*first);
                rest.iter().for_each(|(_, _, rhs)| visit(*rhs));
            }
            Self::BoolOp { args, .. } | Self::Tuple(args) => args.iter().copied().for_each(visit),
            Self::IfElse {
                cond,
                then,
                otherwise,
            } => {
                visit(*then);
                visit(*cond);
                visit(*otherwise);
            }
            Self::Call { args, .. } => args.iter().for_each(|arg| visit(arg.value)),
            Self::Attr { base, .. } | Self::Subscript { base, .. } => visit(*base),
        }
    }

    /// Replaces each child by what `renumber` makes of it.
    pub fn renumber_children(&mut self, renumber: impl Fn(ExprId) -> ExprId) {
        let renumber = |id: &mut ExprId| *id = renumber(*id);
        match self {
            Self::Int(_)
            | Self::Float(_)
            | Self::Imaginary(_)
            | Self::Bool(_)
            | Self::Bytes(_)
            | Self::Str(_)
            | Self::None
            | Self::Name(_) => {}
            Self::Unary { arg, .. } => renumber(arg),
            Self::Binary { lhs, rhs, .. } => {
                renumber(lhs);
                renumber(rhs);
            }
            Self::Compare { first, rest } => {
                renumber(first);
                rest.iter_mut().for_each(|(_, _, rhs)| renumber(rhs));
            }
            Self::BoolOp { args, .. } | Self::Tuple(args) => args.iter_mut().for_each(renumber),
            Self::IfElse {
                cond,
                then,
                otherwise,
            } => {
                renumber(then);
                renumber(cond);
                renumber(otherwise);
            }
            Self::Call { args, .. } => args.iter_mut().for_each(|arg| renumber(&mut arg.value)),
            Self::Attr { base, .. } | Self::Subscript { base, .. } => renumber(base),
        }
    }
}

/// A step of [`Ast::walk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Before the children.
    Enter(ExprId),
    /// After the children.
    Leave(ExprId),
}

impl Ast {
    /// Walks an expression in the order written, without recursion.
    ///
    /// # Panics
    /// While iterating, if an id is out of range.
    ///
    /// ```
    /// use numloom_syntax::{ExprKind, Step, parse};
    /// let ast = parse("f(a, b) + c")?;
    /// let names = ast.walk(ast.stmts[0].value).filter_map(|step| match step {
    ///     Step::Enter(id) => match ast.kind(id) {
    ///         ExprKind::Name(name) => Some(name.as_str()),
    ///         _ => None,
    ///     },
    ///     Step::Leave(_) => None,
    /// });
    /// assert_eq!(names.collect::<Vec<_>>(), ["a", "b", "c"]);
    /// # Ok::<(), numloom_syntax::SyntaxErrors>(())
    /// ```
    pub fn walk(&self, root: ExprId) -> impl Iterator<Item = Step> + '_ {
        let mut stack = vec![Step::Enter(root)];
        std::iter::from_fn(move || {
            let step = stack.pop()?;
            if let Step::Enter(id) = step {
                stack.push(Step::Leave(id));
                let below = stack.len();
                self.kind(id)
                    .for_each_child(|child| stack.push(Step::Enter(child)));
                stack[below..].reverse();
            }
            Some(step)
        })
    }

    /// The same program with its nodes in post-order of the text, statement by statement, and without
    /// nodes that no statement reaches. The parser's trees are in this order already.
    ///
    /// # Panics
    /// If an id is out of range.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        let mut order = Vec::with_capacity(self.exprs.len());
        for stmt in &self.stmts {
            order.extend(self.walk(stmt.value).filter_map(|step| match step {
                Step::Leave(id) => Some(id),
                Step::Enter(_) => None,
            }));
        }
        let mut new_ids = vec![ExprId(0); self.exprs.len()];
        let mut exprs = Vec::with_capacity(order.len());
        for id in order {
            let old = &mut self.exprs[id.index()];
            let mut kind = std::mem::replace(&mut old.kind, ExprKind::None);
            kind.renumber_children(|child| new_ids[child.index()]);
            new_ids[id.index()] = ExprId(exprs.len() as u32);
            let span = old.span;
            exprs.push(crate::ExprNode { kind, span });
        }
        let renumber = |stmt: Stmt| Stmt {
            value: new_ids[stmt.value.index()],
            ..stmt
        };
        let stmts = self.stmts.into_iter().map(renumber).collect();
        Self { exprs, stmts }
    }
}
