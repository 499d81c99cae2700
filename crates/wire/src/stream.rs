//! Streams: a provider's events to frames, and frames to what a client reads.

use backstay_core::{
    Error, Result, WireFormat,
    chat::{ChatEvent, Frame, RawFrame},
};

use crate::{
    EncodeOptions, ReplyExtension, SseEvent, Step, anthropic_messages, bedrock_converse,
    cohere_chat, gemini_generate, openai_chat, upstream_error::name_provider,
};

/// Reads one provider's stream.
#[derive(Debug)]
pub struct StreamDecoder {
    provider: String,
    format: FormatDecoder,
}

#[derive(Debug)]
enum FormatDecoder {
    OpenAi(openai_chat::StreamDecoder),
    Anthropic(anthropic_messages::StreamDecoder),
    Gemini(gemini_generate::StreamDecoder),
    Cohere(cohere_chat::StreamDecoder),
    Bedrock(bedrock_converse::StreamDecoder),
}

impl StreamDecoder {
    /// `provider` is named in errors.
    pub fn new(format: WireFormat, provider: &str) -> Self {
        let format = match format {
            WireFormat::OpenAi => FormatDecoder::OpenAi(Default::default()),
            WireFormat::Anthropic => FormatDecoder::Anthropic(Default::default()),
            WireFormat::Gemini => FormatDecoder::Gemini(Default::default()),
            WireFormat::Cohere => FormatDecoder::Cohere(Default::default()),
            WireFormat::Bedrock => FormatDecoder::Bedrock(Default::default()),
        };
        Self { provider: provider.to_owned(), format }
    }

    /// The frame of one event, with its bytes; `None` when the provider says that it is done, after
    /// which nothing more is to be read.
    ///
    /// # Errors
    /// What the provider reports inside the stream; `UpstreamInvalidResponse` for an event that is
    /// not what the format says.
    pub fn decode(&mut self, event: SseEvent) -> Result<Option<Frame>> {
        let (format, step) = match &mut self.format {
            FormatDecoder::OpenAi(decoder) => (WireFormat::OpenAi, decoder.decode(&event)),
            FormatDecoder::Anthropic(decoder) => (WireFormat::Anthropic, decoder.decode(&event)),
            FormatDecoder::Gemini(decoder) => (WireFormat::Gemini, decoder.decode(&event)),
            FormatDecoder::Cohere(decoder) => (WireFormat::Cohere, decoder.decode(&event)),
            FormatDecoder::Bedrock(decoder) => (WireFormat::Bedrock, decoder.decode(&event)),
        };
        match step.map_err(|error| name_provider(error, &self.provider))? {
            Step::Events(events) => {
                Ok(Some(Frame { events, raw: Some(RawFrame { format, bytes: event.raw }) }))
            }
            Step::End => Ok(None),
        }
    }

    /// What the end of the connection means when no terminator came before it.
    ///
    /// # Errors
    /// `UpstreamStreamBroken` when the answer was not complete.
    pub fn finish(&mut self) -> Result<Option<Frame>> {
        let events = match &mut self.format {
            FormatDecoder::OpenAi(decoder) => decoder.finish(),
            FormatDecoder::Anthropic(decoder) => decoder.finish(),
            FormatDecoder::Gemini(decoder) => decoder.finish(),
            FormatDecoder::Cohere(decoder) => decoder.finish(),
            FormatDecoder::Bedrock(decoder) => decoder.finish(),
        }
        .map_err(|error| name_provider(error, &self.provider))?;
        Ok((!events.is_empty()).then_some(Frame { events, raw: None }))
    }
}

/// Writes one client's stream.
#[derive(Debug)]
pub struct StreamEncoder {
    include_usage: bool,
    format: FormatEncoder,
}

#[derive(Debug)]
enum FormatEncoder {
    OpenAi(openai_chat::StreamEncoder),
    Anthropic(anthropic_messages::StreamEncoder),
}

impl StreamEncoder {
    pub fn new(format: WireFormat, options: EncodeOptions) -> Self {
        let include_usage = options.include_usage;
        let format = match format {
            WireFormat::Anthropic => {
                FormatEncoder::Anthropic(anthropic_messages::StreamEncoder::new(&options))
            }
            WireFormat::OpenAi | WireFormat::Gemini | WireFormat::Cohere | WireFormat::Bedrock => {
                FormatEncoder::OpenAi(openai_chat::StreamEncoder::new(&options))
            }
        };
        Self { include_usage, format }
    }

    /// Appends a frame: its bytes where they are of the client's format, else its events.
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<u8>) {
        let own = match self.format {
            FormatEncoder::OpenAi(_) => WireFormat::OpenAi,
            FormatEncoder::Anthropic(_) => WireFormat::Anthropic,
        };
        match frame.raw.as_ref().filter(|raw| raw.format == own && is_event(raw)) {
            Some(_) if own == WireFormat::OpenAi && self.is_unwanted_usage(frame) => {}
            Some(raw) => {
                self.observe(&frame.events);
                out.extend_from_slice(&raw.bytes);
            }
            None => self.encode(&frame.events, out),
        }
    }

    /// Ends a complete stream: what Backstay adds, then the format's terminator.
    pub fn finish(&mut self, extension: Option<&ReplyExtension>, out: &mut Vec<u8>) {
        match &mut self.format {
            FormatEncoder::OpenAi(encoder) => encoder.finish(extension, out),
            FormatEncoder::Anthropic(encoder) => encoder.finish(extension, out),
        }
    }

    /// Ends a stream that failed, so that no client takes it for complete.
    pub fn error(&mut self, error: &Error, extension: Option<&ReplyExtension>, out: &mut Vec<u8>) {
        match &mut self.format {
            FormatEncoder::OpenAi(encoder) => encoder.error(error, extension, out),
            FormatEncoder::Anthropic(encoder) => encoder.error(error, extension, out),
        }
    }

    /// Backstay always asks OpenAI-compatible providers for the usage; a client that did not ask
    /// does not expect a chunk without choices.
    fn is_unwanted_usage(&self, frame: &Frame) -> bool {
        let only_usage = frame.events.iter().all(|event| matches!(event, ChatEvent::Usage(_)));
        !self.include_usage && only_usage && !frame.events.is_empty()
    }

    fn observe(&mut self, events: &[ChatEvent]) {
        match &mut self.format {
            FormatEncoder::OpenAi(encoder) => encoder.observe(events),
            FormatEncoder::Anthropic(encoder) => encoder.observe(events),
        }
    }

    fn encode(&mut self, events: &[ChatEvent], out: &mut Vec<u8>) {
        match &mut self.format {
            FormatEncoder::OpenAi(encoder) => encoder.encode(events, out),
            FormatEncoder::Anthropic(encoder) => encoder.encode(events, out),
        }
    }
}

/// A whole body, which a provider sends that does not stream, is no event.
fn is_event(raw: &RawFrame) -> bool {
    !raw.bytes.starts_with(b"{")
}
