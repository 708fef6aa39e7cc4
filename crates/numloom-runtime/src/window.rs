//! Runs over maps larger than memory: windows of positions, one after the other, each with a bounded number of pages.
//!
//! What goes in: a laid-out [`Plan`], the maps that its arrays lie in. What comes out: which bytes a window touches, advice to the system before it and after it,
//! and its end told to the [keeper](crate::keeper). What it never does: decide a bit of the result, for windows are runs of whole chunks of the one plan.
//!
//! | when | what | who |
//! |---|---|---|
//! | before a window | its pages are brought, while the one before runs | the prefetcher |
//! | in it | chunks, on all threads | as any run |
//! | after it | changes on their way to the disk, pages let go of; then a record in the journal | the keeper |

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use numloom_data::{Advice, Mmap, View};
use numloom_ir::reduce::Tree;

use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::journal::{Record, Resume};
use crate::keeper::Task;
use crate::plan::{Access, Plan, even_step};
use crate::variant::Part;

/// The most bytes of a window: enough that its start and end cost little, few enough that a run that is killed loses little.
const MAX_WINDOW_BYTES: usize = 64 << 20;

/// A window is at most this part of the memory that may be resident: one runs, one comes in, three wait for the disk or go out, and the process itself takes some.
const WINDOWS: usize = 6;

/// What a page is taken to be where pages are counted.
const PAGE: usize = 4096;

/// A file that the run reads or writes through a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapped<'a> {
    pub(crate) map: &'a Mmap,
    pub(crate) written: bool,
    /// What is written is read, too, so that its old bytes are saved first.
    pub(crate) saved: bool,
    /// How many bytes further on an output has the bytes of this input's file.
    pub(crate) shift: Option<isize>,
}

impl Mapped<'_> {
    fn addresses(&self) -> Range<usize> {
        let start = self.map.as_ptr().addr();
        start..start + self.map.len()
    }
}

/// Bytes of a map, by its number.
pub(crate) type Extent = (usize, Range<usize>);

/// Pages that are wanted before a window begins.
#[derive(Debug)]
pub(crate) struct Ahead {
    pub(crate) extents: Vec<Extent>,
    /// Told when they are there.
    pub(crate) brought: SyncSender<()>,
}

/// How a run goes through its arrays in windows.
#[derive(Debug)]
pub(crate) struct Windows<'a> {
    maps: &'a [Mapped<'a>],
    /// Bytes of a window, of all arrays together.
    bytes: usize,
    /// What an earlier run has done.
    resume: Resume,
    /// Whether what is done is written down.
    pub(crate) journals: bool,
    /// The step that is running.
    step: AtomicUsize,
    prefetcher: SyncSender<Ahead>,
    /// Tells when the pages of the next window are there.
    coming: Mutex<Option<Receiver<()>>>,
    keeper: SyncSender<Task>,
    /// Whether the program is one pass, and whether that is one window: an input was copied that a resumed run must find as it was.
    is_one_pass: AtomicBool,
    is_one_window: AtomicBool,
    /// What went wrong behind the run.
    failed: &'a Mutex<Option<RuntimeError>>,
    /// Bytes for each element of what runs without windows, and those touched since pages were let go of.
    sweep: (AtomicUsize, AtomicUsize),
}

