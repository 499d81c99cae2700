//! Neutral parts to a message's content.

use std::borrow::Cow;

use backstay_core::chat::{Media, MediaSource, Part};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{Loss, data_url};

/// Content in the making: one string while it is all text, else an array of parts.
#[derive(Default)]
pub(super) struct Content {
    parts: Vec<Value>,
    has_images: bool,
}

impl Content {
    /// Adds a part. Empty texts are left out.
    pub(super) fn push(&mut self, part: &Part, loss: &mut Loss) {
        if let Some(text) = plain_text(part) {
            if !text.is_empty() {
                self.parts.push(json!({"type": "text", "text": text}));
            }
            return;
        }
        let (encoded, name) = match part {
            Part::Image(media) => (image(media), "messages.image"),
            Part::File(media) => (text_file(media), "messages.file"),
            Part::Audio(_) => (None, "messages.audio"),
            _ => (None, "messages.content"),
        };
        match encoded {
            Some(value) => {
                self.has_images |= value["type"] == "image_url";
                self.parts.push(value);
            }
            None => loss.record(name),
        }
    }

    /// `None` when nothing is left to say.
    pub(super) fn into_value(self) -> Option<Value> {
        if self.parts.is_empty() {
            return None;
        }
        if self.has_images {
            return Some(Value::Array(self.parts));
        }
        let texts: Vec<&str> = self.parts.iter().filter_map(|part| part["text"].as_str()).collect();
        Some(Value::from(texts.join("\n\n")))
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

/// The interface takes no files, but what a text file says.
fn text_file(media: &Media) -> Option<Value> {
    let MediaSource::Base64 { media_type, data } = &media.source else { return None };
    if !media_type.starts_with("text/") && media_type != "application/json" {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(data).ok()?).ok()?;
    let text = match &media.filename {
        Some(name) => format!("{name}:\n{text}"),
        None => text,
    };
    Some(json!({"type": "text", "text": text}))
}
