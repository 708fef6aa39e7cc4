//! Options, threads and the kernel cache, held together: [`Engine`].

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use numloom_ir::{InputClass, Isa, Program, verify};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::cache::{self, Cache, CacheInfo};
use crate::code::Compiler;
use crate::compiled::{Compiled, Inner};
use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::exec::now;
use crate::options::{Backend, Options, check_threads};
use crate::place;

const CACHE_ENTRIES: usize = 4096;
const CACHE_BYTES: usize = 64 << 20;

/// Runs programs: options, a thread pool and a kernel cache.
///
/// Clones share all of it. Any number of threads may compile and run on one engine at once, also from within a run. The pool is
/// started by the first run that is worth it. An engine that is dropped while something of it runs lives on until that has ended; a
/// process that forks gets a pool and a cache of its own in the child.
///
/// ```
/// use std::sync::Arc;
/// use numloom_data::View;
/// use numloom_ir::{InputClass, Program};
/// use numloom_runtime::{Engine, Options, RunOptions};
///
/// let prog: Program = "
///     input a: f64
///     %0 = input 0 : f64
///     %1 = mul %0 %0 : f64
///     out = %1 shape 0
/// ".parse()?;
/// let engine = Engine::new(Options::new().threads(2))?;
/// let square = engine.compile(&Arc::new(prog), &[InputClass::Contiguous])?;
/// let results = square.run(&[View::from_slice(&[1.0, 2.0, 3.0])], &RunOptions::new())?;
/// let squares = results.into_iter().next().unwrap().into_array()?;
/// assert_eq!(squares.as_slice::<f64>()?, [1.0, 4.0, 9.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) options: Options,
    threads: usize,
    /// A pool of the embedder's.
    given: Option<Arc<ThreadPool>>,
    started: Instant,
    /// When a pass that threads may be worth waking for began, in nanoseconds from `started`.
    latest: AtomicU64,
    pub(crate) compiler: Compiler,
    process: Process,
}

/// How long a thread of the pool looks for work before it sleeps, about.
const AWAKE: Duration = Duration::from_micros(10);

/// What belongs to one process and does not survive a fork: threads, and locks that a lost thread may hold.
struct Process {
    id: u32,
    pool: Mutex<Option<Arc<ThreadPool>>>,
    cache: Mutex<Cache>,
    /// That of a forked child.
    next: OnceLock<Box<Process>>,
}

impl Engine {
    /// An engine with these options.
    ///
    /// # Errors
    /// [`BadThreadCount`](RuntimeErrorKind::BadThreadCount) of the option or the environment,
    /// [`BadIsa`](RuntimeErrorKind::BadIsa) of the environment, [`BadBlockSize`](RuntimeErrorKind::BadBlockSize),
    /// [`BackendUnavailable`](RuntimeErrorKind::BackendUnavailable) for a backend that this build does not have.
    pub fn new(options: Options) -> Result<Engine, RuntimeError> {
        let threads = options.thread_count()?;
        Engine::build(options, threads, None)
    }

    /// An engine that works on a pool of yours, with as many threads as that has.
    ///
    /// # Errors
    /// As [`new`](Engine::new).
    pub fn with_pool(options: Options, pool: Arc<ThreadPool>) -> Result<Engine, RuntimeError> {
        if let Some(threads) = options.run.threads {
            check_threads("threads", threads)?;
        }
        let threads = pool.current_num_threads();
        Engine::build(options, threads, Some(pool))
    }

    fn build(
        options: Options,
        threads: usize,
        given: Option<Arc<ThreadPool>>,
    ) -> Result<Engine, RuntimeError> {
        if options.run.block == Some(0) {
            return Err(RuntimeErrorKind::BadBlockSize.into());
        }
        let backend = options.backend.unwrap_or_default();
        if cfg!(not(feature = "jit")) && matches!(backend, Backend::Cranelift | Backend::Wide) {
            return Err(RuntimeErrorKind::BackendUnavailable {
                backend,
                reason: "this build has no code generator (feature `jit`)".to_owned(),
            }
            .into());
        }
        Ok(Engine(Arc::new(Shared {
            compiler: Compiler::new(backend, options.instruction_set()?),
            process: Process::new(),
            options,
            threads,
            given,
            started: now(),
            latest: AtomicU64::new(0),
        })))
    }

