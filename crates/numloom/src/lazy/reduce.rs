//! Reductions of lazy arrays: methods, and [`Reduce`] for their options.

use numloom_data::DType;
use numloom_syntax::Arg;

use crate::lazy::Lazy;
use crate::lazy::operand::Operand;
use crate::lazy::template::Builder;

/// A reduction in the making: axes and options, then what it is. Made by [`Lazy::reduce`] and [`Lazy::along`].
///
/// ```
/// use numloom::{Array, DType, Lazy};
///
/// let m = Lazy::from_array(Array::from_slice(&[1i16, 2, 3, 6], &[2, 2])?);
/// assert_eq!(m.along([0]).max().compute()?.to_vec::<i16>()?, [3, 6]);
/// let spread = m.along([-1]).keepdims().ddof(1).std();
/// assert_eq!((spread.dtype()?, spread.shape()?), (DType::F64, &[2, 1][..]));
/// let even = (&m % 2).equal(0);
/// assert_eq!(m.reduce().filter(even).sum().compute()?.item::<i64>()?, 8);
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is reduced yet"]
pub struct Reduce {
    of: Lazy,
    axes: Option<Vec<i64>>,
    keywords: Vec<(&'static str, Operand)>,
}

impl Lazy {
    /// A reduction of all elements, with options to follow.
    pub fn reduce(&self) -> Reduce {
        Reduce {
            of: self.clone(),
            axes: None,
            keywords: Vec::new(),
        }
    }

    /// A reduction along these axes; negative ones count from the last.
    pub fn along(&self, axes: impl IntoIterator<Item = i64>) -> Reduce {
        let axes = Some(axes.into_iter().collect());
        Reduce {
            axes,
            ..self.reduce()
        }
    }
}

impl Reduce {
    fn with(mut self, keyword: &'static str, value: impl Into<Operand>) -> Reduce {
        self.keywords.push((keyword, value.into()));
        self
    }

    /// Leaves the reduced axes in, with one element.
    pub fn keepdims(self) -> Reduce {
        self.with("keepdims", true)
    }

    /// So many fewer degrees of freedom: of `var` and `std`.
    pub fn ddof(self, ddof: i64) -> Reduce {
        self.with("ddof", ddof)
    }

    /// The dtype that it computes in.
    pub fn dtype(self, dtype: DType) -> Reduce {
        self.with("dtype", dtype)
    }

    /// What it begins with.
    pub fn initial(self, value: impl Into<Operand>) -> Reduce {
        self.with("initial", value)
    }

    /// Leaves out elements where this does not hold: the argument `where`.
    pub fn filter(self, mask: impl Into<Operand>) -> Reduce {
        self.with("where", mask)
    }

    /// The reduction of this name.
    pub fn call(self, name: &str) -> Lazy {
        let mut builder = Builder::default();
        let mut args = vec![Arg::positional(builder.operand(&self.of.into()))];
        if let Some(axes) = self.axes {
            let axes = match axes[..] {
                [axis] => axis.into(),
                _ => Operand::from(axes.into_iter().map(Operand::from).collect::<Vec<_>>()),
            };
            args.push(builder.keyword("axis", &axes));
        }
        for (name, value) in &self.keywords {
            args.push(builder.keyword(name, value));
        }
        let root = builder.call(name, args);
        builder.finish(root)
    }
}

macro_rules! reductions {
    ($($name:ident)*) => {
        impl Reduce {
            $(
                #[doc = concat!("`", stringify!($name), "(x)`: see [the functions](crate::_documentation::functions).")]
                pub fn $name(self) -> Lazy {
                    self.call(stringify!($name))
                }
            )*
        }

        impl Lazy {
            $(
                #[doc = concat!("`", stringify!($name), "(x)` of all elements; [`along`](Lazy::along) axes and with options: [`Reduce`].")]
                #[must_use]
                pub fn $name(&self) -> Lazy {
                    self.reduce().$name()
                }
            )*
        }

        #[cfg(test)]
        const REDUCTIONS: &[&str] = &[$(stringify!($name)),*];
    };
}

reductions! {
    sum prod min max ptp mean var std any all argmin argmax count_nonzero nansum nanprod nanmin nanmax nanmean nanvar nanstd
}

#[cfg(test)]
mod tests {
    use super::*;
    use numloom_ir::func::{FUNCTIONS, Rule};

    #[test]
    fn each_reduction_of_the_language_is_a_method() {
        let rows = FUNCTIONS.iter();
        let names: Vec<&str> = rows
            .filter(|func| matches!(func.rule, Rule::Reduce(..)))
            .map(|func| func.name())
            .collect();
        assert_eq!(names, REDUCTIONS);
    }
}
