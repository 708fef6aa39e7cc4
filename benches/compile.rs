//! Tree to machine code: each stage of typical expressions, and the whole way.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use numloom::{DType, Schema};
use numloom_ir::{Form, LowerOptions, lower, opt, schedule};
use numloom_jit::{Generator, NativeKernel, Target};

const CASES: &[(&str, &str)] = &[
    ("add", "a + b"),
    ("axpy", "2*a + 3*b"),
    (
        "poly8",
        "((((((((1.5*a + 0.3)*a - 2.1)*a + 0.7)*a + 1.1)*a - 0.4)*a + 2.2)*a - 1.9)*a + 0.6)",
    ),
    ("where", "where(a > b, a - b, b / a)"),
    ("mixed", "where(i > 0, a * i, b) + f32(i)"),
    ("exp", "exp(-a*a/2) * log(b + 1.5)"),
    // A kernel of one pass: what divides a sum to a mean comes after it.
    ("reduce", "let d = a - b; sum(d*d); max(abs(d))"),
];

fn schema() -> Schema {
    Schema::new()
        .with("a", DType::F64)
        .with("b", DType::F64)
        .with("i", DType::I32)
}

fn stages(c: &mut Criterion) {
    let schema = schema();
    let options = LowerOptions::default();
    let target = Target::host().expect("the bench needs a host with a backend");
    for (id, src) in CASES {
        let ast = numloom_syntax::parse(src).expect("the case parses");
        let prog = lower(&ast, &schema, &options).expect("the case is well typed");
        let optimised = opt::run(&prog);
        let kernel = Arc::new(schedule(&optimised, &schema.classes(), Form::Lanes));
        let mut group = c.benchmark_group("compile");
        group.bench_function(format!("lower/{id}"), |b| {
            b.iter(|| lower(black_box(&ast), &schema, &options))
        });
        group.bench_function(format!("optimize/{id}"), |b| {
            b.iter(|| opt::run(black_box(&prog)))
        });
        group.bench_function(format!("schedule/{id}"), |b| {
            b.iter(|| schedule(black_box(&optimised), &schema.classes(), Form::Lanes));
        });
        for generator in Generator::ALL {
            let compile =
                || NativeKernel::compile_with(generator, Arc::clone(&kernel), &target).ok();
            // Not every generator runs everywhere.
            if compile().is_some() {
                group.bench_function(format!("{generator}/{id}"), |b| b.iter(compile));
            }
        }
        group.finish();
    }
}

/// Text to a callable kernel, nothing cached.
fn whole(c: &mut Criterion) {
    let mut group = c.benchmark_group("compile");
    let schema = schema();
    let options = LowerOptions::default();
    let target = Target::host().expect("the bench needs a host with a backend");
    for (id, src) in CASES {
        group.bench_function(format!("whole/{id}"), |b| {
            b.iter(|| {
                let ast = numloom_syntax::parse(black_box(src)).expect("the case parses");
                let prog =
                    opt::run(&lower(&ast, &schema, &options).expect("the case is well typed"));
                let kernel = Arc::new(schedule(&prog, &schema.classes(), Form::Lanes));
                NativeKernel::compile(kernel, &target).expect("the backend compiles it")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, stages, whole);
criterion_main!(benches);
