//! Markdown: CommonMark with tables and a front matter.

use pulldown_cmark::{CodeBlockKind, Event, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use super::{Whole, html};
use crate::{
    ParseError, Row,
    sink::{Sink, TableParts},
    text::LineCounter,
};

pub(super) fn parse(text: &str, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut file = File {
        sink,
        lines: LineCounter::new(text),
        text: String::new(),
        items: Vec::new(),
        language: None,
        table: None,
        cells: Vec::new(),
        title: None,
        in_metadata: false,
    };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(tag) => file.start(&tag, range.start)?,
            Event::End(tag) => file.end(tag, range.start, range.end)?,
            Event::Text(part) | Event::Code(part) => file.text.push_str(&part),
            Event::SoftBreak | Event::HardBreak => file.text.push('\n'),
            Event::TaskListMarker(done) => file.text.push_str(if done { "[x] " } else { "[ ] " }),
            Event::Html(part) => file.text.push_str(&part),
            // Tags within a line are markup; the words between them are text already.
            Event::InlineHtml(_) => {}
            _ => {}
        }
    }
    Ok(Whole { title: file.title, ..Whole::default() })
}

struct File<'t, 's, 'a> {
    sink: &'s mut Sink<'a>,
    lines: LineCounter<'t>,
    text: String,
    /// Where each item begins that is open, the outermost first.
    items: Vec<usize>,
    language: Option<String>,
    table: Option<TableParts>,
    cells: Vec<String>,
    title: Option<String>,
    in_metadata: bool,
}

impl File<'_, '_, '_> {
    fn start(&mut self, tag: &Tag<'_>, start: usize) -> Result<(), ParseError> {
        match tag {
            // What an item says before the list within it is a block of its own.
            Tag::List(_) => self.flush(start, start)?,
            Tag::Item => {
                self.flush(start, start)?;
                self.items.push(start);
            }
            Tag::CodeBlock(kind) => {
                self.flush(start, start)?;
                self.language = match kind {
                    CodeBlockKind::Fenced(info) => info
                        .split([' ', ','])
                        .next()
                        .filter(|name| !name.is_empty())
                        .map(str::to_owned),
                    CodeBlockKind::Indented => None,
                };
            }
            Tag::HtmlBlock => self.flush(start, start)?,
            Tag::MetadataBlock(MetadataBlockKind::YamlStyle) => self.in_metadata = true,
            Tag::Paragraph | Tag::Heading { .. } | Tag::Table(_) if self.items.is_empty() => {
                self.text.clear()
            }
            Tag::TableCell => self.text.clear(),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd, start: usize, end: usize) -> Result<(), ParseError> {
        match tag {
            TagEnd::Heading(level) => {
                let source = self.lines.source(start, self.trimmed(start, end));
                let text = std::mem::take(&mut self.text);
                self.sink.heading(level as u8, &text, source)?;
            }
            TagEnd::Paragraph => self.flush(start, end)?,
            TagEnd::HtmlBlock => {
                self.text = html::words(&self.text);
                self.flush(start, end)?;
            }
            TagEnd::Item => {
                self.flush(self.items.last().copied().unwrap_or(start), end)?;
                self.items.pop();
            }
            TagEnd::CodeBlock => self.code(start, end)?,
            TagEnd::MetadataBlock(_) => {
                self.in_metadata = false;
                let text = std::mem::take(&mut self.text);
                self.title = text
                    .lines()
                    .find_map(|line| line.strip_prefix("title:"))
                    .map(|title| title.trim().trim_matches(['"', '\'']).to_owned());
            }
            TagEnd::TableCell => self.cells.push(std::mem::take(&mut self.text)),
            TagEnd::TableHead => {
                let source = self.lines.source(start, end);
                let header = std::mem::take(&mut self.cells);
                self.table = Some(TableParts::new(self.sink, Some(header), source));
            }
            TagEnd::TableRow => {
                let row =
                    Row { cells: std::mem::take(&mut self.cells), at: self.lines.line(start) };
                if let Some(table) = &mut self.table {
                    table.row(self.sink, row)?;
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    table.end(self.sink)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The text so far, as a paragraph or as what the innermost item says.
    fn flush(&mut self, start: usize, end: usize) -> Result<(), ParseError> {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() || self.in_metadata {
            return Ok(());
        }
        match self.items.last() {
            Some(item) => {
                let depth = u8::try_from(self.items.len() - 1).unwrap_or(u8::MAX);
                let item = *item;
                let end = if end <= start {
                    self.last_line_before(item, start)
                } else {
                    self.trimmed(item, end)
                };
                let source = self.lines.source(item, end);
                self.sink.list_item(depth, text.trim(), source)
            }
            None => {
                let source = self.lines.source(start, self.trimmed(start, end));
                self.sink.paragraph(text.trim_end(), source)
            }
        }
    }

    fn code(&mut self, start: usize, end: usize) -> Result<(), ParseError> {
        let text = std::mem::take(&mut self.text);
        let language = self.language.take();
        let whole = self.lines.source(start, self.trimmed(start, end));
        // The fences are lines of the file, but not of the code.
        let source = match whole {
            crate::Source::Lines { first, last } => {
                let written =
                    crate::text::number(text.trim_end_matches('\n').matches('\n').count()) + 1;
                let fence = u32::from(last - first + 1 > written);
                crate::Source::Lines { first: first + fence, last: first + fence + written - 1 }
            }
            other => other,
        };
        self.sink.code(language.as_deref(), text.trim_end_matches('\n'), source)
    }

    fn trimmed(&self, start: usize, end: usize) -> usize {
        start + self.lines.text()[start..end].trim_end().len()
    }

    fn last_line_before(&self, item: usize, next: usize) -> usize {
        self.trimmed(item, next.max(item))
    }
}
