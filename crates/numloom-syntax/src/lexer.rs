//! Text to tokens, under the limits on size.
//!
//! In: the source. Out: an iterator of [`Item`]s, statement ends included, blanks and comments not. A
//! lexical mistake is reported once and stands in the stream as what was probably meant, so that the
//! parser does not report it again. It never looks back, and never holds more than one token.

use logos::Logos;

use crate::error::{Findings, NumberFault, SyntaxErrorKind, Unsupported};
use crate::token::{Item, Token};
use crate::{Limit, Limits, Span};

pub(crate) struct Lexer<'s> {
    src: &'s str,
    logos: logos::Lexer<'s, Token>,
    limits: Limits,
    /// How many tokens were handed out.
    count: usize,
    /// Whether the last one ended a statement; blank lines end none.
    at_start: bool,
    /// Whether a limit ended the stream early.
    pub(crate) cut_short: bool,
}

impl<'s> Lexer<'s> {
    pub(crate) fn new(src: &'s str, limits: &Limits) -> Self {
        let mut logos = Token::lexer(src);
        if src.starts_with('\u{feff}') {
            logos.bump('\u{feff}'.len_utf8());
        }
        Self {
            src,
            logos,
            limits: *limits,
            count: 0,
            at_start: true,
            cut_short: false,
        }
    }

    /// The next token; what is wrong with it goes to `findings`.
    pub(crate) fn next(&mut self, findings: &mut Findings) -> Option<Item> {
        let (token, span) = loop {
            let word = self.logos.next()?;
            let span = Span::from(self.logos.span());
            if word == Ok(Token::Newline) && self.at_start {
                continue;
            }
            break match word {
                Ok(token) => (self.check(token, span, findings), span),
                Err(()) => self.stray(span, findings),
            };
        };
        if self.count == self.limits.max_tokens {
            self.cut_short = true;
            findings.limit(Limit::Tokens, self.limits.max_tokens, span);
            return None;
        }
        self.count += 1;
        self.at_start = matches!(token, Token::Newline | Token::Semicolon);
        Some(Item::new(token, span))
    }

    /// Reports a token that is a mistake, and gives what was meant.
    fn check(&self, token: Token, span: Span, findings: &mut Findings) -> Token {
        let text = &self.src[span.range()];
        match token {
            Token::Int | Token::Float | Token::Imaginary | Token::Str | Token::Bytes
                if span.len() > self.limits.max_literal_bytes =>
            {
                findings.limit(Limit::LiteralBytes, self.limits.max_literal_bytes, span);
                Token::Hole
            }
            Token::BadNumber => {
                let (fault, at) = NumberFault::of(text);
                let span = Span::new(span.start + at.start, span.start + at.end);
                let text = text.to_owned();
                findings.push(SyntaxErrorKind::InvalidNumber { text, fault }, span);
                Token::Hole
            }
            Token::Unterminated => {
                let open = text.find(['"', '\'']).unwrap_or(0);
                let quote = char::from(text.as_bytes()[open]);
                let span = Span::new(span.start, span.start + open + 1);
                findings.push(SyntaxErrorKind::UnterminatedString { quote }, span);
                Token::Hole
            }
            Token::Foreign => {
                let (kind, meant) = foreign(text);
                findings.push(kind, span);
                meant
            }
            _ => token,
        }
    }

    /// Reports characters that no token starts with; neighbours of one kind make one report.
    fn stray(&mut self, span: Span, findings: &mut Findings) -> (Token, Span) {
        let found = self.src[span.start..].chars().next().unwrap_or('\0');
        let twin = TWINS.iter().find(|row| row.0 == found);
        let instead = twin.map(|row| row.1);
        let mut span = Span::new(span.start, span.start + found.len_utf8());
        findings.push(
            SyntaxErrorKind::UnexpectedCharacter { found, instead },
            span,
        );
        if instead.is_some_and(|text| text == "\"" || text == "'") {
            // A pasted “quotation” is one mistake, not one for each word in it.
            let ends = |c: char| {
                matches!(c, '\r' | '\n')
                    || instead.is_some_and(|plain| plain.starts_with(c))
                    || TWINS.iter().any(|row| row.0 == c && instead == Some(row.1))
            };
            let mut rest = self.src[span.end..].char_indices();
            if let Some((at, quote)) = rest.find(|&(_, c)| ends(c))
                && !matches!(quote, '\r' | '\n')
            {
                span.end += at + quote.len_utf8();
            }
        } else if twin.is_none() {
            while let Some(next) = self.src[span.end..].chars().next().filter(|c| *c == found) {
                span.end += next.len_utf8();
            }
        }
        let behind = span.end.saturating_sub(self.logos.span().end);
        self.logos.bump(behind);
        (twin.map_or(Token::Error, |row| row.2), span)
    }
}

