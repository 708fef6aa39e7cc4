//! A program that is compiled and waits for arrays: [`Compiled`].

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use numloom_data::{Order, View};
use numloom_ir::reduce::LEAF;
use numloom_ir::{Axes, InputClass, Inst, InstKind, Kernel, Program, Value};

use crate::bind::{self, Out, OutputValue, check_inputs, check_outputs};
use crate::engine::{Engine, Shared};
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::exec::Workers;
#[cfg(feature = "jit")]
use crate::flat;
use crate::options::{Backend, RunOptions};
use crate::pattern::Pattern;
use crate::plan::Plan;
use crate::scratch::{Scratch, with_thread_scratch};
use crate::shape::{ShapeSets, Shapes};
use crate::stage::{self, Feed, Met, Stages};
use crate::variant::{Growing, Part, Variant};
use crate::views;

/// The extent of each axis of the arrays that a program is prepared for.
const EXPECTED_EXTENT: usize = 1000;

/// The estimated time of a run on one thread, in picoseconds, above which others are worth waking: waking them costs some 10 µs.
const PARALLEL_WORK: usize = 60_000_000;

/// The most patterns of shapes whose staging is kept; others are staged, and may be compiled, each time.
const MAX_PATTERNS: usize = 256;

/// A compiled program.
///
/// `Send`, `Sync` and cheap to clone: any number of threads may run one at once. It holds its engine. Machine code is made for how
/// inputs lie (see [`InputClass`]); what was not prepared is made when it is met first.
#[derive(Clone)]
pub struct Compiled {
    engine: Engine,
    inner: Arc<Inner>,
}

/// What the cache keeps.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) prog: Arc<Program>,
    pub(crate) sets: ShapeSets,
    /// The whole program as one pass, if it ever is.
    whole: Option<Arc<Part>>,
    /// How it is staged for shapes that were met.
    staged: Growing<(Pattern, Arc<Stages>)>,
}

/// What [`Compiled::explain`] tells of one way that inputs lie.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
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
    /// Bytes read and written for each element.
    pub bytes_per_element: usize,
    /// Runs of fewer elements stay on the caller's thread.
    pub serial_below: usize,
}

impl Inner {
    pub(crate) fn new(prog: &Arc<Program>) -> Inner {
        let is_reduction = |value: Value| matches!(prog.inst(value).kind, InstKind::Reduce(_));
        let used = prog.insts.iter().flat_map(Inst::uses);
        let one_pass = prog.inputs.len() == prog.arrays().len()
            && !used.into_iter().any(is_reduction)
            && prog.outputs.iter().all(|output| output.imag.is_none())
            && prog.insts.iter().all(|inst| match &inst.kind {
                InstKind::Reduce(reduce) => reduce.axes == Axes::All && !reduce.keepdims,
                InstKind::Count { .. } => false,
                _ => true,
            });
        Inner {
            prog: Arc::clone(prog),
            sets: ShapeSets::of(prog),
            whole: one_pass.then(|| Arc::new(Part::new(prog))),
            staged: Growing::new(),
        }
    }

    pub(crate) fn is_of(&self, prog: &Program) -> bool {
        std::ptr::eq(&*self.prog, prog) || *self.prog == *prog
    }

    pub(crate) fn bytes(&self) -> usize {
        let program = 64 * self.prog.insts.len();
        program + self.parts().map(|part| part.bytes()).sum::<usize>()
    }

    /// Every part that there is so far, each once.
    fn parts(&self) -> impl Iterator<Item = &Part> {
        let mut seen: Vec<&Part> = Vec::new();
        let staged = self.staged.iter().flat_map(|(_, stages)| stages.passes());
        let parts = self.whole.iter().chain(staged.map(|pass| &pass.part));
        for part in parts {
            if !seen.iter().any(|known| std::ptr::eq(*known, &**part)) {
                seen.push(part);
            }
        }
        seen.into_iter()
    }

