#![expect(
    unsafe_code,
    reason = "makes a type that Python calls without a tuple and a dict for its arguments, which is a third of a small call"
)]
//! The type `numloom.Compiled`: [`Compiled`] with all its methods, and a way to be called by vector (PEP 590).
//!
//! What goes in: arguments as Python has them on its stack. What comes out: what [`Compiled`] makes of them. What it never does: look at an
//! argument.
//!
//! Members of that kind are read by every CPython from 3.9 on, their flag has had its bit since 3.8; that the stable ABI names the flag from 3.12 on only concerns headers.

use std::ffi::{c_int, c_uint};
use std::ptr;

use pyo3::ffi::{self, PyMemberDef, PyObject, PyType_Slot, PyType_Spec};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::compiled::Compiled;
use crate::engine::Engine;
use crate::errors::guard;

/// `Py_TPFLAGS_HAVE_VECTORCALL`.
const HAVE_VECTORCALL: c_uint = 1 << 11;

/// `PY_VECTORCALL_ARGUMENTS_OFFSET`: the bit beside the count of arguments.
const ARGUMENTS_OFFSET: usize = 1 << (usize::BITS - 1);

type Vectorcall = unsafe extern "C" fn(
    *mut PyObject,
    *const *mut PyObject,
    usize,
    *mut PyObject,
) -> *mut PyObject;

struct Callable {
    class: Py<PyType>,
    /// Bytes from the beginning of an object to its way to be called, which lies behind all that [`Compiled`] has.
    offset: usize,
}

impl Callable {
    /// The one of this process.
    fn get(py: Python<'_>) -> PyResult<&'static Callable> {
        static CALLABLE: PyOnceLock<Callable> = PyOnceLock::new();
        CALLABLE.get_or_try_init(py, || Callable::new(py))
    }

    fn new(py: Python<'_>) -> PyResult<Callable> {
        let base = py.get_type::<Compiled>();
        let offset: usize = base.getattr("__basicsize__")?.extract()?;
        let mut members = [
            PyMemberDef {
                name: c"__vectorcalloffset__".as_ptr(),
                type_code: ffi::Py_T_PYSSIZET,
                offset: offset.cast_signed(),
                flags: ffi::Py_READONLY,
                doc: ptr::null(),
            },
            PyMemberDef::default(),
        ];
        let doc = c"An expression that waits for arrays: call it with one for each of its inputs.";
        let mut slots = [
            PyType_Slot {
                slot: ffi::Py_tp_members,
                pfunc: members.as_mut_ptr().cast(),
            },
            PyType_Slot {
                slot: ffi::Py_tp_doc,
                pfunc: doc.as_ptr().cast_mut().cast(),
            },
            PyType_Slot::default(),
        ];
        let mut spec = PyType_Spec {
            name: c"numloom.Compiled".as_ptr(),
            basicsize: c_int::try_from(offset + size_of::<Vectorcall>())?,
            itemsize: 0,
            flags: ffi::Py_TPFLAGS_DEFAULT as c_uint | HAVE_VECTORCALL,
            slots: slots.as_mut_ptr(),
        };
        let bases = PyTuple::new(py, [base])?;
        // SAFETY: the parts of the specification live and end as they must, and Python copies them; objects have room for one pointer more than those of the base, where the
        // member says, which is aligned as the size of an object is. The result is a new reference, or null with an error set.
        let class = unsafe {
            let class = ffi::PyType_FromSpecWithBases(&raw mut spec, bases.as_ptr());
            Bound::from_owned_ptr_or_err(py, class)?
        };
        Ok(Callable {
            class: class.cast_into::<PyType>()?.unbind(),
            offset,
        })
    }
}

/// `numloom.Compiled`.
///
/// # Errors
/// Python's, if memory for it could not be had.
pub(crate) fn class(py: Python<'_>) -> PyResult<Bound<'_, PyType>> {
    Ok(Callable::get(py)?.class.bind(py).clone())
}

/// A [`Compiled`] of that type.
///
/// # Errors
/// Those of [`Compiled::new`].
pub(crate) fn compile<'py>(
    engine: &Bound<'py, Engine>,
    src: &str,
    inputs: Option<Vec<String>>,
) -> PyResult<Bound<'py, PyAny>> {
    let callable = Callable::get(engine.py())?;
    let made = callable
        .class
        .bind(engine.py())
        .call1((engine, src, inputs))?;
    // SAFETY: the object is new and of that type exactly, whose objects have room for this there; nobody else knows it.
    unsafe {
        let place = made.as_ptr().byte_add(callable.offset);
        place.cast::<Vectorcall>().write(call);
    }
    Ok(made)
}

/// How Python calls a `numloom.Compiled`.
///
/// # Safety
/// Python's convention: the thread is attached; `of` is of the type; `args` are the arguments by place and then those by name, as many as the count without its highest bit
/// and the names, a tuple or null, are; all of them live until the call is over.
unsafe extern "C" fn call(
    of: *mut PyObject,
    args: *const *mut PyObject,
    count: usize,
    names: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: by the convention.
    let (py, of, names) = unsafe {
        let py = Python::assume_attached();
        let names = Borrowed::from_ptr_or_opt(py, names);
        (
            py,
            Borrowed::from_ptr(py, of).cast_unchecked::<Compiled>(),
            names.map(|names| names.cast_unchecked::<PyTuple>()),
        )
    };
    let n = count & !ARGUMENTS_OFFSET;
    // SAFETY: by the convention, for all numbers below that of arguments, which are the only ones asked for.
    let arg = |i: usize| unsafe { Borrowed::from_ptr(py, *args.add(i)) };
    let called = guard(py, || {
        if let Some(done) = of.get().call_plainly(py, n, names, arg) {
            return done;
        }
        Python::attach(|_| {
            let by_place = PyTuple::new(py, (0..n).map(arg))?;
            let by_name = names.map(|names| {
                let by_name = PyDict::new(py);
                for (i, name) in names.iter_borrowed().enumerate() {
                    by_name.set_item(name, arg(n + i))?;
                }
                Ok::<_, PyErr>(by_name)
            });
            Compiled::call(&of, &by_place, by_name.transpose()?.as_ref())
        })
    });
    match called {
        Ok(result) => result.into_ptr(),
        Err(error) => {
            error.restore(py);
            ptr::null_mut()
        }
    }
}
