//! Time is linear in the source, whatever it holds: counted in tokens that the grammar takes, not in
//! seconds.

use std::time::{Duration, Instant};

use crate::parser::take_steps;
use crate::{Limits, parse_with};

/// One family of sources of any size, and whether they parse.
type Family = (&'static str, fn(usize) -> String, bool);

const FAMILIES: &[Family] = &[
    ("mixed, unclosed", |n| "a+b*(".repeat(n), false),
    ("comparison, unclosed", |n| "a<a+b*(".repeat(n), false),
    ("all operators, unclosed", |n| ALL.repeat(n), false),
    (
        "all operators and calls, unclosed",
        |n| format!("{ALL}f(").repeat(n),
        false,
    ),
    (
        "mixed round a stray character",
        |n| around("a+b*(", "$", n),
        false,
    ),
    (
        "all operators round a stray character",
        |n| around(ALL, "$", n),
        false,
    ),
    (
        "calls round a stray character",
        |n| around("a*f(", "$", n),
        false,
    ),
    ("all operators round a gap", |n| around(ALL, "a+", n), false),
    (
        "a stray character in every group",
        |n| "(".repeat(n) + "a+" + &" $)".repeat(n),
        false,
    ),
    (
        "two operands in every group",
        |n| "(".repeat(n) + "a" + &" b)".repeat(n),
        false,
    ),
    (
        "open groups side by side",
        |n| vec!["a+b*(a"; n].join("+"),
        false,
    ),
    (
        "bad groups side by side",
        |n| vec!["(a b)"; n].join("+"),
        false,
    ),
    ("bad statements", |n| "a b;".repeat(n), false),
    ("calls, unclosed", |n| "f(a,".repeat(n), false),
    ("subscripts, unclosed", |n| "a[".repeat(n), false),
    (
        "closed by the wrong bracket",
        |n| "(".repeat(n) + &"]".repeat(n),
        false,
    ),
    (
        "every second bracket forgotten",
        |n| "([".repeat(n) + &")".repeat(n),
        false,
    ),
    ("signs without an operand", |n| "-".repeat(n), false),
    ("powers without an operand", |n| "a**".repeat(n), false),
    ("sums without an operand", |n| "a+".repeat(n), false),
    ("comparisons without an operand", |n| "a<".repeat(n), false),
    (
        "conditionals without an end",
        |n| "a if b else ".repeat(n),
        false,
    ),
    (
        "conditionals without else",
        |n| "a if ".repeat(n) + "a",
        false,
    ),
    ("negations without an operand", |n| "not ".repeat(n), false),
    ("unterminated texts", |n| "\"a\n".repeat(n), false),
    ("typographic quotes", |n| "“a” ".repeat(n), false),
    ("unknown characters", |n| "$@?".repeat(n), false),
    ("parentheses", |n| around("(", "a", n), true),
    ("all operators, closed", |n| around(ALL, "a", n), true),
    ("calls", |n| around("f(a, b=", "a", n), true),
    ("sum", |n| vec!["a"; n].join("+"), true),
    (
        "every operator in turn",
        |n| vec!["a+b*c<d and e or not f"; n].join(" or "),
        true,
    ),
    ("powers", |n| vec!["a"; n].join("**"), true),
    ("conditionals", |n| "a if b else ".repeat(n) + "c", true),
    ("comparisons", |n| vec!["a"; n].join("<"), true),
    ("subscripts", |n| "a".to_owned() + &"[1:]".repeat(n), true),
    ("attributes", |n| "a".to_owned() + &".real".repeat(n), true),
    ("statements", |n| "x = a+b\n".repeat(n), true),
    (
        "keywords",
        |n| (0..n).fold("f(".to_owned(), |s, i| s + &format!("k{i}=1,")) + ")",
        true,
    ),
];

const ALL: &str = "a<a|b^c&d<<e+f*-g**(";

/// `inside` in `n` brackets, each opened by `open`, which ends with the bracket.
fn around(open: &str, inside: &str, n: usize) -> String {
    open.repeat(n) + inside + &")".repeat(n)
}

fn limits() -> Limits {
    Limits::default()
        .with_max_depth(usize::MAX)
        .with_max_tokens(usize::MAX)
        .with_max_source_bytes(usize::MAX)
}

#[test]
fn doubling_a_source_doubles_the_steps() {
    for (name, source, parses) in FAMILIES {
        let mut steps = [0, 0];
        for (steps, n) in steps.iter_mut().zip([500, 1_000]) {
            let src = source(n);
            take_steps();
            assert_eq!(parse_with(&src, &limits()).is_ok(), *parses, "{name}");
            *steps = take_steps();
            // Each of the dozen levels looks at the token after its operand.
            assert!(*steps <= 40 * src.len() as u64, "{name}: {steps} steps");
        }
        let bound = steps[0] * 22 / 10 + 100;
        assert!(
            steps[1] <= bound,
            "{name}: {} steps, then {}",
            steps[0],
            steps[1]
        );
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a generous bound on a whole parse"
)]
fn no_source_hangs() {
    for (name, source, _) in FAMILIES {
        let src = source(10_000);
        let begin = Instant::now();
        let _ = parse_with(&src, &limits());
        let took = begin.elapsed();
        // Linear takes milliseconds; quadratic would take minutes, exponential for ever.
        assert!(
            took < Duration::from_secs(5),
            "{name}: {took:?} for {} bytes",
            src.len()
        );
    }
}

#[test]
fn default_limits_refuse_size_with_its_name() {
    for (src, setting) in [
        ("(".repeat(1_000_000), "max_depth"),
        (vec!["a"; 100_000].join("+"), "max_tokens"),
        ("a".repeat((1 << 20) + 1), "max_source_bytes"),
        ("1".repeat(100_000), "max_literal_bytes"),
        (format!("\"{}\"", "x".repeat(100_000)), "max_literal_bytes"),
    ] {
        let refused = parse_with(&src, &Limits::default()).unwrap_err();
        assert_eq!(refused.iter().count(), 1);
        assert!(refused.to_string().contains(setting), "{refused}");
    }
}
