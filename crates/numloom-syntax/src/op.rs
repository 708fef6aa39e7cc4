//! The operators: one table of symbols and precedence, which the parser and the printer both read.

use std::fmt;

/// How tightly an expression holds together, loosest first. Operators of one level group to the left,
/// save [`Pow`](Self::Pow) and [`IfElse`](Self::IfElse), which group to the right.
///
/// ```
/// use numloom_syntax::{BinaryOp, Precedence};
/// assert!(BinaryOp::Mul.precedence() > BinaryOp::Add.precedence());
/// assert!(Precedence::Unary < Precedence::Pow); // -a**2 is -(a**2)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precedence {
    /// `x if c else y`
    IfElse,
    /// `or`
    Or,
    /// `and`
    And,
    /// `not`
    Not,
    /// `< <= > >= == !=`, which chain
    Compare,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `&`
    BitAnd,
    /// `<< >>`
    Shift,
    /// `+ -`
    Sum,
    /// `* / // %`
    Product,
    /// `-x +x ~x`
    Unary,
    /// `**`
    Pow,
    /// Names, literals, calls, subscripts, attributes, anything in brackets
    Postfix,
}

/// Declares an operator enum from its rows, so that symbol and precedence stand in one place.
macro_rules! operators {
    ($(#[$doc:meta])* $name:ident { $($(#[$row_doc:meta])* $variant:ident $symbol:literal $level:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$row_doc])* $variant,)+ }

        impl $name {
            /// Every operator of this kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As written in the source.
            pub const fn symbol(self) -> &'static str {
                match self { $(Self::$variant => $symbol,)+ }
            }

            /// How tightly it binds.
            pub const fn precedence(self) -> Precedence {
                match self { $(Self::$variant => Precedence::$level,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.symbol())
            }
        }
    };
}

operators! {
    /// An operator with one operand.
    UnaryOp {
        /// `-x`
        Neg "-" Unary,
        /// `+x`
        Pos "+" Unary,
        /// `~x`
        Invert "~" Unary,
        /// `not x`
        Not "not" Not,
    }
}

operators! {
    /// An arithmetic or bitwise operator with two operands.
    BinaryOp {
        /// `a ** b`, grouping to the right
        Pow "**" Pow,
        /// `a * b`
        Mul "*" Product,
        /// `a / b`
        Div "/" Product,
        /// `a // b`
        FloorDiv "//" Product,
        /// `a % b`
        Rem "%" Product,
        /// `a + b`
        Add "+" Sum,
        /// `a - b`
        Sub "-" Sum,
        /// `a << b`
        Shl "<<" Shift,
        /// `a >> b`
        Shr ">>" Shift,
        /// `a & b`
        BitAnd "&" BitAnd,
        /// `a ^ b`
        BitXor "^" BitXor,
        /// `a | b`
        BitOr "|" BitOr,
    }
}

operators! {
    /// A comparison.
    CmpOp {
        /// `a < b`
        Lt "<" Compare,
        /// `a <= b`
        Le "<=" Compare,
        /// `a > b`
        Gt ">" Compare,
        /// `a >= b`
        Ge ">=" Compare,
        /// `a == b`
        Eq "==" Compare,
        /// `a != b`
        Ne "!=" Compare,
    }
}

operators! {
    /// A chain of truth values.
    BoolOp {
        /// `a and b`
        And "and" And,
        /// `a or b`
        Or "or" Or,
    }
}
