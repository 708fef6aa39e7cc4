//! Which of 64 bytes are a certain one, as the bits of a word.
//!
use wide::u8x16;

/// How many bytes are looked at together.
pub(crate) const BLOCK: usize = 64;

/// Bit `i` is set where `block[i]` is `byte`.
#[inline]
pub(crate) fn equal(block: &[u8; BLOCK], byte: u8) -> u64 {
    let wanted = u8x16::splat(byte);
    let mut mask = 0;
    for (i, lane) in block.as_chunks::<16>().0.iter().enumerate() {
        let found = u8x16::new(*lane).simd_eq(wanted).to_bitmask();
        mask |= u64::from(found) << (16 * i);
    }
    mask
}

/// Bit `i` is set where `block[i]` is a space, or one of the controls from tab to carriage return.
#[inline]
pub(crate) fn white(block: &[u8; BLOCK]) -> u64 {
    let (space, tab) = (u8x16::splat(b' '), u8x16::splat(b'\t'));
    let controls = u8x16::splat(b'\r' - b'\t');
    let mut mask = 0;
    for (i, lane) in block.as_chunks::<16>().0.iter().enumerate() {
        let bytes = u8x16::new(*lane);
        let above = bytes - tab;
        let found = bytes.simd_eq(space) | above.min(controls).simd_eq(above);
        mask |= u64::from(found.to_bitmask()) << (16 * i);
    }
    mask
}

/// Bit `i` is set where an odd number of bits of `bits` are, up to and with bit `i`.
#[inline]
pub(crate) fn parity(bits: u64) -> u64 {
    let mut bits = bits;
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn masks_are_those_of_a_plain_loop(
            bytes in prop::collection::vec(prop_oneof![Just(b','), Just(b','^1), Just(b','^0x80), any::<u8>()], BLOCK),
            byte in prop_oneof![Just(b','), any::<u8>()],
        ) {
            let block: &[u8; BLOCK] = bytes[..].try_into().unwrap();
            let want = (0..BLOCK).fold(0u64, |mask, i| mask | u64::from(block[i] == byte) << i);
            prop_assert_eq!(equal(block, byte), want);
        }

        #[test]
        fn white_space_is_what_ascii_calls_so_and_vertical_tabs(
            bytes in prop::collection::vec(prop_oneof![0u8..40, any::<u8>()], BLOCK),
        ) {
            let block: &[u8; BLOCK] = bytes[..].try_into().unwrap();
            let is_white = |byte: u8| byte.is_ascii_whitespace() || byte == 0x0b;
            let want = (0..BLOCK).fold(0u64, |mask, i| mask | u64::from(is_white(block[i])) << i);
            prop_assert_eq!(white(block), want);
        }

        #[test]
        fn parity_counts_the_bits_below(bits: u64) {
            let want = (0..64).fold(0u64, |mask, i| {
                let below = bits & (u64::MAX >> (63 - i));
                mask | u64::from(below.count_ones() % 2) << i
            });
            prop_assert_eq!(parity(bits), want);
        }
    }
}
