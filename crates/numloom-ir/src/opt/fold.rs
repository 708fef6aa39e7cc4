//! Constants: operations on constants become constants.
//!
//! The interpreter computes them, on one element, so a folded operation cannot differ from one that runs. What would fault is left
//! alone: it faults when it runs, if it runs. Operands that no one else uses are left to DCE; reductions stay, since the number of elements
//! is not known here. Values are of fixed width, so the work is bounded.
//!
//! ```text
//! %0 = const 3 : i32                %0 = const 3 : i32
//! %1 = cast %0 : f64         →      %1 = const 3.0 : f64
//! %2 = sqrt %1 : f64                %2 = const 1.7320508075688772 : f64
//! ```

use numloom_data::{DType, Scalar};

use crate::interp::eval_scalar;
use crate::op::Op;
use crate::program::{Inst, InstKind, Program, Value};

/// Computes operations whose operands are all constants, unless they fault.
///
/// The program must satisfy [`verify`](crate::verify()).
pub fn fold(prog: &Program) -> Program {
    let mut folded = prog.clone();
    for i in 0..folded.insts.len() {
        let (before, rest) = folded.insts.split_at_mut(i);
        let inst = &mut rest[0];
        if let InstKind::Apply { op, args } = &inst.kind
            && let Some(scalar) = compute(before, *op, args, inst.dtype)
        {
            inst.kind = InstKind::Const(scalar);
        }
    }
    folded
}

/// The result of `op`, if all `args` are constants and it does not fault.
fn compute(before: &[Inst], op: Op, args: &[Value], to: DType) -> Option<Scalar> {
    let scalar = |arg: &Value| match &before[arg.index()].kind {
        InstKind::Const(scalar) => Some(scalar.clone()),
        _ => None,
    };
    let args = args.iter().map(scalar).collect::<Option<Vec<_>>>()?;
    eval_scalar(op, to, &args)
}
