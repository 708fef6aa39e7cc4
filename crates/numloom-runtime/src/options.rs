//! How an [`Engine`](crate::Engine) works and how one run differs: options that merge, and the environment.
//!
//! What goes in: builder calls, and the environment variables `NUMLOOM_NUM_THREADS`, `OMP_NUM_THREADS` and `NUMLOOM_ISA`. What comes
//! out: [`Options`] of an engine, [`RunOptions`] of a run; a field left out falls back to the next layer. What it never
//! does: start a thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use numloom_ir::Isa;

use crate::error::{RuntimeError, RuntimeErrorKind};

/// The most threads that an engine starts.
pub const MAX_THREADS: usize = 4096;

/// Environment variables that give the number of threads, the first one set wins.
const THREAD_VARIABLES: [&str; 2] = ["NUMLOOM_NUM_THREADS", "OMP_NUM_THREADS"];

/// The environment variable that names the instruction set.
const ISA_VARIABLE: &str = "NUMLOOM_ISA";

/// What runs a kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Backend {
    /// The fastest that can: wide machine code, else Cranelift's, else the interpreter.
    #[default]
    Auto,
    /// The reference interpreter.
    Interpreter,
    /// Portable machine code, by Cranelift, with vectors of 128 bits.
    Cranelift,
    /// Machine code with all that AVX2 or AVX-512 have, as the engine's instruction set says.
    Wide,
}

impl Backend {
    /// Those that this build has code for, and that run on this machine with its best instruction set: the interpreter, then the slower ones first.
    ///
    /// ```
    /// use numloom_runtime::Backend;
    /// assert_eq!(Backend::available()[0], Backend::Interpreter);
    /// ```
    pub fn available() -> &'static [Backend] {
        let all = &[Backend::Interpreter, Backend::Cranelift, Backend::Wide];
        let missing = all.iter().position(|backend| !backend.runs_on(Isa::best()));
        &all[..missing.unwrap_or(all.len())]
    }

    /// Whether this build has code for it that runs with an instruction set.
    pub fn runs_on(self, isa: Isa) -> bool {
        match self {
            Backend::Auto | Backend::Interpreter => true,
            #[cfg(feature = "jit")]
            Backend::Cranelift => numloom_jit::Generator::Cranelift.runs_on(isa),
            #[cfg(feature = "jit")]
            Backend::Wide => numloom_jit::Generator::Wide.runs_on(isa),
            #[cfg(not(feature = "jit"))]
            Backend::Cranelift | Backend::Wide => {
                let _ = isa;
                false
            }
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Backend::Auto => "auto",
            Backend::Interpreter => "interpreter",
            Backend::Cranelift => "cranelift",
            Backend::Wide => "wide",
        })
    }
}

/// A flag that stops runs between two blocks; clones share it.
///
/// ```
/// use numloom_runtime::CancelFlag;
/// let flag = CancelFlag::new();
/// flag.clone().cancel();
/// assert!(flag.is_cancelled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not raised.
    #[must_use]
    pub fn new() -> CancelFlag {
        CancelFlag::default()
    }

    /// Raises the flag: runs that watch it end with [`Cancelled`](RuntimeErrorKind::Cancelled).
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Lowers the flag, for the next run.
    pub fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether the flag is raised.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// When a run has to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deadline {
    /// At a moment.
    At(Instant),
    /// After a time from the start of the run.
    After(Duration),
}

impl From<Instant> for Deadline {
    fn from(at: Instant) -> Deadline {
        Deadline::At(at)
    }
}

impl From<Duration> for Deadline {
    fn from(after: Duration) -> Deadline {
        Deadline::After(after)
    }
}

/// How far a run is, in elements; over all passes of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// Elements done.
    pub done: u64,
    /// Elements in all.
    pub total: u64,
}

impl Progress {
    pub(crate) fn new(done: u64, total: u64) -> Progress {
        Progress { done, total }
    }
}

/// Is told how far a run is, from whichever thread; see [`RunOptions::progress`].
pub type ProgressFn = dyn Fn(Progress) + Send + Sync;

/// Says whether a run is to end, on the thread that it was called from; see [`RunOptions::should_stop`].
pub type ShouldStopFn = dyn Fn() -> bool + Send + Sync;

