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

/// A plain read: sixteen partial sums, so that the loop is bound by memory.
pub(crate) fn plain_sum(a: &[f64]) -> f64 {
    let mut lanes = [0.0; 16];
    let chunks = a.chunks_exact(16);
    let tail: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    lanes.iter().sum::<f64>() + tail
}
