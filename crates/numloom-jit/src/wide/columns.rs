//! Loops in streams: a few columns of all rows at a time.
//!
//! ```text
//!   if rows are long and not aligned, but all alike: a part of a vector of columns, up to where they are
//! next:
//!   for a few columns at a time, of a cache line at most, then fewer
//!     running values from memory, or identities
//!     for each row: the body
//!     running values to memory
//!   part of a vector, under a mask, or one column; and to `next`
//! ```
//!
//! Unaligned, a few columns of a row begin in the middle of a cache line, and each row waits for one line more.
//!
//! If the body is short, rows of two lanes may come by turns: then columns have a running value in each, half as many at a time if there is not one
//! register of them, and these are combined in the end.

use std::mem::offset_of;

use iced_x86::{Code, Register};
use numloom_ir::{LoopInst, LoopOp};

use super::asm::half;
use super::assign::{MASKS, Start};
use super::body::{
    Piece, Pieces, Prepared, Reach, Shape, Values, Where, accumulators, combined, words,
};
use super::function::{ARGS, Area, COUNT, Function, INDEX, LIMIT, N, TEMPORARY};
use super::inst::{Arg, Base, Memory};
use super::select::Select;
use crate::abi::{KernelArgs, Way};
use crate::error::JitError;
use crate::single::{SHORT, begins_lanes};

/// The most bytes of a row that are taken at a time: a cache line. With more of each, rows that lie far apart run dry, most of all on two threads:
/// `sum(a, axis=0)` of 100,000 rows of 100 `f64`, aligned, runs at 0.85 to 0.96 of a plain read with a line and at 0.84 to 0.88 with two (medians, 2026-11, AMD Zen 4).
const MOST_BYTES: usize = 64;

/// Rows of that many times the columns that are taken at a time, or more, are aligned first.
const ALIGNED_FROM: usize = 16;

/// A group of columns that is taken at a time.
#[derive(Debug)]
struct Group {
    /// Columns; the last group has fewer.
    columns: usize,
    masked: bool,
    words: Vec<(u32, usize)>,
    /// Running values from memory, for each word, and identities for all.
    load: Vec<Piece>,
    begin: Piece,
    /// The body on a row: of one lane, or of each of two.
    rows: Vec<Piece>,
    /// Running values of two lanes combined to those of the first.
    combine: Piece,
    /// Running values to memory, for each word.
    store: Vec<Piece>,
}

/// For some of the accumulators at a time, all columns.
type Batches = Vec<Vec<Group>>;

/// The areas of a loop that goes round its rows, and where their row lies.
///
/// In the frame, for each area: its start in the first row, and the bytes from a row to the next.
type Streams = Vec<(usize, usize)>;

impl<'k> Function<'k> {
    /// A loop over the columns of all rows.
    pub(super) fn all_columns(&mut self, body: &'k [LoopInst]) -> Result<(), JitError> {
        let turns: &[usize] = if begins_lanes(self.kernel) {
            &[1, 2]
        } else {
            &[1]
        };
        let (prepared, ways) = self.prepare_columns(body, turns)?;
        let streams = self.streams_of(&prepared);
        self.hold_constants(&prepared);
        let [two, done] = std::array::from_fn(|_| self.asm.label());
        if turns.len() > 1 {
            let way = offset_of!(KernelArgs, way);
            self.asm
                .mi(Code::Cmp_rm64_imm8, ARGS, way, Way::ByTurns as i32);
            self.asm.jump(Code::Je_rel32_64, two);
        }
        for (i, batches) in ways.iter().enumerate() {
            if i > 0 {
                self.asm.jump(Code::Jmp_rel32_64, done);
                self.asm.bind(two);
            }
            for groups in batches {
                self.groups(&prepared, &streams, groups)?;
            }
        }
        if turns.len() == 1 {
            self.asm.bind(two);
        }
        self.asm.bind(done);
        Ok(())
    }

