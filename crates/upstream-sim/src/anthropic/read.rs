//! Reads and checks a messages request.

use serde_json::{Map, Value};

use super::{messages, tool_use};
use crate::failure::Failure;
use crate::prompt::{AnswerForm, CachePolicy, Prompt, Speaker, ToolChoice, Turn};
use crate::wire::{count, given};

/// Every field that the provider knows; others are refused.
const FIELDS: &[&str] = &[
    "model",
    "max_tokens",
    "messages",
    "system",
    "metadata",
    "stop_sequences",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "service_tier",
    "container",
    "context_management",
    "mcp_servers",
    "output_config",
    "output_format",
    "cache_control",
    "inference_geo",
    "speed",
];
const MIN_THINKING_TOKENS: usize = 1_024;
const MAX_CACHE_MARKS: usize = 4;

/// A request for an answer.
pub(crate) fn read(body: &Map<String, Value>) -> Result<Prompt, Failure> {
    let mut prompt = read_for_count(body)?;
    let max_tokens = match given(body, "max_tokens") {
        None => return Err(Failure::bad_request("max_tokens: Field required")),
        value => count(value),
    };
    let Some(max_tokens) = max_tokens.filter(|limit| *limit > 0) else {
        return Err(Failure::bad_request("max_tokens: Input should be greater than or equal to 1"));
    };
    prompt.max_tokens = Some(max_tokens);
    prompt.reasoning = thinking(body, max_tokens, &prompt.tool_choice)?;
    if prompt.reasoning && prompt.model.starts_with("sim-think") {
        tool_use::check_thinking_is_kept(given(body, "messages"))?;
    }
    prompt.stream = given(body, "stream") == Some(&Value::Bool(true));
    prompt.stop = stop_sequences(given(body, "stop_sequences"))?;
    prompt.answer_form = answer_form(body)?;
    if let Some(temperature) = given(body, "temperature") {
        check_temperature(temperature, prompt.reasoning)?;
    }
    Ok(prompt)
}

/// The part of a request that is counted; it needs no `max_tokens`.
pub(crate) fn read_for_count(body: &Map<String, Value>) -> Result<Prompt, Failure> {
    if let Some(unknown) = body.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(Failure::bad_request(format!("{unknown}: Extra inputs are not permitted")));
    }
    let model = given(body, "model").and_then(Value::as_str);
    let model = model.ok_or_else(|| Failure::bad_request("model: Field required"))?;
    let mut prompt = Prompt::new(model, CachePolicy::Marked);
    prompt.turns.extend(system(given(body, "system"))?);
    prompt.turns.extend(messages::read(given(body, "messages"))?);
    if body.contains_key("cache_control")
        && let Some(last) = prompt.turns.last_mut()
    {
        last.cache_mark = true;
    }
    check_cache_marks(body)?;
    prompt.tools = tool_use::tools(given(body, "tools"))?;
    (prompt.tool_choice, prompt.parallel_tool_calls) =
        tool_use::tool_choice(given(body, "tool_choice"), &prompt.tools)?;
    Ok(prompt)
}

fn system(value: Option<&Value>) -> Result<Option<Turn>, Failure> {
    let mut turn = Turn::new(Speaker::System);
    match value {
        None => return Ok(None),
        Some(Value::String(text)) => turn.texts.push(text.clone()),
        Some(Value::Array(blocks)) => {
            for (at, block) in blocks.iter().enumerate() {
                let text = block.get("text").and_then(Value::as_str);
                if block.get("type").and_then(Value::as_str) != Some("text") || text.is_none() {
                    let message = format!("system.{at}: Input should be a text block");
                    return Err(Failure::bad_request(message));
                }
                if text.is_some_and(str::is_empty) {
                    let message = "system: text content blocks must be non-empty";
                    return Err(Failure::bad_request(message));
                }
                turn.texts.extend(text.map(str::to_owned));
                turn.cache_mark |= block.get("cache_control").is_some_and(Value::is_object);
            }
        }
        Some(_) => {
            let message = "system: Input should be a valid string or a list of text blocks";
            return Err(Failure::bad_request(message));
        }
    }
    Ok(Some(turn))
}

