//! Neutral tools, and the choice among them, as `toolConfig`.

use std::collections::BTreeSet;

use backstay_core::{
    WireFormat,
    chat::{ChatRequest, Tool, ToolChoice},
};
use serde_json::{Map, Value, json};

use super::NAME_CHARACTERS_MAX;
use crate::{Loss, call_ids::tool_name};

/// `None` when there are none. A conversation with calls is refused without the tools that it called:
/// where the client does not name them any more, they are named for it.
pub(super) fn tool_config(
    request: &ChatRequest,
    messages: &[Value],
    loss: &mut Loss,
) -> Option<Value> {
    let mut tools = tools(&request.tools, loss);
    let called = names_called(messages);
    let is_forbidden = request.tool_choice == Some(ToolChoice::None) && !tools.is_empty();
    if is_forbidden {
        // There is no word for it, but a model without tools calls none.
        if called.is_empty() {
            return None;
        }
        loss.record("tool_choice");
    }
    if tools.is_empty() {
        tools.extend(called.into_iter().map(|name| tool_spec(name, None, None, None)));
    }
    if tools.is_empty() {
        return None;
    }
    let mut config = json!({"tools": tools});
    let choice = request.tool_choice.as_ref().filter(|_| !request.tools.is_empty());
    if let Some(choice) = choice.and_then(tool_choice) {
        config["toolChoice"] = choice;
    }
    Some(config)
}

pub(super) fn forces_call(request: &ChatRequest) -> bool {
    matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_)))
        && !request.tools.is_empty()
}

fn names_called(messages: &[Value]) -> BTreeSet<String> {
    let blocks = messages.iter().filter_map(|message| message["content"].as_array()).flatten();
    let names = blocks.filter_map(|block| block.pointer("/toolUse/name")?.as_str());
    names.map(str::to_owned).collect()
}

fn tools(tools: &[Tool], loss: &mut Loss) -> Vec<Value> {
    let mut encoded = Vec::with_capacity(tools.len());
    for (at, tool) in tools.iter().enumerate() {
        match tool {
            Tool::Function { name, description, parameters, strict } => {
                let written = tool_name(name, NAME_CHARACTERS_MAX);
                if written != *name {
                    loss.record(format!("tools[{at}].function.name"));
                }
                let (description, schema) = (description.as_deref(), parameters.as_ref());
                encoded.push(tool_spec(written, description, schema, *strict));
            }
            Tool::Provider { format: WireFormat::Bedrock, value } => encoded.push(value.clone()),
            Tool::Provider { .. } => loss.record(format!("tools[{at}]")),
        }
    }
    encoded
}

/// A schema is required, and must say that it is of an object. An empty description is refused.
fn tool_spec(
    name: String,
    description: Option<&str>,
    schema: Option<&Value>,
    strict: Option<bool>,
) -> Value {
    let mut spec = Map::new();
    spec.insert("name".to_owned(), Value::from(name));
    if let Some(description) = description.filter(|text| !text.is_empty()) {
        spec.insert("description".to_owned(), Value::from(description));
    }
    let mut schema = match schema {
        Some(Value::Object(members)) => members.clone(),
        _ => Map::new(),
    };
    schema.entry("type").or_insert_with(|| Value::from("object"));
    spec.insert("inputSchema".to_owned(), json!({"json": schema}));
    if strict == Some(true) {
        spec.insert("strict".to_owned(), Value::Bool(true));
    }
    json!({"toolSpec": spec})
}

fn tool_choice(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::None => None,
        ToolChoice::Auto => Some(json!({"auto": {}})),
        ToolChoice::Required => Some(json!({"any": {}})),
        ToolChoice::Named(name) => {
            Some(json!({"tool": {"name": tool_name(name, NAME_CHARACTERS_MAX)}}))
        }
    }
}
