//! Properties of random programs, trees and sources. Each is drawn from a byte vector, so that proptest shrinks it.

use std::sync::Arc;

use numloom_data::{Array, View};
use numloom_ir::{Isa, LowerOptions, Program, lower, opt};
use numloom_runtime::{Backend, RunOptions};
use numloom_testkit::choices::Choices;
use numloom_testkit::compare::{Measure, difference};
use numloom_testkit::fuzz;
use numloom_testkit::generate::{self, Size, Spice};
use numloom_testkit::layout::{Laid, Layout};
use numloom_testkit::runner::{Runner, run, run_into};
use proptest::collection::vec;
use proptest::prelude::*;

/// A program with arrays for its inputs: they broadcast, some in part.
fn drawn(bytes: &[u8], size: Size) -> (Program, Vec<Array>) {
    let mut choices = Choices::new(bytes);
    let prog = generate::program(&mut choices, size);
    let shape = generate::shapes(&mut choices);
    let arrays = with_arrays(&mut choices, &prog, &shape);
    (prog, arrays)
}

fn with_arrays(choices: &mut Choices<'_>, prog: &Program, shape: &[usize]) -> Vec<Array> {
    let draw = |input: &numloom_ir::Input| {
        let mut own = shape.to_vec();
        match choices.below(6) {
            0 => own.clear(),
            1 if !own.is_empty() => {
                let axis = choices.below(own.len());
                own[axis] = 1;
            }
            2 if !own.is_empty() => {
                own.remove(0);
            }
            _ => {}
        }
        generate::array(choices, input.dtype, &own, Spice::Hot)
    };
    prog.inputs.iter().map(draw).collect()
}

/// The outcome of a run, errors as their text.
type Outcome = Result<Vec<Array>, String>;

fn outcome(
    runner: &Runner,
    prog: &Arc<Program>,
    inputs: &[View<'_>],
    options: &RunOptions,
) -> Outcome {
    let compiled = runner
        .compile(prog)
        .unwrap_or_else(|error| panic!("{error:?}\n{prog}"));
    run(&compiled, inputs, options).map_err(|error| error.to_string())
}

#[track_caller]
fn same(want: &Outcome, got: &Outcome, what: &str, prog: &Program) {
    match (want, got) {
        (Ok(want), Ok(got)) => {
            for (i, (want, got)) in want.iter().zip(got).enumerate() {
                if let Some(difference) = difference(&want.view(), &got.view(), Measure::Bits) {
                    panic!("{what}, output {i}: {difference}\n{prog}");
                }
            }
        }
        (Err(want), Err(got)) => assert_eq!(want, got, "{what}\n{prog}"),
        _ => panic!("{what}: {got:?} instead of {want:?}\n{prog}"),
    }
}

/// Fewer cases where code is not optimised.
fn cases(n: u32) -> ProptestConfig {
    let cases = if cfg!(debug_assertions) { n } else { 10 * n };
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn printing_and_parsing_are_inverse(bytes in vec(any::<u8>(), 0..400)) {
        let mut data = vec![1];
        data.extend(bytes);
        fuzz::round_trip(&data);
    }

    #[test]
    fn well_typed_sources_lower_and_stay_well_formed(bytes in vec(any::<u8>(), 0..300)) {
        let mut data = vec![1];
        data.extend(bytes);
        fuzz::lower_optimize(&data);
    }

    #[test]
    fn lowering_any_text_answers(text in "[abcn0-9.+*/%<>=&|~^(), \\-;]{0,60}") {
        fuzz::lower_optimize(format!("\0{text}").as_bytes());
    }

    #[test]
    fn cranelift_is_the_interpreter_on_one_block(bytes in vec(any::<u8>(), 0..600)) {
        fuzz::differential(&bytes);
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn engines_and_passes_keep_the_bits(bytes in vec(any::<u8>(), 0..700)) {
        let (prog, arrays) = drawn(&bytes, Size::default());
        let inputs: Vec<View<'_>> = arrays.iter().map(Array::view).collect();
        let (raw, tuned) = (Arc::new(prog.clone()), Arc::new(opt::run(&prog)));
        let interpreter = Runner::new(Backend::Interpreter);
        let serial = RunOptions::new().threads(1usize);
        let want = outcome(&interpreter, &raw, &inputs, &serial);
        same(&want, &outcome(&interpreter, &tuned, &inputs, &serial), "interpreter, optimised", &prog);
        for &backend in &Backend::available()[1..] {
            let best = Runner::new(backend);
            same(&want, &outcome(&best, &raw, &inputs, &serial), &format!("{backend}, unoptimised"), &prog);
            for &isa in Isa::available().iter().filter(|isa| backend.runs_on(**isa)) {
                let forced = Runner::on(backend, isa);
                same(&want, &outcome(&forced, &tuned, &inputs, &serial), &format!("{backend} on {isa}"), &prog);
            }
        }
    }

    #[test]
    fn blocks_threads_and_layouts_do_not_matter(
        bytes in vec(any::<u8>(), 0..700),
        block in 1usize..300,
        threads in 1usize..5,
        layout in prop::sample::select(&Layout::ALL[..]),
        backend in prop::sample::select(Backend::available()),
    ) {
        let (prog, arrays) = drawn(&bytes, Size::default());
        let inputs: Vec<View<'_>> = arrays.iter().map(Array::view).collect();
        let prog = Arc::new(prog);
        let runner = Runner::new(backend);
        let want = outcome(&runner, &prog, &inputs, &RunOptions::new().threads(1usize));
        let laid: Vec<Laid> = inputs.iter().map(|view| Laid::new(view, layout)).collect();
        let inputs: Vec<View<'_>> = laid.iter().map(Laid::view).collect();
        let options = RunOptions::new().threads(threads).block(block).serial_below(1usize);
        let what = format!("{layout}, block {block}, {threads} threads");
        same(&want, &outcome(&runner, &prog, &inputs, &options), &what, &prog);
        if let Ok(like) = &want {
            let compiled = runner.compile(&prog).expect("it was compiled before");
            let got = run_into(&compiled, &inputs, like, layout, &options).map_err(|e| e.to_string());
            same(&want, &got, &format!("{what}, into {layout} outputs"), &prog);
        }
    }

    #[test]
    fn sources_mean_the_same_on_all_engines(bytes in vec(any::<u8>(), 0..600)) {
        let mut choices = Choices::new(&bytes);
        let source = generate::source(&mut choices);
        let ast = numloom_syntax::parse(&source.text).expect("a generated source parses");
        let prog = lower(&ast, &source.schema, &LowerOptions::default()).expect("a generated source is well-typed");
        let shape = generate::shapes(&mut choices);
        let arrays = with_arrays(&mut choices, &prog, &shape);
        let inputs: Vec<View<'_>> = arrays.iter().map(Array::view).collect();
        let interpreter = Runner::new(Backend::Interpreter);
        let want = outcome(&interpreter, &Arc::new(prog.clone()), &inputs, &RunOptions::new());
        let tuned = Arc::new(opt::run(&prog));
        for &backend in &Backend::available()[1..] {
            let got = outcome(&Runner::new(backend), &tuned, &inputs, &RunOptions::new());
            same(&want, &got, &source.text, &prog);
        }
    }
}
