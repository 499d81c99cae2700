//! The neutral request to a body for a provider.

use backstay_core::{
    Result, WireFormat,
    chat::{ChatRequest, Parameters, ResponseFormat},
};
use serde_json::{Map, Value, json};

use super::{
    upstream_content::mark_last,
    upstream_message::{self, Prompt},
    upstream_tools::{forces_call, tool_choice, tools},
};
use crate::{
    Loss, cache_marks,
    claude::{ANSWER_TOKENS_DEFAULT, Circumstances, ClaudeVersion, Sampling, Thinking, fit_schema},
};

/// A client of the same format is passed on field by field; other clients are translated.
///
/// # Errors
/// None at present; every format's encoder has this signature.
pub(crate) fn encode_request(request: &ChatRequest, model: &str, loss: &mut Loss) -> Result<Value> {
    let Prompt { system, mut messages } = upstream_message::encode_all(&request.messages, loss);
    let same_format =
        request.origin.as_ref().filter(|origin| origin.format == WireFormat::Anthropic);
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(model));
    match same_format {
        Some(origin) => {
            body.extend(origin.fields.clone());
            body.entry("max_tokens").or_insert(Value::from(ANSWER_TOKENS_DEFAULT));
        }
        None => {
            translate(request, model, &messages, &mut body, loss);
            if let Some(mark) = cache_marks::of_whole(request) {
                mark_last(&mut messages, mark, loss);
            }
        }
    }
    body.extend(system.map(|system| ("system".to_owned(), system)));
    body.insert("messages".to_owned(), Value::Array(messages));
    if request.stream {
        body.insert("stream".to_owned(), Value::Bool(true));
    }
    Ok(Value::Object(body))
}

fn translate(
    request: &ChatRequest,
    model: &str,
    messages: &[Value],
    body: &mut Map<String, Value>,
    loss: &mut Loss,
) {
    if let Some(origin) = &request.origin {
        let lost = origin.uninterpreted.iter().filter(|name| *name != "cache_control");
        lost.for_each(|name| loss.record(name));
    }
    let parameters = &request.parameters;
    let version = ClaudeVersion::of(model);
    let circumstances = Circumstances {
        version,
        max_tokens: parameters.max_tokens,
        call_is_forced: forces_call(request),
        thinking_is_lost: answers_calls_without_thinking(messages),
    };
    let thinking = Thinking::plan(request.reasoning.as_ref(), circumstances, loss);
    let max_tokens =
        parameters.max_tokens.unwrap_or(ANSWER_TOKENS_DEFAULT + thinking.budget_tokens);
    let mut set = |name: &str, value: Option<Value>| {
        body.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("max_tokens", Some(Value::from(max_tokens)));
    let sampling = Sampling::allowed(parameters, version, thinking.is_on(), loss);
    set("temperature", sampling.temperature.map(Value::from));
    set("top_p", sampling.top_p.map(Value::from));
    set("top_k", sampling.top_k.map(Value::from));
    set("stop_sequences", stop_sequences(&parameters.stop, loss));
    set("metadata", parameters.user.as_ref().map(|user| json!({"user_id": user})));
    let tools = tools(request, loss);
    // A choice among no tools is refused, and means nothing.
    if !tools.is_empty() {
        set("tools", Some(Value::Array(tools)));
        set("tool_choice", tool_choice(request));
    }
    set("output_config", output_config(request.response_format.as_ref(), thinking.effort, loss));
    set("thinking", thinking.field);
    record_unsupported(parameters, loss);
}

/// A message whose calls are being answered must begin with its thinking while a budget is set.
fn answers_calls_without_thinking(messages: &[Value]) -> bool {
    let [.., asked, answered] = messages else { return false };
    if answered.pointer("/content/0/type").is_none_or(|kind| kind != "tool_result") {
        return false;
    }
    let first = asked.pointer("/content/0/type").and_then(Value::as_str);
    !matches!(first, Some("thinking" | "redacted_thinking"))
}

/// White space alone is refused.
fn stop_sequences(texts: &[String], loss: &mut Loss) -> Option<Value> {
    let (kept, refused): (Vec<&String>, Vec<&String>) =
        texts.iter().partition(|text| !text.trim().is_empty());
    if !refused.is_empty() {
        loss.record("stop");
    }
    (!kept.is_empty()).then(|| json!(kept))
}

fn output_config(
    format: Option<&ResponseFormat>,
    effort: Option<&str>,
    loss: &mut Loss,
) -> Option<Value> {
    let mut config = Map::new();
    config.extend(effort.map(|effort| ("effort".to_owned(), Value::from(effort))));
    match format {
        Some(ResponseFormat::JsonSchema { schema, .. }) => {
            let mut schema = schema.clone();
            for keyword in fit_schema(&mut schema) {
                loss.record(format!("response_format.json_schema.schema.{keyword}"));
            }
            let format = json!({"type": "json_schema", "schema": schema});
            config.insert("format".to_owned(), format);
        }
        Some(ResponseFormat::JsonObject) => loss.record("response_format"),
        Some(ResponseFormat::Text) | None => {}
    }
    (!config.is_empty()).then_some(Value::Object(config))
}

/// What this format has no field for. A value that asks for nothing loses nothing.
fn record_unsupported(parameters: &Parameters, loss: &mut Loss) {
    let changes = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty != 0.0);
    let unsupported = [
        ("seed", parameters.seed.is_some()),
        ("presence_penalty", changes(parameters.presence_penalty)),
        ("frequency_penalty", changes(parameters.frequency_penalty)),
        ("n", parameters.choices.is_some_and(|choices| choices > 1)),
        ("logprobs", parameters.logprobs == Some(true)),
        ("top_logprobs", parameters.top_logprobs.is_some_and(|count| count > 0)),
    ];
    for (name, is_lost) in unsupported {
        if is_lost {
            loss.record(name);
        }
    }
}
