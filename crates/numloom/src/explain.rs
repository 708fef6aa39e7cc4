//! How an expression runs, for people: [`Explanation`], and each [`Stage`] as text.

use std::fmt;
use std::str::FromStr;

use numloom_data::DType;
use numloom_ir::{FloatEnv, InputClass, Isa, LoopOp, Place, Schema, Step, opt};
use numloom_runtime::{Backend, Root, RootKind};

use crate::engine::Engine;
use crate::error::Error;
use crate::kernel::{Kernel, OutputInfo};

/// How a [`Kernel`] runs: its passes over the inputs.
///
/// `Display` is what `numloom explain` shows.
///
/// ```
/// use numloom::{Backend, DType, Engine, Expr, Options, Schema};
///
/// let engine = Engine::new(Options::new().backend(Backend::Interpreter).threads(2))?;
/// let schema = Schema::new().with("a", DType::F64).with("b", DType::F32).with_scalar("k", DType::F64);
/// let kernel = engine.compile(&Expr::parse("c = k*a + b; total = sum(a)")?, &schema)?;
/// let explanation = kernel.explain()?;
/// let [pass] = &explanation.passes[..] else { panic!("one pass does it all") };
/// assert_eq!((pass.element_bytes_read, pass.element_bytes_written), (12, 8));
/// assert_eq!(pass.engine, Backend::Interpreter);
/// assert!(explanation.to_string().contains("reads 12 bytes, writes 8 bytes for each element"));
///
/// let schema = Schema::new().with("x", DType::F64);
/// let kernel = engine.compile(&Expr::parse("(x - mean(x)) / std(x)")?, &schema)?;
/// let explanation = kernel.explain_for(&[("x", &[1_000_000])])?;
/// assert_eq!(explanation.passes.len(), 2);
/// assert!(explanation.to_string().contains("reads 8.0 MB, writes 8.0 MB"));
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The inputs.
    pub schema: Schema,
    /// The outputs.
    pub outputs: Vec<OutputInfo>,
    /// The passes, in order. There is none if all outputs are constants.
    pub passes: Vec<PassInfo>,
    /// Whether extents are those that were asked for; else all arrays are taken to have one shape.
    pub is_exact: bool,
    /// What kernels are compiled for, and functions run on.
    pub isa: Isa,
    /// Threads of a large run.
    pub threads: usize,
}

/// One pass of an [`Explanation`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PassInfo {
    /// What it computes: outputs, values of reductions for later passes, subexpressions that are *hoisted*, as the source writes them.
    pub computes: Vec<String>,
    /// The shape it goes through.
    pub shape: Vec<usize>,
    /// The axes that its reductions run along, if they leave some.
    pub axes: Option<Vec<usize>>,
    /// What runs it.
    pub engine: Backend,
    /// Why it is the interpreter, where machine code was hoped for.
    pub fallback: Option<String>,
    /// Bits of a vector register; none in the interpreter.
    pub vector_bits: Option<u32>,
    /// Bytes of the arrays that it reads.
    pub bytes_read: u64,
    /// Bytes of the arrays that it writes.
    pub bytes_written: u64,
    /// Bytes read for each element; an input of one element counts nothing.
    pub element_bytes_read: usize,
    /// Bytes written for each element; reduced values count nothing.
    pub element_bytes_written: usize,
    /// Fused loops over a block.
    pub loops: usize,
    /// Calls of functions that work on a whole block.
    pub calls: usize,
    /// Operations in all loops, but for loads and stores.
    pub operations: usize,
    /// Bytes of scratch for values that go from one loop or call to the next.
    pub scratch_bytes: usize,
    /// The most elements of a block; none if it is as long as a thread's share.
    pub block: Option<usize>,
    /// Whether arrays that the caller hands in are stored around the caches, as they are too large for them.
    pub stores_around_caches: bool,
    /// Runs of fewer elements stay on the caller's thread.
    pub serial_below: usize,
}

impl Explanation {
    pub(crate) fn of(kernel: &Kernel, shapes: Option<&[Vec<usize>]>) -> Result<Explanation, Error> {
        let inner = kernel.inner();
        let text = &inner.names.text;
        let passes = match shapes {
            Some(shapes) => inner.compiled.explain_shapes(shapes),
            None => inner.compiled.explain(kernel.classes()),
        };
        let passes = passes.map_err(|error| Error::run(error, text))?;
        let outputs = kernel.outputs();
        let isa = inner.compiled.engine().isa();
        let passes: Vec<PassInfo> = passes
            .into_iter()
            .map(|pass| PassInfo::of(pass, isa, &text.src, &outputs))
            .collect();
        Ok(Explanation {
            schema: inner.schema.clone(),
            outputs,
            passes,
            is_exact: shapes.is_some(),
            isa,
            threads: inner.compiled.engine().threads(),
        })
    }
}

