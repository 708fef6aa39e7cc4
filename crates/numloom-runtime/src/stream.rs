//! Runs over rows that come a chunk at a time: [`Compiled::stream`].
//!
//! What goes in: a program, a [`ChunkSource`] whose columns are inputs, a [`ChunkSink`] for what has an element for each row. What comes out: the sink's blocks and
//! reduced values, to the bit those of one run over all rows, wherever the source is cut. What it never does: hold more rows than the chunks in flight, or read the source again
//! unless a value must be known first.
//!
//! Steps go in *rounds*, one for each time that the source is read: passes that need nothing of one another. Reductions go through the [fixed tree](numloom_ir::reduce) over
//! positions, so a run takes whole leaves: rows past the last leaf of a chunk wait for the next one.

use std::collections::BTreeMap;
use std::sync::Arc;

use numloom_data::stream::{ChunkSink, ChunkSource, ColumnSpec, Columns};
use numloom_data::{Array, Order, Scalar, View};
use numloom_ir::reduce::{LEAF, Tree};
use numloom_ir::{FloatEnv, InputSource, Kernel};

use crate::bind::Out;
use crate::compiled::Compiled;
use crate::control::{Control, Verdict};
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::exec::Conditions;
use crate::feed::feed;
use crate::kept::KeptShapes;
use crate::layout::{Role, Target};
use crate::memory::Outputs;
use crate::options::RunOptions;
use crate::pass::{PassRun, reduced_values};
use crate::run::{Run, finish, places, put};
use crate::scratch::{Scratch, with_thread_scratch};
use crate::stage::{Feed, Formula, Pass, ScalarStep, Stages, Step};

/// What an input of a streamed run is.
#[derive(Clone, Debug)]
pub enum StreamInput<'a> {
    /// The column of the source with this index.
    Column(usize),
    /// A value for all rows.
    Value(View<'a>),
}

/// Rows of a table of which nothing is known: as many as make no shape special.
const SOME_ROWS: usize = 1 << 20;

/// What reductions have come to before a run, and the position of its first element.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) tree: Option<Tree>,
    pub(crate) base: u64,
}

impl Compiled {
    /// Runs it over a table: inputs are columns of `source` or single values; outputs that have an element for each row go to `sink`, a column each; those that are reduced are
    /// returned, in order, and none for the others.
    ///
    /// Chunks take about `chunk_bytes` each, and are parsed on all threads. A program that needs a reduced value before it can go on reads the source once more. The total that
    /// progress is told is 0 where the number of rows is not known.
    ///
    /// # Errors
    /// [`NotStreamable`](RuntimeErrorKind::NotStreamable), [`Stream`](RuntimeErrorKind::Stream) with those of the source and the sink, and those of any run.
    ///
    /// # Panics
    /// With the panic of the progress callback.
    pub fn stream(
        &self,
        inputs: &[StreamInput<'_>],
        source: &mut dyn ChunkSource,
        sink: &mut dyn ChunkSink,
        chunk_bytes: usize,
        options: &RunOptions,
    ) -> Result<Vec<Option<Scalar>>, RuntimeError> {
        let _env = FloatEnv::enter();
        let table = Table::new(inputs, source.columns())?;
        with_thread_scratch(|scratch| {
            let streamed = Streamed::new(self, &table, scratch)?;
            let engine = &self.engine().options().run;
            let rows = source.rows();
            let total = rows.unwrap_or(0).saturating_mul(streamed.rounds as u64);
            let mut running = Running {
                streamed: &streamed,
                conditions: Conditions {
                    compiled: self,
                    options,
                    control: Control::new(options, engine, None, total),
                    block: options.block.or(engine.block),
                    // A chunk's results are read again at once.
                    outputs: Outputs::Fresh,
                },
                options,
                rows,
                expected: 0,
                known: vec![false; streamed.stages.scalars],
                outputs: streamed.outputs(self)?,
                scratch,
            };
            running.run(source, sink, chunk_bytes)
        })
    }
}

/// The inputs, and a zero of each column to stand for rows that are not there.
struct Table<'a> {
    inputs: &'a [StreamInput<'a>],
    columns: Columns,
    zeros: Vec<Array>,
}

