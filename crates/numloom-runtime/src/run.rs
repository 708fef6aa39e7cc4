//! One run: steps in order, kept arrays and scalars between them, outputs at the end.
//!
//! What goes in: views that fit the program, places that fit its outputs. What comes out: written outputs, or the first error. What
//! it never does: decide how the work is staged, or touch an element itself.

use std::borrow::Cow;

use numloom_data::{Array, DType, Scalar, View, ViewMut};
use numloom_ir::interp::eval_scalar;
use numloom_ir::{FaultCode, Inst, InstKind, Op};

use crate::bind::Out;
use crate::compiled::Compiled;
use crate::control::Control;
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::exec::Conditions;
use crate::journal::{KeptBytes, Record, State};
use crate::kept::KeptShapes;
use crate::layout::{Role, Target};
use crate::memory::Outputs;
use crate::options::{RunOptions, check_threads};
use crate::pass::{PassRun, reduced_values};
use crate::scratch::Scratch;
use crate::space::elements;
use crate::stage::{Feed, Final, Formula, Pass, ScalarStep, Stages, Step};
use crate::window::Windows;

impl Compiled {
    /// Runs all steps, over places that fit the outputs, and lets go of copies.
    pub(crate) fn evaluate(
        &self,
        scratch: &mut Scratch,
        views: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
        memory: Outputs,
        windows: Option<&Windows<'_>>,
    ) -> Result<(), RuntimeError> {
        if outputs.is_empty() {
            return Ok(());
        }
        let prog = &self.inner().prog;
        let stages = self
            .inner()
            .stages(&scratch.shapes, &mut scratch.pattern, views);
        // An array without axes stands in for a scalar that a pass computes as an array, or that has two parts.
        let lone = |(i, out): (usize, &Out<'_>)| {
            let output = &prog.outputs[i];
            let role = stages.layout.role(output.value);
            let reduced = matches!(prog.inst(output.value).kind, InstKind::Reduce(_));
            matches!(out, Out::Scalar(_))
                && (output.imag.is_some() || role == Role::Inline && !reduced || role == Role::Kept)
        };
        let run = Run {
            compiled: self,
            stages: &stages,
            views,
            options,
            memory,
            windows,
        };
        let result = if outputs.iter().enumerate().any(lone) {
            run.steps_into_arrays(scratch, outputs)
        } else {
            run.steps(scratch, outputs)
        };
        scratch.guards.clear();
        result
    }
}

/// One run of a program.
pub(crate) struct Run<'a, 'i> {
    pub(crate) compiled: &'a Compiled,
    pub(crate) stages: &'a Stages,
    pub(crate) views: &'a [View<'i>],
    pub(crate) options: &'a RunOptions,
    pub(crate) memory: Outputs,
    pub(crate) windows: Option<&'a Windows<'a>>,
}

/// What passes keep for later ones.
struct Kept {
    shapes: KeptShapes,
    arrays: Vec<Option<Array>>,
}

impl Kept {
    /// What is kept is within the memory that may be resident.
    fn allow(&self, stages: &Stages, windows: &Windows<'_>) -> Result<(), RuntimeError> {
        let bytes = |(i, dtype): (usize, &DType)| {
            let n = elements(self.shapes.shape(i)) as usize;
            n.saturating_mul(dtype.itemsize())
        };
        let needed: usize = stages.kept.iter().enumerate().map(bytes).sum();
        let memory = windows.memory();
        if needed > memory / 2 {
            return Err(RuntimeErrorKind::Limit {
                option: "memory",
                limit: memory as u64,
                needed: needed.saturating_mul(2) as u64,
            }
            .into());
        }
        Ok(())
    }

    /// What an earlier run has kept, and its scalars.
    fn resume(
        &mut self,
        windows: &Windows<'_>,
        scalars: &mut [Scalar],
    ) -> Result<(), RuntimeError> {
        let Some(state) = &windows.resume().state else {
            return Ok(());
        };
        for (scalar, saved) in scalars.iter_mut().zip(&state.scalars) {
            scalar.clone_from(saved);
        }
        for (array, saved) in self.arrays.iter_mut().zip(&state.kept) {
            *array = saved.as_ref().map(KeptBytes::array).transpose()?;
        }
        Ok(())
    }

