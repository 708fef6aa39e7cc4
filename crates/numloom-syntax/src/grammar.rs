//! The grammar, level by level, over the tokens of one [run](crate::runs).
//!
//! In: a run, in which every bracketed part is one token whose own run was read before. Out: nodes pushed
//! to the [`Builder`]. No rule refers to itself: what groups to the right (signs, `**`, `not`, `if`) is
//! read as a flat list and folded from its end. Each level looks only for its own operators and no token
//! is tried twice under one rule, so the time is linear, also when the run is wrong.
//!
//! ```text
//! statement    [ "let" NAME "=" | NAME "=" ] expression
//! expression   or { "if" or "else" or }
//! or           and { "or" and }
//! and          not { "and" not }
//! not          { "not" } comparison
//! comparison   bits { ("<" | "<=" | ">" | ">=" | "==" | "!=") bits }
//! bits         the levels of the operator table from "|" to "*", each grouping to the left
//! power        signed { "**" signed }
//! signed       { "-" | "+" | "~" } postfix
//! postfix      ( literal | NAME [ ⟨args⟩ ] | ⟨paren⟩ ) { "." NAME [ ⟨args⟩ ] | ⟨args⟩ | ⟨index⟩ }
//! ⟨paren⟩      expression { "," expression } [ "," ]
//! ⟨args⟩       [ NAME "=" ] expression { "," … } [ "," ]
//! ⟨index⟩      subscript { "," subscript } [ "," ]
//! subscript    "..." | "None" | number | [ number ] ":" [ number ] [ ":" [ number ] ]
//! number       [ "-" | "+" ] INT
//! ```

use chumsky::error::Cheap;
use chumsky::extra;
use chumsky::inspector::Inspector;
use chumsky::prelude::{Boxed, IterParser, Parser, choice};
use chumsky::primitive::select;

use crate::ast::{Arg, Stmt, SubscriptItem, SubscriptKind};
use crate::builder::{Builder, Operand, Signed, cover};
use crate::token::{Item, Token};
use crate::{Precedence, Span};

pub(crate) type Tokens<'t> = &'t [Item];
type Extra<'t> = extra::Full<Cheap, Builder<'t>, ()>;
type Rule<'t, T> = Boxed<'t, 't, Tokens<'t>, T, Extra<'t>>;

/// The builder needs no care when the parser steps back: an operator without its right operand has built
/// nothing, and a run that fails as a whole leaves nodes that no one refers to.
impl<'t> Inspector<'t, Tokens<'t>> for Builder<'t> {
    type Checkpoint = ();

    fn on_token(&mut self, _: &Item) {
        #[cfg(test)]
        crate::parser::count_step();
    }

    fn on_save<'parse>(&self, _: &chumsky::input::Cursor<'t, 'parse, Tokens<'t>>) {}

    fn on_rewind<'parse>(
        &mut self,
        _: &chumsky::input::Checkpoint<'t, 'parse, Tokens<'t>, Self::Checkpoint>,
    ) {
    }
}

/// One rule for each kind of run. A failing rule tells the index of the token that it cannot accept.
pub(crate) struct Grammar<'t> {
    statement: Rule<'t, Stmt>,
    paren: Rule<'t, (Vec<Operand>, bool)>,
    args: Rule<'t, Vec<Arg>>,
    index: Rule<'t, Vec<SubscriptItem>>,
}

impl<'t> Grammar<'t> {
    pub(crate) fn new() -> Self {
        let expression = expression();
        Self {
            statement: statement(expression.clone()),
            args: args(expression.clone()),
            paren: paren(expression),
            index: index(),
        }
    }

    pub(crate) fn statement(&self, run: Tokens<'t>, to: &mut Builder<'t>) -> Result<Stmt, usize> {
        parse(&self.statement, run, to)
    }

    /// The parts, and whether a comma follows the last.
    pub(crate) fn paren(
        &self,
        run: Tokens<'t>,
        to: &mut Builder<'t>,
    ) -> Result<(Vec<Operand>, bool), usize> {
        parse(&self.paren, run, to)
    }

