//! A program as the steps of a run.
//!
//! What goes in: a program and its [`Layout`]. What comes out: [`Stages`], a program of its own for each pass, and what is computed between
//! them. What it never does: look at shapes.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use numloom_data::{DType, Scalar};
use numloom_ir::{Axes, Input, InputSource, Inst, InstKind, Op, Output, Program, Shape, Value};

use crate::layout::{Group, Layout, Role, Space, Target, cone, numbered};
use crate::shape::ShapeSets;
use crate::variant::Part;

/// What a pass reads beyond the program's inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Feed {
    Scalar(usize),
    Kept(usize),
}

/// One pass.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) part: Arc<Part>,
    pub(crate) space: Space,
    /// The reduction along whose axes it reduces, if it leaves some.
    pub(crate) site: Option<usize>,
    /// What it reads behind the program's inputs.
    pub(crate) feeds: Vec<Feed>,
    /// What its roots are for, in order.
    pub(crate) targets: Vec<Target>,
    /// For each root the reduction that it is, if it is one.
    pub(crate) sites: Vec<Option<usize>>,
}

/// How a scalar is computed.
#[derive(Clone, Debug)]
pub(crate) enum Formula {
    Count(usize),
    Const(Scalar),
    Input(u32),
    Apply(Op, Vec<usize>),
}

/// A scalar that is computed between passes.
#[derive(Clone, Debug)]
pub(crate) struct ScalarStep {
    pub(crate) slot: usize,
    pub(crate) formula: Formula,
    pub(crate) inst: Inst,
}

/// One step of a run.
#[derive(Debug)]
pub(crate) enum Step {
    Pass(Box<Pass>),
    Scalar(ScalarStep),
}

/// Where an output comes from that no pass writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Final {
    pub(crate) output: usize,
    pub(crate) imag: bool,
    pub(crate) from: Feed,
}

/// A program as steps.
#[derive(Debug)]
pub(crate) struct Stages {
    pub(crate) layout: Layout,
    pub(crate) steps: Vec<Step>,
    /// How many scalars there are.
    pub(crate) scalars: usize,
    /// The dtypes of kept arrays.
    pub(crate) kept: Vec<DType>,
    pub(crate) finals: Vec<Final>,
    /// Whether it is one pass whose roots are the outputs, in order.
    pub(crate) is_one_pass: bool,
    /// For each input the last step that reads it, times two; and one, if that goes along axes.
    reads: Vec<Option<usize>>,
    /// For each output the first step that writes it, times two.
    writes: Vec<usize>,
}

