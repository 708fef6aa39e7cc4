//! Subscripts, which both languages write alike.

use crate::choices::Choices;

/// A subscript of `want` elements of an axis that has as many or more.
pub(super) fn within(choices: &mut Choices<'_>, have: usize, want: usize) -> String {
    let spare = have - want;
    let start = choices.below(spare + 1);
    match (start == 0, start == spare, choices.below(3)) {
        (true, true, 0) => "::-1".to_owned(),
        (true, true, _) => ":".to_owned(),
        (true, false, _) => format!(":-{spare}"),
        (false, true, _) => format!("{start}:"),
        _ => format!("{start}:{}", start + want),
    }
}

/// A shape, and the subscripts that leave `shape` of it.
pub(super) fn around(choices: &mut Choices<'_>, shape: &[usize]) -> (Vec<usize>, Vec<String>) {
    let (mut stored, mut items) = (Vec::new(), Vec::new());
    for &n in shape {
        if choices.chance(8) {
            let extent = 1 + choices.below(3);
            stored.push(extent);
            items.push(match choices.chance(50) {
                true => format!("{}", choices.below(extent)),
                false => format!("-{}", 1 + choices.below(extent)),
            });
        }
        let before = choices.below(3);
        let (extent, item) = match choices.below(9) {
            0 | 1 => (n, ":".to_owned()),
            2 => (n, "::-1".to_owned()),
            3 => (2 * n, "::2".to_owned()),
            4 => (2 * n + 1, "1::2".to_owned()),
            5 => (n + before, format!("{before}:")),
            // Counted from the end; none at all if it is too short.
            6 => (n + 1, ":-1".to_owned()),
            7 => (3 * n + 1, "-2::-3".to_owned()),
            _ => (n + before + 1, format!("{before}:{}", n + before)),
        };
        if n == 1 && choices.chance(50) {
            items.push("None".to_owned());
            continue;
        }
        stored.push(extent);
        items.push(item);
    }
    if choices.chance(15) {
        items.insert(0, "...".to_owned());
    } else if items.is_empty() {
        items.push("...".to_owned());
    }
    (stored, items)
}
