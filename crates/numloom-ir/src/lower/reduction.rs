//! Reductions: what the language calls them, in terms of the primitive ones and operations on their results.
//!
//! ```text
//! mean(x)      sum(f64(x)) / count
//! std(x)       sqrt(m2(f64(x)) / maximum(count - ddof, 0))
//! nansum(x)    sum(where(isnan(x), 0, x))
//! nanvar(x)    d = where(isnan(x), 0, x - nanmean(x));  sum(d*d) / (sum(not isnan(x)) - ddof)
//! any(x)       max(bool(x))
//! ```
//!
//! A mask (`where=`, not NaN, not null) puts the value that changes nothing in the place of what it leaves out; where there is no such
//! value, the least is found first, and then the first place of it:
//!
//! ```text
//! argmin(x)    argmax(mask & x == min(where(mask, x, inf)))
//! ```

use numloom_data::{DType, Scalar};
use numloom_syntax::{Arg, ExprId, ExprKind, Span, UnaryOp};

use super::operand::{Operand, Parts, Weak};
use super::{Lower, Lowered};
use crate::error::LowerErrorKind;
use crate::func::{Func, NanRule, Reducer};
use crate::kernel::{AccOp, Accumulator};
use crate::op::{CastMode, Op};
use crate::program::{Args, Axes, InstKind, Reduce, Reduction, Shape, ShapeSource, Value};

/// The arguments of a reduction.
#[derive(Default)]
pub(super) struct Arguments {
    axis: Option<ExprId>,
    keepdims: Option<ExprId>,
    pub(super) dtype: Option<ExprId>,
    pub(super) initial: Option<ExprId>,
    mask: Option<ExprId>,
    ddof: Option<ExprId>,
}

/// Where and over what a reduction runs.
#[derive(Clone)]
pub(super) struct Frame {
    axes: Axes,
    keepdims: bool,
    shape: Shape,
    pub(super) may_be_empty: bool,
}

impl Frame {
    /// The same, where no elements are fine.
    pub(super) fn or_empty(&self) -> Frame {
        Frame {
            may_be_empty: true,
            ..self.clone()
        }
    }
}

impl Reducer {
    /// Whether it has a value where nothing is left to reduce.
    fn has_value_for_nothing(self) -> bool {
        use Reducer::{All, Any, CountNonzero, Prod, Sum};
        matches!(self, Sum | Prod | Any | All | CountNonzero)
    }

    /// Its keyword arguments, in NumPy's order.
    pub(super) fn keywords(self) -> &'static [&'static str] {
        match self {
            Reducer::Sum | Reducer::Prod => &["axis", "dtype", "keepdims", "initial", "where"],
            Reducer::Min | Reducer::Max => &["axis", "keepdims", "initial", "where"],
            Reducer::Mean => &["axis", "dtype", "keepdims", "where"],
            Reducer::Var | Reducer::Std => &["axis", "dtype", "ddof", "keepdims", "where"],
            Reducer::Any | Reducer::All => &["axis", "keepdims", "where"],
            Reducer::CountNonzero | Reducer::ArgMin | Reducer::ArgMax | Reducer::PeakToPeak => {
                &["axis", "keepdims"]
            }
        }
    }
}

