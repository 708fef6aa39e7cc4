//! `numloom eval`: files in, files and printed values out.

use std::sync::OnceLock;

use numloom::{CancelFlag, Engine, Expr, Options, OutputInfo, Schema, Transformed};

use crate::args::EvalArgs;
use crate::cmd::table;
use crate::files::{self, Given, NamedInput, class, output_files};
use crate::report::{Failure, Progress, say};

pub(crate) fn run(args: &EvalArgs) -> Result<(), Failure> {
    let engine = Engine::new(args.engine.options()?)?;
    let expr = engine.parse(&files::expression(&args.expr)?)?;
    let inputs = args.inputs.iter().map(|arg| NamedInput::read(arg));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    if let Some(mut source) = table::source(args, &expr, &inputs)? {
        return table::run(args, &engine, &expr, &inputs, &mut *source);
    }
    let Look { arrays, bytes } = look(&engine, &expr, &inputs)?;
    let files = output_files(&args.outputs, &arrays)?;
    if args.in_place && args.outputs.is_empty() {
        return Err(Failure::usage(
            "`--in-place` without an output file",
            "name the file with `-o`",
        ));
    }
    let mut transform = engine
        .transform(&expr)
        .memory(args.memory)
        .fresh(args.fresh)
        .undo(!args.no_undo)
        .force(args.force);
    if args.in_place {
        transform = transform.in_place();
    }
    for NamedInput { name, given } in &inputs {
        transform = match given {
            Given::File(file) => transform.file(name, file),
            Given::Number(value) => transform.value(name, value.clone()),
        };
    }
    for (name, file) in files {
        transform = match name {
            Some(name) => transform.output_as(name, file),
            None => transform.output(file),
        };
    }
    let progress = Progress::new(args.progress, bytes);
    let done = transform
        .options(progress.options(Options::new().cancel(stop_on_ctrl_c())))
        .run()?;
    drop(progress);
    print(&done);
    Ok(())
}

/// Prints what did not go to a file.
pub(crate) fn print(done: &Transformed) {
    for (name, value) in done.iter() {
        match (name, value) {
            (Some(name), Some(value)) => say!("{name} = {value}"),
            (None, Some(value)) => say!("{value}"),
            (_, None) => {}
        }
    }
}

/// What can be said before anything is computed.
struct Look {
    /// The outputs that are arrays, by their names.
    arrays: Vec<Option<String>>,
    /// About how many bytes are read and written, for the progress bar.
    bytes: u64,
}

fn look(engine: &Engine, expr: &Expr, inputs: &[NamedInput]) -> Result<Look, Failure> {
    let read = expr.inputs();
    let (mut schema, mut bytes, mut widest) = (Schema::new(), 0, 0);
    for input in inputs
        .iter()
        .filter(|input| read.contains(&input.name.as_str()))
    {
        let (dtype, shape) = input.look()?;
        let n: u64 = shape.iter().map(|&extent| extent as u64).product();
        bytes += n * dtype.itemsize() as u64;
        widest = widest.max(n);
        schema = schema.with_input(&input.name, dtype, class(&shape));
    }
    let infos = engine.compile(expr, &schema)?.outputs();
    let arrays = infos.into_iter().filter(|info| !info.reduced);
    let name = |info: OutputInfo| {
        bytes += widest * info.dtype.itemsize() as u64;
        info.name
    };
    let arrays = arrays.map(name).collect();
    Ok(Look { arrays, bytes })
}

/// A flag that the first Ctrl-C raises; the second one ends the process.
pub(crate) fn stop_on_ctrl_c() -> CancelFlag {
    static FLAG: OnceLock<CancelFlag> = OnceLock::new();
    let install = || {
        let flag = CancelFlag::new();
        let raised = flag.clone();
        let stop = move || match raised.is_cancelled() {
            false => raised.cancel(),
            true => std::process::exit(130),
        };
        // Without it, Ctrl-C is a kill, after which the run can be gone on with as well.
        let _ = ctrlc::set_handler(stop);
        flag
    };
    FLAG.get_or_init(install).clone()
}
