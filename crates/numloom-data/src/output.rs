//! Files that appear under their name only when they are whole.
//!
//! An output is written to `NAME.partial` beside `NAME`, its space reserved before the first element is computed, and takes
//! over the name by an atomic rename. After a crash, there is no file of that name, or the old one, and perhaps a
//! `.partial`: never a torn file that looks finished.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::dtype::DType;
use crate::error::{DataError, DataErrorKind};
use crate::mapped::MappedArray;
use crate::mmap::{MapMode, Mmap, check_regular, file_len, io_error, total, truncated};
use crate::reserve;
use crate::shape::{self, Order};
use crate::view::{ByteOrder, View, ViewMut};

/// The name an unfinished output has: that of the target, with `.partial` added.
///
/// ```
/// # use std::path::Path;
/// use numloom_data::partial_path;
/// assert_eq!(partial_path("out/c.npy"), Path::new("out/c.npy.partial"));
/// ```
#[must_use]
pub fn partial_path(target: impl AsRef<Path>) -> PathBuf {
    let mut name: OsString = target.as_ref().as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// An unfinished file: open, locked against other writers, removed on drop unless [`commit`](Partial::commit)ted.
#[derive(Debug)]
pub(crate) struct Partial {
    /// Taken by `commit`.
    file: Option<File>,
    path: PathBuf,
    pub(crate) target: PathBuf,
    /// Leave it where it is on drop.
    keep: bool,
}

impl Partial {
    /// A new file of `len` zero bytes, whose space is reserved.
    pub(crate) fn create(target: &Path, len: u64) -> Result<Partial, DataError> {
        let (target, old) = resolve(target)?;
        let path = partial_path(&target);
        let file = open_locked(&path, true)?;
        let partial = Partial {
            file: Some(file),
            path,
            target,
            keep: false,
        };
        let file = partial.file();
        // An earlier unfinished one is emptied first, so that all bytes are zero again.
        file.set_len(0)
            .map_err(|source| io_error("empty", &partial.path, source))?;
        reserve::reserve(file, len).map_err(|source| DataErrorKind::NoSpace {
            path: partial.target.clone(),
            bytes: len,
            source,
        })?;
        if let Some(old) = old {
            // The new file is to be as private, or as public, as the one that it replaces.
            file.set_permissions(old.permissions())
                .map_err(|source| io_error("set the permissions of", &partial.path, source))?;
        }
        Ok(partial)
    }

    /// The unfinished file of an earlier run, of exactly `len` bytes.
    fn reopen(target: &Path, len: u64) -> Result<Partial, DataError> {
        let (target, _) = resolve(target)?;
        let path = partial_path(&target);
        let file = open_locked(&path, false)?;
        let found = file_len(&file, &path)?;
        if found < len {
            return Err(truncated(&path, len, found));
        }
        Ok(Partial {
            file: Some(file),
            path,
            target,
            keep: true,
        })
    }

    pub(crate) fn file(&self) -> &File {
        self.file
            .as_ref()
            .expect("taken only by methods that consume `self`")
    }

    /// Takes over the target's name.
    pub(crate) fn commit(mut self) -> Result<File, DataError> {
        fs::rename(&self.path, &self.target)
            .map_err(|source| io_error("rename to its final name", &self.path, source))?;
        let file = self.file.take().expect("taken only here");
        // The lock kept others off the partial name; the finished file is anybody's. It goes with the file otherwise.
        let _ = file.unlock();
        Ok(file)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Removed while the file, and so its lock, is still held: after it the name may be another writer's.
        if self.file.is_some() && !self.keep {
            // Nobody is left to hear of a failure, and an unfinished file is recognised by its name.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The file that the name stands for, through symbolic links, and what is there now. Only a writable regular file may be
/// replaced.
fn resolve(target: &Path) -> Result<(PathBuf, Option<fs::Metadata>), DataError> {
    let metadata = match fs::metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((target.into(), None)),
        Err(source) => return Err(io_error("create", target, source)),
    };
    check_regular(target, &metadata)?;
    if metadata.permissions().readonly() {
        return Err(io_error(
            "replace",
            target,
            io::ErrorKind::PermissionDenied.into(),
        ));
    }
    let real = fs::canonicalize(target).map_err(|source| io_error("create", target, source))?;
    Ok((real, Some(metadata)))
}

/// Opens the file for reading and writing, and locks it against other writers of the same output.
fn open_locked(path: &Path, create: bool) -> Result<File, DataError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(create)
        .truncate(false);
    // A link under this name is somebody else's: what it leads to is not written to.
    #[cfg(target_os = "linux")]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
    loop {
        if let Ok(metadata) = fs::symlink_metadata(path) {
            check_regular(path, &metadata)?;
        }
        let action = if create { "create" } else { "open" };
        let file = options
            .open(path)
            .map_err(|source| io_error(action, path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataErrorKind::InUse { path: path.into() }.into());
            }
            // Some network file systems know no locks; there, two writers of one output are on their own.
            Err(TryLockError::Error(_)) => return Ok(file),
        }
        // Between opening and locking, another writer may have finished and renamed this very file: it is theirs.
        if is_still(&file, path) {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |m: io::Result<fs::Metadata>| m.ok().map(|m| (m.dev(), m.ino()));
    let ours = identity(file.metadata());
    ours.is_some() && ours == identity(fs::metadata(path))
}

#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> bool {
    true
}

/// A mapped array that is being written and appears under its name on [`commit`](OutputFile::commit).
///
/// Dropped without it, nothing is left behind (see [`keep_on_drop`](OutputFile::keep_on_drop)), and a file of that name is
/// as it was.
///
/// ```
/// use numloom_data::{DType, Order, OutputFile, Scalar};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("c.bin");
/// let mut out = OutputFile::create(&path, b"", DType::U8, &[4], Order::C)?;
/// out.view_mut().fill(&Scalar::U8(7))?;
/// assert!(!path.exists());
/// out.commit()?;
/// assert_eq!(std::fs::read(&path).unwrap(), [7; 4]);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct OutputFile {
    // Dropped in this order: a mapped file cannot be renamed or removed everywhere.
    array: MappedArray,
    partial: Partial,
}

impl OutputFile {
    /// A new file: `header`, then zeros for the elements, in native byte order.
    ///
    /// # Errors
    /// [`NoSpace`](DataErrorKind::NoSpace) before anything is written if the disk or the file size limit has no room (on
    /// Linux; elsewhere the space is not reserved); [`NotAFile`](DataErrorKind::NotAFile) if the name is taken by something
    /// else; [`InUse`](DataErrorKind::InUse) if another process is writing the same output;
    /// [`ShapeOverflow`](DataErrorKind::ShapeOverflow), [`Io`](DataErrorKind::Io).
    pub fn create(
        path: impl AsRef<Path>,
        header: &[u8],
        dtype: DType,
        shape: &[usize],
        order: Order,
    ) -> Result<OutputFile, DataError> {
        let output = OutputFile::create_at(path, header.len() as u64, dtype, shape, order)?;
        let mut file = output.partial.file();
        file.write_all(header)
            .map_err(|source| io_error("write", output.partial_path(), source))?;
        Ok(output)
    }

    /// [`create`](OutputFile::create), with `offset` zero bytes before the elements.
    ///
    /// # Errors
    /// As [`create`](OutputFile::create).
    pub fn create_at(
        path: impl AsRef<Path>,
        offset: u64,
        dtype: DType,
        shape: &[usize],
        order: Order,
    ) -> Result<OutputFile, DataError> {
        let path = path.as_ref();
        let bytes = shape::size_bytes(shape, dtype.itemsize())? as u64;
        let partial = Partial::create(path, total(path, offset, bytes)?)?;
        OutputFile::map(partial, offset, bytes, dtype, shape, order)
    }

    /// The same, with elements of this byte order.
    #[must_use]
    pub fn with_byte_order(mut self, byte_order: ByteOrder) -> OutputFile {
        self.array.set_byte_order(byte_order);
        self
    }

    /// The unfinished output of an earlier run, to go on with: what a crash or
    /// [`keep_on_drop`](OutputFile::keep_on_drop) left.
    ///
    /// `offset` is the length of the header. Which elements are done is for a journal to know.
    ///
    /// # Errors
    /// [`Io`](DataErrorKind::Io) if there is none; [`Truncated`](DataErrorKind::Truncated) if it has not the size;
    /// [`InUse`](DataErrorKind::InUse); [`ShapeOverflow`](DataErrorKind::ShapeOverflow).
    pub fn reopen(
        path: impl AsRef<Path>,
        offset: u64,
        dtype: DType,
        shape: &[usize],
        order: Order,
    ) -> Result<OutputFile, DataError> {
        let path = path.as_ref();
        let bytes = shape::size_bytes(shape, dtype.itemsize())? as u64;
        let partial = Partial::reopen(path, total(path, offset, bytes)?)?;
        OutputFile::map(partial, offset, bytes, dtype, shape, order)
    }

    fn map(
        partial: Partial,
        offset: u64,
        bytes: u64,
        dtype: DType,
        shape: &[usize],
        order: Order,
    ) -> Result<OutputFile, DataError> {
        let file = partial.file().try_clone();
        let file = file.map_err(|source| io_error("open", &partial.path, source))?;
        let map = Mmap::over(file, &partial.path, MapMode::ReadWrite, offset, bytes)?;
        let array = MappedArray::over(map, dtype, ByteOrder::Native, shape.to_vec(), order);
        Ok(OutputFile { array, partial })
    }

    /// The name it will have, with symbolic links followed.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.partial.target
    }

    /// The name it has until then.
    #[must_use]
    pub fn partial_path(&self) -> &Path {
        &self.partial.path
    }

    /// The mapped array.
    #[must_use]
    pub fn array(&self) -> &MappedArray {
        &self.array
    }

    /// All of it, to read from.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        self.array.view()
    }

    /// All of it, to write to.
    #[must_use]
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        self.array.view_mut().expect("mapped for writing")
    }

    /// All of it to write to, and the map to flush and advise meanwhile.
    #[must_use]
    pub fn view_mut_and_map(&mut self) -> (ViewMut<'_>, &Mmap) {
        let both = self.array.view_mut_and_map();
        both.expect("mapped for writing")
    }

    /// Lets the file appear under its name, in one step. What was written is safe from a crash of this process, but not yet
    /// from one of the machine: see [`commit_synced`](OutputFile::commit_synced).
    ///
    /// # Errors
    /// [`Io`](DataErrorKind::Io); the unfinished file is then dropped.
    pub fn commit(self) -> Result<(), DataError> {
        drop(self.array);
        self.partial.commit().map(drop)
    }

    /// [`commit`](OutputFile::commit) once the file has reached the disk, and waits until its name has, too.
    ///
    /// # Errors
    /// [`Io`](DataErrorKind::Io), also for elements that could not be written; the unfinished file is then dropped.
    pub fn commit_synced(self) -> Result<(), DataError> {
        self.array.flush()?;
        drop(self.array);
        let file = self.partial.file();
        file.sync_all()
            .map_err(|source| io_error("sync", &self.partial.path, source))?;
        let target = self.partial.target.clone();
        self.partial.commit()?;
        sync_directory(&target)
    }

    /// Whether dropping this without [`commit`](OutputFile::commit) leaves the unfinished file under its partial name, for
    /// [`reopen`](OutputFile::reopen), or removes it. A created one is removed, a reopened one is left, unless said here.
    pub fn keep_on_drop(&mut self, keep: bool) {
        self.partial.keep = keep;
    }
}

/// Waits until the names in the directory of `target` are on the disk, its own among them. Does nothing where there is no way to.
///
/// # Errors
/// Of opening and syncing the directory.
#[cfg(unix)]
pub fn sync_directory(target: &Path) -> Result<(), DataError> {
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let synced = File::open(parent).and_then(|directory| directory.sync_all());
    synced.map_err(|source| io_error("sync", parent, source))
}

/// Waits until the names in the directory of `target` are on the disk, its own among them. Does nothing where there is no way to.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn sync_directory(_: &Path) -> Result<(), DataError> {
    Ok(())
}
