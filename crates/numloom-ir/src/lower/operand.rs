//! Operands: weak literals and typed values, and how one becomes the other.

use numloom_data::{DType, Scalar};
use numloom_syntax::{ExprId, Span};

use super::{Lower, Lowered};
use crate::error::LowerErrorKind;
use crate::op::{CastMode, Op};
use crate::program::Value;
use crate::promote::{WeakKind, promote, with_weak};

/// A literal that has no dtype yet.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Weak {
    /// An integer, in fixed width.
    Int(i128),
    /// A float.
    Float(f64),
}

impl Weak {
    pub(super) fn kind(self) -> WeakKind {
        match self {
            Weak::Int(_) => WeakKind::Int,
            Weak::Float(_) => WeakKind::Float,
        }
    }

    pub(super) fn as_f64(self) -> f64 {
        match self {
            Weak::Int(value) => value as f64,
            Weak::Float(value) => value,
        }
    }
}

/// The two real values that a complex one is made of, of one float dtype.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Parts {
    pub(super) re: Value,
    pub(super) im: Value,
}

/// What a node of the tree became.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Operand {
    /// A literal.
    Weak(Weak),
    /// A complex literal.
    ComplexLiteral(f64, f64),
    /// A number that is known when it runs, and as weak as a literal: an `i64`, `u64` or `f64`.
    WeakValue(Value),
    /// A complex one.
    WeakComplex(Parts),
    /// A typed value.
    Value(Value),
    /// A complex value.
    Complex(Parts),
    /// A bytes literal.
    Bytes(Box<[u8]>),
    /// A quoted text: an argument such as a cast mode, or bytes.
    Text(String),
    /// The name of a dtype: an argument.
    DType(DType),
    /// Something else that is no value, in words.
    Other(&'static str),
}

impl Operand {
    /// A weak number with the dtype that it comes in; others as they are.
    pub(super) fn fixed(self) -> Operand {
        match self {
            Operand::WeakValue(value) => Operand::Value(value),
            Operand::WeakComplex(parts) => Operand::Complex(parts),
            operand => operand,
        }
    }

    /// Whether it takes the dtype of what stands beside it.
    pub(super) fn is_weak(&self) -> bool {
        matches!(
            self,
            Operand::Weak(_)
                | Operand::ComplexLiteral(..)
                | Operand::WeakValue(_)
                | Operand::WeakComplex(_)
        )
    }
}

/// The least and greatest value of an integer dtype.
pub(super) fn int_range(dtype: DType) -> (i128, i128) {
    let bits = 8 * dtype.itemsize() as u32;
    if dtype.is_signed() {
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    } else {
        (0, (1 << bits) - 1)
    }
}

/// Whether a conversion keeps every value, so that its mode does not matter.
pub(super) fn is_exact_cast(from: DType, to: DType) -> bool {
    promote(from, to) == Some(to)
        && !(from.is_integer() && to.is_float() && from.itemsize() >= to.itemsize())
}

