//! Complex numbers: pairs of real values. They exist here alone; what lowering hands on is real.
//!
//! What goes in: operands of which one is complex. What comes out: `Parts`, or a real value where the answer is one. The
//! formulas stand in `arithmetic`, `elementary` and `inverse`, written over `Real` values with operators; this file decides
//! dtypes and which formula. Sums, products, quotients and comparisons run in the dtype of the parts; the functions run in `f64`, and
//! `c64` is rounded at the end.

mod arithmetic;
mod composed;
mod elementary;
mod inverse;
mod real;
mod reduction;

use numloom_data::{DType, Scalar};
use numloom_syntax::{Attribute, BinaryOp, CmpOp, ExprId, Span, UnaryOp};

use super::operand::{Operand, Parts, Weak};
use super::{Lower, Lowered};
use crate::builder::Builder;
use crate::func::{Func, Part, Rule};
use crate::op::Op;
use crate::program::{InputSource, InstKind, Value};
use crate::promote::{WeakKind, float_of, part_of, with_weak};
use arithmetic::Complex;
use real::{Formula, Real, Truth};

/// The exponents that become multiplications, as NumPy's: below this.
const MULTIPLIED_POWERS: f64 = 100.0;

impl Operand {
    /// Whether it is a complex value or literal.
    pub(super) fn is_complex(&self) -> bool {
        matches!(
            self,
            Operand::Complex(_) | Operand::WeakComplex(_) | Operand::ComplexLiteral(..)
        )
    }
}

impl Formula {
    fn complex(&self, parts: Parts) -> Complex<'_> {
        Complex::new(self.real(parts.re), self.real(parts.im))
    }
}

impl From<Complex<'_>> for Parts {
    fn from(z: Complex<'_>) -> Parts {
        Parts {
            re: z.re.value,
            im: z.im.value,
        }
    }
}