    /// How the program is staged for arrays of these shapes.
    pub(crate) fn stages(
        &self,
        shapes: &Shapes,
        pattern: &mut Pattern,
        inputs: &[View<'_>],
    ) -> Arc<Stages> {
        pattern.set(inputs);
        let known = self.staged.iter();
        let mut same = known.filter(|(known, _)| known.tokens() == pattern.tokens());
        if let Some((_, stages)) = same.next() {
            return Arc::clone(stages);
        }
        let (set_shapes, sites) = shapes.all(&self.sets);
        let layout = stage::layout(&Met {
            prog: &self.prog,
            sets: &self.sets,
            set_shapes,
            sites,
            inputs: &|i| inputs[i].shape(),
        });
        let equal = self
            .staged
            .iter()
            .find(|(_, stages)| stages.layout == layout);
        let stages = match equal {
            Some((_, stages)) => Arc::clone(stages),
            None => Arc::new(Stages::new(
                &self.prog,
                &self.sets,
                layout,
                self.whole.as_ref(),
            )),
        };
        if self.staged.len() >= MAX_PATTERNS {
            return stages;
        }
        let entry = (pattern.clone(), stages);
        let same = |a: &(Pattern, _), b: &(Pattern, _)| a.0.tokens() == b.0.tokens();
        Arc::clone(&self.staged.insert(entry, same).1)
    }
}

impl Compiled {
    pub(crate) fn new(engine: Engine, inner: Arc<Inner>) -> Compiled {
        Compiled { engine, inner }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn shared(&self) -> &Shared {
        self.engine.shared()
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Arc<Program> {
        &self.inner.prog
    }

    /// The engine it runs on.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Compiles it for inputs that lie as `classes` says, if that is not done: for arrays of one shape, of as many axes as the
    /// program speaks of. Other shapes may want other passes, which are compiled when they come.
    ///
    /// # Errors
    /// [`ClassCount`](RuntimeErrorKind::ClassCount), [`BackendUnavailable`](RuntimeErrorKind::BackendUnavailable).
    pub fn prepare(&self, classes: &[InputClass]) -> Result<(), RuntimeError> {
        self.expected(classes, |_, _| ()).map(drop)
    }

    /// What runs it, for inputs that lie as `classes` says: the least of its passes' backends.
    ///
    /// # Errors
    /// As [`prepare`](Compiled::prepare).
    pub fn backend(&self, classes: &[InputClass]) -> Result<Backend, RuntimeError> {
        let backends = self.expected(classes, |_, variant| variant.code.backend())?;
        let interpreted = backends.contains(&Backend::Interpreter);
        Ok(match (interpreted, backends.first()) {
            (false, Some(&backend)) => backend,
            _ => Backend::Interpreter,
        })
    }

    /// How it runs, for inputs that lie as `classes` says: each pass, in order.
    ///
    /// # Errors
    /// As [`prepare`](Compiled::prepare).
    pub fn explain(&self, classes: &[InputClass]) -> Result<Vec<Explanation>, RuntimeError> {
        self.expected(classes, |part, variant| self.explanation(part, variant))
    }

    fn explanation(&self, part: &Part, variant: &Variant) -> Explanation {
        let options = &self.engine.options().run;
        let mut plan = Plan {
            total: usize::MAX,
            ..Plan::default()
        };
        let interpreted = variant.code.backend() == Backend::Interpreter;
        plan.cut(part, &variant.kernel, interpreted, options.block, 1);
        let kernel = &variant.kernel;
        Explanation {
            kernel: Arc::clone(kernel),
            backend: variant.code.backend(),
            fallback: variant.fallback.clone(),
            classes: kernel.inputs.iter().map(|input| input.class).collect(),
            block: (plan.block < plan.chunk.min(LEAF)).then_some(plan.block),
            threads: self.engine.threads(),
            bytes_per_element: part.bytes_per_element,
            serial_below: options.serial_below.unwrap_or_else(|| serial_below(part)),
        }
    }

    /// `f` of each pass for inputs that lie as `classes` says, and arrays of some thousand elements of one shape.
    fn expected<R>(
        &self,
        classes: &[InputClass],
        f: impl Fn(&Part, &Variant) -> R,
    ) -> Result<Vec<R>, RuntimeError> {
        let inner = &*self.inner;
        let arrays = inner.prog.arrays();
        if classes.len() != arrays.len() {
            return Err(RuntimeErrorKind::ClassCount {
                expected: arrays.len(),
                found: classes.len(),
            }
            .into());
        }
        let compiler = &self.shared().compiler;
        if let Some(part) = &inner.whole {
            let variant = part.variant(&mut part.classes(classes), compiler)?;
            return Ok(vec![f(part, variant)]);
        }
        let Some(stages) = self.expected_stages(classes) else {
            return Ok(Vec::new());
        };
        let mut results = Vec::new();
        for pass in stages.passes() {
            let mut all = classes.to_vec();
            all.resize(inner.prog.inputs.len(), InputClass::Contiguous);
            all.extend(pass.feeds.iter().map(|feed| match feed {
                Feed::Scalar(_) => InputClass::Scalar,
                Feed::Kept(_) => InputClass::Contiguous,
            }));
            let variant = pass.part.variant(&mut pass.part.classes(&all), compiler)?;
            results.push(f(&pass.part, variant));
        }
        Ok(results)
    }

    /// The stages for arrays of one shape, with as many axes as the program speaks of; none if no such arrays fit it.
    fn expected_stages(&self, classes: &[InputClass]) -> Option<Arc<Stages>> {
        let Inner { prog, sets, .. } = &*self.inner;
        let zeros = [0u8; 4096];
        let shape = vec![EXPECTED_EXTENT; prog.rank()];
        let view = |(input, class): (&numloom_ir::Input, &InputClass)| {
            let bytes = zeros.get(..input.dtype.itemsize())?;
            let one = View::from_bytes(bytes, input.dtype, &[], Order::C).ok()?;
            match class {
                InputClass::Scalar => Some(one),
                InputClass::Contiguous => one.broadcast_to(&shape).ok(),
            }
        };
        let arrays = prog.arrays().iter().zip(classes);
        let arrays = arrays.map(view).collect::<Option<Vec<_>>>()?;
        let views = views::derive(prog, &arrays).ok()?;
        let mut shapes = Shapes::default();
        shapes.infer(prog, sets, &views).ok()?;
        Some(self.inner.stages(&shapes, &mut Pattern::default(), &views))
    }

    /// How many variants of machine code (or kernels to interpret) it has so far.
    #[must_use]
    pub fn variants(&self) -> usize {
        self.inner.parts().map(Part::variants).sum()
    }

    /// The shape of each output for `inputs`: what to allocate for [`run_into`](Compiled::run_into). A reduced value has no axes.
    ///
    /// # Errors
    /// Inputs that are too few or too many, of another dtype, or that do not broadcast.
    pub fn shapes(&self, inputs: &[View<'_>]) -> Result<Vec<Vec<usize>>, RuntimeError> {
        with_thread_scratch(|scratch| {
            let views = self.views(inputs)?;
            self.infer(scratch, &views)?;
            let Inner { prog, sets, .. } = &*self.inner;
            let shape = |i| scratch.shapes.output(sets, i).to_vec();
            Ok((0..prog.outputs.len()).map(shape).collect())
        })
    }

    /// Runs it over `inputs`, in the order of the program's, and hands out new arrays and reduced values, in the order of its
    /// outputs.
    ///
    /// Inputs broadcast by NumPy's rule and may have any strides, byte order and alignment. Results are row-major, or column-major
    /// if all inputs of their shape are. The bits do not depend on threads, blocks or layouts.
    ///
    /// # Errors
    /// What [`RuntimeErrorKind`] lists. There is no partial result.
    ///
    /// # Panics
    /// With the panic of the progress callback.
    pub fn run(
        &self,
        inputs: &[View<'_>],
        options: &RunOptions,
    ) -> Result<Vec<OutputValue>, RuntimeError> {
        with_thread_scratch(|scratch| {
            let views = self.views(inputs)?;
            self.infer(scratch, &views)?;
            let limit = options.max_output_bytes;
            let limit = limit.or(self.engine.options().run.max_output_bytes);
            let Inner { prog, sets, .. } = &*self.inner;
            let mut values = bind::allocate(prog, sets, &scratch.shapes, &views, limit)?;
            let mut outs: Vec<_> = values.iter_mut().map(Out::of).collect();
            self.evaluate(scratch, &views, &mut outs, options)?;
            drop(outs);
            Ok(values)
        })
    }

    /// Runs it over `inputs` into `outputs`, which have exactly the results' shapes and dtypes.
    ///
    /// An output may share memory with inputs: the result is as if the inputs were copied first. Small runs and those on one
    /// thread allocate nothing, once this thread's scratch has grown. After an error the content of `outputs` is not specified.
    ///
    /// # Errors
    /// What [`RuntimeErrorKind`] lists.
    ///
    /// # Panics
    /// With the panic of the progress callback.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use numloom_data::{Scalar, View, ViewMut};
    /// use numloom_ir::{InputClass, Program};
    /// use numloom_runtime::{Engine, Out, RunOptions};
    ///
    /// let prog: Program = "
    ///     input a: i32
    ///     %0 = input 0 : i32
    ///     %1 = neg %0 : i32
    ///     %2 = sum %0 : i64
    ///     out n = %1 shape 0
    ///     out s = %2
    /// ".parse()?;
    /// let compiled = Engine::global()?.compile(&Arc::new(prog), &[InputClass::Contiguous])?;
    /// let (mut negated, mut sum) = ([0; 3], Scalar::I64(0));
    /// compiled.run_into(
    ///     &[View::from_slice(&[1, 2, 3])],
    ///     &mut [Out::Array(ViewMut::from_slice(&mut negated)), Out::Scalar(&mut sum)],
    ///     &RunOptions::new(),
    /// )?;
    /// assert_eq!((negated, sum), ([-1, -2, -3], Scalar::I64(6)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_into(
        &self,
        inputs: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
    ) -> Result<(), RuntimeError> {
        with_thread_scratch(|scratch| self.run_into_with(scratch, inputs, outputs, options))
    }

    /// [`run_into`](Compiled::run_into) with a scratch of the caller's.
    ///
    /// # Errors
    /// As [`run_into`](Compiled::run_into).
    ///
    /// # Panics
    /// As [`run_into`](Compiled::run_into).
    pub fn run_into_with(
        &self,
        scratch: &mut Scratch,
        inputs: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
    ) -> Result<(), RuntimeError> {
        let Inner { prog, sets, .. } = &*self.inner;
        #[cfg(feature = "jit")]
        if let Some(whole) = &self.inner.whole
            && options.is_plain()
            && self.engine.options().run.is_plain()
            && flat::run(whole, prog, sets, inputs, outputs)
        {
            return Ok(());
        }
        let views = self.views(inputs)?;
        self.infer(scratch, &views)?;
        check_outputs(prog, sets, &scratch.shapes, outputs)?;
        self.evaluate(scratch, &views, outputs, options)
    }

    /// A view for each input of the program.
    fn views<'v, 'a>(&self, inputs: &'v [View<'a>]) -> Result<Cow<'v, [View<'a>]>, RuntimeError> {
        let prog = &self.inner.prog;
        check_inputs(prog, inputs)?;
        Ok(match inputs.len() == prog.inputs.len() {
            true => Cow::Borrowed(inputs),
            false => Cow::Owned(views::derive(prog, inputs)?),
        })
    }

    /// Finds the shapes of the outputs, and of all on the way.
    fn infer(&self, scratch: &mut Scratch, views: &[View<'_>]) -> Result<(), RuntimeError> {
        let Inner { prog, sets, .. } = &*self.inner;
        scratch.shapes.infer(prog, sets, views)
    }

    /// The pool and number of threads for a pass of `total` elements; none if it is better done here.
    pub(crate) fn workers(
        &self,
        part: &Part,
        total: usize,
        options: &RunOptions,
    ) -> Result<Workers, RuntimeError> {
        let shared = self.shared();
        let engine = &shared.options.run;
        let threads = options.threads.unwrap_or(usize::MAX).min(shared.threads());
        if threads == 1 {
            return Ok(None);
        }
        let asked = options.serial_below.or(engine.serial_below);
        if total < asked.unwrap_or_else(|| serial_below(part)) {
            return Ok(None);
        }
        Ok(Some((shared.pool()?, threads)))
    }
}

/// The number of elements from which on threads are worth waking.
fn serial_below(part: &Part) -> usize {
    PARALLEL_WORK / part.work.max(1)
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled")
            .field("program", &self.inner.prog)
            .field("variants", &self.variants())
            .finish_non_exhaustive()
    }
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Compiled>();
    shared::<Engine>();
    shared::<Scratch>();
};
