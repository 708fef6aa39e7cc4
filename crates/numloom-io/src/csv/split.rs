//! Where the fields of a piece are.
//!
//! Two passes, the first over bytes, 64 at a time, the second over records:
//!
//! ```text
//! a,"x,y",3\n4,5,6\n      delims   1 7 11 13          outside quotes
//!                         ends     9 15               of records
//! ```
//! Each record of a table has as many delimiters as the others, so the fields of column `j` in record `i` lie beside
//! delimiter `i * (width - 1) + j`: nothing is written down for a field, and nothing is done for columns that are not chosen.

use std::ops::Range;

use memchr::memchr;

use crate::error::IoErrorKind;
use crate::fields::convert::Fields;
use crate::fields::parser::{BadRecord, Split};
use crate::fields::positions::Positions;
use crate::fields::scan::{BLOCK, equal, parity};

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    pub(super) comment: Option<u8>,
    /// The longest record, in bytes.
    pub(super) max_record: usize,
}

/// The fields of the records of a piece; memory to be used again.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Delimiters outside quotes and comments.
    delims: Positions,
    /// Newlines outside quotes.
    newlines: Positions,
    /// Where each record begins and ends: neither blank lines nor comments.
    rows: Vec<(u32, u32)>,
    /// Fields of each record.
    width: usize,
}

impl Fields for Records {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    #[inline(always)]
    fn range(&self, row: usize, position: usize) -> Range<usize> {
        let (start, end) = self.rows[row];
        let first = row * (self.width - 1);
        let delims = self.delims.as_slice();
        let start = match position {
            0 => start,
            _ => delims[first + position - 1] + 1,
        };
        let end = if position + 1 == self.width {
            end
        } else {
            delims[first + position]
        };
        start as usize..end as usize
    }
}

impl Records {
    /// How many fields each record has; 0 if there are no records.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Where the first record ends, with its newline.
    pub(super) fn end_of_first(&self, raw: &[u8]) -> usize {
        let end = self.rows.first().map_or(0, |&(_, end)| end as usize);
        memchr(b'\n', &raw[end..]).map_or(raw.len(), |i| end + i + 1)
    }

    /// Finds the fields of a piece, which is shorter than 4 GiB. All records have `width` fields, or, if it is not given, as many
    /// as the first.
    ///
    /// With an error, there are the records before the one that it is about.
    fn split(
        &mut self,
        raw: &[u8],
        dialect: Dialect,
        width: Option<usize>,
    ) -> Result<(), BadRecord> {
        let found = match dialect.comment {
            None => self.find(raw, dialect),
            Some(comment) => self.find_between_comments(raw, dialect, comment),
        };
        // What is wrong with an earlier record is found first.
        self.line_up(raw, dialect, width, found.is_ok())?;
        found
    }

    /// The first pass: delimiters and newlines outside quotes, up to the first misplaced quote.
    fn find(&mut self, raw: &[u8], dialect: Dialect) -> Result<(), BadRecord> {
        debug_assert!(u32::try_from(raw.len()).is_ok(), "pieces are bounded");
        self.delims.clear();
        self.newlines.clear();
        // Most pieces have no quotes: one quick search saves looking at each block for them.
        let quote = dialect.quote.filter(|&quote| memchr(quote, raw).is_some());
        let mut quotes = Quotes::default();
        let (blocks, tail) = raw.as_chunks::<BLOCK>();
        let mut last = [0; BLOCK];
        last[..tail.len()].copy_from_slice(tail);
        for (i, block) in blocks.iter().chain([&last]).enumerate() {
            let base = i * BLOCK;
            let (mut delims, mut newlines) = (equal(block, dialect.delimiter), equal(block, b'\n'));
            let mut misplaced = None;
            if let Some(quote) = quote {
                let found = equal(block, quote);
                if found != 0 || quotes.inside {
                    let outside = quotes.outside(found);
                    misplaced = quotes.check(found, base, raw, dialect.delimiter, quote);
                    let before = misplaced.map_or(u64::MAX, |at| (1 << (at - base)) - 1);
                    delims &= outside & before;
                    newlines &= outside & before;
                }
            }
            self.delims.push(delims, base);
            self.newlines.push(newlines, base);
            if let Some(at) = misplaced {
                return Err(self.in_field(at, raw, dialect, IoErrorKind::MisplacedQuote));
            }
        }
        if quotes.inside {
            return Err(self.in_field(quotes.opened, raw, dialect, IoErrorKind::UnclosedQuote));
        }
        Ok(())
    }

    /// [`find`](Records::find), byte by byte: only whoever knows where records begin can tell a comment.
    fn find_between_comments(
        &mut self,
        raw: &[u8],
        dialect: Dialect,
        comment: u8,
    ) -> Result<(), BadRecord> {
        self.delims.clear();
        self.newlines.clear();
        let mut quotes = Quotes::default();
        let mut at = 0;
        let mut start = true;
        while let Some(&byte) = raw.get(at) {
            if start && byte == comment {
                at += memchr(b'\n', &raw[at..]).unwrap_or(raw.len() - at);
            } else if dialect.quote == Some(byte) {
                let found = quotes.check(1, at, raw, dialect.delimiter, byte);
                if found.is_some() {
                    return Err(self.in_field(at, raw, dialect, IoErrorKind::MisplacedQuote));
                }
            } else if byte == dialect.delimiter && !quotes.inside {
                self.delims.push(1, at);
            }
            start = raw.get(at) == Some(&b'\n') && !quotes.inside;
            if start {
                self.newlines.push(1, at);
            }
            at += 1;
        }
        if quotes.inside {
            return Err(self.in_field(quotes.opened, raw, dialect, IoErrorKind::UnclosedQuote));
        }
        Ok(())
    }

