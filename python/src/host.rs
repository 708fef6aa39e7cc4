//! A run in a thread of its own, and the caller's thread, which waits for it and answers it: [`Host`].
//!
//! What goes in: a run. What comes out: its blocks, as they are taken, and its result. Whatever is Python's, a generator, a file-like object, a
//! progress callback, signal handlers, is called by the thread that waits; the run asks for it through a [`Line`]. What it never does: leave a run
//! behind, or run ahead of whoever takes its blocks by more than one.

use std::fmt;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use numloom::io::csv::{CsvOptions, CsvSource};
use numloom::io::text::{TextOptions, TextSource};
use numloom::stream::{ColumnOwner, Columns, StreamError};
use numloom::{Array, CancelFlag, ChunkSink, ChunkSource, Error, Options, View};
use numpy::PyUntypedArray;
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arrays::{self, Held};
use crate::errors::raise;
use crate::waiting::{LISTEN, now};

/// Arrays of Python's, one for each column.
pub(crate) type Owners = Vec<Arc<dyn ColumnOwner>>;

/// What a run asks of the thread that waits for it. Who gets no answer gives up.
pub(crate) enum Ask {
    /// So many bytes, or fewer, of a file-like object; none at its end.
    Read(usize, Sender<Vec<u8>>),
    /// The next block of an iterable; none after the last.
    Next(Sender<Option<Owners>>),
    /// To begin an iterable again.
    Again(Sender<()>),
    /// To take a block.
    Block(Block, Sender<()>),
    /// Nothing more: the run has ended.
    Done,
}

/// Some rows of a result.
pub(crate) struct Block {
    /// Columns, of which those without a name have an empty one.
    pub(crate) columns: Arc<Columns>,
    pub(crate) arrays: Vec<Array>,
}

/// To whoever waits for the run, if anybody does.
#[derive(Clone, Default)]
pub(crate) struct Line(Arc<Mutex<Option<Sender<Ask>>>>);

/// Nobody waits any more, or the answer was an exception.
#[derive(Debug)]
pub(crate) struct HungUp;

impl fmt::Display for HungUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was asked of Python was not answered")
    }
}

impl std::error::Error for HungUp {}

impl Line {
    fn connect(&self, to: Option<Sender<Ask>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }

    pub(crate) fn ask<T>(&self, ask: impl FnOnce(Sender<T>) -> Ask) -> Result<T, HungUp> {
        let (reply, answer) = channel();
        {
            let line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let host = line.as_ref().ok_or(HungUp)?;
            host.send(ask(reply)).map_err(|_| HungUp)?;
        }
        answer.recv().map_err(|_| HungUp)
    }
}

/// A file-like object of Python's.
pub(crate) struct Reader(pub(crate) Line);

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.ask(|reply| Ask::Read(buf.len(), reply));
        let bytes = bytes.map_err(io::Error::other)?;
        let Some(room) = buf.get_mut(..bytes.len()) else {
            return Err(io::Error::other("`read` returned more than was asked for"));
        };
        room.copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

/// What a Python object is read as.
pub(crate) enum Reads {
    Csv(CsvOptions),
    Text(TextOptions),
}

impl Reads {
    pub(crate) fn open(&self, line: Line) -> Result<Box<dyn ChunkSource>, StreamError> {
        Ok(match self {
            Reads::Csv(options) => Box::new(CsvSource::from_reader(Reader(line), options)?),
            Reads::Text(options) => Box::new(TextSource::from_reader(Reader(line), options)?),
        })
    }
}

/// Gives blocks to whoever takes them.
pub(crate) struct BlockSink {
    line: Line,
    columns: Arc<Columns>,
}

impl BlockSink {
    pub(crate) fn new(line: Line) -> BlockSink {
        let columns = Arc::default();
        BlockSink { line, columns }
    }
}

impl ChunkSink for BlockSink {
    fn start(&mut self, columns: &Columns, _: Option<u64>) -> Result<(), StreamError> {
        self.columns = Arc::new(columns.clone());
        Ok(())
    }

