//! The words of the language: what logos recognises, and what kind of word each is.
//!
//! In: source text, by way of the [`lexer`](crate::lexer). Out: one [`Token`] a word, without its text;
//! an [`Item`] adds the place. Mistakes that have a shape of their own are tokens too (`BadNumber`,
//! `Foreign` …), so that the lexer can name them and go on.

use logos::Logos;

use crate::{BinaryOp, BoolOp, CmpOp, Span, UnaryOp};

/// A token and its place; `group` numbers the run that a bracketed token stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) token: Token,
    pub(crate) span: Span,
    pub(crate) group: u32,
}

impl Item {
    pub(crate) const fn new(token: Token, span: Span) -> Self {
        let group = u32::MAX;
        Self { token, span, group }
    }
}

/// One word. Numbers follow Python's lexical grammar; the longest match wins, and what is only almost a
/// number is `BadNumber`.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\x0c]+")]
#[logos(skip r"\\(\r\n|\n|\r)")]
#[logos(skip(r"#[^\r\n]*", allow_greedy = true))]
pub(crate) enum Token {
    #[regex(r"\r\n|\n|\r")]
    Newline,
    #[token(";")]
    Semicolon,

    #[regex(r"0[xX](_?[0-9a-fA-F])+|0[oO](_?[0-7])+|0[bB](_?[01])+", priority = 20)]
    #[regex(r"[1-9](_?[0-9])*|0(_?0)*", priority = 20)]
    Int,
    #[regex(
        r"[0-9](_?[0-9])*\.([0-9](_?[0-9])*)?([eE][+-]?[0-9](_?[0-9])*)?",
        priority = 20
    )]
    #[regex(r"\.[0-9](_?[0-9])*([eE][+-]?[0-9](_?[0-9])*)?", priority = 20)]
    #[regex(r"[0-9](_?[0-9])*[eE][+-]?[0-9](_?[0-9])*", priority = 20)]
    Float,
    #[regex(
        r"[0-9](_?[0-9])*(\.([0-9](_?[0-9])*)?)?([eE][+-]?[0-9](_?[0-9])*)?[jJ]",
        priority = 20
    )]
    #[regex(r"\.[0-9](_?[0-9])*([eE][+-]?[0-9](_?[0-9])*)?[jJ]", priority = 20)]
    Imaginary,
    #[regex(r"[0-9][0-9A-Za-z_]*", priority = 3)]
    #[regex(r"[0-9][0-9_]*\.[0-9_]*[A-Za-z_][0-9A-Za-z_]*", priority = 3)]
    #[regex(r"\.[0-9][0-9A-Za-z_]*", priority = 3)]
    #[regex(r"[0-9][0-9_]*(\.[0-9_]*)?[eE][+-]", priority = 3)]
    BadNumber,

    #[regex(r#""([^"\\\r\n]|\\(\r\n|[^\r]|\r))*""#)]
    #[regex(r"'([^'\\\r\n]|\\(\r\n|[^\r]|\r))*'")]
    Str,
    #[regex(r#"[bB]"([^"\\\r\n]|\\(\r\n|[^\r]|\r))*""#)]
    #[regex(r"[bB]'([^'\\\r\n]|\\(\r\n|[^\r]|\r))*'")]
    Bytes,
    #[regex(r#"[bB]?"([^"\\\r\n]|\\(\r\n|[^\r]|\r))*"#, priority = 3)]
    #[regex(r"[bB]?'([^'\\\r\n]|\\(\r\n|[^\r]|\r))*", priority = 3)]
    Unterminated,

    #[regex(r"[\p{XID_Start}_]\p{XID_Continue}*", priority = 3)]
    Name,
    #[token("True")]
    True,
    #[token("False")]
    False,
    #[token("None")]
    None,
    #[token("and")]
    And,
    #[token("or")]
    Or,
    #[token("not")]
    Not,
    #[token("if")]
    If,
    #[token("else")]
    Else,
    #[token("let")]
    Let,
    #[token("is")]
    #[token("in")]
    #[token("lambda")]
    #[token("for")]
    #[token("while")]
    #[token("def")]
    #[token("class")]
    #[token("return")]
    #[token("yield")]
    #[token("import")]
    #[token("from")]
    #[token("as")]
    #[token("with")]
    #[token("async")]
    #[token("await")]
    #[token("del")]
    #[token("global")]
    #[token("nonlocal")]
    #[token("assert")]
    #[token("pass")]
    #[token("break")]
    #[token("continue")]
    #[token("raise")]
    #[token("try")]
    #[token("except")]
    #[token("finally")]
    #[token("elif")]
    Reserved,

    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("**")]
    StarStar,
    #[token("/")]
    Slash,
    #[token("//")]
    SlashSlash,
    #[token("%")]
    Percent,
    #[token("~")]
    Tilde,
    #[token("<<")]
    Shl,
    #[token(">>")]
    Shr,
    #[token("&")]
    Ampersand,
    #[token("^")]
    Caret,
    #[token("|")]
    Bar,
    #[token("<")]
    Lt,
    #[token("<=")]
    Le,
    #[token(">")]
    Gt,
    #[token(">=")]
    Ge,
    #[token("==")]
    EqEq,
    #[token("!=")]
    Ne,
    #[token("=")]
    Assign,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token(".")]
    Dot,
    #[token("...")]
    Ellipsis,
    #[token("(")]
    #[token("[")]
    #[token("{")]
    Open,
    #[token(")")]
    #[token("]")]
    #[token("}")]
    Close,

    /// An operator of another language; [`lexer`](crate::lexer) has the table.
    #[regex(r"&&|\|\||!|<>|=>|=<|===|!==|:=|@|\?")]
    #[regex(r"(\*\*|//|<<|>>|[-+*/%&|^@])=")]
    Foreign,

    // Logos makes none of these.
    /// What was reported and leaves no guess at what was meant.
    Error,
    /// What was reported and stands for an operand.
    Hole,
    /// `( … )` standing for its run, as an operand.
    Paren,
    /// `( … )` standing for its run, after an operand.
    Args,
    /// `[ … ]` standing for its run, after an operand.
    Index,
}

