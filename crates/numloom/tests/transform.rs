//! Expressions over files: bounded, resumable, and refused with the file's name.

use std::fs::OpenOptions;
use std::path::PathBuf;

use numloom::io::npy;
use numloom::{Code, Error, ErrorKind, Expr, Options, View};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(n: usize) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        let a: Vec<f64> = (0..n).map(|i| i as f64).collect();
        npy::write(folder.path("a.npy"), &View::from_slice(&a)).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

#[cfg(unix)]
#[test]
fn a_file_truncated_under_its_map_is_an_error_with_its_name() {
    let folder = Folder::new(3_000_000);
    let a = folder.path("a.npy");
    let expr = Expr::parse("y = a * 2; sum(a)").unwrap();
    let cut = a.clone();
    let options = Options::new().threads(2).progress(move |_| {
        let file = OpenOptions::new().write(true).open(&cut).unwrap();
        file.set_len(5_000_000).unwrap();
    });
    let error = expr
        .transform()
        .file("a", &a)
        .output_as("y", folder.path("y.npy"))
        .memory(16 << 20);
    let error = error.options(options).run().unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Io, Code::FileTruncated)
    );
    assert!(error.to_string().contains("a.npy"), "{error}");
    assert!(!folder.path("y.npy").exists());
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let folder = Folder::new(10);
    let (a, y) = (folder.path("a.npy"), folder.path("y.npy"));
    let run =
        |text: &str,
         each: &dyn Fn(numloom::Transform<'_>) -> Result<numloom::Transformed, Error>| {
            let expr = Expr::parse(text).unwrap();
            each(expr.transform().file("a", &a)).unwrap_err()
        };
    let error = run("a + 1", &|t| t.output(&y).memory(1 << 20).run());
    assert_eq!(error.code(), Code::LimitExceeded, "{error}");
    let error = run("x = a; y = a + 1", &|t| t.output(&y).run());
    assert_eq!(error.code(), Code::OutputShape, "{error}");
    let error = run("x = a; y = a + 1", &|t| {
        t.output_as("x", &a).output_as("y", &a).in_place().run()
    });
    assert!(error.to_string().contains("two outputs go to"), "{error}");
    let error = run("a + 1", &|t| t.output_as("z", &y).run());
    assert_eq!(error.code(), Code::UnknownName, "{error}");
    let error = run("total = sum(a)", &|t| t.output_as("total", &y).run());
    assert_eq!(error.code(), Code::OutputShape, "{error}");
    let error = run("a + b", &|t| {
        t.value("b", 1.0).value("c", 2.0).output(&y).run()
    });
    assert_eq!(error.code(), Code::UnexpectedInput, "{error}");
    let error = run("a > 0", &|t| t.output(&a).in_place().run());
    assert_eq!(error.code(), Code::OutputDtype, "{error}");
    assert!(!y.exists());
}

#[test]
fn arrays_without_a_file_come_back() {
    let folder = Folder::new(4);
    let expr = Expr::parse("twice = 2 * a; sum(a)").unwrap();
    let done = expr
        .transform()
        .file("a", folder.path("a.npy"))
        .run()
        .unwrap();
    assert_eq!(done["twice"].to_vec::<f64>().unwrap(), [0.0, 2.0, 4.0, 6.0]);
    assert_eq!(done[1].item::<f64>().unwrap(), 6.0);
    assert!(!done.resumed());
}

#[test]
fn bytes_are_those_of_inputs_and_of_outputs_that_are_arrays() {
    let folder = Folder::new(1000);
    let expr = Expr::parse("f32(a) * k; sum(a)").unwrap();
    let transform = expr
        .transform()
        .file("a", folder.path("a.npy"))
        .value("k", 2.0f32);
    assert_eq!(transform.size_bytes().unwrap(), 8000 + 4 + 4000);
    let error = expr
        .transform()
        .file("a", folder.path("b.npy"))
        .size_bytes();
    assert_eq!(error.unwrap_err().code(), Code::FileNotFound);
}
