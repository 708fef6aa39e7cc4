//! Array expressions from strings, in as few fused passes over memory as can be.
//!
//! numloom parses an expression such as `2*a + 3*b`, types it by NumPy's rules, fuses it, compiles it to SIMD machine code, and runs that
//! code block by block on all cores: over slices, strided views, `ndarray` arrays, or memory-mapped files larger than memory. Any number of outputs come from
//! one pass, and a second one only where a reduction's value is needed first; with the same bits on any number of threads. The text may come from a stranger.
//!
//! ```
//! # let (a, b) = (vec![1.0, 2.0], vec![10.0, 20.0]);
//! let c: Vec<f64> = numloom::eval("2*a + 3*b", [("a", &a[..]), ("b", &b[..])])?.try_into()?;
//! assert_eq!(c, [32.0, 64.0]);
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # The path of an expression
//!
//! ```text
//! "2*a + 3*b" ─ Expr::parse ─► Expr ─ compile(&Schema) ─► Kernel ─ run(inputs) ──────────────► Outputs
//!                                                                 ─ run_into(inputs, places) ─► your memory
//! ```
//!
//! [`eval`](crate::eval()) takes all of it in one step and remembers the kernel. To go step by step:
//!
//! ```
//! use numloom::{DType, Expr, Schema};
//!
//! let expr = Expr::parse("let d = a - b; dist = sqrt(d*d); worst = max(abs(d))")?;
//! let schema = Schema::new().with("a", DType::F64).with("b", DType::F64);
//! let kernel = expr.compile(&schema)?; // Send, Sync, cheap to clone
//! println!("{}", kernel.explain()?);
//!
//! let inputs = [("a", &[1.0, 2.0]), ("b", &[4.0, 0.0])];
//! let out = kernel.run(inputs)?;
//! assert_eq!(out["dist"].to_vec::<f64>()?, [3.0, 2.0]);
//! assert_eq!(out["worst"].item::<f64>()?, 3.0);
//!
//! let mut again = out;
//! kernel.run_into(inputs, &mut again)?; // no new memory
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # Contents
//!
//! | section | promise |
//! |---|---|
//! | [Words](#words) | each word of this manual means one thing |
//! | [Language](#language) | Python's expressions, statements, many outputs |
//! | [Reductions and passes](#reductions-and-passes) | anywhere in an expression, along any axes, in the fewest passes |
//! | [Types and promotion](#types-and-promotion) | NumPy 2's, literals are weak |
//! | [Shapes and broadcasting](#shapes-and-broadcasting) | NumPy's, nothing is materialised |
//! | [NaN, overflow, division](#nan-overflow-division) | every case is defined, none traps |
//! | [Speed](#speed) | what it costs, and how to see it |
//! | [Threads and determinism](#threads-and-determinism) | the same bits, whatever the threads |
//! | [Bigger than memory](#bigger-than-memory) | maps in, a map out, no half files |
//! | [Untrusted expressions](#untrusted-expressions) | a bounded cost, nothing but arithmetic |
//! | [Errors](#errors) | what, where, and what to do |
//! | [Features](#features) | speed and reach, never results |
//! | [Not supported yet](#not-supported-yet) | what a later version will do |
//! | [Other crates](#other-crates) | what is inside |
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | expression, source | the text a user wrote |
//! | input, output | a named array or value that an expression reads; one that it hands out |
//! | schema | names and dtypes of the inputs |
//! | kernel | an expression compiled for a schema |
//! | place | memory of yours for an output |
//! | pass | one way through arrays of one shape, computing all that can be computed there |
//! | chunk, block | what a thread takes at a time; the piece of it that one call of a kernel handles |
//! | dtype | the type of an element, spelled as in Rust: `f64`, `i16`, `bool` |
//! | shape, strides | extents in elements; steps in bytes |
//! | view | a borrowed array: pointer, dtype, shape, strides |
//! | elementwise, reduction | one result for each element; one for all of them, or for all along some axes |
//! | hoisted | computed in a pass of its own, for it depends on fewer axes than where it is used |
//!
//! # Language
//!
//! Python's operators with Python's precedence, NumPy's function names, and statements: `let d = a - b` is a temporary, `lo = min(d)` a named output, a bare
//! expression the one without a name. `a[1:]`, `m[:, None]` and other constant subscripts of inputs are views. [The whole language](_documentation::language) ·
//! [all functions](_documentation::functions).
//!
//! ```
//! # use numloom::{eval, inputs};
//! let (t, k) = ([0.0, 0.5, 1.0], 3i32);
//! let out = eval("let x = k*t - 1; y = where(x > 0, sqrt(x), 0) + (0 < t <= 0.5); max(x)", inputs! { t, k })?;
//! assert_eq!(out["y"].to_vec::<f64>()?, [0.0, 0.5f64.sqrt() + 1.0, 2f64.sqrt()]);
//! assert_eq!(out[1].item::<f64>()?, 2.0);
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # Reductions and passes
//!
//! NumPy's, with `axis`, `keepdims`, `dtype`, `initial`, `where` and `ddof`, and their `nan` forms: [the table](_documentation::language#reductions). A reduction is a value like
//! any other. What needs it comes in a later pass, which reads the inputs again and computes again what lies between: `(x - mean(x)) / std(x)` is two passes and no
//! temporary array. A costly part that depends on fewer axes than the result is computed once for each of its own elements. [`Kernel::explain_for`] shows the passes of given
//! shapes; [design](_documentation::design#what-is-a-pass) says how they are chosen.
//!
//! ```
//! # use numloom::{View, eval, inputs};
//! let m = View::from_slice_shaped(&[1.0, 3.0, 2.0, 6.0], &[2, 2])?;
//! let out = eval("share = m / sum(m, axis=1, keepdims=True); best = argmax(m, axis=1); std(m)", inputs! { m })?;
//! assert_eq!(out["share"].to_vec::<f64>()?, [0.25, 0.75, 0.25, 0.75]);
//! assert_eq!(out["best"].to_vec::<i64>()?, [1, 1]);
//! assert_eq!(out[2].item::<f64>()?, 3.5f64.sqrt());
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # Types and promotion
//!
//! `bool`, `i8` to `u64`, `f32` and `f64`; `f16` is stored, and computes as `f32`. Arrays promote as in NumPy 2, literals take the dtype of the array beside
//! them: `i16 + 1` is `i16`, `f32 * 2.0` is `f32`. [Types and meaning](_documentation::types) · [the table](_documentation::promotion) ·
//! [differences from NumPy](_documentation::conformance#named-differences).
//!
//! ```
//! # use numloom::{DType, eval, inputs};
//! let out = eval("a + 1; a * b; a / 2; sum(a)", inputs! { a: &[1i16, 2], b: &[0.5f32, 2.0] })?;
//! let dtypes: Vec<DType> = out.iter().map(|(_, value)| value.dtype()).collect();
//! assert_eq!(dtypes, [DType::I16, DType::F32, DType::F64, DType::I64]);
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # Shapes and broadcasting
//!
//! An output has the shape that the inputs of its statement broadcast to, by NumPy's rule. Views may have any strides, zero and negative ones included, any alignment and
//! either byte order.
//!
//! ```
//! # use numloom::{Array, View, eval, inputs};
//! let column = View::from_slice_shaped(&[10.0, 20.0], &[2, 1])?;
//! let sum: Array = eval("column + row", inputs! { column, row: &[1.0, 2.0, 3.0] })?.try_into()?;
//! assert_eq!(sum.to_string(), "[[11.0, 12.0, 13.0],\n [21.0, 22.0, 23.0]]");
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # NaN, overflow, division
//!
//! Integers wrap; dividing one by zero gives 0; shifts past the width give 0 or the sign. Floats are IEEE, in the written order, never contracted. `min` and `max`
//! propagate NaN. What has no value at all (a checked cast out of range, an integer to a negative power, the least of nothing) is an error with the element's index.
//!
//! ```
//! # use numloom::eval;
//! let error = eval("u8(a, 'checked')", [("a", &[1, 2, 300])]).unwrap_err();
//! assert!(error.to_string().starts_with("error[cast-failed]: 300 at element 2 does not fit u8"));
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # Speed
//!
//! A pass is one loop: each input is read once, each output written once, and what lies between stays in registers or in the first-level cache.
//! [`Kernel::explain`] says how many passes there are, which engine runs each, what it moves, and on how many threads. [`eval`](crate::eval()) looks its text up in a cache;
//! [`Kernel::run_into`] writes into memory that you have; [`Kernel::call`] looks nothing up at all. What was measured, and what to expect:
//! [benchmarks](_documentation::benchmarks).
//!
//! ```
//! # use numloom::{DType, Engine, Expr, Options, Schema};
//! # let engine = Engine::new(Options::new().threads(2))?;
//! let schema = Schema::new().with("a", DType::F32).with("b", DType::F32).with_scalar("k", DType::F32);
//! let explained = engine.compile(&Expr::parse("y = k*a + b; total = sum(a)")?, &schema)?.explain()?;
//! let [pass] = &explained.passes[..] else { panic!("{explained}") };
//! assert_eq!((pass.element_bytes_read, pass.element_bytes_written), (8, 4));
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # Threads and determinism
//!
//! An [`Engine`] holds options, a pool of threads and a cache; [`Engine::global`] stands behind the short forms. Everything is `Send` and `Sync`, and any number of
//! threads may use one engine or one kernel at once. The number of threads is that of the option, else of `NUMLOOM_NUM_THREADS` or `OMP_NUM_THREADS`, else what affinity and
//! cgroup allow; [`Engine::with_pool`] takes a pool of yours. Small runs stay on the caller's thread. On Linux, threads of an engine's own pool rule out the processor that a caller asks
//! them from, among those that they are allowed; threads of others are left as they are. Code is compiled for, and functions run on, the best instruction
//! set of the machine, or the one that [`Options::isa`] or `NUMLOOM_ISA` names.
//!
//! The bits of a result depend on the expression and the values, on nothing else: not on threads, block size, layout, optimisation, engine or instruction set, nor on how the host has set
//! floats up on its threads (FTZ, DAZ, rounding), which are as before afterwards.
//! Reductions follow a fixed tree over positions. (The payload and sign of a computed NaN are left out.)
//!
//! ```
//! # use numloom::{Backend, Engine, Options, inputs};
//! let a: Vec<f32> = (0..100_000).map(|i| (i as f32).sqrt()).collect();
//! let sum = |options| Engine::new(options)?.eval("sum(a)", inputs! { a })?[0].item::<f32>();
//! let one = sum(Options::new().threads(1))?;
//! assert_eq!(sum(Options::new().threads(7).block(512).serial_below(0))?.to_bits(), one.to_bits());
//! assert_eq!(sum(Options::new().backend(Backend::Interpreter))?.to_bits(), one.to_bits());
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # Bigger than memory
//!
//! A [`MappedArray`] is a file seen as an array; [`io`] opens and creates `.npy` and raw ones. Inputs and places may be maps of any size: pages come and go as
//! the system sees fit. [`Expr::transform`] goes through files in windows, with a bounded number of their bytes resident, and goes on by itself where a run was killed: see
//! [`Transform`]. An [`OutputFile`] reserves its space first and takes its name only when you [`commit`](OutputFile::commit) it, so that a file under its
//! final name is a finished file. [`Expr::stream`] takes CSV, text, pipes and iterators a chunk of rows at a time: see [`Stream`]. [`Options`] has a progress callback, a cancel flag and a deadline, watched between blocks. [A cookbook](_documentation::bigger_than_memory).
//!
//! ```
//! use numloom::{DType, MapMode, Order, View, eval_into, inputs, io::npy};
//!
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = |name: &str| dir.path().join(name);
//! npy::write(path("a.npy"), &View::from_slice(&[1.0, 2.0, 3.0]))?;
//! let a = npy::open(path("a.npy"), MapMode::Read)?;
//! let mut c = npy::create(path("c.npy"), DType::F64, a.shape(), Order::C)?;
//! eval_into("a * a", inputs! { a }, &mut c)?;
//! c.commit()?;
//! assert_eq!(npy::read(path("c.npy"))?.as_slice::<f64>()?, [1.0, 4.0, 9.0]);
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # Lazy arrays
//!
//! A [`Lazy`] array is built by operators and functions, over arrays, files and tables, and computed when it is asked for: everything asked for together is one program, which
//! reads each source once for each pass. [`Computation`] has options; [`Lazy::explain`] shows the programs and passes, [`Lazy::graph`] draws what leads to a value. Chunks are
//! a hint, and change no bit.
//!
//! ```
//! use numloom::{Lazy, View, io::npy};
//!
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = |name: &str| dir.path().join(name);
//! npy::write(path("t.npy"), &View::from_slice(&[280.0, 290.0, 300.0]))?;
//! let t = Lazy::from_npy(path("t.npy"))?.with_chunks(1_000_000);
//! let anomaly = (&t - t.mean()) / t.std();
//! assert_eq!(anomaly.shape()?, [3]); // nothing has been read so far
//! anomaly.write_npy(path("anomaly.npy"))?;
//! let [low, high] = Lazy::compute_all([&t.min(), &t.max()])?; // one pass
//! assert_eq!((low.item::<f64>()?, high.item::<f64>()?), (280.0, 300.0));
//! # Ok::<(), numloom::Error>(())
//! ```
//!
//! # Untrusted expressions
//!
//! A text can compute on the inputs it is given, and nothing else. Its cost is bounded by named limits, all in [`Options`]; parsing is linear in its length,
//! also where it is malformed; no value traps. [The limits, and what is not bounded](_documentation::untrusted_input).
//!
//! # Errors
//!
//! One [`Error`], one word wide: its [`kind`](Error::kind) is one of a few, its [`code`](Error::code) says exactly what, its
//! [`diagnostics`](Error::diagnostics) are data for tools. Printed, it shows the place: [an example](Error). [`check()`] tells all that is wrong without running
//! anything. [All codes](_documentation::error_codes).
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `jit` | yes | machine code: our own for AVX2 and AVX-512, Cranelift's elsewhere; without it, or where a host has no executable memory, the interpreter runs everything with the same bits |
//! | `ndarray` | no | inputs from and places in arrays of the `ndarray` crate, of any layout, never copied |
//! | `arrow` | no | inputs from Apache Arrow arrays and record batches, results as such; [nulls](_documentation::types#nulls) propagate, reductions skip them |
//!
//! # Not supported yet
//!
//! What parses as part of the language is computed. Lazy arrays have no nulls, are not reshaped or transposed, and rows of two tables do not meet.
//!
//! # Other crates
//!
//! `numloom-cli` is the command, `python/` the Python package. This crate is built of `numloom-syntax` (text and diagnostics), `numloom-data` (arrays and maps), `numloom-ir` (meaning, passes, the
//! interpreter), `numloom-math` (elementary functions), `numloom-jit` (machine code), `numloom-runtime` (threads and blocks) and `numloom-io` (files); they move in step with it, and
//! are for those who want to see how it works: [design](_documentation::design).
#![forbid(unsafe_code)]

