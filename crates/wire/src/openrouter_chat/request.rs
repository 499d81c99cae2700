//! A client's request body to the neutral request.

use std::sync::Arc;

use backstay_core::{
    Result, RoutingPreferences, WireFormat,
    chat::{ChatRequest, Message, RawMessage},
};
use serde_json::{Map, Value};

use super::reasoning_details;
use crate::{Decoded, Loss, openai_chat};

/// Switches of things that are always so: usage is always sent, and routes are what `provider` says.
const WITHOUT_EFFECT: [&str; 2] = ["usage", "stream_options"];
/// What OpenRouter itself acts upon, or passes to whom it knows to take it.
const RELAYED: [&str; 15] = [
    "plugins",
    "transforms",
    "preset",
    "trace",
    "debug",
    "image_config",
    "cache_control",
    "stop_server_tools_when",
    "max_tool_calls",
    "structured_outputs",
    "x_search_filter",
    "top_a",
    "deferred_tools",
    "prompt_cache_options",
    "reasoning",
];
/// Members of messages that only OpenRouter knows.
const MESSAGE_MEMBERS: [&str; 5] =
    ["reasoning", "reasoning_details", "images", "annotations", "model"];
const PART_MEMBERS: [&str; 2] = ["cache_control", "prompt_cache_breakpoint"];

/// # Errors
/// `InvalidRequest` and `UnsupportedContent` with the path of the field that is at fault.
pub(crate) fn decode_request(
    mut body: Map<String, Value>,
    mut routing: RoutingPreferences,
) -> Result<Decoded> {
    for name in WITHOUT_EFFECT {
        body.shift_remove(name);
    }
    if body.get("model").is_none_or(Value::is_null) && !routing.models.is_empty() {
        body.insert("model".to_owned(), Value::from(routing.models.remove(0)));
    }
    let hide_reasoning = take_exclusion(&mut body);
    let messages: Vec<Value> =
        body.get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
    let request = openai_chat::decode_request(body)?;
    let mut request = relay_fields(request, &mut routing);
    for (message, written) in request.messages.iter_mut().zip(messages) {
        read_message(message, written);
    }
    let request = ChatRequest { routing, include_usage: true, ..request };
    Ok(Decoded { hide_reasoning, ..Decoded::of(request) })
}

/// `reasoning.exclude`, and `include_reasoning` as it was called before.
fn take_exclusion(body: &mut Map<String, Value>) -> bool {
    let before = body.shift_remove("include_reasoning").and_then(|value| value.as_bool());
    let now = body.get("reasoning").and_then(|reasoning| reasoning.get("exclude"));
    now.and_then(Value::as_bool).unwrap_or(before == Some(false))
}

