//! A program that is compiled and waits for arrays: [`Compiled`].

use std::fmt;
use std::sync::Arc;

use numloom_data::{Array, Scalar, View};
use numloom_ir::reduce::LEAF;
use numloom_ir::{Fault, InputClass, Kernel, Program, ResultKind, Step};

use crate::bind::{
    self, Out, OutputValue, ShapeSets, check_inputs, check_outputs, check_reductions,
};
use crate::control::{Control, Verdict};
use crate::engine::{Engine, Shared};
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::exec::{self, Conditions, Workers};
#[cfg(feature = "jit")]
use crate::flat;
use crate::guard::Bound;
use crate::options::{Backend, RunOptions, check_threads};
use crate::plan::Plan;
use crate::reduce::finished;
use crate::scratch::{Scratch, with_thread_scratch};
use crate::variant::{Classes, Growing, Part, Variant, is_reduced};

/// The estimated time of a run on one thread, in picoseconds, above which others are worth waking: waking them costs some 10 µs.
const PARALLEL_WORK: usize = 60_000_000;

/// The most parts that are kept for combinations of shapes; see [`Inner::part`].
const MAX_PARTS: usize = 64;

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
    prog: Arc<Program>,
    sets: ShapeSets,
    /// All outputs: they share a space if their shapes agree.
    whole: Part,
    /// Some outputs, where shapes do not agree.
    parts: Growing<Part>,
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
        Inner {
            prog: Arc::clone(prog),
            sets: ShapeSets::of(prog),
            whole: Part::new(prog, (0..prog.outputs.len()).collect()),
            parts: Growing::new(),
        }
    }

    pub(crate) fn is_of(&self, prog: &Program) -> bool {
        std::ptr::eq(&*self.prog, prog) || *self.prog == *prog
    }

    pub(crate) fn bytes(&self) -> usize {
        let program = 64 * self.prog.insts.len();
        program + self.whole.bytes() + self.parts.iter().map(Part::bytes).sum::<usize>()
    }

    /// The part with `outputs`, whose shapes agree today. Which outputs go together depends on the arrays, so past a number of
    /// combinations there are no further ones: `None`, and each output goes alone.
    fn part(&self, outputs: &[usize]) -> Option<&Part> {
        if outputs.len() == self.prog.outputs.len() {
            return Some(&self.whole);
        }
        if let Some(part) = self.parts.iter().find(|part| *part.outputs == *outputs) {
            return Some(part);
        }
        if outputs.len() > 1 && self.parts.len() >= MAX_PARTS {
            return None;
        }
        let part = Part::new(&self.prog, outputs.into());
        Some(self.parts.insert(part, |a, b| a.outputs == b.outputs))
    }
}

