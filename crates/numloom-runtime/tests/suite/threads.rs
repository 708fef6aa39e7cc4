//! Any number of threads, any block: the same bits; and threads that meet do not hurt one another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use numloom_data::{DType, Scalar, View, ViewMut};
use numloom_ir::InputClass;
use numloom_ir::reduce::LEAF;
use numloom_runtime::{Backend, Engine, Options, Out, OutputValue, RunOptions};

use crate::support::{
    Laid, Layout, assert_same, backends, compile, engine, naive, program, values,
};

/// One pass with every kind of reduction and a slot, over sums that depend on their order.
const REDUCTIONS: &str = "
    input a: f32
    input b: f64
    %0 = input 0 : f32
    %1 = input 1 : f64
    %2 = cast %0 : f64
    %3 = mul %2 %1 : f64
    %4 = exp %2 : f64
    %5 = add %3 %4 : f64
    %6 = sum %5 : f64
    %7 = sum %0 : f64
    %8 = sum %3 : f64
    %9 = min %0 : f32
    %10 = max %3 : f64
    %11 = const 1.0000001 : f64
    %12 = copysign %11 %1 : f64
    %13 = prod %12 : f64
    %14 = lt %2 %1 : bool
    %15 = sum %14 : i64
    out s = %6
    out sf = %7
    out m = %8
    out lo = %9
    out hi = %10
    out p = %13
    out n = %15
    out y = %5 shape 0 1
";

#[test]
fn threads_blocks_and_layouts_do_not_change_a_bit() {
    let prog = program(REDUCTIONS);
    // Not a multiple of anything, with a partial leaf and a partial lane row at the end.
    let shape = [4, 4999];
    let n = shape.iter().product();
    let (a, b) = (values(DType::F32, n, 1), values(DType::F64, n, 2));
    let laid = |layout| {
        (
            Laid::new(&a, DType::F32, &shape, layout),
            Laid::new(&b, DType::F64, &shape, layout),
        )
    };
    let (c, f) = (laid(Layout::C), laid(Layout::F));
    let want = naive(&prog, &[c.0.view(), c.1.view()]);
    for &backend in backends() {
        for threads in [1, 2, 4, 7] {
            let compiled = compile(&engine(backend, threads), &prog);
            for (a, b) in [&c, &f] {
                for block in [
                    None,
                    Some(1),
                    Some(7),
                    Some(1000),
                    Some(4096),
                    Some(usize::MAX),
                ] {
                    let mut options = RunOptions::new();
                    options.block = block;
                    let got = compiled.run(&[a.view(), b.view()], &options).unwrap();
                    assert_same(
                        &got,
                        &want,
                        &format!("{backend}, {threads} threads, {block:?}"),
                    );
                }
            }
        }
    }
}

#[test]
fn every_length_around_lanes_and_leaves_is_right() {
    let prog = program(REDUCTIONS);
    let lengths = [
        1, 2, 15, 16, 17, 4095, 4096, 4097, 8192, 12288, 12289, 16384,
    ];
    let longest = *lengths.last().unwrap();
    let (a, b) = (
        values(DType::F32, longest, 3),
        values(DType::F64, longest, 4),
    );
    let compiled: Vec<_> = backends()
        .iter()
        .flat_map(|&backend| [1, 3].map(|threads| compile(&engine(backend, threads), &prog)))
        .collect();
    for n in lengths {
        let a = Laid::new(&a[..n], DType::F32, &[n], Layout::C);
        let b = Laid::new(&b[..n], DType::F64, &[n], Layout::C);
        let want = naive(&prog, &[a.view(), b.view()]);
        for compiled in &compiled {
            let got = compiled
                .run(&[a.view(), b.view()], &RunOptions::new())
                .unwrap();
            assert_same(&got, &want, &format!("{n} elements"));
        }
    }
}

