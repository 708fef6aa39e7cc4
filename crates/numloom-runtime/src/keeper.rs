//! What goes on behind a run over maps: finished windows reach the disk and the journal, pages are let go of and asked for.
//!
//! What goes in: [`Task`]s, in the order of the windows. What comes out: records in the journal, each after the bytes that it speaks of; or the first error. What it
//! never does: touch an element, except to save bytes that are about to be overwritten.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Mutex, PoisonError};

use numloom_data::{Advice, TruncationGuard};

use crate::error::RuntimeError;
use crate::journal::{Journal, Record};
use crate::window::{Ahead, Counts, Extent, Mapped};

/// What is to be done, one after the other.
#[derive(Debug)]
pub(crate) enum Task {
    /// Old bytes are to be saved, before a window overwrites them.
    Save {
        step: usize,
        position: usize,
        extents: Vec<Extent>,
        /// Told when they are safe.
        done: Sender<()>,
    },
    /// A window has ended: these bytes were touched.
    Close {
        extents: Vec<Extent>,
        record: Option<Record>,
    },
    /// The run ends before its time: what is done is to be written down.
    Settle,
}

/// Does what is to be done, on a thread of its own.
pub(crate) struct Keeper<'a, 'm> {
    pub(crate) maps: &'a [Mapped<'m>],
    pub(crate) guard: &'a TruncationGuard<'m>,
    pub(crate) journal: Option<&'a mut Journal>,
    pub(crate) failed: &'a Mutex<Option<RuntimeError>>,
    /// Bytes of windows after which the next record is written: each waits for the disk.
    pub(crate) record_bytes: usize,
    /// Windows that have ended since the last record, and what is to be said of them.
    pub(crate) pending: (Vec<Extent>, Option<Record>),
}

impl Keeper<'_, '_> {
    /// Works until there are no more tasks, or one fails.
    pub(crate) fn work(mut self, tasks: &Receiver<Task>) {
        for task in tasks {
            if let Err(error) = self.task(task) {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert(error);
                return;
            }
        }
    }

    fn task(&mut self, task: Task) -> Result<(), RuntimeError> {
        match task {
            Task::Save {
                step,
                position,
                extents,
                done,
            } => {
                if let Some(journal) = &mut self.journal {
                    journal.save(self.maps, step, position, extents)?;
                }
                // Who asked may have given up.
                let _ = done.send(());
            }
            Task::Close { extents, record } => {
                for (map, bytes) in &extents {
                    let Mapped { map, written, .. } = self.maps[*map];
                    if written {
                        map.write_back(bytes.clone());
                    }
                    map.advise(Advice::Release, bytes.clone())?;
                }
                self.guard.check()?;
                let Some(record) = record else {
                    return Ok(());
                };
                self.pending.0.extend(extents);
                let bytes: usize = self.pending.0.iter().map(|(_, bytes)| bytes.len()).sum();
                // Old bytes of one window only are saved at a time; what a step came to is not computed again.
                let is_due = bytes >= self.record_bytes
                    || matches!(record, Record::Step { .. })
                    || self.maps.iter().any(|map| map.saved);
                self.pending.1 = Some(record);
                if is_due {
                    self.write_down()?;
                }
            }
            Task::Settle => self.write_down()?,
        }
        Ok(())
    }

    /// Brings windows to the disk, and then says so in the journal.
    fn write_down(&mut self) -> Result<(), RuntimeError> {
        let (extents, record) = std::mem::take(&mut self.pending);
        let (Some(journal), Some(record)) = (&mut self.journal, record) else {
            return Ok(());
        };
        for (map, bytes) in extents {
            self.maps[map].map.flush_range(bytes)?;
        }
        journal.append(&record)
    }
}

/// Brings the pages of windows to come, so that those who compute wait for none: a page that is met for the first time costs a fault, and one
/// to be written the file system's leave, too. All reads are asked for before the first is waited for. With it `2*a + 3*b` over files that are not in the
/// system's cache takes 0.7 of the time (`benches/bigger_than_memory/run.py`; 2026-11).
pub(crate) fn prefetch(maps: &[Mapped<'_>], counts: &Counts, windows: &Receiver<Ahead>) {
    let advise = |extents: &[Extent], written: Option<bool>, advice: Advice| {
        for (map, bytes) in extents {
            if written.is_none_or(|written| maps[*map].written == written) {
                // A hint: what is not there by then is brought when it is met. Not every system can.
                let _ = maps[*map].map.advise(advice, bytes.clone());
            }
        }
    };
    for (before, extents) in windows {
        if counts.begun.load(Ordering::SeqCst) > before {
            // Too late to be of use.
            continue;
        }
        advise(&extents, Some(false), Advice::WillNeed);
        advise(&extents, Some(true), Advice::PopulateWrite);
        advise(&extents, Some(false), Advice::PopulateRead);
        // A window's end is counted before its pages are let go of: either that comes after this, or it is seen here.
        if counts.ended.load(Ordering::SeqCst) > before {
            advise(&extents, None, Advice::Release);
        }
    }
}
