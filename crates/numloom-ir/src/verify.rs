//! What a program and a kernel must satisfy, checked.
//!
//! What is this: [`verify()`] for [`Program`]s and [`verify_kernel`] for [`Kernel`]s. What goes in: one that was made by hand, read
//! from text, or comes out of a pass. What comes out: nothing, or the first rule it breaks and where. What it never does:
//! repair, or run anything. Everything behind it relies on these rules without asking again.

use std::fmt;

use numloom_data::{DType, Scalar};

use crate::kernel::{
    AccumulateStep, CallArg, CallStep, InputClass, Kernel, LoopInst, LoopOp, Place, ResultKind,
    Step, V,
};
use crate::op::{CastMode, Domain, Op, Signature, alike};
use crate::program::{InputSource, InstKind, Output, Program, Reduce, Shape, ShapeSource, Value};

/// A rule that a program or kernel breaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyError {
    /// Which rule.
    pub kind: VerifyErrorKind,
    /// Where.
    pub place: VerifyPlace,
}

/// Where a rule is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum VerifyPlace {
    /// At an input of a program, by its place.
    Input(usize),
    /// At an instruction of a program.
    Inst(Value),
    /// At an output of a program, by its place.
    Output(usize),
    /// At a step of a kernel.
    Step(usize),
    /// At an operation of a kernel's loop.
    Loop {
        /// The step.
        step: usize,
        /// The operation in its body.
        op: usize,
    },
    /// In what a kernel declares: inputs, outputs, accumulators, slots, results.
    Kernel,
}

/// A rule of programs and kernels that can be broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum VerifyErrorKind {
    /// An operand that is not defined before its use.
    UndefinedOperand {
        /// Its number.
        operand: u32,
    },
    /// An operand that defines nothing: a store in a loop.
    NotAnOperand {
        /// Its number.
        operand: u32,
    },
    /// An input that is not declared.
    UnknownInput {
        /// Its index.
        input: u32,
    },
    /// An output whose value is not defined.
    UnknownValue {
        /// The value.
        value: Value,
    },
    /// A view or part of an input that is not declared before it, or has another dtype.
    WrongSource {
        /// The input.
        input: u32,
    },
    /// A shape that goes by a value which is no reduction, or not defined before.
    NotAShape {
        /// The value.
        value: Value,
    },
    /// A dtype that no operation knows.
    UnsupportedDType {
        /// The dtype.
        dtype: DType,
    },
    /// Operands that are fewer or more than the operation's.
    WrongArity {
        /// The operation.
        op: Op,
        /// How many it was given.
        given: usize,
    },
    /// Operands of a dtype that the operation is not defined on.
    OutsideDomain {
        /// The operation.
        op: Op,
        /// The dtype.
        dtype: DType,
    },
    /// A reduction of a dtype that cannot be reduced.
    NotReducible {
        /// The dtype.
        dtype: DType,
    },
    /// One dtype where the rest asks for another.
    DTypeMismatch {
        /// What the rest asks for.
        want: DType,
        /// What is there.
        found: DType,
    },
    /// A cast of a dtype to itself.
    IdleCast {
        /// The dtype.
        dtype: DType,
    },
    /// A place, accumulator or array that is not declared.
    UnknownPlace,
    /// A slot whose item size is none of 1, 2, 4 and 8, or not that of the dtype.
    WrongSlotSize {
        /// The size in bytes.
        size: usize,
    },
    /// A place that is read before anything is written to it, or that was overwritten with another dtype.
    Unwritten {
        /// The place.
        place: Place,
    },
    /// A write to an input, or a read of an output.
    WrongDirection {
        /// The place.
        place: Place,
    },
    /// A slot that is read and written in one step.
    Overlap {
        /// The slot.
        place: Place,
    },
    /// A block operation in a loop.
    BlockInLoop {
        /// The operation.
        op: Op,
    },
    /// A call of an operation that is none of blocks.
    InlineInCall {
        /// The operation.
        op: Op,
    },
    /// A call that is given a scalar input.
    ScalarInCall {
        /// The input.
        input: u32,
    },
    /// An accumulator whose operation is no operation of a loop and stands in one, or is one and is called, or has other operands.
    WrongAccumulate {
        /// The accumulator.
        acc: u32,
    },
    /// An output or accumulator that is never written, or more than once.
    NotOnce {
        /// How often it is written.
        times: usize,
    },
}

