//! Constant subscripts: pushed down to the sources, where they are views.
//!
//! What goes in: a value and a subscript. What comes out: the same value over subscripted sources, so that only what is asked for is read and computed. Where that would not be the same
//! value (a reduction of all elements has no axes to take from) the value is computed first, in a stage of its own. The bits are the same: reductions follow a tree over
//! positions along the reduced axes, which a subscript of the others leaves as they are.

use std::collections::HashMap;

use numloom_ir::func::{Func, Rule};
use numloom_syntax::{Arg, Ast, ExprKind, Span, Stmt, SubscriptItem, SubscriptKind, UnaryOp};

use crate::error::Error;
use crate::expr::Expr;
use crate::lazy::Lazy;
use crate::lazy::node::{Found, Op, World, infer_text};
use crate::lazy::template::Template;

/// All of an axis.
const ALL: SubscriptKind = SubscriptKind::Slice {
    start: None,
    stop: None,
    step: None,
};

impl Lazy {
    /// `x[text]`, with the constant subscripts of the language: `"1:-1"`, `"::2, 0"`, `"..., None"`. Nothing is copied.
    ///
    /// Of what is computed, only the elements that are asked for are; a reduction of all elements is computed first. Rows of a table
    /// cannot be subscripted: they are never there at once.
    ///
    /// ```
    /// use numloom::{Array, Lazy};
    ///
    /// let m = Lazy::from_array(Array::from_slice(&[1i64, 2, 3, 4, 5, 6], &[2, 3])?);
    /// let column = (&m * 10).slice("1:, ::2");
    /// assert_eq!(column.shape()?, [1, 2]);
    /// assert_eq!(column.compute()?.to_vec::<i64>()?, [40, 60]);
    /// assert_eq!(m.slice("5").check().unwrap_err().code().slug(), "axis-out-of-range");
    /// # Ok::<(), numloom::Error>(())
    /// ```
    #[must_use]
    pub fn slice(&self, text: &str) -> Lazy {
        let parsed = Expr::parse(&format!("x[{text}]"));
        let parsed = parsed.and_then(|expr| match &expr.ast().stmts[..] {
            [stmt] => match expr.ast().kind(stmt.value) {
                ExprKind::Subscript { base, items }
                    if matches!(expr.ast().kind(*base), ExprKind::Name(_)) =>
                {
                    Ok(items.iter().map(|item| item.kind).collect::<Vec<_>>())
                }
                _ => Err(Error::not_a_subscript(text)),
            },
            _ => Err(Error::not_a_subscript(text)),
        });
        match parsed {
            Ok(items) => self.slice_items(&items),
            Err(error) => Lazy::failed(error),
        }
    }

    /// The same, of subscripts as the tree has them.
    #[must_use]
    pub fn slice_items(&self, items: &[SubscriptKind]) -> Lazy {
        let sliced = self.found().and_then(|found| {
            if matches!(found.world, World::Table(_)) && !found.shape.is_empty() {
                return Err(Error::rows_subscripted());
            }
            // What is out of range, and too many of them, is for the compiler to tell.
            infer_text(&text(items), &[("x", found.dtype, &found.shape)])?;
            Ok(push_down(self, steps(items, found.shape.len())))
        });
        sliced.unwrap_or_else(Lazy::failed)
    }
}

/// `x[items]`.
pub(super) fn text(items: &[SubscriptKind]) -> String {
    let span = Span::default();
    let mut ast = Ast::new();
    let base = ast.push(ExprKind::Name("x".into()), span);
    let items = items.iter().map(|&kind| SubscriptItem { kind, span });
    let items = items.collect();
    let root = ast.push(ExprKind::Subscript { base, items }, span);
    ast.stmts.push(Stmt::bare(root, span));
    ast.to_string()
}

