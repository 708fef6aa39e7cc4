//! The error gallery: each code as a person sees it, in `tests/diagnostics/*.stderr`.
//!
//! `<code>*.expr` is an expression that is wrong. Its first lines may be `#! schema: a: f64, b: i32`, the inputs it is compiled for,
//! or `#! in.a = { f64 = [1.0] }`, arrays that it runs over. Errors that no text alone can cause are made here.
//! `UPDATE_EXPECT=1 cargo test -p numloom-tests --test diagnostics` writes the drawings anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use numloom::{
    Array, Backend, CancelFlag, DType, Engine, Error, Expr, Input, Isa, MapMode, Options, Order,
    Place, Schema, View, eval, eval_into, io,
};
use numloom_testkit::corpus::parse_inputs;

fn gallery() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("diagnostics")
}

/// Compares the drawing of an error with the golden of that name, or writes it.
#[track_caller]
fn golden(name: &str, error: &Error) {
    let drawn = format!("{error}\n");
    golden_text(name, &drawn);
}

#[track_caller]
fn golden_text(name: &str, drawn: &str) {
    let path = gallery().join(format!("{name}.stderr"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, drawn).expect("a golden can be written");
        return;
    }
    let want = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        want == drawn,
        "{name}: drawn\n{drawn}\ninstead of\n{want}\n(UPDATE_EXPECT=1 accepts it)"
    );
}

/// The same, with the folder's name left out.
#[track_caller]
fn golden_in(name: &str, error: &Error, dir: &Path) {
    let drawn = format!("{error}\n").replace(&dir.display().to_string(), "DIR");
    golden_text(name, &drawn);
}

/// An expression of the gallery: its headers, and the text below them.
fn outcome(file: &str) -> Result<(), Error> {
    let is_header = |line: &&str| line.starts_with("#! ");
    let headers = file.lines().take_while(is_header).map(|line| &line[3..]);
    let src: Vec<&str> = file.lines().skip_while(is_header).collect();
    let src = src.join("\n");
    let mut schema = Schema::new();
    let mut arrays = Vec::new();
    for header in headers {
        if let Some(inputs) = header.strip_prefix("schema:") {
            for input in inputs.split(',') {
                let (name, dtype) = input.split_once(':').expect("an input is `name: dtype`");
                schema = schema.with(name.trim(), dtype.trim().parse().expect("a dtype's name"));
            }
        } else {
            arrays.extend(parse_inputs("header", header).unwrap_or_else(|e| panic!("{e}")));
        }
    }
    for (name, array) in &arrays {
        schema = schema.with(name, array.dtype());
    }
    let kernel = Expr::parse(&src)?.compile(&schema)?;
    kernel
        .run(
            arrays
                .iter()
                .map(|(name, array)| (name.as_str(), array.view())),
        )
        .map(drop)
}

#[test]
fn every_expression_of_the_gallery_is_drawn_as_its_golden() {
    let mut names = Vec::new();
    for entry in fs::read_dir(gallery()).expect("there is a gallery") {
        let path = entry.expect("a directory can be listed").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "expr")
        {
            names.push(path);
        }
    }
    assert!(names.len() > 50);
    names.sort();
    for path in names {
        let name = path
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        let file = fs::read_to_string(&path).expect("an expression can be read");
        let error = outcome(&file).expect_err(&name);
        assert!(
            error
                .diagnostics()
                .iter()
                .any(|d| name.starts_with(d.code.slug()))
                || name.starts_with("several-errors"),
            "{name} shows {}",
            error.code()
        );
        golden(&name, &error);
    }
}

#[test]
fn an_instruction_set_that_there_is_not_is_refused() {
    let error = Error::from("mmx".parse::<Isa>().unwrap_err());
    // What there is depends on the machine.
    let drawn = error.to_string();
    let (most, _) = drawn.split_once("`scalar`").expect("all machines have it");
    golden_text("bad-instruction-set", &format!("{most}`scalar`, …\n"));
}

#[test]
fn a_megabyte_of_brackets_is_refused() {
    golden(
        "limit-exceeded-a-megabyte-of-brackets",
        &Expr::parse(&"(".repeat(1 << 20)).unwrap_err(),
    );
}