impl Compiled {
    pub(crate) fn new(engine: Engine, inner: Arc<Inner>) -> Compiled {
        Compiled { engine, inner }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    fn shared(&self) -> &Shared {
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

    /// Compiles it for inputs that lie as `classes` says, if that is not done.
    ///
    /// # Errors
    /// [`ClassCount`](RuntimeErrorKind::ClassCount), [`BackendUnavailable`](RuntimeErrorKind::BackendUnavailable).
    pub fn prepare(&self, classes: &[InputClass]) -> Result<(), RuntimeError> {
        self.variant(classes).map(drop)
    }

    fn variant(&self, classes: &[InputClass]) -> Result<&Variant, RuntimeError> {
        let expected = self.inner.prog.inputs.len();
        if classes.len() != expected {
            return Err(RuntimeErrorKind::ClassCount {
                expected,
                found: classes.len(),
            }
            .into());
        }
        let mut wanted = Classes::new(classes);
        // Inputs that are not read have no say.
        let read = &self.inner.whole.inputs;
        for i in (0..expected).filter(|i| read.binary_search(i).is_err()) {
            wanted.set_contiguous(i);
        }
        self.inner
            .whole
            .variant(&mut wanted, &self.shared().compiler)
    }

    /// What runs it, for inputs that lie as `classes` says.
    ///
    /// # Errors
    /// As [`prepare`](Compiled::prepare).
    pub fn backend(&self, classes: &[InputClass]) -> Result<Backend, RuntimeError> {
        Ok(self.variant(classes)?.code.backend())
    }

    /// How it runs, for inputs that lie as `classes` says and outputs whose shapes agree.
    ///
    /// # Errors
    /// As [`prepare`](Compiled::prepare).
    pub fn explain(&self, classes: &[InputClass]) -> Result<Explanation, RuntimeError> {
        let variant = self.variant(classes)?;
        let part = &self.inner.whole;
        let options = &self.engine.options().run;
        let mut plan = Plan {
            total: usize::MAX,
            ..Plan::default()
        };
        let interpreted = variant.code.backend() == Backend::Interpreter;
        plan.cut(part, &variant.kernel, interpreted, options.block, 1);
        Ok(Explanation {
            kernel: Arc::clone(&variant.kernel),
            backend: variant.code.backend(),
            fallback: variant.fallback.clone(),
            classes: variant
                .kernel
                .inputs
                .iter()
                .map(|input| input.class)
                .collect(),
            block: (plan.block < plan.chunk.min(LEAF)).then_some(plan.block),
            threads: self.engine.threads(),
            bytes_per_element: part.bytes_per_element,
            serial_below: options.serial_below.unwrap_or_else(|| serial_below(part)),
        })
    }

    /// How many variants of machine code (or kernels to interpret) it has so far.
    #[must_use]
    pub fn variants(&self) -> usize {
        let parts = self.inner.parts.iter().map(Part::variants);
        self.inner.whole.variants() + parts.sum::<usize>()
    }

    /// The shape of each output for `inputs`: what to allocate for [`run_into`](Compiled::run_into). A reduced value has no axes.
    ///
    /// # Errors
    /// Inputs that are too few or too many, of another dtype, or that do not broadcast.
    pub fn shapes(&self, inputs: &[View<'_>]) -> Result<Vec<Vec<usize>>, RuntimeError> {
        with_thread_scratch(|scratch| {
            self.infer(scratch, inputs)?;
            let Inner { prog, sets, .. } = &*self.inner;
            let shape =
                |(i, output): (usize, &numloom_ir::Output)| match is_reduced(prog, output.value) {
                    true => Vec::new(),
                    false => scratch.shapes.of(sets, i).to_vec(),
                };
            Ok(prog.outputs.iter().enumerate().map(shape).collect())
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
            self.infer(scratch, inputs)?;
            let limit = options.max_output_bytes;
            let limit = limit.or(self.engine.options().run.max_output_bytes);
            let Inner { prog, sets, .. } = &*self.inner;
            let mut values = bind::allocate(prog, sets, &scratch.shapes, inputs, limit)?;
            let mut outs: Vec<_> = values.iter_mut().map(Out::of).collect();
            self.evaluate(scratch, inputs, &mut outs, options)?;
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
    ///     out s = %2 shape 0
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
        let Inner {
            prog, sets, whole, ..
        } = &*self.inner;
        #[cfg(feature = "jit")]
        if options.is_plain()
            && self.engine.options().run.is_plain()
            && flat::run(whole, prog, sets, inputs, outputs)
        {
            return Ok(());
        }
        self.infer(scratch, inputs)?;
        check_outputs(prog, sets, &scratch.shapes, outputs)?;
        let lone = |(i, out): (usize, &Out<'_>)| {
            matches!(out, Out::Scalar(_)) && !is_reduced(prog, prog.outputs[i].value)
        };
        if outputs.iter().enumerate().any(lone) {
            return self.run_into_scalars(scratch, inputs, outputs, options);
        }
        self.evaluate(scratch, inputs, outputs, options)
    }

    /// Lets arrays without axes stand in for the scalars that such outputs go to.
    fn run_into_scalars(
        &self,
        scratch: &mut Scratch,
        inputs: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
    ) -> Result<(), RuntimeError> {
        let prog = &self.inner.prog;
        let zero = |i: usize| Array::from_scalar(&Scalar::zero(prog.dtype(prog.outputs[i].value)));
        let mut cells = (0..outputs.len())
            .map(zero)
            .collect::<Result<Vec<_>, _>>()?;
        let mut places: Vec<Out<'_>> = Vec::with_capacity(outputs.len());
        for (out, cell) in outputs.iter_mut().zip(&mut cells) {
            places.push(Out::Array(match out {
                Out::Array(view) => view.reborrow(),
                Out::Scalar(_) => cell.view_mut(),
            }));
        }
        self.evaluate(scratch, inputs, &mut places, options)?;
        drop(places);
        for (out, cell) in outputs.iter_mut().zip(&cells) {
            if let Out::Scalar(value) = out {
                **value = cell.item().expect("an array without axes has one element");
            }
        }
        Ok(())
    }

    /// Checks the inputs and finds the shapes of the outputs.
    fn infer(&self, scratch: &mut Scratch, inputs: &[View<'_>]) -> Result<(), RuntimeError> {
        let Inner { prog, sets, .. } = &*self.inner;
        check_inputs(prog, inputs)?;
        scratch.shapes.infer(prog, sets, inputs)?;
        check_reductions(prog, sets, &scratch.shapes)
    }

    /// Runs all passes, over places that fit the outputs, and lets go of copies.
    fn evaluate(
        &self,
        scratch: &mut Scratch,
        inputs: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
    ) -> Result<(), RuntimeError> {
        let result = self.passes(scratch, inputs, outputs, options);
        scratch.guards.clear();
        result
    }

    fn passes(
        &self,
        scratch: &mut Scratch,
        inputs: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
    ) -> Result<(), RuntimeError> {
        let engine = &self.engine.options().run;
        let block = options.block.or(engine.block);
        if block == Some(0) {
            return Err(RuntimeErrorKind::BadBlockSize.into());
        }
        if let Some(threads) = options.threads {
            check_threads("threads", threads)?;
        }
        if outputs.is_empty() {
            return Ok(());
        }
        let Inner {
            prog, sets, whole, ..
        } = &*self.inner;
        let mut total = 0u64;
        let mut passes = Vec::new();
        if scratch.shapes.agree() {
            total = elements(scratch.shapes.of(sets, 0));
        } else {
            for group in scratch.shapes.groups(sets) {
                let n = elements(scratch.shapes.of(sets, group[0]));
                match self.inner.part(&group) {
                    Some(part) => passes.push((part, n)),
                    None => passes.extend(group.chunks(1).map(|alone| {
                        (
                            self.inner
                                .part(alone)
                                .expect("an output alone has its part"),
                            n,
                        )
                    })),
                }
            }
            passes
                .iter()
                .for_each(|(_, n)| total = total.saturating_add(*n));
        }
        let guarded_passes = passes.len().max(1);
        scratch.guards.set(prog, inputs, outputs, guarded_passes)?;
        let call = Call {
            inputs,
            options,
            block,
            control: Control::new(options, engine, total),
        };
        if passes.is_empty() {
            return self.pass(whole, scratch, &call, outputs, total);
        }
        let mut done = 0u64;
        for (part, n) in passes {
            done = done.saturating_add(n);
            self.pass(part, scratch, &call, outputs, done)?;
        }
        Ok(())
    }

    /// Runs one pass, after which `expected` elements must be done in all.
    fn pass(
        &self,
        part: &Part,
        scratch: &mut Scratch,
        call: &Call<'_, '_>,
        outputs: &mut [Out<'_>],
        expected: u64,
    ) -> Result<(), RuntimeError> {
        let Scratch {
            shapes,
            guards,
            plan,
            work,
            reduced,
        } = scratch;
        let shape = shapes.of(&self.inner.sets, part.outputs[0]);
        let conditions = Conditions {
            compiler: &self.shared().compiler,
            control: &call.control,
            block: call.block,
            workers: &|total| self.workers(part, total, call.options),
        };
        let mut bound = Bound::new(call.inputs, outputs, guards);
        let variant = exec::run(part, shape, &mut bound, &conditions, plan, work, reduced)?;
        call.control
            .verdict(expected)
            .map_err(|verdict| match verdict {
                Verdict::Stopped(error) => error,
                Verdict::Fault(fault) => fault_error(&variant.kernel, fault, shape),
            })?;
        for (&i, &result) in part.outputs.iter().zip(&variant.kernel.results) {
            if let ResultKind::Reduced { acc, finish, dtype } = result {
                let acc = acc as usize;
                let total = variant.kernel.accumulators[acc].scalar(reduced[acc]);
                let value = finished(total, finish, dtype, plan.total);
                match &mut outputs[i] {
                    Out::Scalar(out) => **out = value,
                    Out::Array(view) => view.set(&[], &value)?,
                }
            }
        }
        Ok(())
    }

    /// The pool and number of threads for a pass of `total` elements; none if it is better done here.
    fn workers(
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

/// What the passes of one call have in common.
struct Call<'a, 'i> {
    inputs: &'a [View<'i>],
    options: &'a RunOptions,
    /// Elements of a block, if not the best.
    block: Option<usize>,
    control: Control<'a>,
}

/// The number of elements of a shape that was checked.
fn elements(shape: &[usize]) -> u64 {
    shape.iter().product::<usize>() as u64
}

/// The number of elements from which on threads are worth waking.
fn serial_below(part: &Part) -> usize {
    PARALLEL_WORK / part.work.max(1)
}

/// The fault of a run over `shape`, for people.
fn fault_error(kernel: &Kernel, fault: Fault, shape: &[usize]) -> RuntimeError {
    let Some(Step::Call(call)) = kernel.steps.get(fault.step as usize) else {
        unreachable!("only calls raise faults")
    };
    let mut rest = fault.index;
    let mut position: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&extent| {
            let i = rest % extent as u64;
            rest /= extent as u64;
            i as usize
        })
        .collect();
    position.reverse();
    RuntimeErrorKind::Fault {
        code: fault.kind().expect("a fault that was recorded has a code"),
        span: call.span,
        index: fault.index,
        position,
        value: fault.value_text(call.from),
        dtype: call.from,
        target: call.to,
    }
    .into()
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
