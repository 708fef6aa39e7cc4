//! Where the fields of a piece are: between white space.
//!
//! ```text
//! 1.5  2 # a\n 3 4\n      comments become white space first
//!                         starts   0 5 12 14
//!                         ends     3 6 13 15
//!                         lines    10 15
//! ```

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use crate::error::IoErrorKind;
use crate::fields::convert::Fields;
use crate::fields::parser::{BadRecord, Split};
use crate::fields::positions::Positions;
use crate::fields::scan::{BLOCK, equal, white};

/// Splits lines.
#[derive(Clone, Debug)]
pub(super) struct TextSplit {
    pub(super) comment: Option<u8>,
    /// The longest line, in bytes.
    pub(super) max_line: usize,
    pub(super) width: Width,
    /// The number in the text of each column, if not all are taken.
    pub(super) chosen: Option<Vec<usize>>,
}

/// How many fields a line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// As many as the first line.
    First,
    Exactly(usize),
    AtLeast(usize),
}

/// The fields of the lines of a piece; memory to be used again.
#[derive(Debug, Default)]
pub(super) struct Lines {
    starts: Positions,
    ends: Positions,
    newlines: Positions,
    /// The index of the first field of each line that has fields, and how many it has.
    rows: Vec<(u32, u32)>,
    /// The number in the text of each column, if not all are taken.
    chosen: Option<Vec<usize>>,
}

impl Fields for Lines {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    #[inline]
    fn range(&self, row: usize, position: usize) -> Range<usize> {
        let number = match &self.chosen {
            None => position,
            Some(chosen) => chosen[position],
        };
        let field = self.rows[row].0 as usize + number;
        self.starts.at(field) as usize..self.ends.at(field) as usize
    }
}

impl Lines {
    /// How many fields the first line has.
    pub(super) fn width(&self) -> usize {
        self.rows.first().map_or(0, |&(_, fields)| fields as usize)
    }

    /// The first pass: where white space begins and ends.
    fn find(&mut self, raw: &[u8]) -> Result<(), BadRecord> {
        debug_assert!(u32::try_from(raw.len()).is_ok(), "pieces are bounded");
        self.starts.clear();
        self.ends.clear();
        self.newlines.clear();
        let (blocks, tail) = raw.as_chunks::<BLOCK>();
        // Behind the text there is white space.
        let mut last = [b' '; BLOCK];
        last[..tail.len()].copy_from_slice(tail);
        let mut before = 1;
        for (i, block) in blocks.iter().chain([&last]).enumerate() {
            let base = i * BLOCK;
            let white = white(block);
            let shifted = (white << 1) | before;
            before = white >> (BLOCK - 1);
            self.starts.push(!white & shifted, base);
            self.ends.push(white & !shifted, base);
            self.newlines.push(equal(block, b'\n'), base);
            let mut returns = equal(block, b'\r');
            while returns != 0 {
                let at = base + returns.trailing_zeros() as usize;
                returns &= returns - 1;
                if !matches!(raw.get(at + 1), None | Some(b'\n')) {
                    return Err(BadRecord::new(at, IoErrorKind::LoneReturn));
                }
            }
        }
        Ok(())
    }

    /// The second pass: which fields are whose.
    fn line_up(&mut self, raw: &[u8], split: &TextSplit, whole: bool) -> Result<(), BadRecord> {
        self.rows.clear();
        let mut width = split.width;
        let (mut first, mut begin) = (0, 0);
        let last = whole.then_some(raw.len() as u32);
        for &newline in self.newlines.as_slice().iter().chain(&last) {
            let start = std::mem::replace(&mut begin, newline as usize + 1);
            if (newline as usize).saturating_sub(start) > split.max_line {
                let limit = split.max_line;
                return Err(BadRecord::new(start, IoErrorKind::RecordTooLong { limit }));
            }
            let mut next = match width {
                Width::Exactly(width) | Width::AtLeast(width) => first + width,
                Width::First => first,
            };
            if self.starts.at(first) >= newline {
                continue;
            }
            // Mostly there are as many as there should be.
            let enough = next == first || self.starts.at(next - 1) < newline;
            if !enough || self.starts.at(next) < newline {
                let here = |&&at: &&u32| at < newline;
                let starts = self.starts.as_slice()[first..].iter();
                let found = starts.take_while(here).count();
                next = first + found;
                match width {
                    Width::First => width = Width::Exactly(found),
                    Width::AtLeast(least) if found >= least => {}
                    Width::Exactly(expected) | Width::AtLeast(expected) => {
                        let kind = IoErrorKind::FieldCount { expected, found };
                        return Err(BadRecord::new(start, kind));
                    }
                }
            }
            self.rows.push((first as u32, (next - first) as u32));
            first = next;
        }
        Ok(())
    }
}

impl Split for TextSplit {
    type Records = Lines;

    fn number(&self, position: usize) -> usize {
        match &self.chosen {
            None => position,
            Some(chosen) => chosen[position],
        }
    }

    /// Writes spaces over comments.
    fn prepare(&self, raw: &mut [u8]) {
        let Some(comment) = self.comment else {
            return;
        };
        let mut at = 0;
        while let Some(i) = memchr(comment, &raw[at..]) {
            let start = at + i;
            at = memchr(b'\n', &raw[start..]).map_or(raw.len(), |i| start + i);
            raw[start..at].fill(b' ');
        }
    }

    fn split(&self, raw: &[u8], lines: &mut Lines) -> Result<(), BadRecord> {
        lines.chosen.clone_from(&self.chosen);
        let found = lines.find(raw).map_err(|bad| {
            // Where the piece ends must not decide what is wrong: behind the longest line, nothing is looked at.
            let newline = lines
                .newlines
                .as_slice()
                .iter()
                .rev()
                .find(|&&n| (n as usize) < bad.at);
            let start = newline.map_or(0, |&newline| newline as usize + 1);
            match bad.at - start >= self.max_line {
                true => BadRecord::new(
                    start,
                    IoErrorKind::RecordTooLong {
                        limit: self.max_line,
                    },
                ),
                false => bad,
            }
        });
        if let Err(bad) = &found {
            // Only the lines before it are whole.
            let before = memchr_iter(b'\n', &raw[..bad.at]).count();
            lines.newlines.truncate(before);
        }
        lines.line_up(raw, self, found.is_ok())?;
        found
    }
}
