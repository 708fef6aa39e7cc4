//! What a user types to name a file and say what it holds.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use numloom_data::error::ShapeText;
use numloom_data::{ByteOrder, DType, MapMode, MappedArray, Order, OutputFile};

use crate::error::{IoError, IoErrorKind};
use crate::npy::{self, header};
use crate::npz;
use crate::raw::{self, RawSpec};

/// A file and what it holds: `NAME.npy`, `NAME.npy:FIELD` for one field of records (NumPy's structured arrays), `NAME.npz:MEMBER` for an array in an archive (NumPy's `savez`), or `NAME:DTYPE[SHAPE]@OFFSET:ORDER` for raw elements.
///
/// | part | means | without it |
/// |---|---|---|
/// | `DTYPE` | a name as `f64`, `float64`, or with a byte order NumPy's type string: `>f8` | required |
/// | `[SHAPE]` | extents with commas | all the rest of the file; the same for `[]` |
/// | `@OFFSET` | bytes before the first element | 0 |
/// | `:ORDER` | `C` or `F` | `C` |
///
/// ```
/// use numloom_io::{FileSpec, Format};
///
/// let spec: FileSpec = "data/b.bin:>i4[100]@128:F".parse()?;
/// assert_eq!(spec.path.to_str(), Some("data/b.bin"));
/// assert!(matches!(spec.format, Format::Raw(_)));
/// assert_eq!(spec.to_string(), "data/b.bin:>i4[100]@128:F");
/// assert_eq!("a.npy".parse::<FileSpec>()?.format, Format::Npy);
/// # Ok::<(), numloom_io::IoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpec {
    /// The file.
    pub path: PathBuf,
    /// What it holds.
    pub format: Format,
}

/// How the elements of a file are described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// By its `.npy` header.
    Npy,
    /// By its `.npy` header: this field of its records.
    Field(String),
    /// By the `.npy` header of this member of an archive.
    Member(String),
    /// By this, since it has no header.
    Raw(RawSpec),
}

impl FileSpec {
    /// Maps the file; see [`npy::open`], [`npy::open_field`] and [`raw::open`]. A member of an archive is mapped where it lies there.
    ///
    /// # Errors
    /// As those; [`UnknownMember`](IoErrorKind::UnknownMember), [`CompressedMember`](IoErrorKind::CompressedMember), [`MemberWritten`](IoErrorKind::MemberWritten) and
    /// [`BadArchive`](IoErrorKind::BadArchive).
    pub fn open(&self, mode: MapMode) -> Result<MappedArray, IoError> {
        match &self.format {
            Format::Npy => npy::open(&self.path, mode),
            Format::Field(field) => npy::open_field(&self.path, field, mode),
            Format::Member(member) => npz::open(&self.path, member, mode),
            Format::Raw(spec) => raw::open(&self.path, spec, mode),
        }
    }

    /// Makes the file for an array of this dtype and shape; see [`npy::create`] and [`raw::create`]. The order of the
    /// elements is the spec's, which is `C` for `.npy`.
    ///
    /// # Errors
    /// As those, and [`SpecMismatch`](IoErrorKind::SpecMismatch) if the spec says something else.
    pub fn create(&self, dtype: DType, shape: &[usize]) -> Result<OutputFile, IoError> {
        match self.raw_output(dtype, shape)? {
            None => npy::create(&self.path, dtype, shape, Order::C),
            Some(spec) => raw::create(&self.path, &spec),
        }
    }

    /// The unfinished file of an earlier [`create`](FileSpec::create) with the same arguments, to go on with.
    ///
    /// # Errors
    /// As [`npy::reopen`] and [`raw::reopen`], and [`SpecMismatch`](IoErrorKind::SpecMismatch) if the spec says something else.
    pub fn reopen(&self, dtype: DType, shape: &[usize]) -> Result<OutputFile, IoError> {
        match self.raw_output(dtype, shape)? {
            None => npy::reopen(&self.path, dtype, shape, Order::C),
            Some(spec) => raw::reopen(&self.path, &spec),
        }
    }

