//! Runs: [`Computation`], and the short forms of [`Lazy`].

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use numloom_data::stream::{ChunkSink, Columns, MemorySink, SplitSink, StreamError};
use numloom_data::{Array, Scalar, View};
use numloom_io::npy::{self, NpySink};
use numloom_ir::Schema;
use numloom_runtime::StreamInput;

use crate::engine::Engine;
use crate::error::Error;
use crate::inputs::Input;
use crate::lazy::Lazy;
use crate::lazy::lower::{Lowered, lower};
use crate::lazy::node::{Op, World};
use crate::lazy::source::Table;
use crate::lazy::stages::{Part, parts};
use crate::options::Options;
use crate::outputs::Value;
use crate::stream::CHUNK_BYTES;
use crate::transform::{Opened, Transform};

/// The fewest and most bytes of files that a hint asks for at a time.
const MEMORY: (u64, u64) = (16 << 20, 256 << 20);

impl Lazy {
    /// Its value, on the [global engine](Engine::global).
    ///
    /// # Errors
    /// As [`check`](Lazy::check), and those of [`Kernel::run`](crate::Kernel::run), of files and of sources.
    pub fn compute(&self) -> Result<Value, Error> {
        let [value] = Lazy::compute_all([self])?;
        Ok(value)
    }

    /// Several values, in shared passes: what reads the same source reads it together.
    ///
    /// # Errors
    /// As [`compute`](Lazy::compute).
    ///
    /// ```
    /// use numloom::Lazy;
    ///
    /// let x = Lazy::from_array(vec![1.0, 2.0, 6.0]);
    /// let [mean, most] = Lazy::compute_all([&x.mean(), &x.max()])?;
    /// assert_eq!((mean.item::<f64>()?, most.item::<f64>()?), (3.0, 6.0));
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn compute_all<const N: usize>(values: [&Lazy; N]) -> Result<[Value; N], Error> {
        let done = Computation::of(values).run()?.into_iter();
        let mut done = done.map(|value| value.expect("no output goes to a file"));
        Ok(std::array::from_fn(|_| {
            done.next().expect("there is a value of each")
        }))
    }

    /// Computes it into a `.npy` file: in windows, with a bounded number of bytes resident. Like any [`Transform`] it goes on by itself where an earlier run
    /// was stopped, if it is over arrays and files; over a table it starts anew.
    ///
    /// # Errors
    /// Those of [`Transform::run`].
    pub fn write_npy(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        Computation::of([self]).write_npy(0, path).run().map(|_| ())
    }
}

/// Several lazy values, computed together; with options.
///
/// ```
/// use numloom::{Computation, Lazy, Options, io::npy};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("scaled.npy");
/// let x = Lazy::from_array(vec![1.0, 2.0, 4.0]);
/// let scaled = &x / x.max();
/// let done = Computation::of([&scaled, &x.sum()])
///     .options(Options::new().threads(1))
///     .write_npy(0, &path)
///     .run()?;
/// assert!(done[0].is_none()); // it went to the file
/// assert_eq!(done[1].as_ref().unwrap().item::<f64>()?, 7.0);
/// assert_eq!(npy::read(&path)?.to_vec::<f64>()?, [0.25, 0.5, 1.0]);
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is computed before `run`"]
pub struct Computation<'e> {
    pub(super) values: Vec<Lazy>,
    files: Vec<Option<PathBuf>>,
    /// None for the global one.
    engine: Option<&'e Engine>,
    options: Options,
    memory: Option<u64>,
    fresh: bool,
}

