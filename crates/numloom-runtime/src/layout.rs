//! Which values of a program are computed together, which are kept, and what must be known first.
//!
//! What goes in: a program and the shapes of one run. What comes out: a [`Layout`], the fewest passes that respect what must be known first.
//! What it never does: look at elements, or let a choice change a bit of the result.
//!
//! | a value is | if | it is |
//! |---|---|---|
//! | inline | it belongs to each element | computed in every pass that wants it, never kept |
//! | scalar | it has no axes and needs a reduction | computed once, between passes |
//! | kept | it is a reduction with axes left, or *hoisted* | computed once into an array, which later passes read; or into the output that it is |
//!
//! A pass of *level* `k` needs what passes of lower levels came to. Everything of one level over one space shares a pass; reductions along
//! different axes do not. A value that depends on fewer axes than where it is used is hoisted if that spares enough work:
//! `sin(x[None, :])` is computed once for each column, not for each element.

use std::collections::{HashMap, HashSet};

use numloom_ir::{InstKind, Program, ShapeSource, Value};

use crate::shape::{ShapeSets, SiteShape, stretch};
use crate::variant::work;

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
pub(crate) struct Group {
    pub(crate) level: usize,
    pub(crate) space: Space,
    /// The reduction along whose axes it reduces, if it leaves some.
    pub(crate) site: Option<usize>,
    pub(crate) roots: Vec<(Value, Target)>,
}

/// What decides all of a staging: equal plans are compiled once.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Layout {
    pub(crate) roles: Vec<Role>,
    pub(crate) groups: Vec<Group>,
}

impl Layout {
    /// What a value is.
    pub(crate) fn role(&self, value: Value) -> Role {
        self.roles[value.index()]
    }
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
#[derive(Clone, Copy)]
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
pub(crate) fn layout(met: Met<'_>) -> Layout {
    let mut values = Values::new(met);
    values.hoist();
    let groups = values.groups();
    Layout {
        roles: values.role,
        groups,
    }
}

/// What is known of each value; of those that are dead, nothing.
struct Values<'a> {
    met: Met<'a>,
    live: Vec<bool>,
    /// The reduction or count that a value is.
    site_of: HashMap<Value, usize>,
    shapes: Interned,
    shape: Vec<u32>,
    role: Vec<Role>,
    /// Whether an element can fault, here or in what is inline below.
    faults: Vec<bool>,
    /// The work of an element with all below it that is inline.
    cost: Vec<u128>,
}

