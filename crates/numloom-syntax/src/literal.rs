//! What a number or a quoted text is worth. The token has the right shape already; what can still be
//! wrong is size and escapes.

use std::ops::Range;

use crate::error::{NumberFault, SyntaxErrorKind};
use crate::{IntLit, Span};

/// The value of an integer token such as `1_000` or `0xff`; `None` when 128 bits do not hold it.
pub(crate) fn int(text: &str) -> Option<IntLit> {
    let radix = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 10,
    };
    let digits = if radix == 10 { text } else { &text[2..] };
    let mut value = 0u128;
    for digit in digits.chars().filter_map(|c| c.to_digit(radix)) {
        value = value.checked_mul(radix.into())?.checked_add(digit.into())?;
    }
    Some(IntLit::new(value))
}

/// The value of a float token: the nearest `f64`, infinite when no finite one is near.
pub(crate) fn float(text: &str) -> f64 {
    let plain = text.parse();
    plain.unwrap_or_else(|_| {
        let digits: String = text.chars().filter(|c| *c != '_').collect();
        digits
            .parse()
            .expect("a float token without underscores is a Rust float")
    })
}

/// The value of an imaginary token such as `2j`.
pub(crate) fn imaginary(text: &str) -> f64 {
    float(text.trim_end_matches(['j', 'J']))
}

/// Decodes a string token, quotes included, that starts at byte `start` of the source.
pub(crate) fn string(text: &str, start: usize) -> Result<String, (SyntaxErrorKind, Span)> {
    let mut out = String::with_capacity(text.len());
    each_char(text, start, false, |c| {
        out.push(c);
        Ok(())
    })?;
    Ok(out)
}

/// Decodes a bytes token, prefix and quotes included, that starts at byte `start` of the source.
pub(crate) fn bytes(text: &str, start: usize) -> Result<Vec<u8>, (SyntaxErrorKind, Span)> {
    let mut out = Vec::with_capacity(text.len());
    each_char(text, start, true, |c| {
        // Escapes make characters up to U+00FF only, which are the bytes themselves.
        out.push(u8::try_from(c).map_err(|_| SyntaxErrorKind::NonAsciiBytes { found: c })?);
        Ok(())
    })?;
    Ok(out)
}

fn each_char(
    text: &str,
    start: usize,
    is_bytes: bool,
    mut push: impl FnMut(char) -> Result<(), SyntaxErrorKind>,
) -> Result<(), (SyntaxErrorKind, Span)> {
    let open = usize::from(is_bytes) + 1;
    let body = &text[open..text.len() - 1];
    let place = |from: usize, to: usize| Span::new(start + open + from, start + open + to);
    let mut at = 0;
    while let Some(c) = body[at..].chars().next() {
        let from = at;
        at += c.len_utf8();
        let meant = if c == '\\' {
            let (meant, len) = escape(&body[at..], is_bytes);
            at += len;
            match meant {
                Escape::Char(meant) => meant,
                Escape::Nothing => continue,
                Escape::Invalid => {
                    let text = body[from..at].to_owned();
                    return Err((SyntaxErrorKind::InvalidEscape { text }, place(from, at)));
                }
            }
        } else if is_bytes && !c.is_ascii() {
            let kind = SyntaxErrorKind::NonAsciiBytes { found: c };
            return Err((kind, place(from, at)));
        } else {
            c
        };
        push(meant).map_err(|kind| (kind, place(from, at)))?;
    }
    Ok(())
}

enum Escape {
    Char(char),
    /// A line joined to the next.
    Nothing,
    Invalid,
}

