//! Runs over files, in windows: the bits of a plain run; and what a run that was stopped left is gone on with.

use std::fs;
use std::path::PathBuf;

use numloom_data::{DType, MapMode, MapSpec, MappedArray, Order, OutputFile, Scalar, View};
use numloom_runtime::{
    CancelFlag, Compiled, Journal, Out, RunOptions, RuntimeError, RuntimeErrorKind, Sink, Source,
    TransformOptions,
};

use crate::support::{Laid, Layout, backends, compile, engine, program, values};

/// The least memory that is allowed, so that a few million elements are several windows.
fn small() -> TransformOptions {
    TransformOptions::new().memory(16 << 20)
}

/// Two inputs, elementwise results and reductions of them.
const ONE_PASS: &str = "
    input a: f64
    input b: f32
    %0 = input 0 : f64
    %1 = input 1 : f32
    %2 = cast %1 : f64
    %3 = mul %0 %2 : f64
    %4 = sum %3 : f64
    %5 = max %0 : f64
    %6 = argmin %0 : i64
    out y = %3 shape 0 1
    out s = %4
    out hi = %5
    out at = %6
";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file of values.
    fn file(&self, name: &str, dtype: DType, shape: &[usize], seed: u64) -> MappedArray {
        let n = shape.iter().product();
        let laid = Laid::new(&values(dtype, n, seed), dtype, shape, Layout::C);
        let bytes = laid.view().to_array().unwrap();
        std::fs::write(self.path(name), bytes.as_bytes()).unwrap();
        self.open(name, MapMode::Read, dtype, shape)
    }

    fn open(&self, name: &str, mode: MapMode, dtype: DType, shape: &[usize]) -> MappedArray {
        let mut spec = MapSpec::new(mode, dtype);
        spec.shape = Some(shape.to_vec());
        MappedArray::open(self.path(name), spec).unwrap()
    }
}

fn source(map: &MappedArray) -> Source<'_> {
    Source {
        view: map.view(),
        map: Some(map.map()),
    }
}

