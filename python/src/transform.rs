//! Expressions over files: what Python was given, as a [`Transform`](numloom::Transform).
//!
//! What goes in: files and numbers by name. What comes out: values, and whether an earlier run was gone on with. What it never does: open a file.

use std::path::PathBuf;

use numloom::{Engine, Expr, Options, Scalar};
use pyo3::prelude::*;

use crate::errors::raise;
use crate::host::{Host, Line};
use crate::stream::values_of;

/// An input.
pub(crate) enum Given {
    /// A file, as the command names it.
    File(PathBuf),
    /// And whether it has no dtype of its own.
    Value(Scalar, bool),
}

/// What a run over files is made of.
pub(crate) struct Plan {
    pub(crate) engine: Engine,
    pub(crate) expr: Expr,
    pub(crate) inputs: Vec<(String, Given)>,
    pub(crate) outputs: Vec<(Option<String>, PathBuf)>,
    pub(crate) settings: Settings,
}

/// How it is to be run.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    in_place: bool,
    memory: Option<u64>,
    fresh: bool,
    undo: bool,
    force: bool,
    threads: Option<usize>,
}

/// A value for each output, none for those that went to a file; and whether an earlier run was gone on with.
pub(crate) type Done = (Vec<Option<Py<PyAny>>>, bool);

impl Plan {
    fn transform(&self) -> numloom::Transform<'_> {
        let Settings {
            in_place,
            memory,
            fresh,
            undo,
            force,
            ..
        } = self.settings;
        let mut transform = self.engine.transform(&self.expr);
        transform = transform.fresh(fresh).undo(undo).force(force);
        if in_place {
            transform = transform.in_place();
        }
        if let Some(memory) = memory {
            transform = transform.memory(memory);
        }
        for (name, given) in &self.inputs {
            transform = match given {
                Given::File(file) => transform.file(name, file),
                Given::Value(value, true) => transform.weak_value(name, value.clone()),
                Given::Value(value, false) => transform.value(name, value.clone()),
            };
        }
        for (name, file) in &self.outputs {
            transform = match name {
                Some(name) => transform.output_as(name, file),
                None => transform.output(file),
            };
        }
        transform
    }

    /// How many bytes the run reads and writes.
    pub(crate) fn size_bytes(&self, py: Python<'_>) -> PyResult<u64> {
        let bytes = py.detach(|| self.transform().size_bytes());
        bytes.map_err(|error| raise(py, &error))
    }

    /// Runs it; `tell` is called with how far it is.
    pub(crate) fn run(self, py: Python<'_>, tell: Option<Py<PyAny>>) -> PyResult<Done> {
        let run = move |mut options: Options| {
            options.threads = self.settings.threads;
            self.transform().options(options).run()
        };
        let done = Host::start(Line::default(), None, tell, run)?.complete(py)?;
        let resumed = done.resumed();
        Ok((values_of(py, done.into_values())?, resumed))
    }
}
