//! Arrays in files as sources, and files as sinks: what goes in comes out, at any size of chunks.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use numloom_data::stream::{
    ArraySource, Chunk, ChunkSink, ChunkSource, ColumnSpec, Columns, MemorySink, StreamError,
};
use numloom_data::{Array, DType, MapMode, Order, Scalar, View};
use numloom_io::csv::{CsvOptions, CsvSink, CsvSource};
use numloom_io::npy::{self, NpySink};
use numloom_io::rows::RowSource;
use numloom_io::{FileFormat, FileSpec, probe};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Moves all of a source to a sink.
fn copy(
    source: &mut dyn ChunkSource,
    columns: &[usize],
    chunk_bytes: usize,
    sink: &mut dyn ChunkSink,
) -> Result<(), StreamError> {
    let parser = source.start(columns, chunk_bytes)?;
    sink.start(&source.columns().choose(columns)?, source.rows())?;
    let mut chunk = Chunk::new();
    while source.split(&mut chunk)? {
        parser.parse(&mut chunk)?;
        let block: Vec<_> = chunk.views().collect();
        sink.write(&block)?;
    }
    sink.finish()
}

fn read(source: &mut dyn ChunkSource, chunk_bytes: usize) -> Result<Vec<Array>, StreamError> {
    let all: Vec<usize> = (0..source.columns().len()).collect();
    let mut sink = MemorySink::new();
    copy(source, &all, chunk_bytes, &mut sink)?;
    sink.into_arrays()
}

fn spec(path: &Path) -> FileSpec {
    path.display().to_string().parse().unwrap()
}

/// An array of every dtype, with some values in it.
fn sample(dtype: DType, shape: &[usize]) -> Array {
    let mut array = Array::zeros(dtype, shape, Order::C).unwrap();
    let n = dtype.itemsize();
    for (i, item) in array.as_bytes_mut().chunks_exact_mut(n).enumerate() {
        match dtype {
            DType::Bool => item[0] = u8::from(i % 3 == 0),
            // Small exponents, no NaN.
            _ => (0..n).for_each(|j| item[j] = if j + 1 == n { 0x3c } else { (i * 7 + j) as u8 }),
        }
    }
    array
}

fn every_dtype() -> impl Iterator<Item = DType> {
    DType::ALL.into_iter().chain([DType::Bytes(5)])
}

#[test]
fn npy_files_go_through_chunks_of_any_size_and_come_out_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from.npy"), dir.path().join("to.npy"));
    for dtype in every_dtype() {
        for shape in [&[0][..], &[1], &[100], &[7, 3], &[3, 0], &[4, 2, 3]] {
            let array = sample(dtype, shape);
            npy::write(&from, &array.view()).unwrap();
            let mut source = RowSource::open([("x", spec(&from))]).unwrap();
            assert_eq!(source.rows(), Some(shape[0] as u64));
            for chunk_bytes in [0, 13, 100, 1 << 20] {
                copy(&mut source, &[0], chunk_bytes, &mut NpySink::new(&to)).unwrap();
                assert_eq!(npy::read(&to).unwrap(), array);
                assert_eq!(read(&mut source, chunk_bytes).unwrap()[0], array);
            }
        }
    }
}

#[test]
fn raw_files_of_either_byte_order_are_read_by_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.bin");
    std::fs::write(&path, [9, 9, 0, 1, 0, 2, 1, 0, 0, 3]).unwrap();
    let open = |text: &str| {
        let spec: FileSpec = format!("{}:{text}", path.display()).parse().unwrap();
        RowSource::open([("x", spec)])
    };
    let x = read(&mut open(">i2@2").unwrap(), 3).unwrap();
    assert_eq!(x[0].to_vec::<i16>().unwrap(), [1, 2, 256, 3]);
    let x = read(&mut open(">i2[2,2]@2").unwrap(), 3).unwrap();
    assert_eq!(
        x[0],
        Array::from_slice(&[1i16, 2, 256, 3], &[2, 2]).unwrap()
    );
    for (text, want) in [
        (
            ">i2[5]@2",
            "is too short: 12 bytes are needed, the file has 10",
        ),
        (
            "i32@3",
            "holds 7 bytes of elements, which is no multiple of 4",
        ),
        (
            "i16@11",
            "is too short: 11 bytes are needed, the file has 10",
        ),
        (
            "i16[2,2]:F",
            "the array is in Fortran order, and cannot be read row by row: map it instead",
        ),
    ] {
        let error = open(text).unwrap_err().to_string();
        assert!(error.ends_with(want), "{error}");
    }
    // One axis, in whatever order.
    assert_eq!(open("u8[10]:F").unwrap().rows(), Some(10));
}

