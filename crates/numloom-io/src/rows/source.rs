//! Arrays in files as a source.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use numloom_data::stream::{
    Chunk, ChunkParser, ChunkSource, Column, ColumnSpec, Columns, StreamError, StreamErrorKind,
};
use numloom_data::{ByteOrder, DType, DataError, DataErrorKind, Order, View, shape};

use super::position::read_exact_at;
use crate::error::{IoError, IoErrorKind};
use crate::npy::{Header, open_header, open_record};
use crate::npz::{Archive, Member};
use crate::raw::open_regular;
use crate::spec::{FileSpec, Format};

/// Arrays in files as the columns of a table: their first axis is the rows, of which all have equally many.
///
/// Elements keep their byte order. Those of several axes must be in row-major order; an array in Fortran order has its rows all over
/// the file, and is read by mapping it.
///
/// ```
/// use numloom_data::View;
/// use numloom_data::stream::{Chunk, ChunkSource};
/// use numloom_io::{npy, rows::RowSource};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.npy");
/// npy::write(&path, &View::from_slice(&[1.0, 2.0, 3.0]))?;
/// let mut source = RowSource::open([("a", path.display().to_string().parse()?)])?;
/// assert_eq!(source.rows(), Some(3));
///
/// let parser = source.start(&[0], 16)?;
/// let (mut chunk, mut sum) = (Chunk::new(), 0.0);
/// while source.split(&mut chunk)? {
///     parser.parse(&mut chunk)?;
///     sum += chunk.view(0).to_array()?.as_slice::<f64>()?.iter().sum::<f64>();
/// }
/// assert_eq!(sum, 6.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RowSource {
    columns: Columns,
    places: Vec<Place>,
    rows: usize,
    pass: Option<Pass>,
}

/// Where the rows of a column are.
#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
    byte_order: ByteOrder,
    rows: Rows,
}

#[derive(Clone, Debug)]
enum Rows {
    /// Elements one after the other, from this byte of the file on.
    Stored { file: Arc<File>, offset: u64 },
    /// The same, but each row is a part of a record: so many bytes, of which the element begins at `inside`.
    Records {
        file: Arc<File>,
        offset: u64,
        record_bytes: usize,
        inside: usize,
    },
    /// A member of an archive that has to be decompressed from its beginning.
    Deflated(Box<Member>),
}

impl RowSource {
    /// The arrays in these files, by the names that they are to have.
    ///
    /// # Errors
    /// [`IoError`]s of opening a file and of its header; [`NoRows`](StreamErrorKind::NoRows) for an array without axes,
    /// [`FortranRows`](IoErrorKind::FortranRows), and [`UnequalRows`](StreamErrorKind::UnequalRows).
    pub fn open<S: Into<String>>(
        files: impl IntoIterator<Item = (S, FileSpec)>,
    ) -> Result<RowSource, StreamError> {
        let mut source = RowSource::empty();
        for (name, spec) in files {
            let path = spec.path.clone();
            let (dtype, shape, order, place) =
                open_file(spec).map_err(|error| StreamError::other(error.at(&path)))?;
            source.push(name.into(), dtype, &shape, order, place)?;
        }
        Ok(source)
    }

    /// Members of an `.npz` archive, as NumPy's `savez` and `savez_compressed` write it, by their names there; all of them, if none is
    /// named.
    ///
    /// # Errors
    /// As [`open`](RowSource::open); [`BadArchive`](IoErrorKind::BadArchive), and [`UnknownColumn`](StreamErrorKind::UnknownColumn).
    pub fn open_npz(path: impl AsRef<Path>, names: &[&str]) -> Result<RowSource, StreamError> {
        let path = path.as_ref();
        let fail = |error: IoError| StreamError::other(error.at(path));
        let mut archive = Archive::open(path).map_err(fail)?;
        let file = Arc::new(open_regular(path).map_err(fail)?);
        let all: Vec<String> = archive.names().map(str::to_owned).collect();
        let chosen: Vec<&str> = match names {
            [] => all.iter().map(String::as_str).collect(),
            names => names.to_vec(),
        };
        let mut source = RowSource::empty();
        for name in chosen {
            if !all.iter().any(|found| found == name) {
                let unknown = StreamErrorKind::UnknownColumn {
                    name: name.into(),
                    columns: all,
                };
                return Err(StreamError::from(unknown).named(path.display().to_string()));
            }
            let member = archive.member(name).map_err(fail)?;
            let place = member_place(path, &file, &member);
            let Header {
                dtype, ref shape, ..
            } = member.header;
            source.push(member.name, dtype, shape, member.header.order(), place)?;
        }
        Ok(source)
    }

    fn empty() -> RowSource {
        RowSource {
            columns: Columns::default(),
            places: Vec::new(),
            rows: 0,
            pass: None,
        }
    }

