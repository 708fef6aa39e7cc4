//! How lazy values would be computed, for people: [`LazyExplanation`].

use std::fmt;

use numloom_ir::Schema;

use crate::engine::schema_of;
use crate::error::Error;
use crate::explain::Explanation;
use crate::inputs::Input;
use crate::lazy::Lazy;
use crate::lazy::compute::Computation;
use crate::lazy::lower::lower;
use crate::lazy::node::{Op, World};
use crate::lazy::stages::{Part, parts};

/// The programs that lazy values become, and how each runs.
///
/// ```
/// use numloom::Lazy;
///
/// let x = Lazy::from_array(vec![1.0, 2.0, 6.0]);
/// let explained = (&x - x.mean()).explain()?;
/// assert_eq!(explained.stages.len(), 1);
/// assert_eq!(explained.stages[0].program, "y = a - mean(a)");
/// assert_eq!(explained.stages[0].explanation.passes.len(), 2);
/// # Ok::<(), numloom::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LazyExplanation {
    /// The programs, in the order in which they run.
    pub stages: Vec<LazyStage>,
}

/// One program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LazyStage {
    /// Its text.
    pub program: String,
    /// What each input is: its name, then the array, the file, the column, or the value of an earlier stage.
    pub inputs: Vec<(String, String)>,
    /// Why it is not part of the last one; none for that.
    pub reason: Option<String>,
    /// Its passes. Of a table whose rows have not been counted, for some number of rows.
    pub explanation: Explanation,
}

impl Lazy {
    /// How it would be computed: programs, passes, bytes.
    ///
    /// # Errors
    /// As [`check`](Lazy::check), and those of [`Kernel::explain`](crate::Kernel::explain).
    pub fn explain(&self) -> Result<LazyExplanation, Error> {
        Computation::of([self]).explain()
    }
}

impl Computation<'_> {
    /// How they would be computed.
    ///
    /// # Errors
    /// As [`Lazy::explain`].
    pub fn explain(&self) -> Result<LazyExplanation, Error> {
        let parts = parts(&self.values)?;
        let last = parts.last().map_or(0, |part| part.stage);
        let stages = parts.iter().map(|part| self.stage(part, last));
        Ok(LazyExplanation {
            stages: stages.collect::<Result<_, _>>()?,
        })
    }

    fn stage(&self, part: &Part, last: usize) -> Result<LazyStage, Error> {
        let values: Vec<&Lazy> = part.outputs.iter().map(|output| &output.value).collect();
        let lowered = lower(&values)?;
        let mut schema = Schema::new();
        let mut shapes = Vec::with_capacity(lowered.inputs.len());
        let mut inputs = Vec::with_capacity(lowered.inputs.len());
        for (name, leaf) in &lowered.inputs {
            let found = leaf.found()?;
            schema = match (&found.shape[..], leaf.op()) {
                (_, Op::Source(source)) => {
                    let input: [(&str, Input<'_>); 1] = [(name, source.input())];
                    schema.inputs.extend(schema_of(&input)?.inputs);
                    schema
                }
                ([], _) => schema.with_scalar(name, found.dtype),
                _ => schema.with(name, found.dtype),
            };
            shapes.push((name.as_str(), &found.shape[..]));
            inputs.push((name.clone(), leaf.leaf_words()?));
        }
        let kernel = self.compiled_on()?.compile(&lowered.expr, &schema)?;
        let explanation = match &part.world {
            World::Table(table) if table.rows().is_none() => kernel.explain()?,
            _ => kernel.explain_for(&shapes)?,
        };
        let reason = match part.stage == last {
            true => None,
            false => Some("a later stage needs its values whole".to_owned()),
        };
        Ok(LazyStage {
            program: lowered.expr.src().to_owned(),
            inputs,
            reason,
            explanation,
        })
    }
}

impl Lazy {
    /// What a leaf is.
    pub(super) fn leaf_words(&self) -> Result<String, Error> {
        let found = self.found()?;
        Ok(match self.op() {
            Op::Source(source) => match source.map() {
                Some(map) => format!("{found}, file {}", map.path().display()),
                None => format!("{found}, in memory"),
            },
            Op::Column(table, column) => {
                let name = &table.columns()[*column].name;
                format!("{found}, column `{}`, read by the row", name.escape_debug())
            }
            _ => format!("{found}, of an earlier stage"),
        })
    }
}

impl fmt::Display for LazyExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, stage) in self.stages.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            if self.stages.len() > 1 {
                write!(f, "program {} of {}", i + 1, self.stages.len())?;
                match &stage.reason {
                    Some(reason) => writeln!(f, ": {reason}")?,
                    None => writeln!(f)?,
                }
            }
            stage.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for LazyStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.program.lines() {
            writeln!(f, "    {line}")?;
        }
        for (name, what) in &self.inputs {
            writeln!(f, "{name:<9} {what}")?;
        }
        self.explanation.fmt(f)
    }
}
