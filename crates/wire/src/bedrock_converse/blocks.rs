//! Neutral parts to content blocks.

use std::borrow::Cow;

use backstay_core::chat::{Message, Part, Role};
use serde_json::{Value, json};

use super::{NAME_CHARACTERS_MAX, media};
use crate::{
    Loss,
    call_ids::{self, CallIds},
    tool_input,
};

/// Blocks of one message.
pub(super) fn encode(message: &Message, ids: &mut CallIds, loss: &mut Loss) -> Vec<Value> {
    encode_parts(message.role, &message.parts, ids, loss)
}

fn encode_parts(role: Role, parts: &[Part], ids: &mut CallIds, loss: &mut Loss) -> Vec<Value> {
    let mut blocks = Vec::with_capacity(parts.len());
    for part in parts {
        match block(role, part, ids, loss) {
            Ok(block) => blocks.extend(block),
            Err(name) => loss.record(name),
        }
    }
    blocks
}

/// The block, nothing for a blank text, or the name under which the part's loss is reported.
fn block(
    role: Role,
    part: &Part,
    ids: &mut CallIds,
    loss: &mut Loss,
) -> Result<Option<Value>, &'static str> {
    if let Some(text) = plain_text(part) {
        return Ok(text_block(&text));
    }
    let is_assistant = role == Role::Assistant;
    let block = match part {
        Part::Image(image) if !is_assistant => media::image(image).ok_or("messages.image")?,
        Part::File(file) if !is_assistant => media::document(file).ok_or("messages.file")?,
        Part::Reasoning { text, signature, redacted } if is_assistant => {
            reasoning(text, signature.as_deref(), redacted.as_deref())
                .ok_or("messages.reasoning")?
        }
        Part::ToolCall(call) if is_assistant => json!({"toolUse": {
            "toolUseId": ids.call(&call.id),
            "name": call_ids::tool_name(&call.name, NAME_CHARACTERS_MAX),
            "input": tool_input::from_text(&call.arguments),
        }}),
        Part::ToolResult { call_id, parts, is_error, .. } if !is_assistant => {
            let mut content = encode_parts(Role::User, parts, ids, loss);
            // Content is required, and a blank text is refused.
            if content.is_empty() {
                content.push(json!({"text": "(no output)"}));
            }
            let mut result = json!({"toolUseId": ids.result(call_id), "content": content});
            if *is_error {
                result["status"] = Value::from("error");
            }
            json!({"toolResult": result})
        }
        Part::Image(_) => return Err("messages.image"),
        Part::File(_) => return Err("messages.file"),
        Part::Audio(_) => return Err("messages.audio"),
        Part::Reasoning { .. } => return Err("messages.reasoning"),
        Part::ToolCall(_) | Part::ToolResult { .. } => return Err("messages.tool_calls"),
        Part::Text { .. } | Part::Refusal { .. } | Part::Recalled(_) => return Ok(None),
    };
    Ok(Some(block))
}

/// What a part says as text, if it is text.
pub(super) fn plain_text(part: &Part) -> Option<Cow<'_, str>> {
    match part {
        Part::Text { text } | Part::Refusal { text } => Some(Cow::Borrowed(text)),
        Part::Recalled(block) => Some(Cow::Owned(block.to_prompt_text())),
        _ => None,
    }
}

/// Blank texts are refused.
pub(super) fn text_block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"text": text}))
}

/// Thinking without a signature came from elsewhere and would be refused.
fn reasoning(text: &str, signature: Option<&str>, redacted: Option<&str>) -> Option<Value> {
    if let Some(data) = redacted {
        return Some(json!({"reasoningContent": {"redactedContent": data}}));
    }
    let signature = signature.filter(|signature| !signature.is_empty())?;
    Some(json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}))
}