    /// Selects the groups of each number of lanes, from the widest on.
    fn prepare_columns(
        &mut self,
        body: &'k [LoopInst],
        turns: &[usize],
    ) -> Result<(Prepared<'k>, Vec<Batches>), JitError> {
        let widest = body
            .iter()
            .map(|inst| inst.dtype.itemsize())
            .max()
            .unwrap_or(1);
        let lanes = if self.avx512 { 64 } else { 32 } / widest;
        let mut select = Select::new(self.avx512);
        let mut values = Values {
            body,
            areas: self.areas(body, Where::Nowhere),
            words: Vec::new(),
            uniform: vec![None; body.len()],
            streams: true,
            uncounted: false,
            extremes: Vec::new(),
        };
        let most = if body.len() <= SHORT {
            MOST_BYTES / (lanes * widest)
        } else {
            1
        };
        let mut ways = Vec::new();
        let mut held = 0;
        let room = if self.avx512 { 16 } else { 8 };
        for &turns in turns {
            let mut batches = Vec::new();
            // As many accumulators at a time as there are registers for.
            for running in self.batches(body, room / turns) {
                values.words = running;
                let words = values.words.len();
                let fit = room / (turns * words);
                let mut copies = 1 << (most / turns).min(fit).max(1).ilog2();
                held = held.max(copies * turns * words);
                let mut groups = Vec::new();
                while copies > 0 {
                    select.lanes = lanes;
                    groups.push(self.select_group(&mut select, &values, copies, turns)?);
                    copies /= 2;
                }
                select.masked = self.avx512;
                select.lanes = if self.avx512 { lanes } else { 1 };
                groups.push(self.select_group(&mut select, &values, 1, turns)?);
                select.masked = false;
                batches.push(groups);
            }
            ways.push(batches);
        }
        let pieces = ways.iter().flatten().flatten().flat_map(|group| {
            let ends = group.load.iter().chain(&group.store);
            group
                .rows
                .iter()
                .chain(ends)
                .chain([&group.begin, &group.combine])
        });
        let needed = pieces.map(Piece::pressure).max().unwrap_or(0);
        let (same, vectors) = self.share(&select.shared, &[], held, needed);
        let starts = self.starts(values.areas.len());
        let shape = Shape {
            lanes,
            copies: 1,
            accumulators: Where::Registers,
            output: None,
        };
        let prepared = Prepared {
            body,
            shape,
            areas: values.areas,
            starts,
            uniform: Piece::default(),
            pieces: Pieces::default(),
            same,
            vectors,
            masks: MASKS,
        };
        Ok((prepared, ways))
    }

    /// The words of the loop's accumulators, cut between accumulators into runs of at most `room`; of one at least.
    fn batches(&self, body: &[LoopInst], room: usize) -> Vec<Vec<(u32, usize)>> {
        let mut batches: Vec<Vec<(u32, usize)>> = Vec::new();
        for acc in accumulators(body) {
            let words = words(self.kernel, &[acc]);
            match batches.last_mut() {
                Some(last) if last.len() + words.len() <= room => last.extend(words),
                _ => batches.push(words),
            }
        }
        batches
    }

    fn select_group(
        &self,
        select: &mut Select,
        values: &Values<'_>,
        copies: usize,
        turns: usize,
    ) -> Result<Group, JitError> {
        let running = &values.words;
        let lanes = select.lanes;
        let each =
            || (0..turns * copies).flat_map(|copy| (0..running.len()).map(move |k| (copy, k)));
        let register = |select: &Select, copy: usize, k: usize| {
            let (acc, size) = self.of(running[k].0);
            let register = self.accumulator(copy, k, running.len());
            (acc, size, Arg::Held(register, select.width(size)))
        };
        // Columns are found from their accumulator's start, in a register at the time.
        let memory = |size: usize, copy: usize| Memory {
            base: Base::Register(COUNT),
            scale: size as u8,
            at: (copy * lanes * size) as i32,
        };
        let mut rows = Vec::new();
        for turn in 0..turns {
            for copy in 0..copies {
                let reach = Reach::Registers(turn * copies + copy);
                self.body(select, values, copy * lanes, reach)?;
            }
            let mut piece = Piece::from(select.take());
            if !select.masked {
                piece.fold();
            }
            rows.push(piece);
        }
        // All elements of a vector have a value, also where there is no column.
        let masked = std::mem::take(&mut select.masked);
        for (copy, k) in each() {
            let (acc, size, to) = register(select, copy, k);
            let identity = select.constant(size, acc.identity(running[k].1));
            select.put(size, identity, to);
        }
        let begin = Piece::from(select.take());
        let mut load = Vec::new();
        let mut store = Vec::new();
        if turns == 2 {
            for k in (0..running.len()).filter(|&k| running[k].1 == 0) {
                let (acc, size, _) = register(select, 0, k);
                for copy in 0..copies {
                    let [first, second] = [copy, copies + copy].map(|copy| {
                        let words = k..k + acc.words();
                        words
                            .map(|k| register(select, copy, k).2)
                            .collect::<Vec<Arg>>()
                    });
                    for (x, to) in combined(select, acc, &first, &second, false)?
                        .into_iter()
                        .zip(first)
                    {
                        select.put(size, x, to);
                    }
                }
            }
        }
        let combine = Piece::from(select.take());
        for k in 0..running.len() {
            let (_, size, _) = register(select, 0, k);
            if turns == 1 {
                for copy in 0..copies {
                    let (.., to) = register(select, copy, k);
                    select.masked = masked;
                    let x = select.load_vector(size, memory(size, copy));
                    select.masked = false;
                    select.put(size, x, to);
                }
                load.push(Piece::from(select.take()));
            }
            for copy in 0..copies {
                let (.., x) = register(select, copy, k);
                select.masked = masked;
                select.store_vector(size, x, memory(size, copy));
                select.masked = false;
            }
            store.push(Piece::from(select.take()));
        }
        select.masked = masked;
        Ok(Group {
            columns: copies * lanes,
            masked,
            words: running.clone(),
            load,
            begin,
            rows,
            combine,
            store,
        })
    }