    /// What a raw file for this array holds; none for `.npy`.
    fn raw_output(&self, dtype: DType, shape: &[usize]) -> Result<Option<RawSpec>, IoError> {
        let spec = match &self.format {
            Format::Npy => return Ok(None),
            Format::Field(field) => {
                let mismatch = IoErrorKind::SpecMismatch {
                    expected: format!("field `{}` of records", field.escape_debug()),
                    found: format!("{dtype} of shape {}", ShapeText(shape)),
                };
                return Err(IoError::new(mismatch).at(&self.path));
            }
            Format::Member(member) => {
                let member = member.clone();
                return Err(IoError::new(IoErrorKind::MemberWritten { member }).at(&self.path));
            }
            Format::Raw(spec) => spec,
        };
        let same_shape = spec.shape.as_ref().is_none_or(|s| s == shape);
        if spec.dtype != dtype || !same_shape {
            let shape = ShapeText(shape);
            let mismatch = IoErrorKind::SpecMismatch {
                expected: match &spec.shape {
                    Some(shape) => format!("{} of shape {}", spec.dtype, ShapeText(shape)),
                    None => spec.dtype.to_string(),
                },
                found: format!("{dtype} of shape {shape}"),
            };
            return Err(IoError::new(mismatch).at(&self.path));
        }
        Ok(Some(RawSpec {
            shape: Some(shape.to_vec()),
            ..spec.clone()
        }))
    }
}

/// Reads a spec. A name that ends in `.npy` is taken whole, and so is one before `:FIELD` or, if it ends in `.npz`, `:MEMBER`, where these hold none of `[@<>|=:`; otherwise the last colon that is not the one of `:C` or `:F`
/// parts the name from the description.
impl FromStr for FileSpec {
    type Err = IoError;

    fn from_str(text: &str) -> Result<FileSpec, IoError> {
        if text.to_ascii_lowercase().ends_with(".npy") {
            return Ok(FileSpec {
                path: text.into(),
                format: Format::Npy,
            });
        }
        let inside = |suffix: &str| {
            let at = text.to_ascii_lowercase().rfind(suffix)? + suffix.len();
            let (path, name) = (&text[..at - 1], &text[at..]);
            let is_name = !name.is_empty() && !name.contains(['[', '@', '<', '>', '|', '=', ':']);
            is_name.then(|| (path.into(), name.to_owned()))
        };
        if let Some((path, field)) = inside(".npy:") {
            let format = Format::Field(field);
            return Ok(FileSpec { path, format });
        }
        if let Some((path, member)) = inside(".npz:") {
            let format = Format::Member(member);
            return Ok(FileSpec { path, format });
        }
        let body = text
            .strip_suffix(":C")
            .or_else(|| text.strip_suffix(":F"))
            .unwrap_or(text);
        let Some(colon) = body.rfind(':').filter(|&i| i > 0) else {
            return Err(IoError::new(IoErrorKind::UnknownFormat).at(text.as_ref()));
        };
        Ok(FileSpec {
            path: text[..colon].into(),
            format: Format::Raw(text[colon + 1..].parse()?),
        })
    }
}

impl fmt::Display for FileSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match &self.format {
            Format::Npy => Ok(()),
            Format::Field(name) | Format::Member(name) => write!(f, ":{name}"),
            Format::Raw(spec) => write!(f, ":{spec}"),
        }
    }
}

/// Reads `DTYPE[SHAPE]@OFFSET:ORDER`.
impl FromStr for RawSpec {
    type Err = IoError;

    fn from_str(text: &str) -> Result<RawSpec, IoError> {
        let bad = |expected| {
            IoError::new(IoErrorKind::BadSpec {
                text: text.into(),
                expected,
            })
        };
        let (rest, order) = match text.rsplit_once(':') {
            None => (text, Order::C),
            Some((rest, "C")) => (rest, Order::C),
            Some((rest, "F")) => (rest, Order::F),
            Some(_) => return Err(bad("`:C` or `:F` at the end")),
        };
        let (rest, offset) = match rest.split_once('@') {
            None => (rest, 0),
            Some((rest, n)) => (
                rest,
                number(n).ok_or_else(|| bad("a number of bytes after `@`"))?,
            ),
        };
        let (name, shape) = match rest.split_once('[') {
            None => (rest, None),
            Some((name, extents)) => {
                let extents = extents
                    .strip_suffix(']')
                    .ok_or_else(|| bad("`]` after the shape"))?;
                let shape = shape(extents).ok_or_else(|| bad("extents with commas in `[]`"))?;
                (name, shape)
            }
        };
        let (dtype, byte_order) = if name.starts_with(['<', '>', '|', '=']) {
            header::from_npy_descr(name)?
        } else {
            let dtype = name
                .parse()
                .map_err(|_| bad("a dtype, such as `f64` or `>f8`"))?;
            (dtype, ByteOrder::Native)
        };
        Ok(RawSpec {
            dtype,
            byte_order,
            offset,
            shape,
            order,
        })
    }
}

