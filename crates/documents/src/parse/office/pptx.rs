//! PowerPoint presentations: slide by slide in the order in which they are shown, the title first, the
//! speaker's notes last.

use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};

use super::{
    archive::Archive,
    properties,
    relations::{self, Relation},
};
use crate::{
    ParseError, Row, Source,
    parse::{
        Whole, looks_like_header,
        pull::{self, Pull},
    },
    sink::Sink,
    text::{number, one_line},
};

const WHAT: &str = "PowerPoint presentation";
const PRESENTATION: &str = "ppt/presentation.xml";

pub(in crate::parse) fn parse(bytes: Vec<u8>, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    let mut archive = Archive::open(bytes, sink.limits(), WHAT)?;
    let title = properties::title(&mut archive)?;
    let slides = slides(&mut archive)?;
    let total = sink.check_parts(slides.len(), "slides")?;
    let depth = sink.limits().depth;
    for (index, part) in slides.iter().enumerate() {
        let source = Source::Slide { number: number(index + 1) };
        let Some(input) = archive.part(part)? else {
            sink.note(format!("Slide {} is missing in the file.", index + 1))?;
            continue;
        };
        let shapes = Shapes::read(Pull::new(input, depth, WHAT))?;
        shapes.tell(sink, &source, "")?;
        let notes = relations::of(&mut archive, part)?;
        if let Some(notes) = notes.iter().find(|relation| relation.kind == "notesSlide")
            && let Some(input) = archive.part(&notes.target)?
        {
            let mut shapes = Shapes::read(Pull::new(input, depth, WHAT))?;
            shapes.found.retain(|found| matches!(found, Found::Paragraph { role: Role::Body, .. }));
            shapes.tell(sink, &source, "Speaker notes: ")?;
        }
        sink.progress(number(index + 1), total)?;
    }
    Ok(Whole { title, parts: Some(total), ..Whole::default() })
}

/// The slides' parts in the order of the presentation.
fn slides(archive: &mut Archive) -> Result<Vec<String>, ParseError> {
    let relations = relations::of(archive, PRESENTATION)?;
    let Some(input) = archive.part(PRESENTATION)? else {
        return Err(ParseError::damaged(WHAT, "its list of slides is missing"));
    };
    let mut pull = Pull::new(input, 64, WHAT);
    let mut slides = Vec::new();
    while let Some(event) = pull.next()? {
        if let Event::Start(element) = &event
            && pull::local(element) == "sldId"
            && let Some(target) = target(element, &relations)
        {
            slides.push(target);
        }
    }
    Ok(slides)
}

fn target(element: &BytesStart<'_>, relations: &[Relation]) -> Option<String> {
    // Both `id` and `r:id` are there; only the second is a relation's.
    let id = element.attributes().flatten().find(|attribute| attribute.key.0.ends_with(":id"))?;
    let id = pull::value(&id);
    relations.iter().find(|relation| relation.id == id).map(|relation| relation.target.clone())
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Title,
    Body,
    /// A text box, or the number and date that each slide repeats.
    Other,
    Furniture,
}

enum Found {
    Paragraph { role: Role, depth: u8, text: String },
    Table(Vec<Vec<String>>),
}

/// What stands on a slide, in the order of the file.
#[derive(Default)]
struct Shapes {
    found: Vec<Found>,
}

impl Shapes {
    fn read<R: BufRead>(mut pull: Pull<R>) -> Result<Self, ParseError> {
        let mut found = Vec::new();
        let mut role = Role::Other;
        let mut depth = 0;
        let mut text = String::new();
        let mut in_text = false;
        let mut table: Option<Vec<Vec<String>>> = None;
        let mut skipped = 0_u32;
        while let Some(event) = pull.next()? {
            match &event {
                Event::Start(_) if skipped > 0 => skipped += 1,
                Event::End(_) if skipped > 0 => skipped -= 1,
                Event::Start(element) => match pull::local(element) {
                    "Fallback" => skipped = 1,
                    "sp" => role = Role::Other,
                    "ph" => role = role_of(element),
                    "p" if table.is_none() => {
                        text.clear();
                        depth = 0;
                    }
                    "pPr" => {
                        depth = pull::attribute(element, "lvl")
                            .and_then(|level| level.parse().ok())
                            .unwrap_or(0)
                    }
                    "t" => in_text = true,
                    "br" => text.push(' '),
                    "tbl" => table = Some(Vec::new()),
                    "tr" => table.iter_mut().for_each(|rows| rows.push(Vec::new())),
                    "tc" => text.clear(),
                    _ => {}
                },
                Event::End(element) => match pull::unprefixed(element.name().0) {
                    "t" => in_text = false,
                    "p" if table.is_some() => text.push(' '),
                    "p" if !text.trim().is_empty() => {
                        found.push(Found::Paragraph { role, depth, text: one_line(&text) });
                    }
                    "tc" => {
                        if let Some(row) = table.as_mut().and_then(|rows| rows.last_mut()) {
                            row.push(one_line(&text));
                        }
                        text.clear();
                    }
                    "tbl" => found.extend(table.take().map(Found::Table)),
                    _ => {}
                },
                event if in_text && skipped == 0 => {
                    if let Some(characters) = pull::characters(event) {
                        text.push_str(&characters);
                    }
                }
                _ => {}
            }
        }
        Ok(Self { found })
    }

    fn tell(&self, sink: &mut Sink<'_>, source: &Source, prefix: &str) -> Result<(), ParseError> {
        for found in &self.found {
            if let Found::Paragraph { role: Role::Title, text, .. } = found {
                sink.heading(1, text, source.clone())?;
            }
        }
        for found in &self.found {
            match found {
                Found::Paragraph { role: Role::Title | Role::Furniture, .. } => {}
                Found::Paragraph { role: Role::Body, depth, text } if prefix.is_empty() => {
                    sink.list_item(*depth, text, source.clone())?;
                }
                Found::Paragraph { text, .. } => {
                    sink.paragraph(&format!("{prefix}{text}"), source.clone())?
                }
                Found::Table(rows) => table(sink, rows, source)?,
            }
        }
        Ok(())
    }
}

fn role_of(element: &BytesStart<'_>) -> Role {
    match pull::attribute(element, "type").as_deref() {
        Some("title" | "ctrTitle") => Role::Title,
        Some("body" | "obj" | "subTitle") | None => Role::Body,
        Some("sldNum" | "dt" | "ftr" | "hdr" | "sldImg") => Role::Furniture,
        Some(_) => Role::Other,
    }
}

fn table(sink: &mut Sink<'_>, rows: &[Vec<String>], source: &Source) -> Result<(), ParseError> {
    let (header, rows) = match rows.split_first() {
        Some((first, rest)) if !rest.is_empty() && looks_like_header(first) => {
            (Some(first.clone()), rest)
        }
        _ => (None, rows),
    };
    let rows = rows
        .iter()
        .enumerate()
        .map(|(index, cells)| Row { cells: cells.clone(), at: number(index + 1) });
    sink.table(header, rows, source)
}