impl<'a> Windows<'a> {
    pub(crate) fn new(
        maps: &'a [Mapped<'a>],
        memory: usize,
        resume: Resume,
        journals: bool,
        prefetcher: SyncSender<Ahead>,
        keeper: SyncSender<Task>,
        failed: &'a Mutex<Option<RuntimeError>>,
    ) -> Windows<'a> {
        Windows {
            maps,
            bytes: (memory / WINDOWS).min(MAX_WINDOW_BYTES),
            resume,
            journals,
            step: AtomicUsize::new(0),
            is_one_pass: AtomicBool::new(false),
            is_one_window: AtomicBool::new(false),
            prefetcher,
            coming: Mutex::new(None),
            keeper,
            failed,
            sweep: (AtomicUsize::new(0), AtomicUsize::new(0)),
        }
    }

    /// What an earlier run has done.
    pub(crate) fn resume(&self) -> &Resume {
        &self.resume
    }

    /// Says whether the program is one pass.
    pub(crate) fn begin(&self, is_one_pass: bool) {
        self.is_one_pass.store(is_one_pass, Ordering::Relaxed);
    }

    /// Says which step comes now.
    pub(crate) fn enter(&self, step: usize) {
        self.step.store(step, Ordering::Relaxed);
    }

    /// Bytes that may be resident for what is not mapped.
    pub(crate) fn memory(&self) -> usize {
        self.bytes * WINDOWS
    }

    /// Allows that an input is copied as a whole, for it shares a file with an output and is read in another order than that is written.
    ///
    /// # Errors
    /// [`Limit`](RuntimeErrorKind::Limit) if that takes too much memory; [`NotResumable`](RuntimeErrorKind::NotResumable) if the run is to be resumed: then what
    /// was copied is not there any more.
    pub(crate) fn allow_copy(&self, name: &str, input: &View<'_>) -> Result<(), RuntimeError> {
        let needed = input.len().saturating_mul(input.dtype().itemsize());
        if needed > self.bytes {
            return Err(RuntimeErrorKind::Limit {
                option: "memory",
                limit: self.memory() as u64,
                needed: needed.saturating_mul(WINDOWS) as u64,
            }
            .into());
        }
        if self.journals && self.maps.iter().any(|map| map.saved) {
            self.is_one_window.store(true, Ordering::Relaxed);
            if self.is_one_pass.load(Ordering::Relaxed) {
                return Ok(());
            }
            return Err(RuntimeErrorKind::NotResumable {
                name: name.to_owned(),
            }
            .into());
        }
        Ok(())
    }

    /// How many bytes further on the file of `view` is mapped for an output; 0 if it is not.
    pub(crate) fn shift(&self, view: &View<'_>) -> isize {
        let lies_in = |map: &&Mapped<'_>| map.addresses().contains(&view.ptr().addr());
        let mut maps = self.maps.iter().filter(lies_in);
        maps.find_map(|map| map.shift).unwrap_or(0)
    }

    /// Where the run of the current step starts, and what its reductions came to before.
    pub(crate) fn start(&self, empty: Tree) -> (usize, Tree) {
        if self.resume.step != self.step.load(Ordering::Relaxed) {
            return (0, empty);
        }
        let mut tree = empty;
        for (level, partials) in &self.resume.nodes {
            tree.push(*level, partials);
        }
        (self.resume.position, tree)
    }

    /// Whether all that `plan` writes is in files: of what is held in memory nothing is left after a kill, so that a pass that writes it begins anew.
    pub(crate) fn lasts(&self, plan: &Plan) -> bool {
        let mut written = plan.operands[plan.inputs..].iter();
        written.all(|operand| self.is_mapped(operand.ptr.0.addr()))
    }

    /// Whether an address is in a file.
    pub(crate) fn is_mapped(&self, address: usize) -> bool {
        self.map_of(address).is_some()
    }

    /// The positions of a window of `plan`: a whole number of chunks.
    pub(crate) fn positions(&self, plan: &Plan, part: &Part) -> usize {
        let lasts = self.lasts(plan);
        let saves = plan.operands[plan.inputs..]
            .iter()
            .enumerate()
            .any(|(i, operand)| {
                let strides = plan.space.strides(plan.inputs + i);
                let is_even = even_step(strides, plan.space.shape()).is_some();
                let map = self.map_of(operand.ptr.0.addr());
                (!is_even || !lasts) && map.is_some_and(|map| self.maps[map].saved)
            });
        if saves || self.is_one_window.load(Ordering::Relaxed) {
            // Old bytes of one window could lie among new ones of another, or are wanted when the pass begins anew.
            return plan.total.next_multiple_of(plan.chunk);
        }
        let chunks = |n: usize| (n / plan.chunk).max(1);
        let mut n = chunks(self.bytes / part.bytes_per_element.max(1));
        while n > 1 && self.touched(plan, n * plan.chunk) > 2 * self.bytes {
            n /= 2;
        }
        n * plan.chunk
    }

    /// The rows of a window, of `row_bytes` bytes each: at least one.
    pub(crate) fn rows(&self, row_bytes: usize) -> usize {
        (self.bytes / row_bytes.max(1)).max(1)
    }

    /// About how many bytes of pages the first `n` positions touch.
    fn touched(&self, plan: &Plan, n: usize) -> usize {
        let n = n.min(plan.total);
        let operands = plan.operands.iter().enumerate();
        let bytes = operands.map(|(i, operand)| {
            if self.map_of(operand.ptr.0.addr()).is_none() {
                return 0;
            }
            let step = plan
                .space
                .strides(i)
                .last()
                .map_or(0, |step| step.unsigned_abs());
            let each = step.clamp(operand.dtype.itemsize(), PAGE);
            span(plan, i, 0..n).len().min(n.saturating_mul(each))
        });
        bytes.sum()
    }

    /// The map that an address lies in.
    fn map_of(&self, address: usize) -> Option<usize> {
        let mut maps = self.maps.iter();
        maps.position(|map| map.addresses().contains(&address))
    }

    /// The bytes that positions of `plan` touch, of each map.
    pub(crate) fn extents(&self, plan: &Plan, positions: Range<usize>) -> Vec<Extent> {
        let end = positions.end.min(plan.total);
        let mut extents = Vec::new();
        if positions.start >= end {
            return extents;
        }
        for i in 0..plan.operands.len() {
            if i < plan.inputs && matches!(plan.operands[i].access, Access::Scalar | Access::Cell) {
                continue;
            }
            let span = span(plan, i, positions.start..end);
            self.add(&mut extents, span);
        }
        extents
    }

    /// Adds addresses, as bytes of the map that they lie in.
    pub(crate) fn add(&self, extents: &mut Vec<Extent>, addresses: Range<usize>) {
        if let Some(map) = self.map_of(addresses.start) {
            let start = self.maps[map].addresses().start;
            let bytes = addresses.start - start..addresses.end - start;
            if !extents.contains(&(map, bytes.clone())) {
                extents.push((map, bytes));
            }
        }
    }

    /// Prepares a window, and waits until its pages are there and its old bytes are safe where they have to be. Threads that met missing pages here and there would
    /// have them read in an order that disks are slow at, and some could come when the window has ended.
    ///
    /// # Errors
    /// What went wrong behind the run.
    pub(crate) fn open(
        &self,
        position: usize,
        extents: &[Extent],
        next: Vec<Extent>,
    ) -> Result<(), RuntimeError> {
        let coming = self.coming().take();
        if let Some(coming) = coming {
            // An error if the prefetcher is gone: then pages are brought when they are met.
            let _ = coming.recv();
        }
        self.prefetch(next);
        let saved = |(map, _): &&Extent| self.maps[*map].saved && self.maps[*map].written;
        let extents: Vec<Extent> = extents.iter().filter(saved).cloned().collect();
        if self.journals && !extents.is_empty() {
            let (done, wait) = std::sync::mpsc::channel();
            let step = self.step.load(Ordering::Relaxed);
            self.tell(Task::Save {
                step,
                position,
                extents,
                done,
            })?;
            // An error if the keeper gave up; then it said why.
            let _ = wait.recv();
        }
        self.check()
    }

    /// Asks for the pages of the next window.
    pub(crate) fn prefetch(&self, mut extents: Vec<Extent>) {
        // What lies far apart is not worth all that lies between.
        extents.retain(|(_, bytes)| bytes.len() <= 2 * self.bytes);
        let (brought, coming) = sync_channel(1);
        if !extents.is_empty() && self.prefetcher.send(Ahead { extents, brought }).is_ok() {
            *self.coming() = Some(coming);
        }
    }

    fn coming(&self) -> MutexGuard<'_, Option<Receiver<()>>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a window: `position` and all before are done, which is written down if it [lasts](Windows::lasts).
    ///
    /// # Errors
    /// What went wrong behind the run.
    pub(crate) fn close(
        &self,
        extents: Vec<Extent>,
        position: usize,
        tree: Option<&Tree>,
        lasts: bool,
    ) -> Result<(), RuntimeError> {
        let record = (self.journals && lasts).then(|| Record::Window {
            step: self.step.load(Ordering::Relaxed),
            position,
            nodes: tree.map_or_else(Vec::new, |tree| {
                let nodes = tree.nodes().map(|(level, words)| (level, words.to_vec()));
                nodes.collect()
            }),
        });
        self.tell(Task::Close { extents, record })?;
        self.check()
    }

    /// Writes down what all steps so far came to.
    ///
    /// # Errors
    /// What went wrong behind the run.
    pub(crate) fn record(&self, record: Record) -> Result<(), RuntimeError> {
        if self.journals {
            let extents = Vec::new();
            let record = Some(record);
            self.tell(Task::Close { extents, record })?;
        }
        self.check()
    }

    /// Writes down what is done: the run ends before its time.
    ///
    /// # Errors
    /// What went wrong behind the run.
    pub(crate) fn settle(&self) -> Result<(), RuntimeError> {
        self.tell(Task::Settle)
    }

    fn tell(&self, task: Task) -> Result<(), RuntimeError> {
        match self.keeper.send(task) {
            Ok(()) => Ok(()),
            // It is gone; why is told now, or was before and has ended the run.
            Err(_) => self.check(),
        }
    }

    /// What went wrong behind the run so far.
    fn check(&self) -> Result<(), RuntimeError> {
        let failed = self
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        failed.map_or(Ok(()), Err)
    }

    /// From here on, until it is told of no bytes, what runs touches about `bytes_per_element` and is not cut into windows.
    pub(crate) fn sweep_from(&self, bytes_per_element: usize) {
        self.sweep.0.store(bytes_per_element, Ordering::Relaxed);
    }

    /// `n` elements are done: lets go of all pages if many were touched since this was last done.
    pub(crate) fn sweep(&self, n: usize) {
        let bytes = n.saturating_mul(self.sweep.0.load(Ordering::Relaxed));
        if bytes == 0 || self.sweep.1.fetch_add(bytes, Ordering::Relaxed) + bytes < self.bytes {
            return;
        }
        self.sweep.1.store(0, Ordering::Relaxed);
        for Mapped { map, .. } in self.maps {
            // A hint: pages that stay are the system's to take.
            let _ = map.advise(Advice::Release, 0..map.len());
        }
    }
}

