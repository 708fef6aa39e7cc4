//! One thread, data in L1 and in L2: the compiled kernel, the interpreter and a plain Rust loop on the same arrays; and what a call costs.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use numloom::{Backend, DType, Engine, Expr, Kernel, Options, Schema, View, ViewMut};
use numloom_benches::leaf;
use numloom_ir::reduce::LANES;
use numloom_ir::{Builder, Fault, FloatEnv, Form, InputClass, Reduction, schedule};
use numloom_jit::abi::KernelArgs;
use numloom_jit::{NativeKernel, Target};

/// An expression over `a` and `b` and what one element of it is in plain Rust.
struct Case {
    id: &'static str,
    src: &'static str,
    plain: fn(&[f64], &[f64], &mut [f64]),
}

/// A plain loop over slices, monomorphised so that the compiler may vectorise it.
fn plain(f: impl Fn(f64, f64) -> f64, a: &[f64], b: &[f64], out: &mut [f64]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = f(a, b);
    }
}

const CASES: &[Case] = &[
    Case {
        id: "add",
        src: "a + b",
        plain: |a, b, out| plain(|a, b| a + b, a, b, out),
    },
    Case {
        id: "axpy",
        src: "2*a + 3*b",
        plain: |a, b, out| plain(|a, b| 2.0 * a + 3.0 * b, a, b, out),
    },
    Case {
        id: "poly8",
        src: "((((((((1.5*a + 0.3)*a - 2.1)*a + 0.7)*a + 1.1)*a - 0.4)*a + 2.2)*a - 1.9)*a + 0.6) + b",
        plain: |a, b, out| {
            let poly = |x: f64| {
                ((((((((1.5 * x + 0.3) * x - 2.1) * x + 0.7) * x + 1.1) * x - 0.4) * x + 2.2) * x
                    - 1.9)
                    * x)
                    + 0.6
            };
            plain(|a, b| poly(a) + b, a, b, out);
        },
    },
    Case {
        id: "where",
        src: "where(a > b, a - b, b / a)",
        plain: |a, b, out| plain(|a, b| if a > b { a - b } else { b / a }, a, b, out),
    },
];

fn kernel_of(src: &str, backend: Backend) -> Kernel {
    let engine =
        Engine::new(Options::new().threads(1).backend(backend)).expect("the backend exists");
    let schema = Schema::new().with("a", DType::F64).with("b", DType::F64);
    engine
        .compile(&Expr::parse(src).expect("the case parses"), &schema)
        .expect("the case compiles")
}

fn data(n: usize) -> (Vec<f64>, Vec<f64>) {
    let a = (0..n).map(|i| 0.5 + (i % 1_013) as f64 / 1_013.0).collect();
    let b = (0..n).map(|i| 0.7 + (i % 997) as f64 / 997.0).collect();
    (a, b)
}

fn in_cache(c: &mut Criterion) {
    for (place, n) in [("L1", 1_000), ("L2", 20_000)] {
        let (a, b) = data(n);
        for case in CASES {
            let mut group = c.benchmark_group(format!("kernel/{}/f64/{place}", case.id));
            group.throughput(Throughput::Elements(n as u64));
            let (mut want, mut got) = (vec![0f64; n], vec![0f64; n]);
            (case.plain)(&a, &b, &mut want);
            for &backend in Backend::available().iter().rev() {
                let id = backend.to_string();
                let kernel = kernel_of(case.src, backend);
                let mut run = || {
                    let inputs = [
                        View::from_slice(black_box(&a)),
                        View::from_slice(black_box(&b)),
                    ];
                    kernel
                        .call(&inputs, &mut [ViewMut::from_slice(&mut got)])
                        .expect("the kernel runs");
                };
                run();
                group.bench_function(&id, |bench| bench.iter(&mut run));
                assert!(
                    got.iter()
                        .zip(&want)
                        .all(|(x, y)| x.to_bits() == y.to_bits()),
                    "{id} of {}",
                    case.src
                );
            }
            group.bench_function("rust", |bench| {
                bench.iter(|| (case.plain)(black_box(&a), black_box(&b), black_box(&mut want)));
            });
            group.finish();
        }
    }
}

