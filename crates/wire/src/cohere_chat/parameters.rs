//! Sampling, the answer's form and thinking.

use backstay_core::chat::{ChatRequest, Reasoning, ResponseFormat};
use serde_json::{Value, json};

use crate::Loss;

const STOP_SEQUENCES_MAX: usize = 5;

pub(super) fn encode(
    request: &ChatRequest,
    has_tools: bool,
    loss: &mut Loss,
) -> Vec<(&'static str, Value)> {
    let parameters = &request.parameters;
    record_unsupported(request, loss);
    let fields = [
        ("max_tokens", parameters.max_tokens.map(Value::from)),
        ("temperature", parameters.temperature.map(Value::from)),
        ("p", parameters.top_p.map(Value::from)),
        ("k", parameters.top_k.map(Value::from)),
        ("seed", parameters.seed.map(Value::from)),
        ("stop_sequences", stop_sequences(&parameters.stop, loss)),
        ("presence_penalty", penalty("presence_penalty", parameters.presence_penalty, loss)),
        ("frequency_penalty", penalty("frequency_penalty", parameters.frequency_penalty, loss)),
        ("response_format", response_format(request, has_tools, loss)),
        ("thinking", request.reasoning.as_ref().and_then(|wish| thinking(wish, loss))),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn stop_sequences(texts: &[String], loss: &mut Loss) -> Option<Value> {
    if texts.len() > STOP_SEQUENCES_MAX {
        loss.record("stop");
    }
    (!texts.is_empty()).then(|| texts.iter().take(STOP_SEQUENCES_MAX).cloned().collect())
}

/// Penalties are from 0 to 1 here; others are brought to the nearer end.
fn penalty(name: &str, wish: Option<f64>, loss: &mut Loss) -> Option<Value> {
    let wish = wish?;
    let fitted = wish.clamp(0.0, 1.0);
    if (fitted - wish).abs() > f64::EPSILON {
        loss.record(name);
    }
    Some(Value::from(fitted))
}

/// A form is refused beside tools, which matter more.
fn response_format(request: &ChatRequest, has_tools: bool, loss: &mut Loss) -> Option<Value> {
    let format = match request.response_format.as_ref()? {
        ResponseFormat::Text => return None,
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema { schema, .. } => {
            json!({"type": "json_object", "json_schema": schema})
        }
    };
    if has_tools {
        loss.record("response_format");
        return None;
    }
    Some(format)
}

/// Thinking is on, with a budget if need be, or off. How hard it is has no word here.
fn thinking(wish: &Reasoning, loss: &mut Loss) -> Option<Value> {
    if wish.enabled == Some(false) || wish.effort.as_deref() == Some("none") {
        return Some(json!({"type": "disabled"}));
    }
    match (wish.budget_tokens, &wish.effort) {
        (Some(budget), _) => Some(json!({"type": "enabled", "token_budget": budget})),
        (None, Some(_)) => {
            loss.record("reasoning");
            Some(json!({"type": "enabled"}))
        }
        (None, None) => wish.enabled.map(|_| json!({"type": "enabled"})),
    }
}

/// What this format has no field for, or answers in a form that clients do not read. A value that
/// asks for nothing loses nothing.
fn record_unsupported(request: &ChatRequest, loss: &mut Loss) {
    let parameters = &request.parameters;
    let unsupported = [
        ("n", parameters.choices.is_some_and(|choices| choices > 1)),
        ("logprobs", parameters.logprobs == Some(true)),
        ("top_logprobs", parameters.top_logprobs.is_some_and(|count| count > 0)),
        ("user", parameters.user.is_some()),
    ];
    for (name, is_lost) in unsupported {
        if is_lost {
            loss.record(name);
        }
    }
}
