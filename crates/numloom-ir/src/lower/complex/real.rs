//! Real values with the operators of arithmetic, so that a formula reads as it is written: `(x*x + y*y).sqrt()`
//! appends three operations to the program.

use std::cell::RefCell;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

use numloom_data::{DType, Scalar};

use crate::builder::Builder;
use crate::op::{CastMode, Op};
use crate::program::Value;

/// Where the operations of a formula go.
pub(super) struct Formula(RefCell<Builder>);

impl Formula {
    /// Formulas that append to `builder`.
    pub(super) fn new(builder: Builder) -> Formula {
        Formula(RefCell::new(builder))
    }

    /// The builder, with the operations appended.
    pub(super) fn into_builder(self) -> Builder {
        self.0.into_inner()
    }

    /// A float as an operand.
    pub(super) fn real(&self, value: Value) -> Real<'_> {
        Real {
            formula: self,
            value,
        }
    }

    fn constant(&self, dtype: DType, value: f64) -> Real<'_> {
        let scalar = match dtype {
            DType::F32 => Scalar::F32(value as f32),
            _ => Scalar::F64(value),
        };
        self.real(self.0.borrow_mut().constant(scalar))
    }

    fn apply(&self, op: Op, args: &[Value]) -> Value {
        self.0.borrow_mut().apply(op, args)
    }
}

/// A value of dtype `f32` or `f64`. Operands of one operation have one dtype; a number takes it.
#[derive(Clone, Copy)]
pub(super) struct Real<'f> {
    formula: &'f Formula,
    pub(super) value: Value,
}

/// A value of dtype `bool`.
#[derive(Clone, Copy)]
pub(super) struct Truth<'f> {
    formula: &'f Formula,
    pub(super) value: Value,
}

/// An operand of a formula: a value, or a number that becomes a constant of the other operand's dtype.
pub(super) trait Term<'f> {
    /// The operand as a value beside `other`.
    fn beside(self, other: Real<'f>) -> Real<'f>;
}

impl<'f> Term<'f> for Real<'f> {
    fn beside(self, _: Real<'f>) -> Real<'f> {
        self
    }
}

impl<'f> Term<'f> for f64 {
    fn beside(self, other: Real<'f>) -> Real<'f> {
        other.number(self)
    }
}

impl<'f> Real<'f> {
    /// A constant of this value's dtype.
    pub(super) fn number(self, value: f64) -> Real<'f> {
        self.formula.constant(self.dtype(), value)
    }

    /// The value in another float dtype.
    pub(super) fn cast(self, dtype: DType) -> Real<'f> {
        let cast = Op::Cast(CastMode::Wrap);
        self.formula
            .real(self.formula.0.borrow_mut().cast(cast, self.value, dtype))
    }

    pub(super) fn dtype(self) -> DType {
        self.formula.0.borrow().program().dtype(self.value)
    }

    fn unary(self, op: Op) -> Real<'f> {
        self.formula.real(self.formula.apply(op, &[self.value]))
    }

    fn binary(self, op: Op, other: impl Term<'f>) -> Real<'f> {
        let other = other.beside(self).value;
        self.formula
            .real(self.formula.apply(op, &[self.value, other]))
    }

    fn test(self, op: Op) -> Truth<'f> {
        self.formula.truth(self.formula.apply(op, &[self.value]))
    }

    fn compare(self, op: Op, other: impl Term<'f>) -> Truth<'f> {
        let other = other.beside(self).value;
        self.formula
            .truth(self.formula.apply(op, &[self.value, other]))
    }
}

/// Methods named after the operation they apply.
macro_rules! methods {
    ($kind:ident() -> $result:ident: $($name:ident $op:ident),*) => {
        impl<'f> Real<'f> {
            $( pub(super) fn $name(self) -> $result<'f> {
                self.$kind(Op::$op)
            } )*
        }
    };
    ($kind:ident(other) -> $result:ident: $($name:ident $op:ident),*) => {
        impl<'f> Real<'f> {
            $( pub(super) fn $name(self, other: impl Term<'f>) -> $result<'f> {
                self.$kind(Op::$op, other)
            } )*
        }
    };
}

methods!(unary() -> Real: abs Abs, sqrt Sqrt, round Round, sin Sin, cos Cos, tan Tan, sinh Sinh,
    asinh Asinh, exp Exp, expm1 Expm1, log Log, log1p Log1p);
methods!(binary(other) -> Real: copysign Copysign, atan2 Atan2, hypot Hypot, maximum Maximum);
methods!(test() -> Truth: is_nan IsNan, is_inf IsInf, is_finite IsFinite);
methods!(compare(other) -> Truth: eq Eq, ne Ne, lt Lt, le Le, gt Gt, ge Ge);

macro_rules! operators {
    ($($name:ident $method:ident),*) => { $(
        impl<'f, T: Term<'f>> $name<T> for Real<'f> {
            type Output = Real<'f>;
            fn $method(self, other: T) -> Real<'f> {
                self.binary(Op::$name, other)
            }
        }
        impl<'f> $name<Real<'f>> for f64 {
            type Output = Real<'f>;
            fn $method(self, other: Real<'f>) -> Real<'f> {
                other.number(self).binary(Op::$name, other)
            }
        }
    )* };
}

operators!(Add add, Sub sub, Mul mul, Div div);

impl<'f> Neg for Real<'f> {
    type Output = Real<'f>;
    fn neg(self) -> Real<'f> {
        self.unary(Op::Neg)
    }
}

impl Formula {
    /// A bool as an operand.
    pub(super) fn truth(&self, value: Value) -> Truth<'_> {
        Truth {
            formula: self,
            value,
        }
    }
}

impl<'f> Truth<'f> {
    /// `then` where it holds, else `otherwise`.
    pub(super) fn select(self, then: impl Term<'f>, otherwise: Real<'f>) -> Real<'f> {
        let then = then.beside(otherwise).value;
        let args = [self.value, then, otherwise.value];
        self.formula.real(self.formula.apply(Op::Select, &args))
    }

    /// One number where it holds, else another, as a value of `like`'s dtype.
    pub(super) fn choose(self, then: f64, otherwise: f64, like: Real<'f>) -> Real<'f> {
        self.select(then, like.number(otherwise))
    }
}

impl<'f> BitAnd for Truth<'f> {
    type Output = Truth<'f>;
    fn bitand(self, other: Truth<'f>) -> Truth<'f> {
        let args = [self.value, other.value];
        self.formula.truth(self.formula.apply(Op::And, &args))
    }
}

impl<'f> BitOr for Truth<'f> {
    type Output = Truth<'f>;
    fn bitor(self, other: Truth<'f>) -> Truth<'f> {
        let args = [self.value, other.value];
        self.formula.truth(self.formula.apply(Op::Or, &args))
    }
}

impl<'f> Not for Truth<'f> {
    type Output = Truth<'f>;
    fn not(self) -> Truth<'f> {
        self.formula
            .truth(self.formula.apply(Op::Not, &[self.value]))
    }
}
