//! A tool call's thought signature, where Google's own OpenAI-compatible interface carries it:
//! `extra_content.google.thought_signature`.

use serde_json::{Value, json};

pub(super) const MEMBER: &str = "extra_content";

pub(super) fn read(extra_content: &Value) -> Option<&str> {
    extra_content.pointer("/google/thought_signature").and_then(Value::as_str)
}

pub(super) fn write(signature: &str) -> Value {
    json!({"google": {"thought_signature": signature}})
}
