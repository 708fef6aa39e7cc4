//! CSV: what is read, what is refused and where, and that it does not matter where the text is cut.

use std::io::{Cursor, Write};
use std::sync::Mutex;

use csv_core::{ReadFieldResult, Reader};
use numloom_data::stream::{Chunk, ChunkSource, StreamError};
use numloom_data::{Array, DType};
use numloom_io::csv::{CsvOptions, CsvSource};
use proptest::prelude::*;

/// All rows of all columns, each chunk's after the other's.
fn read(source: &mut CsvSource, chunk_bytes: usize) -> Result<Vec<Array>, StreamError> {
    let all: Vec<usize> = (0..source.columns().len()).collect();
    read_columns(source, &all, chunk_bytes)
}

fn read_columns(
    source: &mut CsvSource,
    columns: &[usize],
    chunk_bytes: usize,
) -> Result<Vec<Array>, StreamError> {
    use numloom_data::stream::{ChunkSink, MemorySink};
    let parser = source.start(columns, chunk_bytes)?;
    let mut sink = MemorySink::new();
    sink.start(&source.columns().choose(columns)?, None)?;
    let mut chunk = Chunk::new();
    while source.split(&mut chunk)? {
        parser.parse(&mut chunk)?;
        let block: Vec<_> = chunk.views().collect();
        sink.write(&block)?;
    }
    sink.finish()?;
    sink.into_arrays()
}

fn open(text: &[u8], options: &CsvOptions) -> Result<CsvSource, StreamError> {
    CsvSource::from_bytes(text, options)
}

/// The columns as text, whatever the chunks are.
fn columns(text: &str, options: &CsvOptions) -> Vec<String> {
    let mut source = open(text.as_bytes(), options).unwrap();
    let whole = read(&mut source, 1 << 20).unwrap();
    for chunk_bytes in [0, 1, 10, 60] {
        let parts = read(&mut source, chunk_bytes).unwrap();
        for (whole, part) in whole.iter().zip(&parts) {
            assert_eq!(whole.to_string(), part.to_string());
        }
    }
    let specs = source.columns().iter();
    specs
        .zip(&whole)
        .map(|(spec, array)| format!("{spec} {array}").replace("\\x00", ""))
        .collect()
}

/// The error of reading all columns: the same at any size of chunks.
fn error(text: &[u8], options: &CsvOptions) -> String {
    let errors = [0, 1, 5, 17, 64, 1000, 1 << 20].map(|chunk_bytes| {
        open(text, options)
            .and_then(|mut source| read(&mut source, chunk_bytes))
            .unwrap_err()
            .to_string()
    });
    for error in &errors {
        assert_eq!(*error, errors[0]);
    }
    errors[0].clone()
}

fn plain() -> CsvOptions {
    CsvOptions::new()
}

#[test]
fn names_come_from_the_header_and_dtypes_from_the_records() {
    assert_eq!(
        columns(
            "id, price ,\"the \"\"name\"\"\",ok\n1,0.5,\"a,b\",true\n-2,1e3,\"c\nd\",False\n",
            &plain()
        ),
        [
            "id: i64 [1, -2]",
            "price: f64 [0.5, 1000.0]",
            "the \\\"name\\\": S8 [b\"a,b\", b\"c\\nd\"]",
            "ok: bool [True, False]",
        ]
    );
}

#[test]
fn line_ends_blank_lines_and_marks_of_order_do_not_matter() {
    let want = ["x: i64 [1, 2]", "y: i64 [3, 4]"];
    for text in [
        "x,y\n1,3\n2,4\n",
        "x,y\n1,3\n2,4",
        "x,y\r\n1,3\r\n2,4\r\n",
        "x,y\r\n1,3\n2,4\r",
        "\n\nx,y\n\n1,3\r\n\r\n\n2,4\n\n",
        "\u{feff}x,y\n1,3\n2,4\n",
        "\u{feff}\"x\",\"y\"\r\n\"1\",\"3\"\r\n\"2\",\"4\"\r\n",
        "x,y\n 1,\t3 \n2 , 4",
    ] {
        assert_eq!(columns(text, &plain()), want, "{text:?}");
    }
}

