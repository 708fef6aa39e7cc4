//! Every function at points whose true value is known to more bits than it has.

use numloom_math::accuracy::TABLE;

type Unary<T> = fn(&mut [T], &[T]);
type Binary<T> = fn(&mut [T], &[T], &[T]);

enum Function {
    Unary(Unary<f64>, Unary<f32>),
    Binary(Binary<f64>, Binary<f32>),
}

impl Function {
    fn f64(&self, x: &[f64]) -> f64 {
        let mut dst = [0.0];
        match (self, x) {
            (Function::Unary(f, _), &[x]) => f(&mut dst, &[x]),
            (Function::Binary(f, _), &[x, y]) => f(&mut dst, &[x], &[y]),
            _ => panic!("{} operands", x.len()),
        }
        dst[0]
    }

    fn f32(&self, x: &[f32]) -> f32 {
        let mut dst = [0.0];
        match (self, x) {
            (Function::Unary(_, f), &[x]) => f(&mut dst, &[x]),
            (Function::Binary(_, f), &[x, y]) => f(&mut dst, &[x], &[y]),
            _ => panic!("{} operands", x.len()),
        }
        dst[0]
    }
}

macro_rules! by_name {
    ($name:expr; $($unary:literal $f64:ident $f32:ident,)* ; $($binary:literal $g64:ident $g32:ident,)*) => {
        match $name {
            $( $unary => Function::Unary(numloom_math::$f64, numloom_math::$f32), )*
            $( $binary => Function::Binary(numloom_math::$g64, numloom_math::$g32), )*
            other => panic!("no function `{other}`"),
        }
    };
}

fn function(name: &str) -> Function {
    by_name! {
        name;
        "sin" sin_f64 sin_f32, "cos" cos_f64 cos_f32, "tan" tan_f64 tan_f32,
        "asin" asin_f64 asin_f32, "acos" acos_f64 acos_f32, "atan" atan_f64 atan_f32,
        "sinh" sinh_f64 sinh_f32, "cosh" cosh_f64 cosh_f32, "tanh" tanh_f64 tanh_f32,
        "asinh" asinh_f64 asinh_f32, "acosh" acosh_f64 acosh_f32, "atanh" atanh_f64 atanh_f32,
        "exp" exp_f64 exp_f32, "exp2" exp2_f64 exp2_f32, "expm1" expm1_f64 expm1_f32,
        "log" log_f64 log_f32, "log2" log2_f64 log2_f32, "log10" log10_f64 log10_f32,
        "log1p" log1p_f64 log1p_f32, "cbrt" cbrt_f64 cbrt_f32,
        "erf" erf_f64 erf_f32, "erfc" erfc_f64 erfc_f32,
        ;
        "atan2" atan2_f64 atan2_f32, "hypot" hypot_f64 hypot_f32, "pow" pow_f64 pow_f32,
    }
}

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
            let got = function(name).f64(&x);
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
        let (want, got) = (f32::from_bits(want as u32), function(name).f32(&x));
        assert_eq!(got, want, "{name}{x:?}");
        tested += 1;
    }
    assert!(tested >= 8 * TABLE.len());
}