    /// An error at a quote of the record that was not finished.
    fn in_field(&self, at: usize, raw: &[u8], dialect: Dialect, kind: IoErrorKind) -> BadRecord {
        let newline = self.newlines.as_slice().last();
        let start = newline.map_or(0, |&newline| newline as usize + 1);
        // Where the piece ends must not decide what is wrong: behind the longest record, nothing is looked at.
        let beyond = match kind {
            IoErrorKind::UnclosedQuote => raw.len() - start > dialect.max_record,
            _ => at - start >= dialect.max_record,
        };
        if beyond {
            return dialect.too_long(start);
        }
        let before = |&&delim: &&u32| delim as usize >= start;
        let delims = self.delims.as_slice().iter().rev();
        BadRecord {
            position: Some(delims.take_while(before).count()),
            ..BadRecord::new(at, kind)
        }
    }

    /// The second pass: records, each with its fields.
    fn line_up(
        &mut self,
        raw: &[u8],
        dialect: Dialect,
        width: Option<usize>,
        whole: bool,
    ) -> Result<(), BadRecord> {
        self.rows.clear();
        self.width = width.unwrap_or(0);
        let mut first = 0;
        let mut start = 0;
        let last = whole.then_some(raw.len() as u32);
        for &newline in self.newlines.as_slice().iter().chain(&last) {
            let begin = std::mem::replace(&mut start, newline as usize + 1);
            let mut end = newline as usize;
            if end > begin && raw[end - 1] == b'\r' {
                end -= 1;
            }
            if end <= begin {
                continue;
            }
            if end - begin > dialect.max_record {
                return Err(dialect.too_long(begin));
            }
            if dialect.comment == Some(raw[begin]) {
                continue;
            }
            let inside = |&&delim: &&u32| delim < newline;
            if self.width == 0 {
                self.width = 1 + self.delims.as_slice().iter().take_while(inside).count();
            }
            let next = first + self.width - 1;
            let enough = next == first || self.delims.at(next - 1) < newline;
            if !enough || self.delims.at(next) < newline {
                let delims = self.delims.as_slice()[first..].iter();
                let kind = IoErrorKind::FieldCount {
                    expected: self.width,
                    found: 1 + delims.take_while(inside).count(),
                };
                return Err(BadRecord::new(begin, kind));
            }
            first = next;
            self.rows.push((begin as u32, end as u32));
        }
        Ok(())
    }
}

/// Splits records of one width.
#[derive(Clone, Copy, Debug)]
pub(super) struct CsvSplit {
    pub(super) dialect: Dialect,
    /// If it is not known, that of the first record of a piece.
    pub(super) width: Option<usize>,
}

impl Split for CsvSplit {
    type Records = Records;

    fn split(&self, raw: &[u8], records: &mut Records) -> Result<(), BadRecord> {
        records.split(raw, self.dialect, self.width)
    }
}

impl Dialect {
    fn too_long(&self, start: usize) -> BadRecord {
        let limit = self.max_record;
        BadRecord::new(start, IoErrorKind::RecordTooLong { limit })
    }
}

/// Which bytes lie inside quotes, and whether each quote stands where it may.
#[derive(Debug, Default)]
struct Quotes {
    /// Is the next byte inside?
    inside: bool,
    /// The next quote is the second of two that stand for one.
    second: bool,
    /// Where the last quote that opened a field is.
    opened: usize,
}

impl Quotes {
    /// The bits of a block outside quotes: call it before [`check`](Quotes::check). Between two quotes that stand for one there is
    /// nothing, so it does not matter that they count as outside.
    #[inline]
    fn outside(&self, quotes: u64) -> u64 {
        let carried = if self.inside && !self.second {
            u64::MAX
        } else {
            0
        };
        !(parity(quotes) ^ carried)
    }

    /// Follows the quotes of a block that begins at `base`, and finds the first that is out of place: one that opens stands at
    /// the beginning of a field, one that closes at its end.
    fn check(
        &mut self,
        quotes: u64,
        base: usize,
        raw: &[u8],
        delimiter: u8,
        quote: u8,
    ) -> Option<usize> {
        let mut rest = quotes;
        while rest != 0 {
            let at = base + rest.trailing_zeros() as usize;
            rest &= rest - 1;
            if self.second {
                self.second = false;
            } else if !self.inside {
                if at > 0 && raw[at - 1] != delimiter && raw[at - 1] != b'\n' {
                    return Some(at);
                }
                (self.inside, self.opened) = (true, at);
            } else {
                match raw[at + 1..] {
                    [next, ..] if next == quote => self.second = true,
                    [] | [b'\n' | b'\r', ..] => self.inside = false,
                    [next, ..] if next == delimiter => self.inside = false,
                    _ => return Some(at),
                }
            }
        }
        None
    }
}
