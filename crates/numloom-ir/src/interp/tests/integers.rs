//! Integer operations against arithmetic in wider integers, exhaustively for 8 bits.

use numloom_data::DType;

use super::{Random, apply, bytes, elements};
use crate::fault::FaultCode;
use crate::interp::item::Item;
use crate::op::Op;

const BINARY: [Op; 16] = [
    Op::Add,
    Op::Sub,
    Op::Mul,
    Op::FloorDiv,
    Op::Rem,
    Op::Fmod,
    Op::Minimum,
    Op::Maximum,
    Op::And,
    Op::Or,
    Op::Xor,
    Op::Shl,
    Op::Shr,
    Op::Gcd,
    Op::Lcm,
    Op::Pow,
];

/// The quotient rounded down.
fn floor_div(x: i128, y: i128) -> i128 {
    if y < 0 {
        (-x).div_euclid(-y)
    } else {
        x.div_euclid(y)
    }
}

/// The greatest common divisor, by Stein's halving; the interpreter divides.
fn gcd(x: i128, y: i128) -> i128 {
    let (mut x, mut y) = (x.abs(), y.abs());
    if x == 0 || y == 0 {
        return x | y;
    }
    let twos = (x | y).trailing_zeros();
    x >>= x.trailing_zeros();
    while y != 0 {
        y >>= y.trailing_zeros();
        (x, y) = (x.min(y), x.abs_diff(y).cast_signed());
    }
    x << twos
}

/// What `op` gives, before it is cut to `width` bits; none for a fault.
fn wide(op: Op, width: u32, x: i128, y: i128) -> Option<i128> {
    let count = u32::try_from(y).ok().filter(|&count| count < width);
    Some(match op {
        Op::Add => x + y,
        Op::Sub => x - y,
        Op::Mul => x.wrapping_mul(y),
        Op::FloorDiv | Op::Rem | Op::Fmod if y == 0 => 0,
        Op::FloorDiv => floor_div(x, y),
        Op::Rem => x - y * floor_div(x, y),
        Op::Fmod => x - y * (x / y),
        Op::Minimum => x.min(y),
        Op::Maximum => x.max(y),
        Op::And => x & y,
        Op::Or => x | y,
        Op::Xor => x ^ y,
        Op::Shl => count.map_or(0, |count| x << count),
        Op::Shr => floor_div(x, 1 << count.unwrap_or(64)),
        Op::Gcd => gcd(x, y),
        Op::Lcm if x == 0 || y == 0 => 0,
        Op::Lcm => (x / gcd(x, y)).abs().wrapping_mul(y.abs()),
        Op::Pow if y < 0 => return None,
        // Powers repeat with a period of 2^width, if not from the start: y is small enough in the tests.
        Op::Pow => (0..y).fold(1, |power: i128, _| power.wrapping_mul(x)),
        _ => unreachable!("not in the list"),
    })
}

macro_rules! against_wide {
    ($type:ty, $dtype:expr, $pairs:expr) => {{
        let (x, y): (Vec<$type>, Vec<$type>) = { $pairs }.into_iter().unzip();
        for op in BINARY {
            let small = |y: &$type| op != Op::Pow || i128::from(*y) < 300;
            let keep: Vec<usize> = (0..x.len()).filter(|&i| small(&y[i])).collect();
            let x: Vec<$type> = keep.iter().map(|&i| x[i]).collect();
            let y: Vec<$type> = keep.iter().map(|&i| y[i]).collect();
            let (got, fault) = apply(op, $dtype, $dtype, &[&bytes(&x), &bytes(&y)], x.len());
            let mut first_fault = None;
            for (i, got) in elements::<$type>(&got).into_iter().enumerate() {
                let want = wide(op, <$type>::BITS, i128::from(x[i]), i128::from(y[i]));
                if want.is_none() {
                    first_fault.get_or_insert((1000 + i as u64, y[i].bits()));
                }
                assert_eq!(got, want.unwrap_or(0) as $type, "{} {op} {}", x[i], y[i]);
            }
            assert_eq!(
                fault.is_some().then_some((fault.index, fault.bits)),
                first_fault,
                "{op}"
            );
        }
    }};
}

#[test]
fn all_pairs_of_8_bit_integers_agree_with_wide_arithmetic() {
    against_wide!(
        i8,
        DType::I8,
        (-128..=127).flat_map(|x| (-128..=127).map(move |y| (x, y)))
    );
    against_wide!(
        u8,
        DType::U8,
        (0..=255).flat_map(|x| (0..=255).map(move |y| (x, y)))
    );
}

macro_rules! wider {
    ($test:ident $type:ty, $dtype:expr) => {
        #[test]
        fn $test() {
            let mut random = Random(7);
            let mut numbers: Vec<$type> = vec![
                0,
                1,
                2,
                3,
                5,
                63,
                64,
                <$type>::MIN,
                <$type>::MIN + 1,
                <$type>::MAX,
                <$type>::MAX - 1,
            ];
            numbers.extend([1, 2, 3, 63, 64].map(|x: $type| x.wrapping_neg()));
            for shift in 0..<$type>::BITS {
                numbers.push(random.bits() as $type >> shift);
            }
            against_wide!($type, $dtype, {
                let numbers = &numbers;
                numbers
                    .iter()
                    .flat_map(move |&x| numbers.iter().map(move |&y| (x, y)))
            });
        }
    };
}

wider! { i16_agrees_with_wide_arithmetic i16, DType::I16 }
wider! { i32_agrees_with_wide_arithmetic i32, DType::I32 }
wider! { i64_agrees_with_wide_arithmetic i64, DType::I64 }
wider! { u16_agrees_with_wide_arithmetic u16, DType::U16 }
wider! { u32_agrees_with_wide_arithmetic u32, DType::U32 }
wider! { u64_agrees_with_wide_arithmetic u64, DType::U64 }

