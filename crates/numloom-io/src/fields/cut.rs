//! Pieces of a text that end where a record ends.

use std::fmt;
use std::io::{Cursor, Read};

use memchr::{memchr, memchr_iter, memchr2, memrchr};
use numloom_data::stream::Chunk;

use super::input::{Bytes, Skipped, Text};
use crate::error::IoError;

/// What the end of a record depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    /// Newlines between two of these do not end a record.
    pub(crate) quote: Option<u8>,
    /// A record that begins with this is a line of any text.
    pub(crate) comment: Option<u8>,
    /// A record longer than this is not waited for: the piece ends somewhere in it.
    pub(crate) max_record: usize,
}

/// Cuts what it reads.
pub(crate) struct Cutter {
    bytes: Bytes,
    ends: Ends,
    /// How long a piece should be.
    target: usize,
    /// The beginning of a record, read with the last piece.
    rest: Vec<u8>,
    index: u64,
    byte: u64,
    line: u64,
}

impl Cutter {
    pub(crate) fn new(text: Text, ends: Ends, target: usize) -> Cutter {
        Cutter {
            bytes: text.bytes,
            ends,
            target: target.clamp(1, Cutter::MAX_TARGET),
            rest: Vec::new(),
            index: 0,
            byte: text.skipped.bytes,
            line: 1 + text.skipped.lines,
        }
    }

    /// Positions in a piece are `u32`, and memory is meant to be bounded.
    const MAX_TARGET: usize = 1 << 26;

    /// Leaves out the first so many bytes, of which so many are newlines: they have been looked at before.
    pub(crate) fn skip(&mut self, bytes: u64, lines: u64) -> Result<(), IoError> {
        let mut skipped = self.bytes.by_ref().take(bytes);
        std::io::copy(&mut skipped, &mut std::io::sink())
            .map_err(|source| IoError::io("read", source))?;
        self.byte += bytes;
        self.line += lines;
        Ok(())
    }

    /// What there was before the first piece was taken, which is this one.
    pub(crate) fn unread(self, first: &Chunk, skipped: Skipped) -> Text {
        let mut seen = first.raw().to_vec();
        seen.extend_from_slice(&self.rest);
        Text {
            bytes: Box::new(Cursor::new(seen).chain(self.bytes)),
            skipped,
        }
    }

    /// The next piece: whole records, and at the end of the text what is left of it. A piece may also end in a record that is
    /// longer than the longest allowed, or that is malformed in a way which its parser finds. False after the last.
    pub(crate) fn next(&mut self, chunk: &mut Chunk) -> Result<bool, IoError> {
        let mut raw = std::mem::take(chunk.raw_mut());
        let mut filled = self.rest.len();
        // Bytes beyond `filled` are left from an earlier piece: to overwrite them is cheaper than to clear them first.
        let mut target = self.target.max(filled + 1);
        raw.resize(filled.max(raw.len()), 0);
        raw[..filled].copy_from_slice(&self.rest);
        self.rest.clear();
        let mut searched = 0;
        let end = loop {
            let at_end = self.fill(&mut raw, &mut filled, target)?;
            if at_end {
                break filled;
            }
            match self.ends.last(&raw[..filled], searched) {
                Some(end) => break end,
                None if filled > self.ends.max_record => break filled,
                None => {
                    // Each time twice as much, so that a long record is not searched too often.
                    searched = filled;
                    target = filled * 2;
                }
            }
        };
        self.rest.extend_from_slice(&raw[end..filled]);
        raw.truncate(end);
        if raw.is_empty() {
            *chunk.raw_mut() = raw;
            return Ok(false);
        }
        chunk.reset(self.index, self.byte, self.line);
        self.index += 1;
        self.byte += raw.len() as u64;
        self.line += memchr_iter(b'\n', &raw).count() as u64;
        *chunk.raw_mut() = raw;
        Ok(true)
    }

    /// Reads until `target` bytes are there; true at the end of the text.
    fn fill(
        &mut self,
        raw: &mut Vec<u8>,
        filled: &mut usize,
        target: usize,
    ) -> Result<bool, IoError> {
        const FIRST: usize = 1 << 16;
        while *filled < target {
            if *filled == raw.len() {
                // No more than twice what there is: a short text needs little, whatever the target.
                raw.resize(target.min((2 * *filled).max(FIRST)), 0);
            }
            let end = raw.len().min(target);
            match self.bytes.read(&mut raw[*filled..end]) {
                Ok(0) => return Ok(true),
                Ok(n) => *filled += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(IoError::io("read", source)),
            }
        }
        Ok(false)
    }
}

