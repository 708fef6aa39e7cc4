//! Quotients and remainders of integers beside what they are defined by, on every instruction set.

use numloom_math::*;

macro_rules! compare {
    ($($type:ident $floor_div:ident $rem:ident $fmod:ident;)*) => {$(
        let edges = [0, 1, 2, 3, 5, 7, 10, 100, 127].map(|x: i64| x as $type);
        let most = [$type::MAX, $type::MIN, $type::MAX - 1, $type::MIN + 1, $type::MAX / 2, $type::MAX / 3];
        let mut values: Vec<$type> = edges.into_iter().chain(most).collect();
        values.extend(edges.map(|x| (0 as $type).wrapping_sub(x)));
        let mut state = 88_172_645_463_325_252u64;
        for _ in 0..300 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            values.push((state >> 20) as $type);
            values.push((state >> 20) as $type >> (state % u64::from($type::BITS)));
        }
        let x: Vec<$type> = values.iter().flat_map(|&x| vec![x; values.len()]).collect();
        let y: Vec<$type> = values.iter().flat_map(|_| values.clone()).collect();
        for &isa in Isa::available() {
            let [mut quotients, mut rests, mut lefts] = [(); 3].map(|()| vec![0; x.len()]);
            $floor_div(isa, &mut quotients, &x, &y);
            $rem(isa, &mut rests, &x, &y);
            $fmod(isa, &mut lefts, &x, &y);
            for i in 0..x.len() {
                let (a, b) = (i64::from(x[i]), i64::from(y[i]));
                let (mut quotient, mut rest, mut left) = (0, 0, 0);
                if b != 0 {
                    left = a % b;
                    rest = (left + b) % b;
                    quotient = (a - rest) / b;
                }
                assert_eq!(
                    (quotients[i], rests[i], lefts[i]),
                    (quotient as $type, rest as $type, left as $type),
                    "{a} by {b} on {isa}, {}",
                    stringify!($type)
                );
            }
        }
    )*};
}

#[test]
fn quotients_and_remainders_of_integers_are_those_of_wider_ones() {
    compare! {
        i8 floor_div_i8 rem_i8 fmod_i8;
        u8 floor_div_u8 rem_u8 fmod_u8;
        i16 floor_div_i16 rem_i16 fmod_i16;
        u16 floor_div_u16 rem_u16 fmod_u16;
        i32 floor_div_i32 rem_i32 fmod_i32;
        u32 floor_div_u32 rem_u32 fmod_u32;
    }
}
