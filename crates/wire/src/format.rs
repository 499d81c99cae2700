//! The one list of wire formats: every call into a format's folder is chosen here.
//!
//! Clients speak OpenAI and Anthropic to us. The others are spoken to providers only; where a client's
//! side is asked for them, OpenAI's shape stands in.

use backstay_core::{
    Error, ErrorCode, Result, WireFormat,
    chat::{ChatReply, ChatRequest, Frame, Message, RawFrame},
};
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{
    EncodeOptions, ListedModel, Loss, ParameterRules, ReplyExtension, anthropic_messages,
    bedrock_converse, cohere_chat, extension, gemini_generate, openai_chat, routing_fields,
    upstream_error::{name_provider, refused},
};

/// A client's request, and what it says to Backstay itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    pub request: ChatRequest,
    /// The `backstay` member as it was written; see [`crate::RequestExtension::merge`].
    pub extension: Option<Value>,
}

/// Reads a client's request body.
///
/// # Errors
/// `InvalidJson`, `InvalidRequest` or `UnsupportedContent`, each with the place of the fault.
pub fn decode_request(format: WireFormat, body: &[u8]) -> Result<Decoded> {
    let mut members = parse_object(body)?;
    let extension = members.shift_remove(extension::MEMBER);
    let routing = routing_fields::take(&mut members)?;
    let mut request = match format {
        WireFormat::Anthropic => anthropic_messages::decode_request(members),
        WireFormat::OpenAi | WireFormat::Gemini | WireFormat::Cohere | WireFormat::Bedrock => {
            openai_chat::decode_request(members)
        }
    }?;
    request.routing = routing;
    Ok(Decoded { request, extension })
}

pub(crate) fn parse_object(body: &[u8]) -> Result<serde_json::Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(other) => Err(Error::invalid(format!(
            "the body must be a JSON object, not {}",
            crate::fields::kind(&other)
        ))),
        Err(cause) => {
            Err(Error::new(ErrorCode::InvalidJson, format!("the body is not valid JSON: {cause}")))
        }
    }
}

/// Writes the body for a provider's endpoint that takes every field of its format. `model` is the
/// provider's name of the model, `extra` are fields for this provider alone, which win. What the
/// format cannot carry is noted in `loss`.
///
/// # Errors
/// `UnsupportedContent` when nothing of a message can be carried, and what the format refuses.
pub fn encode_request(
    format: WireFormat,
    request: &ChatRequest,
    model: &str,
    extra: Map<String, Value>,
    loss: &mut Loss,
) -> Result<Bytes> {
    encode_request_with(&ParameterRules::default(), format, request, model, extra, loss)
}

/// The same for a provider that refuses or misnames some fields.
///
/// # Errors
/// As [`encode_request`].
pub fn encode_request_with(
    rules: &ParameterRules,
    format: WireFormat,
    request: &ChatRequest,
    model: &str,
    extra: Map<String, Value>,
    loss: &mut Loss,
) -> Result<Bytes> {
    for (at, message) in request.messages.iter().enumerate() {
        check_something_is_left(format, message, at)?;
    }
    let mut body = match format {
        WireFormat::OpenAi => openai_chat::encode_request(request, model, loss),
        WireFormat::Anthropic => anthropic_messages::encode_request(request, model, loss),
        WireFormat::Gemini => gemini_generate::encode_request(request, model, loss),
        WireFormat::Cohere => cohere_chat::encode_request(request, model, loss),
        WireFormat::Bedrock => bedrock_converse::encode_request(request, model, loss),
    }?;
    rules.apply(&mut body, loss);
    if let Value::Object(members) = &mut body {
        members.extend(extra);
    }
    to_bytes(&body)
}

/// The body in the provider's own words.
pub(crate) fn fitted(mut body: Value, rules: &ParameterRules, loss: &mut Loss) -> Result<Bytes> {
    rules.apply(&mut body, loss);
    to_bytes(&body)
}

pub(crate) fn to_bytes(body: &Value) -> Result<Bytes> {
    let bytes = serde_json::to_vec(body)
        .map_err(|cause| Error::internal(format!("cannot write a request body: {cause}")))?;
    Ok(Bytes::from(bytes))
}

/// A message all of whose parts are of types that only its own format knows would arrive empty.
fn check_something_is_left(format: WireFormat, message: &Message, at: usize) -> Result<()> {
    let Some(raw) = message.raw.as_ref().filter(|raw| raw.format != format) else {
        return Ok(());
    };
    let parts = raw.value.get("content").and_then(Value::as_array);
    let Some(parts) = parts.filter(|parts| !parts.is_empty() && message.parts.is_empty()) else {
        return Ok(());
    };
    let types: Vec<&str> = parts.iter().filter_map(|part| part.get("type")?.as_str()).collect();
    Err(Error::new(
        ErrorCode::UnsupportedContent,
        format!(
            "the provider of this model cannot take content of type {}; choose a model whose provider speaks {}, or send text",
            types.join(", "),
            raw.format.as_str()
        ),
    )
    .with_parameter(format!("messages[{at}].content")))
}