    /// Notes where areas start and how far their rows are apart.
    fn streams_of(&mut self, prepared: &Prepared<'k>) -> Streams {
        let streams: Streams = (prepared.areas.iter())
            .map(|_| (self.frame.take(8), self.frame.take(8)))
            .collect();
        self.asm.zero(COUNT);
        for (&area, &(first, stride)) in prepared.areas.iter().zip(&streams) {
            self.locate_first(area, TEMPORARY);
            self.asm.store(Register::RSP, first, TEMPORARY);
            self.asm.store(Register::RSP, stride, COUNT);
        }
        // There may be no strides if there is one row.
        let one_row = self.asm.label();
        let rows = offset_of!(KernelArgs, rows);
        self.asm.mi(Code::Cmp_rm64_imm8, ARGS, rows, 1);
        self.asm.jump(Code::Jbe_rel32_64, one_row);
        for (&area, &(_, at)) in prepared.areas.iter().zip(&streams) {
            if let Area::Place(place) = area
                && self.stride(place, COUNT)
            {
                self.asm.store(Register::RSP, at, COUNT);
            }
        }
        self.asm.bind(one_row);
        streams
    }

    /// All columns, in groups from the widest on.
    fn groups(
        &mut self,
        prepared: &Prepared<'k>,
        streams: &Streams,
        groups: &[Group],
    ) -> Result<(), JitError> {
        let [next, part, done] = std::array::from_fn(|_| self.asm.label());
        let (last, whole) = groups.split_last().expect("a group for what is left");
        // Where a part of a vector ends.
        let end = self.frame.take(8);
        self.asm.zero(INDEX);
        self.align_rows(prepared, streams, groups[0].columns);
        self.asm.store(Register::RSP, end, COUNT);
        self.asm.rr(Code::Test_rm64_r64, COUNT, COUNT);
        self.asm.jump(Code::Jne_rel32_64, part);

        self.asm.bind(next);
        for group in whole {
            let skip = self.asm.label();
            let again = self.asm.here();
            self.asm
                .rm(Code::Lea_r64_m, LIMIT, N, -(group.columns as i64));
            self.asm.rr(Code::Cmp_r64_rm64, INDEX, LIMIT);
            self.asm.jump(Code::Jg_rel32_64, skip);
            self.group(prepared, streams, group)?;
            self.asm.add(INDEX, group.columns);
            self.asm.jump(Code::Jmp_rel32_64, again);
            self.asm.bind(skip);
        }
        self.asm.store(Register::RSP, end, N);
        self.asm.copy(COUNT, N);
        self.asm.rr(Code::Sub_r64_rm64, COUNT, INDEX);
        self.asm.jump(Code::Jbe_rel32_64, done);
        self.asm.bind(part);
        if last.masked {
            self.mask(COUNT, TEMPORARY);
            self.group(prepared, streams, last)?;
            self.asm.load(INDEX, Register::RSP, end);
        } else {
            self.group(prepared, streams, last)?;
            self.asm.add(INDEX, last.columns);
            self.asm
                .rm(Code::Cmp_r64_rm64, INDEX, Register::RSP, end as i64);
            self.asm.jump(Code::Jb_rel32_64, part);
        }
        self.asm.rr(Code::Cmp_r64_rm64, INDEX, N);
        self.asm.jump(Code::Jb_rel32_64, next);
        self.asm.bind(done);
        Ok(())
    }

