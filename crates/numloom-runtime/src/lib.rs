//! Binds numloom kernels to arrays and runs them block by block on all cores.
//!
//! *Should I use this crate?* No, use `numloom`, whose `Engine` this is. Here is what lies between a typed program and its
//! results.
//!
//! What goes in: a [`Program`](numloom_ir::Program) that has been through its passes, [`View`](numloom_data::View)s of any layout,
//! places for outputs. What comes out: arrays and reduced values, or one typed error; the same bits at any number of threads, any
//! block size and any layout. What it never does: hand out a result of which a block did not report success.
//!
//! ```text
//! Engine::compile ─► Compiled ─ run(inputs) ─► bind ─► plan ─► exec: chunks ─► leaves ─► blocks ─► kernel
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `options`, `error` | [`Options`], [`RunOptions`], the environment; [`RuntimeError`] |
//! | `engine`, `cache` | [`Engine`]: threads and the kernel cache |
//! | `compiled`, `variant`, `code` | [`Compiled`]: a program, its parts and variants, what runs them |
//! | `bind`, `views`, `guard` | arrays checked against the program; views and parts of them; memory that they share |
//! | `shape`, `pattern` | the shapes of a run, and what of them decides how it is staged |
//! | `layout`, `stage` | what is computed together, for shapes of one pattern; the program as passes |
//! | `run`, `kept`, `pass` | the steps of one run; what they keep; one pass, whole or along axes |
//! | `survey` | what the passes would be, for people |
//! | `space`, `plan` | the axes gone through, how the kernel gets at each operand, how work is cut |
//! | `exec`, `along`, `reduce` | a whole pass on threads; one whose reductions leave axes; what its chunks come to |
//! | `team`, `shares` | the threads that join a pass, if they come in time; which chunks each takes |
//! | `transform`, `window` | a run over files larger than memory; its windows |
//! | `keeper`, `journal` | what goes on behind the windows; what is written down of them, to go on from |
//! | `stream`, `feed` | a run over rows that come a chunk at a time; the chunks in order, parsed on threads |
//! | `control`, `scratch` | what the threads of a run share; memory that is used again |
//!
//! An *iteration space* is the shape that an output is computed over, before any reduction. A *pass* computes all outputs that
//! share one. A *chunk* is what a thread takes at a time, a *leaf* the unit of reductions
//! ([`numloom_ir::reduce`]), a *block* the elements of one kernel call.

#[cfg(feature = "jit")]
mod along;
mod bind;
mod cache;
mod code;
mod compiled;
mod control;
mod engine;
mod error;
mod exec;
mod feed;
#[cfg(feature = "jit")]
mod flat;
mod guard;
mod journal;
mod keeper;
mod kept;
mod layout;
mod memory;
mod options;
mod pass;
mod pattern;
mod place;
mod plan;
mod reduce;
mod run;
mod scratch;
mod shape;
mod shares;
mod space;
mod stage;
mod stream;
mod survey;
mod team;
mod transform;
mod variant;
mod views;
mod window;

pub use bind::{Out, OutputValue, Room};
pub use cache::CacheInfo;
pub use compiled::Compiled;
pub use engine::Engine;
pub use error::{RuntimeError, RuntimeErrorKind, Side};
pub use journal::{Journal, RunKey};
pub use options::{
    Backend, CancelFlag, Deadline, MAX_THREADS, Options, Progress, ProgressFn, RunOptions,
    ShouldStopFn,
};
pub use scratch::Scratch;
pub use stream::StreamInput;
pub use survey::{Explanation, Root, RootKind};
pub use transform::{Sink, Source, TransformOptions};
