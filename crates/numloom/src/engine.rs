//! Options, threads and caches, held together: [`Engine`].

use std::collections::HashMap;
use std::fmt;
use std::hint;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use numloom_ir::{InputClass, Isa, Schema, lower_nullable, opt};
use numloom_runtime::CacheInfo;
use numloom_syntax::Diagnostic;
use rayon::ThreadPool;

use crate::error::{Error, Text};
use crate::expr::Expr;
use crate::inputs::Input;
use crate::kernel::{Kernel, Names, OutputInfo, output_infos};
use crate::options::Options;
use crate::outputs::Outputs;
use crate::places::Places;

/// Texts whose kernels are remembered, and the most bytes of them: a kernel weighs some hundred times its text.
const MEMO_ENTRIES: usize = 256;
const MEMO_BYTES: usize = 64 << 10;

/// Compiles and runs expressions: options, a thread pool, caches.
///
/// Clones share all of it. Any number of threads may use one at once. The pool is started by the first run that is worth it.
///
/// ```
/// use numloom::{Engine, Options};
///
/// let engine = Engine::new(Options::new().threads(1).max_depth(64))?;
/// let sum: i64 = engine.eval("sum(a)", [("a", &[1i16, 2, 3])])?.try_into()?;
/// assert_eq!(sum, 6);
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    runtime: numloom_runtime::Engine,
    options: Options,
    memo: Mutex<Memo>,
}

impl Engine {
    /// An engine with these options.
    ///
    /// # Errors
    /// `bad-thread-count` of the option, or of `NUMLOOM_NUM_THREADS` or `OMP_NUM_THREADS`; `bad-instruction-set` of `NUMLOOM_ISA`; `engine-unavailable` for a backend
    /// that this build does not have; `limit-exceeded` for blocks of no elements.
    pub fn new(options: impl Into<Options>) -> Result<Engine, Error> {
        let options = options.into();
        let runtime = numloom_runtime::Engine::new(options.runtime_options());
        Ok(Engine::over(runtime.map_err(Error::engine)?, options))
    }

    /// An engine that works on a pool of yours, with as many threads as that has.
    ///
    /// # Errors
    /// As [`new`](Engine::new).
    pub fn with_pool(options: impl Into<Options>, pool: Arc<ThreadPool>) -> Result<Engine, Error> {
        let options = options.into();
        let runtime = numloom_runtime::Engine::with_pool(options.runtime_options(), pool);
        Ok(Engine::over(runtime.map_err(Error::engine)?, options))
    }

    fn over(runtime: numloom_runtime::Engine, options: Options) -> Engine {
        Engine(Arc::new(Shared {
            runtime,
            options,
            memo: Mutex::new(Memo::default()),
        }))
    }

