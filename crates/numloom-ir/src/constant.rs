//! Operations on constants, computed by the interpreter: one meaning for folding and running.

use numloom_data::{DType, Scalar};

use crate::fault::Fault;
use crate::interp::{FaultSink, eval};
use crate::op::Op;

/// `op` on constants with a result of dtype `to`; `None` if it faults.
pub(crate) fn eval_constant(op: Op, to: DType, args: &[Scalar]) -> Option<Scalar> {
    const ITEM: usize = 16;
    let from = args.last()?.dtype();
    let mut bytes = [[0u8; ITEM]; 3];
    let mut sizes = [0usize; 3];
    for ((bytes, size), arg) in bytes.iter_mut().zip(&mut sizes).zip(args) {
        *size = arg.dtype().itemsize();
        arg.write_bytes(&mut bytes[..*size]);
    }
    let operands: [&[u8]; 3] = std::array::from_fn(|i| &bytes[i][..sizes[i]]);
    let mut result = [0u8; ITEM];
    let mut fault = Fault::NONE;
    let mut sink = FaultSink {
        fault: &mut fault,
        step: 0,
        index: 0,
    };
    let result = &mut result[..to.itemsize()];
    eval(op, from, to, &operands[..args.len()], result, &mut sink);
    (!fault.is_some()).then(|| Scalar::read(to, result))
}
