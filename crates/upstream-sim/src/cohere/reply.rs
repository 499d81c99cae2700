//! A plain answer.

use serde_json::{Map, Value, json};

use crate::respond::{Call, Finish, Plan, Usage};

/// What stands before tool calls: the model says what it is about to do.
pub(super) const PLAN: &str = "I will use the tools.";

pub(super) fn reply(id: u64, plan: &Plan) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    if plan.calls.is_empty() {
        let mut content = Vec::new();
        if !plan.reasoning.is_empty() {
            content.push(json!({"type": "thinking", "thinking": plan.reasoning}));
        }
        content.push(json!({"type": "text", "text": plan.text}));
        message.insert("content".to_owned(), Value::Array(content));
    } else {
        let calls = plan.calls.iter().enumerate();
        let calls: Vec<Value> =
            calls.map(|(at, one)| call(id, at, one, &one.arguments_text())).collect();
        message.insert("tool_plan".to_owned(), json!(PLAN));
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    let mut reply = json!({
        "id": format!("sim-{id}"),
        "finish_reason": finish_reason(&plan.finish),
        "message": message
    });
    if let Some(counted) = plan.usage {
        reply["usage"] = usage(counted);
    }
    reply
}

pub(super) fn call(id: u64, at: usize, call: &Call, arguments: &str) -> Value {
    json!({
        "id": format!("{}_sim_{id}_{at}", call.name),
        "type": "function",
        "function": {"name": call.name, "arguments": arguments}
    })
}

pub(super) fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Complete => "COMPLETE",
        Finish::StopSequence(_) => "STOP_SEQUENCE",
        Finish::MaxTokens => "MAX_TOKENS",
        Finish::ToolCalls => "TOOL_CALL",
    }
}

/// What is billed, and more tokens than that: the provider adds some of its own to a prompt.
pub(super) fn usage(usage: Usage) -> Value {
    const OWN_TOKENS: usize = 200;
    json!({
        "billed_units": {"input_tokens": usage.prompt as f64, "output_tokens": usage.output as f64},
        "tokens": {
            "input_tokens": (usage.prompt + OWN_TOKENS) as f64,
            "output_tokens": usage.output as f64
        },
        "cached_tokens": usage.cache_read
    })
}
