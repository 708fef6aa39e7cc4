//! How a program would run: what [`Compiled::explain`] tells, and what is compiled before arrays come.
//!
//! What goes in: shapes, or nothing but which inputs have one element. What comes out: an [`Explanation`] of each pass. What it never does:
//! run anything.

use std::sync::Arc;

use numloom_data::{Buffer, Order, View, shape};
use numloom_ir::reduce::LEAF;
use numloom_ir::{Form, InputClass, Inst, InstKind, Kernel, Output, Program};
use numloom_syntax::Span;

use crate::compiled::{Compiled, Inner, serial_below};
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::kept::KeptShapes;
use crate::layout::Target;
use crate::memory::{Outputs, stores_around};
use crate::options::Backend;
use crate::pattern::Pattern;
use crate::plan::Plan;
use crate::shape::Shapes;
use crate::stage::{Feed, Pass, Stages};
use crate::variant::Variant;
use crate::views;

/// The extent of each axis of the arrays that a program is prepared for.
const EXPECTED_EXTENT: usize = 1000;

/// How one pass runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The shape it goes through.
    pub shape: Vec<usize>,
    /// What it computes, in order.
    pub roots: Vec<Root>,
    /// For each axis of `shape` whether it is reduced, if reductions leave some.
    pub along: Option<Vec<bool>>,
    /// The kernel.
    pub kernel: Arc<Kernel>,
    /// What runs it.
    pub backend: Backend,
    /// Why it is the interpreter, if a better backend was hoped for.
    pub fallback: Option<String>,
    /// How the inputs lie.
    pub classes: Vec<InputClass>,
    /// Elements of a block of contiguous data; none if a block is a whole chunk, or a leaf.
    pub block: Option<usize>,
    /// Threads that a large run uses.
    pub threads: usize,
    /// Bytes of all arrays that it reads, each once.
    pub bytes_read: u64,
    /// Bytes of all arrays that it writes.
    pub bytes_written: u64,
    /// Whether arrays of the caller's are stored around the caches, being so large.
    pub around: bool,
    /// Runs of fewer elements stay on the caller's thread.
    pub serial_below: usize,
}

/// Something that a pass computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Root {
    /// What it is for.
    pub kind: RootKind,
    /// The sub-expression.
    pub span: Span,
}

/// What a pass computes something for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RootKind {
    /// The output with this number.
    Output(usize),
    /// A reduction's value, for a later pass or an output.
    Reduction,
    /// An array of fewer elements than where it is used, computed once for a later pass.
    Hoisted,
}

/// Arrays to reason with, of given shapes and no memory to speak of, and what follows from them.
struct Survey<'a> {
    inner: &'a Inner,
    views: Vec<View<'a>>,
    shapes: Shapes,
    stages: Arc<Stages>,
    kept: KeptShapes,
}

impl Compiled {
    /// Compiles it for inputs that lie as `classes` says, if that is not done: for arrays of one shape, of as many axes as the
    /// program speaks of. Other shapes may want other passes, which are compiled when they come; so is everything if such arrays do
    /// not fit the program, as for `x[5000]`.
    ///
    /// # Errors
    /// [`ClassCount`](RuntimeErrorKind::ClassCount), [`BackendUnavailable`](RuntimeErrorKind::BackendUnavailable).
    pub fn prepare(&self, classes: &[InputClass]) -> Result<(), RuntimeError> {
        let shapes = self.expected_shapes(classes)?;
        let zeros = Zeros::of(&self.inner().prog)?;
        match Survey::new(self.inner(), &shapes, zeros.bytes()) {
            Ok(survey) => self.each_pass(&survey, &|_, _| Ok(())).map(drop),
            Err(_) => Ok(()),
        }
    }

    /// What runs it, for inputs that lie as `classes` says: the interpreter if any pass needs it.
    ///
    /// # Errors
    /// As [`prepare`](Compiled::prepare).
    pub fn backend(&self, classes: &[InputClass]) -> Result<Backend, RuntimeError> {
        let backends = self.expected(classes, |_, _, variant| Ok(variant.code.backend()))?;
        let interpreted = backends.contains(&Backend::Interpreter);
        Ok(match (interpreted, backends.first()) {
            (false, Some(&backend)) => backend,
            _ => Backend::Interpreter,
        })
    }

    /// How it runs, for inputs that lie as `classes` says and arrays of one shape: each pass, in order.
    ///
    /// # Errors
    /// As [`prepare`](Compiled::prepare), and if no arrays of one shape fit the program.
    pub fn explain(&self, classes: &[InputClass]) -> Result<Vec<Explanation>, RuntimeError> {
        self.expected(classes, |survey, pass, variant| {
            self.explanation(survey, pass, variant)
        })
    }

