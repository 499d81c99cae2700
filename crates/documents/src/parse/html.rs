//! HTML, read as a stream of tags: what is nested wrongly, or a million levels deep, costs no more than
//! what is not.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

use super::Whole;
use crate::{
    ParseError, Row, Source,
    sink::{Sink, TableParts},
    text::{self, LineCounter},
};

pub(super) fn parse(text: &str, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut page = Page::new(text, sink);
    for token in Tokenizer::new_with_emitter(text, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => page.open(&tag)?,
            Token::EndTag(tag) => page.close(&tag.name)?,
            Token::String(string) => {
                page.text(&String::from_utf8_lossy(&string), string.span.start, string.span.end)
            }
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.flush()?;
    page.end_table()?;
    Ok(Whole { title: page.title, ..Whole::default() })
}

/// The words of a piece of HTML that stands in a text of another kind.
pub(super) fn words(text: &str) -> String {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut words = String::new();
    let mut in_script = false;
    for token in Tokenizer::new_with_emitter(text, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => in_script |= is_for_machines(&tag.name) && !tag.self_closing,
            Token::EndTag(tag) => in_script &= !is_for_machines(&tag.name),
            Token::String(string) if !in_script => {
                words.push_str(&String::from_utf8_lossy(&string));
                words.push(' ');
            }
            _ => {}
        }
    }
    text::one_line(&words)
}

#[derive(Clone, Copy)]
enum Kind {
    Paragraph,
    Heading(u8),
    Item(u8),
    Code,
}

struct Page<'t, 's, 'a> {
    sink: &'s mut Sink<'a>,
    lines: LineCounter<'t>,
    kind: Kind,
    text: String,
    start: Option<usize>,
    end: usize,
    lists: u8,
    language: Option<String>,
    table: Option<Table>,
    /// An element whose content is not for readers, and how often it was opened within itself.
    skipped: Option<(Vec<u8>, u32)>,
    in_title: bool,
    title: Option<String>,
}

struct Table {
    /// Of tables within tables, whose text belongs to the cell around them.
    depth: u32,
    parts: Option<TableParts>,
    cells: Vec<String>,
    header_cells: usize,
    in_cell: bool,
    row_start: usize,
}

impl<'t, 's, 'a> Page<'t, 's, 'a> {
    fn new(text: &'t str, sink: &'s mut Sink<'a>) -> Self {
        Self {
            sink,
            lines: LineCounter::new(text),
            kind: Kind::Paragraph,
            text: String::new(),
            start: None,
            end: 0,
            lists: 0,
            language: None,
            table: None,
            skipped: None,
            in_title: false,
            title: None,
        }
    }

