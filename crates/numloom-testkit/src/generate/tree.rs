//! Trees of the whole grammar, well-typed or not.

use numloom_syntax::{
    Arg, Ast, Attribute, BinaryOp, BoolOp, CmpOp, ExprId, ExprKind, IntLit, Span, Stmt,
    SubscriptItem, SubscriptKind, UnaryOp,
};

use crate::choices::Choices;

const NAMES: [&str; 8] = ["a", "b2", "_x", "sin", "pi", "größe", "Let", "e"];

/// A program of a few statements that a text can say: what it prints as parses back to it.
pub fn tree(choices: &mut Choices<'_>) -> Ast {
    let mut ast = Ast::new();
    for _ in 0..choices.below(3) {
        let value = expr(&mut ast, choices, 5);
        let name = (*choices.pick(&NAMES)).to_owned();
        let make = if choices.chance(50) {
            Stmt::temporary
        } else {
            Stmt::output
        };
        ast.stmts.push(make(name, AT, value, AT));
    }
    let value = expr(&mut ast, choices, 7);
    ast.stmts.push(Stmt::bare(value, AT));
    ast.canonical()
}

const AT: Span = Span::point(0);

fn expr(ast: &mut Ast, choices: &mut Choices<'_>, depth: usize) -> ExprId {
    if depth == 0 {
        let kind = leaf(choices);
        return ast.push(kind, AT);
    }
    let mut below = |choices: &mut Choices<'_>| expr(ast, choices, depth - 1);
    let kind = match choices.below(14) {
        0 | 1 => leaf(choices),
        2 => ExprKind::Unary {
            op: *choices.pick(UnaryOp::ALL),
            arg: below(choices),
        },
        3..=5 => {
            let op = *choices.pick(BinaryOp::ALL);
            ExprKind::Binary {
                op,
                lhs: below(choices),
                rhs: below(choices),
                op_span: AT,
            }
        }
        6 => {
            let first = below(choices);
            let rest =
                (0..1 + choices.below(3)).map(|_| (*choices.pick(CmpOp::ALL), AT, below(choices)));
            ExprKind::Compare {
                first,
                rest: rest.collect(),
            }
        }
        7 => {
            let op = *choices.pick(BoolOp::ALL);
            ExprKind::BoolOp {
                op,
                args: (0..2 + choices.below(3)).map(|_| below(choices)).collect(),
            }
        }
        8 => ExprKind::IfElse {
            then: below(choices),
            cond: below(choices),
            otherwise: below(choices),
        },
        9 | 10 => call(choices, &mut below),
        11 => ExprKind::Attr {
            base: below(choices),
            attr: *choices.pick(&Attribute::ALL),
            attr_span: AT,
        },
        12 => ExprKind::Subscript {
            base: below(choices),
            items: subscript(choices),
        },
        _ => ExprKind::Tuple((0..choices.below(4)).map(|_| below(choices)).collect()),
    };
    ast.push(kind, AT)
}

fn leaf(choices: &mut Choices<'_>) -> ExprKind {
    match choices.below(10) {
        0..=2 => ExprKind::Name((*choices.pick(&NAMES)).to_owned()),
        3 => ExprKind::Int(IntLit::new(u128::from(choices.byte()))),
        4 => ExprKind::Int(IntLit::new(
            u128::from(choices.word()) << 64 | u128::from(choices.word()),
        )),
        5 => ExprKind::Float(float(choices)),
        6 => ExprKind::Imaginary(float(choices)),
        7 => ExprKind::Str((0..choices.below(5)).map(|_| character(choices)).collect()),
        8 => ExprKind::Bytes((0..choices.below(5)).map(|_| choices.byte()).collect()),
        _ => choices
            .pick(&[ExprKind::Bool(true), ExprKind::Bool(false), ExprKind::None])
            .clone(),
    }
}

/// A float that a literal can write: no sign, no NaN.
fn float(choices: &mut Choices<'_>) -> f64 {
    let value = f64::from_bits(choices.word() & !(1 << 63));
    let fallback = *choices.pick(&[0.0, 0.5, 1e300, 5e-324, f64::INFINITY]);
    if value.is_nan() || choices.chance(50) {
        fallback
    } else {
        value
    }
}

fn character(choices: &mut Choices<'_>) -> char {
    match choices.below(3) {
        0 => char::from(choices.byte()),
        1 => *choices.pick(&[
            '"', '\'', '\\', '\n', '\r', '\t', '\0', '#', ';', 'π', '🧶', '\u{85}', '\u{2028}',
        ]),
        _ => char::from_u32(choices.word() as u32 % 0x11_0000).unwrap_or('x'),
    }
}

fn call(choices: &mut Choices<'_>, below: &mut impl FnMut(&mut Choices<'_>) -> ExprId) -> ExprKind {
    let mut args: Vec<Arg> = (0..choices.below(4))
        .map(|_| Arg::positional(below(choices)))
        .collect();
    for keyword in ["axis", "keepdims"] {
        if choices.chance(15) {
            args.push(Arg {
                name: Some((keyword.to_owned(), AT)),
                value: below(choices),
            });
        }
    }
    ExprKind::Call {
        func: (*choices.pick(&NAMES)).to_owned(),
        func_span: AT,
        args,
    }
}

fn subscript(choices: &mut Choices<'_>) -> Vec<SubscriptItem> {
    let mut ellipsis = false;
    let bound = |choices: &mut Choices<'_>| match choices.below(4) {
        0 => None,
        1 => Some(choices.word().cast_signed()),
        _ => Some(i64::from(choices.byte().cast_signed())),
    };
    let mut items = Vec::new();
    for _ in 0..1 + choices.below(3) {
        let kind = match choices.below(5) {
            0 => SubscriptKind::NewAxis,
            1 if !ellipsis => {
                ellipsis = true;
                SubscriptKind::Ellipsis
            }
            2 | 3 => SubscriptKind::Slice {
                start: bound(choices),
                stop: bound(choices),
                step: bound(choices).filter(|&step| step != 0),
            },
            _ => SubscriptKind::Index(bound(choices).unwrap_or(0)),
        };
        items.push(SubscriptItem { kind, span: AT });
    }
    items
}