impl<'e> Computation<'e> {
    /// Of these values.
    pub fn of<'l>(values: impl IntoIterator<Item = &'l Lazy>) -> Computation<'e> {
        let values: Vec<Lazy> = values.into_iter().cloned().collect();
        Computation {
            files: vec![None; values.len()],
            values,
            engine: None,
            options: Options::new(),
            memory: None,
            fresh: false,
        }
    }

    /// On this engine.
    pub fn engine(mut self, engine: &'e Engine) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Options of the runs: threads, progress, cancel flag, deadline and so on.
    pub fn options(mut self, options: impl Into<Options>) -> Self {
        self.options = options.into();
        self
    }

    /// The most bytes of files that are resident at a time, at least 16 MiB.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Writes the value of this place to a `.npy` file instead of returning it.
    ///
    /// # Panics
    /// If there are not so many values.
    pub fn write_npy(mut self, place: usize, path: impl AsRef<Path>) -> Self {
        self.files[place] = Some(path.as_ref().into());
        self
    }

    /// Whether files are started over, whatever an earlier run has done.
    pub fn fresh(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }

    /// Computes them: a value for each, or none for what went to a file.
    ///
    /// # Errors
    /// As [`Lazy::compute`] and [`Lazy::write_npy`].
    pub fn run(&self) -> Result<Vec<Option<Value>>, Error> {
        let mut held = Held::new();
        let mut values: Vec<Option<Value>> = self.values.iter().map(|_| None).collect();
        for part in parts(&self.values)? {
            let run = PartRun::new(self, &part)?;
            let done = match &part.world {
                World::Table(table) => run.over_table(table, &held)?,
                _ => run.over_arrays(&held)?,
            };
            for (output, value) in part.outputs.iter().zip(done) {
                // One value is one, whatever it was made of.
                let value = match value {
                    Some(Value::Array(array)) => Some(match array.item() {
                        Some(item) if array.ndim() == 0 => Value::Scalar(item),
                        _ => Value::Array(array),
                    }),
                    value => value,
                };
                match (output.root, value) {
                    (Some(i), value) => values[i] = value,
                    (None, Some(value)) => {
                        held.insert(output.value.key(), value.into_array()?);
                    }
                    (None, None) => unreachable!("only roots go to files"),
                }
            }
        }
        Ok(values)
    }

    pub(super) fn compiled_on(&self) -> Result<&'e Engine, Error> {
        match self.engine {
            Some(engine) => Ok(engine),
            None => Engine::global(),
        }
    }
}

/// Values of earlier stages, by their nodes.
type Held = HashMap<*const (), Array>;

/// One program that is about to run.
struct PartRun<'p> {
    computation: &'p Computation<'p>,
    part: &'p Part,
    engine: &'p Engine,
    lowered: Lowered,
    /// The least hint of all that is computed.
    chunk: Option<usize>,
}