impl<'a> Table<'a> {
    fn new(inputs: &'a [StreamInput<'a>], columns: &Columns) -> Result<Table<'a>, RuntimeError> {
        let zeros = columns
            .iter()
            .map(|spec| Array::from_scalar(&Scalar::zero(spec.dtype)));
        Ok(Table {
            inputs,
            columns: columns.clone(),
            zeros: zeros.collect::<Result<_, _>>()?,
        })
    }

    /// An array for each input: rows that are given, by the index of their column, or `rows` zeros that take no memory.
    fn views<'v>(
        &'v self,
        rows: usize,
        given: &BTreeMap<usize, View<'v>>,
    ) -> Result<Vec<View<'v>>, RuntimeError> {
        let view = |input: &'v StreamInput<'_>| match input {
            StreamInput::Value(view) => Ok(view.clone()),
            StreamInput::Column(i) => match given.get(i) {
                Some(view) => Ok(view.clone()),
                None => Ok(self.zeros[*i]
                    .view()
                    .broadcast_to(&self.columns[*i].shape(rows))?),
            },
        };
        self.inputs.iter().map(view).collect()
    }

    /// Whether an array of this shape has an element for each of [`SOME_ROWS`], and the axes of every column.
    fn is_of_rows(&self, shape: &[usize]) -> bool {
        let mut columns = self.inputs.iter().filter_map(|input| match input {
            StreamInput::Column(i) => Some(&self.columns[*i]),
            StreamInput::Value(_) => None,
        });
        shape.first() == Some(&SOME_ROWS)
            && columns.all(|spec| 1 + spec.row_shape.len() == shape.len())
    }
}

/// What is done each time that the source is read.
#[derive(Default)]
struct Round<'s> {
    /// Scalars to be computed before, as far as they can be.
    scalars: Vec<&'s ScalarStep>,
    passes: Vec<&'s Pass>,
}

/// A program over a table.
struct Streamed<'a> {
    table: &'a Table<'a>,
    stages: Arc<Stages>,
    /// The outputs that have an element for each row, and the shapes of these.
    columns: Vec<(usize, Vec<usize>)>,
    /// Rows that make whole leaves.
    unit: usize,
    rounds: usize,
}

impl Round<'_> {
    /// Whether `pass` reads what this one comes to.
    fn feeds(&self, pass: &Pass) -> bool {
        let mut targets = self.passes.iter().flat_map(|pass| &pass.targets);
        targets.any(|target| match target {
            Target::Scalar(slot) => pass.feeds.contains(&Feed::Scalar(*slot)),
            Target::Kept(_) | Target::Output(..) => false,
        })
    }
}