impl Stages {
    /// The steps of a program that is laid out so.
    ///
    /// `whole` is the part of the whole program, which is used if that is the one pass.
    pub(crate) fn new(
        prog: &Arc<Program>,
        sets: &ShapeSets,
        layout: Layout,
        whole: Option<&Arc<Part>>,
    ) -> Stages {
        let roles = &layout.roles;
        let slots = numbered(roles, Role::Scalar);
        let numbers = numbered(roles, Role::Kept);
        let of_kept = prog.insts.iter().zip(roles);
        let of_kept = of_kept.filter(|(_, role)| **role == Role::Kept);
        let kept = of_kept.map(|(inst, _)| inst.dtype).collect();
        let build = Build {
            prog,
            sets,
            roles,
            slots: &slots,
            numbers: &numbers,
        };
        let feed = |value: Value| match roles[value.index()] {
            Role::Scalar => Some(Feed::Scalar(slots[value.index()])),
            Role::Kept => Some(Feed::Kept(numbers[value.index()])),
            _ => None,
        };
        let is_written = |target: Target| {
            let mut roots = layout.groups.iter().flat_map(|group| &group.roots);
            roots.any(|&(_, other)| other == target)
        };
        let mut finals = Vec::new();
        for (output, out) in prog.outputs.iter().enumerate() {
            for (part, value) in out.values().enumerate() {
                if let Some(from) = feed(value)
                    && !is_written(Target::Output(output, part == 1))
                {
                    finals.push(Final {
                        output,
                        imag: part == 1,
                        from,
                    });
                }
            }
        }
        let is_one_pass = build.is_one_pass(&layout.groups);
        let mut steps = Vec::new();
        if is_one_pass {
            let group = &layout.groups[0];
            steps.push(Step::Pass(Box::new(Pass {
                part: whole.map_or_else(|| Arc::new(Part::new(prog)), Arc::clone),
                space: group.space.clone(),
                site: None,
                feeds: Vec::new(),
                targets: Vec::new(),
                sites: Vec::new(),
            })));
            finals.clear();
        } else {
            build.steps(&layout.groups, &mut steps);
        }
        let mut reads = vec![None; prog.inputs.len()];
        let mut writes = vec![usize::MAX; prog.outputs.len()];
        for (at, step) in steps.iter().enumerate() {
            let at = 2 * at;
            match step {
                Step::Pass(pass) => {
                    // Along axes, nothing that is read may be written.
                    let last = at + usize::from(pass.site.is_some());
                    for &i in &pass.part.inputs {
                        if let Some(read) = reads.get_mut(i) {
                            *read = Some(last);
                        }
                    }
                    for target in &pass.targets {
                        if let Target::Output(output, _) = *target {
                            writes[output] = writes[output].min(at);
                        }
                    }
                    if is_one_pass {
                        writes.fill(at);
                    }
                }
                Step::Scalar(ScalarStep {
                    formula: Formula::Input(i),
                    ..
                }) => reads[*i as usize] = Some(at),
                Step::Scalar(_) => {}
            }
        }
        Stages {
            reads,
            writes,
            scalars: roles.iter().filter(|&&role| role == Role::Scalar).count(),
            steps,
            kept,
            finals,
            is_one_pass,
            layout,
        }
    }

    /// Whether an input is read for the last time before, while or after an output is first written.
    pub(crate) fn turn(&self, input: usize, output: usize) -> Ordering {
        match self.reads[input] {
            Some(read) => read.cmp(&self.writes[output]),
            None => Ordering::Less,
        }
    }

    /// Its passes, in order.
    pub(crate) fn passes(&self) -> impl Iterator<Item = &Pass> {
        self.steps.iter().filter_map(|step| match step {
            Step::Pass(pass) => Some(&**pass),
            Step::Scalar(_) => None,
        })
    }
}

struct Build<'a> {
    prog: &'a Arc<Program>,
    sets: &'a ShapeSets,
    roles: &'a [Role],
    slots: &'a [usize],
    numbers: &'a [usize],
}

