//! Texts over lazy arrays: [`Lazy::expr`].

use std::collections::HashMap;

use numloom_data::Array;
use numloom_syntax::{ExprId, ExprKind, StmtKind};

use crate::engine::Engine;
use crate::error::Error;
use crate::expr::Expr;
use crate::lazy::Lazy;
use crate::lazy::node::infer_text;
use crate::lazy::operand::{Operand, Repr};
use crate::lazy::template::Builder;

impl Lazy {
    /// What a text says of these values, each under its name: an expression with one output, temporaries before it.
    ///
    /// # Errors
    /// All that is wrong with the text, names, dtypes and shapes, drawn under it.
    ///
    /// ```
    /// use numloom::Lazy;
    ///
    /// let x = Lazy::from_array(vec![1.0, 2.0, 6.0]);
    /// let change = Lazy::expr("let d = x[1:] - x[:-1]; d / mean(d)", [("x", &x)])?;
    /// assert_eq!(change.compute()?.to_vec::<f64>()?, [0.4, 1.6]);
    /// assert!(Lazy::expr("x + y", [("x", &x)]).unwrap_err().to_string().contains("no input named `y`"));
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn expr<'n, 'l>(
        text: &str,
        inputs: impl IntoIterator<Item = (&'n str, &'l Lazy)>,
    ) -> Result<Lazy, Error> {
        let expr = Expr::parse(text)?;
        let given: Vec<(&str, &Lazy)> = inputs.into_iter().collect();
        let mut known = Vec::with_capacity(given.len());
        for (name, lazy) in &given {
            let found = lazy.found()?;
            known.push((*name, found.dtype, &found.shape[..]));
        }
        infer_text(text, &known)?;
        let values = given.into_iter().map(|(name, lazy)| (name, lazy.into()));
        let made = read(&expr, values.collect());
        let lazy = match &made {
            Operand(Repr::Lazy(lazy)) => lazy.clone(),
            // Literals alone: there is nothing to put off.
            _ => {
                let inputs: [(&str, &Array); 0] = [];
                let value = Engine::global()?.eval_expr(&expr, inputs)?.into_value()?;
                Lazy::from_array(value.into_array()?)
            }
        };
        lazy.check()?;
        Ok(lazy)
    }
}

/// The value of the output, as operations on those of the names.
fn read<'e>(expr: &'e Expr, mut names: HashMap<&'e str, Operand>) -> Operand {
    let ast = expr.ast();
    let mut made: Vec<Option<Operand>> = vec![None; ast.exprs.len()];
    let mut output = ().into();
    let mut next = 0;
    for stmt in &ast.stmts {
        // A statement's nodes come before its value, which comes before those of the next.
        while next <= stmt.value.index() {
            made[next] = Some(node(ast.kind(ExprId(next as u32)), &made, &names));
            next += 1;
        }
        let value = made[stmt.value.index()].clone();
        let value = value.expect("children come before their parents");
        if stmt.kind != StmtKind::Let {
            output = value.clone();
        }
        if let Some((name, _)) = &stmt.name {
            names.insert(name, value);
        }
    }
    output
}

fn node(kind: &ExprKind, made: &[Option<Operand>], names: &HashMap<&str, Operand>) -> Operand {
    let child = |id: ExprId| {
        let made = made[id.index()].as_ref();
        made.expect("children come before their parents")
    };
    match kind {
        ExprKind::Name(name) if let Some(value) = names.get(name.as_str()) => {
            return value.clone();
        }
        ExprKind::Tuple(parts) => {
            let parts: Vec<Operand> = parts.iter().map(|&part| child(part).clone()).collect();
            return parts.into();
        }
        ExprKind::Subscript { base, items } => {
            let items: Vec<_> = items.iter().map(|item| item.kind).collect();
            let base = child(*base).lazy();
            return base
                .expect("only inputs are subscripted")
                .slice_items(&items)
                .into();
        }
        _ => {}
    }
    let mut builder = Builder::default();
    let mut placed = HashMap::new();
    let mut is_literal = true;
    kind.for_each_child(|id| {
        is_literal &= child(id).is_literal();
        placed.insert(id, builder.operand(child(id)));
    });
    let mut kind = kind.clone();
    kind.renumber_children(|id| placed[&id]);
    let root = builder.push(kind);
    match is_literal {
        true => Operand(Repr::Tree(builder.finish_literal(root))),
        false => builder.finish(root).into(),
    }
}
