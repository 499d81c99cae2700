//! Reads and checks a chat completion request.

use serde_json::{Map, Value};

use super::{Extra, messages};
use crate::failure::Failure;
use crate::prompt::{AnswerForm, CachePolicy, Prompt, Speaker, Tool, ToolChoice};
use crate::wire::{Call, count, given, is_name};

const MAX_CHOICES: usize = 128;
const MAX_STOPS: usize = 4;
const MAX_TOP_LOGPROBS: usize = 20;
const MAX_NAME: usize = 64;

pub(crate) fn read(call: &Call<'_>) -> Result<(Prompt, Extra), Failure> {
    let body = call.body;
    let model = given(body, "model").and_then(Value::as_str);
    let model = model.ok_or_else(|| Failure::bad_request("you must provide a model parameter"))?;
    let mut prompt = Prompt::new(model, CachePolicy::Automatic);
    prompt.turns = messages::read(given(body, "messages"))?;
    prompt.reasoning = true;
    prompt.stream = flag(body, "stream")?;
    prompt.tools = tools(given(body, "tools"))?;
    prompt.tool_choice = tool_choice(given(body, "tool_choice"), &prompt.tools)?;
    prompt.parallel_tool_calls = given(body, "parallel_tool_calls") != Some(&Value::Bool(false));
    prompt.answer_form = answer_form(given(body, "response_format"))?;
    if matches!(prompt.answer_form, AnswerForm::JsonObject) {
        check_json_is_mentioned(&prompt)?;
    }
    prompt.max_tokens = max_tokens(body)?;
    prompt.stop = stops(given(body, "stop"))?;
    prompt.choices = number_in(body, "n", 1, MAX_CHOICES)?.unwrap_or(1);
    check_range(body, "temperature", 0.0, 2.0)?;
    check_range(body, "top_p", 0.0, 1.0)?;
    let extra = Extra {
        id: call.id,
        include_usage: include_usage(body, prompt.stream)?,
        top_logprobs: top_logprobs(body)?,
    };
    Ok((prompt, extra))
}

fn flag(body: &Map<String, Value>, name: &str) -> Result<bool, Failure> {
    match given(body, name) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => {
            let message = format!("Invalid type for '{name}': expected a boolean.");
            Err(Failure::bad_field(name, message))
        }
    }
}

fn number_in(
    body: &Map<String, Value>,
    name: &str,
    least: usize,
    most: usize,
) -> Result<Option<usize>, Failure> {
    let Some(value) = given(body, name) else { return Ok(None) };
    match count(Some(value)).filter(|number| (least..=most).contains(number)) {
        Some(number) => Ok(Some(number)),
        None => {
            let message = format!(
                "Invalid '{name}': expected an integer between {least} and {most}, got {value}."
            );
            Err(Failure::bad_field(name, message))
        }
    }
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
    let message = format!("Invalid '{name}': expected a number between {least} and {most}.");
    Err(Failure::bad_field(name, message))
}

fn max_tokens(body: &Map<String, Value>) -> Result<Option<usize>, Failure> {
    let old = number_in(body, "max_tokens", 1, usize::MAX)?;
    let new = number_in(body, "max_completion_tokens", 1, usize::MAX)?;
    if old.is_some() && new.is_some() {
        return Err(Failure::bad_request(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        ));
    }
    Ok(new.or(old))
}

fn stops(value: Option<&Value>) -> Result<Vec<String>, Failure> {
    let stops: Option<Vec<String>> = match value {
        None => Some(Vec::new()),
        Some(Value::String(stop)) => Some(vec![stop.clone()]),
        Some(Value::Array(stops)) => {
            stops.iter().map(|stop| stop.as_str().map(str::to_owned)).collect()
        }
        Some(_) => None,
    };
    stops.filter(|stops| stops.len() <= MAX_STOPS).ok_or_else(|| {
        Failure::bad_field("stop", "Invalid 'stop': expected a string or at most 4 strings.")
    })
}

