//! The content of a client's message: text, or blocks of several types.

use backstay_core::{
    Error, ErrorCode, Result,
    chat::{Part, ToolCall},
};
use serde_json::Value;

use super::{client_request::Notes, client_sources};
use crate::fields::{Object, Path, kind};

/// A member of our own on `tool_use` blocks: the token that Gemini wants back with the call.
/// Clients send blocks back with every member they came with.
pub(super) const CALL_SIGNATURE: &str = "signature";

/// Block types of other interfaces, with what this one has instead.
const FOREIGN_TYPES: [(&str, &str); 7] = [
    ("image_url", "image"),
    ("file", "document"),
    ("tool_calls", "tool_use"),
    ("function", "tool_use"),
    ("input_text", "text"),
    ("output_text", "text"),
    ("input_image", "image"),
];

pub(super) fn decode(path: &Path<'_>, value: &Value, notes: &mut Notes) -> Result<Vec<Part>> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![Part::Text { text: text.clone() }]),
        Value::Array(blocks) => {
            let mut parts = Vec::with_capacity(blocks.len());
            for (at, block) in blocks.iter().enumerate() {
                read_block(&path.index(at), block, notes, &mut parts)?;
            }
            Ok(parts)
        }
        other => Err(path
            .invalid(format_args!("must be a string or an array of blocks, not {}", kind(other)))),
    }
}

/// Adds nothing for a block that only an upstream of this format may understand.
fn read_block(
    path: &Path<'_>,
    value: &Value,
    notes: &mut Notes,
    parts: &mut Vec<Part>,
) -> Result<()> {
    let block = path.object(value)?;
    let kind = block.required_text("type")?;
    match kind {
        "text" => {
            parts.push(Part::Text { text: block.required_text("text")?.to_owned() });
            notes.others(block, &["type", "text"]);
        }
        "image" => {
            parts.push(Part::Image(client_sources::image(block)?));
            notes.others(block, &["type", "source"]);
        }
        "document" => {
            parts.extend(client_sources::document(block, notes)?);
            notes.others(block, &["type", "source", "title"]);
        }
        "search_result" => parts.push(search_result(block, notes)?),
        "thinking" => parts.push(Part::Reasoning {
            text: block.required_text("thinking")?.to_owned(),
            signature: block.owned_text("signature")?.filter(|signature| !signature.is_empty()),
            redacted: None,
        }),
        "redacted_thinking" => parts.push(Part::Reasoning {
            text: String::new(),
            signature: None,
            redacted: Some(block.required_text("data")?.to_owned()),
        }),
        "tool_use" => parts.push(Part::ToolCall(tool_use(block, notes)?)),
        "tool_result" => parts.push(tool_result(block, notes)?),
        _ => unknown(path, kind, notes)?,
    }
    Ok(())
}

fn unknown(path: &Path<'_>, kind: &str, notes: &mut Notes) -> Result<()> {
    let Some((_, instead)) = FOREIGN_TYPES.iter().find(|(foreign, _)| *foreign == kind) else {
        notes.uninterpreted(format!("{path} ({kind})"));
        return Ok(());
    };
    let message = format!(
        "`{path}` has type {kind:?}, which belongs to another interface; here it is {instead:?}"
    );
    Err(Error::new(ErrorCode::UnsupportedContent, message).with_parameter(format!("{path}.type")))
}

fn tool_use(block: Object<'_>, notes: &mut Notes) -> Result<ToolCall> {
    let (id, name) = (block.required_text("id")?, block.required_text("name")?);
    notes.call_names.insert(id.to_owned(), name.to_owned());
    notes.others(block, &["type", "id", "name", "input", CALL_SIGNATURE]);
    Ok(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: block.get("input").map_or_else(|| "{}".to_owned(), Value::to_string),
        signature: block.owned_text(CALL_SIGNATURE)?,
    })
}

fn tool_result(block: Object<'_>, notes: &mut Notes) -> Result<Part> {
    let call_id = block.required_text("tool_use_id")?.to_owned();
    let parts = match block.get("content") {
        Some(content) => decode(&block.path().field("content"), content, notes)?,
        None => Vec::new(),
    };
    notes.others(block, &["type", "tool_use_id", "content", "is_error"]);
    Ok(Part::ToolResult {
        name: notes.call_names.get(&call_id).cloned(),
        call_id,
        parts,
        is_error: block.flag("is_error")?.unwrap_or(false),
    })
}

/// A found passage reads as text in every format: its title, where it is from, what it says.
fn search_result(block: Object<'_>, notes: &mut Notes) -> Result<Part> {
    let (title, source) = (block.required_text("title")?, block.required_text("source")?);
    let mut text = format!("{title} ({source})");
    let path = block.path().field("content");
    for (at, passage) in block.array("content")?.unwrap_or_default().iter().enumerate() {
        text.push('\n');
        text.push_str(path.index(at).object(passage)?.required_text("text")?);
    }
    notes.others(block, &["type", "title", "source", "content"]);
    Ok(Part::Text { text })
}
