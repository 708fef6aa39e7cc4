//! Draws a diagnostic under the lines of source it speaks of.
//!
//! In: a [`Diagnostic`], its source, perhaps the source's origin. Out: text for a terminal or a log.
//! Columns count what is seen: tabs as four blanks, wide characters as two, combining marks as none. A
//! line too long to show whole is cut to a window round the labels; the work is bounded by the lines
//! that labels touch. It never fails: spans out of range, or amid a character, are moved to where they
//! make sense.
//!
//! ```text
//! error[type-mismatch]: `&` needs integers or bools       header
//!  1 | (a > 0) & b                                        source line
//!    |         ^ - this is f64                            marks, and the message of the last one
//!    |         |
//!    |         in this operation                          the messages of the others, right to left
//!    = help: write `b != 0` to test it                    notes and help
//! ```

use std::fmt::{self, Write};

use crate::width::{columns, visible};
use crate::{Diagnostic, Label, Paint, Severity, Span, Style};

/// Draws `diagnostic` under the lines of `src` it speaks of. Each line of the result ends with a newline.
///
/// `origin` names where the source is from, such as a file; it appears with line and column, counted
/// from 1 in characters.
///
/// ```
/// use numloom_syntax::{Style, parse, render};
/// let src = "2 * (a + b";
/// let errors = parse(src).unwrap_err();
/// assert_eq!(render(&errors.diagnostics()[0], src, None, &Style::default()), "\
/// error[unclosed-bracket]: `(` is never closed
///  1 | 2 * (a + b
///    |     ^ opened here
/// ");
/// ```
pub fn render(diagnostic: &Diagnostic, src: &str, origin: Option<&str>, style: &Style) -> String {
    let mut out = String::new();
    let drawn = draw(diagnostic, src, origin, style, &mut out);
    drawn.expect("a string takes all that is written to it");
    out
}

fn draw(
    diagnostic: &Diagnostic,
    src: &str,
    origin: Option<&str>,
    style: &Style,
    out: &mut String,
) -> fmt::Result {
    let paint = match diagnostic.severity {
        Severity::Error => &style.error,
        Severity::Warning => &style.warning,
    };
    let head = format!("{}[{}]", diagnostic.severity, diagnostic.code);
    let message = style.message.on(tidy(&diagnostic.message, " "));
    let head = paint.on(head);
    writeln!(out, "{head}: {message}")?;

    let lines = lines_with_marks(&diagnostic.labels, src);
    let last_number = lines.last().map_or(0, |line| line.number);
    let width = last_number.max(1).ilog10() as usize + 1;
    if let (Some(origin), Some(span)) = (origin, diagnostic.span()) {
        let (line, column) = line_and_column(src, span.start);
        let arrow = style.frame.on("-->");
        writeln!(out, "{:width$}{arrow} {origin}:{line}:{column}", " ")?;
    }
    let bar = style.frame.on("|");
    let mut before = None;
    for line in &lines {
        if before.is_some_and(|n: usize| n + 1 < line.number) {
            writeln!(out, " {:width$} {}", "", style.frame.on("⋮"))?;
        }
        before = Some(line.number);
        let view = View::of(line, src);
        let number = style.frame.on(format!("{:>width$}", line.number));
        writeln!(out, " {number} {bar} {}", view.text.trim_end())?;
        for row in mark_rows(&view.marks, style) {
            writeln!(out, " {:width$} {bar} {row}", "")?;
        }
    }
    let remarks = diagnostic.notes.iter().map(|note| ("note", note));
    let remarks = remarks.chain(diagnostic.help.iter().map(|help| ("help", help)));
    for (kind, text) in remarks {
        let equals = style.frame.on("=");
        let below = format!("\n {:width$}         ", "");
        let (kind, text) = (style.remark.on(kind), tidy(text, &below));
        writeln!(out, " {:width$} {equals} {kind}: {text}", "")?;
    }
    Ok(())
}

/// A message with its lines joined by `between`, and without what could command the terminal.
fn tidy(text: &str, between: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.chars().map(visible).collect())
        .collect();
    lines.join(between)
}

