//! Decisions drawn from bytes, so that a fuzzer, proptest and a seed drive the same generators.
//!
//! Each decision takes a few bytes from the front. When they run out every decision is the first one offered, so each
//! byte string is a valid input, a shorter one makes a simpler thing, and a shrinker needs to know nothing.

use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};

/// A source of decisions.
#[derive(Clone, Debug)]
pub struct Choices<'a> {
    bytes: &'a [u8],
    /// Decisions asked for so far.
    asked: u64,
}

impl<'a> Choices<'a> {
    /// Decisions from `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Choices<'a> {
        Choices { bytes, asked: 0 }
    }

    /// Whether all bytes are used up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes not used yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// One byte; 0 after the end.
    pub fn byte(&mut self) -> u8 {
        self.asked += 1;
        let Some((&first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        first
    }

    /// Eight bytes as a number.
    pub fn word(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number below `n`; from one byte where that is enough.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "there is something to choose from");
        match n {
            1 => 0,
            2..=256 => usize::from(self.byte()) % n,
            _ => (usize::from(self.byte()) | usize::from(self.byte()) << 8) % n,
        }
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub fn chance(&mut self, percent: u8) -> bool {
        // Exhausted choices decline: generators end.
        self.byte() > 255 - (u16::from(percent) * 255 / 100) as u8
    }

    /// A seed for [`seeded`]: another one each time, also after the end.
    pub fn seed(&mut self) -> u64 {
        u64::from(self.byte()) | u64::from(self.byte()) << 8 | self.asked << 16
    }

    /// One of `items`.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }
}

/// `n` bytes that follow from `seed`, the same on every machine.
#[must_use]
pub fn seeded(seed: u64, n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    SmallRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exhausted_choices_take_the_first_offer_for_ever() {
        let mut choices = Choices::new(&[7]);
        assert_eq!(choices.below(5), 2);
        assert!(choices.is_empty());
        assert_eq!(
            (choices.below(5), choices.word(), choices.chance(99)),
            (0, 0, false)
        );
    }

    #[test]
    fn a_chance_is_about_as_large_as_it_says() {
        let bytes = seeded(1, 10_000);
        let mut choices = Choices::new(&bytes);
        let hits = (0..10_000).filter(|_| choices.chance(30)).count();
        assert!((2_700..3_300).contains(&hits), "{hits}");
    }
}
