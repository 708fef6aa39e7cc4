//! What can go wrong with numbers at rest.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::dtype::DType;
use crate::shape::Order;

/// An error of this crate: one line that names both sides; [`kind`](DataError::kind) has the parts.
#[derive(Debug)]
pub struct DataError {
    kind: Box<DataErrorKind>,
}

/// What went wrong, with the sizes, shapes, dtypes and names involved.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataErrorKind {
    /// The allocator refused.
    OutOfMemory {
        /// How many bytes were asked for.
        bytes: usize,
    },
    /// The product of the extents does not fit the address space.
    ShapeOverflow {
        /// The shape asked for.
        shape: Vec<usize>,
        /// Bytes per element.
        itemsize: usize,
    },
    /// A shape and the memory it should describe hold different numbers of elements.
    LengthMismatch {
        /// The shape asked for.
        shape: Vec<usize>,
        /// How many elements there are.
        found: usize,
    },
    /// A shape and its strides have different ranks.
    RankMismatch {
        /// The rank of the shape.
        shape: usize,
        /// How many strides or indices there are.
        found: usize,
    },
    /// Two dtypes that should be the same are not.
    DTypeMismatch {
        /// The dtype asked for.
        expected: DType,
        /// The dtype there is.
        found: DType,
    },
    /// A field reaches past the end of its record.
    FieldTooLong {
        /// The field's dtype.
        dtype: DType,
        /// Bytes of the record before it.
        offset: usize,
        /// Bytes of the record.
        record: usize,
    },
    /// A byte string is longer than its dtype.
    BytesTooLong {
        /// Length of the dtype.
        expected: usize,
        /// Length of the value.
        found: usize,
    },
    /// Two shapes that should be the same are not.
    ShapeMismatch {
        /// The shape asked for.
        expected: Vec<usize>,
        /// The shape there is.
        found: Vec<usize>,
    },
    /// A slice was asked for, but the elements do not lie in that order without gaps.
    NotContiguous {
        /// The shape.
        shape: Vec<usize>,
        /// The strides, in bytes.
        strides: Vec<isize>,
        /// The order asked for.
        order: Order,
    },
    /// A slice was asked for, but the bytes are of the other byte order or at an address that is no multiple of the
    /// dtype's alignment.
    NotNative {
        /// The dtype.
        dtype: DType,
    },
    /// A byte that should be a `bool` is neither 0 nor 1.
    InvalidBool {
        /// Index of the element.
        index: usize,
        /// Its byte.
        value: u8,
    },
    /// Shapes that do not broadcast together.
    Broadcast {
        /// The shape on one side.
        left: Vec<usize>,
        /// The shape on the other.
        right: Vec<usize>,
    },
    /// An array does not broadcast to this shape.
    BroadcastTo {
        /// The shape there is.
        from: Vec<usize>,
        /// The shape asked for.
        to: Vec<usize>,
    },
    /// An axis that is not there.
    AxisOutOfRange {
        /// The axis asked for.
        axis: usize,
        /// The number of axes.
        ndim: usize,
    },
    /// Axes given for a transposition are not each axis once.
    NotAPermutation {
        /// What was given.
        axes: Vec<usize>,
        /// The number of axes.
        ndim: usize,
    },
    /// An index that is not there.
    IndexOutOfRange {
        /// The index asked for.
        index: Vec<usize>,
        /// The shape.
        shape: Vec<usize>,
    },
    /// A slice with step 0.
    ZeroStep {
        /// The axis to be sliced.
        axis: usize,
    },
    /// Not the name of a dtype.
    UnknownDType {
        /// The text.
        text: String,
    },
    /// Not a value of this dtype.
    BadScalar {
        /// The text.
        text: String,
        /// The dtype it was read as.
        dtype: DType,
    },
    /// Not a mode of a memory map.
    UnknownMapMode {
        /// The text.
        text: String,
    },
    /// The operating system refused.
    Io {
        /// What was tried, as an infinitive: `open`, `map`.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Space for a new file could not be reserved; nothing of it is left behind.
    NoSpace {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        bytes: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A file is shorter than the array it should hold.
    Truncated {
        /// The file.
        path: PathBuf,
        /// How long it must be, in bytes.
        needed: u64,
        /// How long it is.
        found: u64,
    },
    /// A file whose length, past the offset, is no whole number of elements, though its shape is to be all of it.
    OddLength {
        /// The file.
        path: PathBuf,
        /// Bytes past the offset.
        bytes: u64,
        /// Bytes per element.
        itemsize: usize,
    },
    /// A directory, a pipe, a device: nothing that can be mapped.
    NotAFile {
        /// Its name.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The same output is being written by another.
    InUse {
        /// The unfinished file.
        path: PathBuf,
    },
    /// Writing was asked of a map opened for reading.
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// A new file was asked for without saying its shape.
    ShapeNeeded {
        /// The file.
        path: PathBuf,
    },
}

impl DataError {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &DataErrorKind {
        &self.kind
    }

    /// The parts, by value.
    #[must_use]
    pub fn into_kind(self) -> DataErrorKind {
        *self.kind
    }
}

impl From<DataErrorKind> for DataError {
    fn from(kind: DataErrorKind) -> DataError {
        DataError {
            kind: Box::new(kind),
        }
    }
}

/// Equal if they say the same; the operating system's errors compare by their text.
impl PartialEq for DataError {
    fn eq(&self, other: &DataError) -> bool {
        std::mem::discriminant(&*self.kind) == std::mem::discriminant(&*other.kind)
            && self.to_string() == other.to_string()
    }
}

impl Error for DataError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &*self.kind {
            DataErrorKind::Io { source, .. } | DataErrorKind::NoSpace { source, .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}

/// A shape as Python writes it: `()`, `(3,)`, `(3, 4)`.
///
/// ```
/// use numloom_data::error::ShapeText;
/// assert_eq!(ShapeText(&[3, 4]).to_string(), "(3, 4)");
/// assert_eq!(ShapeText(&[3]).to_string(), "(3,)");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ShapeText<'a, T = usize>(pub &'a [T]);

impl<T: fmt::Display> fmt::Display for ShapeText<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, extent) in self.0.iter().enumerate() {
            write!(f, "{}{extent}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str(if self.0.len() == 1 { ",)" } else { ")" })
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DataErrorKind as K;
        match &*self.kind {
            K::OutOfMemory { bytes } => {
                write!(f, "out of memory: {bytes} bytes could not be allocated")
            }
            K::ShapeOverflow { shape, itemsize } => write!(
                f,
                "shape {} with {itemsize} bytes per element is larger than the address space",
                ShapeText(shape)
            ),
            K::FieldTooLong {
                dtype,
                offset,
                record,
            } => {
                write!(
                    f,
                    "a field of {dtype} at byte {offset} does not fit a record of {record} bytes"
                )
            }
            K::LengthMismatch { shape, found } => {
                write!(
                    f,
                    "shape {} does not hold {found} elements",
                    ShapeText(shape)
                )
            }
            K::RankMismatch { shape, found } => {
                write!(
                    f,
                    "a shape of {shape} axes needs {shape} strides or indices, not {found}"
                )
            }
            K::DTypeMismatch { expected, found } => {
                write!(f, "expected dtype {expected}, found {found}")
            }
            K::BytesTooLong { expected, found } => {
                write!(
                    f,
                    "a byte string of {found} bytes does not fit dtype S{expected}"
                )
            }
            K::ShapeMismatch { expected, found } => write!(
                f,
                "expected shape {}, found {}",
                ShapeText(expected),
                ShapeText(found)
            ),
            K::NotContiguous {
                shape,
                strides,
                order,
            } => write!(
                f,
                "an array of shape {} with strides {} is not contiguous in {order} order",
                ShapeText(shape),
                ShapeText(strides)
            ),
            K::NotNative { dtype } => {
                write!(f, "elements of dtype {dtype} are byte-swapped or unaligned")
            }
            K::InvalidBool { index, value } => {
                write!(
                    f,
                    "element {index} has byte {value}, which is no bool: bools are 0 or 1"
                )
            }
            K::Broadcast { left, right } => write!(
                f,
                "shapes {} and {} do not broadcast together",
                ShapeText(left),
                ShapeText(right)
            ),
            K::BroadcastTo { from, to } => {
                write!(
                    f,
                    "shape {} does not broadcast to {}",
                    ShapeText(from),
                    ShapeText(to)
                )
            }
            K::AxisOutOfRange { axis, ndim } => {
                write!(f, "axis {axis} is out of range for {ndim} axes")
            }
            K::NotAPermutation { axes, ndim } => {
                write!(
                    f,
                    "{} does not name each of {ndim} axes once",
                    ShapeText(axes)
                )
            }
            K::IndexOutOfRange { index, shape } => write!(
                f,
                "index {} is out of range for shape {}",
                ShapeText(index),
                ShapeText(shape)
            ),
            K::ZeroStep { axis } => write!(f, "the slice of axis {axis} has step 0"),
            K::UnknownDType { text } => write!(f, "no dtype is named `{}`", text.escape_debug()),
            K::BadScalar { text, dtype } => {
                write!(
                    f,
                    "`{}` is not a value of dtype {dtype}",
                    text.escape_debug()
                )
            }
            K::UnknownMapMode { text } => write!(
                f,
                "no map mode is named `{}`: they are `r`, `r+`, `w+` and `c`",
                text.escape_debug()
            ),
            K::Io {
                action,
                path,
                source,
            } => {
                write!(f, "cannot {action} `{}`: {source}", path.display())
            }
            K::NoSpace {
                path,
                bytes,
                source,
            } => {
                write!(
                    f,
                    "cannot reserve {bytes} bytes for `{}`: {source}",
                    path.display()
                )
            }
            K::Truncated {
                path,
                needed,
                found,
            } => write!(
                f,
                "`{}` is too short: {needed} bytes are needed, the file has {found}",
                path.display()
            ),
            K::OddLength {
                path,
                bytes,
                itemsize,
            } => write!(
                f,
                "`{}` holds {bytes} bytes of elements, which is no multiple of {itemsize}",
                path.display()
            ),
            K::NotAFile { path, found } => {
                write!(
                    f,
                    "`{}` is {found}, not a file that can be mapped",
                    path.display()
                )
            }
            K::InUse { path } => {
                write!(f, "`{}` is being written by another run", path.display())
            }
            K::ReadOnly { path } => write!(
                f,
                "`{}` was opened for reading (mode `r`) and cannot be written",
                path.display()
            ),
            K::ShapeNeeded { path } => {
                write!(f, "a new file `{}` needs a shape", path.display())
            }
        }
    }
}
