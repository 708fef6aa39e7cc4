//! Lazy arrays: typed at once, computed in as few passes as can be, with the bits of any other run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use numloom::io::{npy, rows::RowSource, spec::FileSpec};
use numloom::stream::{ArraySource, Chunk, ChunkParser, ColumnSpec, Columns, StreamError};
use numloom::{
    Array, ChunkSource, Code, Computation, DType, Engine, Error, Expr, IterSource, Lazy, LazyTable,
    Operand, Options, Scalar, Value, View, eval, inputs,
};

fn floats(n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| ((i * 7919) % 10_007) as f64 / 7.0 - 600.0)
        .collect()
}

fn array(values: &[f64], shape: &[usize]) -> Array {
    Array::from_slice(values, shape).unwrap()
}

fn matrix(shape: &[usize]) -> (Array, Lazy) {
    let values = floats(shape.iter().product());
    (
        array(&values, shape),
        Lazy::from_array(array(&values, shape)),
    )
}

/// A table that counts how often it is read.
struct Counted {
    inner: Box<dyn ChunkSource>,
    starts: Arc<AtomicUsize>,
}

impl ChunkSource for Counted {
    fn columns(&self) -> &Columns {
        self.inner.columns()
    }

    fn rows(&self) -> Option<u64> {
        self.inner.rows()
    }

    fn can_restart(&self) -> bool {
        self.inner.can_restart()
    }

    fn start(
        &mut self,
        columns: &[usize],
        chunk_bytes: usize,
    ) -> Result<Arc<dyn ChunkParser>, StreamError> {
        self.starts.fetch_add(1, Ordering::Relaxed);
        self.inner.start(columns, chunk_bytes)
    }

    fn split(&mut self, chunk: &mut Chunk) -> Result<bool, StreamError> {
        self.inner.split(chunk)
    }
}

/// Columns `x` and `w` of so many rows, and how often they have been read.
fn table(n: usize) -> (LazyTable, Arc<AtomicUsize>) {
    let starts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&starts);
    let open = move || -> Result<Counted, StreamError> {
        let x = array(&floats(n), &[n]);
        let w = Array::from_slice(&(0..n as i32).collect::<Vec<_>>(), &[n])?;
        let inner = ArraySource::new(vec![("x".into(), x), ("w".into(), w)])?;
        Ok(Counted {
            inner: Box::new(inner),
            starts: Arc::clone(&counter),
        })
    };
    (LazyTable::new(open).unwrap(), starts)
}

fn bits(value: &Value) -> Vec<u64> {
    let values = value.to_vec::<f64>().unwrap();
    values.into_iter().map(f64::to_bits).collect()
}

/// The value, and what a text says over the same arrays.
fn assert_same(lazy: &Lazy, text: &str, given: &[(&str, &Array)]) {
    let named = |(name, _): &&(&str, &Array)| Expr::parse(text).unwrap().inputs().contains(name);
    let given = given
        .iter()
        .filter(named)
        .map(|(name, array)| (*name, *array));
    let want = eval(text, given).unwrap().into_value().unwrap();
    let want = want.into_array().unwrap();
    let got = lazy.compute().unwrap().into_array().unwrap();
    assert_eq!(got, want, "{text}");
    assert_eq!(lazy.dtype().unwrap(), want.dtype(), "{text}");
    assert_eq!(lazy.shape().unwrap(), want.shape(), "{text}");
}

