//! Where lazy arrays begin: arrays and maps that are there, and tables whose rows come a chunk at a time.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use numloom_data::stream::{
    Chunk, ChunkParser, ChunkSource, ColumnOwner, Columns, StreamError, StreamErrorKind,
};
use numloom_data::{DType, MapMode, MappedArray};
use numloom_io::{FileSpec, Format};

use crate::error::Error;
use crate::inputs::Input;
use crate::lazy::node::{Found, Op, SOME_ROWS, World};
use crate::lazy::{Lazy, Origin};

/// An array that is there.
pub(super) enum Source {
    Given(Input<'static>),
    Owner(Arc<dyn ColumnOwner>),
    /// A file, and how it was named.
    File(MappedArray, FileSpec),
}

impl Source {
    pub(super) fn dtype(&self) -> DType {
        self.input().dtype()
    }

    pub(super) fn shape(&self) -> Vec<usize> {
        self.input().shape().to_vec()
    }

    /// Its elements, borrowed.
    pub(super) fn input(&self) -> Input<'_> {
        match self {
            Source::Given(input) => input.reborrow(),
            Source::Owner(owner) => owner.view().into(),
            Source::File(map, _) => map.into(),
        }
    }

    pub(super) fn map(&self) -> Option<&MappedArray> {
        match self {
            Source::File(map, _) => Some(map),
            _ => None,
        }
    }

    pub(super) fn origin(&self) -> Origin<'_> {
        match self {
            Source::Given(input) => Origin::Array(input.view()),
            Source::Owner(owner) => Origin::Array(owner.view()),
            Source::File(_, spec) => Origin::File(spec),
        }
    }

    /// What it may be called, if that is a name.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Source::File(_, spec) => match &spec.format {
                Format::Field(name) | Format::Member(name) => Some(name.clone()),
                _ => spec.path.file_stem()?.to_str().map(str::to_owned),
            },
            _ => None,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(_, spec) => write!(f, "File({spec})"),
            _ => write!(f, "Array({}, {:?})", self.dtype(), self.shape()),
        }
    }
}

impl Lazy {
    /// An array that is there: an [`Array`](crate::Array), a `Vec`, a value, an owned array of another crate. It has no nulls.
    ///
    /// ```
    /// use numloom::Lazy;
    ///
    /// let x = Lazy::from_array(vec![1.0, 2.0, 4.0]);
    /// assert_eq!((&x - x.max()).compute()?.to_vec::<f64>()?, [-3.0, -2.0, 0.0]);
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn from_array(array: impl Into<Input<'static>>) -> Lazy {
        let input = array.into();
        if input.is_nullable() {
            return Lazy::failed(Error::lazy_nulls());
        }
        if let Err(error) = input.check() {
            return Lazy::failed(error);
        }
        Lazy::of_source(Source::Given(input))
    }

    /// An array that another library owns, and keeps as it is for as long as the lazy one lives. Nothing is copied.
    pub fn from_owner(owner: Arc<dyn ColumnOwner>) -> Lazy {
        Lazy::of_source(Source::Owner(owner))
    }

    /// The array of a `.npy` file, which is mapped and never read whole.
    ///
    /// # Errors
    /// Those of [`io::npy::open`](crate::io::npy::open).
    ///
    /// ```
    /// use numloom::{Lazy, View, io::npy};
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = |name: &str| dir.path().join(name);
    /// npy::write(path("x.npy"), &View::from_slice(&[1.0, 2.0, 6.0]))?;
    /// let x = Lazy::from_npy(path("x.npy"))?;
    /// (&x - x.mean()).write_npy(path("centred.npy"))?;
    /// assert_eq!(npy::read(path("centred.npy"))?.to_vec::<f64>()?, [-2.0, -1.0, 3.0]);
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn from_npy(path: impl AsRef<Path>) -> Result<Lazy, Error> {
        Lazy::from_file(&FileSpec {
            path: path.as_ref().into(),
            format: Format::Npy,
        })
    }

    /// The array of a file, raw or `.npy`, which is mapped and never read whole.
    ///
    /// # Errors
    /// Those of [`FileSpec::open`].
    pub fn from_file(spec: &FileSpec) -> Result<Lazy, Error> {
        let map = spec.open(MapMode::Read)?;
        Ok(Lazy::of_source(Source::File(map, spec.clone())))
    }

    /// A column of a table that is read a chunk of rows at a time; see [`LazyTable`], which has all of its columns.
    ///
    /// # Errors
    /// Those of `open`, and `unknown-name`.
    pub fn from_source<S, E>(
        open: impl Fn() -> Result<S, E> + Send + Sync + 'static,
        column: &str,
    ) -> Result<Lazy, Error>
    where
        S: ChunkSource + 'static,
        E: Into<Error>,
    {
        LazyTable::new(open)?.column(column)
    }

