//! The phrases of texts that want to direct the assistant, and who may not use them.

mod english;
mod lists;
mod other_languages;

use std::sync::LazyLock;

use super::{
    Reader,
    aim::Aim,
    fold::{CLAUSE, Sentence},
    pattern::Pattern,
};

/// Who may use a phrase.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TakenFrom {
    /// Not even the user, once it would be remembered.
    Nobody,
    User,
    /// Whole passages may hold it by the way; a statement that consists of it is an order.
    UserOrPassage,
}

impl TakenFrom {
    fn refuses(self, reader: Reader) -> bool {
        match self {
            Self::Nobody => true,
            Self::User => reader != Reader::UserStatement,
            Self::UserOrPassage => reader == Reader::UntrustedStatement,
        }
    }
}

/// The phrases of one aim, in the language of [`Pattern`].
struct Phrases {
    aim: Aim,
    taken_from: TakenFrom,
    patterns: &'static [&'static str],
}

/// A phrase of a language whose words change their form or are not parted: beginnings of words or
/// parts of sentences that follow each other. Alternatives are separated by `|`.
struct Fragments {
    aim: Aim,
    taken_from: TakenFrom,
    phrases: &'static [&'static [&'static str]],
}

struct Known {
    aim: Aim,
    taken_from: TakenFrom,
    pattern: Pattern,
}

static ENGLISH: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let known = |phrases: &'static Phrases| {
        let parse = |source: &&'static str| Known {
            aim: phrases.aim,
            taken_from: phrases.taken_from,
            pattern: Pattern::parse(source, lists::LISTS),
        };
        phrases.patterns.iter().map(parse)
    };
    english::PHRASES.into_iter().flatten().flat_map(known).collect()
});

static REPORTS: LazyLock<Vec<Pattern>> = LazyLock::new(|| parse_all(english::REPORTS));
static USER_WISHES: LazyLock<Vec<Pattern>> = LazyLock::new(|| parse_all(english::USER_WISHES));

fn parse_all(sources: &[&'static str]) -> Vec<Pattern> {
    sources.iter().map(|source| Pattern::parse(source, lists::LISTS)).collect()
}

/// What the sentence is after, when that is not for this reader.
pub(super) fn aim(sentence: &Sentence, reader: Reader) -> Option<Aim> {
    let english = ENGLISH
        .iter()
        .filter(|known| known.taken_from.refuses(reader))
        .find(|known| known.pattern.matches(sentence))
        .map(|known| known.aim);
    english.or_else(|| other_language_aim(sentence, reader))
}

/// Whether it tells what others were told, wrote or staged: "my teacher told us to …".
pub(super) fn reports_of_others(sentence: &Sentence) -> bool {
    REPORTS.iter().any(|pattern| pattern.matches(sentence))
}

/// Whether it says what the user wants, and not what somebody by name does.
pub(super) fn speaks_of_the_user(sentence: &Sentence) -> bool {
    USER_WISHES.iter().any(|pattern| pattern.matches(sentence))
}

fn other_language_aim(sentence: &Sentence, reader: Reader) -> Option<Aim> {
    let text = joined(sentence);
    let concerned =
        other_languages::PHRASES.iter().filter(|known| known.taken_from.refuses(reader));
    let mut with_match =
        concerned.filter(|known| known.phrases.iter().any(|phrase| holds_in_order(&text, phrase)));
    with_match.next().map(|known| known.aim)
}

/// Words with one space around each; characters that are words of their own without.
fn joined(sentence: &Sentence) -> String {
    let mut text = String::from(" ");
    for word in sentence.iter().filter(|word| *word != CLAUSE) {
        let is_character = !word.is_ascii() && word.chars().count() == 1;
        if is_character && text.ends_with(' ') && text.len() > 1 {
            text.pop();
        }
        text.push_str(word);
        if !is_character {
            text.push(' ');
        }
    }
    text.push(' ');
    text
}

fn text_after(text: &str, end: usize) -> &str {
    let end = if text[..end].ends_with(' ') { end - 1 } else { end };
    &text[end..]
}

fn holds_in_order(text: &str, phrase: &[&str]) -> bool {
    let mut rest = text;
    phrase.iter().all(|fragment| {
        let first = fragment
            .split('|')
            .filter_map(|one| rest.find(one).map(|at| (at, at + one.len())))
            .min();
        match first {
            Some((_, end)) => {
                // A space parts the words on both of its sides.
                rest = text_after(rest, end);
                true
            }
            None => false,
        }
    })
}
