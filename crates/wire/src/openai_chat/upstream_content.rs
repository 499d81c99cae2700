//! Neutral parts to a message's content.

use std::borrow::Cow;

use backstay_core::chat::{Media, MediaSource, Part};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{Loss, data_url};

/// Content in the making. Text alone becomes one string, because many compatible servers take
/// nothing else; with media it becomes an array of parts.
#[derive(Default)]
pub(super) struct Content {
    parts: Vec<Value>,
    has_media: bool,
}

impl Content {
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn push(&mut self, part: &Part, loss: &mut Loss) {
        if let Some(text) = plain_text(part) {
            self.parts.push(json!({"type": "text", "text": text}));
            return;
        }
        match encode_media(part) {
            Ok(value) => {
                self.has_media |= value["type"] != "text";
                self.parts.push(value);
            }
            Err(name) => loss.record(name),
        }
    }

    pub(super) fn into_value(self) -> Value {
        if self.has_media {
            return Value::Array(self.parts);
        }
        let texts: Vec<&str> = self.parts.iter().filter_map(|part| part["text"].as_str()).collect();
        Value::from(texts.join("\n\n"))
    }
}

/// What a part says as text, if it is text.
pub(super) fn plain_text(part: &Part) -> Option<Cow<'_, str>> {
    match part {
        Part::Text { text } | Part::Refusal { text } => Some(Cow::Borrowed(text)),
        Part::Recalled(block) => Some(Cow::Owned(block.to_prompt_text())),
        _ => None,
    }
}

/// The part, or the name under which its loss is reported.
fn encode_media(part: &Part) -> Result<Value, &'static str> {
    match part {
        Part::Image(media) => image(media).ok_or("messages.image"),
        Part::File(media) => file(media).ok_or("messages.file"),
        Part::Audio(media) => audio(media).ok_or("messages.audio"),
        _ => Err("messages.content"),
    }
}

fn image(media: &Media) -> Option<Value> {
    let url = match &media.source {
        MediaSource::Url { url } => url.clone(),
        MediaSource::Base64 { media_type, data } => data_url::write(media_type, data),
        MediaSource::ProviderFile { .. } => return None,
    };
    let mut image = json!({"url": url});
    if let Some(detail) = &media.detail {
        image["detail"] = Value::from(detail.as_str());
    }
    Some(json!({"type": "image_url", "image_url": image}))
}

/// Text files become text, because the interface takes only PDF as files.
fn file(media: &Media) -> Option<Value> {
    match &media.source {
        MediaSource::Base64 { media_type, data } => {
            if let Some(text) = text_of(media_type, data) {
                let text = match &media.filename {
                    Some(name) => format!("{name}:\n{text}"),
                    None => text,
                };
                return Some(json!({"type": "text", "text": text}));
            }
            let filename = media.filename.as_deref().unwrap_or("document.pdf");
            let file_data = data_url::write(media_type, data);
            Some(json!({"type": "file", "file": {"filename": filename, "file_data": file_data}}))
        }
        MediaSource::Url { .. } | MediaSource::ProviderFile { .. } => None,
    }
}

fn text_of(media_type: &str, data: &str) -> Option<String> {
    let is_text = media_type.starts_with("text/") || media_type == "application/json";
    is_text
        .then(|| STANDARD.decode(data).ok())
        .flatten()
        .and_then(|bytes| String::from_utf8(bytes).ok())
}

fn audio(media: &Media) -> Option<Value> {
    let MediaSource::Base64 { media_type, data } = &media.source else { return None };
    let format = match media_type.strip_prefix("audio/")? {
        "mpeg" => "mp3",
        "x-wav" | "wave" => "wav",
        other => other,
    };
    Some(json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}))
}