impl fmt::Display for VerifyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerifyPlace::Inst(value) => write!(f, "at {value}"),
            VerifyPlace::Input(i) => write!(f, "at input {i}"),
            VerifyPlace::Output(i) => write!(f, "at output {i}"),
            VerifyPlace::Step(step) => write!(f, "at step {step}"),
            VerifyPlace::Loop { step, op } => write!(f, "at step {step}, operation {op}"),
            VerifyPlace::Kernel => f.write_str("in the kernel's declarations"),
        }
    }
}

impl fmt::Display for VerifyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UndefinedOperand { operand } => {
                write!(f, "operand {operand} is not defined before its use")
            }
            Self::NotAnOperand { operand } => {
                write!(f, "operand {operand} has no value for each element")
            }
            Self::UnknownInput { input } => write!(f, "input {input} is not declared"),
            Self::UnknownValue { value } => write!(f, "the output's value {value} is not defined"),
            Self::WrongSource { input } => {
                write!(f, "input {input} is no view or part of an earlier one")
            }
            Self::NotAShape { value } => {
                write!(
                    f,
                    "a shape goes by {value}, which is no reduction before it"
                )
            }
            Self::UnsupportedDType { dtype } => write!(f, "no operation knows dtype {dtype}"),
            Self::WrongArity { op, given } => write!(
                f,
                "`{op}` takes {} operands and was given {given}",
                op.arity()
            ),
            Self::OutsideDomain { op, dtype } => write!(f, "`{op}` is not defined on {dtype}"),
            Self::NotReducible { dtype } => write!(f, "{dtype} cannot be reduced"),
            Self::DTypeMismatch { want, found } => write!(f, "expected {want}, found {found}"),
            Self::IdleCast { dtype } => write!(f, "a cast from {dtype} to itself"),
            Self::UnknownPlace => f.write_str("a place that is not declared"),
            Self::WrongSlotSize { size } => {
                write!(f, "a slot of {size} bytes an element does not fit")
            }
            Self::Unwritten { place } => {
                write!(f, "{place} is read and holds no value of this dtype")
            }
            Self::WrongDirection { place } => {
                write!(
                    f,
                    "{place} is an input that is written or an output that is read"
                )
            }
            Self::Overlap { place } => write!(f, "{place} is read and written in one step"),
            Self::BlockInLoop { op } => write!(f, "the block operation `{op}` stands in a loop"),
            Self::InlineInCall { op } => write!(f, "`{op}` is no block operation, and is called"),
            Self::ScalarInCall { input } => {
                write!(f, "a call is given the scalar input {input}")
            }
            Self::WrongAccumulate { acc } => {
                write!(f, "accumulator {acc} does not take its operands so")
            }
            Self::NotOnce { times } => {
                write!(
                    f,
                    "an output or accumulator is written {times} times, not once"
                )
            }
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.kind)
    }
}

impl std::error::Error for VerifyError {}

type Check = Result<(), VerifyErrorKind>;

/// What casts take: every dtype that can be computed and handed out.
fn supported() -> Domain {
    Op::Cast(CastMode::Wrap).info().domain
}

fn require(holds: bool, otherwise: VerifyErrorKind) -> Check {
    if holds { Ok(()) } else { Err(otherwise) }
}

fn same_dtype(want: DType, found: DType) -> Check {
    require(
        want == found,
        VerifyErrorKind::DTypeMismatch { want, found },
    )
}

