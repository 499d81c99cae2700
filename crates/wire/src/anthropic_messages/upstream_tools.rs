//! Neutral tools, and the choice among them, for a provider.

use backstay_core::{
    WireFormat,
    chat::{ChatRequest, Tool, ToolChoice},
};
use serde_json::{Map, Value, json};

use super::NAME_CHARACTERS_MAX;
use crate::{Loss, cache_marks, call_ids::tool_name};

pub(super) fn tools(request: &ChatRequest, loss: &mut Loss) -> Vec<Value> {
    let mut encoded = Vec::with_capacity(request.tools.len());
    for (at, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function { name, description, parameters, strict } => {
                let mut body = Map::new();
                let written = tool_name(name, NAME_CHARACTERS_MAX);
                if written != *name {
                    loss.record(format!("tools[{at}].function.name"));
                }
                body.insert("name".to_owned(), Value::from(written));
                if let Some(description) = description {
                    body.insert("description".to_owned(), Value::from(description.as_str()));
                }
                body.insert("input_schema".to_owned(), input_schema(parameters.as_ref()));
                // Older models refuse the word, and models that know it refuse most schemas.
                if *strict == Some(true) {
                    loss.record(format!("tools[{at}].function.strict"));
                }
                if let Some(mark) = cache_marks::of_tool(request, at) {
                    body.insert("cache_control".to_owned(), mark.clone());
                }
                encoded.push(Value::Object(body));
            }
            Tool::Provider { format: WireFormat::Anthropic, value } => encoded.push(value.clone()),
            Tool::Provider { .. } => loss.record(format!("tools[{at}]")),
        }
    }
    encoded
}

/// A schema is required here, and must say that it is of an object.
fn input_schema(parameters: Option<&Value>) -> Value {
    match parameters {
        Some(Value::Object(schema)) => {
            let mut schema = schema.clone();
            schema.entry("type").or_insert_with(|| Value::from("object"));
            Value::Object(schema)
        }
        _ => json!({"type": "object", "properties": {}}),
    }
}

/// `None` where the provider's default says the same.
pub(super) fn tool_choice(request: &ChatRequest) -> Option<Value> {
    let is_serial = request.parallel_tool_calls == Some(false);
    let mut choice = match &request.tool_choice {
        None if is_serial => json!({"type": "auto"}),
        None => return None,
        Some(ToolChoice::None) => return Some(json!({"type": "none"})),
        Some(ToolChoice::Auto) => json!({"type": "auto"}),
        Some(ToolChoice::Required) => json!({"type": "any"}),
        Some(ToolChoice::Named(name)) => {
            json!({"type": "tool", "name": tool_name(name, NAME_CHARACTERS_MAX)})
        }
    };
    if is_serial {
        choice["disable_parallel_tool_use"] = Value::Bool(true);
    }
    Some(choice)
}

/// Whether the model has to call a tool, which excludes thinking.
pub(super) fn forces_call(request: &ChatRequest) -> bool {
    matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_)))
        && !request.tools.is_empty()
}
