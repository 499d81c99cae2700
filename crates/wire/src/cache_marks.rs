//! Marks of where a prompt may be cached (`cache_control`), which clients of OpenAI's format write for
//! models that take them: on parts, on tools, or once for the whole request.

use backstay_core::{
    WireFormat,
    chat::{ChatRequest, Message},
};
use serde_json::Value;

use crate::Loss;

const MEMBER: &str = "cache_control";

/// The mark for the whole request.
pub(crate) fn of_whole(request: &ChatRequest) -> Option<&Value> {
    let own = request.origin.as_ref().and_then(|origin| origin.fields.get(MEMBER));
    request.routing.relayed.get(MEMBER).or(own).filter(|mark| mark.is_object())
}

/// The mark of a tool.
pub(crate) fn of_tool(request: &ChatRequest, at: usize) -> Option<&Value> {
    let own = request.origin.as_ref().and_then(|origin| origin.fields.get("tools"));
    let tools = request.routing.relayed.get("tools").or(own)?;
    tools.get(at)?.get(MEMBER).filter(|mark| mark.is_object())
}

/// Notes the marks of messages and tools that a provider is not sent. Amazon has a place for those of
/// messages, and whoever speaks the client's format is sent what the client wrote, where that is not
/// OpenRouter's own.
pub(crate) fn record_loss(
    request: &ChatRequest,
    format: WireFormat,
    to_aggregator: bool,
    loss: &mut Loss,
) {
    if format == WireFormat::Anthropic {
        return;
    }
    let is_sent = |message: &Message| {
        let raw = message.raw.as_ref().filter(|raw| raw.format == format);
        raw.is_some_and(|raw| to_aggregator || raw.relayed.is_none())
    };
    let is_lost = |message: &Message| !message.cache_marks.is_empty() && !is_sent(message);
    if format != WireFormat::Bedrock && request.messages.iter().any(is_lost) {
        loss.record("messages.cache_control");
    }
    let is_own = request.origin.as_ref().is_some_and(|origin| origin.format == format);
    let is_relayed = request.routing.relayed.contains_key("tools");
    if is_own && (to_aggregator || !is_relayed) {
        return;
    }
    for at in (0..request.tools.len()).filter(|at| of_tool(request, *at).is_some()) {
        loss.record(format!("tools[{at}].cache_control"));
    }
}
