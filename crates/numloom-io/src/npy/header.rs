//! The header of an `.npy` file.
//!
//! ```text
//! 0  \x93NUMPY   magic
//! 6  1 0         version, major and minor
//! 8  76 00       length of the text, u16 (version 1) or u32 (2, 3), little-endian
//! 10 {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   \n
//! ```
//! The text is padded with spaces so that the elements begin at a multiple of 64.

use std::io::{Read, Write};

use numloom_data::error::ShapeText;
use numloom_data::{ByteOrder, DType, Order, shape};

use super::records::Field;
use crate::error::{IoError, IoErrorKind};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Elements begin at a multiple of this.
const ALIGN: usize = 64;
/// The longest text that is read. Ours need at most some 1,600 bytes.
const MAX_TEXT: usize = 1 << 20;
/// As many axes as NumPy allows.
const MAX_AXES: usize = 64;

/// What an `.npy` file says about its array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of the elements.
    pub dtype: DType,
    /// Order of the bytes in each element.
    pub byte_order: ByteOrder,
    /// Does the first axis vary fastest?
    pub fortran_order: bool,
    /// Extents; their product with the item size fits the address space.
    pub shape: Vec<usize>,
    /// Bytes before the first element.
    pub data_offset: u64,
    /// Major version of the format.
    pub version: u8,
}

impl Header {
    /// The header of an array in native byte order, as [`write_header`] writes it.
    ///
    /// # Errors
    /// [`TooManyAxes`](IoErrorKind::TooManyAxes), and a shape that overflows.
    pub fn new(dtype: DType, shape: &[usize], order: Order) -> Result<Header, IoError> {
        if shape.len() > MAX_AXES {
            return Err(IoError::new(IoErrorKind::TooManyAxes { limit: MAX_AXES }));
        }
        shape::size_bytes(shape, dtype.itemsize())?;
        let mut header = Header {
            dtype,
            byte_order: ByteOrder::Native,
            fortran_order: order == Order::F,
            shape: shape.to_vec(),
            data_offset: 0,
            version: 1,
        };
        header.data_offset = header.to_bytes().len() as u64;
        Ok(header)
    }

    /// Order of the elements.
    #[must_use]
    pub fn order(&self) -> Order {
        if self.fortran_order {
            Order::F
        } else {
            Order::C
        }
    }

    /// Bytes of all elements.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        let bytes = shape::size_bytes(&self.shape, self.dtype.itemsize());
        bytes.expect("checked when the header was made") as u64
    }

    /// The bytes before the first element, in the header's version.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes_of(0)
    }

    /// The same, at least so many of them, in a multiple of 64.
    pub(super) fn to_bytes_of(&self, least: usize) -> Vec<u8> {
        let text = format!(
            "{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}",
            to_npy_descr(self.dtype, self.byte_order),
            if self.fortran_order { "True" } else { "False" },
            ShapeText(&self.shape)
        );
        let lead = if self.version == 1 { 10 } else { 12 };
        let total = (lead + text.len() + 1).max(least).next_multiple_of(ALIGN);
        let len = total - lead;
        let mut bytes = Vec::with_capacity(total);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[self.version, 0]);
        // At most 64 extents of 20 digits: both lengths fit.
        if self.version == 1 {
            bytes.extend_from_slice(&(len as u16).to_le_bytes());
        } else {
            bytes.extend_from_slice(&(len as u32).to_le_bytes());
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes.resize(total - 1, b' ');
        bytes.push(b'\n');
        bytes
    }
}

/// Writes the bytes before the first element.
///
/// # Errors
/// [`Io`](IoErrorKind::Io).
pub fn write_header(to: &mut impl Write, header: &Header) -> Result<(), IoError> {
    to.write_all(&header.to_bytes())
        .map_err(|source| IoError::io("write", source))
}

/// Reads a header and leaves the reader at the first element.
///
/// # Errors
/// Those of [`parse_header`], and [`Io`](IoErrorKind::Io).
pub fn read_header(from: &mut impl Read) -> Result<Header, IoError> {
    parse_header(&read_bytes(from)?)
}

/// Reads the bytes of a header and leaves the reader at the first element.
pub(super) fn read_bytes(from: &mut impl Read) -> Result<Vec<u8>, IoError> {
    let mut bytes = Vec::new();
    let mut more = |bytes: &mut Vec<u8>, upto: usize| -> Result<(), IoError> {
        let missing = (upto - bytes.len()) as u64;
        let read = from.by_ref().take(missing).read_to_end(bytes);
        read.map(drop).map_err(|source| IoError::io("read", source))
    };
    more(&mut bytes, 8)?;
    let lead = lead_len(&bytes)?;
    more(&mut bytes, lead)?;
    let end = header_end(&bytes)?;
    more(&mut bytes, end)?;
    Ok(bytes)
}

