//! The shape of a provider's answer, whole or in chunks, as far as it is interpreted.

use serde::Deserialize;
use serde_json::Value;

use crate::tolerant::{Content, Count, JsonText, Text};

/// A completion or one chunk of it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload<'a> {
    #[serde(borrow)]
    pub(super) object: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    pub(super) created: Count,
    #[serde(borrow)]
    pub(super) choices: Option<Vec<ChoicePayload<'a>>>,
    pub(super) usage: Option<Value>,
    /// Groq's place for the usage of a stream.
    pub(super) x_groq: Option<Value>,
    pub(super) error: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ChoicePayload<'a> {
    pub(super) index: Count,
    /// In chunks.
    #[serde(borrow)]
    pub(super) delta: Option<MessagePayload<'a>>,
    /// In whole answers, and in the only chunk of some servers that pretend to stream.
    #[serde(borrow)]
    pub(super) message: Option<MessagePayload<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Text<'a>,
    /// OpenRouter's member for the word of the provider behind it.
    #[serde(borrow)]
    pub(super) native_finish_reason: Text<'a>,
    pub(super) logprobs: Option<Value>,
    /// OpenRouter's place for a failure after generation began.
    pub(super) error: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct MessagePayload<'a> {
    #[serde(borrow)]
    pub(super) content: Content<'a>,
    /// DeepSeek's and vLLM's name.
    #[serde(borrow)]
    pub(super) reasoning_content: Text<'a>,
    /// OpenRouter's, Groq's and Ollama's name.
    #[serde(borrow)]
    pub(super) reasoning: Text<'a>,
    #[serde(borrow)]
    pub(super) refusal: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<CallPayload<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CallPayload<'a> {
    pub(super) index: Count,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) function: Option<FunctionPayload<'a>>,
    pub(super) extra_content: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionPayload<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) arguments: JsonText<'a>,
}