impl<'a> Values<'a> {
    /// Shapes and work, from the first value to the last; roles before anything is hoisted.
    fn new(met: Met<'a>) -> Values<'a> {
        let prog = met.prog;
        let n = prog.insts.len();
        let sites = met.sets.sites.iter().enumerate();
        let mut shapes = Interned::new();
        let unit = shapes.id(&[]);
        let mut values = Values {
            met,
            live: prog.live(),
            site_of: sites.map(|(i, site)| (site.value, i)).collect(),
            shapes,
            shape: vec![unit; n],
            role: vec![Role::Dead; n],
            faults: vec![false; n],
            cost: vec![0; n],
        };
        // Whether it needs a reduction.
        let mut reduced = vec![false; n];
        for (i, inst) in prog.insts.iter().enumerate() {
            if !values.live[i] {
                continue;
            }
            values.role[i] = Role::Inline;
            match &inst.kind {
                InstKind::Input(input) => {
                    values.shape[i] = values.shapes.id((met.inputs)(*input as usize));
                }
                InstKind::Const(_) => {}
                InstKind::Count { .. } => {
                    values.role[i] = Role::Scalar;
                    reduced[i] = true;
                }
                InstKind::Reduce(_) => {
                    let site = values.site(i);
                    values.shape[i] = values.shapes.id(&met.sites[site].shape);
                    reduced[i] = true;
                    values.role[i] = values.computed_once(i);
                }
                InstKind::Apply { op, args } => {
                    let from = prog.dtype(args[args.len() - 1]);
                    values.cost[i] = work(*op, from, inst.dtype) as u128;
                    values.faults[i] = op.can_fault(from);
                    for arg in args.iter().map(|arg| arg.index()) {
                        values.shape[i] =
                            values.shapes.broadcast(values.shape[i], values.shape[arg]);
                        reduced[i] |= reduced[arg];
                        values.faults[i] |= values.faults[arg] && values.role[arg] == Role::Inline;
                        values.cost[i] = values.cost[i].saturating_add(values.cost[arg]);
                    }
                    if reduced[i] && values.rank(i) == 0 {
                        values.role[i] = Role::Scalar;
                        values.cost[i] = 0;
                    }
                }
            }
        }
        values
    }

    fn rank(&self, i: usize) -> usize {
        self.shapes.rank(self.shape[i])
    }

    /// The reduction or count that value `i` is.
    fn site(&self, i: usize) -> usize {
        self.site_of[&Value(i as u32)]
    }

    /// The role of value `i` if it is computed once.
    fn computed_once(&self, i: usize) -> Role {
        match self.rank(i) {
            0 => Role::Scalar,
            _ => Role::Kept,
        }
    }

    /// The elements of a set.
    fn elements(&mut self, set: usize) -> u128 {
        let space = self.shapes.id(&self.met.set_shapes[set]);
        self.shapes.elements(space)
    }

    /// How often each value would be computed, from the last to the first; what is computed too often is hoisted.
    fn hoist(&mut self) {
        let Met { prog, sets, .. } = self.met;
        let mut times = vec![0u128; prog.insts.len()];
        for (i, output) in prog.outputs.iter().enumerate() {
            let elements = self.elements(sets.output(i));
            for value in output.values() {
                times[value.index()] = times[value.index()].max(elements);
            }
        }
        for (i, inst) in prog.insts.iter().enumerate().rev() {
            if !self.live[i] {
                continue;
            }
            let own = self.shapes.elements(self.shape[i]);
            let is_apply = matches!(inst.kind, InstKind::Apply { .. });
            // A fault is told with its element of the result, so it happens there; one of a single value has none to tell.
            let can_move = !self.faults[i] || self.rank(i) == 0;
            if self.role[i] == Role::Inline && is_apply && can_move {
                let spared = times[i].saturating_sub(own);
                if own * 2 <= times[i] && self.cost[i].saturating_mul(spared) > HOIST_WORK {
                    self.role[i] = self.computed_once(i);
                }
            }
            let each = match (&inst.kind, self.role[i]) {
                (InstKind::Reduce(_), _) => self.elements(sets.sites[self.site(i)].set),
                (_, Role::Inline) => times[i],
                _ => own,
            };
            for arg in inst.operands().iter().map(|arg| arg.index()) {
                times[arg] = times[arg].max(each);
                // What a scalar needs is a scalar.
                if is_apply && self.role[i] == Role::Scalar && self.role[arg] == Role::Inline {
                    self.role[arg] = Role::Scalar;
                }
            }
        }
    }

    /// The level of each value: how many passes must be done before.
    fn levels(&self) -> Vec<usize> {
        let prog = self.met.prog;
        let mut levels = vec![0usize; prog.insts.len()];
        for (i, inst) in prog.insts.iter().enumerate() {
            if !self.live[i] {
                continue;
            }
            let needed = inst.operands().iter().map(|arg| {
                let arg = arg.index();
                let is_pass = match self.role[arg] {
                    Role::Kept => true,
                    Role::Scalar => matches!(prog.insts[arg].kind, InstKind::Reduce(_)),
                    _ => false,
                };
                levels[arg] + usize::from(is_pass)
            });
            levels[i] = needed.max().unwrap_or(0);
        }
        levels
    }

    /// For each value the output that it is all of, if nothing else wants it: kept, it is written there at once. Not where the output may be larger, by another
    /// array's shape.
    fn sole_outputs(&self) -> Vec<Option<usize>> {
        let prog = self.met.prog;
        let mut wanted = vec![0; prog.insts.len()];
        let mut outputs = vec![None; prog.insts.len()];
        for (number, output) in prog.outputs.iter().enumerate() {
            for value in output.values() {
                let is_whole =
                    output.imag.is_none() && output.shape.sources() == [ShapeSource::Value(value)];
                wanted[value.index()] += 1;
                outputs[value.index()] = is_whole.then_some(number);
            }
        }
        let live = prog.insts.iter().zip(&self.live).filter(|(_, live)| **live);
        for (inst, _) in live {
            for arg in inst.operands() {
                wanted[arg.index()] += 1;
            }
        }
        for (output, wanted) in outputs.iter_mut().zip(wanted) {
            *output = output.filter(|_| wanted == 1);
        }
        outputs
    }

    /// What shares a pass, by level.
    fn groups(&self) -> Vec<Group> {
        let Met { prog, sets, .. } = self.met;
        let levels = self.levels();
        let slots = numbered(&self.role, Role::Scalar);
        let numbers = numbered(&self.role, Role::Kept);
        let mut groups = Groups {
            met: self.met,
            groups: Vec::new(),
        };
        let outputs = self.sole_outputs();
        // Reductions first: other roots then join them.
        for (number, site) in sets.sites.iter().enumerate() {
            let i = site.value.index();
            if self.live[i] && matches!(prog.insts[i].kind, InstKind::Reduce(_)) {
                let target = match self.role[i] {
                    Role::Scalar => Target::Scalar(slots[i]),
                    _ => match outputs[i] {
                        Some(output) => Target::Output(output, false),
                        None => Target::Kept(numbers[i]),
                    },
                };
                groups.reduce(number, levels[i], target);
            }
        }
        for (i, output) in prog.outputs.iter().enumerate() {
            for (part, value) in output.values().enumerate() {
                if self.role[value.index()] == Role::Inline {
                    let root = (value, Target::Output(i, part == 1));
                    groups.over_set(sets.output(i), levels[value.index()], root);
                }
            }
        }
        for (i, inst) in prog.insts.iter().enumerate() {
            if self.role[i] == Role::Kept && matches!(inst.kind, InstKind::Apply { .. }) {
                let value = Value(i as u32);
                let leaves = leaves(prog, &self.role, &numbers, value);
                groups.over_leaves(leaves, levels[i], (value, Target::Kept(numbers[i])));
            }
        }
        let mut groups = groups.groups;
        groups.sort_by_key(|group| group.level);
        groups
    }
}

/// The groups so far.
struct Groups<'a> {
    met: Met<'a>,
    groups: Vec<Group>,
}

