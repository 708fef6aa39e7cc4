//! The grammar is Python's: the same grouping, the same literals, and what Python refuses is refused.

use numloom_syntax::{Code, ExprKind, StmtKind, SubscriptKind, parse};

#[test]
fn operators_group_as_pythons() {
    for (src, grouped) in [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b * c // d % e", "(((a / b) * c) // d) % e"),
        ("a ** b ** c", "a ** (b ** c)"),
        ("-a ** 2", "-(a ** 2)"),
        ("2 ** -1", "2 ** (-1)"),
        ("2 ** -a ** b", "2 ** (-(a ** b))"),
        ("-a ** -b ** -c", "-(a ** (-(b ** (-c))))"),
        ("~-+a", "~(-(+a))"),
        ("-a * b", "(-a) * b"),
        ("a << b + c", "a << (b + c)"),
        ("a & b << c", "a & (b << c)"),
        ("a ^ b & c", "a ^ (b & c)"),
        ("a | b ^ c", "a | (b ^ c)"),
        ("a < b | c", "a < (b | c)"),
        ("not a == b", "not (a == b)"),
        ("not not a", "not (not a)"),
        ("not a and b", "(not a) and b"),
        ("a and b or c and d", "(a and b) or (c and d)"),
        (
            "a or b if c or d else e or f",
            "(a or b) if (c or d) else (e or f)",
        ),
        ("a if b else c if d else e", "a if b else (c if d else e)"),
        ("-a.real", "-(a.real)"),
        ("a.real ** 2", "(a.real) ** 2"),
        ("-f(x)[0]", "-((f(x))[0])"),
        ("a[0].real[1]", "((a[0]).real)[1]"),
        ("not -a ** b < c", "not ((-(a ** b)) < c)"),
    ] {
        assert_eq!(
            parse(src).unwrap(),
            parse(grouped).unwrap(),
            "{src} is {grouped}"
        );
    }
}

#[test]
fn chains_are_one_node_and_parentheses_part_them() {
    let chained = parse("0 < a <= b").unwrap();
    let root = chained.kind(chained.stmts[0].value);
    assert!(matches!(root, ExprKind::Compare { rest, .. } if rest.len() == 2));
    let anded = parse("a and b and c").unwrap();
    let root = anded.kind(anded.stmts[0].value);
    assert!(matches!(root, ExprKind::BoolOp { args, .. } if args.len() == 3));
    for (left, right) in [
        ("(0 < a) <= b", "0 < a <= b"),
        ("0 < (a <= b)", "0 < a <= b"),
        ("(a and b) and c", "a and b and c"),
        ("a or (b or c)", "a or b or c"),
        ("(a ** b) ** c", "a ** b ** c"),
        ("(-a) ** 2", "-a ** 2"),
        ("a - (b - c)", "a - b - c"),
        ("(a if b else c) if d else e", "a if b else c if d else e"),
    ] {
        assert_ne!(
            parse(left).unwrap(),
            parse(right).unwrap(),
            "{left} is not {right}"
        );
    }
}

#[test]
fn literals_have_pythons_values() {
    let kind = |src: &str| {
        let ast = parse(src).unwrap_or_else(|errors| panic!("{src}: {errors}"));
        ast.kind(ast.stmts[0].value).clone()
    };
    for (src, want) in [
        ("0", 0),
        ("00", 0),
        ("1_000", 1000),
        ("0xFf", 255),
        ("0B_11", 3),
        ("0o17", 15),
    ] {
        assert!(
            matches!(kind(src), ExprKind::Int(lit) if lit.value == want),
            "{src}"
        );
    }
    for (src, want) in [
        ("1.", 1.0),
        (".5", 0.5),
        ("1_0.5_0", 10.5),
        ("012.5", 12.5),
        ("1e-3", 1e-3),
        ("1E+2", 100.0),
        ("1e400", f64::INFINITY),
    ] {
        assert_eq!(kind(src), ExprKind::Float(want), "{src}");
    }
    for (src, want) in [("2j", 2.0), ("1.5e2J", 150.0), ("09j", 9.0), (".5j", 0.5)] {
        assert_eq!(kind(src), ExprKind::Imaginary(want), "{src}");
    }
    assert_eq!(kind("True"), ExprKind::Bool(true));
    assert_eq!(kind("None"), ExprKind::None);
    assert_eq!(kind("b'a\\x00'"), ExprKind::Bytes(vec![b'a', 0]));
    assert_eq!(kind("'it\\'s'"), ExprKind::Str("it's".into()));
    assert_eq!(kind("\"a\\\nb\""), ExprKind::Str("ab".into()));
}

