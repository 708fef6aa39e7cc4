//! Expressions over files of any size: [`Transform`].
//!
//! What goes in: an expression, names of files and values for its inputs, files for its outputs. What comes out: the files, and reduced values. What it never
//! does: hold a file in memory, leave a file under its name that is not whole, or compute again what an earlier run has finished.

use std::ops::Index;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use numloom_data::{Array, DType, FileStamp, MapMode, MappedArray, Order, OutputFile, Scalar};
use numloom_io::FileSpec;
use numloom_ir::{InputClass, Schema};
use numloom_runtime::{Journal, Out, RunKey, Sink, Source, TransformOptions};
use numloom_syntax::Code;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::expr::Expr;
use crate::inputs::Input;
use crate::kernel::{Kernel, Names};
use crate::options::Options;
use crate::outputs::Value;

/// An expression over files, in windows: with a bounded number of their bytes resident, whatever their size, and resumable.
///
/// Made by [`Expr::transform`] or [`Engine::transform`]; nothing is opened before [`run`](Transform::run). A file is named as the command names it:
/// `a.npy`, `recs.npy:field`, `a.bin:f64[1000,1000]@128:F`.
///
/// The bits are those of any other run. A new output is written under its name with `.partial` added, and gets its own when it is whole and on the disk. Beside the first
/// output lies a journal, its name with `.journal` added, once something is finished that is worth keeping. A run that was killed, cancelled, or
/// stopped by a full disk leaves both, and **the same run goes on from there by itself**. Over inputs that have changed since, or with another expression, it is
/// refused; [`fresh`](Transform::fresh) starts over.
///
/// ```
/// use numloom::{Expr, MapMode, View, io::npy};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = |name: &str| dir.path().join(name);
/// npy::write(path("a.npy"), &View::from_slice(&[1.0, 2.0, 6.0]))?;
/// let expr = Expr::parse("scaled = k * (a - mean(a)); mean(a)")?;
/// let done = expr.transform()
///     .file("a", path("a.npy"))
///     .value("k", 10.0)
///     .output_as("scaled", path("scaled.npy"))
///     .memory(64 << 20)
///     .run()?;
/// assert_eq!(done[1].item::<f64>()?, 3.0);
/// assert_eq!(npy::read(path("scaled.npy"))?.to_vec::<f64>()?, [-20.0, -10.0, 30.0]);
///
/// // In place: the file is changed as it is read.
/// Expr::parse("a * 2")?.transform().file("a", path("a.npy")).output(path("a.npy")).in_place().run()?;
/// assert_eq!(npy::read(path("a.npy"))?.to_vec::<f64>()?, [2.0, 4.0, 12.0]);
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is done before `run`"]
pub struct Transform<'e> {
    expr: &'e Expr,
    /// None for the global one.
    engine: Option<&'e Engine>,
    inputs: Vec<(String, Given)>,
    /// The names of values without a dtype of their own.
    weak: Vec<String>,
    outputs: Vec<(Option<String>, PathBuf)>,
    in_place: bool,
    fresh: bool,
    force: bool,
    /// Whether arrays without a file may take any memory.
    holds_all: bool,
    bounds: TransformOptions,
    options: Options,
}

#[derive(Clone, Debug)]
enum Given {
    File(PathBuf),
    Value(Scalar),
}

impl Expr {
    /// This expression over files, on the [global engine](Engine::global).
    pub fn transform(&self) -> Transform<'_> {
        Transform::new(self, None)
    }
}

impl Engine {
    /// An expression over files, on this engine.
    pub fn transform<'e>(&'e self, expr: &'e Expr) -> Transform<'e> {
        Transform::new(expr, Some(self))
    }
}

