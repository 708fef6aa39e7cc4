//! `numloom check`: is this expression well typed, and what does it give?

use numloom::Expr;

use crate::args::CheckArgs;
use crate::files;
use crate::report::{Failure, say};

pub(crate) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let (schema, _) = files::schema(&args.inputs)?;
    let kernel = Expr::parse(&files::expression(&args.expr)?)?.compile(&schema)?;
    for output in kernel.outputs() {
        say!("{output}");
    }
    Ok(())
}