/// Whether `op` takes operands of these dtypes to a result of dtype `to`.
fn check_types(op: Op, operands: &[DType], to: DType) -> Check {
    let info = op.info();
    let Some(&from) = operands.last().filter(|_| operands.len() == op.arity()) else {
        let given = operands.len();
        return Err(VerifyErrorKind::WrongArity { op, given });
    };
    let in_domain = |dtype| {
        require(
            info.domain.contains(dtype),
            VerifyErrorKind::OutsideDomain { op, dtype },
        )
    };
    let rest = match info.signature {
        Signature::Select => {
            same_dtype(DType::Bool, operands[0])?;
            &operands[1..]
        }
        _ => operands,
    };
    in_domain(from)?;
    for &found in rest.iter().filter(|&&found| !alike(from, found)) {
        same_dtype(from, found)?;
    }
    match op.result(from) {
        Some(want) => same_dtype(want, to),
        None => {
            in_domain(to)?;
            require(from != to, VerifyErrorKind::IdleCast { dtype: to })
        }
    }
}

/// Checks a program.
///
/// Each instruction stands after its operands and has the dtype that its row of the table gives it; casts change the
/// dtype; `f16` is met only by casts, inputs, constants and outputs; byte strings are inputs and constants; inputs are declared, the caller's arrays first and parts after
/// their wholes, with the dtype they are read with; shapes go by declared inputs and by reductions before them.
///
/// # Errors
/// The first rule that is broken, and where.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::{Builder, Value, verify};
///
/// let mut b = Builder::new();
/// let a = b.input("a", DType::F64);
/// b.output(None, a);
/// let mut prog = b.finish();
/// assert_eq!(verify(&prog), Ok(()));
///
/// prog.outputs[0].value = Value(7);
/// let error = verify(&prog).unwrap_err();
/// assert_eq!(error.to_string(), "at output 0: the output's value %7 is not defined");
/// ```
pub fn verify(prog: &Program) -> Result<(), VerifyError> {
    for i in 0..prog.inputs.len() {
        check_source(prog, i).map_err(|kind| VerifyError {
            kind,
            place: VerifyPlace::Input(i),
        })?;
    }
    for i in 0..prog.insts.len() {
        check_inst(prog, i).map_err(|kind| VerifyError {
            kind,
            place: VerifyPlace::Inst(Value(i as u32)),
        })?;
    }
    for (i, output) in prog.outputs.iter().enumerate() {
        check_output(prog, output).map_err(|kind| VerifyError {
            kind,
            place: VerifyPlace::Output(i),
        })?;
    }
    Ok(())
}

fn check_source(prog: &Program, i: usize) -> Check {
    let input = i as u32;
    let dtype = prog.inputs[i].dtype;
    let earlier = |&whole: &u32| (whole as usize) < i;
    let found = match &prog.inputs[i].source {
        InputSource::Array => i < prog.arrays().len(),
        InputSource::View { input, .. } => {
            earlier(input) && prog.inputs[*input as usize].dtype == dtype
        }
        InputSource::Real(input) | InputSource::Imag(input) => {
            let part = |dtype| match dtype {
                DType::C64 => Some(DType::F32),
                DType::C128 => Some(DType::F64),
                _ => None,
            };
            earlier(input) && part(prog.inputs[*input as usize].dtype) == Some(dtype)
        }
    };
    require(found, VerifyErrorKind::WrongSource { input })
}

/// Checks a shape that is met before instruction `next`.
fn check_shape(prog: &Program, shape: &Shape, next: usize) -> Check {
    for source in shape.sources() {
        match *source {
            ShapeSource::Input(input) => require(
                (input as usize) < prog.inputs.len(),
                VerifyErrorKind::UnknownInput { input },
            )?,
            ShapeSource::Value(value) => require(
                value.index() < next && matches!(prog.inst(value).kind, InstKind::Reduce(_)),
                VerifyErrorKind::NotAShape { value },
            )?,
        }
    }
    Ok(())
}

