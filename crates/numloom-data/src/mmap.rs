#![expect(unsafe_code, reason = "maps files")]
//! Bytes of a file, mapped into memory.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use memmap2::{MmapOptions, MmapRaw};

use crate::error::{DataError, DataErrorKind};
use crate::output::Partial;
use crate::stamp::FileStamp;

/// How a file is mapped, with NumPy's names.
///
/// ```
/// use numloom_data::MapMode;
/// assert_eq!("r+".parse(), Ok(MapMode::ReadWrite));
/// assert_eq!(MapMode::Create.to_string(), "w+");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MapMode {
    /// `r`: an existing file, to read.
    #[default]
    Read,
    /// `r+`: an existing file, to read and change.
    ReadWrite,
    /// `w+`: a new file of zeros, to read and change. A file of that name is replaced once the space is there.
    Create,
    /// `c`: an existing file; changes stay in memory.
    CopyOnWrite,
}

impl MapMode {
    /// Every mode.
    pub const ALL: [MapMode; 4] = [
        MapMode::Read,
        MapMode::ReadWrite,
        MapMode::Create,
        MapMode::CopyOnWrite,
    ];

    /// May the mapped memory be written to?
    #[must_use]
    pub fn is_writable(self) -> bool {
        self != MapMode::Read
    }
}

impl fmt::Display for MapMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            MapMode::Read => "r",
            MapMode::ReadWrite => "r+",
            MapMode::Create => "w+",
            MapMode::CopyOnWrite => "c",
        })
    }
}

/// Reads `r`, `r+`, `w+`, `c`.
impl FromStr for MapMode {
    type Err = DataError;

    fn from_str(text: &str) -> Result<MapMode, DataError> {
        let named = MapMode::ALL
            .into_iter()
            .find(|mode| mode.to_string() == text);
        named.ok_or_else(|| DataErrorKind::UnknownMapMode { text: text.into() }.into())
    }
}

/// What will be done with a range of a map next: a hint to the system, which never changes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Advice {
    /// It will be read from front to back.
    Sequential,
    /// It is read next: brought in and mapped before the call returns, so that nobody waits for a page later. On Linux.
    PopulateRead,
    /// It will not be needed soon: its pages need not count as this process's. Changes are kept.
    Release,
}

/// A range of bytes of a file, mapped into memory.
///
/// An empty range is fine. The memory is only reached through raw pointers: another process may change or truncate the
/// file at any time, so no reference to it is ever formed. After such a change the values read are unspecified; after a
/// truncation, an access to the missing pages raises SIGBUS on Unix, so call [`check_len`](Mmap::check_len) before each
/// run.
pub struct Mmap {
    /// None for an empty range, which the system would refuse.
    map: Option<MmapRaw>,
    file: File,
    path: PathBuf,
    mode: MapMode,
    offset: u64,
}

impl Mmap {
    /// Maps `len_bytes` bytes from `offset` on, or all the rest of the file. Neither needs to be a multiple of a page.
    ///
    /// [`Create`](MapMode::Create) makes a file of `offset + len_bytes` zeros, whose space is reserved first where the
    /// system can (on Linux), under its name with `.partial` added, and then takes over the name. A file of that name is
    /// not touched until then, and maps of it stay whole.
    ///
    /// # Errors
    /// [`Io`](DataErrorKind::Io), [`NotAFile`](DataErrorKind::NotAFile), [`Truncated`](DataErrorKind::Truncated) if the
    /// file is too short, [`NoSpace`](DataErrorKind::NoSpace), [`InUse`](DataErrorKind::InUse), and
    /// [`ShapeNeeded`](DataErrorKind::ShapeNeeded) if a new file is given no length.
    pub fn open(
        path: impl AsRef<Path>,
        mode: MapMode,
        offset: u64,
        len_bytes: Option<u64>,
    ) -> Result<Mmap, DataError> {
        let path = path.as_ref();
        if mode == MapMode::Create {
            let len = len_bytes.ok_or_else(|| DataErrorKind::ShapeNeeded { path: path.into() })?;
            let needed = total(path, offset, len)?;
            let file = Partial::create(path, needed)?.commit()?;
            return Mmap::over(file, path, mode, offset, len);
        }
        let file = open_file(path, mode == MapMode::ReadWrite)?;
        let found = file_len(&file, path)?;
        let len = match len_bytes {
            Some(len) => len,
            None => found
                .checked_sub(offset)
                .ok_or_else(|| truncated(path, offset, found))?,
        };
        let needed = total(path, offset, len)?;
        if found < needed {
            return Err(truncated(path, needed, found));
        }
        Mmap::over(file, path, mode, offset, len)
    }