#[test]
fn options_say_how_a_file_is_written() {
    let options = plain().delimiter(b';').quote(None).header(false);
    assert_eq!(
        columns("5\" pipe;2\n3\" pipe;4\n", &options),
        [
            "c0: S8 [b\"5\\\" pipe\", b\"3\\\" pipe\"]",
            "c1: i64 [2, 4]"
        ]
    );
    let options = plain().comment(Some(b'#')).skip_lines(2);
    assert_eq!(
        columns(
            "made by\nhand, \"\n# a \" comment, too\nx\n#2\n1\n#3",
            &options
        ),
        ["x: i64 [1]"]
    );
    let options = plain().names(["u", "v"]).header(true);
    assert_eq!(
        columns("a,b\n1,2\n", &options),
        ["u: i64 [1]", "v: i64 [2]"]
    );
    let options = plain().names(["u", "v"]).header(false);
    assert_eq!(columns("1,2\n", &options), ["u: i64 [1]", "v: i64 [2]"]);
    assert_eq!(columns("", &options), ["u: f64 []", "v: f64 []"]);
}

#[test]
fn dtypes_that_are_given_are_not_inferred() {
    let options = plain().dtype("a", DType::F32).dtype("b", DType::Bytes(2));
    assert_eq!(
        columns("a,b,c\n1,2,3\n", &options),
        ["a: f32 [1.0]", "b: S2 [b\"2\"]", "c: i64 [3]"]
    );
    let options = plain().every_dtype(DType::F64).dtype("c", DType::C128);
    assert_eq!(
        columns("a,c\n1,1-2j\n", &options),
        ["a: f64 [1.0]", "c: c128 [(1.0-2.0j)]"]
    );
    let error = open(b"a\n1\n", &plain().dtype("z", DType::I8)).unwrap_err();
    assert_eq!(error.to_string(), "no column is named `z`: they are `a`");
}

#[test]
fn every_dtype_is_read() {
    let text = "x\n1\n0\n";
    for dtype in DType::ALL {
        let options = plain().every_dtype(dtype);
        let mut source = open(text.as_bytes(), &options).unwrap();
        let x = read(&mut source, 10).unwrap().remove(0);
        assert_eq!(x.dtype(), dtype);
        let mut want = Array::zeros(dtype, &[2], numloom_data::Order::C).unwrap();
        let one = numloom_data::Scalar::parse(
            dtype,
            match dtype {
                DType::Bool => "true",
                d if d.is_complex() => "1+0j",
                _ => "1",
            },
        );
        want.view_mut().set(&[0], &one.unwrap()).unwrap();
        assert_eq!(x, want);
    }
}

#[test]
fn missing_values_are_nan_or_an_error_with_its_place() {
    let text = "x,y\n1.5,a\nNA,b\n,\nnull,c\n";
    assert_eq!(
        columns(text, &plain()),
        [
            "x: f64 [1.5, nan, nan, nan]",
            "y: S8 [b\"a\", b\"b\", b\"\", b\"c\"]"
        ]
    );
    assert_eq!(
        error(text.as_bytes(), &plain().missing_is_error()),
        "line 3, column 1 (`x`): a missing value, where none is allowed"
    );
    assert_eq!(
        error(b"x,n\n1,2\n3,\n", &plain().dtype("n", DType::I64)),
        "line 3, column 2 (`n`): a missing value in a column of dtype i64, which has none: read it as f64, where it is NaN"
    );
    // A number may stand for a missing value.
    assert_eq!(
        columns("x\n1.5\n-999\n", &plain().missing_values(["-999"])),
        ["x: f64 [1.5, nan]"]
    );
    let error = error(
        b"x\n1.5\nNA\n",
        &plain().missing_values(["-999"]).every_dtype(DType::F64),
    );
    assert_eq!(
        error,
        "line 3, column 1 (`x`): `NA` is not a value of dtype f64"
    );
}

