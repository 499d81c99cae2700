//! What a summary can be made of.

use crate::{Content, Parsed, sentences::sentence_ends, text::one_line};

/// The beginning of a file says what it is about; so much of it is looked at, about a hundred pages.
const READ_BYTES_MAX: usize = 256 << 10;
/// What a line of a comment begins with, in the languages that are read; longer marks first.
const COMMENT_MARKS: [&str; 10] =
    ["///", "//!", "//", "/**", "/*", "*/", "* ", "-- ", "# ", "\"\"\""];

const COMMENT_ENDS: [&str; 2] = ["*/", "\"\"\""];

/// Each of them one line, in the order of the file.
#[derive(Default)]
pub(super) struct Pieces {
    /// Sentences of paragraphs and lists.
    pub(super) prose: Vec<String>,
    /// Sentences of comments in code.
    pub(super) comments: Vec<String>,
    /// Rows of tables and lines of code.
    pub(super) lines: Vec<String>,
    pub(super) headings: Vec<String>,
}

impl Pieces {
    pub(super) fn of(parsed: &Parsed) -> Self {
        let mut pieces = Self::default();
        let mut room = READ_BYTES_MAX;
        for block in &parsed.blocks {
            match &block.content {
                Content::Heading { text, .. } => {
                    pieces.headings.extend(full(beginning(text, &mut room)))
                }
                Content::Paragraph(text) | Content::ListItem { text, .. } => {
                    sentences(beginning(text, &mut room), &mut pieces.prose);
                }
                Content::Table { header, rows } => {
                    let rows = rows.iter().map(|row| &row.cells);
                    for cells in header.iter().chain(rows) {
                        let row = cells.join(", ");
                        pieces.lines.extend(full(beginning(&row, &mut room)));
                        if room == 0 {
                            break;
                        }
                    }
                }
                Content::Code { text, .. } => pieces.code(beginning(text, &mut room)),
            }
            if room == 0 {
                break;
            }
        }
        pieces
    }

    fn code(&mut self, text: &str) {
        let mut comment = String::new();
        for line in text.lines() {
            match in_comment(line) {
                Some(said) => {
                    comment.push_str(said);
                    comment.push('\n');
                }
                None => {
                    sentences(&std::mem::take(&mut comment), &mut self.comments);
                    self.lines.extend(full(line));
                }
            }
        }
        sentences(&comment, &mut self.comments);
    }
}

/// One line of what a person can read: no control characters, and none that hide or turn others around.
pub(super) fn plain(text: &str) -> String {
    let is_shown = |character: &char| {
        let is_hiding = matches!(character,
            '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}');
        character.is_whitespace() || !(is_hiding || character.is_control())
    };
    one_line(&text.chars().filter(is_shown).collect::<String>())
}

/// As much of a text as may still be looked at.
fn beginning<'t>(text: &'t str, room: &mut usize) -> &'t str {
    let shown = &text[..text.floor_char_boundary(*room)];
    // A text that was cut has used up the room, wherever its last character ended.
    *room = if shown.len() < text.len() { 0 } else { *room - shown.len() };
    shown
}

fn full(line: &str) -> Option<String> {
    Some(plain(line)).filter(|line| line.contains(char::is_alphanumeric))
}

fn sentences(text: &str, into: &mut Vec<String>) {
    let found = sentence_ends(text).into_iter();
    into.extend(found.filter_map(|(start, end)| full(&text[start..end])));
}

fn in_comment(line: &str) -> Option<&str> {
    let line = line.trim();
    let said = COMMENT_MARKS.iter().find_map(|mark| line.strip_prefix(mark))?;
    Some(COMMENT_ENDS.iter().find_map(|end| said.strip_suffix(end)).unwrap_or(said))
}