impl<'e> Transform<'e> {
    pub(crate) fn new(expr: &'e Expr, engine: Option<&'e Engine>) -> Transform<'e> {
        Transform {
            expr,
            engine,
            inputs: Vec::new(),
            weak: Vec::new(),
            outputs: Vec::new(),
            in_place: false,
            fresh: false,
            force: false,
            holds_all: false,
            bounds: TransformOptions::new(),
            options: Options::new(),
        }
    }

    /// An input from a file, which is mapped, never read whole.
    pub fn file(mut self, name: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        self.inputs.push((name.into(), Given::File(file.into())));
        self
    }

    /// An input of one value.
    pub fn value(mut self, name: impl Into<String>, value: impl Into<Scalar>) -> Self {
        self.inputs.push((name.into(), Given::Value(value.into())));
        self
    }

    /// The same for a number that has no dtype of its own: it takes that of what stands beside it in the text, as a literal does.
    pub fn weak_value(mut self, name: impl Into<String>, value: impl Into<Scalar>) -> Self {
        let name = name.into();
        self.weak.push(name.clone());
        self.value(name, value)
    }

    /// The file of the only output that is an array.
    pub fn output(mut self, file: impl Into<PathBuf>) -> Self {
        self.outputs.push((None, file.into()));
        self
    }

    /// The file of the output of this name.
    pub fn output_as(mut self, name: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        self.outputs.push((Some(name.into()), file.into()));
        self
    }

    /// The output files are there, with the results' dtypes and shapes, and are changed where they are (mode `r+`). Inputs may be from the same files: an element is read before it
    /// is written.
    pub fn in_place(mut self) -> Self {
        self.in_place = true;
        self
    }

    /// Whether in-place runs save what they are about to overwrite, so that they can be resumed; as they do unless told otherwise. Without, such a run is faster, and after a kill the
    /// file is partly updated, which the next run refuses to touch.
    pub fn undo(mut self, undo: bool) -> Self {
        self.bounds = self.bounds.undo(undo);
        self
    }

    /// The most bytes of files that are resident at a time, at least 16 MiB; 256 MiB by default.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.bounds = self.bounds.memory(bytes);
        self
    }

    /// Whether to discard what an earlier run has done, and start over. A file that one was changing in place is left alone even so.
    pub fn fresh(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }

    /// Whether to run over a file that an earlier run in place has left partly updated, as if it were what it should be.
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Options of the run: threads, progress, cancel flag, deadline and so on.
    pub fn options(mut self, options: impl Into<Options>) -> Self {
        self.options = options.into();
        self
    }

    /// Arrays without a file are held in memory, whatever they take.
    pub(crate) fn holding_all(mut self) -> Self {
        self.holds_all = true;
        self
    }

    /// Runs it, from where an earlier run was stopped if there was one.
    ///
    /// # Errors
    /// Those of [`Kernel::run`] and of files: `file-not-found`, `file-io` if the disk is full, `file-truncated` if another process cuts a file that is read;
    /// `journal-mismatch` and `not-resumable`; `limit-exceeded` if an array without a file, or what lies between passes, takes more than the memory.
    pub fn run(self) -> Result<Transformed, Error> {
        self.run_over(self.open()?)
    }

    /// Runs it over inputs that are there.
    pub(crate) fn run_over(&self, inputs: Vec<(&str, Opened<'_>)>) -> Result<Transformed, Error> {
        let (kernel, shapes) = self.compile(&inputs)?;
        let kernel = kernel.with(self.options.clone());
        let specs = self.specs(&kernel)?;
        let sources: Vec<_> = inputs.iter().map(|(_, input)| input.source()).collect();
        let mut run = Run {
            transform: self,
            kernel: &kernel,
            shapes: &shapes,
            specs: &specs,
        };
        run.run(&sources)
    }

    /// How many bytes of inputs there are, and of outputs that are arrays: what a run moves if it reads and writes each once, for a progress bar.
    ///
    /// # Errors
    /// Those of opening the inputs, of compiling and of shapes.
    pub fn size_bytes(&self) -> Result<u64, Error> {
        let inputs = self.open()?;
        let (kernel, shapes) = self.compile(&inputs)?;
        let bytes = |dtype: DType, shape: &[usize]| {
            let extents = shape.iter().map(|&extent| extent as u64);
            extents.fold(dtype.itemsize() as u64, u64::saturating_mul)
        };
        let read = inputs.iter().map(|(_, input)| {
            let view = input.source().view;
            bytes(view.dtype(), view.shape())
        });
        let infos = kernel.outputs();
        let arrays = infos.iter().zip(&shapes).filter(|(info, _)| !info.reduced);
        let written = arrays.map(|(info, shape)| bytes(info.dtype, shape));
        Ok(read.chain(written).fold(0, u64::saturating_add))
    }

    /// The inputs that were given.
    fn open(&self) -> Result<Vec<(&str, Opened<'_>)>, Error> {
        let inputs = self.inputs.iter();
        let inputs = inputs.map(|(name, given)| Ok((name.as_str(), Opened::open(given)?)));
        inputs.collect()
    }

    /// The kernel for these inputs, and the shapes of its outputs.
    fn compile(&self, inputs: &[(&str, Opened<'_>)]) -> Result<(Kernel, Vec<Vec<usize>>), Error> {
        let engine = match self.engine {
            Some(engine) => engine,
            None => Engine::global()?,
        };
        let kernel = engine.compile(self.expr, &schema(self.expr, inputs, &self.weak))?;
        let shapes = kernel.shapes(inputs.iter().map(|(name, input)| (*name, input.input())))?;
        Ok((kernel, shapes))
    }

    /// The file of each output, if it has one.
    fn specs(&self, kernel: &Kernel) -> Result<Vec<Option<FileSpec>>, Error> {
        let infos = kernel.outputs();
        let names = kernel.names();
        let mut specs: Vec<Option<FileSpec>> = infos.iter().map(|_| None).collect();
        for (name, path) in &self.outputs {
            let at = match name {
                Some(name) => names.output(name)?,
                None => {
                    let mut arrays = (0..infos.len()).filter(|&i| !infos[i].reduced);
                    match (arrays.next(), arrays.next()) {
                        (Some(only), None) => only,
                        _ => return Err(names.not_one_output()),
                    }
                }
            };
            if infos[at].reduced {
                return Err(Error::not_an_array(
                    infos[at].name.as_deref().unwrap_or("the output"),
                ));
            }
            if specs[at].replace(spec(path)?).is_some() {
                let name = name.as_deref().unwrap_or("the output");
                return Err(Error::given_twice("the file of output", name));
            }
        }
        Ok(specs)
    }
}

/// What a path says of a file.
fn spec(path: &Path) -> Result<FileSpec, Error> {
    // A name that is no text says nothing about what the file holds, unless it ends in `.npy`; then it is refused where it is opened.
    Ok(path.to_string_lossy().parse::<FileSpec>()?)
}

/// An input that is there.
pub(crate) enum Opened<'o> {
    File(MappedArray),
    Map(&'o MappedArray),
    Input(Input<'o>),
}

impl Opened<'_> {
    fn open(given: &Given) -> Result<Self, Error> {
        Ok(match given {
            Given::File(path) => Opened::File(spec(path)?.open(MapMode::Read)?),
            Given::Value(value) => Opened::Input(Array::from_scalar(value)?.into()),
        })
    }

    fn input(&self) -> Input<'_> {
        match self {
            Opened::File(map) => map.into(),
            Opened::Map(map) => (*map).into(),
            Opened::Input(input) => input.reborrow(),
        }
    }

    fn source(&self) -> Source<'_> {
        match self {
            Opened::File(map) => Source {
                view: map.view(),
                map: Some(map.map()),
            },
            Opened::Map(map) => Source {
                view: map.view(),
                map: Some(map.map()),
            },
            Opened::Input(input) => Source {
                view: input.view(),
                map: None,
            },
        }
    }
}

