//! Any number of threads run one kernel, and the number of threads changes no bit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use numloom::{Array, Backend, CancelFlag, DType, Engine, Expr, Kernel, Options, Schema};
use numloom_testkit::choices::{Choices, seeded};
use numloom_testkit::compare::{assert_all_same, assert_same};
use numloom_testkit::generate::{Spice, array};

const SOURCE: &str = "let d = a - b; y = d*d + exp(-abs(a)/1e3); s = sum(d); m = mean(a*b); lo = min(a); hi = max(b); p = prod(1 + a/1e9)";

/// How often each of the 64 threads runs.
const RUNS: usize = if cfg!(debug_assertions) { 20 } else { 500 };

fn schema() -> Schema {
    Schema::new().with("a", DType::F64).with("b", DType::F32)
}

fn inputs(n: usize) -> (Array, Array) {
    let draw = |seed, dtype| {
        let bytes = seeded(seed, 8 * n);
        array(&mut Choices::new(&bytes), dtype, &[n], Spice::Mild)
    };
    (draw(1, DType::F64), draw(2, DType::F32))
}

fn kernel(options: Options) -> Kernel {
    Engine::new(options)
        .unwrap()
        .compile(&Expr::parse(SOURCE).unwrap(), &schema())
        .unwrap()
}

fn run(kernel: &Kernel, (a, b): &(Array, Array)) -> Vec<Array> {
    let outputs = kernel.run([("a", a.view()), ("b", b.view())]).unwrap();
    let array = |value: &numloom::Value| match value {
        numloom::Value::Array(array) => array.try_clone().unwrap(),
        numloom::Value::Scalar(scalar) => Array::from_scalar(scalar).unwrap(),
        other => panic!("no input is null: {other}"),
    };
    outputs.iter().map(|(_, value)| array(value)).collect()
}

#[test]
fn sixty_four_threads_run_one_kernel() {
    let data = inputs(3_000);
    for threads in [1, 2] {
        let kernel = kernel(Options::new().threads(threads).serial_below(1_000));
        let want = run(&kernel, &data);
        thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    (0..RUNS).for_each(|_| {
                        assert_all_same(&want, &run(&kernel, &data), "one of 64 threads")
                    })
                });
            }
        });
    }
}

#[test]
fn threads_share_an_engine_while_its_cache_is_cleared() {
    let engine = Engine::new(Options::new().threads(2).cache_entries(4)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (engine, done) = (&engine, &done);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                engine.cache_clear();
                thread::yield_now();
            }
        });
        let workers: Vec<_> = (0..8)
            .map(|t| {
                scope.spawn(move || {
                    for i in 0..RUNS {
                        let k = (t + i) % 12;
                        let got: Vec<i64> = engine
                            .eval(&format!("a * {k} + {t}"), [("a", &[1i64, -5, 7][..])])
                            .unwrap()
                            .try_into()
                            .unwrap();
                        assert_eq!(got, [1i64, -5, 7].map(|a| a * k as i64 + t as i64));
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn bits_are_the_same_on_any_number_of_threads() {
    // More than a leaf, and several chunks: the tree of the reductions has several levels.
    let data = inputs(if cfg!(debug_assertions) {
        150_001
    } else {
        1_000_003
    });
    for &backend in Backend::available() {
        let options = |threads| {
            Options::new()
                .backend(backend)
                .threads(threads)
                .serial_below(1)
        };
        let want = run(&kernel(options(1)), &data);
        for threads in [2, 4, 7] {
            let kernel = kernel(options(threads));
            for _ in 0..3 {
                assert_all_same(
                    &want,
                    &run(&kernel, &data),
                    format!("{backend}, {threads} threads"),
                );
            }
        }
    }
}

#[test]
fn all_engines_sum_the_same_bits() {
    let data = inputs(100_003);
    let of = |backend| run(&kernel(Options::new().backend(backend).threads(2)), &data);
    for &backend in &Backend::available()[1..] {
        assert_all_same(&of(Backend::Interpreter), &of(backend), backend.to_string());
    }
}

#[test]
fn a_kernel_outlives_its_engine_and_moves_between_threads() {
    let data = Arc::new(inputs(1_000));
    let kernel = kernel(Options::new().threads(2));
    let want = run(&kernel, &data);
    let moved = Arc::clone(&data);
    let got = thread::spawn(move || run(&kernel, &moved)).join().unwrap();
    assert_all_same(&want, &got, "another thread");
}

#[test]
fn an_embedders_pool_runs_kernels_also_from_within_itself() {
    let pool = Arc::new(
        rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap(),
    );
    let options = Options::new().serial_below(1);
    let engine = Engine::with_pool(options, Arc::clone(&pool)).unwrap();
    let nested = engine
        .compile(&Expr::parse(SOURCE).unwrap(), &schema())
        .unwrap();
    let data = inputs(20_000);
    let want = run(&kernel(Options::new().threads(1)), &data);
    pool.scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|_| assert_all_same(&want, &run(&nested, &data), "within the pool"));
        }
    });
    assert_all_same(&want, &run(&nested, &data), "from outside");
}

#[test]
fn runs_that_are_cancelled_at_any_moment_end_in_an_error_or_the_whole_result() {
    let data = inputs(50_000);
    let whole = run(&kernel(Options::new().threads(2)), &data);
    for patience in 0..20 {
        let flag = CancelFlag::new();
        let kernel = kernel(Options::new().threads(2).block(64).cancel(flag.clone()));
        thread::scope(|scope| {
            scope.spawn(|| {
                (0..patience * 50).for_each(|_| thread::yield_now());
                flag.cancel();
            });
            match kernel.run([("a", data.0.view()), ("b", data.1.view())]) {
                Ok(outputs) => {
                    let y = outputs.array("y").unwrap();
                    assert_same(
                        &whole[0].view(),
                        &y.view(),
                        "a run that was not stopped in time",
                    );
                }
                Err(error) => assert_eq!(error.code(), numloom::Code::Cancelled),
            }
        });
    }
}
