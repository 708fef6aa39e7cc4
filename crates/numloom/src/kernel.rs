//! An expression compiled for the dtypes of its inputs: [`Kernel`].

use std::fmt;
use std::sync::Arc;

use numloom_data::{DType, View, ViewMut};
use numloom_ir::{InputClass, Program, Schema};
use numloom_runtime::{Compiled, Out, Room, RunOptions};

use crate::error::{Error, Text};
use crate::explain::Explanation;
use crate::inputs::Input;
use crate::options::Options;
use crate::outputs::Outputs;
use crate::places::{Place, Places};
use crate::slots::with_items;

/// A compiled expression, to be run any number of times.
///
/// `Send`, `Sync` and cheap to clone: any number of threads may run one at once. It is compiled for the dtypes of its inputs, not
/// for their shapes.
///
/// ```
/// use numloom::{DType, Expr, Schema};
///
/// let schema = Schema::new().with("a", DType::F64).with("b", DType::F64);
/// let kernel = Expr::parse("let d = a - b; rms = sqrt(d*d); worst = max(abs(d))")?.compile(&schema)?;
/// let out = kernel.run([("a", &[1.0, 2.0]), ("b", &[1.0, 5.0])])?;
/// assert_eq!(out["worst"].item::<f64>()?, 3.0);
/// assert_eq!(out["rms"].to_vec::<f64>()?, [0.0, 3.0]);
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone)]
pub struct Kernel {
    inner: Arc<Inner>,
    run: RunOptions,
}

pub(crate) struct Inner {
    pub(crate) names: Arc<Names>,
    pub(crate) schema: Schema,
    /// As lowered, before the passes.
    pub(crate) typed: Program,
    pub(crate) compiled: Compiled,
    classes: Vec<InputClass>,
    /// The inputs that have a validity, which comes behind all inputs.
    nullable: Vec<usize>,
    /// For each output that may be null, the place of its validity, behind all outputs.
    validities: Vec<Option<usize>>,
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Kernel>();
};

/// One output of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputInfo {
    /// Its name; none for a bare expression.
    pub name: Option<String>,
    /// Its dtype.
    pub dtype: DType,
    /// Whether it is one value for the whole of the inputs, not one for each element.
    pub reduced: bool,
    /// Whether it may be null, since an input may.
    pub nullable: bool,
}

/// `rms: f64`, `f32`, `worst: f64 reduced`.
impl fmt::Display for OutputInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}: ")?;
        }
        write!(
            f,
            "{}{}{}",
            self.dtype,
            if self.reduced { " reduced" } else { "" },
            if self.nullable { " nullable" } else { "" }
        )
    }
}

/// The outputs of a program, but for their validities.
pub(crate) fn output_infos(prog: &Program, validities: &[Option<usize>]) -> Vec<OutputInfo> {
    let info = |(output, validity): (&numloom_ir::Output, &Option<usize>)| OutputInfo {
        name: output.name.clone(),
        dtype: prog.output_dtype(output),
        reduced: output.shape.sources().is_empty(),
        nullable: validity.is_some(),
    };
    prog.outputs.iter().zip(validities).map(info).collect()
}

/// What inputs and outputs are called, and the text to point at when they are called otherwise.
#[derive(Debug)]
pub struct Names {
    pub(crate) text: Arc<Text>,
    /// Names of inputs, ascending, and their places in the schema.
    inputs: Vec<(Box<str>, usize)>,
    outputs: Vec<Option<Box<str>>>,
}

impl Names {
    pub(crate) fn new(text: Arc<Text>, schema: &Schema, outputs: &[numloom_ir::Output]) -> Names {
        let name = |(i, input): (usize, &numloom_ir::SchemaInput)| (input.name.as_str().into(), i);
        let mut inputs: Vec<_> = schema.inputs.iter().enumerate().map(name).collect();
        inputs.sort_unstable();
        let outputs = outputs
            .iter()
            .map(|output| output.name.as_deref().map(Into::into));
        Names {
            text,
            inputs,
            outputs: outputs.collect(),
        }
    }

    fn input(&self, name: &str) -> Option<usize> {
        let found = self
            .inputs
            .binary_search_by(|(known, _)| known.as_ref().cmp(name));
        found.ok().map(|i| self.inputs[i].1)
    }