/// `3,4`, spaces allowed; none for nothing, which means all of the file.
fn shape(text: &str) -> Option<Option<Vec<usize>>> {
    if text.trim().is_empty() {
        return Some(None);
    }
    let extent = |extent: &str| usize::try_from(number(extent.trim())?).ok();
    text.split(',').map(extent).collect::<Option<_>>().map(Some)
}

fn number(text: &str) -> Option<u64> {
    // `parse` would take a sign.
    text.starts_with(|c: char| c.is_ascii_digit())
        .then(|| text.parse().ok())?
}

impl fmt::Display for RawSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.byte_order {
            ByteOrder::Native => write!(f, "{}", self.dtype)?,
            ByteOrder::Swapped => {
                f.write_str(&header::to_npy_descr(self.dtype, ByteOrder::Swapped))?;
            }
        }
        if let Some(shape) = &self.shape {
            let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
            write!(f, "[{}]", extents.join(","))?;
        }
        if self.offset > 0 {
            write!(f, "@{}", self.offset)?;
        }
        if self.order == Order::F {
            f.write_str(":F")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_print_as_they_are_read() {
        for text in [
            "a.npy",
            "dir:with:colons/a.npy",
            "a.bin:f64",
            "a.bin:f64[3]",
            "a:b:c128[3,4]@8:F",
            "a.bin:S5[2]",
            "a.bin:bool@1",
            "a.bin:>i4[100]@128:F",
            "recs.npy:x",
            "dir:with:colons/recs.NPY:a field",
            "recs.npy:f64",
            "x.npz:a",
            "dir:with:colons/x.NPZ:arr_0",
            "recs.npy:f64[3]",
            "recs.npy:>f8@128",
        ] {
            assert_eq!(text.parse::<FileSpec>().unwrap().to_string(), text);
        }
        let long = "a.bin:float64[ 3, 4 ]@0:C".parse::<FileSpec>().unwrap();
        assert_eq!(long.to_string(), "a.bin:f64[3,4]");
        assert_eq!(
            "a.bin:f64[]".parse::<FileSpec>().unwrap().to_string(),
            "a.bin:f64"
        );
    }

    #[test]
    fn what_cannot_be_read_says_what_should_be_there() {
        let cases = [
            (
                "a.bin",
                "`a.bin`: the name does not end in `.npy`; say what the file holds, such as `NAME:f64[1000]`",
            ),
            (
                "a.bin:f65[3]",
                "cannot read `f65[3]`: expected a dtype, such as `f64` or `>f8`",
            ),
            (
                "a.bin:",
                "cannot read ``: expected a dtype, such as `f64` or `>f8`",
            ),
            (
                "a.bin:f64[3",
                "cannot read `f64[3`: expected `]` after the shape",
            ),
            (
                "a.bin:f64[3,-1]",
                "cannot read `f64[3,-1]`: expected extents with commas in `[]`",
            ),
            (
                "a.bin:f64[3,]",
                "cannot read `f64[3,]`: expected extents with commas in `[]`",
            ),
            (
                "a.bin:f64@x",
                "cannot read `f64@x`: expected a number of bytes after `@`",
            ),
            (
                "a.bin:f64@+1",
                "cannot read `f64@+1`: expected a number of bytes after `@`",
            ),
            ("a.bin:>U4", "dtype `>U4` is not supported"),
            (
                ":f64",
                "`:f64`: the name does not end in `.npy`; say what the file holds, such as `NAME:f64[1000]`",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(text.parse::<FileSpec>().unwrap_err().to_string(), message);
        }
        assert_eq!(
            "f64:X".parse::<RawSpec>().unwrap_err().to_string(),
            "cannot read `f64:X`: expected `:C` or `:F` at the end"
        );
    }
}