/// The addresses that positions of operand `i` span; there are such.
fn span(plan: &Plan, i: usize, positions: Range<usize>) -> Range<usize> {
    let operand = &plan.operands[i];
    let (shape, strides) = (plan.space.shape(), plan.space.strides(i));
    let (mut low, mut high) = (0, 0);
    let mut reach = |stride: isize, first: usize, last: usize| {
        let (a, b) = (stride * first.cast_signed(), stride * last.cast_signed());
        low += a.min(b);
        high += a.max(b);
    };
    if let Some(step) = even_step(strides, shape) {
        reach(step, positions.start, positions.end - 1);
    } else {
        // Elements of an axis step, from the outermost to the innermost; once two positions differ on one, all inner indices are met.
        let mut inner: usize = shape.iter().product();
        let (mut first, mut last, mut differ) = (positions.start, positions.end - 1, false);
        for (&extent, &stride) in shape.iter().zip(strides) {
            inner /= extent;
            let (a, b) = (first / inner, last / inner);
            (first, last) = (first % inner, last % inner);
            match differ {
                true => reach(stride, 0, extent - 1),
                false => reach(stride, a, b),
            }
            differ |= a != b;
        }
    }
    let start = operand.ptr.0.addr();
    let end = start.wrapping_add_signed(high) + operand.dtype.itemsize();
    start.wrapping_add_signed(low)..end
}
