//! Tools and the choice among them, as a client writes them.

use backstay_core::{
    Result, WireFormat,
    chat::{Tool, ToolChoice},
    limits,
};
use serde_json::Value;

use super::client_request::Notes;
use crate::fields::{Object, Path};

pub(super) fn tools(body: Object<'_>, notes: &mut Notes) -> Result<Vec<Tool>> {
    let tools = body.array("tools")?.unwrap_or_default();
    let path = body.path().field("tools");
    if tools.len() > limits::TOOLS_MAX {
        return Err(path.invalid(format_args!("has more than {} tools", limits::TOOLS_MAX)));
    }
    tools.iter().enumerate().map(|(at, value)| tool(&path.index(at), value, notes)).collect()
}

/// A tool with a `type` other than `custom` runs at the provider.
fn tool(path: &Path<'_>, value: &Value, notes: &mut Notes) -> Result<Tool> {
    let members = path.object(value)?;
    if members.text("type")?.is_some_and(|kind| kind != "custom") {
        return Ok(Tool::Provider { format: WireFormat::Anthropic, value: value.clone() });
    }
    if members.get("function").is_some() {
        let what =
            "belongs to another interface; here a tool has `name`, `description`, `input_schema`";
        return Err(path.field("function").invalid(what));
    }
    notes.others(members, &["type", "name", "description", "input_schema", "strict"]);
    let schema = members.get("input_schema").ok_or_else(|| members.missing("input_schema"))?;
    Ok(Tool::Function {
        name: members.required_text("name")?.to_owned(),
        description: members.owned_text("description")?,
        parameters: Some(schema.clone()),
        strict: members.flag("strict")?,
    })
}

/// The choice, and whether several calls may be made at once.
pub(super) fn tool_choice(
    body: Object<'_>,
    notes: &mut Notes,
) -> Result<(Option<ToolChoice>, Option<bool>)> {
    let Some(value) = body.get("tool_choice") else { return Ok((None, None)) };
    let path = body.path().field("tool_choice");
    let members = path.object(value)?;
    let choice = match members.required_text("type")? {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(members.required_text("name")?.to_owned()),
        other => {
            let what = format_args!("must be auto, any, tool or none, not {other:?}");
            return Err(path.field("type").invalid(what));
        }
    };
    notes.others(members, &["type", "name", "disable_parallel_tool_use"]);
    let is_serial = members.flag("disable_parallel_tool_use")?;
    Ok((Some(choice), is_serial.map(|is_serial| !is_serial)))
}
