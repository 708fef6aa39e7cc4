//! A program that is compiled and waits for arrays: [`Compiled`].

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
#[cfg(feature = "jit")]
use std::sync::OnceLock;

#[cfg(feature = "jit")]
use numloom_data::Order;
use numloom_data::{View, ViewMut};
use numloom_ir::{Axes, FloatEnv, Inst, InstKind, Program, Value};

use crate::bind::{self, Out, OutputValue, Room, check_inputs, check_outputs};
use crate::engine::{Engine, Shared};
use crate::error::RuntimeError;
use crate::exec::Workers;
#[cfg(feature = "jit")]
use crate::flat;
use crate::layout::{Met, layout};
use crate::memory::Outputs;
use crate::options::RunOptions;
use crate::pattern::Pattern;
use crate::scratch::{Scratch, with_thread_scratch};
use crate::shape::{ShapeSets, Shapes};
use crate::stage::Stages;
use crate::variant::{Growing, Part};
use crate::views;

/// The estimated time of a pass on one thread, in picoseconds, above which other threads are worth waking. That costs the caller some 20 µs: on two
/// threads `2*a + 3*b` of 200,000 elements in the caches, estimated at 150 µs and done in 63, is even then. `cargo bench -p numloom-benches --bench
/// handoff` (2026-11, AMD Zen 4, two virtual cores, wide code for AVX-512.)
const PARALLEL_WORK: usize = 180_000_000;

/// The same for threads that are awake, as in a loop of calls: they take up work in a few microseconds. 20,000 elements, of 6.5 µs, gain a tenth, and
/// 50,000 take 0.7 of the time.
pub(crate) const AWAKE_WORK: usize = 20_000_000;

/// The most patterns of shapes whose staging is kept; others are staged, and may be compiled, each time.
const MAX_PATTERNS: usize = 256;

/// A compiled program.
///
/// `Send`, `Sync` and cheap to clone: any number of threads may run one at once. It holds its engine. Machine code is made for how
/// inputs lie (see [`InputClass`](numloom_ir::InputClass)); what was not prepared is made when it is met first.
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
    pub(crate) whole: Option<Arc<Part>>,
    /// How it is staged for shapes that were met.
    staged: Growing<(Pattern, Arc<Stages>)>,
    /// Whether all reductions leave one value, whatever the shapes, and no output has two parts.
    #[cfg(feature = "jit")]
    to_values: bool,
    /// The first staging of which the short way knows the pass.
    #[cfg(feature = "jit")]
    short: OnceLock<Arc<Stages>>,
}

impl Inner {
    pub(crate) fn new(prog: &Arc<Program>) -> Inner {
        let is_reduction = |value: Value| matches!(prog.inst(value).kind, InstKind::Reduce(_));
        let used = prog.insts.iter().flat_map(Inst::uses);
        let to_values = prog.inputs.len() == prog.arrays().len()
            && prog.outputs.iter().all(|output| output.imag.is_none())
            && prog.insts.iter().all(|inst| match &inst.kind {
                InstKind::Reduce(reduce) => reduce.axes == Axes::All && !reduce.keepdims,
                InstKind::Count { axes, .. } => *axes == Axes::All,
                _ => true,
            });
        let counts = |inst: &Inst| matches!(inst.kind, InstKind::Count { .. });
        let one_pass =
            to_values && !used.into_iter().any(is_reduction) && !prog.insts.iter().any(counts);
        Inner {
            prog: Arc::clone(prog),
            sets: ShapeSets::of(prog),
            whole: one_pass.then(|| Arc::new(Part::new(prog))),
            staged: Growing::new(),
            #[cfg(feature = "jit")]
            to_values,
            #[cfg(feature = "jit")]
            short: OnceLock::new(),
        }
    }