    fn push(
        &mut self,
        name: String,
        dtype: DType,
        shape: &[usize],
        order: Order,
        place: Place,
    ) -> Result<(), StreamError> {
        let Some((&rows, row_shape)) = shape.split_first() else {
            return Err(StreamErrorKind::NoRows { name }.into());
        };
        // One axis that is longer than 1 has only one order.
        let axes = shape.iter().filter(|&&extent| extent != 1).count();
        if order == Order::F && axes > 1 {
            let error = IoError::new(IoErrorKind::FortranRows).at(&place.path);
            return Err(StreamError::other(error));
        }
        if !self.columns.is_empty() && rows != self.rows {
            return Err(StreamErrorKind::UnequalRows {
                column: name,
                expected: self.rows,
                found: rows,
            }
            .into());
        }
        self.rows = rows;
        let spec = ColumnSpec::with_row_shape(name, dtype, row_shape);
        self.columns = self.columns.iter().cloned().chain([spec]).collect();
        self.places.push(place);
        Ok(())
    }
}

/// Where the rows of a member of an archive are.
fn member_place(path: &Path, file: &Arc<File>, member: &Member) -> Place {
    let rows = match member.stored_at() {
        Some(offset) => Rows::Stored {
            file: file.clone(),
            offset,
        },
        None => Rows::Deflated(Box::new(member.clone())),
    };
    Place {
        path: path.into(),
        byte_order: member.header.byte_order,
        rows,
    }
}

/// Dtype, shape, order and place of the elements of a file, whose length has been checked.
fn open_file(spec: FileSpec) -> Result<(DType, Vec<usize>, Order, Place), IoError> {
    let path = spec.path;
    let stored = |file: File, offset| Rows::Stored {
        file: Arc::new(file),
        offset,
    };
    let place = |byte_order, rows| Place {
        path: path.clone(),
        byte_order,
        rows,
    };
    Ok(match spec.format {
        Format::Npy => {
            let (file, header) = open_header(&path)?;
            let order = header.order();
            let place = place(header.byte_order, stored(file, header.data_offset));
            (header.dtype, header.shape, order, place)
        }
        Format::Field(field) => {
            let (file, header, found) = open_record(&path, &field)?;
            let order = header.order();
            let rows = Rows::Records {
                file: Arc::new(file),
                offset: header.data_offset,
                record_bytes: header.dtype.itemsize(),
                inside: found.offset,
            };
            (
                found.dtype,
                header.shape,
                order,
                place(found.byte_order, rows),
            )
        }
        Format::Member(member) => {
            let member = Archive::open(&path)?.member(&member)?;
            let place = member_place(&path, &Arc::new(open_regular(&path)?), &member);
            let order = member.header.order();
            (member.header.dtype, member.header.shape, order, place)
        }
        Format::Raw(raw) => {
            let file = open_regular(&path)?;
            let len = file
                .metadata()
                .map_err(|source| IoError::io("read", source))?
                .len();
            let needed = |bytes: u64| raw.offset.saturating_add(bytes);
            let truncated = |needed| DataErrorKind::Truncated {
                path: path.clone(),
                needed,
                found: len,
            };
            let itemsize = raw.dtype.itemsize();
            let shape = match raw.shape {
                Some(shape) => {
                    let bytes = shape::size_bytes(&shape, itemsize)? as u64;
                    if len < needed(bytes) {
                        return Err(DataError::from(truncated(needed(bytes))).into());
                    }
                    shape
                }
                None => {
                    let bytes = len
                        .checked_sub(raw.offset)
                        .ok_or_else(|| DataError::from(truncated(raw.offset)))?;
                    if itemsize == 0 || bytes % itemsize as u64 != 0 {
                        return Err(DataError::from(DataErrorKind::OddLength {
                            path: path.clone(),
                            bytes,
                            itemsize,
                        })
                        .into());
                    }
                    vec![usize::try_from(bytes / itemsize as u64).unwrap_or(usize::MAX)]
                }
            };
            (
                raw.dtype,
                shape,
                raw.order,
                place(raw.byte_order, stored(file, raw.offset)),
            )
        }
    })
}

