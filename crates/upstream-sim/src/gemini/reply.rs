//! A plain answer: one candidate with its parts.

use serde_json::{Map, Value, json};

use super::{Extra, contents};
use crate::prompt::Prompt;
use crate::respond::{Finish, Plan, Usage};

pub(crate) fn reply(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Value {
    let mut parts = Vec::new();
    if extra.include_thoughts && !plan.reasoning.is_empty() {
        parts.push(thought(&plan.reasoning));
    }
    if !plan.text.is_empty() {
        parts.push(json!({"text": plan.text}));
    }
    parts.extend(calls(plan));
    envelope(prompt, extra, parts, Some(finish_reason(&plan.finish)), plan.usage)
}

pub(crate) fn thought(text: &str) -> Value {
    json!({"text": text, "thought": true})
}

/// The function calls; the first one is signed if the model reasoned.
pub(crate) fn calls(plan: &Plan) -> Vec<Value> {
    plan.calls
        .iter()
        .enumerate()
        .map(|(at, call)| {
            let mut part = json!({"functionCall": {"name": call.name, "args": call.arguments}});
            if at == 0 && !plan.reasoning.is_empty() {
                part["thoughtSignature"] = json!(contents::sign(&call.name));
            }
            part
        })
        .collect()
}

pub(crate) fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Complete | Finish::StopSequence(_) | Finish::ToolCalls => "STOP",
        Finish::MaxTokens => "MAX_TOKENS",
    }
}

/// A response with these parts.
pub(crate) fn envelope(
    prompt: &Prompt,
    extra: &Extra,
    parts: Vec<Value>,
    finish_reason: Option<&'static str>,
    usage: Option<Usage>,
) -> Value {
    let mut candidate = Map::new();
    candidate.insert("content".to_owned(), json!({"parts": parts, "role": "model"}));
    if let Some(reason) = finish_reason {
        candidate.insert("finishReason".to_owned(), json!(reason));
    }
    candidate.insert("index".to_owned(), json!(0));
    let mut response = Map::new();
    response.insert("candidates".to_owned(), json!([candidate]));
    if let Some(counted) = usage {
        response.insert("usageMetadata".to_owned(), self::usage(counted));
    }
    response.insert("modelVersion".to_owned(), json!(prompt.model));
    response.insert("responseId".to_owned(), json!(format!("resp-sim-{}", extra.id)));
    Value::Object(response)
}

/// Usage in Gemini's way of counting: candidates exclude thoughts, the prompt includes the cache.
pub(crate) fn usage(usage: Usage) -> Value {
    let mut counts = json!({
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.prompt + usage.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.prompt}]
    });
    if usage.reasoning > 0 {
        counts["thoughtsTokenCount"] = json!(usage.reasoning);
    }
    if usage.cache_read > 0 {
        counts["cachedContentTokenCount"] = json!(usage.cache_read);
        counts["cacheTokensDetails"] =
            json!([{"modality": "TEXT", "tokenCount": usage.cache_read}]);
    }
    counts
}
