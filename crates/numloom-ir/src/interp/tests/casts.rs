//! Casts against exact arithmetic.

use half::f16;
use numloom_data::DType;

use super::{Random, apply, bytes, elements};
use crate::fault::{Fault, FaultCode};
use crate::interp::item::Item;
use crate::op::{CastMode, Op};

fn cast<X: Item, R: Item>(mode: CastMode, from: DType, to: DType, x: &[X]) -> (Vec<R>, Fault) {
    let (dst, fault) = apply(Op::Cast(mode), from, to, &[&bytes(x)], x.len());
    (elements(&dst), fault)
}

/// Floats near every edge that matters, and others.
fn floats() -> Vec<f64> {
    let mut floats = vec![
        0.0, 0.5, 0.99999, 1.0, 1.5, 2.5, 1e10, 3e18, 1e19, 1e30, 1e38,
    ];
    for bits in [7, 8, 15, 16, 31, 32, 53, 62, 63, 64, 65, 100, 126] {
        let edge = f64::from(bits).exp2();
        floats.extend([
            edge,
            edge.next_up(),
            edge.next_down(),
            edge - 1.0,
            edge + 1.0,
            edge - 0.5,
            edge + 0.5,
        ]);
    }
    let mut random = Random(3);
    floats.extend((0..500).map(|_| f64::from_bits(random.bits() % (126 << 52) + (1000 << 52))));
    floats.retain(|x| x.abs() < 1e38);
    floats.extend(floats.clone().iter().map(|x| -x));
    floats
}

/// Integers near every edge, and others.
fn integers() -> Vec<i128> {
    let mut integers = vec![0];
    for bits in 0..64 {
        let edge = 1i128 << bits;
        integers.extend([
            edge - 1,
            edge,
            edge + 1,
            edge / 3,
            1 - edge,
            -edge,
            -edge - 1,
        ]);
    }
    integers.extend([i128::from(u64::MAX), i128::from(i64::MIN)]);
    integers
}

macro_rules! to_integer {
    ($from:expr, $x:expr, $exact:expr; $($to:ident $type:ty),*) => {$({
        let (x, exact): (&[_], Vec<i128>) = (&$x, $x.iter().map($exact).collect());
        let (min, max) = (i128::from(<$type>::MIN), i128::from(<$type>::MAX));
        let (wrapped, fault) = cast::<_, $type>(CastMode::Wrap, $from, DType::$to, x);
        assert!(!fault.is_some());
        let (saturated, fault) = cast::<_, $type>(CastMode::Saturate, $from, DType::$to, x);
        assert!(!fault.is_some());
        let (checked, fault) = cast::<_, $type>(CastMode::Checked, $from, DType::$to, x);
        for (i, &exact) in exact.iter().enumerate() {
            let (fits, what) = (min <= exact && exact <= max, format!("{:?} to {}", x[i], DType::$to));
            assert_eq!(wrapped[i], exact as $type, "{what}");
            assert_eq!(i128::from(saturated[i]), exact.clamp(min, max), "{what}");
            assert_eq!(checked[i], if fits { exact as $type } else { 0 }, "{what}");
        }
        let first = exact.iter().position(|exact| !(min..=max).contains(exact));
        let want = first.map(|i| (1000 + i as u64, x[i].bits()));
        assert_eq!(fault.is_some().then_some((fault.index, fault.bits)), want);
    })*};
}

macro_rules! to_all_integers {
    ($from:expr, $x:expr, $exact:expr) => {
        to_integer!(
            $from, $x, $exact;
            I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64
        )
    };
}

#[test]
fn floats_to_integers_truncate_then_wrap_saturate_or_fault() {
    // Below 2^127 a truncated float is exactly an i128.
    let doubles = floats();
    to_all_integers!(DType::F64, doubles, |x| x.trunc() as i128);
    let singles: Vec<f32> = doubles.iter().map(|&x| x as f32).collect();
    to_all_integers!(DType::F32, singles, |x| x.trunc() as i128);
    let halves: Vec<f16> = (0..=u16::MAX)
        .map(f16::from_bits)
        .filter(|x| x.is_finite())
        .collect();
    to_all_integers!(DType::F16, halves, |x| x.to_f64().trunc() as i128);
}

