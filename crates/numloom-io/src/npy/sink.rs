//! Blocks of rows to an `.npy` file.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use numloom_data::stream::{ChunkSink, ColumnSpec, Columns, StreamError, StreamErrorKind};
use numloom_data::{DataErrorKind, Order, OutputWriter, View, gather};

use super::header::Header;
use crate::error::{IoError, IoErrorKind};

/// Writes one column to an `.npy` file, in row-major order; how many rows there are need not be known before the last.
///
/// The file is written under its name with `.partial` added, and takes over the name when it is whole.
///
/// ```
/// use numloom_data::stream::{ChunkSink, ColumnSpec, Columns};
/// use numloom_data::{DType, View};
/// use numloom_io::npy::{self, NpySink};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("x.npy");
/// let mut sink = NpySink::new(&path);
/// sink.start(&Columns::new(vec![ColumnSpec::new("x", DType::F64)]), None)?;
/// sink.write(&[View::from_slice(&[1.0, 2.0])])?;
/// sink.write(&[View::from_slice(&[3.0])])?;
/// assert!(!path.exists());
/// sink.finish()?;
/// assert_eq!(npy::read(&path)?.to_vec::<f64>()?, [1.0, 2.0, 3.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NpySink {
    path: PathBuf,
    open: Option<Open>,
}

/// The file, while it is written.
#[derive(Debug)]
struct Open {
    out: OutputWriter,
    columns: Columns,
    /// Bytes before the first element.
    header_bytes: usize,
    rows: u64,
    /// Elements on their way to the file.
    block: Vec<u8>,
}

impl NpySink {
    /// To a file of this name, which is made by [`start`](ChunkSink::start).
    pub fn new(path: impl AsRef<Path>) -> NpySink {
        NpySink {
            path: path.as_ref().into(),
            open: None,
        }
    }

    fn fail(&self, error: impl Into<IoError>) -> StreamError {
        StreamError::other(error.into().at(&self.path))
    }
}

fn header(spec: &ColumnSpec, rows: usize) -> Result<Header, IoError> {
    Header::new(spec.dtype, &spec.shape(rows), Order::C)
}

impl ChunkSink for NpySink {
    /// # Errors
    /// [`ColumnCount`](StreamErrorKind::ColumnCount) unless there is one column; those of [`OutputWriter::create`],
    /// [`TooManyAxes`](IoErrorKind::TooManyAxes), [`Io`](IoErrorKind::Io).
    fn start(&mut self, columns: &Columns, _: Option<u64>) -> Result<(), StreamError> {
        self.open = None;
        if columns.len() != 1 {
            return Err(StreamErrorKind::ColumnCount {
                expected: 1,
                found: columns.len(),
            }
            .into());
        }
        let empty = header(&columns[0], 0).map_err(|error| self.fail(error))?;
        // Room for any number of rows instead of the one digit of 0.
        const DIGITS: usize = 20;
        let bytes = empty.to_bytes_of(empty.to_bytes().len() + DIGITS);
        let mut out = OutputWriter::create(&self.path).map_err(|error| self.fail(error))?;
        out.write_all(&bytes)
            .map_err(|source| self.fail(IoError::io("write", source)))?;
        self.open = Some(Open {
            out,
            columns: columns.clone(),
            header_bytes: bytes.len(),
            rows: 0,
            block: Vec::new(),
        });
        Ok(())
    }

    fn write(&mut self, block: &[View<'_>]) -> Result<(), StreamError> {
        let open = self.open.as_mut().ok_or(StreamErrorKind::NotStarted)?;
        let rows = open.columns.check(block.iter().cloned())?;
        open.rows += rows as u64;
        open.write(&block[0])
            .map_err(|source| self.fail(IoError::io("write", source)))
    }

    /// # Errors
    /// [`Io`](IoErrorKind::Io), and those of [`OutputWriter::commit`].
    fn finish(&mut self) -> Result<(), StreamError> {
        let open = self.open.take().ok_or(StreamErrorKind::NotStarted)?;
        let Open {
            mut out,
            columns,
            header_bytes,
            rows,
            ..
        } = open;
        let overflow = || DataErrorKind::ShapeOverflow {
            shape: columns[0].row_shape.clone(),
            itemsize: columns[0].dtype.itemsize(),
        };
        let rows = usize::try_from(rows)
            .map_err(|_| self.fail(IoError::new(IoErrorKind::Data(overflow().into()))))?;
        let header = header(&columns[0], rows).map_err(|error| self.fail(error))?;
        let bytes = header.to_bytes_of(header_bytes);
        assert_eq!(bytes.len(), header_bytes, "there was room for any number");
        out.seek(SeekFrom::Start(0))
            .and_then(|_| out.write_all(&bytes))
            .map_err(|source| self.fail(IoError::io("write", source)))?;
        out.commit().map_err(|error| self.fail(error))
    }
}

impl Open {
    fn write(&mut self, view: &View<'_>) -> std::io::Result<()> {
        const BLOCK: usize = 1 << 17;
        let itemsize = view.dtype().itemsize();
        let n = (BLOCK / itemsize.max(1)).clamp(1, view.len().max(1));
        self.block.resize(n * itemsize, 0);
        let mut start = 0;
        while start < view.len() {
            let n = n.min(view.len() - start);
            gather(view, start, n, &mut self.block);
            self.out.write_all(&self.block[..n * itemsize])?;
            start += n;
        }
        Ok(())
    }
}
