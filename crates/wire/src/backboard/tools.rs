//! Tools as assistants and messages have them, and as they are shown again.

use backstay_core::{Result, limits};
use serde_json::{Map, Value, json};

use super::fields::wrong;

/// A function that a model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionTool {
    pub name: String,
    pub description: Option<String>,
    pub parameters: Option<Value>,
}

/// # Errors
/// `invalid_request` where a tool is no function with a name.
pub fn function_tools(tools: &[Value]) -> Result<Vec<FunctionTool>> {
    if tools.len() > limits::TOOLS_MAX {
        return Err(wrong("tools", &format!("a list of at most {} tools", limits::TOOLS_MAX)));
    }
    tools.iter().enumerate().map(|(index, tool)| function_tool(index, tool)).collect()
}

fn function_tool(index: usize, tool: &Value) -> Result<FunctionTool> {
    let expected = "an object with `type` \"function\" and a `function` that has a `name`";
    let misses = || wrong(&format!("tools[{index}]"), expected);
    let kind = tool.get("type").and_then(Value::as_str).unwrap_or("function");
    let function = tool.get("function").and_then(Value::as_object).ok_or_else(misses)?;
    let name = function.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.filter(|_| kind == "function").ok_or_else(misses)?;
    Ok(FunctionTool {
        name: name.to_owned(),
        description: function.get("description").and_then(Value::as_str).map(str::to_owned),
        parameters: function.get("parameters").filter(|schema| schema.is_object()).cloned(),
    })
}

/// Tools as every version of the clients can read them: with all members that those insist on, and
/// without the forms of JSON Schema that they do not know. The model is given what was stored.
pub fn echoed_tools(tools: &[Value]) -> Vec<Value> {
    tools.iter().map(echoed).collect()
}

fn echoed(tool: &Value) -> Value {
    let mut function = tool.get("function").and_then(Value::as_object).cloned().unwrap_or_default();
    let parameters = function.get("parameters").and_then(Value::as_object);
    let mut parameters = parameters.cloned().unwrap_or_default();
    parameters.entry("type").or_insert_with(|| json!("object"));
    let properties = parameters.get("properties").and_then(Value::as_object);
    let properties: Map<String, Value> = properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.clone(), plain(schema)))
        .collect();
    parameters.insert("properties".to_owned(), Value::Object(properties));
    function.insert("parameters".to_owned(), Value::Object(parameters));
    json!({"type": "function", "function": function})
}

/// A schema whose `type` is one text and whose `enum` holds texts.
fn plain(schema: &Value) -> Value {
    let Some(schema) = schema.as_object() else {
        // `true` and `false`: anything, and nothing.
        return json!({"type": "string"});
    };
    let mut plain_schema = Map::new();
    for (keyword, value) in schema {
        let value = match (keyword.as_str(), value) {
            ("type", Value::Array(types)) => {
                let any: Vec<Value> = types.iter().map(|one| json!({"type": one})).collect();
                plain_schema.insert("anyOf".to_owned(), Value::Array(any));
                let first = types.iter().find(|one| one.as_str() != Some("null"));
                first.cloned().unwrap_or_else(|| json!("string"))
            }
            ("enum", Value::Array(values)) => values.iter().map(as_text).collect(),
            ("items", items) => plain(items),
            ("properties", Value::Object(properties)) => {
                let properties = properties.iter().map(|(name, one)| (name.clone(), plain(one)));
                Value::Object(properties.collect())
            }
            (_, value) => value.clone(),
        };
        plain_schema.insert(keyword.clone(), value);
    }
    plain_schema.entry("type").or_insert_with(|| json!("string"));
    Value::Object(plain_schema)
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        other => Value::String(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_old_clients_cannot_read_is_written_so_that_they_can() {
        let tools = [
            json!({"function": {"name": "bare"}}),
            json!({"type": "function", "function": {"name": "rich", "parameters": {"properties": {
                "a": {"type": ["integer", "null"]}, "b": {"enum": [1, "x", null]}, "c": true,
                "d": {"type": "array", "items": {"type": ["string", "null"]}, "minItems": 1},
            }}}}),
        ];
        let echoed = echoed_tools(&tools);
        let bare = json!({"type": "function", "function":
            {"name": "bare", "parameters": {"type": "object", "properties": {}}}});
        assert_eq!(echoed[0], bare);
        let properties = &echoed[1]["function"]["parameters"]["properties"];
        assert_eq!(properties["a"]["type"], "integer");
        assert_eq!(properties["b"]["enum"], json!(["1", "x", "null"]));
        assert_eq!(properties["c"], json!({"type": "string"}));
        assert_eq!(properties["d"]["items"]["type"], "string");
        assert_eq!(properties["d"]["minItems"], 1);
    }

    #[test]
    fn a_tool_without_a_name_is_refused_with_its_place() {
        for tool in [json!({}), json!({"type": "x", "function": {"name": "n"}}), json!("n")] {
            let tools = [json!({"function": {"name": "n"}}), tool];
            let error = function_tools(&tools).unwrap_err();
            assert_eq!(error.parameter(), Some("tools[1]"), "{error}");
        }
    }
}
