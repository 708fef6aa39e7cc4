//! The corpus through one engine, in every way that must not matter.
//!
//! Each case runs on the interpreter first, unoptimised, over contiguous arrays: that is compared with what the file says.
//! Then the engine under test runs it, optimised or not, with blocks of 1, 7 and 4,096 elements, on 1 and 4 threads, in each
//! [`Layout`], and again over inputs repeated to lengths that have vector bodies and tails; and optimised all once more under a host with odd floats, and
//! in a release build (compiling with Cranelift takes most of the time in another) on each lesser instruction set that the machine has. All of it has to agree bit for bit.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use numloom_data::{Array, DType, Order, View};
use numloom_ir::{InstKind, Isa, LowerOptions, Op, Program, Schema, lower, opt};
pub use numloom_runtime::Backend;
use numloom_runtime::{Compiled, RunOptions, RuntimeError, RuntimeErrorKind};
use numloom_syntax::{Code, Diagnostic, Span};

use crate::compare::{Measure, difference};
use crate::corpus::{Case, Expected, load_dir};
use crate::host::OddFloats;
use crate::layout::{Laid, Layout};
use crate::runner::{NotRun, Runner, applications, run, run_into};

/// Sizes of a block that a run may have.
const BLOCKS: [usize; 3] = [1, 7, 4096];

/// Numbers of threads that a run may have.
const THREADS: [usize; 2] = [1, 4];

/// Lengths that inputs are repeated to: vector bodies with a tail, and more than a block and a leaf.
const LENGTHS: [usize; 2] = [67, 4099];

/// The tests of one engine: every corpus case, unoptimised and optimised.
///
/// ```no_run
/// numloom_testkit::backend_suite!("tests/corpus", Interpreter as interpreter);
/// ```
#[macro_export]
macro_rules! backend_suite {
    ($dir:expr, $backend:ident as $name:ident) => {
        mod $name {
            #[test]
            fn every_case_unoptimised() {
                $crate::suite::check($dir.as_ref(), $crate::suite::Backend::$backend, false);
            }

            #[test]
            fn every_case_optimised() {
                $crate::suite::check($dir.as_ref(), $crate::suite::Backend::$backend, true);
            }
        }
    };
}

/// Runs every case of the corpus in `dir` on one engine, and prints what of the operation table that reached.
///
/// # Panics
/// If the corpus cannot be read, or cases fail: with all of them, not only the first.
#[expect(
    clippy::print_stdout,
    reason = "coverage and skips are shown, never silent"
)]
pub fn check(dir: &Path, backend: Backend, optimize: bool) {
    let cases = load_dir(dir).unwrap_or_else(|error| panic!("{error}"));
    assert!(!cases.is_empty(), "there are cases in {}", dir.display());
    if !backend.runs_on(Isa::best()) {
        println!("!!! SKIPPED: {backend} does not run on {}", Isa::best());
        return;
    }
    let all = Isa::available();
    // Operations are the same without optimisation, and once is enough.
    let too = optimize && (backend == Backend::Wide || !cfg!(debug_assertions));
    let lesser = all[..if too { all.len() - 1 } else { 0 }].iter();
    let lesser = lesser.filter(|isa| backend.runs_on(**isa));
    let mut suite = Suite {
        oracle: Runner::new(Backend::Interpreter),
        tested: Runner::new(backend),
        lesser: lesser.map(|&isa| Runner::on(backend, isa)).collect(),
        optimize,
        runs: 0,
        covered: HashSet::new(),
        skipped: Vec::new(),
    };
    let mut failures = Vec::new();
    for case in &cases {
        if let Err(reason) = suite.case(case) {
            failures.push(format!("{}: `{}`\n    {reason}", case.name, case.expr));
        }
    }
    let how = if optimize { "optimised" } else { "unoptimised" };
    println!(
        "{backend}, {how}: {} cases in {} runs",
        cases.len(),
        suite.runs
    );
    println!("{}", coverage(&suite.covered));
    for skipped in &suite.skipped {
        println!("SKIPPED {skipped}");
    }
    let n = failures.len();
    assert!(
        failures.is_empty(),
        "{n} of {} cases fail on {backend}, {how}:\n{}",
        cases.len(),
        failures.join("\n")
    );
}