#[test]
fn almost_numbers_are_refused() {
    for src in [
        "012", "0_7", "1__0", "1_", "0x", "0xg", "0b12", "0o8", "1e", "1e+", "1.5e-", "2a", "1.5x",
        "0x_", "1_.5", "1._5",
    ] {
        let errors = parse(src).expect_err(src);
        assert_eq!(errors.first().kind.code(), Code::InvalidNumber, "{src}");
        assert_eq!(errors.iter().count(), 1, "{src}: {errors}");
    }
}

#[test]
fn statements_part_at_semicolons_and_line_ends() {
    let src = "\u{feff}\n\n let d = a - b  # difference\n\n lo = min(d); max(d) ;\r\n f(\n a,\n # inside\n b\n)\n";
    let ast = parse(src).unwrap();
    let stmts = ast
        .stmts
        .iter()
        .map(|stmt| (stmt.kind, stmt.name.as_ref().map(|n| n.0.as_str())));
    let want = [
        (StmtKind::Let, Some("d")),
        (StmtKind::Output, Some("lo")),
        (StmtKind::Bare, None),
        (StmtKind::Bare, None),
    ];
    assert_eq!(stmts.collect::<Vec<_>>(), want);
    assert_eq!(&src[ast.stmts[0].span.range()], "let d = a - b");
    assert_eq!(
        ast.to_string(),
        "let d = a - b\nlo = min(d)\nmax(d)\nf(a, b)"
    );
    assert_eq!(parse("mean(price*qty); max(price)").unwrap().stmts.len(), 2);
    assert_eq!(parse("a + \\\n b").unwrap(), parse("a + b").unwrap());
}

#[test]
fn spans_cover_what_was_written() {
    let src = "x = (a + b) * f(c, k=-d)[1:] if é else (1)";
    let ast = parse(src).unwrap();
    let texts: Vec<&str> = ast
        .exprs
        .iter()
        .map(|node| &src[node.span.range()])
        .collect();
    let want = [
        "a",
        "b",
        "a + b",
        "c",
        "d",
        "-d",
        "f(c, k=-d)",
        "f(c, k=-d)[1:]",
        "(a + b) * f(c, k=-d)[1:]",
        "é",
        "1",
        "(a + b) * f(c, k=-d)[1:] if é else (1)",
    ];
    assert_eq!(texts, want);
}

#[test]
fn subscripts_are_constants() {
    let ast = parse("m[1:, ::-2, None, ..., -3,]").unwrap();
    let ExprKind::Subscript { items, .. } = ast.kind(ast.stmts[0].value) else {
        panic!("a subscript");
    };
    let slice = |start, stop, step| SubscriptKind::Slice { start, stop, step };
    let kinds: Vec<SubscriptKind> = items.iter().map(|item| item.kind).collect();
    let want = [
        slice(Some(1), None, None),
        slice(None, None, Some(-2)),
        SubscriptKind::NewAxis,
        SubscriptKind::Ellipsis,
        SubscriptKind::Index(-3),
    ];
    assert_eq!(kinds, want);
}

#[test]
fn unicode_names_are_names() {
    let ast = parse("α + Δt_2 + 変数").unwrap();
    assert_eq!(ast.to_string(), "α + Δt_2 + 変数");
    // Full-width letters are letters of their own: no name turns into another.
    assert_ne!(parse("ａ").unwrap(), parse("a").unwrap());
}

#[test]
fn one_mistake_does_not_hide_another() {
    let codes = |src: &str| {
        let errors = parse(src).unwrap_err();
        errors
            .iter()
            .map(|error| error.kind.code())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        codes("f(a b) + g[x] + 1__0; h +"),
        [
            Code::ExpectedOperator,
            Code::NonConstantIndex,
            Code::InvalidNumber,
            Code::ExpectedExpression,
        ]
    );
    assert_eq!(codes(&"(a b) + ".repeat(100)).len(), 16);
    assert_eq!(
        codes("f(a; b); c d"),
        [Code::UnclosedBracket, Code::ExpectedOperator]
    );
}