#[test]
fn malformed_records_are_errors_with_line_and_column() {
    let cases: &[(&[u8], &str)] = &[
        (
            b"a,b\n1,2\n3\n4,5\n",
            "line 3: 1 fields, where there should be 2",
        ),
        (
            b"a,b\n1,2\n\n3,4,5\n6\n",
            "line 4: 3 fields, where there should be 2",
        ),
        (b"a,b\n1,2,\n", "line 2: 3 fields, where there should be 2"),
        (b"a\n1\n2,\n", "line 3: 2 fields, where there should be 1"),
        (
            b"a,b\n1,\"2\n3,4\n",
            "line 2, column 2 (`b`): a quote that is opened here is not closed",
        ),
        (
            b"a,b\n1,2\n3,\"4\"5\n",
            "line 3, column 2 (`b`): a quote inside a field: a quoted field begins and ends with one, and writes two for one inside",
        ),
        // The first error of a text is its error, whatever its kind.
        (
            b"a,b\n1,2\n3,x\n4\n",
            "line 3, column 2 (`b`): `x` is not a value of dtype i64",
        ),
        (
            b"a,b\n1,2\n4\n3,x\n",
            "line 3: 1 fields, where there should be 2",
        ),
        (
            b"a,b\n1,2\nx,y\n",
            "line 3, column 1 (`a`): `x` is not a value of dtype i64",
        ),
        (
            b"a,b\n1,2\n3,y\nx,4\n",
            "line 3, column 2 (`b`): `y` is not a value of dtype i64",
        ),
        (
            b"a,b\n1,2\n3,1.5\n",
            "line 3, column 2 (`b`): `1.5` is not a value of dtype i64",
        ),
        (
            b"a,b\n1,2\n3,1\x002\n",
            "line 3, column 2 (`b`): `1\\x002` is not a value of dtype i64",
        ),
        (
            b"a,b\n1,2\n3,\xff\n",
            "line 3, column 2 (`b`): `\\xff` is not a value of dtype i64",
        ),
        (
            b"a,b\n1,2\n300,3\n",
            "line 3, column 1 (`a`): `300` is out of the range of dtype i8",
        ),
        (
            b"a,b\n1,2\n\"x\ny\",3\n",
            "line 3, column 1 (`a`): `x\\ny` is not a value of dtype i8",
        ),
    ];
    for (text, want) in cases {
        let a = if want.contains("i8") {
            DType::I8
        } else {
            DType::I64
        };
        let options = plain().dtype("a", a);
        let options = match open(text, &options).map(|source| source.columns().len()) {
            Ok(2) => options.dtype("b", DType::I64),
            _ => options,
        };
        assert_eq!(error(text, &options), *want, "{}", text.escape_ascii());
    }
}

#[test]
fn lines_inside_quotes_count() {
    assert_eq!(
        error(b"a,b\n1,\"\n\"\n5\"3,\"\n", &plain()),
        "line 4, column 1 (`a`): a quote inside a field: a quoted field begins and ends with one, and writes two for one inside"
    );
}

#[test]
fn an_inferred_dtype_that_does_not_hold_says_that_it_was_a_guess() {
    let text = "x,s\n1,a\n2.5,b\n3,longer than that\n";
    assert_eq!(
        error(text.as_bytes(), &plain().sample(1)),
        "line 3, column 1 (`x`): `2.5` is not a value of dtype i64, which was inferred from the first 1 records: give the column's dtype"
    );
    assert_eq!(
        error(text.as_bytes(), &plain().sample(2)),
        "line 4, column 2 (`s`): a field of 16 bytes does not fit dtype S8, which was inferred from the first 2 records: give the column's dtype"
    );
    let text = b"s\na\n\0\n";
    assert_eq!(
        error(text, &plain().dtype("s", DType::Bytes(3))),
        "line 3, column 1 (`s`): a byte 0 in a byte string, which would end it"
    );
}

#[test]
fn what_nobody_chose_is_not_parsed() {
    let text = b"a,b,c\n1,x,\xff\n2,,\0\n3,\"y\n,\",z\n";
    let mut source = open(text, &plain().dtype("b", DType::F64).dtype("c", DType::I8)).unwrap();
    for chunk_bytes in [1, 1000] {
        let a = read_columns(&mut source, &[0], chunk_bytes).unwrap();
        assert_eq!(a[0].to_string(), "[1, 2, 3]");
        // None at all is fine, too: then rows are counted.
        source.start(&[], chunk_bytes).unwrap();
        let error = read_columns(&mut source, &[2, 0], chunk_bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2, column 3 (`c`): `\\xff` is not a value of dtype i8"
        );
    }
}

