//! From `.npy` files to arrays.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use numloom_data::{Array, ByteOrder, DType, DataErrorKind, MapMode, MapSpec, MappedArray};

use super::header::{self, Header, read_header};
use super::records::Field;
use crate::error::{IoError, IoErrorKind};
use crate::raw::open_regular;

/// Maps an existing file: nothing is read but the header. A new one is made by [`create`](super::create).
///
/// # Errors
/// Those of [`parse_header`](super::parse_header); [`TruncatedData`](IoErrorKind::TruncatedData);
/// [`Data`](IoErrorKind::Data) for what cannot be opened or mapped, and for [`MapMode::Create`].
pub fn open(path: impl AsRef<Path>, mode: MapMode) -> Result<MappedArray, IoError> {
    let path = path.as_ref();
    if mode == MapMode::Create {
        return Err(data(
            path,
            DataErrorKind::ShapeNeeded { path: path.into() }.into(),
        ));
    }
    let (_, header) = open_header(path)?;
    map(path, &header, mode)
}

/// Maps one field of a file of records, NumPy's structured arrays: a view of every record's, nothing is copied.
///
/// # Errors
/// As [`open`]; [`UnknownField`](IoErrorKind::UnknownField), and [`UnsupportedDType`](IoErrorKind::UnsupportedDType) for a field of
/// another kind than numbers and byte strings.
pub fn open_field(
    path: impl AsRef<Path>,
    field: &str,
    mode: MapMode,
) -> Result<MappedArray, IoError> {
    let path = path.as_ref();
    if mode == MapMode::Create {
        return Err(data(
            path,
            DataErrorKind::ShapeNeeded { path: path.into() }.into(),
        ));
    }
    let (_, header, place) = open_record(path, field)?;
    map(path, &header, mode)?
        .field(place.offset, place.dtype, place.byte_order)
        .map_err(|error| data(path, error))
}

/// Where a field lies in its record, and what it is.
pub(crate) struct FieldPlace {
    pub(crate) offset: usize,
    pub(crate) dtype: DType,
    pub(crate) byte_order: ByteOrder,
}

/// Opens a file of records and finds one of their fields; the length has been checked.
pub(crate) fn open_record(path: &Path, field: &str) -> Result<(File, Header, FieldPlace), IoError> {
    let (file, header, fields) = open_records(path)?;
    let Some(found) = fields.iter().find(|known| known.name == field) else {
        let unknown = IoErrorKind::UnknownField {
            field: field.into(),
            fields: fields.into_iter().map(|field| field.name).collect(),
        };
        return Err(IoError::new(unknown).at(path));
    };
    let (dtype, byte_order) = found.dtype().map_err(|error| error.at(path))?;
    let place = FieldPlace {
        offset: found.offset,
        dtype,
        byte_order,
    };
    Ok((file, header, place))
}

fn map(path: &Path, header: &Header, mode: MapMode) -> Result<MappedArray, IoError> {
    let spec = MapSpec {
        mode,
        dtype: header.dtype,
        byte_order: header.byte_order,
        offset: header.data_offset,
        shape: Some(header.shape.clone()),
        order: header.order(),
    };
    MappedArray::open(path, spec).map_err(|error| data(path, error))
}

/// Reads a whole file into memory, in native byte order and in the order that it has there.
///
/// # Errors
/// As [`open`], and [`Io`](IoErrorKind::Io).
pub fn read(path: impl AsRef<Path>) -> Result<Array, IoError> {
    let path = path.as_ref();
    let (mut file, header) = open_header(path)?;
    // The length was checked against the file, so the memory asked for is no more than the file has.
    let mut array = Array::zeros(header.dtype, &header.shape, header.order())
        .map_err(|error| data(path, error))?;
    file.read_exact(array.as_bytes_mut())
        .map_err(|source| IoError::io("read", source).at(path))?;
    make_native(&mut array, header.byte_order);
    Ok(array)
}

/// Reads an array from a stream, such as a pipe, up to its last element. Memory grows with what arrives, not with what the
/// header says.
///
/// # Errors
/// Those of [`parse_header`](super::parse_header), [`TruncatedData`](IoErrorKind::TruncatedData),
/// [`Io`](IoErrorKind::Io).
///
/// ```
/// use numloom_data::View;
/// use numloom_io::npy;
/// let mut bytes = Vec::new();
/// npy::write_to(&mut bytes, &View::from_slice(&[1i8, 2, 3]))?;
/// assert_eq!(npy::read_from(&mut &bytes[..])?.to_vec::<i8>()?, [1, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_from(from: &mut impl Read) -> Result<Array, IoError> {
    let header = read_header(from)?;
    let needed = header.data_bytes();
    let mut bytes = Vec::new();
    let read = from.by_ref().take(needed).read_to_end(&mut bytes);
    read.map_err(|source| IoError::io("read", source))?;
    check_data(&header, bytes.len() as u64)?;
    let mut array = Array::zeros(header.dtype, &header.shape, header.order())?;
    array.as_bytes_mut().copy_from_slice(&bytes);
    make_native(&mut array, header.byte_order);
    Ok(array)
}

/// Opens a file and reads its header; the length has been checked, and the file stands at the first element.
pub(crate) fn open_header(path: &Path) -> Result<(File, Header), IoError> {
    let (file, header, fields) = open_records(path)?;
    header::refuse_records(fields).map_err(|error| error.at(path))?;
    Ok((file, header))
}

/// [`open_header`] of an array or of records.
fn open_records(path: &Path) -> Result<(File, Header, Vec<Field>), IoError> {
    let file = open_regular(path)?;
    let io = |source| IoError::io("read", source).at(path);
    let len = file.metadata().map_err(io)?.len();
    let mut reader = BufReader::with_capacity(512, &file);
    let (header, fields) = header::read_bytes(&mut reader)
        .and_then(|bytes| header::parse_records(&bytes))
        .map_err(|error| error.at(path))?;
    check_data(&header, len.saturating_sub(header.data_offset)).map_err(|error| error.at(path))?;
    let mut file = file;
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(header.data_offset)).map_err(io)?;
    Ok((file, header, fields))
}

fn check_data(header: &Header, found: u64) -> Result<(), IoError> {
    let needed = header.data_bytes();
    if found >= needed {
        return Ok(());
    }
    Err(IoError::new(IoErrorKind::TruncatedData {
        shape: header.shape.clone(),
        dtype: header.dtype,
        needed,
        found,
    }))
}

fn data(path: &Path, error: numloom_data::DataError) -> IoError {
    IoError::from(error).at(path)
}

/// Bytes as this machine's, and bools as 0 and 1.
fn make_native(array: &mut Array, byte_order: ByteOrder) {
    let dtype = array.dtype();
    let bytes = array.as_bytes_mut();
    if dtype == DType::Bool {
        bytes
            .iter_mut()
            .for_each(|byte| *byte = u8::from(*byte != 0));
    }
    if byte_order == ByteOrder::Swapped {
        match dtype.swap_unit() {
            2 => reverse_each::<2>(bytes),
            4 => reverse_each::<4>(bytes),
            8 => reverse_each::<8>(bytes),
            _ => {}
        }
    }
}

fn reverse_each<const N: usize>(bytes: &mut [u8]) {
    let (words, _) = bytes.as_chunks_mut::<N>();
    words.iter_mut().for_each(|word| word.reverse());
}