    fn input_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.inputs.iter().map(|(name, _)| name.as_ref())
    }

    /// The place of the output called `name`.
    pub(crate) fn output(&self, name: &str) -> Result<usize, Error> {
        let found = self
            .outputs
            .iter()
            .position(|output| output.as_deref() == Some(name));
        found.ok_or_else(|| {
            Error::no_output(
                &self.text,
                name,
                self.outputs.iter().flatten().map(AsRef::as_ref),
            )
        })
    }

    /// What each output is called, in order.
    pub(crate) fn outputs(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        self.outputs.iter().map(|name| name.as_deref())
    }

    pub(crate) fn not_one_output(&self) -> Error {
        Error::not_one_output(&self.text, self.outputs.len())
    }
}

impl Kernel {
    pub(crate) fn new(
        names: Names,
        schema: &Schema,
        typed: Program,
        validities: Vec<Option<usize>>,
        compiled: Compiled,
    ) -> Kernel {
        let nullable = (0..schema.inputs.len()).filter(|&i| schema.inputs[i].nullable);
        let inner = Inner {
            names: Arc::new(names),
            classes: schema.classes(),
            nullable: nullable.collect(),
            validities,
            schema: schema.clone(),
            typed,
            compiled,
        };
        Kernel {
            inner: Arc::new(inner),
            run: RunOptions::new(),
        }
    }

    /// Another handle of the same kernel whose runs have these options: threads, block, deadline, progress, cancel flag,
    /// `should_stop`, `max_output_bytes`, `serial_below`. Those that concern an engine have done their work and are not looked at.
    ///
    /// ```
    /// use std::time::Duration;
    /// use numloom::{DType, Expr, Options, Schema};
    ///
    /// let kernel = Expr::parse("a + 1")?.compile(&Schema::new().with("a", DType::I32))?;
    /// let patient = kernel.with(Options::new().threads(1).deadline(Duration::from_secs(10)));
    /// assert_eq!(Vec::<i32>::try_from(patient.run([("a", &[1, 2])])?)?, [2, 3]);
    /// # Ok::<(), numloom::Error>(())
    /// ```
    #[must_use]
    pub fn with(&self, options: impl Into<Options>) -> Kernel {
        let run = options.into().run_options().or(&self.run);
        Kernel {
            inner: Arc::clone(&self.inner),
            run,
        }
    }

    /// The text that was compiled.
    #[must_use]
    pub fn src(&self) -> &str {
        &self.inner.names.text.src
    }

    /// What it was compiled for.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    /// Names and dtypes of its outputs, in order.
    #[must_use]
    pub fn outputs(&self) -> Vec<OutputInfo> {
        output_infos(self.inner.compiled.program(), &self.inner.validities)
    }

    /// How it runs: engine, passes, memory traffic, blocks, threads.
    ///
    /// # Errors
    /// `engine-unavailable` if the backend that the engine insists on cannot run it.
    pub fn explain(&self) -> Result<Explanation, Error> {
        Explanation::of(self, None)
    }

