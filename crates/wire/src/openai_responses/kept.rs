//! Responses that are kept: what was said is taken out of them, because the thread has it, and put back
//! when they are asked for.

use backstay_core::{
    GenerationId,
    chat::{Media, MediaSource, Message, Part, Role},
};
use serde_json::{Value, json};

use super::{items::item_id, reply::output};
use crate::{data_url, extension};

/// The response as it is kept beside its thread.
pub fn without_output(mut response: Value) -> Value {
    if let Value::Object(members) = &mut response {
        members.shift_remove("output");
        members.shift_remove(extension::MEMBER);
    }
    response
}

/// The response as it was given, from what is kept of it and the messages of its turn.
pub fn restored_response(kept: Value, generation: &GenerationId, turn: &[Message]) -> Value {
    let mut response = kept;
    let answer = turn.iter().rfind(|message| message.role == Role::Assistant);
    let parts = answer.map(|message| message.parts.as_slice()).unwrap_or_default();
    if let Value::Object(members) = &mut response {
        let items = output(generation.as_str(), false, parts, &[]);
        members.insert("output".to_owned(), Value::Array(items));
    }
    response
}

/// The input of a response, from the messages of its turn: all but the answer.
pub fn input_items(generation: &GenerationId, turn: &[Message]) -> Vec<Value> {
    let mut items = Vec::new();
    let said = turn.iter().rposition(|message| message.role == Role::Assistant);
    for message in &turn[..said.unwrap_or(turn.len())] {
        if message.role == Role::Assistant {
            items.extend(output(generation.as_str(), false, &message.parts, &[]));
            continue;
        }
        let mut content = Vec::new();
        for part in &message.parts {
            match part {
                Part::ToolResult { call_id, parts, .. } => {
                    let id = item_id("fco", generation.as_str(), items.len());
                    items.push(json!({"id": id, "type": "function_call_output",
                        "status": "completed", "call_id": call_id, "output": text_of(parts)}));
                }
                part => content.extend(content_part(part)),
            }
        }
        if !content.is_empty() {
            let id = item_id("in", generation.as_str(), items.len());
            let role = if message.role == Role::System { "system" } else { "user" };
            items.push(json!({"id": id, "type": "message", "status": "completed", "role": role,
                "content": content}));
        }
    }
    items
}

fn text_of(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

fn content_part(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text { text } => json!({"type": "input_text", "text": text}),
        Part::Image(media) => {
            let detail = media.detail.as_deref().unwrap_or("auto");
            let mut image = json!({"type": "input_image", "detail": detail});
            set_source(&mut image, media, "image_url");
            image
        }
        Part::File(media) => {
            let mut file = json!({"type": "input_file", "filename": media.filename});
            set_source(&mut file, media, "file_data");
            file
        }
        _ => return None,
    })
}

fn set_source(part: &mut Value, media: &Media, name: &str) {
    let (name, text) = match &media.source {
        MediaSource::Url { url } if name == "file_data" => ("file_url", url.clone()),
        MediaSource::Url { url } => (name, url.clone()),
        MediaSource::Base64 { media_type, data } => (name, data_url::write(media_type, data)),
        MediaSource::ProviderFile { id } => ("file_id", id.clone()),
    };
    part[name] = Value::from(text);
}
