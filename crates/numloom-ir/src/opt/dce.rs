//! Dead code: instructions that no output needs are dropped.
//!
//! What remains keeps its order and is numbered anew. Inputs stay declared, since their indices and shapes are the program's
//! interface; only unneeded reads of them go. An instruction that may fault is no root of its own: it stays if and only if an
//! output depends on it.
//!
//! ```text
//! %0 = input 0 : f64                %0 = input 0 : f64
//! %1 = input 1 : i32                %1 = neg %0 : f64
//! %2 = pow %1 %1 : i32       →      out = %1
//! %3 = neg %0 : f64
//! out = %3
//! ```

use crate::program::{Program, Value};

/// Drops the instructions that no output needs.
///
/// The program must satisfy [`verify`](crate::verify()).
pub fn dce(prog: &Program) -> Program {
    let live = prog.live();
    let mut number = vec![Value(0); prog.insts.len()];
    let mut insts = Vec::with_capacity(prog.insts.len());
    for (i, inst) in prog.insts.iter().enumerate().filter(|&(i, _)| live[i]) {
        number[i] = Value(insts.len() as u32);
        let mut inst = inst.clone();
        inst.map_operands(|arg| number[arg.index()]);
        insts.push(inst);
    }
    let mut outputs = prog.outputs.clone();
    for output in &mut outputs {
        output.map_values(|value| number[value.index()]);
    }
    Program {
        inputs: prog.inputs.clone(),
        insts,
        outputs,
    }
}
