//! The rules that compiled code relies on, checked before it is made.
//!
//! A [`Kernel`] can be made by hand. [`check`] sees to it that each name is defined before it is used, that dtypes agree, that places
//! exist, and that a call writes to none of its operands, so that no safe function leads to a wild access.

use numloom_data::DType;
use numloom_ir::{InputClass, Kernel, LoopInst, LoopOp, Place, Signature, Step, V};

use crate::abi::MAX_CALL_ARGS;
use crate::error::{JitError, JitErrorKind};
use crate::symbols::operand_bytes;

/// A broken rule.
type Rule = &'static str;

/// Checks what backends and [`run`](crate::NativeKernel::run) take for granted.
///
/// # Errors
/// [`InvalidKernel`](JitErrorKind::InvalidKernel) with the first rule that is broken.
pub(crate) fn check(kernel: &Kernel) -> Result<(), JitError> {
    if u32::try_from(kernel.steps.len()).is_err() {
        return Err(invalid(kernel.steps.len(), None, "too many steps"));
    }
    for size in &kernel.slots {
        if !matches!(size, 1 | 2 | 4 | 8) {
            return Err(invalid(0, None, "a slot's item size is 1, 2, 4 or 8"));
        }
    }
    for (i, step) in kernel.steps.iter().enumerate() {
        match step {
            Step::Loop(body) => {
                for j in 0..body.len() {
                    check_inst(kernel, body, j).map_err(|rule| invalid(i, Some(j), rule))?;
                }
            }
            Step::Call(call) => check_call(kernel, call).map_err(|rule| invalid(i, None, rule))?,
        }
    }
    Ok(())
}

fn invalid(step: usize, inst: Option<usize>, reason: Rule) -> JitError {
    JitErrorKind::InvalidKernel { step, inst, reason }.into()
}

fn ensure(holds: bool, rule: Rule) -> Result<(), Rule> {
    if holds { Ok(()) } else { Err(rule) }
}

fn check_inst(kernel: &Kernel, body: &[LoopInst], at: usize) -> Result<(), Rule> {
    let LoopInst { op, dtype } = &body[at];
    let dtype = *dtype;
    let value = |v: V| -> Result<DType, Rule> {
        let inst = body[..at].get(v.index());
        let inst = inst.ok_or("an operand is not defined before its use")?;
        let defines = matches!(
            inst.op,
            LoopOp::Load(_) | LoopOp::Const(_) | LoopOp::Apply { .. }
        );
        ensure(defines, "an operand names an operation without a value")?;
        Ok(inst.dtype)
    };
    match op {
        LoopOp::Load(place) => check_place(kernel, *place, dtype, dtype.itemsize()),
        LoopOp::Const(scalar) => ensure(scalar.dtype() == dtype, "a constant of another dtype"),
        LoopOp::Apply { op, args } => {
            ensure(args.len() == op.arity(), "as many operands as the arity")?;
            let signature = op.info().signature;
            let from = value(args[args.len() - 1])?;
            for (i, arg) in args.iter().enumerate() {
                let condition = i == 0 && signature == Signature::Select;
                let want = if condition { DType::Bool } else { from };
                ensure(value(*arg)? == want, "operands of differing dtypes")?;
            }
            let domain = op.info().domain;
            ensure(domain.contains(from), "not defined on this dtype")?;
            match op.result(from) {
                Some(to) => ensure(dtype == to, "a result of another dtype")?,
                None => ensure(domain.contains(dtype), "not defined to this dtype")?,
            }
            ensure(!op.is_block(from, dtype), "a block operation in a loop")
        }
        LoopOp::Store {
            place,
            value: stored,
        } => {
            ensure(value(*stored)? == dtype, "a store of another dtype")?;
            ensure(!matches!(place, Place::Input(_)), "a store to an input")?;
            check_place(kernel, *place, dtype, dtype.itemsize())
        }
        LoopOp::Accumulate { acc, value: taken } => {
            let acc = kernel.accumulators.get(*acc as usize);
            let acc = acc.ok_or("an accumulator that the kernel does not have")?;
            ensure(acc.dtype == dtype, "an accumulator of another dtype")?;
            let domain = acc.op.op().info().domain;
            ensure(domain.contains(dtype), "not accumulated in this dtype")?;
            ensure(value(*taken)? == dtype, "an element of another dtype")
        }
    }
}

fn check_call(kernel: &Kernel, call: &numloom_ir::CallStep) -> Result<(), Rule> {
    let info = call.op.info();
    let arity = info.signature.arity();
    ensure(call.args.len() == arity, "as many operands as the arity")?;
    ensure(arity <= MAX_CALL_ARGS, "more operands than a call takes")?;
    ensure(info.domain.contains(call.from), "not defined on this dtype")?;
    match call.op.result(call.from) {
        Some(to) => ensure(call.to == to, "a result of another dtype")?,
        None => ensure(info.domain.contains(call.to), "not defined to this dtype")?,
    }
    for (i, place) in call.args.iter().enumerate() {
        let size = operand_bytes(call, i);
        let condition = size != call.from.itemsize();
        let dtype = if condition { DType::Bool } else { call.from };
        check_place(kernel, *place, dtype, size)?;
        ensure(*place != call.dst, "a call that writes to its operand")?;
        if let Place::Input(input) = place {
            let class = kernel.inputs[*input as usize].class;
            ensure(
                class == InputClass::Contiguous,
                "a scalar operand of a call",
            )?;
        }
    }
    ensure(
        !matches!(call.dst, Place::Input(_)),
        "a call that writes to an input",
    )?;
    check_place(kernel, call.dst, call.to, call.to.itemsize())
}

fn check_place(kernel: &Kernel, place: Place, dtype: DType, size: usize) -> Result<(), Rule> {
    ensure(
        matches!(size, 1 | 2 | 4 | 8),
        "elements of 1, 2, 4 or 8 bytes",
    )?;
    let exists = match place {
        Place::Input(i) => (i as usize) < kernel.inputs.len(),
        Place::Output(i) => (i as usize) < kernel.outputs.len(),
        Place::Slot(i) => (i as usize) < kernel.slots.len(),
    };
    ensure(exists, "a place that the kernel does not have")?;
    match place {
        Place::Slot(i) => ensure(
            kernel.slots[i as usize] == size,
            "a slot of another item size",
        ),
        _ => ensure(
            kernel.place_dtype(place) == Some(dtype),
            "a place of another dtype",
        ),
    }
}
