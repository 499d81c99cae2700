//! The form of a turn, read once when it is indexed: how long it is, whether it asks, whether it
//! speaks of its speaker, of times, numbers and names, and whether it says how to be answered.

use super::words;

/// Beyond this many words a turn counts as no longer.
const WORDS_MAX: usize = u16::MAX as usize;
/// Names that count.
const NAMES_MAX: usize = 3;

const FIRST_PERSON: [&str; 8] = ["i", "my", "me", "we", "our", "us", "mine", "myself"];
const SECOND_PERSON: [&str; 3] = ["you", "your", "yours"];
const TIMES: [&str; 40] = [
    "yesterday",
    "today",
    "tonight",
    "tomorrow",
    "last",
    "ago",
    "next",
    "week",
    "weeks",
    "weekend",
    "weekends",
    "month",
    "months",
    "year",
    "years",
    "morning",
    "recently",
    "since",
    "soon",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "evening",
    "afternoon",
    "earlier",
];
const NUMBERS: [&str; 13] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twice",
    "couple", "several",
];
const DENIALS: [&str; 18] = [
    "not", "no", "never", "nobody", "nothing", "none", "neither", "nor", "cannot", "without",
    "except", "hate", "hates", "dislike", "dislikes", "avoid", "avoids", "allergic",
];
/// How people say what they want from every answer.
const INSTRUCTIONS: [&str; 10] = [
    "always ",
    "from now on",
    "every time",
    "whenever ",
    "make sure you",
    "make sure to",
    "i want you to",
    "i'd like you to",
    "i need you to",
    "never use",
];
/// How people say what they like.
const PREFERENCES: [&str; 11] = [
    "i prefer",
    "i'd prefer",
    "i would prefer",
    "i like",
    "i love",
    "i don't like",
    "i'd rather",
    "i enjoy",
    "i usually",
    "i tend to",
    "my favorite",
];

/// What is seen of a text without knowing the question.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Form {
    pub(crate) words: u16,
    /// It asks something, anywhere.
    pub(crate) asks: bool,
    /// It ends with a question.
    pub(crate) ends_asking: bool,
    pub(crate) has_time: bool,
    pub(crate) has_number: bool,
    /// It says that something is not so.
    pub(crate) denies: bool,
    /// It says how to answer from now on.
    pub(crate) instructs: bool,
    /// It says what its speaker likes.
    pub(crate) prefers: bool,
    /// Of its words, those that speak of the speaker, in 255ths.
    first_person: u8,
    /// Of its words, those that speak of the other, in 255ths.
    second_person: u8,
    names: u8,
}

impl Form {
    /// `known_names` are words of the speakers' names in lower case: they are in nearly every turn
    /// and tell none apart.
    pub(crate) fn of(text: &str, is_known_name: impl Fn(&str) -> bool) -> Self {
        let count = text.split_whitespace().count();
        let all = words::words(text);
        let among = |list: &[&str]| all.iter().filter(|word| list.contains(&word.as_str())).count();
        let share = |part: usize| -> u8 {
            let share = 255.0 * part as f32 / count.max(1) as f32;
            share.min(255.0) as u8
        };
        let lower = text.to_lowercase().replace('\u{2019}', "'");
        let contains = |list: &[&str]| list.iter().any(|phrase| lower.contains(phrase));
        Self {
            words: u16::try_from(count.min(WORDS_MAX)).unwrap_or(u16::MAX),
            asks: is_question(text),
            ends_asking: text.trim_end().ends_with(['?', '\u{FF1F}', '\u{061F}']),
            has_time: among(&TIMES) > 0 || all.iter().any(|word| is_year(word)),
            has_number: among(&NUMBERS) > 0
                || all.iter().any(|word| word.bytes().all(|byte| byte.is_ascii_digit())),
            denies: denies(&lower),
            instructs: contains(&INSTRUCTIONS),
            prefers: contains(&PREFERENCES),
            first_person: share(among(&FIRST_PERSON)),
            second_person: share(among(&SECOND_PERSON)),
            names: u8::try_from(names(text, is_known_name)).unwrap_or(u8::MAX),
        }
    }

    /// The share of words that speak of the speaker, 0 to 1.
    pub(crate) fn first_person(&self) -> f32 {
        f32::from(self.first_person) / 255.0
    }

    /// The share of words that speak of the other, 0 to 1.
    pub(crate) fn second_person(&self) -> f32 {
        f32::from(self.second_person) / 255.0
    }

    /// How many names it mentions, 0 to 1: three are many.
    pub(crate) fn names(&self) -> f32 {
        f32::from(self.names) / NAMES_MAX as f32
    }
}

/// Whether a text in lower case, with plain apostrophes, says that something is not so.
pub(super) fn denies(lower: &str) -> bool {
    let mut words =
        lower.split(|character: char| !character.is_alphanumeric() && character != '\'');
    words.any(|word| word.ends_with("n't") || DENIALS.contains(&word))
}

/// Different words with a capital inside a sentence, at most [`NAMES_MAX`].
fn names(text: &str, is_known_name: impl Fn(&str) -> bool) -> usize {
    let mut found: Vec<String> = Vec::new();
    let mut starts_sentence = true;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
        let mut characters = bare.chars();
        let capital = characters.next().is_some_and(char::is_uppercase);
        if capital && !starts_sentence && characters.next().is_some_and(char::is_lowercase) {
            let name = bare.to_lowercase();
            if !is_known_name(&name) && !found.contains(&name) {
                found.push(name);
            }
        }
        starts_sentence = word.ends_with(['.', '!', '?', ':', '\u{3002}']);
        if found.len() == NAMES_MAX {
            break;
        }
    }
    found.len()
}

fn is_year(word: &str) -> bool {
    word.len() == 4
        && (word.starts_with("19") || word.starts_with("20"))
        && word.parse::<u16>().is_ok()
}

/// True when a text asks something: a question mark anywhere but inside a word (an address). A
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

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::of(text, |name| name == "caroline")
    }

    #[test]
    fn a_question_mark_inside_an_address_asks_nothing() {
        assert!(is_question("How are you? I am fine."));
        assert!(is_question("お元気ですか？"));
        assert!(!is_question("see https://example.org/?page=2"));
        assert!(!is_question(""));
    }

    #[test]
    fn the_form_tells_who_and_what_is_spoken_of() {
        let moved = form("Last year I moved to Lisbon with Caroline. It took two weeks!");
        assert!(moved.has_time && moved.has_number && !moved.asks && !moved.instructs);
        assert_eq!(moved.words, 12);
        assert!((moved.first_person() - 1.0 / 12.0).abs() < 0.01);
        assert!((moved.names() - 1.0 / 3.0).abs() < 0.01, "Caroline is known, Last and It begin");
        let asked = form("I like it. Do you?");
        assert!(asked.asks && asked.ends_asking && asked.prefers && asked.second_person() > 0.1);
        assert!(form("Always answer in German.").instructs);
        assert_eq!(form(""), Form::default());
    }
}
