//! Decides whether an answer arrived whole: a fast server that drops half of it must not win.

use std::borrow::Cow;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::canned;
use crate::cell::Shape;

/// Far above any answer of this bench; a server that sends more is broken.
const ANSWER_LIMIT_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, alias = "delta")]
    message: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Usage {
    total_tokens: u32,
}

/// What an answer must say to count.
pub(crate) struct Expected {
    shape: Shape,
    text: String,
}

impl Expected {
    pub(crate) fn new(shape: Shape) -> Self {
        Self { shape, text: canned::text() }
    }

    pub(crate) fn reader(&self) -> AnswerReader<'_> {
        AnswerReader {
            expected: self,
            pending: Vec::new(),
            text: String::with_capacity(self.text.len()),
            total_tokens: None,
            events: 0,
            done: false,
        }
    }
}

/// Takes the body of one answer as it arrives, cut anywhere.
pub(crate) struct AnswerReader<'a> {
    expected: &'a Expected,
    /// Plain: the body so far. Stream: the line that has begun and not ended.
    pending: Vec<u8>,
    text: String,
    total_tokens: Option<u32>,
    events: usize,
    done: bool,
}

impl AnswerReader<'_> {
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> anyhow::Result<()> {
        if self.expected.shape != Shape::Plain {
            while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                let (line, rest) = bytes.split_at(end);
                bytes = &rest[1..];
                if self.pending.is_empty() {
                    self.line(line)?;
                } else {
                    let mut whole = std::mem::take(&mut self.pending);
                    whole.extend_from_slice(line);
                    self.line(&whole)?;
                }
            }
        }
        self.pending.extend_from_slice(bytes);
        ensure!(self.pending.len() <= ANSWER_LIMIT_BYTES, "the answer is larger than 1 MiB");
        Ok(())
    }

    pub(crate) fn has_text(&self) -> bool {
        !self.text.is_empty()
    }

    fn line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let Some(data) = line.strip_prefix(b"data:") else { return Ok(()) };
        let data = data.trim_ascii();
        ensure!(!self.done, "an event follows [DONE]");
        self.events += 1;
        if data == b"[DONE]" {
            self.done = true;
            return Ok(());
        }
        self.body(data)
    }

    fn body(&mut self, json: &[u8]) -> anyhow::Result<()> {
        let body: Body<'_> = serde_json::from_slice(json).with_context(|| {
            format!("not a chat completion: {}", String::from_utf8_lossy(json).trim())
        })?;
        for choice in body.choices {
            self.text.push_str(choice.message.content.as_deref().unwrap_or_default());
        }
        if let Some(usage) = body.usage {
            self.total_tokens = Some(usage.total_tokens);
        }
        Ok(())
    }

    /// `Ok` when the answer was complete: all text in order, usage and, in a stream, an event for
    /// each piece of text and `[DONE]`.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        match self.expected.shape {
            Shape::Plain => {
                let body = std::mem::take(&mut self.pending);
                self.body(&body)?;
            }
            Shape::Stream | Shape::Paced => {
                ensure!(self.done, "the stream ended without [DONE] after {} events", self.events);
                // A gateway may join role, finish reason and usage with their neighbours; one that
                // joins the text does not stream it as the model does.
                ensure!(
                    self.events > canned::TEXT_PIECES,
                    "{} events for {} pieces of text",
                    self.events,
                    canned::TEXT_PIECES
                );
            }
        }
        if self.text != self.expected.text {
            bail!("the text differs from what the model said: {:?}", self.text);
        }
        ensure!(
            self.total_tokens == Some(canned::TOTAL_TOKENS),
            "usage is missing or wrong: {:?} total tokens",
            self.total_tokens
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(shape: Shape, chunks: &[&[u8]]) -> anyhow::Result<()> {
        let expected = Expected::new(shape);
        let mut reader = expected.reader();
        for chunk in chunks {
            reader.feed(chunk)?;
        }
        reader.finish()
    }

    #[test]
    fn a_whole_plain_answer_counts_and_a_cut_one_does_not() {
        let body = canned::plain_answer();
        read(Shape::Plain, &[&body[..100], &body[100..]]).unwrap();
        read(Shape::Plain, &[&body[..100]]).unwrap_err();
    }

    #[test]
    fn a_stream_counts_however_it_is_cut() {
        let stream = canned::stream_answer().concat();
        for size in [1, 7, 100, stream.len()] {
            let chunks: Vec<&[u8]> = stream.chunks(size).collect();
            read(Shape::Stream, &chunks).unwrap();
        }
    }

    #[test]
    fn a_stream_with_a_lost_repeated_or_missing_last_event_does_not_count() {
        let events = canned::stream_answer();
        assert_eq!(events.len(), canned::STREAM_EVENTS);
        let lost = [&events[..5], &events[6..]].concat().concat();
        let repeated = [&events[..6], &events[5..]].concat().concat();
        let without_done = events[..events.len() - 1].concat();
        for broken in [lost, repeated, without_done] {
            read(Shape::Stream, &[&broken]).unwrap_err();
        }
    }

    #[test]
    fn a_stream_whose_text_was_joined_does_not_count() {
        let text = serde_json::json!({"choices": [{"delta": {"content": canned::text()}}]});
        let usage =
            serde_json::json!({"choices": [], "usage": {"total_tokens": canned::TOTAL_TOKENS}});
        let joined = format!("data: {text}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
        let error = read(Shape::Stream, &[joined.as_bytes()]).unwrap_err();
        assert!(error.to_string().contains("3 events"), "{error}");
    }

    #[test]
    fn an_answer_without_usage_does_not_count() {
        let mut events = canned::stream_answer();
        events.remove(events.len() - 2);
        events.insert(1, events[0].clone());
        let error = read(Shape::Stream, &[&events.concat()]).unwrap_err();
        assert!(error.to_string().contains("usage"), "{error}");
    }
}
