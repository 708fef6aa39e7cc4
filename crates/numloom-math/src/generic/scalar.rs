//! Functions that have no kernel yet: lane by lane through the scalar [`libm`] crate, a fixed sequence of IEEE operations as well.

use crate::lanes::{Lanes, MAX_LANES};

#[inline(always)]
fn each<V: Lanes>(x: V, f: fn(f64) -> f64) -> V {
    let mut lanes = [0.0; MAX_LANES];
    x.store(&mut lanes);
    for x in &mut lanes[..V::N] {
        *x = f(*x);
    }
    V::load(x.proof(), &lanes)
}

#[inline(always)]
pub(crate) fn erf<V: Lanes>(x: V) -> V {
    each(x, libm::erf)
}

#[inline(always)]
pub(crate) fn erfc<V: Lanes>(x: V) -> V {
    each(x, libm::erfc)
}
