//! The callable: [`Compiled`].
//!
//! What goes in: arrays, by place or by name. What comes out: arrays, or the caller's own written to. What it never does: type, plan or
//! compute, which the kernel for the arrays' dtypes does; it is made when they are met first.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use numloom::{Code, DType, Expr, InputClass, Kernel, Options, Scalar, Schema, Stage, View};
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::arrays;
use crate::engine::Engine;
use crate::errors::{guard, input_error, raise};
use crate::operands::Operand;
use crate::places::{Alone, Given, Layout, Places};
use crate::stream::{self, Running, Source, Target};
use crate::transform::{self, Settings};
use crate::tree;
use crate::waiting::{self, wait};

/// The most combinations of dtypes whose kernels are at hand; the engine's cache has those that were crowded out.
const MAX_VARIANTS: usize = 64;

/// The most inputs of a call that is made the short way.
const MAX_PLAIN: usize = 4;

/// What is behind `numloom.Compiled`, which Python calls in a shorter way: see [`callable`](crate::callable).
#[pyclass(
    frozen,
    subclass,
    module = "numloom._numloom",
    name = "_Compiled",
    weakref
)]
#[derive(Debug)]
pub(crate) struct Compiled {
    expr: Expr,
    engine: Py<Engine>,
    /// In the order of positional arguments.
    inputs: Py<PyTuple>,
    names: Vec<String>,
    /// Whether one of them has the name that a place to write to has in a call.
    has_input_out: bool,
    /// Names of the outputs, with `None` for a bare expression.
    outputs: Py<PyTuple>,
    variants: RwLock<Vec<Arc<Variant>>>,
}

/// The kernel for inputs of certain dtypes.
#[derive(Debug)]
struct Variant {
    schema: Schema,
    kernel: Kernel,
    /// For each output, whether elements may be missing.
    nullable: Vec<bool>,
}

impl Variant {
    fn is_for(&self, operands: &[Operand<'_>], views: &[View<'_>]) -> bool {
        let mut given = self.schema.inputs.iter().zip(operands).zip(views);
        given.all(|((input, operand), view)| {
            input.dtype == view.dtype()
                && (input.class == InputClass::Scalar) == (view.ndim() == 0)
                && (input.nullable, input.weak) == (operand.is_nullable(), operand.is_weak())
        })
    }
}

/// What a call asks for beside its inputs.
#[derive(Default)]
struct Request<'py> {
    out: Option<Bound<'py, PyAny>>,
    casting: Option<Bound<'py, PyAny>>,
    order: Option<Bound<'py, PyAny>>,
    threads: Option<usize>,
}

impl Compiled {
    fn new(
        py: Python<'_>,
        engine: Py<Engine>,
        src: &str,
        inputs: Option<Vec<String>>,
    ) -> PyResult<Compiled> {
        let expr = engine.get().engine().parse(src);
        let expr = expr.map_err(|error| raise(py, &error))?;
        let names =
            inputs.unwrap_or_else(|| expr.inputs().iter().map(|&name| name.into()).collect());
        let inputs = names.iter().map(|name| PyString::intern(py, name));
        Ok(Compiled {
            engine,
            inputs: PyTuple::new(py, inputs)?.unbind(),
            has_input_out: names.iter().any(|name| name == "out"),
            names,
            outputs: PyTuple::new(py, expr.outputs())?.unbind(),
            expr,
            variants: RwLock::default(),
        })
    }