#[test]
fn operators_functions_and_reductions_are_those_of_the_language() {
    let (a, x) = matrix(&[3, 4]);
    let b = Array::from_slice(&[1i16, -2, 3, 7], &[4]).unwrap();
    let k = Lazy::from_array(b.try_clone().unwrap());
    let given = [("a", &a), ("b", &b)];
    let cases = [
        (2 * &x + &k, "2*a + b"),
        ((&x - &k) / 3.5 - -1.0, "(a - b) / 3.5 - -1.0"),
        (&x % &k + x.floor_divide(&k), "a % b + a // b"),
        (x.pow(2) - 2.0 / &x, "a**2 - 2.0/a"),
        (-&k, "-b"),
        (!&k & 6 | (&k ^ 1), "~b & 6 | (b ^ 1)"),
        ((&k << 2) >> 1, "(b << 2) >> 1"),
        (&k + 1, "b + 1"),
        (x.less(&k), "a < b"),
        (k.equal(300), "b == 300"),
        (x.greater(0).where_(&x, &k), "where(a > 0, a, b)"),
        (x.greater(0).where_(1, 0), "where(a > 0, 1, 0)"),
        (x.sqrt().isnan(), "isnan(sqrt(a))"),
        (x.hypot(&k).exp().log1p(), "log1p(exp(hypot(a, b)))"),
        (x.clip((), 3), "clip(a, None, 3)"),
        (x.round(1), "round(a, 1)"),
        (k.astype(DType::F32) * 2, "f32(b) * 2"),
        (x.maximum(f64::INFINITY), "maximum(a, inf)"),
        (x.minimum(f64::NEG_INFINITY), "minimum(a, -inf)"),
        (x.maximum(f64::NAN).isnan(), "isnan(maximum(a, nan))"),
        (x.less(0).logical_not(), "not (a < 0)"),
        (k.isin([1, 7]), "isin(b, (1, 7))"),
        (
            Lazy::select([x.less(0), x.less(9)], [Operand::from(&k), 5.into()], 0),
            "select((a < 0, a < 9), (b, 5), 0)",
        ),
        (x.sum(), "sum(a)"),
        (x.along([1]).max(), "max(a, axis=1)"),
        (
            x.along([0, -1]).keepdims().mean(),
            "mean(a, axis=(0, 1), keepdims=True)",
        ),
        (x.along([0]).ddof(1).std(), "std(a, axis=0, ddof=1)"),
        (k.reduce().dtype(DType::F32).sum(), "sum(b, dtype=f32)"),
        (
            x.along([1]).filter(x.greater(0)).initial(-1).max(),
            "max(a, axis=1, where=a > 0, initial=-1)",
        ),
        ((&x - x.mean()) / x.std(), "(a - mean(a)) / std(a)"),
        (
            &x - x.along([1]).keepdims().max(),
            "a - max(a, axis=1, keepdims=True)",
        ),
    ];
    for (lazy, text) in &cases {
        assert_same(lazy, text, &given);
    }
}

#[test]
fn one_value_of_a_dtype_is_no_literal() {
    let x = Lazy::from_array(vec![1i16, 2]);
    assert_eq!((&x + 1).dtype().unwrap(), DType::I16);
    assert_eq!((&x + Scalar::I64(1)).dtype().unwrap(), DType::I64);
    assert_eq!(
        (&x + Scalar::I64(1))
            .compute()
            .unwrap()
            .to_vec::<i64>()
            .unwrap(),
        [2, 3]
    );
    assert_eq!((&x + 0.5f32).dtype().unwrap(), DType::F64);
    let constant = Lazy::expr("2 + 3", []).unwrap();
    assert_eq!((&x + &constant).dtype().unwrap(), DType::I64);
}

#[test]
fn texts_may_subscript_what_is_computed_and_say_where_they_are_wrong() {
    let (a, x) = matrix(&[50]);
    let scaled = &x * 2;
    let lazy = Lazy::expr(
        "let d = s[1:] - s[:-1]; let k = 2; mean(d[::k_]) + k",
        [("s", &scaled)],
    );
    let error = lazy.unwrap_err();
    assert_eq!(error.code().slug(), "non-constant-index", "{error}");
    let lazy = Lazy::expr(
        "let d = s[1:] - s[:-1]; let k = 2; mean(d) + k",
        [("s", &scaled)],
    );
    assert_same(
        &lazy.unwrap(),
        "let d = a[1:]*2 - a[:-1]*2; mean(d) + 2",
        &[("a", &a)],
    );
    let narrow = Lazy::from_array(vec![1i8, 2]);
    let error = Lazy::expr("s & (t + 1)", [("s", &scaled), ("t", &narrow)]).unwrap_err();
    assert!(error.to_string().contains("s & (t + 1)"), "{error}");
    let error = Lazy::expr("s + t", [("s", &scaled), ("t", &narrow)]).unwrap_err();
    assert_eq!(error.code(), Code::ShapeMismatch);
    let error = Lazy::expr("s; t", [("s", &scaled), ("t", &narrow)]).unwrap_err();
    assert!(error.to_string().contains("one output"), "{error}");
}

