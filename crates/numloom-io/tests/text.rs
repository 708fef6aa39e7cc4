//! Numbers with white space between them: what is read, what is refused and where, and that it does not matter where the text is cut.

use numloom_data::stream::{Chunk, ChunkSink, ChunkSource, MemorySink, StreamError};
use numloom_data::{Array, DType};
use numloom_io::text::{TextOptions, TextSource};
use proptest::prelude::*;

fn read(source: &mut TextSource, chunk_bytes: usize) -> Result<Vec<Array>, StreamError> {
    let all: Vec<usize> = (0..source.columns().len()).collect();
    let parser = source.start(&all, chunk_bytes)?;
    let mut sink = MemorySink::new();
    sink.start(source.columns(), None)?;
    let mut chunk = Chunk::new();
    while source.split(&mut chunk)? {
        parser.parse(&mut chunk)?;
        let block: Vec<_> = chunk.views().collect();
        sink.write(&block)?;
    }
    sink.finish()?;
    sink.into_arrays()
}

fn open(text: &[u8], options: &TextOptions) -> Result<TextSource, StreamError> {
    TextSource::from_bytes(text, options)
}

/// The columns as text, whatever the chunks are.
fn columns(text: &str, options: &TextOptions) -> Vec<String> {
    let mut source = open(text.as_bytes(), options).unwrap();
    let results = [0, 1, 13, 1 << 20].map(|cut| read(&mut source, cut).unwrap());
    for result in &results {
        assert_eq!(*result, results[0]);
    }
    let specs = source.columns().iter();
    specs
        .zip(&results[0])
        .map(|(spec, array)| format!("{spec} {array}"))
        .collect()
}

fn error(text: &[u8], options: &TextOptions) -> String {
    let errors = [0, 1, 5, 17, 64, 1 << 20].map(|cut| {
        open(text, options)
            .and_then(|mut source| read(&mut source, cut))
            .unwrap_err()
            .to_string()
    });
    for error in &errors {
        assert_eq!(*error, errors[0]);
    }
    errors[0].clone()
}

fn plain() -> TextOptions {
    TextOptions::new()
}

#[test]
fn white_space_comments_and_blank_lines_are_between_numbers() {
    let want = ["c0: f64 [1.0, 3.0]", "c1: f64 [2.5, -4.0]"];
    for text in [
        "1 2.5\n3 -4\n",
        "1 2.5\n3 -4",
        "  1\t\t2.5  \r\n\r\n \t\n3\x0b-4\r\n",
        "# a b\n1 2.5# first\n#1 2\n3 -4 #last",
        "\u{feff}1 2.5\n3 -4\r",
    ] {
        assert_eq!(columns(text, &plain()), want, "{text:?}");
    }
    let options = plain().skip_lines(2).comment(Some(b'%'));
    assert_eq!(columns("x y z\n# 1\n1 2.5 % 3\n3 -4\n", &options), want);
}

#[test]
fn columns_are_chosen_by_number_and_named() {
    let text = "1 2 3\n4 5 6 7\n";
    let options = plain().columns([2, 0]);
    assert_eq!(
        columns(text, &options),
        ["c2: f64 [3.0, 6.0]", "c0: f64 [1.0, 4.0]"]
    );
    let options = options.names(["z", "x"]).dtype("x", DType::I32);
    assert_eq!(
        columns(text, &options),
        ["z: f64 [3.0, 6.0]", "x: i32 [1, 4]"]
    );
    assert_eq!(columns("", &plain().names(["x"])), ["x: f64 []"]);
    assert_eq!(
        error(text.as_bytes(), &plain()),
        "line 2: 4 fields, where there should be 3"
    );
    assert_eq!(
        error(b"1 2 3\n4 5\n", &options),
        "line 2: 2 fields, where there should be 3"
    );
}