    /// The engine behind the short forms, with default options; made when it is first asked for.
    ///
    /// # Errors
    /// `bad-thread-count` or `bad-instruction-set` if the environment asks for what cannot be had.
    pub fn global() -> Result<&'static Engine, Error> {
        static GLOBAL: OnceLock<Engine> = OnceLock::new();
        if let Some(engine) = GLOBAL.get() {
            return Ok(engine);
        }
        let engine = Engine::new(Options::new())?;
        Ok(GLOBAL.get_or_init(|| engine))
    }

    /// What it was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// How many threads a run may use.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.0.runtime.threads()
    }

    /// What its kernels are compiled for, and functions run on. The bits are the same on all.
    ///
    /// ```
    /// use numloom::{Engine, Isa, Options, inputs};
    ///
    /// let mut results = vec![];
    /// for &isa in Isa::available() {
    ///     let engine = Engine::new(Options::new().isa(isa))?;
    ///     assert_eq!(engine.isa(), isa);
    ///     results.push(Vec::<f64>::try_from(engine.eval("exp(a)", inputs! { a: &[0.5, 1.0] })?)?);
    /// }
    /// assert!(results.iter().all(|result| *result == results[0]));
    /// # Ok::<(), numloom::Error>(())
    /// ```
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.0.runtime.isa()
    }

    /// Parses an expression under this engine's limits.
    ///
    /// # Errors
    /// As [`Expr::parse`].
    pub fn parse(&self, src: &str) -> Result<Expr, Error> {
        Expr::parse_with(src, &self.0.options)
    }

    /// Compiles an expression for these inputs, or finds it in the cache. A schema may list inputs that the expression does not
    /// read.
    ///
    /// # Errors
    /// All that is wrong with names and dtypes; kind `Type`, `Compile` or `Limit`.
    pub fn compile(&self, expr: &Expr, schema: &Schema) -> Result<Kernel, Error> {
        let Text { src, ast } = &*expr.0;
        let options = &self.0.options;
        let lowered = lower_nullable(ast, schema, &options.lower_options());
        let (typed, validities) = lowered.map_err(|errors| Error::lower(&errors, src))?;
        let prog = match options.optimize.unwrap_or(true) {
            true => opt::run(&typed),
            false => typed.clone(),
        };
        let compiled = self.0.runtime.compile(&Arc::new(prog), &schema.classes());
        let compiled = compiled.map_err(|error| Error::run(error, &expr.0))?;
        let names = Names::new(
            Arc::clone(&expr.0),
            schema,
            &typed.outputs[..validities.len()],
        );
        Ok(Kernel::new(names, schema, typed, validities, compiled))
    }

    /// Evaluates a text over `inputs`; compiled when text and dtypes are met first.
    ///
    /// # Errors
    /// Those of [`Expr::parse`], [`Expr::compile`] and [`Kernel::run`]. An input that the text does not name is an error, too: it
    /// may be a slip of the pen.
    pub fn eval<'i, 'n>(
        &self,
        src: &str,
        inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
    ) -> Result<Outputs, Error> {
        let inputs = collect(inputs);
        self.kernel(src, None, &inputs)?.run(borrowed(&inputs))
    }

    /// [`eval`](Engine::eval) into memory of the caller's, as [`Kernel::run_into`].
    ///
    /// # Errors
    /// Those of [`eval`](Engine::eval) and [`Kernel::run_into`].
    pub fn eval_into<'i, 'n, 'o>(
        &self,
        src: &str,
        inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
        outputs: impl Places<'o>,
    ) -> Result<(), Error> {
        let inputs = collect(inputs);
        self.kernel(src, None, &inputs)?
            .run_into(borrowed(&inputs), outputs)
    }

    /// [`eval`](Engine::eval) of an expression that is parsed already.
    ///
    /// # Errors
    /// Those of [`Expr::compile`] and [`Kernel::run`].
    pub fn eval_expr<'i, 'n>(
        &self,
        expr: &Expr,
        inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
    ) -> Result<Outputs, Error> {
        let inputs = collect(inputs);
        self.kernel(expr.src(), Some(expr), &inputs)?
            .run(borrowed(&inputs))
    }

    /// What an expression would compute for these inputs, or all that is wrong with it, under this engine's limits.
    #[must_use]
    pub fn check(&self, src: &str, schema: &Schema) -> Check {
        match self.parse(src) {
            Ok(expr) => Check::of(&expr, schema, &self.0.options),
            Err(error) => Check::failed(error),
        }
    }

    /// What the kernel cache holds.
    #[must_use]
    pub fn cache_info(&self) -> CacheInfo {
        self.0.runtime.cache_info()
    }

    /// Forgets all kernels; those in use stay with their users.
    pub fn cache_clear(&self) {
        let forgotten = self.0.memo().map(|mut memo| std::mem::take(&mut *memo));
        drop(forgotten);
        self.0.runtime.cache_clear();
    }

    /// The kernel of a text for inputs of these dtypes.
    pub(crate) fn kernel(
        &self,
        src: &str,
        expr: Option<&Expr>,
        inputs: &[(&str, Input<'_>)],
    ) -> Result<Kernel, Error> {
        let schema = schema_of(inputs)?;
        let key = (Box::from(src), schema);
        if let Some(kernel) = self.0.memo().and_then(|mut memo| memo.find(&key)) {
            return Ok(kernel);
        }
        let expr = match expr {
            Some(expr) => expr.clone(),
            None => self.parse(src)?,
        };
        let kernel = self.compile(&expr, &key.1)?;
        let names: std::collections::HashSet<&str> = expr.names().collect();
        let unexpected: Vec<&str> = inputs
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| !names.contains(name))
            .collect();
        if !unexpected.is_empty() {
            return Err(Error::unexpected_inputs(
                &expr.0,
                &unexpected,
                expr.inputs().into_iter(),
            ));
        }
        if self.0.options.cache_entries != Some(0)
            && let Some(mut memo) = self.0.memo()
        {
            memo.insert(key, kernel.clone());
        }
        Ok(kernel)
    }
}

