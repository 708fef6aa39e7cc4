//! The shapes of one run: of the spaces that outputs and reductions go through, and of what reductions leave.
//!
//! What goes in: a program, and the shapes of its inputs. What comes out: [`Shapes`], or an error that names both sides. What it
//! never does: touch an element, or allocate once its vectors have grown.

use std::collections::HashMap;

use numloom_data::{View, shape};
use numloom_ir::{Axes, InstKind, Program, Reduce, Shape, ShapeSource, Value};
use numloom_syntax::Span;

use crate::error::{RuntimeError, RuntimeErrorKind, Side};

/// What a shape broadcasts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// An input.
    Input(u32),
    /// What a reduction leaves.
    Site(usize),
}

/// A reduction or count of the program.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) value: Value,
    /// The space it goes through.
    pub(crate) set: usize,
    axes: Axes,
    keepdims: bool,
    /// Its name, if no elements are an error.
    refuses_empty: Option<&'static str>,
    span: Span,
}

/// The shapes a program goes by, each distinct one once: known before arrays come.
#[derive(Debug)]
pub(crate) struct ShapeSets {
    sets: Vec<Vec<Source>>,
    /// Reductions and counts, in the order of the program.
    pub(crate) sites: Vec<Site>,
    /// For each output, its set.
    outputs: Vec<usize>,
    /// Sets and sites in an order in which each needs only earlier ones.
    order: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Set(usize),
    Site(usize),
}

impl ShapeSets {
    pub(crate) fn of(prog: &Program) -> ShapeSets {
        let mut sets = ShapeSets {
            sets: Vec::new(),
            sites: Vec::new(),
            outputs: Vec::new(),
            order: Vec::new(),
        };
        let mut known: HashMap<Shape, usize> = HashMap::new();
        let mut sites: HashMap<Value, usize> = HashMap::new();
        for (i, inst) in prog.insts.iter().enumerate() {
            let value = Value(i as u32);
            let (axes, keepdims, refuses_empty) = match &inst.kind {
                InstKind::Reduce(Reduce {
                    reduction,
                    axes,
                    keepdims,
                    may_be_empty,
                    ..
                }) => {
                    let refuses = reduction.needs_elements() && !may_be_empty;
                    (axes, *keepdims, refuses.then(|| reduction.name()))
                }
                InstKind::Count { axes, .. } => (axes, false, None),
                _ => continue,
            };
            let shape = inst.reduced_shape().expect("both kinds have one");
            let set = sets.intern(&mut known, &sites, shape);
            sites.insert(value, sets.sites.len());
            sets.order.push(Step::Site(sets.sites.len()));
            sets.sites.push(Site {
                value,
                set,
                axes: axes.clone(),
                keepdims,
                refuses_empty,
                span: inst.span,
            });
        }
        for output in &prog.outputs {
            let set = sets.intern(&mut known, &sites, &output.shape);
            sets.outputs.push(set);
        }
        sets
    }

    fn intern(
        &mut self,
        known: &mut HashMap<Shape, usize>,
        sites: &HashMap<Value, usize>,
        shape: &Shape,
    ) -> usize {
        if let Some(&set) = known.get(shape) {
            return set;
        }
        let source = |source: &ShapeSource| match source {
            ShapeSource::Input(input) => Source::Input(*input),
            ShapeSource::Value(value) => Source::Site(sites[value]),
        };
        let sources = shape.sources().iter().map(source).collect();
        let set = self.sets.len();
        self.sets.push(sources);
        self.order.push(Step::Set(set));
        known.insert(shape.clone(), set);
        set
    }

    /// The set that output `i` is computed over.
    pub(crate) fn output(&self, i: usize) -> usize {
        self.outputs[i]
    }

    /// Whether output `i` is one value, whatever the inputs.
    pub(crate) fn is_scalar(&self, i: usize) -> bool {
        self.sets[self.outputs[i]].is_empty()
    }

