//! What can go wrong on the way from a source or into a sink.

use std::error::Error;
use std::fmt;

use crate::error::DataError;
use crate::stream::ColumnSpec;

/// An error of a source or sink: one line; [`kind`](StreamError::kind) has the parts, [`place`](StreamError::place) says
/// where in the source.
#[derive(Debug)]
pub struct StreamError {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: StreamErrorKind,
    name: Option<String>,
    place: Option<Place>,
}

/// Where in a text: all numbers that people read count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes of the source, decompressed, before it.
    pub byte: u64,
    /// The line, from 1: lines inside quotes count, as they do in an editor.
    pub line: u64,
    /// The column that it belongs to, if it belongs to one.
    pub column: Option<ColumnPlace>,
}

/// A column as a place: its number in the source, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnPlace {
    /// From 1.
    pub number: usize,
    /// As the source spells it; none if columns have no names.
    pub name: Option<String>,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum StreamErrorKind {
    /// No column has this name.
    UnknownColumn {
        /// The name.
        name: String,
        /// The names there are.
        columns: Vec<String>,
    },
    /// Several columns have this name.
    AmbiguousColumn {
        /// The name.
        name: String,
        /// The index of the first that has it.
        first: usize,
        /// The index of the second.
        second: usize,
    },
    /// An index past the last column.
    NoSuchColumn {
        /// The index.
        index: usize,
        /// How many columns there are.
        columns: usize,
    },
    /// The same column was chosen more than once.
    RepeatedColumn {
        /// Its index.
        index: usize,
    },
    /// A second pass was asked of a source that can be read only once.
    CannotRestart,
    /// A chunk was asked for, or written, before the pass was started.
    NotStarted,
    /// The result of a sink was asked for before its last block.
    NotFinished,
    /// An array without axes, which has no rows.
    NoRows {
        /// The name of the column it should be.
        name: String,
    },
    /// A chunk or block has other columns than were announced.
    ColumnMismatch {
        /// What was announced.
        expected: ColumnSpec,
        /// What came.
        found: ColumnSpec,
    },
    /// A chunk or block has another number of columns than was announced.
    ColumnCount {
        /// How many were announced.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// The columns of a chunk or block have different numbers of rows.
    UnequalRows {
        /// The name of the column that differs from the first.
        column: String,
        /// Rows of the first column.
        expected: usize,
        /// Rows of this one.
        found: usize,
    },
    /// Memory, or a file, refused.
    Data(DataError),
    /// The source's, or the sink's, own error.
    Other(Box<dyn Error + Send + Sync>),
}

impl StreamError {
    /// An error of an adapter's own.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> StreamError {
        StreamErrorKind::Other(error.into()).into()
    }

    /// The same, at this place of the source.
    #[must_use]
    pub fn at(mut self, place: Place) -> StreamError {
        self.inner.place = Some(place);
        self
    }

    /// The same with the name of the source or sink, unless it has one.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> StreamError {
        self.inner.name.get_or_insert_with(|| name.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &StreamErrorKind {
        &self.inner.kind
    }

    /// The parts, by value.
    #[must_use]
    pub fn into_kind(self) -> StreamErrorKind {
        self.inner.kind
    }

    /// The name of the source or sink, if it has one: that of a file.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.inner.name.as_deref()
    }

    /// Where in the source, if that is known.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.inner.place.as_ref()
    }
}

impl From<StreamErrorKind> for StreamError {
    fn from(kind: StreamErrorKind) -> StreamError {
        StreamError {
            inner: Box::new(Inner {
                kind,
                name: None,
                place: None,
            }),
        }
    }
}

impl From<DataError> for StreamError {
    fn from(error: DataError) -> StreamError {
        StreamErrorKind::Data(error).into()
    }
}

impl Error for StreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.inner.kind {
            // Their text is this error's own; what is below it is the cause.
            StreamErrorKind::Data(error) => error.source(),
            StreamErrorKind::Other(error) => error.source(),
            _ => None,
        }
    }
}

/// `line 3, column 2 (`price`)`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        match &self.column {
            None => Ok(()),
            Some(ColumnPlace { number, name: None }) => write!(f, ", column {number}"),
            Some(ColumnPlace {
                number,
                name: Some(name),
            }) => write!(f, ", column {number} (`{}`)", name.escape_debug()),
        }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use StreamErrorKind as K;
        let Inner { kind, name, place } = &*self.inner;
        match (name, place) {
            (Some(name), Some(place)) => write!(f, "`{name}`, {place}: ")?,
            (Some(name), None) => write!(f, "`{name}`: ")?,
            (None, Some(place)) => write!(f, "{place}: ")?,
            (None, None) => {}
        }
        match kind {
            K::UnknownColumn { name, columns } => {
                write!(f, "no column is named `{}`: they are ", name.escape_debug())?;
                const SHOWN: usize = 12;
                for (i, column) in columns.iter().take(SHOWN).enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}`{}`", column.escape_debug())?;
                }
                match columns.len().saturating_sub(SHOWN) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            K::AmbiguousColumn {
                name,
                first,
                second,
            } => write!(
                f,
                "columns {} and {} are both named `{}`",
                first + 1,
                second + 1,
                name.escape_debug()
            ),
            K::NoSuchColumn { index, columns } => {
                write!(
                    f,
                    "there is no column with index {index}: the source has {columns}"
                )
            }
            K::RepeatedColumn { index } => {
                write!(f, "the column with index {index} is chosen twice")
            }
            K::CannotRestart => f.write_str("the source can be read only once"),
            K::NotStarted => f.write_str("the pass has not been started"),
            K::NotFinished => f.write_str("the sink has not been finished"),
            K::NoRows { name } => write!(
                f,
                "`{}` has no axes, so it has no rows to be read by",
                name.escape_debug()
            ),
            K::ColumnMismatch { expected, found } => {
                write!(f, "expected column `{expected}`, found `{found}`")
            }
            K::ColumnCount { expected, found } => {
                write!(f, "expected {expected} columns, found {found}")
            }
            K::UnequalRows {
                column,
                expected,
                found,
            } => write!(
                f,
                "column `{}` has {found} rows where the first has {expected}",
                column.escape_debug()
            ),
            K::Data(error) => error.fmt(f),
            K::Other(error) => error.fmt(f),
        }
    }
}