impl PassInfo {
    fn of(
        pass: numloom_runtime::Explanation,
        isa: Isa,
        src: &str,
        outputs: &[OutputInfo],
    ) -> PassInfo {
        let body = &pass.kernel;
        let mut read = vec![false; body.inputs.len()];
        let mut reads = |place: &Place| {
            if let Place::Input(i) = place {
                read[*i as usize] = true;
            }
        };
        let (mut loops, mut calls, mut operations) = (0, 0, 0);
        for step in &body.steps {
            match step {
                Step::Loop(insts) => {
                    loops += 1;
                    for inst in insts {
                        match &inst.op {
                            LoopOp::Load(place) => reads(place),
                            LoopOp::Const(_) | LoopOp::Store { .. } => {}
                            _ => operations += 1,
                        }
                    }
                }
                Step::Call(call) => {
                    calls += 1;
                    call.places().for_each(|place| reads(&place));
                }
                Step::Accumulate(step) => {
                    calls += 1;
                    step.args.iter().for_each(&mut reads);
                }
            }
        }
        let arrays = body
            .inputs
            .iter()
            .zip(read)
            .filter(|(input, read)| *read && input.class == InputClass::Contiguous);
        let axes = pass.along.map(|along| {
            let axes = along.iter().enumerate();
            axes.filter_map(|(axis, &reduced)| reduced.then_some(axis))
                .collect()
        });
        PassInfo {
            computes: pass
                .roots
                .iter()
                .map(|root| root_words(root, src, outputs))
                .collect(),
            axes,
            shape: pass.shape,
            engine: pass.backend,
            vector_bits: match pass.backend {
                Backend::Cranelift => Some(128),
                Backend::Wide if isa.x86_64_level() == Some(4) => Some(512),
                Backend::Wide => Some(256),
                _ => None,
            },
            fallback: pass.fallback,
            bytes_read: pass.bytes_read,
            bytes_written: pass.bytes_written,
            element_bytes_read: arrays.map(|(input, _)| input.dtype.itemsize()).sum(),
            element_bytes_written: body.outputs.iter().copied().map(DType::itemsize).sum(),
            loops,
            calls,
            operations,
            scratch_bytes: body.scratch_bytes(),
            block: pass.block,
            stores_around_caches: pass.around,
            serial_below: pass.serial_below,
        }
    }

    fn engine_words(&self) -> String {
        let mut words = self.engine.to_string();
        if let Some(bits) = self.vector_bits {
            words += &format!(", vectors of {bits} bits");
        }
        if let Some(reason) = &self.fallback {
            words += &format!(", as machine code cannot be had: {reason}");
        }
        words
    }

    fn kernel_words(&self) -> String {
        let (loops, calls) = (count(self.loops, "loop"), count(self.calls, "call"));
        let operations = count(self.operations, "operation");
        match self.scratch_bytes {
            0 => format!("{loops} of {operations}, {calls}"),
            scratch => format!("{loops} of {operations}, {calls}, {scratch} bytes of scratch"),
        }
    }
}