impl Lower<'_> {
    /// Builds a formula in the program.
    fn formula<T>(&mut self, build: impl FnOnce(&Formula) -> T) -> T {
        let formula = Formula::new(std::mem::take(&mut self.builder));
        let built = build(&formula);
        self.builder = formula.into_builder();
        built
    }

    /// A complex number of one.
    fn map(&mut self, z: Parts, f: impl FnOnce(Complex<'_>) -> Complex<'_>) -> Operand {
        Operand::Complex(self.formula(|formula| f(formula.complex(z)).into()))
    }

    /// As [`map`](Self::map), in `f64` whatever the dtype of the parts.
    fn map_wide(&mut self, z: Parts, f: impl FnOnce(Complex<'_>) -> Complex<'_>) -> Operand {
        let dtype = self.dtype(z.re);
        self.map(z, |z| f(z.cast(DType::F64)).cast(dtype))
    }

    /// A real number of a complex one.
    fn measure(&mut self, z: Parts, f: impl FnOnce(Complex<'_>) -> Real<'_>) -> Operand {
        Operand::Value(self.formula(|formula| f(formula.complex(z)).value))
    }

    /// A truth value of a complex number.
    fn test(&mut self, z: Parts, f: impl FnOnce(Complex<'_>) -> Truth<'_>) -> Operand {
        Operand::Value(self.formula(|formula| f(formula.complex(z)).value))
    }

    /// Reads both parts of a complex input.
    pub(super) fn read_parts(&mut self, input: u32) -> Parts {
        let whole = &self.builder.program().inputs[input as usize];
        let (name, dtype) = (whole.name.clone(), part_of(whole.dtype));
        let mut read = |source| {
            let part = self.builder.declare_part(&name, dtype, source);
            self.read_once(part)
        };
        Parts {
            re: read(InputSource::Real(input)),
            im: read(InputSource::Imag(input)),
        }
    }

    /// The complex input that these are the parts of.
    pub(super) fn whole_of(&self, parts: Parts) -> Option<u32> {
        let prog = self.builder.program();
        let source = |value: Value| match prog.inst(value).kind {
            InstKind::Input(part) => Some(&prog.inputs[part as usize].source),
            _ => None,
        };
        match (source(parts.re)?, source(parts.im)?) {
            (InputSource::Real(re), InputSource::Imag(im)) if re == im => Some(*re),
            _ => None,
        }
    }

    /// An operand as a complex value of its own dtype; a real one of the least that holds it.
    pub(super) fn complex(&mut self, operand: &Operand, span: Span) -> Lowered<Parts> {
        let dtype = with_weak(self.common(&[operand]), WeakKind::Complex);
        self.coerce_complex(operand, dtype, span)
    }

    /// An operand as a complex value of `dtype`.
    fn coerce_complex(&mut self, operand: &Operand, dtype: DType, span: Span) -> Lowered<Parts> {
        let part = part_of(dtype);
        let (re, im) = match *operand {
            Operand::Complex(parts) => (Operand::Value(parts.re), Operand::Value(parts.im)),
            Operand::WeakComplex(parts) => {
                (Operand::WeakValue(parts.re), Operand::WeakValue(parts.im))
            }
            Operand::ComplexLiteral(re, im) => (
                Operand::Weak(Weak::Float(re)),
                Operand::Weak(Weak::Float(im)),
            ),
            _ => (operand.clone(), Operand::Weak(Weak::Float(0.0))),
        };
        let re = self.coerce(&re, part, span)?;
        let im = self.coerce(&im, part, span)?;
        Ok(Parts { re, im })
    }

    /// A function's result: a literal has a dtype then.
    pub(super) fn typed(&mut self, operand: &Operand, span: Span) -> Lowered<Operand> {
        if operand.is_complex() {
            self.complex(operand, span).map(Operand::Complex)
        } else {
            self.strong(operand, span).map(Operand::Value)
        }
    }

    /// Whether either part is not zero.
    pub(super) fn complex_truth(&mut self, z: Parts) -> Value {
        self.formula(|formula| (!formula.complex(z).is_zero()).value)
    }

    /// Refuses complex operands of what has no meaning for them.
    fn complex_refused<T>(
        &mut self,
        operation: &str,
        span: Span,
        needs: &'static str,
        operands: &[(&Operand, Span)],
    ) -> Lowered<T> {
        let complex: Vec<(Span, &Operand)> = operands
            .iter()
            .filter(|(operand, _)| operand.is_complex())
            .map(|&(operand, span)| (span, operand))
            .collect();
        self.operands_refused(operation, span, needs, &complex, None)
    }

    /// A unary operator other than `not`.
    pub(super) fn complex_unary(
        &mut self,
        op: UnaryOp,
        arg: (&Operand, Span),
        span: Span,
    ) -> Lowered<Operand> {
        match (op, arg.0) {
            (UnaryOp::Neg, Operand::ComplexLiteral(re, im)) => {
                Ok(Operand::ComplexLiteral(-re, -im))
            }
            (UnaryOp::Neg, _) => {
                let z = self.complex(arg.0, arg.1)?;
                Ok(self.map(z, |z| -z))
            }
            (UnaryOp::Pos, operand) => Ok(operand.clone()),
            (UnaryOp::Invert | UnaryOp::Not, _) => {
                self.complex_refused(op.symbol(), span, "integers or bools", &[arg])
            }
        }
    }

    /// A binary operator.
    pub(super) fn complex_binary(
        &mut self,
        op: BinaryOp,
        x: (&Operand, Span),
        y: (&Operand, Span),
        op_span: Span,
    ) -> Lowered<Operand> {
        let needs = match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Pow => None,
            BinaryOp::FloorDiv | BinaryOp::Rem => Some("real numbers"),
            BinaryOp::Shl | BinaryOp::Shr => Some("integers"),
            BinaryOp::BitAnd | BinaryOp::BitXor | BinaryOp::BitOr => Some("integers or bools"),
        };
        if let Some(needs) = needs {
            return self.complex_refused(op.symbol(), op_span, needs, &[x, y]);
        }
        let exponent = literal(y.0).filter(|_| op == BinaryOp::Pow);
        if let (Some(a), Some(b)) = (literal(x.0), literal(y.0)) {
            let (re, im) = fold(a, b, |x, y| binary(op, x, y, exponent));
            return Ok(Operand::ComplexLiteral(re, im));
        }
        let dtype = self.common(&[x.0, y.0]);
        let x = self.coerce_complex(x.0, dtype, x.1);
        let y = self.coerce_complex(y.0, dtype, y.1);
        let (x, y) = (x?, y?);
        Ok(Operand::Complex(self.formula(|formula| {
            binary(op, formula.complex(x), formula.complex(y), exponent).into()
        })))
    }

    /// A comparison.
    pub(super) fn complex_compare(
        &mut self,
        op: CmpOp,
        x: (&Operand, Span),
        y: (&Operand, Span),
    ) -> Lowered<Value> {
        let dtype = self.common(&[x.0, y.0]);
        let x = self.coerce_complex(x.0, dtype, x.1);
        let y = self.coerce_complex(y.0, dtype, y.1);
        let (x, y) = (x?, y?);
        Ok(self.formula(|formula| formula.complex(x).compare(op, formula.complex(y)).value))
    }

    /// `where` of operands one of which is complex.
    pub(super) fn complex_select(
        &mut self,
        condition: Value,
        then: (&Operand, Span),
        otherwise: (&Operand, Span),
    ) -> Lowered<Operand> {
        let dtype = self.common(&[then.0, otherwise.0]);
        let y = self.coerce_complex(then.0, dtype, then.1);
        let z = self.coerce_complex(otherwise.0, dtype, otherwise.1);
        let (y, z) = (y?, z?);
        Ok(Operand::Complex(self.formula(|formula| {
            let condition = formula.truth(condition);
            formula
                .complex(y)
                .where_(condition, formula.complex(z))
                .into()
        })))
    }

    /// A function of operands one of which is complex.
    pub(super) fn complex_call(
        &mut self,
        func: &Func,
        operands: &[(Operand, Span)],
        span: Span,
    ) -> Lowered<Operand> {
        let borrowed: Vec<(&Operand, Span)> = operands
            .iter()
            .map(|(operand, at)| (operand, *at))
            .collect();
        let first = borrowed[0];
        if let Rule::Promoted(op @ (Op::Minimum | Op::Maximum)) = func.rule {
            let order = match op {
                Op::Minimum => CmpOp::Le,
                _ => CmpOp::Ge,
            };
            let second = borrowed[1];
            let dtype = self.common(&[first.0, second.0]);
            let x = self.coerce_complex(first.0, dtype, first.1)?;
            let y = self.coerce_complex(second.0, dtype, second.1)?;
            return Ok(Operand::Complex(self.formula(|formula| {
                formula.complex(x).extreme(order, formula.complex(y)).into()
            })));
        }
        let z = self.complex(first.0, first.1)?;
        match func.rule {
            Rule::Float(Op::Round) => return Ok(self.map(z, |z| z.round())),
            Rule::Test(Op::IsNan, _) => return Ok(self.test(z, |z| z.is_nan())),
            Rule::Test(Op::IsInf, _) => return Ok(self.test(z, |z| z.is_inf())),
            Rule::Test(Op::IsFinite, _) => return Ok(self.test(z, |z| z.is_finite())),
            Rule::Absolute => return Ok(self.measure(z, |z| z.abs())),
            Rule::Promoted(Op::Sign) => return Ok(self.map_wide(z, |z| z.sign())),
            _ => {}
        }
        let result = match func.rule {
            Rule::Float(op) => elementary(op),
            _ => None,
        };
        match result {
            Some(f) => Ok(self.map_wide(z, f)),
            None => self.complex_refused(func.name(), span, "real numbers", &borrowed),
        }
    }

    /// `x.real`, `x.imag`.
    pub(super) fn attribute(&mut self, base: ExprId, attr: Attribute) -> Lowered<Operand> {
        let operand = self.weak_operand(base)?;
        let part = match attr {
            Attribute::Imag => Part::Imag,
            _ => Part::Real,
        };
        self.part(part, (&operand, self.ast.span(base)), false)
    }

    /// `real`, `imag`, `conj` and `angle`, of real operands too. The parts of a number are as weak as it is.
    pub(super) fn part(
        &mut self,
        part: Part,
        arg: (&Operand, Span),
        degrees: bool,
    ) -> Lowered<Operand> {
        if part == Part::Real && matches!(arg.0, Operand::Weak(_)) {
            return Ok(arg.0.clone());
        }
        let found = self.strong_part(part, arg, degrees)?;
        Ok(match part {
            Part::Real | Part::Imag if arg.0.is_weak() => self.weakened(found),
            _ => found,
        })
    }

    fn strong_part(
        &mut self,
        part: Part,
        arg: (&Operand, Span),
        degrees: bool,
    ) -> Lowered<Operand> {
        if arg.0.is_complex() {
            let z = self.complex(arg.0, arg.1)?;
            return Ok(match part {
                Part::Real => Operand::Value(z.re),
                Part::Imag => Operand::Value(z.im),
                Part::Conj => self.map(z, |z| z.conj()),
                Part::Angle => self.measure(z, |z| in_degrees(inverse::angle(z), degrees)),
            });
        }
        let x = self.strong(arg.0, arg.1)?;
        let dtype = self.dtype(x);
        Ok(Operand::Value(match part {
            Part::Real => x,
            Part::Imag => self.whatever(x, Scalar::zero(dtype)),
            // As NumPy's.
            Part::Conj if dtype.is_bool() => self.coerce(arg.0, DType::I8, arg.1)?,
            Part::Conj => x,
            Part::Angle => {
                let x = self.coerce(arg.0, float_of(dtype), arg.1)?;
                self.formula(|formula| {
                    let x = formula.real(x);
                    in_degrees(x.number(0.0).atan2(x), degrees).value
                })
            }
        }))
    }

    /// `complex(re, im)`: the dtype of `re + im * 1j`.
    pub(super) fn complex_of_parts(
        &mut self,
        operands: &[(Operand, Span)],
        span: Span,
    ) -> Lowered<Operand> {
        let (re, re_span) = &operands[0];
        let Some((im, im_span)) = operands.get(1) else {
            return self.complex(re, *re_span).map(Operand::Complex);
        };
        let both = [(re, *re_span), (im, *im_span)];
        if both.iter().any(|(operand, _)| operand.is_complex()) {
            return self.complex_refused("complex", span, "real numbers", &both);
        }
        let dtype = part_of(with_weak(self.common(&[re, im]), WeakKind::Complex));
        let re = self.coerce(re, dtype, *re_span);
        let im = self.coerce(im, dtype, *im_span);
        Ok(Operand::Complex(Parts { re: re?, im: im? }))
    }

    /// `c64(x)`, `c128(x)`.
    pub(super) fn complex_cast(
        &mut self,
        operand: &Operand,
        to: DType,
        span: Span,
    ) -> Lowered<Operand> {
        self.coerce_complex(operand, to, span).map(Operand::Complex)
    }
}

/// A literal's value as a complex number.
fn literal(operand: &Operand) -> Option<(f64, f64)> {
    match operand {
        Operand::Weak(weak) => Some((weak.as_f64(), 0.0)),
        Operand::ComplexLiteral(re, im) => Some((*re, *im)),
        _ => None,
    }
}

/// A formula of two literals: built on its own, and folded to its value.
fn fold(
    a: (f64, f64),
    b: (f64, f64),
    build: impl for<'f> FnOnce(Complex<'f>, Complex<'f>) -> Complex<'f>,
) -> (f64, f64) {
    let mut builder = Builder::new();
    let [x, y] = [a, b].map(|(re, im)| Parts {
        re: builder.constant(Scalar::F64(re)),
        im: builder.constant(Scalar::F64(im)),
    });
    let formula = Formula::new(builder);
    let parts = Parts::from(build(formula.complex(x), formula.complex(y)));
    let folded = crate::opt::fold(&formula.into_builder().finish());
    let value = |value: Value| match &folded.inst(value).kind {
        InstKind::Const(scalar) => scalar.as_f64().expect("formulas are of floats"),
        _ => unreachable!("operations on float constants fold"),
    };
    (value(parts.re), value(parts.im))
}

/// An arithmetic operator; `exponent` is that of a constant power.
fn binary<'f>(
    op: BinaryOp,
    x: Complex<'f>,
    y: Complex<'f>,
    exponent: Option<(f64, f64)>,
) -> Complex<'f> {
    match op {
        BinaryOp::Add => x + y,
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        BinaryOp::Div => x.quotient(y),
        _ => power(x, y, exponent),
    }
}