fn check_inst(prog: &Program, i: usize) -> Check {
    let inst = &prog.insts[i];
    for arg in inst.operands() {
        let operand = arg.0;
        require(
            arg.index() < i,
            VerifyErrorKind::UndefinedOperand { operand },
        )?;
    }
    if let Some(shape) = inst.reduced_shape() {
        check_shape(prog, shape, i)?;
    }
    let dtype = inst.dtype;
    let given = matches!(inst.kind, InstKind::Input(_) | InstKind::Const(_));
    require(
        supported().contains(dtype) || (given && dtype.is_bytes()),
        VerifyErrorKind::UnsupportedDType { dtype },
    )?;
    match &inst.kind {
        InstKind::Input(input) => match prog.inputs.get(*input as usize) {
            Some(declared) => same_dtype(declared.dtype, dtype),
            None => Err(VerifyErrorKind::UnknownInput { input: *input }),
        },
        InstKind::Const(scalar) => same_dtype(scalar.dtype(), dtype),
        InstKind::Apply { op, args } => {
            let mut operands = [DType::Bool; 3];
            for (dtype, arg) in operands.iter_mut().zip(args.iter()) {
                *dtype = prog.dtype(*arg);
            }
            check_types(*op, &operands[..args.len()], dtype)
        }
        InstKind::Reduce(Reduce {
            reduction, args, ..
        }) => {
            let operand = prog.dtype(args[0]);
            require(
                reduction.takes(operand) && args.len() == reduction.arity(),
                VerifyErrorKind::NotReducible { dtype: operand },
            )?;
            args.iter()
                .try_for_each(|arg| same_dtype(operand, prog.dtype(*arg)))?;
            same_dtype(reduction.result(operand), dtype)
        }
        InstKind::Count { .. } => same_dtype(DType::I64, dtype),
    }
}

fn check_output(prog: &Program, output: &Output) -> Check {
    for value in output.values() {
        require(
            value.index() < prog.insts.len(),
            VerifyErrorKind::UnknownValue { value },
        )?;
        let dtype = prog.dtype(value);
        require(
            supported().contains(dtype),
            VerifyErrorKind::UnsupportedDType { dtype },
        )?;
    }
    if let Some(imag) = output.imag {
        let dtype = prog.dtype(output.value);
        require(
            matches!(dtype, DType::F32 | DType::F64),
            VerifyErrorKind::UnsupportedDType { dtype },
        )?;
        same_dtype(dtype, prog.dtype(imag))?;
    }
    check_shape(prog, &output.shape, prog.insts.len())
}

/// Checks a kernel.
///
/// Places, accumulators and slots are declared; a slot is written before it is read, with the dtype it is read with, which has the
/// slot's size; no step reads and writes one slot, and no call's destination is an operand. Loops are straight-line SSA without
/// block operations; calls are of block operations on blocks, and on one element for all only of byte strings, which loops do not touch. Each output is written exactly once, each accumulator
/// takes exactly one value, and results name arrays and accumulators that exist.
///
/// # Errors
/// The first rule that is broken, and where.
///
/// ```
/// use numloom_ir::{Form, InputClass, Place, Program, Step, schedule, verify_kernel};
///
/// let prog = Program::parse("input a: f64\n %0 = input 0 : f64\n %1 = exp %0 : f64\n out = %1 shape 0")?;
/// let mut kernel = schedule(&prog, &[InputClass::Contiguous], Form::Lanes);
/// assert_eq!(verify_kernel(&kernel), Ok(()));
///
/// let Step::Call(call) = &mut kernel.steps[0] else { panic!("`exp` is a block operation") };
/// call.dst = Place::Input(0);
/// assert!(verify_kernel(&kernel).is_err());
/// # Ok::<(), numloom_ir::TextError>(())
/// ```
pub fn verify_kernel(kernel: &Kernel) -> Result<(), VerifyError> {
    let mut state = KernelState {
        kernel,
        slots: vec![SlotState::default(); kernel.slots.len()],
        written: vec![0; kernel.outputs.len()],
        accumulated: vec![0; kernel.accumulators.len()],
    };
    let declared = |kind| VerifyError {
        kind,
        place: VerifyPlace::Kernel,
    };
    check_declarations(kernel).map_err(declared)?;
    for (step, what) in kernel.steps.iter().enumerate() {
        match what {
            Step::Loop(body) => {
                for op in 0..body.len() {
                    state
                        .loop_inst(step, body, op)
                        .map_err(|kind| VerifyError {
                            kind,
                            place: VerifyPlace::Loop { step, op },
                        })?;
                }
            }
            Step::Call(call) => state.call(step, call).map_err(|kind| VerifyError {
                kind,
                place: VerifyPlace::Step(step),
            })?,
            Step::Accumulate(acc) => {
                state
                    .accumulate_step(step, acc)
                    .map_err(|kind| VerifyError {
                        kind,
                        place: VerifyPlace::Step(step),
                    })?;
            }
        }
    }
    for &times in state.written.iter().chain(&state.accumulated) {
        require(times == 1, VerifyErrorKind::NotOnce { times }).map_err(declared)?;
    }
    Ok(())
}

