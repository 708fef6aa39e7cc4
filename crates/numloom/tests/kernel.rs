//! Compiled kernels: what running one costs, and what goes with what.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use numloom::{
    Array, Backend, CancelFlag, DType, Engine, ErrorKind, Expr, Input, InputClass, Isa, Kernel,
    Options, Place, Scalar, Schema, View, ViewMut, inputs,
};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator that counts")]
// SAFETY: all is handed on to the system's allocator, with the caller's contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

fn compile(src: &str) -> Kernel {
    let schema = Schema::new().with("a", DType::F64).with("b", DType::F64);
    Expr::parse(src).unwrap().compile(&schema).unwrap()
}

#[test]
fn small_runs_into_place_allocate_nothing() {
    let kernel = compile("c = 2*a + 3*b; s = sum(a*b)");
    let (a, b) = ([1.0; 10], [2.0; 10]);
    let (mut c, mut s) = ([0.0; 10], Scalar::F64(0.0));
    let mut run = || {
        let places: [(&str, Place<'_>); 2] = [("c", (&mut c).into()), ("s", (&mut s).into())];
        kernel.run_into([("b", &b), ("a", &a)], places).unwrap();
    };
    run();
    assert_eq!(allocations(run), 0);
    assert_eq!((c, s), ([8.0; 10], Scalar::F64(20.0)));

    let kernel = compile("c = 2*a + 3*b; d = a < b");
    let (mut c, mut d) = ([0.0; 10], [false; 10]);
    let mut call = || {
        let inputs = [View::from_slice(&a), View::from_slice(&b)];
        let mut outputs = [ViewMut::from_slice(&mut c), ViewMut::from_slice(&mut d)];
        kernel.call(&inputs, &mut outputs).unwrap();
    };
    call();
    assert_eq!(allocations(call), 0);
    assert_eq!((c, d), ([8.0; 10], [true; 10]));
    assert_ne!(allocations(|| drop(kernel.run(inputs! { a, b }))), 0);
}

#[test]
fn more_inputs_than_fit_in_place_still_run() -> Result<(), numloom::Error> {
    let names: Vec<String> = (0..40).map(|i| format!("x{i}")).collect();
    let schema = names
        .iter()
        .fold(Schema::new(), |schema, name| schema.with(name, DType::I64));
    let kernel = Expr::parse(&names.join("+"))?.compile(&schema)?;
    let values: Vec<[i64; 2]> = (0..40).map(|i| [i, 2 * i]).collect();
    let inputs = names
        .iter()
        .zip(&values)
        .rev()
        .map(|(name, value)| (name.as_str(), value));
    assert_eq!(Vec::<i64>::try_from(kernel.run(inputs)?)?, [780, 1560]);
    Ok(())
}

#[test]
fn threads_share_one_kernel() {
    let kernel = compile("sqrt(a*a + b*b)");
    let want = kernel
        .run([("a", &[3.0, 5.0]), ("b", &[4.0, 12.0])])
        .unwrap();
    let want = want[0].to_vec::<f64>().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let got = kernel
                        .run([("a", &[3.0, 5.0]), ("b", &[4.0, 12.0])])
                        .unwrap();
                    assert_eq!(got[0].to_vec::<f64>().unwrap(), want);
                }
            });
        }
    });
    assert_eq!(want, [5.0, 13.0]);
}

