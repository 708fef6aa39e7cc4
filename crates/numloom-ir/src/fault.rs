//! What only the data can decide: faults found while a kernel runs.

use numloom_data::DType;

/// Why an element could not be computed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum FaultCode {
    /// A signed integer was raised to a negative power.
    NegativePower = 1,
    /// A checked cast met a value that the target dtype does not hold.
    CastOutOfRange = 2,
}

/// The fault slot: the first fault of a run, by element index.
///
/// `repr(C)`: the kernel ABI hands compiled code and block functions a pointer to one. Layout: `code` at 0, `inst` at
/// 4, `index` at 8, `bits` at 16, 24 bytes in all. Of two faults the one with the lower index stays; of two at one
/// index, the one of the earlier instruction: so errors, too, are the same at any block size and thread count, and
/// whatever steps the kernel takes the instructions in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Fault {
    /// 0 for none, else a [`FaultCode`].
    pub code: u32,
    /// The instruction of the program that found it: [`CallStep::inst`](crate::CallStep::inst).
    pub inst: u32,
    /// The element's logical (row-major) index in the whole run.
    pub index: u64,
    /// The offending value's bits, zero-extended: the exponent, or the value to cast.
    pub bits: u64,
}

impl Fault {
    /// No fault.
    pub const NONE: Fault = Fault {
        code: 0,
        inst: 0,
        index: 0,
        bits: 0,
    };

    /// Whether there is one.
    pub fn is_some(&self) -> bool {
        self.code != 0
    }

    /// Keeps `other` if this slot is empty or `other` comes first.
    pub fn merge(&mut self, other: Fault) {
        if other.is_some()
            && (!self.is_some() || (other.index, other.inst) < (self.index, self.inst))
        {
            *self = other;
        }
    }

    /// Records a fault unless one that comes first is there already.
    pub fn record(&mut self, code: FaultCode, inst: u32, index: u64, bits: u64) {
        self.merge(Fault {
            code: code as u32,
            inst,
            index,
            bits,
        });
    }

    /// The code, if there is a fault.
    pub fn kind(&self) -> Option<FaultCode> {
        match self.code {
            1 => Some(FaultCode::NegativePower),
            2 => Some(FaultCode::CastOutOfRange),
            _ => None,
        }
    }

    /// The offending value as text, read as `dtype`.
    pub fn value_text(&self, dtype: DType) -> String {
        numloom_data::Scalar::from_bits(dtype, u128::from(self.bits)).to_string()
    }
}