impl Lower<'_> {
    /// The dtype of an operand, or the kind of a literal.
    pub(super) fn dtype(&self, value: Value) -> DType {
        self.builder.program().dtype(value)
    }

    /// The dtype of an operand that has one.
    pub(super) fn operand_dtype(&self, operand: &Operand) -> Option<DType> {
        match operand {
            Operand::Value(value) => Some(self.dtype(*value)),
            Operand::Complex(parts) => Some(match self.dtype(parts.re) {
                DType::F32 => DType::C64,
                _ => DType::C128,
            }),
            _ => None,
        }
    }

    /// A number that was computed from weak ones alone, which is as weak; a bool is not.
    pub(super) fn weakened(&self, operand: Operand) -> Operand {
        match operand {
            Operand::Value(value) if !self.dtype(value).is_bool() => Operand::WeakValue(value),
            Operand::Complex(parts) => Operand::WeakComplex(parts),
            operand => operand,
        }
    }

    /// The operand at a node, fit to compute with: no bytes, `f16` widened to `f32`, and nothing weak but literals.
    pub(super) fn operand(&mut self, id: ExprId) -> Lowered<Operand> {
        self.weak_operand(id).map(Operand::fixed)
    }

    /// The same, but for numbers that are weak.
    pub(super) fn weak_operand(&mut self, id: ExprId) -> Lowered<Operand> {
        let span = self.ast.span(id);
        match self.result(id)? {
            Operand::Value(value) if self.dtype(value) == DType::F16 => Ok(Operand::Value(
                self.builder
                    .cast(Op::Cast(CastMode::Wrap), value, DType::F32),
            )),
            operand if self.is_bytes(&operand) => self.bytes_refused(&operand, span),
            Operand::DType(_) => self.refuse(span, LowerErrorKind::NotAValue { what: "a dtype" }),
            Operand::Other(what) => self.refuse(span, LowerErrorKind::NotAValue { what }),
            operand => Ok(operand),
        }
    }

    /// A literal's own constant: `i64` (or `u64` if only that holds it) or `f64`; a typed value as it is.
    pub(super) fn strong(&mut self, operand: &Operand, span: Span) -> Lowered<Value> {
        match operand {
            operand if self.is_bytes(operand) => self.bytes_refused(operand, span),
            Operand::Value(value) | Operand::WeakValue(value) => Ok(*value),
            Operand::Weak(weak @ Weak::Int(value)) => {
                let dtype = if *value > i128::from(i64::MAX) {
                    DType::U64
                } else {
                    DType::I64
                };
                self.literal(*weak, dtype, span)
            }
            Operand::Weak(weak) => self.literal(*weak, DType::F64, span),
            Operand::ComplexLiteral(..) | Operand::Complex(_) | Operand::WeakComplex(_) => {
                let what = "a complex number";
                self.refuse(span, LowerErrorKind::NotAValue { what })
            }
            Operand::Bytes(_) | Operand::Text(_) => unreachable!("bytes were refused above"),
            Operand::DType(_) => self.refuse(span, LowerErrorKind::NotAValue { what: "a dtype" }),
            Operand::Other(what) => self.refuse(span, LowerErrorKind::NotAValue { what }),
        }
    }

    /// A literal as a constant of `dtype`.
    pub(super) fn literal(&mut self, weak: Weak, dtype: DType, span: Span) -> Lowered<Value> {
        let scalar = match (weak, dtype) {
            (_, DType::F32) => Scalar::F32(match weak {
                Weak::Int(value) => value as f32,
                Weak::Float(value) => value as f32,
            }),
            (_, DType::F64) => Scalar::F64(weak.as_f64()),
            (Weak::Int(value), _) => {
                let range = int_range(dtype);
                if value < range.0 || value > range.1 {
                    let kind = LowerErrorKind::LiteralOutOfRange {
                        value: value.to_string(),
                        dtype,
                        range,
                    };
                    return self.refuse(span, kind);
                }
                Scalar::from_bits(dtype, value as u128)
            }
            (Weak::Float(_), _) => unreachable!("a float literal takes a float dtype"),
        };
        Ok(self.builder.constant(scalar))
    }

    /// An operand as a value of `dtype`: a literal becomes a constant, a value is converted.
    pub(super) fn coerce(&mut self, operand: &Operand, dtype: DType, span: Span) -> Lowered<Value> {
        match operand {
            Operand::Weak(weak)
                if !(dtype.is_bool()
                    || dtype.is_complex()
                    || (dtype.is_integer() && weak.kind() == WeakKind::Float)) =>
            {
                self.literal(*weak, dtype, span)
            }
            Operand::WeakValue(value) if dtype.is_integer() && self.dtype(*value).is_integer() => {
                let mode = match is_exact_cast(self.dtype(*value), dtype) {
                    true => CastMode::Wrap,
                    false => CastMode::Checked,
                };
                Ok(self.builder.cast(Op::Cast(mode), *value, dtype))
            }
            _ if dtype.is_complex() => {
                let what = "a complex number";
                self.refuse(span, LowerErrorKind::NotAValue { what })
            }
            _ => {
                let value = self.strong(operand, span)?;
                Ok(self.builder.cast(Op::Cast(CastMode::Wrap), value, dtype))
            }
        }
    }

    /// The common dtype of operands, literals being weak beside arrays; on their own they are `i64` and `f64`, or `u64` where
    /// one is that large.
    pub(super) fn common(&self, operands: &[&Operand]) -> DType {
        let mut strong: Vec<DType> = operands
            .iter()
            .filter_map(|operand| self.operand_dtype(operand))
            .collect();
        // Integers last: an i16, a u16 and an f32 meet in f32, as in NumPy, though the integers alone meet in i32.
        strong.sort_by_key(|dtype| dtype.is_integer());
        let strong = strong.into_iter();
        let weak = operands.iter().filter_map(|operand| match operand {
            Operand::Weak(weak) => Some(weak.kind()),
            Operand::WeakValue(value) if self.dtype(*value).is_float() => Some(WeakKind::Float),
            Operand::WeakValue(_) => Some(WeakKind::Int),
            Operand::ComplexLiteral(..) | Operand::WeakComplex(_) => Some(WeakKind::Complex),
            _ => None,
        });
        let strong = strong.reduce(|a, b| promote(a, b).expect("operands are numbers"));
        match (strong, weak.max()) {
            (Some(dtype), Some(kind)) => with_weak(dtype, kind),
            (Some(dtype), None) => dtype,
            (None, Some(WeakKind::Complex)) => DType::C128,
            (None, Some(WeakKind::Float)) => DType::F64,
            (None, _) => {
                let is_large = operands.iter().any(|operand| match operand {
                    Operand::Weak(Weak::Int(value)) => *value > i128::from(i64::MAX),
                    Operand::WeakValue(value) => self.dtype(*value) == DType::U64,
                    _ => false,
                });
                match is_large {
                    true => DType::U64,
                    false => DType::I64,
                }
            }
        }
    }

    /// An operand as a truth value: `!= 0`.
    pub(super) fn truth(&mut self, operand: &Operand, span: Span) -> Lowered<Value> {
        let value = match operand {
            Operand::Weak(Weak::Int(value)) => self.builder.constant(Scalar::Bool(*value != 0)),
            Operand::Weak(Weak::Float(value)) => self.builder.constant(Scalar::Bool(*value != 0.0)),
            Operand::ComplexLiteral(..) | Operand::Complex(_) | Operand::WeakComplex(_) => {
                let parts = self.complex(operand, span)?;
                return Ok(self.complex_truth(parts));
            }
            _ => self.strong(operand, span)?,
        };
        Ok(self
            .builder
            .cast(Op::Cast(CastMode::Wrap), value, DType::Bool))
    }

    /// The words for an operand's type in a diagnostic.
    pub(super) fn type_words(&self, operand: &Operand) -> String {
        match operand {
            Operand::Weak(Weak::Int(_)) => "an integer literal".to_owned(),
            Operand::Weak(Weak::Float(_)) => "a float literal".to_owned(),
            Operand::Bytes(_) => "a bytes literal".to_owned(),
            Operand::ComplexLiteral(..) => "a complex literal".to_owned(),
            Operand::WeakValue(value) => self.dtype(*value).to_string(),
            Operand::WeakComplex(_) => DType::C128.to_string(),
            Operand::Value(_) | Operand::Complex(_) => {
                let dtype = self.operand_dtype(operand).expect("values have a dtype");
                dtype.to_string()
            }
            Operand::Text(_) => "a text".to_owned(),
            Operand::DType(_) => "a dtype".to_owned(),
            Operand::Other(what) => (*what).to_owned(),
        }
    }
}
