//! Word documents. Pages are the reader's, not the file's, so places are paragraphs, and the page where
//! the program that saved the file noted one.

use std::{collections::HashMap, io::BufRead};

use quick_xml::events::{BytesStart, Event};

use super::{archive::Archive, properties};
use crate::{
    ErrorKind, ParseError, Row, Source,
    parse::{
        Whole, looks_like_header,
        pull::{self, Pull},
    },
    sink::{Sink, TableParts},
    text::one_line,
};

const BODY: &str = "word/document.xml";

pub(in crate::parse) fn parse(bytes: Vec<u8>, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    let mut archive = Archive::open(bytes, sink.limits(), "Word document")?;
    let styles = styles(&mut archive)?;
    let title = properties::title(&mut archive)?;
    let depth = sink.limits().depth;
    let mut body = Body::new(sink, styles);
    for (index, part) in [BODY, "word/footnotes.xml", "word/endnotes.xml"].into_iter().enumerate() {
        match archive.part(part)? {
            Some(input) => body.read(Pull::new(input, depth, "Word document"))?,
            None if index == 0 => {
                return Err(ParseError::damaged("Word document", "its text is missing"));
            }
            None => {}
        }
    }
    Ok(Whole { title, ..Whole::default() })
}

/// The level of the heading that each style makes, by the style's id.
fn styles(archive: &mut Archive) -> Result<HashMap<String, u8>, ParseError> {
    let mut levels = HashMap::new();
    let what = archive.what();
    let Some(input) = archive.part("word/styles.xml")? else { return Ok(levels) };
    let mut pull = Pull::new(input, 64, what);
    let mut style = String::new();
    while let Some(event) = pull.next()? {
        let Event::Start(element) = &event else { continue };
        match pull::local(element) {
            "style" => style = pull::attribute(element, "styleId").unwrap_or_default(),
            "name" => {
                let name = pull::attribute(element, "val").unwrap_or_default().to_ascii_lowercase();
                if let Some(level) = level_of(&name) {
                    levels.insert(style.clone(), level);
                }
            }
            "outlineLvl" => {
                if let Some(level) =
                    pull::attribute(element, "val").and_then(|level| level.parse::<u8>().ok())
                    && level < 9
                {
                    levels.entry(style.clone()).or_insert(level + 1);
                }
            }
            _ => {}
        }
        if levels.len() > 10_000 {
            return Err(ParseError::new(
                ErrorKind::TooLarge,
                "This Word document has more than 10,000 styles, which no ordinary one has.",
            ));
        }
    }
    Ok(levels)
}

fn level_of(style: &str) -> Option<u8> {
    if style == "title" {
        return Some(1);
    }
    style.strip_prefix("heading")?.trim().parse().ok().filter(|level| (1..=9).contains(level))
}

struct Body<'s, 'a> {
    sink: &'s mut Sink<'a>,
    styles: HashMap<String, u8>,
    paragraphs: u32,
    page: Option<u32>,
    text: String,
    level: Option<u8>,
    item: Option<u8>,
    in_text: bool,
    /// Depth within an element that only repeats what another says.
    skipped: u32,
    tables: u32,
    cells: Vec<String>,
    table: Option<TableParts>,
}

impl<'s, 'a> Body<'s, 'a> {
    fn new(sink: &'s mut Sink<'a>, styles: HashMap<String, u8>) -> Self {
        Self {
            sink,
            styles,
            paragraphs: 0,
            page: None,
            text: String::new(),
            level: None,
            item: None,
            in_text: false,
            skipped: 0,
            tables: 0,
            cells: Vec::new(),
            table: None,
        }
    }

    fn read<R: BufRead>(&mut self, mut pull: Pull<R>) -> Result<(), ParseError> {
        while let Some(event) = pull.next()? {
            match &event {
                Event::Start(_) if self.skipped > 0 => self.skipped += 1,
                Event::End(_) if self.skipped > 0 => self.skipped -= 1,
                Event::Start(element) => self.start(element),
                Event::End(element) => self.end(pull::unprefixed(element.name().0))?,
                event if self.in_text && self.skipped == 0 => {
                    if let Some(text) = pull::characters(event) {
                        self.text.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn start(&mut self, element: &BytesStart<'_>) {
        match pull::local(element) {
            // What older readers show instead of what was just read.
            "Fallback" => self.skipped = 1,
            "p" => {
                self.paragraphs += 1;
                self.level = None;
                self.item = None;
                if self.tables == 0 {
                    self.text.clear();
                }
            }
            "pStyle" => {
                let style = pull::attribute(element, "val").unwrap_or_default();
                self.level = self
                    .styles
                    .get(&style)
                    .copied()
                    .or_else(|| level_of(&style.to_ascii_lowercase()));
                if self.item.is_none() && style.starts_with("List") {
                    self.item = Some(0);
                }
            }
            "outlineLvl" => {
                let level =
                    pull::attribute(element, "val").and_then(|level| level.parse::<u8>().ok());
                self.level = self.level.or(level.filter(|level| *level < 9).map(|level| level + 1));
            }
            "numPr" => self.item = self.item.or(Some(0)),
            "ilvl" => {
                self.item = pull::attribute(element, "val")
                    .and_then(|level| level.parse().ok())
                    .or(self.item)
            }
            "numId" if pull::attribute(element, "val").as_deref() == Some("0") => self.item = None,
            "t" => self.in_text = true,
            "tab" => self.text.push('\t'),
            "br" | "cr" => self.text.push('\n'),
            "noBreakHyphen" => self.text.push('-'),
            "lastRenderedPageBreak" => self.page = Some(self.page.unwrap_or(1) + 1),
            "tbl" => {
                self.tables += 1;
                if self.tables == 1 {
                    self.text.clear();
                }
            }
            "tc" if self.tables == 1 => self.text.clear(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) -> Result<(), ParseError> {
        match name {
            "t" => self.in_text = false,
            "p" if self.tables > 0 => self.text.push(' '),
            "p" => return self.paragraph(),
            "tc" if self.tables == 1 => {
                if self.cells.len() <= crate::limits::COLUMNS_MAX {
                    self.cells.push(one_line(&self.text));
                }
                self.text.clear();
            }
            "tr" if self.tables == 1 => return self.row(),
            "tbl" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0
                    && let Some(table) = self.table.take()
                {
                    self.text.clear();
                    return table.end(self.sink);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn paragraph(&mut self) -> Result<(), ParseError> {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        let source = self.here();
        match (self.level, self.item) {
            (Some(level), _) => self.sink.heading(level, text, source),
            (None, Some(depth)) => self.sink.list_item(depth, text, source),
            (None, None) => self.sink.paragraph(text, source),
        }
    }

    fn row(&mut self) -> Result<(), ParseError> {
        let cells = std::mem::take(&mut self.cells);
        if cells.iter().all(String::is_empty) {
            return Ok(());
        }
        let at = self.paragraphs;
        let source = self.here();
        match &mut self.table {
            Some(table) => table.row(self.sink, Row { cells, at }),
            None if looks_like_header(&cells) => {
                self.table = Some(TableParts::new(self.sink, Some(cells), source));
                Ok(())
            }
            None => self
                .table
                .insert(TableParts::new(self.sink, None, source))
                .row(self.sink, Row { cells, at }),
        }
    }

    fn here(&self) -> Source {
        Source::Paragraphs {
            first: self.paragraphs.max(1),
            last: self.paragraphs.max(1),
            page: self.page,
        }
    }
}
