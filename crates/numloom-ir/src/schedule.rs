//! From typed SSA to one fused kernel.
//!
//! Block operations split the body. Every value gets a *phase*: inputs and constants 0, an inline operation the greatest phase
//! of its operands, a block operation one more. Loop `p` computes the inline operations of phase `p`; the calls of phase `p + 1` follow it. Inputs and
//! constants are loaded again in each loop that wants them; any other value wanted in a later step lies in a scratch slot, and slots are
//! coloured by liveness.
//!
//! ```text
//! %2 = exp %0            call exp input 0 → slot 0
//! %3 = mul %2 %1         loop { v0 = load slot 0; v1 = load input 1; v2 = mul v0 v1; store output 0 v2 }
//! out = %3
//! ```
//!
//! A block operation that is itself an output and nothing else writes the output directly; one on a contiguous input reads it directly.

use std::borrow::Cow;
use std::collections::HashMap;

use numloom_data::{DType, Scalar};

use crate::kernel::{
    AccOp, AccumulateStep, Accumulator, CallArg, CallStep, Form, InputClass, Kernel, KernelInput,
    LoopInst, LoopOp, Place, ResultKind, Step, V,
};
use crate::op::{CastMode, Op};
use crate::program::{Args, Inst, InstKind, Program, Reduce, Reduction, Value};

/// Fuses a program into one kernel for inputs that lie as `classes` says, with accumulators of `form`.
///
/// The program must satisfy [`verify`](crate::verify()), and a reduction must be an output only: no instruction may use its value.
///
/// # Panics
/// If `classes` is not one for each input, or an instruction uses the value of a reduction.
pub fn schedule(prog: &Program, classes: &[InputClass], form: Form) -> Kernel {
    assert_eq!(classes.len(), prog.inputs.len(), "one class for each input");
    let prog = &*converted(prog);
    let phases = Phases::of(prog);
    let mut build = Build::new(prog, classes, &phases);
    build.operations();
    build.results();
    build.finish(form)
}

/// The accumulator of a reduction of elements of `operand`, and the word of its partial values that is the result.
pub fn accumulator_of(reduction: Reduction, operand: DType) -> (Accumulator, u32) {
    let (op, word) = match reduction {
        Reduction::Sum => (AccOp::Sum, 0),
        Reduction::Prod => (AccOp::Prod, 0),
        Reduction::Min => (AccOp::Min, 0),
        Reduction::Max => (AccOp::Max, 0),
        Reduction::ArgMin => (AccOp::ArgMin, 1),
        Reduction::ArgMax => (AccOp::ArgMax, 1),
        Reduction::M2 => (AccOp::Moments, 2),
        Reduction::ProdRe => (AccOp::ComplexProd, 0),
        Reduction::ProdIm => (AccOp::ComplexProd, 1),
        Reduction::MinRe => (AccOp::ComplexMin, 0),
        Reduction::MinIm => (AccOp::ComplexMin, 1),
        Reduction::ComplexArgMin => (AccOp::ComplexMin, 2),
        Reduction::MaxRe => (AccOp::ComplexMax, 0),
        Reduction::MaxIm => (AccOp::ComplexMax, 1),
        Reduction::ComplexArgMax => (AccOp::ComplexMax, 2),
    };
    let dtype = reduction.accumulator(operand);
    (Accumulator { op, dtype }, word)
}

/// Whether only a block function can accumulate it.
fn is_called(prog: &Program, reduce: &Reduce) -> bool {
    let (acc, _) = accumulator_of(reduce.reduction, prog.dtype(reduce.args[0]));
    !acc.op.is_inline()
}

