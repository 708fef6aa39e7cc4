//! From a part of the graph to one program of the language: [`Lowered`].
//!
//! Each source becomes one input, what is used more than once a temporary, each value that is asked for an output. The tree is printed and parsed, so that it has a text to point at.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use numloom_ir::func::Func;
use numloom_syntax::{Ast, ExprId, ExprKind, Span, Stmt};

use crate::error::Error;
use crate::expr::{CONSTANTS, Expr};
use crate::lazy::Lazy;
use crate::lazy::node::Op;
use crate::lazy::stages::postorder;
use crate::options::Options;

/// Nodes inside nodes, before one is given a name: lines that can be read, and no nesting past the parser's limit.
const MAX_NESTING: usize = 24;

/// A program, and what its inputs are.
#[derive(Debug)]
pub(super) struct Lowered {
    pub(super) expr: Expr,
    /// Names, and the sources, columns or held values that they stand for.
    pub(super) inputs: Vec<(String, Lazy)>,
    /// What each output is called.
    pub(super) outputs: Vec<String>,
}

/// What makes two leaves the same input.
fn identity(leaf: &Lazy) -> (*const (), usize) {
    match leaf.op() {
        Op::Source(source) => (Arc::as_ptr(source).cast(), 0),
        Op::Column(table, column) => (Arc::as_ptr(table).cast(), *column),
        Op::Held(of) => (of.key(), 0),
        _ => (leaf.key(), 0),
    }
}

/// What a node stands on in its own program.
fn operands(node: &Lazy) -> &[Lazy] {
    match node.op() {
        Op::Held(_) => &[],
        op => op.operands(),
    }
}

/// Names that mean nothing else.
#[derive(Default)]
struct Names {
    taken: HashSet<String>,
    /// By the beginning of a name, the number to try next.
    next: HashMap<String, usize>,
}

impl Names {
    /// This name, or one like it.
    fn take(&mut self, wanted: &str) -> String {
        let is_plain = |name: &str| {
            let mut letters = name.chars();
            let starts = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
            starts
                && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !CONSTANTS.contains(&name)
                && Func::find(name).is_none()
                && Expr::parse(name).is_ok_and(|expr| expr.inputs() == [name])
        };
        let stem = match wanted {
            wanted if is_plain(wanted) => wanted,
            _ => "x",
        };
        let next = self.next.entry(stem.to_owned()).or_insert(1);
        loop {
            let name = match *next {
                1 => stem.to_owned(),
                i => format!("{stem}_{i}"),
            };
            *next += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// How a node is written where it is used.
enum Written {
    Name(String),
    /// Once, here.
    Here(ExprId, usize),
}

struct Lower {
    ast: Ast,
    names: Names,
    written: HashMap<*const (), Written>,
    inputs: HashMap<(*const (), usize), String>,
    lowered: Vec<(String, Lazy)>,
}

/// One program for these values.
pub(super) fn lower(values: &[&Lazy]) -> Result<Lowered, Error> {
    let nodes = postorder(values.iter().copied(), operands);
    let mut uses: HashMap<*const (), usize> = HashMap::new();
    let mut use_it = |node: &Lazy| *uses.entry(node.key()).or_insert(0) += 1;
    for node in &nodes {
        match node.op() {
            Op::Apply(template, operands) => {
                template.places().for_each(|place| use_it(&operands[place]))
            }
            _ => operands(node).iter().for_each(&mut use_it),
        }
    }
    values.iter().for_each(|value| use_it(value));
    let mut lower = Lower {
        ast: Ast::new(),
        names: Names::default(),
        written: HashMap::new(),
        inputs: HashMap::new(),
        lowered: Vec::new(),
    };
    // Inputs first: they have names of their own.
    for node in &nodes {
        lower.declare(node);
    }
    for node in &nodes {
        lower.node(node, uses[&node.key()]);
    }
    let mut outputs = Vec::with_capacity(values.len());
    for value in values {
        let (root, _) = lower.place(value);
        let name = lower.names.take("y");
        let span = Span::default();
        let stmt = Stmt::output(name.clone(), span, root, span);
        lower.ast.stmts.push(stmt);
        outputs.push(name);
    }
    let all = usize::MAX >> 1;
    let unlimited = Options::new().max_tokens(all).max_source_bytes(all);
    let expr = Expr::parse_with(&lower.ast.to_string(), &unlimited)?;
    Ok(Lowered {
        expr,
        inputs: lower.lowered,
        outputs,
    })
}

impl Lower {
    fn declare(&mut self, node: &Lazy) {
        let wanted = match node.op() {
            Op::Source(source) => source.name().unwrap_or_else(|| "a".into()),
            Op::Column(table, column) => table.columns()[*column].name.clone(),
            Op::Held(_) => "held".into(),
            _ => return,
        };
        let identity = identity(node);
        let name = match self.inputs.get(&identity) {
            Some(name) => name.clone(),
            None => {
                let name = self.names.take(&wanted);
                self.inputs.insert(identity, name.clone());
                self.lowered.push((name.clone(), node.clone()));
                name
            }
        };
        self.written.insert(node.key(), Written::Name(name));
    }

    /// Where a node is used: the expression, and how deep it goes.
    fn place(&mut self, node: &Lazy) -> (ExprId, usize) {
        match &self.written[&node.key()] {
            Written::Name(name) => {
                let kind = ExprKind::Name(name.clone());
                (self.ast.push(kind, Span::default()), 0)
            }
            Written::Here(id, depth) => (*id, *depth),
        }
    }

    fn node(&mut self, node: &Lazy, uses: usize) {
        let span = Span::default();
        let mut depth = 0;
        let id = match node.op() {
            Op::Source(_) | Op::Column(..) | Op::Held(_) | Op::Failed => return,
            Op::Subscript(of, items) => {
                let base = self.place(of).0;
                let items = items.clone();
                self.ast.push(ExprKind::Subscript { base, items }, span)
            }
            Op::Apply(template, operands) => {
                let mut ast = std::mem::take(&mut self.ast);
                let id = template.write(&mut ast, &mut |i, ast| {
                    std::mem::swap(ast, &mut self.ast);
                    let (id, below) = self.place(&operands[i]);
                    std::mem::swap(ast, &mut self.ast);
                    depth = depth.max(below);
                    id
                });
                self.ast = ast;
                id
            }
        };
        depth += 1;
        let written = match uses > 1 || depth >= MAX_NESTING {
            false => Written::Here(id, depth),
            true => {
                let name = self.names.take("t");
                let stmt = Stmt::temporary(name.clone(), span, id, span);
                self.ast.stmts.push(stmt);
                Written::Name(name)
            }
        };
        self.written.insert(node.key(), written);
    }
}
