//! From what was typed to arrays: inputs, schemas, outputs.

use std::borrow::Cow;
use std::path::Path;

use numloom::io::FileSpec;
use numloom::{
    Array, DType, Input, InputClass, MapMode, MappedArray, OutputFile, Scalar, Schema, View,
    ViewMut,
};

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
    pub(crate) source: Source,
}

/// Where an input's elements are.
pub(crate) enum Source {
    File(MappedArray),
    /// A number, as an array without axes.
    Number(Array),
    /// The elements of a file that is written to.
    Copy(Array),
}

impl NamedInput {
    /// Opens `name=file` or reads `name=number`.
    pub(crate) fn open(arg: &str) -> Result<NamedInput, Failure> {
        let (name, value) = named(arg).ok_or_else(|| {
            Failure::usage(
                format!("`{arg}` is not an input"),
                "write `name=file.npy`, `name=file.bin:f64[100]` or `name=2.5`",
            )
        })?;
        let source = match number(value)? {
            Some(scalar) => Source::Number(Array::from_scalar(&scalar)?),
            None => Source::File(value.parse::<FileSpec>()?.open(MapMode::Read)?),
        };
        Ok(NamedInput {
            name: name.to_owned(),
            source,
        })
    }

    pub(crate) fn input(&self) -> Input<'_> {
        match &self.source {
            Source::File(map) => Input::from(map),
            Source::Number(array) | Source::Copy(array) => Input::from(array),
        }
    }
}

impl Source {
    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Source::File(map) => map.view(),
            Source::Number(array) | Source::Copy(array) => array.view(),
        }
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
            let NamedInput { name, source } = NamedInput::open(arg)?;
            match source {
                Source::File(map) => (name, map.dtype(), Some(map.shape().to_vec())),
                Source::Number(array) | Source::Copy(array) => {
                    (name, array.dtype(), Some(array.shape().to_vec()))
                }
            }
        } else {
            declared(arg)?
        };
        let one = (shape.as_ref()).is_some_and(|shape| shape.iter().all(|&extent| extent == 1));
        shapes = shapes.zip(shape).map(|(mut shapes, shape)| {
            shapes.push(shape);
            shapes
        });
        let class = if one {
            InputClass::Scalar
        } else {
            InputClass::Contiguous
        };
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

/// Where an array output goes.
pub(crate) enum Sink {
    /// A new file under a partial name.
    New(OutputFile),
    /// An existing file, opened r+.
    Existing(MappedArray),
    /// Memory, to be printed.
    Memory(Array),
}

impl Sink {
    pub(crate) fn new_file(spec: &str, dtype: DType, shape: &[usize]) -> Result<Sink, Failure> {
        Ok(Sink::New(spec.parse::<FileSpec>()?.create(dtype, shape)?))
    }

    pub(crate) fn existing(spec: &str) -> Result<Sink, Failure> {
        let spec: FileSpec = spec.parse()?;
        Ok(Sink::Existing(spec.open(MapMode::ReadWrite)?))
    }

    /// The existing file that is written to.
    pub(crate) fn existing_path(&self) -> Option<&Path> {
        match self {
            Sink::Existing(map) => Some(map.path()),
            Sink::New(_) | Sink::Memory(_) => None,
        }
    }

    pub(crate) fn view_mut(&mut self) -> Result<ViewMut<'_>, Failure> {
        Ok(match self {
            Sink::New(file) => file.view_mut(),
            Sink::Existing(map) => map.view_mut().map_err(numloom::Error::from)?,
            Sink::Memory(array) => array.view_mut(),
        })
    }

    /// Gives a new file its name; brings an existing one to the disk.
    pub(crate) fn commit(self) -> Result<Option<Array>, Failure> {
        match self {
            Sink::New(file) => file.commit().map_err(numloom::Error::from)?,
            Sink::Existing(map) => map.flush().map_err(numloom::Error::from)?,
            Sink::Memory(array) => return Ok(Some(array)),
        }
        Ok(None)
    }
}

/// Whether two paths lead to one file.
pub(crate) fn is_same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    let identity = |path: &Path| {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
    };
    #[cfg(not(unix))]
    let identity = |path: &Path| std::fs::canonicalize(path);
    matches!((identity(a), identity(b)), (Ok(a), Ok(b)) if a == b)
}

/// `[name=]file` arguments: the file of the output called `name`, or of the only array output.
pub(crate) fn output_files(
    args: &[String],
    arrays: &[Option<String>],
) -> Result<Vec<Option<String>>, Failure> {
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
    Ok(files)
}
