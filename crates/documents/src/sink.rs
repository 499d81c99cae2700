//! Where parsers put what they find: the one place that cuts what is too long and counts what is too
//! much.

use serde::{Deserialize, Serialize};

use crate::{
    Block, Content, ErrorKind, Limits, ParseError, Progress, Row, Source, Summary,
    limits::{CELL_BYTES_MAX, COLUMNS_MAX, NOTES_MAX, PIECE_BYTES_MAX, TABLE_ROWS_MAX},
    text,
};

/// What parsing tells as it goes. This is also the protocol between the child process and its
/// parent, one JSON object a line; `Done` or `Failed` is the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Progress(Progress),
    Block(Block),
    Note(String),
    Done(Summary),
    Failed(ParseError),
}

pub(crate) struct Sink<'a> {
    limits: &'a Limits,
    emit: &'a mut dyn FnMut(Event) -> Result<(), ParseError>,
    blocks: u32,
    text_bytes: u64,
    notes: usize,
    cells_cut: bool,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(
        limits: &'a Limits,
        emit: &'a mut dyn FnMut(Event) -> Result<(), ParseError>,
    ) -> Self {
        Self { limits, emit, blocks: 0, text_bytes: 0, notes: 0, cells_cut: false }
    }

    pub(crate) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// Whether nothing was found so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks == 0
    }

    pub(crate) fn heading(
        &mut self,
        level: u8,
        text: &str,
        source: Source,
    ) -> Result<(), ParseError> {
        // A heading that fills a page is not one; it would be repeated in every chunk below it.
        if text.len() > 500 {
            return self.paragraph(text, source);
        }
        let text = text::one_line(text);
        self.block(Content::Heading { level: level.clamp(1, 9), text }, source)
    }

    pub(crate) fn paragraph(&mut self, text: &str, source: Source) -> Result<(), ParseError> {
        for (piece, source) in pieces(text, &source) {
            self.block(Content::Paragraph(piece.to_owned()), source)?;
        }
        Ok(())
    }

    pub(crate) fn list_item(
        &mut self,
        depth: u8,
        text: &str,
        source: Source,
    ) -> Result<(), ParseError> {
        for (piece, source) in pieces(text, &source) {
            self.block(Content::ListItem { depth: depth.min(9), text: piece.to_owned() }, source)?;
        }
        Ok(())
    }

    pub(crate) fn code(
        &mut self,
        language: Option<&str>,
        text: &str,
        source: Source,
    ) -> Result<(), ParseError> {
        for (piece, source) in pieces(text, &source) {
            let language = language.filter(|name| name.len() <= 40).map(str::to_owned);
            self.block(Content::Code { language, text: piece.to_owned() }, source)?;
        }
        Ok(())
    }

    /// A table of any length: it goes out in parts, each with the header.
    pub(crate) fn table(
        &mut self,
        header: Option<Vec<String>>,
        rows: impl IntoIterator<Item = Row>,
        source: &Source,
    ) -> Result<(), ParseError> {
        let mut table = TableParts::new(self, header, source.clone());
        for row in rows {
            table.row(self, row)?;
        }
        table.end(self)
    }

    pub(crate) fn progress(&mut self, done: u32, total: u32) -> Result<(), ParseError> {
        (self.emit)(Event::Progress(Progress { done, total }))
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) -> Result<(), ParseError> {
        if self.notes >= NOTES_MAX {
            return Ok(());
        }
        self.notes += 1;
        (self.emit)(Event::Note(note.into()))
    }

    /// Refuses a file with more pages, slides or sheets than are allowed.
    pub(crate) fn check_parts(&self, count: usize, what: &str) -> Result<u32, ParseError> {
        match u32::try_from(count) {
            Ok(count) if count <= self.limits.parts => Ok(count),
            _ => Err(ParseError::new(
                ErrorKind::TooManyParts,
                format!(
                    "This file has {count} {what}; at most {} are read. Split it and upload the parts.",
                    self.limits.parts
                ),
            )),
        }
    }

    fn block(&mut self, content: Content, source: Source) -> Result<(), ParseError> {
        if content.is_blank() {
            return Ok(());
        }
        self.blocks += 1;
        self.text_bytes += content.weight();
        if self.blocks > self.limits.blocks || self.text_bytes > self.limits.text_bytes {
            return Err(ParseError::too_large(format!(
                "There is more text in this file than is read of one: at most {} MB in {} paragraphs and table parts. Split it and upload the parts.",
                self.limits.text_bytes >> 20,
                self.limits.blocks,
            )));
        }
        (self.emit)(Event::Block(Block { content, source }))
    }
}

