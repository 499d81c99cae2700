//! Neutral parts to the parts of one content.

use backstay_core::chat::{Media, MediaSource, Part};
use serde_json::{Value, json};

use super::function_call;
use crate::Loss;

/// Adds a part; results of calls are not among them, because they form a content of their own.
pub(super) fn push(part: &Part, parts: &mut Vec<Value>, loss: &mut Loss) {
    match encode(part) {
        Ok(encoded) => parts.extend(encoded),
        Err(name) => loss.record(name),
    }
}

/// The part, nothing for an empty text, or the name under which its loss is reported.
fn encode(part: &Part) -> Result<Option<Value>, &'static str> {
    if let Some(text) = plain_text(part) {
        return Ok((!text.is_empty()).then(|| json!({"text": text})));
    }
    match part {
        Part::Image(media) => inline_or_file(media).map(Some).ok_or("messages.image"),
        Part::File(media) => inline_or_file(media).map(Some).ok_or("messages.file"),
        Part::Audio(media) => inline_or_file(media).map(Some).ok_or("messages.audio"),
        Part::ToolCall(call) => Ok(Some(function_call::call(call))),
        // The interface takes no thoughts back.
        Part::Reasoning { .. } => Err("messages.reasoning"),
        _ => Err("messages.content"),
    }
}

/// What a part says as text, if it is text.
pub(super) fn plain_text(part: &Part) -> Option<std::borrow::Cow<'_, str>> {
    match part {
        Part::Text { text } | Part::Refusal { text } => Some(text.into()),
        Part::Recalled(block) => Some(block.to_prompt_text().into()),
        _ => None,
    }
}

fn inline_or_file(media: &Media) -> Option<Value> {
    match &media.source {
        MediaSource::Base64 { media_type, data } => {
            Some(json!({"inlineData": {"mimeType": media_type, "data": data}}))
        }
        MediaSource::Url { url } => Some(file(url)),
        MediaSource::ProviderFile { id } if is_own_file(id) => Some(file(id)),
        MediaSource::ProviderFile { .. } => None,
    }
}

/// Files uploaded to this provider are named by a path or its URL.
fn is_own_file(id: &str) -> bool {
    id.starts_with("files/") || id.starts_with("https://generativelanguage.googleapis.com/")
}

fn file(uri: &str) -> Value {
    let mut data = json!({"fileUri": uri});
    if let Some(media_type) = media_type_of(uri) {
        data["mimeType"] = Value::from(media_type);
    }
    json!({"fileData": data})
}

/// A URL says what it points to only by its ending.
fn media_type_of(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let name = path.rsplit('/').next()?;
    Some(match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        _ => return None,
    })
}
