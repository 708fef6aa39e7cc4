//! Special values, as the C standard's Annex F and NumPy have them, and exact results where a function has some.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use numloom_math::*;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;
/// The smallest number above zero.
const TINY: f64 = 5e-324;

type Unary = (
    &'static str,
    fn(Isa, &mut [f64], &[f64]),
    fn(Isa, &mut [f32], &[f32]),
);
type Binary = (
    &'static str,
    fn(Isa, &mut [f64], &[f64], &[f64]),
    fn(Isa, &mut [f32], &[f32], &[f32]),
);

/// Equal in bits, a NaN being one value.
#[track_caller]
fn same(what: &str, got: f64, want: f64) {
    let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
    assert!(same, "{what}: got {got:?}, want {want:?}");
}

#[track_caller]
fn unary((name, f64, f32): Unary, table: &[(f64, f64)]) {
    for &(x, want) in table {
        let mut dst = [0.0];
        f64(Isa::best(), &mut dst, &[x]);
        same(&format!("{name}({x:?})"), dst[0], want);
        if f64::from(x as f32).to_bits() == x.to_bits() || x.is_nan() {
            let mut dst = [0.0];
            f32(Isa::best(), &mut dst, &[x as f32]);
            same(
                &format!("{name}({x:?}) in f32"),
                f64::from(dst[0]),
                f64::from(want as f32),
            );
        }
    }
}

#[track_caller]
fn binary((name, f64, f32): Binary, table: &[(f64, f64, f64)]) {
    for &(x, y, want) in table {
        let mut dst = [0.0];
        f64(Isa::best(), &mut dst, &[x], &[y]);
        same(&format!("{name}({x:?}, {y:?})"), dst[0], want);
        if [x, y]
            .iter()
            .all(|x| f64::from(*x as f32).to_bits() == x.to_bits() || x.is_nan())
        {
            let mut dst = [0.0];
            f32(Isa::best(), &mut dst, &[x as f32], &[y as f32]);
            same(
                &format!("{name}({x:?}, {y:?}) in f32"),
                f64::from(dst[0]),
                f64::from(want as f32),
            );
        }
    }
}

#[test]
fn angles_have_no_sine_at_infinity_and_keep_the_sign_of_zero() {
    unary(
        ("sin", sin_f64, sin_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, NAN),
            (-INF, NAN),
            (NAN, NAN),
            (TINY, TINY),
        ],
    );
    unary(
        ("cos", cos_f64, cos_f32),
        &[(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN)],
    );
    unary(
        ("tan", tan_f64, tan_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, NAN),
            (-INF, NAN),
            (NAN, NAN),
            (-TINY, -TINY),
        ],
    );
}

#[test]
fn inverse_functions_of_angles_are_nan_outside_their_range() {
    unary(
        ("asin", asin_f64, asin_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (1.0, FRAC_PI_2),
            (-1.0, -FRAC_PI_2),
            (1.5, NAN),
            (-INF, NAN),
            (NAN, NAN),
        ],
    );
    unary(
        ("acos", acos_f64, acos_f32),
        &[
            (1.0, 0.0),
            (-1.0, PI),
            (0.0, FRAC_PI_2),
            (-0.0, FRAC_PI_2),
            (1.5, NAN),
            (INF, NAN),
            (NAN, NAN),
        ],
    );
    unary(
        ("atan", atan_f64, atan_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (1.0, FRAC_PI_4),
            (INF, FRAC_PI_2),
            (-INF, -FRAC_PI_2),
            (NAN, NAN),
        ],
    );
}

#[test]
fn hyperbolic_functions_reach_their_limits() {
    unary(
        ("sinh", sinh_f64, sinh_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, INF),
            (-INF, -INF),
            (711.0, INF),
            (-711.0, -INF),
            (NAN, NAN),
        ],
    );
    unary(
        ("cosh", cosh_f64, cosh_f32),
        &[
            (0.0, 1.0),
            (-0.0, 1.0),
            (INF, INF),
            (-INF, INF),
            (-711.0, INF),
            (NAN, NAN),
        ],
    );
    unary(
        ("tanh", tanh_f64, tanh_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, 1.0),
            (-INF, -1.0),
            (30.0, 1.0),
            (NAN, NAN),
        ],
    );
    unary(
        ("asinh", asinh_f64, asinh_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, INF),
            (-INF, -INF),
            (NAN, NAN),
        ],
    );
    unary(
        ("acosh", acosh_f64, acosh_f32),
        &[
            (1.0, 0.0),
            (0.5, NAN),
            (-1.0, NAN),
            (-INF, NAN),
            (INF, INF),
            (NAN, NAN),
        ],
    );
    unary(
        ("atanh", atanh_f64, atanh_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (1.0, INF),
            (-1.0, -INF),
            (1.5, NAN),
            (INF, NAN),
            (NAN, NAN),
        ],
    );
}

