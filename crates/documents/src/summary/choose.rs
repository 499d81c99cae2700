//! Which sentences say most of what a text is about.
//!
//! A sentence counts for the words in it that the text repeats, and more where it stands near the
//! beginning. Once a sentence is chosen its words count for little, so that the next says something
//! else ("SumBasic", Nenkova and Vanderwende, 2005).

use std::collections::HashMap;

use super::{chars, shortened};

/// A sentence of fewer says little, where there are others.
const TERMS_MIN: usize = 4;
/// At this sentence, to be near the beginning counts half of what it counts at the first.
const NEAR_THE_BEGINNING: f64 = 4.0;
/// Of a text without sentences.
const LINES_MAX: usize = 3;
const BETWEEN_LINES: &str = "; ";

struct Sentence {
    text: String,
    length: usize,
    /// Numbers of its terms, each once.
    terms: Vec<usize>,
    place: f64,
    is_chosen: bool,
}

/// All of them where there is room; `None` where there are none.
pub(super) fn telling_sentences(
    sentences: Vec<String>,
    room: usize,
    terms_of: &dyn Fn(&str) -> Vec<String>,
) -> Option<String> {
    let all = sentences.join(" ");
    if chars(&all) <= room {
        return Some(all).filter(|all| !all.is_empty());
    }
    let (mut sentences, mut weights) = weighed(sentences, terms_of);
    let mut left = room;
    loop {
        let score = |sentence: &Sentence| {
            let sum: f64 = sentence.terms.iter().map(|term| weights[*term]).sum();
            sentence.place * sum / (sentence.terms.len() as f64).sqrt()
        };
        let open = sentences.iter_mut().filter(|sentence| !sentence.is_chosen);
        let fitting = open.filter(|sentence| sentence.length <= left);
        // The first of equals.
        let best = fitting.rev().max_by(|one, other| score(one).total_cmp(&score(other)));
        let Some(best) = best else { break };
        best.is_chosen = true;
        // A space stands between two.
        left = left.saturating_sub(best.length + 1);
        for term in &best.terms {
            weights[*term] *= weights[*term];
        }
    }
    let chosen: Vec<&str> = sentences
        .iter()
        .filter(|sentence| sentence.is_chosen)
        .map(|sentence| sentence.text.as_str())
        .collect();
    match chosen.is_empty() {
        false => Some(chosen.join(" ")),
        true => sentences.first().map(|first| shortened(&first.text, room)),
    }
}

/// Sentences that say something, and how much of the text each term is.
fn weighed(
    texts: Vec<String>,
    terms_of: &dyn Fn(&str) -> Vec<String>,
) -> (Vec<Sentence>, Vec<f64>) {
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut weights = Vec::new();
    let mut sentences = Vec::with_capacity(texts.len());
    for (ordinal, text) in texts.into_iter().enumerate() {
        let mut terms = Vec::new();
        for term in terms_of(&text) {
            let number = *numbers.entry(term).or_insert(weights.len());
            if number == weights.len() {
                weights.push(0.0);
            }
            weights[number] += 1.0;
            terms.push(number);
        }
        terms.sort_unstable();
        terms.dedup();
        let place = 1.0 + NEAR_THE_BEGINNING / (NEAR_THE_BEGINNING + ordinal as f64);
        let length = chars(&text);
        sentences.push(Sentence { text, length, terms, place, is_chosen: false });
    }
    let all: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= all);
    let longest = sentences.iter().map(|sentence| sentence.terms.len()).max().unwrap_or(0);
    let least = TERMS_MIN.min(longest).max(1);
    sentences.retain(|sentence| sentence.terms.len() >= least);
    (sentences, weights)
}

/// The beginning of a text that has no sentences. `None` where it has no lines either.
pub(super) fn first_lines(lines: Vec<String>, room: usize) -> Option<String> {
    let mut lines = lines.into_iter().take(LINES_MAX);
    let mut text = shortened(&lines.next()?, room);
    for line in lines {
        if chars(&text) + chars(BETWEEN_LINES) + chars(&line) > room {
            break;
        }
        text.push_str(BETWEEN_LINES);
        text.push_str(&line);
    }
    Some(text)
}