/// Reads a provider's whole answer; the frame keeps its bytes.
///
/// # Errors
/// What the provider reports in place of an answer; `UpstreamInvalidResponse` for anything else
/// that is not an answer.
pub fn decode_reply(format: WireFormat, provider: &str, body: Bytes) -> Result<Frame> {
    let events = match format {
        WireFormat::OpenAi => openai_chat::decode_reply(&body),
        WireFormat::Anthropic => anthropic_messages::decode_reply(&body),
        WireFormat::Gemini => gemini_generate::decode_reply(&body),
        WireFormat::Cohere => cohere_chat::decode_reply(&body),
        WireFormat::Bedrock => bedrock_converse::decode_reply(&body),
    }
    .map_err(|error| name_provider(error, provider))?;
    Ok(Frame { events, raw: Some(RawFrame { format, bytes: body }) })
}

/// Reads a provider's list of models.
///
/// # Errors
/// `UpstreamInvalidResponse` when the body is no such list.
pub fn decode_models(format: WireFormat, body: &[u8]) -> Result<Vec<ListedModel>> {
    match format {
        WireFormat::OpenAi => openai_chat::decode_models(body),
        WireFormat::Anthropic => anthropic_messages::decode_models(body),
        WireFormat::Gemini => gemini_generate::decode_models(body),
        WireFormat::Cohere => cohere_chat::decode_models(body),
        WireFormat::Bedrock => bedrock_converse::decode_models(body),
    }
}

/// What an answer with an error status means. `body` may be anything.
pub fn upstream_error(
    format: WireFormat,
    provider: &str,
    status: u16,
    retry_after_ms: Option<u64>,
    body: &[u8],
) -> Error {
    let said = match format {
        WireFormat::OpenAi => openai_chat::provider_error(body),
        WireFormat::Anthropic => anthropic_messages::provider_error(body),
        WireFormat::Gemini => gemini_generate::provider_error(body),
        WireFormat::Cohere => cohere_chat::provider_error(body),
        WireFormat::Bedrock => bedrock_converse::provider_error(body),
    };
    refused(provider, status, retry_after_ms, &said)
}

/// Writes a whole answer. Where one provider of the client's own format gave it whole, its bytes
/// are returned, with the `backstay` member added when the client asked for it.
pub fn encode_reply(
    format: WireFormat,
    frames: &[Frame],
    reply: &ChatReply,
    options: &EncodeOptions,
    extension: Option<&ReplyExtension>,
) -> Bytes {
    if let Some(body) = whole_body(format, frames)
        && let Some(body) = with_extension(body, extension)
    {
        return body;
    }
    let body = match format {
        WireFormat::Anthropic => anthropic_messages::encode_reply(reply, options, extension),
        WireFormat::OpenAi | WireFormat::Gemini | WireFormat::Cohere | WireFormat::Bedrock => {
            openai_chat::encode_reply(reply, options, extension)
        }
    };
    Bytes::from(body.to_string())
}

/// The only frame with content, if it is one JSON body of this format.
fn whole_body(format: WireFormat, frames: &[Frame]) -> Option<&Bytes> {
    let says_something =
        |frame: &&Frame| frame.raw.is_some() || frame.events.iter().any(|event| event.is_content());
    let mut speaking = frames.iter().filter(says_something);
    let raw = speaking.next()?.raw.as_ref().filter(|raw| raw.format == format)?;
    let is_body = raw.bytes.trim_ascii_start().starts_with(b"{");
    (is_body && speaking.next().is_none()).then_some(&raw.bytes)
}

/// Adds the member before the body's last brace, so that every other byte stays as it came.
fn with_extension(body: &Bytes, extension: Option<&ReplyExtension>) -> Option<Bytes> {
    let Some(extension) = extension else { return Some(body.clone()) };
    let members = body.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
    let mut extended = Vec::with_capacity(body.len() + 512);
    extended.extend_from_slice(members);
    if !members.ends_with(b"{") {
        extended.push(b',');
    }
    extended.extend_from_slice(format!("\"{}\":", extension::MEMBER).as_bytes());
    serde_json::to_writer(&mut extended, extension).ok()?;
    extended.push(b'}');
    Some(Bytes::from(extended))
}

/// Writes an error's body in the words of the client's format.
pub fn encode_error(format: WireFormat, error: &Error, request_id: &str) -> Bytes {
    let body = match format {
        WireFormat::Anthropic => anthropic_messages::encode_error(error, request_id),
        WireFormat::OpenAi | WireFormat::Gemini | WireFormat::Cohere | WireFormat::Bedrock => {
            openai_chat::encode_error(error, request_id)
        }
    };
    Bytes::from(body.to_string())
}
