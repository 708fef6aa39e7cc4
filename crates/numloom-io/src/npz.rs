//! Members of `.npz` archives: `.npy` files in a zip file, stored or deflated. A stored one can be mapped where it lies; a deflated one is read from its start.

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

/// The members of an archive: what is no `.npy` file is left out.
pub(crate) fn members(path: &Path) -> Result<Vec<Member>, IoError> {
    let damaged = |error: zip::result::ZipError| match error {
        zip::result::ZipError::Io(source) => IoError::io("read", source).at(path),
        error => IoError::new(IoErrorKind::BadArchive {
            reason: error.to_string(),
        })
        .at(path),
    };
    let mut archive = ZipArchive::new(BufReader::new(open_regular(path)?)).map_err(damaged)?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(damaged)?;
        let name = file.name().map_err(damaged)?;
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else {
            continue;
        };
        let deflated = match file.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            other => {
                let reason = format!("`{name}` is compressed by {other}, which is not read");
                return Err(IoError::new(IoErrorKind::BadArchive { reason }).at(path));
            }
        };
        if file.encrypted() {
            let reason = format!("`{name}` is encrypted");
            return Err(IoError::new(IoErrorKind::BadArchive { reason }).at(path));
        }
        let start = file.data_start().ok_or_else(|| {
            let reason = format!("`{name}` is nowhere in it");
            IoError::new(IoErrorKind::BadArchive { reason }).at(path)
        })?;
        let (compressed_bytes, bytes, crc) = (file.compressed_size(), file.size(), file.crc32());
        drop(file);
        let mut member = Member {
            name,
            header: Header::new(DType::U8, &[], Order::C)?,
            deflated,
            start,
            compressed_bytes,
            bytes,
            crc,
        };
        let mut reader = member.open(path)?;
        member.header = read_header(&mut reader).map_err(|error| error.at(path))?;
        let needed = member
            .header
            .data_offset
            .saturating_add(member.header.data_bytes());
        if bytes < needed {
            let kind = IoErrorKind::TruncatedData {
                shape: member.header.shape.clone(),
                dtype: member.header.dtype,
                needed: member.header.data_bytes(),
                found: bytes.saturating_sub(member.header.data_offset),
            };
            return Err(IoError::new(kind).at(path));
        }
        members.push(member);
    }
    Ok(members)
}

/// The member of this name.
pub(crate) fn find(path: &Path, name: &str) -> Result<Member, IoError> {
    let mut members = members(path)?;
    let found = members.iter().position(|member| member.name == name);
    found.map(|at| members.swap_remove(at)).ok_or_else(|| {
        let names = members.into_iter().map(|member| member.name);
        let unknown = IoErrorKind::UnknownMember {
            member: name.to_owned(),
            members: names.collect(),
        };
        IoError::new(unknown).at(path)
    })
}

/// Maps a member that is stored as it is, to be read.
pub(crate) fn open(path: &Path, name: &str, mode: MapMode) -> Result<MappedArray, IoError> {
    let member = find(path, name)?;
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
