//! One run: steps in order, kept arrays and scalars between them, outputs at the end.
//!
//! What goes in: views that fit the program, places that fit its outputs. What comes out: written outputs, or the first error. What
//! it never does: decide how the work is staged, or touch an element itself.

use std::borrow::Cow;
use std::sync::Arc;

use numloom_data::{Array, Scalar, View, ViewMut};
use numloom_ir::interp::eval_scalar;
use numloom_ir::{Fault, FaultCode, Inst, Kernel, Op, ResultKind, Step as KernelStep};

#[cfg(feature = "jit")]
use crate::along::{Along, Running};
use crate::bind::Out;
#[cfg(feature = "jit")]
use crate::code::Code;
use crate::compiled::Compiled;
use crate::control::{Control, Verdict};
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::exec::{self, Conditions};
use crate::guard::{Bound, Guards};
use crate::options::{RunOptions, check_threads};
use crate::reduce::finished;
use crate::scratch::Scratch;
use crate::shape::Shapes;
use crate::stage::{
    Feed, Final, Formula, Leaf, Pass, Role, ScalarStep, Space, Stages, Step, Target,
};

/// What the passes of one call have in common.
pub(crate) struct Call<'a, 'i> {
    pub(crate) views: &'a [View<'i>],
    pub(crate) options: &'a RunOptions,
    /// Elements of a block, if not the best.
    pub(crate) block: Option<usize>,
    pub(crate) control: Control<'a>,
    /// Elements that are done once the passes so far are.
    expected: u64,
}

impl Compiled {
    /// Runs all steps, over places that fit the outputs, and lets go of copies.
    pub(crate) fn evaluate(
        &self,
        scratch: &mut Scratch,
        views: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
    ) -> Result<(), RuntimeError> {
        if outputs.is_empty() {
            return Ok(());
        }
        let inner = self.inner();
        let stages = inner.stages(&scratch.shapes, &mut scratch.pattern, views);
        // An array without axes stands in for a scalar that a pass computes as an array, or that has two parts.
        let lone = |(i, out): (usize, &Out<'_>)| {
            let output = &inner.prog.outputs[i];
            let role = stages.layout.role(output.value);
            let reduced = matches!(
                inner.prog.inst(output.value).kind,
                numloom_ir::InstKind::Reduce(_)
            );
            matches!(out, Out::Scalar(_))
                && (output.imag.is_some() || role == Role::Inline && !reduced || role == Role::Kept)
        };
        let result = if outputs.iter().enumerate().any(lone) {
            self.steps_into_scalars(&stages, scratch, views, outputs, options)
        } else {
            self.steps(&stages, scratch, views, outputs, options)
        };
        scratch.guards.clear();
        result
    }

    /// Lets arrays without axes stand in for scalars.
    fn steps_into_scalars(
        &self,
        stages: &Stages,
        scratch: &mut Scratch,
        views: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
    ) -> Result<(), RuntimeError> {
        let prog = &self.inner().prog;
        let zero = |output| Array::from_scalar(&Scalar::zero(prog.output_dtype(output)));
        let mut cells = prog
            .outputs
            .iter()
            .map(zero)
            .collect::<Result<Vec<_>, _>>()?;
        let mut places: Vec<Out<'_>> = Vec::with_capacity(outputs.len());
        for (out, cell) in outputs.iter_mut().zip(&mut cells) {
            places.push(Out::Array(match out {
                Out::Array(view) => view.reborrow(),
                Out::Scalar(_) => cell.view_mut(),
            }));
        }
        self.steps(stages, scratch, views, &mut places, options)?;
        drop(places);
        for (out, cell) in outputs.iter_mut().zip(&cells) {
            if let Out::Scalar(value) = out {
                **value = cell.item().expect("an array without axes has one element");
            }
        }
        Ok(())
    }