    pub(crate) fn args(&self, run: Tokens<'t>, to: &mut Builder<'t>) -> Result<Vec<Arg>, usize> {
        parse(&self.args, run, to)
    }

    pub(crate) fn index(
        &self,
        run: Tokens<'t>,
        to: &mut Builder<'t>,
    ) -> Result<Vec<SubscriptItem>, usize> {
        parse(&self.index, run, to)
    }
}

fn parse<'t, T>(rule: &Rule<'t, T>, run: Tokens<'t>, to: &mut Builder<'t>) -> Result<T, usize> {
    rule.parse_with_state(run, to)
        .into_result()
        .map_err(|errors| errors.first().map_or(0, |error| error.span().start))
}

/// One token of the kind, as it stands.
fn token<'t>(kind: Token) -> impl Parser<'t, Tokens<'t>, Item, Extra<'t>> + Copy {
    any_of(move |token| token == kind)
}

/// One token of a kind that `accept` accepts, as it stands.
fn any_of<'t>(
    accept: impl Fn(Token) -> bool + Copy + 't,
) -> impl Parser<'t, Tokens<'t>, Item, Extra<'t>> + Copy {
    select(move |item: Item, _| accept(item.token).then_some(item))
}

/// One token that `accept` makes something of, with its place.
fn word<'t, T: 't>(
    accept: impl Fn(Token) -> Option<T> + Copy + 't,
) -> impl Parser<'t, Tokens<'t>, (T, Span), Extra<'t>> + Copy {
    select(move |item: Item, _| accept(item.token).map(|word| (word, item.span)))
}

fn expression<'t>() -> Rule<'t, Operand> {
    let mut operand = power(postfix());
    for level in [
        Precedence::Product,
        Precedence::Sum,
        Precedence::Shift,
        Precedence::BitAnd,
        Precedence::BitXor,
        Precedence::BitOr,
    ] {
        operand = left_grouping(operand, level);
    }
    let operand = negation(comparison(operand));
    let operand = chain(chain(operand, Precedence::And), Precedence::Or);
    conditional(operand)
}

fn postfix<'t>() -> Rule<'t, Operand> {
    let literal = any_of(Token::is_literal).map_with(|item, e| e.state().literal(item));
    let named = token(Token::Name)
        .then(token(Token::Args).or_not())
        .map_with(|(name, args), e| match args {
            Some(args) => e.state().call(name, args),
            None => e.state().name(name),
        });
    let paren = token(Token::Paren).map_with(|group, e| e.state().paren(group));
    enum Suffix {
        Attr(Item, bool),
        Args(Item),
        Index(Item),
    }
    let suffix = choice((
        token(Token::Dot)
            .ignore_then(token(Token::Name))
            .then(token(Token::Args).or_not())
            .map(|(name, args)| Suffix::Attr(name, args.is_some())),
        token(Token::Args).map(Suffix::Args),
        token(Token::Index).map(Suffix::Index),
    ));
    choice((named, literal, paren))
        .foldl_with(suffix.repeated(), |base, suffix, e| match suffix {
            Suffix::Attr(name, called) => e.state().attr(base, name, called),
            Suffix::Args(args) => e.state().call_of_value(base, args),
            Suffix::Index(group) => e.state().subscript(base, group),
        })
        .boxed()
}

fn power<'t>(operand: Rule<'t, Operand>) -> Rule<'t, Operand> {
    let signs = word(Token::sign).repeated().collect::<Vec<_>>();
    let signed = signs
        .then(operand)
        .map(|(signs, operand)| Signed { signs, operand });
    signed
        .clone()
        .then(
            token(Token::StarStar)
                .map(|op| op.span)
                .then(signed)
                .repeated()
                .collect::<Vec<_>>(),
        )
        .map_with(|(first, rest), e| e.state().power(first, rest))
        .boxed()
}

fn left_grouping<'t>(operand: Rule<'t, Operand>, level: Precedence) -> Rule<'t, Operand> {
    let op = word(move |token| token.binary().filter(|op| op.precedence() == level));
    operand
        .clone()
        .foldl_with(op.then(operand).repeated(), |lhs, (op, rhs), e| {
            e.state().binary(lhs, op, rhs)
        })
        .boxed()
}

