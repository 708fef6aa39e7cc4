//! Operators between lazy arrays, and between them and literals.

use std::ops;

use numloom_syntax::{BinaryOp, ExprKind, Span, UnaryOp};

use crate::lazy::Lazy;
use crate::lazy::operand::Operand;
use crate::lazy::template::Builder;

impl Lazy {
    pub(super) fn binary(op: BinaryOp, lhs: &Operand, rhs: &Operand) -> Lazy {
        let mut builder = Builder::default();
        let lhs = builder.operand(lhs);
        let rhs = builder.operand(rhs);
        let op_span = Span::default();
        let root = builder.push(ExprKind::Binary {
            op,
            lhs,
            rhs,
            op_span,
        });
        builder.finish(root)
    }

    pub(super) fn unary(op: UnaryOp, arg: &Operand) -> Lazy {
        let mut builder = Builder::default();
        let arg = builder.operand(arg);
        let root = builder.push(ExprKind::Unary { op, arg });
        builder.finish(root)
    }
}

/// Both owned, either borrowed, or a literal on one side.
macro_rules! binary {
    ($($trait:ident $method:ident $op:ident)*) => {$(
        impl<R: Into<Operand>> ops::$trait<R> for Lazy {
            type Output = Lazy;

            fn $method(self, rhs: R) -> Lazy {
                Lazy::binary(BinaryOp::$op, &self.into(), &rhs.into())
            }
        }

        impl<R: Into<Operand>> ops::$trait<R> for &Lazy {
            type Output = Lazy;

            fn $method(self, rhs: R) -> Lazy {
                Lazy::binary(BinaryOp::$op, &self.into(), &rhs.into())
            }
        }

        // One type of each kind, so that `2 * x` needs no annotation.
        binary! { @literal $trait $method $op: bool i64 f64 }
    )*};
    (@literal $trait:ident $method:ident $op:ident: $($type:ty)*) => {$(
        impl ops::$trait<Lazy> for $type {
            type Output = Lazy;

            fn $method(self, rhs: Lazy) -> Lazy {
                Lazy::binary(BinaryOp::$op, &self.into(), &rhs.into())
            }
        }

        impl ops::$trait<&Lazy> for $type {
            type Output = Lazy;

            fn $method(self, rhs: &Lazy) -> Lazy {
                Lazy::binary(BinaryOp::$op, &self.into(), &rhs.into())
            }
        }
    )*};
}

binary! {
    Add add Add
    Sub sub Sub
    Mul mul Mul
    Div div Div
    Rem rem Rem
    BitAnd bitand BitAnd
    BitOr bitor BitOr
    BitXor bitxor BitXor
    Shl shl Shl
    Shr shr Shr
}

macro_rules! unary {
    ($($trait:ident $method:ident $op:ident)*) => {$(
        impl ops::$trait for Lazy {
            type Output = Lazy;

            fn $method(self) -> Lazy {
                Lazy::unary(UnaryOp::$op, &self.into())
            }
        }

        impl ops::$trait for &Lazy {
            type Output = Lazy;

            fn $method(self) -> Lazy {
                Lazy::unary(UnaryOp::$op, &self.into())
            }
        }
    )*};
}

unary! { Neg neg Neg  Not not Invert }
