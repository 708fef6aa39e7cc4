#![expect(
    unsafe_code,
    reason = "hands pointers into arrays to kernels, from several threads"
)]
//! Reductions of neighbouring places whose elements lie together: a row of a call is one reduced position of them.
//!
//! Two ways, of the same bits:
//!
//! | | when | a row of a call | a running value |
//! |---|---|---|---|
//! | *wide* | short rows side by side | [`LANES`] reduced positions | of each place and lane |
//! | *lane by lane* | otherwise | one reduced position of a lane, of a tile of places | of each place |
//!
//! In both, a call goes through a few rows at once, each a stream of memory, so that running values are seldom read and written.

use std::sync::{Mutex, PoisonError};

use numloom_ir::Form;
use numloom_ir::reduce::{ColumnTree, LANE_ORDER, LANES, LEAF, reset};
use numloom_jit::abi::Way;
use rayon::ThreadPool;

use super::running::{COPIED_BYTES, Calls, Rows, Running, TASK_ELEMENTS, share};
use super::{Access, Operand};

/// The most bytes of running values in the second-level cache.
const WIDE_BYTES: usize = 1 << 20;

/// The most bytes of the running values of a tile: several of these are held until lanes are combined, in fresh memory.
const TILE_BYTES: usize = 128 << 10;

/// The most rows of a call, over all operands: streams that memory serves at once. (2026-11, AMD Zen 4, 1,000 rows of 10,000 `f64`: 6 streams ran at 0.80 of a
/// plain read, 10 at 0.95, 12 and 13 at 1.0, 16 at 0.8, 20 at 0.5; whether rows lie powers of two apart or not.)
const STREAMS: usize = 13;

/// The most tasks that one tile is cut into along the reduced axes: what they come to is held until all are done.
const MAX_RUNS: usize = 64;

/// How the columns are cut up.
struct Cut {
    /// Places of a tile.
    tile: usize,
    /// Rows side by side are taken together; then a tile is all places of the last kept axis.
    wide: bool,
    /// Rows of a call.
    streams: usize,
}

/// What one thread needs.
struct Local {
    calls: Calls,
    tree: ColumnTree,
    /// The running values of all lanes, if they are taken together.
    lanes: Vec<u64>,
}

/// Places from `place` on, `columns` of them, and reduced positions.
struct Tile {
    place: usize,
    columns: usize,
    start: usize,
    end: usize,
}