/// Records of a `u1` and a `>f8`, as NumPy writes them.
fn records(path: &Path, n: u8) {
    let mut text =
        b"{'descr': [('id', '|u1'), ('x', '>f8')], 'fortran_order': False, 'shape': (".to_vec();
    write!(text, "{n},), }}").unwrap();
    text.resize(118 - 1, b' ');
    text.push(b'\n');
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend_from_slice(&text);
    for i in 0..n {
        bytes.push(i);
        bytes.extend_from_slice(&(f64::from(i) / 4.0).to_be_bytes());
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn fields_of_records_are_columns() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.npy");
    records(&path, 10);
    let field = |name: &str| {
        format!("{}:{name}", path.display())
            .parse::<FileSpec>()
            .unwrap()
    };
    let mut source = RowSource::open([("x", field("x")), ("id", field("id"))]).unwrap();
    for chunk_bytes in [1, 30, 1000] {
        let columns = read(&mut source, chunk_bytes).unwrap();
        let want: Vec<f64> = (0..10).map(|i| f64::from(i) / 4.0).collect();
        assert_eq!(columns[0].to_vec::<f64>().unwrap(), want);
        assert_eq!(
            columns[1].to_vec::<u8>().unwrap(),
            (0..10).collect::<Vec<_>>()
        );
    }
}

fn archive(path: &Path, method: CompressionMethod, members: &[(&str, &Array)]) {
    let mut zip = ZipWriter::new(std::fs::File::create(path).unwrap());
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, array) in members {
        zip.start_file(format!("{name}.npy"), options).unwrap();
        npy::write_to(&mut zip, &array.view()).unwrap();
    }
    zip.start_file("readme.txt", options).unwrap();
    zip.write_all(b"no array").unwrap();
    zip.finish().unwrap();
}

#[test]
fn members_of_archives_are_columns_stored_or_deflated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npz");
    let (x, y) = (sample(DType::F64, &[100]), sample(DType::I16, &[100, 2]));
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        archive(&path, method, &[("x", &x), ("y", &y)]);
        let mut source = RowSource::open_npz(&path, &[]).unwrap();
        for chunk_bytes in [1, 100, 1 << 20] {
            assert_eq!(
                read(&mut source, chunk_bytes).unwrap(),
                [sample(DType::F64, &[100]), sample(DType::I16, &[100, 2])]
            );
        }
        let mut source = RowSource::open_npz(&path, &["y"]).unwrap();
        assert_eq!(read(&mut source, 64).unwrap()[0], y);
        let error = RowSource::open_npz(&path, &["z"]).unwrap_err().to_string();
        assert!(
            error.ends_with("no column is named `z`: they are `x`, `y`"),
            "{error}"
        );
    }
    archive(
        &path,
        CompressionMethod::Deflated,
        &[("x", &x), ("z", &sample(DType::U8, &[3]))],
    );
    let error = RowSource::open_npz(&path, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column `z` has 3 rows where the first has 100"
    );
}

#[test]
fn a_stored_member_is_mapped_where_it_lies_and_a_deflated_one_says_how_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npz");
    let (x, y) = (sample(DType::F64, &[100]), sample(DType::I16, &[100, 2]));
    let spec = |member| -> FileSpec { format!("{}:{member}", path.display()).parse().unwrap() };
    let says = |member, mode| spec(member).open(mode).unwrap_err().to_string();
    archive(&path, CompressionMethod::Stored, &[("x", &x), ("y", &y)]);
    for mode in [MapMode::Read, MapMode::CopyOnWrite] {
        assert_eq!(spec("y").open(mode).unwrap().view().to_array().unwrap(), y);
    }
    assert!(says("z", MapMode::Read).ends_with("no member `z`; the members are `x`, `y`"));
    assert!(says("x", MapMode::ReadWrite).contains("member `x` of an archive cannot be written"));
    let created = spec("x")
        .create(DType::F64, &[100])
        .unwrap_err()
        .to_string();
    assert!(created.contains("cannot be written"), "{created}");
    let shown = probe(&path).unwrap().to_string();
    assert!(
        shown.ends_with(
            ".npz archive: 2 arrays\nx: f64, shape (100,), C order\ny: i16, shape (100, 2), C order"
        ),
        "{shown}"
    );

    archive(&path, CompressionMethod::Deflated, &[("x", &x), ("y", &y)]);
    assert!(says("x", MapMode::Read).contains("member `x` is compressed, so it cannot be mapped"));
    let mut source = RowSource::open([("a", spec("x")), ("b", spec("y"))]).unwrap();
    assert_eq!(read(&mut source, 64).unwrap(), [x, y]);
}

