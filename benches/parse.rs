//! Text to tree: typical sources, wide and deep ones, and malformed families at n and 2n, whose times must stay in proportion.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use numloom_syntax::{Limits, parse, parse_with};
use std::hint::black_box;

const POLY8: &str =
    "((((((((1.5*x + 0.3)*x - 2.1)*x + 0.7)*x + 1.1)*x - 0.4)*x + 2.2)*x - 1.9)*x + 0.6)";

fn valid(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    let deep = format!("{}a{}", "(a+".repeat(250), ")".repeat(250));
    let wide = vec!["a*b"; 2_000].join(" + ");
    let program = "let d = a - b; rms = mean(d*d); worst = max(abs(d))";
    for (id, src) in [
        ("axpy", "2*a + 3*b"),
        ("poly8", POLY8),
        ("program", program),
        ("deep-250", &deep),
        ("wide-2000", &wide),
    ] {
        assert!(parse(src).is_ok(), "{id} parses");
        group.throughput(Throughput::Bytes(src.len() as u64));
        group.bench_function(id, |b| b.iter(|| parse(black_box(src))));
    }
    group.finish();
}

/// A name and the source made of `n` repeats.
type Family = (&'static str, fn(usize) -> String);

/// Sources that a backtracking parser takes exponential or quadratic time for.
const FAMILIES: &[Family] = &[
    ("open", |n| "a+b*(".repeat(n)),
    ("open-compare", |n| "a<a+b*(".repeat(n)),
    ("open-all", |n| "a<a|a^a&a<<a+a*-a**(".repeat(n)),
    ("open-call", |n| "a<a|a^a&a<<a+a*-a**f(".repeat(n)),
    ("bad-inside", |n| {
        format!("{}${}", "a<a+b*(".repeat(n), ")".repeat(n))
    }),
    ("bad-everywhere", |n| {
        format!("{}a{}", "(".repeat(n), " $)".repeat(n))
    }),
    ("side-by-side", |n| vec!["a+b*(a"; n].join("+")),
    ("call-chain", |n| "f(a,".repeat(n)),
    ("minus", |n| "-".repeat(n)),
    ("powers", |n| "a**".repeat(n)),
    ("sum", |n| "a+".repeat(n)),
    ("compare", |n| "a<".repeat(n)),
    ("ternary", |n| "a if b else ".repeat(n)),
];

fn malformed(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse-malformed");
    let limits = Limits::default();
    for (id, make) in FAMILIES {
        for n in [60, 120] {
            let src = make(n);
            assert!(parse_with(&src, &limits).is_err(), "{id} is malformed");
            group.throughput(Throughput::Bytes(src.len() as u64));
            group.bench_with_input(BenchmarkId::new(*id, n), &src, |b, src| {
                b.iter(|| parse_with(black_box(src), &limits));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, valid, malformed);
criterion_main!(benches);