/// One item for each axis, and the new axes between them; no ellipsis.
fn steps(items: &[SubscriptKind], ndim: usize) -> Vec<SubscriptKind> {
    let is_taken = |item: &&SubscriptKind| {
        matches!(item, SubscriptKind::Index(_) | SubscriptKind::Slice { .. })
    };
    let rest = ndim - items.iter().filter(is_taken).count();
    let mut steps = Vec::with_capacity(ndim);
    let mut has_ellipsis = false;
    for &item in items {
        match item {
            SubscriptKind::Ellipsis => {
                has_ellipsis = true;
                steps.extend(std::iter::repeat_n(ALL, rest));
            }
            item => steps.push(item),
        }
    }
    if !has_ellipsis {
        steps.extend(std::iter::repeat_n(ALL, rest));
    }
    steps
}

type Task = (Lazy, Vec<SubscriptKind>);

/// The value with these steps taken, made from the bottom up, each part once.
fn push_down(root: &Lazy, steps: Vec<SubscriptKind>) -> Lazy {
    let key = |(node, steps): &Task| (node.key(), steps.clone());
    let root = (root.clone(), steps);
    let mut made: HashMap<_, Lazy> = HashMap::new();
    let mut pending = vec![root.clone()];
    while let Some(task) = pending.last() {
        let (node, steps) = task;
        let pushed = if made.contains_key(&key(task)) {
            None
        } else if steps.iter().all(|step| *step == ALL) {
            Some(node.clone())
        } else {
            match below(node, steps) {
                Below::Here(taken) => Some(taken),
                Below::Operands(template, tasks) => {
                    let missing = tasks.iter().filter(|task| !made.contains_key(&key(task)));
                    let missing: Vec<Task> = missing.cloned().collect();
                    if !missing.is_empty() {
                        pending.extend(missing);
                        continue;
                    }
                    let operands = tasks.iter().map(|task| made[&key(task)].clone());
                    Some(Lazy::apply(template, operands.collect()))
                }
            }
        };
        let task = key(task);
        pending.pop();
        if let Some(pushed) = pushed {
            made.insert(task, pushed);
        }
    }
    made.remove(&key(&root)).expect("made last")
}

/// What becomes of steps at a node.
enum Below {
    /// They are taken there.
    Here(Lazy),
    /// They are those of its operands, in an operation that may be another.
    Operands(Template, Vec<Task>),
}

fn below(node: &Lazy, steps: &[SubscriptKind]) -> Below {
    let Op::Apply(template, operands) = node.op() else {
        return Below::Here(take(node, steps));
    };
    let shapes: Option<Vec<&[usize]>> = operands.iter().map(shape).collect();
    let (Some(shapes), Some(out)) = (shapes, shape(node)) else {
        return Below::Here(node.clone());
    };
    let (template, full, steps) = match reduction(template) {
        None => (template.clone(), out.to_vec(), steps.to_vec()),
        Some(reduction) => {
            let full = broadcast(&shapes);
            let Some((steps, axes)) = reduction.steps_below(steps, full.len()) else {
                return Below::Here(take(&node.held(), steps));
            };
            (template.with_axes(Some(&axes)), full, steps)
        }
    };
    let tasks = operands.iter().zip(shapes);
    let tasks = tasks.map(|(operand, shape)| (operand.clone(), align(&steps, &full, shape)));
    Below::Operands(template, tasks.collect())
}

fn shape(node: &Lazy) -> Option<&[usize]> {
    node.0.found.as_ref().ok().map(|found| &found.shape[..])
}

/// A subscript of what is there.
fn take(node: &Lazy, steps: &[SubscriptKind]) -> Lazy {
    let span = Span::default();
    let found = node.found().and_then(|found| {
        let (dtype, shape) = infer_text(&text(steps), &[("x", found.dtype, &found.shape)])?;
        Ok(Found {
            dtype,
            shape,
            is_counted: found.is_counted,
            world: World::Arrays,
        })
    });
    let items = steps.iter().map(|&kind| SubscriptItem { kind, span });
    Lazy::new(Op::Subscript(node.clone(), items.collect()), found)
}

/// By NumPy's rule; that they go together is known.
fn broadcast(shapes: &[&[usize]]) -> Vec<usize> {
    let ndim = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut full = vec![1; ndim];
    for shape in shapes {
        for (extent, &own) in full[ndim - shape.len()..].iter_mut().zip(*shape) {
            if own != 1 {
                *extent = own;
            }
        }
    }
    full
}

