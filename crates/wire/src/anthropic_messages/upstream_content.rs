//! Neutral parts to content blocks.

use backstay_core::chat::{CacheMark, Media, MediaSource, Part, Role, ToolCall};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::NAME_CHARACTERS_MAX;
use crate::{
    Loss,
    call_ids::{self, CallIds},
    tool_input,
};

const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
const CACHE_MARK: &str = "cache_control";
const PDF: &str = "application/pdf";
/// How the ids begin that this provider gives to uploaded files; others mean nothing to it.
const FILE_ID_PREFIX: &str = "file_";

/// Blocks of one message. Empty texts are left out, because the interface refuses them.
pub(super) fn blocks(
    role: Role,
    (parts, marks): (&[Part], &[CacheMark]),
    ids: &mut CallIds,
    loss: &mut Loss,
) -> Vec<Value> {
    let mut blocks = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        match block(role, part, ids, loss) {
            Ok(Some(block)) => blocks.push(marked(block, at, marks)),
            Ok(None) if marks.iter().any(|mark| mark.part == at) => {
                loss.record("messages.cache_control");
            }
            Ok(None) => {}
            Err(name) => loss.record(name),
        }
    }
    blocks
}

/// The block with the client's mark, if the part that it is made of has one.
pub(super) fn marked(mut block: Value, at: usize, marks: &[CacheMark]) -> Value {
    if let Some(mark) = marks.iter().rfind(|mark| mark.part == at) {
        block[CACHE_MARK] = mark.value.clone();
    }
    block
}

/// Marks the last block of all, as a mark of the whole request means it.
pub(super) fn mark_last(messages: &mut [Value], mark: &Value, loss: &mut Loss) {
    let content = messages.last_mut().and_then(|message| message.get_mut("content"));
    let last = content.and_then(|content| {
        if let Value::String(text) = content {
            *content = Value::Array(vec![text_block(text)]);
        }
        content.as_array_mut()?.last_mut()
    });
    let thinks =
        |block: &Value| block["type"].as_str().is_some_and(|kind| kind.ends_with("thinking"));
    match last.filter(|block| !thinks(block)) {
        Some(Value::Object(block)) => {
            block.entry(CACHE_MARK).or_insert_with(|| mark.clone());
        }
        _ => loss.record(CACHE_MARK),
    }
}

/// The block, nothing for an empty text, or the name under which the part's loss is reported.
fn block(
    role: Role,
    part: &Part,
    ids: &mut CallIds,
    loss: &mut Loss,
) -> Result<Option<Value>, &'static str> {
    let is_assistant = role == Role::Assistant;
    Ok(Some(match part {
        Part::Text { text } | Part::Refusal { text } => {
            return Ok((!text.is_empty()).then(|| text_block(text)));
        }
        Part::Recalled(recalled) => text_block(&recalled.to_prompt_text()),
        Part::Image(media) if !is_assistant => image(media).ok_or("messages.image")?,
        Part::File(media) if !is_assistant => document(media).ok_or("messages.file")?,
        Part::Reasoning { text, signature, redacted } if is_assistant => {
            thinking(text, signature.as_deref(), redacted.as_deref()).ok_or("messages.reasoning")?
        }
        Part::ToolCall(call) if is_assistant => tool_use(call, ids),
        Part::ToolResult { call_id, parts, is_error, .. } if !is_assistant => {
            let content = blocks(Role::User, (parts, &[]), ids, loss);
            tool_result(&ids.result(call_id), content, *is_error)
        }
        Part::Image(_) => return Err("messages.image"),
        Part::File(_) => return Err("messages.file"),
        Part::Audio(_) => return Err("messages.audio"),
        Part::Reasoning { .. } => return Err("messages.reasoning"),
        Part::ToolCall(_) | Part::ToolResult { .. } => return Err("messages.tool_calls"),
    }))
}

pub(super) fn text_block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn image(media: &Media) -> Option<Value> {
    Some(json!({"type": "image", "source": source(media, &IMAGE_TYPES)?}))
}

/// PDF and text are documents; an image sent as a file is an image.
fn document(media: &Media) -> Option<Value> {
    let source = match &media.source {
        MediaSource::Base64 { media_type, .. } if IMAGE_TYPES.contains(&media_type.as_str()) => {
            return image(media);
        }
        MediaSource::Base64 { media_type, data } if is_text(media_type) => {
            let text = String::from_utf8(STANDARD.decode(data).ok()?).ok()?;
            json!({"type": "text", "media_type": "text/plain", "data": text})
        }
        _ => source(media, &[PDF])?,
    };
    let mut block = json!({"type": "document", "source": source});
    if let Some(filename) = &media.filename {
        block["title"] = Value::from(filename.as_str());
    }
    Some(block)
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || media_type == "application/json"
}

fn source(media: &Media, allowed: &[&str]) -> Option<Value> {
    match &media.source {
        MediaSource::Base64 { media_type, data } if allowed.contains(&media_type.as_str()) => {
            Some(json!({"type": "base64", "media_type": media_type, "data": data}))
        }
        MediaSource::Url { url } => Some(json!({"type": "url", "url": url})),
        MediaSource::ProviderFile { id } if id.starts_with(FILE_ID_PREFIX) => {
            Some(json!({"type": "file", "file_id": id}))
        }
        MediaSource::Base64 { .. } | MediaSource::ProviderFile { .. } => None,
    }
}

/// Thinking without a signature came from elsewhere and would be refused.
fn thinking(text: &str, signature: Option<&str>, redacted: Option<&str>) -> Option<Value> {
    if let Some(data) = redacted {
        return Some(json!({"type": "redacted_thinking", "data": data}));
    }
    let signature = signature.filter(|signature| !signature.is_empty())?;
    Some(json!({"type": "thinking", "thinking": text, "signature": signature}))
}

fn tool_use(call: &ToolCall, ids: &mut CallIds) -> Value {
    json!({
        "type": "tool_use",
        "id": ids.call(&call.id),
        "name": call_ids::tool_name(&call.name, NAME_CHARACTERS_MAX),
        "input": tool_input::from_text(&call.arguments),
    })
}

fn tool_result(id: &str, content: Vec<Value>, is_error: bool) -> Value {
    let mut block = json!({"type": "tool_result", "tool_use_id": id});
    if !content.is_empty() {
        block["content"] = plain_or_blocks(content);
    }
    if is_error {
        block["is_error"] = Value::Bool(true);
    }
    block
}

/// One text alone is written as a string.
pub(super) fn plain_or_blocks(mut blocks: Vec<Value>) -> Value {
    if let [Value::Object(only)] = blocks.as_mut_slice()
        && only.len() == 2
        && let Some(text @ Value::String(_)) = only.get_mut("text")
    {
        return text.take();
    }
    Value::Array(blocks)
}
