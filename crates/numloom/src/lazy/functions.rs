//! The functions of the language as methods, all made by one table of names; the language's own table says what each is.

use numloom_data::DType;
use numloom_ir::func::{Func, Rule};
use numloom_syntax::{Arg, ExprKind, Span};

use crate::lazy::Lazy;
use crate::lazy::operand::Operand;
use crate::lazy::template::Builder;

impl Lazy {
    /// The function of this name of these arguments: any of [the table](crate::_documentation::functions).
    ///
    /// ```
    /// use numloom::Lazy;
    ///
    /// let x = Lazy::from_array(vec![0.5, 7.0]);
    /// assert!(Lazy::call("asinh", [&x]).check().is_ok());
    /// assert_eq!(Lazy::call("velo", [&x]).check().unwrap_err().code().slug(), "unknown-function");
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn call(name: &str, args: impl IntoIterator<Item = impl Into<Operand>>) -> Lazy {
        Lazy::call_with(name, args, std::iter::empty::<(&str, ())>())
    }

    /// The same with keyword arguments.
    ///
    /// ```
    /// use numloom::Lazy;
    ///
    /// let x = Lazy::from_array(vec![0.5, 7.0]);
    /// let y = Lazy::call_with("clip", [&x], [("max", 1)]);
    /// assert_eq!(y.compute()?.to_vec::<f64>()?, [0.5, 1.0]);
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn call_with<'k>(
        name: &str,
        args: impl IntoIterator<Item = impl Into<Operand>>,
        keywords: impl IntoIterator<Item = (&'k str, impl Into<Operand>)>,
    ) -> Lazy {
        let mut builder = Builder::default();
        let mut given = Vec::new();
        for arg in args {
            let value = builder.operand(&arg.into());
            given.push(Arg::positional(value));
        }
        for (name, value) in keywords {
            given.push(builder.keyword(name, &value.into()));
        }
        let root = match operator(name, &given) {
            Some(kind) => builder.push(kind),
            None => builder.call(name, given),
        };
        builder.finish(root)
    }

    /// `x` where this holds, else `y`.
    #[must_use]
    pub fn where_(&self, x: impl Into<Operand>, y: impl Into<Operand>) -> Lazy {
        Lazy::call("where", [Operand::from(self), x.into(), y.into()])
    }

    /// Held within bounds; `()` is no bound.
    #[must_use]
    pub fn clip(&self, min: impl Into<Operand>, max: impl Into<Operand>) -> Lazy {
        Lazy::call("clip", [Operand::from(self), min.into(), max.into()])
    }

    /// Rounded to so many decimals, ties to even.
    #[must_use]
    pub fn round(&self, decimals: i32) -> Lazy {
        Lazy::call("round", [Operand::from(self), decimals.into()])
    }

    /// Converted to another dtype, as `f32(x)` is: wrapping where it does not fit. [`call`](Lazy::call) takes a mode, too.
    #[must_use]
    pub fn astype(&self, dtype: DType) -> Lazy {
        Lazy::call(&dtype.to_string(), [self])
    }

    /// Conditions and choices, `select((c1, c2), (x1, x2), default)`: of each element the choice beside the first condition that holds.
    pub fn select(
        conditions: impl IntoIterator<Item = impl Into<Operand>>,
        choices: impl IntoIterator<Item = impl Into<Operand>>,
        default: impl Into<Operand>,
    ) -> Lazy {
        let conditions: Vec<Operand> = conditions.into_iter().map(Into::into).collect();
        let choices: Vec<Operand> = choices.into_iter().map(Into::into).collect();
        Lazy::call(
            "select",
            [conditions.into(), choices.into(), default.into()],
        )
    }
}

/// The operator that a function is, written as one.
fn operator(name: &str, args: &[Arg]) -> Option<ExprKind> {
    let op_span = Span::default();
    if args.iter().any(|arg| arg.name.is_some()) {
        return None;
    }
    match (Func::find(name)?.rule, args) {
        (Rule::Unary(op), [arg]) => Some(ExprKind::Unary { op, arg: arg.value }),
        (Rule::Binary(op), [lhs, rhs]) => Some(ExprKind::Binary {
            op,
            lhs: lhs.value,
            rhs: rhs.value,
            op_span,
        }),
        (Rule::Compare(op), [lhs, rhs]) => Some(ExprKind::Compare {
            first: lhs.value,
            rest: vec![(op, op_span, rhs.value)],
        }),
        _ => None,
    }
}

/// Functions of one operand, of two, and comparisons, as methods.
macro_rules! methods {
    (one: $($one:ident)*; two: $($two:ident)*;) => {
        impl Lazy {
            $(
                #[doc = concat!("`", stringify!($one), "(x)`: see [the functions](crate::_documentation::functions).")]
                #[must_use]
                pub fn $one(&self) -> Lazy {
                    Lazy::call(stringify!($one), [self])
                }
            )*
            $(
                #[doc = concat!("`", stringify!($two), "(x, y)`: see [the functions](crate::_documentation::functions).")]
                #[must_use]
                pub fn $two(&self, y: impl Into<Operand>) -> Lazy {
                    Lazy::call(stringify!($two), [Operand::from(self), y.into()])
                }
            )*
        }

        #[cfg(test)]
        const METHODS: &[&str] = &[$(stringify!($one),)* $(stringify!($two),)*];
    };
}

methods! {
    one:
        sqrt cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc sinc degrees radians spacing
        floor ceil trunc rint isnan isinf isfinite signbit isposinf isneginf abs fabs sign nan_to_num square reciprocal popcount
        zeros_like ones_like str_len real imag conj angle logical_not;
    two:
        floor_divide pow equal not_equal less less_equal greater greater_equal
        atan2 hypot copysign logaddexp logaddexp2 ldexp nextafter heaviside minimum maximum fmin fmax fmod float_power gcd lcm
        logical_and logical_or logical_xor full_like contains startswith endswith isclose isin complex;
}

#[cfg(test)]
mod tests {
    use super::*;
    use numloom_ir::func::FUNCTIONS;

    /// Written above, or as an operator, or by a dtype.
    const OTHERWISE: [&str; 5] = ["where", "clip", "round", "select", "copy"];

    #[test]
    fn each_function_of_the_language_is_a_method_or_an_operator() {
        for func in FUNCTIONS {
            let is_operator = matches!(func.rule, Rule::Unary(_) | Rule::Binary(_));
            let is_other = matches!(func.rule, Rule::Cast(_) | Rule::Reduce(..));
            let name = func.name();
            let is_method = METHODS.contains(&name) || OTHERWISE.contains(&name);
            assert!(is_method || is_operator || is_other, "{name}");
        }
        for name in METHODS {
            let func = FUNCTIONS.iter().find(|func| func.name() == *name);
            assert!(func.is_some(), "{name} is no function of the language");
        }
    }
}
