//! Rows that come a chunk at a time: the bits of one run over all of them, wherever they are cut.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use numloom_data::stream::{ArraySource, ColumnOwner, ColumnSpec, Columns, IterSource, MemorySink};
use numloom_data::{Array, DType, Scalar, View};
use numloom_runtime::{CancelFlag, RunOptions, RuntimeErrorKind, StreamInput};

use crate::support::{Laid, Layout, backends, compile, engine, program, values};

/// A value for each row, from one that needs two passes before, and reductions of every kind.
const ROUNDS: &str = "
    input a: f64
    input b: f32
    input k: f64
    %0 = input 0 : f64
    %1 = input 1 : f32
    %2 = cast %1 : f64
    %3 = mul %0 %2 : f64
    %4 = sum %3 : f64
    %5 = max %0 : f64
    %6 = argmin %0 : i64
    %7 = sub %0 %5 : f64
    %8 = mul %7 %7 : f64
    %9 = sum %8 : f64
    %10 = div %8 %9 : f64
    %11 = input 2 : f64
    %12 = add %10 %11 : f64
    out early = %3 shape 0 1
    out s = %4
    out at = %6
    out late = %12 shape 0 2
";

fn column(dtype: DType, shape: &[usize], seed: u64) -> Array {
    let n = shape.iter().product();
    let laid = Laid::new(&values(dtype, n, seed), dtype, shape, Layout::C);
    laid.view().to_array().unwrap()
}

fn source(columns: &[(&str, &Array)]) -> ArraySource {
    let columns = columns
        .iter()
        .map(|(name, array)| ((*name).into(), array.try_clone().unwrap()));
    ArraySource::new(columns.collect()).unwrap()
}

#[test]
fn where_rows_are_cut_changes_no_bit() {
    let prog = program(ROUNDS);
    for n in [0, 1, 4096, 10_000, 40_961] {
        // The greatest of nothing is refused, here as anywhere.
        let (a, b) = (column(DType::F64, &[n], 3), column(DType::F32, &[n], 4));
        let k = View::scalar(&0.25);
        for &backend in backends() {
            let compiled = compile(&engine(backend, 1), &prog);
            let want = compiled.run(&[a.view(), b.view(), k.clone()], &RunOptions::new());
            // Columns in another order than inputs, and bytes of a chunk.
            for (threads, chunk) in [(1, 1), (3, 200), (2, 60_000), (1, 8192 * 12), (3, 1 << 30)] {
                if chunk == 1 && n > 10_000 {
                    continue;
                }
                let compiled = compile(&engine(backend, threads), &prog);
                let inputs = [
                    StreamInput::Column(1),
                    StreamInput::Column(0),
                    StreamInput::Value(k.clone()),
                ];
                let mut source = source(&[("b", &b), ("a", &a)]);
                let mut sink = MemorySink::new();
                let got =
                    compiled.stream(&inputs, &mut source, &mut sink, chunk, &RunOptions::new());
                let Ok(want) = &want else {
                    let kind = got.unwrap_err().into_kind();
                    assert!(
                        matches!(kind, RuntimeErrorKind::EmptyReduction { .. }),
                        "{kind:?}"
                    );
                    continue;
                };
                let got = got.unwrap();
                let columns = sink.into_arrays().unwrap();
                let case =
                    format!("{backend}, {n} rows, {threads} threads, chunks of {chunk} bytes");
                for (i, column) in [(0, &columns[0]), (3, &columns[1])] {
                    assert!(got[i].is_none());
                    let numloom_runtime::OutputValue::Array(want) = &want[i] else {
                        panic!("{want:?}")
                    };
                    assert!(column.as_bytes() == want.as_bytes(), "{case}, output {i}");
                }
                for i in [1, 2] {
                    assert_eq!(got[i], want[i].item(), "{case}, output {i}");
                }
            }
        }
    }
}

#[test]
fn rows_of_several_elements_are_cut_alike() {
    let prog = program(
        "
        input a: f64
        %0 = input 0 : f64
        %1 = sum %0 : f64
        %2 = argmax %0 : i64
        %3 = neg %0 : f64
        out y = %3 shape 0
        out s = %1
        out at = %2
    ",
    );
    for width in [1, 3, 8, 5000] {
        let a = column(DType::F64, &[60_000 / width, width], 9);
        for &backend in backends() {
            let compiled = compile(&engine(backend, 2), &prog);
            let want = compiled.run(&[a.view()], &RunOptions::new()).unwrap();
            for chunk in [100, 70_000] {
                let mut sink = MemorySink::new();
                let inputs = [StreamInput::Column(0)];
                let got = compiled.stream(
                    &inputs,
                    &mut source(&[("a", &a)]),
                    &mut sink,
                    chunk,
                    &RunOptions::new(),
                );
                let got = got.unwrap();
                assert_eq!(
                    (&got[1], &got[2]),
                    (&want[1].item(), &want[2].item()),
                    "rows of {width}"
                );
                let numloom_runtime::OutputValue::Array(y) = &want[0] else {
                    panic!("{want:?}")
                };
                assert!(sink.into_arrays().unwrap()[0].as_bytes() == y.as_bytes());
            }
        }
    }
}

