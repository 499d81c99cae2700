//! The items of an answer, and their ids.

use backstay_core::GenerationId;
use serde_json::{Value, json};

const SIGNATURE: &str = "bs1s.";
const ENCRYPTED: &str = "bs1e.";

/// A provider's proof of its thinking, on its way through `encrypted_content`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Of the text beside it.
    Signature(String),
    /// In place of the text.
    Encrypted(String),
}

impl Proof {
    /// `None` for content that others encrypted, which no provider here can read.
    pub(super) fn read(text: &str) -> Option<Self> {
        let signature = text.strip_prefix(SIGNATURE).map(|proof| Self::Signature(proof.to_owned()));
        signature.or_else(|| Some(Self::Encrypted(text.strip_prefix(ENCRYPTED)?.to_owned())))
    }

    fn write(&self) -> String {
        match self {
            Self::Signature(proof) => format!("{SIGNATURE}{proof}"),
            Self::Encrypted(data) => format!("{ENCRYPTED}{data}"),
        }
    }
}

/// The id of a response, which is its generation's under another prefix.
pub fn response_id(generation: &str) -> String {
    format!("resp_{}", suffix(generation))
}

/// The generation of which a response tells; `None` for an id that is none of ours.
pub fn generation_of_response(id: &str) -> Option<GenerationId> {
    GenerationId::parse(&format!("{}{}", GenerationId::PREFIX, id.strip_prefix("resp_")?))
}

pub(super) fn item_id(prefix: &str, generation: &str, index: usize) -> String {
    format!("{prefix}_{}{index:02}", suffix(generation))
}

fn suffix(generation: &str) -> &str {
    generation.split_once('_').map_or(generation, |(_, suffix)| suffix)
}

pub(super) fn reasoning(id: &str, text: &str, proof: Option<&Proof>) -> Value {
    let summary = match text {
        "" => json!([]),
        text => json!([summary_part(text)]),
    };
    let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
    if let Some(proof) = proof {
        item["encrypted_content"] = Value::from(proof.write());
    }
    item
}

pub(super) fn summary_part(text: &str) -> Value {
    json!({"type": "summary_text", "text": text})
}

pub(super) fn message(id: &str, status: &str, content: Vec<Value>) -> Value {
    json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
}

pub(super) fn text_part(text: &str, logprobs: &[Value]) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs})
}

pub(super) fn refusal_part(text: &str) -> Value {
    json!({"type": "refusal", "refusal": text})
}

pub(super) fn call(id: &str, status: &str, call_id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function_call", "status": status, "call_id": call_id, "name": name,
        "arguments": arguments})
}

/// The tokens of OpenAI's log probabilities.
pub(super) fn logprobs(value: &Value) -> Vec<Value> {
    value.get("content").and_then(Value::as_array).cloned().unwrap_or_default()
}