    /// What all before `step` came to.
    fn record(&self, step: usize, scalars: &[Scalar]) -> Record {
        let kept = self
            .arrays
            .iter()
            .map(|array| array.as_ref().map(KeptBytes::of));
        let state = State {
            scalars: scalars.to_vec(),
            kept: kept.collect(),
        };
        Record::Step { step, state }
    }
}

impl Run<'_, '_> {
    /// All steps, with arrays without axes in the place of scalars.
    fn steps_into_arrays(
        &self,
        scratch: &mut Scratch,
        outputs: &mut [Out<'_>],
    ) -> Result<(), RuntimeError> {
        let prog = &self.compiled.inner().prog;
        let zero = |output| Array::from_scalar(&Scalar::zero(prog.output_dtype(output)));
        let cells = prog.outputs.iter().map(zero);
        let mut cells = cells.collect::<Result<Vec<_>, _>>()?;
        let mut places: Vec<Out<'_>> = Vec::with_capacity(outputs.len());
        for (out, cell) in outputs.iter_mut().zip(&mut cells) {
            places.push(Out::Array(match out {
                Out::Array(view) => view.reborrow(),
                Out::Scalar(_) => cell.view_mut(),
            }));
        }
        self.steps(scratch, &mut places)?;
        drop(places);
        for (out, cell) in outputs.iter_mut().zip(&cells) {
            if let Out::Scalar(value) = out {
                **value = cell.item().expect("an array without axes has one element");
            }
        }
        Ok(())
    }

    /// All steps, and what they come to into the outputs.
    fn steps(&self, scratch: &mut Scratch, outputs: &mut [Out<'_>]) -> Result<(), RuntimeError> {
        let Run {
            compiled,
            stages,
            views,
            options,
            memory,
            windows,
        } = *self;
        let engine = &compiled.engine().options().run;
        let block = options.block.or(engine.block);
        if block == Some(0) {
            return Err(RuntimeErrorKind::BadBlockSize.into());
        }
        if let Some(threads) = options.threads {
            check_threads("threads", threads)?;
        }
        if let Some(windows) = windows {
            windows.begin(stages.is_one_pass);
        }
        let turn = |input, output| stages.turn(input, output);
        scratch
            .guards
            .set(&compiled.inner().prog, views, outputs, turn, windows)?;
        let mut kept = Kept {
            shapes: KeptShapes::default(),
            arrays: Vec::new(),
        };
        kept.shapes.set(stages, &scratch.shapes, views);
        kept.arrays.resize_with(stages.kept.len(), || None);
        let mut shape = std::mem::take(&mut scratch.space);
        let mut total = 0u64;
        for pass in stages.passes() {
            kept.shapes.space(pass, &scratch.shapes, views, &mut shape);
            total = total.saturating_add(elements(&shape));
        }
        let conditions = Conditions {
            compiled,
            options,
            control: Control::new(options, engine, windows, total),
            block,
            outputs: memory,
        };
        scratch.scalars.clear();
        scratch.scalars.resize(stages.scalars, Scalar::Bool(false));
        let resumed = windows.map_or(0, |windows| windows.resume().step);
        if let Some(windows) = windows {
            kept.allow(stages, windows)?;
            kept.resume(windows, &mut scratch.scalars)?;
        }
        let mut expected = 0u64;
        for (at, step) in stages.steps.iter().enumerate() {
            if let Some(windows) = windows {
                windows.enter(at);
            }
            match step {
                Step::Scalar(step) => {
                    scratch.scalars[step.slot] = self.scalar(step, scratch)?;
                }
                Step::Pass(pass) => {
                    kept.shapes.space(pass, &scratch.shapes, views, &mut shape);
                    expected = expected.saturating_add(elements(&shape));
                    if at < resumed {
                        conditions.control.count(elements(&shape));
                        continue;
                    }
                    let run = PassRun {
                        pass,
                        shape: &shape,
                        views,
                        conditions: &conditions,
                        windows,
                        expected,
                    };
                    if stages.is_one_pass {
                        one_pass(run, scratch, outputs)?;
                    } else {
                        self.pass(run, scratch, outputs, &mut kept)?;
                        if let Some(windows) = windows {
                            windows.record(kept.record(at + 1, &scratch.scalars))?;
                        }
                    }
                }
            }
        }
        scratch.space = shape;
        for last in &stages.finals {
            let out = &mut outputs[last.output];
            finish(last, out, &scratch.scalars, &kept.arrays)?;
        }
        Ok(())
    }

    /// Computes a scalar between passes.
    pub(crate) fn scalar(
        &self,
        step: &ScalarStep,
        scratch: &Scratch,
    ) -> Result<Scalar, RuntimeError> {
        let count = |site| scratch.shapes.site(site).count;
        let input = |input: usize| self.views[input].get(&[]);
        let value = scalar(step, &scratch.scalars, count, input)?;
        Ok(value.expect("a scalar input has one element"))
    }

    /// One of several passes: its feeds behind the inputs, and its results to outputs, scalars and kept arrays.
    fn pass(
        &self,
        run: PassRun<'_, '_>,
        scratch: &mut Scratch,
        outputs: &mut [Out<'_>],
        kept: &mut Kept,
    ) -> Result<(), RuntimeError> {
        let pass = run.pass;
        let mut fresh = kept.shapes.room(self.stages, pass)?;
        let cells = pass
            .feeds
            .iter()
            .map(|feed| match *feed {
                Feed::Scalar(slot) => Ok(Some(Array::from_scalar(&scratch.scalars[slot])?)),
                Feed::Kept(_) => Ok(None),
            })
            .collect::<Result<Vec<_>, RuntimeError>>()?;
        let mut views = Cow::Borrowed(run.views);
        for (feed, cell) in pass.feeds.iter().zip(&cells) {
            let array = match *feed {
                Feed::Scalar(_) => cell.as_ref(),
                Feed::Kept(i) => kept.arrays[i].as_ref(),
            };
            let array = array.expect("earlier steps computed it");
            views.to_mut().push(array.view());
        }
        let run = PassRun {
            views: &views,
            ..run
        };
        let mut places = places(pass, outputs, &mut fresh);
        if let Some(site) = pass.site {
            for (place, own) in places.iter_mut().zip(&pass.sites) {
                if let (Out::Array(view), Some(own)) = (&mut *place, own) {
                    let view = std::mem::replace(view, ViewMut::from_slice::<u8>(&mut []));
                    *place = Out::Array(with_all_axes(view, &scratch.shapes.site(*own).axes)?);
                }
            }
            run.along(site, scratch, &mut places)?;
        } else {
            let kernel = run.whole(scratch, &mut places)?;
            for (root, value) in reduced_values(&kernel, &scratch.reduced) {
                match pass.targets[root] {
                    Target::Scalar(slot) => scratch.scalars[slot] = value,
                    _ => put(&mut places[root], &value)?,
                }
            }
        }
        drop(places);
        let mut fresh = fresh.into_iter();
        for target in &pass.targets {
            if let Target::Kept(i) = *target {
                kept.arrays[i] = fresh.next();
            }
        }
        Ok(())
    }
}

/// Computes a scalar, from others, the `count` of elements of a site and the value of an `input`; nothing if that has none.
pub(crate) fn scalar(
    step: &ScalarStep,
    scalars: &[Scalar],
    count: impl Fn(usize) -> usize,
    input: impl Fn(usize) -> Option<Scalar>,
) -> Result<Option<Scalar>, RuntimeError> {
    Ok(match &step.formula {
        Formula::Count(site) => Some(Scalar::I64(count(*site) as i64)),
        Formula::Const(scalar) => Some(scalar.clone()),
        Formula::Input(i) => input(*i as usize),
        Formula::Apply(op, args) => {
            let mut operands = [const { Scalar::Bool(false) }; 3];
            for (operand, &slot) in operands.iter_mut().zip(args) {
                *operand = scalars[slot].clone();
            }
            let operands = &operands[..args.len()];
            match eval_scalar(*op, step.inst.dtype, operands) {
                Some(value) => Some(value),
                None => return Err(scalar_fault(*op, &step.inst, operands)),
            }
        }
    })
}

/// The one pass of a program whose outputs are its roots.
fn one_pass(
    run: PassRun<'_, '_>,
    scratch: &mut Scratch,
    outputs: &mut [Out<'_>],
) -> Result<(), RuntimeError> {
    let kernel = run.whole(scratch, outputs)?;
    for (i, value) in reduced_values(&kernel, &scratch.reduced) {
        put(&mut outputs[i], &value)?;
    }
    Ok(())
}

/// A place for each root of a pass: an output or a part of it, or a fresh array. Scalars are not written through a place.
pub(crate) fn places<'p>(
    pass: &Pass,
    outputs: &'p mut [Out<'_>],
    fresh: &'p mut [Array],
) -> Vec<Out<'p>> {
    let mut fresh = fresh.iter_mut();
    let place = |target: &Target| match target {
        Target::Kept(_) => fresh.next().expect("one for each").view_mut(),
        _ => ViewMut::from_slice::<u8>(&mut []),
    };
    let mut places: Vec<_> = pass.targets.iter().map(place).map(Out::Array).collect();
    for (i, out) in outputs.iter_mut().enumerate() {
        let root = |imag| {
            let mut targets = pass.targets.iter();
            targets.position(|target| *target == Target::Output(i, imag))
        };
        let (re, im) = (root(false), root(true));
        if re.is_none() && im.is_none() {
            continue;
        }
        let out = match out {
            Out::Array(view) => Out::Array(view.reborrow()),
            Out::Scalar(value) => Out::Scalar(value),
        };
        match out {
            Out::Array(view) if view.dtype().is_complex() => {
                let parts = view.into_parts().expect("it is complex");
                for (at, part) in [(re, parts.0), (im, parts.1)] {
                    if let Some(at) = at {
                        places[at] = Out::Array(part);
                    }
                }
            }
            out => places[re.expect("only complex outputs have two parts")] = out,
        }
    }
    places
}

/// Writes one value to all of a place.
pub(crate) fn put(out: &mut Out<'_>, value: &Scalar) -> Result<(), RuntimeError> {
    match out {
        Out::Scalar(out) => (*out).clone_from(value),
        Out::Array(view) if view.ndim() == 0 => view.set(&[], value)?,
        Out::Array(view) => view.fill(value)?,
    }
    Ok(())
}

/// Writes an output that no pass wrote.
pub(crate) fn finish(
    last: &Final,
    out: &mut Out<'_>,
    scalars: &[Scalar],
    kept: &[Option<Array>],
) -> Result<(), RuntimeError> {
    match (last.from, out) {
        (Feed::Scalar(slot), Out::Array(view)) => {
            put(&mut Out::Array(part(view, last.imag)), &scalars[slot])?;
        }
        (Feed::Scalar(slot), out) => put(out, &scalars[slot])?,
        (Feed::Kept(i), Out::Array(view)) => {
            let array = kept[i].as_ref().expect("its pass is done");
            let array = array.view().broadcast_to(view.shape())?;
            part(view, last.imag).assign(&array)?;
        }
        (Feed::Kept(_), Out::Scalar(_)) => unreachable!("an array stands in for it"),
    }
    Ok(())
}

/// The imaginary or real part of a place; what is not complex is its own real part.
fn part<'a>(view: &'a mut ViewMut<'_>, imag: bool) -> ViewMut<'a> {
    match imag {
        true => view
            .reborrow()
            .imag()
            .expect("only complex outputs have two parts"),
        false => view.reborrow().real(),
    }
}

/// The place of a reduction along `axes` with all axes of its space, each reduced one of one element: reductions of one pass agree on
/// axes of more elements only.
fn with_all_axes<'a>(mut view: ViewMut<'a>, axes: &[bool]) -> Result<ViewMut<'a>, RuntimeError> {
    if view.ndim() == axes.len() {
        return Ok(view);
    }
    for (axis, _) in axes.iter().enumerate().filter(|(_, reduced)| **reduced) {
        view = view.insert_axis(axis)?;
    }
    Ok(view)
}

/// The fault of an operation on scalars, for people.
fn scalar_fault(op: Op, inst: &Inst, operands: &[Scalar]) -> RuntimeError {
    let value = operands.last().expect("an operation has operands");
    RuntimeErrorKind::Fault {
        code: match op {
            Op::Pow => FaultCode::NegativePower,
            _ => FaultCode::CastOutOfRange,
        },
        span: inst.span,
        index: 0,
        position: Vec::new(),
        value: value.to_string(),
        dtype: value.dtype(),
        target: inst.dtype,
    }
    .into()
}
