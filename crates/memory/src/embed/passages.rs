//! What of a turn is embedded: who said it, when, and its words, in passages that a model can read.

use backstay_core::Timestamp;

/// Part of a model's revision: vectors of passages that are cut or headed in another way are not
/// compared with these.
pub(super) const REVISION: u32 = 2;

/// Words of a passage. The built-in model reads 256 tokens at most and says least of what stands in
/// the middle of them.
const PASSAGE_WORDS: usize = 110;
/// A sentence that is cut at the end of one passage stands whole in the next.
const OVERLAP_WORDS: usize = 20;
/// Of a longer turn the rest is found by its words alone.
const PASSAGES_MAX: usize = 64;

/// The passages of a turn, at least one. Each begins with who said it and when, so that a question
/// that names either is closer to it.
pub(crate) fn passages(author: &str, said_at: Timestamp, text: &str) -> Vec<String> {
    passages_under(&format!("{}: ", head(author, said_at)), text)
}

/// The passages of a text, at least one, each after what it stands under.
pub(crate) fn passages_under(head: &str, text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() <= PASSAGE_WORDS + OVERLAP_WORDS {
        return vec![format!("{head}{text}")];
    }
    let starts = (0..words.len() - OVERLAP_WORDS).step_by(PASSAGE_WORDS - OVERLAP_WORDS);
    let passage = |start: usize| {
        let end = (start + PASSAGE_WORDS).min(words.len());
        format!("{head}{}", words[start..end].join(" "))
    };
    starts.take(PASSAGES_MAX).map(passage).collect()
}

/// `Ann 8 May 2023`
pub(crate) fn head(author: &str, said_at: Timestamp) -> String {
    let date = jiff::Timestamp::from_microsecond(said_at.micros())
        .map(|moment| moment.strftime("%-d %B %Y").to_string())
        .unwrap_or_default();
    format!("{author} {date}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_long_turn_is_in_a_passage() {
        let words: Vec<String> = (0..1_000).map(|number| format!("w{number}")).collect();
        let said_at = Timestamp::parse("2023-05-08T12:00:00Z").unwrap();
        let passages = passages("Ann", said_at, &words.join(" "));
        let all = passages.join(" ");
        let found: std::collections::HashSet<&str> = all.split(' ').collect();
        assert!(words.iter().all(|word| found.contains(word.as_str())));
        assert!(passages.iter().all(|passage| passage.starts_with("Ann 8 May 2023: w")));
        assert!(passages.iter().all(|passage| passage.split(' ').count() <= PASSAGE_WORDS + 4));
        assert_eq!(super::passages("Ann", said_at, "Hi."), ["Ann 8 May 2023: Hi."]);
    }

    #[test]
    fn a_book_in_one_turn_has_a_limit() {
        let text = "word ".repeat(200_000);
        assert_eq!(passages("Ann", Timestamp::default(), &text).len(), PASSAGES_MAX);
    }
}
