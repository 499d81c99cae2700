//! XML as a stream of events, with a bound on depth and entities that are never expanded.

use std::{
    borrow::Cow,
    io::{self, BufRead},
};

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::{ParseError, limits::PIECE_BYTES_MAX};

pub(super) struct Pull<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    depth: u32,
    depth_max: u32,
    what: &'static str,
}

impl<R: BufRead> Pull<R> {
    /// `what` is what an error calls the file.
    pub(super) fn new(input: R, depth_max: u32, what: &'static str) -> Self {
        let mut reader = Reader::from_reader(input);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_unmatched_ends = false;
        Self { reader, buffer: Vec::new(), depth: 0, depth_max, what }
    }

    /// The next event, or nothing at the end; an element without content is a start and an end.
    pub(super) fn next(&mut self) -> Result<Option<Event<'_>>, ParseError> {
        self.buffer.clear();
        if self.buffer.capacity() > 16 * PIECE_BYTES_MAX {
            self.buffer.shrink_to(PIECE_BYTES_MAX);
        }
        match self.reader.read_event_into(&mut self.buffer) {
            Ok(Event::Eof) if self.depth > 0 => {
                Err(ParseError::damaged(self.what, "its end is missing"))
            }
            Ok(Event::Eof) => Ok(None),
            Ok(event) => {
                match &event {
                    Event::Start(_) => {
                        self.depth += 1;
                        if self.depth > self.depth_max {
                            return Err(ParseError::too_deep(self.what, self.depth_max));
                        }
                    }
                    Event::End(_) => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                Ok(Some(event))
            }
            Err(quick_xml::Error::Io(cause)) => Err(unpacked(self.what, &cause)),
            Err(cause) => Err(ParseError::damaged(self.what, cause)),
        }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }
}

/// Why a part could not be unpacked to its end.
pub(super) fn unpacked(what: &str, cause: &io::Error) -> ParseError {
    if cause.kind() == io::ErrorKind::FileTooLarge {
        return ParseError::too_large(format!(
            "This {what} {cause}. Split it and upload the pieces."
        ));
    }
    ParseError::damaged(what, cause)
}

/// An element's name without its namespace's prefix.
pub(super) fn local<'e>(element: &'e BytesStart<'_>) -> &'e str {
    unprefixed(element.name().0)
}

pub(super) fn unprefixed(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The value of the first attribute of that name, whatever its prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    element
        .attributes()
        .flatten()
        .find(|attribute| unprefixed(attribute.key.0) == name)
        .map(|attribute| value(&attribute))
}

pub(super) fn value(attribute: &quick_xml::events::attributes::Attribute<'_>) -> String {
    match quick_xml::escape::unescape(&attribute.value) {
        Ok(value) => value.into_owned(),
        Err(_) => attribute.value.to_string(),
    }
}

/// The characters that an event stands for. An entity that the file itself defines stays as it is
/// written, so that nothing grows.
pub(super) fn characters<'e>(event: &'e Event<'_>) -> Option<Cow<'e, str>> {
    match event {
        Event::Text(text) => Some(Cow::Borrowed(text)),
        Event::CData(text) => Some(Cow::Borrowed(text)),
        Event::GeneralRef(reference) => {
            if let Ok(Some(character)) = reference.resolve_char_ref() {
                return Some(Cow::Owned(character.to_string()));
            }
            let name: &str = reference;
            Some(match quick_xml::escape::resolve_predefined_entity(name) {
                Some(text) => Cow::Borrowed(text),
                None => Cow::Owned(format!("&{name};")),
            })
        }
        _ => None,
    }
}