#[test]
fn bits_depend_on_neither_threads_nor_blocks_nor_optimising() -> Result<(), numloom::Error> {
    let a: Vec<f32> = (0..100_003).map(|i| (i as f32).sin() * 1e3).collect();
    let expr = Expr::parse("s = sum(a); p = prod(1 + a/1e6); e = exp(-a*a/1e6)")?;
    let mut seen: Option<(u32, u32, Vec<f32>)> = None;
    for threads in [1, 2, 7] {
        for block in [None, Some(16), Some(4096)] {
            for optimize in [true, false] {
                let mut options = Options::new()
                    .threads(threads)
                    .optimize(optimize)
                    .serial_below(0);
                options.block = block;
                let out = Engine::new(options)?.eval_expr(&expr, inputs! { a })?;
                let (s, p) = (out["s"].item::<f32>()?, out["p"].item::<f32>()?);
                let got = (s.to_bits(), p.to_bits(), out["e"].to_vec()?);
                assert_eq!(
                    *seen.get_or_insert_with(|| got.clone()),
                    got,
                    "{threads} {block:?} {optimize}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn the_interpreter_gives_the_same_bits() -> Result<(), numloom::Error> {
    let a: Vec<f64> = (0..1000).map(|i| f64::from(i) * 0.37 - 99.0).collect();
    let interpreter = Engine::new(Options::new().backend(Backend::Interpreter))?;
    for src in [
        "a / 3 + sqrt(abs(a))",
        "where(a > 0, a, -a) ** 2.5",
        "i8(a, \"saturate\") // 7",
    ] {
        let expr = Expr::parse(src)?;
        let (want, got) = (
            interpreter.eval_expr(&expr, inputs! { a })?,
            expr.eval(inputs! { a })?,
        );
        assert_eq!(want[0], got[0], "{src}");
    }
    Ok(())
}

#[test]
fn an_expression_compiles_once_for_each_combination_of_dtypes() -> Result<(), numloom::Error> {
    let engine = Engine::new(Options::new())?;
    for _ in 0..3 {
        engine.eval("a + 1", [("a", &[1i8, 2])])?;
        engine.eval("a + 1", [("a", &[1.5f32, 2.5])])?;
    }
    assert_eq!(engine.cache_info().entries, 2);
    engine.cache_clear();
    assert_eq!(engine.cache_info().entries, 0);
    assert_eq!(
        Vec::<i8>::try_from(engine.eval("a + 1", [("a", &[1i8, 2])])?)?,
        [2, 3]
    );
    Ok(())
}

#[test]
fn runs_end_when_they_are_told_to() -> Result<(), numloom::Error> {
    let kernel = compile("a * b");
    let a = vec![1.0; 1000];
    let flag = CancelFlag::new();
    let cancellable = kernel.with(Options::new().cancel(flag.clone()));
    assert!(cancellable.run([("a", &a), ("b", &a)]).is_ok());
    flag.cancel();
    let cancelled = cancellable.run([("a", &a), ("b", &a)]).unwrap_err();
    assert_eq!(
        (cancelled.code().slug(), cancelled.kind()),
        ("cancelled", ErrorKind::Run)
    );
    let late = kernel
        .with(Options::new().deadline(Duration::ZERO))
        .run([("a", &a), ("b", &a)]);
    assert_eq!(late.unwrap_err().code().slug(), "deadline-exceeded");
    let small = kernel.with(Options::new().max_output_bytes(100));
    let large = small.run([("a", &a), ("b", &a)]).unwrap_err();
    assert_eq!(
        (large.code().slug(), large.kind()),
        ("limit-exceeded", ErrorKind::Limit)
    );
    assert!(kernel.run([("a", &a), ("b", &a)]).is_ok());
    Ok(())
}

#[test]
fn progress_is_told_and_ends_whole() -> Result<(), numloom::Error> {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    let kernel = compile("a + b")
        .with(Options::new().progress(move |p| log.lock().unwrap().push((p.done, p.total))));
    let a = vec![1.0; 1_000_000];
    kernel.run([("a", &a), ("b", &a)])?;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.last(), Some(&(1_000_000, 1_000_000)));
    assert!(seen.is_sorted() && seen.len() > 1);
    Ok(())
}

#[test]
fn explanations_say_what_runs_and_what_moves() -> Result<(), numloom::Error> {
    let schema = Schema::new()
        .with("x", DType::F32)
        .with_scalar("k", DType::F64)
        .with("unused", DType::I64);
    let engine = Engine::new(Options::new().threads(3).backend(Backend::Interpreter))?;
    let kernel = engine.compile(&Expr::parse("y = k*sin(x); n = sum(x)")?, &schema)?;
    let explained = kernel.explain()?;
    let [pass] = &explained.passes[..] else {
        panic!("one pass: {explained}")
    };
    assert_eq!(
        (
            pass.element_bytes_read,
            pass.element_bytes_written,
            pass.calls
        ),
        (4, 8, 1)
    );
    let text = explained.to_string();
    for line in [
        "inputs    x: f32, k: f64 scalar, unused: i64",
        "outputs   y: f64, n: f32 reduced",
        "engine    interpreter",
        "reads 4 bytes, writes 8 bytes for each element",
        &format!("isa       {}, ", Isa::best()),
        "threads   3",
    ] {
        assert!(text.contains(line), "no {line:?} in\n{text}");
    }
    Ok(())
}

#[test]
fn a_schema_may_list_more_than_is_read_and_every_name_is_given() -> Result<(), numloom::Error> {
    let kernel = compile("a + 1");
    let missing = kernel.run([("a", &[1.0])]).unwrap_err();
    assert_eq!(missing.code().slug(), "missing-input");
    let out = kernel.run([("a", &[1.0]), ("b", &[1.0])])?;
    assert_eq!(out[0].to_vec::<f64>()?, [2.0]);
    Ok(())
}

#[test]
fn a_scalar_may_come_where_an_array_was_expected_and_the_other_way_round()
-> Result<(), numloom::Error> {
    let schema = Schema::new()
        .with_input("a", DType::I32, InputClass::Scalar)
        .with("b", DType::I32);
    let kernel = Expr::parse("a * b")?.compile(&schema)?;
    let table = Array::from_slice(&[1, 2, 3, 4], &[2, 2])?;
    let out = kernel.run([("a", Input::from(&table)), ("b", 10.into())])?;
    assert_eq!(out[0].to_vec::<i32>()?, [10, 20, 30, 40]);
    assert_eq!(kernel.run([("a", 2), ("b", 3)])?[0].item::<i32>()?, 6);
    Ok(())
}

#[test]
fn a_pool_of_the_embedder_is_used() -> Result<(), Box<dyn std::error::Error>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2);
    let pool = pool.thread_name(|i| format!("mine-{i}")).build()?;
    let used = Arc::new(AtomicBool::new(false));
    let log = Arc::clone(&used);
    let tell = move |_| {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        log.fetch_or(name.starts_with("mine-"), Ordering::Relaxed);
    };
    let options = Options::new().serial_below(0).progress(tell);
    let engine = Engine::with_pool(options, Arc::new(pool))?;
    assert_eq!(engine.threads(), 2);
    let a = vec![1.0; 1_000_000];
    // On a busy machine the caller may have done all the work before another thread wakes.
    for _ in 0..1000 {
        let sum: f64 = engine.eval("sum(a)", inputs! { a })?.try_into()?;
        assert_eq!(sum, 1e6);
        if used.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
    panic!("no thread of the pool ever took part");
}

#[test]
fn a_value_beside_an_array_that_gives_it_axes_is_no_value() {
    for text in ["sum(a) + 0*k", "mean(a)*0 + k*0"] {
        let schema = Schema::new().with("a", DType::I64).with("k", DType::I64);
        let kernel = Expr::parse(text).unwrap().compile(&schema).unwrap();
        let (a, k) = ([1i64, 2, 3], [4i64, 5, 6]);
        let inputs = [View::from_slice(&a), View::from_slice(&k)];
        for _ in 0..2 {
            let (mut whole, mut float) = (0i64, 0f64);
            let place = match kernel.outputs()[0].dtype {
                DType::I64 => ViewMut::scalar(&mut whole),
                _ => ViewMut::scalar(&mut float),
            };
            let error = kernel.call(&inputs, &mut [place]).unwrap_err();
            assert_eq!(error.code(), numloom::Code::OutputShape, "{text}");
        }
    }
}

#[test]
fn what_is_reduced_and_not_used_does_no_harm_without_optimisation() {
    let engine = Engine::new(Options::new().optimize(false)).unwrap();
    let expr = Expr::parse("let m = mean(a); sum(a)").unwrap();
    let kernel = engine
        .compile(&expr, &Schema::new().with("a", DType::F64))
        .unwrap();
    for _ in 0..3 {
        let mut sum = 0.0;
        let place = ViewMut::scalar(&mut sum);
        kernel
            .call(&[View::from_slice(&[1.0, 2.0])], &mut [place])
            .unwrap();
        assert_eq!(sum, 3.0);
    }
}

/// The first block of an array is longer where that aligns the others, the short way and the long way.
#[test]
fn the_bits_of_functions_do_not_depend_on_where_arrays_begin() {
    let src = "exp(-a*a/2)*log(b+1.5)";
    let schema = Schema::new().with("a", DType::F64).with("b", DType::F64);
    let compile = |options: Options| {
        let engine = Engine::new(options).unwrap();
        engine.compile(&Expr::parse(src).unwrap(), &schema).unwrap()
    };
    let ways = [
        compile(Options::new().threads(1)),
        compile(Options::new().threads(2)),
    ];
    let by_hundreds = compile(Options::new().threads(1).block(100));
    // Few blocks, many, more than the short way takes, arrays out of the caches.
    for n in [3_000, 5_001, 30_000, 200_003] {
        let a: Vec<f64> = (0..n + 8).map(|i| f64::from(i) * 1e-3 - 1.0).collect();
        let b: Vec<f64> = a.iter().map(|a| a + 0.3).collect();
        let mut want = vec![0.0; a.len()];
        let inputs = [View::from_slice(&a), View::from_slice(&b)];
        let place = ViewMut::from_slice(&mut want);
        by_hundreds.call(&inputs, &mut [place]).unwrap();
        for kernel in &ways {
            for shift in 0..8 {
                let n = a.len() - 8;
                let mut got = vec![7.0; a.len()];
                let inputs = [View::from_slice(&a[..n]), View::from_slice(&b[..n])];
                let place = ViewMut::from_slice(&mut got[shift..shift + n]);
                kernel.call(&inputs, &mut [place]).unwrap();
                let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert!(
                    bits(&got[shift..shift + n]) == bits(&want[..n]),
                    "{n} {shift}"
                );
                let (before, after) = (&got[..shift], &got[shift + n..]);
                assert!(before.iter().chain(after).all(|&x| x == 7.0), "{n} {shift}");
            }
        }
    }
}
