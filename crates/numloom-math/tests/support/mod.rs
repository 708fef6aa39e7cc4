//! Arguments for the functions, the same in every run.

use numloom_math::Function;

/// Random bits: Marsaglia's xorshift, of 64 bits.
pub(crate) struct Bits(pub(crate) u64);

impl Bits {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Evenly from `lo` to `hi`.
    pub(crate) fn between(&mut self, lo: f64, hi: f64) -> f64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        lo + (hi - lo) * unit
    }
}

/// Where a function is used most: of its first argument, and of its second.
pub(crate) fn usual(name: &str) -> [(f64, f64); 2] {
    let first = match name {
        "sin" | "cos" | "tan" => (-100.0, 100.0),
        "asin" | "acos" | "atanh" => (-1.0, 1.0),
        "acosh" => (1.0, 10.0),
        "log" | "log2" | "log10" => (0.01, 100.0),
        "log1p" => (-0.99, 10.0),
        "pow" => (0.1, 10.0),
        _ => (-10.0, 10.0),
    };
    [first, (-5.0, 5.0)]
}

/// Arguments: half of them usual, half any bits at all, infinite and NaN among them.
pub(crate) fn arguments(function: &Function, n: usize, seed: u64) -> [Vec<f64>; 2] {
    let mut bits = Bits(seed);
    usual(function.name).map(|(lo, hi)| {
        let draw = |i| {
            if i % 2 == 0 {
                bits.between(lo, hi)
            } else {
                f64::from_bits(bits.next())
            }
        };
        (0..n).map(draw).collect()
    })
}

/// Evaluates a function over blocks, in either precision.
macro_rules! evaluate {
    ($type:ident, $function:expr, $isa:expr, $x:expr, $y:expr) => {{
        let (x, y): (&[$type], &[$type]) = ($x, $y);
        let mut dst: Vec<$type> = vec![0.0; x.len()];
        match $function.blocks {
            Blocks::Unary { $type: f, .. } => f($isa, &mut dst, x),
            Blocks::Binary { $type: f, .. } => f($isa, &mut dst, x, y),
        }
        dst
    }};
}

pub(crate) use evaluate;
