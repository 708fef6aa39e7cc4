//! Bits of numbers, for every code generator.

use numloom_data::DType;

/// The bit of a float's sign, and the bits of infinity.
pub(crate) fn float_bits(dtype: DType) -> (u64, u64) {
    match dtype {
        DType::F32 => (1 << 31, u64::from(f32::INFINITY.to_bits())),
        _ => (1 << 63, f64::INFINITY.to_bits()),
    }
}

/// The bits of 1.
pub(crate) fn one(dtype: DType) -> u64 {
    match dtype {
        DType::F32 => u64::from(1f32.to_bits()),
        DType::F64 => 1f64.to_bits(),
        _ => 1,
    }
}

/// What an integer has to be held to, below and above, to be converted to the nearest value that another dtype has; none where all values fit.
pub(crate) fn bounds(from: DType, to: DType) -> [Option<i128>; 2] {
    let limits = |dtype: DType| {
        let bits = dtype.bits() as u32;
        match dtype.is_signed() {
            true => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
            false => (0, (1i128 << bits) - 1),
        }
    };
    let ((least, most), (to_least, to_most)) = (limits(from), limits(to));
    [
        (to_least > least).then_some(to_least),
        (to_most < most).then_some(to_most),
    ]
}