    /// The engine behind the short forms, with default options, made by the first call.
    ///
    /// # Errors
    /// [`BadThreadCount`](RuntimeErrorKind::BadThreadCount) or [`BadIsa`](RuntimeErrorKind::BadIsa) of the environment; the next call tries again.
    pub fn global() -> Result<&'static Engine, RuntimeError> {
        static GLOBAL: OnceLock<Engine> = OnceLock::new();
        if let Some(engine) = GLOBAL.get() {
            return Ok(engine);
        }
        let engine = Engine::new(Options::new())?;
        Ok(GLOBAL.get_or_init(|| engine))
    }

    /// What the engine was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// How many threads a run may use.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.0.threads
    }

    /// What its kernels are compiled for, and functions run on.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.0.compiler.isa
    }

    /// Compiles `prog`, which has been through its passes, for inputs that lie as `classes` says; or finds it in the cache. Other
    /// classes are compiled when they are met.
    ///
    /// # Errors
    /// [`InvalidProgram`](RuntimeErrorKind::InvalidProgram), [`ClassCount`](RuntimeErrorKind::ClassCount),
    /// [`BackendUnavailable`](RuntimeErrorKind::BackendUnavailable).
    pub fn compile(
        &self,
        prog: &Arc<Program>,
        classes: &[InputClass],
    ) -> Result<Compiled, RuntimeError> {
        if classes.len() != prog.arrays().len() {
            return Err(RuntimeErrorKind::ClassCount {
                expected: prog.arrays().len(),
                found: classes.len(),
            }
            .into());
        }
        let key = cache::key(prog);
        let process = self.0.process();
        let found = process.cache().find(key, prog);
        if let Some(inner) = found {
            let compiled = Compiled::new(self.clone(), inner);
            compiled.prepare(classes)?;
            return Ok(compiled);
        }
        verify(prog)?;
        let compiled = Compiled::new(self.clone(), Arc::new(Inner::new(prog)));
        compiled.prepare(classes)?;
        let (entries, bytes) = self.cache_limits();
        let inner = Arc::clone(compiled.inner());
        let forgotten = process.cache().insert(key, inner, entries, bytes);
        drop(forgotten); // where no lock is held
        Ok(compiled)
    }

    fn cache_limits(&self) -> (usize, usize) {
        let options = &self.0.options;
        (
            options.cache_entries.unwrap_or(CACHE_ENTRIES),
            options.cache_bytes.unwrap_or(CACHE_BYTES),
        )
    }

    /// What the kernel cache holds.
    #[must_use]
    pub fn cache_info(&self) -> CacheInfo {
        let (max_entries, max_bytes) = self.cache_limits();
        CacheInfo {
            max_entries,
            max_bytes,
            ..self.0.process().cache().info()
        }
    }

    /// Forgets all kernels; those in use stay with their users.
    pub fn cache_clear(&self) {
        let forgotten = self.0.process().cache().clear();
        drop(forgotten);
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }
}

impl Shared {
    /// How many threads a run may use.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Whether a pass that takes some `picoseconds` comes so soon after another that the pool's threads have not fallen asleep.
    pub(crate) fn follows_at_once(&self, picoseconds: usize) -> bool {
        let now = now().duration_since(self.started).as_nanos() as u64;
        let before = self.latest.swap(now, Ordering::Relaxed);
        let soon = AWAKE.as_nanos() as u64 + picoseconds as u64 / 500;
        now.saturating_sub(before) < soon
    }

    /// The pool, started if it has not been.
    pub(crate) fn pool(&self) -> Result<Arc<ThreadPool>, RuntimeError> {
        if let Some(pool) = &self.given {
            return Ok(Arc::clone(pool));
        }
        let mut pool = lock(&self.process().pool);
        if let Some(pool) = &*pool {
            return Ok(Arc::clone(pool));
        }
        let threads = self.threads;
        let started = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("numloom-{i}"))
            .start_handler(|_| place::start())
            .build()
            .map_err(|error| RuntimeErrorKind::ThreadPool {
                threads,
                reason: error.to_string(),
            })?;
        Ok(Arc::clone(pool.insert(Arc::new(started))))
    }

    fn process(&self) -> &Process {
        let id = std::process::id();
        let mut process = &self.process;
        while process.id != id {
            process = process.next.get_or_init(|| Box::new(Process::new()));
        }
        process
    }
}

impl Process {
    fn new() -> Process {
        Process {
            id: std::process::id(),
            pool: Mutex::new(None),
            cache: Mutex::new(Cache::default()),
            next: OnceLock::new(),
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        lock(&self.cache)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.id != std::process::id() {
            // Its threads are in another process: there is nobody to wait for.
            let pool = self.pool.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(pool.take());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("options", &self.0.options)
            .field("threads", &self.0.threads)
            .finish_non_exhaustive()
    }
}
