//! The neutral request to a body for an OpenAI-compatible provider.

use backstay_core::{
    Result, WireFormat,
    chat::{ChatRequest, Origin, Parameters, Reasoning, ResponseFormat, Tool, ToolChoice},
};
use serde_json::{Map, Value, json};

use super::upstream_message;
use crate::Loss;

/// A client of the same format is passed on field by field; other clients are translated.
///
/// # Errors
/// None at present; every format's encoder has this signature.
pub(crate) fn encode_request(
    request: &ChatRequest,
    model: &str,
    to_aggregator: bool,
    loss: &mut Loss,
) -> Result<Value> {
    let same_format = request.origin.as_ref().filter(|origin| origin.format == WireFormat::OpenAi);
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(model));
    let messages = upstream_message::encode_all(&request.messages, to_aggregator, loss);
    body.insert("messages".to_owned(), messages);
    match same_format {
        Some(origin) => body.extend(passed_on(origin)),
        None => translate(request, &mut body, loss),
    }
    if request.stream {
        body.insert("stream".to_owned(), Value::Bool(true));
        // The ledger needs the usage, whether the client asked for it or not.
        let options = body.entry("stream_options").or_insert_with(|| json!({}));
        options["include_usage"] = Value::Bool(true);
    } else {
        body.shift_remove("stream_options");
    }
    Ok(Value::Object(body))
}

fn passed_on(origin: &Origin) -> impl Iterator<Item = (String, Value)> {
    origin.fields.iter().map(|(name, value)| (name.clone(), value.clone()))
}

fn translate(request: &ChatRequest, body: &mut Map<String, Value>, loss: &mut Loss) {
    if let Some(origin) = &request.origin {
        origin.uninterpreted.iter().for_each(|name| loss.record(name));
    }
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let tools = tools(&request.tools, loss);
    // A choice among no tools is refused, and means nothing.
    if !tools.is_empty() {
        set("tools", Some(Value::Array(tools)));
        set("tool_choice", request.tool_choice.as_ref().map(tool_choice));
        set("parallel_tool_calls", request.parallel_tool_calls.map(Value::from));
    }
    set("response_format", request.response_format.as_ref().map(response_format));
    if let Some(reasoning) = &request.reasoning {
        set("reasoning_effort", reasoning.effort.clone().map(Value::from));
        record_reasoning_loss(request, reasoning, loss);
    }
    for (name, value) in parameters(&request.parameters) {
        set(name, value);
    }
    if request.parameters.top_k.is_some() {
        loss.record("top_k");
    }
}

/// Efforts are words here: a budget of tokens has no place.
fn record_reasoning_loss(request: &ChatRequest, reasoning: &Reasoning, loss: &mut Loss) {
    let from_anthropic =
        request.origin.as_ref().is_some_and(|origin| origin.format == WireFormat::Anthropic);
    let (whole, budget) = if from_anthropic {
        ("thinking", "thinking.budget_tokens")
    } else {
        ("reasoning", "reasoning.max_tokens")
    };
    if reasoning.budget_tokens.is_some() {
        loss.record(budget);
    } else if reasoning.effort.is_none() && reasoning.enabled.is_some() {
        loss.record(whole);
    }
}

fn parameters(parameters: &Parameters) -> [(&'static str, Option<Value>); 11] {
    let stop = match parameters.stop.as_slice() {
        [] => None,
        texts => Some(Value::from(texts)),
    };
    [
        ("temperature", parameters.temperature.map(Value::from)),
        ("top_p", parameters.top_p.map(Value::from)),
        ("max_tokens", parameters.max_tokens.map(Value::from)),
        ("stop", stop),
        ("seed", parameters.seed.map(Value::from)),
        ("presence_penalty", parameters.presence_penalty.map(Value::from)),
        ("frequency_penalty", parameters.frequency_penalty.map(Value::from)),
        ("n", parameters.choices.map(Value::from)),
        ("logprobs", parameters.logprobs.map(Value::from)),
        ("top_logprobs", parameters.top_logprobs.map(Value::from)),
        ("user", parameters.user.clone().map(Value::from)),
    ]
}

fn tools(tools: &[Tool], loss: &mut Loss) -> Vec<Value> {
    let mut encoded = Vec::with_capacity(tools.len());
    for (at, tool) in tools.iter().enumerate() {
        match tool {
            Tool::Function { name, description, parameters, strict } => {
                let mut function = Map::new();
                function.insert("name".to_owned(), Value::from(name.as_str()));
                let members = [
                    ("description", description.clone().map(Value::from)),
                    ("parameters", parameters.clone()),
                    ("strict", strict.map(Value::from)),
                ];
                let present = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
                function.extend(present.map(|(name, value)| (name.to_owned(), value)));
                encoded.push(json!({"type": "function", "function": function}));
            }
            Tool::Provider { format: WireFormat::OpenAi, value } => encoded.push(value.clone()),
            Tool::Provider { .. } => loss.record(format!("tools[{at}]")),
        }
    }
    encoded
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => Value::from("auto"),
        ToolChoice::None => Value::from("none"),
        ToolChoice::Required => Value::from("required"),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

fn response_format(format: &ResponseFormat) -> Value {
    match format {
        ResponseFormat::Text => json!({"type": "text"}),
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema { name, description, schema, strict } => {
            let mut named = json!({"name": name, "schema": schema});
            if let Some(description) = description {
                named["description"] = Value::from(description.as_str());
            }
            if let Some(strict) = strict {
                named["strict"] = Value::from(*strict);
            }
            json!({"type": "json_schema", "json_schema": named})
        }
    }
}
