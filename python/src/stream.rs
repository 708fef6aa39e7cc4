//! Tables that are read a chunk at a time: [`Source`], and a run over one: [`Running`].
//!
//! What goes in: files, file-like objects, objects that give blocks. What comes out: blocks of results as they are asked for, and values at the end.
//! What it never does: call Python anywhere but in the thread that asks for a block.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use numloom::io::FileSpec;
use numloom::io::csv::{CsvOptions, CsvSink, CsvSource};
use numloom::io::npy::NpySink;
use numloom::io::rows::RowSource;
use numloom::io::text::{TextOptions, TextSource};
use numloom::stream::{ColumnSpec, Columns, IterSource, SplitSink, StreamError};
use numloom::{
    ChunkSink, ChunkSource, DType, Engine, Error, Expr, Options, Scalar, Transformed, Value, View,
};
use numpy::PyArrayDescr;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::arrays;
use crate::errors::{guard, raise};
use crate::host::{Ask, BlockSink, Host, Line, Owners, Reads, block_arrays};

/// A table: a file, a file-like object, or whatever gives blocks of columns.
#[pyclass(frozen, module = "numloom._numloom")]
pub(crate) struct Source {
    line: Line,
    columns: Columns,
    rows: Option<u64>,
    /// What is asked for bytes, or blocks.
    object: Option<Py<PyAny>>,
    /// None while it is read.
    source: Mutex<Option<Box<dyn ChunkSource>>>,
}

/// A name and a dtype of NumPy's.
type Typed<'py> = (String, Bound<'py, PyArrayDescr>);

fn dtype(name: &str, descr: &Bound<'_, PyArrayDescr>) -> PyResult<DType> {
    arrays::dtype_of(descr).ok_or_else(|| {
        let message = format!("column `{name}` has dtype {descr}, which is none of numloom's");
        PyTypeError::new_err(message)
    })
}

fn dtypes(given: &[Typed<'_>]) -> PyResult<Vec<(String, DType)>> {
    let dtype = |(name, descr): &Typed<'_>| Ok((name.clone(), dtype(name, descr)?));
    given.iter().map(dtype).collect()
}

/// The one byte of a string; none of an empty one.
fn byte(option: &str, text: &str) -> PyResult<Option<u8>> {
    match text.as_bytes() {
        [] => Ok(None),
        [byte] if byte.is_ascii() => Ok(Some(*byte)),
        _ => Err(PyValueError::new_err(format!(
            "`{option}` must be one ASCII character (got '{text}')"
        ))),
    }
}

impl Source {
    fn of(line: Line, object: Option<Py<PyAny>>, source: impl ChunkSource + 'static) -> Source {
        Source {
            line,
            columns: source.columns().clone(),
            rows: source.rows(),
            object,
            source: Mutex::new(Some(Box::new(source))),
        }
    }

    /// What a path or a file-like object holds.
    fn text(input: &Bound<'_, PyAny>, reads: Reads) -> PyResult<Source> {
        let py = input.py();
        let failed = |error: StreamError| raise(py, &error.into());
        if let Ok(path) = input.extract::<PathBuf>() {
            let source: Result<Box<dyn ChunkSource>, _> = py.detach(|| {
                Ok(match &reads {
                    Reads::Csv(options) => Box::new(CsvSource::open(&path, options)?) as _,
                    Reads::Text(options) => Box::new(TextSource::open(&path, options)?) as _,
                })
            });
            return Ok(Source::of(Line::default(), None, source.map_err(failed)?));
        }
        let (line, object) = (Line::default(), input.clone().unbind());
        let opening = line.clone();
        let host = Host::start(line.clone(), Some(object.clone_ref(py)), None, move |_| {
            reads.open(opening).map_err(Error::from)
        })?;
        let source = host.complete(py)?;
        Ok(Source::of(line, Some(object), source))
    }

    /// Takes it, to be read.
    fn take(&self) -> PyResult<Box<dyn ChunkSource>> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.take().ok_or_else(|| {
            PyValueError::new_err("the source is being read: finish or close that stream first")
        })
    }

    fn put_back(&self, source: Box<dyn ChunkSource>) {
        *self.source.lock().unwrap_or_else(PoisonError::into_inner) = Some(source);
    }
}