#[test]
fn exponentials_overflow_to_infinity_and_underflow_to_zero() {
    unary(
        ("exp", exp_f64, exp_f32),
        &[
            (0.0, 1.0),
            (-0.0, 1.0),
            (INF, INF),
            (-INF, 0.0),
            (710.0, INF),
            (-746.0, 0.0),
            (NAN, NAN),
        ],
    );
    unary(
        ("exp2", exp2_f64, exp2_f32),
        &[
            (0.0, 1.0),
            (INF, INF),
            (-INF, 0.0),
            (1024.0, INF),
            (-1074.0, TINY),
            (-1076.0, 0.0),
            (NAN, NAN),
        ],
    );
    unary(
        ("expm1", expm1_f64, expm1_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, INF),
            (-INF, -1.0),
            (710.0, INF),
            (-50.0, -1.0),
            (NAN, NAN),
        ],
    );
}

#[test]
fn logarithms_are_infinite_at_zero_and_nan_below() {
    let logarithms: [Unary; 3] = [
        ("log", log_f64, log_f32),
        ("log2", log2_f64, log2_f32),
        ("log10", log10_f64, log10_f32),
    ];
    for log in logarithms {
        unary(
            log,
            &[
                (0.0, -INF),
                (-0.0, -INF),
                (1.0, 0.0),
                (-1.0, NAN),
                (-TINY, NAN),
                (INF, INF),
                (-INF, NAN),
                (NAN, NAN),
            ],
        );
    }
    unary(
        ("log1p", log1p_f64, log1p_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (-1.0, -INF),
            (-1.5, NAN),
            (INF, INF),
            (-INF, NAN),
            (NAN, NAN),
        ],
    );
}

#[test]
fn the_cube_root_keeps_signs() {
    unary(
        ("cbrt", cbrt_f64, cbrt_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, INF),
            (-INF, -INF),
            (-8.0, -2.0),
            (NAN, NAN),
        ],
    );
}

#[test]
fn atan2_knows_the_signs_of_zeros_and_infinities() {
    binary(
        ("atan2", atan2_f64, atan2_f32),
        &[
            (0.0, 0.0, 0.0),
            (-0.0, 0.0, -0.0),
            (0.0, -0.0, PI),
            (-0.0, -0.0, -PI),
            (0.0, 1.0, 0.0),
            (-0.0, 1.0, -0.0),
            (0.0, -1.0, PI),
            (-0.0, -1.0, -PI),
            (1.0, 0.0, FRAC_PI_2),
            (1.0, -0.0, FRAC_PI_2),
            (-1.0, 0.0, -FRAC_PI_2),
            (-1.0, -0.0, -FRAC_PI_2),
            (1.0, INF, 0.0),
            (-1.0, INF, -0.0),
            (1.0, -INF, PI),
            (-1.0, -INF, -PI),
            (INF, 1.0, FRAC_PI_2),
            (-INF, 1.0, -FRAC_PI_2),
            (INF, INF, FRAC_PI_4),
            (-INF, INF, -FRAC_PI_4),
            (INF, -INF, 3.0 * FRAC_PI_4),
            (-INF, -INF, -3.0 * FRAC_PI_4),
            (NAN, 1.0, NAN),
            (1.0, NAN, NAN),
        ],
    );
}

#[test]
fn atan2_of_points_on_an_axis_is_its_direction_however_far_they_are() {
    let far = [
        1e-310, 1e-38, 1e-20, 0.3, 0.75, 1.0, 1.5, 2.0, 3.0, 1e10, 1e30, 1e38, 1e308,
    ];
    let points: Vec<_> = far
        .into_iter()
        .flat_map(|far| {
            [
                (0.0, far, 0.0),
                (-0.0, far, -0.0),
                (0.0, -far, PI),
                (-0.0, -far, -PI),
                (far, 0.0, FRAC_PI_2),
                (-far, -0.0, -FRAC_PI_2),
            ]
        })
        .collect();
    binary(("atan2", atan2_f64, atan2_f32), &points);
}

#[test]
fn hypot_is_infinite_beside_nan_and_overflows_only_at_the_end() {
    binary(
        ("hypot", hypot_f64, hypot_f32),
        &[
            (INF, NAN, INF),
            (NAN, -INF, INF),
            (-INF, 0.0, INF),
            (NAN, 1.0, NAN),
            (1.0, NAN, NAN),
            (-0.0, -0.0, 0.0),
            (-3.0, 4.0, 5.0),
            (3e300, 4e300, 5e300),
            (TINY, 0.0, TINY),
            (1.7e308, 1.7e308, INF),
        ],
    );
}