impl<'a> Streamed<'a> {
    fn new(
        compiled: &Compiled,
        table: &'a Table<'a>,
        scratch: &mut Scratch,
    ) -> Result<Streamed<'a>, RuntimeError> {
        let inner = compiled.inner();
        let refuse = |what| RuntimeError::from(RuntimeErrorKind::NotStreamable { what });
        let is_column = |input: u32| {
            let input = table.inputs.get(input as usize);
            matches!(input, Some(StreamInput::Column(_)))
        };
        for input in &inner.prog.inputs {
            if matches!(input.source, InputSource::View { input, .. } if is_column(input)) {
                return Err(refuse(
                    "a column cannot be subscripted: its rows are never there at once",
                ));
            }
        }
        let arrays = table.views(SOME_ROWS, &BTreeMap::new())?;
        let views = compiled.views(&arrays)?;
        compiled.infer(scratch, &views)?;
        let stages = inner.stages(&scratch.shapes, &mut scratch.pattern, &views);
        let leaves_axes = stages.passes().any(|pass| pass.site.is_some());
        if leaves_axes || stages.layout.roles.contains(&Role::Kept) {
            return Err(refuse(
                "what a reduction leaves must be one value, and the rows of a value as long as the column's",
            ));
        }
        let mut unit = 1;
        for pass in stages.passes() {
            let mut shape = Vec::new();
            KeptShapes::default().space(pass, &scratch.shapes, &views, &mut shape);
            if !table.is_of_rows(&shape) {
                return Err(refuse("every column must have the axes of the result"));
            }
            let width: usize = shape[1..].iter().product();
            let power = width.max(1).trailing_zeros().min(LEAF.ilog2());
            unit = unit.max(LEAF >> power);
        }
        let mut columns = Vec::new();
        for (i, output) in inner.prog.outputs.iter().enumerate() {
            let shape = scratch.shapes.output(&inner.sets, i);
            if inner.sets.is_scalar(i) {
                continue;
            }
            if !table.is_of_rows(shape) || output.imag.is_some() {
                return Err(refuse(
                    "an output must be a real value for each row, or a reduced one",
                ));
            }
            columns.push((i, shape[1..].to_vec()));
        }
        let rounds = rounds(&stages).len();
        Ok(Streamed {
            table,
            stages,
            columns,
            unit,
            rounds,
        })
    }

    /// Room for each output: for what has an element for each row, none so far.
    fn outputs(&self, compiled: &Compiled) -> Result<Vec<Array>, RuntimeError> {
        let prog = compiled.program();
        let array = |(i, output)| {
            let dtype = prog.output_dtype(output);
            Ok(match self.columns.iter().find(|(column, _)| *column == i) {
                Some((_, row)) => Array::zeros(dtype, &[&[0], &row[..]].concat(), Order::C)?,
                None => Array::from_scalar(&Scalar::zero(dtype))?,
            })
        };
        prog.outputs.iter().enumerate().map(array).collect()
    }
}

/// The steps, by how often the source must have been read before.
fn rounds(stages: &Stages) -> Vec<Round<'_>> {
    let mut rounds = vec![Round::default()];
    for step in &stages.steps {
        let last = rounds.last_mut().expect("there is one");
        match step {
            Step::Pass(pass) if last.feeds(pass) => rounds.push(Round {
                scalars: Vec::new(),
                passes: vec![pass],
            }),
            Step::Pass(pass) => last.passes.push(pass),
            Step::Scalar(step) if last.passes.is_empty() => last.scalars.push(step),
            Step::Scalar(step) => rounds.push(Round {
                scalars: vec![step],
                passes: Vec::new(),
            }),
        }
    }
    rounds
}

/// How far a pass over the source has brought one of the program.
struct State {
    carried: Carried,
    kernel: Option<Arc<Kernel>>,
}

/// A run over a table.
struct Running<'r, 'a> {
    streamed: &'r Streamed<'a>,
    conditions: Conditions<'r>,
    options: &'r RunOptions,
    /// How many rows there are, once that is known.
    rows: Option<u64>,
    /// Elements that are done if all went well.
    expected: u64,
    /// The scalars that are known.
    known: Vec<bool>,
    outputs: Vec<Array>,
    scratch: &'r mut Scratch,
}