#[test]
fn without_columns_rows_are_counted() {
    let mut source = open(b"a,b\n1,2\n3,4\n\n5,6", &plain()).unwrap();
    for chunk_bytes in [0, 1 << 20] {
        let parser = source.start(&[], chunk_bytes).unwrap();
        let (mut chunk, mut rows) = (Chunk::new(), 0);
        while source.split(&mut chunk).unwrap() {
            parser.parse(&mut chunk).unwrap();
            rows += chunk.rows();
        }
        assert_eq!(rows, 3);
    }
}

#[test]
fn beginnings_that_are_no_table_are_refused() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "the file is empty"),
        (b"\n\r\n", "the file is empty"),
        (b"\xff\xfea\0", "the text is UTF-16, not UTF-8 or ASCII"),
        (
            b"caf\xe9,b\n1,2\n",
            "line 1: the text is of an unknown encoding, not UTF-8 or ASCII",
        ),
        (
            b"a,\"b\n1,2\n",
            "line 1: a quote that is opened here is not closed",
        ),
    ];
    for (text, want) in cases {
        assert_eq!(open(text, &plain()).unwrap_err().to_string(), *want);
    }
    assert_eq!(columns("a,b\n", &plain()), ["a: f64 []", "b: f64 []"]);
    assert_eq!(columns("a,b", &plain()), ["a: f64 []", "b: f64 []"]);
    let error = open(b"a,b\n1,2\n", &plain().names(["x"])).unwrap_err();
    assert_eq!(error.to_string(), "1 names were given for 2 columns");
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    for (options, want) in [
        (
            plain().delimiter(b'"'),
            "delimiter, quote and comment must differ",
        ),
        (
            plain().delimiter(b'\n'),
            "delimiter, quote and comment cannot be newlines or byte 0",
        ),
        (
            plain().delimiter(b'.'),
            "the delimiter cannot be a part of numbers",
        ),
        (
            plain().comment(Some(b',')),
            "delimiter, quote and comment must differ",
        ),
    ] {
        assert_eq!(open(b"a\n1\n", &options).unwrap_err().to_string(), want);
    }
}

#[test]
fn names_that_repeat_matter_only_to_who_asks_for_them() {
    let source = open(b"a,b,a\n1,2,3\n", &plain()).unwrap();
    assert_eq!(source.columns().find("b").unwrap(), 1);
    let error = source.columns().find("a").unwrap_err();
    assert_eq!(error.to_string(), "columns 1 and 3 are both named `a`");
}

#[test]
fn a_record_without_end_is_refused_in_bounded_memory() {
    let options = plain().max_record(100).every_dtype(DType::F64);
    let limit = "a record longer than the 100 bytes that are allowed";
    let long = "1".repeat(101);
    assert_eq!(
        error(format!("a\n1\n{long}\n2\n").as_bytes(), &options),
        format!("line 3: {limit}")
    );
    assert_eq!(
        error(format!("a\n1\n{long}").as_bytes(), &options),
        format!("line 3: {limit}")
    );
    let fits = "1".repeat(100);
    assert_eq!(
        open(format!("a\n1\n{fits}\n").as_bytes(), &options)
            .map(|s| s.columns().len())
            .unwrap(),
        1
    );
    // A quote that is never closed, in an endless text.
    let endless = std::io::repeat(b'x');
    let reader = Cursor::new(b"a\n1\n\"".to_vec()).chain_with(endless);
    let mut source = CsvSource::from_reader(reader, &options).unwrap();
    let parser = source.start(&[0], 64).unwrap();
    let mut chunk = Chunk::new();
    let failed = loop {
        assert!(source.split(&mut chunk).unwrap());
        if let Err(error) = parser.parse(&mut chunk) {
            break error;
        }
    };
    assert_eq!(failed.to_string(), format!("line 3: {limit}"));
    assert!(chunk.memory_bytes() < 1 << 20);
}

trait ChainWith: std::io::Read + Sized {
    fn chain_with<R: std::io::Read>(self, next: R) -> std::io::Chain<Self, R> {
        std::io::Read::chain(self, next)
    }
}
impl<T: std::io::Read> ChainWith for T {}

#[test]
fn a_long_record_is_one_record_at_any_size_of_chunks() {
    let long = format!("{}1", " ".repeat(1 << 20));
    let text = format!("a,b\n{long},2\n3,{long}\n");
    let mut source = open(text.as_bytes(), &plain()).unwrap();
    for chunk_bytes in [1, 1 << 16, 1 << 24] {
        let parts = read(&mut source, chunk_bytes).unwrap();
        assert_eq!(parts[0].to_string(), "[1.0, 3.0]");
        assert_eq!(parts[1].to_string(), "[2.0, 1.0]");
    }
}

