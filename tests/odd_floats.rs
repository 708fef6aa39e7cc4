//! A host program may flush subnormal numbers to zero and round otherwise: on its threads, on those that start under it, and on those of
//! a pool of its own. No result depends on it, and the host finds its threads as it left them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::Mutex;

use numloom::{Array, Backend, Engine, Error, Expr, Isa, Kernel, Options, Schema, Stage, View};
use numloom_testkit::compare::assert_all_same;
use numloom_testkit::host::{OddFloats, floats};

/// Reads and makes subnormal numbers, and rounds: in loops, calls, reductions, scalars between passes, and constants.
const SOURCE: &str = "
    half = a / 2; tenth = b * 0.1 + 1/3; power = 2.0 ** (b - 1060); wave = sin(b) * exp(-a) + hypot(a, a)
    s = sum(a); m = mean(b * 0.1); v = std(b); p = prod(1 + b / 1e5); centred = b - mean(b) / 3
    small = 5e-324 * 1.5 + 0.1 * a; narrow = f32(b) * f32(1e-42) + f32(a); rows = sum(t / 3, axis=1)";

const N: usize = 20_000;

fn schema() -> Schema {
    let f64 = numloom::DType::F64;
    Schema::new().with("a", f64).with("b", f64).with("t", f64)
}

struct Data {
    a: Array,
    b: Array,
    t: Array,
}

impl Data {
    fn new() -> Data {
        let array = |values: Vec<f64>, shape: &[usize]| {
            let view = View::from_slice_shaped(&values, shape).unwrap();
            view.to_array().unwrap()
        };
        let numbers = |f: fn(f64) -> f64| (0..N).map(|i| f(i as f64)).collect::<Vec<_>>();
        Data {
            a: array(numbers(|i| f64::from_bits(i as u64 * 977 + 1)), &[N]),
            b: array(numbers(|i| i / 7.0 + 0.1), &[N]),
            t: array(
                numbers(|i| f64::MIN_POSITIVE * (i + 1.0) / 999.0),
                &[200, N / 200],
            ),
        }
    }

    fn run(&self, kernel: &Kernel) -> Result<Vec<Array>, Error> {
        let outputs = kernel.run([
            ("a", self.a.view()),
            ("b", self.b.view()),
            ("t", self.t.view()),
        ])?;
        let array = |value: &numloom::Value| match value {
            numloom::Value::Array(array) => array.try_clone().unwrap(),
            numloom::Value::Scalar(scalar) => Array::from_scalar(scalar).unwrap(),
            other => panic!("no input is null: {other}"),
        };
        Ok(outputs.iter().map(|(_, value)| array(value)).collect())
    }
}

fn compile(engine: &Engine) -> Kernel {
    engine
        .compile(&engine.parse(SOURCE).unwrap(), &schema())
        .unwrap()
}

/// From the text on: what is parsed, folded and run.
fn results(options: Options, data: &Data) -> Vec<Array> {
    data.run(&compile(&Engine::new(options).unwrap())).unwrap()
}

/// `f` on a thread of such a host, which is as before afterwards.
#[track_caller]
fn in_odd_host<R>(f: impl FnOnce() -> R) -> R {
    let odd = OddFloats::new();
    let result = f();
    let untouched = odd.are_untouched();
    drop(odd);
    assert!(untouched, "the host's floats were changed");
    result
}

#[test]
fn the_host_s_floats_change_no_bit_on_any_engine_isa_or_number_of_threads() {
    let data = Data::new();
    let want = results(
        Options::new().backend(Backend::Interpreter).threads(1),
        &data,
    );
    for &backend in Backend::available() {
        for &isa in Isa::available().iter().filter(|isa| backend.runs_on(**isa)) {
            for threads in [1, 4] {
                let options = Options::new()
                    .backend(backend)
                    .isa(isa)
                    .threads(threads)
                    .serial_below(1);
                // Its threads start under the host's floats, too.
                let got = in_odd_host(|| results(options, &data));
                assert_all_same(
                    &want,
                    &got,
                    format!("{backend} on {isa}, {threads} threads"),
                );
            }
        }
    }
}

