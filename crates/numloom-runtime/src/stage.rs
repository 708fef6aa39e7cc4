//! A program as passes: which values are computed together, which are kept, and in what order.
//!
//! What goes in: a program and the shapes of one run. What comes out: [`Stages`], the fewest passes that respect what must be known first.
//! What it never does: look at elements, or let a choice change a bit of the result.
//!
//! | a value is | if | it is |
//! |---|---|---|
//! | inline | it belongs to each element | computed in every pass that wants it, never kept |
//! | scalar | it has no axes and needs a reduction | computed once, between passes |
//! | kept | it is a reduction with axes left, or *hoisted* | computed once into an array, which later passes read |
//!
//! A pass of *level* `k` needs what passes of lower levels came to. Everything of one level over one space shares a pass; reductions along
//! different axes do not. A value that depends on fewer axes than where it is used is hoisted if that spares enough work:
//! `sin(x[None, :])` is computed once for each column, not for each element.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use numloom_data::{DType, Scalar};
use numloom_ir::{Axes, Input, InputSource, Inst, InstKind, Op, Output, Program, Shape, Value};

use crate::shape::{ShapeSets, SiteShape, stretch};
use crate::variant::{Part, work};

/// Work that hoisting must spare, in picoseconds of one thread: a further pass costs some 10 µs, and compiling its kernel more, once.
const HOIST_WORK: u128 = 30_000_000;

/// What a value is in the passes of one run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Role {
    /// Not needed.
    Dead,
    /// Computed where it is wanted.
    Inline,
    /// Computed once, between passes.
    Scalar,
    /// Computed once, into an array.
    Kept,
}

/// Where the extents of a pass come from.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Space {
    /// The shape of an output or of what is reduced.
    Set(usize),
    /// What these leaves broadcast to.
    Leaves(Vec<Leaf>),
}

/// An array that a pass reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Leaf {
    /// An input of the program.
    Input(u32),
    /// A kept array.
    Kept(usize),
}

/// What one root of a pass is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Target {
    /// An output; its imaginary part if so.
    Output(usize, bool),
    /// A scalar.
    Scalar(usize),
    /// A kept array.
    Kept(usize),
}

/// How a pass came to be, as far as it decides what is compiled.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Group {
    level: usize,
    space: Space,
    /// The reduction along whose axes it reduces, if it leaves some.
    site: Option<usize>,
    roots: Vec<(Value, Target)>,
}

/// What decides all of a staging: equal plans are compiled once.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Layout {
    roles: Vec<Role>,
    groups: Vec<Group>,
}

impl Layout {
    /// What a value is.
    pub(crate) fn role(&self, value: Value) -> Role {
        self.roles[value.index()]
    }
}

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
    /// For each input the last step that reads it.
    reads: Vec<Option<usize>>,
    /// For each output the first step that writes it.
    writes: Vec<usize>,
}

/// The shapes of one run, by number.
struct Interned {
    shapes: Vec<Vec<usize>>,
    ids: HashMap<Vec<usize>, u32>,
    met: HashMap<(u32, u32), u32>,
}

impl Interned {
    fn new() -> Interned {
        Interned {
            shapes: Vec::new(),
            ids: HashMap::new(),
            met: HashMap::new(),
        }
    }

    fn id(&mut self, shape: &[usize]) -> u32 {
        if let Some(&id) = self.ids.get(shape) {
            return id;
        }
        let id = self.shapes.len() as u32;
        self.shapes.push(shape.to_vec());
        self.ids.insert(shape.to_vec(), id);
        id
    }

    /// What two shapes broadcast to. Shapes that do not are refused where the pass meets them.
    fn broadcast(&mut self, a: u32, b: u32) -> u32 {
        if a == b {
            return a;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&met) = self.met.get(&key) {
            return met;
        }
        let mut met = self.shapes[a as usize].clone();
        stretch(&mut met, &self.shapes[b as usize]);
        let id = self.id(&met);
        self.met.insert(key, id);
        id
    }

    fn elements(&self, id: u32) -> u128 {
        let extents = self.shapes[id as usize].iter();
        extents.fold(1, |n, &extent| n * extent as u128)
    }

    fn rank(&self, id: u32) -> usize {
        self.shapes[id as usize].len()
    }
}

/// The shapes that a run meets.
pub(crate) struct Met<'a> {
    pub(crate) prog: &'a Program,
    pub(crate) sets: &'a ShapeSets,
    /// The shape of each set, and what each reduction meets.
    pub(crate) set_shapes: &'a [Vec<usize>],
    pub(crate) sites: &'a [SiteShape],
    /// The shape of each input.
    pub(crate) inputs: &'a dyn Fn(usize) -> &'a [usize],
}

