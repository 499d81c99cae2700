//! What a file is about, in sentences of its own that are chosen by their words and places. No model is
//! needed, so that every document has a summary.

mod choose;
mod pieces;

use self::{
    choose::{first_lines, telling_sentences},
    pieces::Pieces,
};
use crate::{Content, Parsed};

/// Characters of a summary, its title included.
pub const SUMMARY_CHARS_MAX: usize = 500;
const TITLE_CHARS_MAX: usize = 200;
const AFTER_TITLE: &str = " — ";
const CUT: char = '…';

/// The file's title, or the heading that it begins with, and after it the sentences that say most of
/// what it is about, in the order of the file: one line without control characters, of at most
/// [`SUMMARY_CHARS_MAX`] characters. Sentences are whole, unless there is room for no single one. Of a
/// file without prose its comments, else its first lines or rows stand for them. `None` if there is no
/// text.
///
/// `terms_of` gives the words of a text that carry meaning, equal for forms of one word. It is shown no
/// more than the beginning of a long file, so that what this costs is bounded.
pub fn summarise(parsed: &Parsed, terms_of: &dyn Fn(&str) -> Vec<String>) -> Option<String> {
    let title = title(parsed).map(|title| shortened(&title, TITLE_CHARS_MAX));
    let taken = title.as_ref().map_or(0, |title| chars(title) + chars(AFTER_TITLE));
    let room = SUMMARY_CHARS_MAX - taken;
    let Pieces { prose, comments, lines, headings } = Pieces::of(parsed);
    let is_new = |piece: &String| title.as_ref() != Some(piece);
    let new = |pieces: Vec<String>| pieces.into_iter().filter(is_new).collect::<Vec<_>>();
    let said = [prose, comments]
        .into_iter()
        .find_map(|sentences| telling_sentences(new(sentences), room, terms_of))
        .or_else(|| [lines, headings].into_iter().find_map(|lines| first_lines(new(lines), room)));
    match (title, said) {
        (Some(title), Some(said)) => Some(format!("{title}{AFTER_TITLE}{said}")),
        (title, said) => title.or(said),
    }
}

fn title(parsed: &Parsed) -> Option<String> {
    let first = parsed.blocks.first().and_then(|block| match &block.content {
        Content::Heading { text, .. } => Some(text),
        _ => None,
    });
    let known = parsed.summary.title.as_ref().into_iter().chain(first);
    known.map(|title| pieces::plain(title)).find(|title| !title.is_empty())
}

/// Cut after a word, where it is longer than there is room.
fn shortened(text: &str, room: usize) -> String {
    if chars(text) <= room {
        return text.to_owned();
    }
    let end = text.char_indices().nth(room.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
    let fits = &text[..end];
    let word_end = fits.rfind(' ').filter(|space| *space > 0).unwrap_or(end);
    format!("{}{CUT}", fits[..word_end].trim_end())
}

fn chars(text: &str) -> usize {
    text.chars().count()
}