/// The bytes of what `compiled` comes to in a plain run.
fn plain(compiled: &Compiled, inputs: &[View<'_>]) -> Vec<Vec<u8>> {
    let values = compiled.run(inputs, &RunOptions::new()).unwrap();
    let bytes =
        |value: numloom_runtime::OutputValue| value.into_array().unwrap().as_bytes().to_vec();
    values.into_iter().map(bytes).collect()
}

/// A file for the first output, and values for those behind it.
fn sinks<'a>(file: &'a mut OutputFile, scalars: &'a mut [Scalar]) -> Vec<Sink<'a>> {
    let (view, map) = file.view_mut_and_map();
    let first = Sink {
        out: Out::Array(view),
        map: Some(map),
    };
    let others = scalars.iter_mut().map(|scalar| Sink {
        out: Out::Scalar(scalar),
        map: None,
    });
    std::iter::once(first).chain(others).collect()
}

/// The bytes of what it comes to over files, the first output in a new file.
fn windowed(compiled: &Compiled, folder: &Folder, inputs: &[Source<'_>]) -> Vec<Vec<u8>> {
    let views: Vec<_> = inputs.iter().map(|source| source.view.clone()).collect();
    let shapes = compiled.shapes(&views).unwrap();
    let prog = compiled.program();
    let dtype = |i: usize| prog.output_dtype(&prog.outputs[i]);
    let mut file =
        OutputFile::create(folder.path("out"), b"", dtype(0), &shapes[0], Order::C).unwrap();
    let mut scalars: Vec<_> = (1..shapes.len()).map(|i| Scalar::zero(dtype(i))).collect();
    let mut sinks = sinks(&mut file, &mut scalars);
    compiled
        .transform(inputs, &mut sinks, None, &RunOptions::new(), small())
        .unwrap();
    drop(sinks);
    let mut all = vec![file.view().to_array().unwrap().as_bytes().to_vec()];
    let bytes = |scalar: &Scalar| {
        numloom_data::Array::from_scalar(scalar)
            .unwrap()
            .as_bytes()
            .to_vec()
    };
    all.extend(scalars.iter().map(bytes));
    all
}

/// A run of the first output into `out`, with a journal, until `elements` are done or to its end; the values behind it.
fn journaled(
    compiled: &Compiled,
    folder: &Folder,
    inputs: &[Source<'_>],
    stop_after: u64,
) -> Result<Vec<Scalar>, RuntimeError> {
    let views: Vec<_> = inputs.iter().map(|source| source.view.clone()).collect();
    let shapes = compiled.shapes(&views).unwrap();
    let prog = compiled.program();
    let dtype = |i: usize| prog.output_dtype(&prog.outputs[i]);
    let key = compiled.run_key(inputs, &[("out", false)], &[]).unwrap();
    let path = Journal::path_for(folder.path("out"));
    let found = Journal::load(&path, key.clone())?;
    let out = folder.path("out");
    let (mut journal, mut file) = match found {
        Some(journal) => (
            journal,
            OutputFile::reopen(&out, 0, dtype(0), &shapes[0], Order::C).unwrap(),
        ),
        None => {
            let file = OutputFile::create(&out, b"", dtype(0), &shapes[0], Order::C).unwrap();
            (Journal::create(&path, key).unwrap(), file)
        }
    };
    file.keep_on_drop(true);
    let mut scalars: Vec<_> = (1..shapes.len()).map(|i| Scalar::zero(dtype(i))).collect();
    let mut sinks = sinks(&mut file, &mut scalars);
    let flag = CancelFlag::new();
    let raised = flag.clone();
    let options = RunOptions::new().cancel(flag).progress(move |progress| {
        if progress.done >= stop_after {
            raised.cancel();
        }
    });
    let done = compiled.transform(inputs, &mut sinks, Some(&mut journal), &options, small());
    drop(sinks);
    done?;
    file.commit().unwrap();
    journal.remove().unwrap();
    Ok(scalars)
}

fn is_cancelled<T>(run: &Result<T, RuntimeError>) -> bool {
    let error = run.as_ref().err();
    error.is_some_and(|error| matches!(error.kind(), RuntimeErrorKind::Cancelled { .. }))
}

#[test]
fn a_stopped_run_goes_on_at_any_thread_count_and_computes_nothing_again() {
    let folder = Folder::new();
    let n = 1_500_003;
    let (a, b) = (
        folder.file("a", DType::F64, &[n], 1),
        folder.file("b", DType::F32, &[n], 2),
    );
    let inputs = [source(&a), source(&b)];
    let prog = program(ONE_PASS);
    let want = plain(
        &compile(&engine(backends()[0], 1), &prog),
        &[a.view(), b.view()],
    );
    for (round, &backend) in backends().iter().cycle().take(4).enumerate() {
        let threads = [1, 3][round % 2];
        let compiled = compile(&engine(backend, threads), &prog);
        let stopped = journaled(&compiled, &folder, &inputs, [800_000, 1_100_000][round / 2]);
        assert!(is_cancelled(&stopped), "{stopped:?}");
        // The first element is finished by now: were it computed again, this would not be seen.
        let partial = folder.path("out.partial");
        let mut bytes = fs::read(&partial).unwrap();
        bytes[0] ^= 0xff;
        fs::write(&partial, bytes).unwrap();
        let other = compile(&engine(backend, 4 - threads), &prog);
        let scalars = journaled(&other, &folder, &inputs, u64::MAX).unwrap();
        let mut got = fs::read(folder.path("out")).unwrap();
        assert_ne!(got[0], want[0][0]);
        got[0] ^= 0xff;
        assert!(got == want[0], "{backend}, round {round}");
        for (scalar, want) in scalars.iter().zip(&want[1..]) {
            assert_eq!(&scalar.bits().to_le_bytes()[..want.len()], want);
        }
        assert!(!folder.path("out.journal").exists());
    }
}

#[test]
fn every_pass_of_a_program_is_gone_on_with() {
    let folder = Folder::new();
    // Some windows in each pass.
    let shape = [2000, 1000];
    let a = folder.file("a", DType::F64, &shape, 5);
    // Columns reduced first, then rows, then what needs both.
    let prog = program(
        "
        input a: f64
        %0 = input 0 : f64
        %1 = sum %0 axes 0 : f64
        %2 = sum %0 axes 1 keep : f64
        %3 = sum %0 : f64
        %4 = sub %0 %1 : f64
        %5 = mul %4 %2 : f64
        %6 = add %5 %3 : f64
        out y = %6 shape 0 %1 %2
        out s = %3
    ",
    );
    let inputs = [source(&a)];
    let n = (shape[0] * shape[1]) as u64;
    for &backend in backends() {
        let compiled = compile(&engine(backend, 2), &prog);
        let want = plain(&compiled, &[a.view()]);
        for stop_after in [
            n / 2,
            n + n / 2,
            2 * n + n / 2,
            3 * n + n / 2,
            // Several chunks before the end: those that run when it is stopped are finished.
            4 * n - n / 3,
        ] {
            let stopped = journaled(&compiled, &folder, &inputs, stop_after);
            assert!(is_cancelled(&stopped), "{stopped:?}");
            let scalars = journaled(&compiled, &folder, &inputs, u64::MAX).unwrap();
            assert!(
                fs::read(folder.path("out")).unwrap() == want[0],
                "{backend}, {stop_after}"
            );
            assert_eq!(scalars[0].bits().to_le_bytes()[..8], want[1]);
        }
    }
}

#[test]
fn a_changed_input_is_refused() {
    let folder = Folder::new();
    let n = 1_500_003;
    let (a, b) = (
        folder.file("a", DType::F64, &[n], 1),
        folder.file("b", DType::F32, &[n], 2),
    );
    let compiled = compile(&engine(backends()[0], 2), &program(ONE_PASS));
    let stopped = journaled(&compiled, &folder, &[source(&a), source(&b)], 1_000_000);
    assert!(is_cancelled(&stopped), "{stopped:?}");
    drop(b);
    let b = folder.file("b", DType::F32, &[n], 3);
    let refused = journaled(&compiled, &folder, &[source(&a), source(&b)], u64::MAX);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("b` has changed"), "{refused}");
}

#[test]
fn windows_do_not_change_a_bit() {
    let folder = Folder::new();
    let n = 1_500_003;
    let (a, b) = (
        folder.file("a", DType::F64, &[n], 1),
        folder.file("b", DType::F32, &[n], 2),
    );
    let prog = program(ONE_PASS);
    for &backend in backends() {
        for threads in [1, 3] {
            let compiled = compile(&engine(backend, threads), &prog);
            let want = plain(&compiled, &[a.view(), b.view()]);
            let got = windowed(&compiled, &folder, &[source(&a), source(&b)]);
            assert!(got == want, "{backend} on {threads} threads");
        }
    }
}
