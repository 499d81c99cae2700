//! A whole answer and an error, as a client of this format reads them.

use backstay_core::{
    Error, WireFormat,
    chat::{ChatReply, FinishReason, Frame, Part, ToolCall},
};
use serde_json::{Value, json};

use super::{client_content::CALL_SIGNATURE, stop_reason, usage};
use crate::{EncodeOptions, ReplyExtension, dollars::add_cost, extension, tool_input, whole_body};

/// An answer has one choice here: of several the first is written.
pub(crate) fn encode_reply(
    reply: &ChatReply,
    options: &EncodeOptions,
    extension: Option<&ReplyExtension>,
) -> Value {
    let choice = reply.choices.iter().find(|choice| choice.index == 0);
    let parts = choice.map(|choice| choice.message.parts.as_slice()).unwrap_or_default();
    let content: Vec<Value> = parts.iter().filter_map(block).collect();
    let reason = choice.and_then(|choice| choice.finish_reason.as_ref());
    let counted = reply.usage.as_ref().or(reply.settlement.as_ref().map(|settled| &settled.usage));
    let mut body = json!({
        "id": reply.id.as_ref().unwrap_or(&options.generation),
        "type": "message",
        "role": "assistant",
        "model": reply.model.as_ref().unwrap_or(&options.model),
        "content": content,
        "stop_reason": stop_reason::write(reason.unwrap_or(&FinishReason::Stop)),
        "stop_sequence": null,
        // Clients of some SDKs refuse an answer without usage.
        "usage": counted.map(usage::write).unwrap_or_default(),
    });
    if options.show_cost {
        add_cost(&mut body["usage"], reply.settlement.as_ref());
    }
    if let Some(extension) = extension {
        body[extension::MEMBER] = json!(extension);
    }
    body
}

/// The provider's own answer with what it cost, where the provider's format is this one.
pub(crate) fn with_cost(
    frames: &[Frame],
    reply: &ChatReply,
    extension: Option<&ReplyExtension>,
) -> Option<Value> {
    let written = whole_body::of(WireFormat::Anthropic, frames)?;
    let mut body: Value = serde_json::from_slice(written).ok()?;
    add_cost(body.get_mut("usage")?, reply.settlement.as_ref());
    if let Some(extension) = extension {
        body[extension::MEMBER] = json!(extension);
    }
    Some(body)
}

fn block(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text { text } | Part::Refusal { text } => json!({"type": "text", "text": text}),
        Part::Reasoning { redacted: Some(data), .. } => {
            json!({"type": "redacted_thinking", "data": data})
        }
        Part::Reasoning { text, signature, .. } => {
            let signature = signature.as_deref().unwrap_or_default();
            json!({"type": "thinking", "thinking": text, "signature": signature})
        }
        Part::ToolCall(call) => tool_use(call),
        _ => return None,
    })
}

fn tool_use(call: &ToolCall) -> Value {
    let input = tool_input::from_text(&call.arguments);
    let mut block = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input});
    if let Some(signature) = &call.signature {
        block[CALL_SIGNATURE] = Value::from(signature.as_str());
    }
    block
}

/// The body of an answer with an error status. `type` is one of Anthropic's words, `code` is ours.
pub(crate) fn encode_error(error: &Error, request_id: &str) -> Value {
    json!({"type": "error", "error": error_object(error), "request_id": request_id})
}

pub(super) fn error_object(error: &Error) -> Value {
    let mut body = json!({
        "type": error_type(error.code().status()),
        "message": error.message(),
        "code": error.code().as_str(),
    });
    if let Some(parameter) = error.parameter() {
        body["param"] = Value::from(parameter);
    }
    if let Some(upstream) = error.upstream() {
        body["upstream"] = json!(upstream);
    }
    if let Some(limit) = error.limit() {
        body["limit"] = json!(limit);
    }
    body
}

fn error_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        504 => "timeout_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}
