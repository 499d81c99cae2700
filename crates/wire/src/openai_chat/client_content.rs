//! The content of a client's message: text, or parts of several types.

use backstay_core::{
    Error, ErrorCode, Result,
    chat::{CacheMark, Media, MediaSource, Part},
};
use serde_json::Value;

use super::client_request::Notes;
use crate::{
    data_url,
    fields::{Object, Path, kind},
};

/// Part types of other interfaces, with what this one has instead.
const FOREIGN_TYPES: [(&str, &str); 8] = [
    ("image", "image_url"),
    ("document", "file"),
    ("tool_use", "the assistant message's `tool_calls`"),
    ("tool_result", "a message of role `tool`"),
    ("input_text", "text"),
    ("output_text", "text"),
    ("input_image", "image_url"),
    ("input_file", "file"),
];

pub(super) fn decode(path: &Path<'_>, value: &Value, notes: &mut Notes) -> Result<Vec<Part>> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![Part::Text { text: text.clone() }]),
        Value::Array(values) => {
            let mut parts = Vec::with_capacity(values.len());
            for (at, value) in values.iter().enumerate() {
                let place = parts.len();
                parts.extend(part(&path.index(at), value, notes)?);
                let mark = value.get("cache_control").filter(|mark| mark.is_object());
                if let Some(mark) = mark.filter(|_| parts.len() > place) {
                    notes.cache_marks.push(CacheMark { part: place, value: mark.clone() });
                }
            }
            Ok(parts)
        }
        other => Err(path
            .invalid(format_args!("must be a string or an array of parts, not {}", kind(other)))),
    }
}

/// `None` for a part that only an upstream of this format may understand.
fn part(path: &Path<'_>, value: &Value, notes: &mut Notes) -> Result<Option<Part>> {
    let members = path.object(value)?;
    let kind = members.required_text("type")?;
    let part = match kind {
        "text" => Part::Text { text: members.required_text("text")?.to_owned() },
        "refusal" => Part::Refusal { text: members.required_text("refusal")?.to_owned() },
        "image_url" => Part::Image(image(members)?),
        "file" => Part::File(file(&path.field("file"), members)?),
        "input_audio" => Part::Audio(audio(&path.field("input_audio"), members)?),
        _ => {
            if let Some((_, instead)) = FOREIGN_TYPES.iter().find(|(foreign, _)| *foreign == kind) {
                return Err(Error::new(
                    ErrorCode::UnsupportedContent,
                    format!("`{path}` has type {kind:?}, which belongs to another interface; here it is {instead}"),
                )
                .with_parameter(format!("{path}.type")));
            }
            notes.uninterpreted.push(format!("{path} ({kind})"));
            return Ok(None);
        }
    };
    Ok(Some(part))
}

fn image(members: Object<'_>) -> Result<Media> {
    let path = members.path().field("image_url");
    let value = members.get("image_url").ok_or_else(|| path.invalid("is required"))?;
    // Some clients write the URL itself in place of the object.
    if let Value::String(url) = value {
        return Ok(Media { source: source_of_url(&path, url)?, filename: None, detail: None });
    }
    let image = path.object(value)?;
    let source = source_of_url(&path.field("url"), image.required_text("url")?)?;
    Ok(Media { source, filename: None, detail: image.owned_text("detail")? })
}

fn source_of_url(path: &Path<'_>, url: &str) -> Result<MediaSource> {
    if !url.starts_with("data:") {
        return Ok(MediaSource::Url { url: url.to_owned() });
    }
    let (media_type, data) = data_url::parse(url)
        .ok_or_else(|| path.invalid("must be a URL of the form data:<type>;base64,<data>"))?;
    Ok(MediaSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() })
}

fn file(path: &Path<'_>, members: Object<'_>) -> Result<Media> {
    let file = path.object(members.get("file").ok_or_else(|| path.invalid("is required"))?)?;
    let filename = file.owned_text("filename")?;
    let source = match (file.text("file_data")?, file.text("file_id")?) {
        (Some(data), _) if data.starts_with("data:") || data.contains("://") => {
            source_of_url(&path.field("file_data"), data)?
        }
        (Some(data), _) => MediaSource::Base64 {
            media_type: media_type_of_name(filename.as_deref()).to_owned(),
            data: data.to_owned(),
        },
        (None, Some(id)) => MediaSource::ProviderFile { id: id.to_owned() },
        (None, None) => return Err(path.invalid("needs `file_data` or `file_id`")),
    };
    Ok(Media { source, filename, detail: None })
}

/// Bare base64 says nothing about itself, so the name has to; PDF is what files mostly are.
fn media_type_of_name(filename: Option<&str>) -> &'static str {
    let extension = filename.and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
    match extension {
        Some("txt") => "text/plain",
        Some("md") => "text/markdown",
        Some("csv") => "text/csv",
        Some("json") => "application/json",
        _ => "application/pdf",
    }
}

fn audio(path: &Path<'_>, members: Object<'_>) -> Result<Media> {
    let audio = members.get("input_audio").ok_or_else(|| path.invalid("is required"))?;
    let audio = path.object(audio)?;
    let media_type = match audio.required_text("format")? {
        "mp3" => "audio/mpeg".to_owned(),
        format => format!("audio/{format}"),
    };
    let data = audio.required_text("data")?.to_owned();
    let source = MediaSource::Base64 { media_type, data };
    Ok(Media { source, filename: None, detail: None })
}