    /// How it runs for contiguous inputs of these shapes, each under its name.
    ///
    /// # Errors
    /// As [`run`](Kernel::run), for arrays of these shapes.
    pub fn explain_for(&self, shapes: &[(&str, &[usize])]) -> Result<Explanation, Error> {
        let names = &self.inner.names;
        let mut found: Vec<Option<Vec<usize>>> = vec![None; self.inner.schema.inputs.len()];
        for (name, shape) in shapes {
            match names.input(name) {
                Some(i) => found[i] = Some(shape.to_vec()),
                None => {
                    let known = names.input_names();
                    return Err(Error::unexpected_inputs(&names.text, &[name], known));
                }
            }
        }
        let mut found: Vec<_> = found.into_iter().map(Option::unwrap_or_default).collect();
        for &i in &self.inner.nullable {
            found.push(found[i].clone());
        }
        Explanation::of(self, Some(&found))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(crate) fn names(&self) -> &Names {
        &self.inner.names
    }

    pub(crate) fn run_options(&self) -> &RunOptions {
        &self.run
    }

    pub(crate) fn classes(&self) -> &[InputClass] {
        &self.inner.classes
    }

    /// The shape of each output for `inputs`, in order: what to allocate for [`run_into`](Kernel::run_into). A reduced value has
    /// no axes.
    ///
    /// # Errors
    /// `missing-input`, `unexpected-input`, `dtype-mismatch`, `shape-mismatch`.
    pub fn shapes<'i, 'n>(
        &self,
        inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
    ) -> Result<Vec<Vec<usize>>, Error> {
        let mut slots: Vec<_> = self.inner.schema.inputs.iter().map(|_| None).collect();
        self.arrange(inputs, &mut slots)?;
        let n = slots.len() + self.inner.nullable.len();
        let views: Vec<_> = (0..n).map(|i| self.view(&slots, i)).collect();
        let shapes = self.inner.compiled.shapes(&views);
        let mut shapes = shapes.map_err(|error| self.error(error))?;
        shapes.truncate(self.inner.validities.len());
        Ok(shapes)
    }

    /// Runs it over `inputs`, each under its name, and hands out new arrays and reduced values.
    ///
    /// Inputs have the dtypes of the [schema](Kernel::schema) and any shapes that broadcast together. Arrays come out row-major,
    /// or column-major if all inputs of their shape are. The bits depend on neither threads nor blocks nor layouts.
    ///
    /// # Errors
    /// `missing-input`, `unexpected-input`, `dtype-mismatch`, `shape-mismatch`; what only the data can decide: `cast-failed`,
    /// `negative-integer-power`, `empty-reduction`; limits: `out-of-memory`, `limit-exceeded`, `deadline-exceeded`, `cancelled`.
    /// There is no partial result.
    pub fn run<'i, 'n>(
        &self,
        inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
    ) -> Result<Outputs, Error> {
        let mut inputs = Some(inputs);
        let mut done = None;
        with_items(
            self.inner.schema.inputs.len(),
            &mut |_| None,
            &mut |slots| {
                let inputs = inputs.take().expect("called once");
                done = Some(
                    self.arrange(inputs, slots)
                        .and_then(|()| self.run_slots(slots)),
                );
            },
        );
        done.expect("called once")
    }

    /// Runs it over `inputs` into memory of the caller's; see [`Places`] for what `outputs` may be.
    ///
    /// Each place has exactly its result's dtype and shape, and may share memory with inputs. An output that may be null has none. With up to eight inputs and eight
    /// outputs, a small run allocates nothing, if reduced values go into a [`Scalar`](crate::Scalar). After an error the content of the places is not specified.
    ///
    /// # Errors
    /// Those of [`run`](Kernel::run), and `output-shape`, `output-dtype`, `read-only-output`, `unexpected-nulls`.
    ///
    /// ```
    /// use numloom::{DType, Expr, Schema};
    ///
    /// let schema = Schema::new().with("a", DType::F32);
    /// let kernel = Expr::parse("half = a / 2; total = sum(a)")?.compile(&schema)?;
    /// let (mut half, mut total) = ([0f32; 3], 0f32);
    /// kernel.run_into(
    ///     [("a", &[1f32, 2.0, 4.0])],
    ///     [("half", numloom::Place::from(&mut half)), ("total", (&mut total).into())],
    /// )?;
    /// assert_eq!((half, total), ([0.5, 1.0, 2.0], 7.0));
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn run_into<'i, 'n, 'o>(
        &self,
        inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
        outputs: impl Places<'o>,
    ) -> Result<(), Error> {
        let mut given = Some((inputs, outputs));
        let mut done = None;
        let names = &self.inner.names;
        with_items(names.inputs.len(), &mut |_| None, &mut |inputs| {
            with_items(names.outputs.len(), &mut |_| None, &mut |places| {
                let (given_inputs, given_places) = given.take().expect("called once");
                let arranged = self.arrange(given_inputs, inputs);
                let filled = arranged.and_then(|()| given_places.fill(names, places));
                done = Some(filled.and_then(|()| self.run_slots_into(inputs, places)));
            });
        });
        done.expect("called once")
    }

