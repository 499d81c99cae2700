//! Characters to lines, lines to paragraphs and headings. A PDF says where each letter stands and
//! little else, so this reads as a person would: a gap is a space, a large gap ends a paragraph, large
//! letters are a heading.

use std::collections::HashMap;

use super::content::Glyph;
use crate::{ParseError, Source, sink::Sink};

/// How many pages are looked at before it is decided how large ordinary text is.
const PAGES_FOR_SIZE: usize = 8;

#[derive(Default)]
pub(super) struct Layout {
    waiting: Vec<(u32, Vec<Line>)>,
    /// How many characters there are of each size, in tenths of a point.
    sizes: HashMap<i64, usize>,
    body: Option<f64>,
    paragraph: Option<Paragraph>,
    /// The outermost lines of the page before.
    furniture: Vec<String>,
}

#[derive(Debug, Default)]
struct Line {
    text: String,
    start: f64,
    end: f64,
    /// Across the direction of reading; grows down the page.
    down: f64,
    size: f64,
}

struct Paragraph {
    text: String,
    size: f64,
    last: Line,
    lines: usize,
    /// How far its lines are apart, once it has two.
    step: Option<f64>,
    pages: (u32, u32),
    is_item: bool,
}

impl Layout {
    pub(super) fn page(
        &mut self,
        number: u32,
        glyphs: &[Glyph],
        sink: &mut Sink<'_>,
    ) -> Result<(), ParseError> {
        let mut lines = lines(glyphs);
        self.clear_furniture(&mut lines);
        for line in &lines {
            *self.sizes.entry(tenths(line.size)).or_default() += line.text.len();
        }
        if self.body.is_some() {
            return self.tell(number, lines, sink);
        }
        self.waiting.push((number, lines));
        if self.waiting.len() >= PAGES_FOR_SIZE { self.decide(sink) } else { Ok(()) }
    }

    /// Takes away what pages repeat at their top and bottom: a title, a number.
    fn clear_furniture(&mut self, lines: &mut Vec<Line>) {
        let by_height = |a: &&Line, b: &&Line| a.down.total_cmp(&b.down);
        let ends = [lines.iter().min_by(by_height), lines.iter().max_by(by_height)];
        let ends: Vec<(f64, String)> = ends
            .into_iter()
            .flatten()
            .map(|line| (line.down, without_digits(&line.text)))
            .collect();
        let repeated = |key: &String| key == "#" || self.furniture.contains(key);
        lines.retain(|line| {
            !ends.iter().any(|(down, key)| {
                *down == line.down && repeated(key) && *key == without_digits(&line.text)
            })
        });
        self.furniture = ends.into_iter().map(|(_, key)| key).collect();
    }

    pub(super) fn end(&mut self, sink: &mut Sink<'_>) -> Result<(), ParseError> {
        self.decide(sink)?;
        self.flush(sink)
    }

    fn decide(&mut self, sink: &mut Sink<'_>) -> Result<(), ParseError> {
        let most = self.sizes.iter().max_by_key(|(size, count)| (**count, **size));
        self.body = most.map(|(size, _)| *size as f64 / 10.0);
        for (number, lines) in std::mem::take(&mut self.waiting) {
            self.tell(number, lines, sink)?;
        }
        Ok(())
    }

