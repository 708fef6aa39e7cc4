//! What an expression is compiled for: the names, dtypes and layouts of its inputs, never their extents.

use std::fmt;

use numloom_data::DType;

use crate::kernel::InputClass;

/// One input of a [`Schema`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SchemaInput {
    /// Its name in the expression.
    pub name: String,
    /// Its dtype.
    pub dtype: DType,
    /// How its elements are expected to lie: [`InputClass::Scalar`] for an array of one element that is broadcast everywhere. Arrays that lie
    /// otherwise still run; a kernel for them is compiled when they come.
    pub class: InputClass,
    /// Whether elements may be null: then a validity comes with the array, and with what depends on it. See
    /// [`lower_nullable`](crate::lower_nullable).
    pub nullable: bool,
    /// Whether it is a number without a dtype of its own, as Python's are: it takes that of what stands beside it, as a literal does, when it
    /// is met there. `dtype` is `i64`, `u64`, `f64` or `c128` then, in which it comes; one that does not fit is an error of the run.
    /// So is an operator on such integers alone whose result 64 bits do not hold: it never wraps.
    pub weak: bool,
}

/// The inputs of an expression.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::Schema;
///
/// let schema = Schema::new().with("a", DType::F64).with_scalar("k", DType::F32);
/// assert_eq!(schema.to_string(), "a: f64, k: f32 scalar");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Schema {
    /// The inputs, in the order in which a program numbers them.
    pub inputs: Vec<SchemaInput>,
}

impl Schema {
    /// No inputs.
    pub fn new() -> Schema {
        Schema::default()
    }

    /// With an array input appended.
    #[must_use]
    pub fn with(self, name: &str, dtype: DType) -> Schema {
        self.with_input(name, dtype, InputClass::Contiguous)
    }

    /// With an input of one element appended.
    #[must_use]
    pub fn with_scalar(self, name: &str, dtype: DType) -> Schema {
        self.with_input(name, dtype, InputClass::Scalar)
    }

    /// With an input appended.
    #[must_use]
    pub fn with_input(mut self, name: &str, dtype: DType, class: InputClass) -> Schema {
        self.inputs.push(SchemaInput {
            name: name.to_owned(),
            dtype,
            class,
            nullable: false,
            weak: false,
        });
        self
    }

    /// With an array input appended whose elements may be null.
    #[must_use]
    pub fn with_nullable(self, name: &str, dtype: DType) -> Schema {
        let mut schema = self.with(name, dtype);
        schema.inputs.last_mut().expect("just appended").nullable = true;
        schema
    }

    /// With a number appended that has no dtype of its own: see [`SchemaInput::weak`].
    ///
    /// ```
    /// use numloom_data::DType;
    /// use numloom_ir::{LowerOptions, Schema, lower};
    ///
    /// let ast = numloom_syntax::parse("a * (k + 1)")?;
    /// let schema = Schema::new().with("a", DType::F32);
    /// let dtype = |schema: Schema| {
    ///     let prog = lower(&ast, &schema, &LowerOptions::default()).unwrap();
    ///     prog.dtype(prog.outputs[0].value)
    /// };
    /// assert_eq!(dtype(schema.clone().with_weak("k", DType::F64)), DType::F32);
    /// assert_eq!(dtype(schema.with_scalar("k", DType::F64)), DType::F64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_weak(self, name: &str, dtype: DType) -> Schema {
        let mut schema = self.with_scalar(name, dtype);
        schema.inputs.last_mut().expect("just appended").weak = true;
        schema
    }

    /// The class of each array that a program reads, as [`schedule`](crate::schedule()) takes them: those of the inputs, then those
    /// of the validities of nullable ones.
    pub fn classes(&self) -> Vec<InputClass> {
        let nullable = self.inputs.iter().filter(|input| input.nullable);
        let arrays = self.inputs.iter().chain(nullable);
        arrays.map(|input| input.class).collect()
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, input) in self.inputs.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{}: {}", input.name, input.dtype)?;
            if input.weak {
                f.write_str(" weak")?;
            } else if input.class == InputClass::Scalar {
                f.write_str(" scalar")?;
            }
            if input.nullable {
                f.write_str(" nullable")?;
            }
        }
        Ok(())
    }
}