/// A table that arrives row by row.
pub(crate) struct TableParts {
    header: Option<Vec<String>>,
    source: Source,
    rows: Vec<Row>,
    bytes: usize,
    any: bool,
}

impl TableParts {
    pub(crate) fn new(sink: &mut Sink<'_>, header: Option<Vec<String>>, source: Source) -> Self {
        let header = header.map(|cells| cut_cells(sink, cells, 512));
        Self { header, source, rows: Vec::new(), bytes: 0, any: false }
    }

    pub(crate) fn row(&mut self, sink: &mut Sink<'_>, row: Row) -> Result<(), ParseError> {
        let row = Row { cells: cut_cells(sink, row.cells, CELL_BYTES_MAX), at: row.at };
        let bytes: usize = row.cells.iter().map(|cell| cell.len() + 8).sum();
        if !self.rows.is_empty()
            && (self.rows.len() >= TABLE_ROWS_MAX || self.bytes + bytes > PIECE_BYTES_MAX / 2)
        {
            self.flush(sink)?;
        }
        self.bytes += bytes;
        self.rows.push(row);
        Ok(())
    }

    pub(crate) fn end(mut self, sink: &mut Sink<'_>) -> Result<(), ParseError> {
        if self.rows.is_empty() && (self.any || self.header.is_none()) {
            return Ok(());
        }
        self.flush(sink)
    }

    fn flush(&mut self, sink: &mut Sink<'_>) -> Result<(), ParseError> {
        self.any = true;
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        let source = match (rows.first(), rows.last()) {
            (Some(first), Some(last)) => self.source.narrow(first.at, last.at),
            _ => self.source.clone(),
        };
        sink.block(Content::Table { header: self.header.clone(), rows }, source)
    }
}

/// Cells in one line each; of one that is too long its beginning, and of a row that is too wide or
/// too long its first cells.
fn cut_cells(sink: &mut Sink<'_>, mut cells: Vec<String>, cell_bytes: usize) -> Vec<String> {
    let mut cut = cells.len() > COLUMNS_MAX;
    cells.truncate(COLUMNS_MAX);
    let mut left = PIECE_BYTES_MAX / 2;
    for cell in &mut cells {
        let limit = cell_bytes.min(left);
        if cell.len() > limit {
            cell.truncate(text::floor_boundary(cell, limit));
            cut = true;
        }
        left -= cell.len();
        if cell.contains(['\n', '\r', '\t']) {
            *cell = text::one_line(cell);
        }
    }
    if cut && !sink.cells_cut {
        sink.cells_cut = true;
        // A note that cannot be sent is followed by a block that cannot be sent, which says so.
        let _ = sink.note("Some cells or rows of tables were too long and were cut.");
    }
    cells
}

/// Text in pieces that are not too long, each with its own lines where the text shows them.
fn pieces<'t>(text: &'t str, source: &Source) -> Vec<(&'t str, Source)> {
    if text.len() <= PIECE_BYTES_MAX {
        return vec![(text, source.clone())];
    }
    let mut lines = text::LinesOf::new(text, source);
    let mut found = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let limit = text::floor_boundary(text, start + PIECE_BYTES_MAX);
        let window = &text[start..limit];
        let end = if limit == text.len() {
            limit
        } else {
            start
                + window.rfind('\n').or_else(|| window.rfind(' ')).map_or(window.len(), |at| at + 1)
        };
        found.push((&text[start..end], lines.of(start, end)));
        start = end;
    }
    found
}
