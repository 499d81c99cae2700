//! Text to words, and words to index terms.

use rust_stemmers::{Algorithm, Stemmer};

use super::stop_words;

/// Characters of a word that count; the rest of a longer one is noise (hashes, base64).
const WORD_CHARACTERS_MAX: usize = 64;
/// English endings that stand for another word or a case, after their apostrophe is made plain.
const CONTRACTIONS: [&str; 7] = ["n't", "'s", "'m", "'re", "'ve", "'ll", "'d"];

/// The words of a text, in lower case and in order: runs of letters and digits, without English
/// contractions. Characters of scripts that are written without spaces are words of their own.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    for character in text.chars() {
        if is_ideograph(character) {
            finish(&mut word, &mut length, &mut words);
            words.push(character.to_string());
        } else if character.is_alphanumeric() || (is_apostrophe(character) && !word.is_empty()) {
            length += 1;
            if length <= WORD_CHARACTERS_MAX {
                push_lowercase(&mut word, character);
            }
        } else {
            finish(&mut word, &mut length, &mut words);
        }
    }
    finish(&mut word, &mut length, &mut words);
    words
}

/// What a text is indexed by: its words without English stop words, stemmed (Snowball English).
pub fn terms(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    words(text).iter().filter_map(|word| term_of(&stemmer, word)).collect()
}

/// `None` for a stop word. Words of other scripts are their own stems.
pub(super) fn term_of(stemmer: &Stemmer, word: &str) -> Option<String> {
    if stop_words::contains(word) {
        return None;
    }
    if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Some(stemmer.stem(word).into_owned());
    }
    Some(word.to_owned())
}

/// Equal for two texts that differ in case, spaces and punctuation only. Keeps every word, so that
/// a statement and its negation never look the same.
pub(crate) fn fingerprint(text: &str) -> String {
    let separated = text.split(|character: char| !character.is_alphanumeric());
    let words: Vec<String> =
        separated.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.join(" ")
}

fn push_lowercase(word: &mut String, character: char) {
    if is_apostrophe(character) {
        word.push('\'');
    } else {
        word.extend(character.to_lowercase());
    }
}

fn finish(word: &mut String, length: &mut usize, words: &mut Vec<String>) {
    *length = 0;
    let ending = CONTRACTIONS.iter().find(|ending| word.ends_with(**ending));
    let stem_length = word.len() - ending.map_or(0, |ending| ending.len());
    let base = word[..stem_length].trim_matches('\'');
    if !base.is_empty() {
        words.push(base.replace('\'', ""));
    }
    word.clear();
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '\u{2019}' | '\u{02BC}')
}

/// Han, Hiragana, Katakana: each character carries meaning and no spaces separate words.
fn is_ideograph(character: char) -> bool {
    matches!(u32::from(character),
        0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contractions_and_possessives_do_not_hide_a_word() {
        assert_eq!(words("Caroline's dog didn\u{2019}t bark"), ["caroline", "dog", "did", "bark"]);
        assert_eq!(words("'quoted' rock'n'roll"), ["quoted", "rocknroll"]);
    }

    #[test]
    fn forms_of_a_word_share_a_term_and_stop_words_are_left_out() {
        assert_eq!(terms("She was moving to the cities"), ["move", "citi"]);
        assert_eq!(terms("move city"), ["move", "citi"]);
        assert!(terms("what did you do to me?").is_empty());
    }

    #[test]
    fn scripts_without_spaces_and_numbers_are_found_too() {
        assert_eq!(terms("猫が座る 2023"), ["猫", "が", "座", "る", "2023"]);
        assert_eq!(terms("Москва"), ["москва"]);
    }

    #[test]
    fn hostile_text_is_only_text() {
        assert!(words("").is_empty());
        assert!(words("\u{0}\u{7}\u{202e} ''' \n").is_empty());
        assert_eq!(words(&"x".repeat(1_000_000))[0].len(), WORD_CHARACTERS_MAX);
    }

    #[test]
    fn a_negation_is_not_a_duplicate() {
        assert_eq!(fingerprint("I moved to  Lisbon!"), fingerprint("i moved to lisbon"));
        assert_ne!(fingerprint("I do eat meat"), fingerprint("I don't eat meat"));
    }
}