/// Moves what only OpenRouter takes out of the fields that any provider of the format is sent.
fn relay_fields(mut request: ChatRequest, routing: &mut RoutingPreferences) -> ChatRequest {
    let effort = request.reasoning.as_ref().and_then(|reasoning| {
        let is_on = reasoning.enabled == Some(true) || reasoning.budget_tokens.is_some();
        reasoning.effort.clone().or_else(|| is_on.then(|| "medium".to_owned()))
    });
    let Some(origin) = &mut request.origin else { return request };
    for name in RELAYED {
        routing.relayed.extend(origin.fields.shift_remove_entry(name));
    }
    origin.uninterpreted.retain(|name| {
        !RELAYED.iter().any(|relayed| {
            name.strip_prefix(relayed).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    });
    if let Some(effort) = effort {
        origin.fields.entry("reasoning_effort").or_insert_with(|| Value::from(effort));
    }
    if let Some(Value::Array(tools)) = origin.fields.get_mut("tools") {
        let written = tools.clone();
        tools.retain(|tool| tool.get("type").is_some_and(|kind| kind == "function"));
        let mut is_changed = tools.len() != written.len();
        for members in tools.iter_mut().filter_map(Value::as_object_mut) {
            is_changed |= members.shift_remove("cache_control").is_some();
            is_changed |= members.shift_remove("eager_input_streaming").is_some();
        }
        if tools.is_empty() {
            origin.fields.shift_remove("tools");
        }
        if is_changed {
            routing.relayed.insert("tools".to_owned(), Value::Array(written));
        }
    }
    request
}

/// Notes what a provider other than OpenRouter is not told. Reasoning has its neutral meaning, and its
/// loss is noted by who cannot carry that; OpenAI's format has words for efforts alone.
pub(crate) fn record_loss(relayed: &Map<String, Value>, format: WireFormat, loss: &mut Loss) {
    for (name, value) in relayed {
        match (name.as_str(), value) {
            ("reasoning", value) => {
                if format == WireFormat::OpenAi && value.get("max_tokens").is_some() {
                    loss.record("reasoning.max_tokens");
                }
            }
            // It is put on the last block there.
            ("cache_control", _) if format == WireFormat::Anthropic => {}
            ("tools", Value::Array(tools)) => {
                for (at, tool) in tools.iter().enumerate() {
                    if tool.get("type").is_none_or(|kind| kind != "function") {
                        loss.record(format!("tools[{at}]"));
                    }
                }
            }
            (name, _) => loss.record(name),
        }
    }
}

/// Reads what OpenAI's messages do not have, and keeps the message for OpenRouter as it was written.
fn read_message(message: &mut Message, written: Value) {
    let details = written.get("reasoning_details").and_then(Value::as_array);
    if let Some(details) = details {
        let before = message.parts.len();
        reasoning_details::restore(message, details);
        // Thinking stands before what was said.
        let (now, marks) = (message.parts.len(), &mut message.cache_marks);
        marks.iter_mut().for_each(|mark| mark.part = (mark.part + now).saturating_sub(before));
    }
    let plain = plain_message(written.clone());
    let relayed = (plain != written).then_some(written);
    message.raw = Some(Arc::new(RawMessage { format: WireFormat::OpenAi, value: plain, relayed }));
}

/// The message as every provider of OpenAI's format takes it.
fn plain_message(mut message: Value) -> Value {
    let Value::Object(members) = &mut message else { return message };
    members.retain(|name, value| !MESSAGE_MEMBERS.contains(&name.as_str()) && !value.is_null());
    let is_silent = members.get("role").is_some_and(|role| role == "assistant");
    if is_silent {
        members.entry("content").or_insert(Value::Null);
    }
    if let Some(Value::Array(parts)) = members.get_mut("content") {
        for part in parts.iter_mut().filter_map(Value::as_object_mut) {
            part.retain(|name, _| !PART_MEMBERS.contains(&name.as_str()));
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use backstay_core::chat::Part;

    use serde_json::json;

    use super::*;

    fn decode(body: Value) -> Decoded {
        decode_request(body.as_object().unwrap().clone(), RoutingPreferences::default()).unwrap()
    }

    #[test]
    fn what_only_openrouter_takes_is_kept_apart() {
        let decoded = decode(json!({
            "model": "a/b", "messages": [{"role": "user", "content": "hi"}],
            "usage": {"include": true}, "plugins": [{"id": "web"}], "transforms": ["middle-out"],
            "reasoning": {"max_tokens": 2000, "exclude": true}, "min_p": 0.1,
            "tools": [{"type": "openrouter:datetime"}],
        }));
        assert!(decoded.hide_reasoning);
        let ChatRequest { routing, origin, reasoning, .. } = decoded.request;
        let relayed: Vec<&str> = routing.relayed.keys().map(String::as_str).collect();
        assert_eq!(relayed, ["plugins", "transforms", "reasoning", "tools"]);
        let fields = Value::Object(origin.unwrap().fields);
        assert_eq!(fields, json!({"min_p": 0.1, "reasoning_effort": "medium"}));
        assert_eq!(reasoning.unwrap().budget_tokens, Some(2_000));
    }

    #[test]
    fn thinking_that_comes_back_keeps_its_proofs_where_they_count() {
        let decoded = decode(json!({"model": "a/b", "messages": [
            {"role": "assistant", "content": null, "refusal": null, "reasoning": "let me",
             "tool_calls": [{"id": "c1", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}],
             "reasoning_details": [
                {"type": "reasoning.text", "text": "let ", "index": 0,
                 "format": "anthropic-claude-v1"},
                {"type": "reasoning.text", "text": "me", "index": 0,
                 "format": "anthropic-claude-v1"},
                {"type": "reasoning.text", "signature": "s1", "index": 0,
                 "format": "anthropic-claude-v1"},
                {"type": "reasoning.encrypted", "data": "g1", "id": "c1",
                 "format": "google-gemini-v1"},
                {"type": "reasoning.encrypted", "data": "o1", "format": "openai-responses-v1"}]},
        ]}));
        let message = &decoded.request.messages[0];
        let thought = Part::Reasoning {
            text: "let me".to_owned(),
            signature: Some("s1".to_owned()),
            redacted: None,
        };
        assert_eq!(message.parts[0], thought);
        assert!(
            matches!(&message.parts[1], Part::ToolCall(call) if call.signature.as_deref() == Some("g1"))
        );
        assert_eq!(message.parts.len(), 2);
        let raw = message.raw.as_ref().unwrap();
        assert!(raw.value.get("reasoning_details").is_none() && raw.value["content"].is_null());
        assert!(raw.relayed.as_ref().unwrap().get("reasoning_details").is_some());
    }
}
