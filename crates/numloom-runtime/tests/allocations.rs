//! A small run into places that exist allocates nothing, and takes no time to speak of.
#![expect(unsafe_code, reason = "counts what the global allocator is asked for")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use numloom_data::{Scalar, View, ViewMut};
use numloom_ir::{InputClass, Program};
use numloom_runtime::{Engine, Options, Out, RunOptions, Scratch};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: each method passes its contract on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread allocates in `f`.
fn allocations(f: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    f();
    COUNT.with(Cell::get) - before
}

fn program(text: &str) -> Arc<Program> {
    Arc::new(text.parse().expect("a program"))
}

#[test]
fn the_counter_counts() {
    assert!(allocations(|| drop(std::hint::black_box(vec![1u8; 100]))) >= 1);
}

#[test]
fn a_small_run_into_places_allocates_nothing() {
    let prog = program(
        "input a: f64
         input b: f32
         input k: f64
         %0 = input 0 : f64
         %1 = input 1 : f32
         %2 = input 2 : f64
         %3 = cast %1 : f64
         %4 = mul %0 %2 : f64
         %5 = exp %4 : f64
         %6 = add %5 %3 : f64
         %7 = sum %6 : f64
         %8 = max %0 : f64
         out y = %6 shape 0 1 2
         out s = %7
         out m = %8",
    );
    let engine = Engine::new(Options::new()).unwrap();
    let classes = [
        InputClass::Contiguous,
        InputClass::Contiguous,
        InputClass::Scalar,
    ];
    let compiled = engine.compile(&prog, &classes).unwrap();
    let a = [1.5f64; 24];
    let b = [0.5f32; 48];
    // In place, backward, broadcast and strided: all without a copy that allocates.
    let every_other = View::from_slice(&b).slice_axis(0, None, None, -2).unwrap();
    let rows = View::from_slice_shaped(&a, &[4, 6]).unwrap();
    let grid = every_other.clone().to_array().unwrap();
    let grid = grid.view().reshape(&[4, 6]).unwrap();
    let (mut y, mut s, mut m) = ([0.0f64; 24], Scalar::F64(0.0), Scalar::F64(0.0));
    let mut scratch = Scratch::new();
    let options = RunOptions::new();
    let mut run = |a: &View<'_>, b: &View<'_>, y: ViewMut<'_>| {
        let inputs = [a.clone(), b.clone(), View::scalar(&2.0f64)];
        let mut outs = [Out::Array(y), Out::Scalar(&mut s), Out::Scalar(&mut m)];
        let mut once = || {
            compiled
                .run_into_with(&mut scratch, &inputs, &mut outs, &options)
                .unwrap()
        };
        once();
        let into_with = allocations(&mut once);
        let mut once = || compiled.run_into(&inputs, &mut outs, &options).unwrap();
        once();
        (into_with, allocations(once))
    };
    assert_eq!(
        run(
            &View::from_slice(&a),
            &every_other,
            ViewMut::from_slice(&mut y)
        ),
        (0, 0)
    );
    let places = ViewMut::from_slice_shaped(&mut y, &[4, 6]).unwrap();
    assert_eq!(run(&rows, &grid, places), (0, 0));
    let places = ViewMut::from_slice_shaped(&mut y, &[6, 4])
        .unwrap()
        .transpose();
    assert_eq!(run(&rows, &grid, places), (0, 0));
    assert!((y[0] - (3.0f64.exp() + 0.5)).abs() < 1e-12);
    assert_eq!(m, Scalar::F64(1.5));
}