impl Ends {
    /// Where the last whole record of a text ends, if one does. The text begins where a record begins; without quotes, no
    /// record is known to end in the first `searched` bytes.
    fn last(&self, text: &[u8], searched: usize) -> Option<usize> {
        match (self.quote, self.comment) {
            (None, _) => memrchr(b'\n', &text[searched..]).map(|i| searched + i + 1),
            (Some(quote), None) => last_outside_quotes(text, quote),
            (Some(quote), Some(comment)) => last_forwards(text, quote, comment),
        }
    }
}

/// Every second quote closes one: a newline with an even number of them before it ends a record.
fn last_outside_quotes(text: &[u8], quote: u8) -> Option<usize> {
    let mut inside = memchr_iter(quote, text).count() % 2 == 1;
    let mut end = text.len();
    loop {
        let newline = memrchr(b'\n', &text[..end])?;
        inside ^= memchr_iter(quote, &text[newline..end]).count() % 2 == 1;
        if !inside {
            return Some(newline + 1);
        }
        end = newline;
    }
}

/// Quotes in comments stand for themselves, so only from front to back can records be told from comments.
fn last_forwards(text: &[u8], quote: u8, comment: u8) -> Option<usize> {
    let (mut last, mut at) = (None, 0);
    while at < text.len() {
        if text[at] == comment {
            match memchr(b'\n', &text[at..]) {
                None => break,
                Some(i) => at += i + 1,
            }
        } else {
            let mut inside = false;
            loop {
                let Some(i) = memchr2(quote, b'\n', &text[at..]) else {
                    return last;
                };
                at += i + 1;
                if text[at - 1] == quote {
                    inside = !inside;
                } else if !inside {
                    break;
                }
            }
        }
        last = Some(at);
    }
    last
}

impl fmt::Debug for Cutter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cutter")
            .field("ends", &self.ends)
            .field("target", &self.target)
            .field("byte", &self.byte)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends = Ends {
        quote: Some(b'"'),
        comment: None,
        max_record: 1000,
    };

    fn pieces(text: &str, ends: Ends, target: usize) -> Vec<String> {
        let bytes = Box::new(Cursor::new(text.as_bytes().to_vec()));
        let skipped = Skipped::default();
        let mut cutter = Cutter::new(Text { bytes, skipped }, ends, target);
        let (mut chunk, mut pieces) = (Chunk::new(), Vec::new());
        let mut byte = 0;
        while cutter.next(&mut chunk).unwrap() {
            assert_eq!(chunk.index(), pieces.len() as u64);
            assert_eq!(chunk.byte(), byte);
            let before = &text[..byte as usize];
            assert_eq!(chunk.line(), 1 + before.matches('\n').count() as u64);
            byte += chunk.raw().len() as u64;
            pieces.push(String::from_utf8(chunk.raw().to_vec()).unwrap());
        }
        assert!(!cutter.next(&mut chunk).unwrap());
        pieces
    }

    #[test]
    fn pieces_end_at_newlines_outside_quotes_and_nothing_is_lost() {
        let text = "a,b\n1,\"x\ny\"\n\"\"\"\n\",2\n3,4";
        for target in 1..40 {
            let pieces = pieces(text, ENDS, target);
            assert_eq!(pieces.concat(), text);
            for piece in &pieces[..pieces.len() - 1] {
                assert!(piece.ends_with('\n'), "{piece:?}");
                assert_eq!(piece.matches('"').count() % 2, 0, "{piece:?}");
            }
        }
        assert_eq!(
            pieces(text, ENDS, 1),
            ["a,b\n", "1,\"x\ny\"\n", "\"\"\"\n\",2\n", "3,4"]
        );
    }

    #[test]
    fn quotes_in_comments_stand_for_themselves() {
        let ends = Ends {
            comment: Some(b'#'),
            ..ENDS
        };
        let text = "1\n# it's \" odd\n2,\"#\n\"\n3\n";
        for target in 1..30 {
            for piece in pieces(text, ends, target) {
                assert_ne!(piece, "\"\n");
            }
            assert_eq!(pieces(text, ends, target).concat(), text);
        }
    }

    #[test]
    fn an_endless_record_is_handed_over_once_it_is_too_long() {
        let ends = Ends {
            max_record: 20,
            ..ENDS
        };
        let text = format!("1\n\"{}", "x\n".repeat(100));
        let pieces = pieces(&text, ends, 4);
        assert_eq!(pieces[0], "1\n");
        assert!(pieces[1].len() > 20 && pieces[1].len() < 100);
    }
}
