//! The graph: nodes, what is known of each, and the worlds they are computed in.
//!
//! What goes in: a template and the values that it stands on. What comes out: a [`Lazy`] whose dtype and shape are known, or that knows what is wrong. What it
//! never does: compute an element, or type anything by rules of its own; that is the compiler's.

use std::sync::{Arc, OnceLock};

use numloom_data::{Array, DType, Scalar};
use numloom_syntax::SubscriptItem;

use crate::Backend;
use crate::engine::Engine;
use crate::error::Error;
use crate::inputs::Input;
use crate::lazy::Lazy;
use crate::lazy::slice::reduction;
use crate::lazy::source::{Source, Table};
use crate::lazy::template::{Template, operand_name};
use crate::options::Options;

/// Rows of a table that have not been counted: as many as make no shape special.
pub(super) const SOME_ROWS: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) found: Result<Found, Error>,
    /// About how many rows are to be taken at a time.
    pub(super) chunk: Option<usize>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// An array that is there.
    Source(Arc<Source>),
    /// A column of a table.
    Column(Arc<Table>, usize),
    /// Of a source, or of another of these.
    Subscript(Lazy, Vec<SubscriptItem>),
    /// The same value, computed before what it is used in.
    Held(Lazy),
    /// One operation.
    Apply(Template, Vec<Lazy>),
    /// It is not known: it could not be made.
    Failed,
}

/// What is known of a node before it is computed.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) dtype: DType,
    /// With [`SOME_ROWS`] for rows that have not been counted.
    pub(super) shape: Vec<usize>,
    /// Whether all extents are known.
    pub(super) is_counted: bool,
    pub(super) world: World,
}

/// What is computed in one program: over arrays, all of which are there, or over one table, whose rows come by.
#[derive(Clone, Debug)]
pub(super) enum World {
    /// Values only.
    Anywhere,
    Arrays,
    Table(Arc<Table>),
}