#[test]
fn subscripts_go_down_to_the_sources() {
    let (a, x) = matrix(&[6, 5, 4]);
    let (b, row) = matrix(&[5, 1]);
    let given = [("a", &a), ("b", &b)];
    let sum = &x * 2 + &row;
    let explained = sum.slice("1:3, -1").explain().unwrap();
    let program = &explained.stages[0].program;
    assert_eq!(program, "y = a[1:3, -1, :] * 2 + a_2[-1, :]");
    let cases = [
        (sum.slice("1:3, -1"), "a[1:3, -1]*2 + b[-1]"),
        (sum.slice("..., 0"), "a[..., 0]*2 + b[:, 0]"),
        (
            sum.slice("::-2, None, 1:, 3"),
            "a[::-2, None, 1:, 3]*2 + b[None, 1:, 0]",
        ),
        (sum.slice("None"), "a[None]*2 + b"),
        (sum.slice("5, 4, 3"), "a[5, 4, 3]*2 + b[4, 0]"),
        (sum.slice("3:3"), "a[3:3]*2 + b"),
        (sum.slice("1:").slice("::2").slice("0"), "a[1]*2 + b"),
        (
            x.along([1]).sum().slice("2, 1:"),
            "sum(a[2, :, 1:], axis=0)",
        ),
        (
            x.along([-1, 0]).max().slice("::2"),
            "max(a[:, ::2], axis=(0, 2))",
        ),
        (
            x.along([1]).mean().slice(":, None, 1"),
            "mean(a[:, :, None, 1], axis=1)",
        ),
        (
            x.along([1]).mean().slice("None, 1"),
            "mean(a[None, 1], axis=1)",
        ),
        (
            x.along([1]).keepdims().mean().slice("2:4"),
            "mean(a[2:4], axis=1, keepdims=True)",
        ),
        (
            x.along([0]).filter(row.greater(0)).sum().slice("1:3"),
            "sum(a[:, 1:3], axis=0, where=b[1:3] > 0)",
        ),
    ];
    for (lazy, text) in &cases {
        assert_eq!(lazy.explain().unwrap().stages.len(), 1, "{text}");
        assert_same(lazy, text, &given);
    }
}

#[test]
fn what_cannot_be_subscripted_below_is_computed_first_and_said_so() {
    let (a, x) = matrix(&[6, 5]);
    let wide = x.along([1]).keepdims().mean().slice(":, 0");
    assert_same(&wide, "mean(a, axis=1)", &[("a", &a)]);
    let explained = wide.explain().unwrap();
    assert_eq!(explained.stages.len(), 2);
    assert!(explained.stages[0].reason.is_some() && explained.stages[1].reason.is_none());
    assert!(
        explained
            .to_string()
            .contains("program 1 of 2: a later stage needs"),
        "{explained}"
    );
    let one = x.sum().slice("None");
    assert_eq!(one.shape().unwrap(), [1]);
    assert_eq!(
        bits(&one.compute().unwrap()),
        bits(&x.sum().compute().unwrap())
    );
    let both = (&one + &wide).compute().unwrap();
    assert_eq!(both.shape(), [6]);
}

