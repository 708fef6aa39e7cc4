//! A loop's body as instructions: whole vectors, tails, and what comes before and after.
//!
//! What goes in: the body of a loop. What comes out: [`Prepared`]: pieces of straight-line code, and what they share. All of them are selected before
//! any is given registers, so that what they share can be counted.

use iced_x86::Register;
use numloom_data::{DType, Scalar};
use numloom_ir::Form;
use numloom_ir::interp::moments;
use numloom_ir::reduce::LANES;
use numloom_ir::{AccOp, Accumulator, InputClass, Kernel, LoopInst, LoopOp, Op, Place, V};

use super::asm::CONSTANT;
use super::assign::{Home, Homes, MASKS, Same, Start, assign, load_same, of_row, pressure};
use super::function::{Area, COUNT, Function, INDEX, LIMIT, TEMPORARY};
use super::inst::{Arg, Base, Inst, Memory, SOURCES, Virt, Width, fold_loads};
use super::moments::Vectors;
use super::select::{Select, Shared, TAIL, Val, by_size};
use super::table;
use crate::error::JitError;

/// Straight-line code.
#[derive(Debug, Default)]
pub(super) struct Piece {
    insts: Vec<Inst>,
    virts: usize,
}

/// A loop that is ready to be emitted.
#[derive(Debug)]
pub(super) struct Prepared<'k> {
    pub(super) body: &'k [LoopInst],
    pub(super) shape: Shape,
    pub(super) areas: Vec<Area>,
    pub(super) starts: Vec<Start>,
    /// Computes what is the same for all elements of a row.
    pub(super) uniform: Piece,
    pub(super) pieces: Pieces,
    pub(super) same: Vec<Same>,
    /// Vector and mask registers that are free for values, as bits.
    pub(super) vectors: u32,
    pub(super) masks: u32,
}

/// The code of a loop.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// An iteration.
    pub(super) whole: Piece,
    /// An iteration that stores around the caches, if it may, and its elements: no more copies than make the loop cheap, for it waits for memory.
    pub(super) around: Option<(Piece, usize)>,
    /// What is left, for each copy; without AVX-512 one element.
    pub(super) tail: Vec<Piece>,
    /// Accumulators to registers, or at the start of a row to memory.
    pub(super) begin: Piece,
    /// Before whole iterations and after them, if running extremes pass over NaN: in which lanes one is NaN, and makes it so where there was one.
    pub(super) nan: Option<[Piece; 2]>,
    /// If elements are not counted one by one: adds the number of iterations, in a register, to the counts.
    pub(super) count: Option<Piece>,
    /// Accumulators from registers to memory.
    pub(super) end: Piece,
    /// Lanes in memory to a row's partial value.
    pub(super) combine: Piece,
}

/// A loop's shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Elements of a vector of the widest dtype.
    pub(super) lanes: usize,
    /// Vectors of each value in an iteration.
    pub(super) copies: usize,
    /// Where accumulators are.
    pub(super) accumulators: Where,
    /// The size of the widest output's elements.
    pub(super) output: Option<(u32, usize)>,
}

/// Where a loop's accumulators are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Where {
    /// There are none.
    Nowhere,
    /// In registers all through the loop.
    Registers,
    /// Lanes in memory.
    Lanes,
    /// Columns in memory.
    Columns,
}

/// The longest code of which an iteration has two copies, if they find registers, so that the loop itself costs little.
const SHORT: usize = 10;

/// The longest code of which an iteration has several copies because one waits for itself.
const LONGEST_IN_TURN: usize = 40;

/// From this many instructions on, each of which needs the one before, a vector waits longer than a processor looks ahead: it is computed in turn with others. A
/// polynomial of 17 operations takes 0.92 of the time with 2, 0.86 with 4, 0.79 with 8 (2026-11, AMD Zen 4, in L1 and L2; copies one after the other gain nothing).
const CHAIN: usize = 8;

/// The longest body of which there is a second version, which stores around the caches.
const LONGEST_AROUND: usize = 96;

/// Of elements as wide as this a loop that [is light](is_light) takes half a register at a time; narrower ones take more instructions for each, and lose by it in the near caches.
const LIGHT_BYTES: usize = 4;

/// Whether a loop waits for memory: it has no more operations than loads and stores, or does nothing but combine what it loads with one running value. Halves of registers then
/// come to as much from the first-level cache, and to more from any other, as if each line that is read twice were asked for sooner. With whole registers `a + b` of 4 to 12 MB takes 1.04 to
/// 1.12 times as long, out of the caches 1.05; `sum(a)` out of the caches 1.13; `max(a)` of `f32`, whose lanes are one whole register, 1.2 in them (2026-11, AMD Zen 4).
fn is_light(body: &[LoopInst], words: usize, kernel: &Kernel) -> bool {
    let is_scalar = |i: u32| kernel.inputs[i as usize].class == InputClass::Scalar;
    let (mut moves, mut operations) = (0, 0);
    for inst in body {
        match inst.op {
            LoopOp::Load(Place::Input(i)) if is_scalar(i) => {}
            LoopOp::Load(_) | LoopOp::Store { .. } => moves += 1,
            LoopOp::Const(_) | LoopOp::Accumulate { .. } => {}
            LoopOp::Apply { .. } => operations += 1,
        }
    }
    match words {
        0 => operations <= moves,
        1 => operations == 0 && !kernel.form.is_columns(),
        _ => false,
    }
}