#[test]
fn malformed_lines_are_errors_with_line_and_column() {
    let cases: &[(&[u8], &str)] = &[
        (b"1 2\n3\n", "line 2: 1 fields, where there should be 2"),
        (
            b"1 2\n\n3 4 5\n",
            "line 3: 3 fields, where there should be 2",
        ),
        (
            b"1 2\n3 x\n",
            "line 2, column 2: `x` is not a value of dtype f64",
        ),
        (
            b"1,2\n",
            "line 1, column 1: `1,2` is not a value of dtype f64",
        ),
        (
            b"1 2\n3 \0\n",
            "line 2, column 2: `\\x00` is not a value of dtype f64",
        ),
        (
            b"1 2\n\xff 1\n",
            "line 2, column 1: `\\xff` is not a value of dtype f64",
        ),
        (
            b"1 2\r3 4\r",
            "line 1: a carriage return without a newline: lines end with a newline, or with both",
        ),
        (
            b"1 2\n3 4\r5 6\n",
            "line 2: a carriage return without a newline: lines end with a newline, or with both",
        ),
        // The first error of a text is its error, whatever its kind.
        (
            b"1 2\n3 x\n4\n",
            "line 2, column 2: `x` is not a value of dtype f64",
        ),
        (b"", "the file is empty"),
        (b"# nothing\n\n", "the file is empty"),
        (b"\xfe\xff\x001", "the text is UTF-16, not UTF-8 or ASCII"),
    ];
    for (text, want) in cases {
        assert_eq!(error(text, &plain()), *want, "{}", text.escape_ascii());
    }
    assert_eq!(
        error(b"1 2 3\n4 5 x\n", &plain().columns([2])),
        "line 2, column 3: `x` is not a value of dtype f64"
    );
    assert_eq!(
        error(b"1 2\n3 4\n", &plain().names(["a"])),
        "1 names were given for 2 columns"
    );
    let text = format!("1\n{}\n", " ".repeat(21));
    assert_eq!(
        error(text.as_bytes(), &plain().max_line(20)),
        "line 2: a record longer than the 20 bytes that are allowed"
    );
}

/// The numbers of a text, word by word.
fn words(text: &str) -> Vec<Vec<String>> {
    let lines = text.split('\n').map(|line| {
        let line = line.split('#').next().unwrap_or("");
        let words = line.split([' ', '\t', '\r', '\x0b', '\x0c']);
        words
            .filter(|word| !word.is_empty())
            .map(String::from)
            .collect::<Vec<_>>()
    });
    lines.filter(|line| !line.is_empty()).collect()
}

proptest! {
    #[test]
    fn fields_are_words_wherever_the_text_is_cut(
        lines in (1usize..5).prop_flat_map(|width| prop::collection::vec(
            (prop::collection::vec(("[ \t]{1,70}", "-?[0-9]{1,20}(\\.[0-9]{0,4})?"), width), "([ \t]{0,3}(#[^\n\r]{0,40})?\r?\n){1,3}"),
            1..30,
        )),
        cuts in prop::collection::vec(0usize..3000, 3),
    ) {
        let text: String = lines.iter().flat_map(|(words, end)| {
            words.iter().flat_map(|(space, word)| [space.as_str(), word]).chain([end.as_str()])
        }).collect();
        let want = words(&text);
        let options = plain().every_dtype(DType::Bytes(32));
        let mut source = open(text.as_bytes(), &options).unwrap();
        for cut in cuts.into_iter().chain([0, usize::MAX]) {
            let got = read(&mut source, cut).unwrap();
            for (position, column) in got.iter().enumerate() {
                prop_assert_eq!(column.len(), want.len());
                for (row, words) in want.iter().enumerate() {
                    let mut want = words[position].clone().into_bytes();
                    want.resize(32, 0);
                    prop_assert_eq!(&column.as_bytes()[32 * row..32 * (row + 1)], &want[..]);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_the_same_columns_or_the_same_error_wherever_they_are_cut(
        text in prop::collection::vec(prop::sample::select(&b"11a     \n\n\r\t.#\0\xff"[..]), 0..200),
        cuts in prop::collection::vec(0usize..1000, 3),
        chosen in prop::option::of(0usize..3),
    ) {
        let mut options = plain().max_line(30).every_dtype(DType::Bytes(20));
        if let Some(column) = chosen {
            options = options.columns([column]);
        }
        let results: Vec<_> = cuts.iter().chain([&0, &(1 << 20)]).map(|&cut| {
            let read = open(&text, &options).and_then(|mut source| read(&mut source, cut));
            read.map_err(|error| error.to_string())
        }).collect();
        for result in &results {
            prop_assert_eq!(result, &results[0]);
        }
    }
}