#[test]
fn files_compressed_files_and_pipes_are_read_alike() {
    let text = b"\xef\xbb\xbfa,b\n1,2\n3,4\n";
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text).unwrap();
    let gz = gz.finish().unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [("a.csv", &text[..]), ("a.csv.gz", &gz)] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut file = CsvSource::open(&path, &plain()).unwrap();
        assert_eq!(
            file.size_bytes(),
            (bytes == text).then_some(text.len() as u64)
        );
        let mut memory = open(bytes, &plain()).unwrap();
        let mut pipe = CsvSource::from_reader(Cursor::new(bytes.to_vec()), &plain()).unwrap();
        for source in [&mut file, &mut memory, &mut pipe] {
            assert!(source.can_restart());
            let both = read(source, 5).unwrap();
            assert_eq!(both[1].to_string(), "[2, 4]");
        }
        assert!(file.can_restart() && memory.can_restart() && !pipe.can_restart());
        assert_eq!(read(&mut file, 1000).unwrap()[0].to_string(), "[1, 3]");
        assert_eq!(
            read(&mut pipe, 5).unwrap_err().to_string(),
            "the source can be read only once"
        );
    }
    // A file that ends too early is an error, not a short table.
    let mut cut = open(&gz[..gz.len() - 9], &plain());
    let failed = cut.as_mut().map(|source| read(source, 1000).map(drop));
    assert!(!matches!(failed, Ok(Ok(()))), "{failed:?}");
    let error = CsvSource::open(dir.path().join("none.csv"), &plain()).unwrap_err();
    assert!(
        error.to_string().contains("none.csv`: cannot open: "),
        "{error}"
    );
}

#[test]
fn an_error_in_a_file_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sales.csv");
    std::fs::write(&path, "a,b\n1,2\n3\n").unwrap();
    let error = read(&mut CsvSource::open(&path, &plain()).unwrap(), 1).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("sales.csv`, line 3: 1 fields, where there should be 2"),
        "{error}"
    );
    assert_eq!(error.place().unwrap().byte, 8);
}

#[test]
fn a_chunk_takes_about_the_memory_that_it_may() {
    let text = format!("a,b,c\n{}", "1.25,-7,0.123456789\n".repeat(20_000));
    let mut source = open(text.as_bytes(), &plain()).unwrap();
    for chunk_bytes in [1 << 12, 1 << 16, 1 << 18] {
        for columns in [&[0][..], &[0, 1, 2]] {
            let parser = source.start(columns, chunk_bytes).unwrap();
            let (mut chunk, mut rows) = (Chunk::new(), 0);
            while source.split(&mut chunk).unwrap() {
                parser.parse(&mut chunk).unwrap();
                rows += chunk.rows();
            }
            assert_eq!(rows, 20_000);
            // The raw bytes are read into a room of 64 KiB at least, and one that grew by doubling.
            let limit = 2 * chunk_bytes + (1 << 16);
            assert!(
                chunk.memory_bytes() <= limit,
                "{} of {chunk_bytes}",
                chunk.memory_bytes()
            );
        }
    }
}

/// Chunks parsed on four threads, in order, or the error of the first that has one.
fn read_on_threads(source: &mut CsvSource, chunk_bytes: usize) -> Result<Vec<Array>, StreamError> {
    use numloom_data::stream::{ChunkSink, MemorySink};
    let all: Vec<usize> = (0..source.columns().len()).collect();
    let parser = source.start(&all, chunk_bytes)?;
    let mut sink = MemorySink::new();
    sink.start(source.columns(), None)?;
    let source = Mutex::new(source);
    let work = || {
        let mut parsed = Vec::new();
        loop {
            let mut chunk = Chunk::new();
            // Reading does not fail here.
            if !source.lock().unwrap().split(&mut chunk).unwrap() {
                return parsed;
            }
            let result = parser.parse(&mut chunk);
            parsed.push((chunk.index(), result.map(|()| chunk)));
        }
    };
    let mut parsed = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        let parsed = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap());
        parsed.collect::<Vec<_>>()
    });
    parsed.sort_by_key(|(index, _)| *index);
    for (_, chunk) in parsed {
        let chunk = chunk?;
        let block: Vec<_> = chunk.views().collect();
        sink.write(&block)?;
    }
    sink.finish()?;
    sink.into_arrays()
}

