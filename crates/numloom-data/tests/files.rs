//! Memory maps and outputs: modes, lengths, and what is left behind when things go wrong.

use std::fs;
use std::path::Path;

use numloom_data::{
    DType, DataErrorKind, MapMode, MapSpec, MappedArray, Mmap, Order, OutputFile, Scalar,
    partial_path,
};
use tempfile::tempdir;

fn spec(mode: MapMode, shape: &[usize]) -> MapSpec {
    MapSpec {
        shape: Some(shape.to_vec()),
        ..MapSpec::new(mode, DType::I32)
    }
}

fn write(path: &Path, values: &[i32]) {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
    fs::write(path, bytes).unwrap();
}

fn read(path: &Path) -> Vec<i32> {
    let bytes = fs::read(path).unwrap();
    let (words, rest) = bytes.as_chunks();
    assert!(rest.is_empty());
    words.iter().map(|&word| i32::from_ne_bytes(word)).collect()
}

#[test]
fn each_mode_changes_what_its_name_says() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.bin");
    let set = |mode| -> Result<(), numloom_data::DataError> {
        let mut array = MappedArray::open(&path, spec(mode, &[3]))?;
        array.view_mut()?.set(&[1], &Scalar::I32(9))?;
        assert_eq!(array.view().get(&[1]), Some(Scalar::I32(9)));
        array.flush()
    };
    write(&path, &[1, 2, 3]);
    let error = set(MapMode::Read).unwrap_err();
    assert!(matches!(error.kind(), DataErrorKind::ReadOnly { path: p } if *p == path));
    set(MapMode::CopyOnWrite).unwrap();
    assert_eq!(read(&path), [1, 2, 3]);
    set(MapMode::ReadWrite).unwrap();
    assert_eq!(read(&path), [1, 9, 3]);
    set(MapMode::Create).unwrap();
    assert_eq!(read(&path), [0, 9, 0]);
    // A finished file is not locked, even while its map is there.
    let created = MappedArray::open(&path, spec(MapMode::Create, &[3])).unwrap();
    fs::File::open(&path).unwrap().try_lock().unwrap();
    drop(created);
    assert!(!partial_path(&path).exists());
}

#[test]
fn offsets_need_no_alignment_and_files_may_be_longer() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.bin");
    fs::write(&path, b"xyz\x01\0\0\0\x02\0\0\0tail").unwrap();
    let mut spec = MapSpec {
        offset: 3,
        byte_order: numloom_data::ByteOrder::LITTLE,
        ..spec(MapMode::Read, &[2])
    };
    let array = MappedArray::open(&path, spec.clone()).unwrap();
    assert!(!array.view().is_aligned());
    assert_eq!(
        array.view().to_array().unwrap().to_vec::<i32>().unwrap(),
        [1, 2]
    );
    spec.shape = None;
    assert_eq!(MappedArray::open(&path, spec.clone()).unwrap().shape(), [3]);
    spec.offset = 2;
    assert_eq!(
        MappedArray::open(&path, spec).unwrap_err().to_string(),
        format!(
            "`{}` holds 13 bytes of elements, which is no multiple of 4",
            path.display()
        )
    );
}

#[test]
fn no_elements_can_be_mapped_in_every_mode() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("empty.bin");
    for mode in [
        MapMode::Create,
        MapMode::Read,
        MapMode::ReadWrite,
        MapMode::CopyOnWrite,
    ] {
        let mut array = MappedArray::open(&path, spec(mode, &[0, 5])).unwrap();
        assert_eq!(array.view().to_array().unwrap().len(), 0);
        assert_eq!(array.view_mut().is_ok(), mode.is_writable());
        array.check_len().unwrap();
        array.flush().unwrap();
    }
    assert_eq!(
        MappedArray::open(&path, MapSpec::new(MapMode::Read, DType::F64))
            .unwrap()
            .shape(),
        [0]
    );
    let out = OutputFile::create(&path, b"head", DType::F64, &[0], Order::C).unwrap();
    out.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"head");
}

