//! Sampling, the answer's form and thinking, as `generationConfig`.

use backstay_core::chat::{ChatRequest, Parameters, ResponseFormat};
use serde_json::{Map, Value};

use super::{model_generation::ModelGeneration, thinking};
use crate::Loss;

const STOP_SEQUENCES_MAX: usize = 5;

/// `None` when the client asked for nothing of it.
pub(super) fn generation_config(
    request: &ChatRequest,
    generation: ModelGeneration,
    loss: &mut Loss,
) -> Option<Value> {
    let parameters = &request.parameters;
    let mut config = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        config.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("temperature", parameters.temperature.map(Value::from));
    set("topP", parameters.top_p.map(Value::from));
    set("topK", parameters.top_k.map(Value::from));
    set("maxOutputTokens", parameters.max_tokens.map(Value::from));
    set("stopSequences", stop_sequences(&parameters.stop, loss));
    set("seed", seed(parameters, loss));
    set("presencePenalty", parameters.presence_penalty.map(Value::from));
    set("frequencyPenalty", parameters.frequency_penalty.map(Value::from));
    set("candidateCount", parameters.choices.filter(|count| *count > 1).map(Value::from));
    let (media_type, schema) = answer_form(request.response_format.as_ref());
    set("responseMimeType", media_type.map(Value::from));
    set("responseJsonSchema", schema);
    let reasoning = request.reasoning.as_ref();
    set(
        "thinkingConfig",
        reasoning.and_then(|reasoning| thinking::config(reasoning, generation, loss)),
    );
    record_unsupported(request, loss);
    (!config.is_empty()).then_some(Value::Object(config))
}

fn stop_sequences(texts: &[String], loss: &mut Loss) -> Option<Value> {
    if texts.len() > STOP_SEQUENCES_MAX {
        loss.record("stop");
    }
    (!texts.is_empty()).then(|| texts.iter().take(STOP_SEQUENCES_MAX).cloned().collect())
}

/// Seeds have 32 bits here.
fn seed(parameters: &Parameters, loss: &mut Loss) -> Option<Value> {
    let seed = parameters.seed?;
    if i32::try_from(seed).is_err() {
        loss.record("seed");
        return None;
    }
    Some(Value::from(seed))
}

fn answer_form(format: Option<&ResponseFormat>) -> (Option<&'static str>, Option<Value>) {
    const JSON: &str = "application/json";
    match format {
        None | Some(ResponseFormat::Text) => (None, None),
        Some(ResponseFormat::JsonObject) => (Some(JSON), None),
        Some(ResponseFormat::JsonSchema { schema, .. }) => (Some(JSON), Some(schema.clone())),
    }
}

/// What this format has no field for. A value that asks for nothing loses nothing.
fn record_unsupported(request: &ChatRequest, loss: &mut Loss) {
    let parameters = &request.parameters;
    let has_tools = !request.tools.is_empty();
    let unsupported = [
        ("parallel_tool_calls", has_tools && request.parallel_tool_calls == Some(false)),
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
