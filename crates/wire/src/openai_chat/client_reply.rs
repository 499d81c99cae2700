//! A whole answer and an error, as a client of this format reads them.

use backstay_core::{
    Error, ErrorClass, ErrorCode,
    chat::{ChatReply, Choice, FinishReason, Part},
};
use serde_json::{Map, Value, json};

use super::{signature, usage};
use crate::{EncodeOptions, ReplyExtension, extension};

/// The arguments of a call that takes none, in a form that clients can parse.
pub(super) const NO_ARGUMENTS: &str = "{}";

pub(crate) fn encode_reply(
    reply: &ChatReply,
    options: &EncodeOptions,
    extension: Option<&ReplyExtension>,
) -> Value {
    let choices: Vec<Value> = reply.choices.iter().map(choice).collect();
    let mut body = json!({
        "id": reply.id.as_ref().unwrap_or(&options.generation),
        "object": "chat.completion",
        "created": reply.created.unwrap_or(options.created),
        "model": reply.model.as_ref().unwrap_or(&options.model),
        "choices": choices,
        // Clients of some SDKs refuse an answer without this key.
        "system_fingerprint": null,
    });
    if let Some(counted) = &reply.usage {
        body["usage"] = json!(usage::write(counted));
    }
    if let Some(extension) = extension {
        body[extension::MEMBER] = json!(extension);
    }
    body
}

fn choice(choice: &Choice) -> Value {
    let parts = &choice.message.parts;
    let texts = |pick: fn(&Part) -> Option<&str>| -> Option<String> {
        let texts: Vec<&str> = parts.iter().filter_map(pick).collect();
        (!texts.is_empty()).then(|| texts.concat())
    };
    let calls: Vec<Value> = parts.iter().filter_map(tool_call).collect();
    let mut message = Map::new();
    message.insert("role".to_owned(), Value::from("assistant"));
    message.insert(
        "content".to_owned(),
        json!(texts(|part| match part {
            Part::Text { text } => Some(text),
            _ => None,
        })),
    );
    message.insert(
        "refusal".to_owned(),
        json!(texts(|part| match part {
            Part::Refusal { text } => Some(text),
            _ => None,
        })),
    );
    let reasoning = texts(|part| match part {
        Part::Reasoning { text, .. } if !text.is_empty() => Some(text),
        _ => None,
    });
    if let Some(reasoning) = reasoning {
        message.insert("reasoning_content".to_owned(), Value::from(reasoning));
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    json!({
        "index": choice.index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": choice.finish_reason.as_ref().unwrap_or(&FinishReason::Stop).as_str(),
    })
}

fn tool_call(part: &Part) -> Option<Value> {
    let Part::ToolCall(call) = part else { return None };
    let arguments = if call.arguments.is_empty() { NO_ARGUMENTS } else { &call.arguments };
    let mut body = json!({
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    });
    if let Some(text) = &call.signature {
        body[signature::MEMBER] = signature::write(text);
    }
    Some(body)
}

/// The body of an answer with an error status. `type` is one of OpenAI's words, `code` is ours.
pub(crate) fn encode_error(error: &Error, request_id: &str) -> Value {
    let mut body = error_object(error);
    body["request_id"] = Value::from(request_id);
    json!({"error": body})
}

pub(super) fn error_object(error: &Error) -> Value {
    let mut body = json!({
        "message": error.message(),
        "type": error_type(error.code()),
        "param": error.parameter(),
        "code": error.code().as_str(),
    });
    if let Some(upstream) = error.upstream() {
        body["upstream"] = json!(upstream);
    }
    if let Some(limit) = error.limit() {
        body["limit"] = json!(limit);
    }
    body
}

fn error_type(code: ErrorCode) -> &'static str {
    match code.class() {
        _ if code == ErrorCode::BudgetExceeded => "insufficient_quota",
        ErrorClass::Request | ErrorClass::NotFound => "invalid_request_error",
        ErrorClass::Authentication => "authentication_error",
        ErrorClass::Limit => "rate_limit_error",
        ErrorClass::Upstream | ErrorClass::Server => "server_error",
    }
}
