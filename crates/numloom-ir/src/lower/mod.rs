//! From the tree to typed SSA: names resolved, dtypes inferred, literals given their dtype, every meaning fixed.
//!
//! What goes in: an [`Ast`], the [`Schema`] of the inputs, limits. What comes out: a [`Program`] that satisfies
//! [`verify`](crate::verify()), or every error found. What it never does: look at shapes or values of arrays, recurse, or compute in more than
//! 128 bits. After this stage no engine decides anything: constant powers are multiplications, a mixed comparison is exact, a
//! conversion is an instruction.

mod bytes;
mod call;
mod choice;
mod complex;
mod composed;
mod nulls;
mod operand;
mod operator;
mod reduction;
mod subscript;
mod weak;

use std::collections::HashMap;

use numloom_data::Scalar;
use numloom_math::FloatEnv;
use numloom_syntax::{Ast, ExprId, ExprKind, Span, StmtKind, nearest};

use crate::builder::Builder;
use crate::error::{LowerError, LowerErrorKind, LowerErrors};
use crate::func::Func;
use crate::program::{Program, Shape, ShapeSource, Value};
use crate::schema::Schema;
use nulls::Nulls;
use operand::{Operand, Parts, Weak};

/// Limits of [`lower()`]: every text costs a bounded amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LowerOptions {
    /// The most instructions of a program.
    pub max_nodes: usize,
    /// The most inputs of a schema.
    pub max_inputs: usize,
    /// The most errors reported at once.
    pub max_diagnostics: usize,
}

impl Default for LowerOptions {
    fn default() -> LowerOptions {
        LowerOptions {
            max_nodes: 100_000,
            max_inputs: 4_096,
            max_diagnostics: 16,
        }
    }
}

impl LowerOptions {
    /// With another limit on instructions.
    #[must_use]
    pub fn with_max_nodes(mut self, n: usize) -> LowerOptions {
        self.max_nodes = n;
        self
    }

    /// With another limit on inputs.
    #[must_use]
    pub fn with_max_inputs(mut self, n: usize) -> LowerOptions {
        self.max_inputs = n;
        self
    }
}

/// Gives an expression its meaning.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::{LowerOptions, Schema, lower};
///
/// let ast = numloom_syntax::parse("2*a + 1")?;
/// let prog = lower(&ast, &Schema::new().with("a", DType::I16), &LowerOptions::default())?;
/// assert_eq!(prog.dtype(prog.outputs[0].value), DType::I16); // literals are weak
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Unknown names and functions, dtypes that do not fit, literals out of range, what is not supported yet, limits: all that
/// are found, up to `max_diagnostics`, in the order of the source.
pub fn lower(ast: &Ast, schema: &Schema, options: &LowerOptions) -> Result<Program, LowerErrors> {
    lower_nullable(ast, schema, options).map(|(prog, _)| prog)
}

/// [`lower()`], and for each output that may be null the place, among the program's outputs, of its validity.
///
/// For each [nullable](crate::SchemaInput::nullable) input, in their order, the program reads one more array, behind those of the
/// schema: of dtype `bool` and of the input's shape, true where an element is there. For each output that depends on one, in
/// their order, it has one more output, behind those of the source: of the same shape, true where a result is there. What
/// the elements are elsewhere is not specified.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::{LowerOptions, Schema, lower_nullable};
///
/// let ast = numloom_syntax::parse("b = -a; total = sum(a)")?;
/// let schema = Schema::new().with_nullable("a", DType::I32);
/// let (prog, validities) = lower_nullable(&ast, &schema, &LowerOptions::default())?;
/// assert_eq!((prog.arrays().len(), prog.outputs.len()), (2, 3));
/// assert_eq!(validities, [Some(2), None]); // a sum is always there
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`lower()`].
pub fn lower_nullable(
    ast: &Ast,
    schema: &Schema,
    options: &LowerOptions,
) -> Result<(Program, Vec<Option<usize>>), LowerErrors> {
    let _env = FloatEnv::enter();
    let mut lower = Lower::new(ast, schema, options);
    lower.declare_validities();
    lower.statements();
    if !lower.errors.is_empty() {
        return Err(LowerErrors::new(lower.errors));
    }
    let validities = lower.output_validities();
    Ok((lower.builder.finish(), validities))
}

/// An error was reported; what depends on it is not looked at again.
struct Poisoned;

type Lowered<T> = Result<T, Poisoned>;

/// What a name defined by a statement stands for.
struct Binding {
    operand: Lowered<Operand>,
    sources: Vec<ShapeSource>,
    span: Span,
}

struct Lower<'a> {
    ast: &'a Ast,
    schema: &'a Schema,
    options: &'a LowerOptions,
    builder: Builder,
    errors: Vec<LowerError>,
    /// What each node of the tree became, once it did.
    nodes: Vec<Option<Lowered<Operand>>>,
    /// The input called so.
    inputs: HashMap<&'a str, u32>,
    /// The value that reads each input, once one does.
    reads: HashMap<u32, Value>,
    /// Where the shape of a node comes from, if not from what stands below it: reductions and subscripts.
    shaped: HashMap<ExprId, Vec<ShapeSource>>,
    bindings: HashMap<&'a str, Binding>,
    nulls: Nulls,
}

