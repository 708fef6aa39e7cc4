//! Numloom's half of the test against NumPy, which `tests/conformance.py` runs: docs/conformance.md.
//!
//! `conformance draw SEED FIRST COUNT DIR` draws cases, evaluates them, and writes them with their answers as a batch into DIR.
//! `conformance cells` prints each operation and dtype, and whether it is defined there.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use numloom::{Array, Backend, Engine, Expr, Input, Isa, Options, Value, View};
use numloom_testkit::compare::{Measure, difference};
use numloom_testkit::conform::{self, Answer, Batch, Case};
use numloom_testkit::layout::Laid;

/// Every so many cases, another engine has to give the same bits.
const SAMPLE: u64 = 8;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["cells"] => {
            for (production, dtype, defined) in conform::cells() {
                println!("{}\t{dtype}\t{defined}", production.name);
            }
            Ok(())
        }
        ["draw", seed, first, count, dir] => match (seed.parse(), first.parse(), count.parse()) {
            (Ok(seed), Ok(first), Ok(count)) => batch(seed, first, count, Path::new(dir)),
            _ => Err("SEED, FIRST and COUNT are numbers".into()),
        },
        _ => Err("use: conformance cells | conformance draw SEED FIRST COUNT DIR".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn batch(seed: u64, first: u64, count: u64, dir: &Path) -> Outcome<()> {
    // Kernels are met once: nothing is worth a cache.
    let options = Options::new().cache_entries(0);
    let engine = Engine::new(options.clone().threads(1))?;
    let mut others = vec![(
        "three threads".to_owned(),
        Engine::new(options.clone().threads(3).block(64).serial_below(1))?,
    )];
    for &backend in Backend::available() {
        for &isa in Isa::available().iter().filter(|isa| backend.runs_on(**isa)) {
            // The interpreter computes its functions, too, with an instruction set; the best of all is the engine itself.
            let options = options.clone().backend(backend).isa(isa).threads(1);
            others.push((format!("{backend} on {isa}"), Engine::new(options)?));
        }
    }
    others.pop();
    // A panic is told with the case that it belongs to.
    std::panic::set_hook(Box::new(|_| {}));
    let mut batch = Batch::new();
    for number in first..first + count {
        let case = conform::draw(seed, number);
        let mut answer = answer(&engine, &case);
        for (i, (name, other)) in others.iter().enumerate() {
            if number % SAMPLE == i as u64
                && let Err(difference) = same(&answer, &self::answer(other, &case))
            {
                answer = error("engines-differ", &format!("{name}: {difference}"));
            }
        }
        batch.push(&case, &answer);
    }
    batch.write(dir)?;
    Ok(())
}

/// What an engine says to a case; a panic is an answer too, and a wrong one.
fn answer(engine: &Engine, case: &Case) -> Answer {
    let run = || -> Result<Vec<Array>, numloom::Error> {
        let expr = Expr::parse(&case.text)?;
        let laid: Vec<Option<Laid>> = case
            .inputs
            .iter()
            .map(|input| {
                input
                    .layout
                    .map(|layout| Laid::new(&input.array.view(), layout))
            })
            .collect();
        let views: Vec<Option<View<'_>>> = laid
            .iter()
            .map(|laid| laid.as_ref().map(Laid::view))
            .collect();
        let inputs = case.inputs.iter().zip(&views);
        let inputs = inputs.map(|(input, view)| {
            let value = || Input::from(input.array.item().expect("a single value"));
            (
                &input.name[..],
                view.as_ref().map_or_else(value, Input::from),
            )
        });
        let outputs = engine.eval_expr(&expr, inputs)?;
        outputs.into_iter().map(Value::into_array).collect()
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(arrays)) => Answer::Outputs(arrays),
        Ok(Err(e)) => error(e.code().slug(), &e.to_string()),
        Err(payload) => {
            let text = payload.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            error("panic", &text.unwrap_or_default())
        }
    }
}

/// An error, by its code and the first line of its message.
fn error(slug: &str, message: &str) -> Answer {
    Answer::Error {
        slug: slug.to_owned(),
        message: message.lines().next().unwrap_or_default().to_owned(),
    }
}

fn same(want: &Answer, got: &Answer) -> Result<(), String> {
    match (want, got) {
        (Answer::Error { slug: want, .. }, Answer::Error { slug: got, .. }) if want == got => {
            Ok(())
        }
        (Answer::Outputs(want), Answer::Outputs(got)) => {
            let differences = want
                .iter()
                .zip(got)
                .filter_map(|(want, got)| difference(&want.view(), &got.view(), Measure::Bits));
            match differences.map(|difference| difference.to_string()).next() {
                Some(difference) => Err(difference),
                None => Ok(()),
            }
        }
        _ => Err(format!("{got:?} instead of {want:?}")),
    }
}