/// The program with operands of reductions converted to what block functions accumulate them in; loops do it themselves.
fn converted(prog: &Program) -> Cow<'_, Program> {
    let wanted = |inst: &Inst| match &inst.kind {
        InstKind::Reduce(reduce) => {
            let from = prog.dtype(reduce.args[0]);
            let (acc, _) = accumulator_of(reduce.reduction, from);
            (is_called(prog, reduce) && from != acc.dtype).then_some(acc.dtype)
        }
        _ => None,
    };
    if !prog.insts.iter().any(|inst| wanted(inst).is_some()) {
        return Cow::Borrowed(prog);
    }
    let mut insts: Vec<Inst> = Vec::with_capacity(prog.insts.len() + 1);
    let mut names: Vec<Value> = Vec::with_capacity(prog.insts.len());
    let mut casts: HashMap<(Value, DType), Value> = HashMap::new();
    for inst in &prog.insts {
        let to = wanted(inst);
        let span = inst.span;
        let mut inst = inst.clone();
        inst.map_operands(|value| names[value.index()]);
        if let (InstKind::Reduce(reduce), Some(dtype)) = (&mut inst.kind, to) {
            reduce.args = reduce.args.map(|arg| {
                *casts.entry((arg, dtype)).or_insert_with(|| {
                    insts.push(Inst {
                        kind: InstKind::Apply {
                            op: Op::Cast(CastMode::Wrap),
                            args: Args::new(&[arg]),
                        },
                        dtype,
                        span,
                    });
                    Value(insts.len() as u32 - 1)
                })
            });
        }
        names.push(Value(insts.len() as u32));
        insts.push(inst);
    }
    let mut prog = prog.clone();
    prog.insts = insts;
    for output in &mut prog.outputs {
        output.map_values(|value| names[value.index()]);
    }
    Cow::Owned(prog)
}

/// The phase of each live value.
struct Phases {
    phase: Vec<usize>,
    live: Vec<bool>,
    /// The earliest phase of a call that uses the value, if any does.
    called: Vec<usize>,
    count: usize,
}

impl Phases {
    fn of(prog: &Program) -> Phases {
        let mut live = vec![false; prog.insts.len()];
        for output in &prog.outputs {
            live[output.value.index()] = true;
        }
        for i in (0..prog.insts.len()).rev() {
            if live[i] {
                prog.insts[i]
                    .operands()
                    .iter()
                    .for_each(|arg| live[arg.index()] = true);
            }
        }
        let mut phase = vec![0; prog.insts.len()];
        for (i, inst) in prog.insts.iter().enumerate() {
            let operands = inst.operands();
            let latest = operands
                .iter()
                .map(|arg| phase[arg.index()])
                .max()
                .unwrap_or(0);
            phase[i] = latest + usize::from(is_block(prog, Value(i as u32)));
        }
        let mut called = vec![usize::MAX; prog.insts.len()];
        for (i, inst) in prog.insts.iter().enumerate() {
            let step = match &inst.kind {
                // What calls take is there after the loop before them, and an accumulator's after the last loop that computes one.
                InstKind::Reduce(reduce) if is_called(prog, reduce) => phase[i] + 1,
                _ if is_block(prog, Value(i as u32)) => phase[i],
                _ => continue,
            };
            if live[i] {
                inst.operands()
                    .iter()
                    .for_each(|arg| called[arg.index()] = called[arg.index()].min(step));
            }
        }
        let count = 1
            + (0..phase.len())
                .filter(|&i| live[i])
                .map(|i| phase[i])
                .max()
                .unwrap_or(0);
        Phases {
            phase,
            live,
            called,
            count,
        }
    }
}

fn is_block(prog: &Program, value: Value) -> bool {
    match &prog.inst(value).kind {
        InstKind::Apply { op, args } => {
            op.is_block(prog.dtype(args[args.len() - 1]), prog.dtype(value))
        }
        _ => false,
    }
}

/// A call before its slots are coloured.
struct PendingCall {
    value: Value,
    args: Vec<Source>,
    dst: Source,
}

/// A call of an accumulator before its slots are coloured.
struct PendingAccumulate {
    acc: u32,
    args: Vec<Source>,
}

/// Where a call's operand or result lies, with slots still named after their values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Place(Place),
    Slot(Value),
    /// A constant byte string.
    Bytes(Value),
}

/// One loop under construction.
#[derive(Default)]
struct Body {
    insts: Vec<LoopInst>,
    /// Slots it loads, by the position of the load, and stores, by the position of the store.
    slots: Vec<(usize, Value)>,
}

impl Body {
    fn push(&mut self, op: LoopOp, dtype: DType) -> V {
        self.insts.push(LoopInst { op, dtype });
        V((self.insts.len() - 1) as u32)
    }
}

struct Build<'a> {
    prog: &'a Program,
    classes: &'a [InputClass],
    phases: &'a Phases,
    loops: Vec<Body>,
    /// What a loop calls a program value.
    names: HashMap<(usize, Value), V>,
    calls: Vec<Vec<PendingCall>>,
    /// After each loop.
    accumulates: Vec<Vec<PendingAccumulate>>,
    /// Values that some loop already stores to their slot.
    stored: Vec<bool>,
    outputs: Vec<DType>,
    accumulators: Vec<Accumulator>,
    accumulated: HashMap<(Accumulator, Args), u32>,
    results: Vec<ResultKind>,
    /// The one array output that a value goes to without further uses, if so.
    direct: HashMap<Value, u32>,
}