#[test]
fn a_member_that_cannot_be_read_hides_no_other_and_none_reads_beyond_its_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npz");
    let spec = |member| -> FileSpec { format!("{}:{member}", path.display()).parse().unwrap() };
    let x = sample(DType::F64, &[10]);
    let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut add = |name: &str, array: &Array, behind: &[u8]| {
        zip.start_file(format!("{name}.npy"), stored).unwrap();
        npy::write_to(&mut zip, &array.view()).unwrap();
        zip.write_all(behind).unwrap();
    };
    add("k", &sample(DType::F64, &[]), b"");
    add("long", &x, b"more");
    add("evil\x1b[31m\nname", &x, b"");
    add("x", &x, b"");
    zip.start_file("text.npy", stored).unwrap();
    zip.write_all(b"no array").unwrap();
    zip.finish().unwrap();

    let mapped = spec("x").open(MapMode::Read).unwrap();
    assert_eq!(mapped.view().to_array().unwrap(), x);
    let mut source = RowSource::open_npz(&path, &["x"]).unwrap();
    assert_eq!(read(&mut source, 64).unwrap(), [x]);
    let error = spec("long").open(MapMode::Read).unwrap_err().to_string();
    assert!(
        error.ends_with("`long` has more bytes than its elements"),
        "{error}"
    );
    let error = RowSource::open_npz(&path, &[]).unwrap_err().to_string();
    assert!(error.contains("`k` has no axes"), "{error}");
    let found = probe(&path).unwrap();
    let shown = found.to_string();
    assert!(
        shown.contains("\nx: f64, shape (10,), C order\ntext: cannot be read: "),
        "{shown}"
    );
    assert!(shown.contains("\nevil\\u{1b}[31m\\nname: f64"), "{shown}");

    // Both sizes of `x`, in its own header and in the directory, say that it has 72 bytes more than it has.
    let FileFormat::Npz(members) = found.format else {
        panic!("{shown}");
    };
    let (_, header) = members.into_iter().find(|(name, _)| name == "x").unwrap();
    let header = header.unwrap();
    let size = u32::try_from(header.data_offset + header.data_bytes()).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    for (signature, size_at, name_at) in [(b"PK\x03\x04", 22, 30), (b"PK\x01\x02", 24, 46)] {
        let is_x = |&i: &usize| {
            bytes[i..].starts_with(signature) && bytes[i + name_at..].starts_with(b"x.npy")
        };
        let at = (0..bytes.len() - 50).find(is_x).unwrap() + size_at;
        assert_eq!(bytes[at..at + 4], size.to_le_bytes());
        bytes[at..at + 4].copy_from_slice(&(size + 72).to_le_bytes());
    }
    std::fs::write(&path, &bytes).unwrap();
    let error = spec("x").open(MapMode::Read).unwrap_err().to_string();
    assert!(
        error.contains("cannot read the archive: `x` is stored as it is in"),
        "{error}"
    );
}

#[test]
fn a_damaged_compressed_archive_is_an_error_and_never_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npz");
    let x = sample(DType::F64, &[1000]);
    archive(&path, CompressionMethod::Deflated, &[("x", &x)]);
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&path, &bytes).unwrap();
        let got = RowSource::open_npz(&path, &["x"]).and_then(|mut source| read(&mut source, 999));
        if let Ok(got) = got {
            assert_eq!(got[0], x, "byte {at} does not matter");
        }
    }
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = RowSource::open_npz(&path, &[]).unwrap_err().to_string();
    assert!(
        error.contains("a.npz`: cannot read the archive: "),
        "{error}"
    );
}

#[test]
fn a_file_that_is_cut_short_while_it_is_read_is_an_error_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    npy::write(&path, &sample(DType::F64, &[100]).view()).unwrap();
    let mut source = RowSource::open([("x", spec(&path))]).unwrap();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(500)
        .unwrap();
    let error = read(&mut source, 80).unwrap_err().to_string();
    assert!(
        error.ends_with("a.npy` is too short: 528 bytes are needed, the file has 500"),
        "{error}"
    );
}

