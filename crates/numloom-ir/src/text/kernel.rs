//! A kernel to its canonical text.

use std::fmt;

use crate::kernel::{
    AccOp, AccumulateStep, CallArg, CallStep, Form, InputClass, Kernel, LoopInst, LoopOp, Place,
    ResultKind, Step, V,
};

/// Prints `in0`, `out0` or `slot0`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Input(i) => write!(f, "in{i}"),
            Place::Output(i) => write!(f, "out{i}"),
            Place::Slot(i) => write!(f, "slot{i}"),
        }
    }
}

/// Prints `v0`.
impl fmt::Display for V {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// Prints `contiguous` or `scalar`.
impl fmt::Display for InputClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InputClass::Contiguous => "contiguous",
            InputClass::Scalar => "scalar",
        })
    }
}

/// Prints `sum`, `argmin`, `complex min` and so on.
impl fmt::Display for AccOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AccOp::Sum => "sum",
            AccOp::Prod => "prod",
            AccOp::Min => "min",
            AccOp::Max => "max",
            AccOp::ArgMin => "argmin",
            AccOp::ArgMax => "argmax",
            AccOp::Moments => "moments",
            AccOp::ComplexProd => "complex prod",
            AccOp::ComplexMin => "complex min",
            AccOp::ComplexMax => "complex max",
        })
    }
}

/// Prints `lanes`, `rows`, `columns` or `streams`.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Lanes => "lanes",
            Form::Rows => "rows",
            Form::Columns => "columns",
            Form::Streams => "streams",
        })
    }
}

/// Prints what it defines with its dtype, or where it puts what.
impl fmt::Display for LoopInst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.op {
            LoopOp::Load(place) => write!(f, "load {place}")?,
            LoopOp::Const(scalar) => write!(f, "const {scalar:#}")?,
            LoopOp::Apply { op, args } => {
                write!(f, "{op}")?;
                for arg in args {
                    write!(f, " {arg}")?;
                }
            }
            LoopOp::Store { place, value } => write!(f, "store {place} {value}")?,
            LoopOp::Accumulate { acc, value } => write!(f, "accumulate acc{acc} {value}")?,
        }
        write!(f, " : {}", self.dtype)
    }
}

/// Prints the place, or the byte string.
impl fmt::Display for CallArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallArg::Place(place) => place.fmt(f),
            CallArg::Bytes(bytes) => write!(f, "b\"{}\"", bytes.escape_ascii()),
        }
    }
}

/// Prints `call op args -> dst : from -> to`.
impl fmt::Display for CallStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {}", self.op)?;
        for arg in &self.args {
            write!(f, " {arg}")?;
        }
        write!(f, " -> {} : {} -> {}", self.dst, self.from, self.to)
    }
}

/// Prints `accumulate acc args`.
impl fmt::Display for AccumulateStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accumulate acc{}", self.acc)?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))
    }
}

/// The canonical text form: what the kernel reads and writes, then its steps, then where each result comes from.
///
/// ```
/// use numloom_ir::{Form, InputClass, Program, schedule};
///
/// let prog = Program::parse("
///     input a: f64
///     input b: f64
///     %0 = input 0 : f64
///     %1 = input 1 : f64
///     %2 = exp %0 : f64
///     %3 = mul %2 %1 : f64
///     %4 = sum %3 : f64
///     out = %3 shape 0 1
///     out m = %4
/// ")?;
/// let kernel = schedule(&prog, &[InputClass::Contiguous, InputClass::Scalar], Form::Lanes);
/// assert_eq!(kernel.to_string(), "\
/// in0: f64 contiguous
/// in1: f64 scalar
/// out0: f64
/// acc0: sum f64 lanes
/// slot0: 8 bytes
/// call exp in0 -> slot0 : f64 -> f64
/// loop {
///   v0 = load slot0 : f64
///   v1 = load in1 : f64
///   v2 = mul v0 v1 : f64
///   store out0 v2 : f64
///   accumulate acc0 v2 : f64
/// }
/// result out0
/// result acc0 : f64
/// ");
/// # Ok::<(), numloom_ir::TextError>(())
/// ```
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, input) in self.inputs.iter().enumerate() {
            writeln!(f, "in{i}: {} {}", input.dtype, input.class)?;
        }
        for (i, dtype) in self.outputs.iter().enumerate() {
            writeln!(f, "out{i}: {dtype}")?;
        }
        for (i, acc) in self.accumulators.iter().enumerate() {
            writeln!(f, "acc{i}: {} {} {}", acc.op, acc.dtype, self.form)?;
        }
        for (i, size) in self.slots.iter().enumerate() {
            let plural = if *size == 1 { "" } else { "s" };
            writeln!(f, "slot{i}: {size} byte{plural}")?;
        }
        for step in &self.steps {
            match step {
                Step::Call(call) => writeln!(f, "{call}")?,
                Step::Accumulate(step) => writeln!(f, "{step}")?,
                Step::Loop(body) => {
                    writeln!(f, "loop {{")?;
                    for (v, inst) in body.iter().enumerate() {
                        match inst.op {
                            LoopOp::Store { .. } | LoopOp::Accumulate { .. } => {
                                writeln!(f, "  {inst}")?;
                            }
                            _ => writeln!(f, "  v{v} = {inst}")?,
                        }
                    }
                    writeln!(f, "}}")?;
                }
            }
        }
        for result in &self.results {
            match result {
                ResultKind::Array(i) => writeln!(f, "result out{i}")?,
                ResultKind::Reduced { acc, word, dtype } => {
                    write!(f, "result acc{acc}")?;
                    let accumulator = self.accumulators.get(*acc as usize);
                    if accumulator.is_none_or(|acc| acc.words() > 1) {
                        write!(f, ".{word}")?;
                    }
                    writeln!(f, " : {dtype}")?;
                }
            }
        }
        Ok(())
    }
}
