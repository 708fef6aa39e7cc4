//! What can go wrong with files of numbers.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use numloom_data::error::ShapeText;
use numloom_data::{DType, DataError};

/// An error of this crate: one line with the name of the file, if there is one; [`kind`](IoError::kind) has the parts.
#[derive(Debug)]
pub struct IoError {
    kind: Box<IoErrorKind>,
    path: Option<PathBuf>,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum IoErrorKind {
    /// The operating system refused to read or write.
    Io {
        /// What was tried, as an infinitive: `read`, `write`.
        action: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// Mapping, allocating or reserving failed; the error names the file itself.
    Data(DataError),
    /// Nothing in it.
    Empty,
    /// Not an `.npy` file.
    BadMagic {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// An `.npy` version other than 1, 2 and 3.
    UnsupportedVersion {
        /// The version, major and minor.
        found: (u8, u8),
    },
    /// A header longer than any array needs.
    HeaderTooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// The file ends inside its header.
    TruncatedHeader {
        /// Where the header would end, in bytes, as far as is known.
        needed: usize,
        /// Where the file ends.
        found: usize,
    },
    /// The header is not the Python dictionary that it should be.
    BadHeader {
        /// Where, in bytes from the beginning of the file.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// A header without one of its three keys.
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A header with more axes than NumPy allows.
    TooManyAxes {
        /// The most that are allowed.
        limit: usize,
    },
    /// A dtype that numloom does not have: text, objects, records, times, extended precision.
    UnsupportedDType {
        /// The dtype, as the header spells it.
        descr: String,
    },
    /// Records, of which one field at a time is an array.
    Records {
        /// The names of the fields.
        fields: Vec<String>,
    },
    /// The records have no such field, or there are no records.
    UnknownField {
        /// The field asked for.
        field: String,
        /// The names of the fields that there are.
        fields: Vec<String>,
    },
    /// The file ends before its last element.
    TruncatedData {
        /// The shape in the header.
        shape: Vec<usize>,
        /// The type of the elements.
        dtype: DType,
        /// How many bytes they need.
        needed: u64,
        /// How many there are.
        found: u64,
    },
    /// Rows of an array in Fortran order, which do not follow each other in the file.
    FortranRows,
    /// A zip file that is damaged, or uses what is not read.
    BadArchive {
        /// What is wrong.
        reason: String,
    },
    /// The archive has no such member.
    UnknownMember {
        /// The member asked for.
        member: String,
        /// The names of those that there are.
        members: Vec<String>,
    },
    /// A member of an archive is compressed, so it cannot be mapped.
    CompressedMember {
        /// Its name.
        member: String,
    },
    /// A member of an archive is to be written: the archive has a checksum of it.
    MemberWritten {
        /// Its name.
        member: String,
    },
    /// An unfinished output is of another dtype, shape or order than the one to be resumed.
    OtherOutput,
    /// A file was named without saying what it holds, and its name does not tell.
    UnknownFormat,
    /// The description of a raw file cannot be read.
    BadSpec {
        /// The description.
        text: String,
        /// What should stand in it.
        expected: &'static str,
    },
    /// A field of a text is no value of its column's dtype.
    BadField {
        /// The beginning of the field.
        text: String,
        /// The dtype of the column.
        dtype: DType,
        /// It is a whole number, but the dtype does not hold it.
        out_of_range: bool,
        /// The number of records that the dtype was inferred from; none if it was given.
        inferred: Option<usize>,
    },
    /// A field of a text is missing, where that is no value.
    MissingField {
        /// The dtype of the column.
        dtype: DType,
    },
    /// A field of a text is longer than the byte strings of its column.
    LongField {
        /// Its length in bytes.
        len: usize,
        /// The dtype of the column.
        dtype: DType,
        /// The number of records that the dtype was inferred from; none if it was given.
        inferred: Option<usize>,
    },
    /// A byte 0 in a field: byte strings end at it, so it would be lost.
    NulInField,
    /// A record of a text has fewer or more fields than it should.
    FieldCount {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A quote inside a field that does not begin with one, or text between a quote that closes and the end of the field.
    MisplacedQuote,
    /// A quote that is not closed before the end of the text.
    UnclosedQuote,
    /// A record of a text is longer than is allowed.
    RecordTooLong {
        /// The longest that is allowed, in bytes.
        limit: usize,
    },
    /// A carriage return that no newline follows: in one kind of old files, that ends a line.
    LoneReturn,
    /// Text in an encoding that is not read.
    Encoding {
        /// What it seems to be.
        found: &'static str,
    },
    /// Names, or dtypes, were given that do not fit the columns that there are.
    NameCount {
        /// How many names.
        names: usize,
        /// How many columns.
        columns: usize,
    },
    /// A column whose rows are arrays, where text has one field for each.
    NotFlat {
        /// Its name.
        column: String,
    },
    /// An option that makes no sense.
    BadOption {
        /// Which, and what is wrong with it.
        reason: &'static str,
    },
    /// An output was described as one thing and computed as another.
    SpecMismatch {
        /// What the description says.
        expected: String,
        /// What is to be written.
        found: String,
    },
}

impl IoError {
    pub(crate) fn new(kind: IoErrorKind) -> IoError {
        IoError {
            kind: Box::new(kind),
            path: None,
        }
    }

    /// The same with the name of the file, unless it has one.
    pub(crate) fn at(mut self, path: &Path) -> IoError {
        if self.path.is_none() {
            self.path = Some(path.into());
        }
        self
    }

    pub(crate) fn io(action: &'static str, source: io::Error) -> IoError {
        IoError::new(IoErrorKind::Io { action, source })
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &IoErrorKind {
        &self.kind
    }

    /// In which file, if it has a name.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

/// What to do about a dtype that was a guess.
fn inferred_from(f: &mut fmt::Formatter<'_>, records: Option<usize>) -> fmt::Result {
    match records {
        None => Ok(()),
        Some(records) => write!(
            f,
            ", which was inferred from the first {records} records: give the column's dtype"
        ),
    }
}

/// The first of the names, in backticks.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown = names.iter().take(SHOWN);
    let shown: Vec<String> = shown
        .map(|name| format!("`{}`", name.escape_debug()))
        .collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

impl From<DataError> for IoError {
    fn from(error: DataError) -> IoError {
        IoError::new(IoErrorKind::Data(error))
    }
}

impl Error for IoError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &*self.kind {
            IoErrorKind::Io { source, .. } => Some(source),
            // Its text is this error's own; what is below it is the cause.
            IoErrorKind::Data(error) => error.source(),
            _ => None,
        }
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use IoErrorKind as K;
        if let (Some(path), false) = (&self.path, matches!(*self.kind, K::Data(_))) {
            write!(f, "`{}`: ", path.display())?;
        }
        match &*self.kind {
            K::Io { action, source } => write!(f, "cannot {action}: {source}"),
            K::Data(error) => error.fmt(f),
            K::Empty => f.write_str("the file is empty"),
            K::BadMagic { found } => {
                write!(f, "not an .npy file: it begins with `{}`", found.escape_ascii())
            }
            K::UnsupportedVersion { found: (major, minor) } => {
                write!(f, ".npy version {major}.{minor} is not known: it can be 1.0, 2.0 or 3.0")
            }
            K::HeaderTooLong { len, limit } => {
                write!(f, "the .npy header has {len} bytes, more than the {limit} that are read")
            }
            K::TruncatedHeader { needed, found } => {
                write!(f, "the .npy header ends at byte {needed}, the file at byte {found}")
            }
            K::BadHeader { at, expected } => {
                write!(f, "malformed .npy header: expected {expected} at byte {at}")
            }
            K::MissingKey { key } => write!(f, "malformed .npy header: it has no key `{key}`"),
            K::TooManyAxes { limit } => {
                write!(f, "the shape in the .npy header has more than {limit} axes")
            }
            K::UnsupportedDType { descr } => {
                write!(f, "dtype `{descr}` is not supported")
            }
            K::Records { fields } => write!(
                f,
                "the file holds records; name one of their fields, as in `NAME.npy:{}`: they are {}",
                fields.first().map_or("", String::as_str).escape_debug(),
                list(fields)
            ),
            K::UnknownField { field, fields } if fields.is_empty() => write!(
                f,
                "no field `{}`: the file holds an array, not records",
                field.escape_debug()
            ),
            K::UnknownField { field, fields } => write!(
                f,
                "no field `{}`; the fields are {}",
                field.escape_debug(),
                list(fields)
            ),
            K::TruncatedData {
                shape,
                dtype,
                needed,
                found,
            } => write!(
                f,
                "the header says shape {} of {dtype}, which is {needed} bytes, but the file has {found}",
                ShapeText(shape)
            ),
            K::FortranRows => f.write_str(
                "the array is in Fortran order, and cannot be read row by row: map it instead",
            ),
            K::BadArchive { reason } => write!(f, "cannot read the archive: {reason}"),
            K::UnknownMember { member, members } if members.is_empty() => write!(
                f,
                "no member `{}`: the archive holds no array",
                member.escape_debug()
            ),
            K::UnknownMember { member, members } => write!(
                f,
                "no member `{}`; the members are {}",
                member.escape_debug(),
                list(members)
            ),
            K::CompressedMember { member } => write!(
                f,
                "member `{}` is compressed, so it cannot be mapped: read the archive a chunk of rows at a time, by `--npz FILE` in the command, `scan_npy` in Python, \
                 `RowSource::open_npz` in Rust",
                member.escape_debug()
            ),
            K::MemberWritten { member } => write!(
                f,
                "member `{}` of an archive cannot be written; write a file of its own",
                member.escape_debug()
            ),
            K::OtherOutput => {
                f.write_str("the unfinished output is of another dtype, shape or order")
            }
            K::UnknownFormat => f.write_str(
                "the name does not end in `.npy`; say what the file holds, such as `NAME:f64[1000]`",
            ),
            K::BadSpec { text, expected } => {
                write!(f, "cannot read `{}`: expected {expected}", text.escape_debug())
            }
            K::BadField {
                text,
                dtype,
                out_of_range,
                inferred,
            } => {
                match out_of_range {
                    true => write!(f, "`{text}` is out of the range of dtype {dtype}")?,
                    false => write!(f, "`{text}` is not a value of dtype {dtype}")?,
                }
                inferred_from(f, *inferred)
            }
            K::MissingField { dtype } if dtype.is_float() || dtype.is_complex() => {
                write!(f, "a missing value, where none is allowed")
            }
            K::MissingField { dtype } => write!(
                f,
                "a missing value in a column of dtype {dtype}, which has none: read it as f64, where it is NaN"
            ),
            K::LongField {
                len,
                dtype,
                inferred,
            } => {
                write!(f, "a field of {len} bytes does not fit dtype {dtype}")?;
                inferred_from(f, *inferred)
            }
            K::NulInField => f.write_str("a byte 0 in a byte string, which would end it"),
            K::FieldCount { expected, found } => {
                write!(f, "{found} fields, where there should be {expected}")
            }
            K::MisplacedQuote => f.write_str(
                "a quote inside a field: a quoted field begins and ends with one, and writes two for one inside",
            ),
            K::UnclosedQuote => f.write_str("a quote that is opened here is not closed"),
            K::RecordTooLong { limit } => {
                write!(f, "a record longer than the {limit} bytes that are allowed")
            }
            K::LoneReturn => f.write_str(
                "a carriage return without a newline: lines end with a newline, or with both",
            ),
            K::Encoding { found } => write!(f, "the text is {found}, not UTF-8 or ASCII"),
            K::NameCount { names, columns } => {
                write!(f, "{names} names were given for {columns} columns")
            }
            K::NotFlat { column } => write!(
                f,
                "the rows of column `{}` are arrays, which have no place in a field",
                column.escape_debug()
            ),
            K::BadOption { reason } => f.write_str(reason),
            K::SpecMismatch { expected, found } => {
                write!(f, "described as {expected}, but {found} is to be written")
            }
        }
    }
}
