#![expect(
    unsafe_code,
    reason = "calls functions of shared libraries, whose signatures only their manuals say"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "measures time, and is told by the environment where libraries are"
)]
//! Elementary functions beside vector libraries: Intel's MKL and SVML in high-accuracy mode (and SVML's correctly rounded `f32`), and glibc's libmvec.
//!
//! `run.sh` makes them available and runs this. Arguments: `avx512` or `avx2`, then names of functions; without any, all on both. What is not there is said, and left out.
//! All candidates for one function take turns, so that what else the machine does happens to all of them.
//!
//! Of MKL and SVML those functions are called that are written for the instruction set: their own choice by processor falls to the slowest ones where the
//! processor is not Intel's.
//!
//! Every call of a library's function rests on one argument, named (signature): the name says how many operands of which element go in, and whether
//! in vectors or arrays, and the instruction set was detected.

use std::arch::x86_64::{
    __m256, __m256d, __m512, __m512d, _mm256_loadu_pd, _mm256_loadu_ps, _mm256_storeu_pd,
    _mm256_storeu_ps, _mm512_loadu_pd, _mm512_loadu_ps, _mm512_storeu_pd, _mm512_storeu_ps,
};
use std::hint::black_box;
use std::time::Instant;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LAZY};
use numloom_math::{Blocks, FUNCTIONS, Function, Isa};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::usual::usual;

/// Someone's function over a block.
type Block<'a, T> = Box<dyn Fn(&mut [T], &[T], &[T]) + 'a>;

/// The libraries that were found.
struct Peers {
    mkl: Option<Library>,
    _core: Option<Library>,
    svml: Option<Library>,
    libmvec: Option<Library>,
}

fn open(name: &str) -> Option<Library> {
    // Lazy and global: MKL's parts want functions of each other that are not called here.
    // SAFETY: the libraries that are asked for do nothing when loaded but look at the processor.
    let library = unsafe { Library::open(Some(name), RTLD_LAZY | RTLD_GLOBAL) };
    if let Err(error) = &library {
        println!("!!! LEFT OUT {name}: {error}");
    }
    library.ok()
}

impl Peers {
    fn open(isa: Isa) -> Peers {
        let core = open("libmkl_core.so.3");
        Peers {
            mkl: core
                .as_ref()
                .and_then(|_| open(&format!("libmkl_vml_{isa}.so.3"))),
            _core: core,
            svml: open("libsvml.so"),
            libmvec: open("libmvec.so.1"),
        }
    }
}

/// MKL's name of a function.
fn in_mkl(name: &str) -> String {
    if name == "log" {
        return "Ln".to_owned();
    }
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

type Of1<V> = extern "C" fn(V) -> V;
type Of2<V> = extern "C" fn(V, V) -> V;

/// The functions of vectors of `$n` elements `$type` in `$vector`.
macro_rules! vectors {
    ($one:ident $two:ident $type:ty, $vector:ident, $n:literal, $feature:literal, $load:ident, $store:ident) => {
        /// A function of one vector over a block of whole vectors.
        ///
        /// # Safety
        /// 1. The processor has the feature.
        /// 2. `f` is what its type says.
        #[target_feature(enable = $feature)]
        unsafe fn $one(f: Of1<$vector>, dst: &mut [$type], x: &[$type]) {
            let (dst, x) = (dst.as_chunks_mut::<$n>().0, x.as_chunks::<$n>().0);
            for (dst, x) in dst.iter_mut().zip(x) {
                // SAFETY: whole vectors are borrowed.
                unsafe { $store(dst.as_mut_ptr(), f($load(x.as_ptr()))) }
            }
        }

        /// Of two vectors.
        ///
        /// # Safety
        /// 1. The processor has the feature.
        /// 2. `f` is what its type says.
        #[target_feature(enable = $feature)]
        unsafe fn $two(f: Of2<$vector>, dst: &mut [$type], x: &[$type], y: &[$type]) {
            let operands = x.as_chunks::<$n>().0.iter().zip(y.as_chunks::<$n>().0);
            for (dst, (x, y)) in dst.as_chunks_mut::<$n>().0.iter_mut().zip(operands) {
                // SAFETY: whole vectors are borrowed.
                unsafe { $store(dst.as_mut_ptr(), f($load(x.as_ptr()), $load(y.as_ptr()))) }
            }
        }
    };
}

vectors! { one_512 two_512 f64, __m512d, 8, "avx512f", _mm512_loadu_pd, _mm512_storeu_pd }
vectors! { one_512f two_512f f32, __m512, 16, "avx512f", _mm512_loadu_ps, _mm512_storeu_ps }
vectors! { one_256 two_256 f64, __m256d, 4, "avx2", _mm256_loadu_pd, _mm256_storeu_pd }
vectors! { one_256f two_256f f32, __m256, 8, "avx2", _mm256_loadu_ps, _mm256_storeu_ps }

/// An element type that is measured.
trait Element: Copy + Default + 'static {
    const NAME: &'static str;
    /// What names of its functions have behind the function's.
    const SUFFIX: &'static str;
    const MKL: &'static str;
    fn of(x: f64) -> Self;
    fn to(self) -> f64;
    fn ours(function: &Function, isa: Isa) -> Block<'static, Self>;
    /// The function of MKL by that symbol.
    fn mkl<'a>(library: &'a Library, symbol: &str, is_binary: bool) -> Option<Block<'a, Self>>;
    /// The function of vectors by that symbol.
    fn vector<'a>(
        library: &'a Library,
        symbol: &str,
        is_binary: bool,
        is_wide: bool,
    ) -> Option<Block<'a, Self>>;
}

