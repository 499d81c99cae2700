//! Other names that people have: short forms, and what they ask to be called.

use super::{form, stop_words};

/// Letters of a short form, at least: two letters begin too many names.
const SHORT_LETTERS_MIN: usize = 3;
/// Letters of a name that somebody asks to be called by, at most.
const CALLED_LETTERS_MAX: usize = 24;
/// How people say what they are called; a name follows.
const CALLED: [&str; 5] = ["all me ", "calls me ", "go by ", "nickname is ", "goes by "];
/// Short forms that do not begin like the name, each with names that it stands for.
const SHORT_FORMS: [(&str, &[&str]); 28] = [
    ("andy", &["andrew", "andrea"]),
    ("becky", &["rebecca"]),
    ("bella", &["isabella"]),
    ("beth", &["elizabeth"]),
    ("betty", &["elizabeth"]),
    ("bill", &["william"]),
    ("billy", &["william"]),
    ("bob", &["robert"]),
    ("bobby", &["robert"]),
    ("chuck", &["charles"]),
    ("dick", &["richard"]),
    ("drew", &["andrew"]),
    ("gabby", &["gabriela", "gabrielle", "gabriella"]),
    ("hank", &["henry"]),
    ("harry", &["harold", "henry"]),
    ("jack", &["john", "jackson"]),
    ("jim", &["james"]),
    ("jimmy", &["james"]),
    ("kate", &["catherine", "katherine", "katharine"]),
    ("kathy", &["catherine", "katherine", "kathleen"]),
    ("larry", &["lawrence", "laurence"]),
    ("liz", &["elizabeth"]),
    ("maggie", &["margaret"]),
    ("mike", &["michael"]),
    ("peggy", &["margaret"]),
    ("sasha", &["alexander", "alexandra"]),
    ("ted", &["edward", "theodore"]),
    ("tony", &["anthony"]),
];

/// Whether a word is a short form of a name, both in lower case: how it begins ("mel", Melanie), or
/// a form that the language has ("bob", Robert).
pub(crate) fn is_short_for(short: &str, name: &str) -> bool {
    let begins = short.len() >= SHORT_LETTERS_MIN && short != name && name.starts_with(short);
    let form = || SHORT_FORMS.iter().find(|(known, _)| *known == short);
    begins || form().is_some_and(|(_, names)| names.contains(&name))
}

/// What a speaker asks to be called, in lower case: "Everybody calls me Kit."
pub(crate) fn called(text: &str) -> Option<String> {
    CALLED.iter().find_map(|phrase| {
        let at = text.find(phrase)?;
        let sentence = text[..at].rsplit(['.', '!', '?', ',', ';']).next().unwrap_or_default();
        let is_denied = form::denies(&sentence.to_lowercase().replace('\u{2019}', "'"));
        let name = text[at + phrase.len()..].split_whitespace().next()?;
        let name = name.trim_matches(|character: char| !character.is_alphabetic());
        (!is_denied && is_name(name)).then(|| name.to_lowercase())
    })
}

/// The words of a question that may be names, in lower case: with a capital, and no function words,
/// which have one where they begin a sentence.
pub(crate) fn name_like(question: &str) -> impl Iterator<Item = String> {
    let words = question.split(|character: char| !character.is_alphabetic());
    let capital = words.filter(|word| word.chars().next().is_some_and(char::is_uppercase));
    capital.map(str::to_lowercase).filter(|word| !stop_words::contains(word))
}

fn is_name(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase)
        && letters.next().is_some_and(char::is_lowercase)
        && word.len() <= CALLED_LETTERS_MAX
        && word.chars().all(char::is_alphabetic)
        && !stop_words::contains(&word.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_form_begins_the_name_or_is_one_that_people_use() {
        for (short, name) in [("mel", "melanie"), ("bob", "robert"), ("kate", "katherine")] {
            assert!(is_short_for(short, name), "{short} {name}");
        }
        for (short, name) in [("me", "melanie"), ("melanie", "melanie"), ("bob", "melanie")] {
            assert!(!is_short_for(short, name), "{short} {name}");
        }
        assert!(SHORT_FORMS.is_sorted_by_key(|(short, _)| *short));
    }

    #[test]
    fn what_somebody_asks_to_be_called_is_a_name() {
        for (text, name) in [
            ("My name is Katherine, but call me Kit.", Some("kit")),
            ("Call me Kit!", Some("kit")),
            ("At work I go by \u{201C}Kit\u{201D}", Some("kit")),
            ("Please don\u{2019}t call me Kit.", None),
            ("Never ever call me Kit.", None),
            ("I can't come. Call me Kit.", Some("kit")),
            ("Call me when you are there.", None),
            ("Call me The next day", None),
            ("call me ASAP", None),
            ("call me ", None),
        ] {
            assert_eq!(called(text).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn only_words_with_a_capital_may_be_names() {
        let found: Vec<String> = name_like("Does Mel\u{2019}s dog like the Alps?").collect();
        assert_eq!(found, ["mel", "alps"]);
    }
}