/// A power. Constant exponents are meaning, as for real bases.
fn power<'f>(x: Complex<'f>, y: Complex<'f>, exponent: Option<(f64, f64)>) -> Complex<'f> {
    let dtype = x.re.dtype();
    match exponent {
        Some((0.0, 0.0)) => x.number(1.0, 0.0),
        Some((1.0, 0.0)) => x,
        Some((2.0, 0.0)) => x.square(),
        Some((-1.0, 0.0)) => x.reciprocal(),
        Some((0.5, 0.0)) => elementary::sqrt(x.cast(DType::F64)).cast(dtype),
        Some((n, 0.0)) if n == n.trunc() && n.abs() < MULTIPLIED_POWERS => {
            x.integer_power(n as i32)
        }
        _ => x.cast(DType::F64).power(y.cast(DType::F64)).cast(dtype),
    }
}

/// The complex function that goes by the name of a real operation.
fn elementary(op: Op) -> Option<fn(Complex<'_>) -> Complex<'_>> {
    Some(match op {
        Op::Exp => elementary::exp,
        Op::Expm1 => elementary::expm1,
        Op::Log => elementary::log,
        Op::Log2 => |z| elementary::log(z).scaled(z.re.number(std::f64::consts::LOG2_E)),
        Op::Log10 => |z| elementary::log(z).scaled(z.re.number(std::f64::consts::LOG10_E)),
        Op::Log1p => elementary::log1p,
        Op::Sqrt => elementary::sqrt,
        Op::Sin => elementary::sin,
        Op::Cos => elementary::cos,
        Op::Tan => elementary::tan,
        Op::Sinh => elementary::sinh,
        Op::Cosh => elementary::cosh,
        Op::Tanh => elementary::tanh,
        Op::Asin => inverse::asin,
        Op::Acos => inverse::acos,
        Op::Atan => inverse::atan,
        Op::Asinh => inverse::asinh,
        Op::Acosh => inverse::acosh,
        Op::Atanh => inverse::atanh,
        _ => return None,
    })
}

fn in_degrees(angle: Real<'_>, degrees: bool) -> Real<'_> {
    if degrees {
        angle * (180.0 / std::f64::consts::PI)
    } else {
        angle
    }
}
