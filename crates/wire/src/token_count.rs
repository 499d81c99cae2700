//! Counting a prompt's tokens without a call: Anthropic's `count_tokens` and its likes.

use backstay_core::{Result, WireFormat, chat::ChatRequest};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{anthropic_messages, format::parse_object};

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

/// The count, in the words of the client's format.
pub fn encode_token_count(format: WireFormat, tokens: u64) -> Bytes {
    let body = match format {
        WireFormat::OpenAi => json!({"object": "response.input_tokens", "input_tokens": tokens}),
        WireFormat::Anthropic => json!({"input_tokens": tokens}),
        WireFormat::Gemini => json!({"totalTokens": tokens}),
    };
    Bytes::from(body.to_string())
}
