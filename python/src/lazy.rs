//! Lazy arrays: [`LazyNode`], which `numloom.Lazy` wraps.
//!
//! What goes in: arrays, files, names of functions with their operands. What comes out: nodes, and arrays when they are asked for. What it never does: decide what
//! an operation is called or may be given, which the Python side and the library do.

use std::path::PathBuf;
use std::sync::Arc;

use numloom::io::{FileSpec, Format};
use numloom::{Complex, Computation, Lazy, Operand, Options, Origin, SubscriptKind};
use numpy::{PyArrayDescr, PyUntypedArray};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyComplex, PyEllipsis, PyFloat, PyInt, PySlice, PyString, PyTuple,
};

use crate::arrays;
use crate::engine::Engine;
use crate::errors::{guard, raise};
use crate::host::{Host, Line};
use crate::stream::values_of;

/// A node of a graph that is computed when it is asked for.
#[pyclass(frozen, module = "numloom._numloom")]
#[derive(Debug)]
pub(crate) struct LazyNode(Lazy);

/// The node, unless something is wrong with it.
fn checked(py: Python<'_>, lazy: Lazy) -> PyResult<LazyNode> {
    match lazy.check() {
        Ok(()) => Ok(LazyNode(lazy)),
        Err(error) => Err(raise(py, &error)),
    }
}

/// An operand: a node, a number or text of Python's, a dtype, or a tuple of these.
fn operand(object: &Bound<'_, PyAny>) -> PyResult<Operand> {
    if let Ok(tuple) = object.cast::<PyTuple>() {
        let parts = tuple.iter().map(|part| plain_operand(&part));
        return Ok(parts.collect::<PyResult<Vec<_>>>()?.into());
    }
    plain_operand(object)
}

fn plain_operand(object: &Bound<'_, PyAny>) -> PyResult<Operand> {
    if let Ok(node) = object.cast::<LazyNode>() {
        return Ok(node.get().0.clone().into());
    }
    if object.is_none() {
        return Ok(().into());
    }
    if let Ok(value) = object.cast_exact::<PyBool>() {
        return Ok(value.is_true().into());
    }
    if object.is_instance_of::<PyInt>() {
        return Ok(object.extract::<i128>()?.into());
    }
    if object.is_instance_of::<PyFloat>() {
        return Ok(object.extract::<f64>()?.into());
    }
    if object.is_instance_of::<PyComplex>() {
        let part = |name| object.getattr(name)?.extract::<f64>();
        return Ok(Complex::new(part("real")?, part("imag")?).into());
    }
    if object.is_instance_of::<PyString>() {
        return Ok(object.extract::<&str>()?.into());
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Operand::bytes(bytes.as_bytes()));
    }
    if let Some(dtype) = object
        .cast::<PyArrayDescr>()
        .ok()
        .and_then(arrays::dtype_of)
    {
        return Ok(dtype.into());
    }
    let message = format!("no operand of a lazy array: {}", object.get_type().name()?);
    Err(PyTypeError::new_err(message))
}

/// One item of a subscript.
fn subscript(item: &Bound<'_, PyAny>) -> PyResult<SubscriptKind> {
    if item.is_none() {
        return Ok(SubscriptKind::NewAxis);
    }
    if item.is_instance_of::<PyEllipsis>() {
        return Ok(SubscriptKind::Ellipsis);
    }
    let integer = |object: &Bound<'_, PyAny>| -> PyResult<i64> {
        let is_bool = object.is_instance_of::<PyBool>();
        match object.call_method0("__index__") {
            Ok(index) if !is_bool => index.extract(),
            _ => Err(PyIndexError::new_err(
                "a lazy array takes integers, slices, `None` and `...` between brackets; compute it to take more",
            )),
        }
    };
    let Ok(slice) = item.cast::<PySlice>() else {
        return Ok(SubscriptKind::Index(integer(item)?));
    };
    let bound = |name| -> PyResult<Option<i64>> {
        let value = slice.getattr(name)?;
        match value.is_none() {
            true => Ok(None),
            false => integer(&value).map(Some),
        }
    };
    let step = bound("step")?;
    if step == Some(0) {
        return Err(pyo3::exceptions::PyValueError::new_err(
            "slice step cannot be zero",
        ));
    }
    Ok(SubscriptKind::Slice {
        start: bound("start")?,
        stop: bound("stop")?,
        step,
    })
}

/// A node, and what it is called in a text.
type Named = (String, LazyNode);

#[pymethods]
impl LazyNode {
    /// An array, whose elements stay where they are.
    #[staticmethod]
    fn array(array: &Bound<'_, PyUntypedArray>) -> PyResult<LazyNode> {
        guard(array.py(), || {
            let held = arrays::Held::new(array).ok_or_else(|| {
                let message = "the array's dtype is none of numloom's";
                PyTypeError::new_err(message)
            })?;
            Ok(LazyNode(Lazy::from_owner(Arc::new(held))))
        })
    }

    /// A file: a `.npy`, or what `raw` says of it.
    #[staticmethod]
    #[pyo3(signature = (path, raw = None))]
    fn file(py: Python<'_>, path: PathBuf, raw: Option<&str>) -> PyResult<LazyNode> {
        guard(py, || {
            let open = || {
                let format = match raw {
                    Some(raw) => Format::Raw(raw.parse()?),
                    None => Format::Npy,
                };
                Lazy::from_file(&FileSpec { path, format })
            };
            let lazy = py.detach(open).map_err(|error| raise(py, &error))?;
            Ok(LazyNode(lazy))
        })
    }