fn collect<'i, 'n>(
    inputs: impl IntoIterator<Item = (&'n str, impl Into<Input<'i>>)>,
) -> Vec<(&'n str, Input<'i>)> {
    inputs
        .into_iter()
        .map(|(name, input)| (name, input.into()))
        .collect()
}

fn borrowed<'a>(inputs: &'a [(&'a str, Input<'_>)]) -> impl Iterator<Item = (&'a str, Input<'a>)> {
    inputs.iter().map(|(name, input)| (*name, input.reborrow()))
}

/// What inputs there are, by dtype, by whether they have axes and may be null.
pub(crate) fn schema_of(inputs: &[(&str, Input<'_>)]) -> Result<Schema, Error> {
    let mut schema = Schema::new();
    schema.inputs.reserve(inputs.len());
    let mut seen = std::collections::HashSet::with_capacity(inputs.len());
    for (name, input) in inputs {
        if !seen.insert(*name) {
            return Err(Error::given_twice("input", name));
        }
        let class = match input.shape() {
            [] => InputClass::Scalar,
            _ => InputClass::Contiguous,
        };
        schema = schema.with_input(name, input.dtype(), class);
        let last = schema.inputs.last_mut().expect("just appended");
        last.nullable = input.is_nullable();
    }
    Ok(schema)
}

impl Shared {
    /// None if others hold on to it, or did when this process was forked: then the kernel is compiled again.
    fn memo(&self) -> Option<MutexGuard<'_, Memo>> {
        for _ in 0..100 {
            match self.memo.try_lock() {
                Ok(memo) => return Some(memo),
                Err(TryLockError::Poisoned(memo)) => return Some(PoisonError::into_inner(memo)),
                Err(TryLockError::WouldBlock) => hint::spin_loop(),
            }
        }
        None
    }
}

/// Kernels by text and inputs, so that evaluating a text again neither parses nor types it.
#[derive(Default)]
struct Memo {
    kernels: HashMap<(Box<str>, Schema), (Kernel, u64)>,
    bytes: usize,
    clock: u64,
}

impl Memo {
    fn find(&mut self, key: &(Box<str>, Schema)) -> Option<Kernel> {
        self.clock += 1;
        let (kernel, used) = self.kernels.get_mut(key)?;
        *used = self.clock;
        Some(kernel.clone())
    }

    fn insert(&mut self, key: (Box<str>, Schema), kernel: Kernel) {
        let bytes = key.0.len();
        if bytes > MEMO_BYTES {
            return;
        }
        while self.kernels.len() >= MEMO_ENTRIES || self.bytes + bytes > MEMO_BYTES {
            let oldest = self.kernels.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            self.kernels.remove(&oldest);
            self.bytes -= oldest.0.len();
        }
        if self.kernels.insert(key, (kernel, self.clock)).is_none() {
            self.bytes += bytes;
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("options", &self.0.options)
            .field("threads", &self.threads())
            .finish_non_exhaustive()
    }
}

/// What [`check`](crate::check) found: outputs, or errors.
///
/// ```
/// use numloom::{DType, Schema, check};
///
/// let schema = Schema::new().with("a", DType::I16).with("b", DType::F32);
/// let good = check("a + 1; total = sum(b)", &schema);
/// assert!(good.is_ok());
/// assert_eq!(good.outputs[0].dtype, DType::I16);
/// assert_eq!(good.outputs[1].to_string(), "total: f32 reduced");
///
/// let bad = check("a + c; sum(b", &schema);
/// assert_eq!(bad.diagnostics()[0].code.slug(), "unclosed-bracket");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Check {
    /// The outputs; none if there are errors.
    pub outputs: Vec<OutputInfo>,
    /// All that is wrong, ready to be shown.
    pub error: Option<Error>,
}

impl Check {
    pub(crate) fn of(expr: &Expr, schema: &Schema, options: &Options) -> Check {
        match lower_nullable(&expr.0.ast, schema, &options.lower_options()) {
            Ok((prog, validities)) => Check {
                outputs: output_infos(&prog, &validities),
                error: None,
            },
            Err(errors) => Check::failed(Error::lower(&errors, &expr.0.src)),
        }
    }

    pub(crate) fn failed(error: Error) -> Check {
        Check {
            outputs: Vec::new(),
            error: Some(error),
        }
    }

    /// Whether the expression can be compiled.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }

    /// All that is wrong; empty if nothing is.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        self.error.as_ref().map_or(&[], Error::diagnostics)
    }
}
