//! What "the same" means between engines: dtype, shape and bits, a computed NaN being one value.

use std::fmt;

use numloom_data::{Array, DType, Scalar, View};

/// How the elements of two arrays are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// The same bits, but any NaN for any NaN: between engines, for everything computed.
    Bits,
    /// The same bits, also of NaNs: for what only moves data.
    Exact,
    /// At most this many units in the last place apart, each part of complex numbers: for elementary functions against the true
    /// value.
    Ulp(u64),
}

/// How two arrays differ.
#[derive(Clone, PartialEq, Debug)]
pub enum Difference {
    /// In the dtype: wanted, got.
    DType(DType, DType),
    /// In the shape: wanted, got.
    Shape(Vec<usize>, Vec<usize>),
    /// In elements.
    Elements {
        /// How many differ.
        count: usize,
        /// How many there are.
        of: usize,
        /// The row-major index of the first.
        first: usize,
        /// What was wanted there.
        want: Scalar,
        /// What was got.
        got: Scalar,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::DType(want, got) => write!(f, "dtype {got} instead of {want}"),
            Difference::Shape(want, got) => write!(f, "shape {got:?} instead of {want:?}"),
            Difference::Elements {
                count,
                of,
                first,
                want,
                got,
            } => write!(
                f,
                "{count} of {of} elements differ; the first is [{first}] = {got:#} ({:#x}) instead of {want:#} ({:#x})",
                got.bits(),
                want.bits()
            ),
        }
    }
}

/// How `got` differs from `want`, if it does.
#[must_use]
pub fn difference(want: &View<'_>, got: &View<'_>, measure: Measure) -> Option<Difference> {
    if want.dtype() != got.dtype() {
        return Some(Difference::DType(want.dtype(), got.dtype()));
    }
    if want.shape() != got.shape() {
        return Some(Difference::Shape(
            want.shape().to_vec(),
            got.shape().to_vec(),
        ));
    }
    let mut count = 0;
    let mut first = None;
    for (i, (want, got)) in want.scalars().zip(got.scalars()).enumerate() {
        if !same(&want, &got, measure) {
            count += 1;
            first.get_or_insert((i, want, got));
        }
    }
    first.map(|(first, want, got_first)| Difference::Elements {
        count,
        of: got.len(),
        first,
        want,
        got: got_first,
    })
}

/// Fails the test with `what` and the difference, if there is one.
///
/// # Panics
/// If there is one.
#[track_caller]
pub fn assert_same(want: &View<'_>, got: &View<'_>, what: impl fmt::Display) {
    if let Some(difference) = difference(want, got, Measure::Bits) {
        panic!("{what}: {difference}");
    }
}

/// Fails the test with `what` and the first difference among the outputs of a run, if there is one.
///
/// # Panics
/// If there is one, or there are more of one than of the other.
#[track_caller]
pub fn assert_all_same(want: &[Array], got: &[Array], what: impl fmt::Display) {
    assert_eq!(want.len(), got.len(), "{what}: outputs");
    for (i, (want, got)) in want.iter().zip(got).enumerate() {
        assert_same(
            &want.view(),
            &got.view(),
            format_args!("{what}, output {i}"),
        );
    }
}

/// Whether two values of one dtype are the same by `measure`.
#[must_use]
pub fn same(want: &Scalar, got: &Scalar, measure: Measure) -> bool {
    if want == got {
        return true;
    }
    if let (Some(want), Some(got)) = (parts(want), parts(got)) {
        let mut parts = want.iter().zip(&got);
        return parts.all(|(want, got)| same(want, got, measure));
    }
    match measure {
        Measure::Exact => false,
        Measure::Bits => is_nan(want) && is_nan(got),
        Measure::Ulp(most) => {
            is_nan(want) && is_nan(got) || ulps(want, got).is_some_and(|n| n <= most)
        }
    }
}

/// The real and imaginary part of a complex value.
fn parts(value: &Scalar) -> Option<[Scalar; 2]> {
    match value {
        Scalar::C64(z) => Some([Scalar::F32(z.re), Scalar::F32(z.im)]),
        Scalar::C128(z) => Some([Scalar::F64(z.re), Scalar::F64(z.im)]),
        _ => None,
    }
}

/// Whether a value is NaN.
#[must_use]
pub fn is_nan(value: &Scalar) -> bool {
    value.dtype().is_float() && value.as_f64().is_some_and(f64::is_nan)
}

/// How many floats of the dtype lie from one to the other; none unless both are of one float dtype and finite or infinite, with the same
/// sign where they are zero.
fn ulps(a: &Scalar, b: &Scalar) -> Option<u64> {
    let dtype = a.dtype();
    if dtype != b.dtype() || !dtype.is_float() || is_nan(a) || is_nan(b) {
        return None;
    }
    let sign = 1u64 << (dtype.bits() - 1);
    // Bits in the order of the numbers: negative ones count down from zero.
    let place = |x: &Scalar| {
        let bits = x.bits() as u64;
        let size = i128::from(bits & (sign - 1));
        if bits & sign == 0 { size } else { -size - 1 }
    };
    u64::try_from((place(a) - place(b)).abs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_differ_and_computed_nans_do_not() {
        let zeros = (Scalar::F64(0.0), Scalar::F64(-0.0));
        assert!(!same(&zeros.0, &zeros.1, Measure::Bits));
        let nans = (Scalar::F32(f32::NAN), Scalar::F32(-f32::NAN));
        assert!(same(&nans.0, &nans.1, Measure::Bits));
        assert!(!same(&nans.0, &nans.1, Measure::Exact));
    }

    #[test]
    fn ulps_count_floats_between() {
        let one = Scalar::F64(1.0);
        let next = Scalar::F64(1.0 + f64::EPSILON);
        let below = Scalar::F64(1.0 - f64::EPSILON / 2.0);
        assert!(same(&one, &next, Measure::Ulp(1)) && same(&below, &one, Measure::Ulp(1)));
        assert!(!same(&below, &next, Measure::Ulp(1)) && same(&below, &next, Measure::Ulp(2)));
        assert!(!same(
            &Scalar::F64(0.0),
            &Scalar::F64(f64::NAN),
            Measure::Ulp(u64::MAX)
        ));
    }

    #[test]
    fn complex_numbers_are_compared_part_by_part() {
        let complex = |text| Scalar::parse(DType::C128, text).unwrap();
        let (a, b) = (complex("nan+1j"), complex("nan+1.0000000000000002j"));
        assert!(same(&a, &complex("nan+1j"), Measure::Bits));
        assert!(!same(&a, &b, Measure::Bits) && same(&a, &b, Measure::Ulp(1)));
        assert!(!same(&a, &complex("1+nanj"), Measure::Bits));
    }

    #[test]
    fn the_first_difference_is_named() {
        let (want, got) = ([1i16, 2, 3], [1i16, 0, 0]);
        let found = difference(
            &View::from_slice(&want),
            &View::from_slice(&got),
            Measure::Bits,
        );
        let text = found.expect("two elements differ").to_string();
        assert_eq!(
            text,
            "2 of 3 elements differ; the first is [1] = 0 (0x0) instead of 2 (0x2)"
        );
        assert_eq!(
            difference(
                &View::from_slice(&want),
                &View::from_slice(&want),
                Measure::Exact
            ),
            None
        );
    }
}