    /// What the short way runs, if it is for this program.
    #[cfg(feature = "jit")]
    fn short(&self) -> Option<flat::Short<'_>> {
        let stages = self.short.get().map(|stages| &**stages);
        let part = match &self.whole {
            Some(whole) => whole,
            None => flat::pass_of(stages?)?,
        };
        Some(flat::Short {
            prog: &self.prog,
            sets: &self.sets,
            part,
            stages,
        })
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
        let layout = layout(Met {
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
        #[cfg(feature = "jit")]
        if self.to_values && self.whole.is_none() && flat::pass_of(&stages).is_some() {
            self.short.get_or_init(|| Arc::clone(&stages));
        }
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

    /// Tells `each` what room every output takes for `inputs`, in order, and returns about how many operations on elements the run
    /// will be: for hosts that own the memory of results, and choose how to wait for them.
    ///
    /// # Errors
    /// Those of [`shapes`](Compiled::shapes), and outputs of more bytes than the engine or `options` allow.
    pub fn rooms(
        &self,
        inputs: &[View<'_>],
        options: &RunOptions,
        each: &mut dyn FnMut(Room<'_>),
    ) -> Result<u64, RuntimeError> {
        with_thread_scratch(|scratch| {
            let views = self.views(inputs)?;
            self.infer(scratch, &views)?;
            let Inner { prog, sets, .. } = &*self.inner;
            let limit = self.max_output_bytes(options);
            bind::rooms(prog, sets, &scratch.shapes, &views, limit)?.for_each(each);
            let (spaces, _) = scratch.shapes.all(sets);
            let elements = |shape: &Vec<usize>| shape.iter().product::<usize>() as u64;
            let widest = spaces.iter().map(elements).max().unwrap_or(0);
            Ok(widest.saturating_mul(prog.insts.len() as u64))
        })
    }

    /// As [`rooms`](Compiled::rooms), if these are the rooms: about how many operations on elements the run will be. None if that takes a closer look: whatever is
    /// reduced, broadcast, of another layout, or limited.
    #[cfg_attr(
        not(feature = "jit"),
        expect(unused_variables, reason = "only machine code is so short")
    )]
    pub fn plain_work(
        &self,
        inputs: &[View<'_>],
        outputs: &[ViewMut<'_>],
        options: &RunOptions,
    ) -> Option<u64> {
        #[cfg(feature = "jit")]
        if let Inner {
            prog,
            sets,
            whole: Some(whole),
            ..
        } = &*self.inner
            && self.max_output_bytes(options).is_none()
        {
            let n = flat::elements(whole, prog, sets, inputs, outputs)? as u64;
            return Some(n.saturating_mul(prog.insts.len() as u64));
        }
        None
    }

    /// The room of the only output over `inputs`, if those are plain, which it does not see; none if there are several, or they are limited.
    #[cfg_attr(
        not(feature = "jit"),
        expect(unused_variables, reason = "only machine code is so short")
    )]
    pub fn plain_room<'v>(&self, inputs: &'v [View<'_>], options: &RunOptions) -> Option<Room<'v>> {
        #[cfg(feature = "jit")]
        if let [output] = &self.inner.prog.outputs[..]
            && let Some(short) = self.inner.short()
            && self.max_output_bytes(options).is_none()
        {
            let shape = match short.part.arrays.is_empty() {
                true => &[],
                false => inputs.iter().find(|view| view.ndim() > 0)?.shape(),
            };
            return Some(Room {
                dtype: short.prog.dtype(output.value),
                shape,
                order: Order::C,
            });
        }
        None
    }

    fn max_output_bytes(&self, options: &RunOptions) -> Option<u64> {
        let engine = &self.engine.options().run;
        options.max_output_bytes.or(engine.max_output_bytes)
    }

    /// Runs it over `inputs`, in the order of the program's, and hands out new arrays and reduced values, in the order of its
    /// outputs.
    ///
    /// Inputs broadcast by NumPy's rule and may have any strides, byte order and alignment. Results are row-major, or column-major
    /// if all inputs of their shape are. The bits do not depend on threads, blocks or layouts.
    ///
    /// # Errors
    /// What [`RuntimeErrorKind`](crate::RuntimeErrorKind) lists. There is no partial result.
    ///
    /// # Panics
    /// With the panic of the progress callback.
    pub fn run(
        &self,
        inputs: &[View<'_>],
        options: &RunOptions,
    ) -> Result<Vec<OutputValue>, RuntimeError> {
        let _env = FloatEnv::enter();
        with_thread_scratch(|scratch| {
            let views = self.views(inputs)?;
            self.infer(scratch, &views)?;
            let limit = self.max_output_bytes(options);
            let Inner { prog, sets, .. } = &*self.inner;
            let mut values = bind::allocate(prog, sets, &scratch.shapes, &views, limit)?;
            let mut outs: Vec<_> = values.iter_mut().map(Out::of).collect();
            if !self.run_flat(inputs, &mut outs, options) {
                self.evaluate(scratch, &views, &mut outs, options, Outputs::Fresh, None)?;
            }
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
    /// What [`RuntimeErrorKind`](crate::RuntimeErrorKind) lists.
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
        let _env = FloatEnv::enter();
        if self.run_flat(inputs, outputs, options) {
            return Ok(());
        }
        let Inner { prog, sets, .. } = &*self.inner;
        let views = self.views(inputs)?;
        self.infer(scratch, &views)?;
        check_outputs(prog, sets, &scratch.shapes, outputs)?;
        self.evaluate(scratch, &views, outputs, options, Outputs::Given, None)
    }

    /// [`run_into`](Compiled::run_into), if everything is so plain that it takes no plan, so soon done that no other thread could help, and not limited; whether it did. If not,
    /// nothing is known of `outputs`, and it is for [`run_into`](Compiled::run_into) to say what is wrong, if anything is.
    #[must_use = "where it did nothing, `run_into` is to be called"]
    pub fn run_short(
        &self,
        inputs: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
    ) -> bool {
        let _env = FloatEnv::enter();
        self.max_output_bytes(options).is_none() && self.run_flat(inputs, outputs, options)
    }

    /// Runs it the short way, if everything is plain; whether it did.
    #[cfg_attr(
        not(feature = "jit"),
        expect(
            unused_variables,
            clippy::unused_self,
            reason = "only machine code is so short"
        )
    )]
    fn run_flat(&self, inputs: &[View<'_>], outputs: &mut [Out<'_>], options: &RunOptions) -> bool {
        #[cfg(feature = "jit")]
        if let Some(short) = self.inner.short()
            && options.is_plain()
            && let engine = &self.engine.options().run
            && engine.is_plain()
        {
            let serial_below = options.serial_below.or(engine.serial_below);
            let is_alone = options.threads == Some(1) || self.shared().threads() == 1;
            return flat::run(short, is_alone, serial_below, inputs, outputs);
        }
        false
    }

    /// A view for each input of the program.
    pub(crate) fn views<'v, 'a>(
        &self,
        inputs: &'v [View<'a>],
    ) -> Result<Cow<'v, [View<'a>]>, RuntimeError> {
        let prog = &self.inner.prog;
        check_inputs(prog, inputs)?;
        Ok(match inputs.len() == prog.inputs.len() {
            true => Cow::Borrowed(inputs),
            false => Cow::Owned(views::derive(prog, inputs)?),
        })
    }

    /// Finds the shapes of the outputs, and of all on the way.
    pub(crate) fn infer(
        &self,
        scratch: &mut Scratch,
        views: &[View<'_>],
    ) -> Result<(), RuntimeError> {
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
        let work = part.work.saturating_mul(total);
        let worth = match options.serial_below.or(engine.serial_below) {
            Some(asked) => total >= asked,
            None => work >= AWAKE_WORK && (shared.follows_at_once(work) || work >= PARALLEL_WORK),
        };
        if !worth {
            return Ok(None);
        }
        Ok(Some((shared.pool()?, threads)))
    }
}

/// The number of elements from which on threads are worth waking.
pub(crate) fn serial_below(part: &Part) -> usize {
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