/// What the text after a backslash means, and how much of it.
fn escape(rest: &str, is_bytes: bool) -> (Escape, usize) {
    let Some(letter) = rest.chars().next() else {
        return (Escape::Invalid, 0);
    };
    let hex = |len: usize| {
        let digits = rest
            .get(1..=len)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        match code.and_then(char::from_u32) {
            Some(c) => (Escape::Char(c), len + 1),
            None => {
                let bad = rest[1..]
                    .bytes()
                    .take(len)
                    .take_while(u8::is_ascii_hexdigit);
                (Escape::Invalid, 1 + bad.count())
            }
        }
    };
    let simple = |c| (Escape::Char(c), 1);
    match letter {
        '\\' | '\'' | '"' => simple(letter),
        'a' => simple('\x07'),
        'b' => simple('\x08'),
        'f' => simple('\x0c'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\x0b'),
        '\n' => (Escape::Nothing, 1),
        '\r' => (
            Escape::Nothing,
            if rest.starts_with("\r\n") { 2 } else { 1 },
        ),
        '0'..='7' => {
            let len = rest
                .bytes()
                .take(3)
                .take_while(|b| matches!(b, b'0'..=b'7'))
                .count();
            match u8::from_str_radix(&rest[..len], 8) {
                Ok(byte) => (Escape::Char(char::from(byte)), len),
                Err(_) => (Escape::Invalid, len),
            }
        }
        'x' => hex(2),
        'u' if !is_bytes => hex(4),
        'U' if !is_bytes => hex(8),
        other => (Escape::Invalid, other.len_utf8()),
    }
}

impl NumberFault {
    /// What is wrong with the text of a `BadNumber` token, and which bytes of it show that.
    pub(crate) fn of(text: &str) -> (Self, Range<usize>) {
        let all = 0..text.len();
        let (radix, body) = match text.as_bytes() {
            [b'0', b'x' | b'X', ..] => (16, 2),
            [b'0', b'o' | b'O', ..] => (8, 2),
            [b'0', b'b' | b'B', ..] => (2, 2),
            _ => (10, 0),
        };
        let digits = &text[body..];
        if body == 2 && digits.is_empty() {
            return (Self::NoDigits, all);
        }
        let belongs = |c: char| c == '_' || c.is_digit(radix) || (radix == 10 && c == '.');
        if let Some(at) = digits.find(|c| !belongs(c)) {
            let c = digits[at..].chars().next().unwrap_or('_');
            if radix != 10 && c.is_ascii_digit() {
                let digit = body + at..body + at + 1;
                return (Self::NoSuchDigit { digit: c, radix }, digit);
            }
            let tail = &digits[at..];
            if radix == 10 && at > 0 && matches!(tail, "e" | "E" | "e+" | "e-" | "E+" | "E-") {
                return (Self::NoExponent, all);
            }
            if at > 0 || radix == 10 {
                let number = text[..body + at].trim_end_matches('_').len();
                return (Self::RunsOn { number }, number..text.len());
            }
            return (Self::NoDigits, all);
        }
        let odd = ["__", "._", "_."].iter().find_map(|pair| digits.find(pair));
        let odd = odd.or_else(|| digits.ends_with('_').then(|| digits.len() - 1));
        match odd {
            Some(at) => {
                let rest = &digits[at..];
                let len = rest.len() - rest.trim_start_matches(['_', '.']).len();
                (Self::Underscore, body + at..body + at + len)
            }
            None => (Self::LeadingZero, all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, float, int, string};

    #[test]
    fn integers_of_every_base_and_their_largest() {
        let value = |text| int(text).map(|lit| lit.value);
        assert_eq!(value("1_000"), Some(1000));
        assert_eq!(value("0xFf"), Some(255));
        assert_eq!(value("0b_1_01"), Some(5));
        assert_eq!(value("0o17"), Some(15));
        assert_eq!(
            value("340282366920938463463374607431768211455"),
            Some(u128::MAX)
        );
        assert_eq!(value("340282366920938463463374607431768211456"), None);
    }

    #[test]
    fn floats_are_read_to_the_nearest() {
        for (text, want) in [("1.", 1.0), (".5", 0.5), ("1_0.5", 10.5), ("1e-3", 1e-3)] {
            assert_eq!(float(text), want);
        }
        assert_eq!(float("1e400"), f64::INFINITY);
    }

    #[test]
    fn escapes_are_pythons() {
        let text = string(r#""a\n\x41\101\u00e9\U0001F600\"""#, 0).unwrap();
        assert_eq!(text, "a\nAAé😀\"");
        assert_eq!(bytes(r"b'\xff\0\''", 0).unwrap(), b"\xff\0'");
    }

    #[test]
    fn a_bad_escape_is_placed_to_the_byte() {
        let (_, span) = string(r#""ab\qc""#, 10).unwrap_err();
        assert_eq!(span, crate::Span::new(13, 15));
        let (_, span) = bytes("b'é'", 0).unwrap_err();
        assert_eq!(span, crate::Span::new(2, 4));
        assert!(bytes(r"b'\400'", 0).is_err());
        assert!(string(r#""\ud800""#, 0).is_err());
    }
}