    /// Whether the shape of output `i` follows from some input for which `holds`.
    #[cfg(feature = "jit")]
    pub(crate) fn is_shaped_by(&self, i: usize, holds: impl Fn(u32) -> bool) -> bool {
        self.sets[self.outputs[i]]
            .iter()
            .any(|source| matches!(source, Source::Input(input) if holds(*input)))
    }

    /// Whether the shapes of `outputs`, and of all that is reduced, each have some input for which `holds`.
    #[cfg(feature = "jit")]
    pub(crate) fn each_has(&self, outputs: &[usize], holds: impl Fn(u32) -> bool) -> bool {
        let has = |set: usize| {
            self.sets[set].iter().any(|source| match source {
                Source::Input(input) => holds(*input),
                Source::Site(_) => false,
            })
        };
        outputs.iter().all(|&i| has(self.outputs[i])) && self.sites.iter().all(|site| has(site.set))
    }
}

/// What a reduction meets in one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct SiteShape {
    /// For each axis of its space, whether it is reduced.
    pub(crate) axes: Vec<bool>,
    /// The shape of its result.
    pub(crate) shape: Vec<usize>,
    /// How many elements are combined to one.
    pub(crate) count: usize,
}

/// The shapes of one run.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    sets: Vec<Vec<usize>>,
    sites: Vec<SiteShape>,
}

impl Shapes {
    /// Works out every shape.
    pub(crate) fn infer(
        &mut self,
        prog: &Program,
        sets: &ShapeSets,
        inputs: &[View<'_>],
    ) -> Result<(), RuntimeError> {
        if self.sets.len() < sets.sets.len() {
            self.sets.resize_with(sets.sets.len(), Vec::new);
        }
        if self.sites.len() < sets.sites.len() {
            self.sites.resize_with(sets.sites.len(), Default::default);
        }
        for step in &sets.order {
            match *step {
                Step::Set(set) => {
                    let mut to = std::mem::take(&mut self.sets[set]);
                    let met = broadcast(
                        &sets.sets[set],
                        |source| self.source(source, inputs),
                        &mut to,
                    );
                    self.sets[set] = to;
                    if let Err((left, right)) = met {
                        return Err(self.disagree(prog, sets, inputs, set, left, right));
                    }
                    shape::element_count(&self.sets[set])?;
                }
                Step::Site(i) => {
                    let mut found = std::mem::take(&mut self.sites[i]);
                    let met = sets.sites[i].resolve(&self.sets[sets.sites[i].set], &mut found);
                    self.sites[i] = found;
                    met?;
                }
            }
        }
        Ok(())
    }

    fn source<'s>(&'s self, source: Source, inputs: &'s [View<'_>]) -> &'s [usize] {
        match source {
            Source::Input(input) => inputs[input as usize].shape(),
            Source::Site(site) => &self.sites[site].shape,
        }
    }

    fn disagree(
        &self,
        prog: &Program,
        sets: &ShapeSets,
        inputs: &[View<'_>],
        set: usize,
        left: Source,
        right: Source,
    ) -> RuntimeError {
        let side = |source: Source| {
            let (name, span) = match source {
                Source::Input(input) => (prog.inputs[input as usize].name.clone(), None),
                Source::Site(site) => {
                    let site = &sets.sites[site];
                    let InstKind::Reduce(reduce) = &prog.inst(site.value).kind else {
                        unreachable!("shapes go by reductions")
                    };
                    (format!("{}(…)", reduce.reduction.name()), Some(site.span))
                }
            };
            let shape = self.source(source, inputs).to_vec();
            Side { name, shape, span }
        };
        let output = sets.outputs.iter().position(|&of| of == set);
        let (output, span) = match output {
            Some(i) => (prog.outputs[i].name.clone(), prog.outputs[i].span),
            None => {
                let site = sets.sites.iter().find(|site| site.set == set);
                (None, site.map_or(Span::default(), |site| site.span))
            }
        };
        RuntimeErrorKind::Broadcast {
            output,
            left: side(left),
            right: side(right),
            span,
        }
        .into()
    }

    /// The shape of a set.
    pub(crate) fn set(&self, set: usize) -> &[usize] {
        &self.sets[set]
    }

    /// The shape that output `i` is computed over.
    pub(crate) fn output(&self, sets: &ShapeSets, i: usize) -> &[usize] {
        &self.sets[sets.outputs[i]]
    }

    /// What reduction `site` meets.
    pub(crate) fn site(&self, site: usize) -> &SiteShape {
        &self.sites[site]
    }

    /// The shapes of all sets and what all reductions meet.
    pub(crate) fn all<'s>(&'s self, sets: &ShapeSets) -> (&'s [Vec<usize>], &'s [SiteShape]) {
        (
            &self.sets[..sets.sets.len()],
            &self.sites[..sets.sites.len()],
        )
    }
}