/// Reads the header at the beginning of `bytes`; what follows it is ignored.
///
/// Never panics, and allocates no more than the shape, whatever the bytes.
///
/// # Errors
/// [`Empty`](IoErrorKind::Empty), [`BadMagic`](IoErrorKind::BadMagic),
/// [`UnsupportedVersion`](IoErrorKind::UnsupportedVersion), [`TruncatedHeader`](IoErrorKind::TruncatedHeader),
/// [`HeaderTooLong`](IoErrorKind::HeaderTooLong), [`BadHeader`](IoErrorKind::BadHeader),
/// [`MissingKey`](IoErrorKind::MissingKey), [`TooManyAxes`](IoErrorKind::TooManyAxes),
/// [`UnsupportedDType`](IoErrorKind::UnsupportedDType), [`Records`](IoErrorKind::Records), and a shape that overflows.
///
/// ```
/// use numloom_data::DType;
/// use numloom_io::npy::parse_header;
///
/// let header = parse_header(b"\x93NUMPY\x01\0\x38\0{'descr':'<i2', 'fortran_order':False, 'shape': (3,4)}\n ")?;
/// assert_eq!((header.dtype, &header.shape[..]), (DType::I16, &[3, 4][..]));
/// # Ok::<(), numloom_io::IoError>(())
/// ```
pub fn parse_header(bytes: &[u8]) -> Result<Header, IoError> {
    let (header, fields) = parse_records(bytes)?;
    refuse_records(fields)?;
    Ok(header)
}

/// An error for records, where an array is wanted.
pub(super) fn refuse_records(fields: Vec<Field>) -> Result<(), IoError> {
    if fields.is_empty() {
        return Ok(());
    }
    let fields = fields.into_iter().map(|field| field.name).collect();
    Err(IoError::new(IoErrorKind::Records { fields }))
}

/// [`parse_header`] of an array or of records, whose fields come with it; their header's dtype is that of a byte string.
pub(super) fn parse_records(bytes: &[u8]) -> Result<(Header, Vec<Field>), IoError> {
    let lead = lead_len(bytes)?;
    let end = header_end(bytes)?;
    let Some(text) = bytes.get(lead..end) else {
        return Err(truncated(end, bytes.len()));
    };
    let mut parser = Parser { text, pos: 0, lead };
    let (descr, fortran_order, shape) = parser.dict()?;
    let (dtype, byte_order, fields) = match descr {
        Descr::Array(descr) => {
            let (dtype, byte_order) = from_npy_descr(&descr)?;
            (dtype, byte_order, Vec::new())
        }
        Descr::Records(size, fields) => (DType::Bytes(size), ByteOrder::Native, fields),
    };
    shape::size_bytes(&shape, dtype.itemsize())?;
    let header = Header {
        dtype,
        byte_order,
        fortran_order,
        shape,
        data_offset: end as u64,
        version: bytes[6],
    };
    Ok((header, fields))
}

fn truncated(needed: usize, found: usize) -> IoError {
    IoError::new(IoErrorKind::TruncatedHeader { needed, found })
}

/// Bytes before the text: magic, version and length.
fn lead_len(bytes: &[u8]) -> Result<usize, IoError> {
    if bytes.is_empty() {
        return Err(IoError::new(IoErrorKind::Empty));
    }
    let n = bytes.len().min(MAGIC.len());
    if bytes[..n] != MAGIC[..n] {
        return Err(IoError::new(IoErrorKind::BadMagic {
            found: bytes[..bytes.len().min(8)].to_vec(),
        }));
    }
    match bytes.get(6..8) {
        None => Err(truncated(10, bytes.len())),
        Some([1, 0]) => Ok(10),
        Some([2 | 3, 0]) => Ok(12),
        Some(other) => Err(IoError::new(IoErrorKind::UnsupportedVersion {
            found: (other[0], other[1]),
        })),
    }
}

/// Bytes up to the first element.
fn header_end(bytes: &[u8]) -> Result<usize, IoError> {
    let lead = lead_len(bytes)?;
    let len = match bytes.get(8..lead) {
        None => return Err(truncated(lead, bytes.len())),
        Some(&[a, b]) => usize::from(u16::from_le_bytes([a, b])),
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]) as usize,
        Some(_) => unreachable!("the length has two or four bytes"),
    };
    if len > MAX_TEXT {
        return Err(IoError::new(IoErrorKind::HeaderTooLong {
            len,
            limit: MAX_TEXT,
        }));
    }
    Ok(lead + len)
}

