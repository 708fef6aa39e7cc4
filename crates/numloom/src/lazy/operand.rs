//! What an operation on lazy arrays takes: another of them, or a literal.

use numloom_data::{Array, Complex, DType, Scalar};

use crate::lazy::Lazy;
use crate::lazy::template::Template;

/// An operand: a [`Lazy`], or a literal, which takes the dtype of what it meets as it does in a text.
///
/// | made from | is |
/// |---|---|
/// | [`Lazy`], `&Lazy` | that value |
/// | a Rust number or `bool` | the literal: `x + 1` leaves an `i16` what it is |
/// | [`Scalar`] | one value of that dtype |
/// | [`DType`] | its name, for `dtype=` |
/// | `&str` | a text, such as the mode of a cast |
/// | `()` | `None` |
/// | `Vec<Operand>`, arrays of what is one | a tuple |
#[derive(Clone, Debug)]
pub struct Operand(pub(super) Repr);

#[derive(Clone, Debug)]
pub(super) enum Repr {
    Lazy(Lazy),
    Literal(Literal),
    /// What a text computes of literals alone.
    Tree(Template),
    Tuple(Vec<Operand>),
}

#[derive(Clone, Debug)]
pub(super) enum Literal {
    Int(i128),
    Float(f64),
    Complex(f64, f64),
    Bool(bool),
    Str(String),
    Bytes(Vec<u8>),
    Name(String),
    None,
}

impl Operand {
    pub(super) fn is_literal(&self) -> bool {
        match &self.0 {
            Repr::Lazy(_) => false,
            Repr::Literal(_) | Repr::Tree(_) => true,
            Repr::Tuple(parts) => parts.iter().all(Operand::is_literal),
        }
    }

    pub(super) fn lazy(&self) -> Option<&Lazy> {
        match &self.0 {
            Repr::Lazy(lazy) => Some(lazy),
            _ => None,
        }
    }

    /// A literal of bytes, to compare with.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Operand {
        Literal::Bytes(bytes.to_vec()).into()
    }
}

impl From<Literal> for Operand {
    fn from(literal: Literal) -> Operand {
        Operand(Repr::Literal(literal))
    }
}

impl From<Lazy> for Operand {
    fn from(lazy: Lazy) -> Operand {
        Operand(Repr::Lazy(lazy))
    }
}

impl From<&Lazy> for Operand {
    fn from(lazy: &Lazy) -> Operand {
        lazy.clone().into()
    }
}

impl From<&Operand> for Operand {
    fn from(operand: &Operand) -> Operand {
        operand.clone()
    }
}

impl From<Scalar> for Operand {
    fn from(value: Scalar) -> Operand {
        match Array::from_scalar(&value) {
            Ok(array) => Lazy::from_array(array).into(),
            Err(error) => Lazy::failed(error.into()).into(),
        }
    }
}

impl From<DType> for Operand {
    fn from(dtype: DType) -> Operand {
        Literal::Name(dtype.to_string()).into()
    }
}

impl From<&str> for Operand {
    fn from(text: &str) -> Operand {
        Literal::Str(text.to_owned()).into()
    }
}

impl From<()> for Operand {
    fn from((): ()) -> Operand {
        Literal::None.into()
    }
}

impl From<Vec<Operand>> for Operand {
    fn from(parts: Vec<Operand>) -> Operand {
        Operand(Repr::Tuple(parts))
    }
}

impl<T: Into<Operand>, const N: usize> From<[T; N]> for Operand {
    fn from(parts: [T; N]) -> Operand {
        parts.into_iter().map(Into::into).collect::<Vec<_>>().into()
    }
}

macro_rules! literals {
    ($($variant:ident: $($type:ty)*;)*) => {$($(
        impl From<$type> for Operand {
            fn from(value: $type) -> Operand {
                Literal::$variant(value.into()).into()
            }
        }
    )*)*};
}

literals! {
    Int: i8 i16 i32 i64 i128 u8 u16 u32 u64;
    Float: f32 f64;
    Bool: bool;
}

impl From<usize> for Operand {
    fn from(value: usize) -> Operand {
        Literal::Int(value as i128).into()
    }
}

impl From<Complex<f64>> for Operand {
    fn from(value: Complex<f64>) -> Operand {
        Literal::Complex(value.re, value.im).into()
    }
}
