//! Passes: `Program → Program`, the same bits out.
//!
//! Each pass is one function in a file of its own, whose head shows before and after. None reassociates, contracts or drops
//! a special value: `x * 0.0` stays, `x + 0.0` stays. Each takes a program that satisfies [`verify`](crate::verify()) and gives
//! one that does, in time linear in its instructions.
//!
//! Faults belong to the answer: a program faults after the passes if and only if it did before, the lowest faulting
//! element is the same, and so is the instruction that is told of those that fault there, the first. Only an operation that
//! no output depends on takes its faults with it.

mod cse;
mod dce;
mod fold;
mod simplify;

pub use cse::cse;
pub use dce::dce;
pub use fold::fold;
pub use simplify::simplify;

use numloom_math::FloatEnv;

use crate::program::Program;
use crate::verify::verify;

/// Runs the passes in the order that lets each see what the one before left: DCE, so that nothing unused lends its place
/// to an equal one that may fault; CSE, so that equal operands are one value; fold; simplify; CSE again, for what became
/// equal; DCE.
///
/// # Panics
/// In builds with debug assertions, if the program does not satisfy [`verify`](crate::verify()).
///
/// ```
/// use numloom_ir::{Program, opt};
///
/// let prog: Program = "
///     input a: i32
///     %0 = input 0 : i32
///     %1 = const 8 : i32
///     %2 = rem %0 %1 : i32
///     %3 = input 0 : i32
///     %4 = sub %0 %3 : i32
///     %5 = or %2 %4 : i32
///     out = %5 shape 0
/// ".parse()?;
/// assert_eq!(opt::run(&prog).to_string(), "\
/// input a: i32
/// %0 = input 0 : i32
/// %1 = const 7 : i32
/// %2 = and %0 %1 : i32
/// out = %2 shape 0
/// ");
/// # Ok::<(), numloom_ir::TextError>(())
/// ```
pub fn run(prog: &Program) -> Program {
    let _env = FloatEnv::enter();
    debug_assert_eq!(verify(prog), Ok(()), "before the passes:\n{prog}");
    let done = dce(&cse(&simplify(&fold(&cse(&dce(prog))))));
    debug_assert_eq!(verify(&done), Ok(()), "after the passes:\n{done}");
    done
}
