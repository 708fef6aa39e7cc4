//! Printing and parsing are inverse, and no text whatever breaks a promise.

use numloom_syntax::{
    Arg, Ast, Attribute, BinaryOp, BoolOp, CmpOp, ExprId, ExprKind, IntLit, Limits, Span, Stmt,
    Style, SubscriptItem, SubscriptKind, UnaryOp, parse, parse_with, render,
};
use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};

/// Makes any tree the language has, children before parents and in the order written.
struct Maker {
    ast: Ast,
    /// State of Steele, Lea and Flood's SplitMix64.
    seed: u64,
}

impl Maker {
    fn below(&mut self, n: usize) -> usize {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn name(&mut self) -> String {
        self.pick(&[
            "a", "b", "velocity", "_", "é", "変数", "let_", "e1", "j", "b1",
        ])
        .to_owned()
    }

    fn push(&mut self, kind: ExprKind) -> ExprId {
        self.ast.push(kind, Span::default())
    }

    fn leaf(&mut self) -> ExprId {
        let kind = match self.below(9) {
            0 => ExprKind::Int(IntLit::new(self.pick(&[0, 1, 255, u128::MAX]))),
            1 => {
                let floats = [
                    0.0,
                    1.0,
                    0.1,
                    1e300,
                    5e-324,
                    f64::MAX,
                    f64::INFINITY,
                    1e16,
                    1e-7,
                ];
                ExprKind::Float(self.pick(&floats))
            }
            2 => ExprKind::Imaginary(self.pick(&[0.0, 2.0, 1e-9])),
            3 => ExprKind::Bool(self.below(2) == 0),
            4 => ExprKind::None,
            5 => {
                let texts = ["", "a\"'\\", "\n\t\r\0\x7f", "é\u{202e}😀", "#"];
                ExprKind::Str(self.pick(&texts).to_owned())
            }
            6 => ExprKind::Bytes((0..self.below(4)).map(|_| self.below(256) as u8).collect()),
            _ => ExprKind::Name(self.name()),
        };
        self.push(kind)
    }

    fn expr(&mut self, depth: usize) -> ExprId {
        if depth == 0 {
            return self.leaf();
        }
        let depth = depth - 1;
        let op_span = Span::default();
        let kind = match self.below(11) {
            0 => return self.leaf(),
            1 => {
                let op = self.pick(UnaryOp::ALL);
                let arg = self.expr(depth);
                ExprKind::Unary { op, arg }
            }
            2..=4 => {
                let op = self.pick(BinaryOp::ALL);
                let (lhs, rhs) = (self.expr(depth), self.expr(depth));
                ExprKind::Binary {
                    op,
                    lhs,
                    rhs,
                    op_span,
                }
            }
            5 => {
                let first = self.expr(depth);
                let rest = (0..=self.below(2)).map(|_| {
                    let op = self.pick(CmpOp::ALL);
                    (op, op_span, self.expr(depth))
                });
                let rest = rest.collect();
                ExprKind::Compare { first, rest }
            }
            6 => {
                let op = self.pick(BoolOp::ALL);
                let args = (0..2 + self.below(2)).map(|_| self.expr(depth)).collect();
                ExprKind::BoolOp { op, args }
            }
            7 => {
                let (then, cond, otherwise) =
                    (self.expr(depth), self.expr(depth), self.expr(depth));
                ExprKind::IfElse {
                    cond,
                    then,
                    otherwise,
                }
            }
            8 => {
                let func = self.name();
                let n_positional = self.below(3);
                let mut args: Vec<Arg> = (0..n_positional)
                    .map(|_| Arg::positional(self.expr(depth)))
                    .collect();
                for keyword in ["axis", "keepdims"].into_iter().take(self.below(3)) {
                    let name = Some((keyword.to_owned(), op_span));
                    let value = self.expr(depth);
                    args.push(Arg { name, value });
                }
                ExprKind::Call {
                    func,
                    func_span: op_span,
                    args,
                }
            }
            9 => {
                let base = self.expr(depth);
                match self.below(2) {
                    0 => ExprKind::Attr {
                        base,
                        attr: self.pick(&Attribute::ALL),
                        attr_span: op_span,
                    },
                    _ => ExprKind::Subscript {
                        base,
                        items: self.subscript(),
                    },
                }
            }
            _ => ExprKind::Tuple((0..self.below(3)).map(|_| self.expr(depth)).collect()),
        };
        self.push(kind)
    }

    fn subscript(&mut self) -> Vec<SubscriptItem> {
        let mut ellipsis = false;
        let bounds = [None, Some(0), Some(-1), Some(i64::MAX), Some(i64::MIN)];
        let item = |_| {
            let kind = match self.below(4) {
                0 => SubscriptKind::Index(self.pick(&[0, 7, -1, i64::MIN])),
                1 if !ellipsis => {
                    ellipsis = true;
                    SubscriptKind::Ellipsis
                }
                2 => SubscriptKind::NewAxis,
                _ => SubscriptKind::Slice {
                    start: self.pick(&bounds),
                    stop: self.pick(&bounds),
                    step: self.pick(&[None, Some(2), Some(-1)]),
                },
            };
            SubscriptItem {
                kind,
                span: Span::default(),
            }
        };
        (0..3).map(item).collect()
    }

    fn program(seed: u64, depth: usize) -> Ast {
        let ast = Ast::new();
        let mut maker = Self { ast, seed };
        for _ in 0..=maker.below(3) {
            let at = Span::default();
            let value = maker.expr(depth);
            let stmt = match maker.below(3) {
                0 => Stmt::temporary(maker.name(), at, value, at),
                1 => Stmt::output(maker.name(), at, value, at),
                _ => Stmt::bare(value, at),
            };
            maker.ast.stmts.push(stmt);
        }
        maker.ast
    }
}

/// Pieces of sources, well and ill formed, of which any sequence is a source.
const PIECES: &[&str] = &[
    "a",
    "b",
    "é",
    "数",
    "1",
    "2.5",
    "3j",
    "012",
    "0x",
    "1__0",
    "2a",
    "\"s\"",
    "'",
    "\"",
    "b'\\xff'",
    "b'é'",
    "'\\q'",
    "True",
    "None",
    "and",
    "or",
    "not",
    "if",
    "else",
    "let",
    "lambda",
    "is",
    "in",
    "for",
    "+",
    "-",
    "*",
    "**",
    "/",
    "//",
    "%",
    "~",
    "<<",
    ">>",
    "&",
    "^",
    "|",
    "<",
    "<=",
    "==",
    "!=",
    "=",
    ",",
    ":",
    ".",
    "...",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "&&",
    "||",
    "!",
    "<>",
    ":=",
    "@",
    "+=",
    "?",
    "$",
    "×",
    "−",
    "“",
    "”",
    "²",
    "\u{a0}",
    "\u{feff}",
    "\u{202e}",
    "\0",
    "\x1b",
    "\t",
    " ",
    "\n",
    "\r\n",
    ";",
    "#",
    "\\",
    "\\\n",
    ".real",
    ".sum",
    "f(",
    "a[",
    "99999999999999999999999999999999999999999",
];

fn keeps_its_promises(src: &str) {
    let limits = Limits::default().with_max_depth(20).with_max_tokens(200);
    match parse_with(src, &limits) {
        Ok(ast) => {
            for node in &ast.exprs {
                assert!(
                    src.get(node.span.range())
                        .is_some_and(|text| !text.is_empty())
                );
            }
            let text = ast.to_string();
            let again = parse(&text).expect("canonical text parses");
            assert_eq!(again, ast, "{src:?} as {text:?}");
            assert_eq!(again.to_string(), text);
            assert_eq!(ast.clone().canonical(), ast);
        }
        Err(errors) => {
            let diagnostics = errors.diagnostics();
            assert!((1..=limits.max_diagnostics).contains(&diagnostics.len()));
            for (error, diagnostic) in errors.iter().zip(&diagnostics) {
                assert!(src.get(error.span.range()).is_some(), "{src:?}: {error:?}");
                for label in &diagnostic.labels {
                    assert!(
                        src.get(label.span.range()).is_some(),
                        "{src:?}: {diagnostic:?}"
                    );
                }
                let drawing = render(diagnostic, src, Some("<expr>"), &Style::default());
                let strange = |c: char| c.is_control() && c != '\n';
                assert!(!drawing.contains(strange), "{src:?}: {drawing:?}");
                assert!(drawing.ends_with('\n'));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_program_parses_to_an_equal_tree(seed in any::<u64>(), depth in 0usize..6) {
        let ast = Maker::program(seed, depth);
        let text = ast.to_string();
        let again = parse(&text);
        prop_assert!(again.is_ok(), "{text}\n{}", again.unwrap_err());
        let again = again.unwrap();
        prop_assert_eq!(&again, &ast, "{}", text);
        prop_assert_eq!(again.to_string(), text);
    }

    #[test]
    fn no_sequence_of_pieces_breaks_a_promise(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..30)) {
        keeps_its_promises(&pieces.concat());
        keeps_its_promises(&pieces.join(" "));
    }

    #[test]
    fn no_text_breaks_a_promise(src in any::<String>()) {
        keeps_its_promises(&src);
    }
}

#[test]
fn trees_that_differ_compare_unequal() {
    let sources = [
        "a",
        "b",
        "1",
        "1.0",
        "1j",
        "True",
        "None",
        "'a'",
        "b'a'",
        "-a",
        "+a",
        "not a",
        "a + b",
        "a - b",
        "b + a",
        "a < b",
        "a <= b",
        "a < b < c",
        "(a < b) < c",
        "a and b",
        "a or b",
        "a and b and c",
        "(a and b) and c",
        "a if b else c",
        "b if a else c",
        "f(a)",
        "g(a)",
        "f(a, b)",
        "f(a, k=b)",
        "f(a, l=b)",
        "a.real",
        "a.imag",
        "a[0]",
        "a[1]",
        "a[:]",
        "a[::2]",
        "a[None]",
        "a[...]",
        "(a,)",
        "(a, b)",
        "()",
        "x = a",
        "y = a",
        "let x = a",
        "a; b",
    ];
    for left in sources {
        for right in sources {
            let (l, r) = (parse(left).unwrap(), parse(right).unwrap());
            assert_eq!(l == r, left == right, "{left} and {right}");
        }
    }
}