#[test]
fn powers_follow_annex_f() {
    binary(
        ("pow", pow_f64, pow_f32),
        &[
            (NAN, 0.0, 1.0),
            (NAN, -0.0, 1.0),
            (INF, 0.0, 1.0),
            (1.0, NAN, 1.0),
            (1.0, -INF, 1.0),
            (NAN, 1.0, NAN),
            (2.0, NAN, NAN),
            (0.0, -3.0, INF),
            (-0.0, -3.0, -INF),
            (-0.0, -2.0, INF),
            (0.0, -INF, INF),
            (-0.0, -INF, INF),
            (0.0, 3.0, 0.0),
            (-0.0, 3.0, -0.0),
            (-0.0, 2.0, 0.0),
            (-0.0, 0.5, 0.0),
            (-1.0, INF, 1.0),
            (-1.0, -INF, 1.0),
            (0.5, -INF, INF),
            (2.0, -INF, 0.0),
            (0.5, INF, 0.0),
            (-2.0, INF, INF),
            (-INF, -3.0, -0.0),
            (-INF, -2.0, 0.0),
            (-INF, 3.0, -INF),
            (-INF, 2.0, INF),
            (-INF, 0.5, INF),
            (INF, -1.0, 0.0),
            (INF, 0.5, INF),
            (-8.0, 1.0 / 3.0, NAN),
            (-2.0, 3.0, -8.0),
            (-2.0, 0.5, NAN),
            (10.0, 309.0, INF),
            (-10.0, 309.0, -INF),
            (-10.0, -325.0, -0.0),
        ],
    );
}

#[test]
fn powers_near_one_with_huge_exponents_keep_sign_and_domain() {
    let near = -1.0 - f64::EPSILON;
    let table = [
        (near, 2147483649.5, NAN),
        (-near, 1e300, INF),
        (-near, -1e300, 0.0),
    ];
    binary(("pow", pow_f64, pow_f32), &table);
    let mut powers = [0.0; 2];
    pow_f64(
        Isa::best(),
        &mut powers,
        &[near; 2],
        &[4503599627370496.0, 4503599627370497.0],
    );
    assert!(2.7 < powers[0] && powers[0] < 2.8, "even: {}", powers[0]);
    assert!(-2.8 < powers[1] && powers[1] < -2.7, "odd: {}", powers[1]);
}

#[test]
fn powers_of_two_are_exact_both_ways() {
    for k in -1074..1024 {
        let (x, exponent) = (f64::from(k), f64::from(k));
        let mut power = [0.0];
        exp2_f64(Isa::best(), &mut power, &[x]);
        let want = if k < -1022 {
            f64::from_bits(1 << (k + 1074))
        } else {
            f64::from_bits(((k + 1023) as u64) << 52)
        };
        same(&format!("exp2({k})"), power[0], want);
        let mut log = [0.0];
        log2_f64(Isa::best(), &mut log, &power);
        same(&format!("log2(2^{k})"), log[0], exponent);
    }
}

#[test]
fn decimal_logarithms_of_powers_of_ten_are_exact() {
    for k in -307..309 {
        let mut log = [0.0];
        log10_f64(
            Isa::best(),
            &mut log,
            &[format!("1e{k}").parse().expect("a number")],
        );
        same(&format!("log10(1e{k})"), log[0], f64::from(k));
    }
}

#[test]
fn cube_roots_of_cubes_and_small_powers_of_integers_are_exact() {
    for k in (0..1000).chain(199_990..200_000) {
        let x = f64::from(k);
        unary(
            ("cbrt", cbrt_f64, cbrt_f32),
            &[(x * x * x, x), (-(x * x * x), -x)],
        );
        if k < 1000 {
            binary(
                ("pow", pow_f64, pow_f32),
                &[
                    (x, 2.0, x * x),
                    (x, 3.0, x * x * x),
                    (x, 1.0, x),
                    (x, 5.0, x * x * x * x * x),
                ],
            );
        }
    }
}

#[test]
fn empty_blocks_are_allowed_and_long_ones_are_filled() {
    sin_f64(Isa::best(), &mut [], &[]);
    pow_f32(Isa::best(), &mut [], &[], &[]);
    let x: Vec<_> = (0..37).map(f64::from).collect();
    let (mut all, mut one) = ([0.0; 37], [0.0]);
    sin_f64(Isa::best(), &mut all, &x);
    for (all, x) in all.iter().zip(x) {
        sin_f64(Isa::best(), &mut one, &[x]);
        same("an element alone", *all, one[0]);
    }
}

#[test]
#[should_panic(expected = "one length")]
fn unequal_lengths_are_refused() {
    exp_f64(Isa::best(), &mut [0.0; 2], &[0.0; 3]);
}

#[test]
fn the_error_function_ends_at_one_and_its_complement_at_zero_and_two() {
    unary(
        ("erf", erf_f64, erf_f32),
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, 1.0),
            (-INF, -1.0),
            (6.5, 1.0),
            (-7.0, -1.0),
            (NAN, NAN),
        ],
    );
    unary(
        ("erfc", erfc_f64, erfc_f32),
        &[
            (0.0, 1.0),
            (-0.0, 1.0),
            (TINY, 1.0),
            (INF, 0.0),
            (-INF, 2.0),
            (28.0, 0.0),
            (-6.5, 2.0),
            (NAN, NAN),
        ],
    );
}
