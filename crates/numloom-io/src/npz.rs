//! Members of `.npz` archives: `.npy` files in a zip file, stored or deflated. A stored one can be mapped where it lies; a deflated one is read from its start.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use numloom_data::{DType, MapMode, MappedArray, Order};

use crate::error::{IoError, IoErrorKind};
use crate::npy::{Header, read_header};
use crate::raw::{self, RawSpec, open_regular};

/// An array in an archive.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Without `.npy`.
    pub(crate) name: String,
    pub(crate) header: Header,
    deflated: bool,
    /// Where its bytes, compressed or not, begin in the archive, and how many they are.
    start: u64,
    compressed_bytes: u64,
    /// Bytes of the `.npy` file, and their checksum.
    bytes: u64,
    crc: u32,
}

/// An archive, of which the directory has been read.
pub(crate) struct Archive<'p> {
    path: &'p Path,
    zip: ZipArchive<BufReader<File>>,
    /// The names of the `.npy` files, without that, and where they are in the directory. What has a name that is no text cannot be asked for.
    names: Vec<(String, usize)>,
}

impl<'p> Archive<'p> {
    pub(crate) fn open(path: &'p Path) -> Result<Archive<'p>, IoError> {
        let zip = ZipArchive::new(BufReader::new(open_regular(path)?));
        let zip = zip.map_err(|error| damaged(path, error))?;
        let name = |(index, name): (usize, zip::result::ZipResult<Cow<'_, str>>)| {
            let name = name.ok()?.strip_suffix(".npy")?.to_owned();
            Some((name, index))
        };
        let names = zip.file_names().enumerate().filter_map(name).collect();
        Ok(Archive { path, zip, names })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| &name[..])
    }

    /// The member of this name, of which the header is read.
    pub(crate) fn member(&mut self, name: &str) -> Result<Member, IoError> {
        let path = self.path;
        let refused = |kind| Err(IoError::new(kind).at(path));
        let bad = |reason| refused(IoErrorKind::BadArchive { reason });
        let Some(&(_, index)) = self.names.iter().find(|(found, _)| found == name) else {
            return refused(IoErrorKind::UnknownMember {
                member: name.to_owned(),
                members: self.names().map(str::to_owned).collect(),
            });
        };
        let shown = name.escape_debug();
        let file = self.zip.by_index_raw(index);
        let file = file.map_err(|error| damaged(path, error))?;
        let deflated = match file.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            other => {
                return bad(format!(
                    "`{shown}` is compressed by {other}, which is not read"
                ));
            }
        };
        if file.encrypted() {
            return bad(format!("`{shown}` is encrypted"));
        }
        let Some(start) = file.data_start() else {
            return bad(format!("`{shown}` is nowhere in it"));
        };
        let mut member = Member {
            name: name.to_owned(),
            header: Header::new(DType::U8, &[], Order::C)?,
            deflated,
            start,
            compressed_bytes: file.compressed_size(),
            bytes: file.size(),
            crc: file.crc32(),
        };
        drop(file);
        if !deflated && member.compressed_bytes != member.bytes {
            // What is beyond belongs to another member.
            return bad(format!(
                "`{shown}` is stored as it is in {} bytes, and has {}",
                member.compressed_bytes, member.bytes
            ));
        }
        member.header = read_header(&mut member.open(path)?).map_err(|error| error.at(path))?;
        let header = &member.header;
        let needed = header.data_offset.saturating_add(header.data_bytes());
        if member.bytes < needed {
            return refused(IoErrorKind::TruncatedData {
                shape: header.shape.clone(),
                dtype: header.dtype,
                needed: header.data_bytes(),
                found: member.bytes.saturating_sub(header.data_offset),
            });
        }
        if member.bytes > needed {
            return bad(format!("`{shown}` has more bytes than its elements"));
        }
        Ok(member)
    }
}

fn damaged(path: &Path, error: zip::result::ZipError) -> IoError {
    let error = match error {
        zip::result::ZipError::Io(source) => IoError::io("read", source),
        error => IoError::new(IoErrorKind::BadArchive {
            reason: error.to_string(),
        }),
    };
    error.at(path)
}

/// Maps a member that is stored as it is, to be read.
pub(crate) fn open(path: &Path, name: &str, mode: MapMode) -> Result<MappedArray, IoError> {
    let member = Archive::open(path)?.member(name)?;
    let refused = |kind| Err(IoError::new(kind).at(path));
    if !matches!(mode, MapMode::Read | MapMode::CopyOnWrite) {
        let member = member.name;
        return refused(IoErrorKind::MemberWritten { member });
    }
    let Some(offset) = member.stored_at() else {
        let member = member.name;
        return refused(IoErrorKind::CompressedMember { member });
    };
    let spec = RawSpec {
        dtype: member.header.dtype,
        byte_order: member.header.byte_order,
        offset,
        order: member.header.order(),
        shape: Some(member.header.shape),
    };
    raw::open(path, &spec, mode)
}

impl Member {
    /// Where the elements begin in the archive, if they are stored there as they are.
    pub(crate) fn stored_at(&self) -> Option<u64> {
        (!self.deflated).then_some(self.start.saturating_add(self.header.data_offset))
    }

    /// Its `.npy` file, from the first byte on; the checksum is compared at its end.
    fn open(&self, path: &Path) -> Result<Box<dyn Read + Send>, IoError> {
        let mut file = open_regular(path)?;
        file.seek(SeekFrom::Start(self.start))
            .map_err(|source| IoError::io("read", source).at(path))?;
        let raw = BufReader::with_capacity(1 << 16, file).take(self.compressed_bytes);
        let bytes: Box<dyn Read + Send> = match self.deflated {
            true => Box::new(DeflateDecoder::new(raw)),
            false => Box::new(raw),
        };
        Ok(Box::new(Checked {
            bytes,
            crc: Crc::new(),
            want: self.crc,
            left: self.bytes,
        }))
    }

    /// Its elements, from the first on.
    pub(crate) fn elements(&self, path: &Path) -> Result<Box<dyn Read + Send>, IoError> {
        let mut bytes = self.open(path)?;
        let mut header = bytes.by_ref().take(self.header.data_offset);
        io::copy(&mut header, &mut io::sink())
            .map_err(|source| IoError::io("read", source).at(path))?;
        Ok(bytes)
    }
}

/// Compares a checksum once all is read.
struct Checked {
    bytes: Box<dyn Read + Send>,
    crc: Crc,
    want: u32,
    left: u64,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.read(buffer)?;
        self.crc.update(&buffer[..n]);
        self.left = self.left.saturating_sub(n as u64);
        if n > 0 && self.left == 0 && self.crc.sum() != self.want {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum of a member of the archive is wrong",
            ));
        }
        Ok(n)
    }
}
