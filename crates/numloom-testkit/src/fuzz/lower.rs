//! Meaning: any text that parses lowers or is refused, what lowers is well formed, and the passes keep it so.

use numloom_data::DType;
use numloom_ir::{
    Form, InputClass, InstKind, LowerOptions, Program, Schema, Value, lower, opt, schedule, verify,
    verify_kernel,
};

use super::text::check_diagnostics;
use crate::choices::Choices;
use crate::generate::{self, Size};

/// A text, or a program drawn from the bytes: lowering answers, and its program verifies, prints, reads back, and stays well formed
/// through the passes and the schedule.
///
/// # Panics
/// If not.
pub fn lower_optimize(data: &[u8]) {
    let (mode, rest) = data
        .split_first()
        .map_or((0, data), |(first, rest)| (first % 3, rest));
    match mode {
        0 => any_text(&String::from_utf8_lossy(rest)),
        1 => {
            let source = generate::source(&mut Choices::new(rest));
            let ast = numloom_syntax::parse(&source.text)
                .unwrap_or_else(|e| panic!("`{}`: {e}", source.text));
            match lower(&ast, &source.schema, &LowerOptions::default()) {
                Ok(prog) => check_program(&prog),
                Err(errors) => panic!("`{}` is well-typed: {errors}", source.text),
            }
        }
        _ => check_program(&generate::program(&mut Choices::new(rest), Size::default())),
    }
}

/// One-letter inputs of every dtype: what a fuzzer can spell.
fn schema() -> Schema {
    let inputs = "abcdefghijklmno"
        .chars()
        .zip(DType::ALL.into_iter().chain([DType::Bytes(4)]));
    inputs.fold(Schema::new(), |schema, (name, dtype)| {
        schema.with(&name.to_string(), dtype)
    })
}

fn any_text(text: &str) {
    let Ok(ast) = numloom_syntax::parse(text) else {
        return;
    };
    match lower(&ast, &schema(), &LowerOptions::default()) {
        Ok(prog) => check_program(&prog),
        Err(errors) => check_diagnostics(&errors.diagnostics(), text),
    }
}

fn check_program(prog: &Program) {
    let well_formed = |prog: &Program, when: &str| {
        if let Err(error) = verify(prog) {
            panic!("{when}: {error}\n{prog}");
        }
    };
    well_formed(prog, "as built");
    let read = Program::parse(&prog.to_string()).unwrap_or_else(|e| panic!("{e}\n{prog}"));
    assert_eq!(
        read,
        prog.clone().without_spans(),
        "the text form reads back"
    );
    let optimized = opt::run(prog);
    well_formed(&optimized, "after the passes");
    well_formed(&opt::run(&optimized), "after the passes once more");
    let dtypes = |prog: &Program| {
        prog.outputs
            .iter()
            .map(|o| prog.dtype(o.value))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        dtypes(prog),
        dtypes(&optimized),
        "outputs keep their dtypes"
    );
    for prog in [prog, &optimized] {
        // A program of several passes is scheduled a pass at a time, for shapes that are not known here.
        let reduces = |value: Value| matches!(prog.inst(value).kind, InstKind::Reduce(_));
        let one_pass = prog
            .insts
            .iter()
            .all(|inst| !matches!(inst.kind, InstKind::Count { .. }) && !inst.uses().any(reduces));
        if !one_pass {
            continue;
        }
        let classes = vec![InputClass::Contiguous; prog.inputs.len()];
        let kernel = schedule(prog, &classes, Form::Lanes);
        if let Err(error) = verify_kernel(&kernel) {
            panic!("the kernel: {error}\n{prog}\n{kernel}");
        }
    }
}