struct Suite {
    oracle: Runner,
    tested: Runner,
    /// The same on instruction sets below the best.
    lesser: Vec<Runner>,
    optimize: bool,
    runs: usize,
    covered: HashSet<(Op, DType)>,
    skipped: Vec<String>,
}

/// An error of any stage, as cases name it.
struct Failure {
    code: Option<Code>,
    span: Option<Span>,
    text: String,
}

type Checked = Result<(), String>;

impl Suite {
    fn case(&mut self, case: &Case) -> Checked {
        let prog = match program(case) {
            Ok(prog) => Arc::new(prog),
            Err(failure) => return expect_failure(case, &failure),
        };
        self.covered.extend(applications(&prog));
        let tested = if self.optimize {
            Arc::new(opt::run(&prog))
        } else {
            Arc::clone(&prog)
        };
        let mut lesser = Vec::new();
        for runner in &self.lesser {
            if let Some(compiled) = compile(runner, &tested)? {
                lesser.push(compiled);
            }
        }
        let oracle =
            compile(&self.oracle, &prog)?.ok_or("the interpreter has no list of what it lacks")?;
        let Some(tested) = compile(&self.tested, &tested)? else {
            self.skipped.push(case.name.clone());
            return Ok(());
        };
        let inputs: Vec<View<'_>> = case.inputs.iter().map(|(_, array)| array.view()).collect();
        let want = run(&oracle, &inputs, &RunOptions::new());
        match (&want, &case.expected) {
            (Ok(got), Expected::Outputs(expected)) => {
                compare_outputs(&prog, expected, got, case.measure)?
            }
            (Err(error), _) => expect_failure(case, &runtime_failure(error))?,
            (Ok(_), Expected::Error { code, .. }) => {
                return Err(format!("no error, and `{code}` was expected"));
            }
        }
        let measure = if case.measure == Measure::Exact {
            Measure::Exact
        } else {
            Measure::Bits
        };
        let product = BLOCKS
            .iter()
            .flat_map(|&block| THREADS.map(|threads| (block, threads)));
        let product: Vec<(usize, usize)> = product.collect();
        for layout in Layout::ALL {
            self.laid(&tested, &inputs, &want, measure, layout, &product)?;
        }
        self.elsewhere(&tested, &lesser, &inputs, &want, measure)?;
        for n in LENGTHS {
            let Some(tiled) = tile(&prog, &case.inputs, n) else {
                continue;
            };
            let inputs: Vec<View<'_>> = tiled.iter().map(Array::view).collect();
            let want = run(&oracle, &inputs, &RunOptions::new());
            // Layouts, blocks and threads take turns here: their product was run above.
            let layouts = if n < 100 {
                &Layout::ALL[..]
            } else {
                &[Layout::Contiguous]
            };
            for (i, &layout) in layouts.iter().enumerate() {
                let (block, threads) = (
                    BLOCKS[(i + 2) % BLOCKS.len()],
                    THREADS[(i + 1) % THREADS.len()],
                );
                self.laid(
                    &tested,
                    &inputs,
                    &want,
                    measure,
                    layout,
                    &[(block, threads)],
                )?;
            }
            self.elsewhere(&tested, &lesser, &inputs, &want, measure)?;
        }
        Ok(())
    }

