//! What runs kernels: machine code, or the interpreter.
//!
//! What goes in: a [`Kernel`] and the backend that was asked for. What comes out: [`Code`], and why it is not what was hoped for.
//! What it never does: run anything.

use std::sync::Arc;

use numloom_ir::{Isa, Kernel};

use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::options::Backend;

/// Makes code, as the engine's options say.
#[derive(Debug)]
pub(crate) struct Compiler {
    backend: Backend,
    /// What all of it is made for.
    pub(crate) isa: Isa,
    #[cfg(feature = "jit")]
    target: std::sync::OnceLock<Result<numloom_jit::Target, String>>,
}

/// What runs one kernel.
#[derive(Debug)]
pub(crate) enum Code {
    /// The interpreter, made anew for each thread.
    Interpreter,
    /// Machine code.
    #[cfg(feature = "jit")]
    Native(numloom_jit::NativeKernel),
}

impl Code {
    /// Which backend it comes from.
    pub(crate) fn backend(&self) -> Backend {
        match self {
            Code::Interpreter => Backend::Interpreter,
            #[cfg(feature = "jit")]
            Code::Native(native) => match native.generator() {
                numloom_jit::Generator::Wide => Backend::Wide,
                numloom_jit::Generator::Cranelift => Backend::Cranelift,
            },
        }
    }

    /// The size of the machine code.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Code::Interpreter => 0,
            #[cfg(feature = "jit")]
            Code::Native(native) => native.code_bytes(),
        }
    }
}

impl Compiler {
    pub(crate) fn new(backend: Backend, isa: Isa) -> Compiler {
        Compiler {
            backend,
            isa,
            #[cfg(feature = "jit")]
            target: std::sync::OnceLock::new(),
        }
    }

    /// Whether every kernel is interpreted.
    pub(crate) fn interprets(&self) -> bool {
        cfg!(not(feature = "jit")) || self.backend == Backend::Interpreter
    }

    /// Code for `kernel`; if it is the interpreter for want of a better one, also why.
    ///
    /// # Errors
    /// [`BackendUnavailable`](RuntimeErrorKind::BackendUnavailable) if the backend was named and cannot.
    pub(crate) fn compile(
        &self,
        kernel: &Arc<Kernel>,
    ) -> Result<(Code, Option<String>), RuntimeError> {
        if self.backend == Backend::Interpreter {
            return Ok((Code::Interpreter, None));
        }
        match self.native(kernel) {
            Ok(code) => Ok((code, None)),
            Err(reason) if self.backend == Backend::Auto => Ok((Code::Interpreter, Some(reason))),
            Err(reason) => Err(RuntimeErrorKind::BackendUnavailable {
                backend: self.backend,
                reason,
            }
            .into()),
        }
    }

    #[cfg(feature = "jit")]
    fn native(&self, kernel: &Arc<Kernel>) -> Result<Code, String> {
        use numloom_jit::{Generator, NativeKernel, Target};
        let target = self
            .target
            .get_or_init(|| Target::new(self.isa).map_err(|error| error.to_string()));
        let target = target.as_ref().map_err(String::clone)?;
        let compile = || match self.backend {
            Backend::Wide => {
                NativeKernel::compile_with(Generator::Wide, Arc::clone(kernel), target)
            }
            Backend::Cranelift => {
                NativeKernel::compile_with(Generator::Cranelift, Arc::clone(kernel), target)
            }
            _ => NativeKernel::compile(Arc::clone(kernel), target),
        };
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(compile)) {
            Ok(Ok(native)) => Ok(Code::Native(native)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the code generator panicked".to_owned()),
        }
    }

    #[cfg(not(feature = "jit"))]
    #[expect(clippy::unused_self, reason = "parallel to the one with a backend")]
    fn native(&self, _: &Arc<Kernel>) -> Result<Code, String> {
        Err("this build has no code generator (feature `jit`)".to_owned())
    }
}
