//! The shape of a provider's answer, whole or as one event, as far as it is interpreted.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::tolerant::{Count, JsonText, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplyPayload<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) message: Option<MessagePayload<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Text<'a>,
    pub(super) usage: Option<UsagePayload>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct MessagePayload<'a> {
    #[serde(borrow)]
    pub(super) content: Option<Vec<BlockPayload<'a>>>,
    #[serde(borrow)]
    pub(super) tool_plan: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<CallPayload<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct BlockPayload<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) thinking: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CallPayload<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) function: Option<FunctionPayload<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionPayload<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) arguments: JsonText<'a>,
}

/// One event of a stream; its `type` says what is in its delta.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct EventPayload<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    pub(super) index: Count,
    /// A [`DeltaPayload`], except in the first event, where it has another shape.
    #[serde(borrow)]
    pub(super) delta: Option<&'a RawValue>,
    /// In place of everything else when the answer fails.
    pub(super) message: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct DeltaPayload<'a> {
    #[serde(borrow)]
    pub(super) message: Option<MessageDeltaPayload<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Text<'a>,
    pub(super) usage: Option<UsagePayload>,
    /// Beside the reason `ERROR`.
    #[serde(borrow)]
    pub(super) error: Text<'a>,
}

/// Of a message, one block and one call at a time.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct MessageDeltaPayload<'a> {
    #[serde(borrow)]
    pub(super) content: Option<BlockPayload<'a>>,
    #[serde(borrow)]
    pub(super) tool_plan: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<CallPayload<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct UsagePayload {
    pub(super) billed_units: Option<CountsPayload>,
    pub(super) tokens: Option<CountsPayload>,
    pub(super) cached_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CountsPayload {
    pub(super) input_tokens: Count,
    pub(super) output_tokens: Count,
}
