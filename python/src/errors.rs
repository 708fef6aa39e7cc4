//! Errors of the library as Python exceptions: the data goes over, `numloom._errors` makes the exception.
//!
//! What goes in: a [`numloom::Error`], or a panic. What comes out: a [`PyErr`]. What it never does: let a panic pass, or choose a class.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use numloom::{Diagnostic, Error};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// The exception for an error.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    static EXCEPTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = EXCEPTION
        .import(py, "numloom._errors", "exception")
        .and_then(|exception| {
            let diagnostics = error.diagnostics().iter().map(|d| diagnostic(py, d));
            exception.call1((
                error.kind().to_string(),
                error.src(),
                error.to_string(),
                diagnostics.collect::<PyResult<Vec<_>>>()?,
                place(error),
            ))
        });
    made.map_or_else(|failed| failed, PyErr::from_value)
}

/// Where in a table a source found it: line, number of the column, and its name.
fn place(error: &Error) -> Option<(u64, Option<usize>, Option<String>)> {
    let place = error.place()?;
    let column = place.column.as_ref();
    let name = column.and_then(|column| column.name.clone());
    Some((place.line, column.map(|column| column.number), name))
}

/// The exception for arguments that are not the inputs.
pub(crate) fn input_error(code: &'static str, message: String) -> PyErr {
    Python::attach(|py| {
        let class = py
            .import("numloom._errors")
            .and_then(|errors| errors.getattr("InputError"));
        match class.and_then(|class| class.call1((message, code))) {
            Ok(exception) => PyErr::from_value(exception),
            Err(failed) => failed,
        }
    })
}

/// A diagnostic as plain data; spans are in bytes.
fn diagnostic<'py>(py: Python<'py>, diagnostic: &Diagnostic) -> PyResult<Bound<'py, PyDict>> {
    let label = |label: &numloom::Label| {
        let span = (label.span.start, label.span.end);
        (span, label.message.clone(), label.primary)
    };
    let data = PyDict::new(py);
    data.set_item("code", diagnostic.code.slug())?;
    data.set_item("message", &diagnostic.message)?;
    data.set_item(
        "labels",
        diagnostic.labels.iter().map(label).collect::<Vec<_>>(),
    )?;
    data.set_item("notes", &diagnostic.notes)?;
    data.set_item("help", diagnostic.help.as_deref())?;
    Ok(data)
}

/// Calls `f`; a panic becomes an exception that `except Exception` catches.
///
/// # Errors
/// Those of `f`, and `InternalError`.
pub(crate) fn guard<T>(py: Python<'_>, f: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(internal(py, &*panic)))
}

fn internal(py: Python<'_>, panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("a panic without words");
    let class = py
        .import("numloom._errors")
        .and_then(|errors| errors.getattr("InternalError"));
    match class.and_then(|class| class.call1((text,))) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failed) => failed,
    }
}