    fn open(&mut self, tag: &StartTag<usize>) -> Result<(), ParseError> {
        let name: &[u8] = &tag.name;
        if let Some((skipped, depth)) = &mut self.skipped {
            *depth += u32::from(skipped == name);
            return Ok(());
        }
        if is_for_machines(name) {
            if !tag.self_closing {
                self.skipped = Some((name.to_vec(), 1));
            }
            return Ok(());
        }
        if self.table.is_some() {
            return self.open_in_table(name, tag.span.start);
        }
        match name {
            b"title" => self.in_title = self.title.is_none(),
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => {
                self.begin(Kind::Heading(name[1] - b'0'))?
            }
            b"ul" | b"ol" | b"menu" => {
                self.begin(Kind::Paragraph)?;
                self.lists = self.lists.saturating_add(1);
            }
            b"li" => self.begin(Kind::Item(self.lists.saturating_sub(1)))?,
            b"pre" => {
                self.begin(Kind::Code)?;
                self.language = language(tag);
            }
            b"code" if matches!(self.kind, Kind::Code) => {
                let language = language(tag);
                self.language = language.or(self.language.take());
            }
            b"table" => {
                self.flush()?;
                self.table = Some(Table {
                    depth: 1,
                    parts: None,
                    cells: Vec::new(),
                    header_cells: 0,
                    in_cell: false,
                    row_start: tag.span.start,
                });
            }
            b"br" => self.text.push('\n'),
            _ if is_block(name) => self.begin_block()?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &[u8]) -> Result<(), ParseError> {
        if let Some((skipped, depth)) = &mut self.skipped {
            *depth -= u32::from(skipped == name);
            if *depth == 0 {
                self.skipped = None;
            }
            return Ok(());
        }
        if self.table.is_some() {
            return self.close_in_table(name);
        }
        match name {
            b"title" => self.in_title = false,
            b"ul" | b"ol" | b"menu" => {
                self.begin(Kind::Paragraph)?;
                self.lists = self.lists.saturating_sub(1);
            }
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"li" | b"pre" => {
                self.begin(Kind::Paragraph)?
            }
            _ if is_block(name) => self.begin_block()?,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str, start: usize, end: usize) {
        if self.skipped.is_some() {
            return;
        }
        if self.in_title {
            self.title.get_or_insert_default().push_str(text);
            return;
        }
        if let Some(table) = &mut self.table {
            if let Some(cell) = table.cells.last_mut().filter(|_| table.in_cell) {
                cell.push_str(text);
            }
            return;
        }
        if self.start.is_none() && !text.trim().is_empty() {
            // Blanks before the first word may be lines above it.
            self.start = Some(start + (text.len() - text.trim_start().len()).min(end - start));
        }
        if !text.trim().is_empty() {
            self.end = end;
        }
        self.text.push_str(text);
    }

    fn begin(&mut self, kind: Kind) -> Result<(), ParseError> {
        self.flush()?;
        self.kind = kind;
        Ok(())
    }

    /// A paragraph within a list item, or around words of code, is that still.
    fn begin_block(&mut self) -> Result<(), ParseError> {
        match self.kind {
            Kind::Code => Ok(()),
            Kind::Item(_) if self.text.trim().is_empty() => Ok(()),
            _ => self.begin(Kind::Paragraph),
        }
    }

    fn flush(&mut self) -> Result<(), ParseError> {
        let text = std::mem::take(&mut self.text);
        let language = self.language.take();
        let Some(start) = self.start.take() else { return Ok(()) };
        let source = self.lines.source(start, self.end);
        match self.kind {
            Kind::Paragraph => self.sink.paragraph(&text::one_line(&text), source),
            Kind::Heading(level) => self.sink.heading(level, &text, source),
            Kind::Item(depth) => self.sink.list_item(depth, &text::one_line(&text), source),
            Kind::Code => self.sink.code(language.as_deref(), text.trim_matches('\n'), source),
        }
    }

    fn open_in_table(&mut self, name: &[u8], at: usize) -> Result<(), ParseError> {
        let Some(table) = &mut self.table else { return Ok(()) };
        match name {
            b"table" => table.depth += 1,
            b"tr" if table.depth == 1 => {
                self.end_row()?;
                if let Some(table) = &mut self.table {
                    table.row_start = at;
                }
            }
            b"td" | b"th" if table.depth == 1 => {
                if table.cells.len() <= crate::limits::COLUMNS_MAX {
                    table.cells.push(String::new());
                }
                table.header_cells += usize::from(name == b"th");
                table.in_cell = true;
            }
            _ => table.space(),
        }
        Ok(())
    }

    fn close_in_table(&mut self, name: &[u8]) -> Result<(), ParseError> {
        let Some(table) = &mut self.table else { return Ok(()) };
        match name {
            b"table" if table.depth > 1 => table.depth -= 1,
            b"table" => {
                self.end_row()?;
                self.end_table()?;
                self.kind = Kind::Paragraph;
            }
            b"tr" if table.depth == 1 => self.end_row()?,
            b"td" | b"th" if table.depth == 1 => table.in_cell = false,
            _ => table.space(),
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), ParseError> {
        let Some(table) = &mut self.table else { return Ok(()) };
        table.in_cell = false;
        let cells = std::mem::take(&mut table.cells);
        let headers = std::mem::take(&mut table.header_cells);
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        let cells: Vec<String> = cells.iter().map(|cell| text::one_line(cell)).collect();
        let at = self.lines.line(table.row_start);
        match &mut table.parts {
            Some(parts) => parts.row(self.sink, Row { cells, at }),
            None if headers == cells.len() => {
                table.parts = Some(TableParts::new(self.sink, Some(cells), Source::line(at)));
                Ok(())
            }
            None => {
                let parts = table.parts.insert(TableParts::new(self.sink, None, Source::line(at)));
                parts.row(self.sink, Row { cells, at })
            }
        }
    }

    fn end_table(&mut self) -> Result<(), ParseError> {
        self.end_row()?;
        match self.table.take().and_then(|table| table.parts) {
            Some(parts) => parts.end(self.sink),
            None => Ok(()),
        }
    }
}

impl Table {
    /// Words in different elements of a cell are different words.
    fn space(&mut self) {
        if let Some(cell) = self.cells.last_mut().filter(|_| self.in_cell) {
            cell.push(' ');
        }
    }
}

fn is_for_machines(name: &[u8]) -> bool {
    matches!(
        name,
        b"script" | b"style" | b"template" | b"noscript" | b"svg" | b"nav" | b"iframe" | b"select"
    )
}

fn is_block(name: &[u8]) -> bool {
    matches!(
        name,
        b"p" | b"div"
            | b"section"
            | b"article"
            | b"main"
            | b"header"
            | b"footer"
            | b"aside"
            | b"body"
            | b"head"
            | b"blockquote"
            | b"figure"
            | b"figcaption"
            | b"dl"
            | b"dt"
            | b"dd"
            | b"address"
            | b"form"
            | b"fieldset"
            | b"details"
            | b"summary"
            | b"hr"
            | b"caption"
    )
}

/// `class="language-rust"` is how pages say it.
fn language(tag: &StartTag<usize>) -> Option<String> {
    let class = tag.attributes.get(b"class".as_slice())?;
    let class = String::from_utf8_lossy(class);
    class.split_whitespace().find_map(|class| class.strip_prefix("language-")).map(str::to_owned)
}
