//! The part of a long turn that bears on a question.

use std::collections::HashSet;

use backstay_core::tokens;

use crate::analyse::{self, Query};

const CUT: &str = "\u{2026}";

/// The run of sentences, at most `tokens_max` long, that mentions most of the question's terms; the
/// first such run. Left out text is marked by an ellipsis. A short text comes back whole.
pub(crate) fn excerpt(text: &str, query: &Query, tokens_max: u64) -> String {
    if tokens::estimate(text) <= tokens_max {
        return text.to_owned();
    }
    // Each ellipsis costs a token.
    let room = tokens_max.saturating_sub(2).max(1);
    let pieces = pieces(text, room);
    let wanted: HashSet<&str> = query.terms.iter().map(|term| term.term.as_str()).collect();
    let mentions: Vec<HashSet<String>> =
        pieces.iter().map(|piece| mentioned(piece.text, &wanted)).collect();
    let mut best = (0, 0, 0);
    for start in 0..pieces.len() {
        let end = run_end(&pieces, start, room);
        let found: HashSet<&String> = mentions[start..end].iter().flatten().collect();
        if found.len() > best.2 || best.1 == 0 {
            best = (start, end, found.len());
        }
    }
    let (start, end, _) = best;
    let (Some(first), Some(last)) = (pieces.get(start), pieces.get(end.saturating_sub(1))) else {
        return String::new();
    };
    let (from, to) = (first.start, last.start + last.text.len());
    let before = if from > 0 { CUT } else { "" };
    let after = if to < text.trim_end().len() { CUT } else { "" };
    format!("{before}{}{after}", text[from..to].trim())
}

struct Piece<'a> {
    start: usize,
    text: &'a str,
    tokens: u64,
}

fn mentioned(text: &str, wanted: &HashSet<&str>) -> HashSet<String> {
    analyse::terms(text).into_iter().filter(|term| wanted.contains(term.as_str())).collect()
}

/// Where the longest run that begins at `start` and fits ends. Holds at least one piece.
fn run_end(pieces: &[Piece<'_>], start: usize, room: u64) -> usize {
    let mut used = 0;
    let fitting = pieces[start..].iter().take_while(|piece| {
        used += piece.tokens;
        used <= room
    });
    start + fitting.count().max(1)
}

/// Sentences and lines; those that do not fit are cut between words, and words that do not fit
/// between characters.
fn pieces(text: &str, room: u64) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for sentence in text.split_inclusive(['.', '!', '?', '\n', '\u{3002}', '\u{FF1F}']) {
        push_fitting(sentence, start, room, &mut pieces);
        start += sentence.len();
    }
    pieces
}

fn push_fitting<'a>(text: &'a str, start: usize, room: u64, pieces: &mut Vec<Piece<'a>>) {
    let tokens = tokens::estimate(text);
    if tokens <= room || text.len() < 8 {
        pieces.push(Piece { start, text, tokens });
        return;
    }
    let middle = text.floor_char_boundary(text.len() / 2);
    let cut =
        text[..middle].rfind(char::is_whitespace).filter(|space| *space > 0).unwrap_or(middle);
    let (left, right) = text.split_at(cut);
    push_fitting(left, start, room, pieces);
    push_fitting(right, start + cut, room, pieces);
}

#[cfg(test)]
mod tests {
    use backstay_core::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn query(text: &str) -> Query {
        Query::new(text, Timestamp::default())
    }

    #[test]
    fn the_sentence_that_was_asked_for_is_shown() {
        let filler = "This is about something else entirely. ".repeat(50);
        let text = format!("{filler}The passport is in the blue drawer. {filler}");
        let shown = excerpt(&text, &query("where is my passport?"), 60);
        assert!(shown.contains("The passport is in the blue drawer."), "{shown}");
        assert!(shown.starts_with(CUT) && shown.ends_with(CUT));
        assert_eq!(excerpt("Short.", &query("passport"), 60), "Short.");
    }

    proptest! {
        #[test]
        fn an_excerpt_of_any_text_fits(text in "\\PC{0,400}|[a-z. ]{0,400}", room in 8_u64..60) {
            let shown = excerpt(&text, &query("a passport"), room);
            prop_assert!(tokens::estimate(&shown) <= room, "{} > {room}", tokens::estimate(&shown));
        }
    }
}