    /// Brings to `COUNT` how many columns there are up to where the rows of the first area are aligned, `columns` of which are taken at a time: zero if rows are
    /// short or do not all lie alike.
    fn align_rows(&mut self, prepared: &Prepared<'k>, streams: &Streams, columns: usize) {
        self.asm.zero(COUNT);
        let load = prepared.body.iter().find(|inst| match inst.op {
            LoopOp::Load(place) => {
                !self.is_scalar(place) && prepared.areas[0] == Area::Place(place)
            }
            _ => false,
        });
        let Some(load) = load else { return };
        let size = load.dtype.itemsize();
        let (first, stride) = streams[0];
        let within = (columns * size - 1) as i32;
        let no = self.asm.label();
        let long = (ALIGNED_FROM * columns) as i32;
        self.asm.ri(Code::Cmp_rm64_imm32, N, long);
        self.asm.jump(Code::Jb_rel32_64, no);
        self.asm.load(TEMPORARY, Register::RSP, stride);
        self.asm.ri(Code::Test_rm32_imm32, half(TEMPORARY), within);
        self.asm.jump(Code::Jne_rel32_64, no);
        self.asm.load(COUNT, Register::RSP, first);
        self.asm.r(Code::Neg_rm64, COUNT);
        self.asm.ri(Code::And_rm64_imm8, COUNT, within);
        if size > 1 {
            self.asm
                .ri(Code::Shr_rm64_imm8, COUNT, size.trailing_zeros() as i32);
        }
        self.asm.bind(no);
    }

    /// The rows of the columns of a group.
    fn group(
        &mut self,
        prepared: &Prepared<'k>,
        streams: &Streams,
        group: &Group,
    ) -> Result<(), JitError> {
        self.running_values(prepared, group)?;

        for (&start, &(first, _)) in prepared.starts.iter().zip(streams) {
            match start {
                Start::Register(register) => self.asm.load(register, Register::RSP, first),
                Start::Frame(at) => {
                    self.asm.load(TEMPORARY, Register::RSP, first);
                    self.asm.store(Register::RSP, at, TEMPORARY);
                }
            }
        }
        self.argument(LIMIT, offset_of!(KernelArgs, rows));
        let out = self.asm.label();
        let again = self.asm.here();
        for (turn, rows) in group.rows.iter().enumerate() {
            self.emit(prepared, rows)?;
            self.next_row(prepared, streams);
            self.asm.ri(Code::Sub_rm64_imm8, LIMIT, 1);
            match turn + 1 == group.rows.len() {
                true => self.asm.jump(Code::Jne_rel32_64, again),
                false => self.asm.jump(Code::Je_rel32_64, out),
            }
        }
        self.asm.bind(out);

        self.emit(prepared, &group.combine)?;
        for (&(acc, word), store) in group.words.iter().zip(&group.store) {
            self.locate_first(Area::Running(acc, word), COUNT);
            self.emit(prepared, store)?;
        }
        Ok(())
    }

    /// Brings the running values of a group to registers.
    fn running_values(&mut self, prepared: &Prepared<'k>, group: &Group) -> Result<(), JitError> {
        if group.load.is_empty() {
            return self.emit(prepared, &group.begin);
        }
        let [begin, go] = std::array::from_fn(|_| self.asm.label());
        let may_begin = begins_lanes(self.kernel);
        if may_begin {
            let way = offset_of!(KernelArgs, way);
            self.asm.mi(Code::Cmp_rm64_imm8, ARGS, way, Way::Add as i32);
            self.asm.jump(Code::Jne_rel32_64, begin);
        }
        for (&(acc, word), load) in group.words.iter().zip(&group.load) {
            self.locate_first(Area::Running(acc, word), COUNT);
            self.emit(prepared, load)?;
        }
        if may_begin {
            self.asm.jump(Code::Jmp_rel32_64, go);
            self.asm.bind(begin);
            self.emit(prepared, &group.begin)?;
        } else {
            self.asm.bind(begin);
        }
        self.asm.bind(go);
        Ok(())
    }

    /// Moves all areas to their next row.
    fn next_row(&mut self, prepared: &Prepared<'k>, streams: &Streams) {
        for (&start, &(_, stride)) in prepared.starts.iter().zip(streams) {
            match start {
                Start::Register(register) => {
                    self.asm
                        .rm(Code::Add_r64_rm64, register, Register::RSP, stride as i64);
                }
                Start::Frame(at) => {
                    self.asm.load(TEMPORARY, Register::RSP, stride);
                    self.asm
                        .mr(Code::Add_rm64_r64, Register::RSP, at as i64, TEMPORARY);
                }
            }
        }
    }
}
