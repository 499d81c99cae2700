//! The one list of wire formats that providers speak: every call into the provider's side of a
//! format's folder is chosen here. What clients speak is in `dialect`.

use backstay_core::{
    Error, ErrorCode, Result, WireFormat,
    chat::{ChatRequest, Frame, Message, RawFrame},
};
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{
    ListedModel, Loss, ParameterRules, anthropic_messages, bedrock_converse, cache_marks,
    cohere_chat, gemini_generate, openai_chat, openrouter_chat, routing_fields,
    upstream_error::{name_provider, refused},
};

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

/// What one provider is sent beyond its format.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProviderFields {
    /// Fields for this provider alone, which win.
    pub fields: Map<String, Value>,
    /// Whether it passes calls on to other providers, and so takes all of OpenRouter's interface.
    pub is_aggregator: bool,
}

/// Writes the body for a provider's endpoint that takes every field of its format. `model` is the
/// provider's name of the model. What the
/// format cannot carry is noted in `loss`.
///
/// # Errors
/// `UnsupportedContent` when nothing of a message can be carried, and what the format refuses.
pub fn encode_request(
    format: WireFormat,
    request: &ChatRequest,
    model: &str,
    provider: ProviderFields,
    loss: &mut Loss,
) -> Result<Bytes> {
    encode_request_with(&ParameterRules::default(), format, request, model, provider, loss)
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
    provider: ProviderFields,
    loss: &mut Loss,
) -> Result<Bytes> {
    request.untranslated.iter().for_each(|name| loss.record(name));
    for (at, message) in request.messages.iter().enumerate() {
        check_something_is_left(format, message, at)?;
    }
    let mut body = match format {
        WireFormat::OpenAi => {
            openai_chat::encode_request(request, model, provider.is_aggregator, loss)
        }
        WireFormat::Anthropic => anthropic_messages::encode_request(request, model, loss),
        WireFormat::Gemini => gemini_generate::encode_request(request, model, loss),
        WireFormat::Cohere => cohere_chat::encode_request(request, model, loss),
        WireFormat::Bedrock => bedrock_converse::encode_request(request, model, loss),
    }?;
    rules.apply(&mut body, loss);
    if let Value::Object(members) = &mut body {
        if provider.is_aggregator {
            members.extend(routing_fields::delegated(&request.routing));
        }
        members.extend(provider.fields);
    }
    cache_marks::record_loss(request, format, provider.is_aggregator, loss);
    if !provider.is_aggregator {
        openrouter_chat::record_loss(&request.routing.relayed, format, loss);
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
    refused(provider, status, retry_after_ms, (&said, body))
}
