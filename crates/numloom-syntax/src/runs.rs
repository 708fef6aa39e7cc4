//! Tokens to runs: brackets matched, nesting counted, statements parted.
//!
//! In: the tokens. Out: one [`Run`] for the inside of each bracket and one for each statement, every run
//! after the runs inside it, in which a bracketed part is a single token. So the grammar needs no rule
//! that refers to itself, a mistake inside one bracket leaves the others readable, and each token is read
//! by the grammar once. Every bracket in a run is closed; a statement with an open one makes no run.
//!
//! ```text
//! f(a, (b + c)*d)   →   b + c        paren 0
//!                       a, ⟨0⟩ * d   args 1
//!                       f ⟨1⟩        statement
//! ```

use std::ops::Range;

use crate::error::{Findings, SyntaxErrorKind, Unsupported};
use crate::lexer::Lexer;
use crate::token::{Item, Token};
use crate::{Limit, Limits, Span};

/// A stretch of tokens without brackets in it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) kind: RunKind,
    /// Which of [`Runs::items`].
    pub(crate) items: Range<usize>,
    /// Brackets included.
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunKind {
    /// Inside `( … )` where an operand is expected.
    Paren,
    /// Inside `( … )` after an operand.
    Args,
    /// Inside `[ … ]` after an operand.
    Index,
    /// From one `;` or line end to the next.
    Statement,
}

impl RunKind {
    const fn token(self) -> Token {
        match self {
            Self::Paren => Token::Paren,
            Self::Args => Token::Args,
            Self::Index => Token::Index,
            Self::Statement => Token::Error,
        }
    }
}

/// All runs of a source, inner ones first.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) runs: Vec<Run>,
    pub(crate) items: Vec<Item>,
}

impl Runs {
    /// Reads the source to its end, or to the first limit. What is wrong goes to `findings`.
    pub(crate) fn read(src: &str, limits: &Limits, findings: &mut Findings) -> Self {
        let mut reader = Reader {
            src,
            findings,
            out: Self::default(),
            pending: Vec::new(),
            opens: Vec::new(),
            n_open: [0; 3],
            forgiven: 0,
            nesting: Nesting::default(),
            broken: false,
        };
        let mut lexer = Lexer::new(src, limits);
        while let Some(item) = lexer.next(reader.findings) {
            let after_operand = reader.after_operand();
            if reader.nesting.count(item.token, after_operand) > limits.max_depth {
                (reader.findings).limit(Limit::Depth, limits.max_depth, item.span);
                return reader.out;
            }
            reader.take(item);
        }
        if !lexer.cut_short {
            reader.end_of_source();
        }
        reader.out
    }
}

/// An open bracket.
#[derive(Clone, Copy)]
struct Open {
    /// `None` for brackets that the language has no use for.
    kind: Option<RunKind>,
    bracket: char,
    span: Span,
    /// Where its tokens begin among the pending ones.
    first: usize,
}

struct Reader<'a> {
    src: &'a str,
    findings: &'a mut Findings,
    out: Runs,
    /// Tokens of the statement and of the open brackets in it, one behind the other.
    pending: Vec<Item>,
    opens: Vec<Open>,
    /// How many brackets of each shape are open.
    n_open: [usize; 3],
    nesting: Nesting,
    /// How many closing brackets belong to brackets that a `;` broke off.
    forgiven: usize,
    /// Whether this statement has an unclosed bracket.
    broken: bool,
}

