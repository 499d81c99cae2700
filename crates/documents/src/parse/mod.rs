//! One file per format; each puts what it finds into the sink, in reading order.

mod code;
mod csv;
mod html;
mod json;
mod markdown;
mod office;
mod pdf;
mod plain;
mod pull;
mod xml;

use crate::{
    ErrorKind, Event, Format, Limits, ParseError, Parsed, Summary,
    detect::{self, Detected},
    format,
    sink::Sink,
    text,
};

use csv::is_header as looks_like_header;

/// What a parser knows of the whole file when it has read it.
#[derive(Default)]
struct Whole {
    title: Option<String>,
    parts: Option<u32>,
    /// Where it is not the format that was asked for.
    format: Option<Format>,
}

/// Reads a file in this process and keeps all that is found. For tests and tools; a file of unknown
/// origin goes through [`crate::Parser`].
pub fn parse(limits: &Limits, name: &str, bytes: Vec<u8>) -> Result<Parsed, ParseError> {
    let mut blocks = Vec::new();
    let mut notes = Vec::new();
    let summary = parse_into(limits, &format::extension(name), bytes, &mut |event| {
        match event {
            Event::Block(block) => blocks.push(block),
            Event::Note(note) => notes.push(note),
            Event::Progress(_) | Event::Done(_) | Event::Failed(_) => {}
        }
        Ok(())
    })?;
    Ok(Parsed { summary, blocks, notes })
}

/// Reads a file and tells each block as it is found; `extension` is the name's, in lower case. An
/// error of `emit` ends the reading and is returned.
pub fn parse_into(
    limits: &Limits,
    extension: &str,
    bytes: Vec<u8>,
    emit: &mut dyn FnMut(Event) -> Result<(), ParseError>,
) -> Result<Summary, ParseError> {
    if bytes.len() as u64 > limits.file_bytes {
        return Err(ParseError::too_large(format!(
            "This file is larger than {} MB, the most that is read. Split it and upload the parts.",
            limits.file_bytes >> 20
        )));
    }
    let Detected { format, note } = detect::detect(extension, &bytes)?;
    let mut sink = Sink::new(limits, emit);
    if let Some(note) = note {
        sink.note(note)?;
    }
    let whole = match &format {
        Format::Pdf => pdf::parse(bytes, &mut sink)?,
        Format::Docx => office::docx::parse(bytes, &mut sink)?,
        Format::Pptx => office::pptx::parse(bytes, &mut sink)?,
        Format::Xlsx => office::xlsx::parse(bytes, &mut sink)?,
        text_format => parse_text(text_format, &bytes, &mut sink)?,
    };
    if sink.is_empty() {
        let scan = if format == Format::Pdf {
            " If its pages are pictures of text, let a scanner's program recognise it (OCR) and upload the result."
        } else {
            ""
        };
        return Err(ParseError::new(
            ErrorKind::NoText,
            format!("There is no text in this {}.{scan}", format.name()),
        ));
    }
    let title = whole.title.map(|title| {
        let mut line = text::one_line(&title);
        line.truncate(text::floor_boundary(&line, 300));
        line
    });
    Ok(Summary {
        format: whole.format.unwrap_or(format),
        title: title.filter(|title| !title.is_empty()),
        parts: whole.parts,
    })
}

fn parse_text(format: &Format, bytes: &[u8], sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    let declared = match format {
        Format::Html => detect::declared_encoding(bytes, b"charset="),
        Format::Xml => detect::declared_encoding(bytes, b"encoding="),
        _ => None,
    };
    let Some(text) = text::decode(bytes, declared.as_deref()) else {
        return Err(ParseError::damaged(format.name(), "it holds bytes that are not text"));
    };
    match format {
        Format::Html => html::parse(&text, sink),
        Format::Markdown => markdown::parse(&text, sink),
        Format::Json => json::parse(&text, sink),
        Format::JsonLines => json::parse_lines(&text, sink),
        Format::Xml => xml::parse(&text, sink),
        Format::Csv => csv::parse(&text, sink),
        Format::Code(language) => code::parse(&text, language, sink),
        _ => plain::parse(&text, sink),
    }
}
