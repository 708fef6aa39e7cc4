//! What a file holds, without reading its elements.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use numloom_data::error::ShapeText;

use crate::error::{IoError, IoErrorKind};
use crate::npy::{self, Header, header::to_npy_descr};
use crate::npz::Archive;
use crate::raw::open_regular;

/// What [`probe`] found. Prints as a few lines for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub len_bytes: u64,
    /// What it is.
    pub format: FileFormat,
}

/// What kind of file it is, and its header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFormat {
    /// An `.npy` file; its data may be cut short.
    Npy(Header),
    /// An archive of `.npy` files, by their names there; of one that cannot be read, why.
    Npz(Vec<(String, Result<Header, String>)>),
    /// No header that is known: raw elements, or something else.
    Unknown,
}

/// Looks at the beginning of a file. A file cut short is no error here: [`FileInfo::missing_bytes`] tells.
///
/// # Errors
/// [`Io`](IoErrorKind::Io); [`Data`](IoErrorKind::Data) for a directory, pipe or device; those of
/// [`npy::parse_header`] if it begins as an `.npy` file, [`BadArchive`](IoErrorKind::BadArchive) if as an archive.
///
/// ```
/// use numloom_data::View;
/// use numloom_io::{npy, probe};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.npy");
/// npy::write(&path, &View::from_slice(&[1.0, 2.0, 3.0]))?;
/// let info = probe(&path)?;
/// assert_eq!((info.len_bytes, info.missing_bytes()), (152, 0));
/// assert!(info.to_string().contains("f64, shape (3,)"));
/// # Ok::<(), numloom_io::IoError>(())
/// ```
pub fn probe(path: impl AsRef<Path>) -> Result<FileInfo, IoError> {
    let path = path.as_ref();
    let mut file = open_regular(path)?;
    let io = |source| IoError::io("read", source).at(path);
    let len_bytes = file.metadata().map_err(io)?.len();
    let format = match npy::read_header(&mut file) {
        Ok(header) => FileFormat::Npy(header),
        Err(error) => match error.kind() {
            IoErrorKind::BadMagic { .. } if is_zip(&mut file).map_err(io)? => {
                let mut archive = Archive::open(path)?;
                let names: Vec<String> = archive.names().map(str::to_owned).collect();
                let look = |name: String| {
                    let member = archive.member(&name);
                    let header = member.map(|member| member.header);
                    (name, header.map_err(|error| reason(path, &error)))
                };
                FileFormat::Npz(names.into_iter().map(look).collect())
            }
            IoErrorKind::BadMagic { .. } | IoErrorKind::Empty => FileFormat::Unknown,
            _ => return Err(error.at(path)),
        },
    };
    Ok(FileInfo {
        path: path.into(),
        len_bytes,
        format,
    })
}

/// What an error says, without the path: that is said of all.
fn reason(path: &Path, error: &IoError) -> String {
    let text = error.to_string();
    let path = format!("`{}`: ", path.display());
    text.strip_prefix(&path).unwrap_or(&text).to_owned()
}

/// Whether a file begins as an archive does.
fn is_zip(file: &mut File) -> io::Result<bool> {
    let mut magic = [0; 4];
    file.rewind()?;
    match file.read_exact(&mut magic) {
        Ok(()) => Ok(&magic == b"PK\x03\x04" || &magic == b"PK\x05\x06"),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

impl FileInfo {
    /// How many bytes the last element lies past the end of the file; 0 for a whole file.
    #[must_use]
    pub fn missing_bytes(&self) -> u64 {
        match &self.format {
            FileFormat::Npy(header) => {
                let needed = header.data_offset.saturating_add(header.data_bytes());
                needed.saturating_sub(self.len_bytes)
            }
            // That members are whole is a condition of reading the archive.
            FileFormat::Npz(_) | FileFormat::Unknown => 0,
        }
    }
}

impl fmt::Display for FileInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} bytes", self.path.display(), self.len_bytes)?;
        match &self.format {
            FileFormat::Unknown => {
                f.write_str("no header that is known; raw elements need a description")
            }
            FileFormat::Npz(members) => {
                write!(f, ".npz archive: {} arrays", members.len())?;
                members.iter().try_for_each(|(name, header)| {
                    write!(f, "\n{}: ", name.escape_debug())?;
                    match header {
                        Ok(header) => {
                            let (dtype, shape) = (header.dtype, ShapeText(&header.shape));
                            write!(f, "{dtype}, shape {shape}, {} order", header.order())
                        }
                        Err(reason) => write!(f, "cannot be read: {reason}"),
                    }
                })
            }
            FileFormat::Npy(header) => {
                writeln!(
                    f,
                    ".npy version {}: {}, shape {}, {} order, `{}` from byte {}",
                    header.version,
                    header.dtype,
                    ShapeText(&header.shape),
                    header.order(),
                    to_npy_descr(header.dtype, header.byte_order),
                    header.data_offset
                )?;
                match self.missing_bytes() {
                    0 => write!(f, "whole: {} bytes of elements", header.data_bytes()),
                    n => write!(
                        f,
                        "cut short: {n} of {} bytes are missing",
                        header.data_bytes()
                    ),
                }
            }
        }
    }
}