#[pymethods]
impl Source {
    /// A CSV file, by its path or as an object with `read`.
    #[staticmethod]
    #[pyo3(signature = (input, *, delimiter, quote, comment, header, names, skip_lines, missing, missing_is_error, dtypes, every_dtype, sample))]
    #[expect(clippy::too_many_arguments, reason = "each is an option of the format")]
    fn csv(
        input: &Bound<'_, PyAny>,
        delimiter: &str,
        quote: &str,
        comment: &str,
        header: bool,
        names: Option<Vec<String>>,
        skip_lines: usize,
        missing: Option<Vec<String>>,
        missing_is_error: bool,
        dtypes: Vec<Typed<'_>>,
        every_dtype: Option<Bound<'_, PyArrayDescr>>,
        sample: usize,
    ) -> PyResult<Source> {
        guard(input.py(), || {
            let delimiter = byte("delimiter", delimiter)?
                .ok_or_else(|| PyValueError::new_err("`delimiter` must be one character"))?;
            let mut options = CsvOptions::new()
                .delimiter(delimiter)
                .quote(byte("quote", quote)?)
                .comment(byte("comment", comment)?)
                .header(header)
                .skip_lines(skip_lines)
                .sample(sample);
            if let Some(names) = names {
                options = options.names(names);
            }
            if let Some(values) = missing {
                options = options.missing_values(values);
            }
            if missing_is_error {
                options = options.missing_is_error();
            }
            for (name, dtype) in self::dtypes(&dtypes)? {
                options = options.dtype(name, dtype);
            }
            if let Some(every) = every_dtype {
                options = options.every_dtype(dtype("*", &every)?);
            }
            Source::text(input, Reads::Csv(options))
        })
    }

    /// Numbers with white space between, by a path or as an object with `read`.
    #[staticmethod]
    #[pyo3(name = "text", signature = (input, *, comment, columns, names, skip_lines, dtypes, every_dtype))]
    fn white_space(
        input: &Bound<'_, PyAny>,
        comment: &str,
        columns: Option<Vec<usize>>,
        names: Option<Vec<String>>,
        skip_lines: usize,
        dtypes: Vec<Typed<'_>>,
        every_dtype: Option<Bound<'_, PyArrayDescr>>,
    ) -> PyResult<Source> {
        guard(input.py(), || {
            let mut options = TextOptions::new()
                .comment(byte("comment", comment)?)
                .skip_lines(skip_lines);
            if let Some(columns) = columns {
                options = options.columns(columns);
            }
            if let Some(names) = names {
                options = options.names(names);
            }
            for (name, dtype) in self::dtypes(&dtypes)? {
                options = options.dtype(name, dtype);
            }
            if let Some(every) = every_dtype {
                options = options.every_dtype(dtype("*", &every)?);
            }
            Source::text(input, Reads::Text(options))
        })
    }

    /// Arrays in files, by their names: rows along the first axis.
    #[staticmethod]
    fn files(py: Python<'_>, files: Vec<(String, String)>) -> PyResult<Source> {
        guard(py, || {
            let open = || {
                let specs = files.into_iter();
                let specs = specs.map(|(name, spec)| Ok((name, spec.parse::<FileSpec>()?)));
                let specs = specs.collect::<Result<Vec<_>, Error>>()?;
                Ok(RowSource::open(specs)?)
            };
            let source = py.detach(open).map_err(|error: Error| raise(py, &error))?;
            Ok(Source::of(Line::default(), None, source))
        })
    }

    /// Members of an `.npz` archive: all of them, if none is named.
    #[staticmethod]
    fn npz(py: Python<'_>, path: PathBuf, members: Vec<String>) -> PyResult<Source> {
        guard(py, || {
            let members: Vec<_> = members.iter().map(String::as_str).collect();
            let source = py.detach(|| RowSource::open_npz(path, &members));
            let source = source.map_err(|error| raise(py, &error.into()))?;
            Ok(Source::of(Line::default(), None, source))
        })
    }