/// What a foreign operator is, and the token that takes its place.
fn foreign(text: &str) -> (SyntaxErrorKind, Token) {
    let (found, instead, meant) = match text {
        "&&" => ("&&", "and", Token::And),
        "||" => ("||", "or", Token::Or),
        "!" => ("!", "not", Token::Not),
        "<>" => ("<>", "!=", Token::Ne),
        "!==" => ("!==", "!=", Token::Ne),
        "===" => ("===", "==", Token::EqEq),
        "=>" => ("=>", ">=", Token::Ge),
        "=<" => ("=<", "<=", Token::Le),
        _ => {
            let form = match text {
                ":=" => Unsupported::Walrus,
                "@" | "@=" => Unsupported::MatrixProduct,
                "?" => Unsupported::QuestionMark,
                _ => Unsupported::AugmentedAssignment(text.to_owned()),
            };
            return (SyntaxErrorKind::UnsupportedSyntax(form), Token::Error);
        }
    };
    (SyntaxErrorKind::ForeignOperator { found, instead }, meant)
}

/// Typographic twins: the character, what to write instead, and the token that takes its place.
const TWINS: &[(char, &str, Token)] = &[
    ('×', "*", Token::Star),
    ('·', "*", Token::Star),
    ('⋅', "*", Token::Star),
    ('∙', "*", Token::Star),
    ('∗', "*", Token::Star),
    ('÷', "/", Token::Slash),
    ('∕', "/", Token::Slash),
    ('⁄', "/", Token::Slash),
    ('−', "-", Token::Minus),
    ('–', "-", Token::Minus),
    ('—', "-", Token::Minus),
    ('‐', "-", Token::Minus),
    ('‑', "-", Token::Minus),
    ('＋', "+", Token::Plus),
    ('＊', "*", Token::Star),
    ('／', "/", Token::Slash),
    ('＝', "==", Token::EqEq),
    ('≤', "<=", Token::Le),
    ('⩽', "<=", Token::Le),
    ('≥', ">=", Token::Ge),
    ('⩾', ">=", Token::Ge),
    ('≠', "!=", Token::Ne),
    ('＜', "<", Token::Lt),
    ('＞', ">", Token::Gt),
    ('∧', "and", Token::And),
    ('∨', "or", Token::Or),
    ('¬', "not", Token::Not),
    ('≪', "<<", Token::Shl),
    ('≫', ">>", Token::Shr),
    ('«', "<<", Token::Shl),
    ('»', ">>", Token::Shr),
    ('⊕', "^", Token::Caret),
    ('…', "...", Token::Ellipsis),
    ('，', ",", Token::Comma),
    ('；', ";", Token::Semicolon),
    ('：', ":", Token::Colon),
    ('“', "\"", Token::Hole),
    ('”', "\"", Token::Hole),
    ('„', "\"", Token::Hole),
    ('‟', "\"", Token::Hole),
    ('‘', "'", Token::Hole),
    ('’', "'", Token::Hole),
    ('‚', "'", Token::Hole),
    ('²', "**2", Token::Error),
    ('³', "**3", Token::Error),
    ('√', "sqrt(…)", Token::Error),
    ('∞', "inf", Token::Hole),
    ('（', "(", Token::Error),
    ('）', ")", Token::Error),
    ('［', "[", Token::Error),
    ('］', "]", Token::Error),
    ('\u{a0}', "a plain space", Token::Error),
    ('\u{2007}', "a plain space", Token::Error),
    ('\u{202f}', "a plain space", Token::Error),
    ('\u{3000}', "a plain space", Token::Error),
];