    /// Maps a range that the file is known to have.
    pub(crate) fn over(
        file: File,
        path: &Path,
        mode: MapMode,
        offset: u64,
        len: u64,
    ) -> Result<Mmap, DataError> {
        let map = if len == 0 {
            None
        } else {
            let failed = |source| io_error("map", path, source);
            let len =
                usize::try_from(len).map_err(|_| failed(io::ErrorKind::FileTooLarge.into()))?;
            let mut options = MmapOptions::new();
            options.offset(offset).len(len);
            let map = match mode {
                MapMode::Read => options.map_raw_read_only(&file),
                MapMode::ReadWrite | MapMode::Create => options.map_raw(&file),
                // SAFETY: `map_copy` is unsafe because a `MmapMut` lends out slices, which others could change under us.
                // It becomes a `MmapRaw` at once, which lends out pointers only.
                MapMode::CopyOnWrite => unsafe { options.map_copy(&file) }.map(MmapRaw::from),
            };
            Some(map.map_err(failed)?)
        };
        Ok(Mmap {
            map,
            file,
            path: path.into(),
            mode,
            offset,
        })
    }

    /// The file's name, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it was opened.
    #[must_use]
    pub fn mode(&self) -> MapMode {
        self.mode
    }

    /// Where in the file the map begins, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes are mapped.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.as_ref().map_or(0, MmapRaw::len)
    }

    /// No bytes at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_none()
    }

    /// The file itself, for `read_at` and the like.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The address of the first byte; dangling if there is none.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.map
            .as_ref()
            .map_or(std::ptr::dangling(), MmapRaw::as_ptr)
    }

    /// The address of the first byte, for writing.
    ///
    /// # Errors
    /// [`ReadOnly`](DataErrorKind::ReadOnly).
    pub fn as_mut_ptr(&mut self) -> Result<*mut u8, DataError> {
        if !self.mode.is_writable() {
            return Err(DataErrorKind::ReadOnly {
                path: self.path.clone(),
            }
            .into());
        }
        Ok(self
            .map
            .as_ref()
            .map_or(std::ptr::dangling_mut(), MmapRaw::as_mut_ptr))
    }

    /// Checks that the file still has all mapped bytes: it may have been truncated since.
    ///
    /// # Errors
    /// [`Truncated`](DataErrorKind::Truncated), [`Io`](DataErrorKind::Io).
    pub fn check_len(&self) -> Result<(), DataError> {
        let found = file_len(&self.file, &self.path)?;
        let needed = self.offset + self.len() as u64;
        if found < needed {
            return Err(truncated(&self.path, needed, found));
        }
        Ok(())
    }

    /// Writes changes to the file and waits for it. Nothing to do for modes `r` and `c`.
    ///
    /// # Errors
    /// [`Io`](DataErrorKind::Io).
    pub fn flush(&self) -> Result<(), DataError> {
        self.flush_range(0..self.len())
    }

    /// [`flush`](Mmap::flush) for some of the mapped bytes; a range past the end is cut.
    ///
    /// # Errors
    /// [`Io`](DataErrorKind::Io).
    pub fn flush_range(&self, bytes: Range<usize>) -> Result<(), DataError> {
        let (Some(map), Some((start, n))) = (&self.map, cut(&bytes, self.len())) else {
            return Ok(());
        };
        if matches!(self.mode, MapMode::Read | MapMode::CopyOnWrite) {
            return Ok(());
        }
        map.flush_range(start, n)
            .map_err(|source| io_error("flush", &self.path, source))
    }

    /// Lets the system begin to write changes in some of the mapped bytes to the disk, and does not wait; a range past the end is cut. Only a hint, on Linux.
    pub fn write_back(&self, bytes: Range<usize>) {
        #[cfg(target_os = "linux")]
        if let Some((start, n)) = cut(&bytes, self.len())
            && matches!(self.mode, MapMode::ReadWrite | MapMode::Create)
        {
            use std::os::fd::AsRawFd;
            let from = self.offset + start as u64;
            let (fd, write) = (self.file.as_raw_fd(), libc::SYNC_FILE_RANGE_WRITE);
            // What fails here fails again, and is told, where changes are flushed.
            // SAFETY: a call without pointers; the descriptor is open as long as `self.file`.
            let _ = unsafe { libc::sync_file_range(fd, from.cast_signed(), n as i64, write) };
        }
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
    }

    /// Which file it is, and its length and time of change as they are now.
    ///
    /// # Errors
    /// [`Io`](DataErrorKind::Io).
    pub fn stamp(&self) -> Result<FileStamp, DataError> {
        let metadata = self.file.metadata();
        let metadata = metadata.map_err(|source| io_error("stat", &self.path, source))?;
        Ok(FileStamp::of(&metadata))
    }

    /// Tells the system what comes next for some of the mapped bytes; a range past the end is cut. Does nothing where the
    /// system takes no advice, and on [`Release`](Advice::Release) of a copy-on-write map, whose changes it would lose.
    ///
    /// # Errors
    /// [`Io`](DataErrorKind::Io).
    pub fn advise(&self, advice: Advice, bytes: Range<usize>) -> Result<(), DataError> {
        let (Some(map), Some((start, n))) = (&self.map, cut(&bytes, self.len())) else {
            return Ok(());
        };
        #[cfg(unix)]
        {
            use memmap2::UncheckedAdvice;
            let result = match advice {
                Advice::Sequential => map.advise_range(memmap2::Advice::Sequential, start, n),
                #[cfg(target_os = "linux")]
                Advice::PopulateRead => map.advise_range(memmap2::Advice::PopulateRead, start, n),
                #[cfg(not(target_os = "linux"))]
                Advice::PopulateRead => Ok(()),
                Advice::Release if self.mode == MapMode::CopyOnWrite => Ok(()),
                // SAFETY: the map is shared with the file (copies were left out just above), so dropping its pages from
                // this process changes no byte: the next access reads them from the page cache again.
                Advice::Release => unsafe {
                    map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, n)
                },
            };
            result.map_err(|source| io_error("advise on", &self.path, source))
        }
        #[cfg(not(unix))]
        {
            let _ = (map, advice, start, n);
            Ok(())
        }
    }
}