macro_rules! element {
    ($type:ident $suffix:literal $mkl:literal, $wide:ident $one_wide:ident $two_wide:ident, $narrow:ident $one_narrow:ident $two_narrow:ident) => {
        impl Element for $type {
            const NAME: &'static str = stringify!($type);
            const SUFFIX: &'static str = $suffix;
            const MKL: &'static str = $mkl;

            fn of(x: f64) -> $type {
                x as $type
            }

            fn to(self) -> f64 {
                f64::from(self)
            }

            fn ours(function: &Function, isa: Isa) -> Block<'static, $type> {
                match function.blocks {
                    Blocks::Unary { $type: f, .. } => Box::new(move |dst, x, _| f(isa, dst, x)),
                    Blocks::Binary { $type: f, .. } => Box::new(move |dst, x, y| f(isa, dst, x, y)),
                }
            }

            fn mkl<'a>(library: &'a Library, symbol: &str, is_binary: bool) -> Option<Block<'a, $type>> {
                type One = unsafe extern "C" fn(i64, *const $type, *mut $type);
                type Two = unsafe extern "C" fn(i64, *const $type, *const $type, *mut $type);
                if is_binary {
                    // SAFETY: (signature).
                    let f = unsafe { library.get::<Two>(symbol) }.ok()?;
                    Some(Box::new(move |dst, x, y| {
                        // SAFETY: (signature); all have the length of `dst`.
                        unsafe { f(dst.len() as i64, x.as_ptr(), y.as_ptr(), dst.as_mut_ptr()) }
                    }))
                } else {
                    // SAFETY: (signature).
                    let f = unsafe { library.get::<One>(symbol) }.ok()?;
                    Some(Box::new(move |dst, x, _| {
                        // SAFETY: (signature); both have the length of `dst`.
                        unsafe { f(dst.len() as i64, x.as_ptr(), dst.as_mut_ptr()) }
                    }))
                }
            }

            fn vector<'a>(library: &'a Library, symbol: &str, is_binary: bool, is_wide: bool) -> Option<Block<'a, $type>> {
                macro_rules! get {
                    ($vector:ident $one:ident $two:ident) => {
                        if is_binary {
                            // SAFETY: (signature).
                            let f = unsafe { library.get::<Of2<$vector>>(symbol) }.ok()?;
                            // SAFETY: (signature).
                            Some(Box::new(move |dst, x, y| unsafe { $two(*f, dst, x, y) }))
                        } else {
                            // SAFETY: (signature).
                            let f = unsafe { library.get::<Of1<$vector>>(symbol) }.ok()?;
                            // SAFETY: (signature).
                            Some(Box::new(move |dst, x, _| unsafe { $one(*f, dst, x) }))
                        }
                    };
                }
                if is_wide {
                    get!($wide $one_wide $two_wide)
                } else {
                    get!($narrow $one_narrow $two_narrow)
                }
            }
        }
    };
}

element! { f64 "" "d", __m512d one_512 two_512, __m256d one_256 two_256 }
element! { f32 "f" "s", __m512 one_512f two_512f, __m256 one_256f two_256f }