/// The line and the column of a byte offset, both from 1, the column in characters. An offset amid a
/// character counts as the character's, one past the end as the end's.
///
/// ```
/// use numloom_syntax::line_and_column;
/// assert_eq!(line_and_column("é + b\nc", 5), (1, 5));
/// assert_eq!(line_and_column("é + b\nc", 7), (2, 1));
/// ```
pub fn line_and_column(src: &str, offset: usize) -> (usize, usize) {
    let before = &src[..src.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// A part of a label that falls on one line.
struct Mark<'a> {
    /// Within the source, or within the view's columns.
    start: usize,
    end: usize,
    message: &'a str,
    primary: bool,
}

/// A source line that labels touch.
struct Line<'a> {
    /// From 1.
    number: usize,
    span: Span,
    marks: Vec<Mark<'a>>,
}

/// The lines to draw, in order. Of a label over several lines the first and the last are drawn, and the
/// message stands at the last.
fn lines_with_marks<'a>(labels: &'a [Label], src: &str) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for label in labels {
        let start = src.floor_char_boundary(label.span.start.min(src.len()));
        let end = src.ceil_char_boundary(label.span.end.clamp(start, src.len()));
        let message = label.message.as_deref().unwrap_or("");
        let primary = label.primary;
        let (first, last) = (line_round(src, start), line_round(src, end));
        // A span that ends at the very start of a line belongs to the line before.
        let last = match end > start && end == last.start && first.start != last.start {
            true => line_round(src, end - 1),
            false => last,
        };
        let mut add = |line: Span, start: usize, end: usize, message: &'a str| {
            let mark = Mark {
                start,
                end,
                message,
                primary,
            };
            match lines.iter_mut().find(|known| known.span == line) {
                Some(known) => known.marks.push(mark),
                None => lines.push(Line {
                    number: src[..line.start].bytes().filter(|&b| b == b'\n').count() + 1,
                    span: line,
                    marks: vec![mark],
                }),
            }
        };
        if first.start == last.start {
            add(first, start, end.min(first.end).max(start), message);
        } else {
            add(first, start, first.end.max(start), "");
            let text = &src[last.range()];
            let indent = text.len() - text.trim_start().len();
            add(last, last.start + indent, end.min(last.end), message);
        }
    }
    lines.sort_by_key(|line| line.number);
    lines
}

/// The line round an offset, without its end.
fn line_round(src: &str, offset: usize) -> Span {
    let start = src[..offset].rfind('\n').map_or(0, |at| at + 1);
    let rest = &src[offset..];
    let end = offset + rest.find('\n').unwrap_or(rest.len());
    let line = src[start..end].trim_end_matches('\r');
    Span::new(start, (start + line.len()).max(offset.min(end)))
}

/// What is seen of a line: its text made printable, and its marks in columns.
struct View<'a> {
    text: String,
    marks: Vec<Mark<'a>>,
}

/// Bytes of source shown of one line, at most, and how many of them before the first mark.
const MAX_BYTES: usize = 160;
const LEAD_BYTES: usize = 60;

impl<'a> View<'a> {
    fn of(line: &Line<'a>, src: &str) -> Self {
        let window = window(line, src);
        let mut text = String::new();
        if window.start > line.span.start {
            text.push('…');
        }
        // Columns of the marks' ends, found as the text grows.
        let mut column = text.chars().count();
        let mut marks: Vec<Mark<'a>> = line
            .marks
            .iter()
            .map(|mark| Mark {
                start: if mark.start < window.start {
                    0
                } else {
                    usize::MAX
                },
                end: usize::MAX,
                ..*mark
            })
            .collect();
        let place = |offset: usize, column: usize, marks: &mut [Mark<'a>]| {
            for (mark, original) in marks.iter_mut().zip(&line.marks) {
                if original.start == offset {
                    mark.start = column;
                }
                if original.end == offset {
                    mark.end = column;
                }
            }
        };
        for (at, c) in src[window.range()].char_indices() {
            place(window.start + at, column, &mut marks);
            match c {
                '\t' => text.push_str("    "),
                c => text.push(visible(c)),
            }
            column += columns(c);
        }
        place(window.end, column, &mut marks);
        if window.end < line.span.end {
            text.push('…');
            column += 1;
        }
        for mark in &mut marks {
            mark.start = mark.start.min(column);
            mark.end = mark.end.min(column).max(mark.start + 1);
        }
        marks.sort_by_key(|mark| (mark.start, !mark.primary));
        Self { text, marks }
    }
}