impl Running<'_, '_> {
    fn run(
        &mut self,
        source: &mut dyn ChunkSource,
        sink: &mut dyn ChunkSink,
        chunk_bytes: usize,
    ) -> Result<Vec<Option<Scalar>>, RuntimeError> {
        let Streamed {
            stages, columns, ..
        } = self.streamed;
        let prog = self.conditions.compiled.program();
        let spec = |(i, row): &(usize, Vec<usize>)| {
            let output = &prog.outputs[*i];
            let name = output.name.clone().unwrap_or_default();
            ColumnSpec::with_row_shape(name, prog.output_dtype(output), row)
        };
        sink.start(&columns.iter().map(spec).collect::<Columns>(), self.rows)?;
        self.scratch.scalars.clear();
        self.scratch
            .scalars
            .resize(stages.scalars, Scalar::Bool(false));
        let rounds = rounds(stages);
        let read = |round: &Round<'_>| !round.passes.is_empty();
        let last = rounds
            .iter()
            .rposition(read)
            .or((!columns.is_empty()).then_some(0));
        let mut pending = Vec::new();
        for (i, round) in rounds.iter().enumerate() {
            pending.extend(&round.scalars);
            self.scalars(&mut pending)?;
            let mut passes = round.passes.clone();
            let is_last = Some(i) == last;
            if is_last {
                // All columns of a block are written at once, so those that could have been computed before come now.
                let writes = |pass: &&&Pass| {
                    pass.targets
                        .iter()
                        .any(|target| matches!(target, Target::Output(..)))
                };
                let earlier = rounds[..i].iter().flat_map(|round| &round.passes);
                passes.extend(earlier.filter(writes));
            }
            let is_known = |feed: &Feed| matches!(feed, Feed::Scalar(slot) if self.known[*slot]);
            if !passes.iter().flat_map(|pass| &pass.feeds).all(is_known) {
                self.round(&[], source, None, chunk_bytes)?;
                self.scalars(&mut pending)?;
            }
            if is_last || !passes.is_empty() {
                let sink: Option<&mut dyn ChunkSink> = match is_last && !columns.is_empty() {
                    true => Some(&mut *sink),
                    false => None,
                };
                self.round(&passes, source, sink, chunk_bytes)?;
            }
        }
        if self.rows.is_none() {
            self.round(&[], source, None, chunk_bytes)?;
        }
        self.scalars(&mut pending)?;
        sink.finish()?;
        let is_column = |i| columns.iter().any(|(column, _)| *column == i);
        for last in stages.finals.iter().filter(|last| !is_column(last.output)) {
            let mut out = Out::Array(self.outputs[last.output].view_mut());
            finish(last, &mut out, &self.scratch.scalars, &[])?;
        }
        let values = self.outputs.iter().enumerate();
        Ok(values
            .map(|(i, array)| if is_column(i) { None } else { array.item() })
            .collect())
    }

    /// Computes the scalars that can be by now.
    fn scalars(&mut self, pending: &mut Vec<&ScalarStep>) -> Result<(), RuntimeError> {
        let Conditions { compiled, .. } = self.conditions;
        let rows = self.rows.map_or(SOME_ROWS, |rows| {
            usize::try_from(rows).unwrap_or(usize::MAX)
        });
        let arrays = self.streamed.table.views(rows, &BTreeMap::new())?;
        let views = compiled.views(&arrays)?;
        compiled.infer(self.scratch, &views)?;
        let run = Run {
            compiled,
            stages: &self.streamed.stages,
            views: &views,
            options: self.options,
            memory: Outputs::Fresh,
            windows: None,
        };
        let mut left = Vec::new();
        for step in pending.drain(..) {
            let ready = match &step.formula {
                Formula::Count(_) => self.rows.is_some(),
                Formula::Const(_) | Formula::Input(_) => true,
                Formula::Apply(_, slots) => slots.iter().all(|&slot| self.known[slot]),
            };
            if ready {
                self.scratch.scalars[step.slot] = run.scalar(step, self.scratch)?;
                self.known[step.slot] = true;
            } else {
                left.push(step);
            }
        }
        *pending = left;
        Ok(())
    }

