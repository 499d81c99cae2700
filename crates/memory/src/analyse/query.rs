//! A question as recall sees it.

use std::collections::HashSet;

use backstay_core::Timestamp;
use jiff::civil::Date;
use rust_stemmers::{Algorithm, Stemmer};

use super::{dates, dates::DateMention, kind::Kind, words};

/// Of a longer question the beginning and the end are read: what is asked stands there, and what
/// is pasted stands between.
const END_BYTES_MAX: usize = 4 * 1024;
/// Terms that one question is searched by; the rest of a longer one adds noise.
pub(crate) const TERMS_MAX: usize = 128;

/// What a question asks about.
#[derive(Debug)]
pub(crate) struct Query {
    /// The question, shortened if it was very long.
    pub(crate) text: String,
    /// Different terms, in order of first use. At most [`TERMS_MAX`].
    pub(crate) terms: Vec<QueryTerm>,
    /// Every word in lower case, for names.
    pub(crate) words: HashSet<String>,
    pub(crate) dates: Vec<DateMention>,
    pub(crate) kind: Kind,
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
        let dates = dates::mentions(&text, now);
        let kind = Kind::of(&text);
        Self { terms, words: words.into_iter().collect(), dates, kind, text }
    }

    pub(crate) fn names(&self, name_words: &[String]) -> bool {
        name_words.iter().any(|word| self.words.contains(word))
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
        assert!(query.names(&["caroline".to_owned()]));
    }

    #[test]
    fn the_end_of_a_very_long_message_is_still_read() {
        let text = format!("{}é What about Lisbon?", "é".repeat(100_000));
        let query = Query::new(&text, Timestamp::default());
        assert!(query.words.contains("lisbon"));
        assert!(query.text.len() <= 2 * END_BYTES_MAX + 8);
    }
}
