//! `reasoning_details`: thinking with the provider's proofs of it, which clients send back unchanged.

use backstay_core::{
    WireFormat,
    chat::{Message, Part},
};
use serde_json::{Value, json};

const ANTHROPIC: &str = "anthropic-claude-v1";
const GOOGLE: &str = "google-gemini-v1";
const UNKNOWN: &str = "unknown";

/// Which block of thinking a detail belongs to, and whose proofs there are.
#[derive(Debug)]
pub(super) struct Blocks {
    format: &'static str,
    index: u64,
}

impl Blocks {
    /// `format` is the wire format of the provider that thinks.
    pub(super) fn of(format: Option<WireFormat>) -> Self {
        let format = match format {
            // On Bedrock it is Claude that proves its thinking.
            Some(WireFormat::Anthropic | WireFormat::Bedrock) => ANTHROPIC,
            Some(WireFormat::Gemini) => GOOGLE,
            Some(WireFormat::OpenAi | WireFormat::Cohere) | None => UNKNOWN,
        };
        Self { format, index: 0 }
    }

    pub(super) fn set_format(&mut self, format: WireFormat) {
        self.format = Self::of(Some(format)).format;
    }

    fn end(&mut self) {
        self.index += 1;
    }
}

pub(super) fn of_text(text: &str, blocks: &Blocks) -> Value {
    json!({"type": "reasoning.text", "text": text, "format": blocks.format, "index": blocks.index})
}

/// Ends a block with its proof.
pub(super) fn of_signature(signature: &str, blocks: &mut Blocks) -> Value {
    let detail = json!({"type": "reasoning.text", "signature": signature, "format": blocks.format,
        "index": blocks.index});
    blocks.end();
    detail
}

/// A block that the provider shows only encrypted.
pub(super) fn of_encrypted(data: &str, blocks: &mut Blocks) -> Value {
    let detail = json!({"type": "reasoning.encrypted", "data": data, "format": blocks.format,
        "index": blocks.index});
    blocks.end();
    detail
}

/// Gemini signs calls, not thoughts.
pub(super) fn of_call(id: &str, signature: &str, blocks: &mut Blocks) -> Value {
    let detail = json!({"type": "reasoning.encrypted", "data": signature, "id": id,
        "format": GOOGLE, "index": blocks.index});
    blocks.end();
    detail
}

/// `extra_content` of a tool call, as Google's OpenAI-compatible interface has it.
pub(super) fn signature_of_call(extra_content: &Value) -> Option<&str> {
    extra_content.pointer("/google/thought_signature").and_then(Value::as_str)
}

/// The details of a whole message.
pub(super) fn of_parts(parts: &[Part], blocks: &mut Blocks) -> Vec<Value> {
    let mut details = Vec::new();
    for part in parts {
        let Part::Reasoning { text, signature, redacted } = part else { continue };
        if let Some(data) = redacted {
            details.push(of_encrypted(data, blocks));
            continue;
        }
        let mut detail = of_text(text, blocks);
        if let Some(signature) = signature {
            detail["signature"] = Value::from(signature.as_str());
        }
        blocks.end();
        details.push(detail);
    }
    details
}

/// Puts what a client sends back into the neutral message: blocks of thinking in place of the bare
/// text, signatures at their calls. A proof counts only where it was made: Anthropic's for thinking,
/// Google's for calls, and one of unknown origin for either.
pub(super) fn restore(message: &mut Message, details: &[Value]) {
    let mut thoughts: Vec<Part> = Vec::new();
    let mut last_block = None;
    for detail in details {
        let text = |name: &str| detail.get(name).and_then(Value::as_str);
        let format = text("format").unwrap_or(UNKNOWN);
        let made_by = |maker: &str| format.starts_with(maker) || format == UNKNOWN;
        match text("type") {
            Some("reasoning.encrypted") => {
                let Some(data) = text("data") else { continue };
                if text("id").is_some_and(|id| made_by("google") && sign(message, id, data)) {
                    continue;
                }
                if made_by("anthropic") {
                    thoughts.push(thought(String::new(), None, Some(data.to_owned())));
                }
            }
            Some("reasoning.summary") => {
                thoughts.extend(text("summary").map(|text| thought(text.to_owned(), None, None)));
            }
            Some("reasoning.text") => {
                let signature = text("signature").filter(|_| made_by("anthropic"));
                let words = text("text").unwrap_or_default();
                let block = detail.get("index").and_then(Value::as_u64);
                match thoughts.last_mut() {
                    // Clients keep the fragments of a stream as they came.
                    Some(Part::Reasoning { text, signature: open @ None, redacted: None })
                        if block.is_some() && block == last_block =>
                    {
                        text.push_str(words);
                        *open = signature.map(str::to_owned);
                    }
                    _ => {
                        thoughts.push(thought(words.to_owned(), signature.map(str::to_owned), None))
                    }
                }
                last_block = block;
            }
            _ => {}
        }
    }
    if thoughts.is_empty() {
        return;
    }
    message.parts.retain(|part| !matches!(part, Part::Reasoning { .. }));
    message.parts.splice(0..0, thoughts);
}

fn thought(text: String, signature: Option<String>, redacted: Option<String>) -> Part {
    Part::Reasoning { text, signature, redacted }
}

/// False when the message has no call of this id.
fn sign(message: &mut Message, id: &str, signature: &str) -> bool {
    let call = message.parts.iter_mut().find_map(|part| match part {
        Part::ToolCall(call) if call.id == id => Some(call),
        _ => None,
    });
    call.map(|call| call.signature = Some(signature.to_owned())).is_some()
}
