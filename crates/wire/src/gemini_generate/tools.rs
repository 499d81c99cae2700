//! Neutral tools, and the choice among them, as function declarations.

use backstay_core::{
    WireFormat,
    chat::{Tool, ToolChoice},
};
use serde_json::{Map, Value, json};

use super::function_call::function_name;
use crate::Loss;

/// `None` when there are none.
pub(super) fn tools(tools: &[Tool], loss: &mut Loss) -> Option<Value> {
    let (mut declarations, mut encoded) = (Vec::new(), Vec::new());
    for (at, tool) in tools.iter().enumerate() {
        match tool {
            Tool::Function { name, description, parameters, strict } => {
                let written = function_name(name);
                if written != *name {
                    loss.record(format!("tools[{at}].function.name"));
                }
                if *strict == Some(true) {
                    loss.record(format!("tools[{at}].function.strict"));
                }
                declarations.push(declaration(
                    written,
                    description.as_deref(),
                    parameters.as_ref(),
                ));
            }
            Tool::Provider { format: WireFormat::Gemini, value } => encoded.push(value.clone()),
            Tool::Provider { .. } => loss.record(format!("tools[{at}]")),
        }
    }
    if !declarations.is_empty() {
        encoded.push(json!({"functionDeclarations": declarations}));
    }
    (!encoded.is_empty()).then_some(Value::Array(encoded))
}

/// `parametersJsonSchema` takes JSON Schema as it is; the older `parameters` a dialect of it.
fn declaration(name: String, description: Option<&str>, parameters: Option<&Value>) -> Value {
    let mut body = Map::new();
    body.insert("name".to_owned(), Value::from(name));
    if let Some(description) = description {
        body.insert("description".to_owned(), Value::from(description));
    }
    if let Some(schema @ Value::Object(_)) = parameters {
        body.insert("parametersJsonSchema".to_owned(), schema.clone());
    }
    Value::Object(body)
}

pub(super) fn tool_config(choice: &ToolChoice) -> Value {
    let config = match choice {
        ToolChoice::Auto => json!({"mode": "AUTO"}),
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Named(name) => {
            json!({"mode": "ANY", "allowedFunctionNames": [function_name(name)]})
        }
    };
    json!({"functionCallingConfig": config})
}
