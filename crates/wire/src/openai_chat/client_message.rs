//! A client's messages to neutral ones.

use std::sync::Arc;

use backstay_core::{
    Result, WireFormat,
    chat::{Message, Part, RawMessage, Role, ToolCall},
    limits,
};
use serde_json::Value;

use super::{client_content, client_request::Notes, signature};
use crate::fields::{Object, Path};

pub(super) fn decode_all(messages: Option<Value>, notes: &mut Notes) -> Result<Vec<Message>> {
    let path = Path::Root;
    let path = path.field("messages");
    let values = match messages {
        None | Some(Value::Null) => return Err(path.invalid("is required")),
        Some(Value::Array(values)) => values,
        Some(other) => return Err(path.wrong_type("an array of messages", &other)),
    };
    if values.is_empty() {
        return Err(path.invalid("is empty; send at least one message"));
    }
    if values.len() > limits::MESSAGES_MAX {
        return Err(path.invalid(format_args!("has more than {} messages", limits::MESSAGES_MAX)));
    }
    let values = values.into_iter().enumerate();
    values.map(|(at, value)| decode(&path.index(at), value, notes)).collect()
}

/// Every message keeps what the client wrote, because an upstream of this format takes it as it is.
fn decode(path: &Path<'_>, value: Value, notes: &mut Notes) -> Result<Message> {
    let members = path.object(&value)?;
    let (role, parts) = match members.required_text("role")? {
        "system" | "developer" => (Role::System, content(members, notes)?),
        "user" => (Role::User, content(members, notes)?),
        "assistant" => (Role::Assistant, assistant(members, notes)?),
        "tool" => (Role::Tool, vec![tool_result(members, notes)?]),
        "function" => {
            let what = "is the form of 2023; send role `tool` with a `tool_call_id` instead";
            return Err(path.field("role").invalid(what));
        }
        other => {
            let what =
                format_args!("must be system, developer, user, assistant or tool, not {other:?}");
            return Err(path.field("role").invalid(what));
        }
    };
    let name = members.owned_text("name")?;
    let raw = Some(Arc::new(RawMessage { format: WireFormat::OpenAi, value, relayed: None }));
    let cache_marks = std::mem::take(&mut notes.cache_marks);
    Ok(Message { name, raw, cache_marks, ..Message::new(role, parts) })
}

fn content(members: Object<'_>, notes: &mut Notes) -> Result<Vec<Part>> {
    match members.get("content") {
        Some(value) => client_content::decode(&members.path().field("content"), value, notes),
        None => Err(members.missing("content")),
    }
}

fn assistant(members: Object<'_>, notes: &mut Notes) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let thought = match members.text("reasoning_content")? {
        Some(text) => Some(text),
        None => members.text("reasoning")?,
    };
    if let Some(text) = thought.filter(|text| !text.is_empty()) {
        parts.push(Part::Reasoning { text: text.to_owned(), signature: None, redacted: None });
    }
    if let Some(value) = members.get("content") {
        let before = parts.len();
        parts.extend(client_content::decode(&members.path().field("content"), value, notes)?);
        notes.cache_marks.iter_mut().for_each(|mark| mark.part += before);
    }
    if let Some(text) = members.text("refusal")? {
        parts.push(Part::Refusal { text: text.to_owned() });
    }
    let path = members.path().field("tool_calls");
    for (at, value) in members.array("tool_calls")?.unwrap_or_default().iter().enumerate() {
        let path = path.index(at);
        match tool_call(path.object(value)?)? {
            Some(call) => {
                notes.call_names.insert(call.id.clone(), call.name.clone());
                parts.push(Part::ToolCall(call));
            }
            None => notes.uninterpreted.push(path.to_string()),
        }
    }
    Ok(parts)
}

/// `None` for a call of a tool that is no function.
fn tool_call(members: Object<'_>) -> Result<Option<ToolCall>> {
    if members.text("type")?.is_some_and(|kind| kind != "function") {
        return Ok(None);
    }
    let path = members.path().field("function");
    let function =
        path.object(members.get("function").ok_or_else(|| path.invalid("is required"))?)?;
    Ok(Some(ToolCall {
        id: members.required_text("id")?.to_owned(),
        name: function.required_text("name")?.to_owned(),
        arguments: function.text("arguments")?.unwrap_or_default().to_owned(),
        signature: members.get(signature::MEMBER).and_then(signature::read).map(str::to_owned),
    }))
}

fn tool_result(members: Object<'_>, notes: &mut Notes) -> Result<Part> {
    let call_id = members.required_text("tool_call_id")?.to_owned();
    let name = notes.call_names.get(&call_id).cloned();
    let parts = content(members, notes)?;
    // The result is one part, whichever of its own is marked.
    notes.cache_marks.iter_mut().for_each(|mark| mark.part = 0);
    Ok(Part::ToolResult { call_id, name, parts, is_error: false })
}
