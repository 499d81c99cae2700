//! A client's system prompt and messages to neutral messages.

use std::sync::Arc;

use backstay_core::{
    Result, WireFormat,
    chat::{Message, Part, RawMessage, Role},
    limits,
};
use serde_json::{Value, json};

use super::{client_content, client_request::Notes};
use crate::fields::Path;

pub(super) fn decode_all(
    system: Option<Value>,
    messages: Option<Value>,
    notes: &mut Notes,
) -> Result<Vec<Message>> {
    let root = Path::Root;
    let path = root.field("messages");
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
    let mut decoded = Vec::with_capacity(values.len() + 1);
    if let Some(system) = system.filter(|system| !system.is_null()) {
        let parts = client_content::decode(&root.field("system"), &system, notes)?;
        let value = json!({"role": "system", "content": system});
        decoded.push(with_raw(Role::System, parts, value));
    }
    for (at, value) in values.into_iter().enumerate() {
        decoded.push(decode(&path.index(at), value, notes)?);
    }
    Ok(decoded)
}

/// Every message keeps what the client wrote, because an upstream of this format takes it as it is.
fn decode(path: &Path<'_>, value: Value, notes: &mut Notes) -> Result<Message> {
    let members = path.object(&value)?;
    let role = match members.required_text("role")? {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => {
            let what = format_args!(
                "must be user or assistant, not {other:?}; tool results are blocks of a user message"
            );
            return Err(path.field("role").invalid(what));
        }
    };
    let content = members.get("content").ok_or_else(|| members.missing("content"))?;
    let parts = client_content::decode(&path.field("content"), content, notes)?;
    notes.others(members, &["role", "content"]);
    Ok(with_raw(role, parts, without_foreign_marks(value)))
}

fn with_raw(role: Role, parts: Vec<Part>, value: Value) -> Message {
    let raw = Some(Arc::new(RawMessage { format: WireFormat::Anthropic, value, relayed: None }));
    Message { raw, ..Message::new(role, parts) }
}

/// A client sends back what we wrote for it when another format's provider answered: thinking that
/// nobody signed, and calls with a signature. Anthropic refuses both.
fn without_foreign_marks(mut message: Value) -> Value {
    let Some(blocks) = message.get_mut("content").and_then(Value::as_array_mut) else {
        return message;
    };
    blocks.retain(|block| {
        let signature = block.get("signature").and_then(Value::as_str).unwrap_or_default();
        block["type"] != "thinking" || !signature.is_empty()
    });
    for block in blocks.iter_mut().filter(|block| block["type"] == "tool_use") {
        if let Some(members) = block.as_object_mut() {
            members.shift_remove(client_content::CALL_SIGNATURE);
        }
    }
    message
}
