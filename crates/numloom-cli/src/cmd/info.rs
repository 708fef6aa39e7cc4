//! `numloom info`: what a file holds.

use numloom::io::probe;

use crate::args::InfoArgs;
use crate::report::{Failure, say};

pub(crate) fn run(args: &InfoArgs) -> Result<(), Failure> {
    for file in &args.files {
        say!("{}", probe(file)?);
    }
    Ok(())
}
