//! Source code, cut where a new definition seems to begin: at a line that is not indented, after an
//! empty one.

use super::Whole;
use crate::{ParseError, Source, sink::Sink, text::number};

pub(super) fn parse(text: &str, language: &str, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    let mut start = 0;
    let mut offset = 0;
    let mut first = 1;
    let mut after_blank = false;
    let mut line = 0;
    for content in text.split_inclusive('\n') {
        line += 1;
        let is_outermost =
            content.starts_with(|c: char| !c.is_whitespace() && !matches!(c, '}' | ')' | ']'));
        if after_blank && is_outermost && offset > start {
            unit(&text[start..offset], language, first, sink)?;
            start = offset;
            first = line;
        }
        after_blank = content.trim().is_empty();
        offset += content.len();
    }
    unit(&text[start..], language, first, sink)?;
    Ok(Whole::default())
}

fn unit(text: &str, language: &str, first: usize, sink: &mut Sink<'_>) -> Result<(), ParseError> {
    let text = text.trim_end();
    let last = first + text.matches('\n').count();
    sink.code(Some(language), text, Source::Lines { first: number(first), last: number(last) })
}