    fn write(&mut self, block: &[View<'_>]) -> Result<(), StreamError> {
        let arrays = block.iter().map(View::to_array).collect::<Result<_, _>>()?;
        let columns = Arc::clone(&self.columns);
        let block = Block { columns, arrays };
        let taken = self.line.ask(|taken| Ask::Block(block, taken));
        taken.map_err(StreamError::other)
    }

    fn finish(&mut self) -> Result<(), StreamError> {
        Ok(())
    }
}

/// How far a run is, for whoever waits to look at.
#[derive(Default)]
struct Meter {
    done: AtomicU64,
    total: AtomicU64,
}

/// A run, and what its questions are answered with.
pub(crate) struct Host<T> {
    asks: Receiver<Ask>,
    run: Option<JoinHandle<T>>,
    line: Line,
    cancel: CancelFlag,
    /// Blocks, or bytes.
    object: Option<Py<PyAny>>,
    /// Called with the elements that are done, and those that there are.
    tell: Option<Py<PyAny>>,
    meter: Arc<Meter>,
    next_tell: Option<Instant>,
    /// By Python code that was called on behalf of the run, which is why it ends.
    raised: Option<PyErr>,
}

/// Says so when the run has ended, in whatever way.
struct SayDone(Sender<Ask>);

impl Drop for SayDone {
    fn drop(&mut self) {
        // Who waited may have given up.
        let _ = self.0.send(Ask::Done);
    }
}

impl<T: Send + 'static> Host<T> {
    /// Starts a run, which is to heed the options that it is given.
    ///
    /// # Errors
    /// If there cannot be a thread.
    pub(crate) fn start(
        line: Line,
        object: Option<Py<PyAny>>,
        tell: Option<Py<PyAny>>,
        run: impl FnOnce(Options) -> T + Send + 'static,
    ) -> PyResult<Host<T>> {
        let (asking, asks) = channel();
        let (cancel, meter) = (CancelFlag::new(), Arc::<Meter>::default());
        let mut options = Options::new().cancel(cancel.clone());
        if tell.is_some() {
            let meter = Arc::clone(&meter);
            options = options.progress(move |progress| {
                meter.total.store(progress.total, Ordering::Relaxed);
                meter.done.store(progress.done, Ordering::Relaxed);
            });
        }
        line.connect(Some(asking.clone()));
        let run = std::thread::Builder::new()
            .name("numloom-run".to_owned())
            .spawn(move || {
                let _done = SayDone(asking);
                run(options)
            });
        Ok(Host {
            asks,
            run: Some(run.map_err(|error| PyRuntimeError::new_err(error.to_string()))?),
            line,
            cancel,
            object,
            tell,
            meter,
            next_tell: None,
            raised: None,
        })
    }