/// The dtype of one of NumPy's type strings: `<f8`, `|b1`, `>c16`, `|S5`. Without a byte order, or with `=`, it is native.
///
/// # Errors
/// [`UnsupportedDType`](IoErrorKind::UnsupportedDType) with the string.
///
/// ```
/// use numloom_data::{ByteOrder, DType};
/// use numloom_io::npy::header::from_npy_descr;
/// assert_eq!(from_npy_descr(">f4")?, (DType::F32, ByteOrder::BIG));
/// assert!(from_npy_descr("<U5").is_err());
/// assert!(from_npy_descr("|S0").is_err());
/// # Ok::<(), numloom_io::IoError>(())
/// ```
pub fn from_npy_descr(descr: &str) -> Result<(DType, ByteOrder), IoError> {
    let (byte_order, kind) = match descr.as_bytes().first() {
        Some(b'<') => (ByteOrder::LITTLE, &descr[1..]),
        Some(b'>') => (ByteOrder::BIG, &descr[1..]),
        Some(b'|' | b'=') => (ByteOrder::Native, &descr[1..]),
        _ => (ByteOrder::Native, descr),
    };
    let unsupported = || {
        IoError::new(IoErrorKind::UnsupportedDType {
            descr: descr.escape_debug().to_string(),
        })
    };
    let dtype = match kind {
        "?" => DType::Bool,
        _ => match kind.strip_prefix(['S', 'a']) {
            Some(n) if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => {
                match n.parse() {
                    // Elements of no size have no number that the file's length could vouch for.
                    Ok(0) | Err(_) => return Err(unsupported()),
                    Ok(n) => DType::Bytes(n),
                }
            }
            Some(_) => return Err(unsupported()),
            None => *DType::ALL
                .iter()
                .find(|&&dtype| npy_kind(dtype) == kind)
                .ok_or_else(unsupported)?,
        },
    };
    // One byte has no order: the same array should compare equal however it was spelled.
    let byte_order = if dtype.swap_unit() <= 1 {
        ByteOrder::Native
    } else {
        byte_order
    };
    Ok((dtype, byte_order))
}

/// NumPy's type string for a dtype: the inverse of [`from_npy_descr`].
///
/// ```
/// use numloom_data::{ByteOrder, DType};
/// use numloom_io::npy::header::to_npy_descr;
/// assert_eq!(to_npy_descr(DType::F64, ByteOrder::LITTLE), "<f8");
/// assert_eq!(to_npy_descr(DType::Bytes(5), ByteOrder::Native), "|S5");
/// ```
#[must_use]
pub fn to_npy_descr(dtype: DType, byte_order: ByteOrder) -> String {
    let order = if dtype.swap_unit() <= 1 {
        '|'
    } else if byte_order == ByteOrder::LITTLE {
        '<'
    } else {
        '>'
    };
    format!("{order}{}", npy_kind(dtype))
}

/// The type string without byte order.
fn npy_kind(dtype: DType) -> String {
    let letter = match dtype {
        DType::Bool => 'b',
        DType::Bytes(_) => 'S',
        _ if dtype.is_signed() => 'i',
        _ if dtype.is_unsigned() => 'u',
        _ if dtype.is_float() => 'f',
        _ => 'c',
    };
    format!("{letter}{}", dtype.itemsize())
}

/// What a header says of the elements' type.
enum Descr {
    /// A type string.
    Array(String),
    /// The bytes of a record, and its fields.
    Records(u32, Vec<Field>),
}

/// Reads the part of Python's literals that headers use. Nothing nests deeply, so nothing recurses.
pub(super) struct Parser<'a> {
    text: &'a [u8],
    pub(super) pos: usize,
    /// Where the text begins in the file.
    lead: usize,
}