impl Shape {
    fn of(body: &[LoopInst], kernel: &Kernel, avx512: bool) -> Shape {
        let form = kernel.form;
        let words = words(kernel, &accumulators(body)).len();
        let mut widest = 1;
        let mut output: Option<(u32, usize)> = None;
        for inst in body {
            let size = inst.dtype.itemsize();
            widest = widest.max(size);
            match inst.op {
                LoopOp::Store {
                    place: Place::Output(i),
                    ..
                } if output.is_none_or(|(_, most)| size > most) => output = Some((i, size)),
                _ => {}
            }
        }
        let half = !avx512 || widest >= LIGHT_BYTES && is_light(body, words, kernel);
        let lanes = if half { 32 } else { 64 } / widest;
        if words == 0 || form.is_columns() {
            return Shape {
                lanes,
                copies: 1,
                accumulators: if words == 0 {
                    Where::Nowhere
                } else {
                    Where::Columns
                },
                output: if words == 0 { output } else { None },
            };
        }
        let lanes = lanes.min(LANES);
        let copies = LANES / lanes;
        let few = words * copies <= if avx512 { 16 } else { 8 };
        Shape {
            lanes,
            copies,
            accumulators: if few { Where::Registers } else { Where::Lanes },
            output: None,
        }
    }

    /// Elements of an iteration.
    pub(super) fn elements(self) -> usize {
        self.lanes * self.copies
    }

    /// The first element of a copy of the body, and how it reaches its accumulators.
    fn copy(self, copy: usize) -> (usize, Reach) {
        let first = copy * self.lanes;
        let reach = match self.accumulators {
            Where::Registers => Reach::Registers(copy),
            others => Reach::Memory {
                first,
                indexed: others != Where::Lanes,
            },
        };
        (first, reach)
    }
}

/// The accumulators of a body: their numbers, and what they do.
pub(super) fn accumulators(body: &[LoopInst]) -> Vec<u32> {
    let accumulators = body.iter().filter_map(|inst| match inst.op {
        LoopOp::Accumulate { acc, .. } => Some(acc),
        _ => None,
    });
    accumulators.collect()
}

/// The words of the running values of accumulators, one after the other: of which accumulator, and which word.
pub(super) fn words(kernel: &Kernel, accumulators: &[u32]) -> Vec<(u32, usize)> {
    let of = |&acc: &u32| {
        let words = 0..kernel.accumulators[acc as usize].words();
        words.map(move |word| (acc, word))
    };
    accumulators.iter().flat_map(of).collect()
}

/// How a body's accumulators are reached.
#[derive(Clone, Copy)]
pub(super) enum Reach {
    /// In registers, of this copy.
    Registers(usize),
    /// In memory: this many elements after the start, and counted by the loop's index if so.
    Memory { first: usize, indexed: bool },
}

/// What selecting a body needs beside it.
pub(super) struct Values<'k> {
    pub(super) body: &'k [LoopInst],
    pub(super) areas: Vec<Area>,
    /// The words of the accumulators that are taken in; others are passed over.
    pub(super) words: Vec<(u32, usize)>,
    /// What is the same for all elements of a row.
    pub(super) uniform: Vec<Option<Val>>,
    /// Rows are gone round inside, so that nothing is the same for all elements.
    pub(super) streams: bool,
    /// Every running value has an element, and they are counted after the loop.
    pub(super) uncounted: bool,
    /// Values whose running extremes pass over NaN, and the mask of the lanes in which there was one.
    pub(super) extremes: Vec<(V, Register)>,
}

impl Values<'_> {
    fn memory(&self, area: Area, size: usize, first: usize, indexed: bool) -> Memory {
        let place = self.areas.iter().position(|other| *other == area);
        Memory {
            base: Base::Place(place.expect("all that a body names was found") as u32),
            scale: if indexed { size as u8 } else { 0 },
            at: (first * size) as i32,
        }
    }

    /// Running values from the `first`-th on.
    fn running(
        &self,
        form: Form,
        (acc, word): (u32, usize),
        size: usize,
        first: usize,
        indexed: bool,
    ) -> Memory {
        if form.is_columns() {
            return self.memory(Area::Running(acc, word), size, first, indexed);
        }
        let mut memory = self.memory(Area::Running(acc, 0), size, first, indexed);
        memory.at += (8 * LANES * word) as i32;
        memory
    }

    fn scalar(&self, value: V) -> Option<&Scalar> {
        match &self.body[value.index()].op {
            LoopOp::Const(scalar) => Some(scalar),
            _ => None,
        }
    }
}