#[test]
fn a_fault_is_that_of_the_first_row_whatever_the_chunks() {
    let prog = program(
        "
        input a: f64
        %0 = input 0 : f64
        %1 = cast.chk %0 : i8
        out y = %1 shape 0
    ",
    );
    let mut a = vec![1.0; 30_000];
    (a[20_001], a[20_500]) = (1e9, 2e9);
    let a = Array::from_vec(a).unwrap();
    for threads in [1, 3] {
        let compiled = compile(&engine(backends()[0], threads), &prog);
        let mut sink = MemorySink::new();
        let inputs = [StreamInput::Column(0)];
        let got = compiled.stream(
            &inputs,
            &mut source(&[("a", &a)]),
            &mut sink,
            3000,
            &RunOptions::new(),
        );
        let kind = got.unwrap_err().into_kind();
        assert!(
            matches!(kind, RuntimeErrorKind::Fault { index: 20_001, .. }),
            "{kind:?}"
        );
    }
}

#[test]
fn what_needs_all_rows_at_once_is_refused() {
    let a = column(DType::F64, &[100, 3], 1);
    for text in [
        "input a: f64\n %0 = input 0 : f64\n %1 = sum %0 axes 0 : f64\n out s = %1 shape %1",
        "input a: f64\n %0 = input 0 : f64\n %1 = sum %0 keep : f64\n %2 = sub %0 %1 : f64\n out s = %2 shape 0 %1",
    ] {
        let compiled = compile(&engine(backends()[0], 1), &program(text));
        let mut sink = MemorySink::new();
        let inputs = [StreamInput::Column(0)];
        let got = compiled.stream(
            &inputs,
            &mut source(&[("a", &a)]),
            &mut sink,
            100,
            &RunOptions::new(),
        );
        let kind = got.unwrap_err().into_kind();
        assert!(
            matches!(kind, RuntimeErrorKind::NotStreamable { .. }),
            "{kind:?}"
        );
    }
}

/// Blocks of ones, which ask when they are made how many of those before are still held.
fn watched(held: &Arc<AtomicUsize>, ended: &Arc<()>) -> IterSource {
    let columns = Columns::new(vec![ColumnSpec::new("a", DType::F64)]);
    let (held, ended) = (Arc::clone(held), Arc::clone(ended));
    let mut given: Vec<Weak<Array>> = Vec::new();
    let blocks = (0..200).map(move |_| {
        let _ = &ended;
        let there = given.iter().filter(|block| block.strong_count() > 0);
        held.fetch_max(there.count(), Ordering::Relaxed);
        let block = Arc::new(Array::from_slice(&[1.0; 500], &[500]).unwrap());
        given.push(Arc::downgrade(&block));
        Ok(vec![block as Arc<dyn ColumnOwner>])
    });
    IterSource::of_owners(columns, blocks)
}

#[test]
fn a_source_that_says_so_is_asked_for_a_chunk_when_the_one_before_is_done_with() {
    let prog = program("input a: f64\n %0 = input 0 : f64\n %1 = sum %0 : f64\n out s = %1");
    for &backend in backends() {
        let compiled = compile(&engine(backend, 3), &prog);
        let (held, ended) = (Arc::default(), Arc::new(()));
        let mut source = watched(&held, &ended).with_one_at_a_time();
        let inputs = [StreamInput::Column(0)];
        let mut sink = MemorySink::new();
        let got = compiled.stream(&inputs, &mut source, &mut sink, 1, &RunOptions::new());
        assert_eq!(got.unwrap(), [Some(Scalar::F64(100_000.0))]);
        // The last one, until it is exchanged for the next.
        assert_eq!(held.load(Ordering::Relaxed), 1);
        assert_eq!(Arc::strong_count(&ended), 1, "the pass was ended");
    }
}

#[test]
fn rows_that_are_only_counted_can_be_cancelled() {
    // How many rows there are must be known before the first of them is divided by it.
    let prog = program(
        "
        input a: f64
        %0 = input 0 : f64
        %1 = count : i64
        %2 = cast %1 : f64
        %3 = div %0 %2 : f64
        out y = %3 shape 0
    ",
    );
    let compiled = compile(&engine(backends()[0], 2), &prog);
    let (held, ended) = (Arc::default(), Arc::new(()));
    let mut source = watched(&held, &ended);
    let flag = CancelFlag::new();
    flag.cancel();
    let inputs = [StreamInput::Column(0)];
    let options = RunOptions::new().cancel(flag);
    let got = compiled.stream(&inputs, &mut source, &mut MemorySink::new(), 1, &options);
    let kind = got.unwrap_err().into_kind();
    assert!(
        matches!(kind, RuntimeErrorKind::Cancelled { .. }),
        "{kind:?}"
    );
    assert_eq!(Arc::strong_count(&ended), 1, "the pass was ended");
}
