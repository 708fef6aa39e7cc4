//! The chunks of a source in order, parsed on several threads.
//!
//! What goes in: a [`ChunkSource`], the columns that are wanted. What comes out: each chunk to a closure on the caller's thread, in order, or the source's first error. What it
//! never does: hold more chunks than two for each thread, or than one where the source says so.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};

use numloom_data::stream::{Chunk, ChunkSource, StreamError};

use crate::error::RuntimeError;
use crate::transform::no_thread;

/// Gives each chunk of a pass over `columns` to `each`.
///
/// # Errors
/// The source's first, or what `each` returns; that of the earliest chunk, at any number of threads.
pub(crate) fn feed(
    source: &mut dyn ChunkSource,
    columns: &[usize],
    chunk_bytes: usize,
    threads: usize,
    each: impl FnMut(&Chunk) -> Result<(), RuntimeError>,
) -> Result<(), RuntimeError> {
    let done = pass(source, columns, chunk_bytes, threads, each);
    source.end();
    done
}

fn pass(
    source: &mut dyn ChunkSource,
    columns: &[usize],
    chunk_bytes: usize,
    threads: usize,
    mut each: impl FnMut(&Chunk) -> Result<(), RuntimeError>,
) -> Result<(), RuntimeError> {
    let parser = source.start(columns, chunk_bytes)?;
    if threads <= 1 || source.one_at_a_time() {
        let mut chunk = Chunk::new();
        while source.split(&mut chunk)? {
            parser.parse(&mut chunk)?;
            each(&chunk)?;
        }
        return Ok(());
    }
    // The source, and the number of the next chunk; none after the last one.
    let source = Mutex::new((source, Some(0u64)));
    let (free, empty) = channel();
    for _ in 0..2 * threads {
        free.send(Chunk::new()).expect("the other end is here");
    }
    let empty = Mutex::new(empty);
    let (send, parsed) = channel::<(u64, Result<Chunk, StreamError>)>();
    // The next piece, in the order of the source; who is without a chunk to put it into waits for one to come back.
    let next = || {
        let mut chunk = lock(&empty).recv().ok()?;
        let mut source = lock(&source);
        let (source, number) = &mut *source;
        let at = (*number)?;
        let split = source.split(&mut chunk);
        *number = matches!(split, Ok(true)).then_some(at + 1);
        match split {
            Ok(true) => Some((at, Ok(chunk))),
            Ok(false) => None,
            Err(error) => Some((at, Err(error))),
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (send, parser, next) = (send.clone(), &parser, &next);
            let parse = move || {
                while let Some((at, chunk)) = next() {
                    let chunk = chunk.and_then(|mut chunk| {
                        parser.parse(&mut chunk)?;
                        Ok(chunk)
                    });
                    if send.send((at, chunk)).is_err() {
                        return;
                    }
                }
            };
            let parsing = std::thread::Builder::new().spawn_scoped(scope, parse);
            parsing.map_err(|error| no_thread(&error))?;
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut wanted = 0;
        let mut done = Ok(());
        'all: for (at, chunk) in &parsed {
            waiting.insert(at, chunk);
            while let Some(chunk) = waiting.remove(&wanted) {
                wanted += 1;
                done = chunk.map_err(RuntimeError::from).and_then(|chunk| {
                    each(&chunk)?;
                    // Who parses may be done by now.
                    let _ = free.send(chunk);
                    Ok(())
                });
                if done.is_err() {
                    break 'all;
                }
            }
        }
        // Those who wait for a chunk, or have one, give up.
        lock(&source).1 = None;
        drop((free, parsed));
        done
    })
}

/// Locks; what a panicking thread left behind is whole either way, and its panic goes on where it is joined.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