impl Site {
    /// Finds its axes in `shape`, and what it leaves.
    fn resolve(&self, shape: &[usize], found: &mut SiteShape) -> Result<(), RuntimeError> {
        let rank = shape.len();
        found.axes.clear();
        match &self.axes {
            Axes::All => found.axes.resize(rank, true),
            Axes::These(axes) => {
                found.axes.resize(rank, false);
                for &axis in &**axes {
                    // As NumPy has it, a single value may be reduced along a first or last axis.
                    if rank == 0 && matches!(axis, 0 | -1) {
                        continue;
                    }
                    let at = if axis < 0 { axis + rank as i64 } else { axis };
                    let at = usize::try_from(at).ok().filter(|&at| at < rank);
                    let repeated = match at {
                        Some(at) => std::mem::replace(&mut found.axes[at], true),
                        None => false,
                    };
                    if at.is_none() || repeated {
                        return Err(RuntimeErrorKind::Axis {
                            axis,
                            shape: shape.to_vec(),
                            repeated,
                            span: self.span,
                        }
                        .into());
                    }
                }
            }
        }
        found.shape.clear();
        found.count = 1;
        let mut left = 1;
        for (&extent, &reduced) in shape.iter().zip(&found.axes) {
            if reduced {
                found.count *= extent;
            } else {
                left *= extent;
            }
            if !reduced || self.keepdims {
                found.shape.push(if reduced { 1 } else { extent });
            }
        }
        match self.refuses_empty {
            Some(reduction) if found.count == 0 && left > 0 => {
                Err(RuntimeErrorKind::EmptyReduction {
                    reduction,
                    shape: shape.to_vec(),
                    span: self.span,
                }
                .into())
            }
            _ => Ok(()),
        }
    }
}

/// Broadcasts `to` to `shape` as well, by NumPy's rule; whether the two agree. If not, `to` keeps its own extents.
pub(crate) fn stretch(to: &mut Vec<usize>, shape: &[usize]) -> bool {
    let missing = shape.len().saturating_sub(to.len());
    to.splice(..0, std::iter::repeat_n(1, missing));
    let mut agree = true;
    for (have, &extent) in to.iter_mut().rev().zip(shape.iter().rev()) {
        if *have == 1 {
            *have = extent;
        } else {
            agree &= extent == 1 || extent == *have;
        }
    }
    agree
}

/// What a set of sources broadcasts to, into `to`; two sources that disagree if there are such.
fn broadcast<'s>(
    set: &[Source],
    shape_of: impl Fn(Source) -> &'s [usize],
    to: &mut Vec<usize>,
) -> Result<(), (Source, Source)> {
    to.clear();
    for (nth, &source) in set.iter().enumerate() {
        if !stretch(to, shape_of(source)) {
            let disagrees = |&&other: &&Source| {
                let pair = shape_of(other)
                    .iter()
                    .rev()
                    .zip(shape_of(source).iter().rev());
                pair.into_iter().any(|(&a, &b)| a != b && a != 1 && b != 1)
            };
            let left = set[..nth].iter().find(disagrees);
            return Err((*left.expect("an earlier source gave the extent"), source));
        }
    }
    Ok(())
}
