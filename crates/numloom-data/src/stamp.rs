//! Which file it is, and whether it has changed since.

use std::fs::Metadata;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the system says of a file: equal stamps mean the same file, not written to in between as far as its times tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileStamp {
    /// The volume and the number of the file on it; zeros where the system has no such numbers.
    pub file: (u64, u64),
    /// Its length in bytes.
    pub len: u64,
    /// When it was written to, in nanoseconds since 1970; 0 if that is not known.
    pub modified: i128,
}

impl FileStamp {
    /// The stamp that `metadata` gives.
    #[must_use]
    pub fn of(metadata: &Metadata) -> FileStamp {
        let since = |time: SystemTime| match time.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_nanos().cast_signed(),
            Err(before) => -before.duration().as_nanos().cast_signed(),
        };
        FileStamp {
            file: number(metadata),
            len: metadata.len(),
            modified: metadata.modified().map_or(0, since),
        }
    }

    /// Whether both are of one file, changed or not.
    #[must_use]
    pub fn is_same_file(&self, other: &FileStamp) -> bool {
        self.file == other.file && self.file != (0, 0)
    }
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
