//! Arrays that are computed when they are asked for: [`Lazy`].
//!
//! What goes in: arrays, files, tables, and what is done to them. What comes out: values, files, an explanation, a drawing. What it never does: compute before it
//! is asked to, or mean anything by itself; a graph becomes a program of the language, and runs as one.
//!
//! | noun | file |
//! |---|---|
//! | [`Lazy`] | here; the graph in `node` |
//! | an operation, as a tree of the language | `template` |
//! | what operations take | `operand` |
//! | operators, functions, reductions, subscripts, texts | `operators`, `functions`, `reduce`, `slice`, `expr` |
//! | arrays, files, tables | `source` |
//! | the graph as programs | `stages`, `lower` |
//! | their runs | `compute` |
//! | what people see | `explain`, `graph` |

mod compute;
mod explain;
mod expr;
mod functions;
mod graph;
mod lower;
mod node;
mod operand;
mod operators;
mod reduce;
mod slice;
mod source;
mod stages;
mod template;

use std::fmt;
use std::sync::Arc;

use numloom_data::{DType, View};
use numloom_io::FileSpec;

use crate::error::Error;
use node::{Found, Node, Op};

pub use compute::Computation;
pub use explain::{LazyExplanation, LazyStage};
pub use graph::{Graph, GraphNode};
pub use operand::Operand;
pub use reduce::Reduce;
pub use source::LazyTable;

/// An array that is computed when it is asked for: built by operators and functions over arrays, files and tables.
///
/// Cheap to clone, `Send` and `Sync`. Its dtype and shape are known at once, by the rules of the language; numbers beside it are literals. What cannot be
/// (dtypes that do not fit, shapes that do not broadcast) is an error of the value, as operators return no `Result`: [`check`](Lazy::check) tells, and so does
/// whatever is computed from it.
///
/// [`compute`](Lazy::compute) makes *one* program of the whole graph below it. What is used twice is computed once, what is reduced first is computed again where
/// it is used next, and no array lies in between: `x - x.mean()` reads `x` twice and holds nothing. [`compute_all`](Lazy::compute_all) asks for several values, which share
/// their passes. The bits are those of the same text over the same arrays, whatever the sources and [chunks](Lazy::with_chunks).
///
/// ```
/// use numloom::{DType, Lazy};
///
/// let a = Lazy::from_array(vec![1i16, 2, 3]);
/// let b = Lazy::from_array(vec![0.5f32, 1.0, 2.0]);
/// let y = (2 * &a + 1).sqrt() / &b;
/// assert_eq!((y.dtype()?, y.shape()?), (DType::F32, &[3][..]));
///
/// let z = Lazy::expr("d / max(abs(d))", [("d", &(&a - a.mean()))])?;
/// let [z, total] = Lazy::compute_all([&z, &a.sum()])?;
/// assert_eq!(z.to_vec::<f64>()?, [-1.0, 0.0, 1.0]);
/// assert_eq!(total.item::<i64>()?, 6);
///
/// let error = (&a + &Lazy::from_array(vec![1.0, 2.0])).compute().unwrap_err();
/// assert_eq!(error.code().slug(), "shape-mismatch");
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone)]
pub struct Lazy(Arc<Node>);

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Lazy>();
};