    /// The shortest way in: inputs in the order of the schema, outputs in the order of the expression, nothing looked up.
    ///
    /// A reduced value goes to a view without axes. The validities of [nullable](numloom_ir::SchemaInput::nullable) inputs come behind
    /// all inputs, those of [nullable](OutputInfo::nullable) outputs behind all outputs: bools of their shapes. Nothing is allocated for a small
    /// elementwise run with up to eight outputs.
    ///
    /// # Errors
    /// As [`run_into`](Kernel::run_into).
    ///
    /// ```
    /// use numloom::{DType, Expr, Schema, View, ViewMut};
    ///
    /// let schema = Schema::new().with("a", DType::F64).with("b", DType::F64);
    /// let kernel = Expr::parse("2*a + 3*b")?.compile(&schema)?;
    /// let mut c = [0.0; 2];
    /// kernel.call(
    ///     &[View::from_slice(&[1.0, 2.0]), View::from_slice(&[10.0, 20.0])],
    ///     &mut [ViewMut::from_slice(&mut c)],
    /// )?;
    /// assert_eq!(c, [32.0, 64.0]);
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn call(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<(), Error> {
        let n = outputs.len();
        let mut views = outputs.iter_mut();
        let mut out = |_| Out::Array(views.next().expect("one for each").reborrow());
        let mut done = Ok(());
        with_items(n, &mut out, &mut |outs| {
            done = self.inner.compiled.run_into(inputs, outs, &self.run);
        });
        done.map_err(|error| self.error(error))
    }

    /// Tells `each` what room every output takes for these inputs, both in the order of [`call`](Kernel::call), and returns about how many
    /// operations on elements the run will be: for hosts that own the memory of results, and choose how to wait for them.
    ///
    /// # Errors
    /// As [`shapes`](Kernel::shapes), and `limit-exceeded` if all outputs together take more than `max_output_bytes`.
    ///
    /// ```
    /// use numloom::{DType, Expr, Schema, View};
    ///
    /// let kernel = Expr::parse("a > 0; sum(a)")?.compile(&Schema::new().with("a", DType::I16))?;
    /// let mut rooms = Vec::new();
    /// let work = kernel.rooms(&[View::from_slice(&[1i16, 2, 3])], |room| {
    ///     rooms.push((room.dtype, room.shape.to_vec()));
    /// })?;
    /// assert_eq!(rooms, [(DType::Bool, vec![3]), (DType::I64, vec![])]);
    /// assert!(work >= 3);
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn rooms(&self, inputs: &[View<'_>], mut each: impl FnMut(Room<'_>)) -> Result<u64, Error> {
        let rooms = self.inner.compiled.rooms(inputs, &self.run, &mut each);
        rooms.map_err(|error| self.error(error))
    }

    /// What [`rooms`](Kernel::rooms) returns, if `outputs` are as it says and everything is as plain as can be: contiguous inputs of one shape, or without axes, and
    /// outputs of that shape. None if it takes [`rooms`](Kernel::rooms) to tell, and without the feature `jit`. For hosts whose calls are to cost little; nothing is allocated.
    ///
    /// ```
    /// use numloom::{DType, Expr, Schema, View, ViewMut};
    ///
    /// let kernel = Expr::parse("a + 1")?.compile(&Schema::new().with("a", DType::F32))?;
    /// let (a, mut c) = ([1f32, 2.0], [0f32; 2]);
    /// let work = kernel.plain_work(&[View::from_slice(&a)], &[ViewMut::from_slice(&mut c)]);
    /// assert_eq!(work.is_some(), cfg!(feature = "jit"));
    /// assert!(kernel.plain_work(&[View::from_slice(&a)], &[ViewMut::from_slice(&mut c[..1])]).is_none());
    /// # Ok::<(), numloom::Error>(())
    /// ```
    #[must_use]
    pub fn plain_work(&self, inputs: &[View<'_>], outputs: &[ViewMut<'_>]) -> Option<u64> {
        self.inner.compiled.plain_work(inputs, outputs, &self.run)
    }

    /// [`call`](Kernel::call), if it has one output, everything is as plain as [`plain_work`](Kernel::plain_work) says, reduced to one value perhaps, and one thread is done before
    /// another could help; whether it did. If not, [`call`](Kernel::call) does it, or says what is wrong; what the outputs hold is not specified till then. Never without the feature `jit`.
    ///
    /// ```
    /// use numloom::{DType, Expr, Schema, View, ViewMut};
    ///
    /// let kernel = Expr::parse("a + 1")?.compile(&Schema::new().with("a", DType::F32))?;
    /// let (a, mut c) = ([1f32, 2.0], [0f32; 2]);
    /// let (inputs, mut outputs) = ([View::from_slice(&a)], [ViewMut::from_slice(&mut c)]);
    /// if !kernel.call_short(&inputs, &mut outputs) {
    ///     kernel.call(&inputs, &mut outputs)?;
    /// }
    /// assert_eq!(c, [2.0, 3.0]);
    /// # Ok::<(), numloom::Error>(())
    /// ```
    #[must_use = "where it did nothing, `call` is to be called"]
    pub fn call_short(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> bool {
        let [output] = outputs else {
            return false;
        };
        let outs = &mut [Out::Array(output.reborrow())];
        self.inner.compiled.run_short(inputs, outs, &self.run)
    }

    /// The room of the only output, if it has but one, and everything is as plain as [`plain_work`](Kernel::plain_work) says. That is for [`call_short`](Kernel::call_short) to
    /// find, and for what comes after it: of inputs that are not plain this may be wrong.
    #[must_use]
    pub fn plain_room<'v>(&self, inputs: &'v [View<'_>]) -> Option<Room<'v>> {
        self.inner.compiled.plain_room(inputs, &self.run)
    }

    fn error(&self, error: numloom_runtime::RuntimeError) -> Error {
        Error::run(error, &self.inner.names.text)
    }

    /// Brings named inputs into the order of the schema; the slots are empty.
    fn arrange<'i, 'n>(
        &self,
        inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
        slots: &mut [Option<Input<'i>>],
    ) -> Result<(), Error> {
        let names = &self.inner.names;
        let mut unexpected = Vec::new();
        for (name, input) in inputs {
            match names.input(name) {
                None => unexpected.push(name),
                Some(i) if slots[i].is_some() => return Err(Error::given_twice("input", name)),
                Some(i) => slots[i] = Some(input.into()),
            }
        }
        if !unexpected.is_empty() {
            return Err(Error::unexpected_inputs(
                &names.text,
                &unexpected,
                names.input_names(),
            ));
        }
        if slots.iter().any(Option::is_none) {
            let missing = self.inner.schema.inputs.iter().zip(&*slots);
            let missing = missing
                .filter(|(_, slot)| slot.is_none())
                .map(|(input, _)| input.name.as_str());
            return Err(Error::missing_inputs(
                &names.text,
                &missing.collect::<Vec<_>>(),
            ));
        }
        for (slot, input) in slots.iter().flatten().zip(&self.inner.schema.inputs) {
            slot.check()?;
            if slot.is_nullable() && !input.nullable {
                return Err(Error::unexpected_nulls(&names.text, &input.name));
            }
        }
        Ok(())
    }

    /// The array that the program numbers `i`: an input, or the validity of one.
    fn view<'a>(&self, inputs: &'a [Option<Input<'_>>], i: usize) -> View<'a> {
        let input = |i: usize| inputs[i].as_ref().expect("`arrange` fills every slot");
        match i.checked_sub(inputs.len()) {
            None => input(i).view(),
            Some(i) => input(self.inner.nullable[i]).validity_view(),
        }
    }

    fn run_slots(&self, inputs: &[Option<Input<'_>>]) -> Result<Outputs, Error> {
        let mut values = None;
        let n = inputs.len() + self.inner.nullable.len();
        with_items(n, &mut |i| self.view(inputs, i), &mut |views| {
            values = Some(self.inner.compiled.run(views, &self.run));
        });
        let values = values
            .expect("called once")
            .map_err(|error| self.error(error))?;
        let names = Arc::clone(&self.inner.names);
        Ok(Outputs::new(names, values, &self.inner.validities))
    }

    fn run_slots_into(
        &self,
        inputs: &[Option<Input<'_>>],
        places: &mut [Option<Place<'_>>],
    ) -> Result<(), Error> {
        let names = &self.inner.names;
        let nullable = self.inner.validities.iter().position(Option::is_some);
        if let Some(i) = nullable {
            return Err(Error::nullable_place(
                &names.text,
                names.outputs[i].as_deref(),
            ));
        }
        for (place, name) in places.iter_mut().zip(&names.outputs) {
            match place {
                Some(place) => place.check()?,
                None => return Err(Error::missing_place(&names.text, name.as_deref())),
            }
        }
        let mut done = Ok(());
        let n = inputs.len() + self.inner.nullable.len();
        with_items(n, &mut |i| self.view(inputs, i), &mut |views| {
            let mut slots = places.iter_mut().flatten();
            let mut out = |_| slots.next().expect("just checked").out();
            with_items(names.outputs.len(), &mut out, &mut |outs| {
                done = self.inner.compiled.run_into(views, outs, &self.run);
            });
        });
        done.map_err(|error| self.error(error))
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("src", &self.src())
            .field("schema", &format_args!("{}", self.schema()))
            .finish_non_exhaustive()
    }
}