/// The schema of the inputs that the expression reads; giving it another one is an error of the run.
fn schema(expr: &Expr, inputs: &[(&str, Opened<'_>)], weak: &[String]) -> Schema {
    let read = expr.inputs_given(|name| inputs.iter().any(|(given, _)| *given == name));
    let inputs = inputs.iter().filter(|(name, _)| read.contains(name));
    inputs.fold(Schema::new(), |schema, (name, input)| {
        let input = input.input();
        let one = input.shape().iter().all(|&extent| extent == 1);
        let class = if one {
            InputClass::Scalar
        } else {
            InputClass::Contiguous
        };
        let mut schema = schema.with_input(name, input.dtype(), class);
        let last = schema.inputs.last_mut().expect("just appended");
        last.weak = weak.iter().any(|weak| weak == name);
        schema
    })
}

/// Where an output goes.
enum Place {
    New(OutputFile),
    Existing(MappedArray),
    Memory(Array),
    Scalar(Scalar),
}

impl Place {
    fn sink(&mut self) -> Result<Sink<'_>, Error> {
        let (view, map) = match self {
            Place::New(file) => file.view_mut_and_map(),
            Place::Existing(map) => map.view_mut_and_map()?,
            Place::Memory(array) => {
                return Ok(Sink {
                    out: Out::Array(array.view_mut()),
                    map: None,
                });
            }
            Place::Scalar(value) => {
                return Ok(Sink {
                    out: Out::Scalar(value),
                    map: None,
                });
            }
        };
        Ok(Sink {
            out: Out::Array(view),
            map: Some(map),
        })
    }
}

/// A run whose inputs are open.
struct Run<'r> {
    transform: &'r Transform<'r>,
    kernel: &'r Kernel,
    shapes: &'r [Vec<usize>],
    specs: &'r [Option<FileSpec>],
}