fn check_declarations(kernel: &Kernel) -> Check {
    for &size in &kernel.slots {
        require(
            matches!(size, 1 | 2 | 4 | 8),
            VerifyErrorKind::WrongSlotSize { size },
        )?;
    }
    for &dtype in &kernel.outputs {
        require(
            supported().contains(dtype),
            VerifyErrorKind::UnsupportedDType { dtype },
        )?;
    }
    for acc in &kernel.accumulators {
        let dtype = acc.dtype;
        require(acc.op.takes(dtype), VerifyErrorKind::NotReducible { dtype })?;
    }
    for result in &kernel.results {
        let exists = match *result {
            ResultKind::Array(i) => (i as usize) < kernel.outputs.len(),
            ResultKind::Reduced { acc, word, .. } => {
                let acc = kernel.accumulators.get(acc as usize);
                acc.is_some_and(|acc| (word as usize) < acc.words())
            }
        };
        require(exists, VerifyErrorKind::UnknownPlace)?;
    }
    Ok(())
}

/// What a slot holds, and the last steps that touched it.
#[derive(Clone, Copy, Default)]
struct SlotState {
    holds: Option<DType>,
    read: Option<usize>,
    written: Option<usize>,
}

struct KernelState<'a> {
    kernel: &'a Kernel,
    slots: Vec<SlotState>,
    /// How often each output was written, and each accumulator given a value.
    written: Vec<usize>,
    accumulated: Vec<usize>,
}

