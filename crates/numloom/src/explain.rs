//! How an expression runs, for people: [`Explanation`], and each [`Stage`] as text.

use std::fmt;
use std::str::FromStr;

use numloom_data::DType;
use numloom_ir::{Form, InputClass, LoopOp, Place, Schema, Step, opt, schedule};
use numloom_runtime::Backend;

use crate::engine::Engine;
use crate::error::Error;
use crate::kernel::{Kernel, OutputInfo};

/// How a [`Kernel`] runs, for inputs that lie as its schema says and outputs of one shape.
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
/// assert_eq!((explanation.bytes_read, explanation.bytes_written), (12, 8));
/// assert_eq!(explanation.engine, Backend::Interpreter);
/// assert!(explanation.to_string().contains("reads 12 bytes, writes 8 bytes for each element"));
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The inputs.
    pub schema: Schema,
    /// The outputs.
    pub outputs: Vec<OutputInfo>,
    /// What runs it.
    pub engine: Backend,
    /// Why it is the interpreter, where machine code was hoped for.
    pub fallback: Option<String>,
    /// Bits of a vector register; none in the interpreter.
    pub vector_bits: Option<u32>,
    /// Times the inputs are gone through, if all outputs have one shape.
    pub passes: usize,
    /// Bytes read for each element; an input of one element counts nothing.
    pub bytes_read: usize,
    /// Bytes written for each element; reduced values count nothing.
    pub bytes_written: usize,
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
    /// Threads of a large run.
    pub threads: usize,
    /// Runs of fewer elements stay on the caller's thread.
    pub serial_below: usize,
}

impl Explanation {
    pub(crate) fn of(kernel: &Kernel) -> Result<Explanation, Error> {
        let inner = kernel.inner();
        let text = &inner.names.text;
        let run = inner.compiled.explain(kernel.classes());
        let mut runs = run.map_err(|error| Error::run(error, text))?;
        let passes = runs.len();
        if runs.is_empty() {
            return Err(Error::no_code(
                "no arrays of one shape fit the expression".to_owned(),
            ));
        }
        let run = runs.swap_remove(0);
        let body = &run.kernel;
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
                    call.args.iter().for_each(&mut reads);
                }
            }
        }
        let arrays = body
            .inputs
            .iter()
            .zip(read)
            .filter(|(input, read)| *read && input.class == InputClass::Contiguous);
        Ok(Explanation {
            schema: inner.schema.clone(),
            outputs: kernel.outputs(),
            engine: run.backend,
            vector_bits: match run.backend {
                Backend::Cranelift => Some(128),
                _ => None,
            },
            fallback: run.fallback,
            passes,
            bytes_read: arrays.map(|(input, _)| input.dtype.itemsize()).sum(),
            bytes_written: body.outputs.iter().copied().map(DType::itemsize).sum(),
            loops,
            calls,
            operations,
            scratch_bytes: body.scratch_bytes(),
            block: run.block,
            threads: run.threads,
            serial_below: run.serial_below,
        })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explanation {
            schema,
            passes,
            bytes_read,
            bytes_written,
            ..
        } = self;
        if !schema.inputs.is_empty() {
            writeln!(f, "inputs    {schema}")?;
        }
        f.write_str("outputs   ")?;
        for (i, output) in self.outputs.iter().enumerate() {
            write!(f, "{}{output}", if i == 0 { "" } else { ", " })?;
        }
        write!(f, "\nengine    {}", self.engine)?;
        if let Some(bits) = self.vector_bits {
            write!(f, ", vectors of {bits} bits")?;
        }
        if let Some(reason) = &self.fallback {
            write!(f, ", as machine code cannot be had: {reason}")?;
        }
        let traffic = format!(
            "reads {}, writes {}",
            bytes(*bytes_read),
            bytes(*bytes_written)
        );
        writeln!(f, "\npasses    {passes}, {traffic} for each element")?;
        let (loops, calls) = (count(self.loops, "loop"), count(self.calls, "call"));
        write!(
            f,
            "kernel    {loops} of {}, {calls}",
            count(self.operations, "operation")
        )?;
        match self.scratch_bytes {
            0 => {}
            scratch => write!(f, ", {scratch} bytes of scratch")?,
        }
        match self.block {
            Some(block) => writeln!(f, "\nblock     {}", count(block, "element"))?,
            None => f.write_str("\nblock     all of a thread's chunk\n")?,
        }
        write!(f, "threads   {}", self.threads)?;
        match (self.threads, self.serial_below) {
            (1, _) | (_, 0) => Ok(()),
            (_, least) => write!(f, " from {least} elements on"),
        }
    }
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
    /// Machine instructions, as Cranelift prints them.
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
///
/// # Errors
/// Those of [`Expr::parse`](crate::Expr::parse) and [`Expr::compile`](crate::Expr::compile); `engine-unavailable` for [`Clif`](Stage::Clif) and [`Asm`](Stage::Asm) where
/// there is no code generator.
///
/// ```
/// use numloom::{DType, Schema, Stage, explain_stage};
///
/// let schema = Schema::new().with("a", DType::F64);
/// let opt = explain_stage("a + a*0 + 2*3", &schema, Stage::Opt)?;
/// assert!(opt.starts_with("input a: f64\n"));
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
        let expr = self.parse(src)?;
        if stage == Stage::Ast {
            return Ok(expr.ast().tree().to_string());
        }
        let kernel = self.compile(&expr, schema)?;
        let typed = &kernel.inner().typed;
        // Shown even where an engine is told not to optimise.
        let body = || schedule(&opt::run(typed), kernel.classes(), Form::Lanes);
        match stage {
            Stage::Ast => unreachable!("handled above"),
            Stage::Ir => Ok(typed.to_string()),
            Stage::Opt => Ok(opt::run(typed).to_string()),
            Stage::Kernel => Ok(body().to_string()),
            Stage::Clif | Stage::Asm => native(&body(), stage),
            Stage::Plan => kernel.explain().map(|explanation| explanation.to_string()),
        }
    }
}

#[cfg(feature = "jit")]
fn native(kernel: &numloom_ir::Kernel, stage: Stage) -> Result<String, Error> {
    use numloom_jit::{Target, asm, clif};
    let text = Target::host().and_then(|target| match stage {
        Stage::Asm => asm(kernel, &target),
        _ => clif(kernel, &target),
    });
    text.map_err(|error| Error::no_code(error.to_string()))
}

#[cfg(not(feature = "jit"))]
fn native(_: &numloom_ir::Kernel, stage: Stage) -> Result<String, Error> {
    Err(Error::no_code(format!(
        "this build has no code generator (feature `jit`), so no stage `{stage}`"
    )))
}