#[test]
fn integers_to_integers_wrap_saturate_or_fault() {
    macro_rules! from {
        ($($kind:ident $type:ty),*) => {$({
            let all = integers().into_iter().filter_map(|x| <$type>::try_from(x).ok());
            let all: Vec<$type> = all.collect();
            to_all_integers!(DType::$kind, all, |&x| i128::from(x));
        })*};
    }
    from!(I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64);
}

#[test]
fn nan_infinities_and_the_largest_floats_have_their_own_rules() {
    let x = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        -2f64.powi(116),
        2f64.powi(115) + 2f64.powi(63),
    ];
    let (wrapped, _) = cast::<_, i64>(CastMode::Wrap, DType::F64, DType::I64, &x);
    assert_eq!(wrapped, [0, 0, 0, 0, 0, i64::MIN]);
    let (saturated, _) = cast::<_, i8>(CastMode::Saturate, DType::F64, DType::I8, &x);
    assert_eq!(saturated, [0, 127, -128, 127, -128, 127]);
    let (saturated, _) = cast::<_, u32>(CastMode::Saturate, DType::F64, DType::U32, &x);
    assert_eq!(saturated, [0, u32::MAX, 0, u32::MAX, 0, u32::MAX]);
    for x in x {
        let (checked, fault) = cast::<_, i64>(CastMode::Checked, DType::F64, DType::I64, &[x]);
        assert_eq!(checked, [0]);
        assert_eq!(fault.kind(), Some(FaultCode::CastOutOfRange));
        assert_eq!(
            (fault.inst, fault.index, fault.bits),
            (5, 1000, x.to_bits())
        );
    }
}

#[test]
fn truth_is_being_unlike_zero_and_never_faults() {
    for mode in [CastMode::Wrap, CastMode::Saturate, CastMode::Checked] {
        let x = [0.0, -0.0, f64::NAN, 5e-324, f64::INFINITY, 0.25];
        let (got, fault) = cast::<_, bool>(mode, DType::F64, DType::Bool, &x);
        assert_eq!(got, [false, false, true, true, true, true]);
        assert!(!fault.is_some());
        let (got, fault) = cast::<_, bool>(mode, DType::I16, DType::Bool, &[0i16, 256, -1]);
        assert_eq!(got, [false, true, true]);
        assert!(!fault.is_some());
        let (got, _) = cast::<_, bool>(
            mode,
            DType::F16,
            DType::Bool,
            &[f16::NEG_ZERO, f16::MIN_POSITIVE_SUBNORMAL],
        );
        assert_eq!(got, [false, true]);
        let (got, _) = cast::<u8, f32>(mode, DType::Bool, DType::F32, &[0, 1, 2]);
        assert_eq!(got, [0.0, 1.0, 1.0]);
        let (got, _) = cast::<u8, u8>(mode, DType::Bool, DType::Bool, &[0, 1, 2]);
        assert_eq!(got, [0, 1, 1]);
    }
}

#[test]
fn integers_to_floats_round_once() {
    // Just above a tie between two f32; through f64 the last bit would be lost and the tie go to even, downward.
    let above_tie = (1i64 << 60) + (1 << 36) + 1;
    let (got, _) = cast::<_, f32>(
        CastMode::Wrap,
        DType::I64,
        DType::F32,
        &[above_tie, -above_tie],
    );
    let up = (1i64 << 60) as f32 + (1i64 << 37) as f32;
    assert_eq!(got, [up, -up]);
    let (got, _) = cast::<_, f64>(
        CastMode::Wrap,
        DType::U64,
        DType::F64,
        &[u64::MAX, (1 << 53) + 1],
    );
    assert_eq!(got, [18446744073709551616.0, 9007199254740992.0]);
    let x = [2048i32, 2049, 2051, 65519, 65520, -65520, i32::MAX];
    let (got, _) = cast::<_, f16>(CastMode::Wrap, DType::I32, DType::F16, &x);
    let want = [
        2048.0,
        2048.0,
        2052.0,
        65504.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::INFINITY,
    ];
    assert_eq!(got, want.map(f16::from_f64));
}