impl<'k> Function<'k> {
    /// Selects the code of a loop that goes along rows.
    pub(super) fn prepare(&mut self, body: &'k [LoopInst]) -> Result<Prepared<'k>, JitError> {
        let mut shape = Shape::of(body, self.kernel, self.avx512);
        let mut select = Select::new(self.avx512);
        select.lanes = shape.lanes;
        let mut values = Values {
            body,
            areas: self.areas(body, shape.accumulators),
            words: words(self.kernel, &accumulators(body)),
            uniform: vec![None; body.len()],
            streams: false,
            uncounted: false,
            extremes: Vec::new(),
        };
        let homes = self.uniform(&mut select, &mut values)?;
        let uniform = Piece::from(select.take());

        let mut pieces = Pieces::default();
        let counts = self.counts(&values, shape);
        values.uncounted = !counts.is_empty();
        values.extremes = self.extremes(body, shape);
        for copy in 0..shape.copies {
            let (first, reach) = shape.copy(copy);
            self.body(&mut select, &values, first, reach)?;
        }
        values.uncounted = false;
        select.note_rest();
        if shape.accumulators == Where::Registers && self.avx512 {
            select.balance();
        }
        pieces.whole = Piece::from(select.take());
        pieces.whole.fold();
        if shape.accumulators == Where::Nowhere {
            let one = &pieces.whole;
            shape.copies = one.copies(select.shared.len(), self.avx512);
            if shape.output.is_some() && body.len() <= LONGEST_AROUND {
                let copies = if one.insts.len() <= SHORT {
                    shape.copies
                } else {
                    1
                };
                let piece = one
                    .in_turn(copies, shape.lanes)
                    .around(&values.areas, self.avx512);
                pieces.around = Some((piece, copies * shape.lanes));
            }
            if shape.copies > 1 {
                pieces.whole = pieces.whole.in_turn(shape.copies, shape.lanes);
            }
        }
        let begun = !counts.is_empty();
        pieces.nan = self.ends_of_extremes(&mut select, &values, shape, begun);
        if !counts.is_empty() {
            select.add_count(COUNT, &counts);
            pieces.count = Some(Piece::from(select.take()));
        }
        if self.avx512 {
            let copies = match shape.accumulators {
                Where::Registers | Where::Lanes => shape.copies,
                Where::Nowhere | Where::Columns => 1,
            };
            select.masked = true;
            for copy in 0..copies {
                let (first, reach) = shape.copy(copy);
                self.body(&mut select, &values, first, reach)?;
                pieces.tail.push(Piece::from(select.take()));
            }
            select.masked = false;
        } else {
            select.lanes = 1;
            let reach = Reach::Memory {
                first: 0,
                indexed: true,
            };
            self.body(&mut select, &values, 0, reach)?;
            pieces.tail.push(Piece::from(select.take()));
            select.lanes = shape.lanes;
        }
        self.ends(&mut select, &values, shape, &mut pieces)?;

        let held = match shape.accumulators {
            Where::Registers => values.words.len() * shape.copies,
            _ => 0,
        };
        // What stores around the caches has no more copies, so it needs no more.
        let all = [&pieces.whole, &uniform, &pieces.combine];
        let all = all.into_iter().chain(&pieces.tail);
        let needed = all.map(|piece| pressure(&piece.insts, piece.virts)).max();
        let (same, vectors) = self.share(&select.shared, &homes, held, needed.unwrap_or(0));
        let starts = self.starts(values.areas.len());
        let number = |mask: Register| mask as u32 - Register::K0 as u32;
        let noted = (values.extremes.iter()).map(|&(_, mask)| 1 << number(mask));
        let masks = MASKS & !noted.sum::<u32>();
        Ok(Prepared {
            body,
            shape,
            areas: values.areas,
            starts,
            uniform,
            pieces,
            same,
            vectors,
            masks,
        })
    }

    /// The memory that a loop goes through, that which counts elements first.
    pub(super) fn areas(&self, body: &[LoopInst], accumulators: Where) -> Vec<Area> {
        let mut areas: Vec<Area> = Vec::new();
        let mut add = |area: Area| {
            if !areas.contains(&area) {
                areas.push(area);
            }
        };
        for scalars in [false, true] {
            for inst in body {
                match inst.op {
                    LoopOp::Load(place) | LoopOp::Store { place, .. }
                        if self.is_scalar(place) == scalars =>
                    {
                        add(Area::Place(place));
                    }
                    LoopOp::Accumulate { acc, .. }
                        if !scalars && accumulators != Where::Nowhere =>
                    {
                        let words = match self.kernel.form.is_columns() {
                            true => self.kernel.accumulators[acc as usize].words(),
                            false => 1,
                        };
                        (0..words).for_each(|word| add(Area::Running(acc, word)));
                    }
                    _ => {}
                }
            }
        }
        areas
    }

    pub(super) fn is_scalar(&self, place: Place) -> bool {
        match place {
            Place::Input(i) => self.kernel.inputs[i as usize].class == InputClass::Scalar,
            _ => false,
        }
    }

    /// Selects what is the same for all elements of a row. What the loop uses of it goes to the frame: which of the shared values, and where.
    fn uniform(
        &mut self,
        select: &mut Select,
        values: &mut Values<'k>,
    ) -> Result<Vec<(u32, usize)>, JitError> {
        let body = values.body;
        for (i, inst) in body.iter().enumerate() {
            match &inst.op {
                LoopOp::Load(place) if self.is_scalar(*place) => {
                    let memory = values.memory(Area::Place(*place), 1, 0, false);
                    values.uniform[i] = Some(select.load_same(inst.dtype, memory));
                }
                LoopOp::Apply { args, .. } => {
                    // Constants alone were folded; what is left of such operations stays in the loop, with its constants.
                    let known =
                        |v: &V| values.uniform[v.index()].is_some() || values.scalar(*v).is_some();
                    let some = args.iter().any(|v| values.uniform[v.index()].is_some());
                    if some && args.iter().all(known) {
                        let value = self.apply(select, values, inst, &values.uniform)?;
                        values.uniform[i] = Some(value);
                    }
                }
                _ => {}
            }
        }
        let mut used = vec![false; body.len()];
        for (i, inst) in body.iter().enumerate() {
            let args: &[V] = match &inst.op {
                LoopOp::Apply { args, .. } if values.uniform[i].is_none() => args,
                LoopOp::Store { value, .. } | LoopOp::Accumulate { value, .. } => {
                    std::slice::from_ref(value)
                }
                _ => continue,
            };
            args.iter().for_each(|v| used[v.index()] = true);
        }
        let mut homes = Vec::new();
        for (i, value) in values.uniform.iter_mut().enumerate() {
            let Some(known) = value else { continue };
            if !used[i] {
                *value = None;
                continue;
            }
            if let Val::Number(Arg::Same(..)) | Val::Lanes(_, Arg::Same(..)) = known {
                continue;
            }
            let at = self.frame.take(if matches!(known, Val::Mask(_)) {
                8
            } else {
                CONSTANT
            });
            let shared = select.shared.len() as u32;
            let to = Memory {
                base: Base::Register(Register::RSP),
                scale: 0,
                at: at as i32,
            };
            let (kind, kept) = match *known {
                Val::Mask(x) => {
                    let code = iced_x86::Code::VEX_Kmovq_m64_kr;
                    select.push(Inst::new(code, Arg::Memory(to), &[x]));
                    (Shared::Mask, Val::Mask(Arg::SameMask(shared)))
                }
                Val::Number(x) => {
                    select.keep(x, to);
                    let x = Arg::Same(shared, Width::Z);
                    (Shared::Vector, Val::Number(x))
                }
                Val::Lanes(size, x) => {
                    select.keep(x, to);
                    let x = Arg::Same(shared, Width::Z);
                    (Shared::Vector, Val::Lanes(size, x))
                }
            };
            select.shared.push((kind, 0));
            homes.push((shared, at));
            *value = Some(kept);
        }
        Ok(homes)
    }

    /// One copy of the body, for elements from `first` after the loop's index.
    pub(super) fn body(
        &self,
        select: &mut Select,
        values: &Values<'_>,
        first: usize,
        reach: Reach,
    ) -> Result<(), JitError> {
        let mut known = values.uniform.clone();
        let words = &values.words;
        // Of values with running extremes, in which lanes these are not NaN.
        let mut ordered: Vec<(V, Arg)> = Vec::new();
        for (i, inst) in values.body.iter().enumerate() {
            if known[i].is_some() {
                continue;
            }
            let (dtype, size) = (inst.dtype, inst.dtype.itemsize());
            match &inst.op {
                LoopOp::Load(place) if self.is_scalar(*place) => {
                    if values.streams {
                        let memory = values.memory(Area::Place(*place), 1, 0, false);
                        known[i] = Some(select.load_same(dtype, memory));
                    }
                }
                LoopOp::Load(place) => {
                    let memory = values.memory(Area::Place(*place), size, first, true);
                    known[i] = Some(select.load(dtype, memory));
                }
                // Made where it is used.
                LoopOp::Const(_) => {}
                LoopOp::Apply { .. } => known[i] = self.apply_used(select, values, inst, &known)?,
                LoopOp::Store { place, value } => {
                    let value = operand(select, values, *value, &known);
                    let memory = values.memory(Area::Place(*place), size, first, true);
                    select.store(dtype, value, memory);
                }
                LoopOp::Accumulate { acc, value: of } => {
                    let Some(k) = words.iter().position(|word| *word == (*acc, 0)) else {
                        continue;
                    };
                    let of = *of;
                    let value = operand(select, values, of, &known);
                    let accumulator = self.kernel.accumulators[*acc as usize];
                    match reach {
                        Reach::Registers(copy) if select.keeps_ordered(accumulator) => {
                            let value = select.stored(value);
                            let width = select.width(size);
                            let number = self.accumulator(copy, k, words.len());
                            let running = Arg::Held(number, width);
                            let passed = values.extremes.iter().find(|(other, _)| *other == of);
                            let known = ordered.iter().find(|(other, _)| *other == of);
                            let mask = match known {
                                None if let Some((_, nan)) = passed => {
                                    select.note_nan(*nan, size, value);
                                    Arg::None
                                }
                                // Rows start from identities; lanes in memory may be any numbers.
                                Some((_, mask)) if self.kernel.form == Form::Rows => *mask,
                                _ => select.ordered(size, running),
                            };
                            ordered.push((of, mask));
                            select.take_extreme(accumulator, running, value, mask);
                        }
                        Reach::Registers(copy) => {
                            let width = select.width(size);
                            let running: Vec<Arg> = (k..k + accumulator.words())
                                .map(|k| Arg::Held(self.accumulator(copy, k, words.len()), width))
                                .collect();
                            let results =
                                self.take_in(select, values, accumulator, &running, value)?;
                            for (result, running) in results.into_iter().zip(running) {
                                select.put(size, result, running);
                            }
                        }
                        Reach::Memory { first, indexed } => {
                            let form = self.kernel.form;
                            let memory: Vec<Memory> = words[k..k + accumulator.words()]
                                .iter()
                                .map(|word| values.running(form, *word, size, first, indexed))
                                .collect();
                            let running: Vec<Arg> = memory
                                .iter()
                                .map(|memory| select.load_vector(size, *memory))
                                .collect();
                            let results =
                                self.take_in(select, values, accumulator, &running, value)?;
                            for (result, memory) in results.into_iter().zip(memory) {
                                select.store_vector(size, result, memory);
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes a value into a running one, word by word.
    fn take_in(
        &self,
        select: &mut Select,
        values: &Values<'_>,
        acc: Accumulator,
        running: &[Arg],
        value: Val,
    ) -> Result<Vec<Arg>, JitError> {
        let value = select.stored(value);
        let (AccOp::Moments, &[count, pivot, squares, sum]) = (acc.op, running) else {
            return combined(select, acc, running, &[value], false);
        };
        let running = [count, pivot, squares, sum];
        let taken = match values.uncounted {
            true => moments::take_uncounted(&mut Vectors(select), running, value),
            false => moments::take(&mut Vectors(select), running, value),
        };
        Ok(taken.into())
    }

    /// The registers of the counts of moments that a loop adds to in the end rather than for each element: those in registers, if a tail can begin them.
    fn counts(&self, values: &Values<'_>, shape: Shape) -> Vec<u32> {
        if shape.accumulators != Where::Registers || !self.avx512 {
            return Vec::new();
        }
        let moments = |&(acc, word): &(u32, usize)| {
            word == 0 && self.kernel.accumulators[acc as usize].op == AccOp::Moments
        };
        let n = values.words.len();
        let words = (0..n).filter(|&k| moments(&values.words[k]));
        words
            .flat_map(|k| (0..shape.copies).map(move |copy| self.accumulator(copy, k, n)))
            .collect()
    }

    /// The register of word `k` of `n` in a copy: from the last register down.
    pub(super) fn accumulator(&self, copy: usize, k: usize, n: usize) -> u32 {
        let registers = if self.avx512 { 32 } else { 16 };
        registers - 1 - (copy * n + k) as u32
    }

    /// An operation, unless all it is used for is known already.
    fn apply_used(
        &self,
        select: &mut Select,
        values: &Values<'_>,
        inst: &LoopInst,
        known: &[Option<Val>],
    ) -> Result<Option<Val>, JitError> {
        let LoopOp::Apply { args, .. } = &inst.op else {
            unreachable!("only an operation is applied");
        };
        // Part of what is uniform, and used by that alone.
        let there = |v: &V| known[v.index()].is_some() || values.scalar(*v).is_some();
        if !args.iter().all(there) {
            return Ok(None);
        }
        self.apply(select, values, inst, known).map(Some)
    }

    fn apply(
        &self,
        select: &mut Select,
        values: &Values<'_>,
        inst: &LoopInst,
        known: &[Option<Val>],
    ) -> Result<Val, JitError> {
        let LoopOp::Apply { op, args } = &inst.op else {
            unreachable!("only an operation is applied");
        };
        let last = *args.last().expect("an operation has operands");
        let from = values.body[last.index()].dtype;
        let mut operands = [Val::Number(Arg::None); SOURCES];
        for (value, arg) in operands.iter_mut().zip(args) {
            *value = operand(select, values, *arg, known);
        }
        let operands = &operands[..args.len()];
        select.apply(*op, from, inst.dtype, operands, values.scalar(last))
    }

    /// Selects what comes before and after loops with accumulators in lanes.
    fn ends(
        &self,
        select: &mut Select,
        values: &Values<'_>,
        shape: Shape,
        pieces: &mut Pieces,
    ) -> Result<(), JitError> {
        if !matches!(shape.accumulators, Where::Registers | Where::Lanes) {
            return Ok(());
        }
        let rows = self.kernel.form == Form::Rows;
        let words = &values.words;
        let each = || {
            let copies = 0..shape.copies;
            copies.flat_map(|copy| (0..words.len()).map(move |k| (copy, k)))
        };
        let what = |copy: usize, k: usize| {
            let (acc, size) = self.of(words[k].0);
            let form = self.kernel.form;
            let memory = values.running(form, words[k], size, copy * shape.lanes, false);
            (acc, size, memory)
        };
        let in_registers = shape.accumulators == Where::Registers;
        let running = |select: &Select, size: usize, copy: usize, k: usize| {
            let register = self.accumulator(copy, k, words.len());
            Arg::Held(register, select.width(size))
        };
        for (copy, k) in each().filter(|_| rows || in_registers) {
            let (acc, size, memory) = what(copy, k);
            let lanes = match rows {
                true => select.constant(size, acc.identity(words[k].1)),
                false => select.load_vector(size, memory),
            };
            if in_registers {
                let to = running(select, size, copy, k);
                select.put(size, lanes, to);
            } else {
                select.store_vector(size, lanes, memory);
            }
        }
        pieces.begin = Piece::from(select.take());
        if in_registers {
            for (copy, k) in each() {
                let (_, size, memory) = what(copy, k);
                let lanes = running(select, size, copy, k);
                select.store_vector(size, lanes, memory);
            }
            pieces.end = Piece::from(select.take());
        }
        if rows {
            // Each accumulator by its first word.
            for k in (0..words.len()).filter(|&k| words[k].1 == 0) {
                let (acc, size, _) = what(0, k);
                // Without masks a tail was taken in memory.
                let registers = in_registers && self.avx512;
                let mut parts: Vec<Vec<Arg>> = (0..shape.copies)
                    .map(|copy| {
                        let words = (k..k + acc.words()).map(|k| match registers {
                            true => running(select, size, copy, k),
                            false => select.load_vector(size, what(copy, k).2),
                        });
                        words.collect()
                    })
                    .collect();
                let mut again = false;
                while parts.len() > 1 {
                    let upper = parts.split_off(parts.len() / 2);
                    for (x, y) in parts.iter_mut().zip(upper) {
                        *x = combined(select, acc, x, &y, again)?;
                    }
                    again = true;
                }
                let mut x = parts.swap_remove(0);
                while select.lanes > 1 {
                    let upper = x.iter().map(|&x| select.upper_half(size, x));
                    let y: Vec<Arg> = upper.collect();
                    select.lanes /= 2;
                    x = combined(select, acc, &x, &y, again)?;
                    again = true;
                }
                let at = 8 * self.kernel.accumulator_offset(words[k].0 as usize, 0);
                for (word, x) in x.into_iter().enumerate() {
                    select.store_word(size, x, COUNT, at + 8 * word, LIMIT);
                }
                select.lanes = shape.lanes;
            }
            pieces.combine = Piece::from(select.take());
        }
        Ok(())
    }

    pub(super) fn of(&self, acc: u32) -> (Accumulator, usize) {
        let acc = self.kernel.accumulators[acc as usize];
        (acc, acc.dtype.itemsize())
    }

    /// Gives what is shared its home and, as far as they go, registers beside the `taken` ones of accumulators and the `needed` ones of values.
    pub(super) fn share(
        &mut self,
        shared: &[(Shared, u32)],
        homes: &[(u32, usize)],
        taken: usize,
        needed: usize,
    ) -> (Vec<Same>, u32) {
        let registers = if self.avx512 { 32 } else { 16 };
        let free = registers - taken;
        let room = free.saturating_sub(needed.max(6));
        let mut same: Vec<Same> = Vec::with_capacity(shared.len());
        for (i, (kind, _)) in shared.iter().enumerate() {
            let home = match *kind {
                Shared::Constant(size, bits) => {
                    let bits = &bits.to_le_bytes()[..size];
                    let bytes: Vec<u8> = bits.iter().copied().cycle().take(CONSTANT).collect();
                    let bytes = bytes.try_into().expect("as long as a constant");
                    Home::Constant(self.asm.constant(bytes))
                }
                Shared::Bytes(bytes) => {
                    let bytes = std::array::from_fn(|i| bytes[i % 16]);
                    Home::Constant(self.asm.constant(bytes))
                }
                Shared::Vector | Shared::Mask => {
                    let (_, at) = homes[homes.partition_point(|(known, _)| *known < i as u32)];
                    Home::Frame(at)
                }
            };
            same.push(Same { home, held: None });
        }
        let mut wanted: Vec<usize> = (0..shared.len())
            .filter(|&i| shared[i].0 != Shared::Mask && shared[i].1 > 0)
            .collect();
        wanted.sort_by_key(|&i| std::cmp::Reverse(shared[i].1));
        wanted.truncate(room);
        for (register, i) in (0..free as u32).rev().zip(&wanted) {
            same[*i].held = Some(register);
        }
        let left = free - wanted.len();
        (same, u32::MAX >> (32 - left))
    }

    /// Brings those constants to registers that are held there.
    pub(super) fn hold_constants(&mut self, prepared: &Prepared<'_>) {
        self.hold(prepared, |home| matches!(home, Home::Constant(_)));
    }

    /// Computes what is the same in a row, and brings it to registers.
    pub(super) fn hold_uniform(&mut self, prepared: &Prepared<'_>) -> Result<(), JitError> {
        if prepared.uniform.insts.is_empty() {
            return Ok(());
        }
        self.emit(prepared, &prepared.uniform)?;
        self.hold(prepared, |home| matches!(home, Home::Frame(_)));
        Ok(())
    }

    fn hold(&mut self, prepared: &Prepared<'_>, which: impl Fn(Home) -> bool) {
        let width = if self.avx512 { Width::Z } else { Width::Y };
        for same in &prepared.same {
            if let Some(register) = same.held
                && which(same.home)
            {
                let register = width.register(register);
                load_same(&mut self.asm, width, register, same.home, self.avx512);
            }
        }
    }

    /// Emits a piece of a loop.
    pub(super) fn emit(&mut self, prepared: &Prepared<'_>, piece: &Piece) -> Result<(), JitError> {
        let homes = Homes {
            same: &prepared.same,
            places: &prepared.starts,
            index: INDEX,
            temporary: TEMPORARY,
            masks: prepared.masks,
            avx512: self.avx512,
        };
        let Function { asm, frame, .. } = self;
        assign(
            &piece.insts,
            piece.virts,
            prepared.vectors,
            &homes,
            asm,
            frame,
        )
    }
}

impl Piece {
    pub(super) fn pressure(&self) -> usize {
        pressure(&self.insts, self.virts)
    }

    /// How many copies of it, which uses so many `shared` values, an iteration has.
    fn copies(&self, shared: usize, avx512: bool) -> usize {
        let registers: usize = if avx512 { 32 } else { 16 };
        let most = match self.insts.len() {
            0..=SHORT => 2,
            // Without masks what is left of a row goes one element at a time.
            ..=LONGEST_IN_TURN if self.chain() >= CHAIN => match avx512 {
                true => 4,
                false => 2,
            },
            _ => return 1,
        };
        let fixed = |inst: &Inst| matches!(inst.to, Arg::Register(_) | Arg::Held(..));
        if self.insts.iter().any(fixed) {
            return 1;
        }
        // There are few mask registers.
        let masks = |inst: &&Inst| matches!(inst.to, Arg::Mask(_));
        let masks = self.insts.iter().filter(masks).count();
        let (vectors, room) = (self.pressure(), registers - shared.min(registers / 2));
        let fits = |copies: &usize| {
            copies * vectors <= room && copies * masks <= MASKS.count_ones() as usize
        };
        [4, 2]
            .into_iter()
            .filter(|copies| *copies <= most)
            .find(fits)
            .unwrap_or(1)
    }

    /// The most instructions of which each needs the one before.
    fn chain(&self) -> usize {
        let mut depth = vec![0; self.virts];
        for inst in &self.insts {
            let read = inst.read().filter_map(Arg::virt);
            let before = read.map(|Virt(v)| depth[v as usize]).max();
            if let Some(Virt(to)) = inst.to.virt() {
                depth[to as usize] = before.unwrap_or(0) + 1;
            }
        }
        depth.into_iter().max().unwrap_or(0)
    }

    /// So many copies of it, each for the next `lanes` elements: an instruction of each in turn.
    fn in_turn(&self, copies: usize, lanes: usize) -> Piece {
        let copy = |inst: &Inst, k: usize| {
            let shift = |arg: Arg| match arg {
                Arg::Vector(Virt(v), width) => {
                    Arg::Vector(Virt(v + (k * self.virts) as u32), width)
                }
                Arg::Mask(Virt(v)) => Arg::Mask(Virt(v + (k * self.virts) as u32)),
                Arg::Memory(memory) => Arg::Memory(Memory {
                    at: memory.at + (k * lanes * usize::from(memory.scale)) as i32,
                    ..memory
                }),
                other => other,
            };
            Inst {
                to: shift(inst.to),
                from: inst.from.map(shift),
                mask: shift(inst.mask),
                ..*inst
            }
        };
        let insts = self.insts.iter();
        Piece {
            insts: insts
                .flat_map(|inst| (0..copies).map(move |k| copy(inst, k)))
                .collect(),
            virts: copies * self.virts,
        }
    }

    /// The same with stores to outputs around the caches, where whole registers are stored. Slots are read soon, and lie anywhere.
    fn around(mut self, areas: &[Area], avx512: bool) -> Piece {
        let is_output = |base: Base| {
            let area = |i: u32| areas[i as usize];
            matches!(base, Base::Place(i) if matches!(area(i), Area::Place(Place::Output(_))))
        };
        for inst in &mut self.insts {
            let Arg::Memory(Memory { base, .. }) = inst.to else {
                continue;
            };
            for width in [Width::X, Width::Y, Width::Z] {
                if (avx512 || width < Width::Z)
                    && inst.code == of_row(&table::Store, width, avx512)
                    && is_output(base)
                {
                    inst.code = of_row(&table::StoreAround, width, avx512);
                }
            }
        }
        self
    }

    pub(super) fn fold(&mut self) {
        fold_loads(&mut self.insts, self.virts);
    }
}

impl From<(Vec<Inst>, usize)> for Piece {
    fn from((insts, virts): (Vec<Inst>, usize)) -> Piece {
        Piece { insts, virts }
    }
}

/// A value, or the constant that it is.
fn operand(select: &mut Select, values: &Values<'_>, value: V, known: &[Option<Val>]) -> Val {
    if let Some(known) = known[value.index()] {
        return known;
    }
    let scalar = values
        .scalar(value)
        .expect("a value is defined before its use");
    match scalar {
        Scalar::Bool(truth) => {
            let bits = if *truth { u64::MAX } else { 0 };
            let x = select.constant(1, bits);
            match select.avx512 {
                true => select.nonzero(DType::U8, x),
                false => Val::Lanes(1, x),
            }
        }
        number => {
            let size = number.dtype().itemsize();
            Val::Number(select.constant(size, number.bits() as u64))
        }
    }
}

/// Two running values combined, word by word, as they lie in memory; `again` if they come of that themselves.
pub(super) fn combined(
    select: &mut Select,
    acc: Accumulator,
    x: &[Arg],
    y: &[Arg],
    again: bool,
) -> Result<Vec<Arg>, JitError> {
    match (x, y) {
        (&[x], &[y]) => Ok(vec![applied(select, acc, x, y)?]),
        _ => {
            let words = |x: &[Arg]| x.try_into().expect("others are called, as was verified");
            let on = &mut Vectors(select);
            Ok(match again {
                true => moments::merged_again(on, words(x), words(y)),
                false => moments::merged(on, words(x), words(y)),
            }
            .into())
        }
    }
}

/// The operation of an accumulator that has one.
fn applied(select: &mut Select, acc: Accumulator, x: Arg, y: Arg) -> Result<Arg, JitError> {
    let op = acc
        .op
        .op()
        .expect("a value of one word is that of an operation");
    let dtype = acc.dtype;
    if dtype == DType::Bool {
        let row = match op {
            Op::Minimum => table::And,
            _ => table::Or,
        };
        let width = select.width(1);
        return Ok(select.on(&row, width, &[x, y]));
    }
    match select.apply(op, dtype, dtype, &[Val::Number(x), Val::Number(y)], None)? {
        Val::Number(x) => Ok(x),
        _ => unreachable!("a running number is a number"),
    }
}

impl Select {
    /// A whole register to the frame.
    fn keep(&mut self, x: Arg, to: Memory) {
        let Arg::Vector(_, width) = x else {
            unreachable!("what is computed is in a virtual register");
        };
        let code = of_row(&table::Store, width, self.avx512);
        self.push(Inst::new(code, Arg::Memory(to), &[x]));
    }

    /// Has the instruction that computes `result` write it to the register `to`, if none after it needs what was there; whether that is so.
    fn rename(&mut self, result: Arg, to: Arg) -> bool {
        let Arg::Vector(virt, _) = result else {
            return false;
        };
        let is = |arg: Arg| matches!(arg, Arg::Vector(other, _) if other == virt);
        let Some(made) = self.insts.iter().rposition(|inst| is(inst.to)) else {
            return false;
        };
        let touches = |arg: Arg| arg.at(Width::Z) == to.at(Width::Z);
        let after = &self.insts[made + 1..];
        if self.insts[made].to != result
            || after
                .iter()
                .any(|inst| touches(inst.to) || inst.read().any(touches))
        {
            return false;
        }
        self.insts[made].to = to;
        for arg in self.insts[made + 1..]
            .iter_mut()
            .flat_map(|inst| &mut inst.from)
        {
            if let Arg::Vector(other, width) = *arg
                && other == virt
            {
                *arg = to.at(width);
            }
        }
        true
    }

    /// A result to a register that is spoken for; in tails the elements there are.
    pub(super) fn put(&mut self, size: usize, result: Arg, to: Arg) {
        if result == to || !self.masked && self.rename(result, to) {
            return;
        }
        let width = self.width(size);
        let row = match self.masked {
            true => by_size(
                size,
                [table::Load8, table::Load16, table::Load32, table::Load64],
            ),
            false => table::Load,
        };
        let mut inst = Inst::new(of_row(&row, width, self.avx512), to, &[result.at(width)]);
        inst.reads = width.bytes();
        if self.masked {
            inst.mask = Arg::Register(TAIL);
        }
        self.push(inst);
    }
}