/// Stands in a `Place::Slot` until colouring: the slot of the value with this index.
fn uncoloured(value: Value) -> Place {
    Place::Slot(value.0)
}

impl<'a> Build<'a> {
    fn new(prog: &'a Program, classes: &'a [InputClass], phases: &'a Phases) -> Self {
        let mut uses = vec![0u32; prog.insts.len()];
        for (_, inst) in prog
            .insts
            .iter()
            .enumerate()
            .filter(|(i, _)| phases.live[*i])
        {
            inst.operands()
                .iter()
                .for_each(|arg| uses[arg.index()] += 1);
        }
        prog.outputs
            .iter()
            .for_each(|output| uses[output.value.index()] += 1);
        let mut direct = HashMap::new();
        let mut outputs = Vec::new();
        for output in &prog.outputs {
            if !matches!(prog.inst(output.value).kind, InstKind::Reduce(_)) {
                if is_block(prog, output.value) && uses[output.value.index()] == 1 {
                    direct.insert(output.value, outputs.len() as u32);
                }
                outputs.push(prog.dtype(output.value));
            }
        }
        Build {
            prog,
            classes,
            phases,
            loops: (0..phases.count).map(|_| Body::default()).collect(),
            names: HashMap::with_capacity(prog.insts.len()),
            calls: (0..phases.count).map(|_| Vec::new()).collect(),
            accumulates: (0..phases.count).map(|_| Vec::new()).collect(),
            stored: vec![false; prog.insts.len()],
            outputs,
            accumulators: Vec::new(),
            accumulated: HashMap::new(),
            results: Vec::new(),
            direct,
        }
    }

    /// The name of `value` in loop `phase`, loading it if it is not there yet.
    fn name(&mut self, phase: usize, value: Value) -> V {
        if let Some(&name) = self.names.get(&(phase, value)) {
            return name;
        }
        let dtype = self.prog.dtype(value);
        let op = match &self.prog.inst(value).kind {
            InstKind::Input(i) => LoopOp::Load(Place::Input(*i)),
            InstKind::Const(scalar) => LoopOp::Const(scalar.clone()),
            InstKind::Apply { .. } => {
                self.keep(value);
                let position = self.loops[phase].insts.len();
                self.loops[phase].slots.push((position, value));
                LoopOp::Load(uncoloured(value))
            }
            InstKind::Reduce(_) | InstKind::Count { .. } => {
                panic!("a kernel computes with elements only")
            }
        };
        let name = self.loops[phase].push(op, dtype);
        self.names.insert((phase, value), name);
        name
    }

    /// Makes sure that an inline value's loop stores it to its slot.
    fn keep(&mut self, value: Value) {
        if !self.stored[value.index()] && !is_block(self.prog, value) {
            self.store_slot(self.phases.phase[value.index()], value);
        }
    }

    fn store_slot(&mut self, phase: usize, value: Value) {
        self.stored[value.index()] = true;
        let name = self.name(phase, value);
        let dtype = self.prog.dtype(value);
        let body = &mut self.loops[phase];
        body.slots.push((body.insts.len(), value));
        body.push(
            LoopOp::Store {
                place: uncoloured(value),
                value: name,
            },
            dtype,
        );
    }

    /// Where a call finds `value`.
    fn operand(&mut self, value: Value) -> Source {
        match self.prog.inst(value).kind {
            // Byte strings are read where they are, be it one for the whole block: no loop moves them.
            InstKind::Const(Scalar::Bytes(_)) => return Source::Bytes(value),
            InstKind::Input(i)
                if self.classes[i as usize] == InputClass::Contiguous
                    || self.prog.dtype(value).is_bytes() =>
            {
                return Source::Place(Place::Input(i));
            }
            // One element for the whole block is spread right before the first call that takes it.
            InstKind::Input(_) | InstKind::Const(_) => {
                if !self.stored[value.index()] {
                    self.store_slot(self.phases.called[value.index()] - 1, value);
                }
            }
            _ => self.keep(value),
        }
        Source::Slot(value)
    }