impl Running<'_> {
    pub(super) fn run_columns(&self, workers: Option<(&ThreadPool, usize)>) {
        let along = self.along;
        let extent = along.kept.last().copied().unwrap_or(1);
        let outer = along.places / extent;
        let leaves = along.n.div_ceil(LEAF);
        let threads = workers.map_or(1, |(_, threads)| threads);
        let cut = self.cut(extent, outer * leaves, threads);
        let tile = cut.tile;
        let tiles = extent.div_ceil(tile);
        // Whole leaves, a power of two of them, and not too many pieces.
        let few = leaves.div_ceil(MAX_RUNS).max(TASK_ELEMENTS / (LEAF * tile));
        let run = few.max(1).next_power_of_two();
        let runs = leaves.div_ceil(run);
        let tasks = outer * tiles * runs;
        let tile_of = |task: usize| {
            let (at, nth) = (task / runs, task % runs);
            let (place, first) = (at / tiles, at % tiles * tile);
            let start = nth * run * LEAF;
            Tile {
                place: place * extent + first,
                columns: tile.min(extent - first),
                start,
                end: along.n.min(start + run * LEAF),
            }
        };
        let pieces: Mutex<Vec<Option<ColumnTree>>> = Mutex::new(Vec::new());
        if runs > 1 {
            let mut pieces = pieces.lock().unwrap_or_else(PoisonError::into_inner);
            pieces.resize_with(tasks, || None);
        }
        let accumulators = &self.kernel.accumulators;
        share(
            workers,
            tasks,
            self.control,
            || Local {
                calls: self.calls(cut.streams * tile * if cut.wide { LANES } else { 1 }),
                tree: ColumnTree::new(accumulators),
                lanes: match cut.wide {
                    true => vec![0; self.kernel.accumulator_words(1, LANES * tile)],
                    false => Vec::new(),
                },
            },
            |local, task| {
                let tile = tile_of(task);
                local.tree.restart(tile.columns);
                let done = match cut.wide {
                    true => self.wide(local, &tile, cut.streams),
                    false => self.lane_by_lane(local, &tile, cut.streams),
                };
                if !done {
                    return;
                }
                if runs == 1 {
                    local.tree.finish();
                    self.write_columns(&tile, &local.tree);
                } else {
                    let tree = std::mem::replace(&mut local.tree, ColumnTree::new(accumulators));
                    let mut pieces = pieces.lock().unwrap_or_else(PoisonError::into_inner);
                    pieces[task] = Some(tree);
                }
                self.control
                    .chunk_done((tile.end - tile.start) * tile.columns);
            },
        );
        let pieces = pieces.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut whole = ColumnTree::new(accumulators);
        for (at, pieces) in pieces.chunks(runs).enumerate() {
            let tile = tile_of(at * runs);
            whole.restart(tile.columns);
            for piece in pieces {
                // One that is missing was stopped: the run is an error.
                let Some(piece) = piece else { return };
                whole.append(piece);
            }
            whole.finish();
            self.write_columns(&tile, &whole);
        }
    }

    fn cut(&self, extent: usize, tasks: usize, threads: usize) -> Cut {
        let kernel = self.kernel;
        let copied = self.copied_bytes();
        let block = if kernel.slots.is_empty() {
            usize::MAX
        } else {
            kernel.max_block()
        };
        // Rows that lie side by side, of accumulators that need not know which row it is.
        let side_by_side = |operand: &Operand| {
            let size = operand.dtype.itemsize();
            let step = operand.reduced.last().copied().unwrap_or(0);
            match operand.access {
                Access::Direct => step == (extent * size).cast_signed(),
                Access::Scalar => step == 0,
                Access::Block => true,
            }
        };
        let streams = (STREAMS / self.along.operands.len()).max(2);
        let values = 8 * kernel.accumulator_words(1, LANES * extent);
        let wide = self.along.operands.iter().all(side_by_side)
            && kernel.accumulators.iter().all(|acc| acc.op.is_inline())
            && LANES * extent <= block
            && values.max(4 * copied * LANES * extent) <= WIDE_BYTES
            && tasks >= threads;
        if wide {
            let most = match self.kernel.form {
                Form::Columns => LEAF / LANES,
                _ => streams,
            };
            let streams = match copied {
                0 => most,
                bytes => (COPIED_BYTES / (bytes * LANES * extent)).clamp(1, most),
            };
            return Cut {
                tile: extent,
                wide,
                streams,
            };
        }
        let mut tile = (TILE_BYTES / (8 * kernel.accumulator_words(1, 1)).max(1)).max(64);
        if copied > 0 {
            tile = tile.min((COPIED_BYTES / (copied * streams)).max(16));
        }
        // Enough tiles for all threads, of whole cache lines.
        let share = extent.div_ceil(threads.div_ceil(tasks.max(1)));
        tile = tile.min(share.next_multiple_of(64)).min(block).min(extent);
        Cut {
            tile,
            wide,
            streams,
        }
    }

    /// Sets what a call reads of the operands: rows of `columns` places from `place` on, from reduced position `position` on, each `step` positions
    /// after the one before. Rows that do not lie as wanted are copied.
    ///
    /// # Safety
    /// 1. These are places and positions of the pass.
    /// 2. `calls` has room for `rows * columns` elements of each operand.
    unsafe fn set_rows(
        &self,
        calls: &mut Calls,
        (place, columns): (usize, usize),
        (position, step): (usize, usize),
        rows: usize,
    ) {
        for (i, operand) in self.along.operands.iter().enumerate() {
            let start = self.start(operand, place);
            let (input, stride) = if operand.access == Access::Block {
                calls.shape.clear();
                calls.strides.clear();
                calls.shape.extend_from_slice(&self.along.reduced);
                calls.shape.push(columns);
                calls.strides.extend_from_slice(&operand.reduced);
                let inner = operand.kept.last().copied().unwrap_or(0);
                calls.strides.push(inner);
                // Consecutive positions all at once.
                let (calls_of, each) = if step == 1 { (1, rows) } else { (rows, 1) };
                for call in 0..calls_of {
                    let from = (position + call * step) * columns;
                    let to = call * columns;
                    // SAFETY: (1) these are elements of the operand, by (1); (2) by (2).
                    unsafe { self.copy(calls, i, start, from, each * columns, to) };
                }
                let size = operand.dtype.itemsize();
                (calls.block(i).cast_const(), (columns * size).cast_signed())
            } else {
                let reduced = operand.reduced.last().copied().unwrap_or(0);
                let first = start.offset(position.cast_signed() * reduced);
                (first.0.cast_const(), step.cast_signed() * reduced)
            };
            calls.inputs[operand.index] = input;
            calls.steps[operand.index] = stride;
        }
    }

    /// A tile whose rows are taken [`LANES`] at a time; whether it came to an end.
    fn wide(&self, local: &mut Local, tile: &Tile, streams: usize) -> bool {
        let Local { calls, tree, lanes } = local;
        let columns = tile.columns;
        let accumulators = &self.kernel.accumulators;
        let copies = self.copied_bytes() > 0;
        for leaf in (tile.start..tile.end).step_by(LEAF) {
            let leaf_end = tile.end.min(leaf + LEAF);
            let mut way = match self.native.begins_lanes() && leaf_end - leaf >= LANES {
                true => Way::Begin,
                false => Way::Add,
            };
            if way != Way::Begin {
                reset(accumulators, lanes, LANES * columns);
            }
            let mut position = leaf;
            while position < leaf_end {
                if !self.control.wants_chunk(0) {
                    return false;
                }
                let left = leaf_end - position;
                // Whole groups of lanes together, what is left of the last one apart.
                let (group, count) = match left / LANES {
                    0 => (left, 1),
                    groups => (LANES, groups.min(streams)),
                };
                if position == leaf || copies {
                    let places = (tile.place, columns);
                    // SAFETY: (1) positions of the leaf; (2) `calls` has room for `streams` groups.
                    unsafe { self.set_rows(calls, places, (position, 1), group * count) };
                    calls
                        .steps
                        .iter_mut()
                        .for_each(|step| *step *= LANES.cast_signed());
                }
                let rows = Rows {
                    n: group * columns,
                    count,
                    columns: LANES * columns,
                    way,
                    position,
                    position_step: LANES,
                };
                // SAFETY: (1) rows lie side by side, in arrays or blocks, or are one element; (2) `cut` saw to that.
                if !unsafe { self.call(calls, rows, lanes) } {
                    return false;
                }
                if way == Way::Begin {
                    way = Way::Add;
                }
                position += group * count;
                for (input, step) in calls.inputs.iter_mut().zip(&calls.steps) {
                    *input = input.wrapping_offset(step * count.cast_signed());
                }
            }
            tree.push_leaf(lanes);
        }
        true
    }

    /// A tile of any rows, a lane after the other; whether it came to an end.
    fn lane_by_lane(&self, local: &mut Local, tile: &Tile, streams: usize) -> bool {
        let Local { calls, tree, .. } = local;
        let begins = self.native.begins_lanes();
        let mut accumulators = self.kernel.accumulators.iter();
        let skips = accumulators.all(|acc| acc.op.op().is_some());
        for leaf in (tile.start..tile.end).step_by(LEAF) {
            let leaf_end = tile.end.min(leaf + LEAF);
            for pair in LANE_ORDER.chunks(2) {
                // The rows of a pair lie half as far apart.
                let first = leaf + pair[0];
                let both = leaf_end.saturating_sub(first).div_ceil(LANES / 2);
                if begins && (1..=streams).contains(&both) {
                    let step = (first, LANES / 2);
                    if !self.rows(calls, tile, step, both, Way::ByTurns, tree.open_lanes()) {
                        return false;
                    }
                    tree.close_two_lanes();
                    continue;
                }
                if skips && both == 0 {
                    tree.skip_two_lanes();
                    continue;
                }
                for lane in pair {
                    let values = match begins && leaf + lane < leaf_end {
                        true => tree.open_lanes(),
                        false => tree.open_lane(),
                    };
                    let mut way = if begins { Way::Begin } else { Way::Add };
                    for position in (leaf + lane..leaf_end).step_by(LANES * streams) {
                        let count = (leaf_end - position).div_ceil(LANES).min(streams);
                        let step = (position, LANES);
                        if !self.rows(calls, tile, step, count, way, values) {
                            return false;
                        }
                        way = Way::Add;
                    }
                    tree.close_lane();
                }
            }
        }
        true
    }

    /// `count` rows of a tile, from a reduced position on, a step apart; whether they came to an end.
    fn rows(
        &self,
        calls: &mut Calls,
        tile: &Tile,
        (position, step): (usize, usize),
        count: usize,
        way: Way,
        values: &mut [u64],
    ) -> bool {
        if !self.control.wants_chunk(0) {
            return false;
        }
        let columns = tile.columns;
        // SAFETY: (1) `lane_by_lane` gives positions of a leaf; (2) `calls` has room for `streams` rows, and these are no more.
        unsafe { self.set_rows(calls, (tile.place, columns), (position, step), count) };
        let rows = Rows {
            n: columns,
            count,
            columns,
            way,
            position,
            position_step: step,
        };
        // SAFETY: (1) operands in place have these rows along the one reduced axis, of elements side by side along the last kept one, or one for the
        // row; blocks were filled with as many; (2) a tile is within a block, and lanes are begun if the kernel can.
        unsafe { self.call(calls, rows, values) }
    }

    /// Writes the results of a tile.
    fn write_columns(&self, tile: &Tile, tree: &ColumnTree) {
        for (acc, word, to) in self.results() {
            let plane = tree.plane(acc, word);
            macro_rules! write {
                ($size:literal) => {{
                    let (elements, _) = plane.as_chunks::<$size>();
                    self.write_places(to, tile.place, tile.columns, |i| {
                        let mut bytes = [0; 8];
                        bytes[..$size].copy_from_slice(&elements[i]);
                        bytes
                    });
                }};
            }
            match to.itemsize {
                8 => write!(8),
                4 => write!(4),
                2 => write!(2),
                _ => write!(1),
            }
        }
    }
}
