//! The arguments that elementary functions are measured on.

/// Where a function is used most; the second argument goes from -5 to 5.
pub(crate) fn usual(name: &str) -> (f64, f64) {
    match name {
        "sin" | "cos" | "tan" => (-100.0, 100.0),
        "asin" | "acos" | "atanh" => (-1.0, 1.0),
        "acosh" => (1.0, 10.0),
        "log" | "log2" | "log10" => (0.01, 100.0),
        "log1p" => (-0.9, 10.0),
        "pow" => (0.1, 10.0),
        _ => (-5.0, 5.0),
    }
}