/// What a pass computes, as the source has it.
fn root_words(root: &Root, src: &str, outputs: &[OutputInfo]) -> String {
    let (start, end) = (root.span.start, root.span.end);
    let text = src.get(start..end).unwrap_or_default();
    match root.kind {
        RootKind::Output(i) => match outputs.get(i) {
            Some(info) => match &info.name {
                Some(name) => format!("output `{name}`"),
                None => "the output".to_owned(),
            },
            None => format!("the nulls of `{text}`"),
        },
        RootKind::Hoisted => format!("`{text}`, hoisted"),
        _ => format!("`{text}`"),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.schema.inputs.is_empty() {
            writeln!(f, "inputs    {}", self.schema)?;
        }
        f.write_str("outputs   ")?;
        for (i, output) in self.outputs.iter().enumerate() {
            write!(f, "{}{output}", if i == 0 { "" } else { ", " })?;
        }
        let serial = match &self.passes[..] {
            [] => 0,
            [pass] => {
                write!(f, "\nengine    {}", pass.engine_words())?;
                let (read, written) = (pass.element_bytes_read, pass.element_bytes_written);
                write!(f, "\npasses    1, ")?;
                match self.is_exact {
                    true => writeln!(f, "{}", traffic(pass.bytes_read, pass.bytes_written))?,
                    false => writeln!(
                        f,
                        "reads {}, writes {} for each element",
                        bytes(read),
                        bytes(written)
                    )?,
                }
                writeln!(f, "kernel    {}", pass.kernel_words())?;
                match pass.block {
                    Some(block) => write!(f, "block     {}", count(block, "element"))?,
                    None => f.write_str("block     all of a thread's chunk")?,
                }
                if pass.stores_around_caches {
                    f.write_str("; arrays of the caller's are stored around the caches")?;
                }
                pass.serial_below
            }
            passes => {
                let all = |bytes: fn(&PassInfo) -> u64| {
                    passes
                        .iter()
                        .fold(0, |sum: u64, pass| sum.saturating_add(bytes(pass)))
                };
                let (read, written) = (all(|p| p.bytes_read), all(|p| p.bytes_written));
                write!(
                    f,
                    "\npasses    {}, in all {}",
                    passes.len(),
                    traffic(read, written)
                )?;
                if !self.is_exact {
                    write!(f, ", if all arrays have one shape")?;
                }
                for (i, pass) in passes.iter().enumerate() {
                    write!(f, "\npass {}    ", i + 1)?;
                    let shape = numloom_data::error::ShapeText(&pass.shape);
                    write!(f, "{}, over {shape}", pass.computes.join(", "))?;
                    if let Some(axes) = &pass.axes {
                        write!(f, " along {axes:?}")?;
                    }
                    write!(
                        f,
                        "\n          {}",
                        traffic(pass.bytes_read, pass.bytes_written)
                    )?;
                    write!(
                        f,
                        "\n          {}, {}",
                        pass.engine_words(),
                        pass.kernel_words()
                    )?;
                }
                passes
                    .iter()
                    .map(|pass| pass.serial_below)
                    .max()
                    .unwrap_or(0)
            }
        };
        let lanes = count(self.isa.lanes(), "element");
        write!(f, "\nisa       {}, {lanes} at a time in calls", self.isa)?;
        write!(f, "\nthreads   {}", self.threads)?;
        match (self.threads, serial) {
            (1, _) | (_, 0) => Ok(()),
            (_, least) => write!(f, " from {least} elements on"),
        }
    }
}

fn traffic(read: u64, written: u64) -> String {
    format!("reads {}, writes {}", size(read), size(written))
}

/// A size in bytes, in the unit that gives it up to four digits.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 10_000 {
        return self::bytes(bytes as usize);
    }
    let mut value = bytes as f64 / 1e3;
    let mut unit = 0;
    while value >= 1e3 && unit + 1 < UNITS.len() {
        value /= 1e3;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn bytes(n: usize) -> String {
    count(n, "byte")
}

/// A stage on the way from text to machine code.
///
/// ```
/// use numloom::Stage;
/// assert_eq!("clif".parse(), Ok(Stage::Clif));
/// assert_eq!(Stage::ALL.map(|stage| stage.to_string()).join("|"), "ast|ir|opt|kernel|clif|asm|plan");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The tree, with spans.
    Ast,
    /// Typed operations, as they follow from the text.
    Ir,
    /// The same after the passes.
    Opt,
    /// The fused body, in loops and calls.
    Kernel,
    /// The body as Cranelift is given it.
    Clif,
    /// Machine instructions.
    Asm,
    /// How it runs: the [`Explanation`].
    Plan,
}

impl Stage {
    /// Every stage, in the order in which they come.
    pub const ALL: [Stage; 7] = [
        Stage::Ast,
        Stage::Ir,
        Stage::Opt,
        Stage::Kernel,
        Stage::Clif,
        Stage::Asm,
        Stage::Plan,
    ];

    /// Its name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Ast => "ast",
            Stage::Ir => "ir",
            Stage::Opt => "opt",
            Stage::Kernel => "kernel",
            Stage::Clif => "clif",
            Stage::Asm => "asm",
            Stage::Plan => "plan",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No [`Stage`] has that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownStage;

impl fmt::Display for UnknownStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no stage has that name: they are ")?;
        Stage::ALL
            .iter()
            .enumerate()
            .try_for_each(|(i, stage)| write!(f, "{}`{stage}`", if i == 0 { "" } else { ", " }))
    }
}