#[test]
fn a_source_past_a_megabyte_is_refused() {
    golden(
        "limit-exceeded-source",
        &Expr::parse(&" ".repeat((1 << 20) + 1)).unwrap_err(),
    );
}

#[test]
fn a_hundred_thousand_terms_are_refused_unless_asked_for() {
    let src = vec!["a"; 100_000].join("+");
    golden(
        "limit-exceeded-a-hundred-thousand-terms",
        &Expr::parse(&src).unwrap_err(),
    );
    let engine = Engine::new(
        Options::new()
            .max_tokens(1_000_000)
            .max_nodes(1_000_000)
            .threads(1),
    )
    .unwrap();
    let sum: Vec<i64> = engine
        .eval(&src, [("a", &[1i64, 2][..])])
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(sum, [100_000, 200_000]);
}

#[test]
fn a_literal_of_a_megabyte_is_refused() {
    golden(
        "limit-exceeded-literal",
        &Expr::parse(&"1".repeat(100_000)).unwrap_err(),
    );
}

#[test]
fn too_many_operations_are_refused() {
    let engine = Engine::new(Options::new().max_nodes(10)).unwrap();
    let error = engine
        .eval("a+a+a+a+a+a+a+a+a+a+a+a", [("a", 1.0)])
        .unwrap_err();
    golden("limit-exceeded-nodes", &error);
}

#[test]
fn too_large_an_output_is_refused() {
    let engine = Engine::new(Options::new().max_output_bytes(1000)).unwrap();
    let a = vec![1.0; 126];
    assert!(engine.eval("a + 1", [("a", &a[..125])]).is_ok());
    golden(
        "limit-exceeded-output",
        &engine.eval("a + 1", [("a", &a[..])]).unwrap_err(),
    );
}

#[test]
fn an_output_past_the_address_space_is_out_of_memory() {
    let (row, column) = (vec![0u8; 1 << 24], vec![0u8; 1 << 24]);
    let row = View::from_slice(&row);
    let column = View::from_slice_shaped(&column, &[1 << 24, 1]).unwrap();
    let error = eval("f64(r) + c", [("r", row), ("c", column)]).unwrap_err();
    golden("out-of-memory", &error);
}

fn schema(inputs: &[(&str, DType)]) -> Schema {
    inputs.iter().fold(Schema::new(), |schema, (name, dtype)| {
        schema.with(name, *dtype)
    })
}

#[test]
fn an_array_of_another_dtype_is_refused() {
    let kernel = Expr::parse("a * b")
        .unwrap()
        .compile(&schema(&[("a", DType::F64), ("b", DType::F64)]))
        .unwrap();
    let (a, b) = (
        Array::from_slice(&[1.0], &[1]).unwrap(),
        Array::from_slice(&[1i32], &[1]).unwrap(),
    );
    golden(
        "dtype-mismatch",
        &kernel.run([("a", a.view()), ("b", b.view())]).unwrap_err(),
    );
}

#[test]
fn an_output_taken_as_another_dtype_is_refused() {
    let c: Result<Vec<f32>, Error> = eval("a + 1", [("a", &[1.0][..])]).unwrap().try_into();
    golden("dtype-mismatch-of-an-output", &c.unwrap_err());
}

#[test]
fn nulls_that_nothing_provides_for_are_refused() {
    let null = || Input::from(&[1, 2]).with_validity(&[true, false]);
    let double = |schema| {
        Expr::parse("double = 2 * a")
            .unwrap()
            .compile(&schema)
            .unwrap()
    };
    let plain = double(schema(&[("a", DType::I32)]));
    golden("unexpected-nulls", &plain.run([("a", null())]).unwrap_err());
    let nullable = double(Schema::new().with_nullable("a", DType::I32));
    let error = nullable.run_into([("a", null())], &mut [0, 0]).unwrap_err();
    golden("unexpected-nulls-of-a-place", &error);
    let taken = nullable.run([("a", null())]).unwrap();
    let error = Vec::<i32>::try_from(taken).unwrap_err();
    golden("unexpected-nulls-of-an-output", &error);
}

