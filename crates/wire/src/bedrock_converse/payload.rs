//! The shape of a provider's answer, whole or as one event, as far as it is interpreted.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::tolerant::{Count, JsonText, Text};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ReplyPayload<'a> {
    #[serde(borrow)]
    pub(super) output: Option<OutputPayload<'a>>,
    #[serde(borrow)]
    pub(super) stop_reason: Text<'a>,
    pub(super) usage: Option<UsagePayload>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct OutputPayload<'a> {
    #[serde(borrow)]
    pub(super) message: Option<MessagePayload<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct MessagePayload<'a> {
    #[serde(borrow)]
    pub(super) content: Vec<BlockPayload<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct BlockPayload<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolUsePayload<'a>>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<ReasoningPayload<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ToolUsePayload<'a> {
    #[serde(borrow)]
    pub(super) tool_use_id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    /// As the model wrote it, so that no number loses a digit.
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ReasoningPayload<'a> {
    #[serde(borrow)]
    pub(super) reasoning_text: Option<ReasoningTextPayload<'a>>,
    #[serde(borrow)]
    pub(super) redacted_content: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ReasoningTextPayload<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) signature: Text<'a>,
}

/// Any event of a stream; its name says which members it has.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EventPayload<'a> {
    pub(super) content_block_index: Count,
    #[serde(borrow)]
    pub(super) start: Option<StartPayload<'a>>,
    #[serde(borrow)]
    pub(super) delta: Option<DeltaPayload<'a>>,
    #[serde(borrow)]
    pub(super) stop_reason: Text<'a>,
    pub(super) usage: Option<UsagePayload>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct StartPayload<'a> {
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolUsePayload<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct DeltaPayload<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolUseDeltaPayload<'a>>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<ReasoningDeltaPayload<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolUseDeltaPayload<'a> {
    #[serde(borrow)]
    pub(super) input: JsonText<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ReasoningDeltaPayload<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) signature: Text<'a>,
    #[serde(borrow)]
    pub(super) redacted_content: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct UsagePayload {
    pub(super) input_tokens: Count,
    pub(super) output_tokens: Count,
    pub(super) cache_read_input_tokens: Count,
    pub(super) cache_write_input_tokens: Count,
}
