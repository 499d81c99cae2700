//! Function declarations, and the mode in which they may be called.

use serde_json::{Map, Value};

use super::field;
use crate::failure::Failure;
use crate::prompt::{Tool, ToolChoice};
use crate::wire::is_name;

const TOOL_FIELDS: &[&str] = &[
    "functionDeclarations",
    "googleSearch",
    "googleSearchRetrieval",
    "codeExecution",
    "urlContext",
    "computerUse",
    "fileSearch",
    "googleMaps",
    "mcpServers",
];
const DECLARATION_FIELDS: &[&str] = &[
    "name",
    "description",
    "parameters",
    "parametersJsonSchema",
    "response",
    "responseJsonSchema",
    "behavior",
];
/// The part of OpenAPI's schema that Gemini knows. `additionalProperties`, `$ref`, `$schema`,
/// `const` and `oneOf` are not in it; they belong in `parametersJsonSchema`.
const SCHEMA_FIELDS: &[&str] = &[
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "maxItems",
    "minItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "items",
    "minimum",
    "maximum",
];
const MAX_NAME: usize = 64;

pub(crate) fn tools(value: Option<&Value>) -> Result<Vec<Tool>, Failure> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let listed = match value {
        Value::Array(tools) => tools.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut tools = Vec::new();
    for (at, tool) in listed.iter().enumerate() {
        let object = field::object(&format!("tools[{at}]"), tool, TOOL_FIELDS)?;
        let declared = field::get(object, "functionDeclarations").and_then(Value::as_array);
        for (index, declaration) in declared.into_iter().flatten().enumerate() {
            let place = format!("tools[{at}].functionDeclarations[{index}]");
            tools.push(declaration_tool(&place, declaration)?);
        }
    }
    Ok(tools)
}

fn declaration_tool(place: &str, declaration: &Value) -> Result<Tool, Failure> {
    let object = field::object(place, declaration, DECLARATION_FIELDS)?;
    let name = field::get(object, "name").and_then(Value::as_str).unwrap_or_default();
    if !is_name(name, MAX_NAME, ".:") {
        return Err(Failure::bad_request(format!(
            "* GenerateContentRequest.{place}.name: Invalid function name. Must start with a letter \
             or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons \
             (:), or dashes (-), with a maximum length of 64.\n"
        )));
    }
    let schema =
        match (field::get(object, "parameters"), field::get(object, "parametersJsonSchema")) {
            (Some(_), Some(_)) => {
                return Err(Failure::bad_field(
                    place,
                    "Only one of parameters and parameters_json_schema can be set.",
                ));
            }
            (Some(schema), None) => {
                check_schema(&format!("{place}.parameters"), schema)?;
                schema.clone()
            }
            (None, Some(schema)) => schema.clone(),
            (None, None) => Value::Object(Map::new()),
        };
    Ok(Tool { name: name.to_owned(), schema })
}

/// Refuses keywords that Gemini's own schema language does not have.
pub(crate) fn check_schema(place: &str, schema: &Value) -> Result<(), Failure> {
    let object = field::object(place, schema, SCHEMA_FIELDS)?;
    if let Some(items) = object.get("items") {
        check_schema(&format!("{place}.items"), items)?;
    }
    let properties = object.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        check_schema(&format!("{place}.properties[{name}]"), property)?;
    }
    let branches = field::get(object, "anyOf").and_then(Value::as_array);
    for (at, branch) in branches.into_iter().flatten().enumerate() {
        check_schema(&format!("{place}.anyOf[{at}]"), branch)?;
    }
    match object.get("type") {
        None | Some(Value::String(_)) => Ok(()),
        Some(_) => {
            let message = format!(
                "Invalid value at '{place}.type' (type.googleapis.com/google.ai.generativelanguage.\
                 v1beta.Type): Proto field is not repeating, cannot start list."
            );
            Err(Failure::bad_field(place, message))
        }
    }
}

pub(crate) fn choice(value: Option<&Value>, tools: &[Tool]) -> Result<ToolChoice, Failure> {
    let Some(value) = value else { return Ok(ToolChoice::Auto) };
    let known = ["functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"];
    let object = field::object("toolConfig", value, &known)?;
    let Some(config) = field::get(object, "functionCallingConfig") else {
        return Ok(ToolChoice::Auto);
    };
    let place = "toolConfig.functionCallingConfig";
    let config = field::object(place, config, &["mode", "allowedFunctionNames"])?;
    let allowed: Vec<&str> = field::get(config, "allowedFunctionNames")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mode = field::get(config, "mode").and_then(Value::as_str).unwrap_or("AUTO");
    if mode == "AUTO" && !allowed.is_empty() {
        return Err(Failure::bad_request(
            "allowed_function_names can only be set when the function calling mode is ANY or \
             VALIDATED.",
        ));
    }
    if let Some(unknown) = allowed.iter().find(|name| !tools.iter().any(|tool| tool.name == **name))
    {
        return Err(Failure::bad_request(format!(
            "allowed_function_names: `{unknown}` is not one of the function declarations."
        )));
    }
    match (mode, allowed.first()) {
        ("AUTO" | "VALIDATED" | "MODE_UNSPECIFIED", _) => Ok(ToolChoice::Auto),
        ("NONE", _) => Ok(ToolChoice::Never),
        ("ANY", Some(name)) => Ok(ToolChoice::Named((*name).to_owned())),
        ("ANY", None) => Ok(ToolChoice::Any),
        _ => Err(Failure::bad_field(
            "tool_config.function_calling_config.mode",
            format!("Invalid value at 'tool_config.function_calling_config.mode': \"{mode}\""),
        )),
    }
}
