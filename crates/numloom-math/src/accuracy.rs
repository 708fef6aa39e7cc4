//! How far each function may be from the true value.

/// What is promised of one function, and what was measured.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Accuracy {
    /// The function's name without its `_f64`.
    pub name: &'static str,
    /// The greatest error in `f64`, in ulp of the true value: what was measured, rounded up to a tenth.
    pub max_ulp: f64,
    /// The greatest error that the search found.
    pub measured: f64,
    /// At which operands.
    pub at: &'static [f64],
    /// How many inputs it tried.
    pub tried: u32,
}

/// The greatest error of any function in `f32`, in ulp of the true value: half from the one rounding, the rest from `f64`.
///
/// Correct rounding, but where the true value lies within some 2^-26 ulp of a tie.
pub const F32_MAX_ULP: f64 = 0.5 + 1.0 / (1 << 24) as f64;

/// On how many of all 2^32 arguments a function of one argument is not correctly rounded in `f32`: by `examples/exhaustive.rs`, beside CORE-MATH.
pub const F32_MISROUNDED: &[(&str, u32)] = &[
    ("sin", 4),
    ("cos", 6),
    ("tan", 0),
    ("asin", 0),
    ("acos", 2),
    ("atan", 2),
    ("sinh", 6),
    ("cosh", 4),
    ("tanh", 2),
    ("asinh", 6),
    ("acosh", 2),
    ("atanh", 0),
    ("exp", 2),
    ("exp2", 2),
    ("expm1", 3),
    ("log", 4),
    ("log2", 0),
    ("log10", 2),
    ("log1p", 10),
    ("cbrt", 0),
    ("erf", 0),
    ("erfc", 1),
];

macro_rules! table {
    ($($name:literal $max_ulp:literal $measured:literal [$($at:expr),*] $tried:literal;)*) => {
        /// Every function of this crate, in `f64`.
        ///
        /// Measured, not proved: by `tools/accuracy.py`, which compares with MPFR (4.2.2, at 160 bits) random inputs over the usual range, over
        /// all exponents (angles up to the greatest) and near the points where a function is steep, and then more of them around the worst.
        /// The worst inputs are tested for ever (`tests/anchors.txt`). Results that are subnormal round twice, and count.
        pub const TABLE: &[Accuracy] = &[$( Accuracy {
            name: $name,
            max_ulp: $max_ulp,
            measured: $measured,
            at: &[$($at),*],
            tried: $tried,
        }, )*];
    };
}

table! {
    "sin" 0.6 0.5563 [-1240024.8216376086] 1002750;
    "cos" 0.6 0.5557 [10939604.743412934] 1002750;
    "tan" 0.6 0.5139 [-59.66161947003565] 1002754;
    "asin" 0.6 0.5133 [-0.05150853048383413] 2000036;
    "acos" 0.6 0.5182 [0.9980521050014963] 2000036;
    "atan" 0.6 0.5108 [0.062473078665003366] 2000036;
    "sinh" 0.6 0.5049 [0.02262319629155818] 200028;
    "cosh" 0.6 0.5002 [-76.48408008955448] 200028;
    "tanh" 0.6 0.5253 [-0.0068283872181684096] 200036;
    "asinh" 0.6 0.5723 [0.05880355746173941] 200026;
    "acosh" 0.6 0.5677 [1.0016857768909477] 200026;
    "atanh" 0.6 0.5612 [-0.02642471938251477] 200028;
    "exp" 0.8 0.7626 [-708.5448967661484] 200036;
    "exp2" 0.8 0.7610 [-1022.2242449096567] 200028;
    "expm1" 0.6 0.5293 [0.02186793366875039] 200029;
    "log" 0.6 0.5400 [1.055224636582637] 200028;
    "log2" 0.6 0.5417 [1.0619862115750947] 200028;
    "log10" 0.6 0.5496 [1.0356105205454178] 200028;
    "log1p" 0.8 0.7500 [-7.850462293418876e-17] 200029;
    "cbrt" 0.6 0.5000 [4.010863225949619e-91] 200023;
    "erf" 0.6 0.5766 [-0.7728312421822354] 200030;
    "erfc" 0.9 0.8806 [26.162491091768846] 200032;
    "atan2" 0.6 0.5180 [0.42045069261534235, 6.727083790294192] 2000034;
    "hypot" 0.6 0.5000 [2.8597493365881365e+82, -3.104405933424211e+74] 200026;
    "pow" 0.8 0.7671 [8.850805083423968e-65, 4.804113354541581] 200034;
}