impl Build<'_> {
    /// Whether the program itself is what the one pass computes.
    fn is_one_pass(&self, groups: &[Group]) -> bool {
        let [group] = groups else { return false };
        group.site.is_none()
            && self.prog.outputs.iter().all(|output| {
                let inst = self.prog.inst(output.value);
                let is_root = match self.roles[output.value.index()] {
                    Role::Inline => true,
                    _ => matches!(inst.kind, InstKind::Reduce(_)),
                };
                is_root && output.imag.is_none()
            })
            && self.prog.insts.iter().enumerate().all(|(i, inst)| {
                let kept = match inst.kind {
                    InstKind::Reduce(_) => Role::Scalar,
                    _ => Role::Inline,
                };
                let operands = inst.operands().iter();
                self.roles[i] == Role::Dead
                    || self.roles[i] == kept
                        && operands
                            .into_iter()
                            .all(|arg| self.roles[arg.index()] == Role::Inline)
            })
    }

    fn steps(&self, groups: &[Group], steps: &mut Vec<Step>) {
        let mut done = vec![false; self.prog.insts.len()];
        self.scalars(&mut done, steps);
        let mut rest = groups;
        while let Some(first) = rest.first() {
            let n = rest.partition_point(|group| group.level <= first.level);
            let (now, later) = rest.split_at(n);
            for group in now {
                let pass = self.pass(group);
                steps.push(Step::Pass(Box::new(pass)));
            }
            for (value, _) in now.iter().flat_map(|group| &group.roots) {
                done[value.index()] = true;
            }
            self.scalars(&mut done, steps);
            rest = later;
        }
    }

    /// The scalars that can be computed by now.
    fn scalars(&self, done: &mut [bool], steps: &mut Vec<Step>) {
        for (i, inst) in self.prog.insts.iter().enumerate() {
            let known = inst.operands().iter().all(|arg| done[arg.index()]);
            if self.roles[i] != Role::Scalar || done[i] || !known {
                continue;
            }
            let formula = match &inst.kind {
                InstKind::Reduce(_) => continue,
                InstKind::Count { .. } => {
                    let site = self.site_of(Value(i as u32));
                    Formula::Count(site.expect("each count is a site"))
                }
                InstKind::Const(scalar) => Formula::Const(scalar.clone()),
                InstKind::Input(input) => Formula::Input(*input),
                InstKind::Apply { op, args } => {
                    let slot = |arg: &Value| self.slots[arg.index()];
                    Formula::Apply(*op, args.iter().map(slot).collect())
                }
            };
            done[i] = true;
            steps.push(Step::Scalar(ScalarStep {
                slot: self.slots[i],
                formula,
                inst: inst.clone(),
            }));
        }
    }

    fn site_of(&self, value: Value) -> Option<usize> {
        self.sets.sites.iter().position(|site| site.value == value)
    }

    /// The program of one pass: its inputs are the whole program's, and behind them what earlier steps came to.
    fn pass(&self, group: &Group) -> Pass {
        let prog = self.prog;
        let roots: Vec<Value> = group.roots.iter().map(|(value, _)| *value).collect();
        let mut inputs = prog.inputs.clone();
        let mut feeds = Vec::new();
        let mut insts: Vec<Inst> = Vec::new();
        let mut names: HashMap<Value, Value> = HashMap::new();
        for value in cone(prog, self.roles, &roots) {
            let mut inst = prog.inst(value).clone();
            for &arg in prog.inst(value).operands() {
                if names.contains_key(&arg) {
                    continue;
                }
                let source = prog.inst(arg);
                let feed = match self.roles[arg.index()] {
                    Role::Scalar => Feed::Scalar(self.slots[arg.index()]),
                    _ => Feed::Kept(self.numbers[arg.index()]),
                };
                let kind = match &source.kind {
                    InstKind::Const(scalar) => InstKind::Const(scalar.clone()),
                    _ => {
                        feeds.push(feed);
                        inputs.push(Input {
                            name: "a reduced value".to_owned(),
                            dtype: source.dtype,
                            source: InputSource::Array,
                        });
                        InstKind::Input(inputs.len() as u32 - 1)
                    }
                };
                names.insert(arg, Value(insts.len() as u32));
                insts.push(Inst {
                    kind,
                    ..source.clone()
                });
            }
            if let InstKind::Reduce(reduce) = &mut inst.kind {
                reduce.axes = Axes::All;
                reduce.shape = Shape::default();
            }
            inst.map_operands(|arg| names[&arg]);
            names.insert(value, Value(insts.len() as u32));
            insts.push(inst);
        }
        let output = |value: &Value| Output {
            name: None,
            value: names[value],
            imag: None,
            shape: Shape::default(),
            span: prog.inst(*value).span,
        };
        let program = Program {
            inputs,
            insts,
            outputs: roots.iter().map(output).collect(),
        };
        Pass {
            part: Arc::new(Part::new(&Arc::new(program))),
            space: group.space.clone(),
            site: group.site,
            feeds,
            targets: group.roots.iter().map(|(_, target)| *target).collect(),
            sites: roots.iter().map(|root| self.site_of(*root)).collect(),
        }
    }
}
