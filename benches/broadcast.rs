//! Rows against columns, one thread, beside a plain Rust loop and NumPy. For NumPy set `NUMLOOM_PYTHON` to an interpreter that has it.
//!
//! All three write to an array that is used again. NumPy asks for huge pages for arrays of this size, which the arrays here have not.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use numloom::{DType, View, ViewMut};
use numloom_benches::plain_sum;

#[path = "common.rs"]
mod common;
#[path = "groups.rs"]
mod groups;

use common::{is_test, kernel_of};
use groups::slow;

/// Reads lines of a count and an expression over `m` (n × n), `x` (1 × n) and `y` (n × 1) whose result goes to `out`; answers each with the
/// seconds that so many evaluations took, and the sum of the result.
const SCRIPT: &str = r"
import math, sys, time
import numpy as np
from numpy import sin, cos
n = int(sys.argv[1])
x = ((np.arange(n) % 613) / 64)[None, :]
y = ((np.arange(n) % 613) / 64)[:, None]
m = ((np.arange(n * n) % 1013) / 8).reshape(n, n)
out = np.zeros((n, n))
for line in sys.stdin:
    count, src = line.split(None, 1)
    code = compile(src.strip(), 'case', 'eval')
    start = time.perf_counter()
    for _ in range(int(count)):
        eval(code)
    took = time.perf_counter() - start
    print(took, math.fsum(out.ravel()), flush=True)
";

/// A process that evaluates with NumPy.
struct NumPy {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl NumPy {
    /// None if there is no interpreter to use.
    fn start(n: usize) -> Option<NumPy> {
        let python = std::env::var_os("NUMLOOM_PYTHON")?;
        let mut process = Command::new(python)
            .args(["-c", SCRIPT, &n.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("NUMLOOM_PYTHON names an interpreter");
        let input = process.stdin.take().expect("it is piped");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        Some(NumPy {
            process,
            input,
            output,
        })
    }

    /// The time of `count` evaluations, and the sum of the result.
    fn run(&mut self, count: u64, src: &str) -> (Duration, f64) {
        writeln!(self.input, "{count} {src}").expect("NumPy listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("NumPy answers");
        let (seconds, sum) = line
            .trim()
            .split_once(' ')
            .expect("NumPy answers with two numbers");
        let seconds = seconds.parse().expect("seconds");
        (
            Duration::from_secs_f64(seconds),
            sum.parse().expect("a sum"),
        )
    }

    fn end(mut self) {
        drop(self.input);
        self.process.wait().expect("it ends with its input");
    }
}

/// A matrix `m`, a row `x` and a column `y`; what one element is in plain Rust.
struct Case {
    id: &'static str,
    src: &'static str,
    /// The same for NumPy.
    numpy: &'static str,
    inputs: &'static [&'static str],
    n: usize,
    plain: fn(&[f64], &[f64], &mut [f64]),
}

/// A plain loop over the matrix and the line, which is row and column, monomorphised so that the compiler may vectorise it.
fn plain(f: impl Fn(f64, f64, f64) -> f64, m: &[f64], line: &[f64], out: &mut [f64]) {
    let rows = out
        .chunks_exact_mut(line.len())
        .zip(m.chunks_exact(line.len()));
    for ((out, m), &y) in rows.zip(line) {
        for ((out, &m), &x) in out.iter_mut().zip(m).zip(line) {
            *out = f(m, x, y);
        }
    }
}

const CASES: &[Case] = &[
    Case {
        id: "square-sum",
        src: "x*x + y*y",
        numpy: "np.add(x*x, y*y, out=out)",
        inputs: &["x", "y"],
        n: 1_000,
        plain: |m, line, out| plain(|_, x, y| x * x + y * y, m, line, out),
    },
    Case {
        id: "sin-cos",
        src: "sin(x**2) + cos(y**2)",
        numpy: "np.add(sin(x**2), cos(y**2), out=out)",
        inputs: &["x", "y"],
        n: 1_000,
        plain: |m, line, out| plain(|_, x, y| (x * x).sin() + (y * y).cos(), m, line, out),
    },
    Case {
        id: "minus-row",
        src: "m - x",
        numpy: "np.subtract(m, x, out=out)",
        inputs: &["m", "x"],
        n: 2_000,
        plain: |m, line, out| plain(|m, x, _| m - x, m, line, out),
    },
    Case {
        id: "times-column",
        src: "m * y",
        numpy: "np.multiply(m, y, out=out)",
        inputs: &["m", "y"],
        n: 2_000,
        plain: |m, line, out| plain(|m, _, y| m * y, m, line, out),
    },
];

fn broadcast(c: &mut Criterion) {
    for case in CASES {
        let n = if is_test() { case.n / 10 } else { case.n };
        let line: Vec<f64> = (0..n).map(|i| (i % 613) as f64 / 64.0).collect();
        let matrix: Vec<f64> = (0..n * n).map(|i| (i % 1_013) as f64 / 8.0).collect();
        let (mut got, mut want) = (vec![0.0; n * n], vec![0.0; n * n]);
        let kernel = kernel_of(case.src, case.inputs, DType::F64, 1);
        let mut run = || {
            let input = |name: &&str| match *name {
                "m" => View::from_slice_shaped(&matrix, &[n, n]).expect("the shape fits"),
                "x" => View::from_slice_shaped(&line, &[1, n]).expect("the shape fits"),
                _ => View::from_slice_shaped(&line, &[n, 1]).expect("the shape fits"),
            };
            let inputs: Vec<View<'_>> = case.inputs.iter().map(input).collect();
            let place = ViewMut::from_slice_shaped(&mut got, &[n, n]).expect("the shape fits");
            kernel.call(&inputs, &mut [place]).expect("the kernel runs");
        };
        run();
        let mut plain_loop = || (case.plain)(black_box(&matrix), black_box(&line), &mut want);
        plain_loop();
        let mut numpy = NumPy::start(n);
        let mut group = slow(c, format!("broadcast/{}/f64/{n}x{n}", case.id));
        group.throughput(Throughput::Elements((n * n) as u64));
        group.bench_function("numloom", |bench| bench.iter(&mut run));
        group.bench_function("rust", |bench| bench.iter(&mut plain_loop));
        if let Some(numpy) = &mut numpy {
            group.bench_function("numpy", |bench| {
                bench.iter_custom(|count| numpy.run(count, case.numpy).0);
            });
        }
        group.finish();
        let near = |(x, y): (&f64, &f64)| (x - y).abs() <= 1e-14 * y.abs().max(1.0);
        assert!(got.iter().zip(&want).all(near), "{}", case.src);
        if let Some(mut numpy) = numpy {
            let (_, sum) = numpy.run(1, case.numpy);
            let own = plain_sum(&got);
            assert!(
                (own - sum).abs() <= 1e-9 * (n * n) as f64,
                "{}: {own} for {sum}",
                case.src
            );
            numpy.end();
        }
    }
}

criterion_group!(benches, broadcast);
criterion_main!(benches);
