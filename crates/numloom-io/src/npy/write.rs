//! From arrays to `.npy` files.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use numloom_data::{DType, Order, OutputFile, View, gather, partial_path};

use super::header::{Header, write_header};
use crate::error::{IoError, IoErrorKind};

/// A new file to be filled through its map; it appears under its name on [`commit`](OutputFile::commit).
///
/// # Errors
/// [`Data`](IoErrorKind::Data) with the errors of [`OutputFile::create`], a full disk among them;
/// [`TooManyAxes`](IoErrorKind::TooManyAxes).
///
/// ```
/// use numloom_data::{DType, Order, Scalar};
/// use numloom_io::npy;
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("c.npy");
/// let mut out = npy::create(&path, DType::F32, &[2, 2], Order::C)?;
/// out.view_mut().fill(&Scalar::F32(0.5))?;
/// out.commit()?;
/// assert_eq!(npy::read(&path)?.to_vec::<f32>()?, [0.5; 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn create(
    path: impl AsRef<Path>,
    dtype: DType,
    shape: &[usize],
    order: Order,
) -> Result<OutputFile, IoError> {
    let path = path.as_ref();
    let header = Header::new(dtype, shape, order).map_err(|error| error.at(path))?;
    let output = OutputFile::create(path, &header.to_bytes(), dtype, shape, order);
    output.map_err(|error| IoError::from(error).at(path))
}

/// The unfinished file of an earlier [`create`] with the same arguments, to go on with.
///
/// # Errors
/// [`OtherOutput`](IoErrorKind::OtherOutput) if it was made with other arguments; [`Data`](IoErrorKind::Data) with the
/// errors of [`OutputFile::reopen`].
pub fn reopen(
    path: impl AsRef<Path>,
    dtype: DType,
    shape: &[usize],
    order: Order,
) -> Result<OutputFile, IoError> {
    let path = path.as_ref();
    let header = Header::new(dtype, shape, order).map_err(|error| error.at(path))?;
    let output = OutputFile::reopen(path, header.data_offset, dtype, shape, order)
        .map_err(|error| IoError::from(error).at(path))?;
    let partial = partial_path(output.target());
    let io = |source| IoError::io("read", source).at(&partial);
    let mut found = vec![0; header.data_offset as usize];
    let mut file = File::open(&partial).map_err(io)?;
    file.read_exact(&mut found).map_err(io)?;
    if found != header.to_bytes() {
        return Err(IoError::new(IoErrorKind::OtherOutput).at(&partial));
    }
    Ok(output)
}

/// Writes an array to a file of this name, which appears, or is replaced, when it is whole.
///
/// The file is in native byte order, and in Fortran order if the elements lie so.
///
/// # Errors
/// As [`create`], and [`Data`](IoErrorKind::Data) with those of [`OutputFile::commit`].
pub fn write(path: impl AsRef<Path>, view: &View<'_>) -> Result<(), IoError> {
    let path = path.as_ref();
    let mut output = create(path, view.dtype(), view.shape(), order_of(view))?;
    let written = match order_of(view) {
        Order::C => output.view_mut().assign(view),
        // Transposed, both sides are row-major, and the copy is one run.
        Order::F => output.view_mut().transpose().assign(&view.transpose()),
    };
    written
        .and_then(|()| output.commit())
        .map_err(|error| IoError::from(error).at(path))
}

/// Writes an array to a stream, such as a pipe; otherwise as [`write()`].
///
/// # Errors
/// [`Io`](IoErrorKind::Io), [`TooManyAxes`](IoErrorKind::TooManyAxes).
pub fn write_to(to: &mut impl Write, view: &View<'_>) -> Result<(), IoError> {
    let header = Header::new(view.dtype(), view.shape(), order_of(view))?;
    write_header(to, &header)?;
    let view = if header.fortran_order {
        view.transpose()
    } else {
        view.clone()
    };
    const BLOCK: usize = 4096;
    let mut block = vec![0; view.len().min(BLOCK) * view.dtype().itemsize()];
    let mut start = 0;
    while start < view.len() {
        let n = BLOCK.min(view.len() - start);
        gather(&view, start, n, &mut block);
        let bytes = &block[..n * view.dtype().itemsize()];
        to.write_all(bytes)
            .map_err(|source| IoError::io("write", source))?;
        start += n;
    }
    Ok(())
}

fn order_of(view: &View<'_>) -> Order {
    if view.is_f_contiguous() && !view.is_c_contiguous() {
        Order::F
    } else {
        Order::C
    }
}
