//! Elements that are likely to go wrong, and ordinary ones.

use numloom_data::{DType, Scalar};

/// Every dtype that operations are defined on.
pub(crate) const DTYPES: [DType; 11] = [
    DType::Bool,
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::F32,
    DType::F64,
];

/// A sequence of numbers without apparent order: xorshift64*, Vigna 2016.
#[derive(Clone)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() >> 32) as usize % n
    }
}

/// Extremes, neighbours of powers of two, and whatever else is special for a dtype, as bits.
pub(crate) fn specials(dtype: DType) -> Vec<u64> {
    let ints = |bits: u32| -> Vec<u64> {
        let min = 1u64 << (bits - 1);
        let mut values = vec![
            0,
            1,
            2,
            3,
            7,
            min,
            min + 1,
            min - 1,
            min - 2,
            u64::MAX,
            u64::MAX - 1,
        ];
        values.extend([
            bits as u64 - 1,
            bits as u64,
            bits as u64 + 1,
            (bits / 2) as u64,
        ]);
        values.extend([0u64.wrapping_sub(u64::from(bits)), 100, min | min >> 1]);
        values
    };
    match dtype {
        // A byte other than 0 and 1 is true too.
        DType::Bool => vec![0, 1, 2, 0x80, 0xff],
        DType::F16 => vec![0, 0x8000, 0x3c00, 0x7c00, 0xfc00, 0x7e01, 0xfe00, 1, 0x7bff],
        DType::F32 => [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            3.5,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            f32::from_bits(1),
            -f32::from_bits(1),
            f32::EPSILON,
            8388607.5,
            8388608.5,
            -16777217.0,
            1e30,
            0.1,
            std::f32::consts::PI,
            0.499_999_97,
        ]
        .iter()
        .map(|x: &f32| u64::from(x.to_bits()))
        .chain([0x7fc0_0000, 0xffc0_0001, 0x7fe5_4321])
        .collect(),
        DType::F64 => [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            3.5,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            f64::from_bits(1),
            -f64::from_bits(1),
            f64::EPSILON,
            4503599627370495.5,
            4503599627370497.5,
            -9007199254740993.0,
            1e300,
            0.1,
            1e39,
            1e-42,
            std::f64::consts::PI,
            0.499_999_999_999_999_94,
            // Ties between two f32, and a hair off.
            1.000_000_059_604_644_8,
            1.000_000_178_813_934_3,
            1.000_000_059_604_645,
        ]
        .iter()
        .map(|x: &f64| x.to_bits())
        .chain([
            0x7ff8_0000_0000_0000,
            0xfff8_0000_0000_0001,
            0x7ffc_1234_5678_9abc,
        ])
        .collect(),
        DType::I64 | DType::U64 => {
            let mut values = ints(64);
            // Around what f64 and f32 cannot hold exactly, ties included.
            for shift in [24, 25, 53, 54, 62, 63] {
                let power = 1u64 << shift;
                values.extend([power - 1, power, power + 1, power + 2, power + 3]);
                values.extend([power.wrapping_neg(), power.wrapping_neg() - 1]);
            }
            values.extend([
                0x8000_0080_0000_0000,
                0x8000_0080_0000_0001,
                0x8000_0180_0000_0000,
            ]);
            values.extend([
                0xffff_ff7f_ffff_ffff,
                0xffff_ff80_0000_0000,
                0xffff_ffff_ffff_fbff,
            ]);
            values.extend([
                0xffff_ffff_ffff_fc00,
                0x8000_0000_0000_0400,
                0x8000_0000_0000_0401,
            ]);
            values
        }
        DType::I32 | DType::U32 => {
            let mut values = ints(32);
            values.extend([
                (1 << 24) + 1,
                (1 << 24) + 3,
                0xffff_ff7f,
                0xffff_ff80,
                0x8000_0080,
            ]);
            values
        }
        other => ints(other.bits() as u32),
    }
}

/// An element that is special half of the time, and otherwise small, large or anything.
pub(crate) fn element(dtype: DType, numbers: &mut Numbers) -> u64 {
    let kind = numbers.below(8);
    if kind < 4 {
        let specials = specials(dtype);
        return specials[numbers.below(specials.len())];
    }
    let raw = numbers.next();
    match (dtype, kind) {
        (DType::F32, 4 | 5) => u64::from((raw as i16 as f32 / 8.0).to_bits()),
        (DType::F64, 4 | 5) => (raw as i16 as f64 / 8.0).to_bits(),
        (DType::F32 | DType::F64 | DType::F16, _) => raw,
        (_, 4 | 5) => (raw as i64 % 70) as u64,
        _ => raw,
    }
}

/// The low bytes of each element.
pub(crate) fn bytes(dtype: DType, elements: &[u64]) -> Vec<u8> {
    let size = dtype.itemsize();
    elements
        .iter()
        .flat_map(|x| x.to_le_bytes()[..size].to_vec())
        .collect()
}

/// `n` elements.
pub(crate) fn block(dtype: DType, n: usize, numbers: &mut Numbers) -> Vec<u8> {
    let elements: Vec<u64> = (0..n).map(|_| element(dtype, numbers)).collect();
    bytes(dtype, &elements)
}

/// One element as a scalar.
pub(crate) fn scalar(dtype: DType, bits: u64) -> Scalar {
    Scalar::read(dtype, &bits.to_le_bytes()[..dtype.itemsize()])
}
