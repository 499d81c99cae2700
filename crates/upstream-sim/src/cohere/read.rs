//! Reads and checks a chat request.

use serde_json::{Map, Value};

use super::messages;
use crate::failure::Failure;
use crate::prompt::{AnswerForm, CachePolicy, Prompt, Tool, ToolChoice};
use crate::wire::{count, given};

/// Every field that the provider knows; others are refused.
const FIELDS: &[&str] = &[
    "model",
    "messages",
    "stream",
    "tools",
    "strict_tools",
    "tool_choice",
    "documents",
    "citation_options",
    "response_format",
    "safety_mode",
    "max_tokens",
    "stop_sequences",
    "temperature",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "k",
    "p",
    "logprobs",
    "thinking",
    "priority",
];
const MAX_STOPS: usize = 5;

pub(crate) fn read(body: &Map<String, Value>) -> Result<Prompt, Failure> {
    check_fields(body, FIELDS)?;
    let model = given(body, "model").and_then(Value::as_str);
    let model = model.ok_or_else(|| bad("model is required"))?;
    let mut prompt = Prompt::new(model, CachePolicy::Automatic);
    prompt.turns = messages::read(given(body, "messages"))?;
    prompt.stream = given(body, "stream") == Some(&Value::Bool(true));
    prompt.tools = tools(given(body, "tools"))?;
    prompt.tool_choice = tool_choice(given(body, "tool_choice"), &prompt.tools)?;
    prompt.answer_form = answer_form(given(body, "response_format"), &prompt.tools)?;
    prompt.reasoning = thinks(given(body, "thinking"))?;
    if let Some(limit) = given(body, "max_tokens") {
        let limit = count(Some(limit)).filter(|limit| *limit > 0);
        prompt.max_tokens = Some(limit.ok_or_else(|| bad("max_tokens must be at least 1"))?);
    }
    prompt.stop = stops(given(body, "stop_sequences"))?;
    for name in ["frequency_penalty", "presence_penalty", "p"] {
        check_range(body, name, 0.0, 1.0)?;
    }
    check_range(body, "temperature", 0.0, 2.0)?;
    check_range(body, "k", 0.0, 500.0)?;
    Ok(prompt)
}

pub(super) fn check_fields(body: &Map<String, Value>, known: &[&str]) -> Result<(), Failure> {
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Failure::bad_field(
            unknown.as_str(),
            format!("invalid request: unknown field: parameter '{unknown}' is not a valid field."),
        )),
        None => Ok(()),
    }
}

pub(super) fn bad(what: &str) -> Failure {
    Failure::bad_request(format!("invalid request: {what}."))
}

fn check_range(
    body: &Map<String, Value>,
    name: &str,
    least: f64,
    most: f64,
) -> Result<(), Failure> {
    let Some(value) = given(body, name) else { return Ok(()) };
    if value.as_f64().is_some_and(|number| (least..=most).contains(&number)) {
        return Ok(());
    }
    Err(bad(&format!("{name} must be between {least} and {most}")))
}

fn stops(value: Option<&Value>) -> Result<Vec<String>, Failure> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let texts: Option<Vec<String>> = value
        .as_array()
        .and_then(|all| all.iter().map(|stop| stop.as_str().map(str::to_owned)).collect());
    texts
        .filter(|stops| stops.len() <= MAX_STOPS)
        .ok_or_else(|| bad("stop_sequences must be at most 5 strings"))
}

fn tools(value: Option<&Value>) -> Result<Vec<Tool>, Failure> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let listed = value.as_array().filter(|tools| !tools.is_empty());
    let listed = listed.ok_or_else(|| bad("tools must be a non-empty array"))?;
    let read = |tool: &Value| {
        let text = |pointer: &str| tool.pointer(pointer).and_then(Value::as_str);
        let schema = tool.pointer("/function/parameters").filter(|schema| schema.is_object());
        let (Some("function"), Some(name), Some(schema)) =
            (text("/type"), text("/function/name"), schema)
        else {
            return Err(bad("a tool needs type, function.name and function.parameters"));
        };
        Ok(Tool { name: name.to_owned(), schema: schema.clone() })
    };
    listed.iter().map(read).collect()
}

fn tool_choice(value: Option<&Value>, tools: &[Tool]) -> Result<ToolChoice, Failure> {
    let Some(value) = value else { return Ok(ToolChoice::Auto) };
    if tools.is_empty() {
        return Err(bad("tool_choice needs tools"));
    }
    match value.as_str() {
        Some("REQUIRED") => Ok(ToolChoice::Any),
        Some("NONE") => Ok(ToolChoice::Never),
        _ => Err(bad("tool_choice must be REQUIRED or NONE")),
    }
}

fn answer_form(value: Option<&Value>, tools: &[Tool]) -> Result<AnswerForm, Failure> {
    let Some(format) = value else { return Ok(AnswerForm::Text) };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(AnswerForm::Text),
        Some("json_object") if !tools.is_empty() => {
            Err(bad("response_format is not supported together with tools"))
        }
        Some("json_object") => Ok(match format.get("json_schema") {
            Some(schema) => AnswerForm::JsonSchema(schema.clone()),
            None => AnswerForm::JsonObject,
        }),
        _ => Err(bad("response_format.type must be text or json_object")),
    }
}

/// Models that reason do so unless they are told not to.
fn thinks(value: Option<&Value>) -> Result<bool, Failure> {
    let Some(value) = value else { return Ok(true) };
    match value.get("type").and_then(Value::as_str) {
        Some("enabled") => Ok(true),
        Some("disabled") => Ok(false),
        _ => Err(bad("thinking.type must be enabled or disabled")),
    }
}
