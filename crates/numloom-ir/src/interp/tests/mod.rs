//! The interpreter against what it must be: NumPy's own results, wide arithmetic, naive loops.

mod accumulators;
mod blocks;
mod called;
mod casts;
mod forms;
mod integers;
mod kernels;
mod numpy;

use numloom_data::DType;

use super::item::Item;
use super::{FaultSink, eval};
use crate::Isa;
use crate::fault::Fault;
use crate::op::{Op, OpInfo, Signature};

/// The bytes of a block of elements.
fn bytes<T: Item>(elements: &[T]) -> Vec<u8> {
    let stored: Vec<T::Bytes> = elements.iter().map(|&element| element.store()).collect();
    bytemuck::cast_slice(&stored).to_vec()
}

/// The elements in a block.
fn elements<T: Item>(block: &[u8]) -> Vec<T> {
    bytemuck::cast_slice(block)
        .iter()
        .map(|&element| T::load(element))
        .collect()
}

/// `op` on blocks, in step 5 of a kernel from element 1000 on, with a fresh fault slot.
fn apply(op: Op, from: DType, to: DType, args: &[&[u8]], n: usize) -> (Vec<u8>, Fault) {
    let mut dst = vec![0xee; n * to.itemsize()];
    let mut fault = Fault::NONE;
    let mut faults = FaultSink {
        fault: &mut fault,
        inst: 5,
        index: 1000,
    };
    eval(Isa::best(), op, from, to, args, &mut dst, &mut faults);
    (dst, fault)
}

/// Every way to apply an operation: its row, the dtype of its operands and that of its result.
fn every_way() -> impl Iterator<Item = (&'static OpInfo, DType, DType)> {
    Op::TABLE.iter().flat_map(|row| {
        let from = DType::ALL_REAL
            .into_iter()
            .filter(|&from| row.domain.contains(from));
        from.flat_map(move |from| match row.op.result(from) {
            Some(to) => vec![(row, from, to)],
            None => DType::ALL_REAL.map(|to| (row, from, to)).to_vec(),
        })
    })
}

/// The dtype of operand `i` of an operation whose last operand has dtype `from`.
fn operand(row: &OpInfo, from: DType, i: usize) -> DType {
    if row.signature == Signature::Select && i == 0 {
        DType::Bool
    } else {
        from
    }
}

/// Numbers to test with: the same ones each time.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        // Xorshift of Marsaglia, 2003, with a multiplication to spread the high bits.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// An element's bytes: often something special.
    fn element(&mut self, dtype: DType) -> Vec<u8> {
        let spicy = |float: f64| match dtype {
            DType::F64 => bytes(&[float]),
            DType::F32 => bytes(&[float as f32]),
            DType::F16 => bytes(&[half::f16::from_f64(float)]),
            DType::Bool => vec![float.to_bits() as u8],
            _ => vec![float as i8 as u8; dtype.itemsize()],
        };
        let bits = self.bits();
        match bits >> 60 {
            0 => spicy(f64::NAN),
            1 => spicy(0.0),
            2 => spicy(-0.0),
            3 => spicy(f64::INFINITY),
            4 => spicy(f64::NEG_INFINITY),
            5 => spicy(1.0),
            6 => spicy(-1.0),
            7 | 8 => spicy((bits % 2001) as f64 / 8.0 - 125.0),
            _ => bits.to_ne_bytes()[..dtype.itemsize()].to_vec(),
        }
    }

    /// A block of `n` elements.
    fn block(&mut self, dtype: DType, n: usize) -> Vec<u8> {
        (0..n).flat_map(|_| self.element(dtype)).collect()
    }
}

/// Two blocks with equal elements, a NaN being one value.
fn same(dtype: DType, got: &[u8], want: &[u8]) -> bool {
    match dtype {
        DType::F64 => same_floats::<f64>(got, want, f64::is_nan),
        DType::F32 => same_floats::<f32>(got, want, f32::is_nan),
        DType::F16 => same_floats::<half::f16>(got, want, half::f16::is_nan),
        _ => got == want,
    }
}

fn same_floats<T: Item>(got: &[u8], want: &[u8], is_nan: fn(T) -> bool) -> bool {
    let (got, want) = (elements::<T>(got), elements::<T>(want));
    let pairs = got.iter().zip(&want);
    got.len() == want.len() && { pairs }
        .all(|(&got, &want)| got.bits() == want.bits() || is_nan(got) && is_nan(want))
}