impl Reader<'_> {
    fn take(&mut self, item: Item) {
        match item.token {
            Token::Open => self.open(item.span),
            Token::Close => self.close(item.span),
            Token::Newline if !self.opens.is_empty() => {}
            Token::Newline => self.end_statement(),
            Token::Semicolon => {
                if !self.opens.is_empty() {
                    self.forgiven += self.opens.len();
                    self.unclosed(0, Some((';', item.span)));
                }
                self.end_statement();
            }
            _ => self.pending.push(item),
        }
    }

    fn open(&mut self, span: Span) {
        let bracket = self.char_at(span);
        let first = self.pending.len();
        self.n_open[bracket_index(bracket)] += 1;
        let kind = match (bracket, self.after_operand()) {
            ('(', false) => Some(RunKind::Paren),
            ('(', true) => Some(RunKind::Args),
            ('[', true) => Some(RunKind::Index),
            (_, _) => None,
        };
        self.opens.push(Open {
            kind,
            bracket,
            span,
            first,
        });
    }

    fn close(&mut self, span: Span) {
        let close = self.char_at(span);
        let Some(innermost) = self.opens.last() else {
            if self.forgiven > 0 {
                self.forgiven -= 1;
            } else {
                let kind = SyntaxErrorKind::UnmatchedBracket { close };
                self.findings.push(kind, span);
            }
            self.pending.push(Item::new(Token::Error, span));
            return;
        };
        if partner(innermost.bracket) != close {
            let (open, open_span) = (innermost.bracket, innermost.span);
            // `f(a[0)`: the closing bracket fits one further out, so the inner one was forgotten. The
            // search is paid for by the brackets it gives up: without a fitting one it is not begun.
            let fitting = (self.n_open[bracket_index(close)] > 0)
                .then(|| self.opens.iter().rposition(|o| partner(o.bracket) == close))
                .flatten();
            if let Some(fitting) = fitting {
                self.unclosed(fitting + 1, Some((close, span)));
            } else {
                let kind = SyntaxErrorKind::MismatchedBracket {
                    open,
                    open_span,
                    close,
                };
                self.findings.push(kind, span);
            }
        }
        if let Some(open) = self.opens.pop() {
            self.n_open[bracket_index(open.bracket)] -= 1;
            let span = open.span.merge(span);
            self.end_bracket(open, span);
        }
        self.nesting.close();
    }

    /// Moves the tokens of a closed bracket into a run, and leaves one token in their place.
    fn end_bracket(&mut self, open: Open, span: Span) {
        let token = match open.kind {
            Some(kind) => {
                let group = self.out.runs.len() as u32;
                let token = kind.token();
                self.end_run(kind, open.first, span);
                self.pending.push(Item { token, span, group });
                return;
            }
            None if open.bracket == '[' => Unsupported::List,
            None => Unsupported::Braces,
        };
        let kind = SyntaxErrorKind::UnsupportedSyntax(token);
        self.findings.push(kind, span);
        self.pending.truncate(open.first);
        self.pending.push(Item::new(Token::Hole, span));
    }

    fn end_run(&mut self, kind: RunKind, first: usize, span: Span) {
        let start = self.out.items.len();
        self.out.items.extend(self.pending.drain(first..));
        let items = start..self.out.items.len();
        self.out.runs.push(Run { kind, items, span });
    }

    fn end_statement(&mut self) {
        let all = (self.pending.first(), self.pending.last());
        if let (Some(first), Some(last)) = all {
            let span = first.span.merge(last.span);
            if self.broken {
                self.pending.clear();
            } else {
                self.end_run(RunKind::Statement, 0, span);
            }
        }
        self.broken = false;
        self.nesting = Nesting::default();
    }

    /// Reports the innermost open bracket and gives up those from `keep` on, with what is in them.
    fn unclosed(&mut self, keep: usize, before: Option<(char, Span)>) {
        let others = self.opens.len().saturating_sub(keep + 1);
        let Some(&Open { bracket, span, .. }) = self.opens.last() else {
            return;
        };
        let kind = SyntaxErrorKind::UnclosedBracket {
            open: bracket,
            before,
            others,
        };
        self.findings.push(kind, span);
        self.pending.truncate(self.opens[keep].first);
        self.pending.push(Item::new(Token::Error, span));
        for given_up in self.opens.drain(keep..) {
            self.n_open[bracket_index(given_up.bracket)] -= 1;
        }
        self.nesting.truncate(keep);
        self.broken = true;
    }

    fn end_of_source(&mut self) {
        if !self.opens.is_empty() {
            self.unclosed(0, None);
        }
        self.end_statement();
    }

    /// Whether the last token inside the innermost open bracket ends an operand.
    fn after_operand(&self) -> bool {
        let first = self.opens.last().map_or(0, |open| open.first);
        let last = self.pending[first..].last();
        last.is_some_and(|item| item.token.ends_operand())
    }

    fn char_at(&self, span: Span) -> char {
        char::from(self.src.as_bytes()[span.start])
    }
}

const fn partner(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

const fn bracket_index(bracket: char) -> usize {
    match bracket {
        '(' | ')' => 0,
        '[' | ']' => 1,
        _ => 2,
    }
}

/// Counts how deep the tree will be: brackets, and whatever else nests to the right.
#[derive(Default)]
struct Nesting {
    total: usize,
    /// What the open brackets hold, outermost first, and what is outside them.
    levels: Vec<Level>,
    here: Level,
}

/// What is open at one level of brackets; each kind ends where a looser operator stands.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Signs and `**`.
    powers: usize,
    nots: usize,
    elses: usize,
}

impl Level {
    const fn total(self) -> usize {
        self.powers + self.nots + self.elses
    }
}

impl Nesting {
    /// Counts one token, and returns the depth there.
    fn count(&mut self, token: Token, after_operand: bool) -> usize {
        let outside = self.total - self.here.total();
        let here = &mut self.here;
        match token {
            Token::Open => {
                self.levels.push(*here);
                self.here = Level::default();
                self.total += 1;
                return self.total;
            }
            Token::StarStar => here.powers += 1,
            _ if token.sign().is_some() && !after_operand => here.powers += 1,
            Token::Not => {
                here.powers = 0;
                here.nots += 1;
            }
            Token::Else => {
                here.elses += 1;
                (here.powers, here.nots) = (0, 0);
            }
            Token::If | Token::And | Token::Or => (here.powers, here.nots) = (0, 0),
            Token::Comma | Token::Assign | Token::Colon => *here = Level::default(),
            _ if token.binary().is_some() || token.comparison().is_some() => here.powers = 0,
            _ => {}
        }
        self.total = outside + self.here.total();
        self.total
    }

    /// Ends the innermost bracket.
    fn close(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.total -= 1 + self.here.total();
            self.here = level;
        }
    }

    fn truncate(&mut self, keep: usize) {
        while self.levels.len() > keep {
            self.close();
        }
    }
}