    /// What an object gives: `next_block()` arrays for each of `columns` (name, dtype, shape of a row), or `None` after the last block; `again()`
    /// begins anew, if `restarts`.
    #[staticmethod]
    fn blocks(
        object: Bound<'_, PyAny>,
        columns: Vec<(String, Bound<'_, PyArrayDescr>, Vec<usize>)>,
        restarts: bool,
    ) -> PyResult<Source> {
        let spec = |(name, descr, row): (String, Bound<'_, PyArrayDescr>, Vec<usize>)| {
            let dtype = dtype(&name, &descr)?;
            Ok(ColumnSpec::with_row_shape(name, dtype, &row))
        };
        let columns = columns.into_iter().map(spec).collect::<PyResult<_>>()?;
        let columns = Columns::new(columns);
        let line = Line::default();
        let source = match restarts {
            false => IterSource::of_owners(columns, Blocks::new(&line, false)),
            true => {
                let (line, mut begun) = (line.clone(), false);
                IterSource::repeatable_of_owners(columns, move || {
                    Blocks::new(&line, std::mem::replace(&mut begun, true))
                })
            }
        };
        // Who makes blocks may fill the same arrays each time.
        let source = source.with_one_at_a_time();
        Ok(Source::of(line, Some(object.unbind()), source))
    }

    /// Name and dtype of each column.
    #[getter]
    fn columns(&self) -> Vec<(String, String)> {
        let columns = self.columns.iter();
        columns
            .map(|spec| (spec.name.clone(), spec.dtype.to_string()))
            .collect()
    }

    /// How many rows, if that is known.
    #[getter]
    fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// What gives blocks may know who reads them.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)
    }
}

/// Blocks that Python gives.
struct Blocks {
    line: Line,
    /// Whether those of an earlier pass have to be left.
    again: bool,
}

impl Blocks {
    fn new(line: &Line, again: bool) -> Blocks {
        let line = line.clone();
        Blocks { line, again }
    }
}

impl Iterator for Blocks {
    type Item = Result<Owners, StreamError>;

    fn next(&mut self) -> Option<Result<Owners, StreamError>> {
        if std::mem::take(&mut self.again)
            && let Err(error) = self.line.ask(Ask::Again)
        {
            return Some(Err(StreamError::other(error)));
        }
        self.line
            .ask(Ask::Next)
            .map_err(StreamError::other)
            .transpose()
    }
}

/// Where what has an element for each row goes.
pub(crate) enum Target {
    Memory,
    /// To whoever takes blocks.
    Blocks,
    /// To files, a column each: of this name, if one is said.
    Npy(Vec<(Option<String>, PathBuf)>),
    Csv(PathBuf),
}

impl Target {
    pub(crate) fn of(kind: &str, files: Vec<(Option<String>, PathBuf)>) -> PyResult<Target> {
        Ok(match (kind, files) {
            ("memory", _) => Target::Memory,
            ("blocks", _) => Target::Blocks,
            ("npy", files) => Target::Npy(files),
            ("csv", mut files) if files.len() == 1 => Target::Csv(files.remove(0).1),
            _ => return Err(PyValueError::new_err("no such place for columns")),
        })
    }

    fn sink(self, line: &Line) -> Option<Box<dyn ChunkSink>> {
        Some(match self {
            Target::Memory => return None,
            Target::Blocks => Box::new(BlockSink::new(line.clone())),
            Target::Npy(files) => {
                let (names, paths): (Vec<_>, Vec<_>) = files.into_iter().unzip();
                Box::new(NamedFiles {
                    names: names.into_iter().flatten().collect(),
                    files: SplitSink::new(paths.into_iter().map(NpySink::new)),
                })
            }
            Target::Csv(path) => Box::new(CsvSink::create(path)),
        })
    }
}

/// Files of columns, some of which have to be there: another in its place would be taken for it.
struct NamedFiles {
    names: Vec<String>,
    files: SplitSink<NpySink>,
}

impl ChunkSink for NamedFiles {
    fn start(&mut self, columns: &Columns, rows: Option<u64>) -> Result<(), StreamError> {
        for name in &self.names {
            columns.find(name)?;
        }
        self.files.start(columns, rows)
    }