fn include_usage(body: &Map<String, Value>, stream: bool) -> Result<bool, Failure> {
    let Some(options) = given(body, "stream_options") else { return Ok(false) };
    if !stream {
        return Err(Failure::bad_field(
            "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        ));
    }
    Ok(options.get("include_usage") == Some(&Value::Bool(true)))
}

fn top_logprobs(body: &Map<String, Value>) -> Result<Option<usize>, Failure> {
    let top = number_in(body, "top_logprobs", 0, MAX_TOP_LOGPROBS)?;
    match (flag(body, "logprobs")?, top) {
        (true, top) => Ok(Some(top.unwrap_or(0))),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(Failure::bad_field(
            "top_logprobs",
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
        )),
    }
}

fn tools(value: Option<&Value>) -> Result<Vec<Tool>, Failure> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let listed = value.as_array().filter(|tools| !tools.is_empty()).ok_or_else(|| {
        Failure::bad_field("tools", "Invalid 'tools': expected an array with at least one tool.")
    })?;
    listed.iter().enumerate().map(|(at, tool)| read_tool(at, tool)).collect()
}

fn read_tool(at: usize, tool: &Value) -> Result<Tool, Failure> {
    let param = |field: &str| format!("tools[{at}].{field}");
    if tool.get("type").and_then(Value::as_str) != Some("function") {
        let message = format!("Invalid value for 'tools[{at}].type'. Supported value: 'function'.");
        return Err(Failure::bad_field(param("type"), message));
    }
    let function = tool.get("function").and_then(Value::as_object).ok_or_else(|| {
        let message = format!("Missing required parameter: 'tools[{at}].function'.");
        Failure::bad_field(param("function"), message)
    })?;
    let name = given(function, "name").and_then(Value::as_str).unwrap_or_default();
    if !is_name(name, MAX_NAME, "") {
        let message = format!(
            "Invalid 'tools[{at}].function.name': string does not match pattern. Expected a string \
             that matches the pattern '^[a-zA-Z0-9_-]+$' of at most 64 characters."
        );
        return Err(Failure::bad_field(param("function.name"), message));
    }
    let schema =
        given(function, "parameters").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    let wrong_type = schema.get("type").is_some_and(|kind| kind != "object");
    if !schema.is_object() || wrong_type {
        let message = format!(
            "Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"'."
        );
        return Err(Failure::bad_field(param("function.parameters"), message));
    }
    if function.get("strict") == Some(&Value::Bool(true)) {
        check_strict(&schema, &format!("function '{name}'"), &param("function.parameters"))?;
    }
    Ok(Tool { name: name.to_owned(), schema })
}

fn tool_choice(value: Option<&Value>, tools: &[Tool]) -> Result<ToolChoice, Failure> {
    let invalid = |message: &str| Err(Failure::bad_field("tool_choice", message));
    let Some(value) = value else { return Ok(ToolChoice::Auto) };
    if tools.is_empty() {
        return invalid(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are \
             specified.",
        );
    }
    match value.as_str() {
        Some("auto") => return Ok(ToolChoice::Auto),
        Some("none") => return Ok(ToolChoice::Never),
        Some("required") => return Ok(ToolChoice::Any),
        _ => {}
    }
    let name = value.pointer("/function/name").and_then(Value::as_str);
    match name {
        Some(name) if tools.iter().any(|tool| tool.name == name) => {
            Ok(ToolChoice::Named(name.to_owned()))
        }
        Some(_) => invalid("Invalid value for 'tool_choice': the function is not in 'tools'."),
        None => invalid(
            "Invalid value for 'tool_choice': expected 'none', 'auto', 'required' or a function.",
        ),
    }
}

fn answer_form(value: Option<&Value>) -> Result<AnswerForm, Failure> {
    let Some(format) = value else { return Ok(AnswerForm::Text) };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(AnswerForm::Text),
        Some("json_object") => Ok(AnswerForm::JsonObject),
        Some("json_schema") => {
            let named = format.get("json_schema").and_then(Value::as_object);
            let name = named.and_then(|named| named.get("name")).and_then(Value::as_str);
            let name = name.filter(|name| is_name(name, MAX_NAME, "")).ok_or_else(|| {
                let param = "response_format.json_schema.name";
                Failure::bad_field(param, format!("Missing required parameter: '{param}'."))
            })?;
            let Some(schema) = named.and_then(|named| given(named, "schema")) else {
                return Ok(AnswerForm::JsonObject);
            };
            if named.and_then(|named| named.get("strict")) == Some(&Value::Bool(true)) {
                check_strict(schema, &format!("response_format '{name}'"), "response_format")?;
            }
            Ok(AnswerForm::JsonSchema(schema.clone()))
        }
        _ => Err(Failure::bad_field(
            "response_format.type",
            "Invalid value for 'response_format.type'. Supported values are: 'json_object', \
             'json_schema', and 'text'.",
        )),
    }
}

/// Strict schemas close every object and require every property.
fn check_strict(schema: &Value, what: &str, param: &str) -> Result<(), Failure> {
    let invalid = |reason: &str| {
        let message = format!("Invalid schema for {what}: {reason}");
        Err(Failure::bad_field(param, message))
    };
    match schema {
        Value::Object(fields) => {
            if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
                if fields.get("additionalProperties") != Some(&Value::Bool(false)) {
                    return invalid(
                        "'additionalProperties' is required to be supplied and to be false.",
                    );
                }
                let required = fields.get("required").and_then(Value::as_array);
                let is_required =
                    |name: &String| required.is_some_and(|all| all.iter().any(|one| one == name));
                if let Some(name) = properties.keys().find(|name| !is_required(name)) {
                    return invalid(&format!(
                        "'required' is required to be supplied and to be an array including every \
                         key in properties. Missing '{name}'."
                    ));
                }
            }
            fields.values().try_for_each(|part| check_strict(part, what, param))
        }
        Value::Array(parts) => parts.iter().try_for_each(|part| check_strict(part, what, param)),
        _ => Ok(()),
    }
}

fn check_json_is_mentioned(prompt: &Prompt) -> Result<(), Failure> {
    let said = prompt.turns.iter().filter(|turn| turn.speaker != Speaker::Tool);
    if said.flat_map(|turn| &turn.texts).any(|text| text.to_lowercase().contains("json")) {
        return Ok(());
    }
    Err(Failure::bad_field(
        "messages",
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type \
         'json_object'.",
    ))
}
