//! What a hostile text costs: named errors, on a small stack, in time that grows with its length and no faster.

use std::time::{Duration, Instant};

use numloom::{DType, Engine, Expr, Options, Schema};
use numloom_syntax::{Code, Limits, parse, parse_with};

/// Runs `body` on a thread whose stack is as small as an embedder's may be.
fn on_a_small_stack<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let small = std::thread::Builder::new().stack_size(512 << 10);
        small
            .spawn_scoped(scope, body)
            .expect("a thread can be had")
            .join()
            .expect("it does not panic")
    })
}

fn codes(src: &str) -> Vec<Code> {
    match parse(src) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.diagnostics().iter().map(|d| d.code).collect(),
    }
}

#[test]
fn depth_past_the_limit_is_an_error_on_a_small_stack() {
    on_a_small_stack(|| {
        for n in [257, 1_000, 10_000, 300_000] {
            let families = [
                format!("{}a{}", "(".repeat(n), ")".repeat(n)),
                "(".repeat(n),
                format!("{}a", "-".repeat(n)),
                format!("{}a", "not ".repeat(n)),
                format!("{}a", "~-+".repeat(n)),
                format!("a{}", "**a".repeat(n)),
                format!("{}a{}", "sin(".repeat(n), ")".repeat(n)),
                "where(a,".repeat(n),
                "a+b*(".repeat(n),
                "a<a+b*(".repeat(n),
                "a if b else ".repeat(n),
                "a[".repeat(n),
            ];
            for src in families {
                let found = codes(&src);
                assert!(
                    found.contains(&Code::LimitExceeded),
                    "{n}: {found:?} for {:.40}…",
                    src
                );
            }
        }
    });
}

#[test]
fn depth_up_to_the_limit_computes_on_a_small_stack() {
    on_a_small_stack(|| {
        for src in [
            format!("{}a{}", "(".repeat(256), ")".repeat(256)),
            format!("{}a", "-".repeat(256)),
            format!("{}a{}", "abs(".repeat(255), ")".repeat(255)),
            format!("{}a", "a if a > 0 else ".repeat(200)),
        ] {
            let expr = Expr::parse(&src).unwrap_or_else(|error| panic!("{error:#}"));
            let y: f64 = expr
                .eval([("a", 2.0)])
                .unwrap()
                .into_value()
                .unwrap()
                .item()
                .unwrap();
            assert_eq!(y, 2.0, "{:.40}…", src);
        }
    });
}

#[test]
fn wide_sums_parse_clone_print_lower_and_drop_on_a_small_stack() {
    let n = if cfg!(debug_assertions) {
        20_000
    } else {
        100_000
    };
    on_a_small_stack(|| {
        let src = vec!["a"; n].join(" + ");
        let limits = Limits::default().with_max_tokens(10 * n);
        let ast = parse_with(&src, &limits).expect("a long chain is not a deep one");
        assert_eq!(ast.clone().to_string(), src);
        drop(ast);
        let options = Options::new()
            .max_tokens(10 * n)
            .max_nodes(10 * n)
            .threads(1);
        let engine = Engine::new(options).unwrap();
        let y: i32 = engine
            .eval(&src, [("a", 1i32)])
            .unwrap()
            .into_value()
            .unwrap()
            .item()
            .unwrap();
        assert_eq!(y, n as i32);
    });
}

#[test]
fn a_thousand_inputs_and_ten_thousand_constants_compute() {
    let names: Vec<String> = (0..1_000).map(|i| format!("x{i}")).collect();
    let inputs = names.iter().map(|name| (name.as_str(), 1.0));
    let y: f64 = numloom::eval(&names.join("+"), inputs)
        .unwrap()
        .into_value()
        .unwrap()
        .item()
        .unwrap();
    assert_eq!(y, 1_000.0);

    let n = if cfg!(debug_assertions) { 2_000 } else { 9_000 };
    let src: Vec<String> = (0..n).map(|i| format!("{i}.5")).collect();
    let y: f64 = numloom::eval(&format!("a*0+{}", src.join("+")), [("a", 1.0)])
        .unwrap()
        .into_value()
        .unwrap()
        .item()
        .unwrap();
    assert_eq!(y, (0..n).map(|i| f64::from(i) + 0.5).sum::<f64>());
}

#[test]
fn too_many_inputs_are_an_error() {
    let schema = (0..5_000).fold(Schema::new(), |schema, i| {
        schema.with(&format!("x{i}"), DType::F64)
    });
    let error = Expr::parse("x0 + 1").unwrap().compile(&schema).unwrap_err();
    assert_eq!(error.code(), Code::LimitExceeded);
    assert!(error.to_string().contains("max_inputs"), "{error}");
}

