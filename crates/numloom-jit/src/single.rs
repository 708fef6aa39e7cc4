//! Kernels in [`Streams`](Form::Streams) that go round their rows inside: what all backends decide alike.

use numloom_ir::{Form, Kernel, LoopInst, LoopOp, Place, Step};

/// The most places that the rows of a loop are followed in: each takes a register.
const MAX_PLACES: usize = 6;

/// The most operations of a body that there are more copies of.
pub(crate) const SHORT: usize = 8;

/// The loop of a kernel in `streams` that has nothing else.
pub(crate) fn single_loop(kernel: &Kernel) -> Option<&[LoopInst]> {
    let [Step::Loop(body)] = &kernel.steps[..] else {
        return None;
    };
    let mut places: Vec<Place> = Vec::new();
    for inst in body {
        if let LoopOp::Load(place) | LoopOp::Store { place, .. } = inst.op
            && !places.contains(&place)
        {
            places.push(place);
        }
    }
    (kernel.form == Form::Streams && places.len() <= MAX_PLACES).then_some(body)
}

/// Whether there is code for every [`Way`](crate::abi::Way).
pub(crate) fn begins_lanes(kernel: &Kernel) -> bool {
    single_loop(kernel).is_some_and(|body| body.len() <= SHORT)
}
