//! Counting a prompt's tokens without a call: Anthropic's `count_tokens` and its likes.

use backstay_core::{Result, WireFormat, chat::ChatRequest};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    Loss, anthropic_messages,
    format::{parse_object, to_bytes},
    upstream_error::malformed,
};

/// Reads the body of Anthropic's `/v1/messages/count_tokens`: a messages request without
/// `max_tokens`.
///
/// # Errors
/// As [`crate::decode_request`].
pub fn decode_token_count_request(body: &[u8]) -> Result<ChatRequest> {
    const REQUIRED_ELSEWHERE: &str = "max_tokens";
    let mut members = parse_object(body)?;
    members.entry(REQUIRED_ELSEWHERE).or_insert(Value::from(1));
    let mut request = anthropic_messages::decode_request(members)?;
    request.parameters.max_tokens = None;
    if let Some(origin) = &mut request.origin {
        origin.fields.remove(REQUIRED_ELSEWHERE);
    }
    Ok(request)
}

/// Writes the body for Anthropic's `count_tokens`, which takes a prompt and nothing about the answer.
///
/// # Errors
/// As [`crate::encode_request`].
pub fn encode_token_count_request(request: &ChatRequest, model: &str) -> Result<Bytes> {
    const TAKEN: [&str; 6] = ["model", "messages", "system", "tools", "tool_choice", "thinking"];
    let mut body = anthropic_messages::encode_request(request, model, &mut Loss::default())?;
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| TAKEN.contains(&name.as_str()));
    }
    to_bytes(&body)
}

/// Reads the count.
///
/// # Errors
/// `UpstreamInvalidResponse` when there is none.
pub fn decode_token_count(body: &[u8]) -> Result<u64> {
    let counted = serde_json::from_slice::<Value>(body).ok();
    counted.and_then(|body| body.get("input_tokens")?.as_u64()).ok_or_else(|| {
        malformed("a token count without input_tokens", String::from_utf8_lossy(body))
    })
}

/// The count, in the words of the client's format.
pub fn encode_token_count(format: WireFormat, tokens: u64) -> Bytes {
    let body = match format {
        WireFormat::Anthropic => json!({"input_tokens": tokens}),
        WireFormat::Gemini => json!({"totalTokens": tokens}),
        WireFormat::OpenAi | WireFormat::Cohere | WireFormat::Bedrock => {
            json!({"object": "response.input_tokens", "input_tokens": tokens})
        }
    };
    Bytes::from(body.to_string())
}
