//! How an [`Engine`](crate::Engine) works, and what a text may cost: one [`Options`] whose layers merge.

use std::fmt;
use std::sync::Arc;

use numloom_ir::{Isa, LowerOptions};
use numloom_runtime::{
    Backend, CancelFlag, Deadline, Progress, ProgressFn, RunOptions, ShouldStopFn,
};
use numloom_syntax::Limits;

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// Settings of an [`Engine`](crate::Engine), or of one handle of a [`Kernel`](crate::Kernel); each left out falls back
        /// to the layer below, and to its default in the end.
        ///
        /// No setting changes the bits of a result: they say whether, how fast and where it is computed.
        ///
        /// ```
        /// use numloom::Options;
        ///
        /// let strict = Options::new().max_depth(32).threads(1);
        /// let merged = Options::new().threads(2).or(&strict);
        /// assert_eq!((merged.threads, merged.max_depth), (Some(2), Some(32)));
        /// assert_eq!(merged.backend, None);
        /// ```
        #[derive(Clone, Default)]
        #[non_exhaustive]
        pub struct Options {
            $($(#[$doc])* pub $name: Option<$type>,)*
            /// When a run has to end, watched between blocks; a [`Duration`](std::time::Duration) counts from its start.
            pub deadline: Option<Deadline>,
            /// Told after each chunk how far a run is, from whichever thread, `done` never falling. A panic in it stops the
            /// run and goes on in the caller's thread.
            pub progress: Option<Arc<ProgressFn>>,
            /// Asked before each chunk, mostly less than a millisecond, whether to end as if `cancel` was raised: always on the thread that
            /// the run was called from, which takes part in the work. A panic in it stops the run and goes on in that thread.
            pub should_stop: Option<Arc<ShouldStopFn>>,
        }

        impl Options {
            /// Nothing set.
            #[must_use]
            pub fn new() -> Options {
                Options::default()
            }

            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, $name: $type) -> Options {
                    self.$name = Some($name);
                    self
                }
            )*

            /// When a run has to end, watched between blocks; a [`Duration`](std::time::Duration) counts from its start.
            #[must_use]
            pub fn deadline(mut self, deadline: impl Into<Deadline>) -> Options {
                self.deadline = Some(deadline.into());
                self
            }

            /// Told after each chunk how far a run is, from whichever thread, `done` never falling. A panic in it stops the
            /// run and goes on in the caller's thread.
            #[must_use]
            pub fn progress(mut self, f: impl Fn(Progress) + Send + Sync + 'static) -> Options {
                self.progress = Some(Arc::new(f));
                self
            }

            /// Asked before each chunk, mostly less than a millisecond, whether to end as if `cancel` was raised: always on the thread that
            /// the run was called from, which takes part in the work. A panic in it stops the run and goes on in that thread.
            #[must_use]
            pub fn should_stop(mut self, f: impl Fn() -> bool + Send + Sync + 'static) -> Options {
                self.should_stop = Some(Arc::new(f));
                self
            }

            /// These, and those of `lower` where these have none.
            #[must_use]
            pub fn or(self, lower: &Options) -> Options {
                Options {
                    $($name: self.$name.or_else(|| lower.$name.clone()),)*
                    deadline: self.deadline.or(lower.deadline),
                    progress: self.progress.or_else(|| lower.progress.clone()),
                    should_stop: self.should_stop.or_else(|| lower.should_stop.clone()),
                }
            }
        }

        impl fmt::Debug for Options {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut set = f.debug_struct("Options");
                $(if let Some(value) = &self.$name { set.field(stringify!($name), value); })*
                if let Some(deadline) = &self.deadline {
                    set.field("deadline", deadline);
                }
                if self.progress.is_some() {
                    set.field("progress", &format_args!(".."));
                }
                if self.should_stop.is_some() {
                    set.field("should_stop", &format_args!(".."));
                }
                set.finish_non_exhaustive()
            }
        }
    };
}

