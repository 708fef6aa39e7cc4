//! `numloom explain`: the stages of an expression, the functions of the language, the meaning of an error code.

use numloom::{Code, Engine, Stage};

use crate::args::ExplainArgs;
use crate::files;
use crate::report::{Failure, say};

pub(crate) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    if args.functions {
        for function in numloom::functions() {
            let others = match &function.names[1..] {
                [] => String::new(),
                names => format!(" (also {})", names.join(", ")),
            };
            let later = if function.is_supported {
                ""
            } else {
                " [not supported yet]"
            };
            let ulp = match function.max_ulp {
                Some(ulp) => format!(" [{ulp} ulp]"),
                None => String::new(),
            };
            say!(
                "{:24}  {}{others}{ulp}{later}",
                function.signature,
                function.doc
            );
        }
        let isa = Engine::new(args.engine.options()?)?.isa();
        let lanes = isa.lanes();
        say!(
            "Those with a bound in ulp run on {isa} here, {lanes} at a time, with the same bits on every machine."
        );
        return Ok(());
    }
    if let Some(code) = &args.code {
        let code: Code = code.parse().map_err(|_| {
            let known: Vec<_> = Code::ALL.iter().map(|code| code.slug()).collect();
            Failure::usage(
                format!("no error code `{code}`"),
                format!("codes are: {}", known.join(", ")),
            )
        })?;
        say!("{}", code.explain());
        return Ok(());
    }
    let stage: Stage = args.stage.parse().map_err(|_| {
        Failure::usage(
            format!("no stage `{}`", args.stage),
            "stages are: ast, ir, opt, kernel, clif, asm, plan",
        )
    })?;
    let (schema, shapes) = files::schema(&args.inputs)?;
    let expr = files::expression(args.expr.as_deref().unwrap_or_default())?;
    let engine = Engine::new(args.engine.options()?)?;
    if let (Stage::Plan, Some(shapes)) = (stage, shapes.filter(|shapes| !shapes.is_empty())) {
        let kernel = engine.compile(&engine.parse(&expr)?, &schema)?;
        let names = schema.inputs.iter().map(|input| input.name.as_str());
        let shapes: Vec<(&str, &[usize])> = names.zip(shapes.iter().map(Vec::as_slice)).collect();
        say!("{}", kernel.explain_for(&shapes)?);
        return Ok(());
    }
    say!(
        "{}",
        engine.explain_stage(&expr, &schema, stage)?.trim_end()
    );
    Ok(())
}
