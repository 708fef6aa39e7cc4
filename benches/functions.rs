//! Whole expressions of elementary functions through the engine, on one thread, against what they are made of: the functions alone over blocks in
//! L1, and a plain loop that reads and writes the same arrays.
//!
//! Rounds take turns, so that what disturbs one disturbs all; a line gives medians of rounds and of their ratios. The engine's reads and writes may
//! hide behind the functions, so a ratio can be below 1.
#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use numloom::{DType, Engine, Expr, Kernel, Options, Schema, View, ViewMut};
use numloom_math::{Blocks, Function, Isa};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Elements of a block that stays in L1.
const BLOCK: usize = 1024;

/// A function by its name, and what it is called on for a pair of elements.
type Called = (&'static str, fn(f64, f64) -> (f64, f64));

/// An expression and the functions it calls, each with what it is called on.
struct Case {
    id: &'static str,
    src: &'static str,
    functions: &'static [Called],
    inputs: usize,
}

const CASES: &[Case] = &[
    Case {
        id: "exp-log",
        src: "exp(-a*a/2)*log(b+1.5)",
        functions: &[
            ("exp", |a, _| (-a * a / 2.0, 0.0)),
            ("log", |_, b| (b + 1.5, 0.0)),
        ],
        inputs: 2,
    },
    Case {
        id: "sin-cos",
        src: "sin(a)**2 + cos(b)**2",
        functions: &[("sin", |a, _| (a, 0.0)), ("cos", |_, b| (b, 0.0))],
        inputs: 2,
    },
    Case {
        id: "pow",
        src: "a**b",
        functions: &[("pow", |a, b| (a, b))],
        inputs: 2,
    },
    Case {
        id: "tanh",
        src: "tanh(a)",
        functions: &[("tanh", |a, _| (a, 0.0))],
        inputs: 1,
    },
];

fn kernel_of(case: &Case, isa: Isa) -> Kernel {
    let engine = Engine::new(Options::new().threads(1).isa(isa)).expect("the options are sound");
    let schema = ["a", "b"][..case.inputs]
        .iter()
        .fold(Schema::new(), |schema, name| schema.with(name, DType::F64));
    let expr = Expr::parse(case.src).expect("the case parses");
    engine.compile(&expr, &schema).expect("the case compiles")
}

/// A function on a block, as often as the arrays have blocks.
struct Alone {
    blocks: Blocks,
    x: Vec<f64>,
    y: Vec<f64>,
    dst: Vec<f64>,
}

impl Alone {
    fn run(&mut self, isa: Isa, times: usize) {
        for _ in 0..times {
            let (dst, x) = (black_box(&mut self.dst[..]), black_box(&self.x[..]));
            match self.blocks {
                Blocks::Unary { f64: f, .. } => f(isa, dst, x),
                Blocks::Binary { f64: f, .. } => f(isa, dst, x, &self.y),
            }
        }
    }
}

fn timed(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Rounds over windows of `n` elements of arrays that have `windows` of them, each round over the next one.
fn compare(case: &Case, isa: Isa, place: &str, n: usize, windows: usize, rounds: usize) {
    let mut rng = StdRng::seed_from_u64(7);
    let mut numbers = || -> Vec<f64> {
        let block: Vec<f64> = (0..n).map(|_| rng.random_range(0.1..3.0)).collect();
        block.repeat(windows)
    };
    let (a, b) = (numbers(), numbers());
    let kernel = kernel_of(case, isa);
    let mut out = vec![0.0; a.len()];
    let mut engine = |window: usize| {
        let window = window % windows * n..(window % windows + 1) * n;
        let inputs = [&a, &b].map(|x| View::from_slice(black_box(&x[window.clone()])));
        let place = ViewMut::from_slice(&mut out[window]);
        let done = kernel.call(&inputs[..case.inputs], &mut [place]);
        done.expect("the kernel runs");
    };
    let mut alone: Vec<Alone> = (case.functions.iter())
        .map(|(name, operands)| {
            let pairs = a.iter().zip(&b).take(BLOCK).map(|(&a, &b)| operands(a, b));
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.unzip();
            Alone {
                blocks: Function::named(name).expect("there is one").blocks,
                dst: vec![0.0; x.len()],
                x,
                y,
            }
        })
        .collect();
    let mut copy = vec![0.0; a.len()];
    let mut floor = |window: usize| {
        let window = window % windows * n..(window % windows + 1) * n;
        let [a, b] = [&a, &b].map(|x| black_box(&x[window.clone()]));
        let copy = black_box(&mut copy[window]);
        match case.inputs {
            1 => copy.copy_from_slice(a),
            _ => {
                for (copy, (a, b)) in copy.iter_mut().zip(a.iter().zip(b)) {
                    *copy = a + b;
                }
            }
        }
    };
    let (mut engines, mut functions, mut floors, mut ratios) = (vec![], vec![], vec![], vec![]);
    for round in 0..rounds + windows {
        let ns = |time: Duration| time.as_secs_f64() * 1e9 / n as f64;
        let of_engine = ns(timed(|| engine(round)));
        // Of several windows one that has left the caches since.
        let of_floor = ns(timed(|| floor(round + windows / 2)));
        let times = n.div_ceil(BLOCK);
        let of_functions = timed(|| {
            alone.iter_mut().for_each(|alone| alone.run(isa, times));
        });
        let of_functions = of_functions.as_secs_f64() * 1e9 / (times * BLOCK.min(n)) as f64;
        // First all memory is touched once.
        if round >= windows {
            engines.push(of_engine);
            floors.push(of_floor);
            functions.push(of_functions);
            ratios.push(of_engine / (of_functions + of_floor));
        }
    }
    for (i, got) in out.iter().enumerate().take(n) {
        let want = match case.id {
            "exp-log" => (-a[i] * a[i] / 2.0).exp() * (b[i] + 1.5).ln(),
            "sin-cos" => a[i].sin().powi(2) + b[i].cos().powi(2),
            "pow" => a[i].powf(b[i]),
            _ => a[i].tanh(),
        };
        let near = (got - want).abs() <= 1e-13 * want.abs();
        assert!(near, "{}: {got} beside {want}", case.src);
    }
    if rounds > 0 {
        let fastest = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let (e, f, m) = (fastest(&engines), fastest(&functions), fastest(&floors));
        println!(
            "functions/{}/{isa}/{place}: engine {:.2} ns, functions {:.2}, floor {:.2}: {:.2}×; fastest {e:.2}, {f:.2}, {m:.2}: {:.2}×",
            case.id,
            median(engines),
            median(functions),
            median(floors),
            median(ratios),
            e / (f + m)
        );
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let is_test = args.iter().any(|arg| arg == "--test");
    let filter = args.iter().find(|arg| !arg.starts_with('-'));
    for case in CASES {
        for &isa in Isa::available() {
            let id = format!("{}/{isa}", case.id);
            if filter.is_some_and(|filter| !id.contains(filter.as_str())) {
                continue;
            }
            // Rounds are short: other work of a shared machine spoils some of them, not each.
            if is_test {
                compare(case, isa, "test", 5 * BLOCK + 7, 2, 0);
                continue;
            }
            compare(case, isa, "L2", 1 << 14, 1, 2000);
            compare(case, isa, "memory", 1 << 18, 32, 128);
        }
    }
}