/// Decides what is computed where.
pub(crate) fn layout(met: &Met<'_>) -> Layout {
    let Met { prog, sets, .. } = met;
    let n = prog.insts.len();
    let live = prog.live();
    let mut shapes = Interned::new();
    let site_of: HashMap<Value, usize> = (sets.sites.iter().enumerate())
        .map(|(i, site)| (site.value, i))
        .collect();
    let unit = shapes.id(&[]);

    // Shapes, roles, and the work of each value with all below it that is inline.
    let mut shape = vec![unit; n];
    let mut role = vec![Role::Dead; n];
    let mut reduced = vec![false; n];
    let mut faults = vec![false; n];
    let mut cost = vec![0u128; n];
    for (i, inst) in prog.insts.iter().enumerate().filter(|&(i, _)| live[i]) {
        role[i] = Role::Inline;
        match &inst.kind {
            InstKind::Input(input) => shape[i] = shapes.id((met.inputs)(*input as usize)),
            InstKind::Const(_) => {}
            InstKind::Count { .. } => {
                role[i] = Role::Scalar;
                reduced[i] = true;
            }
            InstKind::Reduce(_) => {
                shape[i] = shapes.id(&met.sites[site_of[&Value(i as u32)]].shape);
                reduced[i] = true;
                role[i] = match shapes.rank(shape[i]) {
                    0 => Role::Scalar,
                    _ => Role::Kept,
                };
            }
            InstKind::Apply { op, args } => {
                let from = prog.dtype(args[args.len() - 1]);
                cost[i] = work(*op, from, inst.dtype) as u128;
                faults[i] = op.can_fault(from);
                for arg in args.iter().map(|arg| arg.index()) {
                    shape[i] = shapes.broadcast(shape[i], shape[arg]);
                    reduced[i] |= reduced[arg];
                    faults[i] |= faults[arg] && role[arg] == Role::Inline;
                    cost[i] = cost[i].saturating_add(cost[arg]);
                }
                if reduced[i] && shapes.rank(shape[i]) == 0 {
                    role[i] = Role::Scalar;
                    cost[i] = 0;
                }
            }
        }
    }

    // How often each value would be computed, from the last to the first; what is computed too often is hoisted.
    let mut times = vec![0u128; n];
    for (i, output) in prog.outputs.iter().enumerate() {
        let space = shapes.id(&met.set_shapes[sets.output(i)]);
        for value in output.values() {
            times[value.index()] = times[value.index()].max(shapes.elements(space));
        }
    }
    for (i, inst) in prog.insts.iter().enumerate().rev() {
        if !live[i] {
            continue;
        }
        let own = shapes.elements(shape[i]);
        let is_apply = matches!(inst.kind, InstKind::Apply { .. });
        // A fault is told with its element of the result, so it happens there.
        if role[i] == Role::Inline && is_apply && !faults[i] {
            let spared = times[i].saturating_sub(own);
            if own * 2 <= times[i] && cost[i].saturating_mul(spared) > HOIST_WORK {
                role[i] = match shapes.rank(shape[i]) {
                    0 => Role::Scalar,
                    _ => Role::Kept,
                };
            }
        }
        let each = match (&inst.kind, role[i]) {
            (InstKind::Reduce(_), _) => {
                let set = sets.sites[site_of[&Value(i as u32)]].set;
                let space = shapes.id(&met.set_shapes[set]);
                shapes.elements(space)
            }
            (_, Role::Inline) => times[i],
            _ => own,
        };
        for arg in inst.operands().iter().map(|arg| arg.index()) {
            times[arg] = times[arg].max(each);
            // What a scalar needs is a scalar.
            if is_apply && role[i] == Role::Scalar && role[arg] == Role::Inline {
                role[arg] = Role::Scalar;
            }
        }
    }

    // Levels: what must be known before.
    let mut ready = vec![0usize; n];
    for (i, inst) in prog.insts.iter().enumerate().filter(|&(i, _)| live[i]) {
        let needed = inst.operands().iter().map(|arg| {
            let arg = arg.index();
            let is_pass = match role[arg] {
                Role::Kept => true,
                Role::Scalar => matches!(prog.insts[arg].kind, InstKind::Reduce(_)),
                _ => false,
            };
            ready[arg] + usize::from(is_pass)
        });
        ready[i] = needed.max().unwrap_or(0);
    }

    let mut kept = 0;
    let mut numbers = HashMap::new();
    for (i, role) in role.iter().enumerate() {
        if *role == Role::Kept {
            numbers.insert(i, kept);
            kept += 1;
        }
    }
    let slots = slots(&role);
    let mut groups: Vec<Group> = Vec::new();
    // Reductions first: other roots then join them.
    for (number, site) in sets.sites.iter().enumerate() {
        let value = site.value;
        let i = value.index();
        let InstKind::Reduce(_) = prog.insts[i].kind else {
            continue;
        };
        if !live[i] {
            continue;
        }
        let space = &met.set_shapes[site.set];
        let whole = is_whole(space, &met.sites[number].axes);
        let target = match role[i] {
            Role::Scalar => Target::Scalar(slots[i]),
            _ => Target::Kept(numbers[&i]),
        };
        let same = |group: &&mut Group| {
            let Space::Set(set) = group.space else {
                return false;
            };
            group.level == ready[i]
                && met.set_shapes[set] == *space
                && match group.site {
                    None => whole && role[i] == Role::Scalar,
                    Some(other) => {
                        !(whole && role[i] == Role::Scalar)
                            && same_axes(space, &met.sites[other].axes, &met.sites[number].axes)
                    }
                }
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.roots.push((value, target)),
            None => groups.push(Group {
                level: ready[i],
                space: Space::Set(site.set),
                site: (!(whole && role[i] == Role::Scalar)).then_some(number),
                roots: vec![(value, target)],
            }),
        }
    }
    let mut join = |level: usize, shape: &[usize], space: Space, value: Value, target: Target| {
        let same = |group: &&mut Group| {
            let Space::Set(set) = group.space else {
                return false;
            };
            group.level == level && group.site.is_none() && met.set_shapes[set] == shape
        };
        let at = match &space {
            Space::Set(_) => groups.iter_mut().find(same),
            Space::Leaves(_) => {
                let same = |group: &&mut Group| group.level == level && group.space == space;
                groups.iter_mut().find(same)
            }
        };
        match at {
            Some(group) => group.roots.push((value, target)),
            None => groups.push(Group {
                level,
                space,
                site: None,
                roots: vec![(value, target)],
            }),
        }
    };
    for (i, output) in prog.outputs.iter().enumerate() {
        for (part, value) in output.values().enumerate() {
            if role[value.index()] == Role::Inline {
                let set = sets.output(i);
                let target = Target::Output(i, part == 1);
                let level = ready[value.index()];
                join(level, &met.set_shapes[set], Space::Set(set), value, target);
            }
        }
    }
    for i in 0..n {
        if role[i] == Role::Kept && matches!(prog.insts[i].kind, InstKind::Apply { .. }) {
            let value = Value(i as u32);
            let leaves = Space::Leaves(leaves(prog, &role, &numbers, value));
            let own = &shapes.shapes[shape[i] as usize];
            join(ready[i], own, leaves, value, Target::Kept(numbers[&i]));
        }
    }
    groups.sort_by_key(|group| group.level);
    Layout {
        roles: role,
        groups,
    }
}

