//! Resident memory stays flat: over evaluations, over distinct expressions, over errors.
//!
//! Counts are small where code is not optimised; the full ones run under `--release` (or `--profile testrelease`).

#![cfg(target_os = "linux")]

use std::sync::{Mutex, PoisonError};

use numloom::{DType, Engine, Expr, Options, Schema, View, ViewMut};

/// What is measured belongs to the process, so one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

const FULL: bool = !cfg!(debug_assertions);

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: u64 = statm
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("the second number is resident pages");
    pages * 4096
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps")
        .expect("Linux tells")
        .lines()
        .count()
}

/// Runs `body` for each number below `n`, and checks that the last nine tenths add at most `limit` bytes.
fn stays_flat(what: &str, n: u64, limit: u64, mut body: impl FnMut(u64)) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let warm = n / 10;
    (0..warm).for_each(&mut body);
    let (before, maps) = (resident_bytes(), mappings());
    (warm..n).for_each(&mut body);
    let grown = resident_bytes().saturating_sub(before);
    assert!(
        grown <= limit,
        "{what}: {grown} bytes more after {n} than after {warm}"
    );
    assert!(
        mappings() <= maps + 64,
        "{what}: {} mappings, and {maps} before",
        mappings()
    );
}

#[test]
fn evaluations_of_one_kernel_add_nothing() {
    let schema = Schema::new().with("a", DType::F64).with("b", DType::F64);
    let kernel = Expr::parse("2*a + 3*b").unwrap().compile(&schema).unwrap();
    let (a, b, mut c) = ([1.0; 10], [2.0; 10], [0.0; 10]);
    let n = if FULL { 1_000_000 } else { 50_000 };
    stays_flat("a million runs", n, 1 << 20, |_| {
        kernel
            .call(
                &[View::from_slice(&a), View::from_slice(&b)],
                &mut [ViewMut::from_slice(&mut c)],
            )
            .unwrap();
    });
    assert_eq!(c, [8.0; 10]);
}

#[test]
fn distinct_expressions_are_forgotten() {
    let engine = Engine::new(Options::new().threads(1).cache_entries(256)).unwrap();
    let a = [1.0, 2.0, 3.0];
    let n = if FULL { 100_000 } else { 3_000 };
    stays_flat("distinct expressions", n, 16 << 20, |i| {
        let src = format!("a * {i}.5 + sqrt(a)");
        let y: Vec<f64> = engine
            .eval(&src, [("a", &a[..])])
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(y[0], i as f64 + 1.5);
    });
}

#[test]
fn errors_of_every_kind_add_nothing() {
    let wrong = [
        "a +",
        "b * 2",
        "i8(a, \"checked\") + 300",
        "a & a",
        "sine(a)",
        "min(a)",
        "((((",
        "a + 9**9**9",
    ];
    let schema = Schema::new().with("a", DType::F64);
    let n = if FULL { 100_000 } else { 10_000 };
    stays_flat("errors", n, 1 << 20, |i| {
        let src = wrong[i as usize % wrong.len()];
        let outcome = Expr::parse(src)
            .and_then(|e| e.compile(&schema))
            .and_then(|k| k.run([("a", &[] as &[f64])]).map(drop));
        let _ = outcome.map_err(|error| error.to_string());
    });
}

#[test]
fn engines_give_everything_back() {
    let n = if FULL { 2_000 } else { 200 };
    stays_flat("engines", n, 4 << 20, |_| {
        let engine = Engine::new(Options::new().threads(2).serial_below(1)).unwrap();
        let s: f64 = engine
            .eval("sum(a)", [("a", &[1.0; 300][..])])
            .unwrap()
            .into_value()
            .unwrap()
            .item()
            .unwrap();
        assert_eq!(s, 300.0);
    });
}

#[test]
fn no_mapping_is_writable_and_executable() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let schema = Schema::new().with("a", DType::F64);
    let kernels: Vec<_> = (0..if FULL { 1_000 } else { 50 })
        .map(|i| {
            Expr::parse(&format!("a + {i}"))
                .unwrap()
                .compile(&schema)
                .unwrap()
        })
        .collect();
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux tells");
    let both: Vec<&str> = maps
        .lines()
        .filter(|line| line.split(' ').nth(1).is_some_and(|p| p.starts_with("rwx")))
        .collect();
    assert!(both.is_empty(), "{both:?} beside {} kernels", kernels.len());
}
