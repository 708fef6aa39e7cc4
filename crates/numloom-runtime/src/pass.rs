//! One pass of a run: over all of its space at once, or along the axes that its reductions leave.
//!
//! What goes in: a [`Pass`], the arrays it reads, places for what it writes. What comes out: written places, reduced values in the
//! scratch, or the first error. What it never does: know what its results are for.

use std::ops::Range;
use std::sync::Arc;

#[cfg(feature = "jit")]
use numloom_data::ViewMut;
use numloom_data::{Scalar, View};
use numloom_ir::reduce::Tree;
use numloom_ir::{Fault, Kernel, ResultKind, Step};

#[cfg(feature = "jit")]
use crate::along::{Along, Running};
use crate::bind::Out;
#[cfg(feature = "jit")]
use crate::code::Code;
use crate::control::Verdict;
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::exec::{self, Conditions};
use crate::guard::{Bound, Guards};
use crate::reduce::finished;
use crate::scratch::Scratch;
use crate::space::{elements, index_of};
use crate::stage::Pass;
use crate::stream::Carried;
use crate::window::{Extent, Windows};

/// A pass that is about to run.
#[derive(Clone, Copy)]
pub(crate) struct PassRun<'a, 'v> {
    pub(crate) pass: &'a Pass,
    /// The shape it goes through.
    pub(crate) shape: &'a [usize],
    /// What it reads: the program's inputs, and its feeds behind them.
    pub(crate) views: &'a [View<'v>],
    pub(crate) conditions: &'a Conditions<'a>,
    /// How it goes through files, if it is to do so in windows.
    pub(crate) windows: Option<&'a Windows<'a>>,
    /// Elements of the run that are done once it is.
    pub(crate) expected: u64,
}

