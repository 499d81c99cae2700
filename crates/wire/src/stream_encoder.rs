//! A client's stream: frames to what it reads.

use backstay_core::{
    Error,
    chat::{ChatEvent, Frame, RawFrame},
};
use serde_json::Value;

use crate::{
    Dialect, EncodeOptions, ReplyExtension, anthropic_messages, openai_chat, openai_completions,
    openai_responses, openrouter_chat,
};

/// Writes one client's stream.
#[derive(Debug)]
pub struct StreamEncoder {
    dialect: Dialect,
    include_usage: bool,
    encoder: DialectEncoder,
}

#[derive(Debug)]
enum DialectEncoder {
    OpenAi(Box<openai_chat::StreamEncoder>),
    Anthropic(Box<anthropic_messages::StreamEncoder>),
    OpenRouter(Box<openrouter_chat::StreamEncoder>),
    Completions(Box<openai_completions::StreamEncoder>),
    Responses(Box<openai_responses::StreamEncoder>),
}

impl StreamEncoder {
    pub fn new(dialect: Dialect, options: EncodeOptions) -> Self {
        let include_usage = options.include_usage;
        let encoder = match dialect {
            Dialect::OpenAi => {
                DialectEncoder::OpenAi(Box::new(openai_chat::StreamEncoder::new(&options)))
            }
            Dialect::Anthropic => DialectEncoder::Anthropic(Box::new(
                anthropic_messages::StreamEncoder::new(&options),
            )),
            Dialect::OpenRouter => {
                DialectEncoder::OpenRouter(Box::new(openrouter_chat::StreamEncoder::new(options)))
            }
            Dialect::Completions => DialectEncoder::Completions(Box::new(
                openai_completions::StreamEncoder::new(&options),
            )),
            Dialect::Responses => {
                DialectEncoder::Responses(Box::new(openai_responses::StreamEncoder::new(options)))
            }
        };
        Self { dialect, include_usage, encoder }
    }

    /// The comment that keeps a silent stream open.
    pub fn keep_alive(dialect: Dialect) -> &'static [u8] {
        match dialect {
            // Its clients know these words.
            Dialect::OpenRouter => b": OPENROUTER PROCESSING\n\n",
            _ => b": keep-alive\n\n",
        }
    }

    /// Appends a frame: its bytes where they are of the client's format, else its events.
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<u8>) {
        let own = |raw: &&RawFrame| Some(raw.format) == self.dialect.forwards() && is_event(raw);
        let forwarded = frame.raw.as_ref().filter(own);
        let is_unwanted = self.is_unwanted_usage(frame);
        match (&mut self.encoder, forwarded) {
            (DialectEncoder::OpenAi(_), Some(_)) if is_unwanted => {}
            (DialectEncoder::OpenAi(encoder), Some(raw)) => {
                encoder.observe(&frame.events);
                out.extend_from_slice(&raw.bytes);
            }
            (DialectEncoder::Anthropic(encoder), Some(raw)) => {
                encoder.forward(&frame.events, &raw.bytes, out);
            }
            (DialectEncoder::OpenAi(encoder), None) => encoder.encode(&frame.events, out),
            (DialectEncoder::Anthropic(encoder), None) => encoder.encode(&frame.events, out),
            (DialectEncoder::OpenRouter(encoder), _) => encoder.frame(frame, out),
            (DialectEncoder::Completions(encoder), _) => encoder.encode(&frame.events, out),
            (DialectEncoder::Responses(encoder), _) => encoder.encode(&frame.events, out),
        }
    }

    /// Ends a complete stream: what Backstay adds, then the format's terminator.
    pub fn finish(&mut self, extension: Option<&ReplyExtension>, out: &mut Vec<u8>) {
        match &mut self.encoder {
            DialectEncoder::OpenAi(encoder) => encoder.finish(extension, out),
            DialectEncoder::Anthropic(encoder) => encoder.finish(extension, out),
            DialectEncoder::OpenRouter(encoder) => encoder.finish(extension, out),
            DialectEncoder::Completions(encoder) => encoder.finish(extension, out),
            DialectEncoder::Responses(encoder) => encoder.finish(extension, out),
        }
    }

    /// Ends a stream that failed, so that no client takes it for complete.
    pub fn error(&mut self, error: &Error, extension: Option<&ReplyExtension>, out: &mut Vec<u8>) {
        match &mut self.encoder {
            DialectEncoder::OpenAi(encoder) => encoder.error(error, extension, out),
            DialectEncoder::Anthropic(encoder) => encoder.error(error, extension, out),
            DialectEncoder::OpenRouter(encoder) => encoder.error(error, extension, out),
            DialectEncoder::Completions(encoder) => encoder.error(error, extension, out),
            DialectEncoder::Responses(encoder) => encoder.error(error, extension, out),
        }
    }

    /// The complete response of OpenAI's Responses, once it has ended well.
    pub fn ended_response(&self) -> Option<&Value> {
        match &self.encoder {
            DialectEncoder::Responses(encoder) => encoder.ended(),
            _ => None,
        }
    }

    /// Backstay always asks OpenAI-compatible providers for the usage; a client that did not ask
    /// does not expect a chunk without choices.
    fn is_unwanted_usage(&self, frame: &Frame) -> bool {
        let only_usage = frame.events.iter().all(|event| matches!(event, ChatEvent::Usage(_)));
        !self.include_usage && only_usage && !frame.events.is_empty()
    }
}

/// A whole body, which a provider sends that does not stream, is no event.
pub(crate) fn is_event(raw: &RawFrame) -> bool {
    !raw.bytes.starts_with(b"{")
}
