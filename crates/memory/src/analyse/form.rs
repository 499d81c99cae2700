//! The form of a turn: whether it asks, and how long it is.

/// True when a turn asks something: a question mark anywhere but inside a word (an address). A
/// turn that asks is seldom the evidence; the turn after it often is.
pub(crate) fn is_question(text: &str) -> bool {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let asks = matches!(character, '?' | '\u{FF1F}' | '\u{061F}');
        if asks && !characters.peek().is_some_and(|next| next.is_alphanumeric()) {
            return true;
        }
    }
    false
}

/// Words separated by white space.
pub(crate) fn word_count(text: &str) -> u32 {
    u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_inside_an_address_asks_nothing() {
        assert!(is_question("How are you? I am fine."));
        assert!(is_question("お元気ですか？"));
        assert!(!is_question("see https://example.org/?page=2"));
        assert!(!is_question(""));
    }
}
