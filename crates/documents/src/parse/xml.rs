//! XML of no known vocabulary. An element that holds text itself is prose; one whose children hold
//! text is a record, and reads `name: value` line by line.

use quick_xml::events::Event;

use super::{
    Whole,
    pull::{self, Pull},
};
use crate::{
    ParseError, Source,
    limits::PIECE_BYTES_MAX,
    sink::Sink,
    text::{self, LineCounter},
};

pub(super) fn parse(text: &str, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    let mut pull = Pull::new(text.as_bytes(), sink.limits().depth, "XML file");
    let mut file = File { sink, lines: LineCounter::new(text), open: Vec::new() };
    let mut before = 0;
    while let Some(event) = pull.next()? {
        let characters = pull::characters(&event);
        match &event {
            Event::Start(element) => {
                let attributes: Vec<String> = element
                    .attributes()
                    .flatten()
                    .filter(|attribute| !attribute.key.0.starts_with("xmlns"))
                    .map(|attribute| {
                        format!("{}={}", pull::unprefixed(attribute.key.0), pull::value(&attribute))
                    })
                    .collect();
                let name = pull::local(element).to_owned();
                file.start(name, attributes.join(" "), before)?;
            }
            Event::End(_) => {
                drop(event);
                let position = pull.position();
                file.end(position)?;
            }
            _ => {
                if let Some(characters) = characters {
                    file.text(&characters);
                }
            }
        }
        before = pull.position();
    }
    Ok(Whole::default())
}

struct File<'t, 's, 'a> {
    sink: &'s mut Sink<'a>,
    lines: LineCounter<'t>,
    open: Vec<Element>,
}

struct Element {
    name: String,
    attributes: String,
    start: usize,
    /// All text in it, as far as it was not told as a block of its own.
    text: String,
    /// Whether text stands in it directly, beside other elements.
    is_prose: bool,
    leaves: Vec<Leaf>,
}

struct Leaf {
    name: String,
    text: String,
    start: usize,
    end: usize,
}

impl File<'_, '_, '_> {
    fn start(&mut self, name: String, attributes: String, start: usize) -> Result<(), ParseError> {
        // A record's values up to here come before what the element within it holds.
        let depth = self.open.len();
        if depth >= 2 && !self.open[depth - 2].is_prose && !self.open[depth - 1].is_prose {
            let leaves = std::mem::take(&mut self.open[depth - 2].leaves);
            self.open[depth - 2].text.clear();
            self.record(leaves)?;
        }
        let element = Element {
            name,
            attributes,
            start,
            text: String::new(),
            is_prose: false,
            leaves: Vec::new(),
        };
        self.open.push(element);
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut() {
            element.is_prose |= !text.trim().is_empty();
            element.text.push_str(text);
        }
    }

    fn end(&mut self, end: usize) -> Result<(), ParseError> {
        let Some(mut element) = self.open.pop() else { return Ok(()) };
        if !element.is_prose && !element.leaves.is_empty() {
            return self.record(element.leaves);
        }
        if !element.is_prose {
            element.text = std::mem::take(&mut element.attributes);
        }
        let text = text::one_line(&element.text);
        if text.is_empty() {
            return Ok(());
        }
        let level = self.open.len();
        match self.open.last_mut() {
            // Long prose stands for itself; what is around it need not repeat it.
            Some(parent) if text.len() <= PIECE_BYTES_MAX => {
                parent.text.push_str(&element.text);
                parent.text.push(' ');
                parent.leaves.push(Leaf { name: element.name, text, start: element.start, end });
                if parent.leaves.len() < 256 && parent.text.len() < PIECE_BYTES_MAX
                    || parent.is_prose
                {
                    return Ok(());
                }
                let leaves = std::mem::take(&mut parent.leaves);
                parent.text.clear();
                self.record(leaves)
            }
            _ => {
                let source = self.lines.source(element.start, end);
                match element.name.as_str() {
                    "title" => self.sink.heading(heading_level(level), &text, source),
                    _ => self.sink.paragraph(&text, source),
                }
            }
        }
    }

    /// Leaves that are long, or titles, each by itself; the others as lines of one paragraph.
    fn record(&mut self, leaves: Vec<Leaf>) -> Result<(), ParseError> {
        let level = self.open.len();
        let mut lines: Vec<String> = Vec::new();
        let mut place: Option<Source> = None;
        for leaf in leaves {
            let source = self.lines.source(leaf.start, leaf.end);
            let stands_alone = leaf.name == "title"
                || leaf.name == "p"
                || leaf.name == "para"
                || leaf.text.len() > 400;
            if stands_alone || lines.len() >= 64 {
                self.flush(&mut lines, &mut place)?;
            }
            match leaf.name.as_str() {
                "title" => self.sink.heading(heading_level(level), &leaf.text, source)?,
                _ if stands_alone => self.sink.paragraph(&leaf.text, source)?,
                name => {
                    lines.push(format!("{name}: {}", leaf.text));
                    place = match place {
                        Some(place) => place.join(&source),
                        None => Some(source),
                    };
                }
            }
        }
        self.flush(&mut lines, &mut place)
    }

    fn flush(
        &mut self,
        lines: &mut Vec<String>,
        place: &mut Option<Source>,
    ) -> Result<(), ParseError> {
        let lines = std::mem::take(lines);
        match place.take() {
            Some(place) => self.sink.paragraph(&lines.join("\n"), place),
            None => Ok(()),
        }
    }
}

fn heading_level(depth: usize) -> u8 {
    u8::try_from(depth.clamp(1, 6)).unwrap_or(6)
}