#[test]
fn what_is_wrong_is_told_once_and_by_all_that_is_made_of_it() {
    let x = Lazy::from_array(vec![1.0, 2.0]);
    let y = Lazy::from_array(vec![1.0, 2.0, 3.0]);
    let bad = &x + &y;
    let error = bad.check().unwrap_err();
    assert_eq!(error.code(), Code::ShapeMismatch);
    assert!(
        error
            .to_string()
            .contains("`x` of shape (2,) and `y` of shape (3,)"),
        "{error}"
    );
    let above = (&bad * 2).sum();
    assert_eq!(above.compute().unwrap_err().to_string(), error.to_string());
    assert_eq!(above.shape().unwrap_err().code(), Code::ShapeMismatch);
    let cases = [
        (&x & &x, "type-mismatch"),
        (x.along([3]).sum(), "axis-out-of-range"),
        (x.slice("0, 0"), "axis-out-of-range"),
        (x.slice("1:]+x["), "invalid-subscript"),
        (x.slice("velo"), "non-constant-index"),
        (Lazy::call("velo", [&x]), "unknown-function"),
        (Lazy::from_array(vec![1u8]) + 300, "literal-out-of-range"),
        (
            Lazy::from_array(numloom::Input::from(vec![1]).with_validity(vec![true])),
            "unexpected-nulls",
        ),
    ];
    for (lazy, code) in cases {
        let error = lazy.check().unwrap_err();
        assert_eq!(error.code().slug(), code, "{error}");
        assert!(!lazy.graph().nodes.is_empty());
    }
}

#[test]
fn everything_that_reads_a_table_together_reads_it_once() {
    let (table, starts) = table(10_000);
    let (x, w) = (table.column("x").unwrap(), table.column("w").unwrap());
    let product = &x * &w;
    let read = || starts.swap(0, Ordering::Relaxed);
    let values = [
        &product.sum(),
        &product.max(),
        &x.mean(),
        &w.count_nonzero(),
        &x.min(),
    ];
    Lazy::compute_all(values).unwrap();
    assert_eq!(read(), 1);
    // One value each, asked for one by one.
    for value in values {
        value.compute().unwrap();
    }
    assert_eq!(read(), 5);
    let centred = &x - x.mean();
    let explained = centred.explain().unwrap();
    assert_eq!(explained.stages.len(), 1);
    Lazy::compute_all([&centred, &product, &(&centred * &w).max(), &x.max()]).unwrap();
    assert_eq!(read(), 2);
}

#[test]
fn a_table_that_is_another_one_when_it_is_opened_again_is_an_error() {
    let opened = AtomicUsize::new(0);
    let x = Lazy::from_source(
        move || -> Result<IterSource, Error> {
            let dtype = match opened.fetch_add(1, Ordering::Relaxed) {
                0 => DType::F64,
                _ => DType::I8,
            };
            let columns = Columns::new(vec![ColumnSpec::new("x", dtype)]);
            Ok(IterSource::new(columns, std::iter::empty()))
        },
        "x",
    )
    .unwrap();
    x.sum().compute().unwrap();
    let error = x.sum().compute().unwrap_err();
    assert_eq!(error.code(), Code::DtypeMismatch, "{error}");
}

#[test]
fn a_table_that_cannot_be_restarted_is_opened_again() {
    let opened = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&opened);
    let x = Lazy::from_source(
        move || -> Result<IterSource, Error> {
            counter.fetch_add(1, Ordering::Relaxed);
            let columns = Columns::new(vec![ColumnSpec::new("x", DType::F64)]);
            let blocks = (0..3).map(|i| Ok(vec![Array::from_slice(&[f64::from(i), 0.5], &[2])?]));
            Ok(IterSource::new(columns, blocks))
        },
        "x",
    )
    .unwrap();
    assert_eq!(x.extents().unwrap(), [None]);
    assert_eq!(x.shape().unwrap_err().code(), Code::NotStreamable);
    assert_eq!(x.sum().shape().unwrap(), [0usize; 0]);
    // Nor are they counted when it is held.
    assert_eq!(x.hold().shape().unwrap_err().code(), Code::NotStreamable);
    let centred = (&x - x.mean()).compute().unwrap();
    assert_eq!(
        centred.to_vec::<f64>().unwrap(),
        [-0.75, -0.25, 0.25, -0.25, 1.25, -0.25]
    );
    assert_eq!(opened.load(Ordering::Relaxed), 2);
    let reopened = x.sum().compute().unwrap().item::<f64>().unwrap();
    assert_eq!((reopened, opened.load(Ordering::Relaxed)), (4.5, 3));
}

