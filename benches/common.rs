//! What the end-to-end benches share.

use numloom::{DType, Engine, Expr, Kernel, Options, Schema};

/// Whether every bench is run just once, for its assertion: then arrays are small.
pub(crate) fn is_test() -> bool {
    std::env::args().any(|arg| arg == "--test")
}

/// The kernel of `src` over inputs of one dtype.
pub(crate) fn kernel_of(src: &str, inputs: &[&str], dtype: DType, threads: usize) -> Kernel {
    let engine = Engine::new(Options::new().threads(threads)).expect("the options are sound");
    let schema = inputs
        .iter()
        .fold(Schema::new(), |schema, input| schema.with(input, dtype));
    engine
        .compile(&Expr::parse(src).expect("the case parses"), &schema)
        .expect("the case compiles")
}