fn comparison<'t>(operand: Rule<'t, Operand>) -> Rule<'t, Operand> {
    operand
        .clone()
        .then(
            word(Token::comparison)
                .then(operand)
                .repeated()
                .collect::<Vec<_>>(),
        )
        .map_with(|(first, rest), e| e.state().compare(first, rest))
        .boxed()
}

fn negation<'t>(operand: Rule<'t, Operand>) -> Rule<'t, Operand> {
    let nots = token(Token::Not).map(|not| not.span).repeated();
    nots.foldr_with(operand, |not, arg, e| e.state().not(not, arg))
        .boxed()
}

fn chain<'t>(operand: Rule<'t, Operand>, level: Precedence) -> Rule<'t, Operand> {
    let op = word(move |token| token.bool_op().filter(|op| op.precedence() == level));
    operand
        .clone()
        .then(op.then(operand).repeated().collect::<Vec<_>>())
        .map_with(|(first, rest), e| e.state().chain(first, rest))
        .boxed()
}

fn conditional<'t>(operand: Rule<'t, Operand>) -> Rule<'t, Operand> {
    let tail = token(Token::If)
        .ignore_then(operand.clone())
        .then_ignore(token(Token::Else))
        .then(operand.clone());
    operand
        .then(tail.repeated().collect::<Vec<_>>())
        .map_with(|(first, tails), e| e.state().conditional(first, tails))
        .boxed()
}

fn statement<'t>(expression: Rule<'t, Operand>) -> Rule<'t, Stmt> {
    let named = token(Token::Name).then_ignore(token(Token::Assign));
    let temporary = token(Token::Let).then(named);
    let head = choice((
        temporary.map(|(first, name)| (first, name)),
        named.map(|name| (name, name)),
    ));
    head.or_not()
        .then(expression)
        .map_with(|(head, value), e| e.state().statement(head, value))
        .boxed()
}

fn paren<'t>(expression: Rule<'t, Operand>) -> Rule<'t, (Vec<Operand>, bool)> {
    expression
        .separated_by(token(Token::Comma))
        .at_least(1)
        .collect::<Vec<_>>()
        .then(token(Token::Comma).or_not().map(|comma| comma.is_some()))
        .boxed()
}

fn args<'t>(expression: Rule<'t, Operand>) -> Rule<'t, Vec<Arg>> {
    let keyword = token(Token::Name).then_ignore(token(Token::Assign));
    keyword
        .or_not()
        .then(expression)
        .separated_by(token(Token::Comma))
        .allow_trailing()
        .collect::<Vec<_>>()
        .map_with(|args, e| e.state().args(args))
        .boxed()
}

fn index<'t>() -> Rule<'t, Vec<SubscriptItem>> {
    let number = word(Token::sign)
        .or_not()
        .then(token(Token::Int))
        .map_with(|(sign, int), e| e.state().position(sign, int));
    let colon = token(Token::Colon);
    let range = colon
        .ignore_then(number.or_not())
        .then(colon.ignore_then(number.or_not()).or_not());
    let kind = choice((
        token(Token::Ellipsis).to(SubscriptKind::Ellipsis),
        token(Token::None).to(SubscriptKind::NewAxis),
        range.map(|(stop, step)| SubscriptKind::Slice {
            start: None,
            stop,
            step: step.flatten(),
        }),
        number
            .then(range.or_not())
            .map(|(first, range)| match range {
                None => SubscriptKind::Index(first),
                Some((stop, step)) => SubscriptKind::Slice {
                    start: Some(first),
                    stop,
                    step: step.flatten(),
                },
            }),
    ));
    kind.map_with(|kind, e| {
        let tokens: Tokens<'t> = e.slice();
        (kind, cover(tokens))
    })
    .separated_by(token(Token::Comma))
    .at_least(1)
    .allow_trailing()
    .collect::<Vec<_>>()
    .map_with(|items, e| e.state().subscript_items(items))
    .boxed()
}