    /// The arguments in the order of the inputs, and what else was asked for.
    fn arrange<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<(Vec<Operand<'py>>, Request<'py>)> {
        let n = self.names.len();
        let mut request = Request::default();
        if args.len() > n {
            return Err(self.not_so_many(args.len()));
        }
        let mut operands = Vec::with_capacity(n);
        for (object, name) in args.iter_borrowed().zip(&self.names) {
            operands.push(Operand::of(&object, name)?);
        }
        let Some(kwargs) = kwargs else {
            return match operands.len() == n {
                true => Ok((operands, request)),
                false => Err(self.missing(&self.names[operands.len()..])),
            };
        };
        let mut named: Vec<Option<Operand<'py>>> =
            self.names[operands.len()..].iter().map(|_| None).collect();
        for (key, value) in kwargs {
            let inputs = || self.inputs.bind(args.py()).iter_borrowed();
            let place = match inputs().position(|name| name.is(&key)) {
                Some(place) => Some(place),
                None => inputs().position(|name| key.eq(name).unwrap_or(false)),
            };
            match place {
                Some(i) if i < args.len() => {
                    let name = &self.names[i];
                    let message = format!("got input `{name}` twice, by its place and by its name");
                    return Err(input_error("unexpected-input", message));
                }
                Some(i) => named[i - args.len()] = Some(Operand::of(&value, &self.names[i])?),
                None => match key.cast::<PyString>()?.to_str()? {
                    "out" => request.out = (!value.is_none()).then_some(value),
                    "casting" => request.casting = Some(value),
                    "order" => request.order = Some(value),
                    "threads" if value.is_none() => request.threads = None,
                    "threads" => request.threads = Some(threads(&value)?),
                    other => {
                        let given = self.names[..operands.len()].iter().cloned();
                        let keys = kwargs.keys().into_iter().map(|key| key.to_string());
                        let misnamed = self.misnamed(args.py(), given.chain(keys));
                        return Err(misnamed.unwrap_or_else(|| self.unexpected(other)));
                    }
                },
            }
        }
        let missing: Vec<_> = (self.names[operands.len()..].iter().zip(&named))
            .filter(|(_, operand)| operand.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        if !missing.is_empty() {
            return Err(self.missing(&missing));
        }
        operands.extend(named.into_iter().flatten());
        Ok((operands, request))
    }

    /// The error at the place of a name in the text that is none of those given.
    fn misnamed(&self, py: Python<'_>, given: impl Iterator<Item = String>) -> Option<PyErr> {
        let schema = given.fold(Schema::new(), |schema, name| schema.with(&name, DType::F64));
        let error = self.expr.check(&schema).error?;
        (error.code() == Code::UnknownName).then(|| raise(py, &error))
    }

    fn not_so_many(&self, found: usize) -> PyErr {
        let (n, list) = (self.names.len(), self.list());
        let s = if n == 1 { "" } else { "s" };
        input_error(
            "unexpected-input",
            format!("takes {n} input{s} ({list}), got {found}"),
        )
    }

    fn missing(&self, names: &[String]) -> PyErr {
        let s = if names.len() == 1 { "" } else { "s" };
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        input_error(
            "missing-input",
            format!("missing input{s} {}", names.join(", ")),
        )
    }

    fn unexpected(&self, name: &str) -> PyErr {
        let list = self.list();
        let message = format!(
            "no input named `{name}`; there are {list}, and `out`, `casting`, `order`, `threads`"
        );
        input_error("unexpected-input", message)
    }

    fn list(&self) -> String {
        match &self.names[..] {
            [] => "none".to_owned(),
            names => format!("`{}`", names.join("`, `")),
        }
    }

    /// The kernel that `is_it`, if it was made before. The lock is not held any more: whoever waits for it may hold the interpreter, and a run gets hold of that again.
    fn met(&self, is_it: impl Fn(&Variant) -> bool) -> Option<Arc<Variant>> {
        let known = self.variants.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|variant| is_it(variant)).cloned()
    }

