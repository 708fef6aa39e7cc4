//! Every function at points whose true value is known to more bits than it has.

use numloom_math::accuracy::{F32_MISROUNDED, TABLE};
use numloom_math::{Blocks, FUNCTIONS, Function, Isa};

fn function(name: &str) -> &'static Function {
    Function::named(name).unwrap_or_else(|| panic!("no function `{name}`"))
}

macro_rules! at {
    ($name:ident $type:ident) => {
        fn $name(name: &str, x: &[$type]) -> $type {
            let mut dst = [0.0];
            match (function(name).blocks, x) {
                (Blocks::Unary { $type: f, .. }, &[x]) => f(Isa::best(), &mut dst, &[x]),
                (Blocks::Binary { $type: f, .. }, &[x, y]) => {
                    f(Isa::best(), &mut dst, &[x], &[y]);
                }
                _ => panic!("{} operands", x.len()),
            }
            dst[0]
        }
    };
}

at!(f64_at f64);
at!(f32_at f32);

/// The anchors of one precision: name, operands and result as bits, what is left over.
fn anchors(precision: &str) -> impl Iterator<Item = (&'static str, Vec<u64>, u64, f64)> {
    let lines = include_str!("anchors.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.filter_map(move |line| {
        let mut words = line.split(' ');
        let name = words.next().expect("a name");
        if words.next() != Some(precision) {
            return None;
        }
        let (left, bits): (Vec<_>, Vec<_>) = words.partition(|word| word.starts_with(['+', '-']));
        let left = left
            .first()
            .map_or(0.0, |word| word.parse().expect("a number of ulp"));
        let mut bits: Vec<_> = bits
            .iter()
            .map(|word| u64::from_str_radix(word, 16).expect("bits"))
            .collect();
        let want = bits.pop().expect("a result");
        Some((name, bits, want, left))
    })
}

/// The distance to the next larger number in size.
fn ulp(x: f64) -> f64 {
    let x = x.abs();
    f64::from_bits(x.to_bits() + 1) - x
}

#[test]
fn every_function_is_as_near_to_the_true_value_as_the_table_says() {
    for row in TABLE {
        let of_row = anchors("f64").filter(|(name, ..)| *name == row.name);
        let mut tested = 0;
        for (name, x, want, left) in of_row {
            let x: Vec<_> = x.into_iter().map(f64::from_bits).collect();
            let want = f64::from_bits(want);
            let got = f64_at(name, &x);
            let error = ((got - want) / ulp(want) - left).abs();
            assert!(
                error <= row.max_ulp,
                "{name}{x:?}: {got:e} is {error} ulp from {want:e}"
            );
            tested += 1;
        }
        assert!(tested >= 14, "{} is tested at {tested} points", row.name);
    }
}

#[test]
fn f32_results_are_correctly_rounded() {
    let mut tested = 0;
    for (name, x, want, _) in anchors("f32") {
        let x: Vec<_> = x
            .into_iter()
            .map(|bits| f32::from_bits(bits as u32))
            .collect();
        let (want, got) = (f32::from_bits(want as u32), f32_at(name, &x));
        assert_eq!(got, want, "{name}{x:?}");
        tested += 1;
    }
    assert!(tested >= 8 * TABLE.len());
}

#[test]
fn the_tables_of_accuracy_have_every_function() {
    let of_table = |name| TABLE.iter().filter(|row| row.name == name).count();
    let of_f32 = |name| F32_MISROUNDED.iter().filter(|row| row.0 == name).count();
    for function in FUNCTIONS {
        assert_eq!(of_table(function.name), 1, "{}", function.name);
        let is_unary = matches!(function.blocks, Blocks::Unary { .. });
        assert_eq!(
            of_f32(function.name),
            usize::from(is_unary),
            "{}",
            function.name
        );
    }
    assert_eq!(TABLE.len(), FUNCTIONS.len());
    for row in TABLE {
        assert!(
            row.measured <= row.max_ulp && row.max_ulp < 1.0,
            "{}",
            row.name
        );
    }
}