#[test]
fn bombs_are_defused() {
    let digits = "9".repeat(60_000);
    let bombs = [
        "9**9**9".to_owned(),
        "9**9**8*a".into(),
        "1<<10**10".into(),
        "3**10**7".into(),
        "a + (1 << 10**8)".into(),
        "2**127 * 2".into(),
        "-(2**127) - 1 - 2**126".into(),
        digits,
        "n".repeat(60_000),
        "10**38 * 10**38".into(),
    ];
    let schema = Schema::new().with("a", DType::F64);
    for bomb in bombs {
        let outcome = Expr::parse(&bomb).and_then(|expr| expr.compile(&schema));
        assert!(outcome.is_err(), "{bomb:.60}… computes");
    }
    // These are large and mean something.
    for src in [
        "((((a**49)**49)**49)**49)",
        "a**2147483647",
        "a**100000000",
        "1e308*10*a",
    ] {
        let y: f64 = numloom::eval(src, [("a", 1.0)])
            .unwrap()
            .into_value()
            .unwrap()
            .item()
            .unwrap();
        assert!(y == 1.0 || y.is_infinite(), "{src} is {y}");
    }
}

#[test]
fn strings_of_published_injections_are_plain_errors() {
    for src in [
        "__import__('os').system('echo')",
        "(lambda: 1)()",
        "a.__class__",
        "().__class__.__bases__[0]",
        "eval('1')",
        "exec(\"1\")",
        "open('/etc/passwd')",
        "[x for x in (1,)]",
        "a if (b := 1) else 2",
        "import os",
        "a; import os",
        "@a",
        "globals()['a']",
        "print(a)",
        "f'{a}'",
        "\\u0065val('1')",
    ] {
        let schema = Schema::new().with("a", DType::F64);
        assert!(
            Expr::parse(src)
                .and_then(|expr| expr.compile(&schema))
                .is_err(),
            "`{src}` compiles"
        );
    }
}

/// A text of `n` repetitions.
type Family = fn(usize) -> String;

/// The shortest of a few times: what the machine does beside it only adds.
#[expect(clippy::disallowed_methods, reason = "the test is about time")]
fn fastest(src: &str) -> Duration {
    let time = || {
        let start = Instant::now();
        let _ = std::hint::black_box(parse(std::hint::black_box(src)));
        start.elapsed()
    };
    (0..7).map(|_| time()).min().expect("there were several")
}

#[test]
fn parse_time_is_linear_also_in_what_is_malformed() {
    let operators = "a or a and a<a|a^a&a<<a+a*a**";
    let families: [(&str, Family); 14] = [
        ("unclosed product", |n| "a+b*(".repeat(n)),
        ("unclosed comparison", |n| "a<a+b*(".repeat(n)),
        ("unclosed call", |n| "a+f(".repeat(n)),
        ("balanced round a bad token", |n| {
            format!("{}$ {}", "a+b*(".repeat(n), ")".repeat(n))
        }),
        ("bad token before each close", |n| {
            format!("{}a{}", "(".repeat(n), " $)".repeat(n))
        }),
        ("open groups side by side", |n| vec!["a+b*(a"; n].join("+")),
        ("open argument lists", |n| "f(a,".repeat(n)),
        ("mixed brackets", |n| "([".repeat(n)),
        ("signs", |n| format!("{}a", "-".repeat(n))),
        ("powers", |n| format!("{}a", "a**".repeat(n))),
        ("sums", |n| format!("{}a", "a+".repeat(n))),
        ("comparisons", |n| format!("{}a", "a<".repeat(n))),
        ("conditionals", |n| format!("{}a", "a if a else ".repeat(n))),
        ("groups side by side", |n| vec!["(a+)"; n].join("+")),
    ];
    let all_operators = |n: usize| format!("{operators}(").repeat(n);
    let check = |name: &str, make: &dyn Fn(usize) -> String| {
        // Within the depth limit, so that the grammar itself is what runs.
        let (small, large) = (make(60), make(240));
        let (t, u) = (fastest(&small), fastest(&large));
        let ratio = u.as_secs_f64() / t.as_secs_f64();
        // Four times the text: linear is 4, quadratic 16, exponential beyond measure.
        assert!(
            ratio < 12.0 || u < Duration::from_micros(500),
            "{name}: {t:?} for {} bytes, {u:?} for {}",
            small.len(),
            large.len()
        );
        assert!(
            u < Duration::from_millis(500),
            "{name}: {u:?} for {} bytes",
            large.len()
        );
    };
    for (name, make) in families {
        check(name, &make);
    }
    check("every operator, then a group", &all_operators);
}