#[test]
fn a_column_of_one_axis_is_reduced_along_it_and_one_of_two_says_at_once_that_it_is_not() {
    let (table, starts) = table(5000);
    let x = table.column("x").unwrap();
    let want = x.std().compute().unwrap();
    let along = [
        x.along([0]).std(),
        x.along([-1]).std(),
        Lazy::expr("std(x, axis=0)", [("x", &x)]).unwrap(),
    ];
    for along in &along {
        assert_eq!(bits(&along.compute().unwrap()), bits(&want));
    }
    assert_eq!(starts.load(Ordering::Relaxed), 4);
    let pairs = LazyTable::new(|| {
        let m = array(&floats(6), &[3, 2]);
        ArraySource::new(vec![("m".into(), m)])
    });
    let m = pairs.unwrap().column("m").unwrap();
    for refused in [
        m.along([0]).sum(),
        m.along([1]).max(),
        m.reduce().keepdims().mean(),
    ] {
        assert_eq!(refused.check().unwrap_err().code(), Code::NotStreamable);
    }
    let sum = m.along([0, 1]).sum().compute().unwrap();
    assert_eq!(bits(&sum), bits(&m.sum().compute().unwrap()));
}

#[test]
fn the_bits_are_those_of_arrays_whatever_the_source_the_chunks_and_the_threads() {
    let n = 70_001;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.npy");
    let values = floats(n);
    npy::write(&path, &View::from_slice(&values)).unwrap();
    let file = path.clone();
    let generated = values.clone();
    let spec = FileSpec {
        path: path.clone(),
        format: numloom::io::spec::Format::Npy,
    };
    let sources = [
        Lazy::from_array(values.clone()),
        Lazy::from_npy(&path).unwrap(),
        Lazy::from_source(move || RowSource::open([("x", spec.clone())]), "x").unwrap(),
        Lazy::from_source(
            move || -> Result<IterSource, StreamError> {
                let columns = Columns::new(vec![ColumnSpec::new("x", DType::F64)]);
                let blocks: Vec<_> = generated
                    .chunks(997)
                    .map(|block| Ok(vec![Array::from_slice(block, &[block.len()])?]))
                    .collect();
                Ok(IterSource::new(columns, blocks))
            },
            "x",
        )
        .unwrap(),
    ];
    let text = "z = (x - mean(x)) / max(abs(x)); sum(sin(x)); mean(x*x); argmax(x)";
    let engine = Engine::new(Options::new().threads(1)).unwrap();
    let want: Vec<Value> = engine
        .eval(text, inputs! { x: &values })
        .unwrap()
        .into_iter()
        .collect();
    for threads in [1, 2, 7] {
        let engine = Engine::new(Options::new().threads(threads).serial_below(0)).unwrap();
        for source in &sources {
            for chunk in [None, Some(1), Some(1000), Some(4096), Some(1 << 20)] {
                if chunk == Some(1) && threads > 1 {
                    continue;
                }
                let x = source.with_chunks(chunk);
                assert_eq!(x.chunks(), chunk);
                let z = (&x - x.mean()) / x.abs().max();
                assert_eq!(z.chunks(), chunk);
                let values = [&z, &x.sin().sum(), &(&x * &x).mean(), &x.argmax()];
                let got = Computation::of(values).engine(&engine).run().unwrap();
                let got: Vec<Value> = got.into_iter().map(Option::unwrap).collect();
                assert_eq!(got, want, "{source:?}, chunks {chunk:?}, {threads} threads");
            }
        }
    }
    let written = dir.path().join("z.npy");
    for source in &sources {
        let z = (source - source.mean()) / source.abs().max();
        z.write_npy(&written).unwrap();
        assert_eq!(Value::Array(npy::read(&written).unwrap()), want[0]);
    }
    drop(file);
}

