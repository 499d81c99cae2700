//! Plain text: paragraphs are what empty lines separate.

use super::Whole;
use crate::{ParseError, Source, sink::Sink, text::number};

pub(super) fn parse(text: &str, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    for (paragraph, source) in paragraphs(text) {
        sink.paragraph(paragraph, source)?;
    }
    Ok(Whole::default())
}

/// Runs of lines that are not blank, with their line numbers.
pub(super) fn paragraphs(text: &str) -> impl Iterator<Item = (&str, Source)> {
    let mut line = 0;
    let mut start = 0;
    let mut offset = 0;
    let mut first = 0;
    let mut lines = text.split_inclusive('\n');
    let mut ended = false;
    std::iter::from_fn(move || {
        while !ended {
            let next = lines.next();
            let blank = next.is_none_or(|content| content.trim().is_empty());
            let found = (blank && first > 0).then(|| {
                let source = Source::Lines { first: number(first), last: number(line) };
                (text[start..offset].trim_end_matches(['\n', '\r']), source)
            });
            if blank {
                first = 0;
            }
            line += 1;
            if let Some(content) = next {
                if !blank && first == 0 {
                    first = line;
                    start = offset;
                }
                offset += content.len();
            } else {
                ended = true;
            }
            if found.is_some() {
                return found;
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_know_their_lines() {
        let found: Vec<_> = paragraphs("\none\ntwo\n\n \nthree").collect();
        assert_eq!(
            found,
            [("one\ntwo", Source::Lines { first: 2, last: 3 }), ("three", Source::line(6))]
        );
        assert_eq!(paragraphs("").count(), 0);
    }
}