#[test]
fn small_runs_and_single_values_are_as_good() {
    let engine = Engine::new(Options::new()).unwrap();
    let (a, b) = ([5e-324, 1.1e-308, 0.1], [0.5, 3.0, 0.3]);
    let run = || -> (Vec<f64>, f64, f64) {
        let product = engine
            .eval("a * b + a", numloom::inputs! { a: &a, b: &b })
            .unwrap();
        let sum = engine
            .eval("sum(a * b) / 3", numloom::inputs! { a: &a, b: &b })
            .unwrap();
        let one = engine.eval("x / 2 + 1/3*x", [("x", 5e-324)]).unwrap();
        (
            product.try_into().unwrap(),
            sum.try_into().unwrap(),
            one.try_into().unwrap(),
        )
    };
    let want = run();
    for _ in 0..3 {
        assert_eq!(in_odd_host(run), want);
    }
}

#[test]
fn a_text_means_the_same_to_the_last_bit_of_its_constants() {
    let source = "x * 0.1 + 1/3 + 5e-324 * 3 / 2 + 2.2250738585072011e-308 + exp(0.3) - 1e23";
    let schema = Schema::new().with("x", numloom::DType::F64);
    let stages = || {
        let text = |stage| numloom::explain_stage(source, &schema, stage).unwrap();
        [Stage::Ast, Stage::Ir, Stage::Opt, Stage::Kernel].map(text)
    };
    let want = stages();
    assert_eq!(in_odd_host(stages), want);
}

#[test]
fn threads_of_a_pool_of_the_host_s_are_as_it_set_them_up() {
    let data = Data::new();
    let want = results(Options::new().threads(1), &data);
    // Each thread keeps its floats until it ends.
    let keep = |_| std::mem::forget(OddFloats::new());
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .start_handler(keep)
        .build()
        .unwrap();
    let pool = Arc::new(pool);
    let odd = pool.install(floats);
    let engine = Engine::with_pool(Options::new().serial_below(1), Arc::clone(&pool)).unwrap();
    let kernel = compile(&engine);
    for _ in 0..5 {
        assert_all_same(
            &want,
            &data.run(&kernel).unwrap(),
            "called from outside the pool",
        );
        assert_all_same(
            &want,
            &pool.install(|| data.run(&kernel).unwrap()),
            "called from within",
        );
    }
    let after = pool.broadcast(|_| floats());
    assert_eq!(after, [odd; 3]);
}

#[test]
fn an_error_leaves_the_host_as_it_was() {
    let engine = Engine::new(Options::new().threads(2).serial_below(1)).unwrap();
    let a: Vec<f64> = (0..N).map(|i| i as f64).collect();
    in_odd_host(|| {
        assert!(Expr::parse("a +").is_err());
        assert!(
            engine
                .eval("u8(a, 'checked')", numloom::inputs! { a: &a })
                .is_err()
        );
        assert!(engine.eval("b", numloom::inputs! { a: &a }).is_err());
        assert!(
            engine
                .eval("a + b", numloom::inputs! { a: &a, b: &[1.0, 2.0] })
                .is_err()
        );
    });
}

#[test]
fn so_does_a_panic_in_a_progress_callback_and_one_that_meddles_changes_no_bit() {
    let data = Data::new();
    let want = results(Options::new().threads(1), &data);
    for threads in [1, 4] {
        let options = Options::new().threads(threads).serial_below(1).block(512);
        let kernel = compile(&Engine::new(options).unwrap());
        let panicking = kernel.with(Options::new().progress(|_| std::panic::panic_any("enough")));
        let caught = in_odd_host(|| catch_unwind(AssertUnwindSafe(|| drop(data.run(&panicking)))));
        assert!(caught.is_err());

        let calls = Arc::new(Mutex::new(0));
        let count = Arc::clone(&calls);
        let meddling = kernel.with(Options::new().progress(move |_| {
            std::mem::forget(OddFloats::new());
            *count.lock().unwrap() += 1;
        }));
        let before = floats();
        assert_all_same(
            &want,
            &data.run(&meddling).unwrap(),
            "after a callback that changes floats",
        );
        assert_eq!(floats(), before);
        assert!(*calls.lock().unwrap() > 1);
    }
}
