//! The chunks of a stream, and the part of each that an event becomes.

use backstay_core::chat::ChatEvent;
use serde::Serialize;
use serde_json::Value;

use super::{signature, usage::UsageBody};
use crate::ReplyExtension;

#[derive(Serialize)]
pub(crate) struct Chunk<'a> {
    pub(super) id: &'a str,
    pub(super) object: &'static str,
    pub(super) created: i64,
    pub(super) model: &'a str,
    pub(super) choices: &'a [ChunkChoice<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<UsageBody>,
    #[serde(rename = "backstay", skip_serializing_if = "Option::is_none")]
    pub(super) extension: Option<&'a ReplyExtension>,
}

#[derive(Serialize)]
pub(super) struct ChunkChoice<'a> {
    pub(super) index: u32,
    pub(super) delta: Delta<'a>,
    pub(super) logprobs: Option<&'a Value>,
    pub(super) finish_reason: Option<&'a str>,
}

/// Members that are absent, not null: some SDKs refuse null here.
#[derive(Default, Serialize)]
pub(super) struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_calls: Option<[CallDelta<'a>; 1]>,
}

#[derive(Serialize)]
pub(super) struct CallDelta<'a> {
    pub(super) index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    pub(super) function: FunctionDelta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_content: Option<Value>,
}

#[derive(Serialize)]
pub(super) struct FunctionDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) arguments: &'a str,
}

pub(super) fn delta(event: &ChatEvent) -> Delta<'_> {
    match event {
        ChatEvent::Text { text, .. } => Delta { content: Some(text), ..Delta::default() },
        ChatEvent::Reasoning { text, .. } => {
            Delta { reasoning_content: Some(text), ..Delta::default() }
        }
        ChatEvent::Refusal { text, .. } => Delta { refusal: Some(text), ..Delta::default() },
        ChatEvent::ToolCallStarted { index, id, name, signature, .. } => {
            let call = CallDelta {
                index: *index,
                id: Some(id),
                kind: Some("function"),
                function: FunctionDelta { name: Some(name), arguments: "" },
                extra_content: signature.as_deref().map(signature::write),
            };
            Delta { tool_calls: Some([call]), ..Delta::default() }
        }
        ChatEvent::ToolCallArguments { index, fragment, .. } => arguments_delta(*index, fragment),
        _ => Delta::default(),
    }
}

pub(super) fn arguments_delta(index: u32, fragment: &str) -> Delta<'_> {
    let call = CallDelta {
        index,
        id: None,
        kind: None,
        function: FunctionDelta { name: None, arguments: fragment },
        extra_content: None,
    };
    Delta { tool_calls: Some([call]), ..Delta::default() }
}

/// One event. Values of ours always have a JSON text, and a `Vec` takes every byte.
pub(crate) fn write_data(value: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "a chunk has a JSON text");
    out.extend_from_slice(b"\n\n");
}
