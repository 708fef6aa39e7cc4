//! Operations on single values: what folding, literals and the end of a reduction compute with, by the meaning of blocks.

use numloom_data::{DType, Scalar};
use numloom_math::Isa;

use super::bytes::{Strings, eval_bytes};
use super::eval::{FaultSink, eval};
use crate::fault::Fault;
use crate::op::Op;

/// `op` on single values with a result of dtype `to`; `None` if it faults.
///
/// # Panics
/// As [`eval()`](super::eval()), if the values do not fit the operation.
///
/// ```
/// use numloom_data::{DType, Scalar};
/// use numloom_ir::{Op, interp::eval_scalar};
///
/// let sum = eval_scalar(Op::Add, DType::I8, &[Scalar::I8(100), Scalar::I8(100)]);
/// assert_eq!(sum, Some(Scalar::I8(-56)));
/// assert_eq!(eval_scalar(Op::Pow, DType::I8, &[Scalar::I8(2), Scalar::I8(-1)]), None);
/// ```
pub fn eval_scalar(op: Op, to: DType, args: &[Scalar]) -> Option<Scalar> {
    const ITEM: usize = 16;
    let from = args.last()?.dtype();
    let mut result = [0u8; ITEM];
    let result = &mut result[..to.itemsize()];
    if from.is_bytes() {
        let strings = args.iter().map(|arg| match arg {
            Scalar::Bytes(bytes) => Strings::one(bytes),
            other => panic!("{other} is no byte string"),
        });
        eval_bytes(op, &strings.collect::<Vec<_>>(), result);
        return Some(Scalar::read(to, result));
    }
    let mut bytes = [[0u8; ITEM]; 3];
    let mut sizes = [0usize; 3];
    for ((bytes, size), arg) in bytes.iter_mut().zip(&mut sizes).zip(args) {
        *size = arg.dtype().itemsize();
        arg.write_bytes(&mut bytes[..*size]);
    }
    let operands: [&[u8]; 3] = std::array::from_fn(|i| &bytes[i][..sizes[i]]);
    let mut fault = Fault::NONE;
    let mut sink = FaultSink {
        fault: &mut fault,
        inst: 0,
        index: 0,
    };
    let isa = Isa::best();
    eval(
        isa,
        op,
        from,
        to,
        &operands[..args.len()],
        result,
        &mut sink,
    );
    (!fault.is_some()).then(|| Scalar::read(to, result))
}