#[test]
fn reduced_values_go_from_one_world_to_the_other() {
    let (table, starts) = table(1000);
    let x = table.column("x").unwrap();
    let (a, y) = matrix(&[10]);
    let mixed = &y - x.mean();
    let rows = floats(1000);
    let mean: f64 = eval("mean(x)", inputs! { x: &rows })
        .unwrap()
        .try_into()
        .unwrap();
    let mean = Array::from_scalar(&Scalar::F64(mean)).unwrap();
    assert_same(&mixed, "a - m", &[("a", &a), ("m", &mean)]);
    assert_eq!(starts.load(Ordering::Relaxed), 1);
    let other = (&x - y.max()).sum();
    let expected = eval("sum(x - max(a))", inputs! { x: &rows, a: &a }).unwrap();
    assert_eq!(other.compute().unwrap(), expected.into_value().unwrap());
    let error = (&x + &y).compute().unwrap_err();
    assert_eq!(error.code(), Code::NotStreamable, "{error}");
    let (again, _) = self::table(1000);
    let error = (&x + again.column("x").unwrap()).compute().unwrap_err();
    assert!(error.to_string().contains("two tables"), "{error}");
    let error = x.slice("1:").compute().unwrap_err();
    assert_eq!(error.code(), Code::NotStreamable, "{error}");
    // Both reductions of two tables, in one go.
    let sum = x.sum() + again.column("w").unwrap().sum();
    assert_eq!(sum.explain().unwrap().stages.len(), 3);
    let want = eval("sum(x) + 499500", inputs! { x: &rows }).unwrap();
    assert_eq!(sum.compute().unwrap(), want.into_value().unwrap());
}

#[test]
fn files_are_written_with_what_else_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (table, starts) = table(5000);
    let (x, w) = (table.column("x").unwrap(), table.column("w").unwrap());
    let values = [&(&x * 2), &x.max(), &(&w + 1), &w.sum()];
    let done = Computation::of(values)
        .write_npy(0, path("x2.npy"))
        .write_npy(3, path("sum.npy"))
        .run()
        .unwrap();
    assert_eq!(starts.load(Ordering::Relaxed), 1);
    let doubled: Vec<f64> = floats(5000).iter().map(|x| x * 2.0).collect();
    assert_eq!(
        npy::read(path("x2.npy")).unwrap().to_vec::<f64>().unwrap(),
        doubled
    );
    assert_eq!(
        npy::read(path("sum.npy")).unwrap().item(),
        Some(Scalar::I64(12_497_500))
    );
    assert!(done[0].is_none() && done[3].is_none());
    assert_eq!(
        done[2].as_ref().unwrap().to_vec::<i32>().unwrap()[4999],
        5000
    );

    let (a, y) = matrix(&[300, 20]);
    let scaled = &y / y.along([0]).max();
    let values = [&scaled, &y.sum()];
    let done = Computation::of(values)
        .write_npy(0, path("scaled.npy"))
        .run()
        .unwrap();
    let want = eval("a / max(a, axis=0); sum(a)", inputs! { a: &a }).unwrap();
    assert_eq!(
        Value::Array(npy::read(path("scaled.npy")).unwrap()),
        want[0]
    );
    assert_eq!(done[1].as_ref().unwrap(), &want[1]);
    let error = y.write_npy(path("y.txt")).unwrap_err();
    assert_eq!(error.code(), Code::BadFileSpec, "{error}");
}

#[test]
fn a_long_chain_takes_no_stack_and_hits_a_named_limit_at_most() {
    let mut x = Lazy::from_array(vec![1.0]);
    for _ in 0..2_000 {
        x = x + 1;
    }
    assert_eq!(x.compute().unwrap().to_vec::<f64>().unwrap(), [2001.0]);
    assert_eq!(
        x.slice("0").compute().unwrap().item::<f64>().unwrap(),
        2001.0
    );
    let mut y = x.clone();
    // A program of 2^60 operations, if parts were not shared.
    for _ in 0..60 {
        y = &y + &y;
    }
    assert_eq!(y.slice("None, ::-1").compute().unwrap().shape(), [1, 1]);
    for _ in 0..120_000 {
        x = -x;
    }
    let error = x.compute().unwrap_err();
    assert_eq!(error.code(), Code::LimitExceeded, "{:#}", error);
}

