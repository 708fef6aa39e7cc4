//! Deep and wide sources in a thread with a 512 KiB stack: an error or a tree, never a crash.

use numloom_syntax::{Ast, Code, Limits, Step, parse, parse_with};

fn in_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(512 << 10)
        .spawn(work);
    thread
        .expect("a thread starts")
        .join()
        .expect("the work does not fail");
}

/// Constructs that nest to the right: what opens a level, what closes it.
const NESTINGS: &[(&str, &str)] = &[
    ("(", ")"),
    ("-", ""),
    ("~", ""),
    ("-+~", ""),
    ("not ", ""),
    ("a**", ""),
    ("a**-", ""),
    ("f(", ")"),
    ("f(a, k=", ")"),
    ("where(a, b, ", ")"),
    ("a if b else ", ""),
    ("(a, ", ")"),
    ("a + (", ")"),
    ("a<a|b^c&d<<e+f*-g**(", ")"),
    ("not -a**(", ")"),
    ("a if b else not -(", ")"),
];

#[test]
fn deep_sources_are_refused_with_the_limit() {
    in_a_small_stack(|| {
        for (open, close) in NESTINGS {
            for n in [257, 1_000, 50_000] {
                for close in ["", close] {
                    let src = open.repeat(n) + "a" + &close.repeat(n);
                    let errors = parse(&src).unwrap_err();
                    let first = errors.first();
                    assert_eq!(
                        first.kind.code(),
                        Code::LimitExceeded,
                        "{open} {n}: {first}"
                    );
                }
            }
            let million = open.repeat(1_000_000 / open.len());
            let errors = parse(&million).unwrap_err();
            assert_eq!(errors.first().kind.code(), Code::LimitExceeded, "{open}");
        }
    });
}

#[test]
fn the_deepest_allowed_sources_parse() {
    in_a_small_stack(|| {
        for (open, close) in [
            ("(", ")"),
            ("-", ""),
            ("not ", ""),
            ("f(", ")"),
            ("a if b else ", ""),
        ] {
            let src = open.repeat(256) + "a" + &close.repeat(256);
            let ast = parse(&src).unwrap();
            assert_eq!(parse(&ast.to_string()).unwrap(), ast);
            let errors = parse(&format!("{open}{src}{close}")).unwrap_err();
            assert!(
                errors.to_string().contains("more than 256 deep"),
                "{errors}"
            );
        }
    });
}

#[test]
fn side_by_side_is_not_deep() {
    for src in [
        vec!["-a**2"; 1_000].join(" + "),
        vec!["(a)"; 1_000].join("*"),
        vec!["not a"; 1_000].join(" and "),
        vec!["-a if not b else c"; 1_000].join(";"),
        format!("f({})", vec!["a if b else c"; 1_000].join(", ")),
        vec!["a"; 1_000].join("<"),
    ] {
        assert!(parse(&src).is_ok(), "{}", &src[..40]);
    }
}

/// Everything one does with a tree.
fn exercise(ast: &Ast) {
    let copy = ast.clone();
    assert!(copy == *ast);
    assert_eq!(parse_with(&ast.to_string(), &wide()).unwrap(), *ast);
    let steps = ast
        .walk(ast.stmts[0].value)
        .filter(|step| matches!(step, Step::Leave(_)));
    assert_eq!(steps.count(), ast.exprs.len());
    assert_eq!(ast.tree().to_string().lines().count(), ast.exprs.len() + 1);
    drop(copy.canonical());
}

fn wide() -> Limits {
    let limits = Limits::default().with_max_tokens(10_000_000);
    limits
        .with_max_source_bytes(100 << 20)
        .with_max_depth(10_000_000)
}

#[test]
fn wide_sources_parse_clone_print_compare_and_drop() {
    in_a_small_stack(|| {
        let sum = vec!["a"; 100_000].join("+");
        exercise(&parse_with(&sum, &wide()).unwrap());
        for n in [1_000, 10_000] {
            for op in ["+", "-", "*", " and ", "<", "|", ", "] {
                let chain = vec!["a"; n].join(op);
                let src = if op == ", " {
                    format!("f({chain})")
                } else {
                    chain
                };
                exercise(&parse_with(&src, &wide()).unwrap());
            }
        }
    });
}

#[test]
fn raised_limits_hold_deep_sources_in_a_small_stack() {
    in_a_small_stack(|| {
        for (open, close) in NESTINGS {
            let src = open.repeat(5_000) + "a" + &close.repeat(5_000);
            exercise(&parse_with(&src, &wide()).unwrap());
        }
    });
}

#[test]
fn strings_made_to_escape_are_plain_errors() {
    // The published classes of attack on evaluators that hand the text to a host language.
    for src in [
        "__import__('os').system('true')",
        "().__class__.__bases__[0].__subclasses__()",
        "a.__class__",
        "(lambda: 1)()",
        "[x for x in (1,2)]",
        "exec('1'); import os",
        "a.__getattribute__('x')",
        "f'{a}'",
        "@a",
        "globals()['a']",
        "open('/etc/passwd').read()",
        "a[0].__init__.__globals__",
        "\"%c\" % 95 + (b := a)",
        "print(a) or a; del a",
    ] {
        assert!(parse(src).is_err(), "{src}");
    }
}