    /// How it runs, for contiguous inputs of these shapes: each pass, in order.
    ///
    /// # Errors
    /// As [`run`](Compiled::run), for arrays of these shapes.
    pub fn explain_shapes(&self, shapes: &[Vec<usize>]) -> Result<Vec<Explanation>, RuntimeError> {
        let inner = self.inner();
        let zeros = Zeros::of(&inner.prog)?;
        let survey = Survey::new(inner, shapes, zeros.bytes())?;
        self.each_pass(&survey, &|pass, variant| {
            self.explanation(&survey, pass, variant)
        })
    }

    fn explanation(
        &self,
        survey: &Survey<'_>,
        pass: &Pass,
        variant: &Variant,
    ) -> Result<Explanation, RuntimeError> {
        let options = &self.engine().options().run;
        let mut plan = Plan {
            total: usize::MAX,
            ..Plan::default()
        };
        let kernel = &variant.kernel;
        let interpreted = variant.code.backend() == Backend::Interpreter;
        let given = Outputs::Given;
        plan.cut(&pass.part, kernel, interpreted, options.block, 1, given);
        let mut space = Vec::new();
        survey
            .kept
            .space(pass, &survey.shapes, &survey.views, &mut space);
        let (bytes_read, bytes_written) = survey.bytes(pass, &space)?;
        let saturating = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let along = pass.site.map(|site| survey.shapes.site(site).axes.clone());
        Ok(Explanation {
            shape: space,
            roots: survey.roots(pass),
            along,
            kernel: Arc::clone(kernel),
            backend: variant.code.backend(),
            fallback: variant.fallback.clone(),
            classes: kernel.inputs.iter().map(|input| input.class).collect(),
            block: (plan.block < plan.chunk.min(LEAF)).then_some(plan.block),
            threads: self.engine().threads(),
            bytes_read,
            bytes_written,
            around: variant.code.backend() == Backend::Wide
                && stores_around(given, saturating(bytes_written), saturating(bytes_read)),
            serial_below: options
                .serial_below
                .unwrap_or_else(|| serial_below(&pass.part)),
        })
    }

    /// `f` of each pass for inputs that lie as `classes` says, and arrays of one shape.
    fn expected<R>(
        &self,
        classes: &[InputClass],
        f: impl Fn(&Survey<'_>, &Pass, &Variant) -> Result<R, RuntimeError>,
    ) -> Result<Vec<R>, RuntimeError> {
        let shapes = self.expected_shapes(classes)?;
        let zeros = Zeros::of(&self.inner().prog)?;
        let survey = Survey::new(self.inner(), &shapes, zeros.bytes())?;
        self.each_pass(&survey, &|pass, variant| f(&survey, pass, variant))
    }

    /// The shapes of the inputs, as far as `classes` lets one guess.
    fn expected_shapes(&self, classes: &[InputClass]) -> Result<Vec<Vec<usize>>, RuntimeError> {
        let prog = &self.inner().prog;
        let expected = prog.arrays().len();
        if classes.len() != expected {
            let found = classes.len();
            return Err(RuntimeErrorKind::ClassCount { expected, found }.into());
        }
        let full = vec![EXPECTED_EXTENT; prog.rank()];
        let shape = |class: &InputClass| match class {
            InputClass::Contiguous => full.clone(),
            InputClass::Scalar => Vec::new(),
        };
        Ok(classes.iter().map(shape).collect())
    }

    fn each_pass<R>(
        &self,
        survey: &Survey<'_>,
        f: &dyn Fn(&Pass, &Variant) -> Result<R, RuntimeError>,
    ) -> Result<Vec<R>, RuntimeError> {
        let compiler = &self.shared().compiler;
        let class = |view: &View<'_>| match view.ndim() {
            0 => InputClass::Scalar,
            _ => InputClass::Contiguous,
        };
        let mut results = Vec::new();
        for pass in survey.stages.passes() {
            let mut classes: Vec<InputClass> = survey.views.iter().map(class).collect();
            classes.extend(pass.feeds.iter().map(|feed| match feed {
                Feed::Scalar(_) => InputClass::Scalar,
                Feed::Kept(_) => InputClass::Contiguous,
            }));
            let mut classes = pass.part.classes(&classes);
            let form = match pass.site {
                // As if arrays were in C order.
                Some(site) => match survey.shapes.site(site).axes.last() {
                    Some(true) => Form::Rows,
                    _ => Form::Streams,
                },
                // Blocks of a length that was asked for are not whole leaves.
                None if compiler.interprets() || self.shared().options.run.block.is_some() => {
                    Form::Lanes
                }
                None => pass.part.leaves(),
            };
            let variant = pass.part.variant(&mut classes, form, compiler)?;
            results.push(f(pass, variant)?);
        }
        Ok(results)
    }
}