    fn of_source(source: Source) -> Lazy {
        let (dtype, shape) = (source.dtype(), source.shape());
        let world = World::Arrays;
        let found = Found {
            dtype,
            shape,
            is_counted: true,
            world,
        };
        Lazy::new(Op::Source(Arc::new(source)), Ok(found))
    }
}

/// Opens a table anew.
type Open = dyn Fn() -> Result<Box<dyn ChunkSource>, Error> + Send + Sync;

/// A table that is read a chunk of rows at a time, and can be opened again: CSV, text, generators.
///
/// ```
/// use numloom::io::csv::{CsvOptions, CsvSource};
/// use numloom::{Lazy, LazyTable};
///
/// let text = b"price,qty\n2.5,4\n1.0,10\n".as_slice();
/// let table = LazyTable::new(move || CsvSource::from_bytes(text, &CsvOptions::new()))?;
/// let (price, qty) = (table.column("price")?, table.column("qty")?);
/// let [total, best] = Lazy::compute_all([&(&price * &qty).sum(), &price.max()])?; // the text is read once
/// assert_eq!((total.item::<f64>()?, best.item::<f64>()?), (20.0, 2.5));
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LazyTable(Arc<Table>);

pub(super) struct Table {
    open: Box<Open>,
    columns: Columns,
    rows: Option<u64>,
    /// The one that told the columns; the first run takes it.
    first: Mutex<Option<Box<dyn ChunkSource>>>,
}

impl LazyTable {
    /// What `open` opens: once to learn its columns, and again whenever it has to be read anew and cannot be [restarted](ChunkSource::can_restart). It is the
    /// same table each time.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn new<S, E>(
        open: impl Fn() -> Result<S, E> + Send + Sync + 'static,
    ) -> Result<LazyTable, Error>
    where
        S: ChunkSource + 'static,
        E: Into<Error>,
    {
        let open = move || match open() {
            Ok(source) => Ok(Box::new(source) as Box<dyn ChunkSource>),
            Err(error) => Err(error.into()),
        };
        let first = open()?;
        Ok(LazyTable(Arc::new(Table {
            columns: first.columns().clone(),
            rows: first.rows(),
            open: Box::new(open),
            first: Mutex::new(Some(first)),
        })))
    }

    /// Names, dtypes and shapes of its columns.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.0.columns
    }

    /// The column of this name.
    ///
    /// # Errors
    /// `unknown-name`.
    pub fn column(&self, name: &str) -> Result<Lazy, Error> {
        let index = self.0.columns.find(name)?;
        let rows = match self.0.rows {
            Some(rows) => usize::try_from(rows).unwrap_or(usize::MAX),
            None => SOME_ROWS,
        };
        let spec = &self.0.columns[index];
        let found = Found {
            dtype: spec.dtype,
            shape: spec.shape(rows),
            is_counted: self.0.rows.is_some(),
            world: World::Table(Arc::clone(&self.0)),
        };
        Ok(Lazy::new(Op::Column(Arc::clone(&self.0), index), Ok(found)))
    }
}

impl Table {
    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    pub(super) fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// The table, to be read as often as it takes.
    pub(super) fn source(&self) -> Result<Reopened<'_>, Error> {
        let first = self.first.lock();
        let first = first.unwrap_or_else(PoisonError::into_inner).take();
        let source = match first {
            Some(source) => source,
            None => (self.open)()?,
        };
        Ok(Reopened {
            table: self,
            source,
            is_fresh: true,
        })
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// A table that is opened again where it cannot be restarted.
pub(super) struct Reopened<'t> {
    table: &'t Table,
    source: Box<dyn ChunkSource>,
    is_fresh: bool,
}

impl ChunkSource for Reopened<'_> {
    fn columns(&self) -> &Columns {
        &self.table.columns
    }

    fn rows(&self) -> Option<u64> {
        self.table.rows
    }

    fn size_bytes(&self) -> Option<u64> {
        self.source.size_bytes()
    }

    fn can_restart(&self) -> bool {
        true
    }

    fn one_at_a_time(&self) -> bool {
        self.source.one_at_a_time()
    }

    fn start(
        &mut self,
        columns: &[usize],
        chunk_bytes: usize,
    ) -> Result<Arc<dyn ChunkParser>, StreamError> {
        if !self.is_fresh && !self.source.can_restart() {
            self.source = (self.table.open)().map_err(StreamError::other)?;
        }
        self.is_fresh = false;
        let (expected, found) = (&self.table.columns, self.source.columns());
        if let Some((expected, found)) = expected.iter().zip(found).find(|(a, b)| a != b) {
            let (expected, found) = (expected.clone(), found.clone());
            return Err(StreamErrorKind::ColumnMismatch { expected, found }.into());
        }
        if expected.len() != found.len() {
            let (expected, found) = (expected.len(), found.len());
            return Err(StreamErrorKind::ColumnCount { expected, found }.into());
        }
        self.source.start(columns, chunk_bytes)
    }

    fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError> {
        self.source.split(chunk)
    }

    fn end(&mut self) {
        self.source.end();
    }
}
