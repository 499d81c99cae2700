//! What a person who uploads a file gets: its text with places, or a reason.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chunks;
mod files;
mod hostile;
mod names;
mod office;
mod pdf;
mod process;
mod summaries;
mod texts;

use backstay_documents::{Block, Content, ErrorKind, Limits, Parsed, parse};

fn read(name: &str, bytes: impl Into<Vec<u8>>) -> Parsed {
    parse(&Limits::default(), name, bytes.into()).unwrap()
}

fn refused(name: &str, bytes: impl Into<Vec<u8>>) -> (ErrorKind, String) {
    let error = parse(&Limits::default(), name, bytes.into()).unwrap_err();
    (error.kind, error.message)
}

/// A block in one line: what it is, what it says, where it stands.
fn shown(block: &Block) -> String {
    let content = match &block.content {
        Content::Heading { level, text } => format!("h{level} {text}"),
        Content::Paragraph(text) => format!("p {text}"),
        Content::ListItem { depth, text } => format!("li{depth} {text}"),
        Content::Code { language, text } => {
            format!("code {} {text}", language.as_deref().unwrap_or("-"))
        }
        Content::Table { header, rows } => {
            let rows: Vec<String> =
                rows.iter().map(|row| format!("{}@{}", row.cells.join(","), row.at)).collect();
            let header = header.as_ref().map_or("-".to_owned(), |header| header.join(","));
            format!("table [{header}] {}", rows.join("; "))
        }
    };
    format!("{content} | {}", block.source)
}

fn all_shown(parsed: &Parsed) -> Vec<String> {
    parsed.blocks.iter().map(shown).collect()
}