impl KernelState<'_> {
    fn read(&mut self, step: usize, place: Place, dtype: DType) -> Check {
        match place {
            Place::Input(i) => {
                let input = self.kernel.inputs.get(i as usize);
                let input = input.ok_or(VerifyErrorKind::UnknownPlace)?;
                same_dtype(input.dtype, dtype)
            }
            Place::Output(_) => Err(VerifyErrorKind::WrongDirection { place }),
            Place::Slot(i) => {
                let slot = self.slots.get_mut(i as usize);
                let slot = slot.ok_or(VerifyErrorKind::UnknownPlace)?;
                require(
                    slot.written != Some(step),
                    VerifyErrorKind::Overlap { place },
                )?;
                slot.read = Some(step);
                require(
                    slot.holds == Some(dtype),
                    VerifyErrorKind::Unwritten { place },
                )
            }
        }
    }

    fn write(&mut self, step: usize, place: Place, dtype: DType) -> Check {
        match place {
            Place::Input(_) => Err(VerifyErrorKind::WrongDirection { place }),
            Place::Output(i) => {
                let declared = self.kernel.outputs.get(i as usize);
                let declared = declared.ok_or(VerifyErrorKind::UnknownPlace)?;
                self.written[i as usize] += 1;
                same_dtype(*declared, dtype)
            }
            Place::Slot(i) => {
                let slot = self.slots.get_mut(i as usize);
                let slot = slot.ok_or(VerifyErrorKind::UnknownPlace)?;
                let touched = [slot.read, slot.written].contains(&Some(step));
                require(!touched, VerifyErrorKind::Overlap { place })?;
                slot.written = Some(step);
                slot.holds = Some(dtype);
                let size = self.kernel.slots[i as usize];
                require(
                    size == dtype.itemsize(),
                    VerifyErrorKind::WrongSlotSize { size },
                )
            }
        }
    }

    fn loop_inst(&mut self, step: usize, body: &[LoopInst], at: usize) -> Check {
        let LoopInst { op, dtype } = &body[at];
        let dtype = *dtype;
        require(
            supported().contains(dtype),
            VerifyErrorKind::UnsupportedDType { dtype },
        )?;
        match op {
            LoopOp::Load(place) => self.read(step, *place, dtype),
            LoopOp::Const(scalar) => same_dtype(scalar.dtype(), dtype),
            LoopOp::Apply { op, args } => {
                let operands = args.iter().map(|&arg| operand(body, at, arg));
                let operands = operands.collect::<Result<Vec<_>, _>>()?;
                check_types(*op, &operands, dtype)?;
                let block = op.is_block(operands[operands.len() - 1], dtype);
                require(!block, VerifyErrorKind::BlockInLoop { op: *op })
            }
            LoopOp::Store { place, value } => {
                same_dtype(operand(body, at, *value)?, dtype)?;
                self.write(step, *place, dtype)
            }
            LoopOp::Accumulate { acc, value } => {
                same_dtype(operand(body, at, *value)?, dtype)?;
                let declared = self.kernel.accumulators.get(*acc as usize);
                let declared = declared.ok_or(VerifyErrorKind::UnknownPlace)?;
                self.accumulated[*acc as usize] += 1;
                let inline = declared.op.is_inline();
                require(inline, VerifyErrorKind::WrongAccumulate { acc: *acc })?;
                same_dtype(declared.dtype, dtype)
            }
        }
    }

    /// The dtype of a call's operand.
    fn call_place(
        &mut self,
        step: usize,
        call: &CallStep,
        place: Place,
    ) -> Result<DType, VerifyErrorKind> {
        require(place != call.dst, VerifyErrorKind::Overlap { place })?;
        let mut dtype = call.from;
        if let Place::Input(input) = place
            && let Some(declared) = self.kernel.inputs.get(input as usize)
        {
            if declared.dtype.is_bytes() {
                dtype = declared.dtype;
            } else if declared.class == InputClass::Scalar {
                return Err(VerifyErrorKind::ScalarInCall { input });
            }
        }
        self.read(step, place, dtype)?;
        Ok(dtype)
    }

    fn accumulate_step(&mut self, step: usize, what: &AccumulateStep) -> Check {
        let acc = what.acc;
        let declared = self.kernel.accumulators.get(acc as usize);
        let declared = *declared.ok_or(VerifyErrorKind::UnknownPlace)?;
        self.accumulated[acc as usize] += 1;
        let by_call = !declared.op.is_inline() && what.args.len() == declared.op.operands();
        require(by_call, VerifyErrorKind::WrongAccumulate { acc })?;
        what.args.iter().try_for_each(|&place| {
            if let Place::Input(input) = place {
                let class = self.kernel.inputs.get(input as usize).map(|i| i.class);
                let scalar = class == Some(InputClass::Scalar);
                require(!scalar, VerifyErrorKind::ScalarInCall { input })?;
            }
            self.read(step, place, declared.dtype)
        })
    }

    fn call(&mut self, step: usize, call: &CallStep) -> Check {
        let op = call.op;
        let mut operands = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            operands.push(match arg {
                CallArg::Place(place) => self.call_place(step, call, *place)?,
                CallArg::Bytes(bytes) => Scalar::from(&bytes[..]).dtype(),
            });
        }
        self.write(step, call.dst, call.to)?;
        check_types(op, &operands, call.to)?;
        same_dtype(operands[operands.len() - 1], call.from)?;
        require(
            op.is_block(call.from, call.to),
            VerifyErrorKind::InlineInCall { op },
        )
    }
}

/// The dtype of an operand of a loop's operation `at`.
fn operand(body: &[LoopInst], at: usize, v: V) -> Result<DType, VerifyErrorKind> {
    let operand = v.0;
    if v.index() >= at {
        return Err(VerifyErrorKind::UndefinedOperand { operand });
    }
    match body[v.index()].op {
        LoopOp::Store { .. } | LoopOp::Accumulate { .. } => {
            Err(VerifyErrorKind::NotAnOperand { operand })
        }
        _ => Ok(body[v.index()].dtype),
    }
}
