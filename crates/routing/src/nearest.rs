//! Names that a person may have meant.

const SUGGESTIONS_MAX: usize = 3;

/// Up to three of `known` that are closest to `asked`, best first; none when nothing is close.
pub(crate) fn nearest<'a>(asked: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let asked = asked.to_lowercase();
    let mut scored: Vec<(usize, &str)> = known
        .filter_map(|name| {
            let candidate = name.to_lowercase();
            let slug = candidate.rsplit('/').next().unwrap_or(&candidate);
            let distance = distance(&asked, &candidate).min(distance(&asked, slug));
            let contains = asked.len() >= 3 && candidate.contains(&asked);
            let limit = (asked.chars().count() / 2).max(2);
            (contains || distance <= limit).then_some((if contains { 0 } else { distance }, name))
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored.into_iter().map(|(_, name)| name).take(SUGGESTIONS_MAX).collect()
}

/// Levenshtein distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substitution = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substitution.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_the_model_that_was_meant() {
        let known = ["openai/gpt-4o", "openai/gpt-4o-mini", "builtin/recall", "builtin/echo"];
        assert_eq!(nearest("builtin/recal", known.into_iter())[0], "builtin/recall");
        assert_eq!(nearest("gpt-4o", known.into_iter())[0], "openai/gpt-4o");
        assert!(nearest("zzzzzz", known.into_iter()).is_empty());
    }
}