/// As many zeros as the longest element has bytes.
enum Zeros {
    Few,
    /// For long byte strings.
    Many(Buffer),
}

impl Zeros {
    const FEW: &[u8] = &[0; 64];

    fn of(prog: &Program) -> Result<Zeros, RuntimeError> {
        let sizes = prog.arrays().iter().map(|input| input.dtype.itemsize());
        Ok(match sizes.max().unwrap_or(0) {
            n if n <= Zeros::FEW.len() => Zeros::Few,
            n => Zeros::Many(Buffer::zeroed(n)?),
        })
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Zeros::Few => Zeros::FEW,
            Zeros::Many(buffer) => buffer.as_bytes(),
        }
    }
}

impl<'a> Survey<'a> {
    fn new(
        inner: &'a Inner,
        shapes: &[Vec<usize>],
        zeros: &'a [u8],
    ) -> Result<Survey<'a>, RuntimeError> {
        let prog = &inner.prog;
        let mut arrays = Vec::new();
        for (input, shape) in prog.arrays().iter().zip(shapes) {
            let one = &zeros[..input.dtype.itemsize()];
            let one = View::from_bytes(one, input.dtype, &[], Order::C)?;
            arrays.push(one.broadcast_to(shape)?);
        }
        let views = views::derive(prog, &arrays)?;
        let mut shapes = Shapes::default();
        shapes.infer(prog, &inner.sets, &views)?;
        let stages = inner.stages(&shapes, &mut Pattern::default(), &views);
        let mut kept = KeptShapes::default();
        kept.set(&stages, &shapes, &views);
        Ok(Survey {
            inner,
            views,
            shapes,
            stages,
            kept,
        })
    }

    fn roots(&self, pass: &Pass) -> Vec<Root> {
        let prog = &self.inner.prog;
        if self.stages.is_one_pass {
            let root = |(i, output): (usize, &Output)| Root {
                kind: RootKind::Output(i),
                span: output.span,
            };
            return prog.outputs.iter().enumerate().map(root).collect();
        }
        let root = |(target, inst): (&Target, &Inst)| match *target {
            Target::Output(i, _) => Root {
                kind: RootKind::Output(i),
                span: prog.outputs[i].span,
            },
            Target::Scalar(_) | Target::Kept(_) => Root {
                kind: match inst.kind {
                    InstKind::Reduce(_) => RootKind::Reduction,
                    _ => RootKind::Hoisted,
                },
                span: inst.span,
            },
        };
        let mut roots: Vec<Root> = pass
            .targets
            .iter()
            .zip(pass.part.roots())
            .map(root)
            .collect();
        roots.dedup();
        roots
    }

    /// Bytes of the arrays that a pass over `space` reads and writes.
    fn bytes(&self, pass: &Pass, space: &[usize]) -> Result<(u64, u64), RuntimeError> {
        let kept = &self.stages.kept;
        let (mut read, mut written) = (0u64, 0u64);
        for &i in &pass.part.inputs {
            let (shape, itemsize) = match i.checked_sub(self.views.len()) {
                None => (self.views[i].shape(), self.views[i].dtype().itemsize()),
                Some(feed) => match pass.feeds[feed] {
                    Feed::Scalar(_) => continue,
                    Feed::Kept(i) => (self.kept.shape(i), kept[i].itemsize()),
                },
            };
            read = read.saturating_add(shape::size_bytes(shape, itemsize)? as u64);
        }
        for (root, inst) in pass.part.roots().enumerate() {
            let shape = match (pass.targets.get(root), &inst.kind) {
                (Some(Target::Kept(i)), _) => self.kept.shape(*i),
                (Some(Target::Output(..)), InstKind::Reduce(_)) => match pass.sites[root] {
                    Some(site) => &self.shapes.site(site).shape,
                    None => continue,
                },
                (Some(Target::Scalar(_)), _) | (None, InstKind::Reduce(_)) => continue,
                _ => space,
            };
            let bytes = shape::size_bytes(shape, inst.dtype.itemsize())?;
            written = written.saturating_add(bytes as u64);
        }
        Ok((read, written))
    }
}
