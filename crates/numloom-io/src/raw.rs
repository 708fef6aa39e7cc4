//! Elements without a header.

use std::fs::{self, File};
use std::path::Path;

use numloom_data::{
    ByteOrder, DType, DataErrorKind, MapMode, MapSpec, MappedArray, Order, OutputFile,
};

use crate::error::IoError;

/// What lies where in a raw file.
///
/// It reads and prints as the part behind the name in a [`FileSpec`](crate::FileSpec): `f64[1000,1000]`, `>i4[100]@128:F`.
///
/// ```
/// use numloom_data::{DType, Order};
/// use numloom_io::RawSpec;
///
/// let spec: RawSpec = "f64[1000,1000]@128:F".parse()?;
/// assert_eq!((spec.dtype, spec.offset, spec.order), (DType::F64, 128, Order::F));
/// assert_eq!(spec.shape, Some(vec![1000, 1000]));
/// # Ok::<(), numloom_io::IoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawSpec {
    /// Type of the elements.
    pub dtype: DType,
    /// Order of the bytes in each element.
    pub byte_order: ByteOrder,
    /// Bytes before the first element.
    pub offset: u64,
    /// Extents; if none, one axis over all the rest of the file.
    pub shape: Option<Vec<usize>>,
    /// Order of the elements.
    pub order: Order,
}

impl RawSpec {
    /// All of a file of this dtype, native, row-major, from the first byte; set the other fields as needed.
    #[must_use]
    pub fn new(dtype: DType) -> RawSpec {
        RawSpec {
            dtype,
            byte_order: ByteOrder::Native,
            offset: 0,
            shape: None,
            order: Order::C,
        }
    }
}

/// Maps a file; [`MapMode::Create`] makes one in place, without a partial name (see [`create`] for the other way).
///
/// # Errors
/// [`Data`](crate::IoErrorKind::Data) with the errors of [`MappedArray::open`].
pub fn open(path: impl AsRef<Path>, spec: &RawSpec, mode: MapMode) -> Result<MappedArray, IoError> {
    let path = path.as_ref();
    let spec = MapSpec {
        mode,
        dtype: spec.dtype,
        byte_order: spec.byte_order,
        offset: spec.offset,
        shape: spec.shape.clone(),
        order: spec.order,
    };
    MappedArray::open(path, spec).map_err(|error| IoError::from(error).at(path))
}

/// A new file to be filled through its map; it appears under its name on [`commit`](OutputFile::commit). Bytes before the
/// offset are zero.
///
/// # Errors
/// [`Data`](crate::IoErrorKind::Data) with the errors of [`OutputFile::create_at`], or if the spec has no shape.
pub fn create(path: impl AsRef<Path>, spec: &RawSpec) -> Result<OutputFile, IoError> {
    let path = path.as_ref();
    let output = match &spec.shape {
        None => Err(DataErrorKind::ShapeNeeded { path: path.into() }.into()),
        Some(shape) => OutputFile::create_at(path, spec.offset, spec.dtype, shape, spec.order),
    };
    output
        .map(|output| output.with_byte_order(spec.byte_order))
        .map_err(|error| IoError::from(error).at(path))
}

/// The unfinished file of an earlier [`create`] with the same arguments, to go on with.
///
/// # Errors
/// [`Data`](crate::IoErrorKind::Data) with the errors of [`OutputFile::reopen`], or if the spec has no shape.
pub fn reopen(path: impl AsRef<Path>, spec: &RawSpec) -> Result<OutputFile, IoError> {
    let path = path.as_ref();
    let output = match &spec.shape {
        None => Err(DataErrorKind::ShapeNeeded { path: path.into() }.into()),
        Some(shape) => OutputFile::reopen(path, spec.offset, spec.dtype, shape, spec.order),
    };
    output
        .map(|output| output.with_byte_order(spec.byte_order))
        .map_err(|error| IoError::from(error).at(path))
}

/// Opens an existing regular file to read. A pipe would be waited for, so it is refused before it is opened.
pub(crate) fn open_regular(path: &Path) -> Result<File, IoError> {
    let io = |source| IoError::io("open", source).at(path);
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() {
            "a directory"
        } else {
            "a pipe or device"
        };
        let kind = DataErrorKind::NotAFile {
            path: path.into(),
            found,
        };
        return Err(IoError::from(numloom_data::DataError::from(kind)).at(path));
    }
    File::open(path).map_err(io)
}
