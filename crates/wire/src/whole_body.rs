//! A provider's whole answer that a client of the same format gets byte for byte.

use backstay_core::{WireFormat, chat::Frame};
use bytes::Bytes;

use crate::{ReplyExtension, extension};

/// The only frame with content, if it is one JSON body of this format.
pub(crate) fn of(format: WireFormat, frames: &[Frame]) -> Option<&Bytes> {
    let says_something =
        |frame: &&Frame| frame.raw.is_some() || frame.events.iter().any(|event| event.is_content());
    let mut speaking = frames.iter().filter(says_something);
    let raw = speaking.next()?.raw.as_ref().filter(|raw| raw.format == format)?;
    let is_body = raw.bytes.trim_ascii_start().starts_with(b"{");
    (is_body && speaking.next().is_none()).then_some(&raw.bytes)
}

/// Adds the member before the body's last brace, so that every other byte stays as it came.
pub(crate) fn with_extension(body: &Bytes, extension: Option<&ReplyExtension>) -> Option<Bytes> {
    let Some(extension) = extension else { return Some(body.clone()) };
    let members = body.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
    let mut extended = Vec::with_capacity(body.len() + 512);
    extended.extend_from_slice(members);
    if !members.ends_with(b"{") {
        extended.push(b',');
    }
    extended.extend_from_slice(format!("\"{}\":", extension::MEMBER).as_bytes());
    serde_json::to_writer(&mut extended, extension).ok()?;
    extended.push(b'}');
    Some(Bytes::from(extended))
}