impl Groups<'_> {
    /// The shape of a group's space, if that is a set.
    fn shape(&self, group: &Group) -> Option<&[usize]> {
        match group.space {
            Space::Set(set) => Some(&self.met.set_shapes[set]),
            Space::Leaves(_) => None,
        }
    }

    /// A reduction, to those of its level over an equal space along the same axes.
    fn reduce(&mut self, number: usize, level: usize, target: Target) {
        let Met { sets, sites, .. } = self.met;
        let set = sets.sites[number].set;
        let space = &self.met.set_shapes[set];
        let axes = &sites[number].axes;
        let is_scalar = matches!(target, Target::Scalar(_));
        let site = (!(is_scalar && is_whole(space, axes))).then_some(number);
        let same = |group: &Group| {
            let along = match (group.site, site) {
                (None, None) => true,
                (Some(other), Some(_)) => same_axes(space, &sites[other].axes, axes),
                _ => false,
            };
            group.level == level && along && self.shape(group) == Some(space)
        };
        let at = self.groups.iter().position(same);
        let root = (sets.sites[number].value, target);
        self.add(at, level, Space::Set(set), site, root);
    }

    /// A root over a set, to what goes over an equal space.
    fn over_set(&mut self, set: usize, level: usize, root: (Value, Target)) {
        let space = Some(&self.met.set_shapes[set][..]);
        let same = |group: &Group| {
            group.level == level && group.site.is_none() && self.shape(group) == space
        };
        let at = self.groups.iter().position(same);
        self.add(at, level, Space::Set(set), None, root);
    }

    /// A root over what `leaves` broadcast to, to what goes over the same leaves.
    fn over_leaves(&mut self, leaves: Vec<Leaf>, level: usize, root: (Value, Target)) {
        let space = Space::Leaves(leaves);
        let same = |group: &Group| group.level == level && group.space == space;
        let at = self.groups.iter().position(same);
        self.add(at, level, space, None, root);
    }

    /// Adds a root to group `at`, or to a new one.
    fn add(
        &mut self,
        at: Option<usize>,
        level: usize,
        space: Space,
        site: Option<usize>,
        root: (Value, Target),
    ) {
        match at {
            Some(at) => self.groups[at].roots.push(root),
            None => self.groups.push(Group {
                level,
                space,
                site,
                roots: vec![root],
            }),
        }
    }
}

/// The number of each value of role `wanted` among those; of others, of the next one.
pub(crate) fn numbered(roles: &[Role], wanted: Role) -> Vec<usize> {
    let mut next = 0;
    let number = |role: &Role| {
        let number = next;
        next += usize::from(*role == wanted);
        number
    };
    roles.iter().map(number).collect()
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
fn leaves(prog: &Program, roles: &[Role], numbers: &[usize], value: Value) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for value in cone(prog, roles, &[value]) {
        let i = value.index();
        match &prog.insts[i].kind {
            InstKind::Input(input) => leaves.push(Leaf::Input(*input)),
            _ => {
                let args = prog.insts[i].operands().iter().map(|arg| arg.index());
                leaves.extend(
                    args.filter(|&arg| roles[arg] == Role::Kept)
                        .map(|arg| Leaf::Kept(numbers[arg])),
                );
            }
        }
    }
    leaves.sort_unstable();
    leaves.dedup();
    leaves
}

/// The inline values that `roots` are computed from, and the roots, ascending.
pub(crate) fn cone(prog: &Program, roles: &[Role], roots: &[Value]) -> Vec<Value> {
    let mut seen = HashSet::new();
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
