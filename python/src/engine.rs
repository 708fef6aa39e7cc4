//! Options, caches and checks: [`Engine`], and the tables of the library.

use std::time::Duration;

use numloom::{Backend, Code, InputClass, Options, Schema};
use numpy::PyArrayDescr;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::arrays::dtype_of;
use crate::callable;
use crate::errors::{guard, raise};

/// Options, a pool of threads and a cache of kernels, held together.
#[pyclass(frozen, subclass, module = "numloom", name = "Engine", weakref)]
#[derive(Debug)]
pub(crate) struct Engine {
    engine: numloom::Engine,
    /// As they were given.
    options: Py<PyDict>,
}

impl Engine {
    pub(crate) fn engine(&self) -> &numloom::Engine {
        &self.engine
    }
}

/// Options of Python's, as the library's.
fn options(given: &Bound<'_, PyDict>) -> PyResult<Options> {
    let mut options = Options::new();
    for (name, value) in given {
        let name: String = name.extract()?;
        if value.is_none() {
            continue;
        }
        let size = || {
            value.extract::<usize>().map_err(|_| {
                PyValueError::new_err(format!("`{name}` must be a whole number, got {value}"))
            })
        };
        match name.as_str() {
            "threads" => options.threads = Some(size()?),
            "block" => options.block = Some(size()?),
            "serial_below" => options.serial_below = Some(size()?),
            "backend" => options.backend = Some(backend(value.extract()?)?),
            "optimize" => options.optimize = Some(value.extract()?),
            "deadline" => {
                let seconds = Duration::try_from_secs_f64(value.extract()?);
                let seconds = seconds
                    .map_err(|error| PyValueError::new_err(format!("`deadline`: {error}")))?;
                options.deadline = Some(seconds.into());
            }
            "max_output_bytes" => options.max_output_bytes = Some(size()? as u64),
            "max_source_bytes" => options.max_source_bytes = Some(size()?),
            "max_tokens" => options.max_tokens = Some(size()?),
            "max_depth" => options.max_depth = Some(size()?),
            "max_literal_bytes" => options.max_literal_bytes = Some(size()?),
            "max_nodes" => options.max_nodes = Some(size()?),
            "max_inputs" => options.max_inputs = Some(size()?),
            "max_diagnostics" => options.max_diagnostics = Some(size()?),
            "cache_entries" => options.cache_entries = Some(size()?),
            "cache_bytes" => options.cache_bytes = Some(size()?),
            _ => return Err(PyTypeError::new_err(format!("no option `{name}`"))),
        }
    }
    Ok(options)
}

fn backend(name: &str) -> PyResult<Backend> {
    let known = [
        Backend::Auto,
        Backend::Interpreter,
        Backend::Cranelift,
        Backend::Wide,
    ];
    let found = known
        .into_iter()
        .find(|backend| backend.to_string() == name);
    found.ok_or_else(|| {
        let names = known.map(|backend| backend.to_string()).join("', '");
        PyValueError::new_err(format!("backend must be one of '{names}' (got '{name}')"))
    })
}

/// Name, dtype, and whether it is reduced.
type Output = (Option<String>, String, bool);

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<Bound<'_, PyDict>>) -> PyResult<Engine> {
        guard(py, || {
            let given = options.unwrap_or_else(|| PyDict::new(py));
            let engine = numloom::Engine::new(self::options(&given)?);
            Ok(Engine {
                engine: engine.map_err(|error| raise(py, &error))?,
                options: given.unbind(),
            })
        })
    }

    /// The options it was made with.
    #[getter]
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.options.bind(py).copy()
    }

    /// How many threads a run may use.
    #[getter]
    fn threads(&self) -> usize {
        self.engine.threads()
    }

    /// Parses `expr`; `inputs` says in which order it takes arrays, that of their first use by default.
    #[pyo3(signature = (expr, inputs = None))]
    fn compile<'py>(
        slf: &Bound<'py, Self>,
        expr: &str,
        inputs: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        callable::compile(slf, expr, inputs)
    }

    /// What `expr` would compute for inputs of these dtypes, of which some are one number, or one without a dtype of its own: outputs as (name, dtype, reduced), or the exception.
    fn _check<'py>(
        &self,
        py: Python<'py>,
        expr: &str,
        schema: Vec<(String, Bound<'py, PyArrayDescr>, bool, bool)>,
    ) -> PyResult<(Vec<Output>, Option<Py<PyAny>>)> {
        guard(py, || {
            let mut known = Schema::new();
            for (name, descr, scalar, weak) in &schema {
                let Some(dtype) = dtype_of(descr) else {
                    let message =
                        format!("input `{name}` has dtype {descr}, which is none of numloom's");
                    return Err(PyTypeError::new_err(message));
                };
                let class = if *scalar {
                    InputClass::Scalar
                } else {
                    InputClass::Contiguous
                };
                known = match weak {
                    true => known.with_weak(name, dtype),
                    false => known.with_input(name, dtype, class),
                };
            }
            let check = py.detach(|| self.engine.check(expr, &known));
            let outputs = check.outputs.iter().map(|output| {
                (
                    output.name.clone(),
                    output.dtype.to_string(),
                    output.reduced,
                )
            });
            let outputs = outputs.collect();
            let error = check
                .error
                .map(|error| raise(py, &error).into_value(py).into_any());
            Ok((outputs, error))
        })
    }

    /// What the cache of kernels holds: entries, max_entries, bytes, max_bytes, hits, misses.
    fn cache_info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let info = self.engine.cache_info();
        let class = py.import("numloom._compile")?.getattr("CacheInfo")?;
        class.call1((
            info.entries,
            info.max_entries,
            info.bytes,
            info.max_bytes,
            info.hits,
            info.misses,
        ))
    }

    /// Forgets all kernels; those in use stay with their users.
    fn cache_clear(&self, py: Python<'_>) {
        py.detach(|| self.engine.cache_clear());
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let rebuild = py.import("numloom._compile")?.getattr("rebuild_engine")?;
        let args = (slf.get_type(), slf.get().options.bind(py)).into_pyobject(py)?;
        Ok((rebuild, args))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let options = slf.get().options.bind(slf.py());
        let options = options
            .iter()
            .map(|(name, value)| Ok(format!("{name}={}", value.repr()?)));
        Ok(format!(
            "numloom.Engine({})",
            options.collect::<PyResult<Vec<_>>>()?.join(", ")
        ))
    }
}

/// Each code that an error may have, and what it means.
#[pyfunction]
pub(crate) fn error_codes() -> Vec<(&'static str, &'static str)> {
    Code::ALL
        .iter()
        .map(|code| (code.slug(), code.explain()))
        .collect()
}

/// Each function of the language: names, signature, description, and its greatest error in units in the last place, if that is known.
#[pyfunction]
pub(crate) fn functions() -> Vec<(Vec<&'static str>, &'static str, &'static str, Option<f64>)> {
    let row = |f: numloom::Function| (f.names.to_vec(), f.signature, f.doc, f.max_ulp);
    numloom::functions().map(row).collect()
}
