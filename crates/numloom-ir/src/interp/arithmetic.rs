//! What arithmetic means, on integers and on floats alike.

use super::item::Item;

/// A number that computes.
pub(super) trait Arithmetic: Item {
    /// `-x`; a float's sign bit flipped, and nothing else, even of NaN.
    fn neg(self) -> Self;
    /// |x|; the least signed integer stays itself, as its negative does not fit; a float's sign bit cleared.
    fn abs(self) -> Self;
    /// -1, 0 or 1; NaN stays, and both zeros give `0.0`, as NumPy's.
    fn sign(self) -> Self;
    /// `x + y`.
    fn add(self, y: Self) -> Self;
    /// `x - y`.
    fn sub(self, y: Self) -> Self;
    /// `x * y`.
    fn mul(self, y: Self) -> Self;
    /// Python's `//`: the quotient rounded toward negative infinity. A float's comes from the exact remainder, as NumPy's
    /// does: `floor(x / y)` would be one too large for `1.0 // 0.1`.
    fn floor_div(self, y: Self) -> Self;
    /// Python's `%`: what [`floor_div`](Arithmetic::floor_div) leaves, with the sign of `y`. A float's is exact, but for one
    /// rounding where the signs of `x` and `y` differ.
    fn rem(self, y: Self) -> Self;
    /// C's `%` and `fmod`: what division toward zero leaves, exactly, with the sign of `x`.
    fn fmod(self, y: Self) -> Self;
}
