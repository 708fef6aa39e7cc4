//! Values and arrays that make trouble: the edges of every dtype before anything ordinary.

use numloom_data::{Array, DType, Order, Scalar};

use crate::choices::{Choices, seeded};

/// How a value is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spice {
    /// Edges half of the time, else small numbers or any bits.
    Hot,
    /// Small numbers only, so that results stay ordinary.
    Mild,
}

/// A value of `dtype`. Byte strings are of few letters, so that one is often equal to another, or part of it.
///
/// # Panics
/// If the dtype is complex.
pub fn scalar(choices: &mut Choices<'_>, dtype: DType, spice: Spice) -> Scalar {
    if let DType::Bytes(width) = dtype {
        let letters: &[u8] = match choices.below(3) {
            0 => b"a",
            1 => b"ab\0",
            _ => b"ab\0\xff",
        };
        let len = width as usize - choices.below(width as usize + 1);
        let mut bytes: Vec<u8> = (0..len).map(|_| *choices.pick(letters)).collect();
        bytes.resize(width as usize, 0);
        return Scalar::from(&bytes[..]);
    }
    let kind = match spice {
        Spice::Hot => choices.below(6),
        Spice::Mild => 4,
    };
    match kind {
        0 | 1 => {
            let edges = edges(dtype);
            Scalar::from_bits(dtype, u128::from(*choices.pick(&edges)))
        }
        // The first edges are zeros and ones: pairs of them are where ties and signs show.
        2 | 3 => {
            let edges = edges(dtype);
            Scalar::from_bits(
                dtype,
                u128::from(*choices.pick(&edges[..edges.len().min(4)])),
            )
        }
        4 => small(dtype, choices.byte()),
        _ => Scalar::from_bits(dtype, u128::from(choices.word())),
    }
}

/// An array of `dtype`. It takes a seed's worth of choices, however long it is, so that what comes after it has its share.
///
/// # Panics
/// If the dtype is complex, or memory cannot be had.
pub fn array(choices: &mut Choices<'_>, dtype: DType, shape: &[usize], spice: Spice) -> Array {
    let mut array = Array::zeros(dtype, shape, Order::C).expect("small arrays can be had");
    let bytes = seeded(choices.seed(), 10 * array.len());
    let mut choices = Choices::new(&bytes);
    for place in array.as_bytes_mut().chunks_exact_mut(dtype.itemsize()) {
        scalar(&mut choices, dtype, spice).write_bytes(place);
    }
    array
}

/// Lengths of one axis round every border that an engine may have: none, tails of lanes, blocks and leaves.
pub fn shapes(choices: &mut Choices<'_>) -> Vec<usize> {
    match choices.below(8) {
        0..=4 => vec![choices.below(131)],
        5 => vec![*choices.pick(&[0, 1, 1023, 1024, 1025, 2048, 4095, 4096, 4097, 5000])],
        6 => vec![choices.below(9), choices.below(19)],
        _ => vec![choices.below(4), choices.below(5), choices.below(6)],
    }
}

/// Bits of the values where meanings change.
fn edges(dtype: DType) -> Vec<u64> {
    let mask = u64::MAX >> (64 - dtype.bits());
    match dtype {
        DType::Bool => vec![0, 1],
        DType::F64 => [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            1.5,
            2.5,
            -0.5,
            3.7,
            5e-324,
            -5e-324,
            f64::MIN_POSITIVE,
            f64::MAX,
            f64::MIN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            1e16,
            4_503_599_627_370_497.5,
            9_223_372_036_854_775_808.0,
            1.844_674_407_370_955_2e19,
            2_147_483_648.0,
            -2_147_483_649.0,
            1e-300,
            f64::EPSILON,
        ]
        .iter()
        .map(|x: &f64| x.to_bits())
        .collect(),
        DType::F32 => [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            1.5,
            2.5,
            -0.5,
            3.7,
            1e-45,
            -1e-45,
            f32::MIN_POSITIVE,
            f32::MAX,
            f32::MIN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            16_777_217.0,
            9.223_372e18,
            1.844_674_4e19,
            2_147_483_648.0,
            -2_147_483_648.0,
            1e-38,
            f32::EPSILON,
        ]
        .iter()
        .map(|x: &f32| u64::from(x.to_bits()))
        .collect(),
        // Zeros, ones, least and greatest subnormal, least normal, greatest, infinities, NaN, 1.5, 2049 is no f16: 2048.
        DType::F16 => vec![
            0, 0x8000, 0x3c00, 0xbc00, 1, 0x8001, 0x3ff, 0x400, 0x7bff, 0xfbff, 0x7c00, 0xfc00,
            0x7e00, 0x3e00, 0x6800,
        ],
        _ => {
            let bits = dtype.bits() as u64;
            let top = 1u64 << (bits - 1);
            let numbers = [
                0,
                1,
                2,
                3,
                7,
                bits - 1,
                bits,
                bits + 1,
                top - 1,
                top,
                top + 1,
                mask,
                mask - 1,
                mask - 6,
                (1 << (bits / 2)) - 1,
                1 << (bits / 2),
                100 & mask,
            ];
            numbers.iter().map(|n| n & mask).collect()
        }
    }
}

/// A number whose arithmetic stays ordinary.
fn small(dtype: DType, byte: u8) -> Scalar {
    let signed = i32::from(byte.cast_signed() % 12);
    match dtype {
        DType::Bool => Scalar::Bool(byte % 2 == 1),
        DType::F64 => Scalar::F64(f64::from(signed) / 4.0),
        DType::F32 => Scalar::F32(signed as f32 / 4.0),
        DType::F16 => Scalar::parse(DType::F16, &format!("{:?}", signed as f32 / 4.0))
            .expect("a quarter is an f16"),
        _ if dtype.is_signed() => Scalar::from_bits(dtype, i128::from(signed).cast_unsigned()),
        _ => Scalar::from_bits(dtype, u128::from(signed.unsigned_abs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_real_dtype_has_its_edges() {
        for dtype in DType::ALL_REAL {
            let least = if dtype.is_signed() {
                1u64 << (dtype.bits() - 1)
            } else {
                0
            };
            let found = edges(dtype);
            assert!(found.contains(&least) || dtype.is_float(), "{dtype}");
            if dtype.is_float() {
                let nan = found.iter().any(|&bits| {
                    Scalar::from_bits(dtype, u128::from(bits))
                        .as_f64()
                        .expect("a float")
                        .is_nan()
                });
                assert!(nan, "{dtype}");
            }
        }
    }

    #[test]
    fn one_seed_makes_one_array() {
        let bytes = seeded(7, 500);
        let draw = || array(&mut Choices::new(&bytes), DType::F32, &[40], Spice::Hot);
        assert_eq!(draw(), draw());
        let mut choices = Choices::new(&[]);
        let mut draw = || {
            array(&mut choices, DType::I8, &[200], Spice::Hot)
                .to_vec::<i8>()
                .unwrap()
        };
        let (one, other) = (draw(), draw());
        assert_ne!(one, other, "also when the choices have run out");
        assert!(one.contains(&i8::MIN) && one.contains(&i8::MAX));
    }
}
