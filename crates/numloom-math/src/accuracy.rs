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
/// Correct rounding, but where the true value lies within a few 2^-30 ulp of a tie.
pub const F32_MAX_ULP: f64 = 0.5 + 1.0 / (1 << 28) as f64;

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
    "sin" 0.6 0.5737 [1151732.2068362546] 151021;
    "cos" 0.6 0.5736 [16.459216196881236] 151021;
    "tan" 0.6 0.5900 [2779975.7145977872] 151021;
    "asin" 0.6 0.5006 [-0.03721760228101223] 151020;
    "acos" 0.6 0.5005 [0.9997456687683994] 151020;
    "atan" 0.6 0.5000 [-0.05448322125377328] 151020;
    "sinh" 0.6 0.5048 [0.022754845188090993] 151020;
    "cosh" 0.6 0.5001 [0.2779019057469183] 151020;
    "tanh" 0.6 0.5045 [0.022496934420218707] 151020;
    "asinh" 0.6 0.5611 [0.05760383403193798] 151019;
    "acosh" 0.6 0.5646 [1.001607767018565] 151019;
    "atanh" 0.6 0.5546 [-0.022600519184678126] 151020;
    "exp" 0.8 0.7514 [-708.6727757155178] 151020;
    "exp2" 0.8 0.7579 [-1022.3981068708711] 151020;
    "expm1" 0.6 0.5195 [0.0204113596577557] 151021;
    "log" 0.6 0.5391 [1.0611639816971623] 151020;
    "log2" 0.6 0.5417 [1.0619862115750947] 151020;
    "log10" 0.6 0.5432 [1.04857612608198] 151020;
    "log1p" 0.8 0.7500 [-7.850462293418876e-17] 151021;
    "cbrt" 0.6 0.5001 [6.118573204121966e+214] 151018;
    "erf" 1.1 1.0012 [1.0434353457371441e-07] 151023;
    "erfc" 3.2 3.1759 [1.3528305458160783] 151024;
    "atan2" 0.6 0.5398 [20644041077535.18, 5.611514435300268e+21] 151019;
    "hypot" 0.6 0.5000 [2.9515639104069827e+82, -3.153846968569868e+74] 151019;
    "pow" 0.8 0.7522 [63509182748.948586, -28.4896734481131] 151019;
}
