//! The fuzz bodies on stable: every regression and seed file, and a few thousand seeded inputs.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use numloom_testkit::choices::{Choices, seeded};
use numloom_testkit::fuzz::{BODIES, Body};
use numloom_testkit::generate;

/// Seeded inputs of each body: fewer where code is not optimised.
const RUNS: u64 = if cfg!(debug_assertions) {
    1_000
} else {
    10_000
};

fn fuzz_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn body(name: &str) -> Body {
    BODIES
        .iter()
        .find(|(n, _)| *n == name)
        .expect("every target has a body")
        .1
}

/// Runs the body over the input, and says which input it was that failed.
fn run(name: &str, what: &str, data: &[u8]) {
    let body = body(name);
    if catch_unwind(|| body(data)).is_err() {
        let shown = String::from_utf8_lossy(data);
        panic!(
            "`{name}` fails on {what}, {} bytes: {data:?}\n{shown}",
            data.len()
        );
    }
}

fn replay(name: &str) {
    let mut files = 0;
    for kind in ["corpus", "regressions"] {
        let dir = fuzz_dir().join(kind).join(name);
        let entries = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        for entry in entries {
            let path = entry.expect("a directory can be listed").path();
            let data = std::fs::read(&path).expect("a seed can be read");
            run(name, &path.display().to_string(), &data);
            files += 1;
        }
    }
    assert!(files > 0, "`{name}` has seeds");
    for seed in 0..RUNS {
        let bytes = seeded(seed, 16 + (seed as usize * 37) % 700);
        run(name, &format!("seed {seed}"), &bytes);
        // Texts that are nearly right get further than bytes do.
        if matches!(name, "parse" | "round_trip" | "lower_optimize") {
            let soup = generate::soup(&mut Choices::new(&bytes));
            let prefix = if name == "parse" { "" } else { "\0" };
            run(
                name,
                &format!("soup {seed}"),
                format!("{prefix}{soup}").as_bytes(),
            );
        }
    }
}

#[test]
fn every_body_has_a_target_file() {
    for (name, _) in BODIES {
        assert!(
            fuzz_dir().join(format!("fuzz_targets/{name}.rs")).exists(),
            "{name}"
        );
    }
}

#[test]
fn parse_holds() {
    replay("parse");
}

#[test]
fn round_trip_holds() {
    replay("round_trip");
}

#[test]
fn lower_optimize_holds() {
    replay("lower_optimize");
}

#[test]
fn differential_holds() {
    replay("differential");
}

#[test]
fn npy_holds() {
    replay("npy");
}

#[test]
fn csv_holds() {
    replay("csv");
}

#[test]
fn white_space_holds() {
    replay("white_space");
}
