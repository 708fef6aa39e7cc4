//! Runs over maps larger than memory, which can be resumed: [`Compiled::transform`].
//!
//! What goes in: a program, inputs and outputs with the maps that they lie in, a [`Journal`]. What comes out: written outputs, reduced values, the same bits as of any
//! run. What it never does: open or name a file; that is who calls.

use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

use numloom_data::{Mmap, TruncationGuard, View};
use numloom_ir::FloatEnv;

use crate::bind::{Out, check_outputs};
use crate::compiled::{Compiled, Inner};
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::journal::{Journal, RunKey, checksum, key_line};
use crate::keeper::{Keeper, prefetch};
use crate::memory::Outputs;
use crate::options::RunOptions;
use crate::scratch::with_thread_scratch;
use crate::window::{Mapped, Windows};

/// The most bytes of windows that a kill loses, and those in flight.
const MAX_UNRECORDED_BYTES: usize = 256 << 20;

/// The least memory that a transform can be held to.
const MIN_MEMORY: u64 = 16 << 20;

/// An input of a transform: an array, and the map that it lies in, if it lies in one.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// Its elements.
    pub view: View<'a>,
    /// The map that has them.
    pub map: Option<&'a Mmap>,
}

/// The place for an output of a transform, and the map that it lies in, if it lies in one.
#[derive(Debug)]
pub struct Sink<'a> {
    /// The place.
    pub out: Out<'a>,
    /// The map that has it.
    pub map: Option<&'a Mmap>,
}

/// How a transform keeps to its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransformOptions {
    /// The most bytes of files that are resident at a time, at least 16 MiB; whatever the size of the files.
    pub memory: u64,
    /// Whether old bytes of a file that is written in place are saved first, so that the run can be resumed.
    pub undo: bool,
}

impl Default for TransformOptions {
    fn default() -> TransformOptions {
        TransformOptions {
            memory: 256 << 20,
            undo: true,
        }
    }
}

impl TransformOptions {
    /// The defaults: 256 MiB, with undo.
    #[must_use]
    pub fn new() -> TransformOptions {
        TransformOptions::default()
    }

    /// Sets the most bytes of files that are resident.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> TransformOptions {
        self.memory = bytes;
        self
    }

    /// Sets whether old bytes are saved before they are overwritten.
    #[must_use]
    pub fn undo(mut self, undo: bool) -> TransformOptions {
        self.undo = undo;
        self
    }
}

