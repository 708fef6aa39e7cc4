//! Common subexpressions: of equal instructions the first stays.
//!
//! Two instructions are equal if they have the same kind, operation, dtype and operands. Operands count as the values that
//! stand for them by then, so that whole equal trees meet; those of a commutative operation count in either order, and
//! `x > y` counts as `y < x`. Constants are equal by their bits: `0.0` is not `-0.0`. The first instruction keeps its place and its span.
//!
//! ```text
//! %2 = mul %0 %1 : f64              %2 = mul %0 %1 : f64
//! %3 = mul %1 %0 : f64       →      %3 = add %2 %2 : f64
//! %4 = add %2 %3 : f64              out = %3
//! out = %4
//! ```

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use numloom_data::DType;

use crate::op::Op;
use crate::program::{Args, InstKind, Program, Value};

/// Makes equal instructions one.
///
/// The program must satisfy [`verify`](crate::verify()).
pub fn cse(prog: &Program) -> Program {
    let mut seen: HashMap<(InstKind, DType), Value> = HashMap::with_capacity(prog.insts.len());
    let mut stands_for = Vec::with_capacity(prog.insts.len());
    let mut insts = Vec::with_capacity(prog.insts.len());
    for inst in &prog.insts {
        let mut inst = inst.clone();
        inst.map_operands(|arg| stands_for[arg.index()]);
        let value = match seen.entry((canonical(&inst.kind), inst.dtype)) {
            Entry::Occupied(first) => *first.get(),
            Entry::Vacant(first) => {
                insts.push(inst);
                *first.insert(Value(insts.len() as u32 - 1))
            }
        };
        stands_for.push(value);
    }
    let mut outputs = prog.outputs.clone();
    for output in &mut outputs {
        output.map_values(|value| stands_for[value.index()]);
    }
    Program {
        inputs: prog.inputs.clone(),
        insts,
        outputs,
    }
}

/// The one spelling of instructions that mean the same.
fn canonical(kind: &InstKind) -> InstKind {
    let InstKind::Apply { op, args } = kind else {
        return kind.clone();
    };
    let (op, args) = match (*op, args.as_slice()) {
        (Op::Gt, &[x, y]) => (Op::Lt, Args::new(&[y, x])),
        (Op::Ge, &[x, y]) => (Op::Le, Args::new(&[y, x])),
        (op, &[x, y]) if op.is_commutative() => (op, Args::new(&[x.min(y), x.max(y)])),
        (op, _) => (op, *args),
    };
    InstKind::Apply { op, args }
}
