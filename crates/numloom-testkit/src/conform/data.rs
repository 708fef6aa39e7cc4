//! Values: arrays of them, and literals.

use numloom_data::{Array, DType, Order, Scalar};

use super::production::{Domain, Takes, Values};
use crate::choices::{Choices, seeded};
use crate::generate::{self, Spice};

/// Literals that mean the same in both languages, each as numloom and as NumPy spells it. Weak in both: Python's own numbers.
const LITERALS: &[(&str, &str)] = &{
    const fn same(text: &'static str) -> (&'static str, &'static str) {
        (text, text)
    }
    [
        same("2"),
        same("0"),
        same("1"),
        same("3"),
        same("7"),
        same("(-1)"),
        same("(-3)"),
        same("100"),
        same("127"),
        same("128"),
        same("255"),
        same("256"),
        same("(-129)"),
        same("0x7f"),
        same("0b101"),
        same("1_000"),
        same("65535"),
        same("(2**31)"),
        same("(2**40 + 1)"),
        same("(1 << 63)"),
        same("18446744073709551615"),
        same("(-2**63)"),
        same("(7 // 2)"),
        same("(-7 % 4)"),
        same("1.5"),
        same("0.5"),
        same("0.1"),
        same("2.0"),
        same("(-2.5)"),
        same("(-0.0)"),
        same("0.0"),
        same("1e-3"),
        same("1e300"),
        same("1e-310"),
        same("(1 / 3)"),
        same("inf"),
        same("(-inf)"),
        same("nan"),
        same("pi"),
        same("e"),
        same("2j"),
        same("(1.5 - 0.5j)"),
        // Python's own bools are integers to some of NumPy's functions.
        ("True", "np.True_"),
        ("False", "np.False_"),
    ]
};

/// Small whole numbers.
const EXPONENTS: &[(&str, &str)] = &[
    ("3", "3"),
    ("4", "4"),
    ("5", "5"),
    ("8", "8"),
    ("(-1)", "(-1)"),
    ("(-2)", "(-2)"),
    ("100", "100"),
    ("1.5", "1.5"),
    ("(-0.5)", "(-0.5)"),
    ("3.0", "3.0"),
];

/// Byte strings: of the letters of [`bytes`], one longer than any element.
const TEXTS: &[(&str, &str)] = &{
    const fn same(text: &'static str) -> (&'static str, &'static str) {
        (text, text)
    }
    [
        same("b'a'"),
        same("b'aa'"),
        same("b'z'"),
        same("b''"),
        same("b'a\\x00b'"),
        same("b'\\xff'"),
        same("b'aabAz'"),
        ("'ab'", "b'ab'"),
    ]
};

/// What a literal may be in the place of an operand.
pub(super) fn literals(takes: &Takes) -> &'static [(&'static str, &'static str)] {
    if takes.domain == Domain::BYTES {
        TEXTS
    } else if takes.values == Values::Exponent {
        EXPONENTS
    } else {
        LITERALS
    }
}

/// An array of any dtype.
pub(super) fn array(
    choices: &mut Choices<'_>,
    dtype: DType,
    shape: &[usize],
    values: Values,
) -> Array {
    let part = dtype.real();
    let parts: Vec<usize> = if dtype.is_complex() {
        shape.iter().copied().chain([2]).collect()
    } else {
        shape.to_vec()
    };
    let drawn = match (dtype, values) {
        (DType::Bytes(_), _) => bytes(choices, dtype, shape),
        (_, Values::Exponent) => exponents(choices, part, &parts),
        (_, Values::Tame) => tame(choices, part, &parts),
        (_, Values::Any | Values::Part) => match choices.below(4) {
            0 => generate::array(choices, part, &parts, Spice::Mild),
            1 => ordinary(choices, part, &parts),
            _ => generate::array(choices, part, &parts, Spice::Hot),
        },
    };
    if !dtype.is_complex() {
        return drawn;
    }
    let mut array = zeros(dtype, shape);
    array.as_bytes_mut().copy_from_slice(drawn.as_bytes());
    array
}

fn zeros(dtype: DType, shape: &[usize]) -> Array {
    Array::zeros(dtype, shape, Order::C).expect("small arrays can be had")
}

