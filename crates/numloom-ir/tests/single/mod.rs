//! Programs of single elements, by the interpreter.

use numloom_data::Scalar;
use numloom_ir::interp::{Block, Interpreter, Rows};
use numloom_ir::{Fault, Form, InputClass, Program, schedule};

/// What an elementwise program gives when its inputs hold these; none if it faults.
pub(crate) fn run(prog: &Program, inputs: &[Scalar]) -> Option<Scalar> {
    let classes = vec![InputClass::Contiguous; inputs.len()];
    let kernel = schedule(prog, &classes, Form::Lanes);
    let bytes = |value: &Scalar| {
        let mut bytes = vec![0; value.dtype().itemsize()];
        value.write_bytes(&mut bytes);
        bytes
    };
    let inputs: Vec<Vec<u8>> = inputs.iter().map(bytes).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let dtype = kernel.outputs[0];
    let mut output = vec![0; dtype.itemsize()];
    let mut fault = Fault::NONE;
    Interpreter::new(&kernel).run(
        &kernel,
        Block {
            n: 1,
            index: 0,
            rows: Rows::ONE,
            inputs: &inputs,
            outputs: &mut [&mut output],
            accumulators: &mut [],
            fault: &mut fault,
        },
    );
    (!fault.is_some()).then(|| Scalar::read(dtype, &output))
}