/// Where a [`Lazy`] value comes from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Origin<'l> {
    /// Memory: these elements.
    Array(View<'l>),
    /// A file.
    File(&'l FileSpec),
    /// A table: the column of this name.
    Column(&'l str),
    /// A value that is computed before it.
    Held(&'l Lazy),
    /// Operations.
    Computed,
}

impl Lazy {
    /// Whether it can be computed, as far as dtypes and shapes tell.
    ///
    /// # Errors
    /// What is wrong with it, or with what it is made of.
    pub fn check(&self) -> Result<(), Error> {
        self.found().map(|_| ())
    }

    /// The dtype.
    ///
    /// # Errors
    /// As [`check`](Lazy::check).
    pub fn dtype(&self) -> Result<DType, Error> {
        Ok(self.found()?.dtype)
    }

    /// The extents; none for one value.
    ///
    /// # Errors
    /// As [`check`](Lazy::check), and `not-streamable` where the rows of a table have not been counted.
    pub fn shape(&self) -> Result<&[usize], Error> {
        let found = self.found()?;
        match found.is_counted {
            true => Ok(&found.shape),
            false => Err(Error::rows_not_counted()),
        }
    }

    /// The extents, none for one that is not known: the rows of a table that has to be read to be counted.
    ///
    /// # Errors
    /// As [`check`](Lazy::check).
    pub fn extents(&self) -> Result<Vec<Option<usize>>, Error> {
        let found = self.found()?;
        let is_counted = found.is_counted;
        let extent = |(axis, &extent)| (axis > 0 || is_counted).then_some(extent);
        Ok(found.shape.iter().enumerate().map(extent).collect())
    }

    /// The number of axes.
    ///
    /// # Errors
    /// As [`check`](Lazy::check).
    pub fn ndim(&self) -> Result<usize, Error> {
        Ok(self.found()?.shape.len())
    }

    /// About how many rows are taken at a time; none if that is left to the engine.
    #[must_use]
    pub fn chunks(&self) -> Option<usize> {
        self.0.chunk
    }

    /// The same value, computed whole before what it is used in, and held in memory: for what is costly and small, and used in several passes.
    ///
    /// ```
    /// use numloom::Lazy;
    ///
    /// let x = Lazy::from_array(vec![1.0, 4.0, 9.0]);
    /// let roots = x.sqrt().hold();
    /// let scaled = &roots / roots.sum(); // the roots are taken once
    /// assert_eq!(scaled.explain()?.stages.len(), 2);
    /// assert_eq!(scaled.compute()?.to_vec::<f64>()?, [1.0 / 6.0, 2.0 / 6.0, 0.5]);
    /// # Ok::<(), numloom::Error>(())
    /// ```
    #[must_use]
    pub fn hold(&self) -> Lazy {
        self.held()
    }

    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> Origin<'_> {
        match self.op() {
            Op::Source(source) => source.origin(),
            Op::Column(table, column) => Origin::Column(&table.columns()[*column].name),
            Op::Held(of) => Origin::Held(of),
            Op::Subscript(..) | Op::Apply(..) | Op::Failed => Origin::Computed,
        }
    }

    /// A text, and the arrays, files, columns and [held](Lazy::hold) values that it is over: [`expr`](Lazy::expr) makes the same value of them.
    ///
    /// # Errors
    /// As [`check`](Lazy::check).
    ///
    /// ```
    /// use numloom::Lazy;
    ///
    /// let x = Lazy::from_array(vec![1.0, 4.0]);
    /// let (text, inputs) = (&x - x.mean()).expression()?;
    /// assert_eq!((text.as_str(), inputs[0].0.as_str()), ("y = a - mean(a)", "a"));
    /// let again = Lazy::expr(&text, inputs.iter().map(|(name, x)| (name.as_str(), x)))?;
    /// assert_eq!(again.compute()?.to_vec::<f64>()?, [-1.5, 1.5]);
    /// # Ok::<(), numloom::Error>(())
    /// ```
    pub fn expression(&self) -> Result<(String, Vec<(String, Lazy)>), Error> {
        self.check()?;
        let lowered = lower::lower(&[self])?;
        Ok((lowered.expr.src().to_owned(), lowered.inputs))
    }

    /// The same, taken about so many rows at a time: a hint, for how much of a table or a file is in memory at once. It changes no bit of any result.
    #[must_use]
    pub fn with_chunks(&self, rows: impl Into<Option<usize>>) -> Lazy {
        Lazy(Arc::new(Node {
            op: self.op().clone(),
            found: self.found().cloned(),
            chunk: rows.into(),
        }))
    }
}

/// `Lazy(f64, shape (3, 4))`.
impl fmt::Debug for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.found {
            Ok(found) => write!(f, "Lazy({found})"),
            Err(error) => write!(f, "Lazy({error:#})"),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.dtype)?;
        let extent = |(axis, extent): (usize, &usize)| match axis > 0 || self.is_counted {
            true => extent.to_string(),
            false => "…".to_owned(),
        };
        let extents: Vec<String> = self.shape.iter().enumerate().map(extent).collect();
        match &extents[..] {
            [] => Ok(()),
            [one] => write!(f, ", shape ({one},)"),
            many => write!(f, ", shape ({})", many.join(", ")),
        }
    }
}
