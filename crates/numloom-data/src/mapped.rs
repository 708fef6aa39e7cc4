#![expect(unsafe_code, reason = "makes views of mapped memory")]
//! Arrays over memory-mapped files.

use std::path::Path;

use crate::dtype::DType;
use crate::error::{DataError, DataErrorKind};
use crate::mmap::{MapMode, Mmap, file_len, open_file, truncated};
use crate::shape::{self, Order};
use crate::strided::Strided;
use crate::view::{ByteOrder, View, ViewMut, check_field};

/// What lies where in a raw file, and how to map it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapSpec {
    /// How to open the file.
    pub mode: MapMode,
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

impl MapSpec {
    /// All of a file of this dtype, native, row-major, from the first byte; set the other fields as needed.
    #[must_use]
    pub fn new(mode: MapMode, dtype: DType) -> MapSpec {
        MapSpec {
            mode,
            dtype,
            byte_order: ByteOrder::Native,
            offset: 0,
            shape: None,
            order: Order::C,
        }
    }
}

/// An array over a memory-mapped file, of any size; nothing is read until it is used.
///
/// ```
/// use numloom_data::{DType, MapMode, MapSpec, MappedArray, Scalar};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.bin");
/// let mut spec = MapSpec::new(MapMode::Create, DType::F64);
/// spec.shape = Some(vec![2, 3]);
/// let mut a = MappedArray::open(&path, spec)?;
/// a.view_mut()?.set(&[1, 2], &Scalar::F64(1.5))?;
/// drop(a);
///
/// let a = MappedArray::open(&path, MapSpec::new(MapMode::Read, DType::F64))?;
/// assert_eq!(a.shape(), [6]);
/// assert_eq!(a.view().get(&[5]), Some(Scalar::F64(1.5)));
/// # Ok::<(), numloom_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct MappedArray {
    /// Exactly as many bytes as the elements need.
    map: Mmap,
    dtype: DType,
    byte_order: ByteOrder,
    shape: Vec<usize>,
    order: Order,
    /// Bytes from an element to the next: more than an element's own for a field of records.
    record: usize,
    /// Bytes of a record before its field.
    field: usize,
}

impl MappedArray {
    /// Maps a file as `spec` says. A file longer than the shape needs is fine.
    ///
    /// # Errors
    /// Those of [`Mmap::open`]; [`ShapeOverflow`](DataErrorKind::ShapeOverflow); without a shape,
    /// [`OddLength`](DataErrorKind::OddLength) if the file does not hold a whole number of elements.
    pub fn open(path: impl AsRef<Path>, spec: MapSpec) -> Result<MappedArray, DataError> {
        let path = path.as_ref();
        let shape = match spec.shape {
            Some(shape) => shape,
            None if spec.mode == MapMode::Create => {
                return Err(DataErrorKind::ShapeNeeded { path: path.into() }.into());
            }
            None => vec![rest_of_file(path, spec.dtype, spec.offset)?],
        };
        let bytes = shape::size_bytes(&shape, spec.dtype.itemsize())?;
        let map = Mmap::open(path, spec.mode, spec.offset, Some(bytes as u64))?;
        Ok(MappedArray::over(
            map,
            spec.dtype,
            spec.byte_order,
            shape,
            spec.order,
        ))
    }

    /// `map` has exactly the bytes of the shape.
    pub(crate) fn over(
        map: Mmap,
        dtype: DType,
        byte_order: ByteOrder,
        shape: Vec<usize>,
        order: Order,
    ) -> MappedArray {
        assert_eq!(
            Ok(map.len()),
            shape::size_bytes(&shape, dtype.itemsize()),
            "the map has the size of the shape"
        );
        MappedArray {
            map,
            dtype,
            byte_order,
            shape,
            order,
            record: dtype.itemsize(),
            field: 0,
        }
    }

    /// The elements of `dtype`, in `byte_order`, that begin at byte `offset` of each element: a field of records, which byte strings
    /// hold. Nothing is copied.
    ///
    /// # Errors
    /// [`FieldTooLong`](DataErrorKind::FieldTooLong) if that is past the end of an element.
    pub fn field(
        self,
        offset: usize,
        dtype: DType,
        byte_order: ByteOrder,
    ) -> Result<MappedArray, DataError> {
        check_field(offset, dtype, self.dtype.itemsize())?;
        Ok(MappedArray {
            dtype,
            byte_order,
            field: self.field + offset,
            ..self
        })
    }