#[cfg(feature = "arrow")]
mod arrow;
#[cfg(feature = "arrow")]
pub mod batches;
mod engine;
mod error;
mod eval;
mod explain;
mod expr;
mod inputs;
mod kernel;
mod lazy;
#[cfg(feature = "ndarray")]
mod ndarray;
mod options;
mod outputs;
mod places;
mod slots;
mod statement;
pub mod stream;
mod transform;

pub use numloom_data::stream::{ChunkSink, ChunkSource, FnSink, IterSource, MemorySink};
pub use numloom_data::{
    Array, ByteOrder, Complex, DType, DataError, DataErrorKind, Element, MapMode, MapSpec,
    MappedArray, Order, OutputFile, Scalar, View, ViewMut, f16,
};
pub use numloom_io as io;
pub use numloom_ir::{InputClass, Isa, IsaError, Schema, SchemaInput};
pub use numloom_runtime::{
    Backend, CacheInfo, CancelFlag, Deadline, MAX_THREADS, Progress, ProgressFn, Room, ShouldStopFn,
};
pub use numloom_syntax::{
    Ast, Code, Diagnostic, ExprKind, Label, Paint, Severity, Span, StmtKind, Style, SubscriptKind,
    render,
};

pub use engine::{Check, Engine};
pub use error::{Error, ErrorKind};
pub use eval::{Function, check, eval, eval_into, functions};
pub use explain::{Explanation, PassInfo, Stage, UnknownStage, explain_stage};
pub use expr::Expr;
pub use inputs::Input;
pub use kernel::{Kernel, OutputInfo};
pub use lazy::{
    Computation, Graph, GraphNode, Lazy, LazyExplanation, LazyStage, LazyTable, Operand, Origin,
    Reduce,
};
pub use options::Options;
pub use outputs::{Masked, Outputs, Value};
pub use places::{Place, Places};
pub use statement::{ReductionCall, Statement};
pub use stream::Stream;
pub use transform::{Transform, Transformed};