impl Compiled {
    /// What decides the result of a [`transform`](Compiled::transform): program, inputs as they are now, places of the outputs.
    ///
    /// Of an input in a map, that is the file, its length and its time of change; of a file that is also an output, the file alone. Of others it is every
    /// element.
    ///
    /// # Errors
    /// What the system says of the files.
    pub fn run_key(
        &self,
        inputs: &[Source<'_>],
        outputs: &[(&str, bool)],
        written: &[&Mmap],
    ) -> Result<RunKey, RuntimeError> {
        let mut key = String::new();
        let version = env!("CARGO_PKG_VERSION");
        key_line(&mut key, "version", version, format_args!(""));
        let prog = self.program();
        let text = prog.to_string();
        key_line(&mut key, "program", &text, format_args!(""));
        let written = written.iter().map(|map| map.stamp());
        let written = written.collect::<Result<Vec<_>, _>>()?;
        for (input, source) in prog.arrays().iter().zip(inputs) {
            let view = &source.view;
            let (shape, strides) = (view.shape(), view.strides());
            let Some(map) = source.map else {
                let bytes = view.to_array()?;
                let sum = checksum(bytes.as_bytes());
                let lies = format_args!("{shape:?} {sum:016x}");
                key_line(&mut key, "input", &input.name, lies);
                continue;
            };
            let stamp = map.stamp()?;
            let at = view.ptr().addr().wrapping_sub(map.as_ptr().addr()) as u64 + map.offset();
            let order = view.is_native();
            let updated = written.iter().any(|other| other.is_same_file(&stamp));
            let (len, modified) = if updated {
                (0, 0)
            } else {
                (stamp.len, stamp.modified)
            };
            let file = stamp.file;
            let lies = format_args!("{file:?} {len} {modified} {at} {shape:?} {strides:?} {order}");
            let path = std::path::absolute(map.path()).unwrap_or_else(|_| map.path().to_owned());
            key_line(&mut key, "input", &path.display().to_string(), lies);
        }
        for (file, in_place) in outputs {
            key_line(&mut key, "output", file, format_args!("{in_place}"));
        }
        Ok(RunKey(key))
    }

    /// [`run_into`](Compiled::run_into) over files of any size: with a bounded number of their pages resident, and resumable.
    ///
    /// Outputs may be maps of files that inputs are maps of, too: then they are read before they are written to, element by element. With a journal, what is done
    /// is on the disk before the journal says so; a run that was killed, cancelled or failed goes on from there, with the same bits. After success all
    /// outputs are on the disk, and the journal is for the caller to remove.
    ///
    /// # Errors
    /// Those of [`run_into`](Compiled::run_into), and [`Data`](RuntimeErrorKind::Data) with a file that another process truncated, or that the disk has no room for.
    ///
    /// # Panics
    /// With the panic of the progress callback.
    pub fn transform(
        &self,
        inputs: &[Source<'_>],
        outputs: &mut [Sink<'_>],
        mut journal: Option<&mut Journal>,
        options: &RunOptions,
        transform: TransformOptions,
    ) -> Result<(), RuntimeError> {
        let TransformOptions { memory, undo } = transform;
        if memory < MIN_MEMORY {
            return Err(RuntimeErrorKind::MemoryTooSmall {
                memory,
                least: MIN_MEMORY,
            }
            .into());
        }
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        let maps = maps(inputs, outputs, undo && journal.is_some())?;
        let guard = TruncationGuard::watch(maps.iter().map(|mapped| mapped.map));
        guard.check()?;
        if let Some(journal) = &mut journal {
            let updated = maps.iter().any(|map| map.shift.is_some());
            journal.guard(undo || !updated)?;
            journal.restore(&maps)?;
        }
        let resume = journal.as_ref().map(|journal| journal.resume().clone());
        let journals = journal.is_some();
        let failed = Mutex::new(None);
        let views: Vec<_> = inputs.iter().map(|source| source.view.clone()).collect();
        let mut outs: Vec<_> = outputs.iter_mut().map(|sink| sink.out.reborrow()).collect();
        let done = std::thread::scope(|scope| {
            let (keeper, tasks) = sync_channel(1);
            let (ahead, wanted) = sync_channel(1);
            let keeps = Keeper {
                maps: &maps,
                guard: &guard,
                journal,
                failed: &failed,
                record_bytes: memory.min(MAX_UNRECORDED_BYTES),
                pending: Default::default(),
            };
            let thread = std::thread::Builder::new;
            let maps = &maps[..];
            let keeping = thread().spawn_scoped(scope, move || keeps.work(&tasks));
            keeping.map_err(|error| no_thread(&error))?;
            let asking = thread().spawn_scoped(scope, move || prefetch(maps, &wanted));
            asking.map_err(|error| no_thread(&error))?;
            let resume = resume.unwrap_or_default();
            let windows = Windows::new(maps, memory, resume, journals, ahead, keeper, &failed);
            let done = self.run_windows(&views, &mut outs, options, &windows);
            if done.is_err() {
                windows.settle()?;
            }
            done
        });
        // What the keeper found last: it has come to its end.
        let failed = failed
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(error) = failed {
            return Err(error);
        }
        // Missing pages may have made up an error, too.
        guard.check()?;
        done?;
        for mapped in maps.iter().filter(|mapped| mapped.written) {
            mapped.map.flush()?;
        }
        guard.check()?;
        Ok(())
    }

    fn run_windows(
        &self,
        inputs: &[View<'_>],
        outputs: &mut [Out<'_>],
        options: &RunOptions,
        windows: &Windows<'_>,
    ) -> Result<(), RuntimeError> {
        let _env = FloatEnv::enter();
        with_thread_scratch(|scratch| {
            let Inner { prog, sets, .. } = &**self.inner();
            let views = self.views(inputs)?;
            self.infer(scratch, &views)?;
            check_outputs(prog, sets, &scratch.shapes, outputs)?;
            // Pages of files are in the system's cache.
            self.evaluate(
                scratch,
                &views,
                outputs,
                options,
                Outputs::Fresh,
                Some(windows),
            )
        })
    }
}

/// The system did not give a thread.
pub(crate) fn no_thread(error: &std::io::Error) -> RuntimeError {
    let reason = error.to_string();
    RuntimeErrorKind::ThreadPool { threads: 1, reason }.into()
}

/// All maps, those of inputs first.
fn maps<'m>(
    inputs: &[Source<'m>],
    outputs: &[Sink<'m>],
    saves: bool,
) -> Result<Vec<Mapped<'m>>, RuntimeError> {
    let written = || {
        outputs
            .iter()
            .filter_map(|sink| sink.map)
            .filter(|map| !map.is_empty())
    };
    let read = inputs
        .iter()
        .filter_map(|source| source.map)
        .filter(|map| !map.is_empty());
    let stamps = written().map(Mmap::stamp).collect::<Result<Vec<_>, _>>()?;
    let mut maps = Vec::new();
    let mut is_read = vec![false; stamps.len()];
    for map in read {
        let stamp = map.stamp()?;
        let same = stamps.iter().position(|other| other.is_same_file(&stamp));
        let shift = same.map(|at| {
            is_read[at] = true;
            let other = written().nth(at).expect("there is a stamp of each");
            // Where byte 0 of the file would be, in both maps.
            let origin =
                |map: &Mmap| (map.as_ptr().addr() as isize).wrapping_sub(map.offset() as isize);
            origin(other).wrapping_sub(origin(map))
        });
        maps.push(Mapped {
            map,
            written: false,
            saved: false,
            shift,
        });
    }
    for (map, is_read) in written().zip(is_read) {
        maps.push(Mapped {
            map,
            written: true,
            saved: saves && is_read,
            shift: None,
        });
    }
    Ok(maps)
}