    fn steps(
        &self,
        stages: &Stages,
        scratch: &mut Scratch,
        views: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
    ) -> Result<(), RuntimeError> {
        let inner = self.inner();
        let engine = &self.engine().options().run;
        let block = options.block.or(engine.block);
        if block == Some(0) {
            return Err(RuntimeErrorKind::BadBlockSize.into());
        }
        if let Some(threads) = options.threads {
            check_threads("threads", threads)?;
        }
        scratch
            .guards
            .set(&inner.prog, views, outputs, |input, output| {
                stages.turn(input, output)
            })?;
        let mut kept: Vec<Option<Array>> = Vec::new();
        let mut total = 0u64;
        let mut shape = std::mem::take(&mut scratch.space);
        let mut kept_shapes = KeptShapes::default();
        kept_shapes.set(stages, &scratch.shapes, views);
        for pass in stages.passes() {
            kept_shapes.space(pass, &scratch.shapes, views, &mut shape);
            total = total.saturating_add(elements(&shape));
        }
        let mut call = Call {
            views,
            options,
            block,
            control: Control::new(options, engine, total),
            expected: 0,
        };
        kept.resize_with(stages.kept.len(), || None);
        scratch.scalars.clear();
        scratch.scalars.resize(stages.scalars, Scalar::Bool(false));
        for step in &stages.steps {
            match step {
                Step::Scalar(step) => {
                    let value = self.scalar(step, scratch, views)?;
                    scratch.scalars[step.slot] = value;
                }
                Step::Pass(pass) => {
                    kept_shapes.space(pass, &scratch.shapes, views, &mut shape);
                    call.expected = call.expected.saturating_add(elements(&shape));
                    if stages.is_one_pass {
                        self.one_pass(pass, &shape, scratch, &call, outputs)?;
                    } else {
                        let state = (&kept_shapes, &mut kept[..]);
                        self.pass(pass, &shape, stages, scratch, &call, outputs, state)?;
                    }
                }
            }
        }
        scratch.space = shape;
        for last in &stages.finals {
            finish(last, &mut outputs[last.output], &scratch.scalars, &kept)?;
        }
        Ok(())
    }

