//! `numloom demo`: the main job on real files, from end to end, and proof that it was done.

use std::path::Path;
use std::time::Instant;

use numloom::io::npy;
use numloom::{DType, Engine, Input, MapMode, Order, Place, Schema, View};

use crate::args::{DemoArgs, When};
use crate::report::{Failure, Progress, Throughput, say};

const EXPR: &str = "c = where(b > 0, 2*a + 3*b, sqrt(abs(a))); total = sum(c); peak = max(c)";

/// The element `i` of the first array: spread over -1 to 1, exact in `f64`.
fn a_at(i: usize) -> f64 {
    let mixed = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
    mixed as f64 / (1u64 << 52) as f64 - 1.0
}

/// The element `i` of the second array: -1,000 to 1,000.
fn b_at(i: usize) -> i16 {
    ((i as u64).wrapping_mul(1_237) % 2_001) as i16 - 1_000
}

/// The expression in plain Rust, one element at a time.
fn c_at(a: f64, b: i16) -> f64 {
    if b > 0 {
        2.0 * a + f64::from(3 * b)
    } else {
        a.abs().sqrt()
    }
}

#[expect(clippy::disallowed_methods, reason = "the demo measures time")]
pub(crate) fn run(args: &DemoArgs) -> Result<(), Failure> {
    let n = args.n as usize;
    let dir = args
        .dir
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join("numloom-demo"));
    std::fs::create_dir_all(&dir).map_err(|error| {
        Failure::usage(
            format!("cannot make the folder {}: {error}", dir.display()),
            "choose another with `--dir`",
        )
    })?;
    let path = |name: &str| dir.join(name);

    say!("1. two arrays of {n} elements, written through memory maps");
    write::<f64>(&path("a.npy"), DType::F64, n, a_at)?;
    write::<i16>(&path("b.npy"), DType::I16, n, b_at)?;
    say!(
        "   {}\n   {}",
        path("a.npy").display(),
        path("b.npy").display()
    );

    say!("\n2. one expression, three results, one pass\n   {EXPR}\n");
    let engine = Engine::new(args.engine.options()?)?;
    let schema = Schema::new().with("a", DType::F64).with("b", DType::I16);
    let start = Instant::now();
    let kernel = engine.compile(&engine.parse(EXPR)?, &schema)?;
    let compiled = start.elapsed();
    for line in kernel.explain()?.to_string().lines() {
        say!("   {line}");
    }
    say!(
        "   parsed, typed, fused and compiled in {:.2} ms",
        compiled.as_secs_f64() * 1e3
    );

    let (a, b) = (
        npy::open(path("a.npy"), MapMode::Read)?,
        npy::open(path("b.npy"), MapMode::Read)?,
    );
    let mut c = npy::create(path("c.npy"), DType::F64, &[n], Order::C)?;
    let (mut total, mut peak) = (0f64, 0f64);
    let bytes = 18 * n as u64;
    let progress = Progress::new(When::Auto, bytes);
    let start = Instant::now();
    kernel
        .with(progress.options(engine.options().clone()))
        .run_into(
            [("a", Input::from(&a)), ("b", Input::from(&b))],
            [
                ("c", Place::from(c.view_mut())),
                ("total", (&mut total).into()),
                ("peak", (&mut peak).into()),
            ],
        )?;
    let time = start.elapsed();
    drop(progress);
    c.commit().map_err(numloom::Error::from)?;
    say!("\n3. from map to map: {}", Throughput { bytes, time });
    say!("   c.npy is complete; total = {total}, peak = {peak}");

    verify(&path("c.npy"), n, total, peak)?;
    say!(
        "\n4. verified: every element of c.npy has the bits of a plain Rust loop; total and peak agree"
    );

    say!("\ntry next:");
    let shown = |name: &str| path(name).display().to_string();
    say!("   numloom info {}", shown("c.npy"));
    say!(
        "   numloom eval \"mean(a); min(b); max(b)\" a={} b={}",
        shown("a.npy"),
        shown("b.npy")
    );
    say!(
        "   numloom eval \"sin(a)**2 + cos(a)**2\" a={} -o {}",
        shown("a.npy"),
        shown("d.npy")
    );
    say!("   numloom explain \"2*a + 3*b\" a:f64 b:i16 --stage kernel");
    say!("   (numloom is target/release/numloom; `cargo run --release --` stands for it, too)");
    Ok(())
}

/// Writes an array through its map, a block at a time.
fn write<T: numloom::Element>(
    path: &Path,
    dtype: DType,
    n: usize,
    at: fn(usize) -> T,
) -> Result<(), Failure> {
    let mut file = npy::create(path, dtype, &[n], Order::C)?;
    {
        let mut view = file.view_mut();
        let mut block = Vec::with_capacity(BLOCK);
        for start in (0..n).step_by(BLOCK) {
            block.clear();
            block.extend((start..n.min(start + BLOCK)).map(at));
            let part = start as isize..(start + block.len()) as isize;
            view.reborrow()
                .slice_axis(0, Some(part.start), Some(part.end), 1)?
                .assign(&View::from_slice(&block))?;
        }
    }
    file.commit().map_err(numloom::Error::from)?;
    Ok(())
}

/// Elements that are made or compared at a time.
const BLOCK: usize = 1 << 16;

/// Compares the file and the reduced values with plain Rust.
fn verify(path: &Path, n: usize, total: f64, peak: f64) -> Result<(), Failure> {
    let wrong = |what: String| {
        Failure::usage(
            what,
            "this is a defect of numloom; please report it with your processor's name",
        )
    };
    let c = npy::open(path, MapMode::Read)?;
    let view = c.view();
    let (mut sum, mut compensation, mut most) = (0f64, 0f64, f64::NEG_INFINITY);
    for start in (0..n).step_by(BLOCK) {
        let stop = n.min(start + BLOCK);
        let block = view
            .slice_axis(0, Some(start as isize), Some(stop as isize), 1)?
            .to_array()?;
        for (i, &got) in block.as_slice::<f64>()?.iter().enumerate() {
            let want = c_at(a_at(start + i), b_at(start + i));
            if got.to_bits() != want.to_bits() {
                return Err(wrong(format!(
                    "element {} is {got}, and a plain loop gives {want}",
                    start + i
                )));
            }
            // Neumaier's compensated sum: exact enough to judge any order of summation.
            let next = sum + want;
            compensation += if sum.abs() >= want.abs() {
                (sum - next) + want
            } else {
                (want - next) + sum
            };
            sum = next;
            most = most.max(want);
        }
    }
    let exact = sum + compensation;
    if (total - exact).abs() > 1e-12 * exact.abs() || peak.to_bits() != most.to_bits() {
        return Err(wrong(format!(
            "total {total} and peak {peak}, and a plain loop gives {exact} and {most}"
        )));
    }
    Ok(())
}
