//! A provider's stream: its events to frames.

use backstay_core::{
    Result, WireFormat,
    chat::{Frame, RawFrame},
};

use crate::{
    SseEvent, Step, anthropic_messages, bedrock_converse, cohere_chat, gemini_generate,
    openai_chat, upstream_error::name_provider,
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
