//! A plain answer: a message of content blocks.

use serde_json::{Map, Value, json};

use super::signature;
use crate::prompt::Prompt;
use crate::respond::{Finish, Plan, Usage};

pub(crate) fn reply(prompt: &Prompt, id: u64, plan: &Plan) -> Value {
    let (stop_reason, stop_sequence) = stop(&plan.finish);
    let mut message = start(prompt, id);
    message.insert("content".to_owned(), Value::Array(content(id, plan)));
    message.insert("stop_reason".to_owned(), json!(stop_reason));
    message.insert("stop_sequence".to_owned(), json!(stop_sequence));
    if let Some(counted) = plan.usage {
        message.insert("usage".to_owned(), usage(counted, counted.output));
    }
    Value::Object(message)
}

/// A message before its first content.
pub(crate) fn start(prompt: &Prompt, id: u64) -> Map<String, Value> {
    let mut message = Map::new();
    message.insert("id".to_owned(), json!(format!("msg_sim_{id}")));
    message.insert("type".to_owned(), json!("message"));
    message.insert("role".to_owned(), json!("assistant"));
    message.insert("model".to_owned(), json!(prompt.model));
    message.insert("content".to_owned(), json!([]));
    message.insert("stop_reason".to_owned(), Value::Null);
    message.insert("stop_sequence".to_owned(), Value::Null);
    message
}

fn content(id: u64, plan: &Plan) -> Vec<Value> {
    let mut content = Vec::new();
    if !plan.reasoning.is_empty() {
        content.push(json!({
            "type": "thinking",
            "thinking": plan.reasoning,
            "signature": signature::sign(&plan.reasoning)
        }));
    }
    if !plan.text.is_empty() {
        content.push(json!({"type": "text", "text": plan.text}));
    }
    for (at, call) in plan.calls.iter().enumerate() {
        content.push(json!({
            "type": "tool_use",
            "id": call_id(id, at),
            "name": call.name,
            "input": call.arguments
        }));
    }
    content
}

pub(crate) fn call_id(id: u64, at: usize) -> String {
    format!("toolu_sim_{id}_{at}")
}

/// `stop_reason` and `stop_sequence`.
pub(crate) fn stop(finish: &Finish) -> (&'static str, Option<&str>) {
    match finish {
        Finish::Complete => ("end_turn", None),
        Finish::MaxTokens => ("max_tokens", None),
        Finish::StopSequence(stop) => ("stop_sequence", Some(stop)),
        Finish::ToolCalls => ("tool_use", None),
    }
}

/// Usage in Anthropic's way of counting: `input_tokens` excludes what the cache read or wrote.
pub(crate) fn usage(usage: Usage, output: usize) -> Value {
    json!({
        "input_tokens": usage.prompt - usage.cache_read - usage.cache_write,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0
        },
        "output_tokens": output,
        "service_tier": "standard"
    })
}
