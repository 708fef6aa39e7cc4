//! Passes: `Program → Program`, the same bits out.
//!
//! Each pass is one function in a file of its own, whose head shows before and after. None reassociates, contracts or drops
//! a special value: `x * 0` stays, `x + 0.0` stays.

mod cse;
mod dce;
mod fold;
mod simplify;

pub use cse::cse;
pub use dce::dce;
pub use fold::fold;
pub use simplify::simplify;

use crate::program::Program;

/// Runs every pass once, in the order that lets each see what the one before left: fold, simplify, CSE, DCE.
pub fn run(prog: &Program) -> Program {
    dce(&cse(&simplify(&fold(prog))))
}