#[test]
fn doubles_to_halves_round_once_around_every_half() {
    // Between each half and the next lies a tie, and a double next to it on either side.
    for bits in 0..f16::INFINITY.to_bits() {
        let (below, above) = (f16::from_bits(bits), f16::from_bits(bits + 1));
        let next = if above.is_infinite() {
            65536.0
        } else {
            above.to_f64()
        };
        let tie = (below.to_f64() + next) / 2.0;
        let even = if bits & 1 == 0 { below } else { above };
        let x = [below.to_f64(), tie.next_down(), tie, tie.next_up()];
        let want = [below, below, even, above];
        let (got, _) = cast::<_, f16>(CastMode::Wrap, DType::F64, DType::F16, &x);
        assert_eq!(got, want, "above {below}");
        let (got, _) = cast::<_, f16>(CastMode::Wrap, DType::F64, DType::F16, &x.map(|x| -x));
        let bits = |x: f16| x.to_bits() | 0x8000;
        assert!(
            got.iter().copied().map(f16::to_bits).eq(want.map(bits)),
            "below -{below}"
        );
    }
}

#[test]
fn halves_and_singles_widen_exactly() {
    let all: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
    let (wide, _) = cast::<_, f32>(CastMode::Wrap, DType::F16, DType::F32, &all);
    let (back, _) = cast::<_, f16>(CastMode::Wrap, DType::F32, DType::F16, &wide);
    let (wider, _) = cast::<_, f64>(CastMode::Checked, DType::F16, DType::F64, &all);
    for (i, x) in all.iter().enumerate() {
        let sign = if x.is_sign_negative() { -1.0 } else { 1.0 };
        let fraction = f64::from(x.to_bits() & 0x3ff);
        let exact = match x.to_bits() >> 10 & 0x1f {
            0 => sign * fraction * 2f64.powi(-24),
            31 if fraction == 0.0 => sign * f64::INFINITY,
            31 => f64::NAN,
            e => sign * (1024.0 + fraction) * 2f64.powi(i32::from(e) - 25),
        };
        assert!(wider[i].to_bits() == exact.to_bits() || wider[i].is_nan() && exact.is_nan());
        assert!(
            f64::from(wide[i]).to_bits() == exact.to_bits() || wide[i].is_nan() && exact.is_nan()
        );
        assert!(back[i].to_bits() == x.to_bits() || back[i].is_nan() && x.is_nan());
    }
}

#[test]
fn narrowing_a_finite_float_to_infinity_faults_when_checked() {
    let largest = f64::from(f32::MAX);
    let half_above = largest + 2f64.powi(103);
    let x = [
        1.5,
        f64::INFINITY,
        f64::NAN,
        half_above.next_down(),
        half_above,
        -1e300,
    ];
    for mode in [CastMode::Wrap, CastMode::Saturate] {
        let (got, fault) = cast::<_, f32>(mode, DType::F64, DType::F32, &x);
        let want = [
            1.5,
            f32::INFINITY,
            f32::NAN,
            f32::MAX,
            f32::INFINITY,
            f32::NEG_INFINITY,
        ];
        for (got, want) in got.into_iter().zip(want) {
            assert!(got == want || got.is_nan() && want.is_nan());
        }
        assert!(!fault.is_some());
    }
    let (got, fault) = cast::<_, f32>(CastMode::Checked, DType::F64, DType::F32, &x);
    assert_eq!((got[3], got[4], got[5]), (f32::MAX, 0.0, 0.0));
    assert_eq!((fault.index, fault.bits), (1004, half_above.to_bits()));
    let (got, fault) = cast::<_, f16>(CastMode::Checked, DType::I32, DType::F16, &[65519, 65520]);
    assert_eq!(got, [f16::MAX, f16::ZERO]);
    assert_eq!((fault.index, fault.bits), (1001, 65520));
}