    /// The kernel for such inputs.
    fn variant(
        &self,
        py: Python<'_>,
        operands: &[Operand<'_>],
        views: &[View<'_>],
    ) -> PyResult<Arc<Variant>> {
        if let Some(found) = self.met(|known| known.is_for(operands, views)) {
            return Ok(found);
        }
        let mut schema = Schema::new();
        for ((name, operand), view) in self.names.iter().zip(operands).zip(views) {
            let class = match view.ndim() {
                0 => InputClass::Scalar,
                _ => InputClass::Contiguous,
            };
            schema = schema.with_input(name, view.dtype(), class);
            let last = schema.inputs.last_mut().expect("just appended");
            last.nullable = operand.is_nullable();
            last.weak = operand.is_weak();
        }
        let engine = self.engine.get().engine();
        let kernel = py.detach(|| engine.compile(&self.expr, &schema));
        let kernel = kernel.map_err(|error| raise(py, &error))?;
        let outputs = kernel.outputs();
        let nullable = outputs.iter().map(|output| output.nullable);
        let variant = Arc::new(Variant {
            schema,
            nullable: nullable.collect(),
            kernel,
        });
        let mut known = self
            .variants
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_VARIANTS {
            known.remove(0);
        }
        known.push(Arc::clone(&variant));
        Ok(variant)
    }

    /// The call as it may be.
    ///
    /// # Errors
    /// For arguments that are not the inputs; those of the library, and of Python for what it makes of arguments.
    pub(crate) fn call<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (args.py(), slf.get());
        let (operands, request) = this.arrange(args, kwargs)?;
        if operands.iter().any(Operand::is_times) {
            static CALL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let call = CALL.import(py, "numloom._times", "call")?;
            return call.call1((slf, args, kwargs));
        }
        this.run(py, &operands, request)
    }

    /// The call as it most often is where its cost matters: a few arrays, `n` of them by place and the others under `names`, with a new array for the result, or one to write to that
    /// it fits. None if it is any other, or the first of its kind.
    pub(crate) fn call_plainly<'a, 'py>(
        &self,
        py: Python<'py>,
        n: usize,
        names: Option<Borrowed<'a, 'py, PyTuple>>,
        arg: impl Fn(usize) -> Borrowed<'a, 'py, PyAny>,
    ) -> Option<PyResult<Bound<'py, PyAny>>> {
        let mut args = [None; MAX_PLAIN];
        for (i, place) in args.get_mut(..n)?.iter_mut().enumerate() {
            *place = Some(arg(i));
        }
        let mut out = None;
        let inputs = self.inputs.bind(py);
        let names = names.iter().flat_map(|names| names.iter_borrowed());
        for (name, value) in names.zip((n..).map(arg)) {
            let place = match name.is(intern!(py, "out")) && !self.has_input_out {
                true => &mut out,
                false => args.get_mut(inputs.iter_borrowed().position(|input| input.is(name))?)?,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        match *args.get(..self.names.len())? {
            [Some(a)] => self.run_plainly([a], out),
            [Some(a), Some(b)] => self.run_plainly([a, b], out),
            [Some(a), Some(b), Some(c)] => self.run_plainly([a, b, c], out),
            [Some(a), Some(b), Some(c), Some(d)] => self.run_plainly([a, b, c, d], out),
            _ => None,
        }
    }

    fn run_plainly<'py, const N: usize>(
        &self,
        args: [Borrowed<'_, 'py, PyAny>; N],
        out: Option<Borrowed<'_, 'py, PyAny>>,
    ) -> Option<PyResult<Bound<'py, PyAny>>> {
        let py = args[0].py();
        let operands = args.each_ref().map(|arg| Operand::plain(arg));
        if operands.iter().any(Option::is_none) {
            return None;
        }
        let operands = operands.map(|operand| operand.expect("just seen"));
        let views = operands.each_ref().map(Operand::view);
        let variant = self.met(|known| known.is_for(&operands, &views))?;
        let kernel = &variant.kernel;
        let array = match &out {
            Some(out) => arrays::exact(out)?.clone(),
            None => match arrays::empty(py, kernel.plain_room(&views)?) {
                Ok(array) => array,
                Err(error) => return Some(Err(error)),
            },
        };
        let mut place = Alone::of(&array)?;
        let mut outs = [place.view_mut()];
        let most = views.iter().map(View::len).max().unwrap_or(0);
        if !waiting::wait_shortly(py, most, || kernel.call_short(&views, &mut outs)) {
            let work = kernel.plain_work(&views, &outs)?;
            if let Err(error) = wait(py, kernel, work, |kernel| kernel.call(&views, &mut outs)) {
                return Some(Err(error));
            }
        }
        Some(match out {
            Some(out) => Ok(out.to_owned()),
            None => arrays::or_scalar(array),
        })
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        operands: &[Operand<'_>],
        request: Request<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut views = Vec::with_capacity(operands.len());
        views.extend(operands.iter().map(Operand::view));
        let variant = self.variant(py, operands, &views)?;
        views.extend(operands.iter().filter_map(Operand::validity));
        let kernel = (request.threads).map(|n| variant.kernel.with(Options::new().threads(n)));
        let kernel = kernel.as_ref().unwrap_or(&variant.kernel);

        let layout = request.order.as_ref().map(Layout::of).transpose()?;
        let given = match &request.out {
            Some(out) => Given::all(out, self.outputs.bind(py))?,
            None => Vec::new(),
        };
        let (mut given, mut nullable) = (given.into_iter(), variant.nullable.iter());
        let mut places = Places::new(variant.nullable.len(), request.casting);
        let mut placed = Ok(());
        let work = kernel.rooms(&views, |mut room| {
            room.order = layout.map_or(room.order, |layout| layout.over(room.order, &views));
            if placed.is_ok() {
                let nullable = nullable.next().is_some_and(|&nullable| nullable);
                placed = places.push(py, room, nullable, given.next().flatten());
            }
        });
        let work = work.map_err(|error| raise(py, &error))?;
        placed?;
        let mut outs = places.views();
        wait(py, kernel, work, |kernel| kernel.call(&views, &mut outs))?;
        drop(outs);
        let mut results = places.finish(py, &variant.nullable)?;
        match results.len() {
            1 => Ok(results.remove(0)),
            _ => self.together(py, results),
        }
    }

    /// Several results as one tuple with names.
    fn together<'py>(
        &self,
        py: Python<'py>,
        results: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        static OUTPUTS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let outputs = OUTPUTS.import(py, "numloom._outputs", "Outputs")?;
        outputs.call1((results, self.outputs.bind(py)))
    }