#[test]
fn small_calls_of_functions_are_cut_into_blocks_without_a_seam() {
    let prog = program(
        "input a: f64
         input k: f64
         input b: f32
         %0 = input 0 : f64
         %1 = input 1 : f64
         %2 = input 2 : f32
         %3 = mul %0 %1 : f64
         %4 = sin %3 : f64
         %5 = exp %2 : f32
         %6 = cast %5 : f64
         %7 = add %4 %6 : f64
         out y = %7 shape 0 2
         out z = %5 shape 2",
    );
    let classes = [
        InputClass::Contiguous,
        InputClass::Scalar,
        InputClass::Contiguous,
    ];
    for &backend in backends() {
        let engine = Engine::new(Options::new().backend(backend).threads(1)).unwrap();
        let compiled = engine.compile(&prog, &classes).unwrap();
        for n in [1, 1023, 1024, 1025, 2048, 3000, 5001] {
            let a: Vec<f64> = (0..n).map(|i| f64::from(i) / 9.0).collect();
            let b: Vec<f32> = (0..n).map(|i| 1.0 / (i + 1) as f32).collect();
            let run = |options: &RunOptions| {
                let inputs = [
                    View::from_slice(&a),
                    View::scalar(&0.37),
                    View::from_slice(&b),
                ];
                let (mut y, mut z) = (vec![0.0; a.len() + 1], vec![0f32; a.len() + 1]);
                let end = a.len();
                let mut outs = [
                    Out::Array(ViewMut::from_slice(&mut y[..end])),
                    Out::Array(ViewMut::from_slice(&mut z[..end])),
                ];
                compiled.run_into(&inputs, &mut outs, options).unwrap();
                assert_eq!(
                    (y[end], z[end]),
                    (0.0, 0.0),
                    "nothing behind the last element"
                );
                (y, z)
            };
            // Blocks of another size are for the long way.
            let want = run(&RunOptions::new().block(160));
            assert!(
                run(&RunOptions::new()) == want,
                "{n} elements on {backend:?}"
            );
        }
    }
}

#[test]
fn leaves_of_small_calls_are_merged_as_those_of_long_ones() {
    let prog = program(
        "input a: f32
         input k: f64
         input b: f64
         %0 = input 0 : f32
         %1 = input 1 : f64
         %2 = input 2 : f64
         %3 = cast %0 : f64
         %4 = mul %3 %1 : f64
         %5 = sub %4 %2 : f64
         %6 = sum %5 : f64
         %7 = max %0 : f32
         %8 = m2 %4 : f64
         out s = %6
         out y = %5 shape 0 2
         out hi = %7
         out v = %8",
    );
    let classes = [
        InputClass::Contiguous,
        InputClass::Scalar,
        InputClass::Contiguous,
    ];
    for &backend in backends() {
        for threads in [1, 2, 3, 7] {
            let engine = Engine::new(Options::new().backend(backend).threads(threads)).unwrap();
            let compiled = engine.compile(&prog, &classes).unwrap();
            for n in [
                1,
                LEAF - 1,
                LEAF,
                LEAF + 1,
                2 * LEAF,
                3 * LEAF + 5,
                7 * LEAF + 4095,
                9 * LEAF,
            ] {
                let a: Vec<f32> = (0..n).map(|i| 1e4 / (i % 997 + 3) as f32).collect();
                let b: Vec<f64> = (0..n).map(|i| (i % 89) as f64 / 7.0).collect();
                let run = |options: &RunOptions| {
                    let inputs = [
                        View::from_slice(&a),
                        View::scalar(&0.37),
                        View::from_slice(&b),
                    ];
                    let (mut y, mut s, mut hi) = (vec![0.0; n + 1], 0f64, 0f32);
                    let mut v = Scalar::F64(0.0);
                    let mut outs = [
                        Out::Array(ViewMut::scalar(&mut s)),
                        Out::Array(ViewMut::from_slice(&mut y[..n])),
                        Out::Array(ViewMut::scalar(&mut hi)),
                        Out::Scalar(&mut v),
                    ];
                    compiled.run_into(&inputs, &mut outs, options).unwrap();
                    assert_eq!(y[n], 0.0, "nothing behind the last element");
                    (y, s, hi, v)
                };
                // Blocks of another size, and threads that are to be woken, are for the long way.
                let short = run(&RunOptions::new());
                for long in [
                    RunOptions::new().block(160),
                    RunOptions::new().serial_below(0),
                ] {
                    assert!(run(&long) == short, "{n} elements on {backend:?}");
                }
            }
        }
    }
}

#[test]
fn many_leaves_of_a_small_call_are_merged_as_those_of_a_long_one() {
    let prog = program(
        "input a: f32
         %0 = input 0 : f32
         %1 = cast %0 : f64
         %2 = sum %1 : f64
         out s = %2",
    );
    for &backend in backends() {
        let engine = Engine::new(Options::new().backend(backend).threads(2)).unwrap();
        let compiled = engine.compile(&prog, &[InputClass::Contiguous]).unwrap();
        for n in [7 * LEAF + 4095, 9 * LEAF, 13 * LEAF + 1] {
            let a: Vec<f32> = (0..n).map(|i| 1e4 / (i % 997 + 3) as f32).collect();
            let run = |options: &RunOptions| {
                let mut sum = 0f64;
                let mut outs = [Out::Array(ViewMut::scalar(&mut sum))];
                let inputs = [View::from_slice(&a)];
                compiled.run_into(&inputs, &mut outs, options).unwrap();
                sum.to_bits()
            };
            let (first, again) = (run(&RunOptions::new()), run(&RunOptions::new()));
            let long = run(&RunOptions::new().block(160));
            assert_eq!((first, again), (long, long), "{n} elements on {backend:?}");
        }
    }
}