    fn tell(&mut self, page: u32, lines: Vec<Line>, sink: &mut Sink<'_>) -> Result<(), ParseError> {
        for line in lines {
            let item = item(&line.text);
            let goes_on = item.is_none()
                && self.paragraph.as_ref().is_some_and(|paragraph| paragraph.goes_on(&line, page));
            if !goes_on {
                self.flush(sink)?;
            }
            match &mut self.paragraph {
                Some(paragraph) => paragraph.push(line, page),
                None => {
                    self.paragraph = Some(Paragraph {
                        text: item.unwrap_or(&line.text).to_owned(),
                        size: line.size,
                        lines: 1,
                        step: None,
                        pages: (page, page),
                        is_item: item.is_some(),
                        last: line,
                    });
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self, sink: &mut Sink<'_>) -> Result<(), ParseError> {
        let Some(paragraph) = self.paragraph.take() else { return Ok(()) };
        let source = Source::Pages { first: paragraph.pages.0, last: paragraph.pages.1 };
        match self.heading_level(&paragraph) {
            Some(level) => sink.heading(level, &paragraph.text, source),
            None if paragraph.is_item => sink.list_item(0, &paragraph.text, source),
            None => sink.paragraph(&paragraph.text, source),
        }
    }

    fn heading_level(&self, paragraph: &Paragraph) -> Option<u8> {
        let is_short = paragraph.lines <= 3 && paragraph.text.chars().count() <= 200;
        let has_words = paragraph.text.chars().any(char::is_alphabetic);
        // In a table of contents, dots lead to the page.
        let leads = paragraph.text.contains("....") || paragraph.text.contains(". . . .");
        if !is_short || !has_words || leads || paragraph.is_item {
            return None;
        }
        match paragraph.size / self.body? {
            ratio if ratio >= 1.7 => Some(1),
            ratio if ratio >= 1.35 => Some(2),
            ratio if ratio >= 1.12 => Some(3),
            _ => None,
        }
    }
}

impl Paragraph {
    fn goes_on(&self, line: &Line, page: u32) -> bool {
        let same_size = (line.size - self.size).abs() <= 0.08 * self.size;
        if page != self.pages.1 {
            // Over the page's end, if a sentence has not ended and the next begins in the middle.
            let open = !self.text.ends_with(['.', '!', '?', ':', '"', '”']);
            return same_size && open && line.text.starts_with(char::is_lowercase);
        }
        let step = line.down - self.last.down;
        let usual = self.step.unwrap_or(1.45 * self.size);
        let follows = step > 0.0 && step <= 1.25 * usual && step <= 2.0 * self.size;
        let is_indented = self.lines > 1 && line.start > self.last.start + 0.8 * self.size;
        let overlaps = line.start < self.last.end && self.last.start < line.end + 2.0 * self.size;
        same_size && follows && !is_indented && overlaps
    }

    fn push(&mut self, line: Line, page: u32) {
        if page == self.pages.1 {
            let step = line.down - self.last.down;
            self.step = Some(self.step.map_or(step, |known| known.min(step)));
        }
        let is_cut = self.text.ends_with('-')
            && self.text.chars().rev().nth(1).is_some_and(char::is_lowercase)
            && line.text.starts_with(char::is_lowercase);
        if is_cut {
            self.text.pop();
        } else {
            self.text.push(' ');
        }
        self.text.push_str(&line.text);
        self.pages.1 = page;
        self.lines += 1;
        self.last = line;
    }
}

/// The words after a bullet.
fn item(text: &str) -> Option<&str> {
    text.strip_prefix(['•', '▪', '◦', '‣', '●', '○', '■', '–'])
        .map(str::trim_start)
        .filter(|rest| !rest.is_empty())
}

/// A text in which each number is `#`, so that those of two pages are the same.
fn without_digits(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_ascii_digit() {
            plain.push(character);
        } else if !plain.ends_with('#') {
            plain.push('#');
        }
    }
    plain
}

fn tenths(size: f64) -> i64 {
    (size * 10.0).round().clamp(0.0, 1e6) as i64
}

/// Lines in the order in which the page draws them, which is that of reading in nearly every file.
fn lines(glyphs: &[Glyph]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut line = Line::default();
    for glyph in glyphs {
        if glyph.size < 0.5 {
            continue;
        }
        // Text that runs up or down a page is read along its own direction.
        let direction = glyph.end - glyph.at;
        let length = direction.hypot();
        let (x, y) =
            if length > 1e-6 { (direction.x / length, direction.y / length) } else { (1.0, 0.0) };
        let along = |point: hayro_font::kurbo::Point| point.x * x + point.y * y;
        let down = glyph.at.y * x - glyph.at.x * y;
        let (start, end) = (along(glyph.at), along(glyph.end));
        if !line.text.is_empty() {
            let size = line.size.max(glyph.size);
            let same_line = (down - line.down).abs() < 0.5 * size && start > line.end - 2.0 * size;
            let gap = start - line.end;
            if !same_line {
                finish(&mut lines, &mut line);
            } else if gap > 0.17 * size && !line.text.ends_with(' ') {
                line.text.push(' ');
            }
        }
        if line.text.is_empty() {
            if glyph.text.trim().is_empty() {
                continue;
            }
            line = Line { text: String::new(), start, end, down, size: glyph.size };
        }
        line.text.push_str(&glyph.text);
        line.end = end;
        // A raised number or a small capital does not make the line smaller.
        if glyph.size > line.size {
            line.size = glyph.size;
            line.down = down;
        }
    }
    finish(&mut lines, &mut line);
    lines
}

fn finish(lines: &mut Vec<Line>, line: &mut Line) {
    let mut line = std::mem::take(line);
    line.text = ligatures(line.text.trim());
    if !line.text.is_empty() {
        lines.push(line);
    }
}

/// Letters that a font draws as one are letters that nobody searches for as one.
fn ligatures(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            'ﬀ' => plain.push_str("ff"),
            'ﬁ' => plain.push_str("fi"),
            'ﬂ' => plain.push_str("fl"),
            'ﬃ' => plain.push_str("ffi"),
            'ﬄ' => plain.push_str("ffl"),
            '\u{AD}' | '\0' => {}
            '\u{A0}' => plain.push(' '),
            other => plain.push(other),
        }
    }
    plain
}