    /// Puts every live operation into its loop or call.
    fn operations(&mut self) {
        let prog = self.prog;
        for (i, inst) in prog.insts.iter().enumerate() {
            let InstKind::Apply { op, args } = &inst.kind else {
                continue;
            };
            if !self.phases.live[i] {
                continue;
            }
            let value = Value(i as u32);
            let phase = self.phases.phase[i];
            if is_block(prog, value) {
                let args = args.iter().map(|&arg| self.operand(arg)).collect();
                let dst = match self.direct.get(&value) {
                    Some(&output) => Source::Place(Place::Output(output)),
                    None => Source::Slot(value),
                };
                self.calls[phase].push(PendingCall { value, args, dst });
            } else {
                let args = args.iter().map(|&arg| self.name(phase, arg)).collect();
                let name = self.loops[phase].push(LoopOp::Apply { op: *op, args }, inst.dtype);
                self.names.insert((phase, value), name);
            }
        }
    }

    /// Stores array outputs and accumulates reductions, each in the loop of its value's phase.
    fn results(&mut self) {
        let mut array = 0;
        for output in &self.prog.outputs {
            let dtype = self.prog.dtype(output.value);
            let result = match &self.prog.inst(output.value).kind {
                InstKind::Reduce(reduce) => ResultKind::Reduced {
                    acc: self.accumulate(reduce),
                    word: accumulator_of(reduce.reduction, self.prog.dtype(reduce.args[0])).1,
                    dtype,
                },
                _ => {
                    self.store_output(array, output.value);
                    array += 1;
                    ResultKind::Array(array - 1)
                }
            };
            self.results.push(result);
        }
    }

    /// Stores a value that no call writes to its output directly.
    fn store_output(&mut self, array: u32, value: Value) {
        if self.direct.contains_key(&value) {
            return;
        }
        let phase = self.phases.phase[value.index()];
        let store = LoopOp::Store {
            place: Place::Output(array),
            value: self.name(phase, value),
        };
        self.loops[phase].push(store, self.prog.dtype(value));
    }

    /// The accumulator of a reduction; reductions that accumulate the same share one.
    fn accumulate(&mut self, reduce: &Reduce) -> u32 {
        let Reduce {
            reduction, args, ..
        } = reduce;
        let (accumulator, _) = accumulator_of(*reduction, self.prog.dtype(args[0]));
        if let Some(&acc) = self.accumulated.get(&(accumulator, *args)) {
            return acc;
        }
        let acc = self.accumulators.len() as u32;
        self.accumulators.push(accumulator);
        self.accumulated.insert((accumulator, *args), acc);
        let phase = |arg: &Value| self.phases.phase[arg.index()];
        let phase = args
            .iter()
            .map(phase)
            .max()
            .expect("a reduction has operands");
        if !accumulator.op.is_inline() {
            let args = args.iter().map(|&arg| self.operand(arg)).collect();
            self.accumulates[phase].push(PendingAccumulate { acc, args });
            return acc;
        }
        let mut value = self.name(phase, args[0]);
        let dtype = accumulator.dtype;
        if self.prog.dtype(args[0]) != dtype {
            let cast = LoopOp::Apply {
                op: Op::Cast(CastMode::Wrap),
                args: vec![value],
            };
            value = self.loops[phase].push(cast, dtype);
        }
        self.loops[phase].push(LoopOp::Accumulate { acc, value }, dtype);
        acc
    }

    /// Lines the steps up and gives values in slots their colours.
    fn finish(self, form: Form) -> Kernel {
        let Build {
            prog,
            classes,
            loops,
            calls,
            accumulates,
            outputs,
            accumulators,
            results,
            ..
        } = self;
        let mut pending = Vec::new();
        let steps = loops.into_iter().zip(accumulates).zip(shift(calls));
        for ((body, accumulates), calls) in steps {
            if !body.insts.is_empty() {
                pending.push(Pending::Loop(body));
            }
            pending.extend(accumulates.into_iter().map(Pending::Accumulate));
            pending.extend(calls.into_iter().map(Pending::Call));
        }
        let colours = Colours::of(prog, &pending);
        let steps = pending
            .into_iter()
            .map(|step| step.colour(prog, &colours))
            .collect();
        let inputs = prog
            .inputs
            .iter()
            .zip(classes)
            .map(|(input, &class)| KernelInput {
                dtype: input.dtype,
                class,
            });
        Kernel {
            inputs: inputs.collect(),
            outputs,
            accumulators,
            form,
            slots: colours.sizes,
            steps,
            results,
        }
    }
}