#[test]
fn inputs_must_be_those_that_are_named() {
    let kernel = Expr::parse("a * velocity").unwrap();
    let kernel = kernel
        .compile(&schema(&[("a", DType::F64), ("velocity", DType::F64)]))
        .unwrap();
    golden("missing-input", &kernel.run([("a", 1.0)]).unwrap_err());
    golden(
        "unexpected-input",
        &kernel
            .run([("a", 1.0), ("velocity", 1.0), ("velocty", 2.0)])
            .unwrap_err(),
    );
}

#[test]
fn places_for_outputs_must_fit() {
    let a = [1.0, 2.0, 3.0];
    let mut short = [0.0; 2];
    golden(
        "output-shape",
        &eval_into("a * 2", [("a", &a[..])], &mut short[..]).unwrap_err(),
    );
    let mut narrow = [0f32; 3];
    golden(
        "output-dtype",
        &eval_into("a * 2", [("a", &a[..])], &mut narrow[..]).unwrap_err(),
    );
    let mut place = [0.0; 3];
    let error = eval_into(
        "x = a; y = a * 2",
        [("a", &a[..])],
        [("x", Place::from(&mut place[..]))],
    )
    .unwrap_err();
    golden("output-shape-without-a-place", &error);
    let error = eval_into(
        "x = a",
        [("a", &a[..])],
        [("z", Place::from(&mut place[..]))],
    )
    .unwrap_err();
    golden("unknown-name-of-an-output", &error);
    golden(
        "output-shape-of-one-element",
        &eval("a", [("a", &a[..])])
            .unwrap()
            .into_value()
            .unwrap()
            .item::<f64>()
            .unwrap_err(),
    );
}

#[test]
fn a_place_given_twice_is_refused() {
    let a = [1.0, 2.0];
    let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
    let places = [
        ("x", Place::from(&mut x[..])),
        ("x", Place::from(&mut y[..])),
    ];
    let error = eval_into("x = a; y = a * 2", [("a", &a[..])], places).unwrap_err();
    golden("duplicate-name-of-a-place", &error);
}

#[test]
fn a_read_only_output_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.npy");
    io::npy::write(&path, &View::from_slice(&[0.0, 0.0])).unwrap();
    let mut map = io::npy::open(&path, MapMode::Read).unwrap();
    let error = eval_into("a + 1", [("a", &[1.0, 2.0][..])], &mut map).unwrap_err();
    golden_in("read-only-output", &error, dir.path());
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let whole = |name: &str| {
        io::npy::write(path(name), &View::from_slice(&[1.0, 2.0, 3.0])).unwrap();
        fs::read(path(name)).unwrap()
    };
    let open = |name: &str| Error::from(io::npy::open(path(name), MapMode::Read).unwrap_err());

    let bytes = whole("short.npy");
    fs::write(path("short.npy"), &bytes[..bytes.len() - 5]).unwrap();
    golden_in("file-truncated", &open("short.npy"), dir.path());

    fs::write(path("empty.npy"), b"").unwrap();
    golden_in("file-truncated-to-nothing", &open("empty.npy"), dir.path());

    golden_in("file-not-found", &open("absent.npy"), dir.path());

    fs::write(path("text.npy"), b"a,b\n1,2\n").unwrap();
    golden_in("bad-npy-header", &open("text.npy"), dir.path());

    let bytes = String::from_utf8_lossy(&whole("o.npy")[..128]).replace("<f8", "|O ");
    let objects = [
        b"\x93NUMPY\x01\0",
        &whole("o.npy")[8..10],
        &bytes.as_bytes()[bytes.find('{').unwrap()..],
    ]
    .concat();
    fs::write(path("o.npy"), objects).unwrap();
    golden_in("unsupported-npy-dtype", &open("o.npy"), dir.path());

    golden_in(
        "file-io",
        &Error::from(io::npy::open(dir.path(), MapMode::Read).unwrap_err()),
        dir.path(),
    );

    let spec: Result<io::FileSpec, _> = "a.bin:f65[3]".parse();
    golden("bad-file-spec", &Error::from(spec.unwrap_err()));
}

#[test]
fn a_file_that_shrinks_under_its_map_is_noticed_at_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    io::npy::write(
        &path,
        &Array::zeros(DType::F64, &[4096], Order::C).unwrap().view(),
    )
    .unwrap();
    let map = io::npy::open(&path, MapMode::Read).unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(8192)
        .unwrap();
    golden_in(
        "file-truncated-under-its-map",
        &eval("a + 1", [("a", &map)]).unwrap_err(),
        dir.path(),
    );
}

