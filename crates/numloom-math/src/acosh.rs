//! Inverse hyperbolic cosine: `libm`'s, but below its domain, where that takes a logarithm of what cancellation leaves.

/// `acosh(x)`; NaN below 1.
pub(crate) fn acosh(x: f64) -> f64 {
    if x < 1.0 { f64::NAN } else { libm::acosh(x) }
}