#[test]
fn short_files_are_errors_with_both_lengths() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.bin");
    write(&path, &[1, 2]);
    let error = MappedArray::open(&path, spec(MapMode::Read, &[3])).unwrap_err();
    assert!(matches!(
        error.kind(),
        DataErrorKind::Truncated {
            needed: 12,
            found: 8,
            ..
        }
    ));
    let mut past = MapSpec::new(MapMode::Read, DType::I32);
    past.offset = 9;
    assert!(matches!(
        MappedArray::open(&path, past).unwrap_err().kind(),
        DataErrorKind::Truncated {
            needed: 9,
            found: 8,
            ..
        }
    ));
    let error = Mmap::open(&path, MapMode::Read, u64::MAX, Some(1)).unwrap_err();
    assert!(matches!(error.kind(), DataErrorKind::Io { .. }));
    let huge = MappedArray::open(&path, spec(MapMode::Create, &[usize::MAX, 2])).unwrap_err();
    assert!(matches!(huge.kind(), DataErrorKind::ShapeOverflow { .. }));
    assert_eq!(read(&path), [1, 2]);
}

#[test]
fn a_file_truncated_after_mapping_is_noticed_before_the_next_run() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.bin");
    write(&path, &[1, 2, 3]);
    let array = MappedArray::open(&path, spec(MapMode::Read, &[3])).unwrap();
    array.check_len().unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(4)
        .unwrap();
    let error = array.check_len().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` is too short: 12 bytes are needed, the file has 4",
            path.display()
        )
    );
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let dir = tempdir().unwrap();
    let not_a_file = |path: &Path, mode| {
        let error = MappedArray::open(path, spec(mode, &[1])).unwrap_err();
        match error.kind() {
            DataErrorKind::NotAFile { found, .. } => *found,
            other => panic!("{other:?}"),
        }
    };
    for mode in MapMode::ALL {
        assert_eq!(not_a_file(dir.path(), mode), "a directory");
    }
    #[cfg(unix)]
    {
        let pipe = dir.path().join("pipe");
        let status = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(status.unwrap().success());
        assert_eq!(not_a_file(&pipe, MapMode::Read), "a pipe");
        assert_eq!(not_a_file(&pipe, MapMode::Create), "a pipe");
        assert_eq!(
            not_a_file(Path::new("/dev/null"), MapMode::ReadWrite),
            "a device"
        );
    }
    let error = MappedArray::open(dir.path().join("none"), spec(MapMode::Read, &[1])).unwrap_err();
    assert!(matches!(
        error.kind(),
        DataErrorKind::Io { action: "open", .. }
    ));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn an_output_has_its_name_only_after_commit() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("c.bin");
    write(&path, &[7]);
    let make = || {
        let mut out = OutputFile::create(&path, b"", DType::I32, &[2], Order::C).unwrap();
        out.view_mut().fill(&Scalar::I32(5)).unwrap();
        out
    };
    let out = make();
    assert_eq!(read(&path), [7]);
    assert!(partial_path(&path).exists());
    drop(out);
    assert_eq!(read(&path), [7]);
    assert!(!partial_path(&path).exists());

    make().commit().unwrap();
    assert_eq!(read(&path), [5, 5]);
    write(&path, &[7]);
    make().commit_synced().unwrap();
    assert_eq!(read(&path), [5, 5]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn an_unfinished_output_can_be_taken_up_again() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("c.bin");
    let mut out = OutputFile::create(&path, b"head", DType::I32, &[2], Order::C).unwrap();
    out.view_mut().set(&[0], &Scalar::I32(1)).unwrap();
    out.keep_on_drop(true);
    drop(out);

    let reopen = |n| OutputFile::reopen(&path, 4, DType::I32, &[n], Order::C);
    assert!(matches!(
        reopen(3).unwrap_err().kind(),
        DataErrorKind::Truncated { .. }
    ));
    drop(reopen(2).unwrap());
    let mut out = reopen(2).unwrap();
    assert_eq!(out.view().get(&[0]), Some(Scalar::I32(1)));
    out.view_mut().set(&[1], &Scalar::I32(2)).unwrap();
    out.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap()[..5], *b"head\x01");
    assert!(matches!(
        reopen(2).unwrap_err().kind(),
        DataErrorKind::Io { .. }
    ));

    // A new output starts from zeros, whatever an earlier one left.
    fs::write(partial_path(&path), [0xff; 100]).unwrap();
    let out = OutputFile::create(&path, b"", DType::I32, &[2], Order::C).unwrap();
    assert_eq!(
        out.view().to_array().unwrap().to_vec::<i32>().unwrap(),
        [0, 0]
    );
}

#[test]
fn two_writers_of_one_output_do_not_meet() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("c.bin");
    let first = OutputFile::create(&path, b"", DType::I32, &[2], Order::C).unwrap();
    let error = OutputFile::create(&path, b"", DType::I32, &[2], Order::C).unwrap_err();
    assert!(matches!(error.kind(), DataErrorKind::InUse { .. }));
    assert!(first.partial_path().exists());
    first.commit().unwrap();
    OutputFile::create(&path, b"", DType::I32, &[2], Order::C).unwrap();
    assert_eq!(read(&path), [0, 0]);
}

#[cfg(unix)]
#[test]
fn a_replaced_file_keeps_its_link_its_mode_and_its_readers() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = tempdir().unwrap();
    let (path, link) = (dir.path().join("c.bin"), dir.path().join("link.bin"));
    write(&path, &[7]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&path, &link).unwrap();
    let reader = MappedArray::open(&path, spec(MapMode::Read, &[1])).unwrap();

    drop(MappedArray::open(&link, spec(MapMode::Create, &[2])).unwrap());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(read(&path), [0, 0]);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(reader.view().get(&[0]), Some(Scalar::I32(7)));
    reader.check_len().unwrap();

    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let error = MappedArray::open(&path, spec(MapMode::Create, &[2])).unwrap_err();
    assert!(matches!(
        error.kind(),
        DataErrorKind::Io {
            action: "replace",
            ..
        }
    ));
}

#[test]
fn released_pages_keep_their_values() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.bin");
    let n = 100_000;
    let modes = [MapMode::Create, MapMode::CopyOnWrite, MapMode::ReadWrite];
    for (value, mode) in (4..).map(Scalar::I32).zip(modes) {
        let mut array = MappedArray::open(&path, spec(mode, &[n])).unwrap();
        array.view_mut().unwrap().fill(&value).unwrap();
        for advice in [
            numloom_data::Advice::Sequential,
            numloom_data::Advice::PopulateRead,
            numloom_data::Advice::Release,
        ] {
            array.map().advise(advice, 5000..usize::MAX).unwrap();
        }
        array.map().flush_range(8192..10_000).unwrap();
        assert!(array.view().scalars().all(|found| found == value));
    }
}

/// Runs in a child process, since the limit is the process's and cannot be raised again.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_before_anything_is_written() {
    const CHILD: &str = "NUMLOOM_TEST_FULL_DISK";
    if let Some(dir) = std::env::var_os(CHILD) {
        let path = Path::new(&dir).join("c.bin");
        let error = OutputFile::create(&path, b"", DType::I32, &[1 << 20], Order::C).unwrap_err();
        assert!(
            matches!(
                error.kind(),
                DataErrorKind::NoSpace {
                    bytes: 4_194_304,
                    ..
                }
            ),
            "{error}"
        );
        let error = MappedArray::open(&path, spec(MapMode::Create, &[1 << 20])).unwrap_err();
        assert!(
            matches!(error.kind(), DataErrorKind::NoSpace { .. }),
            "{error}"
        );
        return;
    }
    let dir = tempdir().unwrap();
    write(&dir.path().join("c.bin"), &[7]);
    let test = "a_full_disk_is_an_error_before_anything_is_written";
    let script = "ulimit -f 1024; exec \"$0\" --exact --test-threads 1 \"$1\"";
    let output = std::process::Command::new("bash")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(CHILD, dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{output:?}"
    );
    assert_eq!(read(&dir.path().join("c.bin")), [7]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// More than any memory has: `/dev/shm` is a file system in memory, and knows its size.
#[cfg(target_os = "linux")]
#[test]
fn more_than_the_disk_holds_leaves_nothing_behind() {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = dir.path().join("c.bin");
    let error = OutputFile::create(&path, b"", DType::U8, &[1 << 46], Order::C).unwrap_err();
    match error.kind() {
        DataErrorKind::NoSpace { source, .. } => {
            assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Writers come and go; whenever the file is there, it is one writer's whole output.
#[test]
fn many_writers_never_show_a_torn_file() {
    const N: usize = 16;
    let dir = tempdir().unwrap();
    let path = dir.path().join("c.bin");
    let write = &|value: i32| {
        let mut commits = 0;
        for _ in 0..2000 {
            match OutputFile::create(&path, b"", DType::I32, &[N], Order::C) {
                Ok(mut out) => {
                    out.view_mut().fill(&Scalar::I32(value)).unwrap();
                    out.commit().unwrap();
                    commits += 1;
                }
                Err(error) => assert!(
                    matches!(error.kind(), DataErrorKind::InUse { .. }),
                    "{error}"
                ),
            }
            if path.exists() {
                let values = read(&path);
                assert_eq!(values.len(), N);
                assert!(values[0] > 0 && values.iter().all(|&v| v == values[0]));
            }
        }
        commits
    };
    let commits: Vec<i32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=4)
            .map(|value| scope.spawn(move || write(value)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(commits.iter().sum::<i32>() > 0);
}