    /// The kernel for inputs like these, and the shapes of those.
    fn explained<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        stage: Stage,
    ) -> PyResult<String> {
        let py = args.py();
        let explain = |kernel: &Kernel, shapes: &[(&str, &[usize])]| {
            if stage == Stage::Plan {
                let explanation = match shapes {
                    [] => kernel.explain(),
                    shapes => kernel.explain_for(shapes),
                };
                return explanation.map(|explanation| explanation.to_string());
            }
            let engine = self.engine.get().engine();
            engine.explain_stage(self.expr.src(), kernel.schema(), stage)
        };
        let text = if args.is_empty()
            && kwargs.is_none_or(|kwargs| kwargs.is_empty())
            && !self.names.is_empty()
        {
            let known = self.variants.read().unwrap_or_else(PoisonError::into_inner);
            let Some(variant) = known.last().cloned() else {
                drop(known);
                let message = "it has not been called yet: give `explain` arrays, or call it first";
                return Err(PyValueError::new_err(message));
            };
            explain(&variant.kernel, &[])
        } else {
            let (operands, _) = self.arrange(args, kwargs)?;
            if operands.iter().any(Operand::is_times) {
                let message = "times are computed with as integers: give `explain` those";
                return Err(PyValueError::new_err(message));
            }
            let views: Vec<_> = operands.iter().map(Operand::view).collect();
            let variant = self.variant(py, &operands, &views)?;
            let names = self.names.iter().map(String::as_str);
            let shapes: Vec<_> = names.zip(views.iter().map(View::shape)).collect();
            explain(&variant.kernel, &shapes)
        };
        text.map_err(|error| raise(py, &error))
    }
}

/// A function, and what it is to be called with.
type Pickled<'py> = (Bound<'py, PyAny>, (String, Py<PyTuple>, Py<Engine>));

/// A count of threads.
fn threads(value: &Bound<'_, PyAny>) -> PyResult<usize> {
    value.extract().map_err(|_| {
        PyValueError::new_err(format!(
            "threads must be a whole number from 1 up, got {value}"
        ))
    })
}

/// The one value given for the input `name`, and whether it has no dtype of its own.
fn number(value: &Bound<'_, PyAny>, name: &str) -> PyResult<(Scalar, bool)> {
    let operand = Operand::of(value, name)?;
    let number = operand.number().ok_or_else(|| {
        let message = format!("input `{name}` is an array, where a number is wanted");
        input_error("unexpected-input", message)
    })?;
    Ok((number, operand.is_weak()))
}

#[pymethods]
impl Compiled {
    #[new]
    #[pyo3(signature = (engine, expr, inputs = None))]
    fn new_object(
        engine: &Bound<'_, Engine>,
        expr: &str,
        inputs: Option<Vec<String>>,
    ) -> PyResult<Compiled> {
        guard(engine.py(), || {
            Compiled::new(engine.py(), engine.clone().unbind(), expr, inputs)
        })
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guard(args.py(), || Compiled::call(slf, args, kwargs))
    }

    /// Its nodes, children before parents, as (kind, place in bytes, word, children, their words), and its statements as (name, value, whether it
    /// is a temporary).
    fn _tree(&self) -> (Vec<tree::Node>, Vec<tree::Statement>) {
        tree::tree(&self.expr)
    }

