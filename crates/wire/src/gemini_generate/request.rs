//! The neutral request to a body for a provider.

use backstay_core::{
    Result,
    chat::{ChatRequest, ToolChoice},
};
use serde_json::{Map, Value};

use super::{
    config::generation_config,
    contents::{self, Prompt},
    model_generation::ModelGeneration,
    tools::{tool_config, tools},
};
use crate::{Loss, field_names};

/// No client speaks this format, so that every request is a translation. `model` is not part of the
/// body; it decides how thinking is written.
///
/// # Errors
/// None at present; every format's encoder has this signature.
pub(crate) fn encode_request(request: &ChatRequest, model: &str, loss: &mut Loss) -> Result<Value> {
    let mut lost = Loss::default();
    let body = translate(request, ModelGeneration::of(model), &mut lost);
    field_names::report(request, lost, loss);
    Ok(body)
}

fn translate(request: &ChatRequest, generation: ModelGeneration, loss: &mut Loss) -> Value {
    let Prompt { system, contents } = contents::encode_all(&request.messages, generation, loss);
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        body.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("systemInstruction", system);
    set("contents", Some(Value::Array(contents)));
    let tools = tools(&request.tools, loss);
    // A choice among no tools is refused, and means nothing.
    let choice = request
        .tool_choice
        .as_ref()
        .filter(|choice| tools.is_some() && **choice != ToolChoice::Auto);
    set("toolConfig", choice.map(tool_config));
    set("tools", tools);
    set("generationConfig", generation_config(request, generation, loss));
    Value::Object(body)
}
