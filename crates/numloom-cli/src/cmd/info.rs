//! `numloom info`: what a file holds, or what the machine has.

use numloom::io::probe;
use numloom::{Engine, Isa, Options};

use crate::args::InfoArgs;
use crate::report::{Failure, say};

pub(crate) fn run(args: &InfoArgs) -> Result<(), Failure> {
    if args.files.is_empty() {
        let engine = Engine::new(Options::new())?;
        let all: Vec<&str> = Isa::available().iter().map(|isa| isa.name()).collect();
        say!("numloom   {}", env!("CARGO_PKG_VERSION"));
        say!("isa       {}, of {}", engine.isa(), all.join(", "));
        say!("threads   {}", engine.threads());
    }
    for file in &args.files {
        say!("{}", probe(file)?);
    }
    Ok(())
}
