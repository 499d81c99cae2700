//! A provider's bytes without the tokens that it counted, for an answer that is given again and of
//! which nobody counts any.

use backstay_core::{WireFormat, chat::RawFrame};
use bytes::Bytes;
use serde_json::Value;

const NAME: &[u8] = b"\"usage\"";

/// The bytes with every number of their usage 0, everything else as the provider wrote it; `None`
/// where they cannot be read. Only formats that are ever forwarded are looked at.
pub fn uncounted(raw: &RawFrame) -> Option<RawFrame> {
    let places: &[&str] = match raw.format {
        WireFormat::OpenAi => &["/usage"],
        WireFormat::Anthropic => &["/usage", "/message/usage"],
        WireFormat::Gemini | WireFormat::Cohere | WireFormat::Bedrock => return Some(raw.clone()),
    };
    if !raw.bytes.windows(NAME.len()).any(|bytes| bytes == NAME) {
        return Some(raw.clone());
    }
    let text = std::str::from_utf8(&raw.bytes).ok()?;
    let written = if text.trim_start().starts_with('{') {
        without(text, places)?
    } else {
        let lines: Option<Vec<String>> = text.split('\n').map(|line| event(line, places)).collect();
        lines?.join("\n")
    };
    Some(RawFrame { format: raw.format, bytes: Bytes::from(written) })
}

/// One line of a server-sent event.
fn event(line: &str, places: &[&str]) -> Option<String> {
    match line.strip_prefix("data:") {
        Some(data) if data.trim_start().starts_with('{') => {
            Some(format!("data: {}", without(data, places)?))
        }
        _ => Some(line.to_owned()),
    }
}

fn without(text: &str, places: &[&str]) -> Option<String> {
    let mut body: Value = serde_json::from_str(text).ok()?;
    for place in places {
        if let Some(usage) = body.pointer_mut(place) {
            clear(usage);
        }
    }
    Some(body.to_string())
}

fn clear(value: &mut Value) {
    match value {
        Value::Number(_) => *value = Value::from(0),
        Value::Array(items) => items.iter_mut().for_each(clear),
        Value::Object(members) => members.values_mut().for_each(clear),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: WireFormat, bytes: &'static str) -> Option<String> {
        let raw = RawFrame { format, bytes: Bytes::from_static(bytes.as_bytes()) };
        uncounted(&raw).map(|raw| String::from_utf8(raw.bytes.to_vec()).unwrap())
    }

    #[test]
    fn only_what_was_counted_becomes_nothing() {
        for (format, written, expected) in [
            (
                WireFormat::OpenAi,
                r#"{"id":"x","n":7,"usage":{"prompt_tokens":3,"cost":0.5,"details":{"a":1},"b":null}}"#,
                r#"{"id":"x","n":7,"usage":{"prompt_tokens":0,"cost":0,"details":{"a":0},"b":null}}"#,
            ),
            (
                WireFormat::Anthropic,
                "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":9}}}\n\n",
                "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":0}}}\n\n",
            ),
            (
                WireFormat::OpenAi,
                "data: {\"choices\":[{\"delta\":{\"content\":\"4 \"}}]}\n\n",
                "data: {\"choices\":[{\"delta\":{\"content\":\"4 \"}}]}\n\n",
            ),
        ] {
            assert_eq!(text(format, written).as_deref(), Some(expected));
        }
        assert_eq!(text(WireFormat::OpenAi, "data: {\"usage\"\n\n"), None);
    }
}