impl std::error::Error for UnknownStage {}

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(name: &str) -> Result<Stage, UnknownStage> {
        Stage::ALL
            .into_iter()
            .find(|stage| stage.name() == name)
            .ok_or(UnknownStage)
    }
}

/// What becomes of an expression at one stage, as text; on the global engine.
/// Without shapes, all arrays are taken to have the same one; [`Kernel::explain_for`] is told which.
///
/// # Errors
/// Those of [`Expr::parse`](crate::Expr::parse) and [`Expr::compile`](crate::Expr::compile); those of a run, if arrays of one shape do not fit; `engine-unavailable` for [`Clif`](Stage::Clif) and [`Asm`](Stage::Asm) where
/// there is no code generator.
///
/// ```
/// use numloom::{DType, Schema, Stage, explain_stage};
///
/// let schema = Schema::new().with("a", DType::F64);
/// let opt = explain_stage("a + a*0 + 2*3", &schema, Stage::Opt)?;
/// assert!(opt.starts_with("input a: f64\n"));
///
/// // What engines run, for each pass.
/// let kernels = explain_stage("a - mean(a)", &schema, Stage::Kernel)?;
/// assert!(kernels.contains("# pass 2 of 2\n"));
/// # Ok::<(), numloom::Error>(())
/// ```
pub fn explain_stage(src: &str, schema: &Schema, stage: Stage) -> Result<String, Error> {
    Engine::global()?.explain_stage(src, schema, stage)
}

impl Engine {
    /// What becomes of an expression at one stage, as text.
    ///
    /// # Errors
    /// As [`explain_stage`].
    pub fn explain_stage(&self, src: &str, schema: &Schema, stage: Stage) -> Result<String, Error> {
        // Constants are compared with zero when they are written.
        let _env = FloatEnv::enter();
        let expr = self.parse(src)?;
        if stage == Stage::Ast {
            return Ok(expr.ast().tree().to_string());
        }
        let kernel = self.compile(&expr, schema)?;
        let inner = kernel.inner();
        match stage {
            Stage::Ast => unreachable!("handled above"),
            Stage::Ir => Ok(inner.typed.to_string()),
            // Shown even where an engine is told not to optimise.
            Stage::Opt => Ok(opt::run(&inner.typed).to_string()),
            Stage::Kernel | Stage::Clif | Stage::Asm => {
                let passes = inner.compiled.explain(kernel.classes());
                let passes = passes.map_err(|error| Error::run(error, &inner.names.text))?;
                each_kernel(&passes, stage, self.isa())
            }
            Stage::Plan => kernel.explain().map(|explanation| explanation.to_string()),
        }
    }
}

/// The kernel of each pass at one stage; with a heading for each if there are several.
fn each_kernel(
    passes: &[numloom_runtime::Explanation],
    stage: Stage,
    isa: Isa,
) -> Result<String, Error> {
    let mut text = match stage {
        Stage::Clif | Stage::Asm => format!("# for {isa}\n"),
        _ => String::new(),
    };
    for (i, pass) in passes.iter().enumerate() {
        if passes.len() > 1 {
            text += &format!("# pass {} of {}\n", i + 1, passes.len());
        }
        text += &match stage {
            Stage::Clif | Stage::Asm => native(pass, stage, isa)?,
            _ => pass.kernel.to_string(),
        };
    }
    Ok(text)
}

#[cfg(feature = "jit")]
fn native(pass: &numloom_runtime::Explanation, stage: Stage, isa: Isa) -> Result<String, Error> {
    use numloom_jit::{Generator, Target, asm, clif};
    let kernel = &pass.kernel;
    let generator = match pass.backend {
        Backend::Cranelift => Some(Generator::Cranelift),
        Backend::Wide => Some(Generator::Wide),
        _ => None,
    };
    let text = Target::new(isa).and_then(|target| match stage {
        Stage::Asm => asm(kernel, &target, generator),
        _ => clif(kernel, &target),
    });
    text.map_err(|error| Error::no_code(error.to_string()))
}

#[cfg(not(feature = "jit"))]
fn native(_: &numloom_runtime::Explanation, stage: Stage, _: Isa) -> Result<String, Error> {
    Err(Error::no_code(format!(
        "this build has no code generator (feature `jit`), so no stage `{stage}`"
    )))
}
