//! The grounded answer of `sim-quote`: it quotes the lines of the prompt that share most words with
//! the question, and says so when there is none. It generates nothing.

use std::collections::{HashMap, HashSet};

use crate::prompt::{Prompt, Speaker};

/// Most lines that one answer quotes.
const MAX_QUOTES: usize = 3;
/// A further line is quoted if it scores at least this share of the best one.
const CLOSE_TO_BEST: f64 = 0.6;
/// Longest quoted line, in characters; a longer line is not an item but a document.
const MAX_QUOTED_CHARACTERS: usize = 400;
/// Most lines that are looked at, newest first.
const MAX_LINES: usize = 20_000;

const NOTHING_FOUND: &str = "I cannot find anything about that in what I was given.";

const STOP_WORDS: &[&str] = &[
    "a", "about", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by",
    "can", "could", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her", "him",
    "his", "how", "i", "if", "in", "is", "it", "its", "me", "my", "no", "not", "of", "on", "or",
    "our", "please", "she", "should", "so", "tell", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "to", "us", "was", "we", "were", "what", "when", "where",
    "which", "who", "whose", "why", "will", "with", "would", "you", "your",
];

/// Answers the last user message from the text that came before it.
pub(crate) fn answer(prompt: &Prompt) -> String {
    let (question, lines) = question_and_lines(prompt);
    let best = best_lines(&question, &lines);
    if best.is_empty() {
        return NOTHING_FOUND.to_owned();
    }
    let quoted: Vec<String> = best.iter().map(|line| format!("\u{201c}{line}\u{201d}")).collect();
    format!("Here is what I was told: {}", quoted.join(" and "))
}

/// The question is the last paragraph of the last user message; the lines are those of everything
/// before it except the assistant's own answers, which would only quote a quotation.
fn question_and_lines(prompt: &Prompt) -> (String, Vec<&str>) {
    let last_user = prompt.turns.iter().rposition(|turn| turn.speaker == Speaker::User);
    let mut question = "";
    let mut texts: Vec<&str> = Vec::new();
    for (at, turn) in prompt.turns.iter().enumerate() {
        if turn.speaker == Speaker::Assistant {
            continue;
        }
        texts.extend(turn.texts.iter().map(String::as_str));
        if Some(at) == last_user {
            let text = texts.pop().unwrap_or_default().trim_end();
            let (before, last) = text.rsplit_once("\n\n").unwrap_or(("", text));
            texts.push(before);
            question = last;
        }
    }
    let mut lines: Vec<&str> =
        texts.iter().rev().flat_map(|text| text.lines().rev()).take(MAX_LINES).collect();
    lines.reverse();
    (question.to_owned(), lines)
}

/// The lines that overlap best with the question, best first. A word weighs the less the more lines
/// have it.
fn best_lines<'a>(question: &str, lines: &[&'a str]) -> Vec<&'a str> {
    let asked: HashSet<String> = words(question).collect();
    let mut seen = HashSet::new();
    let candidates: Vec<(&str, HashSet<String>)> = lines
        .iter()
        .filter_map(|line| quotable(line))
        .filter(|line| seen.insert(*line))
        .map(|line| (line, words(line).filter(|word| asked.contains(word)).collect()))
        .collect();
    let mut lines_with: HashMap<&str, f64> = HashMap::new();
    for word in candidates.iter().flat_map(|(_, shared)| shared) {
        *lines_with.entry(word.as_str()).or_default() += 1.0;
    }
    let weight = |word: &String| 1.0 / lines_with.get(word.as_str()).copied().unwrap_or(1.0);
    let mut scored: Vec<(f64, &str)> = candidates
        .iter()
        .map(|(line, shared)| (shared.iter().map(weight).sum::<f64>(), *line))
        .filter(|(score, _)| *score > 0.0)
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0));
    let best = scored.first().map_or(0.0, |(score, _)| *score);
    let close = scored.into_iter().take_while(|(score, _)| *score >= best * CLOSE_TO_BEST);
    close.take(MAX_QUOTES).map(|(_, line)| line).collect()
}

/// A line without its list mark; `None` for fences, tags, headings and questions.
fn quotable(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches(['-', '*', '\u{2022}']).trim_start();
    let markup = line.starts_with("```") || line.starts_with('<') || line.starts_with('#');
    let fits = line.chars().count() <= MAX_QUOTED_CHARACTERS;
    (!line.is_empty() && !markup && fits && !line.ends_with('?')).then_some(line)
}

/// The words that carry meaning, in lower case and without common English endings.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.len() > 1 && !STOP_WORDS.contains(&word.as_str()))
        .map(|word| stem(&word).to_owned())
}

fn stem(word: &str) -> &str {
    ["ing", "ed", "es", "s", "e"]
        .into_iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|stem| stem.len() >= 3))
        .unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{CachePolicy, Turn};

    fn ask(turns: &[(Speaker, &str)]) -> String {
        let mut prompt = Prompt::new("sim-quote", CachePolicy::Automatic);
        for (speaker, text) in turns {
            let mut turn = Turn::new(*speaker);
            turn.texts.push((*text).to_owned());
            prompt.turns.push(turn);
        }
        answer(&prompt)
    }

    const MEMORY: &str = "Use what you remember.\n```memory\n\
        [2024-03-05] Anna: I am allergic to peanuts\n\
        [2024-04-01] Anna: We moved to Bergen last week\n\
        [2024-04-02] Ben: The invoice is paid\n```";

    #[test]
    fn a_question_is_answered_with_the_line_that_fits() {
        let answer = ask(&[
            (Speaker::System, MEMORY),
            (Speaker::User, "Which allergies? Is Anna allergic?"),
        ]);
        assert!(answer.contains("[2024-03-05] Anna: I am allergic to peanuts"), "{answer}");
        assert!(!answer.contains("invoice"), "{answer}");
    }

    #[test]
    fn memory_in_front_of_the_question_in_one_message_is_found() {
        let text = format!("{MEMORY}\n\nWhere did we move?");
        assert!(ask(&[(Speaker::User, &text)]).contains("We moved to Bergen"));
    }

    #[test]
    fn nothing_in_common_is_admitted() {
        let answer = ask(&[(Speaker::System, MEMORY), (Speaker::User, "Favourite colour?")]);
        assert_eq!(answer, NOTHING_FOUND);
    }

    #[test]
    fn an_earlier_answer_is_not_quoted() {
        let answer = ask(&[
            (Speaker::User, "Any sailing plans?"),
            (Speaker::Assistant, "Sailing plans are unknown."),
            (Speaker::User, "Sailing plans?"),
        ]);
        assert_eq!(answer, NOTHING_FOUND);
    }
}