impl<'a> Lower<'a> {
    fn new(ast: &'a Ast, schema: &'a Schema, options: &'a LowerOptions) -> Self {
        let mut builder = Builder::new();
        let mut inputs = HashMap::new();
        for input in &schema.inputs {
            inputs.insert(
                input.name.as_str(),
                builder.declare(&input.name, input.dtype),
            );
        }
        Lower {
            ast,
            schema,
            options,
            builder,
            errors: Vec::new(),
            nodes: (0..ast.exprs.len()).map(|_| None).collect(),
            reads: HashMap::new(),
            shaped: HashMap::new(),
            inputs,
            bindings: HashMap::new(),
            nulls: Nulls::default(),
        }
    }

    /// Reports an error at `span`.
    fn refuse<T>(&mut self, span: Span, kind: LowerErrorKind) -> Lowered<T> {
        if self.errors.len() < self.options.max_diagnostics {
            self.errors.push(LowerError { kind, span });
        }
        Err(Poisoned)
    }

    fn not_yet<T>(&mut self, span: Span, what: impl Into<String>) -> Lowered<T> {
        self.refuse(span, LowerErrorKind::NotSupportedYet { what: what.into() })
    }

    fn statements(&mut self) {
        let everything = Span::new(0, self.ast.stmts.last().map_or(0, |stmt| stmt.span.end));
        let found = self.schema.inputs.len();
        if found > self.options.max_inputs {
            let limit = self.options.max_inputs;
            let _: Lowered<()> = self.refuse(
                everything,
                LowerErrorKind::Limit {
                    setting: "max_inputs",
                    limit,
                    found,
                },
            );
            return;
        }
        let mut visited = vec![0u32; self.ast.exprs.len()];
        for (i, stmt) in self.ast.stmts.iter().enumerate() {
            let order = self.postorder(stmt.value, &mut visited, i as u32 + 1);
            for id in order {
                if self.nodes[id.index()].is_none() {
                    self.nodes[id.index()] = Some(self.node(id));
                }
                let found = self.builder.program().insts.len();
                if found > self.options.max_nodes {
                    let limit = self.options.max_nodes;
                    let kind = LowerErrorKind::Limit {
                        setting: "max_nodes",
                        limit,
                        found,
                    };
                    let _: Lowered<()> = self.refuse(self.ast.span(id), kind);
                    return;
                }
            }
            let operand = self.result(stmt.value);
            let sources = self.sources(stmt.value);
            if stmt.kind != StmtKind::Let {
                self.output(
                    stmt.name.as_ref().map(|(name, _)| name.as_str()),
                    stmt.value,
                    &operand,
                    &sources,
                );
            }
            if let Some((name, span)) = &stmt.name {
                self.bind(
                    name,
                    Binding {
                        operand,
                        sources,
                        span: *span,
                    },
                );
            }
        }
        if self.errors.is_empty() && self.builder.program().outputs.is_empty() {
            let _: Lowered<()> = self.refuse(everything, LowerErrorKind::NoOutput);
        }
    }

    /// The nodes below and including `root`, children first; `visited` holds the number of the last statement that saw a node.
    fn postorder(&self, root: ExprId, visited: &mut [u32], stmt: u32) -> Vec<ExprId> {
        let mut found = Vec::new();
        let mut stack = vec![root];
        while let Some(id) = stack.pop() {
            if std::mem::replace(&mut visited[id.index()], stmt) != stmt {
                found.push(id);
                self.ast.kind(id).for_each_child(|child| stack.push(child));
            }
        }
        // The arena holds children before their parents.
        found.sort_unstable();
        found
    }

    /// Where the shape of a node comes from: the inputs that it mentions, by name or through a temporary, and its reductions.
    fn sources(&self, root: ExprId) -> Vec<ShapeSource> {
        let mut sources = Vec::new();
        let mut stack = vec![root];
        while let Some(id) = stack.pop() {
            if let Some(shaped) = self.shaped.get(&id) {
                sources.extend(shaped);
            } else if let ExprKind::Name(name) = self.ast.kind(id) {
                if let Some(binding) = self.bindings.get(name.as_str()) {
                    sources.extend(&binding.sources);
                } else if let Some(&input) = self.inputs.get(name.as_str()) {
                    sources.push(ShapeSource::Input(input));
                }
            } else {
                self.ast.kind(id).for_each_child(|child| stack.push(child));
            }
        }
        sources.sort_unstable();
        sources.dedup();
        sources
    }

    fn bind(&mut self, name: &'a str, binding: Binding) {
        let first = match (self.bindings.get(name), self.inputs.get(name)) {
            (Some(first), _) => Some(first.span),
            (None, Some(_)) => None,
            (None, None) => {
                self.bindings.insert(name, binding);
                return;
            }
        };
        let kind = LowerErrorKind::DuplicateName {
            name: name.to_owned(),
            first,
        };
        let _: Lowered<()> = self.refuse(binding.span, kind);
    }