impl fmt::Debug for Mmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Mmap({:?}, mode {}, {} bytes from {})",
            self.path,
            self.mode,
            self.len(),
            self.offset
        )
    }
}

/// The part of a range that is below `len`: its start and how many bytes; none if that is nothing.
fn cut(bytes: &Range<usize>, len: usize) -> Option<(usize, usize)> {
    let end = bytes.end.min(len);
    (bytes.start < end).then(|| (bytes.start, end - bytes.start))
}

/// The length a file must have.
pub(crate) fn total(path: &Path, offset: u64, len: u64) -> Result<u64, DataError> {
    offset
        .checked_add(len)
        .ok_or_else(|| io_error("map", path, io::ErrorKind::FileTooLarge.into()))
}

pub(crate) fn io_error(action: &'static str, path: &Path, source: io::Error) -> DataError {
    DataErrorKind::Io {
        action,
        path: path.into(),
        source,
    }
    .into()
}

pub(crate) fn truncated(path: &Path, needed: u64, found: u64) -> DataError {
    DataErrorKind::Truncated {
        path: path.into(),
        needed,
        found,
    }
    .into()
}

pub(crate) fn file_len(file: &File, path: &Path) -> Result<u64, DataError> {
    let metadata = file
        .metadata()
        .map_err(|source| io_error("stat", path, source))?;
    Ok(metadata.len())
}

/// Opens an existing regular file. Others are refused before opening them, which could wait for ever on a pipe.
pub(crate) fn open_file(path: &Path, write: bool) -> Result<File, DataError> {
    let metadata = fs::metadata(path).map_err(|source| io_error("open", path, source))?;
    check_regular(path, &metadata)?;
    let mut options = OpenOptions::new();
    options.read(true).write(write);
    options
        .open(path)
        .map_err(|source| io_error("open", path, source))
}

/// Refuses directories, pipes and devices.
pub(crate) fn check_regular(path: &Path, metadata: &fs::Metadata) -> Result<(), DataError> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() {
        "a directory"
    } else {
        special(metadata)
    };
    Err(DataErrorKind::NotAFile {
        path: path.into(),
        found,
    }
    .into())
}

#[cfg(unix)]
fn special(metadata: &fs::Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: &fs::Metadata) -> &'static str {
    "something else"
}
