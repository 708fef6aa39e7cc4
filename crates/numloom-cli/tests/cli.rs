//! The `numloom` command as a person meets it: files in and out, what is printed, what is refused and what is left behind.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use numloom::io::npy;
use numloom::{Array, Element, Isa, MapMode, View};

/// A folder with `a.npy` (f64, 0 to 9), `b.npy` (i16, 9 to 0) and `m.npy` (f32, 2 × 3).
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        let a: Vec<f64> = (0..10).map(f64::from).collect();
        let b: Vec<i16> = (0..10).rev().collect();
        npy::write(folder.path("a.npy"), &View::from_slice(&a)).unwrap();
        npy::write(folder.path("b.npy"), &View::from_slice(&b)).unwrap();
        let m = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        npy::write(
            folder.path("m.npy"),
            &View::from_slice_shaped(&m, &[2, 3]).unwrap(),
        )
        .unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the command in the folder.
    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_numloom"));
        command
            .current_dir(self.0.path())
            .args(args)
            .output()
            .unwrap()
    }

    #[track_caller]
    fn prints(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the command says when it refuses.
    #[track_caller]
    fn refuses(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    }

    fn array<T: Element>(&self, name: &str) -> Vec<T> {
        npy::read(self.path(name)).unwrap().to_vec().unwrap()
    }

    fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn maps_in_and_a_map_out() {
    let folder = Folder::new();
    assert_eq!(
        folder.prints(&["eval", "2*a + 3*b", "a=a.npy", "b=b.npy", "-o", "c.npy"]),
        ""
    );
    let want: Vec<f64> = (0..10)
        .map(|i| 2.0 * f64::from(i) + 3.0 * f64::from(9 - i))
        .collect();
    assert_eq!(folder.array::<f64>("c.npy"), want);
    assert_eq!(folder.names(), ["a.npy", "b.npy", "c.npy", "m.npy"]);
}

#[test]
fn the_command_and_the_library_write_the_same_file_at_any_thread_count() {
    let folder = Folder::new();
    let long: Vec<f64> = (0..300_000).map(|i| f64::from(i) * 0.37 - 1e4).collect();
    npy::write(folder.path("long.npy"), &View::from_slice(&long)).unwrap();
    let src = "sqrt(abs(x)) * 3 - x";
    let want: Vec<f64> = numloom::eval(src, [("x", &long)])
        .unwrap()
        .try_into()
        .unwrap();
    for args in [
        ["--threads", "1"],
        ["--threads", "2"],
        ["--backend", "interpreter"],
        ["--block", "100"],
    ] {
        let fixed = ["eval", src, "x=long.npy", "-o", "out.npy", args[0], args[1]];
        folder.prints(&fixed);
        assert_eq!(folder.array::<f64>("out.npy"), want, "{args:?}");
    }
}

#[test]
fn reduced_values_and_small_arrays_are_printed() {
    let folder = Folder::new();
    assert_eq!(
        folder.prints(&["eval", "lo = min(a); hi = max(a); mean(a)", "a=a.npy"]),
        "lo = 0.0\nhi = 9.0\n4.5\n"
    );
    assert_eq!(folder.prints(&["eval", "sum(b)", "b=b.npy"]), "45\n");
    assert!(folder.prints(&["eval", "m * 2", "m=m.npy"]).contains("12"));
}

#[test]
fn arrays_and_reduced_values_come_from_one_run() {
    let folder = Folder::new();
    let printed = folder.prints(&[
        "eval",
        "s = a + b; d = a - b; top = max(d)",
        "a=a.npy",
        "b=b.npy",
        "-o",
        "s=s.npy",
        "-o",
        "d=d.npy",
    ]);
    assert_eq!(printed, "top = 9.0\n");
    assert_eq!(folder.array::<f64>("s.npy"), [9.0; 10]);
    assert_eq!(folder.array::<f64>("d.npy")[0], -9.0);
}

#[test]
fn numbers_and_raw_files_are_inputs_too() {
    let folder = Folder::new();
    assert_eq!(folder.prints(&["eval", "k * 2.5", "k=2:f32"]), "5.0\n");
    assert_eq!(folder.prints(&["eval", "n // 2", "n=7"]), "3\n");
    let bytes: Vec<u8> = [1i32, 2, 3, 4]
        .iter()
        .flat_map(|v| v.to_be_bytes())
        .collect();
    std::fs::write(folder.path("r.bin"), bytes).unwrap();
    folder.prints(&["eval", "r + 1", "r=r.bin:>i4[2,2]", "-o", "out.npy"]);
    let out = npy::read(folder.path("out.npy")).unwrap();
    assert_eq!(
        (out.shape(), out.to_vec::<i32>().unwrap()),
        (&[2, 2][..], vec![2, 3, 4, 5])
    );
    folder.prints(&["eval", "r * 2", "r=r.bin:>i4", "-o", "out.bin:i32[4]"]);
    assert_eq!(
        std::fs::read(folder.path("out.bin")).unwrap(),
        [2i32, 4, 6, 8].map(i32::to_le_bytes).concat()
    );
}

#[test]
fn shapes_broadcast() {
    let folder = Folder::new();
    npy::write(
        folder.path("v.npy"),
        &View::from_slice(&[10f32, 20.0, 30.0]),
    )
    .unwrap();
    folder.prints(&["eval", "m + v", "m=m.npy", "v=v.npy", "-o", "out.npy"]);
    assert_eq!(
        folder.array::<f32>("out.npy"),
        [11.0, 22.0, 33.0, 14.0, 25.0, 36.0]
    );
    let column: Vec<u8> = vec![1; 40_000];
    npy::write(folder.path("row.npy"), &View::from_slice(&column)).unwrap();
    npy::write(
        folder.path("column.npy"),
        &View::from_slice_shaped(&column, &[40_000, 1]).unwrap(),
    )
    .unwrap();
    let said = folder.refuses(&["eval", "r + c", "r=row.npy", "c=column.npy"]);
    assert!(
        said.contains("1600000000 bytes") && said.contains("name a file"),
        "{said}"
    );
    assert_eq!(
        folder.prints(&["eval", "sum(r + c)", "r=row.npy", "c=column.npy"]),
        "3200000000\n"
    );
    let said = folder.refuses(&["eval", "m + a", "m=m.npy", "a=a.npy"]);
    assert!(
        said.contains("shape-mismatch") && said.contains("(2, 3)") && said.contains("(10,)"),
        "{said}"
    );
}

#[test]
fn an_output_may_replace_an_input() {
    let folder = Folder::new();
    folder.prints(&["eval", "a + 1", "a=a.npy", "-o", "a.npy"]);
    assert_eq!(folder.array::<f64>("a.npy")[9], 10.0);
    folder.prints(&["eval", "a + 1", "a=a.npy", "-o", "a.npy", "--in-place"]);
    assert_eq!(folder.array::<f64>("a.npy")[9], 11.0);
}

#[test]
fn in_place_over_a_shifted_map_of_one_file_reads_what_was_there() {
    let folder = Folder::new();
    let bytes: Vec<u8> = (0..5_000)
        .flat_map(|i| f64::from(i).to_le_bytes())
        .collect();
    std::fs::write(folder.path("s.bin"), bytes).unwrap();
    folder.prints(&[
        "eval",
        "a*1",
        "a=s.bin:f64[4999]",
        "-o",
        "s.bin:f64[4999]@8",
        "--in-place",
    ]);
    let shifted = std::fs::read(folder.path("s.bin")).unwrap();
    let want: Vec<u8> = (0..5_000)
        .flat_map(|i| f64::from((i - 1).max(0)).to_le_bytes())
        .collect();
    assert_eq!(shifted, want);
    let said = folder.refuses(&[
        "eval",
        "x = a; y = a*2",
        "a=a.npy",
        "-o",
        "x=a.npy",
        "-o",
        "y=./a.npy",
        "--in-place",
    ]);
    assert!(said.contains("two outputs"), "{said}");
}

#[test]
fn an_expression_may_begin_with_a_minus() {
    let folder = Folder::new();
    folder.prints(&["eval", "-a", "a=a.npy", "-o", "c.npy"]);
    assert_eq!(folder.array::<f64>("c.npy")[9], -9.0);
    assert_eq!(
        folder.prints(&["eval", "--threads", "1", "-k", "k=2"]),
        "-2\n"
    );
    assert_eq!(folder.prints(&["check", "-a", "a:i8"]), "i8\n");
}

#[cfg(unix)]
#[test]
fn a_link_under_the_partial_name_is_not_followed() {
    let folder = Folder::new();
    std::fs::write(folder.path("victim.txt"), "precious").unwrap();
    std::os::unix::fs::symlink(folder.path("victim.txt"), folder.path("c.npy.partial")).unwrap();
    assert!(
        folder
            .refuses(&["eval", "a", "a=a.npy", "-o", "c.npy"])
            .contains("c.npy.partial")
    );
    assert_eq!(
        std::fs::read(folder.path("victim.txt")).unwrap(),
        b"precious"
    );
}

#[test]
fn in_place_needs_a_file_of_the_result_s_dtype_and_shape() {
    let folder = Folder::new();
    let said = folder.refuses(&["eval", "a + 1", "a=a.npy", "-o", "b.npy", "--in-place"]);
    assert!(
        said.contains("output-dtype") && said.contains("i16") && said.contains("f64"),
        "{said}"
    );
    let said = folder.refuses(&["eval", "a + 1", "a=a.npy", "-o", "new.npy", "--in-place"]);
    assert!(
        said.contains("file-not-found") && said.contains("new.npy"),
        "{said}"
    );
    assert_eq!(folder.array::<i16>("b.npy")[0], 9);
}

#[test]
fn a_failed_run_leaves_an_existing_output_as_it_was() {
    let folder = Folder::new();
    let said = folder.refuses(&["eval", "i8(b * 100, \"checked\")", "b=b.npy", "-o", "a.npy"]);
    assert!(
        said.contains("cast-failed") && said.contains("900") && said.contains("element 0"),
        "{said}"
    );
    assert_eq!(folder.array::<f64>("a.npy").len(), 10);
    assert_eq!(
        folder.names(),
        ["a.npy", "b.npy", "m.npy"],
        "no partial file is left"
    );
}

#[test]
fn broken_files_are_refused_by_name() {
    let folder = Folder::new();
    let whole = std::fs::read(folder.path("a.npy")).unwrap();
    for (name, bytes) in [
        ("cut.npy", &whole[..whole.len() - 8]),
        ("head.npy", &whole[..20]),
        ("empty.npy", &[][..]),
    ] {
        std::fs::write(folder.path(name), bytes).unwrap();
        let said = folder.refuses(&["eval", "a", &format!("a={name}")]);
        assert!(said.contains(name), "{said}");
    }
    std::fs::write(folder.path("text.npy"), "hello, this is no array").unwrap();
    assert!(
        folder
            .refuses(&["eval", "a", "a=text.npy"])
            .contains("bad-npy-header")
    );
    assert!(
        folder
            .refuses(&["eval", "a", "a=none.npy"])
            .contains("file-not-found")
    );
    assert!(folder.refuses(&["eval", "a", "a=."]).contains("`.`"));
    assert!(
        folder
            .refuses(&["eval", "a", "a=a.bin:f64[10"])
            .contains("bad-file-spec")
    );
    assert!(
        folder
            .refuses(&["eval", "a", "a=a.npy", "-o", "no/such/folder/c.npy"])
            .contains("no/such/folder")
    );
}

#[test]
fn arguments_that_do_not_go_together_say_what_to_do() {
    let folder = Folder::new();
    for (args, say) in [
        (&["eval", "a", "a.npy"][..], "name=file.npy"),
        (
            &["eval", "sum(a)", "a=a.npy", "-o", "c.npy"],
            "no array output",
        ),
        (&["eval", "x = a; y = a", "a=a.npy", "-o", "c.npy"], "x, y"),
        (
            &["eval", "a", "a=a.npy", "-o", "c.npy", "-o", "d.npy"],
            "already",
        ),
        (&["eval", "a", "a=a.npy", "--in-place"], "-o"),
        (&["eval", "a", "a=a.npy", "b=b.npy"], "unexpected-input"),
        (&["eval", "a + b", "a=a.npy"], "unknown-name"),
        (
            &["eval", "a", "a=a.npy", "--threads", "0"],
            "bad-thread-count",
        ),
        (&["explain", "a", "a:f64", "--stage", "soup"], "kernel"),
        (&["explain", "--code", "soup"], "unknown-name"),
        (&["check", "a", "a:float65"], "float65"),
        (&["eval", "@no-such-file"], "no-such-file"),
    ] {
        let said = folder.refuses(args);
        assert!(said.contains(say), "{args:?}: {said}");
    }
}

#[test]
fn a_hostile_megabyte_is_refused_at_once() {
    let folder = Folder::new();
    for text in [
        "(".repeat(1_000_000),
        vec!["a"; 100_000].join("+"),
        "-".repeat(1_000_000),
    ] {
        std::fs::write(folder.path("expr.txt"), &text).unwrap();
        let said = folder.refuses(&["eval", "@expr.txt", "a=a.npy"]);
        assert!(
            said.contains("error[") && said.len() < 20_000,
            "{}",
            said.len()
        );
    }
}

#[test]
fn check_prints_dtypes_or_the_place_that_is_wrong() {
    let folder = Folder::new();
    assert_eq!(
        folder.prints(&["check", "a * 2; m = mean(a)", "a:i16"]),
        "i16\nm: f64 reduced\n"
    );
    assert_eq!(
        folder.prints(&["check", "a + b", "a=a.npy", "b:f32[10]"]),
        "f64\n"
    );
    let said = folder.refuses(&["check", "2 * velo + sin(t)", "t:f64", "velocity:f64"]);
    let want = "\
error[unknown-name]: no input named `velo`
 1 | 2 * velo + sin(t)
   |     ^^^^ not an input
   = note: inputs are `t`, `velocity`
   = help: did you mean `velocity`?
";
    assert_eq!(said, want);
}

#[test]
fn every_stage_is_shown() {
    let folder = Folder::new();
    for (stage, shows) in [
        ("ast", "sin"),
        ("ir", "input x: f64"),
        ("opt", "sin"),
        ("kernel", "call sin"),
        ("clif", "block0"),
        ("asm", "vaddpd|addpd|fadd"),
        ("plan", "wide, vectors|cranelift, vectors"),
    ] {
        let printed = folder.prints(&[
            "explain",
            "sin(x) + y*2",
            "x:f64",
            "y:f64[1]",
            "--stage",
            stage,
        ]);
        assert!(
            shows.split('|').any(|word| printed.contains(word)),
            "{stage}: {printed}"
        );
    }
    assert!(
        folder
            .prints(&["explain", "--functions"])
            .contains("hypot(x, y)")
    );
    assert!(
        folder
            .prints(&["explain", "--code", "unknown-name"])
            .contains("input")
    );
}

#[test]
fn an_instruction_set_can_be_forced_and_one_that_is_not_there_is_refused() {
    let folder = Folder::new();
    let mut printed = Vec::new();
    for isa in Isa::available() {
        let forced = ["--isa", isa.name()];
        let eval = ["eval", "sum(exp(-a/7))", "a=a.npy"];
        printed.push(folder.prints(&[&eval[..], &forced].concat()));
        let explain = ["explain", "sin(x)", "x:f64", "--stage"];
        for (stage, line) in [
            ("plan", format!("isa       {isa}, ")),
            ("clif", format!("# for {isa}\n")),
            ("asm", format!("# for {isa}\n")),
        ] {
            let shown = folder.prints(&[&explain[..], &[stage], &forced].concat());
            assert!(shown.contains(&line), "{stage}: {shown}");
        }
        let functions = folder.prints(&[&["explain", "--functions"][..], &forced].concat());
        assert!(functions.contains(&format!(" run on {isa} here")));
    }
    assert!(printed.iter().all(|one| *one == printed[0]), "{printed:?}");

    let refused = folder.refuses(&["eval", "a", "a=a.npy", "--isa", "mmx"]);
    assert!(refused.contains("error[bad-instruction-set]") && refused.contains("`scalar`"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_numloom"));
    let told = |name: &str, command: &mut Command| {
        let output = command
            .args(["info"])
            .env("NUMLOOM_ISA", name)
            .output()
            .unwrap();
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap())
    };
    let [shown, _] = told("scalar", &mut command);
    assert!(shown.contains("isa       scalar, of scalar"), "{shown}");
    let [_, refused] = told("mmx", &mut Command::new(env!("CARGO_BIN_EXE_numloom")));
    assert!(
        refused.contains("error[bad-instruction-set]: `NUMLOOM_ISA`: "),
        "{refused}"
    );
}

#[test]
fn info_says_what_a_file_holds() {
    let folder = Folder::new();
    let printed = folder.prints(&["info", "m.npy"]);
    assert!(
        printed.contains("f32") && printed.contains("(2, 3)"),
        "{printed}"
    );
    assert!(folder.refuses(&["info", "none.npy"]).contains("none.npy"));
}

#[test]
fn the_demo_verifies_itself() {
    let folder = Folder::new();
    let printed = folder.prints(&["demo", "--n", "100003", "--dir", "demo"]);
    assert!(
        printed.contains("verified") && printed.contains("GB/s"),
        "{printed}"
    );
    let c = npy::open(folder.path("demo/c.npy"), MapMode::Read).unwrap();
    assert_eq!(c.shape(), [100_003]);
    assert_eq!(
        folder.run(&["demo", "--n", "0"]).status.code(),
        Some(2),
        "clap refuses it"
    );
}

#[test]
fn columns_of_a_table_are_inputs() {
    let folder = Folder::new();
    let mut rows = "price,qty,note\n".to_owned();
    let mut text = String::new();
    for i in 0..5000 {
        rows += &format!("{}.5,{},\"a, b\"\n", i % 100, i % 7);
        text += &format!("{}.5 {}\n", i % 100, i % 7);
    }
    std::fs::write(folder.path("sales.csv"), &rows).unwrap();
    std::fs::write(folder.path("sales.txt"), &text).unwrap();
    let price: Vec<f64> = (0..5000).map(|i| f64::from(i % 100) + 0.5).collect();
    let qty: Vec<i64> = (0..5000).map(|i| i64::from(i % 7)).collect();
    let expr = "total = sum(price*qty); std(price)";
    let inputs = numloom::inputs! { price: &price[..], qty: &qty[..] };
    let want = format!("{}\n", numloom::eval(expr, inputs).unwrap());
    assert_eq!(folder.prints(&["eval", expr, "--csv", "sales.csv"]), want);
    folder.prints(&[
        "eval",
        "k * (price - mean(price))",
        "k=2",
        "--csv",
        "sales.csv",
        "-o",
        "d.npy",
    ]);
    let d: Vec<f64> = folder.array("d.npy");
    assert_eq!((d.len(), d[0], d[99]), (5000, -99.0, 99.0));
    folder.prints(&[
        "eval",
        "a = price; b = -qty",
        "--csv",
        "sales.csv",
        "-o",
        "two.csv",
    ]);
    let two = std::fs::read_to_string(folder.path("two.csv")).unwrap();
    assert!(two.starts_with("a,b\n0.5,0\n1.5,-1\n"), "{}", &two[..40]);
    assert_eq!(two.lines().count(), 5001);

    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_numloom"));
    command
        .args(["eval", expr, "--csv", "-"])
        .current_dir(folder.path(""));
    command.stdin(std::fs::File::open(folder.path("sales.csv")).unwrap());
    assert_eq!(command.output().unwrap().stdout, want.as_bytes());

    for (args, say) in [
        (&["eval", "x + 1", "--csv", "sales.csv"][..], "unknown-name"),
        (
            &["eval", "sum(price)", "a=a.npy", "--csv", "sales.csv"],
            "columns of a table",
        ),
        (
            &["eval", "sum(price)", "k=2", "--csv", "sales.csv"],
            "unexpected-input",
        ),
        (
            &["eval", "price", "--csv", "sales.csv", "-o", "out.bin"],
            "FILE.csv",
        ),
        (
            &["eval", "price[1:]", "--csv", "sales.csv"],
            "not-streamable",
        ),
    ] {
        let said = folder.refuses(args);
        assert!(said.contains(say), "{args:?}: {said}");
    }
    std::fs::write(folder.path("bad.csv"), rows + "seven,1,x\n").unwrap();
    let said = folder.refuses(&["eval", "sum(price + qty)", "--csv", "bad.csv"]);
    assert!(
        said.contains("bad.csv") && said.contains("line 5002"),
        "{said}"
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    use std::process::Stdio;
    let mut child = Command::new(env!("CARGO_BIN_EXE_numloom"))
        .args(["explain", "--functions"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn an_empty_array_goes_through() {
    let folder = Folder::new();
    let none: [f64; 0] = [];
    npy::write(folder.path("none.npy"), &View::from_slice(&none)).unwrap();
    folder.prints(&["eval", "a * 2", "a=none.npy", "-o", "out.npy"]);
    let out: Array = npy::read(folder.path("out.npy")).unwrap();
    assert_eq!(out.shape(), [0]);
    assert_eq!(folder.prints(&["eval", "sum(a)", "a=none.npy"]), "0.0\n");
    std::fs::write(folder.path("raw.bin"), "").unwrap();
    assert_eq!(
        folder.prints(&["eval", "a+1", "a=raw.bin:f64[1099511627776,0]"]),
        "[]\n"
    );
    assert!(
        folder
            .refuses(&["eval", "max(a)", "a=none.npy"])
            .contains("empty-reduction")
    );
    assert!(Path::new(&folder.path("out.npy")).exists());
}

#[test]
fn byte_strings_and_fields_of_records_are_inputs() {
    let folder = Folder::new();
    // NumPy's `np.save` of a structured array: an i2, an S3.
    let text =
        "{'descr': [('n', '<i2'), ('name', '|S3')], 'fortran_order': False, 'shape': (3,), }";
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(b"\x01\0ada\x02\0bob\xff\xffcy\0");
    std::fs::write(folder.path("recs.npy"), bytes).unwrap();
    let names = ["eval", "name == b\"cy\"", "name=recs.npy:name"];
    assert_eq!(folder.prints(&names), "[False, False, True]\n");
    let both = [
        "eval",
        "sum(where(contains(name, \"b\"), n, 100))",
        "n=recs.npy:n",
        "name=recs.npy:name",
    ];
    assert_eq!(folder.prints(&both), "202\n");
    let refused = folder.refuses(&["eval", "n + 1", "n=recs.npy"]);
    assert!(refused.contains("`n`, `name`"), "{refused}");
    let refused = folder.refuses(&["eval", "n + 1", "n=recs.npy:m"]);
    assert!(refused.contains("no field `m`"), "{refused}");
}
