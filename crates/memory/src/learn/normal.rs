//! Texts as they are compared: without case, spaces and punctuation.

use std::collections::HashSet;

use crate::analyse;

/// Equal for texts that differ in case, spaces and punctuation only.
pub(super) fn normal(text: &str) -> String {
    analyse::fingerprint(text)
}

/// Whether the words of `part` stand in `whole`, one after the other. Both are normal texts; words
/// are matched whole, but in scripts that write none the characters are.
pub(super) fn contains(whole: &str, part: &str) -> bool {
    let is_boundary = |at: usize| {
        let before = whole[..at].chars().next_back();
        let after = whole[at..].chars().next();
        !matches!((before, after), (Some(b), Some(a)) if joins(b) && joins(a))
    };
    !part.is_empty()
        && whole.match_indices(part).any(|(at, _)| is_boundary(at) && is_boundary(at + part.len()))
}

/// Letters of scripts that put spaces between words.
fn joins(character: char) -> bool {
    character.is_alphanumeric() && u32::from(character) < 0x0E00
}

/// The share of a statement's content words that a text has too, 0 to 1; 1 when it has none. Words
/// that stand in `aside` do not count.
pub(super) fn support(statement: &str, text: &str, aside: &str) -> f64 {
    let terms = |text: &str| analyse::terms(text).into_iter().collect::<HashSet<String>>();
    let wanted: HashSet<String> = &terms(statement) - &terms(aside);
    if wanted.is_empty() {
        return 1.0;
    }
    wanted.intersection(&terms(text)).count() as f64 / wanted.len() as f64
}

/// Line breaks, control characters and runs of spaces as one space.
pub(super) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_found_whole_words_only_whatever_its_punctuation() {
        let text = normal("Well\u{2014}I moved to  Lisbon, in May!");
        assert!(contains(&text, &normal("i moved to lisbon in may")));
        assert!(contains(&text, &normal("\u{201C}Lisbon in\u{201D}")));
        assert!(!contains(&text, &normal("move")));
        assert!(!contains(&text, &normal("...")));
        assert!(contains(&normal("私はリスボンに住んでいます。"), &normal("リスボンに住んで")));
        assert!(contains(&normal("Я живу в Москве"), &normal("живу в москве")));
        assert!(!contains(&normal("Я живу в Москве"), &normal("в моск")));
    }

    #[test]
    fn support_counts_content_words_in_any_form() {
        assert!(support("Ana moved to Lisbon", "moving to Lisbon soon", "Ana") > 0.99);
        assert!(support("The user is an administrator", "the user says hello", "user") < 0.01);
    }
}