/// The cost of a call on ten elements: binding, checks and the kernel, without the text.
fn call(c: &mut Criterion) {
    let mut group = c.benchmark_group("call");
    // What each call spends on the floats of its host.
    group.bench_function("float-env", |bench| bench.iter(FloatEnv::enter));
    let (a, b) = data(10);
    for (id, src) in [
        ("axpy", "2*a + 3*b"),
        ("sum", "sum(a*b)"),
        ("mean", "mean(a*b)"),
        ("exp", "exp(a) + b"),
    ] {
        let kernel = kernel_of(src, Backend::Auto);
        let reduced = kernel.outputs()[0].reduced;
        let (mut out, mut total) = ([0.0; 10], 0.0);
        group.bench_with_input(BenchmarkId::new(id, 10), &kernel, |bench, kernel| {
            bench.iter(|| {
                let inputs = [
                    View::from_slice(black_box(&a)),
                    View::from_slice(black_box(&b)),
                ];
                let place = if reduced {
                    ViewMut::scalar(&mut total)
                } else {
                    ViewMut::from_slice(&mut out)
                };
                kernel.call(&inputs, &mut [place]).expect("the kernel runs");
            });
        });
        let products = || a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>();
        match id {
            "axpy" => assert!((0..10).all(|i| out[i] == 2.0 * a[i] + 3.0 * b[i]), "{src}"),
            "sum" => assert!((total - products()).abs() < 1e-12, "{src}"),
            "mean" => assert!((total - products() / 10.0).abs() < 1e-12, "{src}"),
            _ => {}
        }
    }
    group.finish();
}

/// Rows of a hundred elements, each a leaf or all a lane of a hundred columns: what a kernel call costs an element in each form, against plain
/// Rust in the same order. The array, of 90 KB, is in L2.
#[expect(
    unsafe_code,
    reason = "calls machine code as the runtime does, without the checks of a safe call"
)]
fn along(c: &mut Criterion) {
    const N: usize = 100;
    const ROWS: usize = 112;
    let (a, _) = data(N * ROWS);
    let native = |reduction, form| {
        let mut builder = Builder::new();
        let x = builder.input("a", DType::F64);
        let total = builder.reduce(reduction, x);
        builder.output(None, total);
        let kernel = schedule(&builder.finish(), &[InputClass::Contiguous], form);
        let target = Target::host().expect("the backend exists");
        NativeKernel::compile(Arc::new(kernel), &target).expect("the kernel compiles")
    };
    let cases = [
        ("sum", Reduction::Sum),
        ("argmin", Reduction::ArgMin),
        ("m2", Reduction::M2),
    ];
    for (form, id) in [
        (Form::Rows, "rows"),
        (Form::Columns, "columns"),
        (Form::Streams, "streams"),
    ] {
        let mut group = c.benchmark_group(format!("along/{id}/f64"));
        group.throughput(Throughput::Elements((N * ROWS) as u64));
        for (name, reduction) in cases {
            let native = native(reduction, form);
            let mut memory = vec![0u64; native.kernel().accumulator_words(ROWS, N)];
            let mut scratch = vec![0u64; native.kernel().scratch_bytes() / 8];
            let mut fault = Fault::NONE;
            group.bench_function(name, |bench| {
                bench.iter(|| {
                    let input = black_box(&a).as_ptr().cast::<u8>();
                    let mut args = KernelArgs {
                        n: N,
                        rows: ROWS,
                        inputs: &raw const input,
                        input_row_strides: &(8 * N).cast_signed(),
                        output_row_strides: &0,
                        accumulators: memory.as_mut_ptr(),
                        columns: N,
                        row_position_stride: 1,
                        scratch: scratch.as_mut_ptr().cast(),
                        ..KernelArgs::one_row(&raw mut fault)
                    };
                    // SAFETY: (1) to (3) the one input has `ROWS` rows of `N` elements, side by side, and there are no outputs; (4) to (6)
                    // accumulators, scratch and fault are as the kernel wants them; (7) and nobody else's.
                    let status = unsafe { native.call(&mut args) };
                    assert_eq!(status, 0);
                });
            });
        }
        let mut totals = vec![0f64; ROWS];
        group.bench_function("rust", |bench| {
            bench.iter(|| match form {
                Form::Columns | Form::Streams => {
                    for row in black_box(&a).chunks_exact(N) {
                        let columns = totals.iter_mut().zip(row);
                        columns.for_each(|(total, x)| *total += x);
                    }
                }
                _ => {
                    for (total, row) in totals.iter_mut().zip(black_box(&a).chunks_exact(N)) {
                        *total = leaf::<LANES, f64>(row);
                    }
                }
            });
        });
        black_box(&totals);
        group.finish();
    }
}

criterion_group!(benches, in_cache, call, along);
criterion_main!(benches);