/// An array of what `draw` makes of a long word.
fn each(
    choices: &mut Choices<'_>,
    dtype: DType,
    shape: &[usize],
    draw: impl Fn(u64) -> Scalar,
) -> Array {
    let mut array = zeros(dtype, shape);
    let bytes = seeded(choices.seed(), 8 * array.len());
    let mut choices = Choices::new(&bytes);
    for place in array.as_bytes_mut().chunks_exact_mut(dtype.itemsize()) {
        draw(choices.word()).write_bytes(place);
    }
    array
}

/// A float as one of `dtype`.
fn float(dtype: DType, value: f64) -> Scalar {
    match dtype {
        DType::F64 => Scalar::F64(value),
        DType::F32 => Scalar::F32(value as f32),
        _ => Scalar::parse(dtype, &format!("{value:?}")).expect("a float is one of any width"),
    }
}

/// Floats of any mantissa and middling size; integers of any bits.
fn ordinary(choices: &mut Choices<'_>, dtype: DType, shape: &[usize]) -> Array {
    let exponents = *choices.pick(&[2u64, 8, 24]);
    each(choices, dtype, shape, |word| match dtype {
        _ if dtype.is_float() => {
            let fraction = 1.0 + (word >> 12) as f64 / (1u64 << 52) as f64;
            let exponent = (word & 0x7ff) % (2 * exponents + 1);
            let size = fraction * 2f64.powi(exponent as i32 - exponents as i32);
            float(dtype, if word & 0x800 == 0 { size } else { -size })
        }
        DType::Bool => Scalar::Bool(word & 1 == 1),
        _ => Scalar::from_bits(
            dtype,
            u128::from(word) & (u128::MAX >> (128 - dtype.bits())),
        ),
    })
}

/// 0 to 5, or halves of them as floats; one array in four has a few below zero.
fn exponents(choices: &mut Choices<'_>, dtype: DType, shape: &[usize]) -> Array {
    let negative = choices.chance(25) && !dtype.is_unsigned();
    each(choices, dtype, shape, |word| {
        let size = (word % 6) as i32;
        let value = if negative && word & 0x700 == 0 {
            -size
        } else {
            size
        };
        match dtype {
            DType::Bool => Scalar::Bool(value > 2),
            _ if dtype.is_float() => float(
                dtype,
                f64::from(value) / if word & 0x800 == 0 { 1.0 } else { 2.0 },
            ),
            _ => Scalar::from_bits(dtype, i128::from(value).cast_unsigned()),
        }
    })
}

/// Numbers near one, of any mantissa or whole; one array in four has NaNs, one infinities, one zeros.
fn tame(choices: &mut Choices<'_>, dtype: DType, shape: &[usize]) -> Array {
    if !dtype.is_float() {
        return match choices.chance(50) {
            true => generate::array(choices, dtype, shape, Spice::Hot),
            false => generate::array(choices, dtype, shape, Spice::Mild),
        };
    }
    let whole = choices.chance(30);
    let special = *choices.pick(&[
        None,
        None,
        None,
        None,
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(f64::NEG_INFINITY),
        Some(0.0),
        Some(-0.0),
    ]);
    each(choices, dtype, shape, |word| {
        let sign = if word & 0x800 == 0 { 1.0 } else { -1.0 };
        match special {
            Some(special) if word & 0xf == 0 => float(dtype, special),
            _ if whole => float(dtype, sign * (word >> 12 & 7) as f64),
            _ => float(
                dtype,
                sign * (0.5 + (word >> 12) as f64 / (1u64 << 51) as f64),
            ),
        }
    })
}

/// Byte strings of few letters, so that some are equal, some shorter, with a zero within some.
fn bytes(choices: &mut Choices<'_>, dtype: DType, shape: &[usize]) -> Array {
    let mut array = zeros(dtype, shape);
    let seed = choices.seed();
    let letters = seeded(seed, array.as_bytes().len());
    for (place, letter) in array.as_bytes_mut().iter_mut().zip(letters) {
        *place = b"aab\0zA\xff\0"[usize::from(letter % 8)];
    }
    array
}