impl Token {
    /// Whether an operand can end with it, so that what follows is an operator.
    pub(crate) const fn ends_operand(self) -> bool {
        self.starts_operand() || matches!(self, Self::Args | Self::Index)
    }

    /// Whether it is an operand by itself, or with postfixes.
    pub(crate) const fn starts_operand(self) -> bool {
        matches!(self, Self::Name | Self::Paren) || self.is_literal()
    }

    /// Whether it is a whole operand without a name.
    pub(crate) const fn is_literal(self) -> bool {
        matches!(
            self,
            Self::Int
                | Self::Float
                | Self::Imaginary
                | Self::Str
                | Self::Bytes
                | Self::True
                | Self::False
                | Self::None
                | Self::Hole
        )
    }

    /// Whether it is a word that cannot be a name.
    pub(crate) const fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::True
                | Self::False
                | Self::None
                | Self::And
                | Self::Or
                | Self::Not
                | Self::If
                | Self::Else
                | Self::Let
                | Self::Reserved
        )
    }

    /// The sign it is before an operand.
    pub(crate) const fn sign(self) -> Option<UnaryOp> {
        match self {
            Self::Minus => Some(UnaryOp::Neg),
            Self::Plus => Some(UnaryOp::Pos),
            Self::Tilde => Some(UnaryOp::Invert),
            _ => None,
        }
    }

    /// The operator it is between operands.
    pub(crate) const fn binary(self) -> Option<BinaryOp> {
        match self {
            Self::StarStar => Some(BinaryOp::Pow),
            Self::Star => Some(BinaryOp::Mul),
            Self::Slash => Some(BinaryOp::Div),
            Self::SlashSlash => Some(BinaryOp::FloorDiv),
            Self::Percent => Some(BinaryOp::Rem),
            Self::Plus => Some(BinaryOp::Add),
            Self::Minus => Some(BinaryOp::Sub),
            Self::Shl => Some(BinaryOp::Shl),
            Self::Shr => Some(BinaryOp::Shr),
            Self::Ampersand => Some(BinaryOp::BitAnd),
            Self::Caret => Some(BinaryOp::BitXor),
            Self::Bar => Some(BinaryOp::BitOr),
            _ => None,
        }
    }

    /// The comparison it is between operands.
    pub(crate) const fn comparison(self) -> Option<CmpOp> {
        match self {
            Self::Lt => Some(CmpOp::Lt),
            Self::Le => Some(CmpOp::Le),
            Self::Gt => Some(CmpOp::Gt),
            Self::Ge => Some(CmpOp::Ge),
            Self::EqEq => Some(CmpOp::Eq),
            Self::Ne => Some(CmpOp::Ne),
            _ => None,
        }
    }

    /// The chain of truth values it links.
    pub(crate) const fn bool_op(self) -> Option<BoolOp> {
        match self {
            Self::And => Some(BoolOp::And),
            Self::Or => Some(BoolOp::Or),
            _ => None,
        }
    }
}