    fn write(&mut self, block: &[View<'_>]) -> Result<(), StreamError> {
        self.files.write(block)
    }

    fn finish(&mut self) -> Result<(), StreamError> {
        self.files.finish()
    }
}

/// The source, to be put back, and what the run came to.
type Outcome = (Box<dyn ChunkSource>, Result<Transformed, Error>);

/// A run over a source: an iterator over blocks of its columns.
#[pyclass(frozen, module = "numloom._numloom")]
pub(crate) struct Running {
    source: Py<Source>,
    state: Mutex<State>,
}

enum State {
    Active(Host<Outcome>),
    /// A value for each output; none for those that were columns, and went somewhere.
    Done(Vec<Option<Py<PyAny>>>),
    /// It failed, or was closed.
    Over,
}

/// What a run is made of.
pub(crate) struct Plan {
    pub(crate) engine: Engine,
    pub(crate) expr: Expr,
    /// Each with its name, and whether it has no dtype of its own.
    pub(crate) values: Vec<(String, Scalar, bool)>,
    pub(crate) chunk_bytes: usize,
    pub(crate) threads: Option<usize>,
    pub(crate) target: Target,
}

impl Running {
    pub(crate) fn start(source: &Bound<'_, Source>, plan: Plan) -> PyResult<Running> {
        let py = source.py();
        let this = source.get();
        let (line, mut table) = (this.line.clone(), this.take()?);
        let object = this.object.as_ref().map(|object| object.clone_ref(py));
        let asking = line.clone();
        let host = Host::start(line, object, None, move |mut options: Options| {
            options.threads = plan.threads;
            let mut sink = plan.target.sink(&asking);
            let mut stream = plan
                .engine
                .stream(&plan.expr, &mut *table)
                .chunk_bytes(plan.chunk_bytes)
                .options(options);
            for (name, value, weak) in plan.values {
                stream = match weak {
                    true => stream.weak_value(name, value),
                    false => stream.value(name, value),
                };
            }
            if let Some(sink) = &mut sink {
                stream = stream.to(&mut **sink);
            }
            let done = stream.run();
            (table, done)
        })?;
        Ok(Running {
            source: source.clone().unbind(),
            state: Mutex::new(State::Active(host)),
        })
    }

    /// Waits for the next block; none after the last, and the values are there.
    fn advance<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        // It is held while Python code runs, which may come back here.
        let mut state = self
            .state
            .try_lock()
            .map_err(|_| PyValueError::new_err("the stream is being read already"))?;
        let State::Active(host) = &mut *state else {
            return Ok(None);
        };
        if let Some(block) = host.next_block(py) {
            let names = block.columns.iter().map(|spec| match spec.name.as_str() {
                "" => None,
                name => Some(name),
            });
            let names = PyTuple::new(py, names.collect::<Vec<_>>())?;
            let arrays = PyList::new(py, block_arrays(py, block)?)?;
            return Ok(Some((arrays, names).into_pyobject(py)?));
        }
        let State::Active(host) = std::mem::replace(&mut *state, State::Over) else {
            unreachable!("just seen");
        };
        let (outcome, done) = host.join(py, |(_, done)| {
            let error = done.as_ref().err()?;
            Some(raise(py, error))
        });
        if let Some((source, result)) = outcome {
            self.source.get().put_back(source);
            done?;
            let values = result.map_err(|error| raise(py, &error))?;
            *state = State::Done(values_of(py, values.into_values())?);
            return Ok(None);
        }
        done.map(|()| None)
    }
}

#[pymethods]
impl Running {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// The next block: its arrays, and their names.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        guard(py, || self.advance(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.source)?;
        match self.state.try_lock().as_deref() {
            Ok(State::Active(host)) => host.traverse(&visit),
            _ => Ok(()),
        }
    }

    /// A value for each output, once all blocks have been taken; none for those that went elsewhere.
    fn values(&self, py: Python<'_>) -> PyResult<Option<Vec<Option<Py<PyAny>>>>> {
        let state = self.state.try_lock();
        let state = state.map_err(|_| PyValueError::new_err("the stream is being read already"))?;
        Ok(match &*state {
            State::Done(values) => {
                let value = |value: &Option<Py<PyAny>>| Some(value.as_ref()?.clone_ref(py));
                Some(values.iter().map(value).collect())
            }
            State::Active(_) | State::Over => None,
        })
    }

    /// Ends the run, if it has not ended.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || {
            let state = self.state.try_lock();
            let mut state =
                state.map_err(|_| PyValueError::new_err("the stream is being read already"))?;
            if let State::Active(_) = &*state
                && let State::Active(host) = std::mem::replace(&mut *state, State::Over)
            {
                let (outcome, _) = host.join(py, |_| None);
                if let Some((source, _)) = outcome {
                    self.source.get().put_back(source);
                }
            }
            Ok(())
        })
    }
}

/// Values as NumPy's.
pub(crate) fn values_of(
    py: Python<'_>,
    values: Vec<Option<Value>>,
) -> PyResult<Vec<Option<Py<PyAny>>>> {
    let array = |value: Value| {
        let array = value.into_array().map_err(|error| raise(py, &error))?;
        Ok(arrays::or_scalar(arrays::from_array(py, array)?)?.unbind())
    };
    let values = values.into_iter();
    values.map(|value| value.map(array).transpose()).collect()
}
