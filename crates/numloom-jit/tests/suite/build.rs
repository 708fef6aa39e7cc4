//! Kernels made by hand.

use numloom_data::{DType, Scalar};
use numloom_ir::{
    AccOp, AccumulateStep, Accumulator, CallArg, CallStep, CastMode, Form, InputClass, Kernel,
    KernelInput, LoopInst, LoopOp, Op, Place, Step, V, Value,
};
use numloom_syntax::Span;

/// A kernel without inputs, outputs and steps.
pub(crate) fn empty() -> Kernel {
    Kernel {
        inputs: vec![],
        outputs: vec![],
        accumulators: vec![],
        form: Form::default(),
        slots: vec![],
        steps: vec![],
        results: vec![],
    }
}

/// A kernel under construction; operations go to its last loop.
pub(crate) struct Build {
    pub(crate) kernel: Kernel,
    body: Vec<LoopInst>,
}

impl Build {
    pub(crate) fn new() -> Build {
        Build {
            kernel: empty(),
            body: vec![],
        }
    }

    fn push(&mut self, op: LoopOp, dtype: DType) -> V {
        self.body.push(LoopInst { op, dtype });
        V(self.body.len() as u32 - 1)
    }

    pub(crate) fn dtype(&self, value: V) -> DType {
        self.body[value.index()].dtype
    }

    pub(crate) fn input(&mut self, dtype: DType, class: InputClass) -> Place {
        self.kernel.inputs.push(KernelInput { dtype, class });
        Place::Input(self.kernel.inputs.len() as u32 - 1)
    }

    pub(crate) fn output(&mut self, dtype: DType) -> Place {
        self.kernel.outputs.push(dtype);
        Place::Output(self.kernel.outputs.len() as u32 - 1)
    }

    pub(crate) fn slot(&mut self, size: usize) -> Place {
        self.kernel.slots.push(size);
        Place::Slot(self.kernel.slots.len() as u32 - 1)
    }

    pub(crate) fn load(&mut self, place: Place, dtype: DType) -> V {
        self.push(LoopOp::Load(place), dtype)
    }

    /// A new contiguous input, loaded.
    pub(crate) fn array(&mut self, dtype: DType) -> V {
        let place = self.input(dtype, InputClass::Contiguous);
        self.load(place, dtype)
    }

    /// A new scalar input, loaded.
    pub(crate) fn scalar(&mut self, dtype: DType) -> V {
        let place = self.input(dtype, InputClass::Scalar);
        self.load(place, dtype)
    }

    pub(crate) fn constant(&mut self, scalar: Scalar) -> V {
        let dtype = scalar.dtype();
        self.push(LoopOp::Const(scalar), dtype)
    }

    pub(crate) fn apply(&mut self, op: Op, args: &[V]) -> V {
        let from = self.dtype(args[args.len() - 1]);
        let to = op.result(from).expect("no cast");
        self.apply_to(op, to, args)
    }

    pub(crate) fn apply_to(&mut self, op: Op, to: DType, args: &[V]) -> V {
        let args = args.to_vec();
        self.push(LoopOp::Apply { op, args }, to)
    }

    /// A wrapping cast, or nothing if `to` is the dtype already.
    pub(crate) fn cast(&mut self, to: DType, x: V) -> V {
        if self.dtype(x) == to {
            return x;
        }
        self.apply_to(Op::Cast(CastMode::Wrap), to, &[x])
    }

    pub(crate) fn store(&mut self, place: Place, value: V) {
        let dtype = self.dtype(value);
        self.push(LoopOp::Store { place, value }, dtype);
    }

    /// Stores to a new output.
    pub(crate) fn out(&mut self, value: V) {
        let place = self.output(self.dtype(value));
        self.store(place, value);
    }

    pub(crate) fn accumulate(&mut self, op: AccOp, value: V) {
        let dtype = self.dtype(value);
        self.kernel.accumulators.push(Accumulator { op, dtype });
        let acc = self.kernel.accumulators.len() as u32 - 1;
        self.push(LoopOp::Accumulate { acc, value }, dtype);
    }

    /// Takes blocks into a new accumulator by a call.
    pub(crate) fn accumulate_block(&mut self, op: AccOp, dtype: DType, args: &[Place]) {
        self.end_loop();
        self.kernel.accumulators.push(Accumulator { op, dtype });
        let acc = self.kernel.accumulators.len() as u32 - 1;
        let args = args.to_vec();
        self.kernel
            .steps
            .push(Step::Accumulate(AccumulateStep { acc, args }));
    }

    /// Ends the loop.
    pub(crate) fn end_loop(&mut self) {
        if !self.body.is_empty() {
            let body = std::mem::take(&mut self.body);
            self.kernel.steps.push(Step::Loop(body));
        }
    }

    pub(crate) fn call(&mut self, op: Op, from: DType, to: DType, args: &[Place], dst: Place) {
        let args = args.iter().map(|&place| place.into()).collect();
        self.call_on(op, from, to, args, dst);
    }

    /// The same, on constants as well.
    pub(crate) fn call_on(
        &mut self,
        op: Op,
        from: DType,
        to: DType,
        args: Vec<CallArg>,
        dst: Place,
    ) {
        self.end_loop();
        let inst = Value(self.kernel.steps.len() as u32);
        self.kernel.steps.push(Step::Call(CallStep {
            op,
            from,
            to,
            args,
            dst,
            inst,
            span: Span::default(),
        }));
    }

    pub(crate) fn finish(mut self) -> Kernel {
        self.end_loop();
        self.kernel
    }
}
