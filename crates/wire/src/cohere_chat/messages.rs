//! Neutral messages to the `messages` of a request.

use backstay_core::chat::{Message, Part, Role, ToolCall};
use serde_json::{Map, Value, json};

use super::content::{Content, plain_text};
use crate::Loss;

pub(super) fn encode_all(messages: &[Message], loss: &mut Loss) -> Value {
    let mut encoded = Vec::with_capacity(messages.len());
    for message in messages {
        if message.name.is_some() {
            loss.record("messages.name");
        }
        match message.role {
            Role::Assistant => encoded.extend(assistant(message, loss)),
            Role::System => encoded.extend(said("system", message.parts.iter(), loss)),
            Role::User | Role::Tool => push_user(message, &mut encoded, loss),
        }
    }
    Value::Array(encoded)
}

/// A message with content, if there is any.
fn said<'a>(role: &str, parts: impl Iterator<Item = &'a Part>, loss: &mut Loss) -> Option<Value> {
    let mut content = Content::default();
    parts.for_each(|part| content.push(part, loss));
    let content = content.into_value()?;
    Some(json!({"role": role, "content": content}))
}

/// Results of calls become messages of their own and come first, because they have to follow the
/// calls directly. Media in a result, which a tool message cannot hold, follow as the user's.
fn push_user(message: &Message, encoded: &mut Vec<Value>, loss: &mut Loss) {
    let mut rest: Vec<&Part> = Vec::new();
    for part in &message.parts {
        let Part::ToolResult { call_id, parts, is_error, .. } = part else {
            rest.push(part);
            continue;
        };
        let texts: Vec<_> = parts.iter().filter_map(plain_text).collect();
        encoded.push(json!({
            "role": "tool",
            "tool_call_id": call_id,
            "content": texts.join("\n\n"),
        }));
        rest.extend(parts.iter().filter(|part| plain_text(part).is_none()));
        if *is_error {
            loss.record("tool_result.is_error");
        }
    }
    encoded.extend(said("user", rest.into_iter(), loss));
}

/// What a model says before it calls tools is its plan. Thinking stays away: the interface takes
/// none back that another model made.
fn assistant(message: &Message, loss: &mut Loss) -> Option<Value> {
    let mut content = Content::default();
    let mut calls = Vec::new();
    for part in &message.parts {
        match part {
            Part::ToolCall(call) => calls.push(tool_call(call)),
            // What the client did not send itself is no loss of its request.
            Part::Reasoning { .. } if message.raw.is_none() => {}
            Part::Reasoning { .. } => loss.record("messages.reasoning"),
            part => content.push(part, loss),
        }
    }
    let mut body = Map::new();
    body.insert("role".to_owned(), Value::from("assistant"));
    let name = if calls.is_empty() { "content" } else { "tool_plan" };
    let content = content.into_value();
    if content.is_none() && calls.is_empty() {
        return None;
    }
    body.extend(content.map(|content| (name.to_owned(), content)));
    if !calls.is_empty() {
        body.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    Some(Value::Object(body))
}

fn tool_call(call: &ToolCall) -> Value {
    let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
    json!({
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    })
}