impl Lower<'_> {
    /// A call of a reduction.
    pub(super) fn reduction(
        &mut self,
        id: ExprId,
        func: &'static Func,
        reducer: Reducer,
        nan: NanRule,
        args: &[Arg],
        span: Span,
    ) -> Lowered<Operand> {
        let (arg, arguments) = self.reduction_arguments(func, reducer, args, span)?;
        let operand = self.operand(arg)?;
        let arg_span = self.ast.span(arg);
        self.builder.at(span);
        let is_test = matches!(reducer, Reducer::Any | Reducer::All | Reducer::CountNonzero);
        let (x, parts) = match operand.is_complex() {
            true if is_test => (self.truth(&operand, arg_span)?, None),
            true => {
                let parts = self.complex(&operand, arg_span)?;
                (parts.re, Some(parts))
            }
            false => (self.strong(&operand, arg_span)?, None),
        };
        let mut sources = self.sources(arg);
        if let Some(mask) = arguments.mask {
            sources.extend(self.sources(mask));
        }
        let axes = self.axes(func, arguments.axis)?;
        let mut frame = Frame {
            axes,
            keepdims: self.flag(func, "keepdims", arguments.keepdims)?,
            shape: Shape::new(sources),
            may_be_empty: arguments.initial.is_some(),
        };
        if matches!(reducer, Reducer::ArgMin | Reducer::ArgMax)
            && matches!(&frame.axes, Axes::These(axes) if axes.len() != 1)
        {
            let at = arguments.axis.map_or(span, |axis| self.ast.span(axis));
            return self.bad_argument(func, "axis", "one integer", at);
        }
        let mask = match arguments.mask {
            Some(mask) => {
                let at = self.ast.span(mask);
                let operand = self.operand(mask)?;
                Some(self.truth(&operand, at)?)
            }
            None => None,
        };
        if matches!(reducer, Reducer::Min | Reducer::Max)
            && let Some(mask) = arguments.mask
            && arguments.initial.is_none()
        {
            let wanted = "given together with `initial`";
            return self.bad_argument(func, "where", wanted, self.ast.span(mask));
        }
        let dtype = self.reduction_dtype(func, arguments.dtype)?;
        let ddof = self.ddof(func, arguments.ddof)?;
        self.builder.at(span);
        let parts_and_mask = [Some(x), parts.map(|parts| parts.im), mask];
        let validity = self.validity_of_all(parts_and_mask.into_iter().flatten());
        let mask = self.valid_in_both(mask, validity);
        let needs_any = !reducer.has_value_for_nothing() && arguments.initial.is_none();
        let needed = mask.filter(|_| needs_any && validity.is_some());
        frame.may_be_empty |= validity.is_some();

        let primitive = self.builder.program().insts.len();
        let parts = match (parts, dtype) {
            (None, Some(dtype)) if dtype.is_complex() => Some(self.complex(&operand, arg_span)?),
            (parts, _) => parts,
        };
        if let Some(z) = parts {
            let rule = (reducer, nan);
            let result =
                self.complex_reduction(func, rule, z, mask, dtype, ddof, &arguments, &frame)?;
            self.shape_from(id, primitive, &frame);
            self.null_where_nothing_is_left(&result, needed, &frame);
            return Ok(result);
        }
        let value = match reducer {
            Reducer::Sum | Reducer::Prod | Reducer::Min | Reducer::Max => {
                let x = match dtype {
                    Some(dtype) => self.convert(x, dtype),
                    None => x,
                };
                let valid = self.valid(nan, x, mask);
                let value = match reducer {
                    Reducer::Sum => self.total(Reduction::Sum, x, valid, dtype, &frame),
                    Reducer::Prod => self.total(Reduction::Prod, x, valid, dtype, &frame),
                    Reducer::Min => self.extreme(Reduction::Min, nan, x, valid, &frame),
                    _ => self.extreme(Reduction::Max, nan, x, valid, &frame),
                };
                match arguments.initial {
                    Some(initial) => self.with_initial(func, reducer, value, initial)?,
                    None => value,
                }
            }
            Reducer::Mean => {
                let to = self.mean_dtype(func, x, dtype, &arguments)?;
                let x = self.convert(x, DType::F64);
                let (x, count) = self.counted(nan, x, mask, &frame);
                let sum = self.reduce(Reduction::Sum, x, &frame);
                let mean = self.builder.apply(Op::Div, &[sum, count]);
                self.convert(mean, to)
            }
            Reducer::Var | Reducer::Std => {
                let to = self.mean_dtype(func, x, dtype, &arguments)?;
                let x = self.convert(x, DType::F64);
                let var = self.variance(nan, &[x], mask, ddof, &frame);
                let value = match reducer {
                    Reducer::Std => self.builder.apply(Op::Sqrt, &[var]),
                    _ => var,
                };
                self.convert(value, to)
            }
            Reducer::Any | Reducer::All => {
                let truth = self.convert(x, DType::Bool);
                let (reduction, truth) = match (reducer, mask) {
                    (Reducer::Any, None) => (Reduction::Max, truth),
                    (Reducer::Any, Some(mask)) => {
                        (Reduction::Max, self.builder.apply(Op::And, &[truth, mask]))
                    }
                    (_, None) => (Reduction::Min, truth),
                    (_, Some(mask)) => {
                        let left_out = self.builder.apply(Op::Not, &[mask]);
                        (
                            Reduction::Min,
                            self.builder.apply(Op::Or, &[truth, left_out]),
                        )
                    }
                };
                let frame = frame.or_empty();
                self.reduce(reduction, truth, &frame)
            }
            Reducer::CountNonzero => {
                let truth = self.convert(x, DType::Bool);
                let truth = self.kept(Reduction::Sum, truth, mask);
                self.reduce(Reduction::Sum, truth, &frame)
            }
            Reducer::ArgMin => self.position(Reduction::Min, x, mask, &frame),
            Reducer::ArgMax => self.position(Reduction::Max, x, mask, &frame),
            Reducer::PeakToPeak => {
                if self.dtype(x).is_bool() {
                    let at = [(arg_span, &operand)];
                    return self.operands_refused(func.name(), span, "numbers", &at, None);
                }
                let high = self.extreme(Reduction::Max, nan, x, mask, &frame);
                let low = self.extreme(Reduction::Min, nan, x, mask, &frame);
                self.builder.apply(Op::Sub, &[high, low])
            }
        };
        self.shape_from(id, primitive, &frame);
        let result = Operand::Value(value);
        self.null_where_nothing_is_left(&result, needed, &frame);
        Ok(result)
    }

    /// Says that a reduction's result is there where `needed` left anything to reduce.
    fn null_where_nothing_is_left(
        &mut self,
        result: &Operand,
        needed: Option<Value>,
        frame: &Frame,
    ) {
        let Some(needed) = needed else { return };
        let found = self.reduce(Reduction::Max, needed, frame);
        match *result {
            Operand::Value(value) => self.set_validity(value, found),
            Operand::Complex(Parts { re, im }) => {
                self.set_validity(re, found);
                self.set_validity(im, found);
            }
            _ => unreachable!("a reduction is a value"),
        }
    }

    /// The shape of a node: that of its reduction, among the instructions from `primitive` on, if axes are left.
    fn shape_from(&mut self, id: ExprId, primitive: usize, frame: &Frame) {
        let has_axes = frame.keepdims || frame.axes != Axes::All;
        let source = has_axes.then(|| self.last_reduction(primitive, frame.keepdims));
        let source = source.flatten().map(ShapeSource::Value);
        self.shaped.insert(id, source.into_iter().collect());
    }

    /// The last reduction from instruction `from` on with axes kept or not: its shape is that of the whole.
    fn last_reduction(&self, from: usize, keepdims: bool) -> Option<Value> {
        let insts = &self.builder.program().insts;
        let found = insts[from..].iter().rposition(
            |inst| matches!(&inst.kind, InstKind::Reduce(reduce) if reduce.keepdims == keepdims),
        );
        found.map(|i| Value((from + i) as u32))
    }

    /// Sorts the arguments out.
    fn reduction_arguments(
        &mut self,
        func: &'static Func,
        reducer: Reducer,
        args: &[Arg],
        span: Span,
    ) -> Lowered<(ExprId, Arguments)> {
        let positional: Vec<ExprId> = args
            .iter()
            .filter(|arg| arg.name.is_none())
            .map(|arg| arg.value)
            .collect();
        let elementwise = match reducer {
            Reducer::Min => Some("minimum"),
            Reducer::Max => Some("maximum"),
            _ => None,
        };
        if let (Some(elementwise), Some(&second)) = (elementwise, positional.get(1))
            && !self.is_axis(second)
        {
            let function = func.name();
            let kind = LowerErrorKind::MaxNeedsMaximum {
                function,
                elementwise,
            };
            return self.refuse(span, kind);
        }
        if positional.is_empty() || positional.len() > 2 {
            let kind = LowerErrorKind::WrongArity {
                signature: func.signature,
                arity: func.arity,
                found: positional.len(),
            };
            return self.refuse(span, kind);
        }
        let mut arguments = Arguments {
            axis: positional.get(1).copied(),
            ..Arguments::default()
        };
        let known = reducer.keywords();
        for arg in args {
            let Some((keyword, at)) = &arg.name else {
                continue;
            };
            if !known.contains(&keyword.as_str()) {
                return self.unknown_keyword(func, keyword, known, *at);
            }
            let place = match keyword.as_str() {
                "axis" => &mut arguments.axis,
                "keepdims" => &mut arguments.keepdims,
                "dtype" => &mut arguments.dtype,
                "initial" => &mut arguments.initial,
                "where" => &mut arguments.mask,
                _ => &mut arguments.ddof,
            };
            if place.is_some() {
                let (function, keyword) = (func.name(), keyword.clone());
                return self.refuse(*at, LowerErrorKind::RepeatedArgument { function, keyword });
            }
            *place = Some(arg.value);
        }
        Ok((positional[0], arguments))
    }

    /// Whether an argument is written as an axis: an integer, a tuple or `None`.
    fn is_axis(&self, id: ExprId) -> bool {
        matches!(self.ast.kind(id), ExprKind::Tuple(_) | ExprKind::None)
            || self.integer(id).is_some()
    }

    /// An integer literal, with a sign or without.
    fn integer(&self, id: ExprId) -> Option<i64> {
        match self.ast.kind(id) {
            ExprKind::Int(literal) => i64::try_from(literal.value).ok(),
            ExprKind::Unary {
                op: UnaryOp::Neg,
                arg,
            } => self.integer(*arg)?.checked_neg(),
            ExprKind::Unary {
                op: UnaryOp::Pos,
                arg,
            } => self.integer(*arg),
            _ => None,
        }
    }

    fn axes(&mut self, func: &Func, axis: Option<ExprId>) -> Lowered<Axes> {
        const WANTED: &str = "an integer, a tuple of integers or `None`";
        let Some(id) = axis else {
            return Ok(Axes::All);
        };
        let axes: Option<Vec<i64>> = match self.ast.kind(id) {
            ExprKind::None => return Ok(Axes::All),
            ExprKind::Tuple(items) => items.iter().map(|&item| self.integer(item)).collect(),
            _ => self.integer(id).map(|axis| vec![axis]),
        };
        match axes {
            Some(axes) => Ok(Axes::These(axes.into())),
            None => self.bad_argument(func, "axis", WANTED, self.ast.span(id)),
        }
    }

    /// A flag written as `True` or `False`, false if it is left out.
    pub(super) fn flag(
        &mut self,
        func: &Func,
        name: &'static str,
        id: Option<ExprId>,
    ) -> Lowered<bool> {
        let Some(id) = id else { return Ok(false) };
        match *self.ast.kind(id) {
            ExprKind::Bool(value) => Ok(value),
            ExprKind::Int(literal) if literal.value <= 1 => Ok(literal.value == 1),
            _ => self.bad_argument(func, name, "`True` or `False`", self.ast.span(id)),
        }
    }

    fn reduction_dtype(&mut self, func: &Func, id: Option<ExprId>) -> Lowered<Option<DType>> {
        let Some(id) = id else { return Ok(None) };
        let dtype = match self.result(id)? {
            Operand::DType(dtype) => Some(dtype),
            Operand::Text(name) => Func::dtype_named(&name),
            _ => None,
        };
        match dtype.filter(|dtype| DType::ALL.contains(dtype)) {
            Some(DType::F16) => Ok(Some(DType::F32)),
            Some(dtype) => Ok(Some(dtype)),
            None => {
                let wanted = "the name of a dtype, such as `f64` or \"float64\"";
                self.bad_argument(func, "dtype", wanted, self.ast.span(id))
            }
        }
    }

    fn ddof(&mut self, func: &Func, id: Option<ExprId>) -> Lowered<f64> {
        let Some(id) = id else { return Ok(0.0) };
        match self.result(id)? {
            Operand::Weak(weak) => Ok(weak.as_f64()),
            _ => self.bad_argument(func, "ddof", "a number", self.ast.span(id)),
        }
    }

    /// The dtype of a mean's or variance's result.
    fn mean_dtype(
        &mut self,
        func: &Func,
        x: Value,
        asked: Option<DType>,
        arguments: &Arguments,
    ) -> Lowered<DType> {
        match asked {
            Some(dtype) if dtype.is_float() => Ok(dtype),
            Some(_) => {
                let at = arguments.dtype.expect("it was asked for");
                self.bad_argument(func, "dtype", "a float dtype", self.ast.span(at))
            }
            None if self.dtype(x).is_float() => Ok(self.dtype(x)),
            None => Ok(DType::F64),
        }
    }

    pub(super) fn bad_argument<T>(
        &mut self,
        func: &Func,
        argument: &'static str,
        wanted: &'static str,
        span: Span,
    ) -> Lowered<T> {
        let kind = LowerErrorKind::BadArgument {
            function: func.name(),
            argument,
            wanted,
        };
        self.refuse(span, kind)
    }

    /// A sum or product: `dtype` if it was asked for, else a float's own or 64 bits.
    pub(super) fn total(
        &mut self,
        reduction: Reduction,
        x: Value,
        valid: Option<Value>,
        dtype: Option<DType>,
        frame: &Frame,
    ) -> Value {
        // A sum of bools that stays bool is whether any holds, a product whether all do.
        let reduction = match (reduction, dtype) {
            (Reduction::Sum, Some(DType::Bool)) => Reduction::Max,
            (Reduction::Prod, Some(DType::Bool)) => Reduction::Min,
            _ => reduction,
        };
        let operand = self.dtype(x);
        let kept = self.kept(reduction, x, valid);
        let frame = frame.or_empty();
        let total = self.reduce(reduction, kept, &frame);
        let own = Some(operand).filter(|dtype| dtype.is_float());
        match dtype.or(own) {
            Some(dtype) => self.convert(total, dtype),
            None => total,
        }
    }

    /// The least or greatest element.
    fn extreme(
        &mut self,
        reduction: Reduction,
        nan: NanRule,
        x: Value,
        valid: Option<Value>,
        frame: &Frame,
    ) -> Value {
        let kept = self.kept(reduction, x, valid);
        let value = self.reduce(reduction, kept, frame);
        let dtype = self.dtype(x);
        match valid {
            // With an initial value there is always one.
            Some(valid) if nan == NanRule::Skip && dtype.is_float() && !frame.may_be_empty => {
                // Nothing but NaN is NaN.
                let frame = frame.or_empty();
                let found = self.reduce(Reduction::Max, valid, &frame);
                let none = self.float_constant(dtype, f64::NAN);
                self.builder.apply(Op::Select, &[found, value, none])
            }
            _ => value,
        }
    }

    /// The position of the first least or greatest element, or of the first NaN.
    fn position(
        &mut self,
        extreme: Reduction,
        x: Value,
        valid: Option<Value>,
        frame: &Frame,
    ) -> Value {
        let Some(valid) = valid else {
            let reduction = match extreme {
                Reduction::Min => Reduction::ArgMin,
                _ => Reduction::ArgMax,
            };
            return self.reduce(reduction, x, frame);
        };
        let kept = Frame {
            keepdims: true,
            ..frame.clone()
        };
        let found = self.extreme(extreme, NanRule::Propagate, x, Some(valid), &kept);
        let mut here = self.builder.apply(Op::Eq, &[x, found]);
        if self.dtype(x).is_float() {
            // If there is a NaN, it is what was found, and equal to nothing.
            let is_nan = self.builder.apply(Op::IsNan, &[x]);
            here = self.builder.apply(Op::Or, &[here, is_nan]);
        }
        let here = self.builder.apply(Op::And, &[here, valid]);
        self.reduce(Reduction::ArgMax, here, frame)
    }

    /// `x`, with what changes nothing for those left out.
    fn kept(&mut self, reduction: Reduction, x: Value, valid: Option<Value>) -> Value {
        let Some(valid) = valid else { return x };
        let op = match reduction {
            Reduction::Prod => AccOp::Prod,
            Reduction::Min => AccOp::Min,
            Reduction::Max => AccOp::Max,
            _ => AccOp::Sum,
        };
        let acc = Accumulator {
            op,
            dtype: self.dtype(x),
        };
        let nothing = self.builder.constant(acc.scalar(0, acc.identity(0)));
        self.builder.apply(Op::Select, &[valid, x, nothing])
    }

    /// A reduction's value and the one it is to start from.
    fn with_initial(
        &mut self,
        func: &Func,
        reducer: Reducer,
        value: Value,
        initial: ExprId,
    ) -> Lowered<Value> {
        let span = self.ast.span(initial);
        let dtype = self.dtype(value);
        let operand = self.operand(initial)?;
        let fits = match operand {
            Operand::Weak(weak) => {
                !dtype.is_bool() && (dtype.is_float() || matches!(weak, Weak::Int(_)))
            }
            Operand::Value(value) => {
                let kind = &self.builder.program().inst(value).kind;
                dtype.is_bool() && matches!(kind, InstKind::Const(Scalar::Bool(_)))
            }
            _ => false,
        };
        if !fits {
            let wanted = "a constant that the result's dtype holds";
            return self.bad_argument(func, "initial", wanted, span);
        }
        let initial = self.coerce(&operand, dtype, span)?;
        let combine = match reducer {
            Reducer::Min if dtype.is_bool() => Op::And,
            Reducer::Max if dtype.is_bool() => Op::Or,
            Reducer::Sum => Op::Add,
            Reducer::Prod => Op::Mul,
            Reducer::Min => Op::Minimum,
            _ => Op::Maximum,
        };
        Ok(self.builder.apply(combine, &[value, initial]))
    }

    /// Which elements count: those of the mask, and no NaN if these are skipped; `None` for all.
    fn valid(&mut self, nan: NanRule, x: Value, mask: Option<Value>) -> Option<Value> {
        if nan == NanRule::Propagate || !self.dtype(x).is_float() {
            return mask;
        }
        let is_nan = self.builder.apply(Op::IsNan, &[x]);
        let valid = self.builder.apply(Op::Not, &[is_nan]);
        Some(match mask {
            Some(mask) => self.builder.apply(Op::And, &[mask, valid]),
            None => valid,
        })
    }

    /// Elements with 0 for those left out, and their number as `f64`.
    pub(super) fn counted(
        &mut self,
        nan: NanRule,
        x: Value,
        mask: Option<Value>,
        frame: &Frame,
    ) -> (Value, Value) {
        let Some(valid) = self.valid(nan, x, mask) else {
            let count = self.builder.count(frame.axes.clone(), frame.shape.clone());
            return (x, self.convert(count, DType::F64));
        };
        let zero = self.builder.constant(Scalar::F64(0.0));
        let kept = self.builder.apply(Op::Select, &[valid, x, zero]);
        let count = self.reduce(Reduction::Sum, valid, frame);
        (kept, self.convert(count, DType::F64))
    }

    /// The variance of a real number, or of the parts of a complex one, in `f64`.
    pub(super) fn variance(
        &mut self,
        nan: NanRule,
        parts: &[Value],
        mask: Option<Value>,
        ddof: f64,
        frame: &Frame,
    ) -> Value {
        let moments: Vec<(Value, Value)> = parts
            .iter()
            .map(|&x| self.second_moment(nan, x, mask, frame))
            .collect();
        let count = moments[0].1;
        let sum = moments.into_iter().map(|(m2, _)| m2);
        let m2 = sum.reduce(|a, b| self.builder.apply(Op::Add, &[a, b]));
        let m2 = m2.expect("a number has a part");
        let ddof = self.builder.constant(Scalar::F64(ddof));
        let freedom = self.builder.apply(Op::Sub, &[count, ddof]);
        if nan == NanRule::Skip {
            // NumPy's choice for `nanvar`: no degree of freedom is NaN.
            let zero = self.builder.constant(Scalar::F64(0.0));
            let some = self.builder.apply(Op::Gt, &[freedom, zero]);
            let none = self.float_constant(DType::F64, f64::NAN);
            let var = self.builder.apply(Op::Div, &[m2, freedom]);
            return self.builder.apply(Op::Select, &[some, var, none]);
        }
        let zero = self.builder.constant(Scalar::F64(0.0));
        let freedom = self.builder.apply(Op::Maximum, &[freedom, zero]);
        self.builder.apply(Op::Div, &[m2, freedom])
    }

    /// The sum of squared deviations of `x` from its mean, and the number of elements. In one pass without a mask; else the mean comes
    /// first.
    fn second_moment(
        &mut self,
        nan: NanRule,
        x: Value,
        mask: Option<Value>,
        frame: &Frame,
    ) -> (Value, Value) {
        let Some(valid) = self.valid(nan, x, mask) else {
            let m2 = self.reduce(Reduction::M2, x, frame);
            let (_, count) = self.counted(nan, x, mask, frame);
            return (m2, count);
        };
        let kept = Frame {
            // One value broadcasts as it is.
            keepdims: frame.keepdims || frame.axes != Axes::All,
            ..frame.clone()
        };
        let (total, n) = self.counted(nan, x, mask, &kept);
        let total = self.reduce(Reduction::Sum, total, &kept);
        let mean = self.builder.apply(Op::Div, &[total, n]);
        let deviation = self.builder.apply(Op::Sub, &[x, mean]);
        let zero = self.builder.constant(Scalar::F64(0.0));
        let deviation = self.builder.apply(Op::Select, &[valid, deviation, zero]);
        let square = self.builder.apply(Op::Mul, &[deviation, deviation]);
        let m2 = self.reduce(Reduction::Sum, square, frame);
        let count = self.reduce(Reduction::Sum, valid, frame);
        (m2, self.convert(count, DType::F64))
    }

    fn float_constant(&mut self, dtype: DType, value: f64) -> Value {
        self.builder.constant(match dtype {
            DType::F32 => Scalar::F32(value as f32),
            _ => Scalar::F64(value),
        })
    }

    /// `value` in `dtype`, wrapped.
    pub(super) fn convert(&mut self, value: Value, dtype: DType) -> Value {
        self.builder.cast(Op::Cast(CastMode::Wrap), value, dtype)
    }

    pub(super) fn reduce(&mut self, reduction: Reduction, x: Value, frame: &Frame) -> Value {
        self.reduce_all(reduction, &[x], frame)
    }

    /// A reduction of as many values as it takes.
    pub(super) fn reduce_all(
        &mut self,
        reduction: Reduction,
        args: &[Value],
        frame: &Frame,
    ) -> Value {
        self.builder.reduce_with(Reduce {
            reduction,
            args: Args::new(args),
            axes: frame.axes.clone(),
            keepdims: frame.keepdims,
            may_be_empty: frame.may_be_empty,
            shape: frame.shape.clone(),
        })
    }
}