/// Options of one run; fields left out are the engine's.
///
/// ```
/// use numloom_runtime::{CancelFlag, RunOptions};
/// let flag = CancelFlag::new();
/// let options = RunOptions::new().threads(1).cancel(flag.clone());
/// assert_eq!(options.threads, Some(1));
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// At most this many threads, of those that the engine has. 1 runs on the caller's thread and takes no lock.
    pub threads: Option<usize>,
    /// Elements of a block; the best by default. Never changes a result.
    pub block: Option<usize>,
    /// Runs of fewer elements stay on the caller's thread; by default it depends on the work for each element.
    pub serial_below: Option<usize>,
    /// Told after each chunk how far the run is, from whichever thread, with `done` never falling. A panic in it stops
    /// the run and goes on in the caller's thread.
    pub progress: Option<Arc<ProgressFn>>,
    /// Watched between blocks.
    pub cancel: Option<CancelFlag>,
    /// Asked before each chunk, mostly less than a millisecond, whether to end as if [`cancel`](RunOptions::cancel) was raised: always on
    /// the thread that the run was called from, which takes part in the work. A panic in it stops the run and goes on in that thread.
    pub should_stop: Option<Arc<ShouldStopFn>>,
    /// Watched between blocks.
    pub deadline: Option<Deadline>,
    /// The most bytes that one run allocates for outputs.
    pub max_output_bytes: Option<u64>,
    /// Test hook: the block that holds this position of the iteration is lost without a word.
    #[doc(hidden)]
    pub fail_at: Option<u64>,
}

impl RunOptions {
    /// Whether a small run need not look at them: nobody watches it, stops it, or says how it is cut.
    #[cfg(feature = "jit")]
    pub(crate) fn is_plain(&self) -> bool {
        self.block.is_none()
            && self.progress.is_none()
            && self.cancel.is_none()
            && self.should_stop.is_none()
            && self.deadline.is_none()
            && self.fail_at.is_none()
            && self
                .threads
                .is_none_or(|threads| (1..=MAX_THREADS).contains(&threads))
    }
}

macro_rules! run_setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty => $value:expr;)*) => {
        impl RunOptions {
            /// Nothing set: all as the engine has it.
            #[must_use]
            pub fn new() -> RunOptions {
                RunOptions::default()
            }

            /// These options, and those of `lower` where these have none.
            #[must_use]
            pub fn or(mut self, lower: &RunOptions) -> RunOptions {
                $( if self.$name.is_none() { self.$name.clone_from(&lower.$name); } )*
                self
            }

            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, $name: $type) -> RunOptions {
                    self.$name = Some($value);
                    self
                }
            )*
        }

        impl Options {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, $name: $type) -> Options {
                    self.run.$name = Some($value);
                    self
                }
            )*
        }
    };
}

run_setters! {
    /// Sets the number of threads, 1 to [`MAX_THREADS`].
    threads: usize => threads;
    /// Sets the elements of a block.
    block: usize => block;
    /// Sets the number of elements below which a run stays on the caller's thread.
    serial_below: usize => serial_below;
    /// Sets what is told how far a run is.
    progress: impl Fn(Progress) + Send + Sync + 'static => Arc::new(progress);
    /// Sets the flag that stops a run.
    cancel: CancelFlag => cancel;
    /// Sets what is asked, on the caller's thread, whether to end.
    should_stop: impl Fn() -> bool + Send + Sync + 'static => Arc::new(should_stop);
    /// Sets when a run has to end.
    deadline: impl Into<Deadline> => deadline.into();
    /// Sets the most bytes that one run allocates for outputs.
    max_output_bytes: u64 => max_output_bytes;
    /// Test hook.
    #[doc(hidden)]
    fail_at: u64 => fail_at;
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("threads", &self.threads)
            .field("block", &self.block)
            .field("serial_below", &self.serial_below)
            .field("progress", &self.progress.as_ref().map(|_| ".."))
            .field("cancel", &self.cancel)
            .field("should_stop", &self.should_stop.as_ref().map(|_| ".."))
            .field("deadline", &self.deadline)
            .field("max_output_bytes", &self.max_output_bytes)
            .finish_non_exhaustive()
    }
}