impl PassRun<'_, '_> {
    /// Runs it over its shape; reduced values go to the scratch.
    pub(crate) fn whole(
        &self,
        scratch: &mut Scratch,
        places: &mut [Out<'_>],
    ) -> Result<Arc<Kernel>, RuntimeError> {
        self.over(self.shape, scratch, places, None)
    }

    /// Runs it over its shape, as a part of a run that goes on behind it.
    pub(crate) fn carried(
        &self,
        scratch: &mut Scratch,
        places: &mut [Out<'_>],
        carried: &mut Carried,
    ) -> Result<Arc<Kernel>, RuntimeError> {
        // Positions count from the first row of all.
        let mut all = self.shape.to_vec();
        all[0] = usize::MAX;
        self.over(&all, scratch, places, Some(carried))
    }

    /// Runs it over its shape, which is a part of `all`.
    fn over(
        &self,
        all: &[usize],
        scratch: &mut Scratch,
        places: &mut [Out<'_>],
        carried: Option<&mut Carried>,
    ) -> Result<Arc<Kernel>, RuntimeError> {
        let Scratch {
            guards,
            plan,
            work,
            reduced,
            ..
        } = scratch;
        let part = &self.pass.part;
        let mut bound = Bound::new(self.views, places, guards);
        bound.windows = self.windows;
        bound.carried = carried;
        let conditions = self.conditions;
        let variant = exec::run(
            part, self.shape, &mut bound, conditions, plan, work, reduced,
        )?;
        let kernel = &variant.kernel;
        self.check(|fault| fault_error(kernel, fault, all))?;
        Ok(Arc::clone(kernel))
    }

    /// Runs it along the axes of the reduction `site`; the places have all axes of its shape, reduced ones of one element.
    pub(crate) fn along(
        &self,
        site: usize,
        scratch: &mut Scratch,
        places: &mut [Out<'_>],
    ) -> Result<(), RuntimeError> {
        if self.pass.part.faults {
            self.find_fault(scratch)?;
        }
        let axes = scratch.shapes.site(site).axes.clone();
        let Some(windows) = self.windows else {
            return self.along_axes(&axes, scratch, places);
        };
        // Nothing that is read is written, so views of parts need no guards.
        let guards = std::mem::take(&mut scratch.guards);
        let views = guards.resolve(self.views);
        let run = PassRun {
            views: &views,
            ..*self
        };
        let done = match axes.first() {
            Some(false) => run.along_windows(windows, &axes, scratch, places),
            _ => {
                windows.sweep_from(self.pass.part.bytes_per_element);
                let done = run.along_axes(&axes, scratch, places);
                windows.sweep_from(0);
                done
            }
        };
        drop(views);
        scratch.guards = guards;
        done
    }

    /// Runs it along `axes`, of which the first is none that is reduced, in windows of that.
    fn along_windows(
        &self,
        windows: &Windows<'_>,
        axes: &[bool],
        scratch: &mut Scratch,
        places: &mut [Out<'_>],
    ) -> Result<(), RuntimeError> {
        let part = &self.pass.part;
        let rows = self.shape[0];
        let row: usize = self.shape[1..].iter().product();
        let (mut start, _) = windows.start(Tree::new(&[]));
        let n = windows.rows(row.saturating_mul(part.bytes_per_element));
        let control = &self.conditions.control;
        control.count((start * row) as u64);
        let mut expected = self.expected - ((rows - start) * row) as u64;
        let read = |rows: &Range<usize>| -> Result<Vec<Extent>, RuntimeError> {
            let mut extents = Vec::new();
            for &i in part.inputs.iter().filter(|_| !rows.is_empty()) {
                let view = rows_of(&self.views[i].broadcast_to(self.shape)?, rows)?;
                windows.add(&mut extents, view.byte_extent());
            }
            Ok(extents)
        };
        let mut next = read(&(start..rows.min(start.saturating_add(n))))?;
        windows.prefetch(next.clone());
        while start < rows {
            let end = rows.min(start.saturating_add(n));
            let range = [start, end].map(|at| Some(at.cast_signed()));
            let mut shape = self.shape.to_vec();
            shape[0] = end - start;
            let mut views = self.views.to_vec();
            let mut extents = next;
            for &i in &part.inputs {
                views[i] = rows_of(&self.views[i].broadcast_to(self.shape)?, &(start..end))?;
            }
            let mut parts = Vec::with_capacity(places.len());
            let mut lasts = true;
            for place in &mut *places {
                let Out::Array(view) = place else {
                    unreachable!("a reduction that leaves axes is an array")
                };
                let view = view.reborrow().slice_axis(0, range[0], range[1], 1)?;
                let addresses = view.byte_extent();
                lasts &= windows.is_mapped(addresses.start);
                windows.add(&mut extents, addresses);
                parts.push(Out::Array(view));
            }
            expected += ((end - start) * row) as u64;
            let run = PassRun {
                shape: &shape,
                views: &views,
                expected,
                ..*self
            };
            next = read(&(end..rows.min(end.saturating_add(n))))?;
            windows.open(start, &extents, next.clone())?;
            run.along_axes(axes, scratch, &mut parts)?;
            windows.close(extents, end, None, lasts)?;
            start = end;
        }
        Ok(())
    }

    /// Runs it along `axes`, all at once.
    fn along_axes(
        &self,
        axes: &[bool],
        scratch: &mut Scratch,
        places: &mut [Out<'_>],
    ) -> Result<(), RuntimeError> {
        #[cfg(feature = "jit")]
        {
            // Nothing that is read is written: inputs that outputs overwrite were copied.
            let views = scratch.guards.resolve(self.views);
            if self.native_along(axes, &views, places)? {
                return self.check(found_before);
            }
        }
        self.place_by_place(axes, scratch, places)
    }

    /// The lowest fault, wherever its reductions leave off.
    fn find_fault(&self, scratch: &mut Scratch) -> Result<(), RuntimeError> {
        let expected = elements(self.shape);
        let conditions = Conditions {
            control: self.conditions.control.beside(expected),
            ..*self.conditions
        };
        let alone = PassRun {
            conditions: &conditions,
            windows: None,
            expected,
            ..*self
        };
        if let Some(windows) = self.windows {
            windows.sweep_from(self.pass.part.bytes_per_element);
        }
        let found = alone.whole(scratch, &mut []).map(drop);
        if let Some(windows) = self.windows {
            windows.sweep_from(0);
        }
        found
    }

    /// Runs it along axes with machine code; whether that could be.
    #[cfg(feature = "jit")]
    fn native_along(
        &self,
        axes: &[bool],
        views: &[View<'_>],
        places: &mut [Out<'_>],
    ) -> Result<bool, RuntimeError> {
        let compiler = self.conditions.compiler();
        if compiler.interprets() {
            return Ok(false);
        }
        let part = &self.pass.part;
        let inputs = part
            .inputs
            .iter()
            .map(|&i| Ok((i, views[i].broadcast_to(self.shape)?)))
            .collect::<Result<Vec<_>, RuntimeError>>()?;
        let mut results: Vec<ViewMut<'_>> = places
            .iter_mut()
            .map(|place| match place {
                Out::Array(view) => view.reborrow(),
                Out::Scalar(_) => unreachable!("a reduction that leaves axes is an array"),
            })
            .collect();
        let mut along = Along::new(self.shape, axes, &inputs, &mut results);
        let mut classes = along.classes(views.len());
        let variant = part.variant(&mut classes, along.form, compiler)?;
        let Code::Native(native) = &variant.code else {
            return Ok(false);
        };
        along.follow(&variant.kernel);
        if !along.fits(&variant.kernel) {
            return Ok(false);
        }
        let workers = self.conditions.workers(part, along.elements())?;
        let running = Running {
            along: &along,
            kernel: &variant.kernel,
            native,
            control: &self.conditions.control,
        };
        running.run(workers.as_ref().map(|(pool, threads)| (&**pool, *threads)));
        Ok(true)
    }

    /// Runs it along axes as a whole reduction for each place of the result.
    fn place_by_place(
        &self,
        axes: &[bool],
        scratch: &mut Scratch,
        places: &mut [Out<'_>],
    ) -> Result<(), RuntimeError> {
        let part = &self.pass.part;
        let pairs = || self.shape.iter().zip(axes);
        let inner: Vec<usize> = pairs().filter(|(_, r)| **r).map(|(&n, _)| n).collect();
        let outer: Vec<usize> = pairs().map(|(&n, &r)| if r { 1 } else { n }).collect();
        let Scratch {
            guards,
            plan,
            work,
            reduced,
            ..
        } = scratch;
        let mut views = guards.resolve(self.views);
        let inputs = part.inputs.iter();
        let whole = inputs
            .map(|&i| views[i].broadcast_to(self.shape))
            .collect::<Result<Vec<_>, _>>()?;
        let unguarded = Guards::default();
        let mut index = vec![0; outer.len()];
        for at in 0..outer.iter().product() {
            index_of(at, &outer, &mut index);
            for (&input, whole) in part.inputs.iter().zip(&whole) {
                let mut view = whole.clone();
                for axis in (0..axes.len()).rev().filter(|&axis| !axes[axis]) {
                    view = view.index_axis(axis, index[axis])?;
                }
                views[input] = view;
            }
            let mut bound = Bound::new(&views, &mut [], &unguarded);
            let conditions = self.conditions;
            let variant = exec::run(part, &inner, &mut bound, conditions, plan, work, reduced)?;
            if reduced.is_empty() {
                // Stopped; why is for `control` to say.
                break;
            }
            for (root, value) in reduced_values(&variant.kernel, reduced) {
                let Out::Array(view) = &mut places[root] else {
                    unreachable!("a reduction that leaves axes is an array")
                };
                view.set(&index, &value)?;
            }
        }
        self.check(found_before)
    }

    /// Whether all that was to be done so far is done.
    fn check(&self, faulty: impl FnOnce(Fault) -> RuntimeError) -> Result<(), RuntimeError> {
        let verdict = self.conditions.control.verdict(self.expected);
        verdict.map_err(|verdict| match verdict {
            Verdict::Stopped(error) => error,
            Verdict::Fault(fault) => faulty(fault),
        })
    }
}

/// The fault of a pass along axes.
fn found_before(_: Fault) -> RuntimeError {
    unreachable!("faults were looked for first")
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

/// The fault of a run over `shape`, for people.
fn fault_error(kernel: &Kernel, fault: Fault, shape: &[usize]) -> RuntimeError {
    let call = kernel.steps.iter().find_map(|step| match step {
        Step::Call(call) if call.inst.0 == fault.inst => Some(call),
        _ => None,
    });
    let call = call.expect("only calls raise faults");
    let mut position = vec![0; shape.len()];
    index_of(fault.index as usize, shape, &mut position);
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

/// Some indices of the first axis.
fn rows_of<'a>(view: &View<'a>, rows: &Range<usize>) -> Result<View<'a>, RuntimeError> {
    let [start, end] = [rows.start, rows.end].map(|at| Some(at.cast_signed()));
    Ok(view.slice_axis(0, start, end, 1)?)
}
