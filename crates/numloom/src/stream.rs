//! Expressions over rows that come a chunk at a time: [`Stream`]; and what sources and sinks are made of.
//!
//! What goes in: an expression, a source of chunks, values. What comes out: reduced values, and a column for each output that has an element for each row. What it never does: hold more
//! of the source than the chunks in flight.

use std::fmt;
use std::sync::Arc;

pub use numloom_data::stream::*;

use numloom_data::{Array, Scalar};
use numloom_ir::Schema;
use numloom_runtime::StreamInput;

use crate::engine::Engine;
use crate::error::Error;
use crate::expr::Expr;
use crate::options::Options;
use crate::outputs::Value;
use crate::transform::Transformed;

/// Bytes of a chunk, raw and parsed: it stays in the second-level cache, or nearly.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// An expression over a table that is read a chunk of rows at a time: CSV, text, a pipe, an iterator. Its columns are the inputs of these names.
///
/// Made by [`Expr::stream`] or [`Engine::stream`]. Only columns that the expression uses are parsed, on all threads. Outputs have an element for each row, or are reduced over all of them; the bits are those of
/// one run over all rows, wherever the source is cut. What needs a reduced value first, as `x - mean(x)`, reads the source once more, which a pipe does not allow.
///
/// ```
/// use numloom::io::csv::{CsvOptions, CsvSource};
/// use numloom::{Expr, MemorySink};
///
/// let table = b"price,qty,note\n2.5,4,a\n1.0,10,b\n".as_slice();
/// let mut source = CsvSource::from_bytes(table, &CsvOptions::new())?;
/// let done = Expr::parse("total = sum(price*qty); max(price)")?.stream(&mut source).run()?;
/// assert_eq!((done["total"].item::<f64>()?, done[1].item::<f64>()?), (20.0, 2.5));
///
/// let mut sink = MemorySink::new();
/// Expr::parse("k * (price - mean(price))")?.stream(&mut source).value("k", 4.0).to(&mut sink).run()?;
/// assert_eq!(sink.into_arrays()?[0].to_vec::<f64>()?, [3.0, -3.0]);
/// # Ok::<(), numloom::Error>(())
/// ```
#[must_use = "nothing is done before `run`"]
pub struct Stream<'e> {
    expr: &'e Expr,
    /// None for the global one.
    engine: Option<&'e Engine>,
    source: &'e mut dyn ChunkSource,
    sink: Option<&'e mut dyn ChunkSink>,
    values: Vec<(String, Scalar)>,
    /// The names of those without a dtype of their own.
    weak: Vec<String>,
    chunk_bytes: usize,
    options: Options,
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("expr", &self.expr)
            .field("columns", self.source.columns())
            .finish_non_exhaustive()
    }
}

impl Expr {
    /// This expression over a table, on the [global engine](Engine::global).
    pub fn stream<'e>(&'e self, source: &'e mut dyn ChunkSource) -> Stream<'e> {
        Stream::new(self, None, source)
    }
}

impl Engine {
    /// An expression over a table, on this engine.
    pub fn stream<'e>(&'e self, expr: &'e Expr, source: &'e mut dyn ChunkSource) -> Stream<'e> {
        Stream::new(expr, Some(self), source)
    }
}

impl<'e> Stream<'e> {
    fn new(
        expr: &'e Expr,
        engine: Option<&'e Engine>,
        source: &'e mut dyn ChunkSource,
    ) -> Stream<'e> {
        Stream {
            expr,
            engine,
            source,
            sink: None,
            values: Vec::new(),
            weak: Vec::new(),
            chunk_bytes: CHUNK_BYTES,
            options: Options::new(),
        }
    }

    /// An input of one value, instead of a column of that name.
    pub fn value(mut self, name: impl Into<String>, value: impl Into<Scalar>) -> Self {
        self.values.push((name.into(), value.into()));
        self
    }

    /// The same for a number that has no dtype of its own: it takes that of what stands beside it in the text, as a literal does.
    pub fn weak_value(mut self, name: impl Into<String>, value: impl Into<Scalar>) -> Self {
        let name = name.into();
        self.weak.push(name.clone());
        self.value(name, value)
    }

    /// Where outputs go that have an element for each row: all of them, in the order of the expression. Without a sink they are held in memory.
    pub fn to(mut self, sink: &'e mut dyn ChunkSink) -> Self {
        self.sink = Some(sink);
        self
    }

    /// About how many bytes a chunk takes; it never changes a result.
    pub fn chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes;
        self
    }

    /// Options of the run: threads, progress, cancel flag, deadline and so on.
    pub fn options(mut self, options: impl Into<Options>) -> Self {
        self.options = options.into();
        self
    }

    /// Reads the source, once or as often as the expression needs.
    ///
    /// # Errors
    /// `unknown-name` if there is no such column; `not-streamable`; `file-io` and others of the source with their line and column; those of
    /// [`Kernel::run`](crate::Kernel::run).
    pub fn run(self) -> Result<Transformed, Error> {
        let engine = match self.engine {
            Some(engine) => engine,
            None => Engine::global()?,
        };
        let columns = self.source.columns();
        let read = self.expr.inputs_given(|name| {
            let value = self.values.iter().any(|(value, _)| value == name);
            value || columns.iter().any(|spec| spec.name == *name)
        });
        let mut schema = Schema::new();
        let mut given = Vec::new();
        for (i, (name, _)) in self.values.iter().enumerate() {
            if self.values[..i].iter().any(|(other, _)| other == name) {
                return Err(Error::given_twice("input", name));
            }
            if !read.contains(&name.as_str()) {
                return Err(Error::unused_value(name));
            }
        }
        let cells = self
            .values
            .iter()
            .map(|(_, value)| Array::from_scalar(value));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        for name in read {
            match self.values.iter().position(|(value, _)| value == name) {
                Some(i) => {
                    schema = schema.with_scalar(name, cells[i].dtype());
                    let last = schema.inputs.last_mut().expect("just appended");
                    last.weak = self.weak.iter().any(|weak| weak == name);
                    given.push(StreamInput::Value(cells[i].view()));
                }
                None if columns.iter().any(|spec| spec.name == *name) => {
                    let column = columns.find(name)?;
                    schema = schema.with(name, columns[column].dtype);
                    given.push(StreamInput::Column(column));
                }
                // A constant such as `pi`, or an unknown name, as compiling tells.
                None => {}
            }
        }
        let kernel = engine
            .compile(self.expr, &schema)?
            .with(self.options.clone());
        let inner = kernel.inner();
        let mut memory = MemorySink::new();
        let in_memory = self.sink.is_none();
        let sink: &mut dyn ChunkSink = match self.sink {
            Some(sink) => sink,
            None => &mut memory,
        };
        let options = kernel.run_options();
        let done = inner
            .compiled
            .stream(&given, self.source, sink, self.chunk_bytes, options);
        let values = done.map_err(|error| Error::run(error, &inner.names.text))?;
        let mut arrays = match in_memory {
            true => memory.into_arrays()?,
            false => Vec::new(),
        }
        .into_iter();
        let value = |value: Option<Scalar>| match value {
            Some(value) => Some(Value::Scalar(value)),
            None => arrays.next().map(Value::Array),
        };
        let values = values.into_iter().map(value).collect();
        Ok(Transformed::new(Arc::clone(&inner.names), values, false))
    }
}