#[test]
fn a_drawing_has_each_node_once_and_is_well_formed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("temp & \"rain\".npy");
    npy::write(&path, &View::from_slice(&[1.0, 2.0])).unwrap();
    let x = Lazy::from_npy(&path).unwrap();
    let graph = ((&x - x.mean()) / x.std()).less(0).graph();
    assert_eq!(graph.nodes.len(), 6);
    let svg = graph.svg();
    assert_eq!(
        (svg.matches("<rect").count(), svg.matches("<line").count()),
        (6, 7)
    );
    assert!(
        svg.contains("temp &amp; &quot;rain&quot;.npy") && svg.contains("x &lt; 0"),
        "{svg}"
    );
    let dot = graph.dot();
    assert_eq!(dot.matches("->").count(), 7);
    assert!(dot.contains(r#"temp & \"rain\".npy"#), "{dot}");
}

/// An operation on two values.
type Step = Box<dyn Fn(&Lazy, &Lazy) -> Lazy>;

/// Numbers as random as a test needs.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    /// A subscript that is in range of this shape.
    fn subscript(&mut self, shape: &[usize]) -> String {
        let mut items = Vec::new();
        for &extent in shape {
            if self.below(8) == 0 {
                items.push("None".to_owned());
            }
            let at = self.below(extent.max(1)) as i64;
            let step = [1, 2, 3, -1, -2][self.below(5)];
            items.push(match self.below(7) {
                0 if extent > 0 => at.to_string(),
                1 if extent > 0 => (at - extent as i64).to_string(),
                2 => format!("{at}::{step}"),
                3 => format!(":{at}:{step}"),
                4 => format!("::{step}"),
                _ => ":".to_owned(),
            });
        }
        if self.below(3) == 0 {
            let kept = self.below(items.len() + 1);
            items.truncate(kept);
            items.push("...".to_owned());
        }
        if items.is_empty() || self.below(9) == 0 {
            items.push("None".to_owned());
        }
        items.join(", ")
    }
}

#[test]
fn random_graphs_are_what_they_are_when_each_step_is_computed_at_once() {
    let computed = |lazy: &Lazy| Lazy::from_array(lazy.compute().unwrap().into_array().unwrap());
    for seed in 0..120 {
        let mut draw = Draw(seed);
        let shapes: [&[usize]; 4] = [&[4, 3, 5], &[3, 1], &[5], &[4, 1, 1]];
        // Each value lazy, and begun anew from what it comes to.
        let mut values: Vec<(Lazy, Lazy)> = shapes
            .map(|shape| (matrix(shape).1, matrix(shape).1))
            .to_vec();
        for _ in 0..8 {
            let (lazy, eager) = values[draw.below(values.len())].clone();
            let other = values[draw.below(values.len())].clone();
            let shape = eager.shape().unwrap().to_vec();
            let apply: Step = match draw.below(6) {
                0 => Box::new(|x, _| (x * 2).sin()),
                1 => Box::new(|x, y| x - y),
                2 => Box::new(|x, y| x.less(y).where_(x, 1.5)),
                3 if !shape.is_empty() => {
                    let axis =
                        draw.below(shape.len()) as i64 - [0, shape.len() as i64][draw.below(2)];
                    let (keepdims, name) =
                        (draw.below(2) == 0, ["sum", "mean", "var"][draw.below(3)]);
                    Box::new(move |x, _| {
                        let along = x.along([axis]);
                        if keepdims { along.keepdims() } else { along }.call(name)
                    })
                }
                _ => {
                    let text = draw.subscript(&shape);
                    Box::new(move |x, _| x.slice(&text))
                }
            };
            let want = apply(&eager, &other.1);
            let got = apply(&lazy, &other.0);
            let (Ok(()), Ok(())) = (want.check(), got.check()) else {
                // Shapes that do not broadcast do so neither way.
                let codes = [&want, &got].map(|value| value.check().map_err(|error| error.code()));
                assert_eq!(codes[0], codes[1]);
                continue;
            };
            if want.shape().unwrap().iter().product::<usize>() > 10_000 {
                continue;
            }
            let (want, found) = (computed(&want), computed(&got));
            assert_eq!(
                got.shape().unwrap(),
                want.shape().unwrap(),
                "seed {seed}: {got:?}"
            );
            let same = bits(&want.compute().unwrap()) == bits(&found.compute().unwrap());
            assert!(same, "seed {seed}: {}", got.expression().unwrap().0);
            values.push((got, want));
        }
    }
}
