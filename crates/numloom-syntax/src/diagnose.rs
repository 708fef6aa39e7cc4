//! What to say when the grammar stops at a token: told from the token, the one before it, and the kind of
//! run it stands in.

use crate::builder::cover;
use crate::error::{AssignmentFault, SubscriptFault, SyntaxError, SyntaxErrorKind, Unsupported};
use crate::runs::{Run, RunKind};
use crate::token::{Item, Token};
use crate::{Span, SyntaxErrorKind as Kind};

/// The mistake in a run that the grammar reads up to token `at`; `None` if it was reported before.
pub(crate) fn diagnose(src: &str, run: &Run, items: &[Item], at: usize) -> Option<SyntaxError> {
    let stop = Stop {
        src,
        run,
        items,
        at,
        before: at.checked_sub(1).map(|i| items[i]),
        found: items.get(at).copied(),
    };
    let part = match run.kind {
        RunKind::Index => stop.subscript_part(),
        _ => stop.found.as_slice(),
    };
    if part.iter().any(|item| item.token == Token::Error) {
        return None;
    }
    let (kind, span) = stop.explain();
    // What stands in for a reported mistake may be more than the operand it counts as.
    let stand_in = |item: Option<Item>| item.is_some_and(|item| item.token == Token::Hole);
    if matches!(kind, Kind::ExpectedOperator { .. })
        && (stand_in(stop.before) || stand_in(stop.found))
    {
        return None;
    }
    Some(SyntaxError { kind, span })
}

struct Stop<'a> {
    src: &'a str,
    run: &'a Run,
    items: &'a [Item],
    at: usize,
    before: Option<Item>,
    found: Option<Item>,
}

