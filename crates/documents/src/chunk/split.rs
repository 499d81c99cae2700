//! Where a text that is too long can be cut.

use super::ChunkOptions;
use crate::{sentences::sentence_ends, text::floor_boundary};

/// Parts of a paragraph as byte ranges: whole sentences up to the target, and at the beginning of
/// each but the first again the last sentences of the one before, as far as the overlap allows.
pub(super) fn sentences(
    text: &str,
    options: &ChunkOptions,
    count: &dyn Fn(&str) -> u64,
) -> Vec<(usize, usize)> {
    let units: Vec<Unit> = sentence_ends(text)
        .into_iter()
        .flat_map(|(start, end)| fitting(text, start, end, options.target_tokens, count))
        .collect();
    let mut parts = Vec::new();
    let mut first = 0;
    while first < units.len() {
        let last = fill(&units, first, options.target_tokens);
        parts.push((units[first].start, units[last].end));
        if last + 1 == units.len() {
            break;
        }
        first = overlap_start(&units, first, last, options.overlap_tokens);
    }
    parts
}

/// Parts of code as byte ranges, cut at empty lines where there are some, else at any line.
pub(super) fn lines(
    text: &str,
    options: &ChunkOptions,
    count: &dyn Fn(&str) -> u64,
) -> Vec<(usize, usize)> {
    let mut units = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        units.extend(fitting(text, offset, offset + line.len(), options.target_tokens, count));
        offset += line.len();
    }
    let mut parts = Vec::new();
    let mut first = 0;
    while first < units.len() {
        let mut last = fill(&units, first, options.target_tokens);
        if last + 1 < units.len() {
            // In its second half, a part had rather end where a definition does.
            let half = first + (last - first) / 2;
            let blank = (half..=last)
                .rev()
                .find(|at| text[units[*at].start..units[*at].end].trim().is_empty());
            last = blank.unwrap_or(last);
        }
        if !text[units[first].start..units[last].end].trim().is_empty() {
            parts.push((units[first].start, units[last].end));
        }
        first = last + 1;
    }
    parts
}

struct Unit {
    start: usize,
    end: usize,
    tokens: u64,
}

/// The last unit with which those from `first` on stay within the target; at least one.
fn fill(units: &[Unit], first: usize, target: u64) -> usize {
    let mut tokens = units[first].tokens;
    let mut last = first;
    while let Some(next) = units.get(last + 1).filter(|next| tokens + next.tokens <= target) {
        tokens += next.tokens;
        last += 1;
    }
    last
}

/// Where the next part begins: always further on than this one did.
fn overlap_start(units: &[Unit], first: usize, last: usize, overlap: u64) -> usize {
    let mut tokens = 0;
    let mut start = last + 1;
    while start > first + 1 {
        tokens += units[start - 1].tokens;
        if tokens > overlap {
            break;
        }
        start -= 1;
    }
    start
}

/// A unit as it is, or cut between words, or, where there are none, anywhere, so that each part fits.
fn fitting(
    text: &str,
    start: usize,
    end: usize,
    target: u64,
    count: &dyn Fn(&str) -> u64,
) -> Vec<Unit> {
    let mut fitting = Vec::new();
    let mut waiting = vec![(start, end)];
    while let Some((start, end)) = waiting.pop() {
        let tokens = count(&text[start..end]);
        let middle = middle(text, start, end);
        if tokens <= target || middle <= start || middle >= end {
            fitting.push(Unit { start, end, tokens });
        } else {
            waiting.push((middle, end));
            waiting.push((start, middle));
        }
    }
    fitting
}

/// A place near the middle, after a space if there is one.
fn middle(text: &str, start: usize, end: usize) -> usize {
    let half = floor_boundary(text, start + (end - start) / 2);
    let after_space = |(at, space): (usize, &str)| at + space.len();
    let later = text[half..end]
        .match_indices(char::is_whitespace)
        .next()
        .map(|(at, space)| half + after_space((at, space)));
    let earlier = text[start..half]
        .rmatch_indices(char::is_whitespace)
        .next()
        .map(|(at, space)| start + after_space((at, space)));
    [later, earlier].into_iter().flatten().find(|at| *at > start && *at < end).unwrap_or(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> u64 {
        text.split_whitespace().count() as u64
    }

    fn texts<'t>(text: &'t str, ranges: &[(usize, usize)]) -> Vec<&'t str> {
        ranges.iter().map(|(start, end)| text[*start..*end].trim()).collect()
    }

    #[test]
    fn parts_overlap_by_whole_sentences_and_lose_nothing() {
        let text = "One two three. Four five six. Seven eight nine. Ten eleven twelve.";
        let options = ChunkOptions { target_tokens: 7, whole_tokens: 7, overlap_tokens: 3 };
        assert_eq!(
            texts(text, &sentences(text, &options, &words)),
            [
                "One two three. Four five six.",
                "Four five six. Seven eight nine.",
                "Seven eight nine. Ten eleven twelve."
            ]
        );
    }

    #[test]
    fn a_sentence_or_word_without_end_is_cut_all_the_same() {
        let letters = |text: &str| text.chars().count() as u64;
        let options = ChunkOptions { target_tokens: 10, whole_tokens: 10, overlap_tokens: 0 };
        let text = "ä".repeat(95);
        let parts = sentences(&text, &options, &letters);
        assert!(parts.iter().all(|(start, end)| letters(&text[*start..*end]) <= 10));
        assert_eq!(parts.iter().map(|(start, end)| end - start).sum::<usize>(), text.len());
    }
}