/// Options of an [`Engine`](crate::Engine); fields left out have defaults.
///
/// ```
/// use numloom_runtime::{Backend, Options};
/// let options = Options::new().threads(2).backend(Backend::Interpreter);
/// assert_eq!(options.run.threads, Some(2));
/// assert_eq!(options.or(&Options::new().optimize(false)).optimize, Some(false));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// What each run has unless its own options say otherwise. `threads` is also the size of the engine's pool: by
    /// default what `NUMLOOM_NUM_THREADS` or else `OMP_NUM_THREADS` says, or else as many as the process's CPU affinity and
    /// cgroup quota allow.
    pub run: RunOptions,
    /// What runs kernels; [`Backend::Auto`] by default. One that is named here never gives way to another.
    pub backend: Option<Backend>,
    /// The instruction set that kernels are compiled for and functions run on: by default what `NUMLOOM_ISA` says, or else the best of
    /// the machine. The bits are the same on all.
    pub isa: Option<Isa>,
    /// Whether programs are optimised before they come here; true by default. The bits are the same either way.
    pub optimize: Option<bool>,
    /// The most programs in the kernel cache; 4,096 by default.
    pub cache_entries: Option<usize>,
    /// The most bytes of code and kernels in the cache; 64 MiB by default.
    pub cache_bytes: Option<usize>,
}

impl Options {
    /// Nothing set: all defaults.
    #[must_use]
    pub fn new() -> Options {
        Options::default()
    }

    /// Sets what runs kernels.
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> Options {
        self.backend = Some(backend);
        self
    }

    /// Sets the instruction set.
    #[must_use]
    pub fn isa(mut self, isa: Isa) -> Options {
        self.isa = Some(isa);
        self
    }

    /// Sets whether programs are optimised.
    #[must_use]
    pub fn optimize(mut self, optimize: bool) -> Options {
        self.optimize = Some(optimize);
        self
    }

    /// Sets the most programs in the kernel cache; 0 turns it off.
    #[must_use]
    pub fn cache_entries(mut self, entries: usize) -> Options {
        self.cache_entries = Some(entries);
        self
    }

    /// Sets the most bytes in the kernel cache.
    #[must_use]
    pub fn cache_bytes(mut self, bytes: usize) -> Options {
        self.cache_bytes = Some(bytes);
        self
    }

    /// These options, and those of `lower` where these have none.
    #[must_use]
    pub fn or(self, lower: &Options) -> Options {
        Options {
            run: self.run.or(&lower.run),
            backend: self.backend.or(lower.backend),
            isa: self.isa.or(lower.isa),
            optimize: self.optimize.or(lower.optimize),
            cache_entries: self.cache_entries.or(lower.cache_entries),
            cache_bytes: self.cache_bytes.or(lower.cache_bytes),
        }
    }

    /// How many threads an engine with these options has: of the option, the environment, or the machine.
    ///
    /// # Errors
    /// [`BadThreadCount`](RuntimeErrorKind::BadThreadCount) if the option or the variable that counts is no number from 1
    /// to [`MAX_THREADS`].
    pub fn thread_count(&self) -> Result<usize, RuntimeError> {
        self.thread_count_with(environment)
    }

