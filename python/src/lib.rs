//! Python bindings of numloom: NumPy arrays in and out, and nothing of meaning.
//!
//! What goes in: Python objects. What comes out: NumPy arrays and Python exceptions. What it never does: decide what an
//! expression means, which is the library's, or what Python is offered, which is the pure-Python package's.
//!
//! | file | responsibility |
//! |---|---|
//! | `arrays`* | NumPy arrays as views, and new ones |
//! | `operands` | one argument of a call: an array, a number, or what Python makes an array of |
//! | `callable`* | the type of what is called, without a tuple and a dict being made for it |
//! | `compiled` | the callable: arguments in order, a kernel for their dtypes, room for results |
//! | `places`* | where results go: new arrays, and the caller's |
//! | `waiting` | when to let go of the interpreter, and Ctrl-C |
//! | `host` | a run in a thread of its own, which asks the caller's for what is Python's |
//! | `stream` | tables read a chunk at a time, and runs over them |
//! | `transform` | runs over files |
//! | `lazy` | arrays that are computed when they are asked for |
//! | `tree` | the tree of an expression as plain data |
//! | `engine` | options, caches, checks |
//! | `errors` | errors of the library as data, for Python to make exceptions of |
//!
//! `*` marks where unsafe code is.
use pyo3::prelude::*;

mod arrays;
mod callable;
mod compiled;
mod engine;
mod errors;
mod host;
mod lazy;
mod operands;
mod places;
mod stream;
mod transform;
mod tree;
mod waiting;

/// The compiled half of `numloom`.
#[pymodule(gil_used = false)]
mod _numloom {
    #[pymodule_export]
    use crate::engine::{Engine, error_codes, functions};
    #[pymodule_export]
    use crate::lazy::LazyNode;
    #[pymodule_export]
    use crate::stream::{Running, Source};
    #[pymodule_export]
    use crate::tree::draw;

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("Compiled", crate::callable::class(module.py())?)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
