//! A plain answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::embedding::fnv1a;
use crate::respond::{Finish, Plan, Usage};

pub(super) fn reply(id: u64, plan: &Plan) -> Value {
    let mut content = Vec::new();
    if !plan.reasoning.is_empty() {
        let text = json!({"text": plan.reasoning, "signature": sign(&plan.reasoning)});
        content.push(json!({"reasoningContent": {"reasoningText": text}}));
    }
    if !plan.text.is_empty() {
        content.push(json!({"text": plan.text}));
    }
    for (at, call) in plan.calls.iter().enumerate() {
        let used = json!({
            "toolUseId": call_id(id, at), "name": call.name, "input": call.arguments
        });
        content.push(json!({"toolUse": used}));
    }
    let mut reply = json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason(&plan.finish),
        "metrics": {"latencyMs": 1}
    });
    if let Some(counted) = plan.usage {
        reply["usage"] = usage(counted);
    }
    reply
}

pub(super) fn sign(thinking: &str) -> String {
    STANDARD.encode(format!("upstream-sim/{:016x}", fnv1a(thinking.bytes())))
}

pub(super) fn call_id(id: u64, at: usize) -> String {
    format!("tooluse_sim{id}_{at}")
}

pub(super) fn stop_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Complete => "end_turn",
        Finish::MaxTokens => "max_tokens",
        Finish::StopSequence(_) => "stop_sequence",
        Finish::ToolCalls => "tool_use",
    }
}

/// The input excludes the cache here.
pub(super) fn usage(usage: Usage) -> Value {
    json!({
        "inputTokens": usage.prompt - usage.cache_read - usage.cache_write,
        "outputTokens": usage.output,
        "totalTokens": usage.prompt + usage.output,
        "cacheReadInputTokens": usage.cache_read,
        "cacheWriteInputTokens": usage.cache_write
    })
}
