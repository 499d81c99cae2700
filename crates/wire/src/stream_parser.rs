//! Cutting a provider's stream into events, by the framing of its format.

use backstay_core::{Result, WireFormat};

use crate::{SseEvent, SseParser, event_stream::EventStreamParser};

/// Takes bytes in any portions and gives events. After an error it must not be used again.
#[derive(Debug)]
pub enum StreamParser {
    ServerSentEvents(SseParser),
    /// Amazon's binary messages.
    EventStream(EventStreamParser),
}

impl StreamParser {
    pub fn new(format: WireFormat) -> Self {
        match format {
            WireFormat::OpenAi
            | WireFormat::Anthropic
            | WireFormat::Gemini
            | WireFormat::Cohere => Self::ServerSentEvents(SseParser::default()),
            WireFormat::Bedrock => Self::EventStream(EventStreamParser::default()),
        }
    }

    /// The events that `bytes` complete.
    ///
    /// # Errors
    /// `UpstreamInvalidResponse` for an event that is too large or damaged.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>> {
        match self {
            Self::ServerSentEvents(parser) => parser.push(bytes),
            Self::EventStream(parser) => parser.push(bytes),
        }
    }

    /// The event that the connection's end left without its terminator.
    ///
    /// # Errors
    /// `UpstreamStreamBroken` when the end came within an event that is worth nothing so.
    pub fn finish(&mut self) -> Result<Option<SseEvent>> {
        match self {
            Self::ServerSentEvents(parser) => Ok(parser.finish()),
            Self::EventStream(parser) => parser.finish().map(|()| None),
        }
    }
}
