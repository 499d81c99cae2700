//! The neutral request to a body for a provider.

use backstay_core::{
    Result,
    chat::{ChatRequest, ToolChoice},
};
use serde_json::{Map, Value};

use super::{
    config::generation_config,
    contents::{self, Prompt},
    field_names,
    model_generation::ModelGeneration,
    tools::{tool_config, tools},
};
use crate::Loss;

/// No client speaks this format, so that every request is a translation. `model` is not part of the
/// body; it decides how thinking is written.
///
/// # Errors
/// None at present; every format's encoder has this signature.
pub(crate) fn encode_request(request: &ChatRequest, model: &str, loss: &mut Loss) -> Result<Value> {
    let mut lost = Loss::default();
    let body = translate(request, ModelGeneration::of(model), &mut lost);
    let origin = request.origin.as_ref();
    origin.iter().flat_map(|origin| &origin.uninterpreted).for_each(|name| loss.record(name));
    let dialect = origin.map(|origin| origin.format);
    for name in lost.into_names() {
        loss.record(field_names::in_dialect(&name, dialect));
    }
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