#[test]
fn columns_of_a_table_have_rows_and_as_many_as_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b, c] = ["a.npy", "b.npy", "c.npy"].map(|name| dir.path().join(name));
    npy::write(&a, &sample(DType::F64, &[3]).view()).unwrap();
    npy::write(&b, &sample(DType::F64, &[4]).view()).unwrap();
    npy::write(&c, &View::scalar(&1.0)).unwrap();
    let error = RowSource::open([("a", spec(&a)), ("b", spec(&b))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column `b` has 4 rows where the first has 3"
    );
    let error = RowSource::open([("c", spec(&c))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`c` has no axes, so it has no rows to be read by"
    );
    let f = Array::zeros(DType::F64, &[3, 2], Order::F).unwrap();
    npy::write(&c, &f.view()).unwrap();
    let error = RowSource::open([("c", spec(&c))]).unwrap_err().to_string();
    assert!(error.ends_with("map it instead"), "{error}");
}

#[test]
fn a_sink_that_is_not_finished_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (npy, csv) = (dir.path().join("x.npy"), dir.path().join("x.csv"));
    std::fs::write(&csv, "old").unwrap();
    let columns = Columns::new(vec![ColumnSpec::new("x", DType::F64)]);
    let sinks: [Box<dyn ChunkSink>; 2] = [
        Box::new(NpySink::new(&npy)),
        Box::new(CsvSink::create(&csv)),
    ];
    for mut sink in sinks {
        assert_eq!(
            sink.write(&[View::from_slice(&[1.0])])
                .unwrap_err()
                .to_string(),
            "the pass has not been started"
        );
        sink.start(&columns, None).unwrap();
        sink.write(&[View::from_slice(&[1.0])]).unwrap();
        drop(sink);
    }
    assert!(!npy.exists());
    assert_eq!(std::fs::read_to_string(&csv).unwrap(), "old");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let error = NpySink::new(&npy)
        .start(&Columns::default(), None)
        .unwrap_err();
    assert_eq!(error.to_string(), "expected 1 columns, found 0");
}

/// What is written to it, for all to see.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn csv_that_is_written_is_read_back_to_the_bit() {
    for dtype in every_dtype() {
        let mut array = sample(dtype, &[50]);
        if dtype == DType::F64 {
            let values = [
                f64::NAN,
                -0.0,
                f64::INFINITY,
                f64::NEG_INFINITY,
                5e-324,
                f64::MAX,
                0.1,
            ];
            array.as_mut_slice::<f64>().unwrap()[..7].copy_from_slice(&values);
        }
        if dtype.is_bytes() {
            for (i, text) in [&b""[..], b" a", b"a,b", b"\"", b"\n", b"\r", b"a\"b\""]
                .iter()
                .enumerate()
            {
                let mut padded = text.to_vec();
                padded.resize(5, 0);
                let value = Scalar::Bytes(padded.into());
                array.view_mut().set(&[i], &value).unwrap();
            }
        }
        let shared = Shared::default();
        let mut source = ArraySource::new(vec![("x, \"y\"".into(), array)]).unwrap();
        let want = read(&mut source, 1 << 20).unwrap();
        let mut sink = CsvSink::to_writer(shared.clone());
        copy(&mut source, &[0], 40, &mut sink).unwrap();
        let text = shared.0.lock().unwrap().clone();
        let options = CsvOptions::new().every_dtype(dtype);
        let mut again = CsvSource::from_bytes(text, &options).unwrap();
        assert_eq!(again.columns()[0].name, "x, \"y\"");
        let got = read(&mut again, 64).unwrap();
        assert_eq!(got[0].to_string(), want[0].to_string(), "{dtype}");
        // The bits of a NaN are not written.
        if !dtype.is_float() && !dtype.is_complex() {
            assert_eq!(got, want, "{dtype}");
        }
    }
}

#[test]
fn csv_has_one_field_for_a_row() {
    let columns = Columns::new(vec![ColumnSpec::with_row_shape("rgb", DType::U8, &[3])]);
    let error = CsvSink::to_writer(Vec::new())
        .start(&columns, None)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the rows of column `rgb` are arrays, which have no place in a field"
    );
}