/// Longer documents, compiled in so that their examples run.
pub mod _documentation {
    #[doc = include_str!("../../../docs/language.md")]
    pub mod language {}
    #[doc = include_str!("../../../docs/functions.md")]
    pub mod functions {}
    #[doc = include_str!("../../../docs/types.md")]
    pub mod types {}
    #[doc = include_str!("../../../docs/promotion.md")]
    pub mod promotion {}
    #[doc = include_str!("../../../docs/bigger-than-memory.md")]
    pub mod bigger_than_memory {}
    #[doc = include_str!("../../../docs/error-codes.md")]
    pub mod error_codes {}
    #[doc = include_str!("../../../docs/untrusted-input.md")]
    pub mod untrusted_input {}
    #[doc = include_str!("../../../docs/benchmarks.md")]
    pub mod benchmarks {}
    #[doc = include_str!("../../../docs/for-numexpr-users.md")]
    pub mod for_numexpr_users {}
    #[doc = include_str!("../../../docs/design.md")]
    pub mod design {}
    #[doc = include_str!("../../../docs/testing.md")]
    pub mod testing {}
    #[doc = include_str!("../../../docs/conformance.md")]
    pub mod conformance {}
    #[doc = include_str!("../../../docs/adding-a-function.md")]
    pub mod adding_a_function {}
}

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
