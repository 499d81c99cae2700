//! Neutral tools, and the choice among them.

use backstay_core::{
    WireFormat,
    chat::{ChatRequest, Tool, ToolChoice},
};
use serde_json::{Map, Value, json};

use crate::Loss;

/// `tools`, `tool_choice` and `strict_tools`; nothing when there are no tools.
pub(super) fn encode(request: &ChatRequest, loss: &mut Loss) -> Vec<(&'static str, Value)> {
    let chosen = chosen_alone(request);
    let (mut tools, mut strict) = (Vec::new(), Vec::new());
    for (at, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function { name, .. } if chosen.is_some_and(|chosen| chosen != name) => {}
            Tool::Function { name, description, parameters, strict: is_strict } => {
                tools.push(function(name, description.as_deref(), parameters.as_ref()));
                strict.push((at, *is_strict == Some(true)));
            }
            Tool::Provider { format: WireFormat::Cohere, value } => tools.push(value.clone()),
            Tool::Provider { .. } => loss.record(format!("tools[{at}]")),
        }
    }
    if tools.is_empty() {
        return Vec::new();
    }
    if request.parallel_tool_calls == Some(false) {
        loss.record("parallel_tool_calls");
    }
    let mut fields = vec![("tools", Value::Array(tools))];
    match &request.tool_choice {
        None | Some(ToolChoice::Auto) => {}
        Some(ToolChoice::None) => fields.push(("tool_choice", Value::from("NONE"))),
        Some(ToolChoice::Required | ToolChoice::Named(_)) => {
            fields.push(("tool_choice", Value::from("REQUIRED")));
        }
    }
    fields.extend(strict_tools(&strict, loss));
    fields
}

/// The interface cannot name the tool that is to be called, but a model that must call one and has
/// only that one calls it.
fn chosen_alone(request: &ChatRequest) -> Option<&str> {
    let Some(ToolChoice::Named(name)) = &request.tool_choice else { return None };
    let is_there = request
        .tools
        .iter()
        .any(|tool| matches!(tool, Tool::Function { name: known, .. } if known == name));
    is_there.then_some(name.as_str())
}

/// One switch for all tools: it is set when every tool wants it.
fn strict_tools(wishes: &[(usize, bool)], loss: &mut Loss) -> Option<(&'static str, Value)> {
    if !wishes.is_empty() && wishes.iter().all(|(_, is_strict)| *is_strict) {
        return Some(("strict_tools", Value::Bool(true)));
    }
    for (at, _) in wishes.iter().filter(|(_, is_strict)| *is_strict) {
        loss.record(format!("tools[{at}].function.strict"));
    }
    None
}

fn function(name: &str, description: Option<&str>, parameters: Option<&Value>) -> Value {
    let mut function = Map::new();
    function.insert("name".to_owned(), Value::from(name));
    if let Some(description) = description {
        function.insert("description".to_owned(), Value::from(description));
    }
    let parameters = match parameters {
        Some(schema @ Value::Object(_)) => schema.clone(),
        _ => json!({"type": "object", "properties": {}}),
    };
    function.insert("parameters".to_owned(), parameters);
    json!({"type": "function", "function": function})
}
