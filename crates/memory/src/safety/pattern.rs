//! A small language for phrases: words with alternatives, gaps and clause starts.
//!
//! Parts are separated by spaces. `a|b|c*` is one of these words (`c*`: a word that begins so);
//! `@name` stands for a list of words; `..3` is any words, up to three; `^` is the start of a
//! clause; `$` is the end of a clause; `!a|b` means that none of these words follows.

use super::fold::{CLAUSE, Sentence};

/// Words that may stand between the start of a clause and its verb.
const FILLERS: [&str; 20] = [
    "please",
    "and",
    "then",
    "now",
    "also",
    "just",
    "but",
    "or",
    "important",
    "note",
    "next",
    "instead",
    "first",
    "finally",
    "so",
    "kindly",
    "hey",
    "ok",
    "okay",
    "warning",
];

pub(super) struct Pattern {
    parts: Vec<Part>,
}

enum Part {
    Word(Vec<Word>),
    Not(Vec<Word>),
    Gap(usize),
    Start,
    End,
}

struct Word {
    text: &'static str,
    is_beginning: bool,
}

impl Word {
    /// `$` as one of several words.
    fn is_end(&self) -> bool {
        self.text == "$"
    }

    fn matches(&self, word: &str) -> bool {
        if self.is_beginning { word.starts_with(self.text) } else { word == self.text }
    }
}

impl Pattern {
    /// `lists` says what each `@name` stands for; a name that it lacks stands for itself.
    pub(super) fn parse(source: &'static str, lists: &[(&str, &'static str)]) -> Self {
        let words = |part: &'static str| -> Vec<Word> {
            let alternatives = part.split('|').flat_map(|alternative| {
                let list = lists.iter().find(|(name, _)| *name == alternative);
                list.map_or(alternative, |(_, words)| *words).split('|')
            });
            alternatives
                .map(|word| match word.strip_suffix('*') {
                    Some(text) => Word { text, is_beginning: true },
                    None => Word { text: word, is_beginning: false },
                })
                .collect()
        };
        let part = |part: &'static str| match part {
            "^" => Part::Start,
            "$" => Part::End,
            _ => match (part.strip_prefix(".."), part.strip_prefix('!')) {
                (Some(length), _) => Part::Gap(length.parse().unwrap_or_default()),
                (None, Some(none)) => Part::Not(words(none)),
                (None, None) => Part::Word(words(part)),
            },
        };
        Self { parts: source.split_whitespace().map(part).collect() }
    }

    pub(super) fn matches(&self, sentence: &Sentence) -> bool {
        (0..sentence.len()).any(|at| fits(&self.parts, sentence, at))
    }
}

fn fits(parts: &[Part], sentence: &Sentence, at: usize) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return true;
    };
    let one_of = |words: &[Word]| {
        sentence.get(at).is_some_and(|word| words.iter().any(|known| known.matches(word)))
    };
    match part {
        Part::Word(words) => {
            let may_end = words.iter().any(Word::is_end) && ends_clause(sentence, at);
            (one_of(words) && fits(rest, sentence, at + 1)) || (may_end && fits(rest, sentence, at))
        }
        Part::Not(words) => !one_of(words) && fits(rest, sentence, at),
        Part::Gap(most) => (0..=*most)
            .take_while(|skipped| at + skipped <= sentence.len())
            .any(|skipped| fits(rest, sentence, at + skipped)),
        Part::Start => starts_clause(sentence, at) && fits(rest, sentence, at),
        Part::End => ends_clause(sentence, at) && fits(rest, sentence, at),
    }
}

fn ends_clause(sentence: &Sentence, at: usize) -> bool {
    sentence.get(at).is_none_or(|word| word == CLAUSE)
}

fn starts_clause(sentence: &Sentence, at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|index| sentence.get(index));
    before.is_none_or(|word| word == CLAUSE || FILLERS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &'static str, text: &str) -> bool {
        let sentence = text.split(' ').map(str::to_owned).collect();
        Pattern::parse(pattern, &[("@stop", "stop|cease*")]).matches(&sentence)
    }

    #[test]
    fn words_gaps_and_clauses_mean_what_they_say() {
        assert!(matches("^ @stop ..1 it|them", "please stop doing it"));
        assert!(matches("^ @stop ..1 it|them", "well , ceases it"));
        assert!(!matches("^ @stop ..1 it|them", "they stop it"));
        assert!(!matches("@stop ..1 it", "stop all of it"));
        assert!(matches("is admin $", "is admin , right"));
        assert!(!matches("is admin $", "is admin here"));
        assert!(matches("is admin $|and", "is admin"));
        assert!(matches("is admin $|and", "is admin and more"));
        assert!(matches("is admin !at|of", "is admin"));
        assert!(!matches("is admin !at|of", "is admin at home"));
    }
}
