//! Tools, the choice among them, and the form of the answer, as a client writes them.

use backstay_core::{
    Result, WireFormat,
    chat::{ResponseFormat, Tool, ToolChoice},
    limits,
};
use serde_json::{Value, json};

use super::client_request::Notes;
use crate::fields::{Object, Path};

pub(super) fn tools(body: Object<'_>) -> Result<Vec<Tool>> {
    let tools = body.array("tools")?.unwrap_or_default();
    let path = body.path().field("tools");
    if tools.len() > limits::TOOLS_MAX {
        return Err(path.invalid(format_args!("has more than {} tools", limits::TOOLS_MAX)));
    }
    tools.iter().enumerate().map(|(at, value)| tool(&path.index(at), value)).collect()
}

fn tool(path: &Path<'_>, value: &Value) -> Result<Tool> {
    let members = path.object(value)?;
    if members.required_text("type")? != "function" {
        return Ok(Tool::Provider { format: WireFormat::OpenAi, value: value.clone() });
    }
    let path = path.field("function");
    let function =
        path.object(members.get("function").ok_or_else(|| path.invalid("is required"))?)?;
    Ok(Tool::Function {
        name: function.required_text("name")?.to_owned(),
        description: function.owned_text("description")?,
        parameters: function.get("parameters").cloned(),
        strict: function.flag("strict")?,
    })
}

pub(super) fn tool_choice(body: Object<'_>, notes: &mut Notes) -> Result<Option<ToolChoice>> {
    let Some(value) = body.get("tool_choice") else { return Ok(None) };
    let path = body.path().field("tool_choice");
    if let Value::String(word) = value {
        return match word.as_str() {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            "required" => Ok(Some(ToolChoice::Required)),
            _ => Err(path.invalid("must be auto, none, required or an object that names a tool")),
        };
    }
    let members = path.object(value)?;
    if members.required_text("type")? != "function" {
        notes.uninterpreted.push("tool_choice".to_owned());
        return Ok(None);
    }
    let path = path.field("function");
    let function =
        path.object(members.get("function").ok_or_else(|| path.invalid("is required"))?)?;
    Ok(Some(ToolChoice::Named(function.required_text("name")?.to_owned())))
}

pub(super) fn response_format(
    body: Object<'_>,
    notes: &mut Notes,
) -> Result<Option<ResponseFormat>> {
    let Some(value) = body.get("response_format") else { return Ok(None) };
    let path = body.path().field("response_format");
    let members = path.object(value)?;
    match members.required_text("type")? {
        "text" => Ok(Some(ResponseFormat::Text)),
        "json_object" => Ok(Some(ResponseFormat::JsonObject)),
        "json_schema" => {
            let path = path.field("json_schema");
            let named = members.get("json_schema").ok_or_else(|| path.invalid("is required"))?;
            let named = path.object(named)?;
            Ok(Some(ResponseFormat::JsonSchema {
                name: named.required_text("name")?.to_owned(),
                description: named.owned_text("description")?,
                schema: named.get("schema").cloned().unwrap_or_else(|| json!({})),
                strict: named.flag("strict")?,
            }))
        }
        _ => {
            notes.uninterpreted.push("response_format".to_owned());
            Ok(None)
        }
    }
}