/// The steps of an operand, from those of the shape that it broadcasts to.
fn align(steps: &[SubscriptKind], full: &[usize], own: &[usize]) -> Vec<SubscriptKind> {
    let missing = full.len() - own.len();
    let mut aligned = Vec::with_capacity(steps.len());
    let mut axis = 0;
    for &step in steps {
        if step == SubscriptKind::NewAxis {
            // Before all axes, it needs to be one of the widest operands only.
            if axis > missing || missing == 0 {
                aligned.push(step);
            }
            continue;
        }
        if axis >= missing {
            let stretched = own[axis - missing] != full[axis];
            aligned.push(match step {
                SubscriptKind::Index(_) if stretched => SubscriptKind::Index(0),
                _ if stretched => ALL,
                step => step,
            });
        }
        axis += 1;
    }
    aligned
}

/// Axes of a reduction that leaves some.
pub(super) struct Reduction {
    axes: Vec<i64>,
    keepdims: bool,
}

/// The reduction that an operation is.
pub(super) fn reduction(template: &Template) -> Option<Reduction> {
    let ExprKind::Call { func, args, .. } = template.root() else {
        return None;
    };
    Func::find(func).filter(|func| matches!(func.rule, Rule::Reduce(..)))?;
    let find = |keyword: &str, place: Option<usize>| {
        let is_it = |(i, arg): &(usize, &Arg)| match &arg.name {
            Some((name, _)) => name == keyword,
            None => Some(*i) == place,
        };
        let found = args.iter().enumerate().find(is_it);
        found.map(|(_, arg)| template.kind(arg.value))
    };
    let axis = |kind: &ExprKind| match kind {
        ExprKind::Int(literal) => i64::try_from(literal.value).ok(),
        ExprKind::Unary {
            op: UnaryOp::Neg,
            arg,
        } => match template.kind(*arg) {
            ExprKind::Int(literal) => i64::try_from(literal.value).ok().map(|axis| -axis),
            _ => None,
        },
        _ => None,
    };
    // Without axes there is nothing to take from, and where they are not plain, nothing is taken from below.
    let axes = match find("axis", Some(1)) {
        Some(ExprKind::Tuple(axes)) => axes.iter().map(|&id| axis(template.kind(id))).collect(),
        Some(kind) => axis(kind).map(|axis| vec![axis]),
        None => None,
    };
    let keepdims = match find("keepdims", None) {
        None | Some(ExprKind::Bool(false)) => Some(false),
        Some(ExprKind::Bool(true)) => Some(true),
        Some(_) => None,
    };
    Some(match (axes, keepdims) {
        (Some(axes), Some(keepdims)) => Reduction { axes, keepdims },
        _ => Reduction {
            axes: Vec::new(),
            keepdims: true,
        },
    })
}

impl Reduction {
    /// The steps of what is reduced, and the axes that are reduced then.
    fn steps_below(
        &self,
        steps: &[SubscriptKind],
        ndim: usize,
    ) -> Option<(Vec<SubscriptKind>, Vec<usize>)> {
        if self.axes.is_empty() {
            return None;
        }
        let mut reduced = vec![false; ndim];
        for &axis in &self.axes {
            let axis = if axis < 0 { axis + ndim as i64 } else { axis };
            *reduced.get_mut(usize::try_from(axis).ok()?)? = true;
        }
        let mut steps = steps.iter().copied().peekable();
        let (mut below, mut axes) = (Vec::new(), Vec::new());
        // The axis that the next step leaves.
        let mut left = 0;
        for is_reduced in reduced {
            if !is_reduced || self.keepdims {
                while steps.next_if_eq(&SubscriptKind::NewAxis).is_some() {
                    below.push(SubscriptKind::NewAxis);
                    left += 1;
                }
            }
            let step = match (is_reduced, self.keepdims) {
                (true, false) => ALL,
                (true, true) => steps.next().filter(|step| *step == ALL)?,
                (false, _) => steps.next()?,
            };
            if is_reduced {
                axes.push(left);
            }
            left += usize::from(!matches!(step, SubscriptKind::Index(_)));
            below.push(step);
        }
        below.extend(steps);
        Some((below, axes))
    }
}
