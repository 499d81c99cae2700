//! A question as recall sees it.

use std::collections::HashSet;

use backstay_core::Timestamp;
use jiff::civil::Date;
use rust_stemmers::{Algorithm, Stemmer};

use super::{
    anchors::{Anchor, anchors},
    dates,
    kind::Kind,
    mention::DateMention,
    stop_words, words,
};

/// Of a longer question the beginning and the end are read: what is asked stands there, and what
/// is pasted stands between.
const END_BYTES_MAX: usize = 4 * 1024;
/// Terms that one question is searched by; the rest of a longer one adds noise.
pub(crate) const TERMS_MAX: usize = 128;

/// Words of a question that asks what was said, whatever that was.
const SAYING: [&str; 32] = [
    "anything",
    "chat",
    "chatted",
    "conversation",
    "conversations",
    "discuss",
    "discussed",
    "discussing",
    "everything",
    "go",
    "going",
    "happen",
    "happened",
    "happening",
    "mention",
    "mentioned",
    "remember",
    "remind",
    "said",
    "say",
    "session",
    "something",
    "speak",
    "spoke",
    "talk",
    "talked",
    "talking",
    "tell",
    "thing",
    "things",
    "time",
    "told",
];

/// What a question asks about.
#[derive(Debug, Default)]
pub(crate) struct Query {
    /// The question, shortened if it was very long.
    pub(crate) text: String,
    /// Different terms, in order of first use. At most [`TERMS_MAX`].
    pub(crate) terms: Vec<QueryTerm>,
    /// Every word in lower case, for names.
    pub(crate) words: HashSet<String>,
    pub(crate) dates: Vec<DateMention>,
    /// Times that only the conversations tell.
    pub(crate) anchors: Vec<Anchor>,
    pub(crate) kind: Kind,
    /// Beside times, words of saying and function words, it has these only, in lower case.
    pub(crate) topic: Vec<String>,
    /// It asks for all that was said in a time, or that one person said in it. Known where the
    /// speakers are.
    pub(crate) asks_time_alone: bool,
}

#[derive(Debug)]
pub(crate) struct QueryTerm {
    pub(crate) term: String,
    /// The word as it stood in the question, in lower case.
    pub(crate) word: String,
}

impl Query {
    /// `now` is what "yesterday" counts from.
    pub(crate) fn new(text: &str, now: Timestamp) -> Self {
        let text = both_ends(text);
        let stemmer = Stemmer::create(Algorithm::English);
        let words = words::words(&text);
        let mut seen = HashSet::new();
        let terms = words
            .iter()
            .filter_map(|word| Some((word, words::term_of(&stemmer, word)?)))
            .filter(|(_, term)| seen.insert(term.clone()))
            .take(TERMS_MAX)
            .map(|(word, term)| QueryTerm { term, word: word.clone() })
            .collect();
        let (dates, mut topic) = dates::mentions_and_rest(&text, now);
        topic.retain(|word| !stop_words::contains(word) && !SAYING.contains(&word.as_str()));
        let anchors = anchors(&text, now);
        let kind = Kind::of(&text);
        let words = words.into_iter().collect();
        Self { terms, words, dates, anchors, kind, topic, text, asks_time_alone: false }
    }

    /// One that asks for these terms and nothing else.
    pub(crate) fn of_terms(terms: &[String]) -> Self {
        let of_term = |term: &String| QueryTerm { term: term.clone(), word: term.clone() };
        Self { terms: terms.iter().take(TERMS_MAX).map(of_term).collect(), ..Self::default() }
    }

    /// Also asks for a word that it does not have.
    pub(crate) fn ask_for(&mut self, word: &str) {
        let stemmer = Stemmer::create(Algorithm::English);
        let Some(term) = words::term_of(&stemmer, word) else { return };
        if self.terms.len() < TERMS_MAX && self.terms.iter().all(|known| known.term != term) {
            self.terms.push(QueryTerm { term, word: word.to_owned() });
        }
    }

    /// Asks for what it names, and no longer for words of saying.
    pub(crate) fn forget_saying(&mut self) {
        self.terms.retain(|term| !SAYING.contains(&term.word.as_str()));
    }

    pub(crate) fn names<'a>(&self, mut names: impl Iterator<Item = &'a String>) -> bool {
        names.any(|name| self.words.contains(name))
    }

    /// Whether it mentions a time that has a day of this span in it.
    pub(crate) fn names_days(&self, (first, last): (Date, Date)) -> bool {
        self.dates.iter().any(|mention| mention.meets(first, last))
    }

    pub(crate) fn dated(&self, moment: Timestamp) -> bool {
        self.dates.iter().any(|mention| mention.covers(moment))
    }
}

fn both_ends(text: &str) -> String {
    if text.len() <= 2 * END_BYTES_MAX {
        return text.to_owned();
    }
    let start = text.floor_char_boundary(END_BYTES_MAX);
    let end = text.ceil_char_boundary(text.len() - END_BYTES_MAX);
    format!("{}\n{}", &text[..start], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_keeps_its_words_beside_the_terms() {
        let query = Query::new("Why did Caroline move to Lisbon? Moving!", Timestamp::default());
        let terms: Vec<&str> = query.terms.iter().map(|term| term.term.as_str()).collect();
        assert_eq!(terms, ["carolin", "move", "lisbon"]);
        assert_eq!(query.terms[2].word, "lisbon");
        assert!(query.names(["caroline".to_owned()].iter()));
    }

    #[test]
    fn the_end_of_a_very_long_message_is_still_read() {
        let text = format!("{}é What about Lisbon?", "é".repeat(100_000));
        let query = Query::new(&text, Timestamp::default());
        assert!(query.words.contains("lisbon"));
        assert!(query.text.len() <= 2 * END_BYTES_MAX + 8);
    }
}
