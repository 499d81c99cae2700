//! Tools and the choice among them.

use backstay_core::{
    Result,
    chat::{Tool, ToolChoice},
    limits,
};

use crate::fields::{Object, Path};

/// Functions. Tools that OpenAI runs itself are nobody else's and are reported as dropped.
pub(super) fn tools(body: Object<'_>, lost: &mut Vec<String>) -> Result<Vec<Tool>> {
    let values = body.array("tools")?.unwrap_or_default();
    let path = body.path().field("tools");
    if values.len() > limits::TOOLS_MAX {
        return Err(path.invalid(format_args!("has more than {} tools", limits::TOOLS_MAX)));
    }
    let mut tools = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        let path = path.index(at);
        let members = path.object(value)?;
        if members.required_text("type")? != "function" {
            lost.push(path.to_string());
            continue;
        }
        tools.push(Tool::Function {
            name: members.required_text("name")?.to_owned(),
            description: members.owned_text("description")?,
            parameters: members.get("parameters").cloned(),
            strict: members.flag("strict")?,
        });
    }
    Ok(tools)
}

pub(super) fn choice(body: Object<'_>, lost: &mut Vec<String>) -> Result<Option<ToolChoice>> {
    let Some(value) = body.get("tool_choice") else { return Ok(None) };
    let path: Path<'_> = body.path().field("tool_choice");
    if let Some(word) = value.as_str() {
        return match word {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            "required" => Ok(Some(ToolChoice::Required)),
            _ => Err(path.invalid("must be auto, none, required or an object that names a tool")),
        };
    }
    let members = path.object(value)?;
    if members.required_text("type")? != "function" {
        lost.push("tool_choice".to_owned());
        return Ok(None);
    }
    Ok(Some(ToolChoice::Named(members.required_text("name")?.to_owned())))
}
