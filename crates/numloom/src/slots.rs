//! Short lists on the stack, so that calling a kernel does not allocate.

/// Calls `f` with `n` items, made by `make`: on the stack up to eight, and exactly as many, as making one costs more than it should.
///
/// Closures are passed by reference, lest lists nested in lists multiply the code.
pub(crate) fn with_items<T>(
    n: usize,
    make: &mut dyn FnMut(usize) -> T,
    f: &mut dyn FnMut(&mut [T]),
) {
    match n {
        0 => f(&mut []),
        1 => f(&mut std::array::from_fn::<T, 1, _>(make)),
        2 => f(&mut std::array::from_fn::<T, 2, _>(make)),
        3 => f(&mut std::array::from_fn::<T, 3, _>(make)),
        4 => f(&mut std::array::from_fn::<T, 4, _>(make)),
        5 => f(&mut std::array::from_fn::<T, 5, _>(make)),
        6 => f(&mut std::array::from_fn::<T, 6, _>(make)),
        7 => f(&mut std::array::from_fn::<T, 7, _>(make)),
        8 => f(&mut std::array::from_fn::<T, 8, _>(make)),
        _ => f(&mut (0..n).map(make).collect::<Vec<T>>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_lists_hold_what_was_made() {
        for n in 0..20 {
            let mut seen = None;
            with_items(n, &mut |i| 10 * i, &mut |items| seen = Some(items.to_vec()));
            assert_eq!(seen, Some((0..n).map(|i| 10 * i).collect()));
        }
    }
}