#[test]
fn any_number_of_threads_reads_the_same_numbers_and_finds_the_same_error() {
    let mut text = String::from("a,b\n");
    for i in 0..3000 {
        text.push_str(&format!("{i},\"{}.5\"\n\n", i % 7));
    }
    let options = plain().every_dtype(DType::F64);
    let want = read(&mut open(text.as_bytes(), &options).unwrap(), 1 << 20).unwrap();
    // Two errors, far enough from each other to be in different chunks.
    let broken = text.replace("1000,", "x,").replace("2000,", "1,y,");
    let error = error(broken.as_bytes(), &options);
    assert!(error.starts_with("line 2002, column 1"), "{error}");
    for chunk_bytes in [100, 1000, 10_000] {
        let mut source = open(text.as_bytes(), &options).unwrap();
        assert_eq!(read_on_threads(&mut source, chunk_bytes).unwrap(), want);
        let mut source = open(broken.as_bytes(), &options).unwrap();
        let found = read_on_threads(&mut source, chunk_bytes).unwrap_err();
        assert_eq!(found.to_string(), error);
    }
}

/// The records of a text by a reader that takes it byte by byte.
fn records(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = Reader::new();
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rest, mut output) = (text, [0; 1024]);
    loop {
        let (result, read, written) = reader.read_field(rest, &mut output);
        rest = &rest[read..];
        field.extend_from_slice(&output[..written]);
        match result {
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                record.push(std::mem::take(&mut field));
                if record_end {
                    records.push(std::mem::take(&mut record));
                }
            }
            ReadFieldResult::End => return records,
        }
    }
}

/// A field as it is, or in quotes.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[-+]?[0-9]{1,3}(\\.[0-9]{0,3})?",
        2 => "[a-z ]{1,12}",
        1 => "[a-z,\n\r\"]{0,80}".prop_map(|inner| format!("\"{}\"", inner.replace('"', "\"\""))),
    ]
}

proptest! {
    #[test]
    fn fields_are_those_of_csv_core_wherever_the_text_is_cut(
        rows in (1usize..6).prop_flat_map(|width| prop::collection::vec(prop::collection::vec(field(), width), 1..40)),
        crlf: bool,
        last_newline: bool,
        cuts in prop::collection::vec(0usize..3000, 3),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        let mut text = lines.join(end);
        if last_newline {
            text.push_str(end);
        }
        let want = records(text.as_bytes());
        prop_assert_eq!(want.len(), rows.len());
        let options = plain().header(false).every_dtype(DType::Bytes(100));
        let mut source = open(text.as_bytes(), &options).unwrap();
        for cut in cuts.into_iter().chain([0, usize::MAX]) {
            let got = read(&mut source, cut).unwrap();
            for (position, column) in got.iter().enumerate() {
                for (row, record) in want.iter().enumerate() {
                    let mut want = record[position].clone();
                    want.resize(100, 0);
                    let got = &column.as_bytes()[100 * row..100 * (row + 1)];
                    prop_assert_eq!(got, &want[..]);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_the_same_columns_or_the_same_error_wherever_they_are_cut(
        text in prop::collection::vec(prop::sample::select(&b"aa11,,,\n\n\r\" .-#\0\xff"[..]), 0..200),
        cuts in prop::collection::vec(0usize..1000, 3),
        comment: bool,
        header: bool,
    ) {
        let options = plain().header(header).comment(comment.then_some(b'#')).max_record(60);
        for every in [None, Some(DType::Bytes(60))] {
            let options = match every {
                None => options.clone(),
                Some(dtype) => options.clone().every_dtype(dtype),
            };
            let results: Vec<_> = cuts.iter().chain([&0, &(1 << 20)]).map(|&cut| {
                let read = open(&text, &options).and_then(|mut source| read(&mut source, cut));
                read.map_err(|error| error.to_string())
            }).collect();
            for result in &results {
                prop_assert_eq!(result, &results[0]);
            }
        }
    }
}
