//! Runs that are stopped at any moment, and gone on with by the same command.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests look at the clock")]

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use numloom::io::npy;
use numloom::{MapMode, View, eval};

/// Elements of each file: some twenty windows of the least memory.
const N: usize = 2_500_000;

struct Folder(tempfile::TempDir);

impl Folder {
    /// With `a.npy` and `b.npy`.
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        let a: Vec<f64> = (0..N).map(|i| (i as f64).sin()).collect();
        let b: Vec<f64> = (0..N).map(|i| (i % 1013) as f64 / 7.0).collect();
        npy::write(folder.path("a.npy"), &View::from_slice(&a)).unwrap();
        npy::write(folder.path("b.npy"), &View::from_slice(&b)).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_numloom"));
        command.current_dir(self.0.path()).arg("eval").args(args);
        command.args(["a=a.npy", "b=b.npy", "--memory", "16M"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Waits for something in a file, or the end of the run that makes it; whether it is there.
    fn wait_for(&self, name: &str, child: &mut Child) -> bool {
        let is_empty = || !std::fs::metadata(self.path(name)).is_ok_and(|file| file.len() > 0);
        while is_empty() {
            if child.try_wait().unwrap().is_some() {
                return self.has(name);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Kills `args` at many moments, a little later each time, until it comes to its end; how often it was killed with something written down, and what it printed.
    fn kill_until_done(&self, args: &[&str], journal: &str) -> (usize, String) {
        let whole = Instant::now();
        let mut resumable = 0;
        for round in 1.. {
            let mut child = self.start(args);
            // The longer it takes, the longer it is left alone, so that it ends however slow the machine is.
            std::thread::sleep(Duration::from_millis(round * 7 % 31) + whole.elapsed() / 40);
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
            }
            let output = child.wait_with_output().unwrap();
            if output.status.success() {
                return (resumable, String::from_utf8(output.stdout).unwrap());
            }
            assert!(
                output.stderr.is_empty(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            // The journal goes when all is done: if it was killed after that, another run would apply it once more in place.
            let in_place = args.contains(&"--in-place");
            if in_place && resumable > 0 && !self.has(journal) {
                return (resumable, String::from_utf8(output.stdout).unwrap());
            }
            resumable += usize::from(self.has(journal));
        }
        unreachable!("a range without an end")
    }
}

#[test]
fn a_run_that_is_killed_at_any_moment_ends_with_the_same_bits() {
    let folder = Folder::new();
    let text = "y = 2*a + 3*b; lo = min(a); mean(a*b); std(y)";
    let text = text.replace("std(y)", "std(2*a + 3*b)");
    let whole = folder.run(&[&text, "-o", "y=whole.npy"]);
    assert!(
        whole.status.success(),
        "{}",
        String::from_utf8_lossy(&whole.stderr)
    );
    let (resumable, printed) = folder.kill_until_done(&[&text, "-o", "y=y.npy"], "y.npy.journal");
    assert!(resumable > 0, "never killed in the midst of it");
    assert_eq!(printed.as_bytes(), whole.stdout);
    assert!(folder.bytes("y.npy") == folder.bytes("whole.npy"));
    assert!(!folder.has("y.npy.journal") && !folder.has("y.npy.partial"));
}

#[test]
fn a_run_in_place_that_is_killed_at_any_moment_is_applied_once() {
    let folder = Folder::new();
    let want = eval(
        "a - mean(a) + 3*b",
        [
            (
                "a",
                &npy::open(folder.path("a.npy"), MapMode::Read).unwrap(),
            ),
            (
                "b",
                &npy::open(folder.path("b.npy"), MapMode::Read).unwrap(),
            ),
        ],
    );
    let want: Vec<f64> = want.unwrap().try_into().unwrap();
    let args = ["a - mean(a) + 3*b", "-o", "a.npy", "--in-place"];
    let (resumable, _) = folder.kill_until_done(&args, "a.npy.journal");
    assert!(resumable > 0, "never killed in the midst of it");
    let got: Vec<f64> = npy::read(folder.path("a.npy")).unwrap().to_vec().unwrap();
    let different = got
        .iter()
        .zip(&want)
        .position(|(a, b)| a.to_bits() != b.to_bits());
    assert_eq!(different, None);
    assert!(!folder.has("a.npy.journal") && !folder.has("a.npy.journal.undo"));
}

#[test]
fn without_undo_a_killed_run_in_place_is_not_run_again_unless_told_so() {
    let args = ["a + b", "-o", "a.npy", "--in-place", "--no-undo"];
    // A little later each time: killed before its first element is overwritten, a run may begin again.
    let killed_midway = (0..200).find_map(|delay| {
        let folder = Folder::new();
        let mut child = folder.start(&args);
        assert!(folder.wait_for("a.npy.journal", &mut child));
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        (folder.has("a.npy.journal") && !folder.run(&args).status.success()).then_some(folder)
    });
    let folder = killed_midway.expect("some run is killed in the midst of it");
    for extra in [&[][..], &["--fresh"]] {
        let refused = folder.run(&[&args[..], extra].concat());
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            said.contains("not-resumable") && said.contains("force"),
            "{said}"
        );
    }
    let forced = folder.run(&[&args[..], &["--force"]].concat());
    assert!(
        forced.status.success(),
        "{}",
        String::from_utf8_lossy(&forced.stderr)
    );
    assert!(!folder.has("a.npy.journal"));
}

#[test]
fn another_run_over_a_journal_is_refused_until_it_is_discarded() {
    let folder = Folder::new();
    let mut child = folder.start(&["a + b", "-o", "y.npy"]);
    assert!(folder.wait_for("y.npy.journal", &mut child));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(folder.has("y.npy.journal"), "it was killed too late");
    let said = String::from_utf8(folder.run(&["a - b", "-o", "y.npy"]).stderr).unwrap();
    assert!(
        said.contains("journal-mismatch") && said.contains("another expression"),
        "{said}"
    );
    let changed = npy::open(folder.path("b.npy"), MapMode::ReadWrite).unwrap();
    changed
        .map()
        .file()
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    let said = String::from_utf8(folder.run(&["a + b", "-o", "y.npy"]).stderr).unwrap();
    assert!(
        said.contains("journal-mismatch") && said.contains("b.npy"),
        "{said}"
    );
    let fresh = folder.run(&["a - b", "-o", "y.npy", "--fresh"]);
    assert!(
        fresh.status.success(),
        "{}",
        String::from_utf8_lossy(&fresh.stderr)
    );
    assert!(!folder.has("y.npy.journal") && !folder.has("y.npy.partial"));
}

#[test]
fn ctrl_c_says_that_the_run_can_be_gone_on_with() {
    let folder = Folder::new();
    // It takes long enough for the signal to come in the midst.
    let terms: Vec<String> = (0..300).map(|i| format!("sin(a + {i}*b)")).collect();
    let terms = terms.join(" + ");
    let args = [&terms, "-o", "y.npy"];
    let mut child = folder.start(&args);
    assert!(folder.wait_for("y.npy.journal", &mut child));
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("cancelled") && said.contains("goes on from there"),
        "{said}"
    );
    assert!(folder.has("y.npy.journal") && folder.has("y.npy.partial") && !folder.has("y.npy"));
    // The same file, spelled in another way.
    let whole = folder.path("y.npy").display().to_string();
    assert!(folder.run(&[&terms, "-o", &whole]).status.success());
    assert!(folder.has("y.npy") && !folder.has("y.npy.journal"));
}
