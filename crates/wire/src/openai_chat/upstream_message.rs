//! Neutral messages to the `messages` of a request.

use backstay_core::{
    WireFormat,
    chat::{Message, Part, Role, ToolCall},
};
use serde_json::{Map, Value, json};

use super::{
    signature,
    upstream_content::{Content, plain_text},
};
use crate::Loss;

/// A message that a client of this format wrote is sent as it was written; what only OpenRouter
/// understands of it, only to an aggregator.
pub(super) fn encode_all(messages: &[Message], to_aggregator: bool, loss: &mut Loss) -> Value {
    let mut encoded = Vec::with_capacity(messages.len());
    for message in messages {
        match &message.raw {
            Some(raw) if raw.format == WireFormat::OpenAi => {
                let relayed = raw.relayed.as_ref().filter(|_| to_aggregator);
                encoded.push(relayed.unwrap_or(&raw.value).clone());
            }
            _ if message.role == Role::Assistant => encoded.push(assistant(message, loss)),
            _ => other(message, &mut encoded, loss),
        }
    }
    Value::Array(encoded)
}

/// Results of tool calls become messages of their own and come first, because they have to follow
/// the calls directly; media inside a result, which a tool message cannot hold, follow with the
/// rest of the message as the user's.
fn other(message: &Message, encoded: &mut Vec<Value>, loss: &mut Loss) {
    let mut rest = Content::default();
    for part in &message.parts {
        let Part::ToolResult { call_id, parts, is_error, .. } = part else {
            rest.push(part, loss);
            continue;
        };
        let (texts, media): (Vec<&Part>, Vec<&Part>) =
            parts.iter().partition(|part| plain_text(part).is_some());
        let texts: Vec<_> = texts.into_iter().filter_map(plain_text).collect();
        encoded.push(json!({
            "role": "tool",
            "tool_call_id": call_id,
            "content": texts.join("\n\n"),
        }));
        media.into_iter().for_each(|part| rest.push(part, loss));
        if *is_error {
            loss.record("tool_result.is_error");
        }
    }
    let had_results = message.parts.iter().any(|part| matches!(part, Part::ToolResult { .. }));
    if rest.is_empty() && had_results {
        return;
    }
    let role = if message.role == Role::System { "system" } else { "user" };
    let mut body = Map::new();
    body.insert("role".to_owned(), Value::from(role));
    body.insert("content".to_owned(), rest.into_value());
    insert_name(message, &mut body);
    encoded.push(Value::Object(body));
}

fn assistant(message: &Message, loss: &mut Loss) -> Value {
    let mut content = Content::default();
    let mut calls = Vec::new();
    let mut refusals = Vec::new();
    for part in &message.parts {
        match part {
            Part::ToolCall(call) => calls.push(tool_call(call)),
            Part::Refusal { text } => refusals.push(text.as_str()),
            // OpenAI refuses unknown members of a message, and one model's thinking is worth
            // nothing to another. What the client did not send itself is no loss of its request.
            Part::Reasoning { .. } => {
                if message.raw.is_some() {
                    loss.record("messages.reasoning");
                }
            }
            part => content.push(part, loss),
        }
    }
    let mut body = Map::new();
    body.insert("role".to_owned(), Value::from("assistant"));
    let is_silent = content.is_empty() && !(calls.is_empty() && refusals.is_empty());
    body.insert("content".to_owned(), if is_silent { Value::Null } else { content.into_value() });
    insert_name(message, &mut body);
    if !refusals.is_empty() {
        body.insert("refusal".to_owned(), Value::from(refusals.join("\n")));
    }
    if !calls.is_empty() {
        body.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    Value::Object(body)
}

fn insert_name(message: &Message, body: &mut Map<String, Value>) {
    if let Some(name) = &message.name {
        body.insert("name".to_owned(), Value::from(name.as_str()));
    }
}

fn tool_call(call: &ToolCall) -> Value {
    // Servers that read the arguments refuse an empty text.
    let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
    let mut body = json!({
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    });
    if let Some(text) = &call.signature {
        body[signature::MEMBER] = signature::write(text);
    }
    body
}