impl World {
    pub(super) fn is(&self, other: &World) -> bool {
        match (self, other) {
            (World::Anywhere, World::Anywhere) | (World::Arrays, World::Arrays) => true,
            (World::Table(a), World::Table(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Op {
    pub(super) fn operands(&self) -> &[Lazy] {
        match self {
            Op::Source(_) | Op::Column(..) | Op::Failed => &[],
            Op::Subscript(of, _) | Op::Held(of) => std::slice::from_ref(of),
            Op::Apply(_, operands) => operands,
        }
    }

    fn take_operands(&mut self) -> Vec<Lazy> {
        match std::mem::replace(self, Op::Failed) {
            Op::Source(_) | Op::Column(..) | Op::Failed => Vec::new(),
            Op::Subscript(of, _) | Op::Held(of) => vec![of],
            Op::Apply(_, operands) => operands,
        }
    }
}

/// Takes no stack, however long the chain below.
impl Drop for Node {
    fn drop(&mut self) {
        let mut pending = self.op.take_operands();
        while let Some(Lazy(node)) = pending.pop() {
            if let Some(mut node) = Arc::into_inner(node) {
                pending.append(&mut node.op.take_operands());
            }
        }
    }
}

impl Lazy {
    pub(super) fn new(op: Op, found: Result<Found, Error>) -> Lazy {
        let hints = op.operands().iter().filter_map(|of| of.0.chunk);
        let chunk = hints.min();
        Lazy(Arc::new(Node { op, found, chunk }))
    }

    pub(super) fn failed(error: Error) -> Lazy {
        Lazy::new(Op::Failed, Err(error))
    }

    pub(super) fn op(&self) -> &Op {
        &self.0.op
    }

    pub(super) fn found(&self) -> Result<&Found, Error> {
        self.0.found.as_ref().map_err(Error::clone)
    }

    /// Where the node lies: equal for the same one only.
    pub(super) fn key(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }

    /// One operation on these, each of which the template names by its place.
    pub(super) fn apply(mut template: Template, mut operands: Vec<Lazy>) -> Lazy {
        let found = one_world(&mut operands).and_then(|world| {
            let (dtype, shape) = infer(&template, &operands)?;
            if matches!(world, World::Table(_)) && reduction(&template).is_some() {
                if !shape.is_empty() {
                    return Err(Error::rows_left());
                }
                // Along all axes, of a column that has one: the rows of a table are reduced as they come.
                template = template.with_axes(None);
            }
            let mut operands = operands.iter().map(Lazy::found);
            let is_counted = operands.all(|found| found.is_ok_and(|found| found.is_counted));
            Ok(Found {
                dtype,
                is_counted: is_counted || shape.is_empty(),
                shape,
                world,
            })
        });
        Lazy::new(Op::Apply(template, operands), found)
    }

    /// The same value, computed in a stage of its own.
    pub(super) fn held(&self) -> Lazy {
        let found = self.found().map(|found| Found {
            world: match found.shape[..] {
                [] => World::Anywhere,
                _ => World::Arrays,
            },
            ..found.clone()
        });
        Lazy::new(Op::Held(self.clone()), found)
    }
}

/// The world of the operands that have axes; of all, if none has. A value of another world is computed first.
fn one_world(operands: &mut [Lazy]) -> Result<World, Error> {
    let mut worlds = Vec::with_capacity(operands.len());
    for operand in &*operands {
        let found = operand.found()?;
        worlds.push((!found.shape.is_empty(), found.world.clone()));
    }
    let mut of_axes = worlds.iter().filter(|(has_axes, _)| *has_axes);
    let common = match of_axes.next() {
        Some((_, first)) => {
            match of_axes
                .map(|(_, world)| world)
                .find(|world| !world.is(first))
            {
                None => first.clone(),
                Some(World::Table(_)) if matches!(first, World::Table(_)) => {
                    return Err(Error::two_tables());
                }
                Some(_) => return Err(Error::table_and_array()),
            }
        }
        None => match &worlds[..] {
            [(_, first), rest @ ..] if rest.iter().all(|(_, world)| world.is(first)) => {
                first.clone()
            }
            _ => World::Anywhere,
        },
    };
    for (operand, (_, world)) in operands.iter_mut().zip(worlds) {
        let is_there = matches!(world, World::Anywhere) || world.is(&common);
        if !is_there {
            *operand = operand.held();
        }
    }
    Ok(common)
}

/// The engine that types: it makes no machine code.
fn typing() -> Result<&'static Engine, Error> {
    static TYPING: OnceLock<Engine> = OnceLock::new();
    if let Some(engine) = TYPING.get() {
        return Ok(engine);
    }
    let options = Options::new().backend(Backend::Interpreter).threads(1);
    let engine = Engine::new(options)?;
    Ok(TYPING.get_or_init(|| engine))
}

/// What the compiler says of an expression over arrays of these dtypes and shapes: dtype and shape of its one output.
pub(super) fn infer_text(
    text: &str,
    inputs: &[(&str, DType, &[usize])],
) -> Result<(DType, Vec<usize>), Error> {
    let zeros = inputs
        .iter()
        .map(|(_, dtype, _)| Array::from_scalar(&Scalar::zero(*dtype)));
    let zeros = zeros.collect::<Result<Vec<_>, _>>()?;
    let mut given: Vec<(&str, Input<'_>)> = Vec::with_capacity(inputs.len());
    for ((name, _, shape), zero) in inputs.iter().zip(&zeros) {
        given.push((name, zero.view().broadcast_to(shape)?.into()));
    }
    let kernel = typing()?.kernel(text, None, &given)?;
    let shapes = kernel.shapes(given.iter().map(|(name, input)| (*name, input)))?;
    match (&kernel.outputs()[..], &shapes[..]) {
        ([output], [shape]) => Ok((output.dtype, shape.clone())),
        _ => Err(kernel.names().not_one_output()),
    }
}

fn infer(template: &Template, operands: &[Lazy]) -> Result<(DType, Vec<usize>), Error> {
    let names: Vec<String> = (0..operands.len()).map(operand_name).collect();
    let mut inputs = Vec::with_capacity(operands.len());
    for (name, operand) in names.iter().zip(operands) {
        let found = operand.found()?;
        inputs.push((name.as_str(), found.dtype, &found.shape[..]));
    }
    infer_text(&template.to_string(), &inputs)
}