/// Calls of phase `p + 1` come after loop `p`: moves each phase's calls one place forward.
fn shift(mut calls: Vec<Vec<PendingCall>>) -> Vec<Vec<PendingCall>> {
    calls.rotate_left(1);
    calls
}

enum Pending {
    Loop(Body),
    Call(PendingCall),
    Accumulate(PendingAccumulate),
}

/// The values of those sources that are slots.
fn slots_of<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Vec<Value> {
    let slots = sources.into_iter().filter_map(|source| match source {
        Source::Slot(value) => Some(*value),
        Source::Place(_) | Source::Bytes(_) => None,
    });
    slots.collect()
}

/// Where a source lies once slots are coloured.
fn place(source: &Source, colours: &Colours) -> Place {
    match source {
        Source::Place(place) => *place,
        Source::Slot(value) => colours.place(*value),
        Source::Bytes(_) => unreachable!("a constant has no place"),
    }
}

impl Pending {
    /// The values whose slots the step touches.
    fn slots(&self) -> Vec<Value> {
        match self {
            Pending::Loop(body) => body.slots.iter().map(|&(_, value)| value).collect(),
            Pending::Call(call) => slots_of(call.args.iter().chain([&call.dst])),
            Pending::Accumulate(step) => slots_of(&step.args),
        }
    }

    fn colour(self, prog: &Program, colours: &Colours) -> Step {
        match self {
            Pending::Loop(mut body) => {
                for (position, value) in body.slots {
                    match &mut body.insts[position].op {
                        LoopOp::Load(place) | LoopOp::Store { place, .. } => {
                            *place = colours.place(value)
                        }
                        other => unreachable!("{other:?} touches no slot"),
                    }
                }
                Step::Loop(body.insts)
            }
            Pending::Call(call) => {
                let inst = prog.inst(call.value);
                let InstKind::Apply { op, args } = &inst.kind else {
                    unreachable!("a call applies an operation")
                };
                let arg = |source: &Source| match source {
                    Source::Bytes(value) => match &prog.inst(*value).kind {
                        InstKind::Const(Scalar::Bytes(bytes)) => CallArg::Bytes(bytes.clone()),
                        other => unreachable!("{other:?} is no byte string"),
                    },
                    source => CallArg::Place(place(source, colours)),
                };
                Step::Call(CallStep {
                    op: *op,
                    from: prog.dtype(args[args.len() - 1]),
                    to: inst.dtype,
                    args: call.args.iter().map(arg).collect(),
                    dst: place(&call.dst, colours),
                    inst: call.value,
                    span: inst.span,
                })
            }
            Pending::Accumulate(step) => Step::Accumulate(AccumulateStep {
                acc: step.acc,
                args: step.args.iter().map(|arg| place(arg, colours)).collect(),
            }),
        }
    }
}

/// The slot of each value that needs one.
struct Colours {
    slot: Vec<Option<u32>>,
    sizes: Vec<usize>,
}

impl Colours {
    /// The slot freed last that fits, so that it is warm: a slot is free again after the last step that touches its value, never
    /// within that step, so that no loop or call reads and writes one slot for two values.
    fn of(prog: &Program, steps: &[Pending]) -> Colours {
        let touched: Vec<Vec<Value>> = steps.iter().map(Pending::slots).collect();
        let mut last = vec![0; prog.insts.len()];
        for (step, values) in touched.iter().enumerate() {
            for value in values {
                last[value.index()] = step;
            }
        }
        let mut slot: Vec<Option<u32>> = vec![None; prog.insts.len()];
        let mut sizes = Vec::new();
        // By item size.
        let mut free: HashMap<usize, Vec<u32>> = HashMap::new();
        for (step, values) in touched.iter().enumerate() {
            for value in values {
                let size = prog.dtype(*value).itemsize();
                slot[value.index()].get_or_insert_with(|| {
                    free.get_mut(&size).and_then(Vec::pop).unwrap_or_else(|| {
                        sizes.push(size);
                        sizes.len() as u32 - 1
                    })
                });
            }
            let mut ended: Vec<u32> = values
                .iter()
                .filter(|value| last[value.index()] == step)
                .filter_map(|value| slot[value.index()])
                .collect();
            ended.sort_unstable();
            ended.dedup();
            for slot in ended {
                free.entry(sizes[slot as usize]).or_default().push(slot);
            }
        }
        Colours { slot, sizes }
    }

    fn place(&self, value: Value) -> Place {
        Place::Slot(self.slot[value.index()].expect("every value that a step touches has a slot"))
    }
}
