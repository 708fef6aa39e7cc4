//! One engine under test: programs go in, arrays or an error come out.

use std::sync::Arc;

use numloom_data::{Array, DType, Scalar, View};
use numloom_ir::{InputClass, Isa, Op, Program};
use numloom_runtime::{
    Backend, Compiled, Engine, Options, Out, OutputValue, RunOptions, RuntimeError,
    RuntimeErrorKind,
};

use crate::layout::{Laid, Layout};

/// An engine that never gives way to another.
#[derive(Clone, Debug)]
pub struct Runner {
    backend: Backend,
    engine: Engine,
}

/// Why a program was not run.
#[derive(Debug)]
pub enum NotRun {
    /// The backend lacks an operation, and says so in its committed list.
    Listed(String),
    /// Anything else.
    Error(RuntimeError),
}

impl Runner {
    /// An engine of one backend with up to four threads, on the best instruction set, and no cache: what is compiled is freed.
    ///
    /// # Panics
    /// If the backend cannot be had at all: nothing is skipped in silence.
    #[must_use]
    pub fn new(backend: Backend) -> Runner {
        Runner::on(backend, Isa::best())
    }

    /// The same on an instruction set of choice.
    ///
    /// # Panics
    /// As [`new`](Runner::new).
    #[must_use]
    pub fn on(backend: Backend, isa: Isa) -> Runner {
        let options = Options::new()
            .backend(backend)
            .isa(isa)
            .threads(4usize)
            .cache_entries(0);
        let engine =
            Engine::new(options).unwrap_or_else(|error| panic!("no engine {backend}: {error}"));
        Runner { backend, engine }
    }

    /// Which backend it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Compiles a program for contiguous inputs.
    ///
    /// # Errors
    /// What the engine says; [`NotRun::Listed`] if the program has an operation that the backend's list excuses.
    pub fn compile(&self, prog: &Arc<Program>) -> Result<Compiled, NotRun> {
        let classes = vec![InputClass::Contiguous; prog.arrays().len()];
        self.engine
            .compile(prog, &classes)
            .map_err(|error| match error.kind() {
                RuntimeErrorKind::BackendUnavailable { reason, .. } if self.excuses(prog) => {
                    NotRun::Listed(reason.clone())
                }
                _ => NotRun::Error(error),
            })
    }

    /// Whether an operation of the program stands in the backend's list of what it lacks.
    fn excuses(&self, prog: &Program) -> bool {
        let listed = |op: Op, dtype: DType| {
            matches!(self.backend, Backend::Cranelift | Backend::Wide)
                && numloom_jit::UNSUPPORTED
                    .iter()
                    .any(|(o, dtypes, _)| *o == op && dtypes.contains(&dtype))
        };
        applications(prog).any(|(op, from)| listed(op, from))
    }
}

/// Each operation of a program with the dtype of its (last) operand.
pub fn applications(prog: &Program) -> impl Iterator<Item = (Op, DType)> + '_ {
    prog.insts.iter().filter_map(|inst| match &inst.kind {
        numloom_ir::InstKind::Apply { op, args } => Some((*op, prog.dtype(*args.last()?))),
        _ => None,
    })
}

/// Runs into new arrays of the engine's making.
///
/// # Errors
/// What the run says.
pub fn run(
    compiled: &Compiled,
    inputs: &[View<'_>],
    options: &RunOptions,
) -> Result<Vec<Array>, RuntimeError> {
    compiled
        .run(inputs, options)?
        .into_iter()
        .map(OutputValue::into_array)
        .collect()
}

/// Runs into outputs of the shapes of `like` that lie in `layout`, and copies them back out; reduced values go to arrays without axes
/// or to scalars, by turns.
///
/// # Errors
/// What the run says.
///
/// # Panics
/// If the run writes beside its outputs.
pub fn run_into(
    compiled: &Compiled,
    inputs: &[View<'_>],
    like: &[Array],
    layout: Layout,
    options: &RunOptions,
) -> Result<Vec<Array>, RuntimeError> {
    let mut laid: Vec<Laid> = like
        .iter()
        .map(|a| Laid::blank(a.dtype(), a.shape(), layout))
        .collect();
    let mut scalars: Vec<Scalar> = like.iter().map(|a| Scalar::zero(a.dtype())).collect();
    let as_scalar = |i: usize| like[i].ndim() == 0 && i % 2 == 1;
    let mut places: Vec<Out<'_>> = laid
        .iter_mut()
        .zip(&mut scalars)
        .enumerate()
        .map(|(i, (laid, scalar))| {
            if as_scalar(i) {
                Out::Scalar(scalar)
            } else {
                Out::Array(laid.view_mut())
            }
        })
        .collect();
    compiled.run_into(inputs, &mut places, options)?;
    drop(places);
    assert!(
        laid.iter().all(Laid::gaps_are_untouched),
        "a run into {layout} outputs wrote between the elements"
    );
    let copy = |(i, laid): (usize, &Laid)| match as_scalar(i) {
        true => Array::from_scalar(&scalars[i]).expect("one element can be had"),
        false => laid.to_array(),
    };
    Ok(laid.iter().enumerate().map(copy).collect())
}
