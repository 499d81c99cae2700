//! The one list of dialects that clients speak: every call into the client's side of a format's
//! folder is chosen here and in `stream_encoder`.

use backstay_core::{
    Error, Result, WireFormat,
    chat::{ChatReply, ChatRequest, Frame},
};
use bytes::Bytes;
use serde_json::Value;

use crate::{
    EncodeOptions, ReplyExtension, ResponseEcho, Stateful, anthropic_messages, extension,
    format::parse_object, openai_chat, openai_completions, openai_responses, openrouter_chat,
    routing_fields, whole_body,
};

/// What a client speaks to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's chat completions.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// OpenRouter's chat completions: OpenAI's and more.
    OpenRouter,
    /// OpenAI's legacy text completions.
    Completions,
    /// OpenAI's Responses.
    Responses,
}

/// A client's request, and what it says to Backstay itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    pub request: ChatRequest,
    /// The `backstay` member as it was written; see [`crate::RequestExtension::merge`].
    pub extension: Option<Value>,
    /// The client wants the model to think and not to see it (OpenRouter's `reasoning.exclude`).
    pub hide_reasoning: bool,
    /// What the answer repeats of the request.
    pub echo: ResponseEcho,
    /// Of a call that may be gone on from.
    pub stateful: Option<Stateful>,
    /// Of a call with several prompts those after the first, in order; none of them is streamed.
    pub others: Vec<Self>,
}

impl Decoded {
    pub(crate) fn of(request: ChatRequest) -> Self {
        Self {
            request,
            extension: None,
            hide_reasoning: false,
            echo: ResponseEcho::default(),
            stateful: None,
            others: Vec::new(),
        }
    }
}

impl Dialect {
    pub const ALL: [Self; 5] =
        [Self::OpenAi, Self::Anthropic, Self::OpenRouter, Self::Completions, Self::Responses];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::OpenRouter => "openrouter",
            Self::Completions => "completions",
            Self::Responses => "responses",
        }
    }

    /// The wire format whose bytes this dialect's clients read unchanged.
    pub(crate) const fn forwards(self) -> Option<WireFormat> {
        match self {
            Self::OpenAi => Some(WireFormat::OpenAi),
            Self::Anthropic => Some(WireFormat::Anthropic),
            Self::OpenRouter | Self::Completions | Self::Responses => None,
        }
    }

    /// The HTTP status with which an error is answered.
    pub fn status(self, error: &Error) -> u16 {
        match self {
            Self::OpenRouter => openrouter_chat::status(error),
            _ => error.code().status(),
        }
    }
}

/// Reads a client's request body.
///
/// # Errors
/// `InvalidJson`, `InvalidRequest` or `UnsupportedContent`, each with the place of the fault.
pub fn decode_request(dialect: Dialect, body: &[u8]) -> Result<Decoded> {
    let mut members = parse_object(body)?;
    let extension = members.shift_remove(extension::MEMBER);
    let routing = routing_fields::take(&mut members)?;
    let routed = |request| Decoded::of(ChatRequest { routing: routing.clone(), ..request });
    let decoded = match dialect {
        Dialect::OpenAi => openai_chat::decode_request(members).map(routed),
        Dialect::Anthropic => anthropic_messages::decode_request(members).map(routed),
        Dialect::OpenRouter => openrouter_chat::decode_request(members, routing),
        Dialect::Completions => openai_completions::decode_request(members, &routing),
        Dialect::Responses => openai_responses::decode_request(&members, routing),
    }?;
    Ok(Decoded { extension, ..decoded })
}

/// Writes a whole answer. Where one provider of the client's own format gave it whole, its bytes
/// are returned, with the `backstay` member added when the client asked for it.
pub fn encode_reply(
    dialect: Dialect,
    frames: &[Frame],
    reply: &ChatReply,
    options: &EncodeOptions,
    extension: Option<&ReplyExtension>,
) -> Bytes {
    if dialect == Dialect::Anthropic
        && options.show_cost
        && let Some(body) = anthropic_messages::with_cost(frames, reply, extension)
    {
        return Bytes::from(body.to_string());
    }
    if let Some(format) = dialect.forwards()
        && let Some(body) = whole_body::of(format, frames)
        && let Some(body) = whole_body::with_extension(body, extension)
    {
        return body;
    }
    let body = match dialect {
        Dialect::OpenAi => openai_chat::encode_reply(reply, options, extension),
        Dialect::Anthropic => anthropic_messages::encode_reply(reply, options, extension),
        Dialect::OpenRouter => openrouter_chat::encode_reply(frames, reply, options, extension),
        Dialect::Completions => openai_completions::encode_reply(reply, options, extension),
        Dialect::Responses => openai_responses::encode_reply(reply, options, extension),
    };
    Bytes::from(body.to_string())
}

/// Writes an error's body in the words of the client's dialect.
pub fn encode_error(dialect: Dialect, error: &Error, request_id: &str) -> Bytes {
    let body = match dialect {
        Dialect::OpenAi | Dialect::Completions | Dialect::Responses => {
            openai_chat::encode_error(error, request_id)
        }
        Dialect::Anthropic => anthropic_messages::encode_error(error, request_id),
        Dialect::OpenRouter => openrouter_chat::encode_error(error, request_id),
    };
    Bytes::from(body.to_string())
}