#[test]
fn a_small_run_of_reductions_alone_allocates_nothing_and_leaves_the_same_bits() {
    let prog = program(
        "input a: f32
         input k: f32
         %0 = input 0 : f32
         %1 = input 1 : f32
         %2 = mul %0 %1 : f32
         %3 = sum %2 : f64
         %4 = cast %0 : f64
         %5 = m2 %4 : f64
         %6 = argmin %0 : i64
         out s = %3
         out v = %5
         out at = %6",
    );
    let engine = Engine::new(Options::new()).unwrap();
    let classes = [InputClass::Contiguous, InputClass::Scalar];
    let compiled = engine.compile(&prog, &classes).unwrap();
    for n in [1, 15, 16, 17, 1000, 1024, 1025, 4096] {
        let a: Vec<f32> = (0..n).map(|i| 1.0 / (3 * i + 1) as f32).collect();
        let backward: Vec<f32> = a.iter().rev().copied().collect();
        let run = |a: &View<'_>| {
            let inputs = [a.clone(), View::scalar(&1.7f32)];
            let (mut s, mut v, mut at) = (0f64, Scalar::F64(0.0), 0i64);
            let mut outs = [
                Out::Array(ViewMut::scalar(&mut s)),
                Out::Scalar(&mut v),
                Out::Array(ViewMut::scalar(&mut at)),
            ];
            let options = RunOptions::new();
            let mut once = || compiled.run_into(&inputs, &mut outs, &options).unwrap();
            once();
            let allocated = allocations(once);
            (allocated, s.to_bits(), v, at)
        };
        let plain = run(&View::from_slice(&a));
        assert_eq!(plain.0, 0, "{n} elements");
        assert_eq!(plain.3, n as i64 - 1);
        // What has to be copied first goes the long way.
        let turned = View::from_slice(&backward).reversed(0).unwrap();
        let (_, s, v, at) = run(&turned);
        assert_eq!((s, v, at), (plain.1, plain.2, plain.3), "{n} elements");
    }
}

#[test]
fn a_small_run_of_reductions_over_several_leaves_allocates_nothing() {
    let prog = program(
        "input a: f64
         %0 = input 0 : f64
         %1 = sum %0 : f64
         %2 = m2 %0 : f64
         out s = %1
         out v = %2",
    );
    let engine = Engine::new(Options::new()).unwrap();
    let compiled = engine.compile(&prog, &[InputClass::Contiguous]).unwrap();
    for n in [4097, 8192, 12_293, 30_000] {
        let a: Vec<f64> = (0..n).map(f64::from).collect();
        let inputs = [View::from_slice(&a)];
        let (mut s, mut v) = (0f64, 0f64);
        let mut outs = [
            Out::Array(ViewMut::scalar(&mut s)),
            Out::Array(ViewMut::scalar(&mut v)),
        ];
        let options = RunOptions::new();
        let mut once = || compiled.run_into(&inputs, &mut outs, &options).unwrap();
        once();
        assert_eq!(allocations(once), 0, "{n} elements");
        assert_eq!(s, f64::from(n) * f64::from(n - 1) / 2.0);
    }
}

#[test]
fn a_small_run_that_goes_on_with_what_was_reduced_allocates_nothing() {
    let prog = program(
        "input a: f64
         input k: f64
         %0 = input 0 : f64
         %1 = input 1 : f64
         %2 = sum %0 shape 0 : f64
         %3 = count shape 0 : i64
         %4 = cast %3 : f64
         %5 = div %2 %4 : f64
         %6 = mul %5 %1 : f64
         out = %6",
    );
    let engine = Engine::new(Options::new()).unwrap();
    let classes = [InputClass::Contiguous, InputClass::Scalar];
    let compiled = engine.compile(&prog, &classes).unwrap();
    for n in [1, 1000, 4097, 12_293] {
        let a: Vec<f64> = (1..=n).map(f64::from).collect();
        let inputs = [View::from_slice(&a), View::scalar(&2.0)];
        let mut mean = 0f64;
        let mut outs = [Out::Array(ViewMut::scalar(&mut mean))];
        let options = RunOptions::new();
        let mut once = || compiled.run_into(&inputs, &mut outs, &options).unwrap();
        once();
        once();
        assert_eq!(allocations(once), 0, "{n} elements");
        assert_eq!(mean, f64::from(n + 1));
    }
}

#[test]
fn a_long_serial_run_without_reductions_allocates_nothing() {
    let prog =
        program("input a: f64\n %0 = input 0 : f64\n %1 = mul %0 %0 : f64\n out = %1 shape 0");
    let engine = Engine::new(Options::new().threads(1)).unwrap();
    let compiled = engine.compile(&prog, &[InputClass::Contiguous]).unwrap();
    let (x, mut y) = (vec![3.0f64; 1_000_000], vec![0.0f64; 1_000_000]);
    let inputs = [View::from_slice(&x)];
    let mut outs = [Out::Array(ViewMut::from_slice(&mut y))];
    let mut run = || {
        compiled
            .run_into(&inputs, &mut outs, &RunOptions::new())
            .unwrap()
    };
    run();
    assert_eq!(allocations(run), 0);
    assert_eq!(y, vec![9.0; 1_000_000]);
}