    /// It over files: inputs as (name, file or number), outputs as (name, file); `tell` is called with elements done, and in all. Values, none
    /// for what went to a file, and whether an earlier run was gone on with.
    fn _transform(
        &self,
        py: Python<'_>,
        inputs: Vec<(String, Bound<'_, PyAny>)>,
        outputs: Vec<(Option<String>, PathBuf)>,
        settings: Settings,
        tell: Option<Bound<'_, PyAny>>,
    ) -> PyResult<transform::Done> {
        guard(py, || {
            let plan = transform::Plan {
                engine: self.engine.get().engine().clone(),
                expr: self.expr.clone(),
                inputs: inputs
                    .into_iter()
                    .map(|(name, given)| {
                        let given = match given.extract::<PathBuf>() {
                            Ok(file) => transform::Given::File(file),
                            Err(_) => {
                                let (value, weak) = number(&given, &name)?;
                                transform::Given::Value(value, weak)
                            }
                        };
                        Ok((name, given))
                    })
                    .collect::<PyResult<_>>()?,
                outputs,
                settings,
            };
            // What is told is made when it is known how much there is to do.
            let tell = match tell {
                Some(begin) => Some(begin.call1((plan.size_bytes(py)?,))?.unbind()),
                None => None,
            };
            plan.run(py, tell)
        })
    }

    /// It over a table, beside numbers; columns go to "memory", "blocks", or files: "npy", of which each may say whose it is, or "csv".
    fn _stream(
        &self,
        source: &Bound<'_, Source>,
        values: Vec<(String, Bound<'_, PyAny>)>,
        chunk: usize,
        threads: Option<usize>,
        target: &str,
        files: Vec<(Option<String>, PathBuf)>,
    ) -> PyResult<Running> {
        guard(source.py(), || {
            let values = values.into_iter().map(|(name, value)| {
                let (value, weak) = number(&value, &name)?;
                Ok((name, value, weak))
            });
            let plan = stream::Plan {
                engine: self.engine.get().engine().clone(),
                expr: self.expr.clone(),
                values: values.collect::<PyResult<_>>()?,
                chunk_bytes: chunk,
                threads,
                target: Target::of(target, files)?,
            };
            Running::start(source, plan)
        })
    }

    /// How it runs: passes, engine, bytes, threads. Over arrays like the ones given, by place or by name; without any, as it was compiled last.
    ///
    /// `stage` asks for an earlier form: "ast", "ir", "opt", "kernel", "clif", "asm"; the default is "plan".
    #[pyo3(signature = (*args, stage = "plan", **kwargs))]
    fn explain<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        stage: &str,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<String> {
        guard(args.py(), || {
            let stage = stage.parse().map_err(|_| {
                let names = Stage::ALL.map(Stage::name).join("', '");
                PyValueError::new_err(format!("stage must be one of '{names}' (got '{stage}')"))
            })?;
            self.explained(args, kwargs, stage)
        })
    }

    /// The text.
    #[getter]
    fn expr(&self) -> &str {
        self.expr.src()
    }

    /// Names of the inputs, in the order of positional arguments.
    #[getter]
    fn inputs(&self) -> &Py<PyTuple> {
        &self.inputs
    }

    /// Names of the outputs, `None` for a bare expression.
    #[getter]
    fn outputs(&self) -> &Py<PyTuple> {
        &self.outputs
    }

    /// Its statements: text, name, whether it is an output, its value, the reduction that this is (name, operand, arguments), and
    /// whether the rest is elementwise.
    #[getter]
    fn _statements<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let class = py.import("numloom._compile")?.getattr("Statement")?;
        let statements = self.expr.statements().into_iter().map(|s| {
            let reduction = s
                .reduction
                .map(|call| (call.name, call.operand, call.arguments));
            class.call1((
                s.text,
                s.name,
                s.is_output,
                s.value,
                reduction,
                s.is_elementwise,
            ))
        });
        statements.collect()
    }

    /// The engine it runs on.
    #[getter]
    fn engine(&self) -> &Py<Engine> {
        &self.engine
    }

    /// Inputs and outputs of each kernel it has so far, as text.
    #[getter]
    fn variants(&self) -> Vec<(String, String)> {
        let known = self.variants.read().unwrap_or_else(PoisonError::into_inner);
        let outputs = |kernel: &Kernel| {
            let outputs: Vec<_> = kernel.outputs().iter().map(ToString::to_string).collect();
            outputs.join(", ")
        };
        known
            .iter()
            .map(|v| (v.schema.to_string(), outputs(&v.kernel)))
            .collect()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Pickled<'py>> {
        let this = slf.get();
        let rebuild = slf.py().import("numloom._compile")?.getattr("rebuild")?;
        let engine = this.engine.clone_ref(slf.py());
        let inputs = this.inputs.clone_ref(slf.py());
        Ok((rebuild, (this.expr.src().to_owned(), inputs, engine)))
    }

    /// An engine remembers what it compiled, which holds the engine.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.engine)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let src = PyString::new(py, self.expr.src()).repr()?;
        Ok(format!(
            "<numloom.Compiled {src} of ({})>",
            self.names.join(", ")
        ))
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py()
            .import("numloom._display")?
            .call_method1("compiled", (slf,))
    }
}
