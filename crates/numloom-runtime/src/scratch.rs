//! Memory that runs use again: of one thread ([`Work`]), and of a whole call ([`Scratch`]).

use std::cell::Cell;
use std::sync::Arc;

use numloom_data::{Buffer, Scalar};
use numloom_ir::interp::Interpreter;
use numloom_ir::{Isa, Kernel};

use crate::error::RuntimeError;
use crate::exec::Ptr;
use crate::guard::Guards;
use crate::memory::PAGE;
use crate::pattern::Pattern;
use crate::plan::Plan;
use crate::shape::Shapes;

/// What a thread keeps for the next run; more than this is given back.
const KEPT_BYTES: usize = 1 << 20;

/// A caller's memory for [`run_into_with`](crate::Compiled::run_into_with), used again by each call, of any program.
///
/// Without one, each thread keeps its own.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) shapes: Shapes,
    pub(crate) pattern: Pattern,
    /// The shape that a pass goes through.
    pub(crate) space: Vec<usize>,
    pub(crate) guards: Guards,
    pub(crate) plan: Plan,
    pub(crate) work: Work,
    /// Reduced values of a pass, one for each accumulator.
    pub(crate) reduced: Vec<u64>,
    /// Scalars that were computed between passes.
    pub(crate) scalars: Vec<Scalar>,
}

impl Scratch {
    /// No memory yet.
    #[must_use]
    pub fn new() -> Scratch {
        Scratch::default()
    }
}

/// What one thread needs to run a pass.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// The kernel's scratch, and cells and blocks of operands.
    pub(crate) area: Option<Buffer>,
    /// A pointer for each input and output of the kernel.
    pub(crate) inputs: Vec<Ptr>,
    pub(crate) outputs: Vec<Ptr>,
    /// Bytes from a row of a call to the next, of each input and output that is in place.
    pub(crate) input_steps: Vec<isize>,
    pub(crate) output_steps: Vec<isize>,
    /// Lanes of the accumulators, and what a leaf, or each leaf of a call, came to.
    pub(crate) lanes: Vec<u64>,
    pub(crate) partials: Vec<u64>,
    /// The row of the current block, and each operand's offset to it.
    pub(crate) index: Vec<usize>,
    pub(crate) rows: Vec<isize>,
    interpreter: Option<(Arc<Kernel>, Interpreter)>,
}

impl Work {
    /// Makes room for a pass.
    pub(crate) fn fit(&mut self, plan: &Plan, kernel: &Kernel) -> Result<(), RuntimeError> {
        let have = self.area.as_ref().map_or(0, Buffer::len);
        // Scratch does not begin with the area.
        let bytes = plan.work_bytes.saturating_add(PAGE);
        if have < bytes {
            self.area = None;
            self.area = Some(Buffer::zeroed(bytes)?);
        }
        self.inputs.clear();
        self.inputs.resize(kernel.inputs.len(), Ptr::DANGLING);
        self.outputs.clear();
        self.outputs.resize(kernel.outputs.len(), Ptr::DANGLING);
        self.input_steps.clear();
        self.input_steps.resize(kernel.inputs.len(), 0);
        self.output_steps.clear();
        self.output_steps.resize(kernel.outputs.len(), 0);
        let row = plan.row_of_calls(kernel);
        for (i, operand) in plan.operands.iter().enumerate() {
            let steps = match i < plan.inputs {
                true => &mut self.input_steps,
                false => &mut self.output_steps,
            };
            steps[operand.index] = operand.step * row.cast_signed();
        }
        self.lanes.clear();
        self.lanes.resize(kernel.lane_words(), 0);
        self.partials.clear();
        self.partials.resize(kernel.partial_words(), 0);
        Ok(())
    }

    /// An interpreter for `kernel`, which is of one engine: the last one, if it was for the same.
    pub(crate) fn take_interpreter(
        &mut self,
        kernel: &Arc<Kernel>,
        isa: Isa,
    ) -> (Arc<Kernel>, Interpreter) {
        match self.interpreter.take() {
            Some((last, interpreter)) if Arc::ptr_eq(&last, kernel) => (last, interpreter),
            _ => (Arc::clone(kernel), Interpreter::new(kernel).with_isa(isa)),
        }
    }

    /// Keeps an interpreter for the next run.
    pub(crate) fn keep_interpreter(&mut self, interpreter: (Arc<Kernel>, Interpreter)) {
        self.interpreter = Some(interpreter);
    }

    fn is_large(&self) -> bool {
        self.area
            .as_ref()
            .is_some_and(|area| area.len() > KEPT_BYTES)
    }
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Calls `f` with this thread's scratch, or with a fresh one inside another such call.
pub(crate) fn with_thread_scratch<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    // A thread that is ending has none left to take.
    let mut scratch = SCRATCH
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_default();
    let result = f(&mut scratch);
    if !scratch.work.is_large() {
        let _ = SCRATCH.try_with(|slot| slot.set(Some(scratch)));
    }
    result
}