#[test]
fn runs_can_be_stopped() {
    let flag = CancelFlag::new();
    flag.cancel();
    let a = vec![1.0; 100_000];
    let run = |options: Options| {
        Engine::new(options)
            .unwrap()
            .eval("a + 1", [("a", &a[..])])
            .unwrap_err()
    };
    golden("cancelled", &run(Options::new().cancel(flag)));
    golden(
        "deadline-exceeded",
        &run(Options::new().deadline(Duration::ZERO)),
    );
}

#[test]
fn runs_that_cannot_be_gone_on_with_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let zeros = Array::zeros(DType::F64, &[3_000_000], Order::C).unwrap();
    io::npy::write(path("a.npy"), &zeros.view()).unwrap();
    let flag = CancelFlag::new();
    let raised = flag.clone();
    let stop = Options::new().cancel(flag).progress(move |progress| {
        if progress.done > progress.total / 2 {
            raised.cancel();
        }
    });
    let run = |text: &str, options: Options| {
        let expr = Expr::parse(text).unwrap();
        let run = expr.transform().file("a", path("a.npy")).memory(16 << 20);
        run.output(path("y.npy"))
            .options(options)
            .run()
            .unwrap_err()
    };
    let stopped = run("a + 1", stop).to_string();
    let said = stopped.split_once('\n').expect("a help").1;
    golden_text("cancelled-with-a-journal", &format!("{said}\n"));
    golden_in(
        "journal-mismatch",
        &run("a + 2", Options::new()),
        dir.path(),
    );

    let table = b"x,y\n1,2\n3,4\n".as_slice();
    let options = io::csv::CsvOptions::new();
    let once = |text: &str| {
        let mut source = io::csv::CsvSource::from_reader(table, &options).unwrap();
        let expr = Expr::parse(text).unwrap();
        expr.stream(&mut source).run().unwrap_err()
    };
    golden("not-streamable", &once("x[1:] - y"));
    golden("not-streamable-twice", &once("x - mean(y)"));
    golden("unknown-name-of-a-column", &once("x + sum(z)"));
    let malformed = b"x,y\n1,2\n3,4x\n".as_slice();
    let options = io::csv::CsvOptions::new().every_dtype(DType::F64);
    let mut source = io::csv::CsvSource::from_reader(malformed, &options).unwrap();
    let expr = Expr::parse("sum(x * y)").unwrap();
    golden("bad-record", &expr.stream(&mut source).run().unwrap_err());

    io::npy::write(path("b.npy"), &View::from_slice(&[1.0, 2.0, 3.0])).unwrap();
    let expr = Expr::parse("b[::-1] - mean(b)").unwrap();
    let run = expr
        .transform()
        .file("b", path("b.npy"))
        .output(path("b.npy"));
    golden("not-resumable", &run.in_place().run().unwrap_err());
}

#[test]
fn engines_that_cannot_be_had_are_refused() {
    golden(
        "bad-thread-count",
        &Engine::new(Options::new().threads(0)).unwrap_err(),
    );
    // A backend that is asked for by name does not give way when a kernel is too large for it.
    let terms: Vec<String> = (0..40_000).map(|i| format!("a*{i}.5")).collect();
    let forced = Options::new()
        .backend(Backend::Cranelift)
        .max_tokens(1_000_000)
        .max_nodes(1_000_000);
    let error = Engine::new(forced)
        .unwrap()
        .eval(&terms.join("+"), [("a", 1.0)])
        .unwrap_err();
    // How many instructions that takes is the backend's business.
    let words = error.to_string();
    let masked = words.split(' ').map(|word| {
        if word.parse::<usize>().is_ok() {
            "N"
        } else {
            word
        }
    });
    golden_text(
        "engine-unavailable",
        &format!("{}\n", masked.collect::<Vec<_>>().join(" ")),
    );
}

#[test]
fn one_line_and_debug_say_the_same() {
    let error = eval("2 * velo", [("velocity", 1.0)]).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "error[unknown-name] at 1:5: no input named `velo`"
    );
    assert_eq!(format!("{error:?}"), error.to_string());
}