impl<'p> PartRun<'p> {
    fn new(computation: &'p Computation<'p>, part: &'p Part) -> Result<PartRun<'p>, Error> {
        let values: Vec<&Lazy> = part.outputs.iter().map(|output| &output.value).collect();
        let chunk = values.iter().filter_map(|value| value.chunks()).min();
        Ok(PartRun {
            computation,
            part,
            engine: computation.compiled_on()?,
            lowered: lower(&values)?,
            chunk,
        })
    }

    /// The file of each output, if it goes to one.
    fn files(&self) -> impl Iterator<Item = Option<&Path>> {
        let files = &self.computation.files;
        let outputs = self.part.outputs.iter();
        outputs.map(|output| files[output.root?].as_deref())
    }

    fn is_one_value(&self, output: usize) -> Result<bool, Error> {
        let found = self.part.outputs[output].value.found()?;
        Ok(found.shape.is_empty())
    }

    fn over_arrays(&self, held: &Held) -> Result<Vec<Option<Value>>, Error> {
        let Lowered {
            expr,
            inputs,
            outputs,
        } = &self.lowered;
        let is_mapped = |leaf: &Lazy| match leaf.op() {
            Op::Source(source) => source.map().is_some(),
            _ => false,
        };
        let any_file = self.files().any(|file| file.is_some());
        if !any_file && !inputs.iter().any(|(_, leaf)| is_mapped(leaf)) {
            let inputs = inputs.iter();
            let inputs = inputs.map(|(name, leaf)| (name.as_str(), input(leaf, held)));
            let inputs: Vec<(&str, Input<'_>)> = inputs.collect();
            let kernel = self.engine.kernel(expr.src(), Some(expr), &inputs)?;
            let kernel = kernel.with(self.computation.options.clone());
            let done = kernel.run(inputs)?;
            return Ok(done.into_iter().map(Some).collect());
        }
        let mut transform = Transform::new(expr, Some(self.engine))
            .options(self.computation.options.clone())
            .fresh(self.computation.fresh)
            .holding_all();
        if let Some(memory) = self.computation.memory.or_else(|| self.memory()) {
            transform = transform.memory(memory);
        }
        for ((i, name), file) in outputs.iter().enumerate().zip(self.files()) {
            if let Some(file) = file
                && !self.is_one_value(i)?
            {
                transform = transform.output_as(name, file);
            }
        }
        let opened = inputs.iter().map(|(name, leaf)| {
            let opened = match leaf.op() {
                Op::Source(source) => match source.map() {
                    Some(map) => Opened::Map(map),
                    None => Opened::Input(source.input()),
                },
                _ => Opened::Input(input(leaf, held)),
            };
            (name.as_str(), opened)
        });
        let done = transform.run_over(opened.collect())?;
        let mut values = done.into_values();
        for (value, file) in values.iter_mut().zip(self.files()) {
            // A reduced value has no windows to be written in.
            if let (Some(path), Some(done)) = (file, value.take_if(|_| file.is_some())) {
                npy::write(path, &done.into_array()?.view())?;
            }
        }
        Ok(values)
    }

    /// What the hint says of the bytes of files that are resident.
    fn memory(&self) -> Option<u64> {
        let mut row_bytes = 0u64;
        for (_, leaf) in &self.lowered.inputs {
            let found = leaf.found().ok()?;
            let row = found.shape.iter().skip(1).map(|&extent| extent as u64);
            let row = row.fold(found.dtype.itemsize() as u64, u64::saturating_mul);
            row_bytes = row_bytes.saturating_add(row);
        }
        let bytes = row_bytes.saturating_mul(self.chunk? as u64);
        Some(bytes.saturating_mul(8).clamp(MEMORY.0, MEMORY.1))
    }

    fn over_table(&self, table: &Table, held: &Held) -> Result<Vec<Option<Value>>, Error> {
        let Lowered { expr, inputs, .. } = &self.lowered;
        let columns = table.columns();
        let mut schema = Schema::new();
        let mut given = Vec::with_capacity(inputs.len());
        let mut row_bytes = 0usize;
        for (name, leaf) in inputs {
            match leaf.op() {
                Op::Column(_, column) => {
                    let spec = &columns[*column];
                    row_bytes = row_bytes.saturating_add(spec.row_bytes()?);
                    schema = schema.with(name, spec.dtype);
                    given.push(StreamInput::Column(*column));
                }
                _ => {
                    let value = &held[&held_key(leaf)];
                    schema = schema.with_scalar(name, value.dtype());
                    given.push(StreamInput::Value(value.view()));
                }
            }
        }
        let chunk_bytes = match self.chunk {
            Some(rows) => rows.saturating_mul(row_bytes).max(1),
            None => CHUNK_BYTES,
        };
        let kernel = self.engine.compile(expr, &schema)?;
        let kernel = kernel.with(self.computation.options.clone());
        let mut sinks = Vec::new();
        for (i, file) in self.files().enumerate() {
            if !self.is_one_value(i)? {
                sinks.push(match file {
                    Some(path) => RowSink::Npy(NpySink::new(path)),
                    None => RowSink::Memory(MemorySink::new()),
                });
            }
        }
        let mut sinks = SplitSink::new(sinks);
        let mut source = table.source()?;
        let inner = kernel.inner();
        let done = inner.compiled.stream(
            &given,
            &mut source,
            &mut sinks,
            chunk_bytes,
            kernel.run_options(),
        );
        let done = done.map_err(|error| Error::run(error, &inner.names.text))?;
        let mut sinks = sinks.into_sinks().into_iter();
        let mut values = Vec::with_capacity(done.len());
        for (value, file) in done.into_iter().zip(self.files()) {
            values.push(self.streamed(value, file, &mut sinks)?);
        }
        Ok(values)
    }

    /// One output of a table: reduced, or what its sink holds.
    fn streamed(
        &self,
        value: Option<Scalar>,
        file: Option<&Path>,
        sinks: &mut impl Iterator<Item = RowSink>,
    ) -> Result<Option<Value>, Error> {
        let Some(value) = value else {
            return Ok(match sinks.next() {
                Some(RowSink::Memory(sink)) => sink.into_arrays()?.pop().map(Value::Array),
                _ => None,
            });
        };
        match file {
            None => Ok(Some(Value::Scalar(value))),
            Some(path) => {
                npy::write(path, &Array::from_scalar(&value)?.view())?;
                Ok(None)
            }
        }
    }
}

fn held_key(leaf: &Lazy) -> *const () {
    match leaf.op() {
        Op::Held(of) => of.key(),
        _ => leaf.key(),
    }
}

/// The elements of a leaf among arrays.
fn input<'a>(leaf: &'a Lazy, held: &'a Held) -> Input<'a> {
    match leaf.op() {
        Op::Source(source) => source.input(),
        _ => (&held[&held_key(leaf)]).into(),
    }
}

/// Where one column of results goes.
enum RowSink {
    Memory(MemorySink),
    Npy(NpySink),
}

impl RowSink {
    fn sink(&mut self) -> &mut dyn ChunkSink {
        match self {
            RowSink::Memory(sink) => sink,
            RowSink::Npy(sink) => sink,
        }
    }
}

impl ChunkSink for RowSink {
    fn start(&mut self, columns: &Columns, rows: Option<u64>) -> Result<(), StreamError> {
        self.sink().start(columns, rows)
    }

    fn write(&mut self, block: &[View<'_>]) -> Result<(), StreamError> {
        self.sink().write(block)
    }

    fn finish(&mut self) -> Result<(), StreamError> {
        self.sink().finish()
    }
}
