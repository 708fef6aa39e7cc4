//! `numloom eval`: files in, files and printed values out.

use std::path::Path;

use numloom::{Array, DType, Engine, Expr, InputClass, Order, Schema};

use crate::args::EvalArgs;
use crate::files::{self, NamedInput, Sink, Source, is_same_file, output_files};
use crate::report::{Failure, Progress, say};

pub(crate) fn run(args: &EvalArgs) -> Result<(), Failure> {
    let engine = Engine::new(args.engine.options()?)?;
    let expr = engine.parse(&files::expression(&args.expr)?)?;
    let mut inputs = args
        .inputs
        .iter()
        .map(|arg| NamedInput::open(arg))
        .collect::<Result<Vec<_>, _>>()?;
    let kernel = engine.compile(&expr, &schema_of(&expr, &inputs))?;
    let given = inputs
        .iter()
        .map(|input| (input.name.as_str(), input.input()));
    let shapes = kernel.shapes(given)?;

    let infos = kernel.outputs();
    let arrays: Vec<_> = infos
        .iter()
        .filter(|info| !info.reduced)
        .map(|info| info.name.clone())
        .collect();
    let mut files = output_files(&args.outputs, &arrays)?.into_iter();
    if args.in_place && args.outputs.is_empty() {
        return Err(Failure::usage(
            "`--in-place` without an output file",
            "name the file with `-o`",
        ));
    }
    let mut sinks = Vec::new();
    for (info, shape) in infos.iter().zip(&shapes) {
        let file = if info.reduced {
            None
        } else {
            files.next().flatten()
        };
        sinks.push(match file {
            Some(file) if args.in_place => Sink::existing(&file)?,
            Some(file) => Sink::new_file(&file, info.dtype, shape)?,
            None => Sink::Memory(printable(info.dtype, shape)?),
        });
    }

    part_files(&mut inputs, &sinks)?;

    let progress = Progress::new(
        args.progress,
        traffic(&inputs, infos.iter().map(|info| info.dtype).zip(&shapes)),
    );
    let kernel = kernel.with(progress.options(engine.options().clone()));
    let views = inputs
        .iter()
        .map(|input| input.source.view())
        .collect::<Vec<_>>();
    let mut places = sinks
        .iter_mut()
        .map(Sink::view_mut)
        .collect::<Result<Vec<_>, _>>()?;
    kernel.call(&views, &mut places)?;
    drop(places);
    drop(progress);

    for (info, sink) in infos.iter().zip(sinks) {
        let Some(array) = sink.commit()? else {
            continue;
        };
        match &info.name {
            Some(name) => say!("{name} = {array}"),
            None => say!("{array}"),
        }
    }
    Ok(())
}

/// Makes sure that no file is written to under two maps, or read under one while it is written to under another: sharing is seen
/// within a map only.
fn part_files(inputs: &mut [NamedInput], sinks: &[Sink]) -> Result<(), Failure> {
    let written: Vec<&Path> = sinks.iter().filter_map(Sink::existing_path).collect();
    for (i, path) in written.iter().enumerate() {
        if written[..i].iter().any(|other| is_same_file(path, other)) {
            return Err(Failure::usage(
                format!("two outputs go to `{}`", path.display()),
                "give each output its own file",
            ));
        }
    }
    for input in inputs {
        let Source::File(map) = &input.source else {
            continue;
        };
        if written.iter().any(|path| is_same_file(path, map.path())) {
            input.source = Source::Copy(map.view().to_array()?);
        }
    }
    Ok(())
}

/// The most bytes of an array that is held in memory only to be printed.
const MAX_PRINTED_BYTES: u128 = 1 << 30;

/// An array that is printed at the end.
fn printable(dtype: DType, shape: &[usize]) -> Result<Array, Failure> {
    let bytes = shape
        .iter()
        .fold(dtype.itemsize() as u128, |bytes, &extent| {
            bytes.saturating_mul(extent as u128)
        });
    if bytes > MAX_PRINTED_BYTES {
        return Err(Failure::usage(
            format!("the result has {bytes} bytes, too many to be held in memory and printed"),
            "name a file for it with `-o`",
        ));
    }
    Ok(Array::zeros(dtype, shape, Order::C)?)
}

/// The schema of the inputs that the expression reads; giving it another one is an error of the run.
fn schema_of(expr: &Expr, inputs: &[NamedInput]) -> Schema {
    let read = expr.inputs();
    let inputs = inputs
        .iter()
        .filter(|input| read.contains(&input.name.as_str()));
    inputs.fold(
        Schema::new(),
        |schema, NamedInput { name, source }| match source {
            Source::Number(array) => schema.with_scalar(name, array.dtype()),
            Source::Copy(array) => schema.with(name, array.dtype()),
            Source::File(map) => {
                let one = map.shape().iter().all(|&extent| extent == 1);
                let class = if one {
                    InputClass::Scalar
                } else {
                    InputClass::Contiguous
                };
                schema.with_input(name, map.dtype(), class)
            }
        },
    )
}

/// Bytes read and written, for the progress bar.
fn traffic<'a>(
    inputs: &[NamedInput],
    outputs: impl Iterator<Item = (DType, &'a Vec<usize>)>,
) -> u64 {
    let size = |dtype: DType, shape: &[usize]| {
        dtype.itemsize() as u64 * shape.iter().map(|&n| n as u64).product::<u64>()
    };
    let read: u64 = (inputs.iter())
        .map(|input| {
            let view = input.source.view();
            size(view.dtype(), view.shape())
        })
        .sum();
    read + outputs
        .map(|(dtype, shape)| size(dtype, shape))
        .sum::<u64>()
}