impl Parser<'_> {
    fn error(&self, expected: &'static str) -> IoError {
        let at = self.lead + self.pos;
        IoError::new(IoErrorKind::BadHeader { at, expected })
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r' | b'\x0c') = self.text.get(self.pos) {
            self.pos += 1;
        }
    }

    /// Skips white space, then takes `byte` if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.text.get(self.pos) == Some(&byte);
        self.pos += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), IoError> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.error(expected))
        }
    }

    fn word(&mut self, word: &str) -> bool {
        self.space();
        let found = self.text[self.pos..].starts_with(word.as_bytes());
        self.pos += if found { word.len() } else { 0 };
        found
    }

    /// The whole text: a dictionary of three keys, in any order, each once.
    fn dict(&mut self) -> Result<(Descr, bool, Vec<usize>), IoError> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect(b'{', "`{`")?;
        while !self.take(b'}') {
            let start = self.pos;
            let key = self.string("a key in quotes, or `}`")?;
            self.expect(b':', "`:`")?;
            let again = match key.as_str() {
                "descr" => descr.replace(self.descr()?).is_some(),
                "fortran_order" => fortran_order.replace(self.bool()?).is_some(),
                "shape" => shape.replace(self.tuple()?).is_some(),
                _ => {
                    self.pos = start;
                    return Err(self.error("one of the keys `descr`, `fortran_order`, `shape`"));
                }
            };
            if again {
                self.pos = start;
                return Err(self.error("each key once"));
            }
            if !self.take(b',') {
                self.expect(b'}', "`,` or `}`")?;
                break;
            }
        }
        self.space();
        if self.pos < self.text.len() {
            return Err(self.error("the end of the header"));
        }
        let missing = |key| IoError::new(IoErrorKind::MissingKey { key });
        Ok((
            descr.ok_or_else(|| missing("descr"))?,
            fortran_order.ok_or_else(|| missing("fortran_order"))?,
            shape.ok_or_else(|| missing("shape"))?,
        ))
    }

    pub(super) fn string(&mut self, expected: &'static str) -> Result<String, IoError> {
        self.space();
        let Some(&quote @ (b'\'' | b'"')) = self.text.get(self.pos) else {
            return Err(self.error(expected));
        };
        let rest = &self.text[self.pos + 1..];
        match rest
            .iter()
            .position(|&b| b == quote || b == b'\\' || b == b'\n')
        {
            Some(n) if rest[n] == quote => {
                self.pos += n + 2;
                Ok(String::from_utf8_lossy(&rest[..n]).into_owned())
            }
            _ => Err(self.error("a string without escapes on one line")),
        }
    }

    /// A type string, or the list of a record's fields. What is neither is refused by its text.
    fn descr(&mut self) -> Result<Descr, IoError> {
        self.space();
        if !matches!(self.text.get(self.pos), Some(b'[' | b'(')) {
            return self.string("a dtype in quotes").map(Descr::Array);
        }
        let start = self.pos;
        if let Some((size, fields)) = self.fields() {
            return Ok(Descr::Records(size, fields));
        }
        self.pos = start;
        const SHOWN: usize = 80;
        let rest = String::from_utf8_lossy(&self.text[self.pos..]);
        let key = rest
            .find("'fortran_order'")
            .into_iter()
            .chain(rest.find("'shape'"))
            .min();
        let record = rest[..key.unwrap_or(rest.len())].trim_end_matches([' ', ',', '\n', '}']);
        let mut descr: String = record.chars().take(SHOWN).collect();
        if descr.len() < record.len() {
            descr.push_str("...");
        }
        Err(IoError::new(IoErrorKind::UnsupportedDType { descr }))
    }

    fn bool(&mut self) -> Result<bool, IoError> {
        if self.word("True") {
            Ok(true)
        } else if self.word("False") {
            Ok(false)
        } else {
            Err(self.error("`True` or `False`"))
        }
    }

    /// `()`, `(3,)`, `(3, 4)`, `(3L, 4L)`: Python 2 wrote the last.
    pub(super) fn tuple(&mut self) -> Result<Vec<usize>, IoError> {
        let mut shape = Vec::new();
        self.expect(b'(', "`(`")?;
        while !self.take(b')') {
            if shape.len() == MAX_AXES {
                return Err(IoError::new(IoErrorKind::TooManyAxes { limit: MAX_AXES }));
            }
            shape.push(self.extent()?);
            if !self.take(b',') {
                if shape.len() == 1 {
                    return Err(self.error("`,`"));
                }
                self.expect(b')', "`,` or `)`")?;
                break;
            }
        }
        Ok(shape)
    }

    fn extent(&mut self) -> Result<usize, IoError> {
        self.space();
        let rest = &self.text[self.pos..];
        let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let digits = std::str::from_utf8(&rest[..n]).expect("digits are ASCII");
        let extent = digits.parse();
        let extent = extent.map_err(|_| self.error("an extent that fits the address space"))?;
        self.pos += n;
        self.pos += usize::from(self.text.get(self.pos) == Some(&b'L'));
        Ok(extent)
    }
}
