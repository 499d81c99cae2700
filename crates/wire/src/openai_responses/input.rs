//! `input`: a text, or items that become messages.

use std::collections::HashMap;

use backstay_core::{
    Error, ErrorCode, Result,
    chat::{Media, MediaSource, Message, Part, Role, ToolCall},
    limits,
};
use serde_json::{Value, json};

use super::items::Proof;
use crate::{
    data_url,
    fields::{Object, Path},
};

/// The items of the input; a text alone is a user's message.
pub(super) fn items(body: Object<'_>) -> Result<Vec<Value>> {
    let path = body.path().field("input");
    match body.get("input") {
        None => Err(path.invalid("is required")),
        Some(Value::String(text)) => Ok(vec![
            json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}),
        ]),
        Some(value) => {
            let items = path.array(value)?;
            if items.is_empty() {
                return Err(path.invalid("is empty; send at least one item"));
            }
            if items.len() > limits::MESSAGES_MAX {
                let what = format_args!("has more than {} items", limits::MESSAGES_MAX);
                return Err(path.invalid(what));
            }
            Ok(items.to_vec())
        }
    }
}

/// What a model said is several items here and one message elsewhere.
pub(super) fn messages(items: &[Value], lost: &mut Vec<String>) -> Result<Vec<Message>> {
    let path = Path::Root;
    let path = path.field("input");
    let mut messages: Vec<Message> = Vec::with_capacity(items.len());
    let mut names: HashMap<String, String> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        let path = path.index(at);
        let members = path.object(item)?;
        let (role, parts) = match members.text("type")?.unwrap_or("message") {
            "message" => message(members, lost)?,
            "reasoning" => (Role::Assistant, thought(members)?.into_iter().collect()),
            "function_call" => {
                let call = call(members)?;
                names.insert(call.id.clone(), call.name.clone());
                (Role::Assistant, vec![Part::ToolCall(call)])
            }
            "function_call_output" => (Role::Tool, vec![result(members, &names, lost)?]),
            "item_reference" => {
                return Err(path.invalid(
                    "refers to an item elsewhere; go on with `previous_response_id`, or send the \
                     item itself",
                ));
            }
            kind => {
                lost.push(format!("{path} ({kind})"));
                continue;
            }
        };
        match messages.last_mut() {
            Some(last) if role == Role::Assistant && last.role == Role::Assistant => {
                last.parts.extend(parts);
            }
            _ if parts.is_empty() && role == Role::Assistant => {}
            _ => messages.push(Message::new(role, parts)),
        }
    }
    Ok(messages)
}

fn message(members: Object<'_>, lost: &mut Vec<String>) -> Result<(Role, Vec<Part>)> {
    let role = match members.required_text("role")? {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" | "developer" => Role::System,
        other => {
            let what = format_args!("must be user, assistant, system or developer, not {other:?}");
            return Err(members.path().field("role").invalid(what));
        }
    };
    let path = members.path().field("content");
    let value = members.get("content").ok_or_else(|| path.invalid("is required"))?;
    Ok((role, content(&path, value, lost)?))
}

fn content(path: &Path<'_>, value: &Value, lost: &mut Vec<String>) -> Result<Vec<Part>> {
    if let Value::String(text) = value {
        return Ok(vec![Part::Text { text: text.clone() }]);
    }
    let mut parts = Vec::new();
    for (at, value) in path.array(value)?.iter().enumerate() {
        let path = path.index(at);
        let members = path.object(value)?;
        parts.push(match members.required_text("type")? {
            "input_text" | "output_text" | "text" | "summary_text" => {
                Part::Text { text: members.required_text("text")?.to_owned() }
            }
            "refusal" => Part::Refusal { text: members.required_text("refusal")?.to_owned() },
            "input_image" => Part::Image(image(members)?),
            "input_file" => Part::File(file(members)?),
            kind @ ("image_url" | "tool_use" | "tool_result" | "image") => {
                return Err(Error::new(
                    ErrorCode::UnsupportedContent,
                    format!("`{path}` has type {kind:?}, which belongs to another interface"),
                )
                .with_parameter(format!("{path}.type")));
            }
            kind => {
                lost.push(format!("{path} ({kind})"));
                continue;
            }
        });
    }
    Ok(parts)
}

fn image(members: Object<'_>) -> Result<Media> {
    let source = match (members.text("image_url")?, members.text("file_id")?) {
        (Some(url), _) => source_of_url(&members.path().field("image_url"), url)?,
        (None, Some(id)) => MediaSource::ProviderFile { id: id.to_owned() },
        (None, None) => return Err(members.path().invalid("needs `image_url` or `file_id`")),
    };
    Ok(Media { source, filename: None, detail: members.owned_text("detail")? })
}

fn file(members: Object<'_>) -> Result<Media> {
    let path = members.path();
    let data = members.text("file_data")?;
    let source = match (data.or(members.text("file_url")?), members.text("file_id")?) {
        (Some(url), _) if url.starts_with("data:") || url.contains("://") => {
            source_of_url(&path.field("file_data"), url)?
        }
        (Some(data), _) => {
            MediaSource::Base64 { media_type: "application/pdf".to_owned(), data: data.to_owned() }
        }
        (None, Some(id)) => MediaSource::ProviderFile { id: id.to_owned() },
        (None, None) => return Err(path.invalid("needs `file_data`, `file_url` or `file_id`")),
    };
    Ok(Media { source, filename: members.owned_text("filename")?, detail: None })
}

fn source_of_url(path: &Path<'_>, url: &str) -> Result<MediaSource> {
    if !url.starts_with("data:") {
        return Ok(MediaSource::Url { url: url.to_owned() });
    }
    let (media_type, data) = data_url::parse(url)
        .ok_or_else(|| path.invalid("must be a URL of the form data:<type>;base64,<data>"))?;
    Ok(MediaSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() })
}

/// Thinking as we gave it out: its text as summary, its proof as encrypted content.
fn thought(members: Object<'_>) -> Result<Option<Part>> {
    let mut text = String::new();
    for value in members.array("summary")?.unwrap_or_default() {
        text.push_str(value.get("text").and_then(Value::as_str).unwrap_or_default());
    }
    Ok(match members.text("encrypted_content")?.and_then(Proof::read) {
        Some(Proof::Signature(signature)) => {
            Some(Part::Reasoning { text, signature: Some(signature), redacted: None })
        }
        Some(Proof::Encrypted(data)) => {
            Some(Part::Reasoning { text: String::new(), signature: None, redacted: Some(data) })
        }
        None if text.is_empty() => None,
        None => Some(Part::Reasoning { text, signature: None, redacted: None }),
    })
}

fn call(members: Object<'_>) -> Result<ToolCall> {
    Ok(ToolCall {
        id: members.required_text("call_id")?.to_owned(),
        name: members.required_text("name")?.to_owned(),
        arguments: members.text("arguments")?.unwrap_or_default().to_owned(),
        signature: None,
    })
}

fn result(
    members: Object<'_>,
    names: &HashMap<String, String>,
    lost: &mut Vec<String>,
) -> Result<Part> {
    let call_id = members.required_text("call_id")?.to_owned();
    let path = members.path().field("output");
    let value = members.get("output").ok_or_else(|| path.invalid("is required"))?;
    let name = names.get(&call_id).cloned();
    Ok(Part::ToolResult { call_id, name, parts: content(&path, value, lost)?, is_error: false })
}