    fn thread_count_with(
        &self,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<usize, RuntimeError> {
        if let Some(threads) = self.run.threads {
            return check_threads("threads", threads);
        }
        for name in THREAD_VARIABLES {
            if let Some(text) = set(lookup(name)) {
                return parse_threads(name, &text);
            }
        }
        // Regards the affinity mask and, on Linux, the cgroup's quota.
        Ok(std::thread::available_parallelism().map_or(1, |n| n.get().min(MAX_THREADS)))
    }

    /// The instruction set of an engine with these options: of the option, the environment, or the machine.
    ///
    /// # Errors
    /// [`BadIsa`](RuntimeErrorKind::BadIsa) if the variable that counts names none that this machine has.
    pub fn instruction_set(&self) -> Result<Isa, RuntimeError> {
        self.instruction_set_with(environment)
    }

    fn instruction_set_with(
        &self,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Isa, RuntimeError> {
        if let Some(isa) = self.isa {
            return Ok(isa);
        }
        let Some(name) = set(lookup(ISA_VARIABLE)) else {
            return Ok(Isa::best());
        };
        let bad = |error| RuntimeErrorKind::BadIsa {
            from: ISA_VARIABLE,
            error,
        };
        Ok(name.trim().parse().map_err(bad)?)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn environment(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(text) => Some(text),
        Err(std::env::VarError::NotPresent) => None,
        Err(std::env::VarError::NotUnicode(text)) => Some(text.to_string_lossy().into_owned()),
    }
}

/// What a variable says; an empty one counts as none, as for other programs.
fn set(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// Refuses numbers of threads that no engine can have.
pub(crate) fn check_threads(from: &'static str, threads: usize) -> Result<usize, RuntimeError> {
    if (1..=MAX_THREADS).contains(&threads) {
        return Ok(threads);
    }
    Err(RuntimeErrorKind::BadThreadCount {
        from,
        value: threads.to_string(),
    }
    .into())
}

/// Reads a variable; of OpenMP's list, one number for each nesting level, the first counts.
fn parse_threads(name: &'static str, text: &str) -> Result<usize, RuntimeError> {
    let first = match name {
        "OMP_NUM_THREADS" => text.split(',').next().unwrap_or(text),
        _ => text,
    };
    let bad = |_| RuntimeErrorKind::BadThreadCount {
        from: name,
        value: text.into(),
    };
    check_threads(name, first.trim().parse().map_err(bad)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(variables: &[(&str, &str)]) -> Result<usize, RuntimeError> {
        Options::new().thread_count_with(|name| {
            (variables.iter().find(|(n, _)| *n == name)).map(|(_, text)| (*text).into())
        })
    }

    #[test]
    fn the_option_comes_before_the_environment() {
        let options = Options::new().threads(3);
        assert_eq!(options.thread_count_with(|_| Some("5".into())).unwrap(), 3);
        assert_eq!(
            count(&[("OMP_NUM_THREADS", "5"), ("NUMLOOM_NUM_THREADS", "6")]).unwrap(),
            6
        );
        assert_eq!(count(&[("OMP_NUM_THREADS", " 4,2")]).unwrap(), 4);
        assert_eq!(
            count(&[("OMP_NUM_THREADS", "")]).unwrap(),
            count(&[]).unwrap()
        );
    }

    #[test]
    fn an_instruction_set_is_of_the_option_else_of_the_environment_else_the_best() {
        let isa = |options: Options, text: &str| {
            let lookup = |name: &str| (name == "NUMLOOM_ISA").then(|| text.to_owned());
            options.instruction_set_with(lookup)
        };
        let (least, best) = (Isa::available()[0], Isa::best());
        assert_eq!(isa(Options::new().isa(best), "scalar").unwrap(), best);
        assert_eq!(isa(Options::new(), " scalar\n").unwrap(), least);
        assert_eq!(isa(Options::new(), " ").unwrap(), best);
        let error = isa(Options::new(), "mmx").unwrap_err().to_string();
        assert!(error.starts_with("`NUMLOOM_ISA`: no instruction set is called `mmx`"));
        assert!(error.contains(best.name()), "{error}");
    }

    #[test]
    fn junk_in_the_environment_is_an_error_that_names_the_variable() {
        for name in THREAD_VARIABLES {
            for junk in [
                "0",
                "-3",
                "abc",
                "1e6",
                "1000000",
                "2;1",
                "18446744073709551616",
                ",",
            ] {
                let error = count(&[(name, junk)]).unwrap_err();
                assert!(error.to_string().contains(name), "{error}");
                assert!(error.to_string().contains(junk), "{error}");
            }
        }
        assert!(count(&[("NUMLOOM_NUM_THREADS", "2,1")]).is_err());
    }

    #[test]
    fn thread_counts_out_of_range_are_errors() {
        for threads in [0, MAX_THREADS + 1, usize::MAX] {
            let error = Options::new().threads(threads).thread_count().unwrap_err();
            assert!(matches!(
                error.kind(),
                RuntimeErrorKind::BadThreadCount {
                    from: "threads",
                    ..
                }
            ));
        }
    }
}