    /// The function of this name.
    #[staticmethod]
    fn call(
        py: Python<'_>,
        name: &str,
        args: Vec<Bound<'_, PyAny>>,
        keywords: Vec<(String, Bound<'_, PyAny>)>,
    ) -> PyResult<LazyNode> {
        guard(py, || {
            let args = args.iter().map(operand).collect::<PyResult<Vec<_>>>()?;
            let keyword =
                |(name, value): &(String, Bound<'_, PyAny>)| Ok((name.clone(), operand(value)?));
            let keywords = keywords.iter().map(keyword);
            let keywords = keywords.collect::<PyResult<Vec<_>>>()?;
            let named = keywords.iter().map(|(name, value)| (name.as_str(), value));
            checked(py, Lazy::call_with(name, args, named))
        })
    }

    /// What a text says of these.
    #[staticmethod]
    fn expr(
        py: Python<'_>,
        text: &str,
        inputs: Vec<(String, Bound<'_, LazyNode>)>,
    ) -> PyResult<LazyNode> {
        guard(py, || {
            let inputs = inputs.iter();
            let inputs = inputs.map(|(name, node)| (name.as_str(), &node.get().0));
            match Lazy::expr(text, inputs) {
                Ok(lazy) => Ok(LazyNode(lazy)),
                Err(error) => Err(raise(py, &error)),
            }
        })
    }

    /// The elements that these items take.
    fn subscript(&self, py: Python<'_>, items: Vec<Bound<'_, PyAny>>) -> PyResult<LazyNode> {
        guard(py, || {
            let items = items.iter().map(subscript).collect::<PyResult<Vec<_>>>()?;
            checked(py, self.0.slice_items(&items))
        })
    }

    /// The same, computed in a stage of its own.
    fn hold(&self) -> LazyNode {
        LazyNode(self.0.hold())
    }

    /// The same with a hint, or without.
    #[pyo3(signature = (rows))]
    fn with_chunks(&self, rows: Option<usize>) -> LazyNode {
        LazyNode(self.0.with_chunks(rows))
    }

    #[getter]
    fn chunks(&self) -> Option<usize> {
        self.0.chunks()
    }

    #[getter]
    fn dtype(&self, py: Python<'_>) -> PyResult<String> {
        let dtype = self.0.dtype().map_err(|error| raise(py, &error))?;
        Ok(dtype.to_string())
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let shape = self.0.shape().map_err(|error| raise(py, &error))?;
        PyTuple::new(py, shape)
    }

    /// What it is made of: `("array", array)`, `("file", path, raw)`, `("held", node)`, or `("computed",)`.
    fn origin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        guard(py, || match self.0.origin() {
            Origin::Array(view) => {
                let array = view.to_array().map_err(|error| raise(py, &error.into()))?;
                ("array", arrays::from_array(py, array)?).into_pyobject(py)
            }
            Origin::File(spec) => {
                let raw = match &spec.format {
                    Format::Raw(raw) => Some(raw.to_string()),
                    _ => None,
                };
                ("file", spec.path.as_os_str(), raw).into_pyobject(py)
            }
            Origin::Held(of) => ("held", LazyNode(of.clone())).into_pyobject(py),
            _ => ("computed",).into_pyobject(py),
        })
    }

    /// A text, and the nodes that it is over.
    fn expression(&self, py: Python<'_>) -> PyResult<(String, Vec<Named>)> {
        guard(py, || {
            let expression = self.0.expression();
            let (text, inputs) = expression.map_err(|error| raise(py, &error))?;
            let inputs = inputs.into_iter();
            let inputs = inputs.map(|(name, lazy)| (name, LazyNode(lazy)));
            Ok((text, inputs.collect()))
        })
    }

    /// How these would be computed.
    #[staticmethod]
    fn explain(
        py: Python<'_>,
        nodes: Vec<Bound<'_, LazyNode>>,
        engine: &Bound<'_, Engine>,
    ) -> PyResult<String> {
        guard(py, || {
            let computation = Computation::of(nodes.iter().map(|node| &node.get().0));
            let computation = computation.engine(engine.get().engine());
            let explained = py.detach(|| computation.explain());
            let explained = explained.map_err(|error| raise(py, &error))?;
            Ok(explained.to_string())
        })
    }

    /// What leads to these, in this format: "svg" or "dot".
    #[staticmethod]
    fn draw(nodes: Vec<Bound<'_, LazyNode>>, format: &str) -> String {
        let graph = Computation::of(nodes.iter().map(|node| &node.get().0)).graph();
        match format {
            "dot" => graph.dot(),
            _ => graph.svg(),
        }
    }

    /// Computes these together: an array for each, or `None` for what went to its file.
    #[staticmethod]
    #[pyo3(signature = (nodes, engine, *, files = None, threads = None, memory = None, fresh = false, progress = None))]
    #[expect(clippy::too_many_arguments, reason = "each is an option of the run")]
    fn compute(
        py: Python<'_>,
        nodes: Vec<Bound<'_, LazyNode>>,
        engine: &Bound<'_, Engine>,
        files: Option<Vec<Option<PathBuf>>>,
        threads: Option<usize>,
        memory: Option<u64>,
        fresh: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Option<Py<PyAny>>>> {
        guard(py, || {
            let lazies: Vec<Lazy> = nodes.iter().map(|node| node.get().0.clone()).collect();
            let engine = engine.get().engine().clone();
            let run = move |mut options: Options| {
                options.threads = threads;
                let mut computation = Computation::of(&lazies).engine(&engine).fresh(fresh);
                for (place, file) in files.into_iter().flatten().enumerate() {
                    if let Some(file) = file {
                        computation = computation.write_npy(place, file);
                    }
                }
                if let Some(memory) = memory {
                    computation = computation.memory(memory);
                }
                computation.options(options).run()
            };
            let values = Host::start(Line::default(), None, progress, run)?.complete(py)?;
            values_of(py, values)
        })
    }
}
