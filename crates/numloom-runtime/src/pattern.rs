//! What of the shapes of a run decides how it is staged: ranks, which extents are equal, and about how large they are.
//!
//! Runs whose shapes have one pattern have one staging, so a program is staged once for arrays that only grow and shrink.

use numloom_data::View;

/// The pattern of the shapes of some arrays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Pattern {
    /// For each array its rank, then for each axis the number of its extent.
    tokens: Vec<u32>,
    /// The extents that occur, 0 and 1 first.
    extents: Vec<usize>,
}

impl Pattern {
    /// Takes the pattern of `arrays`.
    pub(crate) fn set(&mut self, arrays: &[View<'_>]) {
        self.tokens.clear();
        self.extents.clear();
        self.extents.extend([0, 1]);
        for array in arrays {
            self.tokens.push(array.ndim() as u32);
            for &extent in array.shape() {
                let known = self.extents.iter().position(|&known| known == extent);
                let number = known.unwrap_or_else(|| {
                    self.extents.push(extent);
                    self.extents.len() - 1
                });
                self.tokens.push(number as u32);
            }
        }
        // How large each is, but for 0 and 1.
        let sizes = self.extents[2..].iter().map(|extent| extent.ilog2());
        self.tokens.extend(sizes);
    }

    /// What is compared.
    pub(crate) fn tokens(&self) -> &[u32] {
        &self.tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(shapes: &[&[usize]]) -> Vec<u32> {
        let zero = 0u8;
        let view = |shape: &&[usize]| View::scalar(&zero).broadcast_to(shape).unwrap();
        let mut pattern = Pattern::default();
        pattern.set(&shapes.iter().map(view).collect::<Vec<_>>());
        pattern.tokens
    }

    #[test]
    fn arrays_that_grow_a_little_have_one_pattern() {
        assert_eq!(pattern(&[&[1000], &[]]), pattern(&[&[1010], &[]]));
        assert_ne!(pattern(&[&[1000], &[]]), pattern(&[&[10], &[]]));
        assert_ne!(pattern(&[&[1000], &[1000]]), pattern(&[&[1000], &[1]]));
        assert_ne!(
            pattern(&[&[1000, 1000], &[1000]]),
            pattern(&[&[1000, 1001], &[1000]])
        );
    }
}
