//! The commands that the documents show, run as they stand there.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

use numloom::View;
use numloom::io::npy;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A folder with `a.npy` (f64, 0 to 9), `b.npy` (f64, 9 to 0), archives of both, `x.npz` compressed and `y.npz` not, and `raw.bin` (16 bytes, then f64 from 0 on).
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let a: Vec<f64> = (0..10).map(f64::from).collect();
    let b: Vec<f64> = a.iter().rev().copied().collect();
    npy::write(path("a.npy"), &View::from_slice(&a)).unwrap();
    npy::write(path("b.npy"), &View::from_slice(&b)).unwrap();
    for (name, method) in [
        ("x.npz", CompressionMethod::Deflated),
        ("y.npz", CompressionMethod::Stored),
    ] {
        let mut zip = ZipWriter::new(fs::File::create(path(name)).unwrap());
        let options = SimpleFileOptions::default().compression_method(method);
        for (member, values) in [("a.npy", &a), ("b.npy", &b)] {
            zip.start_file(member, options).unwrap();
            npy::write_to(&mut zip, &View::from_slice(values)).unwrap();
        }
        zip.finish().unwrap();
    }
    let elements = a.iter().flat_map(|x| x.to_le_bytes());
    let raw: Vec<u8> = [b'h'; 16].into_iter().chain(elements).collect();
    fs::write(path("raw.bin"), raw).unwrap();
    folder
}

/// What a block's commands print, beneath each of them.
fn transcript(block: &str, folder: &Path) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_numloom"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let mut shown = String::new();
    for line in block.lines().filter(|line| line.starts_with("$ ")) {
        let mut shell = Command::new("sh");
        let shell = shell.current_dir(folder).env("PATH", &path);
        let output = shell.args(["-c", &line[2..]]).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        shown += &format!("{line}\n{}{}", text(output.stdout), text(output.stderr));
    }
    shown
}

#[test]
fn commands_print_what_the_document_says() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/bigger-than-memory.md"
    );
    let document = fs::read_to_string(file).unwrap();
    let blocks: Vec<&str> = document
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 4);
    for block in blocks {
        assert_eq!(transcript(block, folder().path()), block);
    }
}