/// The part of a line to show: all of it, or as much as fits round the first primary mark.
fn window(line: &Line<'_>, src: &str) -> Span {
    if line.span.len() <= MAX_BYTES {
        return line.span;
    }
    let primary = line.marks.iter().find(|mark| mark.primary);
    let Some(focus) = primary.or(line.marks.first()) else {
        return line.span;
    };
    let latest = line.span.end.saturating_sub(MAX_BYTES);
    let start = focus.start.saturating_sub(LEAD_BYTES).min(latest);
    let start = src.floor_char_boundary(start.max(line.span.start));
    let end = src.floor_char_boundary((start + MAX_BYTES).min(line.span.end));
    Span::new(start, end)
}

/// The rows under a source line: the marks with the last one's message, then the other messages from
/// right to left, each under its mark.
fn mark_rows(marks: &[Mark<'_>], style: &Style) -> Vec<String> {
    let mut rows = vec![Row::default()];
    for mark in marks {
        let sign = if mark.primary { "^" } else { "-" };
        let n = mark.end.saturating_sub(mark.start.max(rows[0].column));
        let at = mark.start.max(rows[0].column);
        rows[0].put(at, &sign.repeat(n), paint_of(mark, style));
    }
    let mut waiting: Vec<&Mark<'_>> = marks.iter().filter(|m| !m.message.is_empty()).collect();
    let last_end = marks.iter().map(|mark| mark.end).max().unwrap_or(0);
    if let Some(last) = waiting.pop_if(|mark| mark.end == last_end) {
        rows[0].put(
            last_end + 1,
            &tidy(last.message, " "),
            paint_of(last, style),
        );
    }
    if !waiting.is_empty() {
        let mut row = Row::default();
        for mark in &waiting {
            row.put(mark.start, "|", paint_of(mark, style));
        }
        rows.push(row);
    }
    while let Some(mark) = waiting.pop() {
        let mut row = Row::default();
        for outer in &waiting {
            row.put(outer.start, "|", paint_of(outer, style));
        }
        row.put(mark.start, &tidy(mark.message, " "), paint_of(mark, style));
        rows.push(row);
    }
    rows.into_iter().map(|row| row.text).collect()
}

fn paint_of<'a>(mark: &Mark<'_>, style: &'a Style) -> &'a Paint {
    if mark.primary {
        &style.primary
    } else {
        &style.secondary
    }
}

/// A row of marks being written from left to right.
#[derive(Default)]
struct Row {
    text: String,
    column: usize,
}

impl Row {
    /// Writes `text` at a column; what would stand on something written before is left out.
    fn put(&mut self, column: usize, text: &str, paint: &Paint) {
        if column < self.column || text.is_empty() {
            return;
        }
        self.text += &" ".repeat(column - self.column);
        self.text += &paint.on(text).to_string();
        self.column = column + text.chars().map(columns).sum::<usize>();
    }
}

impl Diagnostic {
    /// The plain drawing of [`render()`], as something to print.
    ///
    /// ```
    /// use numloom_syntax::parse;
    /// let src = "a && b";
    /// let diagnostics = parse(src).unwrap_err().diagnostics();
    /// assert!(diagnostics[0].display(src).to_string().contains("^^"));
    /// ```
    pub fn display(&self, src: &str) -> impl fmt::Display {
        fmt::from_fn(move |f| f.write_str(&render(self, src, None, &Style::default())))
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, Paint, Style, render};
    use crate::{Code, Diagnostic, Span};

    fn plain(diagnostic: &Diagnostic, src: &str) -> String {
        render(diagnostic, src, None, &Style::default())
    }

    fn at(start: usize, end: usize) -> Diagnostic {
        Diagnostic::error(Code::UnknownName, "no").with_primary(Span::new(start, end), "here")
    }

    #[test]
    fn labels_on_one_line_hang_below_each_other() {
        let diagnostic = Diagnostic::error(Code::TypeMismatch, "`&` needs integers or bools")
            .with_primary(Span::new(8, 9), "in this operation")
            .with_secondary(Span::new(10, 11), "this is f64")
            .with_secondary(Span::new(0, 7), "this is bool")
            .with_note("a note")
            .with_help("write `b != 0` to test it");
        let want = "\
error[type-mismatch]: `&` needs integers or bools
 1 | (a > 0) & b
   | ------- ^ - this is f64
   | |       |
   | |       in this operation
   | this is bool
   = note: a note
   = help: write `b != 0` to test it
";
        assert_eq!(plain(&diagnostic, "(a > 0) & b"), want);
    }

    #[test]
    fn tabs_wide_and_combining_characters_keep_the_caret_below() {
        let src = "\ta + 数 + e\u{301} $ b";
        let dollar = src.find('$').unwrap();
        let drawing = plain(&at(dollar, dollar + 1), src);
        // Four blanks for the tab, two columns for 数, none for the accent.
        let caret = drawing.lines().last().unwrap();
        assert_eq!(caret, "   |                ^ here");
        assert!(drawing.contains("     a + 数 + e\u{301} $ b"));
    }

    #[test]
    fn a_label_over_lines_shows_its_ends() {
        let src = "f(a,\n  b,\n  c\n  d)";
        let diagnostic = at(1, src.len()).with_secondary(Span::new(5, 8), "b");
        let want = "\
error[unknown-name]: no
 1 | f(a,
   |  ^^^
 2 |   b,
   | --- b
   ⋮
 4 |   d)
   |   ^^ here
";
        let drawing = plain(&diagnostic, src);
        let tidy: Vec<&str> = drawing.lines().map(str::trim_end).collect();
        assert_eq!(tidy.join("\n") + "\n", want);
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut_round_the_label() {
        let src = "数+".repeat(250_000) + "$" + &"+é".repeat(200_000);
        let dollar = src.find('$').unwrap();
        let drawing = plain(&at(dollar, dollar + 1), &src);
        assert!(drawing.len() < 3 * MAX_BYTES + 200, "{}", drawing.len());
        let lines: Vec<&str> = drawing.lines().collect();
        assert!(
            lines[1].starts_with(" 1 | …") && lines[1].ends_with('…'),
            "{drawing}"
        );
        let column = |line: &str, c: char| {
            line.chars()
                .take_while(|&x| x != c)
                .map(super::columns)
                .sum::<usize>()
        };
        assert_eq!(column(lines[1], '$'), column(lines[2], '^'));
        // A label as long as the line ends with the window.
        let all = plain(&at(0, src.len()), &src);
        assert!(all.len() < 4 * MAX_BYTES + 200);
    }

    #[test]
    fn spans_that_make_no_sense_are_drawn_somewhere() {
        let src = "é\r\nb";
        for start in 0..8 {
            for end in 0..8 {
                let drawing = plain(&at(start, end), src);
                assert!(drawing.contains('^'), "{start}..{end}: {drawing}");
            }
        }
        assert!(plain(&at(0, 1), "").contains("^ here"));
        assert!(plain(&at(usize::MAX, usize::MAX), "a").contains("^ here"));
        let inverted = Span { start: 5, end: 2 };
        let diagnostic = Diagnostic::error(Code::UnknownName, "no").with_primary(inverted, "");
        assert!(plain(&diagnostic, "abcdefg").contains("     ^"));
    }

    #[test]
    fn messages_cannot_command_the_terminal() {
        let diagnostic = Diagnostic::error(Code::FileIo, "no file \x1b[2J`\u{202e}`")
            .with_primary(Span::new(0, 1), "\x07")
            .with_note("first\nsecond");
        let drawing = plain(&diagnostic, "a\x1b[2J");
        assert!(
            !drawing.contains(['\x1b', '\x07', '\u{202e}']),
            "{drawing:?}"
        );
        assert!(
            drawing.ends_with("   = note: first\n           second\n"),
            "{drawing}"
        );
    }

    #[test]
    fn a_style_paints_and_changes_nothing_else() {
        let paint = |name: &str| Paint::new(format!("<{name}>"), "</>");
        let style = Style::default()
            .with_error(paint("e"))
            .with_message(paint("m"))
            .with_frame(paint("f"))
            .with_primary(paint("p"))
            .with_secondary(paint("s"))
            .with_remark(paint("r"));
        let diagnostic = at(0, 1)
            .with_secondary(Span::new(2, 3), "too")
            .with_help("do");
        let painted = render(&diagnostic, "a b", None, &style);
        assert!(painted.contains("<e>error[unknown-name]</>: <m>no</>"));
        assert!(painted.contains("<p>^</> <s>-</> <s>too</>"), "{painted}");
        assert!(painted.contains("<f>=</> <r>help</>: do"));
        let mut stripped = painted.replace("</>", "");
        for name in ["e", "m", "f", "p", "s", "r"] {
            stripped = stripped.replace(&format!("<{name}>"), "");
        }
        assert_eq!(stripped, plain(&diagnostic, "a b"));
    }
}