    /// Reads the source once, for these passes, or to count its rows.
    fn round(
        &mut self,
        passes: &[&Pass],
        source: &mut dyn ChunkSource,
        mut sink: Option<&mut dyn ChunkSink>,
        chunk_bytes: usize,
    ) -> Result<(), RuntimeError> {
        let used = self.used(passes);
        let reduces = passes.iter().any(|pass| pass.part.reduces);
        let unit = if reduces { self.streamed.unit } else { 1 };
        let state = |_: &&Pass| State {
            carried: Carried {
                tree: None,
                base: 0,
            },
            kernel: None,
        };
        let mut states: Vec<State> = passes.iter().map(state).collect();
        let mut rest = Rest::new(&used, &self.streamed.table.columns, unit)?;
        let mut rows = 0u64;
        let threads = self.options.threads.unwrap_or(usize::MAX);
        let threads = threads.min(self.conditions.compiled.shared().threads());
        feed(source, &used, chunk_bytes, threads, |chunk| {
            // Rows that are only counted go through no pass that would look.
            if !self.conditions.control.wants_chunk(0)
                && let Err(Verdict::Stopped(error)) = self.conditions.control.verdict(self.expected)
            {
                return Err(error);
            }
            let n = chunk.rows();
            rows += n as u64;
            let views: Vec<View<'_>> = chunk.views().collect();
            let mut at = 0;
            if rest.rows > 0 {
                at = rest.take(&views, 0)?;
                if rest.rows < unit {
                    return Ok(());
                }
                self.rows_done(passes, &mut states, &used, &rest.views()?, unit, &mut sink)?;
                rest.rows = 0;
            }
            let whole = (n - at) / unit * unit;
            if whole > 0 {
                let part = slices(&views, at, at + whole)?;
                self.rows_done(passes, &mut states, &used, &part, whole, &mut sink)?;
                at += whole;
            }
            rest.take(&views, at)?;
            Ok(())
        })?;
        // No rows at all are a run, too.
        if rest.rows > 0 || rows == 0 {
            let (views, n) = (rest.views()?, rest.rows);
            self.rows_done(passes, &mut states, &used, &views, n, &mut sink)?;
        }
        self.rows = Some(rows);
        for (pass, state) in passes.iter().zip(states) {
            let (Some(kernel), Some(tree)) = (state.kernel, state.carried.tree) else {
                continue;
            };
            for (root, value) in reduced_values(&kernel, &tree.finish()) {
                match pass.targets.get(root) {
                    Some(Target::Scalar(slot)) => {
                        self.scratch.scalars[*slot] = value;
                        self.known[*slot] = true;
                    }
                    Some(Target::Output(i, _)) => {
                        put(&mut Out::Array(self.outputs[*i].view_mut()), &value)?;
                    }
                    Some(Target::Kept(_)) => unreachable!("refused where the program was staged"),
                    None => put(&mut Out::Array(self.outputs[root].view_mut()), &value)?,
                }
            }
        }
        Ok(())
    }

    /// The columns that passes read, ascending.
    fn used(&self, passes: &[&Pass]) -> Vec<usize> {
        let prog = self.conditions.compiled.program();
        let mut used = Vec::new();
        for &input in passes.iter().flat_map(|pass| &pass.part.inputs) {
            let array = match prog.inputs.get(input).map(|input| &input.source) {
                Some(InputSource::Array) => input,
                Some(InputSource::Real(array) | InputSource::Imag(array)) => *array as usize,
                // A part of a value, or what an earlier pass came to.
                Some(InputSource::View { .. }) | None => continue,
            };
            if let Some(StreamInput::Column(column)) = self.streamed.table.inputs.get(array) {
                used.push(*column);
            }
        }
        used.sort_unstable();
        used.dedup();
        used
    }

