//! Sampling, the answer's form and thinking: `inferenceConfig`, `outputConfig` and the fields that
//! only one family of models has.

use backstay_core::chat::{ChatRequest, Parameters, Reasoning, ResponseFormat};
use serde_json::{Map, Value, json};

use super::{model_family::ModelFamily, tools};
use crate::{
    Loss,
    claude::{ANSWER_TOKENS_DEFAULT, Circumstances, ClaudeVersion, Sampling, Thinking, fit_schema},
};

/// Each `None` when the client asked for nothing of it.
pub(super) struct Written {
    pub(super) inference: Option<Value>,
    pub(super) output: Option<Value>,
    pub(super) additional: Option<Value>,
}

pub(super) fn encode(
    request: &ChatRequest,
    family: ModelFamily,
    messages: &[Value],
    loss: &mut Loss,
) -> Written {
    let parameters = &request.parameters;
    let settings = match family {
        ModelFamily::Claude(version) => claude(request, version, messages, loss),
        ModelFamily::Nova => nova(request, loss),
        ModelFamily::GptOss => gpt_oss(request, loss),
        ModelFamily::Other => {
            if parameters.top_k.is_some() {
                loss.record("top_k");
            }
            if request.reasoning.is_some() {
                loss.record("reasoning");
            }
            Settings::plain(parameters)
        }
    };
    let mut inference = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        inference.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("maxTokens", settings.max_tokens.map(Value::from));
    set("temperature", settings.temperature.map(Value::from));
    set("topP", settings.top_p.map(Value::from));
    set("stopSequences", stop_sequences(&parameters.stop, loss));
    record_unsupported(request, loss);
    Written {
        inference: filled(inference),
        output: output_config(request.response_format.as_ref(), loss),
        additional: filled(settings.additional),
    }
}

fn filled(members: Map<String, Value>) -> Option<Value> {
    (!members.is_empty()).then_some(Value::Object(members))
}

#[derive(Default)]
struct Settings {
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    additional: Map<String, Value>,
}

impl Settings {
    fn plain(parameters: &Parameters) -> Self {
        Self {
            max_tokens: parameters.max_tokens,
            temperature: parameters.temperature,
            top_p: parameters.top_p,
            additional: Map::new(),
        }
    }
}

fn claude(
    request: &ChatRequest,
    version: Option<ClaudeVersion>,
    messages: &[Value],
    loss: &mut Loss,
) -> Settings {
    let parameters = &request.parameters;
    let circumstances = Circumstances {
        version,
        max_tokens: parameters.max_tokens,
        call_is_forced: tools::forces_call(request),
        thinking_is_lost: answers_calls_without_thinking(messages),
    };
    let thinking = Thinking::plan(request.reasoning.as_ref(), circumstances, loss);
    let sampling = Sampling::allowed(parameters, version, thinking.is_on(), loss);
    let room = || thinking.is_on().then_some(ANSWER_TOKENS_DEFAULT + thinking.budget_tokens);
    let mut settings = Settings {
        max_tokens: parameters.max_tokens.or_else(room),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        additional: Map::new(),
    };
    let mut add = |name: &str, value: Option<Value>| {
        settings.additional.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("top_k", sampling.top_k.map(Value::from));
    add("output_config", thinking.effort.map(|effort| json!({"effort": effort})));
    add("thinking", thinking.field);
    settings
}

/// A message whose calls are being answered must begin with its thinking while a budget is set.
fn answers_calls_without_thinking(messages: &[Value]) -> bool {
    let [.., asked, answered] = messages else { return false };
    answered.pointer("/content/0/toolResult").is_some()
        && asked.pointer("/content/0/reasoningContent").is_none()
}

fn nova(request: &ChatRequest, loss: &mut Loss) -> Settings {
    let mut settings = Settings::plain(&request.parameters);
    if let Some(top_k) = request.parameters.top_k {
        let config = json!({"topK": top_k});
        settings.additional.insert("inferenceConfig".to_owned(), config);
    }
    if let Some(wish) = &request.reasoning {
        let config = match effort(wish, loss) {
            Some(effort) => json!({"type": "enabled", "maxReasoningEffort": effort}),
            None => json!({"type": "disabled"}),
        };
        settings.additional.insert("reasoningConfig".to_owned(), config);
    }
    settings
}

fn gpt_oss(request: &ChatRequest, loss: &mut Loss) -> Settings {
    let mut settings = Settings::plain(&request.parameters);
    if request.parameters.top_k.is_some() {
        loss.record("top_k");
    }
    if let Some(wish) = &request.reasoning {
        // These models always think.
        let effort = effort(wish, loss).unwrap_or_else(|| {
            loss.record("reasoning");
            "low"
        });
        settings.additional.insert("reasoning_effort".to_owned(), Value::from(effort));
    }
    settings
}

/// The wish as one of three efforts; `None` asks for no thinking. Budgets have no place here.
fn effort(wish: &Reasoning, loss: &mut Loss) -> Option<&'static str> {
    if wish.enabled == Some(false) || wish.effort.as_deref() == Some("none") {
        return None;
    }
    if wish.budget_tokens.is_some() {
        loss.record("reasoning");
    }
    Some(match wish.effort.as_deref() {
        Some("minimal" | "low") => "low",
        Some("medium") | None => "medium",
        Some(_) => "high",
    })
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

/// The schema travels as text. What the interface takes of one is what Claude takes of it.
fn output_config(format: Option<&ResponseFormat>, loss: &mut Loss) -> Option<Value> {
    let (name, description, schema) = match format? {
        ResponseFormat::Text => return None,
        ResponseFormat::JsonObject => {
            loss.record("response_format");
            return None;
        }
        ResponseFormat::JsonSchema { name, description, schema, .. } => (name, description, schema),
    };
    let mut schema = schema.clone();
    for keyword in fit_schema(&mut schema) {
        loss.record(format!("response_format.json_schema.schema.{keyword}"));
    }
    let mut written = json!({"schema": schema.to_string(), "name": name});
    if let Some(description) = description {
        written["description"] = Value::from(description.as_str());
    }
    Some(json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": written}}}))
}

/// What this format has no field for. A value that asks for nothing loses nothing.
fn record_unsupported(request: &ChatRequest, loss: &mut Loss) {
    let parameters = &request.parameters;
    let changes = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty != 0.0);
    let has_tools = !request.tools.is_empty();
    let unsupported = [
        ("parallel_tool_calls", has_tools && request.parallel_tool_calls == Some(false)),
        ("seed", parameters.seed.is_some()),
        ("presence_penalty", changes(parameters.presence_penalty)),
        ("frequency_penalty", changes(parameters.frequency_penalty)),
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