impl Run<'_> {
    fn run(&mut self, sources: &[Source<'_>]) -> Result<Transformed, Error> {
        let bounds = self.transform.bounds;
        let existing = self.existing()?;
        let first = self.specs.iter().flatten().next();
        let (mut journal, mut places, resumed) = match first {
            None => (None, self.places(existing, false)?, false),
            Some(first) => {
                let key = self.key(sources, &existing)?;
                let (journal, places, resumed) = self.begin(first, key, existing)?;
                (Some(journal), places, resumed)
            }
        };
        let mut sinks = places
            .iter_mut()
            .map(Place::sink)
            .collect::<Result<Vec<_>, _>>()?;
        let inner = self.kernel.inner();
        let options = self.kernel.run_options();
        let done = inner
            .compiled
            .transform(sources, &mut sinks, journal.as_mut(), options, bounds);
        drop(sinks);
        if let Err(error) = done {
            let error = Error::run(error, &inner.names.text);
            return Err(self.keep(error, journal, places));
        }
        let values = places.into_iter().map(|place| {
            Ok(match place {
                Place::New(file) => {
                    file.commit_synced()?;
                    None
                }
                Place::Existing(_) => None,
                Place::Memory(array) => Some(Value::Array(array)),
                Place::Scalar(value) => Some(Value::Scalar(value)),
            })
        });
        let values = values.collect::<Result<Vec<_>, Error>>()?;
        if let Some(journal) = journal {
            journal.remove().map_err(Error::engine)?;
        }
        Ok(Transformed::new(Arc::clone(&inner.names), values, resumed))
    }

    /// The files that are to be changed where they are, by their outputs.
    fn existing(&self) -> Result<Vec<Option<MappedArray>>, Error> {
        let open = |spec: &Option<FileSpec>| match spec {
            Some(spec) if self.transform.in_place => Ok(Some(spec.open(MapMode::ReadWrite)?)),
            _ => Ok(None),
        };
        let existing = self
            .specs
            .iter()
            .map(open)
            .collect::<Result<Vec<_>, Error>>()?;
        // Whether outputs share memory is seen within a map only.
        let stamps = existing
            .iter()
            .flatten()
            .map(|map| Ok((map.map().stamp()?, map.path())));
        let stamps = stamps.collect::<Result<Vec<(FileStamp, &Path)>, Error>>()?;
        for (i, (stamp, path)) in stamps.iter().enumerate() {
            if stamps[..i]
                .iter()
                .any(|(other, _)| stamp.is_same_file(other))
            {
                return Err(Error::two_outputs(path));
            }
        }
        Ok(existing)
    }

    fn key(
        &self,
        sources: &[Source<'_>],
        existing: &[Option<MappedArray>],
    ) -> Result<RunKey, Error> {
        // However they are spelled, they are the same files.
        let files = self.specs.iter().flatten().map(|spec| {
            let path = std::path::absolute(&spec.path).unwrap_or_else(|_| spec.path.clone());
            let format = spec.format.clone();
            FileSpec { path, format }.to_string()
        });
        let files: Vec<_> = files.collect();
        let files: Vec<_> = files
            .iter()
            .map(|file| (file.as_str(), self.transform.in_place))
            .collect();
        let written: Vec<_> = existing.iter().flatten().map(MappedArray::map).collect();
        let key = self
            .kernel
            .inner()
            .compiled
            .run_key(sources, &files, &written);
        key.map_err(Error::engine)
    }

    /// The journal and the places of a run, which goes on from where an earlier one was stopped if it can.
    fn begin(
        &self,
        first: &FileSpec,
        key: RunKey,
        existing: Vec<Option<MappedArray>>,
    ) -> Result<(Journal, Vec<Place>, bool), Error> {
        let Transform {
            in_place,
            fresh,
            force,
            ..
        } = *self.transform;
        let path = Journal::path_for(&first.path);
        if !(fresh || force)
            && let Some(journal) = Journal::load(&path, key.clone()).map_err(Error::engine)?
        {
            if in_place {
                return Ok((journal, self.places(existing, false)?, true));
            }
            match self.places(self.specs.iter().map(|_| None).collect(), true) {
                Ok(places) => return Ok((journal, places, true)),
                // Without what it speaks of, a journal says nothing.
                Err(error) if error.code() == Code::FileNotFound => {}
                Err(error) => return Err(error),
            }
        } else if in_place && !force {
            Journal::check_absent(&path).map_err(Error::engine)?;
        }
        // In this order: an output that is being written by another is left alone, and so is its journal.
        let places = self.places(existing, false)?;
        let journal = Journal::create(&path, key).map_err(Error::engine)?;
        Ok((journal, places, false))
    }

    /// Where all outputs go: to the files that there are, else to files that are new or `again` those of an earlier run, else to memory.
    fn places(&self, existing: Vec<Option<MappedArray>>, again: bool) -> Result<Vec<Place>, Error> {
        let infos = self.kernel.outputs();
        let mut places = Vec::with_capacity(infos.len());
        for (i, (info, existing)) in infos.iter().zip(existing).enumerate() {
            let shape = &self.shapes[i];
            places.push(match (&self.specs[i], existing) {
                (_, Some(map)) => Place::Existing(map),
                (Some(spec), None) if again => Place::New(spec.reopen(info.dtype, shape)?),
                (Some(spec), None) => Place::New(spec.create(info.dtype, shape)?),
                (None, None) if info.reduced => Place::Scalar(Scalar::zero(info.dtype)),
                (None, None) => Place::Memory(self.in_memory(info.dtype, shape)?),
            });
        }
        Ok(places)
    }

    /// Room for an array without a file.
    fn in_memory(&self, dtype: DType, shape: &[usize]) -> Result<Array, Error> {
        let extents = shape.iter().map(|&extent| extent as u128);
        let bytes = extents.fold(dtype.itemsize() as u128, u128::saturating_mul);
        if !self.transform.holds_all && bytes > u128::from(self.transform.bounds.memory) {
            return Err(Error::output_without_file(
                bytes,
                self.transform.bounds.memory,
            ));
        }
        Ok(Array::zeros(dtype, shape, Order::C)?)
    }

    /// Keeps what a run that has failed has done, if another one can go on from there.
    fn keep(&self, error: Error, journal: Option<Journal>, places: Vec<Place>) -> Error {
        let Some(journal) = journal else {
            return error;
        };
        if !journal.has_begun() {
            return error;
        }
        // What the data does not allow, it will not allow again.
        let hopeless = error.kind() == ErrorKind::Run && error.code() != Code::Cancelled;
        if hopeless && !self.transform.in_place {
            return match journal.remove() {
                Ok(()) => error,
                Err(other) => Error::engine(other),
            };
        }
        for place in places {
            if let Place::New(mut file) = place {
                file.keep_on_drop(true);
            }
        }
        match hopeless || error.code() == Code::NotResumable {
            true => error,
            false => error.with_help("what is done is kept: the same run goes on from there"),
        }
    }
}

/// What a [`Transform`] or a [`Stream`](crate::Stream) came to: reduced values, and arrays that went nowhere else.
#[derive(Debug)]
pub struct Transformed {
    names: Arc<Names>,
    values: Vec<Option<Value>>,
    resumed: bool,
}

impl Transformed {
    pub(crate) fn new(names: Arc<Names>, values: Vec<Option<Value>>, resumed: bool) -> Transformed {
        Transformed {
            names,
            values,
            resumed,
        }
    }

    /// Whether it went on from where an earlier run was stopped.
    #[must_use]
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// The value of this name; none if there is no such output, or it went to a file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let at = self
            .names
            .outputs()
            .position(|output| output == Some(name))?;
        self.values[at].as_ref()
    }

    /// The values in the order of the expression; none for what went to a file.
    #[must_use]
    pub fn into_values(self) -> Vec<Option<Value>> {
        self.values
    }

    /// Names and values, in the order of the expression; no value for what went to a file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Option<&str>, Option<&Value>)> {
        self.names
            .outputs()
            .zip(self.values.iter().map(Option::as_ref))
    }
}

/// # Panics
/// If no output has this name, or it went to a file; [`get`](Transformed::get) does not.
impl Index<&str> for Transformed {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        let value = self.get(name);
        value.unwrap_or_else(|| panic!("no output `{name}` that is not a file"))
    }
}

/// # Panics
/// If there are not so many outputs, or it went to a file.
impl Index<usize> for Transformed {
    type Output = Value;

    fn index(&self, i: usize) -> &Value {
        self.values[i]
            .as_ref()
            .expect("an output that is not a file")
    }
}