    /// Runs over contiguous inputs on each instruction set below the best, and under a host with odd floats if optimised.
    fn elsewhere(
        &mut self,
        tested: &Compiled,
        lesser: &[Compiled],
        inputs: &[View<'_>],
        want: &Result<Vec<Array>, RuntimeError>,
        measure: Measure,
    ) -> Checked {
        for compiled in lesser {
            let ways = [(4096, 1)];
            self.laid(compiled, inputs, want, measure, Layout::Contiguous, &ways)
                .map_err(|reason| format!("on {}: {reason}", compiled.engine().isa()))?;
        }
        for threads in THREADS.into_iter().filter(|_| self.optimize) {
            let options = RunOptions::new().threads(threads).serial_below(1usize);
            let odd = OddFloats::new();
            let got = run(tested, inputs, &options);
            let untouched = odd.are_untouched();
            drop(odd);
            if !untouched {
                return Err("the host's floats were changed".to_owned());
            }
            agrees(want, got, measure)
                .map_err(|reason| format!("under odd floats, {threads} threads: {reason}"))?;
        }
        Ok(())
    }

    /// Runs over inputs in one layout, with several blocks and threads.
    fn laid(
        &mut self,
        compiled: &Compiled,
        inputs: &[View<'_>],
        want: &Result<Vec<Array>, RuntimeError>,
        measure: Measure,
        layout: Layout,
        ways: &[(usize, usize)],
    ) -> Checked {
        let laid: Vec<Laid> = inputs.iter().map(|view| Laid::new(view, layout)).collect();
        let views: Vec<View<'_>> = laid.iter().map(Laid::view).collect();
        for &(block, threads) in ways {
            let options = RunOptions::new()
                .threads(threads)
                .block(block)
                .serial_below(1usize);
            self.one_way(compiled, &views, want, measure, layout, &options)
                .map_err(|reason| {
                    format!("{layout}, block {block}, {threads} threads: {reason}")
                })?;
        }
        Ok(())
    }

    fn one_way(
        &mut self,
        compiled: &Compiled,
        inputs: &[View<'_>],
        want: &Result<Vec<Array>, RuntimeError>,
        measure: Measure,
        layout: Layout,
        options: &RunOptions,
    ) -> Checked {
        self.runs += 1;
        let got = match want {
            Ok(want) => run_into(compiled, inputs, want, layout, options),
            Err(_) => run(compiled, inputs, options),
        };
        agrees(want, got, measure)
    }
}

/// Whether two outcomes are the same.
fn agrees(
    want: &Result<Vec<Array>, RuntimeError>,
    got: Result<Vec<Array>, RuntimeError>,
    measure: Measure,
) -> Checked {
    match (want, got) {
        (Ok(want), Ok(got)) => {
            for (i, (want, got)) in want.iter().zip(&got).enumerate() {
                if let Some(difference) = difference(&want.view(), &got.view(), measure) {
                    return Err(format!("output {i}, n = {}: {difference}", got.len()));
                }
            }
            Ok(())
        }
        (Err(want), Err(got)) if want.to_string() == got.to_string() => Ok(()),
        (Err(want), Err(got)) => Err(format!("the error is `{got}` instead of `{want}`")),
        (Err(want), Ok(_)) => Err(format!("no error instead of `{want}`")),
        (Ok(_), Err(got)) => Err(format!("an error: {got}")),
    }
}

/// The program of a case, or why there is none.
fn program(case: &Case) -> Result<Program, Failure> {
    let failure = |diagnostics: Vec<Diagnostic>| {
        let first = &diagnostics[0];
        Failure {
            code: Some(first.code),
            span: first.span(),
            text: first.message.clone(),
        }
    };
    let ast = numloom_syntax::parse(&case.expr).map_err(|errors| failure(errors.diagnostics()))?;
    let mut schema = Schema::new();
    for (name, array) in &case.inputs {
        schema = schema.with(name, array.dtype());
    }
    lower(&ast, &schema, &LowerOptions::default()).map_err(|errors| failure(errors.diagnostics()))
}

/// The code and place of an error that only arrays can cause.
fn runtime_failure(error: &RuntimeError) -> Failure {
    use numloom_ir::FaultCode::{CastOutOfRange, NegativePower};
    let (code, span) = match error.kind() {
        RuntimeErrorKind::Broadcast { span, .. } => (Some(Code::ShapeMismatch), Some(*span)),
        RuntimeErrorKind::EmptyReduction { span, .. } => (Some(Code::EmptyReduction), Some(*span)),
        RuntimeErrorKind::Axis { span, .. } | RuntimeErrorKind::Subscript { span, .. } => {
            (Some(Code::AxisOutOfRange), Some(*span))
        }
        RuntimeErrorKind::Fault {
            code: CastOutOfRange,
            span,
            ..
        } => (Some(Code::CastFailed), Some(*span)),
        RuntimeErrorKind::Fault {
            code: NegativePower,
            span,
            ..
        } => (Some(Code::NegativeIntegerPower), Some(*span)),
        _ => (None, None),
    };
    Failure {
        code,
        span,
        text: error.to_string(),
    }
}

fn expect_failure(case: &Case, failure: &Failure) -> Checked {
    let Expected::Error { code, span } = &case.expected else {
        return Err(format!("an error: {}", failure.text));
    };
    if failure.code != Some(*code) {
        return Err(format!(
            "the error is {:?} ({}) instead of `{code}`",
            failure.code, failure.text
        ));
    }
    match span {
        Some(span) if failure.span != Some(*span) => Err(format!(
            "`{code}` is at {:?} instead of {span:?}",
            failure.span
        )),
        _ => Ok(()),
    }
}

/// A program on an engine; none if the engine's list excuses it.
fn compile(runner: &Runner, prog: &Arc<Program>) -> Result<Option<Compiled>, String> {
    match runner.compile(prog) {
        Ok(compiled) => Ok(Some(compiled)),
        Err(NotRun::Listed(_)) => Ok(None),
        Err(NotRun::Error(error)) => Err(format!("not compiled: {error}")),
    }
}

fn compare_outputs(
    prog: &Program,
    expected: &[(Option<String>, Array)],
    got: &[Array],
    measure: Measure,
) -> Checked {
    if expected.len() != got.len() {
        return Err(format!(
            "{} outputs instead of {}",
            got.len(),
            expected.len()
        ));
    }
    for (output, got) in prog.outputs.iter().zip(got) {
        let name = output.name.as_deref().unwrap_or("(anonymous)");
        let want = expected.iter().find(|(name, _)| *name == output.name);
        let (_, want) = want.ok_or_else(|| format!("nothing is expected of output `{name}`"))?;
        if let Some(difference) = difference(&want.view(), &got.view(), measure) {
            return Err(format!("output `{name}`: {difference}"));
        }
    }
    Ok(())
}

/// The inputs of an elementwise program on one axis, repeated to `n` elements; none where that means something else.
fn tile(prog: &Program, inputs: &[(String, Array)], n: usize) -> Option<Vec<Array>> {
    let reduces = prog
        .insts
        .iter()
        .any(|inst| matches!(inst.kind, InstKind::Reduce(_)));
    let longest = inputs.iter().map(|(_, array)| array.len()).max()?;
    let fits = inputs
        .iter()
        .all(|(_, array)| array.ndim() <= 1 && (array.len() == longest || array.len() == 1));
    if reduces || !fits || longest == 0 {
        return None;
    }
    let repeated = |array: &Array| {
        if array.ndim() == 0 {
            return array.try_clone().expect("one element can be had");
        }
        let itemsize = array.dtype().itemsize();
        let mut long =
            Array::zeros(array.dtype(), &[n], Order::C).expect("a few elements can be had");
        for (i, place) in long.as_bytes_mut().chunks_exact_mut(itemsize).enumerate() {
            place.copy_from_slice(&array.as_bytes()[i % array.len() * itemsize..][..itemsize]);
        }
        long
    };
    Some(inputs.iter().map(|(_, array)| repeated(array)).collect())
}

/// How much of the operation table was reached, and what was not.
fn coverage(covered: &HashSet<(Op, DType)>) -> String {
    let mut missed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut total = 0;
    // Byte strings of any width count as one.
    let bytes = DType::Bytes(1);
    let of_bytes: HashSet<Op> = (covered.iter())
        .filter(|(_, dtype)| dtype.is_bytes())
        .map(|(op, _)| *op)
        .collect();
    for row in Op::TABLE {
        for dtype in DType::ALL_REAL
            .into_iter()
            .chain([bytes])
            .filter(|&dtype| row.domain.contains(dtype))
        {
            total += 1;
            let reached = covered.contains(&(row.op, dtype));
            if !(reached || dtype == bytes && of_bytes.contains(&row.op)) {
                missed
                    .entry(row.mnemonic)
                    .or_default()
                    .push(dtype.to_string());
            }
        }
    }
    let n: usize = missed.values().map(Vec::len).sum();
    let mut text = format!(
        "coverage: {} of {total} pairs of operation and dtype",
        total - n
    );
    for (op, dtypes) in missed {
        text += &format!("\n  not reached: {op} on {}", dtypes.join(" "));
    }
    text
}
