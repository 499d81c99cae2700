//! Where the bytes of a client's images and documents are.

use backstay_core::{
    Result,
    chat::{Media, MediaSource, Part},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{client_content, client_request::Notes};
use crate::fields::{Object, Path};

pub(super) fn image(block: Object<'_>) -> Result<Media> {
    let path = block.path().field("source");
    let source = path.object(block.get("source").ok_or_else(|| path.invalid("is required"))?)?;
    match by_reference(source)? {
        Some(source) => Ok(Media { source, filename: None, detail: None }),
        None => Err(path.field("type").invalid("must be base64, url or file")),
    }
}

/// A document made of blocks becomes those blocks; every other one is a file.
pub(super) fn document(block: Object<'_>, notes: &mut Notes) -> Result<Vec<Part>> {
    let path = block.path().field("source");
    let members = path.object(block.get("source").ok_or_else(|| path.invalid("is required"))?)?;
    let source = match (members.required_text("type")?, by_reference(members)?) {
        (_, Some(source)) => source,
        ("text", None) => text(members)?,
        ("content", None) => {
            let content = members.get("content").ok_or_else(|| members.missing("content"))?;
            return blocks(&path.field("content"), content, notes);
        }
        _ => return Err(path.field("type").invalid("must be base64, text, content, url or file")),
    };
    Ok(vec![Part::File(Media { source, filename: block.owned_text("title")?, detail: None })])
}

/// The kinds of source that images and documents share.
fn by_reference(source: Object<'_>) -> Result<Option<MediaSource>> {
    Ok(Some(match source.required_text("type")? {
        "base64" => MediaSource::Base64 {
            media_type: source.required_text("media_type")?.to_owned(),
            data: source.required_text("data")?.to_owned(),
        },
        "url" => MediaSource::Url { url: source.required_text("url")?.to_owned() },
        "file" => MediaSource::ProviderFile { id: source.required_text("file_id")?.to_owned() },
        _ => return Ok(None),
    }))
}

fn text(source: Object<'_>) -> Result<MediaSource> {
    let media_type = source.text("media_type")?.unwrap_or("text/plain").to_owned();
    let data = STANDARD.encode(source.required_text("data")?);
    Ok(MediaSource::Base64 { media_type, data })
}

fn blocks(path: &Path<'_>, content: &Value, notes: &mut Notes) -> Result<Vec<Part>> {
    if let Some(blocks) = content.as_array() {
        for (at, block) in blocks.iter().enumerate() {
            let kind = block.get("type").and_then(Value::as_str);
            if !matches!(kind, Some("text" | "image")) {
                return Err(path.index(at).field("type").invalid("must be text or image"));
            }
        }
    }
    client_content::decode(path, content, notes)
}