/// Where a pass stands.
struct Pass {
    columns: Columns,
    /// For those that are decompressed, what is left of them.
    streams: Vec<Option<(PathBuf, Box<dyn Read + Send>)>>,
    chunk_rows: usize,
    index: usize,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("columns", &self.columns)
            .field("chunk_rows", &self.chunk_rows)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

/// The rows of the chunk of this index.
fn rows_of(index: usize, chunk_rows: usize, rows: usize) -> std::ops::Range<usize> {
    let start = index.saturating_mul(chunk_rows).min(rows);
    start..start.saturating_add(chunk_rows).min(rows)
}

impl ChunkSource for RowSource {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows as u64)
    }

    fn can_restart(&self) -> bool {
        true
    }

    fn start(
        &mut self,
        columns: &[usize],
        chunk_bytes: usize,
    ) -> Result<Arc<dyn ChunkParser>, StreamError> {
        self.pass = None;
        let chosen = self.columns.choose(columns)?;
        let chunk_rows = chosen.rows_in(chunk_bytes)?;
        let places: Vec<Place> = columns.iter().map(|&i| self.places[i].clone()).collect();
        let mut streams = Vec::with_capacity(places.len());
        for place in &places {
            streams.push(match &place.rows {
                Rows::Deflated(member) => {
                    let elements = member.elements(&place.path).map_err(StreamError::other)?;
                    Some((place.path.clone(), elements))
                }
                _ => None,
            });
        }
        self.pass = Some(Pass {
            columns: chosen.clone(),
            streams,
            chunk_rows,
            index: 0,
        });
        Ok(Arc::new(RowParser {
            columns: chosen,
            places,
            chunk_rows,
            rows: self.rows,
        }))
    }

    fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError> {
        let pass = self.pass.as_mut().ok_or(StreamErrorKind::NotStarted)?;
        let rows = rows_of(pass.index, pass.chunk_rows, self.rows);
        if rows.is_empty() {
            return Ok(false);
        }
        chunk.reset(pass.index as u64, 0, 1);
        pass.index += 1;
        let (_, columns) = chunk.parts_mut(&pass.columns);
        for (column, stream) in columns.iter_mut().zip(&mut pass.streams) {
            let Some((path, stream)) = stream else {
                continue;
            };
            let bytes = rows.len() * column.spec().row_bytes()?;
            let room = &mut column.bytes(rows.len())?[..bytes];
            stream
                .read_exact(room)
                .map_err(|source| StreamError::other(IoError::io("read", source).at(path)))?;
        }
        Ok(true)
    }

    fn end(&mut self) {
        self.pass = None;
    }
}

/// Reads what every thread can read for itself.
#[derive(Debug)]
struct RowParser {
    columns: Columns,
    places: Vec<Place>,
    chunk_rows: usize,
    rows: usize,
}

impl ChunkParser for RowParser {
    fn parse(&self, chunk: &mut Chunk) -> Result<(), StreamError> {
        let index = usize::try_from(chunk.index()).expect("`split` counted in `usize`");
        let rows = rows_of(index, self.chunk_rows, self.rows);
        let mut records = std::mem::take(chunk.raw_mut());
        let (_, columns) = chunk.parts_mut(&self.columns);
        for (column, place) in columns.iter_mut().zip(&self.places) {
            place
                .read(column, rows.clone(), &mut records)
                .map_err(|error| StreamError::other(error.at(&place.path)))?;
        }
        *chunk.raw_mut() = records;
        chunk.set_rows(rows.len());
        Ok(())
    }
}

impl Place {
    /// Reads these rows.
    fn read(
        &self,
        column: &mut Column,
        rows: std::ops::Range<usize>,
        records: &mut Vec<u8>,
    ) -> Result<(), IoError> {
        column.set_byte_order(self.byte_order);
        match &self.rows {
            // `split` has read it.
            Rows::Deflated(_) => Ok(()),
            Rows::Stored { file, offset } => {
                let row_bytes = column.spec().row_bytes()?;
                let bytes = &mut column.bytes(rows.len())?[..rows.len() * row_bytes];
                self.read_at(
                    file,
                    bytes,
                    offset.saturating_add((rows.start * row_bytes) as u64),
                )
            }
            Rows::Records {
                file,
                offset,
                record_bytes,
                inside,
            } => {
                let spec = column.spec();
                let per_row: usize = spec.row_shape.iter().product();
                let row_bytes = per_row * record_bytes;
                let (dtype, shape) = (spec.dtype, spec.shape(rows.len()));
                records.resize(rows.len() * row_bytes, 0);
                self.read_at(
                    file,
                    records,
                    offset.saturating_add((rows.start * row_bytes) as u64),
                )?;
                let width = u32::try_from(*record_bytes).expect("a record is a byte string");
                let view = View::from_bytes(records, DType::Bytes(width), &shape, Order::C)?
                    .field(*inside, dtype)?
                    .with_byte_order(self.byte_order);
                // Copied to native order.
                column.set_byte_order(ByteOrder::Native);
                let own = column.reserve(rows.len())?;
                let stop = isize::try_from(rows.len()).expect("rows have memory");
                let mut room = own.view_mut().slice_axis(0, None, Some(stop), 1)?;
                Ok(room.assign(&view)?)
            }
        }
    }

    fn read_at(&self, file: &File, bytes: &mut [u8], offset: u64) -> Result<(), IoError> {
        read_exact_at(file, bytes, offset).map_err(|source| {
            if source.kind() != io::ErrorKind::UnexpectedEof {
                return IoError::io("read", source);
            }
            // It was long enough when it was opened.
            let needed = offset.saturating_add(bytes.len() as u64);
            let found = file.metadata().map_or(0, |metadata| metadata.len());
            let path = self.path.clone();
            DataError::from(DataErrorKind::Truncated {
                path,
                needed,
                found,
            })
            .into()
        })
    }
}