    /// Runs passes over `n` rows of the columns that are used.
    fn rows_done(
        &mut self,
        passes: &[&Pass],
        states: &mut [State],
        used: &[usize],
        rows: &[View<'_>],
        n: usize,
        sink: &mut Option<&mut dyn ChunkSink>,
    ) -> Result<(), RuntimeError> {
        let Streamed {
            table,
            stages,
            columns,
            ..
        } = self.streamed;
        let Conditions { compiled, .. } = self.conditions;
        let given = used.iter().copied().zip(rows.iter().cloned()).collect();
        let arrays = table.views(n, &given)?;
        let views = compiled.views(&arrays)?;
        compiled.infer(self.scratch, &views)?;
        for (i, row) in columns {
            let output = &mut self.outputs[*i];
            if output.shape()[0] < n {
                *output = Array::zeros(output.dtype(), &[&[n], &row[..]].concat(), Order::C)?;
            }
        }
        let end = Some(n.cast_signed());
        let mut outs = Vec::with_capacity(self.outputs.len());
        for (i, output) in self.outputs.iter_mut().enumerate() {
            let is_column = columns.iter().any(|(column, _)| *column == i);
            let view = output.view_mut();
            outs.push(Out::Array(match is_column {
                true => view.slice_axis(0, None, end, 1)?,
                false => view,
            }));
        }
        let scalars = std::mem::take(&mut self.scratch.scalars);
        self.scratch.guards = Default::default();
        for (pass, state) in passes.iter().zip(states) {
            let mut shape = Vec::new();
            KeptShapes::default().space(pass, &self.scratch.shapes, &views, &mut shape);
            let feeds = pass.feeds.iter().map(|feed| match *feed {
                Feed::Scalar(slot) => Ok(Array::from_scalar(&scalars[slot])?),
                Feed::Kept(_) => unreachable!("refused where the program was staged"),
            });
            let feeds = feeds.collect::<Result<Vec<_>, RuntimeError>>()?;
            let mut views = views.to_vec();
            views.extend(feeds.iter().map(Array::view));
            self.expected += shape.iter().product::<usize>() as u64;
            let run = PassRun {
                pass,
                shape: &shape,
                views: &views,
                conditions: &self.conditions,
                windows: None,
                expected: self.expected,
            };
            let kernel = match stages.is_one_pass {
                true => run.carried(self.scratch, &mut outs, &mut state.carried)?,
                false => {
                    let mut places = places(pass, &mut outs, &mut []);
                    run.carried(self.scratch, &mut places, &mut state.carried)?
                }
            };
            state.kernel = Some(kernel);
        }
        for last in &stages.finals {
            if sink.is_some() && columns.iter().any(|(column, _)| *column == last.output) {
                finish(last, &mut outs[last.output], &scalars, &[])?;
            }
        }
        self.scratch.scalars = scalars;
        drop(outs);
        if let Some(sink) = sink
            && n > 0
        {
            let block = columns.iter().map(|(i, _)| {
                let all = self.outputs[*i].view();
                all.slice_axis(0, None, end, 1)
            });
            sink.write(&block.collect::<Result<Vec<_>, _>>()?)?;
        }
        Ok(())
    }
}

/// The same rows of each column.
fn slices<'v>(views: &[View<'v>], start: usize, end: usize) -> Result<Vec<View<'v>>, RuntimeError> {
    let [start, end] = [start, end].map(|at| Some(at.cast_signed()));
    let slice = |view: &View<'v>| Ok(view.slice_axis(0, start, end, 1)?);
    views.iter().map(slice).collect()
}

/// Rows that wait for more, until they make whole leaves.
struct Rest {
    arrays: Vec<Array>,
    rows: usize,
    unit: usize,
}

impl Rest {
    fn new(used: &[usize], columns: &Columns, unit: usize) -> Result<Rest, RuntimeError> {
        let array = |&i: &usize| Array::zeros(columns[i].dtype, &columns[i].shape(unit), Order::C);
        let arrays = used.iter().map(array).collect::<Result<_, _>>()?;
        Ok(Rest {
            arrays,
            rows: 0,
            unit,
        })
    }

    /// Takes rows in from `start` on, as many as there is room for; where the next one is.
    fn take(&mut self, views: &[View<'_>], start: usize) -> Result<usize, RuntimeError> {
        let there = views.first().map_or(start, |view| view.shape()[0]);
        let n = (there - start).min(self.unit - self.rows);
        let bounds = [self.rows, self.rows + n].map(|at| Some(at.cast_signed()));
        for (array, rows) in self.arrays.iter_mut().zip(slices(views, start, start + n)?) {
            array
                .view_mut()
                .slice_axis(0, bounds[0], bounds[1], 1)?
                .assign(&rows)?;
        }
        self.rows += n;
        Ok(start + n)
    }

    fn views(&self) -> Result<Vec<View<'_>>, RuntimeError> {
        let views: Vec<View<'_>> = self.arrays.iter().map(Array::view).collect();
        slices(&views, 0, self.rows)
    }
}