    fn output(
        &mut self,
        name: Option<&str>,
        id: ExprId,
        operand: &Lowered<Operand>,
        sources: &[ShapeSource],
    ) {
        let Ok(operand) = operand else { return };
        let span = self.ast.span(id);
        let operand = &operand.clone().fixed();
        self.builder.at(span);
        let shape = Shape::new(sources.iter().copied());
        if operand.is_complex() {
            if let Ok(Parts { re, im }) = self.complex(operand, span) {
                self.builder.output_shaped(name, re, Some(im), shape);
            }
        } else if let Ok(value) = self.strong(operand, span) {
            self.builder.output_shaped(name, value, None, shape);
        }
    }

    /// What a child node became; an error in it was reported already.
    fn result(&self, id: ExprId) -> Lowered<Operand> {
        match &self.nodes[id.index()] {
            Some(Ok(operand)) => Ok(operand.clone()),
            _ => Err(Poisoned),
        }
    }

    /// Lowers one node; its children are done.
    fn node(&mut self, id: ExprId) -> Lowered<Operand> {
        let ast = self.ast;
        let span = ast.span(id);
        self.builder.at(span);
        match ast.kind(id) {
            ExprKind::Int(literal) => match i128::try_from(literal.value) {
                Ok(value) => Ok(Operand::Weak(Weak::Int(value))),
                Err(_) => self.refuse(span, LowerErrorKind::ConstantOverflow),
            },
            ExprKind::Float(value) => Ok(Operand::Weak(Weak::Float(*value))),
            ExprKind::Bool(value) => {
                Ok(Operand::Value(self.builder.constant(Scalar::Bool(*value))))
            }
            ExprKind::Imaginary(value) => Ok(Operand::ComplexLiteral(0.0, *value)),
            ExprKind::Bytes(bytes) => Ok(Operand::Bytes(bytes.as_slice().into())),
            ExprKind::Str(text) => Ok(Operand::Text(text.clone())),
            ExprKind::None => Ok(Operand::Other("`None`")),
            ExprKind::Tuple(_) => Ok(Operand::Other("a tuple")),
            ExprKind::Name(name) => self.name(name, span),
            ExprKind::Unary { op, arg } => self.unary(*op, *arg, span),
            ExprKind::Binary {
                op,
                lhs,
                rhs,
                op_span,
            } => self.binary(*op, *lhs, *rhs, *op_span),
            ExprKind::Compare { first, rest } => self.comparison(*first, rest),
            ExprKind::BoolOp { op, args } => self.boolean(*op, args),
            ExprKind::IfElse {
                cond,
                then,
                otherwise,
            } => self.select(*cond, *then, *otherwise),
            ExprKind::Call {
                func,
                func_span,
                args,
            } => self.call(id, func, *func_span, args, span),
            ExprKind::Attr { base, attr, .. } => self.attribute(*base, *attr),
            ExprKind::Subscript { base, items } => self.subscript(id, *base, items, span),
        }
    }

    fn name(&mut self, name: &'a str, span: Span) -> Lowered<Operand> {
        if let Some(binding) = self.bindings.get(name) {
            return match &binding.operand {
                Ok(operand) => Ok(operand.clone()),
                Err(Poisoned) => Err(Poisoned),
            };
        }
        if let Some(&input) = self.inputs.get(name) {
            let operand = self.read(input);
            return Ok(match self.schema.inputs[input as usize].weak {
                true => self.weakened(operand),
                false => operand,
            });
        }
        let constant = match name {
            "pi" => std::f64::consts::PI,
            "e" => std::f64::consts::E,
            "inf" => f64::INFINITY,
            "nan" => f64::NAN,
            _ => {
                return match Func::dtype_named(name) {
                    Some(dtype) => Ok(Operand::DType(dtype)),
                    None => self.unknown_name(name, span),
                };
            }
        };
        Ok(Operand::Weak(Weak::Float(constant)))
    }

    fn unknown_name(&mut self, name: &str, span: Span) -> Lowered<Operand> {
        let known = self
            .bindings
            .keys()
            .copied()
            .chain(self.inputs.keys().copied());
        let mut known: Vec<&str> = known.collect();
        known.sort_unstable();
        let nearest = nearest(name, known.iter().copied()).map(str::to_owned);
        let inputs = self
            .schema
            .inputs
            .iter()
            .map(|input| input.name.clone())
            .collect();
        let function = Func::find(name).map(|func| func.signature);
        self.refuse(
            span,
            LowerErrorKind::UnknownName {
                name: name.to_owned(),
                nearest,
                inputs,
                function,
            },
        )
    }

    /// The value of an input; each is read once.
    fn read(&mut self, input: u32) -> Operand {
        let dtype = self.builder.program().inputs[input as usize].dtype;
        if dtype.is_complex() {
            Operand::Complex(self.read_parts(input))
        } else {
            Operand::Value(self.read_once(input))
        }
    }

    fn read_once(&mut self, input: u32) -> Value {
        if let Some(&value) = self.reads.get(&input) {
            return value;
        }
        let value = self.builder.read(input);
        self.reads.insert(input, value);
        value
    }
}
