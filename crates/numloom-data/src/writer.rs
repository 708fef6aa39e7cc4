//! Files that are written from front to back, and appear under their name only when they are whole.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use crate::error::DataError;
use crate::mmap::io_error;
use crate::output::{Partial, sync_directory};

/// A file of a length that is not known beforehand: written under its name with `.partial` added, which it loses on
/// [`commit`](OutputWriter::commit).
///
/// Dropped without it, nothing is left behind, and a file of that name is as it was. Writes go straight to the file: put a
/// [`BufWriter`](io::BufWriter) around small ones.
///
/// ```
/// use std::io::Write;
/// use numloom_data::OutputWriter;
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("c.txt");
/// let mut out = OutputWriter::create(&path)?;
/// out.write_all(b"1 2 3\n").unwrap();
/// assert!(!path.exists());
/// out.commit()?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"1 2 3\n");
/// # Ok::<(), numloom_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct OutputWriter {
    partial: Partial,
}

impl OutputWriter {
    /// A new file, empty.
    ///
    /// # Errors
    /// [`Io`](crate::DataErrorKind::Io), [`InUse`](crate::DataErrorKind::InUse),
    /// [`NotAFile`](crate::DataErrorKind::NotAFile).
    pub fn create(path: impl AsRef<Path>) -> Result<OutputWriter, DataError> {
        let partial = Partial::create(path.as_ref(), 0)?;
        Ok(OutputWriter { partial })
    }

    /// The name that the file will have.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.partial.target
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// [`Io`](crate::DataErrorKind::Io); the unfinished file is then dropped.
    pub fn commit(self) -> Result<(), DataError> {
        self.partial.commit().map(drop)
    }

    /// [`commit`](OutputWriter::commit) once the file has reached the disk, and waits until its name has, too.
    ///
    /// # Errors
    /// As [`commit`](OutputWriter::commit).
    pub fn commit_synced(self) -> Result<(), DataError> {
        let target = self.partial.target.clone();
        self.partial
            .file()
            .sync_all()
            .map_err(|source| io_error("sync", &target, source))?;
        self.commit()?;
        sync_directory(&target)
    }
}

impl Write for OutputWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.partial.file().flush()
    }
}

impl Seek for OutputWriter {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.partial.file().seek(to)
    }
}
