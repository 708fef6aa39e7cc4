//! Where bytes come from.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use crate::error::{IoError, IoErrorKind};
use crate::raw::open_regular;

/// What a gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes as they come, in order.
pub(crate) type Bytes = Box<dyn Read + Send>;

/// A text that is read once or again, from its first record on: what begins as a gzip file is decompressed, a byte order mark and
/// some lines are left out.
pub(crate) struct Input {
    from: From,
    skip_lines: usize,
}

enum From {
    File(PathBuf),
    Memory(Arc<[u8]>),
    /// Taken by the pass that reads it.
    Once(Option<Text>),
}

/// An opened text.
pub(crate) struct Text {
    pub(crate) bytes: Bytes,
    /// How much of it, before `bytes`, was left out.
    pub(crate) skipped: Skipped,
}

/// Bytes, decompressed, and lines that were left out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skipped {
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
}

impl Input {
    pub(crate) fn file(path: &Path, skip_lines: usize) -> Input {
        Input {
            from: From::File(path.into()),
            skip_lines,
        }
    }

    pub(crate) fn memory(bytes: impl Into<Arc<[u8]>>, skip_lines: usize) -> Input {
        Input {
            from: From::Memory(bytes.into()),
            skip_lines,
        }
    }

    pub(crate) fn once(
        reader: impl Read + Send + 'static,
        skip_lines: usize,
    ) -> Result<Input, IoError> {
        let text = open(Box::new(reader), skip_lines)?;
        Ok(Input {
            from: From::Once(Some(text)),
            skip_lines,
        })
    }

    /// From the first record on; none if it was read before and cannot be again.
    pub(crate) fn open(&mut self) -> Result<Option<Text>, IoError> {
        let bytes: Bytes = match &mut self.from {
            From::File(path) => Box::new(open_regular(path)?),
            From::Memory(bytes) => Box::new(Cursor::new(bytes.clone())),
            From::Once(text) => return Ok(text.take()),
        };
        open(bytes, self.skip_lines)
            .map(Some)
            .map_err(|error| self.named(error))
    }

    /// Gives back what was only looked at, if it cannot be opened again.
    pub(crate) fn put_back(&mut self, text: Text) {
        if let From::Once(taken) = &mut self.from {
            *taken = Some(text);
        }
    }

    pub(crate) fn can_restart(&self) -> bool {
        !matches!(self.from, From::Once(None))
    }

    /// How many bytes there are, if nothing needs to be read to know it.
    pub(crate) fn size_bytes(&self) -> Option<u64> {
        match &self.from {
            From::Memory(bytes) => (!bytes.starts_with(&GZIP)).then_some(bytes.len() as u64),
            From::File(path) => {
                let mut magic = [0; GZIP.len()];
                let mut file = File::open(path).ok()?;
                let compressed = file.read_exact(&mut magic).is_ok() && magic == GZIP;
                (!compressed).then(|| file.metadata().ok().map(|m| m.len()))?
            }
            From::Once(_) => None,
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.from {
            From::File(path) => Some(path),
            _ => None,
        }
    }

    /// The error with the file's name, if there is a file.
    fn named(&self, error: IoError) -> IoError {
        match self.path() {
            Some(path) => error.at(path),
            None => error,
        }
    }
}

fn open(bytes: Bytes, skip_lines: usize) -> Result<Text, IoError> {
    let io = |source| IoError::io("read", source);
    let (mut bytes, mark) = peek::<3>(gunzip(bytes).map_err(io)?).map_err(io)?;
    let mut skipped = Skipped::default();
    match mark[..] {
        [0xef, 0xbb, 0xbf] => {
            skipped.bytes = 3;
            bytes.read_exact(&mut [0; 3]).map_err(io)?;
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            return Err(IoError::new(IoErrorKind::Encoding { found: "UTF-16" }));
        }
        _ => {}
    }
    // Reads of whole pieces go past its buffer.
    let mut bytes = BufReader::new(bytes);
    for _ in 0..skip_lines {
        match bytes.skip_until(b'\n').map_err(io)? {
            0 => break,
            n => skipped.bytes += n as u64,
        }
        skipped.lines += 1;
    }
    Ok(Text {
        bytes: Box::new(bytes),
        skipped,
    })
}

/// The bytes, or what they are the gzip of.
fn gunzip(bytes: Bytes) -> io::Result<Bytes> {
    let (bytes, magic) = peek::<2>(bytes)?;
    Ok(if magic == GZIP {
        Box::new(MultiGzDecoder::new(bytes))
    } else {
        bytes
    })
}

/// The first `N` bytes, or all if there are fewer, which are still to be read.
fn peek<const N: usize>(mut bytes: Bytes) -> io::Result<(Bytes, Vec<u8>)> {
    let mut first = Vec::with_capacity(N);
    bytes.by_ref().take(N as u64).read_to_end(&mut first)?;
    Ok((Box::new(Cursor::new(first.clone()).chain(bytes)), first))
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            From::File(path) => write!(f, "File({path:?})"),
            From::Memory(bytes) => write!(f, "Memory({} bytes)", bytes.len()),
            From::Once(_) => f.write_str("Once"),
        }
    }
}
