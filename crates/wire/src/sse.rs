//! Server-sent events: an incremental parser for what providers send.
//!
//! Follows the event stream grammar of the HTML standard (section 9.2.6), except that an event cut
//! off by the end of the connection is handed out instead of discarded: what it is worth is for the
//! format's decoder to judge.

use backstay_core::{Error, ErrorCode, Result, limits};
use bytes::Bytes;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One event of a stream; other framings give the same three parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field, where there was one.
    pub event: Option<String>,
    /// The `data` lines, joined by line feeds.
    pub data: String,
    /// The event as bytes that can be forwarded: its lines without comments, each ended by one line
    /// feed, and a blank line.
    pub raw: Bytes,
}

/// Takes bytes in any portions and gives events. After an error it must not be used again.
#[derive(Debug, Default)]
pub struct SseParser {
    /// False until the place where a byte order mark may stand has been passed.
    begun: bool,
    /// The last portion ended in a carriage return: a line feed that follows belongs to it.
    after_carriage_return: bool,
    /// A line that has not ended yet.
    line: Vec<u8>,
    pending: Pending,
}

/// The lines of an event that has not ended yet.
#[derive(Debug, Default)]
struct Pending {
    event: Option<String>,
    data: Option<Vec<u8>>,
    raw: Vec<u8>,
}

impl SseParser {
    /// The events that `bytes` complete.
    ///
    /// # Errors
    /// `UpstreamInvalidResponse` when one event is larger than [`limits::SSE_EVENT_BYTES_MAX`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>> {
        let mut events = Vec::new();
        if self.begun {
            self.scan(bytes, &mut events)?;
            return Ok(events);
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.line) {
            return Ok(events);
        }
        self.begun = true;
        let opening = std::mem::take(&mut self.line);
        let text = opening.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&opening);
        self.scan(text, &mut events)?;
        Ok(events)
    }

    /// The event that the connection's end left without its blank line.
    pub fn finish(&mut self) -> Option<SseEvent> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.pending.take_line(&line);
        }
        std::mem::take(&mut self.pending).into_event()
    }

    fn scan(&mut self, mut bytes: &[u8], events: &mut Vec<SseEvent>) -> Result<()> {
        if self.after_carriage_return && !bytes.is_empty() {
            self.after_carriage_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, rest) = bytes.split_at(end);
            self.end_line(line, events)?;
            bytes = match rest {
                [b'\r', b'\n', after @ ..] | [_, after @ ..] => after,
                [] => rest,
            };
            self.after_carriage_return = rest == b"\r";
        }
        self.line.extend_from_slice(bytes);
        self.check_size(self.line.len())
    }

    fn end_line(&mut self, tail: &[u8], events: &mut Vec<SseEvent>) -> Result<()> {
        self.check_size(self.line.len() + tail.len())?;
        if self.line.is_empty() && tail.is_empty() {
            events.extend(std::mem::take(&mut self.pending).into_event());
        } else if self.line.is_empty() {
            self.pending.take_line(tail);
        } else {
            self.line.extend_from_slice(tail);
            self.pending.take_line(&self.line);
            self.line.clear();
        }
        Ok(())
    }

    fn check_size(&self, line_bytes: usize) -> Result<()> {
        if self.pending.raw.len() + line_bytes <= limits::SSE_EVENT_BYTES_MAX {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::UpstreamInvalidResponse,
            format!(
                "the provider sent a single event of more than {} bytes, which is the limit",
                limits::SSE_EVENT_BYTES_MAX
            ),
        ))
    }
}

impl Pending {
    fn take_line(&mut self, line: &[u8]) {
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => return,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        self.raw.extend_from_slice(line);
        self.raw.push(b'\n');
        match field {
            b"event" => self.event = Some(String::from_utf8_lossy(value).into_owned()),
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            _ => {}
        }
    }

    /// `None` for a group of lines without data, such as a lone comment.
    fn into_event(mut self) -> Option<SseEvent> {
        let data = self.data?;
        self.raw.push(b'\n');
        Some(SseEvent { event: self.event, data: into_text(data), raw: Bytes::from(self.raw) })
    }
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|invalid| String::from_utf8_lossy(invalid.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(portions: &[&[u8]]) -> Vec<SseEvent> {
        let mut parser = SseParser::default();
        let mut events: Vec<SseEvent> =
            portions.iter().flat_map(|portion| parser.push(portion).unwrap()).collect();
        events.extend(parser.finish());
        events
    }

    #[test]
    fn every_line_ending_gives_the_same_event_and_the_same_bytes_to_forward() {
        for ending in ["\n", "\r\n", "\r"] {
            let text = ["\u{FEFF}: hello", "event:ping", "data: a", "data:b", "", ""].join(ending);
            let events = all(&[text.as_bytes()]);
            assert_eq!(events.len(), 1, "{ending:?}");
            assert_eq!(events[0].event.as_deref(), Some("ping"));
            assert_eq!(events[0].data, "a\nb");
            assert_eq!(&events[0].raw[..], b"event:ping\ndata: a\ndata:b\n\n");
        }
    }

    #[test]
    fn a_comment_alone_is_no_event() {
        assert_eq!(all(&[b": OPENROUTER PROCESSING\n\n: again\n\n"]), []);
    }

    #[test]
    fn an_event_without_its_blank_line_is_still_seen() {
        let events = all(&[b"data: [DONE]"]);
        assert_eq!(events[0].data, "[DONE]");
        assert_eq!(&events[0].raw[..], b"data: [DONE]\n\n");
    }

    #[test]
    fn an_endless_event_is_refused_before_it_fills_the_memory() {
        let mut parser = SseParser::default();
        let portion = vec![b'x'; 1024 * 1024];
        let refused = (0..9).map(|_| parser.push(&portion)).find_map(Result::err).unwrap();
        assert_eq!(refused.code(), ErrorCode::UpstreamInvalidResponse);
        assert!(refused.message().contains("8388608"));
    }
}