options! {
    /// The most threads of a run, and the size of an engine's pool. By default `NUMLOOM_NUM_THREADS`, else `OMP_NUM_THREADS`,
    /// else what the process's CPU affinity and cgroup quota allow. 1 runs on the caller's thread and takes no lock.
    threads: usize,
    /// Elements of a block; the best by default.
    block: usize,
    /// Runs of fewer elements stay on the caller's thread; by default it depends on the work for each element.
    serial_below: usize,
    /// What runs kernels; by default the fastest that can. One that is named here never gives way to another. Of an engine.
    backend: Backend,
    /// The instruction set that kernels are compiled for and functions run on; by default what `NUMLOOM_ISA` names, else the best
    /// of the machine. Of an engine.
    isa: Isa,
    /// Whether programs are optimised; true by default. Of an engine.
    optimize: bool,
    /// Watched between chunks of at most a millisecond or so, and between blocks where these are copied; once raised, runs end with an error.
    cancel: CancelFlag,
    /// The most bytes that one run allocates for outputs; no limit by default.
    max_output_bytes: u64,
    /// Length of a source in bytes; 1 MiB by default. Of an engine, as all limits below.
    max_source_bytes: usize,
    /// Tokens of a source; 20,000 by default.
    max_tokens: usize,
    /// Nesting of a source; 256 by default.
    max_depth: usize,
    /// Length in bytes of one number or quoted text; 64 KiB by default.
    max_literal_bytes: usize,
    /// Operations of a program; 100,000 by default.
    max_nodes: usize,
    /// Inputs of a program; 4,096 by default.
    max_inputs: usize,
    /// Errors reported at once; 16 by default.
    max_diagnostics: usize,
    /// The most programs in the kernel cache; 4,096 by default, 0 turns it off.
    cache_entries: usize,
    /// The most bytes of code and kernels in the cache; 64 MiB by default.
    cache_bytes: usize,
}

impl From<&Options> for Options {
    fn from(options: &Options) -> Options {
        options.clone()
    }
}

/// What each layer takes.
impl Options {
    pub(crate) fn syntax_limits(&self) -> Limits {
        let mut limits = Limits::default();
        let set = |limit: &mut usize, option: Option<usize>| *limit = option.unwrap_or(*limit);
        set(&mut limits.max_source_bytes, self.max_source_bytes);
        set(&mut limits.max_tokens, self.max_tokens);
        set(&mut limits.max_depth, self.max_depth);
        set(&mut limits.max_literal_bytes, self.max_literal_bytes);
        set(&mut limits.max_diagnostics, self.max_diagnostics);
        limits
    }

    pub(crate) fn lower_options(&self) -> LowerOptions {
        let mut options = LowerOptions::default();
        let set = |limit: &mut usize, option: Option<usize>| *limit = option.unwrap_or(*limit);
        set(&mut options.max_nodes, self.max_nodes);
        set(&mut options.max_inputs, self.max_inputs);
        set(&mut options.max_diagnostics, self.max_diagnostics);
        options
    }

    pub(crate) fn run_options(&self) -> RunOptions {
        let mut options = RunOptions::new();
        options.threads = self.threads;
        options.block = self.block;
        options.serial_below = self.serial_below;
        options.progress.clone_from(&self.progress);
        options.cancel.clone_from(&self.cancel);
        options.should_stop.clone_from(&self.should_stop);
        options.deadline = self.deadline;
        options.max_output_bytes = self.max_output_bytes;
        options
    }

    pub(crate) fn runtime_options(&self) -> numloom_runtime::Options {
        let mut options = numloom_runtime::Options::new();
        options.run = self.run_options();
        options.backend = self.backend;
        options.isa = self.isa;
        options.optimize = self.optimize;
        options.cache_entries = self.cache_entries;
        options.cache_bytes = self.cache_bytes;
        options
    }
}
