//! From what was typed to arrays: inputs, schemas, outputs.

use std::borrow::Cow;

use numloom::io::FileSpec;
use numloom::{DType, InputClass, MapMode, Scalar, Schema};

use crate::report::Failure;

/// The expression itself, or the text of the file in `@file`.
pub(crate) fn expression(arg: &str) -> Result<Cow<'_, str>, Failure> {
    let Some(path) = arg.strip_prefix('@') else {
        return Ok(Cow::Borrowed(arg));
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(error) => Err(Failure::usage(
            format!("cannot read the expression from `{path}`: {error}"),
            "name a text file after `@`",
        )),
    }
}

/// An input as it was named.
pub(crate) struct NamedInput {
    pub(crate) name: String,
    pub(crate) given: Given,
}

/// What was given for an input.
pub(crate) enum Given {
    File(String),
    Number(Scalar),
}

impl NamedInput {
    /// Reads `name=file` or `name=number`.
    pub(crate) fn read(arg: &str) -> Result<NamedInput, Failure> {
        let (name, value) = named(arg).ok_or_else(|| {
            Failure::usage(
                format!("`{arg}` is not an input"),
                "write `name=file.npy`, `name=file.bin:f64[100]` or `name=2.5`",
            )
        })?;
        let given = match number(value)? {
            Some(scalar) => Given::Number(scalar),
            None => Given::File(value.to_owned()),
        };
        let name = name.to_owned();
        Ok(NamedInput { name, given })
    }

    /// Its dtype and shape.
    pub(crate) fn look(&self) -> Result<(DType, Vec<usize>), Failure> {
        Ok(match &self.given {
            Given::Number(value) => (value.dtype(), Vec::new()),
            Given::File(file) => {
                let map = file.parse::<FileSpec>()?.open(MapMode::Read)?;
                (map.dtype(), map.shape().to_vec())
            }
        })
    }
}

/// How an input of this shape lies.
pub(crate) fn class(shape: &[usize]) -> InputClass {
    match shape.iter().all(|&extent| extent == 1) {
        true => InputClass::Scalar,
        false => InputClass::Contiguous,
    }
}

/// `name=value`, if it is that.
fn named(arg: &str) -> Option<(&str, &str)> {
    arg.split_once('=')
        .filter(|(name, value)| is_name(name) && !value.is_empty())
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// `2`, `2.5`, `2.5:f32`, if it is a number.
fn number(text: &str) -> Result<Option<Scalar>, Failure> {
    let (value, dtype) = match text.split_once(':') {
        Some((value, dtype)) => (value, Some(dtype)),
        None => (text, None),
    };
    if value.parse::<f64>().is_err() && !matches!(value, "True" | "False") {
        return Ok(None);
    }
    let dtype = match dtype {
        Some(dtype) => dtype.parse::<DType>().map_err(numloom::Error::from)?,
        None if matches!(value, "True" | "False") => DType::Bool,
        None if value.parse::<i64>().is_ok() => DType::I64,
        None => DType::F64,
    };
    Ok(Some(
        Scalar::parse(dtype, value).map_err(numloom::Error::from)?,
    ))
}

/// The shape of each input.
pub(crate) type Shapes = Vec<Vec<usize>>;

/// The schema of `name:dtype[shape]` and `name=file` arguments, and the shapes, if each says its own.
pub(crate) fn schema(args: &[String]) -> Result<(Schema, Option<Shapes>), Failure> {
    let mut schema = Schema::new();
    let mut shapes = Some(Vec::new());
    for arg in args {
        let (name, dtype, shape) = if named(arg).is_some() {
            let input = NamedInput::read(arg)?;
            let (dtype, shape) = input.look()?;
            (input.name, dtype, Some(shape))
        } else {
            declared(arg)?
        };
        let class = shape.as_deref().map_or(InputClass::Contiguous, class);
        shapes = shapes.zip(shape).map(|(mut shapes, shape)| {
            shapes.push(shape);
            shapes
        });
        schema = schema.with_input(&name, dtype, class);
    }
    Ok((schema, shapes))
}

/// `name:dtype` or `name:dtype[shape]`.
fn declared(arg: &str) -> Result<(String, DType, Option<Vec<usize>>), Failure> {
    let wrong = || {
        Failure::usage(
            format!("`{arg}` declares no input"),
            "write `name:f64`, `name:f64[1000,1]` or `name=file.npy`",
        )
    };
    let (name, rest) = arg
        .split_once(':')
        .filter(|(name, _)| is_name(name))
        .ok_or_else(wrong)?;
    let (dtype, shape) = match rest.split_once('[') {
        None => (rest, None),
        Some((dtype, shape)) => {
            let shape = shape.strip_suffix(']').ok_or_else(wrong)?;
            let extents = shape
                .split(',')
                .map(str::trim)
                .filter(|extent| !extent.is_empty());
            let extents = extents
                .map(str::parse)
                .collect::<Result<Vec<usize>, _>>()
                .map_err(|_| wrong())?;
            (dtype, Some(extents))
        }
    };
    let dtype = dtype.parse::<DType>().map_err(numloom::Error::from)?;
    Ok((name.to_owned(), dtype, shape))
}

/// `[name=]file` arguments: the output called `name`, or the only array output without a name, and its file.
pub(crate) fn output_files(
    args: &[String],
    arrays: &[Option<String>],
) -> Result<Vec<(Option<String>, String)>, Failure> {
    let mut files: Vec<Option<String>> = vec![None; arrays.len()];
    for arg in args {
        let by_name = named(arg).and_then(|(name, file)| {
            let position = arrays
                .iter()
                .position(|array| array.as_deref() == Some(name))?;
            Some((position, file))
        });
        let (position, file) = match by_name {
            Some(found) => found,
            None if arrays.len() == 1 && named(arg).is_none() => (0, arg.as_str()),
            None if arrays.is_empty() => {
                return Err(Failure::usage(
                    format!("`-o {arg}`: the expression has no array output"),
                    "reduced values are printed; leave `-o` out",
                ));
            }
            None => {
                let names: Vec<_> = arrays
                    .iter()
                    .map(|name| name.as_deref().unwrap_or("(unnamed)"))
                    .collect();
                return Err(Failure::usage(
                    format!(
                        "`-o {arg}` names no array output; they are: {}",
                        names.join(", ")
                    ),
                    "name each in the expression, `x = …; y = …`, and write `-o x=file`",
                ));
            }
        };
        if files[position].replace(file.to_owned()).is_some() {
            return Err(Failure::usage(
                format!("`-o {arg}`: this output has a file already"),
                "give each output one file",
            ));
        }
    }
    let files = arrays.iter().cloned().zip(files);
    Ok(files
        .filter_map(|(name, file)| Some((name, file?)))
        .collect())
}
