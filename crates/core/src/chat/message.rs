//! Messages and their content parts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RecalledBlock;
use crate::WireFormat;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions; the newer `developer` role of some dialects is the same thing.
    System,
    User,
    Assistant,
    /// Results of tool calls. Dialects that carry them inside a user message keep role `User`.
    Tool,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub parts: Vec<Part>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The provider that said it, where that is known: the proofs of its thinking hold there alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// The message as the client wrote it, sent on unchanged to an upstream of the same format.
    #[serde(skip)]
    pub raw: Option<Arc<RawMessage>>,
    /// Where the client wants the prompt cached.
    #[serde(skip)]
    pub cache_marks: Vec<CacheMark>,
}

/// A mark at a part up to which a provider may cache the prompt (`cache_control`), as Anthropic's
/// models take it and clients of several formats write it.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheMark {
    /// Its index among the message's parts.
    pub part: usize,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RawMessage {
    pub format: WireFormat,
    pub value: Value,
    /// The message with what only OpenRouter understands of it, where the client wrote such.
    pub relayed: Option<Value>,
}

impl Message {
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, name: None, made_by: None, raw: None, cache_marks: Vec::new() }
    }

    pub fn text_of(role: Role, text: impl Into<String>) -> Self {
        Self::new(role, vec![Part::Text { text: text.into() }])
    }

    /// Whether a provider would refuse something in it as another provider's proof.
    pub fn has_proofs_of_others(&self, provider: &str) -> bool {
        let by_another = self.made_by.as_deref().is_some_and(|made_by| made_by != provider);
        by_another && self.parts.iter().any(Part::is_proof)
    }

    /// The message without thinking, whose proof is another's, and with tool calls without theirs.
    #[must_use]
    pub fn without_proofs(&self) -> Self {
        let mut message = self.clone();
        message.parts.retain(|part| !matches!(part, Part::Reasoning { .. }));
        for part in &mut message.parts {
            if let Part::ToolCall(call) = part {
                call.signature = None;
            }
        }
        message
    }

    /// The text parts, joined by line breaks.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        texts.join("\n")
    }

    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    Text {
        text: String,
    },
    Image(Media),
    /// A document: PDF, text and the like.
    File(Media),
    Audio(Media),
    /// A model's thinking. Signatures are only valid at the provider that made them.
    Reasoning {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        /// Thinking that the provider returned encrypted instead of as text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redacted: Option<String>,
    },
    Refusal {
        text: String,
    },
    ToolCall(ToolCall),
    ToolResult {
        call_id: String,
        /// The tool's name, where the dialect or the history tells it (Gemini needs it).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        parts: Vec<Part>,
        is_error: bool,
    },
    /// Remembered statements: rendered as fenced data when it goes on the wire.
    Recalled(RecalledBlock),
}

impl Part {
    /// Whether it is, or holds, something that only the provider that made it can check.
    fn is_proof(&self) -> bool {
        match self {
            Self::Reasoning { .. } => true,
            Self::ToolCall(call) => call.signature.is_some(),
            _ => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// JSON text exactly as the model wrote it; may be invalid JSON.
    pub arguments: String,
    /// An opaque token some providers (Gemini) want back with the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// An image, document or sound, and where its bytes are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media {
    pub source: MediaSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// OpenAI's `detail` for images: `low`, `high`, `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MediaSource {
    Url {
        url: String,
    },
    Base64 {
        media_type: String,
        data: String,
    },
    /// A file that the client uploaded to the provider before.
    ProviderFile {
        id: String,
    },
}
