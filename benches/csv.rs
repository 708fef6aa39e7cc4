//! CSV: 3 of 10 columns from a file to elements, on one thread and on two; beside it all columns, none (records are counted), white space
//! instead of commas, and a plain read of the same bytes.
//!
//! All run by turns. What is printed is the time of the plain read over that of each, of the fastest and of the median runs, and the speed
//! of the fastest.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use numloom_data::stream::{Chunk, ChunkSource};
use numloom_io::csv::{CsvOptions, CsvSource};
use numloom_io::text::{TextOptions, TextSource};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

#[path = "turns.rs"]
mod turns;

use turns::by_turns;

/// How much memory a chunk takes.
const CHUNK: usize = 4 << 20;

/// Four columns of all digits, four of two decimals, two of integers; the sum of the last.
fn write(path: &Path, rows: usize, delimiter: u8) -> i64 {
    let mut rng = SmallRng::seed_from_u64(7);
    let mut out = BufWriter::new(File::create(path).expect("a temporary file"));
    let delimiter = char::from(delimiter);
    let mut sum = 0;
    let mut line = String::new();
    if delimiter == ',' {
        line.push_str("a,b,c,d,e,f,g,h,i,j\n");
    }
    for _ in 0..rows {
        for _ in 0..4 {
            line.push_str(&format!("{}{delimiter}", rng.random_range(-3.0..3.0)));
        }
        for _ in 0..4 {
            line.push_str(&format!(
                "{:.2}{delimiter}",
                rng.random_range(-300.0..300.0)
            ));
        }
        let (i, j) = (rng.random_range(0..1_000_000), rng.random_range(-50..50));
        sum += i64::from(j);
        line.push_str(&format!("{i}{delimiter}{j}\n"));
        out.write_all(line.as_bytes()).expect("there is room");
        line.clear();
    }
    out.flush().expect("there is room");
    sum
}

/// One pass on so many threads: rows, and the sum of the last chosen column if it is of integers.
fn pass(
    source: &mut (impl ChunkSource + ?Sized),
    columns: &[usize],
    threads: usize,
) -> (usize, i64) {
    let parser = source.start(columns, CHUNK).expect("the columns exist");
    let source = Mutex::new(source);
    let work = || {
        let (mut chunk, mut rows, mut sum) = (Chunk::new(), 0, 0);
        while source
            .lock()
            .expect("nobody panicked")
            .split(&mut chunk)
            .expect("the file is there")
        {
            parser.parse(&mut chunk).expect("the file is well formed");
            rows += chunk.rows();
            if let Some(view) = chunk.views().last()
                && let Ok(array) = view.to_array()
                && let Ok(values) = array.as_slice::<i64>()
            {
                sum += values.iter().sum::<i64>();
            }
        }
        (rows, sum)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mine = work();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("nobody panicked"))
            .fold(mine, |total, one| (total.0 + one.0, total.1 + one.1))
    })
}

fn plain_read(path: &Path) -> usize {
    let mut file = File::open(path).expect("the file is there");
    let (mut buffer, mut total) = (vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut buffer).expect("the file is there") {
            0 => return total,
            n => total += black_box(&buffer[..n]).len(),
        }
    }
}

#[expect(clippy::print_stdout, reason = "what a bench is for")]
fn main() {
    let is_test = std::env::args().any(|arg| arg == "--test");
    let (rows, rounds) = if is_test { (10_000, 1) } else { (2_000_000, 9) };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (csv, text) = (dir.path().join("t.csv"), dir.path().join("t.txt"));
    let sum = write(&csv, rows, b',');
    write(&text, rows, b' ');
    let bytes = std::fs::metadata(&csv).expect("just written").len();

    let all: Vec<usize> = (0..10).collect();
    let some = [0, 4, 9];
    let open = || CsvSource::open(&csv, &CsvOptions::new()).expect("just written");
    let commas = |columns: &[usize], threads, want| {
        let mut source = open();
        let columns = columns.to_vec();
        move || assert_eq!(pass(&mut source, &columns, threads), (rows, want))
    };
    let spaces = |threads| {
        let mut source = TextSource::open(&text, &TextOptions::new()).expect("just written");
        // All of its columns are floats.
        move || assert_eq!(pass(&mut source, &some, threads), (rows, 0))
    };
    let ids = [
        "count/threads=1",
        "3-of-10/threads=1",
        "3-of-10/threads=2",
        "10-of-10/threads=1",
        "10-of-10/threads=2",
        "white-space-3-of-10/threads=1",
        "white-space-3-of-10/threads=2",
    ];
    let [plain, times @ ..] = by_turns(
        rounds,
        [
            &mut || assert_eq!(plain_read(&csv) as u64, bytes),
            &mut commas(&[], 1, 0),
            &mut commas(&some, 1, sum),
            &mut commas(&some, 2, sum),
            &mut commas(&all, 1, sum),
            &mut commas(&all, 2, sum),
            &mut spaces(1),
            &mut spaces(2),
        ],
    );
    let gigabytes = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e9;
    println!("{:32} {:>8} {:>8} {:>6}", "", "fastest", "median", "GB/s");
    println!("{:32} {:26.2}", "csv/plain-read", gigabytes(plain.fastest));
    for (id, time) in ids.iter().zip(times) {
        println!(
            "csv/{id:28} {:8.3} {:8.3} {:6.2}",
            plain.fastest.as_secs_f64() / time.fastest.as_secs_f64(),
            plain.median.as_secs_f64() / time.median.as_secs_f64(),
            gigabytes(time.fastest)
        );
    }
}
