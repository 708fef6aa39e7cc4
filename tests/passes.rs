//! Passes, counted: how often inputs are read, and how often a costly operation is computed.
//!
//! An input of the other byte order is copied block by block, so the elements that are gathered are those that passes read. Block
//! operations are counted where every engine calls them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use numloom::{Backend, ByteOrder, Code, DType, Engine, Expr, Options, Schema, View};
use numloom_data::gathered_elements;
use numloom_ir::Op;
use numloom_ir::interp::elements_of;

/// Counts are the process's: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn engines() -> Vec<Engine> {
    let engine = |&backend: &Backend| {
        let options = Options::new().backend(backend).threads(2).serial_below(0);
        Engine::new(options).expect("good options")
    };
    Backend::available().iter().map(engine).collect()
}

/// Times that each element of `x`, of this shape, is read by `src`.
fn reads(engine: &Engine, src: &str, shape: &[usize]) -> f64 {
    let n: usize = shape.iter().product();
    let x: Vec<f64> = (0..n)
        .map(|i| f64::from_bits((1.0 + i as f64 / n as f64).to_bits().swap_bytes()))
        .collect();
    let view = View::from_slice_shaped(&x, shape).expect("a shape of as many");
    let view = view.with_byte_order(ByteOrder::Swapped);
    let schema = Schema::new().with("x", DType::F64);
    let expr = Expr::parse(src).expect("it parses");
    let kernel = engine.compile(&expr, &schema).expect("it compiles");
    let before = gathered_elements();
    kernel.run([("x", view)]).expect("it runs");
    (gathered_elements() - before) as f64 / n as f64
}

#[test]
fn each_pass_reads_its_input_once() {
    let _alone = alone();
    let cases: &[(&str, f64)] = &[
        ("2*x + 3*x*x", 1.0),
        ("y = x + 1; sum(x); min(x)", 1.0),
        ("mean(x); std(x); min(x); max(x)", 1.0),
        ("let m = mean(x); (x - m) / std(x)", 2.0),
        ("sum(x, axis=0); mean(x, axis=0); max(x, axis=0)", 1.0),
        ("nanvar(x)", 2.0),
        ("sum((x - mean(x))**2) / sum(x)", 2.0),
        ("sum(x, axis=0); sum(x, axis=1)", 2.0),
        ("x[1:] * 1", 199.0 / 200.0),
    ];
    // The interpreter wants whatever it reads in blocks of its own; swapped input is copied for machine code just the same.
    for engine in engines() {
        for (src, want) in cases {
            let got = reads(&engine, src, &[200, 300]);
            // What passes hand on, a row at most, is read too.
            assert!((got - want).abs() < 0.05, "`{src}`: {got}, not {want}");
        }
    }
}

#[test]
fn a_broadcast_operand_is_computed_once_for_each_distinct_element() {
    let _alone = alone();
    let x: Vec<f64> = (0..1000).map(f64::from).collect();
    let schema = Schema::new().with("x", DType::F64).with("y", DType::F64);
    for engine in engines() {
        let expr = Expr::parse("sin(x)**2 + cos(y)**2").expect("it parses");
        let kernel = engine.compile(&expr, &schema).expect("it compiles");
        let column = View::from_slice_shaped(&x, &[1000, 1]).expect("a column");
        let row = View::from_slice_shaped(&x, &[1, 1000]).expect("a row");
        let before = (elements_of(Op::Sin), elements_of(Op::Cos));
        let out = kernel.run([("x", column), ("y", row)]).expect("it runs");
        assert_eq!(out.into_value().expect("one array").shape(), [1000, 1000]);
        let after = (elements_of(Op::Sin), elements_of(Op::Cos));
        assert_eq!((after.0 - before.0, after.1 - before.1), (1000, 1000));
    }
}

#[test]
fn cheap_operands_and_small_arrays_are_not_hoisted() {
    let _alone = alone();
    let x: Vec<f64> = (0..20).map(f64::from).collect();
    let schema = Schema::new().with("x", DType::F64);
    let engine = engines().swap_remove(0);
    let expr = Expr::parse("sin(x[:, None]) * x").expect("it parses");
    let kernel = engine.compile(&expr, &schema).expect("it compiles");
    let before = elements_of(Op::Sin);
    kernel.run([("x", &x[..])]).expect("it runs");
    assert_eq!(
        elements_of(Op::Sin) - before,
        400,
        "a pass of its own would cost more than it spares"
    );
}

#[test]
fn a_check_of_one_value_is_made_once_for_a_large_array() {
    let _alone = alone();
    let schema = Schema::new()
        .with("a", DType::I32)
        .with_weak("k", DType::I64);
    for engine in engines() {
        let expr = Expr::parse("a + k").expect("it parses");
        let kernel = engine.compile(&expr, &schema).expect("it compiles");
        let operations = |n: usize| {
            let explained = kernel.explain_for(&[("a", &[n]), ("k", &[])]);
            let passes = explained.expect("shapes that fit").passes;
            (passes.len(), passes[0].operations + passes[0].calls)
        };
        assert_eq!(operations(10), (1, 2));
        assert_eq!(operations(1_000_000), (1, 1));
        let a = vec![5i32; 1_000_000];
        let run = |k: i64| kernel.run([("a", View::from_slice(&a)), ("k", View::scalar(&k))]);
        let sum = run(7).expect("it fits").into_value().expect("one output");
        assert!(
            sum.to_vec::<i32>()
                .expect("of i32")
                .iter()
                .all(|&x| x == 12)
        );
        let error = run(1 << 40).expect_err("it does not fit");
        assert_eq!(error.code(), Code::CastFailed, "{error}");
    }
}

#[test]
fn a_sum_of_many_f32_is_accurate() {
    let n = 20_000_000;
    let x = vec![0.1f32; n];
    let sum: f32 = numloom::eval("sum(x)", [("x", &x[..])])
        .and_then(f32::try_from)
        .expect("one value");
    let want = n as f64 * f64::from(0.1f32);
    assert!(
        (f64::from(sum) / want - 1.0).abs() < 1e-6,
        "{sum} for {want}"
    );
}
