//! The name that was probably meant.

/// The candidate that `name` is most probably a slip of, if any is near.
///
/// Nearness is the restricted Damerau–Levenshtein distance over characters: insertions, deletions,
/// substitutions and swaps of neighbours, each 1. A third of the longer name's length may differ, rounded
/// up; a mere difference of case counts as nearer than any other. A candidate that begins with the name, if
/// that has three characters at least, is near too, yet less so than any slip. Of equally near candidates the first
/// wins. Time is proportional to the candidates' total length: names over 64 characters are not compared.
///
/// # Source
/// Optimal string alignment after F. J. Damerau, "A technique for computer detection and correction of
/// spelling errors", Communications of the ACM 7(3), 1964.
///
/// ```
/// use numloom_syntax::nearest;
/// assert_eq!(nearest("velocty", ["t", "velocity"]), Some("velocity"));
/// assert_eq!(nearest("velo", ["t", "velocity"]), Some("velocity"));
/// assert_eq!(nearest("Sin", ["sinh", "sin"]), Some("sin"));
/// assert_eq!(nearest("price", ["volume", "x"]), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const MAX_CHARS: usize = 64;
    let is_short = |text: &str| text.chars().nth(MAX_CHARS).is_none();
    if !is_short(name) {
        return None;
    }
    let name_chars: Vec<char> = name.chars().collect();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate == name || !is_short(candidate) {
            continue;
        }
        let chars: Vec<char> = candidate.chars().collect();
        let distance = if candidate.to_lowercase() == name.to_lowercase() {
            0
        } else {
            distance(&name_chars, &chars)
        };
        let longest = name_chars.len().max(chars.len());
        let is_slip = distance <= longest.div_ceil(3) && distance < longest;
        let is_start = name_chars.len() >= 3 && chars.starts_with(&name_chars);
        let distance = if is_slip {
            distance
        } else {
            MAX_CHARS + distance
        };
        if (is_slip || is_start) && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn distance(a: &[char], b: &[char]) -> usize {
    // Rows i-2, i-1 and i of the table of distances between prefixes.
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let differs = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + differs);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    fn between(a: &str, b: &str) -> usize {
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        distance(&a, &b)
    }

    #[test]
    fn each_slip_costs_one() {
        assert_eq!(between("sin", "sin"), 0);
        assert_eq!(between("sni", "sin"), 1);
        assert_eq!(between("sn", "sin"), 1);
        assert_eq!(between("sinn", "sin"), 1);
        assert_eq!(between("", "abc"), 3);
        assert_eq!(between("velocty", "price"), 6);
    }

    #[test]
    fn a_single_letter_is_never_near_another() {
        assert_eq!(nearest("y", ["x", "z"]), None);
        assert_eq!(nearest("y", ["Y"]), Some("Y"));
    }

    #[test]
    fn very_long_names_are_not_compared() {
        let long = "a".repeat(1_000_000);
        assert_eq!(nearest(&long, ["a"]), None);
        assert_eq!(nearest("velo", [long.as_str()]), None);
    }
}