#[test]
fn unary_operations_on_all_8_bit_integers_agree_with_wide_arithmetic() {
    let signed: Vec<i8> = (-128..=127).collect();
    let unsigned: Vec<u8> = (0..=255).collect();
    type Wide = fn(i32) -> i32;
    let cases: [(Op, Wide); 4] = [
        (Op::Neg, |x| -x),
        (Op::Abs, i32::abs),
        (Op::Sign, i32::signum),
        (Op::Not, |x| -x - 1),
    ];
    for (op, wide) in cases {
        let (got, _) = apply(op, DType::I8, DType::I8, &[&bytes(&signed)], 256);
        let want: Vec<_> = signed.iter().map(|&x| wide(i32::from(x)) as i8).collect();
        assert_eq!(elements::<i8>(&got), want, "{op}");
        let (got, _) = apply(op, DType::U8, DType::U8, &[&bytes(&unsigned)], 256);
        let want: Vec<_> = unsigned.iter().map(|&x| wide(i32::from(x)) as u8).collect();
        assert_eq!(elements::<u8>(&got), want, "{op}");
    }
}

#[test]
fn powers_with_huge_exponents_wrap() {
    // 3 has order 2^62 modulo 2^64, so 3^(2^62) is 1; an even base is 0 from the 64th power on.
    let x = bytes(&[3u64, 3, 2, u64::MAX, u64::MAX, 0]);
    let y = bytes(&[
        1u64 << 62,
        (1 << 62) + 1,
        u64::MAX,
        u64::MAX,
        u64::MAX - 1,
        0,
    ]);
    let (got, _) = apply(Op::Pow, DType::U64, DType::U64, &[&x, &y], 6);
    assert_eq!(elements::<u64>(&got), [1, 3, 0, u64::MAX, 1, 1]);
}

#[test]
fn a_negative_exponent_faults_at_the_lowest_index_and_gives_zero() {
    let (x, y) = (bytes(&[2i16, 1, 0, 5]), bytes(&[3i16, -1, -300, 2]));
    let (got, fault) = apply(Op::Pow, DType::I16, DType::I16, &[&x, &y], 4);
    assert_eq!(elements::<i16>(&got), [8, 0, 0, 25]);
    assert_eq!(fault.kind(), Some(FaultCode::NegativePower));
    assert_eq!((fault.inst, fault.index, fault.bits), (5, 1001, 0xffff));
    assert_eq!(fault.value_text(DType::I16), "-1");
}

#[test]
fn order_and_logic_on_bool_read_any_nonzero_byte_as_true() {
    let (x, y) = ([0u8, 0, 3, 255], [0u8, 7, 0, 1]);
    let cases: [(Op, [u8; 4]); 11] = [
        (Op::And, [0, 0, 0, 1]),
        (Op::Or, [0, 1, 1, 1]),
        (Op::Xor, [0, 1, 1, 0]),
        (Op::Minimum, [0, 0, 0, 1]),
        (Op::Maximum, [0, 1, 1, 1]),
        (Op::Eq, [1, 0, 0, 1]),
        (Op::Ne, [0, 1, 1, 0]),
        (Op::Lt, [0, 1, 0, 0]),
        (Op::Le, [1, 1, 0, 1]),
        (Op::Gt, [0, 0, 1, 0]),
        (Op::Ge, [1, 0, 1, 1]),
    ];
    for (op, want) in cases {
        let (got, _) = apply(op, DType::Bool, DType::Bool, &[&x, &y], 4);
        assert_eq!(got, want, "{op}");
    }
    let (got, _) = apply(Op::Not, DType::Bool, DType::Bool, &[&x], 4);
    assert_eq!(got, [1, 1, 0, 0]);
    let (got, _) = apply(
        Op::Select,
        DType::Bool,
        DType::Bool,
        &[&[0, 2, 1, 0], &x, &y],
        4,
    );
    assert_eq!(got, [0, 0, 1, 1]);
}

#[test]
fn comparisons_know_signs_and_nan() {
    let compare = [Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge];
    let check = |dtype, x: &[u8], y: &[u8], want: [u8; 6]| {
        for (op, want) in compare.into_iter().zip(want) {
            let (got, _) = apply(op, dtype, DType::Bool, &[x, y], 1);
            assert_eq!(got, [want], "{op} {dtype}");
        }
    };
    let (less, equal, unordered) = ([0, 1, 1, 1, 0, 0], [1, 0, 0, 1, 0, 1], [0, 1, 0, 0, 0, 0]);
    check(DType::I8, &bytes(&[-1i8]), &bytes(&[1i8]), less);
    check(DType::U8, &bytes(&[1u8]), &bytes(&[255u8]), less);
    check(DType::I64, &bytes(&[i64::MIN]), &bytes(&[i64::MAX]), less);
    check(
        DType::U64,
        &bytes(&[1u64 << 53]),
        &bytes(&[(1u64 << 53) + 1]),
        less,
    );
    check(DType::U32, &bytes(&[9u32]), &bytes(&[9u32]), equal);
    check(DType::F64, &bytes(&[0.0f64]), &bytes(&[-0.0f64]), equal);
    check(
        DType::F32,
        &bytes(&[f32::NAN]),
        &bytes(&[f32::NAN]),
        unordered,
    );
    check(
        DType::F64,
        &bytes(&[f64::NEG_INFINITY]),
        &bytes(&[f64::NAN]),
        unordered,
    );
}
