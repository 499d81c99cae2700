//! A plain chat completion.

use serde_json::{Map, Value, json};

use super::Extra;
use crate::CREATED_UNIX_S;
use crate::prompt::Prompt;
use crate::respond::{Call, Finish, Plan, Usage};
use crate::tokens;

/// The log probability of every token: the simulator is sure of itself.
const LOGPROB: f64 = -0.01;

pub(crate) fn reply(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Value {
    let choices: Vec<Value> = (0..prompt.choices)
        .map(|index| {
            json!({
                "index": index,
                "message": message(extra.id, index, plan),
                "logprobs": extra.top_logprobs.map(|top| {
                    logprobs(tokens::pieces(&plan.text), top)
                }),
                "finish_reason": finish_reason(&plan.finish)
            })
        })
        .collect();
    let mut reply = json!({
        "id": completion_id(extra.id),
        "object": "chat.completion",
        "created": CREATED_UNIX_S,
        "model": prompt.model,
        "choices": choices,
        "service_tier": "default",
        "system_fingerprint": "fp_sim"
    });
    if let (Some(usage), Some(object)) = (plan.usage, reply.as_object_mut()) {
        object.insert("usage".to_owned(), self::usage(usage));
    }
    reply
}

fn message(id: u64, choice: usize, plan: &Plan) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    let content = if plan.calls.is_empty() { json!(plan.text) } else { Value::Null };
    message.insert("content".to_owned(), content);
    if !plan.reasoning.is_empty() {
        message.insert("reasoning_content".to_owned(), json!(plan.reasoning));
    }
    message.insert("refusal".to_owned(), Value::Null);
    message.insert("annotations".to_owned(), json!([]));
    if !plan.calls.is_empty() {
        let calls: Vec<Value> = plan
            .calls
            .iter()
            .enumerate()
            .map(|(at, call)| tool_call(id, choice, at, call))
            .collect();
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    Value::Object(message)
}

fn tool_call(id: u64, choice: usize, at: usize, call: &Call) -> Value {
    json!({
        "id": call_id(id, choice, at),
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments_text()}
    })
}

pub(crate) fn completion_id(id: u64) -> String {
    format!("chatcmpl-sim-{id}")
}

pub(crate) fn call_id(id: u64, choice: usize, at: usize) -> String {
    format!("call_sim_{id}_{choice}_{at}")
}

pub(crate) fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Complete | Finish::StopSequence(_) => "stop",
        Finish::MaxTokens => "length",
        Finish::ToolCalls => "tool_calls",
    }
}

pub(crate) fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0
        }
    })
}

/// Log probabilities of some tokens, with `top` alternatives each.
pub(crate) fn logprobs<'a>(pieces: impl Iterator<Item = &'a str>, top: usize) -> Value {
    let one = |token: &str, logprob: f64| {
        let bytes = token.as_bytes();
        json!({"token": token, "logprob": logprob, "bytes": bytes})
    };
    let content: Vec<Value> = pieces
        .map(|piece| {
            let alternatives: Vec<Value> = (0..top)
                .map(|rank| match rank {
                    0 => one(piece, LOGPROB),
                    rank => one(&format!("alternative{rank}"), LOGPROB - 5.0 * rank as f64),
                })
                .collect();
            let mut token = one(piece, LOGPROB);
            token["top_logprobs"] = Value::Array(alternatives);
            token
        })
        .collect();
    json!({"content": content, "refusal": null})
}