/// Whether thinking is on.
fn thinking(
    body: &Map<String, Value>,
    max_tokens: usize,
    tool_choice: &ToolChoice,
) -> Result<bool, Failure> {
    let Some(thinking) = given(body, "thinking") else { return Ok(false) };
    match thinking.get("type").and_then(Value::as_str) {
        Some("disabled") => return Ok(false),
        Some("adaptive") => {}
        Some("enabled") => {
            let budget = count(thinking.get("budget_tokens")).ok_or_else(|| {
                Failure::bad_request("thinking.enabled.budget_tokens: Field required")
            })?;
            if budget < MIN_THINKING_TOKENS {
                return Err(Failure::bad_request(
                    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
                ));
            }
            if budget >= max_tokens {
                return Err(Failure::bad_request(
                    "`max_tokens` must be greater than `thinking.budget_tokens`.",
                ));
            }
        }
        _ => {
            return Err(Failure::bad_request(
                "thinking: Input tag must be one of: 'disabled', 'enabled', 'adaptive'",
            ));
        }
    }
    if matches!(tool_choice, ToolChoice::Any | ToolChoice::Named(_)) {
        return Err(Failure::bad_request(
            "Thinking may not be enabled when tool_choice forces tool use.",
        ));
    }
    Ok(true)
}

fn check_temperature(temperature: &Value, thinking: bool) -> Result<(), Failure> {
    match temperature.as_f64() {
        Some(1.0) => Ok(()),
        Some(_) if thinking => Err(Failure::bad_request(
            "`temperature` may only be set to 1 when thinking is enabled.",
        )),
        Some(value) if (0.0..=1.0).contains(&value) => Ok(()),
        _ => Err(Failure::bad_request("temperature: range: 0..1")),
    }
}

fn stop_sequences(value: Option<&Value>) -> Result<Vec<String>, Failure> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let stops: Option<Vec<String>> = value
        .as_array()
        .and_then(|all| all.iter().map(|stop| stop.as_str().map(str::to_owned)).collect());
    let stops = stops.ok_or_else(|| {
        Failure::bad_request("stop_sequences: Input should be a valid list of strings")
    })?;
    if stops.iter().any(|stop| stop.trim().is_empty()) {
        let message = "stop_sequences: each stop sequence must contain non-whitespace";
        return Err(Failure::bad_request(message));
    }
    Ok(stops)
}

fn answer_form(body: &Map<String, Value>) -> Result<AnswerForm, Failure> {
    let config = given(body, "output_config").and_then(|config| config.get("format"));
    let Some(format) = config.or(given(body, "output_format")).filter(|format| !format.is_null())
    else {
        return Ok(AnswerForm::Text);
    };
    if format.get("type").and_then(Value::as_str) != Some("json_schema") {
        let message = "output_config.format.type: Input should be 'json_schema'";
        return Err(Failure::bad_request(message));
    }
    let schema = format
        .get("schema")
        .filter(|schema| schema.is_object())
        .ok_or_else(|| Failure::bad_request("output_config.format.schema: Field required"))?;
    check_closed(schema)?;
    Ok(AnswerForm::JsonSchema(schema.clone()))
}

/// Structured outputs want every object closed.
fn check_closed(schema: &Value) -> Result<(), Failure> {
    match schema {
        Value::Object(fields) => {
            let is_object = fields.get("type").and_then(Value::as_str) == Some("object");
            if is_object && fields.get("additionalProperties") != Some(&Value::Bool(false)) {
                return Err(Failure::bad_request(
                    "output_config.format.schema: For 'object' type, 'additionalProperties' must be \
                     explicitly set to false",
                ));
            }
            fields.values().try_for_each(check_closed)
        }
        Value::Array(parts) => parts.iter().try_for_each(check_closed),
        _ => Ok(()),
    }
}

fn check_cache_marks(body: &Map<String, Value>) -> Result<(), Failure> {
    let marked = |value: &Value| value.get("cache_control").is_some_and(Value::is_object);
    let in_list = |value: Option<&Value>| {
        value
            .and_then(Value::as_array)
            .map_or(0, |all| all.iter().filter(|one| marked(one)).count())
    };
    let messages = given(body, "messages").and_then(Value::as_array);
    let in_messages: usize =
        messages.map_or(0, |all| all.iter().map(|one| in_list(one.get("content"))).sum());
    let found = in_list(body.get("system")) + in_list(body.get("tools")) + in_messages;
    if found > MAX_CACHE_MARKS {
        return Err(Failure::bad_request(format!(
            "A maximum of {MAX_CACHE_MARKS} blocks with cache_control may be provided. Found {found}."
        )));
    }
    Ok(())
}
