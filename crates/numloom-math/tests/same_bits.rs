//! The same bits on every instruction set, at every length and place.

#[path = "support/mod.rs"]
mod support;

use std::fmt::Write;
use std::path::Path;

use numloom_math::{Blocks, FUNCTIONS, Isa};
use support::{Bits, arguments, evaluate, usual};

/// Bits, with NaN as one value.
fn key(x: f64) -> u64 {
    if x.is_nan() { 1 } else { x.to_bits() }
}

fn key32(x: f32) -> u64 {
    if x.is_nan() {
        1
    } else {
        u64::from(x.to_bits())
    }
}

/// The Fowler-Noll-Vo hash of 64 bits, word by word.
fn hash(keys: impl Iterator<Item = u64>) -> u64 {
    keys.fold(0xcbf2_9ce4_8422_2325, |hash, key| {
        (hash ^ key).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A line for each function: the hashes of what it gives for 2^18 arguments, in `f64` and in `f32`.
fn hashes(isa: Isa) -> String {
    let mut text = String::new();
    for function in FUNCTIONS {
        let [x, y] = arguments(function, 1 << 18, 88_172_645_463_325_252);
        let of_f64 = hash(evaluate!(f64, function, isa, &x, &y).into_iter().map(key));
        let narrow = |x: Vec<f64>| -> Vec<f32> { x.into_iter().map(|x| x as f32).collect() };
        let (x, y) = (narrow(x), narrow(y));
        let of_f32 = hash(evaluate!(f32, function, isa, &x, &y).into_iter().map(key32));
        writeln!(text, "{} {of_f64:016x} {of_f32:016x}", function.name).expect("strings grow");
    }
    text
}

/// `UPDATE_EXPECT=1` accepts new bits: a change of results, which is to be said in the changelog.
#[test]
fn every_instruction_set_gives_the_bits_that_are_written_down() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bits.txt");
    #[expect(
        clippy::disallowed_methods,
        reason = "says whether to write the golden"
    )]
    let is_update = std::env::var("UPDATE_EXPECT").is_ok_and(|value| value == "1");
    if is_update {
        std::fs::write(&path, hashes(Isa::best())).expect("the golden can be written");
    }
    let want = std::fs::read_to_string(&path).expect("the golden can be read");
    for &isa in Isa::available() {
        assert_eq!(hashes(isa), want, "on {isa}");
    }
}

/// Among any bits at all a whole vector of usual arguments is rare; these go the way that most do, but for one in sixteen that is zero in the second round.
#[test]
fn usual_arguments_alone_have_the_same_bits_on_every_instruction_set() {
    for function in FUNCTIONS {
        let mut bits = Bits(88_172_645_463_325_252);
        let [mut x, y] = usual(function.name).map(|(lo, hi)| {
            (0..1 << 14)
                .map(|_| bits.between(lo, hi))
                .collect::<Vec<f64>>()
        });
        for zeros in [false, true] {
            if zeros {
                x.iter_mut().skip(5).step_by(16).for_each(|x| *x = 0.0);
            }
            let [x32, y32] = [&x, &y].map(|x| x.iter().map(|&x| x as f32).collect::<Vec<_>>());
            let all = |isa: Isa| {
                let long = evaluate!(f64, function, isa, &x, &y);
                let short = evaluate!(f32, function, isa, &x32, &y32);
                let long: Vec<u64> = long.into_iter().map(key).collect();
                let short: Vec<u64> = short.into_iter().map(key32).collect();
                (long, short)
            };
            let want = all(Isa::available()[0]);
            for &isa in Isa::available() {
                assert!(
                    all(isa) == want,
                    "{} on {isa}, zeros: {zeros}",
                    function.name
                );
            }
        }
    }
}

#[test]
fn an_instruction_set_has_a_name_and_the_fastest_comes_last() {
    let all = Isa::available();
    assert_eq!(all[0].name(), "scalar");
    assert_eq!(Isa::best(), all[all.len() - 1]);
    for &isa in all {
        assert_eq!(isa.name().parse(), Ok(isa));
        assert!(Isa::NAMES.contains(&isa.name()) && isa.lanes() <= Isa::best().lanes());
    }
}

#[test]
fn one_that_the_machine_lacks_is_an_error_that_names_what_it_has() {
    for name in Isa::NAMES {
        let Err(error) = name.parse::<Isa>() else {
            continue;
        };
        assert!(error.exists() && error.name() == name);
        let text = error.to_string();
        assert!(text.starts_with(&format!("this machine has no `{name}`, only `scalar`")));
        assert!(text.contains(Isa::best().name()), "{text}");
    }
    // No machine is of two architectures.
    assert!(Isa::available().len() < Isa::NAMES.len());
    assert!(!"AVX2".parse::<Isa>().unwrap_err().exists());
}

#[test]
fn a_result_depends_on_its_own_operands_alone_not_on_its_place() {
    for function in FUNCTIONS {
        let [x, y] = arguments(function, 40, 2_463_534_242);
        for &isa in Isa::available() {
            let whole: Vec<_> = evaluate!(f64, function, isa, &x, &y);
            let [x32, y32] = [&x, &y].map(|x| x.iter().map(|&x| x as f32).collect::<Vec<_>>());
            let whole32 = evaluate!(f32, function, isa, &x32, &y32);
            for start in 0..3 {
                for n in 0..=2 * isa.lanes() + 1 {
                    let part = start..start + n;
                    let got = evaluate!(f64, function, isa, &x[part.clone()], &y[part.clone()]);
                    let got32 =
                        evaluate!(f32, function, isa, &x32[part.clone()], &y32[part.clone()]);
                    let (want, want32) = (&whole[part.clone()], &whole32[part.clone()]);
                    let same = got.iter().zip(want).all(|(&a, &b)| key(a) == key(b));
                    let same32 = got32
                        .iter()
                        .zip(want32)
                        .all(|(&a, &b)| key32(a) == key32(b));
                    assert!(same && same32, "{} at {part:?} on {isa}", function.name);
                }
            }
        }
    }
}