#[test]
fn small_calls_compute_the_same_scalars_from_reduced_values_as_long_ones() {
    let prog = program(
        "
        input a: f32
        input k: f64
        input b: f64
        %0 = input 0 : f32
        %1 = input 1 : f64
        %2 = input 2 : f64
        %3 = cast %0 : f64
        %4 = mul %3 %3 : f64
        %5 = sum %4 shape 0 : f64
        %6 = count shape 0 : i64
        %7 = cast %6 : f64
        %8 = div %5 %7 : f64
        %9 = m2 %4 shape 0 : f64
        %10 = div %9 %7 : f64
        %11 = sqrt %10 : f64
        %12 = max %2 shape 2 : f64
        %13 = mul %12 %1 : f64
        out mean = %8
        out std = %11
        out hi = %12
        out scaled = %13
    ",
    );
    let classes = [
        InputClass::Contiguous,
        InputClass::Scalar,
        InputClass::Contiguous,
    ];
    for &backend in backends() {
        for threads in [1, 2] {
            let engine = Engine::new(Options::new().backend(backend).threads(threads)).unwrap();
            let compiled = engine.compile(&prog, &classes).unwrap();
            for n in [1, 2, 1000, LEAF - 1, LEAF + 1, 3 * LEAF + 5] {
                let a: Vec<f32> = (0..n).map(|i| 1e4 / (i % 997 + 3) as f32).collect();
                let b: Vec<f64> = (0..n).map(|i| (i % 89) as f64 / 7.0).collect();
                let run = |inputs: [View<'_>; 3], options: &RunOptions| {
                    let (mut mean, mut hi, mut scaled) = (0f64, 0f64, 0f64);
                    let mut std = Scalar::F64(0.0);
                    let mut outs = [
                        Out::Array(ViewMut::scalar(&mut mean)),
                        Out::Scalar(&mut std),
                        Out::Array(ViewMut::scalar(&mut hi)),
                        Out::Array(ViewMut::scalar(&mut scaled)),
                    ];
                    let ran = compiled.run_into(&inputs, &mut outs, options);
                    ran.map(|()| (mean, std, hi, scaled))
                        .map_err(|error| error.to_string())
                };
                let (av, bv) = (View::from_slice(&a), View::from_slice(&b));
                let same = || [av.clone(), View::scalar(&0.37), bv.clone()];
                let long = run(same(), &RunOptions::new().block(160));
                assert!(long.is_ok());
                for _ in 0..2 {
                    assert_eq!(
                        run(same(), &RunOptions::new()),
                        long,
                        "{n} elements on {backend:?}"
                    );
                }
                // What the first staging was not made for: arrays in other places, of other shapes, and none at all.
                let other = [
                    [View::scalar(&2f32), bv.clone(), View::scalar(&5.0)],
                    [av.clone(), bv.clone(), View::scalar(&5.0)],
                    [View::scalar(&2f32), View::scalar(&0.37), View::scalar(&5.0)],
                    [av.clone(), View::scalar(&0.37), View::scalar(&5.0)],
                    [View::from_slice(&a[..0]), View::scalar(&0.37), bv.clone()],
                ];
                for inputs in other {
                    let long = run(inputs.clone(), &RunOptions::new().block(160));
                    for _ in 0..2 {
                        let short = run(inputs.clone(), &RunOptions::new());
                        // NaN is not equal to itself.
                        assert_eq!(format!("{short:?}"), format!("{long:?}"), "{n} elements");
                    }
                }
            }
        }
    }
}

#[test]
fn sixty_four_threads_share_a_kernel_and_a_cache_that_forgets() {
    let options = Options::new().threads(3).serial_below(0).cache_entries(2);
    let engine = Engine::new(options).unwrap();
    let text = |k: u32| {
        program(&format!(
            "input a: i64\n %0 = input 0 : i64\n %1 = const {k} : i64\n %2 = mul %0 %1 : i64\n %3 = sum %2 : i64\n out = %3"
        ))
    };
    let shared = compile(&engine, &text(3));
    let x: Vec<i64> = (0..500).collect();
    let sum: i64 = x.iter().sum();
    let rounds = if cfg!(debug_assertions) { 20 } else { 200 };
    std::thread::scope(|scope| {
        for thread in 0..64u32 {
            let (engine, shared, x) = (&engine, &shared, &x);
            scope.spawn(move || {
                for round in 0..rounds {
                    let k = (thread + round) % 5;
                    let own = engine.compile(&text(k), &[InputClass::Contiguous]).unwrap();
                    if round % 7 == 0 {
                        engine.cache_clear();
                    }
                    for (compiled, k) in [(shared, 3), (&own, i64::from(k))] {
                        let got = compiled.run(&[View::from_slice(x)], &RunOptions::new());
                        assert_eq!(got.unwrap(), [OutputValue::Scalar(Scalar::I64(k * sum))]);
                    }
                }
            });
        }
    });
    assert!(engine.cache_info().entries <= 2);
}

