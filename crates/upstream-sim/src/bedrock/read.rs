//! Reads and checks a Converse request.

use serde_json::{Map, Value};

use super::blocks::{self, bad, check_fields};
use crate::failure::Failure;
use crate::prompt::{AnswerForm, CachePolicy, Prompt, Speaker, Tool, ToolChoice, Turn};
use crate::wire::{count, given, is_name};

const FIELDS: &[&str] = &[
    "messages",
    "system",
    "inferenceConfig",
    "toolConfig",
    "outputConfig",
    "guardrailConfig",
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "promptVariables",
    "requestMetadata",
    "performanceConfig",
    "serviceTier",
];
const MAX_NAME: usize = 64;

pub(super) fn read(model: &str, body: &Map<String, Value>) -> Result<Prompt, Failure> {
    check_fields("", body, FIELDS)?;
    let mut prompt = Prompt::new(model, CachePolicy::Marked);
    prompt.reasoning = true;
    prompt.turns.extend(system(given(body, "system"))?);
    let (turns, uses_tools) = blocks::read(given(body, "messages"))?;
    prompt.turns.extend(turns);
    match given(body, "toolConfig") {
        Some(config) => read_tools(config, &mut prompt)?,
        None if uses_tools => {
            return Err(bad(
                "The toolConfig field must be defined when using toolUse and toolResult content \
                 blocks.",
            ));
        }
        None => {}
    }
    if let Some(config) = given(body, "inferenceConfig") {
        read_inference(config, &mut prompt)?;
    }
    if let Some(config) = given(body, "outputConfig") {
        prompt.answer_form = answer_form(config)?;
    }
    Ok(prompt)
}

fn system(value: Option<&Value>) -> Result<Option<Turn>, Failure> {
    let Some(value) = value else { return Ok(None) };
    let mut turn = Turn::new(Speaker::System);
    for block in value.as_array().into_iter().flatten() {
        let text = block.get("text").and_then(Value::as_str);
        let text = text.filter(|text| !text.trim().is_empty());
        turn.texts.push(text.ok_or_else(|| bad("A system block has no text."))?.to_owned());
    }
    Ok(Some(turn))
}

fn read_tools(config: &Value, prompt: &mut Prompt) -> Result<(), Failure> {
    let tools = config.get("tools").and_then(Value::as_array).filter(|tools| !tools.is_empty());
    for tool in tools.ok_or_else(|| bad("toolConfig.tools must not be empty."))? {
        let spec = tool.get("toolSpec").and_then(Value::as_object);
        let spec = spec.ok_or_else(|| bad("toolConfig.tools: a tool needs a toolSpec."))?;
        check_fields("toolSpec.", spec, &["name", "description", "inputSchema", "strict"])?;
        let name = given(spec, "name").and_then(Value::as_str).unwrap_or_default();
        let schema = given(spec, "inputSchema").and_then(|schema| schema.get("json"));
        let schema =
            schema.filter(|schema| schema.get("type").is_some_and(|kind| kind == "object"));
        let has_blank_description = given(spec, "description").is_some_and(|text| text == "");
        let (true, Some(schema), false) =
            (is_name(name, MAX_NAME, ""), schema, has_blank_description)
        else {
            return Err(bad(format!(
                "toolConfig.tools: {name} needs a valid name, an inputSchema.json of type object, \
                 and no empty description."
            )));
        };
        prompt.tools.push(Tool { name: name.to_owned(), schema: schema.clone() });
    }
    let Some(choice) = config.get("toolChoice") else { return Ok(()) };
    let named = choice.pointer("/tool/name").and_then(Value::as_str);
    prompt.tool_choice = match (choice.get("auto"), choice.get("any"), named) {
        (Some(_), None, None) => ToolChoice::Auto,
        (None, Some(_), None) => ToolChoice::Any,
        (None, None, Some(name)) if prompt.tools.iter().any(|tool| tool.name == name) => {
            ToolChoice::Named(name.to_owned())
        }
        _ => return Err(bad("toolConfig.toolChoice must be one of auto, any, tool.")),
    };
    Ok(())
}

fn read_inference(config: &Value, prompt: &mut Prompt) -> Result<(), Failure> {
    let config = config.as_object().ok_or_else(|| bad("inferenceConfig must be an object."))?;
    check_fields(
        "inferenceConfig.",
        config,
        &["maxTokens", "temperature", "topP", "stopSequences"],
    )?;
    if let Some(limit) = given(config, "maxTokens") {
        let limit = count(Some(limit)).filter(|limit| *limit > 0);
        prompt.max_tokens =
            Some(limit.ok_or_else(|| bad("inferenceConfig.maxTokens must be at least 1."))?);
    }
    for name in ["temperature", "topP"] {
        let value = given(config, name);
        if value.is_some_and(|value| !value.as_f64().is_some_and(|n| (0.0..=1.0).contains(&n))) {
            return Err(bad(format!("inferenceConfig.{name} must be between 0 and 1.")));
        }
    }
    let stops = given(config, "stopSequences").and_then(Value::as_array);
    for stop in stops.into_iter().flatten() {
        let text = stop.as_str().filter(|text| !text.trim().is_empty());
        prompt.stop.push(text.ok_or_else(|| bad("A stop sequence is blank."))?.to_owned());
    }
    Ok(())
}

/// The schema is text, and every object in it must be closed.
fn answer_form(config: &Value) -> Result<AnswerForm, Failure> {
    let format = config.get("textFormat").ok_or_else(|| bad("outputConfig needs textFormat."))?;
    let text = format.pointer("/structure/jsonSchema/schema").and_then(Value::as_str);
    let schema: Option<Value> = text.and_then(|text| serde_json::from_str(text).ok());
    match (format.get("type").and_then(Value::as_str), schema) {
        (Some("json_schema"), Some(schema)) if is_closed(&schema) => {
            Ok(AnswerForm::JsonSchema(schema))
        }
        (Some("json_schema"), Some(_)) => {
            Err(bad("outputConfig: an object in the schema allows additionalProperties."))
        }
        _ => Err(bad("outputConfig.textFormat needs type json_schema and a schema as text.")),
    }
}

fn is_closed(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let is_open = members.contains_key("properties")
                && members.get("additionalProperties") != Some(&Value::Bool(false));
            !is_open && members.values().all(is_closed)
        }
        Value::Array(items) => items.iter().all(is_closed),
        _ => true,
    }
}
