//! The shape of a provider's answer, whole or as events, as far as it is interpreted.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::usage::UsagePayload;
use crate::tolerant::{Count, Text};

/// One event of a stream.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct EventPayload<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) index: Count,
    #[serde(borrow)]
    pub(super) message: Option<MessagePayload<'a>>,
    #[serde(borrow)]
    pub(super) content_block: Option<BlockPayload<'a>>,
    #[serde(borrow)]
    pub(super) delta: Option<DeltaPayload<'a>>,
    pub(super) usage: Option<UsagePayload>,
}

/// A whole answer, and what opens a stream.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct MessagePayload<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    #[serde(borrow)]
    pub(super) content: Option<Vec<BlockPayload<'a>>>,
    #[serde(borrow)]
    pub(super) stop_reason: Text<'a>,
    pub(super) usage: Option<UsagePayload>,
    pub(super) error: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct BlockPayload<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) thinking: Text<'a>,
    #[serde(borrow)]
    pub(super) signature: Text<'a>,
    /// Encrypted thinking.
    #[serde(borrow)]
    pub(super) data: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    /// As the model wrote it, so that no number loses a digit.
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct DeltaPayload<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) thinking: Text<'a>,
    #[serde(borrow)]
    pub(super) signature: Text<'a>,
    #[serde(borrow)]
    pub(super) partial_json: Text<'a>,
    #[serde(borrow)]
    pub(super) stop_reason: Text<'a>,
}
