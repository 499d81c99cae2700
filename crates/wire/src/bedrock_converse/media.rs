//! Images and documents, which travel as base64 and never as URLs.

use backstay_core::chat::{Media, MediaSource};
use serde_json::{Value, json};

const DOCUMENT_NAME_CHARACTERS_MAX: usize = 200;

pub(super) fn image(media: &Media) -> Option<Value> {
    let (media_type, source) = source(media)?;
    let format = match media_type {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => return None,
    };
    Some(json!({"image": {"format": format, "source": source}}))
}

/// An image sent as a file is an image.
pub(super) fn document(media: &Media) -> Option<Value> {
    let (media_type, source) = source(media)?;
    let format = match media_type {
        "application/pdf" => "pdf",
        "text/csv" => "csv",
        "text/html" => "html",
        "text/markdown" => "md",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/json" => "txt",
        other if other.starts_with("text/") => "txt",
        _ => return image(media),
    };
    let name = document_name(media.filename.as_deref());
    Some(json!({"document": {"format": format, "name": name, "source": source}}))
}

fn source(media: &Media) -> Option<(&str, Value)> {
    match &media.source {
        MediaSource::Base64 { media_type, data } => Some((media_type, json!({"bytes": data}))),
        MediaSource::Url { .. } | MediaSource::ProviderFile { .. } => None,
    }
}

/// Names are of letters, digits, single spaces, hyphens, parentheses and brackets. Without its
/// extension a name tells as much.
fn document_name(filename: Option<&str>) -> String {
    let name = filename.unwrap_or("document");
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || "-()[]".contains(character);
    let spaced: String =
        name.chars().map(|character| if allowed(character) { character } else { ' ' }).collect();
    let mut name = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    name.truncate(DOCUMENT_NAME_CHARACTERS_MAX);
    if name.is_empty() { "document".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_documents_fit_the_rule() {
        assert_eq!(document_name(Some("Q3_report  (final).pdf")), "Q3 report (final)");
        assert_eq!(document_name(Some("é.pdf")), "document");
        assert_eq!(document_name(None), "document");
        assert_eq!(document_name(Some(&"x".repeat(300))).len(), 200);
    }
}
