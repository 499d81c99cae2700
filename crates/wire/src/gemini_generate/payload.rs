//! The shape of a provider's answer, whole or as one event, as far as it is interpreted.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::tolerant::{Count, Text};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Payload<'a> {
    #[serde(borrow)]
    pub(super) candidates: Option<Vec<CandidatePayload<'a>>>,
    #[serde(borrow)]
    pub(super) prompt_feedback: Option<FeedbackPayload<'a>>,
    pub(super) usage_metadata: Option<UsagePayload>,
    #[serde(borrow)]
    pub(super) model_version: Text<'a>,
    #[serde(borrow)]
    pub(super) response_id: Text<'a>,
    pub(super) error: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CandidatePayload<'a> {
    pub(super) index: Count,
    #[serde(borrow)]
    pub(super) content: Option<ContentPayload<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ContentPayload<'a> {
    #[serde(borrow)]
    pub(super) parts: Option<Vec<PartPayload<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PartPayload<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    /// Whether the text is a summary of the model's thoughts.
    pub(super) thought: Option<bool>,
    #[serde(borrow)]
    pub(super) thought_signature: Text<'a>,
    #[serde(borrow)]
    pub(super) function_call: Option<CallPayload<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CallPayload<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    /// As the model wrote it, so that no number loses a digit.
    #[serde(borrow)]
    pub(super) args: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FeedbackPayload<'a> {
    #[serde(borrow)]
    pub(super) block_reason: Text<'a>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct UsagePayload {
    pub(super) prompt_token_count: Count,
    pub(super) cached_content_token_count: Count,
    pub(super) candidates_token_count: Count,
    pub(super) thoughts_token_count: Count,
    pub(super) tool_use_prompt_token_count: Count,
}
