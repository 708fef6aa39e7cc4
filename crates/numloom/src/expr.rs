//! A parsed expression: [`Expr`].

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use numloom_ir::{FloatEnv, Schema};
use numloom_syntax::{Arg, Ast, ExprKind, StmtKind, parse_with};

use crate::engine::{Check, Engine};
use crate::error::{Error, Text};
use crate::inputs::Input;
use crate::kernel::Kernel;
use crate::options::Options;
use crate::outputs::Outputs;

/// Names that stand for numbers unless an input has them.
pub(crate) const CONSTANTS: [&str; 4] = ["pi", "e", "inf", "nan"];

/// A parsed expression, not yet compiled for any dtypes.
///
/// Cheap to clone. `Display` prints it in canonical form, which parses to the same tree; [`src`](Expr::src) is the text as it
/// was written. Compiled kernels are cached by the engine, so that [`eval`](Expr::eval) compiles once for each combination of
/// dtypes.
///
/// ```
/// use numloom::Expr;
///
/// let expr = Expr::parse("let d = a-b; rms = sqrt(mean(d*d)); max(abs(d))")?;
/// assert_eq!(expr.inputs(), ["a", "b"]);
/// assert_eq!(expr.outputs(), [Some("rms"), None]);
/// assert_eq!(Expr::parse("sum(a, dtype=f32)")?.inputs(), ["a"]);
/// assert_eq!(expr.to_string(), "let d = a - b\nrms = sqrt(mean(d * d))\nmax(abs(d))");
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Expr(pub(crate) Arc<Text>);

impl Expr {
    /// Parses an expression, under the default limits.
    ///
    /// # Errors
    /// All that is wrong with the text, up to 16 mistakes; kind `Syntax`, or `Limit`.
    pub fn parse(src: &str) -> Result<Expr, Error> {
        Expr::parse_with(src, &Options::new())
    }

    /// Parses an expression, under the limits of `options`.
    ///
    /// # Errors
    /// As [`parse`](Expr::parse).
    pub fn parse_with(src: &str, options: &Options) -> Result<Expr, Error> {
        let src: Arc<str> = src.into();
        // The text of a number becomes one.
        let _env = FloatEnv::enter();
        match parse_with(&src, &options.syntax_limits()) {
            Ok(ast) => Ok(Expr(Arc::new(Text { src, ast }))),
            Err(errors) => Err(Error::syntax(&errors, &src)),
        }
    }

    /// The text as it was written.
    #[must_use]
    pub fn src(&self) -> &str {
        &self.0.src
    }

    /// The tree.
    #[must_use]
    pub fn ast(&self) -> &Ast {
        &self.0.ast
    }

    /// The names that it reads, each once, in the order they come up; without the constants `pi`, `e`, `inf` and `nan`.
    #[must_use]
    pub fn inputs(&self) -> Vec<&str> {
        let mut seen: HashSet<&str> = CONSTANTS.into();
        seen.extend(
            self.0
                .ast
                .stmts
                .iter()
                .flat_map(|stmt| &stmt.name)
                .map(|(name, _)| name.as_str()),
        );
        self.names().filter(|name| seen.insert(name)).collect()
    }

    /// The names that it reads where some are given: a constant is read as an input if it is.
    pub(crate) fn inputs_given(&self, is_given: impl Fn(&str) -> bool) -> Vec<&str> {
        let mut read = self.inputs();
        let defined = |name: &str| {
            let names = self.0.ast.stmts.iter().flat_map(|stmt| &stmt.name);
            names.into_iter().any(|(defined, _)| defined == name)
        };
        for name in self.names().filter(|name| CONSTANTS.contains(name)) {
            if is_given(name) && !defined(name) && !read.contains(&name) {
                read.push(name);
            }
        }
        read
    }

    /// Its outputs in order: the name, or none for a bare expression.
    #[must_use]
    pub fn outputs(&self) -> Vec<Option<&str>> {
        let stmts = self
            .0
            .ast
            .stmts
            .iter()
            .filter(|stmt| stmt.kind != StmtKind::Let);
        stmts
            .map(|stmt| stmt.name.as_ref().map(|(name, _)| name.as_str()))
            .collect()
    }

    /// All names that it reads, as often as it does. The name of a dtype in `dtype=f32` is read from the text.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let exprs = &self.0.ast.exprs;
        let arguments = exprs.iter().flat_map(|node| match &node.kind {
            ExprKind::Call { args, .. } => &args[..],
            _ => &[],
        });
        let is_dtype = |arg: &&Arg| matches!(&arg.name, Some((name, _)) if name == "dtype");
        let dtypes: HashSet<usize> = arguments
            .filter(is_dtype)
            .map(|arg| arg.value.index())
            .collect();
        let nodes = exprs.iter().enumerate();
        nodes.filter_map(move |(i, node)| match &node.kind {
            ExprKind::Name(name) if !dtypes.contains(&i) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Compiles it for these inputs, on the [global](Engine::global) engine.
    ///
    /// # Errors
    /// All that is wrong with names and dtypes; kind `Type`, `Compile` or `Limit`.
    pub fn compile(&self, schema: &Schema) -> Result<Kernel, Error> {
        Engine::global()?.compile(self, schema)
    }

    /// Runs it over `inputs`, on the [global](Engine::global) engine; compiled when dtypes are met first.
    ///
    /// # Errors
    /// Those of [`compile`](Expr::compile) and of [`Kernel::run`].
    pub fn eval<'i, 'n>(
        &self,
        inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
    ) -> Result<Outputs, Error> {
        Engine::global()?.eval_expr(self, inputs)
    }

    /// What it would compute for these inputs, or all that is wrong with it.
    #[must_use]
    pub fn check(&self, schema: &Schema) -> Check {
        Check::of(self, schema, &Options::new())
    }
}

impl FromStr for Expr {
    type Err = Error;

    fn from_str(src: &str) -> Result<Expr, Error> {
        Expr::parse(src)
    }
}

/// The same tree, whatever the spaces and parentheses in the text.
impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        self.0.ast == other.0.ast
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.ast.fmt(f)
    }
}