    /// Computes a scalar between passes.
    fn scalar(
        &self,
        step: &ScalarStep,
        scratch: &Scratch,
        views: &[View<'_>],
    ) -> Result<Scalar, RuntimeError> {
        Ok(match &step.formula {
            Formula::Count(site) => Scalar::I64(scratch.shapes.site(*site).count as i64),
            Formula::Const(scalar) => scalar.clone(),
            Formula::Input(input) => views[*input as usize]
                .get(&[])
                .expect("a scalar input has one element"),
            Formula::Apply(op, args) => {
                let mut operands = [const { Scalar::Bool(false) }; 3];
                for (operand, &slot) in operands.iter_mut().zip(args) {
                    *operand = scratch.scalars[slot].clone();
                }
                let operands = &operands[..args.len()];
                match eval_scalar(*op, step.inst.dtype, operands) {
                    Some(value) => value,
                    None => return Err(scalar_fault(*op, &step.inst, operands)),
                }
            }
        })
    }

    /// The one pass of a program whose outputs are its roots.
    fn one_pass(
        &self,
        pass: &Pass,
        shape: &[usize],
        scratch: &mut Scratch,
        call: &Call<'_, '_>,
        outputs: &mut [Out<'_>],
    ) -> Result<(), RuntimeError> {
        let kernel = self.execute(pass, shape, scratch, call, call.views, outputs)?;
        for (i, value) in reduced_values(&kernel, &scratch.reduced) {
            match &mut outputs[i] {
                Out::Scalar(out) => **out = value,
                Out::Array(view) => view.fill(&value)?,
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "what a run consists of")]
    fn pass(
        &self,
        pass: &Pass,
        shape: &[usize],
        stages: &Stages,
        scratch: &mut Scratch,
        call: &Call<'_, '_>,
        outputs: &mut [Out<'_>],
        (kept_shapes, kept): (&KeptShapes, &mut [Option<Array>]),
    ) -> Result<(), RuntimeError> {
        // What it writes and keeps.
        let mut fresh: Vec<Array> = Vec::new();
        for target in &pass.targets {
            if let Target::Kept(i) = *target {
                let shape = kept_shapes.shape(i);
                let array = Array::zeros(stages.kept[i], shape, numloom_data::Order::C)?;
                fresh.push(array);
            }
        }
        let cells = pass
            .feeds
            .iter()
            .map(|feed| match *feed {
                Feed::Scalar(slot) => Ok(Some(Array::from_scalar(&scratch.scalars[slot])?)),
                Feed::Kept(_) => Ok(None),
            })
            .collect::<Result<Vec<_>, RuntimeError>>()?;
        let mut views = Cow::Borrowed(call.views);
        for (feed, cell) in pass.feeds.iter().zip(&cells) {
            let array = match (feed, cell) {
                (Feed::Kept(i), _) => kept[*i].as_ref(),
                (_, cell) => cell.as_ref(),
            };
            let array = array.expect("earlier steps computed it");
            views.to_mut().push(array.view());
        }
        let mut parts: Vec<Option<Out<'_>>> = Vec::new();
        let mut fresh_views = fresh.iter_mut();
        // Scalars are not written through a place.
        let mut spare = vec![Scalar::Bool(false); pass.targets.len()];
        let mut spare = spare.iter_mut();
        let mut split: Vec<(usize, Option<Out<'_>>, Option<Out<'_>>)> = Vec::new();
        for (i, out) in outputs.iter_mut().enumerate() {
            let wanted = |target: &Target| matches!(*target, Target::Output(o, _) if o == i);
            if !pass.targets.iter().any(wanted) {
                continue;
            }
            let complex = self.inner().prog.outputs[i].imag.is_some();
            let (re, im) = match out {
                Out::Array(view) => {
                    let view = view.reborrow();
                    if complex {
                        let (re, im) = view.into_parts().expect("it is complex");
                        (Some(Out::Array(re)), Some(Out::Array(im)))
                    } else {
                        (Some(Out::Array(view)), None)
                    }
                }
                Out::Scalar(value) => (Some(Out::Scalar(value)), None),
            };
            split.push((i, re, im));
        }
        for target in &pass.targets {
            parts.push(match *target {
                Target::Output(i, imag) => {
                    let found = split.iter_mut().find(|(output, _, _)| *output == i);
                    let (_, re, im) = found.expect("every output that is written was split");
                    if imag { im.take() } else { re.take() }
                }
                Target::Kept(_) => fresh_views.next().map(|array| Out::Array(array.view_mut())),
                Target::Scalar(_) => spare.next().map(Out::Scalar),
            });
        }
        let mut places: Vec<Out<'_>> = parts
            .into_iter()
            .map(|part| part.expect("each root has one place"))
            .collect();
        if let Some(site) = pass.site {
            for (place, own) in places.iter_mut().zip(&pass.sites) {
                if let (Out::Array(view), Some(own)) = (&mut *place, own) {
                    let view = std::mem::replace(view, ViewMut::from_slice::<u8>(&mut []));
                    *place = Out::Array(with_all_axes(view, &scratch.shapes.site(*own).axes)?);
                }
            }
            self.execute_along(pass, site, shape, scratch, call, &views, &mut places)?;
        } else {
            let kernel = self.execute(pass, shape, scratch, call, &views, &mut places)?;
            for (root, value) in reduced_values(&kernel, &scratch.reduced) {
                match pass.targets[root] {
                    Target::Scalar(slot) => scratch.scalars[slot] = value,
                    _ => match &mut places[root] {
                        Out::Array(view) => view.fill(&value)?,
                        Out::Scalar(out) => **out = value,
                    },
                }
            }
        }
        drop(places);
        let mut fresh = fresh.into_iter();
        for target in &pass.targets {
            if let Target::Kept(i) = *target {
                kept[i] = fresh.next();
            }
        }
        Ok(())
    }

    /// Runs one pass over `shape`; reduced values go to the scratch.
    fn execute(
        &self,
        pass: &Pass,
        shape: &[usize],
        scratch: &mut Scratch,
        call: &Call<'_, '_>,
        views: &[View<'_>],
        places: &mut [Out<'_>],
    ) -> Result<Arc<Kernel>, RuntimeError> {
        let Scratch {
            guards,
            plan,
            work,
            reduced,
            ..
        } = scratch;
        let conditions = Conditions {
            compiler: &self.shared().compiler,
            control: &call.control,
            block: call.block,
            workers: &|total| self.workers(&pass.part, total, call.options),
        };
        let mut bound = Bound::new(views, places, guards);
        let variant = exec::run(
            &pass.part,
            shape,
            &mut bound,
            &conditions,
            plan,
            work,
            reduced,
        )?;
        self.check(call, &variant.kernel, shape)?;
        Ok(Arc::clone(&variant.kernel))
    }

    /// Runs a pass over `shape` whose reductions run along the axes of `site`.
    #[expect(clippy::too_many_arguments, reason = "what a run consists of")]
    fn execute_along(
        &self,
        pass: &Pass,
        site: usize,
        shape: &[usize],
        scratch: &mut Scratch,
        call: &Call<'_, '_>,
        views: &[View<'_>],
        places: &mut [Out<'_>],
    ) -> Result<(), RuntimeError> {
        if pass.part.faults {
            self.find_fault(pass, shape, scratch, call, views)?;
        }
        let axes = scratch.shapes.site(site).axes.clone();
        #[cfg(feature = "jit")]
        {
            // Nothing that is read is written: results are kept, and inputs that outputs overwrite were copied.
            let views = scratch.guards.resolve(views);
            if let Some(kernel) = self.run_along(pass, &axes, shape, call, &views, places)? {
                return self.check(call, &kernel, shape);
            }
        }
        self.place_by_place(pass, &axes, shape, scratch, call, views, places)
    }

    /// The lowest fault of a pass, wherever its reductions leave off.
    fn find_fault(
        &self,
        pass: &Pass,
        shape: &[usize],
        scratch: &mut Scratch,
        call: &Call<'_, '_>,
        views: &[View<'_>],
    ) -> Result<(), RuntimeError> {
        let none = RunOptions::new();
        let expected = elements(shape);
        let alone = Call {
            views,
            options: call.options,
            block: call.block,
            control: Control::new(&none, &none, expected),
            expected,
        };
        self.execute(pass, shape, scratch, &alone, views, &mut [])
            .map(drop)
    }

    /// Runs a pass along axes with machine code; the kernel, or none if it must go place by place.
    #[cfg(feature = "jit")]
    fn run_along(
        &self,
        pass: &Pass,
        axes: &[bool],
        shape: &[usize],
        call: &Call<'_, '_>,
        views: &[View<'_>],
        places: &mut [Out<'_>],
    ) -> Result<Option<Arc<Kernel>>, RuntimeError> {
        let compiler = &self.shared().compiler;
        if compiler.interprets() {
            return Ok(None);
        }
        let part = &pass.part;
        let inputs = part
            .inputs
            .iter()
            .map(|&i| Ok((i, views[i].broadcast_to(shape)?)))
            .collect::<Result<Vec<_>, RuntimeError>>()?;
        let mut results: Vec<ViewMut<'_>> = places
            .iter_mut()
            .map(|place| match place {
                Out::Array(view) => view.reborrow(),
                Out::Scalar(_) => unreachable!("reductions that leave axes are kept"),
            })
            .collect();
        let mut along = Along::new(shape, axes, &inputs, &mut results);
        let mut classes = along.classes(views.len());
        let variant = part.variant(&mut classes, along.form, compiler)?;
        let Code::Native(native) = &variant.code else {
            return Ok(None);
        };
        along.follow(&variant.kernel);
        if !along.fits(&variant.kernel) {
            return Ok(None);
        }
        let workers = self.workers(part, along.elements(), call.options)?;
        let running = Running {
            along: &along,
            kernel: &variant.kernel,
            native,
            control: &call.control,
        };
        running.run(workers.as_ref().map(|(pool, threads)| (&**pool, *threads)));
        Ok(Some(Arc::clone(&variant.kernel)))
    }

    /// Runs a pass along axes as a whole reduction for each place of the result.
    #[expect(clippy::too_many_arguments, reason = "what a run consists of")]
    fn place_by_place(
        &self,
        pass: &Pass,
        axes: &[bool],
        shape: &[usize],
        scratch: &mut Scratch,
        call: &Call<'_, '_>,
        views: &[View<'_>],
        places: &mut [Out<'_>],
    ) -> Result<(), RuntimeError> {
        let extents = |wanted: bool| -> Vec<usize> {
            let axes = shape.iter().zip(axes);
            axes.filter(|(_, reduced)| **reduced == wanted)
                .map(|(&extent, _)| extent)
                .collect()
        };
        let (inner, outer) = (extents(true), extents(false));
        let Scratch {
            guards,
            plan,
            work,
            reduced,
            ..
        } = scratch;
        let views = guards.resolve(views);
        let unguarded = Guards::default();
        let n: usize = outer.iter().product();
        let mut index = vec![0; outer.len()];
        for at in 0..n {
            let mut rest = at;
            for (i, extent) in index.iter_mut().zip(&outer).rev() {
                *i = rest % extent;
                rest /= extent;
            }
            let mut here = views.clone();
            for &input in &pass.part.inputs {
                let mut view = views[input].broadcast_to(shape)?;
                let mut kept = index.iter();
                let mut axis = 0;
                for &reduced in axes {
                    if reduced {
                        axis += 1;
                    } else {
                        view = view.index_axis(axis, *kept.next().expect("as many"))?;
                    }
                }
                here[input] = view;
            }
            let conditions = Conditions {
                compiler: &self.shared().compiler,
                control: &call.control,
                block: call.block,
                workers: &|total| self.workers(&pass.part, total, call.options),
            };
            let mut bound = Bound::new(&here, &mut [], &unguarded);
            let variant = exec::run(
                &pass.part,
                &inner,
                &mut bound,
                &conditions,
                plan,
                work,
                reduced,
            )?;
            for (root, value) in reduced_values(&variant.kernel, reduced) {
                let Out::Array(view) = &mut places[root] else {
                    unreachable!("reductions that leave axes are kept")
                };
                let mut at = index.iter();
                let index = axes.iter().map(|&reduced| match reduced {
                    true => 0,
                    false => *at.next().expect("as many"),
                });
                view.set(&index.collect::<Vec<_>>(), &value)?;
            }
        }
        match n {
            0 => Ok(()),
            _ => self.check_stop(call),
        }
    }

    /// Whether all that was to be done so far is done, of passes that cannot fault.
    fn check_stop(&self, call: &Call<'_, '_>) -> Result<(), RuntimeError> {
        call.control
            .verdict(call.expected)
            .map_err(|verdict| match verdict {
                Verdict::Stopped(error) => error,
                Verdict::Fault(_) => unreachable!("faults were looked for first"),
            })
    }

    /// Whether all that was to be done so far is done.
    fn check(
        &self,
        call: &Call<'_, '_>,
        kernel: &Kernel,
        shape: &[usize],
    ) -> Result<(), RuntimeError> {
        call.control
            .verdict(call.expected)
            .map_err(|verdict| match verdict {
                Verdict::Stopped(error) => error,
                Verdict::Fault(fault) => fault_error(kernel, fault, shape),
            })
    }
}

/// The values of a kernel's reductions, with the root each belongs to.
pub(crate) fn reduced_values<'a>(
    kernel: &'a Kernel,
    reduced: &'a [u64],
) -> impl Iterator<Item = (usize, Scalar)> + 'a {
    let results = kernel.results.iter().enumerate();
    results.filter_map(move |(root, &result)| match result {
        ResultKind::Reduced { acc, word, dtype } => {
            let (acc, word) = (acc as usize, word as usize);
            let bits = reduced[kernel.partial_offset(acc) + word];
            let total = kernel.accumulators[acc].scalar(word, bits);
            Some((root, finished(total, dtype)))
        }
        ResultKind::Array(_) => None,
    })
}

/// Writes an output that no pass wrote.
fn finish(
    last: &Final,
    out: &mut Out<'_>,
    scalars: &[Scalar],
    kept: &[Option<Array>],
) -> Result<(), RuntimeError> {
    match (last.from, out) {
        (Feed::Scalar(slot), Out::Scalar(out)) => **out = scalars[slot].clone(),
        (Feed::Scalar(slot), Out::Array(view)) => part(view, last.imag).fill(&scalars[slot])?,
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

/// The shapes of kept arrays in one run.
#[derive(Default)]
pub(crate) struct KeptShapes {
    shapes: Vec<Vec<usize>>,
}

impl KeptShapes {
    pub(crate) fn set(&mut self, stages: &Stages, shapes: &Shapes, views: &[View<'_>]) {
        self.shapes.resize_with(stages.kept.len(), Vec::new);
        for pass in stages.passes() {
            let mut space = Vec::new();
            for (target, site) in pass.targets.iter().zip(&pass.sites) {
                let Target::Kept(i) = *target else { continue };
                match *site {
                    Some(site) => self.shapes[i].clone_from(&shapes.site(site).shape),
                    None => {
                        self.space(pass, shapes, views, &mut space);
                        self.shapes[i].clone_from(&space);
                    }
                }
            }
        }
    }

    /// The shape of kept array `i`.
    pub(crate) fn shape(&self, i: usize) -> &[usize] {
        &self.shapes[i]
    }

    /// The extents that `pass` goes through.
    pub(crate) fn space(
        &self,
        pass: &Pass,
        shapes: &Shapes,
        views: &[View<'_>],
        to: &mut Vec<usize>,
    ) {
        to.clear();
        let leaves = match &pass.space {
            Space::Set(set) => return to.extend_from_slice(shapes.set(*set)),
            Space::Leaves(leaves) => leaves,
        };
        let shape = |leaf: &Leaf| match *leaf {
            Leaf::Input(i) => views[i as usize].shape(),
            Leaf::Kept(i) => &self.shapes[i],
        };
        let rank = leaves.iter().map(|leaf| shape(leaf).len()).max();
        to.resize(rank.unwrap_or(0), 1);
        for leaf in leaves {
            for (to, &extent) in to.iter_mut().rev().zip(shape(leaf).iter().rev()) {
                if *to == 1 {
                    *to = extent;
                }
            }
        }
    }
}

/// The number of elements of a shape that was checked.
fn elements(shape: &[usize]) -> u64 {
    shape.iter().product::<usize>() as u64
}

/// The fault of a run over `shape`, for people.
fn fault_error(kernel: &Kernel, fault: Fault, shape: &[usize]) -> RuntimeError {
    let Some(KernelStep::Call(call)) = kernel.steps.get(fault.step as usize) else {
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
