//! The statements of an expression, as its text has them: [`Statement`].

use std::collections::HashSet;

use numloom_ir::func::{Func, Rule};
use numloom_syntax::{Ast, ExprId, ExprKind, StmtKind};

use crate::expr::Expr;

/// One statement: for those who run an expression in pieces, such as over the chunks of a distributed array.
///
/// ```
/// use numloom::Expr;
///
/// let expr = Expr::parse("let d = a - b; worst = max(abs(d), axis=0); d - mean(d)")?;
/// let [d, worst, rest] = &expr.statements()[..] else { panic!("three") };
/// assert_eq!((d.text, d.is_output, d.is_elementwise), ("let d = a - b", false, true));
/// let reduction = worst.reduction.as_ref().unwrap();
/// assert_eq!((reduction.name, reduction.operand), ("max", "abs(d)"));
/// assert_eq!(reduction.arguments, [(Some("axis"), "0")]);
/// assert!(rest.reduction.is_none() && !rest.is_elementwise);
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statement<'e> {
    /// All of it.
    pub text: &'e str,
    /// The name it gives; none for a bare expression.
    pub name: Option<&'e str>,
    /// Whether it is an output, and not a temporary.
    pub is_output: bool,
    /// Its value.
    pub value: &'e str,
    /// The reduction that its value is.
    pub reduction: Option<ReductionCall<'e>>,
    /// Whether each element of the value, or of what is reduced to it, depends on the elements of inputs at its own place only: nothing
    /// else is reduced, and no input is subscripted, here or in what it is made of.
    pub is_elementwise: bool,
}

/// The call of a reduction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReductionCall<'e> {
    /// Its usual name.
    pub name: &'static str,
    /// What is reduced.
    pub operand: &'e str,
    /// All other arguments: the keyword, if there is one, and the value.
    pub arguments: Vec<(Option<&'e str>, &'e str)>,
}

impl Expr {
    /// Its statements, in order.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement<'_>> {
        let (ast, src) = (self.ast(), self.src());
        let mut reduced_names = HashSet::new();
        let mut statements = Vec::with_capacity(ast.stmts.len());
        for stmt in &ast.stmts {
            let reduction = reduction(ast, src, stmt.value);
            let is_elementwise = elementwise(ast, stmt.value, &reduced_names);
            let name = stmt.name.as_ref().map(|(name, _)| name.as_str());
            if let Some(name) = name
                && (reduction.is_some() || !is_elementwise)
            {
                reduced_names.insert(name);
            }
            statements.push(Statement {
                text: &src[stmt.span.range()],
                name,
                is_output: stmt.kind != StmtKind::Let,
                value: &src[ast.span(stmt.value).range()],
                reduction,
                is_elementwise,
            });
        }
        statements
    }
}

fn is_reduction(func: &str) -> Option<&'static Func> {
    Func::find(func).filter(|func| matches!(func.rule, Rule::Reduce(..)))
}

fn reduction<'e>(ast: &'e Ast, src: &'e str, value: ExprId) -> Option<ReductionCall<'e>> {
    let ExprKind::Call { func, args, .. } = ast.kind(value) else {
        return None;
    };
    let func = is_reduction(func)?;
    let text = |id| &src[ast.span(id).range()];
    let (first, rest) = args.split_first()?;
    let argument = |arg: &'e numloom_syntax::Arg| {
        let name = arg.name.as_ref().map(|(name, _)| name.as_str());
        (name, text(arg.value))
    };
    first.name.is_none().then(|| ReductionCall {
        name: func.names[0],
        operand: text(first.value),
        arguments: rest.iter().map(argument).collect(),
    })
}

/// Whether nothing below `root`, which may be a reduction itself, is reduced, subscripted, or named among `reduced`.
fn elementwise(ast: &Ast, root: ExprId, reduced: &HashSet<&str>) -> bool {
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        match ast.kind(id) {
            ExprKind::Subscript { .. } => return false,
            ExprKind::Name(name) if reduced.contains(name.as_str()) => return false,
            ExprKind::Call { func, .. } if id != root && is_reduction(func).is_some() => {
                return false;
            }
            _ => {}
        }
        ast.kind(id).for_each_child(|child| stack.push(child));
    }
    true
}
