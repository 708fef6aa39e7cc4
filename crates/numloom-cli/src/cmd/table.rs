//! `numloom eval --csv`, `--text` and `--npz`: rows in, a chunk at a time, files and printed values out.

use numloom::io::csv::{CsvOptions, CsvSink, CsvSource};
use numloom::io::npy::NpySink;
use numloom::io::rows::RowSource;
use numloom::io::text::{TextOptions, TextSource};
use numloom::{ChunkSink, ChunkSource, Engine, Expr, Options};

use crate::args::EvalArgs;
use crate::cmd::eval::{print, stop_on_ctrl_c};
use crate::files::{Given, NamedInput};
use crate::report::{Failure, Progress};

/// The table that was named, if one was.
pub(crate) fn source(
    args: &EvalArgs,
    expr: &Expr,
    inputs: &[NamedInput],
) -> Result<Option<Box<dyn ChunkSource>>, Failure> {
    let stdin = std::io::stdin;
    Ok(match (&args.csv, &args.text, &args.npz) {
        (Some(path), ..) => {
            let options = CsvOptions::new();
            Some(Box::new(match path.as_os_str() == "-" {
                true => CsvSource::from_reader(stdin(), &options)?,
                false => CsvSource::open(path, &options)?,
            }))
        }
        (None, Some(path), _) => {
            let options = TextOptions::new();
            Some(Box::new(match path.as_os_str() == "-" {
                true => TextSource::from_reader(stdin(), &options)?,
                false => TextSource::open(path, &options)?,
            }))
        }
        (None, None, Some(path)) => {
            // What the expression does not use need not have rows, nor be anything that can be read.
            let is_given = |name: &&str| inputs.iter().any(|input| input.name == **name);
            let read: Vec<&str> = expr
                .inputs()
                .into_iter()
                .filter(|name| !is_given(name))
                .collect();
            Some(Box::new(RowSource::open_npz(path, &read)?))
        }
        (None, None, None) => None,
    })
}

pub(crate) fn run(
    args: &EvalArgs,
    engine: &Engine,
    expr: &Expr,
    inputs: &[NamedInput],
    source: &mut dyn ChunkSource,
) -> Result<(), Failure> {
    if args.in_place {
        return Err(Failure::usage(
            "a table cannot be written in place",
            "name a new file with `-o`",
        ));
    }
    let mut sink = sink(&args.outputs)?;
    let progress = Progress::new(args.progress, source.size_bytes().unwrap_or(0));
    let mut stream = engine.stream(expr, source);
    for NamedInput { name, given } in inputs {
        let Given::Number(value) = given else {
            return Err(Failure::usage(
                format!("`{name}` is a file, and the other inputs are columns of a table"),
                "give numbers beside a table, as `k=2.5`",
            ));
        };
        stream = stream.value(name, value.clone());
    }
    if let Some(sink) = &mut sink {
        stream = stream.to(&mut **sink);
    }
    let options = Options::new().cancel(stop_on_ctrl_c());
    let done = stream.options(progress.options(options)).run()?;
    drop(progress);
    print(&done);
    Ok(())
}

/// Where columns go.
fn sink(outputs: &[String]) -> Result<Option<Box<dyn ChunkSink>>, Failure> {
    let [path] = outputs else {
        return match outputs.is_empty() {
            true => Ok(None),
            false => Err(Failure::usage(
                "the columns that come of a table go to one file",
                "write `-o FILE.csv`",
            )),
        };
    };
    match path.to_ascii_lowercase().rsplit_once('.') {
        Some((_, "npy")) => Ok(Some(Box::new(NpySink::new(path)))),
        Some((_, "csv")) => Ok(Some(Box::new(CsvSink::create(path)))),
        _ => Err(Failure::usage(
            format!("`{path}` says nothing about what it is to hold"),
            "write `-o FILE.csv` for any number of columns, or `-o FILE.npy` for one",
        )),
    }
}