impl Stop<'_> {
    /// The token as written; of a bracketed part, the bracket nearest to the reader.
    fn text(&self, item: Item) -> String {
        let text = &self.src[item.span.range()];
        match item.token {
            Token::Paren | Token::Args | Token::Index => text[text.len() - 1..].to_owned(),
            _ => text.to_owned(),
        }
    }

    fn explain(&self) -> (SyntaxErrorKind, Span) {
        if self.run.kind == RunKind::Index {
            return self.in_subscript();
        }
        let named = match self.before.map(|item| item.token) {
            Some(Token::Let) => Some("let"),
            Some(Token::Dot) => Some("."),
            _ => None,
        };
        if let Some(after) = named {
            return self.no_name(after);
        }
        if self.before.is_some_and(|item| item.token.ends_operand()) {
            self.after_operand()
        } else {
            self.no_operand()
        }
    }

    /// Just past the last token, where something is missing.
    fn end(&self) -> Span {
        match (self.run.kind, self.before) {
            (_, Some(before)) => Span::point(before.span.end),
            (_, None) => Span::point(self.run.span.start),
        }
    }

    /// Whether the next line, rather than a `;`, follows the run, with something on it.
    fn goes_on_below(&self) -> bool {
        let rest = self.src[self.run.span.end..].trim_start_matches([' ', '\t']);
        let next_line = rest.trim_start();
        rest.starts_with(['\n', '\r', '#']) && !next_line.is_empty()
    }

    fn no_name(&self, after: &'static str) -> (SyntaxErrorKind, Span) {
        match self.found {
            Some(found) if found.token.is_keyword() => (
                Kind::ReservedWord {
                    word: self.text(found),
                },
                found.span,
            ),
            Some(found) => (Kind::ExpectedName { after }, found.span),
            None => (Kind::ExpectedName { after }, self.end()),
        }
    }

    /// An operand should begin here and does not.
    fn no_operand(&self) -> (SyntaxErrorKind, Span) {
        let after = self.before.map(|item| self.text(item));
        let Some(found) = self.found else {
            let closing = (self.run.kind != RunKind::Statement)
                .then(|| self.src[self.run.span.end - 1..self.run.span.end].to_owned());
            let kind = Kind::ExpectedExpression {
                after,
                line_ends: closing.is_none() && self.goes_on_below(),
                found: closing,
            };
            let closing = Span::new(self.run.span.end - 1, self.run.span.end);
            let at = match self.run.kind {
                RunKind::Statement => self.end(),
                _ => closing,
            };
            return (kind, at);
        };
        let in_args = self.run.kind == RunKind::Args;
        let first = matches!(
            self.before.map(|item| item.token),
            None | Some(Token::Comma)
        );
        let kind = match found.token {
            Token::Reserved => self.reserved(found),
            Token::Let => Kind::ReservedWord {
                word: self.text(found),
            },
            Token::Star | Token::StarStar if in_args && first => {
                Kind::UnsupportedSyntax(Unsupported::Unpacking)
            }
            Token::Ellipsis => Kind::UnsupportedSyntax(Unsupported::Ellipsis),
            Token::Colon => Kind::UnsupportedSyntax(Unsupported::Colon),
            _ => Kind::ExpectedExpression {
                after,
                found: Some(self.text(found)),
                line_ends: false,
            },
        };
        (kind, found.span)
    }

    /// An operand ends here, and what follows cannot follow it.
    fn after_operand(&self) -> (SyntaxErrorKind, Span) {
        let (Some(before), Some(found)) = (self.before, self.found) else {
            return self.cut_off();
        };
        let kind = match found.token {
            Token::Assign => return self.assignment(found),
            Token::Reserved => self.reserved(found),
            Token::Str | Token::Bytes
                if before.token == Token::Name && before.span.end == found.span.start =>
            {
                let prefix = self.text(before);
                let form = Unsupported::StringPrefix(prefix);
                return (Kind::UnsupportedSyntax(form), before.span);
            }
            token if token.starts_operand() => {
                let number = |token| {
                    matches!(
                        token,
                        Token::Name | Token::Int | Token::Float | Token::Imaginary
                    )
                };
                let joins = matches!(before.token, Token::Paren | Token::Args | Token::Index);
                Kind::ExpectedOperator {
                    multiply: (joins || number(before.token)) && number(token),
                    left: self.text(before),
                    right: self.text(found),
                }
            }
            Token::Not => match self.items.get(self.at + 1) {
                Some(next) if self.src[next.span.range()] == *"in" => {
                    let span = found.span.merge(next.span);
                    return (Kind::UnsupportedSyntax(Unsupported::Membership), span);
                }
                _ => self.unexpected(found),
            },
            Token::Else => Kind::IncompleteConditional { missing: "if" },
            Token::If => self.conditional_gap(),
            Token::Comma if self.run.kind == RunKind::Statement => {
                Kind::UnsupportedSyntax(Unsupported::BareTuple)
            }
            Token::Colon => Kind::UnsupportedSyntax(Unsupported::Colon),
            Token::Let => Kind::ReservedWord {
                word: self.text(found),
            },
            _ => self.unexpected(found),
        };
        (kind, found.span)
    }

    /// The run ends, or goes on wrongly, after a whole operand where it must not.
    fn cut_off(&self) -> (SyntaxErrorKind, Span) {
        match self.items {
            [first, name, ..] if first.token == Token::Let && self.at == 2 => {
                let name = self.text(*name);
                (Kind::IncompleteLet { name }, self.end())
            }
            _ => (self.conditional_gap(), self.last_if()),
        }
    }

    fn conditional_gap(&self) -> SyntaxErrorKind {
        Kind::IncompleteConditional { missing: "else" }
    }

    fn last_if(&self) -> Span {
        let read = &self.items[..self.at];
        let last = read.iter().rev().find(|item| item.token == Token::If);
        last.map_or(self.end(), |item| item.span)
    }

    fn unexpected(&self, found: Item) -> SyntaxErrorKind {
        let found = self.text(found);
        Kind::UnexpectedToken { found }
    }

    fn reserved(&self, found: Item) -> SyntaxErrorKind {
        let word = self.text(found);
        let next = self.items.get(self.at + 1).map(|item| item.token);
        if next == Some(Token::Assign) {
            return Kind::ReservedWord { word };
        }
        match word.as_str() {
            "is" if next == Some(Token::Not) => Kind::ForeignOperator {
                found: "is not",
                instead: "!=",
            },
            "is" => Kind::ForeignOperator {
                found: "is",
                instead: "==",
            },
            "in" => Kind::UnsupportedSyntax(Unsupported::Membership),
            "lambda" => Kind::UnsupportedSyntax(Unsupported::Lambda),
            "for" | "while" => Kind::UnsupportedSyntax(Unsupported::Comprehension),
            _ => Kind::ReservedWord { word },
        }
    }

    fn assignment(&self, found: Item) -> (SyntaxErrorKind, Span) {
        let read = &self.items[..self.at];
        let since = read
            .iter()
            .rposition(|item| matches!(item.token, Token::Comma | Token::Assign | Token::Let))
            .map_or(0, |i| i + 1);
        let target = cover(&read[since..]);
        let is_name = matches!(read[since..], [item] if item.token == Token::Name);
        if let [item] = &read[since..]
            && item.token.is_keyword()
        {
            let word = self.text(*item);
            return (Kind::ReservedWord { word }, item.span);
        }
        let has_assign = read.iter().any(|item| item.token == Token::Assign);
        let (fault, span) = match self.run.kind {
            RunKind::Statement if has_assign => (AssignmentFault::Chained, found.span),
            RunKind::Statement => (AssignmentFault::Target, target),
            RunKind::Args if !is_name && since_is_argument(read, since) => {
                (AssignmentFault::Keyword, target)
            }
            _ => (AssignmentFault::InExpression, found.span),
        };
        (Kind::MisplacedAssignment(fault), span)
    }

    /// The tokens between the commas round the stop.
    fn subscript_part(&self) -> &[Item] {
        let is_comma = |item: &Item| item.token == Token::Comma;
        let start = self.items[..self.at].iter().rposition(is_comma);
        let end = self.items[self.at..].iter().position(is_comma);
        let start = start.map_or(0, |i| i + 1);
        let end = end.map_or(self.items.len(), |i| self.at + i);
        &self.items[start..end]
    }

    /// In a subscript: whatever is no constant is that, and the rest is a slip of the pen.
    fn in_subscript(&self) -> (SyntaxErrorKind, Span) {
        let part = self.subscript_part();
        if part.is_empty() {
            let span = self.found.map_or(self.run.span, |item| item.span);
            return (Kind::InvalidSubscript(SubscriptFault::Empty), span);
        }
        let colons = part.iter().filter(|item| item.token == Token::Colon);
        let positional = |item: &Item| {
            matches!(item.token, Token::Int | Token::Colon) || item.token.sign().is_some()
        };
        let kind = if colons.count() > 2 && part.iter().all(positional) {
            Kind::InvalidSubscript(SubscriptFault::TooManyColons)
        } else {
            let compares = |item: &Item| item.token.comparison().is_some();
            let condition = part.iter().any(compares);
            Kind::NonConstantIndex { condition }
        };
        (kind, cover(part))
    }
}

/// Whether the tokens from `since` on begin an argument, rather than following a keyword.
fn since_is_argument(read: &[Item], since: usize) -> bool {
    since == 0 || read[since - 1].token == Token::Comma
}