    pub(crate) fn set_byte_order(&mut self, byte_order: ByteOrder) {
        self.byte_order = byte_order;
    }

    /// Type of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Order of the bytes in each element.
    #[must_use]
    pub fn byte_order(&self) -> ByteOrder {
        self.byte_order
    }

    /// Extents.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Order of the elements.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// The file's name, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.map.path()
    }

    /// The mapped bytes.
    #[must_use]
    pub fn map(&self) -> &Mmap {
        &self.map
    }

    /// All of it, to read from. Values that another process changes meanwhile are unspecified.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        let strided = self.strided(self.map.as_ptr().cast_mut());
        // SAFETY: (1) `over` checked that the map has the bytes of the shape, `field` that a field lies within its record, and it
        // stays mapped while `self` lives; (2) `size_bytes` passed there; (3) writing takes `&mut self`.
        unsafe { View::from_strided(strided) }
    }

    /// All of it, to write to.
    ///
    /// # Errors
    /// [`ReadOnly`](DataErrorKind::ReadOnly) if it was opened with mode `r`.
    pub fn view_mut(&mut self) -> Result<ViewMut<'_>, DataError> {
        let ptr = self.map.as_mut_ptr()?;
        let strided = self.strided(ptr);
        // SAFETY: (1, 2) as in `view`, and `as_mut_ptr` checked that the map is writable; (3) records without gaps are
        // disjoint, and so are fields of them, and `&mut self` excludes other access through this map; (4) mapped memory is never seen as
        // `bool`.
        Ok(unsafe { ViewMut::from_strided(strided) })
    }

    /// All of it to write to, and the map to flush and advise meanwhile.
    ///
    /// # Errors
    /// [`ReadOnly`](DataErrorKind::ReadOnly) if it was opened with mode `r`.
    pub fn view_mut_and_map(&mut self) -> Result<(ViewMut<'_>, &Mmap), DataError> {
        let ptr = self.map.as_mut_ptr()?;
        let strided = self.strided(ptr);
        // SAFETY: (1, 2, 4) as in `view_mut`; (3) as there, for what is lent out beside it is the map, through which no safe function reads
        // or writes an element.
        let view = unsafe { ViewMut::from_strided(strided) };
        Ok((view, &self.map))
    }

    fn strided(&self, ptr: *mut u8) -> Strided {
        let mut strided = Strided::contiguous(ptr, self.dtype, &self.shape, self.order);
        shape::fill_strides(&self.shape, self.record, self.order, &mut strided.strides);
        strided.ptr = ptr.wrapping_add(self.field);
        strided.byte_order = self.byte_order;
        strided
    }

    /// Checks that the file still has all elements; see [`Mmap::check_len`].
    ///
    /// # Errors
    /// [`Truncated`](DataErrorKind::Truncated), [`Io`](DataErrorKind::Io).
    pub fn check_len(&self) -> Result<(), DataError> {
        self.map.check_len()
    }

    /// Writes changes to the file and waits for it.
    ///
    /// # Errors
    /// [`Io`](DataErrorKind::Io).
    pub fn flush(&self) -> Result<(), DataError> {
        self.map.flush()
    }
}

/// How many elements lie between `offset` and the end of a file.
fn rest_of_file(path: &Path, dtype: DType, offset: u64) -> Result<usize, DataError> {
    let file = open_file(path, false)?;
    let found = file_len(&file, path)?;
    let bytes = found
        .checked_sub(offset)
        .ok_or_else(|| truncated(path, offset, found))?;
    let itemsize = dtype.itemsize();
    let whole = match bytes.checked_rem(itemsize as u64) {
        None => Some(0),
        Some(0) => usize::try_from(bytes / itemsize as u64).ok(),
        Some(_) => None,
    };
    whole.ok_or_else(|| {
        DataErrorKind::OddLength {
            path: path.into(),
            bytes,
            itemsize,
        }
        .into()
    })
}