#[test]
fn an_engine_dropped_while_it_works_lives_until_the_end() {
    let prog = program("input a: f64\n %0 = input 0 : f64\n %1 = sum %0 : f64\n out = %1");
    let x = vec![1.0f64; 100_000];
    for _ in 0..20 {
        let engine = engine(backends()[0], 2);
        let compiled = compile(&engine, &prog);
        std::thread::scope(|scope| {
            let x = &x;
            let worker = scope.spawn(move || {
                compiled
                    .run(&[View::from_slice(x)], &RunOptions::new())
                    .unwrap()
                    .remove(0)
                    .item()
            });
            drop(engine);
            assert_eq!(worker.join().unwrap(), Some(Scalar::F64(1e5)));
        });
    }
}

#[test]
fn a_callback_may_run_on_its_own_engine() {
    let prog = program("input a: f64\n %0 = input 0 : f64\n %1 = sum %0 : f64\n out = %1");
    for threads in [1, 2, 5] {
        let compiled = Arc::new(compile(&engine(backends()[0], threads), &prog));
        let (inner, calls) = (Arc::clone(&compiled), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&calls);
        let options = RunOptions::new().progress(move |_| {
            let got = inner
                .run(&[View::from_slice(&[1.0; 9000])], &RunOptions::new())
                .unwrap();
            assert_eq!(got[0].item(), Some(Scalar::F64(9000.0)));
            counted.fetch_add(1, Ordering::Relaxed);
        });
        for _ in 0..50 {
            let got = compiled
                .run(&[View::from_slice(&[0.5; 50_000])], &options)
                .unwrap();
            assert_eq!(got[0].item(), Some(Scalar::F64(25e3)));
        }
        assert!(calls.load(Ordering::Relaxed) >= 50);
    }
}

#[test]
fn progress_never_falls_and_ends_at_the_total() {
    let prog = program("input a: f64\n %0 = input 0 : f64\n %1 = neg %0 : f64\n out = %1 shape 0");
    for threads in [1, 4] {
        let compiled = compile(&engine(backends()[0], threads), &prog);
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let options = RunOptions::new().progress(move |news| log.lock().unwrap().push(news));
        compiled
            .run(&[View::from_slice(&vec![0.5; 400_000])], &options)
            .unwrap();
        let told = told.lock().unwrap();
        assert!(told.len() > 2 || threads > 1, "{told:?}");
        assert!(told.is_sorted_by(|a, b| a.done < b.done), "{told:?}");
        let last = told.last().unwrap();
        assert_eq!((last.done, last.total), (400_000, 400_000));
    }
}

#[test]
fn a_pool_of_the_embedders_is_used() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    let engine = Engine::with_pool(Options::new().serial_below(0), Arc::new(pool)).unwrap();
    assert_eq!(engine.threads(), 2);
    let prog = program("input a: f64\n %0 = input 0 : f64\n %1 = sum %0 : f64\n out = %1");
    let compiled = compile(&engine, &prog);
    let got = compiled
        .run(&[View::from_slice(&[0.5; 20_000])], &RunOptions::new())
        .unwrap();
    assert_eq!(got[0].item(), Some(Scalar::F64(1e4)));
}

#[test]
fn options_out_of_range_are_errors() {
    for threads in [0, 1_000_000, usize::MAX] {
        assert!(Engine::new(Options::new().threads(threads)).is_err());
        let compiled = compile(
            &engine(Backend::Interpreter, 2),
            &program("input a: f64\n %0 = input 0 : f64\n out = %0 shape 0"),
        );
        let x = [1.0];
        let run = |options: RunOptions| compiled.run(&[View::from_slice(&x)], &options);
        let error = run(RunOptions::new().threads(threads)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`threads` is `{threads}`, but a number of threads is 1 to 4096")
        );
        let error = run(RunOptions::new().block(0)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`block` is 0, but a block has at least 1 element"
        );
    }
    assert!(Engine::new(Options::new().block(0)).is_err());
}