/// The slot of each scalar.
fn slots(roles: &[Role]) -> Vec<usize> {
    let mut next = 0;
    let slot = |role: &Role| {
        let slot = next;
        next += usize::from(*role == Role::Scalar);
        slot
    };
    roles.iter().map(slot).collect()
}

/// Whether every axis with more than one element is reduced.
fn is_whole(shape: &[usize], axes: &[bool]) -> bool {
    shape
        .iter()
        .zip(axes)
        .all(|(&extent, &reduced)| reduced || extent == 1)
}

/// Whether two reductions of one space run along the same axes, those of one element aside.
fn same_axes(shape: &[usize], a: &[bool], b: &[bool]) -> bool {
    let pairs = a.iter().zip(b).zip(shape);
    pairs
        .into_iter()
        .all(|((a, b), &extent)| a == b || extent == 1)
}

/// The arrays that `value` is computed from.
fn leaves(
    prog: &Program,
    roles: &[Role],
    numbers: &HashMap<usize, usize>,
    value: Value,
) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for value in cone(prog, roles, &[value]) {
        let i = value.index();
        match &prog.insts[i].kind {
            InstKind::Input(input) => leaves.push(Leaf::Input(*input)),
            _ => {
                let args = prog.insts[i].operands().iter().map(|arg| arg.index());
                leaves.extend(
                    args.filter(|&arg| roles[arg] == Role::Kept)
                        .map(|arg| Leaf::Kept(numbers[&arg])),
                );
            }
        }
    }
    leaves.sort_unstable();
    leaves.dedup();
    leaves
}

/// The inline values that `roots` are computed from, and the roots, ascending.
fn cone(prog: &Program, roles: &[Role], roots: &[Value]) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    let mut stack = roots.to_vec();
    while let Some(value) = stack.pop() {
        if seen.insert(value) {
            let args = prog.inst(value).operands().iter();
            stack.extend(args.filter(|arg| roles[arg.index()] == Role::Inline));
        }
    }
    let mut values: Vec<Value> = seen.into_iter().collect();
    values.sort_unstable();
    values
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
        let slots = slots(roles);
        let mut numbers = vec![usize::MAX; roles.len()];
        let mut kept = Vec::new();
        for (i, inst) in prog.insts.iter().enumerate() {
            if roles[i] == Role::Kept {
                numbers[i] = kept.len();
                kept.push(inst.dtype);
            }
        }
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
        let mut finals = Vec::new();
        for (output, out) in prog.outputs.iter().enumerate() {
            for (part, value) in out.values().enumerate() {
                if let Some(from) = feed(value) {
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
            match step {
                Step::Pass(pass) => {
                    for &i in &pass.part.inputs {
                        if let Some(read) = reads.get_mut(i) {
                            *read = Some(at);
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
}

impl Stages {
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