    /// What it holds of Python's.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)?;
        visit.call(&self.tell)
    }

    /// The next block; none if the run has ended.
    pub(crate) fn next_block(&mut self, py: Python<'_>) -> Option<Block> {
        loop {
            let asks = &mut self.asks;
            let ask = py.detach(move || asks.recv_timeout(LISTEN));
            if self.raised.is_none()
                && let Err(raised) = py.check_signals().and_then(|()| self.tell(py))
            {
                self.stop(raised);
            }
            match ask {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) | Ok(Ask::Done) => return None,
                // Unanswered.
                Ok(_) if self.raised.is_some() => {}
                Ok(Ask::Block(block, taken)) => {
                    let _ = taken.send(());
                    return Some(block);
                }
                Ok(ask) => {
                    if let Err(raised) = self.answer(py, ask) {
                        self.stop(raised);
                    }
                }
            }
        }
    }

    /// The run's result, after its last block. `failure` is what went wrong with it, if something has.
    ///
    /// # Errors
    /// What Python code raised that was called on behalf of the run; a `KeyboardInterrupt` has for its cause what the run says of being cancelled.
    ///
    /// # Panics
    /// With the panic of the run.
    pub(crate) fn join(
        mut self,
        py: Python<'_>,
        failure: impl FnOnce(&T) -> Option<PyErr>,
    ) -> (Option<T>, PyResult<()>) {
        let mut told = Ok(());
        if self.raised.is_none() {
            self.next_tell = None;
            told = self.tell(py);
        }
        let raised = self.raised.take();
        let result = match self.end(py) {
            None => return (None, raised.map_or(told, Err)),
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        };
        let done = match (raised, failure(&result)) {
            (Some(raised), failure) => {
                if raised.is_instance_of::<PyKeyboardInterrupt>(py) {
                    raised.set_cause(py, failure);
                }
                Err(raised)
            }
            (None, Some(failure)) => Err(failure),
            (None, None) => told,
        };
        (Some(result), done)
    }

    /// Makes the run end, and waits until it has.
    fn end(&mut self, py: Python<'_>) -> Option<std::thread::Result<T>> {
        self.cancel.cancel();
        self.hang_up();
        let run = self.run.take()?;
        Some(py.detach(|| run.join()))
    }

    fn stop(&mut self, raised: PyErr) {
        self.raised = Some(raised);
        self.cancel.cancel();
    }

    /// Tells how far the run is, if it is time to.
    fn tell(&mut self, py: Python<'_>) -> PyResult<()> {
        let Some(tell) = &self.tell else {
            return Ok(());
        };
        let now = now();
        if self.next_tell.is_some_and(|next| now < next) {
            return Ok(());
        }
        self.next_tell = now.checked_add(LISTEN);
        let Meter { done, total } = &*self.meter;
        let [done, total] = [done, total].map(|count| count.load(Ordering::Relaxed));
        if (done, total) == (0, 0) {
            // The run has said nothing yet.
            return Ok(());
        }
        tell.call1(py, (done, total)).map(drop)
    }

    fn answer(&self, py: Python<'_>, ask: Ask) -> PyResult<()> {
        let object = self.object.as_ref().map(|object| object.bind(py));
        let object = object.ok_or_else(|| PyRuntimeError::new_err("there is nothing to read"))?;
        // Who asked may have given up.
        match ask {
            Ask::Read(n, reply) => {
                let bytes = object.call_method1("read", (n,))?;
                let bytes = bytes.cast::<PyBytes>().map_err(|_| {
                    let kind = bytes.get_type();
                    PyTypeError::new_err(format!(
                        "`read` returned {kind}, not bytes: open the file in binary mode"
                    ))
                })?;
                let _ = reply.send(bytes.as_bytes().to_vec());
            }
            Ask::Next(reply) => {
                let block: Option<Vec<Bound<'_, PyUntypedArray>>> =
                    object.call_method0("next_block")?.extract()?;
                let block = block.map(|arrays| {
                    let owners = arrays.iter().map(|array| match Held::new(array) {
                        Some(held) => Ok(Arc::new(held) as Arc<dyn ColumnOwner>),
                        None => Err(PyTypeError::new_err("`next_block` returned no numbers")),
                    });
                    owners.collect::<PyResult<Owners>>()
                });
                let _ = reply.send(block.transpose()?);
            }
            Ask::Again(reply) => {
                object.call_method0("again")?;
                let _ = reply.send(());
            }
            Ask::Block(..) | Ask::Done => {}
        }
        Ok(())
    }
}

impl<T: Send + 'static> Host<Result<T, Error>> {
    /// What a run without blocks comes to.
    pub(crate) fn complete(mut self, py: Python<'_>) -> PyResult<T> {
        while self.next_block(py).is_some() {}
        let (done, ended) = self.join(py, |done| Some(raise(py, done.as_ref().err()?)));
        ended?;
        Ok(done.and_then(Result::ok).expect("it is no error"))
    }
}

impl<T> Host<T> {
    /// Whoever asks now gets no answer.
    fn hang_up(&mut self) {
        self.line.connect(None);
        self.asks = channel().1;
    }
}

impl<T> Drop for Host<T> {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.hang_up();
        if let Some(run) = self.run.take() {
            // It needs nothing of Python's to end; its panic is nobody's any more.
            let _ = run.join();
        }
    }
}

/// The columns of a block as arrays that live on in Python.
pub(crate) fn block_arrays<'py>(
    py: Python<'py>,
    block: Block,
) -> PyResult<Vec<Bound<'py, PyUntypedArray>>> {
    let arrays = block.arrays.into_iter();
    arrays.map(|array| arrays::from_array(py, array)).collect()
}