/// The fastest and the median time of each candidate, in nanoseconds for each element; they take turns.
fn measure<T: Element>(candidates: &[(&str, Block<'_, T>)], x: &[T], y: &[T]) -> Vec<(f64, f64)> {
    const ROUNDS: usize = 41;
    let n = x.len();
    let mut dst = vec![T::default(); n];
    let repeats = (1 << 16) / n;
    let mut times = vec![Vec::new(); candidates.len()];
    for _ in 0..ROUNDS {
        for ((_, f), times) in candidates.iter().zip(&mut times) {
            let start = Instant::now();
            for _ in 0..repeats {
                f(black_box(&mut dst), black_box(x), black_box(y));
            }
            times.push(start.elapsed().as_secs_f64() * 1e9 / (repeats * n) as f64);
        }
    }
    let summary = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        (times[0], times[times.len() / 2])
    };
    times.into_iter().map(summary).collect()
}

/// Asserts that a library's function is the one that is meant, and called as it wants to be.
fn assert_alike<T: Element>(what: &str, got: &[T], want: &[T]) {
    for (&got, &want) in got.iter().zip(want) {
        let (got, want) = (got.to(), want.to());
        assert!(
            (got - want).abs() <= 1e-5 * want.abs(),
            "{what}: {got:e} beside {want:e}"
        );
    }
}

fn compare<T: Element>(function: &Function, isa: Isa, peers: &Peers) {
    let is_wide = isa.name() == "avx512";
    let is_binary = matches!(function.blocks, Blocks::Binary { .. });
    let (name, suffix) = (function.name, T::SUFFIX);
    let bytes = if is_wide { 64 } else { 32 };
    let lanes = bytes / size_of::<T>();
    let code = if is_wide { "z0" } else { "l9" };
    let class = if is_wide { 'e' } else { 'd' };
    let arguments = if is_binary { "vv" } else { "v" };

    let mut candidates: Vec<(&str, Block<'_, T>)> = vec![("ours", T::ours(function, isa))];
    let mut add = |who, block| candidates.extend(Option::map(block, |block| (who, block)));
    if let Some(mkl) = &peers.mkl {
        add(
            "MKL HA",
            T::mkl(
                mkl,
                &format!(
                    "mkl_vml_kernel_{}{}_{}HAynn",
                    T::MKL,
                    in_mkl(name),
                    code.to_uppercase()
                ),
                is_binary,
            ),
        );
    }
    if let Some(svml) = &peers.svml {
        add(
            "SVML HA",
            T::vector(
                svml,
                &format!("__svml_{name}{suffix}{lanes}_ha_{code}"),
                is_binary,
                is_wide,
            ),
        );
        if T::NAME == "f32" {
            add(
                "SVML CR",
                T::vector(
                    svml,
                    &format!("__svml_{name}{suffix}{lanes}_cr_{code}"),
                    is_binary,
                    is_wide,
                ),
            );
        }
    }
    if let Some(libmvec) = &peers.libmvec {
        add(
            "libmvec",
            T::vector(
                libmvec,
                &format!("_ZGV{class}N{lanes}{arguments}_{name}{suffix}"),
                is_binary,
                is_wide,
            ),
        );
    }

    let mut rng = StdRng::seed_from_u64(1);
    let (lo, hi) = usual(name);
    print!("{name:6} {}", T::NAME);
    for n in [2_048, 65_536] {
        let x: Vec<T> = (0..n).map(|_| T::of(rng.random_range(lo..hi))).collect();
        let y: Vec<T> = (0..n).map(|_| T::of(rng.random_range(-5.0..5.0))).collect();
        let results: Vec<Vec<T>> = candidates
            .iter()
            .map(|(_, f)| {
                let mut dst = vec![T::default(); n];
                f(&mut dst, &x, &y);
                dst
            })
            .collect();
        for ((who, _), result) in candidates.iter().zip(&results) {
            assert_alike(&format!("{who}'s {name}"), result, &results[0]);
        }
        let times = measure(&candidates, &x, &y);
        print!(" | {n:5}: {:.2} ns", times[0].0);
        for ((who, _), time) in candidates.iter().zip(&times).skip(1) {
            print!(
                "; {who} {:.2}, {:.2}",
                times[0].0 / time.0,
                times[0].1 / time.1
            );
        }
    }
    println!();
}

pub(crate) fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--test") {
        return;
    }
    let names: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    let (isas, names): (Vec<&str>, Vec<&str>) =
        names.into_iter().partition(|name| name.starts_with("avx"));
    let isas = if isas.is_empty() {
        vec!["avx512", "avx2"]
    } else {
        isas
    };
    println!(
        "Our time over theirs: fastest samples, medians. Below 1, ours is faster. First our fastest, in nanoseconds for each element."
    );
    for isa in isas {
        let Ok(isa) = isa.parse::<Isa>() else {
            println!("!!! LEFT OUT {isa}: not on this processor");
            continue;
        };
        println!("\n{isa}");
        let peers = Peers::open(isa);
        for function in FUNCTIONS {
            if names.is_empty() || names.contains(&function.name) {
                compare::<f64>(function, isa, &peers);
                compare::<f32>(function, isa, &peers);
            }
        }
    }
}
